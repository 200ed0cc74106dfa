#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The doors between the rooms, checked: who may include what, what the firmware libraries may hold, licences.

Each check is a function of a tree (its top folder) that returns a list of complaints. The tests run them on this tree, and
on small trees with one thing broken, so that a check that finds nothing is known to be able to find something.
Arguments are shell globs of test names.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402
import tree  # noqa: E402

INCLUDE = re.compile(r'^\s*#\s*include(?:_next)?\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCE_SUFFIXES = (".c", ".h", ".S", ".inc")

# The host's side of the ABI, and the rooms on the other side of it
HOST_ROOMS = tree.DRIVER_FOLDERS + ("dpdk-pmd",)
DEVICE_ROOMS = ("firmware", "hwsim")

# What C itself gives a program without a library
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h"}
# What a compiler may call for an assignment of a struct
COMPILER_CALLS = {"memcpy", "memmove", "memset", "memcmp", "_GLOBAL_OFFSET_TABLE_"}
# Sections that are read-only once the program is loaded: constant tables, and those of them that hold pointers
CONSTANT_SECTIONS = re.compile(r"^(\.rodata|\.data\.rel\.ro|\.eh_frame|\.note|\.comment|\.debug)")

BSD, GPL2, GPL2_PLUS = "BSD-3-Clause", "GPL-2.0-only", "GPL-2.0-or-later"
LICENSED_SUFFIXES = SOURCE_SUFFIXES + (".py", ".sh", ".mk", ".yaml", ".yml", ".ld", ".pml", ".ini", ".conf", ".service", ".lua")
LICENSED_NAMES = ("Makefile", "Kbuild", ".clang-format", ".gitignore")


def sources(top, folder):
    """C and assembler files under top/folder, sorted."""
    return sorted(path for path in (top / folder).rglob("*") if path.suffix in SOURCE_SUFFIXES and path.is_file())


def includes(path):
    """(line number, "<" or '"', name) of each include of a file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1), match.group(2)


def in_folder(path, folder):
    """Whether an existing path lies under a folder, after following .. and links."""
    return folder.resolve() in path.resolve().parents


def tails(top, rooms):
    """{tail: path} of the headers in some rooms, for every tail of a header's path: whatever -I a room uses, an #include
    names such a tail."""
    found = {}
    for room in rooms:
        for header in sources(top, room):
            path = header.relative_to(top)
            for first in range(len(path.parts)):
                found["/".join(path.parts[first:])] = path
    return found


# --- the checks ---------------------------------------------------------------------------------------------------------


def drivers_see_the_abi_only(top):
    """Kernel drivers and the PMD include no header of the firmware or of the hardware model, by whatever path."""
    found = []
    device_headers, own = tails(top, DEVICE_ROOMS), tails(top, HOST_ROOMS + ("specs",))
    for room in HOST_ROOMS:
        for path in sources(top, room):
            for line, _, name in includes(path):
                where = "%s:%d includes %s" % (path.relative_to(top), line, name)
                beside = path.parent / name
                if any(part in DEVICE_ROOMS for part in pathlib.PurePath(name).parts):
                    found.append(where)
                elif beside.exists():
                    if any(in_folder(beside, top / device) for device in DEVICE_ROOMS):
                        found.append(where)
                elif name in device_headers and name not in own:
                    found.append("%s, which is %s" % (where, device_headers[name]))
    return found


def built_pmd_read_the_abi_only(top):
    """What the compiler read for the PMD (its dependency files) has no file of the firmware or of the hardware model."""
    found = []
    for objects in sorted((top / "build").glob("*/obj/*")):
        if not (objects / "dpdk-pmd").is_dir():
            continue
        for path in sorted(objects.rglob("*.d")):
            for word in path.read_text().replace("\\\n", " ").split():
                name = os.path.normpath(word.rstrip(":"))
                if name.split("/")[0] in DEVICE_ROOMS:
                    found.append("%s: %s" % (path.relative_to(top), name))
    return sorted(set(found))


def firmware_is_freestanding(top):
    """Firmware outside boards/hwsim* includes its own headers, the ABI's, and what C gives without a library."""
    found = []
    firmware = top / "firmware"
    for path in sources(top, "firmware"):
        inner = path.relative_to(firmware).parts
        if inner[0] == "boards" and inner[1].startswith("hwsim"):
            continue
        for line, kind, name in includes(path):
            where = "%s:%d includes %s" % (path.relative_to(top), line, name)
            if kind == "<" and name in FREESTANDING:
                continue
            places = [folder / name for folder in (path.parent, firmware / "include", firmware, top / "specs" / "include")]
            # A home's inline half of the HAL is found by the -I of the home that is built.
            homes = [header for header in (firmware / "boards").glob("*/**/" + pathlib.PurePath(name).name)
                     if str(header).endswith("/" + name)]
            exists = [place for place in places if place.exists()]
            if exists:
                if not any(in_folder(exists[0], folder) for folder in (firmware, top / "specs" / "include")):
                    found.append(where)
                elif in_folder(exists[0], firmware / "boards") and inner[0] != "boards":
                    found.append(where + ": a home by name")
            elif not (homes and path.relative_to(top) == pathlib.PurePath("firmware/include/hal.h")):
                found.append(where)
    return found


def nm(archive):
    """(symbol, type, section) of every symbol of an archive."""
    done = subprocess.run(["nm", "--format=sysv", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=True)
    for line in done.stdout.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 7 and fields[0] != "Name":
            yield fields[0], fields[2], fields[6]


def firmware_libraries(top):
    """The archives of the firmware, one a home that runs here, of every variant that is built."""
    return sorted((top / "build").glob("*/lib/libweirfw*.a"))


def door_calls(top):
    """The functions of the door to hardware: hal_… names of hal.h, and of the headers in which a home supplies its half; the
    native home's reach into hwsim's."""
    names = set()
    for path in [top / "firmware/include/hal.h"] + sources(top, "firmware/boards") + sources(top, "hwsim"):
        if path.exists() and path.suffix == ".h":
            names.update(re.findall(r"\b(hal_\w+)\s*\(", path.read_text(encoding="utf-8", errors="replace")))
    return names


def firmware_calls_nobody(top):
    """A firmware library without sanitizers has no undefined symbol but its own, the door's, and what the compiler calls."""
    found = []
    door = door_calls(top)
    for archive in firmware_libraries(top):
        if archive.parts[-3] == "asan":
            continue
        symbols = list(nm(archive))
        defined = {name for name, kind, _ in symbols if kind not in ("U", "w")}
        for name in sorted({name for name, kind, _ in symbols if kind in ("U", "w")} - defined - door - COMPILER_CALLS):
            found.append("%s calls %s" % (archive.relative_to(top), name))
    return found


def firmware_holds_no_state(top):
    """A firmware library has no symbol in a section that can be written: all state is in the context that the HAL gives."""
    found = []
    for archive in firmware_libraries(top):
        if archive.parts[-3] == "asan":
            continue
        for name, kind, section in nm(archive):
            if kind in "BbDdGgSsC" and not CONSTANT_SECTIONS.match(section):
                found.append("%s: %s in %s" % (archive.relative_to(top), name, section))
    return found


def licence_of(top, path):
    """The licence a file must name; path is relative to top."""
    if tree.within(path, tree.QEMU_FOLDER):
        return GPL2_PLUS
    if any(tree.within(path, folder) for folder in tree.DRIVER_FOLDERS):
        return GPL2
    if any((top / folder / "Kbuild").exists() for folder in path.parents if folder != pathlib.PurePath(".")):
        return GPL2
    return BSD


def licences_are_named(top, paths):
    """Every source file names its folder's licence in its first line, or in its second after #!."""
    found = []
    for path in paths:
        shebang = (top / path).open("rb").read(2) == b"#!"
        if path.suffix not in LICENSED_SUFFIXES and path.name not in LICENSED_NAMES and not shebang:
            continue
        lines = (top / path).read_text(encoding="utf-8", errors="replace").split("\n")[:2]
        line = lines[1 if shebang and len(lines) > 1 else 0]
        match = re.search(r"SPDX-License-Identifier: (\S+)", line)
        expected = licence_of(top, path)
        if not match:
            found.append("%s: no SPDX-License-Identifier in line %d, expected %s" % (path, 2 if shebang else 1, expected))
        elif match.group(1) != expected:
            found.append("%s: %s, expected %s" % (path, match.group(1), expected))
        elif not (tree.TOP / "LICENSES" / (expected + ".txt")).exists():
            found.append("%s: LICENSES/%s.txt is missing" % (path, expected))
    return found


# --- the tests ----------------------------------------------------------------------------------------------------------


def require_none(found):
    """No complaints."""
    tap.require(not found, "%d found: %s\n%s" % (len(found), "; ".join(found[:3]), "\n".join(found)))


def require_one(found, part):
    """One complaint, which has this part: the check sees what was broken, and only that."""
    tap.require(len(found) == 1 and part in found[0], "expected one complaint about %s, not %s" % (part, found))


class Tree:
    """A small tree to break: with Tree({path: text}) as top."""

    def __init__(self, files):
        self.files = files
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="weir-doors-"))

    def __enter__(self):
        for name, text in self.files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.top

    def __exit__(self, *_):
        shutil.rmtree(self.top)


