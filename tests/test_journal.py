"""The journal: what it allows, what it refuses, and what it says afterwards."""

import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import job as jobs
from storyboard import money, purchase
from storyboard.failure import Unreadable, Unwritable
from storyboard.job import Input, Job
from storyboard.journal import APPLICATION, LEASE, Journal, Order, OverCeiling, Taken
from storyboard.providers.wire import Sighting
from storyboard.purchase import STATES, Purchase
from storyboard.reconcile import LONGEST_POST, SKEW, candidates, match, window

MODEL = "wavespeed/alibaba/wan-2.6/reference-to-video-flash"
START = 1_800_000_000.0
QUARTER = Decimal("0.25")


class Clock:
    """Seconds since 1970 that pass when told."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return round(self.at * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dead() -> set[str]:
    """Holders whose process is gone."""
    return set()


Open = Callable[[str], Journal]


@pytest.fixture
def open_as(tmp_path: Path, clock: Clock, dead: set[str]) -> Open:
    """The journal of one folder, opened by a render of some name."""

    def open_journal(name: str) -> Journal:
        journal = Journal(tmp_path / ".storyboard" / "journal.sqlite", clock)
        journal.attend(name, lambda other: other not in dead)
        return journal

    return open_journal


@pytest.fixture
def journal(open_as: Open) -> Journal:
    return open_as("one")


def job(prompt: str = "a", cost: Decimal | None = QUARTER, model: str = MODEL) -> Job:
    sha = "ab" * 32
    given = Input("mira.png", sha, file="/x/mira.png")
    return jobs.new(model, {"prompt": prompt, "images": [given.name]}, {given.name: given}, Fraction(5), cost)


def order(made: Job, run: int = 1, **terms: Any) -> Order:
    return Order(made, "s010", "draft", run, **terms)


def begun(journal: Journal, name: str = "one", **terms: Any) -> int:
    return journal.begin(name, lambda _other: True, "draft", **terms)


def claimed(journal: Journal, made: Job, **terms: Any) -> Purchase:
    if not journal.runs():
        begun(journal)
    one = journal.claim(made.key or "", order(made, **terms))
    assert one is not None
    return one


def accepted(journal: Journal, made: Job, ticket: str = "id-1") -> Purchase:
    return journal.accept(journal.intend(claimed(journal, made)), ticket, {})


def stored(journal: Journal, made: Job, ticket: str = "id-1") -> Purchase:
    return journal.store(journal.complete(accepted(journal, made, ticket)))


# -- the way of one purchase


def test_every_step_is_on_the_disk_when_it_returns(journal: Journal, clock: Clock, open_as: Open) -> None:
    made = job()
    seen = []
    one = claimed(journal, made)
    for step in (
        journal.intend,
        lambda p: journal.accept(p, "id-1", {"credits": 7}),
        journal.complete,
        journal.store,
    ):
        seen.append(open_as("other").latest()[made.key or ""])
        clock.at += 10
        one = step(one)
        assert open_as("other").latest()[made.key or ""] == one
    assert [p.state for p in seen] == ["reserved", "intent", "accepted", "completed"]
    assert one.state == "stored"
    assert (one.reserved, one.intended, one.answered, one.accepted, one.completed, one.stored) == tuple(
        round((START + seconds) * 1000) for seconds in (0, 10, 20, 20, 30, 40)
    )
    assert (one.ticket, one.facts, one.price, one.booked, one.attempt) == ("id-1", {"credits": 7}, QUARTER, QUARTER, 1)
    assert (one.shot, one.pass_id, one.key, one.holder, one.adopted) == ("s010", "draft", made.key, "one", False)
    states = [state for _, state, _ in journal.events(one.number)]
    assert states == ["reserved", "intent", "accepted", "completed", "stored"]
    assert [at for at, _, _ in journal.events(one.number)] == [round((START + s) * 1000) for s in (0, 10, 20, 30, 40)]


def test_a_job_can_be_gone_on_with_when_the_film_knows_it_no_longer(journal: Journal) -> None:
    made = job("the prompt")
    kept = claimed(journal, made).job
    assert (kept.model, kept.request, kept.seconds, kept.cost, kept.key) == (
        made.model,
        made.request,
        made.seconds,
        made.cost,
        made.key,
    )
    assert {name: given.sha256 for name, given in kept.inputs.items()} == {"sha256:" + "ab" * 32: "ab" * 32}
    assert next(iter(kept.inputs.values())).label == "mira.png"


def test_signatures_of_references_are_not_written_down(journal: Journal, tmp_path: Path) -> None:
    url = "https://x.test/a.png?X-Signature=canary"
    given = Input(url, "ab" * 32, url=url)
    made = jobs.new(MODEL, {"images": [given.name]}, {given.name: given}, Fraction(5), QUARTER)
    claimed(journal, made)
    assert b"canary" not in (tmp_path / ".storyboard/journal.sqlite").read_bytes()
    assert next(iter(journal.all()[0].job.inputs.values())).url == "https://x.test/a.png"


@pytest.mark.parametrize("to", ["rejected", "unsent", "dropped", "moderated"])
@pytest.mark.parametrize("since", ["reserved", "intent"])
def test_what_was_certainly_not_bought_is_free_again(journal: Journal, to: Any, since: str) -> None:
    one = claimed(journal, job())
    assert journal.spent() == QUARTER
    one = journal.intend(one) if since == "intent" else one
    ended = journal.refuse(one, to, "why")
    assert (ended.state, ended.booked, ended.price, ended.reason, journal.spent()) == (to, 0, QUARTER, "why", 0)


@pytest.mark.parametrize("to", ["failed", "moderated", "gone"])
@pytest.mark.parametrize("since", ["accepted", "completed", "stored"])
def test_what_was_accepted_and_failed_stays_booked(journal: Journal, to: Any, since: str) -> None:
    one = accepted(journal, job())
    one = journal.complete(one) if since != "accepted" else one
    one = journal.store(one) if since == "stored" else one
    ended = journal.fail(one, to, "why")
    assert (ended.state, ended.booked, ended.reason, journal.spent()) == (to, QUARTER, "why", QUARTER)


def test_a_lost_answer_stays_booked_and_is_told_with_its_times(journal: Journal, clock: Clock) -> None:
    one = journal.intend(claimed(journal, job()))
    clock.at += 60
    lost = journal.lose(one, "no answer")
    assert (lost.state, lost.reason, lost.booked, lost.answered) == ("lost", "no answer", QUARTER, (START + 60) * 1000)
    assert journal.unsettled() == [lost]
    assert journal.open() == []


def test_a_submit_that_a_crash_cut_off_has_no_end(journal: Journal) -> None:
    one = journal.intend(claimed(journal, job()))
    assert journal.lose(one, "crash", answered=False).answered is None


def test_an_id_that_comes_late_is_kept(journal: Journal) -> None:
    one = journal.intend(claimed(journal, job()))
    journal.lose(one, "no answer")
    kept = journal.accept(one, {"operation": [1]}, {})
    assert (kept.state, kept.ticket, kept.shown) == ("accepted", {"operation": [1]}, '{"operation": [1]}')


_STEPS: dict[str, tuple[Callable[[Journal, Purchase], Any], set[str]]] = {
    "intend": (lambda j, p: j.intend(p), {"reserved", "intent"}),
    "accept": (lambda j, p: j.accept(p, "id-9", {}), {"intent", "lost"}),
    "refuse": (lambda j, p: j.refuse(p, "rejected", "x"), {"reserved", "intent"}),
    "lose": (lambda j, p: j.lose(p, "x"), {"intent"}),
    "complete": (lambda j, p: j.complete(p), {"accepted", "completed"}),
    "store": (lambda j, p: j.store(p), {"accepted", "completed", "stored"}),
    "fail": (lambda j, p: j.fail(p, "failed", "x"), {"accepted", "completed", "stored"}),
    "adopt": (lambda j, p: j.adopt(p, "id-9", "x"), {"lost", "gone", "given up"}),
    "require": (lambda j, p: j.require(p), {"intent"}),
    "settle": (
        lambda j, p: j.settle(p, "waived", "x"),
        {"lost", "gone", "moderated", "failed", "given up", "waived", "accepted", "completed", "stored"},
    ),
    "refund": (lambda j, p: j.refund(p, "x"), {"reserved"}),  # the state that the caller saw
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", _STEPS)
def test_a_step_is_taken_only_from_where_it_can_be(journal: Journal, state: str, step: str, tmp_path: Path) -> None:
    one = claimed(journal, job())
    with sqlite3.connect(tmp_path / ".storyboard/journal.sqlite") as db:
        db.execute("UPDATE purchase SET state = ?", (state,))
    db.close()
    before = journal.all()
    act, allowed = _STEPS[step]
    if state in allowed:
        act(journal, one)
    else:
        with pytest.raises(Taken):
            act(journal, one)
        assert journal.all() == before


# -- who holds it


def test_a_key_is_reserved_once(open_as: Open) -> None:
    made = job()
    first, second = open_as("one"), open_as("two")
    one = claimed(first, made)
    assert second.claim(made.key or "", order(made)) is None
    first.accept(first.intend(one), "id-1", {})
    assert second.claim(made.key or "", order(made)) is None
    assert second.busy(first.all()[0])
    assert not first.busy(first.all()[0])
    assert len(second.all()) == 1


def test_a_reservation_of_a_dead_render_is_dropped_and_made_anew(open_as: Open, dead: set[str]) -> None:
    made = job()
    claimed(open_as("one"), made)
    dead.add("one")
    second = open_as("two")
    again = claimed(second, made)
    assert (again.state, again.attempt, again.holder) == ("reserved", 2, "two")
    assert [(p.state, p.booked) for p in second.all()] == [("dropped", 0), ("reserved", QUARTER)]


@pytest.mark.parametrize("how", ["dead", "lapsed"])
@pytest.mark.parametrize("state", ["intent", "accepted", "completed"])
def test_what_a_render_left_behind_is_taken_over_and_not_bought(
    open_as: Open, dead: set[str], clock: Clock, state: str, how: str
) -> None:
    made, first = job(), open_as("one")
    one = journal_at(first, made, state)
    if how == "dead":
        dead.add("one")
    else:
        clock.at += LEASE / 1000 + 1
    second = open_as("two")
    taken = second.claim(made.key or "", order(made))
    assert taken is not None
    assert (taken.state, taken.holder, taken.number) == (state, "two", one.number)
    assert len(second.all()) == 1
    with pytest.raises(Taken):
        (first.require if state == "intent" else first.complete)(one)


def journal_at(journal: Journal, made: Job, state: str) -> Purchase:
    one = journal.intend(claimed(journal, made))
    if state != "intent":
        one = journal.accept(one, "id-1", {})
    return journal.complete(one) if state == "completed" else one


def test_a_lease_lasts_as_long_as_its_holder_gives_signs_of_life(open_as: Open, clock: Clock) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    claimed(first, made)
    for _ in range(3):
        clock.at += LEASE / 1000 - 1
        first.stay()
        assert second.claim(made.key or "", order(made)) is None
    clock.at += LEASE / 1000
    assert second.claim(made.key or "", order(made)) is not None


def test_one_that_was_paused_before_its_submit_may_not_send(open_as: Open, clock: Clock) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    one = claimed(first, made)
    clock.at += LEASE / 1000 + 1
    assert claimed(second, made).attempt == 2
    with pytest.raises(Taken):
        first.intend(one)


def test_what_is_settled_is_told_to_whoever_asks(journal: Journal) -> None:
    for number, state in enumerate(("lost", "gone", "moderated", "given up")):
        made = job(f"prompt {number}")
        one = journal.intend(claimed(journal, made))
        one = journal.lose(one, state) if state == "lost" else journal.accept(one, f"id-{number}", {})
        if state in {"gone", "moderated"}:
            one = journal.fail(one, state, state)  # type: ignore[arg-type]
        if state == "given up":
            one = journal.settle(one, "given up", state)
        again = journal.claim(made.key or "", order(made))
        assert again is not None
        assert (again.state, again.attempt) == (state, 1)
    assert len(journal.all()) == 4


@pytest.mark.parametrize("state", ["failed", "rejected", "unsent", "waived"])
def test_what_may_be_bought_again_is_the_next_attempt(journal: Journal, state: Any) -> None:
    made = job()
    one = journal.intend(claimed(journal, made))
    if state in {"rejected", "unsent"}:
        journal.refuse(one, state, "x")
    elif state == "failed":
        journal.fail(journal.accept(one, "id-1", {}), "failed", "x")
    else:
        journal.settle(journal.lose(one, "x"), "waived", "by consent")
    assert claimed(journal, made).attempt == 2
    assert (journal.claim(made.key or "", None) or one).state == "reserved"


def test_without_an_order_nothing_is_begun(journal: Journal) -> None:
    assert journal.claim("f" * 64, None) is None
    assert journal.all() == []


def test_what_is_stored_is_bought_anew_only_where_that_is_said(journal: Journal) -> None:
    made = job()
    stored(journal, made)
    assert claimed(journal, made).state == "stored"
    assert claimed(journal, made, anew=True).state == "reserved"


def test_an_id_belongs_to_one_purchase(journal: Journal) -> None:
    accepted(journal, job("a"), "id-1")
    lost = journal.lose(journal.intend(claimed(journal, job("b"))), "x")
    with pytest.raises(Taken, match="id-1"):
        journal.adopt(lost, "id-1", "found")
    found = journal.adopt(lost, "id-2", "found")
    assert (found.state, found.ticket, found.adopted, found.reason) == ("accepted", "id-2", True, "")
    assert {one.shown for one in journal.open()} == {"id-1", "id-2"}


# -- ceilings


def test_a_ceiling_may_be_reached_and_not_passed(journal: Journal) -> None:
    run = begun(journal, ceiling=Decimal("0.50"))
    for prompt in "ab":
        claimed(journal, job(prompt), run=run, ceiling=Decimal("0.50"))
    with pytest.raises(OverCeiling, match=r"\$0.25 more than \$0.50 would pass the ceiling of this render \(\$0.50\)"):
        journal.claim("c" * 64, order(job("c"), run, ceiling=Decimal("0.50")))
    assert journal.spent() == Decimal("0.50") == journal.spent(run)
    other = begun(journal)
    assert journal.spent(other) == 0
    claimed(journal, job("d"), run=other, ceiling=Decimal("0.25"))


def test_a_budget_counts_every_render(journal: Journal) -> None:
    claimed(journal, job("a"), run=begun(journal))
    with pytest.raises(OverCeiling, match="the storyboard's budget"):
        journal.claim("b" * 64, order(job("b"), begun(journal), budget=Decimal("0.49")))
    claimed(journal, job("b"), run=begun(journal), budget=Decimal("0.50"))


@pytest.mark.parametrize("terms", [{"ceiling": Decimal(1000)}, {"budget": Decimal(1000)}])
def test_an_unknown_price_passes_under_no_ceiling(journal: Journal, terms: Any) -> None:
    begun(journal)
    made = job(cost=None)
    with pytest.raises(OverCeiling, match="unknown"):
        journal.claim(made.key or "", order(made, **terms))
    assert journal.all() == []
    one = claimed(journal, made)
    assert (one.price, one.booked, journal.spent()) == (None, None, 0)


def test_money_that_is_free_again_can_be_spent(journal: Journal) -> None:
    run = begun(journal)
    one = claimed(journal, job("a"), run=run, ceiling=QUARTER)
    with pytest.raises(OverCeiling):
        journal.claim("b" * 64, order(job("b"), run, ceiling=QUARTER))
    journal.refuse(one, "rejected", "x")
    two = claimed(journal, job("b"), run=run, ceiling=QUARTER)
    journal.refund(journal.fail(journal.accept(journal.intend(two), "id", {}), "failed", "why"), "given back")
    last = journal.all()[-1]
    assert (last.state, last.booked, last.reason) == ("failed", 0, "why")
    assert last.refunded
    claimed(journal, job("c"), run=run, ceiling=QUARTER)


@given(st.lists(st.decimals(min_value=0, max_value=5, places=4), min_size=1, max_size=12), st.decimals(0, 20, places=2))
def test_no_order_of_prices_passes_a_ceiling(prices: list[Decimal], ceiling: Decimal) -> None:
    journal = Journal(None, lambda: 0)
    run = journal.begin("one", lambda _other: True)
    taken = Decimal(0)
    for number, price in enumerate(prices):
        made = job(str(number), price)
        try:
            assert journal.claim(made.key or "", order(made, run, ceiling=ceiling))
            taken += price
        except OverCeiling:
            assert taken + price > ceiling
    assert journal.spent(run) == taken <= ceiling


@given(st.decimals(min_value=0, max_value=100_000, places=9))
def test_money_goes_through_billionths_without_loss(amount: Decimal) -> None:
    assert money.from_nano(money.nano(amount)) == amount
    assert money.nano(amount + Decimal("1e-12")) == money.nano(amount) + 1, "a reservation is rounded up"


# -- the file


def test_a_render_is_told_with_what_it_saved(journal: Journal, clock: Clock) -> None:
    run = journal.begin("one", lambda _other: True, "final", Decimal("1.5"), {"submit": 2, "cost": "0.50"})
    clock.at += 5
    journal.end(run, 3, Decimal("0.75"))
    (told,) = journal.runs()
    assert (told["number"], told["pass"], told["cached"], told["saved"]) == (run, "final", 3, Decimal("0.75"))
    assert (told["started"], told["ended"]) == (START * 1000, (START + 5) * 1000)
    assert told["planned"] == {"submit": 2, "cost": "0.50"}
    assert money.from_nano(told["ceiling"]) == Decimal("1.5")


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "none" / "journal.sqlite", lambda: 0)
    assert (journal.latest(), journal.all(), journal.open(), journal.runs(), journal.spent()) == ({}, [], [], [], 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pragma", ["user_version = 2", "user_version = 0", "application_id = 7"])
def test_a_journal_of_another_version_is_refused_and_left_alone(journal: Journal, tmp_path: Path, pragma: str) -> None:
    claimed(journal, job())
    journal.close()
    path = tmp_path / ".storyboard/journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA {pragma}")
    db.close()
    before = path.read_bytes()
    other = Journal(path, lambda: 0)
    for attempt in (other.all, other.latest, lambda: other.begin("two", lambda _name: True)):
        with pytest.raises(Unreadable, match="it is left as it is"):
            attempt()
    assert path.read_bytes() == before


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, but the notes of somebody" * 100)
    before = path.read_bytes()
    with pytest.raises(Unreadable, match="isn't a journal"):
        Journal(path, lambda: 0).all()
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    journal = Journal(path, lambda: 0)
    assert journal.all() == []
    begun(journal)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()


def test_where_it_cannot_be_written_nothing_is_promised(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unwritable, match="can't be written"):
        begun(Journal(tmp_path / "file" / "journal.sqlite", lambda: 0))


def test_a_change_that_fails_is_undone_whole(journal: Journal, tmp_path: Path) -> None:
    one = journal.intend(claimed(journal, job()))
    with sqlite3.connect(tmp_path / ".storyboard/journal.sqlite") as db:
        db.execute("DROP TABLE event")
    db.close()
    before = journal.all()
    with pytest.raises(Unwritable):
        journal.accept(one, "id-1", {})
    assert journal.all() == before
    assert before[0].state == "intent"


def test_it_is_one_file(journal: Journal, tmp_path: Path) -> None:
    stored(journal, job())
    assert sorted(path.name for path in (tmp_path / ".storyboard").iterdir()) == [".gitignore", "journal.sqlite"]


# -- which job is the lost one


def lost(clock: Clock, journal: Journal, prompt: str = "a", seconds: float = 2, cost: Decimal = QUARTER) -> Purchase:
    one = journal.intend(claimed(journal, job(prompt, cost)))
    clock.at += seconds
    return journal.lose(one, "no answer")


def seen(identity: str, after: float = 1, price: Decimal | None = QUARTER, **more: Any) -> Sighting:
    return Sighting(identity, MODEL.partition("/")[2], START + after, "processing", price, **more)


def test_the_one_job_that_could_be_it_is_it(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)
    assert window(one) == (START - SKEW, START + 2 + SKEW)
    assert match(one, [one], [seen("a")], set()) == "a"
    assert match(one, [one], [seen("a", price=None)], set()) == "a"


@pytest.mark.parametrize(
    "other",
    [
        seen("b", after=-SKEW - 0.1),
        seen("b", after=2 + SKEW + 0.1),
        seen("b", price=Decimal("0.40")),
        seen("known"),
    ],
)
def test_a_job_that_cannot_be_it_is_no_candidate(clock: Clock, journal: Journal, other: Sighting) -> None:
    one = lost(clock, journal)
    assert candidates(one, [other], {"known"}) == []
    assert match(one, [one], [other], {"known"}) == ""
    assert match(one, [one], [other, seen("a")], {"known"}) == "a"


def test_of_another_model_is_no_candidate(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)
    other = Sighting("b", "alibaba/wan-2.6/reference-to-video", START + 1, "processing", QUARTER)
    assert match(one, [one], [other], set()) == ""


def test_at_the_edges_of_the_window_it_is_one(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)
    for after in (-SKEW, 2 + SKEW):
        assert match(one, [one], [seen("a", after)], set()) == "a"


def test_two_that_could_be_it_leave_it_open(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)
    assert match(one, [one], [seen("a"), seen("b")], set()) == ""


def test_two_lost_ones_and_one_job_leave_it_open(clock: Clock, journal: Journal) -> None:
    one, two = lost(clock, journal, "a"), lost(clock, journal, "b")
    assert match(one, [one, two], [seen("a")], set()) == ""
    far = lost(clock, journal, "c", seconds=1000)
    assert match(far, [one, two, far], [seen("c", after=500)], set()) == "c"


def test_a_rival_of_another_price_is_none(clock: Clock, journal: Journal) -> None:
    one, dear = lost(clock, journal, "a", 0), lost(clock, journal, "b", 0, Decimal("0.40"))
    both = [seen("a"), seen("b", price=Decimal("0.40"))]
    assert match(one, [one, dear], both, set()) == "a"
    assert match(dear, [one, dear], both, set()) == "b"


def test_a_job_of_another_key_of_the_account_is_none(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)
    ours, theirs = seen("known", account="film"), seen("b", account="web")
    assert match(one, [one], [theirs], {"known"}) == "b", "whose key ours is isn't known"
    assert match(one, [one], [ours, theirs], {"known"}) == ""
    assert match(one, [one], [ours, theirs, seen("a", account="film")], {"known"}) == "a"
    assert match(one, [one], [ours, seen("a")], {"known"}) == "a"


def test_a_crash_leaves_the_window_as_long_as_a_request_may_take(clock: Clock, journal: Journal) -> None:
    one = journal.lose(journal.intend(claimed(journal, job())), "crash", answered=False)
    assert window(one) == (START - SKEW, START + LONGEST_POST + SKEW)


# -- values


def test_what_counts_as_bought(clock: Clock, journal: Journal) -> None:
    claimed(journal, job("reserved"))
    journal.refuse(journal.intend(claimed(journal, job("rejected"))), "rejected", "x")
    journal.refuse(journal.intend(claimed(journal, job("door"))), "moderated", "x")
    journal.fail(accepted(journal, job("late"), "id-3"), "moderated", "x")
    lost(clock, journal, "lost")
    stored(journal, job("stored"), "id-2")
    bought = purchase.bought(journal.all())
    assert [json.loads(one.what)["request"]["prompt"] for one in bought] == ["late", "lost", "stored"]
    assert purchase.spent(bought) == Decimal("0.75")
    assert purchase.spent(journal.all()) == journal.spent() == Decimal("1.00")


def test_how_long_a_service_keeps_a_clip(journal: Journal, clock: Clock) -> None:
    one = accepted(journal, job())
    assert one.left(100, round(START * 1000) + 40_000) == 60
    clock.at += 10
    assert journal.complete(one).left(100, round(START * 1000) + 40_000) == 70
