"""The settings: environment variables named `MURALIST_*`, or lines of `.env`, read once.

`load` is called by the composition root, which passes the frozen object down;
nothing else reads the environment. To add a setting, add a field: its description
is its line in the README.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from data.words import MuralistError, Tier

ROOT: Final = Path(__file__).resolve().parent.parent
PREFIX: Final = "MURALIST_"
ENV_FILE: Final = ROOT / ".env"


class SettingsError(MuralistError):
    """A setting makes no sense; the message is plain sentences, one a line."""


def files_in(folder: str) -> list[str]:
    """The names an extension folder offers; nothing is imported. `folder` is from the root."""
    place = ROOT / folder
    names = {path.stem for path in place.glob("*.py")}
    names |= {path.parent.name for path in place.glob("*/__init__.py")}
    return sorted(name for name in names if not name.startswith("_"))


def _file_of(folder: str) -> Callable[[str], str]:
    """A validator: the name of a file in an extension folder."""

    def check(name: str) -> str:
        if name not in (there := files_in(folder)):
            raise ValueError(
                f"There is no {folder}/{name}.py.{_meant(name, there)}"
                f" There is: {', '.join(there) or 'nothing yet'}."
            )
        return name

    return check


def _files_of(folder: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """A validator: one name or more, each as in `_file_of`, none twice."""
    check_one = _file_of(folder)

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError(f"It needs at least one of: {', '.join(files_in(folder))}.")
        return tuple(dict.fromkeys(map(check_one, names)))

    return check


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().lower() for part in value.split(",") if part.strip())


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _without_at(value: object) -> object:
    return value.strip().removeprefix("@") if isinstance(value, str) else value


def _from_root(path: Path) -> Path:
    return ROOT / path.expanduser()


def _model(value: str) -> str:
    """A folder as an absolute path; anything else is a hub id, if it looks like one."""
    folder = _from_root(Path(value))
    if folder.is_dir():
        return str(folder)
    if value.startswith((".", "/", "~")) or value.count("/") != 1 or "\\" in value:
        raise ValueError(
            f"There is no folder {folder}, and {value!r} is no hub id such as stabilityai/sd-turbo."
        )
    return value


def _api_url(value: str) -> str:
    """Without a slash at the end; keys never travel in the clear but to this machine."""
    url = value.strip().rstrip("/")
    if not re.fullmatch(
        r"https://[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost)(:\d+)?", url
    ):
        raise ValueError("It must be an https address without a path, such as https://api.x.com.")
    return url


def _discord_url(schemes: str, value: str) -> str:
    """Without a slash at the end; the token never travels in the clear but to this machine."""
    secure, plain = schemes.split()
    url = value.strip().rstrip("/")
    place = r"[A-Za-z0-9.-]+(:\d+)?(/[\w.~/-]*)?"
    here = r"(127\.0\.0\.1|localhost)(:\d+)?(/[\w.~/-]*)?"
    if not re.fullmatch(rf"{secure}://{place}|{plain}://{here}", url):
        raise ValueError(f"It must be an address that begins with {secure}://.")
    return url


def _skus(value: object) -> object:
    """ "SKU:tier" pairs, separated by commas, as pairs of a SKU's number and a tier."""
    if not isinstance(value, str):
        return value
    pairs = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        sku, _, tier = part.partition(":")
        if not sku.strip().isdecimal() or tier.strip().lower() not in set(Tier):
            raise ValueError(
                f"“{part}” is no pair such as 1234567890:plus; the tiers are {', '.join(Tier)}."
            )
        pairs.append((sku.strip(), tier.strip().lower()))
    return tuple(pairs)


_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
_Place = Annotated[Path, AfterValidator(_from_root)]


def _role(value: str) -> str:
    if not re.fullmatch(r"(viewer|moderator|admin):\d{1,20}", value):
        raise ValueError(f"{value!r} is no role and number of one at Discord, as in moderator:123.")
    return value


def _web_address(value: str | None) -> str | None:
    """Without a slash at the end; None stays None."""
    if value is None or not value.strip():
        return None
    url = value.strip().rstrip("/")
    if not re.fullmatch(r"https?://[^/?#\s]+", url):
        raise ValueError("It must be an address without a path, such as https://desk.example.org.")
    return url


def _setting(default: object, meaning: str, must_be: str = "", **bounds: Any) -> Any:
    """A field; `must_be` completes "it must be …" when a value is refused."""
    return Field(default, description=meaning, json_schema_extra={"must_be": must_be}, **bounds)


