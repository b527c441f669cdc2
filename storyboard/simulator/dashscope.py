"""Alibaba's own API (DashScope), version 1: video synthesis, tasks, and the upload by form."""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from storyboard.catalog import Model
from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Answer, Refused, Request, Route, as_json, require_key, require_method
from storyboard.simulator.service import Engine, Job

PROVIDER = "dashscope"
_WORDS = {
    "queued": "PENDING",
    "running": "RUNNING",
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "cancelled": "CANCELED",
}
_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    405: "MethodNotAllowed",
    413: "RequestTooLarge",
    429: "Throttling.RateQuota",
}
_FORM = (
    *("ossaccesskeyid", "policy", "signature", "key", "x-oss-object-acl"),
    *("x-oss-forbid-overwrite", "success_action_status", "file"),
)


class DashScope:
    """Routes under `/api/v1/`."""

    prefix = "/api/v1/"

    def __init__(self, engine: Engine, models: Mapping[str, Model]) -> None:
        self._engine = engine
        self._models = models

    def refusal(self, refused: Refused) -> Answer:
        """An error in this API's shape."""
        code = _CODES.get(refused.status, "InternalError")
        return as_json({"code": code, "message": refused.message, "request_id": secrets.token_hex(8)}, refused.status)

    def route(self, request: Request) -> Route:
        """What a request asks for."""
        require_key(request)
        path = request.path.removeprefix(self.prefix)
        if path == "services/aigc/video-generation/video-synthesis":
            require_method(request, "POST")
            return self._submit(request)
        if path == "uploads":
            require_method(request, "GET")
            return self._policy(request)
        match path.split("/"):
            case ["tasks", id_]:
                require_method(request, "GET")
                return self._poll(id_)
            case ["tasks", id_, "cancel"]:
                require_method(request, "POST")
                return Route(lambda _: self._cancel(id_))
            case _:
                raise Refused(404, "there is no such route")

    def _model(self, name: Any) -> Model:
        if not isinstance(name, str) or f"{PROVIDER}/{name}" not in self._models:
            raise Refused(404, f"model: '{name}' doesn't exist")
        return self._models[f"{PROVIDER}/{name}"]

    def _submit(self, request: Request) -> Route:
        if request.headers.get("x-dashscope-async") != "enable":
            raise Refused(403, "current user api does not support synchronous calls: X-DashScope-Async is required")
        body = request.json()
        model = self._model(body.pop("model", None))
        resolves = request.headers.get("x-dashscope-ossresourceresolve") == "enable"

        def submit(fault: Fault | None) -> Answer:
            self._engine.check(model, body)
            if not resolves and any(url.startswith("oss://") for url in model.references_in(body)):
                raise Refused(400, "media URL not accessible: oss:// needs X-DashScope-OssResourceResolve: enable")
            job = self._engine.submit(model, body, fault)
            return _said({"task_id": job.id, "task_status": "PENDING"})

        return Route(submit, "submit", PROVIDER, model.id, model.prompt_in(body))

    def _poll(self, id_: str) -> Route:
        job = self._engine.find(PROVIDER, id_)
        if job is None:
            return Route(lambda _: _said({"task_id": id_, "task_status": "UNKNOWN"}), "poll", PROVIDER)

        def poll(fault: Fault | None) -> Answer:
            now = self._engine.ask(PROVIDER, id_, fault) or job
            usage = {"video_count": 1, "duration": float(job.seconds)} if now.state == "completed" else None
            return _said(self._output(now, fault), usage)

        return Route(poll, "poll", PROVIDER, job.model.id, job.prompt)

    def _output(self, job: Job, fault: Fault | None) -> dict[str, Any]:
        output: dict[str, Any] = {
            "task_id": job.id,
            "task_status": _WORDS[job.state],
            "submit_time": _clock(job.created),
        }
        if job.finished is not None:
            output |= {"scheduled_time": _clock(job.started or job.created), "end_time": _clock(job.finished)}
        outputs = self._engine.outputs(job)
        if outputs:
            output |= {"video_url": outputs[0], "orig_prompt": job.prompt}
        if job.state == "failed":
            given = job.fate.code if job.fate is not None else None
            code = "DataInspectionFailed" if job.moderated else "InternalError"
            output |= {"code": str(given or code), "message": job.error}
        if fault is not None and fault.do == "status_word":
            output = {"task_id": job.id, "task_status": fault.word}
        if fault is not None and fault.do == "wrong_type":
            output = {"task_id": job.id, "task_status": "SUCCEEDED", "video_url": {"url": 7}}
        return output

    def _cancel(self, id_: str) -> Answer:
        job = self._engine.find(PROVIDER, id_)
        if job is None or job.state != "queued":
            raise Refused(400, "task: only a PENDING task can be cancelled")
        self._engine.cancel(job, refund=True)
        return as_json({"request_id": secrets.token_hex(8)})

    def _policy(self, request: Request) -> Route:
        if request.query.get("action") != "getPolicy":
            raise Refused(400, "action: only getPolicy is known")
        self._model(request.query.get("model"))

        def policy(_: Fault | None) -> Answer:
            signature, folder = self._engine.shelf.policy()
            data = {
                "policy": secrets.token_urlsafe(40),
                "signature": signature,
                "upload_dir": folder,
                "upload_host": f"{self._engine.shelf.base}/oss",
                "expire_in_seconds": 300,
                "max_file_size_mb": 100,
                "oss_access_key_id": "LTAI-simulated",
                "x_oss_object_acl": "private",
                "x_oss_forbid_overwrite": "true",
            }
            return as_json({"request_id": secrets.token_hex(8), "data": data})

        return Route(policy, "upload", PROVIDER)


