"""The quick way through files without surprises gives what the careful way gives, or stands back."""

from __future__ import annotations

import random
from typing import Any

import pytest
from formats.format_laws import broken
from formats.reading import JPEG
from formats.test_record_formats import tf_example

from dsinspect_formats.tfrecord import _records
from dsinspect_formats.voc import _xml

OBJECT = ("<object>\n <name>cat</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>\n <bndbox><xmin>1</xmin>"
          "<ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox><part><name>head</name></part></object>\n")
XML = ("<annotation>\n<filename>a.jpg</filename><source><database>VOC</database></source>\n<size><width>64</width>"
       f"<height>48</height></size>\n{OBJECT}{OBJECT}</annotation>").encode()


def told(file: _xml.VocFile) -> str:
    return repr([file.width, file.height, file.filename, file.database, file.problems, [
        (o.line, o.index, o.name, o.box, o.difficult, sorted(o.fields.items()), o.parts) for o in file.objects]])


def test_voc(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    files = [XML, XML.replace(b"\n", b"\r\n"), XML.replace(b"\n", b"\r"), XML.replace(b"<pose>", b"<!-- <object> --><pose>"),
             b'<?xml version="1.0"?>' + XML, XML.replace(b"2.5", b"2,5"), XML.replace(b"cat", b"c<b>a</b>t"),
             XML.replace(b"<annotation>", b'<annotation xmlns="x">'), *(broken(XML, rng) for _ in range(600))]
    quick = [_xml._read_plain(f) for f in files]
    assert sum(q is not None for q in quick) > 20
    monkeypatch.setattr(_xml, "_read_plain", lambda content: None)
    for content, found in zip(files, quick, strict=True):
        if found is not None:
            assert told(found) == told(_xml.read_xml(content)), content


def test_tfrecord(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes) -> Any:
        try:
            return [(n, f, _records.values_of(data, f)) for n, f in _records.features(data, 0, len(data)).items()]
        except ValueError as e:
            return str(e)

    rng = random.Random(3)
    whole = [tf_example("a.jpg", [1, 2], JPEG), tf_example("b.jpg", []), tf_example("c.jpg", [1, 2] * 40)]
    examples = [*whole, *(broken(e, rng) for e in whole for _ in range(300))]
    quick = [read(e) for e in examples]
    monkeypatch.setattr(_records, "_plain_entry", lambda *_: None)
    monkeypatch.setattr(_records, "_packed", lambda *_: None)
    assert [repr(q) for q in quick] == [repr(read(e)) for e in examples]
