"""Label files, COCO documents and VOC files as hypothesis draws them: mostly sound, with the faults that loaders differ on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")
WIDTH, HEIGHT = 64, 48
CLASSES = 3
"""Classes that the drawn label files are judged with."""
ODD_NUMBERS = (
    "0", "1", "1.0", "1.005", "1.01", "1.0100001", "1.01000005", "1.02", "-0.005", "-0.01", "-0.0100001", "-0.05", "-1e-9", "-0.0",
    "1e-7", "nan", "inf", "-inf", "1e999", ".5", "+0.5", "1.", "1_0", "0,5", "320", "0.5px", "1e-400")
ODD_CLASSES = ("3", "4", "-1", "1.5", "0.5", "-0.005", "-0", "1e0", "007", "2.0", "person", "nan", "1_0", "9" * 20)
ODD_SIDES = (-10, -0.5, 0, 0.5, 0.99, 1, 1e-6, 48, 64, 63.5, 70, 1000, -1000, 1e-5, 2e-5)
ODD_FIELDS: dict[str, tuple[Any, ...]] = {
    "area": (0, -1, 0.5, 1e-9, 5000), "ignore": (0, 1), "category_id": (99, -1, 4), "image_id": (0, 77), "id": (0, 1, 2),
    "segmentation": ([], [[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, 6], [1, 2]], [[]])}
FIELDS = ("iscrowd", "area", "id", "bbox", "image_id", "category_id")


def examples(strategy: st.SearchStrategy[T], count: int, of: int | None = None) -> list[T]:
    """Return different examples, the same ones whenever it is run with one release of hypothesis, or those of a seed."""
    found: dict[str, T] = {}

    @settings(derandomize=True, max_examples=count + count // 2, database=None, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def keep(example: T) -> None:
        found[repr(example)] = example

    (keep if of is None else seed(of)(keep))()
    return list(found.values())[:count]  # some are drawn twice


def _one_in(n: int) -> st.SearchStrategy[bool]:
    """Draw True once in `n` times, never for 0; what is small comes first, so that examples shrink to sound ones."""
    return st.just(False) if n == 0 else st.integers(1, n).map(lambda k: k == n and n > 1)


def _decimals(low: int, high: int, places: int) -> st.SearchStrategy[float]:
    return st.integers(low * 10 ** places, high * 10 ** places).map(lambda k: k / 10 ** places)


@st.composite
def _rows(draw: Callable[..., Any], form: str, faults: int) -> str:
    number = str(draw(st.integers(0, CLASSES - 1)))
    count = 4 if form == "box" else 2 * draw(st.integers(3, 8))
    digits = draw(st.sampled_from((6, 2, 1, 4, 17)))
    values = [f"{k * 0.00987654321:.{digits}f}" for k in draw(st.lists(st.integers(1, 100), min_size=count, max_size=count))]
    gap, around = " ", ""
    for _ in range(draw(st.integers(1, 2)) if draw(_one_in(faults // 5)) else 0):
        kind = draw(st.integers(0, 6))
        if kind < 3:
            values[draw(st.integers(0, len(values) - 1))] = draw(st.sampled_from(ODD_NUMBERS))
        elif kind == 3:
            number = draw(st.sampled_from(ODD_CLASSES))
        elif kind == 4:
            values = [*values, "0.5"] if draw(st.booleans()) else values[:draw(st.integers(1, count))]
        elif kind == 5:
            gap = draw(st.sampled_from(("\t", "  ", " \t ", "\xc2\xa0", ",", ", ")))
        else:
            around = " "
    return around + gap.join([number, *values]) + around


@st.composite
def label_files(draw: Callable[..., Any]) -> str:
    """Draw the bytes of a label file, as Latin-1 text."""
    faults = draw(st.sampled_from((0, 60, 60, 12)))
    kind = draw(st.sampled_from(("box",) * 7 + ("polygon",) * 2 + ("mixed",)))
    rows: list[str] = []
    for _ in range(draw(st.integers(0, 8))):
        if rows and draw(_one_in(8)):
            rows.append(draw(st.sampled_from(rows)))
            continue
        form = draw(st.sampled_from(("box", "polygon"))) if kind == "mixed" else kind
        rows.append(draw(_rows(form, faults)))
        if form == "polygon" and draw(_one_in(5)):  # another polygon of the same box
            words = rows[-1].split()
            rows.append(" ".join([*words[:1], *words[3:], *words[1:3]]))
    end = draw(st.sampled_from(("\n",) * 8 + ("\r\n", "\r")))
    text = "".join(row + end + (draw(st.sampled_from(("", " ", "  \t", "\x0c"))) + end if draw(_one_in(faults)) else "")
                   for row in rows)
    if draw(_one_in(5)):
        text = text.removesuffix(end)
    if draw(_one_in(faults)):
        text = draw(st.sampled_from(("\xef\xbb\xbf", " " + end, end, "\t"))) + text
    if draw(_one_in(faults)):
        text += draw(st.sampled_from(("\xe9", "# end", "\xc2\x85", "\x1a")))
    return text


@st.composite
def _boxes(draw: Callable[..., Any], odd: bool) -> list[Any]:
    places = draw(st.sampled_from((0, 2)))
    box: list[Any] = [draw(_decimals(low, high, places)) for low, high in ((0, 55), (0, 40), (1, 20), (1, 16))]
    box = [int(v) for v in box] if places == 0 else box
    if odd:
        box[draw(st.integers(0, 3))] = draw(st.sampled_from(ODD_SIDES))
    return box


@st.composite
def documents(draw: Callable[..., Any]) -> dict[str, Any]:
    """Draw a COCO document of one image or a few."""
    faults = draw(st.sampled_from((0, 60, 60, 60, 10, 10)))

    def odd(scale: int = 1) -> bool:
        return bool(draw(_one_in(faults * scale)))

    n_images = draw(st.sampled_from((1, 1, 1, 2, 3)))
    images: list[dict[str, Any]] = [{"id": k + 1, "file_name": name, "width": WIDTH, "height": HEIGHT}
                                    for k, name in enumerate(("plain.jpg", "plain.png", "grey.png")[:n_images])]
    for image in images:
        if odd(3):
            del image[draw(st.sampled_from(("width", "height", "file_name")))]
    if n_images > 1 and odd(2):
        images[-1]["id"] = 1
    numbers = draw(st.sampled_from(([1, 2, 3], [0, 1, 2], [1, 5, 9], [3, 1, 2])))
    annotations: list[dict[str, Any]] = []
    for k in range(draw(st.integers(0, 8))):
        box = draw(_boxes(odd()))
        record = {"id": k + 1, "image_id": draw(st.integers(1, n_images)), "category_id": draw(st.sampled_from(numbers)),
                  "bbox": box, "area": round(box[2] * box[3], 2), "iscrowd": int(draw(_one_in(10)))}
        if draw(_one_in(4)):
            x, y, w, h = box
            record["segmentation"] = [[x, y, x + w, y, x + w, y + h]]
        for _ in range(draw(st.integers(1, 2)) if draw(_one_in(faults // 4)) else 0):
            key = draw(st.sampled_from((*FIELDS, "ignore", "segmentation")))
            if key == "iscrowd" or draw(_one_in(4)):
                record.pop(key, None)
            else:
                record[key] = draw(st.sampled_from([box[:3], [*box, 0.5], []] if key == "bbox" else ODD_FIELDS[key]))
        annotations.append(record)
    return {"images": images, "annotations": annotations, "categories": [{"id": k, "name": f"class {k}"} for k in numbers]}


@st.composite
def voc_files(draw: Callable[..., Any]) -> str:
    """Draw the XML of one image of 64 x 48 px, of classes a and b."""
    faults = draw(st.sampled_from((0, 40, 40, 8)))

    def odd() -> bool:
        return bool(draw(_one_in(faults)))

    parts = ["<filename>case.jpg</filename>"]
    if not odd():
        side = draw(st.sampled_from(("0", "10", "31", "32", "64.0", "-64"))) if odd() else "64"
        parts.append(f"<size><width>{side}</width><height>48</height><depth>3</depth></size>")
    for _ in range(draw(st.integers(0, 6))):
        places = draw(st.sampled_from((0, 0, 2)))
        x, y = draw(_decimals(1, 30, places)), draw(_decimals(1, 14, places))
        edges = [x, y, x + draw(_decimals(1, 34, places)), y + draw(_decimals(1, 34, places))]
        words = [f"{v:.{places}f}" for v in edges]
        if odd():
            words[draw(st.integers(0, 3))] = draw(st.sampled_from(
                ("0", "-3", "-0.9", "65.5", "999", "nan", "inf", "1e2", " 7 ", "x", "")))
        if odd():
            words = [*words[2:], *words[:2]]
        name = draw(st.sampled_from(("c", " a", "A", ""))) if odd() else draw(st.sampled_from(("a", "b")))
        inner = "" if draw(st.booleans()) else f"<difficult>{int(draw(_one_in(6)))}</difficult>"
        tags = "".join(f"<{tag}>{word}</{tag}>" for tag, word in zip(("xmin", "ymin", "xmax", "ymax"), words, strict=True))
        box = "" if faults == 8 and odd() else f"<bndbox>{tags}</bndbox>"
        parts.append(f"<object><name>{name}</name>{inner}{box}</object>")
    return "<annotation>" + "\n".join(parts) + "</annotation>"
