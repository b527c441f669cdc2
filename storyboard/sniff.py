"""What a file is by its first bytes, whatever its name says.

Sources: PNG (W3C, 5.2), JPEG (ITU-T T.81, SOI marker), WebP (RFC 9649), ISO base media (ISO/IEC 14496-12, 4.3), WAV
(RFC 2361; RF64: EBU Tech 3306), FLAC (RFC 9639), Ogg (RFC 3533), MP3 (ISO/IEC 11172-3, 2.4.2.3; ID3v2.4, 3.1).
"""

NEEDED = 64
"""Bytes from the start that decide."""

KINDS = 2
"""Rises when `sniff` tells more apart, so that what it said before isn't taken for what it would say."""

IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
VIDEOS = frozenset({"video/mp4"})
SOUNDS = frozenset({"audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/mp4"})

_M4A = frozenset({b"M4A ", b"M4B "})
_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})


def sniff(head: bytes) -> str:
    """A media type among `IMAGES`, `VIDEOS` and `SOUNDS`, or "" for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] not in _STILLS:
        return "audio/mp4" if head[8:12] in _M4A else "video/mp4"
    return _sound(head)


def _sound(head: bytes) -> str:
    if head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"fLaC"):
        return "audio/flac"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    # Eleven bits of sync, a version, layer III, a bit rate and a sample rate that exist.
    synced = head[:1] == b"\xff" and len(head) > 2 and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08
    if head.startswith(b"ID3") or (synced and head[2] & 0xF0 not in {0, 0xF0} and head[2] & 0x0C != 0x0C):
        return "audio/mpeg"
    return ""


def is_image(media: str) -> bool:
    """True for a still picture that models take."""
    return media in IMAGES


def is_video(media: str) -> bool:
    """True for an ISO-BMFF video."""
    return media in VIDEOS


def is_sound(media: str) -> bool:
    """True for a file that sound can be taken from: one of sound alone, or a video."""
    return media in SOUNDS or media in VIDEOS
