"""Times that must fit into each other."""

from collections.abc import Iterator
from itertools import pairwise

from storyboard.diagnostic import Diagnostic
from storyboard.rules.rule import is_placed, times_known
from storyboard.timing import shown
from storyboard.world import World


def transitions_fit(world: World) -> Iterator[Diagnostic]:
    """SB308: a transition is no longer than the shots that it joins."""
    fps = world.board.fps
    for before, shot in pairwise(shot for shot, _ in world.board.all_shots() if not shot.skip):
        if not is_placed(world, before) or not is_placed(world, shot):
            continue
        length = shot.transition.duration
        shorter = min(before, shot, key=lambda each: each.duration.seconds(fps))
        shortest = shorter.duration.seconds(fps)
        if shot.transition.type != "cut" and length is not None and length.seconds(fps) > shortest:
            message = (
                f"the {shot.transition.type} into {shot.id} takes {shown(length.seconds(fps))}, "
                f"longer than {shorter.id}, which lasts {shown(shortest)}"
            )
            help_ = f"shorten it; it joins {before.id} and {shot.id}"
            yield Diagnostic("SB308", message, world.at.of(shot.transition, "duration"), help_)


def cuts_take_no_time(world: World) -> Iterator[Diagnostic]:
    """SB320: a cut has no duration; its type was forgotten."""
    for shot, _ in world.board.all_shots():
        its = shot.transition
        if its.type == "cut" and its.duration is not None and not world.at.lacks(its, "type"):
            message, help_ = "a cut takes no time", "write its type, such as type: dissolve, or remove the duration"
            yield Diagnostic("SB320", message, world.at.of(its, "duration"), help_, "warning")


def durations_show(world: World) -> Iterator[Diagnostic]:
    """SB104: a shot lasts at least one frame."""
    if world.at.lacks(world.board, "fps"):
        return
    for shot, _ in world.board.all_shots():
        if shot.duration.seconds(world.board.fps) * world.board.fps < 1:
            message = f"{shot.id} lasts less than a frame"
            yield Diagnostic("SB104", message, world.at.of(shot, "duration"), "write at least 1f")


def dialogue_fits(world: World) -> Iterator[Diagnostic]:
    """SB309: a line starts, and ends, within its shot."""
    fps = world.board.fps
    for shot, _ in world.board.all_shots():
        length = shot.duration.seconds(fps)
        if not times_known(world.at, world.board, shot):
            continue
        for line in shot.dialogue:
            if world.at.lacks(line, "at", "for"):
                continue
            start = line.at.seconds(fps)
            end = start + line.for_.seconds(fps) if line.for_ else start
            if start >= length or end > length:
                verb, at = ("starts", start) if start >= length else ("ends", end)
                message = f"the line {verb} at {shown(at)}, but {shot.id} lasts {shown(length)}"
                place = world.at.of(line, "at" if start >= length else "for")
                yield Diagnostic("SB309", message, place, "move or shorten the line, or lengthen the shot")
