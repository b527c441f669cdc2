"""The worker of `storyboard.cut.effects`, `python -m storyboard.cut.apply`, run in a folder of its own: a job on its
standard input as one line of JSON, what it did on its standard output as lines of JSON.

In the folder are `picture.y4m` and, where there is sound, `sound.raw`; it writes `applied.mov` beside them: H.264 at
the pictures' rate, sound as floats. It lives no longer than its standard input is open.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import av
import moviepy  # type: ignore[import-untyped]
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from moviepy import AudioArrayClip, CompositeVideoClip, VideoClip
from numpy.typing import NDArray

from storyboard import functions, parameters

SAMPLE_RATE = 48_000
QUALITY = "8"
"""x264's rate factor: the error of one such encoding is below that of rounding to 8 bits."""
WIDEST = 8192
EXACT = Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP | Interpolation.ACCURATE_RND
"""How colours are converted: every grey comes back as it was, and not up to 1.5 levels darker."""


class Failed(Exception):
    """An effect can't be applied; the message says which, and why."""


class _Own(MetaPathFinder, Loader):
    """The author's modules, from the bytes that were hashed: nothing else of the folder can be imported."""

    def __init__(self, folder: Path, modules: Mapping[str, Sequence[Any]]) -> None:
        self._folder = folder
        self._modules = modules
        self.files = {str(folder / place): place for place, _, _ in modules.values()}

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        """The module of that name, or a package that only holds some."""
        if fullname in self._modules:
            place, _, package = self._modules[fullname]
            spec = ModuleSpec(fullname, self, origin=str(self._folder / place), is_package=package)
            spec.has_location = True
            return spec
        if any(name.startswith(f"{fullname}.") for name in self._modules):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """As usual."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        if module.__name__ in self._modules:
            exec(self._code(module.__name__), module.__dict__)  # noqa: S102 -- trusted by the user, byte for byte

    def _code(self, name: str) -> CodeType:
        place, code, _ = self._modules[name]
        return compile(code, str(self._folder / place), "exec", dont_inherit=True)


class _Source(NamedTuple):
    """Raw pictures in a y4m file (a header's line, then each frame behind a line of its own), read where needed."""

    data: NDArray[np.uint8]
    width: int
    height: int
    rate: Fraction

    def picture(self, number: int) -> NDArray[np.uint8]:
        """One frame in RGB; beyond the ends, the first or the last."""
        size = self.width * self.height * 3 // 2
        planes = np.array(self.data[min(max(number, 0), len(self.data) - 1), -size:]).reshape(-1, self.width)
        frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
        shown = frame.reformat(
            format="rgb24",
            src_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=EXACT,
        )
        return np.asarray(shown.to_ndarray(), np.uint8)

    def at(self, seconds: float) -> NDArray[np.uint8]:
        """The frame shown at a time; just before a frame's start is that frame, as sums of floats fall short."""
        return self.picture(int(np.floor(float(seconds) * float(self.rate) + 0.001)))


def _open(folder: Path, rate: Fraction) -> _Source:
    path = folder / "picture.y4m"
    with path.open("rb") as stream:
        header = stream.readline(1000)
    fields = {field[:1]: field[1:] for field in header.split()[1:]}
    width, height = int(fields[b"W"]), int(fields[b"H"])
    stride = len(b"FRAME\n") + width * height * 3 // 2
    count = (path.stat().st_size - len(header)) // stride
    if not count:
        raise Failed("it ends before its shot begins")
    data = np.memmap(path, np.uint8, "r", len(header), (count, stride))
    return _Source(data, width, height, rate)


def _clip(folder: Path, source: _Source) -> VideoClip:
    length = float(len(source.data) / source.rate)
    clip = VideoClip(source.at, duration=length).with_fps(float(source.rate))
    path = folder / "sound.raw"
    if path.exists() and path.stat().st_size >= 8:
        samples = np.fromfile(path, "<f4").reshape(-1, 2)
        clip = clip.with_audio(AudioArrayClip(samples, SAMPLE_RATE).with_duration(length))
    return clip


def _applied(clip: VideoClip, name: str, given: Mapping[str, Any], own: _Own) -> VideoClip:
    if ":" not in name:
        values = parameters.typed(name, given)
        if name == "HeadBlur":  # whose place is a function of time to moviepy
            x, y = values["fx"], values["fy"]
            values |= {"fx": lambda _: x, "fy": lambda _: y}
        made = getattr(moviepy.vfx, name, None) or getattr(moviepy.afx, name)
        return clip.with_effects([made(**values)])
    module, function = functions.split(name)
    loaded = importlib.import_module(module)
    if getattr(loaded.__spec__, "loader", None) is not own:
        raise Failed(f"Python has a module '{module}' of its own: call the file something else")
    if not callable(found := getattr(loaded, function, None)):
        raise Failed(f"'{module}' has no function '{function}'")
    result = found(clip, **parameters.plain(dict(given)))
    if not isinstance(result, VideoClip):
        raise Failed(f"it returns {type(result).__name__}, not a moviepy clip: end it with 'return clip'")
    return result


def _flat(clip: VideoClip, size: tuple[int, int]) -> VideoClip:
    """A clip without a mask and in its place: what is transparent, or moved away, shows black."""
    times = [0, clip.duration / 2, max(0, clip.duration - 0.001)]
    moved = any(tuple(clip.pos(time)) != (0, 0) for time in times)
    if clip.mask is None and not moved:
        return clip
    shown = clip.with_start(0)
    return CompositeVideoClip([shown], size=size if moved else clip.size, bg_color=(0, 0, 0))


def _pictures(clip: VideoClip, rate: Fraction, count: int) -> Iterator[NDArray[np.uint8]]:
    """RGB frames of an even size, all of the first one's."""
    size = None
    for n in range(count):
        made = np.asarray(clip.get_frame(float(n / rate)))
        if made.ndim != 3 or made.shape[2] not in (3, 4):
            raise Failed("its pictures have no colours")
        size = size or (made.shape[0] // 2 * 2, made.shape[1] // 2 * 2)
        if min(size) < 2 or max(size) > WIDEST:
            raise Failed(f"its pictures are {made.shape[1]}x{made.shape[0]}")
        if made.shape[0] < size[0] or made.shape[1] < size[1]:
            raise Failed("its pictures differ in size")
        made = made[: size[0], : size[1], :3]
        if made.dtype != np.uint8:
            made = np.clip(np.nan_to_num(made), 0, 255).astype(np.uint8)
        yield np.ascontiguousarray(made)


def _sound(clip: VideoClip, start: int, end: int) -> NDArray[np.float32]:
    """Samples as pairs of floats; silence where the sound has ended."""
    times = np.arange(start, end) / SAMPLE_RATE
    heard = np.zeros((end - start, 2), np.float32)
    left = times if clip.audio.duration is None else times[times < clip.audio.duration]
    if len(left):
        heard[: len(left)] = np.nan_to_num(np.asarray(clip.audio.get_frame(left))).reshape(len(left), -1)
    return heard


def _write(clip: VideoClip, rate: Fraction, count: int, path: Path, say: Any) -> None:
    with av.open(str(path), "w", format="mov", options={"fflags": "+bitexact"}) as film:
        picture = film.add_stream("libx264", rate=rate, options={"crf": QUALITY, "preset": "veryfast"})
        picture.codec_context.thread_count = 2
        picture.codec_context.gop_size = max(1, round(rate))
        # BT.709 throughout, as numbered in ISO/IEC 23091-2; the range is television's.
        for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(picture.codec_context, name, 1)
        heard = film.add_stream("pcm_f32le", rate=SAMPLE_RATE, layout="stereo") if clip.audio else None
        second = max(1, round(rate))
        for n, pixels in enumerate(_pictures(clip, rate, count)):
            if not n:
                picture.height, picture.width = pixels.shape[:2]
                picture.pix_fmt = "yuv420p"
            if heard is not None and n % second == 0:
                start, end = (round(min(at, count) * SAMPLE_RATE / rate) for at in (n, n + second))
                frame = av.AudioFrame.from_ndarray(_sound(clip, start, end).reshape(1, -1), "flt", "stereo")
                frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
                film.mux(heard.encode(frame))
            shown = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation=EXACT,
            )
            shown.pts, shown.time_base = n, 1 / rate
            film.mux(picture.encode(shown))
            say({"done": n + 1})
        for stream in (picture, *((heard,) if heard is not None else ())):
            film.mux(stream.encode(None))


def _blamed(error: BaseException, own: _Own, names: Sequence[str]) -> tuple[str, str]:
    """The effect that an error comes from, and where in the author's files it arose, if there."""
    effect, where = "", ""
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename in own.files:
            place = own.files[frame.filename]
            where = f" ({place}, line {frame.lineno})"
            effect = next((name for name in names if functions.split(name)[0] in _modules(place)), effect)
        elif (name := Path(frame.filename).stem) in names and Path(frame.filename).parent.name == "fx":
            effect = name
    return effect, where


def _modules(place: str) -> tuple[str, str]:
    base = place.removesuffix(".py").replace("/", ".")
    return base, base.removesuffix(".__init__")


def work(job: Mapping[str, Any], folder: Path, own: _Own, say: Any) -> str:
    """Carry a job out in `folder`; what stood in its way, or ""."""
    effects = job["effects"]
    names, rate = [name for name, _ in effects], Fraction(*job["rate"])
    doing = ""
    try:
        source = _open(folder, rate)
        clip = _clip(folder, source)
        for name, given in effects:
            doing = name
            clip = _applied(clip, name, given, own)
            if not clip.duration or clip.duration < 0:
                raise Failed("its clip has no length: give it one with clip.with_duration")
        doing = doing if len(names) == 1 else ""
        count = min(job["frames"], max(1, int(clip.duration * float(rate) + 0.5)))
        _write(_flat(clip, (source.width, source.height)), rate, count, folder / "applied.mov", say)
    except BaseException as error:  # noqa: BLE001 -- whatever an author's function raises, exit() too
        blamed, where = _blamed(error, own, names)
        effect = blamed or doing
        named = f"the effect {effect}" if effect else f"the effects {', '.join(names)}"
        words = " ".join(str(error).split())[:300]
        if not isinstance(error, Failed | parameters.Unusable):
            words = f"{type(error).__name__}{f': {words}' if words else ''}"
        return f"{named} failed: {words}{where}" if doing or blamed else words
    return ""


def _orphaned(stream: Any) -> None:
    stream.read()
    os._exit(1)


def main() -> None:
    """Do one job."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends it at once, whatever an author's function catches
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for handle in (0, 1, 2):  # so that prints, and questions, of an author's function lead nowhere
        os.dup2(nothing, handle)
    job = json.loads(jobs.readline())
    threading.Thread(target=_orphaned, args=(jobs,), daemon=True).start()

    def say(what: Mapping[str, Any]) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    own = _Own(Path(job["folder"]), job["modules"])
    sys.meta_path.insert(0, own)
    error = work(job, Path.cwd(), own, say)
    with contextlib.suppress(OSError):
        say({"error": error})
    os._exit(0)  # an author's threads, or what he left to run at the end, don't keep anyone waiting


if __name__ == "__main__":
    main()
