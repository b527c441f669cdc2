"""Every rate, sound and size of clips, in full sizes, in films of every rate, each of 200 joins and more: `make soak`."""

from fractions import Fraction
from pathlib import Path

import pytest

from storyboard.tools import Tools
from tests.reel import Reel
from tests.test_matrix import check, kinds

SIZES = [(1280, 720), (1920, 1080), (720, 1280), (853, 479)]


@pytest.mark.parametrize("fps", ["24", "25", "24000/1001", "30000/1001"])
def test_the_whole_matrix(tmp_path: Path, tools: Tools, fps: str) -> None:
    found = kinds(SIZES, whole=True)
    assert len(found) == 72
    check(Reel(tmp_path, tools), found, Fraction(fps), (1280, 720), 215)
