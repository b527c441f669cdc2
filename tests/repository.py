"""A project in a git repository of its own, and what changed in it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from storyboard import load
from storyboard.diff import Diff, Shown, compare
from storyboard.diff.side import Side
from storyboard.git import Repository
from storyboard.revision import Revisions
from storyboard.store import Record
from tests.folder import Folder

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "A"), ("EMAIL", "a@b.c"))
    },
}


class Worked(Folder):
    """A folder that git works in: the repository's own, or one below it."""

    def git(self, *arguments: str, told: str | None = None) -> str:
        """Run git, and return what it says."""
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 -- the machine's own
            cwd=self.path,
            env={**ENVIRONMENT, "HOME": str(self.path)},
            input=told,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, f"git {arguments}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str = "more") -> str:
        """Commit all there is; the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def begin(self, text: str, root: Path | None = None) -> str:
        """Write a storyboard into a new repository, and commit it."""
        self.path.mkdir(parents=True, exist_ok=True)
        Worked(root or self.path).git("init", "--quiet", "--initial-branch=main")
        self.write(text)
        return self.commit("first")

    def since(self, revision: str = "HEAD", *, name: str = "storyboard.yaml") -> Diff:
        """A revision against the working tree."""
        project = load(self.path / name)
        with Revisions(project.path, project.store, Repository(self.path, ENVIRONMENT)) as found:
            past = found.at(revision, [one.name for one in self.path.iterdir()])
            old = Side(past.name, past.film([project.inputs()]), past.kept(), past.lock)
        new = Side("now", project.asked(), project.film(), project.lock)
        return compare(old, new, lambda key: isinstance(project.store.find(key), Record))


def told(shot: Shown) -> list[str]:
    """Its changes in words."""
    return list(map(str, shot.changes))


def by_id(diff: Diff) -> dict[str, Shown]:
    """The shots of a diff."""
    return {shot.id: shot for shot in diff.shots}


def kinds(diff: Diff) -> dict[str, Sequence[str]]:
    """What is said of each shot that differs."""
    return {shot.name: list(shot.kinds) for shot in diff.shots if not shot.is_same}
