"""The clips to show and where people find them: the best that each shot has, and copies of them in `build/`."""

from collections.abc import Iterable
from pathlib import Path
from shutil import copyfile

from storyboard import atomic, digest
from storyboard.film import Film
from storyboard.job import Own
from storyboard.plan import Step
from storyboard.store import Record, Store


def best(film: Film, shot: str, pass_id: str, store: Store) -> tuple[str, Record] | None:
    """The clip to show, and its pass: this one, else the first of those that it falls back to that has a clip by
    today's keys. A pass that names none falls back to the earlier ones, the nearest first.
    """
    order, fallback = list(film.passes), film.passes[pass_id].fallback
    earlier = reversed(order[: order.index(pass_id)]) if fallback is None else fallback
    for name in (pass_id, *earlier):
        made = film.jobs[name][film.numbers[shot]]
        if isinstance(made, Own):
            kept = _own(made, store)
            return (name, kept) if kept else None
        found = store.find(made.key) if made and made.key else None
        if isinstance(found, Record):
            return name, found
    return None


def _own(clip: Own, store: Store) -> Record | None:
    """A clip of the author's own, in the store with the others; None where it changed since it was looked at."""
    key = digest.of({"clip": clip.sha256})
    found = store.find(key)
    if isinstance(found, Record):
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
