"""What offers take off baskets: golden cases a shopkeeper would reckon, and what holds of every basket."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.offers import rules
from regulars.offers.reading import read_benefit, read_goods, write_benefit, write_goods
from regulars.offers.rules import (
    Amount,
    Basket,
    Benefit,
    Bundle,
    BuyGet,
    Candidate,
    FreeShipping,
    Gift,
    Goods,
    InvalidBasketError,
    InvalidOfferError,
    Line,
    Part,
    Percent,
    Stacking,
    Step,
    Terms,
    Threshold,
    combine,
    evaluate,
    spread,
)
from tests.offers.factories import kind_of

pytestmark = pytest.mark.unit


def basket(*lines: tuple[str, int, int], shipping: int = 0) -> Basket:
    return Basket(
        lines=tuple(
            Line(key=str(place), product=product, quantity=quantity, price_minor=price, category=product[0])
            for place, (product, quantity, price) in enumerate(lines)
        ),
        shipping_minor=shipping,
    )


def off(benefit: Benefit, of: Basket, **terms: object) -> dict[str, int] | str:
    found = evaluate(of, [Candidate(code="X", offer_id=1, terms=Terms(benefit=benefit, **terms))])  # type: ignore[arg-type]
    if found.refused:
        return found.refused[0].reason.code
    return {key: value for key, value in found.off_by_line.items() if value}


TEA = Goods(categories=("T",))
TWO = basket(("T1", 2, 1_000), ("C1", 1, 3_333))


@pytest.mark.parametrize(
    ("benefit", "terms", "of", "expected"),
    [
        (Percent(percent_bp=2_000), {}, TWO, {"0": 400, "1": 667}),
        (Percent(percent_bp=2_000), {"goods": TEA}, TWO, {"0": 400}),
        (Percent(percent_bp=2_000), {"most_minor": 500}, TWO, {"0": 187, "1": 313}),
        (Percent(percent_bp=2_000), {"goods": Goods(except_products=("T1",))}, TWO, {"1": 667}),
        (Percent(percent_bp=2_000), {"goods": Goods(brands=("B",))}, TWO, "no_such_goods"),
        (Percent(percent_bp=2_000), {"least_minor": 5_334}, TWO, "spend_more"),
        (Percent(percent_bp=2_000), {"least_minor": 5_333}, TWO, {"0": 400, "1": 667}),
        (Percent(percent_bp=1), {}, basket(("T1", 1, 49)), "nothing_off"),
        (Percent(percent_bp=2_000), {"stores": ("main",)}, TWO, "wrong_store"),
        (Amount(amount_minor=9_999), {}, TWO, {"0": 2_000, "1": 3_333}),
        (Amount(amount_minor=1), {}, basket(("T1", 1, 5), ("T2", 1, 5)), {"0": 1}),
        (Threshold(steps=(Step(spend_minor=3_000, save_minor=300), Step(spend_minor=5_000, save_minor=800))), {}, TWO, {"0": 300, "1": 500}),
        (Threshold(steps=(Step(spend_minor=6_000, save_minor=300),)), {}, TWO, "spend_more"),
        (Threshold(steps=(Step(spend_minor=2_000, save_minor=100),), repeats=True), {}, TWO, {"0": 75, "1": 125}),
        (Bundle(parts=(Part(goods=TEA, quantity=1), Part(goods=Goods(products=("C1",)), quantity=1)), price_minor=4_000), {}, TWO, {"0": 77, "1": 256}),
        (Bundle(parts=(Part(goods=TEA, quantity=3),), price_minor=2_500), {}, basket(("T1", 5, 1_000), ("T2", 2, 900)), {"0": 776, "1": 124}),
        (Bundle(parts=(Part(goods=TEA, quantity=3),), price_minor=2_500), {}, TWO, "buy_more"),
        (Bundle(parts=(Part(goods=TEA, quantity=2),), price_minor=2_000), {}, TWO, "nothing_off"),
        # A part that names a product chooses before one that takes any tea.
        (Bundle(parts=(Part(goods=TEA, quantity=1), Part(goods=Goods(products=("T9",)), quantity=1)), price_minor=100), {}, basket(("T9", 1, 900), ("T1", 1, 100)), {"0": 810, "1": 90}),
        (BuyGet(buy=3, get=1), {}, basket(("T1", 2, 1_000), ("T2", 2, 700)), {"1": 700}),
        (BuyGet(buy=3, get=1), {}, basket(("T1", 3, 1_000)), "buy_more"),
        (BuyGet(buy=1, get=1, percent_bp=5_000), {"goods": TEA}, basket(("T1", 5, 1_001), ("C1", 4, 1)), {"0": 1_002}),
        (FreeShipping(), {"least_minor": 5_000}, replace(TWO, shipping_minor=600), {}),
        (FreeShipping(), {}, TWO, "nothing_off"),
        (Gift(product="G1", cost_minor=250), {"least_minor": 5_000}, TWO, {}),
    ],
)  # fmt: skip
def test_an_offer_takes_off_what_a_shopkeeper_would(
    benefit: Benefit, terms: dict[str, object], of: Basket, expected: object
) -> None:
    assert off(benefit, of, **terms) == expected


def test_shipping_gifts_and_budgets_are_told_apart_from_goods() -> None:
    of = basket(("T1", 1, 5_000), shipping=600)
    codes = [
        Candidate(code="SHIP", offer_id=1, terms=Terms(benefit=FreeShipping(), most_minor=500, stacking="any")),
        Candidate(code="GIFT", offer_id=2, terms=Terms(benefit=Gift(product="G1", quantity=2, cost_minor=250), stacking="any")),
        Candidate(code="BIG", offer_id=3, room_minor=999, terms=Terms(benefit=Percent(percent_bp=2_000), stacking="any")),
    ]  # fmt: skip
    found = evaluate(of, codes)
    assert [(one.code, one.off_minor, one.cost_minor, one.gifts) for one in found.applied] == [
        ("SHIP", 500, 500, ()),
        ("GIFT", 0, 250, (("G1", 2),)),
    ]
    assert [(one.code, one.reason.code) for one in found.refused] == [("BIG", "budget_spent")]
    assert (found.off_minor, found.shipping_off_minor, found.total_minor) == (500, 500, 5_100)


def test_offers_look_at_what_those_before_them_left_and_the_first_code_given_wins() -> None:
    of = basket(("T1", 1, 10_000))
    percent = Candidate(code="P", offer_id=1, terms=Terms(benefit=Percent(percent_bp=2_000), stacking="any"))
    step = Threshold(steps=(Step(spend_minor=9_000, save_minor=900),))
    threshold = Candidate(code="T", offer_id=2, terms=Terms(benefit=step, stacking="any"))
    found = evaluate(of, [threshold, percent])
    # 80.00 are left after the percent, which is worked through first, so 90.00 are not reached.
    assert [(one.code, one.off_minor) for one in found.applied] == [("P", 2_000)]
    assert found.refused[0].reason.values["missing_minor"] == 1_000
    alone = Candidate(code="A", offer_id=3, terms=Terms(benefit=Amount(amount_minor=100)))
    assert [one.code for one in evaluate(of, [percent, alone]).applied] == ["P"]
    assert [one.code for one in evaluate(of, [alone, percent]).applied] == ["A"]
    # A code that takes nothing off by itself does not stand in the way of others.
    dear = Candidate(code="D", offer_id=4, terms=Terms(benefit=Amount(amount_minor=1), least_minor=99_999))
    assert [one.code for one in evaluate(of, [dear, percent]).applied] == ["P"]
    twice = replace(percent, code="P2")
    assert [one.reason.code for one in evaluate(of, [percent, twice]).refused] == ["offer_repeated"]


def test_what_goes_together_is_asked_of_both() -> None:
    def one(benefit: Benefit, stacking: Stacking) -> Terms:
        return Terms(benefit=benefit, stacking=stacking)

    percent, amount, shipping = Percent(percent_bp=1), Amount(amount_minor=1), FreeShipping()
    assert combine(one(percent, "other_kinds"), one(shipping, "other_kinds"))
    assert not combine(one(percent, "other_kinds"), one(amount, "any"))
    assert combine(one(percent, "any"), one(amount, "any"))
    assert not combine(one(percent, "alone"), one(shipping, "any"))


@pytest.mark.parametrize(
    "lines", [[("a", 0, 1)], [("a", 1, -1)], [("a", rules.MOST_UNITS + 1, 1)], [("a", 1, rules.MOST_MINOR + 1)]]
)  # fmt: skip
def test_a_basket_that_cannot_be_reckoned_with_is_refused(lines: list[tuple[str, int, int]]) -> None:
    with pytest.raises(InvalidBasketError):
        evaluate(basket(*lines), [])
    same = Line(key="1", product="P", quantity=1, price_minor=1)
    with pytest.raises(InvalidBasketError, match="two lines"):
        evaluate(Basket(lines=(same, same)), [])


NAMES = st.sampled_from(["T1", "T2", "C1", "C2", "C3"])
GOODS = st.builds(
    Goods,
    products=st.lists(NAMES, max_size=2, unique=True).map(sorted).map(tuple),
    categories=st.sampled_from([(), ("T",), ("C", "T")]),
    except_products=st.sampled_from([(), (), ("T1",)]),
)
MONEY = st.integers(1, 20_000)
STEPS = st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=3, unique_by=(lambda p: p[0], lambda p: p[1])).map(
    lambda pairs: tuple(
        Step(spend_minor=spend, save_minor=min(save, spend))
        for spend, save in zip(sorted(p[0] for p in pairs), sorted(p[1] for p in pairs), strict=True)
    )
)  # fmt: skip
BENEFITS: st.SearchStrategy[Benefit] = st.one_of(
    st.builds(Percent, percent_bp=st.integers(1, 10_000)),
    st.builds(Amount, amount_minor=MONEY),
    st.builds(Threshold, steps=STEPS),
    st.builds(Threshold, steps=STEPS.map(lambda steps: steps[:1]), repeats=st.booleans()),
    st.builds(
        Bundle,
        parts=st.lists(st.builds(Part, goods=GOODS, quantity=st.integers(1, 3)), min_size=1, max_size=3).map(tuple),
        price_minor=st.integers(0, 5_000),
    ),
    st.builds(BuyGet, buy=st.integers(1, 3), get=st.integers(1, 2), percent_bp=st.integers(1, 10_000)),
    st.just(FreeShipping()),
    st.builds(Gift, product=NAMES, quantity=st.integers(1, 3), cost_minor=st.integers(0, 500)),
)  # fmt: skip
BASKETS = st.builds(
    basket,
    st.tuples(NAMES, st.integers(1, 9), st.integers(0, 9_999)),
    st.tuples(NAMES, st.integers(1, 9), st.integers(0, 9_999)),
    st.tuples(NAMES, st.integers(1, 900), st.integers(0, 99)),
    shipping=st.integers(0, 900),
)
CODES = st.lists(
    st.builds(
        Terms,
        benefit=BENEFITS,
        goods=GOODS,
        least_minor=st.sampled_from([0, 0, 5_000]),
        most_minor=st.sampled_from([None, None, 700]),
        stacking=st.sampled_from(["any", "any", "other_kinds", "alone"]),
    ),
    min_size=1,
    max_size=5,
)


@given(of=BASKETS, codes=CODES, seed=st.integers(0, 999))
@settings(max_examples=400, deadline=None)
def test_every_basket_is_reckoned_to_the_last_unit_whatever_the_order_of_its_lines(
    of: Basket, codes: list[Terms], seed: int
) -> None:
    candidates = [Candidate(code=str(n), offer_id=n, terms=terms) for n, terms in enumerate(codes, start=1)]
    found = evaluate(of, candidates)
    # Never more off than there is, on any line and of the shipping; never less than nothing.
    assert all(0 <= found.off_by_line[line.key] <= line.amount_minor for line in of.lines)
    assert 0 <= found.shipping_off_minor <= of.shipping_minor
    assert found.total_minor == of.total_minor - found.off_minor >= 0
    # Exact: what the codes take off is what the lines and the shipping lose.
    assert found.off_minor == sum(one.off_minor for one in found.applied)
    assert found.off_minor == sum(found.off_by_line.values()) + found.shipping_off_minor
    for one, terms in ((one, codes[one.offer_id - 1]) for one in found.applied):
        assert one.off_minor == sum(one.off_by_line.values()) + one.shipping_off_minor
        assert terms.most_minor is None or one.off_minor <= terms.most_minor
        assert isinstance(terms.benefit, Gift) or one.off_minor > 0
    # Every code is answered, once.
    answered = [one.code for one in found.applied] + [one.code for one in found.refused]
    assert sorted(answered) == sorted(one.code for one in candidates)
    # Whatever the order of the lines.
    lines = list(of.lines)
    random.Random(seed).shuffle(lines)  # noqa: S311  a test's dice
    assert evaluate(replace(of, lines=tuple(lines)), candidates) == found


@given(
    weights=st.dictionaries(st.text(max_size=2), st.integers(0, 10**9), min_size=1), share=st.fractions(0, 1)
)
@settings(max_examples=200, deadline=None)
def test_a_total_is_divided_to_the_last_unit(weights: dict[str, int], share: float) -> None:
    total = int(sum(weights.values()) * share)
    found = spread(total, weights)
    assert sum(found.values()) == total
    assert all(0 <= found[key] <= weight for key, weight in weights.items())


@given(benefit=BENEFITS, goods=GOODS)
@settings(max_examples=100, deadline=None)
def test_what_is_stored_is_what_is_read(benefit: Benefit, goods: Goods) -> None:
    if isinstance(benefit, Bundle) and sum(part.quantity for part in benefit.parts) < 2:
        return
    assert read_benefit(kind_of(benefit), write_benefit(benefit)) == benefit
    assert read_goods(write_goods(goods)) == goods


@pytest.mark.parametrize(
    ("kind", "told", "field"),
    [
        ("free", {}, "kind"),
        ("percent", {"percent_bp": 10_001}, "percent_bp"),
        ("percent", {"percent_bp": True}, "percent_bp"),
        ("amount", {}, "amount_minor"),
        ("threshold", {"steps": []}, "steps"),
        ("threshold", {"steps": [{"spend_minor": 100, "save_minor": 101}]}, "steps.0.save_minor"),
        ("threshold", {"steps": [{"spend_minor": 9, "save_minor": 1}, {"spend_minor": 9, "save_minor": 2}]}, "steps.1.spend_minor"),
        ("bundle", {"parts": [{"quantity": 1}], "price_minor": 1}, "parts"),
        ("bundle", {"parts": [{"quantity": 2, "goods": {"colour": ["red"]}}], "price_minor": 1}, "parts.0.goods.colour"),
        ("buy_get", {"buy": 0, "get": 1}, "buy"),
        ("gift", {"product": " "}, "product"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_name(kind: str, told: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidOfferError) as raised:
        read_benefit(kind, told)
    assert raised.value.details["field"] == field
