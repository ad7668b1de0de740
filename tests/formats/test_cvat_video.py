"""CVAT XML for video is written with tracks that are read back equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from convert.sets import put

from dsinspect.cli import main
from dsinspect.inspection.opening import open_dataset
from dsinspect.inspection.request import DatasetRequest
from dsinspect.loader import load_plugins

PLUGINS = load_plugins()
ROWS = ((1, 7, 10, 10, 20, 30), (2, 7, 12, 10, 20, 30), (4, 7, 16, 10, 20, 30), (1, 9, 50, 40, 5.5, 6), (5, 9, 51, 40, 5.5, 6),
        (2, 3, 1, 1, 9, 9), (2, 3, 2, 2, 9, 9), (3, -1, 60, 60, 9, 9))
"""Frame, track, x, y, width, height: a gap of one frame and of three, a track twice in a frame, and a box of no track."""


def mot(root: Path) -> Path:
    for frame in range(1, 6):
        put(root, f"one/img1/{frame:06}.png")
    text = "".join(f"{f},{t},{x + 1},{y + 1},{w},{h},1,1,1\n" for f, t, x, y, w, h in ROWS)
    (root / "one/gt").mkdir(parents=True)
    (root / "one/gt/gt.txt").write_text(text)
    (root / "one/gt/labels.txt").write_text("cat\n")
    return root


def seen(root: Path, name: str) -> tuple[list[tuple[Any, ...]], bool]:
    """Return frame from 0, track, class and box of each object, and whether all images are there."""
    source = open_dataset(DatasetRequest(str(root), root, format=name), PLUGINS, frozenset(("track",)))
    shard = next(iter(source.shards(100))).load()
    a = shard.annotations
    stems = [p.rpartition("/")[2].partition(".")[0] for p in shard.images["path"]]
    first = 1 if name == "mot" else 0
    frames = [int(s.rpartition("_")[2]) - first for s in stems]
    rows = [(frames[r], t, c, *box) for r, t, c, *box in a[[
        "image_row", "track", "category", "x_min", "y_min", "x_max", "y_max"]].itertuples(index=False, name=None)]
    return sorted(rows, key=lambda r: (r[0], *r[3:])), bool(shard.images["file"].notna().all()) and len(stems) == 5


def test_tracks_are_read_back(tmp_path: Path) -> None:
    source = mot(tmp_path / "mot")
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "cvat", "--set", "cvat.video=true", "-q"]) == 0
    (before, _), (after, is_whole) = seen(source, "mot"), seen(tmp_path / "out", "cvat")
    assert is_whole
    assert [r[:1] + r[2:] for r in before] == [r[:1] + r[2:] for r in after]
    assert [r[1] for r in after] == ["10" if r[1] is None else r[1] for r in before]
    losses = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    assert losses["annotations of no track (each becomes one of its own)"] == 1
    assert losses["names of images (a video has frames)"] == 5
    assert not [what for what in losses if what.startswith("track ids")]


def test_without_the_option_tracks_are_a_named_loss(tmp_path: Path) -> None:
    source = mot(tmp_path / "mot")
    assert main(["convert", str(source), "-o", str(tmp_path / "out"), "--to", "cvat", "-q"]) == 0
    losses = json.loads((tmp_path / "out/conversion.json").read_text())["losses"]
    assert [n for what, n in losses.items() if what.startswith("track ids")] == [7]


def test_a_track_for_each_of_the_others(tmp_path: Path) -> None:
    from dsinspect.testing.rich_set import write_rich_set
    from dsinspect_formats.cvat.format import Cvat, WriterOptions

    class Video(Cvat):
        writer_options_type = lambda: WriterOptions(video=True)  # type: ignore[assignment]  # noqa: E731

    losses = write_rich_set(Video, tmp_path)
    assert losses["annotations of no track (each becomes one of its own)"] == 6
    text = (tmp_path / "annotations.xml").read_text()
    assert '<track id="7" label="dog"' in text
    assert text.count("<track ") == text.count('source="manual"') == 7
    assert 'outside="1"' in text


def test_hostile_names_of_images_and_classes(tmp_path: Path) -> None:
    names = ["a<b>&\"'.png", " d.png", "e\u2028f.png", "g\x1b[31m.png", "h\ni.png", "]]>.png", "b\\c.png", "ü.png"]
    for name in names:
        put(tmp_path, f"set/images/{name}")
    (tmp_path / "set/a.json").write_text(json.dumps({
        "images": [{"id": k, "file_name": n, "width": 90, "height": 80} for k, n in enumerate(names, 1)],
        "annotations": [{"id": k, "image_id": k, "category_id": 1, "bbox": [k, 2, 20, 20]} for k in range(1, len(names) + 1)],
        "categories": [{"id": 1, "name": "cat<&\"]]>"}]}))
    out = tmp_path / "out"
    assert main(["convert", str(tmp_path / "set"), "-o", str(out), "--to", "cvat", "--set", "cvat.video=true", "-q"]) == 0
    rows, _ = seen(out, "cvat")
    assert [(frame, name, x) for frame, _, name, x, *_ in rows] == [(k, "cat<&\"]]>", k + 1) for k in range(len(names))]
    assert sorted(p.name for p in (out / "images").iterdir()) == [f"frame_{k:06}.png" for k in range(len(names))]
    assert json.loads((out / "conversion.json").read_text())["losses"]["names of images (a video has frames)"] == len(names)


def cvat_video(root: Path, tracks: str, frames: int = 4) -> Path:
    for frame in range(frames):
        put(root, f"images/frame_{frame:06}.png")
    (root / "annotations.xml").write_text(
        f"<annotations><meta><task><id>1</id><size>{frames}</size><mode>interpolation</mode><start_frame>0</start_frame>"
        f"<stop_frame>{frames - 1}</stop_frame></task></meta>{tracks}</annotations>")
    return root


def box(frame: int, x: int = 10, inner: str = "", tag: str = "box") -> str:
    drawn = f'xtl="{x}" ytl="5" xbr="{x + 20}" ybr="30"' if tag == "box" else f'points="{x},5;{x + 20},8;{x + 9},30"'
    return f'<{tag} frame="{frame}" keyframe="1" outside="0" occluded="0" {drawn}>{inner}</{tag}>'


def test_the_last_key_frame_is_seen_to_the_end(tmp_path: Path) -> None:
    """CVAT shows an object until a key frame says that it is outside."""
    rows, _ = seen(cvat_video(tmp_path, f'<track id="0" label="cat">{box(1)}</track>'), "cvat")
    assert [r[0] for r in rows] == [1, 2, 3]


def test_groups_of_points_stay_between_key_frames(tmp_path: Path) -> None:
    """CVAT moves a single point, and no group of them."""
    moved = box(0, tag="points") + box(3, 40, tag="points")
    rows, _ = seen(cvat_video(tmp_path, f'<track id="0" label="cat">{moved}</track>'), "cvat")
    assert [r[3] for r in rows] == [10, 10, 10, 40]


SQUARE = (0, 0, 10, 0, 10, 10, 0, 10)
EIGHT = (20, 0, 25, 0, 30, 0, 30, 5, 30, 10, 25, 10, 20, 10, 20, 5)
"""The square 20 px further to the right, with a point in the middle of each side."""


def polygons(root: Path, *shapes: tuple[int, tuple[int, ...]]) -> list[list[float]]:
    """Return the polygon of each frame."""
    drawn = "".join(f'<polygon frame="{frame}" keyframe="1" outside="0" occluded="0" points="'
                    + ";".join(f"{x},{y}" for x, y in zip(flat[::2], flat[1::2], strict=True)) + '"/>' for frame, flat in shapes)
    cvat_video(root, f'<track id="0" label="cat">{drawn}</track>', shapes[-1][0] + 1)
    source = open_dataset(DatasetRequest(str(root), root, format="cvat"), PLUGINS, frozenset(("segmentation",)))
    return [json.loads(s)[0] for s in next(iter(source.shards(99))).load().annotations["segmentation"]]


def test_polygons_move_along_their_outlines(tmp_path: Path) -> None:
    """Each corner of the square becomes two points: they part from each other once they are 5 / (2 * 2) px apart."""
    between = polygons(tmp_path / "4", (0, SQUARE), (4, EIGHT))
    assert between[0] == list(SQUARE)
    assert between[1] == [5, 0, 6.25, 0, 15, 0, 15, 1.25, 15, 10, 13.75, 10, 5, 10, 5, 8.75]
    assert between[2] == [10, 0, 12.5, 0, 20, 0, 20, 2.5, 20, 10, 17.5, 10, 10, 10, 10, 7.5]
    assert between[4] == list(EIGHT)
    assert polygons(tmp_path / "5", (0, SQUARE), (5, EIGHT))[1] == [4.5, 0, 14, 0.5, 13.5, 10, 4, 9.5]


def test_polygons_lose_points_along_their_outlines(tmp_path: Path) -> None:
    between = polygons(tmp_path / "5", (0, EIGHT), (5, SQUARE))
    assert between[1] == [16, 0, 20, 0, 26, 0, 26, 4, 26, 10, 22, 10, 16, 10, 16, 6]
    assert between[4] == [4.5, 0, 14, 0.5, 13.5, 10, 4, 9.5]


def test_polygons_of_one_place_or_of_no_place(tmp_path: Path) -> None:
    between = polygons(tmp_path / "one", (0, (5, 5) * 3), (2, SQUARE))[1]
    assert between == [2.5, 2.5, 7.5, 2.5, 7.5, 7.5, 2.5, 7.5, *(2.5, 2.5) * 3]
    track = (box(0, tag="polygon") + box(2, tag="polygon")).replace('"10,5;', '"inf,1e300;')
    rows, _ = seen(cvat_video(tmp_path / "none", f'<track id="0" label="cat">{track}</track>', 3), "cvat")
    assert [r[0] for r in rows] == [0, 1, 2]


def test_an_attribute_that_a_key_frame_does_not_say_is_as_before(tmp_path: Path) -> None:
    said = '<attribute name="colour">red</attribute>'
    root = cvat_video(tmp_path, f'<track id="0" label="cat">{box(0, inner=said)}{box(2)}</track>')
    source = open_dataset(DatasetRequest(str(root), root, format="cvat"), PLUGINS, frozenset(("attributes",)))
    assert next(iter(source.shards(9))).load().annotations["attributes"].tolist() == [b'{"colour":"red"}'] * 4


def test_what_a_track_of_cvat_cannot_hold(tmp_path: Path) -> None:
    """Its import ends at another kind of shape and repeats attributes: a track each, and both are named."""
    from dsinspect.testing.rich_set import rich_set
    from dsinspect_formats.cvat.format import Cvat, WriterOptions

    writer = Cvat()
    writer.options = WriterOptions(video=True)
    names = ("a.bmp", "b.bmp", "c.bmp", "d.bmp")
    info, shard = rich_set({n: writer.place(n, None) for n in names}, tmp_path)
    shard.annotations["track"] = ["7", "8", "7", "5", "9", "9", "8"]
    shard.annotations["category"] = ["cat", "dog", "cat", "", "dog", "dog", "dog"]
    losses = writer.write(info, iter([shard]), tmp_path)
    assert losses["annotations of another class or kind of shape than their track's (CVAT starts another track)"] == 2
    assert losses["annotations without an attribute that their track had before (CVAT repeats it)"] == 1
    assert losses["class names that are empty (written as unnamed)"] == 1
    assert losses["masks"] == 1
    text = (tmp_path / "annotations.xml").read_text()
    assert [text.count(f'<track id="{k}"') for k in (5, 7, 8, 9)] == [1, 2, 2, 1]
    assert [text.count(t) for t in ('label="unnamed"', 'label=""', "<mask", "<mutable>False")] == [1, 0, 0, 0]
