"""What buying a clip costs besides the clip."""

import json
from pathlib import Path

from films import FFMPEG
from measure import PYTHON, Result, Runner, interleaved

JOBS, MANY = 300, 5000
_BUYING = Path(__file__).with_name("buying.py")


def purchases(folder: Path, runner: Runner) -> list[Result]:
    """CPU seconds a job against the least that writing it down takes, and memory at 5,000 jobs."""
    clip = folder / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=24:d=1", "-pix_fmt", "yuv420p"]
    runner.run([FFMPEG, "-loglevel", "error", "-y", *picture, clip], folder)

    def spent(which: str, number: int = JOBS) -> dict[str, float]:
        told: dict[str, float] = json.loads(
            runner.run([PYTHON, _BUYING, which, str(number), folder / which, clip], folder).out
        )
        return told

    medians, samples = interleaved(
        3,
        ours=lambda: spent("ours")["cpu"] / JOBS * 1000,
        least=lambda: spent("least")["cpu"] / JOBS * 1000,
    )
    ratio = medians["ours"] / medians["least"]
    few, many = spent("ours", JOBS), spent("ours", MANY)
    share = many["wall"] / MANY / (165 / 300)
    per_job = (many["peak"] - few["peak"]) / (MANY - JOBS) * 1000
    notes = [
        f"{many['wall'] / MANY * 1000:.1f} ms of wall a job: {share:.1%} of what a job takes at 300 at once (165 s / 300)"
    ]
    return [
        Result("buying", "CPU, ms a job", medians["ours"], medians["least"], ratio, "", None, notes, samples),
        Result(
            "memory of 5,000 jobs", "peak, MB", many["peak"], few["peak"], per_job, "<= 300 MB", many["peak"] <= 300
        ),
    ]
