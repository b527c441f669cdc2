"""What users see of their money, at the command line, against the simulator over real HTTP."""

import csv
import io
import os
import pty
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from storyboard.catalog import Catalog, own
from storyboard.tools import Tools
from tests.desk import at
from tests.folder import ROOT, Folder

BOARD = """\
storyboard: 1
title: Three shots
fps: 6
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  gate: {model: vercel/alibaba/wan-v2.6-r2v-flash, upload_via: wavespeed}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
  - {id: s020, prompt: "@mira leaves", duration: 2}
  - {id: s030, prompt: "@mira sleeps", duration: 2}
"""
DROP = {"on": "submit", "prompt": "leaves", "do": "drop"}


@pytest.fixture
def film(project: Folder) -> Folder:
    project.picture("mira.png")
    project.write(BOARD)
    return project


def test_a_lost_answer_is_held_and_then_found(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, DROP) as desk:
        first = desk.tell("render", "--yes", status=3)
        assert [(r["state"], r["cost"]) for r in first["results"]] == [
            ("done", "0.25"),
            ("held", "0.25"),
            ("done", "0.25"),
        ]
        assert "answer was lost" in first["results"][1]["error"]
        plan = desk.tell("plan")
        assert [job["state"] for job in plan["jobs"]] == ["cached", "held", "cached"]
        assert "resolve s020" in plan["jobs"][1]["reasons"][0]
        assert (plan["total"]["submit"], plan["total"]["held"], plan["total"]["cost"]) == (0, 1, "0.00")
        again = desk.tell("render")
        assert [r["state"] for r in again["results"]] == ["cached", "done", "cached"]
        assert again["spent"] == "0.00"
        assert sorted(desk.bought) == ["leaves", "sleeps", "waits"]
        ledger = desk.tell("ledger")
        assert (ledger["spent"], ledger["saved"]) == ("0.75", "0.50")
        adopted = {one["shot"]: one["adopted"] for one in ledger["purchases"]}
        assert adopted == {"s010": False, "s020": True, "s030": False}
        assert desk.tell("audit")["differences"] == []


def test_resolve_shows_the_evidence_and_adopts_by_hand(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, DROP) as desk:
        desk.make()
        (job,) = [entry for entry in desk.running.ledger if "leaves" in entry.request["prompt"]]
        shown = desk.tell("resolve", status=3)
        (case,) = shown["purchases"]
        assert (case["shot"], case["pass"], case["state"], case["price"], shown["held"]) == (
            "s020",
            "draft",
            "lost",
            "0.25",
            1,
        )
        assert [(one["id"], one["price"]) for one in case["candidates"]] == [(job.id, "0.25")]
        text = desk.say("resolve", status=3)
        assert f"could be {job.id}" in text
        assert "--adopt ID | --buy-again | --give-up" in text
        assert "knows no job" in desk.say("resolve", "s020", "--adopt", "0" * 32, status=4)
        other = next(entry.id for entry in desk.running.ledger if entry.id != job.id)
        assert "another purchase" in desk.say("resolve", "s020", "--adopt", other, status=4)
        assert "adopted" in desk.say("resolve", "s020", "--adopt", job.id)
        assert desk.states()["s020"] == "resume"
        assert desk.tell("resolve", "--only-held") == {"format": 1, "purchases": [], "held": 0}
        assert [one["id"] for one in desk.tell("resolve")["purchases"]] == [job.id]
        assert desk.make()[1].state == "done"
        assert len(desk.bought) == 3
        assert "nothing waits" in desk.say("resolve")


def test_buying_again_needs_the_word_and_then_consent(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, {**DROP, "do": "status", "status": 500}) as desk:
        desk.make()
        assert "no job in WaveSpeedAI's list could be it" in (desk.make()[1].error or "")
        assert len(desk.bought) == 2
        desk.say("resolve", "s020", "--buy-again")
        assert desk.states()["s020"] == "submit"
        assert "Refused" in desk.say("render", status=4)
        assert sum(result.cost for result in desk.make()) == Decimal("0.25")
        assert desk.bought[-1] == "leaves"
        assert desk.tell("ledger")["spent"] == "1.00", "what may have been bought stays booked"
        assert [one["difference"] for one in desk.tell("audit", status=3)["differences"]] == [
            "waived: no id to compare"
        ]


def test_what_is_given_up_is_not_bought(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, {**DROP, "do": "status", "status": 502}) as desk:
        desk.make()
        desk.say("resolve", "s020", "--give-up")
        assert desk.states()["s020"] == "blocked"
        result = desk.make()[1]
        assert (result.state, result.cost) == ("failed", 0)
        assert len(desk.bought) == 2
        desk.film.edit("@mira leaves", "@mira runs")
        assert desk.make()[1].state == "done"


