"""Read Pascal VOC: what stands in the files becomes tables."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dsinspect.errors import UserError
from dsinspect.io.reading import read_regular
from dsinspect.protocols.formats import ShardRef
from dsinspect.tables.columns import constant, objects
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import Problem, annotation_columns, image_columns, problem_columns
from dsinspect_formats._images import ImageTree, is_image, is_of_images, namesakes, relative, stem_of, walk
from dsinspect_formats._reading import reason_of
from dsinspect_formats._splits import split_named, split_of_folders
from dsinspect_formats._text import decode, odd_encoding, xml_text
from dsinspect_formats.voc._looks import Options
from dsinspect_formats.voc._xml import VocFile, read_xml

_LIST = re.compile(r"(?:^|(?P<folder>.*/))ImageSets/(?:(?P<task>[^/]+)/)?(?P<split>train|val|test|trainval)\.txt")


OF_OBJECTS = frozenset(("voc:truncated", "voc:occluded", "voc:pose", "voc:parts", "voc:database"))
COLUMNS = OF_OBJECTS | {"voc:depth", "voc:base", "voc:odd_text"}
"""`voc:base` is what was taken off xmin and ymin; `voc:odd_text` the content of a file that holds more than its rows say."""
_UNUSUAL = re.compile(
    rb"<(?:width|height)>(?![0-9]+</)|<difficult>(?![01]</)|<name>(?:\s|</)|<name>[^<]*\s</name>|<[xy]m(?:in|ax)>[^<]*,"
    rb"|<!ENTITY|<(?:size|width|height|difficult|name|bndbox|[xy]m(?:in|ax))(?:\s|/>)", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """One image: its path, its file if there is one, its split, and its XML (relative to the root) if there is one."""

    path: str
    file: str | None
    split: str | None
    xml: str | None


class VocSource:
    """An opened VOC set."""

    def __init__(self, root: Path, images: Path | None, options: Options, columns: frozenset[str]) -> None:
        self._root = root
        self._options = options
        self._columns = columns & COLUMNS
        self._problems: list[Problem] = []
        self._bare: dict[str, str] = {}  # images without an XML file, and their files
        self._of_other_splits: dict[str, str] = {}  # those in folders of splits in which no image has one
        tree = ImageTree.below(images or root)
        paths = list(walk(root))
        self._entries = self._match([p for p in paths if p.lower().endswith(".xml")], tree)
        if not any(e.xml for e in self._entries):
            raise UserError(f"{root}: no XML file found")
        if all(_is_other(root / e.xml) for e in self._entries if e.xml):  # the first one of a VOC set answers it
            raise UserError(f"{root}: none of its XML files is a VOC annotation; leave --format out to see what they are")
        splits = self._split([p for p in paths if p.endswith(".txt")])
        self._problems += [Problem("orphan-image", p, "no XML file names this image", image=p)
                           for p in (*self._bare, *self._of_other_splits)]
        self._problems += namesakes(tree, (*(e.file for e in self._entries), *self._bare.values(), *self._of_other_splits.values()))
        self.info = DatasetInfo(
            format="voc", root=root, splits=splits, problems=tuple(self._problems), columns=COLUMNS,
            notes=("boxes are read as they stand, from 0 (--set voc.base=1 takes 1 off xmin and ymin)",) if options.base == 0 else (
                "boxes are read as 1-based pixels: 1 is taken off xmin and ymin",),
            has_files=any(e.file for e in self._entries))

    def shards(self, size: int) -> Sequence[ShardRef]:
        """Cut the list of images."""
        return [VocShard(tuple(self._entries[k:k + size]), k, str(self._root), self._options.base, self._columns)
                for k in range(0, len(self._entries), size)]

    def _match(self, xmls: list[str], tree: ImageTree) -> list[Entry]:
        """Match XML files and images by stem: in one folder, then in a parallel one, then anywhere, then by case."""
        folded: dict[str, list[str]] = {}
        for path in tree.paths:
            folded.setdefault(stem_of(path).casefold(), []).append(path)
        entries, used = [], set()
        for xml in xmls:
            stem = stem_of(xml)
            image = _nearest(xml, tree.by_stem.get(stem, ()))
            if image is None:
                image = _nearest(xml, folded.get(stem.casefold(), ()))
                if image is not None:
                    self._problems.append(Problem(
                        "unportable-path", xml, f"differs in case from the image, {image}", xml,
                        image=self._path(tree, image)))
            if image is None:
                entries.append(Entry(declared_image(xml, None), None, None, xml))
                continue
            used.add(image)
            entries.append(Entry(self._path(tree, image), tree.open_path(image), None, xml))
        folders = {i.rpartition("/")[0] for i in used}
        # Only folders of splits: masks, drawn boxes and plots lie beside the images of many sets, or below them.
        places = {_without_splits(f) for f in folders}
        for image in tree.paths:
            folder = image.rpartition("/")[0]
            if image not in used and folder in folders:
                path = self._path(tree, image)
                self._bare[path] = tree.open_path(image)
            elif folder not in folders and _without_splits(folder) in places:
                self._of_other_splits[self._path(tree, image)] = tree.open_path(image)
        return entries

    def _path(self, tree: ImageTree, image: str) -> str:
        return image if tree.folder == self._root else relative(tree.folder / image, self._root)

    def _split(self, texts: list[str]) -> tuple[str, ...]:
        """Give the entries their splits: by the lists in ImageSets, else by folders named as splits."""
        found = [(m, path) for path in texts if (m := _LIST.fullmatch(path))]
        has_main = any(m["task"] == "Main" for m, _ in found)
        lists = [(m["split"], m["folder"] or "", path) for m, path in found
                 if m["task"] == "Main" or (not has_main and m["task"] in (None, "Layout", "Segmentation"))]
        if any(split != "trainval" for split, _, _ in lists):
            lists = [x for x in lists if x[0] != "trainval"]  # it is the union of two of them
        if lists:
            return self._split_by_lists(lists)
        self._entries = [replace(e, split=split_of_folders(e.xml or e.path)) for e in self._entries]
        return tuple(dict.fromkeys(e.split for e in self._entries if e.split))

    def _read_list(self, path: str) -> list[str]:
        try:
            text, encoding = decode(read_regular(self._root / path))
        except OSError as e:
            self._problems.append(Problem("malformed-record", path, reason_of(e)))
            return []
        if encoding:
            self._problems.append(odd_encoding(path, encoding))
        return [line.strip() for line in text.splitlines()]

    def _split_by_lists(self, lists: list[tuple[str, str, str]]) -> tuple[str, ...]:
        """Give every entry the first split that lists its stem; that another one lists it too is a problem."""
        by_stem: dict[str, list[Entry]] = {}
        for entry in self._entries:
            by_stem.setdefault(stem_of(entry.xml or entry.path), []).append(entry)
        for path, file in self._bare.items():
            by_stem.setdefault(stem_of(path), []).append(Entry(path, file, None, None))
        order = sorted(lists, key=lambda x: (("train", "val", "test", "trainval").index(x[0]), x[2]))
        entries: dict[str, Entry] = {}
        listed_in: dict[str, str] = {}
        for split, folder, path in order:
            for number, line in enumerate(self._read_list(path), 1):
                if not line or line.startswith("#"):
                    continue
                named = _of_list(line, by_stem)
                here = [e for e in named if (e.xml or e.path).startswith(folder)] or named
                if not here:
                    self._problems.append(Problem(
                        "malformed-record", path, f"no XML file for {line}", line, number, split=split))
                for entry in here:
                    if entry.xml is None and entry.path in self._bare:
                        del self._bare[entry.path]
                        self._problems.append(Problem("missing-label", path, "no XML file of an image that the list names", line,
                                                      number, image=entry.path, split=split))
                    first = listed_in.setdefault(entry.path, path)
                    other = entries.setdefault(entry.path, replace(entry, split=split))
                    if other.split != split:
                        self._problems.append(Problem(
                            "overlapping-lists", path, f"{first} lists it too", line, number, image=entry.path, split=split))
        self._entries = [*entries.values(), *(e for e in self._entries if e.path not in entries)]
        return tuple(dict.fromkeys(split for split, _, _ in order))


def _without_splits(folder: str) -> str:
    """Return a folder without the names of splits in its path: images, images/test and images/train are one place."""
    return "/".join(f for f in folder.split("/") if f and split_named(f) is None)


def _is_other(path: Path) -> bool:
    """Say whether a file is XML of some other kind than VOC's."""
    try:
        return read_xml(read_regular(path, "label_mb")).is_other
    except OSError:
        return False


