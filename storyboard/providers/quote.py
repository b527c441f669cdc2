"""What WaveSpeedAI says that jobs cost: its price endpoint, which is free."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from storyboard.catalog import Model
from storyboard.digest import of
from storyboard.job import Job
from storyboard.providers import wire
from storyboard.providers.account import Account, Lost, NotSent
from storyboard.providers.wavespeed import SERVICE, WaveSpeed

_WORDS = ("prompt", "negative", "seed", "references", "image")
"""What no price depends on: jobs that differ in these alone are asked about once."""


class NotQuoted(Exception):
    """There is no quote; the message says why."""


async def quotes(jobs: Sequence[Job], models: Mapping[str, Model], environment: Mapping[str, str]) -> list[Decimal]:
    """US dollars for each job of WaveSpeedAI's. References are named, not uploaded.

    Raises:
        Unconfigured: there is no key, or no safe base URL.
        NotQuoted: the service gives no price.
    """
    account, api, known = Account(SERVICE, environment), WaveSpeed(), dict[str, Decimal]()
    try:
        return [await _quote(job, models[job.model], account, api, known) for job in jobs]
    finally:
        await account.close()


async def _quote(job: Job, model: Model, account: Account, api: WaveSpeed, known: dict[str, Decimal]) -> Decimal:
    places = {model.fields[word] for word in _WORDS if word in model.fields}
    same = of([job.model, {name: value for name, value in job.request.items() if name not in places}])
    if same not in known:
        names = {
            name: given.url or f"https://reference.invalid/{n}" for n, (name, given) in enumerate(job.inputs.items())
        }
        try:
            answer = await account.send(api.price(job.model, wire.filled(job.request, names)))
        except (NotSent, Lost) as error:
            raise NotQuoted(f"{SERVICE.title} can't be asked for prices: {error}") from error
        if not 200 <= answer.status < 300:
            reason = account.masked(api.refused(answer).message)
            raise NotQuoted(f"{SERVICE.title} gives no price (HTTP {answer.status}): {reason}")
        known[same] = _price(answer.body, job.model)
    return known[same]


def _price(body: Any, model: str) -> Decimal:
    """The discounted price where there is one: it is what is billed."""
    for name in ("discounted_price", "price"):
        told = wire.at(body, "data", name)
        if isinstance(told, (int, float, str)) and not isinstance(told, bool):
            try:
                price = Decimal(str(told))
            except InvalidOperation:
                continue
            if price.is_finite() and price >= 0:
                return price
    raise NotQuoted(f"{SERVICE.title} gives no price for {model}")
