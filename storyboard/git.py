"""What a git repository holds: revisions, the files of one, who commits. Only reads, and runs nothing that the
repository names: objects are read as they are kept, without filters, hooks or external diffs.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

SECONDS = 60
CHUNK = 1 << 20
"""Bytes of an object that are held at once."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class GitError(Exception):
    """git can't be asked, or knows no answer; the message says why."""


class File(NamedTuple):
    """A file of a revision: git's mode (`100644`; `120000` for a link), the object's id, and its size in bytes,
    which is -1 where the repository lacks it.
    """

    mode: str
    object: str
    size: int


class Repository:
    """The repository that a folder is in. `environment` is what git runs with.

    Raises:
        GitError: git isn't there, or the folder is in no repository.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
        # A git without GIT_NO_LAZY_FETCH would ask for an object that a partial clone lacks, over whatever program the
        # repository names.
        self._environment["GIT_ALLOW_PROTOCOL"] = ""
        said = self._run("rev-parse", "--show-toplevel", "--show-prefix", "--git-common-dir")
        root, self.prefix, common = said.decode("utf-8", "surrogateescape").split("\n")[:3]
        self.root = Path(root)
        self.common = Path(folder, common)

    def resolve(self, revision: str) -> str:
        """The commit that a revision is, by its id.

        Raises:
            GitError: there is none of that name.
        """
        asked = revision if revision.startswith(":/") else f"{revision}^{{commit}}"  # a message may end with anything
        try:
            found = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", asked).decode().strip()
        except GitError as error:
            shallow = (self.common / "shallow").exists()
            help_ = "; the clone is shallow: 'git fetch --unshallow' brings the rest" if shallow else ""
            raise GitError(f"git knows no revision '{revision}'{help_}") from error
        if not _COMMIT.fullmatch(found):
            raise GitError(f"git knows no revision '{revision}'")
        return found

    def base(self, one: str, other: str) -> str:
        """The best common ancestor of two commits.

        Raises:
            GitError: they have none, or the clone is too shallow to know.
        """
        try:
            return self._run("merge-base", one, other).decode().strip()
        except GitError as error:
            raise GitError("the two have no common commit; a shallow clone needs 'git fetch --unshallow'") from error

    def files(self, commit: str) -> dict[str, File]:
        """The files of a commit that are in the folder, by their path from it."""
        found = {}
        for row in self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", self.prefix or ".").split(b"\0"):
            facts, _, path = row.partition(b"\t")
            mode, kind, name, size = (facts.decode().split() + [""] * 4)[:4]
            if kind == "blob":
                path_there = path.decode("utf-8", "surrogateescape").removeprefix(self.prefix)
                found[path_there] = File(mode, name, int(size) if size.isdigit() else -1)
        return found

    def read(self, objects: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of objects, by their ids; those that aren't there are left out."""
        asked = list(objects)
        if not asked:
            return
        said = self._run("cat-file", "--batch", told="".join(f"{one}\n" for one in asked).encode())
        at = 0
        for one in asked:
            end = said.index(b"\n", at)
            head = said[at:end].split()
            at = end + 1
            if len(head) == 3:
                size = int(head[2])
                yield one, said[at : at + size]
                at += size + 1

    def objects(self) -> "Objects":
        """A reader of many objects, one after another."""
        return Objects(self._folder, self._environment)

    def author(self) -> str:
        """Who commits here: `Ada Lovelace <ada@example.com>`.

        Raises:
            GitError: git doesn't know.
        """
        try:
            said = self._run("var", "GIT_AUTHOR_IDENT").decode("utf-8", "replace")
        except GitError as error:
            raise GitError("git doesn't know who you are: git config --global user.name 'Your Name'") from error
        return said.rpartition(">")[0] + ">"

    def _run(self, *arguments: str, told: bytes = b"", strict: bool = False) -> bytes:
        """What git says; where it is `strict`, a warning counts as a failure."""
        try:
            done = subprocess.run(
                # Reading the index would run the program that a repository names here.
                ["git", "-c", "core.fsmonitor=false", *arguments],  # noqa: S607 -- the user's own git
                cwd=self._folder,
                env=self._environment,
                input=told,
                capture_output=True,
                check=False,
                timeout=SECONDS,
            )
        except FileNotFoundError as error:
            raise GitError("git isn't installed") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise GitError(f"git can't be asked: {error}") from error
        if done.returncode or (strict and done.stderr):
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
            raise GitError(said.partition("\n")[0] or f"git {arguments[0]} failed")
        return done.stdout


class Objects:
    """Objects by their ids, read one after another by one process, which starts with the first. Not for two at once."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of an object, piece by piece; to be taken to the end.

        Raises:
            GitError: it isn't there, or git can't be asked.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(f"{name}\n".encode())
            process.stdin.flush()
            head = process.stdout.readline().split()
            left = int(head[2]) + 1 if len(head) == 3 else 0
            if not left:
                raise GitError(f"git lacks the object {name}")
            while left:
                piece = process.stdout.read(min(left, CHUNK))
                if not piece:
                    raise GitError(f"git ended within the object {name}")
                left -= len(piece)
                yield piece if left else piece[:-1]
        except (OSError, ValueError) as error:
            raise GitError(f"git can't be asked: {error}") from error

    def read(self, name: str) -> bytes:
        """All bytes of an object. Raises GitError as `pieces` does."""
        return b"".join(self.pieces(name))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    def _start(self) -> "subprocess.Popen[bytes]":
        try:
            self._process = subprocess.Popen(
                ["git", "cat-file", "--batch"],  # noqa: S607 -- the user's own git
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise GitError(f"git can't be asked: {error}") from error
        return self._process
