#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: packets that the stack leaves to the card to cut arrive as the stack itself cuts them, to the byte.
# /job/large sends the same frames with the offloads off and on, and shows what VF 1 gets; /job/vectors is what tests/device expects of
# the card, too. VF 0 sends, VF 1 receives; then the PF.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=tests/guest/segmentation/vectors.sh
. /job/vectors.sh

start_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 2 && place_vf 0 10.9.0.1/24 fd09::1/64 && place_vf 1 10.9.0.2/24 fd09::2/64 || return 1
	for number in 0 1; do
		in_vf "$number" ip link set dev vf mtu 9000 || return 1
	done
	# Frames with tags of their own are sent, too.
	ip link set dev pf mtu 9000 && ip link set dev pf vf 0 spoofchk off
	# Whole packets with their tags, as the card delivered them.
	in_vf 1 ethtool -K vf gro off rxvlan off rx-vlan-filter off rx-vlan-stag-hw-parse off rx-vlan-stag-filter off && wait_until 10 reaches 0 10.9.0.2 && wait_until 10 reaches 0 fd09::2 &&
		wait_until 10 reaches pf 10.9.0.2 && serve_iperf v1 5201
}
tap_run guest.segmentation.interfaces_come_up start_up

FEATURES="tx-tcp-segmentation tx-tcp6-segmentation tx-tcp-ecn-segmentation tx-tcp-mangleid-segmentation tx-udp-segmentation
	tx-udp_tnl-segmentation tx-udp_tnl-csum-segmentation"

offered() {
	for place in pf 0 1; do
		for feature in $FEATURES; do
			says "$feature: on\$" where "$place" ethtool -k "$(interface_of "$place")" || return 1
		done
	done
}
tap_run guest.segmentation.offloads_are_offered_and_on offered

# shows N FILE [INTERFACE]: what arrives at VF 1 when the frames are sent there from N, by that interface, then only those without tags
shows() {
	watched v1 "${3:-vf}" "$2" where "$1" /job/large send "${3:-$(interface_of "$1")}" "$(in_vf 1 cat "/sys/class/net/${3:-vf}/address")" ${3:+untagged}
}

linux_alone() {
	in_vf 0 ethtool -K vf tx off && shows 0 /tmp/linux || return 1
	# For segmentation.py --record.
	entries /tmp/linux >"$RESULTS/linux"
	entries /job/vectors | taken >/tmp/vectors
	same /tmp/linux /tmp/vectors
}
tap_run guest.segmentation.linux_cuts_as_its_known_answers_say linux_alone

# by_the_card N FILE LEAST [INTERFACE]: the same frames with the offloads on; the card has cut LEAST of them or more, three of UDP included
by_the_card() {
	by_before=$(statistic "$1" vport_tx_segmented)
	shows "$1" "$2" "${4:-}" || return 1
	by_cut=$(($(statistic "$1" vport_tx_segmented) - by_before))
	echo "cut by the card: $by_cut"
	by_least=$3
	[ ! -s /tmp/refused ] || by_least=$(($3 - 3))
	[ "$by_cut" -ge "$by_least" ]
}

# More than 64 KiB with the headers is the stack's work.
card_alone() {
	in_vf 0 ethtool -K vf tx on && in_vf 0 ethtool -K vf tso on tx-udp-segmentation on && by_the_card 0 /tmp/card 15 && same /tmp/card /tmp/linux
}
tap_run guest.segmentation.the_card_cuts_as_linux_does card_alone

from_the_pf() {
	by_the_card pf /tmp/card 15 && same /tmp/card /tmp/linux
}
tap_run guest.segmentation.from_the_pf_it_does_too from_the_pf

half() {
	in_vf 0 ethtool -K vf "$@" && shows 0 /tmp/card && same /tmp/card /tmp/linux
}
tap_run guest.segmentation.with_tcp_off_the_stack_does_it half tso off
tap_run guest.segmentation.with_udp_off_the_stack_does_it half tso on tx-udp-segmentation off
tap_run guest.segmentation.with_both_on_again_the_card_does half tso on tx-udp-segmentation on

