"""Who and what is seen: characters, props and places."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from storyboard.model.reference import AnyReference
from storyboard.model.values import Allowed, Filled, Written, listed, one_of

Kind = Annotated[
    str,
    BeforeValidator(one_of("character", "prop", "place")),
    WithJsonSchema({"enum": ["character", "prop", "place"]}),
]


class Character(Written):
    """A character, prop or place; `@id` in a prompt binds it to the shot."""

    name: Filled | None = Field(None, description="How prompts in words and captions call it; by default the id.")
    kind: Kind = Field("character", description="What it is, for people.")
    look: Filled | None = Field(None, description="What it looks like, in words, for models that take no references.")
    references: Annotated[tuple[AnyReference, ...], BeforeValidator(listed)] = Field(
        (), description="Pictures and videos of it, best first: the first that a model takes is always sent."
    )
    voice: Filled | None = Field(None, description="How it sounds, in words; for people, and never sent.")
    allow: Allowed = Field({}, description="Warnings that it may give: the code, and the reason.")
