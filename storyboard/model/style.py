"""Words that several shots share."""

from pydantic import Field

from storyboard.model.values import Text, Written


class Style(Written):
    """Words for the prompts of several shots."""

    prompt: Text = Field("", description="Added to every prompt.")
    negative: Text = Field("", description="Added to every negative prompt.")
