"""What an edit wants, written into the storyboard's text: each value as its author writes such values."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from storyboard import shots, syntax, timing
from storyboard.edit.compare import Compared, New
from storyboard.film import Film
from storyboard.model import Duration, Shot, Storyboard
from storyboard.rewrite import Edit, Order, Path, Remove, Set, Uneditable, rewritten
from storyboard.source import Source
from storyboard.timeline import CUT, Join

_HOURS = 100
"""Timecode has two digits of them."""


class Change(NamedTuple):
    """A change of the storyboard, in its own words."""

    shot: str
    what: str
    old: str
    new: str


def written(
    source: Source, board: Storyboard, film: Film, wanted: Compared, held: Mapping[str, Fraction]
) -> tuple[str, list[Change]]:
    """The text with all that is wanted, and what that changes.

    Args:
        held: By shot, the seconds that its clip is at least to have, so that it stays the one that it has.

    Raises:
        Uneditable: a place of the text can't be edited.
    """
    writer = _Writer(source, board, film, held)
    edits = writer.edits(wanted)
    try:
        return rewritten(source, edits), writer.changes
    except Uneditable:
        # With a key its line goes: where there is a comment on it, the key stays and says the same.
        stay = {edit.path for edit in edits if isinstance(edit, Remove) and not _is_possible(source, edit)}
        if not stay:
            raise
        return rewritten(source, writer.edits(wanted, stay)), writer.changes


def _is_possible(source: Source, edit: Edit) -> bool:
    try:
        rewritten(source, [edit])
    except Uneditable:
        return False
    return True


class _Writer:
    def __init__(self, source: Source, board: Storyboard, film: Film, held: Mapping[str, Fraction]) -> None:
        root, _ = syntax.parse(source)
        assert root is not None  # it was compiled
        self._root = root
        self._board = board
        self._film = film
        self._fps = film.fps
        self._held = held
        self._shots = {shot.id: shot for shot, _ in board.all_shots()}
        self._paths = _paths(board)
        self.changes: list[Change] = []

    def edits(self, wanted: Compared, stay: Collection[Path] = ()) -> list[Edit]:
        """What is to be edited; keys of `stay` are set where they would else be removed."""
        self.changes = []
        edits: list[Edit] = []
        for shot in self._film.shots:
            new = wanted.new.get(shot.id, New())
            if new != New() or shot.id in self._held:
                edits += self._shot(self._shots[shot.id], new, stay)
        return edits + list(self._order(wanted))

    def _order(self, wanted: Compared) -> Iterator[Order]:
        place = {shot: n for n, shot in enumerate(wanted.order)}
        for shot in wanted.moved:
            n = place[shot]
            after = f"after {wanted.order[n - 1]}" if n else "first"
            was = self._film.numbers[shot]
            before = f"after {self._film.shots[was - 1].id}" if was else "first"
            self.changes.append(Change(shot, "order", before, after))
        if not wanted.moved:
            return
        if not wanted.scenes:
            yield Order(("shots",), tuple(self._film.numbers[shot] for shot in wanted.order))
            return
        for n, scene in enumerate(self._board.scenes):
            own = [shot.id for shot in scene.shots]
            order = sorted(own, key=lambda shot: place[shot])
            if order != own:
                yield Order(("scenes", n, "shots"), tuple(own.index(shot) for shot in order))
        ids = [scene.id for scene in self._board.scenes]
        known = [scene for scene in wanted.scenes if scene in ids]
        known += [scene for scene in ids if scene not in known]  # scenes without shots
        if known != ids:
            yield Order(("scenes",), tuple(ids.index(scene) for scene in known))

    def _shot(self, shot: Shot, new: New, stay: Collection[Path]) -> Iterator[Edit]:
        path = self._paths[shot.id]
        node = _at(self._root, path)
        if new.skip is not None:
            self._note(shot, "skip", _truth(not new.skip), _truth(new.skip))
            written = node.value("skip")
            if new.skip or written is None or (*path, "skip") in stay:
                yield Set((*path, "skip"), _truth(new.skip))
            else:
                yield Remove((*path, "skip"))
        yield from self._trim(shot, new, path, node)
        if new.length is not None:
            text = self._time(new.length, shot.duration)
            self._note(shot, "duration", self._shown(shot.duration), text)
            yield Set((*path, "duration"), text)
        if new.join is not None:
            yield from self._join(shot, new.join, path, node, stay)
        yield from self._sound(shot, new, path, node)
        yield from self._lines(shot, new, path)

    def _trim(self, shot: Shot, new: New, path: Path, node: syntax.Mapping) -> Iterator[Edit]:
        values: dict[str, str] = {}
        if new.start is not None:
            values["in"] = self._time(new.start, shot.trim.in_)
            self._note(shot, "in", self._shown(shot.trim.in_), values["in"])
        held = self._held.get(shot.id)
        if held is not None:
            values["of"] = _seconds(held) or f"{timing.frames_covering(held, self._fps)}f"
            self._note(shot, "of", self._shown(shot.trim.of) if shot.trim.of else "-", values["of"])
        if not values:
            return
        if node.value("trim") is None:  # what it has from 'defaults' is all replaced by a trim of its own
            given = {"in": shot.trim.in_ if shot.trim.in_.amount or shot.trim.in_.frames else None, "of": shot.trim.of}
            values = {key: self._shown(its) for key, its in given.items() if its} | values
            values = {key: values[key] for key in ("in", "of") if key in values}
        yield Set((*path, "trim"), values)

    def _join(self, shot: Shot, join: Join, path: Path, node: syntax.Mapping, stay: Collection[Path]) -> Iterator[Edit]:
        old = shot.transition
        default = timing.round_half_up(shots.TRANSITION * self._fps)
        written = node.value("transition")
        length = old.duration or Duration(shots.TRANSITION)
        before = "cut" if old.type == "cut" else f"{old.type} {self._shown(length)}"
        if join == CUT:
            self._note(shot, "transition", before, "cut")
            if written is not None and (*path, "transition") not in stay and not self._inherits(shot, "transition"):
                yield Remove((*path, "transition"))
            else:
                value: Any = {"type": "cut"} if isinstance(written, syntax.Mapping) else "cut"
                yield Set((*path, "transition"), value)
            return
        text = self._time(join.frames, length)
        self._note(shot, "transition", before, f"{join.type} {text}")
        if join.frames == default and not isinstance(written, syntax.Mapping):
            yield Set((*path, "transition"), join.type)
        elif isinstance(written, syntax.Mapping) and self._frames(length) == join.frames:
            yield Set((*path, "transition"), {"type": join.type})
        else:
            yield Set((*path, "transition"), {"type": join.type, "duration": text})

    def _inherits(self, shot: Shot, key: str) -> bool:
        """Whether a shot without this key would have it from defaults."""
        path = self._paths[shot.id]
        owners = [self._root] if path[0] == "shots" else [self._root, _at(self._root, path[:2])]
        its = [owner.value("defaults") for owner in owners]
        return any(isinstance(node, syntax.Mapping) and node.value(key) is not None for node in its)

    def _sound(self, shot: Shot, new: New, path: Path, node: syntax.Mapping) -> Iterator[Edit]:
        values: dict[str, str] = {}
        for key, frames, old in (("lead", new.lead, shot.audio.lead), ("tail", new.linger, shot.audio.tail)):
            if frames is not None and frames != self._frames(old):
                values[key] = self._time(frames, old)
                self._note(shot, f"audio {key}", self._shown(old), values[key])
        if not values:
            return
        if node.value("audio") is None:
            own = shot.audio
            given = {"lead": self._shown(own.lead), "tail": self._shown(own.tail)}
            given |= {"volume": str(own.volume), "mute": _truth(own.mute)}
            values = {key: text for key, text in given.items() if key in own.model_fields_set} | values
        yield Set((*path, "audio"), values)

    def _lines(self, shot: Shot, new: New, path: Path) -> Iterator[Edit]:
        """What is said, and the beats, stay where they are in the clip, whatever of it is shown."""
        start = shot.trim.in_.seconds(self._fps)
        shift = new.start / self._fps - start if new.start is not None else Fraction(0)
        end = new.frames / self._fps if new.length is not None else shot.duration.seconds(self._fps)
        for n, line in enumerate(shot.dialogue):
            at = max(line.at.seconds(self._fps) - shift, Fraction(0))
            if shift and at != line.at.seconds(self._fps):
                yield self._moment(shot, (*path, "dialogue", n, "at"), line.at, at, f"line {n + 1} at")
            if line.for_ and at < end < at + line.for_.seconds(self._fps):
                yield self._moment(shot, (*path, "dialogue", n, "for"), line.for_, end - at, f"line {n + 1} for")
        for n, beat in enumerate(shot.beats):
            at = beat.at.seconds(self._fps) - shift
            if n and shift and at > 0:
                yield self._moment(shot, (*path, "beats", n, "at"), beat.at, at, f"beat {n + 1} at")

    def _moment(self, shot: Shot, path: Path, old: Duration, seconds: Fraction, what: str) -> Set:
        frames = seconds * self._fps
        text = _seconds(seconds) if not old.in_frames and old.frames is None else None
        text = text or self._time(timing.round_half_up(frames), old)
        self._note(shot, what, self._shown(old), text)
        return Set(path, text)

    def _note(self, shot: Shot, what: str, old: str, new: str) -> None:
        self.changes.append(Change(shot.id, what, old, new))

    def _frames(self, duration: Duration) -> int:
        return timing.round_half_up(duration.seconds(self._fps) * self._fps)

    def _time(self, frames: int, like: Duration) -> str:
        """Frames as a length is written: timecode, frames, or seconds where three decimals are exact."""
        if like.frames is not None and frames < _HOURS * 3600 * timing.round_half_up(self._fps):
            return self._timecode(frames)
        exact = None if like.in_frames or like.frames is not None else _seconds(frames / self._fps)
        return exact or f"{frames}f"

    def _timecode(self, frames: int) -> str:
        """A length as the language counts it: without drop frames at any rate."""
        return timing.timecode(frames, Fraction(timing.round_half_up(self._fps)))

    def _shown(self, duration: Duration) -> str:
        """A length as it is written."""
        if duration.frames is not None:
            whole = duration.amount.numerator * timing.round_half_up(self._fps) + duration.frames
            return self._timecode(whole)
        return f"{duration.amount}f" if duration.in_frames else timing.exact(duration.amount)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _seconds(seconds: Fraction) -> str | None:
    """Seconds in at most three decimals; None where they aren't exact."""
    return timing.exact(seconds) if (seconds * 1000).denominator == 1 else None


def _paths(board: Storyboard) -> dict[str, Path]:
    found: dict[str, Path] = {shot.id: ("shots", n) for n, shot in enumerate(board.shots)}
    for n, scene in enumerate(board.scenes):
        found |= {shot.id: ("scenes", n, "shots", at) for at, shot in enumerate(scene.shots)}
    return found


def _at(root: syntax.Mapping, path: Sequence[str | int]) -> syntax.Mapping:
    node: syntax.Node = root
    for step in path:
        if isinstance(node, syntax.Mapping):
            node = node.entries[str(step)][1]
        elif isinstance(node, syntax.Sequence) and isinstance(step, int):
            node = node.items[step]
    assert isinstance(node, syntax.Mapping)  # it was decoded
    return node
