import subprocess

import pytest


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """build(source) compiles C into a folder's libcuda.so.1 and returns the folder."""
    def compile_(source):
        folder = tmp_path_factory.mktemp("driver")
        (folder / "driver.c").write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "libcuda.so.1", folder / "driver.c"], check=True)
        return folder
    return compile_
