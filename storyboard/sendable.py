"""Compiled requests against their models' schemas, with what is refused shown where the author wrote it."""

from collections.abc import Iterator, Mapping

from storyboard.catalog.request import Misfit, Schemas
from storyboard.diagnostic import Diagnostic
from storyboard.job import Job
from storyboard.lower import Lowered
from storyboard.resolve import Resolved
from storyboard.source import Span
from storyboard.world import World


def check(world: World, lowered: Mapping[str, Lowered]) -> Iterator[Diagnostic]:
    """SB312: every request fits its model's JSON Schema."""
    schemas = Schemas(world.models)
    shots = list(world.board.all_shots())
    for name, one in lowered.items():
        for (shot, scene), job in zip(shots, one.jobs, strict=True):
            if not isinstance(job, Job):
                continue
            for misfit in schemas.misfits(job.model, job.request):
                resolved = Resolved(world.board, shot, scene, name, world.at)
                what = _WORDS.get(misfit.word, misfit.word) or misfit.place or "request"
                message = f"{job.model} (pass {name}) doesn't take this {what} of {shot.id}: {misfit.why}"
                help_ = f"'storyboard models {job.model}' shows what it takes"
                yield Diagnostic("SB312", message, _written(resolved, misfit), help_)


_WORDS = {"size": "resolution", "image": "start_frame", "frames": "duration"}
"""The author's words for parameters where ours differ."""


def _written(shot: Resolved, misfit: Misfit) -> Span:
    """Where the author wrote what became of a parameter."""
    match misfit.word:
        case "prompt" | "caption" if shot.own("prompt"):
            return shot.where("prompt")
        case "negative" if shot.own("negative"):
            return shot.where("negative")
        case "camera":
            return shot.where("camera")
        case "duration" | "frames":
            return shot.at.of(shot.shot, "duration")
        case "seed" if shot.shot.seed is not None:
            return shot.at.of(shot.shot, "seed")
        case "image" if shot.start_frame is not None:
            return shot.where("start_frame")
        case "references" | "image" if shot.bound:
            return shot.mention(shot.bound[0])
        case "size" | "audio" | "shot_type" | "prompt_expansion" as word:
            written = shot.switch_written("resolution" if word == "size" else word)
            return written or shot.at.of(shot.pass_, "model")
        case _:
            return shot.at.of(shot.pass_, "model")
