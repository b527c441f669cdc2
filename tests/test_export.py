"""The cut for other tools: every format reads back equal to the timeline that it was written from."""

import csv
import io
import itertools
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import cli, export, timing
from storyboard.cli import export as command
from storyboard.export import Medium, Unexportable, edl
from storyboard.film import Line
from storyboard.memo import Memo
from storyboard.store import Blob, Store
from storyboard.timeline import CUT, Clip, Join, Origin, Span, Timeline, frame_size
from tests.folder import Folder
from tests.often import often

CASES = Path(__file__).parent / "cases" / "export"
FOLDER = Path("/films/The Keeper & Co")
BASE = FOLDER / "build" / "draft"
EARLIER = "animatic"
RATES = [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(30000, 1001)]
HOSTILE = 'She says: "no" & <goes>; 50% of 夜\n- not back\r\n001  AX V C\x07 | `x` = 1'


def clip(shot: str, seconds: str, fps: Fraction, **more: Any) -> Clip:
    """A clip of a number of seconds that shows its media from their start; its place comes later."""
    frames = timing.round_half_up(Fraction(seconds) * fps)
    more.setdefault("media", Blob("ab" * 32, 9, "/store"))
    more.setdefault("source", Span(Fraction(more.pop("trim", 0)), frames / fps))
    if more["media"] is not None:
        more.setdefault("available", Span(Fraction(0), Fraction(8)))
        more.setdefault("origin", Origin("wavespeed/x", "cd" * 32, 7, Decimal("0.25")))
    more = {"scene": "", "setting": "", "pass_id": "draft", "prompt": f"shot {shot}", **more}
    return Clip(shot=shot, start=0, frames=frames, **more)


def film(fps: Fraction, *clips: Clip, title: str = "The Keeper", aspect: str = "16:9") -> Timeline:
    """Clips one after the other."""
    starts = itertools.accumulate((one.frames for one in clips), initial=0)
    tails = [*(one.join.frames for one in clips[1:]), 0]
    placed = [replace(one, start=at, tail=tail) for one, at, tail in zip(clips, starts, tails, strict=False)]
    return Timeline(title, "draft", fps, *frame_size(aspect, "720p"), tuple(placed), commit="1a2b3c")


def media(timeline: Timeline, rate: Fraction = Fraction(24), channels: int = 2) -> dict[str, Medium]:
    return {
        one.shot: Medium(FOLDER / f"build/{one.pass_id}/clips/{one.shot}.mp4", 1280, 720, rate, channels, 48000)
        for one in timeline.clips
        if one.media
    }


def plain(fps: Fraction) -> Timeline:
    return film(fps, clip("s010", "4", fps), clip("s020", "2.5", fps), clip("s030", "1", fps))


def rich(fps: Fraction) -> Timeline:
    """Everything that the formats must carry."""
    return film(
        fps,
        clip("s010", "4", fps, scene="The stair", scene_id="stair", notes=HOSTILE, setting="tower, dusk"),
        clip("s020", "3", fps, join=Join("dissolve", 12), trim="0.5"),
        clip("-s030", "2", fps, join=Join("wiperight", 9), pass_id=EARLIER, prompt=HOSTILE, lead=6, linger=3),
        clip("s040", "3", fps, media=None, origin=Origin(), notes="=1+1"),
        clip("燈台-守", "2", fps, join=Join("fade", 8), source=Span(Fraction(1), Fraction(4)), available=Span(Fraction(0), Fraction(5))),
        clip(
            "a-long-id.of-a-shot", "5", fps, available=Span(Fraction(0), Fraction("4.01")), gain=Decimal("-3.5"),
            lines=(Line("Mira", HOSTILE, Fraction(1), Fraction(2)), Line("", "late", Fraction(60), Fraction(1))),
        ),
        clip("s070", "1", fps, gain=None, framing="fill"),
        title='"Light": 100% <raw> & \'more\'\n夜',
    )  # fmt: skip


FILMS = [plain, rich]


def links(timeline: Timeline) -> dict[str, str]:
    """Where a relative link must lead to."""
    return {
        one.shot: f"{f'../{EARLIER}/' if one.pass_id == EARLIER else ''}clips/{one.shot}.mp4"
        for one in timeline.clips
        if one.media
    }


def hour(fps: Fraction) -> int:
    """01:00:00:00 in frames, by OTIO's own count."""
    drops = fps == Fraction(30000, 1001)
    return whole(otio.opentime.from_timecode("01:00:00;00" if drops else "01:00:00:00", float(fps)))


def whole(time: otio.opentime.RationalTime) -> int:
    assert time.value == int(time.value)
    return int(time.value)


# --- OpenTimelineIO


