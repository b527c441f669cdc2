"""How long a thousand clips take, by the real client's turns and polls under a virtual clock, and how long they must."""

import asyncio
import base64
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from storyboard import job as jobs
from storyboard.buy import Terms
from storyboard.catalog import Catalog
from storyboard.event import ignore
from storyboard.execute import execute
from storyboard.film import Film, Pass, Shot
from storyboard.journal import Journal
from storyboard.memo import Memo
from storyboard.plan import Known, decide
from storyboard.providers import Limit, Setup
from storyboard.providers.account import Account
from storyboard.providers.remote import Remote
from storyboard.providers.vercel import Vercel
from storyboard.providers.wire import Answer, Call
from storyboard.store import Store
from storyboard.tools import Tools
from tests.virtual import Loop, run, smallest

JOBS = 1000
LATENCY = range(30, 301)
"""Seconds."""
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own in it
MOST = 1.10
"""Times the least that any order and any polling could take."""


class Line(Account):
    """An account whose requests reach a service in memory, a moment later. It takes what it is sent, and counts."""

    def __init__(self, loop: Loop, random: Random, clip: bytes) -> None:
        super().__init__(Vercel.service, {"AI_GATEWAY_API_KEY": "a-key"})
        self._loop = loop
        self._random = random
        self._clip = base64.b64encode(clip).decode()
        self.ends: list[float] = []
        self.begun: deque[float] = deque()
        self.most_at_once = self.most_in_a_minute = self.polls = 0

    async def send(
        self, call: Call, *, seconds: float = 30, once: bool = False, still: Callable[[], None] | None = None
    ) -> Answer:
        """See there."""
        await asyncio.sleep(self._random.uniform(0.02, 0.2))
        if still is not None:
            still()
        said = self._started(call) if call.path.endswith("/start") else self._polled(call)
        await asyncio.sleep(self._random.uniform(0.02, 0.2))
        return Answer(200, {}, said)

    def _started(self, call: Call) -> Any:
        now = self._loop.time()
        self.ends.append(now + int(call.headers["ai-model-id"].removeprefix("takes-")))
        self.begun.append(now)
        while now - self.begun[0] >= 59.5:  # requests are up to 0.2 s on their way
            self.begun.popleft()
        self.most_in_a_minute = max(self.most_in_a_minute, len(self.begun))
        self.most_at_once = max(self.most_at_once, sum(end > now for end in self.ends))
        return {"operation": len(self.ends) - 1}

    def _polled(self, call: Call) -> Any:
        self.polls += 1
        if self._loop.time() < self.ends[call.body["operation"]]:
            return {"status": "pending"}
        return {"status": "completed", "videos": [{"type": "base64", "data": self._clip}]}


class Wired(Remote):
    """The real client on such a line."""

    def __init__(self, setup: Setup, line: Line) -> None:
        super().__init__(Vercel(), setup)
        self._account = line


class Measure(NamedTuple):
    """What one render took, in seconds, and what the service saw."""

    limit: Limit
    took: float
    least: float
    polls: int
    begun: int
    most_at_once: int
    most_in_a_minute: int
    states: set[str]


def least(latencies: list[int], limit: Limit) -> float:
    """Seconds that no schedule can stay below: for one job, for all of them, and for the last one's turn to come."""
    minutes = 60 * ((len(latencies) - 1) // limit.per_minute)
    return max(*latencies, sum(latencies) / limit.concurrent, minutes + min(latencies))


def measured(limit: Limit, tools: Tools, clip: bytes) -> Measure:
    """Have a thousand clips bought. Runs in a process of its own."""
    random = Random(1)
    latencies = [random.choice(LATENCY) for _ in range(JOBS)]
    model = Catalog()["vercel/alibaba/wan-v2.6-r2v-flash"]
    request = model.body({"prompt": "", "duration": 5, "size": model.size("16:9", "720p"), "references": []})
    made = tuple(
        jobs.new(f"vercel/takes-{n}", {**request, "seed": number}, {}, Fraction(5), Decimal("0.25"))
        for number, n in enumerate(latencies)
    )
    shots = tuple(Shot(f"s{n}", "", "", "", "", (), Fraction(5), Fraction(0), skip=False) for n in range(JOBS))
    film = Film(
        "film",
        "16:9",
        Fraction(24),
        "final",
        {"final": Pass("m", "720p", False)},
        shots,
        {"final": made},
        {"final": {}},
        {},
    )
    loop = Loop()
    line = Line(loop, random, clip)
    setup = Setup(
        tools=tools,
        environment={"AI_GATEWAY_API_KEY": "a-key"},
        models={f"vercel/takes-{n}": replace(model, latency=n) for n in LATENCY},
        uploads=None,
        workers=1,
        now=loop.time,
        wall=loop.wall,
        sleep=asyncio.sleep,
        chance=random.random,
        limits={"vercel": limit},
    )
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:  # a thousand durable writes
        store = Store(Path(place), Memo(Path(place, "hashes"), lambda: 0))
        journal = Journal(None, lambda: int(loop.wall() * 1e9))
        terms = Terms(journal.begin("one", lambda _: False), loop.wall, asyncio.sleep, loop.time)
        plan = decide(film, "final", (), (), Known(store.find, lambda *_: {}, lambda _: None, lambda _: True))
        sellers = {"vercel": Wired(setup, line)}
        results = run(loop, execute(plan, [], sellers, store, journal, terms, ignore, lambda _: None))
    states = {result.state for result in results}
    seen = line.polls, len(line.ends), line.most_at_once, line.most_in_a_minute
    return Measure(limit, loop.time(), least(latencies, limit), *seen, states)


def test_a_thousand_clips_take_hardly_longer_than_they_must(tools: Tools, tmp_path: Path) -> None:
    limits = [Limit(300, 10_000), Limit(32, 10_000), Limit(300, 60)]
    clip = smallest(tmp_path, tools.ffmpeg)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        done = [one.result() for one in [pool.submit(measured, limit, tools, clip) for limit in limits]]
    for one in done:
        print(f"\n{one}\nratio {one.took / one.least:.3f}, {one.polls / JOBS:.1f} polls a clip")
    for one in done:
        assert (one.states, one.begun) == ({"done"}, JOBS)
        assert one.took / one.least <= MOST
        assert one.most_at_once <= one.limit.concurrent
        assert one.most_in_a_minute <= one.limit.per_minute
