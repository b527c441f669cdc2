"""Nodes to the model: every finding of a file at once, each at the place it is about."""

from collections.abc import Iterable, Sequence
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import Character, Override, Pass, Scene, Shot, Storyboard
from storyboard.model.values import kind
from storyboard.source import Span
from storyboard.syntax import MAX_FOUND, Mapping, Node, Scalar
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
    if type(node) is Scalar:
        return None if node.plain and node.is_null else node.text
    if type(node) is Mapping:
        return {key: _plain(value) for key, (_, value) in node.entries.items()}
    return [_plain(item) for item in node.items]  # type: ignore[union-attr]


def _findings(root: Mapping, errors: Sequence[ErrorDetails]) -> list[Diagnostic]:
    version = [error for error in errors if error["type"] == "SB106"]
    found = [_finding(root, error) for error in (version or errors)[:MAX_FOUND]]
    meant = {d.help for d in found if d.code == "SB101"}
    kept = (d for d in found if d.code != "SB102" or f"did you mean '{_last_quoted(d.message)}'?" not in meant)
    return sorted(dict.fromkeys(kept), key=lambda d: (d.span.start, d.code))


def _last_quoted(message: str) -> str:
    return message.rpartition("'")[0].rpartition("'")[2]


def _finding(root: Mapping, error: ErrorDetails) -> Diagnostic:
    path = list(error["loc"])
    is_key = len(path) > 1 and path[-1] == "[key]" and error["type"] != "extra_forbidden"
    if is_key:
        path.pop()
    owner = _walk(root, path[:-1])
    last = path[-1] if path else ""
    entry = owner.entries.get(str(last)) if isinstance(owner, Mapping) else None
    if (
        entry
        and not is_key
        and isinstance(entry[1], Scalar)
        and entry[1].is_null
        and error["type"] != "extra_forbidden"
    ):
        help_ = f"write '{_example(str(last))}'" + ("" if _is_required(path) else ", or remove the key")
        return Diagnostic("SB103", f"'{last}' has no value", entry[0].span, help_)
    match error["type"]:
        case "extra_forbidden":
            return _unknown_key(path, entry[0].span if entry else owner.span)
        case "missing":
            if last == "storyboard":
                help_ = "start with 'storyboard: 1'"
                return Diagnostic("SB102", "the format version is missing", start_of(owner), help_)
            what = f"{_noun(path[:-1])}{_called(owner)}"
            return Diagnostic("SB102", f"{what} has no '{last}'", start_of(owner), f"add '{_example(str(last))}'")
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
            if isinstance(node, Mapping):
                at = node.entries.get(error["ctx"].get("key", ""))
                return Diagnostic(code, message, at[0].span if at else start_of(node), help_)
            related: tuple[Related, ...] = ()
            if isinstance(node, Scalar) and node.anchored and entry:
                related = (Related(entry[0].span, "it is used here"),)
            return Diagnostic(code, message, node.span, help_, related=related)
        case other:  # a type of pydantic's own that no reader stands before
            return Diagnostic("SB103", f"{error['msg']} ({other})", _walk(root, path).span, "see 'storyboard schema'")


_EXAMPLES = {
    "id": "id: s010",
    "prompt": 'prompt: "@mira climbs the stair"',
    "model": "model: local/animatic",
    "shots": "shots: [{id: s010, prompt: …}]",
    "who": "who: mira",
    "line": 'line: "Not tonight."',
    "duration": "duration: 4",
}


def _example(key: str) -> str:
    return _EXAMPLES.get(key, f"{key}: …")


def _is_required(path: Sequence[str | int]) -> bool:
    model = _model_at(path[:-1])
    field = next((f for n, f in model.model_fields.items() if (f.alias or n) == path[-1]), None) if model else None
    return path[-1] in {"shots", "scenes"} or bool(field and field.is_required())


def _called(owner: Node) -> str:
    named = owner.entries.get("id") if isinstance(owner, Mapping) else None
    return f" '{_short(named[1].text)}'" if named and isinstance(named[1], Scalar) and named[1].text else ""


_NOUNS = {
    "shots": "the shot",
    "scenes": "the scene",
    "characters": "the character",
    "passes": "the pass",
    "references": "the reference",
    "dialogue": "the line of dialogue",
    "style": "the style",
    "trim": "the trim",
    "transition": "the transition",
    "start_frame": "the start frame",
}


def _noun(path: Sequence[str | int]) -> str:
    if len(path) > 2 and path[-2] == "passes":
        return "the shot's override of a pass"
    for step in reversed(path[-2:]):
        if step in _NOUNS:
            return _NOUNS[str(step)]
    return "the storyboard"


def _unknown_key(path: Sequence[str | int], span: Span) -> Diagnostic:
    key = str(path[-1])
    model = _model_at(path[:-1])
    help_ = did_you_mean(key, _keys(model)) if model else ""
    if not help_.startswith("did") and model in {Storyboard, Scene, Shot, Override}:
        home = next((noun for noun, other in _HOMES.items() if other is not model and key in _keys(other)), None)
        help_ = f"'{key}' belongs to {home}: check its indentation" if home else help_
    return Diagnostic("SB101", f"{_noun(path[:-1])} has no key '{_short(key)}'", span, help_)


_HOMES: dict[str, type[BaseModel]] = {
    "a shot": Shot,
    "a pass": Pass,
    "a character": Character,
    "a scene": Scene,
    "the storyboard": Storyboard,
}


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(path: Sequence[str | int]) -> type[BaseModel] | None:
    """What the language expects at one place, read off the models' own types."""
    at: type[BaseModel] | None = Storyboard
    steps = iter(path)
    for step in steps:
        field = next((f for n, f in at.model_fields.items() if (f.alias or n) == step), None) if at else None
        at = _element(field.annotation) if field else None
        if field and get_origin(field.annotation) in {tuple, dict}:
            next(steps, None)  # a position or an id
    return at


def _element(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _element(part)
        if found is not None:
            return found
    return None
