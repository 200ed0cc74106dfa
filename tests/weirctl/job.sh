#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# weirctl in a guest: found by libpci, asked through devlink, ethtool and the mailbox.
# shellcheck disable=SC2317  # tap_run calls the functions by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh

pf=0000:01:00.0
home=/sys/bus/pci/devices/$pf

lists_functions_with_driver_and_interface() {
	echo 2 >"$home"/sriov_numvfs
	wait_until 10 netdev_of 0000:01:00.2 >/dev/null || return 1
	weirctl list >/tmp/list
	grep -q "^$pf  pf  driver weir  *eth0" /tmp/list && grep -q "^0000:01:00.2  vf  driver weirvf" /tmp/list
}

info_is_what_devlink_and_ethtool_say() {
	weirctl --json info 01:00.0 >/tmp/info
	firmware=$(devlink dev info "pci/$pf" | awk '$1 == "fw" { print $2 }')
	ip link set eth0 up
	wait_until 10 sh -c 'ethtool eth0 | grep -q "Link detected: yes"'
	grep -q "\"fw\": \"$firmware\"" /tmp/info && weirctl info "$pf" | grep -q "link  *up"
}

vf_settings_are_those_of_ip_link() {
	ip link set eth0 vf 1 mac 02:57:00:00:00:99
	ip link set eth0 vf 1 vlan 7
	weirctl vf "$pf" | grep -q "vf 1 .*02:57:00:00:00:99  vlan 7 " || return 1
	weirctl vf "$pf" 1 trust on
	# What the tool set is what the kernel's administrator reads.
	weirctl --json vf "$pf" 1 | grep -q '"trust": true'
}

# The driver tells the card anew what was decided: it knows of it, though the tool decided.
vf_settings_outlive_a_reset_of_the_pf() {
	weirctl vf "$pf" 1 mac 02:57:00:00:00:77 vlan 9 qos 5 spoofchk off state enable || return 1
	weirctl vf "$pf" 1 qos 3 || return 1
	before=$(weirctl --json regs "$pf" generation | awk '/"value"/ { print $2 }')
	echo 1 >"$home"/reset
	wait_until 10 sh -c "weirctl vf $pf | grep -q 'vf 1 .*02:57:00:00:00:77  vlan 9 qos 3  spoofchk off  trust on  state enable'" || return 1
	[ "$before" != "$(weirctl --json regs "$pf" generation | awk '/"value"/ { print $2 }')" ] || return 1
	weirctl --json vf "$pf" 1 | grep -q '"vlan_priority": 3'
}

# The driver's door is for looking: a queue is nothing to take away under it (TX_QUEUE_DESTROY, 0x0023, of queue 0).
the_drivers_door_refuses_what_the_driver_accounts_for() {
	door=/sys/kernel/debug/weir/$pf/admin
	printf '\043\0\0\0\010\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\003\200\002\0\0\0\0\0' >/tmp/command
	dd if=/tmp/command of="$door" bs=40 2>/tmp/refusal && return 1
	grep -q "Operation not permitted" /tmp/refusal || return 1
	dd if=/tmp/command of="$door" bs=39 count=1 2>/tmp/refusal && return 1
	grep -q "Invalid argument" /tmp/refusal
}

init_trace_has_the_five_steps() {
	echo 0 >"$home"/sriov_numvfs
	weirctl trace "$pf" start
	echo 1 >"$home"/sriov_numvfs
	wait_until 10 netdev_of 0000:01:00.1 >/dev/null || return 1
	ip link set "$(netdev_of 0000:01:00.1)" up
	wait_until 10 sh -c "weirctl --json trace $pf init 0 | grep -q buffers_posted" || return 1
	weirctl --json trace "$pf" init 0 >/tmp/trace
	for step in 1 2 3 4 5; do
		grep -q "\"step\": $step" /tmp/trace || {
			echo "# step $step is missing"
			return 1
		}
	done
}

rx_trace_has_the_seven_steps_in_order() {
	vf=$(netdev_of 0000:01:00.1)
	address=$(cat "/sys/class/net/$vf/address")
	ip netns add vf
	ip link set "$vf" netns vf
	ip -n vf addr add 10.99.0.2/24 dev "$vf"
	ip -n vf link set "$vf" up
	ip addr add 10.99.0.1/24 dev eth0
	wait_until 10 ping -c 1 -W 1 10.99.0.2 >/dev/null || return 1
	weirctl trace "$pf" start mac "$address" ethertype 0x0800
	# A quiet moment, so that the driver sleeps and has to be woken.
	sleep 1
	ping -c 3 -i 0.5 10.99.0.2 >/dev/null
	weirctl --json trace "$pf" rx 0 | awk '/"step"/ { gsub(/[^0-9]/, "", $2); print $2 }' | uniq >/tmp/steps
	[ "$(head -n 7 /tmp/steps | tr '\n' ' ')" = "1 2 3 4 5 6 7 " ] || {
		echo "# steps: $(tr '\n' ' ' </tmp/steps)"
		return 1
	}
}

mailbox_works_with_no_driver() {
	echo 0 >"$home"/sriov_numvfs
	echo "$pf" >/sys/bus/pci/drivers/weir/unbind
	setpci -s "$pf" COMMAND=6
	weirctl list | grep -q "^$pf  pf  driver - " || return 1
	weirctl --json info "$pf" | grep -q '"role": "pf"' && weirctl regs "$pf" status | grep -q "state=1" && weirctl log "$pf" | grep -q ready
}

for name in lists_functions_with_driver_and_interface info_is_what_devlink_and_ethtool_say vf_settings_are_those_of_ip_link \
	vf_settings_outlive_a_reset_of_the_pf the_drivers_door_refuses_what_the_driver_accounts_for init_trace_has_the_five_steps rx_trace_has_the_seven_steps_in_order mailbox_works_with_no_driver; do
	tap_run "weirctl.guest.$name" "$name"
done
tap_done
