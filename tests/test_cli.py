"""The command line: its answers, exit statuses and files."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

import storyboard
from storyboard import report
from storyboard.cli import COMMANDS
from storyboard.source import Source
from tests.folder import ROOT, Folder

SMALL = "storyboard: 1\nshots:\n  - {id: s010, prompt: A boat, duration: 6f}\n"


def test_version(project: Folder) -> None:
    assert project.run("--version").stdout == f"storyboard {storyboard.__version__}\n"


@pytest.mark.parametrize("command", ["init", "check", "plan", "render", "cut", "models", "schema"])
def test_every_command_has_help_and_json(project: Folder, command: str) -> None:
    shown = project.run(command, "--help").stdout
    assert "--json" in shown
    assert len(shown.splitlines()) > 5


def test_help_and_completion_tell_what_the_commands_say_of_themselves(project: Folder) -> None:
    for name, text in COMMANDS.items():
        command = import_module(f"storyboard.cli.{name.replace('-', '_')}").command
        assert (command.help or "").startswith(text), name
    shown = project.run("--help").stdout
    assert all(text in shown for text in COMMANDS.values())
    words = {"_STORYBOARD_COMPLETE": "bash_complete", "COMP_WORDS": "storyboard rend", "COMP_CWORD": "1"}
    program = [
        sys.executable,
        "-c",
        "import sys; sys.argv = ['storyboard']; from storyboard.__main__ import main; main()",
    ]
    done = subprocess.run(
        program, env={"PATH": "/usr/bin", **words}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "plain,render\n"


def test_init_makes_a_project_that_renders_as_it_is(project: Folder) -> None:
    project.run("init", "film")
    film = Folder(project.path / "film")
    assert "no errors" in film.run("check").stdout
    plan = json.loads(film.run("plan", "--json").stdout)
    assert plan["total"] == {
        "submit": 3,
        "cached": 0,
        "cost": "0.00",
        "known_cost": "0.00",
        "low": "0.00",
        "expected": "0.00",
        "high": "0.00",
    }
    path = film.path / "storyboard.yaml"
    path.write_text(
        path.read_text("utf-8").replace("duration: 3", "duration: 0.5").replace("duration: 4", "duration: 1.5")
    )
    answer = json.loads(film.run("render", "--json").stdout)
    assert (film.path / answer["cut"]["path"]).stat().st_size > 10_000
    assert json.loads((film.path / "storyboard.schema.json").read_text()) == json.loads(film.run("schema").stdout)
    assert "already there" in project.run("init", "film", status=2).stderr
    assert json.loads(project.run("init", "other", "--json").stdout)["files"][0] == "storyboard.yaml"


def test_check_json(project: Folder) -> None:
    project.write(SMALL.replace("prompt", "promt"))
    answer = json.loads(project.run("check", "--json", status=1).stdout)
    assert answer == {
        "format": 1,
        "errors": 1,
        "warnings": 0,
        "diagnostics": [
            {
                "code": "SB101",
                "severity": "error",
                "message": "the shot has no key 'promt'",
                "file": "storyboard.yaml",
                "line": 3,
                "column": 16,
                "end_line": 3,
                "end_column": 21,
                "help": "did you mean 'prompt'?",
                "related": [],
            },
        ],
    }
    assert [d.as_json() for d in storyboard.check(project.path / "storyboard.yaml")] == answer["diagnostics"]


def test_errors_end_plan_and_render_with_status_1_and_write_nothing(project: Folder) -> None:
    project.write(SMALL.replace("6f", "6s"))
    for command in ("plan", "render", "cut"):
        shown = project.run(command, status=1)
        assert "^^" in shown.stderr
        assert shown.stdout == ""
        assert json.loads(project.run(command, "--json", status=1).stdout)["errors"] == 1
    assert [path.name for path in project.path.iterdir()] == ["storyboard.yaml"]


def test_warnings_leave_the_status_0(project: Folder) -> None:
    project.write(SMALL + "passes: {p: {model: local/animatic, audio: true}}\n")
    assert "warning[SB306]" in project.run("check").stdout
    assert json.loads(project.run("check", "--json").stdout)["warnings"] == 1


def test_usage(project: Folder) -> None:
    assert "'storyboard init' writes one" in project.run("plan", status=2).stderr
    assert "no file none.yaml" in project.run("check", "none.yaml", status=2).stderr
    project.write(SMALL)
    assert "no pass 'fnal'" in project.run("plan", "-p", "fnal", status=2).stderr
    assert "did you mean 'render'?" in project.run("rendr", status=2).stderr
    assert "did you mean" in project.run("models", "local/animatik", status=2).stderr
    project.run("plan", "--nope", status=2)


def test_a_folder_stands_for_the_storyboard_in_it(project: Folder) -> None:
    project.write(SMALL, "film/storyboard.yaml")
    assert "1 clip to make" in project.run("plan", "film").stdout
    assert "no errors" in project.run("check", "film").stdout


def test_plan_for_people(project: Folder) -> None:
    project.write(SMALL)
    assert project.run("plan").stdout == (
        "shot  state   asked   bought  price  reason\n"
        "s010  submit  0.25 s  0.25 s  $0.00  not rendered yet\n"
        "animatic: 1 clip to make; cost $0.00\n"
    )


def test_plan_json(project: Folder) -> None:
    project.write(
        SMALL.replace("6f", "5").replace("A boat", '"@mira"')
        + f"""\
