"""Captions: SubRip and WebVTT of the film's dialogue, read back strictly, and by a demuxer."""

import html
import math
import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import captions, timing
from storyboard.captions import Cue
from storyboard.film import Line
from storyboard.timeline import Clip, Span, Timeline
from tests.often import often


def film(*shots: tuple[int, tuple[Line, ...]], fps: str = "24") -> Timeline:
    clips, at = [], 0
    for n, (frames, lines) in enumerate(shots):
        source = Span(Fraction(0), frames / timing.rate(fps))
        clips.append(Clip(f"s{n}", "", "", at, frames, source, None, "p", "", lines=lines))
        at += frames
    return Timeline("Film", "p", timing.rate(fps), 320, 180, tuple(clips))


def line(text: str, start: str = "0", length: str = "1", who: str = "Mira") -> Line:
    return Line(who, text, Fraction(start), Fraction(length))


def milliseconds(shown: str) -> int:
    hours, minutes, seconds = shown.replace(",", ".").split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + int(seconds.replace(".", ""))


def read_srt(text: str) -> list[tuple[int, int, str]]:
    """SubRip: number, times, lines, an empty line; each line ended by CR LF. Anything else fails."""
    assert "\n" not in text.replace("\r\n", "")
    found = []
    for n, block in enumerate(text.replace("\r\n", "\n").split("\n\n") if text else [], 1):
        number, times, *words = block.removesuffix("\n").split("\n")
        assert number == str(n)
        matched = re.fullmatch(r"(\d{2,}:\d\d:\d\d,\d{3}) --> (\d{2,}:\d\d:\d\d,\d{3})", times)
        assert matched
        assert words
        assert all(words)
        found.append((milliseconds(matched[1]), milliseconds(matched[2]), "\n".join(words)))
    return found


def read_vtt(text: str) -> list[tuple[int, int, str, str]]:
    """WebVTT: a header, then times, and a voice around escaped text. Anything else fails."""
    header, *blocks = text.removesuffix("\n").split("\n\n")
    assert header.rstrip("\n") == "WEBVTT"
    found = []
    for block in blocks:
        times, words = block.split("\n", 1)
        matched = re.fullmatch(r"(\d{2,}:\d\d:\d\d\.\d{3}) --> (\d{2,}:\d\d:\d\d\.\d{3})", times)
        assert matched
        voice = re.fullmatch(r"(?:<v ([^<>\n]+)>)?([^<>]+)", words)
        assert voice, words
        assert "&" not in re.sub(r"&(amp|lt|gt);", "", words)
        who, said = html.unescape(voice[1] or ""), html.unescape(voice[2])
        found.append((milliseconds(matched[1]), milliseconds(matched[2]), who, said))
    return found


RATES = ["24", "25", "24000/1001", "30000/1001", "60000/1001", "120"]
WORDS = st.text(min_size=1, max_size=40).filter(captions._tidy)


