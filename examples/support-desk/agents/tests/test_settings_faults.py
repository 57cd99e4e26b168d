"""Settings from the environment, and faults made on purpose."""

from __future__ import annotations

import pytest

from support_agents import faults
from support_agents.settings import FaultSettings, Prices, SettingsError, read_settings


def test_defaults_have_no_language_model_and_no_faults() -> None:
    settings = read_settings({})
    assert settings.llm is None
    assert settings.faults == FaultSettings(rate=0.0, latency_ms_max=0, seed=7)
    assert settings.prices == Prices(input_gbp=0.0, output_gbp=0.0)
    assert (settings.data_dir / "messages.csv").is_file()


def test_a_language_model_is_configured() -> None:
    env = {"SUPPORT_LLM_BASE_URL": "http://localhost:1/v1/", "SUPPORT_LLM_MODEL": "m",
           "SUPPORT_LLM_API_KEY": "secret"}  # fmt: skip
    llm = read_settings(env).llm
    assert llm is not None
    assert llm.base_url == "http://localhost:1/v1"
    assert "secret" not in repr(llm)


@pytest.mark.parametrize(
    "env",
    [
        {"SUPPORT_LLM_BASE_URL": "http://localhost:1"},
        {"SUPPORT_LLM_BASE_URL": "file:///etc/passwd", "SUPPORT_LLM_MODEL": "m"},
        {"SUPPORT_FAULT_RATE": "1.5"},
        {"SUPPORT_FAULT_RATE": "nan"},
        {"SUPPORT_LATENCY_MS": "-1"},
        {"SUPPORT_SEED": "x"},
        {"SUPPORT_PRICE_INPUT": "cheap"},
        {"SUPPORT_PRICE_OUTPUT": "-1"},
    ],
)
def test_bad_settings_are_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        read_settings(env)


def test_faults_strike_as_often_as_asked_and_at_the_same_attempts() -> None:
    settings = FaultSettings(rate=0.2)
    struck = [n for n in range(2000) if faults.fails(settings, f"run/{n}", 1)]
    assert 320 < len(struck) < 480
    assert struck == [n for n in range(2000) if faults.fails(settings, f"run/{n}", 1)]
    other_seed = FaultSettings(rate=0.2, seed=8)
    assert struck != [n for n in range(2000) if faults.fails(other_seed, f"run/{n}", 1)]


def test_an_attempt_that_failed_may_succeed_the_next_time() -> None:
    settings = FaultSettings(rate=0.5)
    step = "c-1/turn-1/classify"
    struck = [attempt for attempt in range(1, 50) if faults.fails(settings, step, attempt)]
    assert 0 < len(struck) < 49
    with pytest.raises(faults.InjectedFaultError, match=f"attempt {struck[0]} "):
        faults.strike(settings, step, struck[0])


def test_no_fault_strikes_without_a_rate() -> None:
    for attempt in range(100):
        faults.strike(FaultSettings(), "c-1", attempt)
