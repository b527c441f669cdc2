"""Whether a film is what it was for whoever sells its clips: the law of renaming and moving."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from storyboard.changes import differences, facts_of
from storyboard.film import Film
from storyboard.job import Input, Job, Own, renamed

Made = Job | Own | None


class Other(NamedTuple):
    """A shot, by its id before, that a pass would make otherwise, and why."""

    shot: str
    pass_id: str
    why: str


def others(before: Film, after: Film, ids: Mapping[str, str]) -> Iterator[Other]:
    """What would be made otherwise. `ids` are the new ids of shots that have one."""
    for pass_id, jobs in before.jobs.items():
        if before.passes[pass_id].states != after.passes[pass_id].states:
            yield Other("", pass_id, "'only' would ask for another state")
        for n, shot in enumerate(before.shots):
            name = ids.get(shot.id, shot.id)
            at = after.numbers.get(name)
            new = after.jobs[pass_id][at] if at is not None else None
            if _what(jobs[n], ids) != _what(new, {}):
                yield Other(shot.id, pass_id, _why(jobs[n], new))
                continue
            then = [(one.number, _what(one.job, ids)) for one in before.takes[pass_id].get(n, ())]
            if then != [(one.number, _what(one.job, {})) for one in after.takes[pass_id].get(at or 0, ()) if new]:
                yield Other(shot.id, pass_id, "its takes would be others")


def _what(made: Made, ids: Mapping[str, str]) -> Any:
    """What a clip is known by: its key, or all that is sent while a reference of it isn't known."""
    if isinstance(made, Own):
        return made.sha256
    if made is None or made.key is not None:
        return made and made.key
    names = {name: _name(given, ids) for name, given in made.inputs.items()}
    return made.model, renamed(made.request, names)


def _name(given: Input, ids: Mapping[str, str]) -> str:
    one = given.producer
    return repr((one.pass_id, ids.get(one.shot, one.shot), given.part)) if one and not one.key else given.name


def _why(old: Made, new: Made) -> str:
    if isinstance(old, Job) and isinstance(new, Job):
        return next((change.brief for change in differences(facts_of(old), new)), "its inputs would be others")
    return "it would be left out" if new is None else "it would be made" if old is None else "its clip would be another"
