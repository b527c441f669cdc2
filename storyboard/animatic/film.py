"""One panel rendered to one MP4 clip: frames piped to ffmpeg, sound beside them."""

import tempfile
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from . import card, sound, still
from .camera import Window, paced, read
from .caption import LowerThird, clean
from .encode import command, encode
from .errors import RenderError
from .overlay import Patch
from .panel import Line, Panel, check
from .planes import Planes, sample
from .timing import Span, merged, spans

__all__ = ["Line", "Panel", "RenderError", "render"]


class _Stage:
    """Everything prepared once: any frame can then be made, in any order, from any thread."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._size = (panel.width, panel.height)
        move = paced(read(panel.camera), float(panel.seconds))
        self._fixed: list[Patch] = []
        lower, caption = LowerThird(self._size), None
        if panel.picture is None:
            self._canvas, self._track = card.ground(self._size, move, panel.seed)
            speaks = bool(panel.dialogue)
            self._fixed = card.lettered(self._size, panel.caption, panel.camera, move, panel.seed, speaks)
        else:
            self._canvas, self._track = still.prepare(panel.picture, self._size, move, panel.seed)
            caption = lower.caption(panel.caption) if clean(panel.caption) else None
        resting = lower.density()
        seen = spans([(line.at, line.for_) for line in panel.dialogue], panel.rate, panel.frames)
        self._speaking = merged(seen)
        edges = {frame for span in self._speaking for frame in (span.first, span.last)}
        self._spoken: list[tuple[Span, Patch, bool]] = []
        for span, line in zip(seen, panel.dialogue, strict=True):
            type_ = lower.spoken(line.who, line.line) if span else None
            if span and type_:
                turns = caption is not None and bool(edges & {span.first, span.last})
                self._spoken.append((span, type_, turns))
        self._caption = caption
        self._scrim: Patch | None = None
        self._deeper: Patch | None = None
        if panel.picture is not None:
            dither = np.random.Generator(np.random.PCG64([panel.seed & 0xFFFFFFFFFFFFFFFF, 5]))
            resting = resting if caption is not None else np.zeros_like(resting)
            self._scrim = lower.scrim(resting, dither)
            # What the taller scrim of a spoken line adds: over the resting one it gives exactly that scrim.
            needed = lower.density() if self._spoken else resting
            self._deeper = lower.scrim(np.maximum(0, 1 - (1 - needed) / (1 - resting)), dither)
        self._held: Planes | None = None
        if self._window(0) == self._window(panel.frames - 1):
            self._held = sample(self._canvas, self._window(0), self._size)

    def _window(self, index: int) -> Window:
        return self._track.window(index / max(1, self._panel.frames - 1))

    def frame(self, index: int) -> bytes:
        """Frame `index` as raw yuv420p."""
        if self._held is not None:
            made = Planes(*(plane.copy() for plane in self._held))
        else:
            made = sample(self._canvas, self._window(index), self._size)
        for fixed in self._fixed:
            fixed.blend(made)
        speaking = max((span.presence(index) for span in self._speaking), default=0.0)
        if self._scrim is not None:
            self._scrim.blend(made)
        if self._deeper is not None:
            self._deeper.blend(made, speaking)
        # The caption leaves in the first half of a fade and the line comes in the second, so that the two
        # never show through each other.
        if self._caption is not None:
            self._caption.blend(made, max(0.0, 1 - 2 * speaking))
        for span, type_, turns in self._spoken:
            level = span.presence(index)
            type_.blend(made, max(0.0, 2 * level - 1) if turns else level)
        return made.raw()


def _frames(stage: _Stage, count: int, threads: int) -> Generator[bytes, None, None]:
    """The frames in order, made a few ahead by `threads` threads."""
    if threads <= 1:
        yield from (stage.frame(index) for index in range(count))
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="animatic")
    ahead: deque[Future[bytes]] = deque()
    try:
        for index in range(count):
            ahead.append(pool.submit(stage.frame, index))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def render(
    panel: Panel,
    out: Path,
    *,
    ffmpeg: Path,
    voice: Path | None,
    threads: int,
    tick: Callable[[int], None],
) -> None:
    """Render `panel` to the MP4 `out`, which appears only when it is whole.

    `voice` is espeak-ng, or None for no speech. `threads` (1 or more) make frames beside ffmpeg's one;
    the bytes of the clip do not depend on it. `tick` is called with the number of frames done, in the
    calling thread; what it raises cancels the render and comes out of here.

    Raises `RenderError` for a picture or a size that cannot be used, and where ffmpeg fails. `OSError`
    comes out where the folder of `out` cannot be written.
    """
    check(panel)
    with tempfile.TemporaryDirectory(prefix=".animatic-", dir=out.parent) as folder:
        scratch = Path(folder)
        audio, target, log = scratch / "sound.f32", scratch / "clip.mp4", scratch / "ffmpeg.log"
        stage = _Stage(panel)
        audio.write_bytes(sound.track(panel.seconds, panel.seed, panel.dialogue, voice, scratch).tobytes())
        frames = _frames(stage, panel.frames, threads)
        try:
            encode(command(panel, ffmpeg, audio, target), log, frames, panel.frames, tick)
        finally:
            # Closing the generator stops its threads before the folder goes.
            frames.close()
        target.replace(out)
