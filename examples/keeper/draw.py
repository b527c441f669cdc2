"""Draws every picture and clip of The Keeper beside itself: `python draw.py` (about a minute).

The boards are the film's start frames; the reference sheets and clips show who appears in it.
Nothing is random between two runs: every layer has its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin
from pathlib import Path

import bay
import imageio_ffmpeg
import tower
from cast import AMBER, LIGHT, NAVY, lamp, lighthouse, mira, rowing
from paint import Layer, ink, mix, save
from pen import Pen

HERE = Path(__file__).parent
FPS = 24
PAPER = ink("cfd6cf")
BOARDS = (
    bay.s010,
    tower.s020,
    bay.s030,
    tower.s040,
    tower.s050,
    tower.s060,
    tower.s070,
    bay.s080,
    bay.s090,
    bay.s100,
)


def paper(width: int, height: int) -> Layer:
    return Layer(width, height).wash((0, PAPER), (1, PAPER))


def stand(layer: Layer, turn: float) -> Layer:
    """Mira with her lantern, filling the height; `turn` as in `mira`."""
    pen = Pen(layer, layer.width / 2, layer.height * 0.93, layer.height / 235)
    pen.oval(0, 0, 62, 6, NAVY, opacity=0.16)
    mira(pen, turn, carry="far")
    return layer


def row(layer: Layer, phase: float) -> Layer:
    """Tom in his boat on a swell; a phase is one rise and fall."""
    swing = 2 * pi * phase
    pen = Pen(layer, layer.width * 0.49, layer.height * 0.69 + 6 * sin(swing), layer.width / 265, 3 * cos(swing))
    rowing(pen, 8 * sin(swing))
    layer.waves(layer.height * 0.705, 9, 46, ink("7fa39f"), ink("4f7f86"), ink("e6efe6"), shift=0.8 * sin(swing / 2))
    return layer


def shine(layer: Layer, phase: float) -> Layer:
    """The lighthouse at night, its beam going round once in a phase."""
    bay.storm_sky(layer, 5, 0.86)
    island = layer.film()
    pen = Pen(island, layer.width * 0.46, layer.height * 0.93, layer.height / 370)
    lighthouse(pen, 1)
    island.tint(ink("c3cbd6"))
    layer.over(island)
    x, y = pen.x, pen.y - 242 * pen.scale
    way = cos(2 * pi * phase)
    for side in (-1, 1):
        layer.beam(
            x,
            y,
            0 if side * way > 0 else 180,
            9 - 5 * abs(way),
            layer.width * (0.1 + 0.7 * abs(way)),
            ink("ffdf9c"),
            0.42 + 0.1 * side,
        )
    layer.glow(x, y, layer.height * (0.05 + 0.09 * max(0.0, sin(2 * pi * phase)) ** 6), LIGHT, 1)
    return layer


def wake(layer: Layer, lit: float) -> Layer:
    """The lamp in the dark, from cold (0) to burning (1)."""
    dark = ink("26384a")
    layer.wash((0, dark), (1, mix(dark, NAVY, 0.6)))
    x, y, scale = layer.width / 2, layer.height * 0.47, layer.height / 380
    layer.glow(x, y, layer.height * 0.4, AMBER, 0.75 * lit)
    lamp(Pen(layer, x, y, scale), lit)
    layer.glow(x, y, layer.height * 0.13, ink("fff6d8"), lit)
    return layer


def clip(path: Path, seconds: float, frame: Callable[[float], Layer]) -> None:
    """A small H.264 clip of `frame` at phases from 0 to 1."""
    count = int(seconds * FPS)
    still = [
        "-crf",
        "23",
        "-threads",
        "1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-movflags",
        "+faststart",
    ]
    film = imageio_ffmpeg.write_frames(str(path), (640, 640), fps=FPS, quality=None, output_params=still)
    film.send(None)
    for i in range(count):
        film.send(frame(i / count).finish(grain=0, vignette=0.1).tobytes())
    film.close()


def main() -> None:
    for board in BOARDS:
        save(board().finish(), HERE / "boards" / f"{board.__name__}.jpg")
    refs = HERE / "refs"
    sheets = {
        "mira-front": stand(paper(768, 1024), 0),
        "mira-profile": stand(paper(768, 1024), 1),
        "tom": row(paper(1024, 768), 0),
        "lighthouse": shine(Layer(768, 1024), 0.08),
        "lamp": wake(Layer(768, 1024), 1),
    }
    for name, sheet in sheets.items():
        save(sheet.finish(grain=0, vignette=0.1), refs / f"{name}.png")
    clip(refs / "mira-turn.mp4", 3, lambda phase: stand(paper(640, 640), 0.5 - 0.5 * cos(2 * pi * phase)))
    clip(refs / "tom.mp4", 3, lambda phase: row(paper(640, 640), phase))
    clip(refs / "lighthouse.mp4", 4, lambda phase: shine(Layer(640, 640), phase))
    clip(refs / "lamp.mp4", 3, lambda phase: wake(Layer(640, 640), 0.5 - 0.5 * cos(pi * min(1, phase * 1.4))))


if __name__ == "__main__":
    main()
