#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# What `make demo` shows in the guest. Lines "RESULT name: text" go into the closing table.
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh

pf_address=0000:01:00.0
pf=$(netdev_of $pf_address)

say() {
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

# show COMMAND...: the command as a user would type it, then what it prints
show() {
	echo "# $*"
	"$@"
}

result() {
	echo "RESULT $1: $2"
}

# mbits FILE: the receiver's rate of an iperf3 -J run, in Mbit/s
mbits() {
	awk '/"sum_received"/ { inside = 1 } inside && /bits_per_second/ { gsub(/[^0-9.e+]/, "", $2); printf "%d", $2 / 1e6; exit }' "$1"
}

# iperf NAME NAMESPACE SERVER PORT: TCP for three seconds
iperf() {
	ip netns exec "$2" iperf3 -J -t 3 -c "$3" -p "$4" >/tmp/iperf.json
	rate=$(mbits /tmp/iperf.json)
	echo "iperf3 $1: $rate Mbit/s"
	[ "${rate:-0}" -gt 0 ] || failed=1
	result "iperf3 TCP, $1" "$rate Mbit/s (CPUs emulated in software)"
}

# ping_ok NAME NAMESPACE ADDRESS
ping_ok() {
	if ip netns exec "$2" ping -q -c 3 "$3"; then
		result "ping, $1" "3 of 3"
	else
		result "ping, $1" "FAILED"
		failed=1
	fi
}

failed=0

say "A Weir behind a PCIe root port, and the driver that found it"
show weirctl list
show weirctl info $pf_address

say "Four virtual functions: echo 4 > sriov_numvfs, traced by the device itself"
weirctl trace $pf_address start
echo "# echo 4 > /sys/bus/pci/devices/$pf_address/sriov_numvfs"
echo 4 >/sys/bus/pci/devices/$pf_address/sriov_numvfs
for n in 1 2 3 4; do
	wait_until 10 netdev_of 0000:01:00.$n >/dev/null || failed=1
done
show lspci -nn -d 1234:
echo "# lspci -vvv -s 01:00.0      (capabilities only)"
lspci -vvv -s 01:00.0 2>/dev/null | grep -E 'Capabilities|IOVCtl|IOVSta|Initial VFs|VF offset|ATSCtl|Region|FLReset'
undecoded=$(lspci -vvv -d 1234: 2>/dev/null | grep -cE '<\?>|malformed')
result "capabilities that lspci cannot decode" "$undecoded"
[ "$undecoded" = 0 ] || failed=1

say "The administrator gives MACs and a VLAN: ip link set $pf vf N ..."
for n in 0 1 2 3; do
	show ip link set "$pf" vf $n mac 02:57:00:00:00:1$n
done
show ip link set "$pf" vf 2 vlan 100
show ip link set "$pf" vf 3 vlan 100
show ip -d link show "$pf"

say "Each VF moves into a network namespace of its own"
ip addr add 10.57.0.1/24 dev "$pf"
ip link set "$pf" up
for n in 0 1 2 3; do
	vf=$(netdev_of 0000:01:00.$((n + 1)))
	ip netns add vf$n
	ip link set "$vf" netns vf$n name eth0
	ip -n vf$n link set lo up
	ip -n vf$n addr add 10.57.0.1$n/24 dev eth0
	ip -n vf$n link set eth0 up
done
# The PF stays where it is: a name for the namespace of this job, so that it can be used like the others.
ip netns attach pf $$
for n in 0 1 2 3; do
	wait_until 10 sh -c "ip -n vf$n link show eth0 | grep -q LOWER_UP"
done
for n in 0 1 2 3; do
	ip -n vf$n -br addr show dev eth0
done

say "How VF 0 came up: five steps, from the device's own records"
weirctl trace $pf_address stop
show weirctl trace $pf_address init 0
for step in 1 2 3 4 5; do
	weirctl --json trace $pf_address init 0 | grep -q "\"step\": $step" || failed=1
done

say "Ping: PF to VF, VF to VF inside the card, inside VLAN 100, and not across"
ping_ok "PF to VF 0" pf 10.57.0.10
ping_ok "VF 0 to VF 1" vf0 10.57.0.11
ping_ok "VF 2 to VF 3 in VLAN 100" vf2 10.57.0.13
if ip netns exec vf0 ping -q -c 2 -W 2 10.57.0.12; then
	result "ping, VF 0 to VF 2 across the VLAN" "ANSWERED: the VLAN leaks"
	failed=1
else
	result "ping, VF 0 to VF 2 across the VLAN" "no answer, as it must be"
fi
ip -n vf1 addr add 10.0.2.31/24 dev eth0
ping_ok "VF 1 through the wire to the host's stack" vf1 10.0.2.2

say "iperf3, TCP"
for n in 0 1 2 3; do
	ip netns exec vf$n iperf3 -s -D
done
usleep 500000
iperf "PF to VF 0" pf 10.57.0.10 5201
iperf "VF 0 to VF 1" vf0 10.57.0.11 5201
iperf "VF 2 to VF 3 in VLAN 100" vf2 10.57.0.13 5201
iperf "VF 1 through the wire to the host" vf1 10.0.2.2 "$HOST_PORT"

say "How a frame reaches VF 0: seven steps (make demo DEMO_ARGS=\"--frame '$FRAME'\" chooses another)"
# shellcheck disable=SC2086  # FRAME is several words
show weirctl trace $pf_address start $FRAME
sleep 1
ip netns exec vf1 ping -q -c 5 -i 0.3 10.57.0.10 >/dev/null
show weirctl trace $pf_address rx 0
steps=$(weirctl --json trace $pf_address rx 0 | grep '"step"' | sort -u | grep -c .)
result "steps of reception recorded" "$steps of 7"
[ "$steps" = 7 ] || failed=1
weirctl trace $pf_address stop

say "Counters and the firmware's log"
show weirctl stats $pf_address 0
show weirctl log $pf_address
exit $failed
