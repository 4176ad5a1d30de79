import pytest
from schemathesis.pytest.plugin import SchemathesisFunction

from tests.api.clients import Program


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each operation's test an id of its own: of those that share one, several processes run only the first."""
    for item in items:
        if isinstance(item, SchemathesisFunction):
            item._id = item.id.with_params(item.operation_label)  # noqa: SLF001  pytest offers no other way


@pytest.fixture
def program(db: None) -> Program:  # noqa: ARG001  the key is a row
    """A program whose key has every scope."""
    return Program()
