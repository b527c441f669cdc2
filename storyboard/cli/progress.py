"""Progress as it happens: a live display on a terminal, a line a step elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Self

import click

from storyboard import money, report
from storyboard.event import Advanced, Event, Finished, Noted, Planned, Spent, Started, Stopping


class Display:
    """Shows events. On standard error, so that standard output stays the command's answer."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self._live: Any = None
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, tuple[str, float]] = {}
        self._done: dict[str, int] = {}
        self._all: Any = None
        self._left = 0
        self._cost = self._spent = money.FREE

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self.quiet:
            from rich.console import Console  # noqa: PLC0415 -- only a terminal pays for it
            from rich.progress import (  # noqa: PLC0415
                BarColumn,
                Progress,
                TaskProgressColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._live = Progress(
                TextColumn("[bold]{task.fields[shot]}"),
                TextColumn("{task.fields[doing]}"),
                BarColumn(bar_width=28),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("[dim]left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Show one event. Called from several threads."""
        match event:
            case Planned(clips, frames, cost):
                self._cost = cost
                self._left = clips
                if self._live is not None and clips > 1:
                    self._all = self._live.add_task("", total=frames, shot="all", doing=f"{clips} clips")
            case Spent(amount):
                self._spent += amount
                if self._all is not None and self._cost:
                    self._live.update(self._all, doing=f"${money.usd(self._spent)} of ${money.usd(self._cost)}")
            case Stopping(under_way):
                shown = ", ".join(f"{shot} ({one})" if one else shot for shot, one in under_way.items())
                self._say(
                    f"stopping: nothing more is begun; in flight, and waited for: {report.safe(shown)}\n"
                    "Ctrl-C again leaves at once; the same command goes on with them"
                )
            case Started(shot, doing, of):
                self._started[shot] = (doing, time.monotonic())
                if self._live is not None:
                    self._tasks[shot] = self._live.add_task("", total=of or None, shot=report.safe(shot), doing=doing)
            case Advanced(shot, done, doing):
                if doing.startswith("submitted as") and not self.quiet:
                    self._say(f"{report.safe(shot)}  {report.safe(doing)}")
                if doing and shot in self._started:
                    self._started[shot] = (doing, self._started[shot][1])
                if self._live is not None and shot in self._tasks:
                    self._live.update(self._tasks[shot], completed=done, **({"doing": doing} if doing else {}))
                    self._done[shot] = done
                    if self._all is not None:
                        self._live.update(self._all, completed=sum(self._done.values()))
            case Finished(shot, error, held):
                self._finish(shot, error, "held" if held else "failed")
            case Noted(message):
                if not self.quiet:
                    self._say(f"note: {report.safe(message)}")

    def _finish(self, shot: str, error: str, badly: str) -> None:
        doing, since = self._started.pop(shot, ("", time.monotonic()))
        if self._live is not None and shot in self._tasks:
            self._live.remove_task(self._tasks.pop(shot))
        self._left -= 1
        if self._all is not None and self._left == 0:
            self._live.remove_task(self._all)
            self._all = None
        if self.quiet:
            return
        doing = "rendered" if doing == "downloading" else doing
        took = f"{time.monotonic() - since:.1f} s"
        self._say(
            f"{report.safe(shot)}  {badly if error else doing}  {took}{f': {report.safe(error)}' if error else ''}"
        )

    def _say(self, line: str) -> None:
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line, err=True)
