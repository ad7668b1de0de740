"""Write Pascal VOC: an XML file per image, and the lists of the splits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import IO, Any
from xml.sax.saxutils import escape

import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.atomic import partial_name
from dsinspect.io.containment import plain_stem
from dsinspect.io.folders import make_folder
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import BOX_COLUMNS
from dsinspect_formats._writing import Losses, cannot_write, field_of, number, slices_of, unlink_quietly, write_file

ATTRIBUTES = ("pose", "truncated", "occluded")
READ_SPLITS = ("train", "val", "test", "trainval")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def place(path: str) -> str:
    """Return `JPEGImages/NAME`: VOC keeps all images in one folder."""
    return f"JPEGImages/{plain_stem(PurePosixPath(path).name) or 'image'}"


def write(info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
    """Write `Annotations/STEM.xml` and `ImageSets/Main/SPLIT.txt`; see `Format.write`.

    Boxes are written as they stand, in the shortest digits that read back as the same float64: the reader's default.
    `difficult` is `is_ignored`; pose, truncated and occluded come from a source that has them.

    Raises:
        UserError: a file cannot be written.
    """
    losses = Losses(info, ("ignored", "depth", *ATTRIBUTES))
    written: dict[str, bytes] = {}
    with ExitStack() as stack:
        lists = _SplitLists(out / "ImageSets" / "Main", stack)
        for shard in shards:
            annotations = losses.take(shard)
            names = [_text(n) for n in annotations["category"].tolist()]
            losses.add("characters of class names that XML cannot hold or readers strip", np.array(
                [a != b for a, b in zip(names, annotations["category"].tolist(), strict=True)], bool))
            objects = _objects(names, annotations)
            columns = [shard.images[c].tolist() for c in ("path", "split", "width", "height")]
            depths = field_of(shard.images, "depth", [None] * len(shard.images))
            for path, split, width, height, depth, (start, end) in zip(
                    *columns, depths, slices_of(annotations, len(shard.images)), strict=True):
                content = _document(path, (width, height, depth), objects[start:end])
                digest = hashlib.blake2b(content, digest_size=8).digest()
                xml = xml_of(path)
                if xml not in written:
                    written[xml] = digest
                    write_file(out / xml, content)
                elif written[xml] != digest:
                    losses.add("annotations of an image that stands in two splits with other boxes", end - start)
                lists.add(split, PurePosixPath(path).stem)
                losses.add("images in splits that readers of VOC do not know", split not in (None, *READ_SPLITS))
        if not written:
            make_folder(out / "Annotations")
        lists.finish(info.splits)
    return losses.result()


def xml_of(path: str) -> str:
    """Return the XML file of an image."""
    inner = path.removeprefix("JPEGImages/")
    return f"Annotations/{PurePosixPath(inner).with_suffix('.xml')}"


def _text(name: str) -> str:
    return _NOT_XML.sub("\ufffd", name).replace("\r", " ").strip()


def _objects(names: Sequence[str], annotations: Any) -> list[str]:
    """Return the `<object>` elements of a table."""
    columns = [annotations[c].tolist() for c in BOX_COLUMNS]
    attributes = {a: v.tolist() for a in ATTRIBUTES if (v := field_of(annotations, a)) is not None}
    difficult = annotations["is_ignored"].tolist()
    objects = []
    for k, name in enumerate(names):
        lines = [f"\t\t<name>{escape(name)}</name>"]
        lines += [f"\t\t<{a}>{escape(_text(str(v[k])))}</{a}>" for a, v in attributes.items() if v[k] is not None]
        if not attributes:  # what other programs ask for, in the words VOC has for it
            lines += ["\t\t<pose>Unspecified</pose>", "\t\t<truncated>0</truncated>"]
        lines.append(f"\t\t<difficult>{int(difficult[k])}</difficult>")
        edges = "".join(f"\t\t\t<{e}>{number(c[k])}</{e}>\n" for e, c in zip(_EDGES, columns, strict=True))
        lines.append(f"\t\t<bndbox>\n{edges}\t\t</bndbox>")
        objects.append("\t<object>\n" + "\n".join(lines) + "\n\t</object>\n")
    return objects


def _document(path: str, size: tuple[float, float, str | None], objects: Sequence[str]) -> bytes:
    folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
    width, height, depth = size
    sides = "".join(f"\t\t<{k}>{number(float(v))}</{k}>\n" for k, v in (("width", width), ("height", height))
                    if np.isfinite(v))
    sides += f"\t\t<depth>{escape(_text(depth))}</depth>\n" if depth else ""
    declared = f"\t<size>\n{sides}\t</size>\n" if sides else ""
    return (f"<annotation>\n\t<folder>{escape(_text(folder))}</folder>\n\t<filename>{escape(_text(name))}</filename>\n{declared}"
            f"{''.join(objects)}</annotation>\n").encode()


class _SplitLists:
    """The lists of the splits, written as the images come."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._files: dict[str, tuple[IO[bytes], Path]] = {}

    def add(self, split: str | None, stem: str) -> None:
        """Add an image to the list of its split."""
        if split is None:
            return
        try:
            self._file(split).write(f"{stem}\n".encode(errors="surrogateescape"))
        except OSError as e:
            raise cannot_write(self._folder, e) from None

    def _file(self, split: str) -> IO[bytes]:
        if split not in self._files:
            if "/" in split or "\0" in split:
                raise UserError(f"split {split!r}: is no file name; rename it")
            make_folder(self._folder)
            partial = partial_name(self._folder / f"{split}.txt")
            self._files[split] = (self._stack.enter_context(partial.open("wb")), partial)
            self._stack.callback(unlink_quietly, partial)
        return self._files[split][0]

    def finish(self, splits: Sequence[str]) -> None:
        """Put the lists in their places; a split without images gets an empty one."""
        try:
            for split in splits:
                self._file(split)
            for split, (file, partial) in self._files.items():
                file.close()
                partial.replace(self._folder / f"{split}.txt")
        except OSError as e:
            raise cannot_write(self._folder, e) from None
