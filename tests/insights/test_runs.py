from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree

import pytest
from django.db import connection

from regulars.insights import facts, operations
from regulars.insights.engines import Engine, EngineMissingError, UnknownEngineError
from regulars.insights.lock import RunInProgressError
from regulars.insights.models import Policy, Profile, ProfileChange, Run
from regulars.insights.previews import NoRunYetError, preview
from regulars.insights.rules import InvalidPolicyError
from regulars.outbox.models import OutboxEvent
from regulars.shop.models import Customer
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = 20_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The facts folder of one test."""
    return tmp_path / "facts"


def run(folder: Path, *, as_of_day: int = AS_OF, engine: Engine = "polars") -> Run:
    return operations.run(as_of_day=as_of_day, engine=engine, now=NOW, facts_folder=folder)


def make_regular(*, code: str, days: tuple[int, ...], amount_minor: int = 1_000) -> Customer:
    customer = make_customer(code=code)
    for day in days:
        make_order(customer=customer, day=day, amount_minor=amount_minor)
    return customer


def make_shop() -> dict[str, Customer]:
    """Make three buyers and somebody who never bought."""
    make_business()
    shop = {
        "often": make_regular(
            code="often", days=(20_300, 20_320, 20_340, 20_360, 20_380), amount_minor=9_000
        ),
        "once": make_regular(code="once", days=(20_390,)),
        "gone": make_regular(code="gone", days=(20_000, 20_010)),
        "looker": make_customer(code="looker"),
    }
    mark_changed()
    return shop


def places() -> dict[str, tuple[str, str]]:
    """Return where each profile lies and which transaction wrote it: what a needless write would change."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.code, p.ctid::text, p.xmin::text, p.xmax::text FROM insights_profile p JOIN shop_customer c ON c.id = p.customer_id"
        )
        return {code: (where, by + locked) for code, where, by, locked in cursor.fetchall()}


def test_every_customer_gets_a_profile(folder: Path) -> None:
    shop = make_shop()

    done = run(folder)

    assert (done.state, done.profiles, done.profiles_written) == (Run.State.DONE, 4, 4)
    often = Profile.objects.get(customer=shop["often"])
    assert (often.orders, often.recency_days, often.monetary_minor, often.cell, often.tier, often.stage) == (
        5, 20, 45_000, "RFM", "VIP", "mature",
    )  # fmt: skip
    assert (often.first_day, often.last_day, often.rhythm_days) == (20_300, 20_380, 20.0)
    assert Profile.objects.get(customer=shop["once"]).stage == "new"
    assert Profile.objects.get(customer=shop["gone"]).stage == "lapsed_long"


def test_whoever_never_bought_is_a_prospect_without_scores(folder: Path) -> None:
    shop = make_shop()
    run(folder)
    looker = Profile.objects.get(customer=shop["looker"])
    assert (looker.stage, looker.tier, looker.cell, looker.r, looker.recency_days) == (
        "prospect", "", "", None, None,
    )  # fmt: skip
    assert looker.reasons == {"stage": {"code": "prospect"}}


def test_a_second_run_for_the_same_day_touches_no_row(folder: Path) -> None:
    make_shop()
    run(folder)
    before = places()

    assert run(folder).profiles_written == 0
    assert places() == before


def test_a_day_without_orders_touches_only_rows_whose_labels_or_forecasts_moved(folder: Path) -> None:
    shop = make_shop()
    run(folder)
    before = places()

    # Silences of 20, 10 and 390 days; cycles of 90 are assumed: the next steps come at 23, 23 and 429 days.
    done = run(folder, as_of_day=AS_OF + 3)

    after = places()
    assert {code for code, where in after.items() if where != before[code]} == {"often"}
    assert done.profiles_written == 1
    assert Profile.objects.get(customer=shop["gone"]).recency_days == 393


