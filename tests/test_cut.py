"""The cut: clips of any rate, size, length and sound become one film, exact to the frame."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from storyboard.cut import conform, length, sound
from storyboard.film import Film, Line, Pass, Shot
from storyboard.model.transition import TYPES
from storyboard.timeline import Burned, Clip, Span, Timeline, frame_size, lay_out
from storyboard.tools import Tools
from tests.reel import (
    SMALL,
    Reel,
    flat,
    footage_of,
    light,
    luma,
    picture,
    planes,
    ramp,
    samples,
    shot,
    tags,
    timeline,
    times,
    tone,
)


@pytest.fixture
def reel(tmp_path: Path, tools: Tools) -> Reel:
    return Reel(tmp_path, tools)


# Clips one after the other


@pytest.mark.parametrize("fps", ["25", "24000/1001"])
def test_every_rate_size_and_sound_joins_frame_exact(reel: Reel, fps: str) -> None:
    stereo = ["-f", "lavfi", "-i", "aevalsrc=0.3*sin(2*PI*330*t)|0.2*sin(2*PI*220*t):s=48000:d=1.3"]
    silence = ["-f", "lavfi", "-i", "anullsrc=r=22050:cl=mono:d=0.5"]
    irregular = ["-vf", "select='not(mod(n\\,5))+eq(n\\,7)'", "-fps_mode", "vfr"]
    clips = [
        reel.clip("a", *picture("testsrc2", "24", seconds=1.2), *tone(1.2, rate=44100)),
        reel.clip("b", *picture("testsrc2", "25", (128, 72))),
        reel.clip("c", *picture("testsrc2", "30000/1001", (36, 64), 1.3), *stereo),
        reel.clip("d", *picture("testsrc2", "60", (50, 50), 0.5), *silence),
        reel.clip("e", *picture("testsrc2", "24"), *tone(), *irregular),
    ]
    rate = Fraction(fps)
    film = reel.film(*(shot(clip, 17 + n) for n, clip in enumerate(clips)), fps=rate)
    total = sum(17 + n for n in range(5))
    assert times(film) == [n / rate for n in range(total)]
    with av.open(str(film)) as opened:
        picture_, sound_ = opened.streams.video[0], opened.streams.audio[0]
        assert (picture_.width, picture_.height, picture_.pix_fmt) == (*SMALL, "yuv420p")
        context = picture_.codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert (sound_.rate, sound_.channels) == (48000, 2)
        assert abs(sound_.duration * sound_.time_base - total / rate) < Fraction(1, 1000)  # type: ignore[operator]


def test_a_clip_that_is_too_short_holds_its_last_frame(reel: Reel) -> None:
    film = reel.film(shot(reel.clip("a", *ramp(0.5), *tone(0.5)), 36))
    shown = luma(film)
    assert len(shown) == 36
    assert abs(shown[30] - shown[12]).mean() < 1
    assert abs(shown[5] - shown[12]).mean() > 1
    heard = np.abs(samples(film))
    assert heard[2000:20000].max() > 0.05
    assert heard[30000:].max() < 0.01


@pytest.mark.parametrize("start", [Fraction(1, 2), Fraction(1, 50), Fraction(501, 1000), Fraction(1001, 24000)])
def test_trim_starts_at_the_frame_nearest_to_it(reel: Reel, start: Fraction) -> None:
    film = reel.film(shot(reel.clip("r", *ramp(2)), 12, start=start))
    first = round(start * 24)
    assert light(film) == pytest.approx([16 + 4 * (first + n) for n in range(12)], abs=1)


@pytest.mark.parametrize("start", ["7.02", "3.9", "22/3", "7.0625"])
def test_far_into_a_long_clip_the_frames_are_those_of_one_that_starts_there(reel: Reel, start: str) -> None:
    """What is far in is sought for, on a file whose key frames lie far apart."""
    whole = reel.clip("w", *ramp(9, "25", 1), "-g", "1000", "-bf", "2")
    film = reel.film(shot(whole, 12, start=Fraction(start)))
    shown = [Fraction(n, 25) - Fraction(start) for n in range(225)]
    expected = [max(n for n, at in enumerate(shown) if nearest(at * 24) <= k) for k in range(12)]
    assert light(film) == pytest.approx([16 + n % 220 for n in expected], abs=0.5)


def nearest(value: Fraction) -> int:
    """The whole number nearest to it, halves away from zero."""
    return int(abs(value) + Fraction(1, 2)) * (1 if value >= 0 else -1)


def test_little_more_is_decoded_than_is_shown(reel: Reel) -> None:
    """In an hour whose second half is damaged, what is shown of the first is whole, and nobody minds the rest."""
    hour = reel.clip("h", *flat(90, 3600, "1"), "-g", "10", "-bf", "0")
    data = bytearray(hour.path.read_bytes())
    with av.open(str(hour.path)) as opened:
        places = [(p.pos, p.size) for p in opened.demux(video=0) if p.size]
    for place, size in places[1000:]:
        data[place + 4 : place + size] = bytes(size - 4)
    film = reel.film(shot(reel.raw("d", bytes(data)), 24, start=Fraction(500)))
    assert light(film) == [90] * 24
    assert reel.noted == []


# Shapes and colours


@pytest.mark.parametrize(
    ("framing", "lit"), [("fit", (24, 40, 0, 36)), ("fill", (0, 64, 0, 36)), ("pad", (27, 37, 7, 29))]
)
def test_a_picture_of_another_shape_is_framed_as_asked(
    reel: Reel, framing: str, lit: tuple[int, int, int, int]
) -> None:
    tall = reel.clip("t", *flat(235, size=(10, 22)))
    assert box(luma(reel.film(shot(tall, 2, framing=framing)))[0]) == pytest.approx(lit, abs=1)


def box(shown: np.ndarray) -> tuple[int, int, int, int]:
    """Left, right, top and bottom of what is light."""
    rows, columns = np.flatnonzero((shown > 128).any(1)), np.flatnonzero((shown > 128).any(0))
    return int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1


@pytest.mark.parametrize("framing", ["fit", "fill", "pad"])
def test_every_framing_takes_odd_sizes_and_larger_pictures(reel: Reel, framing: str) -> None:
    odd = reel.clip("o", *flat(235, size=(171, 95)), pixels="yuv444p")
    narrow = reel.clip("n", *flat(235, size=(201, 37)), pixels="yuv444p")
    film = luma(reel.film(*(shot(clip, 1, framing=framing) for clip in (odd, narrow))))
    assert box(film[0]) == pytest.approx((0, 64, 0, 36), abs=1)
    assert box(film[1]) == pytest.approx((0, 64, 0, 36) if framing == "fill" else (0, 64, 12, 24), abs=1)


def test_pixels_that_are_not_square_are_made_square(reel: Reel) -> None:
    wide = reel.clip("w", *flat(235, size=(32, 36)), "-vf", "setsar=2")
    narrow = reel.clip("n", *flat(235, size=(64, 18)), "-vf", "setsar=1/2")
    film = luma(reel.film(shot(wide, 1), shot(narrow, 1)))
    assert box(film[0]) == pytest.approx((0, 64, 0, 36), abs=1)
    assert box(film[1]) == pytest.approx((0, 64, 0, 36), abs=1)


def test_a_picture_that_is_marked_as_turned_is_shown_upright(reel: Reel) -> None:
    """A quarter turn counter-clockwise, of square pixels and of wide ones."""
    halves = "color=black:s=36x64:r=24:d=1,drawbox=color=white:w=18:h=64:t=fill"
    plain = reel.copied("u", reel.clip("p", "-f", "lavfi", "-i", halves), before=("-display_rotation", "90"))
    stretched = reel.clip("s", "-f", "lavfi", "-i", f"{halves},scale=36:32,setsar=1/2")
    turned = reel.copied("v", stretched, before=("-display_rotation", "90"))
    film = luma(reel.film(shot(plain, 1), shot(turned, 1)))
    assert box(film[0]) == pytest.approx((0, 64, 18, 36), abs=1)
    assert box(film[1]) == pytest.approx((0, 64, 18, 36), abs=1)


def test_ten_bits_and_full_range_come_as_eight_bits_of_video_range(reel: Reel) -> None:
    deep = reel.clip("d", *flat(120), pixels="yuv422p10le")
    full = "color=black:s=64x36:r=24:d=1,format=yuvj420p,geq=lum=255:cb=128:cr=128"
    bright = reel.clip("f", "-f", "lavfi", "-i", full, "-color_range", "pc", pixels="yuvj420p")
    film = reel.film(shot(deep, 1), shot(bright, 1))
    assert light(film) == pytest.approx([120, 235], abs=1)


@pytest.mark.parametrize(
    ("matrix", "weights"), [("bt709", (0.2126, 0.0722)), ("smpte170m", (0.299, 0.114))], ids=["HD", "SD"]
)
def test_colours_come_through_whatever_matrix_they_were_coded_with(
    reel: Reel, matrix: str, weights: tuple[float, float]
) -> None:
    colours = np.array([(180, 60, 40), (50, 160, 70), (60, 80, 190), (128, 128, 128)], float)
    coded = np.rint(ycc(colours, *weights)).astype(int)
    bars = "".join(f"drawbox=x={16 * n}:w=16:h=36:t=fill:color=white," for n in range(0))
    lum, cb, cr = (
        "+".join(f"{v}*eq(floor(X/{w})\\,{n})" for n, v in enumerate(row))
        for row, w in zip(coded.T, (16, 8, 8), strict=True)
    )
    source = f"color=black:s=64x36:r=24:d=1,{bars}geq=lum='{lum}':cb='{cb}':cr='{cr}',setparams=colorspace={matrix}"
    clip = reel.clip("c", "-f", "lavfi", "-i", source, "-colorspace", matrix, "-qp", "0", pixels="yuv420p")
    shown = planes(reel.film(shot(clip, 1)))[0]
    u, v = shown[36:45].reshape(18, 32), shown[45:].reshape(18, 32)
    found = np.array([(shown[18, 16 * n + 8], u[9, 8 * n + 4], v[9, 8 * n + 4]) for n in range(4)], float)
    assert np.abs(rgb(found) - colours).max() <= 4, "within what rounding to 8 bits twice, and coding, leaves"
    assert np.abs(found - ycc(colours, 0.2126, 0.0722)).max() <= 2


@pytest.mark.parametrize(
    ("size", "weights"), [((64, 36), (0.299, 0.114)), ((1280, 36), (0.2126, 0.0722))], ids=["SD", "HD"]
)
def test_a_clip_that_does_not_say_its_matrix_is_taken_as_players_take_it(
    reel: Reel, size: tuple[int, int], weights: tuple[float, float]
) -> None:
    colour = np.array([(60.0, 80.0, 190.0)])
    y, cb, cr = np.rint(ycc(colour, *weights)).astype(int)[0]
    source = f"color=black:s={size[0]}x{size[1]}:r=24:d=1,geq=lum={y}:cb={cb}:cr={cr}"
    shown = planes(reel.film(shot(reel.clip("c", "-f", "lavfi", "-i", source, "-qp", "0"), 1, framing="fill")))[0]
    found = np.array([(shown[18, 32], shown[40, 16], shown[49, 16])], float)
    assert np.abs(found - ycc(colour, 0.2126, 0.0722)).max() <= 2


def ycc(colours: np.ndarray, red: float, blue: float) -> np.ndarray:
    """RGB of 0 to 255 as Y'CbCr in video range (ITU-R BT.709, BT.601)."""
    y = colours @ np.array([red, 1 - red - blue, blue])
    cb, cr = (colours[:, 2] - y) / (2 * (1 - blue)), (colours[:, 0] - y) / (2 * (1 - red))
    return np.stack([16 + y * 219 / 255, 128 + cb * 224 / 255, 128 + cr * 224 / 255], 1)


