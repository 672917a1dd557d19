"""Every refusal as RFC 9457 problem details. Statuses are known here and nowhere else."""

import errno
from http import HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import ClientException, HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from litestar.utils.scope.state import ScopeState

from api.bodies import MAX_BODY
from api.methods import allowed
from api.reading import complaints, parsed
from commands.ports import ObjectMissing, StreamMoved
from domain.refusals import (
    BytesMissing,
    Conflict,
    IdempotencyInProgress,
    Kind,
    RangeNotSatisfiable,
    Refusal,
    Unavailable,
)

AnyRequest = Request[Any, Any, Any]

STATUS = {
    Kind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Kind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.GONE: HTTPStatus.GONE,
    Kind.CONFLICT: HTTPStatus.CONFLICT,
    Kind.STALE: HTTPStatus.PRECONDITION_FAILED,
    Kind.LOCKED: HTTPStatus.LOCKED,
    Kind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Kind.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Kind.UNPROCESSABLE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Kind.TIMEOUT: HTTPStatus.REQUEST_TIMEOUT,
    Kind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.BEYOND: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    Kind.NOT_IMPLEMENTED: HTTPStatus.NOT_IMPLEMENTED,
}
RETRY_AFTER = "1"

_FRAMEWORK_CODES = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "validation",
    429: "rate_limited",
    503: "unavailable",
}

_EXHAUSTED = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}

_log = structlog.get_logger()


def members(refusal: Refusal) -> dict[str, Any]:
    """A refusal's problem document, for an answer of its own or for one item of a batch."""
    status = STATUS[refusal.kind]
    return {
        "type": f"/problems/{refusal.code}",
        "title": str(refusal),
        "status": status.value,
        "detail": _detail(refusal),
        "code": refusal.code,
        **refusal.facts,
    }


def item(refusal: Refusal) -> dict[str, Any]:
    """What a batch says of an item that was refused, beside which one that is."""
    document = members(refusal)
    return {"status": document["status"], "error": document}


def _detail(refusal: Refusal) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in refusal.facts.items())
    return f"{refusal} ({figures})" if figures and "errors" not in refusal.facts else str(refusal)


def answer(refusal: Refusal) -> Response[Any]:
    return _problem(members(refusal), STATUS[refusal.kind])


def beyond(size: int) -> Response[Any]:
    """Of a range that begins behind so many bytes (RFC 9110, 14.4)."""
    found = answer(RangeNotSatisfiable(sizeBytes=size))
    found.headers["Content-Range"] = f"bytes */{size}"
    return found


def refused(_: AnyRequest, refusal: Refusal) -> Response[Any]:
    """The domain said no."""
    return answer(refusal)


def moved(request: AnyRequest, _: StreamMoved) -> Response[Any]:
    """Writers kept coming first: the caller may try again."""
    return refused(request, Conflict(reason="the resource is being changed by others"))


def lost(request: AnyRequest, error: ObjectMissing) -> Response[Any]:
    """Not forgotten: by the log it is there."""
    _log.error("bytes are missing", path=request.url.path)
    return refused(request, BytesMissing())


def rejected(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """The framework said no: routing, authentication, validation."""
    if isinstance(error, ValidationException) and _body(request) == b"":
        error = ClientException("the body is empty")
    status = HTTPStatus(error.status_code)
    document: dict[str, Any] = {"detail": error.detail}
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        document["limitBytes"] = MAX_BODY
    if isinstance(error, ValidationException):
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        document = {"detail": "The request is not valid.", "errors": _errors(request, error)}
    code = _FRAMEWORK_CODES.get(status.value, "refused")
    answer = _problem(
        {
            "type": f"/problems/{code}",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            **document,
        },
        status,
    )
    answer.headers.update(error.headers or {})  # allow, WWW-Authenticate, Retry-After
    if known := allowed(error):
        answer.headers["allow"] = known
    return answer


def exhausted(request: AnyRequest, error: OSError) -> Response[Any]:
    """No room in the spool, or no more files: what others hold of it comes free again."""
    if error.errno not in _EXHAUSTED:
        return failed(request, error)
    _log.error("exhausted", path=request.url.path, reason=str(error))
    return refused(request, Unavailable(dependency="spool", reason=error.strerror))


def failed(request: AnyRequest, error: Exception) -> Response[Any]:
    """Nobody meant this; the caller learns only that it happened."""
    _log.error("unhandled", method=request.method, path=request.url.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _problem(
        {
            "type": "/problems/internal",
            "title": status.phrase,
            "status": status.value,
            "code": "internal",
            "detail": "Something went wrong on our side; it has been noted.",
        },
        status,
    )


def _errors(request: AnyRequest, error: ValidationException) -> list[dict[str, str]]:
    """Every bad field of the body, where the framework stops at the first."""
    field, body = request.route_handler.parsed_data_field, _body(request)
    if field is not None and body is not None:
        found = complaints(parsed(body), field.annotation)
        if found:
            return found
    extra = error.extra if isinstance(error.extra, list) else []
    return [
        {"field": str(item.get("key", "")), "message": str(item.get("message", ""))}
        for item in extra
    ]


def _body(request: AnyRequest) -> bytes | None:
    """What was read of it; None where no body was asked for."""
    body = ScopeState.from_scope(request.scope).body
    return body if isinstance(body, bytes) else None


def _problem(document: dict[str, Any], status: HTTPStatus) -> Response[Any]:
    headers = {"Cache-Control": "no-store"}
    busy = status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.LOCKED)
    if busy or document["code"] == IdempotencyInProgress.code:
        headers["Retry-After"] = RETRY_AFTER
    if status is HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(document["retryAfter"])
    if status is HTTPStatus.REQUEST_TIMEOUT:
        headers["Connection"] = "close"
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="darkroom"'
    return Response(
        document,
        status_code=status.value,
        media_type="application/problem+json",
        headers=headers,
    )


handlers: ExceptionHandlersMap = {
    Refusal: refused,
    StreamMoved: moved,
    ObjectMissing: lost,
    HTTPException: rejected,
    OSError: exhausted,
    500: failed,
}