@pytest.mark.parametrize(
    ("policy", "after", "state"), [("adopt", "0", "held"), ("buy-again", "0", "submit"), ("give-up", "1d", "held")]
)
def test_a_policy_settles_what_cannot_be_found(
    film: Folder, tools: Tools, tiny_clip: Path, policy: str, after: str, state: str
) -> None:
    with at(film, tools, tiny_clip, {**DROP, "do": "status", "status": 504}) as desk:
        desk.make()
        held = 3 if state == "held" else 0
        shown = desk.tell("resolve", "--policy", policy, "--after", after, "--only-held", status=held)
        assert [one["shot"] for one in shown["purchases"]] == (["s020"] if held else [])
        assert desk.states() == {"s010": "cached", "s020": state, "s030": "cached"}
        assert len(desk.bought) == 2


@pytest.mark.parametrize("policy", ["adopt", "buy-again", "give-up"])
def test_every_policy_adopts_where_there_is_no_doubt(film: Folder, tools: Tools, tiny_clip: Path, policy: str) -> None:
    with at(film, tools, tiny_clip, DROP) as desk:
        desk.make()
        assert desk.tell("resolve", "--policy", policy, "--only-held")["held"] == 0
        assert desk.states()["s020"] == "resume"
        assert desk.make()[1].state == "done"
        assert len(desk.bought) == 3


def test_two_lost_at_once_are_not_guessed_at(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, DROP, {**DROP, "prompt": "sleeps"}) as desk:
        desk.make()
        shown = desk.tell("resolve", "--policy", "adopt", status=3)
        assert [(one["shot"], len(one["candidates"])) for one in shown["purchases"]] == [("s020", 2), ("s030", 2)]
        assert [result.state for result in desk.make()] == ["cached", "held", "held"]
        assert len(desk.bought) == 3


