#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: XDP programs (programs.bpf.c) on VF 0 and the PF. VF 1, in the namespace of VF 0 and named out, is where
# frames are redirected to; VF 2 sends, and gets back; VF 3 is behind `out`. Frames are made and judged by frames.c.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

# Not below /sys, of which each namespace has its own.
BPF=/tmp/bpf
# Before 6.3 frames of several buffers go to no other device.
kernel_redirects_fragments() {
	case $(uname -r) in
	6.1.*) return 1 ;;
	esac
}

# --- set-up ------------------------------------------------------------------------------------------------------------------

programs_load() {
	mkdir "$BPF" && mount -t bpf bpf "$BPF" || return 1
	bpftool prog loadall /job/programs.o "$BPF/weir" pinmaps "$BPF/weir"
}
functions_come_up() {
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
	load_drivers && set_vfs 4 && place_pf 10.9.0.100/24 || return 1
	for number in 0 1 2 3; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || return 1
	done
	ip -n v1 link set dev vf down && ip -n v1 link set dev vf netns v0 name out && ip -n v0 link set dev out up &&
		wait_until 5 carrier_in v0 out
}
tap_run guest.xdp.functions_come_up functions_come_up
tap_run guest.xdp.programs_load programs_load

vf0=$(mac_of 0)
out=$(in_vf 0 cat /sys/class/net/out/address)
vf2=$(mac_of 2)
vf3=$(mac_of 3)

# program N NAME|off: attaches it, in native mode and no other
program() {
	if [ "$2" = off ]; then
		where "$1" ip link set dev "$(interface_of "$1")" xdpdrv off
	else
		where "$1" ip -force link set dev "$(interface_of "$1")" xdpdrv pinned "$BPF/weir/$2"
	fi
}

# sum N NAME [INTERFACE]: a counter over all queues of an interface
sum() {
	where "$1" ethtool -S "${3:-$(interface_of "$1")}" | awk -v wanted="^[rt]x_queue_[0-9]*_$2:" '$1 ~ wanted { sum += $2 } END { print sum + 0 }'
}

# more_by WANTED BEFORE N NAME [INTERFACE]: the counter has grown by so much, or says how much
more_by() {
	more_wanted=$1 more_before=$2
	shift 2
	more_now=$(sum "$@")
	[ $((more_now - more_before)) -eq "$more_wanted" ] || {
		echo "$*: $((more_now - more_before)) more, wanted $more_wanted"
		return 1
	}
}

# What bpftool takes: the four bytes of a number, the bytes of MAC addresses
number_bytes() {
	echo "$(($1 % 256)) $(($1 / 256)) 0 0"
}
mac_bytes() {
	echo "hex $1" | tr ':' ' '
}

# grows NAME BEFORE INTERFACE: a counter has, in the namespace of VF 0
grows() {
	[ "$(sum 0 "$1" "$3")" -gt "$2" ]
}

# mtu N BYTES [INTERFACE]
mtu() {
	where "$1" ip link set dev "${3:-$(interface_of "$1")}" mtu "$2"
}

# --- actions -----------------------------------------------------------------------------------------------------------------

# counted NAME PROGRAM COUNT BYTES: so many frames to VF 0 add so much to this counter of its, and nothing to the others
XDP_COUNTERS="pass drop tx redirect aborted tx_failed redirect_failed"
counted() {
	for counter in $XDP_COUNTERS; do
		eval "before_$counter=$(sum 0 "xdp_$counter")"
	done
	program 0 "$2" && in_vf 2 /job/frames send vf "$vf0" "$3" "$4" || return 1
	eval "counted_before=\$before_$1"
	# shellcheck disable=SC2154 # set by eval
	wait_until 5 more_by "$3" "$counted_before" 0 "xdp_$1" || return 1
	for counter in $XDP_COUNTERS; do
		# What else comes to an interface, such as neighbour discovery, passes.
		[ "$counter" = "$1" ] || [ "$counter" = pass ] || eval "more_by 0 \$before_$counter 0 xdp_$counter" || return 1
	done
}
tap_run guest.xdp.drop_is_counted counted drop drop 300 100

