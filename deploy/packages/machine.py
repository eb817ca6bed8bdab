"""What a program runs on, read from the program itself."""

import dataclasses
import re
import struct


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machines that a program runs on."""

    # Node's name of the system.
    system: str
    # Node's name of the processor.
    cpu: str
    # The C library that has to be there: `glibc`, or `musl` for a program that brings its own.
    libc: str | None
    # Python's name of all that.
    tag: str

    @property
    def name(self):
        """The name of its npm package, without the scope."""
        return f"{self.system}-{self.cpu}" + ("-musl" if self.libc == "musl" else "")


def machine(program):
    """Returns the `Machine` of a program's bytes; raises `ValueError` for one that is not known."""
    if program[:6] == b"\x7fELF\x02\x01":
        return elf(program)
    if program[:4] == b"\xcf\xfa\xed\xfe":
        return mach_o(program)
    raise ValueError("this is no program for Linux or macOS on a processor of 64 bits")


def elf(program):
    """Linux: ELF, https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html"""
    cpu, processor = {62: ("x64", "x86_64"), 183: ("arm64", "aarch64")}[struct.unpack_from("<H", program, 18)[0]]
    (offset,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    kinds = [struct.unpack_from("<I", program, offset + size * i)[0] for i in range(count)]
    # A program that names no loader (3) needs no library.
    if 3 not in kinds:
        return Machine("linux", cpu, "musl", f"manylinux_2_17_{processor}.musllinux_1_2_{processor}")
    # The newest version of the library that a symbol asks for.
    versions = [int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)", program)]
    if not versions:
        raise ValueError("this program needs another C library than glibc")
    return Machine("linux", cpu, "glibc", f"manylinux_2_{max(versions)}_{processor}")


def mach_o(program):
    """macOS: Mach-O, `mach-o/loader.h`."""
    cpu, processor = {0x1000007: ("x64", "x86_64"), 0x100000C: ("arm64", "arm64")}[struct.unpack_from("<I", program, 4)[0]]
    (count,) = struct.unpack_from("<I", program, 16)
    offset = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", program, offset)
        # The oldest system is in LC_BUILD_VERSION, or in LC_VERSION_MIN_MACOSX.
        if place := {0x32: 12, 0x24: 8}.get(command):
            (oldest,) = struct.unpack_from("<I", program, offset + place)
            major, minor = oldest >> 16, oldest >> 8 & 0xFF
            return Machine("darwin", cpu, None, f"macosx_{major}_{minor if major < 11 else 0}_{processor}")
        offset += size
    raise ValueError("this program does not say for which macOS it is")
