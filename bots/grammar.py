"""From the text of a mention to a `Prompt`. Pure; shared by every platform.

The order matters: first the text is made plain (no control characters, links,
tags or addresses), then the flags are taken out, and only what is left is read
as words, so that a flag can never hide in a wish nor a wish in a flag.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from fractions import Fraction

from data.words import Intent, Prompt

#: Longest wish in characters; more is more than a text encoder reads.
LONGEST_WISH = 1_000
#: What is looked at of a text; nobody writes more by hand.
LONGEST_TEXT = 20_000
LONGEST_STYLE = 60
LONGEST_NEGATIVE = 200
#: How many set-aside flags are told, and how long each may be.
MOST_IGNORED = 8
LONGEST_IGNORED = 40

MOST_PICTURES = 4
#: How many times the ordinary steps a picture may take.
MOST_QUALITY = 2
LARGEST_SEED = 2**32 - 1
WIDEST = Fraction(3)

#: Invisible characters that only serve to hide or reorder text. The two joiners
#: (U+200C, U+200D) stay: Persian, Hindi and family emoji are spelt with them.
_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_LINK = re.compile(
    r"https?://[!-~]*|(?<![\w.@])(?:www\.|t\.co/|pic\.(?:twitter|x)\.com/)[!-~]+", re.IGNORECASE
)
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--|-->")
#: Networks see a mention wherever @ does not follow a Latin letter or digit.
_AT = re.compile(r"(?<![A-Za-z0-9_])[@＠](?=[@＠\w])")
_ADDRESSES = re.compile(r"(?:[@＠][A-Za-z0-9_]+[\s,:;!]*)+")

#: `--name value`; the dashes that phones make of `--` count where a flag follows.
_FLAG = re.compile(r"(?<![\w–—―-])(?P<dash>-{2,}|[–—―]{1,2})(?P<name>[A-Za-z][A-Za-z_-]*)")
_QUOTED = re.compile(
    r'"([^"]*)"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»|‘([^‘’]*)’|\'([^\']*)\'(?!\w)'
)
_GAP = re.compile(r"\s*[=:]?\s*")
_WORD = re.compile(r"\S+")
_NUMBER = re.compile(r"[-+]?\d[\d.,]*%?")
_RATIO = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)[:x×/](\d{1,5}(?:\.\d{1,3})?)", re.IGNORECASE)

_FLAGS = {
    "ar": "ar",
    "aspect": "ar",
    "aspect-ratio": "ar",
    "ratio": "ar",
    "seed": "seed",
    "style": "style",
    "no": "no",
    "not": "no",
    "negative": "no",
    "without": "no",
    "n": "n",
    "count": "n",
    "strength": "strength",
    "quality": "q",
    "q": "q",
}
_SHAPES = {"square": "1:1", "portrait": "2:3", "landscape": "3:2", "wide": "16:9", "tall": "9:16"}
#: Second words of styles that are two words long: "pixel art", "oil painting".
_STYLE_TAILS = frozenset(
    [
        "art",
        "book",
        "cut",
        "deco",
        "drawing",
        "ghibli",
        "glass",
        "gogh",
        "illustration",
        "nouveau",
        "paint",
        "painting",
        "photo",
        "poly",
        "print",
        "sketch",
        "style",
    ]
)

_END = r"(?![\w'’-])"
_PLEASE = rf"(?:please|pls|plz|kindly|bitte|por favor){_END}"
_GREETING = (
    r"(?:hey|hi|hello|hiya|yo|ok|okay|dear|hola|hallo|bonjour|good (?:morning|evening|afternoon))"
    rf"(?: (?:there|bot|friend))?{_END}"
)
_THANKS = (
    r"(?:thanks|thank you|thank u|thx|ty|cheers|danke|merci|gracias)"
    rf"(?: (?:so|very) much| a lot)?{_END}"
)
_ASKING = (
    r"(?:(?:can|could|would|will) you|i(?:['’]d| would) (?:like|love)(?: you to)?"
    rf"|i want(?: you to)?){_END}"
)
#: These mean "paint" before nearly anything; the weak ones only before "me" or an article.
_STRONG = (
    r"(?:draw|paint|imagine|sketch|generate|render|illustrate|zeichne|male?|dibuja|dessine)"
    rf"{_END}"
)
_WEAK = (
    r"(?:make|create|show|give|design|do)"
    r"(?=\s+(?:(?:me|us)\s|(?:an?|the|some|(?:picture|image|pic)s?)\s))"
)
_VERB = rf"[/!]?(?:{_STRONG}(?!\s+(?:it|this|that){_END})(?:\s+prompt:)?|{_WEAK})"
_PREFIX = re.compile(
    # "Hello Kitty" is a wish; a greeting is one only before a pause or a way of asking.
    rf"(?:{_GREETING}(?=[,.!:;]|\s+(?:{_PLEASE}|{_ASKING}|{_VERB}|an?\s|the\s))[\s,.!:;]*)?"
    rf"(?:(?:{_PLEASE}|{_ASKING})[\s,]*)*"
    rf"(?:{_VERB}[\s,:]*(?:(?:for\s+)?(?:me|us|mir){_END}(?!\s+(?:as|in|like)\s)[\s,:]*)?)?"
    rf"(?:{_PLEASE}[\s,]*)?"
    r"(?:(?:(?:an?|the)\s+)?(?:picture|image|pic)s?\s+of\s+)?",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    rf"(?:(?:[\s,.!?]+|^)(?:{_PLEASE}|{_THANKS}|for (?:me|us){_END}))+[\s.!?]*$", re.IGNORECASE
)
#: Politeness behind a wish is looked for in its end only: a long text costs no more.
_SUFFIX_ROOM = 80
_WRAPPED = re.compile(r'"([^"]*)"|“([^“”]*)”|«([^«»]*)»|‘([^‘’]*)’')

_AGAIN = re.compile(
    r"(?:(?:try|do|draw|paint)(?: (?:it|this|that))? )?(?:again|over)"
    r"|(?:(?:draw|paint|do|make|give) (?:me )?)?(?:another|(?:one|once) more)(?: (?:one|time|try))?"
    r"|re-?roll|re-?do|retry|noch ?(?:ein)?mal|encore(?: une fois)?|otra vez|de novo|ancora"
    r"|ещё раз|еще раз|もう一度|もう一回|再来一张|다시",
    re.IGNORECASE,
)
_LEAVE = re.compile(
    r"\W*(?:please )?(?:stop|stopp|unsubscribe|opt[ -]?out|leave me alone|go away"
    r"|(?:stop|quit) (?:replying|answering|tagging|mentioning)(?: (?:to )?me)?"
    r"|(?:don['’]?t|do not) (?:reply|answer|tag|mention)(?: (?:to )?me)?(?: (?:again|any ?more))?)"
    r"(?: please)?\W*",
    re.IGNORECASE,
)
_CANCEL = re.compile(
    r"(?:stop|delete|cancel|remove|undo)(?: (?:it|this|that|(?:my |the |this |that )?"
    r"(?:job|wish|picture|image|pic|post|reply)))?"
    r"|never ?mind|forget it|take (?:it|this|that) (?:back|down)|stopp|abbrechen|löschen"
    r"|arrête|annuler|supprimer|cancelar|borrar|стоп|отмена|удали(?:ть)?|キャンセル|削除|停止|取消|删除",
    re.IGNORECASE,
)
#: Under a picture or a refusal, with or without why.
_REPORT = re.compile(
    r"(?:report(?: (?:this|it|that)(?: (?:picture|image|pic|post|reply))?)?"
    r"|melden|das melden|denunciar|signaler|通報)(?:\s*[:,–—-]\s*.+|\s+(?:because|for|as)\s.+)?",
    re.IGNORECASE,
)
_APPEAL = re.compile(
    r"(?:i )?appeal(?: (?:this|it|that))?(?:\s*[:,–—-]\s*.+|\s+(?:because|against|for)\s.+)?"
    r"|einspruch(?:\s*[:,–—-]\s*.+)?|apelar|異議申し立て",
    re.IGNORECASE,
)
#: Thanks, perhaps with a heart behind them.
_GRATITUDE = re.compile(
    rf"{_THANKS}[\s,.!\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]*", re.IGNORECASE
)
#: What is said about a picture that is there already.
_CHANGE = re.compile(
    r"(?:(?:now|but|and|please|then)[\s,]+)*"
    r"(?:make|turn|paint|colou?r|draw) (?:it|them|this|that|him|her)\s+(?P<how>.+)",
    re.IGNORECASE,
)
_ADDITION = re.compile(
    r"(?:but|and|now|with|without|on|in|at|as|under|over|near|beside|next to|wearing|holding)\s.+",
    re.IGNORECASE,
)
#: Words that say nothing of what the picture should show.
_NO_WISH = re.compile(
    rf"(?:{_GREETING}|{_THANKS}|{_PLEASE}|me|(?:{_STRONG}|re-?style|re-?draw)?"
    r"(?:\s*(?:this|it|that|my|the|me))?(?:\s*(?:photo|picture|image|pic))?)",
    re.IGNORECASE,
)
#: In signs from before emoji, "black" and "white" mean filled and hollow.
_OLD_SIGN = "\U0001f000"
_OLD_COLOUR = re.compile(r"\b(?:black|white|heavy|medium) (?!.*(?:square|circle))")
#: A flag, or one sign with what is joined to it: a skin tone, another sign.
_EMOJI = re.compile("[\U0001f1e6-\U0001f1ff]{2}|.(?:[\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*")
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


@dataclass(slots=True)
class _Flags:
    """What the flags said, filled in while they are read."""

    aspect: str | None = None
    seed: int | None = None
    style: str | None = None
    negative: list[str] = field(default_factory=list)
    count: int = 1
    strength: float | None = None
    quality: int = 1
    ignored: list[str] = field(default_factory=list)

    def ignore(self, what: str) -> None:
        told = _cut(what, LONGEST_IGNORED)
        if told not in self.ignored and len(self.ignored) < MOST_IGNORED:
            self.ignored.append(told)


def parse(text: str, *, handle: str, replying: bool = False, has_photo: bool = False) -> Prompt:
    """Read what `text`, which tags `@handle`, asks for. Any text at all is fine.

    `replying` says that the text answers a post (its leading handles are then
    addresses, whoever they name), `has_photo` that there is a photo to restyle.
    """
    plain = _settled(text[:LONGEST_TEXT], handle, replying=replying)
    words, flags = _without_flags(plain)
    wish = _trimmed(words)
    if len(wish) > LONGEST_WISH:
        wish = _cut(wish, LONGEST_WISH)
        flags.ignore(f"what came after {LONGEST_WISH:,} characters")
    intent = _intent(words, wish) or (_complaint(words) if replying else None)
    if intent is None:
        wish = _in_words(wish) if _is_wish(wish) else ""
        intent = Intent.PAINT if wish or has_photo else Intent.NOTHING
    else:
        wish = ""
    return Prompt(
        intent=intent,
        wish=wish,
        style=flags.style,
        aspect=flags.aspect,
        seed=flags.seed,
        negative=_cut(", ".join(flags.negative), LONGEST_NEGATIVE) or None,
        count=flags.count,
        strength=flags.strength,
        quality=flags.quality,
        ignored=tuple(flags.ignored),
    )


def says_stop(text: str, *, handle: str) -> bool:
    """Whether `text` says nothing but that its author wants to be left alone."""
    return bool(_LEAVE.fullmatch(_settled(text[:LONGEST_TEXT], handle, replying=True)))


def refined(before: str, words: str) -> str | None:
    """The wish `before` with what `words` say about it; None where they are a wish of their own.

    "a fox" with "make it green" is "a fox, green", with "on a hill" "a fox on a hill".
    """
    changed = _CHANGE.fullmatch(words)
    if changed:
        return f"{before}, {changed['how']}" if before else changed["how"]
    if _ADDITION.fullmatch(words):
        return f"{before} {words}".strip()
    return None


def clean(text: str) -> str:
    """`text` on one line, NFC, without characters that cannot be seen."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())  # as most texts are, at a third of the price
    text = _ESCAPE.sub("", text)
    seen = "".join(" " if c.isspace() else c for c in text if c.isspace() or not _control(c))
    return unicodedata.normalize("NFC", " ".join(_HIDDEN.sub("", seen).split()))


