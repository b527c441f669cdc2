"""A timeline made into a film, each step kept by content: conform, transitions, sound, join, and a contact sheet.

Nothing that is already as it should be is touched: a clip is conformed again only when its bytes, its part or the
settings changed, and the film is written again only when any of its parts did.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from storyboard import atomic, captions, digest, shelf, timing
from storyboard.cut import effects, join, leader, sheet, sound
from storyboard.cut.footage import Footage
from storyboard.cut.pictures import Picture, Studio, stretches
from storyboard.cut.publish import is_current, publish
from storyboard.event import Event, Finished, Noted, Started
from storyboard.media import MediaError
from storyboard.store import Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

__all__ = ["Cut", "CutFailed", "make"]


_SHEET, _PAGES = "contact-sheet.jpg", "contact-sheet.pdf"


class CutFailed(Exception):
    """The film could not be made; the message says why."""


@dataclass(frozen=True)
class Cut:
    """The film. Paths are relative to the storyboard's folder.

    Attributes:
        contact_sheet: A picture; `pages` is the same to print, as PDF.
        made: False where the film on disk was already this one.
        frames: Its length, without its leader.
        sources: For each shot the pass that its clip is of, or "slate".
        conformed: The shots whose clips were conformed now.
        unusable: The shots that have a clip, but a slate is shown because it could not be conformed.
        leader: How many frames stand before the film.
        wave: Writes the film's sound as WAV, for deliveries without lossy sound.
    """

    path: Path
    contact_sheet: Path
    pages: Path
    frames: int
    fps: Fraction
    sources: dict[str, str]
    conformed: tuple[str, ...]
    unusable: tuple[str, ...]
    made: bool
    leader: int
    wave: Callable[[Path], None] = field(repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The `cut` object of `render --json`."""
        return {
            "path": self.path.as_posix(),
            "contact_sheet": self.contact_sheet.as_posix(),
            "contact_sheet_pdf": self.pages.as_posix(),
            "seconds": float(self.frames / self.fps),
            "frames": self.frames,
            "fps": timing.exact(self.fps),
            "shots": len(self.sources),
            "sources": self.sources,
            "unusable": list(self.unusable),
            "made": self.made,
        }


