"""The storyboard, one pass of it, to jobs: pure and deterministic."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

from storyboard import prompt, shots, timing
from storyboard.binding import Bound, Made, bind_image, bind_references
from storyboard.catalog import Model
from storyboard.diagnostic import Diagnostic
from storyboard.film import Take
from storyboard.job import Job, Own, new
from storyboard.lint import lint
from storyboard.resolve import Resolved, clock, display_name
from storyboard.world import World


@dataclass
class Lowered:
    """What makes each shot of one pass, in the film's order, its other takes, and what was found on the way.

    A shot that is skipped, that the pass leaves out, or that has errors, has None.
    """

    jobs: list[Job | Own | None] = field(default_factory=list)
    takes: dict[int, tuple[Take, ...]] = field(default_factory=dict)
    findings: list[Diagnostic] = field(default_factory=list)


def lower(world: World, pass_id: str, wanted: Collection[str] | None, earlier: Mapping[str, Lowered]) -> Lowered:
    """The jobs of one pass, for the shots of `wanted` (None for all); `earlier` has the passes that guide it."""
    shots = list(world.board.all_shots())
    numbers = {shot.id: n for n, (shot, _) in enumerate(shots)}
    lowered = Lowered([None] * len(shots))
    found: list[list[Diagnostic]] = [[] for _ in shots]

    def made(other: str, shot: str) -> Job | Own | None:
        jobs = lowered.jobs if other == pass_id else earlier[other].jobs if other in earlier else []
        return jobs[numbers[shot]] if shot in numbers and jobs else None

    resolved = [Resolved(world.board, shot, scene, pass_id, world.at) for shot, scene in shots]
    for n in _order(resolved, numbers):
        shot = resolved[n]
        if shot.shot.skip or (wanted is not None and shot.shot.id not in wanted and shot.clip is None):
            continue
        first, takes = _made(shot, world, made, found[n].append)
        if not any(finding.is_error for finding in found[n]):
            lowered.jobs[n] = first
            if takes:
                lowered.takes[n] = takes
    for before, after in pairwise(n for n, (shot, _) in enumerate(shots) if not shot.skip):
        found[after] += _handle(resolved[before], resolved[after], lowered.jobs[before])
    lowered.findings = list(dict.fromkeys(finding for each in found for finding in each))
    return lowered


def chained(shot: Resolved) -> str | None:
    """The shot whose last frame this one starts from."""
    return shot.start_frame.last_frame_of if shot.start_frame else None


def _order(shots: Sequence[Resolved], numbers: Mapping[str, int]) -> list[int]:
    """The shots' places, each after the one that it goes on from; of a circle, which a rule tells of, in any order."""
    others = [chained(shot) for shot in shots]
    after = {n: numbers[other] for n, other in enumerate(others) if other is not None and other in numbers}
    order: dict[int, None] = {}
    for n in range(len(shots)):
        chain = {n: None}
        while (n := after.get(n, -1)) >= 0 and n not in chain and n not in order:
            chain[n] = None
        order.update(dict.fromkeys(reversed(chain)))
    return list(order)


def _made(
    shot: Resolved, world: World, made: Made, report: Callable[[Diagnostic], None]
) -> tuple[Job | Own | None, tuple[Take, ...]]:
    """What makes a shot, and its other takes."""
    if shot.clip is not None:
        asset = world.assets[str(shot.clip)]
        return (None if asset.problem else Own(asset.written, asset.sha256, asset.path)), ()
    jobs = _jobs(shot, world, made, report)
    if not jobs:
        return None, ()
    return jobs[0], tuple(map(Take, shot.takes[1:], jobs[1:]))


def _jobs(shot: Resolved, world: World, made: Made, report: Callable[[Diagnostic], None]) -> list[Job]:
    """A job for each take; none where something stands in the way, which is reported."""
    models, assets = world.models, world.assets
    model = models.get(shot.model)
    if model is None or not (shot.own("prompt") or shot.shot.beats):  # said by a rule
        return []
    bound = (bind_references if model.references else bind_image)(shot, model, models, assets, made)
    for finding in (*bound.findings, *_switches(shot, model), *_unmentioned(shot, model), *_jump(shot, world, made)):
        report(finding)
    seconds = _length(shot, model, models, report)
    size = _size(shot, model, report)
    if seconds is None or size is None or bound.incomplete:
        return []
    values = _values(shot, model, bound, seconds) | {"size": size}
    for finding in (*_needs_hosting(shot, model, bound), *lint(shot, model, values["prompt"])):
        report(finding)
    cost = model.cost(resolution=shot.switch("resolution"), seconds=seconds, audio=shot.switch("audio"))
    inputs = {given.name: given for given in bound.inputs}
    via = shot.pass_.upload_via if model.files == "urls" else None
    bodies = (model.body(values | {"seed": shot.seed(take)}) for take in shot.takes)
    words = (_words(shot, take) for take in shot.takes)
    return [new(model.id, body, inputs, seconds, cost, via, said) for body, said in zip(bodies, words, strict=True)]


