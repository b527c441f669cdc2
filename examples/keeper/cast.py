"""Who and what the film shows: Mira, Tom in his boat, the lighthouse and its lamp."""

from __future__ import annotations

import numpy as np
from paint import Array, ink, mix
from pen import Outline, Pen, Point, path

YELLOW, OCHRE, PALE = ink("f4bd2f"), ink("c98a1d"), ink("ffdf78")
CORAL, BRICK = ink("e8604c"), ink("a63c38")
NAVY, SLATE, STONE = ink("1b2b44"), ink("4d6a7c"), ink("6f8490")
CREAM, SHADE = ink("efe4cc"), ink("a7aca6")
SKIN, BLUSH, HAIR, BROWN = ink("e3a882"), ink("d5745c"), ink("c3c7c6"), ink("6b4431")
BRASS, DIM_BRASS = ink("c9983f"), ink("7d5d2b")
AMBER, LIGHT = ink("ffb75a"), ink("ffe9b4")

Arm = Outline  # shoulder, elbow, hand


def lerp(front: Outline, side: Outline, turn: float) -> list[Point]:
    """The outline between a front and a side view; corners stay corners."""
    pairs = zip(path(front), path(side), strict=True)
    return [(a[0] + (b[0] - a[0]) * turn, a[1] + (b[1] - a[1]) * turn, *a[2:]) for a, b in pairs]


def lantern(pen: Pen, lit: bool = True) -> None:
    """A storm lantern hanging from the origin."""
    pen.limb("-9,14 -7,2 0,-2 7,2 9,14", [1.6], NAVY)
    pen.form("-9,40! -9,18 -5,12 5,12 9,18 9,40!", *((LIGHT, AMBER) if lit else (STONE, SLATE)))
    if lit:
        pen.oval(0, 30, 3.2, 7, ink("fffbe8"))
    pen.form("-8,16! -5,8 5,8 8,16!", NAVY)
    pen.form("-11,48! -10,39! 10,39! 11,48!", NAVY)
    for x in (-9, 9):
        pen.limb([(x, 16), (x, 40)], [1.6], NAVY)


def sleeve(pen: Pen, arm: Arm, color: Array = YELLOW, fade: Array = OCHRE, width: float = 17) -> None:
    """An arm in a sleeve, and its hand."""
    _, (ex, ey), (hx, hy) = path(arm)
    reach = np.array([hx - ex, hy - ey])
    reach = reach / np.linalg.norm(reach)
    hand = (hx + reach[0] * width * 0.42, hy + reach[1] * width * 0.42)
    cuff = (hx - reach[0] * 5, hy - reach[1] * 5)
    pen.oval(*hand, width * 0.4, width * 0.4, SKIN, mix(SKIN, BLUSH, 0.3))
    pen.limb(arm, [width + 2, width * 0.94 + 2, width * 0.86 + 1], fade)
    pen.limb(arm, [width, width * 0.92, width * 0.84], color, mix(color, fade, 0.6))
    pen.limb([cuff, (hx, hy)], [width * 0.94, width * 0.98], mix(color, fade, 0.45), fade)


