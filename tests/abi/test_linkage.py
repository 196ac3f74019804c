"""What the library file itself promises."""
import re
import subprocess

from boundary import LIBRARY, PROTOTYPES, ROOT


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_exports_equal_the_golden_list():
    lines = output("nm", "-D", "--defined-only", "--with-symbol-versions", LIBRARY).splitlines()
    symbols = [line.split()[-1] for line in lines if line.split()[-2] != "A"]
    golden = (ROOT / "capi" / "exports.txt").read_text().split()
    assert sorted(s.split("@")[0] for s in symbols) == golden
    for symbol in symbols:
        node = "MCD_PRIVATE" if symbol.startswith("mcd_private_") else "MCD_1.0"
        assert symbol.endswith("@@" + node), symbol


def test_header_declares_what_is_exported():
    golden = (ROOT / "capi" / "exports.txt").read_text().split()
    assert sorted(PROTOTYPES) == [g for g in golden if not g.startswith("mcd_private_")]


def test_soname_and_needs():
    dynamic = output("readelf", "-d", LIBRARY)
    assert "[libmcd.so.1]" in dynamic
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
    assert needed <= {"libc.so.6", "libpthread.so.0", "libm.so.6", "libdl.so.2"}
    assert "NODELETE" in dynamic
    assert "Build ID" not in output("readelf", "-n", LIBRARY)


def test_runs_on_glibc_2_17():
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([0-9.]+)", output("objdump", "-T", LIBRARY))}
    assert max(versions) <= (2, 17)


def test_no_path_of_the_building_machine():
    with open(LIBRARY, "rb") as f:
        assert str(ROOT).encode() not in f.read()
