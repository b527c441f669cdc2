"""A character by another id."""

from collections.abc import Collection, Iterator
from unicodedata import normalize

from storyboard import prompt
from storyboard.moves import Unmovable, entries, items, text, whole, written
from storyboard.rewrite import Edit, Path, Rename, Reword, Set, Words
from storyboard.syntax import Mapping, Node, Scalar


def defined(root: Mapping, name: str) -> Mapping | None:
    """A character as one document writes it."""
    node = root.value("characters")
    its = node.value(name) if isinstance(node, Mapping) else None
    return its if isinstance(its, Mapping) else None


def renamed(root: Mapping, old: str, new: str, known: Collection[str], spoken: str = "") -> list[Edit]:
    """The edits of one document, the storyboard's or a library's, that give a character another id.

    Args:
        known: The ids of all characters.
        spoken: The name that it gets, where that is to be written; "" for none.

    Raises:
        Unmovable: the document has a character of the new id.
    """
    edits: list[Edit] = []
    if defined(root, old) is not None:
        if defined(root, new) is not None:
            raise Unmovable(f"there is a character '{new}' already", "use another id")
        if spoken:
            edits.append(Set(("characters", old, "name"), spoken))
        edits.append(Rename(("characters", old), new))
    for path, node in _names(root):
        if text(node) == old:
            edits.append(whole(path, node, new))
    for path, node in _texts(root):
        its = [Words(one.start + 1, one.end, new) for one in _mentions(node, known) if normalize("NFC", one.id) == old]
        if its:
            edits.append(Reword(path, tuple(its)))
    return edits


def mentioned(root: Mapping, name: str, known: Collection[str]) -> list[Scalar]:
    """Texts that are read by people or sent as they are, and hold a mention: in them it binds nobody."""
    counted = {id(node) for _, node in _texts(root)}
    return [
        node
        for node in _scalars(root, set())
        if id(node) not in counted and any(normalize("NFC", one.id) == name for one in _mentions(node, known))
    ]


def _mentions(node: Node, known: Collection[str]) -> list[prompt.Mention]:
    """The mentions of a text, whose places are those of the text as it is written."""
    if not isinstance(node, Scalar) or "@" not in node.text:
        return []
    return list(prompt.mentions(node.text, {*known, *(normalize("NFD", name) for name in known)}))


def _owners(root: Mapping) -> Iterator[tuple[Path, Mapping]]:
    """Shots, what they do otherwise in a pass, and defaults."""
    yield from _defaults(root, ())
    for path, scene in items(root, (), "scenes"):
        if isinstance(scene, Mapping):
            yield from _defaults(scene, path)
    for one in written(root):
        yield one.path, one.node
        yield from entries(one.node, one.path, "passes")


def _defaults(owner: Mapping, path: Path) -> Iterator[tuple[Path, Mapping]]:
    its = owner.value("defaults")
    if isinstance(its, Mapping):
        yield (*path, "defaults"), its


def _names(root: Mapping) -> Iterator[tuple[Path, Node]]:
    """What names a character: `characters`, and who speaks."""
    for path, owner in _owners(root):
        yield from items(owner, path, "characters")
        for at, line in items(owner, path, "dialogue"):
            if isinstance(line, Mapping) and "who" in line.entries:
                yield (*at, "who"), line.entries["who"][1]


def _texts(root: Mapping) -> Iterator[tuple[Path, Node]]:
    """The texts in which a mention binds: `prompt`, `camera` and those of beats."""
    for path, owner in _owners(root):
        for key in ("prompt", "camera"):
            if key in owner.entries:
                yield (*path, key), owner.entries[key][1]
        for at, beat in items(owner, path, "beats"):
            if isinstance(beat, Mapping) and "prompt" in beat.entries:
                yield (*at, "prompt"), beat.entries["prompt"][1]


def _scalars(node: Node, seen: set[int]) -> Iterator[Scalar]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Scalar):
        yield node
        return
    inner = [value for _, value in node.entries.values()] if isinstance(node, Mapping) else node.items
    for value in inner:
        yield from _scalars(value, seen)
