"""The film's pictures: each clip's footage found and conformed, and the transitions between them rendered."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from storyboard.cut import conform, effects, overlap, slate
from storyboard.cut.footage import Footage
from storyboard.cut.join import Stretch
from storyboard.event import Event, Finished, Noted, Started
from storyboard.media import MediaError
from storyboard.store import Record, Store
from storyboard.timeline import NOWHERE, Clip, Span, Timeline
from storyboard.tools import Tools


@dataclass(frozen=True)
class Picture:
    """One conformed clip: what it was made of, what is kept of it, and whether it was `made` now."""

    clip: Clip
    footage: Footage
    record: Record
    made: bool


@dataclass(frozen=True)
class Studio:
    """What pictures are made with. `folder` is the storyboard's, where effects of the author's own stand."""

    timeline: Timeline
    folder: Path
    store: Store
    tools: Tools
    notify: Callable[[Event], None]

    def footage(self, clip: Clip) -> Footage:
        """What a clip is made of: its media, those with effects applied, or a slate where there are none."""
        if clip.media is None:
            return self._slate(clip)
        if not clip.effects:
            return Footage(clip.media, clip.source)
        try:
            return effects.applied(clip, self.timeline, self.store, self.tools, self.folder, self.notify)
        except MediaError as error:
            return self._stand_in(clip, error)

    def picture(self, clip: Clip, footage: Footage) -> Picture:
        """A clip conformed; as a slate where its footage can't be used."""
        try:
            return self._conformed(clip, footage)
        except MediaError as error:
            if footage.slate:
                raise
            return self._conformed(clip, self._stand_in(clip, error))

    def overlaps(self, pictures: Sequence[Picture], pool: Executor) -> list[Record | None]:
        """The transition into each clip; None for a cut."""
        befores = [None, *((one.clip, one.record) for one in pictures)]
        return list(pool.map(self._overlap, befores, pictures))  # ends with the shorter one

    def _overlap(self, before: tuple[Clip, Record] | None, after: Picture) -> Record | None:
        if not after.clip.join.frames:
            return None
        return overlap.make(before, (after.clip, after.record), self.timeline, self.store, self.tools)

    def _stand_in(self, clip: Clip, error: MediaError) -> Footage:
        self.notify(Noted(f"{clip.shot}: its clip can't be used ({error}); a slate is shown"))
        return self._slate(clip)

    def _slate(self, clip: Clip) -> Footage:
        made = slate.make(clip, self.timeline, self.store, self.tools)
        return Footage(made, Span(clip.source.start * 0, clip.frames / self.timeline.fps), slate=True)

    def _conformed(self, clip: Clip, footage: Footage) -> Picture:
        if footage.slate:
            clip = replace(clip, media=None, origin=NOWHERE)
        key = conform.key_of(clip, footage, self.timeline, self.tools)
        found = self.store.find(key)
        if isinstance(found, Record):
            return Picture(clip, footage, found, made=False)
        self.notify(Started(clip.shot, "conforming", 0))
        try:
            record = conform.make(key, clip, footage, self.timeline, self.store, self.tools)
        finally:
            self.notify(Finished(clip.shot))
        return Picture(clip, footage, record, made=True)


def stretches(pictures: Sequence[Picture], overlaps: Sequence[Record | None]) -> list[Stretch]:
    """The film's frames in order, each from the file that they are copied from."""
    found = []
    for picture, joined in zip(pictures, overlaps, strict=True):
        shared = picture.clip.join.frames if joined else 0
        if joined:
            found.append(Stretch(joined, 0, shared))
        if picture.clip.frames > shared:
            found.append(Stretch(picture.record, shared, picture.clip.frames - shared))
    return found
