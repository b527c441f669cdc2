"""A render that signals itself at a chosen point, as a real process, and what must hold whenever it did.

`python killing.py` imports what a render needs and then forks a process for each request on its standard input: what
a render starts with costs half a second otherwise. An instrumented point is a line of the modules in `WATCHED` about
to be executed, seen by sys.settrace; each belongs to a stage of the purchase whose task executes it.
"""

import dis
import inspect
import os
import shutil
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

from storyboard import execute, providers, store
from storyboard.compiler import load
from storyboard.money import FREE
from storyboard.providers import Limit, account, host, remote, tls, vercel, wavespeed, web
from storyboard.purchase import OPEN, Purchase
from storyboard.simulator import Running
from storyboard.store import Record
from storyboard.tools import Tools
from tests.forking import ROOT, Forking, serve, tell, told

WATCHED = {
    str(ROOT / "storyboard" / name): name
    for name in (
        *("journal.py", "database.py", "buy.py", "execute.py", "store.py", "atomic.py"),
        *("providers/remote.py", "providers/account.py", "providers/web.py", "providers/host.py"),
    )
}
STAGES = ("submit", "wait", "keep")
"""Until the id is on the disk; until the service has the clip; until it is stored."""
_ENTERED = {"claim": "submit", "accept": "wait", "adopt": "wait", "complete": "keep"}
"""The journal's methods after which a purchase is in a stage."""
BOARD = """\
storyboard: 1
title: Shots
aspect: 16:9
fps: 6
characters:
  mira: {look: a keeper, references: [mira.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  gate: {model: vercel/alibaba/wan-v2.6-r2v-flash, upload_via: wavespeed}
shots:
"""


class Point(NamedTuple):
    """A line about to be executed; `nth` is 1 for the first time that it is in its stage."""

    stage: str
    file: str
    line: int
    nth: int = 1


def first_line(function: Callable[..., Any]) -> Point:
    """The point at which a function begins, before the id of a purchase is known."""
    where = inspect.unwrap(function).__code__
    lines = sorted({line for _, line in dis.findlinestarts(where) if line is not None})
    return Point("submit", WATCHED[where.co_filename], lines[1])


def line_with(function: Callable[..., Any], text: str) -> Point:
    """The point at which the line of a function is executed that holds a text."""
    lines, start = inspect.getsourcelines(function)
    (at,) = [number for number, line in enumerate(lines) if text in line]
    return Point("submit", WATCHED[function.__code__.co_filename], start + at)


# -- the process


class _Points:
    """Counts the points that this process comes to, and sends it a signal at one of them.

    `at` is a `Point`, or a number for whichever point comes as that one.
    """

    def __init__(self, at: "Point | int | None", send: signal.Signals, report: int) -> None:
        self._at = at
        self._send = send
        self._report = report
        self._stage: ContextVar[str | None] = ContextVar("stage", default=None)
        self._rest = "submit"
        self._lock = threading.RLock()
        self.met: Counter[tuple[str, str, int]] = Counter()
        self.number = 0

    def watch(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def _called(self, frame: FrameType, _event: str, _value: Any) -> Any:
        return self._local if frame.f_code.co_filename in WATCHED else None

    def _local(self, frame: FrameType, event: str, value: Any) -> Any:
        name = WATCHED[frame.f_code.co_filename]
        if event == "line":
            self._meet(self._stage.get() or self._rest, name, frame.f_lineno)
        elif event == "return" and name == "journal.py" and value is not None:
            entered = _ENTERED.get(frame.f_code.co_name)
            if entered == "submit" and value.state in {"accepted", "completed", "stored"}:
                entered = "wait" if value.state == "accepted" else "keep"
            if entered:
                self._stage.set(entered)
                self._rest = "keep" if entered == "keep" else self._rest
        return self._local

    def _meet(self, stage: str, name: str, line: int) -> None:
        with self._lock:
            self.number += 1
            self.met[stage, name, line] += 1
            point = Point(stage, name, line, self.met[stage, name, line])
            if self._at in (point, self.number):
                tell(self._report, "signalled", point)
                os.kill(os.getpid(), self._send)


def _render(asked: Mapping[str, Any], report: int) -> None:
    """Plan and render a paid pass as the command line does, without the cut, which buys nothing."""
    at = asked["at"]
    points = _Points(Point(*at) if isinstance(at, list) else at, signal.Signals(asked["send"]), report)
    if asked["watch"]:
        points.watch()
    project = load(Path(asked["film"]))
    if asked["lease"]:
        project.journal.lease = asked["lease"]
    plan = project.plan(asked["pass"])
    limits = {name: Limit(asked["at_once"], 1_000_000) for name in ("wavespeed", "vercel")}
    tools = Tools(Path("ffmpeg"), "none")
    more = {one.provider for one in project.others(plan)}
    sellers = project.market.providers(plan, tools, asked["environment"], limits=limits, more=more)
    results = project.render(plan, sellers, settle=asked["settle"])
    sys.settrace(None)
    tell(report, "results", {one.step.shot: [one.state, one.error] for one in results})
    tell(report, "met", [[*key, times] for key, times in points.met.items()])


def _zygote() -> None:
    tls.context()
    assert all(map(callable, (execute.execute, providers.load, store.Store, remote.Remote, account.Account)))
    assert all(map(callable, (host.Host, web.fetch, wavespeed.make, vercel.make, sqlite3.connect)))
    serve(_render)


# -- the test's side


class Ended(NamedTuple):
    """How a process ended: its exit status, negative for a signal; and what it told."""

    status: int
    signalled: Point | None
    results: Mapping[str, Sequence[str]]
    error: str
    met: Mapping[tuple[str, str, int], int]

    @property
    def states(self) -> Counter[str]:
        """How many shots ended in each state."""
        return Counter(state for state, _ in self.results.values())


class Process:
    """One render under way."""

    def __init__(self, zygote: "Zygote", pid: int, report: Path) -> None:
        self._zygote = zygote
        self.pid = pid
        self._report = report

    def wait(self) -> Ended:
        """Wait for its end."""
        end = self._zygote.ask({"wait": self.pid})
        assert not end["stopped"], "it was stopped, and hasn't ended"
        lines = told(self._report)
        met = {(stage, name, line): times for stage, name, line, times in lines.get("met", [])}
        point = Point(*lines["signalled"]) if "signalled" in lines else None
        return Ended(end["status"], point, lines.get("results", {}), lines.get("error", ""), met)

    def wait_until_stopped(self) -> None:
        """Wait until it stopped itself."""
        end = self._zygote.ask({"wait": self.pid})
        assert end["stopped"], f"it ended instead: {end}, {self._report.read_text('utf-8')[:2000]}"

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)


