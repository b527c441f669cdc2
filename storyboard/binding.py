"""Which references a job is given: chosen by the model's limits, in an order that never surprises."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from storyboard.assets import Asset
from storyboard.catalog import Model, References
from storyboard.diagnostic import Diagnostic
from storyboard.job import LAST_FRAME, Input, Job, Own, Producer
from storyboard.model import Reference
from storyboard.model.reference import url_path
from storyboard.resolve import Resolved
from storyboard.sniff import is_image, is_video
from storyboard.source import Span
from storyboard.timing import exact

_VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm"})


@dataclass(frozen=True)
class Bound:
    """The inputs in the order sent, the characters that the first of them show, and what was found. `incomplete` where
    another job that it needs can't be made, which is said where that is.
    """

    inputs: tuple[Input, ...]
    characters: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    incomplete: bool = False


Made = Callable[[str, str], Job | Own | None]
"""What makes a shot (its id) in a pass; None where nothing can."""


def _given(reference: Reference, asset: Asset, said: str) -> Input:
    part = "t={},{}".format(*map(exact, reference.seconds)) if reference.seconds and is_video(asset.media) else ""
    if reference.url is None:
        return Input(asset.written, asset.sha256, file=asset.path, part=part, said=said)
    sha256 = reference.sha256 or asset.sha256 or None
    return Input(str(reference), sha256, url=reference.url, said=said)


def _from(producer: Job | Own, pass_id: str, shot: str, said: str, part: str = "") -> Input:
    """Another shot's clip, or a part of it, as an input."""
    if isinstance(producer, Own):
        return Input(producer.label, producer.sha256, file=producer.file, part=part, said=said)
    label = f"{shot} in {pass_id}" if not part else f"the last frame of {shot} in {pass_id}"
    return Input(label, None, producer=Producer(pass_id, shot, producer.key), part=part, said=said)


def _asset(reference: Reference, assets: Mapping[str, Asset]) -> Asset:
    return assets[str(reference)]


def _kind(reference: Reference, assets: Mapping[str, Asset]) -> str:
    """`image`, `video`, or "" for what a rule refuses. A URL that was never fetched is what its suffix says."""
    asset = _asset(reference, assets)
    if reference.url is not None and not asset.media:
        path = url_path(reference.url or "")
        if path is None:
            return ""
        return "video" if PurePosixPath(path).suffix.lower() in _VIDEO_SUFFIXES else "image"
    return "image" if is_image(asset.media) else "video" if is_video(asset.media) else ""


def bind_image(
    shot: Resolved, model: Model, models: Mapping[str, Model], assets: Mapping[str, Asset], made: Made
) -> Bound:
    """The picture to animate: the start frame, else the first image of those in the shot."""
    start, wants = shot.start_frame, model.image
    found = list(_no_guide(shot, model))
    if wants is None:
        return Bound((), findings=(*found, *_no_start_frame(shot, model, models)))
    if start and start.last_frame_of is not None:
        producer = made(shot.pass_id, start.last_frame_of)
        given = [_from(producer, shot.pass_id, start.last_frame_of, "start_frame", LAST_FRAME)] if producer else []
        return Bound(tuple(given), findings=tuple(found), incomplete=producer is None)
    picture = start.picture if start else None
    board = shot.board.characters
    candidates = (
        [(picture, "start_frame")]
        if picture
        else [(r, f"reference {n} of @{c}") for c in shot.bound for n, r in enumerate(board[c].references, 1)]
    )
    refused = any(not _kind(reference, assets) for reference, _ in candidates)
    for reference, said in candidates:
        if _kind(reference, assets) == "image" and (reference.file is not None or wants.urls):
            return Bound((_given(reference, _asset(reference, assets), said),), findings=tuple(found))
    if start and start.url and not wants.urls and not refused:
        message = f"{model.id} (pass {shot.pass_id}) is offline and fetches no URL: a card is shown instead"
        help_ = "download the picture beside the storyboard"
        found.append(Diagnostic("SB305", message, shot.where("start_frame"), help_, "warning"))
    elif wants.required and not start and not refused:
        message = f"{shot.shot.id} has no picture for {model.id} (pass {shot.pass_id}) to animate"
        help_ = "write start_frame: refs/first.png, or mention a character that has an image"
        found.append(Diagnostic("SB303", message, shot.at.of(shot.shot, "id"), help_))
    return Bound((), findings=tuple(found))


