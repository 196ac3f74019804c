"""What was released stays: tests/abi/release holds the header and the schema of version 1.0; a change may only add to them."""
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from boundary import LIBRARY, ROOT

RELEASE = ROOT / "tests" / "abi" / "release"
NOW = ROOT / "include"


def declarations(header):
    """The prototypes, constants and members of a header by name, without comments."""
    code = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
    found = {m[1]: " ".join(m[0].split()) for m in re.finditer(r"MCD_API [^;(]*?(\w+)\([^;]*;", code)}
    found |= {m[1]: m[2] for m in re.finditer(r"\b(MCD_\w+) = (-?\d+)", code)}
    found |= {m[1]: m[2] for m in re.finditer(r"#define (MCD_FREE_\w+) (\w+)", code)}
    found |= {m[2]: " ".join(m[1].split()) for m in re.finditer(r"typedef struct \w+ \{(.*?)\} (\w+);", code, re.S)}
    return found


def broken(header):
    """What of the release another header lacks or says otherwise."""
    now = declarations(header)
    return [name for name, text in declarations((RELEASE / "mcd.h").read_text()).items() if not now.get(name, "").startswith(text)]


def stub(folder, header):
    """A library with a header's functions and types, which debugging information describes: ours is built without any."""
    folder.mkdir()
    (folder / "mcd.h").write_text(header)
    functions = re.findall(r"MCD_API (?:const char \*|mcd_status )mcd_\w+\([^;]*;", re.sub(r"/\*.*?\*/", " ", header, flags=re.S))
    code = "".join(f.replace("MCD_API ", "").replace(";", " { return 0; }\n") for f in functions)
    (folder / "stub.c").write_text('#include "mcd.h"\n' + code)
    subprocess.run(["gcc", "-g", "-w", "-shared", "-fPIC", "-Wl,-soname,libmcd.so.1", "-o", folder / "stub.so", folder / "stub.c"], check=True)
    return folder / "stub.so"


BREAKS = {  # each of these must be caught
    "a function goes": ("MCD_API mcd_status mcd_memory_used(int64_t *bytes);", ""),
    "an argument changes": ("mcd_set_threads(int64_t threads)", "mcd_set_threads(int32_t threads)"),
    "a member goes": ("    double damping;", "    /* */"),
    "a status changes": ("MCD_ERR_SIZE = -3", "MCD_ERR_SIZE = -13"),
}


def test_nothing_of_the_release_has_changed():
    header = (NOW / "mcd.h").read_text()
    assert broken(header) == []
    for old, new in BREAKS.values():
        assert old in header and len(broken(header.replace(old, new))) == 1, old


def test_abidiff(tmp_path):
    if not shutil.which("abidiff"):
        pytest.skip("abidiff is not installed: apt-get install abigail-tools")
    released = stub(tmp_path / "released", (RELEASE / "mcd.h").read_text())
    header = (NOW / "mcd.h").read_text()

    def differs(name, text):
        done = subprocess.run(["abidiff", "--no-added-syms", released, stub(tmp_path / name, text)], capture_output=True, text=True)
        return done.returncode, done.stdout

    assert differs("now", header)[0] == 0, differs("again", header)[1]
    for name, (old, new) in BREAKS.items():
        code, said = differs(name.replace(" ", "-"), header.replace(old, new))
        assert code & 4, f"{name}: {said}"


def test_schema_conforms(tmp_path):
    if not shutil.which("flatc"):
        pytest.skip("flatc is not installed: apt-get install flatbuffers-compiler")

    def conforms(schema):
        (tmp_path / "mcd.fbs").write_text(schema)
        return subprocess.run(["flatc", "--conform", RELEASE / "mcd.fbs", tmp_path / "mcd.fbs"], capture_output=True).returncode == 0

    schema = (NOW / "mcd.fbs").read_text()
    assert conforms(schema)
    for old, new in (("  width: int64;", "  width: int32;"), ("  length: int64;\n", ""), ("lead_onsite: double = 4", "lead_onsite: double = 5")):
        assert old in schema and not conforms(schema.replace(old, new, 1)), old


def test_a_program_of_the_released_header_runs(tmp_path):
    """Compiled with the header of the release, run with this library."""
    folder = Path(LIBRARY).parent
    subprocess.run(["gcc", "-std=c99", f"-I{RELEASE}", ROOT / "tests/consumers/c/demo.c", f"-L{folder}", "-lmcd", "-lm",
                    f"-Wl,-rpath,{folder}", "-o", tmp_path / "demo"], check=True)
    done = subprocess.run([tmp_path / "demo", tmp_path / "run.mcd"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
