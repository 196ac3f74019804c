"""Tests of the C boundary. What might hang or crash runs in a process of its own with a time-out, its exit status asserted."""
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


@pytest.fixture
def program():
    """program(code, timeout=30) runs Python code with boundary imported and returns what it prints."""
    def run(code, timeout=30, status=0, setup="from boundary import *\n"):
        done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", setup + code], cwd=HERE, timeout=timeout, capture_output=True, text=True)
        assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout
    return run
