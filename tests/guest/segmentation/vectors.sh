#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Frames of /job/large, for jobs: what arrives of them, as entries like those of tests/device/large_vectors.h.

# watched NAMESPACE INTERFACE FILE COMMAND...: what arrives there while the command runs; its output is in /tmp/refused: what the kernel
# does not take from a program (6.1 knows no UDP there)
watched() {
	watched_namespace=$1
	watched_interface=$2
	watched_file=$3
	shift 3
	ip netns exec "$watched_namespace" /job/large watch "$watched_interface" >"$watched_file" 2>&1 &
	watched_pid=$!
	sleep 0.5
	"$@" >/tmp/refused
	sleep 1
	# No shell in between: ip has become the program.
	kill -TERM "$watched_pid"
	wait "$watched_pid"
	! grep -vE 'udp.*: Invalid argument' /tmp/refused && ! grep -v '^	{.*},$' "$watched_file"
}

# entries FILE: those of a file, by frame: flows have queues of their own, and overtake each other
entries() {
	grep '^	{' "$1" | sort -s -t '"' -k 2,2
}

# taken: of entries, those of frames that the kernel took
taken() {
	if [ -s /tmp/refused ]; then
		grep -v '"udp'
	else
		cat
	fi
}

# same FILE FILE: the entries of both
same() {
	entries "$1" >/tmp/one && entries "$2" >/tmp/other || return 1
	cmp /tmp/one /tmp/other || {
		diff /tmp/one /tmp/other | cut -c 1-300 | head -n 20
		return 1
	}
}
