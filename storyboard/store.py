"""What was made, kept under what it was made from: `ac/<key>` holds records, `cas/<sha256>` the bytes.

A record is the SHA-256 of its JSON, a line break, and the JSON.

Written blob first, record second, each through a temporary file, fsync, rename and fsync of its folder, so a
record never speaks of bytes that aren't there. Read the other way round, and checked: a record carries its own
digest, a blob is its name. What fails the check is moved to `quarantine/`, never deleted, when it is made again.
The two folders are named as the Bazel HTTP cache protocol names its paths.

Whoever uses what he found, or writes, holds `used`, which any number share; whoever deletes holds `alone`. Both are
locks on `cas`, which the system lets go of when their holder dies.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from storyboard import atomic, digest
from storyboard.memo import Memo

FORMAT = 1


class Blob(NamedTuple):
    """Bytes in the store: SHA-256, size, and the folder of blobs."""

    sha256: str
    size: int
    folder: str

    @property
    def path(self) -> Path:
        """The file to read them from."""
        return Path(self.folder, self.sha256)


class Record(NamedTuple):
    """What one key made: its outputs by name, and facts about them (JSON without floats)."""

    key: str
    outputs: Mapping[str, Blob]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Lost:
    """No usable record: `reason` says why in words; it is "" where there never was one."""

    reason: str = ""


class InUse(Exception):
    """Somebody is at work in the store."""


@contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)


def _remove_abandoned(folder: Path) -> None:
    with suppress(OSError):  # a live lock (BlockingIOError), or already gone
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            from shutil import rmtree  # noqa: PLC0415 -- a plan needs none

            rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


class Store:
    """One folder of records and blobs."""

    def __init__(self, root: Path, memo: Memo) -> None:
        self.root = root
        self.memo = memo
        self._records = str(root / "ac")
        self._blobs = str(root / "cas")
        self._swept = False
        self._found: set[str] = set()

    def find(self, key: str) -> Record | Lost:
        """The record of `key` with every blob checked, or why there is none. Changes nothing."""
        record = self._read(key)
        if isinstance(record, Lost):
            return record
        for name, blob in record.outputs.items():
            problem = self._problem(blob)
            if problem:
                return Lost(f"its {name} in the store {problem}")
        self._found.add(key)
        return record

    def record(self, key: str) -> Record | Lost:
        """The record of `key`, whatever became of its blobs, or why there is none."""
        return self._read(key)

    def note_use(self) -> None:
        """Note, by the times of their records, that what was found so far is in use; what can't be noted only looks
        older than it is.
        """
        for key in self._found:
            with suppress(OSError):
                os.utime(f"{self._records}/{key}")
        self._found.clear()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Nothing is deleted meanwhile; waits for who is at that. Where there is no store yet, there is nothing to
        delete.
        """
        with ExitStack() as until_the_end:
            with suppress(OSError):
                until_the_end.enter_context(_locked(Path(self._blobs), fcntl.LOCK_SH))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else uses the store meanwhile.

        Raises:
            InUse: somebody does.
            OSError: it can't be locked.
        """
        with ExitStack() as until_the_end:
            try:
                until_the_end.enter_context(_locked(Path(self._blobs), fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise InUse from error
            yield

    def facts(self, key: str) -> Mapping[str, Any]:
        """What the record of `key` tells, whether or not its blobs are still good."""
        record = self._read(key)
        return {} if isinstance(record, Lost) else record.facts

    def holds(self, sha256: str) -> bool:
        """True where the store has these bytes, whole."""
        path = Path(self._blobs, sha256)
        return path.is_file() and not self._problem(Blob(sha256, path.stat().st_size, self._blobs))

    def put(self, key: str, outputs: Mapping[str, Path], facts: Mapping[str, Any]) -> Record:
        """Keep files (moved into the store) and facts under `key`. What was damaged there is set aside."""
        with self._writing():
            return self._put(key, outputs, facts)

    def _put(self, key: str, outputs: Mapping[str, Path], facts: Mapping[str, Any]) -> Record:
        blobs = {name: self._keep(path) for name, path in outputs.items()}
        body = {
            "format": FORMAT,
            "key": key,
            "outputs": {name: {"sha256": blob.sha256, "size": blob.size} for name, blob in blobs.items()},
            "facts": facts,
        }
        path = self.root / "ac" / key
        if path.exists() and isinstance(self._read(key), Lost):
            self.set_aside(path)
        atomic.write(path, digest.seal(digest.canonical(body)))
        return Record(key, blobs, facts)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """As `used`, and there is a store."""
        Path(self._blobs).mkdir(parents=True, exist_ok=True)
        with _locked(Path(self._blobs), fcntl.LOCK_SH):
            yield

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder on the store's own file system for work under way; gone at the end.

        It is locked while its process lives, so that what a killed one left behind can be told and removed.
        """
        from tempfile import TemporaryDirectory  # noqa: PLC0415 -- a plan needs none

        place = atomic.ignored_folder(self.root) / "tmp"
        place.mkdir(exist_ok=True)
        with ExitStack() as until_the_end:
            with suppress(OSError):  # what can't be kept is told where it is put
                Path(self._blobs).mkdir(exist_ok=True)
            until_the_end.enter_context(self.used())
            with _locked(place):  # so that no folder is seen between its making and its locking
                temporary = TemporaryDirectory(dir=place, ignore_cleanup_errors=True)
                folder = Path(until_the_end.enter_context(temporary))
                until_the_end.enter_context(_locked(folder))
                for other in () if self._swept else place.iterdir():
                    if other != folder:
                        _remove_abandoned(other)
                self._swept = True
            yield folder

    def lives(self, name: str) -> bool:
        """Whether the process is there that made a workspace of that name."""
        try:
            handle = os.open(self.root / "tmp" / name, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Whether `key` is the caller's to make; False while someone else, here or in another process, is at it.

        A lock on a folder, which the system lets go of when its holder dies.
        """
        place = atomic.ignored_folder(self.root) / "tmp" / f"making-{key}"
        place.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(place, os.O_RDONLY)
        except FileNotFoundError:  # its last holder has just finished
            yield False
            return
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The folder may have been removed, and made anew by another, between opening and locking.
                ours = os.fstat(handle).st_ino == place.stat().st_ino
            except (BlockingIOError, FileNotFoundError):
                ours = False
            try:
                yield ours
            finally:
                if ours:
                    with suppress(OSError):
                        place.rmdir()
        finally:
            os.close(handle)

    def _read(self, key: str) -> Record | Lost:
        try:
            with open(f"{self._records}/{key}", "rb") as stream:  # noqa: PTH123 -- a thousand times a plan
                data = stream.read()
        except FileNotFoundError:
            return Lost()
        except OSError as error:
            return Lost(f"its record can't be read: {(error.strerror or str(error)).lower()}")
        try:
            body = json.loads(digest.unseal(data))
            if body["format"] != FORMAT or body["key"] != key:
                return Lost("its record in the store is damaged")
            outputs = {name: Blob(b["sha256"], b["size"], self._blobs) for name, b in body["outputs"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Lost("its record in the store is damaged")
        return Record(key, outputs, body["facts"])

    def _problem(self, blob: Blob) -> str:
        try:
            seen = self.memo.look(f"{blob.folder}/{blob.sha256}")
        except FileNotFoundError:
            return "is missing"
        except (OSError, ValueError) as error:
            return f"can't be read: {error}"
        return "" if (seen.sha256, seen.size) == (blob.sha256, blob.size) else "is damaged"

    def _keep(self, path: Path) -> Blob:
        sha256, size = digest.sha256_file(path), path.stat().st_size
        blob = Blob(sha256, size, self._blobs)
        kept = blob.path
        if kept.exists() or kept.is_symlink():
            if not self._problem(blob):
                path.unlink()
                return blob
            self.set_aside(kept)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o644)
        atomic.sync(path)
        path.replace(kept)
        atomic.sync(kept.parent)
        self.memo.learn(kept, sha256)
        return blob

    def set_aside(self, path: Path) -> None:
        """Move what is damaged to `quarantine/`, where nobody takes it for what it should be."""
        place = self.root / "quarantine"
        place.mkdir(parents=True, exist_ok=True)
        names = (place / f"{path.parent.name}-{path.name}{f'.{n}' if n else ''}" for n in range(1000))
        with suppress(OSError, StopIteration):
            path.replace(next(name for name in names if not name.exists()))
