"""Edits that keep money: shots and characters by other names and in other places, other takes of a shot.

Each gives the edits of the texts and reads nothing; whether a film stays what it was is for `same` to tell. Places are
found in the text as it is written, so that what is said once and meant often is edited once.
"""

from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import normalize

from storyboard.diagnostic import did_you_mean
from storyboard.rewrite import Path, Reword, Words
from storyboard.syntax import Mapping, Node, Scalar
from storyboard.syntax import Sequence as List


class Unmovable(Exception):
    """An edit that makes no sense as the storyboard stands; the message says why, `help` how to cure it."""

    def __init__(self, message: str, help_: str = "") -> None:
        super().__init__(message)
        self.help = help_


class Unknown(Unmovable):
    """There is no shot or character of that id."""


class Written(NamedTuple):
    """A shot as it is written, and where; its scene's id, or ""."""

    id: str
    path: Path
    node: Mapping
    scene: str = ""


def written(root: Mapping) -> list[Written]:
    """Every shot, in the film's order."""
    found = [Written(_id(node), path, node) for path, node in _mappings(root, (), "shots")]
    for path, scene in _mappings(root, (), "scenes"):
        its = _id(scene)
        found += [Written(_id(node), at, node, its) for at, node in _mappings(scene, path, "shots")]
    return found


def shot(root: Mapping, name: str) -> Written:
    """One shot. Raises Unknown where there is none of that id."""
    shots = written(root)
    for one in shots:
        if one.id == name:
            return one
    raise Unknown(f"there is no shot '{name}'", did_you_mean(name, [one.id for one in shots]))


def text(node: Node | None) -> str:
    """A text as names are compared; "" for anything else."""
    return normalize("NFC", node.text) if isinstance(node, Scalar) else ""


def whole(path: Path, node: Node, new: str) -> Reword:
    """The edit that puts another text in a text's place."""
    return Reword(path, (Words(0, len(node.text) if isinstance(node, Scalar) else 0, new),))


def items(owner: Mapping, path: Path, key: str) -> Iterator[tuple[Path, Node]]:
    """The items of a list under a key, and where they are."""
    node = owner.value(key)
    for n, item in enumerate(node.items if isinstance(node, List) else ()):
        yield (*path, key, n), item


def entries(owner: Mapping, path: Path, key: str) -> Iterator[tuple[Path, Mapping]]:
    """The keys and values under the keys of another one, and where they are."""
    node = owner.value(key)
    for name, (_, value) in (node.entries if isinstance(node, Mapping) else {}).items():
        if isinstance(value, Mapping):
            yield (*path, key, name), value


def _mappings(owner: Mapping, path: Path, key: str) -> Iterator[tuple[Path, Mapping]]:
    return ((at, node) for at, node in items(owner, path, key) if isinstance(node, Mapping))


def _id(node: Mapping) -> str:
    return text(node.value("id"))
