"""An edit beside our timeline: what of each shot is otherwise, and in which order they come. Values only."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby, pairwise

from storyboard import timing
from storyboard.edit import Edit, Piece
from storyboard.film import Film, Shot
from storyboard.timeline import CUT, Clip, Join, Timeline

_SPEED = Fraction(1, 1000)
"""Speeds that differ by less are one, as tools round them."""


@dataclass(frozen=True)
class New:
    """What an edit wants of a shot; None for what it leaves as it is.

    Attributes:
        frames: How long it is shown; also what it is where that doesn't change.
        start: Where in its clip it starts, in frames of the film.
        length: The same as `frames`, where the storyboard's duration doesn't come to that.
        lead: Frames that its sound starts before its picture; `linger` those it goes on after it.
    """

    frames: int = 0
    skip: bool | None = None
    start: int | None = None
    length: int | None = None
    join: Join | None = None
    lead: int | None = None
    linger: int | None = None


@dataclass(frozen=True)
class Compared:
    """What an edit wants: of each shot that it changes, the order of all shots, and what of it can't be had.

    Attributes:
        scenes: The scenes' ids in their order; empty for a film without scenes.
        moved: The shots that were put elsewhere, as few as there can be.
    """

    new: Mapping[str, New]
    order: tuple[str, ...]
    scenes: tuple[str, ...]
    moved: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Draft:
    """A shot of the edit on the way."""

    shot: Shot
    clip: Clip | None
    start: int
    frames: int
    join: Join
    had: Join
    moves: bool = True  # whether its start is the editor's
    stays: bool = False  # whether its length isn't
    lead: int = 0
    linger: int = 0
    room: tuple[int, int] = (0, 0)  # frames of the shots before and after it


@dataclass
class _Notes:
    said: list[str] = field(default_factory=list)

    def __call__(self, words: str) -> None:
        self.said.append(words)


def compare(
    film: Film,
    timeline: Timeline,
    edit: Edit,
    heard: Mapping[str, tuple[int, int]],
    keep: Collection[str] = (),
) -> Compared:
    """What an edit changes of a film.

    Args:
        timeline: The film as it is now, of the edit's pass.
        heard: By shot, the frames of sound before and after its picture as an export has them now.
        keep: The shots that are shown as they are, whatever the edit shows of them.
    """
    note = _Notes(list(edit.notes))
    fps = film.fps
    pieces = _kept(edit.pieces, fps, note)
    clips = {clip.shot: clip for clip in timeline.clips}
    shots = {shot.id: shot for shot in film.shots}
    drafts = {piece.shot: _draft(shots[piece.shot], clips.get(piece.shot), piece, fps, note) for piece in pieces}
    for shot, draft in drafts.items():
        if shot in keep and draft.clip:
            draft.start, draft.frames = timing.round_half_up(draft.shot.trim_in * fps), draft.clip.frames
            draft.moves, draft.stays = False, True
    _move_cuts(pieces, drafts, fps, note)
    _hear(edit.sounds, pieces, drafts, heard, fps, note)
    order, scenes = _order(film, [piece.shot for piece in pieces], note)
    shown = [drafts[shot] for shot in order if shot in drafts]
    _limit(shown)
    new = dict(_new(shown, heard, fps))
    new |= {each.id: New(skip=True) for each in film.shots if each.id not in drafts and not each.skip}
    moved = _moved([shot.id for shot in film.shots], order)
    return Compared(new, order, scenes, moved, tuple(dict.fromkeys(note.said)))


def _kept(pieces: Sequence[Piece], fps: timing.Rate, note: _Notes) -> list[Piece]:
    """Each shot's first piece, with what goes on from it without a break."""
    kept: list[Piece] = []
    met: set[str] = set()
    for piece in pieces:
        at = timing.timecode(timing.round_half_up(piece.at * fps), fps)
        before = kept[-1] if kept else None
        if not piece.shot:
            note(
                f"the clip '{piece.name[:60]}' at {at} isn't a shot of the film, and isn't imported: bring it as a "
                "shot with 'clip: <its file>'"
            )
        elif before and before.shot == piece.shot and piece.join is None and _goes_on(before, piece):
            kept[-1] = before._replace(length=before.length + piece.length)
        elif piece.shot in met:
            note(
                f"{piece.shot} is used again at {at}: only its first use is imported; write a second shot with the "
                "same words, which is the same clip, and trim it"
            )
        else:
            kept.append(piece)
            met.add(piece.shot)
    return kept


