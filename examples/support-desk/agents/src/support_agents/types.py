"""What the agents and the conversation tell each other: inputs and results of the activities.

The TypeScript twin of this file is ``conversation/src/agents.ts``.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Classification:
    """What a customer wants, as far as the text says.

    Attributes:
        intent: One of the labels in data/messages.csv, such as "order_status".
        product: Product category, such as "tents"; "none" if no product is meant.
        order: Order number such as "NT-20481", if the text has one.
        name: Name by which customers introduce themselves, if they do.
        confidence: Probability of the intent, 0 to 1.
        upset: The customer is angry: no time to sell anything.
        human: They ask for a person.
    """

    intent: str
    product: str
    order: str | None
    name: str | None
    confidence: float
    upset: bool
    human: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An order, as customers may see it.

    Attributes:
        number: Order number, such as "NT-20481".
        customer: The customer's name.
        items: Names of the products.
        category: Category of the first product.
        total: What was paid, in pounds.
        status: processing, packed, shipped, out_for_delivery, delayed, delivered, returned,
            refunded or canceled.
        ordered: Days since it was placed.
        arrives: Days until it arrives; none if it is not on its way.
        carrier: Who carries it; none before it is shipped.
        payment: How it was paid: card or gift card.
    """

    number: str
    customer: str
    items: list[str]
    category: str
    total: float
    status: str
    ordered: int
    arrives: int | None
    carrier: str | None
    payment: str = "card"


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What an agent is asked to answer.

    Attributes:
        text: The customer's messages of this turn, one per line.
        channel: Channel they came in by: chat, email, sms.
        intent: See Classification.
        product: See Classification.
        confidence: See Classification.
        upset: See Classification.
        number: Order number the customer gave, now or earlier in the conversation.
        order: The order behind it; none if there is no such order.
    """

    text: str
    channel: str
    intent: str
    product: str = "none"
    confidence: float = 1.0
    upset: bool = False
    number: str | None = None
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back to a customer.

    Attributes:
        number: Order that it was paid for.
        amount: How much, in pounds.
    """

    number: str
    amount: float


@dataclass(frozen=True, slots=True)
class CancellationStep:
    """A step of a cancellation, or the compensation of one.

    Attributes:
        reference: Id of the cancellation: what is done under it is done once, and undone under it.
        number: The order.
    """

    reference: str
    number: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An agent's part of the answer.

    Attributes:
        agent: Who wrote it: support or sales.
        text: What it says; if something is missing, the question to the customer.
        missing: What the agent needs to answer; ["order"] or empty.
    """

    agent: str
    text: str
    missing: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """The drafts that the Manager makes one answer of.

    Attributes:
        support: The draft that leads: Support's, or that of the agent that writes first.
        sales: Sales' draft, if it has something to say.
        channel: Channel of the customer's last message.
        name: The customer's name, if known.
        upset: See Classification.
    """

    support: Draft
    sales: Draft | None
    channel: str
    name: str | None = None
    upset: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer gets.

    Attributes:
        text: The text.
        channel: Channel to send it by.
    """

    text: str
    channel: str
