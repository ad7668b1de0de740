"""The situations whose fates are recorded: label, image and VOC files and COCO documents, by name or drawn by hypothesis."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

LABEL_FILES = 2400
COCO_DOCUMENTS = 2400
VOC_FILES = 1000
WIDTH, HEIGHT = 64, 48

_CLEAN = "0 0.5 0.5 0.2 0.2\n1 0.3 0.3 0.1 0.1\n"
LABELS: dict[str, str | None] = {
    "clean": _CLEAN,
    "empty file": "",
    "white space only": " \n\t\n",
    "missing label file": None,
    "duplicate row": "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 0.2\n",
    "duplicate in other digits": "0 0.5 0.5 0.2 0.2\n0 0.50 .5 2e-1 0.2000\n",
    "duplicate in single precision": "0 0.5 0.5 0.2 0.2\n0 0.500000001 0.5 0.2 0.2\n",
    "minus zero": "0 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2 -0.0\n0 0.5 0.5 0.2 0.0\n",
    "x 1": "0 1 0.5 0.2 0.2\n",
    "x 1.005": "0 1.005 0.5 0.2 0.2\n0 0.3 0.3 0.1 0.1\n",
    "x 1.01": "0 1.01 0.5 0.2 0.2\n",
    "x 1.0101": "0 1.0101 0.5 0.2 0.2\n",
    "x 1.02, one bad of two": "0 1.02 0.5 0.2 0.2\n0 0.3 0.3 0.1 0.1\n",
    "centre inside, edge outside": "0 0.95 0.5 0.3 0.2\n",
    "no width": "0 0.5 0.5 0 0.2\n",
    "h -0.005": "0 0.5 0.5 0.2 -0.005\n",
    "h -0.05": "0 0.5 0.5 0.2 -0.05\n",
    "x -0.005": "0 -0.005 0.5 0.2 0.2\n",
    "x -0.01": "0 -0.01 0.5 0.2 0.2\n",
    "x -0.05": "0 -0.05 0.5 0.2 0.2\n",
    "class nc": "2 0.5 0.5 0.2 0.2\n",
    "class nc + 1": "3 0.5 0.5 0.2 0.2\n",
    "class 1.5": "1.5 0.5 0.5 0.2 0.2\n",
    "class -1": "-1 0.5 0.5 0.2 0.2\n",
    "class -0.005": "-0.005 0.5 0.5 0.2 0.2\n",
    "six columns": "0 0.5 0.5 0.2 0.2 0.9\n1 0.3 0.3 0.1 0.1 0.8\n",
    "six columns on one of two": "0 0.5 0.5 0.2 0.2 0.9\n1 0.3 0.3 0.1 0.1\n",
    "four columns": "0 0.5 0.5 0.2\n",
    "four columns on one of two": "0 0.5 0.5 0.2\n0 0.5 0.5 0.2 0.2\n",
    "polygons only": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n",
    "polygon and box": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1 0.5 0.5 0.2 0.3\n",
    "polygon and six columns": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1 0.5 0.5 0.2 0.3 0.9\n",
    "polygon and four columns": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1 0.5 0.5 0.2\n",
    "polygon and one point": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1 0.5 0.5\n",
    "polygon and a class alone": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n1\n",
    "polygon with an odd coordinate": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1\n",
    "polygon past the edge": "0 -0.02 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n",
    "polygon just past the edge": "0 -0.005 0.1 1.005 0.1 0.4 0.4 0.1 0.4\n",
    "two polygons of one box": "0 0.1 0.1 0.4 0.1 0.4 0.4 0.1 0.4\n0 0.1 0.1 0.4 0.1 0.4 0.4\n0 0.1 0.4 0.4 0.1 0.4 0.4 0.1 0.1\n",
    "polygon twice": "0 0.1 0.1 0.4 0.1 0.4 0.4\n0 0.1 0.1 0.4 0.1 0.4 0.4\n",
    "nan": "0 nan 0.5 0.2 0.2\n",
    "nan class": "nan 0.5 0.5 0.2 0.2\n",
    "infinity": "0 inf 0.5 0.2 0.2\n",
    "1e999": "0 1e999 0.5 0.2 0.2\n",
    "text row": "person 0.5 0.5 0.2 0.2\n",
    "commas": "0,.5,.5,.2,.2\n",
    "blank line, empty": "0 0.5 0.5 0.2 0.2\n\n1 0.3 0.3 0.1 0.1\n",
    "blank line of spaces": "0 0.5 0.5 0.2 0.2\n  \n1 0.3 0.3 0.1 0.1\n",
    "blank lines around": " \n0 0.5 0.5 0.2 0.2\n1 0.3 0.3 0.1 0.1\n\t\n",
    "only a blank line between, six columns": "0 0.5 0.5 0.2 0.2 1\n \n",
    "byte order mark": "\xef\xbb\xbf0 0.5 0.5 0.2 0.2\n",
    "byte order mark alone": "\xef\xbb\xbf",
    "not UTF-8": "0 0.5 0.5 0.2 0.2\n# \xe9\n",
    "carriage returns": "0 0.5 0.5 0.2 0.2\r1 0.3 0.3 0.1 0.1\r",
    "windows lines": "0 0.5 0.5 0.2 0.2\r\n1 0.3 0.3 0.1 0.1\r\n",
    "form feed as line": "0 0.5 0.5 0.2 0.2\x0c1 0.3 0.3 0.1 0.1\n",
    "line separator": "0 0.5 0.5 0.2 0.2\xe2\x80\xa81 0.3 0.3 0.1 0.1\n",
    "no-break space": "0\xc2\xa00.5 0.5 0.2 0.2\n",
    "zero-width space": "0\xe2\x80\x8b 0.5 0.5 0.2 0.2\n",
    "underscore in a number": "0 0.5 0.5 0.2 0.0_2\n",
    "full-width digits": "\xef\xbc\x90 0.5 0.5 0.2 0.2\n",
    "hexadecimal": "0x1 0.5 0.5 0.2 0.2\n",
    "huge class": "1e30 0.5 0.5 0.2 0.2\n",
    "pixels": "0 320 240 50 60\n",
    "UTF-16": "\xff\xfe0\x00 \x000\x00",
    "pose of 17": "0 0.5 0.5 0.2 0.2 " + " ".join("0.5 0.5 2" for _ in range(17)) + "\n",
}


def label_cases() -> list[dict[str, Any]]:
    """Return the label files: name, number of classes, and the content as Latin-1 text (None: no file)."""
    from drawn import CLASSES, examples, label_files  # hypothesis is only where cases are made

    named = [{"name": name, "nc": 2, "label": text} for name, text in LABELS.items()]
    drawn = examples(label_files(), LABEL_FILES)
    return named + [{"name": f"drawn {k}", "nc": CLASSES, "label": text} for k, text in enumerate(drawn)]


def image_cases() -> dict[str, bytes]:
    """Return image files by name; drawn with Pillow, which is there where the trainers are."""
    from PIL import Image

    def encoded(kind: str, size: tuple[int, int] = (WIDTH, HEIGHT), orientation: int = 0, mode: str = "RGB") -> bytes:
        image = Image.new(mode, size)
        pixels = image.load()
        for x in range(size[0]):
            for y in range(size[1]):
                value = (x * 7 + y * 3) % 256
                pixels[x, y] = value if mode in ("L", "P") else (value, y % 256, x % 256)[:len(mode)]
        out = io.BytesIO()
        extra: dict[str, Any] = {}
        if orientation:
            exif = Image.Exif()
            exif[274] = orientation
            extra["exif"] = exif
        image.save(out, kind, **extra)
        return out.getvalue()

    jpeg, png = encoded("JPEG"), encoded("PNG")
    images = {"plain.jpg": jpeg, "plain.png": png, "plain.bmp": encoded("BMP"), "plain.webp": encoded("WEBP"),
              "plain.tif": encoded("TIFF"), "grey.png": encoded("PNG", mode="L"),
              "named.jpg": png, "gif.jpg": encoded("GIF", mode="P"), "empty.jpg": b"", "text.jpg": b"not an image at all",
              "half.jpg": jpeg[:len(jpeg) // 2], "half.png": png[:len(png) // 2],
              "cut.jpg": jpeg[:-2], "trailing.jpg": jpeg + b"\0\0", "newline.jpg": jpeg + b"\n",
              "end twice.jpg": jpeg + b"\xff\xd9",
              "9 wide.png": encoded("PNG", (9, 40)), "9 high.jpg": encoded("JPEG", (40, 9)), "10x10.png": encoded("PNG", (10, 10)),
              "31x40.png": encoded("PNG", (31, 40)), "32x32.png": encoded("PNG", (32, 32))}
    for orientation in range(2, 9):
        images[f"exif {orientation}.jpg"] = encoded("JPEG", orientation=orientation)
    for orientation in (5, 6, 8):
        images[f"exif {orientation}.png"] = encoded("PNG", orientation=orientation)
    images["exif 6.webp"] = encoded("WEBP", orientation=6)
    images["exif 6 trailing.jpg"] = images["exif 6.jpg"] + b"\0"
    return images


def coco_cases() -> list[dict[str, Any]]:
    """Return COCO documents of one image or a few: name and document."""
    from drawn import documents, examples

    named = [{"name": name, "document": document} for name, document in _named_documents().items()]
    drawn = examples(documents(), COCO_DOCUMENTS)
    return named + [{"name": f"drawn {k}", "document": document} for k, document in enumerate(drawn)]


def voc_cases() -> list[dict[str, Any]]:
    """Return VOC files of one image: name, whether its image is there, and the XML (None: no file)."""
    from drawn import examples, voc_files

    named = [{"name": name, "xml": xml, "image": name != "no image, no size"} for name, xml in _named_voc().items()]
    drawn = examples(voc_files(), VOC_FILES)
    return named + [{"name": f"drawn {k}", "xml": xml, "image": True} for k, xml in enumerate(drawn)]


def _voc_object(inner: str = "", name: str = "<name>a</name>", box: str = "11 12 50 46") -> str:
    edges = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True))
    return f"<object>{name}{inner}<bndbox>{edges}</bndbox></object>"


def _voc(*objects: str, size: str = "<size><width>64</width><height>48</height><depth>3</depth></size>") -> str:
    return f"<annotation><filename>case.jpg</filename>{size}{''.join(objects)}</annotation>"


def _named_voc() -> dict[str, str | None]:
    return {
        "clean": _voc(_voc_object(), _voc_object(name="<name>b</name>")),
        "no objects": _voc(),
        "no file": None,
        "empty file": "",
        "not well-formed": "<annotation><object>",
        "no size": _voc(_voc_object(), size=""),
        "no image, no size": _voc(_voc_object(), size=""),
        "size without width": _voc(_voc_object(), size="<size><height>48</height></size>"),
        "empty width": _voc(_voc_object(), size="<size><width></width><height>48</height></size>"),
        "width of a fraction": _voc(_voc_object(), size="<size><width>64.0</width><height>48</height></size>"),
        "size 0": _voc(_voc_object(), size="<size><width>0</width><height>0</height></size>"),
        "31 px": _voc(_voc_object(), size="<size><width>31</width><height>48</height></size>"),
        "32 px": _voc(_voc_object(), size="<size><width>32</width><height>48</height></size>"),
        "difficult": _voc(_voc_object("<difficult>1</difficult>")),
        "difficult 2": _voc(_voc_object("<difficult>2</difficult>")),
        "difficult Unspecified": _voc(_voc_object("<difficult>Unspecified</difficult>")),
        "difficult empty": _voc(_voc_object("<difficult></difficult>")),
        "32 px box": _voc(_voc_object(box="1 1 33 33")),
        "31 px box": _voc(_voc_object(box="1 1 33 32")),
        "fractions": _voc(_voc_object(box="10.9 11.2 55.7 46.99")),
        "near 0": _voc(_voc_object(box="0.5 -0.5 40.2 40.7")),
        "reversed": _voc(_voc_object(box="50 46 11 12")),
        "past the edge": _voc(_voc_object(box="11 12 90 99")),
        "nan": _voc(_voc_object(box="nan 12 50 46")),
        "inf": _voc(_voc_object(box="11 12 inf 46")),
        "text": _voc(_voc_object(box="11 12 x 46")),
        "comma": _voc(_voc_object(box="11,5 12 50 46")),
        "unknown class": _voc(_voc_object(name="<name>c</name>")),
        "unknown class and another": _voc(_voc_object(name="<name>c</name>"), _voc_object()),
        "blanks around a name": _voc(_voc_object(name="<name> a </name>"), _voc_object()),
        "no name": _voc(_voc_object(name="")),
        "empty name": _voc(_voc_object(name="<name></name>")),
        "no bndbox": _voc("<object><name>a</name></object>"),
        "no xmax": _voc("<object><name>a</name><bndbox><xmin>1</xmin><ymin>1</ymin><ymax>40</ymax></bndbox></object>"),
        "duplicate": _voc(_voc_object(), _voc_object()),
        "truncated": _voc(_voc_object("<truncated>1</truncated><pose>Left</pose>")),
    }


def outlined(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document in which every annotation with a box has an outline, for the trainers that stop without one."""
    def with_outline(record: dict[str, Any]) -> dict[str, Any]:
        box = record.get("bbox")
        if "segmentation" in record or not isinstance(box, list) or len(box) < 4:
            return {"segmentation": [[1, 1, 9, 1, 9, 9]], **record}
        x, y, w, h = box[:4]
        return {**record, "segmentation": [[x, y, float(x) + float(w), y, float(x) + float(w), float(y) + float(h)]]}

    return {**document, "annotations": [with_outline(a) for a in document["annotations"]]}