def read_otio(timeline: Timeline, base: Path | None = BASE) -> Any:
    return otio.adapters.read_from_string(export.text("otio", timeline, media(timeline), base), "otio_json")


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("make", FILMS)
def test_otio_reads_back_equal(make: Callable[[Fraction], Timeline], fps: Fraction) -> None:
    timeline = make(fps)
    read = read_otio(timeline)
    assert read.name == timeline.title
    assert whole(read.global_start_time) == hour(fps)
    assert read.metadata["storyboard"]["fps"] == str(fps)
    assert Fraction(read.global_start_time.rate).limit_denominator(2000) == fps
    track = read.video_tracks()[0]
    clips = list(track.find_clips())
    assert [one.name for one in clips] == [one.shot for one in timeline.clips]
    for got, one in zip(clips, timeline.clips, strict=True):
        place = got.range_in_parent()
        assert (whole(place.start_time), whole(place.duration)) == (one.start, one.frames)
        # OTIO's own reading of the transitions: the outgoing clip is seen for its handle, the incoming one no sooner.
        assert whole(got.visible_range().duration) == one.frames + one.tail
        assert got.visible_range().start_time == got.source_range.start_time
        facts = got.metadata["storyboard"]
        assert (facts["shot"], facts["pass"], facts["notes"], facts["prompt"]) == (
            *(one.shot, one.pass_id, one.notes, one.prompt),
        )
        if one.media is None:
            assert isinstance(got.media_reference, otio.schema.MissingReference)
            assert (facts["slate"], facts["key"], facts["price"]) == (True, None, None)
            continue
        assert unquote(got.media_reference.target_url) == links(timeline)[one.shot]
        assert (facts["key"], facts["price"], facts["seed"], facts["model"]) == ("cd" * 32, "0.25", 7, "wavespeed/x")
        assert whole(got.source_range.start_time) == timing.round_half_up(one.source.start * fps)
        assert one.available
        assert whole(got.available_range().duration) == int(one.available.length * fps)
        speed = [effect.time_scalar for effect in got.effects]
        assert speed == ([float(timeline.speed(one))] if timeline.speed(one) != 1 else [])


@pytest.mark.parametrize("fps", RATES, ids=str)
def test_otio_has_transitions_that_start_at_the_cut(fps: Fraction) -> None:
    timeline = rich(fps)
    children = list(read_otio(timeline).video_tracks()[0])
    found = {
        after.name: (
            one.transition_type,
            one.metadata["storyboard"]["type"],
            whole(one.in_offset),
            whole(one.out_offset),
        )
        for one, after in itertools.pairwise(children)
        if isinstance(one, otio.schema.Transition)
    }
    assert found == {
        "s020": ("SMPTE_Dissolve", "dissolve", 0, 12),
        "-s030": ("Custom_Transition", "wiperight", 0, 9),
        "燈台-守": ("Custom_Transition", "fade", 0, 8),
    }


def test_otio_marks_notes_and_lines_where_they_stand() -> None:
    timeline = rich(Fraction(24))
    clips = {one.name: one for one in read_otio(timeline).video_tracks()[0].find_clips()}
    note = clips["s010"].markers[0]
    assert (note.comment, whole(note.marked_range.start_time)) == (HOSTILE, 0)
    assert "\n" not in note.name
    lines = clips["a-long-id.of-a-shot"].markers  # the line after its end is left out
    assert [(m.comment, whole(m.marked_range.start_time), whole(m.marked_range.duration)) for m in lines] == [
        (f"Mira: {HOSTILE}", 24, 48)
    ]


def test_otio_counts_the_frames_that_hold_the_last_one() -> None:
    read = read_otio(rich(Fraction(24)))
    held = {one.name: one.metadata["storyboard"]["held"] for one in read.video_tracks()[0].find_clips()}
    assert held["a-long-id.of-a-shot"] == 120 - 96
    assert held["s010"] == 0


def sounds(timeline: Timeline) -> dict[str, tuple[str, int, int, int]]:
    """Each clip's sound: its track, its start and length in the film, where it starts in its media."""
    found = {}
    for track in read_otio(timeline).audio_tracks():
        for one in track.find_clips():
            place = one.range_in_parent()
            times = (place.start_time, place.duration, one.source_range.start_time)
            found[one.name] = (track.name, *map(whole, times))
    return found


def test_otio_shifts_sound_by_its_lead_and_tail() -> None:
    fps = Fraction(24)
    shots = (
        clip("a", "2", fps, linger=10),
        clip("b", "2", fps, lead=6, trim=1),
        clip("c", "2", fps, lead=6),  # starts its media at 0: nothing to lead with
        clip("d", "2", fps, gain=None),
        clip("e", "2", fps, linger=99),  # the film ends with it
    )
    assert sounds(film(fps, *shots)) == {
        "a": ("A1", 0, 58, 0),
        "b": ("A2", 42, 54, 18),
        "c": ("A2", 96, 48, 0),
        "e": ("A1", 192, 48, 0),
    }


def test_otio_without_split_edits_has_one_sound_track_with_the_same_transitions() -> None:
    fps = Fraction(25)
    timeline = film(fps, clip("a", "2", fps), clip("b", "2", fps, join=Join("dissolve", 10)), clip("c", "1", fps))
    picture, sound = read_otio(timeline).tracks
    kinds = [(type(one).__name__, one.name) for one in sound]
    assert kinds == [(type(one).__name__, one.name) for one in picture]
    assert len(kinds) == 4