def rgb(coded: np.ndarray, red: float = 0.2126, blue: float = 0.0722) -> np.ndarray:
    y, cb, cr = (coded[:, 0] - 16) / 219 * 255, (coded[:, 1] - 128) / 224 * 255, (coded[:, 2] - 128) / 224 * 255
    r, b = y + 2 * (1 - red) * cr, y + 2 * (1 - blue) * cb
    return np.stack([r, (y - red * r - blue * b) / (1 - red - blue), b], 1)


# Files whose times are odd


def test_a_variable_rate_keeps_each_frame_at_its_time(reel: Reel) -> None:
    kept = ["-vf", "select='eq(n\\,0)+eq(n\\,3)+eq(n\\,4)+eq(n\\,11)+eq(n\\,17)'", "-fps_mode", "vfr"]
    film = reel.film(shot(reel.clip("v", *ramp(1), *kept), 24))
    held = [0] * 3 + [3] + [4] * 7 + [11] * 6 + [17] * 7
    assert light(film) == pytest.approx([16 + 4 * n for n in held], abs=1)


def test_a_picture_that_starts_late_in_its_file_is_late_in_the_film(reel: Reel) -> None:
    late = ["-itsoffset", "0.5", *ramp(1)]
    clip = reel.clip("l", *late, *tone(2))
    film = reel.film(shot(clip, 30))
    assert light(film) == pytest.approx([16 + 4 * max(0, n - 12) for n in range(30)], abs=1)
    assert length.measured(clip, reel.store) == Fraction(3, 2)


