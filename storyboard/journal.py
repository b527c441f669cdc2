"""The purchases, written down before they are made: one SQLite file, which is money.

A render holds the purchases that it is at under a lease. One that was paused beyond its lease, or died, loses them to
whoever comes next: each change names the holder that it is for, so the one that wakes up late changes nothing.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

from storyboard import money
from storyboard.database import Database
from storyboard.failure import Unreadable, Unwritable
from storyboard.purchase import BOUGHT, HELD, OPEN, STATES, UNSETTLED, Order, Purchase, State, written

__all__ = ["Journal", "Order", "OverCeiling", "Taken", "Unreadable", "Unwritable"]

VERSION = 1
APPLICATION = 0x53746264
"""Marks the file as ours (`PRAGMA application_id`): "Stbd"."""
LEASE = 60_000
"""Milliseconds for which a render holds its purchases without a sign of life."""

_SCHEMA = """
CREATE TABLE run (
    number INTEGER PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER, pass TEXT NOT NULL, holder TEXT NOT NULL,
    ceiling INTEGER, planned TEXT NOT NULL, saved INTEGER NOT NULL DEFAULT 0, cached INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE purchase (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL, what TEXT NOT NULL,
    shot TEXT NOT NULL, pass TEXT NOT NULL, price INTEGER, booked INTEGER, ticket TEXT, facts TEXT NOT NULL,
    reason TEXT NOT NULL, reserved INTEGER NOT NULL, intended INTEGER, answered INTEGER, accepted INTEGER,
    completed INTEGER, stored INTEGER, adopted INTEGER NOT NULL DEFAULT 0, refunded INTEGER, holder TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES run(number), UNIQUE (key, attempt)
) STRICT;
CREATE TABLE event (
    at INTEGER NOT NULL, purchase INTEGER NOT NULL REFERENCES purchase(number), state TEXT NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE holder (name TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
"""
_COLUMNS = (
    "number, key, attempt, state, what, shot, pass, price, booked, ticket, facts, reason, reserved, intended, answered,"
    " accepted, completed, stored, adopted, refunded, holder, run"
)
_STATE, _TICKET, _FACTS, _ADOPTED = map(Purchase._fields.index, ("state", "ticket", "facts", "adopted"))
_MONEY = tuple(map(Purchase._fields.index, ("price", "booked")))
_LATEST = f"SELECT {_COLUMNS} FROM purchase WHERE number IN (SELECT max(number) FROM purchase GROUP BY key)"
_OVER = ", ".join(f"'{state}'" for state in STATES if state not in BOUGHT)
_OPEN = f"{_LATEST} AND state NOT IN ({_OVER})"  # so that a state that isn't one is noticed
_ONE = f"SELECT {_COLUMNS} FROM purchase WHERE number = ?"
_LAST = f"SELECT {_COLUMNS} FROM purchase WHERE key = ? ORDER BY attempt DESC LIMIT 1"


class OverCeiling(Exception):
    """Reserving a price would pass a ceiling; the message says which."""


class Taken(Exception):
    """Another render holds the purchase by now, or it has moved on."""


class Journal:
    """One file of purchases. `path` None keeps them in memory; `now` gives nanoseconds since 1970; `lease` is in ms."""

    def __init__(self, path: Path | None, now: Callable[[], int], lease: int = LEASE) -> None:
        self.lease = lease
        self._file = Database(path, _SCHEMA, VERSION, APPLICATION)
        self._now = now
        self._holder = ""
        self._lives: Callable[[str], bool] = lambda _name: False

    @property
    def exists(self) -> bool:
        """Whether anything was ever written down."""
        return self._file.exists

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        self._file.close()

    # -- reading

    def latest(self) -> dict[str, Purchase]:
        """The last purchase of every key.

        Raises:
            Unreadable: see there.
        """
        return {one.key: one for one in self._rows(_LATEST)}

    def all(self) -> list[Purchase]:
        """Every purchase, in order."""
        return self._rows(f"SELECT {_COLUMNS} FROM purchase ORDER BY number")

    def open(self) -> list[Purchase]:
        """Bought, and not fetched yet: the last purchases of their keys."""
        return self._rows(_OPEN)

    def unsettled(self) -> list[Purchase]:
        """Sent, perhaps, without an id."""
        return [one for one in self.all() if one.state in UNSETTLED and one.ticket is None and one.intended]

    def runs(self) -> list[dict[str, Any]]:
        """Every render that could buy: `started`, `pass`, `saved` in US dollars, and so on."""
        if not self._file.exists:
            return []
        with self._file.reading() as db:
            cursor = db.execute("SELECT * FROM run ORDER BY number")
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
        return [row | {"saved": money.from_nano(row["saved"]), "planned": json.loads(row["planned"])} for row in rows]

    def events(self, number: int) -> list[tuple[int, State, str]]:
        """What happened to one purchase: when, the state that it came to, and a note."""
        with self._file.reading() as db:
            return list(db.execute("SELECT at, state, note FROM event WHERE purchase = ? ORDER BY rowid", (number,)))

    def spent(self, run: int | None = None) -> Decimal:
        """US dollars booked in all, or by one render; unknown prices aren't in it."""
        if not self._file.exists:
            return money.FREE
        with self._file.reading() as db:
            where, values = ("WHERE run = ?", (run,)) if run is not None else ("", ())
            (total,) = db.execute(f"SELECT coalesce(sum(booked), 0) FROM purchase {where}", values).fetchone()
            return money.FREE + money.from_nano(total)

    # -- a render

    def begin(
        self,
        holder: str,
        lives: Callable[[str], bool],
        pass_id: str = "",
        ceiling: Decimal | None = None,
        planned: Mapping[str, Any] | None = None,
    ) -> int:
        """Begin a render that buys: its number. `lives` tells of another holder whether its process is there.

        Raises:
            Unreadable, Unwritable: see there.
        """
        self.attend(holder, lives)
        with self._file.writing() as db:
            return self._insert(
                db,
                "run",
                started=self._ms(),
                holder=holder,
                ceiling=None if ceiling is None else money.nano(ceiling),
                planned=json.dumps(planned or {}, sort_keys=True),
                **{"pass": pass_id},
            )

    def attend(self, holder: str, lives: Callable[[str], bool]) -> None:
        """Be `holder` from now on; `lives` tells of another one whether its process is there."""
        self._holder, self._lives = holder, lives
        self.stay()

    def busy(self, one: Purchase) -> bool:
        """Whether another render is at it."""
        if one.state not in OPEN or one.holder == self._holder:
            return False
        with self._file.reading() as db:
            return self._alive(db, one.holder)

    def end(self, run: int, cached: int, saved: Decimal) -> None:
        """Note that a render ended, and what it didn't have to buy; what it bought stands, noted or not."""
        with suppress(Unwritable), self._file.writing() as db:
            values = (self._ms(), cached, money.nano(saved), run)
            db.execute("UPDATE run SET ended = ?, cached = ?, saved = ? WHERE number = ?", values)
            db.execute("DELETE FROM holder WHERE name = ?", (self._holder,))

    def stay(self) -> None:
        """A sign of life: the lease is as new."""
        with self._file.writing() as db:
            self._stay(db)

    def claim(self, key: str, order: Order | None) -> Purchase | None:
        """Take a key's purchase over, or begin one as `order` says. None while another render is at it.

        What comes back is `reserved` where it is to be bought now, `intent` where a dead render may have sent it,
        `accepted`, `completed` or `stored` where it is to be fetched by its id, and otherwise ended.

        Raises:
            OverCeiling: buying it would pass a ceiling.
            Unreadable, Unwritable: see there.
        """
        with self._file.writing() as db:
            last = next(iter(self._select(db, _LAST, (key,))), None)
            if last and last.state in OPEN and last.holder != self._holder and self._alive(db, last.holder):
                return None  # having written nothing: those who wait ask often
            self._stay(db)
            if last and last.state in OPEN:
                if last.state == "reserved" and last.holder == self._holder:
                    return last
                if last.state == "reserved":
                    last = self._set(db, last, "dropped", "the render ended before it sent anything", booked=0)
                else:
                    return self._set(db, last, last.state, "taken over", holder=self._holder)
            elif last and last.state == "stored" and not (order and order.anew):
                return self._set(db, last, "stored", "taken over", holder=self._holder)
            elif last and (last.state in HELD or last.state in {"moderated", "given up"}):
                return last
            if order is None:
                return last
            return self._reserve(db, key, order, (last.attempt if last else 0) + 1)

    def _reserve(self, db: sqlite3.Connection, key: str, order: Order, attempt: int) -> Purchase:
        _require_room(db, order)
        price = None if order.job.cost is None else money.nano(order.job.cost)
        whose = {"key": key, "attempt": attempt, "shot": order.shot, "pass": order.pass_id, "run": order.run}
        what = {"what": written(order.job), "price": price, "booked": price, "facts": "{}", "reason": ""}
        when = {"state": "reserved", "reserved": self._ms(), "holder": self._holder}
        number = self._insert(db, "purchase", **whose, **what, **when)
        self._tell(db, number, "reserved", "")
        return self._select(db, _ONE, (number,))[0]

    # -- what becomes of a purchase: each returns it as it is then

    def intend(self, one: Purchase) -> Purchase:
        """The request is about to leave.

        Raises:
            Taken: another render holds it.
            Unwritable: it must not leave.
        """
        return self._move(one, "intent", {"reserved", "intent"}, intended=one.intended or self._ms())

    def require(self, one: Purchase) -> None:
        """Right before the request leaves: it still may.

        Raises:
            Taken: another render has taken it over.
        """
        with self._file.reading() as db:
            now = self._select(db, _ONE, (one.number,))[0]
        if now.state != "intent" or now.holder != self._holder:
            raise Taken(f"{one.shot}: another render has it ({now.state})")

    def accept(self, one: Purchase, ticket: Any, facts: Mapping[str, Any]) -> Purchase:
        """The service gave it an id. That is kept even where another render holds the purchase by now."""
        now = self._ms()
        told: dict[str, Any] = {"ticket": json.dumps(ticket), "facts": json.dumps(facts, sort_keys=True)}
        return self._move(
            one,
            "accepted",
            {"intent", "lost", "given up", "waived"},
            any_holder=True,
            answered=now,
            accepted=now,
            **told,
        )

    def refuse(self, one: Purchase, to: State, reason: str) -> Purchase:
        """It is certain that nothing was bought: the price is free again."""
        return self._move(one, to, {"reserved", "intent"}, reason, booked=0, answered=self._ms())

    def lose(self, one: Purchase, reason: str, *, answered: bool = True) -> Purchase:
        """Nobody knows whether it was bought. `answered` tells that the request ended just now."""
        return self._move(one, "lost", {"intent"}, reason, answered=self._ms() if answered else one.answered)

    def complete(self, one: Purchase) -> Purchase:
        """The service has the clip."""
        return self._move(one, "completed", {"accepted", "completed"}, completed=one.completed or self._ms())

    def store(self, one: Purchase) -> Purchase:
        """The clip is here."""
        return self._move(one, "stored", {*BOUGHT, "stored"}, any_holder=True, stored=self._ms())

    def fail(self, one: Purchase, to: State, reason: str) -> Purchase:
        """The service said that it can't be had: `failed`, `moderated` or `gone`. It stays booked."""
        return self._move(one, to, {*BOUGHT, "stored"}, reason)

    def adopt(self, one: Purchase, ticket: Any, how: str) -> Purchase:
        """Its id was found.

        Raises:
            Taken: it was settled meanwhile, or the id is another purchase's.
        """
        with self._file.writing() as db:
            others = self._select(db, f"SELECT {_COLUMNS} FROM purchase WHERE number != ?", (one.number,))
            if any(other.ticket == ticket for other in others):
                raise Taken(f"{ticket} is another purchase's")
            found = {
                "ticket": json.dumps(ticket),
                "adopted": 1,
                "accepted": self._ms(),
                "holder": self._holder,
                "reason": "",
            }
            return self._move_in(db, one, "accepted", {"lost", "gone", "given up"}, how, any_holder=True, **found)

    def settle(self, one: Purchase, to: State, note: str) -> Purchase:
        """The user's word: `waived` or `given up`."""
        ended: set[State] = {"lost", "gone", "moderated", "failed", "given up", "waived", *BOUGHT, "stored"}
        return self._move(one, to, ended, note, any_holder=True)

    def let_go(self, one: Purchase) -> None:
        """Leave it to whoever comes next: this render doesn't go on with it."""
        with self._file.writing() as db:
            db.execute("UPDATE purchase SET holder = '' WHERE number = ? AND holder = ?", (one.number, self._holder))

    def refund(self, one: Purchase, note: str) -> Purchase:
        """The service gave the money back."""
        given = {"booked": 0, "refunded": self._ms(), "reason": one.reason}
        return self._move(one, one.state, {one.state}, note, any_holder=True, **given)

    # -- below

    def _ms(self) -> int:
        return self._now() // 1_000_000

    def _alive(self, db: sqlite3.Connection, holder: str) -> bool:
        found = db.execute("SELECT until FROM holder WHERE name = ?", (holder,)).fetchone()
        return bool(found and found[0] > self._ms() and self._lives(holder))

    def _stay(self, db: sqlite3.Connection) -> None:
        if self._holder:
            db.execute("INSERT OR REPLACE INTO holder VALUES (?, ?)", (self._holder, self._ms() + self.lease))

    def _move(self, one: Purchase, to: State, since: set[State], note: str = "", **columns: Any) -> Purchase:
        with self._file.writing() as db:
            return self._move_in(db, one, to, since, note, **columns)

    def _move_in(
        self,
        db: sqlite3.Connection,
        one: Purchase,
        to: State,
        since: set[State],
        note: str = "",
        *,
        any_holder: bool = False,
        **columns: Any,
    ) -> Purchase:
        now = self._select(db, _ONE, (one.number,))[0]
        if now.state not in since or not (any_holder or now.holder == self._holder):
            raise Taken(f"{one.shot}: another render has it ({now.state})")
        return self._set(db, now, to, note, **columns)

    def _set(self, db: sqlite3.Connection, one: Purchase, to: State, note: str, **columns: Any) -> Purchase:
        ended = {"reason": note} if note and to not in OPEN | {"stored"} else {}
        values = {"state": to, **ended, **columns}
        assignments = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE purchase SET {assignments} WHERE number = ?", (*values.values(), one.number))
        self._tell(db, one.number, to, note)
        return self._select(db, _ONE, (one.number,))[0]

    def _tell(self, db: sqlite3.Connection, number: int, state: State, note: str) -> None:
        db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (self._ms(), number, state, note))

    def _insert(self, db: sqlite3.Connection, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        number = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values())).lastrowid
        assert number is not None
        return number

    def _rows(self, query: str) -> list[Purchase]:
        if not self._file.exists:
            return []
        with self._file.reading() as db:
            return self._select(db, query)

    def _select(self, db: sqlite3.Connection, query: str, values: tuple[Any, ...] = ()) -> list[Purchase]:
        return [_purchase(row) for row in db.execute(query, values)]


def _require_room(db: sqlite3.Connection, order: Order) -> None:
    ceilings = (
        ("the ceiling of this render", order.ceiling, "WHERE run = ?", (order.run,)),
        ("the storyboard's budget", order.budget, "", ()),
    )
    for name, most, where, values in ceilings:
        if most is None:
            continue
        if order.job.cost is None:
            raise OverCeiling(f"its price is unknown, and never passes under {name} (${money.usd(most)})")
        (booked,) = db.execute(f"SELECT coalesce(sum(booked), 0) FROM purchase {where}", values).fetchone()
        if booked + money.nano(order.job.cost) > money.nano(most):
            so_far, more = money.usd(money.from_nano(booked)), money.usd(order.job.cost)
            raise OverCeiling(f"${more} more than ${so_far} would pass {name} (${money.usd(most)})")


def _purchase(row: tuple[Any, ...]) -> Purchase:
    values = list(row)
    if values[_STATE] not in STATES:
        raise ValueError(f"'{values[_STATE]}' is no state")
    for place in _MONEY:
        values[place] = None if values[place] is None else money.from_nano(values[place])
    values[_TICKET] = None if values[_TICKET] is None else json.loads(values[_TICKET])
    values[_FACTS] = json.loads(values[_FACTS]) if values[_FACTS] != "{}" else {}
    values[_ADOPTED] = bool(values[_ADOPTED])
    return Purchase._make(values)
