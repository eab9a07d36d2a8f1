"""A no, as Discord words it: status, code, sentence."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818  a no is Discord's right, not an error of ours
    """`offence` is set when only a careless client can have asked."""

    def __init__(self, status: int, code: int, message: str, *, offence: str = "") -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.offence = offence
        self.body: dict[str, Any] = {"message": message, "code": code}


def form(path: str, why: str, kind: str = "BASE_TYPE_BAD") -> Refusal:
    """50035: the request itself is wrong. `path` is dotted, as in `embeds.0.title`."""
    refusal = Refusal(400, 50035, "Invalid Form Body", offence=f"form: {path}: {why}")
    errors: dict[str, Any] = {"_errors": [{"code": kind, "message": why}]}
    for step in reversed(path.split(".")):
        errors = {step: errors}
    refusal.body["errors"] = errors
    return refusal


def no_route(path: str) -> Refusal:
    return Refusal(404, 0, "404: Not Found", offence=f"no such route: {path}")


def unauthorized(why: str) -> Refusal:
    return Refusal(401, 0, "401: Unauthorized", offence=why)


def unknown_channel() -> Refusal:
    return Refusal(404, 10003, "Unknown Channel")


def unknown_guild() -> Refusal:
    return Refusal(404, 10004, "Unknown Guild")


def unknown_message() -> Refusal:
    return Refusal(404, 10008, "Unknown Message")


def unknown_user() -> Refusal:
    return Refusal(404, 10013, "Unknown User")


def unknown_webhook(*, offence: str = "") -> Refusal:
    return Refusal(404, 10015, "Unknown Webhook", offence=offence)


def unknown_entitlement() -> Refusal:
    return Refusal(404, 10029, "Unknown Entitlement")


def unknown_interaction() -> Refusal:
    return Refusal(404, 10062, "Unknown interaction")


def too_large() -> Refusal:
    return Refusal(413, 40005, "Request entity too large")


def acknowledged() -> Refusal:
    return Refusal(400, 40060, "Interaction has already been acknowledged.")


def too_many_follow_ups() -> Refusal:
    return Refusal(400, 40094, "This interaction has reached the maximum number of follow ups.")


def missing_access() -> Refusal:
    return Refusal(403, 50001, "Missing Access")


def not_its_own() -> Refusal:
    return Refusal(
        403,
        50005,
        "Cannot edit a message authored by another user",
        offence="edits somebody else's message",
    )


def empty_message() -> Refusal:
    return Refusal(400, 50006, "Cannot send an empty message", offence="an empty message")


def closed_dms() -> Refusal:
    return Refusal(403, 50007, "Cannot send messages to this user")


def missing_permissions() -> Refusal:
    return Refusal(403, 50013, "Missing Permissions")


def token_gone() -> Refusal:
    return Refusal(401, 50027, "Invalid Webhook Token")


def archived() -> Refusal:
    return Refusal(400, 50083, "Thread is archived")


def no_history() -> Refusal:
    return Refusal(400, 160002, "Cannot reply without permission to read message history")


def blocked_by_automod() -> Refusal:
    return Refusal(400, 200000, "Message was blocked by automatic moderation")
