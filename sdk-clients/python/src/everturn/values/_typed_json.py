"""Typed JSON: plain JSON values from and to Python types, by type hint.

A hint is compiled once into a decoder: a function of the value and its path
("$.items[2].price") that returns the typed value or raises ``PayloadError``.
``None`` instead of a decoder means that the value passes as it is.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping, MutableSet
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from everturn.values import _typed_json_objects as objects
from everturn.values._errors import PayloadError

Decoder = Callable[[Any, str], Any]


def decoder_of(hint: Any) -> Decoder | None:
    """The decoder of a type hint; ``None`` if values pass as they are.

    Raises:
        PayloadError: The hint names a type that JSON cannot be read as.
    """
    try:
        return _cached_decoder(hint)
    except TypeError as error:
        # An unhashable hint (Annotated with a list, say) is compiled each time.
        if "unhashable" in str(error):
            return _compile(hint)
        raise


@lru_cache(maxsize=1024)
def _cached_decoder(hint: Any) -> Decoder | None:
    return _compile(hint)


def _compile(hint: Any) -> Decoder | None:
    if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
        return None
    if hint is None or hint is type(None):
        return _decode_none
    if isinstance(hint, typing.NewType):
        return decoder_of(hint.__supertype__)
    origin = get_origin(hint)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        return decoder_of(get_args(hint)[0])
    if origin is Literal:
        return _literal(get_args(hint))
    if origin in (Union, types.UnionType):
        return _union(get_args(hint))
    if origin is not None:
        return _generic(hint, origin, get_args(hint))
    if isinstance(hint, type):
        return _class(typing.cast("type[Any]", hint))
    raise PayloadError(f"cannot read JSON as {hint!r}")


def _class(cls: type[Any]) -> Decoder | None:
    scalar = _SCALARS.get(cls)
    if scalar is not None:
        return scalar
    if hasattr(cls, "model_validate"):
        return objects.model_decoder(cls)
    if issubclass(cls, enum.Enum):
        return _converted(cls, cls.__name__)
    if typing.is_typeddict(cls):
        return objects.typed_dict_decoder(cls, get_type_hints(cls, include_extras=True), decoder_of)
    if dataclasses.is_dataclass(cls):
        return objects.dataclass_decoder(cls, get_type_hints(cls), decoder_of)
    anything: Any = cls
    if issubclass(cls, tuple) and hasattr(anything, "_fields"):
        return objects.named_tuple_decoder(anything, get_type_hints(anything), decoder_of)
    if cls in (dict, list, set, frozenset, tuple):
        return _generic(cls, cls, ())
    raise PayloadError(f"cannot read JSON as {cls.__qualname__}")


def _generic(hint: Any, origin: Any, args: tuple[Any, ...]) -> Decoder | None:
    if not isinstance(origin, type):
        raise PayloadError(f"cannot read JSON as {hint!r}")
    anything: Any = origin
    if dataclasses.is_dataclass(origin) or hasattr(anything, "model_validate"):
        if hasattr(hint, "model_validate"):
            return objects.model_decoder(hint)
        return _class(anything)
    if issubclass(origin, tuple):
        return _tuple(args)
    if issubclass(origin, Mapping):
        key, item = args if len(args) == 2 else (Any, Any)
        return objects.mapping_decoder(decoder_of(key), decoder_of(item))
    if issubclass(origin, Iterable):
        item = decoder_of(args[0]) if args else None
        if issubclass(list, origin):
            return objects.items_decoder(item, None)
        if origin in _SETS:
            return objects.items_decoder(item, _SETS[origin])
    raise PayloadError(f"cannot read JSON as {hint!r}")


def _tuple(args: tuple[Any, ...]) -> Decoder:
    if not args:
        return objects.items_decoder(None, tuple)
    if len(args) == 2 and args[1] is Ellipsis:
        return objects.items_decoder(decoder_of(args[0]), tuple)
    return objects.tuple_decoder([decoder_of(arg) for arg in args])


def _literal(values: tuple[Any, ...]) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        for allowed in values:
            # 1 == True in Python, not in JSON.
            if value == allowed and type(value) is type(allowed):
                return allowed
        raise PayloadError(f"{path}: expected one of {values!r}")

    return decode


def _union(members: tuple[Any, ...]) -> Decoder | None:
    decoders = [decoder_of(member) for member in members]
    if None in decoders:
        return None
    known = [decoder for decoder in decoders if decoder is not None]

    def decode(value: Any, path: str) -> Any:
        problems: list[str] = []
        for decoder in known:
            try:
                return decoder(value, path)
            except PayloadError as error:
                problems.append(str(error))
        raise PayloadError(" or ".join(problems))

    return decode


def _decode_none(value: Any, path: str) -> None:
    if value is not None:
        raise PayloadError(f"{path}: expected null")


def _exactly(kind: type[Any], name: str) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        if type(value) is not kind:
            raise PayloadError(f"{path}: expected {name}, found {type(value).__name__}")
        return value

    return decode


def _decode_float(value: Any, path: str) -> float:
    if type(value) is not float and type(value) is not int:
        raise PayloadError(f"{path}: expected a number, found {type(value).__name__}")
    return float(value)


def _converted(convert: Callable[[Any], Any], name: str) -> Decoder:
    def decode(value: Any, path: str) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
            raise PayloadError(f"{path}: expected {name}: {error}") from error

    return decode


def _from_text(convert: Callable[[str], Any], name: str) -> Decoder:
    read = _converted(convert, name)

    def decode(value: Any, path: str) -> Any:
        if type(value) is not str:
            raise PayloadError(f"{path}: expected {name}, found {type(value).__name__}")
        return read(value, path)

    return decode


def _bytes(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


def _timedelta(value: Any) -> timedelta:
    return timedelta(seconds=_decode_float(value, "duration"))


_SETS: dict[type[Any], Callable[[list[Any]], Any]] = {
    set: set,
    frozenset: frozenset,
    MutableSet: set,
    AbstractSet: frozenset,
}

_SCALARS: dict[type[Any], Decoder] = {
    str: _exactly(str, "a string"),
    int: _exactly(int, "an integer"),
    bool: _exactly(bool, "a boolean"),
    float: _decode_float,
    bytes: _from_text(_bytes, "base64"),
    datetime: _from_text(datetime.fromisoformat, "a date and time"),
    date: _from_text(date.fromisoformat, "a date"),
    time: _from_text(time.fromisoformat, "a time"),
    UUID: _from_text(UUID, "a UUID"),
    Decimal: _converted(lambda value: Decimal(str(value)), "a decimal number"),
    timedelta: _converted(_timedelta, "seconds"),
}
