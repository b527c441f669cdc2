"""Clips from anywhere: whatever is wrong with one ends in a named error, soon, and nothing else is read."""

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from storyboard import boxes, media
from storyboard.media import MediaError
from storyboard.tools import Tools
from tests import mangled
from tests.mangled import Canary


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Path:
    folder = tmp_path_factory.mktemp("media") / "whole"
    mangled.originals(folder, tools.ffmpeg)
    return folder


def refused(path: Path, words: str) -> None:
    for step in (media.probe, media.seconds, lambda path: media.last_frame(path, path.with_suffix(".png"))):
        with pytest.raises(MediaError, match=words):
            step(path)


@pytest.mark.parametrize("disguise", [b"", struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 0, b"isom", b"mp42")])
@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "file '{}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "<?xml version='1.0'?><MPD><Period><BaseURL>{}</BaseURL></Period></MPD>",
    ],
    ids=["m3u8", "ffconcat", "concat", "sdp", "dash"],
)
def test_a_playlist_in_disguise_opens_nothing(tmp_path: Path, tools: Tools, text: str, disguise: bytes) -> None:
    canary = Canary(tmp_path / "canary")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(disguise + text.format(canary.path).encode())
    refused(clip, "can't be read as MP4" if disguise else "isn't an MP4")
    with pytest.raises(MediaError):
        media.run(tools.ffmpeg, [*media.SAFE_INPUT, "-i", f"file:{clip}", "-f", "null", "-"], tmp_path)
    assert canary.quiet()


