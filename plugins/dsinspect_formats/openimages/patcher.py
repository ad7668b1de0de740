"""Edit Open Images without loss: cells and rows of the CSV files of boxes, names in the descriptions of classes."""

from __future__ import annotations

from collections.abc import Iterator

from dsinspect.io.containment import inside
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Format, OpenRequest, Patch
from dsinspect_formats._editing import Change
from dsinspect_formats._images import stem_of
from dsinspect_formats._set_patching import SAME, Editor, SetPatcher, frame_of, moved_edges
from dsinspect_formats._splicing import EncodedText, number_text
from dsinspect_formats.openimages._looks import BOX, box_files
from dsinspect_formats.openimages.reader import FLAGS, Header, beside, edges_of, tables_beside
from dsinspect_formats.table._cells import CsvText


def patch(own: Format, request: OpenRequest, edits: Edits) -> Iterator[Patch]:
    """Apply edits; see `Format.patch`. `set-field` writes one of the flags, such as IsGroupOf=1.

    Renamed classes keep their id where the descriptions of classes have one: the name is changed there. An image whose last box
    is dropped stays in the set where a list of images names it.
    """
    if len(edits):
        yield from _Patcher(own, request, edits).patches()


class _Patcher(SetPatcher):
    whole_files = False
    declares = True

    def editor(self, content: bytes, source: str) -> Editor:
        names, _ = beside(self.root, box_files(self.request.root))
        labels: dict[str, str] = {}
        for label, name in names.items():
            labels.setdefault(self.plan.renamed.get(name, name), label)
        return _Editor(content, source, labels, set(self.plan.renamed.values()) & set(labels))

    def others(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Rename classes in their descriptions, and take dropped images out of the lists of images."""
        gone = {stem_of(inside(p)) for p in self.gone_images}
        if not self.plan.renamed and not gone:
            return
        for path, is_names, before in sorted(tables_beside(self.root, box_files(self.request.root))):
            encoded = EncodedText.of(before, path)
            text = CsvText(encoded.utf8.decode("utf-8", "surrogatepass"), path)
            for row in range(len(text.rows)):
                if is_names and text.value(row, 1) in self.plan.renamed:
                    text.set(row, 1, self.plan.renamed[text.value(row, 1)])
                elif not is_names and text.value(row, 0) in gone:
                    text.drop(row)
            yield path, before, encoded.encode(text.result().encode("utf-8", "surrogatepass"))


class _Editor(Editor):
    def __init__(self, content: bytes, path: str, labels: dict[str, str], in_descriptions: set[str]) -> None:
        self.encoded = EncodedText.of(content, path)
        text = self.encoded.utf8.decode("utf-8", "surrogatepass")
        self.at = Header.of(text).at
        self.text = CsvText(text, path)
        self.rows = self.text.records(self.text.rows[0].number)
        self.labels, self.in_descriptions = labels, in_descriptions

    def drop(self, index: int) -> None:
        self.text.drop(self.rows[index])

    def set_category(self, index: int, name: str) -> None:
        if self.labels.get(name) != self.text.value(self.rows[index], self.at["LabelName"]):
            self.text.set(self.rows[index], self.at["LabelName"], self.labels.get(name, name))

    def set_box(self, index: int, change: Change) -> None:
        row = self.rows[index]
        cells = [self.text.value(row, self.at[c]) for c in BOX]
        for edge, value in zip(("XMin", "YMin", "XMax", "YMax"),
                               moved_edges(edges_of(cells), change, frame_of(change), SAME), strict=True):
            if value is not None:
                old = self.text.value(row, self.at[edge])
                new = number_text(value, old.replace(",", "."))
                self.text.set(row, self.at[edge], new.replace(".", ",") if "," in old else new)

    def set_field(self, index: int, change: Change) -> None:
        name, value = change.field()
        if name not in FLAGS or name not in self.at or isinstance(value, (list, dict)):
            raise change.wrong(f"set-field writes one of {', '.join(FLAGS)}")
        self.text.set(self.rows[index], self.at[name], str(int(value) if isinstance(value, bool) else value))

    def result(self, *, plain: bool) -> bytes:
        utf8 = self.text.result().encode("utf-8", "surrogatepass")
        return EncodedText.plain(utf8) if plain else self.encoded.encode(utf8)
