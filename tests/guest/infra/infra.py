#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Whether guests can be trusted to tell the truth: that a job's success and failure come back, that what goes wrong in a guest's
kernel is seen, that what hangs is killed in time, and that a guest has the programs and modules that tests use.

    infra.py [--kernel 6.12] [GLOB of test names …]
"""

import argparse
import hashlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "lib"), os.path.join(HERE, "..", "lib")]
import guest  # noqa: E402
import tap  # noqa: E402
from weirvm import cpio, kernels, modules, problems  # noqa: E402

WEIR_VM = os.path.join(guest.TOP, "tools", "weir-vm")
MODULE_SOURCE = """// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>

static int answer = 42;

static int __init sample_init(void)
{
	pr_info("weir_guest_sample: answer %d\\n", answer);
	return 0;
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_DESCRIPTION("A module built against the headers of a guest's kernel");
MODULE_LICENSE("GPL");
"""


def require_equal(got, wanted, what):
    """Fail unless both are equal."""
    tap.require(got == wanted, "%s: %r, not %r" % (what, got, wanted))


def build_module(series, folder):
    """Build the sample module against the fetched headers; returns the .ko's path."""
    with open(os.path.join(folder, "weir_guest_sample.c"), "w", encoding="utf-8") as stream:
        stream.write(MODULE_SOURCE)
    with open(os.path.join(folder, "Makefile"), "w", encoding="utf-8") as stream:
        stream.write("obj-m := weir_guest_sample.o\n")
    headers = os.path.join(guest.BUILD, "deps", "guest", "kernel-" + series, "headers")
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(["make", "-C", headers, "M=" + folder, "W=1", "modules"], capture_output=True, text=True, check=False,
                          env=environment)
    tap.require(done.returncode == 0, "make failed\n" + done.stdout + done.stderr)
    tap.require("warning:" not in done.stderr, "warnings\n" + done.stderr)
    return os.path.join(folder, "weir_guest_sample.ko")


# --- without a guest ------------------------------------------------------------------------------------------------------


def archive_is_read_by_cpio():
    """What weirvm.cpio writes, cpio(1) unpacks: contents, permissions, links; a later file replaces an earlier one."""
    archive = cpio.Archive()
    archive.file("/etc/one", "first\n")
    archive.file("/etc/one", "second\n", 0o600)
    archive.file("bin/run", b"\x00\x01\x02", 0o755)
    archive.link("/lib", "usr/lib")
    archive.directory("/empty/deep", 0o1777)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cpio", "--quiet", "-idm"], input=archive.to_bytes(), cwd=folder, check=True)

        def read(name):
            with open(os.path.join(folder, name), "rb") as stream:
                return stream.read(), oct(os.fstat(stream.fileno()).st_mode & 0o7777)

        require_equal(read("etc/one"), (b"second\n", "0o600"), "etc/one")
        require_equal(read("bin/run"), (b"\x00\x01\x02", "0o755"), "bin/run")
        require_equal(os.readlink(os.path.join(folder, "lib")), "usr/lib", "link")
        require_equal(oct(os.stat(os.path.join(folder, "empty/deep")).st_mode & 0o7777), "0o1777", "mode of a directory")
    require_equal(len(archive.to_bytes()) % 4, 0, "length modulo 4")


def index_names_the_deepest_last():
    """modules.dep: what is needed by what is needed comes later, and each once, as depmod writes it."""
    def module(name, *depends):
        return modules.Module(name, "/k/%s.ko" % name, list(depends), ["pci:%s*" % name])

    found = {each.name: each for each in (module("a", "b", "c"), module("b", "d"), module("c", "b"), module("d"))}
    files = modules.index_files(found, lambda name: name + ".ko")
    require_equal(files["modules.dep"], "a.ko: c.ko b.ko d.ko\nb.ko: d.ko\nc.ko: b.ko d.ko\nd.ko:\n", "modules.dep")
    require_equal(files["modules.alias"].splitlines()[0], "alias pci:a* a", "modules.alias")


def each_kind_of_complaint_is_seen():
    """Lines as kernels print them, and the kind each must be found to be."""
    lines = {
        "[    1.5] BUG: kernel NULL pointer dereference, address: 0000000000000008": "bug",
        "[   12.25] kernel BUG at net/core/skbuff.c:120!": "bug",
        "[    3.0] Oops: 0002 [#1] PREEMPT SMP": "oops",
        "[    3.0] general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]": "oops",
        "[    4.125] WARNING: CPU: 0 PID: 1 at kernel/dma/debug.c:973 check_sync+0x1/0x2": "warning",
        "[    4.125] WARNING: possible circular locking dependency detected": "lockdep",
        "[    4.2][  T17] BUG: KASAN: slab-use-after-free in weir_poll+0x1/0x2": "sanitizer",
        "[    4.2] UBSAN: array-index-out-of-bounds in x.c:1:2": "sanitizer",
        "[    4.2] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)": "sanitizer",
        "[    5.0] DMAR: DRHD: handling fault status reg 2": "iommu_fault",
        "[    5.0] DMAR: [DMA Write NO_PASID] Request device [01:00.1] fault addr 0xfff [fault reason 0x05] x": "iommu_fault",
        "[    5.1] pcieport 0000:00:04.0: AER: Uncorrected (Non-Fatal) error received: 0000:01:00.0": "aer",
        "[    5.2] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [iperf3:123]": "stall",
        "[    5.2] INFO: task ip:12 blocked for more than 120 seconds.": "stall",
        "[    5.3] unregister_netdevice: waiting for eth0 to become free. Usage count = 2": "reference",
        "[    5.3] Kernel panic - not syncing: Fatal exception": "panic",
    }
    for line, kind in lines.items():
        require_equal([problem.kind for problem in problems.on_console("\r\n" + line + "\r\n")], [kind], line)
    harmless = "DMAR: IOMMU enabled\nDMAR: dmar0: Using Queued invalidation\nweir 0000:01:00.0: debugging is off\nAER: enabled\n"
    require_equal(problems.on_console(harmless), [], "harmless lines")


def expectations_are_judged():
    """Expected problems must come, allowed ones may, others fail."""
    found = problems.on_console("WARNING: CPU: 0 at a.c:1\nDMAR: DRHD: handling fault status reg 2\n")
    unexpected, missing = problems.judge(found, expected=["iommu_fault: .*status reg 2"], allowed=["aer: "])
    require_equal([problem.kind for problem in unexpected], ["warning"], "unexpected")
    require_equal(missing, [], "missing")
    unexpected, missing = problems.judge(found, expected=["^bug: "], allowed=["^warning: ", "^iommu"])
    require_equal((unexpected, missing), ([], ["^bug: "]), "expected and absent")


def refuses(pattern, function, *arguments, **named):
    """The call must raise a GuestError that matches the pattern."""
    try:
        function(*arguments, **named)
    except guest.GuestError as error:
        tap.require(re.search(pattern, str(error)), "says: %s" % error)
    else:
        raise AssertionError("nothing was refused")


def mistakes_are_told(series, module_of_other):
    """Before QEMU starts, and with what to do about it."""
    job = "#!/bin/sh\n"
    refuses("no kernel '6.99'", guest.Guest, job, kernel="6.99")
    refuses("no x86 kernel image", guest.Guest, job, kernel=__file__)
    refuses("preload the library", guest.Guest, job, guest.weir_arguments(), kernel=series)
    refuses("does not exist", guest.Guest, job, kernel=series, preload="/nowhere/weir-qemu.so")
    refuses("leave out id=", guest.nic_arguments, "e1000e", ["user,id=x"])
    refuses("no file /nowhere", guest.run_guest, job, kernel=series, overlay_files={"/job/x": "/nowhere"})
    refuses("no kernel module|not a 64-bit", guest.run_guest, job, kernel=series, modules=[__file__])
    if module_of_other:
        refuses("was built for kernel", guest.run_guest, job, kernel=series, modules=[module_of_other])


# --- with one -------------------------------------------------------------------------------------------------------------


def good_job(suite, series, folder, module):
    """A job that is itself a suite, in one guest with everything that a run can bring along. Returns its Result."""
    share = os.path.join(folder, "shared")
    os.mkdir(share)
    with open(os.path.join(share, "file"), "w", encoding="ascii") as stream:
        stream.write("shared\n")
    settings = "export EXPECTED_RELEASE=%s WITH_MODULE=%s\n" % (
        shlex.quote(re.escape(kernels.find_kernel(series).release)), "yes" if module else "")

    def give_the_word(running):
        running.wait_for("^say it:$", timeout_s=90)
        running.send("swordfish\n")

    return guest.run_tap(
        suite, "guest.runner.good_job_is_good", "#!/bin/sh\n. ./settings.sh\n. ./infra.sh\n", guest.nic_arguments("e1000e"),
        drive=give_the_word, kernel=series, load=["e1000e"], programs=["/bin/sed"],
        overlay_files={"/job/settings.sh": settings.encode(), "/job/infra.sh": os.path.join(HERE, "job.sh"),
                       "/job/greeting": b"from the host\n"},
        shares=[("shared", share, False)], modules=[module] if module else [], timeout_s=120,
    )


def results_come_back(result):
    """What the job wrote to $RESULTS is here, byte for byte, with the kernel's log."""
    digest = hashlib.sha256(result.file("blob")).hexdigest()
    require_equal(digest, result.file("blob.sha256").decode().strip(), "digest of 3 MB")
    tap.require(b"Linux version" in result.file("dmesg.txt"), "no kernel log among the results")
    refuses("wrote no nothing", result.file, "nothing")


FAILING_JOB = """#!/bin/sh
echo '<4>WARNING: CPU: 0 PID: 1 at test.c:1 this is a test' >/dev/kmsg
echo '<3>DMAR: [DMA Read NO_PASID] Request device [01:00.0] fault addr 0x1000 [fault reason 0x06] this is a test' >/dev/kmsg
printf 'no end of line'
exit 3
"""


def failing_job(series):
    """Runs it; three tests look at the Result."""
    return guest.run_guest(FAILING_JOB, kernel=series, name="failing", expected=["^iommu_fault: .*01:00.0"], timeout_s=60)


def failure_comes_back(result):
    """The exit status, and the last line though it has no end."""
    require_equal((result.outcome, result.status, result.ok), ("finished", 3, False), "outcome, status, ok")
    tap.require("exit status is 3" in result.why, result.why)
    require_equal(result.output, "no end of line\n", "output")


def complaint_is_found(result):
    """The warning that nobody expected is in the Result, the fault that was expected is not."""
    require_equal([problem.kind for problem in result.problems], ["warning"], "problems")
    require_equal(result.missing, [], "missing")


def panic_is_found(series):
    """A crash of the kernel ends the guest at once; expected, it is no failure."""
    result = guest.run_guest("#!/bin/sh\necho before\necho c >/proc/sysrq-trigger\nsleep 100\n", kernel=series, name="panic",
                             timeout_s=90, expected=["panic: .*sysrq triggered crash"])
    require_equal((result.outcome, result.status), ("panicked", None), "outcome, status")
    require_equal(result.output, "before\n", "output")
    require_equal((result.ok, result.why), (True, ""), "with the panic expected")
    tap.require(result.total_s < result.boot_s + 20, "it took %.1f s to end" % (result.total_s - result.boot_s))
    result.problems, _ = problems.judge(problems.on_console(result.console))
    tap.require(not result.ok and "panic" in result.why, "unexpected, it is no failure: '%s'" % result.why)


def hang_is_killed(series, boot_s):
    """A job that never ends is killed when its time is over, and where its processor was is in the log."""
    timeout_s = max(8, 2 * boot_s)
    start = time.monotonic()
    job = "#!/bin/sh\necho 'I spin'\nwhile :; do :; done\n"
    with guest.Guest(job, kernel=series, name="hang", timeout_s=timeout_s) as running:
        running.wait_for("I spin", timeout_s=timeout_s)
        pid = running.pid
        result = running.wait()
    took_s = time.monotonic() - start
    require_equal((result.outcome, result.status, result.ok), ("timed out", None, False), "outcome, status, ok")
    tap.require(timeout_s <= took_s < timeout_s + 8, "killed after %.1f s, not %.1f" % (took_s, timeout_s))
    tap.require(not os.path.exists("/proc/%d" % pid), "QEMU still runs")
    require_equal(result.problems, [], "problems")
    tap.require(re.search(r"CPU: \d+ (UID: \d+ )?PID: \d+ Comm: run ", result.console),
                "no word of the job's processor on the console\n" + result.console)


def dead_emulator_is_found(series):
    """QEMU killed from outside: neither a success nor a timeout. Before, what it was started with is looked at."""
    library = "/usr/lib/x86_64-linux-gnu/libcunit.so.1"
    with guest.Guest("#!/bin/sh\necho up\nsleep 100\n", kernel=series, name="dead", timeout_s=60, shared_memory=True,
                     preload=library) as running:
        running.wait_for("^up$", timeout_s=50)
        require_equal(running.monitor("query-status")["status"], "running", "QEMU's own word")
        with open("/proc/%d/maps" % running.pid, encoding="ascii") as stream:
            maps = stream.read()
        tap.require(os.path.realpath(library) in maps, "the library to preload is not in QEMU")
        tap.require(re.search(r"rw-s .*/memfd:", maps), "the guest's memory is no shared memfd")
        os.kill(running.pid, signal.SIGKILL)
        result = running.wait()
    require_equal((result.outcome, result.qemu_status, result.ok), ("died", -signal.SIGKILL, False), "outcome, status, ok")


def weir_vm(*arguments):
    """Run the command; returns what subprocess.run does."""
    return subprocess.run([WEIR_VM, *arguments], capture_output=True, text=True, check=False, timeout=120,
                          stdin=subprocess.DEVNULL)


def weir_vm_runs_a_script(series, folder):
    """A kernel image and modules of one's own, a script, a shared folder, arguments for QEMU: its status is the script's."""
    home = os.path.join(guest.BUILD, "deps", "guest", "kernel-" + series)
    share = os.path.join(folder, "vm")
    os.mkdir(share)
    script = os.path.join(folder, "script.sh")
    with open(script, "w", encoding="ascii") as stream:
        stream.write("#!/bin/sh\nuname -r\nip -o link | grep -c dummy0\necho written >/share/file\nexit 42\n")
    done = weir_vm("--kernel", os.path.join(home, "vmlinuz"), "--modules", os.path.join(home, "modules"), "--no-nic",
                   "--share", share, "--run", script, "--load", "dummy", "--memory", "384", "--smp", "1",
                   "--", "-device", "virtio-rng-pci")
    require_equal(done.returncode, 42, "exit status (%s)" % done.stderr.strip())
    require_equal(done.stdout.split(), [kernels.find_kernel(series).release, "1"], "output")
    with open(os.path.join(share, "file"), encoding="ascii") as stream:
        require_equal(stream.read(), "written\n", "file in the shared folder")


def weir_vm_brings_a_weir(series, folder):
    """Without further words a guest has a Weir, its PF driven; with --vfs as many VFs, driven too."""
    script = os.path.join(folder, "weir.sh")
    with open(script, "w", encoding="ascii") as stream:
        stream.write("#!/bin/sh\nfor each in /sys/class/net/*/device/driver; do basename \"$(readlink \"$each\")\"; done | sort | uniq -c\n")
    for vfs, wanted in ((0, "1 weir"), (3, "1 weir 3 weirvf")):
        done = weir_vm("--kernel", series, "--vfs", str(vfs), "--run", script)
        require_equal((done.returncode, " ".join(done.stdout.split())), (0, wanted), "drivers of interfaces (%s)" % done.stderr.strip())


def weir_vm_tells_mistakes():
    """Exit status 2 for a mistake on the command line, 125 for what cannot be started; in one line and without a traceback."""
    for status, pattern, arguments in (
        (125, "no kernel '/nowhere'", ["--no-nic", "--kernel", "/nowhere"]),
        (125, "--vfs", ["--no-nic", "--vfs", "2"]),
        (125, "/nowhere", ["--no-nic", "--run", "/nowhere"]),
        (125, "/nowhere", ["--no-nic", "--share", "/nowhere"]),
        (125, "attach|/nowhere", ["--attach", "/nowhere"]),
        (2, "memory", ["--no-nic", "--memory", "much"]),
        (2, "vfs", ["--vfs", "-1"]),
        (2, "unrecognized", ["--nonsense"]),
    ):
        done = weir_vm(*arguments)
        said = done.stderr.strip()
        tap.require(done.returncode == status and re.search(pattern, said) and "Traceback" not in said,
                    "%s: status %d, says: %s" % (" ".join(arguments), done.returncode, said))


def main():
    """Returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    series = options.kernel
    suite = tap.Suite(options.only)

    suite.run("guest.builder.archive_is_read_by_cpio", archive_is_read_by_cpio)
    suite.run("guest.builder.index_names_the_deepest_last", index_names_the_deepest_last)
    suite.run("guest.problems.each_kind_of_complaint_is_seen", each_kind_of_complaint_is_seen)
    suite.run("guest.problems.expectations_are_judged", expectations_are_judged)
    suite.run("guest.weir_vm.mistakes_are_told", weir_vm_tells_mistakes)

    with tempfile.TemporaryDirectory(prefix="weir-guest-infra-") as folder:
        built = {}

        def build(which):
            where = os.path.join(folder, "module-" + which)
            os.mkdir(where)
            built[which] = build_module(which, where)

        other = "6.12" if series == "6.1" else "6.1"
        suite.run("guest.headers.module_builds_for_this_kernel", build, series)
        suite.run("guest.headers.module_builds_for_the_other_kernel", build, other)
        suite.run("guest.runner.mistakes_are_told", mistakes_are_told, series, built.get(other))

        boot_s = 8.0
        result = good_job(suite, series, folder, built.get(series))
        if result is not None and result.boot_s is not None:
            boot_s = result.boot_s
            print("# QEMU's start to the job's: %.2f s; the kernel's own count: %.2f s" % (boot_s, result.kernel_boot_s))
            suite.run("guest.runner.results_come_back", results_come_back, result)
        failed = []
        suite.run("guest.runner.failing_job_runs", lambda: failed.append(failing_job(series)))
        if failed:
            suite.run("guest.runner.failure_comes_back", failure_comes_back, failed[0])
            suite.run("guest.runner.complaint_of_the_kernel_is_found", complaint_is_found, failed[0])
        suite.run("guest.runner.panic_is_found", panic_is_found, series)
        suite.run("guest.runner.hang_is_killed", hang_is_killed, series, boot_s)
        suite.run("guest.runner.dead_emulator_is_found", dead_emulator_is_found, series)
        suite.run("guest.weir_vm.runs_a_script", weir_vm_runs_a_script, series, folder)
        suite.run("guest.weir_vm.brings_a_weir", weir_vm_brings_a_weir, series, folder)
    return suite.done()


if __name__ == "__main__":
    sys.exit(main())
