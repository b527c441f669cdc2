"""One clip bought: every branch of the way there, with a journal and a store on the disk and a shop in memory."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from storyboard import digest, version
from storyboard import job as jobs
from storyboard.buy import REPEATABLE, Bought, Buyer, Found, Terms, look_for, probed
from storyboard.catalog import Catalog
from storyboard.event import Advanced, Event, Noted, Spent, Started
from storyboard.job import Job
from storyboard.journal import LEASE, Journal, Order, Taken
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.providers import (
    ClipFailed,
    ClipHeld,
    Limit,
    Lists,
    Progress,
    Seller,
    Setup,
    Sighting,
    Status,
    Ticket,
    load,
)
from storyboard.purchase import Purchase
from storyboard.reconcile import LONGEST_POST, SKEW
from storyboard.store import Record, Store
from storyboard.tools import Tools
from tests.scripted import HTML, ID, KEY, SERVICES, Clock, Reply, Request, Script, Server, page, told, unwatched

START = 1_800_000_000.0
QUARTER = Decimal("0.25")
SHOP = "The shop"
LIMIT = Limit(1, 1000)
FULL = ".storyboard/journal.sqlite can't be written: the disk is full"

Act = Callable[[], None]


class Time:
    """Time that passes only while somebody sleeps; `then` is done after the so-manieth sleep."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []
        self.then: dict[int, Act] = {}

    def wall(self) -> float:
        return START + self.passed

    def nanoseconds(self) -> int:
        return round(self.wall() * 1e9)

    def now(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        assert len(self.slept) < 500, "it waits for ever"
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)
        self.then.get(len(self.slept), lambda: None)()


@dataclass
class Shop:
    """A seller whose every step can go wrong: what stands there for a step is raised, or called first.

    Attributes:
        clip: The bytes that it sells.
        seen: How far a job is, for whoever looks.
        told: What it tells of a clip beside its id.
        did: What was asked of it, in order.
        took: Seconds that a submit takes.
    """

    time: Time
    clip: bytes
    idempotent: bool = False
    title: str = SHOP
    limit: Limit = LIMIT
    prepares: BaseException | Act | None = None
    arrives: Act | None = None
    submits: BaseException | None = None
    collects: BaseException | Act | None = None
    finishes: BaseException | Act | None = None
    seen: Status | None = None
    told: dict[str, Any] = field(default_factory=dict)
    did: list[tuple[Any, ...]] = field(default_factory=list)
    took: float = 2.0

    def require(self, job: Job) -> None:
        """Nothing is missing."""

    def work(self, job: Job) -> int:
        """Typical seconds."""
        return 90 if job.model == "shop/fine/model" else 0

    async def close(self) -> None:
        """Nothing is open."""

    async def prepare(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        self.did.append(("prepare", job.request["prompt"]))
        progress(0, "preparing")
        _go(self.prepares)
        return {"asked": job.request["prompt"]}

    async def submit(
        self, job: Job, body: Mapping[str, Any], nonce: str, still: Callable[[], None], progress: Progress
    ) -> Ticket:
        progress(0, "submitting")
        _go(self.arrives)
        still()
        assert job.request["prompt"] == body["asked"]
        self.did.append(("submit", dict(body), nonce))
        self.time.passed += self.took
        _go(self.submits)
        return Ticket("job-1", {"credits": 7})

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Progress, completed: Callable[[], None]
    ) -> Mapping[str, Any]:
        self.did.append(("collect", ticket, job))
        progress(30, "rendering")
        self.time.passed += 60
        _go(self.collects)
        completed()
        completed()
        progress(90)
        self.time.passed += 5
        _go(self.finishes)
        into.write_bytes(self.clip)
        return {"provider": {"name": "shop", "id": ticket.id}, **self.told}

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        self.did.append(("look", ticket, job))
        return self.seen

    @property
    def steps(self) -> list[str]:
        """The names of what was asked."""
        return [str(step[0]) for step in self.did]


def _go(what: BaseException | Act | None) -> None:
    if isinstance(what, BaseException):
        raise what
    if what is not None:
        what()


@dataclass
class Listing(Shop):
    """A shop with a list."""

    shows: list[Sighting] = field(default_factory=list)
    lists: BaseException | None = None

    async def sightings(self, model: str, after: float, before: float, *, bills: bool = False) -> list[Sighting]:
        self.did.append(("list", model, after - START, before - START, self.time.passed))
        _go(self.lists)
        return self.shows


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real MP4 of two frames."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with av.open(str(path), "w", format="mp4") as media:
        stream = media.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for _ in range(2):
            media.mux(stream.encode(av.VideoFrame(64, 36, "yuv420p")))
        media.mux(stream.encode(None))
    return path.read_bytes()


