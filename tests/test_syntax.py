"""Reading YAML: exact spans, text that stays text, and inputs made to do harm."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyboard
from storyboard.diagnostic import Diagnostic
from storyboard.source import Source, Span
from storyboard.syntax import MAX_ALIASES, MAX_DEPTH, MAX_FOUND, MAX_NODES, Mapping, Node, Scalar, Sequence, parse
from storyboard.text import MAX_BYTES, fit, read
from tests.often import often

ROOT = Path(__file__).parent.parent


def parsed(text: str) -> Mapping:
    """The mapping of a text without findings."""
    root, found = parse(Source("storyboard.yaml", text))
    assert found == []
    assert root is not None
    return root


def the_finding(text: str) -> Diagnostic:
    """The one finding that ends the reading of a text."""
    root, found = parse(Source("storyboard.yaml", text))
    assert root is None
    assert len(found) == 1
    return found[0]


def place(finding: Diagnostic) -> tuple[int, int]:
    return finding.span.source.line_column(finding.span.start)


# Source: offsets to lines and columns


def test_only_cr_lf_and_crlf_break_lines() -> None:
    source = Source("x", "a\r\nb\rc\u2028d\u0085e\x0cf\ng")
    assert [source.line(n) for n in range(1, 6)] == ["a", "b", "c\u2028d\u0085e\x0cf", "g", ""]
    assert source.line_column(source.text.index("f")) == (3, 7)
    assert source.line_column(source.text.index("g")) == (4, 1)
    assert source.line_column(len(source.text)) == (4, 2)


def test_an_empty_text_has_one_line() -> None:
    source = Source("x", "")
    assert source.line_column(0) == (1, 1)
    assert source.line(1) == ""


@given(st.text(alphabet=st.sampled_from("ab 灯🎬é\u0301\u2028\r\n"), max_size=40))
def test_line_and_column_lead_back_to_the_character(text: str) -> None:
    source = Source("x", text)
    places = [source.line_column(offset) for offset in range(len(text) + 1)]
    assert places[0] == (1, 1)
    assert len(set(places)) == len(places)
    assert places == sorted(places)
    for character, (line, column) in zip(text, places, strict=False):
        if character not in "\r\n":
            assert source.line(line)[column - 1] == character


@given(st.text(max_size=20), st.integers(-30, 30), st.integers(-30, 30))
def test_a_span_stays_inside_its_text(text: str, start: int, end: int) -> None:
    span = Source("x", text).span(start, end)
    assert 0 <= span.start <= span.end <= len(text)
    if 0 <= start <= end <= len(text):
        assert span.text == text[start:end]


# Spans of what was parsed


ODD = ["16:9", "9:16", "no", "yes", "off", "010", "1:30", "1e3", "0x10", "0o17", "1_000", ".5", "-4", "+1", "1.0"]
ODD += ["2026-11-21", "12:30:00", "true", "False", ".inf", ".NaN", "null", "~", "Null", "=", "a#b", "a:b", "x@y.org"]
INNER = "abz019 灯🎬éЖ-_./@'\""
plain = st.sampled_from(ODD) | st.builds(
    lambda first, middle, last: first + middle + last,
    st.sampled_from("aZ7灯🎬é"),
    st.text(alphabet=INNER, max_size=12),
    st.sampled_from("bY8台é"),
)
quoted = st.text(
    st.characters(exclude_categories=("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"), max_codepoint=0xFFFF), max_size=12
)


def single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def double(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@st.composite
def scalars(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and one way to write it on one line."""
    style = draw(st.sampled_from(["plain", "plain", "single", "double"]))
    if style == "plain":
        text = draw(plain)
        return text, text
    text = draw(quoted)
    return text, single(text) if style == "single" else double(text)


Tree = tuple[str, str] | list["Tree"] | dict[str, "Tree"]
trees: st.SearchStrategy[Tree] = st.recursive(
    scalars(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain, inner, max_size=4), max_leaves=12
)


