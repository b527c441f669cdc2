"""Laying out storyboards: golden pairs, and the laws of any storyboard in any layout."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Annotated

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from PIL import Image
from pydantic import BaseModel

import storyboard
from storyboard import cli
from storyboard.layout import layout, order
from storyboard.model import Storyboard
from storyboard.source import Source
from storyboard.syntax import Mapping, Node, Scalar, Sequence, parse
from tests.folder import ROOT, Folder
from tests.often import often

CASES = Path(__file__).parent / "cases" / "fmt"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml") if not path.stem.endswith(".out"))


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, golden: Callable[[Path, str], None]) -> None:
    text = (CASES / f"{name}.yaml").read_bytes().decode()
    out = layout(text)
    golden(CASES / f"{name}.out.yaml", out)
    assert layout(out) == out
    assert values(tree(out)) == values(tree(text))


def test_there_is_a_case_for_every_form() -> None:
    assert len(NAMES) >= 16


def test_of_several_models_the_one_that_knows_most_of_the_keys_tells_their_order() -> None:
    class File(BaseModel):
        file: str
        role: str = ""

    class LastFrame(BaseModel):
        role: str = ""
        last_frame_of: str
        file: str = ""

    wanted = str | Annotated[File, "a file"] | dict[str, int] | LastFrame
    assert [name for name, _ in _ordered(wanted, "{role: a, file: b}")] == ["file", "role"]
    assert [name for name, _ in _ordered(wanted, "{file: b, last_frame_of: s, role: a}")] == [
        "role",
        "last_frame_of",
        "file",
    ]
    assert _ordered(Annotated[dict[str, File], 1], "b: 1\na: 2") == [("b", File), ("a", File)]
    assert order.item(None | Annotated[tuple[File, ...], 1]) is File
    assert order.item(str) is None


def _ordered(wanted: object, text: str) -> list[tuple[str, object]]:
    node = tree(text)
    places = order.places(wanted, node)
    return [(name, places[name][1]) for name in sorted(node.entries, key=lambda name: places[name][0])]


@pytest.mark.parametrize("path", ["examples/minimal/storyboard.yaml", "storyboard/starter/storyboard.yaml"])
def test_what_we_hand_out_is_laid_out_already(path: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert layout(text) == text


def tree(text: str) -> Mapping:
    root, found = parse(Source("storyboard.yaml", text.removeprefix("\ufeff")))
    assert found == []
    assert root is not None
    return root


def values(node: Node) -> object:
    """A tree as plain values, where the order of keys doesn't matter and that of items does."""
    if isinstance(node, Scalar):
        return (node.text, node.is_null)
    if isinstance(node, Sequence):
        return [values(item) for item in node.items]
    return {key: values(value) for key, (_, value) in node.entries.items()}


Path_ = tuple[str | int, ...]


def heads(node: Node, path: Path_ = ()) -> Iterator[tuple[Path_, int]]:
    """Every key and item of a tree, and the row it starts in, from 0."""
    if isinstance(node, Mapping):
        for name, (key, value) in node.entries.items():
            yield (*path, name), key.span.source.line_column(key.span.start)[0] - 1
            yield from heads(value, (*path, name))
    elif isinstance(node, Sequence):
        for n, item in enumerate(node.items):
            yield (*path, n), item.span.source.line_column(item.span.start)[0] - 1
            yield from heads(item, (*path, n))


def texts(node: Node) -> Iterator[tuple[int, int]]:
    """The rows of every text of more than one, from 0, with the blank ones below it."""
    if isinstance(node, Scalar):
        source, start, end = node.span
        first, last = source.line_column(start)[0] - 1, source.line_column(end)[0] - 1
        if last > first:
            while not source.line(last + 2).strip() and last + 1 < source.text.count("\n"):
                last += 1
            yield first, last
    else:
        for part in node.items if isinstance(node, Sequence) else (value for _, value in node.entries.values()):
            yield from texts(part)


# Storyboards in every layout


