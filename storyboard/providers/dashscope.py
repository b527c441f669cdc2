"""Alibaba's own API (Model Studio, DashScope): its pages, and the published client `dashscope` 2.0.2.

Files go to an object store with a policy that the service signs, and are named `oss://…` afterwards; a request
that names one says so in a header. Tasks and outputs live for 24 hours.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

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
    Transfer,
    WrongShape,
    at,
    failure,
    moderated,
    text_at,
)

SERVICE = Service(
    name="dashscope",
    title="Alibaba Model Studio",
    keys=("DASHSCOPE_API_KEY",),
    base="https://dashscope-intl.aliyuncs.com/api/v1",
    base_variable="DASHSCOPE_HTTP_BASE_URL",
    concurrent=2,  # the limits of these models are unverified
    per_minute=10,
    kept=86400,
)
_STATES: dict[str, State] = {
    "PENDING": "queued",
    "RUNNING": "running",
    "SUSPENDED": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "CANCELED": "cancelled",
    "UNKNOWN": "expired",
}
_CODES: tuple[tuple[str, Kind], ...] = (
    ("DataInspection", "moderated"),
    ("InvalidApiKey", "bad key"),
    ("AccessDenied", "bad key"),
    ("Arrearage", "no credit"),
    ("Throttling", "rate limited"),
    ("InvalidParameter", "bad request"),
    ("InternalError", "transient"),
)


class DashScope:
    """The adapter."""

    service = SERVICE

    def submit(self, job: Job, body: Mapping[str, Any], nonce: str) -> Call:
        """POST with the model in the body, to be done in the background."""
        headers = {"X-DashScope-Async": "enable"}
        if "oss://" in str(body):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        path = "/services/aigc/video-generation/video-synthesis"
        return Call("POST", path, {"model": job.model.partition("/")[2], **body}, headers)

    def accepted(self, answer: Answer) -> Ticket:
        """`output.task_id`."""
        identity = text_at(answer, "output", "task_id")
        if not identity:
            raise WrongShape(text_at(answer, "message") or "the answer holds no output.task_id")
        return Ticket(identity)

    def poll(self, job: Job, ticket: Ticket) -> Call:
        """GET the task."""
        return Call("GET", f"/tasks/{quote(str(ticket.id), safe='')}")

    def status(self, answer: Answer) -> Status:
        """`output.task_status`, and `output.video_url`."""
        said = text_at(answer, "output", "task_status")
        if not said:
            raise WrongShape("the answer holds no output.task_status")
        state = _STATES.get(said, "running")
        videos = at(answer.body, "output", "video_url")
        found = videos if isinstance(videos, list) else [videos]
        outputs = tuple(Output(url) for url in found if isinstance(url, str) and url)
        error = None
        if state in {"failed", "cancelled", "expired"}:
            message = text_at(answer, "output", "message") or said
            code = text_at(answer, "output", "code")
            error = failure(answer, message, _kind(code) or moderated(message) or "transient")
        return Status(state, said, outputs, error, known=said in _STATES)

    def refused(self, answer: Answer) -> Failure:
        """`code` and `message`."""
        message = text_at(answer, "message")
        return failure(answer, message, _kind(text_at(answer, "code")) or moderated(message))

    def ask(self, job: Job, filename: str, size: int, media: str) -> Call:
        """A policy for uploads for this model."""
        return Call("GET", f"/uploads?{urlencode({'action': 'getPolicy', 'model': job.model.partition('/')[2]})}")

    def transfer(self, answer: Answer, filename: str, media: str) -> Transfer:
        """A form whose last part is the file."""
        told = at(answer.body, "data")
        url, folder = at(told, "upload_host"), at(told, "upload_dir")
        if not isinstance(url, str) or not isinstance(folder, str):
            raise WrongShape("the answer holds no upload policy")
        key = f"{folder}/{filename}"
        fields = {
            "OSSAccessKeyId": str(at(told, "oss_access_key_id")),
            "Signature": str(at(told, "signature")),
            "policy": str(at(told, "policy")),
            "key": key,
            "x-oss-object-acl": str(at(told, "x_oss_object_acl")),
            "x-oss-forbid-overwrite": str(at(told, "x_oss_forbid_overwrite")),
            "success_action_status": "200",
            "x-oss-content-type": media,
        }
        return Transfer("POST", url, f"oss://{key}", {}, fields)


def _kind(code: str) -> Kind | None:
    return next((kind for start, kind in _CODES if start.lower() in code.lower()), None) if code else None


def make(setup: Setup) -> Provider:
    """The provider `dashscope`."""
    return Remote(DashScope(), setup)
