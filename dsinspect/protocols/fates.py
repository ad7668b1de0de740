"""What becomes of a record in a trainer: the numbers that fates are written in.

They are also in `dsinspect.protocols.trainers`, beside what trainers are made of, which takes 7 ms to import and which a run
without a trainer does not need.
"""

from __future__ import annotations

TRAINER = "trainer"
"""What a check names among its `needs` when it asks `Batch.judged`; it is skipped where no trainer is named."""
KEPT, CHANGED, DROPPED = 0, 1, 2
"""Fates of an annotation: as it stands, read otherwise, or left out."""
FATES = ("kept", "changed", "dropped")
NO_RULE = -1
"""The rule of a record that arrives as it stands."""
