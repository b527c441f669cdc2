"""Buy N clips of a service that answers at once: CPU and wall seconds, and the peak of memory, as JSON.

    buying.py ours|least N FOLDER CLIP

`ours` is a render as it is: journal, store, executor. `least` writes down the same, and nothing else: the five steps of
a purchase as durable SQLite transactions, and a blob and a record as fsynced files.
"""

import asyncio
import json
import os
import resource
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from storyboard import job as jobs
from storyboard.buy import Terms
from storyboard.execute import execute
from storyboard.film import Shot
from storyboard.job import Job
from storyboard.journal import Journal
from storyboard.memo import Memo
from storyboard.plan import Plan, Step
from storyboard.providers import Limit, Status, Ticket
from storyboard.store import Store

MODEL = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"


class Instant:
    """A service that takes no time; each clip has bytes of its own."""

    title, idempotent = "Instant", False
    limit = Limit(300, 1 << 30)

    def __init__(self, clip: bytes) -> None:
        self._clip = clip

    def require(self, job: Job) -> None:
        """Nothing."""

    def work(self, job: Job) -> int:
        return 60

    async def close(self) -> None:
        """Nothing."""

    async def prepare(self, job: Job, progress: Any) -> Mapping[str, Any]:
        return job.request

    async def submit(self, job: Job, body: Any, nonce: str, still: Callable[[], None], progress: Any) -> Ticket:
        still()
        return Ticket(nonce)

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Any, completed: Callable[[], None]
    ) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        completed()
        into.write_bytes(self._clip + b"\0\0\0\x10free" + str(ticket.id).encode()[:8])
        return {}

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        return None


def ours(number: int, folder: Path, clip: Path) -> None:
    store = Store(folder, Memo(folder / "hashes", time.time_ns))
    journal = Journal(folder / "journal.sqlite", time.time_ns)
    shot = Shot("s", "", "", (), Fraction(5), Fraction(0), skip=False)
    made = [jobs.new(MODEL, {"prompt": f"shot {n}"}, {}, Fraction(5), Decimal("0.25")) for n in range(number)]
    steps = tuple(Step(shot._replace(id=f"s{n}"), "final", job, "submit", ("new",)) for n, job in enumerate(made))
    plan, seller = Plan("film", "draft", steps), {"wavespeed": Instant(clip.read_bytes())}
    with store.workspace() as place:
        run = journal.begin(place.name, store.lives)
        terms = Terms(run, time.time, asyncio.sleep, time.monotonic)
        results = asyncio.run(execute(plan, [], seller, store, journal, terms, lambda _: None, lambda _: None))
    assert all(result.state == "done" for result in results)
    assert journal.spent() == Decimal("0.25") * number


def least(number: int, folder: Path, clip: Path) -> None:
    db = sqlite3.connect(folder / "least.sqlite", isolation_level=None)
    db.execute("PRAGMA synchronous = EXTRA")
    db.execute("CREATE TABLE step (job INTEGER, state INTEGER, what TEXT)")
    data = clip.read_bytes()
    for n in range(number):
        for state in range(5):
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO step VALUES (?, ?, ?)", (n, state, "x" * 300))
            db.execute("COMMIT")
        for name, body in (("blob", data), ("record", b"x" * 600)):
            target = folder / f"{name}-{n}"
            with target.with_suffix(".tmp").open("wb") as stream:
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            target.with_suffix(".tmp").replace(target)
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


def main() -> None:
    which, number, folder, clip = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    (ours if which == "ours" else least)(number, folder, clip)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": after.ru_maxrss * 1024 / 1e6}))


if __name__ == "__main__":
    main()
