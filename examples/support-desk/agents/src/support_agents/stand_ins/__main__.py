"""Runs both providers on loopback until SIGTERM or SIGINT.

    python -m support_agents.stand_ins --smtp-port 7425 --sms-port 7426 --secret S

The gateway loses the answer to every third message and says everything twice; the mail server
refuses every third email for now. What they took is written to standard output, one JSON object
a line, so that a test can compare it with the transcripts.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
import time

from support_agents.stand_ins.gateway import Gateway, Mishap
from support_agents.stand_ins.mailbox import Mailbox

_LOOK_EVERY_S = 0.05
_BAD_DAYS = 1000


def main() -> int:
    """Runs until it is told to stop."""
    parser = argparse.ArgumentParser(prog="support_agents.stand_ins", description=__doc__)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--sms-port", type=int, required=True)
    parser.add_argument("--secret", required=True, help="seals the gateway's receipts")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())
    gateway = Gateway(arguments.sms_port, arguments.secret)
    gateway.receipts = ("sent", "delivered", "delivered")
    bad_day: list[Mishap | None] = [None, None, "lost"]
    gateway.mishaps.extend(bad_day * _BAD_DAYS)
    mailbox = Mailbox(arguments.smtp_port)
    mailbox.mishaps.extend([None, None, "451 come back later"] * _BAD_DAYS)
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    mailbox.start()
    texts = emails = 0
    while not stopped.is_set():
        for text in gateway.texts[texts:]:
            texts += 1
            _say({"channel": "sms", "to": text.to, "key": text.key, "text": text.text})
        for letter in mailbox.emails[emails:]:
            emails += 1
            content = letter.get_content().strip()
            _say({"channel": "email", "to": letter["To"], "key": letter["Message-ID"],
                  "text": content})  # fmt: skip
        time.sleep(_LOOK_EVERY_S)
    mailbox.stop()
    gateway.shutdown()
    return 0


def _say(what: dict[str, str]) -> None:
    print(json.dumps(what, ensure_ascii=False), flush=True)  # noqa: T201  its output


if __name__ == "__main__":
    sys.exit(main())