@dataclass
class Author:
    """Somebody who writes storyboards in any style but a good one."""

    random: Random
    lines: list[str] = field(default_factory=list)
    above: dict[str, Path_] = field(default_factory=dict)
    """Comments, and what each is right above of."""
    behind: dict[str, Path_] = field(default_factory=dict)
    below: dict[str, Path_] = field(default_factory=dict)
    anchors: list[str] = field(default_factory=list)
    text: str = ""
    comments: int = 0

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def board(self) -> dict[str, object]:
        """A storyboard that compiles, its keys in any order."""
        board: dict[str, object] = {"storyboard": "1"}
        if self.chance(60):
            board["title"] = self.words()
        if self.chance(40):
            board["aspect"] = self.random.choice(["16:9", "9:16"])
        if self.chance(40):
            board["seed"] = "7"
        if self.chance(50):
            board["style"] = self.some({"prompt": self.words(), "negative": self.words()})
        people = self.random.sample(["mira", "tom", "a.b-c"], self.random.randrange(3))
        if people:
            board["characters"] = {who: self.character() for who in people}
        board["passes"] = {"animatic": self.mixed({"model": "local/animatic"} | self.some(self.of_a_pass()))}
        if self.chance(30):
            board["passes"] |= {"second": {"model": "local/animatic"}}  # type: ignore[operator]
        shots = [self.shot(f"s{n}0", people) for n in range(1, self.random.randrange(2, 5))]
        if self.chance(40):
            scene = {"id": "one", "shots": shots}
            scene |= self.some({"title": self.words(), "place": self.words(), "style": {"prompt": self.words()}})
            board["scenes"] = [self.mixed(scene)]
        else:
            board["shots"] = shots
        return self.mixed(board)

    def of_a_pass(self) -> dict[str, object]:
        burn_in = self.mixed({"watermark": self.words(), "date": "true"})
        return {"seed": "3", "audio": "false", "burn_in": burn_in, "leader": "true"}

    def mixed(self, of: dict[str, object]) -> dict[str, object]:
        names = list(of)
        if self.chance(80):
            self.random.shuffle(names)
        return {name: of[name] for name in names}

    def some(self, of: dict[str, object]) -> dict[str, object]:
        """Some of the keys, at least one."""
        kept = [name for name in of if self.chance(40)] or [next(iter(of))]
        return self.mixed({name: of[name] for name in kept})

    def words(self) -> str:
        words = [
            "a keeper",
            "on the stair",
            "16:9",
            "it's # no comment",
            "&co",
            "- dash",
            "{x}",
            "日本 «ά»",
            "a: b",
            "no",
        ]
        return " ".join(self.random.sample(words, self.random.randrange(1, 4)))

    def character(self) -> dict[str, object]:
        kept = {
            "look": self.words(),
            "name": self.words(),
            "kind": "prop",
            "references": ["a.png", {"role": "b", "file": "b.png"}],
        }
        return self.some(kept)

    def shot(self, id_: str, people: list[str]) -> dict[str, object]:
        kept: dict[str, object] = {
            "camera": self.words(),
            "notes": self.words(),
            "negative": self.words(),
            "duration": "2",
            "take": "2",
            "trim": self.mixed({"in": "0.25", "of": "3"}),
            "fit": "retime",
            "transition": self.mixed({"type": "dissolve", "duration": "6f"}),
            "passes": {"animatic": self.some({"prompt": self.words(), "seed": "5", "take": "3"})},
            "start_frame": self.random.choice(["a.png", {"file": "a.png"}]),
        }
        if people:
            said = {"who": people[0], "line": self.words(), "at": "0.5"}
            kept["dialogue"] = [self.mixed(said)]
            kept["characters"] = people
        return self.mixed({"id": id_, "prompt": self.words()} | self.some(kept))

    # Writing

    def write(self, node: object) -> str:
        if self.chance(30):
            self.lines += ["# A film", "", "# of a night", ""][self.random.choice([0, 2]) :]
        self.block(node, 0, ())
        if self.chance(20):
            self.lines += ["", "# the end"]
        ends = self.random.choice(["\n", "\n", "\n", "\r\n", "\r"])
        text = ends.join(self.lines) + ends * self.random.choice([1, 1, 1, 3])
        return "\ufeff" * self.chance(10) + text

    def comment(self) -> str:
        self.comments += 1
        sign = self.random.choice(["# ", "#", "#\t", "#   "])
        return f"{sign}c{self.comments}."

    def over(self, depth: int, path: Path_) -> None:
        """Blank lines and comments above an entry."""
        blanks = [""] * self.random.choice([0, 0, 0, 1, 3])
        if self.chance(15):
            blanks += [" " * self.random.randrange(9)]
        self.lines += blanks
        for _ in range(self.random.choice([0, 0, 0, 1, 2])):
            told = self.comment()
            self.lines.append(" " * self.random.choice([depth, depth, 0]) + told)
            self.above[told[1:].strip()] = path
        begun = any(line.strip()[:1] not in {"", "#"} for line in self.lines)  # else it were the file's
        if begun and blanks and self.lines[-1].strip().startswith("#") and self.chance(20):
            self.lines.append("")

    def under(self, depth: int, path: Path_) -> None:
        if self.lines[-1].strip() and self.chance(6):
            told = self.comment()
            self.lines += [" " * depth + told, ""]
            self.below[told[1:].strip()] = path

    def behind_it(self, path: Path_) -> str:
        if not self.chance(15):
            return ""
        told = self.comment()
        self.behind[told[1:].strip()] = path
        return self.random.choice([" ", "  ", "     ", "\t"]) + told

    def block(self, node: object, depth: int, path: Path_, start: str = "") -> None:
        """A block collection; `start` stands before its first entry, in the same line."""
        entries = list(node.items()) if isinstance(node, dict) else list(enumerate(node))  # type: ignore[call-overload]
        for n, (name, value) in enumerate(entries):
            here = (*path, name)
            if n or not start:
                self.over(depth, here)
            lead = start if n == 0 and start else " " * depth
            if isinstance(node, dict):
                key = self.random.choice([name, name, name, f'"{name}"', f"'{name}'"])
                self.value(f"{lead}{key}{' ' * self.chance(10)}:", value, depth, here, after_dash=False)
            else:
                self.value(f"{lead}-", value, depth, here, after_dash=True)
            if isinstance(value, (dict, list)):
                self.under(depth, here)

    def value(self, lead: str, value: object, depth: int, path: Path_, *, after_dash: bool) -> None:
        gap = " " * self.random.choice([1, 1, 1, 2, 4])
        if isinstance(value, str):
            self.scalar(lead, gap, value, depth, path)
            return
        if self.chance(30):
            self.flow(lead, gap, value, depth, path)
            return
        deeper = depth + self.random.choice([1, 2, 2, 4])
        if after_dash and self.chance(80):
            deeper = len(lead + gap)
            self.block(value, deeper, path, lead + gap)
            return
        if isinstance(value, list) and not after_dash and self.chance(30):
            deeper = depth
        self.lines.append(lead + ("" if after_dash else self.behind_it(path)))
        self.block(value, deeper, path)

    def scalar(self, lead: str, gap: str, text: str, depth: int, path: Path_) -> None:
        free = path[-1] in {"notes", "camera", "look", "negative", "place"}
        if free and self.anchors and self.chance(5):
            self.lines.append(f"{lead}{gap}*{self.random.choice(self.anchors)}{self.behind_it(path)}")
            return
        if free and self.chance(4):
            self.anchors.append(f"a{len(self.anchors)}")
            gap += f"&{self.anchors[-1]} "
        deeper = depth + self.random.choice([1, 2, 2, 3, 4])
        inside = " " * deeper
        plain = re.fullmatch(r"\w[\w ./]*|\d+:\d+", text) is not None
        style = self.random.choice(["plain"] * 3 + ["double", "single", "wide", "literal", "folded"])
        if style in {"literal", "folded"} and free:
            sign = self.random.choice("|>") + self.random.choice(["", "-", "+"])
            told = self.chance(20)
            sign += str(deeper - depth) if told else ""
            words = [text, *([self.words()] * self.random.randrange(3))]
            self.lines.append(f"{lead}{gap}{sign}{self.behind_it(path)}")
            for n, part in enumerate(words):
                self.lines.append(inside + " " * (n and self.random.choice([0, 0, 2])) + part + " " * self.chance(10))
                self.lines += ["", " " * (deeper + 2)][: self.random.choice([0, 0, 0, 1, 2])]
        elif style == "wide" and " " in text:
            words = json.dumps(text, ensure_ascii=False).split(" ")
            if self.chance(50):
                self.lines.append(f"{lead}{gap}{words[0]}")
                words = words[1:]
            else:
                self.lines.append(f"{lead}{gap.rstrip()}")
            self.lines += [inside + word for word in words[:-1]]
            self.lines.append(inside + words[-1] + self.behind_it(()))
        elif style == "single":
            escaped = text.replace("'", "''")
            self.lines.append(f"{lead}{gap}'{escaped}'{self.behind_it(path)}")
        elif style == "plain" and plain:
            self.lines.append(f"{lead}{gap}{text}{self.behind_it(path)}")
        else:
            self.lines.append(f"{lead}{gap}{json.dumps(text, ensure_ascii=False)}{self.behind_it(path)}")

    def flow(self, lead: str, gap: str, value: object, depth: int, path: Path_) -> None:
        if self.chance(70):
            self.lines.append(f"{lead}{gap}{self.flowing(value)}{self.behind_it(path)}")
            return
        inside = " " * (depth + self.random.choice([1, 2, 4]))
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        self.lines.append(f"{lead}{gap}{opening}{self.behind_it(path)}")
        for part in self.parts(value):
            self.lines.append(f"{inside}{part},{self.behind_it(())}")
        self.lines.append(" " * self.random.choice([depth, len(inside)]) + closing)

    def parts(self, value: object) -> list[str]:
        if isinstance(value, list):
            return [self.flowing(item) for item in value]
        assert isinstance(value, dict)
        return [f"{key}:{' ' * self.random.choice([1, 1, 3])}{self.flowing(inner)}" for key, inner in value.items()]

    def flowing(self, value: object) -> str:
        if isinstance(value, str):
            plain = re.fullmatch(r"\w[\w ./]*|\d+:\d+", value)
            return value if plain and self.chance(60) else json.dumps(value, ensure_ascii=False)
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        pad = " " * self.random.choice([0, 0, 1, 2])
        comma = self.random.choice([", ", ",  ", " , ", ", "])
        return f"{opening}{pad}{comma.join(self.parts(value))}{',' * self.chance(5)}{pad}{closing}"


