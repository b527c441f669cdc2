"""Ten thousand damaged MP4s through all that a cut does with a clip: `make soak`. Some 20 minutes on two cores."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from storyboard.tools import Tools
from tests import mangled

FILES = 10_000
AT_ONCE = 250
MOST = 20
"""Seconds of a processor for one file of less than a second of pictures."""


def test_ten_thousand_damaged_files_end_in_a_named_error_or_a_picture(tmp_path: Path, tools: Tools) -> None:
    mangled.originals(tmp_path / "whole", tools.ffmpeg)

    def run(first: int) -> list[dict[str, object]]:
        return list(mangled.batch(tmp_path, first, min(FILES, first + AT_ONCE)))

    with ThreadPoolExecutor(2) as pool:
        found = [one for batch in pool.map(run, range(0, FILES, AT_ONCE)) for one in batch]
    assert sorted(one["number"] for one in found) == list(range(FILES))
    assert [one for one in found if "crash" in one] == []
    assert [one["number"] for one in found if one["spent"] > MOST] == []  # type: ignore[operator]