def in_flow(tree: Tree) -> str:
    if isinstance(tree, tuple):
        return tree[1]
    if isinstance(tree, list):
        return "[" + ", ".join(in_flow(item) for item in tree) + "]"
    return "{" + ", ".join(f"{key}: {in_flow(item)}" for key, item in tree.items()) + "}"


def in_block(tree: Tree, indent: int, data: st.DataObject) -> str:
    """`tree` as what follows `key:` or `-`, its own line break included."""
    if isinstance(tree, tuple) or not tree or data.draw(st.booleans(), label="flow"):
        comment = data.draw(st.sampled_from(["", "  # a note: 'x' [y"]), label="comment")
        return f" {in_flow(tree)}{comment}\n"
    spaces = " " * indent
    if isinstance(tree, list):
        return "\n" + "".join(f"{spaces}-{in_block(item, indent + 2, data)}" for item in tree)
    return "\n" + "".join(f"{spaces}{key}:{in_block(item, indent + 2, data)}" for key, item in tree.items())


def check_node(node: Node, tree: Tree) -> None:
    """`node` holds `tree`'s text, and every span covers what it stands for."""
    text = node.span.text
    if isinstance(tree, tuple):
        assert isinstance(node, Scalar)
        assert node.text == tree[0]
        assert text == tree[1]
        assert node.plain == (text[:1] not in {"'", '"'})
    elif isinstance(tree, list):
        assert isinstance(node, Sequence)
        assert text[0] in "[-"
        inside = [item.span for item in node.items]
        for item, part in zip(node.items, tree, strict=True):
            check_node(item, part)
        check_order(node, inside)
    else:
        assert isinstance(node, Mapping)
        assert list(node.entries) == list(tree)
        for key, written in node.entries.values():
            assert key.span.text == key.text
            check_node(written, tree[key.text])
        check_order(node, [span for key, item in node.entries.values() for span in (key.span, item.span)])


def check_order(node: Node, inside: list[Span]) -> None:
    assert all(node.span.start <= span.start <= span.end <= node.span.end for span in inside)
    assert all(before.end <= after.start for before, after in pairwise(inside))
    assert node.span.text == node.span.text.strip()


@often(150)
@given(tree=st.dictionaries(plain, trees, min_size=1, max_size=5), data=st.data())
def test_every_span_slices_back_to_its_text(tree: dict[str, Tree], data: st.DataObject) -> None:
    text = "".join(f"{key}:{in_block(item, 2, data)}" for key, item in tree.items())
    line_break = data.draw(st.sampled_from(["\n", "\r\n"]), label="line break")
    check_node(parsed(text.replace("\n", line_break)), tree)


@often()
@given(st.lists(plain, min_size=1, max_size=4))
def test_a_plain_scalar_over_several_lines_spans_all_of_them(words: list[str]) -> None:
    words = [f"a{word}" for word in words]
    value = parsed("key:\n  " + "\n  ".join(words) + "\nafter: x\n").value("key")
    assert isinstance(value, Scalar)
    assert value.text == " ".join(words)
    assert value.span.text == "\n  ".join(words)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("|\n  one\n  two\n", "one\ntwo\n"),
        (">\n  one\n  two\n", "one two\n"),
        ("|-\n  one\n  two\n", "one\ntwo"),
        (">-\n  one\n\n  two\n\n\n", "one\ntwo"),
    ],
)
def test_a_block_scalar_ends_where_its_text_ends(written: str, text: str) -> None:
    value = parsed(f"key: {written}after: x\n").value("key")
    assert isinstance(value, Scalar)
    assert (value.text, value.plain) == (text, False)
    assert value.span.text == written.rstrip()


@pytest.mark.parametrize("text", ODD)
def test_a_scalar_stays_text(text: str) -> None:
    for document in (f"key: {text}\n", f"key: [{text}]\n", f"key:\n  - {text}\n", f"{text}: key\n"):
        root = parsed(document)
        value = root.value("key")
        if value is None:
            ((value, _),) = root.entries.values()
        elif isinstance(value, Sequence):
            (value,) = value.items
        assert isinstance(value, Scalar)
        assert (value.text, value.plain) == (text, True)


