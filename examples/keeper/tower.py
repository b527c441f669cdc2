"""The boards inside the tower: the window, the stair, the cold lamp, the match, the light."""

from __future__ import annotations

from math import cos, pi, sin

from bay import DUSK, FOAM, INDIGO, MIST, NIGHT, RAIN, SEA, TEAL, WARM, storm_sky
from cast import (
    AMBER,
    BLUSH,
    BRASS,
    DIM_BRASS,
    LIGHT,
    NAVY,
    OCHRE,
    SKIN,
    STONE,
    YELLOW,
    lamp,
    lantern,
    mira,
    mira_back,
    rowing,
    sleeve,
)
from paint import Array, Layer, ink, mix
from pen import Pen, Point, path


def lamp_room(layer: Layer, pane: Array, bar: Array) -> None:
    """The panes around the lamp, in slanting iron."""
    pen = Pen(layer, 0, 0)
    for x in range(-640, 2200, 160):
        pen.limb([(x, -20), (x + 426, 700)], [8], bar)
        pen.limb([(x + 426, -20), (x, 700)], [8], bar)
    pen.form("-20,690! 1620,690! 1620,920! -20,920!", pane, NIGHT)
    pen.limb([(-20, 690), (1620, 690)], [16], bar)


def s020() -> Layer:
    """Over her shoulder: through the window, a small boat far out."""
    layer = Layer(seed=20)
    storm_sky(layer, 24, 0.5)
    layer.glow(1130, 440, 240, DUSK, 0.8)
    layer.waves(455, 14, 50, mix(SEA, MIST, 0.4), SEA, FOAM, shift=2, streaks=2)
    layer.waves(500, 34, 70, SEA, TEAL, FOAM, shift=3.3)
    boat = layer.film()
    rowing(Pen(boat, 1085, 506, 0.42, -10))
    layer.over(boat)
    layer.waves(548, 46, 90, mix(SEA, TEAL, 0.4), TEAL, FOAM, shift=0.2)
    layer.waves(650, 62, 130, TEAL, INDIGO, FOAM, shift=1.4)
    layer.rain(420, 44, -0.4, RAIN, 0.4)
    room = layer.film().wash((0, ink("27364a")), (1, ink("33404f")))
    pen = Pen(room, 0, 0)
    for row in range(12):
        for column in range(8):
            x, y = column * 240 - 120 * (row % 2) + float(room.rng.normal(0, 12)), row * 82 - 10
            tone = mix(ink("33465c"), ink("5b6670"), float(room.rng.random()))
            pen.form([(x, y, 0), (x + 228, y + 2, 0), (x + 229, y + 74, 0), (x + 2, y + 73, 0)], tone, opacity=0.6)
    arch: list[Point] = path("560,700! 560,330! 640,160 800,92 1010,70 1220,92 1380,160 1460,330! 1460,700!")
    pen.form(
        [((x - 1010) * 1.06 + 1010, (y - 400) * 1.07 + 400, *c) for x, y, *c in arch],
        ink("56606a"),
        ink("3a4654"),
    )
    pen.form(arch, NIGHT)
    room.cut()
    for x in (860, 1160):
        pen.limb([(x, 84), (x, 700)], [15], ink("24303f"))
    for y in (330, 540):
        pen.limb([(556, y), (1464, y)], [13], ink("24303f"))
    pen.form("500,694! 1520,694! 1560,748! 460,748!", ink("6a655f"), ink("3b4049"))
    keeper = Pen(room, 410, 1040, 4.4)
    for x, y in ((71, -146), (77, -148), (83, -145), (86, -139)):
        keeper.limb([(76, -130), (x, y)], [6, 4.4], SKIN, mix(SKIN, BLUSH, 0.3))
    sleeve(keeper, ((26, -120), (54, -107), (73, -126)), mix(YELLOW, OCHRE, 0.2))
    mira_back(keeper)
    room.lamplight(60, 640, 560, ink("6a7a90"), ink("c08a46"))
    layer.over(room)
    layer.glow(0, 720, 260, AMBER, 0.35)
    return layer


