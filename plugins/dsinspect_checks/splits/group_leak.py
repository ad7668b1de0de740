"""SPL003 group-leak: one source in two splits.

Reports sources that have images in more than one split: the image behind Roboflow's augmented copies (`name.rf.<hash>`), a
video whose frames are numbered (the name must say so: `clip_mp4-12`, `video3_frame_0007`, `clip_t00570`, `clip.mp4#t=892`), a
large image cut into tiles (`scene_x1024_y0`), copies of one image in several scales (`IMG_0758_scaled_0`), and images of one
camera in one minute, by EXIF. One file that several splits list is no group: that is SPL001.

Why it matters: neighbouring frames and tiles are nearly the same image: in one published case a mean average precision of 1.0
on the split fell to 48 % on new data.

Example: sharks_mp4-14 in val, sharks_mp4-15 in train.

When to ignore: when the numbers do not mean one video.

Source of the default: there is no limit; users met it in geti#7621.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import numpy as np

from dsinspect.protocols.batch import Batch
from dsinspect.protocols.checks import BaseOptions, Check, Findings, Result, Severity
from dsinspect.tables.columns import is_given, objects
from dsinspect.tables.dataset import DatasetInfo
from dsinspect_checks._content import some
from dsinspect_checks._sources import sources_of

State = tuple[tuple[str, str, str, str], ...]
"""Kind and name of the source, path and split of each image that has one."""


def _is_spread(group: list[tuple[str, str]]) -> bool:
    """Say whether images (path and split) lie in several splits, and not only because several splits list the same files."""
    splits: dict[str, set[str]] = {}
    for path, split in group:
        splits.setdefault(split, set()).add(path.rpartition("/")[2])
    return any(a != b for a, b in combinations(splits.values(), 2))


class GroupLeak(Check[State, BaseOptions]):
    """Sources with images in more than one split."""

    code = "SPL003"
    name = "group-leak"
    severity = Severity.WARNING
    wants = ("camera", "taken")

    def map(self, batch: Batch) -> State:
        """Keep the source of every image that has one."""
        images = batch.image_columns
        if not is_given(images["split"]).any():
            return ()
        paths, splits = images["path"].tolist(), images["split"].tolist()
        sources = batch.once(sources_of)
        rows = [(kind, key, path, split) for kind, key, path, split in zip(
            sources.kind.tolist(), sources.key.tolist(), paths, splits, strict=True) if kind is not None and split is not None]
        if "camera" in images and "taken" in images:
            known = is_given(images["camera"]) & is_given(images["taken"]) & is_given(images["split"])
            for k in np.flatnonzero(known).tolist():
                taken = str(images["taken"][k])
                if re.match(r"\d{4}:\d\d:\d\d \d\d:\d\d", taken) and not taken.startswith("0000"):
                    rows.append((f"camera {images['camera'][k]} at", taken[:16], paths[k], splits[k]))
        return tuple(rows)

    def merge(self, a: State, b: State) -> State:
        """Chain them."""
        return a + b

    def finish(self, state: State, dataset: DatasetInfo) -> Result:
        """Report one finding per source that lies in several splits."""
        if not state:
            return Result()
        images: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for kind, key, path, split in sorted(state, key=lambda row: row[:3]):
            images.setdefault((kind, key), []).append((path, split))
        groups = [(k, g) for k, g in images.items() if _is_spread(g)]
        shares = [", ".join(f"{n} in {s}" for s, n in sorted(Counter(s for _, s in g).items())) for _, g in groups]
        names = [f"{kind} {key}" for (kind, key), _ in groups]
        members = objects([tuple(dict.fromkeys(p for p, _ in g)) for _, g in groups])
        return Result(Findings.of_subjects(
            names, "{source} {are} in several splits ({shares}), such as {files}",
            {"source": names, "are": ["are" if kind.endswith("copies of") else "is" for (kind, _), _ in groups],
             "shares": shares, "count": [len(g) for _, g in groups], "members": members,
             "files": [some([f"{p} ({s})" for p, s in g], 3) for _, g in groups]},
            image=[g[0][0] for _, g in groups], split=[g[0][1] for _, g in groups]),
            {"groups": len(groups)})
