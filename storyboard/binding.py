"""Which references a job is given: chosen by the model's limits, in an order that never surprises."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from storyboard.assets import Asset
from storyboard.catalog import Model, References
from storyboard.diagnostic import Diagnostic
from storyboard.job import Input
from storyboard.model import Reference
from storyboard.model.reference import url_path
from storyboard.resolve import Resolved
from storyboard.sniff import is_image, is_video
from storyboard.source import Span

_VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".webm"})


@dataclass(frozen=True)
class Bound:
    """The inputs in the order sent, the characters that the first of them show, and what was found."""

    inputs: tuple[Input, ...]
    characters: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()


def _given(reference: Reference, asset: Asset) -> Input:
    if reference.url is None:
        return Input(asset.written, asset.sha256, file=asset.path)
    return Input(str(reference), reference.sha256 or asset.sha256 or None, url=reference.url)


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


def bind_image(shot: Resolved, model: Model, models: Mapping[str, Model], assets: Mapping[str, Asset]) -> Bound:
    """The picture to animate: the start frame, else the first image of those in the shot."""
    start, wants = shot.start_frame, model.image
    if wants is None:
        return Bound((), findings=tuple(_no_start_frame(shot, model, models)))
    candidates = [start] if start else [r for c in shot.bound for r in shot.board.characters[c].references]
    refused = any(not _kind(reference, assets) for reference in candidates)
    for reference in candidates:
        if _kind(reference, assets) == "image" and (reference.file is not None or wants.urls):
            return Bound((_given(reference, _asset(reference, assets)),))
    if start and start.url and not wants.urls and not refused:
        message = f"{model.id} (pass {shot.pass_id}) is offline and fetches no URL: a card is shown instead"
        help_ = "download the picture beside the storyboard"
        return Bound((), findings=(Diagnostic("SB305", message, shot.where("start_frame"), help_, "warning"),))
    if wants.required and not start and not refused:
        message = f"{shot.shot.id} has no picture for {model.id} (pass {shot.pass_id}) to animate"
        help_ = "write start_frame: refs/first.png, or mention a character that has an image"
        return Bound((), findings=(Diagnostic("SB303", message, shot.at.of(shot.shot, "id"), help_),))
    return Bound(())


def bind_references(shot: Resolved, model: Model, models: Mapping[str, Model], assets: Mapping[str, Asset]) -> Bound:
    """Each character's first reference that fits, in order, then everyone's next ones while there is room."""
    limits = model.references
    assert limits is not None
    found = list(_no_start_frame(shot, model, models))
    if not shot.bound:
        if not shot.names_someone:
            message = f"{shot.shot.id} mentions no character, but {model.id} (pass {shot.pass_id}) needs one"
            help_ = "mention one in the prompt, such as @mira, or list it under 'characters'"
            found.append(Diagnostic("SB303", message, shot.at.of(shot.shot, "id"), help_))
        return Bound((), findings=tuple(found))
    room = _Room(limits)
    first: list[Input] = []
    waiting: list[tuple[str, list[Reference]]] = []
    for character in shot.bound:
        references = shot.board.characters[character].references
        usable = [r for r in references if _kind(r, assets)]
        chosen = next((r for r in usable if room.take(_kind(r, assets))), None)
        if chosen is None:
            if len(usable) == len(references):
                taken = any(getattr(limits, _kind(r, assets) + "s") for r in usable)
                found.append(_unbound(shot, model, character, full=taken))
            continue
        first.append(_given(chosen, _asset(chosen, assets)))
        waiting.append((character, [r for r in usable if r is not chosen]))
    further: list[Input] = []
    for rank in range(max((len(queue) for _, queue in waiting), default=0)):
        for character, queue in waiting:
            if rank >= len(queue):
                continue
            reference = queue[rank]
            kind = _kind(reference, assets)
            if room.take(kind):
                further.append(_given(reference, _asset(reference, assets)))
            else:
                found.append(_left_out(shot, model, character, reference, kind))
    return Bound((*first, *further), shot.bound, tuple(found))


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


def _unbound(shot: Resolved, model: Model, character: str, *, full: bool) -> Diagnostic:
    """`full` tells whether the model takes such references, but no more of them."""
    assert model.references is not None
    takes = limits_in_words(model.references)
    place = f"in {shot.shot.id} (pass {shot.pass_id})"
    if not shot.board.characters[character].references:
        message = f"'{character}' can't be bound {place}: it has no references"
        help_ = f"add references to '{character}', or leave it out of the shot"
    elif full:
        message = f"'{character}' can't be bound {place}: there is no room, as {model.id} takes up to {takes}"
        help_ = "bind fewer characters in this shot, or use a model that takes more references"
    else:
        message = f"'{character}' can't be bound {place}: {model.id} takes up to {takes}"
        help_ = f"add a reference to '{character}' that the model takes"
    return Diagnostic("SB302", message, shot.mention(character), help_)


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
