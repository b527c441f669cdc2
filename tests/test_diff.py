"""What changed between two revisions, shot by shot and field by field, and what it costs: with real git."""

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from storyboard import Rejected, load, markdown
from storyboard.changes import Change
from storyboard.diff import Diff, Made, Shown, compare, pairs
from storyboard.diff.side import Side
from storyboard.film import Film, Shot
from storyboard.git import GitError, Repository
from storyboard.job import Job
from storyboard.lock import EMPTY, Acceptance, Entry, Lock, Place
from storyboard.revision import KEPT, Revisions
from storyboard.store import Record
from tests.folder import Folder
from tests.locks import TOM, approved, made, put
from tests.repository import ENVIRONMENT, Worked, by_id, kinds, told

BOARD = """\
storyboard: 1
title: Bay
style: {prompt: 35mm film, negative: text}
characters:
  mira: {look: a keeper, references: [refs/mira.png]}
passes:
  animatic: {model: local/animatic}
  draft: {model: wavespeed/alibaba/wan-2.6/reference-to-video-flash}
scenes:
  - id: one
    title: The bay
    shots:
      - {id: s010, prompt: "@mira climbs", camera: static, duration: 4}
      - {id: s020, prompt: "@mira waits", duration: 4}
      - {id: s030, prompt: "@mira sleeps", duration: 4}
  - id: two
    shots:
      - {id: s040, prompt: "@mira wakes", duration: 4, notes: early}
      - {id: s050, prompt: "@mira leaves", duration: 4}
"""


def _begun(folder: Path) -> Worked:
    film = Worked(folder)
    film.picture("refs/mira.png")
    film.picture("refs/tom.png", "red")
    film.begin(BOARD)
    return film


@pytest.fixture
def film(tmp_path: Path) -> Worked:
    return _begun(tmp_path / "film")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    return _begun(tmp_path_factory.mktemp("shared") / "film")


@pytest.fixture
def edited(shared: Worked) -> Worked:
    """A film of which only the text is changed."""
    shared.write(BOARD)
    return shared


def test_nothing_changed_is_nothing_to_tell_and_the_film_is_the_very_same(film: Worked) -> None:
    found = film.since()
    assert found.is_same
    assert kinds(found) == {}
    assert found.old.film is found.new.film
    assert found.cost == 0
    assert [(one.pass_id, one.state) for one in found.shots[0].passes] == [("animatic", "same"), ("draft", "same")]


def test_each_kind_of_change_is_told_of_its_shot_alone(edited: Worked) -> None:
    edited.edit('      - {id: s010, prompt: "@mira climbs", camera: static, duration: 4}\n', "")
    edited.edit("id: s020", "id: s025")
    edited.edit("@mira sleeps", "@mira snores")
    edited.edit('      - {id: s040, prompt: "@mira wakes", duration: 4, notes: early}\n', "")
    edited.write(
        (edited.path / "storyboard.yaml").read_text()
        + '      - {id: s060, prompt: "@mira rows", duration: 4}\n'
        + '      - {id: s040, prompt: "@mira wakes", duration: 4, notes: early}\n'
    )
    found = edited.since()
    assert kinds(found) == {
        "s010": ["removed"],
        "s020 -> s025": ["renamed"],
        "s030": ["changed"],
        "s060": ["added"],
        "s050": ["moved"],
    }
    assert [shot.id for shot in found.shots] == ["s010", "s025", "s030", "s050", "s060", "s040"]
    shots = by_id(found)
    assert told(shots["s030"]) == ["prompt: '@mira sleeps' -> '@mira snores'"]
    assert told(shots["s050"]) == ["place: after s040 -> after s030"]
    assert [shot.id for shot in found.shots if not shot.is_free] == ["s030", "s060"]
    assert [(one.pass_id, one.make, one.cost) for one in found.totals] == [
        ("animatic", 2, Decimal("0.00")),
        ("draft", 2, Decimal("0.50")),
    ]
    assert found.cost == Decimal("0.50")


ALPHABET = "abcdefgh"


def _film(order: str) -> Film:
    shots = tuple(Shot(one, "", "", "", f"shot {one}", (), Fraction(4), Fraction(0), skip=False) for one in order)
    return Film("t", "16:9", Fraction(24), "", {}, shots, {}, {}, {})


@given(st.permutations(ALPHABET))
def test_as_few_shots_as_can_be_are_moved(order: list[str]) -> None:
    found = pairs.paired(_film(ALPHABET), _film("".join(order)))
    longest = max(
        length
        for length in range(1, len(ALPHABET) + 1)
        if any(list(part) == sorted(part) for part in combinations(order, length))
    )
    assert sum(pair.moved for pair in found) == len(ALPHABET) - longest


@pytest.mark.parametrize("order", ["bacdefgh", "habcdefg", "bcdefgha", "abdefcgh"])
def test_moving_one_shot_marks_one(order: str) -> None:
    found = compare(Side("a", _film(ALPHABET), None), Side("b", _film(order), None), lambda _key: False)
    assert sum("moved" in shot.kinds for shot in found.shots) == 1


