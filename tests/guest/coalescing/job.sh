#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: segments that VF 0 sends are aggregates when VF 1's driver gives them to the stack, and the stack cuts them
# into the same segments again. VF 1 hands what it gets to a veth whose other end /job/large watches: /job/vectors is what Linux itself
# cuts of the frames that were sent. Then streams: data arrives whole, with an eighth of the completions at most.
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
	ip link set dev pf mtu 9000 && ip link set dev pf vf 0 spoofchk off && in_vf 1 ethtool -K vf rx-vlan-filter off rx-vlan-stag-filter off || return 1
	wait_until 10 reaches 0 10.9.0.2 && wait_until 10 reaches 0 fd09::2
}
tap_run guest.coalescing.interfaces_come_up start_up

# state_is ON-OR-OFF [N]: of the feature
state_is() {
	says "^rx-gro-hw: $1\$" where "${2:-1}" ethtool -k "$(interface_of "${2:-1}")"
}

offered() {
	for place in pf 0 1; do
		state_is off "$place" && where "$place" ethtool -K "$(interface_of "$place")" rx-gro-hw on && state_is on "$place" || return 1
	done
	# It is a part of GRO, and of checking checksums.
	in_vf 1 ethtool -K vf gro off && state_is 'off \[requested on\]' && in_vf 1 ethtool -K vf gro on rx off && state_is 'off \[requested on\]' &&
		in_vf 1 ethtool -K vf rx on && state_is on && says '^large-receive-offload: off \[fixed\]$' where 1 ethtool -k vf
}
tap_run guest.coalescing.it_is_offered_and_off_until_wanted offered

aggregates() {
	statistic 1 vport_rx_aggregates
}

# The longest frame is two aggregates, which the stack's GRO makes one; of frames with DF it then forgets that identifications count.
without_longest_ids() {
	sed -E '/tcp4_longest/s/(08004500....)....(40004006)..../\1-\2-/'
}

# passes_on LEAST MOST: VF 0 has all kinds of frames cut; behind VF 1 and a veth that cuts nothing by itself they are as Linux cuts them.
# The card has made so many aggregates of them.
passes_on() {
	passes_before=$(aggregates)
	watched far far /tmp/far in_vf 0 /job/large send vf "$(mac_of 1)" || return 1
	passes_made=$(($(aggregates) - passes_before))
	echo "aggregates: $passes_made"
	without_longest_ids </job/vectors | taken >/tmp/wanted
	without_longest_ids </tmp/far >/tmp/arrived
	same /tmp/wanted /tmp/arrived || return 1
	[ "$passes_made" -ge "$1" ] && [ "$passes_made" -le "$2" ]
}

lead_on() {
	ip netns add far && in_vf 1 ip link add out mtu 9000 type veth peer name far mtu 9000 netns far && in_vf 1 ip link set out up &&
		ip netns exec far ip link set far up && in_vf 1 ethtool -K out tx off tso off gso off && ip netns exec far ethtool -K far gro off || return 1
	in_vf 1 tc qdisc add dev vf clsact && in_vf 1 tc filter add dev vf ingress protocol all matchall action mirred egress redirect dev out
}
tap_run guest.coalescing.what_arrives_is_passed_on lead_on
tap_run guest.coalescing.the_stack_cuts_aggregates_into_what_was_sent passes_on 8 30
with_tags() {
	in_vf 1 ethtool -K vf rxvlan off && passes_on 8 30 && in_vf 1 ethtool -K vf rxvlan on
}
tap_run guest.coalescing.tags_in_place_do_not_matter with_tags
without_it() {
	in_vf 1 ethtool -K vf rx-gro-hw off && passes_on 0 0 && in_vf 1 ethtool -K vf rx-gro-hw on
}
tap_run guest.coalescing.off_is_off without_it
# Buffers of which an skb holds too few for the longest.
short_buffers() {
	in_vf 1 ethtool -G vf rx-buf-len 1024 && passes_on 8 40 && in_vf 1 ethtool -G vf rx-buf-len 3520
}
tap_run guest.coalescing.short_buffers_do_not_matter short_buffers
again() {
	in_vf 1 ip link set dev vf down && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf && passes_on 8 30 &&
		in_vf 1 ip address add fd09::2/64 dev vf
}
tap_run guest.coalescing.it_outlives_a_stop again
end_leading() {
	in_vf 1 tc qdisc delete dev vf clsact && wait_until 10 reaches 0 10.9.0.2 && wait_until 10 reaches 0 fd09::2
}
tap_run guest.coalescing.nothing_is_passed_on_any_more end_leading

