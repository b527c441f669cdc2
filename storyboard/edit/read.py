"""OpenTimelineIO files to an edit. The one place that imports opentimelineio for reading."""

import json
import re
from collections.abc import Collection
from fractions import Fraction
from math import isfinite
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

from storyboard import timing
from storyboard.edit import Edit, Joined, Piece, Unread
from storyboard.model.transition import TYPES

MAX_BYTES = 64 << 20
MAX_DEPTH = 100
MAX_CLIPS = 100_000
_NEAR = Fraction(1, 200)
"""Rates that differ by less are one: 23.976 is written for 24000/1001."""


def read(path: Path, shots: Collection[str], fps: timing.Rate) -> Edit:
    """An edit in OpenTimelineIO's JSON, of a film with these shots, at its rate.

    Raises:
        Unread: it isn't one, or has nothing of the film; the message says why.
    """
    edit = _Reader(set(shots), fps).edit(_timeline(_text(path), path.name))
    if not any(piece.shot for piece in edit.pieces):
        raise Unread(f"{path.name} has no clip of this film: its clips are to be named as the shots are, such as s010")
    return edit


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unread(f"{path.name} can't be read: {(error.strerror or str(error)).lower()}") from error
    if len(data) > MAX_BYTES:
        raise Unread(f"{path.name} is larger than {MAX_BYTES >> 20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unread(_no_otio(path.name)) from error


def _no_otio(name: str) -> str:
    return f"{name} isn't OpenTimelineIO: let the editor export the timeline as .otio"


def _timeline(text: str, name: str) -> Any:
    """The file's timeline, looked at as plain JSON first: opentimelineio takes any text's nesting."""
    try:
        held = json.loads(text)
    except RecursionError as error:
        raise Unread(f"{name} is nested too deep") from error
    except ValueError as error:
        raise Unread(_no_otio(name)) from error
    if not isinstance(held, dict) or not isinstance(held.get("OTIO_SCHEMA"), str):
        raise Unread(_no_otio(name))
    if _depth(held) > MAX_DEPTH:
        raise Unread(f"{name} is nested more than {MAX_DEPTH} deep")

    import opentimelineio  # noqa: PLC0415 -- only an edit needs it

    try:
        found = opentimelineio.adapters.read_from_string(text, "otio_json")
        if isinstance(found, opentimelineio.schema.SerializableCollection):
            found = next((one for one in found if isinstance(one, opentimelineio.schema.Timeline)), found)
        if not isinstance(found, opentimelineio.schema.Timeline):
            kind = held["OTIO_SCHEMA"].partition(".")[0][:40]
            raise Unread(f"{name} holds a {kind}, not a timeline: export the timeline itself")
        if not list(found.tracks):
            raise Unread(f"{name} has no tracks")
    except Unread:
        raise
    except Exception as error:  # the library raises its own and Python's, by what is wrong
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise Unread(f"{name} isn't OpenTimelineIO as it is specified: {reason}") from error
    return found


def _depth(value: Any) -> int:
    """How deep lists and objects stand in each other."""
    deepest, waiting = 0, [(value, 1)]
    while waiting and deepest <= MAX_DEPTH:
        held, depth = waiting.pop()
        if isinstance(held, dict | list):
            deepest = max(deepest, depth)
            waiting += [(inner, depth + 1) for inner in (held.values() if isinstance(held, dict) else held)]
    return deepest


class _Reader:
    def __init__(self, shots: set[str], fps: timing.Rate) -> None:
        from opentimelineio import schema  # noqa: PLC0415 -- only an edit needs it

        self._schema = schema
        self._shots = shots
        self._fps = fps
        self._notes: list[str] = []
        self._count = 0

    def edit(self, timeline: Any) -> Edit:
        """The timeline's lowest picture track, and the sound of all of them."""
        pictures = [track for track in timeline.tracks if self._is_track(track, "Video") and len(track)]
        if not pictures:
            raise Unread(f"'{_short(timeline.name)}' has no picture track with clips on it")
        enabled = [track for track in pictures if track.enabled] or pictures[:1]
        read = [(track, self._pieces(track)) for track in enabled]
        chosen = next((one for one in read if any(piece.shot for piece in one[1])), read[0])
        for track in pictures:
            if track is not chosen[0]:
                why = "isn't imported: the film has one picture track" if track.enabled else "is off"
                self._note(f"the track '{_short(track.name)}' {why}")
        self._tell(chosen[0])
        silent = [track for track in timeline.tracks if self._is_track(track, "Audio") and track.enabled]
        sounds = [piece for track in silent for piece in self._pieces(track)]
        own = _ours(timeline.metadata)
        pass_id = own.get("pass") if own else None
        return Edit(
            tuple(chosen[1]),
            tuple(sounds),
            pass_id if isinstance(pass_id, str) else "",
            tuple(dict.fromkeys(self._notes)),
        )

    def _note(self, words: str) -> None:
        if len(self._notes) < 1000:
            self._notes.append(words)

    def _is_track(self, track: Any, kind: str) -> bool:
        return isinstance(track, self._schema.Track) and track.kind == kind

    def _pieces(self, track: Any) -> list[Piece]:
        """The clips of a track; a clip that is off counts as a gap, what is nested as a clip of nobody."""
        pieces: list[Piece] = []
        at, join = Fraction(0), None
        for item in track:
            self._count += 1
            if self._count > MAX_CLIPS:
                raise Unread(f"more than {MAX_CLIPS:,} clips")
            if isinstance(item, self._schema.Transition):
                join = self._join(item)
                continue
            length = self._length(item)
            if isinstance(item, self._schema.Clip) and item.enabled and length > 0:
                pieces.append(self._piece(item, length, at, join))
            elif not isinstance(item, self._schema.Clip | self._schema.Gap):
                pieces.append(Piece("", item.name or type(item).__name__.lower(), Fraction(0), length, at, join))
            at, join = at + length, None
        return pieces

    def _length(self, item: Any) -> Fraction:
        try:
            return max(self._seconds(item.duration()), Fraction(0))
        except Unread:
            raise
        except Exception as error:  # a clip without a range and without media
            raise Unread(f"the clip '{_short(item.name)}' has no length") from error

    def _piece(self, clip: Any, length: Fraction, at: Fraction, join: Joined | None) -> Piece:
        own, reference = _ours(clip.metadata), clip.media_reference
        is_missing = isinstance(reference, self._schema.MissingReference)
        available = None if reference is None else reference.available_range
        start = Fraction(0)
        if clip.source_range is not None:
            start = self._seconds(clip.source_range.start_time)
            if available is not None:
                start -= self._seconds(available.start_time)
        speeds = [self._speed(effect) for effect in clip.effects]
        speed = Fraction(1)
        for one in speeds:
            speed *= one
        shot = self._shot(clip, own)
        is_slate = is_missing and own.get("slate") is True
        if is_slate:  # it counts from 0 where the shot's clip would start
            source = own.get("source")
            start += (_exact(source.get("start")) if hasattr(source, "get") else None) or 0
        return Piece(shot, clip.name or shot, start, length, at, join, speed, is_slate)

    def _speed(self, effect: Any) -> Fraction:
        if not isinstance(effect, self._schema.LinearTimeWarp):
            return Fraction(1)
        exact, scalar = _exact(_ours(effect.metadata).get("speed")), effect.time_scalar
        if not isfinite(scalar):
            raise Unread("a clip's speed isn't a number")
        found = Fraction(scalar).limit_denominator(100_000)
        return exact if exact is not None and abs(exact - found) < Fraction(1, 1000) else found

    def _shot(self, clip: Any, own: Any) -> str:
        """The shot that a clip is of: by our metadata, its name, or its file's."""
        url = getattr(clip.media_reference, "target_url", None) or ""
        names = [own.get("shot"), clip.name, PurePosixPath(clip.name).stem, PurePosixPath(_path(url)).stem]
        known = (normalize("NFC", name) for name in names if isinstance(name, str))
        return next((name for name in known if name in self._shots), "")

    def _join(self, made: Any) -> Joined:
        before, after = (
            max(self._seconds(made.in_offset), Fraction(0)),
            max(self._seconds(made.out_offset), Fraction(0)),
        )
        own, kind = _ours(made.metadata).get("type"), made.transition_type or ""
        named = made.name.casefold().replace(" ", "") if made.name else ""
        # A transition is another one once an editor replaces it, whatever metadata are left.
        is_dissolve = kind == "SMPTE_Dissolve"
        if isinstance(own, str) and own in TYPES and own != "cut" and is_dissolve == (own == "dissolve"):
            return Joined(own, before, after, made.name)
        if is_dissolve or named in {"crossdissolve", "dissolve"}:
            return Joined("dissolve", before, after, made.name)
        return Joined(named if named in TYPES and named != "cut" else "", before, after, made.name or kind)

    def _tell(self, track: Any) -> None:
        """What of the picture track isn't imported."""
        at, items = Fraction(0), list(track)
        rates: set[Fraction] = set()
        for item in items:
            if isinstance(item, self._schema.Transition):
                continue
            length = self._length(item)
            if length > 0:
                rates.add(self._rate(Fraction(item.duration().rate)))
            if isinstance(item, self._schema.Gap) and length > 0:
                self._note(f"a gap of {timing.shown(length)} at {self._shown(at)} isn't imported: the film has none")
            elif isinstance(item, self._schema.Clip) and not item.enabled:
                self._note(f"the clip '{_short(item.name)}' at {self._shown(at)} is off")
            at += length
        for rate in sorted(rates - {self._fps}):
            self._note(
                f"the edit counts {_number(rate)} frames a second, the film {_number(self._fps)}: its times are "
                "rounded to the film's"
            )
        if items and isinstance(items[-1], self._schema.Transition):
            self._note("the transition at the end isn't imported: write a shot for it to end on")

    def _shown(self, at: Fraction) -> str:
        return timing.timecode(timing.round_half_up(at * self._fps), self._fps)

    def _seconds(self, time: Any) -> Fraction:
        """A RationalTime in exact seconds; values are frames, to a thousandth."""
        value, rate = time.value, time.rate
        if not (isfinite(value) and isfinite(rate)) or not 0 < rate < 1e9 or abs(value) > 1e12:
            raise Unread("a time in it isn't a number of frames at a rate")
        return Fraction(value).limit_denominator(1000) / self._rate(Fraction(rate))

    def _rate(self, rate: Fraction) -> Fraction:
        """A rate as it was meant: the film's, a whole number, or one of NTSC's."""
        whole = timing.round_half_up(rate)
        for meant in (self._fps, Fraction(whole), Fraction(whole * 1000, 1001)):
            if abs(rate - meant) < _NEAR:
                return meant
        return rate.limit_denominator(1001)


def _ours(metadata: Any) -> Any:
    """What we wrote into an object's metadata."""
    found = metadata.get("storyboard") if hasattr(metadata, "get") else None
    return found if hasattr(found, "get") else {}


def _exact(written: Any) -> Fraction | None:
    """A number as `timing.exact` writes it."""
    if not isinstance(written, str) or not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12}|/[1-9][0-9]{0,11})?", written):
        return None
    return Fraction(written)


def _number(rate: Fraction) -> str:
    return f"{float(round(rate, 3)):g}"


def _path(url: str) -> str:
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
