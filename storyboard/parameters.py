"""The parameters of effects: from the texts of a storyboard to what moviepy 2, or an author's function, takes."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

_NUMBER = re.compile(r"[-+]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})([eE][-+]?\d{1,2})?")


class Unusable(ValueError):
    """A parameter can't be used: why, what to write, and whether it isn't there at all."""

    def __init__(self, message: str, cure: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.cure = cure
        self.missing = missing


class _Kind(NamedTuple):
    words: str
    example: str
    read: Callable[[Any], Any]


def plain(value: Any) -> Any:
    """What YAML 1.2's core schema makes of texts, in lists and mappings too; hexadecimal stays a text."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str):
        if value in _SWITCHES:
            return _SWITCHES[value]
        if value in {"null", "~"}:
            return None
        if _NUMBER.fullmatch(value):
            return _number(value)
    return value


def typed(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of one of moviepy's effects as it takes them; `HeadBlur`'s fx and fy stay numbers.

    Raises:
        Unusable: one is missing, or is something else.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    for key, value in given.items():
        kind = _kind(name, key)
        try:
            given[key] = kind.read(value)
        except (ValueError, TypeError):
            shown = value if isinstance(value, str) else "a list" if isinstance(value, list) else "keys and values"
            message = f"{key} of {name} is {kind.words}, not {shown[:40]}"
            raise Unusable(message, f"write {{{name}: {{{key}: {kind.example}}}}}") from None
    given = {**DEFAULTS.get(name, {}), **given}
    for key in REQUIRED.get(name, ()):
        if key not in given:
            cure = f"write {{{name}: {{{key}: {_example(name, key)}}}}}"
            raise Unusable(f"{name} needs '{key}'", cure, missing=True)
    either = EITHER.get(name, ())
    if either and not any(key in given for key in either):
        named = " or ".join(f"'{key}'" for key in either)
        cure = f"write {{{name}: {{{either[0]}: {_example(name, either[0])}}}}}"
        raise Unusable(f"{name} needs {named}", cure, missing=True)
    return given


REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Blink": ("duration_on", "duration_off"),
    "GammaCorrection": ("gamma",),
    "HeadBlur": ("fx", "fy", "radius"),
    "MakeLoopable": ("overlap_duration",),
    "MultiplyColor": ("factor",),
    "MultiplyVolume": ("factor",),
    "Rotate": ("angle",),
    "SuperSample": ("d", "n_frames"),
}
"""What an effect can't do without; tests/test_effects.py compares it, with `DEFAULTS`, with moviepy's own."""

