"""The editor's schema: whatever the compiler takes fits it, what it teaches is there, and common mistakes don't fit."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

import storyboard
from storyboard import schema, silence, syntax
from storyboard.catalog import Catalog
from storyboard.diagnostic import CODES
from storyboard.model import effect, transition
from storyboard.source import Source
from tests.folder import ROOT

CASES = ROOT / "tests" / "cases"
MADE = schema.schema()
VALIDATOR = jsonschema.Draft202012Validator(MADE)


def data(text: str) -> Any:
    """What an editor takes a storyboard for: the types of YAML 1.2's core schema."""
    root, _ = syntax.parse(Source("storyboard.yaml", text))
    return typed(root) if root else None


def typed(node: syntax.Node) -> Any:
    if isinstance(node, syntax.Mapping):
        return {key: typed(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, syntax.Sequence):
        return [typed(item) for item in node.items]
    if not node.plain:
        return node.text
    if node.is_null:
        return None
    if node.text.lower() in {"true", "false"}:
        return node.text.lower() == "true"
    if re.fullmatch(r"[-+]?[0-9]+", node.text):
        return int(node.text)
    return float(node.text) if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)", node.text) else node.text


def refusals(value: Any) -> list[str]:
    return [f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in VALIDATOR.iter_errors(value)]


def objects(form: Any) -> Iterator[dict[str, Any]]:
    """Every object with keys in the schema, however deep."""
    if isinstance(form, list):
        for item in form:
            yield from objects(item)
    elif isinstance(form, dict):
        if form.get("type") == "object" and "properties" in form:
            yield form
        for item in form.values():
            yield from objects(item)


def words(form: dict[str, Any]) -> set[str]:
    """The words that an editor offers for a value, each with its meaning where it has one."""
    found = set(form.get("enum", ()))
    for option in form.get("anyOf", ()):
        found |= set(option.get("enum", ())) | ({option["const"]} if "const" in option else set())
    return found


def test_the_schema_is_one_of_draft_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(MADE)
    assert MADE["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_of_every_object_is_described_and_no_other_is_allowed() -> None:
    found = list(objects(MADE))
    assert len(found) > 50
    for form in found:
        assert form["additionalProperties"] is False, form.get("description")
        for key, field in form["properties"].items():
            assert field.get("description"), f"{key} in {form.get('description')}"


def test_every_example_fits_its_key_and_stands_at_one_that_is_there() -> None:
    for place, examples in schema.EXAMPLES.items():
        name, key = place.split(".")
        part = MADE if name == "Storyboard" else MADE["$defs"][name]
        assert part["properties"][key]["examples"] == examples, place
        form = {**part["properties"][key], "$defs": MADE["$defs"]}
        for example in examples:
            jsonschema.Draft202012Validator(form).validate(example)


def test_enumerations_are_there_by_name() -> None:
    parts = MADE["$defs"]
    for name in ("Pass", "Setting", "Override"):
        assert words(parts[name]["properties"]["model"]) == set(Catalog())
    assert all(option.get("description") for option in parts["Pass"]["properties"]["model"]["anyOf"][:-1])
    assert words(MADE["properties"]["aspect"]) >= {"16:9", "9:16"}
    assert words(parts["Pass"]["properties"]["resolution"]) == {"720p", "1080p"}
    assert words(parts["Pass"]["properties"]["shot_type"]) == {"single", "multi"}
    assert words(parts["Pass"]["properties"]["upload_via"]) == {"wavespeed"}
    assert words(parts["Pass"]["properties"]["subtitles"]) == {"none", "soft", "burn"}
    for name in ("Shot", "Defaults"):
        assert words(parts[name]["properties"]["fit"]) == {"hold", "trim", "retime"}
        assert words(parts[name]["properties"]["framing"]) == {"fit", "fill", "pad"}
    assert words(parts["Pass"]["properties"]["only"]["items"]) == {"changed", "approved"}
    assert words(parts["Character"]["properties"]["kind"]) == {"character", "prop", "place"}
    assert words(parts["Transition"]["properties"]["type"]) == set(transition.TYPES)
    assert words(parts["Shot"]["properties"]["effects"]["items"]) == set(effect.known())
    assert set(parts["Effect"]["properties"]) == set(effect.known())


def test_allow_knows_the_codes_that_can_be_silenced_with_their_titles() -> None:
    codes = MADE["$defs"]["Allowed"]["properties"]
    assert set(codes) == silence.WARNINGS
    assert all(form["description"].startswith(CODES[code]) for code, form in codes.items())


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("examples/*/storyboard.yaml"), *ROOT.glob("storyboard/starter/*.yaml")],
    ids=lambda path: path.parent.name,
)
def test_the_examples_fit(path: Path) -> None:
    assert refusals(data(path.read_text("utf-8-sig"))) == []


def test_whatever_compiles_fits(tmp_path: Path) -> None:
    refs = tmp_path / "refs"
    refs.mkdir()
    Image.new("RGB", (64, 36), "teal").save(refs / "mira.png")
    Image.new("RGB", (64, 36), "navy").save(refs / "tom.jpg")
    for name in ("turn.mp4", "walk.mp4"):
        (refs / name).write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + name.encode())
    shutil.copytree(CASES / "diagnostics" / "libraries", tmp_path / "series")
    compiled = 0
    for path in sorted(CASES.glob("*/*.yaml")):
        shutil.copyfile(path, tmp_path / "storyboard.yaml")
        if not any(finding.is_error for finding in storyboard.check(tmp_path / "storyboard.yaml")):
            compiled += 1
            assert refusals(data(path.read_text("utf-8-sig"))) == [], path.name
    assert compiled > 20


