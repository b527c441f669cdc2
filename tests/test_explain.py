"""The page of every code: what it says is so, and `storyboard explain` shows it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

import storyboard
from storyboard import explain
from storyboard.cli import COMMANDS, run
from storyboard.diagnostic import CODES
from storyboard.explain import GROUPS, SECTIONS, page, severity
from storyboard.silence import WARNINGS
from tests import test_diagnostics
from tests.folder import ROOT, Folder

PAGES = ROOT / "storyboard" / "pages"
DOCS = ROOT / "docs" / "diagnostics.md"

IN_PROSE = {"SB001", "SB002", "SB003"}
"""What no storyboard can show."""
files = test_diagnostics.files


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {path.name for path in PAGES.iterdir()} == {f"{code}.md" for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_its_parts(code: str) -> None:
    text = page(code).text
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 60
    assert text.endswith("\n") and not text.endswith("\n\n")
    assert not re.search(r"[ \t]$|\n\n\n", text, re.MULTILINE)
    assert text.count("```") == 2 * len(re.findall(r"^```(?:yaml|toml)$", text, re.MULTILINE))


def found_in(shown: Mapping[str, str], folder: Path) -> set[tuple[str, str]]:
    """What `check` finds in a page's storyboard with the files beside it, in a folder: codes and severities."""
    for name, text in shown.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return {(one.code, one.severity) for one in storyboard.check(folder / "storyboard.yaml")}


@pytest.mark.parametrize("code", [code for code in CODES if code not in IN_PROSE])
def test_an_example_gives_its_code_and_the_cure_gives_nothing(code: str, files: Path, tmp_path: Path) -> None:
    broken, cured = (page(code).files(section) for section in ("Example", "Cure"))
    assert cured
    assert broken != broken | cured
    folder = files
    if broken.keys() | cured.keys() != {"storyboard.yaml"}:  # which others shouldn't find
        folder = tmp_path / "film"
        shutil.copytree(files, folder, symlinks=True)
    assert found_in(broken, folder) == {(code, severity(code))}
    assert found_in(broken | cured, folder) == set(), "what the cure doesn't show stays as it was"


def test_examples_start_as_storyboards_do() -> None:
    other = {"SB011", "SB106"}
    for code in CODES.keys() - IN_PROSE - other:
        shown = [page(code).files(section).get("storyboard.yaml") for section in ("Example", "Cure")]
        assert shown[0], code
        assert all(text.startswith("storyboard: 1\n") for text in shown if text), code


@pytest.mark.parametrize("code", sorted(WARNINGS))
def test_a_page_shows_how_to_keep_what_is_warned_of(code: str, files: Path) -> None:
    silence = re.findall(rf"`(allow: {{{code}: [^`]+}})`", page(code).sections.get("More", ""))
    assert len(silence) == 1
    broken = page(code).files("Example")["storyboard.yaml"]
    assert found_in({"storyboard.yaml": f"{broken}{silence[0]}\n"}, files) == set()


def test_what_cannot_be_silenced_has_no_silence_on_its_page() -> None:
    for code in CODES.keys() - WARNINGS:
        assert f"`allow: {{{code}: " not in page(code).text, code


@pytest.mark.parametrize("code", CODES)
def test_a_page_refers_to_what_is_there(code: str) -> None:
    text = page(code).text
    assert set(re.findall(r"\bSB\d{3}\b", text)) <= CODES.keys()
    assert set(re.findall(r"`storyboard ([a-z]+)", text)) <= COMMANDS.keys()


