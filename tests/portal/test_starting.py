"""What a process loads before it works."""

from __future__ import annotations

import os
import subprocess
import sys

from devnet.places import ROOT
from tests.support.suite import Share


def test_no_process_builds_the_api_that_nobody_serves(share: Share) -> None:
    """0.6 seconds of every start: see portal/cms/without_api.py."""
    assert started(share, "import sys; print(*{'ninja', 'pydantic', 'rest_framework'} & set(sys.modules))") == ""


def test_what_stays_for_good_is_no_work_for_the_garbage_collector(share: Share) -> None:
    asked = "import gc; print(gc.get_freeze_count(), len(gc.get_objects()), gc.isenabled())"
    frozen, other, enabled = started(share, asked).split()
    assert int(frozen) > 100_000
    assert int(other) < 10_000
    assert enabled == "True", "it was off while Django was loaded"


def started(share: Share, then: str) -> str:
    """What a process of the product that has just started prints then."""
    asked = f"import django; django.setup(); {then}"
    environment = os.environ | share.environment(share.database) | {"DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()
