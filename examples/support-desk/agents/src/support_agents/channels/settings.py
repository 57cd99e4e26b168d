"""Settings of the adapters, read from the environment once per process.

SUPPORT_SMTP_ADDRESS       mail server, host:port; default: none, no email leaves
SUPPORT_SMTP_SECURITY      starttls, tls, or none for loopback; default starttls
SUPPORT_SMTP_USER          who logs in; default: nobody
SUPPORT_SMTP_PASSWORD      their password
SUPPORT_MAIL_FROM          sender; default "Northtrail <support@northtrail.example>"
SUPPORT_MAIL_SENT          SQLite file of what was handed over, shared by all workers that deliver
                           email; default: ../model/mail-sent.db of this package
SUPPORT_SMS_BASE_URL       SMS gateway; default: none, no text message leaves
SUPPORT_SMS_API_KEY        bearer token; default: none is sent
SUPPORT_RECEIPTS_LISTEN    where receipts are taken, host:port; default 127.0.0.1:7410
SUPPORT_RECEIPTS_URL       the same as the gateway sees it; default: made of the address
SUPPORT_RECEIPTS_SECRET    shared with the gateway; required with it
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from support_agents.channels.mail import MailSettings, Security
from support_agents.channels.sms import SmsSettings
from support_agents.settings import EXAMPLE_DIR, SettingsError

_PORT_MAX = 65_535
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class ReceiptSettings:
    """Where receipts are taken.

    Attributes:
        listen: Host and port.
        url: The same as the gateway sees it; empty: made of the address.
        secret: Shared with the gateway.
    """

    listen: tuple[str, int]
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """The adapters that a process runs; none where nothing is configured."""

    mail: MailSettings | None
    sms: SmsSettings | None
    receipts: ReceiptSettings | None


def read_channel_settings(env: Mapping[str, str] | None = None) -> ChannelSettings:
    """Reads and checks the settings.

    Raises:
        SettingsError: A value cannot be used; says which variable and why.
    """
    values = os.environ if env is None else env
    base_url = values.get("SUPPORT_SMS_BASE_URL", "").rstrip("/")
    if not base_url:
        return ChannelSettings(_mail(values), None, None)
    if not base_url.startswith(("http://", "https://")):
        raise SettingsError("SUPPORT_SMS_BASE_URL must start with http:// or https://")
    secret = values.get("SUPPORT_RECEIPTS_SECRET", "")
    if not secret:
        raise SettingsError("SUPPORT_RECEIPTS_SECRET is required with SUPPORT_SMS_BASE_URL")
    listen = _address(
        "SUPPORT_RECEIPTS_LISTEN", values.get("SUPPORT_RECEIPTS_LISTEN") or "127.0.0.1:7410"
    )
    url = values.get("SUPPORT_RECEIPTS_URL") or f"http://{listen[0]}:{listen[1]}/receipts"
    sms = SmsSettings(base_url, values.get("SUPPORT_SMS_API_KEY", ""), url)
    return ChannelSettings(_mail(values), sms, ReceiptSettings(listen, url, secret))


def _mail(values: Mapping[str, str]) -> MailSettings | None:
    text = values.get("SUPPORT_SMTP_ADDRESS", "")
    if not text:
        return None
    host, port = _address("SUPPORT_SMTP_ADDRESS", text)
    word = values.get("SUPPORT_SMTP_SECURITY") or "starttls"
    security = next((known for known in get_args(Security) if known == word), None)
    if security is None:
        raise SettingsError("SUPPORT_SMTP_SECURITY must be starttls, tls or none")
    user = values.get("SUPPORT_SMTP_USER", "")
    if security == "none" and (user or host not in _LOOPBACK):
        raise SettingsError("SUPPORT_SMTP_SECURITY=none is for loopback, without a login")
    return MailSettings(
        host,
        port,
        values.get("SUPPORT_MAIL_FROM") or "Northtrail <support@northtrail.example>",
        Path(values.get("SUPPORT_MAIL_SENT") or EXAMPLE_DIR / "model" / "mail-sent.db"),
        security,
        user,
        values.get("SUPPORT_SMTP_PASSWORD", ""),
    )


def _address(name: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _PORT_MAX:
        raise SettingsError(f"{name} must be host:port, found {text!r}")
    return host.strip("[]"), int(port)
