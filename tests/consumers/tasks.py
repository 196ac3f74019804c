"""Runs the very programs that docs/tasks.md shows: every language prints the same three lines.

usage: tasks.py INCLUDE_FOLDER LIBRARY_FOLDER JULIA      a language whose tool is missing is left out, and named
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXPECTED_LINES = 3
include, library, julia = (str(Path(argument).absolute()) for argument in sys.argv[1:4])


def pieces(language: str) -> "list[str]":
    found = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / "tasks.md").read_text(), re.M | re.S)
    assert len(found) == 4, f"{len(found)} pieces of {language}"
    return found


def output(*command, **options) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}{done.stderr}"
    return done.stdout


def in_main(language: str, head: str) -> str:
    first, *tasks = pieces(language)
    return first + head + "".join(tasks) + "}\n"


def python(folder: Path) -> str:
    """With the package and the library of this Python alone, where neither Go nor a compiler is found."""
    (folder / "tasks.py").write_text("\n".join(pieces("python")))
    return output(sys.executable, folder / "tasks.py", cwd=folder, env={"PATH": str(folder), "LANG": "C.UTF-8"})


def run_julia(folder: Path) -> str:
    (folder / "tasks.jl").write_text("\n".join(pieces("julia")))
    return output(julia, "--startup-file=no", f"--project={ROOT / 'bindings' / 'julia'}", folder / "tasks.jl", cwd=folder)


def cpp(folder: Path) -> str:
    (folder / "tasks.cpp").write_text(in_main("cpp", "int main() {\n"))
    output("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror", f"-I{include}",
           folder / "tasks.cpp", f"-L{library}", "-lmcd", f"-Wl,-rpath,{library}", "-o", folder / "tasks")
    return output(folder / "tasks", cwd=folder)


def go(folder: Path) -> str:
    """In a module of its own that takes mcd from this checkout, with the same versions of what mcd needs."""
    (folder / "main.go").write_text(in_main("go", "func main() {\n"))
    module = (ROOT / "go.mod").read_text().replace("module mcd", "module tasks", 1)
    (folder / "go.mod").write_text(f"{module}\nrequire mcd v0.0.0\nreplace mcd => {ROOT}\n")
    shutil.copy(ROOT / "go.sum", folder / "go.sum")
    return output("go", "run", "-mod=mod", ".", cwd=folder, env={**os.environ, "GOFLAGS": "", "GOPROXY": "off"})


expected = None
ran = 0
for name, run, tool in (("Python", python, sys.executable), ("C++", cpp, "g++"), ("Julia", run_julia, julia), ("Go", go, "go")):
    if not shutil.which(tool):
        print(f"skipped: {name}, {tool} is not there")
        continue
    with tempfile.TemporaryDirectory() as scratch:
        lines = run(Path(scratch))
    print(f"{name}:\n{lines}")
    expected = expected or lines
    assert lines == expected and lines.count("\n") == EXPECTED_LINES, f"{name} prints something else"
    ran += 1
print(f"{ran} passed, 0 failed")
