"""A small gouache box: layers of premultiplied colour, soft-edged shapes, light, weather and grain."""

from __future__ import annotations

from functools import cache
from math import cos, radians, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[np.floating[Any]]
OVERSAMPLE = 3


def ink(code: str) -> Array:
    """The colour `rrggbb`, each part from 0 to 1."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


def mix(a: Array, b: Array, share: float) -> Array:
    return a + (b - a) * np.float32(share)


@cache
def noise(width: int, height: int, cell_x: int, cell_y: int, seed: int, octaves: int = 4) -> Array:
    """Smooth noise from 0 to 1, its largest forms cell_x by cell_y pixels."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        grid = (max(2, (width << octave) // cell_x + 2), max(2, (height << octave) // cell_y + 2))
        field = Image.fromarray(rng.random(grid[::-1], np.float32))
        total += np.asarray(field.resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
    low, high = np.percentile(total, (1, 99))
    scaled: Array = np.clip((total - low) / (high - low), 0, 1).astype(np.float32)
    return scaled


def smoothstep(low: float, high: float, x: Array) -> Array:
    t: Array = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


class Layer:
    """A picture, or a part of one on clear film; colours are premultiplied by alpha."""

    def __init__(self, width: int = 1600, height: int = 900, seed: int = 1) -> None:
        self.width, self.height = width, height
        self.rgb: Array = np.zeros((height, width, 3), np.float32)
        self.alpha: Array = np.zeros((height, width, 1), np.float32)
        self.stencil: Array = np.zeros((height, width), np.float32)  # the last unclipped shape
        self.rng = np.random.default_rng(seed)

    def film(self) -> Layer:
        """A clear layer of the same size."""
        return Layer(self.width, self.height, int(self.rng.integers(1 << 30)))

    def wash(self, *stops: tuple[float, Array]) -> Layer:
        """Fill everything with colours from top (0) to bottom (1)."""
        y = np.linspace(0, 1, self.height)
        at = [stop for stop, _ in stops]
        column = np.stack([np.interp(y, at, [color[i] for _, color in stops]) for i in range(3)], 1)
        self.rgb[:], self.alpha[:] = column[:, None].astype(np.float32), 1
        return self

    def shape(
        self,
        outline: Array,
        color: Array,
        fade: Array | None = None,
        *,
        soft: float = 0,
        opacity: float = 1,
        rough: float = 1,
        clip: bool = False,
    ) -> None:
        """Paint an outline, its colour fading downwards; `clip` keeps it inside the shape before."""
        jitter = self.rng.normal(0, 1, (len(outline) + 4, 2))
        outline = outline + rough * np.mean([jitter[i : i + len(outline)] for i in range(5)], 0)
        pad = int(soft * 3) + 2
        x0, y0 = np.maximum(np.floor(outline.min(0)).astype(int) - pad, 0)
        x1, y1 = np.minimum(np.ceil(outline.max(0)).astype(int) + pad, (self.width, self.height))
        if x1 <= x0 or y1 <= y0:
            return
        size = (int(x1 - x0), int(y1 - y0))
        plate = Image.new("L", (size[0] * OVERSAMPLE, size[1] * OVERSAMPLE))
        corners = ((outline - (x0, y0)) * OVERSAMPLE).ravel().tolist()
        ImageDraw.Draw(plate).polygon(corners, fill=255)
        plate = plate.resize(size, Image.Resampling.BOX)
        if soft:
            plate = plate.filter(ImageFilter.GaussianBlur(soft))
        mask = np.asarray(plate, np.float32) / 255
        box = (slice(y0, y1), slice(x0, x1))
        if clip:
            mask = mask * self.stencil[box]
        else:
            self.stencil[:] = 0
            self.stencil[box] = mask
        mask = mask[..., None] * np.float32(opacity)
        fall = np.linspace(0, 1, size[1], dtype=np.float32)[:, None, None]
        paint = color + ((color if fade is None else fade) - color) * fall
        strokes = noise(1800, 1100, 90, 9, 7)
        sy, sx = (int(self.rng.integers(1, limit)) for limit in (1100 - size[1] + 1, 1800 - size[0] + 1))
        bristle = strokes[sy : sy + size[1], sx : sx + size[0], None]
        self._cover(box, paint * (0.955 + 0.09 * bristle), mask)

    def _cover(self, box: tuple[slice, slice], paint: Array, mask: Array) -> None:
        self.rgb[box] = self.rgb[box] * (1 - mask) + paint * mask
        self.alpha[box] = self.alpha[box] * (1 - mask) + mask

    def over(self, film: Layer, opacity: float = 1) -> None:
        """Lay another layer on top."""
        self.rgb = self.rgb * (1 - film.alpha * opacity) + film.rgb * opacity
        self.alpha = self.alpha * (1 - film.alpha * opacity) + film.alpha * opacity

    def cut(self) -> None:
        """Cut the last shape out of this layer."""
        hole = self.stencil[..., None]
        self.rgb, self.alpha = self.rgb * (1 - hole), self.alpha * (1 - hole)

    def tint(self, color: Array) -> None:
        """Multiply by the colour of the light."""
        self.rgb *= color

    def blur(self, radius: float) -> Layer:
        for field in (self.rgb, self.alpha):
            for i in range(field.shape[2]):
                plane = Image.fromarray((np.clip(field[..., i], 0, 1) * 255).astype(np.uint8))
                field[..., i] = np.asarray(plane.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
        return self

    def _far(self, x: float, y: float) -> tuple[Array, Array, Array]:
        dy, dx = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        dx, dy = dx - x, dy - y
        return dx, dy, np.hypot(dx, dy)

    def screen(self, light: Array, color: Array) -> None:
        """Add light where there is paint; it never burns out."""
        self.rgb += np.maximum(self.alpha - self.rgb, 0) * light[..., None] * color

    def glow(self, x: float, y: float, radius: float, color: Array, strength: float = 1) -> None:
        distance = self._far(x, y)[2]
        self.screen(strength / (1 + (distance / radius) ** 2) ** 1.5, color)

    def lamplight(self, x: float, y: float, radius: float, ambient: Array, color: Array) -> None:
        """Multiply by darkness that gives way to a lamp."""
        distance = self._far(x, y)[2]
        self.rgb *= ambient + color / (1 + (distance / radius) ** 2)[..., None] ** 1.4

    def rim(self, dx: int, dy: int, color: Array, strength: float = 1, soft: float = 2) -> None:
        """Light the edges that face (dx, dy)."""
        shifted = np.roll(self.alpha[..., 0], (-dy, -dx), (0, 1))
        edge = Image.fromarray((np.clip(self.alpha[..., 0] - shifted, 0, 1) * 255).astype(np.uint8))
        self.screen(np.asarray(edge.filter(ImageFilter.GaussianBlur(soft)), np.float32) / 255 * strength, color)

    def beam(
        self,
        x: float,
        y: float,
        degrees: float,
        spread: float,
        reach: float,
        color: Array,
        strength: float = 1,
    ) -> None:
        """A cone of light from (x, y)."""
        dx, dy, distance = self._far(x, y)
        way = (cos(radians(degrees)), sin(radians(degrees)))
        along, across = dx * way[0] + dy * way[1], np.abs(dy * way[0] - dx * way[1])
        width = 5 + np.maximum(along, 0) * np.float32(np.tan(radians(spread)))
        cone = (1 - smoothstep(0.55, 1.1, across / width)) * 0.8 + np.exp(-((across / width * 2) ** 2)) * 0.2
        self.screen(cone * (along > 0) * np.exp(-distance / reach) * strength, color)

    def clouds(
        self,
        color: Array,
        top: float,
        bottom: float,
        seed: int,
        steps: int = 4,
        opacity: float = 0.5,
        cell: tuple[int, int] = (620, 190),
    ) -> None:
        """Flat cut-paper cloud forms between two heights."""
        field = noise(self.width, self.height, *cell, seed)
        bank = sum((smoothstep(c, c + 0.02, field) for c in np.linspace(0.42, 0.85, steps)), np.zeros_like(field))
        y = np.linspace(0, 1, self.height, dtype=np.float32)[:, None]
        fade = smoothstep(top - 0.12, top + 0.05, y) * (1 - smoothstep(bottom - 0.15, bottom, y))
        mask = (bank / steps * fade * opacity)[..., None]
        self.rgb = self.rgb * (1 - mask) + color * mask

    def rain(self, count: int, length: float, lean: float, color: Array, opacity: float) -> None:
        plate = Image.new("L", (self.width * 2, self.height * 2))
        pencil = ImageDraw.Draw(plate)
        for across, down, size in self.rng.random((count, 3)):
            x, y = (across * 1.4 - 0.2) * self.width * 2, (down * 1.2 - 0.1) * self.height * 2
            step = length * (0.5 + size) * 2
            pencil.line((x, y, x + lean * step, y + step), fill=int(90 + 150 * size), width=2)
        plate = plate.resize((self.width, self.height), Image.Resampling.BOX)
        self.screen(np.asarray(plate, np.float32) / 255 * opacity, color)

    def mist(self, y: float, depth: float, color: Array, opacity: float, seed: int) -> None:
        rows = (np.arange(self.height, dtype=np.float32)[:, None] - y) / depth
        field = np.exp(-(rows**2)) * (0.35 + 0.65 * noise(self.width, self.height, 700, 120, seed))
        mask = (field * opacity)[..., None]
        self.rgb = self.rgb * (1 - mask) + color * mask

    def waves(
        self,
        y: float,
        swell: float,
        length: float,
        color: Array,
        fade: Array,
        foam: Array,
        *,
        shift: float = 0,
        depth: float = 260,
        streaks: int = 4,
    ) -> None:
        """One row of pointed waves from height y down, with foam along the crests."""
        x = np.linspace(-20, self.width + 20, 260)
        drift = 0.35 * np.sin(x / length * 0.9 + shift * 2.1) + 0.2 * np.sin(x / length * 2.3 + shift)
        lift = (1 - np.abs(np.sin(x / length + shift + drift))) ** 1.5
        lift *= 0.72 + 0.42 * np.sin(x / length * 0.37 + shift * 3)
        crest = y - swell * (1.3 * lift + 0.05 * np.sin(x / length * 7 + shift))
        body = np.concatenate([np.stack([x, crest], 1), [[x[-1], y + depth], [x[0], y + depth]]])
        self.shape(body.astype(np.float32), color, fade, rough=0.6)
        for streak in range(streaks):
            low = crest + streak * swell * 0.34 * (0.6 + lift)
            thick = np.interp(x, np.linspace(x[0], x[-1], 60), np.minimum(self.rng.normal(-0.2, 0.7, 60), 0.9))
            thick = np.maximum(thick * (0.35 + lift), 0) * swell * (0.2 if streak == 0 else 0.11)
            edge = np.concatenate([np.stack([x, low], 1), np.stack([x, low + thick], 1)[::-1]])
            share = 0.85 if streak == 0 else 0.42 / streak
            self.shape(edge.astype(np.float32), foam, opacity=share, rough=0.4, clip=True)

    def finish(self, grain: float = 0.011, vignette: float = 0.3) -> Image.Image:
        """The picture, with grain and darker corners."""
        dx, dy, _ = self._far(self.width / 2, self.height / 2)
        corner = (dx / self.width) ** 2 + (dy / self.height) ** 2
        rgb = self.rgb * (1 - vignette * corner[..., None] * 1.6)
        rgb = rgb + self.rng.normal(0, grain, (self.height, self.width, 1))
        return Image.fromarray((np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8))


def save(picture: Image.Image, path: Path) -> None:
    """A picture file, JPEG (the grainy boards) or PNG (the plain sheets) by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=90, optimize=True)
