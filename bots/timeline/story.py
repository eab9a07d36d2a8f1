"""The story of one wish, for whoever asks how a picture came about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bots.timeline.threads import PLATFORM
from data import jobs, journal, timeline
from data.journal import Line
from data.store import Connection
from data.timeline import Post
from data.words import Job, Picture

#: What is longer is cut to half of it: sentences, and words, which are digests.
LONGEST = 160
LONGEST_WORD = 24
#: Told by the rest of the details: the words of the post, and when it was written.
_ELSEWHERE = ("text", "asked_at")
_MOMENTS = ("until", "retry_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`job` is None for a wish that was refused or answered in words."""

    asked: Post
    job: Job | None
    pictures: tuple[Picture, ...]
    journal: tuple[Line, ...]

    def to_json(self) -> dict[str, Any]:
        job = self.job
        return {
            "post": self.asked.id,
            "asked": self.asked.text,
            "asked_at": self.asked.created_at,
            "prompt": job.prompt.to_json() if job else None,
            "style": job.prompt.style if job else None,
            "seed": job.seed if job else None,
            "engine": self.pictures[0].engine if self.pictures else None,
            "state": job.state if job else None,
            "reason": job.reason if job else None,
            "attempts": job.attempts if job else 0,
            "started_at": job.claimed_at if job else None,
            "finished_at": job.finished_at if job else None,
            "seeds": [picture.seed for picture in self.pictures],
            "journal": [
                {"at": line.at, "event": line.event, "detail": line.detail} for line in self.journal
            ],
        }


def told(line: Line) -> list[tuple[str, str]]:
    """What a line of the journal adds to its name, fit to be read."""
    return [
        (name.replace("_", " "), _moment(value) if name in _MOMENTS else _shown(value))
        for name, value in line.detail.items()
        if name not in _ELSEWHERE and value not in (None, "", [])
    ]


def _moment(value: float) -> str:
    return datetime.fromtimestamp(value, UTC).strftime("%-d %b, %H:%M:%S UTC")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    most = LONGEST if " " in text else LONGEST_WORD
    return text if len(text) <= most else f"{text[: most // 2]}…"


def read(c: Connection, post_id: int, bot: str) -> Story | None:
    """The story of a wish, found by its own post or by the bot's answer to it."""
    post = timeline.by_id(c, post_id)
    if post is not None and post.author == bot and post.in_reply_to is not None:
        post = timeline.by_id(c, post.in_reply_to)
    if post is None:
        return None
    mention = timeline.mention_of(c, PLATFORM, post.id)
    if mention is None:
        return None
    job = jobs.by_source(c, PLATFORM, str(post.id))
    return Story(
        asked=post,
        job=job,
        pictures=tuple(jobs.pictures(c, job.id)) if job else (),
        journal=tuple(journal.story(c, mention)),
    )
