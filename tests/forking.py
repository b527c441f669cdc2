"""Processes that are forked from one that has imported what they need, and what they tell.

A script ends with `serve(work)`, and `Forking(script, place)` runs it: each request on its standard input is answered
there, one JSON object a line. `{"wait": pid}` waits for a process; any other is work for a new one, which writes what it
has to tell into the file that the request names as `report`, a pair a line.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
LONGEST = 300
"""Seconds after which a process is ended that hangs; no test waits for it."""

Work = Callable[[Mapping[str, Any], int], None]


def tell(report: int, what: str, value: Any) -> None:
    """Add a pair to a report, whole, whatever becomes of the process then."""
    os.write(report, json.dumps([what, value]).encode() + b"\n")


def told(report: Path) -> dict[str, Any]:
    """What a process told; the report is gone then."""
    found = dict(json.loads(line) for line in report.read_text("utf-8").splitlines())
    report.unlink()
    return found


def serve(work: Work) -> None:
    """Answer requests until there are no more."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], os.WUNTRACED)
            answer: dict[str, Any] = {"stopped": os.WIFSTOPPED(status)}
            answer |= {} if answer["stopped"] else {"status": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                _forked(asked, work)
            answer = {"pid": pid}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _forked(asked: Mapping[str, Any], work: Work) -> None:
    report = os.open(asked["report"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    signal.alarm(LONGEST)
    status = 0
    try:
        work(asked, report)
    except BaseException as error:  # noqa: BLE001 -- told to the test, which fails
        tell(report, "error", repr(error))
        status = 1
    os._exit(status)


class Forking:
    """The test's side; not to be asked by two threads at the same time."""

    def __init__(self, script: str, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        self._script = script

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, self._script],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.place), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def ask(self, what: Mapping[str, Any]) -> dict[str, Any]:
        """One request and its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer
