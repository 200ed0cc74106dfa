#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: the DPDK driver on PCI functions that vfio-pci holds, behind the guest's IOMMU.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh

pf=0000:01:00.0
vfs="0000:01:00.1 0000:01:00.2"
driver=/usr/lib/weir/dpdk/librte_net_weir.so

modprobe vfio-pci
modprobe vfio_iommu_type1
modprobe pci-pf-stub

# The PF has no driver of ours here: all that VFs need is that somebody enables them.
vfs_are_bound() {
	bind_driver "$pf" pci-pf-stub && set_attribute "/sys/bus/pci/devices/$pf/sriov_numvfs" 2 || return 1
	for vf in $vfs; do
		bind_driver "$vf" vfio-pci || return 1
	done
}
tap_run dpdk_pci.vfs.vfio_pci_takes_them vfs_are_bound

set_attribute /proc/sys/vm/nr_hugepages 160

# check PORTS COMMAND OPTIONS...: weir-dpdk-check on these functions
check() {
	check_ports=
	for check_port in $1; do
		check_ports="$check_ports -a $check_port"
	done
	shift
	# shellcheck disable=SC2086 # one word an argument
	weir-dpdk-check -l 0 --in-memory --no-telemetry -d "$driver" $check_ports -- "$@" >"/tmp/$1.log" 2>&1 && return 0
	cat "/tmp/$1.log"
	return 1
}
tap_run dpdk_pci.vfs.tell_their_limits_and_registers check "$vfs" facts
tap_run dpdk_pci.vfs.every_byte_arrives check "$vfs" integrity --count=1500
tap_run dpdk_pci.vfs.jumbo_frames_in_pieces_arrive check "$vfs" integrity --count=400 --max=9018 --segments=5
tap_run dpdk_pci.vfs.each_frame_wakes_the_sleeper check "$vfs" interrupts --groups=150
tap_run dpdk_pci.vfs.flows_stay_in_their_queue check "$vfs" spread
tap_run dpdk_pci.vfs.filters_hold check "$vfs" filters
tap_run dpdk_pci.vfs.start_and_stop_again_and_again check "$vfs" cycles --rounds=6 --frames=50 --replugs=0

# A reset that nobody announces, under traffic: the kernel's own, by sysfs.
says_flowing() {
	grep -q flowing /tmp/recover.log
}
reset_under_traffic() {
	check "$vfs" recover --frames=300 &
	recover_job=$!
	wait_until 60 says_flowing || return 1
	for vf in $vfs; do
		echo 1 >"/sys/bus/pci/devices/$vf/reset" || return 1
	done
	wait "$recover_job" || return 1
	[ "$(grep -c recovered /tmp/recover.log)" -ge 2 ]
}
tap_run dpdk_pci.vfs.reset_of_the_function_is_recovered_from reset_under_traffic

# The other pair of functions that DPDK can have: with the VFs gone, the PF itself.
pf_is_bound() {
	for vf in $vfs; do
		echo "$vf" >"/sys/bus/pci/devices/$vf/driver/unbind"
	done
	set_attribute "/sys/bus/pci/devices/$pf/sriov_numvfs" 0 && bind_driver "$pf" vfio-pci
}
tap_run dpdk_pci.pf.vfio_pci_takes_it pf_is_bound
tap_run dpdk_pci.pf.tells_its_limits_and_registers check "$pf" facts

# testpmd as the README says.
testpmd_runs() {
	printf 'show port info 0\nstart tx_first\nstop\nshow port stats 0\nquit\n' |
		dpdk-testpmd -l 0,1 --in-memory --no-telemetry -d "$driver" -a "$pf" -- -i --total-num-mbufs=8192 --no-mlockall \
			--forward-mode=macswap >/tmp/testpmd.log 2>&1
	grep -q 'Driver name: net_weir_pci' /tmp/testpmd.log && grep -q 'Link status: up' /tmp/testpmd.log &&
		grep -qE 'TX-packets: [3-9][0-9]' /tmp/testpmd.log && return 0
	cat /tmp/testpmd.log
	return 1
}
tap_run dpdk_pci.pf.testpmd_sends testpmd_runs
tap_done
