#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The Linux drivers build against a guests' kernel from a DKMS tree that stands alone, by the commands of its dkms.conf,
# without a warning at W=1; sparse finds nothing (not with 7.2); and (looked at with 6.1) these checks notice what they are there for.
#
#	tests/drivers/drivers_build.sh [KERNEL]      6.1 where none is named
# shellcheck disable=SC2317 # functions are called by tap_run
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

BUILD=${BUILD:-build}
kernel=${1:-6.1}
word=${kernel//./_}
# 7.2 is built with Debian 13's compiler.
enter=()
[ "$kernel" != 7.2 ] || enter=(guest/trixie/enter)
headers=$PWD/$BUILD/deps/guest/kernel-$kernel/headers
work=$PWD/$BUILD/drivers-check
rm -rf "${work:?}/$kernel"
mkdir -p "$work"
# What the make above was given is not for these.
unset MAKELEVEL MFLAGS
export MAKEFLAGS=-j2
# As W=1, for every kbuild below.
export KBUILD_EXTRA_WARN=1

# no_warning LOG: compiler, sparse, modpost and make are silent
no_warning() {
	if grep -En 'warning|WARNING|error:|ERROR' "$1"; then
		return 1
	fi
}

# dkms_tree_builds KERNEL HEADERS
dkms_tree_builds() {
	local tree=$work/$1

	make --no-print-directory dkms-tree || return 1
	cp -r "$BUILD"/dkms/weir-* "$tree"
	(
		# shellcheck disable=SC2034 # read by dkms.conf
		kernelver=$1 kernel_source_dir=$2
		# shellcheck source=/dev/null
		. "$tree/dkms.conf"
		"${enter[@]}" bash -c "cd '$tree' && ${MAKE[0]}" >"$tree/log" 2>&1 || { tail -n 30 "$tree/log"; exit 1; }
		cd "$tree" || exit 1
		for i in "${!BUILT_MODULE_NAME[@]}"; do
			[ -s "${BUILT_MODULE_LOCATION[i]}/${BUILT_MODULE_NAME[i]}.ko" ] || exit 1
		done
	)
}

# was_silent KERNEL: that build compiled everything, and had no warning
was_silent() {
	grep -q 'CC .*weir_vf.o' "$work/$1/log" && grep -q 'CC .*weir_sriov.o' "$work/$1/log" && no_warning "$work/$1/log"
}

# sparse_is_silent KERNEL HEADERS
sparse_is_silent() {
	local folder log=$work/$1/sparse.log

	for folder in pf-driver vf-driver; do
		make -C "$work/$1/$folder" KVER="$1" KDIR="$2" OUTPUT=../out sparse >>"$log" 2>&1 ||
			{ tail -n 30 "$log"; return 1; }
	done
	[ "$(grep -c 'CHECK .*weir_tx.c' "$log")" = 2 ] && no_warning "$log"
}

# notices TEXT EXPECTED MORE...: a source with TEXT at its end is compiled in the tree built before; it must not be silent
notices() {
	local text=$1 expected=$2 stage=$work/$kernel/out/weirvf
	shift 2
	rm -f "$stage/weir_tlv.c"
	{ cat driver-common/weir_tlv.c; printf '%s\n' "$text"; } >"$stage/weir_tlv.c"
	make -C "$headers" M="$stage" "$@" weir_tlv.o >"$work/notices.log" 2>&1
	if no_warning "$work/notices.log"; then
		echo "the build said nothing about: $text"
		return 1
	fi
	grep -q "$expected" "$work/notices.log"
}

tap_run "driver.build.kernel_${word}_dkms_tree_builds_alone" dkms_tree_builds "$kernel" "$headers"
tap_run "driver.build.kernel_${word}_has_no_warning_at_w1" was_silent "$kernel"
# 7.2's kbuild refuses Debian 13's sparse, which does not know __typeof_unqual__.
[ "$kernel" = 7.2 ] ||
	tap_run "driver.build.kernel_${word}_sparse_finds_nothing" sparse_is_silent "$kernel" "$headers"
[ "$kernel" = 6.1 ] || tap_done
tap_run driver.build.a_compiler_warning_is_noticed notices \
	'int weir_mistake(void); int weir_mistake(void) { int unused; return 0; }' 'unused variable'
tap_run driver.build.a_warning_of_w1_is_noticed notices 'int weir_mistake(void) { return 0; }' 'no previous prototype'
tap_run driver.build.a_wrong_byte_order_is_noticed notices \
	'int weir_mistake(__le32 x); int weir_mistake(__le32 x) { return x; }' 'incorrect type' C=1 CF=-D__CHECK_ENDIAN__
tap_done
