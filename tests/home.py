"""Gives the test run a home folder of its own, before the settings read it, and takes it away at the end."""

import atexit
import os
import shutil
import tempfile

# Each process of a run on several cores inherits the home of the process that started it, and needs one of its own.
if "REGULARS_HOME" not in os.environ or "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["REGULARS_HOME"] = tempfile.mkdtemp(prefix="regulars-tests-")
    atexit.register(shutil.rmtree, os.environ["REGULARS_HOME"], ignore_errors=True)
