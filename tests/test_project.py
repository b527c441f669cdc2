"""Facts about the project itself. Each failure names the command that repairs it."""

import json
import re
import subprocess
import tomllib

import jsonschema
import pytest

import storyboard
from storyboard import lettering, schema
from storyboard.cli import COMMANDS
from storyboard.diagnostic import CODES
from tests.folder import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_schema_is_fresh() -> None:
    committed = (ROOT / "schemas/storyboard.schema.json").read_text("utf-8")
    assert committed == schema.text(), "run 'make golden'"


def test_the_schema_teaches() -> None:
    made = schema.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    for name, part in [("storyboard", made), *made["$defs"].items()]:
        assert part.get("additionalProperties") is False, name
        for key, field in part["properties"].items():
            assert field.get("description"), f"{name}.{key} has no description"


@pytest.mark.parametrize(
    "text",
    [
        {"storyboard": 1, "shots": [{"id": "a"}]},
        {"storyboard": 2, "shots": [{"id": "a", "prompt": "x"}]},
        {"storyboard": 1, "title": "x"},
        {"storyboard": 1, "shots": [{"id": "a", "prompt": "x", "promt": "y"}]},
        {"storyboard": 1, "shots": [{"id": "a", "prompt": "x", "duration": "4s"}]},
        {"storyboard": 1, "shots": [{"id": "a", "prompt": "x", "passes": {"p": {"sed": 1}}}]},
    ],
)
def test_the_schema_refuses_what_the_compiler_refuses(text: object) -> None:
    assert not jsonschema.Draft202012Validator(schema.schema()).is_valid(text)


def test_the_public_names() -> None:
    assert storyboard.__all__ == sorted(storyboard.__all__)
    for name in storyboard.__all__:
        assert getattr(storyboard, name) is not None
    with pytest.raises(AttributeError):
        _ = storyboard.nothing  # type: ignore[attr-defined]


def test_the_lock_has_hashes_no_addresses_and_every_dependency() -> None:
    assert "://" not in LOCK
    pins = re.findall(r"^([A-Za-z0-9._-]+)==", LOCK, re.MULTILINE)
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)
    wanted = PROJECT["project"]["dependencies"] + [
        one for group in PROJECT["dependency-groups"].values() for one in group
    ]
    names = {normal(re.split(r"[\[ ><=!]", one)[0]) for one in wanted}
    assert names <= {normal(pin) for pin in pins}, "lock the dependencies again (CONTRIBUTING.md says how)"


def test_every_dependency_gives_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    for name in PROJECT["project"]["dependencies"]:
        line = next(line for line in text.splitlines() if f'"{name}"' in line)
        assert "#" in line, name


def test_the_readme_names_real_commands() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets
    assert {"demo", "test", "check"} <= set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE))
    assert set(re.findall(r"^storyboard ([a-z]+) .*# ", README, re.MULTILINE)) <= set(COMMANDS)


def test_the_readme_links_to_files_that_are_there() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{page}: {link}"


def test_the_readmes_storyboard_compiles(tmp_path: object) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = ROOT.joinpath(str(tmp_path), "storyboard.yaml")
    (whole,) = (block for block in blocks if block.startswith("storyboard: 1"))
    path.write_text(whole, "utf-8")
    assert [d.message for d in storyboard.check(path) if d.is_error] == []
    for part in (block for block in blocks if block != whole):  # as it would stand in a storyboard with these shots
        path.write_text(f"{part}storyboard: 1\nscenes: [{{id: storm, shots: [{{id: s010, prompt: a}}]}}]\n", "utf-8")
        assert {d.code for d in storyboard.check(path) if d.is_error} == {"SB303"}


def test_the_changelog_knows_this_version() -> None:
    assert f"## {storyboard.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_codes_are_in_order_and_described() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(CODES.values())


def test_no_module_hides_a_noun() -> None:
    for path in (ROOT / "storyboard").rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 400, f"{path} is too long"


def test_the_fonts_cover_latin_greek_and_cyrillic() -> None:
    latin = "Zażółć gęślą jaźń, Åland, İstanbul, ẞ, “quotes” – dashes — and … €"
    assert (
        lettering.missing(
            [latin, "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία", "Съешь ещё этих мягких французских булок, ґ їжак"]
        )
        == []
    )
    assert lettering.missing(["日 日 a😀"]) == ["日", "😀"]


def test_nothing_tracked_is_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    names = [name for name in listed.stdout.split("\0") if name]
    assert sum((ROOT / name).stat().st_size for name in names if (ROOT / name).exists()) < 16 << 20


def test_the_starter_and_the_minimal_example_are_one() -> None:
    starter = (ROOT / "storyboard/starter/storyboard.yaml").read_text("utf-8").splitlines()
    minimal = (ROOT / "examples/minimal/storyboard.yaml").read_text("utf-8").splitlines()
    assert starter[1:] == minimal[1:], "copy storyboard/starter/storyboard.yaml to examples/minimal/"


def test_schema_defaults_are_plain_json() -> None:
    assert json.loads(schema.text())["properties"]["fps"]["default"] in {"24", 24}
