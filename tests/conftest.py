"""What the tests share: golden files, projects in temporary folders, and the real tools."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

from storyboard import media
from storyboard.tools import Tools
from tests.folder import Folder
from tests.often import often


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="write the golden files instead of comparing with them")


settings.register_profile("often", often())
settings.load_profile("often")

LONGEST = ("test_simulation", "test_render", "test_makespan", "test_processes", "test_kills", "test_writes")
"""Modules that take longest; they come first, so that no core waits for them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("law")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with the golden file at a path; `--golden` writes it. A missing file fails."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--golden"):
            path.write_text(text, "utf-8")
            return
        assert path.exists(), f"{path} is missing: run 'make golden' and review the diff"
        assert text == path.read_text("utf-8"), f"{path} differs: run 'make golden' and review the diff"

    return compare


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The ffmpeg of the wheel; no voice, so that every machine makes the same bytes."""
    binary = media.ffmpeg()
    return Tools(binary, media.version(binary))


@pytest.fixture
def project(tmp_path: Path) -> Folder:
    """An empty project folder."""
    place = tmp_path / "film"
    place.mkdir()
    return Folder(place)


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    """A real MP4 of one second, small, with sound."""
    path = tmp_path_factory.mktemp("clips") / "tiny.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc2=s=64x36:r=24:d=1")
    sound = ("-f", "lavfi", "-i", "sine=440:d=1")
    media.run(tools.ffmpeg, [*picture, *sound, "-pix_fmt", "yuv420p", str(path)], path.parent)
    return path
