"""The frames that two clips share under a transition: all of the film that is encoded twice.

The transition starts at the cut: the outgoing clip runs on from its handle while the incoming one comes in, over
the incoming clip's first frames. Outside these frames both clips are copied as they are.
"""

from fractions import Fraction

from storyboard import digest, timing
from storyboard.cut import packets
from storyboard.cut.conform import THREADS, encoding
from storyboard.media import SAFE_INPUT, run
from storyboard.store import Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

VERSION = 1

_XFADE = {"dissolve": "fade", "wipe": "wipeleft"}
"""Editors' words by the names of ffmpeg's xfade, whose own `dissolve` is a pattern of pixels, and whose `fade` is the
dissolve of film. All but these and those of `_THROUGH` are called as xfade has them."""
_THROUGH = {"fade": "black", "dip": "white"}
"""The colour that a transition goes through: half of it out, half of it in."""


def make(
    before: tuple[Clip, Record] | None,
    after: tuple[Clip, Record],
    timeline: Timeline,
    store: Store,
    tools: Tools,
) -> Record:
    """Render the transition between two conformed clips, and keep it: output `video`, as long as the transition. The
    film's first clip comes in from a colour.

    Raises:
        MediaError: ffmpeg failed.
    """
    clip, fps = after[0], timeline.fps
    frames, kind = clip.join.frames, clip.join.type
    key = digest.of(
        {
            "overlap": VERSION,
            "from": [before[1].outputs["video"].sha256, before[0].frames] if before else None,
            "to": after[1].outputs["video"].sha256,
            "join": [kind, frames],
            "fps": timing.exact(fps),
            "ffmpeg": tools.ffmpeg_version,
        }
    )
    found = store.find(key)
    if isinstance(found, Record):
        return found
    incoming = [*SAFE_INPUT, "-i", f"file:{after[1].outputs['video'].path.absolute()}"]
    outgoing = []
    if before:
        # Half a frame early, so that rounding can't pass the frame by; groups are closed, so seeking is exact.
        seek = max((before[0].frames - Fraction(1, 2)) / fps, Fraction(0))
        file = f"file:{before[1].outputs['video'].path.absolute()}"
        outgoing = ["-ss", f"{float(seek):.6f}", *SAFE_INPUT, "-i", file]
    with store.workspace() as folder:
        run(
            tools.ffmpeg,
            [
                *("-threads", str(THREADS), *incoming, *outgoing),
                *("-filter_complex", _graph(kind, frames, fps, alone=not before), "-filter_complex_threads", "1"),
                *("-map", "[video]", "-frames:v", str(frames), *encoding(fps), "video.mp4"),
            ],
            folder,
        )
        return store.put(key, {"video": folder / "video.mp4"}, packets.table(folder / "video.mp4"))


def _graph(kind: str, frames: int, fps: timing.Rate, *, alone: bool) -> str:
    """Input 0 is the incoming clip, input 1 the outgoing one."""
    rate = f"{fps.numerator}/{fps.denominator}"

    def part(number: int, first: int, end: int) -> str:
        ours = f"trim=start_frame={first}:end_frame={end},setpts=N/({rate})/TB"
        return f"[{number}:v:0]{ours},fps={rate},settb=1/({rate}),format=yuv420p"

    tagged = "format=yuv420p,setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709[video]"
    colour, half = _THROUGH.get(kind, "black"), frames // 2
    if alone:
        return f"{part(0, 0, frames)},fade=in:0:{frames}:color={colour},{tagged}"
    if kind in _THROUGH:
        out = f"{part(1, 0, half)},fade=out:0:{half}:color={colour}[from];" if half else ""
        come = f"{part(0, half, frames)},fade=in:0:{frames - half}:color={colour}"
        return f"{out}{come}[to];[from][to]concat,{tagged}" if half else f"{come},{tagged}"
    xfade = f"xfade=transition={_XFADE.get(kind, kind)}:duration={float(frames / fps):.9f}:offset=0"
    return f"{part(1, 0, frames)}[from];{part(0, 0, frames)}[to];[from][to]{xfade},{tagged}"
