import subprocess

import pytest
from programs import ROOT


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """build(source) compiles C into a folder's libcuda.so.1 and returns the folder."""
    def compile_(source):
        folder = tmp_path_factory.mktemp("driver")
        (folder / "driver.c").write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libcuda.so.1", folder / "driver.c"], check=True)
        return folder
    return compile_


@pytest.fixture(scope="session")
def standin():
    """The folder of the stand-in for the driver, built from the kernels' source."""
    folder = ROOT / "build" / "standin"
    subprocess.run([ROOT / "tests" / "cuda" / "standin" / "build.sh", folder], check=True)
    return folder
