"""The boards of the bay: the island, the boat in the waves, the beam, the morning."""

from __future__ import annotations

from math import atan2, degrees

from cast import (
    AMBER,
    BRICK,
    BROWN,
    CORAL,
    CREAM,
    HAIR,
    LIGHT,
    NAVY,
    OCHRE,
    PALE,
    SLATE,
    STONE,
    YELLOW,
    boat_hull,
    boat_inside,
    lantern,
    lighthouse,
    mira,
    rowing,
    tom,
)
from paint import Array, Layer, ink, mix
from pen import Outline, Pen, Point, path

NIGHT, INDIGO, TEAL, SEA = ink("0d1a2b"), ink("16283f"), ink("1f4a58"), ink("2c6068")
FOAM, MIST, RAIN = ink("b4d2cb"), ink("6b8d94"), ink("b9d3d4")
WARM, COLD, DUSK = ink("ff9d3c"), ink("5f86a0"), ink("8fb3a8")


def storm_sky(layer: Layer, seed: int, horizon: float) -> None:
    layer.wash((0, NIGHT), (horizon * 0.5, INDIGO), (horizon * 0.85, TEAL), (horizon, MIST), (1, TEAL))
    layer.clouds(NIGHT, 0.0, horizon * 0.95, seed, opacity=0.85)
    layer.clouds(mix(INDIGO, MIST, 0.5), 0.1, horizon, seed + 1, opacity=0.35, cell=(820, 130))


def rocks(layer: Layer, top: Outline, color: Array, fade: Array, facet: Array) -> None:
    """A rock below the given outline, hewn into lighter and darker planes."""
    pen, random = Pen(layer, 0, 0), layer.rng.random
    row: list[Point] = [(x, y, 0) for x, y in path(top)]
    foot = max(y for _, y, _ in row) + 40
    pen.form([*row, (row[-1][0], foot, 0), (row[0][0], foot, 0)], color, fade)
    for depth in (55, 110, 190):
        below: list[Point] = [(x + 50 * random() - 25, y + depth * (0.6 + 0.7 * random()), 0) for x, y, _ in row]
        for i in range(len(row) - 1):
            plane = [row[i], row[i + 1], below[i + 1], below[i]]
            pen.form(plane, facet if random() < 0.6 else fade, color, clip=True, opacity=0.15 + 0.35 * random())
        row = below


def gulls(layer: Layer, flock: list[tuple[float, float, float]], color: Array) -> None:
    for x, y, size in flock:
        wing: list[Point] = [
            (-size, -size * 0.3),
            (-size * 0.45, -size * 0.55),
            (0, 0),
            (size * 0.5, -size * 0.65),
            (size, -size * 0.2),
        ]
        Pen(layer, x, y).limb(wing, [1, 3, 3.4, 3, 1], color)


def pair(pen: Pen) -> None:
    """Mira and Tom from behind, one coat around both, her hat beside them."""
    pen.oval(-24, -106, 19, 22, HAIR, STONE)
    pen.limb("-42,-90 -24,-84 -6,-90", [14], SLATE)
    pen.oval(27, -78, 14, 14, BROWN)
    pen.form("10,-80 12,-96 26,-106 40,-96 44,-80 27,-76", CORAL, BRICK)
    pen.limb("10,-80 27,-75 44,-80", [7], ink("f0806a"))
    pen.oval(26, -108, 5.5, 5.5, CREAM)
    pen.form(
        "-74,5! -64,-40 -55,-72 -38,-84 -24,-82 -8,-84 5,-68 18,-66 28,-63 42,-65 54,-50 62,-24 72,5! 40,1 4,6 -36,1",
        YELLOW,
        OCHRE,
    )
    for fold in (
        path("4,-70 0,-40 5,6 -6,6 -6,-36"),
        path("-48,-74 -56,-40 -62,5 -54,5 -50,-40"),
        path("-14,-70 -20,-36 -30,4 -24,4 -16,-36"),
        path("44,-56 48,-30 56,4 48,4 44,-28"),
    ):
        pen.form(fold, OCHRE, clip=True, soft=1, opacity=0.75)
    for i in range(6):
        pen.oval(-24 + i % 2 * 2, -92 + i * 7, 5.6 - i * 0.4, 5, mix(HAIR, STONE, i % 2 * 0.5))
    pen.form("-112,0 -110,-14 -98,-21 -86,-14 -84,0", PALE, YELLOW)
    pen.form("-128,4 -112,-5 -84,-5 -72,4 -98,6", YELLOW, OCHRE)


