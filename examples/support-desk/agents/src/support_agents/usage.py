"""What drafts and answers use: tokens and their price, held against the conversation's budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support_agents import speaking

if TYPE_CHECKING:
    from support_agents.settings import Prices

# Budgets are set in the same currency (conversation/src/policy.ts); another one does not count.
CURRENCY = "GBP"


def report(prices: Prices, read: int, written: int) -> None:
    """Reports what the running attempt used; nothing in a plain call.

    Args:
        prices: Of tokens. Pounds for a million tokens are millionths of a pound for one.
        read: Tokens read by a model.
        written: Tokens written by a model, or words by a template.
    """
    context = speaking.current()
    if context is None:
        return
    context.report_usage(
        input_tokens=read,
        output_tokens=written,
        cost_micros=round(read * prices.input_gbp + written * prices.output_gbp),
        currency=CURRENCY,
    )
