"""Asking Discord who somebody is and which roles they have: OAuth2 code with PKCE."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from data.staff import Role
from data.words import MuralistError

SCOPES = "identify guilds.members.read"
TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscordLogin:
    """An application at Discord, and which roles of which guild moderate here."""

    url: str
    client_id: str
    client_secret: str
    guild: str
    roles: Mapping[str, Role]  #: by the role's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What Discord says of somebody; `role` is None for those who don't moderate."""

    id: str
    name: str
    role: Role | None


class DiscordUnreachableError(MuralistError):
    """Discord gave no answer that says anything about the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What ties the way to Discord to the way back: both halves stay in the browser."""

    state: str
    verifier: str

    @classmethod
    def fresh(cls) -> Challenge:
        return cls(state=secrets.token_urlsafe(24), verifier=secrets.token_urlsafe(48))

    @property
    def digest(self) -> str:
        hashed = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def way_there(login: DiscordLogin, challenge: Challenge, back: str) -> URL:
    """Where the browser is sent to say yes."""
    return URL(f"{login.url}/oauth2/authorize").with_query(
        response_type="code",
        client_id=login.client_id,
        scope=SCOPES,
        state=challenge.state,
        redirect_uri=back,
        code_challenge=challenge.digest,
        code_challenge_method="S256",
        prompt="none",
    )


async def token_for(login: DiscordLogin, code: str, challenge: Challenge, back: str) -> str | None:
    """The access token a code is good for; None where Discord refuses it."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": challenge.verifier,
    }
    auth = aiohttp.encode_basic_auth(login.client_id, login.client_secret)
    answer = await _ask(
        "POST", f"{login.url}/api/v10/oauth2/token", {"Authorization": auth}, data=form
    )
    return str(answer["access_token"]) if answer and "access_token" in answer else None


async def member(login: DiscordLogin, token: str) -> Member | None:
    """Who the token's owner is in the guild; None for nobody, or a token that ended."""
    address = f"{login.url}/api/v10/users/@me/guilds/{login.guild}/member"
    answer = await _ask("GET", address, {"Authorization": f"Bearer {token}"})
    user = answer.get("user") if answer else None
    if not isinstance(user, dict) or answer is None:
        return None
    held = [login.roles[role] for role in answer.get("roles", ()) if role in login.roles]
    name = answer.get("nick") or user.get("global_name") or user.get("username") or user["id"]
    return Member(
        id=str(user["id"]),
        name=str(name),
        role=max(held, key=list(Role).index, default=None),
    )


async def _ask(
    method: str, address: str, headers: Mapping[str, str], *, data: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """The answer as JSON; None where Discord says no. Raises DiscordUnreachableError."""
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.request(
                method, address, headers=dict(headers), data=data, allow_redirects=False
            ) as answer,
        ):
            if answer.status == 200:
                found = await answer.json()
                return found if isinstance(found, dict) else None
            if answer.status in (400, 401, 403, 404):
                return None
            raise DiscordUnreachableError(f"Discord answered {answer.status}.")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise DiscordUnreachableError(f"Discord could not be asked: {error}.") from error
