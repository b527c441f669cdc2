"""One clip as the film needs it: constant frame rate, size, 8-bit 4:2:0 BT.709, closed groups; sound as PCM.

Picture and sound come out exactly as long as the shot: a clip that is too short holds its last frame. No
B-frames, so every packet's decode time is its presentation time and clips join by copying packets.
"""

from fractions import Fraction
from math import ceil
from typing import Any

from storyboard import digest, timing
from storyboard.cut import burn
from storyboard.media import SAFE_INPUT, probe, run
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

VERSION = 2
THREADS = 2
SAMPLE_RATE = 48_000
CHANNELS = 2
BYTES_PER_SAMPLE = 2


def timescale(fps: timing.Rate) -> int:
    """Ticks a second in which every frame of `fps` starts at a whole tick."""
    return fps.numerator * (1000 if fps.denominator == 1 else 1)


def samples(frame: int, fps: timing.Rate) -> int:
    """Where a frame starts in the film's sound, in samples."""
    return timing.round_half_up(Fraction(frame) * SAMPLE_RATE / fps)


def key_of(clip: Clip, media: Blob, timeline: Timeline, tools: Tools) -> str:
    """The key of a conformed clip: all that its bytes depend on."""
    burned = burn.content(clip, timeline)
    return digest.of(
        {
            "conform": VERSION,
            "clip": media.sha256,
            "start": timing.exact(clip.source_start),
            "frames": clip.frames,
            "fps": timing.exact(timeline.fps),
            "size": [timeline.width, timeline.height],
            "burn": burned,
            "ffmpeg": tools.ffmpeg_version,
        }
    )


def make(key: str, clip: Clip, media: Blob, timeline: Timeline, store: Store, tools: Tools) -> Record:
    """Conform one clip and keep it: outputs `video` (MP4), `sound` (s16le, 48 kHz stereo), `still` (JPEG).

    Raises:
        MediaError: the clip can't be read.
    """
    found = probe(media.path)
    with store.workspace() as folder:
        burned = burn.prepare(clip, timeline, folder)
        run(tools.ffmpeg, _arguments(clip, media, timeline, burned, sound=found.sound), folder)
        outputs = {"video": folder / "video.mp4", "sound": folder / "sound.raw", "still": folder / "still.jpg"}
        return store.put(key, outputs, {"shot_frames": clip.frames})


def _arguments(clip: Clip, media: Blob, timeline: Timeline, burned: str, *, sound: bool) -> list[str]:
    fps = f"{timeline.fps.numerator}/{timeline.fps.denominator}"
    first = timing.round_half_up(clip.source_start * timeline.fps)
    size = f"{timeline.width}:{timeline.height}"
    picture = (
        f"[0:v:0]setpts=PTS-STARTPTS,fps={fps},tpad=stop=-1:stop_mode=clone,trim=start_frame={first},"
        f"setpts=PTS-STARTPTS,scale={size}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=bicubic:"
        f"out_color_matrix=bt709:out_range=tv,pad={size}:-1:-1:black,setsar=1,format=yuv420p,"
        f"setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,"
        f"trim=end_frame={clip.frames},split[clean][raw];"
        f"[clean]select=eq(n\\,{clip.frames // 2})[still];[raw]{burned}[video]"
    )
    length = ceil(clip.frames * SAMPLE_RATE / timeline.fps) + 1
    source = f"[0:a:0]aresample={SAMPLE_RATE}:async=1:first_pts=0," if sound else f"anullsrc=r={SAMPLE_RATE}:cl=stereo,"
    skipped = f"atrim=start={float(clip.source_start):.6f},asetpts=PTS-STARTPTS," if clip.source_start else ""
    heard = (
        f"{source}{skipped}aformat=sample_fmts=s16:sample_rates={SAMPLE_RATE}:channel_layouts=stereo,"
        f"apad,atrim=end_sample={length}[sound]"
    )
    return [
        *("-threads", str(THREADS), *SAFE_INPUT),
        *("-i", f"file:{media.path.absolute()}"),
        *("-filter_complex", f"{picture};{heard}", "-filter_complex_threads", "1"),
        *("-map", "[video]", "-frames:v", str(clip.frames), *_encoding(timeline.fps), "video.mp4"),
        *("-map", "[sound]", "-c:a", "pcm_s16le", "-f", "s16le", "sound.raw"),
        *("-map", "[still]", "-frames:v", "1", "-update", "1", "-q:v", "3", "-pix_fmt", "yuvj420p", "still.jpg"),
    ]


def _encoding(fps: timing.Rate) -> list[Any]:
    # The bytes depend on the number of threads, so it is pinned; more clips are conformed side by side instead.
    return [
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-profile:v", "high", "-pix_fmt", "yuv420p"),
        *(
            "-threads:v",
            str(THREADS),
            "-bf",
            "0",
            "-g",
            str(max(1, round(fps))),
            "-sc_threshold",
            "0",
            "-flags:v",
            "+cgop+bitexact",
        ),
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *("-fps_mode", "passthrough", "-video_track_timescale", str(timescale(fps))),
        *("-map_metadata", "-1", "-fflags", "+bitexact", "-f", "mp4"),
    ]