def s040() -> Layer:
    """From high up: the stair winds down, a lantern climbs it."""
    layer = Layer(seed=40).wash((0, NIGHT), (1, NIGHT))
    cx, cy, steps, shrink = 800.0, 570.0, 17, 0.42

    def spot(step: float, part: float, rise: float = 0) -> Point:
        """On a step (0 is the highest), between the well (0) and the wall (1); `rise` lifts it to the eye."""
        angle, radius = step / steps * 2 * pi - 0.6, 2600 * shrink ** (step / steps)
        share = (0.4 + 0.6 * part) * (1 + rise)
        return cx + cos(angle) * radius * share, cy + sin(angle) * radius * share * 0.9

    def plank(first: float, last: float, near: float = 0, far: float = 1) -> list[Point]:
        edge = [(*spot(first, near + (far - near) * i / 4), 0) for i in range(5)]
        return edge + [(*spot(last, near + (far - near) * i / 4), 0) for i in range(4, -1, -1)]

    pen = Pen(layer, 0, 0)
    for step in range(steps * 4, -1, -1):
        tone = mix(ink("aab0ac"), ink("818d93"), float(layer.rng.random()))
        under = [(*spot(at, 0, rise), 0) for at, rise in ((step, 0), (step + 1, 0), (step + 1, -0.1), (step, -0.1))]
        pen.form(under, ink("34465a"))
        pen.form(plank(step, step + 1), tone)
        pen.form(plank(step + 0.7, step + 1), ink("3a4c60"), opacity=0.75)
        pen.form(plank(step, step + 0.1), ink("dcdccd"), opacity=0.6)
    stand_x, stand_y, *_ = spot(30.6, 0.2)
    mira(
        Pen(layer, stand_x, stand_y, 1.2, -4, flip=True),
        1,
        far=((12, -128), (34, -118), (54, -126)),
        carry="far",
    )
    for step in range(steps * 4, 0, -1):
        pen.limb([spot(step, 0.03), spot(step, 0.03, 0.26)], [18 * shrink ** (step / steps)], NAVY)
    pen.limb([spot(step / 2, 0.03, 0.26) for step in range(steps * 8, 0, -1)], [1, 2, 4, 8, 16, 36], ink("20344a"))
    x, y = 644.0, 213.0
    layer.lamplight(x, y, 270, ink("3a506c"), ink("e8a356"))
    layer.glow(x, y, 50, AMBER, 0.9)
    layer.glow(x, y, 340, WARM, 0.25)
    return layer


def s050() -> Layer:
    """Medium: Mira before the great cold lens."""
    layer = Layer(seed=50)
    storm_sky(layer, 54, 0.8)
    layer.rain(700, 60, -0.5, RAIN, 0.4)
    layer.glow(1300, 420, 420, DUSK, 0.5)
    room = layer.film()
    lamp_room(room, ink("3c4650"), ink("2a3644"))
    lamp(Pen(room, 990, 400, 2.05))
    mira(Pen(room, 500, 868, 3.35), 1, far=((12, -128), (36, -126), (58, -142)), carry="far")
    room.lamplight(712, 480, 330, ink("5f7690"), ink("c8904c"))
    layer.over(room)
    layer.glow(711, 495, 60, AMBER, 0.9)
    layer.glow(711, 495, 330, WARM, 0.28)
    for x, y, size in ((905, 396, 26), (880, 300, 14), (880, 505, 14), (960, 360, 10)):
        layer.glow(x, y, size, LIGHT, 0.5)
    return layer