tagged() {
	for number in 0 1; do
		in_vf "$number" ip link add link vf name vf.7 type vlan id 7 && in_vf "$number" ip address add "10.7.0.$((number + 1))/24" dev vf.7 &&
			in_vf "$number" ip link set vf.7 up || return 1
	done
	wait_until 10 reaches 0 10.7.0.2 && in_vf 0 ethtool -K vf tx off && shows 0 /tmp/linux7 vf.7 && in_vf 0 ethtool -K vf tx on &&
		in_vf 0 ethtool -K vf tso on tx-udp-segmentation on && by_the_card 0 /tmp/card7 9 vf.7 && same /tmp/card7 /tmp/linux7
}
tap_run guest.segmentation.in_a_vlan_it_does_too tagged

# tunnelled NAME NETWORK OUTER OPTIONS...: a VXLAN between the addresses OUTER1 and OUTER2; the frames inside are cut as if there were
# none around them
tunnelled() {
	tunnel=$1
	tunnel_network=$2
	tunnel_outer=$3
	shift 3
	for number in 0 1; do
		in_vf "$number" ip link add "$tunnel" type vxlan id 9 local "$tunnel_outer$((number + 1))" remote "$tunnel_outer$((2 - number))" \
			dstport 4789 "$@" &&
			in_vf "$number" ip link set "$tunnel" mtu 8900 up &&
			in_vf "$number" ip address add "$tunnel_network.$((number + 1))/24" dev "$tunnel" || return 1
	done
	in_vf 1 ethtool -K "$tunnel" gro off
	wait_until 10 reaches 0 "$tunnel_network.2" && by_the_card 0 /tmp/inside 11 "$tunnel" &&
		entries /tmp/linux | grep -v _vlan >/tmp/untagged && same /tmp/inside /tmp/untagged &&
		moves_data 0 -p 5201 -c "$tunnel_network.2" -t 1 || return 1
	for number in 0 1; do
		in_vf "$number" ip link delete "$tunnel"
	done
}
tap_run guest.segmentation.in_vxlan_it_does_too tunnelled tunnel 10.10.0 10.9.0. noudpcsum
tap_run guest.segmentation.in_vxlan_with_a_checksum_it_does_too tunnelled tunnel 10.11.0 10.9.0. udpcsum

tap_run guest.segmentation.in_vxlan_over_ipv6_it_does_too tunnelled tunnel 10.12.0 fd09:: udpcsum

# What sockets send: bytes arrive, in frames that the card has cut.
moved() {
	moved_before=$(statistic 0 vport_tx_segmented)
	moves_data 0 "$@" -t 2 || return 1
	moved_cut=$(($(statistic 0 vport_tx_segmented) - moved_before))
	echo "cut by the card: $moved_cut"
	[ "$moved_cut" -ge 20 ]
}
tap_run guest.segmentation.tcp_over_ipv4_uses_it moved -p 5201 -c 10.9.0.2
tap_run guest.segmentation.tcp_over_ipv6_uses_it moved -p 5201 -c fd09::2

# snmp N GROUP NAME: a counter of /proc/net/snmp there
snmp() {
	where "$1" cat /proc/net/snmp | awk -v group="$2:" -v name="$3" '
		$1 == group && !column { for (i = 2; i <= NF; i++) if ($i == name) column = i; next }
		$1 == group { print $column; exit }'
}

no_errors() {
	[ "$(snmp 1 Tcp InCsumErrors)" = 0 ] && [ "$(snmp 1 Udp InCsumErrors)" = 0 ] && [ "$(statistic 0 vport_tx_dropped_malformed)" = 0 ] &&
		[ "$(where pf ethtool -S pf | sed -n 's/^ *vport_tx_dropped_malformed: //p')" = 0 ]
}
tap_run guest.segmentation.nothing_was_refused_or_wrong no_errors
end_iperf
tap_done
