"""Import CVAT XML files with CVAT's own server code, into a database in memory, and print what it then has.

    PYTHON cvat_server.py CHECKOUT < jobs > objects

PYTHON is an interpreter that has the packages of CVAT's `requirements/base.in`, CHECKOUT a checkout of CVAT. A job is a line of
JSON: `xml`, `images` (name, width, height of each) and `video` (its width and height, or null). The answer is a line of JSON: the
objects of each frame as CVAT shows them, interpolated, or `error`. What deals with clouds, queues and permissions is stubbed.
"""

from __future__ import annotations

import importlib.machinery
import json
import sys
import tempfile
import types
from typing import Any
from unittest.mock import MagicMock
from xml.etree import ElementTree as ET

STUBS = ("cvat.apps.engine.cloud_provider", "cvat.apps.engine.log", "cvat.apps.engine.permissions", "cvat.apps.engine.cache",
         "cvat.apps.engine.frame_provider", "cvat.apps.engine.media_extractors", "cvat.apps.engine.task", "cvat.apps.events",
         "cvat.apps.profiler", "cvat.apps.iam", "cvat.apps.webhooks", "cvat.apps.organizations.apps", "allauth", "django_sendfile",
         "pottery")


class Stubs:
    """Finds each module named above, and what is below it, as one that holds anything."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        is_stub = any(name == s or name.startswith(f"{s}.") for s in STUBS)
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if is_stub else None  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> Any:
        module = MagicMock(name=spec.name)
        module.__path__, module.__spec__ = [], spec
        module.silk_profile = lambda *_, **__: lambda function: function
        return module

    def exec_module(self, module: Any) -> None:
        """Nothing is in it."""


def set_up() -> None:
    """Start Django with CVAT's models on SQLite."""
    import django
    from django.apps import AppConfig
    from django.conf import settings
    from django.core.management import call_command

    class Engine(AppConfig):  # type: ignore[misc]
        name, label = "cvat.apps.engine", "engine"

    sys.modules["engine_app"] = types.ModuleType("engine_app")
    sys.modules["engine_app"].Engine = Engine  # type: ignore[attr-defined]
    Engine.__module__ = "engine_app"
    scratch = tempfile.mkdtemp()
    apps = ("auth", "contenttypes", "engine", "organizations")
    folders = ("DATA_ROOT", "TASKS_ROOT", "JOBS_ROOT", "PROJECTS_ROOT", "MEDIA_DATA_ROOT", "ASSETS_ROOT", "CLOUD_STORAGE_ROOT",
               "TMP_FILES_ROOT")
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, USE_TZ=True, SECRET_KEY="none",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "cvat.apps.organizations",
                        "engine_app.Engine"],
        MIGRATION_MODULES=dict.fromkeys(apps), DEFAULT_AUTO_FIELD="django.db.models.AutoField", CVAT_LOG_IMPORT_ERRORS=False,
        CVAT_QUEUES=MagicMock(), CVAT_DOCS_URL="", ONE_RUNNING_JOB_IN_QUEUE_PER_USER=False, **dict.fromkeys(folders, scratch))
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)


def imported(xml: str, images: list[list[Any]], video: list[int] | None) -> dict[str, Any]:
    """Make a task with the labels that the file declares, import the file, and return what the task shows."""
    from cvat.apps.dataset_manager import task as manager
    from cvat.apps.dataset_manager.bindings import TaskData
    from cvat.apps.engine import models
    from django.db import transaction

    n = len(images)
    frames = models.Data.objects.create(size=n, start_frame=0, stop_frame=n - 1, deleted_frames=[])
    if video:
        models.Video.objects.create(data=frames, path="video.mp4", width=video[0], height=video[1])
    else:
        for k, (name, width, height) in enumerate(images):
            models.Image.objects.create(data=frames, path=name, frame=k, width=width, height=height)
    task = models.Task.objects.create(name="one", mode="interpolation" if video else "annotation", data=frames, overlap=0)
    segment = models.Segment.objects.create(task=task, start_frame=0, stop_frame=n - 1)
    models.Job.objects.create(segment=segment, type=models.JobType.ANNOTATION)
    for label in ET.parse(xml).getroot().iter("label"):
        made = models.Label(task=task, name=label.findtext("name"), color="#000000")
        made.full_clean()
        made.save()
        for a in label.iter("attribute"):
            models.AttributeSpec.objects.create(
                label=made, name=a.findtext("name"), mutable=a.findtext("mutable") == "True",
                **{k: a.findtext(k) or "" for k in ("input_type", "default_value", "values")})
    manager.import_task_annotations(xml, task.id, "CVAT 1.1", False)
    with transaction.atomic():
        done = manager.TaskAnnotation(task.id)
        done.init_from_db()
    return {"objects": [
        {"image": frame.name, "label": s.label, "type": str(s.type), "points": list(s.points), "rotation": s.rotation,
         "occluded": s.occluded, "z_order": s.z_order, "group": s.group, "track": getattr(s, "track_id", None),
         "attributes": {a.name: a.value for a in s.attributes if a.value}}
        for frame in TaskData(annotation_ir=done.ir_data, db_task=task).group_by_frame(include_empty=True)
        for s in frame.labeled_shapes]}


def main() -> None:
    """Answer each line."""
    sys.path.insert(0, sys.argv[1])
    sys.meta_path.insert(0, Stubs())  # type: ignore[arg-type]
    set_up()
    for line in sys.stdin:
        try:
            found = imported(**json.loads(line))
        except Exception as e:  # whatever CVAT refuses is an answer
            found = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
