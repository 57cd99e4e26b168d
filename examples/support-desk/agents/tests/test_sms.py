"""The SMS adapter and its webhook against a real gateway on loopback that has bad days."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from support_agents.channels.outgoing import NotSentError, Outgoing
from support_agents.channels.receipts import Outcome, Receipt, ReceiptServer, signature
from support_agents.channels.sms import SmsAdapter, SmsSettings
from support_agents.stand_ins.gateway import Gateway, Mishap

TEXT = Outgoing("customer 7/ü", "customer-7/3", "+447700900123", "NT-20490 comes today.")
SECRET = "between us"  # noqa: S105  of the tests


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway(secret=SECRET)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Desk:
    """What the coordinator is for the webhook."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.answers: list[Outcome] = []

    def report(self, receipt: Receipt) -> Outcome:
        self.receipts.append(receipt)
        return self.answers.pop(0) if self.answers else Outcome.TAKEN


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def webhook(desk: Desk) -> Iterator[ReceiptServer]:
    server = ReceiptServer(("127.0.0.1", 0), SECRET, desk.report)
    server.start()
    yield server
    server.stop()


def adapter(gateway: Gateway, receipts_url: str = "", timeout_s: float = 5.0) -> SmsAdapter:
    return SmsAdapter(SmsSettings(gateway.base_url, "key-1", receipts_url, timeout_s))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "it did not happen within 5 s"
        time.sleep(0.01)


def test_a_text_message_is_handed_over(gateway: Gateway) -> None:
    sent = adapter(gateway).send(TEXT)
    (text,) = gateway.texts
    assert (text.id, text.key, text.to) == (sent.provider_message_id, TEXT.key, TEXT.address)
    assert text.text == TEXT.text
    assert gateway.headers_seen[0]["authorization"] == "Bearer key-1"


@pytest.mark.parametrize(
    ("mishap", "retryable"),
    [(500, True), (503, True), (429, True), (409, True), (400, False), (401, False)],
)
def test_an_error_status_means_not_sent(gateway: Gateway, mishap: Mishap, retryable: bool) -> None:
    gateway.mishaps.append(mishap)
    with pytest.raises(NotSentError, match=str(mishap)) as raised:
        adapter(gateway).send(TEXT)
    assert raised.value.retryable is retryable


def test_the_wish_to_wait_is_handed_on(gateway: Gateway) -> None:
    gateway.mishaps.append(429)
    gateway.retry_after = "7"
    with pytest.raises(NotSentError) as raised:
        adapter(gateway).send(TEXT)
    assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize("mishap", ["refused", "lost"])
def test_an_attempt_without_an_answer_can_be_repeated_and_leaves_once(
    gateway: Gateway, mishap: Mishap
) -> None:
    gateway.mishaps.append(mishap)
    sms = adapter(gateway)
    with pytest.raises(NotSentError, match="no answer") as raised:
        sms.send(TEXT)
    assert raised.value.retryable
    sent = sms.send(TEXT)
    assert [text.id for text in gateway.texts] == [sent.provider_message_id]


def test_a_slow_gateway_is_given_up_in_time_and_known_when_asked_again(gateway: Gateway) -> None:
    gateway.delay_s = 0.5
    with pytest.raises(NotSentError, match="timed out"):
        adapter(gateway, timeout_s=0.1).send(TEXT)
    until(lambda: len(gateway.texts) == 1)
    sent = adapter(gateway).send(TEXT)
    assert len(gateway.texts) == 1
    assert sent.provider_message_id == gateway.texts[0].id


def test_a_message_whose_sender_was_lost_can_be_found(gateway: Gateway) -> None:
    sms = adapter(gateway)
    assert sms.find(TEXT.key) is None
    assert sms.find(TEXT.key) != sms.send(TEXT)
    assert sms.find(TEXT.key) == sms.send(TEXT)


def test_an_endless_text_is_never_sent(gateway: Gateway) -> None:
    with pytest.raises(NotSentError) as raised:
        adapter(gateway).send(Outgoing("c", "k", "+44", "x" * 1601))
    assert not raised.value.retryable


def test_receipts_say_which_message_of_which_conversation(
    gateway: Gateway, webhook: ReceiptServer, desk: Desk
) -> None:
    gateway.receipts = ("sent", "delivered", "delivered", "read")
    sent = adapter(gateway, webhook.url).send(TEXT)
    until(lambda: len(desk.receipts) == 4)
    assert {receipt.conversation_id for receipt in desk.receipts} == {TEXT.conversation_id}
    assert {receipt.provider_message_id for receipt in desk.receipts} == {sent.provider_message_id}
    statuses = [receipt.status for receipt in desk.receipts]
    assert statuses == ["accepted", "delivered", "delivered", "read"]


def test_a_receipt_that_the_coordinator_does_not_have_yet_comes_again(
    gateway: Gateway, webhook: ReceiptServer, desk: Desk
) -> None:
    desk.answers = [Outcome.UNKNOWN, Outcome.LATER]
    adapter(gateway, webhook.url).send(TEXT)
    until(lambda: gateway.reported[-1:] == [204])
    assert gateway.reported == [404, 503, 204]


GOOD = b'{"id": "sms-1", "status": "delivered"}'


@pytest.mark.parametrize(
    ("path", "body", "secret", "status"),
    [
        ("/receipts?conversation=c", GOOD, SECRET, 204),
        ("/receipts?conversation=c", GOOD, "guessed", 403),
        ("/receipts", GOOD, SECRET, 400),
        ("/other?conversation=c", GOOD, SECRET, 404),
        ("/receipts?conversation=c", b"no json", SECRET, 400),
        ("/receipts?conversation=c", b"[]", SECRET, 400),
        ("/receipts?conversation=c", b'{"id": "sms-1", "status": "eaten"}', SECRET, 400),
        ("/receipts?conversation=c", b'{"id": 7, "status": "delivered"}', SECRET, 400),
        ("/receipts?conversation=c", b"x" * 20_000, SECRET, 413),
    ],
)
def test_only_the_gateway_can_report_and_only_receipts(
    webhook: ReceiptServer, desk: Desk, path: str, body: bytes, secret: str, status: int
) -> None:
    assert post(webhook, path, body, secret) == status
    assert len(desk.receipts) == (1 if status == 204 else 0)


def test_a_receipt_cannot_be_moved_to_another_conversation(webhook: ReceiptServer) -> None:
    seal = signature(SECRET, "conversation=a", GOOD)
    assert post(webhook, "/receipts?conversation=b", GOOD, seal=seal) == 403


def post(webhook: ReceiptServer, path: str, body: bytes, secret: str = "", seal: str = "") -> int:
    host = webhook.url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=5)
    seal = seal or signature(secret, path.partition("?")[2], body)
    connection.request("POST", path, body, {"x-signature": seal})
    status = connection.getresponse().status
    connection.close()
    return status
