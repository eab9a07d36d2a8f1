"""`python -m ratelimit`: tiers, quotas, caps and temporary limits, live; simulator and planner."""

from __future__ import annotations

import contextlib
import getpass
import importlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from data import ledger, terms
from data.store import Connection, connect
from data.words import Account, TemporaryLimit, Terms, Tier
from ratelimit import control, durations, quota
from ratelimit.tiers import TERMS

DATABASE = Path(__file__).parent.parent / "data" / "var" / "muralist.db"
#: Commands whose room is only entered when they are asked for.
ELSEWHERE = {"simulate": "ratelimit.simulation.commands", "plan": "ratelimit.simulation.commands"}

TIER = click.Choice([str(tier) for tier in Tier])


class _Commands(click.Group):
    """A group some of whose commands live elsewhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in ELSEWHERE:
            found: click.Command = getattr(importlib.import_module(ELSEWHERE[cmd_name]), cmd_name)
            return found
        return super().get_command(ctx, cmd_name)


class _Moment(click.ParamType[float]):
    """A moment: a span from now (`2d`, `90m`), or a UTC date, with or without a time."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        with contextlib.suppress(ValueError):
            return time.time() + durations.seconds(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            wrong = f"{value!r} is neither a span such as 2d nor a date such as 2026-11-27."
            self.fail(wrong, param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class _Who(click.ParamType[Account]):
    """An account: `platform:user_id`, such as `sandbox:ada`."""

    name = "account"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Account:
        if isinstance(value, Account):
            return value
        platform, colon, user_id = value.partition(":")
        if not (platform and colon and user_id):
            wrong = f"{value!r} is no account; write platform:user_id, such as sandbox:ada."
            self.fail(wrong, param, ctx)
        return Account(platform=platform, user_id=user_id, handle=user_id)


_why = click.option("--why", required=True, help="For the record of changes.")
_by = click.option("--by", default=getpass.getuser, help="Who says so; you, if left out.")
_until = click.option("--until", type=_Moment(), help="When it ends: 2d, or 2026-11-27.")


@click.group(cls=_Commands)
@click.option(
    "--database",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DATABASE,
    show_default="data/var/muralist.db",
    help="The SQLite file of the running bot.",
)
@click.pass_context
def main(context: click.Context, database: Path) -> None:
    """Look at the limits and change them. Safe while the bot runs, and in force at once."""
    context.obj = database


@main.group(invoke_without_command=True)
@click.pass_context
def tiers(context: click.Context) -> None:
    """What each tier may have; set it, or give tiers to people."""
    if context.invoked_subcommand is not None:
        return
    with _look(context.obj) as c:
        found = terms.all_tiers(c, TERMS)
    shown = ("daily", "in_hand", "burst", "every", "weight", "wait", "share")
    table = Table("tier", *shown, "opens", "floor", box=None)
    for tier, its in found.items():
        values = [f"{getattr(its, name):g}" for name in shown]
        opens = _moment(its.opens_at) if its.opens_at else "open"
        table.add_row(tier, *values, opens, f"{its.floor.steps:g} × {its.floor.size:g}")
    Console().print(table)


def _settable(command: Any) -> Any:
    """An option for everything a tier has."""
    for name in reversed(terms.SETTABLE):
        kind: Any = {"opens_at": _Moment(), "daily": int, "burst": int, "in_hand": int}.get(
            name, float
        )
        command = click.option(f"--{name.replace('_', '-')}", type=kind)(command)
    return command


@tiers.command("set")
@click.argument("tier", type=TIER)
@_settable
@click.option("--reset", is_flag=True, help="Back to the defaults, in everything.")
@_why
@_by
@click.pass_obj
def set_tier(
    database: Path, /, tier: str, *, reset: bool, why: str, by: str, **fields: float | None
) -> None:
    """Change what TIER may have. Seconds for `--every`, `--wait` and `--min-age`."""
    changed: dict[str, float | None] = dict.fromkeys(terms.SETTABLE) if reset else {}
    changed |= {name: value for name, value in fields.items() if value is not None}
    if not changed:
        raise click.UsageError("Say what to change, for example --daily 5.")
    with _act(database) as c:
        terms.set_tier(c, Tier(tier), changed, by, why, time.time())
        now = terms.of_tier(c, Tier(tier), TERMS[Tier(tier)])
        _check(now)
    click.echo(f"{tier}: {', '.join(f'{name} {_told(now, name)}' for name in changed)}.")


@tiers.command()
@click.argument("tier", type=TIER)
@click.argument("accounts", nargs=-1, type=_Who())
@click.option("--guild", help="Everybody in it: platform/guild, such as discord/1234.")
@click.option("--list", "listed", type=click.File(), help="A file with an account a line.")
@_until
@_why
@_by
@click.pass_obj
def assign(
    database: Path,
    tier: str,
    accounts: tuple[Account, ...],
    guild: str | None,
    listed: Any,
    until: float | None,
    why: str,
    by: str,
) -> None:
    """Give TIER to ACCOUNTS (platform:user_id), a list of them, or a whole guild."""
    who = [*accounts, *_from_list(listed)]
    if not who and not guild:
        raise click.UsageError("Say whom: accounts, --list, or --guild.")
    now = time.time()
    with _act(database) as c:
        for account in who:
            terms.assign(c, account, Tier(tier), by, why, now, until=until)
        if guild:
            terms.assign_circle(c, guild, Tier(tier), by, why, now, until=until)
    people = f"{len(who)} account{'' if len(who) == 1 else 's'}" if who else ""
    click.echo(f"{tier}: {' and '.join(filter(None, [people, guild]))}.")


@main.command("quota")
@click.argument("account", type=_Who())
@click.option("--guild", help="As seen from this guild.")
@click.pass_obj
def show_quota(database: Path, account: Account, guild: str | None) -> None:
    """What ACCOUNT (platform:user_id) has used, reserved and left, and when it is whole again."""
    with _look(database) as c:
        found = quota.of(c, account, time.time(), guild=guild)
    click.echo(
        f"{found.tier}: {found.daily} a day. Used {found.settled}, reserved {found.reserved},"
        f" left {found.left}. Whole again {_moment(found.refill_at)}."
    )
    for limit in found.temporary:
        click.echo(_limit(limit))


@main.command()
@click.argument("tier", type=TIER)
@click.option("--daily", type=click.IntRange(0), required=True, help="Pictures a UTC day.")
@click.option("--until", type=_Moment(), required=True, help="When it ends: 2d, or 2026-11-27.")
@click.option("--reason", required=True, help="What people read: “… because REASON.”")
@_by
@click.pass_obj
def announce(database: Path, tier: str, daily: int, until: float, reason: str, by: str) -> None:
    """Set a temporary limit on TIER by hand, in place of an earlier one."""
    if until <= time.time():
        raise click.UsageError("--until lies in the past.")
    with _act(database) as c:
        terms.announce(c, Tier(tier), reason, until, by, time.time(), daily=daily)
    click.echo(f"{tier}: {daily} a day until {_moment(until)}.")


@main.command()
@click.argument("tier", type=TIER)
@_why
@_by
@click.pass_obj
def lift(database: Path, tier: str, why: str, by: str) -> None:
    """End the temporary limit on TIER that was set by hand."""
    with _act(database) as c:
        lifted = terms.lift(c, Tier(tier), by, why, time.time(), melting=False)
    if not lifted:
        raise click.ClickException(f"Nobody has limited {tier} by hand.")
    click.echo(f"{tier}: no longer limited.")


@main.command()
@click.argument("scope", type=click.Choice(terms.SCOPES))
@click.argument("key", default="")
@click.option("--daily", type=click.IntRange(0), help="Pictures a UTC day; without it: no cap.")
@_why
@_by
@click.pass_obj
def cap(database: Path, scope: str, key: str, daily: int | None, why: str, by: str) -> None:
    """Cap a UTC day of a circle (a guild, discord/1234, or a platform), channel or the total.

    KEY * is each circle, or channel, that has no cap of its own.
    """
    if (scope == "total") != (key == ""):
        raise click.UsageError("A circle and a channel need a KEY, the total has none.")
    with _act(database) as c:
        terms.set_cap(c, scope, key, daily, by, why, time.time())
    click.echo(f"{scope} {key}".rstrip() + f": {'no cap' if daily is None else daily}.")


@main.command()
@click.argument("circle")
@click.argument("weight", type=click.FloatRange(min=0, min_open=True))
@_why
@_by
@click.pass_obj
def weight(database: Path, circle: str, weight: float, why: str, by: str) -> None:
    """Give CIRCLE (discord/1234, or x) WEIGHT times the share of the line others have."""
    with _act(database) as c:
        terms.weigh_circle(c, circle, weight, by, why, time.time())
    click.echo(f"{circle}: {weight:g} times the share of another.")


@main.command()
@click.pass_obj
def status(database: Path) -> None:
    """The lines, the waits, what is in force, and whether estimates come true."""
    with _look(database) as c:
        found, limits = control.status(c, time.time()), terms.in_force(c)
    table = Table("tier", "waiting", "wait", "target", "steps", "size", box=None)
    for tier, its in found["tiers"].items():
        table.add_row(
            tier,
            f"{its['waiting']:g}",
            durations.words(its["predicted_wait"]),
            durations.words(its["target_wait"]),
            f"{its['steps']:g}",
            f"{its['size']:g}",
        )
    Console().print(table)
    for limit in limits:
        click.echo(_limit(limit))
    told, share = found["estimates"]["told"], found["estimates"]["came_true"]
    if told:
        click.echo(f"Of the last {told} wishes {share:.0%} were done when they were told.")


@main.command()
@click.pass_obj
def changes(database: Path) -> None:
    """Who changed which limit, when and why; the newest first."""
    with _look(database) as c:
        found = terms.changes(c)
    for change in found:
        detail = ", ".join(f"{name} {value}" for name, value in change.detail.items())
        told = f"{_moment(change.at)}  {change.who}: {change.what} ({detail}) {change.why}"
        click.echo(told)


@main.command()
@click.pass_obj
def audit(database: Path) -> None:
    """Hold every balance against the sum of its charges."""
    with _look(database) as c:
        wrong = ledger.audit(c)
    for line in wrong:
        click.echo(line)
    if wrong:
        raise click.ClickException("The ledger and its balances disagree.")
    click.echo("Every balance is the sum of its charges.")


def _from_list(listed: Any) -> list[Account]:
    lines = [line.split("#")[0].strip() for line in listed or ()]
    return [_Who().convert(line, None, None) for line in lines if line]


def _check(its: Terms) -> None:
    """Nothing a tier may have makes sense below nothing."""
    bad = its.weight <= 0 or its.every < 0 or its.wait <= 0 or not 0 <= its.share <= 1
    floors = (its.floor.steps, its.floor.size)
    if bad or min(its.daily, its.burst, its.in_hand) < 0 or not all(0 < f <= 1 for f in floors):
        raise click.UsageError("That makes no sense: shares and floors are up to 1, none below 0.")


def _told(its: Terms, name: str) -> str:
    if name.startswith("floor_"):
        return f"{getattr(its.floor, name.removeprefix('floor_')):g}"
    return _moment(its.opens_at) if name == "opens_at" else f"{getattr(its, name):g}"


def _limit(limit: TemporaryLimit) -> str:
    size = f"{limit.daily} a day" if limit.daily is not None else f"{limit.backlog:.0f} in line"
    return f"{limit.tier} is limited to {size} until {_moment(limit.until)}: {limit.reason}."


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


@contextlib.contextmanager
def _look(database: Path) -> Iterator[Connection]:
    if not database.exists():
        raise click.UsageError(f"There is no {database}; start the bot, or say --database.")
    with contextlib.closing(connect(database, read_only=True)) as c:
        yield c


@contextlib.contextmanager
def _act(database: Path) -> Iterator[Connection]:
    """One transaction of its own beside the bot's; undone where it ends in an error."""
    if not database.exists():
        raise click.UsageError(f"There is no {database}; start the bot, or say --database.")
    with contextlib.closing(connect(database)) as c:
        c.execute("BEGIN IMMEDIATE")
        try:
            yield c
        except BaseException:
            c.execute("ROLLBACK")
            raise
        c.execute("COMMIT")


if __name__ == "__main__":
    main(prog_name="python -m ratelimit")
