"""Edits of a storyboard's text: what they change, and that nothing else does."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import prompt, syntax
from storyboard.rewrite import (
    Append,
    Edit,
    Move,
    Order,
    Remove,
    Rename,
    Reword,
    Set,
    Uneditable,
    Words,
    rewritten,
)
from storyboard.salvage import plain
from storyboard.source import Source
from tests.often import often

BOARD = """\
# The film
storyboard: 1
title: "The Keeper"   # working title
shots:   # in story order
  # the stair
  # (twice)
  - id: s010    # opening
    prompt: |
      she climbs
      # not a comment

    duration: 4   # long
    # camera: later
  # the lamp
  - {id: s020, prompt: "the lamp",  skip: true}

  # ---- act two ----

  - skip: true
    id: 's030'
    trim:
      in: '1'    # past the slate
    prompt: out
  - id: s040   # end
    prompt: home
    duration: "5"
    skip: true
"""


def edited(text: str, *edits: Edit) -> str:
    return rewritten(Source("storyboard.yaml", text), edits)


def changed(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, of texts with as many."""
    pairs = list(zip(before.splitlines(), after.splitlines(), strict=True))
    return [pair for pair in pairs if pair[0] != pair[1]]


def test_a_value_is_replaced_where_it_stands_in_the_quotes_that_it_had() -> None:
    after = edited(
        BOARD,
        Set(("shots", 0, "duration"), "97f"),
        Set(("shots", 2, "trim"), {"in": "0.5"}),
        Set(("shots", 3, "duration"), "00:00:04:12"),
    )
    assert changed(BOARD, after) == [
        ("    duration: 4   # long", "    duration: 97f   # long"),
        ("      in: '1'    # past the slate", "      in: '0.5'    # past the slate"),
        ('    duration: "5"', '    duration: "00:00:04:12"'),
    ]


def test_a_new_key_stands_where_the_language_has_it() -> None:
    after = edited(
        BOARD,
        Set(("shots", 0, "trim"), {"in": "0.5", "of": "5"}),
        Set(("shots", 1, "duration"), "00:00:01:00"),
        Set(("shots", 2, "duration"), "2"),
        Set(("shots", 2, "trim"), {"of": "5"}),
    )
    assert "    duration: 4   # long\n    trim: {in: 0.5, of: 5}\n" in after
    assert '- {id: s020, prompt: "the lamp", duration: "00:00:01:00",  skip: true}' in after
    assert "      in: '1'    # past the slate\n      of: 5\n    prompt: out\n    duration: 2\n  - id: s040" in after


def test_a_key_goes_with_its_line() -> None:
    after = edited(BOARD, *(Remove(("shots", n, "skip")) for n in (1, 2, 3)))
    assert '- {id: s020, prompt: "the lamp"}\n' in after
    assert "  - id: 's030'\n" in after
    assert after.endswith('    duration: "5"\n')
    assert edited("storyboard: 1\nx: {a: 1, b: 2}\n", Remove(("x", "a"))) == "storyboard: 1\nx: {b: 2}\n"
    assert edited("storyboard: 1\nx: {a: 1}\n", Remove(("x", "a"))) == "storyboard: 1\nx: {}\n"


def test_items_take_their_own_comments_along_and_leave_blank_lines_and_sections() -> None:
    assert (
        edited(BOARD, Order(("shots",), (3, 1, 0, 2))).partition("shots:")[2]
        == """\
   # in story order
  - id: s040   # end
    prompt: home
    duration: "5"
    skip: true
  # the lamp
  - {id: s020, prompt: "the lamp",  skip: true}

  # ---- act two ----

  # the stair
  # (twice)
  - id: s010    # opening
    prompt: |
      she climbs
      # not a comment

    duration: 4   # long
    # camera: later
  - skip: true
    id: 's030'
    trim:
      in: '1'    # past the slate
    prompt: out
"""
    )


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_line_breaks_stay_as_they_are(line_break: str) -> None:
    edits = [Set(("shots", 0, "seed"), "7"), Remove(("shots", 3, "skip")), Order(("shots",), (2, 0, 3, 1))]
    assert edited(BOARD.replace("\n", line_break), *edits) == edited(BOARD, *edits).replace("\n", line_break)


