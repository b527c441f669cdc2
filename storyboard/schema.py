"""The JSON Schema of the language, for editors: generated from the models, whose descriptions it carries."""

import json
from typing import Any

from storyboard.model import Storyboard


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a storyboard."""
    made = _tidy(Storyboard.model_json_schema())
    made["anyOf"] = [{"required": ["shots"]}, {"required": ["scenes"]}]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "storyboard", **made}


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(value: Any) -> Any:
    """Without what pydantic adds for itself: titles, and null where a key may be left out."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidied = {}
    for key, item in value.items():
        if key == "title" and isinstance(item, str):
            continue
        if key == "default" and (item is None or isinstance(item, (dict, list))):
            continue
        tidied[key] = _tidy(item)
    options = tidied.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del tidied["anyOf"]
        tidied |= {"anyOf": rest} if len(rest) > 1 else rest[0]
    return tidied
