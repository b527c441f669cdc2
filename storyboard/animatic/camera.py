"""Camera moves: the author's words read into a move, and the window it shows at each moment.

A move is data. `VERBS` says which camera verbs take which directions, `AXES` what a move does to the
window, `PACE` how words of manner scale it. Words are matched whole, so "span" is no pan.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple


class Move(NamedTuple):
    """How the window travels over the picture from the first frame to the last.

    `dx`, `dy`: travel in fractions of the window's size, positive to the right and downwards.
    `dz`: growth of the magnification; 0.1 ends 10 % closer, -0.1 starts 10 % closer.
    """

    label: str
    arrow: str
    dx: float
    dy: float
    dz: float

    def scaled(self, factor: float) -> "Move":
        """The same move, `factor` times as far."""
        return self._replace(dx=self.dx * factor, dy=self.dy * factor, dz=self.dz * factor)


@dataclass(frozen=True)
class _Verb:
    default: str
    takes: dict[str, str]


_IN_OUT = {"in": "in", "out": "out"}
_PAN = {"left": "pan left", "right": "pan right", "up": "tilt up", "down": "tilt down"}
_TRACK = {"left": "track left", "right": "track right", "in": "in", "out": "out"}
_RISE = {"up": "rise", "down": "lower"}

AXES: dict[str, Move] = {
    "in": Move("push in", "↗", 0, 0, 0.13),
    "out": Move("pull out", "↙", 0, 0, -0.13),
    "pan left": Move("pan left", "←", -0.13, 0, 0),
    "pan right": Move("pan right", "→", 0.13, 0, 0),
    "tilt up": Move("tilt up", "↑", 0, -0.13, 0),
    "tilt down": Move("tilt down", "↓", 0, 0.13, 0),
    # A travelling camera comes a little closer as it goes: the nearest thing a flat still has to parallax.
    "track left": Move("track left", "←", -0.13, 0, 0.025),
    "track right": Move("track right", "→", 0.13, 0, 0.025),
    "rise": Move("rise", "↑", 0, -0.13, 0.025),
    "lower": Move("lower", "↓", 0, 0.13, 0.025),
}
_STATIC = Move("static", "·", 0, 0, 0)
_GENTLE = 0.6

_VERBS: tuple[tuple[str, _Verb], ...] = (
    ("dolly dollies dollying", _Verb("in", _TRACK)),
    ("push pushes pushing", _Verb("in", _IN_OUT)),
    ("zoom zooms zooming", _Verb("in", _IN_OUT)),
    ("pull pulls pulling", _Verb("out", {"out": "out"})),
    ("pan pans panning", _Verb("pan right", _PAN)),
    ("tilt tilts tilting", _Verb("tilt up", {"up": "tilt up", "down": "tilt down"})),
    ("truck trucks trucking", _Verb("track right", _TRACK)),
    ("track tracks tracking", _Verb("track right", _TRACK)),
    ("slide slides sliding", _Verb("track right", _TRACK)),
    ("pedestal pedestals", _Verb("rise", _RISE)),
    ("crane cranes craning", _Verb("rise", _RISE)),
    ("boom booms booming", _Verb("rise", _RISE)),
    ("rise rises rising", _Verb("rise", {"up": "rise"})),
)
VERBS: dict[str, _Verb] = {word: verb for words, verb in _VERBS for word in words.split()}
DIRECTIONS: dict[str, str] = {
    word: direction
    for direction, words in {
        "in": "in into inward inwards forward forwards closer toward towards",
        "out": "out outward outwards back backward backwards away",
        "left": "left leftward leftwards",
        "right": "right rightward rightwards",
        "up": "up upward upwards",
        "down": "down downward downwards",
    }.items()
    for word in words.split()
}
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up", "in": "out", "out": "in"}
_HELD = frozenset({"static", "locked", "fixed", "hold", "holds", "holding", "still", "stationary"})
PACE: dict[str, float] = {
    word: factor
    for factor, words in {
        0.6: "slow slowly gentle gently subtle subtly slight slightly creep creeping",
        1.6: "fast quick quickly rapid rapidly sudden suddenly",
        2.2: "whip crash",
    }.items()
    for word in words.split()
}

# How many words after its verb a direction is looked for: "pan very slowly to the left" needs four.
_REACH = 5


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())


def _direction(words: list[str], at: int, verb: _Verb) -> str | None:
    """The direction `verb` at `words[at]` is given: the nearest after it, else the word just before it."""
    for n in range(at + 1, min(at + 1 + _REACH, len(words))):
        if words[n] in VERBS:
            break
        found = DIRECTIONS.get(words[n])
        if found is None:
            continue
        if "from" in words[max(at, n - 2) : n]:
            found = _OPPOSITE[found]
        if found in verb.takes:
            return found
    before = DIRECTIONS.get(words[at - 1]) if at else None
    return before if before in verb.takes else None


def read(text: str) -> Move:
    """The move that an author's words ask for; a gentle push in where they name none.

    Moves along different axes add up ("dolly in while panning left"); of two along one axis the first
    counts. A named move wins over words of stillness.
    """
    words = _words(text)
    pace = 1.0
    for word in dict.fromkeys(words):
        pace *= PACE.get(word, 1.0)
    total: Move | None = None
    for at, word in enumerate(words):
        verb = VERBS.get(word)
        if verb is None:
            continue
        direction = _direction(words, at, verb)
        move = AXES[verb.takes[direction] if direction else verb.default]
        if total is None:
            total = move
            continue
        total = total._replace(
            dx=total.dx or move.dx, dy=total.dy or move.dy, dz=total.dz if abs(total.dz) > 0.05 else move.dz
        )
    if total is not None:
        return total.scaled(min(2.4, max(0.4, pace)))
    if _HELD.intersection(words):
        return _STATIC
    return AXES["in"].scaled(_GENTLE)


def paced(move: Move, seconds: float) -> Move:
    """`move` fitted to a clip of `seconds`: a short shot travels less, a long one more, 5 s as written."""
    return move.scaled(min(1.4, max(0.4, (seconds / 5) ** 0.5)))


def ease(t: float) -> float:
    """0..1 to 0..1: half smootherstep (Perlin 2002), half linear, so that a slow move never stalls."""
    return 0.5 * (t * t * t * (t * (6 * t - 15) + 10)) + 0.5 * t


Window = tuple[float, float, float, float]


@dataclass(frozen=True)
class Track:
    """A move laid over a canvas of `canvas` pixels, seen through a window of `aspect` (width / height)."""

    move: Move
    canvas: tuple[float, float]
    aspect: float

    @property
    def _field(self) -> tuple[float, float]:
        width, height = self.canvas
        return min(width, height * self.aspect), min(height, width / self.aspect)

    @property
    def widest(self) -> float:
        """The least magnification of the move: the canvas leaves room for the whole travel."""
        (width, height), (field_w, field_h) = self.canvas, self._field
        room_x, room_y = 1 + abs(self.move.dx), 1 + abs(self.move.dy)
        return max(1.0, field_w * room_x / width, field_h * room_y / height)

    @property
    def tightest(self) -> float:
        """The greatest magnification of the move, in units of the largest window that fits."""
        return self.widest * (1 + abs(self.move.dz))

    def window(self, t: float) -> Window:
        """The window (x0, y0, x1, y1) in canvas pixels at `t` in 0..1; it never leaves the canvas."""
        e = ease(t)
        (width, height), (field_w, field_h) = self.canvas, self._field
        least, growth = self.widest, 1 + abs(self.move.dz)
        zoom = least * growth ** (e if self.move.dz >= 0 else 1 - e)
        x = width / 2 + self.move.dx * (e - 0.5) * field_w / least
        y = height / 2 + self.move.dy * (e - 0.5) * field_h / least
        half_w, half_h = field_w / zoom / 2, field_h / zoom / 2
        x = min(max(x, half_w), width - half_w)
        y = min(max(y, half_h), height - half_h)
        return x - half_w, y - half_h, x + half_w, y + half_h
