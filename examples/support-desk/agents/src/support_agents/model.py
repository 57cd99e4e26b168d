"""The two text classifiers: what a customer wants, and which product it is about.

Each is a logistic regression over words, word pairs and character n-grams. This is the only
module that touches scikit-learn, which has no type stubs: what comes from there is pinned down
by the protocol below.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import joblib
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from support_agents import wording
from support_agents.messages import LabelledMessage
from support_agents.shop import Shop

_PARTS = ("intent", "product")
_META_FILE = "model.json"


class _Classifier(Protocol):
    """What is used of a fitted scikit-learn pipeline."""

    classes_: Sequence[str]

    def predict_proba(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A row per text: the probability of each class, in the order of ``classes_``."""
        ...


class ModelMissingError(RuntimeError):
    """There is no trained model, or it was trained by other code or from other data."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable label of a text.

    Attributes:
        label: The label.
        probability: Its probability, 0 to 1.
    """

    label: str
    probability: float


class Model:
    """Both classifiers, ready to use. Safe to share between threads: it is only read."""

    def __init__(self, intent: _Classifier, product: _Classifier) -> None:
        self._intent = intent
        self._product = product

    def intent(self, text: str) -> Prediction:
        """What the writer wants."""
        return _best(self._intent, text)

    def product(self, text: str) -> Prediction:
        """The product category that the text is about."""
        return _best(self._product, text)

    def parts(self) -> tuple[object, object]:
        """The fitted classifiers of intent and product, to be written to disk."""
        return self._intent, self._product


def train(messages: Sequence[LabelledMessage], shop: Shop) -> Model:
    """Fits both classifiers on the training part of the messages; the same every time.

    The product classifier also learns the catalogue: names and kinds of the products.
    """
    examples = [message for message in messages if message.split == "train"]
    texts = [message.text for message in examples]
    catalogue = shop.catalogue_texts()
    intent = _pipeline().fit(texts, [message.intent for message in examples])
    product = _pipeline().fit(
        texts + [text for text, _ in catalogue],
        [message.product for message in examples] + [category for _, category in catalogue],
    )
    return Model(cast("_Classifier", intent), cast("_Classifier", product))


def save(model: Model, model_dir: Path, digest: str) -> None:
    """Writes the model and the digest of what it was trained from.

    The digest is written last: a directory without it counts as having no model.
    """
    model_dir.mkdir(parents=True, exist_ok=True)
    meta = model_dir / _META_FILE
    meta.unlink(missing_ok=True)
    for part, classifier in zip(_PARTS, model.parts(), strict=True):
        joblib.dump(classifier, model_dir / f"{part}.joblib", compress=3)
    meta.write_text(json.dumps({"digest": digest, "scikit_learn": sklearn.__version__}) + "\n")


def load(model_dir: Path, digest: str) -> Model:
    """Loads a model that ``save`` wrote. Load only what you trained: it is a pickle.

    Raises:
        ModelMissingError: There is none, or it does not fit the digest.
    """
    hint = "run `python -m support_agents.train` first"
    try:
        meta = json.loads((model_dir / _META_FILE).read_text())
    except FileNotFoundError:
        raise ModelMissingError(f"no model in {model_dir}: {hint}") from None
    if meta != {"digest": digest, "scikit_learn": sklearn.__version__}:
        raise ModelMissingError(f"the model in {model_dir} is out of date: {hint}")
    parts = [joblib.load(model_dir / f"{part}.joblib") for part in _PARTS]
    return Model(cast("_Classifier", parts[0]), cast("_Classifier", parts[1]))


def digest_of(data_dir: Path) -> str:
    """Digest of what a model depends on: the data, and the code that reads text."""
    digest = hashlib.sha256()
    sources = [data_dir / "messages.csv", data_dir / "products.json"]
    for path in [*sources, Path(__file__), Path(wording.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _pipeline() -> Pipeline:
    words = TfidfVectorizer(
        preprocessor=wording.normalised,
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106
        ngram_range=(1, 2),
        sublinear_tf=True,
    )
    characters = TfidfVectorizer(
        preprocessor=wording.normalised,
        analyzer="char_wb",
        ngram_range=(2, 5),
        sublinear_tf=True,
    )
    classifier = LogisticRegression(C=10, max_iter=2000, class_weight="balanced", random_state=7)
    return make_pipeline(make_union(words, characters), classifier)


def _best(classifier: _Classifier, text: str) -> Prediction:
    row = classifier.predict_proba([text])[0]
    index = max(range(len(row)), key=row.__getitem__)
    return Prediction(str(classifier.classes_[index]), float(row[index]))
