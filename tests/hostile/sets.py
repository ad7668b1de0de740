"""Some hundred hostile sets: small ones that try to write, read, run, hang or fill the memory."""

# ruff: noqa: E501 - a set on one line is easier to read

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hostile.conftest import picture, with_orientation

Maker = Callable[[Path], None]
SETS: dict[str, Maker] = {}
SECRET = "root-of-all-secrets-1f2e3d"
"""Stands in a file beside each set; no command may say it."""
NASTY_TEXTS = {
    "escape": "\x1b[31mred\x1b]0;title\x07", "formula": "=cmd|' /C calc'!A0", "formula-at": "@SUM(1+1)", "formula-plus": "+1+1",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>", "template": "{{7*7}}${7*7}{0.__class__}%s%n",
    "workflow": "x\n::set-output name=a::b\n::error::c", "up": "../../../../up", "root": "/etc/passwd", "newline": "a\nb\r\nc",
    "bidi": "a\u202etxt.exe", "nul": "a\x00b", "long": "n" * 5000, "spaces": "  ", "empty": "", "dot": ".", "quote": "a\"b'c`d",
    "wide": "\U0001f98a" * 90, "combining": "e" + "\u0301" * 400, "backslash": "..\\..\\x", "tab": "a\tb", "device": "CON",
}
WITHOUT_NUL = {k: v for k, v in NASTY_TEXTS.items() if k != "nul"}


def hostile(function: Maker) -> Maker:
    """Add a maker by its name."""
    SETS[function.__name__.replace("_", "-")] = function
    return function