def test_media_that_are_said_to_stand_in_another_file_are_not_fetched(
    tmp_path: Path, tools: Tools, wholes: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes((wholes / "f.mp4").read_bytes())
    argv = ["-i", f"file:{clip}", "-f", "null", "-"]
    follows = Canary(tmp_path / "canary")
    with pytest.raises(MediaError):
        media.run(tools.ffmpeg, ["-f", "mov", "-enable_drefs", "1", *argv], tmp_path)
    assert not follows.quiet(), "the file is one whose references work"
    canary = Canary(tmp_path / "canary")
    media.probe(clip)
    media.seconds(clip)
    with pytest.raises(MediaError, match="it has no frame"):
        media.last_frame(clip, tmp_path / "last.png")
    with pytest.raises(MediaError):
        media.run(tools.ffmpeg, [*media.SAFE_INPUT, *argv], tmp_path)
    assert canary.quiet()


def patched(data: bytes, kind: bytes, at: int, *values: int) -> bytes:
    """32-bit fields of the first box of a type changed, counted from its start."""
    start = next(start for start, _, found in mangled.boxes(data) if found == kind) + at
    return data[:start] + struct.pack(f">{len(values)}I", *values) + data[start + 4 * len(values) :]


BOUNDS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "billions of samples": (lambda data: patched(data, b"stsz", 12, 100, 0xFFFFFFF0), "claims to hold 4,294,"),
    "billions of times": (lambda data: patched(data, b"stts", 16, 0xFFFFFFFF), "claims to hold 4,294,"),
    "a compressed index": (lambda data: data.replace(b"mvhd", b"cmov", 1), "has a compressed index"),
    "a length of years": (
        lambda data: patched(
            patched(data.replace(b"elst", b"free"), b"mdhd", 24, 0x7FFFFFFF), b"stts", 16, 10, 0x7FFFFFF
        ),
        "says that it lasts",
    ),
    "a track of a number that no counter takes": (
        lambda data: patched(data, b"tkhd", 20, 0xFFFFFFFF),
        "has a track numbered 4294967295",
    ),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_a_file_claims_is_bounded_before_it_is_believed(tmp_path: Path, wholes: Path, name: str) -> None:
    change, words = BOUNDS[name]
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(change((wholes / "a.mp4").read_bytes()))
    with pytest.raises(MediaError, match=words):
        media.seconds(clip)


def test_a_table_counts_wherever_it_stands_and_an_index_has_a_largest_size(tmp_path: Path) -> None:
    kind = struct.pack(">I4s4s", 12, b"ftyp", b"isom")
    trun = struct.pack(">I4s3I", 20, b"trun", 0, 0xFFFFFF, 0)
    for holders in ((b"moof", b"traf"), (b"udta",), (b"moov", b"trak", b"mdia", b"minf", b"stbl"), ()):
        body = trun
        for holder in reversed(holders):
            body = struct.pack(">I4s", 8 + len(body), holder) + body
        (tmp_path / "clip.mp4").write_bytes(kind + body)
        with pytest.raises(MediaError, match="claims to hold 16,777,215 samples"):
            media.probe(tmp_path / "clip.mp4")
    sizes, edits = struct.pack(">I4s3I", 20, b"stsz", 0, 1, 3000), struct.pack(">I4s2I", 16 + 24000, b"elst", 0, 2000)
    track = sizes + edits + bytes(24000)
    (tmp_path / "clip.mp4").write_bytes(kind + struct.pack(">I4s", 8 + len(track), b"trak") + track)
    with pytest.raises(MediaError, match="claims to hold 6,000,000 samples"):
        media.probe(tmp_path / "clip.mp4")
    with (tmp_path / "large.mp4").open("wb") as file:
        file.write(kind + struct.pack(">I4s", boxes.LARGEST_INDEX + 9, b"moov"))
        file.truncate(boxes.LARGEST_INDEX + 100)
    refused(tmp_path / "large.mp4", "has an index of more than 64 MiB")


def test_pictures_and_streams_have_a_largest_number(tmp_path: Path, tools: Tools) -> None:
    wide = ["-f", "lavfi", "-i", "color=gray:s=8208x16:r=1:d=1", "-pix_fmt", "yuv420p", "wide.mp4"]
    many = ["-f", "lavfi", "-i", "color=gray:s=16x16:r=1:d=1", *["-map", "0"] * 17, "-pix_fmt", "yuv420p", "many.mp4"]
    for argv in (wide, many):
        media.run(tools.ffmpeg, argv, tmp_path)
    refused(tmp_path / "wide.mp4", "wide.mp4 is 8208x16, larger than 8192 a side")
    refused(tmp_path / "many.mp4", "many.mp4 holds more than 16 streams")


def test_decoders_take_no_picture_larger_than_the_bound_whatever_the_file_says(tmp_path: Path, tools: Tools) -> None:
    """Its boxes say 64x36, its pictures are of 37 million pixels."""
    huge = ["-f", "lavfi", "-i", "color=gray:s=8192x4528:r=1:d=1", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    media.run(tools.ffmpeg, [*huge, "huge.mp4"], tmp_path)
    with pytest.raises(MediaError, match=r"huge.mp4 (is 8192x4528|has a picture that can't)"):
        media.probe(tmp_path / "huge.mp4")
    with pytest.raises(MediaError):
        media.run(tools.ffmpeg, [*media.SAFE_INPUT, "-i", "huge.mp4", "-f", "null", "-"], tmp_path)
    media.run(tools.ffmpeg, ["-i", "huge.mp4", "-f", "null", "-"], tmp_path)


def test_words_in_no_encoding_are_no_error(tmp_path: Path, wholes: Path) -> None:
    data = (wholes / "e.mp4").read_bytes()
    title = "café".encode()
    assert title in data
    (tmp_path / "clip.mp4").write_bytes(data.replace(title, b"\xff\xfe\xe9\x80\x00"[: len(title)]))
    assert media.probe(tmp_path / "clip.mp4").sound


def test_an_error_names_no_digest_and_no_folder(tmp_path: Path, tools: Tools) -> None:
    stored = tmp_path / ("0a" * 32)
    stored.write_bytes(b"nonsense" * 10)
    with pytest.raises(MediaError, match=r"^it isn't an MP4 by its bytes$"):
        media.probe(stored)
    with pytest.raises(MediaError) as told:
        media.run(tools.ffmpeg, [*media.SAFE_INPUT, "-i", f"file:{stored}", "-f", "null", "-"], tmp_path)
    assert str(tmp_path) not in str(told.value) and "0x" not in str(told.value)


def test_ffmpeg_is_stopped_where_it_takes_too_long(tmp_path: Path, tools: Tools) -> None:
    endless = ["-f", "lavfi", "-i", "testsrc2=s=640x360", "-f", "null", "-"]
    with pytest.raises(MediaError, match="ffmpeg was stopped: it took more than 1 s"):
        media.run(tools.ffmpeg, endless, tmp_path, patience=1)
    sleeps = tmp_path / "sleeps"
    sleeps.write_text("#!/bin/sh\nexec sleep 1000\n")
    sleeps.chmod(0o755)
    with pytest.raises(MediaError, match="ffmpeg was stopped"):
        media.run(sleeps, [], tmp_path, patience=0)
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    assert "sleep 1000" not in left.splitlines()


def test_damaged_files_end_in_a_named_error_or_a_picture(wholes: Path) -> None:
    """The first of ten thousand: `tests/soak/test_media.py` has the rest."""
    found = list(mangled.batch(wholes.parent, 0, 48))
    assert [one for one in found if "crash" in one] == []
    assert len(found) == 48
    assert max(one["spent"] for one in found) < 20  # type: ignore[type-var]
    ended = [words for one in found for words in one["ended"].values()]  # type: ignore[attr-defined]
    assert ended.count("") > 48 < len(ended) - ended.count("")