@pytest.mark.parametrize(
    ("written", "null"),
    [
        *[(text, True) for text in ("", "~", "null", "Null", "NULL")],
        *[(text, False) for text in ('""', "''", '"~"', "'null'", "nULL", "none", "no", "0", "|\n")],
    ],
)
def test_only_an_empty_plain_text_a_tilde_and_null_are_no_value(written: str, null: bool) -> None:
    value = parsed(f"key: {written}\n").value("key")
    assert isinstance(value, Scalar)
    assert value.is_null is null


@pytest.mark.parametrize("flow", ["[https://example.org/a.png]", "[a, https://example.org/a.png#x, b]"])
def test_a_plain_url_in_brackets_is_a_text(flow: str) -> None:
    references = parsed(f"references: {flow}\nafter: x\n").value("references")
    assert isinstance(references, Sequence)
    assert [item.span.text for item in references.items] == flow.strip("[]").split(", ")
    assert references.span.text == flow


def test_a_plain_url_in_braces_is_a_text() -> None:
    reference = parsed("{a: {url: https://example.org/a.png, role: front}}\n").value("a")
    assert isinstance(reference, Mapping)
    assert {key: value.span.text for key, (_, value) in reference.entries.items()} == {
        "url": "https://example.org/a.png",
        "role": "front",
    }


# What a text may not hold


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("a: 1\nb: 2\na: 3\n", (1, 1), (3, 1)),
        ("x: {a: 1, a: 2}\n", (1, 5), (1, 11)),
        ("a: 1\n'a': 2\n", (1, 1), (2, 1)),
        ('"\\x61": 1\na: 2\n', (1, 1), (2, 1)),
    ],
)
def test_a_key_written_twice_shows_both_places(text: str, first: tuple[int, int], second: tuple[int, int]) -> None:
    root, (finding,) = parse(Source("storyboard.yaml", text))
    assert root is not None
    assert finding.code == "SB005"
    assert place(finding) == second
    (related,) = finding.related
    assert related.span.source.line_column(related.span.start) == first


def test_a_key_written_twice_keeps_the_first_value_and_reads_on() -> None:
    root, found = parse(Source("storyboard.yaml", "a: 1\na: 2\nb: 3\na: 4\n"))
    assert root is not None
    assert {key: value.span.text for key, (_, value) in root.entries.items()} == {"a": "1", "b": "3"}
    assert [place(finding) for finding in found] == [(2, 1), (4, 1)]


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "SB011", (1, 1)),
        ("# a note\n", "SB011", (1, 1)),
        ("~\n", "SB011", (1, 1)),
        ("- a\n", "SB103", (1, 1)),
        ("some text\n", "SB103", (1, 1)),
        ("a: @b\n", "SB004", (1, 4)),
        ("a:\n\t- b\n", "SB004", (2, 1)),
        ("a: &b &c d\n", "SB004", (1, 4)),
        ("a: *b c\n", "SB004", (1, 4)),
        ("a: [b, , c]\n", "SB004", (1, 8)),
        ("a: {b: ]}\n", "SB004", (1, 8)),
        ("a: {b: c}}\n", "SB004", (1, 10)),
        ('a: "\\ud800"\n', "SB004", (1, 5)),
        ('a: "\\xg"\n', "SB004", (1, 5)),
        ("a\r\nb: c\r\n", "SB004", (1, 1)),
        ("storyboard:1\ntitle: x\n", "SB004", (1, 11)),
    ],
)
def test_what_ends_the_reading(text: str, code: str, at: tuple[int, int]) -> None:
    finding = the_finding(text)
    assert (finding.code, place(finding)) == (code, at)
    assert finding.help


