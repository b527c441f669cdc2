"""Files that people look at, each the only copy of what was made: written again only where it isn't that any more."""

from pathlib import Path

from storyboard import atomic, digest
from storyboard.store import Record, Store


def is_current(key: str, path: Path, store: Store) -> bool:
    """Whether the file at `path` is, byte for byte, what `key` made."""
    made = store.find(key)
    if not isinstance(made, Record):
        return False
    try:
        return store.memo.look(path).sha256 == str(made.facts["sha256"])
    except (OSError, ValueError):
        return False


def publish(key: str, made: Path, path: Path, store: Store) -> None:
    """Move what `key` made to where people look for it, and remember its bytes."""
    sha256 = digest.sha256_file(made)
    atomic.move(made, path)
    store.put(key, {}, {"sha256": sha256})