def test_what_an_edit_list_leaves_out_is_not_shown(reel: Reel) -> None:
    """A copy from between key frames starts before zero, and an edit list says so."""
    whole = reel.clip("w", *ramp(2), "-g", "24", "-bf", "2")
    part = reel.copied("p", whole, before=("-ss", "0.5"))
    assert light(reel.film(shot(part, 12))) == pytest.approx([16 + 4 * (12 + n) for n in range(12)], abs=1)
    assert length.measured(part, reel.store) == Fraction(3, 2)


def laid(reel: Reel, fit: str, seconds: str, trim: str = "0", asked: str = "2") -> Timeline:
    """A film of one shot, laid out with the length of its clip measured."""
    clip = reel.clip("c", *ramp(float(Fraction(seconds)), step=2), *tone(float(Fraction(seconds))))
    record = reel.store.find(f"{'c':0>64}")
    asked_, in_ = Fraction(asked), Fraction(trim)
    one = Shot("s1", "", "", "", "words", (), asked_, in_, skip=False, fit=fit)
    two = replace_shot(one, id="s2", fit="hold", trim_in=Fraction(0))
    way = Pass("local/animatic", "540p", None)
    film = Film("F", "16:9", Fraction(24), "p", {"p": way}, (one, two), {"p": (None, None)}, {"p": {}}, {"p": ()})
    found = lay_out(film, "p", lambda _: ("p", record), lambda _: length.measured(clip, reel.store))  # type: ignore[arg-type,return-value]
    return replace(found, width=64, height=36)


