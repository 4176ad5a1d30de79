"""Gives the test run a home folder of its own, before the settings read it."""

import os
import tempfile

os.environ.setdefault("REGULARS_HOME", tempfile.mkdtemp(prefix="regulars-tests-"))
