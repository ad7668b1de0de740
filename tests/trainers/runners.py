"""Run one trainer's loading code over the cases; started by `record.py` in the trainers' environment.

Each function `run_NAME` returns a fate per case as plain JSON. A package's `__init__` is not run (it imports models):
only the modules of the loader are, as they stand, under empty parent packages.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import io
import itertools
import json
import re
import shutil
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases import outlined


class _Anything(types.ModuleType):
    """A module of which every name is a class that does nothing."""

    __path__: list[str] = []
    __version__ = "0.30.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {"__init__": lambda self, *a, **k: None, "__call__": lambda self, *a, **k: None,
                                "__class_getitem__": classmethod(lambda cls, _: cls)})
        setattr(self, name, value)
        return value


class _Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if any(name == n or name.startswith(n + ".") for n in self.names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        return _Anything(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def stubs(*names: str) -> None:
    """Make stubs of modules and all below them."""
    sys.meta_path.insert(0, _Stubs(names))


def packages(source: Path, *names: str) -> None:
    """Make packages whose `__init__` is not run, so that single modules below them can be imported."""
    sys.path.insert(0, str(source))
    for name in names:
        module = types.ModuleType(name)
        module.__path__ = [str(source / name.replace(".", "/"))]
        sys.modules[name] = module


@contextlib.contextmanager
def silent() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def number(value: Any) -> float | int | str:
    """Return a number with the shortest text that says it, in its own precision."""
    if isinstance(value, np.floating | float):
        value = float(str(value)) if isinstance(value, np.float32) else float(value)
        return str(value) if value != value or abs(value) == float("inf") else value
    return int(value)


def rows(array: Any) -> list[list[Any]]:
    return [[number(v) for v in row] for row in np.asarray(array)]


def error(e: BaseException) -> str:
    text = " ".join(str(e).split()).replace(sys.argv[5] + "/", "")
    return f"{type(e).__name__}: {text[:160]}"


# Ultralytics ------------------------------------------------------------------------------------------------------------

def run_ultralytics(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `verify_image_label` on every label file and every image file, and `YOLODataset` on small sets."""
    import torch

    stubs("torchvision", "polars", "thop", "cpuinfo")
    known = importlib.metadata.version
    importlib.metadata.version = lambda name: "0.30.0" if name == "torchvision" else known(name)
    packages(source, "ultralytics", "ultralytics.nn", "ultralytics.data")
    sys.modules["ultralytics"].__version__ = "8.3.0"
    sys.modules["ultralytics.nn.autobackend"] = _Anything("ultralytics.nn.autobackend")
    sys.modules["ultralytics.nn.autobackend"].check_class_names = lambda names: names
    sys.modules["ultralytics.nn"].autobackend = sys.modules["ultralytics.nn.autobackend"]
    with silent():
        utils = importlib.import_module("ultralytics.data.utils")
    takes = 8 if "single_cls" in utils.verify_image_label.__code__.co_varnames else 7
    label_folder = work / "labels"
    label_folder.mkdir()
    plain = work / "plain.jpg"
    plain.write_bytes(base64.b64decode(cases["images"]["plain.jpg"]))

    def judged(image: Path, label: Path, nc: int, points: Sequence[int] = (0, 0)) -> dict[str, Any]:
        arguments = (str(image), str(label), "", points != (0, 0), nc, *points, False)[:takes]
        with np.errstate(all="ignore"):
            _, lb, shape, segments, _, _, _, _, _, message = utils.verify_image_label(arguments)
        if lb is None:
            return {"left out": clean(message)}
        fate: dict[str, Any] = {"rows": rows(lb), "wh": [int(shape[1]), int(shape[0])]}
        if segments:
            fate["segments"] = len(segments)
        if "corrupt" in message:
            fate["rewritten"] = True
        return fate

    def clean(message: str) -> str:
        text = message.partition("ignoring corrupt image/label: ")[2].replace(str(work) + "/", "")
        return " ".join(text.split()).partition(" Supported formats")[0][:120]  # a set follows, in no order

    fates: dict[str, Any] = {}
    for case in cases["labels"]:
        label = label_folder / "case.txt"
        label.unlink(missing_ok=True)
        if case["label"] is not None:
            label.write_bytes(case["label"].encode("latin-1"))
        fates["label " + case["name"]] = judged(plain, label, case["nc"])
    for pair in cases.get("pairs", ()):
        fates[pair["name"]] = judged(Path(pair["image"]), Path(pair["label"]), pair["nc"], tuple(pair.get("points", (0, 0))))
    label = label_folder / "case.txt"
    label.write_text("0 0.5 0.5 0.2 0.2\n")
    for name, content in cases["images"].items():
        image, twin = work / name, work / "twin"
        twin.unlink(missing_ok=True)
        image.write_bytes(base64.b64decode(content))
        twin.hardlink_to(image)
        fate = judged(image, label, 2)
        if twin.read_bytes() != base64.b64decode(content):
            fate["through hard links"] = True
        fates["image " + name] = fate
    assert torch is not None
    return fates


