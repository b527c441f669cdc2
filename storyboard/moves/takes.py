"""Another take of a shot: one that isn't made yet, or one that is shown instead."""

from collections.abc import Mapping
from typing import NamedTuple

from storyboard.model import Override, Shot
from storyboard.moves import Unmovable
from storyboard.rewrite import Append, Edit, Path, Set, Value

_NOTHING = Override()


class Taken(NamedTuple):
    """The take that an edit is about, the one that was shown before, and the edits. `is_shown` where it takes that
    one's place; else it is made beside it.
    """

    number: int
    before: int
    edits: list[Edit]
    is_shown: bool = True


def another(shot: Shot, path: Path, pass_id: str = "") -> Taken:
    """Another roll of the dice, of a pass alone where one is named: the next take, or one more of those listed. Where
    one is picked, it is the new one.
    """
    its = _Takes(shot, path, pass_id)
    if its.listed is None:
        number = its.shown + 1
        return Taken(number, its.shown, its.written({"take": str(number)}))
    number = max(its.listed) + 1
    edits: list[Edit] = []
    values: dict[str, Value] = {}
    if its.is_inherited:
        values["takes"] = tuple(map(str, (*its.listed, number)))
    else:
        edits.append(Append((*its.where, "takes"), str(number)))
    if its.pick is not None:
        values["pick"] = str(number)
    return Taken(number, its.shown, edits + its.written(values), its.pick is not None)


def picked(shot: Shot, path: Path, number: int, pass_id: str = "") -> Taken:
    """The film, or a pass of it, shows another take; no edits where it does already, and makes no other.

    Raises:
        Unmovable: takes are listed, and it isn't one of them.
    """
    its = _Takes(shot, path, pass_id)
    if its.listed is None:
        return Taken(number, its.shown, [] if number == its.shown else its.written({"take": str(number)}))
    if number not in its.listed:
        shown = ", ".join(map(str, its.listed))
        raise Unmovable(f"take {number} isn't one of the takes of {shot.id}", f"pick one of {shown}")
    return Taken(number, its.shown, [] if number == its.pick else its.written({"pick": str(number)}))


class _Takes:
    """The takes of a shot, or of one pass of it, as they hold there, and where they are written."""

    def __init__(self, shot: Shot, path: Path, pass_id: str) -> None:
        own = shot.passes.get(pass_id, _NOTHING) if pass_id else _NOTHING
        self._path, self._pass = path, pass_id
        self.where: Path = (*path, "passes", pass_id) if pass_id else path
        self.is_inherited = bool(pass_id) and own.takes is None and own.take is None
        self.listed = shot.takes if self.is_inherited or not pass_id else own.takes
        pick = own.pick if own.takes is not None else own.pick or shot.pick
        self.pick = pick if self.listed is not None else None
        self.shown = self.pick or (self.listed or (own.take or shot.take,))[0]

    def written(self, values: Mapping[str, Value]) -> list[Edit]:
        """Keys of the shot, or of what it does otherwise in the pass."""
        if self._pass:
            return [Set((*self._path, "passes"), {self._pass: values})] if values else []
        return [Set((*self._path, key), value) for key, value in values.items()]