class Zygote(Forking):
    """Starts renders by forking."""

    def __init__(self, place: Path) -> None:
        super().__init__(__file__, place)
        self._number = 0

    def start(
        self,
        film: Path,
        running: Running,
        *,
        at: Point | int | None = None,
        send: signal.Signals = signal.SIGKILL,
        watch: bool | None = None,
        at_once: int = 4,
        settle: float = 0.2,
        lease: int = 0,
        pass_: str = "draft",
        poll: float = 0.02,
    ) -> Process:
        """Begin a render of a storyboard. `lease` are milliseconds, 0 for the usual."""
        self._number += 1
        report = self.place / f"report{self._number}"
        environment = running.environment() | {"STORYBOARD_POLL_SECONDS": str(poll)}
        begun = self.ask(
            {
                "film": str(film / "storyboard.yaml"),
                "environment": environment,
                "at": at,
                "send": int(send),
                "watch": at is not None if watch is None else watch,
                "at_once": at_once,
                "settle": settle,
                "lease": lease,
                "pass": pass_,
                "report": str(report),
            }
        )
        return Process(self, begun["pid"], report)

    def run(self, film: Path, running: Running, **how: Any) -> Ended:
        """A render from its start to its end."""
        return self.start(film, running, **how).wait()


@contextmanager
def copied(film: Path, to: Path) -> Iterator[Path]:
    """A film to spoil."""
    shutil.copytree(film, to)
    yield to
    shutil.rmtree(to)


def board(shots: int) -> str:
    """A film of so many shots, each of its own words."""
    return BOARD + "".join(
        f'  - {{id: s{n:03}0, prompt: "@mira walks {n} steps", duration: 2}}\n' for n in range(shots)
    )


# -- what must hold


class Audit(NamedTuple):
    """What the journal, the store and the service's ledger say of one film when its renders have ended.

    Attributes:
        twice: Shots that were bought more than once.
        lost: Jobs at the service that no purchase names, though none is held for them.
        wrong: What else isn't as it must be, in words.
        held: Purchases whose answer was lost and that are in doubt, each with its job's id, "" where there is none.
    """

    jobs: int
    twice: list[str]
    lost: list[str]
    wrong: list[str]
    held: list[tuple[Purchase, str]]
    waived: Decimal


