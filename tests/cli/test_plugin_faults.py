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
    ("return pixels[:-1]", " px for "), ("raise KeyError('on purpose')", "KeyError: 'on purpose' on")])
def test_a_transform_that_breaks_its_plan_is_named(cli, plugin, tmp_path, body, what) -> None:
    done = cli("transform", SAMPLES / "clean", "-o", tmp_path / "out", "--op", "wrong", *plugin(TRANSFORM.format(body=body)))
    assert done.code == 3, done.err
    assert "transform wrong: " in done.err
    assert what in done.err, done.err
    assert len(done.err.strip().splitlines()) == 1


def test_settings_of_a_report_are_read_and_refused_like_those_of_a_check(cli, tmp_path) -> None:
    good = cli("check", SAMPLES / "coco", "--set", "text.statistics=true", "--select", "BOX")
    assert "BOX001 no-area  1" in good.out
    assert "train/train_07.jpg" not in good.out
    bad = cli("check", SAMPLES / "coco", "--set", "text.max_finding=1")
    assert bad.code == 2
    assert "report text has no option 'max_finding' (did you mean 'max_findings'?)" in bad.err