def test_a_forecast_stands_until_the_customers_next_step_and_says_for_which_day(folder: Path) -> None:
    shop = make_shop()
    first = run(folder)
    often = Profile.objects.get(customer=shop["often"])
    assert (often.scored_day, often.last_day) == (20_380, 20_380)

    later = run(folder, as_of_day=AS_OF + 3)

    moved = Profile.objects.get(customer=shop["often"])
    assert moved.scored_day == AS_OF + 3
    assert moved.p_alive is not None
    assert often.p_alive is not None
    assert moved.p_alive < often.p_alive
    assert later.learning_id == first.learning_id  # learnt three days ago
    assert run(folder, as_of_day=AS_OF + 8).learning_id != first.learning_id


def test_what_was_learnt_later_is_not_known_on_an_earlier_day(folder: Path) -> None:
    make_shop()
    run(folder)
    earlier = run(folder, as_of_day=AS_OF - 1)
    assert earlier.learning is not None
    assert earlier.learning.as_of_day == AS_OF - 1


def test_a_shop_that_grew_by_a_twentieth_is_learnt_again(folder: Path) -> None:
    make_shop()
    first = run(folder)
    make_regular(code="new", days=(20_399,))
    mark_changed()
    assert run(folder).learning_id != first.learning_id


def test_without_an_order_nothing_is_predicted(folder: Path) -> None:
    shop = make_shop()
    run(folder)
    looker = Profile.objects.get(customer=shop["looker"])
    assert (looker.scored_day, looker.p_alive, looker.expected_orders, looker.clv_minor, looker.next_day) == (
        None, None, None, None, None,
    )  # fmt: skip


def test_a_refund_rewrites_one_profile(folder: Path) -> None:
    shop = make_shop()
    run(folder)
    before = places()
    order = shop["gone"].orders.get(day=20_010)
    order.refunded_minor = 400
    order.save()
    mark_changed(20_010)

    assert run(folder).profiles_written == 1
    assert {code for code, where in places().items() if where != before[code]} == {"gone"}
    assert Profile.objects.get(customer=shop["gone"]).monetary_minor == 1_600


def test_a_later_day_moves_labels_and_keeps_from_where_to_where(folder: Path) -> None:
    shop = make_shop()
    run(folder)
    assert ProfileChange.objects.count() == 0  # a first profile is no move

    later = run(folder, as_of_day=AS_OF + 81)

    moves = ProfileChange.objects.filter(customer=shop["once"], label="stage")
    assert [(move.before, move.after, move.as_of_day, move.run_id) for move in moves] == [
        ("new", "lapsed_short", AS_OF + 81, later.pk)
    ]


def test_orders_after_the_day_are_not_known_yet(folder: Path) -> None:
    shop = make_shop()
    run(folder, as_of_day=20_345)
    often = Profile.objects.get(customer=shop["often"])
    assert (often.orders, often.last_day, often.as_of_day) == (3, 20_340, 20_345)
    assert Profile.objects.get(customer=shop["once"]).stage == "prospect"


def test_without_a_day_the_policy_decides_and_then_the_shops_own_today(folder: Path) -> None:
    make_business(time_zone="Pacific/Kiritimati")  # fourteen hours ahead: already the 6th
    assert operations.run(now=NOW, facts_folder=folder).as_of_day == 20_459
    operations.fix_day(as_of_day=15_318)
    assert operations.run(now=NOW, facts_folder=folder).as_of_day == 15_318


def test_both_engines_find_the_same(folder: Path) -> None:
    make_shop()
    on_polars = run(folder)
    profiles = facts.read_profiles(facts_folder=folder)
    rmtree(folder / "histories")  # which the other engine would take over
    on_duckdb = run(folder, engine="duckdb")
    assert on_duckdb.profiles_written == 0
    assert (on_duckdb.summary, on_duckdb.thresholds, on_duckdb.store_cycle) == (
        on_polars.summary,
        on_polars.thresholds,
        on_polars.store_cycle,
    )
    now = facts.read_profiles(facts_folder=folder)
    assert now is not None
    assert profiles is not None
    assert now.equals(profiles)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_an_empty_shop_is_no_error(folder: Path, engine: Engine) -> None:
    done = run(folder, engine=engine)
    assert (done.state, done.profiles) == (Run.State.DONE, 0)
    assert done.summary["periods"]["30"]["now"]["customers"] == 0


def test_spark_without_java_is_refused_with_what_to_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineMissingError, match="needs a Java runtime, 17 or later"):
        run(folder, engine="spark")
    assert not Run.objects.exists()