# --- streams ---

for number in 0 1; do
	in_vf "$number" ip link set dev vf mtu 1500
done
serve_iperf v1 5201

# saves LEAST ARGUMENTS...: a stream comes with a completion for so many segments
saves() {
	saves_least=$1
	shift
	saves_frames=$(statistic 1 vport_rx_frames)
	saves_completions=$(completions_of 1)
	moves_data 0 -p 5201 "$@" || return 1
	saves_frames=$(($(statistic 1 vport_rx_frames) - saves_frames))
	saves_completions=$(($(completions_of 1) - saves_completions))
	echo "$saves_frames segments, $saves_completions completions: $((saves_frames * 10 / saves_completions)) tenths"
	[ "$saves_frames" -ge $((saves_completions * saves_least)) ]
}
tap_run guest.coalescing.eight_segments_a_completion_or_more saves 8 -c 10.9.0.2 -t 3
tap_run guest.coalescing.over_ipv6_too saves 8 -c fd09::2 -t 2

whole() {
	whole_before=$(aggregates)
	noise 24 && noise_arrives 1 10.9.0.2 5300 && [ $(($(aggregates) - whole_before)) -ge 100 ]
}
tap_run guest.coalescing.data_arrives_whole whole

no_program_sees_one() {
	in_vf 1 ip link set dev vf xdpdrv object /job/programs.o program pass && state_is 'off \[requested on\]' || return 1
	program_before=$(aggregates)
	moves_data 0 -p 5201 -c 10.9.0.2 -t 1 && [ "$(aggregates)" = "$program_before" ] && in_vf 1 ip link set dev vf xdpdrv off && state_is on &&
		saves 8 -c 10.9.0.2 -t 1
}
tap_run guest.coalescing.no_xdp_program_sees_an_aggregate no_program_sees_one

# megabits: of the last stream, as iperf3 says
megabits() {
	sed -n 's/.* \([0-9.]*\) Mbits.*receiver$/\1/p' /tmp/iperf.out
}

# Both offloads on and both off, in turns; the stack may do in software what the card does not.
faster() {
	faster_on=0
	faster_off=0
	for _ in 1 2 3; do
		in_vf 0 ethtool -K vf tso off && in_vf 1 ethtool -K vf rx-gro-hw off && moves_data 0 -p 5201 -c 10.9.0.2 -t 2 || return 1
		faster_off=$(echo "$faster_off $(megabits)" | awk '{ print $1 + $2 }')
		in_vf 0 ethtool -K vf tso on && in_vf 1 ethtool -K vf rx-gro-hw on && moves_data 0 -p 5201 -c 10.9.0.2 -t 2 || return 1
		faster_on=$(echo "$faster_on $(megabits)" | awk '{ print $1 + $2 }')
	done
	echo "$faster_on $faster_off" | awk '{ printf "on %.0f Mb/s, off %.0f Mb/s: %.2f times\n", $1 / 3, $2 / 3, $1 / $2; exit !($1 > $2) }'
}
tap_run guest.coalescing.with_segmentation_streams_are_faster faster

no_errors() {
	[ "$(in_vf 1 cat /sys/class/net/vf/statistics/rx_errors)" = 0 ] && [ "$(statistic 1 vport_rx_dropped_fault)" = 0 ] &&
		[ "$(in_vf 1 cat /proc/net/snmp | awk '$1 == "Tcp:" { v = $NF } END { print v }')" = 0 ]
}
tap_run guest.coalescing.nothing_was_wrong no_errors
end_iperf
tap_done
