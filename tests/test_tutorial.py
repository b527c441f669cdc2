"""docs/tutorial.md, followed from the first line to the last: each file as it says, each answer as it shows."""

import re
import shlex
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import storyboard
from storyboard import cli
from storyboard.cli import COMMANDS, render
from tests.folder import ROOT, Folder

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(yaml|diff|console|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Follower:
    """Someone who does what the page says, in a folder of their own. `read` gives each block as it really is."""

    def __init__(self, project: Folder) -> None:
        self.project = project
        self.path = project.path / "storyboard.yaml"
        self.commands: list[str] = []
        self.broken = False
        self.wrong = 0

    def read(self, block: re.Match[str]) -> str:
        kind, body = block[1], block[2]
        match kind:
            case "yaml" | "diff":
                body = self.write(body) if kind == "yaml" else self.take_out(body)
                self.broken = any(finding.is_error for finding in storyboard.check(self.path))
            case "console":
                commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
                body = "".join(f"$ {command}\n{self.run(command)}" for command in commands)
                self.told(body)
            case "sh":
                self.do(body)
        return f"```{kind}\n{body}```"

    def told(self, body: str) -> None:
        """A storyboard is wrong only where the page shows the errors."""
        self.wrong += self.broken
        assert self.broken == ("error[" in body), body
        self.broken = False

    def write(self, block: str) -> str:
        assert not self.broken, "a storyboard is wrong, and the page doesn't say so"
        for name in re.findall(r"\brefs/[\w.-]+\.png", block):
            self.project.picture(name)
        library = re.match(r"# (\S+\.yaml)\n", block)
        now = self.path.read_text("utf-8")
        if library:
            self.project.write(block, library[1])
        elif block.startswith("storyboard: 1\n") and now:
            return now
        else:
            self.project.write(with_shot(now, block) if block.startswith(" ") else with_keys(now, block))
        return block

    def take_out(self, block: str) -> str:
        lines = "".join(line.removeprefix("-") for line in block.splitlines(keepends=True))
        self.project.edit(lines, "")
        return block

    def run(self, command: str) -> str:
        self.commands.append(command)
        program, *arguments = shlex.split(command)
        if program == "touch":
            (self.project.path / arguments[0]).touch()
            self.broken = True
            return ""
        assert program == "storyboard"
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            status = cli.run(arguments)
        shown = out.getvalue()
        assert (status, "error[" in shown) in {(0, False), (1, True)}, err.getvalue()
        return shown.rstrip() + "\n"

    def do(self, body: str) -> None:
        """Commands whose answers the page doesn't show. A render takes a while: its options are there, it is planned."""
        for line in body.splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["storyboard", "render"]:
                known = {option for parameter in render.command.params for option in parameter.opts}
                assert {word for word in words if word.startswith("-")} <= known, line
                self.run(f"storyboard plan {' '.join(words[2:4])}")
            elif words[0] != "export":
                assert self.run(line).strip()


def with_keys(text: str, block: str) -> str:
    """A storyboard whose top keys are those of a block, new ones above the shots; scenes take the place of shots."""
    if not text:
        return block
    parts = re.split(r"^(?=\w)", text, flags=re.MULTILINE)
    for part in re.split(r"^(?=\w)", block, flags=re.MULTILINE)[1:]:
        key = part.partition(":")[0]
        old = "shots" if key == "scenes" else key
        at = next((n for n, one in enumerate(parts) if one.startswith(f"{old}:")), None)
        if at is not None:
            parts[at] = part if at == len(parts) - 1 else f"{part.rstrip()}\n\n"
        else:
            parts.insert(len(parts) - 1, f"{part.rstrip()}\n\n")
    return "".join(parts)


def with_shot(text: str, block: str) -> str:
    """A storyboard with a shot as a block has it, in the place of the one with its id, or as the last."""
    found = re.match(r"( +)- id: (\S+)\n", block)
    assert found
    indent, name = found[1], found[2]
    old = re.compile(rf"^{indent}- id: {name}\n(?:{indent}  .*\n)*", re.MULTILINE)
    return old.sub(block, text) if old.search(text) else text + block


def test_the_tutorial_can_be_followed(
    project: Folder, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    monkeypatch.delenv("STORYBOARD_STORE", raising=False)
    follower = Follower(project)
    real = BLOCK.sub(follower.read, PAGE.read_text("utf-8"))
    golden(PAGE, real)
    assert not follower.broken
    assert follower.wrong >= 4, "mistakes are shown, too"
    film = storyboard.load(follower.path)
    assert list(film.board.passes) == ["animatic", "draft", "final"]
    assert film.plan("final").cost
    used = {command.split()[1] for command in follower.commands if command.startswith("storyboard ")}
    assert used >= {"check", "plan", "render", "why", "explain", "fmt"}


def test_the_commands_and_pages_that_it_names_are_there() -> None:
    text = PAGE.read_text("utf-8")
    named = set(re.findall(r"`storyboard ([a-z]+)", text))
    assert named <= set(COMMANDS), "a command that isn't there is promised"
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (PAGE.parent / link).exists(), link