@pytest.mark.parametrize(
    ("text", "code", "at", "read"),
    [
        ("a: *b\n", "SB006", (1, 4), {"a": "*b"}),
        ("a: &b [x, *b]\n", "SB006", (1, 11), {"a": ["x", "*b"]}),
        ("a: &b x\nc: &b [*b]\n", "SB006", (2, 8), {"a": "x", "c": ["*b"]}),
        ("<<: {a: 1}\nb: 2\n", "SB008", (1, 1), {"b": "2", "a": "1"}),
        (
            "a: &a {b: 1, c: 2}\nd: {<<: *a, b: 3}\n",
            "SB008",
            (2, 5),
            {"a": {"b": "1", "c": "2"}, "d": {"b": "3", "c": "2"}},
        ),
        ("a: {<<: [{b: 1}, {b: 2, c: 3}]}\n", "SB008", (1, 5), {"a": {"b": "1", "c": "3"}}),
        ("a: {<<: x, b: 1}\n", "SB008", (1, 5), {"a": {"b": "1"}}),
        ("a: !!int 1\n", "SB009", (1, 4), {"a": "1"}),
        ("a: &b !!int 1\nc: *b\n", "SB009", (1, 7), {"a": "1", "c": "1"}),
        ("a: !own {b: 1}\n", "SB009", (1, 4), {"a": {"b": "1"}}),
        ("a: !own\n- b\n", "SB009", (1, 4), {"a": ["b"]}),
        ("a: 1\n---\na: 2\n", "SB010", (2, 1), {"a": "1"}),
        ("a: 1\n--- {a: 2}\n", "SB010", (2, 1), {"a": "1"}),
        ("a: 1\n...\nb: [\n", "SB010", (3, 1), {"a": "1"}),
        ("[a]: b\nc: d\n", "SB004", (1, 1), {"c": "d"}),
        ("a: x\x01\n", "SB002", (1, 5), {"a": "x"}),
        ("a: 灯\x7f\n", "SB002", (1, 5), {"a": "灯"}),
        ("a: x\u2028y\n", "SB002", (1, 5), {"a": "xy"}),
        ("# \u202e\na: x\n", "SB012", (1, 3), {"a": "x"}),
        ("\u200ba\u2060\u2060: x\u00ad\n", "SB012", (1, 1), {"a": "x"}),
        ('a: "b\\u202e"\n', "SB012", (1, 6), {"a": "b"}),
        ("\"\\ea\": '\\e'\n", "SB013", (1, 2), {"a": "\\e"}),
        ('a: "\\0\\x9b\\t\\n"\n', "SB013", (1, 5), {"a": "\t\n"}),
    ],
)
def test_what_is_reported_and_read_on(text: str, code: str, at: tuple[int, int], read: object) -> None:
    root, found = parse(Source("storyboard.yaml", text))
    assert root is not None
    assert plainly(root) == read
    assert {finding.code for finding in found} == {code}
    assert place(found[0]) == at
    assert all(finding.help for finding in found)


def plainly(node: Node) -> object:
    if isinstance(node, Mapping):
        return {key: plainly(value) for key, (_, value) in node.entries.items()}
    return [plainly(item) for item in node.items] if isinstance(node, Sequence) else node.text


@pytest.mark.parametrize(
    "words",
    [
        "می\u200cخواهم",  # Persian's zero width non-joiner
        "👩\u200d🚀 ❤\ufe0f 葛\U000e0100",  # joiners and variation selectors
        "\u200fחוף\u200e \u061cشاطئ",
        "ខ្ញុំ\u200bចង់",  # Khmer writes no spaces
        "ᠠᠨ\u180eᠠ",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
    ],
)
def test_what_scripts_and_emoji_need_is_a_text(words: str) -> None:
    for document in (f"a: {words}\n", f'a: "{words}"  # {words}\n'):
        assert plainly(parsed(document)) == {"a": words}


@pytest.mark.parametrize(
    "words",
    ["a\u200bb", "a\u180eb", "\U000e0067\U000e0062", "🏴\U000e0067", "\ufeff", "a\u3164", "a\u2062b", "\ufff9"],
)
def test_what_only_hides_is_an_error(words: str) -> None:
    _, found = parse(Source("storyboard.yaml", f"a: x {words}\n"))
    assert [finding.code for finding in found] == ["SB012"]
    (at,) = {found[0].span.text}
    assert at in words


