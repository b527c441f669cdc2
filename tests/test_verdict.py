"""What people say of clips, and for how long it holds: approvals, acceptances, and the status that shows them."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import storyboard
from storyboard import timing
from storyboard.cli import common
from storyboard.compiler import load
from storyboard.lock import Approval, Entry, Lock, Place
from storyboard.lock.file import LockFile
from storyboard.tools import Tools
from tests import desk
from tests.desk import Desk
from tests.folder import Folder

BOARD = """\
storyboard: 1
title: Said
seed: 1
characters:
  mira: {references: [refs/turn.mp4]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  final: {model: wavespeed/alibaba/wan-2.6/reference-to-video, guide: draft}
shots:
  - {id: s010, prompt: "@mira climbs", duration: 5}
  - {id: s020, prompt: "@mira waits", duration: 5}
  - {id: s030, prompt: "@mira sleeps", duration: 5}
"""


@pytest.fixture
def film(project: Folder, tools: Tools, tiny_clip: Path) -> Iterator[Desk]:
    """Three shots whose drafts are bought, in a repository of somebody's."""
    (project.path / "refs").mkdir()
    shutil.copyfile(tiny_clip, project.path / "refs" / "turn.mp4")
    project.write(BOARD)
    for said in (["init", "-q"], ["config", "user.name", "Ada"], ["config", "user.email", "ada@example.com"]):
        subprocess.run(["git", *said], cwd=project.path, check=True)  # noqa: S607
    with desk.at(project, tools, tiny_clip) as its:
        its.make("draft")
        yield its


def words(film: Desk, pass_: str = "draft") -> dict[str, str]:
    return {row["shot"]: row["passes"][pass_] for row in film.tell("status")["shots"]}


def test_an_approval_is_of_the_clip_and_ends_with_it(film: Desk) -> None:
    assert words(film) == {"s010": "current", "s020": "current", "s030": "current"}
    said = film.tell("approve", "s010", "s020", "--note", "the light")["approved"]
    lock = load(film.film.path / "storyboard.yaml").lock
    assert said["s010"]["by"] == "Ada <ada@example.com>"
    assert said["s010"]["clip"] == lock.get("s010", "draft").clip
    assert lock.get("s010", "draft").approved.note == "the light"
    assert words(film) == {"s010": "approved", "s020": "approved", "s030": "current"}
    film.film.edit("@mira climbs", "@mira runs")
    assert words(film) == {"s010": "outdated", "s020": "approved", "s030": "current"}
    film.make("draft")
    assert words(film) == {"s010": "outdated", "s020": "approved", "s030": "current"}, "the new clip isn't approved"
    film.film.edit("@mira runs", "@mira climbs")
    film.make("draft")
    assert words(film)["s010"] == "approved", "the clip that was approved is back"
    film.say("approve", "--revoke", "s010")
    assert words(film) == {"s010": "current", "s020": "approved", "s030": "current"}


def test_what_is_stale_or_missing_cannot_be_approved(film: Desk) -> None:
    film.film.edit("@mira climbs", "@mira runs")
    before = (film.film.path / "storyboard.lock").read_bytes()
    assert "s010 is stale in pass draft" in film.say("approve", "s020", "s010", status=2)
    assert "s020 isn't rendered in pass final" in film.say("approve", "s020", "-p", "final", status=2)
    assert "did you mean 's010'" in film.say("approve", "s01", status=2)
    assert "isn't approved" in film.say("approve", "--revoke", "s020", status=2)
    assert (film.film.path / "storyboard.lock").read_bytes() == before


def test_only_approved_shots_are_promoted(film: Desk) -> None:
    assert set(film.states("-p", "final").values()) == {"submit"}
    film.say("approve", "s020", "s030")
    film.film.edit("@mira sleeps", "@mira wakes")
    results = film.make("final", only=("approved",))
    assert {one.step.shot: one.state for one in results if one.step.pass_id == "final"} == {  # noqa: S105
        "s010": "skipped",
        "s020": "done",
        "s030": "skipped",
    }
    assert sorted(film.bought) == ["climbs", "sleeps", "waits", "waits"]
    film.film.edit("guide: draft}", "guide: draft, only: [approved]}")
    assert film.states("-p", "final") == {"s010": "skipped", "s020": "cached", "s030": "skipped"}
    film.make("draft")
    film.say("approve", "s030")
    assert film.states("-p", "final") == {"s010": "skipped", "s020": "cached", "s030": "submit"}


def test_an_approved_final_is_approved_whatever_its_draft_is(film: Desk) -> None:
    film.say("approve", "s010")
    film.make("final", only=("approved",))
    film.say("approve", "s010", "-p", "final")
    film.say("approve", "--revoke", "s010")
    assert film.states("-p", "final")["s010"] == "cached"
    film.film.edit("guide: draft}", "guide: draft, only: [approved]}")
    assert film.states("-p", "final") == {"s010": "cached", "s020": "skipped", "s030": "skipped"}


def test_an_accepted_clip_stays_until_its_shot_changes_again(film: Desk) -> None:
    film.film.edit("@mira climbs", "@mira runs")
    price = film.tell("plan")["total"]["cost"]
    assert price != "0.00"
    film.say("accept", "s010", "--note", "good enough")
    plan = film.tell("plan")
    assert [job["state"] for job in plan["jobs"]] == ["cached"] * 3
    assert plan["jobs"][0]["reasons"][0].startswith("accepted as it is by Ada <ada@example.com>, 20")
    assert plan["jobs"][0]["reasons"][0].endswith(": good enough")
    assert words(film)["s010"] == "accepted"
    film.say("approve", "s010")
    assert words(film)["s010"] == "approved"
    film.make("draft")
    assert len(film.running.ledger) == 3, "nothing was bought"
    film.film.edit("@mira runs", "@mira flies")
    assert film.states() == {"s010": "submit", "s020": "cached", "s030": "cached"}
    film.film.edit("@mira flies", "@mira runs")
    assert film.states()["s010"] == "cached"
    film.say("accept", "--revoke", "s010")
    assert film.tell("plan")["total"]["cost"] == price


def test_what_is_made_from_an_accepted_clip_stays_too(film: Desk) -> None:
    film.make("final")
    film.film.edit("@mira climbs", "@mira runs")
    film.film.edit("guide: draft}", "guide: draft, prompt_expansion: false}")
    assert film.states("-p", "final")["s010"] == "submit"
    film.say("accept", "s010", "-p", "final")
    film.say("accept", "s010", "-p", "draft")
    assert set(film.states("-p", "final").values()) == {"cached"}
    assert set(film.states("-p", "draft").values()) == {"cached"}


def test_a_final_of_an_accepted_draft_is_guided_by_the_clip_that_is_there(film: Desk) -> None:
    film.film.edit("duration: 5}\n  - {id: s020", "duration: 6}\n  - {id: s020")
    film.say("accept", "s010")
    kept = load(film.film.path / "storyboard.yaml").lock.get("s010", "draft")
    results = film.make("final", only=("s010",))
    assert [(one.step.pass_id, one.state) for one in results] == [("draft", "cached"), ("final", "done")]
    assert f"key:{kept.key}" in str(results[1].step.job.request)
    assert len(film.running.ledger) == 4, "the final alone was bought"


def test_what_is_current_or_not_there_cannot_be_accepted(film: Desk) -> None:
    assert "s010 is current" in film.say("accept", "s010", status=2)
    assert "no clip in pass final" in film.say("accept", "s010", "-p", "final", status=2)
    film.film.edit("@mira climbs", "@mira runs")
    shutil.rmtree(film.film.path / ".storyboard" / "cas")
    assert "isn't here" in film.say("accept", "s010", status=2)
    assert "isn't accepted" in film.say("accept", "--revoke", "s010", status=2)


def test_status_says_why_a_shot_is_stale_and_what_it_would_cost(film: Desk) -> None:
    film.film.edit("@mira climbs", "@mira runs")
    film.film.write(
        film.film.path.joinpath("storyboard.yaml").read_text().replace("- {id: s030", "- {id: s030, skip: true")
    )
    said = film.say("status")
    assert "s010 (draft): stale: prompt: 'character1 climbs.' -> 'character1 runs.'" in said
    rows = {row["shot"]: row["details"]["draft"] for row in film.tell("status")["shots"]}
    assert rows["s010"]["state"] == "stale"
    assert rows["s010"]["cost"] == film.tell("plan")["jobs"][0]["cost"]
    assert rows["s020"] | {"reasons": []} == {
        "state": "current",
        "reasons": [],
        "key": rows["s020"]["key"],
        "clip": rows["s020"]["clip"],
        "cost": "0.00",
        "approval": None,
    }
    assert rows["s030"]["state"] == "skipped"
    assert words(film, "final") == {"s010": "missing", "s020": "missing", "s030": "skipped"}


def test_a_lock_that_cannot_be_read_stops_everything_and_stays_as_it_is(film: Desk) -> None:
    path = film.film.path / "storyboard.lock"
    lines = path.read_text().splitlines(keepends=True)
    row = next(n for n, line in enumerate(lines) if "seed = 1" in line)
    two = lines[row].replace("1", "2")
    broken = "".join(
        [*lines[:row], "<<<<<<< HEAD\n", lines[row], "=======\n", two, ">>>>>>> theirs\n", *lines[row + 1 :]]
    )
    path.write_text(broken)
    for command in (
        ["plan"],
        ["render", "--yes"],
        ["status"],
        ["approve", "s010"],
        ["accept", "s010"],
        ["cut"],
        ["check"],
    ):
        said = film.say(*command, status=1)
        assert "SB014" in said, command
        assert "a merge left its conflict in the lock" in said
        assert "git checkout --merge" in said
    assert path.read_text() == broken
    assert len(film.running.ledger) == 3


def clip_of(key: str, clip: str = "") -> Entry:
    return Entry(key * 64, (clip or key) * 64, 9, "local/animatic")


def test_a_renamed_shot_takes_its_entries_along_and_leaves_none_of_its_new_name() -> None:
    mine, others, stale = clip_of("a"), clip_of("b"), clip_of("c")
    lock = Lock(
        {
            Place("s010", "draft"): mine,
            Place("s010", "draft", 2): others,
            Place("s020", "draft"): stale,
            Place("s030", "draft"): None,
        }
    )
    assert lock.renamed("s010", "s020").entries == {
        Place("s020", "draft"): mine,
        Place("s020", "draft", 2): others,
        Place("s030", "draft"): None,
    }
    assert lock.renamed("s040", "s010") == lock


def test_a_shot_renamed_by_hand_keeps_its_approval(film: Desk) -> None:
    film.say("approve", "s020")
    film.film.edit("id: s020", "id: s025")
    assert words(film)["s025"] == "current"
    film.make("draft")
    assert words(film) == {"s010": "current", "s025": "approved", "s030": "current"}


def test_a_shot_that_is_skipped_for_a_while_keeps_its_approval(film: Desk) -> None:
    film.say("approve", "s020")
    film.film.edit("{id: s020,", "{id: s020, skip: true,")
    film.make("draft")
    assert words(film) == {"s010": "current", "s020": "skipped", "s030": "current"}
    film.film.edit("{id: s020, skip: true,", "{id: s020,")
    film.make("draft")
    assert words(film) == {"s010": "current", "s020": "approved", "s030": "current"}


def test_a_lock_names_every_shot_and_pass_of_the_film_and_no_other(film: Desk) -> None:
    path = film.film.path / "storyboard.yaml"
    assert {(place.shot, place.pass_id): bool(one) for place, one in load(path).lock.entries.items()} == {
        ("s010", "draft"): True,
        ("s020", "draft"): True,
        ("s030", "draft"): True,
        ("s010", "final"): False,
        ("s020", "final"): False,
        ("s030", "final"): False,
    }
    text = path.read_text().replace("  final:", "  last:")
    film.film.write("\n".join(line for line in text.split("\n") if "s020" not in line))
    film.make("draft")
    assert {place[:2] for place in load(path).lock.entries} == {
        (shot, name) for shot in ("s010", "s030") for name in ("draft", "last")
    }


def test_a_render_that_finds_everything_leaves_the_lock_as_it_is(film: Desk) -> None:
    path = film.film.path / "storyboard.lock"
    before = path.stat()
    film.make("draft")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_lock_says_what_was_bought_as_what_by_whom_when_and_for_how_much(film: Desk) -> None:
    project = load(film.film.path / "storyboard.yaml")
    bought = project.journal.latest()
    for shot in ("s010", "s020", "s030"):
        one = project.lock.get(shot, "draft")
        purchase = bought[one.key]
        assert one.id == purchase.shown
        assert one.id
        assert one.at == timing.moment(purchase.accepted)
        assert one.price == "0.25"
        assert one.seed == 1
        assert one.model == "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
        assert one.by == storyboard.__version__
        assert one.size == (project.store.root / "cas" / one.clip).stat().st_size


def test_two_that_change_a_lock_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.lock"
    script = (
        "import sys; from pathlib import Path; from storyboard.lock import *; from storyboard.lock.file import LockFile\n"
        "for n in range(40):\n"
        "    one = Entry('a' * 64, 'b' * 64, n, 'local/animatic')\n"
        "    LockFile(Path(sys.argv[1])).change(lambda lock: Lock({**lock.entries, Place(f'{sys.argv[2]}{n}', 'draft'): one}))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in "xy"]
    assert [one.wait() for one in both] == [0, 0]
    assert len(LockFile(path).read().entries) == 80


def test_an_approval_leaves_what_a_render_wrote_meanwhile(film: Desk) -> None:
    project = load(film.film.path / "storyboard.yaml")
    seen = project.lock.get("s010", "draft")
    LockFile(film.film.path / "storyboard.lock").change(lambda lock: lock.having("draft", {"s010": clip_of("d")}))
    words_ = {"s010": Approval(seen.clip, seen.key, "Ada", "2026-11-22T00:00:00Z")}
    common.say(project, "draft", {"s010": seen}, "approved", words_, as_json=False)
    found = LockFile(film.film.path / "storyboard.lock").read().get("s010", "draft")
    assert found == clip_of("d")._replace(approved=words_["s010"])
    assert not found.is_approved
