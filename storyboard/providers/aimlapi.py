"""AI/ML API, video: its OpenAPI file, and the published client `aimlapi-sdk-python` 2.24.0rc1.

Ids may hold a colon, so they are URL-encoded. 403 means that the credits are used up. There is no idempotency.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from storyboard.job import Job
from storyboard.providers import Provider, Setup
from storyboard.providers.remote import Remote
from storyboard.providers.wire import (
    Answer,
    Call,
    Failure,
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
    name="aimlapi",
    title="AI/ML API",
    keys=("AIML_API_KEY", "AIMLAPI_API_KEY"),
    base="https://api.aimlapi.com",
    base_variable="AIML_API_BASE",
    concurrent=2,  # no page states a limit: as careful as with WaveSpeedAI
    per_minute=10,
    kept=86400,  # inferred from the signed URL of a sample answer
    suffix="/v1",
)
_ROUTE = "/v2/video/generations"
_STATES: dict[str, State] = {
    "queued": "queued",
    "generating": "running",
    "completed": "done",
    "error": "failed",
}


class AimlApi:
    """The adapter."""

    service = SERVICE

    def submit(self, job: Job, body: Mapping[str, Any], nonce: str) -> Call:
        """POST with the model in the body."""
        return Call("POST", _ROUTE, {"model": job.model.partition("/")[2], **body})

    def accepted(self, answer: Answer) -> Ticket:
        """`id`; the credits used are told only here."""
        identity = text_at(answer, "generation_id") or text_at(answer, "id")
        if not identity:
            raise WrongShape(text_at(answer, "message") or "the answer holds no id")
        used = at(answer.body, "meta", "usage", "credits_used")
        return Ticket(identity, {"credits": used} if isinstance(used, int) else {})

    def poll(self, job: Job, ticket: Ticket) -> Call:
        """GET by id."""
        return Call("GET", f"{_ROUTE}?{urlencode({'generation_id': str(ticket.id)})}")

    def status(self, answer: Answer) -> Status:
        """`status`, and `video.url`."""
        said = text_at(answer, "status")
        if not said:
            raise WrongShape("the answer holds no status")
        state = _STATES.get(said, "running")
        videos = at(answer.body, "video")
        found = [text_at(Answer(200, {}, one), "url") for one in (videos if isinstance(videos, list) else [videos])]
        error = None
        if state == "failed":
            told = at(answer.body, "error")
            message = told if isinstance(told, str) else text_at(answer, "error", "message") or said
            named = text_at(answer, "error", "name")
            message = f"{named}: {message}" if named and named not in message else message
            error = failure(answer, message, moderated(message) or "transient")
        return Status(state, said, tuple(Output(url) for url in found if url), error, known=said in _STATES)

    def refused(self, answer: Answer) -> Failure:
        """`message`; 403 is about credit."""
        message = text_at(answer, "message")
        return failure(answer, message, moderated(message) or ("no credit" if answer.status == 403 else None))


def make(setup: Setup) -> Provider:
    """The provider `aimlapi`."""
    return Remote(AimlApi(), setup)
