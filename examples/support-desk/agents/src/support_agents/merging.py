"""The Manager agent: makes one answer of the drafts and chooses the channel."""

from __future__ import annotations

from support_agents.types import Answer, MergeRequest

# One text message; longer answers go out by email.
SMS_CHARACTERS_MAX = 160


def merge(request: MergeRequest) -> Answer:
    """Support first, then Sales if there is something to sell and room to say it."""
    support = request.support.text.strip()
    sales = request.sales.text.strip() if request.sales and not request.upset else ""
    # Support may have said what Sales says: a price, say.
    if sales and sales.rstrip(".") in support:
        sales = ""
    both = f"{support} {sales}".strip()
    if request.channel == "sms":
        return _short(support, both, request.name)
    if request.channel == "email":
        return Answer(_letter(support, sales, request.name), "email")
    return Answer(both, request.channel)


def _short(support: str, both: str, name: str | None) -> Answer:
    for text in (both, support):
        if len(text) <= SMS_CHARACTERS_MAX:
            return Answer(text, "sms")
    return Answer(_letter(support, both[len(support) :].strip(), name), "email")


def _letter(support: str, sales: str, name: str | None) -> str:
    greeting = f"Hello {name}," if name else "Hello,"
    parts = [greeting, support, sales, "Kind regards\nNorthtrail"]
    return "\n\n".join(part for part in parts if part)