def _control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _settled(text: str, handle: str, *, replying: bool) -> str:
    """Taking one thing out may join two halves of another: look again until nothing changes."""
    plain = _plain(_unaddressed(clean(text), handle, replying=replying))
    for _ in range(3):
        again = _plain(plain)
        if again == plain:
            break
        plain = again
    return plain


def _plain(text: str) -> str:
    """Without links and tags; other people's handles as plain names."""
    return clean(_AT.sub("", _TAG.sub(" ", _LINK.sub(" ", text))))


def _unaddressed(text: str, handle: str, *, replying: bool) -> str:
    """Without the bot's handle, and without the handles that only say whom a post answers.

    In an answer, a network puts everybody in the thread before the text. Otherwise
    a name behind ours is meant: "@muralist @ada as a knight".
    """
    ours = re.compile(
        rf"(?<![A-Za-z0-9_])[@＠]{re.escape(handle)}(?![A-Za-z0-9_])[\s,:;!]*", re.IGNORECASE
    )
    run = _ADDRESSES.match(text)
    tagged = list(ours.finditer(text, 0, run.end())) if run else []
    if run and replying:
        text = text[run.end() :]
    elif tagged:
        text = text[tagged[-1].end() :]
    return ours.sub(" ", text)


def _without_flags(text: str) -> tuple[str, _Flags]:
    """The words without the flags, and what the flags said; the last of a kind counts."""
    flags = _Flags()
    words: list[str] = []
    at = 0
    for found in _FLAG.finditer(text):
        if found.start() < at or not _is_flag(found, text):
            continue
        words.append(text[at : found.start()])
        at = _read_flag(flags, found, text, leading=not "".join(words).strip())
    words.append(text[at:])
    return " ".join(" ".join(words).split()), flags


