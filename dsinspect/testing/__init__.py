"""Contract tests for plugin authors: build tiny batches, and hold a plugin against the laws of its protocol.

    from dsinspect.testing import assert_check, make_batch

    def test_square_box():
        assert_check(SquareBox, make_batch(images=[{"path": "a.jpg", "width": 100, "height": 80}],
                                           annotations=[{"image": "a.jpg", "category": "cat", "box": [0, 0, 9, 9]}]))

A broken law raises AssertionError with what is wrong. pytest is not needed.
"""

from dsinspect.testing.batches import make_batch, split_batch
from dsinspect.testing.executors import assert_executor
from dsinspect.testing.formats import assert_format, assert_writer
from dsinspect.testing.laws import (
    assert_check,
    assert_probe,
    check_laws,
    comparable,
    findings_of,
    run_check,
)
from dsinspect.testing.reports import assert_report, odd_runs
from dsinspect.testing.trainers import assert_trainer
from dsinspect.testing.transforms import assert_transform

__all__ = ["assert_check", "assert_executor", "assert_format", "assert_probe", "assert_report", "assert_trainer",
           "assert_transform", "assert_writer", "check_laws", "comparable", "findings_of", "make_batch", "odd_runs", "run_check",
           "split_batch"]