def make(
    timeline: Timeline,
    folder: Path,
    store: Store,
    tools: Tools,
    workers: int,
    notify: Callable[[Event], None],
    into: Path = Path("build"),
) -> Cut:
    """Make the film, its contact sheet, and copies of the clips in `into`/<pass>/ under `folder`.

    Raises:
        CutFailed: there is nothing to show, or the film can't be written.
    """
    if not timeline.clips:
        raise CutFailed("every shot is skipped: there is nothing to cut")
    build = folder / into / timeline.pass_id
    studio = Studio(timeline, folder, store, tools, notify)
    for clip in timeline.clips:
        if missing := _missing(clip, timeline):
            notify(Noted(f"{clip.shot}: its clip ends {timing.shown(missing)} early; its last frame is held"))
    try:
        with ExitStack() as until_the_end:
            # Each ffmpeg uses two threads at most, seldom both, and some 120 MB.
            pool = until_the_end.enter_context(_pool(workers // 2 + 1, "pictures"))
            beside = until_the_end.enter_context(_pool(4, "beside"))
            copied = beside.submit(_copy_clips, timeline, build / "clips", store)
            heads = beside.submit(leader.make, timeline, store, tools) if timeline.leader else None
            footage = list(pool.map(studio.footage, timeline.clips))
            sounds = beside.submit(_sound, studio, footage, heads, workers)
            pictures = list(pool.map(studio.picture, timeline.clips, footage))
            drawn = beside.submit(_write_sheets, timeline, pictures, build, store)
            overlaps = studio.overlaps(pictures, pool)
            if any(picture.footage is not before for picture, before in zip(pictures, footage, strict=True)):
                sounds = beside.submit(_sound, studio, [picture.footage for picture in pictures], heads, workers)
            head = heads.result() if heads else None
            heard = sounds.result()
            film = _written(studio, pictures, overlaps, head, heard)
            made = _write_film(film, build / "cut.mp4", studio)
            for other in (copied, drawn):
                other.result()
    except (MediaError, OSError) as error:
        raise CutFailed(f"the cut can't be made: {error}") from error
    shown = {picture.clip.shot: picture for picture in pictures}
    return Cut(
        into / timeline.pass_id / "cut.mp4",
        into / timeline.pass_id / _SHEET,
        into / timeline.pass_id / _PAGES,
        timeline.frames,
        timeline.fps,
        {shot: "slate" if one.footage.slate else one.clip.pass_id for shot, one in shown.items()},
        tuple(shot for shot, one in shown.items() if one.made),
        tuple(clip.shot for clip in timeline.clips if clip.media and shown[clip.shot].footage.slate),
        made,
        head.facts["frames"] if head else 0,
        heard.wave,
    )


class _pool(ThreadPoolExecutor):  # noqa: N801 -- used as a context
    """Threads whose waiting work is dropped where an error, or Ctrl-C, ends what they are for."""

    def __init__(self, workers: int, name: str) -> None:
        super().__init__(workers, thread_name_prefix=name)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            effects.stop()
        self.shutdown(cancel_futures=True)


def _missing(clip: Clip, timeline: Timeline) -> Fraction:
    """Seconds that a clip's media lack at its shot's end, where that is a frame or more."""
    if clip.available is None or clip.effects:
        return Fraction(0)
    lacking = clip.source.end - clip.available.end
    return lacking if lacking * timeline.fps >= 1 else Fraction(0)


class _Heard(NamedTuple):
    """The film's sound as packets, and what writes it as WAV."""

    packets: list[bytes]
    samples: int
    wave: Callable[[Path], None]


def _sound(studio: Studio, footage: Sequence[Footage], heads: Future[Record] | None, workers: int) -> _Heard:
    made = heads.result() if heads else None
    head = sound.Head(made.facts["frames"], made.outputs["sound"]) if made else None
    # Beside the pictures: a few at a time, for memory.
    sounds = sound.conform(studio.timeline, footage, studio.store, studio.tools, max(1, workers // 2), studio.notify)
    packets, samples = sound.packets(studio.timeline, sounds, head, studio.store, workers)
    return _Heard(packets, samples, lambda path: sound.wave(studio.timeline, sounds, head, path))


def _written(
    studio: Studio,
    pictures: Sequence[Picture],
    overlaps: Sequence[Record | None],
    head: Record | None,
    heard: _Heard,
) -> join.Written:
    """All that the film's file holds; of subtitles on a track of their own, only whether there are any."""
    timeline = studio.timeline
    first = head.facts["frames"] if head else 0
    shown = stretches(pictures, overlaps)
    if head:
        shown.insert(0, join.Stretch(head, 0, first))
    return join.Written(
        timeline.fps,
        shown,
        heard.packets,
        heard.samples,
        _chapters(timeline, first),
        captions.srt(timeline, first) if timeline.subtitles == "soft" else "",
        timeline.title,
        f"{timeline.pass_id} {timeline.commit}".strip(),
    )


def _chapters(timeline: Timeline, first: int) -> list[join.Chapter]:
    """One for each scene, where there are scenes."""
    if not any(clip.scene_id for clip in timeline.clips):
        return []
    found = [join.Chapter("Leader", 0, first)] if first else []
    for (_, title), clips in groupby(timeline.clips, lambda clip: (clip.scene_id, clip.scene)):
        scene = list(clips)
        found.append(join.Chapter(title or timeline.title, first + scene[0].start, first + scene[-1].end))
    return found


def _write_film(film: join.Written, path: Path, studio: Studio) -> bool:
    key = film.key
    if is_current(key, path, studio.store):
        return False
    studio.notify(Started("cut", "joining", 0))
    with studio.store.workspace() as folder:
        join.make(film, folder / "cut.mp4", studio.tools)
        publish(key, folder / "cut.mp4", path, studio.store)
    studio.notify(Finished("cut"))
    return True


def _write_sheets(timeline: Timeline, pictures: Sequence[Picture], build: Path, store: Store) -> None:
    """The contact sheet, as a picture and as pages to print."""
    parts = [picture.record for picture in pictures]
    shown = replace(timeline, clips=tuple(picture.clip for picture in pictures))
    content = sheet.content(shown, parts)
    for name, draw in ((_SHEET, sheet.make), (_PAGES, sheet.pages)):
        key = digest.of({"sheet": [name, sheet.VERSION], "cells": content})
        if not is_current(key, build / name, store):
            with store.workspace() as folder:
                draw(shown, parts, folder / name)
                publish(key, folder / name, build / name, store)


def _copy_clips(timeline: Timeline, folder: Path, store: Store) -> None:
    wanted = {
        f"{clip.shot}.mp4": clip.media for clip in timeline.clips if clip.media and clip.pass_id == timeline.pass_id
    }
    for name, blob in wanted.items():
        if shelf.held(folder / name, store) != blob.sha256:
            atomic.copy(blob.path, folder / name)
    for path in folder.glob("*.mp4") if folder.is_dir() else ():
        # A clip of a shot that is gone or was renamed; anything that the store can't bring back is left alone.
        if path.name not in wanted and store.holds(shelf.held(path, store)):
            path.unlink()