def test_of_several_alike_the_nearest_is_the_renamed_one(film: Worked) -> None:
    film.edit("@mira leaves", "@mira waits")
    film.commit()
    film.edit("s020", "x20")
    film.edit("s050", "x50")
    assert kinds(film.since()) == {"s020 -> x20": ["renamed"], "s050 -> x50": ["renamed"]}
    film.edit('      - {id: x20, prompt: "@mira waits", duration: 4}\n', "")
    assert kinds(film.since()) == {"s020": ["removed"], "s050 -> x50": ["renamed"]}


def test_a_shot_renamed_and_changed_a_little_is_known_by_its_prompt(edited: Worked) -> None:
    edited.edit(
        '{id: s010, prompt: "@mira climbs", camera: static', '{id: s015, prompt: "@mira climbs", camera: pan left'
    )
    found = edited.since()
    assert kinds(found) == {"s010 -> s015": ["renamed", "changed"]}
    assert told(found.shots[0]) == ["camera: 'static' -> 'pan left'"]
    edited.edit("@mira climbs", "@mira swims")
    assert kinds(edited.since()) == {"s010": ["removed"], "s015": ["added"]}


S050 = '{id: s050, prompt: "@mira leaves", duration: 4}'
FREE, PAID = Decimal("0.00"), Decimal("0.25")


@pytest.mark.parametrize(
    ("old", "new", "said", "cost"),
    [
        ("@mira leaves", "@mira goes", ["prompt: '@mira leaves' -> '@mira goes'"], PAID),
        ("duration: 4}", "duration: 4, camera: pan left}", ["camera: nothing -> 'pan left'"], PAID),
        ("duration: 4}", "duration: 4, negative: rain}", ["negative: nothing -> 'rain'"], PAID),
        ("duration: 4}", "duration: 5}", ["duration: 4 s -> 5 s"], FREE),
        ("duration: 4}", "duration: 9}", ["duration: 4 s -> 9 s"], Decimal("0.375")),
        ("duration: 4}", "duration: 4, trim: {in: 0.5}}", ["trim.in: 0 s -> 0.5 s"], FREE),
        ("duration: 4}", "duration: 4, take: 2}", ["take: 1 -> 2"], PAID),
        ("duration: 4}", "duration: 4, seed: 7}", ["seed: 1 -> 7"], PAID),
        ("duration: 4}", "duration: 4, notes: late}", ["notes: nothing -> 'late'"], FREE),
        ("duration: 4}", "duration: 4, skip: true}", ["skip: false -> true"], FREE),
        ("duration: 4}", "duration: 4, fit: retime}", ["fit: hold -> retime"], FREE),
        ("duration: 4}", "duration: 4, framing: fill}", ["framing: fit -> fill"], FREE),
        ("duration: 4}", "duration: 4, audio: {volume: -6}}", ["audio.volume: 0 dB -> -6 dB"], FREE),
        ("duration: 4}", "duration: 4, audio: {lead: 0.5, mute: true}}", [
            "audio.lead: 0 s -> 0.5 s", "audio.mute: false -> true"], FREE),
        ("duration: 4}", "duration: 4, transition: {type: dissolve, duration: 0.25}}", [
            "transition: cut -> dissolve of 0.25 s"], FREE),
        ("duration: 4}", "duration: 4, effects: [BlackAndWhite]}", ["effects: none -> BlackAndWhite"], FREE),
        ("duration: 4}", "duration: 4, place: the pier}", ["setting: nothing -> 'the pier'"], FREE),
        ("duration: 4}", "duration: 4, style: {prompt: fog}}", ["the shot's style.prompt: nothing -> 'fog'"], PAID),
        ("duration: 4}", "duration: 4, dialogue: [{who: mira, line: Now., at: 1}]}", [
            "dialogue: nothing -> Mira: 'Now.' (1-2 s)"], FREE),
        ("duration: 4}", "duration: 4, passes: {draft: {prompt: '@mira runs'}}}", [
            "prompt (draft): '@mira leaves' -> '@mira runs'"], PAID),
        ("duration: 4}", "duration: 4, passes: {draft: {resolution: 1080p}}}", [
            "size (draft): '1280*720' -> '1920*1080'"], Decimal("0.40")),
        ("duration: 4}", "duration: 4, clip: refs/own.mp4}", [
            "clip (animatic): none -> refs/own.mp4 (7ba6ce6c)", "clip (draft): none -> refs/own.mp4 (7ba6ce6c)"], FREE),
    ],
)  # fmt: skip
def test_a_field_is_told_old_and_new_with_its_price(
    edited: Worked, old: str, new: str, said: list[str], cost: Decimal
) -> None:
    if "own.mp4" in new:
        (edited.path / "refs/own.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(20))
    edited.edit(S050, S050.replace(old, new))
    found = edited.since()
    assert kinds(found) == {"s050": ["changed"]}
    assert told(found.shots[4]) == said
    assert found.cost == cost


@pytest.mark.parametrize(
    ("old", "new", "shots", "said"),
    [
        ("35mm film", "16mm film", 5, "style.prompt: '35mm film' -> '16mm film'"),
        ("negative: text", "negative: fog", 5, "style.negative: 'text' -> 'fog'"),
        ("wan-2.6/reference-to-video-flash}", "wan-2.6/reference-to-video-flash, seed: 3}", 5, "seed (draft): 1 -> 3"),
        (
            "title: The bay\n",
            "title: The bay\n    style: {prompt: dusk}\n",
            3,
            "scene's style.prompt: nothing -> 'dusk'",
        ),
    ],
)
def test_what_changed_behind_many_shots_is_told_once(edited: Worked, old: str, new: str, shots: int, said: str) -> None:
    edited.edit(old, new)
    found = edited.since()
    assert {str(change): count for change, count in found.shared.items()} == {said: shots}
    assert found.count("changed") == shots


def test_what_changed_of_the_whole_film_is_told_in_words(edited: Worked) -> None:
    edited.edit("title: Bay", "title: Sea\naspect: 9:16\nbudget: 5\ndefault_pass: draft\naudio: {loudness: -23}")
    edited.edit("title: The bay", "title: The sea")
    edited.edit("{model: local/animatic}", "{model: local/animatic, leader: true}")
    edited.edit("video-flash}\n", "video-flash, resolution: 1080p}\n  final: {extends: draft}\n")
    model = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
    assert list(map(str, edited.since().changes)) == [
        "title: 'Bay' -> 'Sea'",
        "aspect: 16:9 -> 9:16",
        "default_pass: animatic -> draft",
        "budget: none -> $5.00",
        "audio.loudness: -16 LUFS -> -23 LUFS",
        "scene one: 'The bay' -> 'The sea'",
        "pass animatic: leader: false -> true",
        "pass draft: resolution: 720p -> 1080p",
        f"pass final: added: {model}",
    ]
    edited.write(BOARD.replace(f"  draft: {{model: {model}}}\n", ""))
    found = edited.since()
    assert list(map(str, found.changes)) == ["pass draft: removed"]
    assert found.count("same") == 5


def test_a_reference_with_other_bytes_is_told_though_name_size_and_times_are_the_same(film: Worked) -> None:
    picture = film.path / "refs/mira.png"
    whole, status = picture.read_bytes(), picture.stat()
    picture.write_bytes(whole[:-1] + b"!")
    os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))
    found = film.since()
    assert kinds(found) == {f"s0{n}0": ["changed"] for n in range(1, 6)}
    (said,) = map(str, found.shared)
    assert re.fullmatch(r"reference 1 of @mira: refs/mira.png: bytes changed \([0-9a-f]{8} -> [0-9a-f]{8}\)", said)
    assert found.cost == Decimal("1.25")
    film.commit()
    assert film.since().is_same
    assert film.since("HEAD~").cost == Decimal("1.25")


