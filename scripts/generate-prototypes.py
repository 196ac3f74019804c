#!/usr/bin/env python3
"""Writes the ctypes prototypes of every function, the statuses and the flags of include/mcd.h.

usage: generate-prototypes.py include/mcd.h > bindings/python/mcd/_prototypes.py
"""

import re
import sys

SCALARS = {
    "int": "c_int", "int32_t": "c_int32", "int64_t": "c_int64", "uint32_t": "c_uint32", "uint64_t": "c_uint64",
    "size_t": "c_size_t", "double": "c_double", "mcd_status": "c_int", "mcd_callback": "CALLBACK",
    **{name: "c_uint64" for name in ("mcd_handle", "mcd_wire", "mcd_problem", "mcd_job", "mcd_result", "mcd_system")},
}


def ctype(declaration: str) -> str:
    """The ctypes name of "const double *onsite", "size_t count", ..."""
    words = declaration.replace("*", " * ").split()
    if "*" in words:
        return "c_char_p" if words[:2] == ["const", "char"] else "c_void_p"
    return SCALARS[words[0]]


def generate(header: str) -> str:
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    lines = ['"""Generated from include/mcd.h by scripts/generate-prototypes.py; do not edit."""', "",
             "from ctypes import CFUNCTYPE, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p",
             "", "CALLBACK = CFUNCTYPE(c_int, c_void_p, c_void_p)", ""]
    for name, value in re.findall(r"\b(MCD_(?:OK|TIMEOUT|ERR_\w+|JOB_\w+))\s*=\s*(-?\d+)", code):
        lines.append(f"{name} = {value}")
    for name, value in re.findall(r"#define\s+(MCD_FREE_\w+)\s+(\d+)u", code):
        lines.append(f"{name} = {value}")
    lines += ["", "# name: (result, [arguments])", "PROTOTYPES = {"]
    for result, name, arguments in re.findall(r"MCD_API\s+([\w\s*]+?)\b(mcd_\w+)\(([^)]*)\);", code):
        names = [] if arguments.strip() == "void" else [ctype(a) for a in arguments.split(",")]
        lines.append(f'    "{name}": ({ctype(result + " _")}, [{", ".join(names)}]),')
    return "\n".join(lines + ["}", ""])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(generate(file.read()))