class Desk:
    """One render's buyer, its journal and its store, and what it tells. `other` is a render beside it."""

    def __init__(self, folder: Path, clip: bytes) -> None:
        self.time = Time()
        self.path = folder / ".storyboard" / "journal.sqlite"
        self.dead: set[str] = set()
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", self.time.nanoseconds))
        self.journal = Journal(self.path, self.time.nanoseconds)
        self.other = Journal(self.path, self.time.nanoseconds)
        self.elsewhere = self.other.begin("other", self._lives)
        self.run = self.journal.begin("one", self._lives)
        self.terms = Terms(self.run, self.time.wall, self.time.sleep, self.time.now)
        self.told: list[Event] = []
        self.buyer = Buyer(self.journal, self.store, self.terms, self.told.append)
        self.turn = asyncio.Semaphore(1)
        self.shop = Shop(self.time, clip)
        self.clip = clip

    def _lives(self, name: str) -> bool:
        return name not in self.dead

    def lists(self, *shown: Sighting) -> Listing:
        """From now on the shop has a list."""
        self.shop = listing = Listing(self.time, self.clip, shows=list(shown))
        return listing

    def order(self, made: Job, run: int | None = None, **terms: Any) -> Order:
        return Order(made, "s010", "draft", self.run if run is None else run, **terms)

    def run_it(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def get(self, made: Job, order: Order | None = None) -> Bought:
        """Buy, or go on with what was bought."""
        wanted = order or self.order(made)
        return asyncio.run(self.buyer.clip("s010", made.key or "", wanted, self.shop, self.turn))

    def fetch(self, made: Job, job: Job | None = None) -> Bought:
        """Go on with what was bought; buy nothing."""
        return asyncio.run(self.buyer.clip("s010", made.key or "", None, self.shop, self.turn, job))

    def last(self, made: Job) -> Purchase:
        return self.journal.latest()[made.key or ""]

    def states(self, made: Job) -> list[str]:
        """The states that the last purchase came to."""
        return [state for _, state, _ in self.journal.events(self.last(made).number)]

    def left(self, made: Job, state: str, reason: str = "no answer") -> Purchase:
        """What another render bought, up to some state; then it died."""
        other = self.other
        one = other.claim(made.key or "", self.order(made, self.elsewhere))
        assert one is not None
        if state != "reserved":
            one = other.intend(one)
            self.time.passed += 3
        if state == "lost":
            one = other.lose(one, reason)
        elif state in {"accepted", "completed", "stored", "gone", "moderated", "given up"}:
            one = other.accept(one, "job-7", {"credits": 8})
        if state in {"completed", "stored"}:
            one = other.complete(one)
        if state == "stored":
            one = other.store(one)
        if state in {"gone", "moderated"}:
            one = other.fail(one, state, reason)  # type: ignore[arg-type]
        if state == "given up":
            one = other.settle(one, "given up", reason)
        self.dead.add("other")
        return one

    def keep(self, made: Job) -> None:
        """The clip is in the store."""
        with self.store.workspace() as folder:
            (folder / "clip.mp4").write_bytes(self.clip)
            self.store.put(made.key or "", {"clip": folder / "clip.mp4"}, {})

    @contextmanager
    def full(self, *states: str, when: str = "") -> Iterator[None]:
        """The disk has no room for a purchase that comes to one of these states."""
        self.fill(*states, when=when)
        yield
        self.free()

    def fill(self, *states: str, when: str = "") -> None:
        names = ", ".join(f"'{state}'" for state in states)
        self._do(
            f"CREATE TRIGGER full BEFORE UPDATE ON purchase WHEN {when} NEW.state IN ({names})"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )

    def free(self) -> None:
        self._do("DROP TRIGGER full")

    def _do(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute(statement)

    @property
    def steps(self) -> list[str]:
        """What was told of how far it is."""
        return [event.doing for event in self.told if isinstance(event, Advanced)]


@pytest.fixture
def desk(tmp_path: Path, clip: bytes) -> Desk:
    return Desk(tmp_path, clip)


def job(prompt: str = "a", cost: Decimal | None = QUARTER) -> Job:
    return jobs.new("shop/fine/model", {"prompt": prompt}, {}, Fraction(5), cost)


def nonce(made: Job, attempt: int) -> str:
    return digest.sha256(f"{made.key}:{attempt}".encode())[:40]


def sighting(identity: str = "job-9", after: float = 1, price: Decimal | None = QUARTER) -> Sighting:
    return Sighting(identity, "fine/model", START + after, "done", price)


# -- the way to a clip


def test_a_clip_is_bought_waited_for_and_kept(desk: Desk) -> None:
    made = job()
    seen: list[tuple[str, dict[str, str]]] = []
    desk.shop.arrives = lambda: seen.append((desk.last(made).state, dict(desk.buyer.under_way)))
    desk.shop.collects = lambda: seen.append((desk.last(made).state, dict(desk.buyer.under_way)))
    desk.shop.finishes = lambda: seen.append((desk.last(made).state, dict(desk.buyer.under_way)))
    desk.shop.told = {"seed": 4}
    got = desk.get(made)
    assert isinstance(got.record, Record)
    assert got == Bought("done", got.record, "", QUARTER, ())
    assert desk.store.find(made.key or "") == got.record
    assert {name: blob.path.read_bytes() for name, blob in got.record.outputs.items()} == {"clip": desk.clip}
    assert got.record.facts == {
        "model": "shop/fine/model",
        "request": {"prompt": "a"},
        "words": {},
        "inputs": {},
        "cost": "0.25",
        "at": "2027-01-15T08:00:02Z",
        "id": "job-1",
        "by": version.__version__,
        "clip": {"width": 64, "height": 36, "frames": 2, "sound": False},
        "provider": {"name": "shop", "id": "job-1"},
        "seed": 4,
    }
    assert desk.shop.did == [
        ("prepare", "a"),
        ("submit", {"asked": "a"}, nonce(made, 1)),
        ("collect", Ticket("job-1", {"credits": 7}), made),
    ]
    assert seen == [("intent", {"s010": ""}), ("accepted", {"s010": "job-1"}), ("completed", {"s010": "job-1"})]
    assert desk.states(made) == ["reserved", "intent", "accepted", "completed", "completed", "stored"]
    one = desk.last(made)
    assert (one.state, one.ticket, one.facts, one.run) == ("stored", "job-1", {"credits": 7}, desk.run)
    times = (one.reserved, one.intended, one.answered, one.accepted, one.completed, one.stored)
    assert [(at or 0) / 1000 - START for at in times] == [0, 0, 2, 2, 62, 67]
    assert desk.told == [
        Started("s010", "rendering", 90),
        Advanced("s010", 0, "preparing"),
        Spent(QUARTER),
        Advanced("s010", 0, "submitting"),
        Advanced("s010", 30, "rendering"),
        Advanced("s010", 90, ""),
    ]
    assert (desk.buyer.under_way, desk.turn.locked(), desk.time.slept) == ({}, False, [])


def test_a_price_that_nobody_knows_costs_nothing_that_is_known(desk: Desk) -> None:
    made = job(cost=None)
    got = desk.get(made)
    assert (got.state, got.cost, desk.last(made).booked) == ("done", 0, None)


def test_what_came_otherwise_than_asked_is_noted(desk: Desk) -> None:
    desk.shop.told = {"differs": ["4 s instead of 5 s", "silent"]}
    got = desk.get(job())
    assert (got.state, got.notes) == ("done", ("4 s instead of 5 s", "silent"))


def test_every_purchase_has_a_nonce_of_its_own_that_its_key_and_attempt_decide(desk: Desk) -> None:
    desk.shop.submits = ClipFailed("refused")
    for made in (job("a"), job("a"), job("b")):
        desk.get(made)
    sent = [step[2] for step in desk.shop.did if step[0] == "submit"]
    assert sent == [nonce(job("a"), 1), nonce(job("a"), 2), nonce(job("b"), 1)]
    assert len(set(sent)) == 3
    assert {len(one) for one in sent} == {40}


def test_a_job_keeps_its_files_on_the_way(desk: Desk) -> None:
    given = jobs.Input("mira.png", "ab" * 32, file="/x/mira.png")
    made = jobs.new("shop/fine/model", {"prompt": given.name}, {given.name: given}, Fraction(5), QUARTER)
    desk.get(made)
    assert desk.shop.did[-1][2] is made
    desk.left(other := job("b"), "accepted")
    assert desk.fetch(other, other).state == "done"
    assert desk.shop.did[-1][2] is other


# -- before anything is sent


def test_what_cannot_be_prepared_is_dropped_and_costs_nothing(desk: Desk) -> None:
    made = job()
    desk.shop.prepares = ClipFailed("mira.png can't be handed over")
    got = desk.get(made)
    assert got == Bought("failed", error="mira.png can't be handed over")
    one = desk.last(made)
    assert (one.state, one.reason, one.booked) == ("dropped", "mira.png can't be handed over", 0)
    assert desk.shop.steps == ["prepare"]
    assert desk.buyer.under_way == {}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (asyncio.CancelledError(), "the render was stopped before it was sent"),
        (RuntimeError("odd"), "RuntimeError('odd')"),
        (KeyboardInterrupt(), "KeyboardInterrupt()"),
    ],
)
def test_what_is_stopped_before_it_is_sent_is_dropped(desk: Desk, error: BaseException, reason: str) -> None:
    made = job()
    desk.shop.prepares = error
    with pytest.raises(type(error)):
        desk.get(made)
    one = desk.last(made)
    assert (one.state, one.reason, one.booked) == ("dropped", reason, 0)


def test_what_cannot_even_be_dropped_fails_all_the_same(desk: Desk) -> None:
    made = job()
    desk.shop.prepares = ClipFailed("can't be handed over")
    with desk.full("dropped"):
        assert desk.get(made) == Bought("failed", error="can't be handed over")
    assert desk.last(made).state == "reserved"


