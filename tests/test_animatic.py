"""The free model's renderer: real ffmpeg, real files."""

import dataclasses
import shutil
import struct
import sys
import zlib
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image, ImageDraw

from storyboard.animatic import Line, Panel, RenderError, render
from storyboard.animatic.camera import AXES, Move, Track, read
from storyboard.animatic.caption import clean
from storyboard.animatic.film import _Stage
from storyboard.animatic.planes import sample
from storyboard.animatic.still import COVER_LIMIT, load, prepare

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
ESPEAK = shutil.which("espeak-ng")
CAPTION = "Wide on the valley at first light. Mara stops at the ridge and counts the riders below."


def panel(picture: Path | None = None, **changes: object) -> Panel:
    small = Panel(320, 180, Fraction(24), 12, picture, CAPTION, "slow dolly in", (), 7)
    return dataclasses.replace(small, **changes)  # type: ignore[arg-type]


def film(shown: Panel, out: Path, voice: Path | None = None, threads: int = 2) -> bytes:
    render(shown, out, ffmpeg=FFMPEG, voice=voice, threads=threads, tick=lambda done: None)
    return out.read_bytes()


def flat(path: Path, colour: object, size: tuple[int, int] = (640, 360), mode: str = "RGB") -> Path:
    Image.new(mode, size, colour).save(path)  # type: ignore[arg-type]
    return path


def luma(stage: _Stage, shown: Panel, frame: int) -> np.ndarray:
    raw = np.frombuffer(stage.frame(frame), np.uint8)
    return raw[: shown.width * shown.height].reshape(shown.height, shown.width).astype(float)


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as clip:
        frames = [frame.to_ndarray() for frame in clip.decode(audio=0)]
    return np.concatenate(frames, axis=1)


def loudness(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples**2) + 1e-12))


@pytest.mark.parametrize(
    ("rate", "frames", "size"),
    [
        (Fraction(24), 1, (320, 180)),
        (Fraction(24000, 1001), 37, (180, 320)),
        (Fraction(25), 30, (320, 180)),
        (Fraction(60), 61, (256, 256)),
    ],
)
def test_a_clip_has_exactly_the_frames_rate_size_and_colour_asked_for(
    tmp_path: Path, rate: Fraction, frames: int, size: tuple[int, int]
) -> None:
    out = tmp_path / "clip.mp4"
    ticks: list[int] = []
    shown = panel(rate=rate, frames=frames, width=size[0], height=size[1])
    render(shown, out, ffmpeg=FFMPEG, voice=None, threads=2, tick=ticks.append)
    assert ticks == list(range(1, frames + 1))
    with av.open(str(out)) as clip:
        video, audio = clip.streams.video[0], clip.streams.audio[0]
        assert video.average_rate == rate or frames == 1
        assert (video.width, video.height, video.pix_fmt) == (*size, "yuv420p")
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        assert (video.codec_context.colorspace, video.codec_context.color_range) == (1, 1)
        assert (audio.rate, audio.channels) == (48000, 2)
        assert audio.duration is not None and audio.time_base is not None
        assert abs(audio.duration * audio.time_base - frames / rate) <= Fraction(1, 48000)
        times = [frame.pts * frame.time_base for frame in clip.decode(video=0)]
    assert times == [n / rate for n in range(frames)]
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert list(tmp_path.iterdir()) == [out]


def test_the_same_panel_gives_the_same_bytes_and_any_other_panel_others(tmp_path: Path) -> None:
    first = film(panel(), tmp_path / "a.mp4")
    assert film(panel(), tmp_path / "b.mp4", threads=1) == first
    changes = ({"seed": 8}, {"caption": "Night."}, {"camera": "pan left"})
    others = [film(panel(**change), tmp_path / "c.mp4") for change in changes]
    assert len({first, *others}) == 4


