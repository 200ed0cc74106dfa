#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: segments of later bursts join what VF 1 has got, for as long as gro_hw_timeout_us says.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

# A guest's time is not the card's: what an emulated processor sends in a row takes longer than what a real one does.
WAIT_US=2000

start_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 2 && ip link set dev pf vf 1 mac "$(echo "$MAC" | sed 's/..\B/&:/g')" && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	wait_until 10 reaches 0 10.9.0.2 && in_vf 1 ethtool -K vf rx-gro-hw on
}
tap_run guest.coalescing_held.interfaces_come_up start_up

# timeout_of PLACE [VALUE]: sets gro_hw_timeout_us of a VF, or of the PF (pf); without VALUE shows it
timeout_of() {
	timeout_device=$PF
	[ "$1" = pf ] || timeout_device=$(vf_address "$1")
	if [ $# -gt 1 ]; then
		devlink dev param set "pci/$timeout_device" name gro_hw_timeout_us value "$2" cmode runtime
	else
		devlink dev param show "pci/$timeout_device" name gro_hw_timeout_us | sed -n 's/.*cmode runtime value //p'
	fi
}

settings() {
	for place in pf 0 1; do
		[ "$(timeout_of "$place")" = 0 ] && timeout_of "$place" 10000 && [ "$(timeout_of "$place")" = 10000 ] || return 1
		fails_saying . timeout_of "$place" 10001 && [ "$(timeout_of "$place")" = 10000 ] && timeout_of "$place" 0 || return 1
	done
}
tap_run guest.coalescing_held.a_time_is_set_and_bounded settings

serve_iperf v1 5201

# tenths: of a segment a completion, of a stream
tenths() {
	tenths_frames=$(statistic 1 vport_rx_frames)
	tenths_completions=$(completions_of 1)
	moves_data 0 -p 5201 -c 10.9.0.2 -t 3 >/dev/null || return 1
	tenths_frames=$(($(statistic 1 vport_rx_frames) - tenths_frames))
	tenths_completions=$(($(completions_of 1) - tenths_completions))
	echo $((tenths_frames * 10 / tenths_completions))
}

several() {
	timeout_of 1 "$WAIT_US" && several=$(tenths) || return 1
	echo "$several tenths of a segment a completion"
	[ "$several" -ge 80 ]
}
tap_run guest.coalescing_held.eight_segments_a_completion_or_more several

# from_wire WORD...: the segments in SEGMENTS come from the wire, each by itself (apart) or one right behind the other (together); counts
# completions, and waits that were over
from_wire() {
	wire_completions=$(completions_of 1)
	wire_expired=$(statistic 1 vport_rx_coalesce_expired)
	if [ "$1" = together ]; then
		wire send "$SEGMENTS" >/dev/null
	else
		for wire_segment in $SEGMENTS; do
			wire send "$wire_segment" >/dev/null
			usleep 50000
		done
	fi
	usleep 200000
	wire_completions=$(($(completions_of 1) - wire_completions))
	wire_expired=$(($(statistic 1 vport_rx_coalesce_expired) - wire_expired))
	echo "segments $1: $wire_completions completions, $wire_expired waits that were over"
}
waits() {
	timeout_of 1 10000 && from_wire apart && [ "$wire_completions" = 8 ] && [ "$wire_expired" = 8 ] || return 1
	from_wire together && [ "$wire_completions" -le 4 ] && [ "$wire_expired" = "$wire_completions" ] || return 1
	timeout_of 1 0 && from_wire apart && [ "$wire_completions" = 8 ] && [ "$wire_expired" = 0 ] && timeout_of 1 "$WAIT_US"
}
tap_run guest.coalescing_held.segments_from_the_wire_wait_for_each_other waits

whole() {
	timeout_of 1 "$WAIT_US" && in_vf 0 ethtool -K vf tso off && noise 16 && noise_arrives 1 10.9.0.2 5300 && in_vf 0 ethtool -K vf tso on
}
tap_run guest.coalescing_held.data_arrives_whole whole

outlives() {
	in_vf 1 ip link set dev vf down && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf && wait_until 10 reaches 0 10.9.0.2 || return 1
	[ "$(timeout_of 1)" = "$WAIT_US" ] && from_wire apart && [ "$wire_expired" = 8 ]
}
tap_run guest.coalescing_held.it_outlives_a_stop outlives

# With aggregates open all the time.
resets() {
	in_vf 0 timeout 30 iperf3 -p 5201 -c 10.9.0.2 -t 12 >/tmp/stream 2>&1 &
	resets_pid=$!
	for _ in 1 2 3; do
		sleep 2
		echo 1 >"/sys/bus/pci/devices/$(vf_address 1)/reset" && wait_until 10 carrier_in v1 vf || return 1
	done
	wait "$resets_pid"
	wait_until 10 reaches 0 10.9.0.2 && [ "$(timeout_of 1)" = "$WAIT_US" ] && [ "$(tenths)" -gt 10 ]
}
tap_run guest.coalescing_held.resets_with_a_stream_on resets

no_errors() {
	[ "$(in_vf 1 cat /sys/class/net/vf/statistics/rx_errors)" = 0 ] && [ "$(in_vf 1 cat /proc/net/snmp | awk '$1 == "Tcp:" { v = $NF } END { print v }')" = 0 ]
}
tap_run guest.coalescing_held.nothing_was_wrong no_errors
end_iperf
tap_done
