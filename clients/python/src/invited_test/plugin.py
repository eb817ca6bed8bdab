"""The fixtures for pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import Invited


@pytest.fixture(scope="session")
def invited_server() -> Iterator[Invited]:
    """One server for this process: with pytest-xdist each worker has its own."""
    with Invited() as server:
        yield server


@pytest.fixture
def invited(invited_server: Invited) -> Invited:
    """The server, as at its start."""
    invited_server.reset()
    return invited_server
