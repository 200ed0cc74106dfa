# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What jobs in a guest share. A job begins with
#
#	#!/bin/sh
#	. /usr/lib/weir/guest.sh
#
# and then has tap_run, tap_ok … (tests/lib/tap.sh) and the functions below. It runs in /job; what it writes to $RESULTS is on
# the host at once (each write waits for the host: write in large pieces).

# shellcheck source=tests/lib/tap.sh
. /usr/lib/weir/tap.sh

# wait_until SECONDS COMMAND...: tries every tenth of a second until the command exits 0. Returns 1 when the time is over: so many
# seconds, times $WAIT_FACTOR for a job in a guest that is slower than others. The command may wait itself: the deadline is a
# function's argument, which is nobody else's.
wait_until() {
	wait_seconds=$(($1 * ${WAIT_FACTOR:-1}))
	shift
	wait_before "$(($(guest_uptime_ms) + wait_seconds * 1000))" "$@"
}

# wait_before MILLISECONDS COMMAND...: the same, until then
wait_before() {
	until wait_try "$@"; do
		[ "$(guest_uptime_ms)" -lt "$1" ] || return 1
		usleep 100000
	done
}

wait_try() {
	shift
	"$@"
}

# guest_uptime_ms: milliseconds since the kernel started
guest_uptime_ms() {
	read -r uptime_seconds _ </proc/uptime
	uptime_whole=${uptime_seconds%.*}
	uptime_part=${uptime_seconds#*.}
	echo $((uptime_whole * 1000 + ${uptime_part#0} * 10))
}

# pci_functions VENDOR:DEVICE: the addresses (0000:01:00.0) of functions with that identity (lower case hex), one a line
pci_functions() {
	for pci_function in /sys/bus/pci/devices/*; do
		read -r pci_vendor <"$pci_function/vendor"
		read -r pci_device <"$pci_function/device"
		[ "${pci_vendor#0x}:${pci_device#0x}" != "$1" ] || echo "${pci_function##*/}"
	done
}

# netdev_of ADDRESS: the name of the network interface of a PCI function (its first); 1 when it has none
netdev_of() {
	for pci_netdev in "/sys/bus/pci/devices/$1/net/"*; do
		[ -e "$pci_netdev" ] || return 1
		echo "${pci_netdev##*/}"
		return 0
	done
}

# bind_driver ADDRESS DRIVER: gives a function to that driver and no other, whichever has it now
bind_driver() {
	bind_home=/sys/bus/pci/devices/$1
	[ ! -e "$bind_home/driver" ] || echo "$1" >"$bind_home/driver/unbind"
	set_attribute "$bind_home/driver_override" "$2"
	set_attribute /sys/bus/pci/drivers_probe "$1"
	[ "$(basename "$(readlink "$bind_home/driver")")" = "$2" ]
}

# set_attribute FILE VALUE: writes to a file of the kernel's, and where it refuses says why in its words (the shell's own echo
# says "I/O error" for everything)
set_attribute() {
	busybox echo "$2" >"$1"
}

# count_lines_like PATTERN: how many lines of the kernel's log match the extended expression
count_lines_like() {
	dmesg | grep -cE "$1"
}
