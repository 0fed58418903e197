"""Statistical process control: charts as plain arrays. numpy only.

The pages draw these in the web process, so nothing here may import scipy or pandas.
"""

from __future__ import annotations

from analytics.core.spc.attributes import (
    CountLimits,
    c_chart,
    laney_p_chart,
    np_chart,
    p_chart,
    probability_limits,
    u_chart,
)
from analytics.core.spc.averages import ewma
from analytics.core.spc.capability import (
    Capability,
    Index,
    capability,
    share_outside,
)
from analytics.core.spc.chart import Chart
from analytics.core.spc.constants import (
    D2_OF_TWO,
    D4_OF_TWO,
    Factors,
    factors,
)
from analytics.core.spc.counts import binomial, poisson
from analytics.core.spc.cusum import Cusum, began, cusum
from analytics.core.spc.design import (
    CountCusum,
    design_binomial_cusum,
    design_cusum,
    design_ewma,
)
from analytics.core.spc.detect import Detection, Rise, detect_excursion
from analytics.core.spc.normal import NORMAL_95
from analytics.core.spc.rules import nelson, standardised, western_electric
from analytics.core.spc.run_length import (
    arl_of_cusum,
    arl_of_ewma,
    arl_of_three_sigmas,
)
from analytics.core.spc.shares import wilson
from analytics.core.spc.signals import Signal, signals
from analytics.core.spc.variables import (
    individuals,
    moving_ranges,
    sigma_of_moving_range,
    xbar_r,
    xbar_s,
)

__all__ = [
    "D2_OF_TWO",
    "D4_OF_TWO",
    "NORMAL_95",
    "Capability",
    "Chart",
    "CountCusum",
    "CountLimits",
    "Cusum",
    "Detection",
    "Factors",
    "Index",
    "Rise",
    "Signal",
    "arl_of_cusum",
    "arl_of_ewma",
    "arl_of_three_sigmas",
    "began",
    "binomial",
    "c_chart",
    "capability",
    "cusum",
    "design_binomial_cusum",
    "design_cusum",
    "design_ewma",
    "detect_excursion",
    "ewma",
    "factors",
    "individuals",
    "laney_p_chart",
    "moving_ranges",
    "nelson",
    "np_chart",
    "p_chart",
    "poisson",
    "probability_limits",
    "share_outside",
    "sigma_of_moving_range",
    "signals",
    "standardised",
    "u_chart",
    "western_electric",
    "wilson",
    "xbar_r",
    "xbar_s",
]
