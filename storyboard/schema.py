"""The JSON Schema of the language, for editors: generated from the models, whose descriptions it carries.

What an editor needs beyond the models stands here: models, codes and the like by name, keys that need each other,
and examples. What the compiler reads from its own text (`title: 2001`), the schema doesn't refuse.
"""

import json
from collections.abc import Iterator
from typing import Any

from storyboard.catalog import Catalog
from storyboard.diagnostic import CODES
from storyboard.model import NO_GUIDE, Duration, Storyboard, effect, transition
from storyboard.model.values import Written
from storyboard.resolve import DEFAULTS
from storyboard.selection import STATES
from storyboard.silence import WARNINGS

Form = dict[str, Any]

EXAMPLES: dict[str, list[Any]] = {
    "Storyboard.title": ["The Keeper"],
    "Storyboard.fps": [24, "24000/1001"],
    "Storyboard.budget": [20],
    "Storyboard.include": ["series/cast.yaml", ["series/cast.yaml", "series/styles.yaml"]],
    "Storyboard.default_pass": ["animatic"],
    "Style.prompt": ["35mm film, overcast coastal light"],
    "Style.negative": ["text, watermark, extra limbs"],
    "Mix.music": ["music/theme.wav", {"file": "music/theme.wav", "volume": -12}],
    "Mix.room_tone": ["sound/room.wav", {"file": "sound/room.wav", "duck": 0}],
    "Mix.scratch": [True],
    "Mix.loudness": [-16, -23],
    "Bed.file": ["music/theme.wav"],
    "Bed.volume": [-12],
    "Bed.duck": [-12, 0],
    "BurnIn.watermark": ["for review"],
    "Character.name": ["Mira"],
    "Character.look": ["a lighthouse keeper, sixty, yellow oilskin"],
    "Character.references": [["refs/mira-front.png", "refs/mira-turn.mp4"]],
    "Character.voice": ["low, dry, unhurried"],
    "Reference.file": ["refs/mira-front.png"],
    "Reference.url": ["https://example.com/mira-front.png"],
    "Reference.role": ["front"],
    "Reference.seconds": [[1, 4.5]],
    "StartFrame.file": ["boards/s010.png"],
    "StartFrame.url": ["https://example.com/s010.png"],
    "StartFrame.last_frame_of": ["s010"],
    "Pass.extends": ["draft"],
    "Pass.only": [["s010", "storm"], ["changed"]],
    "Pass.guide": ["draft"],
    "Pass.negative": ["blurry"],
    "Pass.burn_in": [True, {"watermark": "for review", "date": True}],
    "Pass.fallback": [["draft", "animatic"], []],
    "Scene.id": ["storm"],
    "Scene.title": ["The storm"],
    "Scene.place": ["the lighthouse and the bay"],
    "Scene.time": ["nightfall"],
    "Scene.passes": [{"final": {"resolution": "1080p"}}],
    "Shot.id": ["s010"],
    "Shot.prompt": ["@mira climbs the spiral stair, lamp in hand"],
    "Shot.beats": [[{"at": 0, "prompt": "the door swings open"}, {"at": 2, "prompt": "@mira steps in"}]],
    "Shot.camera": ["slow dolly in", "pan left", "static"],
    "Shot.negative": ["umbrellas"],
    "Shot.duration": [4, 4.5, "96f", "00:00:04:12"],
    "Shot.takes": [[1, 2, 3]],
    "Shot.characters": [["mira", "tom"]],
    "Shot.start_frame": ["boards/s010.png", {"last_frame_of": "s010"}],
    "Shot.clip": ["shots/s030.mp4"],
    "Shot.trim": [{"in": 0.5}, {"in": 0.5, "of": 5}],
    "Shot.fit": ["retime"],
    "Shot.framing": ["fill"],
    "Shot.transition": ["dissolve", {"type": "dissolve", "duration": 0.5}],
    "Shot.effects": [["BlackAndWhite"], [{"FadeIn": {"duration": 1}}], ["grade:warm"]],
    "Shot.dialogue": [[{"who": "mira", "line": "Not tonight.", "at": 1}]],
    "Shot.audio": [{"lead": 0.5, "volume": -6}],
    "Shot.passes": [{"final": {"seed": 77}}],
    "Override.start_frame": ["boards/s010.png", {"last_frame_of": "s010"}],
    "Override.clip": ["shots/s030.mp4"],
    "Defaults.camera": ["static"],
    "Defaults.duration": [4, "96f"],
    "Trim.in": [0.5],
    "Trim.of": [5],
    "Beat.at": [0, 2.5],
    "Beat.prompt": ["@mira steps in"],
    "Line.who": ["mira"],
    "Line.line": ["Not tonight."],
    "Line.at": [1],
    "Line.for": [2],
    "Sound.lead": [0.5],
    "Sound.tail": [0.5],
    "Sound.volume": [-6],
    "Transition.duration": [0.5, "12f"],
}
"""What an author might write, by the object and its key."""

