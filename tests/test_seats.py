"""Several seats with a store each, one shared cache and one service: no job is bought twice, and no clip is lost."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storyboard.catalog import Catalog
from storyboard.lease import Lease, Leases, Pace
from storyboard.remote import Locking, open_remote
from storyboard.simulator import Running, Seen, Simulator
from storyboard.tools import Tools
from tests.bazel import Bazel
from tests.between import Between
from tests.desk import Desk
from tests.folder import Folder
from tests.forking import LONGEST
from tests.killing import board
from tests.money import workshop
from tests.seats import Bucket, Ended, Seats, bucket, buckets, clips

GONE = 0.6
"""Seconds after which these tests take a seat for gone that gives no sign of life."""


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with buckets() as address:
        yield address


@pytest.fixture(scope="module")
def seats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seats]:
    with Seats(tmp_path_factory.mktemp("zygote")) as started:
        yield started


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory, where the system has such a place: every step of every seat is flushed."""
    with workshop() as folder:
        yield folder


@pytest.fixture
def place(service: str, request: pytest.FixtureRequest) -> Bucket:
    return bucket(service, f"b{abs(hash(request.node.name)):x}")


def filmed(place: Path, shots: int) -> Path:
    """The same film, at a seat of its own."""
    place.mkdir()
    film = Folder(place)
    film.picture("mira.png")
    film.write(board(shots))
    return place


def bought(running: Running) -> Counter[str]:
    return Counter(str(entry.request["prompt"]) for entry in running.ledger)


def test_eight_seats_buy_each_job_once_and_all_have_every_clip(
    seats: Seats, place: Bucket, tmp_path: Path, tools: Tools, tiny_clip: Path
) -> None:
    films = [filmed(tmp_path / str(n), 4) for n in range(8)]
    with Simulator(tools, Catalog(), latency=0.1, clip=tiny_clip).serving() as running:
        renders = [seats.start(film, running, place.url, place.environment) for film in films]
        ended = [seats.wait(pid, film) for pid, film in zip(renders, films, strict=True)]
    assert [(one.status, one.error) for one in ended] == [(0, "")] * 8
    assert set(bought(running).values()) == {1}
    assert len(running.ledger) == 4
    assert sum(one.states.count("done") for one in ended) == 4
    assert {state for one in ended for state in one.states} == {"done", "cached"}
    first = clips(films[0])
    assert {identity for identity, _ in first.values()} == {entry.id for entry in running.ledger}
    assert all(clips(film) == first for film in films[1:])
    assert sorted(name.partition("/")[0] for name in place.names()) == ["ac"] * 4 + ["cas"], "a lease was left"
    assert not any(
        list((film / ".storyboard" / "owed").iterdir()) for film in films if (film / ".storyboard/owed").is_dir()
    )


def test_a_seat_killed_right_after_its_submit_keeps_its_purchase_and_finishes_it_for_all(
    seats: Seats, place: Bucket, tmp_path: Path, tools: Tools, tiny_clip: Path
) -> None:
    one, two, three = (filmed(tmp_path / name, 1) for name in ("one", "two", "three"))
    victim = list[int]()

    def kill(seen: Seen) -> None:
        if seen.path.endswith("/reference-to-video-flash") and victim:
            os.kill(victim.pop(), signal.SIGKILL)

    with Simulator(tools, Catalog(), latency=0.02, clip=tiny_clip).serving(notify=kill) as running:
        victim.append(pid := seats.start(one, running, place.url, place.environment))
        assert seats.wait(pid, one).status == -signal.SIGKILL
        assert len(running.ledger) == 1
        for film in (two, three):
            ended = seats.run(film, running, place.url, place.environment, still=GONE)
            ((state, error),) = ended.results.values()
            assert state == "held"
            assert error is not None and error.startswith("seat one began to buy it on 20")
            assert error.endswith("gives no sign of life; 'storyboard cache unlock s0000 -p draft' takes it over")
        assert seats.run(one, running, place.url, place.environment).states == ["done"]
        for film in (two, three):
            assert seats.run(film, running, place.url, place.environment).states == ["cached"]
            assert clips(film) == clips(one)
    assert len(running.ledger) == 1


STEPS = {
    "journal": "shared.py:Shared.owe",
    "owed": "lease.py:Leases.claim",
    "lease": "shared.py:Shared.fetch#2",
    "looked": "providers/remote.py:Remote.prepare",
    "intent": "providers/remote.py:Remote.submit",
    "sent": "journal.py:Journal.accept",
    "accepted": "providers/remote.py:Remote.collect",
    "completed": "providers/remote.py:Remote._fetch",
    "fetched": "buy.py:Buyer._kept",
    "stored": "journal.py:Journal.store",
    "noted": "seat.py:Seat.tell",
    "looked again": "remote/transport.py:Transport.send",
    "clip sent": "shared.py:_sealed",
    "record sent": "lease.py:Leases.release",
    "released": "shared.py:Shared.settled",
}
"""What was done when a seat is killed: right before the function that does the next step."""


@pytest.mark.parametrize("done", ["clip sent"])
def test_a_seat_killed_between_two_steps_has_bought_at_most_once_and_nothing_is_lost(
    seats: Seats, place: Bucket, tmp_path: Path, tools: Tools, tiny_clip: Path, done: str
) -> None:
    """The other steps are in tests/soak."""
    killed_after(done, seats, place, tmp_path, Simulator(tools, Catalog(), latency=0.02, clip=tiny_clip))