def mira(
    pen: Pen, turn: float, near: Arm | None = None, far: Arm | None = None, carry: str = "", lit: bool = True
) -> None:
    """Mira standing, 200 units tall, from the front (0) to her profile (1); `carry` is the lantern's hand."""

    def part(
        front: Outline,
        side: Outline,
        color: Array,
        fade: Array | None = None,
        clip: bool = False,
        soft: float = 0,
        opacity: float = 1,
    ) -> None:
        pen.form(lerp(front, side, turn), color, fade, clip=clip, soft=soft, opacity=opacity)

    def spot(front: Point, side: Point, rx: float, ry: float, color: Array, opacity: float = 1) -> None:
        ((x, y),) = lerp([front], [side], turn)
        pen.oval(x, y, rx, ry, color, opacity=opacity)

    near = path(near or lerp("-25,-133 -37,-106 -42,-82", "-5,-131 -9,-104 0,-80", turn))
    far = path(far or lerp("25,-133 37,-106 42,-82", "9,-129 30,-112 47,-100", turn))
    hands = {"near": near[2], "far": far[2]}

    part("5,-44 20,-44 22,-8 26,-2 25,0! 4,0!", "4,-44 18,-44 19,-9 33,-3 32,0! 5,0!", mix(NAVY, SLATE, 0.12))
    part(
        "-20,-44 -5,-44 -5,-8 -4,-2 -4,0! -25,0! -26,-2 -22,-8",
        "-14,-44 2,-44 3,-9 16,-3 15,0! -13,0! -14,-3 -14,-10",
        NAVY,
        mix(NAVY, SLATE, 0.25),
    )
    if carry == "far" and turn > 0.5:
        lantern(pen.at(hands["far"][0] + 3, hands["far"][1] + 2), lit)
    sleeve(pen, far, mix(YELLOW, OCHRE, 0.45), OCHRE)
    part(
        "-13,-147 -28,-136 -34,-98 -43,-38! 0,-31 43,-38! 34,-98 28,-136 13,-147",
        "-11,-147 -22,-134 -26,-98 -38,-40! -4,-31 30,-39! 26,-96 19,-132 9,-146",
        YELLOW,
        OCHRE,
    )
    part(
        "24,-140 24,-100 28,-30 60,-30 50,-140",
        "-40,-140 -34,-100 -16,-30 -60,-30 -60,-140",
        OCHRE,
        clip=True,
        soft=4,
        opacity=0.55,
    )
    for x, side in ((-18, -14), (20, 12)):
        part(
            [(x, -84), (x + 3, -60), (x, -34), (x - 3, -34)],
            [(side, -84), (side + 2, -60), (side - 4, -34), (side - 8, -34)],
            OCHRE,
            clip=True,
            soft=0.6,
            opacity=0.7,
        )
    part("-1,-138 2,-138 2,-32 -1,-32", "15,-138 17,-138 25,-34 22,-34", OCHRE, clip=True)
    for y in (-120, -98, -76):
        spot((0, y), (19.5 - (y + 98) * -0.06, y), 2.6, 3.2, NAVY)
    part(
        "-21,-176 -22,-158 -14,-143 14,-143 22,-158 21,-176",
        "-19,-178 -20,-158 -12,-143 4,-143 12,-158 12,-178",
        HAIR,
        STONE,
    )
    part(
        "-15,-150 0,-146 15,-150 20,-139 0,-131 -20,-139",
        "-13,-151 0,-147 11,-148 16,-138 2,-132 -16,-139",
        SLATE,
        mix(SLATE, NAVY, 0.5),
    )
    part(
        "-15,-178 -17,-163 -9,-148 0,-145 9,-148 17,-163 15,-178 0,-182",
        "-12,-178 -12,-160 -5,-149 5,-145 13,-149 23,-160 14,-177 0,-182",
        SKIN,
    )
    spot((-10, -155), (6, -156), 4.6, 3.6, BLUSH, 0.5)
    spot((10, -155), (15, -156), 4.6 - 3 * turn, 3.6, BLUSH, 0.5)
    spot((-6.5, -163), (10.5, -165), 1.7, 2.3, NAVY)
    spot((6.5, -163), (15, -165), 1.7 - turn, 2.3, NAVY, (1 - turn) ** 0.5)
    spot((0, -158), (15, -160), 2.6, 3.2, mix(SKIN, BLUSH, 0.45), 1 - turn)
    for brow, side_brow in ((-6.5, 10.5), (6.5, 14.0)):
        ((x0, y0),) = lerp([(brow, -168.5)], [(side_brow, -170)], turn)
        pen.limb([(x0 - 3, y0 + 0.6), (x0 + 2.4, y0)], [1.6], HAIR, opacity=1 if brow < 0 else (1 - turn) ** 2)
    pen.limb(lerp("-4.5,-152 0,-150.6 4.5,-152", "9.5,-151.6 12,-151 15,-151.8", turn), [1.3], BRICK)
    part("-16,-178 -19,-160 -14,-152 -12,-170", "-15,-180 -17,-154 -6,-152 2,-176", HAIR, STONE)
    for i in range(6):
        spot(
            (-16 - i * 0.9, -146 + i * 7),
            (-15 - i * 1.2, -146 + i * 7),
            5.2 - i * 0.45,
            4.8,
            mix(HAIR, STONE, i % 2 * 0.45),
        )
    part(
        "-22,-173 -21,-190 -9,-203 9,-203 21,-190 22,-173",
        "-21,-172 -21,-190 -9,-202 7,-201 18,-190 20,-175",
        PALE,
        YELLOW,
    )
    part(
        "-37,-161 -24,-178 0,-183 24,-178 37,-161 22,-169 0,-172.5 -22,-169",
        "-43,-148 -26,-174 -2,-182 19,-182 31,-174 20,-172 0,-172 -23,-158",
        YELLOW,
        OCHRE,
    )
    if carry and not (carry == "far" and turn > 0.5):
        hand_x, hand_y = hands[carry][:2]
        lantern(pen.at(hand_x, hand_y + 4), lit)
    sleeve(pen, near)


