"""One run finds everything: a misshapen storyboard is checked as far as it can be read, and no further."""

import copy
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from pydantic import BaseModel

from storyboard import syntax
from storyboard.assets import Assets
from storyboard.decode import decode
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.expand import expand
from storyboard.front import Front
from storyboard.include import Included
from storyboard.memo import Memo
from storyboard.model import Library, Storyboard
from storyboard.pins import Pins
from storyboard.salvage import plain
from storyboard.source import Source
from tests.often import often

WHOLE = Path(__file__).parent / "cases" / "whole"
TEXT = (WHOLE / "storyboard.yaml").read_text("utf-8")
PNG = b"\x89PNG\r\n\x1a\n"
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isommp41"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the storyboard of the whole language, with its files."""
    place = tmp_path_factory.mktemp("decode") / "film"
    shutil.copytree(WHOLE, place)
    for name in (
        "refs/lamp.png",
        "refs/turn.mp4",
        "series/tom.mp4",
        "shots/own.mp4",
        "sound/waves.wav",
        "sound/room.wav",
    ):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes((PNG if name.endswith(".png") else MP4) + name.encode() * 9)
    return place


Check = Callable[[str], list[Diagnostic]]


@pytest.fixture(scope="module")
def check(folder: Path) -> Check:
    """All findings of a text, which stands in the folder."""
    assets = Assets(folder, Memo(folder / ".hashes", lambda: 0), Pins(folder / ".pins"))

    @cache
    def found(text: str) -> list[Diagnostic]:
        try:
            return Front(Source("storyboard.yaml", text), assets, folder, folder / "models").check()
        except Rejected as rejected:
            return list(rejected.diagnostics)

    return found


def board(folder: Path) -> Storyboard:
    root, _ = syntax.parse(Source("storyboard.yaml", TEXT))
    assert root is not None
    made, _, found = decode(expand(Included(root, folder).root)[0])
    assert made is not None and not found
    return made


def _models(value: object) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
        value = [getattr(value, name) for name in value.model_fields_set]
    elif isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _models(part)


def test_the_whole_language_is_written_in_the_storyboard_that_is_mutated(folder: Path, check: Check) -> None:
    assert check(TEXT) == []
    written: dict[type[BaseModel], set[str]] = {}
    for one in _models(board(folder)):
        written.setdefault(type(one), set()).update(one.model_fields_set)
    without = {model.__name__: set(model.model_fields) - keys for model, keys in written.items()}
    left = {name: keys for name, keys in without.items() if keys}
    assert left == {"Storyboard": {"shots"}}, left

    def below(model: type[BaseModel]) -> set[type[BaseModel]]:
        return {model, *(inner for part in _parts(model) for inner in below(part))}

    assert below(Storyboard) - set(written) == set()
    assert set(Library.model_fields) <= set(Storyboard.model_fields)


def _parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    waiting = [field.annotation for field in model.model_fields.values()]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        waiting += getattr(annotation, "__args__", ())


