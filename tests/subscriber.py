"""A subscriber to the feed that does exactly what a test says: it never comes back by itself."""

import json
from collections.abc import Iterator
from typing import Any

import httpx


def subscribe(http: httpx.Client, last: int, **asked: Any) -> Iterator[tuple[int, str, Any]]:
    """Position, type and data of each event, for as long as the connection holds."""
    headers = {"Last-Event-ID": str(last)}
    with http.stream("GET", "/v1/events", params=asked, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200, answer.read()
        event: dict[str, str] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                event[name] = value
            elif "data" in event:
                yield int(event["id"]), event["event"], json.loads(event["data"])
                event = {}
            else:
                event = {}
