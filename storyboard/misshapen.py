"""A validator's errors in the author's words: what each part is called, what belongs where, and what to write."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import (
    Beat,
    Character,
    Defaults,
    Override,
    Pass,
    Reference,
    Scene,
    Setting,
    Shot,
    StartFrame,
    Storyboard,
    Style,
)
from storyboard.model.passes import BurnIn
from storyboard.model.shot import Line, Trim
from storyboard.model.sound import Bed, Mix, Sound
from storyboard.model.transition import Transition
from storyboard.model.values import kind
from storyboard.source import Span
from storyboard.syntax import Mapping, Node, Scalar
from storyboard.syntax import Sequence as List

Path = Sequence[str | int]

_NOUNS: dict[type[BaseModel], str] = {
    Storyboard: "the storyboard",
    Style: "the style",
    Mix: "the film's sound",
    Bed: "the music or room tone",
    BurnIn: "burn_in",
    Character: "the character",
    Reference: "the reference",
    Pass: "the pass",
    Defaults: "the defaults",
    Scene: "the scene",
    Setting: "the scene's override of a pass",
    Shot: "the shot",
    Beat: "the beat",
    StartFrame: "the start frame",
    Trim: "the trim",
    Transition: "the transition",
    Line: "the line of dialogue",
    Sound: "the shot's sound",
    Override: "the shot's override of a pass",
}
"""What people call each part of a storyboard."""

_HOMES: dict[str, type[BaseModel]] = {
    "a shot": Shot,
    "a pass": Pass,
    "a character": Character,
    "a scene": Scene,
    "the storyboard": Storyboard,
}

_EXAMPLES = {
    "id": "id: s010",
    "prompt": 'prompt: "@mira climbs the stair"',
    "model": "model: local/animatic",
    "shots": "shots: [{id: s010, prompt: …}]",
    "who": "who: mira",
    "line": 'line: "Not tonight."',
    "duration": "duration: 4",
    "at": "at: 1.5",
    "file": "file: refs/mira.png",
    "music": "music: sound/waves.wav",
    "characters": "characters: {mira: {look: …}}",
    "references": "references: [refs/mira.png]",
    "beats": "beats: [{at: 0, prompt: …}]",
    "effects": "effects: [FadeIn]",
    "takes": "takes: [1, 2]",
    "dialogue": "dialogue: [{who: mira, line: …}]",
    "passes": "passes: {animatic: {model: local/animatic}}",
    "include": "include: series/cast.yaml",
    "start_frame": "start_frame: refs/first.png",
    "clip": "clip: shots/s010.mp4",
}


class Error(NamedTuple):
    """A validator's error at a path of keys and positions. `of_key` where a key is meant, not its value."""

    details: ErrorDetails
    path: tuple[str | int, ...]
    of_key: bool

    @property
    def type(self) -> str:
        """The code of a reader's error, else pydantic's own word."""
        return self.details["type"]

    @property
    def unknown(self) -> bool:
        """Whether it is a key that nothing reads."""
        return self.type == "extra_forbidden"


def error_of(details: ErrorDetails) -> Error:
    """One of pydantic's errors, its path without what pydantic adds."""
    path = details["loc"]
    of_key = len(path) > 1 and path[-1] == "[key]" and details["type"] == "SB105"  # a key may be called so too
    return Error(details, path[:-1] if of_key else path, of_key)


def walk(node: Node, path: Iterable[str | int]) -> Node:
    """The node at a path, or the last one on the way to it."""
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


def finding(root: Mapping, error: Error) -> Diagnostic:
    """What is wrong, at the place that it is about."""
    path = error.path
    owner = walk(root, path[:-1])
    last = path[-1] if path else ""
    entry = owner.entries.get(str(last)) if isinstance(owner, Mapping) else None
    if error.unknown:
        return _unknown_key(path, entry[0].span if entry else owner.span)
    if entry and not error.of_key and isinstance(entry[1], Scalar) and entry[1].is_null:
        return without_value(entry[0], required=_is_required(path))
    match error.type:
        case "missing":
            if last == "storyboard":
                help_ = "start with 'storyboard: 1'"
                return Diagnostic("SB102", "the format version is missing", start_of(owner), help_)
            what = f"{_noun(path[:-1])}{_called(owner)}"
            example = _example("music" if model_at(path[:-1]) is Bed else str(last)).replace("music:", f"{last}:")
            return Diagnostic("SB102", f"{what} has no '{last}'", start_of(owner), f"add '{example}'")
        case "model_type" | "model_attributes_type":
            message = f"expected keys and values, found {kind(error.details['input'])}"
            help_ = f"write {_noun(path)} as 'key: value' lines"
            if model_at(path) is Bed:
                help_ = f"write '{_example('music')}'"
            return Diagnostic("SB103", message, walk(root, path).span, help_)
        case code if code.startswith("SB"):
            context = error.details["ctx"]
            message, help_ = context["message"], context["help"]
            if error.of_key and entry:
                return Diagnostic(code, message, entry[0].span, help_)
            node = walk(root, path)
            if isinstance(node, Mapping):
                at = node.entries.get(context.get("key", ""))
                return Diagnostic(code, message, at[0].span if at else start_of(node), help_)
            related: tuple[Related, ...] = ()
            if isinstance(node, Scalar) and node.anchored and entry:
                related = (Related(entry[0].span, "it is used here"),)
            return Diagnostic(code, message, node.span, help_, related=related)
        case other:  # a type of pydantic's own that no reader stands before
            message = f"{error.details['msg']} ({other})"
            return Diagnostic("SB103", message, walk(root, path).span, "see 'storyboard schema'")