def _is_flag(found: re.Match[str], text: str) -> bool:
    """A typed `--` always; a dash only where a known name or a number follows it."""
    if found["dash"].startswith("-") or _known(found["name"]):
        return True
    return _NUMBER.match(text, _value_start(text, found.end())) is not None


def _known(name: str) -> str | None:
    return _FLAGS.get(name.lower().replace("_", "-").strip("-"))


def _value_start(text: str, at: int) -> int:
    """Where a flag's value begins: behind spaces and at most one `=` or `:`."""
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _read_flag(flags: _Flags, found: re.Match[str], text: str, *, leading: bool) -> int:
    """Put one flag's value into `flags`; return where it ends in `text`."""
    kind, start = _known(found["name"]), _value_start(text, found.end())
    told = f"--{found['name']}"
    if kind is None:
        number = _NUMBER.match(text, start)
        flags.ignore(f"{told} {number[0]}" if number else told)
        return number.end() if number else found.end()
    value, end = _value(kind, text, start, leading=leading)
    if not value:
        flags.ignore(told)
        return found.end()
    if not _set(flags, kind, value, told):
        flags.ignore(f"{told} {value}")
    return end


def _value(kind: str, text: str, start: int, *, leading: bool) -> tuple[str, int]:
    """A flag's value and where it ends; empty where the next thing is another flag."""
    quoted = _QUOTED.match(text, start)
    if quoted:
        return next((part for part in quoted.groups() if part), "").strip(), quoted.end()
    following = next(
        (flag.start() for flag in _FLAG.finditer(text, start) if _is_flag(flag, text)), len(text)
    )
    if kind == "no" and not leading:
        # Behind the wish it takes a list, up to the next flag, as people know it.
        return text[start:following].strip(" ,"), following
    words = list(_WORD.finditer(text, start, following))
    if not words:
        return "", start
    last = 0
    while last + 1 < len(words) and _goes_on(kind, words[last][0], words[last + 1][0]):
        last += 1
    end = words[last].end()
    return text[start:end].strip(" ,;"), end


