"""SRC008 code-in-config: configuration that trainers execute.

A data.yaml whose `download` holds Python code or a shell line. dsinspect never runs it.

Why it matters: trainers execute it with your rights when a path of the set is missing.

Example: `download: bash get.sh` in a data.yaml from somewhere.

When to ignore: when you wrote it yourself.

Source of the default: there is no limit.
"""

from __future__ import annotations

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class CodeInConfig(RowCheck[BaseOptions]):
    """Configuration that holds code to be run."""

    code = "SRC008"
    name = "code-in-config"
    severity = Severity.WARNING

    def find(self, batch: Batch) -> Findings:
        """Report what the reader met."""
        return Findings.of_problems(batch, "code-in-config", "{reason}")
