"""Deliveries: what each preset makes of a cut, beside it, and only once."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from storyboard import media
from storyboard.cli import run
from storyboard.cli.cut import PRESETS
from storyboard.cut import deliver
from storyboard.event import Advanced, Event, Finished, Started
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.store import Store
from storyboard.tools import Tools
from tests.folder import Folder

TITLE = 'It\'s 100% "a: film" \\ --é'


class Bench:
    """A folder with a cut of 3 s: a title, two chapters, subtitles, sound."""

    def __init__(self, folder: Path, tools: Tools, size: str = "1600x90", rate: str = "24") -> None:
        self.folder, self.tools, self.told = folder, tools, list[Event]()
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", lambda: 1 << 62))
        (folder / "build/p").mkdir(parents=True)
        escaped = TITLE.replace("\\", "\\\\")
        chapters = "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n}\nEND={n + 1}\ntitle=scene {n}\n" for n in (0, 1))
        (folder / "meta.txt").write_text(f";FFMETADATA1\ntitle={escaped}\n{chapters}")
        (folder / "s.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nNot tonight.\n")
        media.run(
            tools.ffmpeg,
            [
                *("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d=3", "-f", "lavfi", "-i", "sine=r=48000:d=3"),
                *("-i", "meta.txt", "-i", "s.srt", "-map", "0", "-map", "1", "-map", "3", "-map_metadata", "2"),
                *("-pix_fmt", "yuv420p", "-ac", "2", "-c:a", "aac", "-b:a", "256k", "-c:s", "mov_text"),
                *("-preset", "ultrafast", "build/p/cut.mp4"),
            ],
            folder,
        )

    def make(self, preset: str, **more: int) -> Path:
        path = deliver.make(
            Path("build/p/cut.mp4"), preset, self.folder, self.store, self.tools, self.told.append, **more
        )
        self.store.memo.save()
        return path


@pytest.fixture
def bench(tmp_path: Path, tools: Tools) -> Bench:
    return Bench(tmp_path, tools)


def top_boxes(path: Path) -> list[bytes]:
    """The names of a file's outermost boxes, in order."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at + 8 : at + 16], "big") if size == 1 else size
    return found


def test_the_choices_of_the_command_line_are_the_presets() -> None:
    assert set(PRESETS) == set(deliver.presets())


@pytest.mark.parametrize(("preset", "size", "rate"), [("web", (1600, 90), 192), ("review", (1280, 72), 128)])
def test_what_goes_to_the_web_and_to_reviews_plays_anywhere_and_keeps_its_words(
    bench: Bench, preset: str, size: tuple[int, int], rate: int
) -> None:
    path = bench.make(preset)
    assert path == Path(f"build/p/cut.{preset}.mp4")
    boxes = top_boxes(bench.folder / path)
    assert boxes.index(b"moov") < boxes.index(b"mdat")
    with av.open(str(bench.folder / path)) as made:
        picture, heard = made.streams.video[0], made.streams.audio[0]
        its = picture.codec_context
        assert (its.name, its.profile, its.pix_fmt) == ("h264", "High", "yuv420p")
        assert (its.width, its.height, picture.frames) == (*size, 72)
        assert (its.colorspace, its.color_primaries, its.color_trc, its.color_range) == (1, 1, 1, 1)
        assert (heard.codec_context.name, heard.rate, heard.channels) == ("aac", 48000, 2)
        assert made.metadata["title"] == TITLE
        assert [chapter["metadata"]["title"] for chapter in made.chapters()] == ["scene 0", "scene 1"]
        assert made.streams.subtitles
        times = [frame.pts * picture.time_base for frame in made.decode(picture) if frame.key_frame]
    assert Fraction(2) in times
    assert f"{rate}k" in deliver.presets()[preset]["sound"]
    assert Started(preset, "encoding", 72) in bench.told
    assert Advanced(preset, 72) in bench.told
    assert bench.told[-1] == Finished(preset)