def test_a_reference_under_another_name_is_told_and_is_free(film: Worked) -> None:
    (film.path / "refs/mira.png").rename(film.path / "refs/front.png")
    film.edit("refs/mira.png", "refs/front.png")
    found = film.since()
    assert [str(one) for one in found.shared] == [
        "reference 1 of @mira: refs/mira.png -> refs/front.png (the same bytes)"
    ]
    assert found.cost == FREE


def test_clips_that_the_store_holds_cost_nothing(film: Worked) -> None:
    film.edit("@mira leaves", "@mira goes")
    project = load(film.path / "storyboard.yaml")
    job = project.asked().job("draft", "s050")
    assert job
    assert job.key
    clip = film.path / "clip.mp4"
    clip.write_bytes(b"a clip")
    project.store.put(job.key, {"clip": clip}, {})
    (shot,) = [one for one in film.since().shots if not one.is_same]
    assert [(one.pass_id, one.state) for one in shot.passes] == [("animatic", "make"), ("draft", "there")]
    assert shot.cost == FREE


def test_shots_that_ask_for_the_same_clip_are_paid_for_once(edited: Worked) -> None:
    edited.write(BOARD + "".join(f'      - {{id: s0{n}0, prompt: "@mira rows", duration: 4}}\n' for n in (6, 7)))
    found = edited.since()
    assert found.totals[1] == ("draft", 1, PAID)
    assert [shot.cost for shot in found.shots[5:]] == [PAID, PAID]


def test_other_takes_are_priced(edited: Worked) -> None:
    edited.edit(S050, S050.replace("duration: 4", "duration: 4, takes: [1, 2, 3]"))
    (shot,) = [one for one in edited.since().shots if not one.is_same]
    assert len(shot.passes[1].makes) == 2
    assert shot.cost == 2 * PAID


LIBRARY = "characters:\n  tom: {look: a boy, references: [tom.png]}\n"


def test_a_library_is_the_one_of_the_revision(film: Worked) -> None:
    film.write(LIBRARY, "refs/cast.yaml")
    film.edit("title: Bay", "title: Bay\ninclude: refs/cast.yaml")
    film.edit("@mira leaves", "@tom leaves")
    film.commit()
    assert film.since().is_same
    film.write(LIBRARY.replace("tom.png", "mira.png"), "refs/cast.yaml")
    found = film.since()
    assert kinds(found) == {"s050": ["changed"]}
    assert "refs/tom.png" in told(found.shots[4])[0]
    assert "refs/mira.png" in told(found.shots[4])[0]
    (film.path / "refs/cast.yaml").unlink()
    film.edit("title: Bay\ninclude: refs/cast.yaml", "title: Bay")
    film.edit("@tom leaves", "@mira leaves")
    assert kinds(film.since()) == {"s050": ["changed"]}


