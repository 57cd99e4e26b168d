"""The email adapter against a real SMTP server on loopback."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support_agents.channels.mail import MailAdapter, MailSettings
from support_agents.channels.outgoing import NotSentError, OutcomeUnknownError, Outgoing
from support_agents.stand_ins.mailbox import Mailbox

LETTER = Outgoing("customer-7", "customer-7/3", "ines@example.com", "Hello Ines,\n\n£9.00\n.dot")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    server = Mailbox(free_port())
    server.start()
    yield server
    server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def adapter(port: int, timeout_s: float = 5.0) -> MailAdapter:
    sender = "Northtrail <support@northtrail.example>"
    file = Path(tempfile.mkdtemp()) / "sent.db"
    settings = MailSettings("127.0.0.1", port, sender, file, "none", timeout_s=timeout_s)
    return MailAdapter(settings)


def test_an_email_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    sent = adapter(mailbox.port).send(LETTER)
    (letter,) = mailbox.emails
    assert letter["To"] == "ines@example.com"
    assert letter["From"] == "Northtrail <support@northtrail.example>"
    assert letter["Message-ID"] == sent.provider_message_id
    assert letter.get_content().splitlines() == ["Hello Ines,", "", "£9.00", ".dot"]


def test_every_attempt_has_the_same_id_and_emails_of_a_conversation_belong_together(
    mailbox: Mailbox,
) -> None:
    mail = adapter(mailbox.port)
    mail.send(LETTER)
    mail.send(LETTER)
    mail.send(Outgoing("customer-7", "customer-7/5", "ines@example.com", "And this."))
    first, again, other = mailbox.emails
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["References"] == other["References"]


def test_an_answer_is_in_the_thread_of_what_it_answers(mailbox: Mailbox) -> None:
    long_id = f"<{'x' * 200}@home>"
    letter = Outgoing(
        "customer-7",
        "customer-7/3",
        "ines@example.com",
        "It comes today.",
        subject="Где моя посылка?",
        answers=[long_id, "<2@home>"],
        thread=["<1@home>", "not an id", long_id, "<2@home>"],
    )
    adapter(mailbox.port).send(letter)
    (sent,) = mailbox.emails
    assert sent["In-Reply-To"] == "<2@home>"
    assert sent["References"].split() == ["<1@home>", long_id, "<2@home>"]
    assert sent["Subject"] == "Re: Где моя посылка?"


@pytest.mark.parametrize(
    ("answer", "retryable"), [("451 busy", True), ("552 too large", False), ("554 spam", False)]
)
def test_a_refused_message_was_not_sent(mailbox: Mailbox, answer: str, retryable: bool) -> None:
    mailbox.mishaps.append(answer)
    with pytest.raises(NotSentError, match=answer) as raised:
        adapter(mailbox.port).send(LETTER)
    assert raised.value.retryable is retryable
    assert mailbox.emails == []


@pytest.mark.parametrize(
    ("answer", "retryable"), [("450 grey-listed", True), ("550 no such user", False)]
)
def test_a_refused_recipient_was_not_sent_to(
    mailbox: Mailbox, answer: str, retryable: bool
) -> None:
    mailbox.refused[LETTER.address] = answer
    with pytest.raises(NotSentError, match="recipient") as raised:
        adapter(mailbox.port).send(LETTER)
    assert raised.value.retryable is retryable


def test_a_connection_lost_at_the_end_leaves_the_outcome_unknown(mailbox: Mailbox) -> None:
    mailbox.mishaps.append("lost")
    with pytest.raises(OutcomeUnknownError):
        adapter(mailbox.port).send(LETTER)
    assert len(mailbox.emails) == 1


def test_a_server_that_is_not_there_can_be_tried_again() -> None:
    with pytest.raises(NotSentError, match="no connection") as raised:
        adapter(free_port()).send(LETTER)
    assert raised.value.retryable


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(NotSentError, match="timed out") as raised:
            adapter(int(listener.getsockname()[1]), timeout_s=0.1).send(LETTER)
        assert raised.value.retryable


@pytest.mark.parametrize(
    "address", ["", "ines", "ines@", "a@b.c\r\nBcc: x@y.z", "a@b.c, d@e.f", "<a@b.c>"]
)
def test_what_is_no_address_is_never_sent(mailbox: Mailbox, address: str) -> None:
    with pytest.raises(NotSentError, match="not an email address") as raised:
        adapter(mailbox.port).send(Outgoing("c", "k", address, "text"))
    assert not raised.value.retryable
    assert mailbox.emails == []


def test_several_threads_may_share_an_adapter(mailbox: Mailbox) -> None:
    mail = adapter(mailbox.port)
    letters = [Outgoing("c", f"k-{n}", "ines@example.com", f"text {n}") for n in range(8)]
    threads = [threading.Thread(target=mail.send, args=(letter,)) for letter in letters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = sorted(letter.get_content().strip() for letter in mailbox.emails)
    assert got == [f"text {n}" for n in range(8)]


def test_what_became_of_a_lost_attempt_is_known_but_for_its_end(mailbox: Mailbox) -> None:
    mail = adapter(mailbox.port)
    assert mail.find(LETTER.key) is None
    mailbox.mishaps.append("451 busy")
    with pytest.raises(NotSentError):
        mail.send(LETTER)
    assert mail.find(LETTER.key) is None
    mailbox.mishaps.append("lost")
    with pytest.raises(OutcomeUnknownError):
        mail.send(LETTER)
    with pytest.raises(OutcomeUnknownError):
        mail.find(LETTER.key)
    other = Outgoing("customer-7", "customer-7/5", LETTER.address, "another")
    assert mail.find(other.key) != mail.send(other)
    assert mail.find(other.key) == mail.send(other)