def replace_shot(one: Shot, **fields: object) -> Shot:
    return one._replace(**fields)  # type: ignore[arg-type]


def test_a_shot_that_is_trimmed_ends_with_its_clip_and_one_that_holds_does_not(reel: Reel) -> None:
    shown = laid(reel, "trim", "1.5", "0.25")
    assert [(clip.start, clip.frames) for clip in shown.clips] == [(0, 30), (30, 48)]
    film = light(reel.folder / reel.make(shown).path)
    assert film[:30] == pytest.approx([16 + 2 * (6 + n) for n in range(30)], abs=1)
    assert film[30:] == pytest.approx([16 + 2 * min(n, 35) for n in range(48)], abs=1)
    assert [note for note in reel.noted if "s1" in note] == []
    assert any("s2" in note and "0.5 s early" in note for note in reel.noted)


@pytest.mark.parametrize(("seconds", "trim"), [("1", "0"), ("3.5", "0.5")])
def test_a_retimed_shot_shows_its_whole_clip_at_another_speed(reel: Reel, seconds: str, trim: str) -> None:
    shown = laid(reel, "retime", seconds, trim)
    assert shown.clips[0].frames == 48
    speed = (Fraction(seconds) - Fraction(trim)) / 2
    assert shown.speed(shown.clips[0]) == speed
    film = reel.folder / reel.make(shown).path
    first = Fraction(trim) * 24
    at = [first + speed * n for n in range(48)]
    assert light(film)[:48] == pytest.approx([16 + 2 * float(one) for one in at], abs=2 + float(speed))
    heard = np.abs(samples(film))[: 2 * 48000]
    assert heard[:4800].max() > 0.02
    assert heard[-9600:].max() > 0.02, "its sound is as long as its picture"


# Transitions


def test_outside_a_transition_every_frame_is_the_clips_own_to_the_bit(reel: Reel) -> None:
    clips = [reel.clip(n, *picture("testsrc2", rate, seconds=2)) for n, rate in (("a", "25"), ("b", "30"), ("c", "24"))]
    shown = timeline(shot(clips[0], 20), shot(clips[1], 30, "dissolve", 7), shot(clips[2], 20, "circleopen", 10))
    film = planes(reel.folder / reel.make(shown).path)
    assert len(film) == 70
    a, b, c = (planes(record.outputs["video"].path) for record in reel.conformed(shown))
    assert (len(a), len(b), len(c)) == (27, 40, 20)
    assert (film[:20] == a[:20]).all()
    assert (film[27:50] == b[7:30]).all()
    assert (film[60:] == c[10:]).all()
    assert abs(film[20:27] - a[20:27]).mean() > 2 < abs(film[20:27] - b[:7]).mean()


def test_a_dissolve_goes_evenly_from_one_clip_to_the_next(reel: Reel) -> None:
    film = luma(reel.film(shot(reel.clip("a", *flat(40)), 12), shot(reel.clip("b", *flat(200)), 18, "dissolve", 8)))
    assert film.max(axis=(1, 2)) - film.min(axis=(1, 2)) == pytest.approx(np.zeros(30), abs=2), "no pattern"
    expected = [40] * 12 + [40 + 20 * n for n in range(8)] + [200] * 10
    assert [float(one.mean()) for one in film] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("kind", "colour"), [("fade", 16), ("dip", 235)])
def test_a_fade_goes_through_black_and_a_dip_through_white(reel: Reel, kind: str, colour: int) -> None:
    a, b = reel.clip("a", *flat(100)), reel.clip("b", *flat(150))
    seen = light(reel.film(shot(a, 12), shot(b, 18, kind, 10)))
    away = [abs(one - colour) for one in seen]
    assert away[11] == pytest.approx(abs(100 - colour), abs=1) and away[22:] == pytest.approx(
        [abs(150 - colour)] * 8, abs=1
    )
    assert away[12:17] == sorted(away[12:17], reverse=True) and away[17:22] == sorted(away[17:22])
    assert min(away) < 20
    assert len(set(seen[12:22])) >= 8, "it goes evenly"


