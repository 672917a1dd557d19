"""The OpenAPI document, with what every route may answer beside what it does when all is well."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import OpenAPI

from api.queries import QUERIES
from api.tus import CHECKSUM_MISMATCH

PROBLEM = "Problem"
TYPE = "application/problem+json"
ALWAYS = (400, 401, 403, 404, 429, 503)
"""Malformed, bad credentials, not allowed, not there, too often, a part is down."""
WRITING = (408, 409, 412, 413, 415, 422)
READING = (412, 422)
ALSO: dict[tuple[str, str], tuple[int, ...]] = {
    ("post", "/v1/images"): (200,),
    ("get", "/v1/images/{id}"): (304,),
    ("get", "/health/ready"): (503,),
    ("get", "/oembed"): (501,),
    ("post", "/v1/tus"): (410, 423, CHECKSUM_MISMATCH),
    ("head", "/v1/tus/{id}"): (410,),
    ("patch", "/v1/tus/{id}"): (410, 423, CHECKSUM_MISMATCH),
    ("delete", "/v1/tus/{id}"): (410, 423),
}
DELIVERY = (206, 302, 304, 406, 416)
DELIVERED = ("/images/{", "/s/{", "/v1/albums/{id}/zip", "/v1/me/export")
SCHEMA = {
    "type": "object",
    "title": "RFC 9457 problem details",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; what programs go by."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


class Document(OpenAPI):
    def to_schema(self) -> dict[str, Any]:
        schema = super().to_schema()
        schema.setdefault("components", {}).setdefault("schemas", {})[PROBLEM] = SCHEMA
        for path, item in schema["paths"].items():
            for method, operation in item.items():
                _complete(method, path, operation["responses"])
                if method == "get":
                    operation.setdefault("parameters", []).extend(QUERIES.get(path, ()))
        return schema


@dataclass
class Documented(OpenAPIConfig):
    def to_openapi_schema(self) -> OpenAPI:
        plain = super().to_openapi_schema()
        return Document(**{name: getattr(plain, name) for name in plain.__dataclass_fields__})


def _complete(method: str, path: str, responses: dict[str, Any]) -> None:
    statuses = ALWAYS + (READING if method in ("get", "head") else WRITING)
    statuses += ALSO.get((method, path), ())
    if path.startswith(DELIVERED):
        statuses += DELIVERY
    for status in sorted(set(statuses)):
        if status < HTTPStatus.BAD_REQUEST:
            responses.setdefault(str(status), {"description": _phrase(status)})
        else:
            responses[str(status)] = _problem(status)


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
    return {"description": _phrase(status), "content": {TYPE: {"schema": schema}}}


def _phrase(status: int) -> str:
    return "Checksum Mismatch" if status == CHECKSUM_MISMATCH else HTTPStatus(status).phrase
