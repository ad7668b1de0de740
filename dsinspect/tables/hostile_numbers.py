"""Arithmetic on a dataset's numbers: NaN, infinity and 1e308 are values there, and no cause for warnings on stderr."""

from __future__ import annotations

import numpy as np


def of_any_size() -> np.errstate:
    """Return what keeps NumPy quiet about overflow and NaN, as a context or a decorator.

    Readers neither drop nor repair, so a box may reach from -1e308 to 1e308 px: its width is infinite, which checks report
    (BOX002). A warning of NumPy on stderr would say nothing that a finding does not.

    >>> with of_any_size():
    ...     float(np.float64(1e308) - np.float64(-1e308))
    inf
    """
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")