def s010() -> Layer:
    """Wide: the dark lighthouse, the storm coming in."""
    layer = Layer(seed=10)
    storm_sky(layer, 11, 0.64)
    layer.glow(330, 590, 300, DUSK, 0.9)
    layer.rain(420, 34, -0.45, RAIN, 0.25)
    layer.waves(590, 18, 40, mix(SEA, MIST, 0.4), SEA, FOAM, shift=1, streaks=2)
    island = layer.film()
    lighthouse(Pen(island, 1090, 556, 1.48))
    rocks(
        island,
        "730,740 800,655 850,640 905,600 965,590 1010,556 1130,552 1290,554 1335,600 1400,618 1440,660 1540,740",
        mix(NAVY, SLATE, 0.2),
        NIGHT,
        SLATE,
    )
    island.tint(ink("8fa3b8"))
    island.rim(-3, -1, ink("cfe0d4"), 0.55)
    layer.over(island)
    layer.glow(1183, 523, 26, AMBER, 0.8)
    layer.mist(630, 60, MIST, 0.55, 3)
    layer.waves(680, 48, 84, SEA, TEAL, FOAM, shift=0.4)
    layer.waves(755, 72, 118, mix(TEAL, SEA, 0.4), INDIGO, FOAM, shift=2.2)
    layer.waves(860, 96, 165, TEAL, NIGHT, FOAM, shift=4.1)
    gulls(layer, [(520, 270, 17), (600, 322, 12), (452, 350, 10)], ink("d8e0d6"))
    layer.rain(220, 70, -0.45, RAIN, 0.35)
    return layer


def s030() -> Layer:
    """The boat in the waves, a great one rising over it."""
    layer = Layer(seed=30)
    storm_sky(layer, 31, 0.7)
    layer.glow(420, 430, 330, DUSK, 0.8)
    layer.rain(500, 46, -0.5, RAIN, 0.3)
    layer.waves(540, 80, 120, mix(SEA, MIST, 0.3), TEAL, FOAM, shift=0.7)
    great = layer.film()
    pen = Pen(great, 0, 0)
    lip: list[Point] = path("1760,84! 1480,74 1260,120 1110,205 1035,325")
    hollow: list[Point] = path("1120,282 1215,330 1215,430 1110,540 900,640 560,700 -60,740")
    pen.form(
        [*lip[:-1], (*lip[-1], 0), *hollow[:-1], (*hollow[-1], 0), (-60, 1000, 0), (1760, 1000, 0)],
        mix(SEA, MIST, 0.25),
        INDIGO,
    )
    for i in range(1, 10):
        rise: list[Point] = [
            (1170 + 60 * i, 200 + 4 * i),
            *((x + 66 * i, y + 20 * i) for x, y, *_ in hollow[1:-1]),
        ]
        pen.limb(
            rise,
            [2, 10, 14, 14, 8, 2],
            mix(FOAM, SEA, 0.35) if i % 2 else TEAL,
            opacity=0.6 - 0.04 * i,
            clip=True,
        )
    pen.limb([*hollow[:-1]], [3, 8, 10, 8, 7, 3], FOAM, opacity=0.7)
    pen.limb(lip, [26, 36, 46, 38, 14], FOAM, mix(FOAM, SEA, 0.2))
    for _ in range(46):
        t = float(great.rng.random())
        x, y = 1040 + 480 * t, 330 - 235 * t**0.6
        size = float(great.rng.random()) * 15 + 4
        pen.oval(x + float(great.rng.normal(0, 16)), y + float(great.rng.normal(0, 22)), size, size * 0.8, FOAM)
    layer.over(great)
    boat = layer.film()
    rowing(Pen(boat, 620, 600, 2.3, -15))
    boat.tint(ink("b3bfcb"))
    boat.rim(-4, -3, ink("d8e8dc"), 0.5)
    layer.over(boat)
    layer.waves(700, 78, 125, mix(SEA, TEAL, 0.3), TEAL, FOAM, shift=2.9)
    layer.waves(830, 90, 180, TEAL, NIGHT, FOAM, shift=0.9)
    layer.rain(240, 90, -0.5, RAIN, 0.4)
    return layer


