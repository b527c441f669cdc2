"""The cut: clips of any rate, size, length and sound become one film, exact to the frame."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from storyboard import cut, media
from storyboard.cut import conform, sound
from storyboard.event import Event, Noted, ignore
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.store import Blob, Store
from storyboard.timeline import Clip, Timeline, frame_size
from storyboard.tools import Tools

SIZE = (320, 180)


class Bench:
    """A folder with a store, where clips are made and cut."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", lambda: 0))
        self.noted: list[str] = []

    def clip(self, name: str, *arguments: str) -> Blob:
        """A clip made by ffmpeg, put into the store."""
        with self.store.workspace() as folder:
            media.run(self.tools.ffmpeg, [*arguments, "-pix_fmt", "yuv420p", str(folder / "clip.mp4")], folder)
            return self.store.put(f"{name:0>64}", {"clip": folder / "clip.mp4"}, {}).outputs["clip"]

    def raw(self, name: str, data: bytes) -> Blob:
        with self.store.workspace() as folder:
            (folder / "clip.mp4").write_bytes(data)
            return self.store.put(f"{name:0>64}", {"clip": folder / "clip.mp4"}, {}).outputs["clip"]

    def cut(
        self,
        *shown: tuple[Blob | None, int],
        fps: Fraction = Fraction(24),
        start: Fraction = Fraction(0),
        burn: bool = False,
    ) -> Path:
        """The film of clips, each shown for a number of frames."""
        clips, at = [], 0
        for n, (blob, frames) in enumerate(shown):
            clips.append(Clip(f"s{n}", "", "", at, frames, start, blob, "p", f"shot {n}"))
            at += frames
        timeline = Timeline("Film", "p", fps, *SIZE, burn, tuple(clips))
        made = cut.make(timeline, self.folder, self.store, self.tools, 2, self._note)
        return self.folder / made.path

    def _note(self, event: Event) -> None:
        if isinstance(event, Noted):
            self.noted.append(event.message)


@pytest.fixture
def bench(tmp_path: Path, tools: Tools) -> Bench:
    return Bench(tmp_path, tools)


def source(rate: str, seconds: float, sound: str | None, size: str = "320x180") -> list[str]:
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}"]
    return [*picture, "-f", "lavfi", "-i", f"{sound}:d={seconds}"] if sound else picture


def frames(film: Path) -> list[Fraction]:
    with av.open(str(film)) as opened:
        stream = opened.streams.video[0]
        return [frame.pts * stream.time_base for frame in opened.decode(stream)]  # type: ignore[operator]


