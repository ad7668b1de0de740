"""Edits of VOC files: each changes what it names; comments, indentation, other tags and encodings stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import Read, lines_lost, patches, rewritten, write

from dsinspect.errors import UserError
from dsinspect_formats.voc._looks import Options

FILE = """<?xml version="1.0"?>
<!-- made by hand -->
<annotation verified="a > b">
\t<folder>x</folder>
\t<filename>a.jpg</filename>
\t<size><width>100</width><height>80</height><depth>3</depth></size>
\t<object>
\t\t<name>cat</name> <!-- or a lynx -->
\t\t<difficult>0</difficult>
\t\t<polygon><x1>1</x1><y1>2</y1></polygon>
\t\t<bndbox><xmin>1</xmin><ymin> 2 </ymin><xmax>30.50<!-- 31? --></xmax><ymax>40</ymax></bndbox>
\t</object>
\t<object><name>R&amp;D</name><bndbox>
\t\t<xmax>9</xmax><xmin>3</xmin><ymin>4</ymin><ymax>10</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin>
\t\t<ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part></object>
\t<object>
\t\t<name>cat</name>
\t\t<pose/>
\t\t<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>7</xmax><ymax>8</ymax></bndbox>
\t</object>
</annotation>
"""
SOURCE = "Annotations/a.xml"
AT = {"source": SOURCE}
ROWS = [("cat", 1, 2, 30.5, 40), ("R&D", 3, 4, 9, 10), ("cat", 5, 5, 7, 8)]
IN = ("category", "x_min", "y_min", "x_max", "y_max")


def make(folder: Path, content: str | bytes = FILE) -> Path:
    write(folder, SOURCE, content)
    write(folder, "Annotations/b.xml", FILE.replace("a.jpg", "b.jpg"))
    write(folder, "JPEGImages/a.jpg", b"image")
    write(folder, "ImageSets/Main/train.txt", "a\r\nb\r\n")
    write(folder, "ImageSets/Main/trainval.txt", "b\na")
    write(folder, "ImageSets/Main/cat_train.txt", "a  1\nb -1\n")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "set")


def after(root: Path, *changes: dict[str, Any], **options: Any) -> bytes:
    found = patches("voc", root, *changes, **options)
    assert list(found) == [SOURCE]
    new = found[SOURCE]
    assert new is not None
    return new


def box(x_min: float, y_min: float, x_max: float, y_max: float, index: int = 0) -> dict[str, Any]:
    return {"action": "set-box", **AT, "index": index, "x_min": x_min, "y_min": y_min, "x_max": x_max, "y_max": y_max}


@pytest.mark.parametrize(("change", "old", "new"), [
    (box(1, 2, 31, 40), "30.50<", "31<"),
    (box(1, 2.5, 30.5, 40), "> 2 <", "> 2.5 <"),
    (box(3, 4, 12, 10, 1), "<xmax>9<", "<xmax>12<"),
    ({"action": "set-category", **AT, "index": 1, "text": "cat"}, "R&amp;D", "cat"),
    ({"action": "set-category", **AT, "index": 0, "text": "R&D"}, "cat", "R&amp;D"),
    ({"action": "set-field", **AT, "index": 0, "text": "difficult=1"}, "<difficult>0", "<difficult>1"),
    ({"action": "set-field", **AT, "index": 2, "text": 'pose="Left"'}, "<pose/>", "<pose>Left</pose>"),
    ({"action": "set-field", **AT, "index": 0, "text": "truncated=1"}, "\t\t<bndbox><xmin>1<",
     "\t\t<truncated>1</truncated>\n\t\t<bndbox><xmin>1<"),
    ({"action": "drop-polygon", **AT, "index": 0}, "\t\t<polygon><x1>1</x1><y1>2</y1></polygon>\n", ""),
    ({"action": "set-image-size", "image": "JPEGImages/a.jpg", "text": "100x81"}, "<height>80", "<height>81"),
    ({"action": "set-path", "image": "JPEGImages/a.jpg", "text": "ä&.jpg"}, "a.jpg", "ä&amp;.jpg"),
    ({"action": "drop-annotation", **AT, "index": 0}, FILE[FILE.index("\t<object>"):FILE.index("\t<object><name>R")], ""),
    ({"action": "drop-annotation", **AT, "index": 1}, FILE[FILE.index("\t<object><name>R"):FILE.rindex("\t<object>")], ""),
])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_one_value_changes(tmp_path: Path, change: dict[str, Any], old: str, new: str, ends: str) -> None:
    text = FILE.replace("\n", ends)
    root = make(tmp_path / "set", text)
    old, new = old.replace("\n", ends), new.replace("\n", ends)
    assert old in text
    assert after(root, change).decode() == text.replace(old, new, 1)


def test_boxes_are_written_as_they_were_read(root: Path) -> None:
    options = Options(base=1)
    assert Read("voc", root, options).boxes()[0] == (0, 1, 30.5, 40)
    assert patches("voc", root, box(0, 1, 30.5, 40), options=options) == {}
    new = after(root, box(4, 1, 30.5, 40), options=options)
    assert lines_lost(FILE.encode(), new)[1][0].startswith(b"\t\t<bndbox><xmin>5</xmin><ymin> 2 <")


def test_a_missing_size_is_written(tmp_path: Path) -> None:
    size = "\t<size><width>100</width><height>80</height><depth>3</depth></size>\n"
    change = {"action": "set-image-size", "image": "JPEGImages/a.jpg", "text": "100x80"}
    whole = after(make(tmp_path / "none", FILE.replace(size, "")), change).decode()
    assert whole == FILE.replace("<depth>3</depth>", "")
    half = after(make(tmp_path / "half", FILE.replace("<height>80</height>", "")), change).decode()
    assert half == FILE
    empty = after(make(tmp_path / "empty", FILE.replace("<width>100</width>", "<width/>")), change).decode()
    assert empty == FILE


def test_drop_image_takes_the_file_and_its_lines(root: Path) -> None:
    assert patches("voc", root, {"action": "drop-image", "image": "JPEGImages/a.jpg"}) == {
        SOURCE: None, "ImageSets/Main/train.txt": b"b\r\n", "ImageSets/Main/trainval.txt": b"b",
        "ImageSets/Main/cat_train.txt": b"b -1\n"}


def test_categories(root: Path, tmp_path: Path) -> None:
    to = rewritten("voc", root, tmp_path / "renamed", {"action": "rename-category", "category": "R&D", "text": "<x>"})
    assert Read("voc", to).names() == ["cat", "<x>", "cat"] * 2
    to = rewritten("voc", root, tmp_path / "merged", {"action": "merge-category", "category": "R&D", "text": "cat"},
                   {"action": "rename-category", "category": "cat", "text": "lynx"})
    assert Read("voc", to).names() == ["lynx"] * 6
    to = rewritten("voc", root, tmp_path / "dropped", {"action": "drop-category", "category": "cat"})
    assert Read("voc", to).rows(*IN) == [ROWS[1]] * 2
    assert (to / SOURCE).read_text().count("\n") == FILE.count("\n") - 11


def test_edits_combine_and_dropping_wins(root: Path) -> None:
    changes = [box(1, 2, 31, 40), {"action": "set-category", **AT, "index": 0, "text": "R&D"}, box(0, 0, 1, 1, 2),
               {"action": "drop-annotation", **AT, "index": 2}]
    assert after(root, *changes) == after(root, *changes[::-1])
    assert after(root, *changes).decode().count("R&amp;D") == 2
    assert FILE[:FILE.rindex("\t<object>")].count("<object>") == after(root, *changes).count(b"<object>")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "gb18030"])
@pytest.mark.parametrize("is_declared", [False, True])
def test_the_encoding_stays_unless_asked(tmp_path: Path, encoding: str, is_declared: bool) -> None:
    note = "猫和狗的图片" if encoding in ("utf-8", "gb18030") else "Größe, Bär"
    declared = FILE.replace('version="1.0"', f'version="1.0" encoding="{encoding.removesuffix("-sig").upper()}"')
    text = (declared if is_declared else FILE).replace("or a lynx", note)
    root = make(tmp_path / "set", text.encode(encoding))
    change = {"action": "set-category", **AT, "index": 0, "text": "R&D"}
    assert patches("voc", root, box(1, 2, 30.5, 40)) == {}
    assert after(root, change) == text.replace("cat", "R&amp;D", 1).encode(encoding)
    utf8 = after(root, change, {"action": "rewrite-utf8", **AT}).decode()
    said = FILE if not is_declared else declared.replace(encoding.upper(), "utf-8") if encoding[:5] != "utf-8" else declared
    assert utf8 == said.replace("or a lynx", note).replace("cat", "R&amp;D", 1)
    renamed = after(root, {"action": "set-path", "image": "JPEGImages/a.jpg", "text": "€猫.jpg"})
    assert Read("voc", make(tmp_path / "to", renamed)).images["declared_path"][0] == "€猫.jpg"


def test_bytes_that_mean_nothing_stay(tmp_path: Path) -> None:
    content = FILE.replace("made by hand", "h\xe4nd").encode("latin-1").replace(b"or a lynx", b"\x81\x9d")
    root = make(tmp_path / "set", content)
    assert after(root, box(1, 2, 31, 40)) == content.replace(b"30.50", b"31")
    assert after(root, {"action": "rewrite-utf8", **AT}).decode().count("\ufffd") == 2


def test_what_stands_before_a_fault_can_be_edited(tmp_path: Path) -> None:
    cut = FILE[:FILE.rindex("<pose/>")]
    root = make(tmp_path / "set", cut)
    assert after(root, box(1, 2, 31, 40)).decode() == cut.replace("30.50", "31")
    assert after(root, {"action": "drop-annotation", **AT, "index": 1}).decode().count("<object>") == 2
    with pytest.raises(UserError, match="record 2: no such object"):
        patches("voc", root, {"action": "drop-annotation", **AT, "index": 2})


def test_a_record_that_cannot_be_read_goes(tmp_path: Path) -> None:
    root = make(tmp_path / "set", FILE.replace("<xmax>9", "<xmax>nine"))
    new = after(root, {"action": "drop-record", **AT, "index": 1})
    assert Read("voc", make(tmp_path / "to", new)).rows(*IN)[:2] == [ROWS[0], ROWS[2]]


@pytest.mark.parametrize(("change", "says"), [
    ({"action": "drop-annotation", **AT, "index": 3}, "a.xml, record 3: no such object"),
    ({"action": "drop-annotation", "source": "Annotations/z.xml", "index": 0}, "z.xml, record 0"),
    ({"action": "set-area", **AT, "index": 0, "text": "3"}, "the voc format has no place for that"),
    ({"action": "set-annotation-id", **AT, "index": 0, "text": "3"}, "the voc format has no place for that"),
    ({"action": "set-category", **AT, "index": 0, "text": "catt"}, "no category 'catt'.*'cat'"),
    ({"action": "drop-image", "image": "z.jpg"}, "drop-image of z.jpg: no such image"),
    ({"action": "set-field", **AT, "index": 0, "text": "part=[1]"}, "set-field writes a simple value"),
    ({"action": "rewrite-utf8", "source": "z.xml"}, "no such file"),
    (box(1, 2, float("nan"), 3), "no finite number"),
])
def test_what_cannot_be_done_is_told(root: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        patches("voc", root, {"action": "set-category", **AT, "index": 2, "text": "R&D"}, change)


SPACE = st.text(" \t\r\n", max_size=2)
MORE = st.sampled_from(["", "<!-- é > < & -->", "<other a='>'>x &lt; y</other>", "<![CDATA[<object>]]>", "<?pi <object>?>",
                        "<empty />", "猫"])


@st.composite
def xml_texts(draw: st.DrawFn) -> tuple[str, int]:
    def tag(name: str, *inside: str) -> str:
        parts = [f"{draw(SPACE)}{p}{draw(SPACE)}{draw(MORE) if len(inside) > 1 else ''}" for p in inside]
        return f"<{name}{draw(st.sampled_from(['', ' ', chr(10)]))}>{''.join(parts)}</{name}{draw(st.sampled_from(['', ' ']))}>"

    def number() -> str:
        return f"{draw(st.integers(0, 99))}{draw(st.sampled_from(['', '.0', '.50']))}"

    objects = [tag("object", *draw(st.permutations([
        tag("name", draw(st.sampled_from(["cat", "d&amp;g", "<![CDATA[dog]]>"]))),
        tag("bndbox", *(tag(t, number()) for t in draw(st.permutations(["xmin", "ymin", "xmax", "ymax"]))))])))
        for _ in range(draw(st.integers(1, 3)))]
    size = tag("size", tag("width", "640"), tag("height", "480"))
    return tag("annotation", draw(MORE), *draw(st.permutations([size, *objects]))), len(objects)


HYPOTHESIS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@HYPOTHESIS
@given(xml_texts())
def test_drawn_files_stay_when_everything_is_set_to_itself(tmp_path_factory: pytest.TempPathFactory, drawn: Any) -> None:
    root = write(tmp_path_factory.mktemp("drawn"), "a.xml", drawn[0]).parent
    read = Read("voc", root)
    assert len(read.annotations) == drawn[1]
    assert patches("voc", root, *read.same_again()) == {}


@HYPOTHESIS
@given(xml_texts(), st.data())
def test_drawn_files_change_only_where_they_should(
        tmp_path_factory: pytest.TempPathFactory, drawn: Any, data: st.DataObject) -> None:
    text, n = drawn
    root = write(tmp_path_factory.mktemp("drawn"), "a.xml", text).parent
    rows = Read("voc", root).rows(*IN)
    dropped, boxed = (data.draw(st.sets(st.integers(0, n - 1))) for _ in range(2))
    new = patches("voc", root, *({"action": "drop-annotation", "source": "a.xml", "index": k} for k in dropped),
                  *({**box(1.25, 2, 300, 400, k), "source": "a.xml"} for k in boxed))
    content = new.get("a.xml", text.encode())
    assert content is not None
    now = Read("voc", write(tmp_path_factory.mktemp("to"), "a.xml", content).parent)
    assert now.rows(*IN) == [(row[0], 1.25, 2, 300, 400) if k in boxed else row for k, row in enumerate(rows) if k not in dropped]
    if not dropped:
        assert content.decode().count("<!--") == text.count("<!--")
