"""One check a file; the file's name is its name in `MURALIST_CHECKS`.

To add one, write `moderation/checks/<name>.py` with

    STAGE = Stage.PROMPT  # or PHOTO, or PICTURE

    def open() -> Callable[[Subject], Verdict]: ...

`open` loads what the check needs, once; what it returns is called in a worker
thread. Whatever it raises means "a person must look", never "let it pass". The
contract test finds the file by itself.
"""
