"""A shared cache that is lost in the middle of a render, that may only be read, or that holds what was accepted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storyboard.catalog import Catalog
from storyboard.compiler import load
from storyboard.simulator import Running, Simulator
from storyboard.store import Record
from storyboard.tools import Tools
from tests.bazel import Bazel
from tests.between import Between
from tests.desk import Desk
from tests.folder import Folder
from tests.killing import board
from tests.seats import Bucket, bucket, buckets

Shared = tuple[str, dict[str, str]]
"""A shared cache's URL, and the environment that lets in."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with buckets() as address:
        yield address


@pytest.fixture
def place(service: str, request: pytest.FixtureRequest) -> Bucket:
    return bucket(service, f"films-{abs(hash(request.node.name))}")


@pytest.fixture
def running(tools: Tools, tiny_clip: Path) -> Iterator[Running]:
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving() as started:
        yield started


@pytest.fixture
def seat(tmp_path: Path, running: Running, tools: Tools) -> Callable[[str, Shared], Desk]:
    """Somebody at a film of one shot, with a store of their own."""

    def sit(name: str, shared: Shared) -> Desk:
        film = Folder(tmp_path / name)
        film.path.mkdir()
        film.picture("mira.png")
        film.write(board(1))
        desk = Desk(film, running, tools)
        desk.environment |= {"STORYBOARD_REMOTE": shared[0], **shared[1]}
        return desk

    return sit


def clips(desk: Desk) -> list[bytes]:
    steps = load(desk.film.path / "storyboard.yaml").plan("draft").steps
    return [step.record.outputs["clip"].path.read_bytes() for step in steps if isinstance(step.record, Record)]


def test_wherever_a_bucket_is_lost_for_good_a_clip_is_bought_once_and_the_others_get_it(
    place: Bucket, seat: Callable[[str, Shared], Desk], running: Running
) -> None:
    """Every third request; the others, one request alone, and a server instead are in tests/soak."""
    lost(place, seat, running, "bucket", once=False, step=3)


def lost(
    place: Bucket,
    seat: Callable[[str, Shared], Desk],
    running: Running,
    kind: str,
    *,
    once: bool,
    step: int = 1,
) -> None:
    """The first request fails, or one `step` later, and so on until a render has come to its end before."""
    with Bazel() as server:
        for at in range(0, 40, step):
            server.kept.clear()
            between = Between(
                place.service if kind == "bucket" else server.url, *[""] * at, *[418] * (1 if once else 99)
            )
            bucket_there = (f"{place.url}-{at}", {**place.environment, "AWS_ENDPOINT_URL": between.url})
            shared = bucket_there if kind == "bucket" else (between.url, {})
            one, other = (seat(f"{name}-{at}", shared) for name in ("one", "other"))
            had = len(running.ledger)
            status, _, said = one.run("render", "-p", "draft", "--yes")
            assert status in {0, 3, 4}, said
            assert (status == 0) is bool(clips(one)) is (len(running.ledger) == had + 1), said
            assert status == 0 or "othing was sent" in said or "nothing was sent" in said, said
            reached = len(between.asked) > at
            between.orders.clear()
            one.say("render", "-p", "draft", "--yes")
            other.say("render", "-p", "draft", "--yes")
            between.close()
            assert len(running.ledger) == had + 1
            assert clips(one) == clips(other) != []
            assert not [name for name in place.names() if "lease/" in name]
            if not reached:
                break
            assert "418" in said, "nobody was told"
    assert at >= 4


def test_what_may_only_be_read_gives_what_it_has_and_hears_of_nothing(
    place: Bucket, seat: Callable[[str, Shared], Desk], running: Running
) -> None:
    both = {**place.environment, "STORYBOARD_REMOTE": place.url}
    giver = seat("giver", (place.url, both))
    giver.say("render", "-p", "draft", "--yes")
    reading = Between(place.service, refuses={"PUT", "DELETE"})
    reader = seat("reader", (place.url, {**both, "AWS_ENDPOINT_URL": reading.url}))
    reader.say("render", "-p", "draft")
    assert len(running.ledger) == 1
    assert clips(reader) == clips(giver) != []
    reader.film.edit("walks 0 steps", "walks on")
    before = place.names()
    said = reader.say("render", "-p", "draft", "--yes")
    assert "another seat may buy the same at the same time" in said
    assert "s0000 is here, and not in the shared cache yet: " in said
    assert len(running.ledger) == 2
    assert place.names() == before
    said = reader.say("cache", "push", status=3)
    assert "takes nothing from here (403)" in said
    reading.close()


def test_a_stale_clip_that_was_accepted_is_shown_at_every_seat(
    place: Bucket, seat: Callable[[str, Shared], Desk], running: Running
) -> None:
    shared = (place.url, dict(place.environment))
    one, other = seat("one", shared), seat("other", shared)
    one.say("render", "-p", "draft", "--yes")
    one.film.edit("walks 0 steps", "walks on")
    one.say("accept", "s0000", "-p", "draft", "--note", "it stays")
    assert one.states("-p", "draft") == {"s0000": "cached"}
    for name in ("storyboard.yaml", "storyboard.lock"):
        (other.film.path / name).write_bytes((one.film.path / name).read_bytes())
    (job,) = other.tell("plan", "-p", "draft")["jobs"]
    assert job["state"] == "cached"
    assert "accepted as it is by unknown, in the shared cache" in job["reasons"][0]
    other.say("render", "-p", "draft")
    assert clips(other) == clips(one) != []
    assert len(running.ledger) == 1
    (shot,) = other.tell("status")["shots"]
    assert shot["passes"]["draft"] == "accepted"
    (other.film.path / "storyboard.lock").unlink()
    assert other.states("-p", "draft") == {"s0000": "submit"}, "nobody said so"