def declared_image(xml: str, filename: str | None) -> str:
    """Return what the image of an XML file would be called: `<filename>` if it fits, else the stem with .jpg."""
    name = (filename or "").replace("\\", "/").rpartition("/")[2]
    if stem_of(name) != stem_of(xml) or not is_image(name):
        name = stem_of(xml) + ".jpg"
    before, found, _ = f"/{xml}".rpartition("/Annotations/")
    folder = f"{before}/JPEGImages" if found else f"/{xml}".rpartition("/")[0]
    return f"{folder}/{name}".removeprefix("/")


def _of_list(line: str, by_stem: dict[str, list[Entry]]) -> list[Entry]:
    """Return the entries a line of a split list names: whole, without an image's suffix, or by its first word."""
    for text in dict.fromkeys((line, line.strip('"'), line.split()[0])):
        name = text.replace("\\", "/").rpartition("/")[2]
        for stem in (name, stem_of(name)) if is_image(name) else (name,):
            if stem in by_stem:
                return by_stem[stem]
    return []


def _nearest(xml: str, images: Sequence[str]) -> str | None:
    """Return the image whose folder shares most with the XML file's; of equals one in a folder of images."""
    if not images:
        return None
    parts = set(xml.split("/")[:-1])
    same = [i for i in images if i.rpartition("/")[0] == xml.rpartition("/")[0]]
    return same[0] if same else max(images, key=lambda i: (len(parts & set(i.split("/")[:-1])), is_of_images(i), -len(i)))


