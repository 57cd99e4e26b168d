"""The classifiers: good enough on messages they have not seen, and the same every time."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from support_agents import model as models
from support_agents.activities import classification_of
from support_agents.messages import LabelledMessage, read_messages
from support_agents.model import Model
from support_agents.shop import Shop
from support_agents.train import ACCURACY_MIN, evaluate
from tests.conftest import DATA_DIR


def test_held_out_messages_are_told_apart(model: Model, messages: list[LabelledMessage]) -> None:
    intents, products = evaluate(model, messages)
    assert intents.accuracy >= ACCURACY_MIN
    assert products.accuracy >= ACCURACY_MIN
    assert len(intents.pairs) >= 150


def test_the_data_covers_every_label_in_both_splits(messages: list[LabelledMessage]) -> None:
    counts = Counter((message.intent, message.split) for message in messages)
    intents = {message.intent for message in messages}
    assert len(messages) >= 1000
    assert len(intents) == 10
    assert all(counts[intent, "heldout"] >= 12 for intent in intents)
    assert all(counts[intent, "train"] >= 60 for intent in intents)
    assert {message.channel for message in messages} == {"chat", "email", "sms"}


def test_no_held_out_message_has_a_near_duplicate_in_training(
    messages: list[LabelledMessage],
) -> None:
    def trigrams(text: str) -> set[str]:
        plain = " " + re.sub(r"\W+", " ", text.lower()).strip() + " "
        return {plain[index : index + 3] for index in range(len(plain) - 2)}

    trained = [trigrams(m.text) for m in messages if m.split == "train"]
    for message in messages:
        if message.split == "heldout":
            own = trigrams(message.text)
            closest = max(len(own & other) / len(own | other) for other in trained)
            assert closest < 0.7, message.text


def test_training_twice_gives_the_same_model(
    model: Model, messages: list[LabelledMessage], shop: Shop
) -> None:
    again = models.train(messages, shop)
    for message in messages[:50]:
        assert again.intent(message.text) == model.intent(message.text)


def test_a_model_is_loaded_as_it_was_saved(tmp_path: Path, model: Model) -> None:
    models.save(model, tmp_path, "digest")
    loaded = models.load(tmp_path, "digest")
    assert loaded.intent("where is my parcel") == model.intent("where is my parcel")
    assert loaded.product("my tent leaks") == model.product("my tent leaks")


def test_a_model_of_other_data_is_refused(tmp_path: Path, model: Model) -> None:
    with pytest.raises(models.ModelMissingError, match="no model"):
        models.load(tmp_path, "digest")
    models.save(model, tmp_path, "digest")
    with pytest.raises(models.ModelMissingError, match="out of date"):
        models.load(tmp_path, "another")


def test_a_row_with_an_unknown_split_is_refused(tmp_path: Path) -> None:
    header = (DATA_DIR / "messages.csv").read_text().splitlines()[0]
    (tmp_path / "messages.csv").write_text(f"{header}\nboth,chat,other,none,hm\n")
    with pytest.raises(ValueError, match="line 2"):
        read_messages(tmp_path)


@pytest.mark.parametrize(
    ("text", "intent", "product", "order", "upset"),
    [
        ("hi\nwhere is my tent?\norder 20547", "order_status", "tents", "NT-20547", False),
        ("pls cancel NT 20482", "cancel_order", "none", "NT-20482", False),
        ("Is the rain jacket waterproof?", "product_question", "jackets", None, False),
        ("this is ridiculous, the boots fell apart!!", "complaint", "shoes", None, True),
    ],
)
def test_a_text_is_classified(
    model: Model, text: str, intent: str, product: str, order: str | None, upset: bool
) -> None:
    found = classification_of(model, text)
    assert (found.intent, found.product, found.order) == (intent, product, order)
    assert found.upset is upset
    assert 0 < found.confidence <= 1
