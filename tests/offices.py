"""Open and save workbooks with an office program."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def through_libreoffice(path: Path, suffix: str, folder: Path) -> Path:
    """Open and save a workbook with LibreOffice; the test is skipped where there is none."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice is not there")
    folder.mkdir(exist_ok=True)
    subprocess.run([program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", suffix, "--outdir",
                    str(folder), str(path)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)
    return folder / f"{path.stem}.{suffix}"
