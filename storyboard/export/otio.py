"""OpenTimelineIO: a picture track, sound tracks, links, handles, markers, and what made each clip.

A transition starts at the cut, so its in_offset is 0: it takes nothing of the outgoing clip's own range, and plays
that clip's handle over `out_offset` frames of the incoming one (OpenTimelineIO, "Timeline Structure", transitions).
A retimed clip's range is as long as it is shown, and a LinearTimeWarp says how fast, as OTIO's own adapters have it.
A clip whose media are too short keeps its range: `held` in its metadata counts the frames that show the last one.
"""

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

from opentimelineio import opentime, schema

from storyboard import money, timing
from storyboard.export import ranges
from storyboard.export.links import Medium
from storyboard.timeline import Clip, Timeline

NAMESPACE = "storyboard"
"""Where our metadata stand."""


def text(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> str:
    """The timeline as .otio; links are relative to `base`."""
    film = schema.Timeline(
        timeline.title,
        global_start_time=_time(ranges.first_frame(timeline.fps), timeline.fps),
        metadata={NAMESPACE: _film(timeline)},
    )
    picture = schema.Track("V1", kind=schema.TrackKind.Video)
    for clip in timeline.clips:
        if clip.join.frames:
            picture.append(_transition(clip, timeline.fps))
        medium = media.get(clip.shot)
        made = _clip(timeline, clip, medium, base, _facts(timeline, clip, medium), 0, 0)
        made.markers.extend(_markers(timeline, clip, int(made.source_range.start_time.value)))
        picture.append(made)
    film.tracks.append(picture)
    for track in _sound(timeline, media, base):
        film.tracks.append(track)
    return str(film.to_json_string(indent=2)) + "\n"


def _time(frames: int, fps: timing.Rate) -> opentime.RationalTime:
    return opentime.RationalTime(frames, float(fps))


def _range(start: int, frames: int, fps: timing.Rate) -> opentime.TimeRange:
    return opentime.TimeRange(_time(start, fps), _time(frames, fps))


def _film(timeline: Timeline) -> dict[str, Any]:
    return {
        "title": timeline.title,
        "pass": timeline.pass_id,
        "fps": str(timeline.fps),
        "size": f"{timeline.width}x{timeline.height}",
        "commit": timeline.commit,
    }


def _clip(
    timeline: Timeline,
    clip: Clip,
    medium: Medium | None,
    base: Path | None,
    facts: dict[str, Any],
    lead: int,
    linger: int,
) -> schema.Clip:
    """A clip, its range widened by the frames that its sound goes beyond its picture."""
    its = ranges.of(timeline, clip)
    if medium is None:
        reference, start = schema.MissingReference(name=clip.shot), 0
    else:
        start = its.start - timing.round_half_up(lead * its.speed)
        available = None if its.available is None else _range(0, its.available, timeline.fps)
        reference = schema.ExternalReference(_url(medium.path, base), available)
    made = schema.Clip(
        clip.shot,
        media_reference=reference,
        source_range=_range(start, lead + clip.frames + linger, timeline.fps),
        metadata={NAMESPACE: facts},
    )
    if medium is not None and its.speed != 1:
        made.effects.append(
            schema.LinearTimeWarp("retime", float(its.speed), {NAMESPACE: {"speed": timing.exact(its.speed)}})
        )
    return made


def _facts(timeline: Timeline, clip: Clip, medium: Medium | None) -> dict[str, Any]:
    its, origin = ranges.of(timeline, clip), clip.origin
    return {
        "shot": clip.shot,
        "scene": clip.scene,
        "scene_id": clip.scene_id,
        "setting": clip.setting,
        "prompt": clip.prompt,
        "notes": clip.notes,
        "pass": clip.pass_id,
        "slate": medium is None,
        "take": origin.take,
        "model": origin.model,
        "seed": origin.seed,
        "key": origin.key,
        "price": money.usd(origin.cost),
        "transition": {"type": clip.join.type, "frames": clip.join.frames},
        "source": {"start": timing.exact(clip.source.start), "length": timing.exact(clip.source.length)},
        "held": 0 if medium is None else its.held(clip.frames),
        "tail": clip.tail,
        "framing": clip.framing,
        "effects": [effect.name for effect in clip.effects],
        "sound": _heard(clip),
    }


def _heard(clip: Clip) -> dict[str, Any]:
    """Its sound as the storyboard asks for it."""
    volume = None if clip.gain is None else timing.exact(Fraction(clip.gain))
    return {"lead": clip.lead, "tail": clip.linger, "volume": volume}


def _url(path: Path, base: Path | None) -> str:
    """A URL relative to the folder of the .otio, which OTIO allows; absolute where that isn't known."""
    return path.as_uri() if base is None else quote(Path(os.path.relpath(path, base)).as_posix())


def _transition(clip: Clip, fps: timing.Rate) -> schema.Transition:
    kind = schema.TransitionTypes.SMPTE_Dissolve if clip.join.type == "dissolve" else schema.TransitionTypes.Custom
    return schema.Transition(
        clip.join.type, kind, _time(0, fps), _time(clip.join.frames, fps), {NAMESPACE: {"type": clip.join.type}}
    )


def _markers(timeline: Timeline, clip: Clip, start: int) -> list[schema.Marker]:
    found = []
    for first, frames, words in ranges.remarks(timeline, clip):
        note = words == clip.notes
        found.append(
            schema.Marker(
                ranges.one_line(words),
                _range(start + first, frames, timeline.fps),
                schema.MarkerColor.YELLOW if note else schema.MarkerColor.CYAN,
                {NAMESPACE: {"kind": "note" if note else "line"}},
                words,
            )
        )
    return found


def _sound(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> list[schema.Track]:
    """Tracks of the clips that are heard: one, and more where a J or L cut has two of them sound at once."""
    tracks: list[schema.Track] = []
    ends: list[int] = []
    last = -1  # the track of the shot before
    for clip in timeline.clips:
        medium = media.get(clip.shot)
        if medium is None or not medium.channels or clip.gain is None:
            last = -1
            continue
        lead, linger = ranges.split(timeline, clip)
        start, end = clip.start - lead, clip.end + linger
        free = [place for place, until in enumerate(ends) if until <= start]
        place = last if last in free else free[0] if free else len(tracks)
        if place == len(tracks):
            tracks.append(schema.Track(f"A{place + 1}", kind=schema.TrackKind.Audio))
            ends.append(0)
        if ends[place] < start:
            tracks[place].append(schema.Gap(source_range=_range(0, start - ends[place], timeline.fps)))
        elif clip.join.frames and place == last:  # they touch, so neither is split from its picture
            tracks[place].append(_transition(clip, timeline.fps))
        facts = {"shot": clip.shot, "pass": clip.pass_id, "sound": _heard(clip)}
        tracks[place].append(_clip(timeline, clip, medium, base, facts, lead, linger))
        ends[place], last = end, place
    return tracks
