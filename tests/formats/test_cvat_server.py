"""What we write as CVAT XML is taken by CVAT's own import, and the objects it then shows are those we read.

Runs where `DSINSPECT_CVAT` names a checkout of CVAT and `DSINSPECT_CVAT_PYTHON` an interpreter with its packages.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from convert.sets import put

from dsinspect.cli import main
from dsinspect.geometry.affine import rotated_corners
from dsinspect.geometry.rle import decode_mask
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins
from dsinspect.tables.schema import BOX_COLUMNS, CORNER_COLUMNS
from dsinspect.testing.rich_set import write_rich_set
from dsinspect_formats.cvat.format import Cvat, WriterOptions

CHECKOUT, PYTHON = os.environ.get("DSINSPECT_CVAT"), os.environ.get("DSINSPECT_CVAT_PYTHON")
pytestmark = pytest.mark.skipif(not (CHECKOUT and PYTHON), reason="DSINSPECT_CVAT names no checkout of CVAT, or "
                                "DSINSPECT_CVAT_PYTHON no interpreter with its packages")
ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("coco", "voc", "yolo", "rotated", "tracks", "table", "frames")
COLUMNS = frozenset(("segmentation", "keypoints", "attributes", "track", "cvat:occluded", "cvat:z_order", "cvat:group",
                     *CORNER_COLUMNS))


class Video(Cvat):
    """The writer as it is with `cvat.video`."""

    writer_options_type = lambda: WriterOptions(video=True)  # type: ignore[assignment]  # noqa: E731


def job_of(root: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what CVAT is asked, and the objects as we read them."""
    xml = root / "annotations.xml"
    is_video = "<mode>interpolation" in xml.read_text()
    source = open_dataset(DatasetRequest(str(root), root, format="cvat"), load_plugins(), COLUMNS)
    shard = next(iter(source.shards(10**6))).load()
    names = [str(p).removeprefix("images/") for p in shard.images["path"]]
    sizes = np.nan_to_num(shard.images[["width", "height"]].to_numpy(float), nan=1).astype(int).tolist()
    rows = []
    for values in shard.annotations.to_dict("records"):
        image = names[values["image_row"]]
        said = {k: json.loads(bytes(v)) if isinstance(v := values.get(k), bytes) else None
                for k in ("segmentation", "keypoints", "attributes")}
        rows.append({
            "image": str(PurePosixPath(image).with_suffix("")) if is_video else image, "label": values["category"],
            "box": [values[c] for c in BOX_COLUMNS], "corners": [values.get(c, np.nan) for c in CORNER_COLUMNS],
            "occluded": values["cvat:occluded"] == "1", "z_order": int(values["cvat:z_order"] or 0),
            "group": int(values["cvat:group"] or 0), "track": values["track"], **said})
    images = [[n, *s] for n, s in zip(names, sizes, strict=True)]
    return {"xml": str(xml), "images": images, "video": sizes[0] if is_video else None}, rows


def as_ours(one: dict[str, Any]) -> dict[str, Any]:
    """Return an object of CVAT with the box, corners and outline that its points are."""
    points = np.array(one["points"], float)
    if one["type"] == "mask":
        left, top, right, bottom = points[-4:]
        return {**one, "box": [left, top, right + 1, bottom + 1], "runs": points[:-4].astype(int)}
    if one["type"] == "ellipse":
        (x, y), rx, ry, turn = points[:2], points[2] - points[0], points[1] - points[3], np.radians(one["rotation"])
        half = np.hypot(rx * np.cos(turn), ry * np.sin(turn)), np.hypot(rx * np.sin(turn), ry * np.cos(turn))
        return {**one, "box": [x - half[0], y - half[1], x + half[0], y + half[1]]}
    if one["type"] == "rectangle" and one["rotation"]:
        (x, y), (right, bottom) = points[:2], points[2:]
        turned = np.array([[(x + right) / 2, (y + bottom) / 2, right - x, bottom - y, one["rotation"]]])
        one = {**one, "corners": rotated_corners(turned).ravel().tolist()}
        points = np.array(one["corners"])
    xy = points.reshape(-1, 2)
    return {**one, "box": [*xy.min(0), *xy.max(0)]}


