#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir and a kernel that has the netlink family netdev: what netdev.c reads there of the PF and VF 0.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

functions_come_up() {
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	# Nothing must come or go between two readings.
	for number in 0 1; do
		in_vf "$number" busybox sh -c 'echo 1 >/proc/sys/net/ipv6/conf/vf/disable_ipv6' || return 1
	done
}
tap_run guest.queues.functions_come_up functions_come_up

netdev() {
	where "$1" /job/netdev "$(interface_of "$1")"
}

# BASIC, REDIRECT, NDO_XMIT, RX_SG, NDO_XMIT_SG
tap_run guest.queues.xdp_of_a_vf_is_announced says '^features 0x67$' netdev 0
tap_run guest.queues.xdp_of_the_pf_is_announced says '^features 0x67$' netdev pf

# linked N PAIRS: so many queues each way; those of a pair have one NAPI, which has an interrupt of this function; a page pool each
linked() {
	netdev "$1" | tee /tmp/netdev | grep -v statistics
	if [ "$1" = pf ]; then linked_function=$PF; else linked_function=$(vf_address "$1"); fi
	ls "/sys/bus/pci/devices/$linked_function/msi_irqs" >/tmp/irqs
	awk -v pairs="$2" '
		FILENAME == "/tmp/irqs" { irqs[$1] = 1 }
		$1 == "queue" { queues++; if ($4 != "napi") bad = "a queue has no NAPI"; napi[$2 " " $3] = $5 }
		$1 == "napi" { napis++; if (!($4 in irqs)) bad = "the interrupt of a NAPI is not of this function"; irq[$2] = $4 }
		$1 == "pool" { pools++ }
		END {
			for (pair = 0; pair < pairs; pair++) {
				one = napi["rx " pair]
				if (one == "" || one != napi["tx " pair]) bad = "pair " pair " has two NAPIs, or none"
				if (!(one in irq)) bad = "pair " pair " has no interrupt"
			}
			if (queues != 2 * pairs || napis != pairs || pools != pairs) bad = queues " queues, " napis " NAPIs, " pools " pools"
			if (bad) print bad
			exit bad != ""
		}' /tmp/irqs /tmp/netdev
}
channels() {
	where "$1" ethtool -L "$(interface_of "$1")" combined "$2" && linked "$1" "$2"
}
tap_run guest.queues.each_pair_of_a_vf_is_linked channels 0 4
tap_run guest.queues.each_pair_of_the_pf_is_linked channels pf 3
tap_run guest.queues.fewer_pairs_are_linked channels 0 2
after_reset() {
	set_attribute "$PF_PATH/virtfn0/reset" 1 && wait_until 10 carrier_in v0 vf && linked 0 2
}
tap_run guest.queues.pairs_are_linked_after_a_reset after_reset

# The sums over all queues are those of the interface (`ip -s link`), and pings move them by as many as ping says it sent and received
# (on a busy machine it sends one more than a hundred while it waits for the last answer).
counted() {
	netdev 0 | awk -v way="$1" -v name="$2" '$1 == "statistics" && $2 == way && $4 == name { sum += $5 } END { print sum + 0 }'
}
ip_counters() {
	in_vf 0 ip -s link show dev vf | awk '/RX:/ { getline; print $2, $1 } /TX:/ { getline; print $2, $1 }' | tr '\n' ' '
}
statistics_fit() {
	in_vf 0 ip neighbour replace 10.9.0.2 lladdr "$(mac_of 1)" dev vf nud permanent
	in_vf 1 ip neighbour replace 10.9.0.1 lladdr "$(mac_of 0)" dev vf nud permanent
	received=$(counted rx packets)
	sent=$(counted tx packets)
	in_vf 0 ping -w 20 -c 100 -i 0.01 10.9.0.2 >/tmp/ping.out || return 1
	requests=$(sed -n 's/^\([0-9]*\) packets transmitted.*/\1/p' /tmp/ping.out)
	answers=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' /tmp/ping.out)
	echo "$requests pings, $answers answers; received $received, then $(counted rx packets); sent $sent, then $(counted tx packets)"
	[ "$(counted rx packets)" = $((received + answers)) ] && [ "$(counted tx packets)" = $((sent + requests)) ] || return 1
	queues="$(counted rx packets) $(counted rx bytes) $(counted tx packets) $(counted tx bytes) "
	echo "queues $queues, interface $(ip_counters)"
	[ "$queues" = "$(ip_counters)" ]
}
tap_run guest.queues.statistics_are_those_of_the_interface statistics_fit

# A ring of 64 is full at times: it stops, is woken, and the kernel is told of both.
stops_are_counted() {
	in_vf 0 ethtool -G vf tx 64 && wait_until 5 carrier_in v0 vf && serve_iperf v1 5302 || return 1
	stops=$(counted tx stop)
	wakes=$(counted tx wake)
	moves_data 0 -c 10.9.0.2 -p 5302 -t 2 -P 8 || return 1
	end_iperf
	echo "stops $stops, then $(counted tx stop); wakes $wakes, then $(counted tx wake)"
	[ "$(counted tx stop)" -gt "$stops" ] && [ "$(counted tx wake)" -gt "$wakes" ]
}
tap_run guest.queues.stops_and_wakes_are_counted stops_are_counted

down() {
	before=$(counted rx packets)
	in_vf 0 ip link set dev vf down || return 1
	fewer=$(netdev 0 | grep -cE '^(queue|napi|pool) ')
	echo "$fewer queues, NAPIs and pools of an interface that is down"
	[ "$fewer" = 0 ] && in_vf 0 ip link set dev vf up && wait_until 5 carrier_in v0 vf && linked 0 2 || return 1
	echo "received $before, then $(counted rx packets)"
	[ "$(counted rx packets)" -ge "$before" ] && [ "$before" -ge 100 ]
}
tap_run guest.queues.statistics_outlive_an_interface_that_is_down down
tap_done
