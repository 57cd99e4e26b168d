"""The activities as a worker runs them: JSON in, JSON out, failures with a type."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from everturn import ApplicationError, JsonPayloadConverter, PayloadError, Worker
from everturn.v1.payload_pb2 import Payload

from support_agents.activities import Agents
from support_agents.model import Model
from support_agents.settings import read_settings
from support_agents.shop import Shop
from support_agents.types import Draft, Inquiry, MergeRequest
from tests.endpoint import Endpoint


@pytest.fixture
def agents(model: Model, shop: Shop) -> Agents:
    return Agents(model, shop, read_settings({}))


def over_the_wire(activity: Callable[[Any], object], value: object) -> Any:
    """Calls an activity with a JSON value, as the TypeScript SDK sends it."""
    converter = JsonPayloadConverter()
    hints = typing.get_type_hints(activity)
    hints.pop("return")
    (hint,) = hints.values()
    argument = converter.decode(Payload(data=json.dumps(value).encode()), hint)
    return json.loads(converter.encode(activity(argument)).data)


def test_a_turn_goes_through_all_activities_as_json(agents: Agents) -> None:
    found = over_the_wire(agents.classify, "Hi, my name is Ines. Where are my boots? NT-20481")
    assert found["intent"] == "order_status"
    assert (found["order"], found["name"], found["upset"]) == ("NT-20481", "Ines", False)
    order = over_the_wire(agents.lookup_order, found["order"])
    assert order["items"] == ["Ridge Walker"]
    inquiry = {
        "text": "Where are my boots?", "channel": "email", "intent": found["intent"],
        "product": found["product"], "confidence": found["confidence"], "upset": found["upset"],
        "number": found["order"], "order": order,
    }  # fmt: skip
    support = over_the_wire(agents.draft_support, inquiry)
    assert support["missing"] == []
    sales = over_the_wire(agents.draft_sales, inquiry)
    assert sales["agent"] == "sales"
    request = {"support": support, "sales": sales, "channel": "email", "name": "Ines"}
    answer = over_the_wire(agents.merge_drafts, request)
    assert answer["channel"] == "email"
    assert "NT-20481 (Ridge Walker) is on its way" in answer["text"]
    assert "Boot wax" in answer["text"]


def test_nothing_to_say_is_null(agents: Agents) -> None:
    assert over_the_wire(agents.lookup_order, "NT-99999") is None
    quiet = {"text": "awful", "channel": "chat", "intent": "complaint", "upset": True}
    assert over_the_wire(agents.draft_sales, quiet) is None


def test_an_input_of_the_wrong_shape_is_refused(agents: Agents) -> None:
    with pytest.raises(PayloadError):
        over_the_wire(agents.draft_support, {"text": 7, "channel": "chat", "intent": "other"})


def test_a_worker_takes_the_activities(agents: Agents) -> None:
    activities = [agents.classify, agents.lookup_order, agents.draft_support]
    assert Worker(activities=activities, task_queue="agents", identity="w-1").identity == "w-1"


def test_drafts_and_answers_are_worded_by_the_language_model(
    agents: Agents, model: Model, shop: Shop, endpoint: Endpoint
) -> None:
    worded = Agents(model, shop, replace(read_settings({}), llm=endpoint.settings()))
    inquiry = Inquiry("where is it", "chat", "order_status")
    draft = worded.draft_support(inquiry)
    assert draft.text == "Hello from the model."
    assert draft.missing == agents.draft_support(inquiry).missing == ["order"]
    sales = Draft("sales", "Boot wax, £9.00.")
    assert worded.merge_drafts(MergeRequest(draft, sales, "chat")).text == "Hello from the model."
    short = worded.merge_drafts(MergeRequest(Draft("support", "Today."), sales, "sms"))
    assert short.text == "Today. Boot wax, £9.00."


@pytest.mark.parametrize(("status", "non_retryable"), [(503, False), (401, True)])
def test_a_failing_language_model_fails_the_attempt_with_a_type(
    model: Model, shop: Shop, endpoint: Endpoint, status: int, non_retryable: bool
) -> None:
    endpoint.status = status
    endpoint.headers = {"retry-after": "2"}
    worded = Agents(model, shop, replace(read_settings({}), llm=endpoint.settings()))
    with pytest.raises(ApplicationError) as raised:
        worded.draft_support(Inquiry("hi", "chat", "greeting"))
    assert raised.value.type == "LlmError"
    assert raised.value.non_retryable is non_retryable
    assert raised.value.retry_after == (None if non_retryable else 2.0)