def drivers_include_no_device_header():
    require_none(drivers_see_the_abi_only(tree.TOP))


def a_device_header_in_a_driver_is_found():
    good = {"specs/include/weir/weir_abi.h": "", "firmware/include/hal.h": "", "hwsim/include/weirsim.h": "",
            "hwsim/pcie/config.h": "", "pf-driver/config.h": "",
            "pf-driver/main.c": '#include <linux/pci.h>\n#include "config.h"\n#include <weir/weir_abi.h>\n'}
    with Tree(good) as top:
        require_none(drivers_see_the_abi_only(top))
    for bad, part in (('#include "../firmware/include/hal.h"', "bad.c:2 includes ../firmware/include/hal.h"),
                      ("#include <hal.h>", "which is firmware/include/hal.h"), ('  #  include "weirsim.h"', "weirsim.h"),
                      ("#include <hwsim/include/weirsim.h>", "weirsim.h")):
        for room in HOST_ROOMS:
            with Tree(dict(good, **{room + "/bad.c": "\n%s\n" % bad})) as top:
                require_one(drivers_see_the_abi_only(top), part)


def pmd_reads_no_device_header():
    if (tree.TOP / "dpdk-pmd" / "room.mk").exists():
        tap.require(any((tree.TOP / "build/opt/obj").glob("*/dpdk-pmd/**/*.d")), "the PMD is not built: run make")
    require_none(built_pmd_read_the_abi_only(tree.TOP))


