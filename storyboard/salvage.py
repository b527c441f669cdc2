"""A misshapen document, of which a storyboard is kept that can be checked.

What is wrong is taken out, and what must be there is stood in for, until the rest is a storyboard; what is missing
from it is noted.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from storyboard.diagnostic import Diagnostic
from storyboard.misshapen import Error, error_of, field_at, finding, keys, meant, model_at, start_of, unwritten, walk
from storyboard.model import Beat, Defaults, Pass, Scene, Shot, Storyboard
from storyboard.model.shot import Line
from storyboard.source import Span
from storyboard.syntax import MAX_FOUND, Mapping, Node, Scalar
from storyboard.syntax import Sequence as List

_ROUNDS = 8
"""Validations of one document. Each takes out all that the one before found; a part can only be wrong as a whole once
its own parts are right.
"""

_MOST_MEANT = 200
"""Unknown keys that are looked at for what they may have been meant to be; it takes a while."""

_MOST_MISNAMED = 50
"""Ids that can't be one that are compared with the names in use; beyond, any name may be one of them."""

ALL = "*"
"""A key for all of a part."""

Path = tuple[str | int, ...]


class Gaps:
    """What couldn't be read, as paths from each node on the way to it, and the ids that stand in for others."""

    def __init__(self) -> None:
        self.of: dict[Node, set[Path]] = {}
        self.misnamed: dict[str, list[str]] = {}
        self.ids: dict[str, str] = {}
        """How an id that stands in for another is shown."""


def plain(node: Node) -> Any:
    """What a node holds, without its places."""
    if type(node) is Scalar:
        return None if node.plain and node.is_null else node.text
    if type(node) is Mapping:
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    return [plain(item) for item in node.items]  # type: ignore[union-attr]


def _copied(node: Node) -> Node:
    """The same texts in lists and mappings of their own, each at one place only."""
    if isinstance(node, Mapping):
        return Mapping({key: (name, _copied(value)) for key, (name, value) in node.entries.items()}, node.span)
    return List([_copied(item) for item in node.items], node.span) if isinstance(node, List) else node


