"""The central promise: after a change, exactly what changed is made again, and nothing else is touched."""

import asyncio
import re
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

import storyboard
from storyboard.buy import Terms
from storyboard.compiler import Project
from storyboard.event import ignore
from storyboard.execute import Result, execute
from storyboard.job import Job
from storyboard.lock import Place, entry
from storyboard.plan import Plan
from storyboard.providers import Limit, Progress, Status, Ticket
from storyboard.providers.failure import ClipFailed

BOARD = """\
storyboard: 1
title: The Keeper
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
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash, audio: false}
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
    dialogue: [{who: tom, line: Home., at: 1}]
"""


class Remembering:
    """A provider that makes small clips of its own and remembers what it was asked for."""

    def __init__(self, clip: Path, failing: str = "") -> None:
        self.submitted: list[Job] = []
        self._clip = clip
        self._failing = failing

    limit = Limit(2, 1000)

    def require(self, job: Job) -> None:
        return None

    def work(self, job: Job) -> int:
        return 1

    async def close(self) -> None:
        return None


class Here(Remembering):
    """As the local model."""

    async def make(self, job: Job, into: Path, progress: Progress) -> dict[str, object]:
        self.submitted.append(job)
        if self._failing and self._failing in str(job.request):
            raise ClipFailed("the lamp went out")
        into.write_bytes(self._clip.read_bytes() + _free_box(job.key or ""))
        progress(1)
        return {}


class Shop(Remembering):
    """As a service that sells."""

    title, idempotent = "The shop", False

    async def prepare(self, job: Job, progress: Progress) -> Mapping[str, object]:
        return job.request

    async def submit(self, job: Job, body: object, nonce: str, still: Callable[[], None], progress: Progress) -> Ticket:
        still()
        self.submitted.append(job)
        return Ticket(nonce)

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Progress, completed: Callable[[], None]
    ) -> dict[str, object]:
        if self._failing and self._failing in str(job.request):
            raise ClipFailed("the lamp went out", accepted=True)
        completed()
        into.write_bytes(self._clip.read_bytes() + _free_box(job.key or ""))
        return {}

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        return None


def _free_box(text: str) -> bytes:
    """An ISO-BMFF box that players skip, to make each clip's bytes its own."""
    body = text.encode()
    return (8 + len(body)).to_bytes(4, "big") + b"free" + body


class Film:
    """A project rendered with a provider that remembers."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.folder = folder
        self.clip = clip

    @property
    def yaml(self) -> Path:
        return self.folder / "storyboard.yaml"

    def edit(self, old: str, new: str) -> None:
        text = self.yaml.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        self.yaml.write_text(text.replace(old, new), "utf-8")

    def load(self) -> Project:
        return storyboard.load(self.yaml)

    def plan(self, pass_: str = "animatic") -> Plan:
        return self.load().plan(pass_)

    def render(self, pass_: str = "animatic", failing: str = "") -> tuple[list[str], list[Result]]:
        """Render; give back the shots that were submitted, in the film's order, and the results."""
        project = self.load()
        plan = project.plan(pass_)
        maker, shop = Here(self.clip, failing), Shop(self.clip, failing)
        with project.store.workspace() as place:
            run = project.journal.begin(place.name, project.store.lives)
            terms = Terms(run, time.time, asyncio.sleep, time.monotonic)
            names = {"local": maker, "wavespeed": shop}
            results = asyncio.run(
                execute(plan, [], names, project.store, project.journal, terms, ignore, lambda _: None)
            )
        film = project.film()
        made = {Place(r.step.shot, pass_): entry(r.step.job, r.record) for r in results if r.record and r.step.job}
        project.relock(lambda lock: lock.rendered(film, made))
        keys = [job.key for job in maker.submitted + shop.submitted]
        assert len(keys) == len(set(keys)), "one key was submitted twice"
        return [s.shot for s in plan.steps if s.state == "submit" and s.job and s.job.key in keys], results


@pytest.fixture
def film(tmp_path: Path, tiny_clip: Path) -> Film:
    return Film(project(tmp_path / "film"), tiny_clip)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory, tiny_clip: Path) -> Path:
    """A project whose passes are both made."""
    place = project(tmp_path_factory.mktemp("rendered") / "film")
    for name in ("animatic", "draft"):
        assert len(Film(place, tiny_clip).render(name)[0]) == 3
    return place


