"""A stand-in for Meilisearch that takes nothing its published API (1.x) does not describe.

It stores, filters and matches plainly, and answers as the reference says; what is misspelt, of the
wrong type, out of order or unknown is refused with the reference's error codes, and noted.
"""

import json
import re
import threading
from copy import deepcopy
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any
from unicodedata import normalize
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import UNSET, Meta, UnsetType

_LARGEST = 100_000_000
"""Bytes of a request."""
_UID = re.compile(r"[A-Za-z0-9_-]{1,400}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,511}")
_RULES = {
    *("words", "typo", "proximity", "attribute", "attributeRank", "wordPosition", "sort"),
    "exactness",
}


class Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    pass


class NewIndex(Body):
    uid: str
    primary_key: str | None = None


class Typos(Body):
    enabled: bool | UnsetType = UNSET
    min_word_size_for_typos: dict[str, int] | UnsetType = UNSET
    disable_on_words: list[str] | UnsetType = UNSET
    disable_on_attributes: list[str] | UnsetType = UNSET
    disable_on_numbers: bool | UnsetType = UNSET


class Faceting(Body):
    max_values_per_facet: int | UnsetType = UNSET
    sort_facet_values_by: dict[str, str] | UnsetType = UNSET


class Pagination(Body):
    max_total_hits: int | UnsetType = UNSET


class Localized(Body):
    attribute_patterns: list[str]
    locales: list[str]


class Settings(Body):
    searchable_attributes: list[str] | UnsetType | None = UNSET
    filterable_attributes: list[str] | UnsetType | None = UNSET
    sortable_attributes: list[str] | UnsetType | None = UNSET
    displayed_attributes: list[str] | UnsetType | None = UNSET
    ranking_rules: list[str] | UnsetType | None = UNSET
    stop_words: list[str] | UnsetType | None = UNSET
    separator_tokens: list[str] | UnsetType | None = UNSET
    synonyms: dict[str, list[str]] | UnsetType | None = UNSET
    typo_tolerance: Typos | UnsetType | None = UNSET
    faceting: Faceting | UnsetType | None = UNSET
    pagination: Pagination | UnsetType | None = UNSET
    localized_attributes: list[Localized] | UnsetType | None = UNSET


class Asked(Body):
    q: str | None = None
    filter: str | list[Any] | None = None
    page: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    hits_per_page: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    facets: list[str] | None = None
    sort: list[str] | None = None
    attributes_to_retrieve: list[str] | None = None
    attributes_to_highlight: list[str] | None = None
    highlight_pre_tag: str = "<em>"
    highlight_post_tag: str = "</em>"
    matching_strategy: str = "last"


class Deleted(Body):
    filter: str


class Swap(Body):
    indexes: Annotated[list[str], Meta(min_length=2, max_length=2)]
    rename: bool = False


class Meilisearch(ThreadingHTTPServer):
    """`refusals`: what was asked wrongly; `asked`: all requests; `broken`: its answer to any."""

    daemon_threads = True

    def __init__(self, key: str = "masterKey-0123456789") -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.key = key
        self.lock = threading.RLock()
        self.indexes: dict[str, Index] = {}
        self.tasks: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.refusals: list[str] = []
        self.down = False
        self.broken: tuple[int, bytes] | None = None

    def __enter__(self) -> "Meilisearch":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def enqueued(self, uid: str | None, kind: str, work: Any) -> dict[str, Any]:
        """Done when it is first asked for, as if it had waited till then."""
        number = len(self.tasks)
        task = {
            **{"uid": number, "batchUid": None, "indexUid": uid, "status": "enqueued"},
            **{"type": kind, "canceledBy": None, "details": None, "error": None},
            **{"duration": None, "enqueuedAt": _now(), "startedAt": None, "finishedAt": None},
            "work": work,
        }
        self.tasks.append(task)
        return {
            **{"taskUid": number, "indexUid": uid, "status": "enqueued", "type": kind},
            "enqueuedAt": task["enqueuedAt"],
        }

    def run(self) -> None:
        """One task further: they are done in order."""
        for task in self.tasks:
            if task["status"] == "enqueued":
                task["startedAt"] = _now()
                try:
                    task["work"]()
                    task["status"] = "succeeded"
                except Refused as refusal:
                    task["status"] = "failed"
                    task["error"] = _error(refusal)
                    if refusal.code != "index_not_found":
                        self.refusals.append(str(refusal))
                task["finishedAt"] = _now()
                task["duration"] = "PT0.01S"

    def index(self, uid: str) -> "Index":
        if uid not in self.indexes:
            raise Refused(404, "index_not_found", f"Index `{uid}` not found.")
        return self.indexes[uid]