def s080() -> Layer:
    """Wide: the beam finds the boat."""
    layer = Layer(seed=80)
    layer.wash((0, NIGHT), (0.3, INDIGO), (0.44, mix(TEAL, MIST, 0.15)), (0.5, TEAL), (1, NIGHT))
    layer.clouds(mix(INDIGO, MIST, 0.35), 0.02, 0.46, 82, opacity=0.5)
    for i, (y, swell, length) in enumerate(((395, 8, 34), (430, 15, 52), (480, 24, 74), (545, 34, 100))):
        layer.waves(y, swell, length, mix(SEA, TEAL, 0.2 + i * 0.2), mix(TEAL, INDIGO, i * 0.2), FOAM, shift=i * 1.7)
    boat = layer.film()
    rowing(Pen(boat, 1160, 588, 0.9, -7))
    layer.over(boat)
    layer.waves(632, 46, 110, mix(TEAL, INDIGO, 0.2), INDIGO, FOAM, shift=6.1)
    island = layer.film()
    lighthouse(Pen(island, 270, 420, 1.02), 1)
    rocks(
        island,
        "-30,440 90,426 190,416 330,420 400,430 425,490 480,540 500,600 580,660 640,740 700,900",
        mix(NAVY, SLATE, 0.15),
        NIGHT,
        SLATE,
    )
    island.tint(ink("b4c0d0"))
    layer.over(island)
    layer.waves(745, 66, 150, mix(TEAL, INDIGO, 0.5), NIGHT, FOAM, shift=3)
    layer.waves(850, 84, 200, INDIGO, NIGHT, FOAM, shift=0.6)
    layer.lamplight(1165, 570, 280, ink("6a819c"), ink("f0cc90"))
    lamp_x, lamp_y = 270.0, 420 - 242 * 1.02
    layer.beam(lamp_x, lamp_y, degrees(atan2(575 - lamp_y, 1165 - lamp_x)), 7.5, 1500, ink("ffdf9c"), 0.72)
    layer.beam(lamp_x, lamp_y, 201, 6, 500, ink("ffdf9c"), 0.4)
    layer.glow(lamp_x, lamp_y, 40, LIGHT, 1)
    layer.glow(lamp_x, lamp_y, 200, WARM, 0.4)
    layer.glow(1165, 590, 170, ink("ffcf85"), 0.3)
    layer.rain(500, 44, -0.4, RAIN, 0.28)
    return layer


def s090() -> Layer:
    """Two-shot: a hand over the black water."""
    layer = Layer(seed=90)
    layer.wash((0, NIGHT), (0.4, INDIGO), (0.6, TEAL), (1, NIGHT))
    layer.clouds(mix(INDIGO, MIST, 0.4), 0.05, 0.6, 93, opacity=0.5)
    layer.beam(-120, -60, 23, 9, 1700, ink("ffdf9c"), 0.75)
    layer.glow(830, 400, 300, ink("ffd089"), 0.4)
    layer.waves(575, 56, 105, SEA, TEAL, FOAM, shift=1.2)
    boat = layer.film()
    hull = Pen(boat, 1088, 692, 2.5, 6, True)
    boat_inside(hull)
    tom(hull.at(22, -22, 1.25, 14), ((4, -42), (26, -48), (50, -60)), look=14)
    boat_hull(hull)
    boat.tint(ink("a9b4c2"))
    boat.rim(-4, -4, ink("ffd48a"), 0.8, 2)
    boat.glow(800, 430, 260, WARM, 0.25)
    layer.over(boat)
    layer.waves(715, 60, 120, mix(SEA, TEAL, 0.5), INDIGO, FOAM, shift=0.3)
    keeper = layer.film()
    mira(
        Pen(keeper, 440, 800, 2.9, 17),
        1,
        near=((-2, -130), (14, -112), (-6, -92)),
        far=((12, -130), (48, -134), (84, -146)),
    )
    rocks(
        keeper,
        "-30,600 120,640 230,690 330,676 470,690 560,706 600,760 680,800 760,900",
        mix(NAVY, SLATE, 0.25),
        NIGHT,
        SLATE,
    )
    lantern(Pen(keeper, 205, 540, 2.6))
    keeper.rim(4, -4, ink("ffd48a"), 0.7, 2)
    keeper.lamplight(210, 620, 230, ink("b4bac6"), ink("8a6238"))
    layer.over(keeper)
    layer.glow(205, 615, 60, AMBER, 0.8)
    layer.glow(205, 615, 260, WARM, 0.25)
    layer.waves(850, 76, 165, TEAL, NIGHT, FOAM, shift=2.2)
    layer.rain(240, 60, -0.4, RAIN, 0.3)
    return layer