def book() -> str:
    """All pages one after another, with a table of contents."""
    lines = [
        "# Findings",
        "",
        "Everything that `storyboard check` can say, by its code; `storyboard explain CODE` shows one of these pages in the",
        "terminal. An error stops a storyboard from being compiled, a warning doesn't. Most warnings can be silenced where",
        "they stand, each with a reason: `allow: {SB404: the empty street is the point}`.",
        "",
        "The pages are in `storyboard/pages/`; `make golden` writes this file.",
    ]
    for start, group in GROUPS.items():
        lines += ["", f"**{group}**", "", "| code | about | |", "|---|---|---|"]
        codes = (code for code in CODES if code.startswith(start))
        lines += [f"| [{code}](#{code.lower()}) | {CODES[code]} | {severity(code)} |" for code in codes]
    pages = (f'<a id="{code.lower()}"></a>\n\n{lowered(page(code).text)}' for code in CODES)
    return "\n".join([*lines, "", *pages])


def lowered(text: str) -> str:
    """A page with its headings a level lower; in a block, `#` starts a comment."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else re.sub("^#", "##", part, flags=re.MULTILINE) for part in parts)


def test_the_documentation_is_fresh(golden: Callable[[Path, str], None]) -> None:
    text = book()
    assert max(map(len, text.splitlines())) <= 120
    golden(DOCS, text)


@pytest.mark.parametrize("written", ["SB201", "sb201", "201", " Sb201 "])
def test_a_code_may_be_written_shorter(written: str) -> None:
    assert explain.code_of(written) == "SB201"


def test_what_is_no_code_stays_what_it_is() -> None:
    assert [explain.code_of(word) for word in ("SB", "", "character", "4", "²", "12345")] == [
        "SB",
        "",
        "CHARACTER",
        "SB004",
        "²",
        "12345",
    ]


def test_explain_shows_a_page_as_text(project: Folder) -> None:
    shown = project.run("explain", "sb201").stdout
    assert shown.startswith("SB201: an unknown character (error)\n\n")
    assert "```" not in shown
    assert "##" not in shown
    assert "\n    storyboard: 1\n" in shown
    for section in SECTIONS[1:4]:
        assert f"\n\n{section}\n\n" in shown


def test_explain_shows_a_page_on_a_terminal(project: Folder) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "storyboard", "explain", "SB404"]
    terminal = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(command, env=terminal, cwd=project.path, stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        shown = read_all(ours)
    assert process.returncode == 0
    assert "\x1b[" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "```" not in plain
    assert "## Why" not in plain
    for part in (f"SB404: {CODES['SB404']}", "Why", "storyboard: 1", "negative: people"):
        assert part in plain


def read_all(descriptor: int) -> str:
    """What was written to a terminal, until nobody has it open any more."""
    parts = []
    with suppress(OSError):  # how Linux says so
        while part := os.read(descriptor, 65536):
            parts.append(part)
    os.close(descriptor)
    return b"".join(parts).decode()


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """What the command prints, or says of its misuse."""
    assert run(["explain", *arguments]) == status
    done = capsys.readouterr()
    return done.err if status else done.out


def test_explain_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    one = json.loads(told(capsys, "404", "--json"))
    assert (one["format"], one["code"], one["title"], one["severity"]) == (1, "SB404", CODES["SB404"], "warning")
    assert all(one[section.lower()] for section in SECTIONS)
    assert one["broken"].startswith("storyboard: 1\n")
    assert one["broken"] != one["cured"]
    prose = json.loads(told(capsys, "SB001", "--json"))
    assert (prose["severity"], prose["broken"], prose["cured"]) == ("error", None, None)


def test_explain_alone_lists_every_code(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(capsys)
    for code, title in CODES.items():
        assert f"  {code}  {title}{' (warning)' if severity(code) == 'warning' else ''}\n" in shown
    assert all(f"{group}\n" in shown for group in GROUPS.values())
    assert [one["code"] for one in json.loads(told(capsys, "--json"))["codes"]] == list(CODES)


def test_an_unknown_code_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'SB2" in told(capsys, "SB2O4", status=2)
    assert "'storyboard explain' lists them" in told(capsys, "character", status=2)
    assert "\x1b" not in told(capsys, "\x1b[31m", status=2)
