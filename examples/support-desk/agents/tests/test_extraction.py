"""Order numbers and names in texts."""

from __future__ import annotations

import pytest

from support_agents.extraction import customer_name, order_number
from support_agents.wording import normalised, sounds_upset


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("NT-20481", "NT-20481"),
        ("it's nt20481 i think", "NT-20481"),
        ("Order NT 20481, please", "NT-20481"),
        ("#20481", "NT-20481"),
        ("order no. 20481?", "NT-20481"),
        ("the order with number 20481", "NT-20481"),
        ("order number is 20481.", "NT-20481"),
        ("20481", "NT-20481"),
        ("sorry for the wait, it is 20481!", "NT-20481"),
        ("call 07700 900123 about 20481", "NT-20481"),
        ("not 20482 but nt-20481", "NT-20481"),
        ("call me on 07700 900123", None),
        ("I paid £12345 for this", None),
        ("it cost 12345 pounds", None),
        ("12345.50 was charged", None),
        ("2048", None),
        ("204811", None),
        ("NT-204811", None),
        ("", None),
    ],
)
def test_order_number(text: str, number: str | None) -> None:
    assert order_number(text) == number


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hi, my name is ines", "Ines"),
        ("Hello this is David Osei", "David Osei"),
        ("Hi its Tom", "Tom"),
        ("I'm Lena, where is my order", "Lena"),
        ("anna here, need help", "Anna"),
        ("I'm waiting for my order", None),
        ("it's late", None),
        ("is anybody here", None),
        ("this is ridiculous", None),
        ("nothing here yet", None),
    ],
)
def test_customer_name(text: str, name: str | None) -> None:
    assert customer_name(text) == name


def test_texts_have_a_normal_form() -> None:
    assert normalised("Where's NT-20481 4 me??").split() == [
        "wheres", "ordernumber", "for", "me", "emphasis",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "upset"),
    [
        ("This is UNACCEPTABLE", True),
        ("WHERE THE HECK IS my tent", True),
        ("i am fed up with this", True),
        ("Where is my GPS? VAT is on it", False),
        ("thanks a lot", False),
    ],
)
def test_anger_is_heard(text: str, upset: bool) -> None:
    assert sounds_upset(text) is upset
