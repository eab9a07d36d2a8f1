"""What the people who run a server want of the bot there."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Self

from data import ledger
from data.store import Connection
from data.words import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One server's wishes; the defaults ask for nothing.

    `channels` are the only ones the bot paints in, empty for all. `member_limit` is in
    pictures a member and UTC day. Quiet hours are whole hours, UTC, from the first up to
    and without the second; they may span midnight.
    """

    channels: tuple[str, ...] = ()
    age_restricted_only: bool = False
    member_limit: int | None = None
    quiet: tuple[int, int] | None = None
    mod_channel: str | None = None

    def quiet_at(self, now: float) -> bool:
        """Whether `now`, in UNIX seconds, lies in the quiet hours."""
        if self.quiet is None:
            return False
        first, end = self.quiet
        hour = int(now // 3600 % 24)
        return first <= hour < end if first < end else hour >= first or hour < end

    def quiet_until(self, now: float) -> float:
        """When the quiet hours that `now` lies in are over."""
        end = self.quiet[1] if self.quiet else 0
        today = now // 86_400 * 86_400 + end * 3_600
        return today if today > now else today + 86_400

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        quiet = fields.get("quiet")
        return cls(
            **{
                **fields,
                "channels": tuple(fields.get("channels", ())),
                "quiet": (int(quiet[0]), int(quiet[1])) if quiet else None,
            }
        )


def policy(c: Connection, platform: str, guild_id: str) -> Policy:
    row = c.execute(
        "SELECT policy FROM guilds WHERE platform = ? AND guild_id = ?", (platform, guild_id)
    ).fetchone()
    return Policy.from_json(json.loads(row["policy"])) if row else Policy()


def set_policy(c: Connection, platform: str, guild_id: str, wanted: Policy) -> None:
    c.execute(
        "INSERT OR REPLACE INTO guilds (platform, guild_id, policy) VALUES (?, ?, ?)",
        (platform, guild_id, json.dumps(dataclasses.asdict(wanted))),
    )


def pictures_today(c: Connection, account: Account, guild_id: str, now: float) -> int:
    """Units an account has reserved or settled today for wishes made in one server."""
    row = c.execute(
        # By the account's mentions: what is charged today was received yesterday at the earliest.
        "SELECT coalesce(sum(units), 0) AS units FROM mentions m"
        " CROSS JOIN jobs j ON j.mention_id = m.id CROSS JOIN charges c ON c.job_id = j.id"
        " WHERE m.platform = ? AND m.user_id = ? AND m.received_at >= ?"
        " AND c.day = ? AND c.state <> 'released' AND c.circle = ?",
        (
            account.platform,
            account.user_id,
            now - 2 * ledger.DAY,
            ledger.day_of(now),
            f"{account.platform}/{guild_id}",
        ),
    ).fetchone()
    return int(row["units"])
