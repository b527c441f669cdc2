"""Sets of shots by name, as `only` has them: a shot's id, a scene's id, or a state."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from storyboard.diagnostic import did_you_mean

STATES = {"changed": "new, or another than when it was last rendered", "approved": "approved as it is"}
"""The states that a set may ask for."""


class Chosen(NamedTuple):
    """The shots that a set names, the states of which each needs one, and the names that are nothing."""

    shots: frozenset[str]
    states: tuple[str, ...]
    unknown: tuple[str, ...]


def chosen(scenes: Mapping[str, str], names: Iterable[str]) -> Chosen:
    """What a set names. `scenes` holds each shot's scene, or ""."""
    found: set[str] = set()
    states, unknown = [], []
    for name in names:
        of_scene = {shot for shot, scene in scenes.items() if scene == name and name}
        if name in scenes:
            found.add(name)
        elif of_scene:
            found |= of_scene
        elif name in STATES:
            states.append(name)
        else:
            unknown.append(name)
    return Chosen(frozenset(found), tuple(states), tuple(unknown))


def nothing(scenes: Mapping[str, str], name: str) -> str:
    """What to say of a name that is nothing."""
    close = meant(scenes, name)
    return f"there is no shot, scene or state '{name}'" + (f": {close}" if close else "")


def meant(scenes: Mapping[str, str], name: str) -> str:
    """What may have been meant by a name that is nothing."""
    return did_you_mean(name, [*scenes, *dict.fromkeys(filter(None, scenes.values())), *STATES])
