"""What the heads of files of formats look like that dsinspect does not read.

A format whose name is read by another plugin is left out by the loader: then this list is silent about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from dsinspect.errors import UserError
from dsinspect.protocols.formats import Detection, Format, OpenRequest, Source
from dsinspect_formats._sniffing import head, names_in, place_of, sample

LOOKED_AT = 8
"""Files of each suffix."""


class Look(msgspec.Struct, frozen=True):
    """How a format is recognised.

    Attributes:
        name: of a plugin that reads it, if one day there is one.
        title: how it is called in messages.
        suffixes: of its files, in lower case.
        head: pattern of what the head of one of them holds; None when the suffix says enough.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    head: bytes | None


def _all_of(*words: str) -> bytes:
    return "".join(f"(?=.*(?:{w}))" for w in words).encode()


LOOKS = (
    Look("coco-panoptic", "COCO panoptic segmentation", (".json",), _all_of('"segments_info"')),
    Look("keypoint-lists", "JSON of keypoints or joints that is no COCO", (".json",),
         _all_of('"keypoints"|"joints"|"landmarks"|"joint_self"')),
    Look("coco-captions", "COCO captions", (".json",), _all_of('"caption"', '"image_id"')),
    Look("cvat", "CVAT XML 1.1", (".xml",), _all_of("<annotations>", "<meta>")),
    Look("labelme-xml", "the XML of LabelMe's web tool", (".xml",), _all_of("<annotation>", "<object>", "<polygon>")),
    Look("kitti-tracklets", "KITTI raw tracklets", (".xml",), _all_of("<boost_serialization", "<tracklets")),
    Look("labelme", "LabelMe JSON", (".json",), _all_of('"shapes"', '"imagePath"')),
    Look("label-studio", "Label Studio JSON", (".json",), _all_of('"rectanglelabels"|"polygonlabels"|"from_name"')),
    Look("via", "VGG Image Annotator JSON", (".json",), _all_of('"shape_attributes"|"_via_')),
    Look("vott", "VoTT JSON", (".json", ".vott"), _all_of('"asset"|"visitedFrames"', '"regions"')),
    Look("createml", "CreateML JSON", (".json",), _all_of('"coordinates"', '"label"', '"image"')),
    Look("datumaro", "Datumaro JSON", (".json",), _all_of('"items"', '"dm_format_version"|"media_type"|"label_id"')),
    Look("supervisely-video", "Supervisely JSON for video", (".json",), _all_of('"frames"', '"figures"|"framesCount"')),
    Look("supervisely", "Supervisely JSON", (".json",), _all_of('"classTitle"', '"points"')),
    Look("openlabel", "ASAM OpenLABEL JSON", (".json",), _all_of('"openlabel"')),
    Look("bdd100k", "BDD100K (Scalabel) JSON", (".json",), _all_of('"box2d"')),
    Look("cityscapes", "Cityscapes polygons", (".json",), _all_of('"imgHeight"', '"polygon"')),
    Look("labelbox", "Labelbox export", (".json", ".ndjson"), _all_of('"data_row"|"Labeled Data"')),
    Look("sagemaker", "SageMaker Ground Truth manifest", (".manifest", ".jsonl"), _all_of('"source-ref"')),
    Look("automl", "Google Vertex AI import file", (".jsonl",), _all_of('"imageGcsUri"')),
    Look("darwin", "V7 Darwin JSON", (".json",), _all_of('"annotations"', '"slots"|"bounding_box"')),
    Look("nuimages", "nuImages tables", (".json",), _all_of('"category_token"|"sample_data_token"')),
    Look("tfrecord", "TFRecord", (".tfrecord", ".tfrecords", ".record"), None),
    Look("odgt", "CrowdHuman odgt", (".odgt",), None),
    Look("parquet", "a parquet table", (".parquet",), None),
)


class Unread(Format):
    """A format that is recognised and not read."""

    name = "unread"
    readable = False
    look = LOOKS[0]

    def detect(self, root: Path) -> Detection | None:
        """Look at the heads of some files."""
        for name in sample(names_in(root, *self.look.suffixes), LOOKED_AT):
            if self.look.head is None or re.match(self.look.head, head(place_of(root, name)), re.DOTALL):
                return Detection(0.5, f"{self.look.title} ({name})")
        return None

    def open(self, request: OpenRequest) -> Source:
        """Refuse."""
        raise UserError(f"{request.root}: {self.look.title} is not read")


def classes() -> Iterable[type[Format]]:
    """Return a class for each look."""
    return [type(f"Unread{k}", (Unread,), {"name": f"unread-{look.name}", "look": look, "__doc__": look.title})
            for k, look in enumerate(LOOKS)]
