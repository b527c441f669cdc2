"""Jobs and what they cost: the part that every simulated service shares."""

import math
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from storyboard.animatic import RenderError
from storyboard.catalog import Model
from storyboard.media import MediaError
from storyboard.simulator import clips, strict
from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Refused
from storyboard.simulator.shelf import Shelf
from storyboard.sniff import NEEDED, is_image, is_video, sniff
from storyboard.tools import Tools

State = Literal["queued", "running", "completed", "failed", "cancelled"]
Limits = Mapping[str, tuple[int | None, int | None]]
"""Provider -> jobs under way at once, and submits a minute; None for no limit."""

_QUEUED = 0.1
"""The share of a job's latency that it spends in a queue."""
_REFUNDING = frozenset({"wavespeed"})
"""Providers that give the money of a failed job back."""


class _Stopped(Exception):
    """Raised inside a rendering thread to stop it."""


@dataclass(frozen=True)
class Entry:
    """One job in the ledger. `price` in US dollars, None where unknown; `latency` in seconds before `speed`."""

    sequence: int
    provider: str
    model: str
    id: str
    request: Mapping[str, Any]
    price: Decimal | None
    state: State
    latency: float
    refunded: bool


@dataclass
class Job:
    """One accepted request. Times are seconds of the engine's clock; `takes` is its latency on that clock."""

    sequence: int
    id: str
    token: str
    model: Model
    request: Mapping[str, Any]
    price: Decimal | None
    latency: float
    takes: float
    created: float
    seconds: Fraction
    resolution: str
    fate: Fault | None
    clip: Path
    rendering: "Future[None] | None" = None
    started: float | None = None
    finished: float | None = None
    rendered: float = 0
    state: State = "queued"
    error: str = ""
    expired: bool = False
    refunded: bool = False
    deleted: bool = False

    @property
    def provider(self) -> str:
        """The part of the model's id before the first slash."""
        return self.model.provider

    @property
    def name(self) -> str:
        """The provider's own name of the model."""
        return self.model.id.partition("/")[2]

    @property
    def prompt(self) -> str:
        """What the clip shows, in words."""
        return self.model.prompt_in(self.request)

    @property
    def moderated(self) -> bool:
        """Whether a moderator stopped it."""
        return self.state == "failed" and self.fate is not None and self.fate.do == "moderate"


class Engine:
    """Every job of every service. `now` gives seconds since 1970; nothing here waits."""

    def __init__(
        self,
        tools: Tools,
        folder: Path,
        shelf: Shelf,
        *,
        speed: float,
        latency: float | None,
        limits: Limits,
        seed: int,
        rate: Fraction,
        clip: Path | None,
        list_lag: float,
        now: Callable[[], float],
    ) -> None:
        self.now = now
        self.shelf = shelf
        self._tools = tools
        self._folder = folder
        self._speed = speed
        self._latency = latency
        self._limits = limits
        self._seed = seed
        self._rate = rate
        self._clip = clip
        self._list_lag = list_lag
        self._jobs: dict[str, Job] = {}
        self._live: list[Job] = []
        self._freed: dict[str, float] = {}
        self._submits: dict[str, list[float]] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="simulator")

    @property
    def ledger(self) -> list[Entry]:
        """Every job in the order of submission."""
        with self._lock:
            self._advance()
            return [
                Entry(j.sequence, j.provider, j.model.id, j.id, j.request, j.price, j.state, j.latency, j.refunded)
                for j in self._jobs.values()
            ]

    def check(self, model: Model, body: Mapping[str, Any]) -> None:
        """Raise `Refused` unless a request fits the model and its references can be fetched."""
        strict.require(model.request, body)
        kinds = []
        for n, url in enumerate(model.references_in(body), 1):
            path = self.shelf.find(url)
            if path is None and not (url.startswith("https://") and len(url) > len("https://")):
                raise Refused(400, f"media URL not accessible: {url[:200]} (reference {n})")
            if path is not None:
                with path.open("rb") as stream:
                    kinds.append(sniff(stream.read(NEEDED)))
        images, videos = sum(map(is_image, kinds)), sum(map(is_video, kinds))
        if model.references and (images > model.references.images or videos > model.references.videos):
            most = model.references
            raise Refused(400, f"references: at most {most.images} images and {most.videos} videos")
        if model.image and videos:
            raise Refused(400, "image: it is a video")

    def price(self, model: Model, body: Mapping[str, Any]) -> Decimal | None:
        """US dollars for a request that fits the model."""
        wanted = model.wanted(strict.with_defaults(model.request, body))
        return model.cost(resolution=wanted.resolution, seconds=wanted.seconds, audio=wanted.audio is not False)

    def submit(self, model: Model, body: Mapping[str, Any], fate: Fault | None, id_: str = "") -> Job:
        """Accept a request.

        Raises:
            Refused: it doesn't fit the model, or comes too soon.
        """
        self.check(model, body)
        filled = strict.with_defaults(model.request, body)
        wanted = model.wanted(filled)
        wanted = replace(wanted, seconds=wanted.seconds or Fraction(5))
        first = next(iter(model.references_in(body)), "")
        with self._lock:
            self._advance()
            now = self.now()
            self._require_pace(model.provider, now)
            sequence = len(self._jobs) + 1
            latency = self._latency
            if latency is None:
                latency = model.latency * float(np.random.default_rng([self._seed, sequence]).uniform(0.7, 1.5))
            takes = latency if self._latency is not None else latency / self._speed
            token = secrets.token_hex(16)
            job = Job(
                sequence=sequence,
                id=id_ or secrets.token_hex(16),
                token=token,
                model=model,
                request=body,
                price=self.price(model, body),
                latency=latency,
                takes=takes,
                created=now,
                seconds=wanted.seconds,
                resolution=wanted.resolution,
                fate=fate,
                clip=self._folder / f"{token}.mp4",
            )
            self._jobs[job.id] = job
            self._live.append(job)
            seed = model.value(filled, "seed")
            shown = clips.Shown(
                prompt=job.prompt,
                reference=self.shelf.find(first),
                wanted=wanted,
                rate=self._rate,
                seed=seed if isinstance(seed, int) and seed >= 0 else sequence,
                silent=wanted.audio is False or (fate is not None and fate.do == "silent"),
                short=fate is not None and fate.do == "short",
            )
            if self._clip is not None:
                job.clip = self._clip
            elif fate is None or fate.do not in {"fail", "moderate", "empty", "not_video"}:
                job.rendering = self._pool.submit(self._render, shown, job)
            self._advance()
            return job

    def find(self, provider: str, id_: str) -> Job | None:
        """A provider's job as it is now; None for an id that it never gave, or has forgotten."""
        with self._lock:
            self._advance()
            job = self._jobs.get(id_)
            if job is None or job.provider != provider or self.gone(job):
                return None
            return job

    def ask(self, provider: str, id_: str, fault: Fault | None) -> Job | None:
        """What `find` gives, polled: a fault may decide the job's end, and expired outputs can be fetched again."""
        with self._lock:
            job = self.find(provider, id_)
            if job is not None:
                job.expired = False
                if fault is not None and fault.do in {"fail", "moderate", "empty", "two"} and not job.refunded:
                    job.fate = fault
                    if fault.do in {"fail", "moderate"} and job.state != "cancelled":
                        self._end(job, self.now())
            return job

    def jobs(self, provider: str) -> Sequence[Job]:
        """A provider's jobs, oldest first."""
        with self._lock:
            self._advance()
            return [job for job in self._jobs.values() if job.provider == provider and not self.gone(job)]

    def listed(self, provider: str) -> Sequence[Job]:
        """The jobs that the provider's lists show by now, oldest first."""
        return [job for job in self.jobs(provider) if job.created <= self.now() - self._list_lag]

    def gone(self, job: Job) -> bool:
        """Whether a job's outputs and record are no longer kept."""
        return job.deleted or bool(
            job.finished is not None and job.model.kept and self.now() > job.finished + job.model.kept
        )

    def cancel(self, job: Job, *, refund: bool) -> None:
        """Stop a job; of one that is finished, forget the record and the outputs."""
        with self._lock:
            if job.finished is None:
                job.state, job.finished, job.refunded = "cancelled", self.now(), refund
                self._freed[job.provider] = self.now()
            else:
                job.deleted = True

    def outputs(self, job: Job) -> list[str]:
        """The URLs of a completed job's clips."""
        if job.state != "completed" or (job.fate is not None and job.fate.do == "empty"):
            return []
        names = [job.token, f"{job.token}-2"] if job.fate is not None and job.fate.do == "two" else [job.token]
        return [f"{self.shelf.base}/outputs/{name}/{job.sequence}.mp4?Expires={self.expires(job)}" for name in names]

    def by_token(self, token: str) -> Job | None:
        """The job whose output a URL names."""
        with self._lock:
            self._advance()
            found = (job for job in self._jobs.values() if job.token == token.removesuffix("-2") and not job.deleted)
            return next(found, None)

    def expires(self, job: Job) -> int:
        """When its outputs are thrown away, in seconds since 1970."""
        return math.ceil((job.finished or 0) + (job.model.kept or 86400))

    def wait(self, seconds: float) -> None:
        """Keep an answer back; the end of the simulator cuts it short."""
        self._stop.wait(seconds)

    def close(self) -> None:
        """Stop rendering. Nothing is accepted afterwards."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _require_pace(self, provider: str, now: float) -> None:
        _, per_minute = self._limits.get(provider, (None, None))
        minute = 60 / self._speed
        recent = [at for at in self._submits.get(provider, ()) if at > now - minute]
        if per_minute is not None and len(recent) >= per_minute:
            wait = max(1, math.ceil(recent[0] + minute - now))
            raise Refused(429, f"too many requests: {per_minute} a minute", {"Retry-After": str(wait)})
        self._submits[provider] = [*recent, now]

    def _advance(self) -> None:
        """Bring every job's state up to now."""
        now = self.now()
        for provider in {job.provider for job in self._live}:
            most, _ = self._limits.get(provider, (None, None))
            mine = [job for job in self._live if job.provider == provider]
            freed = self._freed.get(provider, 0.0)
            moved = True
            while moved:
                moved = False
                under_way = [job for job in mine if job.started is not None and job.finished is None]
                for job in under_way:
                    ready = (job.started or 0) + job.takes
                    if now >= ready and self._rendered(job):
                        self._end(job, max(ready, job.rendered))
                        freed, moved = max(freed, job.finished or 0), True
                waiting = [job for job in mine if job.started is None and job.finished is None]
                busy = sum(job.finished is None for job in under_way)
                for job in waiting[: len(waiting) if most is None else max(0, most - busy)]:
                    job.started, moved = max(job.created, freed), True
            for job in mine:
                if job.state == "queued" and job.started is not None and now >= job.started + _QUEUED * job.takes:
                    job.state = "running"
            self._freed[provider] = freed
        self._live = [job for job in self._live if job.finished is None]

    @staticmethod
    def _rendered(job: Job) -> bool:
        return job.rendering is None or job.rendering.done()

    def _end(self, job: Job, at: float) -> None:
        job.finished = at
        problem = None
        if job.rendering is not None and job.rendering.done() and not job.rendering.cancelled():
            problem = job.rendering.exception()
        if job.fate is not None and job.fate.do == "fail":
            job.error = job.fate.message
        elif job.fate is not None and job.fate.do == "moderate":
            job.error = f"content moderation: the {job.fate.what} was flagged as potentially sensitive"
        elif problem is not None:
            job.error = f"the clip can't be made: {problem}"
        job.state = "failed" if job.error else "completed"
        job.refunded = job.state == "failed" and not job.moderated and job.provider in _REFUNDING

    def _render(self, shown: clips.Shown, job: Job) -> None:
        def tick(_: int) -> None:
            if self._stop.is_set() or job.state in {"failed", "cancelled"}:
                raise _Stopped

        try:
            clips.make(shown, job.clip, self._tools, tick)
        except (RenderError, MediaError, OSError, _Stopped):
            job.clip.unlink(missing_ok=True)
            raise
        finally:
            job.rendered = self.now()
