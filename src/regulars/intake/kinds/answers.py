"""Answers to surveys, kept as behaviour: each is an event `Survey Answered`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.behaviour import event_steps
from regulars.intake.kinds.fields import IDENTIFIERS, shared, when
from regulars.intake.kinds.kind import Field, Kind

ANSWERS = Kind(
    name="answers",
    label=pgettext_lazy("kind of file", "Survey answers"),
    thing=_("answer"),
    note=_("One answer a row: a score, a choice or words. Columns without a field are kept with it."),
    fields=(
        Field(
            name="answer_id",
            form="code",
            words=("answer id", "response id", "submission id", "答卷编号", "提交编号", "序号"),
            label=_("Answer id"),
        ),
        when("answered_at", _("Date answered"), "answered at", "submitted at", "response date", "提交答卷时间", "提交时间", "答题时间"),
        *shared(*IDENTIFIERS, "order_code", "product_code"),
        Field(
            name="survey",
            form="text",
            words=("survey", "survey name", "form", "问卷名称", "问卷"),
            label=_("Survey"),
        ),
        Field(
            name="question",
            form="text",
            words=("question", "item", "题目", "问题"),
            label=_("Question"),
            longest=1000,
        ),
        Field(
            name="score",
            form="number",
            words=("score", "rating", "nps", "csat", "stars", "评分", "得分", "分数", "满意度"),
            label=_("Score"),
        ),
        Field(
            name="answer",
            form="text",
            words=("answer", "response", "comment", "feedback", "text", "答案", "回答", "评价", "意见"),
            label=_("Answer"),
            longest=5000,
        ),
        *shared("store"),
    ),
    main=("answered_at", *IDENTIFIERS[:3], "survey", "question", "score", "answer"),
    needs=(("answered_at",), IDENTIFIERS, ("score", "answer")),
    fills=("answered_at",),
    moment="answered_at",
    takes_customers=True,
    keeps_rest=True,
    merge=event_steps(
        moment="answered_at",
        name="'Survey Answered'",
        properties={
            "answer_id": "t.answer_id",
            "survey": "t.survey",
            "question": "t.question",
            "score": "t.score",
            "answer": "t.answer",
        },
        own_id="'answer:' || t.answer_id || ':' || coalesce(t.question, '')",
    ),
)  # fmt: skip
