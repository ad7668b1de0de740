"""A plugin that raises or breaks its protocol costs its own part only, and is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"

REPORT = '''
from dsinspect import hookimpl
from dsinspect.protocols.reports import Report


class Broken(Report):
    """Raises."""
    name, suffix = "broken", ".brk"

    def text(self, run):
        raise ZeroDivisionError("on purpose")


@hookimpl
def dsinspect_reports():
    return [Broken]
'''
TRANSFORM = '''
from dsinspect import hookimpl
from dsinspect.geometry.affine import identity
from dsinspect.protocols.transforms import Params, Transform


class Wrong(Transform[Params]):
    """Plans one size and makes another, or raises."""
    name = "wrong"

    def plan(self, image):
        return [Params(width=image.width, height=image.height)]

    def apply(self, pixels, params):
        {body}

    def matrix(self, params):
        return identity()


@hookimpl
def dsinspect_transforms():
    return [Wrong]
'''


@pytest.fixture
def plugin(tmp_path):
    """Write a one-file plugin and a configuration that names it; returns the arguments that use it."""
    def write(source: str) -> list[object]:
        (tmp_path / "mine.py").write_text(source)
        config = tmp_path / "mine.toml"
        config.write_text('plugins = ["mine.py"]\n')
        return ["--config", config]
    return write


def test_a_report_that_raises_costs_its_own_file_only(cli, plugin, tmp_path) -> None:
    use = plugin(REPORT)
    done = cli("report", SAMPLES / "coco", "-o", tmp_path / "a.brk", "-o", tmp_path / "a.json", *use)
    assert done.code == 3
    assert "plugin 'mine'" in done.err
    assert "broken failed with ZeroDivisionError: on purpose (mine.py:" in done.err
    assert "--no-plugin mine" in done.err
    assert (tmp_path / "a.json").is_file()
    assert not list(tmp_path.glob("*.brk")) + list(tmp_path.glob(".*"))
    assert "BOX001" in done.out


def test_a_report_that_raises_as_output_format_is_named(cli, plugin) -> None:
    done = cli("check", SAMPLES / "coco", "--output-format", "broken", *plugin(REPORT))
    assert done.code == 3
    assert "plugin 'mine'" in done.err


@pytest.mark.parametrize(("body", "what"), [
    ("return pixels[:-1]", " px for "), ("raise KeyError('on purpose')", "failed with KeyError: 'on purpose' (mine.py:"),
    ("return None", "made None of "), ("return [[1]]", "made [[1]] of ")])
def test_a_transform_that_breaks_its_plan_is_named(cli, plugin, tmp_path, body, what) -> None:
    done = cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "wrong", *plugin(TRANSFORM.format(body=body)))
    assert done.code == 3, done.err
    assert f"plugin 'mine' ({tmp_path / 'mine.py'}): transform wrong " in done.err
    assert what in done.err, done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(("method", "what"), [
    ("plan(self, image):\n        raise ValueError('on purpose')", "failed with ValueError: on purpose (mine.py:"),
    ("plan(self, image):\n        return [Params(width='5', height=7)]", "planned '5' x 7 px for "),
    ("plan(self, image):\n        return [Params(width=float('nan'), height=7)]", "planned nan x 7 px for "),
    ("plan(self, image):\n        return [Params(width=5, height=7, tag=3)]", "planned the tag 3 for "),
    ("changes_pixels(self, params):\n        raise KeyError('on purpose')", "failed with KeyError: 'on purpose' (mine.py:"),
    ("matrix(self, params):\n        return [['a', 'b', 'c'], ['d', 'e', 'f']]", "failed with ValueError: "),
    ("matrix(self, params):\n        return identity() * float('nan')", "gave a matrix with numbers that are not finite"),
    ("plan(self, image):\n        raise SystemExit(0)", "failed with SystemExit: 0 (mine.py:"),
    ("matrix(self, params):\n        return [[1, 0, 0]]", "gave a matrix of shape (1, 3)")])
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_transform_that_fails_before_any_pixel_is_named(cli, plugin, tmp_path, method, what, executor) -> None:
    source = TRANSFORM.format(body="return pixels").replace("\n\n@hookimpl", f"    def {method}\n\n\n@hookimpl")
    done = cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "wrong", "--executor", executor, *plugin(source))
    assert done.code == 3, done.err
    assert f"plugin 'mine' ({tmp_path / 'mine.py'}): transform wrong " in done.err
    assert what in done.err, done.err
    assert len(done.err.strip().splitlines()) == 1


CHECK = '''
import sys

import numpy as np
from dsinspect import hookimpl
from dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity


class Broken(RowCheck[BaseOptions]):
    """Breaks its protocol."""
    code, name, severity = "MIN001", "broken", Severity.WARNING

    def find(self, batch):
        boxes = len(batch.boxes_xyxy)
        {body}


@hookimpl
def dsinspect_checks():
    return [Broken]
'''


@pytest.mark.parametrize(("body", "what"), [
    ("sys.exit(0)", "failed with SystemExit: 0 (mine.py:"),
    ("return Findings.of_annotations(batch, np.ones(3, bool), 'x')", "failed with ValueError: a mask of shape (3,) for "),
    ("return Findings.of_images(batch, np.ones(boxes, bool), 'x')", "failed with ValueError: a mask of shape ("),
    ("return Findings.of_annotations(batch, np.ones(boxes, bool), 'x {lacks:g}')", "failed with KeyError: 'lacks'"),
    ("return 5", "failed with TypeError: find returned 5, which is no Findings (")])
@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_check_that_breaks_its_protocol_is_named_and_passes_no_gate(cli, plugin, body, what, executor) -> None:
    use = plugin(CHECK.replace("{body}", body))
    done = cli("check", SAMPLES / "coco", "--select", "MIN001,BOX001", "--executor", executor, *use)
    assert done.code == 3, done.err
    assert "plugin mine: check broken " in done.out + done.err
    assert what in done.out + done.err
    assert "reports" not in done.out + done.err
    assert "BOX001" in done.out


TABLES = CHECK.replace("BaseOptions, Findings", "BaseOptions, Check, Result").replace("RowCheck[BaseOptions]):", "Check):")
TABLES = TABLES[:TABLES.index("    def find")] + '''    def map(self, batch):
        return 0

    def merge(self, a, b):
        return 0

    def finish(self, state, dataset):
        return Result(tables={"Cups": {body}})


@hookimpl
def dsinspect_checks():
    return [Broken]
'''


@pytest.mark.parametrize(("body", "what"), [
    ("lambda: 1 / 0", "failed with ZeroDivisionError: division by zero (mine.py:"),
    ("[1, 2]", "failed with TypeError: a table is a pandas frame or Columns, not list"),
    ("lambda: None", "failed with TypeError: a table is a pandas frame or Columns, not NoneType")])
def test_a_table_that_cannot_be_made_costs_its_check_and_no_report(cli, plugin, tmp_path, body, what) -> None:
    use = plugin(TABLES.replace("{body}", body))
    done = cli("report", SAMPLES / "coco", "--select", "MIN001,BOX001", "-o", tmp_path / "a.json", "-o", tmp_path / "a.html", *use)
    assert done.code == 3, done.err
    assert "plugin mine: check broken " in done.out + done.err
    assert what in done.out + done.err
    assert (tmp_path / "a.json").is_file()
    assert (tmp_path / "a.html").is_file()


def test_settings_of_a_report_are_read_and_refused_like_those_of_a_check(cli, tmp_path) -> None:
    good = cli("check", SAMPLES / "coco", "--set", "text.statistics=true", "--select", "BOX")
    assert "BOX001 no-area  1" in good.out
    assert "train/train_07.jpg" not in good.out
    bad = cli("check", SAMPLES / "coco", "--set", "text.max_finding=1")
    assert bad.code == 2
    assert "report text has no option 'max_finding' (did you mean 'max_findings'?)" in bad.err


FORMAT = '''
from dataclasses import dataclass
from pathlib import Path

from dsinspect import hookimpl
from dsinspect.protocols.edits import Edits
from dsinspect.protocols.formats import Detection, Format, Patch
from dsinspect.tables.columns import Columns
from dsinspect.tables.dataset import DatasetInfo, Shard
from dsinspect.tables.schema import annotation_columns, image_columns


class Ref:
    """A shard."""
    def load(self):
        {load}
        return Shard(image_columns(0), annotation_columns(0))


@dataclass
class Source:
    """A set."""
    info: DatasetInfo

    def shards(self, size):
        {shards}
        return [Ref()]


class Acme(Format):
    """Breaks its protocol somewhere."""
    name = "acme"
    writable = True
    patchable = True

    def detect(self, root):
        {detect}
        return Detection(1.0, "acme.txt", 5) if (Path(root) / "acme.txt").exists() else None

    def open(self, request):
        {open}
        return Source(DatasetInfo("acme", request.root, has_files=False))

    def place(self, path, split):
        return "images/" + path.rpartition("/")[2]

    def write(self, info, shards, out):
        for shard in shards:
            pass
        {write}
        return {{}}

    def patch(self, request, edits):
        {patch}
        return []


@hookimpl
def dsinspect_formats():
    return [Acme]
'''
RAISES = "raise KeyError('on purpose')"


def acme(**bodies: str) -> str:
    return FORMAT.format(**{**dict.fromkeys(("load", "shards", "detect", "open", "write", "patch"), "pass"), **bodies})


@pytest.fixture
def acme_set(tmp_path: Path) -> Path:
    root = tmp_path / "acme_set"
    root.mkdir()
    (root / "acme.txt").touch()
    return root


@pytest.mark.parametrize("body", [RAISES, "return 1"])
def test_a_format_that_cannot_detect_costs_itself_only(cli, plugin, body) -> None:
    done = cli("check", SAMPLES / "coco", "--select", "BOX001", *plugin(acme(detect=body)))
    assert done.code == 3
    assert "BOX001" in done.out
    line, = done.err.strip().splitlines()
    assert line.startswith("dsinspect: plugin 'mine' (")
    assert "format acme failed with " in line
    assert line.endswith("go on with --no-plugin mine")
    assert cli("check", SAMPLES / "clean", *plugin(acme(detect=body)), "--no-plugin", "mine").code == 0


def test_a_set_that_nobody_else_knows_is_the_fault_of_the_format_that_raised(cli, plugin, acme_set) -> None:
    done = cli("check", acme_set, *plugin(acme(detect=RAISES)))
    assert done.code == 3
    assert "plugin 'mine'" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(("where", "body", "what"), [
    ("open", RAISES, "failed with KeyError: 'on purpose' (mine.py:"),
    ("open", "return None", "gave None, which is no source of a dataset"),
    ("open", "return Source({'format': 'acme'})", "whose info is {'format': 'acme'}, which is no DatasetInfo"),
    ("open", "return Source(DatasetInfo('acmee', request.root))", "calls itself 'acmee'"),
    ("shards", RAISES, "failed with KeyError: 'on purpose' (mine.py:"),
    ("load", RAISES, "failed with KeyError: 'on purpose' (mine.py:"),
    ("load", "return ()", "loaded (), which is no Shard"),
    ("load", "return Shard(Columns({}, 0), annotation_columns(0))", "loaded images without the columns image_id, path"),
    ("load", "import numpy; rows = {'image_row': numpy.array([-1, 0])}\n"
             "        return Shard(image_columns(0), annotation_columns(2).with_columns(rows))",
     "loaded annotations with image_row -1 to 0 for 0 images"),
])
@pytest.mark.parametrize("command", ["check", "convert", "view", "balance"])
def test_a_format_that_cannot_read_is_named(cli, plugin, acme_set, tmp_path, where, body, what, command) -> None:
    more = {"convert": ("--to", "coco", "-o", tmp_path / "out"), "view": ("-o", tmp_path / "a.png")}.get(command, ())
    done = cli(command, acme_set, *more, *plugin(acme(**{where: body})))
    assert done.code == 3, done.err
    line, = done.err.strip().splitlines()
    assert line.startswith("dsinspect: error: plugin 'mine' (")
    assert "format acme " in line
    assert what in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("body", "what"), [(RAISES, "failed with KeyError"), ("return 3", "returned 3 from write")])
@pytest.mark.parametrize("command", ["convert", "transform"])
def test_a_format_that_cannot_write_is_named_and_leaves_nothing_of_a_conversion(cli, plugin, tmp_path, body, what, command) -> None:
    more = ("--op", "flip") if command == "transform" else ()
    done = cli(command, SAMPLES / "clean", "-o", tmp_path / "out", "--to", "acme", *more, *plugin(acme(write=body)))
    assert done.code == 3, done.err
    line, = done.err.strip().splitlines()
    assert f"plugin 'mine' ({tmp_path / 'mine.py'}): format acme {what}" in line
    assert command == "transform" or not (tmp_path / "out").exists()


def test_an_error_of_ours_is_not_blamed_on_the_writer_that_was_handed_it(cli, plugin, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("dsinspect.conversion.pipeline.held", lambda *a: 1 / 0)
    done = cli("convert", SAMPLES / "clean", "-o", tmp_path / "out", "--to", "acme", *plugin(acme()))
    assert done.code == 3
    assert "internal error: ZeroDivisionError" in done.err
    assert "mine" not in done.err


@pytest.mark.parametrize(("body", "what"), [
    (RAISES, "failed with KeyError"), ("return [('a', b'', b'')]", "yielded ('a', b'', b'')")])
def test_a_format_that_cannot_patch_is_named(cli, plugin, acme_set, tmp_path, body, what) -> None:
    done = cli("fix", acme_set, "-o", tmp_path / "out", *plugin(acme(patch=body)))
    assert done.code == 3, done.err
    assert f"format acme {what}" in done.err
    assert not (tmp_path / "out").exists()


PROBE = '''
from dsinspect import hookimpl
from dsinspect.protocols.checks import RowCheck
from dsinspect.findings.findings import Findings
from dsinspect.protocols.probes import Column, Level, Probe


class Weight(Probe):
    """Weighs."""
    name, version, level = "weight", 1, Level.STAT
    columns = (Column("weight", "float64", "g", "weight"),)

    def measure(self, file):
        {body}


class Heavy(RowCheck):
    """Asks for the weight."""
    code, name, severity = "ZZZ901", "heavy", "error"
    needs = ("weight",)

    def find(self, batch):
        return Findings.none()


@hookimpl
def dsinspect_probes():
    return [Weight]


@hookimpl
def dsinspect_checks():
    return [Heavy]
'''


@pytest.mark.parametrize(("body", "what"), [
    (RAISES, "failed with KeyError: 'on purpose' (mine.py:"),
    ("return None", "failed with TypeError: measure returned None, which is no sequence of values"),
    ("return [1.0, 2.0]", "failed with ValueError: measure returned 2 values for 1 column ("),
    ("return ['heavy']", "measured values of weight that are no float64"),
])
def test_a_probe_that_cannot_measure_costs_the_checks_that_ask_it(cli, plugin, body, what) -> None:
    done = cli("check", SAMPLES / "coco", "--select", "BOX001,ZZZ901", *plugin(PROBE.format(body=body)))
    assert done.code == 3
    assert "BOX001" in done.out
    assert "ZZZ901 heavy crashed: plugin mine: probe weight " in done.err
    assert what in done.err


TRAINER = '''
from dsinspect import hookimpl
from dsinspect.protocols.trainers import Trainer
from dsinspect_trainers.yolox import Yolox


class Mine(Yolox):
    """Breaks its protocol."""
    name = "mine"

    def judge(self, loaded):
        {body}


@hookimpl
def dsinspect_trainers():
    return [Mine]
'''


@pytest.mark.parametrize(("body", "what"), [
    (RAISES, "failed with KeyError: 'on purpose' (mine.py:"), ("return None", "judged None, which are no Fates"),
    ("import dataclasses; f = super().judge(loaded); return dataclasses.replace(f, fate=f.fate[:-1])",
     "values of fate for"),
])
def test_a_trainer_that_cannot_judge_costs_itself_only(cli, plugin, tmp_path, body, what) -> None:
    use = plugin(TRAINER.format(body=body))
    done = cli("simulate", SAMPLES / "clean", "--trainer", "mine,yolox", *use)
    assert done.code == 3
    assert "yolox" in done.out
    line, = done.err.strip().splitlines()
    assert "plugin 'mine' (" in line
    assert f"trainer mine {what}" in line or what in line
    checked = cli("check", SAMPLES / "clean", "--trainer", "mine", "--select", "TRN001,BOX001", *use)
    assert checked.code == 3
    assert "TRN001" in checked.err
    assert "plugin mine: trainer mine " in checked.err
    assert what in checked.err
    for command in (("convert", "--for", "mine", "-o", tmp_path / "out"), ("expect", "--trainer", "mine")):
        name, *options = command
        made = cli(name, SAMPLES / "clean", *options, *use)
        assert made.code == 3, made.err
        assert len(made.err.strip().splitlines()) == 1
        assert what in made.err
    assert not (tmp_path / "out").exists()


EXECUTOR = '''
from dsinspect import hookimpl
from dsinspect.protocols.executors import Executor


class Mine(Executor):
    """Breaks its protocol."""
    name = "mine"

    def results(self, fn, items):
        {body}


@hookimpl
def dsinspect_executors():
    return [Mine]
'''


@pytest.mark.parametrize(("body", "what"), [
    (RAISES, "failed with KeyError: 'on purpose' (mine.py:"),
    ("return 3", "failed with "), ("return iter(())", "gave the results of 0 of 1 items"),
    ("yield 3", "gave 3 where a result was expected"),
    ("yield from map(fn, list(items) * 2)", "gave the results of 2 of 1 items"),
])
@pytest.mark.parametrize("command", ["check", "convert", "transform", "simulate"])
def test_an_executor_that_loses_work_is_named(cli, plugin, tmp_path, body, what, command) -> None:
    more = {"convert": ("--to", "coco", "-o", tmp_path / "out"), "transform": ("--op", "flip", "-o", tmp_path / "out"),
            "simulate": ("--trainer", "yolox")}.get(command, ())
    done = cli(command, SAMPLES / "clean", *more, "--executor", "mine", *plugin(EXECUTOR.format(body=body)))
    assert done.code == 3
    line, = done.err.strip().splitlines()
    assert f"plugin 'mine' ({tmp_path / 'mine.py'}): executor mine {what}" in line
    assert command == "transform" or not (tmp_path / "out").exists()


def test_a_fault_of_ours_is_not_blamed_on_the_executor(cli, plugin, monkeypatch) -> None:
    monkeypatch.setattr("dsinspect.inspection.shard_task.tally", lambda batch: 1 / 0)
    done = cli("check", SAMPLES / "clean", "--executor", "mine", *plugin(EXECUTOR.format(body="yield from map(fn, items)")))
    assert done.code == 3
    assert "internal error: ZeroDivisionError" in done.err
    assert "mine" not in done.err


@pytest.mark.parametrize(("source", "what"), [
    (EXECUTOR.format(body="pass").replace("def results", "def result"), "Mine (mine), which overrides none of results and"),
    (REPORT.replace("def text", "def words"), "Broken (broken), which overrides none of text, stream and write"),
    (FORMAT.replace("def detect", "def detects"), "which lacks detect"),
    (FORMAT.replace("def place", "def places"), "Acme (acme), which is writable and lacks place"),
    (FORMAT.replace("def patch", "def patches"), "Acme (acme), which is patchable and lacks patch"),
    (REPORT.replace("[Broken]", "[Broken()]"), "which is no report class"),
    (REPORT.replace("(Report)", ""), "which is no report class: it does not derive from"),
    (REPORT.replace('"broken"', '""'), "a report class without a name"),
    (REPORT.replace('"broken"', '"json"'), "two plugins offer report 'json'"),
    (REPORT.replace("return [Broken]", "raise KeyError('on purpose')"), "dsinspect_reports failed with KeyError: 'on purpose'"),
    ("DSINSPECT_INTERFACE = 99\n" + REPORT, "written for version 99 of the plugin interface, and this dsinspect has version"),
    (REPORT.replace("dsinspect_reports", "dsinspect_report"), "no hook 'dsinspect_report' (did you mean 'dsinspect_reports'?)"),
])
def test_what_cannot_be_loaded_is_named_in_one_line(cli, plugin, source, what) -> None:
    if source.startswith("\nfrom dataclasses"):
        source = source.format(**dict.fromkeys(("load", "shards", "detect", "open", "write", "patch"), "pass"))
    done = cli("check", SAMPLES / "clean", *plugin(source))
    assert done.code == 2
    line, = done.err.strip().splitlines()
    assert what in line
    assert "mine" in line
    assert "--no-plugin" in line


def test_the_fault_of_a_probe_is_said_once(cli) -> None:
    Path("p.py").write_text(
        "from dsinspect import hookimpl\nfrom dsinspect.protocols.checks import BaseOptions, Findings, RowCheck, Severity\n"
        "from dsinspect.protocols.probes import Column, Level, Probe\n"
        "class Bad(Probe):\n    name, version, level = 'bad', 1, Level.HEADER\n"
        "    columns = (Column('bad_px', 'float64', 'px', 'nothing'),)\n"
        "    def measure(self, file):\n        raise RuntimeError('boo')\n"
        "class Needs(RowCheck[BaseOptions]):\n    '''Needs it.'''\n    code, name, severity = 'TEA009', 'needs', Severity.WARNING\n"
        "    needs = ('bad_px',)\n    def find(self, batch):\n        return Findings.none()\n"
        "@hookimpl\ndef dsinspect_probes():\n    return [Bad]\n@hookimpl\ndef dsinspect_checks():\n    return [Needs]\n")
    Path("dsinspect.toml").write_text('plugins = ["p.py"]\n')
    done = cli("check", SAMPLES / "clean", "--select", "TEA", "--config", "dsinspect.toml")
    assert done.code == 3
    assert done.err.count("boo") == 1, done.err


def test_a_trainer_that_reads_a_misspelt_format_is_named(cli) -> None:
    Path("odd_trainer.py").write_text(
        "from dsinspect import hookimpl\nfrom dsinspect.protocols.trainers import Trainer\n"
        "class Odd(Trainer):\n    name, title, releases, newest, reads, rules = 'odd', 'Odd', ('1',), '1', ('cocoo',), ()\n"
        "    def judge(self, loaded):\n        raise NotImplementedError\n"
        "@hookimpl\ndef dsinspect_trainers():\n    return [Odd]\n")
    Path("dsinspect.toml").write_text('plugins = ["odd_trainer.py"]\n')
    done = cli("simulate", SAMPLES / "clean", "--trainer", "odd", "--config", "dsinspect.toml")
    assert done.code == 2
    assert done.err == ("dsinspect: error: plugin 'odd_trainer' (odd_trainer.py): trainer odd reads 'cocoo', and there is no such "
                        "format (did you mean 'coco'?); go on with --no-plugin odd_trainer\n")