def _words(shot: Resolved, take: int) -> dict[str, str]:
    """The author's own words behind a request, by field; only those that say something."""
    said = {"prompt": shot.own("prompt"), "camera": shot.own("camera"), "style.prompt": shot.board.style.prompt}
    if shot.shot.beats:
        said["beats"] = " | ".join(beat.prompt for beat in shot.shot.beats)
    said["scene's style.prompt" if shot.shot.style is None else "the shot's style.prompt"] = shot.style.prompt
    said |= {"negative": shot.own("negative"), "pass's negative": shot.pass_.negative or ""}
    said |= {"style.negative": shot.board.style.negative, "scene's style.negative": shot.style.negative}
    if take != 1:
        said["take"] = str(take)
    return {key: text for key, text in said.items() if text}


def _unmentioned(shot: Resolved, model: Model) -> Iterator[Diagnostic]:
    """SB407: a reference that the model gets without a word of it in the prompt."""
    if model.mentions != "token" or not all(name in shot.board.characters for name in shot.names):
        return  # of a name misspelt it isn't known whom it mentions
    for character in shot.bound:
        if character not in shot.mentioned:
            message = f"{shot.shot.id} sends the references of '{character}', but its prompt doesn't mention it"
            help_ = f"write @{character} where it is seen, as a model may leave out what isn't mentioned"
            yield Diagnostic("SB407", message, shot.mention(character), help_, "warning")


def _jump(shot: Resolved, world: World, made: Made) -> Iterator[Diagnostic]:
    """SB315: a shot that goes on from the last frame of a clip, of which the cut doesn't show the end."""
    other = chained(shot)
    producer = made(shot.pass_id, other) if other else None
    if other is None or not isinstance(producer, Job):
        return
    before = world.shots[other]
    ends = before.trim.in_.seconds(shot.board.fps) + before.duration.seconds(shot.board.fps)
    if ends < producer.seconds:
        message = (
            f"{shot.shot.id} goes on from the end of {other}'s clip at {timing.shown(producer.seconds)} (pass "
            f"{shot.pass_id}), but the cut leaves {other} at {timing.shown(ends)}: the picture jumps"
        )
        help_ = f"let {other} last as long as what is bought, or start from a picture of your own"
        yield Diagnostic("SB315", message, shot.where("start_frame"), help_, "warning")


def _handle(before: Resolved, after: Resolved, made: Job | Own | None) -> Iterator[Diagnostic]:
    """SB319: what is bought of a shot lasts until the transition into the next one is over, to a frame. The animatic's
    clips have no handles, and hold their last frame.
    """
    at, board, join = after.at, after.board, after.shot.transition
    if join.type == "cut" or not isinstance(made, Job) or made.local:
        return
    if at.lacks(board, "fps") or any(at.lacks(each.shot, *_JOINED) for each in (before, after)):
        return
    length = shots.transition(board, after.shot).length
    if join.duration and join.duration.seconds(board.fps) > min(before.asked, after.asked):  # SB308
        return
    retimed = before.shot.fit == "retime"
    handle = Fraction(0) if retimed else made.seconds - before.trim_in - before.asked
    under = length / 2 if join.type in _THROUGH else length
    if (under - handle) * board.fps >= 1:
        name, takes = before.shot.id, f"the {join.type} into {after.shot.id} takes {timing.shown(length)}"
        left = f"{timing.shown(handle) if handle else 'nothing'} of {name}'s clip is left after the cut"
        help_ = f"shorten the transition or {name}, or use a model that sells longer clips"
        if retimed:
            help_ = f"use a cut, or write 'fit: hold' on {name}: a clip that is retimed is over at the cut"
        message = f"{takes}, but {left} (pass {before.pass_id}): its last frame is held"
        yield Diagnostic("SB319", message, at.of(after.shot, "transition"), help_, "warning")