def test_a_wipe_comes_from_the_right(reel: Reel) -> None:
    film = luma(reel.film(shot(reel.clip("a", *flat(40)), 12), shot(reel.clip("b", *flat(200)), 18, "wipe", 8)))
    half = film[16].mean(0)
    assert half[:28] == pytest.approx(np.full(28, 40), abs=4)
    assert half[36:] == pytest.approx(np.full(28, 200), abs=4)


@pytest.mark.parametrize(("kind", "start"), [("fade", 16), ("dissolve", 16), ("dip", 235)])
def test_the_first_clip_comes_in_from_a_colour(reel: Reel, kind: str, start: int) -> None:
    seen = light(reel.film(shot(reel.clip("a", *flat(120)), 12, kind, 6)))
    assert seen[0] == pytest.approx(start, abs=2)
    assert seen[6:] == pytest.approx([120] * 6, abs=1)
    assert seen[:7] == sorted(seen[:7], reverse=start > 120)


def test_under_a_transition_both_clips_go_on_frame_by_frame(reel: Reel) -> None:
    before, after = reel.clip("r", *ramp(2)), reel.clip("q", *ramp(2, step=2))
    film = luma(reel.film(shot(before, 12), shot(after, 12, "wipe", 8)))
    assert film[12:19, :, 2].mean(1) == pytest.approx([16 + 4 * (12 + n) for n in range(7)], abs=2)
    assert film[14:20, :, 61].mean(1) == pytest.approx([16 + 2 * n for n in range(2, 8)], abs=2)


def test_a_handle_that_is_too_short_holds_the_last_frame_under_the_transition(reel: Reel) -> None:
    before = reel.clip("r", *ramp(0.5))
    film = luma(reel.film(shot(before, 12), shot(reel.clip("b", *flat(235)), 12, "wipe", 8)))
    assert film[12:18, :, 2].mean(1) == pytest.approx([16 + 4 * 11] * 6, abs=2)


def test_transitions_may_be_one_frame_long_or_as_long_as_the_shot_and_follow_each_other(reel: Reel) -> None:
    a, b, c, d = (reel.clip(str(n), *flat(n, 2)) for n in (40, 90, 140, 200))
    clips = (
        shot(a, 6),
        shot(b, 1, "dissolve", 1),
        shot(c, 8, "dissolve", 8),
        shot(d, 8, "fade", 8),
        shot(a, 5, "dip", 1),
    )
    film = reel.film(*clips)
    seen = light(film)
    assert times(film) == [Fraction(n, 24) for n in range(28)]
    assert seen[:7] == pytest.approx([40] * 7, abs=1)
    assert seen[7:15] == pytest.approx([90 + 50 * n / 8 for n in range(8)], abs=1), "the clip before runs on"
    assert min(seen[15:23]) < 50
    assert seen[24:] == pytest.approx([40] * 4, abs=1)


def test_every_transition_has_a_picture_of_its_own(reel: Reel) -> None:
    """All in one film, each from one clip to the other; where it has ended the film is that clip to the bit."""
    ends = [reel.clip("a", *picture("testsrc", seconds=0.5)), reel.clip("b", *picture("smptebars", seconds=0.5))]
    kinds = TYPES[1:]
    clips = [shot(ends[1], 6), *(shot(ends[n % 2], 6, kind, 5) for n, kind in enumerate(kinds))]
    shown = timeline(*clips)
    film = planes(reel.folder / reel.make(shown).path)
    assert len(film) == 6 * len(clips)
    seen = [film[6 * n : 6 * n + 5].tobytes() for n in range(1, len(clips))]
    assert len(set(seen)) == len(seen), "no two look the same"
    whole = {
        name: planes(record.outputs["video"].path)
        for name, record in zip("ab", reel.conformed(shown)[1:3], strict=True)
    }
    for n, kind in enumerate(kinds[:-1]):
        assert (film[6 * n + 11] == whole["ab"[n % 2]][5]).all(), kind


# The film's file


def test_the_file_is_closed_groups_in_order_with_its_index_in_front(reel: Reel) -> None:
    a, b = (reel.clip(n, *picture("testsrc2", rate, seconds=3), *tone(3)) for n, rate in (("a", "30"), ("b", "24")))
    film = reel.film(shot(a, 50), shot(b, 40, "dissolve", 9), fps=Fraction(24000, 1001))
    data = film.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(film)) as opened:
        for stream in (opened.streams.video[0], opened.streams.audio[0]):
            opened.seek(0)
            packets = [packet for packet in opened.demux(stream) if packet.size]
            stamps = [packet.dts for packet in packets]
            assert stamps == sorted(set(stamps)) and stamps == [packet.pts for packet in packets]
            if stream.type == "video":
                keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]
                assert {0, 50, 59} <= set(keys) and max(np.diff([*keys, 90])) <= 24
                kinds = [{unit & 31 for unit in units(bytes(packet))} for packet in packets]
                assert all((5 in kind) == (n in keys) for n, kind in enumerate(kinds)), "each key frame is an IDR"


