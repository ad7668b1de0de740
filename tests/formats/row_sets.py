"""Small sets of the formats whose rows, cells and lists can be edited."""

from __future__ import annotations

import json

from formats.reading import JPEG
from formats.test_record_formats import HEADER, tf_example

from dsinspect_formats.tfrecord._records import framed

KITTI = ("Car 0.50 1 -1.5 10 20.0 30.5 40 1.5 1.6 3.7 1 2 3 0.1\r\n\r\nVan  0 0 0 1 2 3 4 1 1 1 1 1 1 1 0.9\r\nbroken\r\n"
         "Car 0 0 0 5 5 9 9 1 1 1 1 1 1 1")
DOTA = "gsd:0.15\n0 0 4.0 0 4 2 0 2 plane 0\n10 5 15 10 10 15 5 10 ship\n"
MOT = "1,3,11,21.0,30,40,1,1,0.5\n2, 3, 1, 1, 5, 5, 1, 2, 1\n2,4,1,1,5,5\n"
RECORDS = (
    {"file_name": "a.jpg", "width": 640, "objects": {
        "bbox": [[1.0, 2, 3, 4], [5, 6, 7, 8.50]], "category": ["cat", "dog"], "id": [7, 8]}},
    {"file_name": "b.jpg", "objects": [
        {"bbox": [1, 2, 3, 4], "category": "cat", "note": "é"}, {"bbox": [1, 2, 3, 4], "category": "dog"}]},
    {"file_name": "c.jpg", "objects": {"bbox": [], "category": []}})
SETS = {
    "kitti": {"label_2/a.txt": KITTI, "label_2/b.txt": KITTI, "image_2/a.png": "", "image_2/b.png": ""},
    "dota": {"labelTxt/a.txt": DOTA, "labelTxt/b.txt": DOTA, "images/a.png": "", "images/b.png": ""},
    "mot": {"A/gt/gt.txt": MOT, "A/gt/labels.txt": "car\nbus\n", "A/img1/000001.jpg": "", "A/img1/000002.jpg": ""},
    "openimages": {"train-annotations-bbox.csv": HEADER + 'a,x,/m/1,1,0.10,0.5,0.2,0.75,0,0,0,0,0\n'
                   'a,x,/m/2,1,0.25,1,0,0.5,1,0,1,0,0\nb,,/m/1,,"0,125","0,5",0,1,,,,,\n',
                   "train-images-boxable-with-rotation.csv": "ImageID,Subset,OriginalURL\na,train,\nb,train,\n",
                   "class-descriptions.csv": "/m/1,Cat\n/m/2,Dog\n", "a.jpg": "", "b.jpg": ""},
    "huggingface": {"train/metadata.jsonl": "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in RECORDS),
                    **{f"train/{n}.jpg": "" for n in "abc"}},
    "tfrecord": {"train.tfrecord": b"".join(framed(tf_example(f"{n}.jpg", k, JPEG))
                                            for n, k in (("a", [1, 2]), ("b", []), ("c", [2, 1]))),
                 "label_map.pbtxt": "item { id: 1 name: 'cat' }\nitem { name: \"dog\" id: 2 }\n"},
}