def _goes_on(kind: str, word: str, following: str) -> bool:
    if kind == "no":
        return word.endswith(",")
    return kind == "style" and following.lower().strip(",.") in _STYLE_TAILS


def _set(flags: _Flags, kind: str, value: str, told: str) -> bool:
    """Whether `value` could be understood; out of bounds it is brought back in, and told."""
    if kind == "style":
        flags.style = _style(value)
        return flags.style is not None
    if kind == "no":
        flags.negative.append(value)
        return True
    if kind == "ar":
        return _set_aspect(flags, value, told)
    if kind == "strength":
        return _set_strength(flags, value)
    number = _whole(value)
    if number is None:
        return False
    if kind == "seed":
        flags.seed = min(number, LARGEST_SEED)
        if number > LARGEST_SEED:
            flags.ignore(f"{told} above {LARGEST_SEED}")
    elif kind == "q":
        flags.quality = max(1, min(number, MOST_QUALITY))
        if number > MOST_QUALITY:
            flags.ignore(f"{told} above {MOST_QUALITY}")
    else:
        flags.count = max(1, min(number, MOST_PICTURES))
        if number > MOST_PICTURES:
            flags.ignore(f"{told} above {MOST_PICTURES}")
    return True


def _style(value: str) -> str | None:
    name = _trim_edges(re.sub(r"\s+style$", "", value.lower()))
    return clean(_cut(name, LONGEST_STYLE)) or None


def _whole(value: str) -> int | None:
    """A whole number of any script's digits; a very long one is simply very large."""
    digits = value.rstrip(",.;")
    if not digits.isdecimal():
        return None
    return int(digits) if len(digits) <= 18 else 10**18


def _set_aspect(flags: _Flags, value: str, told: str) -> bool:
    named = _SHAPES.get(value.lower(), value)
    found = _RATIO.fullmatch(named)
    if found is None:
        return False
    width, height = Fraction(found[1]), Fraction(found[2])
    if not width or not height:
        return False
    ratio = width / height
    bounded = max(1 / WIDEST, min(ratio, WIDEST))
    if bounded != ratio:
        flags.ignore(f"{told} beyond 3:1")
    flags.aspect = shape(bounded)
    return True


