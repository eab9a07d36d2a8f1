"""A no, as X words it: status, the problem's title and type, and the sentence."""

from __future__ import annotations

from typing import Any

PROBLEMS = "https://api.twitter.com/2/problems"


class Refusal(Exception):  # noqa: N818  a no is X's right, not an error of ours
    """`offence` is set when only a careless client can have asked."""

    def __init__(
        self, status: int, title: str, detail: str, *, kind: str = "about:blank", offence: str = ""
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.offence = offence
        self.body: dict[str, Any] = {
            "title": title,
            "detail": detail,
            "type": kind,
            "status": status,
        }


def invalid(detail: str) -> Refusal:
    """The request itself is wrong: a client that knew the rules would not have sent it."""
    refusal = Refusal(
        400,
        "Invalid Request",
        "One or more parameters to your request was invalid.",
        kind=f"{PROBLEMS}/invalid-request",
        offence=f"malformed: {detail}",
    )
    refusal.body["errors"] = [{"message": detail}]
    return refusal


def unknown_parameter(name: str) -> Refusal:
    """X has renamed it: who does not know that yet is not careless."""
    refusal = invalid(f"The query parameter [{name}] is not one of [ids,expansions]")
    refusal.offence = ""
    return refusal


def forbidden(detail: str, *, offence: str = "", kind: str = "about:blank") -> Refusal:
    return Refusal(403, "Forbidden", detail, kind=kind, offence=offence)


def unauthorized(why: str) -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized", offence=why)


def no_such(resource: str) -> Refusal:
    return Refusal(
        404,
        "Not Found Error",
        f"Could not find {resource}.",
        kind=f"{PROBLEMS}/resource-not-found",
    )


def not_summoned(*, careless: bool) -> Refusal:
    return forbidden(
        "Reply to this conversation is not allowed because you have not been mentioned or "
        "otherwise engaged by the author of the post you are replying to.",
        offence="reply to somebody who did not summon the bot" if careless else "",
    )


def not_visible() -> Refusal:
    return forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")


def restricted() -> Refusal:
    return forbidden("Reply to this conversation is not allowed because its author restricts it.")


def blocked() -> Refusal:
    return forbidden("You have been blocked from the author of this tweet.")


def duplicate() -> Refusal:
    return forbidden("You are not allowed to create a Tweet with duplicate content.")


def bad_media(why: str) -> Refusal:
    refusal = invalid("Your media IDs are invalid.")
    refusal.offence = f"media: {why}"
    return refusal


def locked() -> Refusal:
    return forbidden(
        "To protect our users from spam and other malicious activity, this account is "
        "temporarily locked. Please log in to https://twitter.com to unlock your account."
    )


def suspended() -> Refusal:
    return forbidden("Your account is suspended and is not permitted to access this feature.")


def missing_scope() -> Refusal:
    return forbidden(
        "Your client app is not configured with the appropriate oauth1 app permissions "
        "for this endpoint.",
        kind=f"{PROBLEMS}/oauth1-permissions",
    )


def no_credits() -> Refusal:
    return Refusal(
        402,
        "CreditsDepleted",
        "Your enrolled account does not have any credits to fulfill this request.",
        kind=f"{PROBLEMS}/credits",
    )
