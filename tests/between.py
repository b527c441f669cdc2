"""A server that stands before another, and spoils what it is told to."""

from collections.abc import Callable, Collection
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

Order = str | int | Callable[[], object]


class Between:
    """Stands before a service, and does as it is told with one request after the other: pass it on, or `lose` the
    answer to it, answer a status instead, redirect it, or `ignore` that it is conditional. Requests by the methods that
    it `refuses` get 403. An order that can be called is, before the request is passed on.
    """

    def __init__(self, service: str, *orders: Order, refuses: Collection[str] = ()) -> None:
        self.orders = list(orders)
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        between = self
        target = urlsplit(service).netloc

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = dict(self.headers.items())
                between.asked.append((self.command, self.path, headers))
                order = between.orders.pop(0) if between.orders else ""
                if callable(order):
                    order()
                    order = ""
                if self.command in refuses:
                    order = 403
                status, given = (order, {}) if isinstance(order, int) else (0, {})
                if isinstance(order, str) and order.startswith("http"):
                    status, given = 307, {"Location": order + self.path}
                data = b""
                if order == "ignore":
                    headers.pop("If-None-Match", None)
                if not status:
                    connection = HTTPConnection(target, timeout=30)
                    connection.request(self.command, self.path, body, headers)
                    answer = connection.getresponse()
                    status, data = answer.status, answer.read()
                    given = {name: value for name in ("ETag",) if (value := answer.getheader(name))}
                    connection.close()
                if order == "lose":
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in given.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            do_HEAD = do_PUT = do_DELETE = do_GET  # noqa: N815 -- as http.server calls them

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
