"""The providers' HTTP APIs on this machine: strict as the real ones, free, and as unreliable as a script says."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from storyboard.catalog import Model
from storyboard.simulator.aimlapi import AimlApi
from storyboard.simulator.dashscope import DashScope, ObjectStore
from storyboard.simulator.faults import Fault, Script, fault, load_faults
from storyboard.simulator.outputs import Outputs
from storyboard.simulator.server import Seen, Server, Service, stores
from storyboard.simulator.service import Engine, Entry, Limits
from storyboard.simulator.shelf import Shelf
from storyboard.simulator.vercel import Vercel
from storyboard.simulator.wavespeed import WaveSpeed
from storyboard.tools import Tools

__all__ = ["Entry", "Fault", "Limits", "Running", "Seen", "Simulator", "fault", "load_faults"]


class Running(NamedTuple):
    """A simulator that is being served; `url` has no slash at the end."""

    url: str
    server: Server

    def environment(self, key: str = "rehearsal") -> dict[str, str]:
        """Environment variables that send a client here."""
        return {
            "WAVESPEED_BASE_URL": self.url,
            "WAVESPEED_API_KEY": key,
            "AI_GATEWAY_BASE_URL": f"{self.url}/v4/ai",
            "AI_GATEWAY_API_KEY": key,
            "AIML_API_BASE": self.url,
            "AIML_API_KEY": key,
            "DASHSCOPE_HTTP_BASE_URL": f"{self.url}/api/v1",
            "DASHSCOPE_API_KEY": key,
        }

    @property
    def ledger(self) -> list[Entry]:
        """Every job that was accepted, in order."""
        return self.server.engine.ledger

    @property
    def requests(self) -> list[Seen]:
        """Every request that came, in order."""
        return list(self.server.seen)


class Simulator:
    """What to simulate.

    Args:
        speed: How many times faster than the models' typical latency jobs are done.
        latency: Seconds that every job takes, instead.
        limits: Provider -> (jobs under way at once, submits a minute), either None; no limits by default.
        rate: Frames a second of the clips.
        clip: A file that every job delivers, instead of one drawn for it.
        list_lag: Seconds for which a job is not in the lists of jobs and bills yet.
        now: Seconds since 1970; it dates jobs and ends the life of outputs.
    """

    def __init__(
        self,
        tools: Tools,
        models: Mapping[str, Model],
        *,
        speed: float = 1.0,
        latency: float | None = None,
        faults: Sequence[Fault] = (),
        limits: Limits | None = None,
        seed: int = 1,
        rate: Fraction = Fraction(24),
        clip: Path | None = None,
        list_lag: float = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tools = tools
        self._models = models
        self._speed = speed
        self._latency = latency
        self._faults = faults
        self._limits = limits or {}
        self._seed = seed
        self._rate = rate
        self._clip = clip
        self._list_lag = list_lag
        self._now = now

    @contextmanager
    def serving(self, port: int = 0, notify: Callable[[Seen], None] | None = None) -> Iterator[Running]:
        """Serve on 127.0.0.1 until the end of the `with`; port 0 takes any that is free.

        `notify` is called with each request, in the thread that answers it, before the answer is sent.

        Raises:
            OSError: the port is taken.
        """
        with ExitStack() as until_the_end:
            folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            shelf = Shelf(folder)
            engine = Engine(
                self._tools,
                folder,
                shelf,
                speed=self._speed,
                latency=self._latency,
                limits=self._limits,
                seed=self._seed,
                rate=self._rate,
                clip=self._clip,
                list_lag=self._list_lag,
                now=self._now,
            )
            until_the_end.callback(engine.close)
            services: list[Service] = [
                WaveSpeed(engine, self._models),
                Vercel(engine, self._models),
                AimlApi(engine, self._models),
                DashScope(engine, self._models),
                ObjectStore(engine),
                Outputs(engine),
                *stores(shelf),
            ]
            server = Server(port, services, engine, Script(self._faults), notify)
            until_the_end.callback(server.server_close)
            shelf.base = f"http://127.0.0.1:{server.server_address[1]}"
            thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="simulator", daemon=True)
            thread.start()
            until_the_end.callback(thread.join)
            until_the_end.callback(server.close_all)
            until_the_end.callback(server.shutdown)
            yield Running(shelf.base, server)