MISTAKES: dict[str, tuple[str, str, str]] = {
    "version": ("storyboard: 1\n", "storyboard: 1.0\n", "SB106"),
    "no version": ("storyboard: 1\n", "", "SB102"),
    "key twice": ("title: The Keeper\n", "title: The Keeper\ntitle: The Keeper\n", "SB005"),
    "tag": ("title: The Keeper\n", "title: !big The Keeper\n", "SB009"),
    "unknown key of the film": ("title: The Keeper\n", "titel: The Keeper\n", "SB101"),
    "title without value": ("title: The Keeper\n", "title:\n", "SB103"),
    "aspect": ("aspect: 16:9\n", "aspect: 16x9\n", "SB104"),
    "fps": ("fps: 24\n", "fps: 23.976\n", "SB104"),
    "seed of the film": ("seed: 7\n", "seed: many\n", "SB103"),
    "budget": ("budget: 20.50\n", "budget: a lot\n", "SB104"),
    "default pass": ("default_pass: animatic", "default_pass: animatc", "SB202"),
    "style": ("style: {prompt: 35mm film", "style: {promt: 35mm film", "SB101"),
    "negative of the style": ("negative: blur}", "negative: [blur]}", "SB103"),
    "loudness": ("loudness: -16", "loudness: 5", "SB104"),
    "volume of the music": ("volume: -12}", "volume: loud}", "SB103"),
    "gain of the music": ("duck: 0}", "duck: 12}", "SB104"),
    "room tone": ("sound/room.wav", "sound/none.wav", "SB206"),
    "scratch": ("scratch: true", "scratch: espeak", "SB103"),
    "music": ("sound/waves.wav", "sound/none.wav", "SB206"),
    "key of the music": ("{file: sound/waves", "{fiel: sound/waves", "SB101"),
    "missing library": ("series/cast.yaml", "series/none.yaml", "SB206"),
    "library as keys": ("include: [series/cast.yaml]", "include: {cast: series/cast.yaml}", "SB103"),
    "in two files": ("  lamp:\n    kind", "  tom: {look: a sailor}\n  lamp:\n    kind", "SB211"),
    "kind": ("kind: character", "kind: hero", "SB104"),
    "look": ("look: a keeper", "looks: a keeper", "SB101"),
    "role without value": ("role: turn,", "role: ,", "SB103"),
    "key of a reference": ("role: turn", "roll: turn", "SB101"),
    "seconds": ("seconds: [0, 2]", "seconds: [2, 0]", "SB104"),
    "missing video": ("refs/turn.mp4", "refs/none.mp4", "SB206"),
    "sha256": ("1111111111111111111111111111111111111111111111111111111111111111", "11", "SB104"),
    "not https": ("https://example.org/mira", "http://example.org/mira", "SB209"),
    "leaves the project": ("[refs/lamp.png]", "[../lamp.png]", "SB207"),
    "silence of nothing": ("{SB305: the video", "{SB999: the video", "SB219 SB305 SB305"),
    "id of a character": ("  lamp:\n    kind", "  the lamp:\n    kind", "SB105"),
    "model": ("{model: local/animatic,", "{model: local/animatik,", "SB205"),
    "burn in": ("burn_in: true", "burn_in: yes", "SB103"),
    "switch": ("prompt_expansion: false\n    negative: text", "prompt_expansion: maybe\n    negative: text", "SB103"),
    "set": ("only: [pier, s040]", "only: [pear, s040]", "SB217"),
    "base": ("extends: draft", "extends: drafft", "SB202"),
    "guided by itself": ("guide: draft\n    burn", "guide: final\n    burn", "SB216"),
    "guide": ("guide: draft\n            prompt", "guide: draught\n            prompt", "SB202"),
    "key of the burn-in": ("{watermark: for", "{watermrk: for", "SB101"),
    "date": ("date: true", "date: today", "SB103"),
    "fallback": ("animatic]\n    leader", "animatik]\n    leader", "SB202"),
    "fallback twice": ("fallback: [draft, ", "fallback: [draft, draft, ", "SB221"),
    "leader": ("leader: true", "leader: academy", "SB103"),
    "subtitles": ("subtitles: soft", "subtitles: hard", "SB104"),
    "host": ("r2v-flash, upload_via: wavespeed", "r2v-flash, upload_via: ftp", "SB104"),
    "no host": ("r2v-flash, upload_via: wavespeed,", "r2v-flash,", "SB311"),
    "no model": ("still: {model: wavespeed/alibaba/wan-2.6/image-to-video-flash, ", "still: {", "SB102"),
    "model key": ("gate: {model:", "gate: {modle:", "SB101"),
    "seed of a pass": ("seed: 3\n", "seed: -3\n", "SB104"),
    "guide of pictures": ("only: [s030, s040]", "only: [s030, s040], guide: draft", "SB303 SB313"),
    "size": ("resolution: 1080p\n    guide", "resolution: 2160p\n    guide", "SB307"),
    "resolution": ("resolution: 720p\n", "resolution: HD\n", "SB104"),
    "default of a shot only": ("negative: crowds", "prompt: crowds", "SB101"),
    "default camera": ("camera: slow dolly in", "camera: [slow]", "SB103"),
    "default trim": ("trim: {in: 0}", "trim: {out: 0}", "SB101"),
    "default audio": ("audio: {volume: 0}", "audio: false", "SB103"),
    "silence of an error": ("allow: {SB404:", "allow: {SB204:", "SB219 SB404"),
    "id of a scene": ("id: tower", "id: the tower", "SB105"),
    "key of a scene": ("title: The pier", "titel: The pier", "SB101"),
    "time of a scene": ("time: dusk", "time: [dusk]", "SB103"),
    "pass of a scene": ("final: {audio: false, seed: 4}", "finale: {audio: false, seed: 4}", "SB202"),
    "key in a pass of a scene": ("seed: 4}", "sead: 4}", "SB101"),
    "mention": ('prompt: "@mira climbs the stair"', 'prompt: "@mirra climbs the stair"', "SB201"),
    "camera": ("camera: static", "camera: [static]", "SB103"),
    "pick": ("pick: 2", "pick: 5", "SB108"),
    "take twice": ("takes: [1, 2]", "takes: [2, 2]", "SB108"),
    "take and takes": ("takes: [1, 3]", "take: 1\n            takes: [1, 3]", "SB107"),
    "unknown character": ("characters: [mira]\n        trim", "characters: [mirra]\n        trim", "SB201"),
    "trim": ("trim: {in: 0.5,", "trim: {in: half,", "SB103"),
    "clip of a trim": ("of: 5}", "of: nothing}", "SB103"),
    "fit": ("fit: trim", "fit: stretch", "SB104"),
    "framing": ("framing: fill", "framing: crop", "SB104"),
    "default framing": ("framing: fit", "framing: [fit]", "SB103"),
    "transition": ("type: dissolve", "type: disolve", "SB104"),
    "long transition": ("{type: fade, duration: 0.5}", "{type: fade, duration: 9}", "SB308"),
    "transition beyond the handle": ("{type: fade, duration: 0.5}", "{type: fade, duration: 1.5}", "SB319 SB319 SB319"),
    "cut that lasts": ("{type: fade, duration: 0.5}", "{duration: 0.5}", "SB320"),
    "effect": ("FadeOut", "FadeAway", "SB109"),
    "parameter": ("{FadeIn: {duration: 1}}", "{FadeIn: {length: 1}}", "SB109"),
    "speaker": ("who: mira", "who: mirra", "SB201"),
    "no line": ("line: Not tonight., ", "", "SB102"),
    "late line": ("at: 1, for: 2", "at: 9, for: 2", "SB309"),
    "long sound": ("tail: 0.5", "tail: 50", "SB318"),
    "mute": ("mute: false", "mute: no", "SB103"),
    "id of a shot": ("id: s030\n", "id: s 030\n", "SB105"),
    "no id": ("- id: s050\n        clip", "- clip", "SB102"),
    "unit": ("duration: 4\n        seed", "duration: 4 seconds\n        seed", "SB103"),
    "take of nothing": ("{take: 4}", "{take: 0}", "SB104"),
    "missing clip": ("gate: {clip: shots/own.mp4}", "gate: {clip: shots/none.mp4}", "SB206"),
    "pass of a shot": ("animatic: {clip", "animatik: {clip", "SB202"),
    "key in a pass of a shot": ("seed: 77", "sede: 77", "SB101"),
    "key of a shot": ("notes: the best one", "colour: red", "SB101"),
    "too long": ("duration: 96f", "duration: 900f", "SB301 SB301 SB301 SB301"),
    "late beat": ("at: 2, prompt", "at: 20, prompt", "SB317"),
    "beat without time": ('{at: 0, prompt: "@mira waits', '{prompt: "@mira waits', "SB102"),
    "mention in a beat": ("@tom comes", "@tim comes", "SB201"),
    "unknown shot": ("last_frame_of: s030", "last_frame_of: s033", "SB215"),
    "goes on from itself": ("last_frame_of: s030", "last_frame_of: s040", "SB216"),
    "skipped": ("skip: false", "skip: true", "SB218"),
    "skip": ("skip: false", "skip: off", "SB103"),
    "video as start": ("{file: refs/lamp.png}", "{file: refs/turn.mp4}", "SB208"),
    "two places": ("{file: refs/lamp.png}", "{file: refs/lamp.png, last_frame_of: s040}", "SB107"),
    "no prompt": ("        clip: shots/own.mp4\n        start", "        start", "SB102"),
    "no such frame": ("00:00:03:00", "00:00:03:24", "SB110"),
    "id twice": ("id: s050", "id: s040", "SB203"),
    "id in capitals": ("id: s050", "id: S040", "SB204"),
    "no character": ('"@mira lights the lamp"', "A hand lights the lamp", "SB303 SB303"),
    "shot without keys": ("      - id: s050\n", "      - nothing yet\n      - id: s050\n", "SB103"),
    "character without keys": ("  mira:\n    name: Mira\n", "  mira: a keeper\n  rest:\n    name: Mira\n", "SB103"),
    "dialogue without list": ("[{who: mira, line: Not tonight., at: 1, for: 2}]", "Not tonight.", "SB103"),
}
"""One mistake each, as an edit of the whole language's storyboard: what is replaced, by what, and the codes."""


