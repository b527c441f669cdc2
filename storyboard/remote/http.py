"""A server of the Bazel HTTP cache protocol: `GET`, `HEAD` and `PUT` of `/ac/<64 hex>` and `/cas/<64 hex>`.

The protocol: https://bazel.build/remote/caching#http-caching. A `PUT` there replaces what was, so nothing is created
for one alone.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from storyboard.remote import ReadOnly, Unreachable
from storyboard.remote.chosen import on_loopback
from storyboard.remote.credentials import PASSWORD, TOKEN, USER, Credentials
from storyboard.remote.transport import Tools, Transport


class Server(Transport):
    """A remote behind HTTP.

    Raises:
        Unreachable: the credentials of the environment can't be used.
    """

    def __init__(self, url: str, environment: Mapping[str, str], tools: Tools) -> None:
        self._credentials = Credentials(environment)
        loopback = on_loopback(urlsplit(url).hostname or "")
        super().__init__(url, tools, self._credentials.tls(), loopback=loopback)

    async def place(self, method: str, name: str) -> tuple[str, Mapping[str, str]]:
        """See `Transport`."""
        header = self._credentials.header
        return f"{self.shown}/{name}", {"Authorization": header} if header else {}

    def masked(self, text: str) -> str:
        """`text` without any credentials."""
        return self._credentials.masked(super().masked(text))

    async def refuse(self, answer: httpx.Response, method: str, name: str) -> None:
        """See `Transport`. What a server says in words isn't shown: it may repeat what it was sent."""
        status, named = answer.status_code, self._credentials.named
        refused = f"doesn't take what {named} holds" if named else "lets nobody in without credentials"
        where = "" if named else f": set {USER} and {PASSWORD}, or {TOKEN}"
        if method == "PUT" and status in {403, 405, 501}:
            raise ReadOnly(f"{self.shown} takes nothing from here, it only lets itself be read ({status})")
        if method == "PUT" and status == 401:
            raise ReadOnly(f"{self.shown} takes nothing from here: it {refused} (401){where}")
        if status in {401, 403}:
            raise Unreachable(f"{self.shown} {refused} ({status}){where}")
        if status == 507:
            raise ReadOnly(f"{self.shown} is full (507)")
        if method == "PUT" and status == 400 and name.startswith("ac/"):
            raise ReadOnly(f"{self.shown} refuses records (400): a bazel-remote needs --disable_http_ac_validation")
        if method == "PUT" and status in {400, 413}:
            raise ReadOnly(f"{self.shown} refuses {name} ({status}): it may be larger than is allowed there")
