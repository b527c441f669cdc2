"""One clip's picture as the film needs it: constant frame rate, size, 8-bit 4:2:0 BT.709, closed groups.

It comes out exactly as long as the shot, and its tail under the next transition: a clip that is too short holds its
last frame. No B-frames, so every packet's decode time is its presentation time, and clips join by copying packets;
where a transition into the clip ends, a group begins, so that what follows is copied too.
"""

from math import ceil, floor
from shutil import copyfile
from typing import Any

from storyboard import digest, timing
from storyboard.cut import burn, packets
from storyboard.cut.footage import Footage
from storyboard.cut.grid import timescale
from storyboard.media import PATIENCE, SAFE_INPUT, MediaError, Probe, probe, run
from storyboard.store import Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

VERSION = 5
THREADS = 2
AHEAD = 5
"""Frames that the encoder looks ahead: half of what its preset has, for 14 MB less at the same quality (720p)."""
TICKS = 705_600_000
"""A second in units in which a frame, and half a frame, of every common rate is a whole number ("flicks")."""
STILL = 640
"""Pixels of the longer side of the stills that contact sheets are made of."""


def key_of(clip: Clip, footage: Footage, timeline: Timeline, tools: Tools) -> str:
    """The key of a conformed picture: all that its bytes depend on."""
    return digest.of(
        {
            "conform": VERSION,
            "media": footage.media.sha256,
            "source": [timing.exact(footage.source.start), timing.exact(footage.speed(clip.frames, timeline.fps))],
            "frames": [clip.frames, clip.tail],
            "group": clip.join.frames,
            "fps": timing.exact(timeline.fps),
            "size": [timeline.width, timeline.height, clip.framing],
            "burn": burn.content(clip, timeline),
            "ffmpeg": tools.ffmpeg_version,
        }
    )


def make(key: str, clip: Clip, footage: Footage, timeline: Timeline, store: Store, tools: Tools) -> Record:
    """Conform one picture and keep it: outputs `video` (MP4), `first`, `middle` and `last` (JPEG).

    Raises:
        MediaError: the clip can't be read.
    """
    found = probe(footage.media.path)
    with store.workspace() as folder:
        chain = [
            *_timed(clip, footage, timeline),
            *_framed(clip, timeline, found),
            *("format=yuv420p", "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"),
        ]
        picked = sorted({0, clip.frames // 2, clip.frames - 1})
        picks = "+".join(f"eq(n\\,{n})" for n in picked)
        graph = (
            f"[0:V:0]{','.join(chain)},split[clean][raw];[raw]{burn.prepare(clip, timeline, folder)}[video];"
            f"[clean]select={picks},scale={STILL}:{STILL}:force_original_aspect_ratio=decrease:flags=area[still]"
        )
        seeked, speed = _sought(footage), footage.speed(clip.frames, timeline.fps)
        needed = ceil(footage.source.start - seeked + (clip.frames + clip.tail) / timeline.fps * speed) + 1
        part = (*(("-ss", str(seeked)) if seeked else ()), "-t", str(needed))
        run(
            tools.ffmpeg,
            [
                *("-threads", str(THREADS), *SAFE_INPUT, *part, "-i", f"file:{footage.media.path.absolute()}"),
                *("-filter_complex", graph, "-filter_complex_threads", "1"),
                *("-map", "[video]", "-frames:v", str(clip.frames + clip.tail)),
                *(("-force_key_frames", f"expr:eq(n,{clip.join.frames})") if clip.join.frames else ()),
                *encoding(timeline.fps),
                "video.mp4",
                *("-map", "[still]", "-fps_mode", "passthrough", "-q:v", "3", "-pix_fmt", "yuvj420p"),
                *("-frames:v", str(len(picked)), "still%d.jpg"),
            ],
            folder,
            PATIENCE + clip.frames + clip.tail + 10 * needed,
        )
        if not (folder / f"still{len(picked)}.jpg").exists():
            raise MediaError("no picture of its part that is shown can be decoded")
        facts = packets.table(folder / "video.mp4")
        outputs = {name: folder / f"{name}.jpg" for name in ("first", "middle", "last")}
        for path, n in zip(outputs.values(), (0, clip.frames // 2, clip.frames - 1), strict=True):
            copyfile(folder / f"still{picked.index(n) + 1}.jpg", path)  # of a short clip they may be the same
        return store.put(key, {"video": folder / "video.mp4", **outputs}, facts)


def _sought(footage: Footage) -> int:
    """The second from which on a medium is decoded: a whole one, which is exact in whatever ticks its file counts."""
    return max(0, floor(footage.source.start) - 2)


def _timed(clip: Clip, footage: Footage, timeline: Timeline) -> list[str]:
    """Filters that bring a picture into the film's time, its last frame held where it ends early.

    The presentation's zero stays where it was: a picture that starts late in its file is as late here, as its sound is.
    """
    start, speed = footage.source.start, footage.speed(clip.frames, timeline.fps)
    zero = (start - _sought(footage)) * TICKS
    moved = f"settb=1/{TICKS},setpts=round((PTS-({zero}))/({speed}))" if start or speed != 1 else "null"
    rate = f"{timeline.fps.numerator}/{timeline.fps.denominator}"
    return [
        moved,
        f"fps={rate}:start_time=0",
        "tpad=stop=-1:stop_mode=clone",
        f"trim=end_frame={clip.frames + clip.tail}",
    ]


def _framed(clip: Clip, timeline: Timeline, found: Probe) -> list[str]:
    """Filters that bring a picture into the film's frame and colours."""
    width, height = timeline.width, timeline.height
    # Of a picture that its file says is turned, `sar` is the aspect after turning.
    square = ["scale='2*max(1,round(iw*sar/2))':ih:flags=bicubic"] if found.pixel != 1 else []
    colours = found.to_bt709
    if clip.framing == "fill":
        fitted = [f"scale={width}:{height}:force_original_aspect_ratio=increase:{colours}", f"crop={width}:{height}"]
    else:
        room = f"{width}:{height}" if clip.framing == "fit" else f"'min({width},iw)':'min({height},ih)'"
        fitted = [
            f"scale={room}:force_original_aspect_ratio=decrease:force_divisible_by=2:{colours}",
            f"pad={width}:{height}:-1:-1:black",
        ]
    return [*square, *fitted, "setsar=1"]


def encoding(fps: timing.Rate) -> list[Any]:
    """ffmpeg's options for pictures that are joined by copying packets."""
    # The bytes depend on the number of threads, so it is pinned; more clips are conformed side by side instead.
    return [
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-profile:v", "high", "-pix_fmt", "yuv420p"),
        *(
            "-threads:v",
            str(THREADS),
            "-rc-lookahead",
            str(AHEAD),
            "-bf",
            "0",
            "-g",
            str(max(1, round(fps))),
            "-sc_threshold",
            "0",
        ),
        *("-flags:v", "+cgop+bitexact"),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *("-fps_mode", "passthrough", "-video_track_timescale", str(timescale(fps))),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-f", "mp4"),
    ]
