"""Files handed over by clients: where they may be put, and what stands for them in a request."""

import re
import secrets
import threading
from pathlib import Path
from urllib.parse import quote

from storyboard.simulator.message import Answer, Refused, Request, require_method
from storyboard.sniff import NEEDED, is_image, is_video, sniff


class Shelf:
    """Uploaded files by the reference that names them, `http://…/uploads/…` or `oss://…`."""

    def __init__(self, folder: Path) -> None:
        self.base = ""
        self._folder = folder
        self._lock = threading.Lock()
        self._tickets: dict[str, tuple[str, int, str]] = {}
        self._policies: dict[str, str] = {}
        self._files: dict[str, Path] = {}

    def ticket(self, filename: str, size: int, media: str) -> tuple[str, str]:
        """Where to PUT a file's bytes, and the URL that stands for them."""
        token = secrets.token_hex(16)
        name = re.sub(r"[^A-Za-z0-9._-]", "_", filename)[-80:] or "file"
        with self._lock:
            self._tickets[token] = (f"{self.base}/uploads/{token}/{quote(name)}", size, media)
        return f"{self.base}/signed/{token}?signature={secrets.token_hex(8)}", self._tickets[token][0]

    def named(self, path: str) -> str:
        """The URL of the file that is to be PUT at a path; "" where none is."""
        return self._tickets.get(path.removeprefix("/signed/"), ("",))[0]

    def policy(self) -> tuple[str, str]:
        """A signature for the form, and the folder that its keys start with."""
        signature, folder = secrets.token_urlsafe(20), f"dashscope-instant/{secrets.token_hex(8)}"
        with self._lock:
            self._policies[signature] = folder
        return signature, folder

    def folder_of(self, signature: str) -> str | None:
        """The folder that a signature is good for."""
        return self._policies.get(signature)

    def find(self, reference: str) -> Path | None:
        """The file that a reference names; None where nothing was uploaded under it."""
        return self._files.get(reference)

    def keep(self, reference: str, data: bytes) -> None:
        """Keep a file's bytes.

        Raises:
            Refused: they are no picture or video.
        """
        kind = sniff(data[:NEEDED])
        if not is_image(kind) and not is_video(kind):
            raise Refused(400, "file: it is no PNG, JPEG, WebP or MP4 by its bytes")
        path = self._folder / secrets.token_hex(8)
        path.write_bytes(data)
        with self._lock:
            self._files[reference] = path

    def put(self, request: Request) -> Answer:
        """The signed PUT: no key, the token in the URL is enough."""
        require_method(request, "PUT")
        found = self._tickets.get(request.path.removeprefix("/signed/"))
        if found is None or "signature" not in request.query:
            raise Refused(403, "this upload URL isn't signed")
        if "authorization" in request.headers:
            raise Refused(400, "only one auth mechanism is allowed: a signed URL takes no Authorization header")
        url, size, media = found
        if len(request.body) != size:
            raise Refused(400, f"size: {len(request.body)} bytes came, {size} were announced")
        sent = request.headers.get("content-type", media)
        if media and sent != media:
            raise Refused(403, f"Content-Type: signed for {media}, not {sent}")
        seen = sniff(request.body[:NEEDED])
        if (is_image(media) or is_video(media)) and seen and seen != media:
            raise Refused(400, f"content_type: {media} was announced, the bytes are {seen}")
        self.keep(url, request.body)
        return Answer(200, media="text/plain")

    def get(self, request: Request) -> Answer:
        """An uploaded file, as a model fetches it."""
        require_method(request, "GET", "HEAD")
        path = self.find(self.base + request.path)
        if path is None:
            raise Refused(404, "there is no such file")
        data = path.read_bytes()
        return Answer(200, data, sniff(data[:NEEDED]))