def edited(*names: str) -> str | None:
    """The text with these mistakes; None where two are at one place."""
    places = []
    for name in names:
        old, new, _ = MISTAKES[name]
        assert TEXT.count(old) == 1, f"{name}: {old!r} stands {TEXT.count(old)} times"
        places.append((TEXT.index(old), TEXT.index(old) + len(old), new))
    places.sort()
    if any(one[1] > other[0] for one, other in pairwise(places)):
        return None
    text = TEXT
    for start, end, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def facts(found: Iterable[Diagnostic]) -> set[tuple[str, str]]:
    return {(one.code, one.message) for one in found}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_gives_its_own_findings_and_no_others(name: str, check: Check) -> None:
    text = edited(name)
    assert text is not None
    assert sorted(one.code for one in check(text)) == MISTAKES[name][2].split()


HIDES: dict[str, set[str]] = {
    # Nothing is concluded from what couldn't be read: not from the film's,
    "aspect": {"size"},
    "fps": {"no host", "too long", "no such frame", "no character", "transition beyond the handle"},
    "missing library": {"in two files", "mention in a beat"},
    "library as keys": {"in two files", "silence of an error", "mention", "unknown character", "speaker", "mention in a beat"},
    # a pass's,
    "base": {"silence of nothing", "size", "too long", "transition beyond the handle"},
    "no model": {"guide of pictures", "too long"},
    "model key": {"no host", "too long", "no character"},
    # a character's,
    "character without keys": {
        "silence of nothing", "no host", "size", "silence of an error", "mention", "too long", "transition beyond the handle",
    },
    "missing video": {"silence of nothing", "no host"},
    "not https": {"silence of nothing"},
    # or a shot's: its length, its place, its name, or any key that it may have instead of one that nobody knows.
    "clip of a trim": {"silence of nothing", "mention", "transition beyond the handle"},
    "trim": {"silence of nothing", "mention", "transition beyond the handle"},
    "unit": {"silence of nothing", "mention", "long transition", "late line", "long sound", "transition beyond the handle"},
    "key of a shot": {"silence of nothing", "mention", "long transition", "long sound", "transition beyond the handle"},
    "fit": {"transition beyond the handle"},
    "transition": {"transition beyond the handle"},
    "beat without time": {"silence of an error", "late beat"},
    "skip": {"guide of pictures"},
    "id of a shot": {"set", "unknown shot", "skipped", "guide of pictures", "pass of a shot"},
    "no id": {"set", "unknown shot"},
    "shot without keys": {"set", "unknown shot"},
    "default of a shot only": {"silence of an error", "no prompt"},
    "default trim": {
        "no host", "guide of pictures", "size", "silence of an error", "too long", "no character", "silence of nothing",
        "mention", "transition beyond the handle",
    },
    # What is well written changes what follows from it, too.
    "too long": {"no host"},
    "no character": {"no host"},
    "set": {"silence of nothing", "silence of an error", "transition beyond the handle"},
    "skipped": {"guide of pictures"},
    "unknown shot": {"skipped"},
    "goes on from itself": {"skipped"},
    "unknown character": {"mention"},
    "take twice": {"pick"},
    "id twice": {"no prompt"},
    "id in capitals": {"no prompt"},
}  # fmt: skip
"""Mistakes whose findings may not be told beside another's, which must be cured first."""