@pytest.mark.parametrize(
    ("rate", "leader", "first"),
    [("24", 0, "01:00:00:00"), ("25", 250, "00:59:50:00"), ("30000/1001", 0, "01:00:00;00"), ("30000/1001", 300, "00:59:50;00")],
)  # fmt: skip
def test_prores_is_ten_bits_with_pcm_and_timecode_from_the_hour(
    tmp_path: Path, tools: Tools, rate: str, leader: int, first: str
) -> None:
    bench = Bench(tmp_path, tools, "64x36", rate)
    path = bench.make("prores", leader=leader)
    with av.open(str(bench.folder / path)) as made:
        picture, heard = made.streams.video[0], made.streams.audio[0]
        assert (picture.codec_context.name, picture.codec_context.pix_fmt) == ("prores", "yuv422p10le")
        assert picture.codec_context.codec_tag == "apch", "the fourth of six profiles: HQ"
        assert (heard.codec_context.name, heard.rate) == ("pcm_s24le", 48000)
        assert picture.average_rate == Fraction(rate)
        frames = picture.frames
        codes = [one.metadata["timecode"] for one in made.streams.data if "timecode" in one.metadata]
        assert codes == [first]
        sent = np.concatenate([frame.to_ndarray().reshape(-1) for frame in made.decode(heard)])
    with av.open(str(bench.folder / "build/p/cut.mp4")) as cut:
        assert abs(len(sent) // 2 - 3 * 48000) < 2048, "as long as the cut"
        assert cut.streams.video[0].frames == frames


def test_a_mix_takes_the_place_of_the_cuts_own_sound_in_prores(tmp_path: Path, tools: Tools) -> None:
    bench = Bench(tmp_path, tools, "64x36")

    def wave(path: Path) -> None:
        media.run(tools.ffmpeg, ["-f", "lavfi", "-i", "anullsrc=r=48000:d=3", "-c:a", "pcm_s24le", str(path)], tmp_path)

    path = deliver.make(Path("build/p/cut.mp4"), "prores", tmp_path, bench.store, tools, bench.told.append, wave=wave)
    with av.open(str(tmp_path / path)) as made:
        assert max(abs(frame.to_ndarray()).max() for frame in made.decode(audio=0)) == 0


def test_a_delivery_is_made_again_only_if_its_cut_or_itself_changed(tmp_path: Path, tools: Tools) -> None:
    bench = Bench(tmp_path, tools, "64x36")

    def made() -> int:
        bench.make("review")
        return sum(isinstance(event, Started) for event in bench.told)

    assert [made(), made()] == [1, 1]
    (tmp_path / "build/p/cut.review.mp4").write_bytes(b"edited")
    assert made() == 2
    (tmp_path / "build/p/cut.mp4").write_bytes((tmp_path / "build/p/cut.mp4").read_bytes() + b"\0\0\0\x08free")
    assert [made(), made()] == [3, 3]


def test_a_cut_that_cannot_be_read_leaves_the_delivery_as_it_was(tmp_path: Path, tools: Tools) -> None:
    bench = Bench(tmp_path, tools, "64x36")
    path = tmp_path / bench.make("review")
    before, cut = path.read_bytes(), tmp_path / "build/p/cut.mp4"
    data = cut.read_bytes()
    cut.write_bytes(b"#EXTM3U\n")
    with pytest.raises(MediaError, match="isn't an MP4"):
        bench.make("review")
    cut.write_bytes(data + b"\0\0\0\x08free")
    broken = Tools(Path("/bin/false"), "none")
    with pytest.raises(MediaError, match="ffmpeg failed"):
        deliver.make(Path("build/p/cut.mp4"), "review", tmp_path, bench.store, broken, bench.told.append)
    assert path.read_bytes() == before
    assert isinstance(bench.told[-1], Finished)
    assert "ffmpeg failed" in bench.told[-1].error


def test_cut_makes_a_delivery_and_says_where_it_is(
    project: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    project.write("storyboard: 1\ntitle: T\nshots:\n  - {id: s010, prompt: A boat, duration: 0.25}\n")
    assert run(["cut", "--preset", "review", "--no-burn-in", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["delivery"] == {"preset": "review", "path": "build/animatic/cut.review.mp4"}
    clean = (project.path / "build/animatic/cut.mp4").read_bytes()
    assert run(["cut", "--preset", "review"]) == 0
    assert "review         build/animatic/cut.review.mp4" in capsys.readouterr().out
    assert (project.path / "build/animatic/cut.mp4").read_bytes() != clean, "burn-ins are what a review is for"
    assert run(["cut", "--preset", "imax"]) == 2
