"""The small values of the language, each read from the author's text by its own reader.

A reader takes what the YAML holds (text, list, mapping or nothing) and raises `PydanticCustomError` with a
diagnostic's code as its type, a message in the author's words, and the cure as `help` in its context.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from storyboard import timing
from storyboard.prompt import LONGEST_ID

MAX_SEED = 2147483647


class Written(BaseModel):
    """Anything an author writes as keys and values. Frozen; unknown keys are errors."""

    # Built when first used: only the whole storyboard is ever validated, so its parts need no validators of their own.
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


@dataclass(frozen=True)
class Duration:
    """A length of time as written: in seconds, in frames of the film's rate, or as timecode: `amount` are its whole
    seconds, and `frames` the frames after them.
    """

    amount: Fraction
    in_frames: bool = False
    frames: int | None = None

    def seconds(self, fps: timing.Rate) -> Fraction:
        """Exact seconds at the film's rate; non-drop timecode counts at the whole rate nearest to it."""
        if self.frames is not None:
            return (self.amount * timing.round_half_up(fps) + self.frames) / fps
        return self.amount / fps if self.in_frames else self.amount


def bad(code: str, message: str, help_: str, key: str = "") -> PydanticCustomError:
    """A reader's error; `decode` turns it into a diagnostic, at `key` if one is named.

    Braces in the texts stay as they are.
    """
    context = {"message": message, "help": help_, "key": key}
    return PydanticCustomError(code, "{message}", context)


def kind(value: object) -> str:
    """What the author wrote, in words."""
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, list) else "keys and values" if isinstance(value, dict) else "text"


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise bad("SB103", f"expected {what}, found {kind(value)}", f"write {what} on the same line, or in quotes")
    return unicodedata.normalize("NFC", value)


def read_text(value: object) -> str:
    """Any text; numbers and words alike."""
    return _text(value, "text").strip()


def read_filled(value: object) -> str:
    """Text that isn't empty."""
    text = read_text(value)
    if not text:
        raise bad("SB104", "the text is empty", "write something, or remove the key")
    return text


def read_id(value: object) -> str:
    """Letters and digits of any script, `-`, `_` and inner `.`, up to 64."""
    text = _text(value, "an id")
    category = unicodedata.category
    fits = text and all(
        c in "-_." or category(c)[0] in "LN" or (i and category(c)[0] == "M") for i, c in enumerate(text)
    )
    if text.startswith("@"):
        raise bad("SB105", f"'{text[:40]}' can't be an id", f"write {text[1:41]}, without the '@'")
    if len(text) > LONGEST_ID:
        raise bad("SB105", f"an id of {len(text)} characters", f"use up to {LONGEST_ID}")
    if len(text.encode()) > 200:  # it names files, and most file systems end a name at 255 bytes
        raise bad("SB105", "an id of more than 200 bytes", "use a shorter one")
    if not fits or text[0] == "." or text[-1] == "." or len(text) > LONGEST_ID:
        shown = text if len(text) <= 40 else text[:39] + "…"
        help_ = "use letters, digits, '-', '_' and '.' inside, up to 64, such as s010"
        raise bad("SB105", f"'{shown}' can't be an id", help_)
    return text


def read_bool(value: object) -> bool:
    """`true` or `false`; `yes` and `no` are texts in YAML 1.2."""
    text = _text(value, "true or false")
    if text in {"true", "True", "TRUE"}:
        return True
    if text in {"false", "False", "FALSE"}:
        return False
    cure = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(text.lower())
    help_ = f"in YAML 1.2 '{text}' is a text: write {cure}" if cure else "write true or false"
    raise bad("SB103", f"expected true or false, found '{text}'", help_)