def test_what_another_render_took_meanwhile_is_not_dropped(desk: Desk) -> None:
    made = job()

    def paused() -> None:
        desk.time.passed += LEASE / 1000
        assert desk.other.claim(made.key or "", desk.order(made, desk.elsewhere))
        raise ClipFailed("can't be handed over")

    desk.shop.prepares = paused
    assert desk.get(made) == Bought("failed", error="can't be handed over")
    assert [(one.state, one.holder) for one in desk.journal.all()] == [("dropped", "one"), ("reserved", "other")]


def test_without_a_written_intent_nothing_is_sent(desk: Desk) -> None:
    made = job()
    with desk.full("intent"):
        got = desk.get(made)
    assert got == Bought("failed", error=f"{FULL}; nothing was sent")
    assert desk.shop.steps == ["prepare"]
    one = desk.last(made)
    assert (one.state, one.booked, one.reason) == ("dropped", 0, FULL)


def test_where_nothing_can_be_reserved_nothing_is_asked(desk: Desk) -> None:
    made = job()
    desk._do("CREATE TRIGGER full BEFORE INSERT ON purchase BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
    assert desk.get(made) == Bought("failed", error=f"{FULL}; nothing was sent")
    assert (desk.shop.did, desk.journal.all()) == ([], [])


def test_over_a_ceiling_nothing_is_sent(desk: Desk) -> None:
    made = job()
    got = desk.get(made, desk.order(made, ceiling=Decimal("0.24")))
    error = "$0.25 more than $0.00 would pass the ceiling of this render ($0.24): it wasn't sent"
    assert got == Bought("failed", error=error)
    assert (desk.shop.did, desk.journal.all()) == ([], [])


def test_a_journal_that_cannot_be_read_holds_everything(desk: Desk) -> None:
    desk.journal.close()
    desk.other.close()
    desk.path.write_bytes(b"x" * 5000)
    got = desk.get(job())
    assert (got.state, got.cost, desk.shop.did) == ("held", 0, [])
    assert got.error.startswith(".storyboard/journal.sqlite isn't a journal")


# -- the submit


def test_an_answer_that_was_lost_is_held_and_booked(desk: Desk) -> None:
    made = job()
    desk.shop.submits = ClipHeld("its answer was lost")
    assert desk.get(made) == Bought("held", error="its answer was lost", cost=QUARTER)
    one = desk.last(made)
    assert (one.state, one.reason, one.booked, one.ticket) == ("lost", "its answer was lost", QUARTER, None)
    assert one.answered == (START + 2) * 1000
    assert desk.buyer.under_way == {}


@pytest.mark.parametrize(
    ("more", "state"), [({}, "rejected"), ({"moderated": True}, "moderated"), ({"unsent": True}, "unsent")]
)
def test_a_refusal_buys_nothing_and_is_told_by_its_kind(desk: Desk, more: Any, state: str) -> None:
    made = job()
    desk.shop.submits = ClipFailed("it was refused", **more)
    assert desk.get(made) == Bought("failed", error="it was refused")
    assert [event for event in desk.told if isinstance(event, Spent)] == [Spent(QUARTER), Spent(-QUARTER)]
    one = desk.last(made)
    assert (one.state, one.reason, one.booked) == (state, "it was refused", 0)
    assert desk.journal.spent() == 0
    assert desk.shop.steps == ["prepare", "submit"]


def test_a_refusal_that_cannot_be_written_is_held(desk: Desk) -> None:
    made = job()
    desk.shop.submits = ClipFailed("it was refused")
    with desk.full("rejected"):
        assert desk.get(made) == Bought("held", error=f"it was refused; but {FULL}", cost=QUARTER)
    assert (desk.last(made).state, desk.last(made).booked) == ("intent", QUARTER)
    assert [event for event in desk.told if isinstance(event, Spent)] == [Spent(QUARTER)]


def test_whatever_goes_wrong_in_a_submit_it_may_have_been_bought(desk: Desk) -> None:
    made = job()
    desk.shop.submits = RuntimeError("odd")
    error = "The shop may have accepted it: RuntimeError('odd')"
    assert desk.get(made) == Bought("held", error=error, cost=QUARTER)
    one = desk.last(made)
    assert (one.state, one.reason, one.booked) == ("lost", "RuntimeError('odd')", QUARTER)


@pytest.mark.parametrize("error", [ClipHeld("its answer was lost"), RuntimeError("odd")])
def test_where_the_loss_cannot_be_written_the_intent_says_the_same(desk: Desk, error: Exception) -> None:
    made = job()
    desk.shop.submits = error
    with desk.full("lost"):
        got = desk.get(made)
    assert (got.state, got.cost) == ("held", QUARTER)
    assert (desk.last(made).state, desk.last(made).booked) == ("intent", QUARTER)


def test_a_submit_that_is_cut_off_leaves_the_intent(desk: Desk) -> None:
    made = job()
    desk.shop.submits = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        desk.get(made)
    assert (desk.last(made).state, desk.last(made).booked, desk.buyer.under_way) == ("intent", QUARTER, {})


def test_a_request_may_not_leave_when_another_render_has_the_purchase(desk: Desk) -> None:
    """Paused right before its request leaves, it finds that another holds the key, and waits for what that buys."""
    made = job()

    def paused() -> None:
        desk.shop.arrives = None
        desk.time.passed += LEASE / 1000
        one = desk.other.claim(made.key or "", None)
        assert one is not None
        assert one.state == "intent"
        desk.time.then[1] = lambda: bought(one)

    def bought(one: Purchase) -> None:
        desk.keep(made)
        desk.other.store(desk.other.accept(one, "job-7", {}))

    desk.shop.arrives = paused
    got = desk.get(made)
    assert (got.state, got.cost, got.record) == ("cached", 0, desk.store.find(made.key or ""))
    assert desk.shop.steps == ["prepare"]
    assert desk.time.slept == [0.2]
    assert (desk.last(made).state, desk.last(made).ticket) == ("stored", "job-7")


def test_an_id_that_could_not_be_written_at_once_is_written_later(desk: Desk) -> None:
    made = job()
    desk.fill("accepted")
    seen: list[dict[str, str]] = []
    desk.time.then[1] = lambda: seen.append(dict(desk.buyer.under_way))
    desk.time.then[4] = desk.free
    got = desk.get(made)
    assert seen == [{"s010": "job-1"}]
    assert (got.state, got.cost, desk.time.slept) == ("done", QUARTER, [0.5] * 4)
    assert (desk.last(made).state, desk.last(made).ticket) == ("stored", "job-1")


def test_an_id_that_cannot_be_written_is_told_to_the_user(desk: Desk) -> None:
    made = job()
    with desk.full("accepted"):
        got = desk.get(made)
    error = f"The shop accepted it (id job-1), but {FULL}; 'resolve --adopt job-1' takes it up"
    assert got == Bought("held", error=error, cost=QUARTER)
    assert desk.time.slept == [0.5] * 4
    assert (desk.last(made).state, desk.shop.steps) == ("intent", ["prepare", "submit"])


# -- the wait


@pytest.mark.parametrize(
    ("error", "state", "result"),
    [
        (ClipFailed("it fell over"), "failed", "failed"),
        (ClipFailed("it was flagged", moderated=True), "moderated", "failed"),
        (ClipHeld("it can't be asked about"), "accepted", "held"),
        (ClipHeld("it is no longer known", gone=True), "gone", "held"),
    ],
)
def test_what_was_accepted_and_cannot_be_had_stays_booked(desk: Desk, error: Any, state: str, result: Any) -> None:
    made = job()
    desk.shop.collects = error
    assert desk.get(made) == Bought(result, error=str(error), cost=QUARTER)
    one = desk.last(made)
    assert (one.state, one.booked, one.ticket) == (state, QUARTER, "job-1")
    assert one.reason == ("" if state == "accepted" else str(error))
    assert (desk.buyer.under_way, list((desk.store.root / "tmp").iterdir())) == ({}, [])


@pytest.mark.parametrize("error", [ClipFailed("it fell over"), ClipHeld("it is no longer known", gone=True)])
def test_where_the_end_cannot_be_written_the_id_stands(desk: Desk, error: ClipFailed) -> None:
    made = job()
    desk.shop.collects = error
    with desk.full("failed", "gone"):
        got = desk.get(made)
    assert (got.error, desk.last(made).state) == (str(error), "accepted")


@pytest.mark.parametrize("when", ["collects", "finishes"])
def test_whatever_goes_wrong_while_it_is_fetched_it_is_paid_for(desk: Desk, when: str) -> None:
    made = job()
    setattr(desk.shop, when, RuntimeError("odd"))
    error = "The shop accepted it (id job-1), but its clip can't be had: RuntimeError('odd')"
    assert desk.get(made) == Bought("held", error=error, cost=QUARTER)
    assert desk.last(made).state == ("accepted" if when == "collects" else "completed")


def test_what_is_no_clip_is_held(desk: Desk) -> None:
    made = job()
    desk.shop.clip = b"no clip"
    got = desk.get(made)
    assert (got.state, got.record, desk.last(made).state) == ("held", None, "completed")
    assert "clip.mp4 isn't an MP4 by its bytes" in got.error


def test_a_wait_that_is_cut_off_goes_on_next_time(desk: Desk) -> None:
    made = job()
    desk.shop.collects = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        desk.get(made)
    assert (desk.last(made).state, desk.buyer.under_way) == ("accepted", {})
    desk.shop.collects = None
    got = desk.get(made)
    assert (got.state, got.cost) == ("done", 0)
    assert desk.shop.steps == ["prepare", "submit", "collect", "collect"]


def test_a_clip_that_cannot_be_kept_is_held(desk: Desk) -> None:
    made = job()
    (desk.store.root / "cas").write_bytes(b"")
    got = desk.get(made)
    error = "The shop made it (id job-1), but the clip can't be kept: File exists"
    assert got == Bought("held", error=error, cost=QUARTER)
    assert desk.last(made).state == "completed"


def test_why_a_clip_cannot_be_kept_is_told_in_any_case(desk: Desk) -> None:
    class Odd(Store):
        def put(self, key: str, outputs: Mapping[str, Path], facts: Mapping[str, Any]) -> Record:
            raise OSError("odd")

    desk.buyer.store = Odd(desk.store.root, desk.store.memo)
    assert desk.get(job()).error == "The shop made it (id job-1), but the clip can't be kept: odd"


@pytest.mark.parametrize("told", [{}, {"differs": ["silent"]}])
def test_a_clip_that_is_kept_is_done_though_the_journal_cannot_say_so(desk: Desk, told: dict[str, Any]) -> None:
    made = job()
    desk.shop.told = told
    with desk.full("stored"):
        got = desk.get(made)
    assert (got.state, got.notes, got.cost) == ("done", (*told.get("differs", ()), FULL), QUARTER)
    assert got.record == desk.store.find(made.key or "")
    assert desk.last(made).state == "completed"
    assert desk.get(made) == Bought("cached", got.record)
    assert desk.last(made).state == "stored"


def test_a_wait_that_another_render_took_over_looks_again(desk: Desk) -> None:
    made = job()

    def paused() -> None:
        desk.time.passed += LEASE / 1000
        one = desk.other.claim(made.key or "", None)
        assert one is not None
        desk.time.then[1] = lambda: bought(one)

    def bought(one: Purchase) -> None:
        desk.keep(made)
        desk.other.store(one)

    desk.shop.collects = paused
    got = desk.get(made)
    assert (got.state, got.error, desk.time.slept) == ("cached", "", [0.2])
    assert desk.shop.steps == ["prepare", "submit", "collect"]


# -- what is there already


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("reserved", "dropped"),
        ("intent", "intent"),
        ("accepted", "stored"),
        ("completed", "stored"),
        ("stored", "stored"),
        ("lost", "lost"),
        ("gone", "gone"),
    ],
)
def test_a_clip_that_is_there_is_not_bought(desk: Desk, before: str, after: str) -> None:
    made = job()
    desk.left(made, before)
    desk.keep(made)
    got = desk.get(made)
    assert got == Bought("cached", desk.store.find(made.key or ""))
    assert (desk.last(made).state, desk.shop.did) == (after, [])
    if before == "reserved":
        assert (desk.last(made).reason, desk.last(made).booked) == ("its clip was there", 0)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("state", ["accepted", "completed", "stored"])
