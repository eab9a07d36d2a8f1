"""What checks may know besides the wish: read in one go, before they look."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from data import consent, ledger, standards
from data.store import Connection
from data.words import Circumstances, Job, Stage

#: Seconds back to which an account's wishes, and everybody's photos, are compared.
WISHES, PHOTOS = 600.0, 3_600.0
#: The most of each that are looked at.
MOST_WISHES, MOST_PHOTOS, MOST_TAKEN_DOWN = 50, 2_000, 2_000


def filled_in(
    c: Connection, known: Circumstances, stage: Stage, words: Collection[str], now: float
) -> Circumstances:
    """`known` says who and where; the rest is read. `words` are the wish's, for handles in it."""
    account = known.account
    if account is None:
        return known
    tier = ledger.tier_of(c, account)
    of = standards.scopes(tier, known.guild, adults=known.adults)
    patterns = standards.patterns(c, known.guild) if known.guild else []
    facts = dataclasses.replace(
        known,
        tier=tier,
        standards=standards.thresholds(c, of),
        rulings=standards.rulings(c, of),
        patterns=tuple((str(one.id), one.pattern, one.ruling) for one in patterns),
    )
    if stage is Stage.PROMPT:
        return dataclasses.replace(
            facts,
            recent_wishes=_recent_wishes(c, account.platform, account.user_id, now - WISHES),
            opted_out=consent.opted_out_among(
                c, account.platform, words, account.user_id, ids=known.named
            ),
        )
    photos = _recent_photos(c, now - PHOTOS) if stage is Stage.PHOTO else ()
    return dataclasses.replace(facts, recent_photos=photos, taken_down=_taken_down(c))


def of_job(c: Connection, job: Job) -> Circumstances:
    """Who asked for a job, and where."""
    row = c.execute(
        "SELECT json_extract(payload, '$.guild') AS guild,"
        " json_extract(payload, '$.adults') AS adults FROM mentions WHERE id = ?",
        (job.mention_id,),
    ).fetchone()
    return Circumstances(
        account=job.account, tier=job.tier, guild=row["guild"], adults=bool(row["adults"])
    )


def keep_fingerprint(c: Connection, sha256: str, bits: int) -> None:
    """What an image looks like, by the digest of its bytes. Keeping it twice is harmless."""
    c.execute(
        "INSERT INTO fingerprints (sha256, bits) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (sha256, f"{bits:064x}"),
    )


def _recent_wishes(c: Connection, platform: str, user_id: str, since: float) -> tuple[str, ...]:
    rows = c.execute(
        "SELECT json_extract(prompt, '$.wish') AS wish, created_at FROM jobs"
        " WHERE platform = ? AND user_id = ? ORDER BY id DESC LIMIT ?",
        (platform, user_id, MOST_WISHES),
    )
    return tuple(row["wish"] for row in rows if row["created_at"] > since)


def _recent_photos(c: Connection, since: float) -> tuple[tuple[str, int], ...]:
    rows = c.execute(
        "SELECT j.platform || '/' || j.user_id AS whose, f.bits, j.created_at FROM jobs j"
        " JOIN fingerprints f ON f.sha256 = j.photo WHERE j.photo IS NOT NULL"
        " ORDER BY j.id DESC LIMIT ?",
        (MOST_PHOTOS,),
    )
    return tuple((row["whose"], int(row["bits"], 16)) for row in rows if row["created_at"] > since)


def _taken_down(c: Connection) -> tuple[int, ...]:
    rows = c.execute(
        "SELECT f.bits FROM (SELECT job_id FROM removals ORDER BY id DESC LIMIT ?) r"
        " JOIN pictures p ON p.job_id = r.job_id JOIN fingerprints f ON f.sha256 = p.sha256",
        (MOST_TAKEN_DOWN,),
    )
    return tuple(int(row["bits"], 16) for row in rows)
