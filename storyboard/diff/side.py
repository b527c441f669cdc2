"""One of two films that are compared, and what people said of its clips."""

from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from storyboard.changes import Change
from storyboard.film import Film
from storyboard.lock import EMPTY, Lock


class Verdict(NamedTuple):
    """What was said of a shot's clip in a pass; `outdated` where that was another clip. `who` is the name, the day and
    the note.
    """

    word: Literal["none", "approved", "outdated"]
    who: str = ""

    def __str__(self) -> str:
        outdated = "outdated: another clip was approved"
        return f"{outdated if self.word == 'outdated' else self.word} by {self.who}" if self.who else self.word


class Side(NamedTuple):
    """One of the two films.

    Attributes:
        name: Such as `HEAD`, or `the working tree`.
        film: As the storyboard asks for it; None where there was no storyboard.
        kept: With the clips that were accepted as they are: what would be made.
        lock: What was rendered and approved.
    """

    name: str
    film: Film | None
    kept: Film | None
    lock: Lock = EMPTY

    def verdict(self, pass_id: str, shot: str) -> Verdict:
        """What was said of what a pass makes of a shot."""
        one = self.lock.get(shot, pass_id)
        if one is None or one.approved is None:
            return Verdict("none")
        said = one.approved
        who = f"{said.by.partition(' <')[0]}, {said.at[:10]}{f': {said.note}' if said.note else ''}"
        job = self.kept.job(pass_id, shot) if self.kept and pass_id in self.kept.jobs else None
        return Verdict("approved" if one.is_approved and job and job.key == one.key else "outdated", who)


def reviewed(old: Side, was: str, new: Side, now: str, passes: Collection[str]) -> Iterator[tuple[Change, Verdict]]:
    """What is said of a shot otherwise than before, by its ids on both sides, with the new word."""
    for name in passes if old.lock is not new.lock or old.kept is not new.kept else ():
        before, said = old.verdict(name, was), new.verdict(name, now)
        if before != said:
            what = said.word if before.who == said.who else str(said)
            yield Change(f"approval.{name}", str(before), what), said
