"""Typed JSON, the composite kinds: objects, arrays and models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NotRequired, Required, cast, get_origin

from everturn.values._errors import PayloadError

_Decoder = Callable[[Any, str], Any]
_Compile = Callable[[Any], _Decoder | None]


def _object(value: Any, path: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise PayloadError(f"{path}: expected an object, found {type(value).__name__}")
    return cast("dict[str, Any]", value)


def _array(value: Any, path: str) -> list[Any]:
    if type(value) is not list:
        raise PayloadError(f"{path}: expected an array, found {type(value).__name__}")
    return cast("list[Any]", value)


class _Fields:
    """Decoders of an object's members, compiled at first use.

    Late, because a type may hold itself.
    """

    def __init__(self, hints: dict[str, Any], compile_hint: _Compile) -> None:
        self._hints = hints
        self._compile = compile_hint
        self._decoders: dict[str, _Decoder | None] | None = None

    def decode(self, value: Any, path: str) -> dict[str, Any]:
        """The known members of an object, decoded; unknown ones are left out."""
        decoders = self._decoders
        if decoders is None:
            decoders = {name: self._compile(hint) for name, hint in self._hints.items()}
            self._decoders = decoders
        members = _object(value, path)
        return {
            name: members[name] if decoder is None else decoder(members[name], f"{path}.{name}")
            for name, decoder in decoders.items()
            if name in members
        }


def dataclass_decoder(cls: type[Any], hints: dict[str, Any], compile_hint: _Compile) -> _Decoder:
    """Reads an object as a dataclass."""
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    return _constructed(cls, {name: hints[name] for name in names}, compile_hint)


def named_tuple_decoder(cls: type[Any], hints: dict[str, Any], compile_hint: _Compile) -> _Decoder:
    """Reads an array or object as a named tuple; the ``json`` module writes arrays."""
    names: tuple[str, ...] = cls._fields
    from_object = _constructed(cls, {name: hints.get(name, Any) for name in names}, compile_hint)

    def decode(value: Any, path: str) -> Any:
        if type(value) is list:
            items = _array(value, path)
            if len(items) > len(names):
                raise PayloadError(f"{path}: expected {len(names)} items, found {len(items)}")
            value = dict(zip(names, items, strict=False))
        return from_object(value, path)

    return decode


def _constructed(cls: type[Any], hints: dict[str, Any], compile_hint: _Compile) -> _Decoder:
    fields = _Fields(hints, compile_hint)

    def decode(value: Any, path: str) -> Any:
        members = fields.decode(value, path)
        try:
            return cls(**members)
        except (TypeError, ValueError) as error:
            raise PayloadError(f"{path}: {error}") from error

    return decode


def typed_dict_decoder(cls: Any, hints: dict[str, Any], compile_hint: _Compile) -> _Decoder:
    """Reads an object as a typed dict; required members must be there."""
    fields = _Fields(hints, compile_hint)
    # With postponed annotations `__required_keys__` alone misses NotRequired.
    marks = {name: get_origin(hint) for name, hint in hints.items()}
    required = {
        name
        for name, mark in marks.items()
        if mark is Required or (mark is not NotRequired and name in cls.__required_keys__)
    }

    def decode(value: Any, path: str) -> Any:
        members = fields.decode(value, path)
        missing = sorted(required - members.keys())
        if missing:
            raise PayloadError(f"{path}: missing {', '.join(missing)}")
        return members

    return decode


def model_decoder(cls: Any) -> _Decoder:
    """Reads a value as a model that has ``model_validate`` (pydantic)."""

    def decode(value: Any, path: str) -> Any:
        try:
            return cls.model_validate(value)
        except ValueError as error:
            raise PayloadError(f"{path}: {error}") from error

    return decode


def mapping_decoder(key: _Decoder | None, item: _Decoder | None) -> _Decoder:
    """Reads an object as a dict; keys that are not text are read from text."""

    def decode_key(name: str, path: str) -> Any:
        if key is None:
            return name
        try:
            return key(name, path)
        except PayloadError:
            # JSON member names are always text: {1: "a"} comes back as {"1": "a"}.
            try:
                return key(int(name), path)
            except ValueError:
                pass
            raise

    def decode(value: Any, path: str) -> Any:
        return {
            decode_key(name, path): entry if item is None else item(entry, f"{path}.{name}")
            for name, entry in _object(value, path).items()
        }

    return decode


def items_decoder(item: _Decoder | None, build: Callable[[list[Any]], Any] | None) -> _Decoder:
    """Reads an array; ``build`` makes another collection of the list."""

    def decode(value: Any, path: str) -> Any:
        items = _array(value, path)
        if item is not None:
            items = [item(entry, f"{path}[{index}]") for index, entry in enumerate(items)]
        return items if build is None else build(items)

    return decode


def tuple_decoder(decoders: Sequence[_Decoder | None]) -> _Decoder:
    """Reads an array of fixed length as a tuple."""

    def decode(value: Any, path: str) -> Any:
        items = _array(value, path)
        if len(items) != len(decoders):
            raise PayloadError(f"{path}: expected {len(decoders)} items, found {len(items)}")
        pairs = enumerate(zip(decoders, items, strict=True))
        return tuple(
            entry if decoder is None else decoder(entry, f"{path}[{index}]")
            for index, (decoder, entry) in pairs
        )

    return decode