def test_otio_without_sound_has_no_sound_track() -> None:
    timeline = plain(Fraction(24))
    text = export.text("otio", timeline, media(timeline, channels=0), BASE)
    assert len(otio.adapters.read_from_string(text, "otio_json").tracks) == 1


def test_otio_on_standard_output_links_absolutely() -> None:
    first = next(iter(read_otio(plain(Fraction(24)), None).find_clips()))
    assert first.media_reference.target_url == "file:///films/The%20Keeper%20%26%20Co/build/draft/clips/s010.mp4"


# --- EDL

EVENT = re.compile(
    r"(\d{3})  ([A-Z0-9]{1,8}) +V     (?:C       |(D|W\d{3}) +(\d{3}))" + r" (\d\d:\d\d:\d\d[:;]\d\d)" * 4
)


def frame(code: str, fps: Fraction) -> int:
    *_, minutes, seconds, frames = map(int, re.split("[:;]", code))
    drops = fps == Fraction(30000, 1001)
    assert (code[-3] == ";") == drops
    assert not (drops and seconds == 0 and frames < 2 and minutes % 10)
    assert minutes < 60 and seconds < 60 and frames < round(fps)
    return whole(otio.opentime.from_timecode(code, float(fps)))


def read_edl(text: str, fps: Fraction) -> tuple[str, list[dict[str, Any]]]:
    """A strict reader: the title, and the events with their lines and comments."""
    title, fcm, *lines = text.removesuffix("\n").split("\n")
    assert title.startswith("TITLE: ") and len(title) <= 77
    assert fcm == ("FCM: DROP FRAME" if fps == Fraction(30000, 1001) else "FCM: NON-DROP FRAME")
    events: list[dict[str, Any]] = []
    for line in lines:
        found = EVENT.fullmatch(line)
        if not found:
            assert line.isprintable() and (
                line.startswith("* ") or re.match(r"M2   [A-Z0-9 ]{8} {7}\d{3}\.\d ", line)
            ), line
            events[-1]["comments"].append(line)
            continue
        number, reel, how, length, *codes = found.groups()
        times = [frame(code, fps) for code in codes]
        if not events or int(number) != events[-1]["number"]:
            assert int(number) == len(events) + 1
            events.append({"number": int(number), "lines": [], "comments": []})
        events[-1]["lines"].append((reel, how, int(length or 0), *times))
    return title.removeprefix("TITLE: "), events


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("make", FILMS)
def test_edl_reads_back_equal(make: Callable[[Fraction], Timeline], fps: Fraction) -> None:
    timeline = make(fps)
    title, events = read_edl(export.text("edl", timeline, media(timeline), BASE), fps)
    assert title == " ".join(timeline.title.split())
    reels = edl.reels(one.shot for one in timeline.clips if one.media)
    first = hour(fps)
    for event, one, before in zip(events, timeline.clips, (None, *timeline.clips[:-1]), strict=True):
        start = timing.round_half_up(one.source.start * fps) if one.media else 0
        length = timing.round_half_up(one.source.length * fps) if one.media else one.frames
        reel, how, frames, *times = event["lines"][-1]
        assert reel == reels.get(one.shot, "BL")
        assert times == [start, start + length, first + one.start, first + one.end]
        wipe = "W001" if "wipe" in one.join.type else "D"
        assert (how, frames) == ((wipe, one.join.frames) if one.join.frames else (None, 0))
        assert len(event["lines"]) == (2 if one.join.frames else 1)
        sources = [line.removeprefix("* SOURCE FILE: ") for line in event["comments"] if "* SOURCE FILE: " in line]
        if one.media:
            assert sources[-1] == links(timeline)[one.shot]
        else:
            assert f"* SLATE: {one.shot}" in event["comments"]
        names = [line.split(" CLIP NAME: ")[1] for line in event["comments"] if " CLIP NAME: " in line]
        assert names == ([before.shot, one.shot] if one.join.frames and before else [one.shot])
        if one.join.frames and before:
            reel, how, frames, *times = event["lines"][0]
            assert (reel, how) == (reels.get(before.shot, "BL"), None)
            assert times[0] == times[1] and times[2:] == [first + one.start] * 2
            assert times[0] == events[event["number"] - 2]["lines"][-1][4]  # where its own event left it
        named = [line for line in event["comments"] if line.startswith("* TRANSITION: ")]
        assert named == ([f"* TRANSITION: {one.join.type}"] if one.join.type not in {"cut", "dissolve"} else [])


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("make", FILMS)
def test_edl_is_read_by_the_published_adapter(make: Callable[[Fraction], Timeline], fps: Fraction) -> None:
    timeline = make(fps)
    text = export.text("edl", timeline, media(timeline), BASE)
    track = otio.adapters.read_from_string(text, "cmx_3600", rate=float(fps)).tracks[0]
    got = list(track.find_clips())
    assert [one.name for one in got] == [one.shot for one in timeline.clips]
    assert [whole(one.range_in_parent().start_time) for one in got] == [one.start for one in timeline.clips]
    assert [whole(one.duration()) for one in got] == [one.frames for one in timeline.clips]
    assert [
        whole(one.source_range.start_time)
        for one in got
        if isinstance(one.media_reference, otio.schema.MissingReference)
    ] == [timing.round_half_up(one.source.start * fps) for one in timeline.clips if one.media]
    joins = [whole(one.out_offset) for one in track if isinstance(one, otio.schema.Transition)]
    assert joins == [one.join.frames for one in timeline.clips if one.join.frames]
    speeds = {one.name: one.effects[0].time_scalar for one in got if one.effects}
    asked = {one.shot: float(timeline.speed(one)) for one in timeline.clips if timeline.speed(one) != 1}
    assert speeds == pytest.approx(asked, abs=0.05 / float(fps))


