"""A shot by another id, and in another place."""

from collections.abc import Iterator

from storyboard.moves import Unmovable, entries, items, shot, text, whole, written
from storyboard.rewrite import Edit, Move, Order, Path
from storyboard.syntax import Mapping, Node


def renamed(root: Mapping, old: str, new: str) -> list[Edit]:
    """The edits that give a shot another id, wherever it is named.

    Raises:
        Unmovable: there is no such shot, or one of the new id.
    """
    shot(root, old)
    if new != old and any(one.id == new for one in written(root)):
        raise Unmovable(f"the shot id '{new}' would be used twice", "give one of the two another id")
    return [whole(path, node, new) for path, node in _names(root) if text(node) == old]


def _names(root: Mapping) -> Iterator[tuple[Path, Node]]:
    """What names a shot: its own id, `last_frame_of`, and `only` of a pass."""
    for one in written(root):
        yield (*one.path, "id"), one.node.entries["id"][1]
        for path, owner in [(one.path, one.node), *entries(one.node, one.path, "passes")]:
            start = owner.value("start_frame")
            if isinstance(start, Mapping) and "last_frame_of" in start.entries:
                yield (*path, "start_frame", "last_frame_of"), start.entries["last_frame_of"][1]
    for path, its in entries(root, (), "passes"):
        yield from items(its, path, "only")


def reordered(root: Mapping, name: str, *, before: str = "", after: str = "", last: bool = False) -> list[Edit]:
    """The edits that put a shot before or after another one, or to the beginning or the end of its list; none where it
    is there already.

    Raises:
        Unmovable: there is no such shot.
    """
    one = shot(root, name)
    other = shot(root, before or after) if before or after else one
    if other.id == name and (before or after):
        raise Unmovable(f"{name} can't stand beside itself", "name another shot")
    here = [its for its in written(root) if its.path[:-1] == one.path[:-1]]
    there = [its for its in written(root) if its.path[:-1] == other.path[:-1]]
    beside = there.index(other) + bool(after)
    place = beside if before or after else len(there) if last else 0
    if here[0].path == there[0].path:
        rest = [n for n, its in enumerate(here) if its.id != name]
        at = sum(n < place for n in rest)
        order = (*rest[:at], here.index(one), *rest[at:])
        return [] if order == tuple(range(len(here))) else [Order(one.path[:-1], order)]
    if len(here) == 1:
        raise Unmovable(f"{name} is the only shot of its scene", "move the scene by hand, or remove it")
    return [Move(one.path, other.path[:-1], place)]
