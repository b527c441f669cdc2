"""SIGKILL right at a line of the code that buys: whatever was going on, the same command goes on with it.

A sample; `make soak` kills at every line.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from storyboard.catalog import Catalog
from storyboard.providers.remote import Remote
from storyboard.simulator import Running, Simulator
from storyboard.tools import Tools
from tests.folder import Folder
from tests.killing import STAGES, Ended, Point, Zygote, board, copied, first_line, go_on

SHOTS = 4
Serve = Callable[[], AbstractContextManager[Running]]


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    with Zygote(tmp_path_factory.mktemp("zygote")) as started:
        yield started


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of four shots, compiled already."""
    place = Folder(tmp_path_factory.mktemp("film"))
    place.picture("mira.png")
    place.write(board(SHOTS))
    place.run("plan", "-p", "draft")
    return place.path


@pytest.fixture(scope="module")
def serve(tools: Tools, tiny_clip: Path) -> Serve:
    return lambda: Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving()


@pytest.fixture(scope="module", params=[1, 4], ids=["one at a time", "four at once"])
def at_once(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def whole(zygote: Zygote, film: Path, serve: Serve, at_once: int, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """A render that nobody kills: it counts the points."""
    with serve() as running, copied(film, tmp_path_factory.mktemp("whole") / "film") as here:
        ended = zygote.run(here, running, watch=True, at_once=at_once)
    assert (ended.status, ended.states) == (0, {"done": SHOTS}), ended.error
    return ended


def sample(met: Ended, stage: str) -> list[Point]:
    """Two points: in the middle, and late; of the submit, the moment at which only the service knows the id."""
    points = [Point(*key, max(1, times // 2)) for key, times in met.met.items() if key[0] == stage]
    late = first_line(Remote._accepted)._replace(nth=SHOTS // 2) if stage == "submit" else points[-len(points) // 8]
    return [points[len(points) // 2], late]


@pytest.mark.parametrize("stage", STAGES)
def test_a_render_killed_while_it_buys_is_gone_on_with_and_nothing_is_bought_twice(
    zygote: Zygote, film: Path, serve: Serve, whole: Ended, at_once: int, stage: str, tmp_path: Path
) -> None:
    for point in sample(whole, stage):
        with serve() as running, copied(film, tmp_path / "film") as here:
            killed = zygote.run(here, running, at=point, at_once=at_once)
            assert (killed.status, killed.signalled) == (-9, point), f"{point}: {killed}"
            story = go_on(zygote, here, running, SHOTS, at_once=at_once)
        assert story.wrong == story.twice == story.lost == [], f"{point}: {story}"
        assert story.jobs == SHOTS
        assert story.adopted_by_hand == 0 or at_once > 1, f"{point}: one lost answer alone is found without asking"


def test_the_recovery_may_be_killed_too(
    zygote: Zygote, film: Path, serve: Serve, whole: Ended, at_once: int, tmp_path: Path
) -> None:
    point = sample(whole, "submit")[1]
    with serve() as running, copied(film, tmp_path / "film") as here:
        assert zygote.run(here, running, at=point, at_once=at_once).status == -9
        assert zygote.run(here, running, at=300, at_once=at_once).status == -9
        story = go_on(zygote, here, running, SHOTS, at_once=at_once)
    assert story.wrong == story.twice == story.lost == [], story
    assert story.jobs == SHOTS
