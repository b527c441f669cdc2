"""Locks to try: a small film's, and any."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from storyboard.lock import SHOWN, Acceptance, Approval, Entry, Lock, Place

FLASH = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
ADA, TOM = "Ada Lovelace <ada@example.com>", "Tom Ba <tom@example.com>"
PASSES = ("animatic", "draft", "final")


def digest(*of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()


def made(what: object, minute: int = 0, **more: Any) -> Entry:
    """A clip that is what it is called, bought at a minute."""
    own = Entry(
        digest(what, "key"), digest(what), 700_000, FLASH, 1, f"wf-{digest(what)[:8]}", "0.25", at(minute), "1.0"
    )
    return own._replace(**more)


def at(minute: int) -> str:
    return f"2026-11-21T{10 + minute // 60:02}:{minute % 60:02}:00Z"


def approved(one: Entry, by: str = ADA, minute: int = 30, note: str = "") -> Entry:
    return one._replace(approved=Approval(one.clip, one.key, by, at(minute), note))


def accepted(one: Entry, by: str = ADA, minute: int = 40, note: str = "") -> Entry:
    return one._replace(accepted=Acceptance(digest(one.key, "asked"), by, at(minute), note))


def touched(lock: Lock, shot: str, pass_id: str, change: Callable[[Entry], Entry]) -> Lock:
    """A lock with one entry changed, if it is there."""
    one = lock.get(shot, pass_id)
    return lock if one is None else lock.having(pass_id, {shot: change(one)})


def film(shots: Sequence[str], passes: Sequence[str] = PASSES) -> Lock:
    """A film whose first pass is rendered."""
    return Lock({Place(s, p): made((s, p)) if p == passes[0] else None for s in shots for p in passes})


def put(lock: Lock, place: Place, one: Entry | None) -> Lock:
    return Lock({**lock.entries, place: one})


def without(lock: Lock, shot: str) -> Lock:
    return Lock({place: one for place, one in lock.entries.items() if place.shot != shot})


IDS = st.text(st.characters(categories=["L", "M", "N"], include_characters="-_."), min_size=1, max_size=6)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DIGESTS = st.integers(0, 5).map(digest)
MONEY = st.decimals(0, 99, places=3).map(lambda amount: f"{amount:f}")
APPROVALS = st.builds(Approval, DIGESTS, DIGESTS, TEXTS, TEXTS, TEXTS)
ACCEPTANCES = st.builds(Acceptance, DIGESTS, TEXTS, TEXTS, TEXTS)
ENTRIES = st.builds(
    Entry,
    DIGESTS,
    DIGESTS,
    st.integers(0, 1 << 40),
    TEXTS,
    st.none() | st.integers(-1, 1 << 31),
    TEXTS,
    st.none() | MONEY,
    TEXTS,
    TEXTS,
    st.none() | APPROVALS,
    st.none() | ACCEPTANCES,
)


@st.composite
def locks(draw: st.DrawFn, ids: st.SearchStrategy[str] = IDS, entries: st.SearchStrategy[Entry] = ENTRIES) -> Lock:
    """Any lock: a take is never without its shot's own place."""
    places = draw(st.dictionaries(st.tuples(ids, ids), st.tuples(st.none() | entries, takes(entries)), max_size=4))
    found: dict[Place, Entry | None] = {}
    for (shot, pass_id), (one, others) in places.items():
        found[Place(shot, pass_id, SHOWN)] = one
        found |= {Place(shot, pass_id, number): other for number, other in others.items()}
    return Lock(found)


def takes(entries: st.SearchStrategy[Entry]) -> st.SearchStrategy[dict[int, Entry]]:
    return st.dictionaries(st.sampled_from([1, 2, 3, 12]), entries, max_size=2)
