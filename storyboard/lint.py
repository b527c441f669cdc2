"""Prompt lint: warnings about words that a video model can't do as asked. English only.

The words come from the shot's own prompt and its beats, never from a look or a style.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from storyboard import words
from storyboard.catalog import Model
from storyboard.diagnostic import Diagnostic, Related
from storyboard.resolve import Resolved
from storyboard.source import Span
from storyboard.words import Found

_LAST_READ = 30


@dataclass(frozen=True)
class _Text:
    """A text of the author's, where it is written, and the words in it that tell something."""

    value: str
    at: Span
    telling: frozenset[str]

    @cached_property
    def masked(self) -> str:
        """The text without what is said in it."""
        return words.masked(self.value)

    def shown(self, start: int, end: int) -> str:
        """A part of it, for a message."""
        part = _short(self.value[start:end])
        return f'"{part}"' if "'" in part else f"'{part}'"

    def place(self, start: int, end: int) -> Span:
        """Where a part of it is written, or all of it: quotes, escapes and folds may hide the part."""
        part = " ".join(self.value[start:end].split())
        pattern = re.compile("".join(_WRITTEN.get(character, re.escape(character)) for character in part))
        ours, written = ([one.span() for one in pattern.finditer(text)] for text in (self.value, self.at.text))
        if len(ours) != len(written) or (start, end) not in ours:
            return self.at
        first, last = written[ours.index((start, end))]
        return self.at.source.span(self.at.start + first, self.at.start + last)


_WRITTEN = {" ": r"\s+", '"': r"\\?\"", "'": "''?"}


def lint(shot: Resolved, model: Model, sent: str) -> Iterator[Diagnostic]:
    """SB401 to SB405: the warnings about a shot's prompt in one pass; `sent` is the prompt with all that is added."""
    yield from _length(shot, model, sent)
    for owner, path, value in shot.words:
        telling = words.telling(value) if path != ("camera",) else None
        if telling:
            text = _Text(value, shot.at.of(owner, *path), telling)
            if model.kind != "animatic":
                yield from _picture(shot, model, text)
            yield from _camera(shot, text)


def _length(shot: Resolved, model: Model, sent: str) -> Iterator[Diagnostic]:
    """SB401: the model reads all of the prompt."""
    limit = model.prompt
    if limit is not None and len(sent) > limit:
        message = (
            f"{shot.shot.id} sends a prompt of {len(sent):,} characters, and {model.id} (pass {shot.pass_id}) "
            f"reads {limit:,}, up to '…{sent[max(0, limit - _LAST_READ) : limit].strip()}': "
            f"it misses {_lost(shot, sent, limit)}"
        )
        look = ": what a character looks like belongs in its 'look'" if model.mentions == "token" else ""
        yield _warning("SB401", message, shot.where("prompt"), f"shorten it, or the style{look}")


def _lost(shot: Resolved, sent: str, limit: int) -> str:
    """Which parts of the prompt stand beyond `limit`, in the author's words."""
    style = "scene's style" if shot.shot.style is None else "shot's style"
    parts = [("camera", shot.own("camera")), (style, shot.style.prompt), ("style", shot.board.style.prompt)]
    placed = [(name, sent.rfind(text.strip()), len(text.strip())) for name, text in parts if text.strip()]
    placed = [one for one in placed if one[1] >= 0]
    own = min((at for _, at, _ in placed), default=len(sent) + 1)
    lost = ["the end of the prompt"] if own > limit + 1 else []
    for name, at, length in placed:
        if at + length > limit:
            lost.append(f"the {name}" if at >= limit else f"the end of the {name}")
    return " and ".join([", ".join(lost[:-1]), lost[-1]] if len(lost) > 1 else lost or ["its full stop"])


def _picture(shot: Resolved, model: Model, text: _Text) -> Iterator[Diagnostic]:
    """SB402, SB403, SB404: the prompt asks for what the model makes in this pass, and for what is there."""
    masked = text.masked
    lettering = words.lettering(masked, text.telling)
    for start, end, *_ in lettering:
        message = f"{text.shown(start, end)} asks for lettering, which video models garble"
        help_ = "leave it out, and put the words into the picture in the edit"
        yield _warning("SB403", message, text.place(start, end), help_)
    switched = "audio" in model.fields
    if not (switched and shot.switch("audio")):
        heard = (one for one in words.sound(masked, text.telling) if not words.overlaps(one, lettering))
        for start, end, *_ in [*heard][:1]:  # one says that they contradict each other
            off = f"it is off in pass {shot.pass_id}"
            why = off if switched else f"{model.id} (pass {shot.pass_id}) has no switch for it"
            help_ = "put what is said under 'dialogue', and add the sound in the edit"
            help_ = f"write 'audio: true' in the pass, or {help_}" if switched else help_
            message = f"{text.shown(start, end)} asks for sound, but {why}"
            yield _warning("SB402", message, text.place(start, end), help_)
    for start, end, _, named in words.absences(masked, text.telling):
        what = text.shown(named, end)
        help_ = f"leave it out, and put {what} under 'negative'"
        if what[1] == "@":
            help_ = f"leave it out: {what} sends the character's references along"
        message = f"{text.shown(start, end)} names what shouldn't be seen, and models tend to draw what is named"
        yield _warning("SB404", message, text.place(start, end), help_)


def _camera(shot: Resolved, text: _Text) -> Iterator[Diagnostic]:
    """SB405: the prompt and `camera` don't contradict each other."""
    value = shot.own("camera")
    moves: list[Found] = words.moves(text.masked, text.telling) if value else []
    ways = words.camera(value) if moves else frozenset()
    for start, end, way, _ in moves:
        how = _conflict(way, ways)
        if how:
            message = f"{text.shown(start, end)} {how} camera: '{_short(value)}'"
            related = (Related(shot.where("camera"), "the camera is written here"),)
            help_ = "say how the camera moves in one place, under 'camera'"
            yield _warning("SB405", message, text.place(start, end), help_, related)


def _conflict(way: str, ways: frozenset[str]) -> str:
    """How a move in the prompt is at odds with those of `camera`; "" where it isn't."""
    if not ways or way in ways:
        return ""
    if way == "static" or ways == {"static"}:
        return "contradicts"
    axes = {words.AXIS[each] for each in ways if each in words.AXIS}
    if way == "any" or not axes:
        return ""
    return "contradicts" if words.OPPOSITE[way] in ways else "is another move than"


def _warning(code: str, message: str, span: Span, help_: str, related: tuple[Related, ...] = ()) -> Diagnostic:
    return Diagnostic(code, message, span, help_, "warning", related)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
