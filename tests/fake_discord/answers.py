"""Interactions and what their tokens open: callbacks, @original, follow-ups (§1, §3, §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_discord import refusal, rules
from tests.fake_discord.call import Call, Handler, Reply
from tests.fake_discord.endpoints import Endpoint
from tests.fake_discord.permissions import Permission
from tests.fake_discord.rules import Draft, draft
from tests.fake_discord.shapes import Shapes
from tests.fake_discord.world import (
    EPHEMERAL,
    LOADING,
    Ack,
    Asked,
    Interaction,
    Kind,
    Message,
    World,
)

if TYPE_CHECKING:
    from tests.fake_discord.server import FakeDiscord

MOST_FOLLOW_UPS_OUTSIDE = 5

#: Which callbacks an interaction may be answered with.
_MAY = {
    Asked.COMMAND: {Ack.MESSAGE, Ack.DEFER, Ack.MODAL},
    Asked.COMPONENT: {Ack.MESSAGE, Ack.DEFER, Ack.DEFER_UPDATE, Ack.UPDATE, Ack.MODAL},
    Asked.AUTOCOMPLETE: {Ack.CHOICES},
    Asked.MODAL: {Ack.MESSAGE, Ack.DEFER, Ack.DEFER_UPDATE, Ack.UPDATE},
}


class Answers:
    def __init__(self, fake: FakeDiscord, *, ack_seconds: float, token_seconds: float) -> None:
        self._fake = fake
        self._world: World = fake.world
        self.ack_seconds = ack_seconds
        self.token_seconds = token_seconds

    @property
    def _shapes(self) -> Shapes:
        return self._fake.shapes

    def handlers(self) -> dict[Endpoint, Handler]:
        return {
            Endpoint.CALLBACK: self._callback,
            Endpoint.FOLLOW_UP: self._follow_up,
            Endpoint.GET_ANSWER: self._get,
            Endpoint.EDIT_ANSWER: self._edit,
            Endpoint.DELETE_ANSWER: self._delete,
        }

    # The callback

    def _callback(self, call: Call) -> Reply:
        one = self._world.interactions.get(call.ids["interaction"])
        if one is None or one.token != call.ids["token"]:
            raise refusal.unknown_interaction()
        if one.ack is not None:
            raise refusal.acknowledged()
        if call.at - (one.sent_at or one.at) > self.ack_seconds:
            one.late = True
            raise refusal.unknown_interaction()
        try:
            kind = Ack(call.body["type"])
        except (KeyError, ValueError) as error:
            raise refusal.form("type", f"unknown: {call.body!r}") from error
        if kind not in _MAY[one.kind]:
            raise refusal.form("type", f"{kind.name} does not answer {one.kind.name}")
        if kind in (Ack.DEFER_UPDATE, Ack.UPDATE) and one.source is None:
            raise refusal.form("type", f"{kind.name} without a message")
        self._take(one, kind, call, call.body.get("data") or {})
        one.ack, one.acked_at = kind, call.at
        if call.query.get("with_response") not in ("1", "true"):
            return Reply(204)
        return Reply(200, self._told(one))

    def _take(self, one: Interaction, kind: Ack, call: Call, data: dict[str, Any]) -> None:
        if kind is Ack.CHOICES:
            rules.check_choices(data["choices"])
            one.choices = data["choices"]
        elif kind is Ack.MODAL:
            rules.check_modal(data)
            one.modal = data
        elif kind is Ack.DEFER:
            one.ephemeral = self._is_ephemeral(one, data.get("flags") or 0)
            self._begin(one, Draft(), LOADING)
        elif kind is Ack.MESSAGE:
            wanted = self._draft(one, data, call, "callback")
            if wanted.empty:
                raise refusal.empty_message()
            one.ephemeral = self._is_ephemeral(one, wanted.flags)
            self._begin(one, wanted)
        else:
            one.message = one.source
            if kind is Ack.UPDATE and one.source is not None:
                wanted = self._draft(one, data, call, "callback")
                self._rewrite(one.source, wanted)

    def _told(self, one: Interaction) -> dict[str, Any]:
        told: dict[str, Any] = {"id": one.id, "type": int(one.kind)}
        assert one.ack is not None
        resource: dict[str, Any] = {"type": int(one.ack)}
        if one.message is not None:
            resource["message"] = self._shapes.message(one.message)
            told |= {
                "response_message_id": one.message.id,
                "response_message_loading": one.message.loading,
                "response_message_ephemeral": one.message.ephemeral_to is not None,
            }
        return {"interaction": told, "resource": resource}

    def _is_ephemeral(self, one: Interaction, flags: int) -> bool:
        """Asked for, or forced: a person's own installation in a server that wants it quiet."""
        guild = one.place.guild
        forced = (
            guild is not None
            and not guild.here
            and Permission.USE_EXTERNAL_APPS not in guild.permissions(one.user)
        )
        return bool(flags & EPHEMERAL) or forced

    def _begin(self, one: Interaction, wanted: Draft, flags: int = 0) -> None:
        one.message = self._post(one, wanted, flags, ephemeral=one.ephemeral)
        if one.kind is Asked.COMPONENT and one.source is not None:
            one.message.reference, one.message.reference_id = one.source, one.source.id

    def _post(self, one: Interaction, wanted: Draft, flags: int, *, ephemeral: bool) -> Message:
        message = self._fake.channels.compose(
            one.place, wanted, flags | (EPHEMERAL if ephemeral else 0)
        )
        message.interaction = one
        message.ephemeral_to = one.user if ephemeral else None
        message.pings = wanted.allowed.pings(wanted.readable, None)
        self._world.keep(message)
        one.messages.append(message)
        self._fake.gateway.hear_message("MESSAGE_CREATE", message)
        return message

    def _draft(self, one: Interaction, body: dict[str, Any], call: Call, form: str) -> Draft:
        wanted = draft(body, call.files, form, one.place.file_limit, self._fake.sku_ids)
        allowed = one.place.bot_may(self._world.clock())
        if wanted.uploads and Permission.ATTACH_FILES not in allowed:
            raise refusal.missing_permissions()
        self._fake.channels.check_words(one.place.guild, wanted.readable)
        return wanted

    def _rewrite(self, message: Message, wanted: Draft) -> None:
        self._fake.channels.rewrite(message, wanted)
        self._fake.gateway.hear_message("MESSAGE_UPDATE", message)

    # The token

    def _by_token(self, call: Call) -> Interaction:
        """Whose token it is. Raises Refusal: dead after a quarter of an hour (§3)."""
        one = self._fake.by_token.get(call.ids["token"])
        if one is None or call.ids["app"] != self._world.application:
            raise refusal.unknown_webhook(offence="a token nobody was given")
        if one.expired or call.at - one.at > self.token_seconds:
            raise refusal.token_gone()
        if one.ack is None:
            raise refusal.unknown_webhook()
        return one

    def _follow_up(self, call: Call) -> Reply:
        one = self._by_token(call)
        wanted = self._draft(one, call.body, call, "webhook")
        if wanted.empty:
            raise refusal.empty_message()
        promised = one.message is not None and one.message.loading and not one.message.deleted
        if one.message is not None and promised and one.message in one.messages:
            self._rewrite(one.message, wanted)
            return Reply(200, self._shapes.message(one.message))
        outside = not one.place.bot_is_in and one.place.kind is not Kind.DM
        if outside and one.follow_ups >= MOST_FOLLOW_UPS_OUTSIDE:
            raise refusal.too_many_follow_ups()
        one.follow_ups += 1
        ephemeral = self._is_ephemeral(one, wanted.flags)
        return Reply(200, self._shapes.message(self._post(one, wanted, 0, ephemeral=ephemeral)))

    def _message(self, call: Call, one: Interaction) -> Message:
        asked = call.ids["message"]
        found = one.message if asked == "@original" else self._world.messages.get(asked)
        its_own = found is not None and (found in one.messages or found is one.source)
        if found is None or not its_own or found.deleted:
            raise refusal.unknown_message()
        return found

    def _get(self, call: Call) -> Reply:
        return Reply(200, self._shapes.message(self._message(call, self._by_token(call))))

    def _edit(self, call: Call) -> Reply:
        one = self._by_token(call)
        message = self._message(call, one)
        self._rewrite(message, self._draft(one, call.body, call, "webhook"))
        return Reply(200, self._shapes.message(message))

    def _delete(self, call: Call) -> Reply:
        message = self._message(call, self._by_token(call))
        self._fake.channels.remove(message)
        return Reply(204)
