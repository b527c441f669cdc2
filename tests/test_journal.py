"""The journal: what it allows, what it refuses, and what it says afterwards."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storyboard import job as jobs
from storyboard import money, purchase
from storyboard.database import PATIENCE, Database
from storyboard.failure import Unreadable, Unwritable
from storyboard.job import Input, Job
from storyboard.journal import APPLICATION, LEASE, VERSION, Journal, Order, OverCeiling, Taken
from storyboard.providers.wire import Sighting
from storyboard.purchase import STATES, Purchase
from storyboard.reconcile import LONGEST_POST, SKEW, candidates, match, window
from tests.often import often

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
    "accept": (lambda j, p: j.accept(p, "id-9", {}), {"intent", "lost", "given up", "waived"}),
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


def told(journal: Journal, one: Purchase) -> list[tuple[str, str]]:
    """What happened to a purchase: states and notes."""
    return [(state, note) for _, state, note in journal.events(one.number)]


def test_what_happened_is_told_with_its_reasons(journal: Journal, clock: Clock) -> None:
    one = journal.intend(claimed(journal, job()))
    one = journal.lose(one, "no answer")
    clock.at += 7
    one = journal.adopt(one, "id-1", "found in the list")
    assert (one.holder, one.accepted, one.answered) == ("one", (START + 7) * 1000, START * 1000)
    one = journal.complete(one)
    clock.at += 7
    assert journal.complete(one).completed == one.completed == (START + 7) * 1000, "the first time counts"
    one = journal.store(one)
    one = journal.fail(one, "gone", "no longer known")
    one = journal.settle(one, "waived", "by consent")
    assert (one.state, one.reason) == ("waived", "by consent")
    one = journal.refund(one, "given back")
    assert (one.reason, one.refunded, one.booked) == ("by consent", (START + 14) * 1000, 0)
    assert told(journal, one) == [
        ("reserved", ""),
        ("intent", ""),
        ("lost", "no answer"),
        ("accepted", "found in the list"),
        ("completed", ""),
        ("completed", ""),
        ("stored", ""),
        ("gone", "no longer known"),
        ("waived", "by consent"),
        ("waived", "given back"),
    ]


def test_an_intent_keeps_the_moment_of_the_first_request(journal: Journal, clock: Clock) -> None:
    one = journal.intend(claimed(journal, job()))
    clock.at += 60
    assert journal.intend(one).intended == one.intended == START * 1000


def test_a_refusal_is_told_with_its_moment(journal: Journal, clock: Clock) -> None:
    one = claimed(journal, job())
    clock.at += 4
    assert journal.refuse(one, "rejected", "why").answered == (START + 4) * 1000
    assert told(journal, one) == [("reserved", ""), ("rejected", "why")]


def test_facts_and_ids_come_back_as_they_were_told(journal: Journal, tmp_path: Path) -> None:
    one = journal.intend(claimed(journal, job()))
    assert (one.facts, one.ticket, one.shown) == ({}, None, "")
    one = journal.accept(one, {"b": "é", "a": [None, 1]}, {"z": 1, "a": "ü"})
    assert (one.ticket, one.facts) == ({"b": "é", "a": [None, 1]}, {"z": 1, "a": "ü"})
    assert one.shown == '{"a": [null, 1], "b": "é"}'
    with closing(sqlite3.connect(tmp_path / ".storyboard/journal.sqlite")) as db:
        assert db.execute("SELECT facts FROM purchase").fetchone() == (r'{"a": "\u00fc", "z": 1}',)
    journal.begin("one", lambda _other: True, planned={"z": 1, "a": 2})
    with closing(sqlite3.connect(tmp_path / ".storyboard/journal.sqlite")) as db:
        assert list(db.execute("SELECT planned FROM run")) == [("{}",), ('{"a": 2, "z": 1}',)]


def test_what_was_sent_without_an_id_is_unsettled(journal: Journal) -> None:
    for name in ("intent", "lost", "given up", "waived"):
        one = journal.intend(claimed(journal, job(name)))
        one = journal.lose(one, "x") if name != "intent" else one
        if name in {"given up", "waived"}:
            journal.settle(one, name, "x")  # type: ignore[arg-type]
    journal.settle(journal.fail(accepted(journal, job("known"), "id-1"), "gone", "x"), "waived", "x")
    journal.settle(journal.refuse(claimed(journal, job("never sent")), "moderated", "x"), "waived", "x")
    claimed(journal, job("reserved"))
    found = [json.loads(one.what)["request"]["prompt"] for one in journal.unsettled()]
    assert found == ["intent", "lost", "given up", "waived"]


def test_only_the_last_purchase_of_a_key_is_open(journal: Journal) -> None:
    made = job()
    first = journal.settle(journal.lose(journal.intend(claimed(journal, made)), "x"), "waived", "x")
    again = accepted(journal, made, "id-2")
    assert [one.number for one in journal.open()] == [again.number]
    assert journal.latest() == {made.key: again}
    assert [one.number for one in journal.all()] == [first.number, again.number]
    journal.settle(again, "waived", "x")
    assert claimed(journal, made).attempt == 3
    assert journal.open() == []


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
    assert LEASE == 60_000
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


def test_a_claim_is_a_sign_of_life(open_as: Open, clock: Clock) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    clock.at += LEASE / 1000 - 1
    claimed(first, made)
    clock.at += LEASE / 1000 - 1
    assert second.claim(made.key or "", None) is None
    clock.at += 1
    assert second.claim(made.key or "", None) is not None


def test_a_render_that_has_ended_holds_nothing(open_as: Open, clock: Clock) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    one = first.intend(claimed(first, made))
    assert second.busy(one)
    assert second.claim(made.key or "", None) is None
    first.end(one.run, 0, Decimal(0))
    assert not second.busy(one)
    assert (second.claim(made.key or "", None) or one).holder == "two"


@pytest.mark.parametrize("state", ["intent", "accepted", "completed"])
def test_taking_over_is_told_and_changes_nothing_else(open_as: Open, dead: set[str], state: str) -> None:
    made, first = job(), open_as("one")
    one = journal_at(first, made, state)
    dead.add("one")
    second = open_as("two")
    taken = second.claim(made.key or "", None)
    assert taken == one._replace(holder="two")
    assert told(second, one)[-1] == (state, "taken over")


def test_a_reservation_that_is_dropped_says_why(open_as: Open, dead: set[str]) -> None:
    made = job()
    one = claimed(open_as("one"), made)
    dead.add("one")
    second = open_as("two")
    dropped = second.claim(made.key or "", None)
    assert second.all() == [dropped], "without an order nothing is begun"
    assert dropped is not None
    assert (dropped.state, dropped.reason) == ("dropped", "the render ended before it sent anything")
    assert told(second, one)[-1] == ("dropped", "the render ended before it sent anything")


def test_what_is_stored_is_taken_over_without_a_word_of_trouble(open_as: Open) -> None:
    made = job()
    one = stored(open_as("one"), made)
    second = open_as("two")
    assert second.claim(made.key or "", order(made)) == one._replace(holder="two")
    assert told(second, one)[-1] == ("stored", "taken over")


@pytest.mark.parametrize("state", ["reserved", "intent", "accepted", "completed"])
def test_only_what_a_render_is_at_is_busy(open_as: Open, dead: set[str], state: str) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    one = claimed(first, made) if state == "reserved" else journal_at(first, made, state)
    assert second.busy(one)
    dead.add("one")
    assert not second.busy(one)
    dead.clear()
    ended = first.refuse(one, "rejected", "x") if state in {"reserved", "intent"} else first.store(one)
    assert not second.busy(ended)


def test_who_is_nobody_knows_of_nobody_who_lives(open_as: Open, tmp_path: Path, clock: Clock) -> None:
    one = claimed(open_as("one"), job())
    nobody = Journal(tmp_path / ".storyboard" / "journal.sqlite", clock)
    assert not nobody.busy(one)
    nobody.stay()
    with closing(sqlite3.connect(tmp_path / ".storyboard/journal.sqlite")) as db:
        assert [name for (name,) in db.execute("SELECT name FROM holder")] == ["one"]


def test_a_lease_can_be_of_another_length(tmp_path: Path, clock: Clock) -> None:
    first, second = (Journal(tmp_path / "journal.sqlite", clock, 5000) for _ in range(2))
    assert (first.lease, Journal(None, clock).lease) == (5000, LEASE)
    begun(first)
    made = job()
    claimed(first, made)
    begun(second, "two")
    clock.at += 4.999
    assert second.claim(made.key or "", None) is None
    clock.at += 0.001
    assert second.claim(made.key or "", None) is not None


def test_what_is_let_go_of_is_whoevers_comes_next(open_as: Open) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    one, other = first.intend(claimed(first, made)), claimed(first, job("b"))
    second.let_go(one)
    assert second.claim(made.key or "", None) is None, "only its holder lets go of it"
    first.let_go(one)
    assert (first.all()[0].holder, first.all()[1]) == ("", other)
    taken = second.claim(made.key or "", None)
    assert taken == one._replace(holder="two")
    first.let_go(one)
    assert second.all()[0].holder == "two"


def test_an_id_is_kept_though_another_render_holds_the_purchase(open_as: Open, dead: set[str]) -> None:
    made, first = job(), open_as("one")
    one = first.intend(claimed(first, made))
    dead.add("one")
    second = open_as("two")
    second.claim(made.key or "", None)
    kept = first.accept(one, "id-1", {})
    assert (kept.state, kept.ticket, kept.holder) == ("accepted", "id-1", "two")
    assert second.complete(kept).state == "completed"


def test_whoever_sees_the_clip_says_so(open_as: Open) -> None:
    one = open_as("two").store(accepted(open_as("one"), job()))
    assert (one.state, one.holder) == ("stored", "one")


def test_the_users_word_and_money_back_need_no_holder(open_as: Open) -> None:
    made, first, second = job(), open_as("one"), open_as("two")
    one = second.refund(accepted(first, made), "given back")
    assert (one.holder, one.booked) == ("one", 0)
    one = second.settle(one, "waived", "by consent")
    assert (one.holder, one.state) == ("one", "waived")


def test_whose_it_is_is_told(open_as: Open, dead: set[str]) -> None:
    made, first = job(), open_as("one")
    one = first.intend(claimed(first, made))
    dead.add("one")
    open_as("two").claim(made.key or "", None)
    with pytest.raises(Taken, match=r"^s010: another render has it \(intent\)$"):
        first.require(one)
    with pytest.raises(Taken, match=r"^s010: another render has it \(intent\)$"):
        first.lose(one, "x")


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


def test_a_reservation_of_a_dead_render_is_told_as_dropped(open_as: Open, dead: set[str]) -> None:
    made = job()
    claimed(open_as("one"), made)
    dead.add("one")
    told = open_as("two").claim(made.key or "", None)
    assert told is not None
    assert (told.state, told.booked) == ("dropped", 0)


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
    with pytest.raises(Taken, match=r"^id-1 is another purchase's$"):
        journal.adopt(lost, "id-1", "found")
    assert journal.all()[1] == lost
    gone = journal.fail(accepted(journal, job("c"), "id-3"), "gone", "x")
    assert journal.settle(journal.adopt(gone, "id-3", "known again"), "waived", "x").ticket == "id-3", "its own, again"
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
    said = r"^\$0.25 more than \$0.25 would pass the storyboard's budget \(\$0.49\)$"
    with pytest.raises(OverCeiling, match=said):
        journal.claim("b" * 64, order(job("b"), begun(journal), budget=Decimal("0.49")))
    claimed(journal, job("b"), run=begun(journal), budget=Decimal("0.50"))


@pytest.mark.parametrize(
    ("terms", "name"),
    [
        ({"ceiling": Decimal(1000)}, "the ceiling of this render"),
        ({"budget": Decimal(1000)}, "the storyboard's budget"),
        ({"ceiling": Decimal(0), "budget": Decimal(1000)}, "the ceiling of this render"),
    ],
)
def test_an_unknown_price_passes_under_no_ceiling(journal: Journal, terms: Any, name: str) -> None:
    begun(journal)
    made = job(cost=None)
    most = "0.00" if len(terms) == 2 else "1000.00"
    with pytest.raises(OverCeiling, match=rf"^its price is unknown, and never passes under {name} \(\${most}\)$"):
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


def test_a_budget_counts_where_a_ceiling_has_room(journal: Journal) -> None:
    claimed(journal, job("a"), run=begun(journal))
    run = begun(journal)
    with pytest.raises(OverCeiling, match="the storyboard's budget"):
        journal.claim("b" * 64, order(job("b"), run, ceiling=Decimal(1), budget=Decimal("0.30")))
    with pytest.raises(OverCeiling, match="the ceiling of this render"):
        journal.claim("b" * 64, order(job("b"), run, ceiling=Decimal("0.20"), budget=Decimal(1)))
    assert claimed(journal, job("b"), run=run, ceiling=Decimal("0.25"), budget=Decimal("0.50")).run == run


@often()
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


@often()
@given(st.decimals(min_value=0, max_value=100_000, places=9))
def test_money_goes_through_billionths_without_loss(amount: Decimal) -> None:
    assert money.from_nano(money.nano(amount)) == amount
    assert money.nano(Decimal(1)) == 1_000_000_000, "as in every journal there is"
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


def test_a_render_is_told_while_it_runs(journal: Journal, clock: Clock) -> None:
    first = begun(journal)
    clock.at += 1
    second = journal.begin("two", lambda _other: True, "final")
    assert (first, second) == (1, 2)
    assert journal.runs() == [
        {
            "number": 1,
            "started": START * 1000,
            "ended": None,
            "pass": "draft",
            "holder": "one",
            "ceiling": None,
            "planned": {},
            "saved": 0,
            "cached": 0,
        },
        journal.runs()[0] | {"number": 2, "started": (START + 1) * 1000, "pass": "final", "holder": "two"},
    ]
    assert journal.begin("three", lambda _other: True) == 3
    assert journal.runs()[2]["pass"] == ""


def test_an_end_that_cannot_be_written_stops_nothing(journal: Journal, tmp_path: Path) -> None:
    run = begun(journal)
    with closing(sqlite3.connect(tmp_path / ".storyboard/journal.sqlite")) as db:
        db.execute("CREATE TRIGGER full BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    journal.end(run, 1, Decimal("0.25"))
    assert (journal.runs()[0]["ended"], journal.runs()[0]["cached"]) == (None, 0)


def test_what_is_spent_has_cents(journal: Journal, tmp_path: Path) -> None:
    assert str(Journal(tmp_path / "none.sqlite", lambda: 0).spent()) == "0.00"
    run = begun(journal)
    assert (str(journal.spent()), str(journal.spent(run)), str(purchase.spent([]))) == ("0.00", "0.00", "0.00")
    claimed(journal, job(cost=Decimal("0.5")), run=run)
    assert (str(journal.spent()), str(journal.spent(run)), str(journal.spent(run + 1))) == ("0.50", "0.50", "0.00")
    assert str(purchase.spent(journal.all())) == "0.50"


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "none" / "journal.sqlite", lambda: 0)
    assert (journal.latest(), journal.all(), journal.open(), journal.runs(), journal.spent()) == ({}, [], [], [], 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("pragma", "version"), [("user_version = 2", 2), ("user_version = 0", 0), ("application_id = 7", 1)]
)
def test_a_journal_of_another_version_is_refused_and_left_alone(
    journal: Journal, tmp_path: Path, pragma: str, version: int
) -> None:
    claimed(journal, job())
    journal.close()
    path = tmp_path / ".storyboard/journal.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA {pragma}")
    db.close()
    before = path.read_bytes()
    other = Journal(path, lambda: 0)
    said = (
        f"^.storyboard/journal.sqlite is of version {version}, and this program knows version 1; it is left as it is$"
    )
    for attempt in (other.all, other.latest, lambda: other.begin("two", lambda _name: True)):
        with pytest.raises(Unreadable, match=said):
            attempt()
    assert path.read_bytes() == before


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database, but the notes of somebody" * 100)
    before = path.read_bytes()
    said = rf"^{tmp_path.name}/journal.sqlite isn't a journal, or is damaged \(.*not a database\); it is left as it is$"
    with pytest.raises(Unreadable, match=said):
        Journal(path, lambda: 0).all()
    assert path.read_bytes() == before


def test_one_byte_is_no_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"x")
    said = f"^{tmp_path.name}/journal.sqlite isn't a journal; it is left as it is$"
    for attempt in (lambda: Journal(path, lambda: 0).all(), lambda: begun(Journal(path, lambda: 0))):
        with pytest.raises(Unreadable, match=said):
            attempt()
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize(
    "change", ["DROP TABLE event", "CREATE TABLE more (a)", "ALTER TABLE event RENAME COLUMN note TO notes"]
)
def test_a_journal_of_another_shape_is_refused(journal: Journal, tmp_path: Path, change: str) -> None:
    claimed(journal, job())
    journal.close()
    path = tmp_path / ".storyboard/journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute(change)
    before = path.read_bytes()
    said = r"^.storyboard/journal.sqlite is damaged \(integrity: ok\); it is left as it is$"
    for attempt in (journal.all, lambda: begun(journal)):
        with pytest.raises(Unreadable, match=said):
            attempt()
    assert path.read_bytes() == before


def test_tables_of_somebody_else_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE notes (a)")
    with pytest.raises(Unreadable, match="is of version 0"):
        begun(Journal(path, lambda: 0))


def test_a_key_that_an_index_misses_is_damage(journal: Journal, tmp_path: Path) -> None:
    for prompt in "abc":
        claimed(journal, job(prompt))
    journal.close()
    path = tmp_path / ".storyboard/journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_purchase%'"
        ).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    data = bytearray(path.read_bytes())
    place = (root - 1) * size + 3
    data[place : place + 2] = (1).to_bytes(2, "big")  # of three entries, the page tells one
    path.write_bytes(data)
    with pytest.raises(Unreadable, match=r"is damaged \(integrity: (?s:.+)\); it is left as it is$"):
        journal.all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE purchase SET state = 'odd'", "'odd' is no state"),
        ("UPDATE purchase SET facts = '{'", "Expecting property name"),
        ("UPDATE purchase SET ticket = 'x'", "Expecting value"),
    ],
)
def test_a_row_that_says_nothing_is_unreadable(journal: Journal, tmp_path: Path, change: str, said: str) -> None:
    made = job()
    claimed(journal, made)
    with closing(sqlite3.connect(tmp_path / ".storyboard/journal.sqlite")) as db, db:
        db.execute(change)
    with pytest.raises(Unreadable, match=rf"^.storyboard/journal.sqlite can't be read: {said}"):
        journal.all()
    with pytest.raises(Unwritable, match=rf"^.storyboard/journal.sqlite can't be written: {said}"):
        journal.claim(made.key or "", None)


def test_an_empty_file_is_a_new_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    journal = Journal(path, lambda: 0)
    assert journal.all() == []
    assert path.read_bytes() == b""
    begun(journal)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,) == (1,)
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert path.read_bytes()[68:72] == b"Stbd"
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


def test_a_change_that_is_interrupted_is_undone_whole(tmp_path: Path) -> None:
    file = Database(tmp_path / "a.sqlite", "CREATE TABLE one (a)", 1, 2)

    def interrupted() -> None:
        with file.writing() as db:
            db.execute("INSERT INTO one VALUES (1)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with file.reading() as db:
        assert (db.in_transaction, list(db.execute("SELECT * FROM one"))) == (False, [])
    with file.writing() as db:
        db.execute("INSERT INTO one VALUES (2)")
    with file.reading() as db:
        assert list(db.execute("SELECT * FROM one")) == [(2,)]


def test_every_transaction_is_on_the_disk_and_waits_for_its_turn(tmp_path: Path) -> None:
    file = Database(tmp_path / "a.sqlite", "CREATE TABLE one (a)", 1, 2)
    with file.reading() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (3,), "EXTRA"
        assert db.execute("PRAGMA fullfsync").fetchone() == (1,)
        assert db.execute("PRAGMA busy_timeout").fetchone() == (PATIENCE * 1000,) == (30_000,)
        assert db.isolation_level is None
        assert db.execute("PRAGMA application_id").fetchone() == (2,)
    other = sqlite3.connect(tmp_path / "a.sqlite", timeout=0)
    with closing(other), file.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")


def test_it_may_be_let_go_of_at_any_time(tmp_path: Path) -> None:
    file = Database(tmp_path / "a.sqlite", "CREATE TABLE one (a)", 1, 2)
    file.close()
    assert not file.exists
    with file.writing() as db:
        db.execute("INSERT INTO one VALUES (1)")
    file.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("SELECT 1")
    assert file.exists
    with file.reading() as again:
        assert list(again.execute("SELECT * FROM one")) == [(1,)]
        assert again is not db
    with file.reading() as still:
        assert still is again


def test_in_memory_it_stays_until_the_end() -> None:
    file = Database(None, "CREATE TABLE one (a)", 1, 2)
    assert not file.exists
    with file.writing() as db:
        db.execute("INSERT INTO one VALUES (1)")
    file.close()
    assert file.exists
    with file.reading() as db:
        assert list(db.execute("SELECT * FROM one")) == [(1,)]
    with pytest.raises(Unreadable, match=r"^the journal can't be read: no such table: other$"), file.reading() as db:
        db.execute("SELECT * FROM other")
    with pytest.raises(Unwritable, match=r"^the journal can't be written: no such table: other$"), file.writing() as db:
        db.execute("DELETE FROM other")


def test_two_that_begin_a_journal_at_once_begin_one(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    schema = "CREATE TABLE one (a)"
    failed: list[Exception] = []

    def begin() -> None:
        try:
            with Database(path, schema, 1, 2).reading() as db:
                assert list(db.execute("SELECT * FROM one")) == [(7,)]
        except Exception as error:  # noqa: BLE001 -- told below
            failed.append(error)

    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        late = threading.Thread(target=begin)
        late.start()
        time.sleep(0.1)  # it has seen an empty file, and waits for its turn
        for statement in (schema, "PRAGMA application_id = 2", "PRAGMA user_version = 1", "INSERT INTO one VALUES (7)"):
            db.execute(statement)
        db.execute("COMMIT")
        late.join()
    assert failed == []


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
    assert window(one) == (START - SKEW, START + 2 + SKEW) == (START - 5, START + 7)
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


def test_without_a_price_there_is_a_doubt(clock: Clock, journal: Journal) -> None:
    one = lost(clock, journal)._replace(price=None)
    assert candidates(one, [seen("a")], set()) == [seen("a")]
    assert match(one, [one], [seen("a")], set()) == ""


def test_a_purchase_whose_price_is_unknown_is_in_doubt(clock: Clock, journal: Journal) -> None:
    one = journal.lose(journal.intend(claimed(journal, job(cost=None))), "no answer")
    for sighting in (seen("a"), seen("a", price=None)):
        assert candidates(one, [sighting], set()) == [sighting]
        assert match(one, [one], [sighting], set()) == ""


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
    assert window(one) == (START - SKEW, START + LONGEST_POST + SKEW) == (START - 5, START + 80)


# -- values


def test_what_counts_as_bought(clock: Clock, journal: Journal) -> None:
    claimed(journal, job("reserved"))
    for state in ("rejected", "unsent", "dropped"):
        journal.refuse(journal.intend(claimed(journal, job(state))), state, "x")  # type: ignore[arg-type]
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


def test_a_clip_that_was_never_accepted_is_counted_from_its_reservation(journal: Journal, clock: Clock) -> None:
    one = claimed(journal, job())
    assert one.left(100, one.reserved + 1999) == 99
    clock.at += 10
    assert journal.accept(journal.intend(one), "id", {}).left(100, one.reserved + 10_000) == 100


def test_what_was_bought_is_written_down_whole_and_without_signatures() -> None:
    files = {
        "a": Input("é.png?x", "ab" * 32, file="/x/é.png"),
        "b": Input("https://x/b?s=1", None, url="https://x/b?s=2"),
    }
    made = jobs.new("shop/one/two", {"z": "é", "a": [1]}, files, Fraction(15, 2), QUARTER)
    text = purchase.written(made)
    assert text == (
        '{"inputs":{"a":["é.png?x","' + "ab" * 32 + '",""],"b":["https://x/b",null,"https://x/b"]},'
        '"model":"shop/one/two","request":{"a":[1],"z":"é"},"seconds":[15,2]}'
    )
    kept = purchase.read(text, "k", QUARTER)
    assert (kept.model, kept.request, kept.seconds, kept.cost, kept.key) == (
        "shop/one/two",
        {"z": "é", "a": [1]},
        Fraction(15, 2),
        QUARTER,
        "k",
    )
    assert kept.inputs == {
        "a": Input("é.png?x", "ab" * 32, None, ""),
        "b": Input("https://x/b", None, None, "https://x/b"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting property name"),
        ("[]", "parts are missing"),
        ("7", "'int' object is not iterable"),
        ('{"model": "m", "request": {}, "inputs": {}}', "parts are missing"),
        ('{"model": "m", "request": {}, "inputs": {"a": [1, 2]}, "seconds": [1, 1]}', "parts are missing"),
        ('{"model": "m", "request": {}, "inputs": {"a": [1, 2, 3], "b": []}, "seconds": [1, 1]}', "parts are missing"),
        ('{"model": "m", "request": {}, "inputs": {"a": 1}, "seconds": [1, 1]}', "object of type 'int' has no len"),
        ('{"model": "m", "request": {}, "inputs": [], "seconds": [1, 1]}', "'list' object has no attribute 'values'"),
        ('{"model": "m", "request": {}, "inputs": {}, "seconds": [1, 0]}', r"Fraction\(1, 0\)"),
    ],
)
def test_a_damaged_description_is_told(text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=f"^what a purchase was of is damaged in the journal: {said}"):
        purchase.read(text, "k", None)


def test_a_purchase_names_its_service(journal: Journal) -> None:
    one = claimed(journal, job(model="shop/one/two"))
    assert (one.model, one.provider, one.job.provider, one.job.local) == ("shop/one/two", "shop", "shop", False)
    assert job(model="local/shop").local


def test_a_job_has_a_key_once_its_references_are_known() -> None:
    unknown = Input("https://x/a?s=1", None, url="https://x/a?s=1")
    known = Input("a", "ab" * 32)
    assert (unknown.name, known.name) == ("unknown:https://x/a?s=1", "sha256:" + "ab" * 32)
    made = jobs.new("m", {"a": 1}, {"a": known, "b": unknown}, Fraction(5), QUARTER, "wavespeed")
    assert made == Job("m", {"a": 1}, {"a": known, "b": unknown}, Fraction(5), QUARTER, None, "wavespeed")
    assert jobs.new("m", {"a": 1}, {"a": known}, Fraction(5), None).key == jobs.key_of("m", {"a": 1})
    assert jobs.new("m", {"a": 1}, {}, Fraction(5), None).upload_via is None


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (None, ""),
        ("", ""),
        ("https://x/a?s=1?t", "https://x/a"),
        ("https://x/a", "https://x/a"),
        ("what?.png", "what?.png"),
    ],
)
def test_signatures_of_urls_are_left_out(label: str | None, shown: str) -> None:
    assert jobs.bare(label) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, None),
        (Decimal(0), "0.00"),
        (Decimal("0.25"), "0.25"),
        (Decimal("0.1250"), "0.125"),
        (Decimal("1.5"), "1.50"),
        (Decimal(10), "10.00"),
        (Decimal("1E+3"), "1000.00"),
        (Decimal("0.000000001"), "0.000000001"),
        (Decimal("-0.5"), "-0.50"),
    ],
)
def test_dollars_are_written_with_cents(amount: Decimal | None, shown: str | None) -> None:
    assert money.usd(amount) == shown