def _example(key: str) -> str:
    return _EXAMPLES.get(key, f"{_short(key)}: …")


def _is_required(path: Path) -> bool:
    field = field_at(path)
    return path[-1] in {"shots", "scenes"} or bool(field and field.is_required())


def _called(owner: Node) -> str:
    named = owner.entries.get("id") if isinstance(owner, Mapping) else None
    return f" '{_short(named[1].text)}'" if named and isinstance(named[1], Scalar) and named[1].text else ""


def _noun(path: Path) -> str:
    model = model_at(path)
    return _NOUNS[model] if model else "the storyboard"


def without_value(key: Scalar, *, required: bool = False) -> Diagnostic:
    """SB103: a key with nothing behind it."""
    help_ = f"write '{_example(key.text)}'" + ("" if required else ", or remove the key")
    return Diagnostic("SB103", f"'{_short(key.text)}' has no value", key.span, help_)


def _unknown_key(path: Path, span: Span) -> Diagnostic:
    key, model = str(path[-1]), model_at(path[:-1])
    help_ = did_you_mean(key, keys(model)) if model else ""
    if model is Defaults and (key in keys(Shot) or key in keys(Pass)):
        home = "a shot says it itself" if key in keys(Shot) else "it is for a pass to say, under 'passes'"
        return Diagnostic("SB101", f"'{key}' can't be a default", span, f"{home}; {help_}")
    if not help_.startswith("did") and model in {Storyboard, Scene, Shot, Override, Setting, Pass, Character}:
        home = next((noun for noun, other in _HOMES.items() if other is not model and key in keys(other)), "")
        help_ = f"'{key}' belongs to {home}: check its indentation" if home else help_
    return Diagnostic(
        "SB101", f"{_noun(path[:-1])} {'have' if model is Defaults else 'has'} no key '{_short(key)}'", span, help_
    )


def meant(path: Path) -> str:
    """Which key an unknown one was most likely meant to be; "" where none is near."""
    key, model = str(path[-1]), model_at(path[:-1])
    if model is Defaults and key in keys(Shot):
        return key
    help_ = did_you_mean(key, keys(model)) if model else ""
    return help_.split("'")[1] if help_.startswith("did") else ""


def unwritten(path: Path, node: Mapping) -> list[str]:
    """The keys that an unknown one may stand for: those that aren't written, and that hold values such as its."""
    model, entry = model_at(path[:-1]), node.entries.get(str(path[-1]))
    if model is None or entry is None:
        return []
    found = {field.alias or name: field for name, field in model.model_fields.items()}
    return [key for key, field in found.items() if key not in node.entries and _fits(field.annotation, entry[1])]


def _fits(annotation: Any, node: Node) -> bool:
    holder = _holder(annotation)
    if isinstance(node, List):
        return holder is tuple
    return holder is dict or _element(annotation) is not None if isinstance(node, Mapping) else holder is None


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def keys(model: type[BaseModel]) -> list[str]:
    """The keys of one part, as authors write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def field_at(path: Path) -> FieldInfo | None:
    """The field that the end of a path is; None for an item of a list, an id, or what isn't known."""
    return _at(path)[0]


def model_at(path: Path) -> type[BaseModel] | None:
    """What the language expects at one place, read off the models' own types."""
    return _at(path)[1]


def _at(path: Path) -> tuple[FieldInfo | None, type[BaseModel] | None]:
    field: FieldInfo | None = None
    at: type[BaseModel] | None = Storyboard
    steps = iter(path)
    for step in steps:
        field = next((f for n, f in at.model_fields.items() if (f.alias or n) == step), None) if at else None
        at = _element(field.annotation) if field else None
        if field and _holder(field.annotation) and next(steps, None) is not None:  # a position or an id
            field = None
    return field, at


def _holder(annotation: Any) -> type | None:
    """What a key of this type is, where it is of many values: a list or a mapping."""
    parts = (annotation, *getattr(annotation, "__args__", ()))
    inner = (part for part in parts for part in (part, getattr(part, "__origin__", None)) if part is not None)
    return next((get_origin(part) for part in inner if get_origin(part) in {tuple, dict}), None)


def _element(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _element(part)
        if found is not None:
            return found
    return None