def test_an_edl_starts_from_black_where_the_first_shot_has_a_transition() -> None:
    fps = Fraction(24)
    timeline = film(fps, clip("a", "2", fps, join=Join("dissolve", 12)))
    _, (event,) = read_edl(export.text("edl", timeline, media(timeline), BASE), fps)
    assert event["lines"] == [
        ("BL", None, 0, 0, 0, 86400, 86400),
        ("A", "D", 12, 0, 48, 86400, 86448),
    ]


@pytest.mark.parametrize(
    ("timeline", "message"),
    [
        (film(Fraction(24), *(clip(f"s{n}", "1", Fraction(24)) for n in range(1000))), "999 events, and this film has 1000"),
        (film(Fraction(24), clip("a", "50", Fraction(24)), clip("b", "50", Fraction(24), join=Join("dissolve", 1000))), "1000 frames"),
        (film(Fraction(120), clip("a", "1", Fraction(120))), "99 frames a second"),
        (film(Fraction(24), clip("a", "1", Fraction(24), source=Span(Fraction(0), Fraction(42)))), "42 times its speed"),
    ],
    ids=["events", "transition", "rate", "speed"],
)  # fmt: skip
def test_an_edl_refuses_what_it_cannot_count(timeline: Timeline, message: str) -> None:
    with pytest.raises(Unexportable, match=message):
        export.text("edl", timeline, media(timeline), BASE)


def test_reels_are_unique_stable_and_eight_letters() -> None:
    ids = ["s010", "s010-a", "S010.a", "bl", "ax", "燈台", "燈台2", "a-very-long-shot", "a-very-long-shit", "12345678"]
    found = edl.reels(ids)
    assert found["s010"] == "S010"
    assert found["12345678"] == "12345678"
    assert len(set(found.values())) == len(ids)
    assert all(re.fullmatch("[A-Z0-9]{1,8}", reel) for reel in found.values())
    assert not {"BL", "AX"} & set(found.values())
    assert edl.reels(reversed(ids)) == found
    assert edl.reels(["a-very-long-shot"])["a-very-long-shot"] == found["a-very-long-shot"]


# --- FCPXML

# Of the FCPXML 1.10 DTD what we write: an element's attributes, the required ones first, and its children in order.
DTD: dict[str, tuple[set[str], set[str], str]] = {
    "fcpxml": ({"version"}, set(), "resources library"),
    "resources": (set(), set(), "(format|asset|effect)*"),
    "format": ({"id"}, {"name", "frameDuration", "width", "height", "colorSpace"}, ""),
    "asset": (
        {"id"},
        {"name", "start", "duration", "hasVideo", "format", "hasAudio", "videoSources", "audioSources", "audioChannels", "audioRate"},
        "media-rep+ metadata?",
    ),
    "media-rep": ({"src"}, {"kind"}, ""),
    "effect": ({"id", "uid"}, {"name"}, ""),
    "library": (set(), set(), "event*"),
    "event": (set(), {"name"}, "project*"),
    "project": (set(), {"name"}, "sequence"),
    "sequence": ({"format"}, {"duration", "tcStart", "tcFormat", "audioLayout", "audioRate"}, "note? spine metadata?"),
    "spine": (set(), set(), "(asset-clip|gap|transition)*"),
    "asset-clip": (
        {"ref"},
        {"offset", "name", "start", "duration", "srcEnable", "audioStart", "audioDuration", "tcFormat", "audioRole"},
        "note? conform-rate? timeMap? adjust-conform? adjust-volume? marker* metadata?",
    ),
    "gap": ({"duration"}, {"name", "offset", "start"}, "note? marker* metadata?"),
    "transition": ({"duration"}, {"name", "offset"}, "filter-video? filter-audio? marker* metadata?"),
    "filter-video": ({"ref"}, {"name"}, ""),
    "filter-audio": ({"ref"}, {"name"}, ""),
    "conform-rate": (set(), {"scaleEnabled", "srcFrameRate"}, ""),
    "timeMap": (set(), set(), "timept*"),
    "timept": ({"time", "value"}, {"interp"}, ""),
    "adjust-conform": (set(), {"type"}, ""),
    "adjust-volume": (set(), {"amount"}, ""),
    "marker": ({"start", "value"}, {"duration"}, ""),
    "note": (set(), set(), ""),
    "metadata": (set(), set(), "md*"),
    "md": ({"key"}, {"value"}, ""),
}  # fmt: skip
TIMES = {"offset", "start", "duration", "audioStart", "audioDuration", "tcStart", "time"}