class Salvage:
    """One document: its `root` as far as it could be kept, and the `gaps` in it."""

    def __init__(self, root: Mapping) -> None:
        copied = _copied(root)
        assert isinstance(copied, Mapping)
        self.root = copied
        self.gaps = Gaps()
        self._found: dict[Diagnostic, None] = {}
        self._meant: set[tuple[Node, str]] = set()
        self._doomed: dict[List, set[int]] = {}
        self._renamed: list[tuple[Mapping, str]] = []
        self._later = False

    def board(self, error: ValidationError) -> tuple[Storyboard | None, list[Diagnostic]]:
        """What is left, if anything, and every finding."""
        for _ in range(_ROUNDS):
            self._take_out([error_of(each) for each in error.errors(include_url=False)])
            try:
                board = Storyboard.model_validate(plain(self.root))
            except ValidationError as left:
                error = left
            else:
                self._hand_down()
                return board, self._told()
        return None, self._told()

    def _told(self) -> list[Diagnostic]:
        found, unknown = [], set[Span]()
        for one in self._found:
            if one.code != "SB101" or one.span not in unknown:  # a scene's and its shots' are one
                found.append(one)
            if one.code == "SB101":
                unknown.add(one.span)
        if self._later:  # which has other keys
            found = [one for one in found if one.code not in {"SB101", "SB102"} or one.help.startswith("did")]
        return sorted(found, key=lambda one: (one.span.start, one.code))

    def _take_out(self, errors: Sequence[Error]) -> None:
        for error in errors:
            self._note(error)
        for error in errors:
            if len(self._found) < MAX_FOUND and not self._follows(error):
                self._found[finding(self.root, error)] = None
        for error in errors:
            self._lose(error)
        for items, doomed in self._doomed.items():
            items.items = [item for n, item in enumerate(items.items) if n not in doomed]
        for holder, key in self._renamed:
            self._rename(holder, key)
        self._doomed, self._renamed = {}, []

    def _note(self, error: Error) -> None:
        """Take down what an unknown key may have been meant to be."""
        holder = walk(self.root, error.path[:-1])
        if error.unknown and isinstance(holder, Mapping):
            near = meant(error.path) if len(self._meant) < _MOST_MEANT else ""
            self._meant.add((holder, near))
            for key in [near] if near else unwritten(error.path, holder):
                self._gap((*error.path[:-1], key))

    def _gap(self, path: Path) -> None:
        """Note that what is at `path` couldn't be read."""
        node: Node = self.root
        for n, step in enumerate(path):
            self.gaps.of.setdefault(node, set()).add(path[n:])
            if n < len(path) - 1:
                node = walk(node, (step,))

    def _hand_down(self) -> None:
        """Note what shots and passes would have from elsewhere, had that been readable."""
        scenes = _parts(self.root.value("scenes"))
        everywhere = [shot for holder in (self.root, *scenes) for shot in _parts(holder.value("shots"))]
        self._default(self.root, everywhere)
        for scene in scenes:
            shots = _parts(scene.value("shots"))
            self._default(scene, shots)
            if ("passes",) in self.gaps.of.get(scene, ()):
                self._lack(shots, "passes")
        passes = self.root.value("passes")
        if isinstance(passes, Mapping):
            lost = {name for name, (_, node) in passes.entries.items() if (ALL,) in self.gaps.of.get(node, ())}
            for name in _heirs(passes, lost):
                self._lack([passes.entries[name][1]], "extends")

    def _default(self, owner: Mapping, shots: Sequence[Node]) -> None:
        gaps = self.gaps.of.get(owner, set())
        lost = {str(path[1]) for path in gaps if path[0] == "defaults" and path[1:]}
        for key in lost | (DEFAULTS if ("defaults",) in gaps else set()):
            self._lack([shot for shot in shots if isinstance(shot, Mapping) and key not in shot.entries], key)

    def _lack(self, nodes: Iterable[Node], key: str) -> None:
        for node in nodes:
            self.gaps.of.setdefault(node, set()).add((key,))

    def _follows(self, error: Error) -> bool:
        """Whether an error is only the consequence of another."""
        owner = walk(self.root, error.path[:-1] if error.type == "missing" else error.path)
        gaps = self.gaps.of.get(owner, set())
        if error.type == "missing":
            key = str(error.path[-1])
            if key == "model" and isinstance(owner, Mapping) and "extends" in owner.entries:
                return True  # whose base has none
            return (owner, key) in self._meant or (ALL,) in gaps
        if not error.type.startswith("SB") or not isinstance(owner, Mapping):
            return False
        return any(path[0] in _READ_WITH.get(_key(error), _PLACES) for path in gaps)

    def _lose(self, error: Error) -> None:
        """Take out what an error is about."""
        if not error.path:
            self._shape(error)
        elif error.type == "missing":
            self._stand_in(error.path)
        elif error.unknown:
            holder = walk(self.root, error.path[:-1])
            if isinstance(holder, Mapping):
                holder.entries.pop(str(error.path[-1]), None)
        elif error.of_key:
            holder = walk(self.root, error.path[:-1])
            if isinstance(holder, Mapping):
                self._renamed.append((holder, str(error.path[-1])))
                if len(error.path) > 2:
                    self._gap(error.path[:-1])
                else:
                    self._misnamed(str(error.path[0]), str(error.path[1]))
        else:
            if error.path == ("storyboard",):
                self._later = walk(self.root, error.path).span.text.isdigit()
            node, key = walk(self.root, error.path), _key(error)
            inner = isinstance(node, Mapping) and key in node.entries
            self._drop(self._written((*error.path, key) if inner else error.path))

    def _written(self, path: Path) -> Path:
        """A path as far as it is written: of a text that stands for keys and values, the text."""
        node: Node = self.root
        for n, step in enumerate(path):
            if isinstance(node, Scalar):
                return path[:n]
            node = walk(node, (step,))
        return path

    def _drop(self, path: Path) -> None:
        holder, key = walk(self.root, path[:-1]), path[-1]
        field = field_at(path)
        if field is not None and field.is_required():
            self._stand_in(path)
            return
        self._gap(path)
        if isinstance(holder, List) and isinstance(key, int) and model_at(path) in {Shot, Scene}:
            span = start_of(holder.items[key])
            holder.items[key] = self._shot(span) if model_at(path) is Shot else self._scene(span)
        elif isinstance(holder, List) and isinstance(key, int):
            self._doomed.setdefault(holder, set()).add(key)
        elif isinstance(holder, Mapping) and str(key) in holder.entries:
            name, value = holder.entries[str(key)]
            if field is None and model_at(path) is not None:  # its name is good
                holder.entries[str(key)] = (name, left := Mapping({}, value.span))
                self.gaps.of[left] = {(ALL,)}
            else:
                del holder.entries[str(key)]

    def _stand_in(self, path: Path) -> None:
        """Put something harmless where something must be; where nothing is, its owner goes too."""
        owner, model, key = walk(self.root, path[:-1]), model_at(path[:-1]), str(path[-1])
        if not isinstance(owner, Mapping):
            return
        name, value = owner.entries.get(key) or (Scalar(key, True, start_of(owner)),) * 2
        made: Node | None = None
        if key == "id" and model in {Shot, Scene}:
            shown = value.text if isinstance(value, Scalar) and value is not name and not value.is_null else ""
            made = Scalar(self._id(shown or f"this {'shot' if model is Shot else 'scene'}"), False, value.span)
            if shown:
                self._misnamed("shots", shown)
                owner.entries[key] = (name, made)
                return
        elif key == "shots" and model is Scene:
            made = List([self._shot(value.span)], value.span)
        elif (key, model) in _SAID:
            made = Scalar(_SAID[key, model], True, value.span)
        if made is None:
            self._drop(path[:-1])
        else:
            self._gap(path)
            owner.entries[key] = (name, made)

    def _id(self, shown: str) -> str:
        """An id that nobody wrote."""
        n = len(self.gaps.ids)
        while (made := f"ǃ{n}ǃ") in self.gaps.ids or made in self.root.span.source.text:
            n += 1
        self.gaps.ids[made] = shown if len(shown) <= 40 else shown[:39] + "…"
        return made

    def _misnamed(self, kind: str, shown: str) -> None:
        names = self.gaps.misnamed.setdefault(kind, [])
        if len(names) < _MOST_MISNAMED:
            names.append(shown)
        else:
            self._gap((kind,))

    def _rename(self, holder: Mapping, key: str) -> None:
        """Keep what is called by a key that can't be an id: by another, where it is defined."""
        if holder in {self.root.value("characters"), self.root.value("passes")}:
            made = self._id(key)
            holder.entries = {made if one == key else one: entry for one, entry in holder.entries.items()}
        else:
            holder.entries.pop(key, None)

    def _shape(self, error: Error) -> None:
        """Mend what is wrong with the storyboard as a whole: no passes, no shots, or shots with and without scenes."""
        entries, span = self.root.entries, start_of(self.root)
        if _key(error) == "passes":
            self._gap(("passes",))
            del entries["passes"]
            return
        self._gap(("shots",))
        self._gap(("scenes",))
        shots, scenes = self.root.value("shots"), self.root.value("scenes")
        if error.type == "SB107" and isinstance(scenes, List) and isinstance(shots, List):
            scenes.items.insert(0, self._scene(span, *shots.items))
            del entries["shots"]
        else:
            entries["shots"] = (Scalar("shots", True, span), List([self._shot(span)], span))
            entries.pop("scenes", None)

    def _shot(self, span: Span) -> Mapping:
        """A shot of which nothing is known."""
        made = _mapping(span, id=Scalar(self._id("this shot"), False, span), prompt=Scalar("…", False, span))
        self.gaps.of[made] = {(ALL,)}
        return made

    def _scene(self, span: Span, *shots: Node) -> Mapping:
        """A scene of which nothing is known, or nothing but some shots."""
        name = Scalar(self._id("this scene"), False, span)
        return _mapping(span, id=name, shots=List([*shots, self._shot(span)], span))