STAND_IN = f"""#!{sys.executable}
import math, struct, sys, wave
target = sys.argv[sys.argv.index("-w") + 1]
said = open(sys.argv[sys.argv.index("-f") + 1], encoding="utf-8").read()
with wave.open(target, "wb") as sound:
    sound.setnchannels(1)
    sound.setsampwidth(2)
    sound.setframerate(22050)
    tone = (int(9000 * math.sin(n * 0.06)) for n in range(900 * len(said)))
    sound.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
"""
"""A voice that takes espeak-ng's options and hums, so that speech is tested where espeak-ng isn't installed."""


@pytest.mark.parametrize("voice", ["stand-in", *([ESPEAK] if ESPEAK else [])])
def test_speech_is_heard_over_the_bed_and_is_the_same_every_time(tmp_path: Path, voice: str) -> None:
    if voice == "stand-in":
        voice = str(tmp_path / "voice")
        Path(voice).write_text(STAND_IN, "utf-8")
        Path(voice).chmod(0o755)
    line = Line("Mara", "Eleven of them. Count again.", Fraction(1), Fraction(3))
    shown = panel(width=64, height=64, frames=96, dialogue=(line,))
    spoken = film(shown, tmp_path / "a.mp4", Path(voice))
    assert film(shown, tmp_path / "b.mp4", Path(voice)) == spoken
    sound = heard(tmp_path / "a.mp4")
    assert loudness(sound[:, 52800:86400]) > loudness(sound[:, 4800:38400]) + 10
    assert np.max(np.abs(sound)) < 10 ** (-1 / 20)


def test_without_a_voice_the_bed_is_there_quiet_and_stereo(tmp_path: Path) -> None:
    film(panel(width=64, height=64, frames=72), tmp_path / "a.mp4")
    sound = heard(tmp_path / "a.mp4")
    assert sound.shape[0] == 2
    assert -45 < loudness(sound) < -33
    assert np.max(np.abs(sound)) < 0.15
    assert not np.array_equal(sound[0], sound[1])


def test_a_voice_that_fails_leaves_silence_and_no_error(tmp_path: Path) -> None:
    line = Line("Mara", "-w /etc/passwd [[x]] <speak>", Fraction(0), Fraction(1))
    silent = film(panel(dialogue=(line,)), tmp_path / "a.mp4")
    for broken in (Path("/bin/false"), tmp_path / "nowhere"):
        assert film(panel(dialogue=(line,)), tmp_path / "b.mp4", broken) == silent


@pytest.mark.parametrize("camera", ["slow pan left", "slow truck right"])
def test_a_slow_move_has_no_jitter(tmp_path: Path, camera: str) -> None:
    picture = Image.new("L", (1280, 720), 30)
    picture.paste(220, (0, 0, 640, 720))
    picture.save(tmp_path / "edge.png")
    shown = panel(tmp_path / "edge.png", frames=96, camera=camera, caption="")
    stage = _Stage(shown)
    rows = [luma(stage, shown, n)[90] for n in range(shown.frames)]
    # The dark side begins where the row's sum says: sub-pixel, whatever the shape of the edge.
    places = np.array([(row - row[-1]).sum() / (row[0] - row[-1]) for row in rows])
    assert abs(places[-1] - places[0]) > 10
    assert np.all(np.diff(places) * np.sign(places[-1] - places[0]) > 0)
    assert np.max(np.abs(np.diff(places, 2))) < 0.05