def test_model_files_are_those_of_the_revision(film: Worked) -> None:
    models = Path(__file__).parent.parent / "storyboard" / "catalog"
    text = next(models.rglob("*reference-to-video-flash.toml")).read_text("utf-8")
    own = text.replace("wavespeed/alibaba/wan-2.6/reference-to-video-flash", "wavespeed/own/one")
    film.write(own, "models/own.toml")
    film.edit("wavespeed/alibaba/wan-2.6/reference-to-video-flash", "wavespeed/own/one")
    film.commit()
    (film.path / "models/own.toml").unlink()
    film.edit("wavespeed/own/one", "wavespeed/alibaba/wan-2.6/reference-to-video-flash")
    found = film.since()
    assert found.old.film
    assert found.old.film.passes["draft"].model == "wavespeed/own/one"
    assert found.cost == 5 * PAID
    film.git("checkout", "--quiet", ".")
    assert film.since().is_same
    film.write(own.replace('usd = "', 'usd = "1'), "models/own.toml")
    found = film.since()
    assert found.is_same
    jobs = [side.film.job("draft", "s010") for side in (found.old, found.new) if side.film]
    assert [job.cost for job in jobs if job] == [PAID, 10 + PAID]


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


def test_a_pointer_of_git_lfs_is_the_file_that_it_stands_for(film: Worked) -> None:
    real = film.picture("refs/tom.png", "red").read_bytes()
    sha = load(film.path / "storyboard.yaml").inputs().assets["refs/tom.png"].sha256
    film.edit("refs/mira.png", "refs/tom.png")
    (film.path / "refs/tom.png").write_text(POINTER.format(sha, len(real)))
    film.commit()
    (film.path / "refs/tom.png").write_bytes(real)
    assert film.since().is_same
    (film.path / "refs/tom.png").write_text(POINTER.format("0" * 64, len(real)))
    film.commit()
    (film.path / "refs/tom.png").write_bytes(real)
    assert film.since().cost == 5 * PAID
    kept = film.path / ".git/lfs/objects/00/00" / ("0" * 64)  # a sound, whatever the name says
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(Rejected) as rejected:
        film.since()
    assert [one.code for one in rejected.value.diagnostics] == ["SB208"]
    (film.path / "refs/tom.png").write_text(POINTER.format("0" * 64, 0))
    film.commit()
    (film.path / "refs/tom.png").write_bytes(real)
    with pytest.raises(Rejected, match="is empty"):
        film.since()


def test_every_path_leads_where_it_leads_in_the_working_tree(film: Worked, tmp_path: Path) -> None:
    links = {
        "ok.png": "tom.png",
        "round.png": "../refs/./tom.png",
        "whole.png": f"{film.path}/refs/tom.png",
        "twice.png": "ok.png",
        "out.png": "../../tom.png",
        "passwd.png": "/etc/passwd",
        "loop.png": "loop.png",
        "nothing.png": "nothere.png",
        "folder.png": "../refs",
        "empty.png": "nil.png",
    }
    for name, target in links.items():
        (film.path / "refs" / name).symlink_to(target)
    (film.path / "pictures").symlink_to("refs")
    (film.path / "up").symlink_to("..")
    (film.path / "refs/nil.png").touch()
    (film.path / "refs/tom.png").chmod(0o755)
    film.picture("../outside.png")
    film.commit()
    asked = [f"refs/{name}" for name in links] + [f"pictures/{name}" for name in links]
    asked += ["refs", "refs/", "refs/tom.png/x", "refs/../refs/tom.png", "./refs/tom.png", "up/outside.png", "up"]
    asked += [
        "../outside.png",
        "../film/refs/tom.png",
        "../../x",
        f"../../{film.path.parent.name}/film/refs/tom.png",
        "../other/refs/tom.png",
        "none/../../x",
        "none",
        "refs/../..",
        "/etc/passwd",
        "~/x",
        "C:/x",
    ]
    project = load(film.path / "storyboard.yaml")
    with Revisions(project.path, project.store, Repository(film.path, ENVIRONMENT)) as found:
        past = found.at("HEAD").inputs()
        assert past
        here = {one: project.inputs().assets[one][2:] for one in asked}
        assert {one: past.assets[one][2:] for one in asked} == here
    assert {one[2] for one in here.values()} == {None, "outside", "absolute", "loop", "missing", "folder", "empty"}


def test_a_file_of_a_submodule_is_not_in_the_commit(film: Worked) -> None:
    inner = Worked(film.path / "sub")
    inner.begin("nothing")
    inner.picture("a.png")
    inner.commit()
    film.edit("refs/mira.png", "sub/a.png")
    film.commit()
    with pytest.raises(Rejected, match=r"'sub/a\.png' isn't there") as rejected:
        film.since()
    assert {one.span.source.name for one in rejected.value.diagnostics} == {"HEAD:storyboard.yaml"}


def test_a_storyboard_in_a_subfolder_with_names_of_any_script_is_read_from_there(tmp_path: Path) -> None:
    film = Worked(tmp_path / "großer film" / "第一")
    film.picture("refs/mädchen ü.png")
    film.write("characters:\n  海: {look: sea, references: ['../refs/mädchen ü.png']}\n", "lib/море.yaml")
    board = BOARD.replace("refs/mira.png", "refs/mädchen ü.png").replace(
        "title: Bay", "title: Bay\ninclude: lib/море.yaml"
    )
    (tmp_path / "refs").mkdir()
    (tmp_path / "refs/mira.png").write_bytes(b"another one")
    film.begin(board.replace("@mira leaves", "@海 leaves"), tmp_path)
    assert film.since().is_same
    film.edit("@海 leaves", "@海 goes")
    assert told(film.since().shots[4]) == ["prompt: '@海 leaves' -> '@海 goes'"]