def seconds(text: str) -> Fraction:
    assert re.fullmatch(r"\d+(/\d+)?s", text), text
    value = Fraction(text[:-1])
    assert value.denominator < 2**31
    return value


def read_fcpxml(text: str) -> ET.Element:
    """The document, held to its DTD."""
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    root = ET.fromstring(text.encode())  # noqa: S314 -- our own
    ids = {one.get("id"): one.tag for one in root.find("resources") or ()}
    assert len(ids) == len(root.find("resources") or ())
    fps = 1 / seconds(root.find("resources/format").get("frameDuration"))
    for one in root.iter():
        required, optional, children = DTD[one.tag]
        assert required <= one.attrib.keys() <= required | optional, one.tag
        pattern = re.sub(r"[a-z-]+", r"(?:\g<0>,)", re.sub("timeMap", "timemap", children)).replace(" ", "")
        assert re.fullmatch(pattern, "".join(f"{child.tag},".replace("timeMap", "timemap") for child in one)), one.tag
        for name in one.attrib.keys() & TIMES if one.tag != "asset" else ():
            assert (seconds(one.attrib[name]) * fps).denominator == 1, (one.tag, name)
        for name, kind in (("format", "format"), ("ref", "asset" if one.tag == "asset-clip" else "effect")):
            assert name not in one.attrib or ids[one.attrib[name]] == kind
    return root


def spine(root: ET.Element) -> ET.Element:
    found = root.find("library/event/project/sequence/spine")
    assert found is not None
    return found


def shown(root: ET.Element, fps: Fraction) -> list[tuple[str, int, int, str, int]]:
    """Shots as they were before their edges moved into the middle of transitions: id, first and last frame in the
    film, and the transition into them. Clips must touch, and each transition lie across its cut."""
    clips: list[list[Any]] = []
    joined, edge = ("cut", 0), hour(fps)
    for one in spine(root):
        offset, length = (int(seconds(one.attrib[name]) * fps) for name in ("offset", "duration"))
        if one.tag == "transition":
            effect = root.find(f"resources/effect[@id='{one.find('filter-video').get('ref')}']")
            assert effect.get("uid").startswith("FxPlug:")
            if clips:
                assert edge == offset + length // 2
                clips[-1][2] = offset
            joined, start = (one.attrib["name"], length), offset
            continue
        assert offset == edge
        clips.append([one.attrib["name"], start if joined[1] else offset, offset + length, *joined])
        edge, joined = offset + length, ("cut", 0)
    return [(name, start, end, kind, frames) for name, start, end, kind, frames in clips]


