"""Several renders of one film at once, renders that are paused beyond their lease, and Ctrl-C."""

import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from storyboard.catalog import Catalog
from storyboard.journal import Journal
from storyboard.providers.remote import Remote
from storyboard.simulator import Running, Seen, Simulator, fault
from storyboard.tools import Tools
from tests.folder import ROOT, Folder
from tests.forking import LONGEST
from tests.killing import Zygote, audit, board, first_line, go_on, line_with

LEASE = 400
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import storyboard.__main__ as m; m.main()"
)
"""`python -m storyboard`, where a shell that started the tests in the background would have SIGINT ignored."""


class Service:
    """A simulator whose jobs are done when the clock is moved on."""

    def __init__(self, tools: Tools, clip: Path, **how: Any) -> None:
        self._ahead = 0.0
        self._polled = threading.Event()
        self._simulator = Simulator(tools, Catalog(), clip=clip, now=lambda: time.time() + self._ahead, **how)

    @contextmanager
    def serving(self) -> Iterator[Running]:
        with self._simulator.serving(notify=self._note) as running:
            yield running

    def _note(self, seen: Seen) -> None:
        if seen.method == "GET" and seen.path.startswith("/api/v3/predictions/"):
            self._polled.set()

    def wait_for_a_poll(self) -> None:
        """Wait until a job is asked about: its id is on the disk by then."""
        assert self._polled.wait(LONGEST)

    def move_on(self, seconds: float) -> None:
        """Let time pass for it."""
        self._ahead += seconds


@pytest.fixture
def zygote(tmp_path: Path) -> Iterator[Zygote]:
    with Zygote(tmp_path / "zygote") as started:
        yield started


def filmed(project: Folder, shots: int) -> Path:
    project.picture("mira.png")
    project.write(board(shots))
    return project.path


def test_eight_renders_of_a_hundred_shots_at_once_buy_a_hundred_clips(
    zygote: Zygote, project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 100)
    with Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving() as running:
        renders = [zygote.start(film, running, at_once=32, poll=0.2) for _ in range(8)]
        ended = [render.wait() for render in renders]
        found = audit(film, running)
    assert [(one.status, one.error) for one in ended] == [(0, "")] * 8
    assert all(one.states["done"] + one.states["cached"] == 100 for one in ended)
    assert sum(one.states["done"] for one in ended) == found.jobs == 100
    assert found.twice == found.lost == found.wrong == found.held == []


def test_a_render_paused_before_it_wrote_that_it_buys_uses_the_clip_of_the_one_that_took_over(
    zygote: Zygote, project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 1)
    with Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving() as running:
        paused = zygote.start(film, running, at=first_line(Remote._turn), send=signal.SIGSTOP, lease=LEASE)
        paused.wait_until_stopped()
        assert running.ledger == []
        other = zygote.run(film, running, lease=LEASE)
        assert (other.states, len(running.ledger)) == ({"done": 1}, 1), other
        paused.go_on()
        assert paused.wait().states == {"cached": 1}
        found = audit(film, running)
    assert found.jobs == 1
    assert found.twice == found.lost == found.wrong == found.held == []


def test_a_render_paused_right_before_it_asks_whether_it_still_may_sends_nothing_once_another_took_over(
    zygote: Zygote, project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 1)
    with Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving() as running:
        paused = zygote.start(film, running, at=first_line(Journal.require), send=signal.SIGSTOP, lease=LEASE)
        paused.wait_until_stopped()
        other = zygote.run(film, running, lease=LEASE)
        assert other.states == {"held": 1}, "it may have been sent, and isn't in the list"
        paused.go_on()
        late = paused.wait()
        assert late.states == {"held": 1}, late
        assert "no job" in late.results["s0000"][1]
        assert running.ledger == []
        story = go_on(zygote, film, running, 1)
    assert (story.jobs, story.waived, story.adopted_by_hand) == (1, 1, 0)
    assert story.twice == story.lost == story.wrong == []