def coco(folder: Path, *, name: str = "i.json", images: list[dict[str, Any]] | None = None,
         annotations: list[dict[str, Any]] | None = None, categories: list[dict[str, Any]] | None = None, count: int = 2) -> Path:
    """Write a small COCO set; records are completed."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        picture(folder / f"a{k}.png", (32, 24), k)
    base = {"image_id": 1, "category_id": 1, "bbox": [1, 2, 10, 10], "area": 100, "iscrowd": 0, "segmentation": []}
    document = {
        "images": [{"id": k + 1, "file_name": f"a{k}.png", "width": 32, "height": 24} for k in range(count)] if images is None
        else [{"id": k + 1, "width": 32, "height": 24, **i} for k, i in enumerate(images)],
        "annotations": [{**base, "id": k + 1, **a} for k, a in enumerate(annotations or [{}])],
        "categories": categories or [{"id": 1, "name": "x"}]}
    (folder / name).write_text(json.dumps(document))
    return folder


def yolo(folder: Path, config: str = "train: images/train\nval: images/train\nnames: [x]\n", row: str = "0 .5 .5 .2 .2\n") -> Path:
    """Write a small YOLO set."""
    for k in range(2):
        picture(folder / f"images/train/a{k}.png", (32, 24), k)
        (folder / "labels/train").mkdir(parents=True, exist_ok=True)
        (folder / f"labels/train/a{k}.txt").write_text(row)
    (folder / "data.yaml").write_text(config)
    return folder


def voc(folder: Path, inner: str = "", head: str = "") -> Path:
    """Write one image with its XML file."""
    picture(folder / "a.jpg", (32, 24))
    (folder / "a.xml").write_text(
        f"{head}<annotation><filename>a.jpg</filename><size><width>32</width><height>24</height></size>{inner}<object><name>x</name>"
        "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>")
    return folder


def table(folder: Path, rows: str, header: str = "image,class,xmin,ymin,xmax,ymax\n", name: str = "t.csv") -> Path:
    """Write a table and two images."""
    for k in range(2):
        picture(folder / f"a{k}.png", (32, 24), k)
    (folder / name).write_text(header + rows, errors="surrogatepass")
    return folder


def _texts() -> None:
    for key, text in NASTY_TEXTS.items():
        SETS[f"class-{key}"] = lambda f, t=text: coco(f, categories=[{"id": 1, "name": t}, {"id": 2, "name": t + " "}])  # type: ignore[misc]
    for key, text in WITHOUT_NUL.items():
        if key in ("escape", "formula", "markup", "up", "root", "newline", "long", "workflow", "backslash"):
            SETS[f"file-name-{key}"] = lambda f, t=text: coco(f, images=[{"file_name": t}, {"file_name": f"{t}.png"}])  # type: ignore[misc]
            SETS[f"split-{key}"] = lambda f, t=text: table(  # type: ignore[misc]
                f, "".join(f'a{k}.png,x,1,1,9,9,"{t}"\n' for k in range(2)), "image,class,xmin,ymin,xmax,ymax,split\n")
    for key in ("escape", "up", "long"):
        text = NASTY_TEXTS[key]
        SETS[f"yaml-name-{key}"] = lambda f, t=text: yolo(f, f"train: images/train\nval: images/train\nnames: [{json.dumps(t)}]\n")  # type: ignore[misc]


_texts()


@hostile
def config_names_plugins(f: Path) -> None:
    coco(f)
    (f / "evil.py").write_text("import pathlib; pathlib.Path(__file__).with_name('ran').write_text('x')\n")
    (f / "dsinspect.toml").write_text('plugins = ["evil.py"]\n')


@hostile
def config_reads_elsewhere(f: Path) -> None:
    coco(f)
    (f / "dsinspect.toml").write_text('baseline = "../secret.txt"\n')


@hostile
def config_is_deep(f: Path) -> None:
    coco(f)
    (f / "dsinspect.toml").write_text("x = " + "[" * 5000 + "]" * 5000)


@hostile
def names_of_a_secret(f: Path) -> None:
    yolo(f, "train: images/train\nval: images/train\nnames: ../secret.txt\n")


@hostile
def list_of_a_secret(f: Path) -> None:
    yolo(f, "train: images/train\nval: ../secret.txt\nnames: [x]\n")


@hostile
def names_of_the_system(f: Path) -> None:
    yolo(f, "train: images/train\nval: /etc/passwd\nnames: /etc/passwd\n")


@hostile
def path_of_the_system(f: Path) -> None:
    yolo(f, "path: /etc\ntrain: passwd\nval: hosts\nnames: [x]\n")


@hostile
def yaml_runs_code(f: Path) -> None:
    yolo(f, "train: images/train\nval: !!python/object/apply:os.system ['touch ran']\nnames: [x]\ndownload: |\n  import os\n  os.system('touch ran')\n")


@hostile
def yaml_of_aliases(f: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 9)]
    yolo(f, "train: images/train\nval: images/train\nnames: [x]\n" + "\n".join(lines))


@hostile
def yaml_of_brackets(f: Path) -> None:
    yolo(f, "names: " + "[" * 50_000)


@hostile
def labels_link_to_a_secret(f: Path) -> None:
    yolo(f)
    (f / "labels/train/a0.txt").unlink()
    (f / "labels/train/a0.txt").symlink_to(f.parent / "secret.txt")


@hostile
def folder_links_to_the_outside(f: Path) -> None:
    yolo(f)
    (f / "labels/more").symlink_to(f.parent)
    (f / "images/root").symlink_to("/etc")


@hostile
def folders_link_in_a_circle(f: Path) -> None:
    yolo(f)
    (f / "images/train/again").symlink_to(f / "images")
    (f / "labels/self").symlink_to(f)


@hostile
def json_links_to_a_secret(f: Path) -> None:
    coco(f)
    (f / "b.json").symlink_to(f.parent / "secret.json")


@hostile
def xml_links_to_a_secret(f: Path) -> None:
    voc(f)
    (f / "b.xml").symlink_to(f.parent / "secret.txt")


@hostile
def fifos_everywhere(f: Path) -> None:
    yolo(f)
    coco(f / "c")
    for name in ("b.json", "b.xml", "b.csv", "b.txt", "b.png", "classes.txt", "c/b.json", "labels/train/b.txt", "images/train/b.png",
                 "dsinspect.toml", "pyproject.toml"):
        os.mkfifo(f / name)


@hostile
def devices_behind_links(f: Path) -> None:
    yolo(f)
    for name, device in (("b.json", "zero"), ("b.xml", "zero"), ("b.csv", "zero"), ("labels/train/b.txt", "zero"),
                         ("images/train/b.png", "zero"), ("images/train/c.jpg", "random"), ("classes.txt", "zero"), ("x.xlsx", "zero")):
        (f / name).symlink_to(f"/dev/{device}")


@hostile
def yaml_is_a_device(f: Path) -> None:
    yolo(f)
    (f / "data.yaml").unlink()
    (f / "data.yaml").symlink_to("/dev/zero")


@hostile
def image_is_a_fifo(f: Path) -> None:
    coco(f)
    (f / "a0.png").unlink()
    os.mkfifo(f / "a0.png")


@hostile
def image_is_a_folder(f: Path) -> None:
    coco(f)
    (f / "a0.png").unlink()
    (f / "a0.png").mkdir()


@hostile
def links_that_lead_nowhere(f: Path) -> None:
    yolo(f)
    for name in ("b.json", "labels/train/b.txt", "images/train/b.png"):
        (f / name).symlink_to("nowhere")
    (f / "loop.json").symlink_to("loop.json")


@hostile
def deep_folders(f: Path) -> None:
    coco(f)
    here = os.open(f, os.O_RDONLY)
    try:
        for _ in range(300):
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)


@hostile
def names_that_are_no_text(f: Path) -> None:
    coco(f)
    for name in (b"\xff\xfe.png", b"bad\xed\xa0\x80.png", b"esc\x1b[31m.png", b"new\nline.png", b"=1+1.csv"):
        with contextlib.suppress(OSError):
            (f / os.fsdecode(name)).write_bytes((f / "a0.png").read_bytes())


@hostile
def mask_bomb(f: Path) -> None:
    big = 100_000
    coco(f, annotations=[{"iscrowd": 1, "segmentation": {"size": [big, big], "counts": [0, big * big]}},
                         {"iscrowd": 1, "segmentation": {"size": [big, big], "counts": "0" * 100}},
                         {"iscrowd": 1, "segmentation": {"size": [-1, -5], "counts": [5]}},
                         {"iscrowd": 1, "segmentation": {"size": [24, 32], "counts": [2**62, 2**62, 2**62]}},
                         {"iscrowd": 1, "segmentation": {"size": ["a", None], "counts": {}}}])


@hostile
def many_equal_boxes(f: Path) -> None:
    coco(f, annotations=[{} for _ in range(4000)])


@hostile
def many_piled_boxes(f: Path) -> None:
    coco(f, annotations=[{"bbox": [1 + (k * 37 % 101) / 50, 2 + (k * 53 % 97) / 50, 10, 10]} for k in range(2500)])


@hostile
def long_polygons(f: Path) -> None:
    points = [v for k in range(5000) for v in (k % 32, (k * 7) % 24)]
    coco(f, annotations=[{"segmentation": [points]}, {"segmentation": [[0, 0] * 3] * 2000}, {"segmentation": [[1e308, -1e308] * 4]}])


@hostile
def strange_numbers(f: Path) -> None:
    for_each = [1e308, -1e308, 1e-320, float("nan"), float("inf"), 2**63, 10**400, -0.0]
    coco(f, annotations=[{"bbox": [v, 1, v, v], "area": v} for v in for_each])


@hostile
def strange_types(f: Path) -> None:
    strange = [None, [], {}, "x", True, [[]], {"a": 1}]
    coco(f, annotations=[{"bbox": v} for v in strange] + [{"image_id": v, "category_id": v, "id": v} for v in strange],
         images=[{"file_name": v} for v in strange] + [{"file_name": "a0.png", "width": v, "height": v} for v in strange],
         categories=[{"id": v, "name": v} for v in strange] + [{"id": 1, "name": "x"}])


@hostile
def huge_ids(f: Path) -> None:
    coco(f, annotations=[{"id": 2**63 - 1, "image_id": 2**62, "category_id": -2**63}, {"id": -1, "image_id": -1, "category_id": 10**9}])


@hostile
def huge_declared_size(f: Path) -> None:
    coco(f, images=[{"file_name": "a0.png", "width": 10**9, "height": 10**9}, {"file_name": "a1.png", "width": -5, "height": 0}])


@hostile
def json_of_digits(f: Path) -> None:
    coco(f)
    (f / "i.json").write_text((f / "i.json").read_text().replace('"area": 100', '"area": ' + "9" * 100_000))


@hostile
def json_of_brackets(f: Path) -> None:
    coco(f)
    (f / "i.json").write_text((f / "i.json").read_text()[:-1] + ', "x": ' + "[" * 200_000 + "]" * 200_000 + "}")


@hostile
def json_of_keys(f: Path) -> None:
    coco(f)
    (f / "i.json").write_text("{" + ",".join(f'"k{k}": {{"images": []}}' for k in range(20_000)) + "," + (f / "i.json").read_text()[1:])


@hostile
def json_that_is_empty(f: Path) -> None:
    coco(f)
    (f / "i.json").write_text("")
    (f / "j.json").write_text('{"images": [], "annotations": [], "categories": []}')


@hostile
def json_of_nul(f: Path) -> None:
    coco(f)
    (f / "i.json").write_bytes(b'{"images": [' + b"\0" * 100_000)


@hostile
def json_of_lone_surrogates(f: Path) -> None:
    coco(f)
    (f / "i.json").write_text((f / "i.json").read_text().replace('"x"', '"\\ud800"').replace("a1.png", "\\udfff.png"))


@hostile
def xml_of_entities(f: Path) -> None:
    entities = "".join(f'<!ENTITY e{k} "{f"&e{k - 1};" * 10 if k else "lol"}">' for k in range(10))
    voc(f, "<folder>&e9;</folder>", f"<?xml version='1.0'?><!DOCTYPE annotation [{entities}]>")


@hostile
def xml_of_a_secret(f: Path) -> None:
    voc(f, "<folder>&x;</folder>", "<?xml version='1.0'?><!DOCTYPE annotation [<!ENTITY x SYSTEM '../secret.txt'>]>")


@hostile
def xml_that_is_deep(f: Path) -> None:
    voc(f, "<a>" * 50_000 + "</a>" * 50_000)


@hostile
def xml_of_objects(f: Path) -> None:
    voc(f, "<object><name>y</name></object>" * 20_000)


@hostile
def xml_of_attributes(f: Path) -> None:
    voc(f, "<a " + " ".join(f"k{k}='v'" for k in range(20_000)) + "/>")


for _encoding in ("ansi", "unicode", "x-sjis", "utf-7", "hex", "rot13", "idna", "undefined", "base64"):
    SETS[f"xml-in-{_encoding}"] = lambda f, e=_encoding: voc(f, "", f"<?xml version='1.0' encoding='{e}'?>")  # type: ignore[misc]


@hostile
def label_of_one_long_line(f: Path) -> None:
    yolo(f, row="0 " + ".5 " * 200_000 + "\n")


@hostile
def label_of_many_lines(f: Path) -> None:
    yolo(f, row="0 .5 .5 .2 .2\n" * 20_000)


@hostile
def label_of_strange_numbers(f: Path) -> None:
    yolo(f, row="0 nan inf -inf 1e999\n99999999999999999999 .5 .5 .2 .2\n-1 .5 .5 .2 .2\n1_0 .5 .5 .2 .2\n0x1 .5 .5 .2 .2\n\u0661 .5 .5 .2 .2\n")


@hostile
def label_of_bytes(f: Path) -> None:
    yolo(f)
    (f / "labels/train/a0.txt").write_bytes(bytes(range(256)) * 20)


@hostile
def table_of_formulas(f: Path) -> None:
    table(f, 'a0.png,"=HYPERLINK(""http://x"",""y"")",1,1,9,9\n=1+1.png,@x,1,1,9,9\n')


@hostile
def table_of_columns(f: Path) -> None:
    table(f, "a0.png,x,1,1,9,9" + "," * 20_000 + "\n")


@hostile
def table_of_one_cell(f: Path) -> None:
    table(f, '"' + "x" * 1_000_000 + '",x,1,1,9,9\n"unclosed,1,1,9,9\n' + "a0.png,x,1,1,9,9\n" * 100)


@hostile
def table_of_paths(f: Path) -> None:
    table(f, "../../a0.png,x,1,1,9,9\n/etc/passwd,x,1,1,9,9\n..,x,1,1,9,9\n~/x.png,x,1,1,9,9\nhttp://x/y.png,x,1,1,9,9\n")


def xlsx(path: Path, sheet: str, strings: str = "", extra: dict[str, bytes] | None = None) -> None:
    """Write the least .xlsx there is, with a sheet's XML as it is given."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
                   f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                   f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
                   f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
                   f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>')
        z.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                   f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        z.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets><sheet name="s" sheetId="1" r:id="r1"/>'
                   "</sheets></workbook>")
        z.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                   f'Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{relation}/sharedStrings" '
                   'Target="sharedStrings.xml"/></Relationships>')
        z.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}">{sheet}</worksheet>')
        z.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{strings}</sst>')
        for name, content in (extra or {}).items():
            z.writestr(name, content)