@dataclass(frozen=True)
class VocShard:
    """Some images with their XML files, read in the worker."""

    entries: tuple[Entry, ...]
    first: int
    root: str
    base: int
    columns: frozenset[str]

    def load(self) -> Shard:
        """Read the XML files."""
        problems: list[Problem] = []
        numbers = {name: array("q") for name in ("count", "line", "index", "difficult")}
        edges = array("d")
        depths: list[str | None] = []
        odd_texts: list[bytes | None] = []
        texts: dict[str, list[Any]] = {name: [] for name in ("declared", "name", *sorted(self.columns & OF_OBJECTS))}
        sizes: dict[str, list[float]] = {"width": [], "height": []}
        same: dict[str | None, str | None] = {}  # each text is kept once
        for entry in self.entries:  # no object per box outlives its file
            file, told, odd = self._read(entry)
            problems += told
            odd_texts.append(odd)
            numbers["count"].append(len(file.objects))
            texts["declared"].append(file.filename)
            depths.append(file.depth)
            sizes["width"].append(file.width)
            sizes["height"].append(file.height)
            for o in file.objects:
                edges.extend(o.box)
                numbers["line"].append(o.line)
                numbers["index"].append(o.index)
                numbers["difficult"].append(o.difficult)
                texts["name"].append(same.setdefault(o.name, o.name))
                for name in self.columns & OF_OBJECTS:
                    key = name.partition(":")[2]
                    value = str(o.parts) if key == "parts" else file.database if key == "database" else o.fields.get(key)
                    texts[name].append(same.setdefault(value, value))
        n = len(self.entries)
        ids = np.arange(self.first, self.first + n)
        image_row = np.repeat(np.arange(n), np.array(numbers["count"], np.int64))
        sources = objects([e.xml for e in self.entries])
        images = image_columns(
            n, image_id=ids, path=[
                e.path if e.file or e.xml is None else declared_image(e.xml, declared)
                for e, declared in zip(self.entries, texts["declared"], strict=True)], declared_path=texts.pop("declared"),
            file=[e.file for e in self.entries], **sizes,
            split=[e.split for e in self.entries], source=sources,
            **({"voc:depth": depths} if "voc:depth" in self.columns else {}),
            **({"voc:odd_text": objects(odd_texts)} if "voc:odd_text" in self.columns else {}))
        boxes = np.array(edges, np.float64).reshape(-1, 4)
        boxes[:, :2] -= self.base
        index = np.array(numbers["index"], np.int64)
        annotations = annotation_columns(
            len(index), annotation_id=index, image_id=ids[image_row], image_row=image_row,
            category=texts.pop("name"), x_min=boxes[:, 0], y_min=boxes[:, 1], x_max=boxes[:, 2],
            y_max=boxes[:, 3], source=sources[image_row], line=np.array(numbers["line"], np.int64),
            index=index, is_ignored=np.array(numbers["difficult"], bool), **texts,
            **({"voc:base": constant(self.base, "int64", len(index))} if "voc:base" in self.columns else {}))
        return Shard(images, annotations, problem_columns(problems))

    def _read(self, entry: Entry) -> tuple[VocFile, list[Problem], bytes | None]:
        """Return what a file says, its problems, and its content where it is odd and asked for."""
        if entry.xml is None:
            return VocFile(), [], None
        try:
            content = read_regular(f"{self.root}/{entry.xml}", "label_mb")  # a Path a file costs more
        except OSError as e:
            reason = f"the file {reason_of(e)}"
            return VocFile(), [Problem("malformed-record", entry.xml, reason, image=entry.path, split=entry.split)], None
        problems = []
        file = read_xml(content)
        if any(index == -1 for _, index, _, _ in file.problems):
            # Expat knows no code pages of several bytes a character, and many files are in one and do not say so.
            text, encoding, _ = xml_text(content)
            again = read_xml(text.encode("utf-8", "replace"), "utf-8") if encoding else file
            if encoding and (len(again.objects), -len(again.problems)) > (len(file.objects), -len(file.problems)):
                file = again
                problems.append(odd_encoding(entry.xml, encoding))
        told = problems + file.told(entry.xml, entry.path, entry.split)
        return file, told, content if "voc:odd_text" in self.columns and (told or _is_unusual(file, content)) else None


def _is_unusual(file: VocFile, content: bytes) -> bool:
    """Say whether the columns do not say all that a strict reader of the file sees: texts of numbers, blanks, empty tags."""
    is_half_sized = (math.isnan(file.width) or math.isnan(file.height)) and b"<size" in content
    return is_half_sized or content[:2] in (b"\xff\xfe", b"\xfe\xff") or _UNUSUAL.search(content) is not None