_MEANINGS = {
    "character": "someone who acts",
    "prop": "a thing",
    "place": "where shots play",
    "single": "one shot in one clip",
    "multi": "the model may cut within the clip",
    "wavespeed": "WaveSpeedAI hosts the files; needs its key",
    "cut": "one picture, then the other",
    "dissolve": "this shot fades in over the one before it",
    "fade": "through black",
    "dip": "through white",
    "wipe": "an edge moves across the picture, from right to left",
    "hold": "its last frame stands until the shot ends",
    "trim": "the shot ends with its clip",
    "retime": "all of the clip, from trim.in on, plays in the shot's time",
    "fit": "all of the picture is seen, with black beside it",
    "fill": "the frame is full, and the picture loses its edges",
    "pad": "as fit, but never enlarged",
    "none": "no subtitles",
    "soft": "a track that players turn on and off",
    "burn": "in the picture",
}

_PASS = DEFAULTS | {"leader": False, "subtitles": "none"}
"""What a pass does where nothing is written."""

_ID = r"^[^\s@:/\\.]([^\s@:/\\]*[^\s@:/\\.])?$"
_LENGTH = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^([0-9]+f|[0-9]+(\.[0-9]+)?|[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,3})$"},
    ]
}
_NEEDS: dict[str, Form] = {
    "Storyboard": {"oneOf": [{"required": ["shots"]}, {"required": ["scenes"]}]},
    "Pass": {"anyOf": [{"required": ["model"]}, {"required": ["extends"]}]},
    "Reference": {"oneOf": [{"required": ["file"]}, {"required": ["url"]}]},
    "StartFrame": {"oneOf": [{"required": [key]} for key in ("file", "url", "last_frame_of")]},
    "Shot": {
        "anyOf": [
            *({"required": [key]} for key in ("prompt", "beats", "clip")),
            {
                "required": ["passes"],
                "properties": {
                    "passes": {
                        "minProperties": 1,
                        "additionalProperties": {"anyOf": [{"required": ["prompt"]}, {"required": ["clip"]}]},
                    }
                },
            },
        ],
        "not": {"required": ["take", "takes"]},
    },
    "Override": {"not": {"required": ["take", "takes"]}},
}
"""Which keys an object needs one of, and which exclude each other."""


def schema() -> Form:
    """JSON Schema (draft 2020-12) of a storyboard."""
    made: Form = _tidy(Storyboard.model_json_schema())
    definitions: Form = made.pop("$defs")
    parts = {"Storyboard": made, **definitions}
    catalog = Catalog()
    for name, model in objects():
        part = parts[name]
        for key, field in model.model_fields.items():
            written = field.alias or key
            form = part["properties"][written]
            special = _form(name, written, form, catalog)
            form = special or form
            form["description"] = field.description
            if isinstance(field.default, Duration):
                form["default"] = int(field.default.amount)
            if name == "Pass" and key in _PASS:
                form["default"] = _PASS[key]
            if f"{name}.{written}" in EXAMPLES:
                form["examples"] = EXAMPLES[f"{name}.{written}"]
            part["properties"][written] = form
        part |= _NEEDS.get(name, {})
    parts["Pass"].pop("required")
    definitions["Effect"] = _effect()
    definitions["Allowed"] = _allowed()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "storyboard",
        **made,
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def objects() -> Iterator[tuple[str, type[Written]]]:
    """The objects of a storyboard by their names, the whole one first."""
    inner = Storyboard.model_json_schema()["$defs"]
    found, waiting = {"Storyboard": Storyboard}, [Written]
    while waiting:
        for model in waiting.pop().__subclasses__():
            waiting.append(model)
            if model.__name__ in inner:
                found[model.__name__] = model  # type: ignore[assignment]
    yield from found.items()


