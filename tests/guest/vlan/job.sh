#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: service tags (802.1ad), customers' tags (802.1Q) and both at once. What the card does with them is
# compared with what the kernel does by itself: /job/large sends the same packets both ways and shows the bytes. VF 0 sends, VF 1
# receives; each has interfaces vf.200 (service tag), vf.200.7 (a tag inside of it) and vf.7.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=tests/guest/segmentation/vectors.sh
. /job/vectors.sh

# tagged_interface N NAME PARENT ID PROTOCOL ADDRESS
tagged_interface() {
	in_vf "$1" ip link add link "$3" name "$2" type vlan id "$4" proto "$5" && in_vf "$1" ip address add "$6" dev "$2" &&
		in_vf "$1" ip link set dev "$2" up
}

start_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 2 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	# Packets that the kernel cuts before they have a queue shall not overtake each other.
	in_vf 0 ethtool -L vf combined 1 || return 1
	# Nor be dropped for having waited too long, as fq_codel does on a slow machine.
	in_vf 0 tc qdisc replace dev vf root pfifo limit 10000 || return 1
	for number in 0 1; do
		in_vf "$number" ip link set dev vf mtu 9000 || return 1
		tagged_interface "$number" vf.200 vf 200 802.1ad "10.200.0.$((number + 1))/24" &&
			tagged_interface "$number" vf.200.7 vf.200 7 802.1Q "10.207.0.$((number + 1))/24" &&
			tagged_interface "$number" vf.7 vf 7 802.1Q "10.7.0.$((number + 1))/24" || return 1
	done
	in_vf 1 ethtool -K vf gro off && serve_iperf v1 5201 && wait_until 10 reaches 0 10.9.0.2
}
tap_run guest.vlan.interfaces_come_up start_up

all_reach() {
	for address in 10.200.0.2 10.207.0.2 10.7.0.2; do
		wait_until 5 reaches 0 "$address" || {
			echo "$address does not answer"
			return 1
		}
	done
}
tap_run guest.vlan.each_tag_and_both_lead_to_the_peer all_reach

offered() {
	for place in pf 0 1; do
		for feature in rx-vlan-stag-hw-parse tx-vlan-stag-hw-insert rx-vlan-stag-filter rx-vlan-offload tx-vlan-offload rx-vlan-filter; do
			says "$feature: on\$" where "$place" ethtool -k "$(interface_of "$place")" || return 1
		done
	done
}
tap_run guest.vlan.offloads_of_both_kinds_are_offered_and_on offered

# Off and on, each by itself: the others stay, and everybody is reached.
each_by_itself() {
	for feature in rx-vlan-stag-hw-parse tx-vlan-stag-hw-insert rx-vlan-stag-filter rx-vlan-offload tx-vlan-offload rx-vlan-filter; do
		for number in 0 1; do
			in_vf "$number" ethtool -K vf "$feature" off || return 1
			off=$(in_vf "$number" ethtool -k vf | grep -E '^(rx|tx)-vlan-' | grep -c ': off')
			[ "$off" = 1 ] && says "$feature: off" in_vf "$number" ethtool -k vf && all_reach || return 1
			in_vf "$number" ethtool -K vf "$feature" on || return 1
		done
	done
	all_reach
}
tap_run guest.vlan.each_offload_goes_off_and_on_by_itself each_by_itself

# shows INTERFACE FILE [TAGS]: what VF 1 gets when VF 0 sends all packets without tags by that interface, with these tags put in
shows() {
	watched v1 vf "$2" in_vf 0 /job/large send "$1" "$(mac_of 1)" "${3:-untagged}" && grep -q . "$2"
}

# The kernel does it all: takes tags out, sums, cuts. The tags that no card puts in are in the packets already: of raw packets that are to
# be cut 6.12 looks for the network header in the wrong place when it has to put the tag of a VLAN interface in by itself.
by_the_kernel() {
	in_vf 0 ethtool -K vf tx off tx-vlan-stag-hw-insert off tx-vlan-offload off &&
		in_vf 1 ethtool -K vf rx-vlan-stag-hw-parse off rx-vlan-offload off || return 1
	shows vf /tmp/kernel.service 88a800c8 && shows vf /tmp/kernel.both 88a800c881000007 && shows vf /tmp/kernel.customer 81000007 || return 1
	grep -q '"88a800c80800' /tmp/kernel.service && grep -q '"88a800c8810000070800' /tmp/kernel.both && grep -q '"810000070800' /tmp/kernel.customer
}
tap_run guest.vlan.the_kernel_by_itself_is_the_measure by_the_kernel

same_as_kernel() {
	shows vf.200 /tmp/card.service && same /tmp/card.service /tmp/kernel.service || return 1
	# 6.12, for the reason above, sends none by vf.200.7.
	shows vf.200.7 /tmp/card.both || shows vf /tmp/card.both 88a800c881000007 || return 1
	same /tmp/card.both /tmp/kernel.both && shows vf.7 /tmp/card.customer && same /tmp/card.customer /tmp/kernel.customer
}
inserts() {
	in_vf 0 ethtool -K vf tx-vlan-stag-hw-insert on tx-vlan-offload on && same_as_kernel
}
tap_run guest.vlan.the_card_puts_tags_in_as_the_kernel_does inserts