# COCO loaders -----------------------------------------------------------------------------------------------------------

def _coco(document: Any, path: Path) -> Any:
    from pycocotools.coco import COCO

    path.write_text(json.dumps(document))
    with silent():
        return COCO(str(path))


def _each(cases: dict[str, Any], run: Callable[[Any], Any]) -> dict[str, Any]:
    """Run a loader over the documents; those of a whole set name the folder of their images."""
    fates = {}
    for case in cases["coco"]:
        _Picture.folder = Path(case["folder"]) if "folder" in case else None
        try:
            with silent():
                fates[case["name"]] = run(copy.deepcopy(case["document"]))
        except Exception as e:
            fates[case["name"]] = {"stops": error(e)}
    return fates


def run_yolox(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `COCODataset` up to its annotations."""
    packages(source, "yolox", "yolox.data", "yolox.data.datasets")
    dataloading = types.ModuleType("yolox.data.dataloading")
    dataloading.get_yolox_datadir = lambda: str(work)
    sys.modules["yolox.data.dataloading"] = dataloading
    coco = importlib.import_module("yolox.data.datasets.coco")
    (work / "annotations").mkdir()

    def run(document: Any) -> Any:
        (work / "annotations" / "case.json").write_text(json.dumps(document))
        images = document.get("images") or [{}]
        size = (images[0].get("height") or 48, images[0].get("width") or 64)
        dataset = coco.COCODataset(str(work), "case.json", "images", size)
        kept = []
        for k, (boxes, (height, width), _, name) in zip(dataset.ids, dataset.annotations, strict=True):
            r = min(size[0] / height, size[1] / width)
            boxes[:, :4] /= r
            kept.append([k, name, [[int(b[4]), *(number(v) for v in b[:4])] for b in boxes]])
        return {"images": kept, "classes": list(dataset._classes)}

    return _each(cases, run)


def run_mmdet(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `CocoDataset` with the `filter_cfg` of the base configuration, its classes those of the file."""
    stubs("mmcv", "terminaltables", "lvis", "panopticapi")
    packages(source, "mmdet", "mmdet.datasets", "mmdet.datasets.api_wrappers", "mmdet.structures", "mmdet.evaluation")
    wrapper = importlib.import_module("mmdet.datasets.api_wrappers.coco_api")
    sys.modules["mmdet.datasets.api_wrappers"].COCO = wrapper.COCO
    coco = importlib.import_module("mmdet.datasets.coco")

    def run(document: Any) -> Any:
        path = work / "case.json"
        path.write_text(json.dumps(document))
        names = tuple(c["name"] for c in document.get("categories", []))
        dataset = coco.CocoDataset(ann_file=str(path), data_prefix={"img": ""}, metainfo={"classes": names},
                                   filter_cfg={"filter_empty_gt": True, "min_size": 32}, pipeline=[], lazy_init=True,
                                   serialize_data=False)
        dataset.full_init()
        kept = [[info["img_id"], info["img_path"],
                 [[i["bbox_label"], *(number(v) for v in i["bbox"]), *(["ignore"] if i["ignore_flag"] else [])]
                  for i in info["instances"]]] for info in dataset.data_list]
        return {"images": kept}

    return _each(cases, run) | _mmdet_voc(cases, work)


def _mmdet_voc(cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `XMLDataset` with the `filter_cfg` of the base configuration, its classes a and b."""
    import cv2
    import mmcv

    mmcv.imfrombytes = lambda content, backend: cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    module = importlib.import_module("mmdet.datasets.xml_style")
    root = work / "voc"
    for folder in ("Annotations", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    (root / "train.txt").write_text("case\n")
    xml, image = root / "Annotations" / "case.xml", root / "JPEGImages" / "case.jpg"
    fates: dict[str, Any] = {}
    picture = base64.b64decode(cases["images"]["plain.jpg"])
    for case in cases.get("voc", ()):
        text = case["xml"]
        for path, content in ((xml, None if text is None else text.encode()), (image, picture if case["image"] else None)):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
        try:
            with silent():
                dataset = module.XMLDataset(
                    data_root=str(root), ann_file="train.txt", data_prefix={"sub_data_root": str(root)},
                    metainfo={"classes": ("a", "b")}, pipeline=[], lazy_init=True, serialize_data=False,
                    filter_cfg={"filter_empty_gt": True, "min_size": 32, "bbox_min_size": 32})
                dataset.full_init()
            found = [[i["bbox_label"], *i["bbox"], i["ignore_flag"]] for info in dataset.data_list for i in info["instances"]]
            fates["voc " + case["name"]] = {"rows": found} if dataset.data_list else {"left out": True}
        except Exception as e:
            fates["voc " + case["name"]] = {"stops": error(e)}
    for case in cases.get("voc_sets", ()):
        try:
            with silent():
                dataset = module.XMLDataset(
                    data_root=case["root"], ann_file="all.txt", data_prefix={"sub_data_root": case["root"]},
                    metainfo={"classes": tuple(case["classes"])}, pipeline=[], lazy_init=True, serialize_data=False,
                    filter_cfg={"filter_empty_gt": True, "min_size": 32, "bbox_min_size": 32})
                dataset.full_init()
            fates[case["name"]] = {"images": [
                [info["img_id"], info["img_path"], [[i["bbox_label"], *i["bbox"], *(["ignore"] if i["ignore_flag"] else [])]
                                                    for i in info["instances"]]] for info in dataset.data_list]}
        except Exception as e:
            fates[case["name"]] = {"stops": error(e)}
    return fates


def run_detectron2(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `load_coco_json`, the filter of empty images, and the mapper's steps on annotations, without augmentation."""
    packages(source, "detectron2", "detectron2.data", "detectron2.data.datasets", "detectron2.structures", "detectron2.utils")
    boxes = importlib.import_module("detectron2.structures.boxes")
    instances = importlib.import_module("detectron2.structures.instances")
    stub = _Anything("detectron2.structures")
    for module in (boxes, instances):
        for name in dir(module):
            if name[0].isupper():
                setattr(sys.modules["detectron2.structures"], name, getattr(module, name))
    for name in ("PolygonMasks", "RotatedBoxes", "BitMasks", "Keypoints", "polygons_to_bitmask"):
        setattr(sys.modules["detectron2.structures"], name, getattr(stub, name))
    sys.modules["detectron2.data.transforms"] = _Anything("detectron2.data.transforms")
    catalog = importlib.import_module("detectron2.data.catalog")
    data = sys.modules["detectron2.data"]
    data.DatasetCatalog, data.MetadataCatalog = catalog.DatasetCatalog, catalog.MetadataCatalog
    data.transforms = sys.modules["detectron2.data.transforms"]
    coco = importlib.import_module("detectron2.data.datasets.coco")
    utils = importlib.import_module("detectron2.data.detection_utils")
    build = (source / "detectron2/data/build.py").read_text()
    start = build.index("def filter_images_with_only_crowd_annotations")
    scope: dict[str, Any] = {"logging": importlib.import_module("logging"), "__name__": "build"}
    exec(build[start:build.index("\ndef ", start + 10)], scope)

    class Same:
        @staticmethod
        def apply_box(box: Any) -> Any:
            return box

    turn = 0

    def run(document: Any) -> Any:
        nonlocal turn
        turn += 1
        path = work / "case.json"
        path.write_text(json.dumps(document))
        dicts = coco.load_coco_json(str(path), "", f"case {turn}")
        dicts = scope["filter_images_with_only_crowd_annotations"](dicts)
        if not dicts:
            return {"images": [], "stops later": "AssertionError: no image is left"}
        kept = []
        for d in dicts:
            size = (d["height"], d["width"])
            annos = []
            for obj in d["annotations"]:
                if obj.get("iscrowd", 0) == 0:
                    obj.pop("segmentation", None)  # MASK_ON is False for a detector
                    obj.pop("keypoints", None)
                    annos.append(utils.transform_instance_annotations(obj, Same, size))
            made = utils.filter_empty_instances(utils.annotations_to_instances(annos, size))
            kept.append([d["image_id"], d["file_name"],
                         [[int(c), *(number(np.float32(v)) for v in b)] for c, b in
                          zip(made.gt_classes.tolist(), made.gt_boxes.tensor.numpy(), strict=True)]])
        return {"images": kept}

    return _each(cases, run)


def _tensors(target: Any, key: str = "labels") -> list[list[Any]]:
    return [[int(c), *(number(v) for v in b)] for c, b in
            zip(target[key].tolist(), target["boxes"].numpy(), strict=True)]


def run_torchvision(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run the references' `get_coco` on image files: the training split, so that the filter of empty images is in it."""
    stubs("transforms")  # augmentation; without any nothing of it is called
    sys.path.insert(0, str(source / "references" / "detection"))
    reference = importlib.import_module("coco_utils")
    reference.T.Compose = Chain
    (work / "train2017").mkdir()
    (work / "annotations").mkdir()
    for name in ("plain.jpg", "plain.png", "grey.png"):
        (work / "train2017" / name).write_bytes(base64.b64decode(cases["images"][name]))

    def run(document: Any) -> Any:
        (work / "annotations" / "instances_train2017.json").write_text(json.dumps(document))
        if _Picture.folder is not None:
            shutil.rmtree(work / "train2017") if not (work / "train2017").is_symlink() else (work / "train2017").unlink()
            (work / "train2017").symlink_to(_Picture.folder)
        dataset = reference.get_coco(str(work), "train", None)
        whole = dataset.dataset
        kept = []
        for place in dataset.indices:
            _, target = whole[place]
            name = whole.coco.loadImgs(whole.ids[place])[0]["file_name"]
            kept.append([int(target["image_id"]), name, _tensors(target)])
        return {"images": kept}

    complete = {"coco": [{"name": f"outlined {c['name']}", "document": outlined(c["document"])} for c in cases["coco"]]}
    return _each(cases, run) | _each(complete, run)


class Chain:
    """Transforms in a row, as the references chain them."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def __call__(self, image: Any, target: Any) -> Any:
        for step in self.steps:
            image, target = step(image, target)
        return image, target


class _Picture:
    """What the converters ask of an image: its size as stored; that of the drawn ones where no folder is named."""

    folder: Path | None = None

    def __init__(self, record: dict[str, Any]) -> None:
        from PIL import Image

        self.size = (64, 48)
        if self.folder is not None:
            with Image.open(self.folder / record["file_name"]) as image:
                self.size = image.size


def run_rtdetr(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `ConvertCocoPolysToMask` of RT-DETRv2 on what torchvision's `CocoDetection` hands it."""
    stubs("torchvision", "faster_coco_eval")
    root = source / "rtdetrv2_pytorch"
    packages(root, "src", "src.data", "src.data.dataset")
    sys.modules["src.data.dataset._dataset"] = _Anything("src.data.dataset._dataset")
    sys.modules["src.data._misc"] = _Anything("src.data._misc")
    core = types.ModuleType("src.core")
    core.register = lambda *a, **k: lambda cls: cls
    sys.modules["src.core"] = core

    class Base:
        pass

    import faster_coco_eval.utils.pytorch as base
    base.FasterCocoDetection = Base
    sys.modules["src.data.dataset._dataset"].DetDataset = type("DetDataset", (), {})
    module = importlib.import_module("src.data.dataset.coco_dataset")
    prepare = module.ConvertCocoPolysToMask(False)

    def run(document: Any) -> Any:
        coco = _coco(document, work / "case.json")
        kept = []
        for k in sorted(coco.imgs):
            record = coco.loadImgs(k)[0]
            name = record["file_name"]
            _, target = prepare(_Picture(record), {"image_id": k, "annotations": coco.loadAnns(coco.getAnnIds(k))})
            kept.append([k, name, _tensors(target)])
        return {"images": kept}

    return _each(cases, run)


def run_rfdetr(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run RF-DETR's `CocoDetection` mapping and `ConvertCoco`, and its reader of YOLO label files."""
    stubs("torchvision", "supervision", "albumentations", "kornia", "simplejpeg", "rfdetr.config", "rfdetr.datasets._aug_utils",
          "rfdetr.datasets._torchvision", "rfdetr.datasets.aug_configs", "rfdetr.datasets.kornia_transforms",
          "rfdetr.datasets.transforms", "rfdetr.utilities")
    packages(source, "rfdetr", "rfdetr.datasets")
    import torchvision.datasets

    class CocoDetection:
        """The base class as torchvision has it: the annotations and the sorted ids of the images."""

        def __init__(self, root: Any, annotations: Any) -> None:
            from pycocotools.coco import COCO

            self.root, self.coco = root, COCO(str(annotations))
            self.ids = sorted(self.coco.imgs.keys())

    torchvision.datasets.CocoDetection = CocoDetection
    logger = types.SimpleNamespace(info=lambda *a: None, warning=lambda *a: None, debug=lambda *a: None)
    import rfdetr.utilities.logger as log

    log.get_logger = lambda *a: logger
    coco = importlib.import_module("rfdetr.datasets.coco")

    def run(document: Any) -> Any:
        path = work / "case.json"
        path.write_text(json.dumps(document))
        dataset = coco.CocoDetection(work, path, None, remap_category_ids=True)
        kept = []
        for k in dataset.ids:
            record = dataset.coco.loadImgs(k)[0]
            name = record["file_name"]
            annotations = dataset.coco.loadAnns(dataset.coco.getAnnIds(k))
            _, target = dataset.prepare(_Picture(record), {"image_id": k, "annotations": annotations})
            kept.append([k, name, _tensors(target)])
        return {"images": kept}

    fates = _each(cases, run)
    try:
        fates |= _rfdetr_yolo(cases, work)
    except ImportError as e:
        print(f"rfdetr.datasets.yolo cannot be run here: {e}", file=sys.stderr)
    return fates


def _rfdetr_yolo(cases: dict[str, Any], work: Path) -> dict[str, Any]:
    import torch
    import torchvision.datasets

    torchvision.datasets.VisionDataset = type("VisionDataset", (), {})
    yolo = importlib.import_module("rfdetr.datasets.yolo")
    convert = yolo.ConvertYolo()
    folder = work / "yolo"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "images" / "case.png").write_bytes(base64.b64decode(cases["images"]["plain.png"]))
    yolo._extract_yolo_class_names = lambda path: [f"class {k}" for k in range(nc)]
    yolo._list_yolo_image_paths = lambda path: [str(folder / "images" / "case.png")]
    fates: dict[str, Any] = {}

    class Detections:
        def __init__(self) -> None:
            self.xyxy, self.class_id = found.xyxy.copy(), found.class_id

        def __len__(self) -> int:
            return len(self.xyxy)

    for case in cases["labels"]:
        nc = case["nc"]
        label = folder / "labels" / "case.txt"
        label.unlink(missing_ok=True)
        if case["label"] is not None:
            label.write_bytes(case["label"].encode("latin-1"))
        try:
            with np.errstate(all="ignore"):
                _, samples = yolo._build_yolo_samples(str(folder / "images"), str(folder / "labels"), "", include_polygons=False)
            found = samples[0]
            _, target = convert(_Picture({}), {"image_id": 0, "detections": Detections()})
            fates["label " + case["name"]] = {"rows": _tensors(target)}
        except Exception as e:
            fates["label " + case["name"]] = {"stops": error(e)}
    for pair in cases.get("pairs", ()):
        nc, at = pair["nc"], pair["image"]
        yolo._list_yolo_image_paths = lambda path, at=at: [at]
        try:
            _, samples = yolo._build_yolo_samples(str(Path(at).parent), str(Path(pair["label"]).parent), "", include_polygons=False)
            found = samples[0]
            _Picture.folder = Path(at).parent
            _, target = convert(_Picture({"file_name": Path(at).name}), {"image_id": 0, "detections": Detections()})
            fates[pair["name"]] = {"rows": _tensors(target)}
        except Exception as e:
            fates[pair["name"]] = {"stops": error(e)}
    assert torch is not None
    return fates


NUMBERS = [list(kinds) for kinds in itertools.product((int, float), repeat=4)]


def run_cocoeval(source: Path, cases: dict[str, Any], work: Path) -> dict[str, Any]:
    """Run `COCOeval` with every box of an image in the file as a prediction: which are ignored, and which are matched."""
    from pycocotools.cocoeval import COCOeval

    def run(document: Any) -> Any:
        truth = _coco(document, work / "case.json")
        found = [{"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.9}
                 for a in truth.dataset["annotations"]
                 if a["image_id"] in truth.imgs and isinstance(a.get("bbox"), list) and list(map(type, a["bbox"])) in NUMBERS]
        if found:
            predictions = truth.loadRes(found)
        else:
            predictions = type(truth)()
            predictions.dataset = {**truth.dataset, "annotations": []}
            with silent():
                predictions.createIndex()
        judge = COCOeval(truth, predictions, "bbox")
        judge.evaluate()
        fates: dict[str, str] = {}
        for part in judge.evalImgs:
            if part is None or part["aRng"] != [0, 1e10]:
                continue
            for place, k in enumerate(part["gtIds"]):
                ignored = bool(part["gtIgnore"][place])
                fates[str(k)] = "ignored" if ignored else "matched" if part["gtMatches"][0][place] else "unmatched"
        return {"images": sorted(map(int, judge.params.imgIds)), "truth": fates}

    return _each(cases, run)


def main() -> None:
    name, source, cases, out, work = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    Path(work).mkdir(parents=True)
    document = json.loads(Path(cases).read_text())
    fates = globals()[f"run_{re.sub('[^a-z0-9]', '', name)}"](Path(source), document, Path(work))
    Path(out).write_text(json.dumps(fates))


if __name__ == "__main__":
    main()