def test_a_text_without_a_last_line_break_gets_none_by_moving() -> None:
    text = "storyboard: 1\nshots:\n  - id: a\n  - id: b"
    assert edited(text, Order(("shots",), (1, 0))) == "storyboard: 1\nshots:\n  - id: b\n  - id: a"


def test_json_stays_json() -> None:
    text = '{"storyboard": 1, "shots": [{"id": "a", "duration": 4}, {"id": "b"}]}'
    after = edited(
        text,
        Set(("shots", 0, "duration"), "97f"),
        Set(("shots", 1, "duration"), "2.5"),
        Set(("shots", 1, "transition"), {"type": "dissolve", "duration": "0.5"}),
        Order(("shots",), (1, 0)),
    )
    assert after == (
        '{"storyboard": 1, "shots": [{"id": "b", "duration": 2.5, "transition": {"type": "dissolve", "duration": 0.5}}, '
        '{"id": "a", "duration": "97f"}]}'
    )


def test_lists_within_lists_are_put_in_order_together() -> None:
    text = (
        "scenes:\n  - id: one\n    shots:\n      # a's\n      - id: a\n      - id: b\n"
        "  # two's\n  - id: two\n    shots:\n    - id: c\n    - id: d # d's\n"
    )
    after = edited(
        text,
        Order(("scenes",), (1, 0)),
        Order(("scenes", 0, "shots"), (1, 0)),
        Set(("scenes", 1, "shots", 1, "skip"), "true"),
        Order(("scenes", 1, "shots"), (1, 0)),
    )
    assert after == (
        "scenes:\n  # two's\n  - id: two\n    shots:\n    - id: d # d's\n      skip: true\n    - id: c\n"
        "  - id: one\n    shots:\n      - id: b\n      # a's\n      - id: a\n"
    )


def test_an_alias_gives_way_to_a_value_and_what_it_names_stays() -> None:
    text = "x: &long 4\nt: &t {in: 1}\nshots:\n  - {id: a, duration: *long, trim: *t}\n"
    after = edited(text, Set(("shots", 0, "duration"), "5"), Set(("shots", 0, "trim"), {"of": "5"}))
    assert after.splitlines()[2:] == ["shots:", "  - {id: a, duration: 5, trim: {in: 1, of: 5}}"]
    assert edited("a: &x 1\nb: 2\n", Set(("a",), "3")) == "a: &x 3\nb: 2\n"  # nobody uses it


@pytest.mark.parametrize(
    ("text", "edit", "message", "line"),
    [
        ("a: &x 4\nb: *x\n", Set(("a",), "5"), "write 'a: 5' there by hand", 1),
        ("a: &x {in: 4}\nb: *x\n", Set(("b", "in"), "5"), "write 'in: 5' there by hand", 2),
        ("a: 1\nskip: true  # too slow\n", Remove(("skip",)), "remove 'skip' there by hand", 2),
        ("a: 1\nt:\n  # why\n  in: 1\n", Remove(("t",)), "remove 't' there by hand", 2),
        (
            "s: [{a: 1}, # one\n  {b: 1}]\nk:\n- &x 1\n- *x\n",
            Order(("k",), (1, 0)),
            "put the entries of 'k' in order",
            3,
        ),
        ("a: |+\n  text\n\nb:\n- |+\n  one\n\n- two\n", Order(("b",), (1, 0)), "put the entries of 'b' in order", 4),
        ("? a\n: 1\n", Set(("b", "c"), "2"), "write 'c: 2'", 1),
    ],
)
def test_what_would_change_something_else_is_refused_with_what_to_write(
    text: str, edit: Edit, message: str, line: int
) -> None:
    with pytest.raises(Uneditable) as refused:
        edited(text, edit)
    assert message in refused.value.help
    assert refused.value.span.source.line_column(refused.value.span.start)[0] == line


def test_of_several_edits_the_one_that_cant_be_made_is_named() -> None:
    with pytest.raises(Uneditable, match="'b' can't be edited here"):
        edited("a: 1\nb: &x 4\nc: *x\n", Set(("a",), "2"), Set(("b",), "5"))


TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=12).map(str.strip)


@given(TEXTS, st.sampled_from(["plain", "'one'", '"two"', "{}", "[]", ""]), st.booleans())
@often(60)
def test_any_text_can_be_set_and_is_read_back(text: str, old: str, is_flow: bool) -> None:
    before = f"a: {{k: {old or 'x'}, z: 1}}\n" if is_flow else f"a:\n  k: {old}  # said\n  z: 1\n"
    after = edited(before, Set(("a", "k"), text), Set(("a", "new"), text))
    root, found = syntax.parse(Source("", after))
    assert root is not None
    assert not found
    assert plain(root) == {"a": {"k": text, "z": "1", "new": text}}
    assert ("# said" in after) != is_flow


# Other words, other keys, other lists

CAST = """\
storyboard: 1
characters:
  # the keeper
  "mira": {look: old}   # she
  tom:
    look: young
passes:
  draft: {model: m, only: [s010, 's020',  "s030",]}
shots:
  - id: s010
    prompt: >2-  # said

        @mira climbs,
      and @mira-like @tom
       waits for @mira
    takes: [1, 2]   # both
  - {id: "s020", prompt: "\\"@mira\\" \\u0040mira\\n@mira \\
      \\x40mira", takes: [1]}
  - id: s030
    characters:
    - mira
    - 'tom'  # he
    prompt: '@mira''s @mira
      hand'
    camera: from @mira
      to @tom
    notes: |
      @mira
      #@mira
    takes:
    - 1
    - 2  # good
"""


def mentions(path: tuple[str | int, ...], text: str, new: str, old: str = "mira") -> Reword:
    """Other words for every mention of a character."""
    its = [one for one in prompt.mentions(text, {"mira", "tom"}) if one.id == old]
    return Reword(path, tuple(Words(one.start + 1, one.end, new) for one in its))


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_words_within_a_text_change_in_its_own_quotes_folds_and_escapes(line_break: str) -> None:
    root, _ = syntax.parse(Source("", CAST))
    assert root is not None
    board = plain(root)
    paths: list[tuple[str | int, ...]] = [("shots", n, "prompt") for n in range(3)]
    paths += [("shots", 2, "camera"), ("shots", 2, "notes")]
    edits = [mentions(path, board["shots"][path[1]][path[2]], "mária") for path in paths]
    assert sum(len(edit.words) for edit in edits) == 12
    text = CAST.replace("\n", line_break)
    assert edited(text, *edits) == text.replace("@mira", "@mária").replace("40mira", "40mária")


def test_a_key_and_items_of_lists_get_other_names_where_they_stand() -> None:
    after = edited(
        CAST,
        Rename(("characters", "mira"), "maria"),
        Set(("characters", "mira", "name"), "Mira"),
        Rename(("characters", "tom"), "null"),
        *(Reword(("passes", "draft", "only", n), (Words(0, 4, "мыс"),)) for n in range(3)),
        Reword(("shots", 2, "characters", 0), (Words(0, 4, "-"),)),
        Reword(("shots", 2, "characters", 1), (Words(0, 3, "o'tom"),)),
    )
    assert changed(CAST, after) == [
        ('  "mira": {look: old}   # she', '  "maria": {look: old, name: Mira}   # she'),
        ("  tom:", '  "null":'),
        (
            """  draft: {model: m, only: [s010, 's020',  "s030",]}""",
            """  draft: {model: m, only: [мыс, 'мыс',  "мыс",]}""",
        ),
        ("    - mira", '    - "-"'),
        ("    - 'tom'  # he", "    - 'o''tom'  # he"),
    ]


def test_a_list_gets_one_more_item_in_its_own_form() -> None:
    after = edited(
        CAST, *(Append(("shots", n, "takes"), "3") for n in range(3)), Append(("passes", "draft", "only"), "x")
    )
    assert "    takes: [1, 2, 3]   # both\n" in after
    assert "takes: [1, 3]}\n" in after
    assert after.endswith("    - 2  # good\n    - 3\n")
    assert """'s020',  "s030", x,]}""" in after


