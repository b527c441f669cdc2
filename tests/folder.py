"""A project in a temporary folder."""

import atexit
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from PIL import Image

from tests.warm import SETTLED_EARLY, Warm

ROOT = Path(__file__).parent.parent


@cache
def _warm() -> Warm:
    made = Warm()
    atexit.register(made.__exit__, None, None, None)
    return made


class Folder:
    """A project in a temporary folder, and the command line run on it as a user would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, text: str, name: str = "storyboard.yaml") -> None:
        """Write a file of the project."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def edit(self, old: str, new: str) -> None:
        """Replace the one place of the storyboard that reads `old`."""
        text = (self.path / "storyboard.yaml").read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        self.write(text.replace(old, new))

    def picture(self, name: str, color: str = "teal", size: tuple[int, int] = (320, 180)) -> Path:
        """Draw a picture."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, color).save(target)
        return target

    def run(
        self, *arguments: str, status: int = 0, cold: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `storyboard` in the folder as a process of its own, and expect an exit status.

        `cold` starts an interpreter for it, which hashes text in its own way; else it has its imports behind it.
        """
        variables = {"PATH": "/usr/bin:/bin", "HOME": str(self.path), "PYTHONPATH": str(ROOT), **environment}
        if cold or any(name.startswith(SETTLED_EARLY) for name in environment):
            done = subprocess.run(
                [sys.executable, "-m", "storyboard", *arguments],
                cwd=self.path,
                env=variables,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        else:
            done = _warm().run(arguments, self.path, variables)
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def copy(self, to: Path) -> "Folder":
        """The same project elsewhere, with its store."""
        shutil.copytree(self.path, to)
        return Folder(to)
