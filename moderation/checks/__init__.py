"""One check a file; the file's name is its name in `MURALIST_CHECKS`.

To add one, write `moderation/checks/<name>.py` with

    STAGES = {Stage.PROMPT}  # and PHOTO, and PICTURE

    def open(settings: CheckSettings) -> Callable[[Subject], Verdict]: ...

`open` reads what the check needs, once; what is heavy waits for the first look. What it
returns is called in a thread of its own and knows nothing but its subject: no
database, no clock. Whatever it raises means "a person must look", never "let it pass". The
contract test finds the file by itself.
"""
