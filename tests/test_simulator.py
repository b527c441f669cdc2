"""The simulated services over real HTTP: what each API answers, what it refuses, and what a script breaks."""

import copy
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from storyboard import media
from storyboard.catalog import Catalog, Model
from storyboard.simulator import Fault, Running, Simulator, load_faults
from storyboard.simulator import fault as rule
from storyboard.tools import Tools
from tests.folder import ROOT

R2V = "/api/v3/alibaba/wan-2.6/reference-to-video-flash"
I2V = "/api/v3/alibaba/wan-2.6/image-to-video-flash"
PICTURE = "https://pictures.example/mira.png"


def small(model: Model) -> Model:
    """A model that makes clips of one second and few pixels, at the price of five seconds."""
    request = copy.deepcopy(dict(model.request))
    sizes = {aspect: {"720p": _small(by["720p"])} for aspect, by in model.sizes.items()}
    for properties in (request["properties"], *(p.get("properties", {}) for p in request["properties"].values())):
        if "duration" in properties:
            properties["duration"] = {"enum": [1]}
        for name in ("size", "resolution"):
            if name in properties:
                properties[name] = {"enum": sorted({by["720p"] for by in sizes.values()})}
    price = dict(model.price)
    if "cells" in price:
        price["cells"] = [{**cell, "seconds": 1} for cell in price["cells"] if cell["seconds"] == 5]
    return replace(model, request=request, sizes=sizes, lengths={"sold": [1]}, price=price)


