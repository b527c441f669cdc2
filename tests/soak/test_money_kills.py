"""SIGKILL at every line of the code that buys, and again in the recovery: nothing is bought twice, and nothing lost.

Run by `make soak`; the counts are printed.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import Self

import pytest

from storyboard.catalog import Catalog
from storyboard.simulator import Running, Simulator
from storyboard.tools import Tools
from tests.folder import Folder
from tests.killing import STAGES, Point, Story, Zygote, board, copied, go_on

SHOTS = 4
SEED = 20261121
EVENLY = 25
"""Points of each stage and level beside those that make every line once."""
DOUBLE = 228
WORKERS = 2
Serve = Callable[[], AbstractContextManager[Running]]


class Sweep:
    """Kills films side by side, and counts what became of them."""

    def __init__(self, film: Path, place: Path, serve: Serve, pass_: str = "draft") -> None:
        self.film = film
        self.place = place
        self.serve = serve
        self.pass_ = pass_
        self.kills: Counter[tuple[str, int]] = Counter()
        self.total: Counter[str] = Counter()
        self.bad: list[str] = []
        self._lock = Lock()
        self._zygotes: SimpleQueue[Zygote] = SimpleQueue()

    def points(self, at_once: int) -> dict[Point, int]:
        """Every point of a render that nobody kills, and how often it comes to each."""
        zygote = self._zygotes.get()
        with self.serve() as running, copied(self.film, self.place / f"whole{at_once}") as here:
            ended = zygote.run(here, running, watch=True, at_once=at_once, pass_=self.pass_)
        self._zygotes.put(zygote)
        assert (ended.status, ended.states) == (0, {"done": SHOTS}), ended
        return {Point(*key): times for key, times in ended.met.items()}

    def run(self, plans: Iterable[tuple[int, Sequence[Point | int]]]) -> None:
        """For each, at one level: kill a render at the first point, its restart at the next, and go on from there."""
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda numbered: self._one(numbered[0], *numbered[1]), enumerate(plans)):
                pass

    def _one(self, number: int, at_once: int, points: Sequence[Point | int]) -> None:
        zygote = self._zygotes.get()
        how = {"at_once": at_once, "pass_": self.pass_}
        try:
            with self.serve() as running, copied(self.film, self.place / f"film{number}") as here:
                killed = [zygote.run(here, running, at=point, **how) for point in points]
                story = go_on(zygote, here, running, SHOTS, **how)
            hit = [ended.signalled for ended in killed if ended.signalled and ended.status == -9]
            self._count(at_once, hit, story, f"{points}: {story}")
        finally:
            self._zygotes.put(zygote)

    def _count(self, at_once: int, hit: Sequence[Point], story: Story, shown: str) -> None:
        with self._lock:
            if hit:
                self.kills[hit[0].stage, at_once] += 1
            told = {"films": 1, "killed twice": len(hit) > 1, "restarts": story.restarts, "jobs bought": story.jobs}
            told |= {"bought twice": len(story.twice), "lost": len(story.lost), "wrong": len(story.wrong)}
            told |= {f"held with {at_once} at once, adopted by hand": story.adopted_by_hand}
            told |= {f"held with {at_once} at once, bought anew by hand": story.waived}
            self.total.update({name: int(count) for name, count in told.items()})
            if story.twice or story.lost or story.wrong or story.jobs != SHOTS:
                self.bad.append(shown)

    def __enter__(self) -> Self:
        self._until_the_end = ExitStack()
        for number in range(WORKERS):
            self._zygotes.put(self._until_the_end.enter_context(Zygote(self.place / f"zygote{number}")))
        return self

    def __exit__(self, *_: object) -> None:
        self._until_the_end.close()

    def say(self, title: str) -> None:
        """Print the counts."""
        rows = [f"\n{title}"]
        rows += [
            f"  {stage}, {at_once} at once: {self.kills[stage, at_once]} kills"
            for stage in STAGES
            for at_once in (1, 4)
        ]
        rows += [f"  {name}: {count}" for name, count in self.total.items()]
        sys.stdout.write("\n".join([*rows, *self.bad[:20]]) + "\n")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of four shots, compiled already."""
    place = Folder(tmp_path_factory.mktemp("film"))
    place.picture("mira.png")
    place.write(board(SHOTS))
    place.run("plan", "-p", "draft")
    return place.path


@pytest.fixture
def serve(tools: Tools, tiny_clip: Path) -> Serve:
    return lambda: Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving()


@pytest.fixture
def sweep(film: Path, serve: Serve, tmp_path: Path) -> Iterator[Sweep]:
    with Sweep(film, tmp_path, serve) as made:
        yield made


def evenly(points: dict[Point, int], count: int) -> Iterator[Point]:
    """So many points, evenly over all times that any line is executed."""
    every = sum(points.values()) / count
    passed, due = 0, every / 2
    for point, times in points.items():
        while passed + times > due:
            yield point._replace(nth=int(due - passed) + 1)
            due += every
        passed += times


def test_killed_at_every_line(sweep: Sweep) -> None:
    chance = random.Random(SEED)
    met = {at_once: sweep.points(at_once) for at_once in (1, 4)}
    plans: list[tuple[int, list[Point | int]]] = []
    for number, point in enumerate(dict.fromkeys([*met[1], *met[4]])):
        levels = [at_once for at_once in (1, 4) if point in met[at_once]]
        at_once = levels[number % len(levels)]
        plans.append((at_once, [point._replace(nth=chance.randint(1, met[at_once][point]))]))
    for at_once, points in met.items():
        for stage in STAGES:
            of_stage = {point: times for point, times in points.items() if point.stage == stage}
            plans += [(at_once, [point]) for point in evenly(of_stage, EVENLY)]
    sweep.run(plans)
    sweep.say(f"killed once, at {len(met[1])} and {len(met[4])} different points")
    assert not sweep.bad
    assert sum(sweep.kills.values()) >= 500
    assert sweep.total["held with 1 at once, adopted by hand"] == 0, "one lost answer alone is found without asking"
    assert all(sweep.kills[stage, at_once] >= EVENLY / 2 for stage in STAGES for at_once in (1, 4))


def test_killed_in_the_recovery_too(sweep: Sweep) -> None:
    chance = random.Random(SEED + 1)
    plans: list[tuple[int, list[Point | int]]] = []
    for at_once in (1, 4):
        points = sweep.points(at_once)
        for stage in STAGES:
            of_stage = {point: times for point, times in points.items() if point.stage == stage}
            first = evenly(of_stage, DOUBLE // 6)
            plans += [(at_once, [point, int(1500 ** chance.uniform(0.6, 1))]) for point in first]
    sweep.run(plans)
    sweep.say("killed twice")
    assert not sweep.bad
    assert sweep.total["killed twice"] >= 200


def test_a_service_that_recognises_repeats_leaves_nothing_in_doubt(film: Path, serve: Serve, tmp_path: Path) -> None:
    with Sweep(film, tmp_path, serve, "gate") as sweep:
        plans: list[tuple[int, list[Point | int]]] = []
        for at_once in (1, 4):
            points = sweep.points(at_once)
            for stage in STAGES:
                of_stage = {point: times for point, times in points.items() if point.stage == stage}
                plans += [(at_once, [point]) for point in evenly(of_stage, 10)]
        sweep.run(plans)
        sweep.say("killed once, where repeats are recognised")
    assert not sweep.bad
    assert not any(count for name, count in sweep.total.items() if name.startswith("held"))
