"""Whose code may run: for each folder that the user trusts, the files that its effects needed then, by their bytes.

Like direnv's `allow`, and unlike git's `safe.directory`, trust holds for the files as they were read: what a later
pull brings is asked about again. It is kept with the user's own configuration, where no project can write it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from storyboard import atomic, functions
from storyboard.film import Film
from storyboard.functions import Module

FORMAT = 1


class Damaged(Exception):
    """The file that remembers trust can't be read; the message says why."""


class Untrusted(Exception):
    """A film's own functions may not run; the message says which, why, and what lets them."""


def own(film: Film) -> dict[str, str]:
    """The author's own functions that a film's effects are, each with the first shot that has it."""
    found: dict[str, str] = {}
    for shot in film.shots:
        for effect in () if shot.skip else shot.effects:
            if ":" in effect.name:
                found.setdefault(effect.name, shot.id)
    return found


def needed(film: Film, folder: Path) -> dict[str, Module]:
    """The modules that a film's own functions need, by name.

    Raises:
        Unreadable: one can't be used.
    """
    return functions.needed(folder, {functions.split(name)[0] for name in own(film)})


def require(film: Film, folder: Path, trusted: Mapping[str, str], command: str) -> None:
    """See that all the code is trusted that a film's effects run; `command` is what would trust it.

    Raises:
        Untrusted: some of it isn't trusted, or can't be read.
    """
    for name, shot in own(film).items():
        try:
            modules = functions.needed(folder, [functions.split(name)[0]])
        except functions.Unreadable as error:
            raise Untrusted(f"{shot} has the effect {name}, which can't be used: {error}") from error
        paths = functions.untrusted(modules, trusted.values())
        if not paths:
            continue
        files = ", ".join(paths)
        if changed := [path for path in paths if path in trusted]:
            why = f"{', '.join(changed)} changed since its folder was trusted"
        elif trusted:
            why = f"{files} came after its folder was trusted"
        else:
            why = "code of this folder's own runs only where the folder is trusted"
        raise Untrusted(f"{shot} has the effect {name}, but {why}: read {files}, then run '{command}'")


class Trust:
    """The folders that a user trusts, in a file of his own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def folders(self) -> dict[str, dict[str, str]]:
        """Each folder's real path, and the SHA-256 of its files by their paths in it.

        Raises:
            Damaged: the file isn't what was written here.
        """
        try:
            kept = json.loads(self.path.read_text("utf-8"))
            if kept["format"] != FORMAT:
                raise Damaged(f"{self.path} is of a later version")
            return {
                str(folder): {str(k): str(v) for k, v in files.items()} for folder, files in kept["folders"].items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"{self.path} is damaged: remove it, and trust your folders again") from error

    def files(self, folder: Path) -> dict[str, str]:
        """What is trusted of one folder, and of no folder above or below it."""
        return self.folders().get(str(folder.resolve()), {})

    def allow(self, folder: Path, modules: Mapping[str, Module]) -> None:
        """Trust these files of a folder, besides those of it that are trusted already."""
        known = self.folders()
        files = known.get(str(folder.resolve()), {}) | {one.path: one.sha256 for one in modules.values()}
        self._write(known | {str(folder.resolve()): files})

    def revoke(self, folder: Path) -> bool:
        """Trust a folder no longer; whether it was trusted."""
        known = self.folders()
        was = known.pop(str(folder.resolve()), None)
        if was is not None:
            self._write(known)
        return was is not None

    def _write(self, folders: Mapping[str, Mapping[str, str]]) -> None:
        text = json.dumps({"format": FORMAT, "folders": folders}, indent=1, ensure_ascii=False, sort_keys=True)
        with atomic.replacing(self.path) as temporary:
            temporary.touch(0o600)
            temporary.write_text(f"{text}\n", "utf-8")
