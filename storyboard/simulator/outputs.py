"""The finished clips, at URLs that end: whole, in ranges (RFC 9110, 14), or as a script bends them."""

import re

from storyboard.simulator.faults import Fault
from storyboard.simulator.message import Answer, Refused, Request, Route, require_method
from storyboard.simulator.service import Engine, Job

PAGE = b"<!doctype html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>\n"


class Outputs:
    """Routes under `/outputs/`: no key, the token in the path is enough."""

    prefix = "/outputs/"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def refusal(self, refused: Refused) -> Answer:
        """An error in an object store's shape."""
        return Answer(refused.status, f"<Error>{refused.message}</Error>".encode(), "application/xml", refused.headers)

    def route(self, request: Request) -> Route:
        """A download."""
        require_method(request, "GET", "HEAD")
        token, _, name = request.path.removeprefix(self.prefix).partition("/")
        job = self._engine.by_token(token)
        if job is None or job.state != "completed" or name != f"{job.sequence}.mp4":
            raise Refused(404, "there is no such output")
        return Route(lambda fault: self._send(job, request, fault), "output", job.provider, job.model.id, job.prompt)

    def _send(self, job: Job, request: Request, fault: Fault | None) -> Answer:
        bent = fault.do if fault is not None else ""
        job.expired = job.expired or bent == "expire"
        due = self._engine.expires(job)
        if job.expired or request.query.get("Expires") != str(due) or self._engine.now() >= due:
            raise Refused(403, "AccessDenied: this URL has expired")
        if bent == "not_video" or (job.fate is not None and job.fate.do == "not_video"):
            return Answer(200, PAGE, "text/html")
        try:
            data = job.clip.read_bytes()
        except FileNotFoundError as error:
            raise Refused(404, "there is no such output") from error
        return _ranged(data, f'"{job.token}"', request)


def _ranged(data: bytes, tag: str, request: Request) -> Answer:
    """All of `data`, or the one range asked for."""
    headers = {"Accept-Ranges": "bytes", "ETag": tag}
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    unchanged = request.headers.get("if-range", tag) == tag
    if asked is None or not any(asked.groups()) or not unchanged:
        return Answer(200, data, "video/mp4", headers)
    first, last = asked.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    stop = min(len(data), int(last) + 1) if first and last else len(data)
    if start >= stop:
        raise Refused(416, "the range lies outside", {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return Answer(206, data[start:stop], "video/mp4", headers)
