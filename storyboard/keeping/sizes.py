"""What takes up a store's space, by kind."""

import stat
from pathlib import Path

from storyboard.keeping import Holdings, Total, files, total
from storyboard.store import Store

NAMES = {
    "bought": "bought clips",
    "made": "clips made here",
    "derived": "derived: pictures, sounds and parts for cuts",
    "orphan": "bytes without a record",
    "damaged": "damaged records",
    "rehearsal": "rehearsal",
    "quarantine": "quarantine",
    "uploads": "what is known of uploads",
    "compiled": "compiled films",
    "tmp": "work under way, or left behind",
    "other": "the journal, and small memories",
}
"""Every kind, in people's words."""


def sizes(store: Store, held: Holdings, own: Path) -> dict[str, Total]:
    """Count and bytes of each kind: of clips and derived things the records, with their bytes; of all else the files.
    Bytes that several records share count for the first kind. `own` is the `.storyboard` beside the storyboard.
    """
    found = dict.fromkeys(NAMES, Total())
    counted: set[str] = set()
    for kind in ("bought", "made", "derived"):
        for one in held.records.values():
            if one.kind == kind:
                new = {sha256 for sha256, _ in one.blobs if sha256 in held.blobs} - counted
                counted |= new
                found[kind] = found[kind].plus(one.size + sum(held.blobs[sha256].size for sha256 in new))
    for sha256 in held.blobs.keys() - counted:
        found["orphan"] = found["orphan"].plus(held.blobs[sha256].size)
    for path, status in files(store.root / "ac"):
        if path.name in held.damaged:
            found["damaged"] = found["damaged"].plus(status.st_size)
    for path, left in held.left.items():
        if path.parent.name != "tmp":
            found["tmp"] = found["tmp"].plus(left.size)
    for folder in dict.fromkeys((store.root, own)):
        for path, status in files(folder):
            if path.name not in {"ac", "cas"} or folder != store.root:
                kind = path.name if path.name in found else "other"
                found[kind] = found[kind].plus(total(path) if stat.S_ISDIR(status.st_mode) else status.st_size)
    return found


def summed(found: dict[str, Total]) -> Total:
    """All of it."""
    return Total(sum(one.number for one in found.values()), sum(one.size for one in found.values()))


def shown(size: int) -> str:
    """Bytes for people: `512 B`, `1.2 MB`; a thousand to the next."""
    if size < 1000:
        return f"{size} B"
    tenths = size * 10
    for unit in ("kB", "MB", "GB", "TB"):
        tenths = -(-tenths // 1000) if unit == "kB" else tenths // 1000
        if tenths < 10_000 or unit == "TB":
            return f"{tenths // 10}.{tenths % 10} {unit}"
    raise AssertionError