class ObjectStore:
    """The form's address, `/oss`: no key, the form carries its own signature."""

    prefix = "/oss"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def refusal(self, refused: Refused) -> Answer:
        """An error in the object store's shape."""
        text = f"<Error><Code>AccessDenied</Code><Message>{escape(refused.message)}</Message></Error>"
        return Answer(refused.status, text.encode(), "application/xml")

    def route(self, request: Request) -> Route:
        """The POST of a form."""
        require_method(request, "POST")
        fields = _form(request)
        for name in _FORM:
            if not fields.get(name):
                raise Refused(400, f"{name}: this field is required")
        if list(fields)[-1] != "file":
            raise Refused(400, "file: it is the last field of the form")
        key, folder = (
            fields["key"].decode("utf-8", "replace"),
            self._engine.shelf.folder_of(fields["signature"].decode("utf-8", "replace")),
        )
        if folder is None or not key.startswith(f"{folder}/"):
            raise Refused(403, "signature: it isn't good for this key")
        if self._engine.shelf.find(f"oss://{key}") is not None:
            raise Refused(409, "key: there is an object already, and overwriting is forbidden")

        def put(_: Fault | None) -> Answer:
            self._engine.shelf.keep(f"oss://{key}", fields["file"])
            return Answer(200, media="text/plain")

        return Route(put, "put", PROVIDER)


def _form(request: Request) -> dict[str, bytes]:
    """The fields of multipart/form-data in order, by lower-case name: clients spell them in both ways."""
    kind = request.headers.get("content-type", "")
    boundary = re.search(r'boundary="?([^";,]+)', kind)
    if not kind.startswith("multipart/form-data") or boundary is None:
        raise Refused(400, "the body isn't multipart/form-data")
    fields = {}
    for part in (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'\bname="([^"]*)"', head)
        if name is None:
            raise Refused(400, "a part of the form has no name")
        fields[name[1].decode("utf-8", "replace").lower()] = content
    return fields


def _said(output: dict[str, Any], usage: dict[str, Any] | None = None) -> Answer:
    return as_json(
        {"request_id": secrets.token_hex(8), "output": output, **({} if usage is None else {"usage": usage})}
    )


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