def test_an_unknown_engine_is_refused_with_the_choices(folder: Path) -> None:
    with pytest.raises(UnknownEngineError, match="must be one of polars, duckdb"):
        operations.run(engine="pandas", now=NOW, facts_folder=folder)  # type: ignore[arg-type]  # that is the point


def test_a_run_that_fails_leaves_the_former_profiles_and_says_why(
    folder: Path,
) -> None:
    make_shop()
    run(folder)
    before = list(Profile.objects.order_by("pk").values())

    def burn(stage: str, done: int, total: int | None) -> None:
        if stage == "profiles" and done == total:
            message = "the house burns"
            raise OSError(message)

    with pytest.raises(OSError, match="the house burns"):
        operations.run(as_of_day=AS_OF + 90, now=NOW, facts_folder=folder, progress=burn)

    assert list(Profile.objects.order_by("pk").values()) == before
    failed = Run.objects.latest("pk")
    assert (failed.state, failed.error) == (Run.State.FAILED, "the house burns")
    assert Profile.objects.first().as_of_day == AS_OF  # type: ignore[union-attr]  # made above
    assert run(folder, as_of_day=AS_OF + 90).state == Run.State.DONE


def test_a_run_left_by_a_dead_process_is_failed_by_the_next(folder: Path) -> None:
    dead = Run.objects.create(as_of_day=AS_OF, engine="polars", started_at=NOW)
    run(folder)
    dead.refresh_from_db()
    assert dead.state == Run.State.FAILED
    assert dead.finished_at is not None


def test_only_one_process_computes_at_a_time(folder: Path) -> None:
    make_shop()

    def try_as_well(stage: str, done: int, total: int | None) -> None:
        del done, total
        if stage == "labels":
            other = connection.copy()
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", (0x1A516475,))
                answers.append(cursor.fetchone()[0])
            other.close()

    answers: list[bool] = []
    operations.run(as_of_day=AS_OF, now=NOW, facts_folder=folder, progress=try_as_well)
    assert answers == [False]

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (0x1A516475,))
    with pytest.raises(RunInProgressError, match="wait until"):
        run(folder)
    other.close()


def test_a_finished_run_tells_the_rooms_above(folder: Path) -> None:
    done = run(folder)
    event = OutboxEvent.objects.get(name="insights.RunFinished")
    assert event.payload == {"run_id": done.pk}


def test_a_customer_erased_while_the_run_computes_gets_no_profile(folder: Path) -> None:
    shop = make_shop()

    def erase(stage: str, done: int, total: int | None) -> None:
        del done, total
        if stage == "labels":
            shop["looker"].delete()

    assert (
        operations.run(as_of_day=AS_OF, now=NOW, facts_folder=folder, progress=erase).state == Run.State.DONE
    )
    assert not Profile.objects.filter(customer__code="looker").exists()


def test_labels_alone_leave_what_was_forecast_as_it_stands(folder: Path) -> None:
    shop = make_shop()
    labels_only = operations.run(as_of_day=AS_OF, forecasts=False, now=NOW, facts_folder=folder)
    often = Profile.objects.get(customer=shop["often"])
    assert (often.tier, often.stage, often.p_alive, labels_only.learning) == ("VIP", "mature", None, None)

    forecast = run(folder)
    before = Profile.objects.get(customer=shop["often"])
    assert before.p_alive is not None

    make_order(customer=shop["often"], day=AS_OF, amount_minor=9_000)
    mark_changed()
    again = operations.run(as_of_day=AS_OF, forecasts=False, now=NOW, facts_folder=folder)
    after = Profile.objects.get(customer=shop["often"])
    assert after.orders == before.orders + 1
    assert (after.p_alive, after.clv_minor, after.next_day) == (
        before.p_alive,
        before.clv_minor,
        before.next_day,
    )
    assert (again.learning, again.thresholds["model"]) == (forecast.learning, "mbg_nbd")


# The policy