def test_a_storyboard_that_was_renamed_is_found_under_its_old_name(film: Worked) -> None:
    film.write(LIBRARY, "cast.yaml")
    film.commit()
    (film.path / "storyboard.yaml").rename(film.path / "bay.yaml")
    (film.path / "cast.yaml").unlink()
    found = film.since(name="bay.yaml")
    assert found.is_same
    film.commit()
    said = json.loads(film.run("diff", "--json", "-f", "bay.yaml", "HEAD~", "HEAD").stdout)
    assert said["total"]["same"] == 5
    said = json.loads(film.run("diff", "--json", "HEAD~", "HEAD").stdout)
    assert said["total"]["same"] == 5


def test_a_checkout_with_other_line_ends_differs_in_nothing(edited: Worked) -> None:
    edited.write((edited.path / "storyboard.yaml").read_text().replace("\n", "\r\n"))
    assert edited.since().is_same


def test_where_there_was_no_storyboard_everything_is_added(film: Worked) -> None:
    film.git("rm", "--quiet", "storyboard.yaml")
    film.commit()
    film.write(BOARD)
    found = film.since()
    assert found.old.film is None
    assert [shot.kinds for shot in found.shots] == [("added",)] * 5
    assert found.cost == 5 * PAID
    said = json.loads(film.run("diff", "--json", "HEAD~", "HEAD").stdout)
    assert said["total"]["removed"] == 5
    assert said["total"]["cost"] == "0.00"


def _past(film: Worked, revision: str = "HEAD") -> Film | None:
    project = load(film.path / "storyboard.yaml")
    with Revisions(project.path, project.store, Repository(film.path, ENVIRONMENT)) as found:
        return found.at(revision).film()


def test_the_film_of_a_revision_is_remembered_and_is_the_compiled_one(film: Worked) -> None:
    folder = film.path / ".storyboard/compiled"
    first = _past(film)
    (kept,) = folder.glob("storyboard.yaml@*")
    written = kept.stat().st_mtime_ns
    assert _past(film) == first == load(film.path / "storyboard.yaml").asked()
    assert kept.stat().st_mtime_ns == written
    kept.write_bytes(kept.read_bytes()[:-9])
    assert _past(film) == first
    film.commit("nothing new")
    assert _past(film) == first
    assert len(list(folder.glob("storyboard.yaml@*"))) == 1
    for n in range(KEPT + 2):
        film.edit(f"title: {'Bay' + '!' * n}\n", f"title: {'Bay' + '!' * (n + 1)}\n")
        film.commit()
        _past(film)
    assert len(list(folder.glob("storyboard.yaml@*"))) == KEPT


def test_an_object_is_looked_at_once_ever(film: Worked) -> None:
    before = _past(film)
    shutil.rmtree(film.path / ".storyboard/compiled")
    picture = film.git("rev-parse", "HEAD:refs/mira.png")
    (film.path / ".git/objects" / picture[:2] / picture[2:]).unlink()
    assert _past(film) == before
    (film.path / ".storyboard/objects").write_bytes(b"damaged")
    shutil.rmtree(film.path / ".storyboard/compiled")
    with pytest.raises(Rejected, match="can't be read"):
        _past(film)


def test_what_git_cannot_say_is_a_usage_error_with_its_cure(film: Worked, tmp_path: Path) -> None:
    assert "git knows no revision 'nowhere'" in film.run("diff", "nowhere", status=2).stderr
    assert "two revisions at most" in film.run("diff", "a", "b", "c", status=2).stderr
    assert "no pass 'finale'" in film.run("diff", "-p", "finale", status=2).stderr
    assert "-o diff.html" in film.run("diff", "--format", "html", status=2).stderr
    film.commit()
    clone = Worked(tmp_path / "clone")
    film.git("clone", "--quiet", "--depth=1", f"file://{film.path}", str(clone.path))
    assert "git fetch --unshallow" in clone.run("diff", "HEAD~", status=2).stderr
    alone = Folder(tmp_path / "alone")
    shutil.copytree(film.path, alone.path, ignore=shutil.ignore_patterns(".git"))
    assert "not a git repository" in alone.run("diff", status=2).stderr
    with pytest.raises(GitError):
        Repository(alone.path, ENVIRONMENT)


def test_a_revision_with_errors_is_shown_as_check_shows_it(film: Worked) -> None:
    film.edit("duration: 4, notes", "durations: 4, notes")
    film.commit()
    film.write(BOARD)
    said = film.run("diff", status=1).stderr
    assert "error[SB101]" in said
    assert "HEAD:storyboard.yaml:18:" in said
    as_json = json.loads(film.run("diff", "--json", status=1).stdout)
    assert as_json["diagnostics"][0]["file"] == "HEAD:storyboard.yaml"