dropped_is_received() {
	before=$(in_vf 0 ip -s link show dev vf | awk '/RX:/ { getline; print $2 }')
	counted drop drop 100 500 || return 1
	after=$(in_vf 0 ip -s link show dev vf | awk '/RX:/ { getline; print $2 }')
	echo "received: $before, then $after"
	[ "$after" -ge $((before + 100)) ] && [ "$after" -le $((before + 110)) ] && says 'RX:.*' in_vf 0 ip -s link show dev vf
}
tap_run guest.xdp.dropped_frames_count_as_received dropped_is_received

others_pass() {
	program 0 drop && ping_well 2 -c 20 -i 0.02 10.9.0.1
}
tap_run guest.xdp.others_pass_a_program_that_drops others_pass

trace_counts() {
	trace=/sys/kernel/tracing
	echo >"$trace/trace"
	echo 1 >"$trace/events/xdp/xdp_exception/enable"
	counted aborted "$1" 50 200
	trace_result=$?
	echo 0 >"$trace/events/xdp/xdp_exception/enable"
	lines=$(grep -c 'xdp_exception:' "$trace/trace")
	echo "$lines exceptions traced"
	[ "$trace_result" -eq 0 ] && [ "$lines" -eq 50 ]
}
tap_run guest.xdp.aborted_is_counted_and_traced trace_counts abort_all
tap_run guest.xdp.a_verdict_there_is_not_is_aborted trace_counts stranger

bounced() {
	before=$(sum 0 xdp_tx)
	sent_before=$(sum 0 xdp_packets)
	program 0 "$1" && in_vf 2 /job/frames bounce vf "$vf0" "$2" "$3" "${4:-$3}" || return 1
	wait_until 5 more_by "$2" "$before" 0 xdp_tx && wait_until 5 more_by "$2" "$sent_before" 0 xdp_packets
}
tap_run guest.xdp.tx_sends_frames_back bounced bounce 500 60
tap_run guest.xdp.tx_sends_full_frames_back bounced bounce 500 1514
tap_run guest.xdp.tx_of_whole_frames bounced bounce_whole 200 1000
tap_run guest.xdp.tx_of_longer_frames bounced bounce_longer 200 700 800

on_the_pf() {
	program pf bounce && in_vf 2 /job/frames bounce vf "$(mac_of pf)" 300 1000 && program pf drop || return 1
	before=$(sum pf xdp_drop)
	in_vf 2 /job/frames send vf "$(mac_of pf)" 100 100 && wait_until 5 more_by 100 "$before" pf xdp_drop && program pf off
}
tap_run guest.xdp.programs_run_on_the_pf on_the_pf

# received N INTERFACE SOURCE COUNT BYTES: frames from VF 2 to VF 0 that come whole to there
received() {
	received_at=$1 received_interface=$2 received_source=$3
	rm -f /tmp/received
	ip netns exec "v$received_at" /job/frames receive "$received_interface" "$received_source" "$4" "$5" >/tmp/received 2>&1 </dev/null &
	received_pid=$!
	wait_until 5 grep -q waiting /tmp/received && in_vf 2 /job/frames send vf "$vf0" "$4" "$5"
	wait "$received_pid"
	received_result=$?
	cat /tmp/received
	return "$received_result"
}

passed() {
	before=$(sum 0 xdp_pass)
	program 0 "$1" && received 0 vf "$vf2" "$2" "$3" || return 1
	grows xdp_pass $((before + $2 - 1)) vf
}
tap_run guest.xdp.pass_leaves_frames_alone passed pass 300 60
tap_run guest.xdp.pass_leaves_full_frames_alone passed pass_whole 300 1514