def drawn(seed: int) -> Author:
    author = Author(Random(seed))
    author.text = author.write(author.board())
    note(author.text)
    return author


AUTHORS = st.integers(0, 1 << 32).map(drawn)  # a number, as a Random of hypothesis takes minutes to shrink


def rows_of_comments(text: str) -> dict[str, int]:
    """The row of each of an author's comments."""
    rows = [(n, re.findall(r"#\s*(c\d+\.)", line)) for n, line in enumerate(text.split("\n"))]
    return {told: n for n, found in rows for told in found}


@often(90)
@given(AUTHORS)
def test_laying_out_again_changes_nothing(author: Author) -> None:
    once = layout(author.text)
    assert layout(once) == once


@often(90)
@given(AUTHORS)
def test_values_stay_and_keys_stand_in_the_order_of_the_language(author: Author) -> None:
    out = tree(layout(author.text))
    assert values(out) == values(tree(author.text))
    if not author.anchors and "|+" not in author.text and ">+" not in author.text:
        known = [f.alias or name for name, f in Storyboard.model_fields.items()]
        assert list(out.entries) == sorted(out.entries, key=known.index)


@often(90)
@given(AUTHORS)
def test_every_comment_stays_with_what_it_is_about(author: Author) -> None:
    text = layout(author.text)
    lines = text.split("\n")
    rows = rows_of_comments(text)
    assert len(rows) == author.comments
    assert Counter(re.findall(r"# (?:A film|of a night|the end)", author.text)) == Counter(
        re.findall(r"# (?:A film|of a night|the end)", text)
    )
    where = dict(heads(tree(text)))
    for told, path in author.behind.items():
        assert not path or rows[told] == where[path], told
    for told, path in author.above.items():
        below = (n for n in range(rows[told], len(lines)) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
        assert next(below) == where[path], told
    for told, path in author.below.items():
        last = max(row for row in where.values() if row < rows[told])
        assert any(at[: len(path)] == path for at, row in where.items() if row == last), told


@often(90)
@given(AUTHORS)
def test_the_layout_is_tidy(author: Author) -> None:
    text = layout(author.text)
    assert text.endswith("\n") or "|" in text or ">" in text
    assert not text.startswith(("\n", "\ufeff"))
    assert "\r" not in text
    root = tree(text)
    inside = {row for start, end in texts(root) for row in range(start, end + 1)}
    lines = text.split("\n")
    for row, line in enumerate(lines):
        if row not in inside:
            assert line == line.rstrip()
            assert (len(line) - len(line.lstrip(" "))) % 2 == 0 or "{" in text or "[" in text, line
            assert line or row + 1 == len(lines) or lines[row - 1], f"two blank lines before {row}"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pictures that the storyboards name."""
    place = tmp_path_factory.mktemp("fmt")
    for name, color in (("a.png", "teal"), ("b.png", "navy")):
        Image.new("RGB", (32, 18), color).save(place / name)
    return place


def keys(film: Path, text: str) -> list[str]:
    (film / "storyboard.yaml").write_bytes(text.encode())
    project = storyboard.load(film / "storyboard.yaml")
    jobs = [step.job for name in project.film().passes for step in project.plan(name).steps]
    return [str(job.key) for job in jobs if job]


@often(40)
@given(AUTHORS)
def test_no_job_gets_another_key(film: Path, author: Author) -> None:
    before = keys(film, author.text)
    assert before
    assert keys(film, layout(author.text)) == before


@often(90)
@given(AUTHORS, st.integers(0, 10_000), st.sampled_from("?-&*|>:,[]{}'\"\\#\n\t "))
def test_a_text_with_a_slip_in_it_never_loses_anything(author: Author, at: int, slip: str) -> None:
    at %= len(author.text)
    text = (author.text[:at] + slip + author.text[at:]).removeprefix("\ufeff")
    root, found = parse(Source("storyboard.yaml", text))
    out = layout(text)
    if root is None or found:
        assert out == text
    else:
        assert values(tree(out)) == values(root)
        assert rows_of_comments(out).keys() == rows_of_comments(text).keys()
        assert layout(out) == out


# The command


MESSY = "title: A film\nshots:\n- {prompt: A boat,id: s010}   # calm\nstoryboard: 1\n"
TIDY = "storyboard: 1\ntitle: A film\n\nshots:\n  - {id: s010, prompt: A boat}   # calm\n"


Fmt = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fmt(project: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fmt:
    """`storyboard fmt` in the project's folder: its status, output and errors."""
    monkeypatch.chdir(project.path)

    def run(*arguments: str) -> tuple[int, str, str]:
        return (cli.run(["fmt", *arguments]), *capsys.readouterr())

    return run


def test_files_are_laid_out_in_place(project: Folder) -> None:
    project.write(MESSY)
    project.write(TIDY, "tidy.yaml")
    (project.path / "storyboard.yaml").chmod(0o640)
    untouched = (project.path / "tidy.yaml").stat().st_ino
    assert project.run("fmt").stdout == "1 file reformatted\n"
    assert (project.path / "storyboard.yaml").read_text("utf-8") == TIDY
    assert (project.path / "storyboard.yaml").stat().st_mode & 0o777 == 0o640
    done = project.run("fmt", ".", "tidy.yaml")
    assert done.stdout == "2 files left unchanged\n"
    assert (project.path / "tidy.yaml").stat().st_ino == untouched
    assert sorted(path.name for path in project.path.iterdir()) == ["storyboard.yaml", "tidy.yaml"]


def test_a_link_stays_a_link(project: Folder, fmt: Fmt) -> None:
    project.write(MESSY, "film.yaml")
    (project.path / "storyboard.yaml").symlink_to("film.yaml")
    assert fmt() == (0, "1 file reformatted\n", "")
    assert (project.path / "storyboard.yaml").is_symlink()
    assert (project.path / "film.yaml").read_text("utf-8") == TIDY


def test_check_and_diff_write_nothing(project: Folder, fmt: Fmt) -> None:
    project.write(MESSY)
    assert fmt("--check") == (1, "would reformat storyboard.yaml\n1 file would be reformatted\n", "")
    status, shown, told = fmt("--diff")
    assert (status, told) == (1, "1 file would be reformatted\n")
    assert (project.path / "storyboard.yaml").read_text("utf-8") == MESSY
    before, after, _, *lines = shown.splitlines()
    assert (before, after) == ("--- storyboard.yaml", "+++ storyboard.yaml (laid out)")
    assert [line[1:] for line in lines if line[0] != "-"] == TIDY.splitlines()
    assert [line[1:] for line in lines if line[0] != "+"] == MESSY.splitlines()
    project.write(TIDY)
    assert fmt("--check") == (0, "1 file already laid out\n", "")
    assert fmt("--diff") == (0, "", "1 file already laid out\n")


def test_a_diff_shows_line_ends_and_masks_credentials(project: Folder, fmt: Fmt) -> None:
    (project.path / "storyboard.yaml").write_bytes(b"title: https://me:secret@example.com\r\nstoryboard: 1")
    assert fmt("--diff")[1].endswith(
        "-title: https://*********@example.com\u240d\n-storyboard: 1\n\\ No newline at end of file\n"
        "+storyboard: 1\n+title: https://*********@example.com\n"
    )


def test_what_is_not_yaml_stays_and_is_shown_and_the_rest_is_laid_out(project: Folder, fmt: Fmt) -> None:
    project.write("title: A\ntitle: B\n", "bad.yaml")
    project.write(MESSY)
    status, told, wrong = fmt("bad.yaml", "storyboard.yaml")
    assert (status, told) == (1, "1 file reformatted\n")
    assert "error[SB005]" in wrong
    assert "bad.yaml:2:1" in wrong
    assert (project.path / "bad.yaml").read_text("utf-8") == "title: A\ntitle: B\n"
    (project.path / "bad.yaml").write_bytes(b"title: caf\xe9\n")
    status, told, wrong = fmt("bad.yaml")
    assert (status, told) == (1, "")
    assert "error[SB002]" in wrong


def test_what_is_misused_is_told(project: Folder, fmt: Fmt) -> None:
    project.write(MESSY)
    for arguments in (["none.yaml"], ["storyboard.yaml", "none.yaml"], ["-", "storyboard.yaml"]):
        assert fmt(*arguments)[0] == 2
    assert (project.path / "storyboard.yaml").read_text("utf-8") == MESSY


def test_json_tells_what_changed(project: Folder, fmt: Fmt) -> None:
    project.write(MESSY)
    project.write(TIDY, "tidy.yaml")
    status, told, _ = fmt("--json", "storyboard.yaml", "tidy.yaml", "storyboard.yaml")
    assert status == 0
    assert json.loads(told) == {"format": 1, "changed": ["storyboard.yaml"], "unchanged": ["tidy.yaml"]}
    project.write("[]", "bad.yaml")
    status, told, _ = fmt("--json", "--check", "storyboard.yaml", "bad.yaml")
    found = json.loads(told)
    assert (status, found["errors"], found["changed"], found["unchanged"]) == (1, 1, [], ["storyboard.yaml"])


def test_standard_input_goes_to_standard_output(project: Folder) -> None:
    def run(text: str, *options: str) -> tuple[int, str, bytes]:
        program = [sys.executable, "-m", "storyboard", "fmt", "-", *options]
        done = subprocess.run(program, cwd=ROOT, input=text.encode(), capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr

    assert run("\ufeff" + MESSY.replace("\n", "\r\n")) == (0, TIDY, b"")
    assert run(MESSY, "--check")[:2] == (1, "would reformat standard input\n")
    status, told, wrong = run("a: [")
    assert (status, told) == (1, "")
    assert b"standard input:1" in wrong