@given(st.text(st.sampled_from("ab: 灯-\u200b\u202e\x07\u2028\U000e0041"), max_size=30))
def test_a_text_reads_as_if_what_it_may_not_hold_were_not_there(words: str) -> None:
    source = Source("storyboard.yaml", words)
    fitted = fit(source, 99)
    assert fitted.text == re.sub("[\u200b\u202e\x07\u2028\U000e0041]", "", words)
    assert "".join(words[fitted.original(n)] for n in range(len(fitted.text))) == fitted.text
    assert bool(fitted.found) == (fitted.text != words)


def test_a_place_behind_what_is_left_out_is_exact() -> None:
    root, found = parse(Source("storyboard.yaml", "a\u200b: b\x07c # \u202e\nd: 'e\u2060'\n"))
    assert root is not None
    assert {key: value.span.text for key, (_, value) in root.entries.items()} == {"a": "b\x07c", "d": "'e\u2060'"}
    assert [place(finding) for finding in found] == [(1, 2), (1, 6), (1, 11), (2, 6)]


def test_findings_end_at_their_bound() -> None:
    for line in ("a: 1\n", '"\\e": 1\n', "? [a]\n: 1\n", "# \u200b\n", "? !t a\n"):
        _, found = parse(Source("storyboard.yaml", line * (MAX_FOUND + 50)))
        assert MAX_FOUND - 1 <= len(found) <= MAX_FOUND


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert list(parsed("'<<': 1\n").entries) == ["<<"]


def test_an_alias_stands_for_the_node_that_it_names() -> None:
    root = parsed("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n")
    listed = root.value("d")
    assert isinstance(listed, Sequence)
    assert root.value("c") is root.value("a")
    assert all(item is root.value("a") for item in listed.items)


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_the_nesting_ends_at_its_bound(opening: str) -> None:
    closing = {"[": "]", "{a: ": "}"}.get(opening, "")
    inner = MAX_DEPTH - 1  # the document's own mapping is one
    deep = parsed(f"key:\n  {opening * inner}x{closing * inner}\n").value("key")
    for _ in range(inner):
        deep = deep.items[0] if isinstance(deep, Sequence) else deep.value("a") if isinstance(deep, Mapping) else None
    assert isinstance(deep, Scalar) and deep.text == "x"
    deeper = the_finding(f"key:\n  {opening * (inner + 1)}x{closing * (inner + 1)}\n")
    assert (deeper.code, place(deeper)) == ("SB007", (2, 3 + len(opening) * inner))


def test_an_alias_may_not_nest_deeper_than_its_text_could() -> None:
    half = MAX_DEPTH // 2
    base = f"a: &a {'[' * half}x{']' * half}\nb: "
    parsed(f"{base}{'[' * (MAX_DEPTH - half - 1)}*a{']' * (MAX_DEPTH - half - 1)}\n")
    assert the_finding(f"{base}{'[' * (half + 1)}*a{']' * (half + 1)}\n").code == "SB007"


def test_the_aliases_end_at_their_bound() -> None:
    parsed("a: &a x\nb: [" + ", ".join(["*a"] * MAX_ALIASES) + "]\n")
    finding = the_finding("a: &a x\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]\n")
    assert (finding.code, place(finding)) == ("SB006", (2, 5 + 4 * MAX_ALIASES))


def test_the_nodes_that_aliases_stand_for_are_counted() -> None:
    items = MAX_NODES // MAX_ALIASES
    aliases = ", ".join(["*a"] * MAX_ALIASES)
    few, many = ", ".join(["x"] * (items - 100)), ", ".join(["x"] * (items + 1))
    parsed(f"a: &a [{few}]\nb: [{aliases}]\n")
    assert the_finding(f"a: &a [{many}]\nb: [{aliases}]\n").code == "SB006"


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.yaml"
    path.write_bytes("\ufefftitel: x\n".encode())
    source, found = read(path, "storyboard.yaml")
    assert found == []
    assert source.text == "titel: x\n"


