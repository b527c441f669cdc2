"""Who we are to a remote: from the environment, and in no message."""

import base64
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import httpx

from storyboard.remote import Unreachable

USER, PASSWORD, TOKEN = "STORYBOARD_REMOTE_USER", "STORYBOARD_REMOTE_PASSWORD", "STORYBOARD_REMOTE_TOKEN"
CERT, KEY, CA = "STORYBOARD_REMOTE_CERT", "STORYBOARD_REMOTE_KEY", "STORYBOARD_REMOTE_CA"
SECRET = 4
"""Characters of the shortest secret that is masked; a shorter one could be any word."""


class Credentials:
    """What the environment holds for a server.

    Attributes:
        header: What stands in `Authorization`, "" for nothing.
        named: The variables that it comes from, for people.

    Raises:
        Unreachable: they contradict each other, or lack a part.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        user, password, token = (environment.get(name, "").strip() for name in (USER, PASSWORD, TOKEN))
        if token and (user or password):
            raise Unreachable(f"{TOKEN} and {USER} exclude each other: unset one of them")
        if bool(user) != bool(password):
            raise Unreachable(f"{USER} and {PASSWORD} go together: {PASSWORD if user else USER} is missing")
        if ":" in user:
            raise Unreachable(f"{USER} holds a colon, which no user's name does")
        if not (token.isascii() and (token.isprintable() and " " not in token)):
            raise Unreachable(f"{TOKEN} holds characters that no token has")
        self.header, self.named = "", ""
        self._secrets = {secret for secret in (password, token) if len(secret) >= SECRET}
        if token:
            self.header, self.named = f"Bearer {token}", TOKEN
        elif user:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            self.header, self.named = f"Basic {pair}", f"{USER} and {PASSWORD}"
            self._secrets.add(pair)
        self._environment = environment
        self._cert, self._key = (environment.get(name, "").strip() for name in (CERT, KEY))
        if self._key and not self._cert:
            raise Unreachable(f"{KEY} needs {CERT}, the certificate that it belongs to")
        if self._cert and not self.named:
            self.named = CERT

    def masked(self, text: str) -> str:
        """`text` without secrets, and then at most 300 characters."""
        for secret in self._secrets:
            for form in (secret, quote(secret, safe="")):
                text = text.replace(form, "***")
        return text[:300]

    def tls(self) -> ssl.SSLContext | None:
        """A context with the user's own certificates; None where there are none.

        Raises:
            Unreachable: a file can't be used.
        """
        tls = trusting(self._environment, CA)
        if not self._cert:
            return tls
        tls = tls or httpx.create_ssl_context()
        try:
            tls.load_cert_chain(self._cert, self._key or None, password="")  # so that none is asked for
        except (OSError, ValueError) as error:
            for name, path in ((CERT, self._cert), (KEY, self._key)):
                if path and not Path(path).is_file():
                    raise Unreachable(f"{name} names {path}, which isn't a file") from error
            place = f"{self._cert} with {self._key}" if self._key else self._cert
            raise Unreachable(f"{CERT} names {place}, which {_why(error, 'certificate and its open key')}") from error
        return tls


def trusting(environment: Mapping[str, str], *names: str) -> ssl.SSLContext | None:
    """A context of one's own that trusts the CA too that the first set of these variables names; None without one.

    Raises:
        Unreachable: its file can't be used.
    """
    for name in names:
        if path := environment.get(name, "").strip():
            tls = httpx.create_ssl_context()
            try:
                tls.load_verify_locations(path)
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
                raise Unreachable(f"{name} names {path}, which {_why(error, 'certificate')}") from error
            return tls
    return None


def _why(error: OSError | ValueError, what: str) -> str:
    if isinstance(error, ssl.SSLError) or not isinstance(error, OSError):
        return f"isn't a {what} in PEM form"
    return f"can't be read: {(error.strerror or 'no such file').lower()}"
