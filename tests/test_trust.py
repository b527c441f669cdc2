"""Trust: a stranger's storyboard runs no code, and what is trusted is the files as they were read."""

import json
import shutil
import stat
from pathlib import Path

import pytest

import storyboard
from storyboard.cli import run
from tests.folder import Folder

FILM = """\
storyboard: 1
title: T
shots:
  - {id: s010, prompt: A boat, clip: own.mp4, duration: 0.25}
  - {id: s020, prompt: The lamp, clip: own.mp4, duration: 0.25, effects: [MirrorX, {grade:warm: {much: 2}}]}
"""
MARK = "open({!r}, 'a').write('ran')\n"


class Desk:
    """A film with a function of its own, and a user with a configuration of his."""

    def __init__(self, folder: Folder, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.config, self._capsys = folder.path, config, capsys
        self.mark = config / "ran"
        folder.write(FILM)
        folder.write(f"{MARK.format(str(self.mark))}import helpers\ndef warm(clip, much): return clip\n", "grade.py")
        folder.write("", "helpers.py")

    def run(self, *arguments: str, status: int = 0) -> str:
        """What a command says."""
        found = run(arguments)
        said = self._capsys.readouterr()
        assert found == status, said
        return said.out + said.err


@pytest.fixture
def desk(
    project: Folder,
    tiny_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    config = tmp_path / "config"
    config.mkdir()
    shutil.copyfile(tiny_clip, project.path / "own.mp4")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.chdir(project.path)
    return Desk(project, config, capsys)


@pytest.mark.parametrize("command", [["cut"], ["render"], ["render", "--rehearse"]])
def test_what_makes_a_cut_of_a_strangers_storyboard_refuses_and_runs_nothing(desk: Desk, command: list[str]) -> None:
    said = " ".join(desk.run(*command, status=5).split())
    assert said == (
        "Error: s020 has the effect grade:warm, but code of this folder's own runs only where the folder is trusted: "
        "read grade.py, helpers.py, then run 'storyboard trust'; nothing was sent"
    )
    assert not (desk.path / "build").exists()
    assert not desk.mark.exists()


def test_a_plan_and_a_check_need_no_trust_and_run_nothing(desk: Desk) -> None:
    desk.run("plan")
    desk.run("check")
    assert not desk.mark.exists()


def test_trust_holds_for_the_files_as_they_were_until_it_is_taken_back(desk: Desk) -> None:
    said = desk.run("trust")
    assert said == f"trusted {desk.path.resolve()}: grade.py, helpers.py, as they are now\n"
    kept = desk.config / "storyboard" / "trusted.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not desk.mark.exists(), "to trust code isn't to run it"
    assert "trusted" not in desk.run("cut")
    assert desk.mark.read_text() == "ran"
    (desk.path / "helpers.py").write_text("import os\n")
    said = desk.run("cut", status=5)
    assert "helpers.py changed since its folder was trusted: read helpers.py, then run 'storyboard trust'" in said
    desk.run("trust")
    (desk.path / "helpers.py").write_text("import more\n")
    (desk.path / "more.py").write_text("")
    desk.run("trust", "--json")
    (desk.path / "grade.py").write_text("import fresh\ndef warm(clip, much): return clip\n")
    (desk.path / "fresh.py").write_text("x = 1\n")
    assert "grade.py changed since its folder was trusted: read fresh.py, grade.py" in desk.run("cut", status=5)
    told = json.loads(desk.run("trust", "--json"))
    assert (told["functions"], sorted(told["files"])) == (["grade:warm"], ["fresh.py", "grade.py"])
    listed = json.loads(desk.run("trust", "--list", "--json"))["folders"]
    assert list(listed) == [str(desk.path.resolve())]
    assert "is no longer trusted" in desk.run("trust", "--revoke")
    assert "is not trusted" in desk.run("trust", "--revoke", str(desk.path))
    desk.run("cut", status=5)
    assert desk.run("trust", "--list") == "no folder is trusted\n"


def test_a_copy_of_a_trusted_folder_and_a_folder_in_it_are_not_trusted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run("trust")
    inner = desk.path / "inner"
    inner.mkdir()
    for name in ("storyboard.yaml", "grade.py", "helpers.py", "own.mp4"):
        (inner / name).write_bytes((desk.path / name).read_bytes())
    assert "run 'storyboard trust inner'" in desk.run("cut", "inner", status=5)
    monkeypatch.chdir(inner)
    desk.run("cut", status=5)


def test_python_runs_no_code_that_its_caller_did_not_trust(desk: Desk) -> None:
    from storyboard import media
    from storyboard.event import Noted
    from storyboard.tools import Tools

    binary, told = media.ffmpeg(), []
    project = storyboard.load(desk.path / "storyboard.yaml")
    cut = project.cut(None, Tools(binary, media.version(binary)), notify=told.append)
    assert cut.sources == {"s010": "animatic", "s020": "slate"}
    assert "the effect grade:warm isn't trusted" in " ".join(one.message for one in told if isinstance(one, Noted))
    assert not desk.mark.exists()


def test_a_damaged_list_of_trust_trusts_nobody_and_is_not_overwritten(desk: Desk) -> None:
    kept = desk.config / "storyboard" / "trusted.json"
    kept.parent.mkdir()
    kept.write_text('{"format": 1, "folders": ["/"]}')
    assert "trusted.json is damaged: remove it" in desk.run("cut", status=5)
    assert "trusted.json is damaged" in desk.run("trust", status=5)
    assert kept.read_text() == '{"format": 1, "folders": ["/"]}'


def test_a_film_without_functions_of_its_own_has_nothing_to_trust(desk: Desk) -> None:
    (desk.path / "storyboard.yaml").write_text(FILM.replace(", {grade:warm: {much: 2}}", ""))
    assert "there is nothing to trust" in desk.run("trust")
    assert not (desk.config / "storyboard").exists()
    desk.run("cut")


@pytest.mark.parametrize(
    ("effect", "code", "words"),
    [
        ("grade:warm", None, "SB206 the file 'grade.py' isn't there"),
        ("grade:warn", "def warm(clip): pass", "SB109 'grade.py' has no function 'warn'"),
        ("grade:warm", "def warm(clip:\n", "SB208 grade.py isn't Python: line 1, '(' was never closed"),
        ("grade:warm", "if True:\n    from x import y as warm\n", ""),
        ("grade:warm", "warm = cold = lambda clip: clip\n", ""),
        ("..grade:warm", "", "SB109 there is no effect '..grade:warm'"),
        ("{FadeIn: {duration: soon}}", "", "SB103 duration of FadeIn is a number of seconds above 0, not soon"),
        ("{FadeIn: {duration: 0}}", "", "SB103 duration of FadeIn is a number of seconds above 0, not 0"),
        ("{FadeIn: {initial_color: [1, 2]}}", "", "SB103 initial_color of FadeIn is a colour, not a list"),
        ("{SlideIn: {side: up}}", "", "SB103 side of SlideIn is left, right, top or bottom, not up"),
        ("{Resize: {new_size: [64, 36]}}", "", ""),
        ("GammaCorrection", "", "SB102 GammaCorrection needs 'gamma'"),
        ("Freeze", "", "SB102 Freeze needs 'freeze_duration' or 'total_duration'"),
        ("{FreezeRegion: {mask: a}}", "", "SB109 the effect FreezeRegion has no parameter 'mask'"),
    ],
)
def test_what_is_wrong_with_an_effect_is_found_without_running_it(
    tmp_path: Path, effect: str, code: str | None, words: str
) -> None:
    if code is not None:
        (tmp_path / "grade.py").write_text(code)
    text = f"storyboard: 1\nshots:\n  - id: a\n    prompt: x\n    effects: [BlackAndWhite, {effect}]\n"
    (tmp_path / "storyboard.yaml").write_text(text)
    found = storyboard.check(tmp_path / "storyboard.yaml")
    assert [f"{one.code} {one.message}" for one in found] == ([words] if words else [])
    for one in found:
        assert text[one.span.start : one.span.end] in effect
        assert one.help


def test_a_module_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    (tmp_path / "grade.py").write_text("def warm(clip): return clip\n")
    (tmp_path / "film" / "grade.py").symlink_to(tmp_path / "grade.py")
    (tmp_path / "film" / "storyboard.yaml").write_text(
        "storyboard: 1\nshots:\n  - {id: a, prompt: x, effects: [grade:warm]}\n"
    )
    assert [one.code for one in storyboard.check(tmp_path / "film" / "storyboard.yaml")] == ["SB207"]