FILM = """\
storyboard: 1
passes:
  draft: &draft {model: local/animatic, resolution: 720p}
  final: {model: local/animatic}
shots:
  - {id: s010, prompt: A boat, duration: 4}
"""


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("4}", "!!float 4}", "SB009"),
        ("{model: local/animatic}", "{<<: *draft}", "SB008"),
        ("4}", "*four}", "SB006"),
        ("4}", "4, camera: *slow}", "SB006"),
        ("A boat", "*boat", "SB006"),
        ("4}", "4, seed: &s [*s]}", "SB006"),
        ("4}", "4, duration: 5}", "SB005"),
        ("4}", "4, [a]: b}", "SB004"),
        ("A boat", '"A b\\x07oat"', "SB013"),
        ("A boat", "A b\u200boat", "SB012"),
        ("s010", "s\u202e010", "SB012"),
        ("A boat", "A b\x07oat", "SB002"),
        ("4}\n", "4}\n---\nshots: []\n", "SB010"),
    ],
)
def test_a_text_with_a_finding_is_blamed_once_and_never_compiled(old: str, new: str, code: str, tmp_path: Path) -> None:
    path = tmp_path / "storyboard.yaml"
    path.write_text(FILM, "utf-8")
    assert storyboard.load(path).film().shots
    path.write_text(FILM.replace(old, new), "utf-8")
    wanted = {code, "SB103"} if new.endswith("[*s]}") else {code}  # a list is no seed, whatever is in it
    assert {finding.code for finding in storyboard.check(path)} == wanted
    for _ in range(2):
        with pytest.raises(storyboard.Rejected):
            storyboard.load(path).plan()


def test_the_findings_of_a_storyboard_end_at_their_bound(tmp_path: Path) -> None:
    path = tmp_path / "storyboard.yaml"
    shots = "".join(f"  - {{id: s{n}, prompt: '@nobody'}}\n" for n in range(MAX_FOUND + 20))
    path.write_text(f"storyboard: 1\nshots:\n{shots}", "utf-8")
    found = storyboard.check(path)
    assert [finding.code for finding in found] == ["SB201"] * MAX_FOUND
    assert [place(finding)[0] for finding in found] == list(range(3, MAX_FOUND + 3))


# Hostile texts, each alone in a process with little memory and time

HOSTILE = {
    "alias bomb": (
        "a0: &a0 ["
        + ", ".join(["x"] * 9)
        + "]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "SB006",
    ),
    "a list 2,000 deep": ("- " * 2_000 + "x\n", "SB007"),
    "keys 2,000 deep": ("".join(" " * n + "k:\n" for n in range(2_000)), "SB007"),
    "brackets 100,000 deep": ("[" * 100_000 + "]" * 100_000, "SB007"),
    "4 MiB of brackets": ("[" * MAX_BYTES, "SB007"),
    "4 MiB of anchors": ("a: &b c\n" * (MAX_BYTES // 8), "SB005"),
    "a million aliases": ("a: &a x\nb: [" + "*a, " * 1_000_000 + "]\n", "SB006"),
    "brackets after a URL": ("x: [https://example.org]\ny: " + "[" * 1_000_000, "SB007"),
    "a mention of 1 MiB": ("storyboard: 1\nshots: [{id: a, prompt: '@" + "a-" * (1 << 19) + "a'}]\n", "SB201"),
    "4 MiB of one quote": ('"' + "a" * (MAX_BYTES - 1), "SB004"),
}

GUARDED = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
import storyboard
found = storyboard.check(sys.argv[1])
usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
peak = next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))
codes = sorted({finding.code for finding in found})
print(json.dumps({"codes": codes, "last": found[-1].code, "peak": min(peak, usage)}))
"""
"""Linux's ru_maxrss starts at the peak of the process that started this one, VmHWM at nothing."""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere RLIMIT_AS binds nothing and /proc is missing")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_ends_in_a_finding(name: str, tmp_path: Path) -> None:
    text, code = HOSTILE[name]
    assert len(text) <= MAX_BYTES
    path = tmp_path / "storyboard.yaml"
    path.write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["last"] == code
    assert set(answer["codes"]) <= {code, "SB005"}
    assert answer["peak"] < 200 << 20


# Anything at all

