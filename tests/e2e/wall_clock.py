"""The clock that people read, of one program alone, set ahead while it runs; see wall_clock.c."""

import pathlib
import struct
import subprocess

SOURCE = pathlib.Path(__file__).with_suffix(".c")


class WallClock:
    """`environment` is that of the program."""

    def __init__(self, folder):
        self.ahead, library = folder / "ahead", folder / "wall_clock.so"
        compiler = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE]
        subprocess.run(compiler, check=True)
        self.ahead.write_bytes(struct.pack("=q", 0))
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_AHEAD": str(self.ahead)}

    def set_ahead(self, seconds):
        # In place: the program has the file mapped, which must not become shorter even for a moment.
        with open(self.ahead, "r+b", buffering=0) as file:
            file.write(struct.pack("=q", seconds))
