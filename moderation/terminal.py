"""The commands of `python -m moderation` that work on the store. Each is one transaction."""

from __future__ import annotations

import contextlib
import getpass
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from data import audit, bans, cases, consent, desk, jobs, journal, mentions, standards, verdicts
from data.cases import Outcome
from data.desk import Decided
from data.store import Connection, connect, copy
from data.words import Account, Job, Ruling
from moderation import reasons
from moderation.checks import patterns

SHOWN = 100

_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0, "w": 7 * 86_400.0}


@dataclass(frozen=True, slots=True)
class Desk:
    """The file, and who sits at the desk."""

    database: Path
    by: str | None

    @property
    def who(self) -> str:
        return self.by or getpass.getuser()

    @contextlib.contextmanager
    def act(self) -> Iterator[Connection]:
        """One transaction of its own beside the bot's."""
        if not self.database.exists():
            raise click.ClickException(f"There is no database {self.database}.")
        with contextlib.closing(connect(self.database)) as c:
            c.execute("BEGIN IMMEDIATE")
            yield c
            c.execute("COMMIT")


class Length(click.ParamType):  # type: ignore[type-arg]  # generic in its stubs only
    """30m, 12h, 7d, 4w, in seconds."""

    name = "length"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = re.fullmatch(r"(\d{1,6})\s*([mhdw])", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no length such as 30m, 12h, 7d or 4w.", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


at_desk = click.make_pass_decorator(Desk)


@click.command("list")
@at_desk
def list_held(at: Desk) -> None:
    """What waits for a moderator, the longest waiting first."""
    now = time.time()
    with at.act() as c:
        waiting = desk.waiting(c, SHOWN, now)
        usual = desk.service_seconds(c)
    table = Table("job", "waiting", "who", "wish", box=None)
    table.add_column("rule", no_wrap=True)
    for name in ("looked at by", "approvals"):
        table.add_column(name)
    for hold in waiting:
        table.add_row(
            str(hold.job.id),
            _duration(now - hold.held_at),
            f"{hold.job.account.handle} on {hold.job.platform}",
            hold.job.prompt.wish,
            hold.rule or hold.job.reason or "",
            hold.claimed_by or "",
            f"{len(hold.approvals)} of {hold.needed}",
        )
    Console().print(table if waiting else "Nothing is held.")
    if usual is not None:
        click.echo(f"A decision usually takes {_duration(usual)}.")


@click.command()
@click.argument("job", type=int)
@at_desk
def show(at: Desk, job: int) -> None:
    """Everything about JOB. That you looked is written down, for each of its pictures."""
    now = time.time()
    with at.act() as c:
        found = jobs.by_id(c, job)
        if found is None or verdicts.is_sealed(c, found.mention_id):
            raise click.ClickException(f"There is no job {job} to be shown.")
        for picture in jobs.pictures(c, job):
            desk.viewed(c, at.who, picture.sha256, job, "in the terminal", now)
        story = journal.story(c, found.mention_id)
        hits = verdicts.of_mention(c, found.mention_id)
        about = cases.of_job(c, job)
        acts = audit.trail(c, SHOWN, subject=audit.of_job(job))
    _show_job(found)
    for hit in hits:
        wrong = ", overturned" if hit.overturned_at else ""
        click.echo(f"  found    {hit.ruling} by {hit.rule} ({hit.stage}){wrong}")
    for line in story:
        click.echo(f"  {_moment(line.at)}  {line.event}")
    for case in about:
        outcome = case.outcome or "open"
        click.echo(f"  case {case.id}  {case.kind} by {case.account.handle}, {outcome}")
    for entry in reversed(acts):
        click.echo(f"  {_moment(entry.at)}  {entry.act} by {entry.by}: {entry.why}")


@click.command()
@click.argument("job", type=int)
@click.option("--reason", default="looked at and found fine", help="For the audit.")
@at_desk
def approve(at: Desk, job: int, reason: str) -> None:
    """Let JOB go on: into the line, or out to its asker where it is drawn already."""
    with at.act() as c:
        decided = desk.approve(c, job, at.who, reason, time.time())
    _tell(decided, job)


@click.command()
@click.argument("job", type=int)
@click.argument("reason")
@at_desk
def reject(at: Desk, job: int, reason: str) -> None:
    """Refuse JOB; its asker reads REASON and gets the units back.

    REASON is a sentence that follows "I will not paint that:", or the number of a ready one,
    see `reasons`.
    """
    with at.act() as c:
        decided = desk.reject(c, job, at.who, reasons.spelt_out(reason), time.time())
    _tell(decided, job)


@click.command("reasons")
def list_reasons() -> None:
    """The ready reasons and their numbers."""
    for number, reason in enumerate(reasons.CANNED, start=1):
        click.echo(f"{number}  {reason}")


@click.command()
@click.argument("job", type=int)
@click.argument("reason")
@at_desk
def remove(at: Desk, job: int, reason: str) -> None:
    """Take the posted picture of JOB down, on its platform too."""
    with at.act() as c:
        done = desk.remove(c, job, at.who, reasons.spelt_out(reason), time.time())
    if not done:
        raise click.ClickException(f"Nothing of job {job} is posted or about to be.")
    click.echo(f"The picture of job {job} will be gone in a moment.")


@click.command()
@click.argument("platform")
@click.argument("account")
@click.argument("reason")
@at_desk
def ban(at: Desk, platform: str, account: str, reason: str) -> None:
    """Take no wishes from ACCOUNT any more; what it has waiting is cancelled and refunded."""
    _ban(at, platform, account, reason, None)


@click.command()
@click.argument("platform")
@click.argument("account")
@click.argument("length", type=Length())
@click.argument("reason")
@at_desk
def timeout(at: Desk, platform: str, account: str, length: float, reason: str) -> None:
    """The same for a while: LENGTH is 30m, 12h, 7d or the like."""
    _ban(at, platform, account, reason, length)


@click.command()
@click.argument("platform")
@click.argument("account")
@click.option("--reason", default="", help="For the audit.")
@at_desk
def unban(at: Desk, platform: str, account: str, reason: str) -> None:
    """End every ban and time-out of ACCOUNT."""
    with at.act() as c:
        lifted = bans.lift(c, _account(c, platform, account), at.who, reason, time.time())
    if not lifted:
        raise click.ClickException(f"{account} on {platform} is not banned.")
    click.echo(f"{account} on {platform} may ask again.")


@click.command("bans")
@at_desk
def list_bans(at: Desk) -> None:
    """Who may not ask, and until when."""
    with at.act() as c:
        standing = bans.in_force(c, time.time(), SHOWN)
    table = Table("account", "since", "until", "by", "reason", box=None)
    for one in standing:
        until = _moment(one.until) if one.until is not None else "lifted by hand"
        account = f"{one.user_id} on {one.platform}"
        table.add_row(account, _moment(one.since), until, one.by, one.reason)
    Console().print(table if standing else "Nobody is banned.")


@click.command("cases")
@at_desk
def list_cases(at: Desk) -> None:
    """Open reports and appeals, oldest first."""
    with at.act() as c:
        waiting = cases.waiting(c, SHOWN)
    table = Table("case", "kind", "since", "from", "job", "words", box=None)
    for case in waiting:
        table.add_row(
            str(case.id),
            case.kind,
            _moment(case.opened_at),
            f"{case.account.handle} on {case.account.platform}",
            str(case.job_id or ""),
            case.words,
        )
    Console().print(table if waiting else "No case is open.")


@click.command()
@click.argument("case", type=int)
@click.argument("outcome", type=click.Choice([outcome.value for outcome in Outcome]))
@click.argument("reason")
@at_desk
def close(at: Desk, case: int, outcome: str, reason: str) -> None:
    """Decide CASE. `upheld` takes a reported picture down; `overturned` refunds a refusal."""
    with at.act() as c:
        done = cases.close(c, case, Outcome(outcome), at.who, reason, time.time())
    if not done:
        raise click.ClickException(f"Case {case} is not open (any more).")
    click.echo(f"Case {case} is {outcome}.")


@click.command()
@click.option("--days", default=30, help="Of so many days.")
@at_desk
def rates(at: Desk, days: int) -> None:
    """How often each rule hit, and how often a person said that it was wrong."""
    with at.act() as c:
        found = verdicts.rates(c, time.time() - days * 86_400)
    table = Table("rule", "hits", "overturned", "false alarms", box=None)
    for rate in found:
        table.add_row(rate.rule, str(rate.hits), str(rate.overturned), f"{rate.false_alarms:.1%}")
    Console().print(table if found else "No rule has hit anything.")


@click.command()
@click.argument("scope")
@click.argument("name")
@click.argument("value")
@click.argument("reason")
@at_desk
def standard(at: Desk, scope: str, name: str, value: str, reason: str) -> None:
    """Draw a line elsewhere: a threshold, or what a rule leads to.

    SCOPE is everyone, adults, tier:pro, guild:7 or the like. NAME is a threshold of
    standards.toml (VALUE: a number) or a rule of rules.toml (VALUE: allow, soften, hold, refuse).
    `default` goes back to the file.
    """
    now = time.time()
    with at.act() as c:
        if value in list(Ruling):
            standards.set_ruling(c, scope, name, Ruling(value), at.who, reason, now)
        elif value == "default":
            standards.set_ruling(c, scope, name, None, at.who, reason, now)
            standards.set_threshold(c, scope, name, None, at.who, reason, now)
        else:
            standards.set_threshold(c, scope, name, _number(value), at.who, reason, now)
    click.echo(f"{name} is {value} for {scope}.")


@click.command()
@click.argument("guild")
@click.argument("pattern")
@click.argument("ruling", type=click.Choice(["soften", "hold", "refuse"]))
@click.argument("reason")
@at_desk
def pattern(at: Desk, guild: str, pattern: str, ruling: str, reason: str) -> None:
    """Give GUILD a pattern of its own, a regular expression on its wishes."""
    trouble = patterns.trouble_with(pattern)
    if trouble is not None:
        raise click.ClickException(trouble)
    with at.act() as c:
        if len(standards.patterns(c, guild)) >= patterns.MOST:
            raise click.ClickException(f"A guild has up to {patterns.MOST} patterns.")
        number = standards.add_pattern(
            c, guild, pattern, Ruling(ruling), at.who, reason, time.time()
        )
    click.echo(f"Pattern {number} of guild {guild} is in force.")


@click.command("opt-out")
@click.argument("platform")
@click.argument("account")
@at_desk
def opt_out(at: Desk, platform: str, account: str) -> None:
    """ACCOUNT does not want to be in pictures."""
    with at.act() as c:
        consent.opt_out(c, _account(c, platform, account), at.who, time.time())
    click.echo(f"No wish may name {account} on {platform} any more.")


@click.command("opt-in")
@click.argument("platform")
@click.argument("account")
@at_desk
def opt_in(at: Desk, platform: str, account: str) -> None:
    """ACCOUNT does not mind any more."""
    with at.act() as c:
        back = consent.opt_in(c, _account(c, platform, account), at.who, time.time())
    if not back:
        raise click.ClickException(f"{account} on {platform} never opted out.")
    click.echo(f"Wishes may name {account} on {platform} again.")


@click.command("audit")
@click.option("--subject", help='Such as "job 7" or "account x/12".')
@click.option("--person", help="What one moderator did.")
@at_desk
def list_audit(at: Desk, subject: str | None, person: str | None) -> None:
    """What moderators did and saw, newest first."""
    with at.act() as c:
        trail = audit.trail(c, SHOWN, subject=subject, by=person)
    table = Table("row", "when", "who", "did", "to", "why", box=None)
    for entry in trail:
        table.add_row(
            str(entry.id), _moment(entry.at), entry.by, entry.act, entry.subject, entry.why
        )
    Console().print(table if trail else "Nothing is in the audit.")


@click.command("verify-audit")
@click.option("--head", help="A hash that was noted earlier and must still be in the chain.")
@at_desk
def verify_audit(at: Desk, head: str | None) -> None:
    """Walk the chain of the audit; a single changed byte is found. Prints its head, to be noted."""
    with at.act() as c:
        chain = audit.verify(c, head)
    if chain.trouble is not None:
        raise click.ClickException(f"The audit was tampered with: {chain.trouble}.")
    click.echo(f"{chain.rows} rows hold. Head: {chain.head}")


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("reason")
@at_desk
def snapshot(at: Desk, target: Path, reason: str) -> None:
    """Copy the database to TARGET for reading with other tools, without what is sealed."""
    if target.exists():
        raise click.ClickException(f"{target} is there already.")
    with at.act() as c:
        desk.exported(c, at.who, f"snapshot {target.name}", 0, reason, time.time())
    copy(at.database, target, verdicts.blank_sealed)
    click.echo(f"{target} is ready.")


COMMANDS: tuple[click.Command, ...] = (
    list_held,
    show,
    approve,
    reject,
    list_reasons,
    remove,
    ban,
    timeout,
    unban,
    list_bans,
    list_cases,
    close,
    rates,
    standard,
    pattern,
    opt_out,
    opt_in,
    list_audit,
    verify_audit,
    snapshot,
)


def _ban(at: Desk, platform: str, user_id: str, reason: str, seconds: float | None) -> None:
    now = time.time()
    until = now + seconds if seconds is not None else None
    with at.act() as c:
        account = _account(c, platform, user_id)
        cancelled = bans.ban(c, account, until, reason, at.who, now)
    ends = f"until {_moment(until)}" if until is not None else "until you lift it"
    click.echo(f"{user_id} on {platform} is banned {ends}; {cancelled} waiting were cancelled.")


def _account(c: Connection, platform: str, name: str) -> Account:
    """An account by its user id, or by its handle where only one has it."""
    found = mentions.accounts_called(c, platform, name)
    exact = [account for account in found if account.user_id == name] or found
    if len(exact) != 1:
        many = "several" if exact else "nobody"
        raise click.ClickException(f"There is {many} called {name} on {platform}.")
    return exact[0]


def _tell(decided: Decided, job: int) -> None:
    if decided is Decided.NOT_HELD:
        raise click.ClickException(f"Job {job} is not held (any more).")
    if decided is Decided.SAID_BEFORE:
        raise click.ClickException(f"You approved job {job} already; somebody else has to agree.")
    if decided is Decided.SECOND_NEEDED:
        click.echo(f"Noted. Job {job} is severe: one more moderator has to agree.")
    else:
        click.echo(f"Job {job} is {decided}.")


def _show_job(job: Job) -> None:
    click.echo(f"Job {job.id}: {job.state}{f' ({job.reason})' if job.reason else ''}")
    click.echo(f"  wish     {job.prompt.wish}")
    click.echo(f"  asker    {job.account.handle} ({job.account.user_id}) on {job.platform}")
    click.echo(f"  asked    {_moment(job.created_at)}, tier {job.tier}")


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise click.ClickException(f"{value!r} is neither a number nor a ruling.") from None


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
