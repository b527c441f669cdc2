"""What docs/ci.md and the hooks say works as it is written."""

import re
import shlex
import string
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.folder import ROOT, Folder

BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
FILM = """storyboard: 1
title: The Keeper
fps: 12

passes:
  draft: {model: local/animatic}

shots:
  - id: s010
    prompt: A lighthouse at dusk
    duration: 0.5
"""


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


GITHUB, GITLAB, HOOKS = map(read, BLOCKS)


def commands(scripts: list[str]) -> list[str]:
    """The lines that run `storyboard`, without where they write to."""
    lines = [line for script in scripts for line in script.splitlines()]
    return [line.partition(">")[0] for line in lines if line.startswith("storyboard ")]


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A clone with a branch that changed a shot and rendered it, as it is checked out for a pull request."""
    origin = Folder(tmp_path_factory.mktemp("ci") / "origin")
    origin.path.mkdir()
    git(origin.path, "init", "-q", "-b", "main")
    origin.run("init", "--git")
    origin.write(FILM)
    commit(origin.path)
    git(origin.path, "checkout", "-q", "-b", "dusk")
    origin.edit("at dusk", "at night")
    origin.run("render")
    commit(origin.path)
    clone = origin.path.parent / "clone"
    git(origin.path, "clone", "-q", str(origin.path), str(clone))
    (clone / ".storyboard").symlink_to(origin.path / ".storyboard")
    return Folder(clone)


def git(folder: Path, *arguments: str) -> str:
    asked = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments]
    return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")


def run_all(lines: list[str], film: Folder, **variables: str) -> str:
    said = ""
    for line in lines:
        arguments = shlex.split(string.Template(line).substitute(variables))[1:]
        said += film.run(*arguments).stdout
    return said


def test_every_line_of_the_workflow_on_github_runs(reviewed: Folder) -> None:
    (job,) = GITHUB["jobs"].values()
    lines = commands([step.get("run", "") for step in job["steps"]])
    assert [line.split()[1] for line in lines] == ["check", "fmt", "diff", "plan", "render"]
    said = run_all(lines, reviewed, PASS=GITHUB["env"]["PASS"], GITHUB_BASE_REF="main")
    assert "s010" in said
    assert "at night" in said
    assert (reviewed.path / "build" / "draft" / "cut.mp4").exists()


def test_the_workflow_on_github_may_do_no_more_than_it_needs() -> None:
    assert GITHUB["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert list(GITHUB["on"]) == ["pull_request"], "pull_request_target would run a stranger's files with our secrets"
    (job,) = GITHUB["jobs"].values()
    assert set(re.findall(r"secrets\.(\w+)", BLOCKS[0])) == {"STORYBOARD_REMOTE_TOKEN"}
    for step in job["steps"]:
        assert "${{" not in step.get("run", ""), "what others wrote is no part of a script"
    by_name = {step.get("uses", "").partition("@")[0]: step.get("with") for step in job["steps"]}
    assert by_name["actions/checkout"]["fetch-depth"] == 0
    assert by_name["actions/cache"]["path"] == ".storyboard"


def test_every_line_of_the_workflow_on_gitlab_runs(reviewed: Folder) -> None:
    lines = commands(GITLAB["storyboard"]["script"])
    assert [line.split()[1] for line in lines] == ["check", "plan", "render"]
    base = git(reviewed.path, "merge-base", "origin/main", "HEAD")
    run_all(lines, reviewed, PASS=GITLAB["storyboard"]["variables"]["PASS"], CI_MERGE_REQUEST_DIFF_BASE_SHA=base)


def test_a_changed_shot_that_was_not_rendered_fails_the_workflow(reviewed: Folder) -> None:
    there = reviewed.copy(reviewed.path.parent / "unrendered")
    there.edit("at night", "at noon")
    assert "s010" in there.run("render", "-p", "draft", "--frozen", status=4).stderr


def test_the_hooks_are_there_and_run(project: Folder) -> None:
    hooks = {hook["id"]: hook for hook in read((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    assert [hook["id"] for hook in HOOKS["repos"][0]["hooks"]] == list(hooks)
    project.write(FILM.replace("fps: 12\n", "fps:   12\n"))
    assert all({"id", "name", "entry", "language", "files"} <= hook.keys() for hook in hooks.values())
    run_hook(hooks["storyboard-check"], project)
    run_hook(hooks["storyboard-fmt"], project)
    assert (project.path / "storyboard.yaml").read_text("utf-8") == FILM
    project.edit("duration: 0.5", "duration: none")
    run_hook(hooks["storyboard-check"], project, status=1)


def run_hook(hook: dict[str, Any], project: Folder, status: int = 0) -> None:
    """As pre-commit does: with the changed files that fit, unless it takes none."""
    assert re.search(hook["files"], "storyboard.yaml")
    files = ["storyboard.yaml"] if hook.get("pass_filenames", True) else []
    project.run(*hook["entry"].split()[1:], *files, status=status)
