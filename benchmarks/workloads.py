"""Draw the workloads of the benchmarks: deterministic, and none of it is anybody's data.

    python benchmarks/workloads.py coco OUT.json --images 118287 --annotations 860000
    python benchmarks/workloads.py images OUT --count 20000
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

CHUNK = 5000


def boxes(out: Path, images: int, annotations: int, classes: int = 80) -> None:
    """Write a COCO file of boxes without polygons, quickly: for files of ten million of them."""
    rng = np.random.default_rng(0)
    partial = out.with_suffix(".part")
    with partial.open("w") as file:
        file.write('{"images": [\n')
        file.write(",\n".join(f'{{"id": {k + 1}, "file_name": "{k + 1:012}.jpg", "width": 640, "height": 480}}'
                              for k in range(images)))
        file.write('\n], "annotations": [\n')
        for start in range(0, annotations, 100_000):
            n = min(100_000, annotations - start)
            wh = np.exp(rng.normal(3.8, 0.9, (n, 2))).clip(6, 300).round(2)
            corner = (rng.random((n, 2)) * ([640, 480] - wh)).round(2)
            owner, category = rng.integers(1, images + 1, n), np.minimum(rng.zipf(1.4, n), classes)
            rows = zip(range(start + 1, start + n + 1), owner.tolist(), category.tolist(), corner[:, 0].tolist(),
                       corner[:, 1].tolist(), wh[:, 0].tolist(), wh[:, 1].tolist(), strict=True)
            file.write(("" if start == 0 else ",\n") + ",\n".join(
                f'{{"id": {k}, "image_id": {i}, "category_id": {c}, "bbox": [{x}, {y}, {w}, {h}], "area": {w * h:.4f}, '
                f'"iscrowd": 0}}' for k, i, c, x, y, w, h in rows))
        file.write('\n], "categories": [' + ", ".join(
            f'{{"id": {k}, "name": "class {k}", "supercategory": "thing"}}' for k in range(1, classes + 1)) + "]}\n")
    partial.replace(out)


def yolo(out: Path, images: int, annotations: int, classes: int = 80) -> None:
    """Write a YOLO set: a label file of boxes for each of many copies of one small image."""
    import cv2

    rng = np.random.default_rng(0)
    done, jpeg = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))
    assert done
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True)
    wh = rng.random((annotations, 2)) * 0.3 + 0.02
    centre = wh / 2 + rng.random((annotations, 2)) * (1 - wh)
    category = np.minimum(rng.zipf(1.4, annotations), classes) - 1
    rows = [f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, (x, y), (w, h) in zip(
        category.tolist(), centre.tolist(), wh.tolist(), strict=True)]
    ends = np.sort(rng.integers(0, annotations + 1, images - 1)).tolist()
    for k, (start, end) in enumerate(zip([0, *ends], [*ends, annotations], strict=True)):
        (out / "images" / f"{k:06}.jpg").write_bytes(jpeg)
        (out / "labels" / f"{k:06}.txt").write_text("".join(rows[start:end]))
    (out / "data.yaml").write_text("train: images\nnames: [" + ", ".join(f"class {k}" for k in range(classes)) + "]\n")


def coco(out: Path, images: int, annotations: int, classes: int = 80) -> None:
    """Write a COCO file whose areas and boxes are those of its polygons, as in COCO itself; 1 % are crowds."""
    rng = np.random.default_rng(0)
    partial = out.with_suffix(".part")
    with partial.open("w") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [\n')
        sizes = rng.choice([(640, 480), (480, 640), (640, 427), (500, 375)], images)
        file.write(",\n".join(f'{{"id": {k + 1}, "file_name": "{k + 1:012}.jpg", "width": {w}, "height": {h}}}'
                              for k, (w, h) in enumerate(sizes.tolist())))
        file.write('\n], "annotations": [\n')
        for start in range(0, annotations, CHUNK):
            n = min(CHUNK, annotations - start)
            owner = rng.integers(0, images, n)
            wh = np.exp(rng.normal(3.8, 0.9, (n, 2))).clip(6, 300)
            corner = rng.random((n, 2)) * (sizes[owner] - wh).clip(1)
            wh = np.minimum(wh, sizes[owner] - corner).round(2)
            corner = corner.round(2)
            points = rng.integers(8, 40, n)
            category = np.minimum(rng.zipf(1.4, n), classes)
            records = []
            for k in range(n):
                angle = np.sort(rng.random(points[k])) * 2 * np.pi
                ring = np.column_stack([np.cos(angle), np.sin(angle)])
                low, high = ring.min(axis=0), ring.max(axis=0)
                ring = (corner[k] + (ring - low) / np.maximum(high - low, 1e-9) * wh[k]).round(2)
                x, y = ring[:, 0], ring[:, 1]
                area = round(abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2, 4)
                box = [*ring.min(axis=0).tolist(), *(ring.max(axis=0) - ring.min(axis=0)).round(2).tolist()]
                crowd = (start + k) % 100 == 99
                shape: object = [ring.ravel().tolist()]
                if crowd:
                    height, width = int(sizes[owner[k]][1]), int(sizes[owner[k]][0])
                    shape = {"counts": [height * width // 2, height * width - height * width // 2], "size": [height, width]}
                records.append(json.dumps({
                    "segmentation": shape, "area": area, "iscrowd": int(crowd), "image_id": int(owner[k]) + 1, "bbox": box,
                    "category_id": int(category[k]), "id": start + k + 1}))
            file.write(("" if start == 0 else ",\n") + ",\n".join(records))
        file.write('\n], "categories": [' + ", ".join(
            f'{{"id": {k}, "name": "class {k}", "supercategory": "thing"}}' for k in range(1, classes + 1)) + "]}\n")
    partial.replace(out)


def images(out: Path, count: int, shrink: int = 1) -> None:
    """Write photo-like JPEGs with boxes in a COCO file; 1 % of the files have an equal one.

    Args:
        out: folder to make.
        count: of pictures.
        shrink: they are about 640 x 480 px, divided by this.
    """
    import cv2

    rng = np.random.default_rng(0)
    (out / "images").mkdir(parents=True, exist_ok=True)
    grounds = [cv2.resize(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), (800, 640), interpolation=cv2.INTER_CUBIC)
               for _ in range(64)]
    records, boxes = [], []
    last = b""
    for k in range(count):
        width, height = (640, 480) if rng.random() < 0.8 else (int(rng.integers(320, 800)), int(rng.integers(240, 640)))
        width, height = width // shrink, height // shrink
        ground = grounds[int(rng.integers(64))]
        pixels = ground[:height, :width].astype(np.int16) + rng.normal(0, 9, (height, width, 1)).astype(np.int16)
        pixels = pixels.clip(0, 255).astype(np.uint8)
        for _ in range(int(rng.integers(1, 12))):
            w, h = (int(rng.integers(12 // min(shrink, 2), side // 2)) for side in (width, height))
            x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
            cv2.rectangle(pixels, (x, y), (x + w - 1, y + h - 1), rng.integers(0, 256, 3).tolist(), -1)
            boxes.append({"id": len(boxes) + 1, "image_id": k + 1, "category_id": int(min(rng.zipf(1.5), 20)),
                          "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
        content = last if k % 100 == 99 else cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
        last = content
        (out / "images" / f"{k:06}.jpg").write_bytes(content)
        records.append({"id": k + 1, "file_name": f"{k:06}.jpg", "width": width, "height": height})
    if count >= 100:  # the equal files are of the size of the one before
        for k in range(99, count, 100):
            records[k] = {**records[k], "width": records[k - 1]["width"], "height": records[k - 1]["height"]}
    names = [{"id": k, "name": f"class {k}"} for k in range(1, 21)]
    (out / "instances.json").write_text(json.dumps({"images": records, "annotations": boxes, "categories": names}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("coco")
    one.add_argument("out", type=Path)
    one.add_argument("--images", type=int, default=118_287)
    one.add_argument("--annotations", type=int, default=860_000)
    two = kinds.add_parser("images")
    two.add_argument("out", type=Path)
    two.add_argument("--count", type=int, default=20_000)
    arguments = parser.parse_args()
    if arguments.kind == "coco":
        coco(arguments.out, arguments.images, arguments.annotations)
    else:
        images(arguments.out, arguments.count)


if __name__ == "__main__":
    main()
