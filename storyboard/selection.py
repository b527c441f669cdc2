"""Sets of shots by name, as `only` has them: a shot's id, a scene's id, or a state."""

from collections.abc import Iterable

from storyboard.diagnostic import did_you_mean
from storyboard.film import STATES
from storyboard.model import Storyboard


def chosen(board: Storyboard, names: Iterable[str]) -> tuple[frozenset[str] | None, tuple[str, ...]]:
    """The shots of a set (None for all, where only states are named), and the states of which each needs one."""
    scenes = {scene.id: [shot.id for shot in scene.shots] for scene in board.scenes}
    shots = {shot.id for shot, _ in board.all_shots()}
    found: set[str] = set()
    states = []
    for name in names:
        if name in shots:
            found.add(name)
        elif name in scenes:
            found.update(scenes[name])
        elif name in STATES:
            states.append(name)
    return frozenset(found) if found or not states else None, tuple(states)


def unknown(board: Storyboard, name: str) -> str | None:
    """What may have been meant by a name that is no set; None where it is one."""
    known = [shot.id for shot, _ in board.all_shots()] + [scene.id for scene in board.scenes] + list(STATES)
    return None if name in known else did_you_mean(name, known)
