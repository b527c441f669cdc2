"""Each broken storyboard of `cases/diagnostics` gives the report beside it, word for word."""

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

import storyboard
from storyboard import report
from storyboard.diagnostic import CODES, Diagnostic

CASES = Path(__file__).parent / "cases" / "diagnostics"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the cases' references are in: pictures, a video, and things that are neither."""
    place = tmp_path_factory.mktemp("diagnostics") / "project"
    refs = place / "refs"
    refs.mkdir(parents=True)
    Image.new("RGB", (64, 36), "teal").save(refs / "mira.png")
    Image.new("RGB", (64, 36), "navy").save(refs / "tom.jpg")
    (refs / "turn.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + b"\0" * 64)
    (refs / "walk.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + b"\1" * 64)
    (refs / "notes.png").write_text("not a picture")
    (refs / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (refs / "empty.png").touch()
    (place.parent / "outside.png").write_bytes((refs / "mira.png").read_bytes())
    (refs / "link.png").symlink_to(place.parent / "outside.png")
    (refs / "loop.png").symlink_to("loop.png")
    shutil.copytree(CASES / "libraries", place / "series")
    shutil.copytree(CASES / "models", place / "models")
    return place


Check = Callable[[str], list[Diagnostic]]


@pytest.fixture(scope="module")
def check(files: Path) -> Check:
    """What is found in a case."""

    @cache
    def found(name: str) -> list[Diagnostic]:
        shutil.copyfile(CASES / f"{name}.yaml", files / "storyboard.yaml")
        return storyboard.check(files / "storyboard.yaml")

    return found


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, check: Check, golden: Callable[[Path, str], None]) -> None:
    found = check(name)
    code = re.match(r"SB\d+", name)
    assert code is None or code[0] in {finding.code for finding in found}
    golden(CASES / f"{name}.txt", report.findings(found) + "\n")


def test_every_code_has_a_case() -> None:
    without = set(CODES) - {name[:5] for name in NAMES}
    below, in_other_files = {"SB001", "SB002", "SB003"}, {"SB014", "SB310"}
    shown_in = "SB014 is in tests/test_lock.py, SB310 in tests/test_catalog.py"
    assert without == below | in_other_files, f"a storyboard can't show them; {shown_in}"


def test_there_are_at_least_forty_broken_storyboards() -> None:
    assert len(NAMES) >= 40


def test_every_finding_points_into_its_text_and_offers_a_cure(check: Check) -> None:
    for name in NAMES:
        lines = (CASES / f"{name}.yaml").read_text("utf-8").splitlines() or [""]
        for finding in check(name):
            place = finding.as_json()
            assert 1 <= place["line"] <= len(lines) + 1, name
            assert place["column"] >= 1
            assert (place["end_line"], place["end_column"]) >= (place["line"], place["column"])
            assert finding.help, f"{name}: {finding.code} has no cure"


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert [d.code for d in storyboard.check(tmp_path / "none.yaml")] == ["SB001"]
    assert [d.code for d in storyboard.check(tmp_path)] == ["SB001"]


def test_a_file_that_is_not_utf8_text(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.yaml"
    path.write_bytes("storyboard: 1\ntitle: café\n".encode("latin-1"))
    (finding,) = storyboard.check(path)
    assert (finding.code, finding.as_json()["line"], finding.as_json()["column"]) == ("SB002", 2, 11)
    path.write_bytes(b"storyboard: 1\ntitle: a\x07b\nshots: [{id: s010, prompt: A boat}]\n")
    (finding,) = storyboard.check(path)
    assert (finding.code, finding.as_json()["line"], finding.as_json()["column"]) == ("SB002", 2, 9)
    path.write_bytes("storyboard: 1\n".encode("utf-16"))
    assert [d.code for d in storyboard.check(path)] == ["SB002"]


def test_a_file_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.yaml"
    path.write_bytes(b"# x\n" * (1 << 20) + b"#")
    assert [d.code for d in storyboard.check(path)] == ["SB003"]