characters: {{mira: {{references: [{{url: https://example.org/a.png, sha256: {"ab" * 32}}}]}}}}
passes: {{draft: {{model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}}}}
"""
    )
    answer = json.loads(project.run("plan", "--json").stdout)
    (job,) = answer.pop("jobs")
    key = job.pop("key")
    assert len(key) == 64
    assert int(key, 16)
    assert answer == {
        "format": 1,
        "title": "Untitled",
        "pass": "draft",
        "total": {
            "submit": 1,
            "cached": 0,
            "cost": "0.25",
            "known_cost": "0.25",
            "low": "0.25",
            "expected": "0.25",
            "high": "0.25",
        },
    }
    assert job == {
        "shot": "s010",
        "pass": "draft",
        "state": "submit",
        "reasons": ["not rendered yet"],
        "model": "wavespeed/alibaba/wan-2.6/reference-to-video-flash",
        "request": {
            "prompt": "character1.",
            "reference_urls": [f"sha256:{'ab' * 32}"],
            "duration": 5,
            "size": "1280*720",
            "shot_type": "single",
            "enable_audio": False,
            "enable_prompt_expansion": False,
            "seed": 1,
        },
        "seconds": {"asked": 5, "bought": 5},
        "cost": "0.25",
    }


def test_models(project: Folder) -> None:
    listed = json.loads(project.run("models", "--json").stdout)["models"]
    assert {"local/animatic", "wavespeed/alibaba/wan-2.6/reference-to-video"} <= {model["id"] for model in listed}
    shown = project.run("models", "wavespeed/alibaba/wan-2.6/reference-to-video-flash").stdout
    assert "$0.375" in shown
    assert "up to 5 references" in shown


def test_nothing_an_author_writes_moves_the_terminal(project: Folder) -> None:
    project.write('storyboard: 1\nshots:\n  - {id: s010, prompt: "\\e]52;c;x\\a \\u202Eevil \\x9b2J", promt: x}\n')
    for arguments in (("check",), ("plan",)):
        done = project.run(*arguments, status=1)
        shown = done.stdout + done.stderr
        assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e", "\r"}
    source = Source("a\x1b[2Jb", "title: \x9b\u202e\x00x\n")
    for text in (report.safe(source.name), report.safe(source.text)):
        assert all(c.isprintable() for c in text.rstrip())


def test_credentials_in_a_url_are_masked_everywhere(project: Folder) -> None:
    project.write(SMALL.replace("6f", "6f, start_frame: 'https://me:s3cret@example.org/a.png'"))
    for arguments in (("check",), ("check", "--json"), ("plan",), ("render",)):
        done = project.run(*arguments, status=1)
        assert "s3cret" not in done.stdout + done.stderr
        assert "SB209" in done.stdout + done.stderr


def test_colour_is_for_terminals_only(project: Folder) -> None:
    project.write(SMALL.replace("prompt", "promt"))
    assert "\x1b" not in project.run("check", status=1).stdout
    found = storyboard.check(project.path / "storyboard.yaml")
    assert "\x1b[1;31merror[SB101]\x1b[0m" in report.findings(found, color=True)


def test_python_dash_m_and_the_module_agree(project: Folder) -> None:
    project.write(SMALL)
    plan = storyboard.load(project.path / "storyboard.yaml").plan()
    assert plan.as_json() == json.loads(project.run("plan", "--json").stdout)
    with pytest.raises(KeyError, match="no pass 'x'"):
        storyboard.load(project.path / "storyboard.yaml").plan("x")


def test_the_api_rejects_with_every_finding(project: Folder) -> None:
    project.write(SMALL.replace("prompt", "promt"))
    with pytest.raises(storyboard.Rejected) as rejected:
        storyboard.load(project.path / "storyboard.yaml")
    assert [d.code for d in rejected.value.diagnostics] == ["SB101"]


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*/storyboard.yaml")), ids=lambda p: p.parent.name)
def test_examples_compile_in_every_pass_and_fit_the_schema(path: Path) -> None:
    project = storyboard.load(path)
    assert [d.message for d in project.check() if d.is_error] == []
    for pass_id in project.board.passes:
        plan = project.plan(pass_id)
        assert all(step.job and step.job.key for step in plan.steps)
        assert plan.cost is not None
    schema = json.loads((ROOT / "schemas/storyboard.schema.json").read_text("utf-8"))
    data = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(data)
    assert path.read_text("utf-8").startswith("# yaml-language-server: $schema=../../schemas/storyboard.schema.json\n")


def test_the_keeper_is_a_film() -> None:
    project = storyboard.load(ROOT / "examples/keeper/storyboard.yaml")
    steps = project.plan("animatic").steps
    assert len(steps) >= 8
    assert sum(step.of.asked for step in steps) >= 30
    assert all(shot.notes for shot, _ in project.board.all_shots())
    costs = {pass_id: project.plan(pass_id).cost for pass_id in project.board.passes}
    assert costs["animatic"] == 0


def test_a_file_name_is_taken_as_it_is_written(project: Folder) -> None:
    decomposed = "e\u0301.png"
    project.picture(decomposed)
    project.write(SMALL.replace("6f", f"6f, start_frame: {decomposed}"))
    assert "no errors" in project.run("check").stdout


def test_an_id_fits_a_file_name(project: Folder) -> None:
    project.write(SMALL.replace("s010", "\U00020000" * 64))
    assert "more than 200 bytes" in project.run("check", status=1).stdout


def test_what_the_system_refuses_is_an_error_not_a_traceback(project: Folder) -> None:
    project.write(SMALL)
    project.run("init", "storyboard.yaml/sub", status=2)
    project.run("check", "x" * 300, status=2)
    (project.path / "build").write_text("in the way")
    answer = json.loads(project.run("render", "--json", status=3).stdout)
    assert answer["cut"] is None
    assert "can't be made" in answer["error"]
    assert [result["state"] for result in answer["results"]] == ["done"]
