"""A project in a temporary folder."""

import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent


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

    def run(self, *arguments: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `storyboard` in the folder and expect an exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "storyboard", *arguments],
            cwd=self.path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.path), "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def copy(self, to: Path) -> "Folder":
        """The same project elsewhere, with its store."""
        shutil.copytree(self.path, to)
        return Folder(to)
