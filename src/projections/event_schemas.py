"""What subscribers can rely on: JSON Schema of every event, made from the types."""

from typing import Any

import msgspec

from domain.catalogue import EVENTS
from projections.feed import Told
from projections.history import INTERNAL, PREFIXES

_UNTOLD = {"type", "personal", *INTERNAL}
_TEXT = {"type": "string"}
_NULL = {"type": "null"}


def schemas() -> dict[str, Any]:
    """Of `Told`, and of `data` by type."""
    return {"event": msgspec.json.schema(Told), "data": {it: _data(it) for it in sorted(EVENTS)}}


def _data(type: str) -> dict[str, Any]:
    kind = EVENTS[type]
    (_,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    fields = components.pop(kind.__name__)
    properties = {
        name: _as_text(schema) if name in PREFIXES else schema
        for name, schema in fields["properties"].items()
        if name not in _UNTOLD
    }
    required = [name for name in fields.get("required", ()) if name in properties]
    told: dict[str, Any] = {"properties": properties, "required": required, "$defs": components}
    return {**fields, **told}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """Ids, which outside are text with a prefix; where there is none, null."""
    if schema.get("type") == "array":
        return {"anyOf": [{"type": "array", "items": _TEXT}, _NULL]}
    return {"anyOf": [_TEXT, _NULL]} if "anyOf" in schema else _TEXT