def test_two_revisions_are_named_as_git_diff_names_them(film: Worked) -> None:
    film.git("checkout", "--quiet", "-b", "other")
    film.edit("@mira leaves", "@mira goes")
    film.commit()
    film.git("checkout", "--quiet", "main")
    film.edit("@mira climbs", "@mira falls")
    film.commit()
    film.edit("title: Bay", "title: Sea")

    def changed(*revisions: str) -> tuple[list[str], int]:
        said = json.loads(film.run("diff", "--json", *revisions).stdout)
        return [shot["shot"] for shot in said["shots"] if shot["kinds"] != ["same"]], len(said["changes"])

    assert changed() == ([], 1)
    assert changed("other") == (["s010", "s050"], 1)
    assert changed("other", "main") == changed("other..main") == changed("other..") == (["s010", "s050"], 0)
    assert changed("other...main") == changed("other...") == (["s010"], 0)
    assert changed("main...other") == changed("...other") == (["s050"], 0)
    assert changed(":/first") == (["s010"], 1)


def test_the_command_says_all_of_it_in_text_and_json_and_by_its_status(film: Worked) -> None:
    film.edit("@mira leaves", "@mira goes")
    film.edit("title: Bay", "title: Sea")
    said = film.run("diff", "--exit-code", status=1).stdout.splitlines()
    assert said == [
        "title: 'Bay' -> 'Sea'",
        "",
        "s050  changed  draft $0.25",
        "    prompt: '@mira leaves' -> '@mira goes'",
        "HEAD -> the working tree: 1 changed, 4 same; 2 clips to make (animatic 1, $0.00; draft 1, $0.25); cost $0.25",
    ]
    shown = json.loads(film.run("diff", "--json").stdout)
    assert shown["format"] == 1
    assert shown["total"]["passes"] == [
        {"pass": "animatic", "make": 1, "cost": "0.00"},
        {"pass": "draft", "make": 1, "cost": "0.25"},
    ]
    (shot,) = [one for one in shown["shots"] if one["kinds"] == ["changed"]]
    assert shot["changes"] == [{"field": "prompt", "old": "'@mira leaves'", "new": "'@mira goes'"}]
    draft = shot["passes"][1]
    assert (draft["state"], draft["cost"]) == ("make", "0.25")
    assert draft["old_key"] != draft["new_key"]
    narrow = film.run("diff", "-p", "animatic").stdout
    assert narrow.endswith("1 clip to make (animatic 1, $0.00); cost $0.00\n")
    assert film.git("status", "--porcelain") == "M storyboard.yaml"
    film.git("checkout", "--quiet", ".")
    assert film.run("diff", "--exit-code").stdout == ("HEAD -> the working tree: 5 same; 0 clips to make; cost $0.00\n")
    film.run("diff", "--format", "html", "-o", "out.html")
    assert (film.path / "out.html").read_text().startswith("<!")


def _said(film: Worked, shot: str, change: Callable[[Entry], Entry]) -> None:
    """Change what the lock says of a shot's draft, which it has as it is asked for today."""
    project = load(film.path / "storyboard.yaml")
    job = project.asked().job("draft", shot)
    assert job
    place = Place(shot, "draft")
    project.relock(lambda lock: put(lock, place, change(lock.entries.get(place) or made(shot, key=job.key))))


def test_what_people_said_of_a_clip_is_told_where_it_is_news_and_where_a_change_takes_it_back(film: Worked) -> None:
    for shot in ("s010", "s020", "s030"):
        _said(film, shot, lambda one: one)
    _said(film, "s020", lambda one: approved(one, note="the light"))
    _said(film, "s030", approved)
    film.commit()
    assert film.since().is_same
    _said(film, "s010", lambda one: approved(one, TOM, note="|now|"))
    found = film.since()
    assert kinds(found) == {"s010": ["reviewed"]}
    assert told(by_id(found)["s010"]) == ["approval.draft: none -> approved by Tom Ba, 2026-11-21: |now|"]
    assert (found.cost, by_id(found)["s010"].is_free, found.is_same) == (0, True, False)
    film.edit("@mira waits", "@mira rests")
    film.edit("id: s030", "id: s035")
    project = load(film.path / "storyboard.yaml")
    project.relock(lambda lock: lock.renamed("s030", "s035"))
    found = film.since()
    assert kinds(found) == {"s010": ["reviewed"], "s020": ["changed"], "s030 -> s035": ["renamed"]}
    assert told(by_id(found)["s020"]) == [
        "prompt: '@mira waits' -> '@mira rests'",
        "approval.draft: approved by Ada Lovelace, 2026-11-21: the light -> outdated",
    ]
    assert told(by_id(found)["s035"]) == [], "the approval goes with the clip"
    film.commit()
    _said(film, "s010", lambda one: one._replace(approved=None))
    _said(film, "s020", lambda _: approved(made("another", key=_key(film, "s020"))))
    found = film.since()
    assert kinds(found) == {"s010": ["reviewed"], "s020": ["reviewed"]}
    assert told(by_id(found)["s010"]) == ["approval.draft: approved by Tom Ba, 2026-11-21: |now| -> none"]
    (change,) = by_id(found)["s020"].changes
    assert change.old == "outdated: another clip was approved by Ada Lovelace, 2026-11-21: the light"
    assert change.new == "approved by Ada Lovelace, 2026-11-21"
    assert "2 reviewed, 3 same" in film.run("diff").stdout
    assert {tuple(one["kinds"]) for one in json.loads(film.run("diff", "--json").stdout)["shots"]} == {
        ("reviewed",),
        ("same",),
    }
    comment = film.run("diff", "--format", "markdown").stdout
    assert (
        "| `s010` | reviewed | `approval.draft`: `approved by Tom Ba, 2026-11-21: \\|now\\|` → `none` | free |"
        in comment
    )
    film.run("diff", "--format", "html", "-o", "out.html")
    assert '<li class="badge reviewed">2 reviewed</li>' in (film.path / "out.html").read_text()