metadata() {
	in_vf 0 tc qdisc add dev vf clsact && in_vf 0 tc filter add dev vf ingress bpf direct-action object-pinned "$BPF/weir/count_meta" || return 1
	passed pass_meta 100 300 || return 1
	value=$(bpftool -j map lookup pinned "$BPF/weir/with_meta" key 0 0 0 0 | sed 's/.*"formatted".*"value":\([0-9]*\).*/\1/')
	echo "the stack had the metadata of $value frames"
	in_vf 0 tc qdisc del dev vf clsact
	[ "$value" = 100 ]
}
tap_run guest.xdp.pass_hands_metadata_on metadata

# --- REDIRECT ----------------------------------------------------------------------------------------------------------------

redirect_setup() {
	# A devmap knows interfaces of the namespace it is filled from.
	# shellcheck disable=SC2046 # several bytes
	in_vf 0 bpftool map update pinned "$BPF/weir/devices" key 0 0 0 0 value $(number_bytes "$(in_vf 0 cat /sys/class/net/out/ifindex)") &&
		bpftool map update pinned "$BPF/weir/rewrite" key 0 0 0 0 value $(mac_bytes "$vf3:$out") &&
		bpftool map update pinned "$BPF/weir/processors" key 1 0 0 0 value 192 0 0 0 0 0 0 0
}
redirected() {
	redirect_before=$(sum 0 xdp_redirect)
	out_before=$(sum 0 xdp_packets out)
	program 0 to_device && received 3 vf "$out" "$1" "$2" && wait_until 5 more_by "$1" "$redirect_before" 0 xdp_redirect &&
		wait_until 5 more_by "$1" "$out_before" 0 xdp_packets out
}
tap_run guest.xdp.maps_are_filled redirect_setup
tap_run guest.xdp.redirect_between_vfs redirected 500 60
tap_run guest.xdp.redirect_of_full_frames redirected 500 1514
to_processor() {
	redirect_before=$(sum 0 xdp_redirect)
	program 0 to_processor && received 0 vf "$vf2" "$1" "$2" && wait_until 5 more_by "$1" "$redirect_before" 0 xdp_redirect
}
tap_run guest.xdp.redirect_to_a_processor to_processor 300 1000
to_nowhere() {
	in_vf 0 ip link set dev out down
	counted redirect_failed to_device 20 100
	nowhere_result=$?
	in_vf 0 ip link set dev out up && wait_until 5 carrier_in v0 out && [ "$nowhere_result" -eq 0 ] && redirected 50 100
}
tap_run guest.xdp.redirect_to_an_interface_that_is_down to_nowhere

# --- several buffers ---------------------------------------------------------------------------------------------------------

refused_when_longer() {
	program 0 pass_whole && fails_saying 'Invalid|frag|fragment' mtu 0 9000 && says ' mtu 1500 ' in_vf 0 ip link show dev vf &&
		says 'MTU 9000: frames would take several buffers' dmesg
}
tap_run guest.xdp.a_program_for_whole_frames_refuses_a_long_mtu refused_when_longer
jumbo() {
	program 0 off && mtu 0 9000 && mtu 0 9000 out && mtu 2 9000 && mtu 3 9000 &&
		wait_until 5 carrier_in v0 vf && wait_until 5 carrier_in v2 vf || return 1
	fails_saying 'load a program for fragments' program 0 bounce_whole
}
tap_run guest.xdp.a_long_mtu_refuses_a_program_for_whole_frames jumbo
tap_run guest.xdp.jumbo_frames_pass passed pass 200 9014
tap_run guest.xdp.jumbo_frames_are_sent_back bounced bounce 200 9014
tap_run guest.xdp.jumbo_frames_lose_their_last_buffers bounced bounce_cut 200 9014 5000
tap_run guest.xdp.jumbo_frames_grow bounced bounce_longer 100 7100 7200
tap_run guest.xdp.jumbo_frames_are_dropped counted drop drop 100 9014
tap_run guest.xdp.frames_too_long_to_send_are_counted counted tx_failed bounce_too_long 20 9014
tap_run guest.xdp.jumbo_frames_go_to_a_processor to_processor 100 9014
jumbo_redirect() {
	if kernel_redirects_fragments; then
		redirected 200 9014
	else
		counted redirect_failed to_device 100 9014
	fi
}
tap_run guest.xdp.jumbo_frames_are_redirected_or_counted jumbo_redirect

