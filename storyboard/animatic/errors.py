"""The one exception of this package."""


class RenderError(Exception):
    """A clip cannot be made; the message says why, in words for the film's author."""
