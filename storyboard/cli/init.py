"""`storyboard init`."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from storyboard import report, schema
from storyboard.cli import common
from storyboard.compiler import load
from storyboard.git import GitError, Repository
from storyboard.lock import driver
from storyboard.lock.file import LockFile, beside

STARTER = Path(__file__).parent.parent / "starter"


@click.command("init")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--git", "with_git", is_flag=True, help="Let git merge the lock here, in a project old or new.")
@common.json_option
def command(folder: Path, with_git: bool, as_json: bool) -> None:
    """Start a project that renders as it is.

    With --git, in a repository, git is told what to ignore and how to merge storyboard.lock. What it says in .gitignore
    and .gitattributes is committed; who merges stands in this clone's own configuration, so each clone runs it once.
    """
    is_new = not (folder / "storyboard.yaml").exists()
    if not is_new and not with_git:
        raise click.UsageError(
            f"{report.safe(str(folder / 'storyboard.yaml'))} is already there; nothing was written "
            "('storyboard init --git' adds what git needs)"
        )
    if with_git:
        _require_repository(folder)
    written = _start(folder) if is_new else []
    done = _install(folder) if with_git else []
    if as_json:
        told = {"git": done} if with_git else {}
        common.print_json({"format": 1, "folder": str(folder), "files": written, **told})
        return
    for name in written:
        click.echo(f"wrote {report.safe(str(folder / name))}")
    for line in done:
        click.echo(report.safe(line))
    if with_git and not written and not done:
        click.echo("nothing lacks: git merges the lock already")
    if is_new:
        click.echo(f"next: storyboard render {report.safe(str(folder / 'storyboard.yaml'))}")


def _start(folder: Path) -> list[str]:
    """Write a project's files, but those that are there."""
    files = {
        "storyboard.yaml": (STARTER / "storyboard.yaml").read_text("utf-8"),
        "storyboard.schema.json": schema.text(),
        ".gitignore": "build/\n.storyboard/\n",
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = [name for name in files if not (folder / name).exists()]
    for name in written:
        (folder / name).write_text(files[name], "utf-8")
    if "storyboard.yaml" in written:  # committed, it has a place for every shot: two first renders then merge
        film = load(folder / "storyboard.yaml").film()
        LockFile(beside(folder / "storyboard.yaml")).change(lambda lock: lock.rendered(film, {}))
        written.append("storyboard.lock")
    return written


def _require_repository(folder: Path) -> None:
    """End with a usage error where a folder is, or will be, in no repository."""
    place = folder.absolute()
    while not place.is_dir():
        place = place.parent
    try:
        Repository(place, dict(os.environ))
    except GitError as error:
        hint = "; run 'git init' first" if "not a git repository" in str(error) else ""
        raise click.UsageError(f"{report.safe(str(error))}{hint}") from error


def _install(folder: Path) -> list[str]:
    found = shutil.which("storyboard")
    command = "storyboard" if found else f"{shlex.quote(sys.executable)} -m storyboard"
    try:
        return driver.install(folder, command, dict(os.environ))
    except GitError as error:
        raise click.UsageError(report.safe(str(error))) from error
