"""Settings of the agents, read from the environment once per process.

SUPPORT_DATA_DIR       labelled messages and shop database; default: ../data of this package
SUPPORT_MODEL_DIR      trained model; default: ../model
SUPPORT_LLM_BASE_URL   OpenAI-compatible endpoint, such as http://localhost:8000/v1
SUPPORT_LLM_MODEL      its model; required with the base URL
SUPPORT_LLM_API_KEY    its key; default: none is sent
SUPPORT_LLM_TIMEOUT_S  longest time that one answer may take; default 30
SUPPORT_FAULT_RATE     share of attempts that fail on purpose, 0 to 1; default 0
SUPPORT_LATENCY_MS     longest delay added to an attempt on purpose; default 0
SUPPORT_WORD_MS        pause after each word of a template that is streamed; default 0
SUPPORT_BACK_OFFICE    SQLite file of what was done about orders; default: ../model/back-office.db
SUPPORT_PRICE_INPUT    pounds for a million tokens that a model reads; default 0
SUPPORT_PRICE_OUTPUT   pounds for a million tokens that it writes; default 0
SUPPORT_SEED           seed of faults and delays; default 7
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Folder of the whole example.
EXAMPLE_DIR = Path(__file__).resolve().parents[3]


class SettingsError(ValueError):
    """A variable of the environment has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Where drafts are written by a language model.

    Attributes:
        base_url: Base of the API, without the trailing slash.
        model: Name of the model.
        api_key: Bearer token; empty sends none.
        timeout_s: Longest time for one answer, in seconds.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Faults made on purpose, to show retries.

    Attributes:
        rate: Share of attempts that fail, 0 to 1.
        latency_ms_max: Longest delay added to an attempt, in milliseconds.
        seed: Seed of both.
    """

    rate: float = 0.0
    latency_ms_max: int = 0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Prices:
    """What drafts and answers cost; the words of templates count as tokens that were written.

    Attributes:
        input_gbp: Pounds for a million tokens read.
        output_gbp: Pounds for a million tokens written.
    """

    input_gbp: float = 0.0
    output_gbp: float = 0.0


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a process."""

    data_dir: Path
    model_dir: Path
    llm: LlmSettings | None
    faults: FaultSettings
    prices: Prices
    word_ms: float
    back_office: Path


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Reads and checks the settings.

    Raises:
        SettingsError: A value cannot be used; says which variable and why.
    """
    values = os.environ if env is None else env
    rate = _number(values, "SUPPORT_FAULT_RATE", 0.0, upper=1.0)
    latency_ms = _number(values, "SUPPORT_LATENCY_MS", 0.0, upper=600_000.0)
    seed = _number(values, "SUPPORT_SEED", 7.0, upper=2.0**31)
    return Settings(
        data_dir=Path(values.get("SUPPORT_DATA_DIR") or EXAMPLE_DIR / "data"),
        model_dir=Path(values.get("SUPPORT_MODEL_DIR") or EXAMPLE_DIR / "model"),
        llm=_llm(values),
        faults=FaultSettings(rate, int(latency_ms), int(seed)),
        prices=Prices(
            _number(values, "SUPPORT_PRICE_INPUT", 0.0, upper=1_000_000.0),
            _number(values, "SUPPORT_PRICE_OUTPUT", 0.0, upper=1_000_000.0),
        ),
        word_ms=_number(values, "SUPPORT_WORD_MS", 0.0, upper=10_000.0),
        back_office=Path(
            values.get("SUPPORT_BACK_OFFICE") or EXAMPLE_DIR / "model" / "back-office.db"
        ),
    )


def _llm(values: Mapping[str, str]) -> LlmSettings | None:
    base_url = values.get("SUPPORT_LLM_BASE_URL", "").rstrip("/")
    model = values.get("SUPPORT_LLM_MODEL", "")
    if not base_url:
        return None
    if not base_url.startswith(("http://", "https://")):
        raise SettingsError("SUPPORT_LLM_BASE_URL must start with http:// or https://")
    if not model:
        raise SettingsError("SUPPORT_LLM_MODEL is required with SUPPORT_LLM_BASE_URL")
    timeout_s = _number(values, "SUPPORT_LLM_TIMEOUT_S", 30.0, upper=600.0)
    return LlmSettings(base_url, model, values.get("SUPPORT_LLM_API_KEY", ""), timeout_s)


def _number(values: Mapping[str, str], name: str, default: float, *, upper: float) -> float:
    text = values.get(name, "")
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        raise SettingsError(f"{name} must be a number, found {text!r}") from None
    if not 0 <= number <= upper:
        raise SettingsError(f"{name} must be from 0 to {upper:g}, found {text}")
    return number
