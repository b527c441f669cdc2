"""A shot's effects: moviepy's by name, or functions of the author's own, applied once to the part of the clip shown.

The part is decoded by ffmpeg as any clip is, and handed as raw pictures and sound to a process of its own
(`storyboard.cut.apply`): what an effect does, or an author's function, costs at most the shot that it is on. Of the
author's code nothing runs whose bytes aren't trusted, and a worker is given nothing else of the folder.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from importlib import metadata
from math import ceil
from os import pathsep
from pathlib import Path
from threading import Lock
from typing import IO, Any, NamedTuple

import av

from storyboard import digest, functions, timing
from storyboard.cut.footage import Footage
from storyboard.cut.grid import SAMPLE_RATE
from storyboard.event import Advanced, Event, Finished, Started
from storyboard.film import Effect
from storyboard.functions import Module
from storyboard.media import SAFE_INPUT, MediaError, opened, probe, run
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Span, Timeline
from storyboard.tools import Tools

VERSION = 1
LARGEST = 8 << 30
"""Bytes of a part as raw pictures: 11 s of 2160p at 60 frames a second."""
WIDEST = 8192
"""Pixels of a side."""

_RUNNING: set["subprocess.Popen[bytes]"] = set()
_LOCK = Lock()


class _Part(NamedTuple):
    """What is taken of a clip: its rate, how many frames, whether it has sound."""

    rate: Fraction
    frames: int
    sound: bool


def applied(
    clip: Clip, timeline: Timeline, store: Store, tools: Tools, folder: Path, notify: Callable[[Event], None]
) -> Footage:
    """What a clip's frames, and its tail, are with its effects; the film's `folder` holds the author's functions.

    The new medium starts where the clip's source does. It is never longer than what it stands for; where an effect
    makes it shorter, its last frame is held, as that of any clip is.

    Raises:
        MediaError: the clip can't be read, or an effect fails; the message names it.
    """
    assert clip.media is not None
    if not clip.effects:
        return Footage(clip.media, clip.source)
    modules = own_modules(clip.effects, folder)
    for effect in clip.effects:
        if ":" in effect.name and (changed := functions.untrusted(modules, tools.trusted)):
            raise MediaError(f"the effect {effect.name} isn't trusted ({', '.join(changed)}): see 'storyboard trust'")
    key = _key(clip, timeline, modules, tools)
    found = store.find(key)
    if not isinstance(found, Record):
        part = _part(clip, clip.media, timeline)
        notify(Started(clip.shot, "applying effects", part.frames))
        try:
            with store.workspace() as place:
                _decode(clip, clip.media, part, tools, place)
                _apply(clip, part, modules, folder, place, notify)
                found = store.put(key, {"clip": place / "applied.mov"}, {})
        finally:
            notify(Finished(clip.shot))
    return Footage(found.outputs["clip"], Span(Fraction(0), clip.source.length))


def own_modules(effects: tuple[Effect, ...], folder: Path) -> dict[str, Module]:
    """The modules that the author's own functions among these effects need.

    Raises:
        MediaError: one isn't there, or can't be used.
    """
    names = [effect.name for effect in effects if ":" in effect.name]
    try:
        found = functions.needed(folder, [functions.split(name)[0] for name in names])
    except functions.Unreadable as error:
        raise MediaError(f"the effect {names[0]} can't be used: {error}") from error
    for name in names:
        module = functions.split(name)[0]
        if module not in found:
            raise MediaError(f"the effect {name} isn't there: the folder has no {functions.places(module)[0]}")
    return found


def stop() -> None:
    """End every worker that is at it now, for whoever is interrupted while threads wait for them."""
    with _LOCK:
        for process in _RUNNING:
            process.kill()


def _key(clip: Clip, timeline: Timeline, modules: Mapping[str, Module], tools: Tools) -> str:
    assert clip.media is not None
    return digest.of(
        {
            "effects": VERSION,
            "media": clip.media.sha256,
            "fps": timing.exact(timeline.fps),
            "source": [timing.exact(clip.source.start), timing.exact(_length(clip))],
            "applied": [[effect.name, effect.parameters] for effect in clip.effects],
            "code": {name: [module.path, module.sha256] for name, module in modules.items()},
            "moviepy": metadata.version("moviepy"),
            "codec": ".".join(map(str, av.library_versions["libavcodec"])),
            "ffmpeg": tools.ffmpeg_version,
        }
    )


def _length(clip: Clip) -> Fraction:
    """Seconds of its medium that a clip and its tail show."""
    return clip.source.length * (clip.frames + clip.tail) / clip.frames


def _part(clip: Clip, media: Blob, timeline: Timeline) -> _Part:
    with opened(media.path) as file:
        if not file.streams.video:
            raise MediaError("it has no picture")
        picture = file.streams.video[0]
        rates = (picture.base_rate, picture.average_rate)
        rate = next((Fraction(one) for one in rates if one and 1 <= one <= 120), timeline.fps)
        width, height = picture.width, picture.height
        sound = bool(file.streams.audio)
    frames = max(1, ceil(_length(clip) * rate))
    if max(width, height) > WIDEST or width * height * 3 // 2 * frames > LARGEST:
        raise MediaError(f"{width}x{height} for {timing.shown(_length(clip))} is too large for effects")
    return _Part(rate, frames, sound)


def _decode(clip: Clip, media: Blob, part: _Part, tools: Tools, place: Path) -> None:
    """Write the part as raw 4:2:0 BT.709 pictures, upright and with square pixels, and sound as floats."""
    start = clip.source.start
    seeked = Fraction(int(start) - 2 if start > 3 else 0)
    rate, length = f"{part.rate.numerator}/{part.rate.denominator}", float(part.frames / part.rate)
    graph = (
        f"[0:v:0]setpts=PTS-({start - seeked})/TB,fps={rate}:start_time=0,trim=end_frame={part.frames},"
        f"scale='2*max(1,trunc(iw*sar/2+0.001))':'2*max(1,trunc(ih/2))':{probe(media.path).to_bt709},"
        f"setsar=1,format=yuv420p[picture]"
    )
    sound: tuple[str, ...] = ()
    if part.sound:
        graph += (
            f";[0:a:0]aresample={SAMPLE_RATE}:async=1:first_pts=0,asetpts=PTS-({start - seeked})/TB,"
            f"atrim=start=0:duration={length:.6f},aformat=sample_fmts=flt:channel_layouts=stereo[sound]"
        )
        sound = ("-map", "[sound]", "-c:a", "pcm_f32le", "-f", "f32le", "sound.raw")
    run(
        tools.ffmpeg,
        [
            *("-threads", "2", *SAFE_INPUT, *(("-ss", str(seeked)) if seeked else ())),
            *("-i", f"file:{media.path.absolute()}", "-filter_complex", graph, "-filter_complex_threads", "1"),
            *("-map", "[picture]", "-fps_mode", "passthrough", "-f", "yuv4mpegpipe", "picture.y4m"),
            *sound,
        ],
        place,
    )


def _apply(
    clip: Clip,
    part: _Part,
    modules: Mapping[str, Module],
    folder: Path,
    place: Path,
    notify: Callable[[Event], None],
) -> None:
    """Let a worker write `applied.mov` from what was decoded into `place`."""
    job = {
        "effects": [[effect.name, effect.parameters] for effect in clip.effects],
        "rate": [part.rate.numerator, part.rate.denominator],
        "frames": part.frames,
        "folder": str(folder.absolute()),
        "modules": {name: [one.path, one.code, one.package] for name, one in modules.items()},
    }
    words = place / "words.txt"
    with words.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "storyboard.cut.apply"],
            cwd=place,
            env=_environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    with _LOCK:
        _RUNNING.add(process)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        # Standard input stays open: its end tells the worker that nobody waits for it any more.
        told = _listen(process.stdout, clip.shot, notify)
        status = process.wait()
    finally:
        with _LOCK:
            _RUNNING.discard(process)
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                stream and stream.close()
    names = ", ".join(effect.name for effect in clip.effects)
    if told is None:
        last = words.read_text("utf-8", "replace").strip().splitlines()[-1:]
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise MediaError(f"the effect {names} ended its process ({how}{''.join(f': {line}' for line in last)})")
    if told:
        raise MediaError(told)


def _listen(stream: IO[bytes], shot: str, notify: Callable[[Event], None]) -> str | None:
    """What a worker says: "" where it is done, else why not; None where it ended without a word."""
    for line in stream:
        said: dict[str, Any] = json.loads(line)
        if "done" in said:
            notify(Advanced(shot, said["done"]))
        else:
            return str(said["error"])
    return None


def _environment(folder: Path) -> dict[str, str]:
    """Where a worker finds Python's own packages: where this process does, but for the film's folder. Nothing else of
    the environment, which may hold keys.
    """
    known = [
        entry for entry in sys.path if entry and pathsep not in entry and Path(entry).resolve() != folder.resolve()
    ]
    return {"PYTHONPATH": pathsep.join(known), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
