"""A timeline made into a film, each step kept by content: conform every clip, join, and a contact sheet.

Nothing that is already as it should be is touched: a clip is conformed again only when its bytes, its place
or the settings changed, and the film is written again only when any of its parts did.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from storyboard import atomic, digest, shelf, timing
from storyboard.cut import conform, join, sheet, slate, sound
from storyboard.event import Event, Finished, Noted, Started
from storyboard.media import MediaError
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

__all__ = ["Cut", "CutFailed", "make"]


class CutFailed(Exception):
    """The film could not be made; the message says why."""


@dataclass(frozen=True)
class Cut:
    """The film. Paths are relative to the storyboard's folder.

    Attributes:
        made: False where the film on disk was already this one.
        sources: For each shot the pass that its clip is of, or "slate".
        conformed: The shots whose clips were conformed now.
        unusable: The shots that have a clip, but a slate is shown because it could not be conformed.
    """

    path: Path
    contact_sheet: Path
    frames: int
    fps: Fraction
    sources: dict[str, str]
    conformed: tuple[str, ...]
    unusable: tuple[str, ...]
    made: bool

    def as_json(self) -> dict[str, Any]:
        """The `cut` object of `render --json`."""
        return {
            "path": self.path.as_posix(),
            "contact_sheet": self.contact_sheet.as_posix(),
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
    build = into / timeline.pass_id
    try:
        parts = _conformed(timeline, store, tools, workers, notify)
        records = [part.record for part in parts]
        with ThreadPoolExecutor(2) as beside:
            others = (
                beside.submit(_write_sheet, timeline, records, folder / build / "contact-sheet.jpg", store),
                beside.submit(_copy_clips, timeline, folder / build / "clips", store),
            )
            made = _write_film(timeline, records, folder / build / "cut.mp4", store, workers, notify)
            for other in others:
                other.result()
    except (MediaError, OSError) as error:
        raise CutFailed(f"the cut can't be made: {error}") from error
    return Cut(
        build / "cut.mp4",
        build / "contact-sheet.jpg",
        timeline.frames,
        timeline.fps,
        {clip.shot: "slate" if part.slate else clip.pass_id for clip, part in zip(timeline.clips, parts, strict=True)},
        tuple(clip.shot for clip, part in zip(timeline.clips, parts, strict=True) if part.new),
        tuple(clip.shot for clip, part in zip(timeline.clips, parts, strict=True) if part.slate and clip.media),
        made,
    )


@dataclass(frozen=True)
class _Part:
    """One conformed clip; `new` where it was conformed now, `slate` where it stands in for a clip."""

    record: Record
    new: bool
    slate: bool


def _conformed(
    timeline: Timeline, store: Store, tools: Tools, workers: int, notify: Callable[[Event], None]
) -> list[_Part]:
    # Each ffmpeg uses two threads, and some 140 MB.
    pool = ThreadPoolExecutor(max(1, workers // conform.THREADS), thread_name_prefix="conform")
    try:
        return list(pool.map(lambda clip: _part(clip, timeline, store, tools, notify), timeline.clips))
    finally:
        pool.shutdown(cancel_futures=True)


def _part(clip: Clip, timeline: Timeline, store: Store, tools: Tools, notify: Callable[[Event], None]) -> _Part:
    if clip.media is not None:
        try:
            return _one(clip, clip.media, timeline, store, tools, notify)
        except MediaError as error:
            notify(Noted(f"{clip.shot}: its clip can't be used ({error}); a slate is shown"))
    stand_in = slate.make(clip, timeline, store, tools)
    part = _one(clip, stand_in, timeline, store, tools, notify)
    return _Part(part.record, part.new, slate=True)


def _one(
    clip: Clip, media: Blob, timeline: Timeline, store: Store, tools: Tools, notify: Callable[[Event], None]
) -> _Part:
    key = conform.key_of(clip, media, timeline, tools)
    found = store.find(key)
    if isinstance(found, Record):
        return _Part(found, new=False, slate=False)
    notify(Started(clip.shot, "conforming", 0))
    try:
        record = conform.make(key, clip, media, timeline, store, tools)
    finally:
        notify(Finished(clip.shot))
    return _Part(record, new=True, slate=False)


def _write_film(
    timeline: Timeline,
    parts: list[Record],
    path: Path,
    store: Store,
    workers: int,
    notify: Callable[[Event], None],
) -> bool:
    key = digest.of(
        {"cut": [join.VERSION, sound.VERSION, sound.BITS], "parts": [p.key for p in parts], "title": timeline.title}
    )
    if _is_current(key, path, store):
        return False
    notify(Started("cut", "joining", 0))
    with store.workspace() as folder:
        film = folder / "cut.mp4"
        join.make(timeline, parts, store, workers, film)
        _publish(key, film, path, store)
    notify(Finished("cut"))
    return True


def _write_sheet(timeline: Timeline, parts: list[Record], path: Path, store: Store) -> None:
    key = digest.of({"sheet": sheet.VERSION, "cells": sheet.content(timeline, parts)})
    if _is_current(key, path, store):
        return
    with store.workspace() as folder:
        picture = folder / "sheet.jpg"
        sheet.make(timeline, parts, picture)
        _publish(key, picture, path, store)


def _is_current(key: str, path: Path, store: Store) -> bool:
    """Whether the file at `path` is, byte for byte, what `key` made. The file itself is its only copy."""
    made = store.find(key)
    if not isinstance(made, Record):
        return False
    try:
        return store.memo.look(path).sha256 == str(made.facts["sha256"])
    except (OSError, ValueError):
        return False


def _publish(key: str, made: Path, path: Path, store: Store) -> None:
    sha256 = digest.sha256_file(made)
    atomic.move(made, path)
    store.put(key, {}, {"sha256": sha256})


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
