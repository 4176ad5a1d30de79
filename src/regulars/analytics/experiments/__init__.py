"""Statistics of experiments: sticky buckets, comparisons of arms, and checks before and beside them."""

from regulars.analytics.experiments.always_valid import Sequential
from regulars.analytics.experiments.assignment import BUCKETS, bucket
from regulars.analytics.experiments.comparing import (
    Comparison,
    Correction,
    ExperimentError,
    compare,
    compare_moments,
)
from regulars.analytics.experiments.design import (
    DetectableEffect,
    SampleRatio,
    minimum_detectable_effect,
    sample_ratio,
)
from regulars.analytics.experiments.metrics import ArmEstimate, Mean, Metric, Proportion, Ratio
from regulars.analytics.experiments.moments import Moments, of_arms

__all__ = [
    "BUCKETS",
    "ArmEstimate",
    "Comparison",
    "Correction",
    "DetectableEffect",
    "ExperimentError",
    "Mean",
    "Metric",
    "Moments",
    "Proportion",
    "Ratio",
    "SampleRatio",
    "Sequential",
    "bucket",
    "compare",
    "compare_moments",
    "minimum_detectable_effect",
    "of_arms",
    "sample_ratio",
]
