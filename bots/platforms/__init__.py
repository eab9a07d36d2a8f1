"""One social network a file; the file's name is its name in `MURALIST_PLATFORMS`.

To add one, write `bots/platforms/<name>.py` with

    def open(house: House) -> AbstractAsyncContextManager[Platform]: ...

which logs in, yields an object that follows `bots.platform.Platform`, and lets go
of everything at the end of the scope. Four things make it safe:

- `mentions(cursor)` may repeat itself but never skips: the inbox knows what it has
  seen, by `Mention.source_id`, and hands back the last cursor after a restart.
- `reply` says by `PlatformError.outcome` whether a failed request may have had its
  effect. Where that is unknown, `find` is asked before anything is posted again.
- Where a repeat would post twice, `manners` say so: `prepare` then uploads before the
  intent to post is committed, and a look proves absence only after the settle time.
- An account is (platform, user id). Handles change hands; never decide by them.

Settings of its own go into `bots/settings.py`, sentences into `bots/wording.py`.
The contract test finds the file by itself. `sandbox.py` is the one to read first:
it needs neither account nor network.
"""
