"""Programs that hold libmcd.so beside a driver of our choice, each in a process of its own."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("MCD_ABI_LIBRARY", str(ROOT / "build" / "libmcd.so.1"))


def python(code, driver=None, timeout=120, **environment):
    """What a program prints that finds the driver in folder driver."""
    env = dict(os.environ, PYTHONPATH=str(ROOT / "bindings" / "python"), MCD_LIBRARY=LIBRARY, **environment)
    if driver is not None:
        env["LD_LIBRARY_PATH"] = str(driver)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout
