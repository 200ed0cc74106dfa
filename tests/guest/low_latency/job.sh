#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: frames of low latency, and the flows of a process. VF 0 sends, VF 1 receives and waits for company.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

WAIT_MS=40

begin() {
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 || return 1
	for number in 0 1; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || return 1
		in_vf "$number" busybox sh -c 'echo 1 >/proc/sys/net/ipv6/conf/vf/disable_ipv6'
		in_vf "$number" ethtool -L vf combined 1 && wait_until 5 carrier_in "v$number" vf || return 1
	done
	in_vf 0 ip neighbour replace 10.9.0.2 lladdr "$(mac_of 1)" dev vf nud permanent
	in_vf 1 ip neighbour replace 10.9.0.1 lladdr "$(mac_of 0)" dev vf nud permanent
	in_vf 0 ethtool -C vf adaptive-rx off adaptive-tx off rx-usecs 0 tx-usecs 0
	in_vf 1 ethtool -C vf adaptive-rx off adaptive-tx off rx-usecs $((WAIT_MS * 1000)) rx-frames 0 tx-usecs 65535 tx-frames 0
	ping_well 0 -c 5 -i 0.1 10.9.0.2
}
tap_run guest.low_latency.two_vfs_come_up begin

# median_ms [ARGUMENTS of ping]: of eleven round trips to VF 1
median_ms() {
	in_vf 0 ping -c 11 -i 0.15 "$@" 10.9.0.2 | sed -n 's/.* time=\([0-9]*\).*/\1/p' | sort -n | sed -n 6p
}
waits() {
	median=$(median_ms "$@")
	echo "ping $*: half of the round trips take $median ms or more; it should wait"
	[ "$median" -ge "$WAIT_MS" ]
}
comes_at_once() {
	median=$(median_ms)
	echo "ping: half of the round trips take $median ms or more; it should not wait"
	[ "$median" -lt $((WAIT_MS / 2)) ]
}

# --- settings of the interface -------------------------------------------------------------------------------------------------

# param NUMBER NAME VALUE: sets a parameter of a VF's; shown NUMBER NAME: its value
param() {
	devlink dev param set "pci/$(vf_address "$1")" name "low_latency_$2" value "$3" cmode runtime
}
shown() {
	devlink dev param show "pci/$(vf_address "$1")" name "low_latency_$2" | sed -n 's/.*cmode runtime value //p'
}
by_length() {
	[ "$(shown 1 bytes) $(shown 1 push) $(shown 1 priorities) $(shown 1 us) $(shown 1 credits)" = "0 false 0 25 32" ] || return 1
	# An echo request of 56 bytes is a frame of 98.
	waits && param 1 bytes 99 && comes_at_once && waits -s 57 || return 1
	[ "$(shown 1 bytes)" = 99 ] && [ "$(shown 0 bytes)" = 0 ] && [ "$(statistic 1 vport_rx_low_latency)" -ge 11 ]
}
tap_run guest.low_latency.short_frames_interrupt_at_once by_length
survives() {
	param 1 us 100 && param 1 credits 9 && param 1 push true && param 1 priorities 160 || return 1
	in_vf 1 ip link set dev vf down && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf && comes_at_once || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf && comes_at_once || return 1
	# While it is down, too.
	in_vf 1 ip link set dev vf down && param 1 bytes 0 && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf && waits || return 1
	[ "$(shown 1 bytes) $(shown 1 push) $(shown 1 priorities) $(shown 1 us) $(shown 1 credits)" = "0 true 160 100 9" ]
}
tap_run guest.low_latency.settings_survive_down_and_reset survives
refused() {
	fails_saying 'Invalid|1 to 255' param 1 credits 0 && [ "$(shown 1 credits)" = 9 ] && param 1 us 25 && param 1 credits 32 &&
		param 1 push false && param 1 priorities 0
}
tap_run guest.low_latency.no_credits_at_all_are_refused refused

# --- rules ---------------------------------------------------------------------------------------------------------------------

by_rule() {
	in_vf 1 ethtool -N vf flow-type ip4 src-ip 10.9.0.1 l4proto 1 user-def 1 action 0 loc 7 && comes_at_once || return 1
	says 'User-defined: *0x1' in_vf 1 ethtool -n vf rule 7 || return 1
	in_vf 1 ethtool -N vf delete 7 && waits || return 1
	# That alone: the rule behind it says where they go.
	in_vf 1 ethtool -N vf flow-type ip4 src-ip 10.9.0.1 user-def 2 loc 1 && comes_at_once || return 1
	in_vf 1 ethtool -N vf flow-type ip4 l4proto 1 action -1 loc 2 || return 1
	in_vf 0 ping -c 2 -W 1 10.9.0.2 >/dev/null && return 1
	in_vf 1 ethtool -N vf delete 2 && comes_at_once && in_vf 1 ethtool -N vf delete 1
}
tap_run guest.low_latency.rules_of_ethtool_choose_flows by_rule
# ethtool says so, and exits with 0
not_taken() {
	says 'Cannot insert RX class rule: Invalid argument' in_vf 1 ethtool -N vf flow-type tcp4 "$@"
}
bad_rules() {
	not_taken user-def 3 action 0 loc 1 && not_taken user-def 1 action -1 loc 1 && not_taken user-def 1 m 1 action 0 loc 1 || return 1
	in_vf 1 ethtool -L vf combined 2 && wait_until 5 carrier_in v1 vf && not_taken user-def 2 action 1 loc 1 || return 1
	in_vf 1 ethtool -L vf combined 1 && wait_until 5 carrier_in v1 vf || return 1
	says 'Total 0 rules' in_vf 1 ethtool -n vf
}
tap_run guest.low_latency.impossible_rules_are_refused bad_rules

# --- a process -----------------------------------------------------------------------------------------------------------------

rules_now() {
	in_vf 1 ethtool -n vf | sed -n 's/^Total \([0-9]*\) rules/\1/p'
}
rules_are() {
	[ "$(rules_now)" = "$1" ]
}
# asked COUNT: the chosen flow's round trips under the moderated load: $p50, $p99 in us, and $interrupts of VF 1 meanwhile
asked() {
	ip netns exec v0 /job/latency load 10.9.0.2 7001 60000 2000 >/dev/null 2>&1 &
	load=$!
	before=$(in_vf 1 ethtool -S vf | awk '/ queue_[0-9]*_interrupts:/ { sum += $2 } END { print sum + 0 }')
	started=$(guest_uptime_ms)
	in_vf 0 /job/latency ask 10.9.0.2 7000 "$1" >/tmp/asked || return 1
	took_ms=$(($(guest_uptime_ms) - started))
	interrupts=$(($(in_vf 1 ethtool -S vf | awk '/ queue_[0-9]*_interrupts:/ { sum += $2 } END { print sum + 0 }') - before))
	kill "$load"
	wait "$load"
	read -r _ p50 _ p99 </tmp/asked
	echo "$2: half of $1 round trips take $p50 us or more, a hundredth $p99 us or more; $interrupts interrupts in $took_ms ms"
}
# Not by in_vf: $! is to be the program, which ip becomes. Not in a test: it would wait for their output.
ip netns exec v1 /job/latency serve 7000 >/dev/null 2>&1 &
server=$!
ip netns exec v1 /job/latency sink 7001 >/dev/null 2>&1 &
sink=$!
wait_until 10 listens 7000 ip netns exec v1
follows() {
	asked 150 "without low latency" || return 1
	without=$p50
	weirctl --json lli --pid "$server" >/tmp/lli 2>&1 &
	follower=$!
	chosen=$(statistic 1 vport_rx_low_latency)
	asked 1000 "with weirctl lli --pid" || return 1
	chosen=$(($(statistic 1 vport_rx_low_latency) - chosen))
	echo "$chosen frames of low latency, $(statistic 1 vport_rx_low_latency_held) times without a credit"
	[ "$without" -ge $((WAIT_MS * 500)) ] && [ "$p50" -lt $((without / 3)) ] && [ "$chosen" -ge 1000 ] || return 1
	# Every connection anew, and none is left: the socket is closed.
	wait_until 5 rules_are 0 || return 1
	cat /tmp/lli
	grep -q '"event":"follow","interface":"vf","protocol":"tcp","local":"10.9.0.2:7000","remote":"10.9.0.1:[0-9]*","location":0' /tmp/lli &&
		grep -q '"event":"forget"' /tmp/lli || return 1
	kill -INT "$follower"
	wait "$follower"
}
tap_run guest.low_latency.the_flows_of_a_process_are_followed follows
ends() {
	# The sink's socket is not connected: its port is chosen. What ends first is the follower, then the process.
	for end in INT TERM; do
		weirctl lli --pid "$sink" vf >/tmp/lli 2>&1 &
		follower=$!
		wait_until 5 rules_are 1 || return 1
		kill -"$end" "$follower"
		wait "$follower" || return 1
		rules_are 0 || return 1
	done
	says 'udp .*:7001 from \*:\*' cat /tmp/lli || return 1
	weirctl lli --pid "$sink" >/tmp/lli 2>&1 &
	follower=$!
	wait_until 5 rules_are 1 || return 1
	kill "$sink"
	wait "$follower" || return 1
	rules_are 0
}
tap_run guest.low_latency.rules_end_with_the_process_and_with_the_follower ends
lli_refused() {
	fails_saying 'which process' weirctl lli && fails_saying 'No such process' weirctl lli --pid 999999 &&
		fails_saying 'no interface of Weir' weirctl lli --pid "$server" lo && fails_saying 'no number' weirctl lli --pid x
}
tap_run guest.low_latency.weirctl_says_what_is_wrong lli_refused
kill "$server"
tap_done
