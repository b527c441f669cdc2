"""What is needed of a store, and by whom: what the film asks for, what a lock names anywhere, what was bought and isn't
settled.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storyboard.diagnostic import Rejected
from storyboard.film import Film
from storyboard.git import GitError
from storyboard.job import Own
from storyboard.journal import Journal
from storyboard.keeping import Held, files
from storyboard.keeping.revisions import Text, locks
from storyboard.lock import Entry, Lock, Place
from storyboard.lock.text import read
from storyboard.purchase import HELD, OPEN
from storyboard.shared import OWED
from storyboard.source import Source

FILM, LOCK, JOURNAL, SEATS = "the film", "the lock", "the journal", "other seats"
_OURS = re.compile(rb"^(?:# What every shot of every pass was rendered as|shot\.)", re.MULTILINE)
"""What only our locks have: other tools' end with `.lock` too."""


class Unknown(Exception):
    """What is needed can't be known; the message says why, and how to cure it."""


@dataclass
class Needs:
    """Who needs what: by key, and by a clip's SHA-256, in people's words; and the shots that keys are known by."""

    keys: dict[str, str] = field(default_factory=dict)
    clips: dict[str, str] = field(default_factory=dict)
    places: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def of(self, one: Held) -> str:
        """Who needs a clip, or "". A clip that a lock names may be under another key by now."""
        if one.kind == "derived":
            return ""
        return self.keys.get(one.key) or next((self.clips[sha] for sha, _ in one.blobs if sha in self.clips), "")

    def add_film(self, film: Film) -> None:
        """All that a film asks for, in any pass and take."""
        for pass_id, jobs in film.jobs.items():
            for shot, job in zip(film.shots, jobs, strict=True):
                if job and not isinstance(job, Own):
                    self._key(job.key, FILM, shot.id, pass_id)
            for n, takes in film.takes[pass_id].items():
                for take in takes:
                    self._key(take.job.key, FILM, film.shots[n].id, pass_id)

    def add_lock(self, lock: Lock, where: str) -> None:
        """All that a lock names: keys and clips, and what was approved and accepted."""
        for place, one in lock.entries.items():
            if one is not None:
                self._entry(place, one, where)

    def add_journal(self, journal: Journal) -> None:
        """All that was bought, or may have been, and isn't settled; and the shots that clips were bought for.

        Raises:
            Unreadable: see there.
        """
        for one in journal.latest().values():
            if one.state in OPEN | HELD:
                self._key(one.key, JOURNAL, one.shot, one.pass_id)
            self.places.setdefault(one.key, {}).setdefault((one.shot, one.pass_id))

    def add_owed(self, root: Path) -> None:
        """What other seats wait for: they were told that this store buys it."""
        for path, _ in files(root / OWED):
            self.keys.setdefault(path.name, SEATS)

    def _entry(self, place: Place, one: Entry, where: str) -> None:
        self._key(one.key, where, place.shot, place.pass_id)
        self.entries.setdefault(one.key, one)
        self.clips.setdefault(one.clip, where)
        if one.approved:
            self.clips.setdefault(one.approved.clip, where)
            self._key(one.approved.key, where, place.shot, place.pass_id)
        if one.accepted:
            self.keys.setdefault(one.accepted.key, where)

    def _key(self, key: str | None, why: str, shot: str, pass_id: str) -> None:
        if key is not None:
            self.keys.setdefault(key, why)
            self.places.setdefault(key, {}).setdefault((shot, pass_id))


def unknown(film: Film) -> list[str]:
    """The shots of which it can't be told what they ask for: a reference of theirs isn't fetched."""
    found: dict[str, None] = {}
    for jobs in film.jobs.values():
        for shot, job in zip(film.shots, jobs, strict=True):
            if job and not isinstance(job, Own) and job.key is None:
                found[shot.id] = None
    return list(found)


def add_locks(needs: Needs, folder: Path, own: str, environment: Mapping[str, str]) -> None:
    """What the locks of a folder name, wherever git keeps one. `own` is the name of the storyboard's own lock.

    Raises:
        Unknown: git can't tell them all, or one can't be read.
    """
    try:
        found = locks(folder, environment)
    except GitError as error:
        raise Unknown(f"git can't tell what other branches need: {error}") from error
    except OSError as error:
        raise Unknown(f"{error.filename} can't be read: {(error.strerror or str(error)).lower()}") from error
    for text, lock in _parsed(found, own):
        where = LOCK if (text.where, text.name) == ("the folder", own) else f"{text.name} in {text.where}"
        needs.add_lock(lock, where)


def _parsed(found: Iterable[Text], own: str) -> Iterable[tuple[Text, Lock]]:
    for text in found:
        if _OURS.search(text.data) is None and (text.name != own or not text.data.strip()):
            continue
        try:
            yield text, read(Source(text.name, text.data.decode().replace("\r\n", "\n")))
        except (Rejected, UnicodeDecodeError) as error:
            why = error.diagnostics[0].message if isinstance(error, Rejected) else "it isn't UTF-8 text"
            raise Unknown(f"{text.name} in {text.where} can't be read: {why}") from error
