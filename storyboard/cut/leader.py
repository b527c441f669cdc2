"""What stands before a film on request: a head slate of 5 s, and a countdown to its first frame.

As on SMPTE's universal leader (SMPTE ST 55) the count is of seconds, the 2 is seen for one frame, with a tone
(the 2-pop), and black follows until the picture starts.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from storyboard import digest, lettering, timing
from storyboard.animatic.caption import clean
from storyboard.animatic.encode import encode
from storyboard.animatic.errors import RenderError
from storyboard.cut import conform, packets
from storyboard.cut.grid import CHANNELS, SAMPLE_RATE, samples, timescale
from storyboard.media import MediaError, run
from storyboard.store import Record, Store
from storyboard.timeline import Timeline
from storyboard.tools import Tools

VERSION = 2
SLATE, POP = 5, 2
"""Seconds: of the head slate, and from the tone to the first frame of picture."""
COUNTED = (5, 4, 3)
TONE, LEVEL = 1000, 0.1
"""Of the 2-pop: hertz, and the peak of full scale, which is -20 dBFS (AES17: a sine at full scale is 0 dBFS)."""
_BARS = ((191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191))
"""Bars at 75 %, from left to right (SMPTE EG 1)."""
_PAPER, _INK, _FAINT, _RULE = (17, 19, 22), (240, 238, 232), (148, 153, 160), (58, 62, 68)
_TAGGED = "setsar=1,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"


def make(timeline: Timeline, store: Store, tools: Tools) -> Record:
    """The leader: outputs `video` (MP4, encoded as clips are) and `sound` (s16le, 48 kHz stereo), fact `frames`.

    Raises:
        MediaError: ffmpeg can't make it.
    """
    base = timing.round_half_up(timeline.fps)
    frames = (SLATE + len(COUNTED) + POP) * base
    card = _card_made(timeline, store, tools)
    count = _countdown_made(timeline, store, tools)
    key = digest.of({"leader": VERSION, "card": card.key, "countdown": count.key})
    found = store.find(key)
    if isinstance(found, Record):
        return found
    with store.workspace() as folder:
        parts = "".join(f"file 'file:{part.outputs['video'].path.absolute()}'\n" for part in (card, count))
        (folder / "parts.txt").write_text(parts, "utf-8")
        joined = ["-protocol_whitelist", "file", "-f", "concat", "-safe", "0", "-i", "parts.txt", "-c", "copy"]
        plain = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "mp4"]
        run(tools.ffmpeg, [*joined, "-video_track_timescale", str(timescale(timeline.fps)), *plain, "v.mp4"], folder)
        (folder / "sound.raw").write_bytes(_sound(frames, frames - POP * base, timeline.fps).tobytes())
        facts = {"frames": frames, **packets.table(folder / "v.mp4")}
        return store.put(key, {"video": folder / "v.mp4", "sound": folder / "sound.raw"}, facts)


def _sound(frames: int, pop: int, fps: timing.Rate) -> NDArray[np.int16]:
    """Silence, and the tone during frame `pop`."""
    made = np.zeros((samples(frames, fps), CHANNELS), "<i2")
    start, end = samples(pop, fps), samples(pop + 1, fps)
    wave = LEVEL * 32767 * np.sin(2 * np.pi * TONE * np.arange(end - start) / SAMPLE_RATE)
    made[start:end] = np.rint(wave)[:, None]
    return made


def _card_made(timeline: Timeline, store: Store, tools: Tools) -> Record:
    rows = _rows(timeline)
    key = _key("card", timeline, tools, [clean(timeline.title), rows])
    found = store.find(key)
    if isinstance(found, Record):
        return found
    frames = SLATE * timing.round_half_up(timeline.fps)
    rate = f"{timeline.fps.numerator}/{timeline.fps.denominator}"
    with store.workspace() as folder:
        _card(timeline, rows).save(folder / "card.png", compress_level=1)
        picture = ["-framerate", rate, "-f", "image2", "-i", "card.png"]
        still = f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{_TAGGED}"
        graph = f"{still},loop=loop={frames - 1}:size=1,setpts=N"
        encoding = [*conform.encoding(timeline.fps), "card.mp4"]
        run(tools.ffmpeg, [*picture, "-vf", graph, "-frames:v", str(frames), *encoding], folder)
        return store.put(key, {"video": folder / "card.mp4"}, {"frames": frames})


def _countdown_made(timeline: Timeline, store: Store, tools: Tools) -> Record:
    key = _key("countdown", timeline, tools, [])
    found = store.find(key)
    if isinstance(found, Record):
        return found
    size, base = (timeline.width, timeline.height), timing.round_half_up(timeline.fps)
    frames = (len(COUNTED) + POP) * base
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-video_size", f"{size[0]}x{size[1]}"]
    rate = ["-framerate", f"{timeline.fps.numerator}/{timeline.fps.denominator}"]
    graph = f"scale=in_range=pc:out_range=tv:out_color_matrix=bt709,format=yuv420p,{_TAGGED}"
    with store.workspace() as folder:
        made = folder / "countdown.mp4"
        encoding = [*conform.encoding(timeline.fps), f"file:{made.absolute()}"]
        argv = [str(tools.ffmpeg), "-hide_banner", "-v", "error", "-y", *raw, *rate, "-i", "pipe:0", "-vf", graph]
        try:
            encode([*argv, *encoding], folder / "log", _countdown(size, base), frames, lambda _: None)
        except RenderError as error:
            raise MediaError(f"the leader: {error}") from error
        return store.put(key, {"video": made}, {"frames": frames})


def _key(part: str, timeline: Timeline, tools: Tools, shown: list[Any]) -> str:
    return digest.of(
        {
            "leader": VERSION,
            "part": part,
            "shown": shown,
            "size": [timeline.width, timeline.height],
            "encoding": [str(one) for one in conform.encoding(timeline.fps)],
            "fps": timing.exact(timeline.fps),
            "ffmpeg": tools.ffmpeg_version,
        }
    )


def _rows(timeline: Timeline) -> list[tuple[str, str]]:
    """What the head slate says under the title."""
    slates = sum(clip.media is None for clip in timeline.clips)
    others = sum(clip.media is not None and clip.pass_id != timeline.pass_id for clip in timeline.clips)
    shown = [f"{others} of other passes"] * bool(others) + [f"{slates} as slates"] * bool(slates)
    shots = f"{len(timeline.clips)} ({', '.join(shown)})" if shown else str(len(timeline.clips))
    loudness = str(timeline.mix.loudness).replace("-", "−")
    rows = [
        ("Pass", timeline.pass_id),
        ("Shots", shots),
        ("Length", timing.timecode(timeline.frames, timeline.fps)),
        ("Picture", f"{timeline.width} × {timeline.height}, {_rate(timeline.fps)} frames/s"),
        ("Sound", f"48 kHz stereo, {loudness} LUFS"),
        ("Date", timeline.burn_in.date if timeline.burn_in else ""),
        ("Commit", timeline.commit),
    ]
    return [(name, lettering.boxed(clean(value))) for name, value in rows if value]


def _rate(fps: timing.Rate) -> str:
    return f"{float(fps):.3f}".rstrip("0").rstrip(".")


def _card(timeline: Timeline, rows: list[tuple[str, str]]) -> Image.Image:
    width, height = timeline.width, timeline.height
    short = min(width, height)
    made = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(made)
    left, room = round(width * 0.1), round(width * 0.8)
    strip = round(short * 0.10)
    for n, colour in enumerate(_BARS):
        edges = [width * at // len(_BARS) for at in (n, n + 1)]
        draw.rectangle((edges[0], height - strip, edges[1] - 1, height - 1), colour)
    em = max(7, round(short * 0.036))
    step = round(em * 1.75)
    size = round(short * 0.095)
    title = lettering.boxed(clean(timeline.title)) or "Untitled"
    while size > em * 1.4 and len(lettering.wrap(title, lettering.font(size, "semibold"), room, 3)) > 1:
        size -= max(1, size // 16)
    type_ = lettering.font(size, "semibold")
    lines = lettering.wrap(title, type_, room, 2)
    leading = round(size * 1.18)
    used = len(lines) * leading + round(em * 1.6) + len(rows) * step
    top = max(round(short * 0.05), round((height - strip - used) * 0.46))
    for n, line in enumerate(lines):
        draw.text((left, top + n * leading), line, _INK, type_)
    top += len(lines) * leading + round(em * 0.7)
    draw.rectangle((left, top, left + room, top + max(1, short // 400)), _RULE)
    top += round(em * 0.9)
    names = lettering.font(em)
    column = left + round(max(names.getlength(name) for name, _ in rows) + em * 2)
    for n, (name, value) in enumerate(rows):
        draw.text((left, top + n * step), name, _FAINT, names)
        shown = "".join(lettering.wrap(value, lettering.font(em, "semibold"), left + room - column, 1))
        draw.text((column, top + n * step), shown, _INK, lettering.font(em, "semibold"))
    return made


def _countdown(size: tuple[int, int], base: int) -> Iterator[bytes]:
    """Each second's number with a hand that sweeps once around it, the 2 for a frame, and black: 8-bit grey."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, :]
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    radius, short = np.hypot(x, y), min(size)
    angle = (np.arctan2(x, -y) % np.float32(2 * np.pi)).astype(np.float32)
    weight = max(1.0, short / 240)
    marks = np.maximum(_line(x + 0 * y, weight / 2), _line(y + 0 * x, weight / 2)) * np.float32(0.55)
    for share in (0.36, 0.41):
        marks = np.maximum(marks, _line(radius - short * share, weight))
    for number in (*COUNTED, POP):
        digit = np.asarray(_digit(str(number), size), np.float32) / 255
        for frame in range(base if number != POP else 1):
            swept = frame / base * 2 * np.pi
            across, along = np.float32(np.cos(swept)), np.float32(np.sin(swept))
            light = np.where(angle < np.float32(swept), np.float32(0.20), np.float32(0.34))
            hand = _line(x * across + y * along, weight / 2) * (x * along > y * across) * (number != POP)
            light += (np.float32(0.85) - light) * np.maximum(marks, hand)
            light += (np.float32(0.96) - light) * digit
            yield (light * np.float32(255)).astype(np.uint8).tobytes()
    black = bytes(width * height)
    for _ in range(POP * base - 1):
        yield black


def _line(distance: NDArray[np.float32], half: float) -> NDArray[np.float32]:
    """A line of that half width where `distance`, in pixels, is 0, its edges soft."""
    return np.asarray(np.clip(np.float32(half + 0.5) - np.abs(distance), 0, 1), np.float32)


def _digit(text: str, size: tuple[int, int]) -> Image.Image:
    made = Image.new("L", size)
    type_ = lettering.font(round(min(size) * 0.5), "semibold")
    left, top, right, bottom = type_.getbbox(text)
    at = ((size[0] - right - left) / 2, (size[1] - bottom - top) / 2)
    ImageDraw.Draw(made).text(at, text, 255, type_)
    return made
