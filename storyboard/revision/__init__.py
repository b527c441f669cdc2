"""A storyboard as it was in a commit, compiled without a checkout: its text, its libraries, its model files and its
references are read from git as they are kept there. What comes out of it is remembered, as a commit never changes.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, cast

from storyboard import compiled, digest, text, verdict
from storyboard.changes import facts_of
from storyboard.compiled import Inputs
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.film import Film
from storyboard.git import Repository
from storyboard.lock import Lock
from storyboard.lock.file import LockFile, beside
from storyboard.pins import Pins
from storyboard.plan import Known, Plan, decide
from storyboard.revision.assets import Hashes, PastAssets
from storyboard.revision.tree import Spot, Tree
from storyboard.source import Source, Span
from storyboard.store import Lost, Store

KEPT = 8
"""Films of earlier commits that are remembered."""

_BEGINS = re.compile(r"^storyboard\s*:", re.MULTILINE)


class Revisions:
    """The commits of the repository that a storyboard is in; to be closed, which keeps what was learnt."""

    def __init__(self, path: Path, store: Store, repository: Repository) -> None:
        self.path = path
        self.store = store
        self.repository = repository
        self.own = path.parent / ".storyboard"
        self.pins = Pins(self.own / "pins")
        self.objects = repository.objects()
        self.known = Hashes(self.own / "objects")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.close()
        self.known.save()

    def at(self, revision: str, others: Collection[str] = ()) -> "Past":
        """The storyboard at a revision, which is called so in messages. `others` are the names of the files that are
        beside it on the other side: one that isn't there any more may be its old name.

        Raises:
            GitError: there is no such revision, or git can't be asked.
        """
        return Past(self, revision, self.repository.resolve(revision), others)


class Past:
    """A storyboard in a commit.

    Attributes:
        name: What the commit is called.
        file: The storyboard's name there, by its folder; None where there was none.
    """

    def __init__(self, of: Revisions, name: str, commit: str, others: Collection[str] = ()) -> None:
        self._of = of
        self.name = name
        self.commit = commit
        files = of.repository.files(commit)
        self._folder = Spot(Tree(files, of.objects, str(of.path.parent.resolve())))
        self.names = [path for path in files if "/" not in path]
        self.file = of.path.name if of.path.name in files else self._old_name(others)

    def _old_name(self, others: Collection[str]) -> str | None:
        """The only storyboard that was beside this one's place and isn't any more."""
        gone = [name for name in self.names if name.endswith((".yaml", ".yml")) and name not in others]
        boards = [name for name in gone if _BEGINS.search(text.read(self._folder / name, name)[0].text)]
        return boards[0] if len(boards) == 1 and others else None

    @cached_property
    def _assets(self) -> PastAssets:
        of = self._of
        return PastAssets(self._folder.tree, of.known, of.pins, of.repository.common, of.own)

    @cached_property
    def lock(self) -> Lock:
        """The lock beside the storyboard. Raises Rejected where it can't be read."""
        name = beside(Path(self.file or self._of.path.name)).name
        try:
            return LockFile(cast("Path", self._folder / name)).read()
        except Rejected as rejected:
            raise self._named(rejected) from rejected

    def has_lock(self, path: Path) -> bool:
        """Whether the lock was the one that a file has."""
        spot = self._folder / beside(Path(self.file or self._of.path.name)).name
        try:
            return spot.read_bytes() == path.read_bytes()
        except OSError:
            return not spot.is_file() and not path.exists()

    def kept(self, like: Iterable[Inputs] = ()) -> Film | None:
        """The film with the clips that were accepted as they are. Raises Rejected as `film` and `lock` do."""
        film = self.film(like)
        return None if film is None else verdict.kept(film, self.lock, self._of.store)

    def film(self, like: Iterable[Inputs] = ()) -> Film | None:
        """The compiled film; None where there was no storyboard. Where it would be the same as one of `like`, it is
        that one.

        Raises:
            Rejected: it has errors; they name its files by the commit.
            GitError: git can't be asked.
        """
        return self._inputs(like).film if self.file else None

    def inputs(self, like: Iterable[Inputs] = ()) -> Inputs | None:
        """The film and what it was compiled from. Raises as `film` does."""
        return self._inputs(like) if self.file else None

    def _inputs(self, like: Iterable[Inputs]) -> Inputs:
        if self._compiled is None:
            try:
                self._compiled = self._compile(like)
            except Rejected as rejected:
                raise self._named(rejected) from rejected
        return self._compiled

    _compiled: Inputs | None = None

    def _compile(self, like: Iterable[Inputs]) -> Inputs:
        assert self.file is not None
        source, found = text.read(self._folder / self.file, self.file)
        if found:
            raise Rejected(found)
        for one in like:
            if one.same(source, self._assets, self._folder):
                return Inputs(source, self._assets, self._folder, one.film)
        path = self._of.own / "compiled" / f"{self.file}@{self._mark()}.json"
        code = compiled.code_of(self._folder)
        film = compiled.recall(path, source, self._assets, code, self._folder)
        if film is None:
            from storyboard.front import Front  # noqa: PLC0415 -- pydantic, for what isn't remembered

            film = Front(source, self._assets, self._folder, self._folder / "models").film()
            compiled.remember(path, source, self._assets, code, film)
            _forget(path.parent, f"{self.file}@")
        return Inputs(source, self._assets, self._folder, film)

    def _mark(self) -> str:
        """A digest of the folder's files, which two commits share that changed none of them but the lock."""
        tree, lock = self._folder.tree, beside(Path(self.file or "")).name
        rows = sorted((path, its.mode, its.object) for path, its in tree.files.items() if path != lock)
        return digest.sha256(repr(rows).encode())[:16]

    def _named(self, rejected: Rejected) -> Rejected:
        """The findings with the files named by the commit."""
        sources: dict[str, Source] = {}

        def moved(span: Span) -> Span:
            old = span.source
            new = sources.setdefault(old.name, Source(f"{self.name}:{old.name}", old.text))
            return new.span(span.start, span.end)

        def named(one: Diagnostic) -> Diagnostic:
            related = tuple(replace(other, span=moved(other.span)) for other in one.related)
            return replace(one, span=moved(one.span), related=related)

        return Rejected([named(one) for one in rejected.diagnostics])

    def plan(self, now: Inputs, pass_id: str, lock: Lock) -> Plan:
        """What a film costs beyond this commit: all that the commit asks for counts as there, as do clips of which the
        film's `lock` says that they stay, and nothing else, whatever has been made. Raises as `film` does.
        """
        film = self.film([now])
        jobs = [job for name in film.passes for job in film.all_jobs(name)] if film else []
        there = {job.key: f"as in {self.name}" for job in jobs if job.key}
        kept = (one.accepted for one in lock.entries.values() if one and one.accepted)
        there |= {one.key: f"accepted as it is by {one.by}" for one in kept}

        def last(name: str, shot: str) -> Mapping[str, Any]:
            known = film is not None and name in film.passes and shot in film.numbers
            job = film.job(name, shot) if film and known else None
            return facts_of(job) if job else {}

        def approved(name: str, shot: str) -> bool:
            return verdict.is_approved(now.film, lock, name, shot)

        known = Known(lambda _key: Lost(), last, lambda _key: None, lambda _one: False, approved, {}, there)
        return decide(now.film, pass_id, (), (), known)


def _forget(folder: Path, start: str) -> None:
    """Keep the last films of earlier commits only."""
    with suppress(OSError):
        found = [path for path in folder.iterdir() if path.name.startswith(start)]
        for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
            path.unlink(missing_ok=True)
