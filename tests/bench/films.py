"""The films that are measured: storyboards, and stores filled without rendering a thing."""

import shutil
import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from measure import Runner
from PIL import Image

from storyboard.changes import facts_of
from storyboard.compiler import Project, load
from storyboard.lock import Entry, Place, entry
from storyboard.media import probe
from storyboard.memo import SETTLED
from storyboard.plan import Step

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SHOTS, MANY, SECONDS, FPS = 24, 200, 5, 24
MODEL = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"

_MOVES = ("slow dolly in", "pan left", "tilt up", "static", "truck right", "slow dolly out")
_SEEN = ("a rider crosses the ford", "the lamp goes out", "two boats meet", "rain on the glass", "the gate opens")


def settle() -> None:
    """Wait until files just written are old enough for their hashes to be remembered."""
    time.sleep(SETTLED / 1e9 + 0.2)


def noise(path: Path, size: tuple[int, int], seed: int) -> None:
    """A picture that no two seeds share."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def busy(path: Path, seed: int) -> None:
    """A picture of 1920 x 1080 with detail of every size, as a painted frame has."""
    rng = np.random.default_rng(seed)
    total = np.zeros((1080, 1920, 3), np.float32)
    for scale in (2, 8, 32, 128):
        small = rng.integers(0, 256, (1080 // scale + 1, 1920 // scale + 1, 3), np.uint8)
        total += np.asarray(Image.fromarray(small).resize((1920, 1080), Image.Resampling.BICUBIC), np.float32) / 4
    Image.fromarray(total.astype(np.uint8)).save(path)


def wide_film(folder: Path, shots: int, runner: Runner) -> Path:
    """A storyboard of many shots, each with a start frame of its own, and a clip in the store for every one."""
    path = folder / "storyboard.yaml"
    folder.mkdir(parents=True)
    for n in range(shots):
        noise(folder / "boards" / f"{n:04}.png", (10, 8), n)
    path.write_text(_wide_text(shots), "utf-8")
    frame = folder / "frame.mp4"
    _ffmpeg(runner, folder, "-f", "lavfi", "-i", "color=teal:s=64x36:r=24:d=0.04", "-frames:v", "1", frame.name)
    small = frame.read_bytes()
    project = load(path)
    _fill(project, ((step, _numbered(folder / "next.mp4", small, n)) for n, step in enumerate(project.plan().steps)))
    settle()
    return path


def _wide_text(shots: int) -> str:
    lines = ["storyboard: 1", "title: Wide", "aspect: 16:9", "fps: 24", "seed: 1"]
    lines += ["passes:", "  animatic: {model: local/animatic}", "scenes:"]
    for n in range(shots):
        if n % 25 == 0:
            lines += [f"  - id: scene{n // 25:02}", f"    title: Scene {n // 25}", "    shots:"]
        lines += [
            f"      - id: s{n:04}",
            f'        prompt: "Shot {n}: {_SEEN[n % len(_SEEN)]}, seen from further off than before."',
            f"        camera: {_MOVES[n % len(_MOVES)]}",
            f"        duration: {3 + n % 4}",
            f"        start_frame: boards/{n:04}.png",
        ]
    return "\n".join([*lines, ""])


def _numbered(path: Path, small: bytes, number: int) -> Path:
    """The same clip with a number in a `free` box at its end (ISO/IEC 14496-12, 8.1.2): other bytes."""
    path.write_bytes(small + struct.pack(">I4sI", 12, b"free", number))
    return path


def _fill(project: Project, clips: Iterable[tuple[Step, Path]]) -> None:
    """Put clips into the store as a render would have, and lock them."""
    made: dict[Place, Entry] = {}
    for step, clip in clips:
        job = step.job
        assert job is not None
        assert job.key is not None
        found = probe(clip)
        seen = {"width": found.width, "height": found.height, "frames": found.frames, "sound": found.sound}
        record = project.store.put(job.key, {"clip": clip}, facts_of(job) | {"clip": seen})
        made[Place(step.shot, step.pass_id)] = entry(job, record)
    project.relock(lambda lock: lock.rendered(project.film(), made))


class Film:
    """A film of one shot a clip, all of them there, as a provider returned them."""

    def __init__(self, folder: Path, clips: Mapping[int, Path]) -> None:
        self.folder = folder
        self._path = folder / "storyboard.yaml"
        self._prompts = [f"{_SEEN[n % len(_SEEN)]}, take {n}, and @keeper looks on." for n in clips]
        noise(folder / "keeper.png", (64, 64), 1)
        self._write()
        self._put(clips)

    def change(self, shot: int, clip: Path) -> None:
        """Another prompt for one shot, and the clip that was made for it."""
        self._prompts[shot] += " The light turns."
        self._write()
        self._put({shot: clip})

    def _write(self) -> None:
        lines = ["storyboard: 1", "title: Two minutes", "aspect: 16:9", f"fps: {FPS}"]
        lines += ["characters:", "  keeper: {look: a keeper in yellow, references: [keeper.png]}"]
        lines += ["passes:", f"  draft: {{model: {MODEL}, resolution: 720p}}", "shots:"]
        for n, prompt in enumerate(self._prompts):
            lines += [f"  - id: s{n:02}", f'    prompt: "{prompt}"', f"    duration: {SECONDS}"]
        self._path.write_text("\n".join([*lines, ""]), "utf-8")

    def _put(self, clips: Mapping[int, Path]) -> None:
        project = load(self._path)
        steps = project.plan().steps
        copies = ((steps[n], Path(shutil.copyfile(clip, self.folder / f"{n}.mp4"))) for n, clip in clips.items())
        _fill(project, copies)
        assert all(step.state == "cached" for step in load(self._path).plan().steps)


class Clips:
    """Clips of 5 s, 1280 x 720, H.264 and AAC, no two alike, each made when first asked for.

    They take 1 to 7 MB each, about 5 Mbit/s, as clips of video models do.
    """

    def __init__(self, folder: Path, runner: Runner) -> None:
        self.folder = folder
        self._runner = runner

    def clip(self, number: int) -> Path:
        """Clip `number`, from 0."""
        path = self.folder / f"{number}.mp4"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._make(path, number)
        return path

    def spread(self, shots: int) -> dict[int, Path]:
        """A clip for each shot. Beyond `SHOTS` of them the same `SHOTS` clips come again, in the same order."""
        return {shot: self.clip(shot % SHOTS) for shot in range(shots)}

    def _make(self, path: Path, number: int) -> None:
        still = "scale=1280:720,gblur=6"
        grain = "noise=alls=3:allf=t"
        zoom = f"zoompan=z='1+0.002*on':d=1:s=1280x720:fps={FPS}"
        pictures = (
            f"testsrc2=s=1280x720:r={FPS},hue=h={number * 15}",
            f"mandelbrot=s=1600x900:r=1:start_x=-0.7436{number:02}:start_scale=0.01:maxiter=300,fps={FPS},{zoom},{grain}",
            f"life=s=160x90:r=6:mold=10:ratio=0.2:seed={number}:life_color=#d0e0f0,{still},fps={FPS},{grain}",
            f"mandelbrot=s=640x360:r={FPS}:start_scale=0.0{1 + number % 9}:maxiter=200,scale=1280:720,{grain}",
        )
        self._runner.run(
            [
                *(FFMPEG, "-nostdin", "-v", "error", "-y"),
                *("-f", "lavfi", "-i", f"{pictures[number % len(pictures)]},format=yuv420p"),
                *("-f", "lavfi", "-i", f"sine=f={220 + 20 * number}:r=44100,volume=0.3"),
                *("-t", str(SECONDS), "-c:v", "libx264", "-preset", "veryfast", "-crf", "20"),
                *("-c:a", "aac", "-b:a", "128k", "-ac", "2", "-movflags", "+faststart", path.name),
            ],
            self.folder,
        )


def _ffmpeg(runner: Runner, folder: Path, *arguments: str) -> None:
    runner.run([FFMPEG, "-nostdin", "-v", "error", "-y", *arguments], folder)