def _mapping(span: Span, **values: Node) -> Mapping:
    return Mapping({key: (Scalar(key, True, span), value) for key, value in values.items()}, span)


DEFAULTS = frozenset(keys(Defaults))

_SAID: dict[tuple[str, type[BaseModel] | None], str] = {
    ("storyboard", Storyboard): "1",
    ("model", Pass): "local/animatic",
    ("at", Beat): "0",
    ("prompt", Beat): "…",
    ("line", Line): "…",
}
"""What stands in for what must be said."""

_READ_WITH = {"takes": {"takes", "pick"}, "pick": {"takes", "pick"}, "passes": {"passes"}}
_READ_WITH |= {"shots": {"shots", "scenes"}, "scenes": {"shots", "scenes"}}
"""Of a part that is wrong as a whole: the keys that tell, by the one that is pointed at."""

_PLACES = {"file", "url", "last_frame_of"}


def _parts(node: Node | None) -> list[Mapping]:
    return [item for item in node.items if isinstance(item, Mapping)] if isinstance(node, List) else []


def _heirs(passes: Mapping, lost: Collection[str]) -> set[str]:
    """The passes that extend one of those, or one that does."""
    nodes = {name: node for name, (_, node) in passes.entries.items() if isinstance(node, Mapping)}
    bases = {name: base.text for name, node in nodes.items() if isinstance(base := node.value("extends"), Scalar)}
    found: set[str] = set()
    while new := {name for name, base in bases.items() if base in {*lost, *found} and name not in found}:
        found |= new
    return found


def _key(error: Error) -> str:
    """The key that an error of a whole part points at."""
    return str(error.details.get("ctx", {}).get("key", ""))
