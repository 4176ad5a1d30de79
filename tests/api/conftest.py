import pytest

from tests.api.clients import Program


@pytest.fixture
def program(db: None) -> Program:  # noqa: ARG001  the key is a row
    """A program whose key has every scope."""
    return Program()
