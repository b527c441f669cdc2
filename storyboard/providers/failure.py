"""How a clip fails."""


class ClipFailed(Exception):
    """One clip could not be made; the message says why, in words for the author."""
