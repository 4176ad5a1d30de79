"""Statistics of experiments: sticky buckets, comparisons of arms, and checks before and beside them."""

from regulars.analytics.experiments.always_valid import Sequential, UntilEnd, fixed_alpha
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
from regulars.kernel.buckets import BUCKETS, bucket

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
    "UntilEnd",
    "bucket",
    "compare",
    "compare_moments",
    "fixed_alpha",
    "minimum_detectable_effect",
    "of_arms",
    "sample_ratio",
]