def mira_back(pen: Pen) -> None:
    """Mira from behind, for over her shoulder."""
    pen.form("-14,-150 -32,-138 -40,-100 -48,-20! 48,-20! 40,-100 32,-138 14,-150", YELLOW, OCHRE)
    pen.form("-20,-130 -34,-90 -38,-20 -60,-20 -60,-140", OCHRE, clip=True, soft=5, opacity=0.8)
    pen.form("-30,-124 0,-117 30,-124 30,-121 0,-114 -30,-121", OCHRE, clip=True, opacity=0.8)
    for x in (-12, 16):
        pen.form([(x, -110), (x + 3, -60), (x - 2, -20), (x - 6, -20)], OCHRE, clip=True, soft=1, opacity=0.7)
    pen.oval(0, -158, 18, 18, HAIR, STONE)
    pen.form("-22,-170 -21,-190 -9,-203 9,-203 21,-190 22,-170", PALE, YELLOW)
    pen.form("-8,-202 -3,-202 -6,-172 -13,-172", OCHRE, clip=True, soft=1.5, opacity=0.5)
    pen.form("-18,-152 0,-148 18,-152 22,-140 0,-134 -22,-140", SLATE, mix(SLATE, NAVY, 0.5))
    pen.form("-36,-160 -23,-176 0,-180 23,-176 36,-160 22,-150 0,-145 -22,-150", PALE, OCHRE)
    pen.form("-36,-160 -22,-158 0,-154 22,-158 36,-160 22,-149 0,-143 -22,-149", OCHRE, clip=True, soft=1)
    for i in range(7):
        pen.oval(-2 + (i % 2) * 2, -141 + i * 7, 5.4 - i * 0.4, 5, mix(HAIR, STONE, i % 2 * 0.5))


def tom(pen: Pen, near: Arm, far: Arm | None = None, look: float = 0) -> None:
    """Tom from the hips up in profile, 100 units tall; `look` tips his head back, in degrees."""
    jersey, dark = ink("2f4d74"), ink("1f3354")
    if far:
        sleeve(pen, far, dark, dark, 12)
    pen.form("-16,4! -18,-24 -13,-45 0,-52 11,-46 15,-26 16,4!", jersey, dark)
    for y in (-38, -27, -16, -5):
        pen.limb([(-24, y), (0, y + 3), (24, y)], [3.4], CREAM, clip=True)
    head = pen.at(1, -50, turn=-look)
    head.limb("-9,1 0,4 9,0", [9], CORAL)
    head.form("-14,-18 -12,-6 -3,0 6,0 12,-4 16.5,-13 13,-24 0,-30 -12,-27", SKIN)
    head.oval(8, -8, 4, 3, BLUSH, opacity=0.55)
    head.oval(9.5, -15, 1.5, 2.2, NAVY)
    head.limb([(9, -5), (12.5, -5.6)], [1.2], BRICK)
    head.form("-14,-24 -14,-8 -7,-5 -4,-14 2,-22", BROWN)
    head.oval(-3, -12, 2.6, 3.4, mix(SKIN, BLUSH, 0.4))
    head.oval(-5, -46, 5.5, 5.5, CREAM)
    head.form("-17,-20 -16,-34 -3,-44 10,-38 16,-24 0,-22", CORAL, BRICK)
    head.form("-18,-20 -16,-26 0,-28 16,-30 17,-24 0,-21 -16,-15", ink("f0806a"))
    sleeve(pen, near, mix(jersey, CREAM, 0.1), dark, 13)


def boat_inside(pen: Pen) -> None:
    """The far side of the boat, behind whoever sits in it."""
    pen.form("-104,-32! -40,-37 40,-40 120,-52! 60,-18 -60,-14", BRICK, NAVY)


def boat_hull(pen: Pen) -> None:
    """Tom's coral rowing boat, 224 units long, its bow to the right."""
    pen.form("-104,-32! -40,-22 40,-25 120,-52! 98,-14 64,4 -60,7 -94,-2", CORAL, BRICK)
    for drop in (10, 19):
        pen.limb(
            [(-100, -32 + drop), (-40, -22 + drop), (40, -25 + drop), (116, -50 + drop)],
            [1.3],
            BRICK,
            clip=True,
        )
    pen.limb("-104,-32 -40,-22 40,-25 120,-52", [4.6], CREAM)


def oar(pen: Pen, hand: Point, blade: Point) -> None:
    pen.limb([hand, blade], [3.2, 3.2], ink("c7a272"))
    pen.limb([((hand[0] + blade[0] * 4) / 5, (hand[1] + blade[1] * 4) / 5), blade], [6, 10], ink("d9b98b"))


def rowing(pen: Pen, stroke: float = 0) -> None:
    """Tom at the oars, his back to the bow."""
    boat_inside(pen)
    hand = 36 + stroke / 2
    tom(
        pen.at(6, -16, 1.12, 8, flip=True),
        ((2, -42), (16, -24), (hand, -30)),
        ((4, -42), (20, -26), (hand + 2, -33)),
        look=6,
    )
    boat_hull(pen)
    oar(pen, (2 - hand, -47), (46 + stroke, 34))


