"""Values to JSON and back, by type hint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NamedTuple, NewType, NotRequired, TypedDict
from uuid import UUID

import pydantic
import pytest

from everturn import JsonPayloadConverter, PayloadError
from everturn.v1.payload_pb2 import Payload

JSON = JsonPayloadConverter()


class Color(Enum):
    RED = "red"


@dataclass
class Item:
    name: str
    price: Decimal = Decimal(0)


@dataclass
class Basket:
    items: list[Item]
    owner: Basket | None = None
    tags: set[str] = field(default_factory=set[str])


class Point(NamedTuple):
    x: int
    y: float = 0.0


class Address(TypedDict):
    street: str
    zip: NotRequired[int]


class Model(pydantic.BaseModel):
    when: datetime
    count: int = 0


UserId = NewType("UserId", str)


ROUND_TRIPS: list[tuple[Any, Any]] = [
    (None, None),
    ("text ü \u2028", str),
    (3, int),
    (2.5, float),
    (True, bool),
    ([1, "a", None, {"b": []}], Any),
    ({"a": [1]}, dict[str, list[int]]),
    ({1: "a"}, dict[int, str]),
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ({"a"}, set[str]),
    (frozenset({1}), AbstractSet[int]),
    ([1], Sequence[int]),
    ({"a": 1}, Mapping[str, int]),
    (b"\x00\xff", bytes),
    (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), datetime),
    (date(2026, 1, 2), date),
    (time(3, 4), time),
    (timedelta(seconds=1.5), timedelta),
    (Decimal("1.10"), Decimal),
    (UUID(int=7), UUID),
    (Color.RED, Color),
    ("a", Literal["a", "b"]),
    (UserId("u"), UserId),
    (Point(1, 2.0), Point),
    ({"street": "x"}, Address),
    (Basket([Item("a", Decimal("1.5"))], Basket([]), {"t"}), Basket),
    (Model(when=datetime(2026, 1, 1, tzinfo=UTC)), Model),
    ([Model(when=datetime(2026, 1, 1, tzinfo=UTC))], list[Model]),
    (None, Item | None),
    (Item("a"), Item | str | None),
    ("a", Item | str),
]


@pytest.mark.parametrize(("value", "hint"), ROUND_TRIPS)
def test_values_come_back_as_their_type(value: Any, hint: Any) -> None:
    payload = JSON.encode(value, hint)
    is_bytes = type(value) is bytes
    assert payload.content_type == ("application/octet-stream" if is_bytes else "")
    back = JSON.decode(payload, hint)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("text", "hint", "problem"),
    [
        (b"{", Any, "not JSON"),
        (b"\xff", Any, "not JSON"),
        (b"1 2", Any, "not JSON"),
        (b"1", str, r"\$: expected a string, found int"),
        (b"true", int, "expected an integer, found bool"),
        (b'"1"', float, "expected a number"),
        (b'{"items":[{"price":1}]}', Basket, r"\$.items\[0\].*'name'"),
        (b'{"items":[{"name":1}]}', Basket, r"\$.items\[0\].name: expected a string"),
        (b"[1]", tuple[int, int], "expected 2 items, found 1"),
        (b'"blue"', Color, "expected Color"),
        (b"1", Literal[True], "expected one of"),
        (b'{"zip":1}', Address, "missing street"),
        (b'{"when":"never"}', Model, "when"),
        (b'"yesterday"', datetime, "expected a date and time"),
        (b'"%%%"', bytes, "expected base64"),
        (b'"x"', Decimal, "expected a decimal number"),
        (b"{}", Item | str, "'name'.* or .*expected a string"),
        (b"1", Color | str, "expected Color.* or .*expected a string"),
    ],
)
def test_unfit_payloads_say_where_and_why(text: bytes, hint: Any, problem: str) -> None:
    with pytest.raises(PayloadError, match=problem):
        JSON.decode(Payload(data=text), hint)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"total": math.nan}, "args.total: NaN is not JSON"),
        ([1, -math.inf], r"args\[1\]: -Infinity is not JSON"),
        (2**53, r"args: 9007199254740992 is beyond"),
        ({"a": [{"b": -(2**70)}]}, r"args.a\[0\].b: -1180591620717411303424 is beyond"),
        (object(), "args: object has no JSON form"),
        (ValueError("x"), "args: ValueError has no JSON form"),
        ({"tags": {"a"}}, "args.tags: a set would come back as a list"),
        ({1: "a"}, "args: the key 1 is no text"),
        ({None: "a"}, "args: the key None is no text"),
        ({"a": {(1, 2): 3}}, r"args.a: the key \(1, 2\) is no text"),
        ({"data": b"x"}, "args.data: bytes are not JSON"),
        ("\ud800", "args: a lone surrogate is not text"),
        ({"\udc00": 1}, "args: a lone surrogate is not text"),
        (Point, "args: type has no JSON form"),
    ],
)
def test_what_json_would_change_is_refused_with_its_path(value: Any, problem: str) -> None:
    with pytest.raises(PayloadError, match=problem):
        JSON.encode(value, Any, "args")


def test_json_values_pass_unchanged() -> None:
    value: dict[str, Any] = {
        "n": [0, -0.0, 1.5, 2**53 - 1, -(2**53) + 1],
        "t": "grüße 👋",
        "b": [True, None],
        "": {},
    }
    back = JSON.decode(JSON.encode(value), Any)
    assert back == value
    assert math.copysign(1, back["n"][1]) == -1
    assert [type(item) for item in back["n"]] == [int, float, float, int, int]


@pytest.mark.parametrize("data", [b"", b"\x00\xff", bytearray(b"ab"), memoryview(b"cd")])
def test_bytes_are_a_payload_as_they_are(data: Any) -> None:
    payload = JSON.encode(data)
    assert (payload.data, payload.content_type) == (bytes(data), "application/octet-stream")
    assert JSON.decode(payload, Any) == bytes(data)
    with pytest.raises(PayloadError, match="the payload is bytes, not str"):
        JSON.decode(payload, str)


@pytest.mark.parametrize("text", [b"NaN", b"[Infinity]", b" -Infinity"])
def test_what_is_not_json_is_not_read(text: bytes) -> None:
    with pytest.raises(PayloadError, match="is not JSON"):
        JSON.decode(Payload(data=text), Any)


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    with pytest.raises(PayloadError):
        JSON.decode(Payload(data=b"[" * 100_000), Any)
    nested: list[Any] = []
    nested.append(nested)
    with pytest.raises(PayloadError):
        JSON.encode(nested)


def test_other_content_types_are_refused_and_white_space_is_not() -> None:
    with pytest.raises(PayloadError, match="text/plain"):
        JSON.decode(Payload(data=b"1", content_type="text/plain"), Any)
    assert JSON.decode(Payload(data=b" 1\n", content_type="application/json"), int) == 1
    assert JSON.decode(Payload(), Any) is None


def test_unknown_members_are_ignored() -> None:
    assert JSON.decode(Payload(data=b'{"name":"a","new":1}'), Item) == Item("a")
