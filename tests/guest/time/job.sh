#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with two Weirs on one wire. The first one's PF is pf, its VFs 0 and 1 are in their namespaces; the second one's PF is
# in the namespace `far`, its interface named pf, too. Each card has a clock of its own.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

far() {
	ip netns exec far "$@"
}

start_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 2 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 && ip netns add far &&
		ip link set dev "$(netdev_of 0000:02:00.0)" netns far name pf && far ip address add 10.9.0.200/24 dev pf &&
		far ip link set pf up && wait_until 5 carrier_in far pf && wait_until 10 reaches pf 10.9.0.200
}
tap_run guest.time.interfaces_come_up start_up

# --- the clock ---

offered() {
	for place in pf 0; do
		for wanted in hardware-transmit hardware-receive hardware-raw-clock 'PTP Hardware Clock: [0-9]' '^.on *$' '^.all *$'; do
			says "$wanted" where "$place" ethtool -T "$(interface_of "$place")" || return 1
		done
	done
}
tap_run guest.time.ethtool_says_what_there_is offered

# clock N: the device of a function's clock
clock() {
	echo "/dev/ptp$(where "$1" ethtool -T "$(interface_of "$1")" | sed -n 's/^PTP Hardware Clock: //p')"
}
clock_pf=$(clock pf)
clock_vf=$(clock 0)
clock_far=/dev/ptp$(far ethtool -T pf | sed -n 's/^PTP Hardware Clock: //p')

# reads CLOCK: its time in nanoseconds
reads() {
	phc_ctl "$1" get 2>&1 | sed -n 's/.*clock time is \([0-9]*\)\.\([0-9]*\) .*/\1\2/p'
}

# near_ns A B MOST: two times are no further apart
near_ns() {
	echo "$(($1 - $2)) ns apart"
	[ "$(($1 - $2))" -le "$3" ] && [ "$(($2 - $1))" -le "$3" ]
}

# ahead_of_system CLOCK: nanoseconds
ahead_of_system() {
	phc_ctl "$1" cmp 2>&1 | sed -n 's/.*offset from CLOCK_REALTIME is \(-*[0-9]*\)ns.*/\1/p' | awk '{ print -$1 }'
}

at_first_system_time() {
	near_ns "$(ahead_of_system "$clock_pf")" 0 500000000 && near_ns "$(ahead_of_system "$clock_far")" 0 500000000
}
tap_run guest.time.a_new_cards_clock_is_the_systems_time at_first_system_time

set_and_moved() {
	phc_ctl "$clock_pf" -- set 1000000000.25 get adj 100.5 get adj -50 get && after=$(reads "$clock_pf") &&
		near_ns "$after" 1000000050750000000 5000000000 && near_ns "$(reads "$clock_vf")" "$(reads "$clock_pf")" 1000000000
}
tap_run guest.time.phc_ctl_sets_and_moves_it set_and_moved

runs_fast() {
	phc_ctl "$clock_pf" freq 50000000 && before=$(ahead_of_system "$clock_pf") && sleep 3 && after=$(ahead_of_system "$clock_pf") || return 1
	phc_ctl "$clock_pf" freq 0
	echo "gained $((after - before)) ns"
	# a twentieth of the three seconds, give or take what lies between the readings of two clocks
	[ "$((after - before))" -gt 140000000 ] && [ "$((after - before))" -lt 300000000 ]
}
tap_run guest.time.phc_ctl_changes_its_rate runs_fast

not_by_a_vf() {
	before=$(reads "$clock_vf")
	for change in "set 5" "adj 5" "freq 5"; do
		# shellcheck disable=SC2086 # two words
		says 'not supported|out of range' phc_ctl "$clock_vf" $change || return 1
	done
	[ "$(reads "$clock_vf")" -gt "$before" ] && fails_saying 'not adjustable' in_vf 0 ptp4l -i vf -m -2 -s
}
tap_run guest.time.a_vf_reads_it_and_does_not_set_it not_by_a_vf

# --- timestamps of frames ---

# stamps N TRANSMIT RECEIVE: what is stamped there
stamps() {
	where "$1" hwstamp_ctl -i "$(interface_of "$1")" -t "$2" -r "$3"
}

# exchange FROM TO COUNT: frames sent and received, with their times in /tmp/sent and /tmp/received; 0: all have one
exchange() {
	where "$2" /job/stamp receive "$(interface_of "$2")" "$3" >/tmp/received &
	exchange_pid=$!
	sleep 0.5
	where "$1" /job/stamp send "$(interface_of "$1")" "$(mac_of "$2")" "$3" >/tmp/sent
	exchange_sent=$?
	wait "$exchange_pid" && [ "$exchange_sent" = 0 ] && [ "$(wc -l </tmp/received)" = "$3" ]
}