def test_another_clip_in_the_place_of_an_approved_one_is_a_change(film: Worked) -> None:
    _said(film, "s010", approved)
    film.commit()
    _said(film, "s010", lambda one: one._replace(clip="0" * 64))
    found = film.since()
    assert kinds(found) == {"s010": ["changed"]}
    assert told(by_id(found)["s010"]) == ["approval.draft: approved by Ada Lovelace, 2026-11-21 -> outdated"]


def _key(film: Worked, shot: str) -> str:
    job = load(film.path / "storyboard.yaml").asked().job("draft", shot)
    assert job
    assert job.key
    return job.key


def test_a_plan_against_a_revision_costs_what_changed_whatever_the_store_holds(film: Worked) -> None:
    film.edit("@mira leaves", "@mira goes")
    first = film.run("plan", "--against", "HEAD", "-p", "draft").stdout
    assert "draft: 1 clip to make, 4 cached; cost $0.25" in first
    assert "as in HEAD" in first
    assert "prompt: 'character1 leaves. 35mm film.' -> 'character1 goes. 35mm film.'" in first
    project = load(film.path / "storyboard.yaml")
    for shot in ("s040", "s050"):
        job = project.asked().job("draft", shot)
        assert job
        assert job.key
        clip = film.path / ".storyboard/clip.mp4"
        clip.write_bytes(shot.encode())
        assert isinstance(project.store.put(job.key, {"clip": clip}, {}), Record)
    assert film.run("plan", "--against", "HEAD", "-p", "draft").stdout == first
    assert "draft: 3 clips to make, 2 cached" in film.run("plan", "-p", "draft").stdout
    shown = json.loads(film.run("plan", "--against", "HEAD", "-p", "draft", "--json").stdout)
    assert (shown["against"], shown["total"]["cost"]) == ("HEAD", "0.25")
    job = project.asked().job("draft", "s050")
    assert job
    stays = Acceptance(job.key or "", "Ada", "2026-11-22T00:00:00Z")
    old = Entry("0" * 64, "0" * 64, 1, job.model, accepted=stays)
    lock = project.relock(lambda lock: Lock({**lock.entries, Place("s050", "draft"): old}))
    assert lock.get("s050", "draft") == old
    assert "accepted as it is by Ada" in film.run("plan", "--against", "HEAD", "-p", "draft").stdout
    project.relock(lambda _lock: EMPTY)
    film.commit()
    assert "0 clips to make, 5 cached" in film.run("plan", "--against", "main...", "-p", "draft").stdout
    assert "1 clip to make" in film.run("plan", "--against", "HEAD~", "-p", "draft").stdout
    assert "no revision 'x'" in film.run("plan", "--against", "x", status=2).stderr


def test_nothing_that_a_hostile_repository_names_is_run(film: Worked, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    run = str(tmp_path / "run")
    Path(run).write_text(f"#!/bin/sh\necho $0 $* >> {canary}\n")
    Path(run).chmod(0o755)
    film.write("* filter=evil diff=evil merge=evil\n", ".gitattributes")
    film.commit()
    film.edit("@mira leaves", "@mira goes")
    film.commit()
    missing = film.git("rev-parse", "HEAD~:storyboard.yaml")
    for key, value in {
        "core.fsmonitor": run,
        "core.hooksPath": str(tmp_path / "hooks"),
        "core.pager": run,
        "core.editor": run,
        "core.sshCommand": run,
        "core.alternateRefsCommand": run,
        "core.gitProxy": run,
        "diff.external": run,
        "diff.evil.textconv": run,
        "diff.evil.command": run,
        "filter.evil.smudge": run,
        "filter.evil.clean": run,
        "filter.evil.process": run,
        "filter.evil.required": "true",
        "uploadpack.packObjectsHook": run,
        "credential.helper": f"!{run}",
        "gpg.program": run,
        "alias.ls-tree": f"!{run}",
        "alias.cat-file": f"!{run}",
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{run}",
        "remote.origin.uploadpack": run,
        "core.repositoryFormatVersion": "1",
    }.items():
        film.git("config", key, value)
    (tmp_path / "hooks").mkdir()
    for name in ("post-checkout", "post-index-change", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        (tmp_path / "hooks" / name).write_text(f"#!/bin/sh\necho hook >> {canary}\n")
        (tmp_path / "hooks" / name).chmod(0o755)
    (film.path / "storyboard.yaml").touch()
    film.run("diff")
    film.run("diff", "HEAD")
    film.run("diff", "HEAD~...HEAD")
    film.run("plan", "--against", "HEAD~", "-p", "draft")
    (film.path / ".git/objects" / missing[:2] / missing[2:]).unlink()
    shutil.rmtree(film.path / ".storyboard")
    film.run("diff", "HEAD~", status=2)
    assert not canary.exists()


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></td></table><h1>owned</h1>",
    "[click](https://evil.example/)",
    "![x](https://evil.example/a.png)",
    "https://evil.example www.evil.example a@evil.example",
    "@octocat and @org/team, see #1, GH-2 and org/repo#3",
    "a | b || c \\| d \\\\| e",
    "`tick` ``two`` ```three```",
    "` | `<b>x</b>` | `",
    "*bold* _it_ ~~gone~~ **x**",
    "$x$ $$y$$ :tada: &lt;b&gt; &#64;octocat",
    "<!-- comment --> <details> </details>",
    "\\` \\\\` \\",
    "- [x] done",
    "# heading",
    "| --- | --- |",
    "a\tb",
    "[ref]: https://evil.example",
    "<https://evil.example>",
    "`",
    "``",
    "|",
    "\\",
    "\\|",
)
PLAIN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"<br>", "<details><summary>Long texts in full</summary>\n", "</details>\n"}


