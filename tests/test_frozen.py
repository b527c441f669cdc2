"""`render --frozen`: the cut of exactly what is locked, which buys and makes nothing."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storyboard.compiler import load
from storyboard.tools import Tools
from tests import desk
from tests.desk import Desk
from tests.folder import Folder

BOARD = """\
storyboard: 1
title: Locked
seed: 1
characters:
  mira: {references: [refs/turn.mp4]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  final: {model: wavespeed/alibaba/wan-2.6/reference-to-video}
shots:
  - {id: s010, prompt: "@mira climbs", duration: 0.5, trim: {of: 2}}
  - {id: s020, prompt: "@mira waits", duration: 0.5, trim: {of: 2}}
  - {id: s030, prompt: "@mira sleeps", duration: 0.5, trim: {of: 2}}
"""


@pytest.fixture
def film(project: Folder, tools: Tools, tiny_clip: Path) -> Iterator[Desk]:
    """Three drafts and one final, bought and locked; no key is set, so whoever tried to buy would fail."""
    (project.path / "refs").mkdir()
    shutil.copyfile(tiny_clip, project.path / "refs" / "turn.mp4")
    project.write(BOARD)
    with desk.at(project, tools, tiny_clip) as its:
        its.make("draft")
        its.make("final", only=("s020",))
        its.environment = dict.fromkeys(its.environment, "")
        yield its


def refused(film: Desk, *arguments: str) -> str:
    calls = len(film.running.ledger)
    before = hashes(film.film.path)
    said = film.say("render", "--frozen", *arguments, status=4)
    assert hashes(film.film.path) == before, "nothing is written"
    assert len(film.running.ledger) == calls
    return said


def hashes(folder: Path) -> dict[str, str]:
    files = [
        *folder.glob("storyboard.*"),
        *(folder / "build").rglob("*"),
        *(folder / ".storyboard").glob("[ac][ca]*/*"),
    ]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def test_what_is_locked_is_cut_and_nothing_else_is_done(film: Desk) -> None:
    lock = (film.film.path / "storyboard.lock").read_bytes()
    told = film.tell("render", "--frozen", "-p", "final")
    assert told["cut"]["sources"] == {"s010": "draft", "s020": "final", "s030": "draft"}
    assert [(one["shot"], one["state"]) for one in told["results"]] == [
        ("s010", "skipped"),
        ("s020", "cached"),
        ("s030", "skipped"),
    ]
    assert told["spent"] == told["total"]["cost"] == "0.00"
    assert (film.film.path / "storyboard.lock").read_bytes() == lock
    assert len(film.running.ledger) == 4
    film.film.edit("@mira climbs", "@mira runs")  # of a shot whose draft is shown
    assert "s010 (draft): prompt: 'character1 climbs.' -> 'character1 runs.'" in refused(film, "-p", "final")
    film.film.edit("@mira runs", "@mira climbs")
    film.film.edit("@mira waits", "@mira swims")
    said = refused(film, "-p", "final")
    assert "s020 (final): prompt" in said
    assert "s010" not in said
    assert "s030" not in said


def test_every_shot_in_which_storyboard_and_lock_differ_is_named(film: Desk) -> None:
    film.film.edit("@mira climbs", "@mira runs")
    film.film.edit("@mira sleeps", "@mira wakes")
    text = (film.film.path / "storyboard.yaml").read_text()
    film.film.write(text + '  - {id: s040, prompt: "@mira rows", duration: 0.5, trim: {of: 2}}\n')
    said = refused(film)
    assert "s010 (draft)" in said
    assert "s030 (draft)" in said
    assert "s040 (draft): it isn't in the lock" in said
    assert "s020" not in said
    assert "Nothing was bought" in said


def test_a_shot_that_is_gone_or_skipped_or_renamed_with_its_lock_needs_nothing(film: Desk) -> None:
    film.film.edit("{id: s010,", "{id: s010, skip: true,")
    text = (film.film.path / "storyboard.yaml").read_text()
    film.film.write("\n".join(text.splitlines()[:-1]) + "\n")
    assert set(film.tell("render", "--frozen")["cut"]["sources"]) == {"s020"}


def test_a_clip_that_is_not_here_is_not_made(film: Desk) -> None:
    lock = load(film.film.path / "storyboard.yaml").lock
    (film.film.path / ".storyboard" / "ac" / lock.get("s010", "draft").key).unlink()
    shutil.rmtree(film.film.path / ".storyboard" / "cas")
    said = refused(film)
    assert f"s010 (draft): clip {lock.get('s010', 'draft').clip[:8]} isn't here, and no shared cache is set" in said
    assert "s030 (draft)" in said


def test_the_locked_bytes_are_shown_though_the_store_has_others_under_the_same_key(film: Desk, tmp_path: Path) -> None:
    """Two seats may have bought the same job: what one sees isn't what the lock says."""
    project = load(film.film.path / "storyboard.yaml")
    locked = project.lock.get("s010", "draft")
    others = tmp_path / "others.mp4"
    others.write_bytes((project.store.root / "cas" / locked.clip).read_bytes() + b"\0\0\0\x08free")
    project.store.put(locked.key, {"clip": others}, dict(project.store.facts(locked.key)))
    frozen = load(film.film.path / "storyboard.yaml").frozen("draft")
    assert not frozen.differ
    assert frozen.shown("draft", "s010").outputs["clip"].sha256 == locked.clip
    (project.store.root / "cas" / locked.clip).unlink()
    assert "s010 (draft): clip" in refused(film)


def test_it_goes_with_nothing_that_would_make_something(film: Desk) -> None:
    for more in (["--yes"], ["--max-cost", "1"], ["--rehearse"], ["--only", "s010"]):
        assert "--frozen makes nothing" in film.say("render", "--frozen", *more, status=2)


def test_without_a_lock_everything_differs(film: Desk) -> None:
    (film.film.path / "storyboard.lock").unlink()
    said = refused(film)
    assert said.count("it isn't in the lock") == 3
