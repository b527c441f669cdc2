"""At the command line: what is paid for is asked for anew when it changes, and by nothing else.

The matrix of wrong hits (a stale clip shown) and wrong misses (paid for again for nothing).
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storyboard.tools import Tools
from tests import desk
from tests.desk import Desk
from tests.folder import Folder

BOARD = """\
storyboard: 1
title: Promises
seed: 1
style:
  prompt: overcast light
  negative: text
characters:
  mira:
    name: Mira
    look: a keeper
    references: [refs/front.png, refs/side.png]
  tom:
    look: a boy
    references: [refs/tom.png]
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  i2v: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash}
shots:
  # the stair
  - id: s010
    prompt: "@mira climbs the stair"
    camera: dolly in
    duration: 4
  - id: s020
    prompt: "@mira and @tom light the lamp"
    duration: 5
    notes: the turn
  - id: s030
    prompt: "@tom rows home"
    negative: rain
    duration: 4
"""
ALL = ["s010", "s020", "s030"]


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory, tools: Tools, tiny_clip: Path) -> Path:
    """A project in a repository, with its draft and its i2v pass bought and locked."""
    film = Folder(tmp_path_factory.mktemp("bought") / "film")
    for n, name in enumerate(("front", "side", "tom", "other")):
        film.picture(f"refs/{name}.png", f"rgb({n * 40}, 90, 120)", (64, 36))
    film.write(BOARD)
    film.write("build/\n.storyboard/\n", ".gitignore")
    git(film.path, "init", "-q")
    with desk.at(film, tools, tiny_clip) as its:
        for pass_ in ("draft", "i2v"):
            assert {one.state for one in its.make(pass_)} == {"done"}
    git(film.path, "add", ".")
    git(film.path, "commit", "-q", "-m", "bought")
    return film.path


def git(folder: Path, *said: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(["git", *who, *said], cwd=folder, check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def film(bought: Path, tmp_path: Path, tools: Tools, tiny_clip: Path) -> Iterator[Desk]:
    with desk.at(Folder(Path(shutil.copytree(bought, tmp_path / "film"))), tools, tiny_clip) as its:
        yield its


def asked_anew(film: Desk, pass_: str) -> list[str]:
    """The shots that a plan would buy: checked against what a render then buys."""
    plan = film.tell("plan", "-p", pass_)
    found = [job["shot"] for job in plan["jobs"] if job["state"] != "cached"]
    assert plan["total"]["submit"] == len(found)
    return found


HITS: list[tuple[str, str, str, list[str], list[str]]] = [
    ("prompt", "climbs the stair", "climbs the winding stair", ["s010"], ["s010"]),
    ("camera", "dolly in", "dolly out", ["s010"], ["s010"]),
    ("style", "overcast light", "sunlight", ALL, ALL),
    ("storyboard negative", "negative: text", "negative: words", ALL, ALL),
    ("shot negative", "negative: rain", "negative: snow", ["s030"], ["s030"]),
    ("pass negative", "-flash}\n  i2v", "-flash, negative: fog}\n  i2v", ALL, []),
    ("reference order", "[refs/front.png, refs/side.png]", "[refs/side.png, refs/front.png]", ["s010", "s020"], ["s010", "s020"]),
    ("reference added", "[refs/tom.png]", "[refs/tom.png, refs/other.png]", ["s020", "s030"], []),
    ("mention order", '"@mira and @tom light', '"@tom and @mira light', ["s020"], ["s020"]),
    ("size", "reference-to-video-flash}", "reference-to-video-flash, resolution: 1080p}", ALL, []),
    ("audio", "reference-to-video-flash}", "reference-to-video-flash, audio: true}", ALL, []),
    ("shot type", "reference-to-video-flash}", "reference-to-video-flash, shot_type: multi}", ALL, []),
    ("prompt expansion", "reference-to-video-flash}", "reference-to-video-flash, prompt_expansion: true}", ALL, []),
    ("aspect", "seed: 1\n", "seed: 1\naspect: 9:16\n", ALL, []),
    ("duration", "duration: 5", "duration: 6", ["s020"], ["s020"]),
    ("seed", "seed: 1\n", "seed: 2\n", ALL, ALL),
    ("shot seed", "    camera: dolly in\n", "    camera: dolly in\n    seed: 9\n", ["s010"], ["s010"]),
    ("take", "    camera: dolly in\n", "    camera: dolly in\n    take: 2\n", ["s010"], ["s010"]),
    ("override", "    notes: the turn\n", "    passes: {i2v: {seed: 5}}\n", [], ["s020"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "draft", "i2v"), HITS, ids=[one[0] for one in HITS])
def test_each_paid_input_alone_asks_for_exactly_its_shots(
    film: Desk, name: str, old: str, new: str, draft: list[str], i2v: list[str]
) -> None:
    film.film.edit(old, new)
    assert (asked_anew(film, "draft"), asked_anew(film, "i2v")) == (draft, i2v)


def test_another_model_asks_for_all_of_its_pass(film: Desk) -> None:
    film.film.edit(
        "draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}", "draft: {extends: i2v, resolution: 1080p}"
    )
    assert (asked_anew(film, "draft"), asked_anew(film, "i2v")) == (ALL, [])


def test_other_bytes_of_a_reference_at_the_same_path_of_the_same_size_and_time(film: Desk) -> None:
    path = film.film.path / "refs" / "tom.png"
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert (asked_anew(film, "draft"), asked_anew(film, "i2v")) == (["s020", "s030"], ["s030"])
    film.make("draft")
    prompts = sorted(entry.request["prompt"] for entry in film.running.ledger)
    assert ["lamp" in one for one in prompts] == [True, False], "what the plan names is what is bought"
    assert "home" in prompts[1]
    assert asked_anew(film, "draft") == []


def moved(text: str) -> str:
    head, shots = text.split("  # the stair\n")
    first, second, third = ("  - id" + part for part in shots.split("  - id")[1:])
    return head + third + first + second


MISSES: dict[str, Callable[[str], str]] = {
    "a shot renamed": lambda text: text.replace("id: s020", "id: s025"),
    "a shot moved": moved,
    "a comment": lambda text: text.replace("# the stair", "# the winding stair") + "# end\n",
    "the order of keys": lambda text: text.replace("    camera: dolly in\n    duration: 4\n", "    duration: 4\n    camera: dolly in\n", 1),
    "quotes": lambda text: text.replace("negative: rain", "negative: 'rain'"),
    "the title": lambda text: text.replace("title: Promises", "title: Kept"),
    "a note": lambda text: text.replace("the turn", "the lamp"),
    "trim": lambda text: text.replace("    duration: 5\n", "    duration: 4\n    trim: {in: 0.5, of: 5}\n"),
    "the volume": lambda text: text.replace("    notes: the turn\n", "    audio: {volume: -6}\n"),
    "a transition": lambda text: text.replace("    notes: the turn\n", "    transition: dissolve\n"),
    "music": lambda text: text.replace("seed: 1\n", "seed: 1\naudio: {loudness: -20}\n"),
    "a pass more": lambda text: text.replace("passes:\n", "passes:\n  animatic: {model: local/animatic}\n"),
    "a character more": lambda text: text.replace("  tom:\n", "  ana: {look: a gull}\n  tom:\n"),
    "a scene around the shots": lambda text: text.replace("shots:\n", "scenes:\n- id: stair\n  title: The stair\n  shots:\n"),
    "line breaks": lambda text: text.replace("\n", "\r\n"),
    "a reference renamed": lambda text: text.replace("refs/front.png", "refs/mira.png"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSES)
def test_what_is_not_paid_for_asks_for_nothing(film: Desk, name: str) -> None:
    path = film.film.path / "storyboard.yaml"
    text = path.read_text()
    changed = MISSES[name](text)
    assert changed != text
    path.write_bytes(changed.encode())
    shutil.copyfile(film.film.path / "refs" / "front.png", film.film.path / "refs" / "mira.png")
    assert (asked_anew(film, "draft"), asked_anew(film, "i2v")) == ([], [])


def test_neither_a_touch_nor_a_clone_nor_the_loss_of_what_can_be_learnt_again_asks_for_anything(
    film: Desk, tmp_path: Path
) -> None:
    for path in film.film.path.rglob("*"):
        if ".git" not in path.parts and ".storyboard" not in path.parts:
            os.utime(path, (1, 1))
    assert asked_anew(film, "draft") == []
    clone = tmp_path / "clone" / "of it"
    git(film.film.path, "clone", "-q", str(film.film.path), str(clone))
    ours, theirs = film.tell("plan"), Folder(clone)
    with desk.at(theirs, film._tools, film.film.path / "refs" / "front.png") as elsewhere:
        told = elsewhere.tell("plan")
        assert [job["key"] for job in told["jobs"]] == [job["key"] for job in ours["jobs"]]
        assert {job["state"] for job in told["jobs"]} == {"submit"}, "its store is empty"
        shutil.copytree(film.film.path / ".storyboard" / "ac", clone / ".storyboard" / "ac")
        shutil.copytree(film.film.path / ".storyboard" / "cas", clone / ".storyboard" / "cas")
        assert asked_anew(elsewhere, "draft") == []
    for name in ("hashes", "compiled", "pins"):
        place = film.film.path / ".storyboard" / name
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    (film.film.path / "storyboard.lock").unlink()
    assert asked_anew(film, "draft") == []
