"""The activities of the support desk: thin wrappers around the agents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from everturn import ApplicationError, activity

from support_agents import extraction, faults, llm, merging, prompts, speaking, usage, wording
from support_agents import model as models
from support_agents.back_office import BackOffice
from support_agents.drafting import draft_support
from support_agents.selling import draft_sales
from support_agents.settings import Settings
from support_agents.shop import Shop
from support_agents.types import (
    Answer,
    Classification,
    Draft,
    Inquiry,
    MergeRequest,
    Order,
)

TASK_QUEUE = "agents"

# Below this probability a complaint is too much of a guess to call the customer upset.
_UPSET_PROBABILITY_MIN = 0.4


class Agents:
    """The activities, with the model and the shop they share. One per process."""

    def __init__(self, model: models.Model, shop: Shop, settings: Settings) -> None:
        self._model = model
        self._shop = shop
        self._settings = settings
        self._office = BackOffice(settings.back_office)

    def activities(self) -> list[Callable[..., Any]]:
        """Everything that a worker of the task queue serves."""
        return [
            self.classify,
            self.lookup_order,
            self.draft_support,
            self.draft_sales,
            self.merge_drafts,
        ]

    @activity
    def classify(self, text: str) -> Classification:
        """What a customer wants, which product it is about, and the facts in the text."""
        faults.strike_attempt(self._settings.faults)
        return classification_of(self._model, text)

    @activity
    def lookup_order(self, number: str) -> Order | None:
        """The order with a number such as "NT-20481"; none if there is none."""
        faults.strike_attempt(self._settings.faults)
        order = self._shop.order(number)
        return self._office.current(order) if order else None

    @activity
    def draft_support(self, inquiry: Inquiry) -> Draft:
        """Support's part of the answer; says when the order is missing."""
        faults.strike_attempt(self._settings.faults)
        return self._worded(draft_support(inquiry, self._shop), inquiry)

    @activity
    def draft_sales(self, inquiry: Inquiry) -> Draft | None:
        """Sales' part of the answer: a fitting suggestion, or none."""
        faults.strike_attempt(self._settings.faults)
        draft = draft_sales(inquiry, self._shop)
        return self._worded(draft, inquiry) if draft else None

    @activity
    def merge_drafts(self, request: MergeRequest) -> Answer:
        """The Manager's answer: both drafts as one, and the channel to send it by."""
        faults.strike_attempt(self._settings.faults)
        answer = merging.merge(request)
        # A text message has no room for a model's taste.
        if self._settings.llm is None or answer.channel == "sms" or request.sales is None:
            self._say(answer.text)
            return answer
        return replace(answer, text=self._ask(prompts.merge(request, answer.text)))

    def _worded(self, draft: Draft, inquiry: Inquiry) -> Draft:
        """The draft, in the words of the language model if there is one."""
        if self._settings.llm is None:
            self._say(draft.text)
            return draft
        return replace(draft, text=self._ask(prompts.rewrite(draft, inquiry)))

    def _say(self, text: str) -> None:
        """Streams a template; its words count as the tokens of a model would."""
        words = speaking.say(text, self._settings.word_ms)
        usage.report(self._settings.prices, 0, words)

    def _ask(self, prompt: tuple[str, str]) -> str:
        assert self._settings.llm is not None  # noqa: S101  callers checked
        context = speaking.current()
        try:
            completion = llm.complete(
                self._settings.llm, *prompt, on_text=context.stream if context else None
            )
        except llm.LlmError as error:
            raise ApplicationError(
                str(error),
                type="LlmError",
                non_retryable=not error.retryable,
                retry_after=error.retry_after_s,
            ) from error
        usage.report(self._settings.prices, completion.input_tokens, completion.output_tokens)
        return completion.text


def classification_of(model: models.Model, text: str) -> Classification:
    """Both classifiers and the literal facts of a text, put together."""
    intent = model.intent(text)
    return Classification(
        intent=intent.label,
        product=model.product(text).label,
        order=extraction.order_number(text),
        name=extraction.customer_name(text),
        confidence=round(intent.probability, 3),
        upset=wording.sounds_upset(text)
        or (intent.label == "complaint" and intent.probability >= _UPSET_PROBABILITY_MIN),
        human=wording.asks_for_human(text),
    )


def load_agents(settings: Settings, shop: Shop) -> Agents:
    """Loads the model.

    Raises:
        ModelMissingError: The model was not trained yet, or is out of date.
    """
    model = models.load(settings.model_dir, models.digest_of(settings.data_dir))
    return Agents(model, shop, settings)
