"""A slate: what the film shows for a shot that has no clip in any pass."""

from typing import Any

from PIL import Image, ImageDraw

from storyboard import digest, timing
from storyboard.animatic.caption import balanced, clean
from storyboard.cut import conform
from storyboard.lettering import boxed, font, wrap
from storyboard.media import run
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

VERSION = 2
_PAPER, _INK, _FAINT, _MARK, _RULE = (17, 19, 22), (240, 238, 232), (148, 153, 160), (244, 190, 92), (58, 62, 68)
_SIDE, _TOP, _BOTTOM = 0.10, 0.17, 0.14
"""Margins, as shares of the picture: burn-ins have room above and below."""


def make(clip: Clip, timeline: Timeline, store: Store, tools: Tools) -> Blob:
    """A card with the shot's id and words: an MP4 of one frame, which is held, and without sound.

    Raises:
        MediaError: ffmpeg can't make it.
    """
    place = ", ".join(dict.fromkeys(filter(None, (clip.scene, clip.setting))))
    place = " · ".join(filter(None, (place, timing.shown(clip.frames / timeline.fps))))
    words = [boxed(clean(text)) for text in (clip.shot, place, clip.prompt)]
    key = digest.of(
        {
            "slate": VERSION,
            "words": words,
            "size": [timeline.width, timeline.height],
            "fps": timing.exact(timeline.fps),
            "ffmpeg": tools.ffmpeg_version,
        }
    )
    found = store.find(key)
    if isinstance(found, Record):
        return found.outputs["clip"]
    rate = f"{timeline.fps.numerator}/{timeline.fps.denominator}"
    tags = "setsar=1,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    with store.workspace() as folder:
        _card((timeline.width, timeline.height), *words).save(folder / "slate.png", compress_level=1)
        picture: list[Any] = ["-framerate", rate, "-f", "image2", "-i", "slate.png"]
        graph = f"scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,{tags}"
        run(tools.ffmpeg, [*picture, "-vf", graph, *conform.encoding(timeline.fps), "slate.mp4"], folder)
        return store.put(key, {"clip": folder / "slate.mp4"}, {}).outputs["clip"]


def _card(size: tuple[int, int], shot: str, place: str, prompt: str) -> Image.Image:
    width, height = size
    short = min(size)
    made = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(made)
    left, room = round(width * _SIDE), width - 2 * round(width * _SIDE)
    small, big, em = (max(8, round(short * share)) for share in (0.034, 0.13, 0.050))
    while big > em and font(big, "semibold").getlength(shot) > room:
        big -= max(1, big // 16)
    label, name, words = font(small, "semibold"), font(big, "semibold"), font(em)
    places = wrap(place, font(small), room, 2)
    fixed = round(small * 1.6 + big * 1.25 + len(places) * small * 1.45 + em * 1.3)
    most = int((height * (1 - _TOP - _BOTTOM) - fixed) // round(em * 1.4))
    lines = balanced(prompt, words, room, most) if most > 0 else []
    used = fixed + len(lines) * round(em * 1.4)
    top = height * _TOP + max(0.0, (height * (1 - _TOP - _BOTTOM) - used) * 0.45)
    draw.text((left, top), "NO CLIP", _MARK, label)
    top += small * 1.6
    draw.text((left, top), "".join(wrap(shot, name, room, 1)), _INK, name)
    top += big * 1.25
    for line in places:
        draw.text((left, top), line, _FAINT, font(small))
        top += small * 1.45
    top += em * 0.4
    draw.rectangle((left, round(top), left + room, round(top) + max(1, short // 400)), _RULE)
    top += em * 0.9
    for line in lines:
        draw.text((left, top), line, _INK, words)
        top += round(em * 1.4)
    return made
