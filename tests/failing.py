"""Renders in which a write fails: forks of one process that has everything imported.

`python -m tests.failing` reads a case a line, in JSON, and answers each by a line. What fails is the system's, never
ours: the calls that SQLite makes (its unix VFS lets them be replaced), the calls that Python makes (by an audit
hook), or the growth of any file beyond a size (RLIMIT_FSIZE).
"""

import _sqlite3
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from tests.folder import ROOT

Where = Literal["", "sqlite", "files", "size"]
LONGEST = 300
"""Seconds after which a render counts as hanging, and is ended."""


class Case(NamedTuple):
    """A command line, and what fails while it runs.

    Attributes:
        arguments: None at all for the same through the Python API, without the cut: one JSON object tells the results.
        where: What fails; "" for nothing.
        nth: The call that fails, from 1; for `size`, the most bytes that a file may have.
        forever: Whether all later ones fail too.
        error: The errno that they fail with.
    """

    folder: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    where: Where = ""
    nth: int = 0
    forever: bool = False
    error: int = 0


class Ended(NamedTuple):
    """How it went: the exit status (None where it hung or broke down), what it said, and how many calls failed."""

    status: int | None
    out: str
    err: str
    calls: int
    failed: int


class Failing:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.failing"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, case: Case) -> Ended:
        """One case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(case._asdict())}\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


class _Counter:
    def __init__(self, case: Case) -> None:
        self._case = case
        self.calls = 0
        self.failed = 0

    def due(self) -> bool:
        """Whether this call is to fail."""
        if not self._case.nth:
            return False
        self.calls += 1
        late = self.calls > self._case.nth and self._case.forever
        if self.calls != self._case.nth and not late:
            return False
        self.failed += 1
        return True


# -- what Python asks of the system

_CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.link", "os.symlink"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def _fail_files(case: Case, counter: _Counter) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES and not (event == "open" and arguments[2] & _WRITING):
            return
        path = arguments[0]
        place = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "/"
        if (place.startswith(case.folder) or not place.startswith("/")) and counter.due():
            raise OSError(case.error, os.strerror(case.error), place)

    real = os.fsync

    def fsync(handle: int) -> None:
        if counter.due():
            raise OSError(case.error, os.strerror(case.error))
        real(handle)

    os.fsync = fsync
    sys.addaudithook(hook)


# -- what SQLite asks of the system (sqlite3.h: struct sqlite3_vfs; os_unix.c: aSyscall)

_POINTER = ctypes.c_void_p
_NUMBER = ctypes.c_int
_SIZE = ctypes.c_ssize_t
_LOOKED_UP = ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)
_REPLACED = ctypes.CFUNCTYPE(_NUMBER, _POINTER, ctypes.c_char_p, _POINTER)
_OPENED = ctypes.CFUNCTYPE(_NUMBER, _POINTER, _POINTER, _POINTER, _NUMBER, _POINTER)
_DELETED = ctypes.CFUNCTYPE(_NUMBER, _POINTER, _POINTER, _NUMBER)
_SYNCED = ctypes.CFUNCTYPE(_NUMBER, _POINTER, _NUMBER)
_SYSTEM = {
    b"open": ctypes.CFUNCTYPE(_NUMBER, ctypes.c_char_p, _NUMBER, _NUMBER, use_errno=True),
    b"write": ctypes.CFUNCTYPE(_SIZE, _NUMBER, _POINTER, ctypes.c_size_t, use_errno=True),
    b"pwrite": ctypes.CFUNCTYPE(_SIZE, _NUMBER, _POINTER, ctypes.c_size_t, ctypes.c_int64, use_errno=True),
    b"pwrite64": ctypes.CFUNCTYPE(_SIZE, _NUMBER, _POINTER, ctypes.c_size_t, ctypes.c_int64, use_errno=True),
    b"ftruncate": ctypes.CFUNCTYPE(_NUMBER, _NUMBER, ctypes.c_int64, use_errno=True),
    b"fallocate": ctypes.CFUNCTYPE(_NUMBER, _NUMBER, ctypes.c_int64, ctypes.c_int64, use_errno=True),
    b"unlink": ctypes.CFUNCTYPE(_NUMBER, ctypes.c_char_p, use_errno=True),
}
_SYNC_FAILED, _FOLDER_SYNC_FAILED = 10 | 4 << 8, 10 | 5 << 8
_METHODS = _POINTER * 19


class _Vfs(ctypes.Structure):
    _fields_ = (
        *((name, _NUMBER) for name in ("version", "size", "longest")),
        *((name, _POINTER) for name in ("next", "name", "data", "open", "delete", "access", "full", "dlopen")),
        *((name, _POINTER) for name in ("dlerror", "dlsym", "dlclose", "random", "sleep", "time", "last", "time64")),
        *((name, _POINTER) for name in ("set_call", "get_call", "next_call")),
    )


_KEPT: list[Any] = []
"""Callbacks that SQLite holds."""


def _fail_sqlite(case: Case, counter: _Counter) -> None:
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    found = library.sqlite3_vfs_find(b"unix")
    vfs, address = found.contents, ctypes.addressof(found.contents)
    look_up, replace = _LOOKED_UP(vfs.get_call), _REPLACED(vfs.set_call)
    for name, kind in _SYSTEM.items():
        original = look_up(address, name)
        if original:
            made = kind(_system_call(name, kind(original), case, counter))
            _KEPT.append(made)
            assert replace(address, name, ctypes.cast(made, _POINTER)) == 0
    _fail_syncs(vfs, counter)


def _system_call(name: bytes, original: Any, case: Case, counter: _Counter) -> Callable[..., int]:
    def call(*arguments: Any) -> int:
        if (name != b"open" or arguments[1] & _WRITING) and counter.due():
            ctypes.set_errno(case.error)
            return -1
        result: int = original(*arguments)
        return result

    return call


def _fail_syncs(vfs: _Vfs, counter: _Counter) -> None:
    """fsync is none of the calls that can be replaced, so the methods of opened files are; a folder's comes after
    the deletion of the journal in it.
    """
    opened, deleted, methods = _OPENED(vfs.open), _DELETED(vfs.delete), dict[int, Any]()

    def changed(original: int) -> Any:
        table = _METHODS.from_buffer_copy((_POINTER * 19).from_address(original))
        synced = _SYNCED(table[5])
        mine = _SYNCED(lambda file, flags: _SYNC_FAILED if counter.due() else synced(file, flags))
        _KEPT.extend([table, mine])
        table[5] = ctypes.cast(mine, _POINTER).value
        return table

    def opening(this: int, name: int, file: int, flags: int, into: int) -> int:
        status: int = opened(this, name, file, flags, into)
        slot = _POINTER.from_address(file)
        if status == 0 and slot.value:
            slot.value = ctypes.addressof(
                methods.setdefault(slot.value, None) or _remember(methods, slot.value, changed)
            )
        return status

    def deleting(this: int, name: int, sync: int) -> int:
        status: int = deleted(this, name, sync)
        return _FOLDER_SYNC_FAILED if status == 0 and sync and counter.due() else status

    mine = _OPENED(opening), _DELETED(deleting)
    _KEPT.extend(mine)
    vfs.open, vfs.delete = (ctypes.cast(one, _POINTER).value for one in mine)


def _remember(methods: dict[int, Any], original: int, changed: Callable[[int], Any]) -> Any:
    methods[original] = changed(original)
    return methods[original]


# -- the process


def _import_all() -> None:
    """What a render imports, and what it reads once."""
    from storyboard import animatic, buy, cut, execute, front, journal, lettering, media, timeline  # noqa: F401
    from storyboard.catalog import own, request  # noqa: F401
    from storyboard.cli import check, plan, render  # noqa: F401
    from storyboard.providers import references, wavespeed  # noqa: F401
    from storyboard.providers.tls import context

    context()


def _bought() -> int:
    """Buy what isn't there. The exit status is the command line's."""
    from storyboard import media
    from storyboard.compiler import load
    from storyboard.failure import Unreadable, Unwritable
    from storyboard.tools import Tools

    results: list[list[str]] = []
    trouble, status = "", 0
    try:
        project = load("storyboard.yaml")
        plan = project.plan()
        found = project.market.providers(plan, Tools(media.ffmpeg(), ""), os.environ)
        made = project.render(plan, found, settle=0)
        results = [[one.step.shot, one.state, one.error or ""] for one in made]
        status = 3 if {state for _, state, _ in results} - {"done", "cached"} else 0
    except (Unwritable, Unreadable) as error:
        trouble, status = str(error), 4
    except OSError as error:
        trouble, status = str(error), 2
    sys.stdout.write(json.dumps({"results": results, "trouble": trouble}))
    return status


def _carried_out(case: Case, counter: _Counter) -> int | None:
    from storyboard.cli import run

    try:
        if case.where == "files":
            _fail_files(case, counter)
        elif case.where == "sqlite":
            _fail_sqlite(case, counter)
        elif case.where == "size":
            resource.setrlimit(resource.RLIMIT_FSIZE, (case.nth, case.nth))
        return run(case.arguments) if case.arguments else _bought()
    except BaseException:  # noqa: BLE001 -- whatever it is, it is told
        traceback.print_exc()
        return None


def _child(case: Case, pipes: list[tuple[int, int]]) -> None:
    signal.alarm(LONGEST)
    (_, out), (_, err), (_, told) = pipes
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(case.folder)
    os.environ.clear()
    os.environ.update(case.environment)
    counter = _Counter(case)
    status = _carried_out(case, counter)
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(told, json.dumps([status, counter.calls, counter.failed]).encode())


def _forked(case: Case) -> Ended:
    pipes = [os.pipe() for _ in range(3)]
    child = os.fork()
    if child == 0:
        try:
            _child(case, pipes)
        finally:
            os._exit(0)
    for _, writing in pipes:
        os.close(writing)
    parts = []
    for reading, _ in pipes:  # each is far smaller than what a pipe holds
        with os.fdopen(reading, "rb") as stream:
            parts.append(stream.read().decode("utf-8", "replace"))
    os.waitpid(child, 0)
    status, calls, failed = json.loads(parts[2] or "[null, 0, 0]")
    return Ended(status, parts[0], parts[1], calls, failed)


def main() -> None:
    """Cases from standard input, until it ends."""
    _import_all()
    for line in sys.stdin:
        case = Case(**json.loads(line))
        sys.stdout.write(f"{json.dumps(_forked(case)._asdict())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
