"""docs/language.md, the reference of the language: `language.md` beside this module with its tables filled in.

A line `{{keys Shot}}` becomes the table of a shot's keys, from the models; `{{models}}` the models' limits, from the
catalogue; `{{codes}}` the warnings that can be silenced. `{{aliases}}` and the like become numbers.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from storyboard import include, schema, syntax
from storyboard.binding import limits_in_words
from storyboard.catalog import Catalog, Model
from storyboard.diagnostic import CODES
from storyboard.model import effect, transition
from storyboard.model.values import MAX_SEED
from storyboard.prompt import LONGEST_ID
from storyboard.shots import READING_SPEED, TRANSITION
from storyboard.silence import WARNINGS
from storyboard.text import MAX_BYTES

_TEMPLATE = Path(__file__).parent / "language.md"

_NUMBERS = {
    "aliases": syntax.MAX_ALIASES,
    "nodes": syntax.MAX_NODES,
    "depth": syntax.MAX_DEPTH,
    "mebibytes": MAX_BYTES >> 20,
    "libraries": include.MOST,
    "id": LONGEST_ID,
    "seed": MAX_SEED,
    "reading": READING_SPEED,
    "transition": float(TRANSITION),
}

_TAKES = {
    "include": "a path, or a list of paths",
    "references": "a list of paths, URLs or [references](#references)",
    "start_frame": "a path, a URL or a [start frame](#start-frames)",
    "clip": "a path",
    "file": "a path",
    "url": "a URL",
    "sha256": "64 hexadecimal digits",
    "seconds": "`[from, to]`",
    "music": "a path, or [a bed](#sound)",
    "room_tone": "a path, or [a bed](#sound)",
    "burn_in": "`true`, `false` or [burn-ins](#the-cut-of-a-pass)",
    "fallback": "a list of passes",
    "effects": "a list of [effects](#effects)",
    "transition": "a type, or a [transition](#transitions)",
    "type": "a type",
    "fps": "a number, or a ratio",
    "aspect": "`16:9`, `9:16` …",
    "resolution": "`720p` or `1080p`",
    "model": "a model",
    "only": "a list of ids, or `changed`",
    "volume": "decibels",
    "duck": "decibels, up to 0",
    "loudness": "LUFS",
}
"""What a key takes, where its form can't say it in few words."""

_PARTS = {
    "Style": "[style](#styles)",
    "Mix": "[sound](#sound)",
    "Character": "[characters](#characters)",
    "Pass": "[passes](#passes)",
    "Defaults": "[defaults](#defaults)",
    "Allowed": "[warnings](#silencing-a-warning), each with a reason",
    "Shot": "[shots](#shots)",
    "Scene": "[scenes](#scenes)",
    "Setting": "[overrides](#overrides)",
    "Override": "[overrides](#overrides)",
    "Beat": "[beats](#beats)",
    "Line": "[lines](#dialogue)",
    "Trim": "[trim](#durations)",
    "Sound": "[sound](#sound)",
}
"""An object, or several of a kind, in the author's words."""


def text() -> str:
    """The page as it is committed."""
    made = schema.schema()
    catalog = Catalog()

    def filled(found: re.Match[str]) -> str:
        what, _, name = found[1].partition(" ")
        match what:
            case "keys":
                return _keys(made, name)
            case "more":
                return _keys(made, *name.split())
            case "models":
                return _models([catalog[each] for each in sorted(catalog)])
            case "codes":
                return _table(("code", "what it is about"), [(f"`{code}`", CODES[code]) for code in sorted(WARNINGS)])
            case "transitions":
                return _list(transition.XFADE)
            case "effects":
                return _list(effect.known())
            case _:
                return f"{_NUMBERS[what]:,}"

    page = re.sub(r"\{\{([a-z]+(?: [A-Z][A-Za-z]+)*)\}\}", filled, _TEMPLATE.read_text("utf-8"))
    return page.replace("\n", f"\n\n{_NOTE}\n", 1)


_NOTE = "<!-- Made from storyboard/language.md, the models and the catalogue by 'make golden': edit those. -->"


def _keys(made: dict[str, Any], name: str, without: str = "") -> str:
    """The keys of an object, without those that another one has too."""
    part = made if name == "Storyboard" else made["$defs"][name]
    rows = []
    left_out = made["$defs"][without]["properties"] if without else {}
    for key, form in part["properties"].items():
        if key in left_out:
            continue
        default = form.get("default")
        if key in part.get("required", ()):
            shown = "required"
        elif default is None:
            shown = ""
        else:
            shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        takes = _TAKES.get(key) or _words(form)
        rows.append((f"`{key}`", takes, shown, form["description"].replace("|", "\\|")))
    return _table(("key", "takes", "default", "what it says"), rows)


def _words(form: dict[str, Any]) -> str:
    """What a form takes, in the author's words."""
    if "const" in form:
        return f"`{form['const']}`"
    if "$ref" in form:
        return _PARTS[form["$ref"].rpartition("/")[2]]
    options = form.get("anyOf", ())
    if options:
        if any("f|" in option.get("pattern", "") for option in options):
            return "a [length](#durations)"
        words = [f"`{option['const']}`" for option in options if "const" in option]
        if len(words) == len(options):
            return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
        return "a pass, or `none`" if words == ["`none`"] else _words({**options[0], **options[-1]})
    match form.get("type"):
        case "boolean":
            return "`true` or `false`"
        case "integer" if form["minimum"] == 1:
            return f"{form['minimum']} to {form['maximum']:,}"
        case "integer":
            return f"a whole number up to {form['maximum']:,}"
        case "number":
            return "a number" if "maximum" not in form else f"{form['minimum']} to {form['maximum']}"
        case "array":
            return _many(form["items"])
        case "object":
            inner = form["additionalProperties"]
            return f"{_words(inner)} by id"
        case _:
            return "an id" if form.get("maxLength") == LONGEST_ID else "text"


def _many(form: dict[str, Any]) -> str:
    inner = _words(form)
    if inner.startswith("["):
        return f"a list of {inner}"
    return "a list of ids" if inner == "an id" else f"a list of numbers, {inner}"


def _models(models: Sequence[Model]) -> str:
    """What each model takes of the references, and how long its clips are."""
    rows = []
    for model in models:
        takes = f"up to {limits_in_words(model.references)}" if model.references else "none"
        frame = "none" if model.image is None else "needed" if model.image.required else "if there is one"
        given = model.references is not None or model.image is not None
        fetched = model.references is not None or (model.image is not None and model.image.urls)
        files = "https URLs" if model.files == "urls" else "files, https URLs" if fetched else "files"
        spoken = {"token": f"`{model.token.replace('{n}', '1')}` …", "look": "name and look", "name": "name"}
        rows.append(
            (
                f"`{model.id}`",
                takes,
                frame,
                spoken[model.mentions],
                _lengths(model),
                f"{model.prompt:,}" if model.prompt else "",
                files if given else "",
            )
        )
    head = ("model", "references", "start frame", "`@mira` becomes", "seconds", "characters read", "given as")
    return _table(head, rows)


def _lengths(model: Model) -> str:
    if model.any_length:
        return f"any up to {float(model.longest):g}"
    sold = model.lengths["sold"]
    steady = len(sold) > 3 and sold == list(range(sold[0], sold[-1] + 1))
    return f"{sold[0]} to {sold[-1]}" if steady else ", ".join(map(str, sold))


def _list(names: Iterable[str]) -> str:
    return fill(", ".join(f"`{name}`" for name in names), 118)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|" for line in lines)
