"""Draw docs/terminal.svg: what `dsinspect report sample_data/coco` prints, as a picture for the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100


def main() -> None:
    """Run the report in colour and save it as SVG without any font from elsewhere."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
    done = subprocess.run([sys.executable, "-m", "dsinspect", "report", "sample_data/coco", "--no-cache"], cwd=ROOT,
                          env=environment, capture_output=True, text=True, check=True)
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(done.stdout))
    svg = console.export_svg(title="dsinspect report sample_data/coco", unique_id="dsinspect")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "terminal.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