def require_media(timeline: Timeline, root: ET.Element) -> None:
    """Every clip's picture, with what a transition takes of it on either side, and its sound are within its asset."""
    sides = [*(one.join.frames for one in timeline.clips[1:]), 0]
    for one, after, element in zip(
        timeline.clips, sides, (e for e in spine(root) if e.tag != "transition"), strict=True
    ):
        if element.tag == "gap":
            continue
        length = seconds(root.find(f"resources/asset[@id='{element.get('ref')}']").attrib["duration"])
        start, end = (
            seconds(element.attrib["start"]),
            seconds(element.attrib["duration"]) + seconds(element.attrib["start"]),
        )
        end += (after - after // 2) / timeline.fps
        assert start - (one.join.frames // 2 if one.start else 0) / timeline.fps >= 0
        points = [(seconds(point.attrib["time"]), seconds(point.attrib["value"])) for point in element.iter("timept")]
        assert end <= (points[-1][0] if points else length)
        assert max((value for _, value in points), default=Fraction(0)) <= length
        if "audioStart" in element.attrib and not points:
            assert seconds(element.attrib["audioStart"]) + seconds(element.attrib["audioDuration"]) <= length


@pytest.mark.parametrize("fps", RATES, ids=str)
@pytest.mark.parametrize("make", FILMS)
def test_fcpxml_reads_back_equal(make: Callable[[Fraction], Timeline], fps: Fraction) -> None:
    timeline = make(fps)
    root = read_fcpxml(export.text("fcpxml", timeline, media(timeline, Fraction(25)), BASE))
    names = {"dissolve": "Cross Dissolve", "fade": "Fade To Color"}
    begin = hour(fps)
    assert shown(root, fps) == [
        (one.shot, begin + one.start, begin + one.end, names.get(one.join.type, one.join.type), one.join.frames)
        for one in timeline.clips
    ]
    for element, one in zip((e for e in spine(root) if e.tag != "transition"), timeline.clips, strict=True):
        if one.media is None:
            assert element.tag == "gap"
            continue
        asset = root.find(f"resources/asset[@id='{element.get('ref')}']")
        assert asset is not None
        path = FOLDER / "build" / one.pass_id / "clips" / f"{one.shot}.mp4"
        assert unquote(asset.find("media-rep").get("src")) == f"file://{path}"
        assert one.available
        assert seconds(asset.attrib["duration"]) == Fraction(ceil(one.available.length * 25), 25)
        shift = Fraction(one.join.frames // 2)
        first = seconds(element.attrib["start"]) * fps - shift
        assert first == (timing.round_half_up(one.source.start * fps) if timeline.speed(one) == 1 else 0)
        rate = element.find("conform-rate")
        assert (rate is None) == (fps == 25)
        assert rate is None or rate.attrib == {"scaleEnabled": "0", "srcFrameRate": "25"}
        assert (element.find("note") is None) == (not one.notes)
    sequence = root.find("library/event/project/sequence")
    assert sequence.get("tcFormat") == ("DF" if fps == Fraction(30000, 1001) else "NDF")
    assert seconds(sequence.get("tcStart")) == begin / fps
    assert seconds(sequence.get("duration")) == timeline.frames / fps
    assert root.find("resources/format").get("width") == "1280"
    require_media(timeline, root)


def test_fcpxml_maps_the_time_of_a_retimed_clip_and_of_a_held_one() -> None:
    fps = Fraction(24)
    root = read_fcpxml(export.text("fcpxml", rich(fps), media(rich(fps)), BASE))
    maps = {
        one.get("name"): [
            (seconds(point.attrib["time"]) * fps, seconds(point.attrib["value"]) * fps) for point in one.iter("timept")
        ]
        for one in spine(root).iter("asset-clip")
        if one.find("timeMap") is not None
    }
    assert maps == {"燈台-守": [(0, 24), (48, 120)], "a-long-id.of-a-shot": [(0, 0), (95, 95), (120, 95)]}


def test_fcpxml_splits_sound_from_picture() -> None:
    fps = Fraction(24)
    timeline = film(
        fps,
        clip("a", "2", fps, linger=10),
        clip("b", "2", fps, lead=6, trim=1, gain=Decimal(-6)),
        clip("c", "2", fps, gain=None),
    )
    root = read_fcpxml(export.text("fcpxml", timeline, media(timeline), BASE))
    a, b, c = spine(root)
    assert (seconds(a.attrib["audioStart"]) * fps, seconds(a.attrib["audioDuration"]) * fps) == (0, 58)
    assert (seconds(b.attrib["audioStart"]) * fps, seconds(b.attrib["audioDuration"]) * fps) == (18, 54)
    assert b.find("adjust-volume").get("amount") == "-6dB"
    assert c.get("srcEnable") == "video"


def test_fcpxml_crossfades_sound_where_both_clips_are_heard() -> None:
    fps = Fraction(24)
    timeline = film(
        fps,
        clip("a", "2", fps),
        clip("b", "2", fps, join=Join("dissolve", 12)),
        clip("c", "2", fps, join=Join("dissolve", 12), gain=None),
    )
    root = read_fcpxml(export.text("fcpxml", timeline, media(timeline), BASE))
    first, second = spine(root).findall("transition")
    assert first.find("filter-audio") is not None
    assert second.find("filter-audio") is None


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25)], ids=str)
def test_fcpxml_is_read_by_the_published_adapter(fps: Fraction) -> None:
    # It knows neither transitions nor media-rep, and counts 23.976 as 23.
    timeline = film(fps, *(replace(one, join=CUT) for one in rich(fps).clips))
    text = export.text("fcpxml", timeline, media(timeline, fps), BASE)
    track = otio.adapters.read_from_string(text, "fcpx_xml")[0].tracks[0]
    got = {one.name: one for one in track.find_clips()}
    assert list(got) == [one.shot for one in timeline.clips if one.media]
    for one in timeline.clips:
        if one.media:
            place = got[one.shot].range_in_parent()
            assert (whole(place.start_time) - hour(fps), whole(place.duration)) == (one.start, one.frames)


def test_a_portrait_film_says_so() -> None:
    fps = Fraction(24)
    timeline = film(fps, clip("a", "1", fps), aspect="9:16")
    root = read_fcpxml(export.text("fcpxml", timeline, media(timeline), BASE))
    sizes = [(one.get("width"), one.get("height")) for one in root.iter("format")]
    assert sizes == [("720", "1280"), ("1280", "720")]
    read = read_otio(timeline)
    assert read.metadata["storyboard"]["size"] == "720x1280"


# --- tables and captions


