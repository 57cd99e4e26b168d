"""The adapters as deliveries: which failure means what, and receipts on their way back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import grpc
import pytest
from everturn import (
    ApplicationError,
    AuthorKind,
    Client,
    Delivery,
    DeliveryUnknownError,
    InReplyTo,
    Message,
    RetryOptions,
    Worker,
)
from everturn.v1 import conversation_service_pb2 as pb
from everturn.v1 import conversation_service_pb2_grpc as pb_grpc
from everturn.v1 import message_pb2

from support_agents.channels.deliveries import MailDeliveries, Reporter, SmsDeliveries
from support_agents.channels.receipts import Outcome, Receipt
from support_agents.channels.settings import read_channel_settings
from support_agents.channels.sms import SmsAdapter, SmsSettings
from support_agents.settings import SettingsError
from support_agents.stand_ins.gateway import Gateway
from support_agents.stand_ins.mailbox import Mailbox
from tests import test_mail, test_sms

mailbox = test_mail.mailbox
gateway = test_sms.gateway


def a_delivery(address: str, *, reconcile: bool = False) -> Delivery:
    message = Message(
        sequence=3,
        author_kind=AuthorKind.AGENT,
        author_name="manager",
        channel="sms",
        provider_message_id="",
        text="NT-20490 comes today.",
        data=None,
        attributes={},
        create_time=datetime.now(UTC),
        turn=1,
    )
    return Delivery("customer-7", message, address, "customer-7/3", reconcile, 1)


def mail(box: Mailbox) -> MailDeliveries:
    return MailDeliveries(test_mail.adapter(box.port))


def sms(provider: Gateway) -> SmsDeliveries:
    return SmsDeliveries(SmsAdapter(SmsSettings(provider.base_url)))


def test_an_email_is_delivered_and_its_id_kept(mailbox: Mailbox) -> None:
    receipt = mail(mailbox).deliver(a_delivery("ines@example.com"))
    assert [letter["Message-ID"] for letter in mailbox.emails] == [receipt.provider_message_id]


def test_an_email_is_in_the_thread_that_it_answers(mailbox: Mailbox) -> None:
    thread = InReplyTo(("<2@home>",), "Parcel", ("<1@home>", "<2@home>"))
    mail(mailbox).deliver(replace(a_delivery("ines@example.com"), in_reply_to=thread))
    (letter,) = mailbox.emails
    found = (letter["Subject"], letter["In-Reply-To"], letter["References"])
    assert found == ("Re: Parcel", "<2@home>", "<1@home> <2@home>")


@pytest.mark.parametrize(("answer", "is_final"), [("451 later", False), ("554 never", True)])
def test_a_refused_email_is_a_failure(mailbox: Mailbox, answer: str, is_final: bool) -> None:
    mailbox.mishaps.append(answer)
    with pytest.raises(ApplicationError, match=answer) as raised:
        mail(mailbox).deliver(a_delivery("ines@example.com"))
    assert raised.value.non_retryable is is_final


def test_an_email_that_may_have_left_is_unknown(mailbox: Mailbox) -> None:
    mailbox.mishaps.append("lost")
    with pytest.raises(DeliveryUnknownError):
        mail(mailbox).deliver(a_delivery("ines@example.com"))


def test_an_email_that_left_with_a_lost_attempt_is_not_sent_again(mailbox: Mailbox) -> None:
    deliveries = mail(mailbox)
    never_begun = a_delivery("ines@example.com", reconcile=True)
    receipt = deliveries.deliver(never_begun)
    assert deliveries.deliver(never_begun) == receipt
    assert len(mailbox.emails) == 1


def test_a_text_message_leaves_once_over_lost_attempts(gateway: Gateway) -> None:
    gateway.mishaps.append("lost")
    with pytest.raises(ApplicationError) as raised:
        sms(gateway).deliver(a_delivery("+44"))
    assert not raised.value.non_retryable
    receipt = sms(gateway).deliver(a_delivery("+44"))
    again = sms(gateway).deliver(a_delivery("+44", reconcile=True))
    assert [text.id for text in gateway.texts] == [receipt.provider_message_id]
    assert again == receipt


def test_a_lost_text_message_that_the_gateway_does_not_have_is_sent(gateway: Gateway) -> None:
    sms(gateway).deliver(a_delivery("+44", reconcile=True))
    assert len(gateway.texts) == 1


def test_the_wish_of_the_gateway_to_wait_reaches_the_coordinator(gateway: Gateway) -> None:
    gateway.mishaps.append(429)
    gateway.retry_after = "7"
    with pytest.raises(ApplicationError) as raised:
        sms(gateway).deliver(a_delivery("+44"))
    assert raised.value.retry_after == 7.0


def test_a_worker_takes_both_adapters(mailbox: Mailbox, gateway: Gateway) -> None:
    Worker(deliveries=[mail(mailbox).deliver, sms(gateway).deliver])


class Coordinator(pb_grpc.ConversationServiceServicer):
    """A real gRPC server that knows one delivery."""

    def __init__(self) -> None:
        self.reports: list[pb.ReportDeliveryRequest] = []

    def ReportDelivery(  # noqa: N802
        self, request: pb.ReportDeliveryRequest, context: grpc.ServicerContext
    ) -> pb.ReportDeliveryResponse:
        if request.provider_message_id != "sms-1":
            context.abort(grpc.StatusCode.NOT_FOUND, "no such delivery")
        self.reports.append(request)
        return pb.ReportDeliveryResponse(status=request.status)


@pytest.fixture
def coordinator() -> Iterator[tuple[Coordinator, Reporter, grpc.Server]]:
    servicer = Coordinator()  # pyright: ignore[reportAbstractUsage]
    server = grpc.server(ThreadPoolExecutor(2))
    pb_grpc.add_ConversationServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Client(f"127.0.0.1:{port}", retry=RetryOptions(elapsed_max_s=0)) as client:
        yield servicer, Reporter(client), server
    server.stop(0).wait()


def test_a_receipt_is_reported(coordinator: tuple[Coordinator, Reporter, grpc.Server]) -> None:
    servicer, reporter, _ = coordinator
    receipt = Receipt("customer-7", "sms-1", "delivered", "handset")
    assert reporter.report(receipt) is Outcome.TAKEN
    (report,) = servicer.reports
    assert (report.conversation_id, report.detail) == ("customer-7", "handset")
    assert report.status == message_pb2.DELIVERY_STATUS_DELIVERED


def test_receipts_without_a_delivery_or_a_coordinator_come_again(
    coordinator: tuple[Coordinator, Reporter, grpc.Server],
) -> None:
    _, reporter, server = coordinator
    assert reporter.report(Receipt("customer-7", "sms-2", "read", "")) is Outcome.UNKNOWN
    server.stop(0).wait()
    assert reporter.report(Receipt("customer-7", "sms-1", "read", "")) is Outcome.LATER


def test_channels_are_off_unless_configured() -> None:
    settings = read_channel_settings({})
    assert (settings.mail, settings.sms, settings.receipts) == (None, None, None)


def test_channels_are_read_from_the_environment() -> None:
    settings = read_channel_settings(
        {
            "SUPPORT_SMTP_ADDRESS": "mail.example:587",
            "SUPPORT_SMS_BASE_URL": "https://sms.example/v1/",
            "SUPPORT_RECEIPTS_SECRET": "s",
        }
    )
    assert settings.mail is not None
    assert (settings.mail.host, settings.mail.port) == ("mail.example", 587)
    assert settings.mail.security == "starttls"
    assert settings.sms is not None
    assert settings.sms.base_url == "https://sms.example/v1"
    assert settings.sms.receipts_url == "http://127.0.0.1:7410/receipts"


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"SUPPORT_SMTP_ADDRESS": "mail.example"}, "SUPPORT_SMTP_ADDRESS"),
        ({"SUPPORT_SMTP_ADDRESS": "mail.example:0"}, "SUPPORT_SMTP_ADDRESS"),
        ({"SUPPORT_SMTP_ADDRESS": "m:25", "SUPPORT_SMTP_SECURITY": "maybe"}, "SECURITY"),
        ({"SUPPORT_SMTP_ADDRESS": "m:25", "SUPPORT_SMTP_SECURITY": "none"}, "loopback"),
        ({"SUPPORT_SMS_BASE_URL": "ftp://x"}, "SUPPORT_SMS_BASE_URL"),
        ({"SUPPORT_SMS_BASE_URL": "http://x"}, "SUPPORT_RECEIPTS_SECRET"),
    ],
)
def test_settings_that_cannot_work_are_refused(env: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_channel_settings(env)
