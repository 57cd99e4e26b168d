"""The shop's database: products, customers, orders and gift cards, from the JSON files in data/."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support_agents.types import Order

if TYPE_CHECKING:
    from pathlib import Path

_WORD = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue.

    Attributes:
        id: Its id.
        name: Its name.
        category: shoes, jackets, backpacks, tents or stoves.
        kind: What it is, in words; "accessory" for those.
        price: Price in pounds.
        stock: Pieces in stock.
        facts: What is known about it, by topic.
        accessory: Id of the accessory that goes with it, if any.
    """

    id: str
    name: str
    category: str
    kind: str
    price: float
    stock: int
    facts: dict[str, str]
    accessory: str | None


# Words by which customers ask for a topic of `Product.facts`, beside its own name.
_TOPIC_WORDS = {
    "waterproof": "waterproof rain wet water hydrostatic watertight",
    "weight": "weigh weighs heavy light lighter lightest",
    "size": "sizes fit fits large small medium",
    "wide": "width narrow",
    "winter": "snow cold",
    "warm": "warmth cold winter insulated",
    "colour": "color colours red green blue black",
    "wash": "washing clean care",
    "litres": "liters litre capacity volume 40l 65l",
    "cabin": "carry hand luggage airline ryanair plane",
    "persons": "people person sleep sleeps family kids children dog",
    "pitch": "pitching setup alone",
    "height": "tall high",
    "pegs": "peg poles footprint include included",
    "gas": "cartridge cartridges fuel butane",
    "petrol": "fuel gas",
    "boil": "boiling fast time",
    "indoors": "inside indoor tent",
    "pots": "pot pan",
    "altitude": "3000m mountains",
    "plane": "fly flight airport",
    "hydration": "bladder drink",
    "sole": "soles vibram resoleable",
    "pfas": "pfc chemicals",
    "hood": "helmet",
    "pit": "ventilation breathable zips",
    "wind": "windy storm windproof",
    "laptop": "computer",
    "cover": "raincover",
    "back": "length adjust adjustable",
    "ignition": "piezo lighter lights",
    "simmer": "flame",
    "mud": "muddy grip",
    "women": "womens ladies",
}


class Shop:
    """Look-ups in the database. Read-only."""

    def __init__(
        self,
        products: list[Product],
        customers: dict[str, str],
        orders: list[dict[str, Any]],
        gift_cards: dict[str, int],
    ) -> None:
        self._products = {product.id: product for product in products}
        cards = {row["number"]: row.get("gift_card") for row in orders}
        self._card_days = {number: gift_cards[card] for number, card in cards.items() if card}
        self._orders = {row["number"]: self._order(row, customers) for row in orders}

    def order(self, number: str) -> Order | None:
        """The order with a number such as "NT-20481", if there is one."""
        return self._orders.get(number)

    def gift_card_expired(self, number: str) -> bool:
        """Whether an order was paid by a gift card that has expired since."""
        return self._card_days.get(number, 0) < 0

    def accessory_for(self, category: str) -> Product | None:
        """The accessory that goes with most products of a category, if any is in stock."""
        products = [p for p in self._products.values() if p.category == category]
        for product in products:
            if product.accessory and self._products[product.accessory].stock > 0:
                return self._products[product.accessory]
        return None

    def best_match(self, category: str, text: str) -> Product | None:
        """The product of a category that a text most likely means; "none" searches all.

        First the one whose name stands in the text; then the one that has most of what the
        text asks for; in doubt the one with the most pieces in stock.
        """
        words = set(_WORD.findall(text.lower()))
        candidates = [
            product
            for product in self._products.values()
            if product.kind != "accessory"
            and (product.category == category or _named(product, words))
        ]
        if not candidates:
            return None

        def rank(product: Product) -> tuple[bool, int, int]:
            kind = sum(word in words for word in product.kind.lower().split())
            return _named(product, words), kind + len(_asked_topics(product, words)), product.stock

        return max(candidates, key=rank)

    def facts_asked(self, product: Product, text: str) -> list[str]:
        """What the catalogue says about the topics that a text asks about; at most two."""
        words = set(_WORD.findall(text.lower()))
        return [product.facts[topic] for topic in _asked_topics(product, words)[:2]]

    def catalogue_texts(self) -> list[tuple[str, str]]:
        """Texts that name each product, with its category."""
        return [
            (f"{product.name} {'' if product.kind == 'accessory' else product.kind}".strip(),
             product.category)
            for product in self._products.values()
        ]  # fmt: skip

    def _order(self, row: dict[str, Any], customers: dict[str, str]) -> Order:
        items = [self._products[item] for item in row["items"]]
        return Order(
            number=row["number"],
            customer=customers[row["customer"]],
            items=[item.name for item in items],
            category=items[0].category,
            total=row["total"],
            status=row["status"],
            ordered=row["ordered_days_ago"],
            arrives=row["arrives_in_days"],
            carrier=row["carrier"],
            payment="gift card" if row.get("gift_card") else "card",
        )


def load_shop(data_dir: Path) -> Shop:
    """Reads products.json, customers.json, orders.json and gift_cards.json.

    Raises:
        KeyError: An order names a product, customer or gift card that does not exist.
    """
    products = [Product(**row) for row in _rows(data_dir / "products.json")]
    customers = {row["id"]: row["name"] for row in _rows(data_dir / "customers.json")}
    gift_cards = {
        row["code"]: row["expires_in_days"] for row in _rows(data_dir / "gift_cards.json")
    }
    return Shop(products, customers, _rows(data_dir / "orders.json"), gift_cards)


def _rows(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


def _named(product: Product, words: set[str]) -> bool:
    # "Traverse 40" is named by "traverse"; the number alone says little.
    return any(word in words for word in product.name.lower().split() if not word.isdigit())


def _asked_topics(product: Product, words: set[str]) -> list[str]:
    return [
        topic
        for topic in product.facts
        if topic in words or words & set(_TOPIC_WORDS.get(topic, "").split())
    ]
