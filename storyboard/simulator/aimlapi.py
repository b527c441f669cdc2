"""AI/ML API's video generations, version 2, as its OpenAPI documents and clients have them."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from storyboard.catalog import Model
from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Answer, Refused, Request, Route, as_json, require_key, require_method
from storyboard.simulator.service import Engine, Job

PROVIDER = "aimlapi"
_WORDS = {
    "queued": "queued",
    "running": "generating",
    "completed": "completed",
    "failed": "error",
    "cancelled": "error",
}
_CREDITS = {"720p": 210_000, "1080p": 315_000}
"""A second. At 1080p it is the documentation's own sample; 720p is in proportion to other models' prices."""


class AimlApi:
    """Routes under `/v2/`."""

    prefix = "/v2/"

    def __init__(self, engine: Engine, models: Mapping[str, Model]) -> None:
        self._engine = engine
        self._models = models

    def refusal(self, refused: Refused) -> Answer:
        """An error in this API's shape."""
        body = {
            "message": refused.message,
            "path": refused.path,
            "requestId": secrets.token_hex(8),
            "statusCode": refused.status,
            "timestamp": datetime.fromtimestamp(self._engine.now(), UTC).isoformat(),
        }
        return as_json(body, refused.status)

    def route(self, request: Request) -> Route:
        """What a request asks for."""
        require_key(request)
        if request.path != f"{self.prefix}video/generations":
            raise Refused(404, "there is no such route")
        require_method(request, "POST", "GET")
        return self._submit(request) if request.method == "POST" else self._poll(request)

    def _submit(self, request: Request) -> Route:
        body = request.json()
        name = body.pop("model", None)
        if not isinstance(name, str):
            raise Refused(400, "model: a text is required")
        if f"{PROVIDER}/{name}" not in self._models:
            raise Refused(404, f"model '{name}' not found")
        model = self._models[f"{PROVIDER}/{name}"]

        def submit(fault: Fault | None) -> Answer:
            id_ = f"{secrets.token_hex(12)}:{name.rpartition('/')[2]}"
            job = self._engine.submit(model, body, fault, id_)
            used = int(_CREDITS.get(job.resolution, 315_000) * job.seconds)
            return as_json({**self._said(job, None), "meta": {"usage": {"credits_used": used}}}, 201)

        return Route(submit, "submit", PROVIDER, model.id, model.prompt_in(body))

    def _poll(self, request: Request) -> Route:
        id_ = request.query.get("generation_id", "")
        job = self._engine.find(PROVIDER, id_)
        if job is None:
            raise Refused(404, f"generation_id: '{id_}' isn't known")

        def poll(fault: Fault | None) -> Answer:
            return as_json(self._said(self._engine.ask(PROVIDER, id_, fault) or job, fault))

        return Route(poll, "poll", PROVIDER, job.model.id, job.prompt)

    def _said(self, job: Job, fault: Fault | None) -> dict[str, Any]:
        if fault is not None and fault.do == "status_word":
            return {"id": job.id, "status": fault.word}
        if fault is not None and fault.do == "wrong_type":
            return {"id": job.id, "status": "completed", "video": ["url"]}
        said: dict[str, Any] = {"id": job.id, "status": _WORDS[job.state]}
        outputs = self._engine.outputs(job)
        if outputs:
            said["video"] = {"url": outputs[0]}
        if job.state == "failed":
            name = "ContentModerationError" if job.moderated else "GenerationError"
            given = job.fate.code if job.fate is not None else None
            said["error"] = {"name": str(given or name), "message": job.error}
        return said