@pytest.mark.parametrize("frame", [(640, 360), (360, 640), (400, 400)])
@pytest.mark.parametrize("size", [(900, 700), (500, 1100), (1600, 500)])
def test_a_circle_stays_a_circle(tmp_path: Path, frame: tuple[int, int], size: tuple[int, int]) -> None:
    picture = Image.new("L", size, 0)
    x, y = size[0] / 2, size[1] / 2
    ImageDraw.Draw(picture).ellipse((x - 200, y - 200, x + 200, y + 200), fill=255)
    picture.save(tmp_path / "circle.png")
    canvas, track = prepare(tmp_path / "circle.png", frame, read("push in"), 1)
    for t in (0.0, 1.0):
        shown = np.asarray(sample(canvas, track.window(t), frame).y, float)
        lit = np.clip((shown - 118) / 117, 0, 1)
        wide, high = (
            lit[frame[1] // 2 - 1 : frame[1] // 2 + 1].sum(),
            lit[:, frame[0] // 2 - 1 : frame[0] // 2 + 1],
        )
        assert wide / high.sum() == pytest.approx(1, abs=0.01)


def test_colour_stays_on_its_luma(tmp_path: Path) -> None:
    picture = Image.new("RGB", (640, 360), (40, 40, 40))
    picture.paste((200, 40, 40), (0, 0, 320, 360))
    picture.save(tmp_path / "edge.png")
    canvas, track = prepare(tmp_path / "edge.png", (320, 180), read("pan right"), 1)
    for t in (0.0, 0.3, 0.7, 1.0):
        y, _, v = (np.asarray(p, float) for p in sample(canvas, track.window(t), (320, 180)))
        luma_at = (y[90] - y[90, -1]).sum() / (y[90, 0] - y[90, -1])
        # Chroma sample i sits on luma column 2 i, half a luma pixel left of the middle of its pair.
        chroma_at = 2 * (v[45] - v[45, -1]).sum() / (v[45, 0] - v[45, -1]) - 0.5
        assert chroma_at == pytest.approx(luma_at, abs=0.1)


@pytest.mark.parametrize("camera", ["pan left", "tilt up", "zoom out", "whip pan right", "static", ""])
def test_the_window_stays_on_the_canvas_and_keeps_its_aspect(camera: str) -> None:
    for canvas in ((1400.0, 800.0), (1400.0, 1100.0), (800.0, 700.0)):
        track = Track(read(camera), canvas, 16 / 9)
        for t in np.linspace(0, 1, 21):
            x0, y0, x1, y1 = track.window(float(t))
            assert -1e-6 <= x0 < x1 <= canvas[0] + 1e-6 and -1e-6 <= y0 < y1 <= canvas[1] + 1e-6
            assert (x1 - x0) / (y1 - y0) == pytest.approx(16 / 9)


def _linear(luma_value: float) -> float:
    signal = min(1.0, max(0.0, (luma_value - 16) / 219))
    return signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("colour", ["white", "black", (240, 220, 60)])
@pytest.mark.parametrize("speaking", [False, True])
def test_type_is_readable_on_any_picture_and_the_top_is_left_alone(
    tmp_path: Path, colour: object, speaking: bool
) -> None:
    said = (Line("Mara", CAPTION, Fraction(0), Fraction(1)),) if speaking else ()
    shown = panel(flat(tmp_path / "flat.png", colour), width=640, height=360, dialogue=said, frames=24)
    bare = dataclasses.replace(shown, caption="", dialogue=())
    got, plain = luma(_Stage(shown), shown, 12), luma(_Stage(bare), bare, 12)
    assert np.array_equal(got[: 360 * 35 // 100], plain[: 360 * 35 // 100])
    band = got[360 * 74 // 100 : 360 * 9 // 10, 64:576]
    type_rows = [row for row in band if row.max() > 225]
    assert len(type_rows) > 8
    # Behind each row of type, the brightest tenth of what is not type or its edge.
    for row in type_rows:
        behind = np.quantile(row[row < 140], 0.9) if (row < 140).any() else row.min()
        assert (_linear(row.max()) + 0.05) / (_linear(behind) + 0.05) >= 4.5
        assert (row < 140).mean() > 0.4
    # Nothing but the scrim, with its dither, is outside the title-safe area.
    assert np.ptp(got[:, :40], axis=1).max() <= 4


def test_a_card_keeps_the_top_band_free_and_its_text_still(tmp_path: Path) -> None:
    for width, height in ((640, 360), (360, 640)):
        shown = panel(width=width, height=height, caption="The lighthouse, night.", frames=48)
        stage = _Stage(shown)
        first, last = luma(stage, shown, 0), luma(stage, shown, 47)
        for frame in (first, last):
            assert frame[: height * 12 // 100].max() < 130
            assert (frame > 215).sum() > 200
        bright = first > 222
        assert np.abs(first - last)[bright].max() < 12
        assert np.abs(first - last).mean() > 0.3


def test_only_the_line_of_the_moment_is_shown(tmp_path: Path) -> None:
    lines = (
        Line("Mara", "Eleven of them.", Fraction(0), Fraction(5)),
        Line("Old Tobias", "Then count them again, slowly.", Fraction(2), Fraction(1)),
    )
    shown = panel(flat(tmp_path / "flat.png", "black"), dialogue=lines, frames=96)
    alone = dataclasses.replace(shown, dialogue=lines[1:])
    assert np.array_equal(luma(_Stage(shown), shown, 60), luma(_Stage(alone), alone, 60))
    silent = dataclasses.replace(shown, dialogue=())
    caption = luma(_Stage(silent), silent, 90)
    assert np.abs(luma(_Stage(shown), shown, 90) - caption).max() <= 1
    assert np.abs(luma(_Stage(shown), shown, 60) - caption).max() > 100


class Stop(Exception):
    pass


@pytest.mark.parametrize("threads", [1, 2])
def test_what_tick_raises_cancels_and_leaves_nothing(tmp_path: Path, threads: int) -> None:
    def tick(done: int) -> None:
        if done == 5:
            raise Stop

    with pytest.raises(Stop):
        render(panel(frames=500), tmp_path / "a.mp4", ffmpeg=FFMPEG, voice=None, threads=threads, tick=tick)
    assert list(tmp_path.iterdir()) == []
    here = str(tmp_path).encode()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes()
        except OSError:
            continue
        assert not (b"ffmpeg" in words and here in words)


def test_an_ffmpeg_that_fails_is_quoted_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho 'no such encoder' >&2\nexit 3\n")
    broken.chmod(0o755)
    for program, words in ((broken, "no such encoder"), (tmp_path / "none", "does not start")):
        with pytest.raises(RenderError, match=words):
            render(panel(), tmp_path / "a.mp4", ffmpeg=program, voice=None, threads=1, tick=lambda done: None)
    assert list(tmp_path.iterdir()) == [broken]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("side", [10_001, 20_000, 2_000_000])
def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path, side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 100)) + _chunk(b"IEND", b"")
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    with pytest.raises(RenderError, match="pixels"):
        film(panel(bomb), tmp_path / "a.mp4")


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_a_truncated_picture_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"cut.{kind}"
    Image.effect_noise((400, 300), 80).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RenderError, match=f"cut.{kind}"):
        film(panel(path), tmp_path / "a.mp4")


def test_other_formats_and_missing_files_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png", format="BMP")
    for path in (tmp_path / "a.png", tmp_path / "none.png", tmp_path):
        with pytest.raises(RenderError):
            film(panel(path), tmp_path / "a.mp4")


@pytest.mark.parametrize("size", [(321, 180), (0, 0), (320, 90_000)])
def test_sizes_that_no_clip_can_have_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(RenderError):
        film(panel(width=size[0], height=size[1]), tmp_path / "a.mp4")


def test_every_kind_of_picture_comes_out_as_upright_rgb(tmp_path: Path) -> None:
    red = Image.new("RGB", (60, 40), (200, 20, 20))
    red.quantize(8).save(tmp_path / "palette.png")
    red.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    red.save(tmp_path / "rgb.webp", lossless=True)
    red.save(tmp_path / "moving.webp", save_all=True, append_images=[Image.new("RGB", (60, 40))], lossless=True)
    for name in ("palette.png", "cmyk.jpg", "rgb.webp", "moving.webp"):
        middle = load(tmp_path / name).getpixel((30, 20))
        assert np.abs(np.subtract(middle, (200, 20, 20))).max() < 12, name  # type: ignore[arg-type]
    Image.fromarray(np.full((40, 60), 0x8000, np.uint16)).save(tmp_path / "deep.png")
    assert load(tmp_path / "deep.png").getpixel((9, 9)) == (128, 128, 128)
    Image.new("RGBA", (60, 40), (255, 255, 255, 0)).save(tmp_path / "clear.png")
    assert max(load(tmp_path / "clear.png").getpixel((9, 9))) < 40  # type: ignore[arg-type, type-var]
    exif = Image.Exif()
    exif[0x0112] = 6
    red.save(tmp_path / "turned.jpg", exif=exif)
    assert load(tmp_path / "turned.jpg").size == (40, 60)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)])