def test_words_that_make_no_sense_are_refused(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        assert "exclude" in desk.say("resolve", "s010", "--adopt", "x", "--give-up", status=2)
        assert "needs a shot" in desk.say("resolve", "--give-up", status=2)
        assert "nothing of shot 's010'" in desk.say("resolve", "s010", "--give-up", status=2)
        assert list(film.path.glob(".storyboard/journal*")) == [], "looking makes no journal"
        assert "no pass" in desk.say("resolve", "-p", "nosuch", status=2)
        assert "stretch of time" in desk.say("resolve", "--policy", "adopt", "--after", "soon", status=2)


def test_a_failed_job_is_offered_again_and_a_refund_is_seen(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, {"on": "submit", "prompt": "leaves", "do": "fail"}) as desk:
        desk.make()
        plan = desk.tell("plan")
        job = plan["jobs"][1]
        assert (job["state"], job["cost"]) == ("submit", "0.25")
        assert "could not make it" in job["reasons"][0]
        assert (plan["total"]["low"], plan["total"]["expected"], plan["total"]["high"]) == ("0.25", "0.25", "0.25")
        assert desk.tell("ledger")["spent"] == "0.75"
        (difference,) = desk.tell("audit", status=3)["differences"]
        assert (difference["shot"], difference["difference"], difference["billed"]) == ("s020", "refunded", "0.00")
        assert desk.tell("ledger")["spent"] == "0.50"
        assert "agrees" in desk.say("audit")
        desk.make()
        desk.film.edit("@mira leaves", "@mira runs")
        total = desk.tell("plan")["total"]
        assert (total["low"], total["expected"], total["high"]) == ("0.25", "0.33", "0.50")
        assert "($0.33 expected, $0.50 high, by the ledger)" in desk.say("plan")


def test_a_moderated_shot_stays_so_until_it_changes(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, {"on": "submit", "prompt": "leaves", "do": "moderate"}) as desk:
        desk.make()
        assert desk.states()["s020"] == "blocked"
        again = desk.make()[1]
        assert again.state == "failed"
        assert "change its text, references, take or seed" in (again.error or "")
        assert len(desk.bought) == 3
        desk.film.edit("@mira leaves", "@mira walks away")
        assert desk.make()[1].state == "done"


def test_a_budget_holds_over_all_renders(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        film.edit("title: Three shots", "title: Three shots\nbudget: 0.50")
        assert "over the budget of $0.50" in desk.say("render", "--yes", status=4)
        assert "over the budget" in desk.say("render", "--max-cost", "9", status=4)
        desk.make(only=("s010", "s020"))
        assert "with $0.50 spent is over the budget" in desk.say("render", "--yes", status=4)
        assert "over the budget" in desk.say("render", "--yes", "-p", "gate", status=4), (
            "an unknown price passes nowhere"
        )
        assert sorted(desk.bought) == ["leaves", "waits"]
        assert desk.tell("ledger")["budget"] == "0.50"


def test_a_ceiling_holds_in_one_render(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        assert "over the ceiling of $0.74" in desk.say("render", "--max-cost", "0.74", status=4)
        assert desk.bought == []
        desk.tell("render", "--max-cost", "0.75")
        assert len(desk.bought) == 3


UNASKED = {"on": "poll", "prompt": "leaves", "do": "status", "status": 401}
"""The service won't be asked about this one."""


def test_what_was_bought_for_an_earlier_version_is_fetched(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, UNASKED) as desk:
        assert [result.state for result in desk.make()] == ["done", "held", "done"]
        assert desk.states()["s020"] == "resume"
        film.edit("@mira leaves", "@mira runs")
        assert desk.states()["s020"] == "submit"
        assert [result.state for result in desk.make()] == ["cached", "done", "cached"]
        film.edit("@mira runs", "@mira leaves")
        assert desk.states()["s020"] == "cached"
        assert sorted(desk.bought) == ["leaves", "runs", "sleeps", "waits"]


def test_what_was_bought_of_a_model_that_is_no_longer_known_stops_nothing(
    film: Folder, tools: Tools, tiny_clip: Path
) -> None:
    flash = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
    text = (ROOT / "storyboard/catalog/wavespeed-wan-2.6-reference-to-video-flash.toml").read_text("utf-8")
    film.write(text.replace("wan-2.6/reference", "wan-9.9/reference", 1), "models/next.toml")
    film.edit(flash, flash.replace("2.6", "9.9"))
    models = Catalog(own.read(film.path / "models", "models")[0])
    with at(film, tools, tiny_clip, UNASKED, models=models) as desk:
        assert [result.state for result in desk.make()] == ["done", "held", "done"]
        (film.path / "models/next.toml").unlink()
        film.edit(flash.replace("2.6", "9.9"), flash)
        assert [result.state for result in desk.make()] == ["done", "done", "done"]
        assert [one["shot"] for one in desk.tell("resolve")["purchases"]] == ["s020"]
        assert [one["shot"] for one in desk.tell("recover", status=3)["missing"]] == ["s020"]
        assert "s020" not in str(desk.tell("status")["deleted_soon"])


def test_a_render_ends_when_its_time_is_up_and_can_be_gone_on_with(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, {"on": "poll", "do": "status_word", "times": 0}) as desk:
        (result,) = (one for one in desk.make(only=("s020",), seconds=2) if one.step.shot == "s020")
        assert (result.state, "in the time that this render had" in (result.error or "")) == ("held", True)
        assert desk.states()["s020"] == "resume"
        assert desk.bought == ["leaves"]


def test_recover_fetches_by_id_what_is_missing(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        desk.make()
        for record in (film.path / ".storyboard/ac").iterdir():
            record.unlink()
        assert set(desk.states().values()) == {"resume"}
        shown = desk.tell("recover")
        assert ([one["shot"] for one in shown["fetched"]], shown["missing"]) == (["s010", "s020", "s030"], [])
        assert set(desk.states().values()) == {"cached"}
        assert "everything that was bought is here" in desk.say("recover")
        assert len(desk.bought) == 3


def test_a_damaged_clip_is_fetched_again_by_its_id(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        desk.make()
        (blob,) = (
            path
            for path in (film.path / ".storyboard/cas").iterdir()
            if path.stat().st_size == tiny_clip.stat().st_size
        )
        blob.write_bytes(b"damaged")
        plan = desk.tell("plan")
        assert {job["state"] for job in plan["jobs"]} == {"resume"}
        assert "is damaged: fetched again as" in plan["jobs"][0]["reasons"][0]
        assert {result.state for result in desk.make()} <= {"done", "cached"}
        assert len(desk.bought) == 3
        assert [path.name for path in (film.path / ".storyboard/quarantine").iterdir()]


def test_a_clip_that_its_service_deleted_is_not_bought_again_unasked(
    film: Folder, tools: Tools, tiny_clip: Path
) -> None:
    with at(film, tools, tiny_clip) as desk:
        desk.make()
        for record in (film.path / ".storyboard/ac").iterdir():
            record.unlink()
        with sqlite3.connect(film.path / ".storyboard/journal.sqlite") as db:
            db.execute("UPDATE purchase SET completed = completed - 8 * 86400000")
        db.close()
        plan = desk.tell("plan")
        assert {job["state"] for job in plan["jobs"]} == {"submit"}
        assert "its service keeps it no longer" in plan["jobs"][0]["reasons"][0]
        assert "Refused" in desk.say("render", status=4)
        assert len(desk.bought) == 3
        assert {result.state for result in desk.make()} == {"done"}
        assert len(desk.bought) == 6


def test_an_id_that_is_no_longer_known_is_held_until_it_is_known_again(
    film: Folder, tools: Tools, tiny_clip: Path
) -> None:
    with at(
        film, tools, tiny_clip, {"on": "poll", "prompt": "leaves", "do": "status", "status": 404, "times": 2}
    ) as desk:
        assert desk.make()[1].state == "held"
        assert desk.states()["s020"] == "held"
        assert desk.make()[1].state == "held"
        assert desk.make()[1].state == "done"
        assert len(desk.bought) == 3


def test_status_tells_every_pass_and_warns_of_what_is_deleted_soon(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip, UNASKED) as desk:
        desk.make()
        film.edit("@mira waits", "@mira listens")
        shown = desk.tell("status")
        assert [(row["shot"], row["passes"]["draft"], row["passes"]["gate"]) for row in shown["shots"]] == [
            ("s010", "stale", "missing"),
            ("s020", "bought", "missing"),
            ("s030", "current", "missing"),
        ]
        assert shown["deleted_soon"] == []
        with sqlite3.connect(film.path / ".storyboard/journal.sqlite") as db:
            db.execute("UPDATE purchase SET accepted = accepted - 6.5 * 86400000 WHERE state = 'accepted'")
        db.close()
        (soon,) = desk.tell("status")["deleted_soon"]
        assert (soon["shot"], 11 < soon["seconds"] / 3600 <= 12) == ("s020", True)
        text = desk.say("status")
        assert "s020 (draft) is bought and not fetched, and its service deletes it in 1" in text
        assert "'storyboard recover' fetches it" in text


def test_the_ledger_sums_up_by_what_it_was_spent_on(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        assert desk.say("ledger") == "nothing was bought\n"
        desk.make()
        desk.make("gate")
        for by, whats in {
            "shot": ["s010", "s020", "s030"],
            "pass": ["draft", "gate"],
            "model": ["wavespeed/alibaba/wan-2.6/reference-to-video-flash", "vercel/alibaba/wan-v2.6-r2v-flash"],
        }.items():
            told = desk.tell("ledger", "--by", by)
            assert [row["what"] for row in told["entries"]] == whats
            assert sum(Decimal(row["spent"]) for row in told["entries"]) == Decimal(told["spent"]) == Decimal("0.75")
            assert sum(row["unknown"] for row in told["entries"]) == told["total"]["unknown"] == 3
        (day,) = desk.tell("ledger", "--by", "day")["entries"]
        assert (day["purchases"], day["stored"]) == (6, 6)
        rows = list(csv.DictReader(io.StringIO(desk.say("ledger", "--csv"))))
        assert [(row["shot"], row["spent"]) for row in rows][:3] == [(f"s0{n}0", "0.25") for n in (1, 2, 3)]
        assert {row["spent"] for row in rows[3:]} == {""}
        assert "$0.75 + 3 unknown" in desk.say("ledger")


def test_an_audit_names_what_others_bought(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        desk.make()
        (film.path / ".storyboard/journal.sqlite").unlink()
        found = desk.tell("audit", status=3)["differences"]
        assert len(found) == 3
        assert {one["difference"] for one in found} == {
            "billed, not in the ledger (alibaba/wan-2.6/reference-to-video-flash)"
        }
        assert {one["billed"] for one in found} == {"0.25"}
        assert film.run("audit", status=5).stderr.startswith("Error: ")


def test_a_journal_of_a_newer_version_stops_everything_that_costs(film: Folder, tools: Tools, tiny_clip: Path) -> None:
    with at(film, tools, tiny_clip) as desk:
        desk.make(only=("s010",))
        path = film.path / ".storyboard/journal.sqlite"
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 9")
        db.close()
        before = path.read_bytes()
        for command in (["plan"], ["render", "--yes"], ["ledger"], ["status"], ["recover"], ["audit"], ["resolve"]):
            assert "version 9" in desk.say(*command, status=4)
        assert path.read_bytes() == before
        assert desk.bought == ["waits"]


@pytest.mark.parametrize(("answers", "status", "bought"), [("y\nn\n", 4, 0), ("n\n", 4, 0), ("y\ny\n", 0, 1)])
def test_an_unknown_price_is_asked_about_by_itself(
    film: Folder, tools: Tools, tiny_clip: Path, answers: str, status: int, bought: int
) -> None:
    with at(film, tools, tiny_clip) as desk:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "storyboard", "render", "-p", "gate", "--only", "s010"],
            cwd=film.path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(film.path), "PYTHONPATH": str(ROOT), **desk.environment},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(theirs)
        os.write(ours, answers.encode())
        _, said = process.communicate()
        os.close(ours)
        assert (process.returncode, len(desk.bought)) == (status, bought), said
    assert ("The price of 1 clip is unknown. Buy all the same?" in said) == answers.startswith("y")


def test_a_free_pass_needs_no_journal(film: Folder) -> None:
    film.edit("passes:\n", "passes:\n  animatic: {model: local/animatic}\n")
    film.run("render", "--only", "s010")
    assert not (film.path / ".storyboard/journal.sqlite").exists()