def test_what_was_bought_is_fetched_by_its_id(desk: Desk, state: str, *, ordered: bool) -> None:
    made = job()
    one = desk.left(made, state)
    seen: list[tuple[bool, dict[str, str]]] = []
    desk.shop.collects = lambda: seen.append((desk.turn.locked(), dict(desk.buyer.under_way)))
    got = desk.get(made) if ordered else desk.fetch(made)
    assert (got.state, got.cost, got.notes) == ("done", 0, ())
    assert desk.shop.did == [("collect", Ticket("job-7", {"credits": 8}), made)]
    assert seen == [(True, {"s010": "job-7"})]
    assert desk.told[:2] == [Started("s010", "rendering", 90), Advanced("s010", 30, "rendering")]
    last = desk.last(made)
    assert (last.number, last.state, last.holder) == (one.number, "stored", "one")
    assert last.completed == (one.completed or (START + 63) * 1000)
    assert not desk.turn.locked()


def test_what_was_stored_and_can_be_had_no_more_is_gone(desk: Desk) -> None:
    made = job()
    desk.left(made, "stored")
    desk.shop.collects = ClipHeld("it is no longer known", gone=True)
    assert desk.get(made).state == "held"
    assert desk.last(made).state == "gone"


@pytest.mark.parametrize("state", ["moderated", "given up"])
def test_what_is_decided_is_told_and_not_bought(desk: Desk, state: str) -> None:
    made = job()
    desk.left(made, state, "for a reason")
    assert desk.get(made) == Bought("failed", error="for a reason")
    assert (desk.shop.did, desk.time.slept) == ([], [])


@pytest.mark.parametrize("seen", [None, Status("expired", "unknown")])
def test_what_is_gone_stays_held(desk: Desk, seen: Status | None) -> None:
    made = job()
    desk.left(made, "gone", "it is no longer known")
    desk.shop.seen = seen
    assert desk.get(made) == Bought("held", error="it is no longer known")
    assert desk.shop.did == [("look", Ticket("job-7", {"credits": 8}), made)]
    assert (desk.last(made).state, desk.time.slept) == ("gone", [])


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("state", ["running", "done"])
def test_what_was_gone_and_is_there_again_is_fetched(desk: Desk, state: Any, *, ordered: bool) -> None:
    made = job()
    one = desk.left(made, "gone", "it is no longer known")
    desk.shop.seen = Status(state, "as it is")
    turns: list[tuple[bool, dict[str, str]]] = []
    desk.shop.collects = lambda: turns.append((desk.turn.locked(), dict(desk.buyer.under_way)))
    got = desk.get(made) if ordered else desk.fetch(made)
    assert (got.state, got.cost, turns) == ("done", 0, [(True, {"s010": "job-7"})])
    assert desk.shop.did[1] == ("collect", Ticket("job-7", {"credits": 8}), made)
    last = desk.last(made)
    assert (last.number, last.state, last.ticket, last.booked) == (one.number, "stored", "job-7", QUARTER)
    assert (*told_of(desk, last), desk.turn.locked()) == ("The shop knows it again", False)


