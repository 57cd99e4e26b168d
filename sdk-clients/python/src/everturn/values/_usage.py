"""What activities use: tokens and cost."""

from __future__ import annotations

from dataclasses import dataclass

from everturn.v1 import message_pb2

_AMOUNT_MAX = 2**63 - 1
_CURRENCY_CHARS = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """What activities used.

    Attributes:
        input_tokens: Tokens read by models.
        output_tokens: Tokens written by models.
        cost_micros: Cost in millionths of ``currency``.
        currency: ISO 4217 code; empty without a cost.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    currency: str = ""


def added(total: Usage | None, used: Usage) -> Usage:
    """The sum of what was used before and now.

    Raises:
        ValueError: An amount or the currency is not allowed.
    """
    for name in ("input_tokens", "output_tokens", "cost_micros"):
        amount: object = getattr(used, name)
        if not isinstance(amount, int) or not 0 <= amount <= _AMOUNT_MAX:
            raise ValueError(f"{name} must be a whole number and not negative: {amount!r}")
    code = used.currency
    if used.cost_micros and not code:
        raise ValueError("a cost needs its currency")
    if code and not (len(code) == _CURRENCY_CHARS and code.isascii() and code.isupper()):
        raise ValueError(f"currency must be a code of three capital letters: {code!r}")
    if total is None:
        return used
    if code and total.currency and code != total.currency:
        raise ValueError(f"the cost is in {total.currency}, not in {code}")
    return Usage(
        min(total.input_tokens + used.input_tokens, _AMOUNT_MAX),
        min(total.output_tokens + used.output_tokens, _AMOUNT_MAX),
        min(total.cost_micros + used.cost_micros, _AMOUNT_MAX),
        total.currency or code,
    )


def usage_to_proto(usage: Usage) -> message_pb2.Usage:
    """The usage as protobuf."""
    return message_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_micros=usage.cost_micros,
        # A currency without a cost says nothing.
        currency=usage.currency if usage.cost_micros else "",
    )


def usage_from_proto(proto: message_pb2.Usage) -> Usage:
    """Reads a usage."""
    return Usage(proto.input_tokens, proto.output_tokens, proto.cost_micros, proto.currency)
