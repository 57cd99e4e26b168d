"""Strict JSON: Python values to plain JSON values, or an error with the path of what would change.

What JSON would drop or change is refused where it leaves: NaN, integers that
other languages round, keys that are not text, lone surrogates. Dataclasses,
models, enums, dates, UUIDs and decimals are written in their JSON form. Sets,
keys that are not text and bytes inside of a value are only written where the
declared type says that they are read back.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import types
import typing
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from everturn.values._errors import PayloadError

INTEGER_MAX = 2**53 - 1
"""Largest integer that every language reads as it was written (RFC 8259, section 6)."""


def to_plain(value: Any, hint: Any, path: str) -> Any:
    """The plain JSON value of a value.

    Args:
        value: What leaves.
        hint: Its declared type; ``Any``: none.
        path: Where it is, for the error: ``args.items[2]``.

    Raises:
        PayloadError: Something in it has no JSON form, or one that does not
            come back as what it was.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, enum.Enum):
        return to_plain(value.value, Any, path)
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return _integer(int(value), path)
    if isinstance(value, float):
        return _number(float(value), path)
    if isinstance(value, dict):
        return _object(cast("dict[Any, Any]", value), hint, path)
    if isinstance(value, list | tuple):
        return _array(cast("list[Any]", value), hint, path)
    return _other(value, hint, path)


def _text(value: str, path: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise PayloadError(f"{path}: a lone surrogate is not text") from error
    return str(value)


def _integer(value: int, path: str) -> int:
    if not -INTEGER_MAX <= value <= INTEGER_MAX:
        raise PayloadError(
            f"{path}: {value} is beyond ±(2**53 - 1), which other languages round; write it as text"
        )
    return value


def _number(value: float, path: str) -> float:
    if math.isfinite(value):
        return value
    name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    raise PayloadError(f"{path}: {name} is not JSON")


def _object(value: dict[Any, Any], hint: Any, path: str) -> dict[str, Any]:
    key_hint, item_hint = _mapping_hints(hint)
    plain: dict[str, Any] = {}
    for key, item in value.items():
        name = key if type(key) is str else _key(key, key_hint, path)
        if name in plain:
            raise PayloadError(f"{path}: two keys are written as {name!r}")
        inner = item_hint.get(name, Any) if isinstance(item_hint, _Members) else item_hint
        plain[_text(name, path)] = to_plain(item, inner, f"{path}.{name}")
    return plain


def _key(key: Any, hint: Any, path: str) -> str:
    is_declared = hint not in (Any, object, str)
    plain = key.value if isinstance(key, enum.Enum) else key
    if isinstance(plain, str):
        return plain
    if is_declared and isinstance(plain, int) and not isinstance(plain, bool):
        return str(_integer(plain, path))
    if is_declared and isinstance(plain, UUID | Decimal | date | datetime):
        return plain.isoformat() if isinstance(plain, date) else str(plain)
    raise PayloadError(
        f"{path}: the key {key!r} is no text, as JSON's keys are; use text, or declare the type"
    )


def _array(value: Iterable[Any], hint: Any, path: str) -> list[Any]:
    fields: Any = getattr(value, "_fields", None)
    if fields is not None:
        hints = _hints_of(cast("Any", type(cast("object", value))))
        return [
            to_plain(item, hints.get(name, Any), f"{path}.{name}")
            for name, item in zip(fields, value, strict=True)
        ]
    hints = _item_hints(hint)
    if isinstance(hints, tuple):
        declared = [*cast("tuple[Any, ...]", hints)]
        return [
            to_plain(item, declared[index] if index < len(declared) else Any, f"{path}[{index}]")
            for index, item in enumerate(value)
        ]
    return [to_plain(item, hints, f"{path}[{index}]") for index, item in enumerate(value)]


def _other(value: Any, hint: Any, path: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = _hints_of(type(value))
        return {
            field.name: to_plain(
                getattr(value, field.name), hints.get(field.name, Any), f"{path}.{field.name}"
            )
            for field in dataclasses.fields(value)
        }
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray):
        if bytes not in [_bare(member) for member in _members(hint)]:
            raise PayloadError(
                f"{path}: bytes are not JSON; make them the whole payload, or declare the type"
            )
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, AbstractSet):
        item_hint = _set_hint(hint)
        if item_hint is None:
            raise PayloadError(
                f"{path}: a set would come back as a list; use a list, or declare the type"
            )
        items = enumerate(cast("AbstractSet[Any]", value))
        return [to_plain(item, item_hint, f"{path}[{index}]") for index, item in items]
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return to_plain(dump(mode="json"), Any, path)
    raise PayloadError(f"{path}: {type(value).__name__} has no JSON form")


class _Members(dict[str, Any]):
    """Declared types of the members of a typed dict."""


# -- declared types ----------------------------------------------------------------


def _bare(hint: Any) -> Any:
    while get_origin(hint) in (typing.Annotated, typing.Required, typing.NotRequired):
        hint = get_args(hint)[0]
    return hint


def _members(hint: Any) -> list[Any]:
    """The alternatives of a declared type."""
    hint = _bare(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return [inner for member in get_args(hint) for inner in _members(member)]
    return [hint]


def _mapping_hints(hint: Any) -> tuple[Any, Any]:
    """The declared types of keys and of values; those of a typed dict by key."""
    if hint is Any:
        return Any, Any
    for member in _members(hint):
        if typing.is_typeddict(member):
            return str, _Members(_hints_of(member))
        origin = get_origin(member)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            args = get_args(member)
            return args if len(args) == 2 else (Any, Any)
    return Any, Any


def _item_hints(hint: Any) -> Any:
    """The declared type of the items; a tuple of types for a tuple of fixed length."""
    if hint is Any:
        return Any
    for member in _members(hint):
        origin, args = get_origin(member), get_args(member)
        if not isinstance(origin, type) or not args:
            continue
        if issubclass(origin, tuple):
            return args[0] if len(args) == 2 and args[1] is Ellipsis else args
        if issubclass(origin, Iterable) and not issubclass(origin, Mapping | AbstractSet):
            return args[0]
    return Any


def _set_hint(hint: Any) -> Any:
    """The declared type of a set's items; ``None`` if no set is declared."""
    for member in _members(hint):
        origin = get_origin(member) or member
        if isinstance(origin, type) and issubclass(origin, AbstractSet):
            args = get_args(member)
            return args[0] if args else Any
    return None


@lru_cache(maxsize=1024)
def _hints_of(cls: Any) -> dict[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        # A name that only a type checker knows: nothing is declared then.
        return {}
