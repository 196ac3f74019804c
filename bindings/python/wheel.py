"""Puts the built library into the wheel, and names the platform that it runs on."""

import platform
import re
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LibraryHook(BuildHookInterface):
    """Takes build/libmcd.so.1 of the checkout; an editable installation finds it there by itself."""

    def initialize(self, version, build_data):
        if version == "editable":
            return
        library = Path(self.root).parents[1] / "build" / "libmcd.so.1"
        if not library.exists():
            raise FileNotFoundError(f"{library} is not built: run make first")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_2_{glibc(library)}_{platform.machine()}"
        build_data["force_include"][str(library)] = "mcd/libmcd.so.1"


def glibc(library: Path) -> int:
    """The minor version of the oldest glibc 2 that has all symbols the library needs, at least 17 as pip knows no older."""
    needed = re.findall(rb"GLIBC_2\.(\d+)", library.read_bytes())
    return max(17, *map(int, needed))