REWORDED = [
    {"missing library", "in two files"},
    {"library as keys", "in two files"},
    {"not https", "silence of nothing"},
    {"id of a shot", "pass of a shot"},
    {"no prompt", "id twice"},
    {"no prompt", "id in capitals"},
]
"""Mistakes that name the same thing, so that one changes the other's words."""


@pytest.fixture(scope="module")
def alone(check: Check) -> Callable[[str], set[tuple[str, str]]]:
    """What each mistake gives by itself."""

    @cache
    def found(name: str) -> set[tuple[str, str]]:
        return facts(check(edited(name) or ""))

    return found


def test_mistakes_are_found_together(check: Check, alone: Callable[[str], set[tuple[str, str]]]) -> None:
    rng, compared = random.Random(5), 0
    while compared < 120:
        names = rng.sample(list(MISTAKES), rng.choice([2, 2, 3]))
        text = edited(*names)
        if text is None or any(same <= set(names) for same in REWORDED):
            continue
        compared += 1
        found = facts(check(text))
        assert found <= set().union(*map(alone, names)), names
        hidden = set().union(*(HIDES.get(name, set()) for name in names))
        assert set().union(*(alone(name) for name in names if name not in hidden)) <= found, names


LEFT_OUT = {
    "fps", "aspect", "missing library", "library as keys", "character without keys", "no id", "shot without keys",
    "default trim", "unit", "key of a shot", "beat without time", "default of a shot only", "base", "no model",
    "missing video", "resolution", "no prompt", "host", "id of a shot", "model key", "trim", "unknown character",
    "look", "not https", "take twice", "goes on from itself", "unknown shot", "id twice", "no character",
    "key twice",
}  # fmt: skip
"""What hides other mistakes, or stands where one is."""