buffer_bytes() {
	in_vf 0 ethtool -G vf rx-buf-len "$1" && wait_until 5 carrier_in v0 vf &&
		says "RX Buf Len:[[:space:]]*$1\$" in_vf 0 ethtool -g vf
}
# The most buffers that a frame can have
short_buffers() {
	buffer_bytes 512 && passed pass 100 9014 && bounced bounce 100 9014 && bounced bounce_cut 50 9014 5000
}
tap_run guest.rings.buffers_of_512_bytes short_buffers
long_buffers() {
	program 0 off && buffer_bytes 9216 && bounced bounce_whole 100 9014 && bounced bounce_cut 50 9014 5000 || return 1
	program 0 bounce_whole && fails_saying 'takes no fragments' in_vf 0 ethtool -G vf rx-buf-len 4096
}
tap_run guest.rings.one_buffer_for_a_jumbo_frame long_buffers
plain_lengths() {
	program 0 off
	for length in 9216 2048 512; do
		buffer_bytes "$length" && received 0 vf "$vf2" 100 9014 && received 0 vf "$vf2" 100 700 &&
			ping_well 2 -c 5 -M "do" -s 8972 -i 0.05 10.9.0.1 || return 1
	done
	fails_saying 'rx-buf-len' in_vf 0 ethtool -G vf rx-buf-len 448 && fails_saying 'rx-buf-len' in_vf 0 ethtool -G vf rx-buf-len 9217 &&
		buffer_bytes 3520
}
tap_run guest.rings.buffers_of_any_length_without_a_program plain_lengths
back_to_1500() {
	mtu 0 1500 && mtu 0 1500 out && mtu 2 1500 && mtu 3 1500 && wait_until 5 carrier_in v0 vf && wait_until 5 carrier_in v2 vf
}
tap_run guest.xdp.mtu_can_go_back back_to_1500

# --- comings and goings under traffic ----------------------------------------------------------------------------------------

# The documented way, with the object file
by_object() {
	in_vf 0 ip -force link set dev vf xdpdrv object /job/programs.o program bounce && in_vf 2 /job/frames bounce vf "$vf0" 50 100 &&
		says 'prog/xdp id' in_vf 0 ip link show dev vf && program 0 off && ! in_vf 0 ip link show dev vf | grep -q xdp
}
tap_run guest.xdp.iproute_loads_an_object by_object

swapped() {
	changes=$(in_vf 0 cat /sys/class/net/vf/carrier_changes)
	# What waits for ARP is sent out of turn.
	reaches 2 10.9.0.1 || return 1
	ip netns exec v0 /job/sequence receive 7000 >/tmp/swap.receiver 2>&1 </dev/null &
	swap_receiver=$!
	sleep 0.3
	ip netns exec v2 /job/sequence send 10.9.0.1 7000 1000 >/tmp/swap.sender 2>&1 </dev/null &
	swap_sender=$!
	for round in 1 2 3 4 5 6 7 8 9 10; do
		for swap_program in pass pass_whole pass_meta drop off; do
			program 0 "$swap_program" || {
				echo "round $round"
				return 1
			}
		done
	done
	kill -TERM "$swap_sender"
	wait "$swap_sender"
	wait "$swap_receiver"
	swap_result=$?
	cat /tmp/swap.receiver
	[ "$swap_result" -eq 0 ] && [ "$(in_vf 0 cat /sys/class/net/vf/carrier_changes)" = "$changes" ]
}
tap_run guest.xdp.programs_change_and_no_frame_is_lost swapped

