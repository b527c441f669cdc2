"""The commands, run on a film against the simulator over real HTTP."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from storyboard import cli
from storyboard.catalog import Catalog
from storyboard.compiler import load
from storyboard.execute import Result
from storyboard.providers import Limit
from storyboard.simulator import Running, Simulator, fault
from storyboard.tools import Tools
from tests.folder import Folder

QUICK = {
    "STORYBOARD_POLL_SECONDS": "0.02",
    "STORYBOARD_SETTLE_SECONDS": "0",
    "STORYBOARD_LIMIT": "wavespeed=9/999",
}


class Desk:
    """A film, a simulator, and the commands, run as the entry point runs them."""

    def __init__(self, film: Folder, running: Running, tools: Tools) -> None:
        self.film = film
        self.running = running
        self.environment = running.environment() | QUICK
        self._tools = tools

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """A command's exit status, and what it prints."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(self.film.path)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return cli.run(arguments), out.getvalue(), err.getvalue()

    def say(self, *arguments: str, status: int = 0) -> str:
        """What a command prints; for `--json` and `--csv` on standard output alone."""
        done, out, err = self.run(*arguments)
        assert done == status, f"{arguments}: {done}\n{out}\n{err}"
        return out + ("" if {"--json", "--csv"} & {*arguments} else err)

    def tell(self, *arguments: str, status: int = 0) -> Any:
        """The object that a command prints."""
        return json.loads(self.say(*arguments, "--json", status=status))

    def make(self, pass_: str = "draft", only: tuple[str, ...] = (), **terms: Any) -> list[Result]:
        """A render with consent, without the cut."""
        project = load(self.film.path / "storyboard.yaml")
        plan = project.plan(pass_, only=only)
        limits = {"wavespeed": Limit(9, 999), "vercel": Limit(9, 999)}
        found = project.market.providers(plan, self._tools, self.environment, limits=limits)
        return project.render(plan, found, settle=0, **terms)

    def states(self, *arguments: str) -> dict[str, str]:
        return {job["shot"]: job["state"] for job in self.tell("plan", *arguments)["jobs"]}

    @property
    def bought(self) -> list[str]:
        """The last word of the prompt of every job that the service accepted."""
        return [entry.request["prompt"].rstrip(".").split()[-1] for entry in self.running.ledger]


@contextmanager
def at(film: Folder, tools: Tools, clip: Path, *faults: dict[str, Any], **more: Any) -> Iterator[Desk]:
    rules = tuple(fault(one) for one in faults)
    models = more.pop("models", Catalog())
    with Simulator(tools, models, latency=0, faults=rules, clip=clip, **more).serving() as running:
        yield Desk(film, running, tools)
