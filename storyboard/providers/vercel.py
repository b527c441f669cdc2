"""Vercel AI Gateway, video: protocol of the published clients `@ai-sdk/gateway` 4.0.146 and `ai` 7.0.173.

`/video-model/start` answers an opaque operation, which `/video-model/status` takes back whole. A start that
repeats its idempotency key is one job, so here alone a submit may be sent again.
"""

from collections.abc import Mapping
from typing import Any

from storyboard.job import Job
from storyboard.providers import Provider, Setup
from storyboard.providers.remote import Remote
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
    WrongShape,
    at,
    failure,
    moderated,
    text_at,
)

SERVICE = Service(
    name="vercel",
    title="Vercel AI Gateway",
    keys=("AI_GATEWAY_API_KEY",),
    base="https://ai-gateway.vercel.sh/v4/ai",
    base_variable="AI_GATEWAY_BASE_URL",
    concurrent=2,  # no page states a limit: as careful as with WaveSpeedAI
    per_minute=10,
    kept=86400,  # assumed; no page states it
    idempotent=True,
)
_STATES: dict[str, State] = {"pending": "running", "completed": "done", "error": "failed", "cancelled": "cancelled"}
_TYPES: dict[str, Kind] = {
    "authentication_error": "bad key",
    "forbidden": "bad key",
    "invalid_request_error": "bad request",
    "model_not_found": "bad request",
    "not_found": "bad request",
    "rate_limit_exceeded": "rate limited",
    "insufficient_funds": "no credit",
    "internal_server_error": "transient",
    "failed_dependency": "transient",
}


class Vercel:
    """The adapter."""

    service = SERVICE

    def submit(self, job: Job, body: Mapping[str, Any], nonce: str) -> Call:
        """POST to `/video-model/start`."""
        headers = self._headers(job.model.partition("/")[2]) | {"idempotency-key": f"storyboard_{nonce}"}
        return Call("POST", "/video-model/start", dict(body), headers)

    def accepted(self, answer: Answer) -> Ticket:
        """The operation, whatever JSON it is."""
        operation = at(answer.body, "operation")
        if operation is None:
            raise WrongShape("the answer holds no operation")
        told = at(answer.body, "warnings")
        return Ticket(operation, {"warnings": told} if told else {})

    def poll(self, job: Job, ticket: Ticket) -> Call:
        """POST the operation back."""
        return Call("POST", "/video-model/status", {"operation": ticket.id}, self._headers(job.model.partition("/")[2]))

    def status(self, answer: Answer) -> Status:
        """`status`, and `videos`: each a URL, or bytes in base64."""
        said = text_at(answer, "status")
        if not said:
            raise WrongShape("the answer holds no status")
        state = _STATES.get(said, "running")
        videos = at(answer.body, "videos")
        outputs = tuple(_output(video) for video in videos) if isinstance(videos, list) else ()
        error = None
        if state in {"failed", "cancelled"}:
            message = text_at(answer, "error") or text_at(answer, "error", "message") or said
            error = failure(answer, message, moderated(message) or "transient")
        return Status(state, said, tuple(o for o in outputs if o), error, known=said in _STATES)

    def refused(self, answer: Answer) -> Failure:
        """`error.message`, with `error.type` for its kind."""
        message = text_at(answer, "error", "message")
        return failure(answer, message, moderated(message) or _TYPES.get(text_at(answer, "error", "type")))

    def _headers(self, model: str) -> dict[str, str]:
        return {
            "ai-gateway-protocol-version": "0.0.1",
            "ai-gateway-auth-method": "api-key",
            "ai-video-model-specification-version": "4",
            "ai-model-id": model,
        }


def _output(video: Any) -> Output | None:
    kind = at(video, "type")
    if kind == "url" and isinstance(at(video, "url"), str):
        return Output(url=video["url"])
    if kind == "base64" and isinstance(at(video, "data"), str):
        return Output(data=video["data"])
    return None


def make(setup: Setup) -> Provider:
    """The provider `vercel`."""
    return Remote(Vercel(), setup)
