"""A compiler and build system for films.

    storyboard.yaml -> source tree with positions -> model -> rules -> jobs (per shot, per pass)
       -> plan (what is cached or made; why; at what price) -> clips -> timeline -> cut

Each stage is a module named for it, and imports only from the layers below; `pyproject.toml` lists them.
"""

from typing import TYPE_CHECKING, Any

from storyboard.version import __version__

if TYPE_CHECKING:
    from storyboard.compiler import Project, check, load
    from storyboard.diagnostic import Diagnostic, Rejected

__all__ = ["Diagnostic", "Project", "Rejected", "__version__", "check", "load"]


def __getattr__(name: str) -> Any:
    # Imported when first used, so that `storyboard --version` and shell completion stay instant.
    if name in {"Project", "check", "load"}:
        from storyboard import compiler  # noqa: PLC0415

        return getattr(compiler, name)
    if name in {"Diagnostic", "Rejected"}:
        from storyboard import diagnostic  # noqa: PLC0415

        return getattr(diagnostic, name)
    raise AttributeError(f"module 'storyboard' has no attribute '{name}'")
