"""What the tests share: the data of the repository, and a model trained once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from support_agents.messages import LabelledMessage, read_messages
from support_agents.model import Model, train
from support_agents.settings import read_settings
from support_agents.shop import Shop, load_shop
from tests.endpoint import Endpoint

DATA_DIR = read_settings({}).data_dir


@pytest.fixture(scope="session")
def messages() -> list[LabelledMessage]:
    return read_messages(DATA_DIR)


@pytest.fixture(scope="session")
def shop() -> Shop:
    return load_shop(DATA_DIR)


@pytest.fixture(scope="session")
def model(messages: list[LabelledMessage], shop: Shop) -> Model:
    return train(messages, shop)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
