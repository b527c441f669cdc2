"""The locks of a folder, wherever git keeps one: every branch, tag, remote branch and stash, every work tree and its
index. What can't be read is an error, never left out: what is left out may be deleted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from storyboard.git import GitError, Repository

_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE")
"""Variables that name a repository, or a part of one, whatever the folder: those that hooks run with."""


class Text(NamedTuple):
    """A file's bytes, and where it is in people's words: `main`, `the index`, `the work tree at /films/two`."""

    where: str
    name: str
    data: bytes


class _Tree(NamedTuple):
    where: str
    object: str


def locks(folder: Path, environment: Mapping[str, str]) -> list[Text]:
    """Every text that a file `*.lock` of the folder has, on the disk and in git, each once.

    Raises:
        GitError: git can't tell them all.
        OSError: one on the disk can't be read.
    """
    found = list(_on_disk(folder, "the folder"))
    plain = {name: value for name, value in environment.items() if name not in _PLACES}
    try:
        repository = _Everything(folder, plain)
    except GitError:
        if any((place / ".git").exists() for place in (folder.absolute(), *folder.absolute().parents)):
            raise
    else:
        found += repository.texts()
    return list({(one.name, one.data): one for one in reversed(found)}.values())[::-1]


def _on_disk(folder: Path, where: str) -> Iterator[Text]:
    for path in sorted(folder.glob("*.lock")):
        if path.is_file():
            yield Text(where, path.name, path.read_bytes())


class _Everything(Repository):
    def texts(self) -> Iterator[Text]:
        if self._run("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise GitError("the clone is shallow, so it doesn't know every branch: 'git fetch --unshallow'")
        trees = [*self._tips(), *self._stashes()]
        blobs: dict[str, tuple[str, str]] = {}
        for place, head in self._worktrees():
            inside = place / self.prefix
            ours = inside.resolve() == (self.root / self.prefix).resolve()
            where = "" if ours else f" of the work tree at {place}"
            trees += [_Tree(f"HEAD{where}", f"{head}^{{tree}}")] if head else []
            if place.is_dir():
                blobs |= {name: (f"the index{where}", path) for name, path in self._index(place)}
                yield from () if ours else _on_disk(inside, f"the work tree at {place}")
        blobs |= self._in_trees(trees)
        read = dict(self.read(blobs))
        if read.keys() != blobs.keys():
            raise GitError("git lacks objects of some branch: 'git fsck' tells which")
        yield from (Text(*blobs[name], data) for name, data in read.items())

    def _tips(self) -> Iterator[_Tree]:
        form = "%(objectname) %(objecttype) %(*objecttype) %(refname)"
        for line in self._told("for-each-ref", f"--format={form}").splitlines():
            name, kind, of, ref = line.split(" ", 3)
            if "blob" not in (kind, of):
                where = "a stash" if ref == "refs/stash" else re.sub(r"^refs/(heads|tags|remotes)/", "", ref)
                yield _Tree(where, f"{name}^{{tree}}")

    def _stashes(self) -> Iterator[_Tree]:
        """Each stash but the last, which has a ref, and the index that was stashed with each."""
        if not self._told("for-each-ref", "refs/stash").strip():
            return
        for line in self._told("rev-list", "--walk-reflogs", "--parents", "refs/stash").splitlines():
            stashed, _, *more = line.split()
            yield from (_Tree("a stash", f"{one}^{{tree}}") for one in (stashed, *more))

    def _worktrees(self) -> Iterator[tuple[Path, str]]:
        for block in self._told("worktree", "list", "--porcelain").split("\n\n"):
            facts = dict(line.partition(" ")[::2] for line in block.splitlines())
            if "worktree" in facts:
                head = facts.get("HEAD", "")
                yield Path(facts["worktree"]), "" if set(head) == {"0"} or "bare" in facts else head

    def _index(self, place: Path) -> Iterator[tuple[str, str]]:
        """Blobs of the index, in every stage of a merge, with their names."""
        for row in self._told("-C", str(place), "ls-files", "-s", "-z", "--full-name").split("\0"):
            facts, _, path = row.partition("\t")
            mode, name, *_ = [*facts.split(), "", ""]
            if path.startswith(self.prefix) and _is_lock(path.removeprefix(self.prefix), mode):
                yield name, path.removeprefix(self.prefix)

    def _in_trees(self, trees: Iterable[_Tree]) -> dict[str, tuple[str, str]]:
        """The locks of the folder in these trees: by blob, where it is and its name."""
        asked: dict[str, str] = {}
        for one in trees:
            asked.setdefault(one.object, one.where)
        found: dict[str, str] = {}
        told = self._run("cat-file", "--batch-check", told="".join(f"{one}\n" for one in asked).encode()).decode()
        for where, line in zip(asked.values(), told.splitlines(), strict=True):
            name, kind, *_ = line.split()
            if kind != "tree":
                raise GitError(f"git lacks what {where} is: 'git fsck' tells more")
            found.setdefault(name, where)
        for part in filter(None, self.prefix.split("/")):
            deeper = (
                (name, where) for _, where, entries in self._entries(found) for _, at, name in entries if at == part
            )
            found = dict(deeper)
        return {
            name: (where, path)
            for _, where, entries in self._entries(found)
            for mode, path, name in entries
            if _is_lock(path, mode)
        }

    def _entries(self, trees: Mapping[str, str]) -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
        """Each tree with what is in it: mode, name and object (git's own format of trees)."""
        read = dict(self.read(trees))
        if read.keys() != trees.keys():
            raise GitError("git lacks trees of some branch: 'git fsck' tells which")
        for tree, data in read.items():
            entries, at, digest = [], 0, len(tree) // 2
            while at < len(data):
                end = data.index(b"\0", at)
                mode, _, name = data[at:end].decode("utf-8", "surrogateescape").partition(" ")
                entries.append((mode, name, data[end + 1 : end + 1 + digest].hex()))
                at = end + 1 + digest
            yield tree, trees[tree], entries

    def _told(self, *arguments: str) -> str:
        """What git says, where it warns of nothing: it leaves out a ref that is broken, with a warning."""
        return self._run(*arguments, strict=True).decode("utf-8", "surrogateescape")


def _is_lock(path: str, mode: str) -> bool:
    return mode.startswith("100") and "/" not in path and path.endswith(".lock")
