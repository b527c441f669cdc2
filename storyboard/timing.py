"""Exact time: seconds as fractions, frames at a rational rate. No floats."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil, floor

Rate = Fraction
"""Frames per second, such as 24 or 24000/1001."""


def rate(text: str) -> Rate:
    """`"24"` or `"24000/1001"` as frames per second.

    Raises:
        ValueError: not a whole number or a ratio of two, or outside 1 to 120.
    """
    if not re.fullmatch(r"[1-9]\d{0,6}(/[1-9]\d{0,6})?", text):
        raise ValueError(f"not a frame rate: {text!r}")
    value = Fraction(text)
    if not 1 <= value <= 120:
        raise ValueError(f"not a frame rate: {text!r}")
    return value


def round_half_up(value: Fraction) -> int:
    """The nearest whole number, halves upwards: the same for every reader, unlike round()'s halves to even."""
    return floor(value + Fraction(1, 2))


def frames_covering(seconds: Fraction, fps: Rate) -> int:
    """The fewest frames that last at least `seconds`."""
    return ceil(seconds * fps)


def boundaries(durations: Iterable[Fraction], fps: Rate) -> list[int]:
    """Where each shot starts, and the film ends, in frames from the film's start.

    Each boundary is rounded from the exact sum before it, so errors never add up.
    """
    at, total = [0], Fraction(0)
    for duration in durations:
        total += duration
        at.append(round_half_up(total * fps))
    return at


DROPPING = (Rate(30000, 1001), Rate(60000, 1001))
"""The rates whose timecode drops frame numbers, so that an hour of it is an hour of the clock (SMPTE ST 12-1)."""


def timecode(frame: int, fps: Rate) -> str:
    """Timecode HH:MM:SS:FF, counting at the whole rate nearest to `fps` (SMPTE ST 12-1).

    At 29.97 and 59.94 it is drop-frame, HH:MM:SS;FF, as records of such films are; at every other rate non-drop.
    """
    base, separator = round_half_up(fps), ":"
    if fps in DROPPING:
        dropped, separator = base // 15, ";"
        tens, rest = divmod(frame, base * 600 - 9 * dropped)
        frame += dropped * (9 * tens + max(0, (rest - dropped) // (base * 60 - dropped)))
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}"


def moment(at: int) -> str:
    """A moment in milliseconds since 1970 as ISO 8601 in UTC, to the second: `2026-11-21T16:05:00Z`."""
    return datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")


def exact(value: Fraction) -> str:
    """A fraction as text without loss: `4`, `4.5`, or `1001/24000` where no decimal ends."""
    denominator = value.denominator
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    if denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}}"
    whole, decimals = (digits[:-places], "." + digits[-places:]) if places else (digits, "")
    return ("-" if value < 0 else "") + whole + decimals


def shown(seconds: Fraction) -> str:
    """Seconds for people, to the millisecond: `4 s`, `4.5 s`, `2.043 s`."""
    return f"{float(round(seconds, 3)):g} s"


def number(value: Fraction) -> int | float:
    """For JSON that people's tools read: an integer where it is one, else the nearest float."""
    return value.numerator if value.denominator == 1 else float(value)
