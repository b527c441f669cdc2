"""What the commands about revisions share: which two are meant, and what is said where git can't be asked."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.diff.side import Side
from storyboard.git import GitError, Repository
from storyboard.lock.file import beside
from storyboard.memo import Memo
from storyboard.revision import Past, Revisions
from storyboard.store import Record, Store

WORKING = "the working tree"


@contextmanager
def revisions(path: Path, store: Store) -> Iterator[Revisions]:
    """The revisions of the repository that a storyboard is in; what git can't do is a usage error."""
    try:
        with Revisions(path, store, Repository(path.parent, dict(os.environ))) as found:
            yield found
    except GitError as error:
        raise click.UsageError(report.safe(str(error))) from error


def named(found: Revisions, revision: str, others: Sequence[str] = ()) -> Past:
    """The storyboard at a revision; `REV...` is where the branch that is checked out left REV."""
    if "..." in revision and not _is_message(revision):
        left, _, right = revision.partition("...")
        repository = found.repository
        base = repository.base(repository.resolve(left or "HEAD"), repository.resolve(right or "HEAD"))
        return found.at(base[:12], others)
    return found.at(revision, others)


def _is_message(revision: str) -> bool:
    """Whether a revision is found by a commit's message, in which dots mean nothing."""
    return revision.startswith(":/") or "^{/" in revision


def two(arguments: Sequence[str]) -> tuple[str, str | None]:
    """The old side and the new one, None for the working tree, as `git diff` reads them."""
    if len(arguments) > 2:
        raise click.UsageError("name two revisions at most")
    if len(arguments) == 2:
        return arguments[0], arguments[1]
    only = arguments[0] if arguments else "HEAD"
    if ".." not in only or _is_message(only):
        return only, None
    if "..." in only:
        return only, only.partition("...")[2] or "HEAD"
    left, _, right = only.partition("..")
    return left or "HEAD", right or "HEAD"


@contextmanager
def sides(file: Path, arguments: Sequence[str], *, as_json: bool) -> Iterator[tuple[Side, Side, Store]]:
    """The two films that are meant, and the store; errors in one of the storyboards end the command."""
    old, new = two(arguments)
    try:
        if new is None:
            project = common.open_project(file, as_json=as_json)
            with revisions(project.path, project.store) as found:
                yield *_against_now(project, found, old), project.store
                project.store.memo.save()
            return
        path = (file / "storyboard.yaml" if file.is_dir() else file).absolute()
        if not path.parent.is_dir():
            raise click.UsageError(f"there is no folder {report.safe(str(path.parent))}")
        root = common.store_folder() or path.parent / ".storyboard"
        store = Store(root, Memo(root / "hashes", time.time_ns))
        with revisions(path, store) as found:
            yield *_between(found, old, new), store
            store.memo.save()
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)


def _against_now(project: Project, found: Revisions, old: str) -> tuple[Side, Side]:
    now, kept = project.asked(), project.film()
    past = named(found, old, [one.name for one in project.folder.iterdir()])
    film = past.film([project.inputs()])
    new = Side(WORKING, now, kept, project.lock)
    if film is now and past.has_lock(beside(project.path)):
        return Side(past.name, film, kept, new.lock), new
    return Side(past.name, film, past.kept(), past.lock), new


def _between(found: Revisions, old: str, new: str) -> tuple[Side, Side]:
    after = found.at(new)
    before = named(found, old, after.names)
    if after.file is None:
        after = found.at(new, before.names)
    its = before.inputs()
    film = after.film([its] if its else [])
    return Side(before.name, before.film(), before.kept(), before.lock), Side(
        after.name, film, after.kept(), after.lock
    )


def holds(store: Store) -> Callable[[str], bool]:
    """Whether a store has a key's clip."""
    return lambda key: isinstance(store.find(key), Record)
