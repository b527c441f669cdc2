"""WaveSpeedAI's API, version 3.

Sources: its documentation (errors, predictions, uploads, prices, billings) and the requests that its own clients send.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from storyboard import digest
from storyboard.catalog import Model
from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Answer, Refused, Request, Route, as_json, require_key, require_method
from storyboard.simulator.service import Engine, Job

PROVIDER = "wavespeed"
_BALANCE = Decimal(1000)
_WORDS = {
    "queued": "created",
    "running": "processing",
    "completed": "completed",
    "failed": "failed",
    "cancelled": "deleted",
}
_MODERATED, _FAILED = 1200, 1403


class WaveSpeed:
    """Routes under `/api/v3/`."""

    prefix = "/api/v3/"

    def __init__(self, engine: Engine, models: Mapping[str, Model]) -> None:
        self._engine = engine
        self._models = models
        self._buyers: dict[str, str] = {}

    def refusal(self, refused: Refused) -> Answer:
        """An error in this API's shape."""
        return as_json({"code": refused.status, "message": refused.message, "data": None}, refused.status)

    def route(self, request: Request) -> Route:
        """What a request asks for."""
        require_key(request)
        path = request.path.removeprefix(self.prefix)
        fixed: dict[str, Callable[[Request], Route]] = {
            "media/uploads": self._upload,
            "model/price": self._price,
            "predictions": self._list,
            "billings/search": self._billings,
        }
        if path in fixed:
            require_method(request, "POST")
            return fixed[path](request)
        if path == "balance":
            require_method(request, "GET")
            return Route(lambda _: _wrapped({"balance": float(self._balance())}))
        if path.startswith("predictions/"):
            return self._prediction(request, path.split("/")[1:])
        model = self._model(path)
        require_method(request, "POST")
        body = request.json()

        def submit(fault: Fault | None) -> Answer:
            job = self._engine.submit(model, body, fault)
            self._buyers[job.id] = digest.sha256(request.headers["authorization"].encode())[:8]
            return _wrapped(self._data(job, None))

        return Route(submit, "submit", PROVIDER, model.id, model.prompt_in(body))

    def _model(self, name: str) -> Model:
        if f"{PROVIDER}/{name}" not in self._models:
            raise Refused(404, f"model not found: {name}")
        return self._models[f"{PROVIDER}/{name}"]

    def _prediction(self, request: Request, steps: list[str]) -> Route:
        require_method(request, "GET", "DELETE")
        job = self._engine.find(PROVIDER, steps[0])
        if steps[1:] not in ([], ["result"]) or (request.method == "DELETE" and steps[1:]):
            raise Refused(404, "there is no such route")
        if job is None:
            raise Refused(404, f"prediction not found: {steps[0]}")
        if request.method == "DELETE":
            return Route(lambda _: self._delete(job))

        def poll(fault: Fault | None) -> Answer:
            now = self._engine.ask(PROVIDER, job.id, fault)
            return _wrapped(self._data(now or job, fault))

        return Route(poll, "poll", PROVIDER, job.model.id, job.prompt)

    def _delete(self, job: Job) -> Answer:
        self._engine.cancel(job, refund=False)
        return _wrapped(self._data(job, None) | {"status": "deleted", "outputs": []})

    def _data(self, job: Job, fault: Fault | None) -> dict[str, Any]:
        status, outputs = _WORDS[job.state], self._engine.outputs(job)
        data: dict[str, Any] = {
            "id": job.id,
            "model": job.name,
            "outputs": outputs,
            "urls": {"get": f"{self._engine.shelf.base}{self.prefix}predictions/{job.id}/result"},
            "has_nsfw_contents": [False for _ in outputs],
            "status": status,
            "created_at": _iso(job.created),
            "error": job.error,
            "timings": {"inference": round(job.latency * 1000) if job.state == "completed" else 0},
        }
        if job.state == "failed":
            given = job.fate.code if job.fate is not None else None
            data["code"] = given if given is not None else _MODERATED if job.moderated else _FAILED
        if fault is not None and fault.do == "status_word":
            data |= {"status": fault.word, "outputs": []}
        if fault is not None and fault.do == "wrong_type":
            data |= {"status": "completed", "outputs": {"url": 7}}
        return data

    def _upload(self, request: Request) -> Route:
        body = request.json()
        name, size, media = body.get("filename"), body.get("size"), body.get("content_type", "")
        if not isinstance(name, str) or not name:
            raise Refused(400, "filename: a text is required")
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise Refused(400, "size: a number of bytes is required")
        if not isinstance(media, str):
            raise Refused(400, "content_type: it is no text")

        def upload(_: Fault | None) -> Answer:
            put, get = self._engine.shelf.ticket(name, size, media)
            headers = {"Content-Type": media} if media else {}
            return _wrapped({"download_url": get, "upload": {"method": "PUT", "url": put, "headers": headers}})

        return Route(upload, "upload", PROVIDER, prompt=name)

    def _price(self, request: Request) -> Route:
        body = request.json()
        model = self._model(str(body.get("model_id", "")))
        inputs = body.get("inputs")
        if not isinstance(inputs, dict):
            raise Refused(400, "inputs: an object is required")

        def price(fault: Fault | None) -> Answer:
            amount = Decimal(fault.price) if fault is not None else self._engine.price(model, inputs)
            if amount is None:
                raise Refused(400, "inputs: there is no price for them")
            shown = {"price": float(amount), "discounted_price": float(amount), "currency": "USD"}
            return _wrapped({"model_id": model.id.partition("/")[2], **shown})

        return Route(price, "price", PROVIDER, model.id, model.prompt_in(inputs))

    def _list(self, request: Request) -> Route:
        body = request.json()
        after, before = _moment(body, "created_after"), _moment(body, "created_before")
        first, last = _page(body)

        def listed(_: Fault | None) -> Answer:
            rows = [
                {key: value for key, value in self._data(job, None).items() if key in _ROW}
                for job in reversed(self._engine.listed(PROVIDER))
                if (after is None or job.created >= after)
                and (before is None or job.created <= before)
                and body.get("model") in {None, "", job.name}
                and body.get("status") in {None, "", _WORDS[job.state]}
            ]
            return _wrapped({"page": body.get("page", 1), "total": len(rows), "items": rows[first:last]})

        return Route(listed, "list", PROVIDER)

    def _billings(self, request: Request) -> Route:
        body = request.json()
        first, last = _page(body)
        wanted = body.get("prediction_uuids")
        start, end = _moment(body, "start_time"), _moment(body, "end_time")

        def listed(_: Fault | None) -> Answer:
            rows = []
            for job in self._engine.listed(PROVIDER):
                if wanted is not None and job.id not in wanted:
                    continue
                if (start is not None and job.created < start) or (end is not None and job.created > end):
                    continue
                buyer = self._buyers.get(job.id, "")
                rows.append(_billed(job, buyer, "deduct", job.created))
                if job.refunded:
                    rows.append(_billed(job, buyer, "refund", job.finished or job.created))
            rows = [row for row in rows if body.get("billing_type") in {None, "", row["billing_type"]}]
            rows.sort(key=lambda row: str(row["created_at"]), reverse=body.get("sort") != "created_at ASC")
            return _wrapped({"page": body.get("page", 1), "total": len(rows), "items": rows[first:last]})

        return Route(listed, "list", PROVIDER)

    def _balance(self) -> Decimal:
        booked = (job.price for job in self._engine.jobs(PROVIDER) if job.price is not None and not job.refunded)
        return _BALANCE - sum(booked, Decimal(0))


