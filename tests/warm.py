"""The command line as real processes that have their imports behind them, which cost more than most commands do.

`python warm.py` imports all of the package and forks a process for each request on its standard input. A process has
its own arguments, folder, environment and files; only what Python settles before it runs is that of all of them.
"""

import atexit
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent
SETTLED_EARLY = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC")
"""Beginnings of variables that a process reads before its first line: one that has them starts anew."""


class Warm:
    """What processes are forked from. Runs one at a time; close it when it is needed no more."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).resolve())],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            )
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ours.close()
        self._process.wait(30)

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run `storyboard` to its end, with nothing on its standard input."""
        asked = json.dumps({"arguments": [*arguments], "folder": str(folder), "environment": {**environment}})
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with self._one_at_a_time:
                size = len(asked.encode()).to_bytes(8, "big")
                socket.send_fds(self._ours, [size], [out.fileno(), err.fileno()])
                self._ours.sendall(asked.encode())
                status = int.from_bytes(_exactly(self._ours, 4), "big", signed=True)
            out.seek(0)
            err.seek(0)
            said, told = (stream.read().decode().replace("\r\n", "\n") for stream in (out, err))
        return subprocess.CompletedProcess(["storyboard", *arguments], status, said, told)


def _exactly(stream: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = stream.recv(size - len(got))
        if not part:
            raise EOFError("nobody is there")
        got += part
    return got


def _serve() -> None:
    import storyboard

    for module in pkgutil.walk_packages(storyboard.__path__, "storyboard."):
        if not module.name.endswith(".__main__"):
            import_module(module.name)
    gc.collect()
    gc.freeze()  # so that no fork copies what it doesn't change
    with socket.socket(fileno=os.dup(0)) as stream:
        while True:
            head, handles, _, _ = socket.recv_fds(stream, 8, 2)
            if not head:
                return
            size = int.from_bytes(head + _exactly(stream, 8 - len(head)), "big")
            asked = json.loads(_exactly(stream, size))
            child = os.fork()
            if child == 0:
                stream.close()
                _become(asked, *handles)
            for handle in handles:
                os.close(handle)
            _, how = os.waitpid(child, 0)
            stream.sendall(os.waitstatus_to_exitcode(how).to_bytes(4, "big", signed=True))


def _become(asked: dict, out: int, err: int) -> None:
    """What `python -m storyboard` does, from its first line on to its end."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, place in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(handle, place)
        os.close(handle)
    status = 1
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        sys.argv = ["storyboard", *asked["arguments"]]
        sys.path[0] = str(Path.cwd())
        runpy.run_module("storyboard", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:  # noqa: BLE001 -- as the interpreter shows it
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            status = 120
        os._exit(status)


if __name__ == "__main__":
    _serve()
