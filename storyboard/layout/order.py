"""What the language expects at a place, and in which order, read off the models' own types."""

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from storyboard.syntax import Mapping


def places(wanted: Any, node: Mapping) -> dict[str, tuple[int, Any]]:
    """The position and the type of the keys that a mapping may have; those of a dictionary stay as they are."""
    models = [option for option in _options(wanted) if isinstance(option, type) and issubclass(option, BaseModel)]
    if models:
        return _fields(max(models, key=lambda model: len(_fields(model).keys() & node.entries.keys())))
    return dict.fromkeys(node.entries, (0, _part(wanted, of_mapping=True)))


def item(wanted: Any) -> Any:
    """The type of a list's items; None where nothing is known of them."""
    return _part(wanted, of_mapping=False)


@cache
def _fields(model: type[BaseModel]) -> dict[str, tuple[int, Any]]:
    fields = model.model_fields.items()
    return {field.alias or name: (n, field.annotation) for n, (name, field) in enumerate(fields)}


def _part(wanted: Any, *, of_mapping: bool) -> Any:
    for option in _options(wanted):
        origin, parts = get_origin(option), get_args(option)
        if isinstance(origin, type) and parts and issubclass(origin, AnyMapping) == of_mapping:
            return parts[-1] if of_mapping else parts[0]
    return None


def _options(wanted: Any) -> Iterator[Any]:
    origin = get_origin(wanted)
    if origin is Annotated:
        yield from _options(get_args(wanted)[0])
    elif origin in {Union, UnionType}:
        for part in get_args(wanted):
            yield from _options(part)
    else:
        yield wanted
