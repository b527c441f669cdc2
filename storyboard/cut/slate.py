"""A slate: what the film shows for a shot that has no clip in any pass."""

from storyboard import digest, timing
from storyboard.animatic import Panel, RenderError, render
from storyboard.media import MediaError
from storyboard.prompt import sentences
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

VERSION = 1


def make(clip: Clip, timeline: Timeline, store: Store, tools: Tools) -> Blob:
    """A card with the shot's words, as long as the shot."""
    caption = sentences(clip.setting, clip.prompt or clip.shot) if clip.setting else clip.prompt or clip.shot
    key = digest.of(
        {
            "slate": VERSION,
            "caption": caption,
            "size": [timeline.width, timeline.height],
            "fps": timing.exact(timeline.fps),
            "frames": clip.frames,
            "ffmpeg": tools.ffmpeg_version,
        }
    )
    found = store.find(key)
    if isinstance(found, Record):
        return found.outputs["clip"]
    panel = Panel(
        width=timeline.width,
        height=timeline.height,
        rate=timeline.fps,
        frames=clip.frames,
        picture=None,
        caption=caption,
        camera="static",
        dialogue=(),
        seed=1,
    )
    with store.workspace() as folder:
        card = folder / "slate.mp4"
        try:
            render(panel, card, ffmpeg=tools.ffmpeg, voice=None, threads=1, tick=lambda _: None)
        except RenderError as error:
            raise MediaError(f"the slate of {clip.shot}: {error}") from error
        return store.put(key, {"clip": card}, {}).outputs["clip"]
