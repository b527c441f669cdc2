"""The still picture: opened with care, turned upright, and laid on a canvas that the camera moves over."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from .camera import Move, Track
from .errors import RenderError
from .planes import Planes, canvas

FORMATS = ["PNG", "JPEG", "WEBP"]
MAX_PIXELS = 100_000_000

# A picture whose aspect is further from the frame's than this is shown whole. 4:3 (1.33) and 2.39:1
# (1.34) in a 16:9 frame still fill it; a square (1.78) would lose nearly half of itself.
COVER_LIMIT = 1.4

# What lies under transparent pixels: a neutral dark grey.
_BACKING = (24, 24, 26)

# The share of the frame a whole picture takes, so that it stays whole under a reduced move.
_INSET = 0.90
_INSET_MOVE = 0.5


def load(path: Path) -> Image.Image:
    """The picture at `path` as upright RGB, first frame only.

    Raises `RenderError` where it is not a PNG, JPEG or WebP, is damaged, or has over `MAX_PIXELS` pixels.
    """
    try:
        with warnings.catch_warnings():
            # The size is judged below, before any pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path, formats=FORMATS)
        with opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise RenderError(
                    f"{path.name}: {opened.width} x {opened.height} pixels is over the limit of "
                    f"{MAX_PIXELS // 1_000_000} megapixels"
                )
            opened.load()
            return _rgb(ImageOps.exif_transpose(opened))
    except RenderError:
        raise
    except Image.DecompressionBombError as error:
        raise RenderError(f"{path.name}: far too many pixels: {error}") from error
    except Exception as error:  # Pillow's decoders raise nearly any exception on damaged data.
        raise RenderError(f"{path.name}: cannot be read as a PNG, JPEG or WebP picture: {error}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a sample; Pillow's own conversion would clip at 255
        wide = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(np.clip(wide, 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, _BACKING), layer).convert("RGB")
    return image.convert("RGB")


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))


def _whole(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """All of `picture`, inset, over a blurred and darkened cover of itself with a soft shadow between."""
    width, height = size
    small = (max(8, width // 8), max(8, height // 8))
    cover = ImageOps.fit(picture, small, Image.Resampling.BICUBIC)
    cover = cover.filter(ImageFilter.GaussianBlur(min(small) / 14))
    cover = ImageEnhance.Brightness(ImageEnhance.Color(cover).enhance(1.15)).enhance(0.45)
    ground = cover.resize(size, Image.Resampling.BICUBIC)
    scale = min(width / picture.width, height / picture.height) * _INSET
    inner = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    at = ((width - inner[0]) // 2, (height - inner[1]) // 2)
    shadow = Image.new("L", size, 0)
    drop = round(min(size) * 0.008)
    shadow.paste(150, (at[0], at[1] + drop, at[0] + inner[0], at[1] + drop + inner[1]))
    shadow = shadow.filter(ImageFilter.GaussianBlur(min(size) / 45))
    ground.paste((0, 0, 0), (0, 0), shadow)
    ground.paste(picture.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0), at)
    return ground


def prepare(path: Path, frame: tuple[int, int], move: Move, seed: int) -> tuple[Planes, Track]:
    """The picture at `path` on a canvas for `frame` (width, height), and the track of `move` over it.

    The canvas is as large as the tightest window needs to be shown pixel for pixel, and no larger.
    """
    picture = load(path)
    aspect = frame[0] / frame[1]
    ratio = picture.width / picture.height / aspect
    dither = None
    if max(ratio, 1 / ratio) <= COVER_LIMIT:
        proportions = (max(1.0, ratio), max(1.0, 1 / ratio))
        tightest = Track(move, (frame[0] * proportions[0], frame[1] * proportions[1]), aspect).tightest
        size = (_even(frame[0] * proportions[0] * tightest), _even(frame[1] * proportions[1] * tightest))
        laid = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    else:
        move = move.scaled(_INSET_MOVE)
        tightest = Track(move, (float(frame[0]), float(frame[1])), aspect).tightest
        size = (_even(frame[0] * tightest), _even(frame[1] * tightest))
        laid = _whole(picture, size)
        dither = np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFFFFFFFFFF, 1]))
    rgb = np.asarray(laid, dtype=np.float32) / np.float32(255)
    return canvas(rgb, dither), Track(move, (float(size[0]), float(size[1])), aspect)
