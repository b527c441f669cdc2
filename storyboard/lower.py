"""The storyboard, one pass of it, to jobs: pure and deterministic."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

from storyboard import prompt, timing
from storyboard.assets import Asset
from storyboard.binding import Bound, bind_image, bind_references
from storyboard.catalog import Model
from storyboard.decode import Positions
from storyboard.diagnostic import Diagnostic
from storyboard.job import Job, new
from storyboard.model import Storyboard
from storyboard.resolve import Resolved

READING_SPEED = 17
"""Characters a second: the usual ceiling for subtitles for adults (BBC Subtitle Guidelines: 160-180 words a
minute; Netflix Timed Text Style Guide, English: up to 20)."""


@dataclass
class Lowered:
    """One pass's jobs in the film's order, and what was found on the way.

    A shot that is skipped, or has errors, has None.
    """

    jobs: list[Job | None] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)


def lower(
    board: Storyboard,
    pass_id: str,
    at: Positions,
    models: Mapping[str, Model],
    assets: Mapping[str, Asset],
) -> Lowered:
    """The jobs of one pass. A shot with an error has none; `findings` says why."""
    lowered = Lowered()
    for shot, scene in board.all_shots():
        resolved = Resolved(board, shot, scene, pass_id, at)
        found: list[Diagnostic] = []
        job = None if shot.skip else _job(resolved, models, assets, found.append)
        if any(finding.is_error for finding in found):
            job = None
        lowered.jobs.append(job)
        lowered.findings += found
    lowered.findings = list(dict.fromkeys(lowered.findings))
    return lowered


def _job(
    shot: Resolved,
    models: Mapping[str, Model],
    assets: Mapping[str, Asset],
    report: Callable[[Diagnostic], None],
) -> Job | None:
    model = models.get(shot.pass_.model)
    if model is None:  # said by a rule
        return None
    bound = (bind_references if model.references else bind_image)(shot, model, models, assets)
    for finding in (*bound.findings, *_switches(shot, model)):
        report(finding)
    seconds = _length(shot, model, models, report)
    size = _size(shot, model, report)
    if seconds is None or size is None:
        return None
    values = _values(shot, model, bound, seconds) | {"size": size}
    for finding in _needs_hosting(shot, model, bound):
        report(finding)
    request = model.body(values)
    cost = model.cost(resolution=shot.switch("resolution"), seconds=seconds, audio=shot.switch("audio"))
    inputs = {given.name: given for given in bound.inputs}
    return new(model.id, request, inputs, seconds, cost, shot.pass_.upload_via if model.files == "urls" else None)


def _needs_hosting(shot: Resolved, model: Model, bound: Bound) -> Iterator[Diagnostic]:
    """SB311: a model that takes URLs only is given no file, unless the pass says who hosts it."""
    local = [given for given in bound.inputs if given.file is not None]
    if model.files == "upload" or shot.pass_.upload_via or not local:
        return
    provider = model.provider
    message = f"{model.id} (pass {shot.pass_id}) takes https URLs only, and '{local[0].label}' is a file"
    help_ = f"write 'upload_via: wavespeed' in pass {shot.pass_id}, or an https URL: {provider} hosts no files"
    yield Diagnostic("SB311", message, shot.at.of(shot.pass_, "model"), help_)


def _values(shot: Resolved, model: Model, bound: Bound, seconds: Fraction) -> dict[str, Any]:
    """Our words for the parameters, with the values that are sent; what has none is left out."""
    spoken = _speaker(shot, model, bound)
    known = shot.board.characters
    text, camera = (prompt.replace(shot.own(key), known, spoken) for key in ("prompt", "camera"))
    values: dict[str, Any] = {
        "prompt": shot.composed(text, camera),
        "caption": text.strip(),
        "camera": camera.strip(),
        "dialogue": _dialogue(shot),
        "aspect": shot.board.aspect,
        "fps": timing.exact(shot.board.fps),
        "frames": timing.frames_covering(seconds, shot.board.fps),
        "duration": ceil(seconds),
        "shot_type": shot.switch("shot_type"),
        "audio": shot.switch("audio"),
        "prompt_expansion": shot.switch("prompt_expansion"),
        "seed": shot.seed,
    }
    if shot.negative:
        values["negative"] = shot.negative
    if bound.inputs:
        values["references"] = [given.name for given in bound.inputs]
        values["image"] = bound.inputs[0].name
    return values


def _speaker(shot: Resolved, model: Model, bound: Bound) -> Callable[[str], str]:
    """What each mention becomes: the model's token, the name, or the look at first and the name after."""
    if model.mentions == "token":
        tokens = {c: model.token.replace("{n}", str(n)) for n, c in enumerate(bound.characters, 1)}
        return lambda character: tokens.get(character, character)
    described: set[str] = set()

    def speak(character: str) -> str:
        name = display_name(shot.board, character)
        look = shot.board.characters[character].look
        if model.mentions == "name" or not look or character in described:
            return name
        described.add(character)
        return f"{name} ({look})"

    return speak


