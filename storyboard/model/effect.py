"""An effect on a shot's clip: one of moviepy's by name, or a function of the author's own."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from storyboard import parameters
from storyboard.diagnostic import did_you_mean
from storyboard.model.values import bad, kind


class Effect(NamedTuple):
    """`name` is moviepy's, or `module:function`; `parameters` are as written, by name."""

    name: str
    parameters: Mapping[str, Any]

    @property
    def is_own(self) -> bool:
        """Whether it is the author's own code."""
        return ":" in self.name


@lru_cache
def known() -> Mapping[str, list[str]]:
    """moviepy's effects (`vfx` and `afx`), each with the names of its parameters."""
    return tomllib.loads((files("storyboard.model") / "effects.toml").read_text("utf-8"))


def _read(value: object) -> Effect:
    if isinstance(value, Effect):
        return value
    if isinstance(value, str):
        return _usable(Effect(_name(value), {}))
    if not isinstance(value, dict) or len(value) != 1:
        raise bad("SB103", f"expected one effect, found {_found(value)}", "write FadeIn, or {FadeIn: {duration: 1}}")
    name, given = next(iter(value.items()))
    name = _name(name)
    if not isinstance(given, dict):
        raise bad("SB103", f"the parameters of {name} have no names", f"write {{{name}: {{{_example(name)}}}}}")
    for parameter in given:
        if name in known() and parameter not in known()[name]:
            help_ = did_you_mean(parameter, known()[name]) or "it has none"
            raise bad("SB109", f"the effect {name} has no parameter '{parameter}'", help_)
    return _usable(Effect(name, given))


def _usable(effect: Effect) -> Effect:
    """An effect whose parameters are what moviepy takes; those of the author's own functions are their own affair."""
    if not effect.is_own:
        try:
            parameters.typed(effect.name, effect.parameters)
        except parameters.Unusable as error:
            raise bad("SB102" if error.missing else "SB103", str(error), error.cure) from None
    return effect


def _found(value: object) -> str:
    return f"{len(value)} in one" if isinstance(value, dict) else kind(value)


def _example(name: str) -> str:
    names = known().get(name)
    return f"{names[0]}: …" if names else "strength: 1" if names is None else ""


def _name(text: str) -> str:
    own = re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", text)
    if text in known() or own:
        return text
    help_ = did_you_mean(text, known()) if ":" not in text else "write module:function, such as grade:warm"
    raise bad("SB109", f"there is no effect '{text[:40]}'", help_)


def _form() -> dict[str, Any]:
    def given(names: list[str]) -> dict[str, Any]:
        return {"type": "object", "properties": {name: {} for name in names}, "additionalProperties": False}

    own = {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"}
    options = [
        {"enum": list(known())},
        own,
        {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {name: given(names) for name, names in known().items()},
            "patternProperties": {own["pattern"]: {"type": "object"}},
            "additionalProperties": False,
        },
    ]
    return {"anyOf": options}


AnyEffect = Annotated[Effect, BeforeValidator(_read), WithJsonSchema(_form())]
"""An effect as written: its name, or its name with its parameters."""
