"""The one table of environment variables."""

import re
from pathlib import Path

import pytest

import regulars
from regulars.runtime import environment
from regulars.runtime.environment import InvalidSettingError

pytestmark = pytest.mark.unit

SOURCE = Path(regulars.__file__).parent


def test_no_other_module_reads_the_environment() -> None:
    reading = re.compile(r"os\.(environ(?!\.setdefault\(\"DJANGO_SETTINGS_MODULE\")|getenv)|from os import")
    readers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if reading.search(path.read_text(encoding="utf-8"))
    }
    # The crash points of the reliability tests are no setting, and the kernel may not call other rooms.
    assert readers == {"runtime/environment.py", "kernel/crashes.py"}


def test_every_variable_says_what_it_means_and_its_default_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in environment.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
        assert variable.meaning.endswith(".")
        assert variable.shown_default or variable.default
        assert variable.value is not None
    names = [variable.name for variable in environment.VARIABLES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("REGULARS_TLS", "yes", "REGULARS_TLS: 'yes' is not usable, write 1 for yes or 0 for no"),
        ("REGULARS_SMTP_PORT", "70000", "from 1 to 65535"),
        ("REGULARS_LOG_FORMAT", "xml", "choose one of auto, json, human"),
    ],
)
def test_a_wrong_value_is_told_with_its_rule(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, rule: str
) -> None:
    monkeypatch.setenv(name, text)
    variable = next(variable for variable in environment.VARIABLES if variable.name == name)
    with pytest.raises(InvalidSettingError, match=re.escape(rule)):
        _ = variable.value


def test_a_wrong_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://me:hunter2@host/shop")
    with pytest.raises(InvalidSettingError) as caught:
        _ = environment.DATABASE_URL.value
    assert "hunter2" not in str(caught.value)