def s100() -> Layer:
    """Dawn, wide: two under one coat, the lamp still burning."""
    layer = Layer(seed=100)
    layer.wash(
        (0, ink("4f7d8c")),
        (0.25, ink("9db8ad")),
        (0.45, ink("f3d3a0")),
        (0.585, ink("f7b47c")),
        (1, ink("d98a6b")),
    )
    layer.clouds(ink("fbe3c0"), 0.05, 0.56, 101, opacity=0.6, cell=(900, 110))
    layer.clouds(ink("dd8f7b"), 0.25, 0.58, 104, opacity=0.5, cell=(1100, 70))
    layer.glow(800, 500, 330, ink("ffe2a0"), 0.7)
    Pen(layer, 800, 496).oval(0, 0, 62, 62, ink("fff4d0"))
    sea = layer.film()
    sea.waves(526, 3, 60, ink("e9b68c"), ink("7fa3a2"), ink("fff0cf"), streaks=3)
    for i in range(5):
        sea.waves(
            556 + i * 44,
            7 + i * 3,
            70 + i * 34,
            mix(ink("a9b9a6"), ink("4f8088"), i / 4),
            mix(ink("7fa3a2"), ink("2f5f6c"), i / 4),
            ink("ffe9c4"),
            shift=i * 1.3,
        )
    layer.over(sea)
    for i in range(26):
        y = 532 + i * 9.5
        half = 50 + 26 * float(layer.rng.random()) + i * 2.2
        x = 800 + float(layer.rng.normal(0, 12 + i))
        Pen(layer, x, y).oval(0, 0, half, 2 + i * 0.11, ink("fff0c4"), opacity=0.62 - i * 0.015)
    layer.glow(800, 540, 200, ink("ffe2a0"), 0.35)
    shore = layer.film()
    lighthouse(Pen(shore, 300, 486, 1.24), 1)
    rocks(
        shore,
        "-30,540 90,500 190,482 340,484 450,490 480,530 545,548 575,590 650,606 690,640 780,680",
        ink("4e6670"),
        ink("2d4656"),
        ink("9a8c82"),
    )
    shore.tint(ink("e4d2c8"))
    shore.rim(4, -1, ink("ffe2a8"), 0.7)
    layer.over(shore)
    layer.waves(668, 12, 150, ink("5d8c90"), ink("2f5f6c"), ink("ffe9c4"), shift=0.4)
    layer.waves(760, 18, 210, ink("457883"), ink("24505f"), ink("ffe9c4"), shift=1.9)
    layer.glow(300, 186, 36, LIGHT, 0.9)
    near = layer.film()
    rocks(
        near,
        "770,910 840,800 900,770 930,716 1020,690 1120,676 1290,672 1400,690 1530,676 1640,700",
        ink("3d5662"),
        ink("22394a"),
        ink("8a8078"),
    )
    hull = Pen(near, 1430, 690, 0.95, -6)
    boat_inside(hull)
    boat_hull(hull)
    pair(Pen(near, 1130, 690, 1.75))
    near.tint(ink("e2cfc6"))
    near.rim(-4, -3, ink("ffe6b0"), 0.85)
    layer.over(near)
    gulls(layer, [(600, 250, 18), (690, 205, 13), (980, 290, 15)], ink("fff4dc"))
    return layer