def _small(size: str) -> str:
    for sign in "*x":
        if sign in size:
            return sign.join(str(max(64, int(side) // 10)) for side in size.split(sign))
    return "72p" if size == "720p" else "72P"


MODELS = {name: small(model) for name, model in Catalog().items() if model.provider != "local"}


class Client:
    """One connection to a running simulator."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.host = urlsplit(running.url).netloc
        self.connection = http.client.HTTPConnection(self.host, timeout=20)

    def raw(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        path = url.removeprefix(self.running.url)
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        except BaseException:
            self.connection.close()
            raise

    def json(self, method: str, url: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        sent = {"Authorization": "Bearer k", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        got, _, answer = self.raw(method, url, data, sent)
        assert got == status, answer
        return json.loads(answer)

    def upload(self, data: bytes, name: str = "mira.png", kind: str = "image/png") -> str:
        asked = {"filename": name, "size": len(data), "content_type": kind}
        ticket = self.json("POST", "/api/v3/media/uploads", asked)["data"]
        assert ticket["upload"]["method"] == "PUT"
        status, _, answer = self.raw("PUT", ticket["upload"]["url"], data, ticket["upload"]["headers"])
        assert status == 200, answer
        return str(ticket["download_url"])

    def submit(self, status: int = 200, **changed: Any) -> Any:
        return self.json("POST", R2V, r2v(**changed), status)["data"]

    def done(self, id_: str) -> Any:
        return until(lambda: self.json("GET", f"/api/v3/predictions/{id_}/result")["data"])

    def clip(self, url: str, to: Path) -> media.Probe:
        status, _, data = self.raw("GET", url)
        assert status == 200
        to.write_bytes(data)
        return media.probe(to)


def r2v(**changed: Any) -> dict[str, Any]:
    body = {
        "reference_urls": [PICTURE],
        "prompt": "character1 waves, slow dolly in",
        "size": "128*72",
        "duration": 1,
        "enable_audio": False,
        "seed": 7,
    }
    return {name: value for name, value in (body | changed).items() if value is not None}


def until(ask: Callable[[], Any], words: tuple[str, ...] = ("completed", "failed", "deleted")) -> Any:
    for _ in range(400):
        answer = ask()
        if answer["status"] in words:
            return answer
        time.sleep(0.02)
    raise AssertionError(answer)


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    path = tmp_path / "mira.png"
    Image.new("RGB", (90, 160), "teal").save(path)
    return path.read_bytes()


@pytest.fixture
def simulate(tools: Tools) -> Iterator[Callable[..., Client]]:
    with ExitStack() as stack:

        def start(*faults: Fault, **options: Any) -> Client:
            options = {"latency": 0, "faults": faults, **options}
            client = Client(stack.enter_context(Simulator(tools, MODELS, **options).serving()))
            stack.callback(client.connection.close)
            return client

        yield start


def test_wavespeed(simulate: Callable[..., Client], picture: bytes, tmp_path: Path) -> None:
    client = simulate()
    url = client.upload(picture)
    assert client.raw("GET", url)[2] == picture
    first = client.submit(reference_urls=[url])
    assert first["status"] in {"created", "processing"}
    assert (first["model"], first["outputs"], first["error"]) == ("alibaba/wan-2.6/reference-to-video-flash", [], "")
    done = client.done(first["id"])
    assert done["status"] == "completed"
    assert client.json("GET", f"/api/v3/predictions/{first['id']}")["data"] == done
    assert first["urls"]["get"] == f"{client.running.url}/api/v3/predictions/{first['id']}/result"
    clip = client.clip(done["outputs"][0], tmp_path / "clip.mp4")
    assert (clip.width, clip.height, clip.frames, clip.rate, clip.sound) == (128, 72, 24, 24, False)
    loud = client.done(client.submit(enable_audio=True)["id"])
    assert client.clip(loud["outputs"][0], tmp_path / "loud.mp4").sound
    priced = client.json("POST", "/api/v3/model/price", {"model_id": first["model"], "inputs": r2v()})["data"]
    assert (priced["price"], priced["currency"]) == (0.25, "USD")
    assert client.json("GET", "/api/v3/balance")["data"]["balance"] == 999.25
    assert client.json("DELETE", f"/api/v3/predictions/{first['id']}")["data"]["status"] == "deleted"
    client.json("GET", f"/api/v3/predictions/{first['id']}", status=404)
    assert client.raw("GET", done["outputs"][0])[0] == 404
    entries = client.running.ledger
    assert [entry.price for entry in entries] == [Decimal("0.25"), Decimal("0.50")]
    assert entries[0].request["reference_urls"] == [url]
    assert [entry.state for entry in entries] == ["completed", "completed"]


def test_image_to_video_keeps_the_shape_of_the_picture(
    simulate: Callable[..., Client], picture: bytes, tmp_path: Path
) -> None:
    client = simulate()
    body = {"image": client.upload(picture), "prompt": "wind", "resolution": "72p", "duration": 1}
    done = client.done(client.json("POST", I2V, body | {"enable_audio": False})["data"]["id"])
    clip = client.clip(done["outputs"][0], tmp_path / "clip.mp4")
    assert (clip.width, clip.height) == (720, 1280)


def test_a_video_stands_for_its_first_frame(simulate: Callable[..., Client], tiny_clip: Path, tmp_path: Path) -> None:
    client = simulate()
    url = client.upload(tiny_clip.read_bytes(), "tiny.mp4", "video/mp4")
    done = client.done(client.submit(reference_urls=[url])["id"])
    assert client.clip(done["outputs"][0], tmp_path / "clip.mp4").frames == 24
    body = {"image": url, "prompt": "wind", "resolution": "72p", "duration": 1, "enable_audio": False}
    assert "video" in client.json("POST", I2V, body, 400)["message"]


def test_list_and_billings(simulate: Callable[..., Client]) -> None:
    client = simulate(rule({"on": "submit", "do": "fail", "after": 1}))
    begun = time.time()
    ids = [client.submit(seed=n)["id"] for n in range(3)]
    for id_ in ids:
        client.done(id_)
    rows = client.json("POST", "/api/v3/predictions", {"page": 1, "page_size": 2})["data"]
    assert [row["id"] for row in rows["items"]] == [ids[2], ids[1]]
    assert rows["total"] == 3
    assert set(rows["items"][0]) == {"id", "model", "status", "created_at", "outputs", "error"}
    failed = client.json("POST", "/api/v3/predictions", {"status": "failed"})["data"]["items"]
    assert [row["id"] for row in failed] == [ids[1]]
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun + 60))
    assert client.json("POST", "/api/v3/predictions", {"created_after": later})["data"]["items"] == []
    assert len(client.json("POST", "/api/v3/predictions", {"created_before": later})["data"]["items"]) == 3
    client.json("POST", "/api/v3/predictions", {"page_size": 101}, 400)
    billed = client.json("POST", "/api/v3/billings/search", {"page": 1, "page_size": 10, "prediction_uuids": [ids[1]]})
    assert sorted(row["billing_type"] for row in billed["data"]["items"]) == ["deduct", "refund"]
    assert [entry.refunded for entry in client.running.ledger] == [False, True, False]


GATEWAY = {
    "ai_model_id": "alibaba/wan-v2.6-r2v-flash",
    "ai_gateway_protocol_version": "0.0.1",
    "ai_video_model_specification_version": "4",
}


def gateway(**changed: Any) -> dict[str, Any]:
    return {
        "prompt": "character1 waves",
        "n": 1,
        "resolution": "128x72",
        "duration": 1,
        "generateAudio": False,
        "providerOptions": {"alibaba": {"audio": False, "watermark": False}},
        "inputReferences": [{"type": "url", "url": PICTURE}],
    } | changed


def test_vercel(simulate: Callable[..., Client], tmp_path: Path) -> None:
    client = simulate()
    start, status = "/v4/ai/video-model/start", "/v4/ai/video-model/status"
    one = client.json("POST", start, gateway(), idempotency_key="a", **GATEWAY)
    assert client.json("POST", start, gateway(), idempotency_key="a", **GATEWAY)["operation"] == one["operation"]
    client.json("POST", start, gateway(prompt="else"), 409, idempotency_key="a", **GATEWAY)
    client.json("POST", start, gateway(), idempotency_key="b", **GATEWAY)
    assert len(client.running.ledger) == 2
    ask = {"operation": one["operation"]}
    done = until(lambda: client.json("POST", status, ask, **GATEWAY))
    assert done["videos"][0]["type"] == "url"
    assert not client.clip(done["videos"][0]["url"], tmp_path / "clip.mp4").sound
    client.json("POST", status, {"operation": {**one["operation"], "v": 2}}, 404, **GATEWAY)
    for name in GATEWAY:
        left = {key: value for key, value in GATEWAY.items() if key != name}
        said = client.json("POST", start, gateway(), 400, **left)["error"]
        assert said["type"] == "invalid_request_error"
        assert name.replace("_", "-") in said["message"]
    unknown = GATEWAY | {"ai_model_id": "alibaba/none"}
    assert client.json("POST", start, gateway(), 404, **unknown)["error"]["type"] == "model_not_found"


def test_two_starts_at_once_under_one_key_are_one_job(simulate: Callable[..., Client]) -> None:
    client = simulate(latency=9)

    def start(_: int) -> str:
        one = Client(client.running)
        try:
            answer = one.json("POST", "/v4/ai/video-model/start", gateway(), idempotency_key="a", **GATEWAY)
            return json.dumps(answer["operation"])
        finally:
            one.connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(start, range(16)))) == 1
    assert len(client.running.ledger) == 1


def test_the_end_leaves_nothing_behind(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = set(threading.enumerate())
    hang = rule({"on": "poll", "do": "hang", "seconds": 60})
    with Simulator(tools, dict(Catalog()), latency=0, faults=[hang]).serving() as running:
        client = Client(running)
        id_ = client.submit(size="1920*1080", duration=10)["id"]  # a minute's work, under way

        def poll() -> None:
            with pytest.raises(ConnectionError):
                client.done(id_)

        polling = threading.Thread(target=poll)
        polling.start()
        assert list(tmp_path.iterdir())
        time.sleep(0.2)
    polling.join(5)
    assert not polling.is_alive()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        client.raw("GET", R2V)


def test_aimlapi(simulate: Callable[..., Client], tmp_path: Path) -> None:
    client = simulate()
    route = "/v2/video/generations"
    body = {"model": "alibaba/wan-2-6-r2v", "prompt": "character1 waves", "video_urls": ["https://v.example/a.mp4"]}
    body |= {"resolution": "72p", "aspect_ratio": "16:9", "duration": 1, "enhance_prompt": False}
    sent = client.json("POST", route, body, 201)
    assert ":" in sent["id"]
    assert sent["meta"]["usage"]["credits_used"] > 0
    done = until(lambda: client.json("GET", f"{route}?generation_id={quote(sent['id'], safe='')}"))
    assert client.clip(done["video"]["url"], tmp_path / "clip.mp4").frames == 24
    said = client.json("POST", route, body | {"duration": 7}, 400)
    assert "duration" in said["message"]
    assert set(said) == {"message", "path", "requestId", "statusCode", "timestamp"}
    client.json("POST", route, body | {"model": "none"}, 404)
    client.json("GET", f"{route}?generation_id=none", status=404)


def form(fields: dict[str, str], data: bytes) -> tuple[bytes, dict[str, str]]:
    parts = [f'--B\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    file = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + data + b"\r\n--B--\r\n"
    return b"".join(parts) + file, {"Content-Type": "multipart/form-data; boundary=B"}


def test_dashscope(simulate: Callable[..., Client], picture: bytes, tmp_path: Path) -> None:
    client = simulate(latency=0.3)
    policy = client.json("GET", "/api/v1/uploads?action=getPolicy&model=wan2.6-r2v-flash")["data"]
    key = f"{policy['upload_dir']}/mira.png"
    fields = {"key": key, "policy": policy["policy"], "OSSAccessKeyId": policy["oss_access_key_id"]}
    fields |= {"Signature": policy["signature"], "success_action_status": "200"}
    fields |= {"x-oss-object-acl": "private", "x-oss-forbid-overwrite": "true"}
    assert client.raw("POST", policy["upload_host"], *form(fields | {"Signature": "no"}, picture))[0] == 403
    assert client.raw("POST", policy["upload_host"], *form(fields, picture))[0] == 200
    route = "/api/v1/services/aigc/video-generation/video-synthesis"
    body = {
        "model": "wan2.6-r2v-flash",
        "input": {"prompt": "character1 waves", "reference_urls": [f"oss://{key}"]},
        "parameters": {"size": "128*72", "duration": 1, "audio": False, "seed": 7},
    }
    asynchronous, resolving = {"X_DashScope_Async": "enable"}, {"X_DashScope_OssResourceResolve": "enable"}
    assert client.json("POST", route, body, 403)["code"] == "AccessDenied"
    said = client.json("POST", route, body, 400, **asynchronous)
    assert (said["code"], "OssResourceResolve" in said["message"]) == ("InvalidParameter", True)
    task = client.json("POST", route, body, **asynchronous, **resolving)["output"]
    assert task["task_status"] == "PENDING"
    assert client.json("POST", f"/api/v1/tasks/{task['task_id']}/cancel")["request_id"]
    assert client.json("GET", f"/api/v1/tasks/{task['task_id']}")["output"]["task_status"] == "CANCELED"
    task = client.json("POST", route, body, **asynchronous, **resolving)["output"]

    def ask() -> Any:
        output = client.json("GET", f"/api/v1/tasks/{task['task_id']}")["output"]
        return output | {"status": output["task_status"]}

    done = until(ask, ("SUCCEEDED",))
    assert client.clip(done["video_url"], tmp_path / "clip.mp4").frames == 24
    client.json("POST", f"/api/v1/tasks/{task['task_id']}/cancel", status=400)
    assert client.json("GET", "/api/v1/tasks/none")["output"]["task_status"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"duration": 7}, "duration"),
        ({"duration": "1"}, "duration"),
        ({"size": "1280x720"}, "size"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"resolution": "720p"}, "resolution"),
        ({"model": "x"}, "model"),
        ({"seed": 2147483648}, "seed"),
        ({"enable_audio": "no"}, "enable_audio"),
        ({"shot_type": "double"}, "shot_type"),
        ({"reference_urls": []}, "reference_urls"),
        ({"reference_urls": [PICTURE] * 6}, "reference_urls"),
        ({"reference_urls": ["http://pictures.example/a.png"]}, "media URL not accessible"),
        ({"reference_urls": ["http://127.0.0.1:1/uploads/a/a.png"]}, "media URL not accessible"),
        ({"reference_urls": ["sha256:abc"]}, "media URL not accessible"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    simulate: Callable[..., Client], changed: dict[str, Any], named: str
) -> None:
    client = simulate()
    said = client.json("POST", R2V, r2v(**changed), 400)
    assert (said["code"], said["data"]) == (400, None)
    assert named in said["message"]
    assert client.running.ledger == []


def test_keys_methods_and_routes(simulate: Callable[..., Client]) -> None:
    client = simulate()
    for path, shape in [
        (R2V, "code"),
        ("/v4/ai/video-model/start", "error"),
        ("/v2/video/generations", "statusCode"),
        ("/api/v1/services/aigc/video-generation/video-synthesis", "request_id"),
    ]:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Key k"}):
            status, _, body = client.raw("POST", path, b"{}", headers)
            assert status == 401
            assert shape in json.loads(body)
        assert client.raw("PATCH", path, b"{}", {"Authorization": "Bearer k"})[0] == 405
    for path in ("/", "/api/v9/x", "/v4/ai/video-model", "/v2/x", "/api/v1/x", "/outputs/x/1.mp4"):
        assert client.raw("GET", path, None, {"Authorization": "Bearer k"})[0] == 404
    client.json("POST", "/api/v3/alibaba/none", r2v(), 404)
    client.json("GET", "/api/v3/predictions/none/result", status=404)
    status, _, body = client.raw("POST", R2V, b"[1]", {"Authorization": "Bearer k"})
    assert (status, "object" in json.loads(body)["message"]) == (400, True)
    assert client.raw("POST", R2V, bytes((64 << 20) + 1), {"Authorization": "Bearer k"})[0] == 413


def test_uploads_are_checked(simulate: Callable[..., Client], picture: bytes) -> None:
    client = simulate()
    ask = {"filename": "a.png", "size": len(picture), "content_type": "image/png"}
    upload = client.json("POST", "/api/v3/media/uploads", ask)["data"]["upload"]
    assert client.raw("PUT", upload["url"], picture[:-1], upload["headers"])[0] == 400
    assert client.raw("PUT", upload["url"], b"x" * len(picture), upload["headers"])[0] == 400
    assert client.raw("PUT", upload["url"], picture, {"Content-Type": "image/jpeg"})[0] == 403
    assert client.raw("PUT", upload["url"], picture, upload["headers"] | {"Authorization": "Bearer k"})[0] == 400
    assert client.raw("PUT", upload["url"].partition("?")[0], picture, upload["headers"])[0] == 403
    client.json("POST", "/api/v3/media/uploads", {"filename": "a.png"}, 400)


def test_outputs_resume_and_expire(simulate: Callable[..., Client]) -> None:
    clock = [1_800_000_000.0]
    client = simulate(rule({"on": "output", "do": "cut"}), rule({"on": "output", "do": "expire"}), now=lambda: clock[0])
    id_ = client.submit()["id"]
    url = client.done(id_)["outputs"][0]
    with pytest.raises(http.client.IncompleteRead) as broken:
        client.raw("GET", url)
    half = broken.value.partial
    assert client.raw("GET", url)[0] == 403
    assert client.raw("GET", url)[0] == 403
    assert client.done(id_)["outputs"] == [url]
    status, headers, rest = client.raw("GET", url, None, {"Range": f"bytes={len(half)}-"})
    assert (status, headers["content-range"].partition("-")[0]) == (206, f"bytes {len(half)}")
    status, headers, whole = client.raw("GET", url)
    assert (status, whole) == (200, half + rest)
    status, headers, body = client.raw("HEAD", url)
    assert (status, headers["content-length"], body) == (200, str(len(whole)), b"")
    assert client.raw("GET", url, None, {"Range": "bytes=-4"})[2] == whole[-4:]
    assert client.raw("GET", url, None, {"Range": f"bytes={len(whole)}-"})[0] == 416
    assert client.raw("GET", url, None, {"Range": "bytes=4-", "If-Range": '"other"'})[0] == 200
    assert client.raw("GET", url.replace("Expires=", "Expires=9"))[0] == 403
    clock[0] += 7 * 86400 + 5
    assert client.raw("GET", url)[0] == 403
    client.json("GET", f"/api/v3/predictions/{id_}/result", status=404)


def test_a_status_is_answered_once_and_nothing_is_bought(simulate: Callable[..., Client]) -> None:
    client = simulate(
        rule({"on": "submit", "do": "status", "status": 503, "body": "busy", "retry_after": 2}),
        rule({"on": "submit", "do": "status", "status": 504, "accepted": True}),
        rule({"on": "submit", "do": "html"}),
    )
    body = json.dumps(r2v()).encode()
    key = {"Authorization": "Bearer k"}
    status, headers, text = client.raw("POST", R2V, body, key)
    assert (status, headers["retry-after"], text) == (503, "2", b"busy")
    assert client.running.ledger == []
    status, _, text = client.raw("POST", R2V, body, key)
    assert (status, json.loads(text)["code"], len(client.running.ledger)) == (504, 504, 1)
    status, headers, text = client.raw("POST", R2V, body, key)
    assert (status, headers["content-type"], len(client.running.ledger)) == (200, "text/html", 1)
    client.submit()
    assert [(seen.path, seen.status) for seen in client.running.requests] == [(R2V, 503), (R2V, 504)] + [(R2V, 200)] * 2


@pytest.mark.parametrize(("do", "bought"), [("drop", 1), ("refuse", 0)])
def test_a_lost_answer(simulate: Callable[..., Client], do: str, bought: int) -> None:
    client = simulate(rule({"on": "submit", "do": do, "model": "reference-to-video", "prompt": "waves"}))
    client.json("GET", "/api/v3/balance")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        client.submit()
    assert len(client.running.ledger) == bought
    assert client.running.requests[-1].status == 0
    client.submit()


def test_answers_that_break_off_or_say_nothing(simulate: Callable[..., Client]) -> None:
    names = ("reset", "cut", "no_id", "mistyped")
    client = simulate(*(rule({"on": "submit", "do": name}) for name in names), latency=9)
    with pytest.raises(ConnectionResetError):
        client.submit()
    with pytest.raises(http.client.IncompleteRead) as broken:
        client.submit()
    assert broken.value.partial.startswith(b'{"code": 200')
    body, key = json.dumps(r2v()).encode(), {"Authorization": "Bearer k"}
    status, _, answer = client.raw("POST", R2V, body, key)
    assert (status, answer) == (200, b"{}")
    status, headers, answer = client.raw("POST", R2V, body, key)
    assert (status, headers["content-type"]) == (200, "text/html")
    assert len(client.running.ledger) == 4
    assert json.loads(answer)["data"]["id"] == client.running.ledger[-1].id


def test_answers_without_end_and_larger_than_they_look(simulate: Callable[..., Client]) -> None:
    client = simulate(
        rule({"on": "submit", "do": "bomb"}),
        rule({"on": "submit", "do": "endless"}),
        rule({"on": "submit", "do": "endless", "seconds": 0.001}),
        latency=9,
    )
    body, key = json.dumps(r2v()).encode(), {"Authorization": "Bearer k"}
    status, headers, packed = client.raw("POST", R2V, body, key)
    assert (status, headers["content-encoding"], len(packed) < 4 << 20) == (200, "gzip", True)
    unpacked = zlib.decompressobj(wbits=31)
    assert len(unpacked.decompress(packed, 257 << 20)) == 257 << 20
    for expected in (8 << 20, 800):
        one = Client(client.running)
        one.connection.request("POST", R2V, body, key)
        answer = one.connection.getresponse()
        assert answer.getheader("content-length") is None
        assert json.loads(answer.read(expected))["code"] == 200
        one.connection.close()
    assert len(client.running.ledger) == 3


def test_a_status_may_be_a_success_and_have_headers_of_its_own(simulate: Callable[..., Client]) -> None:
    moved = {"Location": "https://elsewhere.example/", "Content-Type": "text/odd"}
    client = simulate(
        rule({"on": "submit", "do": "status", "status": 307, "headers": moved}),
        rule({"on": "submit", "do": "status", "status": 200, "body": "null"}),
    )
    body, key = json.dumps(r2v()).encode(), {"Authorization": "Bearer k"}
    status, headers, _ = client.raw("POST", R2V, body, key)
    assert (status, headers["location"], headers["content-type"]) == (307, *moved.values())
    status, _, answer = client.raw("POST", R2V, body, key)
    assert (status, answer, client.running.ledger) == (200, b"null", [])


def test_trouble_with_one_upload_by_its_file_name(simulate: Callable[..., Client], picture: bytes) -> None:
    client = simulate(
        rule({"on": "upload", "do": "status", "status": 503, "prompt": "juno"}),
        rule({"on": "put", "do": "status", "status": 500, "prompt": "zoe"}),
    )
    client.upload(picture)
    ask = {"filename": "juno.png", "size": len(picture), "content_type": "image/png"}
    client.json("POST", "/api/v3/media/uploads", ask, 503)
    ticket = client.json("POST", "/api/v3/media/uploads", ask | {"filename": "zoe.png"})["data"]["upload"]
    assert client.raw("PUT", ticket["url"], picture, ticket["headers"])[0] == 500


def test_answers_and_jobs_are_dated_by_one_clock_and_bills_name_the_key(simulate: Callable[..., Client]) -> None:
    client = simulate(now=lambda: 1_800_000_000.0)
    client.submit()
    client.json("POST", R2V, r2v(), Authorization="Bearer another")
    status, headers, body = client.raw("POST", "/api/v3/billings/search", b"{}", {"Authorization": "Bearer k"})
    assert (status, headers["date"]) == (200, "Fri, 15 Jan 2027 08:00:00 GMT")
    names = [row["access_key_name"] for row in json.loads(body)["data"]["items"]]
    assert len(set(names)) == 2
    assert "another" not in str(names)


def test_late_and_cut_off_answers(simulate: Callable[..., Client]) -> None:
    client = simulate(
        rule({"on": "submit", "do": "hang", "seconds": 0.2}), rule({"on": "submit", "do": "garbage"}), latency=9
    )
    begun = time.monotonic()
    client.submit()
    assert time.monotonic() - begun >= 0.2
    status, _, body = client.raw("POST", R2V, json.dumps(r2v()).encode(), {"Authorization": "Bearer k"})
    assert status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert len(client.running.ledger) == 2


@pytest.mark.parametrize(
    ("fault", "status", "error", "refunded"),
    [
        ({"on": "submit", "do": "fail", "message": "no GPU", "code": 5003}, "failed", "no GPU", True),
        ({"on": "poll", "do": "fail", "message": "no GPU"}, "failed", "no GPU", True),
        ({"on": "submit", "do": "moderate", "what": "reference image"}, "failed", "reference image", False),
        ({"on": "submit", "do": "empty"}, "completed", "", False),
        ({"on": "poll", "do": "empty", "times": 0}, "completed", "", False),
    ],
)
def test_jobs_that_end_badly(
    simulate: Callable[..., Client], fault: dict[str, Any], status: str, error: str, refunded: bool
) -> None:
    client = simulate(rule(fault))
    done = client.done(client.submit()["id"])
    assert (done["status"], done["outputs"]) == (status, [])
    assert error in done["error"]
    if status == "failed":
        assert done["code"] == fault.get("code", 1200 if "what" in fault else 1403)
    (entry,) = client.running.ledger
    assert (entry.state, entry.refunded) == (status, refunded)


def test_outputs_that_are_not_as_asked(simulate: Callable[..., Client], tmp_path: Path) -> None:
    names = ("two", "silent", "short", "not_video")
    client = simulate(*(rule({"on": "submit", "do": name}) for name in names))
    two, silent, short, page = [client.done(client.submit(enable_audio=True)["id"])["outputs"] for _ in names]
    assert len(two) == 2
    assert [client.clip(url, tmp_path / "two.mp4").sound for url in two] == [True, True]
    assert not client.clip(silent[0], tmp_path / "silent.mp4").sound
    assert client.clip(short[0], tmp_path / "short.mp4").frames == 12
    assert client.raw("GET", page[0])[2].startswith(b"<!doctype html>")


def test_words_and_types_nobody_knows(simulate: Callable[..., Client]) -> None:
    client = simulate(
        rule({"on": "poll", "do": "status_word", "word": "dreaming", "times": 2}),
        rule({"on": "poll", "do": "wrong_type"}),
        rule({"on": "price", "do": "price", "price": "9.99"}),
    )
    id_ = client.submit()["id"]
    said = [client.json("GET", f"/api/v3/predictions/{id_}/result")["data"] for _ in range(3)]
    assert [data["status"] for data in said] == ["dreaming", "dreaming", "completed"]
    assert isinstance(said[2]["outputs"], dict)
    assert client.done(id_)["outputs"]
    inputs = {"model_id": "alibaba/wan-2.6/reference-to-video-flash", "inputs": r2v()}
    assert client.json("POST", "/api/v3/model/price", inputs)["data"]["price"] == 9.99


def test_limits(simulate: Callable[..., Client]) -> None:
    clock = [1_800_000_000.0]
    client = simulate(latency=10, limits={"wavespeed": (1, 3)}, now=lambda: clock[0])
    ids = [client.submit()["id"] for _ in range(3)]
    status, headers, _ = client.raw("POST", R2V, json.dumps(r2v()).encode(), {"Authorization": "Bearer k"})
    assert (status, headers["retry-after"]) == (429, "60")

    def states() -> list[str]:
        return [entry.state for entry in client.running.ledger]

    clock[0] += 5
    assert states() == ["running", "queued", "queued"]
    clock[0] += 6
    until(lambda: {"status": states()[0]})
    clock[0] += 3
    assert states() == ["completed", "running", "queued"]
    clock[0] += 60

    def later() -> Any:  # a clip that is rendered late ends late, and so begins the next
        clock[0] += 1
        return client.json("GET", f"/api/v3/predictions/{ids[2]}/result")["data"]

    assert until(later)["status"] == "completed"
    assert states() == ["completed"] * 3
    client.submit()


def test_latency_is_drawn_from_the_seed_and_divided_by_speed(tools: Tools) -> None:
    def drawn(seed: int) -> list[float]:
        with Simulator(tools, MODELS, speed=1000, seed=seed).serving() as running:
            client = Client(running)
            ids = [client.submit()["id"] for _ in range(2)]
            assert all(client.done(id_)["status"] == "completed" for id_ in ids)
            client.connection.close()
            return [entry.latency for entry in running.ledger]

    first = drawn(1)
    assert all(0.7 * 60 <= latency <= 1.5 * 60 for latency in first)
    assert first[0] != first[1]
    assert drawn(1) == first
    assert drawn(2) != first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "isn't JSON"),
        ("{}", "isn't a list"),
        ("[1]", "rule 1 isn't an object"),
        ('[{"on": "submit", "do": "explode"}]', "rule 1: 'do' is one of"),
        ('[{"on": "lunch", "do": "drop"}]', "rule 1: 'on' is one of"),
        ('[{"on": "poll", "do": "drop"}, {"on": "poll", "do": "expire"}]', "rule 2: 'expire' happens on output"),
        ('[{"on": "poll", "do": "no_id"}]', "'no_id' happens on submit"),
        ('[{"on": "poll", "do": "status", "status": 302, "headers": {"Location": 7}}]', "is an object of texts"),
        ('[{"on": "poll", "do": "cut", "headers": {}}]', "takes no 'headers'"),
        ('[{"on": "poll", "do": "status"}]', "needs 'status'"),
        ('[{"on": "poll", "do": "status", "status": "503"}]', "is an HTTP status"),
        ('[{"on": "poll", "do": "drop", "status": 503}]', "takes no 'status'"),
        ('[{"on": "poll", "do": "drop", "times": -1}]', "'times' is a whole number"),
        ('[{"on": "price", "do": "price", "price": 1.5}]', "dollars as text"),
    ],
)
def test_a_script_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        load_faults(path)


def test_a_script(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('[{"on": "submit", "do": "drop", "provider": "vercel", "after": 2, "times": 0}]')
    assert load_faults(path) == (Fault("submit", "drop", provider="vercel", after=2, times=0),)


def command(*arguments: str) -> list[str]:
    code = "from storyboard.cli.simulator import command; command()"
    return [sys.executable, "-c", code, *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), check=False, cwd=ROOT, capture_output=True, text=True)


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    process = subprocess.Popen(command("--latency", "0"), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _ in range(8)]
        environment = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        url = environment["WAVESPEED_BASE_URL"]
        assert environment["AI_GATEWAY_BASE_URL"] == f"{url}/v4/ai"
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        body = json.dumps(r2v(size="1280*720", duration=5))
        connection.request("POST", R2V, body, {"Authorization": f"Bearer {environment['WAVESPEED_API_KEY']}"})
        assert connection.getresponse().status == 200
        connection.close()
        taken = run("--port", url.rpartition(":")[2])
        assert (taken.returncode, "can't be used" in taken.stderr) == (2, True)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    finally:
        process.kill()
    assert process.returncode == 0
    assert f"submit         {R2V}  200" in out
    assert out.splitlines()[-1] == "ledger         1 jobs, $0.25"
    (tmp_path / "bad.json").write_text("[7]")
    wrong = run("--faults", str(tmp_path / "bad.json"))
    assert (wrong.returncode, "rule 1 isn't an object" in wrong.stderr) == (2, True)
