"""The user's own model files, `models/*.toml` beside a storyboard: read, checked, and tried out on themselves."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

from storyboard import text
from storyboard.catalog import Model, new
from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.files import Place
from storyboard.source import Source, Span

Keys = tuple[str | int, ...]
"""Keys and numbers of items, from the top of a file."""

TRIED: Mapping[str, Any] = {
    **dict.fromkeys(("prompt", "caption", "camera", "negative"), "a boat"),
    **dict.fromkeys(("audio", "prompt_expansion"), False),
    "dialogue": [],
    "fps": "24",
    "frames": 24,
    "seed": 1,
    "shot_type": "single",
    "references": ["https://example.org/1.png"],
    "image": "https://example.org/1.png",
}
"""What a file's own request schema must take; beside a size, an aspect ratio and a length of the file's."""


def read(folder: Place, shown: str) -> tuple[dict[str, Model], list[Diagnostic]]:
    """The models of a folder's files by id, and what is wrong with the others; `shown` is the folder in messages.

    A folder that isn't there has no models. Of two files with one id, the first by name counts.
    """
    models: dict[str, Model] = {}
    places: dict[str, Span] = {}
    found: list[Diagnostic] = []
    for path in sorted(folder.glob("*.toml"), key=lambda path: path.name):
        if not path.is_file():
            continue
        source, wrong = text.read(path, f"{shown}/{path.name}")
        data, unusable = ({}, wrong) if wrong else _checked(source)
        found += unusable
        if unusable:
            continue
        model, span = new(data), _Places(source).of(("id",))
        if model.id in models:
            first = Related(places[model.id], "the first one is here")
            message = f"two model files have the id '{model.id}'"
            found.append(Diagnostic("SB310", message, span, "change one id, or remove one file", related=(first,)))
            continue
        models[model.id], places[model.id] = model, span
    return models, found


def _checked(source: Source) -> tuple[dict[str, Any], list[Diagnostic]]:
    """A file's contents, and every finding; each step only where the one before it found nothing."""
    try:
        data: dict[str, Any] = plain(tomllib.loads(source.text))
    except RecursionError:
        return {}, [Diagnostic("SB310", "the file's nesting is too deep", source.span(0, 0), "write it flatter")]
    except ValueError as error:
        return {}, [_not_toml(source, str(error))]
    places = _Places(source)
    for step in (_shape, _meaning, _request, _trial):
        found = [Diagnostic("SB310", message, places.of(path), help_) for path, message, help_ in step(data)]
        if found:
            return data, sorted(dict.fromkeys(found), key=lambda finding: finding.span.start)
    return data, []


def _not_toml(source: Source, said: str) -> Diagnostic:
    reason, _, where = said.rpartition(" (at ")
    at = re.search(r"line (\d+), column (\d+)", where)
    row, column = (int(at[1]), int(at[2])) if at else (source.line_column(len(source.text))[0], 1)
    starts = [0, *(match.end() for match in re.finditer("\n", source.text))]
    offset = starts[min(row, len(starts)) - 1] + column - 1
    reason = reason or said
    message = f"the file isn't TOML: {reason[:1].lower()}{reason[1:]}"
    return Diagnostic("SB310", message, source.span(offset, offset + 1), 'text stands in quotes: title = "Next"')