def display_name(board: Storyboard, character: str) -> str:
    """How people read a character's id: its name, or the id with a capital."""
    known = board.characters.get(character)
    return (known.name if known else None) or character[:1].upper() + character[1:]


def _dialogue(shot: Resolved) -> list[dict[str, str]]:
    """The lines, timed in seconds from the clip's start."""
    fps = shot.board.fps
    lines = []
    for line in shot.shot.dialogue:
        start = line.at.seconds(fps)
        reading = Fraction(max(len(line.line), READING_SPEED), READING_SPEED)
        length = line.for_.seconds(fps) if line.for_ else min(reading, shot.asked - start)
        who = display_name(shot.board, line.who)
        at, for_ = timing.exact(shot.trim_in + start), timing.exact(length)
        lines.append({"who": who, "line": line.line, "at": at, "for": for_})
    return lines


def _length(
    shot: Resolved, model: Model, models: Mapping[str, Model], report: Callable[[Diagnostic], None]
) -> Fraction | None:
    needed = shot.trim_in + shot.asked
    seconds = model.bought(needed)
    if seconds is None:
        longer = [m for m in models.values() if m.bought(needed) is not None and m.kind == model.kind]
        cure = f"; or use {longer[0].id}" if longer else ""
        trimmed = f" with its trim of {timing.shown(shot.trim_in)}" if shot.trim_in else ""
        report(
            Diagnostic(
                "SB301",
                f"{shot.shot.id} needs {timing.shown(needed)}{trimmed}, but {model.id} (pass {shot.pass_id}) "
                f"makes at most {timing.shown(model.longest)}",
                shot.at.of(shot.shot, "duration")
                if "duration" in shot.shot.model_fields_set
                else shot.at.start(shot.shot),
                f"shorten it, or split it into two shots{cure}",
            )
        )
    return seconds


def _size(shot: Resolved, model: Model, report: Callable[[Diagnostic], None]) -> str | None:
    resolution, aspect = shot.switch("resolution"), shot.board.aspect
    size = model.size(aspect, resolution)
    if size is None:
        offered = model.sizes.get(aspect, model.sizes.get("any"))
        if offered is None:
            message = f"{model.id} (pass {shot.pass_id}) doesn't offer the aspect ratio {aspect}"
            help_ = f"write one of {', '.join(model.sizes)}"
            span = shot.at.of(shot.board, "aspect")
        else:
            message = f"{model.id} (pass {shot.pass_id}) doesn't offer {resolution}"
            help_ = f"write {' or '.join(offered)}"
            span = shot.switch_written("resolution") or shot.at.start(shot.pass_)
        report(Diagnostic("SB307", message, span, help_))
    return size


def _switches(shot: Resolved, model: Model) -> list[Diagnostic]:
    found = []
    for key in ("audio", "shot_type", "prompt_expansion", "negative"):
        written = shot.override.negative or shot.pass_.negative if key == "negative" else True
        span = shot.switch_written(key) if written else None
        if span is not None and key not in model.fields:
            message = f"{model.id} (pass {shot.pass_id}) has no switch '{key}': nothing is sent for it"
            found.append(Diagnostic("SB306", message, span, "remove it", severity="warning"))
    return found
