"""What is kept of a sentence is said in the language of whoever reads it; what others told stays as they told it."""

import json

import pytest
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy, pgettext_lazy

from regulars.kernel.errors import RegularsError
from regulars.shop.wording import MOST_KEPT, Wording, gettext, keep, said, worded

pytestmark = pytest.mark.unit
SAYS, SAYS_ZH = "there is no such segment", "没有这个人群"


def both(kept: str) -> tuple[str, str]:
    with translation.override("zh-hans"):
        chinese = said(kept)
    return said(kept), chinese


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_sentence_is_said_in_the_language_of_its_reader_whatever_language_it_was_kept_in(
    language: str,
) -> None:
    name = format_lazy("{}: {}", gettext_lazy("Tier"), "VIP")
    stale = pgettext_lazy("stale segment", "it is in the archive")
    inner = RegularsError(
        gettext("the segment “%(name)s” cannot be used now: %(why)s") % {"name": name, "why": stale}
    )
    with translation.override(language):
        text = gettext("“%(template)s” cannot go over %(channel)s: %(why)s") % {
            "template": "100 %", "channel": 7, "why": RegularsError(gettext(SAYS)),
        }  # fmt: skip
        kept, kept_inner = keep(text), keep(worded(inner))
        assert text == said(kept)
        assert str(inner) == worded(inner)
    assert both(kept)[0] == f"“100 %” cannot go over 7: {SAYS}"
    assert SAYS_ZH in both(kept)[1]
    assert SAYS not in both(kept)[1]
    assert both(kept_inner)[0] == "the segment “Tier: VIP” cannot be used now: it is in the archive"
    assert not set(both(kept_inner)[1]) & set("abcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize(
    "told",
    [
        "",
        "550 5.1.1 user unknown",
        "42",
        '"quoted"',
        "[1]",
        "100 %",
        "%(name)s",
        "{",
        '{"say": 3}',
        '{"error": "bad"}',
    ],
)
def test_what_others_told_stays_as_they_told_it(told: str) -> None:
    assert said(keep(told)).strip() == told
    assert said(told) == told


def test_what_looks_like_ours_is_not_taken_for_it() -> None:
    forged = json.dumps({"say": "%(x)99999999d", "with": {"x": 1}})
    assert said(keep(forged)) == f" {forged}"


def test_what_was_kept_with_a_code_is_said_by_its_text() -> None:
    assert said('{"code": "offer_state", "message": "It has ended."}') == "It has ended."


def test_what_is_too_long_is_cut_where_it_hurts_least_and_stays_readable() -> None:
    text = gettext("“%(template)s” cannot go over %(channel)s: %(why)s") % {
        "template": "T", "channel": "Mail", "why": "\0\ud83d" + "x" * 900,
    }  # fmt: skip
    kept = keep(text)
    assert len(kept) <= MOST_KEPT
    assert said(kept).startswith("“T” cannot go over Mail: ?xxx")
    assert len(keep("y" * 900)) == MOST_KEPT
    assert len(keep(text, most=None)) > 900
    assert isinstance(text, Wording)