Finding = tuple[Keys, str, str]
"""A place in the file, what is wrong with it, and the cure."""


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a model file."""
    import json  # noqa: PLC0415 -- most storyboards have no model files of their own

    made: dict[str, Any] = json.loads(Path(__file__).with_name("model.schema.json").read_text("utf-8"))
    return made


def _shape(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Where the contents aren't those of a model file."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- as above

    for error in Draft202012Validator(schema()).iter_errors(data):
        yield from _in_words(error)


def _in_words(error: Any) -> Iterator[Finding]:
    path: Keys = tuple(error.absolute_path)
    name = _shown(path)
    here = f"'{name}'" if path else "the model file"
    cure = _sentence(_description(tuple(error.absolute_schema_path)))
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            for key in value:
                if key not in known:
                    yield (*path, key), f"{here} has no key '{key}'", did_you_mean(key, known)
        case "required":
            missing = next(key for key in wanted if error.message.startswith(repr(key)))
            known = _at(schema(), path).get("properties", {})
            what = _sentence(known.get(missing, {}).get("description", ""))
            yield path, f"{here} needs '{missing}'", f"{missing}: {what}"
        case "enum":
            yield path, f"{here} can't be '{value}'", did_you_mean(str(value), wanted)
        case "type":
            yield path, f"{here} must be {_TYPES[wanted]}, not {_kind(value)}", cure
        case "pattern" if "propertyNames" in error.absolute_schema_path:
            yield (*path, value), f"{here} can't have the key '{value}'", cure
        case "minItems" | "minProperties":
            yield path, f"{here} is empty", cure
        case "uniqueItems":
            yield path, f"{here} has one value twice", cure
        case _:
            yield path, f"{here} can't be {_quoted(value)}", cure


_TYPES = {
    "string": "text in quotes",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}


def _quoted(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    kinds = {str: "text", list: "a list", dict: "a table"}
    return next(word for kind, word in kinds.items() if isinstance(value, kind))


def _at(at: Any, path: Keys) -> Any:
    """The part of the schema that describes a place."""
    for step in path:
        inner = at.get("items") if isinstance(step, int) else at.get("properties", {}).get(step)
        at = inner if inner is not None else at.get("additionalProperties", {})
    return at


def _description(path: Keys) -> str:
    """The last description on the way to a place of the schema."""
    at: Any = schema()
    last = ""
    for step in path:
        if isinstance(at, dict) and step not in at:  # jsonschema leaves "$ref" out of its paths
            at = schema()["$defs"][at["$ref"].rpartition("/")[2]]
            last = at.get("description", last)
        at = at[step]
        last = at.get("description", last) if isinstance(at, dict) else last
    return last


def _sentence(description: str) -> str:
    """A description as a cure: without its capital and full stop."""
    first = description[:2] if description[:2].isupper() else description[:2].lower()
    return first + description[2:].removesuffix(".")


def _meaning(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What a schema can't say: places that collide, prices of nothing that is sold."""
    if data["id"].startswith("local/"):
        yield (
            ("id",),
            "a model of your own can't be local: that provider makes the animatic only",
            ("begin the id with a provider's name: wavespeed/…"),
        )
    for path, value in _values(data.get("constants", {}), ("constants",)):
        if isinstance(value, float):  # two machines could write it differently, and its job's key would differ
            yield path, f"'{_shown(path)}' has a fraction, which a request can't hold", "write a whole number, or text"
    most = data.get("references")
    if most and not most["images"] + most["videos"]:
        yield ("references",), "'references' takes neither images nor videos", "write how many of each it takes"
    words = [(("fields", word), place) for word, places in data["fields"].items() for place in places.split()]
    words += [(("constants", place), place) for places in data.get("constants", {}) for place in places.split()]
    taken: dict[str, Keys] = {}
    for path, place in words:
        clash = next(
            (one for one in taken if f"{one}.".startswith(f"{place}.") or f"{place}.".startswith(f"{one}.")), ""
        )
        if clash:
            message = f"'{_shown(path)}' leads to '{place}', where '{_shown(taken[clash])}' stands"
            yield path, message, "give each its own place"
        taken.setdefault(place, path)
    offered = {resolution for by in data["sizes"].values() for resolution in by}
    sold = data["lengths"].get("sold")
    for kind in ("cells", "rates"):
        for n, row in enumerate(data["price"].get(kind, ())):
            if row["resolution"] not in offered:
                yield (
                    ("price", kind, n),
                    f"a price is for '{row['resolution']}', which no size is",
                    (f"known: {', '.join(sorted(offered, key=len))}"),
                )
            if sold and row.get("seconds", sold[0]) not in sold:
                yield (
                    ("price", kind, n),
                    f"a price is for {row['seconds']} s, which isn't a length that it sells",
                    (f"known: {', '.join(map(str, sold))}"),
                )


def _values(value: Any, path: Keys) -> Iterator[tuple[Keys, Any]]:
    """A value, and each one in it."""
    yield path, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _values(inner, (*path, key))