def _goes_on(before: Piece, piece: Piece) -> bool:
    return (
        before.end == piece.at
        and before.speed == piece.speed
        and before.start + before.length * before.speed == piece.start
    )


def _draft(shot: Shot, clip: Clip | None, piece: Piece, fps: timing.Rate, note: _Notes) -> _Draft:
    own = timing.round_half_up(shot.trim_in * fps)
    speed = clip.source.length * fps / clip.frames if clip else Fraction(1)
    frames = timing.round_half_up(piece.length * fps)
    if clip is None:
        joined = timing.round_half_up(shot.transition.length * fps)
        base = Join(shot.transition.type, joined) if joined else CUT
    else:
        base = clip.join
    made = _Draft(shot, clip, own, max(frames, 1), _joined(piece, base, fps, note), base)
    if not piece.is_slate and abs(piece.speed - speed) > _SPEED:
        note(f"{shot.id} plays at {_times(piece.speed)} in the edit: a speed isn't imported; see 'fit: retime'")
    if shot.fit == "retime":
        if clip and made.frames != clip.frames:
            note(f"{shot.id} is retimed: all of its clip plays in its new length")
        made.moves = False
        return made
    made.start = timing.round_half_up(piece.start * fps)
    if made.start < 0:
        note(f"{shot.id} starts before its clip does: it starts with it")
        made.start = 0
    return made


def _times(speed: Fraction) -> str:
    return f"{float(round(speed, 3)):g}x"


def _joined(piece: Piece, base: Join, fps: timing.Rate, note: _Notes) -> Join:
    """The transition into a piece, of the type that it has now where the edit's has no name here."""
    if piece.join is None:
        return CUT
    frames = timing.round_half_up(piece.join.length * fps)
    kind = piece.join.type or base.type
    if kind == "cut":
        kind = "dissolve"
        note(
            f"the transition '{piece.join.name[:60]}' into {piece.shot} is imported as a dissolve: its name isn't known"
        )
    return Join(kind, frames) if frames else CUT


def _move_cuts(pieces: Sequence[Piece], drafts: Mapping[str, _Draft], fps: timing.Rate, note: _Notes) -> None:
    """Ours start at the cut: of a transition that an edit has around its cut, the cut goes to where it starts."""
    for before, piece in pairwise(pieces):
        frames = timing.round_half_up(piece.join.before * fps) if piece.join else 0
        one, two = drafts[before.shot], drafts[piece.shot]
        if not frames:
            continue
        if two.moves and not one.stays and two.start >= frames and one.frames > frames:
            one.frames -= frames
            two.frames += frames
            two.start -= frames
        else:
            note(f"the {two.join.type} into {piece.shot} starts at the cut: there is nothing of its clip before")


def _hear(
    sounds: Iterable[Piece],
    pieces: Iterable[Piece],
    drafts: Mapping[str, _Draft],
    heard: Mapping[str, tuple[int, int]],
    fps: timing.Rate,
    note: _Notes,
) -> None:
    """Where each shot's sound starts and ends beside its picture; as it is where the edit has none. Once one is out
    of step, an editor cut the picture alone, and all of the sound stays as it is.
    """
    for shot, draft in drafts.items():
        draft.lead, draft.linger = heard.get(shot, (0, 0))
    tracks: dict[str, list[Piece]] = {}
    for sound in sounds:
        tracks.setdefault(sound.shot, []).append(sound)
    found: dict[str, tuple[int, int]] = {}
    apart = []
    for picture in pieces:
        its = tracks.get(picture.shot, [])
        if picture.speed != 1 or picture.shot not in heard or not its:
            continue
        first, last = min(its, key=lambda one: one.at), max(its, key=lambda one: one.end)
        lead = timing.round_half_up((picture.at - first.at) * fps)
        linger = timing.round_half_up((last.end - picture.end) * fps)
        offset = (first.start - first.at) - (picture.start - picture.at)
        if len(its) > 1 or abs(offset * fps) > 1:
            apart.append(picture.shot)
        elif lead < 0 or linger < 0:
            note(f"the sound of {picture.shot} is shorter than its picture: that isn't imported")
        else:
            found[picture.shot] = lead, linger
    if apart:
        note(f"the sound isn't imported: that of {apart[0]} isn't in step with its picture")
        return
    for shot, (lead, linger) in found.items():
        drafts[shot].lead, drafts[shot].linger = lead, linger


