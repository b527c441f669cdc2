"""Inputs that are made here from other clips, just before they are sent: another job's clip, its last frame, some
seconds of a video. Each is kept by content, so it is made once.
"""

from pathlib import Path

from storyboard import digest, media
from storyboard.job import LAST_FRAME, Input, Job
from storyboard.media import MediaError
from storyboard.store import Blob, Record, Store

VERSION = 1


class Unmade(Exception):
    """An input can't be had as things stand; the message says which, and why."""


def needed(job: Job) -> bool:
    """Whether a job has inputs that are made here."""
    return any(given.producer is not None or given.part for given in job.inputs.values())


def whole(job: Job, store: Store) -> Job:
    """The job with a file behind every input. Its request and its key stay as they are.

    Raises:
        Unmade: a clip that it waits for isn't there, or can't be used.
    """
    return job._replace(inputs={name: _file(given, store) for name, given in job.inputs.items()})


def _file(given: Input, store: Store) -> Input:
    if given.producer is None and not given.part:
        return given
    path, sha256 = _origin(given, store)
    if not given.part:
        return given._replace(file=str(path), sha256=sha256, producer=None)
    made = _part(given, path, sha256, store)
    return given._replace(file=str(made.path), sha256=made.sha256, producer=None, part="")


def _origin(given: Input, store: Store) -> tuple[Path, str]:
    """The file that an input is, or is a part of."""
    if given.producer is not None:
        found = store.find(given.producer.key) if given.producer.key else None
        if not isinstance(found, Record):
            raise Unmade(f"{given.label} isn't there yet")
        clip = found.outputs["clip"]
        return clip.path, clip.sha256
    path = Path(given.file or "")
    try:
        changed = store.memo.look(path).sha256 != given.sha256
    except (OSError, ValueError) as error:
        raise Unmade(f"{given.label} can't be read") from error
    if changed:
        raise Unmade(f"{given.label} changed while the render was under way; render again")
    return path, given.sha256 or ""


def _part(given: Input, path: Path, sha256: str, store: Store) -> Blob:
    tool = media.version(media.ffmpeg())
    key = digest.of({"derive": VERSION, "of": sha256, "part": given.part, "by": tool})
    found = store.find(key)
    if isinstance(found, Record):
        return found.outputs["file"]
    try:
        with store.workspace() as folder:
            if given.part == LAST_FRAME:
                made = folder / "frame.png"
                media.last_frame(path, made)
            else:
                made = folder / "part.mp4"
                first, last = given.part.removeprefix("t=").split(",")
                media.part(path, made, first, last)
            return store.put(key, {"file": made}, {"of": sha256}).outputs["file"]
    except MediaError as error:
        raise Unmade(f"{given.label}: {error}") from error