def units(packet: bytes) -> list[int]:
    """The first byte of each NAL unit (ISO/IEC 14496-15: a length of 4 bytes before each)."""
    found, at = [], 0
    while at + 4 < len(packet):
        found.append(packet[at + 4])
        at += 4 + int.from_bytes(packet[at : at + 4])
    return found


def test_it_plays_from_a_pipe_from_the_first_byte_on(reel: Reel, tmp_path: Path) -> None:
    film = reel.film(shot(reel.clip("a", *picture("testsrc2"), *tone()), 24))
    argv = [reel.tools.ffmpeg, "-v", "error", "-f", "mov", "-i", "pipe:0", "-f", "framecrc", "-map", "0", "-"]
    with film.open("rb") as stream, subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE) as pipe:  # noqa: S607
        played = subprocess.run(argv, stdin=pipe.stdout, capture_output=True, text=True, check=True)
    assert played.stderr == ""
    assert sum(line.startswith("0,") for line in played.stdout.splitlines()) == 24


WORDS = ["-f", 'it\'s a "test"', "a:b\\c;d=e", "100% %{pts} %d", "[x] {y} #z", "日本語 مرحبا", " two  spaces", "-->"]


def test_titles_scenes_and_what_made_it_read_back_as_written(reel: Reel) -> None:
    blob = reel.clip("g", *flat(99))
    clips = [replace(shot(blob, 3), shot=f"s{n}", scene=words, scene_id=f"c{n}") for n, words in enumerate(WORDS)]
    title = " ".join(WORDS[:5])
    film = reel.film(
        *clips,
        replace(shot(blob, 2), shot="z", scene=WORDS[-1], scene_id=f"c{len(WORDS) - 1}"),
        title=title,
        commit="abc\\'1",
    )
    assert tags(film)["title"] == title
    assert tags(film)["comment"] == "p abc\\'1"
    with av.open(str(film)) as opened:
        found = [
            (c["metadata"]["title"], c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in opened.chapters()
        ]
    edges = [Fraction(3 * n, 24) for n in range(len(WORDS))] + [Fraction(3 * len(WORDS) + 2, 24)]
    assert [words for words, *_ in found] == WORDS
    assert [(start, end) for _, start, end in found] == [
        (pytest.approx(start, abs=1e-3), pytest.approx(end, abs=1e-3)) for start, end in pairwise(edges)
    ]


LINES = (
    Line("Mira", "Not tonight.", Fraction(0), Fraction(1, 2)),
    Line("Jon", 'It\'s <i>a</i> {\\an8} "test": 50% -->', Fraction(3, 4), Fraction(1, 4)),
)


def cues(film: Path) -> list[tuple[float, float, str]]:
    """The subtitles on a track of their own: where each starts and ends, and its words."""
    with av.open(str(film)) as opened:
        stream = opened.streams.subtitles[0]
        found = []
        for packet in opened.demux(stream):
            data = bytes(packet)
            if packet.size and (size := int.from_bytes(data[:2])):
                words = data[2 : 2 + size].decode()
                start = float(packet.pts * packet.time_base)
                found.append((start, start + float(packet.duration * packet.time_base), words))
        return found


def test_soft_subtitles_read_back_equal(reel: Reel) -> None:
    blob = reel.clip("g", *flat(99, 2), *tone(2))
    film = reel.film(shot(blob, 24), shot(blob, 24, lines=LINES), subtitles="soft")
    (start, end, first), (later, last, second) = cues(film)
    assert (start, end) == pytest.approx((1, 1.5), abs=2e-3)
    assert (later, last) == pytest.approx((1.75, 2), abs=2e-3)
    assert first == "Not tonight."
    assert second.replace("\u2060", "").replace("→", "-->") == LINES[1].text
    plain = reel.film(shot(blob, 24), shot(blob, 24, lines=LINES))
    with av.open(str(plain)) as opened:
        assert not opened.streams.subtitles


def test_a_leader_moves_chapters_subtitles_and_sound_along(reel: Reel) -> None:
    blob = reel.clip("g", *flat(99), *tone())
    clips = [
        replace(shot(blob, 24, lines=LINES[:1]), scene="One", scene_id="a"),
        replace(shot(blob, 24), scene="Two", scene_id="b"),
    ]
    film = reel.film(*clips, leader=True, subtitles="soft", fps=25)
    seen = light(film)
    first = len(seen) - 48
    assert first == 10 * 25
    assert seen[first - 1] == pytest.approx(16, abs=1) and seen[first:] == pytest.approx([99] * 48, abs=1)
    with av.open(str(film)) as opened:
        starts = {c["metadata"]["title"]: float(c["start"] * c["time_base"]) for c in opened.chapters()}
    assert starts["Leader"] == 0 and starts["One"] == pytest.approx(first / 25, abs=2e-3)
    assert starts["Two"] == pytest.approx((first + 24) / 25, abs=2e-3)
    assert cues(film)[0][0] == pytest.approx(first / 25, abs=2e-3)
    heard = np.abs(samples(film))
    assert heard[48000 * 9 : 48000 * 10 - 480].max() < 0.01
    assert heard[48000 * 10 + 480 : 48000 * 10 + 4800].max() > 0.03


# Picture and sound together


def test_the_sound_has_no_seam_where_stretches_meet(reel: Reel) -> None:
    """A steady tone over the film's stretches stays a steady tone: nothing else is heard at any frame."""
    heard = samples(reel.film(shot(reel.clip("t", *flat(99, 16), *tone(16)), 24 * 16)))[48000 : 15 * 48000]
    time = np.arange(len(heard)) / 48000
    basis = np.stack([np.sin(2 * np.pi * 440 * time), np.cos(2 * np.pi * 440 * time)], 1)
    found, *_ = np.linalg.lstsq(basis, heard, rcond=None)
    rest = heard - basis @ found
    blocks = np.sqrt((rest[: len(rest) // 1024 * 1024].reshape(-1, 1024) ** 2).mean(1))
    assert np.hypot(*found) > 0.05
    seams = [n * sound.STRETCH - 48000 // 1024 for n in range(1, 3)]
    near = np.concatenate([blocks[seam - 4 : seam + 4] for seam in seams])
    elsewhere = np.delete(blocks, [seam + n for seam in seams for n in range(-4, 4)])
    assert near.max() <= 1.5 * elsewhere.max()
    assert near.max() < 0.03 * np.hypot(*found)


# Made again


def kept(reel: Reel, frames: int | None = None) -> set[str]:
    """The keys in the store whose records have a video; only those of so many frames."""
    found = (reel.store.find(path.name) for path in (reel.store.root / "ac").iterdir())
    videos = (one for one in found if hasattr(one, "outputs") and "video" in one.outputs)
    return {one.key for one in videos if frames is None or len(one.facts["sizes"]) == frames}


def four(reel: Reel) -> list[Clip]:
    """Shots of 12 frames, the last three after dissolves of 6; a longer tail than 6 nowhere."""
    blobs = [
        reel.clip(n, *picture("testsrc2", rate, seconds=2), *tone(2))
        for n, rate in zip("abcd", ("24", "25", "30", "50"), strict=True)
    ]
    return [shot(blobs[0], 12), *(shot(blob, 12, "dissolve", 6) for blob in blobs[1:])]


def test_a_changed_shot_costs_itself_and_the_transitions_that_touch_it(reel: Reel) -> None:
    clips = four(reel)
    whole = reel.make(timeline(*clips))
    assert whole.made and sorted(whole.conformed) == ["s0", "s1", "s2", "s3"]
    before = kept(reel)
    again = reel.make(timeline(*clips))
    assert not again.made and not reel.worked and kept(reel) == before

    other = reel.clip("e", *picture("smptebars", seconds=2), *tone(2))
    changed = [clips[0], replace(clips[1], media=other), *clips[2:]]
    made = reel.make(timeline(*changed))
    assert made.conformed == ("s1",)
    assert reel.worked == ["s1", "cut"]
    new = [reel.store.find(key) for key in kept(reel) - before]
    assert sorted(len(one.facts["sizes"]) for one in new) == [6, 6, 18], "one clip, two transitions"  # type: ignore[union-attr]


def test_a_transition_of_another_type_is_rendered_alone_and_one_of_another_length_costs_its_two_shots(
    reel: Reel,
) -> None:
    first, second, third, fourth = four(reel)
    reel.make(timeline(first, second, third, fourth))
    before = kept(reel)
    wiped = replace(third, join=third.join._replace(type="wipe"))
    made = reel.make(timeline(first, second, wiped, fourth))
    assert made.made and made.conformed == () and reel.worked == ["cut"]
    assert len(kept(reel) - before) == 1
    shorter = replace(third, join=third.join._replace(frames=4))
    assert sorted(reel.make(timeline(first, second, shorter, fourth)).conformed) == ["s1", "s2"]


def test_moving_shots_conforms_nothing_without_a_burn_in(reel: Reel) -> None:
    a, b, c, d = (replace(clip, join=shot(None, 1).join) for clip in four(reel))
    reel.make(timeline(a, b, c, d))
    before = kept(reel)
    made = reel.make(timeline(c, a, d, b))
    assert made.made and made.conformed == () and kept(reel) == before
    reel.make(timeline(c, a, d, b, burn_in=Burned()))
    burned = reel.make(timeline(c, a, b, d, burn_in=Burned()))
    assert sorted(burned.conformed) == ["s2", "s3"], "those whose burnt-in times changed"


def test_two_folders_get_the_same_film_byte_for_byte(tmp_path: Path, tools: Tools) -> None:
    films = []
    for name in ("one", "other"):
        reel = Reel(tmp_path / name, tools)
        clips = [*four(reel)[1:], shot(None, 12, "fade", 5)]
        film = reel.film(*clips, subtitles="soft", burn_in=Burned("mark", "2026-11-21"))
        films.append((film.read_bytes(), (film.parent / "contact-sheet.jpg").read_bytes()))
    assert films[0] == films[1]


def test_the_key_of_a_conformed_clip_covers_all_it_depends_on(reel: Reel) -> None:
    clip = replace(
        shot(reel.clip("a", *picture("testsrc2")), 12),
        shot="s1",
        scene="sc",
        start=10,
        source=Span(Fraction(0), Fraction(1, 2)),
    )
    other = reel.clip("b", *picture("testsrc"))

    def key(
        clip: Clip = clip, fps: int = 24, burn: Burned | None = None, version: str = "9", size: tuple[int, int] = SMALL
    ) -> str:
        shown = Timeline("T", "p", Fraction(fps), *size, (clip,), burn)
        return conform.key_of(clip, footage_of(clip), shown, Tools(reel.tools.ffmpeg, version))

    seen = [
        key(),
        key(replace(clip, media=other)),
        key(replace(clip, frames=13)),
        key(replace(clip, tail=3)),
        key(replace(clip, framing="fill")),
        key(replace(clip, join=shot(None, 1, "wipe", 3).join)),
        key(replace(clip, source=Span(Fraction(1, 2), Fraction(1, 2)))),
        key(replace(clip, source=Span(Fraction(0), Fraction(1)))),
        key(fps=25),
        key(size=(128, 72)),
        key(version="8"),
        key(burn=Burned()),
        key(replace(clip, start=11), burn=Burned()),
        key(replace(clip, shot="s2"), burn=Burned()),
    ]
    assert len(set(seen)) == len(seen)
    same = [{"start": 11}, {"shot": "s2"}, {"scene": "x"}, {"prompt": "other"}, {"gain": Decimal(3)}, {"lead": 2}]
    same += [{"join": clip.join}, {"notes": "x"}, {"pass_id": "q"}]
    assert {key(replace(clip, **fields)) for fields in same} == {key()}, (
        "without burn-ins a clip's place doesn't matter"
    )


# What can't be shown


def test_a_playlist_named_mp4_gives_a_slate(reel: Reel) -> None:
    made = reel.make(timeline(shot(reel.raw("p", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"), 12)))
    assert len(times(reel.folder / made.path)) == 12
    assert any("s0" in note and "isn't an MP4" in note and "slate" in note for note in reel.noted)


@pytest.mark.parametrize(
    "mangle",
    [lambda data: data[:200], lambda data: data[:24] + bytes(len(data) - 24), lambda data: data[:24]],
    ids=["cut off", "zeroed", "only its first box"],
)
def test_a_clip_that_cannot_be_read_gives_a_slate_and_is_named(
    reel: Reel, tiny_clip: Path, mangle: Callable[[bytes], bytes]
) -> None:
    good = reel.clip("g", *flat(99), *tone())
    bad = reel.raw("m", mangle(tiny_clip.read_bytes()))
    made = reel.make(timeline(shot(good, 6), shot(bad, 6, "dissolve", 3), shot(good, 6, "fade", 2)))
    assert len(times(reel.folder / made.path)) == 18
    assert made.unusable == ("s1",)
    assert made.sources == {"s0": "p", "s1": "slate", "s2": "p"}
    assert any("s1" in note and "slate" in note for note in reel.noted)


@pytest.mark.parametrize(
    ("aspect", "resolution", "size"),
    [
        ("16:9", "720p", (1280, 720)),
        ("9:16", "1080p", (1080, 1920)),
        ("1:1", "720p", (720, 720)),
        ("4:3", "720p", (960, 720)),
    ],
)
def test_frame_sizes(aspect: str, resolution: str, size: tuple[int, int]) -> None:
    assert frame_size(aspect, resolution) == size


def test_a_long_title_and_hundreds_of_shots_still_make_a_film(reel: Reel) -> None:
    blob = reel.clip("g", *flat(99))
    made = reel.make(timeline(*[shot(blob, 1)] * 300, title="T" * 100_000))
    assert len(times(reel.folder / made.path)) == 300
    assert tags(reel.folder / made.path)["title"] == "T" * 100_000
    with Image.open(reel.folder / made.contact_sheet) as sheet:
        assert sheet.height < 65_500
