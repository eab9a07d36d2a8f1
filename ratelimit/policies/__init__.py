"""One policy a file; the file's name is its name in `MURALIST_POLICIES`.

To add one, write `ratelimit/policies/<name>.py` with

    def decide(ask: Ask, usage: Usage, now: float) -> Decision: ...

It must be pure (`now` is given, nothing is read) and answer `Admit` with what is
left afterwards, or `Refuse` with a reason and the time to try again. The contract
test finds the file by itself.
"""