@often(40)
@given(
    st.sampled_from(RATES),
    st.lists(
        st.tuples(
            st.integers(1, 200),
            st.lists(
                st.tuples(WORDS, st.fractions(0, 9, max_denominator=100), st.fractions(0, 9, max_denominator=100)),
                max_size=3,
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(0, 300),
)
def test_every_cue_reads_back_at_its_frames(
    fps: str, shots: list[tuple[int, list[tuple[str, Fraction, Fraction]]]], first: int
) -> None:
    timeline = film(*((frames, tuple(Line("Mira", *one) for one in lines)) for frames, lines in shots), fps=fps)
    rate = timing.rate(fps)
    cues = captions.cues(timeline)
    for cue in cues:
        clip = next(clip for clip in timeline.clips if clip.start <= cue.start < clip.end)
        assert cue.start < cue.end <= clip.end
    subrip, web = read_srt(captions.srt(timeline, first)), read_vtt(captions.vtt(timeline, first))
    assert [one[2].replace(captions.JOINER, "") for one in subrip] == [
        cue.text.replace("-->", "→").replace(captions.JOINER, "") for cue in cues
    ]
    assert [one[2:] for one in web] == [("Mira", cue.text) for cue in cues]
    for cue, *read in zip(cues, subrip, web, strict=True):
        for start, end, *_ in read:
            # What a player shows: the frames whose time is in [start, end).
            frames = [math.ceil(Fraction(at, 1000) * rate) for at in (start, end)]
            assert frames == [first + cue.start, first + cue.end]


def test_times_are_the_films() -> None:
    timeline = film((48, ()), (48, (line("Hello", "1/2", "1"),)))
    assert captions.cues(timeline) == [Cue(60, 84, "Mira", "Hello")]
    assert captions.srt(timeline) == "1\r\n00:00:02,500 --> 00:00:03,500\r\nHello\r\n"
    assert captions.vtt(timeline) == "WEBVTT\n\n00:00:02.500 --> 00:00:03.500\n<v Mira>Hello\n"
    assert captions.srt(timeline, 240).splitlines()[1] == "00:00:12,500 --> 00:00:13,500"
    long = film((24 * 3600 * 100, (line("late", "359999", "1"),)))
    assert "99:59:59,000 --> 100:00:00,000" in captions.srt(long)


def test_a_line_ends_with_its_clip_and_none_is_shown_for_no_time() -> None:
    timeline = film((24, (line("long", "1/2", "9"), line("after", "2", "1"), line("never", "0", "0"))), (24, ()))
    assert captions.cues(timeline) == [Cue(12, 24, "Mira", "long")]


def test_a_speaker_is_named_in_subrip_only_where_another_speaks_too() -> None:
    both = (line("Yes", "0", "2"), line("No", "1", "2", "Tom"), line("Well", "3", "1", "Tom"))
    said = [words for _, _, words in read_srt(captions.srt(film((96, both))))]
    assert said == ["Mira: Yes", "Tom: No", "Well"]
    assert [one[2] for one in read_vtt(captions.vtt(film((96, both))))] == ["Mira", "Tom", "Tom"]


@pytest.mark.parametrize(
    ("text", "subrip", "web"),
    [
        ("a\n\n \n2\n00:00:00,000 --> 00:00:09,000\nb", "a\n2\n00:00:00,000 → 00:00:09,000\nb", None),
        ("<i>x</i> {\\an8}y", "<\u2060i>x<\u2060/i> {\u2060\\an8}y", "&lt;i&gt;x&lt;/i&gt; {\\an8}y"),
        ("a & b < c > d", "a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ('don\'t "quote"', 'don\'t "quote"', 'don\'t "quote"'),
        ("NOTE x\r\nWEBVTT", "NOTE x\nWEBVTT", "NOTE x\nWEBVTT"),
        ("日本語 مرحبا 🙂\x00\x0b", "日本語 مرحبا 🙂", "日本語 مرحبا 🙂"),
    ],
)
def test_words_are_only_words(text: str, subrip: str, web: str | None) -> None:
    timeline = film((96, (line(text, "0", "1"), line("next", "2", "1"))))
    assert [one[2] for one in read_srt(captions.srt(timeline))] == [subrip, "next"]
    found = read_vtt(captions.vtt(timeline))
    assert found[1][3] == "next"
    if web is not None:
        assert f"<v Mira>{web}\n" in captions.vtt(timeline)


def test_a_name_is_escaped_and_on_one_line() -> None:
    assert "<v A&gt; &amp; B>" in captions.vtt(film((24, (line("x", who="A>\n& B"),))))
    assert "\nx\n" in captions.vtt(film((24, (line("x", who=""),))))


@pytest.mark.parametrize(("format_", "write"), [("srt", captions.srt), ("webvtt", captions.vtt)])
def test_a_demuxer_reads_the_same(tmp_path: Path, format_: str, write: object) -> None:
    timeline = film((48, (line("One", "1/2", "1"),)), (48, (line("Two & <b>", "0", "2"),)))
    path = tmp_path / "captions"
    path.write_bytes(write(timeline).encode())  # type: ignore[operator]
    with av.open(str(path), format=format_) as opened:
        stream = opened.streams.subtitles[0]
        packets = [packet for packet in opened.demux(stream) if packet.size]
        times = [(packet.pts * packet.time_base, packet.duration * packet.time_base) for packet in packets]
        said = [html.unescape(re.sub("<v Mira>|\u2060", "", bytes(packet).decode())).strip() for packet in packets]
    assert times == [(Fraction(1, 2), 1), (2, 2)]
    assert said == ["One", "Two & <b>"]


def test_a_film_without_words_has_empty_captions() -> None:
    assert captions.srt(film((24, ()))) == ""
    assert captions.vtt(film((24, ()))) == "WEBVTT\n"
