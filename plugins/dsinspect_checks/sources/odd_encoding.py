"""SRC007 odd-encoding: text files that are not plain UTF-8.

A label, list or configuration file with a byte order mark or in another encoding. It was read all the same, in the encoding
that is named. In JSON it is an error: JSON has to be UTF-8, and what reads it for training stops.

Why it matters: class names become garbage, and a byte order mark makes the first row unreadable for most trainers.

Example: a classes.txt saved as `UTF-8 with BOM` by an editor.

When to ignore: when every program that reads the file copes with it.

Source of the default: there is no limit; users met it in labelImg#572.
"""

from __future__ import annotations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, Fix, RowCheck, Severity

JSON = (".json", ".jsonl", ".ndjson")


class OddEncoding(RowCheck[BaseOptions]):
    """Text files that are not plain UTF-8."""

    code = "SRC007"
    name = "odd-encoding"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        found = Findings.of_problems(batch, "odd-encoding", "{reason}", fix=Fix("safe", "rewrite-utf8"))
        is_json = np.array([str(s).lower().endswith(JSON) for s in found.columns["source"]], bool)
        if not is_json.any():
            return found
        return Findings.concat([found.take(~is_json), found.take(is_json).with_severity(Severity.ERROR)])