_THROUGH = frozenset({"fade", "dip"})
"""Transitions through a colour, in whose second half nothing is seen of the shot before."""
_JOINED = ("skip", "duration", "trim", "fit", "transition")
"""The keys of two shots that tell whether a transition fits."""


def _needs_hosting(shot: Resolved, model: Model, bound: Bound) -> Iterator[Diagnostic]:
    """SB311: a model that takes URLs only is given no file, unless the pass says who hosts it."""
    local = [given for given in bound.inputs if given.url is None]
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
    text, *beats, camera = (prompt.replace(words.text, known, spoken) for words in shot.words)
    values: dict[str, Any] = {
        "prompt": shot.composed(prompt.sentences(text, *_numbered(shot, beats)) if beats else text, camera),
        "caption": prompt.sentences(text, *beats) if beats else text.strip(),
        "camera": camera.strip(),
        "dialogue": _dialogue(shot),
        "aspect": shot.board.aspect,
        "fps": timing.exact(shot.board.fps),
        "frames": timing.frames_covering(seconds, shot.board.fps),
        "duration": ceil(seconds),
        "shot_type": "multi" if beats else shot.switch("shot_type"),
        "audio": shot.switch("audio"),
        "prompt_expansion": shot.switch("prompt_expansion"),
    }
    if shot.negative:
        values["negative"] = shot.negative
    if bound.inputs:
        values["references"] = [given.name for given in bound.inputs]
        values["image"] = bound.inputs[0].name
    return values


def _numbered(shot: Resolved, beats: Sequence[str]) -> Iterator[str]:
    """The beats as Wan 2.6 reads several shots: `Shot 1 [0-3s] what is seen` (fal.ai's page of the model)."""
    for n, (text, (start, end)) in enumerate(zip(beats, shot.beat_times(), strict=True), 1):
        last = max(end, _held(shot)) if n == len(beats) else end  # what isn't shown goes on as the last one
        yield f"Shot {n} [{clock(start)}-{clock(last)}s] {text.strip()}"


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


def _dialogue(shot: Resolved) -> list[dict[str, str]]:
    """The lines, timed in seconds from the clip's start."""
    return [
        {
            "who": line.who,
            "line": line.text,
            "at": timing.exact(shot.trim_in + line.start),
            "for": timing.exact(line.length),
        }
        for line in shots.lines(shot.board, shot.shot)
    ]


def _held(shot: Resolved) -> Fraction:
    """How long the author wants the clip at least, in seconds."""
    of = shot.shot.trim.of
    return of.seconds(shot.board.fps) if of else Fraction(0)


def _length(
    shot: Resolved, model: Model, models: Mapping[str, Model], report: Callable[[Diagnostic], None]
) -> Fraction | None:
    held = _held(shot)
    needed = max(shot.trim_in + shot.asked, held)
    seconds = model.bought(needed)
    if seconds is None:
        longer = [m for m in models.values() if m.bought(needed) is not None and m.kind == model.kind]
        cure = f"; or use {longer[0].id}" if longer else ""
        chain = "start the second with start_frame: {last_frame_of: …}" if model.image else ""
        trimmed = f" with its trim of {timing.shown(shot.trim_in)}" if shot.trim_in else ""
        if "duration" in shot.shot.model_fields_set:
            span = shot.at.of(shot.shot, "duration")
        else:
            span = shot.at.start(shot.shot)
        help_ = f"shorten it, or split it into two shots{f', and {chain}' if chain else ''}{cure}"
        if held > shot.trim_in + shot.asked:
            trimmed, span = " by the 'of' of its trim", shot.at.of(shot.shot, "trim", "of")
            help_ = f"shorten 'of', as the shot shows {timing.shown(shot.asked)}{cure}"
        report(
            Diagnostic(
                "SB301",
                f"{shot.shot.id} needs {timing.shown(needed)}{trimmed}, but {model.id} (pass {shot.pass_id}) "
                f"makes at most {timing.shown(model.longest)}",
                span,
                help_,
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
        if key == "shot_type" and shot.shot.beats and shot.override.shot_type == "single":
            message = f"{shot.shot.id} has beats, and is a single shot in pass {shot.pass_id}"
            help_ = "remove shot_type, or the beats"
            found.append(Diagnostic("SB316", message, shot.at.key(shot.override, key), help_))
        if span is not None and key not in model.fields:
            message = f"{model.id} (pass {shot.pass_id}) has no switch '{key}': nothing is sent for it"
            found.append(Diagnostic("SB306", message, span, "remove it", severity="warning"))
    return found
