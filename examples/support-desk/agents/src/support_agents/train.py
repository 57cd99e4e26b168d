"""Trains the classifiers and reports how they do on messages they have not seen.

    python -m support_agents.train [--force]

Takes a few seconds. Does nothing if the model fits the data and the code already.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support_agents import model as models
from support_agents.messages import read_messages
from support_agents.settings import read_settings
from support_agents.shop import load_shop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support_agents.messages import LabelledMessage

ACCURACY_MIN = 0.85


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Labels and predictions of one classifier on the held-out messages.

    Attributes:
        pairs: (true label, predicted label) per message.
    """

    pairs: list[tuple[str, str]]

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0 to 1."""
        return sum(truth == guess for truth, guess in self.pairs) / len(self.pairs)

    def table(self) -> str:
        """Precision, recall and number of messages per label."""
        true = Counter(truth for truth, _ in self.pairs)
        guessed = Counter(guess for _, guess in self.pairs)
        right = Counter(truth for truth, guess in self.pairs if truth == guess)
        lines = [f"  {'label':<18}{'precision':>10}{'recall':>8}{'messages':>10}"]
        for label in sorted(true):
            precision = right[label] / guessed[label] if guessed[label] else 0.0
            recall = right[label] / true[label]
            lines.append(f"  {label:<18}{precision:>10.2f}{recall:>8.2f}{true[label]:>10}")
        return "\n".join(lines)


def evaluate(
    model: models.Model, messages: Sequence[LabelledMessage]
) -> tuple[Evaluation, Evaluation]:
    """How well intents and products of the held-out messages are told."""
    heldout = [message for message in messages if message.split == "heldout"]
    intents = [(message.intent, model.intent(message.text).label) for message in heldout]
    products = [(message.product, model.product(message.text).label) for message in heldout]
    return Evaluation(intents), Evaluation(products)


def main() -> int:
    """Trains if needed; exit code 1 if the model is not good enough to use."""
    parser = argparse.ArgumentParser(prog="support_agents.train", description=__doc__)
    parser.add_argument("--force", action="store_true", help="train even if up to date")
    arguments = parser.parse_args()
    settings = read_settings()
    digest = models.digest_of(settings.data_dir)
    if not arguments.force:
        try:
            models.load(settings.model_dir, digest)
        except models.ModelMissingError:
            pass
        else:
            print(f"the model in {settings.model_dir} is up to date")
            return 0
    messages = read_messages(settings.data_dir)
    started = time.monotonic()
    model = models.train(messages, load_shop(settings.data_dir))
    seconds = time.monotonic() - started
    intents, products = evaluate(model, messages)
    trained = sum(message.split == "train" for message in messages)
    print(f"trained on {trained} messages in {seconds:.1f} s")
    for name, evaluation in (("intent", intents), ("product", products)):
        count = len(evaluation.pairs)
        print(f"{name}: accuracy {evaluation.accuracy:.3f} on {count} held-out messages")
        print(evaluation.table())
    if min(intents.accuracy, products.accuracy) < ACCURACY_MIN:
        print(f"below {ACCURACY_MIN}: not saved", file=sys.stderr)
        return 1
    models.save(model, settings.model_dir, digest)
    print(f"saved in {settings.model_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