VALID = """\
storyboard: 1
title: The Keeper
aspect: 16:9
fps: 24
style: {prompt: "35mm film", negative: 'text'}
characters:
  mira: &who
    look: a lighthouse keeper, sixty
    references: [https://example.org/a.png]
  tom: *who
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash, resolution: 720p, audio: false}
default_pass: animatic
shots:
  - id: s010
    prompt: "@mira climbs the stair, lamp in hand"
    camera: slow dolly in
    duration: 4
    passes:
      draft: {seed: 77}
  - id: s020
    prompt: >
      @tom lights the lamp;
      the beam sweeps the bay.
    duration: 96f
    trim: {in: 0.5}
    transition: {type: dissolve, duration: 0.5}
    dialogue:
      - {who: tom, line: "Not tonight.", at: 1.0, for: 2.0}
"""

PIECES = ["@", ":", ": ", "-", "- ", "\t", "\n", "\r", "  ", "#", " #", "&who", "*who", "*", "!", "!!str ", "<<: *who"]
PIECES += ["[", "]", "{", "}", ",", '"', "'", "|", ">", "%", "`", "?", "---\n", "...\n", "~", "\\", "://", "@tom", "é"]
PIECES += ["\u0301", "\u2028", "\u0085", "\ufeff", "\0", "\x1b", "🎬", "灯", "[key]", "..", "/", "0", "-1", "9" * 30]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The valid storyboard after a few slips of the hand."""
    text = VALID
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.sampled_from([0, 0, 1, 1, 2, 10, 60]))
        text = text[:at] + draw(st.sampled_from(["", *PIECES]) | st.characters(codec="utf-8")) + text[at + cut :]
    return text


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("syntax") / "storyboard.yaml"


def check_text(file: Path, text: str) -> list[Diagnostic]:
    """The findings of a text, each with its place inside it."""
    file.write_bytes(text.encode())
    found = storyboard.check(file)
    read_as = text.removeprefix("\ufeff")
    for finding in found:
        for span in (finding.span, *(related.span for related in finding.related)):
            assert 0 <= span.start <= span.end <= len(read_as)
            line, column = span.source.line_column(span.start)
            assert column <= len(span.source.line(line)) + 2  # a place may be at the line break, or after a CR
            if span.source.text:
                assert span.source.text == read_as
        json.dumps(finding.as_json())
    return found


def test_the_storyboard_that_is_mutated_is_valid(file: Path) -> None:
    assert check_text(file, VALID) == []


TWO_SPELLINGS = "  to\u0301m: {look: a}\n  t\u00f3m: {look: b}\n"  # one id once composed, two keys


@pytest.mark.parametrize(
    "text",
    [
        VALID.replace("  tom: *who\n", "  tom: *who\n" + TWO_SPELLINGS),
        VALID.replace("https://example.org/a.png", "'https://[::1/a.png'"),  # no URL, whatever it looks like
        VALID + "'[key]': 1\n",
        VALID.replace("    camera:", "    '[key]':"),
        VALID.replace("  mira: &who", "  '[key]': x\n  mira: &who"),
        VALID.replace("animatic: {model", "'[key]': {modl"),
    ],
    ids=["one id in two spellings", "half a host", "[key] on top", "[key] in a shot", "[key] as an id", "[key] above"],
)
def test_an_odd_storyboard_has_findings(file: Path, text: str) -> None:
    assert check_text(file, text)


@often(300)
@given(text=mutated())
def test_a_slip_of_the_hand_never_raises(file: Path, text: str) -> None:
    check_text(file, text)


@often(300)
@given(text=st.text(max_size=200) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_text_is_a_storyboard_by_chance(file: Path, text: str) -> None:
    assert check_text(file, text)


@often(100)
@given(value=st.text(max_size=60).map(double) | plain, key=st.sampled_from(["title", "aspect", "fps", "seed", "x"]))
def test_no_value_raises(file: Path, value: str, key: str) -> None:
    found = check_text(file, f"storyboard: 1\n{key}: {value}\nshots: [{{id: a, prompt: x}}]\n")
    assert found or key != "x"