def test_many_mistakes_are_found_in_one_run(check: Check, alone: Callable[[str], set[tuple[str, str]]]) -> None:
    names: list[str] = []
    for name in MISTAKES:
        if name not in LEFT_OUT and edited(*names, name) is not None:
            names.append(name)
    found = check(edited(*names) or "")
    lost = {name for name in names if not alone(name) <= facts(found)}
    assert lost <= set().union(*(HIDES.get(name, set()) for name in names)), lost
    assert len(names) >= 55
    assert len({one.code for one in found}) >= 30, sorted({one.code for one in found})


STRANGE: tuple[object, ...] = (
    None, "", " ", "0", "-1", "1e400", "9" * 400, "0.0000000001", "nan", "true", "no", "00:00:00:99", "99:59:59:00", "1f",
    "999999999", "999999999f", "[", "{a", "@", "@@mira", "@mira", "mira", "s010", "draft", "none", "changed", "pier",
    "a\0b", "a\x1b[31m", "a\u202eb", "e\u0301" * 70, "𝕤" * 65, "ǃ0ǃ", "https://", "https://u:p@h/x", "http://[::1", "file:///etc/passwd",
    "../..", "/", "refs", "refs/lamp.png", "series/cast.yaml", "storyboard.yaml", "%s{}%", "{n}", "x" * 5000, "~",
    [], {}, [[]], [None], {"": None}, {"a": {"b": ["c"]}}, ["mira"] * 3, [["a"], {"b": "c"}], {"id": "s010"}, {"file": ["x"]},
    {"last_frame_of": "s010"}, {"FadeIn": None}, {"type": {}}, {"in": []}, {"model": None}, {"extends": "final"}, {"SB404": None},
)  # fmt: skip


