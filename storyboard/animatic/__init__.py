"""The renderer of `local/animatic`: one shot's panel in, one MP4 clip out, offline and deterministic."""

from .errors import RenderError
from .film import Line, Panel, render

__all__ = ["Line", "Panel", "RenderError", "render"]