def a_device_header_that_the_pmd_reads_is_found():
    objects = "build/opt/obj/librte_net_weir.so/dpdk-pmd/"
    with Tree({objects + "a.d": "build/a.o: dpdk-pmd/a.c \\\n specs/include/weir/weir_abi.h /usr/include/stdio.h\n"}) as top:
        require_none(built_pmd_read_the_abi_only(top))
    with Tree({objects + "a.d": "build/a.o: dpdk-pmd/a.c \\\n dpdk-pmd/../firmware/include/hal.h\n"}) as top:
        require_one(built_pmd_read_the_abi_only(top), "firmware/include/hal.h")


def firmware_includes_no_host_header():
    require_none(firmware_is_freestanding(tree.TOP))


def a_host_header_in_the_firmware_is_found():
    good = {"specs/include/weir/weir_abi.h": "", "firmware/include/hal.h": '#include "hal_home.h"\n', "firmware/core/core.h": "",
            "firmware/boards/hwsim/hal_home.h": "#include <string.h>\n", "hwsim/include/weirsim.h": "",
            "firmware/core/main.c": '#include <stdint.h>\n#include "core.h"\n#include "hal.h"\n#include <weir/weir_abi.h>\n'}
    with Tree(good) as top:
        require_none(firmware_is_freestanding(top))
    for bad in ("#include <string.h>", '#include "stdio.h"', '#include "weirsim.h"', '#include "../../hwsim/include/weirsim.h"',
                "#include <linux/types.h>", '#include "hal_home.h"', '#include "../boards/hwsim/hal_home.h"'):
        for folder in ("core", "boards/qemu-virt"):
            # A home may name its own headers, and there is none of hal_home.h in qemu-virt.
            if folder.startswith("boards") and "boards/hwsim" in bad:
                continue
            with Tree(dict(good, **{"firmware/%s/bad.c" % folder: bad + "\n"})) as top:
                require_one(firmware_is_freestanding(top), "bad.c:1")


def need_libraries():
    """The firmware libraries of this tree must be built: make check builds them first."""
    tap.require((tree.TOP / "build/opt/lib/libweirfw.a").exists(), "build/opt/lib/libweirfw.a is not built: run make")


def firmware_has_no_outside_calls():
    need_libraries()
    require_none(firmware_calls_nobody(tree.TOP))


def firmware_has_no_writable_data():
    need_libraries()
    require_none(firmware_holds_no_state(tree.TOP))


def look_at_compiled(check, code):
    """What a check says of a tree whose build/opt/lib/libweirfw.a holds this C code, and whose HAL is hal_now_ns()."""
    with Tree({"build/opt/lib/x.c": code, "firmware/include/hal.h": "int hal_now_ns(void);\n"}) as top:
        lib = top / "build/opt/lib"
        subprocess.run(["gcc", "-c", "-O2", "-fPIC", "-o", lib / "x.o", lib / "x.c"], check=True)
        subprocess.run(["ar", "rcs", lib / "libweirfw.a", lib / "x.o"], check=True)
        return check(top)


