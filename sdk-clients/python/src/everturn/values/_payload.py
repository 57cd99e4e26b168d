"""Payload conversion: how user values become bytes and come back.

The default writes JSON, which is what the TypeScript SDK writes too. Anything
with the two methods of ``PayloadConverter`` can take its place.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, cast, runtime_checkable

from everturn.v1.payload_pb2 import Payload
from everturn.values._errors import PayloadError
from everturn.values._plain_json import to_plain
from everturn.values._rules import PAYLOAD_BYTES
from everturn.values._typed_json import decoder_of

PAYLOAD_BYTES_MAX = PAYLOAD_BYTES
"""Largest payload that the coordinator takes, in bytes."""

BYTES_CONTENT_TYPE = "application/octet-stream"
"""Content type of a payload that is nothing but bytes: ``Uint8Array`` in TypeScript."""

_JSON = "application/json"


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@runtime_checkable
class PayloadConverter(Protocol):
    """Turns values into payloads and back.

    A converter for activities with ``executor="process"`` must be picklable.
    Both methods raise ``PayloadError`` for what they cannot convert.
    """

    def encode(self, value: Any, /) -> Payload:
        """Writes a value as a payload."""
        ...

    def decode(self, payload: Payload, hint: Any, /) -> Any:
        """Reads a payload as the type ``hint``; ``Any`` means as it comes."""
        ...


class JsonPayloadConverter:
    """Writes JSON; reads it as the hinted type.

    JSON values pass as they are; ``bytes`` as a whole value do too. Dataclasses,
    enums, named tuples, typed dicts, dates, UUIDs, decimals and pydantic models
    are written, and read back when a type hint asks for them; sets, keys that
    are not text and bytes inside of a value only where the declared type (of a
    field, of an activity's result) has them. Without a hint (``Any``) plain
    JSON values come out. Unknown object members are ignored so that writers may
    add some; missing ones without default are errors. What JSON would drop or
    change (NaN, integers beyond 2**53 - 1, lone surrogates) is refused.
    """

    def encode(self, value: Any, hint: Any = Any, what: str = "value", /) -> Payload:
        """Writes a value.

        Args:
            value: The value.
            hint: Its declared type, if there is one.
            what: What it is, for the path in an error: ``args``, ``result``.

        Raises:
            PayloadError: The value holds something that JSON cannot express,
                with the path to it.
        """
        if isinstance(value, bytes | bytearray | memoryview):
            data: bytes = bytes(cast("bytes", value))
            return Payload(data=data, content_type=BYTES_CONTENT_TYPE)
        try:
            return Payload(data=_ENCODER.encode(to_plain(value, hint, what)).encode())
        except RecursionError as error:
            message = f"{what}: the value is nested too deeply, or holds itself"
            raise PayloadError(message) from error

    def decode(self, payload: Payload, hint: Any, /) -> Any:
        """Reads JSON as the hinted type, bytes as they are; an empty payload reads as ``None``.

        Raises:
            PayloadError: The payload is not JSON or does not fit the hint.
        """
        if payload.content_type == BYTES_CONTENT_TYPE:
            return _bytes_as(hint, payload.data)
        if payload.content_type not in ("", _JSON):
            raise PayloadError(f"content type {payload.content_type!r} is not {_JSON}")
        data = payload.data
        try:
            value: Any = _read(data) if data else None
        except (ValueError, RecursionError) as error:
            raise PayloadError(f"payload is not JSON: {error}") from error
        decoder = decoder_of(hint)
        return value if decoder is None else decoder(value, "$")


def encode_as(converter: PayloadConverter, value: Any, hint: Any, what: str) -> Payload:
    """Writes a value of a declared type; converters of the user see the value alone."""
    if isinstance(converter, JsonPayloadConverter):
        return converter.encode(value, hint, what)
    return converter.encode(value)


def encode_bounded(
    converter: PayloadConverter, value: Any, hint: Any = Any, what: str = "value"
) -> Payload:
    """Writes what goes to the coordinator at once.

    More than it takes would end the stream of the whole worker.

    Raises:
        PayloadError: The value cannot be written or is over the limit.
    """
    payload = encode_as(converter, value, hint, what)
    size_bytes = len(payload.data)
    if size_bytes > PAYLOAD_BYTES_MAX:
        message = f"the value has {size_bytes} bytes, over the limit of {PAYLOAD_BYTES_MAX}"
        raise PayloadError(message)
    return payload


def plain_value(payload: Payload, converter: PayloadConverter) -> Any:
    """The value as it comes; its bytes if the converter cannot read it.

    For what others wrote: one odd payload must not make a whole transcript
    unreadable.
    """
    try:
        return converter.decode(payload, Any)
    except PayloadError:
        return payload.data


def _bytes_as(hint: Any, data: bytes) -> Any:
    if hint in (Any, object, bytes):
        return data
    if hint is bytearray:
        return bytearray(data)
    raise PayloadError(f"the payload is bytes, not {getattr(hint, '__name__', hint)}")


def _read(data: bytes) -> Any:
    """Reads JSON in UTF-8. The first way leaves out what ``json.loads`` does to be lenient."""
    text = data.decode()
    if text[0].isspace():
        return _DECODER.decode(text)
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else _DECODER.decode(text)