_ROW = frozenset({"id", "model", "status", "created_at", "outputs", "error"})


def _billed(job: Job, buyer: str, kind: str, at: float) -> dict[str, Any]:
    price = float(job.price or 0)
    return {
        "uuid": f"{job.id}-{kind}",
        "access_key_name": f"key {buyer}",
        "billing_type": kind,
        "price": price,
        "created_at": _iso(at),
        "updated_at": _iso(at),
        "order": {"state": "pre" if job.finished is None else "done", "price": price, "origin_price": price},
        "prediction": {"uuid": job.id, "model_uuid": job.name, "status": _WORDS[job.state]},
    }


def _wrapped(data: dict[str, Any]) -> Answer:
    return as_json({"code": 200, "message": "success", "data": data})


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(body: Mapping[str, Any], name: str) -> float | None:
    """Seconds since 1970 from ISO 8601, or from milliseconds."""
    value = body.get(name)
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return int(value) / 1000
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(400, f"{name}: it is no moment: {value!r}") from error


def _page(body: Mapping[str, Any]) -> tuple[int, int]:
    page, size = body.get("page", 1), body.get("page_size", 10)
    if not isinstance(page, int) or isinstance(page, bool) or page < 1:
        raise Refused(400, "page: a whole number from 1 is required")
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= 100:
        raise Refused(400, "page_size: a whole number from 1 to 100 is required")
    return (page - 1) * size, page * size
