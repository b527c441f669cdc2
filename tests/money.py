"""A film of two shots, bought of the simulator over real HTTP by the real parts, at a clock of the test's own."""

import asyncio
import heapq
import itertools
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from storyboard import digest
from storyboard.buy import Terms
from storyboard.catalog import Catalog
from storyboard.compiler import Project, load
from storyboard.event import Advanced, Event
from storyboard.execute import Result, execute
from storyboard.journal import Journal
from storyboard.memo import Memo
from storyboard.plan import Plan
from storyboard.providers import Limit, Setup, vercel, wavespeed
from storyboard.providers.tls import context
from storyboard.purchase import Purchase
from storyboard.simulator import Entry, Fault, Running, Seen, Simulator, fault
from storyboard.simulator.faults import Script
from storyboard.store import Record, Store
from storyboard.tools import Tools
from tests.folder import Folder
from tests.scripted import Clock

MODELS = Catalog()
BOARD = """\
storyboard: 1
title: Two shots
aspect: 16:9
characters:
  mira: {look: a keeper, references: [mira.png]}
  juno: {look: a pilot, references: [juno.png]}
passes:
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
  gate: {model: vercel/alibaba/wan-v2.6-r2v-flash, upload_via: wavespeed}
shots:
  - {id: s010, prompt: "@mira waits", duration: 2}
  - {id: s020, prompt: "@juno leaves", duration: 2}
"""
BAD = "leaves"
"""What stands only in the prompt of s020, the shot that the trouble is about."""
MAKERS = {"wavespeed": wavespeed.make, "vercel": vercel.make}
FLASH = "alibaba/wan-2.6/reference-to-video-flash"
OTHER = "alibaba/wan-2.6/image-to-video-flash"
KEY = "sk-rig-5ecret-KEY"
SETTLE = 45.0
HEART = 10.0
"""Seconds from which a sleep is a render's heart's."""


class Time(Clock):
    """Time that passes only while somebody sleeps who has something to do after: a render's signs of life come when
    time has passed anyway.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        while self._idle and self._idle[0][0] <= self.time:
            waiting = heapq.heappop(self._idle)[2]
            if not waiting.done():
                waiting.set_result(None)

    async def sleep_or_beat(self, seconds: float) -> None:
        """`sleep`, for whoever may also be a render's heart."""
        if seconds < HEART:
            await self.sleep(seconds)
            return
        waiting = asyncio.get_running_loop().create_future()
        heapq.heappush(self._idle, (self.time + seconds, next(self._count), waiting))
        await waiting

    def next_render(self) -> None:
        """Nobody of an earlier event loop waits any more."""
        self._idle.clear()


@dataclass
class Rendered:
    """One render: its plan, its results by shot, and everything that it said."""

    plan: Plan
    results: Mapping[str, Result]
    said: list[str] = field(default_factory=list)

    def states(self) -> dict[str, str]:
        return {shot: result.state for shot, result in self.results.items()}

    def error(self, shot: str = "s020") -> str:
        return self.results[shot].error or ""


class Service:
    """A simulator that stays for many films: each has its own script, and sees what came since it began."""

    def __init__(self, clock: Time) -> None:
        self.running: Running
        self.clock = clock
        self.on_request: Callable[[Seen], None] = lambda _seen: None
        self._jobs = self._seen = self._foreign = 0

    def note(self, seen: Seen) -> None:
        """Called with each request, before its answer goes out."""
        self.on_request(seen)

    def begin(self, *rules: Mapping[str, Any]) -> None:
        """A new film: everything before is long ago."""
        self.clock.time += 100_000
        self.script(*rules)
        self._jobs, self._seen = len(self.running.ledger), len(self.running.requests)
        self._foreign = 0
        self.on_request = lambda _seen: None

    def script(self, *rules: Mapping[str, Any]) -> None:
        """What goes wrong from now on."""
        faults: tuple[Fault, ...] = tuple(fault(dict(rule)) for rule in rules)
        self.running.server.script = Script(faults)

    @property
    def ledger(self) -> list[Entry]:
        return self.running.ledger[self._jobs :]

    @property
    def seen(self) -> list[Seen]:
        return self.running.requests[self._seen :]

    @property
    def posts(self) -> int:
        """How often we asked for a clip to be made."""
        made = (seen.path for seen in self.seen if seen.method == "POST")
        return sum("/alibaba/" in path or path.endswith("/start") for path in made) - self._foreign

    def sold(self, prompt: str = BAD) -> list[Entry]:
        """The jobs whose prompt holds these words."""
        return [entry for entry in self.ledger if prompt in str(entry.request)]

    def foreign(self, number: int, *, model: str = FLASH, audio: bool = False, key: str = KEY) -> list[str]:
        """Jobs that somebody else buys on the same account now; their ids."""
        picture = "https://pictures.example/else.png"
        reference = {"image": picture} if model == OTHER else {"reference_urls": [picture]}
        size = {"resolution": "720p"} if model == OTHER else {"size": "1280*720"}
        body = {**reference, **size, "prompt": "somebody else's", "duration": 5, "enable_audio": audio}
        headers = {"Authorization": f"Bearer {key}"}
        self._foreign += number
        with httpx.Client(base_url=self.running.url, headers=headers, verify=context()) as client:
            answers = [client.post(f"/api/v3/{model}", json={**body, "seed": n}) for n in range(number)]
        return [answer.raise_for_status().json()["data"]["id"] for answer in answers]