def differences(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """Say what differs, object by object."""
    def order(o: dict[str, Any]) -> Any:
        return o["image"], *np.round(o["box"], 1).tolist(), o["label"]

    if len(ours) != len(theirs):
        return [f"{len(theirs)} objects, ours {len(ours)}"]
    told = []
    for a, b in zip(sorted(ours, key=order), sorted(theirs, key=order), strict=True):
        corners = b.get("corners", [np.nan] * 8)
        same = [a[k] == (b[k] or 0) for k in ("image", "label", "occluded", "z_order", "group")]
        said = [{k: str(v).lower() for k, v in (o["attributes"] or {}).items()} for o in (a, b)]
        same += [np.allclose(a["box"], b["box"], atol=0.02), np.allclose(a["corners"], corners, atol=0.02, equal_nan=True),
                 said[0] == said[1]]
        outline = a["segmentation"]
        if isinstance(outline, dict):
            x, y, right, bottom = map(int, a["box"])
            inner = np.repeat(np.arange(len(b["runs"])) % 2 == 1, b["runs"]).reshape(bottom - y, right - x)
            same.append(np.array_equal(decode_mask(outline["counts"], outline["size"])[y:bottom, x:right], inner))
        elif outline is not None:
            same.append(np.allclose(outline[0], b["points"], atol=0.01))
        else:
            same.append(b["type"] not in ("polygon", "mask"))
        if a["keypoints"] is not None:
            same.append(np.allclose(np.reshape(a["keypoints"], (-1, 3))[:, :2].ravel(), b["points"], atol=0.01))
        if not all(same):
            told.append(f"{a} is {b}")
    return told


def check(roots: Sequence[Path]) -> None:
    jobs = [job_of(r) for r in roots]
    done = subprocess.run([str(PYTHON), str(Path(__file__).with_name("cvat_server.py")), str(CHECKOUT)], text=True, check=False,
                          input="\n".join(json.dumps(asked) for asked, _ in jobs), capture_output=True, timeout=900)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(answers) == len(roots), done.stderr[-2000:]
    for root, (_, ours), answer in zip(roots, jobs, answers, strict=True):
        assert "error" not in answer, (root.name, answer)
        assert differences(ours, [as_ours(o) for o in answer["objects"]]) == [], root.name


def test_samples_that_we_wrote(tmp_path: Path) -> None:
    shared = ROOT.parent / "shared/data"
    sets = [p for p in (*(ROOT / "sample_data" / s for s in SAMPLES), shared / "bccd", shared / "rbc_coco", shared / "chess_voc",
                        shared / "sharks/sharks-tiny-coco", shared / "rop_metrics/gts/cvat_format",
                        *(shared / "formats_tiny/cvat_dataset" / k for k in ("for_images", "for_video"))) if p.is_dir()]
    outs = []
    for k, source in enumerate(sets):
        for video in ("false", "true"):
            outs.append(tmp_path / f"{k}-{source.name}-{video}")
            assert main(["convert", str(source), "-o", str(outs[-1]), "--to", "cvat", "--set", f"cvat.video={video}", "-q"]) == 0
    check(outs)


def test_everything_that_the_tables_hold(tmp_path: Path) -> None:
    write_rich_set(Cvat, tmp_path / "images")
    write_rich_set(Video, tmp_path / "video")
    check([tmp_path / "images", tmp_path / "video"])


def sparse(root: Path, seed: int) -> Path:
    """Draw a video with key frames only: gaps to interpolate, objects that leave, attributes that are not said again."""
    draw = random.Random(seed)
    for frame in range(12):
        put(root, f"images/frame_{frame:06}.png", (200, 100))
    lines = ["<annotations><version>1.1</version><meta><task><id>1</id><size>12</size><mode>interpolation</mode>"
             "<start_frame>0</start_frame><stop_frame>11</stop_frame><labels><label><name>cat</name><attributes><attribute><name>a"
             "</name><mutable>True</mutable><input_type>text</input_type></attribute></attributes></label></labels>"
             "<original_size><width>200</width><height>100</height></original_size></task></meta>"]
    for track, kind in enumerate(("box", "turned", "points", "ellipse", "polygon", "polygon") * 2):
        lines.append(f'<track id="{track}" label="cat">')
        for n, frame in enumerate(sorted(draw.sample(range(12), draw.randint(1, 4)))):
            x, y = draw.randint(20, 120), draw.randint(20, 60)
            corners = sorted(draw.uniform(0, 6.28) for _ in range(draw.randint(3, 40)))
            outline = ";".join(f"{x + draw.uniform(5, 20) * math.cos(c):.2f},{y + draw.uniform(5, 20) * math.sin(c):.2f}"
                               for c in corners)
            shape = {"box": f'xtl="{x}" ytl="{y}" xbr="{x + 20}" ybr="{y + 9}"', "ellipse": f'cx="{x}" cy="{y}" rx="12" ry="7"',
                     "polygon": f'points="{outline}"',
                     "points": f'points="{x},{y};{x + 9},{y + 2};{x + 4},{y + 8}"'}.get(
                         kind, f'xtl="{x}" ytl="{y}" xbr="{x + 20}" ybr="{y + 9}" rotation="{draw.choice((10, 180, 350))}"')
            said = f'<attribute name="a">v{n}</attribute>' if not n or draw.random() < 0.5 else ""
            tag = "box" if kind == "turned" else kind
            lines.append(f'<{tag} frame="{frame}" keyframe="1" outside="{int(n > 0 and draw.random() < 0.4)}" occluded="0" '
                         f'{shape} z_order="0">{said}</{tag}>')
        lines.append("</track>")
    (root / "annotations.xml").write_text("\n".join([*lines, "</annotations>"]))
    return root


def test_key_frames_are_read_as_cvat_shows_them(tmp_path: Path) -> None:
    check([sparse(tmp_path / str(seed), seed) for seed in range(8)])


@pytest.mark.parametrize("video", ["false", "true"])
def test_names_longer_than_its_models_take(tmp_path: Path, video: str) -> None:
    put(tmp_path / "set", "images/a.png", (200, 100))
    lines = [f'<box label="{long}" source="manual" occluded="0" xtl="{k}" ytl="1" xbr="90" ybr="80" z_order="0">'
             f'<attribute name="{long}">{"v" * 5000}</attribute></box>' for k, long in enumerate(("c" * 64, "c" * 65, "c" * 66))]
    (tmp_path / "set/annotations.xml").write_text(
        f'<annotations><version>1.1</version><image id="0" name="a.png" width="200" height="100">{"".join(lines)}</image>'
        "</annotations>")
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "set"), "-o", str(out), "--to", "cvat", "--set", f"cvat.video={video}", "-q"]) == 0
    losses = json.loads((out / "conversion.json").read_text())["losses"]
    assert {what: n for what, n in losses.items() if "longer" in what} == {
        "class names longer than 64 characters (cut: CVAT takes none)": 2,
        "attribute names longer than 64 characters (cut: CVAT takes none)": 2,
        "attribute values longer than 4,096 characters (cut: CVAT takes none)": 3}
    check([out])
