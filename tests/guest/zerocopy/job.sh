#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir and a kernel with memory providers: what VF 0 sends comes to VF 1 and to the PF through a queue whose memory
# is an application's (receive.c). The other queues stay as they are.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

QUEUE=3
PAIRS=4
PORT=5500
BYTES=8388608

functions_come_up() {
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	noise 8
}
tap_run guest.zerocopy.functions_come_up functions_come_up

# carrier N: it has one, or has it again
carrier() {
	if [ "$1" = pf ]; then wait_until 10 carrier_in - pf; else wait_until 10 carrier_in "v$1" vf; fi
}
address_of() {
	if [ "$1" = pf ]; then echo 10.9.0.100; else echo 10.9.0.2; fi
}
# tune N OPTION ARGUMENTS...: ethtool
tune() {
	tune_at=$1 tune_option=$2
	shift 2
	where "$tune_at" ethtool "$tune_option" "$(interface_of "$tune_at")" "$@"
}
split() {
	where "$1" /job/rings "$(interface_of "$1")" "$2" && carrier "$1"
}

# hold N [PORT [BUFFER-BYTES]]: the queue there gets memory of a program's, which writes what comes to the port to /tmp/got. It is
# killed by drop, in this test or in another.
hold() {
	: >/tmp/holder
	if [ "$1" = pf ]; then
		/job/zerocopy pf "$QUEUE" "${2:-0}" /tmp/got ${3:+"$3"} >/tmp/holder 2>&1 &
	else
		ip netns exec "v$1" /job/zerocopy vf "$QUEUE" "${2:-0}" /tmp/got ${3:+"$3"} >/tmp/holder 2>&1 &
	fi
	echo $! >/tmp/holder.pid
	wait_until 20 holds_or_fails
	grep -q bound /tmp/holder && return 0
	cat /tmp/holder
	return 1
}
holds_or_fails() {
	[ -s /tmp/holder ]
}
has_ended() {
	! grep '^State:' "/proc/$(cat /tmp/holder.pid)/status" 2>/dev/null | grep -qv Z
}
drop() {
	kill -KILL "$(cat /tmp/holder.pid)" && wait_until 20 has_ended
}

# plain N: the queue has memory of the kernel's again, and nothing else is left: a page pool for each pair
plain() {
	wait_until 10 has_pools "$1" "$PAIRS"
}
has_pools() {
	pools=$(where "$1" /job/netdev "$(interface_of "$1")" | grep -c '^pool ')
	echo "$pools page pools"
	[ "$pools" = "$2" ]
}

# comes_through N: what is sent to the holder there arrives as it was sent, and none of it is copied
comes_through() {
	wait_until 20 listens "$PORT" where "$1" || return 1
	in_vf 0 busybox nc -w 30 "$(address_of "$1")" "$PORT" </tmp/noise
	wait_until 30 has_ended
	cat /tmp/holder
	grep -q "^received $BYTES bytes, 0 of them copied" /tmp/holder && cmp /tmp/noise /tmp/got
}
listens() {
	listens_port=$1
	shift
	"$@" busybox netstat -ltn | grep -q ":$listens_port "
}
zero_copy() {
	hold "$1" "$PORT" "$2" && comes_through "$1" && plain "$1"
}

# ordinary N: the same port and queue, for an ordinary program
ordinary() {
	noise_arrives "$1" "$(address_of "$1")" "$PORT"
}

refused() {
	! hold 1 && grep -q 'IORING_REGISTER_ZCRX_IFQ: Invalid argument' /tmp/holder
}

# --- on a VF -------------------------------------------------------------------------------------------------------------------

# Flows go to the first three queues, and what is sent to the port to the last.
prepare() {
	tune "$1" -L combined "$PAIRS" && carrier "$1" && tune "$1" -X equal "$QUEUE" &&
		tune "$1" -N flow-type tcp4 dst-port "$PORT" action "$QUEUE"
}
tap_run guest.zerocopy.queues_are_set_up prepare 1
tap_run guest.zerocopy.it_is_refused_without_header_split refused
tap_run guest.zerocopy.headers_are_split_off split 1 on
tap_run guest.zerocopy.data_arrives_on_a_vf zero_copy 1
tap_run guest.zerocopy.the_queue_is_an_ordinary_one_afterwards ordinary 1
again() {
	for _ in 1 2 3; do
		zero_copy 1 || return 1
	done
}
tap_run guest.zerocopy.it_goes_again_and_again again
jumbo() {
	for number in 0 1; do
		in_vf "$number" ip link set dev vf mtu 9000 || return 1
	done
	zero_copy 1
}
tap_run guest.zerocopy.long_frames_lie_in_several_buffers jumbo
long_buffers() {
	echo 8 >/proc/sys/vm/nr_hugepages && zero_copy 1 16384
}
tap_run guest.zerocopy.buffers_may_be_longer_than_a_page long_buffers
too_long() {
	! hold 1 0 32768 && grep -q 'IORING_REGISTER_ZCRX_IFQ: ' /tmp/holder && plain 1
}
tap_run guest.zerocopy.buffers_longer_than_the_card_takes_are_refused too_long

