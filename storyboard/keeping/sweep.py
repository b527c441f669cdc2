"""What nothing needs any more: decided as a value, then deleted.

Records go before the bytes that they name (the reverse of writing), with the folder flushed in between, so that a
crash at any moment leaves bytes without a record, and never a record without bytes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple

from storyboard import atomic
from storyboard.keeping import Held, Holdings, Total, files
from storyboard.keeping.needs import Needs
from storyboard.store import Store

HOUR = 3600
"""The shortest grace in seconds: longer than any render waits between finding something and using it."""


class Gone(NamedTuple):
    """A record that may go, and why it isn't needed."""

    held: Held
    why: str


@dataclass(frozen=True)
class Sweep:
    """What may go.

    Attributes:
        records: With what they are, in order of their keys.
        blobs: SHA-256 -> size, of bytes that no record that stays names.
        kinds: What each of those was: the kind of the record that named it, or `orphan`.
        spared: Bought clips that nothing needs, and that stay as long as nobody says that they may go.
        kept: How many clips are needed, by whom.
        young: Clips and derived things that nothing needs and that are too young.
        left: What killed processes left behind.
        bare: Bytes without a record that stay, because a record of a bought clip is lost: they may be that clip.
    """

    records: tuple[Gone, ...] = ()
    blobs: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    spared: tuple[Held, ...] = ()
    kept: Mapping[str, int] = field(default_factory=dict)
    young: int = 0
    left: Mapping[Path, int] = field(default_factory=dict)
    bare: Mapping[str, int] = field(default_factory=dict)

    def frees(self) -> dict[str, Total]:
        """How much of each kind it frees: records, or bytes without one, and all the bytes."""
        found: dict[str, Total] = {}
        for one in self.records:
            found[one.held.kind] = found.get(one.held.kind, Total()).plus(one.held.size)
        for sha256, size in self.blobs.items():
            kind = self.kinds[sha256]
            was = found.get(kind, Total())
            found[kind] = was.plus(size) if kind == "orphan" else Total(was.number, was.size + size)
        if self.left:
            found["left"] = Total(len(self.left), sum(self.left.values()))
        return found

    def price(self) -> Decimal:
        """What the bought clips among it cost, as far as it is known, in US dollars."""
        return cost(one.held for one in self.records if one.held.kind == "bought")


def cost(clips: Iterable[Held]) -> Decimal:
    """What clips cost, as far as it is known."""
    return sum((one.price for one in clips if one.price is not None), Decimal("0.00"))


def decide(
    held: Holdings,
    needs: Needs,
    before: int,
    *,
    bought: bool = False,
    elsewhere: Collection[str] = (),
    lost: bool = False,
) -> Sweep:
    """What may go of a store.

    Args:
        before: What was written or used since then (nanoseconds since 1970) stays.
        bought: Whether bought clips may go.
        elsewhere: The keys of bought clips that the shared cache has: those may go.
        lost: Whether there should be a record of a bought clip, and isn't.
    """
    gone: list[Gone] = []
    spared: list[Held] = []
    kept: dict[str, int] = {}
    young = 0
    for one in sorted(held.records.values()):
        if why := needs.of(one):
            kept[why] = kept.get(why, 0) + 1
        elif one.at >= before:
            young += 1
        elif one.kind == "bought" and not bought and one.key not in elsewhere:
            spared.append(one)
        else:
            gone.append(Gone(one, _why(one, elsewhere)))
    going = {one.held.key for one in gone}
    named = {sha256 for one in held.records.values() if one.key not in going for sha256, _ in one.blobs}
    named |= needs.clips.keys()
    kinds = {sha256: one.held.kind for one in gone for sha256, _ in one.held.blobs}
    free = {
        sha256: one.size
        for sha256, one in held.blobs.items()
        if sha256 not in named and (sha256 in kinds or one.at < before)
    }
    bare = {sha256: size for sha256, size in free.items() if sha256 not in kinds and lost and not bought}
    return Sweep(
        tuple(gone),
        {sha256: size for sha256, size in free.items() if sha256 not in bare},
        {sha256: kinds.get(sha256, "orphan") for sha256 in free if sha256 not in bare},
        tuple(spared),
        kept,
        young,
        {path: one.size for path, one in held.left.items() if one.at < before},
        bare,
    )


def _why(one: Held, elsewhere: Collection[str]) -> str:
    if one.kind == "derived":
        return "no cut used it since; made again for free when one does"
    where = "; the shared cache has it" if one.key in elsewhere else ""
    return f"neither the film, nor a lock, nor an open purchase names it{where}"


def carry_out(store: Store, decided: Sweep) -> list[OSError]:
    """Delete what may go; what could not be deleted. To be called with the store `alone`."""
    failed: list[OSError] = []
    stays: set[str] = set()
    for one in decided.records:
        try:
            (store.root / "ac" / one.held.key).unlink(missing_ok=True)
        except OSError as error:
            failed.append(error)
            stays |= {sha256 for sha256, _ in one.held.blobs}
    if decided.records:
        atomic.sync(store.root / "ac")
    blobs = [store.root / "cas" / sha256 for sha256 in decided.blobs if sha256 not in stays]
    _remove([*blobs, *decided.left], failed)
    return failed


def empty_quarantine(store: Store) -> list[OSError]:
    """Delete what was set aside; what could not be deleted."""
    failed: list[OSError] = []
    _remove((path for path, _ in files(store.root / "quarantine")), failed)
    return failed


def _remove(paths: Iterable[Path], failed: list[OSError]) -> None:
    for path in paths:
        try:
            if path.is_dir() and not path.is_symlink():
                rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            failed.append(error)
