"""One SQLite file of a known version: every transaction is on the disk when it ends.

`synchronous=EXTRA`, as FULL leaves a window in which a folder entry that is lost with the power brings a finished
transaction back (sqlite.org/pragma.html). No write-ahead log, so that all of it is one file. A file of another
version, or of something else, is refused and left alone.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storyboard import atomic
from storyboard.failure import Unreadable, Unwritable

PATIENCE = 30
"""Seconds to wait for another process that is writing."""


class Database:
    """`path` None keeps everything in memory. `version` is the schema's; `application` marks the file as ours."""

    def __init__(self, path: Path | None, schema: str, version: int, application: int) -> None:
        self.path = path
        self._schema = schema
        self._version = version
        self._application = application
        self._db: sqlite3.Connection | None = None
        self._name = f"{path.parent.name}/{path.name}" if path else "the journal"

    @property
    def exists(self) -> bool:
        """Whether there is anything to read."""
        return self._db is not None or (self.path is not None and self.path.exists() and self.path.stat().st_size > 0)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to ask.

        Raises:
            Unreadable: see there.
        """
        try:
            yield self._opened()
        except (sqlite3.Error, ValueError) as error:  # ValueError: what is read there is no text, no JSON, no state
            raise Unreadable(f"{self._name} can't be read: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, that nobody else writes beside; undone by an exception.

        Raises:
            Unreadable, Unwritable: see there.
        """
        try:
            db = self._opened()
            with _transaction(db):
                yield db
        except (sqlite3.Error, OSError, ValueError) as error:
            raise Unwritable(f"{self._name} can't be written: {error}") from error

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        if self._db is not None and self.path is not None:
            self._db.close()
            self._db = None

    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            if self.path is not None:
                atomic.ignored_folder(self.path.parent)
                if self.path.exists() and self.path.stat().st_size == 1:  # SQLite takes it for an empty one
                    raise Unreadable(f"{self._name} isn't a journal; it is left as it is")
            db = sqlite3.connect(self.path or ":memory:", timeout=PATIENCE, isolation_level=None)
            try:
                self._require_ours(db)
            except BaseException:
                db.close()
                raise
            self._db = db
        return self._db

    def _require_ours(self, db: sqlite3.Connection) -> None:
        if self._found(db) == 0:
            with _transaction(db):
                if self._found(db) == 0:  # nobody was faster
                    for statement in self._schema.split(";"):
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {self._application}")
                    db.execute(f"PRAGMA user_version = {self._version}")
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's own cache

    def _found(self, db: sqlite3.Connection) -> int:
        """The version of the file; 0 where it is empty."""
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (application,) = db.execute("PRAGMA application_id").fetchone()
            tables = [sql for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY rowid")]
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, ValueError) as error:
            raise Unreadable(f"{self._name} isn't a journal, or is damaged ({error}); it is left as it is") from error
        if version == application == 0 and not tables:
            return 0
        if application != self._application or version != self._version:
            known = f"this program knows version {self._version}"
            raise Unreadable(f"{self._name} is of version {version}, and {known}; it is left as it is")
        (sound,) = db.execute("PRAGMA integrity_check(1)").fetchone()  # a key that an index misses would be bought anew
        if sound != "ok" or tables != [one.strip() for one in self._schema.split(";") if one.strip()]:
            raise Unreadable(f"{self._name} is damaged (integrity: {sound}); it is left as it is")
        return int(version)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
