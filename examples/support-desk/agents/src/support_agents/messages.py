"""The labelled messages of data/messages.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Split = Literal["train", "heldout"]


@dataclass(frozen=True, slots=True)
class LabelledMessage:
    """One message with its labels.

    Attributes:
        split: "train", or "heldout" for the fixed part that no model learns from.
        channel: Channel whose tone it has: chat, email, sms.
        intent: What the customer wants.
        product: Product category it is about; "none" if none.
        text: The message.
    """

    split: Split
    channel: str
    intent: str
    product: str
    text: str


def read_messages(data_dir: Path) -> list[LabelledMessage]:
    """Reads all messages, in file order.

    Raises:
        ValueError: A row has an unknown split or an empty field.
    """
    messages: list[LabelledMessage] = []
    with (data_dir / "messages.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            split = row["split"]
            if split not in ("train", "heldout") or not all(row.values()):
                raise ValueError(f"messages.csv, line {number}: bad split or empty field")
            messages.append(
                LabelledMessage(split, row["channel"], row["intent"], row["product"], row["text"])
            )
    return messages
