"""Facts that stand in a text literally: order numbers and names."""

from __future__ import annotations

import re

# "NT-20481", "nt20481", "NT 20481": always an order number.
_PREFIXED = re.compile(r"\bnt[\s-]?(\d{5})(?!\d)", re.IGNORECASE)
# "#20481", "order no. 20481", "order number is 20481", "number: 20481".
_ANNOUNCED = re.compile(
    r"(?:#\s?|\b(?:order|purchase|number|no|nr)\b[\s.:]*(?:(?:number|no|nr|is|was|id)\b[\s.:#]*)*)"
    r"(\d{5})(?![\d.,]?\d)",
    re.IGNORECASE,
)
# A bare "20481"; not part of an amount, a phone number or a longer number.
_BARE = re.compile(
    r"(?<![\d£$€#.,+-])\b(\d{5})\b(?![.,]?\d|-\d|\s?(?:pounds|euros?|gbp|eur|%))", re.IGNORECASE
)
# Digits in groups are phone numbers: "07700 900123".
_PHONE = re.compile(r"\+?\d[\d ()-]{8,}\d")

_NAME = re.compile(
    r"\b(?:(?:my name is|the name is|name's|name is)\s+"
    r"|(?:[Ii]['’]?m|[Ii]t['’]?s|[Tt]his is)\s+(?=[A-Z]))"
    r"([A-Za-zÀ-ÿ][a-zà-ÿ'’-]+(?:\s+[A-Z][A-Za-zà-ÿ'’-]+)?)"
)
_HERE = re.compile(r"\b([A-Z][a-zà-ÿ'’-]+|[a-z]{3,}) here\b")
_NOT_NAMES = frozenset(
    {
        "afraid", "angry", "anybody", "anyone", "been", "delivered", "due", "fed", "from",
        "getting", "got", "here", "in", "is", "it", "no", "nobody", "not", "nothing", "one", "out",
        "right", "so", "somebody", "someone", "sorry", "still", "stuck", "sure", "that", "there",
        "this", "very", "waiting", "was", "what",
    }
)  # fmt: skip


def order_number(text: str) -> str | None:
    """The order number in a text as "NT-20481", the most explicit one first."""
    for pattern in (_PREFIXED, _ANNOUNCED):
        found = pattern.search(text)
        if found:
            return f"NT-{found.group(1)}"
    found = _BARE.search(_PHONE.sub(" ", text))
    return f"NT-{found.group(1)}" if found else None


def customer_name(text: str) -> str | None:
    """The name by which the writer introduces themselves, capitalised."""
    for pattern in (_NAME, _HERE):
        for found in pattern.finditer(text):
            words = found.group(1).split()
            if words[0].lower() not in _NOT_NAMES:
                return " ".join(word[0].upper() + word[1:] for word in words)
    return None
