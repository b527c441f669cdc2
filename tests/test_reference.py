"""docs/language.md: fresh, whole, and true where a machine can tell."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import storyboard
from storyboard import reference, schema
from storyboard.catalog import Catalog
from tests.folder import ROOT, Folder

PAGE = ROOT / "docs" / "language.md"
TEXT = reference.text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
CAST = "characters:\n" + "".join(
    f"  {name}: {{look: someone in {color}, references: [refs/{name}.png]}}\n"
    for name, color in (("mira", "yellow"), ("tom", "red"))
)


def test_the_page_is_fresh(golden: Callable[[Path, str], None]) -> None:
    golden(PAGE, TEXT)


def test_every_key_of_every_object_stands_in_a_table() -> None:
    """A table is of one object; which one, its keys tell."""
    parts = [part.partition("\n\n")[0] for part in TEXT.split("| key |")[1:]]
    tables = [set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) for part in parts]
    keys = {name: {f.alias or key for key, f in model.model_fields.items()} for name, model in schema.objects()}
    keys["Override"] -= keys["Setting"]
    for name, written in keys.items():
        assert written in tables, name


def test_every_model_stands_in_the_table() -> None:
    assert set(re.findall(r"^\| `([a-z0-9]+/[^`]+)` \|", TEXT, re.MULTILINE)) == set(Catalog())


def test_every_link_leads_to_a_heading_or_a_file() -> None:
    headings = re.findall(r"^##+ (.+)$", TEXT, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 40
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (PAGE.parent / link).exists(), link
    contents = re.findall(r"\]\(#([^)]+)\)", TEXT.partition("\n## ")[0])
    assert set(contents) == anchors


def whole(block: str) -> str:
    """A storyboard of what a block shows."""
    text = block if "storyboard: 1" in block else f"storyboard: 1\n{block}"
    if "@" in text and not re.search("^(characters|include):", text, re.MULTILINE):
        text += CAST
    return text if re.search("^(shots|scenes):", text, re.MULTILINE) else text + "shots: [{id: s010, prompt: A boat}]\n"


def with_files(project: Folder, block: str, clip: Path) -> None:
    """Whatever the block's paths name."""
    for name in {"refs/mira.png", "refs/tom.png", *re.findall(r"[\w/-]+\.(?:png|mp4)", block)}:
        if name.endswith(".png"):
            project.picture(name)
        else:
            (project.path / name).parent.mkdir(exist_ok=True)
            (project.path / name).write_bytes(clip.read_bytes())


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_what_it_shows_compiles(number: int, project: Folder, tiny_clip: Path) -> None:
    block = BLOCKS[number]
    with_files(project, block, tiny_clip)
    library = re.match(r"# (\S+\.yaml)\n", block)
    others = [re.match(r"# (\S+\.yaml)\n", other) for other in BLOCKS]
    for name, other in zip(others, BLOCKS, strict=True):
        if name:
            project.write(other, name[1])
    project.write(whole(f"include: {library[1]}\n" if library else block))
    found = storyboard.check(project.path / "storyboard.yaml")
    assert [finding.message for finding in found if finding.code != "SB406"] == []


def test_what_it_says_is_sent_is_sent(project: Folder, tiny_clip: Path) -> None:
    block, shown = re.findall(r"^```yaml\n([^`]*?)^```\n+```text\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)[0]
    with_files(project, block, tiny_clip)
    project.write(block)
    film = storyboard.load(project.path / "storyboard.yaml")
    sent = []
    for name in film.board.passes:
        (step,) = film.plan(name).steps
        assert step.job
        sent += [f"{name:<10}{step.job.request['prompt']}", f"{name:<10}not: {step.job.request['negative_prompt']}"]
    assert sent == shown.splitlines()


FLASH, STANDARD = (f"wavespeed/alibaba/wan-2.6/reference-to-video{end}" for end in ("-flash", ""))


@pytest.mark.parametrize(
    ("key", "values", "places"),
    [
        ("camera", ["one", "two", "three", "four"], ["override", "shot", "scene's defaults", "film's defaults"]),
        ("seed", [1, 2, 3, 4, 5, 6], ["override", "shot", "scene's defaults", "film's defaults", "pass", "film"]),
        ("seed", [1, 2, 3], ["scene's override", "shot", "pass"]),
        ("model", [FLASH, STANDARD, FLASH, STANDARD], ["override", "scene's override", "pass", "base"]),
        ("shot_type", ["multi", "single", "multi", "single"], ["override", "scene's override", "pass", "base"]),
        ("style", [{"prompt": "one"}, {"prompt": "two"}], ["shot", "scene"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_beats_what(key: str, values: list[Any], places: list[str], project: Folder, tiny_clip: Path) -> None:
    (project.path / "refs").mkdir()
    (project.path / "refs" / "mira.mp4").write_bytes(tiny_clip.read_bytes())
    seen = []
    for first in range(len(places)):
        shot: dict[str, Any] = {"id": "s010", "prompt": "@mira", "passes": {"final": {}}}
        scene: dict[str, Any] = {"id": "one", "shots": [shot], "defaults": {}, "passes": {"final": {}}}
        film: dict[str, Any] = {"storyboard": 1, "scenes": [scene], "defaults": {}}
        film |= {"characters": {"mira": {"references": ["refs/mira.mp4"]}}}
        film |= {"passes": {"base": {"model": FLASH}, "final": {"extends": "base"}}}
        owners = {"film": film, "film's defaults": film["defaults"], "scene": scene, "shot": shot}
        owners |= {"override": shot["passes"]["final"], "scene's override": scene["passes"]["final"]}
        owners |= {"scene's defaults": scene["defaults"], **film["passes"], "pass": film["passes"]["final"]}
        for place, value in list(zip(places, values, strict=True))[first:]:
            owners[place][key] = value
        project.write(json.dumps(film))
        (step,) = storyboard.load(project.path / "storyboard.yaml").plan("final").steps
        assert step.job
        words = step.job.request["prompt"].rstrip(".").rpartition(" ")[2]
        seen.append(
            {"model": step.job.model, "camera": words, "style": {"prompt": words}}.get(key) or step.job.request.get(key)
        )
    assert seen == values


def test_what_it_says_of_beats_is_sent(project: Folder, tiny_clip: Path) -> None:
    block = next(block for block in BLOCKS if "beats:" in block)
    with_files(project, block, tiny_clip)
    project.write(whole(block) + "passes: {draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}}\n")
    (step,) = storyboard.load(project.path / "storyboard.yaml").plan("draft").steps
    assert step.job
    assert f"`{step.job.request['prompt']}`" in TEXT
    assert step.job.request["shot_type"] == "multi"
