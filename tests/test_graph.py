"""Clips that are made from other clips: guides, last frames and parts of videos, from the plan to what is uploaded."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops

from storyboard import digest, media
from storyboard.catalog import Catalog
from storyboard.compiler import load
from storyboard.simulator import Entry, Simulator
from storyboard.tools import Tools
from tests.desk import QUICK, Desk, at
from tests.folder import Folder

FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
IMAGE = "wavespeed/alibaba/wan-2.6/image-to-video-flash"
GUIDED = f"""\
storyboard: 1
fps: 6
characters:
  mira: {{references: [mira.png]}}
passes:
  draft: {{model: {FLASH}}}
  final: {{extends: draft, resolution: 1080p, guide: draft}}
shots:
  - {{id: s010, prompt: "@mira waits", duration: 2}}
  - {{id: s020, prompt: "@mira leaves", duration: 2}}
"""
CHAIN = f"""\
storyboard: 1
fps: 6
passes:
  draft: {{model: {IMAGE}}}
shots:
  - {{id: s030, prompt: the lamp is lit, duration: 2, start_frame: {{last_frame_of: s020}}}}
  - {{id: s010, prompt: a stair, duration: 2, start_frame: mira.png}}
  - {{id: s020, prompt: a door, duration: 2, start_frame: {{last_frame_of: s010}}}}
