"""The certificates that every connection trusts, read once: reading them takes a tenth of a second."""

import ssl
from functools import cache

import httpx


@cache
def context() -> ssl.SSLContext:
    """httpx's own, which follows SSL_CERT_FILE and SSL_CERT_DIR."""
    return httpx.create_ssl_context()
