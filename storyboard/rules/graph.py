"""Clips that are made from other clips: what they name is there, and none waits for itself."""

from collections.abc import Iterator, Mapping

from storyboard.diagnostic import Diagnostic, Related, did_you_mean
from storyboard.model import NO_GUIDE, Override, Shot
from storyboard.source import Span
from storyboard.world import World


def guides_are_made(world: World) -> Iterator[Diagnostic]:
    """SB202, SB216: a guide is a pass, and no pass guides itself, not even by way of others."""
    board, at = world.board, world.at
    edges: dict[str, dict[str, Span]] = {name: {} for name in board.passes}
    for name, pass_ in board.passes.items():
        if pass_.guide:
            edges[name][pass_.guide] = at.of(pass_, "guide")
    for _, owner in world.owners():
        for name, override in owner.passes.items() if isinstance(owner, Shot) else ():
            if override.guide and name in edges:
                edges[name].setdefault(override.guide, at.of(override, "guide"))
    for name, guides in edges.items():
        for guide, span in guides.items():
            if guide != NO_GUIDE and guide not in board.passes and not at.lacks_names("passes", guide):
                help_ = did_you_mean(guide, board.passes)
                yield Diagnostic("SB202", f"there is no pass '{guide}' to guide '{name}'", span, help_)
    for cycle in _cycles(edges):
        yield _waiting(cycle, edges, "passes guide each other", "'{}' is guided by '{}'")


def chains_are_made(world: World) -> Iterator[Diagnostic]:
    """SB215, SB216, SB218: a last frame is of another shot that is made, and no shot goes on from itself."""
    shots = {shot.id: shot for shot, _ in world.board.all_shots()}
    edges: dict[str, dict[str, Span]] = {name: {} for name in shots}
    for shot, owner in world.owners():
        start = owner.start_frame
        if start is None or start.last_frame_of is None:
            continue
        span = _written(world, owner)
        other = shots.get(start.last_frame_of)
        if other is None and world.at.lacks_names("shots", start.last_frame_of):
            continue
        if other is None:
            help_ = did_you_mean(start.last_frame_of, shots)
            yield Diagnostic("SB215", f"there is no shot '{start.last_frame_of}'", span, help_)
        elif other.skip and not shot.skip and not world.at.lacks(shot, "skip"):
            message = f"{shot.id} goes on from {other.id}, which is skipped"
            related = (Related(world.at.key(other, "skip"), f"{other.id} is skipped here"),)
            help_ = f"remove 'skip' from {other.id}, or start {shot.id} from a picture"
            yield Diagnostic("SB218", message, span, help_, related=related)
        else:
            edges[shot.id].setdefault(other.id, span)
    for cycle in _cycles(edges):
        yield _waiting(cycle, edges, "shots go on from each other", "'{}' goes on from '{}'")


def _written(world: World, owner: Shot | Override) -> Span:
    return world.at.of(owner, "start_frame", "last_frame_of")


def _cycles(edges: Mapping[str, Mapping[str, Span]]) -> Iterator[list[str]]:
    """Circles of names, each found once, by depth first search without recursion."""
    done: set[str] = set()
    for root in edges:
        path: list[str] = []
        waiting = [iter([root])]
        while waiting:
            name = next(waiting[-1], None)
            if name is None:
                waiting.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                yield path[path.index(name) :]
            elif name in edges and name not in done:
                path.append(name)
                waiting.append(iter(edges[name]))


def _waiting(cycle: list[str], edges: Mapping[str, Mapping[str, Span]], what: str, link: str) -> Diagnostic:
    after = [*cycle[1:], cycle[0]]
    spans = [edges[name][other] for name, other in zip(cycle, after, strict=True)]
    related = [Related(span, link.format(name, other)) for name, other, span in zip(cycle, after, spans, strict=True)]
    shown = " -> ".join([*cycle, cycle[0]])
    help_ = "let one of them start from something else"
    return Diagnostic("SB216", f"{what}: {shown}", spans[0], help_, related=tuple(related[1:]))
