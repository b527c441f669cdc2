"""How a clip, or all of them, can't be had."""


class Unconfigured(Exception):
    """A provider can't be used as things stand: no client, no key, or a base URL that isn't safe."""


class ClipFailed(Exception):
    """One clip could not be made; the message says why, in words for the author.

    `accepted` tells that a service had taken the job, so that its price stays booked.
    """

    def __init__(self, message: str, *, accepted: bool = False) -> None:
        super().__init__(message)
        self.accepted = accepted


class ClipHeld(ClipFailed):
    """A clip may have been bought, and can't be had: it must not be bought again unasked."""
