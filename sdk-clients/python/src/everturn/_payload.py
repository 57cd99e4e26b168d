"""Payload conversion: how user values become bytes and come back.

The default writes JSON, which is what the TypeScript SDK writes too. Anything
with the two methods of ``PayloadConverter`` can take its place.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, runtime_checkable

from everturn._errors import PayloadError
from everturn._typed_json import decoder_of, json_default
from everturn.v1.payload_pb2 import Payload

PAYLOAD_BYTES_MAX = 2 * 1024 * 1024
"""Largest payload that the coordinator takes, in bytes."""

_JSON = "application/json"
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=json_default
)


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

    Dataclasses, enums, named tuples, typed dicts, dates, UUIDs, decimals, bytes
    (base64) and pydantic models are written, and read back when a type hint
    asks for them. Without a hint (``Any``) plain JSON values come out. Unknown
    object members are ignored so that writers may add some; missing ones
    without default are errors. NaN and infinities are refused.
    """

    def encode(self, value: Any, /) -> Payload:
        """Writes a value as JSON.

        Raises:
            PayloadError: The value holds something that JSON cannot express.
        """
        try:
            return Payload(data=_ENCODER.encode(value).encode())
        except (TypeError, ValueError, RecursionError) as error:
            message = f"cannot write {type(value).__name__} as JSON: {error}"
            raise PayloadError(message) from error

    def decode(self, payload: Payload, hint: Any, /) -> Any:
        """Reads JSON as the hinted type; an empty payload reads as ``None``.

        Raises:
            PayloadError: The payload is not JSON or does not fit the hint.
        """
        if payload.content_type not in ("", _JSON):
            raise PayloadError(f"content type {payload.content_type!r} is not {_JSON}")
        data = payload.data
        try:
            value: Any = _read(data) if data else None
        except (ValueError, RecursionError) as error:
            raise PayloadError(f"payload is not JSON: {error}") from error
        decoder = decoder_of(hint)
        return value if decoder is None else decoder(value, "$")


def encode_bounded(converter: PayloadConverter, value: Any) -> Payload:
    """Writes what goes to the coordinator at once.

    More than it takes would end the stream of the whole worker.

    Raises:
        PayloadError: The value cannot be written or is over the limit.
    """
    payload = converter.encode(value)
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


def _read(data: bytes) -> Any:
    """Reads JSON in UTF-8. The first way leaves out what ``json.loads`` does to be lenient."""
    text = data.decode()
    if text[0].isspace():
        return json.loads(text)
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else json.loads(text)
