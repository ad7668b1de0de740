"""Hugging Face: image folders with metadata.jsonl or .csv, and parquet files with the images inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Facts, Format, OpenRequest, Patch, Source
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect_formats._images import ImageTree
from dsinspect_formats._no_place import NO_PLACE
from dsinspect_formats._sniffing import head_of, weigh
from dsinspect_formats.huggingface._looks import _BOX_KEYS, Options, metadata_files, parquet_files

if TYPE_CHECKING:
    from dsinspect.protocols.edits import Edits


class HuggingFace(Format):
    """Image folders and parquet files of the `datasets` library with boxes."""

    name = "huggingface"
    also_called = ("hf", "parquet", "imagefolder", "datasets")
    facts = Facts(
        recognised="`metadata.jsonl` or `.csv` with file names and boxes, or parquet files with columns of boxes",
        read="boxes as a list of objects or an object of lists, categories as numbers (named by README.md or the parquet "
             "schema) or texts, areas, crowds; images inside parquet (extra `parquet`)",
        kept="unknown keys, the order of keys, the text of numbers; rows of parquet that no edit names",
        written="`SPLIT/metadata.jsonl` beside the images",
        assumed="x, y, width and height in px, as COCO; nothing in the files says so, and a note does (`huggingface.boxes`)")
    writable = True
    patchable = True
    no_place = NO_PLACE - {"set-image-size", "set-path", "set-area", "mark-as-crowd"}
    options_type = Options

    def detect(self, root: Path) -> Detection | None:
        """Look for metadata.jsonl or .csv whose first record has a file name and boxes, or for parquet files."""
        for path in metadata_files(root)[:3]:
            head = head_of(root if root.is_file() else root / path, 1 << 16)
            if b"file_name" in head and any(k in head or k.replace(b'"', b"") in head for k in _BOX_KEYS):
                return Detection(0.96, f"{path} has file names with boxes", weigh(root, path, b"\n"), path)
        found = parquet_files(root)
        if found:
            from dsinspect_formats.huggingface._parquet import holds_boxes, rows_in

            told = holds_boxes(root if root.is_file() else root / found[0])
            if told is not False:
                unsure = " (pyarrow is needed to read it)" if told is None else ""
                return Detection(0.95 if told else 0.7, f"{found[0]} is parquet with boxes{unsure}",
                                 rows_in(root, found))
        return None

    def open(self, request: OpenRequest) -> Source:
        """Read the metadata, or the boxes of parquet files; images inside are touched by the shards.

        Raises:
            UserError: neither is there, or pyarrow is missing.
        """
        from dsinspect_formats._named_images import Images
        from dsinspect_formats._reading import MemorySource, split_of
        from dsinspect_formats._rows import Rows
        from dsinspect_formats.huggingface._records import Reader, csv_records, jsonl_records, names_in_readme
        from dsinspect_formats.huggingface.reader import COLUMNS, notes_of

        root = request.root if request.root.is_dir() else request.root.parent
        options = request.options if isinstance(request.options, Options) else Options()
        names = names_in_readme(root)
        fields = sorted(COLUMNS & request.columns)
        paths = metadata_files(request.root)
        if not paths:
            found = parquet_files(request.root)
            if not found:
                raise UserError(f"{request.root}: no metadata.jsonl, metadata.csv or parquet file")
            from dsinspect_formats.huggingface._parquet import ParquetSource

            return ParquetSource(request, root, found, names, options.boxes, fields, extract=options.extract)
        rows, images = Rows(fields), Images()
        reader = Reader(rows, names, options.boxes)
        for path in paths:
            rows.file(path, split=(split := split_of(path)))
            text = rows.text_of(root / path)
            if text is None:
                continue
            folder = path.rpartition("/")[0]
            records = jsonl_records(text, rows) if path.endswith(".jsonl") else csv_records(text, rows)
            for line, record in records:
                reader.image(record, line, folder, path, split, images)
        table, problems = images.table(ImageTree.below(request.images or root), root)
        info = DatasetInfo(format=self.name, root=root, categories=tuple(Category(k, n) for k, n in sorted(names.items())),
                           columns=COLUMNS, notes=notes_of(options.boxes))
        return MemorySource(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])

    def place(self, path: str, split: str | None) -> str:
        """Return its place in the folder of its split."""
        from dsinspect_formats.huggingface.writer import place

        return place(path, split)

    def write(self, info: DatasetInfo, shards: Iterator[Shard], out: Path) -> Mapping[str, int]:
        """Write the annotations."""
        from dsinspect_formats.huggingface.writer import write

        return write(info, shards, out)

    def patch(self, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
        """Apply edits to metadata.jsonl without loss."""
        from dsinspect_formats.huggingface.patcher import patch

        return patch(self, request, edits)