both_ends() {
	in_vf 0 ethtool -L vf combined 1 && in_vf 1 ethtool -L vf combined 1 && stamps 0 1 0 && stamps 1 0 1 && exchange 0 1 200 || return 1
	cmp /tmp/sent /tmp/received
}
tap_run guest.time.between_vfs_both_ends_are_told_the_same_number both_ends

off_again() {
	stamps 0 0 0 && stamps 1 0 0 || return 1
	exchange 0 1 10 && return 1
	[ "$(wc -l </tmp/received)" = 10 ] && ! grep -v ' 0$' /tmp/received && [ ! -s /tmp/sent ]
}
tap_run guest.time.switched_off_nothing_is_told off_again

any_filter() {
	says 'rx_filter 1$' stamps 1 1 12 && says 'rx_filter 1$' where 1 hwstamp_ctl -i vf && says 'rx_filter 0$' stamps 1 1 0
}
tap_run guest.time.any_filter_means_all_frames any_filter

lasts() {
	stamps 0 1 1 && stamps 1 1 1 && in_vf 1 ethtool -G vf rx 256 tx 128 && exchange 0 1 50 && cmp /tmp/sent /tmp/received || return 1
	before=$(reads "$clock_pf")
	echo 1 >"/sys/bus/pci/devices/$(vf_address 1)/reset"
	wait_until 10 carrier_in v1 vf && exchange 0 1 50 && cmp /tmp/sent /tmp/received && exchange 1 0 50 || return 1
	# The clock has not noticed.
	near_ns "$(reads "$clock_pf")" "$before" 30000000000 && [ "$(reads "$clock_pf")" -gt "$before" ]
}
tap_run guest.time.changes_and_resets_leave_it_on lasts

counted() {
	[ "$(in_vf 0 ethtool -S vf | sed -n 's/.*tx_queue_0_timestamps: //p')" -ge 250 ] &&
		[ "$(in_vf 0 ethtool -S vf | sed -n 's/.*tx_queue_0_timestamps_missed: //p')" = 0 ]
}
tap_run guest.time.reports_are_counted_and_none_was_missed counted

# --- ptp4l: the first card's PF is the master, the second one's follows ---

# ptp N ROLE COMMAND...: ptp4l in the background, quicker than by default; what it says is in /tmp/ptp.N
ptp() {
	ptp_name=$1
	cat >"/tmp/ptp.$ptp_name.conf" <<-CONFIGURATION
		[global]
		$2 1
		logAnnounceInterval -1
		logSyncInterval -3
		logMinDelayReqInterval -3
		summary_interval -3
		tx_timestamp_timeout 1000
		uds_address /tmp/uds.$ptp_name
	CONFIGURATION
	shift 2
	"$@" -H -2 -m -i pf -f "/tmp/ptp.$ptp_name.conf" >"/tmp/ptp.$ptp_name" 2>&1 &
	echo $! >"/tmp/ptp.$ptp_name.pid"
}

locked() {
	[ "$(grep -c 'master offset .* s2 ' /tmp/ptp.slave)" -ge 40 ]
}

ptp_locks() {
	phc_ctl "$clock_far" freq 20000 adj 5 >/dev/null && ptp master masterOnly ptp4l && ptp slave slaveOnly ip netns exec far ptp4l
	wait_until 40 locked
	ptp_result=$?
	tail -n 3 /tmp/ptp.slave
	[ "$ptp_result" = 0 ] || cat /tmp/ptp.master /tmp/ptp.slave
	return "$ptp_result"
}
tap_run guest.time.ptp4l_locks_a_card_to_another ptp_locks

# The median of the last offsets: a guest without a processor of its own is late now and then.
offsets_small() {
	sed -n 's/.*master offset *\(-*[0-9]*\) s2.*/\1/p' /tmp/ptp.slave | tail -n 20 | tr -d - | sort -n | sed -n 10p >/tmp/median
	echo "median $(cat /tmp/median) ns"
	[ "$(cat /tmp/median)" -lt 100000 ]
}
tap_run guest.time.its_offset_is_small offsets_small

no_complaint() {
	! grep -B 5 -E 'timed out|missing|FAULT_DETECTED|bad message' /tmp/ptp.master /tmp/ptp.slave
}
tap_run guest.time.ptp4l_misses_no_timestamp no_complaint
kill "$(cat /tmp/ptp.master.pid)" "$(cat /tmp/ptp.slave.pid)"

removed() {
	rmmod weirvf && rmmod weir && [ ! -e "$clock_pf" ] && [ ! -e "$clock_vf" ] && [ ! -e "$clock_far" ]
}
tap_run guest.time.clocks_go_with_their_drivers removed
tap_done
