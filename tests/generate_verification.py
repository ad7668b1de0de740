"""Write docs/verification.md: recall and false alarms per check, from planting every fault in clean sets."""

from __future__ import annotations

from pathlib import Path

from mutate import table

TEXT = """# Verification

Each fault is planted in drawn, fault-free sets, in every format that can express it, and the whole tool is run on the
result. *Recall* is the share of planted faults that were found; a *false alarm* is any other finding at warning or above,
unless the fault truly brings it about. `python tests/generate_verification.py` makes this page again; the tests run the same
mutations one by one.

COCO, VOC and YOLO sets are drawn with three seeds; other formats have one set each, drawn (those that are only read), converted
from a COCO or VOC set with the fault, or spoiled in its files. A format is not in a row where it cannot say the fault: WIDER FACE
has one class; Labelbox, OpenLABEL and VoTT have no splits; the classes of VisDrone are numbers; DOTA, KITTI, CreateML, Open Images,
TFRecord, VIA, VisDrone, WIDER FACE, OpenLABEL and CrowdHuman declare no sizes of images, and Label Studio's and BDD100K's need not
be those of the files; boxes of Open Images and TFRecord are fractions, which are as right in a turned frame (CNV005); DOTA and
KITTI name no image that is not there; LabelMe and MOT need no record for an image (SRC002); CSV with a byte order mark is what
programs write (SRC007); MOT names frames by their numbers, and not by a video (BOX013, SPL003, SPL007); an object of a mask has
an area, lies in its image and shares no pixel with another one, so VOC masks have no faults of such boxes; and rows of one
format (REC, SRC, CNV) are faults of what only that format writes.

Tracks (VID) are read from MOT, VisDrone's sequences, BDD100K, CVAT for video and OpenLABEL, in which an object has one class for
all frames (VID001); a track of CVAT has one label, so that a change of class is two tracks of one number. Rotated boxes (OBB001)
are free corners in DOTA, YOLO and LabelMe; in CVAT, Label Studio, Datumaro, Supervisely and OpenLABEL they are a box and an angle,
always a rectangle, so that only a corner beyond the image can be planted. Keypoints (KPT001) are read from COCO, YOLO and CVAT;
other formats' points are left out and counted.

"""

MEASURED_APART = "\n## Mutants"
"""Where the sections begin that other programs measure, each named there; they are kept as they stand."""

if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "docs" / "verification.md"
    _, mark, rest = path.read_text(encoding="utf-8").partition(MEASURED_APART)
    path.write_text(TEXT + table() + mark + rest, encoding="utf-8")
    print(path.read_text(encoding="utf-8"))
