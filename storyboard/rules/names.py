"""Names: used once, and known where they are used."""

import re
from collections.abc import Iterable, Iterator

from storyboard import prompt, selection
from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import NO_GUIDE, Override, Shot
from storyboard.resolve import display_name, mention_spans
from storyboard.source import Span
from storyboard.world import World


def unique_shots(world: World) -> Iterator[Diagnostic]:
    """SB203, SB204: each shot's id names one shot, on file systems that ignore case too."""
    shots = ((shot.id, world.at.of(shot, "id")) for shot, _ in world.board.all_shots())
    return _unique("shot", shots)


def unique_scenes(world: World) -> Iterator[Diagnostic]:
    """SB203, SB204: each scene's id names one scene."""
    return _unique("scene", ((scene.id, world.at.of(scene, "id")) for scene in world.board.scenes))


def unique_characters_and_passes(world: World) -> Iterator[Diagnostic]:
    """SB204: characters, and passes, differ in more than case."""
    board, at = world.board, world.at
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


def known_models(world: World) -> Iterator[Diagnostic]:
    """SB205: each pass's model is in the catalogue."""
    for name, pass_ in world.board.passes.items():
        if pass_.model not in world.models:
            message = f"the model '{pass_.model}' of pass '{name}' isn't known"
            yield Diagnostic("SB205", message, world.at.of(pass_, "model"), did_you_mean(pass_.model, world.models))
    for _, owner in world.owners():
        if isinstance(owner, Override) and owner.model is not None and owner.model not in world.models:
            message = f"the model '{owner.model}' isn't known"
            yield Diagnostic("SB205", message, world.at.of(owner, "model"), did_you_mean(owner.model, world.models))


def default_pass_exists(world: World) -> Iterator[Diagnostic]:
    """SB202: `default_pass` names a pass."""
    name = world.board.default_pass
    if name is not None and name not in world.board.passes and not world.at.lacks_names("passes", name):
        help_ = did_you_mean(name, world.board.passes)
        yield Diagnostic("SB202", f"there is no pass '{name}'", world.at.of(world.board, "default_pass"), help_)


def no_pass_is_called_none(world: World) -> Iterator[Diagnostic]:
    """SB105: `guide: none` means no guide."""
    if NO_GUIDE in world.board.passes:
        span = world.at.key(world.board.passes, NO_GUIDE)
        yield Diagnostic("SB105", "a pass can't be called 'none', as 'guide: none' means no guide", span, "rename it")


def fallbacks_add_clips(world: World) -> Iterator[Diagnostic]:
    """SB202, SB221: `fallback` names other passes, each once."""
    passes, at = world.board.passes, world.at
    for name, pass_ in passes.items():
        for n, other in enumerate(pass_.fallback or ()):
            span = at.of(pass_, "fallback", n)
            if other in (pass_.fallback or ())[:n]:
                yield Diagnostic("SB221", f"the pass '{other}' is listed twice", span, "list each pass once")
            elif other not in passes and not at.lacks_names("passes", other):
                help_ = did_you_mean(other, [one for one in passes if one != name])
                yield Diagnostic("SB202", f"there is no pass '{other}' to fall back on", span, help_)
            elif other == name and at.of(pass_).start <= span.start < at.of(pass_).end:
                # not of another pass that this one extends, whose list may well name its heirs
                message = f"the pass '{name}' falls back on itself"
                yield Diagnostic("SB221", message, span, "remove it: its own clips come first")


def known_sets(world: World) -> Iterator[Diagnostic]:
    """SB217: `only` names shots, scenes and states."""
    for pass_ in world.board.passes.values():
        scenes = world.board.scene_of if pass_.only else {}
        unknown = {*selection.chosen(scenes, pass_.only or ()).unknown} - {scene.id for scene in world.board.scenes}
        for n, name in enumerate(pass_.only or ()):
            if name in unknown and not world.at.lacks_names("shots", name):
                message = f"'{name[:40]}' is no shot, no scene, and no state"
                yield Diagnostic("SB217", message, world.at.of(pass_, "only", n), selection.meant(scenes, name))


