"""Deliveries: a cut encoded for where it goes, beside it. What each is, `presets.toml` says."""

import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from storyboard import digest, timing
from storyboard.cut.publish import is_current, publish
from storyboard.event import Advanced, Event, Finished, Started
from storyboard.media import SAFE_INPUT, MediaError, Probe, probe
from storyboard.store import Store
from storyboard.tools import Tools

VERSION = 1


@lru_cache
def presets() -> Mapping[str, Mapping[str, Any]]:
    """Every preset by name."""
    return tomllib.loads((files("storyboard.cut") / "presets.toml").read_text("utf-8"))


def make(
    cut: Path,
    preset: str,
    folder: Path,
    store: Store,
    tools: Tools,
    notify: Callable[[Event], None],
    *,
    leader: int = 0,
    wave: Callable[[Path], None] | None = None,
) -> Path:
    """The delivery of a cut, made unless it is there already. Paths are from `folder`; of the cut's frames the first
    `leader` come before the film, which starts at the hour. `wave` writes the film's mix as WAV to a path, for what is
    to have no lossy sound in it; without it, that is decoded from the cut.

    Raises:
        MediaError: the cut can't be read, or encoded.
    """
    its = presets()[preset]
    path = cut.with_name(f"{cut.stem}.{its['ending']}")
    source = folder / cut
    found = probe(source)
    try:
        sha256 = store.memo.look(source).sha256
    except (OSError, ValueError) as error:
        raise MediaError(f"{cut} can't be read") from error
    key = digest.of(
        {
            "delivery": [VERSION, preset, its],
            "cut": sha256,
            "mix": wave is not None and its["mix"],
            "leader": leader if its["timecode"] else 0,
            "ffmpeg": tools.ffmpeg_version,
        }
    )
    if is_current(key, folder / path, store):
        return path
    notify(Started(preset, "encoding", found.frames))
    reason = "interrupted"
    try:
        with store.workspace() as place:
            made = place / path.name
            mix = place / "mix.wav" if wave is not None and its["mix"] else None
            if wave is not None and mix is not None:
                wave(mix)
            _encode(tools.ffmpeg, _arguments(source, its, found, leader, mix, made), place, preset, notify)
            publish(key, made, folder / path, store)
        reason = ""
    except MediaError as failed:
        reason = str(failed)
        raise
    finally:
        notify(Finished(preset, reason))
    return path


def _arguments(
    source: Path, its: Mapping[str, Any], found: Probe, leader: int, mix: Path | None, made: Path
) -> list[str]:
    longest = its["longest"]
    fitted = (
        f"scale='min({longest},iw)':'min({longest},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2:"
        "flags=lanczos,setsar=1,"
        if longest
        else ""
    )
    colours = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    return [
        *(*SAFE_INPUT, "-i", f"file:{source.absolute()}"),
        *(("-f", "wav", "-i", f"file:{mix.absolute()}") if mix else ()),
        *("-map", "0:v:0", "-map", "1:a:0" if mix else "0:a:0?", "-map", "0:s?"),
        *("-map_metadata", "0", "-map_chapters", "0"),
        *("-vf", f"{fitted}format={its['pixels']},{colours}", "-fps_mode", "passthrough"),
        *its["picture"],
        *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
        *its["sound"],
        *its["subtitles"],
        *(("-timecode", hour(found.rate, leader)) if its["timecode"] else ()),
        *("-fflags", "+bitexact", *its["file"], f"file:{made.absolute()}"),
    ]


def hour(fps: timing.Rate, leader: int) -> str:
    """The timecode of a file's first frame, where its frame `leader` is at 01:00:00:00, as tapes of programmes have it
    (EBU R 98).
    """
    base = timing.round_half_up(fps)
    frames = 3600 * base - (54 * (base // 15) if fps in timing.DROPPING else 0)
    return timing.timecode(max(0, frames - leader), fps)


def _encode(ffmpeg: Path, arguments: Sequence[str], folder: Path, preset: str, notify: Callable[[Event], None]) -> None:
    argv = [str(ffmpeg), "-nostdin", "-hide_banner", "-v", "error", "-y", "-progress", "pipe:1", "-nostats", *arguments]
    with tempfile.TemporaryFile() as words:
        # A Ctrl-C on the terminal is not for it: it is ended below.
        process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=words, start_new_session=True)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith(b"frame="):
                    with suppress(ValueError):
                        notify(Advanced(preset, int(line[6:])))
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if status:
            words.seek(0)
            said = words.read().decode(errors="replace").strip().splitlines()[-3:]
            raise MediaError(f"ffmpeg failed ({status}): {' | '.join(said)}")
