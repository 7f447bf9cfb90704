"""What a process loads before it works."""

from __future__ import annotations

import os
import subprocess
import sys

from devnet.places import ROOT
from tests.support.suite import Share


def test_no_process_builds_the_api_that_nobody_serves(share: Share) -> None:
    """0.6 seconds of every start: see portal/cms/without_api.py."""
    asked = "import sys, django; django.setup(); print(*{'ninja', 'pydantic', 'rest_framework'} & set(sys.modules))"
    environment = os.environ | share.environment(share.database) | {"DJANGO_SETTINGS_MODULE": "portal.settings.test"}
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
