"""Should we? Checks before and after the picture is made."""