def samples(film: Path) -> np.ndarray:
    with av.open(str(film)) as opened:
        resampler = av.AudioResampler("flt", "mono", 48000)
        parts = [part.to_ndarray()[0] for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate(parts)


@pytest.mark.parametrize("fps", ["24", "25", "30", "24000/1001", "30000/1001"])
def test_every_rate_size_and_sound_joins_frame_exact(bench: Bench, fps: str) -> None:
    clips = [
        bench.clip("a", *source("24", 1.2, "sine=440:r=44100")),
        bench.clip("b", *source("25", 1.0, None, "640x360")),
        bench.clip(
            "c", *source("30000/1001", 1.3, "aevalsrc=0.3*sin(2*PI*330*t)|0.2*sin(2*PI*220*t):s=48000", "180x320")
        ),
        bench.clip("d", *source("60", 0.5, "anullsrc=r=22050:cl=mono", "500x500")),
        bench.clip(
            "e", *source("24", 1.0, "sine=440"), "-vf", "select='not(mod(n\\,5))+eq(n\\,7)'", "-fps_mode", "vfr"
        ),
    ]
    rate = Fraction(fps)
    film = bench.cut(*((clip, 17 + n) for n, clip in enumerate(clips)), fps=rate)
    total = sum(17 + n for n in range(5))
    assert frames(film) == [n / rate for n in range(total)]
    with av.open(str(film)) as opened:
        picture, sound = opened.streams.video[0], opened.streams.audio[0]
        assert (picture.width, picture.height, picture.pix_fmt) == (*SIZE, "yuv420p")
        assert picture.codec_context.colorspace == 1
        assert (sound.rate, sound.channels) == (48000, 2)
        assert abs(sound.duration * sound.time_base - total / rate) < Fraction(1, 1000)  # type: ignore[operator]


def flash(bench: Bench, name: str) -> Blob:
    """One second: white and a beep in the first 3 frames, black and silence after."""
    picture = "color=black:s=320x180:r=24:d=1,drawbox=color=white:t=fill:enable='lt(n\\,3)'"
    sound = "aevalsrc='if(lt(t\\,0.125)\\,0.8*sin(2*PI*1000*t)\\,0)':s=48000:d=1"
    return bench.clip(name, "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)


def test_picture_and_sound_do_not_drift_over_many_joins(bench: Bench) -> None:
    count = 60
    film = bench.cut(*[(flash(bench, "f"), 24)] * count)
    with av.open(str(film)) as opened:
        light = [float(frame.to_ndarray(format="gray").mean()) for frame in opened.decode(video=0)]
    flashes = [n for n, (before, now) in enumerate(zip([0.0, *light], light, strict=False)) if now > 128 > before]
    assert flashes == [24 * n for n in range(count)]
    heard = np.abs(samples(film))
    for n in range(count):
        window = heard[n * 48000 : n * 48000 + 24000]
        onset = int(np.argmax(window > 0.1))
        assert window.max() > 0.3
        assert onset < 480, f"beep {n} is {onset / 48:.1f} ms late"
        assert heard[n * 48000 + 20000 : n * 48000 + 40000].max() < 0.05


def test_a_clip_that_is_too_short_holds_its_last_frame(bench: Bench) -> None:
    film = bench.cut((bench.clip("a", *source("24", 0.5, "sine=440")), 36))
    with av.open(str(film)) as opened:
        pictures = [frame.to_ndarray(format="gray").astype(int) for frame in opened.decode(video=0)]
    assert len(pictures) == 36
    assert abs(pictures[30] - pictures[12]).mean() < 1
    assert abs(pictures[5] - pictures[12]).mean() > 1
    heard = np.abs(samples(film))
    assert heard[2000:20000].max() > 0.05
    assert heard[30000:].max() < 0.01


def test_trim_starts_in_the_clip(bench: Bench) -> None:
    ramp = bench.clip("r", "-f", "lavfi", "-i", "color=black:s=320x180:r=24:d=2,geq=lum='16+4*N':cb=128:cr=128")
    film = bench.cut((ramp, 12), start=Fraction(1, 2))
    with av.open(str(film)) as opened:
        light = [round(float(frame.to_ndarray()[:180].mean())) for frame in opened.decode(video=0)]
    assert light == pytest.approx([16 + 4 * (12 + n) for n in range(12)], abs=2)


def test_a_picture_of_another_shape_is_shown_whole_and_unstretched(bench: Bench) -> None:
    tall = bench.clip("t", "-f", "lavfi", "-i", "color=white:s=90x180:r=24:d=1")
    with av.open(str(bench.cut((tall, 5)))) as opened:
        row = next(opened.decode(video=0)).to_ndarray(format="gray")[90]
    lit = np.flatnonzero(row > 128)
    assert (lit[0], lit[-1]) == pytest.approx((115, 204), abs=2)


def test_one_clip_changed_conforms_one(bench: Bench) -> None:
    a, b, c = (bench.clip(n, *source("24", 1, f"sine={f}")) for n, f in (("a", 300), ("b", 400), ("c", 500)))
    bench.cut((a, 12), (b, 12))
    timeline_parts = bench.store.root / "cas"
    before = set(timeline_parts.iterdir())
    bench.cut((a, 12), (c, 12))
    assert len(set(timeline_parts.iterdir()) - before) <= 3, "one picture, one sound and one still at most"


def test_a_playlist_named_mp4_reads_no_file_and_gives_a_slate(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(b"secret")
    playlist = bench.raw("p", f"#EXTM3U\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode())
    with pytest.raises(MediaError, match="isn't an MP4"):
        media.probe(playlist.path)
    film = bench.cut((playlist, 12))
    assert len(frames(film)) == 12
    assert any("slate" in note for note in bench.noted)


@pytest.mark.parametrize(
    "mangle",
    [lambda data: data[:200], lambda data: data[:24] + bytes(len(data) - 24), lambda data: data[:24]],
    ids=["cut off", "zeroed", "only its first box"],
)
def test_a_clip_that_cannot_be_read_gives_a_slate(
    bench: Bench, tiny_clip: Path, mangle: Callable[[bytes], bytes]
) -> None:
    film = bench.cut((bench.raw("m", mangle(tiny_clip.read_bytes())), 12))
    assert len(frames(film)) == 12
    assert any("slate" in note for note in bench.noted)


def test_burn_ins_stand_in_the_top_corners_and_only_there(bench: Bench) -> None:
    gray = bench.clip("g", "-f", "lavfi", "-i", "color=gray:s=320x180:r=24:d=1")
    clean = bench.cut((gray, 12))
    with av.open(str(clean)) as opened:
        before = next(opened.decode(video=0)).to_ndarray(format="gray").astype(int)
    burned = bench.cut((gray, 12), burn=True)
    with av.open(str(burned)) as opened:
        first, *_, last = (f.to_ndarray(format="gray").astype(int) for f in opened.decode(video=0))
    assert abs(first - before)[:30, :80].max() > 60
    assert abs(first - before)[:30, 240:].max() > 60
    assert abs(first - before)[40:].max() < 12
    assert abs(first - last)[:30, 240:].max() > 60, "the timecode runs"


@pytest.mark.parametrize("text", ["%{metadata:x}", "a:b'c\\d", "-f", "s;[out]", "two\nlines", "日本語 مرحبا"])
def test_hostile_words_in_a_burn_in_are_only_words(bench: Bench, text: str) -> None:
    blob = bench.clip("g", "-f", "lavfi", "-i", "color=gray:s=320x180:r=24:d=1")
    clip = Clip("s1", text, "", 0, 6, Fraction(0), blob, "p", text)
    timeline = Timeline(text, "p", Fraction(24), *SIZE, burn_in=True, clips=(clip,))
    made = cut.make(timeline, bench.folder, bench.store, bench.tools, 1, ignore)
    assert len(frames(bench.folder / made.path)) == 6


def test_conforming_is_deterministic(bench: Bench, tmp_path: Path, tools: Tools) -> None:
    other = Bench(tmp_path / "other", tools)
    films = [b.cut((b.clip("a", *source("30", 1, "sine=440")), 24), (None, 12)).read_bytes() for b in (bench, other)]
    assert films[0] == films[1]


def test_the_key_of_a_conformed_clip_covers_all_it_depends_on(bench: Bench) -> None:
    blob = bench.clip("a", *source("24", 1, None))
    clip = Clip("s1", "sc", "", 10, 12, Fraction(0), blob, "p", "x")

    def key(
        clip: Clip = clip, fps: int = 24, size: tuple[int, int] = SIZE, burn: bool = True, version: str = "9"
    ) -> str:
        timeline = Timeline("T", "p", Fraction(fps), *size, burn, (clip,))
        return conform.key_of(clip, blob, timeline, Tools(bench.tools.ffmpeg, version))

    def changed(**fields: object) -> Clip:
        return Clip(**{**{f: getattr(clip, f) for f in clip.__dataclass_fields__}, **fields})  # type: ignore[arg-type]

    seen = [key(), key(changed(shot="s2")), key(changed(scene="x")), key(changed(start=11)), key(changed(frames=13))]
    seen += [
        key(changed(source_start=Fraction(1, 2))),
        key(fps=25),
        key(size=(640, 360)),
        key(burn=False),
        key(version="8"),
    ]
    assert len(set(seen)) == len(seen)
    assert key(changed(prompt="other words")) == key()
    assert key(changed(start=11), burn=False) == key(burn=False), "without burn-ins a clip's place doesn't matter"


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


def test_a_long_title_and_hundreds_of_shots_still_make_a_film(bench: Bench) -> None:
    blob = bench.clip("g", "-f", "lavfi", "-i", "color=gray:s=320x180:r=24:d=1")
    clips = tuple(Clip(f"s{n}", "", "", n, 1, Fraction(0), blob, "p", f"shot {n}") for n in range(800))
    timeline = Timeline("T" * 100_000, "p", Fraction(24), *SIZE, burn_in=False, clips=clips)
    made = cut.make(timeline, bench.folder, bench.store, bench.tools, 2, ignore)
    assert len(frames(bench.folder / made.path)) == 800
    with Image.open(bench.folder / made.contact_sheet) as sheet:
        assert sheet.height < 65_500


def test_the_sound_has_no_seam_where_stretches_meet(bench: Bench) -> None:
    """A steady tone over the film's stretches stays a steady tone: nothing else is heard at any frame."""
    tone = bench.clip(
        "t", "-f", "lavfi", "-i", "color=gray:s=320x180:r=24:d=16", "-f", "lavfi", "-i", "sine=440:r=48000:d=16"
    )
    heard = samples(bench.cut((tone, 24 * 16)))[48000 : 15 * 48000]
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


def test_a_clip_that_cannot_be_used_is_named(bench: Bench, tiny_clip: Path) -> None:
    blob = bench.raw("m", tiny_clip.read_bytes()[:200])
    clip = Clip("s1", "", "", 0, 6, Fraction(0), blob, "p", "x")
    made = cut.make(
        Timeline("T", "p", Fraction(24), *SIZE, False, (clip,)), bench.folder, bench.store, bench.tools, 1, ignore
    )
    assert made.unusable == ("s1",)
    assert made.sources == {"s1": "slate"}
