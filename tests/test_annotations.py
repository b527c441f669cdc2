"""Findings as GitHub's workflow commands, and how `check` chooses what it prints."""

import json
from pathlib import Path

import pytest

from storyboard.annotations import github
from storyboard.diagnostic import Diagnostic, Related
from storyboard.source import Source
from tests.folder import Folder

SEVERAL = """\
storyboard: 1
title: The Keeper
title: "100%"
characters:
  mira: {look: a keeper}
passes:
  final: {model: vercel/alibaba/wan-v2.6-t2v, promt_expansion: true}
shots:
  - id: s010
    prompt: ["@mira",
      lights the lamp]
"""


def test_each_finding_is_one_command(project: Folder) -> None:
    project.write(SEVERAL, "fi,lm:50%/storyboard.yaml")
    file = "file=fi%2Clm%3A50%25/storyboard.yaml"
    assert project.run("check", "fi,lm:50%", "--format", "github", status=1).stdout.splitlines() == [
        (
            f"::error {file},line=3,endLine=3,col=1,endColumn=6,title=SB005::the key 'title' is written twice"
            "%0Afi,lm:50%25/storyboard.yaml:2: it was first written here%0Ahelp: remove one of the two"
        ),
        (
            f"::error {file},line=7,endLine=7,col=47,endColumn=62,title=SB101::the pass has no key 'promt_expansion'"
            "%0Ahelp: did you mean 'prompt_expansion'?"
        ),
        (
            f"::error {file},line=10,endLine=11,title=SB103::expected text, found a list"
            "%0Ahelp: write text on the same line, or in quotes"
        ),
        "3 errors, 0 warnings",
    ]


def test_warnings_and_other_files_are_named_from_here() -> None:
    board, library = Source("storyboard.yaml", "a: b\n"), Source("lib/cast.yaml", "mira:\r\n  c: d, 100%\n")
    found = [
        Diagnostic("SB305", "a: 1, b\r\n::error::x", library.span(9, 10), severity="warning"),
        Diagnostic("SB211", "twice", board.span(0, 1), "one", related=(Related(library.span(0, 4), "here"),)),
    ]
    here = Path("/tmp/project")  # noqa: S108 -- only a name
    assert github(found, here / "film", here).splitlines() == [
        "::warning file=film/lib/cast.yaml,line=2,endLine=2,col=3,endColumn=4,title=SB305::a: 1, b␍ ::error::x",
        (
            "::error file=film/storyboard.yaml,line=1,endLine=1,col=1,endColumn=2,title=SB211::twice"
            "%0Afilm/lib/cast.yaml:1: here%0Ahelp: one"
        ),
        "1 error, 1 warning",
    ]
    assert github(found[:1], here, here / "build").startswith("::warning file=../lib/cast.yaml,")
    assert github([], here, here) == "0 errors, 0 warnings"


def test_the_json_option_is_a_format(project: Folder) -> None:
    project.write(SEVERAL)
    by_format = project.run("check", "--format", "json", status=1).stdout
    assert project.run("check", "--json", status=1).stdout == by_format
    assert json.loads(by_format)["errors"] == 3
    assert project.run("check", "--json", "--format", "json", status=1).stdout == by_format


@pytest.mark.parametrize("format_", ["text", "github"])
def test_two_formats_at_once_are_a_usage_error(project: Folder, format_: str) -> None:
    project.write(SEVERAL)
    done = project.run("check", "--json", "--format", format_, status=2)
    assert "contradict" in done.stderr
    assert done.stdout == ""
