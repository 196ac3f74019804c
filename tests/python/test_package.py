"""The product as it is installed: a wheel, and a prefix with headers, pkg-config and CMake files; used from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import mcd
import pytest

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
#include <mcd.h>
#include <stdio.h>
int main(void) {
    double field = 0, energy = 1.2, onsite[6] = {4, 4, 4, 4, 4, 4}, g;
    mcd_wire wire;
    if (mcd_wire_create(2, 3, &field, 1, &energy, 1, &wire) || mcd_wire_conductance(wire, onsite, 6, &g, 1)) return 1;
    printf("%s %.12f", mcd_version(), g);
    return mcd_free(wire);
}
"""


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """The product installed, then moved: nothing in it may depend on where it stood."""
    there = tmp_path_factory.mktemp("install")
    run("make", "-C", ROOT, "install", f"PREFIX={there / 'first'}")
    (there / "first").rename(there / "moved")
    return there / "moved"


def expected():
    wire = mcd.Wire(2, 3, fields=[0.0], energy=1.2)
    return f"{mcd.__version__} {wire.conductance(wire.clean())[0]:.12f}"


def test_pkg_config(prefix, tmp_path):
    if not shutil.which("pkg-config"):
        pytest.skip("pkg-config is not installed")
    (tmp_path / "app.c").write_text(PROGRAM)
    flags = run("pkg-config", "--cflags", "--libs", "mcd",
                env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}).split()
    run("gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "app.c", "-o", "app", *flags, cwd=tmp_path)
    assert run(tmp_path / "app", env={"LD_LIBRARY_PATH": str(prefix / "lib")}) == expected()


def test_cmake(prefix, tmp_path):
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    (tmp_path / "app.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(app C)\n"
                                             "find_package(mcd 1.0 REQUIRED)\nadd_executable(app app.c)\n"
                                             "target_link_libraries(app mcd::mcd)\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    assert run(tmp_path / "build/app") == expected()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build_wheel(folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def build_wheel(folder):
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT / "bindings/python")


def test_wheel(wheel, tmp_path):
    """The wheel brings its library, and says on which systems that runs."""
    assert wheel.name.startswith(f"libmcd-{mcd.__version__}-py3-none-manylinux_2_17_")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {name: value for name, value in os.environ.items() if name != "MCD_LIBRARY"}
    script = "import mcd; w = mcd.Wire(2, 3, [0.0]); print(mcd.__file__, mcd.__version__, '%.12f' % w.conductance(w.clean())[0])"
    where, version, g = run(sys.executable, "-c", script, cwd=tmp_path,
                            env={**environment, "PYTHONPATH": str(tmp_path / "site")}).split()
    assert Path(where).is_relative_to(tmp_path / "site") and (tmp_path / "site/mcd/libmcd.so.1").exists()
    assert f"{version} {g}" == expected()


def test_auditwheel(wheel):
    """The name's promise, checked by who defines it: no symbol newer than glibc 2.17, no library from outside."""
    said = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).split())
    assert re.search(r'consistent with the following platform tag: "manylinux_2_17_', said), said


def test_wheel_is_the_same_bits_again(wheel, tmp_path):
    build_wheel(tmp_path)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_library_is_the_same_bits_elsewhere(tmp_path):
    """From a copy of the source in another folder, with an empty cache."""
    elsewhere = tmp_path / "elsewhere"
    for name in ("adjoint", "capi", "core", "cuda", "include"):
        shutil.copytree(ROOT / name, elsewhere / name)
    for name in ("go.mod", "go.sum"):
        shutil.copy(ROOT / name, elsewhere)
    run("sh", elsewhere / "capi/build.sh", tmp_path / "build", env={**os.environ, "GOCACHE": str(tmp_path / "cache")})
    assert (tmp_path / "build/libmcd.so.1").read_bytes() == (ROOT / "build/libmcd.so.1").read_bytes()


def test_source_archive_builds_offline(tmp_path):
    """What make dist packs builds with the modules it brings, without a network where that can be taken away."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: an archive is made from one")
    for folder in ("first", "second"):
        run("sh", ROOT / "scripts/dist.sh", "1.0.0", tmp_path / folder)
    archive = tmp_path / "first/mcd-1.0.0.tar.gz"
    assert archive.read_bytes() == (tmp_path / "second/mcd-1.0.0.tar.gz").read_bytes()
    run("tar", "-xzf", archive, "-C", tmp_path)
    isolated = ("unshare", "-rn") if not subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode else ()
    run(*isolated, "sh", tmp_path / "mcd-1.0.0/capi/build.sh", tmp_path / "build",
        env={**os.environ, "GOPROXY": "off", "GOMODCACHE": str(tmp_path / "modules"), "GOFLAGS": "-mod=vendor"})
    script = "import mcd; w = mcd.Wire(2, 3, [0.0]); print(mcd.__version__, '%.12f' % w.conductance(w.clean())[0])"
    assert run(sys.executable, "-c", script, env={**os.environ, "MCD_LIBRARY": str(tmp_path / "build/libmcd.so.1")}).strip() == expected()
