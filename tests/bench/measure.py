"""Processes run and measured: CPU of the whole tree, wall time, and memory sampled from /proc."""

import os
import resource
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PYTHON = sys.executable
BIN = Path(PYTHON).parent
EVERY = 0.05
"""Seconds between two samples of memory."""


@dataclass(frozen=True)
class Result:
    """One row of the table.

    Attributes:
        measure: What `ours` and `baseline` are: the quantity, its unit, and how it was taken.
        ratio: The number that the goal speaks of, as the goal words it.
        met: None for a row that is information only.
        notes: What else was seen, for people.
        samples: Every single measurement behind the medians.
    """

    name: str
    measure: str
    ours: float
    baseline: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    notes: Sequence[str] = ()
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """What one process and all its children took, in seconds, and what it printed.

    Attributes:
        own: CPU seconds of the process alone, where that was asked for.
        ended: False where it was stopped at the limit of its time.
    """

    wall: float
    cpu: float
    out: str
    err: str = ""
    own: float = 0.0
    ended: bool = True


class Runner:
    """Runs programs as a user's shell would, with none of this shell's own switches for Python.

    Bytecode is kept in a folder of its own, warm for us and for every baseline alike: a checkout just edited,
    or a shell that forbids Python to write bytecode, would else measure the compiling of source text.
    """

    def __init__(self, bytecode: Path) -> None:
        inherited = os.environ
        kept = {k: v for k, v in inherited.items() if not k.startswith(("PYTHON", "STORYBOARD_", "_STORYBOARD_"))}
        self.environment = kept | {"PYTHONPYCACHEPREFIX": str(bytecode)}

    def run(self, argv: Sequence[str | Path], cwd: Path, **environment: str) -> Spent:
        """Run to the end with its output on pipes; a status other than 0 raises CalledProcessError."""
        cpu, started = _children_cpu(), time.perf_counter()
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, used = time.perf_counter() - started, _children_cpu() - cpu
        if done.returncode:
            sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
            done.check_returncode()
        return Spent(wall, used, done.stdout)

    def timed(self, argv: Sequence[str | Path], cwd: Path, limit: float | None = None) -> Spent:
        """Run to the end, or for `limit` seconds, with its output in files; its own CPU is told from its children's."""
        cpu, started = _children_cpu(), time.perf_counter()
        with (
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            subprocess.Popen(
                argv, cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            ) as process,
        ):
            handle = os.pidfd_open(process.pid)  # tells of the end without reaping, so that /proc still knows the rest
            try:
                ended = bool(select.select([handle], [], [], limit)[0])
                wall = time.perf_counter() - started
                if not ended:
                    process.kill()
                    select.select([handle], [], [])
                own = _own_cpu(process.pid)
            finally:
                os.close(handle)
            status, used = process.wait(), _children_cpu() - cpu
            told = []
            for stream in (out, err):
                stream.seek(0)
                told.append(stream.read())
        if status and ended:
            sys.stderr.write(told[0][-2000:] + told[1][-2000:])
            raise subprocess.CalledProcessError(status, list(map(str, argv)))
        return Spent(wall, used, told[0], told[1], own, ended)

    def watch(self, argv: Sequence[str | Path], cwd: Path) -> "Memory":
        """Run to the end, looking at the memory of its tree every `EVERY` seconds."""
        memory = Memory()
        with subprocess.Popen(
            argv,
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None:
                memory.look(process.pid)
                time.sleep(EVERY)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, list(map(str, argv)))
        return memory


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _own_cpu(pid: int) -> float:
    """User and system seconds of a process that has ended and wasn't waited for yet (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interleaved(
    rounds: int, warm_up: int = 1, **measures: Callable[[], float]
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Each measure once a round, in turn: medians by name, and every sample. The first rounds don't count."""
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(-warm_up, rounds):
        for name, measure in measures.items():
            taken = measure()
            if number >= 0:
                samples[name].append(taken)
    return {name: statistics.median(taken) for name, taken in samples.items()}, samples


@dataclass
class Memory:
    """Peaks in MB (10**6 bytes): of the sum of resident sets over the tree, of the root, and of one child.

    Pages that two processes share count twice in the sum, so it is an upper bound.
    """

    tree: float = 0.0
    root: float = 0.0
    child: float = 0.0
    children: int = 0

    def look(self, pid: int) -> None:
        """Take one sample of the tree under `pid`."""
        root = _status(pid)
        # A child that hasn't yet become another program still shows its parent's own pages.
        below = [s for s in map(_status, _descendants(pid)) if s.get("Name") != root.get("Name")]
        self.root = max(self.root, _megabytes(root, "VmHWM"))
        self.child = max([self.child, *(_megabytes(s, "VmHWM") for s in below)])
        self.tree = max(self.tree, sum(_megabytes(s, "VmRSS") for s in (root, *below)))
        self.children = max(self.children, len(below))


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parent = _status(int(entry.name)).get("PPid")
            parents.setdefault(int(parent or 0), []).append(int(entry.name))
    found, queue = list[int](), [pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    except OSError:  # it has ended
        return {}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _megabytes(status: Mapping[str, str], name: str) -> float:
    return int(status.get(name, "0 kB").split()[0]) * 1024 / 1e6
