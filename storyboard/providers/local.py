"""The local model: each job is rendered on this machine by `storyboard.animatic`."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from storyboard import digest, timing
from storyboard.animatic import Line, Panel, RenderError, render
from storyboard.job import Input, Job
from storyboard.providers import Limit, Progress, Provider, Setup
from storyboard.providers.failure import ClipFailed
from storyboard.tools import Tools


class _Cancelled(Exception):
    """Raised inside the rendering thread to stop it."""


class Local:
    """Renders `local/animatic`."""

    def __init__(self, tools: Tools, workers: int) -> None:
        self._tools = tools
        self._workers = workers

    @property
    def limit(self) -> Limit:
        """As many as this machine has room for."""
        return Limit(self._workers, 1 << 30)

    def require(self, job: Job) -> None:
        """It needs nothing."""

    def work(self, job: Job) -> int:
        """How many frames the clip will have."""
        return int(job.request["frames"])

    async def close(self) -> None:
        """It holds nothing."""

    async def make(self, job: Job, into: Path, progress: Progress) -> Mapping[str, Any]:
        """Render the job's clip to `into`."""
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def advance(frames: int) -> None:
            if stop.is_set():
                raise _Cancelled
            loop.call_soon_threadsafe(progress, frames)

        work = loop.run_in_executor(None, self._render, job, into, advance)
        try:
            await asyncio.shield(work)
            return {}
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])  # the thread still writes into the caller's folder
            work.exception()
            raise
        except RenderError as error:
            raise ClipFailed(str(error)) from error
        except (ClipFailed, OSError):
            raise
        except Exception as error:  # whatever it is, it costs this shot only
            raise ClipFailed(f"the renderer failed: {error!r}") from error

    def _render(self, job: Job, into: Path, tick: Callable[[int], None]) -> None:
        picture = next((_verified(given, into.parent) for given in job.inputs.values()), None)
        panel = panel_of(job.request, picture)
        render(panel, into, ffmpeg=self._tools.ffmpeg, voice=self._tools.voice, threads=1, tick=tick)


def panel_of(request: Any, picture: Path | None) -> Panel:
    """The animatic's panel for a request of `local/animatic`."""
    width, height = map(int, request["size"].split("x"))
    dialogue = tuple(Line(d["who"], d["line"], Fraction(d["at"]), Fraction(d["for"])) for d in request["dialogue"])
    return Panel(
        width=width,
        height=height,
        rate=timing.rate(request["fps"]),
        frames=request["frames"],
        picture=picture,
        caption=request["caption"],
        camera=request["camera"],
        dialogue=dialogue,
        seed=request["seed"],
    )


def _verified(given: Input, folder: Path) -> Path:
    """A copy of the very bytes that the job's key speaks of."""
    if given.file is None:
        raise ClipFailed(f"{given.label} isn't a file, and this model is offline")
    copy = folder / f"{given.sha256}.picture"
    try:
        shutil.copyfile(given.file, copy)
    except OSError as error:
        raise ClipFailed(f"{given.label} can't be read: {error.strerror}") from error
    if digest.sha256_file(copy) != given.sha256:
        raise ClipFailed(f"{given.label} changed while the render was under way; render again")
    return copy


def make(setup: Setup) -> Provider:
    """The provider `local`."""
    return Local(setup.tools, setup.workers)