@pytest.fixture
def made(rendered: Path, tmp_path: Path, tiny_clip: Path) -> Film:
    """A copy of it."""
    return Film(Path(shutil.copytree(rendered, tmp_path / "film")), tiny_clip)


def project(place: Path) -> Path:
    """A project in a new folder."""
    (place / "refs").mkdir(parents=True)
    for n, name in enumerate(("front", "side", "tom", "other")):
        Image.new("RGB", (64, 36), (n * 40, 90, 120)).save(place / "refs" / f"{name}.png")
    (place / "storyboard.yaml").write_text(BOARD, "utf-8")
    return place


def test_the_first_render_makes_everything_and_the_second_nothing(film: Film) -> None:
    assert film.render()[0] == ["s010", "s020", "s030"]
    assert film.render()[0] == []
    assert [step.state for step in film.plan().steps] == ["cached"] * 3


CHANGES = [
    # (name, old text, new text, the shots made again in the animatic, and in the draft)
    ("prompt", "climbs the stair", "climbs the winding stair", ["s010"], ["s010"]),
    ("camera", "dolly in", "dolly out", ["s010"], ["s010"]),
    ("style", "overcast light", "sunlight", ["s010", "s020", "s030"], ["s010", "s020", "s030"]),
    ("storyboard negative", "negative: text", "negative: words", [], ["s010", "s020", "s030"]),
    ("shot negative", "negative: rain", "negative: snow", [], ["s030"]),
    ("storyboard seed", "seed: 1\n", "seed: 2\n", ["s010", "s020", "s030"], ["s010", "s020", "s030"]),
    ("shot seed", "    camera: dolly in\n", "    camera: dolly in\n    seed: 9\n", ["s010"], ["s010"]),
    ("take", "    camera: dolly in\n", "    camera: dolly in\n    take: 2\n", ["s010"], ["s010"]),
    ("duration over the length bought", "duration: 5", "duration: 6", ["s020"], ["s020"]),
    ("duration within the length bought", "duration: 5", "duration: 4.5", ["s020"], []),
    ("dialogue", "line: Home.", "line: At last.", ["s030"], []),
    ("order of mentions", '"@mira and @tom light', '"@tom and @mira light', ["s020"], ["s020"]),
    ("order of references", "[refs/front.png, refs/side.png]", "[refs/side.png, refs/front.png]", ["s010", "s020"], ["s010", "s020"]),
    ("a further reference", "[refs/tom.png]", "[refs/tom.png, refs/other.png]", [], ["s020", "s030"]),
    ("name", "name: Mira", "name: Mirabel", ["s010", "s020"], []),
    ("pass resolution", "audio: false", "resolution: 1080p", [], ["s010", "s020", "s030"]),
    ("pass audio", "audio: false", "audio: true", [], ["s010", "s020", "s030"]),
    ("pass switch", "audio: false", "prompt_expansion: true", [], ["s010", "s020", "s030"]),
    ("pass model", "reference-to-video-flash, audio: false", "image-to-video-flash, audio: false", [], ["s010", "s020", "s030"]),
    ("aspect", "seed: 1\n", "seed: 1\naspect: 9:16\n", ["s010", "s020", "s030"], ["s010", "s020", "s030"]),
    ("frame rate", "seed: 1\n", "seed: 1\nfps: 25\n", ["s010", "s020", "s030"], []),
    ("override", "    notes: the turn\n", "    passes: {draft: {seed: 5}}\n", [], ["s020"]),
    # What the key must not depend on.
    ("shot id", "id: s020", "id: s025", [], []),
    ("title", "title: The Keeper", "title: The Lamp", [], []),
    ("comment", "# the stair", "# the winding stair", [], []),
    ("notes", "notes: the turn", "notes: the lamp catches", [], []),
    ("key order", "    camera: dolly in\n    duration: 4\n", "    duration: 4\n    camera: dolly in\n", [], []),
    ("quotes", "negative: rain", "negative: 'rain'", [], []),
    ("a default written out", "audio: false", "audio: false, resolution: 720p, shot_type: single", [], []),
    ("a character nobody mentions", "  tom:\n    look: a boy\n", "  ana: {look: a gull}\n  tom:\n    look: a boy\n", [], []),
    ("a new pass", "passes:\n", "passes:\n  other: {model: local/animatic, seed: 4}\n", [], []),
    ("transition", "    notes: the turn\n", "    transition: {type: dissolve, duration: 0.5}\n", [], []),
    ("fit", "    notes: the turn\n", "    fit: retime\n    framing: pad\n    effects: [FadeIn]\n", [], []),
    ("the clip kept at its length", "duration: 5", "duration: 4\n    trim: {of: 5}", [], []),
    ("the sound of the film", "seed: 1\n", "seed: 1\naudio: {loudness: -23, scratch: true}\n", [], []),
    ("the cut of a pass", "audio: false}", "audio: false, fallback: [], burn_in: {watermark: x}, leader: true}", [], []),
    ("skip", "    notes: the turn\n", "    skip: true\n", [], []),
    ("frames for seconds", "duration: 5", "duration: 120f", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "animatic", "draft"), CHANGES, ids=[c[0] for c in CHANGES])