def spots(value: object) -> list[tuple[object, object]]:
    """Every place in nested lists and mappings: what holds it, and its key or position."""
    keys: Iterable[object] = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [spot for key in keys for spot in ((value, key), *spots(value[key]))]  # type: ignore[index]


def mutated(rng: random.Random, whole: dict[str, Any]) -> str:
    """A part of the storyboard, changed in a few places."""
    made = copy.copy(whole)
    made["passes"] = {key: made["passes"][key] for key in rng.sample(list(made["passes"]), rng.choice([0, 1]))}
    made["passes"]["animatic"] = whole["passes"]["animatic"]
    made["scenes"] = rng.sample(made["scenes"], 1)
    for key in rng.sample([key for key in made if key not in {"storyboard", "passes", "scenes"}], 7):
        del made[key]
    made = copy.deepcopy(made)
    for scene in made["scenes"]:
        scene["shots"] = rng.sample(scene["shots"], rng.choice([1, 1, 2]))
    for _ in range(rng.randint(1, 4)):
        places = spots(made)
        (holder, key), (other, at) = rng.choice(places), rng.choice(places)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 | 2:
                holder[key] = copy.deepcopy(rng.choice(STRANGE))
            case 3:
                holder[key] = copy.deepcopy(other[at])
            case 4:
                holder[key], other[at] = copy.deepcopy(other[at]), copy.deepcopy(holder[key])
            case _ if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            case _:
                holder[str(rng.choice([*STRANGE[:40], at, f"{key}s"]))] = copy.deepcopy(holder[key])
        if not made:
            return "{}"
    return json.dumps(made, ensure_ascii=rng.random() < 0.1, indent=rng.choice([None, 1]))


def scribbled(rng: random.Random) -> str:
    """Some of the storyboard's lines, with characters taken out and put in."""
    lines = TEXT.splitlines(keepends=True)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(lines))
        del lines[start : start + rng.randint(0, len(lines) // 2)]
        lines = lines or ["shots:\n"]
    text = "".join(lines)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        put = rng.choice(
            [
                "",
                "",
                "\n",
                " ",
                ":",
                "- ",
                "'",
                '"',
                "{",
                "]",
                "&a ",
                "*a",
                "!x ",
                "|",
                "\t",
                "#",
                "@",
                "\x07",
                "é",
                "---\n",
                "<<: ",
                "0",
            ]
        )
        text = text[:at] + put + text[at + rng.randint(0, 3) :]
    return text


@often(70)
@given(st.integers(0, 2**64))
def test_whatever_is_done_to_a_storyboard_gives_findings_and_nothing_else(check: Check, seed: int) -> None:
    rng = random.Random(seed)
    for n in range(10):
        text = mutated(rng, plain_whole()) if n % 5 < 2 else scribbled(rng)
        note(text)
        for one in check(text):
            assert 0 <= one.span.start <= one.span.end <= len(one.span.source.text)
            assert one.message
            assert not re.search("ǃ[1-9]ǃ", one.message + one.help), "an id that nobody wrote"


@cache
def plain_whole() -> dict[str, Any]:
    root, _ = syntax.parse(Source("storyboard.yaml", TEXT))
    assert root is not None
    made: dict[str, Any] = plain(root)
    return made
