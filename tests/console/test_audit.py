"""The words of the audit log."""

from django.utils import translation

from regulars.console.audit import KINDS, event_models


def test_everything_that_the_log_tells_of_has_a_name_in_both_languages() -> None:
    tracked = {model.pgh_tracked_model._meta.label for model in event_models()}  # type: ignore[attr-defined]  # pghistory's
    assert set(KINDS) == tracked
    with translation.override("zh-hans"):
        assert [label for label, words in KINDS.items() if str(words).isascii()] == []