def told_of(desk: Desk, one: Purchase) -> list[str]:
    """The notes of a purchase that say something, but for those of its end and of who took it over."""
    notes = [note for _, state, note in desk.journal.events(one.number) if state == "accepted" and note]
    return [note for note in notes if note != "taken over"]


def test_what_was_gone_and_has_failed_is_told(desk: Desk) -> None:
    made = job()
    desk.left(made, "gone", "it is no longer known")
    desk.shop.seen = Status("failed", "failed")
    desk.shop.collects = ClipFailed("it fell over")
    assert desk.get(made) == Bought("failed", error="it fell over")
    assert (desk.last(made).state, desk.last(made).booked) == ("failed", QUARTER)


def test_what_ended_without_a_word_is_told_by_its_state(desk: Desk) -> None:
    made = job()
    desk.left(made, "given up", "")
    assert desk.get(made) == Bought("failed", error="given up")


# -- who is at it


def test_what_another_render_makes_is_waited_for_ever_more_patiently(desk: Desk) -> None:
    made = job()
    one = desk.left(made, "intent")
    desk.dead.clear()
    looks = 14

    def bought() -> None:
        desk.keep(made)
        desk.other.store(desk.other.accept(one, "job-7", {}))

    def waits() -> None:
        desk.other.stay()
        turns.append(desk.turn.locked())

    turns: list[bool] = []
    desk.time.then = dict.fromkeys(range(1, looks), waits)
    desk.time.then[looks] = bought
    assert desk.get(made) == Bought("cached", desk.store.find(made.key or ""))
    pauses = [0.2]
    while len(pauses) < looks:
        pauses.append(min(2.0, pauses[-1] * 1.3))
    assert desk.time.slept == pytest.approx(pauses, abs=1e-9)
    assert desk.time.slept[-1] == 2.0
    assert turns == [False] * (looks - 1), "nobody's turn is used up by waiting"
    assert desk.shop.did == []


def test_only_who_has_a_turn_reserves_money(desk: Desk) -> None:
    made = job()

    async def wait() -> tuple[Bought, list[Purchase]]:
        async with desk.turn:
            task = asyncio.create_task(desk.buyer.clip("s010", made.key or "", desk.order(made), desk.shop, desk.turn))
            for _ in range(5):
                await asyncio.sleep(0)
            before = desk.journal.all()
        return await task, before

    got, before = desk.run_it(wait())
    assert (got.state, before) == ("done", [])


@pytest.mark.parametrize("ordered", [False, True])
def test_what_is_given_up_for_now_is_left_to_whoever_comes_next(desk: Desk, *, ordered: bool) -> None:
    made = job()
    desk.left(made, "accepted")
    desk.dead.clear()
    desk.other.let_go(desk.last(made))
    desk.shop.collects = ClipHeld("it can't be asked about")
    got = desk.get(made) if ordered else desk.fetch(made)
    assert (got.state, desk.last(made).holder) == ("held", "")
    taken = desk.other.claim(made.key or "", None)
    assert taken is not None
    assert (taken.state, taken.holder) == ("accepted", "other")


@pytest.mark.parametrize("error", [None, ClipFailed("it fell over")])
def test_what_has_come_to_its_end_is_not_let_go_of(desk: Desk, error: ClipFailed | None) -> None:
    made = job()
    desk.shop.collects = error
    desk.get(made)
    assert desk.last(made).holder == "one"


def test_what_cannot_be_let_go_of_is_held_all_the_same(desk: Desk) -> None:
    made = job()
    desk.shop.collects = ClipHeld("it can't be asked about")
    with desk.full("accepted", when="NEW.holder = '' AND"):
        got = desk.get(made)
    assert got == Bought("held", error="it can't be asked about", cost=QUARTER)
    assert desk.last(made).holder == "one"


# -- a submit that a dead render left


@pytest.mark.parametrize("early", [1, 1000])
def test_a_repeat_that_is_recognised_is_sent_again_under_the_same_nonce(desk: Desk, early: int) -> None:
    made = job()
    one = desk.left(made, "intent")
    desk.shop.idempotent = True
    desk.time.passed = (REPEATABLE - early) / 1000
    seen: list[bool] = []
    desk.shop.arrives = lambda: seen.append(desk.turn.locked())
    got = desk.get(made)
    assert (got.state, got.cost) == ("done", 0), "it was booked by the render that sent it first"
    assert (Spent(QUARTER) in desk.told, desk.journal.spent(desk.run), desk.journal.spent()) == (False, 0, QUARTER)
    assert desk.shop.did[:2] == [("prepare", "a"), ("submit", {"asked": "a"}, nonce(made, 1))]
    assert seen == [True]
    assert desk.told[0] == Started("s010", "rendering", 90)
    assert REPEATABLE == 60 * 60 * 1000
    last = desk.last(made)
    assert (last.number, last.state, last.intended, last.attempt) == (one.number, "stored", one.intended, 1)


@pytest.mark.parametrize(("idempotent", "late"), [(True, -1), (True, 0), (False, -1)])
def test_what_a_dead_render_may_have_sent_is_held_where_nothing_can_be_written(
    desk: Desk, *, idempotent: bool, late: int
) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = idempotent
    desk.time.passed = (REPEATABLE + late) / 1000
    with desk.full("intent", "lost", when="OLD.holder = NEW.holder AND"):
        assert desk.get(made) == Bought("held", error=FULL)
    assert (desk.last(made).state, "submit" in desk.shop.steps) == ("intent", False)


@pytest.mark.parametrize(("idempotent", "late"), [(True, 0), (True, 1), (False, -1)])
def test_a_repeat_that_is_not_recognised_is_not_sent(desk: Desk, *, idempotent: bool, late: int) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = idempotent
    desk.time.passed = (REPEATABLE + late) / 1000
    reason = "the render ended while it was being submitted"
    assert desk.get(made) == Bought("held", error=f"{reason}; The shop has no list to look for it")
    one = desk.last(made)
    assert (one.state, one.reason, one.answered, one.booked) == ("lost", reason, None, QUARTER)
    assert desk.shop.did == []


def test_a_repeat_takes_its_turn_where_only_fetching_was_asked_for(desk: Desk) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = True
    seen: list[bool] = []
    desk.shop.arrives = lambda: seen.append(desk.turn.locked())
    assert desk.fetch(made, made).state == "done"
    assert seen == [True]


def test_a_repeat_without_its_files_is_left_to_a_render_that_has_them(desk: Desk) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = True
    assert desk.fetch(made) == Bought("held", error="a render of its shot sends it again, as the same purchase")
    assert (desk.last(made).state, desk.shop.did) == ("intent", [])


