"""Names: used once, and known where they are used."""

from collections.abc import Iterable, Iterator

from storyboard import prompt
from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import Override, Shot
from storyboard.resolve import mention_span
from storyboard.rules.context import Context
from storyboard.source import Span


def unique_shots(context: Context) -> Iterator[Diagnostic]:
    """SB203, SB204: each shot's id names one shot, on file systems that ignore case too."""
    shots = ((shot.id, context.at.of(shot, "id")) for shot, _ in context.board.all_shots())
    return _unique("shot", shots)


def unique_scenes(context: Context) -> Iterator[Diagnostic]:
    """SB203, SB204: each scene's id names one scene."""
    return _unique("scene", ((scene.id, context.at.of(scene, "id")) for scene in context.board.scenes))


def unique_characters_and_passes(context: Context) -> Iterator[Diagnostic]:
    """SB204: characters, and passes, differ in more than case."""
    board, at = context.board, context.at
    if "characters" in board.model_fields_set:
        yield from _unique("character", ((name, at.key(board.characters, name)) for name in board.characters))
    if "passes" in board.model_fields_set:
        yield from _unique("pass", ((name, at.key(board.passes, name)) for name in board.passes))


def _unique(what: str, named: Iterable[tuple[str, Span]]) -> Iterator[Diagnostic]:
    seen: dict[str, tuple[str, Span]] = {}
    for name, span in named:
        folded = name.casefold()
        if folded not in seen:
            seen[folded] = (name, span)
            continue
        other, first = seen[folded]
        related = (Related(first, f"'{other}' is here"),)
        if other == name:
            message, help_ = f"the {what} id '{name}' is used twice", "give one of the two another id"
            yield Diagnostic("SB203", message, span, help_, related=related)
        else:
            message = f"the {what} ids '{other}' and '{name}' differ only in case"
            help_ = "some file systems take them for the same name: give one another id"
            yield Diagnostic("SB204", message, span, help_, related=related)


def known_models(context: Context) -> Iterator[Diagnostic]:
    """SB205: each pass's model is in the catalogue."""
    for name, pass_ in context.board.passes.items():
        if pass_.model not in context.models:
            message = f"the model '{pass_.model}' of pass '{name}' isn't known"
            yield Diagnostic("SB205", message, context.at.of(pass_, "model"), did_you_mean(pass_.model, context.models))


def default_pass_exists(context: Context) -> Iterator[Diagnostic]:
    """SB202: `default_pass` names a pass."""
    name = context.board.default_pass
    if name is not None and name not in context.board.passes:
        help_ = did_you_mean(name, context.board.passes)
        yield Diagnostic("SB202", f"there is no pass '{name}'", context.at.of(context.board, "default_pass"), help_)


def known_passes(context: Context) -> Iterator[Diagnostic]:
    """SB202: a shot's overrides name passes."""
    for shot, _ in context.board.all_shots():
        for name in shot.passes:
            if name not in context.board.passes:
                help_ = did_you_mean(name, context.board.passes)
                span = context.at.key(shot.passes, name)
                yield Diagnostic("SB202", f"{shot.id} overrides '{name}', which is no pass", span, help_)


def known_characters(context: Context) -> Iterator[Diagnostic]:
    """SB201: every mention, and every name in `characters` and `dialogue`, is a character."""
    known = context.board.characters
    for shot, _ in context.board.all_shots():
        owners: tuple[Shot | Override, ...] = (shot, *shot.passes.values())
        for owner in owners:
            for key in ("prompt", "camera"):
                text = getattr(owner, key)
                if text and "@" in text:
                    yield from _mentions(context, owner, key)
            for n, name in enumerate(owner.characters or ()):
                if name not in known:
                    yield _unknown(context, name, context.at.of(owner, "characters", n))
        for line in shot.dialogue:
            if line.who not in known:
                yield _unknown(context, line.who, context.at.of(line, "who"))


def _mentions(context: Context, owner: Shot | Override, key: str) -> Iterator[Diagnostic]:
    known = context.board.characters
    written = context.at.of(owner, key)
    for n, mention in enumerate(prompt.mentions(getattr(owner, key), known)):
        if mention.id not in known:
            yield _unknown(context, mention.id, mention_span(written, n, mention.id, known))


def _unknown(context: Context, name: str, span: Span) -> Diagnostic:
    shown = name if len(name) <= 40 else name[:39] + "…"
    close = did_you_mean(name, context.board.characters)
    add = f"add '{shown}' to 'characters'"
    help_ = close if close.startswith("did") else f"{add} ({close})" if close else add
    return Diagnostic("SB201", f"there is no character '{shown}'", span, help_)
