"""What a service tells of everything that was bought of it: its list of jobs, and its bills.

A row of the list names no prompt, so a job can only be told by its model, its moment and its price.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from storyboard.providers.account import Lost, NotSent
from storyboard.providers.failure import ClipHeld
from storyboard.providers.remote import Remote
from storyboard.providers.wire import Answer, Api, Call, Sighting, at

PAGE, PAGES = 100, 50
"""Rows of a page (the most that WaveSpeedAI gives), and pages that are read at most."""
SLACK = 60.0
"""Seconds by which clocks may differ before their difference is known."""


class Listing(Api, Protocol):
    """A service that lists jobs and bills; answers hold rows under `data.items`, and how many there are."""

    def list_call(self, model: str, after: float, before: float, page: int) -> Call:
        """One page of the jobs of a model (all models where it is "") made between two moments."""
        ...

    def bill_call(self, after: float, before: float, page: int) -> Call:
        """One page of the bills of between two moments."""
        ...


class Listed(Remote):
    """A service that can be asked what was bought."""

    def __init__(self, api: Listing, setup: Any) -> None:
        super().__init__(api, setup)
        self._listing = api

    async def sightings(self, model: str, after: float, before: float, *, bills: bool = False) -> list[Sighting]:
        """The jobs of between two moments, with their bills."""
        early, late = after - SLACK, before + SLACK
        jobs, ahead = await self._rows(lambda page: self._listing.list_call(model, early, late, page))
        billed: list[Mapping[str, Any]] = []
        try:
            billed, _ = await self._rows(lambda page: self._listing.bill_call(early, late, page))
        except ClipHeld:
            if bills:
                raise
        found = {one.id: one for one in map(_sighting, jobs) if one is not None}
        for bill in billed:
            identity = at(bill, "prediction", "uuid")
            if not isinstance(identity, str):
                continue
            if identity not in found and not model:  # billed, though its record is gone
                named = at(bill, "prediction", "model_uuid")
                found[identity] = Sighting(identity, str(named or ""), _moment(bill.get("created_at")) or 0, "billed")
            if identity in found:
                found[identity] = _billed(found[identity], bill)
        dated = (replace(one, created=one.created - ahead) for one in found.values())
        return sorted((one for one in dated if after <= one.created <= before), key=lambda one: one.created)

    async def _rows(self, call: Callable[[int], Call]) -> tuple[list[Mapping[str, Any]], float]:
        """Every row of every page, and by how many seconds the service's clock is ahead."""
        title, rows, ahead = self.title, dict[str, Mapping[str, Any]](), 0.0
        for page in range(1, PAGES + 1):
            before = self._setup.wall()
            answer = await self._one(call(page))
            items = at(answer.body, "data", "items")
            if not isinstance(items, list):
                raise ClipHeld(f"{title}'s list can't be read")
            ahead = _ahead(answer, before, self._setup.wall())
            known = len(rows)
            rows |= {str(row.get("uuid") or row.get("id")): row for row in items if isinstance(row, dict)}
            if len(items) < PAGE or len(rows) == known:
                return list(rows.values()), ahead
        raise ClipHeld(f"{title}'s list is longer than {PAGE * PAGES} rows")

    async def _one(self, call: Call) -> Answer:
        reason = ""
        for attempt in range(3):
            if attempt:
                await self._setup.sleep(self._calm.pause(attempt))
            if self._calm.rest():
                reason = "it fails again and again"
                continue
            try:
                answer = await self._account.send(call)
            except (NotSent, Lost) as error:
                self._calm.note(good=False)
                reason = str(error)
                continue
            self._calm.note(good=answer.status < 500)
            if 200 <= answer.status < 300 and answer.body is not None:
                return answer
            said = self._account.masked(self._api.refused(answer).message)
            reason = f"HTTP {answer.status}: {said}" if answer.status >= 300 else "its answer isn't JSON"
            if 300 <= answer.status < 500 and answer.status not in {408, 425, 429}:
                break
        raise ClipHeld(f"{self.title} can't be asked what was bought ({reason})")


def _sighting(row: Mapping[str, Any]) -> Sighting | None:
    identity, created = row.get("id"), _moment(row.get("created_at"))
    if not isinstance(identity, str) or created is None:
        return None
    return Sighting(identity, str(row.get("model") or ""), created, str(row.get("status") or ""))


def _billed(one: Sighting, bill: Mapping[str, Any]) -> Sighting:
    if bill.get("billing_type") == "refund":
        return replace(one, refunded=True)
    told = bill.get("price")
    try:
        price = Decimal(str(told)) if isinstance(told, (int, float, str)) else None
    except InvalidOperation:
        price = None
    usable = price if price is not None and price.is_finite() and price >= 0 else None
    return replace(one, price=usable, account=str(bill.get("access_key_name") or ""))


def _moment(value: object) -> float | None:
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
    except ValueError:
        return None


def _ahead(answer: Answer, before: float, after: float) -> float:
    """By how many seconds a service's clock is ahead of ours, by the Date header, whose seconds are whole, of an
    answer that came between two moments of ours.
    """
    try:
        told = parsedate_to_datetime(answer.headers.get("date", "")).timestamp() + 0.5
    except (ValueError, TypeError):
        return 0.0
    return told - after if told > after + 1.5 else told - before if told < before - 1.5 else 0.0
