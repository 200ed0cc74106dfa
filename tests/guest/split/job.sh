#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: headers of received frames apart from their payload (tcp-data-split), on the PF and on VFs 0 and 1, between
# which traffic goes. How a frame lies in an skb is what the kernel's own tracepoint says when the driver hands it over.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

TRACE=/sys/kernel/tracing
EVENT=$TRACE/events/net/napi_gro_receive_entry

functions_come_up() {
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 fd09::100/64 && place_vf 0 10.9.0.1/24 fd09::1/64 &&
		place_vf 1 10.9.0.2/24 fd09::2/64 || return 1
	[ -d "$EVENT" ] || mount -t tracefs tracefs "$TRACE"
	[ -d "$EVENT" ]
}
tap_run guest.split.functions_come_up functions_come_up

# split N on|off|auto ...: sets it, as `ethtool -G … tcp-data-split` does
split() {
	split_at=$1
	shift
	where "$split_at" /job/rings "$(interface_of "$split_at")" "$@" || return 1
	if [ "$split_at" = pf ]; then wait_until 5 carrier_in - pf; else wait_until 5 carrier_in "v$split_at" vf; fi
}
# both on|off|auto: on VF 0 and VF 1, whose interfaces have the same name in the trace
both() {
	split 0 "$@" && split 1 "$@"
}
shows() {
	says "TCP data split:[[:space:]]*$2" where "$1" ethtool -g "$(interface_of "$1")"
}
tap_run guest.split.a_vf_begins_without shows 1 off
tap_run guest.split.the_pf_begins_without shows pf off

# parts N EXPRESSION COMMAND...: while it runs, 20 frames at least come to the interface, of which awk's expression holds for each that is
# longer than what is copied; of each `linear` bytes lie in the skb itself, behind the Ethernet header, and `data` in fragments
parts() {
	parts_at=$1 parts_holds=$2
	shift 2
	echo "name == \"$(interface_of "$parts_at")\"" >"$EVENT/filter"
	echo >"$TRACE/trace"
	echo 1 >"$EVENT/enable"
	"$@" >/tmp/parts.out 2>&1
	parts_status=$?
	echo 0 >"$EVENT/enable"
	[ "$parts_status" = 0 ] || { tail -n 5 /tmp/parts.out; return 1; }
	sed -n 's/.* len=\([0-9]*\) data_len=\([0-9]*\) .*/\1 \2/p' "$TRACE/trace" | awk "
		{ linear = \$1 - \$2; data = \$2 }
		\$1 + 14 <= 256 { if (data) { print \"short, and in fragments: \" \$0; bad = 1 }; next }
		{ count++; if (!($parts_holds)) { print \"of \" \$1 \" bytes \" data \" lie in fragments\"; if (++bad > 5) exit 1 } }
		END { print count + 0 \" frames\"; exit bad || count < 20 }"
}
tcp() {
	serve_iperf "$1" 5301 || return 1
	moves_data 0 -c "$2" -p 5301 -t 1
	tcp_status=$?
	end_iperf
	return "$tcp_status"
}
pings() {
	ping_well 0 -c 25 -i 0.02 -s "$2" "$1"
}
# 20 or 40 of IP, 32 of TCP with its timestamps
tap_run guest.split.without_frames_lie_in_one_piece parts 1 'data == 0 || linear > 1000' tcp v1 10.9.0.2
tap_run guest.split.it_can_be_set_on_vfs both on
tap_run guest.split.a_vf_shows_it shows 1 on
tap_run guest.split.tcp_headers_are_linear_and_nothing_else parts 1 'linear == 52' tcp v1 10.9.0.2
tap_run guest.split.tcp_headers_over_ipv6_too parts 1 'linear == 72' tcp v1 fd09::2
tap_run guest.split.icmp_headers_too parts 1 'linear == 28' pings 10.9.0.2 1400
jumbo() {
	for number in 0 1; do
		in_vf "$number" ip link set dev vf mtu 9000 || return 1
	done
	parts 1 'linear == 28' pings 10.9.0.2 8900
}
tap_run guest.split.long_frames_are_split_once jumbo
fragments() {
	parts 1 'linear == 242' pings 10.9.0.2 20000
}
tap_run guest.split.ip_fragments_arrive_with_their_beginning_in_front fragments

bytes_stay() {
	noise 8 && noise_arrives 1 10.9.0.2 5400
}
tap_run guest.split.bytes_stay_what_they_are bytes_stay
rings_change() {
	in_vf 1 ethtool -G vf rx 512 rx-buf-len 1024 && wait_until 5 carrier_in v1 vf && shows 1 on && bytes_stay &&
		in_vf 1 ethtool -L vf combined 1 && wait_until 5 carrier_in v1 vf && bytes_stay
}
tap_run guest.split.it_outlives_changes_of_the_rings rings_change
reset() {
	set_attribute "$PF_PATH/virtfn1/reset" 1 && wait_until 10 carrier_in v1 vf && shows 1 on && parts 1 'linear == 28' pings 10.9.0.2 1400
}
tap_run guest.split.it_outlives_a_reset reset
down() {
	in_vf 1 ip link set dev vf down && shows 1 on && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf &&
		parts 1 'linear == 28' pings 10.9.0.2 1400
}
tap_run guest.split.it_outlives_down_and_up down

# --- what does not go together -------------------------------------------------------------------------------------------------

tap_run guest.split.buffers_too_short_for_it_are_refused fails_saying 'a seventeenth' in_vf 1 ethtool -G vf rx-buf-len 512
tap_run guest.split.rings_too_long_for_it_are_refused fails_saying 'half of the most' in_vf 1 ethtool -G vf rx 32768
programs() {
	mkdir /tmp/bpf && mount -t bpf bpf /tmp/bpf && bpftool prog loadall /job/programs.o /tmp/bpf/weir pinmaps /tmp/bpf/weir
}
xdp() {
	in_vf 1 ip -force link set dev vf xdpdrv "$@"
}
tap_run guest.split.programs_load programs
tap_run guest.split.xdp_is_refused_with_it fails_saying 'tcp-data-split' xdp pinned /tmp/bpf/weir/drop
off() {
	both auto && shows 1 off && parts 1 'linear > 1000' pings 10.9.0.2 1400
}
tap_run guest.split.auto_is_off off
with_xdp() {
	xdp pinned /tmp/bpf/weir/drop && fails_saying 'take it off first' split 1 on && shows 1 off && xdp off && split 1 on
}
tap_run guest.split.it_is_refused_with_xdp with_xdp
tap_run guest.split.it_can_be_set_on_the_pf split pf on
tap_run guest.split.the_pf_gets_tcp_headers_apart parts pf 'linear == 52' tcp - 10.9.0.100
tap_done