@contextmanager
def serving(tools: Tools, clip: Path, **options: Any) -> Iterator[Service]:
    """A simulator whose clips are ready at once."""
    clock = Time()
    simulator = Simulator(tools, MODELS, latency=0, clip=clip, now=clock.wall, **options)
    service = Service(clock)
    with simulator.serving(notify=service.note) as service.running:
        yield service


class Film:
    """A project with a store of its own."""

    def __init__(self, folder: Folder, store: Path, service: Service, tools: Tools, of: str = "draft") -> None:
        self.path = folder.path / "storyboard.yaml"
        self.root = store
        self.service = service
        self.clock = service.clock
        self.tools = tools
        self.of = of
        self.patience = 1.0
        self._keys: dict[str, str] = {}

    def project(self) -> Project:
        """As a new process would load it."""
        return load(self.path, store=self.root, now=lambda: round(self.clock.wall() * 1e9))

    def plan(self) -> Plan:
        project = self.project()
        try:
            return project.plan(self.of)
        finally:
            project.journal.close()

    def state(self, shot: str = "s020") -> str:
        """What the plan says of a shot."""
        return next(step.state for step in self.plan().steps if step.shot == shot)

    def key(self, shot: str = "s020") -> str:
        if shot not in self._keys:
            self._keys |= {step.shot: str(step.key) for step in self.plan().steps}
        return self._keys[shot]

    def purchase(self, shot: str = "s020") -> Purchase:
        """The last purchase of a shot's key."""
        return self.purchases()[self.key(shot)]

    def purchases(self) -> dict[str, Purchase]:
        with self.journal() as journal:
            return journal.latest()

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal, as another process sees it."""
        journal = Journal(self.root / "journal.sqlite", lambda: round(self.clock.wall() * 1e9))
        try:
            yield journal
        finally:
            journal.close()

    def render(
        self, hooks: Mapping[str, Callable[[], Any]] | None = None, *, only: Sequence[str] = (), **changes: Any
    ) -> Rendered:
        """What `Project.render` does, with this clock. `hooks` are called when a step of s020 begins that is named
        so, such as "submitting": right before the request leaves, with its intent on the disk.
        """
        self.clock.next_render()
        project = self.project()
        said: list[str] = []
        plan = project.plan(self.of, only=only)
        waiting = dict(hooks or {})

        def notify(event: Event) -> None:
            said.append(repr(event))
            if isinstance(event, Advanced) and event.shot == "s020":
                named = next((name for name in waiting if event.doing.startswith(name)), "")
                if named:
                    waiting.pop(named)()

        setup = Setup(
            tools=self.tools,
            environment=self.service.running.environment(KEY),
            models=MODELS,
            uploads=self.root / "uploads",
            workers=1,
            now=self.clock.now,
            wall=self.clock.wall,
            sleep=self.clock.sleep,
            chance=lambda: 0.5,
            limits={"wavespeed": Limit(9, 999), "vercel": Limit(9, 999)},
            note=said.append,
            patience=self.patience,
        )
        providers = {step.job.provider: MAKERS[step.job.provider](setup) for step in plan.work.values() if step.job}
        try:
            with project.store.workspace() as place:
                run = project.journal.begin(place.name, project.store.lives, plan.pass_id)
                terms = Terms(run, self.clock.wall, self.clock.sleep_or_beat, self.clock.now, settle=SETTLE, **changes)
                work = execute(
                    plan,
                    project.others(plan),
                    providers,
                    project.store,
                    project.journal,
                    terms,
                    notify,
                    lambda _step: None,
                )
                results = asyncio.run(work)
                project.journal.end(run, 0, Decimal(0))
        finally:
            project.journal.close()
        assert not waiting, "a hook was never called"
        return Rendered(plan, {result.step.shot: result for result in results}, said)

    def settle(self, decision: Any, shot: str = "s020") -> None:
        """The user's word on a purchase."""
        with self.journal() as journal:
            journal.settle(journal.latest()[self.key(shot)], decision, "said so")

    def require_sound(self) -> None:
        """Journal and store hold what they should, whole, and no secret."""
        ids = {entry.id for entry in self.service.running.ledger}
        store = Store(self.root, Memo(self.root / "no-hashes", lambda: 0))
        with self.journal() as journal:
            everything = journal.all()
            events = {one.number: journal.events(one.number) for one in everything}
        tickets = [one.shown for one in everything if one.ticket is not None]
        assert len(tickets) == len(set(tickets)), "two purchases have one id"
        if self.of == "draft":
            assert set(tickets) <= ids
        for one in everything:
            assert events[one.number][-1][1] == one.state
            assert "Traceback" not in one.reason
            found = store.find(one.key)
            if one.state == "stored":
                assert isinstance(found, Record)
                (blob,) = found.outputs.values()
                assert digest.sha256_file(blob.path) == blob.sha256
        with closing(sqlite3.connect(self.root / "journal.sqlite")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for path in self.root.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path
        assert not list((self.root / "tmp").iterdir()), "work under way was left behind"


def board(folder: Folder) -> Folder:
    """The film's files."""
    folder.picture("mira.png", "teal")
    folder.picture("juno.png", "coral")
    folder.write(BOARD)
    return folder


def name_of(folder: Folder, picture: str = "juno.png") -> str:
    """What an upload of a picture is called."""
    return digest.sha256_file(folder.path / picture)[:16]


def shown(rendered: Sequence[Rendered]) -> str:
    """Everything that was said, to look for what mustn't be."""
    return json.dumps([[*one.said, *(str(result.error) for result in one.results.values())] for one in rendered])


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder for many stores: in memory, where the system has such a place, as every one is flushed many times."""
    memory = Path("/dev", "shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)