def bind_references(
    shot: Resolved, model: Model, models: Mapping[str, Model], assets: Mapping[str, Asset], made: Made
) -> Bound:
    """Each character's first reference that fits, in order, then everyone's next ones while there is room; a guide
    comes last, and a further one gives way to it.
    """
    limits = model.references
    assert limits is not None
    found = list(_no_start_frame(shot, model, models))
    room = _Room(limits)
    first: list[Input] = []
    waiting: list[tuple[str, list[tuple[int, Reference, str]]]] = []
    for character in shot.bound:
        references = [(n, r, _kind(r, assets)) for n, r in enumerate(shot.board.characters[character].references, 1)]
        usable = [one for one in references if one[2]]
        chosen = next((one for one in usable if room.take(one[2])), None)
        if chosen is None:
            if len(usable) == len(references):
                found.append(_unbound(shot, model, character, models, assets))
            continue
        first.append(_input(character, *chosen[:2], assets))
        waiting.append((character, [one for one in usable if one is not chosen]))
    guide, missing = _guide(shot, model, room, made, found)
    if not shot.bound and not shot.names_someone and not shot.guide:
        message = f"{shot.shot.id} mentions no character, but {model.id} (pass {shot.pass_id}) needs one"
        help_ = "mention one in the prompt, such as @mira, or list it under 'characters'"
        found.append(Diagnostic("SB303", message, shot.at.of(shot.shot, "id"), help_))
    further: list[Input] = []
    for rank in range(max((len(queue) for _, queue in waiting), default=0)):
        for character, queue in waiting:
            if rank >= len(queue):
                continue
            n, reference, kind = queue[rank]
            if room.take(kind):
                further.append(_input(character, n, reference, assets))
            else:
                found.append(_left_out(shot, model, character, reference, kind))
    return Bound((*first, *further, *guide), shot.bound, tuple(found), missing)


def _input(character: str, number: int, reference: Reference, assets: Mapping[str, Asset]) -> Input:
    return _given(reference, _asset(reference, assets), f"reference {number} of @{character}")


def _guide(
    shot: Resolved, model: Model, room: "_Room", made: Made, found: list[Diagnostic]
) -> tuple[list[Input], bool]:
    """The clip that guides the model, and whether there should be one that can't be had."""
    guide = shot.guide
    if guide is None or guide not in shot.board.passes:
        return [], False
    none_fits = list(_no_guide(shot, model))
    if none_fits:
        found += none_fits
        return [], False
    if not room.take("video"):
        assert model.references is not None
        takes = limits_in_words(model.references)
        message = (
            f"there is no room for the guide in {shot.shot.id} (pass {shot.pass_id}): {model.id} takes up to {takes}"
        )
        help_ = "bind fewer characters in this shot, or write 'guide: none' under its 'passes'"
        found.append(Diagnostic("SB314", message, _guide_written(shot), help_))
        return [], False
    producer = made(guide, shot.shot.id)
    return ([_from(producer, guide, shot.shot.id, "guide")] if producer else []), producer is None


def _guide_written(shot: Resolved) -> Span:
    written = shot.switch_written("guide")
    assert written is not None
    return written


def _no_guide(shot: Resolved, model: Model) -> Iterator[Diagnostic]:
    """SB313: a guide for a model that takes no videos."""
    if shot.guide is None or (model.references is not None and model.references.videos):
        return
    message = f"{model.id} (pass {shot.pass_id}) takes no videos, so it can't be guided by '{shot.guide}'"
    help_ = "remove the guide, or use a reference-to-video model"
    yield Diagnostic("SB313", message, _guide_written(shot), help_)


