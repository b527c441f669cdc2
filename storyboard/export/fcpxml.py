"""FCPXML 1.10, as Final Cut Pro from 10.6 and DaVinci Resolve read it.

What its DTD doesn't say, and Final Cut Pro insists on: times are whole frames of the sequence; clips in a spine touch
and never overlap; a transition lies across the point where they touch, half of it on either side, and names a real
effect, or it is imported as an empty placeholder; a clip ends where its media end. Our transitions start at the cut.
So the point where two clips touch is moved to the middle of the transition, which shows the same frames: the outgoing
clip's handle is used up to there, the incoming clip starts as much later. An odd transition is half a frame off its
middle. Frames that hold a clip's last one are a time map whose value stands still.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from pathlib import Path
from xml.etree import ElementTree as ET

from storyboard import timing
from storyboard.export import ranges
from storyboard.export.links import Medium
from storyboard.timeline import Clip, Timeline

VERSION = "1.10"
RATES = {
    Fraction(24000, 1001): "23.98",
    Fraction(24): "24",
    Fraction(25): "25",
    Fraction(30000, 1001): "29.97",
    Fraction(30): "30",
    Fraction(50): "50",
    Fraction(60000, 1001): "59.94",
    Fraction(60): "60",
}
"""Rates of media that Final Cut Pro conforms, by the names that the DTD has for them."""

_EFFECTS = {
    "dissolve": ("Cross Dissolve", "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"),
    "color": ("Fade To Color", "FxPlug:F779C565-486D-4633-8035-0374B4DB8F5C"),
    "sound": ("Audio Crossfade", "FFAudioTransition"),
}
"""Final Cut Pro's own: names and ids as its exports have them."""
_COLOR = {"fade", "fadeblack"}
"""Transitions through black. All others are shown as a dissolve that has their name."""
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> str:  # noqa: ARG001 -- links are absolute
    """The timeline as FCPXML. Links are absolute, because neither application reads relative ones reliably."""
    root = ET.Element("fcpxml", version=VERSION)
    book = _Resources(ET.SubElement(root, "resources"), timeline)
    title = _clean(ranges.one_line(timeline.title))
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=title)
    project = ET.SubElement(event, "project", name=f"{title} ({_clean(timeline.pass_id)})")
    fps, first = timeline.fps, ranges.first_frame(timeline.fps)
    sequence = ET.SubElement(
        project,
        "sequence",
        format=book.format(fps, timeline.width, timeline.height),
        duration=_time(timeline.frames, fps),
        tcStart=_time(first, fps),
        tcFormat=_counting(fps),
        audioLayout="stereo",
        audioRate="48k",
    )
    _note(sequence, f"commit {timeline.commit}" if timeline.commit else "")
    spine = ET.SubElement(sequence, "spine")
    for n, clip in enumerate(timeline.clips):
        before = timeline.clips[n - 1] if n else None
        after = timeline.clips[n + 1] if n + 1 < len(timeline.clips) else None
        if clip.join.frames:
            heard = before is not None and _is_heard(before, media) and _is_heard(clip, media)
            spine.append(_transition(clip, fps, book, sound=heard and not (before and before.linger) and not clip.lead))
        shift = clip.join.frames // 2 if before else 0
        frames = clip.frames - shift + (after.join.frames // 2 if after else 0)
        times = {"offset": _time(first + clip.start + shift, fps), "duration": _time(frames, fps)}
        spine.append(_element(timeline, clip, media.get(clip.shot), book, times, shift))
    ET.indent(root, "  ")
    body = ET.tostring(root, "unicode", short_empty_elements=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'


def _time(frames: int, fps: timing.Rate) -> str:
    """Frames as a rational number of seconds, over the rate's own numerator."""
    return f"{frames * fps.denominator}/{fps.numerator}s" if frames else "0s"


def _counting(fps: timing.Rate) -> str:
    return "DF" if fps in timing.DROPPING else "NDF"


def _clean(text: str) -> str:
    """A text without the characters that XML 1.0 can't hold."""
    return _NO_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


class _Resources:
    """Formats, assets and effects, each written once and known by its id."""

    def __init__(self, element: ET.Element, timeline: Timeline) -> None:
        self._element = element
        self._timeline = timeline
        self._ids: dict[tuple[object, ...], str] = {}

    def _add(self, key: tuple[object, ...], tag: str, attributes: Mapping[str, str]) -> tuple[str, ET.Element | None]:
        if key in self._ids:
            return self._ids[key], None
        id_ = self._ids[key] = f"r{len(self._ids) + 1}"
        return id_, ET.SubElement(self._element, tag, {"id": id_, **attributes})

    def format(self, rate: Fraction, width: int, height: int) -> str:
        size = {"width": str(width), "height": str(height)} if width and height else {}
        attributes = {"frameDuration": _time(1, rate), **size, "colorSpace": "1-1-1 (Rec. 709)"}
        return self._add(("format", rate, width, height), "format", attributes)[0]

    def effect(self, kind: str) -> str:
        name, uid = _EFFECTS[kind]
        return self._add(("effect", kind), "effect", {"name": name, "uid": uid})[0]

    def asset(self, clip: Clip, medium: Medium) -> str:
        rate = known_rate(medium.rate) or self._timeline.fps
        format_ = self.format(rate, medium.width, medium.height)
        its = ranges.of(self._timeline, clip)
        shown = Fraction(its.start + its.length + clip.tail + clip.linger) / self._timeline.fps
        end = clip.available.end if clip.available else shown
        attributes = {
            "name": clip.shot,
            "start": "0s",
            "duration": _time(ceil(end * rate), rate),
            "hasVideo": "1",
            "format": format_,
            "videoSources": "1",
        }
        if medium.channels:
            sound = {"audioSources": "1", "audioChannels": str(medium.channels), "audioRate": str(medium.hertz)}
            attributes |= {"hasAudio": "1", **sound}
        id_, element = self._add(("asset", clip.shot), "asset", attributes)
        if element is not None:
            ET.SubElement(element, "media-rep", kind="original-media", src=medium.path.as_uri())
        return id_


def known_rate(rate: Fraction) -> Fraction | None:
    """The rate among Final Cut Pro's that a medium's measured rate stands for; None where it stands for none."""
    near = [known for known in RATES if abs(known - rate) * 2500 < known]  # 24 and 23.976 are a thousandth apart
    return near[0] if near else None


def _is_heard(clip: Clip, media: Mapping[str, Medium]) -> bool:
    return clip.gain is not None and clip.shot in media and media[clip.shot].channels > 0


def _transition(clip: Clip, fps: timing.Rate, book: _Resources, *, sound: bool) -> ET.Element:
    start = ranges.first_frame(fps) + clip.start
    kind = "color" if clip.join.type in _COLOR else "dissolve"
    name = _EFFECTS[kind][0] if clip.join.type in _COLOR | {"dissolve"} else clip.join.type
    element = ET.Element("transition", name=name, offset=_time(start, fps), duration=_time(clip.join.frames, fps))
    ET.SubElement(element, "filter-video", ref=book.effect(kind), name=_EFFECTS[kind][0])
    if sound:
        ET.SubElement(element, "filter-audio", ref=book.effect("sound"), name=_EFFECTS["sound"][0])
    return element


def _element(
    timeline: Timeline, clip: Clip, medium: Medium | None, book: _Resources, times: Mapping[str, str], shift: int
) -> ET.Element:
    """A clip in the spine, `shift` frames of its start being left to the transition; a gap for a slate."""
    fps, its = timeline.fps, ranges.of(timeline, clip)
    if medium is None:
        element = ET.Element("gap", {"name": clip.shot, "offset": times["offset"], "start": _time(shift, fps)})
        element.set("duration", times["duration"])
        _note(element, f"slate: {clip.prompt}\n{clip.notes}".strip())
        _markers(element, timeline, clip, 0, shift)
        return element
    local = its.start if its.speed == 1 else 0
    element = ET.Element(
        "asset-clip",
        {
            "ref": book.asset(clip, medium),
            "offset": times["offset"],
            "name": clip.shot,
            "start": _time(local + shift, fps),
            "duration": times["duration"],
            "tcFormat": _counting(fps),
        },
    )
    if medium.channels:
        _sound(element, timeline, clip, its)
    _note(element, clip.notes)
    rate = known_rate(medium.rate)
    if rate and rate != fps:
        # The default would play every frame at the sequence's rate: another speed.
        ET.SubElement(element, "conform-rate", scaleEnabled="0", srcFrameRate=RATES[rate])
    _time_map(element, clip, its, fps)
    if clip.framing == "fill":
        ET.SubElement(element, "adjust-conform", type="fill")
    elif clip.framing == "pad" and medium.width <= timeline.width and medium.height <= timeline.height:
        ET.SubElement(element, "adjust-conform", type="none")
    if medium.channels and clip.gain:
        ET.SubElement(element, "adjust-volume", amount=f"{timing.exact(Fraction(clip.gain))}dB")
    _markers(element, timeline, clip, local, shift)
    if clip.scene:
        metadata = ET.SubElement(element, "metadata")
        ET.SubElement(metadata, "md", key="com.apple.proapps.studio.scene", value=_clean(clip.scene))
    return element


def _sound(element: ET.Element, timeline: Timeline, clip: Clip, its: ranges.Ranges) -> None:
    """J and L cuts; a retimed clip has none, as its time map ends with its picture."""
    if clip.gain is None:
        element.set("srcEnable", "video")
        return
    element.set("audioRole", "dialogue")
    lead, linger = ranges.split(timeline, clip)
    if (lead or linger) and its.speed == 1:
        element.set("audioStart", _time(its.start - lead, timeline.fps))
        element.set("audioDuration", _time(lead + clip.frames + linger, timeline.fps))


def _time_map(element: ET.Element, clip: Clip, its: ranges.Ranges, fps: timing.Rate) -> None:
    """For a clip that is retimed, or goes on after its media end."""
    shown = clip.frames + clip.tail
    held = its.held(shown)
    points: list[tuple[int, Fraction]] = []
    if its.speed != 1:
        points = [(0, clip.source.start), (clip.frames, clip.source.end)]
        if clip.tail:
            points.append((shown, clip.source.end))
    elif held and its.available:
        last = its.available - 1
        points = [(0, Fraction(0)), (last, last / fps), (its.start + shown, last / fps)]
    if points:
        time_map = ET.SubElement(element, "timeMap")
        for frame, value in points:
            ET.SubElement(time_map, "timept", time=_time(frame, fps), value=f"{value}s", interp="linear")


def _note(element: ET.Element, words: str) -> None:
    if words:
        ET.SubElement(element, "note").text = _clean(words)


def _markers(element: ET.Element, timeline: Timeline, clip: Clip, local: int, shift: int) -> None:
    for first, frames, words in ranges.remarks(timeline, clip):
        at, length = _time(local + max(first, shift), timeline.fps), _time(frames, timeline.fps)
        ET.SubElement(element, "marker", start=at, duration=length, value=_clean(ranges.one_line(words)))