def lighthouse(pen: Pen, lit: float = 0, cottage: bool = True) -> None:
    """The lighthouse, 310 units tall from the foot of its tower; `lit` is the lamp, from 0 to 1."""
    if cottage:
        pen.form("24,2! 24,-40! 104,-40! 104,2!", CREAM, SHADE)
        pen.form("18,-38! 34,-66! 96,-66! 112,-38!", SLATE, mix(SLATE, NAVY, 0.4))
        pen.form("84,-62! 84,-80! 94,-80! 94,-62!", SHADE)
        pen.form("56,-14! 56,-30! 70,-30! 70,-14!", LIGHT, AMBER)
        pen.limb([(63, -30), (63, -14)], [1.4], NAVY)
    pen.form("-36,2! -28,-110! -21,-218! 21,-218! 28,-110! 36,2!", CREAM, SHADE)
    for low, high in ((-48, -92), (-136, -180)):
        pen.form([(-40, low, 0), (-40, high, 0), (40, high, 0), (40, low, 0)], SLATE, clip=True)
    pen.form("4,10! 6,-220! 60,-220! 60,10!", NAVY, clip=True, soft=7, opacity=0.55)
    for y in (-26, -112, -196):
        pen.form([(-4, y, 0), (-4, y - 10), (0, y - 14), (4, y - 10), (4, y, 0)], NAVY)
    pen.form("-33,-218! -28,-210! 28,-210! 33,-218! 33,-223! -33,-223!", NAVY)
    glass = mix(ink("5f8288"), LIGHT, lit)
    pen.form("-17,-222! -17,-262! 17,-262! 17,-222!", glass, mix(ink("3f5f6b"), AMBER, lit))
    pen.oval(0, -242, 9, 14, mix(ink("88a7a5"), ink("fffdf0"), lit))
    for x in (-17, -6, 6, 17):
        pen.limb([(x, -262), (x, -222)], [1.8], NAVY)
    for x in range(-32, 33, 8):
        pen.limb([(x, -236), (x, -222)], [1.2], NAVY)
    pen.limb([(-32, -236), (32, -236)], [1.6], NAVY)
    pen.form("-22,-260! -17,-276 0,-288 17,-276 22,-260!", BRICK, mix(BRICK, NAVY, 0.6))
    pen.oval(0, -290, 4, 4, NAVY)
    pen.limb([(0, -290), (0, -310)], [1.6], NAVY)


def lamp(pen: Pen, lit: float = 0) -> None:
    """The great lens in its brass frame, 330 units tall about its middle; `lit` runs from 0 to 1."""
    dark, pale = mix(ink("244650"), ink("f7a63c"), lit), mix(ink("7fa7a5"), ink("fff0c0"), lit)
    brass, dim = mix(BRASS, AMBER, lit * 0.4), mix(DIM_BRASS, BRASS, lit * 0.5)
    pen.form("-20,118! -14,165! 14,165! 20,118!", brass, dim)
    pen.form("-58,112! -50,126! 50,126! 58,112!", brass, dim)
    barrel: list[Point] = path("-40,-112! -68,-66 -76,0 -68,66 -40,112! 40,112! 68,66 76,0 68,-66 40,-112!")
    pen.form(barrel, mix(dark, pale, 0.15), dark)
    for side in (-1, 1):
        for i, y in enumerate((52, 65, 77, 88, 98, 107)):
            sag = 7 - i
            pen.limb(
                [(-74, side * (y - sag)), (0, side * (y + sag)), (74, side * (y - sag))],
                [7.5 - i * 0.5],
                mix(pale, dark, 0.1 + i * 0.1),
                clip=True,
            )
            pen.limb([(-60, side * (y - sag + 2)), (-34, side * (y + 1))], [1.6], mix(pale, LIGHT, 0.6), clip=True)
    for i, radius in enumerate((48, 40, 32, 24, 16)):
        pen.oval(
            0,
            0,
            radius,
            radius,
            mix(dark, pale, 0.25 + i * 0.1) if i % 2 == 0 else mix(pale, dark, 0.55 - i * 0.1),
        )
    pen.oval(0, 0, 9, 9, mix(mix(pale, LIGHT, 0.5), ink("ffffff"), lit))
    pen.limb("-30,-24 -20,-33 -8,-38", [2.4], mix(pale, LIGHT, 0.6))
    for x in (-1, 1):
        pen.limb([(x * 40, -112), (x * 68, -66), (x * 76, 0), (x * 68, 66), (x * 40, 112)], [5], brass, dim)
        pen.limb([(x * 22, -112), (x * 40, -60), (x * 50, 0), (x * 40, 60), (x * 22, 112)], [2.6], dim)
    pen.form("-46,-110! -34,-124 0,-134 34,-124 46,-110!", brass, dim)
    pen.oval(0, -138, 7, 7, brass)