cuts() {
	in_vf 0 ethtool -K vf tx on && in_vf 0 ethtool -K vf tso on tx-udp-segmentation on || return 1
	cut_before=$(statistic 0 vport_tx_segmented)
	same_as_kernel || return 1
	# Of each interface's packets eight or more: those of TCP whose headers fit.
	echo "cut by the card: $(($(statistic 0 vport_tx_segmented) - cut_before))"
	[ $(($(statistic 0 vport_tx_segmented) - cut_before)) -ge 24 ]
}
tap_run guest.vlan.behind_two_tags_the_card_sums_and_cuts_as_the_kernel_does cuts

takes_out() {
	in_vf 1 ethtool -K vf rx-vlan-stag-hw-parse on rx-vlan-offload on && same_as_kernel
}
tap_run guest.vlan.the_card_takes_tags_out_as_the_kernel_does takes_out

long() {
	for address in 10.200.0.2 10.207.0.2; do
		ping_well 0 -c 3 -i 0.1 -M "do" -s 8972 "$address" || return 1
	done
	moves_data 0 -p 5201 -c 10.207.0.2 -t 1
}
tap_run guest.vlan.whole_frames_of_the_mtu_pass_with_two_tags long

# hears N EXPRESSION...: VF 1's card gives it a broadcast of VF 0 from this interface of it, or not
hears() {
	hears_interface=$1
	shift
	listen_begin 1 /tmp/hears -c 1 "$@" || return 1
	in_vf 0 ping -q -b -c 2 -i 0.2 -W 1 -I "$hears_interface" 255.255.255.255 >/dev/null 2>&1
	usleep 300000
	listen_end
	grep -q '^1 packet captured' /tmp/hears
}
filters() {
	tagged_interface 0 vf.201 vf 201 802.1ad 10.201.0.1/24 && tagged_interface 0 vf.8 vf 8 802.1Q 10.8.0.1/24 || return 1
	hears vf.200 vlan 200 && ! hears vf.201 vlan 201 && ! hears vf.8 vlan 8 || return 1
	in_vf 1 ethtool -K vf rx-vlan-stag-filter off && hears vf.201 vlan 201 && ! hears vf.8 vlan 8 || return 1
	in_vf 1 ethtool -K vf rx-vlan-stag-filter on rx-vlan-filter off && ! hears vf.201 vlan 201 && hears vf.8 vlan 8 || return 1
	in_vf 1 ethtool -K vf rx-vlan-filter on
}
tap_run guest.vlan.each_kind_is_filtered_by_itself filters

# A service tag as port VLAN: the VFs' own tags of 802.1Q go inside, which is all that they see.
port_vlan() {
	for number in 0 1; do
		ip link set dev pf vf "$number" vlan 300 qos 5 proto 802.1ad || return 1
	done
	says 'vf 0 .*vlan 300, qos 5, vlan protocol 802.1ad' ip link show dev pf && wait_until 5 reaches 0 10.9.0.2 && wait_until 5 reaches 0 10.7.0.2 ||
		return 1
	in_vf 0 ip neighbour flush dev vf.7
	tcpdump -n -U --immediate-mode -i pf -w /tmp/pf.pcap 'vlan 300 and vlan 7' >/tmp/pf.dump 2>&1 </dev/null &
	pf_dump=$!
	wait_until 5 grep -q 'listening on' /tmp/pf.dump || return 1
	listen_begin 1 /tmp/inside || return 1
	reaches 0 10.7.0.2 && ping_well 0 -c 3 -i 0.1 -M "do" -s 8972 10.7.0.2 || return 1
	sleep 1
	listen_end
	kill -INT "$pf_dump"
	wait "$pf_dump"
	cp /tmp/pf.pcap "$RESULTS/port_vlan.pcap"
	grep -q 'vlan 7, p 0' /tmp/inside && ! grep -q 'vlan 300' /tmp/inside && moves_data 0 -p 5201 -c 10.7.0.2 -t 1
}
tap_run guest.vlan.customers_tags_pass_a_service_port_vlan_that_nobody_sees port_vlan

own_service_tags() {
	spoof_before=$(statistic 0 vport_tx_dropped_spoof)
	stranger 0 10.200.0.2 && [ "$(statistic 0 vport_tx_dropped_spoof)" -gt "$spoof_before" ]
}
tap_run guest.vlan.service_tags_of_its_own_do_not own_service_tags

# A tag of 802.1Q as port VLAN has no room for theirs.
no_customers() {
	for number in 0 1; do
		ip link set dev pf vf "$number" vlan 300 qos 5 proto 802.1Q || return 1
	done
	wait_until 5 reaches 0 10.9.0.2 && stranger 0 10.7.0.2 || return 1
	fails_saying 'rotocol' ip link set dev pf vf 0 vlan 300 proto 802.1x
	for number in 0 1; do
		ip link set dev pf vf "$number" vlan 0 || return 1
	done
	all_reach
}
tap_run guest.vlan.in_a_port_vlan_of_8021q_there_are_no_others no_customers
end_iperf
tap_done