# --- while a program has the queue ---------------------------------------------------------------------------------------------

tap_run guest.zerocopy.a_program_holds_a_queue hold 1
tap_run guest.zerocopy.nobody_else_gets_it fails_saying 'File exists' in_vf 1 /job/zerocopy vf "$QUEUE" 0 /tmp/got
tap_run guest.zerocopy.it_cannot_go_away fails_saying . in_vf 1 ethtool -L vf combined 2
tap_run guest.zerocopy.its_headers_stay_apart fails_saying . in_vf 1 /job/rings vf off
killed() {
	drop && plain 1 && ordinary 1
}
tap_run guest.zerocopy.a_killed_program_leaves_nothing killed

# begins_to_come N: data flows to the holder there without end
begins_to_come() {
	wait_until 20 listens "$PORT" where "$1" || return 1
	in_vf 0 busybox nc -w 5 "$(address_of "$1")" "$PORT" </dev/zero >/dev/null 2>&1 &
	SENDER=$!
	wait_until 20 test -s /tmp/got
}
stops_coming() {
	kill -KILL "$SENDER" 2>/dev/null
	wait "$SENDER" 2>/dev/null
	rm -f /tmp/got
}
killed_while_receiving() {
	: >/tmp/got
	hold 1 "$PORT" && begins_to_come 1 || return 1
	drop
	stops_coming
	plain 1 && zero_copy 1
}
tap_run guest.zerocopy.one_killed_while_receiving_leaves_nothing killed_while_receiving
reset() {
	set_attribute "$PF_PATH/virtfn1/reset" 1 && carrier 1
}
held_over() {
	hold 1 "$PORT" && "$@" && carrier 1 && comes_through 1 && plain 1
}
tap_run guest.zerocopy.the_memory_is_kept_over_a_reset held_over reset
reset_while_receiving() {
	: >/tmp/got
	hold 1 "$PORT" && begins_to_come 1 && reset || return 1
	drop
	stops_coming
	plain 1 && zero_copy 1
}
tap_run guest.zerocopy.a_reset_while_receiving_harms_nobody reset_while_receiving
down_and_up() {
	in_vf 1 ip link set dev vf down && in_vf 1 ip link set dev vf up
}
tap_run guest.zerocopy.the_memory_is_kept_over_down_and_up held_over down_and_up
tap_run guest.zerocopy.the_memory_is_kept_over_a_change_of_the_rings held_over tune 1 -G rx 256
closed_while_down() {
	hold 1 && in_vf 1 ip link set dev vf down && drop && in_vf 1 ip link set dev vf up && carrier 1 && plain 1 && ordinary 1
}
tap_run guest.zerocopy.a_program_may_end_while_the_interface_is_down closed_while_down

# --- the other queues ----------------------------------------------------------------------------------------------------------

# restarts COUNT: so many times the queue is stopped and started, twice each
restarts() {
	restarts_left=$1
	while [ "$restarts_left" -gt 0 ]; do
		hold 1 && drop && plain 1 || return 1
		restarts_left=$((restarts_left - 1))
	done
}
others() {
	lost=$(statistic 1 vport_rx_dropped_no_queue)
	( restarts 10 >/tmp/restarts 2>&1; echo $? >/tmp/restarts.status ) &
	others_pid=$!
	ping_well 0 -c 80 -i 0.05 10.9.0.2 || return 1
	wait "$others_pid"
	cat /tmp/restarts
	echo "dropped: $lost, then $(statistic 1 vport_rx_dropped_no_queue)"
	[ "$(cat /tmp/restarts.status)" = 0 ] && [ "$(statistic 1 vport_rx_dropped_no_queue)" = "$lost" ]
}
tap_run guest.zerocopy.other_queues_lose_nothing_while_one_restarts others

# --- on the PF -----------------------------------------------------------------------------------------------------------------

prepare_pf() {
	prepare pf && split pf on
}
tap_run guest.zerocopy.queues_of_the_pf_are_set_up prepare_pf
tap_run guest.zerocopy.data_arrives_on_the_pf zero_copy pf
tap_run guest.zerocopy.the_pfs_queue_is_an_ordinary_one_afterwards ordinary pf

# --- a function's only queue, and one that goes away ---------------------------------------------------------------------------

only() {
	tune 1 -X default && tune 1 -N delete "$(tune 1 -n | sed -n 's/^Filter: //p')" && tune 1 -L combined 1 && carrier 1 || return 1
	QUEUE=0 PAIRS=1
	zero_copy 1 && ordinary 1 && ping_well 0 -c 20 -i 0.02 10.9.0.2
}
tap_run guest.zerocopy.a_functions_only_queue_may_be_it only
gone() {
	QUEUE=0
	hold 1 && set_vfs 0 && drop && set_vfs 1
}
tap_run guest.zerocopy.a_vf_may_go_away_with_it gone
tap_done
