"""WaveSpeedAI: https://wavespeed.ai/docs, and the published Python client 2.0.5.

A submit's answer is an envelope, {code, message, data: {id, status, outputs, …}}; so is a poll's. There is no
idempotency: a repeated submit is a second job. Results are asked for by id, never at the URL in `urls.get`,
which would let an answer choose where the key is sent.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from storyboard.job import Job
from storyboard.providers import Provider, Setup
from storyboard.providers.evidence import Listed
from storyboard.providers.wire import (
    Answer,
    Call,
    Failure,
    Kind,
    Output,
    Service,
    State,
    Status,
    Ticket,
    Transfer,
    WrongShape,
    at,
    failure,
    moderated,
    text_at,
)

SERVICE = Service(
    name="wavespeed",
    title="WaveSpeedAI",
    keys=("WAVESPEED_API_KEY",),
    base="https://api.wavespeed.ai",
    base_variable="WAVESPEED_BASE_URL",
    concurrent=2,  # Bronze, in the stricter of two copies of the page on account levels
    per_minute=2,
    kept=7 * 86400,
    suffix="/api/v3",
)
_STATES: dict[str, State] = {
    "created": "queued",
    "processing": "running",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "deleted": "cancelled",
    "timeout": "failed",
}
_CODES: dict[int, Kind] = {
    1200: "moderated",
    1400: "bad request",
    1401: "bad request",
    1402: "bad request",
    5000: "transient",
    5003: "transient",
    5004: "transient",
}
"""The codes of a failed task (wavespeed.ai/docs/error-codes)."""


class WaveSpeed:
    """The adapter."""

    service = SERVICE

    def submit(self, job: Job, body: Mapping[str, Any], nonce: str) -> Call:
        """POST to the model's own path; its slashes stay."""
        return Call("POST", f"/api/v3/{job.model.partition('/')[2]}", dict(body))

    def accepted(self, answer: Answer) -> Ticket:
        """`data.id`; the envelope's own code must be a success too."""
        identity = text_at(answer, "data", "id")
        if not identity or at(answer.body, "code") not in (None, 200):
            raise WrongShape(text_at(answer, "message") or "the answer holds no data.id")
        return Ticket(identity)

    def poll(self, job: Job, ticket: Ticket) -> Call:
        """GET the result."""
        return Call("GET", f"/api/v3/predictions/{quote(str(ticket.id), safe='')}/result")

    def status(self, answer: Answer) -> Status:
        """`data.status`, and the URLs in `data.outputs`, a list or an object of them."""
        said = text_at(answer, "data", "status")
        if not said:
            raise WrongShape("the answer holds no data.status")
        state = _STATES.get(said, "running")
        outputs = tuple(Output(url) for url in _urls(at(answer.body, "data", "outputs")))
        flags = at(answer.body, "data", "has_nsfw_contents")
        nsfw = flags is True or (isinstance(flags, list) and True in flags)
        error = None
        if state in {"failed", "cancelled"} or (state == "done" and nsfw and not outputs):
            message = text_at(answer, "data", "error") or ("the output was flagged" if nsfw else said)
            code = at(answer.body, "data", "code")
            kind = "moderated" if nsfw else _CODES.get(code) if isinstance(code, int) else None
            error = failure(answer, message, kind or moderated(message) or "transient")
            state = "failed" if state == "done" else state
        facts = {"flagged": True} if nsfw and outputs else {}
        return Status(state, said, outputs, error, facts, said in _STATES)

    def refused(self, answer: Answer) -> Failure:
        """`message`, and the task's code where there is one."""
        code = at(answer.body, "data", "code")
        return failure(answer, text_at(answer, "message"), _CODES.get(code) if isinstance(code, int) else None)

    def ask(self, job: Job, filename: str, size: int, media: str) -> Call:
        """A ticket for one file."""
        return Call("POST", "/api/v3/media/uploads", {"filename": filename, "size": size, "content_type": media})

    def transfer(self, answer: Answer, filename: str, media: str) -> Transfer:
        """PUT to the ticket's URL with exactly its headers, and no key."""
        where, reference = at(answer.body, "data", "upload"), text_at(answer, "data", "download_url")
        url, headers = at(where, "url"), at(where, "headers") or {}
        if not reference or not isinstance(url, str) or at(where, "method") != "PUT" or not isinstance(headers, dict):
            raise WrongShape("the answer holds no upload ticket")
        return Transfer("PUT", url, reference, {str(name): str(value) for name, value in headers.items()})

    def list_call(self, model: str, after: float, before: float, page: int) -> Call:
        """The jobs of the last seven days; rows hold no request."""
        wanted = {"model": model.partition("/")[2]} if model else {}
        when = {"created_after": _iso(after), "created_before": _iso(before)}
        return Call("POST", "/api/v3/predictions", {"page": page, "page_size": 100, **wanted, **when})

    def bill_call(self, after: float, before: float, page: int) -> Call:
        """Deductions and refunds."""
        when = {"start_time": _iso(after), "end_time": _iso(before)}
        return Call("POST", "/api/v3/billings/search", {"page": page, "page_size": 100, **when})

    def price(self, model: str, inputs: Mapping[str, Any]) -> Call:
        """What a request costs, for free."""
        return Call("POST", "/api/v3/model/price", {"model_id": model.partition("/")[2], "inputs": dict(inputs)})


def _iso(at_: float) -> str:
    return datetime.fromtimestamp(at_, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _urls(outputs: Any) -> list[str]:
    if isinstance(outputs, str):
        return [outputs] if outputs else []
    items = outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list) else ()
    return [item for item in items if isinstance(item, str) and item]


def make(setup: Setup) -> Provider:
    """The provider `wavespeed`."""
    return Listed(WaveSpeed(), setup)
