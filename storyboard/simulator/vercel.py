"""The Vercel AI Gateway's asynchronous video routes, protocol version 4, as its own client uses them."""

import secrets
import threading
from collections.abc import Mapping
from typing import Any

from storyboard.catalog import Model
from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Answer, Refused, Request, Route, as_json, require_key, require_method
from storyboard.simulator.service import Engine, Job

PROVIDER = "vercel"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "forbidden",
    404: "not_found",
    429: "rate_limit_exceeded",
}
_REQUIRED = ("ai-model-id", "ai-gateway-protocol-version", "ai-video-model-specification-version")


class Vercel:
    """Routes under `/v4/ai/`."""

    prefix = "/v4/ai/"

    def __init__(self, engine: Engine, models: Mapping[str, Model]) -> None:
        self._engine = engine
        self._models = models
        self._lock = threading.Lock()
        self._keys: dict[tuple[str, str], tuple[Any, Job]] = {}
        self._operations: dict[str, dict[str, Any]] = {}

    def refusal(self, refused: Refused) -> Answer:
        """An error in this API's shape."""
        kind = _TYPES.get(refused.status, "invalid_request_error" if refused.status < 500 else "internal_server_error")
        if refused.message.startswith("model "):
            kind = "model_not_found"
        error = {"message": refused.message, "type": kind, "param": None, "code": None}
        return as_json({"error": error, "generationId": f"gen_{secrets.token_hex(8)}"}, refused.status)

    def route(self, request: Request) -> Route:
        """What a request asks for."""
        require_key(request)
        path = request.path.removeprefix(self.prefix)
        if path not in {"video-model/start", "video-model/status"}:
            raise Refused(404, "there is no such route")
        require_method(request, "POST")
        for name in _REQUIRED:
            if not request.headers.get(name):
                raise Refused(400, f"{name}: this header is required")
        if request.headers["ai-video-model-specification-version"] != "4":
            raise Refused(400, "ai-video-model-specification-version: only 4 is spoken here")
        name = request.headers["ai-model-id"]
        if f"{PROVIDER}/{name}" not in self._models:
            raise Refused(404, f"model '{name}' not found")
        body = request.json()
        if path.endswith("start"):
            model = self._models[f"{PROVIDER}/{name}"]
            key = request.headers.get("idempotency-key", "")
            return Route(
                lambda fault: self._start(model, body, key, fault), "submit", PROVIDER, model.id, model.prompt_in(body)
            )
        return self._status(body)

    def _start(self, model: Model, body: dict[str, Any], key: str, fault: Fault | None) -> Answer:
        with self._lock:  # two attempts under one key are one purchase, at the same moment too
            known = self._keys.get((model.id, key)) if key else None
            if known is not None and known[0] != body:
                raise Refused(409, "idempotency-key: it was used with another body")
            job = known[1] if known is not None else self._engine.submit(model, body, fault)
            if key:
                self._keys[model.id, key] = (body, job)
            operation = self._operations.setdefault(
                job.id, {"v": 1, "job": {"id": job.id, "provider": "alibaba"}, "proof": [secrets.token_hex(8), 4]}
            )
        metadata = {"gateway": {"asyncJob": {"jobId": job.id, "status": "pending"}}}
        return as_json({"operation": operation, "warnings": [], "providerMetadata": metadata})

    def _status(self, body: dict[str, Any]) -> Route:
        operation = body.get("operation")
        if set(body) != {"operation"} or not isinstance(operation, dict):
            raise Refused(400, "operation: what start returned is required, and nothing else")
        inner = operation.get("job")
        id_ = str(inner.get("id")) if isinstance(inner, dict) else ""
        job = self._engine.find(PROVIDER, id_)
        if job is None or self._operations.get(id_) != operation:
            raise Refused(404, "operation: it isn't known")

        def poll(fault: Fault | None) -> Answer:
            return as_json(self._said(self._engine.ask(PROVIDER, id_, fault) or job, fault))

        return Route(poll, "poll", PROVIDER, job.model.id, job.prompt)

    def _said(self, job: Job, fault: Fault | None) -> dict[str, Any]:
        if fault is not None and fault.do == "status_word":
            return {"status": fault.word}
        if fault is not None and fault.do == "wrong_type":
            return {"status": "completed", "videos": {"type": "url", "url": 7}}
        if job.state == "failed":
            return {"status": "error", "error": job.error}
        if job.state == "cancelled":
            return {"status": "cancelled"}
        if job.state != "completed":
            return {"status": "pending"}
        videos = [{"type": "url", "url": url, "mediaType": "video/mp4"} for url in self._engine.outputs(job)]
        return {"status": "completed", "videos": videos, "warnings": []}