def s060() -> Layer:
    """Close: two hands, the last match, the cold wick."""
    layer = Layer(seed=60).wash((0, ink("3a5560")), (1, ink("2a3846")))
    lamp(Pen(layer, 836, 408, 4.6))
    layer.blur(9)
    pen = Pen(layer, 0, 0)
    pen.form("640,960! 690,700 760,650! 860,650! 930,700 980,960!", BRASS, DIM_BRASS)
    pen.form("728,656! 744,600! 876,600! 892,656!", mix(BRASS, LIGHT, 0.2), BRASS)
    for x in range(752, 880, 16):
        pen.limb([(x, 606), (x - 2, 652)], [4], DIM_BRASS)
    pen.form("772,604! 778,500 786,478 808,470 834,480 840,500 846,604!", ink("e8dcc4"), STONE)
    pen.form("776,520 786,478 808,468 834,480 843,520", NAVY, clip=True, opacity=0.75, soft=3)
    deep = mix(SKIN, BLUSH, 0.55)
    for arm, width in ((path("120,960 300,820 440,690"), 250), (path("1520,960 1350,800 1220,660"), 240)):
        pen.limb(arm, [width * 1.2, width, width * 0.86], YELLOW, OCHRE)
    pen.form("390,600 470,510 600,520 670,600 640,720 520,770 420,740", SKIN, deep)
    for i, finger in enumerate(
        (
            path("520,560 560,430 648,344"),
            path("560,580 625,460 706,398"),
            path("590,610 662,515 738,468"),
            path("600,660 672,590 738,552"),
        )
    ):
        pen.limb(finger, [80, 68 - i * 3, 46 - i * 2], deep)
        pen.limb([(x - 5, y - 6) for x, y in finger], [72, 60 - i * 3, 38 - i * 2], SKIN, mix(SKIN, deep, 0.4))
    pen.limb("500,640 600,670 704,642", [86, 70, 44], deep)
    pen.limb("496,632 598,661 702,634", [78, 62, 38], SKIN, mix(SKIN, deep, 0.3))
    pen.limb("980,500 905,470 838,436", [9, 9, 8], ink("d9b98b"))
    pen.limb([(872, 454), (838, 436)], [9, 8], NIGHT)
    pen.form("1200,720 1090,706 1010,640 1050,520 1150,470 1250,540 1262,640", SKIN, deep)
    for finger in (path("1110,690 1010,690 985,640"), path("1090,640 990,636 966,590")):
        pen.limb(finger, [70, 64, 48], deep)
        pen.limb([(x + 4, y - 6) for x, y in finger], [62, 56, 40], SKIN, mix(SKIN, deep, 0.4))
    for finger in (path("1160,520 1060,440 966,486"), path("1130,600 1040,560 968,516")):
        pen.limb(finger, [84, 66, 42], deep)
        pen.limb([(x + 2, y - 7) for x, y in finger], [76, 58, 34], SKIN, mix(SKIN, deep, 0.3))
    for x, y, turn in ((448, 690, -40), (1216, 660, 42)):
        pen.at(x, y, 1, turn).form("-40,-120 30,-118 36,0 30,118 -40,120 -52,0", YELLOW, OCHRE)
    layer.lamplight(830, 420, 290, ink("45526a"), ink("ffc890"))
    pen.form("838,442 822,424 826,396 812,362 846,388 856,420", ink("ffb03f"), ink("ff7a2c"))
    pen.form("838,438 830,422 835,404 846,420", ink("fff2c4"))
    layer.glow(836, 408, 60, AMBER, 0.85)
    layer.glow(836, 408, 300, WARM, 0.22)
    smoke: list[Point] = path("806,462 780,400 812,320 770,240 800,150 766,70")
    pen.limb(smoke, [4, 7, 9, 12, 16, 22], ink("c6d0cc"), opacity=0.35, soft=3)
    return layer


def s070() -> Layer:
    """The lens wakes: Mira dark against a sun of glass."""
    layer = Layer(seed=70)
    storm_sky(layer, 77, 0.9)
    lamp_room(layer, ink("5a4a3c"), ink("2b303a"))
    layer.tint(ink("c0a084"))
    layer.glow(930, 390, 560, ink("ff9a2e"), 1)
    lamp(Pen(layer, 930, 392, 2.75), 1)
    layer.glow(930, 390, 130, ink("fff6d8"), 1)
    layer.glow(930, 390, 400, AMBER, 0.5)
    for i in range(14):
        layer.beam(930, 390, i * 360 / 14 + 9, 2.6, 900, ink("ffd98a"), 0.32)
    keeper = layer.film()
    back = Pen(keeper, 600, 1020, 3.7)
    lantern(back.at(75, -141, 1.1), lit=False)
    sleeve(back, ((24, -124), (50, -122), (70, -142)))
    mira_back(back)
    keeper.tint(ink("43364c"))
    keeper.rim(22, -6, ink("ff9d3c"), 0.55, 9)
    keeper.rim(6, -3, ink("ffe09a"), 1, 2)
    layer.over(keeper)
    return layer
