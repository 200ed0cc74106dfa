#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: what Linux shows of the configuration spaces of PF and VF, and what comes of writing them. The host
# judges. Each function is written to while no driver has it.
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh

pf=0000:01:00.0
vf=0000:01:00.2 # VF 1
home=/sys/bus/pci/devices/$pf
set -e

# probe NAME ADDRESS: as found, lspci's view and the results of all operations
probe() {
	lspci -vvv -nn -s "$2" >"$RESULTS/$1.lspci"
	config-probe sysfs "/sys/bus/pci/devices/$2" <"/job/$1.operations" >"/tmp/$1.results"
	cp "/tmp/$1.results" "$RESULTS/$1.results"
}

# in_use NAME ADDRESS: the same as drivers leave it
in_use() {
	lspci -vvv -nn -s "$2" >"$RESULTS/$1.lspci_in_use"
	config-probe sysfs "/sys/bus/pci/devices/$2" </dev/null >"$RESULTS/$1.in_use"
}

[ ! -e "$home/driver" ]
probe pf "$pf"
modprobe weir
echo 0 >"$home/sriov_drivers_autoprobe"
echo 3 >"$home/sriov_numvfs"
[ ! -e "/sys/bus/pci/devices/$vf/driver" ]
probe vf "$vf"
# What was written to a function has done it no harm: both drivers work.
modprobe weirvf
echo 0 >"$home/sriov_numvfs"
echo 1 >"$home/sriov_drivers_autoprobe"
echo 3 >"$home/sriov_numvfs"
wait_until 20 netdev_of "$vf"
ip link set dev "$(netdev_of "$pf")" up
ip link set dev "$(netdev_of "$vf")" up
in_use pf "$pf"
in_use vf "$vf"
