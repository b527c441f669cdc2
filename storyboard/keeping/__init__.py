"""The store over time: what it holds, what of that is needed and by whom, what is damaged, what may go.

Values and decisions; what is deleted goes through `sweep`, what is set aside through `verify`.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, NamedTuple

from storyboard.journal import Journal
from storyboard.purchase import NOT_BOUGHT, Purchase
from storyboard.store import Record, Store

Kind = Literal["bought", "made", "derived"]


class Held(NamedTuple):
    """One record, as far as keeping it goes.

    Attributes:
        size: The record's own bytes.
        at: When it was written, or last noted as used, in nanoseconds since 1970.
        blobs: SHA-256 and size of each output.
        facts: The record's.
    """

    key: str
    size: int
    at: int
    blobs: tuple[tuple[str, int], ...]
    facts: Mapping[str, Any]

    @property
    def kind(self) -> Kind:
        """A clip is what a model made; all else is derived from clips."""
        model = self.facts.get("model")
        if not isinstance(model, str):
            return "derived"
        return "made" if model.partition("/")[0] == "local" else "bought"

    @property
    def price(self) -> Decimal | None:
        """What it cost, in US dollars; None where that isn't known."""
        return decimal(self.facts.get("cost"))


class Bytes(NamedTuple):
    """A file: its size, and when it was last written, in nanoseconds since 1970."""

    size: int
    at: int


@dataclass(frozen=True)
class Holdings:
    """All that a store holds.

    Attributes:
        records: By key.
        blobs: The files of `cas`, by name.
        damaged: Why records can't be read, by key.
        left: What writes and renders left behind that were killed: temporary files, folders of work.
    """

    records: Mapping[str, Held] = field(default_factory=dict)
    blobs: Mapping[str, Bytes] = field(default_factory=dict)
    damaged: Mapping[str, str] = field(default_factory=dict)
    left: Mapping[Path, Bytes] = field(default_factory=dict)

    @property
    def named(self) -> set[str]:
        """The blobs that some record names."""
        return {sha256 for one in self.records.values() for sha256, _ in one.blobs}


def decimal(text: object) -> Decimal | None:
    """An amount as a record or a lock has it; None where it is none."""
    try:
        amount = Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def is_name(name: str) -> bool:
    """Whether a file of `ac` or `cas` is called as what belongs there is."""
    return len(name) == 64 and not set(name) - set("0123456789abcdef")


def files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What lies in a folder, links not followed; nothing where there is none."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        for entry in found:
            with suppress(FileNotFoundError):  # gone meanwhile
                yield Path(entry.path), entry.stat(follow_symlinks=False)


def holdings(store: Store) -> Holdings:
    """What a store holds, by its names, sizes and records; no blob is read.

    Raises:
        OSError: its folders can't be listed.
    """
    records: dict[str, Held] = {}
    damaged: dict[str, str] = {}
    left: dict[Path, Bytes] = {}
    blobs: dict[str, Bytes] = {}
    for path, found in files(store.root / "ac"):
        if not is_name(path.name):
            left[path] = Bytes(found.st_size, found.st_mtime_ns)
            continue
        record = store.record(path.name)
        if isinstance(record, Record):
            outputs = tuple((blob.sha256, blob.size) for blob in record.outputs.values())
            records[record.key] = Held(record.key, found.st_size, found.st_mtime_ns, outputs, record.facts)
        elif record.reason:
            damaged[path.name] = record.reason
    for path, found in files(store.root / "cas"):
        into = blobs if is_name(path.name) else left
        into[path.name if into is blobs else path] = Bytes(found.st_size, found.st_mtime_ns)  # type: ignore[index]
    for path, found in files(store.root / "tmp"):
        if stat.S_ISDIR(found.st_mode) and not store.lives(path.name):
            left[path] = Bytes(total(path).size, found.st_mtime_ns)
    return Holdings(records, blobs, damaged, left)


class Total(NamedTuple):
    """A number of things and their bytes."""

    number: int = 0
    size: int = 0

    def plus(self, other: "Total | int") -> "Total":
        """With others, or with one more of a size."""
        more = Total(1, other) if isinstance(other, int) else other
        return Total(self.number + more.number, self.size + more.size)


def total(path: Path) -> Total:
    """All files under a folder."""
    found = Total()
    for one, status in files(path):
        found = found.plus(total(one) if stat.S_ISDIR(status.st_mode) else status.st_size)
    return found


def kept_records(journal: Journal) -> dict[str, Purchase]:
    """The purchases whose clips the journal knows to be here, by key."""
    return {key: one for key, one in journal.latest().items() if one.state == "stored"}


def places(journal: Journal) -> dict[str, tuple[str, str]]:
    """The shot and pass that each key was bought for."""
    return {one.key: (one.shot, one.pass_id) for one in journal.all() if one.state not in NOT_BOUGHT}
