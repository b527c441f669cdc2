"""Shots: each says what is seen, and its parts fit into it."""

from collections.abc import Iterator
from itertools import pairwise

from storyboard import timing
from storyboard.diagnostic import Diagnostic, Related
from storyboard.model import Duration
from storyboard.rules.rule import is_placed, times_known
from storyboard.timing import shown
from storyboard.world import World


def shots_show_something(world: World) -> Iterator[Diagnostic]:
    """SB102: a shot has a prompt, beats or a clip."""
    for shot, _ in world.board.all_shots():
        if shot.prompt or shot.beats or shot.clip or world.at.lacks(shot, "prompt", "beats", "clip", "passes"):
            continue
        if all(
            name in shot.passes and (shot.passes[name].prompt or shot.passes[name].clip) for name in world.board.passes
        ):
            continue
        help_ = "add 'prompt: \"@mira climbs the stair\"', or a clip of your own"
        yield Diagnostic("SB102", f"the shot '{shot.id[:40]}' has no 'prompt'", world.at.start(shot), help_)


def picks_are_takes(world: World) -> Iterator[Diagnostic]:
    """SB108: what a pass picks is one of the shot's takes."""
    for shot, owner in world.owners():
        if owner is shot or owner.pick is None or owner.takes is not None:
            continue
        if world.at.lacks(shot, "takes") or world.at.lacks(owner, "takes"):
            continue
        span = world.at.of(owner, "pick")
        if shot.takes is None:
            help_ = f"write takes: [1, 2, 3] on {shot.id}, or take: {owner.pick} here"
            yield Diagnostic("SB108", "there are no 'takes' to pick from", span, help_)
        elif owner.pick not in shot.takes:
            help_ = f"pick one of {', '.join(map(str, shot.takes))}"
            yield Diagnostic("SB108", f"take {owner.pick} is picked, but isn't one of the takes", span, help_)


def beats_in_order(world: World) -> Iterator[Diagnostic]:
    """SB317: beats start with the shot, follow each other, and lie within it."""
    fps, at = world.board.fps, world.at
    for shot, _ in world.board.all_shots():
        if not shot.beats or at.lacks(shot, "beats") or not times_known(at, world.board, shot):
            continue
        starts = [beat.at.seconds(fps) for beat in shot.beats]
        if starts[0]:
            message = f"the first beat of {shot.id} starts at {shown(starts[0])}"
            yield Diagnostic("SB317", message, at.of(shot.beats[0], "at"), "let it start at 0")
        for (before, start), (one, other) in zip(pairwise(starts), pairwise(shot.beats), strict=True):
            if start <= before:
                message = f"this beat starts at {shown(start)}, not after the one before it"
                related = (Related(at.of(one, "at"), f"which starts at {shown(before)}"),)
                yield Diagnostic("SB317", message, at.of(other, "at"), "put the beats in order", related=related)
        length = shot.duration.seconds(fps)
        for beat, start in zip(shot.beats, starts, strict=True):
            if start >= length:
                message = f"this beat starts at {shown(start)}, but {shot.id} lasts {shown(length)}"
                yield Diagnostic("SB317", message, at.of(beat, "at"), "let it start earlier, or lengthen the shot")


def timecodes_exist(world: World) -> Iterator[Diagnostic]:
    """SB110: the frames of a timecode are fewer than a second has."""
    if world.at.lacks(world.board, "fps"):
        return
    base = timing.round_half_up(world.board.fps)
    for shot, _ in world.board.all_shots():
        times: list[tuple[object, tuple[str, ...], Duration | None]] = [
            (shot, ("duration",), shot.duration),
            (shot, ("trim", "in"), shot.trim.in_),
            (shot, ("trim", "of"), shot.trim.of),
            (shot, ("transition", "duration"), shot.transition.duration),
            (shot, ("audio", "lead"), shot.audio.lead),
            (shot, ("audio", "tail"), shot.audio.tail),
        ]
        for line in shot.dialogue:
            times += [(line, ("at",), line.at), (line, ("for",), line.for_)]
        times += [(beat, ("at",), beat.at) for beat in shot.beats]
        for owner, path, length in times:
            if length is not None and length.frames is not None and length.frames >= base:
                message = f"there is no frame {length.frames} at {base} frames a second"
                help_ = f"write 00 to {base - 1:02} after the last colon"
                yield Diagnostic("SB110", message, world.at.of(owner, *path), help_)


def sound_fits(world: World) -> Iterator[Diagnostic]:
    """SB318: sound leads into the shot before, and follows into the one after, no further than these last."""
    shots = [shot for shot, _ in world.board.all_shots() if not shot.skip]
    fps = world.board.fps
    for n, shot in enumerate(shots):
        for key, other in (("lead", n - 1), ("tail", n + 1)):
            length = getattr(shot.audio, key).seconds(fps)
            if not length or not is_placed(world, shot):
                continue
            span = world.at.of(shot, "audio", key)
            verb = "leads" if key == "lead" else "follows"
            if not 0 <= other < len(shots):
                where = "before it" if key == "lead" else "after it"
                message = f"the sound of {shot.id} {verb}, but there is no shot {where}"
                yield Diagnostic("SB318", message, span, f"remove '{key}'")
            elif is_placed(world, shots[other]) and length > (lasts := shots[other].duration.seconds(fps)):
                message = (
                    f"the sound of {shot.id} {verb} by {shown(length)}, but {shots[other].id} lasts {shown(lasts)}"
                )
                yield Diagnostic("SB318", message, span, "shorten it")