def shape(ratio: Fraction) -> str:
    """ "W:H" in small whole numbers, the closest there is to width by height."""
    if ratio < 1:
        return ":".join(reversed(shape(1 / ratio).split(":")))
    near = ratio.limit_denominator(20)
    return f"{near.numerator}:{near.denominator}"


def _set_strength(flags: _Flags, value: str) -> bool:
    found = re.fullmatch(r"(\d{0,3}(?:[.,]\d{1,6})?)(%?)", value)
    if found is None or not found[1]:
        return False
    strength = float(found[1].replace(",", "."))
    if found[2] or strength > 1:
        strength /= 100
    if not 0 < strength <= 1:
        return False
    flags.strength = strength
    return True


def _trimmed(words: str) -> str:
    """Without politeness around it, as long as something remains."""
    wish = _trim_edges(words)
    for _ in range(4):
        shorter = _trim_once(wish)
        if shorter == wish or not _is_wish(shorter):
            break
        wish = shorter
    return wish


def _trim_once(wish: str) -> str:
    unwrapped = _WRAPPED.fullmatch(wish)
    if unwrapped:
        return _trim_edges(next((part for part in unwrapped.groups() if part), ""))
    for shorter in (_before(_behind(wish)), _behind(wish), _before(wish)):
        if _is_wish(shorter):
            return shorter
    return wish


def _behind(wish: str) -> str:
    prefix = _PREFIX.match(wish)
    return _trim_edges(wish[prefix.end() :] if prefix else wish)


def _before(wish: str) -> str:
    room = max(0, len(wish) - _SUFFIX_ROOM)
    suffix = _SUFFIX.search(wish, room)
    return _trim_edges(wish[: suffix.start()] if suffix else wish)


def _trim_edges(text: str) -> str:
    return text.lstrip(" ,.:;!-–—―").rstrip(" ,:;-–—―")


def _is_wish(wish: str) -> bool:
    """Whether it has a letter, a digit or a picture sign, and says more than "draw this"."""
    said = _bare(_before(_behind(wish)))
    if not any(unicodedata.category(c)[0] in "LN" or _pictorial(c) for c in said):
        return False
    return _NO_WISH.fullmatch(said) is None


def _intent(words: str, wish: str) -> Intent | None:
    """What the whole text means as an order to the bot, None where it is a wish."""
    for said in (_bare(words), _bare(wish)):
        if _AGAIN.fullmatch(said):
            return Intent.AGAIN
        if _CANCEL.fullmatch(said):
            return Intent.CANCEL
        if _GRATITUDE.fullmatch(said):
            return Intent.THANKS
    return None


def _complaint(words: str) -> Intent | None:
    """Said under something of the bot's, these are no wishes."""
    said = _bare(words)
    if _REPORT.fullmatch(said):
        return Intent.REPORT
    return Intent.APPEAL if _APPEAL.fullmatch(said) else None


def _bare(text: str) -> str:
    return text.strip(" ,.:;!?…¡¿。！？؟-")


def _pictorial(character: str) -> bool:
    """Emoji and other picture signs; some are not in this Python's Unicode tables yet."""
    return unicodedata.category(character) in ("So", "Cn")


def _in_words(wish: str) -> str:
    """Emoji by their names, where there are no words: the model reads words only."""
    if any(unicodedata.category(c)[0] in "LN" for c in wish):
        return wish
    named = map(_emoji_name, _EMOJI.findall(wish))
    return ", ".join(dict.fromkeys(name for name in named if name)) or wish


def _emoji_name(sequence: str) -> str:
    return " ".join(dict.fromkeys(name for name in map(_sign_name, sequence) if name))


def _sign_name(sign: str) -> str:
    if not _pictorial(sign) or ord(sign) in _FLAG_LETTERS:
        return "flag" if ord(sign) in _FLAG_LETTERS else ""
    name = unicodedata.name(sign, "").lower()
    return _OLD_COLOUR.sub("", name) if sign < _OLD_SIGN else name


def _cut(text: str, longest: int) -> str:
    """At most `longest` characters, cut between words where there are any."""
    if len(text) <= longest:
        return text
    head = text[: longest + 1]
    space = head.rfind(" ")
    return _trim_tail(head[:space] if space > longest // 2 else head[:longest])


def _trim_tail(text: str) -> str:
    return text.rstrip(" ,:;-–—\u200c\u200d")
