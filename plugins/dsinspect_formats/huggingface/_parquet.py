"""Parquet files of Hugging Face sets: boxes through pyarrow, images inside from copies in the cache folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsinspect.errors import UserError
from dsinspect.io.limits import limits, option
from dsinspect.protocols.formats import OpenRequest, ShardRef
from dsinspect.tables.columns import Columns, objects
from dsinspect.tables.dataset import Category, DatasetInfo, Shard
from dsinspect.tables.schema import Problem, problem_columns
from dsinspect_formats._embedded import exposed
from dsinspect_formats._images import ImageTree, stem_of
from dsinspect_formats._named_images import Images
from dsinspect_formats._reading import MemorySource, split_of
from dsinspect_formats._rows import Rows
from dsinspect_formats.huggingface._records import BOXES, OBJECTS, Reader, key_of, names_of

IMAGE = ("image", "img", "picture")
BATCH = 256


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        return None
    return parquet


def rows_in(root: Path, names: Sequence[str]) -> int | None:
    """Return how many images parquet files hold, which stands for their boxes; None when nothing here can say."""
    parquet = _pyarrow()
    if parquet is None:
        return None
    try:
        return sum(int(parquet.read_metadata(root if root.is_file() else root / name).num_rows) for name in names)
    except Exception:  # as in `holds_boxes`; opening says what is wrong
        return None


def holds_boxes(path: Path) -> bool | None:
    """Say whether a parquet file has columns of boxes; None when pyarrow is not there to say."""
    parquet = _pyarrow()
    if parquet is None:
        return None
    try:
        schema = parquet.read_schema(path)
    except Exception:  # whatever pyarrow makes of hostile bytes, they are no set of ours
        return False
    return any(name in schema.names for name in (*OBJECTS[:3], *BOXES)) and any(
        b in str(schema) for b in ("bbox", "box"))


@dataclass(frozen=True)
class Inside:
    """Where an image stands: file, row group, row in it, and the name its record has."""

    source: str
    group: int
    row: int


class ParquetSource(MemorySource):
    """Opened parquet files."""

    def __init__(self, request: OpenRequest, root: Path, paths: Sequence[str], names: Mapping[int, str], boxes: str,
                 fields: Sequence[str], *, extract: bool) -> None:
        from dsinspect_formats.huggingface.reader import COLUMNS, notes_of

        parquet = _pyarrow()
        if parquet is None:
            raise UserError(f"{request.root}: parquet needs pyarrow: pip install 'dsinspect[parquet]'")
        self.root, self.extract = root, extract
        self.inside: list[Inside] = []
        self.image_key: dict[str, str] = {}
        names = dict(names)
        rows, images = Rows(fields), Images()
        for path in paths:
            rows.file(path, split=split_of(path, words=True))
            try:
                file = parquet.ParquetFile(root / path)
                self._read(file, path, names, boxes, rows, images)
            except Exception as e:  # pyarrow raises whatever its C++ parts did with the bytes
                rows.fault(f"cannot be read as parquet: {type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}")
        tree = ImageTree.below(request.images or root)
        table, problems = images.table(tree, root, orphans=False)
        has_bytes = bool(self.image_key) and extract
        info = DatasetInfo(
            format="huggingface", root=root, categories=tuple(Category(k, n) for k, n in sorted(names.items())), columns=COLUMNS,
            notes=(*notes_of(boxes), "images inside parquet are measured from copies in the cache folder" if extract
                   else "images inside parquet are not measured (option extract)"))
        super().__init__(info, table, rows.table(table["image_id"]), [*rows.problems, *problems])
        if has_bytes:
            self.info = replace(self.info, has_files=True)

    def _read(self, file: Any, path: str, names: dict[int, str], boxes: str, rows: Rows, images: Images) -> None:
        schema = file.schema_arrow
        if file.metadata.num_rows > (most := limits().rows):
            raise ValueError(f"{file.metadata.num_rows:,} rows, more than {most:,} ({option('rows')})")
        if not names:
            names.update(_names_in_schema(schema))
        image_key = key_of(dict.fromkeys(schema.names), IMAGE)
        if image_key:
            self.image_key[path] = image_key
        wanted = [n for n in schema.names if n != image_key]
        if image_key and _is_struct_with_path(schema, image_key):
            wanted.append(f"{image_key}.path")
        reader = Reader(rows, names, boxes)
        split = split_of(path, words=True)
        number = 0
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=wanted)
            for k, record in enumerate(table.to_pylist()):
                inner = record.pop(image_key, None) if image_key else None
                own = inner.get("path") if isinstance(inner, dict) else None
                own = own if isinstance(own, str) and own else record.get("file_name")
                if not isinstance(own, str) or not own:
                    own = f"{stem_of(path)}/{number:06}.jpg"
                reader.image(record, -1, "", path, split, images, name=own.replace("\\", "/"))
                self.inside.append(Inside(path, group, k))
                number += 1

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the tables; each part knows where its images stand."""
        return [ParquetShard(part, tuple(self.inside[k * size:(k + 1) * size]), str(self.root), self.image_key)
                if self.extract and self.image_key else part for k, part in enumerate(super().shards(size))]


def _is_struct_with_path(schema: Any, name: str) -> bool:
    kind = schema.field(name).type
    return hasattr(kind, "get_field_index") and kind.get_field_index("path") >= 0


def _names_in_schema(schema: Any) -> dict[int, str]:
    """Return the class names that the `datasets` library keeps beside the schema."""
    said = (schema.metadata or {}).get(b"huggingface")
    if not said:
        return {}
    try:
        return names_of(json.loads(said))
    except (ValueError, RecursionError):
        return {}


@dataclass(frozen=True)
class ParquetShard:
    """A cut of the tables, and where its images stand."""

    part: ShardRef
    inside: tuple[Inside, ...]
    root: str
    image_key: Mapping[str, str]

    def load(self) -> Shard:
        """Give the images inside a file each."""
        shard = self.part.load()
        files = shard.image_columns["file"].tolist()
        paths = shard.image_columns["path"].tolist()
        problems: list[Problem] = []
        parquet = _pyarrow()
        groups = dict.fromkeys((i.source, i.group) for i in self.inside if i.source in self.image_key)
        for source, group in groups:
            at = {i.row: k for k, i in enumerate(self.inside) if (i.source, i.group) == (source, group)}
            key = self.image_key[source]
            try:
                row = 0
                for batch in parquet.ParquetFile(Path(self.root) / source).iter_batches(BATCH, row_groups=[group], columns=[key]):
                    if any(row <= r < row + len(batch) for r in at):
                        for k, value in enumerate(batch.column(0)):
                            if row + k in at:
                                image = at[row + k]
                                files[image] = _file_of(value.as_py(), paths[image]) or files[image]
                    row += len(batch)
            except Exception as e:  # pyarrow raises whatever its C++ parts did with the bytes
                problems.append(Problem("malformed-record", source, f"its images cannot be read: {type(e).__name__}"))
        told = Columns.concat([shard.problem_columns, problem_columns(problems)])
        return shard.replace(images=shard.image_columns.with_columns({"file": objects(files)}), problems=told)


def _file_of(value: Any, name: str) -> str | None:
    content = value.get("bytes") if isinstance(value, dict) else value
    return exposed(content, name) if isinstance(content, bytes) else None
