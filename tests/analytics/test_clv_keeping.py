import json

import pytest

from regulars.analytics import clv, facts
from regulars.analytics.clv.fits import PurchaseModel
from tests.analytics import cdnow

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("model", ["mbg_cnbd_k", "pareto_nbd", "plain_rate"])
def test_a_kept_fit_scores_every_customer_as_before(model: PurchaseModel) -> None:
    orders = facts.until(cdnow.orders(), as_of_day=cdnow.CALIBRATION_END)
    summary = clv.summarise(orders, as_of_day=cdnow.CALIBRATION_END)
    fit = clv.fit(summary, model=model)

    kept = clv.load(json.loads(json.dumps(clv.dump(fit), allow_nan=False)))

    for one in (fit, kept):
        assert one.model == model
    assert kept.p_alive(summary).equals(fit.p_alive(summary))
    assert kept.clv(summary, margin=0.3, interval=0.9).equals(fit.clv(summary, margin=0.3, interval=0.9))
    assert kept.findings == fit.findings
    assert kept.convergence == fit.convergence