class _Room:
    """What a model still takes."""

    def __init__(self, limits: References) -> None:
        self._left = {"image": limits.images, "video": limits.videos}
        self._total = limits.total

    def take(self, kind: str) -> bool:
        if not self._total or not self._left[kind]:
            return False
        self._total -= 1
        self._left[kind] -= 1
        return True


def limits_in_words(limits: References) -> str:
    """Such as `2 videos and no images`."""
    if not limits.images:
        return f"{limits.videos} videos and no images"
    return f"{limits.total} references, of which {limits.videos} videos" if limits.videos else f"{limits.images} images"


def _unbound(
    shot: Resolved, model: Model, character: str, models: Mapping[str, Model], assets: Mapping[str, Asset]
) -> Diagnostic:
    assert model.references is not None
    takes = limits_in_words(model.references)
    place = f"in {shot.shot.id} (pass {shot.pass_id})"
    references = shot.board.characters[character].references
    kinds = {_kind(reference, assets) for reference in references}
    if not references:
        message = f"'{character}' can't be bound {place}: it has no references"
        help_ = f"add references to '{character}', or leave it out of the shot"
    elif any(getattr(model.references, kind + "s") for kind in kinds):
        message = f"'{character}' can't be bound {place}: there is no room, as {model.id} takes up to {takes}"
        help_ = f"bind fewer characters in this shot{_other(shot, model, models, kinds)}"
    else:
        message = f"'{character}' can't be bound {place}: {model.id} takes up to {takes}"
        help_ = (
            f"add a {'video' if 'image' in kinds else 'picture'} of '{character}'{_other(shot, model, models, kinds)}"
        )
    return Diagnostic("SB302", message, shot.mention(character), help_)


def _other(shot: Resolved, model: Model, models: Mapping[str, Model], kinds: set[str]) -> str:
    """Which model would take everyone of the shot: one that the film uses already, else one of the same provider."""
    used = [pass_.model for pass_ in shot.board.passes.values()]
    near = sorted(models, key=lambda name: (name not in used, name.partition("/")[0] != model.provider))
    for other in (models[name] for name in near if name in models):
        limits = other.references if other.id != model.id else None
        if limits and limits.total >= len(shot.bound) and any(getattr(limits, kind + "s") for kind in kinds):
            return f"; or use {other.id}, which takes up to {limits_in_words(limits)}"
    return ""


def _left_out(shot: Resolved, model: Model, character: str, reference: Reference, kind: str) -> Diagnostic:
    assert model.references is not None
    owner = shot.board.characters[character]
    span: Span = shot.at.of(owner, "references", owner.references.index(reference))
    takes = limits_in_words(model.references)
    if not getattr(model.references, kind + "s"):
        message = f"{model.id} (pass {shot.pass_id}) takes no {kind}s: '{reference}' of '{character}' is left out"
        return Diagnostic("SB305", message, span, f"it takes up to {takes}", "warning")
    message = f"'{reference}' of '{character}' is left out of {shot.shot.id} (pass {shot.pass_id}): no room"
    return Diagnostic("SB305", message, span, f"{model.id} takes up to {takes}", "warning")


def _no_start_frame(shot: Resolved, model: Model, models: Mapping[str, Model]) -> list[Diagnostic]:
    if shot.start_frame is None or model.image is not None:
        return []
    message = f"{model.id} (pass {shot.pass_id}) takes no start frame"
    known = ((name, models.get(pass_.model)) for name, pass_ in shot.board.passes.items())
    takes = next((name for name, other in known if other and other.image), None)
    help_ = f"put it where it is used: 'passes: {{{takes}: {{start_frame: …}}}}'" if takes else "remove it"
    return [Diagnostic("SB304", message, shot.where("start_frame"), help_)]
