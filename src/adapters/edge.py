"""The Edge port: Varnish, or any CDN that is purged over HTTP by surrogate key."""

import asyncio
from collections.abc import Sequence

import httpx

from domain.ids import ImageId, to_text
from domain.refusals import Unavailable

PATIENCE = 5.0
"""Seconds that a purge may take, before it is tried again."""


class Varnish:
    """A ban in each of them, as deploy/varnish.vcl takes it: one that is down must not come back
    with what the others have forgotten."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls
        self._http = _client()

    async def forget(self, image_id: ImageId) -> None:
        headers = {"Surrogate-Key": to_text("img", image_id)}
        await asyncio.gather(*(_ask(self._http, "BAN", it, headers) for it in self._urls))


class HttpCdn:
    """One request for each image: `{key}` in the URL, or in the header, is its id."""

    def __init__(self, url: str, *, method: str, header: str) -> None:
        self._url = url
        self._method = method
        self._header = header
        self._http = _client()

    async def forget(self, image_id: ImageId) -> None:
        key = to_text("img", image_id)
        name, _, value = self._header.replace("{key}", key).partition(":")
        headers = {name.strip(): value.strip()} if name else {}
        await _ask(self._http, self._method, self._url.replace("{key}", key), headers)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=PATIENCE, follow_redirects=False, trust_env=False)


async def _ask(http: httpx.AsyncClient, method: str, url: str, headers: dict[str, str]) -> None:
    """Raises Unavailable for whatever is not a yes."""
    try:
        answer = await http.request(method, url, headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable(dependency="cdn", reason=type(error).__name__) from error
    if not answer.is_success:
        raise Unavailable(dependency="cdn", reason=f"it answers {answer.status_code}")
