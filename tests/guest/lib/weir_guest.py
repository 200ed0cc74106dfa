# SPDX-License-Identifier: BSD-3-Clause
"""Suites whose tests run in a guest with a Weir: the command line that they all take, and the guest that they all want."""

import argparse
import os

import guest

_NET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net", "net.sh")
_BIN = os.path.join(guest.BUILD, "opt", "bin")


def parser(description, kernel="6.1", watched=False):
    """An ArgumentParser for --kernel and the names of tests; a suite adds options of its own.

    description: the suite's __doc__, of which the first line is shown. kernel: which one without --kernel.
    watched: the suite can run on a debug kernel, too, whose drivers --drivers tells.
    """
    made = argparse.ArgumentParser(description=description.splitlines()[0])
    made.add_argument("--kernel", default=kernel, help="6.1, 6.12, 7.2%s" % (", or the image of a debug kernel" if watched else ""))
    if watched:
        made.add_argument("--drivers", help="folder with weir.ko and weirvf.ko built for a debug kernel")
    made.add_argument("names", nargs="*", metavar="GLOB", help="names of tests; all without")
    return made


def on_debug_kernel(options):
    """Do the drivers run on a kernel that watches them (lock validator, address sanitizer), several times slower?"""
    return bool(getattr(options, "drivers", None))


def run(suite, name, job, options, devices, programs=(), binaries=None, settings=None, files=None, **arguments):
    """Run a suite's job in a guest with both drivers, net.sh and ping; its results become the suite's.

    suite: a tap.Suite. name: of the test of the guest itself. job: path of the suite's own .py file, beside which job.sh lies.
    options: what parser() made. devices: QEMU's arguments (guest.weir_arguments(), Wire.devices()). programs: of the host, for the
    guest, by path. binaries: of build/opt/bin, by the name that each has in /job. settings: variables of /job/settings.sh; with
    none of them there is no such file. files: more for the guest, by path, as guest.run_tap() has them. All else is
    guest.run_tap()'s, whose Result is returned.
    """
    overlay = {"/job/net.sh": _NET}
    for of_job, binary in (binaries or {}).items():
        overlay["/job/" + of_job] = os.path.join(_BIN, binary)
    if settings:
        overlay["/job/settings.sh"] = "".join("%s='%s'\n" % item for item in settings.items()).encode()
    overlay.update(files or {})
    arguments.setdefault("memory_mb", 768)
    if on_debug_kernel(options):
        arguments["modules"] = [os.path.join(options.drivers, module) for module in ("weir.ko", "weirvf.ko")]
        arguments.update(memory_mb=1800, cmdline_extra="kasan_multi_shot pci=realloc")
    return guest.run_tap(suite, name, os.path.join(os.path.dirname(os.path.abspath(job)), "job.sh"), devices, kernel=options.kernel,
                         preload=guest.WEIR_QEMU, programs=["/usr/bin/ping", *programs], overlay_files=overlay, **arguments)