def test_keys_within_keys_that_arent_there_are_written_together() -> None:
    after = edited(CAST, Set(("shots", 0, "passes"), {"draft": {"takes": ("1", "2", "3"), "pick": "3"}}))
    assert "    takes: [1, 2]   # both\n    passes: {draft: {takes: [1, 2, 3], pick: 3}}\n" in after
    again = edited(after, Set(("shots", 0, "passes"), {"draft": {"pick": "2"}}))
    assert changed(after, again) == [
        ("    passes: {draft: {takes: [1, 2, 3], pick: 3}}", "    passes: {draft: {takes: [1, 2, 3], pick: 2}}")
    ]


def test_what_several_read_through_an_alias_is_changed_once_where_it_is_written() -> None:
    text = "x: [&a s010]\ny: [*a]\np: &p go @mira\nq: *p\n"
    edits = [Reword((key, 0), (Words(0, 4, "s1"),)) for key in "xy"]
    edits += [Reword((key,), (Words(4, 8, "ana"),)) for key in "pq"]
    assert edited(text, *edits) == "x: [&a s1]\ny: [*a]\np: &p go @ana\nq: *p\n"
    with pytest.raises(Uneditable, match="'p' can't be edited here"):
        edited(text, edits[2])


SCENES = """\
scenes:
  - id: one
    shots:
      # a's
      - id: a   # first

      - id: b
  - id: two
    shots:
      - id: c
      # under c

  - id: three
    shots:
      - id: d"""


@pytest.mark.parametrize(
    ("at", "to", "place", "lines"),
    [
        (0, 1, 0, "one:b two:a,c three:d"),
        (1, 1, 1, "one:a two:c,b three:d"),
        (0, 2, 1, "one:b two:c three:d,a"),
        (0, 2, 0, "one:b two:c three:a,d"),
    ],
)
def test_an_item_goes_into_another_list_with_its_comments(at: int, to: int, place: int, lines: str) -> None:
    after = edited(SCENES, Move(("scenes", 0, "shots", at), ("scenes", to, "shots"), place))
    root, _ = syntax.parse(Source("", after))
    assert root is not None
    scenes = plain(root)["scenes"]
    assert " ".join(f"{its['id']}:{','.join(shot['id'] for shot in its['shots'])}" for its in scenes) == lines
    assert ("      # a's\n      - id: a   # first" in after) and "      - id: c\n      # under c\n" in after
    assert Counter(after.split()) == Counter(SCENES.split())
    assert not after.endswith("\n")


def test_the_last_line_of_a_text_without_a_break_gets_one_where_it_goes() -> None:
    after = edited("a:\n- 1\nb:\n- 2\n- 3", Move(("b", 1), ("a",), 0))
    assert after == "a:\n- 3\n- 1\nb:\n- 2\n"


@pytest.mark.parametrize(
    ("text", "edit", "help_"),
    [
        ("a: {x: 1}\nb:\n  *k : 1\n", Rename(("b", "k"), "l"), "write 'l' there"),
        ("a: {x: 1, y: 2}\n", Rename(("a", "x"), "y"), "write 'y' there"),
        ("a: &a [1]\nb: *a\n", Append(("b",), "2"), "add 2 to it"),
        ("a: []\n", Append(("a",), "2"), "add 2 to it"),
        ("a: [1, 2]\nb:\n- 3\n", Move(("a", 0), ("b",), 0), "move it there"),
        ("a:\n- 1\nb:\n- 3\n", Move(("a", 0), ("b",), 0), "move it there"),
        ("a:\n- 1\n- 2\nb:\n  - 3\n", Move(("a", 0), ("b",), 0), "move it there"),
        ("a: x y\n", Reword(("a",), (Words(1, 2, "z"),)), "write 'z' there"),
        ("a: [x]\n", Reword(("a",), (Words(0, 1, "z"),)), "write 'z' there"),
    ],
)
def test_what_cant_be_renamed_moved_or_added_is_said(text: str, edit: Edit, help_: str) -> None:
    with pytest.raises(Uneditable) as refused:
        edited(text, edit)
    assert help_ in refused.value.help
