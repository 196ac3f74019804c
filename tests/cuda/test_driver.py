"""One library for machines with and without a driver: what it links, when it calls the driver, what it says without one."""
import re
import subprocess

import pytest
from programs import LIBRARY, python

REPORT = """
import mcd
found = [d for d in mcd.devices() if d.name.startswith("cuda")]
print(found[0].available, found[0].description)
wire = mcd.Wire(4, 4, fields=[0.0, 0.01])
g = wire.conductance(wire.clean())
assert abs(g - wire.open_modes).max() < 1e-10 and wire.backend.startswith("cpu")
try:
    mcd.Wire(4, 4, fields=[0.0], backend="cuda")
except mcd.UnsupportedError as error:
    assert str(error) == found[0].description
else:
    raise SystemExit("no error")
"""

# A driver that starts with a code and counts version and devices.
DRIVER = """
int cuInit(unsigned flags) {{ return {start}; }}
int cuDriverGetVersion(int *version) {{ *version = {version}; return 0; }}
int cuDeviceGetCount(int *count) {{ *count = {count}; return 0; }}
"""


def test_no_driver_is_linked():
    dynamic = subprocess.run(["readelf", "-d", LIBRARY], check=True, capture_output=True, text=True).stdout
    assert "libcuda" not in dynamic
    undefined = subprocess.run(["nm", "-D", "-u", LIBRARY], check=True, capture_output=True, text=True).stdout
    assert "malloc" in undefined and re.findall(r"\bcu[A-Z]\w*", undefined) == []


def test_loading_never_calls_the_driver(build):
    trap = build("#include <stdlib.h>\n__attribute__((constructor)) static void loaded(void) { abort(); }\n")
    assert python("import mcd; w = mcd.Wire(3, 3, fields=[0.0]); print(w.conductance(w.clean()).shape)", trap) == "(1,)\n"
    with pytest.raises(AssertionError):  # the trap works
        python("import mcd; mcd.devices()", trap)


def test_without_a_driver(tmp_path):
    assert python(REPORT, tmp_path).startswith("False cuda: no NVIDIA driver is installed")


@pytest.mark.parametrize("content", [b"", b"not a library\n"])
def test_a_file_that_is_no_library(tmp_path, content):
    (tmp_path / "libcuda.so.1").write_bytes(content)
    assert python(REPORT, tmp_path).startswith("False cuda: the NVIDIA driver is broken")


def test_a_library_that_is_no_driver(build):
    assert python(REPORT, build("int nothing;")).startswith("False cuda: the NVIDIA driver is broken")


@pytest.mark.parametrize("start, message", [(100, "the driver sees no GPU"), (999, "does not start .*999"), (803, "does not start .*803")])
def test_a_driver_that_does_not_start(build, start, message):
    assert re.match("False cuda: .*" + message, python(REPORT, build(DRIVER.format(start=start, version=12040, count=1))))


def test_an_old_driver(build):
    assert re.match("False cuda: .*too old: it serves CUDA 9.2", python(REPORT, build(DRIVER.format(start=0, version=9020, count=1))))


def test_a_driver_without_devices(build):
    assert "sees no GPU" in python(REPORT, build(DRIVER.format(start=0, version=12040, count=0)))


def test_a_driver_that_lacks_entries(build):
    """cuDeviceGet and what follows are missing."""
    assert re.match("False cuda: .*lacks it", python(REPORT, build(DRIVER.format(start=0, version=12040, count=1))))


def test_threads_that_meet_the_driver_together(build):
    driver = build(DRIVER.format(start=100, version=12040, count=1))
    code = """
import threading, mcd
seen, gate = [], threading.Barrier(32)
def ask():
    gate.wait()
    seen.append(mcd.devices()[1].description)
threads = [threading.Thread(target=ask) for _ in range(32)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(seen), len(set(seen)))
"""
    assert python(code, driver) == "32 1\n"
