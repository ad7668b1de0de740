"""Pack folders into archives of each kind, and compare what commands make of them with what they make of the folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

KINDS = {"stored": "qset.zip", "deflated": "qset.zip", "plain": "qset.tar", "compressed": "qset.tgz"}
"""Kind of an archive to its name; all are as long, for text is shortened by its length."""
IN_PLACE = ("stored", "deflated", "plain")
NAME = "qset.zip"
"""A folder may be called so too."""


def packed(root: Path, folder: Path, kind: str) -> Path:
    """Pack the files of a folder into an archive of a kind, in a folder that is made where it is not there."""
    names = sorted(p for p in root.rglob("*") if p.is_file())
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / KINDS[kind]
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED) as out:
            for path in names:
                out.write(path, path.relative_to(root).as_posix())
    else:
        with tarfile.open(archive, "w" if kind == "plain" else "w:gz") as tar:
            for path in names:
                tar.add(path, path.relative_to(root).as_posix())
    return archive


def outputs(out: Path) -> dict[str, bytes]:
    """Return the files of an output, those inside of a workbook one by one; all archives are called alike."""
    found: dict[str, bytes] = {}
    for path in sorted(out.rglob("*")):
        if not path.is_file():
            continue
        content, name = path.read_bytes(), path.relative_to(out).as_posix()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                found |= {f"{name}/{n}": book.read(n) for n in book.namelist()}
        else:
            found[name] = content
    for name in KINDS.values():
        found = {path: content.replace(name.encode(), NAME.encode()) for path, content in found.items()}
    return found
