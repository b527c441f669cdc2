"""What takes seconds: cutting again, cutting afresh, and the animatic."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

from films import FFMPEG, FPS, SECONDS, SHOTS, Clips, Film, busy
from measure import BIN, EVERY, PYTHON, Result, Runner, interleaved

from storyboard.animatic import Panel, render
from storyboard.media import probe

_CHANGED = (11, 3, 17)
_MOVIEPY = """
import sys
from moviepy import VideoFileClip, concatenate_videoclips

*sources, target = sys.argv[1:]
film = concatenate_videoclips([VideoFileClip(source) for source in sources])
film.write_videofile(
    target, fps=24, codec="libx264", preset="veryfast", ffmpeg_params=["-crf", "18"], audio_codec="aac", logger=None
)
"""
_CUT = (BIN / "storyboard", "cut")


def recut(folder: Path, runner: Runner) -> list[Result]:
    """The second cut of a film with one new clip, against moviepy 2, which keeps nothing from the first."""
    clips = Clips(folder.parent / "clips", runner)
    shown = clips.first(SHOTS)
    film = Film(folder, shown)
    first = runner.run(_CUT, folder).wall
    ours, theirs = list[float](), list[float]()
    for n, shot in enumerate(_CHANGED):
        shown[shot] = clips.clip(SHOTS + n)
        film.change(shot, shown[shot])
        ours.append(runner.run(_CUT, folder).wall)
        if n == 0:
            theirs.append(runner.run([PYTHON, "-c", _MOVIEPY, *shown.values(), folder / "other.mp4"], folder).wall)
    _require_length(folder / "build" / "draft" / "cut.mp4", folder / "other.mp4")
    again, whole = statistics.median(ours), theirs[0]
    faster = whole / again
    notes = [f"our first cut of it took {first:.1f} s; one run of moviepy; ours: {_listed(ours)}"]
    samples = {"ours": ours, "moviepy": theirs}
    return [Result("recut", "wall, s", again, whole, faster, ">= 20x faster", faster >= 20, notes, samples)]


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds)


def _require_length(*films: Path) -> None:
    for film in films:
        found = probe(film).frames
        assert abs(found - SHOTS * SECONDS * FPS) <= SHOTS, f"{film.name} has {found} frames"


def memory(folder: Path, runner: Runner) -> list[Result]:
    """The most memory that a first cut takes, Python and every ffmpeg together."""
    Film(folder, Clips(folder.parent / "clips", runner).first(SHOTS))
    peak = runner.watch(_CUT, folder)
    together = peak.root + peak.children * peak.child
    note = (
        f"Python {peak.root:.0f}, the largest of up to {peak.children} ffmpeg at once {peak.child:.0f}, "
        f"these peaks added up {together:.0f}; sampled every {EVERY * 1000:.0f} ms"
    )
    return [
        Result("memory", "peak RSS of the tree, MB", peak.tree, 300, peak.tree / 300, "< 1x", peak.tree < 300, [note])
    ]


def animatic(folder: Path, runner: Runner) -> list[Result]:
    """Frames a second of two animatic clips at once, against ffmpeg's own zoom over the same picture."""
    for n in range(2):
        busy(folder / f"{n}.png", n)
    medians, samples = interleaved(
        3,
        ours=lambda: _pace(lambda n: _panel(folder, n)),
        zoompan=lambda: _pace(lambda n: _zoompan(folder, n, runner)),
    )
    ours, theirs = medians["ours"], medians["zoompan"]
    notes = [f"ratio: to the goal of 30; baseline: ffmpeg's zoompan with no lettering, {ours / theirs:.2f}x"]
    return [Result("animatic", "frames/s, wall", ours, theirs, ours / 30, ">= 30 frames/s", ours >= 30, notes, samples)]


def _pace(make: Callable[[int], None]) -> float:
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, range(2)))
    return 2 * SECONDS * FPS / (time.perf_counter() - started)


def _panel(folder: Path, number: int) -> None:
    words = "The keeper climbs to the lamp while the bay darkens behind her."
    picture = folder / f"{number}.png"
    panel = Panel(1280, 720, Fraction(FPS), SECONDS * FPS, picture, words, "slow dolly in", (), number)
    render(panel, folder / f"{number}.mp4", ffmpeg=Path(FFMPEG), voice=None, threads=1, tick=lambda _: None)


def _zoompan(folder: Path, number: int, runner: Runner) -> None:
    frames = SECONDS * FPS
    runner.run(
        [
            *(FFMPEG, "-nostdin", "-v", "error", "-y", "-i", f"{number}.png"),
            *("-f", "lavfi", "-i", f"anoisesrc=d={SECONDS}:a=0.01:r=48000", "-filter_threads", "1"),
            *(
                "-vf",
                f"zoompan=z='1+0.1*on/{frames}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={frames}:s=1280x720:fps={FPS}",
            ),
            *("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads:v", "1"),
            *("-c:a", "aac", "-shortest", f"zoompan{number}.mp4"),
        ],
        folder,
    )
