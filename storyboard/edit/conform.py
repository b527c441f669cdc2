"""An edit read into a storyboard: the new text, what it changes, and what would be made anew."""

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.edit import Edit, keep
from storyboard.edit.compare import Compared, compare
from storyboard.edit.keep import Anew, Place
from storyboard.edit.write import Change, written
from storyboard.export import ranges
from storyboard.film import Film
from storyboard.job import Job
from storyboard.source import Source
from storyboard.store import Record
from storyboard.timing import shown

Compile = Callable[[str], Film]
"""A storyboard's text to the film; raises `Rejected`."""


class Conformed(NamedTuple):
    """What an edit makes of a storyboard: its text, the changes, what of the edit isn't imported, the clips that would
    be made anew, and those whose shots stayed as they are, as the clips don't cover the edit.
    """

    text: str
    changes: list[Change]
    notes: list[str]
    anew: list[Anew]
    kept: list[Anew]


def conform(
    project: Project, source: Source, compile_: Compile, edit: Edit, pass_id: str, *, within_handles: bool = False
) -> Conformed:
    """Read an edit of one pass into the storyboard's text. Writes nothing.

    Args:
        source: The storyboard's text, that `project` is of.
        within_handles: Leave a shot as it is where its clip doesn't cover what the edit shows of it.

    Raises:
        Rejected: the storyboard has errors, or would have; carries every finding.
        Uneditable: a place of its text can't be edited.
    """
    film = project.film()
    timeline = project.timeline(pass_id)
    heard = {clip.shot: ranges.split(timeline, clip) for clip in timeline.clips}
    clips = keep.there(project.plan(name) for name in film.passes)

    def has(key: str) -> bool:
        return isinstance(project.store.find(key), Record)

    def made(wanted: Compared, held: dict[str, Fraction]) -> tuple[str, list[Change], Film]:
        text, changes = written(source, project.board, film, wanted, held)
        return text, changes, compile_(text) if text != source.text else film

    stay: set[str] = set()
    kept: list[Anew] = []
    while True:
        wanted = compare(film, timeline, edit, heard, stay)
        try:
            text, changes, changed = made(wanted, {})
        except Rejected:  # by what no model makes, among others
            over = _beyond(wanted, film, clips, stay) if within_handles else []
            if not over:
                raise
            stay |= {one.shot for one in over}
            kept += over
            continue
        needed = keep.shorter(project.board, changed)
        shots = keep.to_keep(clips, film, changed, needed, has)
        if shots:
            text, changes, changed = made(wanted, {shot: needed[shot] for shot in shots})
            still = {at[1] for at in keep.lost(clips, changed, has)}
            if idle := shots & still:  # their clips are made anew all the same
                text, changes, changed = made(wanted, {shot: needed[shot] for shot in shots - idle})
        found = list(keep.anew(clips, changed, has))
        bought = {one.shot: one for one in found if not one.is_local and one.shot not in stay}
        if not within_handles or not bought:
            return Conformed(text, changes, list(wanted.notes), found, kept)
        stay |= {shot.partition(" ")[0] for shot in bought}
        kept += bought.values()


def _beyond(wanted: Compared, film: Film, clips: Mapping[Place, Job], stay: Collection[str]) -> list[Anew]:
    """The shots that an edit shows more of than a clip has that was bought."""
    found: dict[str, Anew] = {}
    for (pass_id, shot, _), job in clips.items():
        new, its = wanted.new.get(shot), film.shots[film.numbers[shot]]
        if new is None or job.local or shot in stay:
            continue
        start = its.trim_in if new.start is None else new.start / film.fps
        needed = start + (its.asked if new.length is None else new.length / film.fps)
        if needed > job.seconds:
            reason = f"needs {shown(needed)}, its clip has {shown(job.seconds)}"
            found.setdefault(shot, Anew(shot, pass_id, None, reason, is_local=False))
    return list(found.values())
