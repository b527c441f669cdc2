"""What differs of a film as a whole: its title, its passes, its sound; what each shot shows of it is told there."""

from collections.abc import Iterator

from storyboard import money, timing
from storyboard.changes import Change
from storyboard.diff.written import decibels
from storyboard.film import Bed, Film, Pass


def changes(old: Film | None, new: Film | None) -> Iterator[Change]:
    """Each field that differs; of a film that is only on one side, its title alone."""
    if old is None or new is None:
        for film, note in ((old, "removed"), (new, "added")):
            if film is not None:
                yield Change("storyboard", note=f"{note}: {film.title!r}")
        return
    pairs = (
        ("title", repr(old.title), repr(new.title)),
        ("aspect", old.aspect, new.aspect),
        ("fps", timing.exact(old.fps), timing.exact(new.fps)),
        ("default_pass", old.default_pass, new.default_pass),
        ("budget", _dollars(old), _dollars(new)),
        ("audio.loudness", f"{old.mix.loudness} LUFS", f"{new.mix.loudness} LUFS"),
        ("audio.music", _bed(old.mix.music), _bed(new.mix.music)),
        ("audio.room_tone", _bed(old.mix.room_tone), _bed(new.mix.room_tone)),
        ("audio.scratch", str(old.mix.scratch).lower(), str(new.mix.scratch).lower()),
    )
    yield from (Change(field, was, now) for field, was, now in pairs if was != now)
    yield from _scenes(old, new)
    yield from _passes(old, new)


def _dollars(film: Film) -> str:
    return "none" if film.budget is None else f"${money.usd(film.budget)}"


def _bed(bed: Bed | None) -> str:
    if bed is None:
        return "none"
    return f"{bed.label} ({bed.sha256[:8]}), {decibels(bed.gain)}, {decibels(bed.duck)} under speech"


def _scenes(old: Film, new: Film) -> Iterator[Change]:
    """Scenes of both films that have another title."""
    were = {shot.scene_id: shot.scene for shot in old.shots}
    for id_, title in {shot.scene_id: shot.scene for shot in new.shots}.items():
        if id_ in were and were[id_] != title:
            yield Change(f"scene {id_}", repr(were[id_]), repr(title))


def _passes(old: Film, new: Film) -> Iterator[Change]:
    for name, its in new.passes.items():
        was = old.passes.get(name)
        if was is None:
            yield Change(f"pass {name}", note=f"added: {its.model}")
        elif was != its:
            yield from _pass(name, was, its)
    yield from (Change(f"pass {name}", note="removed") for name in old.passes if name not in new.passes)
    both = [name for name in old.passes if name in new.passes], [name for name in new.passes if name in old.passes]
    if both[0] != both[1]:
        yield Change("order of passes", ", ".join(both[0]), ", ".join(both[1]))


def _pass(name: str, old: Pass, new: Pass) -> Iterator[Change]:
    for field in Pass._fields:
        was, now = _said(field, old), _said(field, new)
        if was != now:
            yield Change(f"pass {name}: {'only' if field == 'states' else field}", was, now)


def _said(field: str, its: Pass) -> str:
    value = getattr(its, field)
    if field == "burn_in":
        words = [repr(value.watermark)] * bool(value.watermark) + ["the date"] * value.date if value else []
        return "none" if value is None else ", ".join(["names and timecodes", *words])
    if field == "fallback":
        return "the earlier passes" if value is None else ", ".join(value) or "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "all shots"
    return str(value).lower() if isinstance(value, bool) else value or "none"
