#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest that has an e1000e on QEMU's user network: what every guest must have for the tests of the drivers.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh

nic=0000:01:00.0
netdev=$(netdev_of "$nic")

# says WANTED COMMAND...: the command's output, either stream, has the extended expression in it
says() {
	says_wanted=$1
	shift
	says_output=$("$@" 2>&1)
	printf '%s\n' "$says_output" | grep -qE "$says_wanted" || {
		printf '%s\n' "$says_output"
		return 1
	}
}

tap_run guest.kernel.is_the_one_asked_for says "^$EXPECTED_RELEASE\$" uname -r
tap_run guest.kernel.keeps_time_by_the_counter_of_the_processor \
	says '^(tsc|hpet)$' cat /sys/devices/system/clocksource/clocksource0/current_clocksource
tap_run guest.kernel.has_dma_remapping says 'DMAR: Intel.R. Virtualization Technology for Directed I/O' dmesg
tap_run guest.kernel.has_interrupt_remapping says 'DMAR-IR: Enabled IRQ remapping' dmesg
iommu_group_exists() {
	[ -e "/sys/bus/pci/devices/$nic/iommu_group" ]
}
tap_run guest.kernel.nic_has_an_iommu_group iommu_group_exists

# The real programs and not busybox's of the same name.
tap_run guest.tools.ip_is_of_iproute2 says '^ip utility, iproute2' ip -V
tap_run guest.tools.tc_is_of_iproute2 says '^tc utility, iproute2' tc -V
tap_run guest.tools.bridge_runs says '^bridge utility' bridge -V
tap_run guest.tools.devlink_runs says '^devlink utility' devlink -V
tap_run guest.tools.ethtool_names_the_driver says '^driver: e1000e$' ethtool -i "$netdev"
tap_run guest.tools.tcpdump_lists_the_interface says "$netdev" tcpdump -D
tap_run guest.tools.lspci_knows_names says '01:00.0 Ethernet controller: Intel Corporation 82574L' lspci
tap_run guest.tools.lspci_reads_capabilities says 'Advanced Error Reporting' lspci -vvv -s "$nic"
tap_run guest.tools.setpci_reads_the_vendor says '^8086$' setpci -s "$nic" VENDOR_ID

veth_by_itself() {
	ip link add pair0 type veth peer name pair1 && grep -q '^veth ' /proc/modules
}
tap_run guest.modules.load_on_demand veth_by_itself
needs_others() {
	modprobe vfio_pci && grep -q '^vfio_pci_core ' /proc/modules
}
tap_run guest.modules.dependencies_come_first needs_others
tap_run guest.modules.nonsense_is_refused says 'not found' modprobe nonsense
given_module() {
	modprobe weir_guest_sample && says 'weir_guest_sample: answer 42' dmesg
}
if [ -n "$WITH_MODULE" ]; then
	tap_run guest.modules.one_built_here_is_loaded given_module
fi

user_network() {
	ip address add 10.0.2.15/24 dev "$netdev" && ip link set dev "$netdev" up &&
		wait_until 10 ping -q -c 1 -W 1 10.0.2.2
}
tap_run guest.network.host_answers_ping user_network

iperf() {
	ip netns add peer && ip link set dev pair1 netns peer &&
		ip address add 10.1.0.1/24 dev pair0 && ip link set dev pair0 up &&
		ip -n peer address add 10.1.0.2/24 dev pair1 && ip -n peer link set dev pair1 up &&
		ip netns exec peer iperf3 -s -1 -D && wait_until 5 iperf3 -c 10.1.0.2 -n 1M --connect-timeout 500 >"$RESULTS/iperf.txt"
}
tap_run guest.network.iperf3_runs_between_namespaces iperf

tap_run guest.lib.functions_are_found_by_identity says "^$nic\$" pci_functions 8086:10d3
tap_run guest.lib.kernels_refusal_is_told_in_its_words \
	says 'Invalid argument' set_attribute "/sys/bus/pci/devices/$nic/msi_bus" nonsense
given_to_vfio() {
	bind_driver "$nic" vfio-pci && ! netdev_of "$nic" &&
		[ -e "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$nic/iommu_group")")" ]
}
tap_run guest.lib.function_is_given_to_vfio given_to_vfio
given_back() {
	bind_driver "$nic" e1000e && netdev_of "$nic"
}
tap_run guest.lib.function_is_given_back given_back

tap_run guest.runner.root_folder_is_roots_alone says '^755$' stat -c %a /
tap_run guest.runner.overlay_file_is_here says '^from the host$' cat /job/greeting
tap_run guest.runner.overlay_program_runs says 'GNU sed' /bin/sed --version
tap_run guest.runner.share_is_readable says '^shared$' cat /shared/file
share_is_read_only() {
	! touch /shared/other 2>/dev/null
}
tap_run guest.runner.share_is_read_only share_is_read_only
dd if=/dev/urandom of="$RESULTS/blob" bs=100000 count=30 2>/dev/null
sha256sum <"$RESULTS/blob" | cut -d ' ' -f 1 >"$RESULTS/blob.sha256"

echo 'say it:'
read -r answer
tap_run guest.runner.standard_input_comes_from_the_host says '^swordfish$' echo "$answer"
tap_done
