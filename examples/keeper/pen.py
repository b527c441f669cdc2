"""Draws outlines in a figure's own units: smooth forms, round-ended limbs, ovals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, radians, sin

import numpy as np
from paint import Array, Layer

Point = tuple[float, ...]  # (x, y) on a smooth outline; (x, y, 0) is a corner of it
Outline = str | Sequence[Point]  # or written "x,y x,y! x,y", a corner marked with `!`


def path(outline: Outline) -> list[Point]:
    """The points of an outline."""
    if not isinstance(outline, str):
        return list(outline)
    pairs = ((word.rstrip("!").split(","), word.endswith("!")) for word in outline.split())
    return [(float(x), float(y), 0) if corner else (float(x), float(y)) for (x, y), corner in pairs]


def curve(outline: Outline, closed: bool = True, steps: int = 14) -> Array:
    """A smooth line through the points (Hermite; a corner has no tangent)."""
    points = path(outline)
    at = np.array([p[:2] for p in points], np.float32)
    tangent = (np.roll(at, -1, 0) - np.roll(at, 1, 0)) / 2 if closed else np.gradient(at, axis=0)
    tangent[[len(p) > 2 for p in points]] = 0
    after, tangent_after = np.roll(at, -1, 0), np.roll(tangent, -1, 0)
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None, None]
    line = (2 * t**3 - 3 * t**2 + 1) * at + (t**3 - 2 * t**2 + t) * tangent
    line = line + (3 * t**2 - 2 * t**3) * after + (t**3 - t**2) * tangent_after
    line = line.transpose(1, 0, 2)
    return line.reshape(-1, 2) if closed else np.vstack([line[:-1].reshape(-1, 2), at[-1:]])


def ribbon(points: Outline, widths: Sequence[float]) -> Array:
    """The outline of a round-ended limb along the points, with a width at each of them."""
    line = curve(points, closed=False)
    half = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    side = np.stack([-along[:, 1], along[:, 0]], 1)
    turn = np.linspace(0, pi, 9)[1:-1, None]
    head = line[-1] + half[-1] * (np.cos(turn) * side[-1] + np.sin(turn) * along[-1])
    tail = line[0] - half[0] * (np.cos(turn) * side[0] + np.sin(turn) * along[0])
    return np.vstack([line + half * side, head, (line - half * side)[::-1], tail]).astype(np.float32)


@dataclass(frozen=True)
class Pen:
    """Draws in a figure's own units on a layer: moved, scaled, turned (degrees) and mirrored."""

    layer: Layer
    x: float
    y: float
    scale: float = 1
    turn: float = 0
    flip: bool = False

    def place(self, outline: Array) -> Array:
        c, s = cos(radians(self.turn)), sin(radians(self.turn))
        x, y = outline[:, 0] * (-1 if self.flip else 1), outline[:, 1]
        return np.stack([self.x + (x * c - y * s) * self.scale, self.y + (x * s + y * c) * self.scale], 1)

    def at(self, x: float, y: float, scale: float = 1, turn: float = 0, flip: bool = False) -> Pen:
        """A pen whose origin is at a point of this one; `flip` mirrors it."""
        ((px, py),) = self.place(np.array([[x, y]], np.float32))
        lean = -turn if self.flip else turn
        return Pen(self.layer, float(px), float(py), self.scale * scale, self.turn + lean, self.flip != flip)

    def form(
        self,
        points: Outline,
        color: Array,
        fade: Array | None = None,
        *,
        soft: float = 0,
        opacity: float = 1,
        clip: bool = False,
    ) -> None:
        rough = min(1.0, 0.5 * self.scale)
        self.layer.shape(
            self.place(curve(points)),
            color,
            fade,
            soft=soft * self.scale,
            opacity=opacity,
            rough=rough,
            clip=clip,
        )

    def limb(
        self,
        points: Outline,
        widths: Sequence[float],
        color: Array,
        fade: Array | None = None,
        *,
        opacity: float = 1,
        soft: float = 0,
        clip: bool = False,
    ) -> None:
        rough = min(1.0, 0.4 * self.scale)
        self.layer.shape(
            self.place(ribbon(points, widths)),
            color,
            fade,
            opacity=opacity,
            rough=rough,
            soft=soft * self.scale,
            clip=clip,
        )

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        color: Array,
        fade: Array | None = None,
        *,
        opacity: float = 1,
        soft: float = 0,
        clip: bool = False,
    ) -> None:
        turn = np.linspace(0, 2 * pi, 48, endpoint=False)
        ring = np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], 1).astype(np.float32)
        rough = min(1.0, 0.03 * hypot(rx, ry) * self.scale)
        self.layer.shape(self.place(ring), color, fade, opacity=opacity, rough=rough, soft=soft * self.scale, clip=clip)
