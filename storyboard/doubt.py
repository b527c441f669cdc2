"""What can't be concluded of a pass, as something that it would be concluded from couldn't be read."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from storyboard import prompt
from storyboard.decode import Positions
from storyboard.diagnostic import Diagnostic
from storyboard.lower import Lowered
from storyboard.model import Storyboard
from storyboard.model.reference import split_url
from storyboard.resolve import Resolved
from storyboard.rules.rule import times_known
from storyboard.silence import WARNINGS
from storyboard.sniff import is_image, is_video
from storyboard.world import World

HARMLESS: dict[str, frozenset[str]] = {
    "shot": frozenset(
        {
            "id",
            "title",
            "camera",
            "negative",
            "seed",
            "take",
            "takes",
            "pick",
            "effects",
            "style",
            "place",
            "time",
            "dialogue",
            "fit",
            "framing",
        }
        | {"audio", "transition", "notes", "allow"}
    ),
    "override": frozenset({"camera", "negative", "prompt_expansion", "seed", "take", "takes", "pick"}),
    "pass": frozenset(
        {"resolution", "audio", "shot_type", "prompt_expansion", "negative", "seed", "burn_in", "upload_via", "allow"}
        | {"fallback", "leader", "subtitles"}
    ),
    "character": frozenset({"name", "kind", "look", "voice", "allow", "role", "sha256", "seconds"}),
}
"""The keys of each part on which no finding about a model depends, or only those of `_CODES`."""

_CODES: dict[str, frozenset[str]] = {
    "aspect": frozenset({"SB307"}),
    "resolution": frozenset({"SB307"}),
    "audio": frozenset({"SB402"}),
    "upload_via": frozenset({"SB311"}),
    "style": frozenset({"SB401"}),
    "name": frozenset({"SB401"}),
    "look": frozenset({"SB401"}),
    "allow": WARNINGS,
}


def certain(board: Storyboard, at: Positions, pass_id: str, wanted: Collection[str] | None) -> Collection[str] | None:
    """Of the shots of `wanted` (None for all) those of which something can be told in a pass."""
    if _is_orphan(board, pass_id):
        return ()
    if not at.gaps(board):
        return wanted
    if at.lacks_names("passes") or _harmed(at, board.passes[pass_id], "pass"):
        return ()
    doubted = {s.id for s, scene in board.all_shots() if _is_doubted(Resolved(board, s, scene, pass_id, at))}
    return ({shot.id for shot, _ in board.all_shots()} if wanted is None else set(wanted)) - doubted


def _is_orphan(board: Storyboard, pass_id: str) -> bool:
    """Whether a pass extends, maybe by way of others, one that isn't there, or itself."""
    met: set[str] = set()
    while (base := board.passes[pass_id].extends) is not None:
        met.add(pass_id)
        if base in met or base not in board.passes:
            return True
        pass_id = base
    return False


def complete(world: World, lowered: Mapping[str, Lowered]) -> dict[str, Lowered]:
    """Every pass without the jobs that lack a file, which a rule refuses: what is left of them fits no schema."""
    shots = list(world.board.all_shots())
    left = {}
    for name, one in lowered.items():
        resolved = [Resolved(world.board, shot, scene, name, world.at) for shot, scene in shots]
        jobs = [None if job and _refused(shot, world) else job for shot, job in zip(resolved, one.jobs, strict=True)]
        left[name] = replace(one, jobs=jobs)
    return left


def _refused(shot: Resolved, world: World) -> bool:
    if not shot.bound and shot.names_someone:
        return True
    picture = shot.start_frame.picture if shot.start_frame else None
    if picture and picture.file is not None and not is_image(world.assets[picture.file].media):
        return True
    given = [one for name in shot.bound for one in world.board.characters[name].references]
    for one in (*given, *((picture,) if picture else ())):
        if one.url is not None and split_url(one.url) is None:
            return True
        media = world.assets[one.file].media if one.file is not None else ""
        if one.file is not None and not is_image(media) and not is_video(media):
            return True
    return False


def known(board: Storyboard, at: Positions, pass_id: str, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings about a pass that don't depend on something of the film, or of the pass, that couldn't be read."""
    keys = {str(path[0]) for path in at.gaps(board.passes[pass_id])} & {"resolution", "audio", "upload_via"}
    for path in at.gaps(board):
        keys |= {"aspect", "style", "allow"} & {str(step) for step in path}
        if path[0] == "characters":
            keys |= {"name", "look"} & {str(step) for step in path[2:3]}
    doubted = {code for key in keys for code in _CODES[key]}
    return [one for one in found if one.code not in doubted]


def named(at: Positions, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings with what the author wrote for the ids that stand in for it."""
    if not at.stand_ins:
        return list(found)
    return [
        replace(
            one,
            message=_shown(at, one.message),
            help=_shown(at, one.help),
            related=tuple(replace(other, message=_shown(at, other.message)) for other in one.related),
        )
        for one in found
    ]


def _shown(at: Positions, text: str) -> str:
    for made, shown in at.stand_ins.items():
        if made in text:
            if " " in shown:  # it has no name at all
                text = re.sub(rf"(the (shot|scene) )?'{made}'", shown, text)
            text = text.replace(made, shown)
    return text


def _is_doubted(shot: Resolved) -> bool:
    board, at, its = shot.board, shot.at, shot.shot
    if _harmed(at, its, "shot", "passes") or ("passes",) in at.gaps(its) or _harmed(at, shot.override, "override"):
        return True
    if not times_known(at, board, its):
        return True
    if any(_harmed(at, board.characters[name], "character") for name in shot.bound):
        return True
    named = [
        *shot.own("characters"),
        *(one.id for words in shot.words for one in prompt.mentions(words.text, board.characters)),
    ]
    return any(name not in board.characters and at.lacks_names("characters", name) for name in named)


def _harmed(at: Positions, owner: object, kind: str, *but: str) -> bool:
    return any(not {path[0], path[-1]} & {*HARMLESS[kind], *but} for path in at.gaps(owner))
