"""SIGKILL at 30 random moments of the demo's render: it always ends with the same cut, byte for byte.

Run by `make soak`. A killed render is gone on with, and may be killed again; when it ends, a new one starts.
"""

import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.folder import ROOT

KILLS = 30
SEED = 20261121


def sources(to: Path) -> Path:
    shutil.copytree(ROOT / "examples/keeper", to, ignore=shutil.ignore_patterns("build", ".storyboard", "__pycache__"))
    return to


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "storyboard", "render", str(folder), "--json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def outputs(folder: Path) -> dict[str, bytes]:
    build = folder / "build"
    return {str(path.relative_to(build)): path.read_bytes() for path in sorted(build.rglob("*")) if path.is_file()}


def test_thirty_kills(tmp_path: Path) -> None:
    whole = sources(tmp_path / "whole")
    began = time.monotonic()
    assert start(whole).wait() == 0
    length = time.monotonic() - began
    expected = outputs(whole)
    assert len(expected) == 12

    moments = random.Random(SEED)
    killed = films = 0
    while killed < KILLS:
        film = sources(tmp_path / f"film{films}")
        while True:
            process = start(film)
            try:
                process.wait(moments.uniform(0, length) if killed < KILLS else None)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed += 1
            else:
                break
        assert process.returncode == 0
        assert outputs(film) == expected
        assert list((film / ".storyboard/tmp").iterdir()) == []
        shutil.rmtree(film)
        films += 1
    sys.stdout.write(f"{killed} kills over {films} films, each the same cut\n")
