"""What differs between a clip as it was made and as it is asked for now: the reasons of a plan."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from storyboard import money
from storyboard.job import Job, bare
from storyboard.version import __version__


class Change(NamedTuple):
    """One field, and its values then and now in words; without values, `note` says what happened."""

    field: str
    old: str = ""
    new: str = ""
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """The fields that say something."""
        return {name: value for name, value in self._asdict().items() if value}

    @property
    def brief(self) -> str:
        """In a line of a table: of long texts only where they differ."""
        if self.note or len(self.old) + len(self.new) < 60:
            return str(self)
        start = _shared(self.old, self.new)
        end = _shared(self.old[start:][::-1], self.new[start:][::-1])
        old, new = (_around(text, start, len(text) - end) for text in (self.old, self.new))
        return f"{self.field}: {old} -> {new}"

    def __str__(self) -> str:
        return f"{self.field}: {self.note or f'{self.old} -> {self.new}'}"


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _around(text: str, start: int, end: int) -> str:
    """A part of a text with the words around it, and `…` for what is left out."""
    first = 0 if start <= 16 else text.rfind(" ", 0, start - 8) + 1
    last = text.find(" ", end + 8) if end + 16 < len(text) else len(text)
    last = len(text) if last < 0 else last
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


class _Given(NamedTuple):
    """An input as a record has it: its name in the request, what the author called it, and what it was there."""

    name: str
    label: str
    said: str


def facts_of(job: Job, at: str = "", ticket: str = "") -> dict[str, Any]:
    """What a record keeps of the job that made it: enough to explain the next change, and, for the lock, when it was
    bought or made (ISO 8601, UTC), as what, and by which version of the tool.
    """
    return {
        "at": at,
        "id": ticket,
        "by": __version__,
        "model": job.model,
        "request": dict(job.request),
        "inputs": {name: [bare(given.label), given.said] for name, given in job.inputs.items()},
        "words": dict(job.words),
        "cost": money.usd(job.cost),
    }


def differences(before: Mapping[str, Any], job: Job) -> Iterator[Change]:
    """Each field in which `job` differs from the facts of an earlier render, as it is sent."""
    if before.get("model") != job.model:
        yield Change("model", str(before.get("model")), job.model)
    old, new = before.get("request", {}), job.request
    was, now = _inputs(before), {n: _Given(n, bare(g.label), g.said) for n, g in job.inputs.items()}
    labels = {name: given.label for name, given in (was | now).items()}
    known = all(given.said for given in (*was.values(), *now.values()))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        then, here = _named(old.get(name), was), _named(new.get(name), now)
        changed = list(_changed(then, here)) if known and (then or here) else []
        yield from changed or [Change(name, _shown(old.get(name), labels), _shown(new.get(name), labels))]


def rewritten(before: Mapping[str, Any], job: Job) -> Iterator[Change]:
    """Each field of the author's own words that differs; nothing where an old record doesn't have them."""
    was: Mapping[str, str] = before.get("words", {})
    for name in [*job.words, *(name for name in was if name not in job.words)] if was else ():
        if was.get(name) != job.words.get(name):
            yield Change(name, _text(was.get(name)), _text(job.words.get(name)))


def _text(words: str | None) -> str:
    return "nothing" if words is None else repr(words)


def _inputs(before: Mapping[str, Any]) -> dict[str, _Given]:
    inputs = before.get("inputs", {})
    return {n: _Given(n, *(given if isinstance(given, list) else (given, ""))) for n, given in inputs.items()}


def _named(value: object, inputs: Mapping[str, _Given]) -> list[_Given]:
    """The inputs that a field of a request holds, in order."""
    if isinstance(value, list):
        return [given for item in value for given in _named(item, inputs)]
    if isinstance(value, dict):
        return [given for item in value.values() for given in _named(item, inputs)]
    return [inputs[value]] if isinstance(value, str) and value in inputs else []


def _changed(was: list[_Given], now: list[_Given]) -> Iterator[Change]:
    """Inputs by what they are to the author: other bytes, another file, one more, one less, or another order."""
    before, after = ({given.said: given for given in side} for side in (was, now))
    for said in dict.fromkeys([*after, *before]):
        old, new = before.get(said), after.get(said)
        if old is None or new is None:
            given, verb = (new, "added") if old is None else (old, "left out")
            yield Change(said, note=f"{verb} {given.label if given else ''}")
        elif old.name != new.name and old.label == new.label:
            what = "made anew" if new.name.startswith("key:") else "bytes changed"
            yield Change(said, note=f"{new.label}: {what} ({_short(old.name)} -> {_short(new.name)})")
        elif old.name != new.name:
            yield Change(said, f"{old.label} ({_short(old.name)})", f"{new.label} ({_short(new.name)})")
    both = [said for said in before if said in after]
    if both != [said for said in after if said in before]:
        yield Change("order of references", ", ".join(before), ", ".join(after))


def _short(name: str) -> str:
    kind, _, rest = name.partition(":")
    digits, mark, part = rest.partition("#")
    return f"{digits[:8] if kind in {'sha256', 'key'} else name}{f' {part}' if mark else ''}"


def _shown(value: object, labels: Mapping[str, str]) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item, labels) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shown(v, labels)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and value in labels:
        return f"{labels[value]} ({_short(value)})"
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
