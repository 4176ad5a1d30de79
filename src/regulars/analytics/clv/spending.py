"""What an order is worth: the Gamma-Gamma model of the mean amount.

A customer's amounts are Gamma(p, nu), nu differs between customers as Gamma(q, gamma). Of x amounts with
mean m, the likelihood of the mean is (equation 1a)

    Gamma(px+q) / (Gamma(px) Gamma(q)) gamma^q m^(px-1) x^px / (gamma + m x)^(px+q),

and the mean amount to expect of the customer is (gamma + m x) p / (px + q - 1) (equation 5): the customer's
own mean, drawn towards the mean of all, p gamma / (q - 1). q > 1 is required here, or that mean is infinite.

Reference:
    Fader, Hardie (2013), The Gamma-Gamma model of monetary value, brucehardie.com/notes/025.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from regulars.analytics.clv.groups import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Amounts:
    """Customers with repeat occasions: how many, their mean amount, and how many customers are alike.

    Attributes:
        frequency: Repeat occasions, x; at least 1.
        mean_minor: Mean amount of those occasions in minor units, m; above 0.
        customers: How many customers share the pair.
    """

    frequency: Floats
    mean_minor: Floats
    customers: Floats

    def thinned(self, most: int) -> "Amounts":
        """Return about `most` pairs spread evenly over the sorted table."""
        if len(self.frequency) <= most:
            return self
        order = np.lexsort((self.mean_minor, self.frequency))
        kept = order[:: -(-len(order) // most)]
        scale = self.customers.sum() / self.customers[kept].sum()
        return Amounts(
            frequency=self.frequency[kept],
            mean_minor=self.mean_minor[kept],
            customers=self.customers[kept] * scale,
        )


def natural(log_parameters: Floats) -> Floats:
    """Return p, q, gamma of the logarithms of p, q - 1, gamma."""
    parameters = np.exp(log_parameters)
    parameters[1] += 1.0
    return parameters


def starts(amounts: Amounts) -> list[Floats]:
    """Return starting points around the shop's own mean amount."""
    mean = float(np.average(amounts.mean_minor, weights=amounts.customers))
    return [np.log([p, q - 1, mean * (q - 1) / p]) for p, q in ((6.0, 4.0), (1.5, 2.0), (30.0, 20.0))]


def log_likelihood(log_parameters: Floats, amounts: Amounts) -> tuple[float, Floats]:
    """Return the log-likelihood and its gradient by the logarithms of p, q - 1 and gamma."""
    p, q, gamma = natural(log_parameters)
    x, m = amounts.frequency, amounts.mean_minor
    px, log_sum = p * x, np.log(gamma + m * x)
    value = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
    value = value + (px - 1) * np.log(m) + px * np.log(x) - (px + q) * log_sum
    both = digamma(px + q)
    by_p = x * (both - digamma(px) + np.log(m) + np.log(x) - log_sum)
    by_q = both - digamma(q) + np.log(gamma) - log_sum
    by_gamma = q / gamma - (px + q) / (gamma + m * x)
    weight = amounts.customers
    gradient = np.array([weight @ by_p * p, weight @ by_q * (q - 1), weight @ by_gamma * gamma])
    return float(weight @ value), gradient