def _form(name: str, key: str, form: Form, catalog: Catalog) -> Form | None:
    """What a key takes, where the models can't say it as an editor needs it."""
    match key:
        case "model":
            names = [_named(m, f"{catalog[m].title}. {catalog[m].best}".strip()) for m in _local_first(catalog)]
            return {"anyOf": [*names, {"type": "string", "minLength": 1}]}
        case "aspect":
            known = dict.fromkeys(aspect for model in catalog.values() for aspect in model.sizes if aspect != "any")
            pattern = "^[1-9][0-9]?:[1-9][0-9]?$"
            return {"anyOf": [{"enum": list(known)}, {"type": "string", "pattern": pattern}], "default": "16:9"}
        case "resolution":
            sizes = (size for model in catalog.values() for by in model.sizes.values() for size in by)
            known = dict.fromkeys(sorted(sizes, key=lambda size: int(size.rstrip("p"))))
            return {"anyOf": [{"enum": list(known)}, {"type": "string", "pattern": "^[1-9][0-9]{2,3}p$"}]}
        case "guide":
            return {"anyOf": [_named(NO_GUIDE, "no guide"), {"type": "string", "pattern": _ID, "maxLength": 64}]}
        case "only":
            states = [_named(state, f"shots that are {what}") for state, what in STATES.items()]
            return {"type": "array", "items": {"anyOf": [*states, {"type": ["string", "number"]}]}}
        case "fps":
            rates = [
                {"type": "integer", "minimum": 1, "maximum": 120},
                {"type": "string", "pattern": "^[0-9]+(/[0-9]+)?$"},
            ]
            return {"anyOf": rates, "default": 24}
        case "allow":
            return {"$ref": "#/$defs/Allowed"}
        case "effects":
            names = [_named(effect_, _signature(effect_)) for effect_ in effect.known()]
            own = {"type": "string", "pattern": _OWN_EFFECT, "description": "a function of one's own: module:function"}
            return {"type": "array", "items": {"anyOf": [*names, own, {"$ref": "#/$defs/Effect"}]}}
        case "transition":
            return {"anyOf": [_transitions(), {"$ref": "#/$defs/Transition"}]}
        case "kind" | "shot_type" | "upload_via" | "fit" | "framing" | "subtitles":
            default = {"default": form["default"]} if "default" in form else {}
            return {"anyOf": [_named(word, _MEANINGS[word]) for word in form["enum"]]} | default
        case "type" if name == "Transition":
            return _transitions() | {"default": "cut"}
        case "takes":
            return form | {"minItems": 1, "uniqueItems": True}
        case "shots" if name == "Storyboard":
            return form | {"minItems": 1}
        case "scenes":
            return form | {"minItems": 1}
        case "passes" if name == "Storyboard":
            return form | {"minProperties": 1}
        case "volume" | "duck" | "loudness":
            unit = "LUFS" if key == "loudness" else "dB"
            number = {word: form[word] for word in ("type", "minimum", "maximum")}
            quoted = {"type": "string", "pattern": rf"^[-+]?[0-9]{{1,3}}(\.[0-9]{{1,2}})? ?({unit})?$"}
            return {"anyOf": [number, quoted], "default": int(form["default"])}
        case _:
            return None


_OWN_EFFECT = "^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"


def _named(word: str, meaning: str) -> Form:
    return {"const": word, "description": meaning}


def _local_first(catalog: Catalog) -> list[str]:
    return sorted(catalog, key=lambda name: (not name.startswith("local/"), name))


def _transitions() -> Form:
    common = [word for word in transition.TYPES if word in _MEANINGS]
    return {"anyOf": [*(_named(word, _MEANINGS[word]) for word in common), {"enum": list(transition.XFADE)}]}


def _signature(name: str) -> str:
    return f"moviepy's {name}({', '.join(effect.known()[name])})"


def _effect() -> Form:
    """An effect with its parameters."""

    def given(name: str, parameters: list[str]) -> Form:
        known = {parameter: {"description": f"{parameter} of {_signature(name)}"} for parameter in parameters}
        return {
            "description": _signature(name),
            "type": "object",
            "properties": known,
            "additionalProperties": False,
        }

    own = {"description": "A function of one's own, with its parameters.", "type": "object"}
    return {
        "description": "An effect with its parameters.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {name: given(name, parameters) for name, parameters in effect.known().items()},
        "patternProperties": {_OWN_EFFECT: own},
        "additionalProperties": False,
    }


def _allowed() -> Form:
    """Warnings that are silenced, by code."""
    reason = {"type": "string", "minLength": 1, "examples": ["the empty street is the point"]}
    return {
        "description": "Warnings that may be given: the code, and the reason.",
        "type": "object",
        "properties": {
            code: {"description": f"{CODES[code]}: the reason why it may stand", **reason} for code in sorted(WARNINGS)
        },
        "additionalProperties": False,
    }


def _tidy(value: Any) -> Any:
    """Without what pydantic adds for itself: titles, and null where a key may be left out; with what the compiler
    reads besides: a number where a text is asked for, and a length in quotes.
    """
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidied = {}
    for key, item in value.items():
        if key == "title" and isinstance(item, str):
            continue
        if key == "default" and (item is None or item == "" or isinstance(item, (dict, list))):
            continue
        tidied[key] = _tidy(item)
    options = tidied.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del tidied["anyOf"]
        tidied |= {"anyOf": rest} if len(rest) > 1 else rest[0]
    if isinstance(options, list) and any("f|" in str(option.get("pattern", "")) for option in options):
        tidied |= _LENGTH
    if tidied.get("maxLength") == 64:
        tidied["pattern"] = _ID
    if tidied.get("type") == "string" and "examples" not in tidied and tidied.get("pattern", _ID) == _ID:
        tidied["type"] = ["string", "number"]
    return tidied