def whole(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers from `low` to `high`, both included."""

    def read(value: object) -> int:
        text = _text(value, "a whole number")
        if not re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            raise bad("SB103", f"expected a whole number, found '{text}'", f"write a number from {low} to {high}")
        if not low <= int(text) <= high:
            raise bad("SB104", f"{text} is out of range", f"write a number from {low} to {high}")
        return int(text)

    return read


def _seconds(text: str) -> Fraction | None:
    return Fraction(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", text) else None


def read_duration(value: object) -> Duration:
    """Seconds (`4`, `4.5`), frames (`96f`) or timecode (`00:00:04:00`), zero allowed."""
    text = _text(value, "a duration")
    if re.fullmatch(r"[0-9]{1,9}f", text):
        return Duration(Fraction(text[:-1]), in_frames=True)
    seconds = _seconds(text)
    if seconds is not None:
        return Duration(seconds)
    parts = re.fullmatch(r"([0-9]{1,2}):([0-5]?[0-9]):([0-5]?[0-9])([:;])([0-9]{1,3})", text)
    if parts and parts[4] == ":":
        hours, minutes, whole_seconds, frames = (int(parts[n]) for n in (1, 2, 3, 5))
        return Duration(Fraction(hours * 3600 + minutes * 60 + whole_seconds), frames=frames)
    unit = re.fullmatch(r"([0-9]+(?:[.,][0-9]+)?) ?(s|secs?|seconds?|frames?|)", text)
    help_ = "write seconds (4, 4.5), frames (96f) or timecode (00:00:04:12)"
    if ";" in text:
        help_ = "a length is counted without drop frames: write ':' instead of ';'"
    if unit and unit[2].startswith("frame"):
        help_ = f"write {unit[1]}f"
    elif unit:
        help_ = f"write {unit[1].replace(',', '.')}: seconds are the unit"
    raise bad("SB103", f"'{text}' isn't a duration", help_)


def read_positive_duration(value: object) -> Duration:
    """A duration above zero."""
    duration = read_duration(value)
    if not duration.amount and not duration.frames:
        raise bad("SB104", "a duration of nothing", "write how long it lasts, such as 4 or 96f")
    return duration


def read_fps(value: object) -> timing.Rate:
    """Frames per second: whole, or a ratio such as 24000/1001."""
    text = _text(value, "frames per second")
    try:
        return timing.rate(text)
    except ValueError:
        exact = {"23.976": "24000/1001", "23.98": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}.get(text)
        help_ = f'write "{exact}"' if exact else 'write a whole number from 1 to 120, or a ratio such as "24000/1001"'
        raise bad("SB104", f"'{text}' isn't a frame rate", help_) from None


def read_aspect(value: object) -> str:
    """`16:9`, `9:16` and the like."""
    text = _text(value, "an aspect ratio")
    if not re.fullmatch(r"[1-9][0-9]?:[1-9][0-9]?", text):
        raise bad("SB104", f"'{text}' isn't an aspect ratio", "write 16:9 or 9:16")
    return text


def read_resolution(value: object) -> str:
    """`720p`, `1080p` and the like."""
    text = _text(value, "a resolution")
    if not re.fullmatch(r"[1-9][0-9]{2,3}p", text):
        raise bad("SB104", f"'{text}' isn't a resolution", "write 720p or 1080p")
    return text


def read_dollars(value: object) -> Decimal:
    """US dollars, exactly: `20` or `20.50`."""
    text = _text(value, "US dollars")
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text):
        raise bad("SB104", f"'{text}' isn't an amount of US dollars", "write a number such as 20 or 20.50")
    return Decimal(text)


def one_of(*words: str) -> Callable[[object], str]:
    """A reader of one of a few words."""

    def read(value: object) -> str:
        text = _text(value, "one of " + ", ".join(words))
        if text not in words:
            raise bad("SB104", f"'{text}' isn't one of {', '.join(words)}", f"write {' or '.join(words)}")
        return text

    return read


def listed(value: object) -> Any:
    """A list; a single value isn't taken for one."""
    if not isinstance(value, list):
        raise bad("SB103", f"expected a list, found {kind(value)}", "write [one, two], or one '- …' a line")
    return value


def mapped(value: object) -> Any:
    """Keys and values."""
    if not isinstance(value, (dict, BaseModel)):
        raise bad("SB103", f"expected keys and values, found {kind(value)}", "write 'key: value', one a line")
    return value


def _schema(**form: object) -> WithJsonSchema:
    return WithJsonSchema(dict(form))


Text = Annotated[str, BeforeValidator(read_text), _schema(type="string")]
Filled = Annotated[str, BeforeValidator(read_filled), _schema(type="string", minLength=1)]
Id = Annotated[str, BeforeValidator(read_id), _schema(type="string", minLength=1, maxLength=64)]
Bool = Annotated[bool, BeforeValidator(read_bool), _schema(type="boolean")]
Seed = Annotated[int, BeforeValidator(whole(0, MAX_SEED)), _schema(type="integer", minimum=0, maximum=MAX_SEED)]
Take = Annotated[int, BeforeValidator(whole(1, 9999)), _schema(type="integer", minimum=1, maximum=9999)]
_DURATION: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": "^([0-9]+f|[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,3})$"},
    ]
}
Moment = Annotated[Duration, BeforeValidator(read_duration), _schema(**_DURATION)]
Length = Annotated[Duration, BeforeValidator(read_positive_duration), _schema(**_DURATION)]
Fps = Annotated[
    Fraction,
    BeforeValidator(read_fps),
    _schema(
        anyOf=[{"type": "integer", "minimum": 1, "maximum": 120}, {"type": "string", "pattern": "^[0-9]+/[0-9]+$"}]
    ),
]
Dollars = Annotated[Decimal, BeforeValidator(read_dollars), _schema(type="number", minimum=0)]
Aspect = Annotated[str, BeforeValidator(read_aspect), _schema(type="string", examples=["16:9", "9:16"])]
Resolution = Annotated[str, BeforeValidator(read_resolution), _schema(type="string", examples=["720p", "1080p"])]
ShotType = Annotated[str, BeforeValidator(one_of("single", "multi")), _schema(enum=["single", "multi"])]
Allowed = Annotated[dict[str, Filled], BeforeValidator(mapped)]
"""Warnings that are silenced: their codes, each with the reason."""
UploadVia = Annotated[str, BeforeValidator(one_of("wavespeed")), _schema(enum=["wavespeed"])]
