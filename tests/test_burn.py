"""What a cut writes on and before its pictures: burn-ins, burned subtitles, slates, the leader."""

import itertools
import math
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from storyboard import lettering, media, timing
from storyboard.cli import common
from storyboard.cut import burn, conform, leader, slate
from storyboard.film import Line
from storyboard.memo import Memo
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Burned, Clip, Origin, Span, Timeline
from storyboard.tools import Tools

MEDIA = Blob("a" * 64, 1, "/nowhere")
DRAFT = {"pass_id": "draft"}
SIZES = [(1280, 720), (720, 1280), (320, 180), (180, 320), (160, 90), (500, 500)]
Drawn = Callable[..., np.ndarray]


def clip(**fields: object) -> Clip:
    known = {"shot": "s010", "scene": "The bay", "setting": "", "start": 0, "frames": 24, "prompt": "a lamp"}
    known |= {"source": Span(Fraction(0), Fraction(1)), "media": MEDIA, "pass_id": "final", "origin": Origin(take=2)}
    return Clip(**{**known, **fields})  # type: ignore[arg-type]


def film(shown: Clip, size: tuple[int, int] = (320, 180), fps: str = "24", **fields: object) -> Timeline:
    known = {"burn_in": Burned("", "2026-11-21"), "title": "The Keeper"}
    named = {**known, **fields}
    named |= {"pass_id": "final", "fps": timing.rate(fps), "width": size[0], "height": size[1], "clips": (shown,)}
    return Timeline(**named)  # type: ignore[arg-type]


def texts(shown: Clip, timeline: Timeline) -> list[str]:
    return [label[0] for label in burn.content(shown, timeline) or []]


@pytest.fixture
def drawn(tmp_path: Path, tools: Tools) -> Drawn:
    """Frames of a grey picture with what is burned in, as luma: shape (frames, height, width)."""
    numbers = itertools.count()

    def draw(shown: Clip, timeline: Timeline, count: int = 1) -> np.ndarray:
        folder = tmp_path / f"drawn{next(numbers)}"
        folder.mkdir()
        size = (timeline.width, timeline.height)
        grey = f"color=gray:s={size[0]}x{size[1]}:r={timeline.fps.numerator}/{timeline.fps.denominator}"
        graph = f"format=yuv420p,{burn.prepare(shown, timeline, folder)},format=gray"
        out = ["-frames:v", str(count), "-f", "rawvideo", "frames.raw"]
        media.run(tools.ffmpeg, ["-f", "lavfi", "-i", grey, "-vf", graph, *out], folder)
        return np.fromfile(folder / "frames.raw", np.uint8).reshape(count, size[1], size[0]).astype(int)

    return draw