def _object(**changes: Any) -> dict[str, Any]:
    record = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 15], "area": 300, "iscrowd": 0}
    return {k: v for k, v in {**record, **changes}.items() if v != "missing"}


def _whole(*objects: dict[str, Any], image: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    picture = {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT, **(image or {})}
    document = {"images": [{k: v for k, v in picture.items() if v != "missing"}], "annotations": list(objects),
                "categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "dog"}]}
    return {**document, **changes}


def _named_documents() -> dict[str, Any]:
    triangle = [[10, 10, 30, 10, 30, 25]]
    return {
        "clean": _whole(_object(), _object(id=2, category_id=3, bbox=[5, 5, 8, 8], area=64)),
        "no annotations": _whole(),
        "no images": _whole(images=[]),
        "no categories": _whole(_object(), categories=[]),
        "iscrowd missing": _whole(_object(iscrowd="missing")),
        "area missing": _whole(_object(area="missing")),
        "area 0": _whole(_object(area=0)),
        "area -1": _whole(_object(area=-1)),
        "id missing": _whole(_object(id="missing")),
        "id 0": _whole(_object(id=0)),
        "image_id missing": _whole(_object(image_id="missing")),
        "category_id missing": _whole(_object(category_id="missing")),
        "width 0.5": _whole(_object(bbox=[10, 10, 0.5, 15])),
        "width 1": _whole(_object(bbox=[10, 10, 1, 15])),
        "width 0": _whole(_object(bbox=[10, 10, 0, 15])),
        "width -5": _whole(_object(bbox=[10, 10, -5, 15])),
        "x -10": _whole(_object(bbox=[-10, 10, 20, 15])),
        "past the right edge": _whole(_object(bbox=[50, 10, 40, 15])),
        "wholly outside": _whole(_object(bbox=[100, 100, 20, 15])),
        "at the right edge": _whole(_object(bbox=[64, 10, 20, 15])),
        "ignore 1": _whole(_object(ignore=1)),
        "ignore 0": _whole(_object(ignore=0)),
        "crowd only": _whole(_object(iscrowd=1)),
        "crowd and one": _whole(_object(iscrowd=1), _object(id=2)),
        "segmentation []": _whole(_object(segmentation=[])),
        "segmentation of 4 numbers": _whole(_object(segmentation=[[10, 10, 20, 15]])),
        "segmentation of 5 numbers": _whole(_object(segmentation=[[10, 10, 20, 15, 3]])),
        "polygon": _whole(_object(segmentation=triangle)),
        "polygon and a faulty part": _whole(_object(segmentation=[*triangle, [1, 2, 3, 4]])),
        "segmentation null": _whole(_object(segmentation=None)),
        "segmentation [[]]": _whole(_object(segmentation=[[]])),
        "segmentation of 3 numbers": _whole(_object(segmentation=[[10, 10, 20]])),
        "segmentation of 4 numbers, flat": _whole(_object(segmentation=[10, 10, 20, 15])),
        "segmentation flat": _whole(_object(segmentation=[10, 10, 30, 10, 30, 25])),
        "segmentation of mixed lengths": _whole(_object(segmentation=[*triangle, [10, 10, 20, 15]])),
        "segmentation of texts": _whole(_object(segmentation=[["10", "10", "30", "10", "30", "25"]])),
        "RLE of counts": _whole(_object(segmentation={"counts": [490, 10, WIDTH * HEIGHT - 500], "size": [HEIGHT, WIDTH]})),
        "RLE of another size": _whole(_object(segmentation={"counts": [40, 10, 50], "size": [10, 10]})),
        "RLE of a wrong sum": _whole(_object(segmentation={"counts": [40, 10], "size": [HEIGHT, WIDTH]})),
        "RLE of another size, and a polygon": _whole(
            _object(segmentation=triangle), _object(id=2, segmentation={"counts": [40, 10, 50], "size": [10, 10]})),
        "RLE without counts": _whole(_object(segmentation={"size": [HEIGHT, WIDTH]})),
        "RLE in a list": _whole(_object(segmentation=[{"counts": [490, 10, WIDTH * HEIGHT - 500], "size": [HEIGHT, WIDTH]}])),
        "four parts, the first of 3 numbers": _whole(_object(segmentation=[[1, 2, 3], *triangle * 3])),
        "five parts, the first of 3 numbers": _whole(_object(segmentation=[[1, 2, 3], *triangle * 4])),
        "RLE compressed": _whole(_object(segmentation={"counts": "0`1d1000", "size": [HEIGHT, WIDTH]})),
        "crowd of counts": _whole(_object(iscrowd=1, segmentation={"counts": [490, 10, WIDTH * HEIGHT - 500],
                                                                   "size": [HEIGHT, WIDTH]}), _object(id=2, segmentation=triangle)),
        "polygon beyond the image": _whole(_object(segmentation=[[50, 10, 90, 10, 90, 60, 50, 60]])),
        "only narrow boxes": _whole(_object(bbox=[10, 10, 1, 15], segmentation=triangle),
                                    _object(id=2, bbox=[10, 10, 15, 0.5], segmentation=triangle)),
        "9 keypoints labelled": _whole(_object(segmentation=triangle, keypoints=[5, 5, 2] * 9 + [0, 0, 0] * 8, num_keypoints=9)),
        "10 keypoints labelled": _whole(_object(segmentation=triangle, keypoints=[5, 5, 1] * 10 + [0, 0, 0] * 7,
                                                num_keypoints=10)),
        "keypoints of two objects": _whole(
            _object(segmentation=triangle, keypoints=[5, 5, 2] * 5, num_keypoints=5),
            _object(id=2, segmentation=triangle, keypoints=[5, 5, 2] * 5, num_keypoints=5)),
        "keypoints of different lengths": _whole(
            _object(segmentation=triangle, keypoints=[5, 5, 2] * 10, num_keypoints=10),
            _object(id=2, segmentation=triangle, keypoints=[5, 5, 2] * 4, num_keypoints=4)),
        "keypoints on the first only": _whole(
            _object(segmentation=triangle, keypoints=[5, 5, 2] * 12, num_keypoints=12), _object(id=2, segmentation=triangle)),
        "keypoints on the second only": _whole(
            _object(segmentation=triangle), _object(id=2, segmentation=triangle, keypoints=[5, 5, 2] * 3, num_keypoints=3)),
        "category unknown": _whole(_object(category_id=99)),
        "category as text": _whole(_object(category_id="1")),
        "bbox of 5": _whole(_object(bbox=[10, 10, 20, 15, 0.5])),
        "bbox of 3": _whole(_object(bbox=[10, 10, 20])),
        "bbox []": _whole(_object(bbox=[])),
        "bbox missing": _whole(_object(bbox="missing")),
        "bbox null": _whole(_object(bbox=None)),
        "bbox of texts": _whole(_object(bbox=["10", "10", "20", "15"])),
        "31 px image": _whole(_object(), image={"width": 31, "height": 48}),
        "32 px image": _whole(_object(), image={"width": 32, "height": 48}),
        "size swapped": _whole(_object(), image={"width": HEIGHT, "height": WIDTH}),
        "width missing": _whole(_object(), image={"width": "missing"}),
        "height null": _whole(_object(), image={"height": None}),
        "file name missing": _whole(_object(), image={"file_name": "missing"}),
        "image id as text": _whole(_object(image_id="1"), image={"id": "1"}),
        "equal annotation ids": _whole(_object(), _object(bbox=[5, 5, 8, 8])),
        "equal image ids": _whole(_object(), images=[
            {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 1, "file_name": "plain.png", "width": WIDTH, "height": HEIGHT}]),
        "one file in two image records": _whole(_object(), _object(id=2, image_id=2, bbox=[5, 5, 8, 8], area=64), images=[
            {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 2, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT}]),
        "one record twice": _whole(_object(), images=2 * [
            {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT}]),
        "unknown image": _whole(_object(image_id=7)),
        "categories unsorted": _whole(_object(), _object(id=2, category_id=3), categories=[
            {"id": 3, "name": "dog"}, {"id": 1, "name": "cat"}]),
        "equal category ids": _whole(_object(), categories=[{"id": 1, "name": "cat"}, {"id": 1, "name": "dog"}]),
        "equal category names": _whole(_object(), _object(id=2, category_id=3), categories=[
            {"id": 1, "name": "cat"}, {"id": 3, "name": "cat"}]),
        "parent category": _whole(_object(), categories=[
            {"id": 0, "name": "pets", "supercategory": "none"}, {"id": 1, "name": "cat", "supercategory": "pets"},
            {"id": 3, "name": "dog", "supercategory": "pets"}]),
        "120 boxes": _whole(*(_object(id=k + 1, bbox=[k % 50, k % 30, 10, 10], area=100) for k in range(120))),
        "exact duplicate": _whole(_object(), _object(id=2)),
        "two images, one empty": _whole(_object(), images=[
            {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 2, "file_name": "plain.png", "width": WIDTH, "height": HEIGHT}]),
        "empty of another category": _whole(_object(category_id=99), _object(id=2, image_id=2), images=[
            {"id": 1, "file_name": "plain.jpg", "width": WIDTH, "height": HEIGHT},
            {"id": 2, "file_name": "plain.png", "width": WIDTH, "height": HEIGHT}]),
    }


def main() -> None:
    """Print all cases as JSON, for the processes that run the trainers."""
    images = {name: base64.b64encode(content).decode() for name, content in image_cases().items()}
    print(json.dumps({"labels": label_cases(), "images": images, "coco": coco_cases(), "voc": voc_cases()}))


if __name__ == "__main__":
    main()
