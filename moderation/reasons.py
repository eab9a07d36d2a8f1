"""What moderators say when they refuse: whole enough to follow "I will not paint that:"."""

from __future__ import annotations

CANNED = (
    "it asks for something sexual",
    "it asks for violence or gore",
    "it demeans people for who they are",
    "it shows a real person who did not ask for it",
    "it uses somebody else's photo",
    "it could pass for real news or a real document",
    "it advertises or misleads",
    "it is not what this place is for",
)


def spelt_out(reason: str) -> str:
    """A canned reason by its number, beginning with 1, or the words themselves."""
    if reason.isdecimal() and 1 <= int(reason) <= len(CANNED):
        return CANNED[int(reason) - 1]
    return reason
