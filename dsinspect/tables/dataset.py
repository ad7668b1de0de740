"""A dataset as its reader knows it: categories, problems, and the tables of a shard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dsinspect.tables.columns import Columns
from dsinspect.tables.schema import Problem, problem_columns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Category:
    """A declared category.

    Attributes:
        category_id: as declared.
        name: as declared.
        supercategory: the name of the group it belongs to, or nothing.
        keypoints: names of its keypoints, in their order.
    """

    category_id: int
    name: str
    supercategory: str = ""
    keypoints: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset once it is opened, before its records are read.

    Attributes:
        format: name of the format.
        root: folder that relative paths start from.
        categories: declared categories in the order of declaration; empty when the format declares none.
        split_categories: declared categories by split, where every split declares its own.
        splits: names of the splits in the order found; empty when there are none.
        box_units: `px`, or `fraction` when boxes are fractions of the image as displayed (EXIF applied).
        problems: faults of the set as a whole (layout, class list, configuration).
        columns: names of the optional and format-specific columns that can be asked for (`segmentation`, `voc:pose`).
        notes: readings the user should know of (which convention was assumed, what was left out).
        has_files: True when at least one image of the set is on disk.
        beyond: what the files hold that no table has (`info`, unknown keys), in words, and how many; counted where the
            column `FORMAT:beyond` was asked for, by formats that have it.
        config: the file that names classes and splits, relative to the root; None where the format has none.
        named_splits: the splits as that file spells them, and whether what they name is on disk (or to be downloaded), taken as
            it stands: a reader may find more than that.
        config_base: the folder that its places are relative to, as it is written there; None where it names none.
        boxes_in_doubt: whether records could as well be read otherwise (YOLO rows of points): no fix of a box is safe then.
        only_left_out: images of which every shape was left out by the reader, for it bounds no area: they are no background.
        flip_pairs: for each keypoint which one takes its place in a mirrored image, as declared; empty where nothing says it.
        class_count: number of classes that file declares beside their names, as it is written there; None where it does not.
    """

    format: str
    root: Path
    categories: tuple[Category, ...] = ()
    split_categories: Mapping[str, tuple[Category, ...]] = field(default_factory=dict)
    splits: tuple[str, ...] = ()
    box_units: Literal["px", "fraction"] = "px"
    problems: tuple[Problem, ...] = ()
    columns: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    has_files: bool = True
    beyond: Mapping[str, int] = field(default_factory=dict)
    config: str | None = None
    named_splits: Mapping[str, bool] = field(default_factory=dict)
    class_count: str | None = None
    config_base: str | None = None
    boxes_in_doubt: bool = False
    only_left_out: frozenset[str] = frozenset()
    flip_pairs: tuple[int, ...] = ()


class Tables:
    """Images, their annotations, and the problems met while reading them; never change them.

    Attributes:
        image_columns: of the images (`IMAGE_COLUMNS`).
        annotation_columns: of their annotations (`ANNOTATION_COLUMNS`).
        problem_columns: of the problems (`PROBLEM_COLUMNS`).
    """

    def __init__(self, images: Columns | pd.DataFrame, annotations: Columns | pd.DataFrame,
                 problems: Columns | pd.DataFrame | None = None) -> None:
        """Take tables as columns or as frames."""
        self.image_columns = Columns.of(images)
        self.annotation_columns = Columns.of(annotations)
        self.problem_columns = problem_columns() if problems is None else Columns.of(problems)

    @property
    def images(self) -> pd.DataFrame:
        """The images as a pandas frame with a plain RangeIndex."""
        return self.image_columns.frame

    @property
    def annotations(self) -> pd.DataFrame:
        """The annotations as a pandas frame with a plain RangeIndex."""
        return self.annotation_columns.frame

    @property
    def problems(self) -> pd.DataFrame:
        """The problems as a pandas frame with a plain RangeIndex."""
        return self.problem_columns.frame


class Shard(Tables):
    """A part of a dataset: whole images with all their annotations."""

    def replace(self, images: Columns | pd.DataFrame | None = None, annotations: Columns | pd.DataFrame | None = None,
                problems: Columns | pd.DataFrame | None = None) -> Shard:
        """Return a copy with some tables replaced."""
        return Shard(self.image_columns if images is None else images,
                     self.annotation_columns if annotations is None else annotations,
                     self.problem_columns if problems is None else problems)
