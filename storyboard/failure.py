"""How the journal can fail; apart from it, as who only catches these needs no database."""


class Unreadable(Exception):
    """The journal is damaged, or of a version that isn't known here; nothing may be bought without it."""


class Unwritable(OSError):
    """A change could not be written; what it was to precede must not happen."""
