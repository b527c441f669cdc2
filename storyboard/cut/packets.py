"""Where the packets of a conformed picture stand in its file, noted once, so that joining reads no index again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

from storyboard.media import MediaError


def table(path: Path) -> dict[str, Any]:
    """For the facts of a record: each packet's place and size in bytes, the frames that are key frames, and the
    encoder's own header (as hex), which must be the same in all that is joined.

    Raises:
        MediaError: it isn't what our own encoding gives: one packet a frame, in the order shown.
    """
    try:
        with av.open(str(path), format="mov") as media:
            stream = media.streams.video[0]
            found = [(p.pos, p.size, p.is_keyframe, p.pts, p.dts) for p in media.demux(stream) if p.size]
            header = (stream.codec_context.extradata or b"").hex()
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"what was conformed can't be read: {error}") from error
    if not found or any(pos is None or pts is None or pts != dts for pos, _, _, pts, dts in found):
        raise MediaError("what was conformed isn't in the order shown")
    return {
        "places": [pos for pos, *_ in found],
        "sizes": [size for _, size, *_ in found],
        "keys": [n for n, (_, _, key, *_) in enumerate(found) if key],
        "header": header,
    }


def read(path: Path, facts: Mapping[str, Any], first: int, count: int) -> list[bytes]:
    """Packets `first` to `first + count`.

    Raises:
        MediaError: there are fewer, or none is a key frame where they start.
    """
    places, sizes = facts["places"][first : first + count], facts["sizes"][first : first + count]
    if len(places) != count or first not in facts["keys"]:
        raise MediaError(f"{path.name} has no frames {first} to {first + count} that can be copied")
    start, end = places[0], places[-1] + sizes[-1]
    with path.open("rb") as stream:
        stream.seek(start)
        data = memoryview(stream.read(end - start))
    return [bytes(data[place - start : place - start + size]) for place, size in zip(places, sizes, strict=True)]