def test_one_change(made: Film, name: str, old: str, new: str, animatic: list[str], draft: list[str]) -> None:
    made.edit(old, new)
    assert made.render("animatic")[0] == animatic
    assert made.render("draft")[0] == draft
    assert made.render("animatic")[0] == []
    assert made.render("draft")[0] == []


def test_moving_a_shot_makes_nothing_again(film: Film) -> None:
    film.render()
    head, shots = BOARD.split("  # the stair\n")
    first, second, third = ("  - id" + part for part in shots.split("  - id")[1:])
    film.yaml.write_text(head + third + first + second, "utf-8")
    assert film.render()[0] == []


def test_the_bytes_of_a_reference_are_what_counts_never_its_name_or_times(film: Film) -> None:
    film.render()
    front = film.folder / "refs" / "front.png"
    front.touch()
    assert film.render()[0] == []
    front.rename(film.folder / "refs" / "mira.png")
    film.edit("refs/front.png", "refs/mira.png")
    assert film.render()[0] == []
    shutil.copyfile(film.folder / "refs" / "other.png", film.folder / "refs" / "mira.png")
    assert film.render()[0] == ["s010", "s020"]


def test_a_copy_elsewhere_makes_nothing_again(film: Film, tmp_path: Path) -> None:
    film.render()
    shutil.copytree(film.folder, tmp_path / "elsewhere" / "deep")
    assert Film(tmp_path / "elsewhere" / "deep", film.clip).render()[0] == []


def test_two_shots_that_ask_for_the_same_clip_are_one_job(film: Film) -> None:
    film.edit(
        "  - id: s020\n",
        '  - id: again\n    prompt: "@mira climbs the stair"\n    camera: dolly in\n    duration: 4\n  - id: s020\n',
    )
    submitted, results = film.render()
    assert submitted == ["s010", "again", "s020", "s030"]
    assert [r.state for r in results] == ["done"] * 4
    assert film.render()[0] == []


def test_a_shot_that_fails_costs_no_other_and_is_tried_again(film: Film) -> None:
    _, results = film.render(failing="lamp")
    assert [(r.step.shot, r.state, r.error) for r in results] == [
        ("s010", "done", None),
        ("s020", "failed", "the lamp went out"),
        ("s030", "done", None),
    ]
    assert film.render()[0] == ["s020"]


def test_reasons_name_the_field_old_and_new(film: Film) -> None:
    film.render("draft")
    film.edit("climbs the stair", "runs")
    film.edit("duration: 5", "duration: 7")
    shutil.copyfile(film.folder / "refs" / "other.png", film.folder / "refs" / "tom.png")
    reasons = {step.shot: step.reasons for step in film.plan("draft").steps}
    assert reasons["s010"] == (
        "prompt: 'character1 climbs the stair. dolly in. overcast light.' -> 'character1 runs. dolly in. overcast light.'",
    )
    assert reasons["s020"][0] == "duration: 5 -> 10"
    assert "refs/tom.png" in reasons["s020"][1]
    assert re.fullmatch(r"reference 1 of @tom: refs/tom.png: bytes changed \(\w{8} -> \w{8}\)", reasons["s020"][1])
    film.edit("seed: 1\n", "seed: 3\n")
    assert [step.reasons[-1] for step in film.plan("draft").steps] == ["seed: 1 -> 3"] * 3


def test_the_clips_of_other_shots_keep_their_bytes_and_times(film: Film) -> None:
    film.render()
    before = {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (film.folder / ".storyboard/cas").iterdir()
    }
    film.edit("climbs the stair", "runs")
    film.render()
    after = {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (film.folder / ".storyboard/cas").iterdir()
    }
    assert {path: after[path] for path in before} == before
    assert len(after) == len(before) + 1