def test_csv_reads_back_equal() -> None:
    timeline = rich(Fraction(24000, 1001))
    text = export.text("csv", timeline, {})
    assert text.count("\r\n") >= len(timeline.clips) + 1
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["shot"].removeprefix("'") for row in rows] == [one.shot for one in timeline.clips]
    assert [int(row["frames"]) for row in rows] == [one.frames for one in timeline.clips]
    assert [row["start"] for row in rows][:3] == ["00:00:00:00", "00:00:04:00", "00:00:07:00"]
    assert rows[0]["seconds"] == "4.004"
    assert rows[0]["notes"] == HOSTILE
    assert rows[2]["prompt"] == HOSTILE
    assert [row["pass"] for row in rows][2:5] == ["animatic", "slate", "draft"]
    assert (rows[0]["key"], rows[0]["price"], rows[0]["seed"], rows[0]["take"]) == ("cd" * 32, "0.25", "7", "1")
    assert (rows[3]["key"], rows[3]["price"], rows[3]["seed"], rows[3]["take"]) == ("", "", "", "")
    assert [(row["transition"], row["transition frames"]) for row in rows][1:4] == [
        ("dissolve", "12"),
        ("wiperight", "9"),
        ("cut", "0"),
    ]


@pytest.mark.parametrize("word", ["=1+1", "+1", "-s030", "@SUM(A1)", "\t=1", "\n=1", "＝1", "＠x"])
def test_csv_holds_no_formula(word: str) -> None:
    fps = Fraction(24)
    text = export.text("csv", film(fps, clip("a", "1", fps, notes=word)), {})
    assert next(csv.DictReader(io.StringIO(text, newline="")))["notes"] == f"'{word}"


def test_a_shot_list_shows_the_words_as_they_are() -> None:
    timeline = rich(Fraction(24))
    lines = export.text("shotlist", timeline, {}).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + len(timeline.clips)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {10}
    assert r"50% of 夜<br>- not back<br>001  AX V C  \| \`x\` = 1" in table[2]
    assert r"&amp; \<goes\>" in table[2]


@pytest.mark.parametrize("format_", ["srt", "vtt"])
def test_captions_are_those_of_the_film(format_: str) -> None:
    assert "not back" in export.text(format_, rich(Fraction(24)), {})


# --- all of them


@pytest.mark.parametrize("format_", export.FORMATS)
def test_exports_are_as_they_were(format_: str, golden: Callable[[Path, str], None]) -> None:
    timeline = rich(Fraction(24000, 1001))
    text = export.text(format_, timeline, media(timeline, Fraction(25)), BASE)
    assert text == export.text(format_, timeline, media(timeline, Fraction(25)), BASE)
    if "\r" in text:  # kept out of the file, where git and editors would change it
        text = text.replace("\r", "␍")
    golden(CASES / export.FORMATS[format_].file, text)


@st.composite
def films(draw: st.DrawFn) -> Timeline:
    fps = draw(st.sampled_from(RATES))
    clips = []
    for n in range(draw(st.integers(1, 6))):
        frames = draw(st.integers(1, 200))
        joined = draw(st.integers(0, min(frames, 30)))
        kind = draw(st.sampled_from(["dissolve", "fade", "wipeleft", "zoomin"]))
        trim, available = Fraction(draw(st.integers(0, 48)), 24), Span(Fraction(0), Fraction(5))
        made = clip(
            f"s{n}{draw(st.sampled_from(['', '-ü', '.long-id', '夜']))}",
            str(frames / fps),
            fps,
            media=draw(st.sampled_from([Blob("ab" * 32, 9, "/store"), None])),
            join=Join(kind, joined) if joined else CUT,
            lead=draw(st.integers(0, 9)),
            linger=draw(st.integers(0, 9)),
            notes=draw(st.text(max_size=9)),
            trim=trim,
            available=draw(st.sampled_from([None, available])),
            origin=Origin(),
        )
        if made.available and frames > 9 and draw(st.booleans()):
            made = replace(made, source=Span(trim, available.length - trim))  # retimed: all that there is
        clips.append(made)
    return film(fps, *clips)


@often(40)
@given(films())
def test_every_film_keeps_its_shots_in_their_places(timeline: Timeline) -> None:
    fps, first = timeline.fps, hour(timeline.fps)
    places = [(one.shot, one.start, one.end) for one in timeline.clips]
    read = read_otio(timeline)
    got = list(read.video_tracks()[0].find_clips())
    assert [
        (one.name, whole(one.range_in_parent().start_time), whole(one.range_in_parent().end_time_exclusive()))
        for one in got
    ] == places
    _, events = read_edl(export.text("edl", timeline, media(timeline), BASE), fps)
    assert [(event["lines"][-1][5] - first, event["lines"][-1][6] - first) for event in events] == [
        place[1:] for place in places
    ]
    root = read_fcpxml(export.text("fcpxml", timeline, media(timeline), BASE))
    assert [(name, start - first, end - first) for name, start, end, *_ in shown(root, fps)] == places
    require_media(timeline, root)
    assert len(list(csv.reader(io.StringIO(export.text("csv", timeline, {}), newline="")))) == len(places) + 1


# --- the command

