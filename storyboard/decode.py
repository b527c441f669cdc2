"""Nodes to the model: every finding of a file at once, each at the place it is about."""

from collections.abc import Iterable, Sequence
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import Storyboard
from storyboard.model.values import kind
from storyboard.source import Span
from storyboard.syntax import Mapping, Node, Scalar
from storyboard.syntax import Sequence as List


class Positions:
    """Where each part of a decoded storyboard was written."""

    def __init__(self, root: Mapping, board: Storyboard) -> None:
        self._nodes: dict[int, Node] = {}
        self._keep = board  # identities are only good while the objects live
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
        elif isinstance(value, tuple) and isinstance(node, List):
            for item, item_node in zip(value, node.items, strict=True):
                if isinstance(item, BaseModel):
                    self._attach(item, item_node)
        elif isinstance(value, dict) and isinstance(node, Mapping):
            for item, (_, item_node) in zip(value.values(), node.entries.values(), strict=True):
                self._attach(item, item_node)

    def of(self, owner: object, *path: str | int) -> Span:
        """The place of `owner`'s part at `path` (keys and list positions), or of what is nearest to it."""
        return _walk(self._nodes[id(owner)], path).span

    def key(self, owner: object, key: str) -> Span:
        """The place of a key of `owner`, rather than of its value."""
        node = self._nodes[id(owner)]
        entry = node.entries.get(key) if isinstance(node, Mapping) else None
        return entry[0].span if entry else start_of(node)

    def start(self, owner: object) -> Span:
        """The first key of `owner`."""
        return start_of(self._nodes[id(owner)])


def _walk(node: Node, path: Iterable[str | int]) -> Node:
    for step in path:
        if isinstance(node, Mapping) and (entry := node.entries.get(str(step))):
            node = entry[1]
        elif isinstance(node, List) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            break
    return node


def start_of(node: Node) -> Span:
    """A place short enough to point at: a mapping's first key, a list's first item."""
    if isinstance(node, Mapping) and node.entries:
        return next(iter(node.entries.values()))[0].span
    if isinstance(node, List) and node.items:
        return start_of(node.items[0])
    return node.span


def decode(root: Mapping) -> tuple[Storyboard | None, Positions | None, list[Diagnostic]]:
    """The storyboard and where its parts stand, or what is wrong with its shape."""
    try:
        board = Storyboard.model_validate(_plain(root))
    except ValidationError as error:
        return None, None, _findings(root, error.errors(include_url=False))
    return board, Positions(root, board), []


def _plain(node: Node) -> Any:
    if isinstance(node, Scalar):
        return None if node.is_null else node.text
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, (_, value) in node.entries.items()}
    return [_plain(item) for item in node.items]


def _findings(root: Mapping, errors: Sequence[ErrorDetails]) -> list[Diagnostic]:
    version = [error for error in errors if error["type"] == "SB106"]
    found = (_finding(root, error) for error in version or errors)
    return sorted(dict.fromkeys(found), key=lambda d: (d.span.start, d.code))


def _finding(root: Mapping, error: ErrorDetails) -> Diagnostic:
    path = [step for step in error["loc"] if step != "[key]"]
    is_key = "[key]" in error["loc"]
    owner = _walk(root, path[:-1])
    last = path[-1] if path else ""
    entry = owner.entries.get(str(last)) if isinstance(owner, Mapping) else None
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(path, entry[0].span if entry else owner.span)
        case "missing":
            what = _noun(path[:-1])
            return Diagnostic("SB102", f"{what} has no '{last}'", start_of(owner), f"add '{last}: …'")
        case "model_type" | "model_attributes_type":
            found = kind(error["input"])
            return Diagnostic(
                "SB103",
                f"expected keys and values, found {found}",
                _walk(root, path).span,
                f"write {_noun(path)} as 'key: value' lines",
            )
        case code if code.startswith("SB"):
            message, help_ = error["ctx"]["message"], error["ctx"]["help"]
            if is_key and entry:
                return Diagnostic(code, message, entry[0].span, help_)
            node = _walk(root, path)
            if isinstance(node, Scalar) and node.is_null and entry:
                what = f"'{last}' has no value"
                return Diagnostic("SB103", what, entry[0].span, f"{help_}; or remove the key")
            if isinstance(node, Mapping):
                return Diagnostic(code, message, start_of(node), help_)
            related: tuple[Related, ...] = ()
            if isinstance(node, Scalar) and node.anchored and entry:
                related = (Related(entry[0].span, "it is used here"),)
            return Diagnostic(code, message, node.span, help_, related=related)
        case other:  # a type of pydantic's own that no reader stands before
            return Diagnostic("SB103", f"{error['msg']} ({other})", _walk(root, path).span, "see 'storyboard schema'")


_NOUNS = {
    "shots": "the shot",
    "scenes": "the scene",
    "characters": "the character",
    "passes": "the pass",
    "references": "the reference",
    "dialogue": "the line",
    "style": "the style",
    "trim": "the trim",
    "transition": "the transition",
    "start_frame": "the start frame",
}


def _noun(path: Sequence[str | int]) -> str:
    for step in reversed(path[-2:]):
        if step in _NOUNS:
            return _NOUNS[str(step)]
    return "the storyboard"


def _unknown_key(path: Sequence[str | int], span: Span) -> Diagnostic:
    known = _keys_at(path[:-1])
    help_ = did_you_mean(str(path[-1]), known)
    return Diagnostic("SB101", f"{_noun(path[:-1])} has no key '{_short(str(path[-1]))}'", span, help_)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _keys_at(path: Sequence[str | int]) -> list[str]:
    """The keys that the language knows at one place, read off the models' own types."""
    at: type[BaseModel] | None = Storyboard
    steps = iter(path)
    for step in steps:
        field = next((f for n, f in at.model_fields.items() if (f.alias or n) == step), None) if at else None
        at = _element(field.annotation) if field else None
        if field and get_origin(field.annotation) in {tuple, dict}:
            next(steps, None)  # a position or an id
    return [f.alias or n for n, f in at.model_fields.items()] if at else []


def _element(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _element(part)
        if found is not None:
            return found
    return None