# flood_begin: frames from VF 2 to VF 0 without end
flood_begin() {
	ip netns exec v2 /job/frames send vf "$vf0" 0 "${1:-500}" >/dev/null 2>&1 </dev/null &
	flood_pid=$!
}
flood_end() {
	kill -TERM "$flood_pid"
	wait "$flood_pid"
}
# flows COUNTER [INTERFACE]: the flood moves it
flows() {
	flows_before=$(sum 0 "$1" "${2:-vf}")
	wait_until 10 grows "$1" "$flows_before" "${2:-vf}" || {
		echo "$1 stands still"
		return 1
	}
}
reset_vf() {
	set_attribute "$PF_PATH/virtfn$1/reset" 1 && wait_until 10 carrier_in v0 "$2"
}
reset_under() {
	program 0 "$1" || return 1
	flood_begin
	flows "$2" && reset_vf "$3" "$4" && flows "$2" && reset_vf "$3" "$4" && flows "$2" && reset_vf "$3" "$4" && flows "$2"
	reset_result=$?
	flood_end
	[ "$reset_result" -eq 0 ] && says 'prog/xdp id' in_vf 0 ip link show dev vf
}
tap_run guest.xdp.flr_under_tx_traffic reset_under bounce xdp_tx 0 vf
tap_run guest.xdp.frames_are_sent_back_after_it bounced bounce 200 700
tap_run guest.xdp.flr_under_redirect_traffic reset_under to_device xdp_redirect 0 vf
target_reset() {
	program 0 to_device || return 1
	flood_begin
	flows xdp_packets out && reset_vf 1 out && flows xdp_packets out && reset_vf 1 out && flows xdp_packets out
	target_result=$?
	flood_end
	return "$target_result"
}
tap_run guest.xdp.flr_of_the_interface_redirected_to target_reset
tap_run guest.xdp.frames_are_redirected_after_it redirected 200 700

change_under() {
	program 0 "$1" || return 1
	flood_begin
	change_result=0
	for change in '-G vf rx 64 tx 64' '-L vf combined 1' '-L vf combined 4' '-G vf rx 1024 tx 256' '-G vf rx-buf-len 1024' \
		'-L vf combined 2' '-G vf rx 512 tx 512 rx-buf-len 3520'; do
		# shellcheck disable=SC2086 # several words
		if ! in_vf 0 ethtool $change || ! wait_until 5 carrier_in v0 vf || ! flows "$2"; then
			echo "after ethtool $change"
			change_result=1
			break
		fi
	done
	flood_end
	return "$change_result"
}
tap_run guest.xdp.rings_and_channels_change_under_tx_traffic change_under bounce xdp_tx
tap_run guest.xdp.rings_and_channels_change_under_redirect_traffic change_under to_device xdp_redirect

target_changes() {
	program 0 to_device || return 1
	flood_begin
	change_result=0
	for change in 'ethtool -G out tx 64' 'ethtool -L out combined 1' 'ip link set dev out down' 'ip link set dev out up' \
		'ethtool -L out combined 2' 'ethtool -G out tx 512'; do
		# shellcheck disable=SC2086 # several words
		in_vf 0 $change || change_result=1
		usleep 300000
	done
	wait_until 5 carrier_in v0 out && flows xdp_packets out || change_result=1
	flood_end
	return "$change_result"
}
tap_run guest.xdp.the_interface_redirected_to_changes_under_traffic target_changes

# The stack's own traffic shares a small ring with a program's, and is not starved.
beside_the_stack() {
	in_vf 0 ethtool -G vf tx 64 && wait_until 5 carrier_in v0 vf && program 0 bounce || return 1
	flood_begin 60
	ping_well 0 -c 100 -i 0.02 10.9.0.4
	beside_result=$?
	flood_end
	return "$beside_result"
}
tap_run guest.xdp.the_stack_sends_beside_a_program beside_the_stack

gone_with_it() {
	program 0 bounce || return 1
	flood_begin
	flows xdp_tx && ip -n v0 link set dev vf down && ip -n v0 link set dev vf up && wait_until 5 carrier_in v0 vf && flows xdp_tx &&
		rmmod weirvf
	gone_result=$?
	flood_end
	[ "$gone_result" -eq 0 ] && set_vfs 0 && rmmod weir
}
tap_run guest.xdp.drivers_unload_with_a_program_at_work gone_with_it
tap_done