EITHER: Mapping[str, tuple[str, ...]] = {
    "AudioLoop": ("n_loops", "duration"),
    "Freeze": ("freeze_duration", "total_duration"),
    "FreezeRegion": ("region", "outside_region"),
    "Loop": ("n", "duration"),
    "MultiplySpeed": ("factor", "final_duration"),
    "Resize": ("new_size", "width", "height"),
}
"""Of which an effect needs one, though moviepy's signature doesn't say so."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"duration": 1} for name in ("FadeIn", "FadeOut", "CrossFadeIn", "CrossFadeOut")},
    **{name: {"duration": 1} for name in ("AudioFadeIn", "AudioFadeOut")},
    **{name: {"duration": 1, "side": "left"} for name in ("SlideIn", "SlideOut")},
}
"""What a fade or a slide does where it is only named, which moviepy leaves open."""

_SWITCHES = {"true": True, "false": False}


def _number(value: Any) -> int | float:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ValueError
    return float(value) if any(mark in value for mark in ".eE") else int(value)


def _above(least: float, *, at: bool = False) -> Callable[[Any], int | float]:
    def read(value: Any) -> int | float:
        number = _number(value)
        if number < least or (number == least and not at):
            raise ValueError
        return number

    return read


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = _number(value)
        if not isinstance(number, int) or number < least:
            raise ValueError
        return number

    return read


def _switch(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError
    return _SWITCHES[value]


def _several(count: int, one: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) != count:
            raise ValueError
        return tuple(one(item) for item in value)

    return read


def _colour(value: Any) -> tuple[int, ...]:
    if isinstance(value, str) and re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        return tuple(bytes.fromhex(value[1:]))
    found = _several(3, _whole(0))(value)
    if max(found) > 255:
        raise ValueError
    return found


def _one_of(*words: str) -> _Kind:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return _Kind(f"{', '.join(words[:-1])} or {words[-1]}".removeprefix(" or "), words[0], read)


def _or(*ways: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        for way in ways[:-1]:
            try:
                return way(value)
            except (ValueError, TypeError):
                continue
        return ways[-1](value)

    return read


_ANY = _Kind("a number", "1", _number)
_POSITIVE = _Kind("a number above 0", "1", _above(0))
_LENGTH = _Kind("a number of seconds above 0", "1", _above(0))
_SPAN = _Kind("a number, 0 or more", "0", _above(0, at=True))
_COUNT = _Kind("a whole number above 0", "2", _whole(1))
_PIXELS = _Kind("a whole number of pixels", "8", _whole(0))
_SWITCH = _Kind("true or false", "true", _switch)
_COLOUR = _Kind("a colour", '"#ff8000", or [255, 128, 0]', _colour)
_POINT = _Kind("two numbers", "[0, 0]", _several(2, _number))
_BOX = _Kind("four numbers: left, top, right and bottom", "[0, 0, 320, 180]", _several(4, _whole(0)))
_SIDE = _one_of("left", "right", "top", "bottom")
_PART = _one_of("mask", "audio")._replace(
    read=_or(_one_of("mask", "audio").read, lambda value: [_one_of("mask", "audio").read(item) for item in list(value)])
)
_GREY = _Kind(
    "CRT_phosphor, or three numbers", "[1, 1, 1]", _or(_one_of("CRT_phosphor").read, _several(3, _above(0, at=True)))
)
_WHEN = _Kind("a number of seconds, or end", "1", _or(_one_of("end").read, _above(0, at=True)))
_SIZE = _Kind("a factor, or a width and a height in pixels", "0.5", _or(_above(0), _several(2, _whole(2))))

_KINDS: Mapping[str, _Kind] = {
    **dict.fromkeys(("duration", "new_duration", "freeze_duration", "total_duration", "final_duration"), _LENGTH),
    **dict.fromkeys(("overlap_duration", "duration_on", "d"), _LENGTH),
    **dict.fromkeys(("duration_off", "offset", "padding_end", "soonness", "start_time", "end_time", "t"), _SPAN),
    **dict.fromkeys(("x1", "y1", "x2", "y2", "x_center", "y_center", "threshold", "intensity", "opacity"), _SPAN),
    **dict.fromkeys(("gamma", "radius", "MultiplySpeed.factor"), _POSITIVE),
    **dict.fromkeys(("MultiplyColor.factor",), _SPAN),
    **dict.fromkeys(("n", "n_loops", "n_repeats", "n_frames", "width", "height", "w", "h"), _COUNT),
    **dict.fromkeys(("margin_size", *(f"Margin.{side}" for side in ("left", "right", "top", "bottom"))), _PIXELS),
    **dict.fromkeys(("preserve_luminosity", "update_start_end", "apply_to_mask", "expand"), _SWITCH),
    **dict.fromkeys(("color", "initial_color", "final_color", "bg_color"), _COLOUR),
    **dict.fromkeys(("center", "translate"), _POINT),
    **dict.fromkeys(("region", "outside_region"), _BOX),
    "side": _SIDE,
    "apply_to": _PART,
    "unit": _one_of("deg", "rad"),
    "resample": _one_of("bicubic", "bilinear", "nearest"),
    "RGB": _GREY,
    "Freeze.t": _WHEN,
    "new_size": _SIZE,
}
"""What a parameter takes, by its name, or by its effect's and its own; the rest are numbers."""


def _kind(name: str, key: str) -> _Kind:
    return _KINDS.get(f"{name}.{key}", _KINDS.get(key, _ANY))


def _example(name: str, key: str) -> str:
    return _kind(name, key).example
