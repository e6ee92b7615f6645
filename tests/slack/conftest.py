"""A Slack for each test that asks for one, and what others wrote for Slack's apps."""

from pathlib import Path

import pytest

from fake import Fake
from validate import require_node

BOLT = Path(__file__).resolve().parents[2] / "tools/slack-bolt"


@pytest.fixture
def fake():
    started = Fake()
    yield started
    assert started.close() == 0


@pytest.fixture(scope="session")
def bolt() -> Path:
    """Where Slack's own framework for apps is installed."""
    require_node()
    assert (BOLT / "node_modules/@slack/bolt").is_dir(), "bolt is not installed; npm ci --prefix tools/slack-bolt"
    return BOLT