def _parsed(text: str) -> tuple[list[str], list[str], list[str]]:
    """The kinds of tokens, the HTML, and the code of a Markdown text."""
    kinds, html, code = [], [], []
    for token in PLAIN.parse(text):
        for one in [token, *(token.children or [])]:
            kinds.append(one.type)
            if one.type in {"html_block", "html_inline"}:
                html.append(one.content)
            if one.type == "code_inline":
                code.append(one.content)
    return kinds, html, code


def _hostile(text: str) -> Diff:
    shot = Shot("s1", "", "", "", "", (), Fraction(4), Fraction(0), skip=False)
    changes = (
        Change("prompt", repr(text), repr(text + "!")),
        Change(text, note=text),
        Change(text, text + "z" * 150, text),
    )
    shown = Shown(shot, shot, ("changed",), changes, ())
    sides = [Side(name, None, None) for name in (text, f"{text} {text}")]
    return Diff(*sides, (Change("title", text, text),), (shown,), (text,))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_an_author_is_markup_in_a_comment(text: str) -> None:
    harmless, hostile = _parsed(markdown.diff(_hostile("plain"))), _parsed(markdown.diff(_hostile(text)))
    assert hostile[0] == harmless[0]
    assert set(hostile[1]) <= OURS
    wanted = [re.sub(r"\s+", " ", one.replace("plain", "\0")).replace("\0", text) for one in harmless[2]]
    if not {"|", "\t"} & set(text) and len(text) < 30 and "\\" not in text:
        assert " ".join(hostile[2][0].split()) == " ".join(wanted[0].split())


def test_random_texts_leave_a_comments_shape_as_it_is() -> None:
    chance = random.Random(7)
    shape = _parsed(markdown.diff(_hostile("plain")))[0]
    for _ in range(100):
        text = "".join(chance.choices("`|\\<>&@#[]()*_~!$:-x \n/", k=chance.randrange(1, 24)))
        if text.strip():
            assert _parsed(markdown.diff(_hostile(f"x{text}x")))[0] == shape, text


def test_a_comment_is_never_longer_than_github_takes() -> None:
    words = " ".join(f"word{n}" for n in range(150))
    one = _hostile("plain").shots[0]
    shots = []
    for n in range(400):
        its = Shot(f"x{n}", "", "", "", "", (), Fraction(4), Fraction(0), skip=False)
        job = Job("m", {"n": n}, {}, Fraction(5), Decimal("0.25"), str(n))
        change = Change("prompt", f"{n} {words}", f"{n} {words} more")
        shots.append(one._replace(old=its, new=its, changes=(change,), passes=(Made("p", job, job, "make", (job,)),)))
    found = Diff(Side("a", None, None), Side("b", None, None), (), tuple(shots), ("p",))
    whole = markdown.diff(found)
    assert 50_000 < len(whole) <= markdown.MOST
    assert re.search(r"… and \d+ more; `storyboard diff` shows all of it\.\n\n</details>\n$", whole)
    for most in (2_000, 5_000, 20_000):
        cut = markdown.diff(found, most)
        assert most * 0.7 < len(cut) <= most
        assert re.search(r"… and \d+ more shots; `storyboard diff` shows all of it\.\n$", cut)
        assert "| **all** | **400** | **$100.00** |" in cut


def test_a_plan_and_a_diff_read_well_in_a_pull_request(edited: Worked) -> None:
    edited.edit("@mira leaves", "@mira goes")
    assert edited.run("plan", "--against", "HEAD", "-p", "draft", "--format", "markdown").stdout == (
        "### Plan of pass `draft`, against `HEAD`\n\n1 clip to make, 4 cached; cost $0.25.\n\n"
        "| shot | state | bought | price | reason |\n|---|---|--:|--:|---|\n"
        "| `s050` | submit | 5 s | $0.25 | "
        "`prompt`: `'character1 leaves. 35mm film.'` → `'character1 goes. 35mm film.'` |\n"
    )
    assert edited.run("diff", "--format", "markdown").stdout == (
        "### `HEAD` → `the working tree`\n\n1 changed, 4 same.\n\n"
        "| pass | clips to make | cost |\n|---|--:|--:|\n| `animatic` | 1 | $0.00 |\n| `draft` | 1 | $0.25 |\n"
        "| **all** | **2** | **$0.25** |\n\n"
        "| shot | | what | to make |\n|---|---|---|---|\n"
        "| `s050` | changed | `prompt`: `'@mira leaves'` → `'@mira goes'` | `draft` $0.25 |\n"
    )
    edited.git("checkout", "--quiet", ".")
    assert edited.run("diff", "--format", "markdown").stdout == "### `HEAD` → `the working tree`\n\nNo shot differs.\n"