def test_a_render_paused_after_it_asked_and_before_it_sends_buys_the_only_job_and_its_id_is_kept(
    zygote: Zygote, project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 1)
    with Simulator(tools, Catalog(), latency=0.05, clip=tiny_clip).serving() as running:
        point = line_with(Journal.require, "if now.state")
        paused = zygote.start(film, running, at=point, send=signal.SIGSTOP, lease=LEASE)
        paused.wait_until_stopped()
        other = zygote.run(film, running, lease=LEASE)
        assert (other.states, running.ledger) == ({"held": 1}, [])
        paused.go_on()
        late = paused.wait()
        assert late.states["done"] + late.states["cached"] == 1, late
        assert zygote.run(film, running).states == {"cached": 1}
        found = audit(film, running)
        journal = Journal(film / ".storyboard/journal.sqlite", time.time_ns)
        assert [(one.state, one.adopted) for one in journal.all()] == [("stored", False)], "not only found in the list"
        journal.close()
    assert found.jobs == 1
    assert found.twice == found.lost == found.wrong == found.held == []


# -- Ctrl-C


def render(film: Path, running: Running) -> subprocess.Popen[str]:
    """The command line, one clip at a time."""
    arguments = ["render", "-p", "draft", "--yes", "--json", "--limit", "wavespeed=1/1000"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(film), "PYTHONPATH": str(ROOT)} | running.environment()
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=film,
        env=environment | {"STORYBOARD_POLL_SECONDS": "0.05", "STORYBOARD_SETTLE_SECONDS": "0.5"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: subprocess.Popen[str]) -> None:
    """Ctrl-C once, until it says that it stops."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    said = iter(process.stderr.readline, "")
    assert next((line for line in said if line.startswith("stopping: nothing more is begun")), ""), "it said nothing"


def until(met: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    for _ in range(LONGEST * 50):
        if met():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit status, and what it said since."""
    _, said = process.communicate(timeout=LONGEST)
    assert "Traceback" not in said
    return process.returncode, said


def states(film: Path, running: Running) -> Counter[str]:
    """What the journal holds, by state."""
    assert audit(film, running).twice == []
    journal = Journal(film / ".storyboard/journal.sqlite", time.time_ns)
    try:
        return Counter(one.state for one in journal.all() if one.ticket is not None or one.state in {"intent", "lost"})
    finally:
        journal.close()


def finished(
    film: Path, running: Running, shots: int, move_on: Callable[[float], None] = lambda _seconds: None
) -> None:
    """The same command again, to its end: one job for each shot, and nothing in doubt."""
    move_on(1000)
    process = render(film, running)
    while len(running.ledger) < shots:
        more = len(running.ledger) + 1
        until(lambda least=more: len(running.ledger) >= least)
        move_on(1000)
    assert ended(process)[0] == 0
    found = audit(film, running)
    assert found.jobs == shots
    assert found.twice == found.lost == found.wrong == found.held == []


def test_ctrl_c_begins_nothing_more_and_fetches_what_is_in_flight(
    project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 3)
    service = Service(tools, tiny_clip, latency=600)
    with service.serving() as running:
        process = render(film, running)
        service.wait_for_a_poll()
        interrupted(process)
        service.move_on(1000)
        status, said = ended(process)
        assert status == 130
        assert "run the same command again" in said
        assert len(running.ledger) == 1
        assert states(film, running) == {"stored": 1}
        finished(film, running, 3, service.move_on)


def test_ctrl_c_twice_leaves_at_once_and_what_is_in_flight_is_fetched_by_its_id(
    project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 2)
    service = Service(tools, tiny_clip, latency=600)
    with service.serving() as running:
        process = render(film, running)
        service.wait_for_a_poll()
        interrupted(process)
        process.send_signal(signal.SIGINT)
        status, said = ended(process)
        assert status == 130
        (entry,) = running.ledger
        assert entry.state in {"queued", "running"}, "it didn't wait for the job"
        assert entry.id in said
        assert states(film, running) == {"accepted": 1}
        finished(film, running, 2, service.move_on)


def test_ctrl_c_twice_before_the_answer_has_come_leaves_an_intent_that_is_found_in_the_list(
    project: Folder, tools: Tools, tiny_clip: Path
) -> None:
    film = filmed(project, 2)
    rule = fault({"on": "submit", "do": "hang", "seconds": 3600})
    with Simulator(tools, Catalog(), latency=0.2, clip=tiny_clip, faults=[rule]).serving() as running:
        process = render(film, running)
        until(lambda: len(running.ledger) == 1)
        interrupted(process)
        process.send_signal(signal.SIGINT)
        assert ended(process)[0] == 130
        assert len(running.ledger) == 1
        assert states(film, running) == {"intent": 1}
        finished(film, running, 2)