def _row(number: int, values: list[object]) -> str:
    cells = "".join(f'<c t="inlineStr"><is><t>{v}</t></is></c>' if isinstance(v, str) else f"<c><v>{v}</v></c>" for v in values)
    return f'<row r="{number}">{cells}</row>'


HEAD = _row(1, ["image", "class", "xmin", "ymin", "xmax", "ymax"]) + _row(2, ["a0.png", "x", 1, 1, 9, 9])


@hostile
def workbook_with_a_bomb(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    xlsx(f / "t.xlsx", f"<sheetData>{HEAD}</sheetData>", extra={"xl/media/x.bin": b"\0" * (60 << 20)})


@hostile
def workbook_of_one_column_far_away(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    xlsx(f / "t.xlsx", f'<dimension ref="A1:XFD1048576"/><sheetData>{HEAD}{far}</sheetData>')


@hostile
def workbook_of_long_texts(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    xlsx(f / "t.xlsx", f"<sheetData>{HEAD}</sheetData>", f"<si><t>{'x' * (20 << 20)}</t></si>")


@hostile
def workbook_of_many_texts(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    xlsx(f / "t.xlsx", f"<sheetData>{HEAD}</sheetData>", "<si><t>x</t></si>" * 30_000)


@hostile
def workbook_of_entities(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    xlsx(f / "t.xlsx", "<sheetData/>")
    with zipfile.ZipFile(f / "u.xlsx", "w") as z:
        z.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><workbook>&b;</workbook>')


@hostile
def workbook_that_is_cut(f: Path) -> None:
    table(f, "")
    xlsx(f / "t.xlsx", f"<sheetData>{HEAD}</sheetData>")
    (f / "t.xlsx").write_bytes((f / "t.xlsx").read_bytes()[:400])
    (f / "t.csv").unlink()


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """Return a PNG that declares a size, with compressed rows as they are given."""
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", body or zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))


@hostile
def images_of_huge_sizes(f: Path) -> None:
    coco(f)
    (f / "a0.png").write_bytes(png(60_000, 60_000, zlib.compress(b"\0" * (30 << 20))))
    (f / "a1.png").write_bytes(png(2**31 - 1, 2**31 - 1))


@hostile
def images_that_are_none(f: Path) -> None:
    coco(f, images=[{"file_name": n} for n in ("a0.png", "a1.png", "e.jpg", "t.gif", "z.webp", "h.bmp", "x.tif")])
    contents = {"a0.png": b"", "a1.png": b"\x89PNG\r\n\x1a\n", "e.jpg": b"\xff\xd8\xff\xe1\xff\xff", "t.gif": b"GIF89a\xff\xff\xff\xff",
                "z.webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ", "h.bmp": b"BM" + b"\xff" * 60, "x.tif": b"II*\0" + b"\xff" * 40}
    for name, content in contents.items():
        (f / name).write_bytes(content)


@hostile
def exif_of_nonsense(f: Path) -> None:
    coco(f, images=[{"file_name": f"o{k}.jpg"} for k in range(3)])
    jpeg = picture(f / "x.jpg", (32, 24)).read_bytes()
    (f / "o0.jpg").write_bytes(with_orientation(jpeg, 255))
    (f / "o1.jpg").write_bytes(jpeg[:2] + b"\xff\xe1\xff\xffExif\0\0II*\0\xff\xff\xff\xff" + jpeg[2:])
    (f / "o2.jpg").write_bytes(jpeg[:2] + b"\xff\xe1\x00\x16Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\0" * 6 + jpeg[2:])


@hostile
def text_called_image(f: Path) -> None:
    coco(f, images=[{"file_name": "s.png"}, {"file_name": "a1.png"}])
    (f / "s.png").symlink_to(f.parent / "secret.txt")


@hostile
def everything_is_gone(f: Path) -> None:
    coco(f)
    for path in f.glob("*.png"):
        path.unlink()


@hostile
def a_cache_that_is_none(f: Path) -> None:
    yolo(f)
    (f / "labels/train.cache").write_bytes(b"\x80\x05cos\nsystem\n(S'touch ran'\ntR.")  # a pickle that would run a program


@hostile
def two_formats_at_once(f: Path) -> None:
    coco(f)
    yolo(f)
    voc(f)
    table(f, "a0.png,x,1,1,9,9\n")


def deep_folder(f: Path, levels: int) -> None:
    home = Path.cwd()
    os.chdir(f)
    try:
        for _ in range(levels):
            Path("d").mkdir()
            os.chdir("d")
        Path("deep.txt").write_text("0 .5 .5 .2 .2\n")
    finally:
        os.chdir(home)


@hostile
def folders_a_thousand_deep(f: Path) -> None:
    coco(f)
    deep_folder(f, 1000)


@hostile
def folders_deeper_than_python_recurses(f: Path) -> None:
    yolo(f)
    deep_folder(f, 1300)


@hostile
def nothing_but_deep_folders(f: Path) -> None:
    picture(f / "a.png", (32, 24))
    deep_folder(f, 1300)


@hostile
def links_in_circles(f: Path) -> None:
    coco(f, images=[{"file_name": n} for n in ("a0.png", "one.png", "self.png", "gone.png")])
    for name, target in (("one.png", "two.png"), ("two.png", "one.png"), ("self.png", "self.png"), ("gone.png", "nowhere.png"),
                         ("loop", "pool"), ("pool", "loop"), ("here", "."), ("up", "..")):
        (f / name).symlink_to(target)


@hostile
def names_of_devices_and_of_300_characters(f: Path) -> None:
    names = ["CON.png", "aux.jpg", "nul", "COM1.txt.png", "a" * 300 + ".png", "b" * 250 + ".png", "a:b.png", "a?.png", "a*.png", "x ."]
    coco(f, images=[{"file_name": n} for n in names], annotations=[{"image_id": k + 1} for k in range(len(names))])
    for name in names:
        with contextlib.suppress(OSError):
            picture(f / name, (32, 24)) if name.endswith((".png", ".jpg")) else None


@hostile
def sparse_giants(f: Path) -> None:
    coco(f, images=[{"file_name": "a0.png"}, {"file_name": "giant.png"}])
    yolo(f / "more")
    for path in (f / "giant.png", f / "more/labels/train/a0.txt", f / "more/data.csv", f / "more/images/train/g.jpg"):
        with path.open("ab") as file:
            file.truncate(300 << 20)


@hostile
def parquet_that_is_none(f: Path) -> None:
    picture(f / "a0.png", (32, 24))
    (f / "train.parquet").write_bytes(b"PAR1" + b"\xff" * 500 + b"PAR1")
    (f / "metadata.jsonl").write_text('{"file_name": "a0.png\\n../x.png", "objects": {"bbox": [[1,2,3,4]], "categories": [0]}}\n' * 3)