def test_a_repeat_that_cannot_be_prepared_is_not_dropped(desk: Desk) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = True
    desk.shop.prepares = ClipFailed("mira.png is missing")
    error = "it may have been bought before the last render ended, and now mira.png is missing"
    assert desk.get(made) == Bought("held", error=error)
    assert (desk.last(made).state, desk.last(made).booked) == ("intent", QUARTER)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RuntimeError("odd")])
def test_a_repeat_that_is_stopped_is_not_dropped(desk: Desk, error: BaseException) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = True
    desk.shop.prepares = error
    with pytest.raises(type(error)):
        desk.get(made)
    assert (desk.last(made).state, desk.last(made).booked) == ("intent", QUARTER)


@pytest.mark.parametrize("more", [{}, {"unsent": True}, {"moderated": True}])
def test_a_repeat_that_is_refused_says_nothing_of_the_first(desk: Desk, more: Any) -> None:
    made = job()
    desk.left(made, "intent")
    desk.shop.idempotent = True
    desk.shop.submits = ClipFailed("it was refused", **more)
    assert desk.get(made) == Bought("held", error="it was refused")
    one = desk.last(made)
    reason = "it may have been bought before the last render ended, and now it was refused"
    assert (one.state, one.reason, one.booked) == ("lost", reason, QUARTER)


# -- a lost purchase


def test_a_lost_purchase_is_found_in_the_list(desk: Desk) -> None:
    made = job()
    one = desk.left(made, "lost")
    shop = desk.lists(sighting())
    seen: list[bool] = []
    shop.collects = lambda: seen.append(desk.turn.locked())
    got = desk.get(made)
    assert (got.state, got.cost, got.record) == ("done", 0, desk.store.find(made.key or ""))
    asked, collected = shop.did
    assert asked[:4] == ("list", "shop/fine/model", -SKEW, 3 + SKEW)
    assert asked[4] == pytest.approx(48, abs=1e-6), "the list is to be trusted first"
    assert collected[1] == Ticket("job-9", {})
    last = desk.last(made)
    assert (last.number, last.state, last.ticket, last.adopted) == (one.number, "stored", "job-9", True)
    notes = [note for _, state, note in desk.journal.events(one.number) if state == "accepted"]
    assert notes == ["found in The shop's list"]
    assert Noted("s010: the lost answer is found: The shop knows it as job-9") in desk.told
    assert Started("s010", "rendering", 90) in desk.told
    assert desk.steps[0] == "looking for it in 46 s"
    assert desk.steps[-3:] == ["looking for it", "rendering", ""]
    assert {round(pause, 6) for pause in desk.time.slept} == {1.0}
    assert seen == [True]
    assert not desk.turn.locked()


def test_a_purchase_lost_long_ago_is_looked_for_at_once(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    shop = desk.lists(sighting())
    desk.time.passed += 45
    assert desk.fetch(made).state == "done"
    assert desk.time.slept == []
    assert shop.did[0][-1] == 48


def test_the_last_wait_for_the_list_is_no_longer_than_needed(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    desk.lists(sighting())
    desk.buyer.terms = replace(desk.terms, settle=2.5)
    assert desk.get(made).state == "done"
    assert desk.time.slept == [1.0, 1.0, 0.5]
    looking = [*(f"looking for it in {n} s" for n in (3, 2, 1)), "looking for it"]
    assert desk.told[:4] == [Advanced("s010", 0, doing) for doing in looking]


def test_the_submit_of_a_dead_render_is_looked_for_from_when_it_began(desk: Desk) -> None:
    made = job()
    desk.left(made, "intent")
    shop = desk.lists(sighting(after=LONGEST_POST))
    desk.buyer.terms = replace(desk.terms, settle=10)
    assert desk.get(made).state == "done"
    assert shop.did[0][1:4] == ("shop/fine/model", -SKEW, LONGEST_POST + SKEW)
    assert shop.did[0][4] == pytest.approx(10)


def test_the_submit_of_a_dead_render_that_is_not_found_is_held(desk: Desk) -> None:
    made = job()
    desk.left(made, "intent")
    desk.lists()
    why = "the render ended while it was being submitted; no job in The shop's list could be it"
    assert desk.get(made) == Bought("held", error=f"{why}; 'storyboard resolve s010' settles it")


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ([], "no job in The shop's list could be it"),
        ([sighting(price=Decimal("0.40"))], "no job in The shop's list could be it"),
        ([sighting("job-8"), sighting("job-9")], "2 jobs in The shop's list could be it"),
        ([sighting(str(n)) for n in range(3)], "3 jobs in The shop's list could be it"),
    ],
)
def test_a_lost_purchase_in_doubt_stays_held(desk: Desk, shown: list[Sighting], why: str) -> None:
    made = job()
    desk.left(made, "lost")
    shop = desk.lists(*shown)
    got = desk.get(made)
    assert got == Bought("held", error=f"no answer; {why}; 'storyboard resolve s010' settles it")
    assert (desk.last(made).state, shop.steps) == ("lost", ["list"])


def test_why_a_lost_purchase_is_not_found_is_told(desk: Desk) -> None:
    one = desk.left(job(), "lost")
    found = asyncio.run(look_for(desk.journal, one, desk.lists(), desk.terms, desk.buyer._progress("s010")))
    assert found == Found("", "no job in The shop's list could be it")
    found = asyncio.run(look_for(desk.journal, one, desk.lists(sighting()), desk.terms, desk.buyer._progress("s010")))
    assert found == Found("job-9", "")


def test_two_lost_purchases_and_one_job_stay_held(desk: Desk) -> None:
    made = job("a")
    desk.left(made, "lost")
    desk.dead.clear()
    desk.time.passed -= 3
    desk.left(job("b"), "lost")
    desk.lists(sighting())
    error = "no answer; 1 job in The shop's list could be it; 'storyboard resolve s010' settles it"
    assert desk.get(made) == Bought("held", error=error)


def test_the_job_of_another_purchase_is_not_taken_for_a_lost_one(desk: Desk) -> None:
    desk.left(job("b"), "accepted")
    desk.dead.clear()
    desk.time.passed -= 3
    made = job("a")
    desk.left(made, "lost")
    desk.lists(sighting("job-7"), sighting("job-9"))
    assert desk.get(made).state == "done"
    assert desk.last(made).ticket == "job-9"


