"""What to change: rules over a month's figures, each a sentence that names the figures that it rests on."""

from django.utils.translation import gettext as _

from regulars.insights.formats import count, money_rounded, percent, signed
from regulars.reports.review import Review

_FALLS = 0.10
_LOSES = 0.05
_LEAST_MOVED = 10
_WORST = ("at_risk",)


def advice(found: Review) -> list[str]:
    """Return what to change, the most pressing first; one sentence that nothing presses where no rule fires."""
    told = [
        *_of_tried(found),
        *_of_repurchase(found),
        *_of_movers(found),
        *_of_newcomers(found),
        *_of_cohorts(found),
    ]
    if not found.holdout_bp:
        told.append(
            _("Nobody is held out of all advertising, so what it brings together is not known. A global hold-out of 5 percent is enough.")
        )  # fmt: skip
    return told or [
        _("No figure of this month asks for a change. Go on, and keep trying things against a hold-out.")
    ]


def _of_tried(found: Review) -> list[str]:
    told = []
    for one in found.tried:
        if not one.is_split_as_planned:
            told.append(
                _("“%(name)s”: its arms do not have as many customers as planned. Find out who was left out before you believe its figures.")
                % {"name": one.name}
            )  # fmt: skip
            continue
        effect = one.margin_minor
        if effect is None:
            continue
        cost = one.cost_minor or 0.0
        said = {
            "name": one.name,
            "low": money_rounded(round(effect.total_low - cost), found.currency),
            "high": money_rounded(round(effect.total_high - cost), found.currency),
        }
        if effect.total_low - cost > 0:
            told.append(_("“%(name)s” earned %(low)s to %(high)s after its cost: do it again.") % said)
        elif effect.total_high - cost < 0:
            told.append(_("“%(name)s” lost money (%(low)s to %(high)s after its cost): stop it, or change offer or audience.") % said)  # fmt: skip
        else:
            told.append(_("Whether “%(name)s” earned anything is open (%(low)s to %(high)s after its cost): repeat it with a larger segment or hold-out before you decide.") % said)  # fmt: skip
    return told


def _of_repurchase(found: Review) -> list[str]:
    moved = found.repurchase_change
    if moved is None or moved.high >= 0:
        return []
    points = _("%(number)s points") % {"number": signed(moved.value * 100)}
    return [
        _("The repurchase rate fell clearly (%(points)s against the month before): look after second orders, with a reason to come back in the first 30 days.")
        % {"points": points}
    ]  # fmt: skip


def _of_movers(found: Review) -> list[str]:
    tiers = found.moves.get("tier")
    if tiers is None:
        return []
    fell = sum(
        many for before, after, many in tiers.iter_rows() if after in _WORST and before not in (*_WORST, "")
    )
    came = sum(
        many for before, after, many in tiers.iter_rows() if before in _WORST and after not in (*_WORST, "")
    )
    if fell < _LEAST_MOVED or fell <= came:
        return []
    return [
        _("%(fell)s customers slipped into “at risk” and only %(came)s came back from there: speak to the slipped ones first, while they still remember you.")
        % {"fell": count(fell), "came": count(came)}
    ]  # fmt: skip


def _of_newcomers(found: Review) -> list[str]:
    if found.before is None or not found.before.new_customers or not found.is_complete:
        return []
    fell = 1 - found.now.new_customers / found.before.new_customers
    if fell < _FALLS:
        return []
    return [
        _("New customers: %(now)s, %(fell)s fewer than the month before. Look at where they come from, and at referrals.")
        % {"now": count(found.now.new_customers), "fell": percent(fell)}
    ]  # fmt: skip


def _of_cohorts(found: Review) -> list[str]:
    """Compare the latest cohort whose second month is over with those before it."""
    first = found.cohorts.filter((found.cohorts["months_since"] == 1) & found.cohorts["complete"]).sort(
        "cohort"
    )
    if first.height < 3:  # noqa: PLR2004  one, and some to compare it with
        return []
    *earlier, latest = first["retention"].to_list()
    usual = sum(earlier) / len(earlier)
    if latest >= usual - _LOSES:
        return []
    return [
        _("Of the newest customers %(latest)s bought again in the month after their first order, of earlier ones %(usual)s: check what newcomers hear from you in their first weeks.")
        % {"latest": percent(latest), "usual": percent(usual)}
    ]  # fmt: skip