def test_thresholds_of_the_merchant_decide(folder: Path) -> None:
    shop = make_shop()
    operations.change_policy(
        rfm={"window_days": 60, "scheme": {"high_frequency": 1}, "monetary": "average_order"},
        tiers={"monetary_minor": 500, "frequency": 1, "late_days": 15},
        stages={"cycle_days": 15},
    )
    done = run(folder)
    often, once = (Profile.objects.get(customer=shop[name]) for name in ("often", "once"))
    assert (often.frequency, often.monetary_minor, often.orders) == (2, 9_000, 5)
    assert (often.tier, once.tier) == ("at_risk", "VIP")
    assert (often.stage, often.cycle_days) == ("lapsed_short", 15.0)
    assert once.cell[1] == "F"
    assert Profile.objects.get(customer=shop["gone"]).cell == ""  # bought, but not within the window
    assert done.store_cycle["source"] == "chosen"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"rfm": {"windows_days": 30}},
            "rfm.windows_days is not a threshold; choose from window_days, scheme, monetary",
        ),
        ({"rfm": {"window_days": 0}}, "window_days == 0, must be a whole number >= 1"),
        ({"rfm": {"scheme": "decile"}}, "scheme"),
        ({"rfm": {"scheme": {"frequency": [3, 2, 5, 9]}}}, "four rising numbers"),
        ({"tiers": {"frequency": -1}}, "frequency == -1"),
        ({"stages": {"long_cycles": 0}}, "long_cycles == 0"),
        ({"stages": {"cycle_days": 0}}, "cycle_days == 0, must be a whole number >= 1"),
    ],
)
def test_a_threshold_without_meaning_is_refused_and_nothing_changes(
    change: dict[str, dict[str, object]], says: str
) -> None:
    operations.change_policy(tiers={"frequency": 4})
    with pytest.raises(InvalidPolicyError, match=says):
        operations.change_policy(**change)
    assert Policy.objects.get().tiers == {"frequency": 4}


def test_every_change_of_the_policy_is_kept() -> None:
    operations.change_policy(tiers={"frequency": 4})
    operations.change_policy(tiers={"frequency": 6})
    events = Policy.objects.get().events.order_by("pgh_id")  # type: ignore[attr-defined]  # made by pghistory
    assert [event.tiers for event in events] == [{"frequency": 4}, {"frequency": 6}]


def test_a_preview_tells_whom_a_change_would_move_and_writes_nothing(folder: Path) -> None:
    make_shop()
    run(folder)
    before = places()

    seen = preview(tiers={"monetary_minor": 1_000, "frequency": 1}, facts_folder=folder)

    assert (seen.customers, seen.moved) == (4, 1)
    assert [(move.before, move.after, move.customers) for move in seen.moves["tier"]] == [
        ("general", "VIP", 1)
    ]
    assert seen.moves["stage"] == []
    assert seen.counts["tier"] == {"": 1, "VIP": 2, "at_risk": 1}
    assert places() == before
    assert Run.objects.count() == 1

    operations.change_policy(tiers={"monetary_minor": 1_000, "frequency": 1})
    assert run(folder).profiles_written == seen.moved
    assert preview(facts_folder=folder).moved == 0


def test_a_preview_before_the_first_run_says_so(folder: Path) -> None:
    with pytest.raises(NoRunYetError):
        preview(facts_folder=folder)


# When nobody asks


def test_the_nightly_run_is_due_once_after_three_in_the_shops_own_zone(folder: Path) -> None:
    make_business(time_zone="Asia/Shanghai")
    before = datetime(2026, 1, 5, 18, 45, tzinfo=UTC)  # 02:45
    after = datetime(2026, 1, 5, 19, 0, tzinfo=UTC)  # 03:00
    assert not operations.is_nightly_run_due(now=before)
    assert operations.is_nightly_run_due(now=after)
    operations.run(now=after, facts_folder=folder)
    assert not operations.is_nightly_run_due(now=datetime(2026, 1, 6, 15, tzinfo=UTC))
    assert operations.is_nightly_run_due(now=datetime(2026, 1, 6, 19, tzinfo=UTC))


def test_where_the_day_is_fixed_no_night_changes_anything() -> None:
    operations.fix_day(as_of_day=15_318)
    assert not operations.is_nightly_run_due(now=datetime(2026, 1, 5, 19, tzinfo=UTC))
