"""Files written so that a reader sees all of one or none of it, and a crash leaves no half.

The order (temporary file, fsync, rename, fsync of the folder) follows Pillai et al., "All File Systems Are Not
Created Equal" (OSDI 2014).
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A path beside `path` to write; it takes `path`'s place at the end, or vanishes on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:40]}.{os.urandom(6).hex()}.tmp")
    try:
        yield temporary
        if durable:
            sync(temporary)
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Put `data` at `path`."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def copy(source: Path, path: Path) -> None:
    """Put a copy of `source` at `path`: never a hard link, so that editing one leaves the other."""
    with replacing(path, durable=False) as temporary:
        from shutil import copyfile  # noqa: PLC0415 -- a plan copies nothing

        copyfile(source, temporary)


def move(source: Path, path: Path) -> None:
    """Put `source` at `path`, by a rename where both are on one file system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy(source, path)


def ignored_folder(path: Path) -> Path:
    """Make a folder that git ignores, by a .gitignore of its own."""
    path.mkdir(parents=True, exist_ok=True)
    if not (path / ".gitignore").exists():
        write(path / ".gitignore", b"*\n", durable=False)
    return path


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