def test_an_adoption_that_cannot_be_written_leaves_it_held(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    desk.lists(sighting())
    with desk.full("accepted"):
        assert desk.get(made) == Bought("held", error=FULL)
    assert desk.last(made).state == "lost"


def test_a_list_that_cannot_be_asked_leaves_it_held(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    desk.lists().lists = ClipHeld("The shop can't be asked what was bought")
    assert desk.get(made) == Bought("held", error="no answer; The shop can't be asked what was bought")
    assert desk.last(made).state == "lost"


def test_a_shop_without_a_list_leaves_it_held(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    assert desk.get(made) == Bought("held", error="no answer; The shop has no list to look for it")
    assert (desk.last(made).state, desk.shop.did, desk.time.slept) == ("lost", [], [])


def test_what_was_adopted_and_failed_is_not_looked_for_again(desk: Desk) -> None:
    made = job()
    desk.left(made, "lost")
    desk.lists(sighting()).collects = ClipFailed("it fell over")
    assert desk.get(made) == Bought("failed", error="it fell over")
    assert (desk.last(made).state, desk.last(made).booked) == ("failed", QUARTER)
    assert desk.buyer.under_way == {}


def test_what_is_waived_while_it_is_looked_for_is_bought_anew(desk: Desk) -> None:
    made = job()
    one = desk.left(made, "lost")
    shop = desk.lists(sighting())
    desk.time.then[3] = lambda: _forget(desk.other.settle(one, "waived", "by consent"))
    got = desk.get(made)
    assert (got.state, got.cost) == ("done", QUARTER)
    assert [(p.attempt, p.state) for p in desk.journal.all()] == [(1, "waived"), (2, "stored")]
    assert shop.steps == ["list", "prepare", "submit", "collect"]


def _forget(_value: object) -> None:
    """A value that nobody needs."""


# -- the request itself, over real HTTP

LOST = Reply(fault="drop")
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


class Door:
    """One service's real client before a server that answers its submits by a script."""

    def __init__(self, server: Server, folder: Path, name: str) -> None:
        self.of = SERVICES[name]
        self.server = server
        self.folder = folder
        self.clock = Clock()
        self.asked = 0
        self.said: list[tuple[int, str]] = []
        environment = {self.of.key: KEY, self.of.base: f"{server.url}/{name}"}
        self.setup = Setup(
            tools=Tools(Path("ffmpeg"), ""),
            environment=environment,
            models=Catalog(),
            uploads=folder / "uploads",
            workers=1,
            now=self.clock.now,
            wall=self.clock.wall,
            sleep=self.clock.sleep,
            chance=lambda: 0.5,
        )
        self.client: Any = load({name}, self.setup)[name]
        server.reset()

    def answers(self, *replies: Script) -> None:
        self.server.script(f"{self.of.name} submit", *replies)

    @property
    def accepts(self) -> Reply:
        return told(self.of.says.accepted())

    @property
    def sent(self) -> list[Request]:
        return self.server.of(f"{self.of.name} submit")

    def error(self, status: int, words: str = "no such thing") -> Reply:
        return told(self.of.says.error(status, words), status)

    def job(self, *, file: bool = False) -> Job:
        sha = digest.sha256(PICTURE)
        path = self.folder / "mira.png"
        path.write_bytes(PICTURE)
        given = jobs.Input("mira", sha, file=str(path)) if file else jobs.Input("mira", sha, url="https://x.test/a.png")
        return jobs.new(
            self.of.model, {"prompt": "a", "images": [given.name]}, {given.name: given}, Fraction(5), QUARTER
        )

    def run(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        """One after another; what went wrong is among the results."""

        async def go() -> list[Any]:
            done: list[Any] = []
            for work in works:
                try:
                    done.append(await work)
                except ClipFailed as error:
                    done.append(error)
            await self.client.close()
            return done

        return asyncio.run(go())

    def still(self) -> None:
        self.asked += 1

    def submit(self, made: Job | None = None) -> Coroutine[Any, Any, Ticket]:
        def progress(done: int, doing: str = "") -> None:
            self.said.append((done, doing))

        return self.client.submit(made or self.job(), {"prompt": "a"}, "n0nce", self.still, progress)

    def try_(self) -> Any:
        return self.run(self.submit())[0]


@pytest.fixture
def door(running: Server, tmp_path: Path) -> Door:
    return Door(running, tmp_path, "wavespeed")


@pytest.fixture
def gateway(running: Server, tmp_path: Path) -> Door:
    """Of a service that recognises repeats."""
    return Door(running, tmp_path, "vercel")


def held(why: str, title: str = "WaveSpeedAI") -> str:
    return f"{title} may have accepted it, as its answer was lost ({why})"


def test_one_request_is_sent_and_its_id_is_told(door: Door) -> None:
    door.answers(door.accepts)
    assert door.try_().id == ID
    assert (len(door.sent), door.asked, door.clock.slept) == (1, 1, [])
    assert door.said == [(0, "submitting"), (0, f"submitted as {ID}")]
    assert door.sent[0].json == {"prompt": "a"}


def test_a_repeat_carries_the_same_nonce(gateway: Door) -> None:
    gateway.answers(page(503), LOST, gateway.accepts)
    assert gateway.try_().id == gateway.of.says.accepted()["operation"]
    assert [request.headers["idempotency-key"] for request in gateway.sent] == ["storyboard_n0nce"] * 3
    assert gateway.asked == 3, "each time it may be forbidden"
    assert gateway.clock.slept == [2.0, 2.0]


def test_only_who_is_told_to_come_later_waits_as_told(gateway: Door) -> None:
    gateway.answers(Reply(503, b"{}", {"Retry-After": "7"}), Reply(429, b"{}", {"Retry-After": "7"}), gateway.accepts)
    assert isinstance(gateway.try_(), Ticket)
    assert gateway.clock.slept == [2.0, 7.0]


def test_what_may_not_be_sent_any_more_is_not_sent(door: Door) -> None:
    door.answers(door.accepts)

    def forbid() -> None:
        raise Taken("s010: another render has it (intent)")

    door.still = forbid  # type: ignore[method-assign]
    with pytest.raises(Taken):
        door.run(door.submit())
    assert door.sent == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_a_refusal_is_told_in_the_services_words(door: Door, status: int) -> None:
    door.answers(door.error(status, f"no such thing as {KEY}"))
    error = door.try_()
    kind = {401: "bad key", 402: "no credit", 403: "bad key"}.get(status, "bad request")
    said = f"WaveSpeedAI refused it ({kind}): HTTP {status}: no such thing as ***; nothing was bought"
    assert (type(error), str(error)) == (ClipFailed, said)
    assert (error.accepted, error.moderated, error.unsent) == (False, False, False)
    assert door.said == [(0, "submitting")]
    assert len(door.sent) == 1


def test_a_moderators_refusal_is_told_as_one(door: Door) -> None:
    door.answers(door.error(400, "the prompt may be sensitive"))
    error = door.try_()
    assert (error.moderated, "refused it (moderated): HTTP 400" in str(error)) == (True, True)


@pytest.mark.parametrize("status", [300, 304, 405, 408, 409, 418, 425, 451, 500, 503])
def test_any_other_answer_leaves_it_open(door: Door, status: int) -> None:
    door.answers(Reply(status, b'{"message": "hm"}' if status != 304 else b""))
    error = door.try_()
    said = f"HTTP {status}: hm" if status != 304 else f"HTTP {status}: no reason given"
    assert (type(error), str(error)) == (ClipHeld, held(said))
    assert (len(door.sent), door.clock.slept, error.accepted, error.gone) == (1, [], False, False)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_an_acceptance_without_an_id_leaves_it_open(door: Door, status: int) -> None:
    door.answers(page(status), told({"code": 200, "data": {"id": ""}}, status), told(door.of.says.accepted(), status))
    page_, empty, ticket = door.run(door.submit(), door.submit(), door.submit())
    assert (type(page_), str(page_)) == (ClipHeld, held("its answer isn't JSON"))
    assert (type(empty), str(empty)) == (ClipHeld, held("the answer holds no data.id"))
    assert ticket.id == ID


def test_too_many_requests_are_sent_five_times_ever_later(door: Door) -> None:
    door.answers(door.error(429, "slow down"))
    error = door.try_()
    said = "WaveSpeedAI refused it (rate limited): HTTP 429: slow down; nothing was bought"
    assert (type(error), str(error), error.moderated) == (ClipFailed, said, False)
    assert (len(door.sent), door.clock.slept, door.asked) == (5, [2.0, 4.0, 8.0, 15.0], 5)


def test_the_fifth_try_may_be_the_one(door: Door) -> None:
    door.answers(*[Reply(429, b"{}", {"Retry-After": "7"})] * 4, door.accepts)
    assert door.try_().id == ID
    assert door.clock.slept == [7.0] * 4


def test_a_wait_is_told_by_the_date_too(door: Door) -> None:
    door.answers(Reply(429, b"{}", {"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}), door.accepts)
    assert door.try_().id == ID
    assert door.clock.slept == [30.0]


def test_only_so_much_is_tried_again(door: Door) -> None:
    door.answers(door.error(429, "slow down"))
    counts = []
    for _ in range(4):
        before = len(door.sent)
        assert "rate limited" in str(door.try_())
        counts.append(len(door.sent) - before)
    assert counts == [5, 5, 4, 1], "ten tries more, and one for ten requests"


def test_a_server_in_trouble_is_asked_five_times_where_repeats_are_recognised(gateway: Door) -> None:
    gateway.answers(page(503))
    error = gateway.try_()
    words = HTML.decode()
    said = held(f"HTTP 503, and then HTTP 503: {words}", "Vercel AI Gateway")
    assert (type(error), str(error)) == (ClipHeld, said)
    assert (len(gateway.sent), gateway.clock.slept) == (5, [2.0, 4.0, 8.0, 15.0])


def test_lost_answers_are_asked_for_five_times_where_repeats_are_recognised(gateway: Door) -> None:
    gateway.answers(LOST)
    error = gateway.try_()
    assert (type(error), str(error)) == (
        ClipHeld,
        held("Server disconnected without sending a response.", "Vercel AI Gateway"),
    )
    assert (len(gateway.sent), gateway.clock.slept) == (5, [1.0, 2.0, 4.0, 8.0])


def test_a_lost_answer_is_never_asked_for_again_elsewhere(door: Door) -> None:
    door.answers(LOST)
    error = door.try_()
    assert (type(error), str(error)) == (ClipHeld, held("Server disconnected without sending a response."))
    assert (len(door.sent), door.clock.slept) == (1, [])


@pytest.mark.parametrize(
    ("first", "doubt"), [(LOST, "Server disconnected without sending a response."), (page(500), "HTTP 500")]
)
def test_a_refusal_after_a_lost_answer_is_not_believed(gateway: Door, first: Reply, doubt: str) -> None:
    gateway.answers(first, gateway.error(429), gateway.error(400))
    error = gateway.try_()
    said = held(f"{doubt}, and then HTTP 400: no such thing", "Vercel AI Gateway")
    assert (type(error), str(error)) == (ClipHeld, said)
    assert len(gateway.sent) == 3


def test_only_so_many_lost_answers_are_asked_for_again(gateway: Door) -> None:
    gateway.answers(page(503), page(503), page(503), page(503), gateway.accepts)
    for _ in range(2):
        gateway.answers(*[LOST] * 4, gateway.accepts)
        assert isinstance(gateway.try_(), Ticket)
    gateway.answers(LOST)
    before = len(gateway.sent)
    assert isinstance(gateway.try_(), ClipHeld)
    assert len(gateway.sent) - before == 4


@pytest.mark.parametrize("trouble", [LOST, page(500)])
def test_a_service_that_fails_again_and_again_is_left_alone_for_a_while(door: Door, trouble: Reply) -> None:
    door.answers(*[trouble] * 5, door.accepts, trouble, door.accepts)
    done = door.run(*[door.submit() for _ in range(8)])
    assert [type(one) for one in done] == [*[ClipHeld] * 5, Ticket, ClipHeld, Ticket]
    assert door.clock.slept == [15.0], "and one good answer is enough"


def test_where_nothing_listens_it_is_tried_three_times(door: Door) -> None:
    server = Server()
    server.close()
    door.client = load({"wavespeed"}, replace(door.setup, environment={door.of.key: KEY, door.of.base: server.url}))[
        "wavespeed"
    ]
    error = door.try_()
    assert (type(error), error.unsent, error.accepted, error.moderated) == (ClipFailed, True, False, False)
    said = "WaveSpeedAI can't be reached: All connection attempts failed; nothing was sent"
    assert (str(error), door.clock.slept, door.asked) == (said, [1.0, 2.0], 0)
    before = len(door.clock.slept)
    assert [one.unsent for one in door.run(*[door.submit() for _ in range(4)])] == [True] * 4
    later = [15.0, 1.0, 14.0, 2.0, 13.0]  # it is left alone for 15 s after every failure from the fifth on
    assert door.clock.slept[before:] == [1.0, 2.0, 13.0, *later * 3]


@pytest.mark.parametrize("first", [LOST, page(502)])
def test_what_may_have_been_bought_is_not_unsent_because_nothing_listens_any_more(tmp_path: Path, first: Reply) -> None:
    server = Server()
    door = Door(server, tmp_path, "vercel")
    door.answers(first)

    async def sleep(seconds: float) -> None:
        if not door.clock.slept:
            server.close()
        await door.clock.sleep(seconds)

    door.client = load({"vercel"}, replace(door.setup, sleep=sleep))["vercel"]
    error = door.try_()
    doubt = "HTTP 502" if first.status == 502 else "Server disconnected without sending a response."
    assert (type(error), str(error)) == (ClipHeld, held(doubt, "Vercel AI Gateway"))
    assert len(door.clock.slept) == 2


@pytest.mark.parametrize(
    ("reply", "uploads"),
    [
        (Reply(400, b"{}"), 2),
        (Reply(403, b"{}"), 2),
        (Reply(400, b'{"message": "the image may be sensitive"}'), 1),
        (Reply(500, b"{}"), 1),
        (None, 1),
    ],
)
def test_what_was_refused_is_uploaded_anew(door: Door, reply: Reply | None, uploads: int) -> None:
    upload = {"method": "PUT", "url": f"{door.server.url}/store/here", "headers": {}}
    given = {"code": 200, "data": {"download_url": "https://files.test/a.png", "upload": upload}}
    door.server.script("wavespeed ask", told(given))
    door.server.script("store", Reply(200))
    door.answers(reply or door.accepts)
    made = door.job(file=True)
    door.run(door.client.prepare(made, unwatched), door.submit(made), door.client.prepare(made, unwatched))
    assert len(door.server.of("store")) == uploads


def test_a_refused_job_of_urls_has_nothing_to_upload_anew(door: Door) -> None:
    door.answers(door.error(400))
    assert type(door.try_()) is ClipFailed


# -- values


def test_the_shops_are_what_a_buyer_takes(desk: Desk) -> None:
    assert isinstance(desk.shop, Seller)
    assert not isinstance(desk.shop, Lists)
    assert isinstance(desk.lists(), Lists)


def test_only_a_clip_is_probed(tmp_path: Path, clip: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    assert probed(path) == {"width": 64, "height": 36, "frames": 2, "sound": False}
    path.write_bytes(b"")
    with pytest.raises(MediaError):
        probed(path)


def test_a_purchase_cannot_be_taken_from_who_lives(desk: Desk) -> None:
    made = job()
    desk.left(made, "accepted")
    desk.dead.clear()
    with pytest.raises(Taken):
        desk.journal.complete(desk.last(made))
