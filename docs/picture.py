"""Draw the pictures of the docs from the sample set: terminal, workbook, page and contact sheet.

    python docs/picture.py             # all of them
    python docs/picture.py terminal    # one

The workbook needs LibreOffice and pdftoppm, the page Chromium.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
SAMPLE = "sample_data/coco"
WIDTH = 100


def dsinspect(*arguments: str | Path, **environment: str) -> str:
    """Run a command on the sample set and return what it prints."""
    return subprocess.run([sys.executable, "-m", "dsinspect", *map(str, arguments)], cwd=ROOT, env={**os.environ, **environment},
                          capture_output=True, text=True, check=True).stdout


def terminal(_: Path) -> None:
    """Run the report in colour and save it as SVG without any font from elsewhere."""
    printed = dsinspect("report", SAMPLE, "--no-cache", FORCE_COLOR="1", COLUMNS=str(WIDTH))
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(printed))
    svg = console.export_svg(title=f"dsinspect report {SAMPLE}", unique_id="dsinspect")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "terminal.svg").write_text(svg, encoding="utf-8")


def workbook(folder: Path) -> None:
    """Show the top of the sheet of findings, without the margins of the printed page: its foot says which page it is."""
    dsinspect("report", SAMPLE, "--no-cache", "--quiet", "-o", folder / "report.xlsx")
    subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, folder / "report.xlsx"], check=True,
                   capture_output=True)
    text = subprocess.run(["pdftotext", "-layout", folder / "report.pdf", "-"], check=True, capture_output=True, text=True).stdout
    number = next(k for k, sheet in enumerate(text.split("\f"), 1) if re.search(r"Findings +\d+ / ", sheet))
    subprocess.run(["pdftoppm", "-r", "150", "-png", "-singlefile", "-f", str(number), "-l", str(number), folder / "report.pdf",
                    folder / "page"], check=True)
    printed = cv2.imread(str(folder / "page.png"))
    x, y, width, height = cv2.boundingRect((printed[:int(0.92 * len(printed))] < 250).any(axis=2).astype("uint8"))  # no foot
    cv2.imwrite(str(IMAGES / "workbook.png"), printed[y:y + min(height, int(0.62 * width)), x:x + width])


def page(folder: Path) -> None:
    """Show the top of the web page."""
    dsinspect("report", SAMPLE, "--no-cache", "--quiet", "-o", folder / "report.html")
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,900",
                    f"--screenshot={IMAGES / 'page.png'}", f"file://{folder / 'report.html'}"], check=True, capture_output=True)


def sheet(_: Path) -> None:
    """Draw a contact sheet."""
    dsinspect("view", SAMPLE, "-o", IMAGES / "sheet.jpg", "--limit", "12", "--sample", "12", "--quiet")


PICTURES: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (terminal, workbook, page, sheet)}


def main() -> None:
    """Draw those that are named, or all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or PICTURES:
            PICTURES[name](Path(folder))


if __name__ == "__main__":
    main()
