#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest whose IOMMU is set up in one of several ways (/job/settings.sh: MODE, the tests' word for it; GROUP_TYPE, what the kernel
# calls its domains, empty without an IOMMU; ATS + or -; VFIO yes if a VF is to be given away).
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

come_up() {
	load_drivers && set_vfs 3 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24
}
tap_run "guest.iommu.${MODE}_functions_come_up" come_up

group_path() {
	readlink -f "$PF_PATH/virtfn$1/iommu_group"
}
domains() {
	if [ -z "$GROUP_TYPE" ]; then
		[ ! -e "$PF_PATH/iommu_group" ]
		return
	fi
	# With the IOMMU come interrupts that it remaps.
	says 'DMAR-IR: Enabled IRQ remapping' dmesg || return 1
	says "^$GROUP_TYPE\$" cat "$PF_PATH/iommu_group/type" && says "^$GROUP_TYPE\$" cat "$(group_path 0)/type" || return 1
	# A group of its own for every function: each can be given away alone.
	[ "$(find "$(group_path 0)/devices/" -type l | wc -l)" = 1 ] && [ "$(group_path 0)" != "$(group_path 1)" ]
}
tap_run "guest.iommu.${MODE}_domains_are_as_asked" domains
ats() {
	for address in "$PF" "$(vf_address 0)"; do
		lspci -vvv -s "$address" 2>/dev/null | grep -F "ATSCtl:" | grep -F "Enable$ATS," || {
			lspci -vvv -s "$address" | grep -F ATSCtl
			return 1
		}
	done
}
tap_run "guest.iommu.${MODE}_ats_is_as_asked" ats

traffic() {
	serve_iperf v1 5302
	serve_iperf - 5301
	ping_well 0 -c 30 -i 0.02 10.9.0.2 && ping_well pf -c 30 -i 0.02 -s 1400 10.9.0.1 && moves_data 0 -c 10.9.0.2 -p 5302 -n 4M &&
		moves_data 1 -c 10.9.0.100 -p 5301 -n 4M -R
	traffic_result=$?
	end_iperf
	return "$traffic_result"
}
tap_run "guest.iommu.${MODE}_traffic_flows" traffic
jumbo() {
	ip link set dev pf mtu 9000 && ip -n v0 link set dev vf mtu 9000 && wait_until 5 carrier_in v0 vf && wait_until 5 carrier_in - pf &&
		ping_well 0 -c 10 -i 0.05 -M "do" -s 8972 10.9.0.100
}
tap_run "guest.iommu.${MODE}_frames_over_pages_cross" jumbo
after_reset() {
	echo 1 >"$(readlink -f "$PF_PATH/virtfn0")/reset" && wait_until 5 reaches 0 10.9.0.100 && ping_well 0 -c 10 -i 0.02 10.9.0.100
}
tap_run "guest.iommu.${MODE}_works_on_after_a_reset" after_reset

given_to_vfio() {
	modprobe vfio-pci || return 1
	address=$(vf_address 2)
	bind_driver "$address" vfio-pci && [ -c "/dev/vfio/$(basename "$(group_path 2)")" ] && [ ! -e /dev/vfio/noiommu-0 ] || return 1
	says 'Kernel driver in use: vfio-pci' lspci -k -s "$address" && ping_well 0 -c 5 -i 0.05 10.9.0.100
}
back_from_vfio() {
	bind_driver "$(vf_address 2)" weirvf && place_vf 2 10.9.0.3/24 && ping_well 2 -c 5 -i 0.05 10.9.0.100
}
if [ "$VFIO" = yes ]; then
	tap_run guest.iommu.vf_is_given_to_vfio given_to_vfio
	tap_run guest.iommu.vf_comes_back_from_vfio back_from_vfio
fi

# What a socket holds of a function's memory stays readable when the function goes, and comes back to a device that is no more.
data_outlives() {
	ip netns exec v1 /job/sequence receive 5401 >/tmp/kept.received 2>&1 </dev/null &
	receiver=$!
	wait_until 5 says :5401 in_vf 1 ss -Hlun >/dev/null && kill -STOP "$receiver" || return 1
	in_vf 0 timeout 1 /job/sequence send 10.9.0.2 5401 500 || return 1
	says "UNCONN +[1-9]" in_vf 1 ss -Hlun && set_vfs 0 && kill -CONT "$receiver" && wait "$receiver"
	outlived=$?
	cat /tmp/kept.received
	return "$outlived"
}
tap_run "guest.iommu.${MODE}_data_outlives_its_function" data_outlives

no_faults() {
	! dmesg | grep -E 'DMAR:.*\b[Ff]ault\b|DMAR: \[(DMA|INTR)'
}
tap_run "guest.iommu.${MODE}_no_faults" no_faults
gone() {
	rmmod weirvf weir
}
tap_run "guest.iommu.${MODE}_drivers_leave" gone
tap_done