class Index:
    def __init__(self, uid: str, primary_key: str | None) -> None:
        self.uid = uid
        self.primary_key = primary_key
        self.created = _now()
        self.settings: dict[str, Any] = {
            "displayedAttributes": ["*"],
            "searchableAttributes": ["*"],
            "filterableAttributes": [],
            "sortableAttributes": [],
            "rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness"],
            "stopWords": [],
            "separatorTokens": [],
            "synonyms": {},
            "typoTolerance": {
                "enabled": True,
                "minWordSizeForTypos": {"oneTypo": 5, "twoTypos": 9},
                "disableOnWords": [],
                "disableOnAttributes": [],
                "disableOnNumbers": False,
            },
            "faceting": {"maxValuesPerFacet": 100, "sortFacetValuesBy": {"*": "alpha"}},
            "pagination": {"maxTotalHits": 1000},
            "localizedAttributes": None,
        }
        self.documents: dict[str, dict[str, Any]] = {}

    @property
    def facts(self) -> dict[str, Any]:
        return {
            **{"uid": self.uid, "createdAt": self.created, "updatedAt": self.created},
            "primaryKey": self.primary_key,
        }

    def configure(self, asked: Settings) -> None:
        for name, value in msgspec.to_builtins(asked).items():
            known = self.settings[name]
            if isinstance(known, dict) and isinstance(value, dict) and name != "synonyms":
                known.update(value)
            else:
                self.settings[name] = value

    def add(self, documents: list[dict[str, Any]]) -> None:
        for document in documents:
            id = document.get(self.primary_key or "id")
            if not isinstance(id, str | int) or not _ID.fullmatch(str(id)):
                raise Refused(400, "invalid_document_id", f"Document identifier `{id}` is invalid.")
            self.documents[str(id)] = deepcopy(document)

    def search(self, asked: Asked) -> dict[str, Any]:
        self._check(asked)
        allowed = _filter(asked.filter, self.settings["filterableAttributes"])
        matches = _Query(asked.q or "", self.settings)
        scored = [(matches.score(it), it) for it in self.documents.values() if allowed(it)]
        ranked = sorted(
            ((score, it) for score, it in scored if score is not None),
            key=lambda pair: (pair[0], -pair[1].get("created_at", 0)),
        )
        found = [it for _, it in ranked][: self.settings["pagination"]["maxTotalHits"]]
        page, size = asked.page or 1, asked.hits_per_page or 20
        shown = found[(page - 1) * size : page * size]
        return {
            "hits": [self._hit(it, asked, matches) for it in shown],
            **{"query": asked.q or "", "processingTimeMs": 1, "hitsPerPage": size, "page": page},
            **{"totalPages": -(-len(found) // size), "totalHits": len(found)},
            "facetDistribution": {name: self._facet(name, found) for name in asked.facets or ()},
            "facetStats": {},
        }

    def _check(self, asked: Asked) -> None:
        if asked.page is UNSET or asked.limit is not UNSET or asked.offset is not UNSET:
            raise Refused(400, "bad_request", "this stand-in knows page and hitsPerPage only")
        if asked.matching_strategy not in ("last", "all", "frequency"):
            raise Refused(400, "invalid_search_matching_strategy", asked.matching_strategy)
        for name in asked.facets or ():
            if name not in self.settings["filterableAttributes"]:
                raise Refused(400, "invalid_search_facets", f"`{name}` is not filterable.")

    def _hit(self, document: dict[str, Any], asked: Asked, query: "_Query") -> dict[str, Any]:
        shown = self.settings["displayedAttributes"]
        known = {name: it for name, it in document.items() if "*" in shown or name in shown}
        wanted = asked.attributes_to_retrieve or ["*"]
        hit = {name: it for name, it in known.items() if "*" in wanted or name in wanted}
        marked = {
            name: query.marked(it, asked)
            for name, it in known.items()
            if name in (asked.attributes_to_highlight or ())
        }
        return hit | {"_formatted": {name: str(it) for name, it in hit.items()} | marked}

    def _facet(self, name: str, found: list[dict[str, Any]]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for document in found:
            values = document.get(name)
            for value in values if isinstance(values, list) else [values]:
                counts[str(value)] = counts.get(str(value), 0) + 1
        most = sorted(counts.items(), key=lambda it: (-it[1], it[0]))
        return dict(most[: self.settings["faceting"]["maxValuesPerFacet"]])


class _Query:
    """Words that must all be there, with a typo by their length; the last one as a beginning.

    Of what has more than ten the tenth is the last.
    """

    def __init__(self, text: str, settings: dict[str, Any]) -> None:
        self._fields = settings["searchableAttributes"]
        self._synonyms = settings["synonyms"]
        self._typos = settings["typoTolerance"]
        self._separators = settings["separatorTokens"]
        parts = re.findall(r'"([^"]*)"|(\S+)', text)
        self._excluded = [self._known(word[1:]) for _, word in parts if word.startswith("-")]
        found = [(self._known(phrase), True) for phrase, _ in parts if phrase]
        found += [
            ([it], False) for _, word in parts if word[:1] != "-" for it in self._known(word) if it
        ]
        terms = found[:10]
        self._phrases = [words for words, together in terms if together]
        self._words = [words[0] for words, together in terms if not together]
        open_ended = terms == found and not text.endswith('"')
        self._beginning = self._words[-1] if self._words and open_ended else None

    def _known(self, text: str) -> list[str | None]:
        return _words(text, self._separators)

    def score(self, document: dict[str, Any]) -> tuple[int, int] | None:
        """Less is better; None where it does not match."""
        texts = [self._known(_text(document.get(field))) for field in self._fields]
        if any(
            all(word in text for word in bad) for bad in self._excluded for text in texts if bad
        ):
            return None
        typos, place = 0, 0
        for phrase in self._phrases:
            if not any(_together(phrase, text) for text in texts):
                return None
        for word in self._words:
            best = min(
                (
                    (distance, number)
                    for number, text in enumerate(texts)
                    for other in text
                    if other and (distance := self._distance(word, other)) is not None
                ),
                default=None,
            )
            if best is None:
                return None
            typos, place = typos + best[0], place + best[1]
        return typos, place

    def marked(self, value: Any, asked: Asked) -> Any:
        if isinstance(value, list):
            return [self.marked(it, asked) for it in value]

        def mark(match: re.Match[str]) -> str:
            word = _folded(match[0])
            wanted = self._words + [it for phrase in self._phrases for it in phrase if it]
            if any(self._distance(it, word) is not None for it in wanted):
                return f"{asked.highlight_pre_tag}{match[0]}{asked.highlight_post_tag}"
            return match[0]

        return _word(self._separators).sub(mark, normalize("NFC", str(value)))

    def _distance(self, word: str, other: str) -> int | None:
        if other == word or other in self._synonyms.get(word, ()):
            return 0
        if word == self._beginning and other.startswith(word):
            return 0
        sizes = self._typos["minWordSizeForTypos"]
        most = sum(len(word) >= sizes[it] for it in ("oneTypo", "twoTypos"))
        if not self._typos["enabled"] or word in self._typos["disableOnWords"]:
            most = 0
        if self._typos["disableOnNumbers"] and word.isdigit():
            most = 0
        distance = _levenshtein(word, other) + (word[0] != other[0])
        return distance if distance <= most else None


_SEPARATORS = (
    r" \n\r\u3000_\-\u2013\u2014\u2018\u2019\u201a\u201c-\u201e()\[\]{}\xab\xbb\u2039\u203a"
    r"!\"#%&'*,./:;?@\\\xa1\xa7\xb6\xb7\xbf\u2026\u2020\u2022\u3001\u3002\u30fb\u3008-\u3011\u0964"
)
"""Of its own ones, some. Nothing else stands between words, be it a plus or an emoji, unless it is
told so."""
_HARD = re.compile(r"[.,] |[!:;?¡§¶¿\u2026\u3001\u3002]")
"""Words on either side stand together in no phrase."""


def _word(separators: list[str]) -> re.Pattern[str]:
    return re.compile(f"[^{_SEPARATORS}{re.escape(''.join(separators))}]+")


def _words(text: str, separators: list[str]) -> list[str | None]:
    """With None between sentences. How its tokenizer parts what has no spaces (Chinese, Japanese,
    Thai) nobody can tell beforehand: here it is one word.
    """
    found = [
        [_folded(it) for it in _word(separators).findall(part)]
        for part in _HARD.split(normalize("NFC", text))
    ]
    return [it for words in found for it in (*words, None)][:-1]


def _folded(word: str) -> str:
    """Without case; Latin, Greek, Hebrew and Arabic without accents and points."""
    return re.sub(f"([{_POINTED}])[{_POINTS}]+", r"\1", normalize("NFKD", word.lower()))


_POINTED = r"a-z\u0370-\u03ff\u05d0-\u06ff"
_POINTS = r"\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670"


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _together(phrase: list[str | None], text: list[str | None]) -> bool:
    size = len(phrase)
    return any(text[at : at + size] == phrase for at in range(len(text) - size + 1))


def _levenshtein(one: str, other: str) -> int:
    if abs(len(one) - len(other)) > 2:
        return 9
    row = list(range(len(other) + 1))
    for n, a in enumerate(one, 1):
        last, row[0] = row[0], n
        for m, b in enumerate(other, 1):
            last, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, last + (a != b))
    return row[-1]


_IN = re.compile(r"(\w+) IN \[([\w-]+(?:, [\w-]+)*)\]")


def _filter(text: Any, filterable: list[str]) -> Any:
    """Of its grammar what we use: one attribute among values; in a list, all must hold."""
    if isinstance(text, list):
        parts = [_filter(it, filterable) for it in text]
        return lambda document: all(passes(document) for passes in parts)
    match = _IN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Refused(400, "invalid_search_filter", f"Was expecting an operation at `{text}`.")
    attribute, values = match[1], set(match[2].split(", "))
    if attribute not in filterable:
        raise Refused(400, "invalid_search_filter", f"Attribute `{attribute}` is not filterable.")

    def passes(document: dict[str, Any]) -> bool:
        found = document.get(attribute, ())
        return bool(values & {*found} if isinstance(found, list) else found in values)

    return passes


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _error(refusal: Refused) -> dict[str, Any]:
    kind = "auth" if refusal.status in (401, 403) else "invalid_request"
    link = f"https://docs.meilisearch.com/errors#{refusal.code}"
    return {"message": str(refusal), "code": refusal.code, "type": kind, "link": link}


class _Answering(BaseHTTPRequestHandler):
    server: Meilisearch
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.down:
            self.close_connection = True
            self.connection.close()
            return
        status, encoded = self.server.broken or self._considered(body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _considered(self, body: bytes) -> tuple[int, bytes]:
        try:
            with self.server.lock:
                status, answer = self._routed(body)
        except Refused as refusal:
            if refusal.code != "index_not_found":
                self.server.refusals.append(str(refusal))
            status, answer = refusal.status, _error(refusal)
        return status, json.dumps(answer).encode()

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - their names

    def _routed(self, body: bytes) -> tuple[int, Any]:
        url = urlsplit(self.path)
        self._authorized()
        if len(body) > _LARGEST:
            raise Refused(413, "payload_too_large", "The provided payload reached the size limit.")
        query = dict(parse_qsl(url.query, strict_parsing=bool(url.query)))
        self.server.asked.append((self.command, url.path, json.loads(body) if body else None))
        for method, pattern, handler in _ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                return handler(self, body, query, *match.groups())
        raise Refused(404, "not_found", f"{self.command} {url.path} is in no reference")

    def _authorized(self) -> None:
        header = self.headers.get("Authorization")
        if header is None:
            code = "missing_authorization_header"
            raise Refused(401, code, "The Authorization header is missing.")
        if header != f"Bearer {self.server.key}":
            raise Refused(403, "invalid_api_key", "The provided API key is invalid.")

    def _json(self, body: bytes, type: Any) -> Any:
        if self.headers.get("Content-Type") != "application/json":
            raise Refused(415, "invalid_content_type", f"{self.headers.get('Content-Type')}")
        try:
            return msgspec.json.decode(body, type=type)
        except msgspec.MsgspecError as error:
            raise Refused(400, "bad_request", str(error)) from error

    def create(self, body: bytes, query: dict[str, str]) -> tuple[int, Any]:
        asked = self._json(body, NewIndex)
        if not _UID.fullmatch(asked.uid):
            raise Refused(400, "invalid_index_uid", f"`{asked.uid}` is not a valid index uid.")

        def work() -> None:
            if asked.uid in self.server.indexes:
                raise Refused(409, "index_already_exists", f"Index `{asked.uid}` already exists.")
            self.server.indexes[asked.uid] = Index(asked.uid, asked.primary_key)

        return 202, self.server.enqueued(asked.uid, "indexCreation", work)

    def health(self, body: bytes, query: dict[str, str]) -> tuple[int, Any]:
        return 200, {"status": "available"}

    def show(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        return 200, self.server.index(uid).facts

    def delete(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        def work() -> None:
            self.server.index(uid)
            del self.server.indexes[uid]

        return 202, self.server.enqueued(uid, "indexDeletion", work)

    def settings(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        return 200, self.server.index(uid).settings

    def configure(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        asked = self._json(body, Settings)
        for rule in asked.ranking_rules or ():
            if rule not in _RULES and not re.fullmatch(r"\w+:(asc|desc)", rule):
                raise Refused(400, "invalid_settings_ranking_rules", f"`{rule}` ranking rule")

        def work() -> None:
            self.server.indexes.setdefault(uid, Index(uid, None)).configure(asked)

        return 202, self.server.enqueued(uid, "settingsUpdate", work)

    def add(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        if query.keys() - {"primaryKey"}:
            raise Refused(400, "bad_request", f"Unknown parameters {query}")
        documents = self._json(body, list[dict[str, Any]])

        def work() -> None:
            index = self.server.indexes.setdefault(uid, Index(uid, query.get("primaryKey")))
            index.add(documents)

        return 202, self.server.enqueued(uid, "documentAdditionOrUpdate", work)

    def remove(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        asked = self._json(body, Deleted)

        def work() -> None:
            index = self.server.index(uid)
            gone = _filter(asked.filter, index.settings["filterableAttributes"])
            index.documents = {id: it for id, it in index.documents.items() if not gone(it)}

        return 202, self.server.enqueued(uid, "documentDeletion", work)

    def search(self, body: bytes, query: dict[str, str], uid: str) -> tuple[int, Any]:
        asked = self._json(body, Asked)
        return 200, self.server.index(uid).search(asked)

    def swap(self, body: bytes, query: dict[str, str]) -> tuple[int, Any]:
        pairs = [it.indexes for it in self._json(body, list[Swap])]

        def work() -> None:
            known = self.server.indexes
            for one, other in pairs:
                first, second = self.server.index(one), self.server.index(other)
                known[one], known[other] = second, first
                second.uid, first.uid = one, other

        return 202, self.server.enqueued(None, "indexSwap", work)

    def tasks(self, body: bytes, query: dict[str, str]) -> tuple[int, Any]:
        if query.keys() - {"uids", "limit", "statuses", "types", "indexUids", "from"}:
            raise Refused(400, "bad_request", f"Unknown parameters {query}")
        uids = {int(uid) for uid in query["uids"].split(",")}
        found = [it for it in reversed(self.server.tasks) if it["uid"] in uids]
        found = found[: int(query.get("limit", 20))]
        shown = [{name: it for name, it in task.items() if name != "work"} for task in found]
        self.server.run()
        return 200, {
            **{"results": shown, "total": len(uids), "limit": int(query.get("limit", 20))},
            **{"from": max(uids), "next": None},
        }


_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/health", _Answering.health),
    ("POST", "/indexes", _Answering.create),
    ("GET", "/indexes/([^/]+)", _Answering.show),
    ("DELETE", "/indexes/([^/]+)", _Answering.delete),
    ("GET", "/indexes/([^/]+)/settings", _Answering.settings),
    ("PATCH", "/indexes/([^/]+)/settings", _Answering.configure),
    ("POST", "/indexes/([^/]+)/documents", _Answering.add),
    ("POST", "/indexes/([^/]+)/documents/delete", _Answering.remove),
    ("POST", "/indexes/([^/]+)/search", _Answering.search),
    ("POST", "/swap-indexes", _Answering.swap),
    ("GET", "/tasks", _Answering.tasks),
]
