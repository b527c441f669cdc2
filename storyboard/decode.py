"""Nodes to the model: every finding of a file at once, each at the place it is about.

Of a misshapen storyboard what is left of it is only ever checked, so that one run tells of names, files and models
too. What is missing from it is known (`Positions.lacks`), and nothing is concluded from that.
"""

from collections.abc import Collection
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ValidationError

from storyboard.diagnostic import Diagnostic, did_you_mean
from storyboard.misshapen import start_of, walk, without_value
from storyboard.model import Storyboard
from storyboard.salvage import ALL, Gaps, Path, Salvage, plain
from storyboard.source import Span
from storyboard.syntax import Mapping, Node, Scalar
from storyboard.syntax import Sequence as List

Kind = Literal["characters", "passes", "shots"]


class Positions:
    """Where each part of a decoded storyboard was written, and what of it couldn't be read. `empty` are the keys that
    may be left out, but stand there without a value.
    """

    def __init__(self, root: Mapping, board: Storyboard, gaps: Gaps) -> None:
        self._nodes: dict[int, Node] = {}
        self._keep = board  # identities are only good while the objects live
        self._gaps = gaps
        self.empty: dict[Scalar, None] = {}
        self._attach(board, root)

    def _attach(self, value: object, node: Node) -> None:
        self._nodes[id(value)] = node
        if isinstance(value, BaseModel) and isinstance(node, Mapping):
            fields = type(value).model_fields
            for name in value.model_fields_set:
                entry = node.entries.get(fields[name].alias or name)
                part = getattr(value, name)
                if entry is not None and isinstance(part, (BaseModel, tuple, dict)):
                    self._attach(part, entry[1])
                elif entry is not None and part is None:
                    self.empty[entry[0]] = None
        elif isinstance(value, tuple) and isinstance(node, List):
            for item, item_node in zip(value, node.items, strict=True):
                if isinstance(item, BaseModel):
                    self._attach(item, item_node)
        elif isinstance(value, dict) and isinstance(node, Mapping):
            for item, (_, item_node) in zip(value.values(), node.entries.values(), strict=True):
                self._attach(item, item_node)

    def of(self, owner: object, *path: str | int) -> Span:
        """The place of `owner`'s part at `path` (keys and list positions), or of what is nearest to it."""
        return walk(self._nodes[id(owner)], path).span

    def key(self, owner: object, key: str) -> Span:
        """The place of a key of `owner`, rather than of its value."""
        node = self._nodes[id(owner)]
        entry = node.entries.get(key) if isinstance(node, Mapping) else None
        return entry[0].span if entry else start_of(node)

    def start(self, owner: object) -> Span:
        """The first key of `owner`."""
        return start_of(self._nodes[id(owner)])

    def lacks(self, owner: object, *keys: str) -> bool:
        """Whether something of `owner` under one of these keys couldn't be read."""
        if not self._gaps.of:
            return False
        lost = self._lost.get(self._nodes.get(id(owner)), frozenset())
        return ALL in lost or not lost.isdisjoint(keys)

    def lacks_names(self, kind: Kind, name: str = "") -> bool:
        """Whether there may be characters, passes, or shots and scenes, whose names couldn't be read; with a `name`,
        whether one that can't be a name may be meant by it.
        """
        misnamed = self._gaps.misnamed.get(kind) if name else None
        if misnamed and did_you_mean(name, misnamed).startswith("did"):
            return True
        return kind in self._nameless

    @cached_property
    def _lost(self) -> dict[Node | None, frozenset[str | int]]:
        return {node: frozenset(path[0] for path in paths) for node, paths in self._gaps.of.items()}

    @cached_property
    def _nameless(self) -> frozenset[str]:
        kinds = ("characters", "passes", "shots")
        return frozenset(kind for path in self.gaps(self._keep) for kind in kinds if _of_names(path, kind))

    def gaps(self, owner: object) -> Collection[Path]:
        """The places in `owner` where something couldn't be read."""
        if not self._gaps.of:
            return ()
        node = self._nodes.get(id(owner))
        return self._gaps.of.get(node, ()) if node is not None else ()

    @property
    def stand_ins(self) -> dict[str, str]:
        """Ids that stand in for what couldn't be read, each as it is to be shown."""
        return self._gaps.ids


def _of_names(path: Path, kind: str) -> bool:
    if kind != "shots":
        return path == (kind,) or (kind == "characters" and path[0] == "include")
    return path[0] in {"shots", "scenes"} and (
        len(path) < 3 or path[-1] == "id" or (path[2:3] == ("shots",) and len(path) < 5)
    )


def decode(root: Mapping) -> tuple[Storyboard | None, Positions | None, list[Diagnostic]]:
    """The storyboard, where its parts stand, and what is wrong with its shape. With such findings the storyboard is
    what is left of it, if anything.
    """
    try:
        board = Storyboard.model_validate(plain(root))
    except ValidationError as error:
        salvage = Salvage(root)
        left, found = salvage.board(error)
        places = Positions(salvage.root, left, salvage.gaps) if left else None
        return left, places, [*found, *map(without_value, places.empty if places else ())]
    places = Positions(root, board, Gaps())
    return board, places, [*map(without_value, places.empty)]
