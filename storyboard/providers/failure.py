"""How a clip, or all of them, can't be had."""


class Unconfigured(Exception):
    """A provider can't be used as things stand: no client, no key, or a base URL that isn't safe."""


class ClipFailed(Exception):
    """One clip could not be made; the message says why, in words for the author.

    `accepted` tells that a service had taken the job, so that its price stays booked; `moderated` that its text or
    references stand in the way, and will again; `unsent` that no connection was made.
    """

    def __init__(self, message: str, *, accepted: bool = False, moderated: bool = False, unsent: bool = False) -> None:
        super().__init__(message)
        self.accepted = accepted
        self.moderated = moderated
        self.unsent = unsent


class ClipHeld(ClipFailed):
    """A clip may have been bought, and can't be had now: it must not be bought again unasked.

    `gone` tells that the service no longer knows it, so that asking again is of no use.
    """

    def __init__(self, message: str, *, accepted: bool = False, gone: bool = False) -> None:
        super().__init__(message, accepted=accepted)
        self.gone = gone
