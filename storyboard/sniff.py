"""What a file is by its first bytes, whatever its name says.

Sources: PNG (W3C, 5.2), JPEG (ITU-T T.81, SOI marker), WebP (RFC 9649), ISO base media (ISO/IEC 14496-12, 4.3).
"""

NEEDED = 64
"""Bytes from the start that decide."""

IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
VIDEOS = frozenset({"video/mp4"})

_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})


def sniff(head: bytes) -> str:
    """A media type among `IMAGES` and `VIDEOS`, or "" for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] not in _STILLS:
        return "video/mp4"
    return ""


def is_image(media: str) -> bool:
    """True for a still picture that models take."""
    return media in IMAGES


def is_video(media: str) -> bool:
    """True for an ISO-BMFF video."""
    return media in VIDEOS
