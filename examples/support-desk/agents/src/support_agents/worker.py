"""Runs the agents, or the channel adapters, as an Everturn worker.

    python -m support_agents.worker --role agents
    python -m support_agents.worker --role channels

Takes tasks until SIGTERM or SIGINT, then finishes what it has.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from everturn import Client, RetryOptions, Worker

from support_agents.actions import Actions
from support_agents.activities import TASK_QUEUE, load_agents
from support_agents.channels.deliveries import MailDeliveries, Reporter, SmsDeliveries
from support_agents.channels.mail import MailAdapter
from support_agents.channels.receipts import ReceiptServer
from support_agents.channels.settings import ChannelSettings, read_channel_settings
from support_agents.channels.sms import SmsAdapter
from support_agents.model import ModelMissingError
from support_agents.settings import SettingsError, read_settings
from support_agents.shop import load_shop

_LOGGER = logging.getLogger("support_agents")

_REPORT_S_MAX = 2.0


def main() -> int:
    """Runs one worker; exit code 2 if it cannot start."""
    parser = argparse.ArgumentParser(prog="support_agents.worker", description=__doc__)
    parser.add_argument("--role", choices=["agents", "channels"], default="agents")
    parser.add_argument(
        "--address", help="coordinator; default: EVERTURN_ADDRESS or 127.0.0.1:7400"
    )
    parser.add_argument("--max-concurrent", type=int, default=16, help="attempts at a time")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    run = _run_agents if arguments.role == "agents" else _run_channels
    try:
        run(arguments)
    except (ModelMissingError, SettingsError, ValueError) as error:
        print(f"cannot start: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def _run_agents(arguments: argparse.Namespace) -> None:
    settings = read_settings()
    shop = load_shop(settings.data_dir)
    activities = load_agents(settings, shop).activities() + Actions(shop, settings).activities()
    worker = Worker(
        activities=activities,
        address=arguments.address,
        task_queue=TASK_QUEUE,
        max_concurrent=arguments.max_concurrent,
    )
    _LOGGER.info("worker %s serves task queue %r", worker.identity, TASK_QUEUE)
    worker.run_sync()


def _run_channels(arguments: argparse.Namespace) -> None:
    settings = read_channel_settings()
    deliveries: dict[str, Callable[..., Any]] = {}
    if settings.mail is not None:
        deliveries["email"] = MailDeliveries(MailAdapter(settings.mail)).deliver
    if settings.sms is not None:
        deliveries["sms"] = SmsDeliveries(SmsAdapter(settings.sms)).deliver
    if not deliveries:
        raise SettingsError("set SUPPORT_SMTP_ADDRESS or SUPPORT_SMS_BASE_URL, or both")
    worker = Worker(
        deliveries=list(deliveries.values()),
        address=arguments.address,
        max_concurrent=arguments.max_concurrent,
    )
    _LOGGER.info("worker %s delivers by %s", worker.identity, " and ".join(deliveries))
    with _receipts(settings, arguments.address):
        worker.run_sync()


@contextmanager
def _receipts(settings: ChannelSettings, address: str | None) -> Generator[None]:
    """Takes receipts meanwhile, if there is a gateway that sends some."""
    if settings.receipts is None:
        yield
        return
    # The gateway waits for the answer, and comes back.
    retry = RetryOptions(elapsed_max_s=_REPORT_S_MAX)
    with Client(address, retry=retry) as client:
        reporter = Reporter(client)
        server = ReceiptServer(settings.receipts.listen, settings.receipts.secret, reporter.report)
        server.start()
        _LOGGER.info("receipts are taken at %s", server.url)
        try:
            yield
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