def _request(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Where `request` is no JSON Schema, or one that refers to elsewhere."""
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415 -- as above

    try:
        Draft202012Validator.check_schema(data["request"])
    except SchemaError as error:
        path = ("request", *error.absolute_path)
        cure = "see json-schema.org/understanding-json-schema"
        yield path, f"'{_shown(path)}' isn't JSON Schema: {error.message}", cure
    for path, value in _values(data["request"], ("request",)):
        if path[-1] in {"$ref", "$dynamicRef"} and isinstance(value, str) and not value.startswith("#"):
            cure = "write that part here: nothing is fetched for it"  # as a validator would
            yield path, f"'{_shown(path)}' refers to another document", cure


def _trial(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Where `request` refuses what `fields` and `constants` would send, one finding a place."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- as above

    model = new(data)
    validator = Draft202012Validator(model.request)
    said: set[tuple[Keys, str]] = set()
    try:
        for values in _trials(model):
            for error in validator.iter_errors(model.body(values)):
                for path, message, cure in _refused(data, values, error):
                    if (path, message) not in said:
                        said.add((path, message))
                        yield path, message, cure
    except Exception as error:  # noqa: BLE001 -- a $ref that leads nowhere or round in circles, a pattern that is none
        yield ("request",), f"'request' can't be used: {str(error).partition(' within ')[0]}", "correct the schema"


def _trials(model: Model) -> Iterator[dict[str, Any]]:
    """Our words with values: each length with the first size, then each other size; then as many references as the
    model takes, and each word left out that isn't always sent."""
    sizes = [(aspect, word) for aspect, by in model.sizes.items() for word in by.values()]
    lengths = model.lengths.get("sold", [1])
    for n, (aspect, size) in enumerate(sizes):
        for seconds in lengths if n == 0 else lengths[:1]:
            shape = "16:9" if aspect == "any" else aspect
            values = {**TRIED, "aspect": shape, "size": size, "duration": seconds}
            yield values
    if model.references:
        most = [f"https://example.org/{n}.png" for n in range(1, model.references.total + 1)]
        yield {**values, "references": most}
    sometimes = {"negative"} | ({"image"} if model.image and not model.image.required else set())
    for word in sorted(sometimes):
        yield {key: value for key, value in values.items() if key != word}


def _refused(data: Mapping[str, Any], values: Mapping[str, Any], error: Any) -> Iterator[Finding]:
    """One refusal of the request schema, in terms of the words that lead there."""
    at: Keys = tuple(error.absolute_path)
    places = [("fields", word, place) for word, all_ in data["fields"].items() for place in all_.split()]
    places += [("constants", key, place) for key in data.get("constants", {}) for place in key.split()]
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = error.schema.get("properties", {})
        for table, word, place in places:
            steps = tuple(place.split("."))
            if steps[: len(at)] == at and len(steps) > len(at) and steps[len(at)] not in known:
                cure = did_you_mean(steps[len(at)], known)
                yield (table, word), f"'{word}' leads to '{place}', which 'request' doesn't have", cure
        return
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        for key in missing:
            place = ".".join(map(str, (*at, key)))
            word = next((word for _, word, leads in places if leads == place), "")
            message = f"'request' needs '{place}', where nothing of 'fields' and 'constants' leads"
            if word:
                message = f"'request' needs '{place}', but '{word}' isn't sent for every shot"
                yield ("fields", word), message, f"take '{place}' out of its 'required'"
                continue
            yield ("request", "required"), message, f'add it to [constants], or to [fields]: prompt = "{place}"'
        return
    for table, word, place in places:
        if tuple(place.split(".")) == at[: len(place.split("."))]:
            value = values.get(word) if table == "fields" else data["constants"][word]
            if word == "references" and tuple(place.split(".")) == at:
                shown, reason = f"{len(values[word])} of them", f"it is a list that {error.message.rpartition('] ')[2]}"
            else:
                shown, reason = f"{value} s" if word == "duration" else _quoted(value), error.message
            message = f"'{word}' leads to '{place}', where 'request' doesn't take {shown}: {reason}"
            yield (table, word), message, "make [request] and what the file says above it agree"
            return
    yield ("request",), f"'request' refuses what [fields] leads to: {error.message}", "make the two agree"


def plain(value: Any) -> Any:
    """TOML's values as JSON's: dates and times as text, 5.0 as 5."""
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case date() | time():
            return value.isoformat()
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _shown(path: Sequence[str | int]) -> str:
    """A path for people: price.cells[2].usd, counted from 1."""
    return "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


class _Places:
    """Where the keys of a TOML file stand, by its lines: tomllib keeps no positions."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[Keys, tuple[int, int]] = {}
        table: Keys = ()
        offset = 0
        counts: dict[Keys, int] = {}
        for line in source.text.splitlines(keepends=True):
            header, key = _HEADER.match(line), _KEY.match(line)
            if header and "=" not in header[1]:
                table = _parts(header[1])
                if line.lstrip().startswith("[["):
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self._known.setdefault(table, (offset + header.start(1), offset + header.end(1)))
            elif key:
                self._known.setdefault((*table, *_parts(key[1])), (offset + key.start(1), offset + key.end(1)))
            offset += len(line)

    def of(self, path: Keys) -> Span:
        """The key at a path, else the nearest one around it; the file's first line where there is none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._known:
                start, end = self._inside(*self._known[path[:length]], path[length:])
                return self._source.span(start, end)
        return self._source.span(0, len(self._source.line(1)))

    def _inside(self, start: int, end: int, rest: Keys) -> tuple[int, int]:
        """Where the keys and items of an inline value stand that begins after `end`."""
        last = min((at for at, _ in self._known.values() if at > start), default=len(self._source.text))
        for step in rest:
            found = self._step(end, last, step)
            if found is None:
                break
            start, end = found
        return start, end

    def _step(self, start: int, last: int, step: str | int) -> tuple[int, int] | None:
        inner = self._source.text[start:last]
        if isinstance(step, int):
            items = [match.span() for match in re.finditer(r"\{[^{}]*\}", inner)]
            return (start + items[step][0], start + items[step][0] + 1) if step < len(items) else None
        key = re.search(rf"""(?<![\w-])["']?{re.escape(step)}["']?(?=\s*=)""", inner)
        return (start + key.start(), start + key.end()) if key else None


def _parts(key: str) -> Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(key))