def an_outside_call_is_found():
    check = firmware_calls_nobody
    require_none(look_at_compiled(check, "void copy(void *a, void *b) { __builtin_memcpy(a, b, 5000); }\n"))
    require_none(look_at_compiled(check, "int hal_now_ns(void);\nint f(void) { return hal_now_ns(); }\n"))
    require_one(look_at_compiled(check, "int hal_other(void);\nint f(void) { return hal_other(); }\n"), "calls hal_other")
    require_one(look_at_compiled(check, "int puts(const char *);\nint f(void) { return puts(\"x\"); }\n"), "calls puts")
    require_one(look_at_compiled(check, "int w(void) __attribute__((weak));\nint f(void) { return w(); }\n"), "calls w")


def writable_data_is_found():
    check = firmware_holds_no_state
    require_none(look_at_compiled(check, "static int f(int a) { return a; }\nint (*const table[])(int) = { f };\n"))
    for code, name in (("int counter = 1;\n", "counter"), ("int zeroed[100];\n", "zeroed"),
                       ("int f(void) { static int calls; return calls++; }\n", "calls"),
                       ("__thread int mine;\n", "mine"), ("int tentative __attribute__((common));\n", "tentative"),
                       ("static int other;\nint *pointer = &other;\nint f(void) { return other++; }\n", "pointer")):
        found = look_at_compiled(check, code)
        tap.require(any(name in complaint for complaint in found), "%s was not found: %s" % (name, found))


def generated_files_are_fresh():
    before = os.environ.get("WEIR_STALE", "")
    tap.require(not before, "they were stale, and make has refreshed them; look at them and commit them\n" + before)
    done = subprocess.run(["/usr/bin/python3", "specs/generate.py", "--check"], cwd=tree.TOP, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    tap.require(done.returncode == 0, "specs/generate.py --check: exit code %d\n%s" % (done.returncode, done.stdout))


def stale_files_are_found():
    with tempfile.TemporaryDirectory(prefix="weir-doors-") as name:
        specs = pathlib.Path(name) / "specs"
        shutil.copytree(tree.TOP / "specs", specs)
        check = ["/usr/bin/python3", str(specs / "generate.py"), "--check"]
        for header in sorted(specs.glob("include/**/*.h")):
            text = header.read_text()
            header.write_text(text + "\n")
            done = subprocess.run(check, cwd=name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            tap.require(done.returncode != 0 and header.name in done.stdout, "%s was changed and is called fresh: %s" % (
                header.name, done.stdout))
            header.write_text(text)


def every_source_names_its_licence():
    require_none(licences_are_named(tree.TOP, tree.files()))


def a_wrong_or_missing_licence_is_found():
    def look(name, text, more=()):
        with Tree(dict({name: text}, **{extra: "" for extra in more})) as top:
            return licences_are_named(top, [pathlib.PurePath(name)])

    bsd, gpl = "/* SPDX-License-Identifier: BSD-3-Clause */\n", "// SPDX-License-Identifier: GPL-2.0-only\n"
    later = "/* SPDX-License-Identifier: GPL-2.0-or-later */\n"
    for name, text in (("firmware/a.c", bsd), ("pf-driver/a.c", gpl), ("hwsim/attach/qemu/a.c", later), ("README.md", ""),
                       ("tests/x", "#!/bin/sh\n# SPDX-License-Identifier: BSD-3-Clause\n")):
        require_none(look(name, text))
    require_none(look("tests/guest/module/a.c", gpl, ["tests/guest/module/Kbuild"]))
    for name, text, part in (("firmware/a.c", gpl, "expected BSD"), ("vf-driver/a.c", bsd, "expected GPL-2.0-only"),
                             ("driver-common/a.h", "int a;\n" + gpl, "no SPDX"), ("hwsim/attach/qemu/a.c", gpl, "or-later"),
                             ("hwsim/attach/a.c", later, "expected BSD"), ("a/room.mk", "", "no SPDX"),
                             ("tests/x", "#!/bin/sh\nexit\n", "line 2"), ("tests/guest/module/a.c", gpl, "expected BSD")):
        require_one(look(name, text), part)


def main():
    """Returns the exit code."""
    suite = tap.Suite(sys.argv[1:])
    for row, function in (
            ("includes", drivers_include_no_device_header), ("includes", a_device_header_in_a_driver_is_found),
            ("includes", pmd_reads_no_device_header), ("includes", a_device_header_that_the_pmd_reads_is_found),
            ("includes", firmware_includes_no_host_header), ("includes", a_host_header_in_the_firmware_is_found),
            ("firmware", firmware_has_no_outside_calls), ("firmware", an_outside_call_is_found),
            ("firmware", firmware_has_no_writable_data), ("firmware", writable_data_is_found),
            ("specs", generated_files_are_fresh), ("specs", stale_files_are_found),
            ("licences", every_source_names_its_licence), ("licences", a_wrong_or_missing_licence_is_found)):
        suite.run("doors.%s.%s" % (row, function.__name__), function)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
