"""Every byte of a store read again, whatever is remembered of it; what is wrong set aside, and what can be, put right.

A blob is its name, a record carries its own digest and its key. Nothing is made and nothing is bought here.
"""

import json
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from storyboard import atomic, digest
from storyboard.buy import probed
from storyboard.changes import facts_of
from storyboard.job import Job
from storyboard.keeping import Held, Holdings, files, is_name
from storyboard.lock import Entry
from storyboard.media import MediaError
from storyboard.store import Record, Store

MISSING, DAMAGED = "is missing", "is damaged"


@dataclass
class Checked:
    """What a store's bytes are.

    Attributes:
        held: Its records and files, as far as they can be read.
        records: Why records are wrong, by the names of their files.
        blobs: Why blobs are wrong or missing, by their names.
        orphans: Whole blobs that no record names: SHA-256 -> size.
        memo: Whether the memory of hashes is damaged; it is forgotten then.
        read: Bytes that were read.
    """

    held: Holdings
    records: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)
    orphans: dict[str, int] = field(default_factory=dict)
    memo: bool = False
    read: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.records or self.blobs or self.memo)

    def broken(self) -> dict[str, tuple[Held, str]]:
        """Records that can be read and have bytes that are wrong or missing, by key, and how they are."""
        found = {}
        for one in self.held.records.values():
            if one.key not in self.records:
                wrong = [self.blobs[sha256] for sha256, _ in one.blobs if sha256 in self.blobs]
                if wrong:
                    found[one.key] = one, wrong[0]
        return found


def check(store: Store, held: Holdings, progress: Callable[[int], None] = lambda _: None) -> Checked:
    """Read everything. `held` is what the store holds; `progress` is told how many bytes were read so far.

    Raises:
        OSError: the store's folders can't be listed.
    """
    found = Checked(held, records=dict(held.damaged))
    sizes = {sha256: size for one in held.records.values() for sha256, size in one.blobs}
    whole: dict[str, int] = {}
    for path, status in files(store.root / "cas"):
        if not is_name(path.name):
            continue
        actual, reason = _hashed(path, status)
        found.read += status.st_size
        progress(found.read)
        if reason or actual != path.name:
            found.blobs[path.name] = reason or DAMAGED
        elif sizes.get(path.name, status.st_size) != status.st_size:  # a record lies, not the file
            found.blobs[path.name] = DAMAGED
        else:
            whole[path.name] = status.st_size
    found.blobs |= dict.fromkeys(sizes.keys() - whole.keys() - found.blobs.keys(), MISSING)
    found.orphans = {name: size for name, size in whole.items() if name not in sizes}
    try:
        digest.unseal((store.root / "hashes").read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        found.memo = True
    return found


def _hashed(path: Path, status: os.stat_result) -> tuple[str, str]:
    """SHA-256 of a file, and why it can't be told."""
    if not stat.S_ISREG(status.st_mode):
        return "", "isn't a regular file"
    try:
        return digest.sha256_file(path), ""
    except OSError as error:
        return "", f"can't be read: {(error.strerror or str(error)).lower()}"


def set_aside(store: Store, found: Checked) -> None:
    """Move what is damaged to the quarantine, and from there to its place what is whole under another name. Each is
    looked at once more, as a render may have replaced it meanwhile. Records of what is made for free go with its bytes.
    """
    for folder, name in [*(("cas", name) for name in found.blobs), *(("ac", name) for name in found.records)]:
        path = store.root / folder / name
        if (path.exists() or path.is_symlink()) and not _is_right(path):
            store.set_aside(path)
    if found.blobs or found.records:
        _put_back(store, found)
    for one, _ in found.broken().values():
        path = store.root / "ac" / one.key
        if one.kind != "bought" and path.exists() and not is_whole(store, one.key):
            store.set_aside(path)
    if found.memo:
        with suppress(OSError):
            (store.root / "hashes").unlink(missing_ok=True)


def _put_back(store: Store, found: Checked) -> None:
    """Of what lies in the quarantine, blobs that are missing, then records that are whole and have all their bytes: two
    files whose places were swapped, or what an earlier check was killed over.
    """
    wanted = {name for name in found.blobs if not _is_right(store.root / "cas" / name)}
    aside = [(path, status) for path, status in files(store.root / "quarantine")]
    for path, status in aside:
        name, _ = _hashed(path, status)
        if name in wanted:
            _move(path, store.root / "cas" / name)
            wanted.discard(name)
    for path, _ in aside:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            body = json.loads(digest.unseal(path.read_bytes()))
            place = store.root / "ac" / body["key"]
            names = [blob["sha256"] for blob in body["outputs"].values()]
            if (
                is_name(body["key"])
                and not place.exists()
                and all(_is_right(store.root / "cas" / one) for one in names)
            ):
                _move(path, place)


def _move(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    path.replace(to)
    atomic.sync(to.parent)


def _is_right(path: Path) -> bool:
    """Whether a file of `ac` or `cas` is what its name says, read now."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if path.parent.name == "ac":
            return bool(json.loads(digest.unseal(path.read_bytes()))["key"] == path.name)
        return _hashed(path, path.lstat()) == (path.name, "")
    return False


def is_whole(store: Store, key: str) -> bool:
    """Whether a key has a record and all its bytes, read now."""
    record = store.record(key)
    if not isinstance(record, Record):
        return False
    return all(_is_right(blob.path) and blob.path.stat().st_size == blob.size for blob in record.outputs.values())


def written_again(store: Store, key: str, job: Job, one: Entry) -> bool:
    """Write a lost record again from what the lock and the journal tell of it, where its clip is here."""
    clip = store.root / "cas" / one.clip
    if not _is_right(clip):
        return False
    try:
        facts = facts_of(job, one.at, one.id) | {"by": one.by, "cost": one.price, "clip": probed(clip)}
        with store.workspace() as folder:
            copied = folder / "clip.mp4"
            atomic.copy(clip, copied)
            store.put(key, {"clip": copied}, facts)
    except (MediaError, OSError):
        return False
    return True


def lost(found: Checked, known: Mapping[str, str]) -> dict[str, str]:
    """The keys of bought clips that are not whole, and how that is: of records that are broken, and of those of `known`
    (key -> what kind of thing it was: `bought` or `made`) whose record is damaged or gone.
    """
    keys = {key: f"its clip {why}" for key, (one, why) in found.broken().items() if one.kind == "bought"}
    for key, kind in known.items():
        if kind == "bought" and key not in found.held.records:
            keys[key] = "its record is damaged" if key in found.records else "its record is missing"
    return keys