STORY = """storyboard: 1
title: "Tiny: 100%"
passes:
  animatic: {model: local/animatic}
  draft: {extends: animatic, resolution: 1080p}
shots:
  - {id: one, prompt: a lamp, clip: own/tiny.mp4, duration: 0.5, notes: "check: focus"}
  - id: two
    prompt: a stair
    duration: 0.5
    transition: {type: dissolve, duration: 0.25}
    passes: {animatic: {clip: own/tiny.mp4}}
  - {id: three, prompt: a sea, duration: 0.5}
"""


@pytest.fixture
def tiny(project: Folder, tiny_clip: Path) -> Folder:
    (project.path / "own").mkdir()
    shutil.copy(tiny_clip, project.path / "own/tiny.mp4")
    project.write(STORY)
    return project


def test_export_writes_what_the_links_lead_to(tiny: Folder, tiny_clip: Path) -> None:
    answer = json.loads(tiny.run("export", "-p", "draft", "--format", "otio", "--json").stdout)
    assert answer["export"] == {
        "path": "build/draft/cut.otio",
        "format": "otio",
        "shots": 3,
        "frames": 36,
        "slates": ["three"],
    }
    path = tiny.path / "build/draft/cut.otio"
    clips = list(otio.adapters.read_from_file(str(path)).video_tracks()[0].find_clips())
    urls = [getattr(one.media_reference, "target_url", None) for one in clips]
    assert urls == ["clips/one.mp4", "../animatic/clips/two.mp4", None]
    for url in urls[:2]:
        assert (path.parent / url).read_bytes() == tiny_clip.read_bytes()
    assert not (tiny.path / "build/draft/cut.mp4").exists()


Say = Callable[..., str]


@pytest.fixture
def say(tiny: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    monkeypatch.chdir(tiny.path)

    def run(*arguments: str, status: int = 0) -> str:
        assert cli.run(["export", *arguments]) == status
        out, err = capsys.readouterr()
        return err if status else out

    return run


def test_the_command_knows_every_format() -> None:
    assert tuple(export.FORMATS) == command.NAMES


def test_export_prints_to_standard_output(tiny: Folder, say: Say) -> None:
    said = say("-p", "draft", "--format", "csv", "-o", "-")
    assert [row["shot"] for row in csv.DictReader(io.StringIO(said, newline=""))] == ["one", "two", "three"]
    assert not (tiny.path / "build").exists()
    root = read_fcpxml(say("-p", "draft", "--format", "fcpxml", "-o", "-"))
    for one in root.iter("media-rep"):
        assert Path(unquote(one.attrib["src"].removeprefix("file://"))).is_file()
    assert root.find("resources/asset").get("audioChannels") == "1"
    assert root.find("resources/asset").get("duration") == "24/24s"


def test_export_says_what_it_wrote(tiny: Folder, say: Say) -> None:
    said = say("-p", "draft", "--format", "edl", "-o", "edits/tiny.edl")
    assert said.splitlines() == ["slates: three", "edl            edits/tiny.edl  (3 shots, 1.5 s)"]
    assert "* SOURCE FILE: ../build/animatic/clips/two.mp4" in (tiny.path / "edits/tiny.edl").read_text()


def test_export_says_what_it_cannot_do(tiny: Folder, say: Say) -> None:
    assert "leave one out" in say("--format", "edl", "-o", "-", "--json", status=2)
    assert "no pass 'drift'" in say("--format", "edl", "-p", "drift", status=2)
    tiny.write(STORY.replace("{id: ", "{skip: true, id: ").replace("- id: two", "- skip: true\n    id: two"))
    assert "nothing to export" in say("--format", "edl", status=3)


def test_only_clips_that_can_be_read_are_placed(tmp_path: Path, tiny_clip: Path) -> None:
    store = Store(tmp_path / "store", Memo(tmp_path / "memo", lambda: 0))
    fps, blobs = Fraction(24), {}
    for name, data in (("good", tiny_clip.read_bytes()), ("bad", b"#EXTM3U\nfile:///etc/passwd")):
        (tmp_path / name).write_bytes(data)
        blobs[name] = store.put(f"{name:0>64}", {"clip": tmp_path / name}, {}).outputs["clip"]
    timeline = film(fps, *(clip(name, "1", fps, media=blob) for name, blob in blobs.items()))
    place = tmp_path / "build/draft/clips"
    place.mkdir(parents=True)
    (place / "good.mp4").write_bytes(b"an older clip")
    told: list[str] = []
    found = export.placed(timeline, tmp_path, Path("build"), store, lambda shot, why: told.append(f"{shot}: {why}"))
    assert found == {"good": Medium(place / "good.mp4", 64, 36, fps, 1, 44100)}
    assert (place / "good.mp4").read_bytes() == tiny_clip.read_bytes()
    assert [path.name for path in place.iterdir()] == ["good.mp4"]
    assert told == ["bad: it isn't an MP4 by its bytes"]
    track = otio.adapters.read_from_string(export.text("otio", timeline, found), "otio_json").video_tracks()[0]
    assert [one.media_reference.is_missing_reference for one in track] == [False, True]
