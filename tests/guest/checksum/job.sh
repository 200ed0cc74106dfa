#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: checksums that the stack leaves to the card are right in the peer's memory, by /job/watch's own
# arithmetic, and what the card has verified the stack does not verify again. VF 0 sends, VF 1 receives; then the PF.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

start_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 2 && place_vf 0 10.9.0.1/24 fd09::1/64 && place_vf 1 10.9.0.2/24 fd09::2/64 || return 1
	# Whole packets, as the card delivered them.
	in_vf 1 ethtool -K vf gro off && wait_until 10 reaches 0 10.9.0.2 && wait_until 10 reaches 0 fd09::2 &&
		wait_until 10 reaches pf 10.9.0.2 && serve_iperf v1 5201
}
tap_run guest.checksum.interfaces_come_up start_up

offered() {
	for place in pf 0 1; do
		for feature in tx-checksum-ip-generic tx-checksum-sctp rx-checksumming; do
			says "$feature: on\$" where "$place" ethtool -k "$(interface_of "$place")" || return 1
		done
	done
}
tap_run guest.checksum.offloads_are_offered_and_on offered

# watched LEAST WRONG VOUCHED N IPERF-OPTIONS...: packets to VF 1 meanwhile: LEAST or more; none WRONG; all, or none, VOUCHED for
watched() {
	watched_least=$1
	watched_vouched=$2
	shift 2
	in_vf 1 /job/watch vf 5201 >/tmp/watch.out 2>&1 &
	watched_pid=$!
	sleep 0.3
	moves_data "$@" -t 2 >/tmp/moves.out 2>&1
	watched_result=$?
	kill -TERM "$(in_vf 1 pidof watch)"
	wait "$watched_pid"
	cat /tmp/watch.out
	[ "$watched_result" = 0 ] || {
		cat /tmp/moves.out
		return 1
	}
	read -r _ watched_seen _ watched_wrong _ watched_said </tmp/watch.out
	[ "$watched_seen" -ge "$watched_least" ] && [ "$watched_wrong" = 0 ] || return 1
	if [ "$watched_vouched" = all ]; then
		[ "$watched_said" = "$watched_seen" ]
	else
		[ "$watched_said" = 0 ]
	fi
}
tap_run guest.checksum.tcp_over_ipv4_is_right_and_vouched_for watched 200 all 0 -p 5201 -c 10.9.0.2
tap_run guest.checksum.tcp_over_ipv6_is_right_and_vouched_for watched 200 all 0 -p 5201 -c fd09::2
tap_run guest.checksum.udp_over_ipv4_is_right_and_vouched_for watched 200 all 0 -p 5201 -c 10.9.0.2 -u -b 20M -l 1001
tap_run guest.checksum.udp_over_ipv6_is_right_and_vouched_for watched 200 all 0 -p 5201 -c fd09::2 -u -b 20M -l 57
tap_run guest.checksum.from_the_pf_it_is_right_and_vouched_for watched 200 all pf -p 5201 -c 10.9.0.2

switch() {
	where "$1" ethtool -K "$(interface_of "$1")" "$2" "$3" && shift 3 && watched "$@" || return 1
}
tap_run guest.checksum.without_transmit_offload_the_stack_does_it switch 0 tx off 200 all 0 -p 5201 -c 10.9.0.2
tap_run guest.checksum.with_it_again_the_card_does switch 0 tx on 200 all 0 -p 5201 -c 10.9.0.2
tap_run guest.checksum.without_receive_offload_nobody_vouches switch 1 rx off 200 none 0 -p 5201 -c 10.9.0.2
tap_run guest.checksum.with_it_again_the_card_vouches switch 1 rx on 200 all 0 -p 5201 -c 10.9.0.2

tagged() {
	for number in 0 1; do
		in_vf "$number" ip link add link vf name vf.7 type vlan id 7 && in_vf "$number" ip address add "10.7.0.$((number + 1))/24" dev vf.7 &&
			in_vf "$number" ip link set vf.7 up || return 1
	done
	wait_until 10 reaches 0 10.7.0.2 && watched 200 all 0 -p 5201 -c 10.7.0.2
}
tap_run guest.checksum.in_a_vlan_it_is_right_and_vouched_for tagged

# snmp N GROUP NAME: a counter of /proc/net/snmp there
snmp() {
	where "$1" cat /proc/net/snmp | awk -v group="$2:" -v name="$3" '
		$1 == group && !column { for (i = 2; i <= NF; i++) if ($i == name) column = i; next }
		$1 == group { print $column; exit }'
}

wrong_ones() {
	card_before=$(statistic 1 vport_rx_checksum_bad)
	stack_before=$(snmp 1 Udp InCsumErrors)
	in_vf 0 /job/watch vf send "$(mac_of 1)" 50 || return 1
	sleep 2
	card=$(($(statistic 1 vport_rx_checksum_bad) - card_before))
	stack=$(($(snmp 1 Udp InCsumErrors) - stack_before))
	echo "card $card, stack $stack"
	[ "$card" = 50 ] && [ "$stack" = 50 ]
}
tap_run guest.checksum.wrong_ones_are_counted_by_card_and_stack wrong_ones

no_errors() {
	[ "$(snmp 1 Tcp InCsumErrors)" = 0 ] && [ "$(snmp 0 Tcp InCsumErrors)" = 0 ] && [ "$(snmp pf Tcp InCsumErrors)" = 0 ]
}
tap_run guest.checksum.the_stack_has_found_no_other_wrong_one no_errors
end_iperf
tap_done