MISSHAPEN = [path for code in ("SB101", "SB103", "SB107", "SB109") for path in sorted(CASES.glob(f"*/{code}-*.yaml"))]


@pytest.mark.parametrize("path", MISSHAPEN, ids=lambda path: path.stem)
def test_what_is_misshapen_does_not_fit(path: Path) -> None:
    assert refusals(data(path.read_text("utf-8"))) != []


SHOT = {"id": "s010", "prompt": "A boat"}


def film(**keys: Any) -> dict[str, Any]:
    return {"storyboard": 1, "shots": [SHOT]} | keys


@pytest.mark.parametrize(
    "value",
    [
        film(),
        film(title=2001, budget=20.5, fps="24000/1001", include=["a.yaml", "b.yaml"]),
        film(shots=[{"id": 10, "clip": "s.mp4"}, {"id": "b", "beats": [{"at": 0, "prompt": "x"}]}]),
        film(shots=[{"id": "a", "passes": {"p": {"prompt": "x"}}}]),
        film(passes={"own": {"model": "wavespeed/a-model-of-ones-own"}, "other": {"extends": "own", "guide": "none"}}),
        film(passes={"p": {"model": "local/animatic", "only": ["changed", "s010"]}}),
        film(shots=[SHOT | {"duration": "00:00:04:12", "transition": "wipeleft", "effects": ["FadeIn", "grade:warm"]}]),
        film(shots=[SHOT | {"effects": [{"FadeIn": {"duration": 1}}, {"grade:warm": {"much": 2}}]}]),
        film(shots=[SHOT | {"start_frame": {"last_frame_of": "s000"}, "audio": {"volume": "-6 dB"}}]),
        film(shots=[SHOT | {"fit": "retime", "framing": "pad", "transition": "dip", "trim": {"in": 1, "of": "200f"}}]),
        film(passes={"p": {"model": "local/animatic", "burn_in": {"watermark": "for review"}, "fallback": ["q"]}}),
        film(passes={"p": {"model": "local/animatic", "burn_in": False, "leader": True, "subtitles": "burn"}}),
        film(audio={"music": "a.wav", "room_tone": {"file": "b.wav", "duck": "-6 dB"}, "scratch": True}),
        film(characters={"mira": {"references": ["a.png", {"url": "https://a.b/c.png"}], "allow": {"SB406": "later"}}}),
        {"storyboard": 1, "scenes": [{"id": "a", "shots": [SHOT], "defaults": {"duration": 3}}]},
    ],
)  # fmt: skip
def test_what_a_director_may_write_fits(value: Any) -> None:
    assert refusals(value) == []


@pytest.mark.parametrize(
    "value",
    [
        {"shots": [SHOT]},
        {"storyboard": 1},
        {"storyboard": 1, "shots": []},
        {"storyboard": 2, "shots": [SHOT]},
        film(scenes=[{"id": "a", "shots": [SHOT]}]),
        film(titel="x"),
        film(aspect="wide"),
        film(fps=0),
        film(style="35mm film"),
        film(characters={"@mira": {}}),
        film(characters={"mira": {"kind": "person"}}),
        film(characters={"mira": {"references": [{"file": "a.png", "url": "https://a.b/c.png"}]}}),
        film(passes={}),
        film(passes={"p": {}}),
        film(passes={"p": {"model": "local/animatic", "resolution": "big"}}),
        film(passes={"p": {"model": "local/animatic", "shot_type": "many"}}),
        film(passes={"p": {"model": "local/animatic", "audio": "yes"}}),
        film(passes={"p": {"model": "local/animatic", "upload_via": "dropbox"}}),
        film(allow={"SB201": "an error can't be silenced"}),
        film(allow={"SB404": ""}),
        film(shots=[{"id": "s010"}]),
        film(shots=[{"prompt": "A boat"}]),
        film(shots=[{"id": "s 010", "prompt": "A boat"}]),
        film(shots=[SHOT | {"promt": "x"}]),
        film(shots=[SHOT | {"duration": "4s"}]),
        film(shots=[SHOT | {"take": 0}]),
        film(shots=[SHOT | {"take": 2, "takes": [1, 2]}]),
        film(shots=[SHOT | {"takes": [1, 1]}]),
        film(shots=[SHOT | {"transition": "disolve"}]),
        film(shots=[SHOT | {"fit": "stretch"}]),
        film(shots=[SHOT | {"framing": "crop"}]),
        film(shots=[SHOT | {"trim": {"out": 4}}]),
        film(passes={"p": {"model": "local/animatic", "burn_in": "yes"}}),
        film(passes={"p": {"model": "local/animatic", "burn_in": {"watermrk": "for review"}}}),
        film(passes={"p": {"model": "local/animatic", "fallback": "draft"}}),
        film(passes={"p": {"model": "local/animatic", "subtitles": "hard"}}),
        film(audio={"room_tone": {"duck": -6}}),
        film(audio={"music": {"file": "a.wav", "duck": 6}}),
        film(shots=[SHOT | {"effects": ["FadeInn"]}]),
        film(shots=[SHOT | {"effects": [{"FadeIn": {"seconds": 1}}]}]),
        film(shots=[SHOT | {"start_frame": {"last_frame": "s000"}}]),
        film(shots=[SHOT | {"dialogue": [{"line": "Not tonight."}]}]),
        film(shots=[SHOT | {"trim": 0.5}]),
        film(shots=[SHOT | {"passes": {"final": {"sed": 1}}}]),
    ],
    ids=lambda value: json.dumps(value)[-60:],
)  # fmt: skip
def test_common_mistakes_do_not_fit(value: Any) -> None:
    assert refusals(value) != []