def seen(picture: np.ndarray) -> np.ndarray:
    """How far each pixel is from the grey that it was drawn on."""
    return np.abs(picture - int(picture[picture.shape[0] // 2, 0]))


@pytest.mark.parametrize("size", SIZES[:4])
def test_burn_ins_stand_in_the_corners_and_never_in_the_middle(drawn: Drawn, size: tuple[int, int]) -> None:
    shown = seen(drawn(clip(), film(clip(), size))[0])
    width, height = size
    edge = round(height * 0.22)
    corners = (shown[:edge, : width // 3], shown[:edge, -width // 3 :])
    below = (shown[-edge:, : width // 3], shown[-edge:, width * 2 // 5 : width * 3 // 5], shown[-edge:, -width // 3 :])
    assert all(corner.max() > 80 for corner in (*corners, *below))
    assert shown[edge:-edge].max() < 8
    margin = round(min(size) * 0.05) // 2
    assert shown[:margin].max() < 8
    assert shown[:, :margin].max() < 8


def test_all_that_a_review_needs_is_written() -> None:
    shown = clip(**DRAFT)
    assert texts(shown, film(shown, (1280, 720)))[:4] == [
        "The Keeper\ndraft for final",
        "REC ",
        "The bay · s010 · take 2",
        "2026-11-21",
    ]
    assert texts(clip(), film(clip(), (1280, 720)))[0] == "The Keeper\nfinal"


def test_a_slate_is_marked_and_has_no_source() -> None:
    shown = clip(media=None)
    words = texts(shown, film(shown))
    assert words[0] == "The Keeper\nSLATE for final"
    assert not any("SRC" in text or "take" in text for text in words)
    assert any(text.endswith("/24") for text in words)


def test_a_clean_picture_has_nothing_burned_in(tmp_path: Path) -> None:
    timeline = film(clip(), burn_in=None)
    assert burn.content(clip(), timeline) is None
    assert burn.prepare(clip(), timeline, tmp_path) == "null"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [0, 12, 150])
def test_labels_never_overlap_nor_leave_the_picture(size: tuple[int, int], length: int) -> None:
    shown = clip(shot=("s" * length)[:64] or "s", scene="scene " * length, pass_id="p" * max(1, length), frames=12345)
    timeline = film(shown, size, title="W" * length)
    boxes = []
    for text, options, face, _ in burn.content(shown, timeline) or []:
        known = dict(option.split("=", 1) for option in re.split(r"(?<!\\):", options) if "=" in option)
        shown_text = re.sub(r"%\{eif:.*?:(\d+)\}", lambda found: "0" * int(found[1]), text)
        lines = (shown_text + ("00:00:00:00" if "timecode" in known else "")).split("\n")
        type_ = lettering.font(int(known["fontsize"]), face)
        left, top = int(known["x"]), int(known["y"])
        wide = max(type_.getlength(line) for line in lines)
        boxes.append((left, top, left + wide, top + len(lines) * int(known["fontsize"]) * 1.3, text))
    for box in boxes:
        assert 0 <= box[0] < box[2] <= size[0], box
        assert 0 <= box[1] < box[3] <= size[1], box
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def record(picture: np.ndarray) -> np.ndarray:
    return picture[:30, 200:]


def source(picture: np.ndarray) -> np.ndarray:
    return picture[142:158, 200:]


@pytest.mark.parametrize(("fps", "start"), [("24", 23), ("25", 1499), ("30000/1001", 1795), ("60000/1001", 3595)])
def test_the_record_timecode_runs_with_the_film(drawn: Drawn, fps: str, start: int) -> None:
    runs = drawn(clip(start=start), film(clip(), fps=fps), 10)
    for n in (4, 5, 9):
        stands = drawn(clip(start=start + n), film(clip(), fps=fps))[0]
        assert np.array_equal(record(runs[n]), record(stands))
    assert not np.array_equal(record(runs[4]), record(runs[5]))


def running(shown: Clip, timeline: Timeline, n: int) -> str:
    """The text that counts frames, as ffmpeg expands it for frame `n`."""
    known = {"floor": math.floor, "mod": math.fmod, "min": min, "max": max, "n": n}
    text = next(label[0] for label in burn.content(shown, timeline) or [] if label[3])
    return re.sub(r"%\{eif:(.*?):d:(\d+)\}", lambda f: f"{int(eval(f[1], known)):0{f[2]}}", text)  # noqa: S307


@pytest.mark.parametrize("fps", ["24", "24000/1001", "25", "30000/1001", "50", "60000/1001", "12"])
def test_the_source_timecode_counts_as_timecode_does(fps: str) -> None:
    rate = timing.rate(fps)
    for first in (0, 1, 1797, 3595, 17980, 35961, 107_889, 1_000_000):
        shown = clip(source=Span(first / rate, 24 / rate))
        for n in range(6):
            assert running(shown, film(shown, fps=fps), n).startswith(f"SRC {timing.timecode(first + n, rate)}\n")


def test_the_source_timecode_follows_a_retimed_clip_and_stops_where_the_clip_ends(drawn: Drawn) -> None:
    fast = clip(source=Span(Fraction(0), Fraction(2)), available=Span(Fraction(0), Fraction(2)))
    assert [running(fast, film(fast), n)[:15] for n in (1, 12)] == ["SRC 00:00:00:02", "SRC 00:00:01:00"]
    held = clip(available=Span(Fraction(0), Fraction(1, 2)))
    assert [running(held, film(held), n)[:15] for n in (11, 12, 20)] == ["SRC 00:00:00:11"] * 3
    plain = drawn(clip(), film(clip()), 21)
    assert np.array_equal(source(drawn(fast, film(fast), 9)[8]), source(plain[16]))
    assert np.array_equal(source(drawn(held, film(held), 21)[20]), source(plain[11]))


def test_frames_are_counted_from_one_to_the_last_and_not_into_the_transition() -> None:
    shown = clip(frames=120, tail=12)
    counted = [running(shown, film(shown), n).splitlines()[-1] for n in (0, 8, 119, 131)]
    assert counted == ["001/120", "009/120", "120/120", "120/120"]


@pytest.mark.parametrize(
    "text", ["%{n}", "%{eif:n:d}", "a:b'c\\d,e;[f]=g", "-f", "two\nlines", "日本語 مرحبا 🙂", "\x00\x07"]
)
def test_hostile_words_are_only_words(drawn: Drawn, text: str) -> None:
    shown = clip(scene=text, lines=(Line(text, text, Fraction(0), Fraction(1)),))
    timeline = film(shown, (640, 360), title=text, burn_in=Burned(text, text), subtitles="burn")
    first, second = drawn(shown, timeline, 2)
    assert np.array_equal(first[:, :300], second[:, :300]), "nothing of it is expanded"
    for label in burn.content(shown, timeline) or []:
        assert label[3] or label[0] == "REC " or not set(label[0]) & set("\x00\x07日م🙂")


def test_letters_that_the_fonts_lack_are_boxes() -> None:
    assert texts(clip(), film(clip(), title="日本 Film"))[0] == "□□ Film\nfinal"


def test_a_watermark_is_faint_and_across_the_middle(drawn: Drawn) -> None:
    for words in ("REVIEW", "For the eyes of the jury of the festival only, not for release"):
        shown = seen(drawn(clip(), film(clip(), (640, 360), burn_in=Burned(words, "")))[0])
        middle = shown[120:240]
        assert 8 < middle.max() < 60
        columns = np.flatnonzero(middle.max(0) > 8)
        assert 20 <= columns[0] < 230
        assert 639 - columns[-1] == pytest.approx(columns[0], abs=6)


def test_a_subtitle_is_seen_in_its_frames_and_no_other(drawn: Drawn) -> None:
    said = clip(lines=(Line("Mira", "Not tonight.", Fraction(1, 4), Fraction(1, 4)),))
    for burned, below in ((None, 172), (Burned(), 140)):
        pictures = drawn(said, film(said, subtitles="burn", burn_in=burned), 16)
        lit = [n for n, picture in enumerate(pictures) if seen(picture)[100:below, 100:220].max() > 60]
        assert lit == list(range(6, 12))
    assert burn.content(said, film(said, subtitles="soft", burn_in=None)) is None


def test_lines_said_at_once_stand_above_each_other() -> None:
    lines = tuple(Line(who, "word " * 12, Fraction(0), Fraction(1)) for who in ("Mira", "Tom"))
    said = clip(lines=lines)
    first, second = (label for label in burn.content(said, film(said, burn_in=None, subtitles="burn")) or [])
    assert first[0].startswith("Mira: ")
    assert second[0].startswith("Tom: ")
    tops = [int(re.search(r":y=(\d+)", label[1])[1]) for label in (first, second)]  # type: ignore[index]
    size = int(re.search(r"fontsize=(\d+)", first[1])[1])  # type: ignore[index]
    assert tops[0] - tops[1] >= size * (second[0].count("\n") + 1)


def test_what_is_burned_in_is_in_the_key() -> None:
    one, timeline = clip(), film(clip())
    changed = [
        burn.content(shown, film_)
        for shown, film_ in (
            (one, timeline),
            (replace(one, shot="s020"), timeline),
            (replace(one, scene="x"), timeline),
            (replace(one, start=1), timeline),
            (replace(one, frames=25), timeline),
            (replace(one, source=Span(Fraction(1), Fraction(1))), timeline),
            (clip(**DRAFT), timeline),
            (replace(one, media=None), timeline),
            (replace(one, origin=Origin(take=3)), timeline),
            (one, replace(timeline, title="x")),
            (one, replace(timeline, burn_in=Burned("x", "2026-11-21"))),
            (one, replace(timeline, burn_in=Burned("", "2026-11-22"))),
        )
    ]
    assert len({repr(each) for each in changed}) == len(changed)
    assert burn.content(replace(one, prompt="x"), timeline) == burn.content(one, timeline)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", Memo(tmp_path / "memo", lambda: 0))


def pictures(path: Path) -> tuple[np.ndarray, list[Fraction], bytes | None]:
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        found = list(opened.decode(stream))
        shown = np.stack([frame.to_ndarray(format="gray") for frame in found]).astype(int)
        return shown, [frame.pts * stream.time_base for frame in found], stream.codec_context.extradata  # type: ignore[operator]


def led(store: Store, tools: Tools, fps: str, **fields: object) -> tuple[Record, Timeline]:
    timeline = film(clip(), (128, 72), fps, leader=True, **fields)
    return leader.make(timeline, store, tools), timeline


@pytest.mark.parametrize("fps", ["24", "30000/1001"])
def test_the_leader_counts_down_to_the_first_frame(store: Store, tools: Tools, fps: str) -> None:
    made, timeline = led(store, tools, fps)
    base, frames = round(timeline.fps), made.facts["frames"]
    shown, times, header = pictures(made.outputs["video"].path)
    assert times == [n / timeline.fps for n in range(frames)]
    assert frames == 10 * base
    pop = frames - 2 * base
    light = shown[:, 20:52, 40:88].mean((1, 2))
    assert light[pop] > 60, "the 2 is seen"
    assert light[pop + 1 :].max() < 20, "and then black"
    assert light[5 * base : pop].min() > 60
    assert len({shown[n].tobytes() for n in range(5 * base, pop)}) == 3 * base, "the hand sweeps"
    sound = np.fromfile(made.outputs["sound"].path, "<i2").reshape(-1, 2)
    rate = timeline.fps
    assert len(sound) == timing.round_half_up(frames * 48_000 / rate)
    start, end = (timing.round_half_up(n * 48_000 / rate) for n in (pop, pop + 1))
    assert np.flatnonzero(sound.any(1))[[0, -1]] == pytest.approx((start, end - 1), abs=1)
    assert 20 * np.log10(np.abs(sound).max() / 32768) == pytest.approx(-20, abs=0.05)
    spectrum = np.abs(np.fft.rfft(sound[start:end, 0]))
    assert abs(spectrum.argmax() * 48_000 / (end - start) - 1000) < 48_000 / (end - start)
    stand_in = slate.make(clip(media=None), timeline, store, tools)
    assert pictures(stand_in.path)[2] == header, "encoded as clips are, so that it joins them"


def test_the_leader_is_made_once_and_its_bytes_depend_on_what_it_shows(
    store: Store, tools: Tools, tmp_path: Path
) -> None:
    made, _ = led(store, tools, "12")
    again, _ = led(Store(tmp_path / "other", Memo(tmp_path / "memo2", lambda: 0)), tools, "12")
    assert made.outputs["video"].sha256 == again.outputs["video"].sha256
    assert led(store, tools, "12")[0] == made
    others = [led(store, tools, "12", **changed)[0] for changed in ({"title": "X: '%{n}"}, {"commit": "abc"})]
    assert len({made.outputs["video"].sha256, *(one.outputs["video"].sha256 for one in others)}) == 3


@pytest.mark.parametrize("text", ["", "a:b'c\\d %{n}", "日本語", "word " * 200, "W" * 64])
def test_a_slate_is_one_frame_with_the_shots_words(store: Store, tools: Tools, text: str) -> None:
    missing = clip(media=None, prompt=text, shot=text.strip()[:64] or "s")
    shown, times, _ = pictures(slate.make(missing, film(missing, (160, 90)), store, tools).path)
    assert times == [0]
    assert shown[0].max() > 150
    assert shown[0][:, :14].max() < 40, "nothing reaches the edge"
    assert shown[0][:, -14:].max() < 40


def test_slates_of_two_shots_differ_and_of_one_are_the_same(store: Store, tools: Tools) -> None:
    one, other = (clip(media=None, shot=shot) for shot in ("s1", "s2"))
    made = [slate.make(each, film(each, (160, 90)), store, tools) for each in (one, other, one)]
    assert made[0] == made[2] != made[1]
    assert conform.encoding(Fraction(24))


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["/usr/bin/env", "git", *named, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_commit_is_of_the_storyboard_and_says_whether_it_differs(tmp_path: Path) -> None:
    below = tmp_path / "film"
    below.mkdir()
    board = below / "storyboard.yaml"
    board.write_text("storyboard: 1\n")
    assert common.commit(board) == ""
    git(tmp_path, "init", "-q")
    assert common.commit(board) == "", "nothing is committed yet"
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "start")
    assert common.commit(board).endswith("-dirty"), "the file isn't in it"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "more")
    head = git(tmp_path, "rev-parse", "--short=12", "HEAD")
    assert common.commit(board) == head
    (below / "storyboard.lock").write_text("version = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "the lock")
    assert common.commit(board) == head, "the film is the same, byte for byte"
    board.write_text("storyboard: 1 # changed\n")
    assert common.commit(board) == f"{head}-dirty"
    assert common.commit(below / "none.yaml") == ""


def test_asking_for_the_commit_runs_no_program_of_the_folder(tmp_path: Path) -> None:
    board, ran = tmp_path / "storyboard.yaml", tmp_path / "ran"
    board.write_text("storyboard: 1\n")
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("* filter=own diff=own\n")
    git(tmp_path, "add", "storyboard.yaml")
    git(tmp_path, "commit", "-q", "-m", "start")
    for name in ("core.fsmonitor", "filter.own.clean", "diff.own.command", "diff.external", "diff.own.textconv"):
        git(tmp_path, "config", name, f"touch '{ran}'; cat")
    board.write_text("storyboard: 1 # changed\n")
    assert common.commit(board).endswith("-dirty")
    assert not ran.exists()