def audit(film: Path, running: Running, pass_: str = "draft") -> Audit:
    """Compare them."""
    project = load(film / "storyboard.yaml")
    wrong = _damage(project.store.root)
    purchases = project.journal.all()
    ledger = running.ledger
    bought = Counter(str(entry.request["prompt"]) for entry in ledger)
    tickets = Counter(one.shown for one in purchases if one.ticket is not None)
    ids = {entry.id: entry for entry in ledger}
    known = {identity for shown in tickets for identity in ids if identity in shown}
    orphans = {str(entry.request["prompt"]): entry.id for entry in ledger if entry.id not in known}
    held = [(one, orphans.get(_prompt(one), "")) for one in purchases if one.state in {"lost", "intent"}]
    named = {identity for _, identity in held}
    wrong += [f"{shown} stands in two purchases" for shown, times in tickets.items() if times > 1]
    wrong += [f"{one.shot} is still {one.state}" for one in purchases if one.state in OPEN - {"intent"}]
    stored = {one.key for one in purchases if one.state == "stored"}
    lacking = {one.key for one, _ in held}
    for step in project.plan(pass_).steps:
        assert step.key is not None
        whole = isinstance(project.store.find(step.key), Record)
        if whole != (step.key in stored) or not (whole or step.key in lacking):
            wrong.append(f"{step.shot} is {'' if whole else 'not '}in the store, and {step.state}")
    waived = sum((one.booked or FREE for one in purchases if one.state == "waived"), FREE)
    missing = sum((one.booked or FREE for one, identity in held if not identity), FREE)
    billed = sum((entry.price or FREE for entry in ledger), FREE)
    if project.journal.spent() != billed + waived + missing:
        wrong.append(f"spent {project.journal.spent()}, billed {billed}, waived {waived}, in doubt {missing}")
    project.journal.close()
    return Audit(
        len(ledger),
        [prompt for prompt, times in bought.items() if times > 1],
        [identity for identity in orphans.values() if identity not in named],
        wrong,
        held,
        waived,
    )


def _prompt(one: Purchase) -> str:
    return str(one.job.request["prompt"])


def _damage(store: Path) -> list[str]:
    """What is broken in the files of the journal and of the store."""
    found = []
    db = sqlite3.connect(store / "journal.sqlite")
    told = db.execute("PRAGMA integrity_check").fetchall()
    if told != [("ok",)]:
        found.append(f"journal: {told}")
    if db.execute("PRAGMA foreign_key_check").fetchall():
        found.append("journal: a row without its owner")
    db.close()
    if (store / "quarantine").exists():
        found.append("something was set aside as damaged")
    keeper = load(store.parent / "storyboard.yaml").store
    records = [path.name for path in store.glob("ac/*") if path.name[0] != "."]
    damaged = [name for name in records if not isinstance(keeper.find(name), Record)]
    return found + [f"the record {name[:8]} can't be read" for name in damaged]


class Story(NamedTuple):
    """What became of one killed film: how often it was restarted, what was held and how that was settled."""

    restarts: int
    jobs: int
    adopted_by_hand: int
    waived: int
    twice: list[str]
    lost: list[str]
    wrong: list[str]


def go_on(zygote: Zygote, film: Path, running: Running, shots: int, *, restarts: int = 3, **how: Any) -> Story:
    """Restart a killed render until it has nothing more to do, settle what is in doubt as a user would, and finish."""
    twice: set[str] = set()
    lost: set[str] = set()
    wrong: list[str] = []
    adopted = waived = used = 0
    while True:
        before = None
        for _ in range(restarts):
            used += 1
            ended = zygote.run(film, running, **how)
            if ended.status:
                wrong.append(f"the restart ended with {ended.status}: {ended.error}")
            doubt = {shot for shot, (state, _) in ended.results.items() if state == "held"}
            if not set(ended.states) - {"done", "cached", "held"} and doubt in (set(), before):
                break
            before = doubt  # what was being sent just then may have stood in the way of finding another
        else:
            wrong.append(f"after {restarts} restarts: {ended.results}")
        found = audit(film, running, how.get("pass_", "draft"))
        twice |= set(found.twice)
        lost |= set(found.lost)
        wrong += found.wrong
        if not found.held or adopted or waived or wrong:
            break
        a, w = _settle(film, found.held)
        adopted, waived = adopted + a, waived + w
    if not wrong and (ended.states["held"] or found.jobs != shots):
        wrong.append(f"{found.jobs} jobs for {shots} shots: {ended.results}")
    return Story(used, found.jobs, adopted, waived, sorted(twice), sorted(lost), wrong)


def _settle(film: Path, held: Sequence[tuple[Purchase, str]]) -> tuple[int, int]:
    """As `resolve --adopt ID` does where the job is in the service's list, else as `resolve --buy-again`."""
    project = load(film / "storyboard.yaml")
    for one, identity in held:
        if identity:
            project.journal.adopt(one, identity, "the user's word")
        else:
            project.journal.settle(one, "waived", "the user's word")
    project.journal.close()
    adopted = sum(bool(identity) for _, identity in held)
    return adopted, len(held) - adopted


if __name__ == "__main__":
    _zygote()
