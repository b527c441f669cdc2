"""What a repository needs to hold a storyboard: what git ignores, and who merges the lock."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from storyboard import atomic
from storyboard.git import GitError

DRIVER = "storyboard-lock"
"""The name under which git knows who merges locks (gitattributes(5), "Defining a custom merge driver")."""

IGNORED = ("build/", ".storyboard/")
ATTRIBUTES = f"storyboard.lock merge={DRIVER}"


def install(folder: Path, command: str, environment: Mapping[str, str]) -> list[str]:
    """Add what lacks to a folder's `.gitignore` and `.gitattributes`, which are committed, and to this clone's own
    configuration; `command` is the tool as git's shell starts it. Says what was done, nothing where nothing lacked.

    Raises:
        GitError: git's configuration can't be written.
        OSError: a file can't be read or written.
    """
    done = []
    if added := _add(folder / ".gitignore", (line for line in IGNORED if not _ignores(folder, line))):
        done.append(f".gitignore: {', '.join(added)}")
    merges = re.compile(rf"^(?:\S*/)?storyboard\.lock\s(?:.*\s)?merge={DRIVER}(?:\s|$)", re.MULTILINE)
    lacks = [] if merges.search(_text(folder / ".gitattributes")) else [ATTRIBUTES]
    if added := _add(folder / ".gitattributes", lacks):
        done.append(f".gitattributes: {', '.join(added)}")
    wanted = {"name": "the lock of a storyboard", "driver": f"{command} merge-lock %O %A %B %P"}
    for name, value in wanted.items():
        key = f"merge.{DRIVER}.{name}"
        if _git(folder, environment, "--get", key) != f"{value}\n":
            _git(folder, environment, key, value, fails=True)
            done.append(f"git config {key}: {value}")
    return done


def _ignores(folder: Path, line: str) -> bool:
    name = re.escape(line.rstrip("/"))
    return bool(re.search(rf"^/?{name}/?\s*$", _text(folder / ".gitignore"), re.MULTILINE))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _add(path: Path, lines: Iterable[str]) -> list[str]:
    """Put lines at the end of a file, whose own stay as they are."""
    added = list(lines)
    if added:
        text = _text(path)
        end = "\r\n" if "\r\n" in text else "\n"
        text += end if text and not text.endswith("\n") else ""
        text += "".join(line + end for line in added)
        atomic.write(path, text.encode("utf-8", "surrogateescape"))
    return added


def _git(folder: Path, environment: Mapping[str, str], *arguments: str, fails: bool = False) -> str:
    """What `git config` says of this clone."""
    try:
        done = subprocess.run(
            ["git", "config", "--local", *arguments],  # noqa: S607 -- the user's own git
            cwd=folder,
            env={**environment, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"git can't be asked: {error.strerror}") from error
    if done.returncode and fails:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GitError(f"git's configuration can't be written: {said.partition(chr(10))[0]}")
    return done.stdout.decode("utf-8", "replace")