def _order(film: Film, present: Sequence[str], note: _Notes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The order of all shots, and of the scenes: as in the edit, what isn't in it behind what it stood behind."""
    order = _with_others(present, [shot.id for shot in film.shots])
    scene_of = {shot.id: shot.scene_id for shot in film.shots}
    scenes = list(dict.fromkeys(scene_of.values()))
    if scenes == [""]:
        return tuple(order), ()
    runs = [list(its) for _, its in groupby(present, key=lambda shot: scene_of[shot])]
    moved = set(_moved([shot.id for shot in film.shots], order))
    main: dict[str, list[str]] = {}
    for run in sorted(runs, key=lambda run: (-len(set(run) - moved), -len(run))):
        main.setdefault(scene_of[run[0]], run)
    for run in runs:
        if run is not main[scene_of[run[0]]]:
            note(
                f"{', '.join(run)} of scene '{scene_of[run[0]]}' can't leave it: another scene's words would make the "
                "clip anew; to move it all the same, move its entry by hand"
            )
    met = [scene_of[run[0]] for run in runs if run is main[scene_of[run[0]]]]
    scenes = _with_others(met, scenes)
    return tuple(shot for scene in scenes for shot in order if scene_of[shot] == scene), tuple(scenes)


def _with_others(present: Sequence[str], all_: Sequence[str]) -> list[str]:
    order = list(present)
    known = set(present)
    for n, one in enumerate(all_):
        if one not in known:
            order.insert(order.index(all_[n - 1]) + 1 if n else 0, one)
            known.add(one)
    return order


def _moved(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The shots outside the longest run of shots that keep their order."""
    place = {shot: n for n, shot in enumerate(before)}
    tails: list[int] = []  # of the best run of each length, its last shot, as a place in `after`
    back: list[int] = []
    for n, shot in enumerate(after):
        low, high = 0, len(tails)
        while low < high:
            middle = (low + high) // 2
            if place[after[tails[middle]]] < place[shot]:
                low = middle + 1
            else:
                high = middle
        back.append(tails[low - 1] if low else -1)
        tails[low:] = [n, *tails[low + 1 :]]
    stay, at = set[str](), tails[-1] if tails else -1
    while at >= 0:
        stay.add(after[at])
        at = back[at]
    return tuple(shot for shot in after if shot not in stay)


def _limit(shown: Sequence[_Draft]) -> None:
    """Transitions, and sound beyond the picture, no longer than the shots beside it (SB308, SB318)."""
    for n, draft in enumerate(shown):
        before = shown[n - 1].frames if n else 0
        after = shown[n + 1].frames if n + 1 < len(shown) else 0
        if n:
            shortest = min(before, draft.frames)
            if draft.join.frames > shortest:
                draft.join = Join(draft.join.type, shortest)
        draft.room = before, after
        draft.lead, draft.linger = min(draft.lead, before), min(draft.linger, after)


def _new(shown: Sequence[_Draft], heard: Mapping[str, tuple[int, int]], fps: timing.Rate) -> Iterator[tuple[str, New]]:
    """What is otherwise of each shot. Lengths are those that come to the edit's frames once they are added up."""
    total = Fraction(0)
    for draft in shown:
        shot, clip = draft.shot, draft.clip
        start = Fraction(draft.start, 1) / fps
        if draft.start == timing.round_half_up(shot.trim_in * fps):
            start = shot.trim_in
        length = _shown(shot, clip, start, shot.asked)
        at = timing.round_half_up(total * fps)
        made = New(frames=draft.frames)
        if timing.round_half_up((total + length) * fps) - at != draft.frames:
            made = replace(made, length=draft.frames)
            length = _shown(shot, clip, start, draft.frames / fps)
        total += length
        if start != shot.trim_in:
            made = replace(made, start=draft.start)
        if draft.join != draft.had:
            made = replace(made, join=draft.join)
        lead, linger = heard.get(shot.id, (0, 0))
        leads, lingers = (seconds * fps > room for seconds, room in zip(shot.heard[:2], draft.room, strict=True))
        made = replace(
            made,
            skip=False if shot.skip else None,
            lead=draft.lead if leads or draft.lead != lead else None,
            linger=draft.linger if lingers or draft.linger != linger else None,
        )
        if made != New(frames=draft.frames):
            yield shot.id, made


def _shown(shot: Shot, clip: Clip | None, start: Fraction, asked: Fraction) -> Fraction:
    """What a shot comes to in the film: with `fit: trim`, no more than its clip has."""
    if shot.fit == "trim" and clip and clip.available and clip.available.length > start:
        return min(asked, clip.available.length - start)
    return asked
