"""multipart/form-data, streamed: files go to the spool as they come, fields are bounded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import IO, Any

import msgspec
from litestar.exceptions import ClientException
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.bodies import Arriving
from api.identity import AnyRequest
from api.reading import converted, file_name, parsed
from domain.refusals import BatchTooLarge, FileTooLarge, Refusal, Validation

MAX_FIELD = 64 * 1024
MAX_FIELDS = 200


class ReceivedFile(msgspec.Struct, kw_only=True):
    """A file of a form, on this machine until the form is closed."""

    filename: str
    content_type: str
    path: Path
    size: int = 0
    refusal: Refusal | None = None


class Form(msgspec.Struct, kw_only=True):
    files: list[ReceivedFile] = []
    fields: dict[str, list[str]] = {}


@asynccontextmanager
async def received(
    request: AnyRequest, spool: Path, *, max_bytes: int, max_files: int
) -> AsyncIterator[Form]:
    """The form of a request; its files vanish with the context. Raises ClientException (400)."""
    with TemporaryDirectory(dir=spool) as folder:
        reader = _Reader(Path(folder), max_bytes, max_files)
        _, options = parse_options_header(request.headers.get("Content-Type", ""))
        boundary = options.get(b"boundary", b"")
        if not boundary:
            raise ClientException("the form names no boundary")
        try:
            parser = MultipartParser(boundary, reader.callbacks)
            async for chunk in request.stream():
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise ClientException(f"the form is malformed: {error}") from error
        finally:
            reader.close()
        if not reader.finished:
            raise ClientException("the form ends before its last boundary")
        yield reader.form


def describing(form: Form) -> Arriving:
    """The form's fields as in JSON: tags repeated, with commas or a JSON list; custom.<key> or a
    JSON object.
    """
    said: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, values in form.fields.items():
        if name in ("tags", "tags[]"):
            said.setdefault("tags", []).extend(tag for value in values for tag in _tags(value))
        elif name.startswith("custom."):
            custom[name.removeprefix("custom.")] = values[-1]
        elif name == "custom":
            custom |= _custom(values[-1])
        else:
            said[name] = values[-1]
    return converted(said | ({"custom": custom} if custom else {}), Arriving)


def _tags(text: str) -> list[str]:
    """What only looks like a list is taken by its word, as it is in `tags=[draft],lake`."""
    try:
        found = msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        found = text.split(",")
    return [tag for it in found if (tag := it.strip())]


def _custom(text: str) -> dict[str, Any]:
    try:
        found = parsed(text.encode())
    except ClientException:
        found = None
    if not isinstance(found, dict):
        raise Validation.of("custom", "must be a JSON object")
    return found


class _Reader:
    """Takes a parser's callbacks apart into files and fields."""

    def __init__(self, folder: Path, max_bytes: int, max_files: int) -> None:
        self.form = Form(files=[], fields={})
        self.finished = False
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._headers: dict[str, bytes] = {}
        self._name = self._value = b""
        self._field: tuple[str, bytearray] | None = None
        self._file: ReceivedFile | None = None
        self._out: IO[bytes] | None = None

    @property
    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self.close,
            "on_end": self._end,
        }

    def close(self) -> None:
        """The part is over, or the request is."""
        if self._out:
            self._out.close()
        if self._field:
            name, value = self._field
            self.form.fields.setdefault(name, []).append(value.decode("utf-8", "replace"))
        self._out = self._field = self._file = None

    def _begin(self) -> None:
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            if sum(map(len, self.form.fields.values())) >= MAX_FIELDS:
                raise ClientException("the form has too many fields")
            self._field = (name, bytearray())
            return
        if len(self.form.files) >= self._max_files:
            raise BatchTooLarge(limit=self._max_files)
        with NamedTemporaryFile(dir=self._folder, delete=False) as made:
            path = Path(made.name)
        self._file = ReceivedFile(
            filename=file_name(options[b"filename"].decode("utf-8", "replace")),
            content_type=self._headers.get("content-type", b"").decode("latin-1")[:100],
            path=path,
        )
        self.form.files.append(self._file)
        self._out = path.open("wb")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field:
            if len(self._field[1]) + end - start > MAX_FIELD:
                raise ClientException(f"the field {self._field[0][:50]!r} is too long")
            self._field[1].extend(data[start:end])
        elif self._file and self._out:
            self._file.size += end - start
            if self._file.size <= self._max_bytes:
                self._out.write(data[start:end])
            else:  # read on for the other files, keep nothing more of this one
                self._file.refusal = FileTooLarge(
                    limitBytes=self._max_bytes, requestedBytes=self._file.size
                )

    def _end(self) -> None:
        self.finished = True