class Settings(BaseSettings):
    """Everything that can be set. Folders and files are absolute once they are read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # `load` refuses what it does not know, with a better sentence
        frozen=True,
        validate_default=False,  # the model's folder may be missing while `doctor` runs
    )

    platforms: Annotated[_Names, AfterValidator(_files_of("bots/platforms"))] = _setting(
        ("sandbox",), "Networks to listen on, separated by commas: files of `bots/platforms/`."
    )
    handle: Annotated[str, BeforeValidator(_without_at)] = _setting(
        "muralist",
        "The name people tag, without the @.",
        "1 to 30 letters, digits and underscores, such as muralist",
        pattern=r"^[A-Za-z0-9_]{1,30}$",
    )
    engine: Annotated[
        str, BeforeValidator(_lower), AfterValidator(_file_of("generator/engines"))
    ] = _setting("diffusers", "What draws: a file of `generator/engines/`.")
    model: Annotated[str, AfterValidator(_model)] = _setting(
        str(ROOT / "generator/model"),
        "The model: a folder in diffusers format, or a hub id such as `stabilityai/sd-turbo`.",
    )
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], BeforeValidator(_lower)] = _setting(
        "auto",
        "Where to draw: `auto`, `cpu`, `cuda` or `mps`; `auto` takes the fastest there is.",
        "auto, cpu, cuda or mps",
    )
    threads: int = _setting(
        0,
        "Processor threads for drawing; 0 takes half the cores, at least one.",
        "a whole number from 0 to 512",
        ge=0,
        le=512,
    )
    batch: int = _setting(
        8,
        "The most pictures drawn in one pass; less needs less memory.",
        "a whole number from 1 to 64",
        ge=1,
        le=64,
    )
    steps: int | None = _setting(
        None,
        "Drawing steps a picture; more is slower and finer. Empty: the model's own.",
        "a whole number from 1 to 150",
        ge=1,
        le=150,
    )
    guidance: float | None = _setting(
        None,
        "How closely the words are followed. Empty: the model's own.",
        "a number from 0 to 30",
        ge=0,
        le=30,
        allow_inf_nan=False,
    )
    strength: float | None = _setting(
        None,
        "How far a restyled photo may go from the original, 0 to 1. Empty: the model's own.",
        "a number above 0, at most 1",
        gt=0,
        le=1,
    )
    picture_size: int = _setting(
        512,
        "Pictures whose short side has fewer pixels are enlarged to it.",
        "a whole number from 64 to 2048",
        ge=64,
        le=2048,
    )
    default_style: str = _setting(
        "flat",
        "The style of a photo that comes without a wish.",
        "1 to 60 characters, such as flat",
        min_length=1,
        max_length=60,
    )
    policies: Annotated[_Names, AfterValidator(_files_of("ratelimit/policies"))] = _setting(
        ("rollout", "age", "daily", "queued", "burst", "guild", "total", "overload"),
        "Limits in force, the first to say no giving the reason: files of `ratelimit/policies/`.",
    )
    expire_hours: float = _setting(
        24.0,
        "Wishes that have waited longer than this are dropped, refunded and told so.",
        "a number of hours from 0.1 to 720",
        ge=0.1,
        le=720,
    )
    checks: Annotated[_Names, AfterValidator(_files_of("moderation/checks"))] = _setting(
        ("words", "patterns", "flood", "consent", "nsfw"),
        "Moderation in force, separated by commas: files of `moderation/checks/`.",
    )
    classifier: str = _setting(
        "",
        "The model of the check `classifier`: a folder or hub id in transformers' format.",
    )
    database: _Place = _setting(
        ROOT / "data/var/muralist.db", "The SQLite file that remembers everything."
    )
    pictures: _Place = _setting(ROOT / "data/var/pictures", "The folder pictures are kept in.")
    host: str = _setting(
        "127.0.0.1",
        "The address the web pages are served at; `0.0.0.0` opens them to the network.",
        "a host name or an address without a port, such as 127.0.0.1",
        pattern=r"^[A-Za-z0-9.:_-]+$",
    )
    port: int = _setting(
        8080,
        "The port of the web pages; 0 takes any free one.",
        "a whole number from 0 to 65535",
        ge=0,
        le=65535,
    )
    log: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = (
        _setting(
            "info",
            "How much is logged: `debug`, `info`, `warning` or `error`.",
            "debug, info, warning or error",
        )
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = _setting(
        "console",
        "How log lines look: `console` for people, `json` for machines.",
        "console or json",
    )
    attempts: int = _setting(
        3,
        "How often a picture is tried before its asker is told that it failed.",
        "a whole number from 1 to 20",
        ge=1,
        le=20,
    )
    photo_bytes: int = _setting(
        8_000_000,
        "The largest photo taken, in bytes.",
        "a whole number of bytes from 10000 to 50000000",
        ge=10_000,
        le=50_000_000,
    )

    moderation_url: Annotated[str | None, AfterValidator(_web_address)] = _setting(
        None,
        "The public address of the moderators' console, where it is another than host and port.",
    )
    moderation_discord_client_id: str = _setting(
        "", "Signing in to the console with Discord: the application's client id."
    )
    moderation_discord_client_secret: SecretStr | None = _setting(
        None, "Signing in with Discord: the application's client secret."
    )
    moderation_discord_guild: str = _setting(
        "", "Signing in with Discord: the number of the server whose roles count."
    )
    moderation_discord_roles: Annotated[
        tuple[Annotated[str, AfterValidator(_role)], ...], NoDecode, BeforeValidator(_split)
    ] = _setting(
        (),
        "Signing in with Discord: who may what, as `viewer:1,moderator:2,admin:3` with the"
        " roles' numbers.",
    )
    moderation_discord_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://discord.com", "Signing in with Discord: where Discord is; another is for tests."
    )
    moderation_recheck_minutes: float = _setting(
        10.0,
        "Signing in with Discord: how often a role is asked for again; before an act, after a"
        " minute at the latest.",
        "a number of minutes from 0 to 1440",
        ge=0,
        le=1440,
    )

    x_consumer_key: SecretStr | None = _setting(
        None, "X: your app's consumer key. The four keys of OAuth 1.0a turn X on together."
    )
    x_consumer_secret: SecretStr | None = _setting(None, "X: your app's consumer secret.")
    x_access_token: SecretStr | None = _setting(
        None, "X: the bot account's access token, which begins with the account's number."
    )
    x_access_token_secret: SecretStr | None = _setting(
        None, "X: the bot account's access token secret."
    )
    x_client_id: SecretStr | None = _setting(
        None, "X: your app's OAuth 2 client id, instead of the four keys."
    )
    x_client_secret: SecretStr | None = _setting(
        None, "X: your app's OAuth 2 client secret, if it is a confidential client."
    )
    x_refresh_token: SecretStr | None = _setting(
        None, "X: the refresh token the bot's account was given; later ones are kept by the bot."
    )
    x_user_token: SecretStr | None = _setting(
        None, "X: the access token that came with it. Empty: one is fetched at the start."
    )
    x_account: str | None = _setting(
        None,
        "X: the number of the bot's account, which OAuth 2 tokens do not tell.",
        "the account's number",
        pattern=r"^[0-9]{1,19}$",
    )
    x_api_url: Annotated[str, AfterValidator(_api_url)] = _setting(
        "https://api.x.com", "X: where its API is; another address is for tests."
    )
    x_poll_seconds: float = _setting(
        10.0,
        "X: how often mentions are asked for; half of it when busy, up to six times when quiet.",
        "a number of seconds from 1 to 300",
        ge=1,
        le=300,
    )
    x_stream: bool = _setting(
        default=False,
        meaning="X: be told of mentions by its Activity stream as well, at once, for 0.005 each.",
        must_be="true or false",
    )
    x_bearer_token: SecretStr | None = _setting(
        None, "X: your app's bearer token, which only the stream needs."
    )
    x_usd_per_day: float = _setting(
        5.0,
        "X: the most US dollars that may be spent on its API in a UTC day.",
        "an amount from 0 to 100000",
        ge=0,
        le=100_000,
        allow_inf_nan=False,
    )
    x_replies_per_15_minutes: int = _setting(
        100,
        "X: replies in 15 minutes, until X's answers say otherwise.",
        "a whole number from 1 to 100000",
        ge=1,
        le=100_000,
    )
    x_replies_per_3_hours: int = _setting(
        300,
        "X: replies in three hours, which only some of X's pages speak of.",
        "a whole number from 1 to 1000000",
        ge=1,
        le=1_000_000,
    )
    x_photo_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = _setting(
        ("pbs.twimg.com",),
        "X: hosts photos are fetched from, by https, separated by commas.",
    )
    x_settle_seconds: float = _setting(
        60.0,
        "X: how long a reply without an answer is looked for before it may be posted again;"
        " less risks a second reply.",
        "a number of seconds from 1 to 900",
        ge=1,
        le=900,
    )
    x_max_age_hours: float = _setting(
        6.0,
        "X: mentions older than this are not answered.",
        "a number of hours from 0.1 to 168",
        ge=0.1,
        le=168,
    )
    x_refusals: Annotated[Literal["silent", "daily"], BeforeValidator(_lower)] = _setting(
        "silent",
        "X: what is said besides pictures: `silent` nothing, `daily` one line a person and day.",
        "silent or daily",
    )
    x_thread_cap: int = _setting(
        8,
        "X: the most mentions taken from one conversation in a day.",
        "a whole number from 1 to 1000",
        ge=1,
        le=1000,
    )
    x_author_cap: int = _setting(
        30,
        "X: the most mentions taken from one account in an hour.",
        "a whole number from 1 to 1000",
        ge=1,
        le=1000,
    )
    x_sweep_days: int = _setting(
        1,
        "X: for so many days it is asked, once a day, whether what is kept still stands there;"
        " 0 leaves it to you.",
        "a whole number from 0 to 365",
        ge=0,
        le=365,
    )
    x_ignore: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = _setting(
        (), "X: numbers of accounts that are never answered, such as other bots'."
    )

    discord_token: SecretStr | None = _setting(None, "Discord: the bot's token.")
    discord_api_url: Annotated[
        str, AfterValidator(functools.partial(_discord_url, "https http"))
    ] = _setting(
        "https://discord.com/api/v10", "Discord: where its API is; another address is for tests."
    )
    discord_gateway_url: (
        Annotated[str, AfterValidator(functools.partial(_discord_url, "wss ws"))] | None
    ) = _setting(None, "Discord: where its gateway is. Empty: where the API says.")
    discord_mod_channel: str | None = _setting(
        None,
        "Discord: the number of the moderators' channel: there is a card for all that is held or"
        " reported, and `/mod` works.",
        "the number of a channel, such as 1234567890",
        pattern=r"^[0-9]{1,20}$",
    )
    discord_skus: Annotated[tuple[tuple[str, Tier], ...], NoDecode, BeforeValidator(_skus)] = (
        _setting((), "Discord: what is sold there and the tier it gives, as in `1234567890:plus`.")
    )


def load(env_file: Path | None = ENV_FILE) -> Settings:
    """Read the environment and `env_file`. Raises SettingsError, one sentence a mistake."""
    try:
        _refuse_unknown(env_file)
        return Settings(_env_file=env_file)  # type: ignore[call-arg]  # BaseSettings' own
    except ValidationError as error:
        sentences = [_sentence(details) for details in error.errors()]
        raise SettingsError("\n".join(sentences)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} could not be read: {error}.") from None


def table() -> str:
    """All settings as a Markdown table, for the README."""
    lines = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = _shown(field.get_default())
        shown = f"`{default}`" if default else "(empty)"
        lines.append(f"| `{variable(name)}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def variable(name: str) -> str:
    """The environment variable that sets the field `name`."""
    return f"{PREFIX}{name.upper()}"


def _refuse_unknown(env_file: Path | None) -> None:
    known = [variable(name) for name in Settings.model_fields]
    given = [*os.environ, *(dotenv_values(env_file) if env_file else ())]
    unknown = sorted(
        {name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known}
    )
    if unknown:
        raise SettingsError(
            "\n".join(
                f"There is no setting {name}.{_meant_variable(name)}"
                " Remove it, or see the table in README.md."
                for name in unknown
            )
        )


def _meant_variable(name: str) -> str:
    """Compared without the prefix, which makes everything look alike."""
    near = _near(name.upper().removeprefix(PREFIX), map(str.upper, Settings.model_fields))
    return f" Did you mean {PREFIX}{near}?" if near else ""


def _meant(name: str, there: Iterable[str]) -> str:
    near = _near(name, there)
    return f" Did you mean {near}?" if near else ""


def _near(name: str, there: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(there), n=1)), None)


def _sentence(details: ErrorDetails) -> str:
    """The variable, what is wrong with it, and how to mend it."""
    name = str(details["loc"][0])
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    must_be = extra.get("must_be") if isinstance(extra, dict) else ""
    if details["type"] == "value_error":
        wrong = str(details["ctx"]["error"])
    else:
        wrong = f"It must be {must_be or details['msg']}."
    return (
        f"{variable(name)} is {_quoted(details['input'])}. {wrong}"
        f" Change it in the environment or in .env, or remove it{_fallback(field)}."
    )


def _quoted(value: object) -> str:
    return f"“{_shown(value)}”"


def _fallback(field: FieldInfo) -> str:
    default = _shown(field.get_default())
    return f" to get {default}" if default else ""


def _shown(value: object) -> str:
    """A value as one would write it: lists with commas, places from the root."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ",".join(":".join(v) if isinstance(v, tuple) else str(v) for v in value)
    return str(value).removeprefix(f"{ROOT}/")
