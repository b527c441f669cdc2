"""The clips to show and where people find them: the best that each shot has, and copies of them in `build/`."""

from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

from storyboard import atomic, digest
from storyboard.film import Film
from storyboard.frozen import Frozen, bytes_of
from storyboard.job import Own
from storyboard.plan import Step
from storyboard.store import Record, Store


def best(film: Film, shot: str, pass_id: str, store: Store, frozen: Frozen | None = None) -> tuple[str, Record] | None:
    """The clip to show, and its pass: this one, else the first of those that it falls back to that has a clip by
    today's keys, or, where the film is `frozen`, by its lock.
    """
    for name in film.shown(pass_id):
        made = film.jobs[name][film.numbers[shot]]
        if isinstance(made, Own):
            kept = _own(made, store)
            return (name, kept) if kept else None
        key = made.key if made else None
        found = frozen.shown(name, shot) if frozen else present(store, key)
        if found:
            return name, found
    return None


def present(store: Store, key: str | None) -> Record | None:
    """The record of a key, if it is there."""
    found = store.find(key) if key else None
    return found if isinstance(found, Record) else None


def _own(clip: Own, store: Store) -> Record | None:
    """A clip of the author's own, in the store with the others; None where it changed since it was looked at."""
    key = bytes_of(clip.sha256)
    if found := present(store, key):
        return found
    with store.workspace() as folder:  # what is put into the store is moved there: never the author's own file
        copied = folder / "clip.mp4"
        copyfile(clip.file, copied)
        if digest.sha256_file(copied) != clip.sha256:
            return None
        return store.put(key, {"clip": copied}, {"own": clip.label})


def place(made: Iterable[tuple[Step, Record | None]], folder: Path, build: Path, store: Store) -> dict[str, Path]:
    """Copies of the clips of these steps where people look for them, by the steps' places; paths start from `folder`.
    What can't be written is left out.
    """
    places = {}
    for step, record in made:
        path = build / step.pass_id / "clips" / f"{step.shot}.mp4"
        if step.take is not None:
            path = build / step.pass_id / "takes" / step.shot / f"{step.take}.mp4"
        if record is not None:
            try:
                copy(record, folder / path, store)
            except OSError:
                continue
        if record is not None or (step.state == "clip" and (folder / path).exists()):
            places[step.place] = path
    return places


def copy(record: Record, path: Path, store: Store) -> None:
    """Put a clip at `path`, unless it is there already."""
    clip = record.outputs["clip"]
    if held(path, store) != clip.sha256:
        atomic.copy(clip.path, path)


def held(path: Path, store: Store) -> str:
    """The SHA-256 of a file; `-` where there is none that can be read."""
    try:
        return store.memo.look(path).sha256
    except (OSError, ValueError):
        return "-"