def test_tiny_and_thin_pictures_render(tmp_path: Path, size: tuple[int, int]) -> None:
    assert film(panel(flat(tmp_path / "dot.png", "navy", size), frames=2), tmp_path / "a.mp4")


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "%{pts} 'a' \"b\" \\n : ; , [in]", "one\ntwo\r\nthree", "😀🚪🏽‍🚀", "\u202eabc\u200f שלום",
     "word " * 1000, "x" * 5000, "日本語", "\ud800\x00\x1b[0m", "e\u0301" * 50],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_any_text_can_be_set(tmp_path: Path, text: str) -> None:
    picture = flat(tmp_path / "flat.png", "grey")
    said = (Line(text, text, Fraction(0), Fraction(1)),)
    for shown in (panel(picture, caption=text, dialogue=said), panel(None, caption=text, camera=text)):
        assert len(_Stage(shown).frame(6)) == 320 * 180 * 3 // 2


def test_symbols_without_a_glyph_are_left_out_and_words_kept() -> None:
    assert clean("The door 🚪 \u202eopens…\n “now” ") == "The door opens… “now”"


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("slow dolly in", "push in"), ("DOLLY OUT", "pull out"), ("dolly back", "pull out"),
        ("push-in on her face", "push in"), ("crash zoom", "push in"), ("zoom out", "pull out"),
        ("Pull back to reveal", "pull out"), ("pan left", "pan left"), ("camera pans slowly to the right", "pan right"),
        ("pan from left to right", "pan right"), ("pan from right to left", "pan left"), ("a left pan", "pan left"),
        ("tilt down", "tilt down"), ("tilts up", "tilt up"), ("pan up", "tilt up"), ("trucking left", "track left"),
        ("tracking shot, right", "track right"), ("slide left", "track left"), ("dolly left", "track left"),
        ("pedestal down", "lower"), ("crane up over the roofs", "rise"), ("boom down", "lower"), ("rise", "rise"),
        ("ｐａｎ ｌｅｆｔ", "pan left"), ("whip pan left", "pan left"),
        ("locked-off", "static"), ("static", "static"), ("hold", "static"), ("a fixed frame", "static"),
        ("hold, then pan left", "pan left"),
        ("", "push in"), ("span left", "push in"), ("expand right", "push in"), ("company left", "push in"),
        ("Japan, right", "push in"), ("stilts down", "push in"), ("household", "push in"), ("\u202e🎥", "push in"),
    ],
)  # fmt: skip
def test_camera_words(words: str, label: str) -> None:
    assert read(words).label == label


def test_camera_words_of_manner_scale_the_move() -> None:
    slow, plain, fast, whip = (abs(read(f"{pace} pan left").dx) for pace in ("slow", "", "quick", "whip"))
    assert 0 < slow < plain < fast < whip
    assert 0 < read("").dz < AXES["in"].dz
    both = read("slow push in while panning left")
    assert both.dz > 0 > both.dx
    assert read("static") == Move("static", "·", 0, 0, 0)
    assert COVER_LIMIT > (16 / 9) / (4 / 3)
