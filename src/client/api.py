"""Requests that mean to arrive: they try again, wait when told to, and stay signed in."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

PATIENCE = 120.0
"""Seconds of failures in a row after which a request is given up."""
LONGEST = 15.0
"""Seconds between two attempts, unless the server asks for more."""
AGAIN = {408, 429}

Body = Callable[[], AsyncIterator[bytes]]
"""Opens the bytes anew: an attempt that failed has used them up."""


class Problem(Exception):
    """What the server answered, or that it did not."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    @property
    def passing(self) -> bool:
        """Whether the same request may do better later."""
        return self.status == 0 or self.status >= 500 or self.status in AGAIN


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Either is enough; with e-mail and password a long run outlives its access token."""

    token: str | None = None
    email: str | None = None
    password: str | None = None


class Api:
    def __init__(self, url: str, credentials: Credentials, *, patience: float = PATIENCE) -> None:
        self.url = url.rstrip("/")
        self._credentials = credentials
        self._patience = patience
        self._token = credentials.token
        self._refresh_token: str | None = None
        self._signing_in = asyncio.Lock()
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(60, connect=10))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> dict[str, Any]:
        """Raises Problem."""
        return dict(await self._call("GET", path))

    async def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> Any:
        """`key`: what makes it safe to send twice, where the route does not. Raises Problem."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._call("POST", path, json=body, headers=headers)

    async def put(self, url: str, headers: dict[str, str], body: Body) -> None:
        """To a presigned URL. Raises Problem."""
        await self._patiently(lambda: self._http.put(url, headers=headers, content=body()))

    async def _call(self, method: str, path: str, **given: Any) -> Any:
        headers = given.pop("headers", {})
        for last in (False, True):
            token = self._token or await self._sign_in(None)
            signed = headers | {"Authorization": f"Bearer {token}"}
            try:
                answer = await self._patiently(
                    lambda signed=signed: self._http.request(  # type: ignore[misc]  # bound now
                        method, f"{self.url}{path}", headers=signed, **given
                    )
                )
            except Problem as problem:
                if problem.status != 401 or last or not self._credentials.email:
                    raise
                await self._sign_in(token)
            else:
                return _decoded(answer)
        raise AssertionError("unreachable")

    async def _sign_in(self, stale: str | None) -> str:
        """A token other than the stale one, however many find out at once that it is."""
        async with self._signing_in:
            if self._token is None or self._token == stale:
                tokens = await self._refreshed() or await self._logged_in()
                self._token, self._refresh_token = tokens["accessToken"], tokens["refreshToken"]
            assert self._token is not None
            return self._token

    async def _refreshed(self) -> dict[str, Any] | None:
        if self._refresh_token is None:
            return None
        try:
            return await self._open("refresh", {"refreshToken": self._refresh_token})
        except Problem:
            return None

    async def _logged_in(self) -> dict[str, Any]:
        given = {"email": self._credentials.email, "password": self._credentials.password}
        return await self._open("login", given)

    async def _open(self, what: str, given: dict[str, Any]) -> dict[str, Any]:
        url = f"{self.url}/v1/auth/{what}"
        return _decoded(await self._patiently(lambda: self._http.post(url, json=given)))

    async def _patiently(self, attempt: Callable[[], Any]) -> httpx.Response:
        """The answer, if it is a good one. Raises Problem."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + self._patience, 0.5
        while True:
            wanted = 0.0
            try:
                answer: httpx.Response = await attempt()
                if answer.is_success:
                    return answer
                problem = _problem(answer)
                wanted = _retry_after(answer)
                if not (problem.passing or wanted):
                    raise problem
            except httpx.TransportError as error:
                problem = Problem(0, "unreachable", str(error) or type(error).__name__)
            wait = max(wanted, pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads clients out
            if loop.time() + wait > deadline:
                raise problem
            await asyncio.sleep(wait)
            pause = min(pause * 2, LONGEST)


def _retry_after(answer: httpx.Response) -> float:
    """Seconds; a date, which we never send, counts as none."""
    wanted = answer.headers.get("Retry-After", "")
    return float(wanted) if wanted.isdecimal() else 0.0


def _problem(answer: httpx.Response) -> Problem:
    """RFC 9457, or whatever else came: object stores answer in XML."""
    try:
        document = answer.json()
        return Problem(answer.status_code, document["code"], document["detail"])
    except (ValueError, KeyError, TypeError):
        return Problem(answer.status_code, f"http_{answer.status_code}", answer.text[:200])


def _decoded(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError as error:
        raise Problem(answer.status_code, "no_json", "the answer is not JSON") from error
    return dict(document)
