"""The whole story, with real git: branch, edit, plan, draft, approve, merge, promote, clone, and the same cut elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from storyboard.catalog import Catalog
from storyboard.lock.file import LockFile
from storyboard.simulator import Running, Simulator
from storyboard.tools import Tools
from tests.bazel import Bazel
from tests.desk import QUICK
from tests.folder import ROOT, Folder

BOARD = """\
# The Ford, for four riders.
storyboard: 1
title: The Ford
seed: 7
characters:
  mira: {name: Mira, references: [refs/turn.mp4]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  final: {model: wavespeed/alibaba/wan-2.6/reference-to-video, only: [approved]}
shots:
  - id: s010
    prompt: "@mira looks at the river"
    duration: 0.5
    trim: {of: 2}

  - id: s020
    prompt: "@mira rides into the ford"   # the water is cold
    duration: 0.5
    trim: {of: 2}

  - id: s030
    prompt: "@mira turns back"
    duration: 0.5
    trim: {of: 2}
"""


class Seat:
    """Somebody with a clone, a store and the commands."""

    def __init__(self, place: Path, name: str, environment: dict[str, str]) -> None:
        self.film = Folder(place)
        self.name = name
        self.environment = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "XDG_CONFIG_HOME": str(place.parent / f"{name}.config"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
            **environment,
        }

    def say(self, *arguments: str, status: int = 0) -> str:
        done = self.film.run(*arguments, status=status, **self.environment)
        return done.stdout + done.stderr

    def tell(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.film.run(*arguments, "--json", status=status, **self.environment).stdout)

    def git(self, *arguments: str) -> str:
        who = {"GIT_AUTHOR_NAME": self.name, "GIT_COMMITTER_NAME": self.name}
        mail = dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), f"{self.name}@example.com")
        self.environment |= who | mail
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607
            cwd=self.film.path,
            env={**self.environment, "HOME": str(self.film.path.parent), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    @property
    def lock(self) -> Any:
        return LockFile(self.film.path / "storyboard.lock").read()

    def words(self, pass_: str) -> dict[str, str]:
        return {row["shot"]: row["passes"][pass_] for row in self.tell("status")["shots"]}


@pytest.fixture
def shop(tools: Tools) -> Iterator[Running]:
    with Simulator(tools, Catalog(), latency=0, rate=Fraction(2)).serving() as running:
        yield running


def test_two_branches_become_one_film_that_is_cut_elsewhere_without_buying(  # noqa: PLR0915 -- it is one story
    tmp_path: Path, tiny_clip: Path, shop: Running
) -> None:
    with Bazel() as cache:
        shared = {"STORYBOARD_REMOTE": cache.url}
        ada = Seat(tmp_path / "ada", "ada", {**shop.environment(), **QUICK, **shared})
        (ada.film.path / "refs").mkdir(parents=True)
        shutil.copyfile(tiny_clip, ada.film.path / "refs" / "turn.mp4")
        ada.film.write(BOARD)
        ada.git("init", "-q", "-b", "main")
        ada.say("init", "--git")
        assert ada.tell("plan")["total"]["cost"] == "0.75"
        assert ada.tell("render", "--yes")["spent"] == "0.75"
        ada.commit("the first draft")

        # Bo's clone: nothing is bought that Ada bought.
        ada.git("clone", "-q", str(ada.film.path), str(tmp_path / "bo"))
        bo = Seat(tmp_path / "bo", "bo", ada.environment | {"XDG_CONFIG_HOME": str(tmp_path / "bo.config")})
        bo.say("init", "--git")
        plan = bo.tell("plan")
        assert {job["state"] for job in plan["jobs"]} == {"cached"}
        assert plan["total"]["cost"] == "0.00"

        # On his branch he rewords a shot, sees the price and the reason, drafts, and approves.
        bo.git("checkout", "-q", "-b", "colder")
        bo.film.edit("rides into the ford", "wades into the icy ford")
        against = bo.tell("plan", "--against", "main")
        assert [(job["shot"], job["state"]) for job in against["jobs"]] == [
            ("s010", "cached"),
            ("s020", "submit"),
            ("s030", "cached"),
        ]
        assert "icy" in str(against["jobs"][1]["reasons"])
        assert against["total"]["cost"] == "0.25"
        assert "icy" in bo.say("diff", "main", "--format", "markdown")
        assert bo.tell("render", "--yes")["spent"] == "0.25"
        bo.say("approve", "s020", "--note", "colder is better")
        bo.commit("colder")

        # Meanwhile Ada moves a shot on main, renames another, and approves both: nothing is bought.
        ada.say("mv", "s030", "s005")
        ada.say("reorder", "s005", "--first")
        ada.say("approve", "s005", "s010")
        assert {job["state"] for job in ada.tell("plan")["jobs"]} == {"cached"}
        ada.commit("back first")
        bought = len(shop.ledger)
        assert bought == 4

        # The two merge, storyboard and lock.
        ada.git("fetch", "-q", str(bo.film.path), "colder:colder")
        ada.git("merge", "-q", "--no-edit", "colder")
        text = (ada.film.path / "storyboard.yaml").read_text()
        assert "icy" in text
        assert "# the water is cold" in text
        assert text.index("s005") < text.index("s010") < text.index("s020")
        assert ada.words("draft") == {"s005": "approved", "s010": "approved", "s020": "approved"}
        assert ada.lock.get("s020", "draft").approved.by == "bo <bo@example.com>"

        # One approval is outdated before the final: what is promoted is what is approved.
        ada.film.edit("looks at the river", "looks over the river")
        assert ada.words("draft")["s010"] == "outdated"
        assert ada.tell("render", "--yes")["spent"] == "0.25"
        ada.commit("over the river")
        final = ada.tell("render", "-p", "final", "--yes")
        assert {one["shot"]: one["state"] for one in final["results"] if one["pass"] == "final"} == {  # noqa: S105
            "s005": "done",
            "s010": "skipped",
            "s020": "done",
        }
        assert final["cut"]["sources"] == {"s005": "final", "s010": "draft", "s020": "final"}
        assert len(shop.ledger) == bought + 3
        ada.commit("promoted")
        cut = (ada.film.path / final["cut"]["path"]).read_bytes()

        # Elsewhere: no keys, no store, no journal.
        ada.git("clone", "-q", str(ada.film.path), str(tmp_path / "ci"))
        ci = Seat(tmp_path / "ci", "ci", shared | {"XDG_CONFIG_HOME": str(tmp_path / "ci.config")})
        before = len(shop.ledger)
        told = json.loads(
            ci.film.run("render", "-p", "final", "--frozen", "--json", cold=True, **ci.environment).stdout
        )
        assert told["spent"] == "0.00"
        assert told["cut"]["sources"] == final["cut"]["sources"]
        assert (ci.film.path / told["cut"]["path"]).read_bytes() == cut
        assert len(shop.ledger) == before
        assert ci.git("status", "--porcelain") == "", "a frozen render leaves the clone as it is"

        # What differs is refused by name; so is what nobody has any more.
        ci.film.edit("turns back", "rides back")
        refused = ci.say("render", "-p", "final", "--frozen", status=4)
        assert "s005 (final)" in refused
        assert "s020" not in refused
        ci.film.edit("rides back", "turns back")
        shutil.rmtree(ci.film.path / ".storyboard")
        clip = ci.lock.get("s020", "final").clip
        cache.lose(f"cas/{clip}")
        refused = ci.say("render", "-p", "final", "--frozen", status=4)
        assert f"s020 (final): clip {clip[:8]} isn't here" in refused
        assert "s005" not in refused
        ada.say("cache", "push")
        assert (
            json.loads(ci.film.run("render", "-p", "final", "--frozen", "--json", **ci.environment).stdout)["spent"]
            == "0.00"
        )
        assert (ci.film.path / told["cut"]["path"]).read_bytes() == cut
