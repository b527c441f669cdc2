"""Seats that share a bucket, each a real process with a store of its own, and a bucket on loopback for them.

`python seats.py` imports what a render needs and forks a process for each request on its standard input, as
`killing.py` does. A process may be told to kill itself when it comes to a function.
"""

import asyncio
import logging
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import httpx

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))

import storyboard
from storyboard.compiler import load
from storyboard.event import Event, Noted
from storyboard.lease import Pace
from storyboard.providers import Limit, tls
from storyboard.remote import open_remote
from storyboard.shared import Wanted, share
from storyboard.simulator import Running
from storyboard.store import Record
from storyboard.tools import Tools
from tests.forking import ROOT, Forking, serve, tell, told


class Bucket(NamedTuple):
    """A bucket on loopback, and how to get at it."""

    url: str
    environment: Mapping[str, str]
    service: str

    def names(self) -> list[str]:
        """Everything in it."""
        listed = httpx.get(f"{self.service}/{self.url.removeprefix('s3://').partition('/')[0]}?list-type=2").text
        prefix = self.url.removeprefix("s3://").partition("/")[2]
        keys = [part.partition("</Key>")[0] for part in listed.split("<Key>")[1:]]
        return [key.removeprefix(f"{prefix}/") for key in keys]

    def read(self, name: str) -> bytes:
        return httpx.get(f"{self.service}/{self.url.removeprefix('s3://')}/{name}").content

    def write(self, name: str, data: bytes) -> None:
        httpx.put(f"{self.service}/{self.url.removeprefix('s3://')}/{name}", content=data).raise_for_status()


@contextmanager
def buckets() -> Iterator[str]:
    """S3 on loopback: its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def bucket(service: str, name: str) -> Bucket:
    """A new bucket."""
    httpx.put(f"{service}/{name}").raise_for_status()
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "s3cret-of-the-bucket"}
    return Bucket(f"s3://{name}/films", {**keys, "AWS_ENDPOINT_URL": service}, service)


# -- the process


def _render(asked: Mapping[str, Any], report: int) -> None:
    """Look into the shared cache, plan, and render a paid pass, as the command line does, without the cut."""
    notes: list[str] = []

    def notify(event: Event) -> None:
        if isinstance(event, Noted):
            notes.append(event.message)

    project = load(Path(asked["film"]) / "storyboard.yaml")
    cache = open_remote(asked["remote"], asked["environment"], asyncio.sleep)
    clocks = {"wall": time.time, "now": time.monotonic, "sleep": asyncio.sleep}
    shared = share(project.store, cache, asked["who"], notify, pace=Pace(*asked["pace"]), **clocks)
    _watch(asked["dies"])
    plan = project.plan("draft")
    if missing := {step.key: Wanted(step.name) for step in plan.steps if step.key and not step.record}:
        shared.run(shared.pull(missing))
        plan = project.plan("draft")
    limits = {"wavespeed": Limit(4, 1_000_000)}
    more = {one.provider for one in project.others(plan)}
    sellers = project.market.providers(
        plan, Tools(Path("ffmpeg"), "none"), asked["environment"], limits=limits, more=more
    )
    results = project.render(plan, sellers, settle=0.2, shared=shared, notify=notify)
    states = {one.step.shot: [one.state, one.error] for one in results}
    tell(report, "results", states)
    tell(report, "notes", notes)


def _watch(function: str | None) -> None:
    """Have this process killed when it comes to a function, `module:Class.name`, or to `#2`: for the second time."""
    if function is None:
        return
    module, _, name = function.partition(":")
    name, _, times = name.partition("#")
    path, left = str(ROOT / "storyboard" / module), int(times or 1)

    def called(frame: FrameType, event: str, _value: Any) -> None:
        nonlocal left
        code = frame.f_code
        if code.co_name == last and code.co_qualname == name and code.co_filename == path:
            left -= frame.f_lineno == code.co_firstlineno  # else a coroutine goes on
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    last = name.rpartition(".")[2]
    sys.settrace(called)


def _zygote() -> None:
    for module in pkgutil.walk_packages(storyboard.__path__, "storyboard."):
        if not module.name.endswith(".__main__"):
            import_module(module.name)
    tls.context()
    serve(_render)


# -- the test's side


class Ended(NamedTuple):
    """How a render ended: its exit status, negative for a signal, its results by shot, and what was noted."""

    status: int
    results: Mapping[str, tuple[str, str | None]] = {}
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def states(self) -> list[str]:
        return [state for state, _ in self.results.values()]


class Seats(Forking):
    """Starts renders of films, each film a seat."""

    def __init__(self, place: Path) -> None:
        super().__init__(__file__, place)

    def start(
        self,
        film: Path,
        running: Running,
        url: str,
        environment: Mapping[str, str],
        *,
        dies: str | None = None,
        still: float = 30.0,
    ) -> int:
        """Begin a render of a film; its process. `still` are seconds without a sign of life of another seat."""
        known = {**running.environment(), "STORYBOARD_POLL_SECONDS": "0.03", **environment}
        asked = {"film": str(film), "remote": url, "environment": known, "who": f"seat {film.name}", "dies": dies}
        report = self.place / film.name
        return int(self.ask({**asked, "pace": [0.1, still, 0.1, 0.4], "report": str(report)})["pid"])

    def wait(self, pid: int, film: Path) -> Ended:
        """Wait for its end."""
        status = int(self.ask({"wait": pid})["status"])
        lines = told(self.place / film.name)
        results = {shot: (state, error) for shot, (state, error) in lines.get("results", {}).items()}
        return Ended(status, results, tuple(lines.get("notes", ())), lines.get("error", ""))

    def run(self, film: Path, running: Running, url: str, environment: Mapping[str, str], **how: Any) -> Ended:
        """A render from its start to its end."""
        return self.wait(self.start(film, running, url, environment, **how), film)


def clips(film: Path) -> dict[str, tuple[str, bytes]]:
    """The service's id and the bytes of every shot's clip that a film's store has, whole."""
    project = load(film / "storyboard.yaml")
    found = {step.shot: step.record for step in project.plan("draft").steps}
    project.journal.close()
    return {
        shot: (str(one.facts["id"]), one.outputs["clip"].path.read_bytes())
        for shot, one in found.items()
        if isinstance(one, Record)
    }


if __name__ == "__main__":
    _zygote()