def known_passes(world: World) -> Iterator[Diagnostic]:
    """SB202: a shot's overrides, and a scene's, name passes."""
    for scene in world.board.scenes:
        for name in scene.passes:
            if name not in world.board.passes and not world.at.lacks_names("passes", name):
                help_ = did_you_mean(name, world.board.passes)
                span = world.at.key(scene.passes, name)
                yield Diagnostic("SB202", f"the scene {scene.id} overrides '{name}', which is no pass", span, help_)
    for shot, its in world.board.all_shots():
        for name in shot.passes:
            known = name in world.board.passes or world.at.lacks_names("passes", name)
            if not known and not (its and name in its.passes):
                help_ = did_you_mean(name, world.board.passes)
                span = world.at.key(shot.passes, name)
                yield Diagnostic("SB202", f"{shot.id} overrides '{name}', which is no pass", span, help_)


def known_characters(world: World) -> Iterator[Diagnostic]:
    """SB201: every mention, and every name in `characters` and `dialogue`, is a character."""
    known = world.board.characters
    for shot, _ in world.board.all_shots():
        owners: tuple[Shot | Override, ...] = (shot, *shot.passes.values())
        for owner in owners:
            for key in ("prompt", "camera"):
                text = getattr(owner, key)
                if text and "@" in text:
                    yield from _mentions(world, text, world.at.of(owner, key))
            for n, name in enumerate(owner.characters or ()):
                if name not in known:
                    yield from _unknown(world, name, world.at.of(owner, "characters", n))
        for beat in shot.beats:
            if "@" in beat.prompt:
                yield from _mentions(world, beat.prompt, world.at.of(beat, "prompt"))
        for line in shot.dialogue:
            if line.who not in known:
                yield from _unknown(world, line.who, world.at.of(line, "who"))


def characters_are_used(world: World) -> Iterator[Diagnostic]:
    """SB406: a character of the storyboard itself is in a shot; a library's may be for another film."""
    known = world.board.characters
    used: set[str] = set()
    for shot, owner in world.owners():
        texts = [owner.prompt or "", owner.camera or "", *(beat.prompt for beat in shot.beats if owner is shot)]
        used.update(mention.id for text in texts if "@" in text for mention in prompt.mentions(text, known))
        used.update(owner.characters or ())
        used.update(line.who for line in shot.dialogue)
    ours = world.at.start(world.board).source
    for name in known:
        span = world.at.key(known, name)
        if name not in used and span.source is ours:
            help_ = f"mention @{name} in a prompt, or remove it"
            yield Diagnostic("SB406", f"no shot has the character '{name}'", span, help_, "warning")


def names_are_mentions(world: World) -> Iterator[Diagnostic]:
    """SB409: a character's name in a prompt binds nobody; people forget its `@`."""
    board, at = world.board, world.at
    names = {display_name(board, i): i for i, c in board.characters.items() if c.kind == "character" and c.references}
    if not names:
        return
    named = re.compile(rf"(?<![\w@])(?:{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})(?!\w)")
    for shot, owner in world.owners():
        if (
            not owner.prompt
            or at.lacks(shot, "camera", "characters", "passes")
            or not (found := named.search(owner.prompt))
        ):
            continue
        texts = (owner.prompt, shot.camera if owner.camera is None else owner.camera)
        bound = {mention.id for text in texts for mention in prompt.mentions(text, board.characters)}
        name = found[0]
        if names[name] not in {*bound, *(shot.characters if owner.characters is None else owner.characters)}:
            written = at.of(owner, "prompt")
            place = named.search(written.text)
            span = written.source.span(written.start + place.start(), written.start + place.end()) if place else written
            message = f"'{name}' stands here without its '@': no reference of it is sent"
            yield Diagnostic("SB409", message, span, f"write @{names[name]}", "warning")


def _mentions(world: World, text: str, written: Span) -> Iterator[Diagnostic]:
    known = world.board.characters
    named = [mention.id for mention in prompt.mentions(text, known)]
    if not all(name in known for name in named):
        for name, span in zip(named, mention_spans(written, named, known), strict=True):
            if name not in known:
                yield from _unknown(world, name, span)


def _unknown(world: World, name: str, span: Span) -> Iterator[Diagnostic]:
    if world.at.lacks_names("characters", name):
        return
    shown = name if len(name) <= 40 else name[:39] + "…"
    close = did_you_mean(name, world.board.characters)
    add = f"add '{shown}' to 'characters'"
    help_ = close if close.startswith("did") else f"{add} ({close})" if close else add
    yield Diagnostic("SB201", f"there is no character '{shown}'", span, help_)