"""


@pytest.fixture
def film(project: Folder) -> Folder:
    project.picture("mira.png")
    return project


@pytest.fixture
def guided(film: Folder, tools: Tools, tiny_clip: Path) -> Iterator[Desk]:
    film.write(GUIDED)
    with at(film, tools, tiny_clip) as desk:
        yield desk


@contextmanager
def troubled(film: Folder, text: str, tools: Tools, clip: Path, *faults: dict[str, Any]) -> Iterator[Desk]:
    film.write(text)
    with at(film, tools, clip, *faults) as desk:
        yield desk


def steps(desk: Desk, *arguments: str) -> list[tuple[str, str, str]]:
    return [(job["pass"], job["shot"], job["state"]) for job in desk.tell("plan", *arguments)["jobs"]]


def bought(desk: Desk) -> list[tuple[str, str]]:
    """The size and the last word of the prompt of every job that the service accepted."""
    return [(entry.request["size"], entry.request["prompt"].rstrip(".").split()[-1]) for entry in desk.running.ledger]


def uploaded(desk: Desk, url: str) -> Path:
    found = desk.running.server.engine.shelf.find(url)
    assert found is not None
    return found


def test_a_plan_lists_and_prices_what_it_waits_for(guided: Desk) -> None:
    plan = guided.tell("plan", "-p", "final")
    assert [(job["pass"], job["shot"], job["cost"]) for job in plan["jobs"]] == [
        ("draft", "s010", "0.25"),
        ("draft", "s020", "0.25"),
        ("final", "s010", "0.40"),
        ("final", "s020", "0.40"),
    ]
    assert plan["total"]["cost"] == "1.30"
    assert plan["jobs"][2]["waits_for"] == [{"shot": "s010", "pass": "draft"}]
    assert plan["jobs"][2]["request"]["reference_urls"][-1] == f"key:{plan['jobs'][0]['key']}"
    assert [job["shot"] for job in guided.tell("plan", "-p", "final", "--json")["jobs"]] == ["s010", "s020"] * 2


def test_a_guide_is_bought_first_once_and_is_what_the_final_is_given(film: Folder, tools: Tools) -> None:
    film.write(GUIDED.replace("duration: 2", "duration: 0.5"))
    with Simulator(tools, Catalog(), latency=0, rate=Fraction(2)).serving() as running:
        done = film.run("render", "-p", "final", "--yes", "--json", **running.environment(), **QUICK)
        ledger: list[Entry] = running.ledger
        assert sorted(entry.request["size"] for entry in ledger) == ["1280*720"] * 2 + ["1920*1080"] * 2
        for entry in (one for one in ledger if one.request["size"] == "1920*1080"):
            shot = "s010" if "waits" in entry.request["prompt"] else "s020"
            found = running.server.engine.shelf.find(entry.request["reference_urls"][-1])
            assert found is not None
            assert found.read_bytes() == (film.path / f"build/draft/clips/{shot}.mp4").read_bytes()
        assert '"spent": "1.30"' in done.stdout
        again = film.run("render", "-p", "final", "--yes", "--json", **running.environment(), **QUICK)
        assert '"spent": "0.00"' in again.stdout
        assert len(running.ledger) == 4


def test_a_change_of_the_draft_makes_its_final_again_and_no_other(guided: Desk) -> None:
    guided.make("final")
    assert steps(guided, "-p", "final") == [("final", "s010", "cached"), ("final", "s020", "cached")]
    guided.film.edit("@mira leaves", "@mira runs")
    assert steps(guided, "-p", "final") == [
        ("draft", "s020", "submit"),
        ("final", "s010", "cached"),
        ("final", "s020", "submit"),
    ]
    guided.film.edit('"@mira runs", duration: 2', '"@mira leaves", duration: 2, passes: {final: {seed: 7}}')
    assert steps(guided, "-p", "final") == [
        ("draft", "s020", "cached"),
        ("final", "s010", "cached"),
        ("final", "s020", "submit"),
    ]
    guided.make("final")
    assert bought(guided)[4:] == [("1920*1080", "leaves")]


def test_why_names_the_guide(guided: Desk) -> None:
    guided.make("final")
    guided.film.edit("@mira leaves", "@mira runs")
    told = guided.tell("why", "s020", "-p", "final")
    assert [change["field"] for change in told["sent"]] == ["prompt", "guide"]
    assert [change["field"] for change in told["behind"][0]["written"]] == ["prompt"]
    assert "guide" in guided.say("why", "s020", "-p", "final")


def test_what_waits_for_a_failed_clip_is_not_bought(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    fault = {"on": "submit", "prompt": "leaves", "do": "fail", "message": "the lamp went out"}
    with troubled(film, GUIDED, tools, tiny_clip, fault) as desk:
        done = desk.tell("render", "-p", "final", "--yes", status=3)
        assert [(r["pass"], r["shot"], r["state"]) for r in done["results"]] == [
            ("draft", "s010", "done"),
            ("draft", "s020", "failed"),
            ("final", "s010", "done"),
            ("final", "s020", "failed"),
        ]
        assert "waits for s020 (draft), which is failed" in done["results"][3]["error"]
        assert sorted(bought(desk)) == [("1280*720", "leaves"), ("1280*720", "waits"), ("1920*1080", "waits")]
        assert done["cut"]["shots"] == 2
        assert steps(desk, "-p", "final")[0] == ("draft", "s020", "submit")


def test_what_waits_for_a_held_clip_is_blocked(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with troubled(film, GUIDED, tools, tiny_clip, {"on": "submit", "prompt": "leaves", "do": "drop"}) as desk:
        desk.tell("render", "-p", "final", "--yes", status=3)
        plan = desk.tell("plan", "-p", "final")
        assert [(job["pass"], job["shot"], job["state"]) for job in plan["jobs"]] == [
            ("draft", "s020", "held"),
            ("final", "s010", "cached"),
            ("final", "s020", "blocked"),
        ]
        assert plan["jobs"][2]["reasons"] == ["waits for s020 (draft), which is held"]
        assert plan["total"]["cost"] == "0.00"


def test_a_ceiling_covers_what_a_plan_waits_for(guided: Desk) -> None:
    guided.say("render", "-p", "final", "--max-cost", "1.29", status=4)
    assert bought(guided) == []
    guided.say("render", "-p", "final", "--max-cost", "1.30")
    assert len(bought(guided)) == 4


def test_one_shot_brings_what_it_waits_for(guided: Desk) -> None:
    assert steps(guided, "-p", "final")[:2] == [("draft", "s010", "submit"), ("draft", "s020", "submit")]
    guided.make("final", only=("s020",))
    assert bought(guided) == [("1280*720", "leaves"), ("1920*1080", "leaves")]


def test_a_chain_goes_on_from_last_frames(film: Folder, tools: Tools) -> None:
    film.write(CHAIN)
    turning = film.path.parent / "turning.mp4"
    subprocess.run(
        [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=12:d=2", "-crf", "12", turning],
        check=True,
    )
    with at(film, tools, turning) as desk:
        assert steps(desk) == [("draft", "s030", "submit"), ("draft", "s010", "submit"), ("draft", "s020", "submit")]
        desk.make("draft")
        ledger = desk.running.ledger
        assert [entry.request["prompt"] for entry in ledger] == ["a stair.", "a door.", "the lamp is lit."]
        first = Image.open(uploaded(desk, ledger[1].request["image"])).convert("RGB")
    with av.open(str(turning)) as clip:
        *_, last = clip.decode(video=0)
        assert not ImageChops.difference(first, last.to_image().convert("RGB")).getbbox()  # type: ignore[no-untyped-call]
    assert ledger[1].request["image"] == ledger[2].request["image"], "the same frame is uploaded once"


def test_a_change_at_the_head_of_a_chain_runs_through_it(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with troubled(film, CHAIN, tools, tiny_clip) as desk:
        desk.make("draft")
        film.edit("a door", "a gate")
        assert steps(desk) == [("draft", "s030", "submit"), ("draft", "s010", "cached"), ("draft", "s020", "submit")]
        film.edit("id: s010, prompt: a stair, duration: 2", "id: s010, prompt: a stair, duration: 1.5, trim: {in: 0.5}")
        film.edit("a gate", "a door")
        assert {state for *_, state in steps(desk)} == {"cached"}


def test_what_is_not_in_a_pass_is_made_where_another_waits_for_it(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    text = CHAIN.replace("image-to-video-flash}", "image-to-video-flash, only: [s020]}")
    with troubled(film, text, tools, tiny_clip) as desk:
        assert steps(desk) == [("draft", "s030", "skipped"), ("draft", "s010", "submit"), ("draft", "s020", "submit")]
        desk.make("draft")
        assert [entry.request["prompt"] for entry in desk.running.ledger] == ["a stair.", "a door."]


def test_some_seconds_of_a_video_are_what_is_sent(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    source = film.path / "turn.mp4"
    subprocess.run(
        [tools.ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=4", "-g", "40", source], check=True
    )
    text = GUIDED.replace("[mira.png]", "[{file: turn.mp4, seconds: [1, 2.5]}]")
    with troubled(film, text, tools, tiny_clip) as desk:
        (job, *_) = desk.tell("plan", "-p", "draft")["jobs"]
        assert job["request"]["reference_urls"] == [f"sha256:{digest.sha256_file(source)}#t=1,2.5"]
        desk.make("draft")
        first, second = desk.running.ledger
        assert first.request["reference_urls"] == second.request["reference_urls"]
        sent = uploaded(desk, first.request["reference_urls"][0])
        probed = media.probe(sent)
        assert (probed.frames, probed.rate) == (15, 10)
        film.edit("seconds: [1, 2.5]", "seconds: [1, 2]")
        assert {state for *_, state in steps(desk, "-p", "draft")} == {"submit"}


def test_seconds_beyond_a_video_cost_nothing(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    shutil.copyfile(tiny_clip, film.path / "turn.mp4")
    text = GUIDED.replace("[mira.png]", "[{file: turn.mp4, seconds: [1, 99]}]")
    with troubled(film, text, tools, tiny_clip) as desk:
        done = desk.tell("render", "-p", "draft", "--yes", status=3)
        assert {result["state"] for result in done["results"]} == {"failed"}
        assert "so the seconds 1 to 99 can't be used" in done["results"][0]["error"]
        assert desk.running.ledger == []


def test_takes_are_made_side_by_side_until_one_is_picked(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    text = GUIDED.replace("duration: 2}", "duration: 2, takes: [1, 2, 3]}", 1)
    with troubled(film, text, tools, tiny_clip) as desk:
        done = desk.tell("render", "-p", "draft", "--yes")
        assert [(r["shot"], r.get("take"), r["state"]) for r in done["results"]] == [
            ("s010", None, "done"),
            ("s010", 2, "done"),
            ("s010", 3, "done"),
            ("s020", None, "done"),
        ]
        assert sorted(entry.request["seed"] for entry in desk.running.ledger) == [1, 1, 2, 3]
        assert done["results"][1]["clip"] == "build/draft/takes/s010/2.mp4"
        assert (film.path / done["results"][1]["clip"]).exists()
        assert done["cut"]["shots"] == 2
        film.edit("takes: [1, 2, 3]", "takes: [1, 2, 3], pick: 2")
        again = desk.tell("render", "-p", "draft", "--yes")
        assert [(r["shot"], r["state"]) for r in again["results"]] == [("s010", "cached"), ("s020", "cached")]
        assert again["jobs"][0]["request"]["seed"] == 2
        assert len(desk.running.ledger) == 4


def test_a_clip_of_one_s_own_is_shown_and_stays_where_it_is(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    shutil.copyfile(tiny_clip, film.path / "own.mp4")
    text = GUIDED.replace('prompt: "@mira leaves"', "clip: own.mp4")
    with troubled(film, text, tools, tiny_clip) as desk:
        done = desk.tell("render", "-p", "draft", "--yes")
        assert [(job["shot"], job["state"], job["key"], job["cost"]) for job in done["jobs"]][1] == (
            "s020",
            "clip",
            None,
            "0.00",
        )
        assert done["results"][1]["clip"] == "build/draft/clips/s020.mp4"
        assert (film.path / "own.mp4").read_bytes() == tiny_clip.read_bytes()
        assert (film.path / "build/draft/clips/s020.mp4").read_bytes() == tiny_clip.read_bytes()
        assert len(desk.running.ledger) == 1


def test_a_clip_of_one_s_own_guides_the_final(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    shutil.copyfile(tiny_clip, film.path / "own.mp4")
    text = GUIDED.replace(
        '"@mira leaves", duration: 2', '"@mira leaves", duration: 2, passes: {draft: {clip: own.mp4}}'
    )
    with troubled(film, text, tools, tiny_clip) as desk:
        last = desk.tell("plan", "-p", "final")["jobs"][-1]
        assert last["request"]["reference_urls"][-1] == f"sha256:{digest.sha256_file(tiny_clip)}"
        desk.make("final", only=("s020",))
        assert bought(desk) == [("1920*1080", "leaves")]


def test_a_chain_as_long_as_the_film_is_planned(film: Folder) -> None:
    shots = [f"  - {{id: s{n}, prompt: on, start_frame: {{last_frame_of: s{n - 1}}}}}\n" for n in range(1, 1200)]
    text = f"storyboard: 1\npasses: {{draft: {{model: {IMAGE}}}}}\nshots:\n  - {{id: s0, prompt: on, start_frame: mira.png}}\n"
    film.write(text + "".join(shots))
    plan = load(film.path / "storyboard.yaml").plan("draft")
    assert plan.count("submit") == 1200
    assert len({step.key for step in plan.steps}) == 1200