def killed_after(done: str, seats: Seats, place: Bucket, tmp_path: Path, simulator: Simulator) -> None:
    """One seat is killed after a step, another comes, and then each once more."""
    one, two = (filmed(tmp_path / name, 1) for name in ("one", "two"))
    with simulator.serving() as running:

        def render(film: Path, **how: Any) -> Ended:
            return seats.run(film, running, place.url, place.environment, **how)

        assert render(one, dies=STEPS[done]).status == -signal.SIGKILL
        has_clip, has_lease = done in {"record sent", "released"}, done not in {"journal", "owed"}
        other = render(two, still=GONE if has_lease else 30)
        assert other.states == ["cached" if has_clip else "held" if has_lease else "done"], other
        again = render(one)
        if done == "intent":  # it was never sent, which nobody can know
            assert again.states == ["held"]
            assert render(two, still=GONE).states == ["held"]
            assert running.ledger == []
            return
        assert again.states[0] in {"done", "cached"}, again
        assert render(two).states == ["cached"]
        assert len(running.ledger) == 1
        assert clips(one) == clips(two)
        assert len(clips(one)) == 1
    assert not [name for name in place.names() if name.startswith("lease/")]


def test_seats_at_a_server_without_purchase_locks_use_what_earlier_renders_sent(
    seats: Seats, tmp_path: Path, tools: Tools, tiny_clip: Path
) -> None:
    films = [filmed(tmp_path / str(n), 3) for n in range(2)]
    with Simulator(tools, Catalog(), latency=0.02, clip=tiny_clip).serving() as running, Bazel() as cache:
        for film in films:
            assert seats.run(film, running, cache.url, {}).status == 0
    assert len(running.ledger) == 3
    assert clips(films[0]) == clips(films[1])
    assert len(clips(films[0])) == 3


def test_a_seat_that_slept_for_long_is_not_sure_of_its_lease_until_it_has_looked(place: Bucket, tmp_path: Path) -> None:
    passed, key = [0.0], "a" * 64

    async def go() -> None:
        beats = asyncio.Semaphore(0)

        async def sleep(_seconds: float) -> None:
            await beats.acquire()

        remote = open_remote(place.url, place.environment, asyncio.sleep)
        mine = Leases(remote, tmp_path, "Ada", lambda: passed[0], lambda: 0.0, sleep, Pace())
        assert await mine.claim(key) is None
        assert mine.sure(key)
        passed[0] += 100  # by the time of day alone: the machine was asleep
        assert not mine.sure(key)
        beats.release()
        async with asyncio.timeout(LONGEST):
            while not mine.sure(key):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        first = await mine.look(key)
        assert first and first.beats == 1
        await remote.write(
            f"lease/{key}", Lease("b" * 32, "Tom", "", 0).data
        )  # it was unlocked, and is somebody else's
        beats.release()
        async with asyncio.timeout(LONGEST):
            while key in mine.mine:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not mine.sure(key)
        await mine.release(key)
        there = await mine.look(key)
        assert there and there.who == "Tom"
        await remote.close()

    asyncio.run(go())


def test_a_sign_of_life_never_takes_back_a_lease_that_was_given_to_another(place: Bucket, tmp_path: Path) -> None:
    """It was unlocked, and is somebody else's, right when the sign is written."""
    key, beats = "b" * 64, asyncio.Semaphore(0)
    theirs = Lease("b" * 32, "Tom", "", 0).data

    async def sleep(_seconds: float) -> None:
        await beats.acquire()

    async def go() -> None:
        mine = Leases(remote, tmp_path, "Ada", lambda: 0.0, lambda: 0.0, sleep, Pace())
        assert await mine.claim(key) is None
        between.orders += ["", lambda: asyncio.run(give())]
        beats.release()
        async with asyncio.timeout(LONGEST):
            while key in mine.mine:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not mine.sure(key)
        there = await mine.look(key)
        assert there
        assert there.who == "Tom"
        await remote.close()

    async def give() -> None:
        other = open_remote(place.url, place.environment, asyncio.sleep)
        await other.write(f"lease/{key}", theirs)
        await other.close()

    between = Between(place.service)
    remote = open_remote(place.url, {**place.environment, "AWS_ENDPOINT_URL": between.url}, asyncio.sleep)
    assert isinstance(remote, Locking)
    asyncio.run(go())
    between.close()


def test_unlock_says_who_is_buying_and_lets_go_only_on_consent(
    place: Bucket, tmp_path: Path, tools: Tools, tiny_clip: Path
) -> None:
    film = Folder(filmed(tmp_path / "film", 1))
    with Simulator(tools, Catalog(), latency=0, clip=tiny_clip).serving() as running:
        desk = Desk(film, running, tools)
        desk.environment |= {**place.environment, "STORYBOARD_REMOTE": place.url}
        (job,) = desk.tell("plan", "-p", "draft")["jobs"]
        lease = Lease("b" * 32, "Tom \x1b[31m", "2026-11-21T16:05:00Z", 7)
        place.write(f"lease/{job['key']}", lease.data)
        said = desk.say("cache", "unlock", "s0000", status=4)
        assert "s0000 (draft): Tom" in said and "began to buy it on 2026-11-21T16:05:00Z" in said
        assert "\x1b" not in said
        told = desk.tell("cache", "unlock", "s0000", "--yes")
        assert told["unlocked"] == [{"pass": "draft", "key": job["key"], "who": lease.who, "since": lease.since}]
        assert "no seat is buying it" in desk.say("cache", "unlock", "s0000", "--yes")
        desk.say("render", "-p", "draft", "--yes")
    assert len(running.ledger) == 1
