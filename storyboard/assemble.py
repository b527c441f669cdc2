"""The clips that a store has of a film, put in their places: its timeline, and the cut made of it."""

from collections.abc import Callable
from pathlib import Path

from storyboard import cut, lettering, shelf, timeline
from storyboard.cut.length import measured
from storyboard.event import Event, Noted
from storyboard.film import Film
from storyboard.frozen import Frozen
from storyboard.store import Store
from storyboard.timeline import Asked, Timeline
from storyboard.tools import Tools


def lay_out(film: Film, pass_id: str, asked: Asked | None, store: Store, frozen: Frozen | None = None) -> Timeline:
    """The timeline of one pass, of the best clips that the store has, or of those that its lock names."""
    return timeline.lay_out(
        film,
        pass_id,
        lambda shot: shelf.best(film, shot, pass_id, store, frozen),
        lambda clip: measured(clip, store),
        asked or Asked(),
    )


def make(
    film: Film,
    laid_out: Timeline,
    folder: Path,
    store: Store,
    tools: Tools,
    workers: int,
    notify: Callable[[Event], None],
    build: Path,
) -> cut.Cut:
    """The cut in `build` under the storyboard's `folder`; what the lettering lacks is noted.

    Raises:
        CutFailed: the film could not be made; the message says why.
    """
    words = [film.title]
    for shot in film.shots:
        words += [shot.id, shot.scene, shot.words, *(line.text for line in shot.lines)]
    if lacking := lettering.lacking(words):
        notify(Noted(lacking))
    try:
        with store.used():
            return cut.make(laid_out, folder, store, tools, workers, notify, build)
    finally:
        store.note_use()
        store.memo.save()
