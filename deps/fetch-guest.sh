#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Fetches Debian's own kernels for the guests in which the drivers are tested, with the headers
# that modules are built against. Nothing is installed on this machine and nothing under /etc/apt
# is touched: packages are downloaded and unpacked under build/deps/guest.
#
#   build/deps/guest/kernel-6.1/   Debian 12's kernel (what linux-image-amd64 points to)
#   build/deps/guest/kernel-6.12/  the kernel of bookworm-backports
#   build/deps/guest/kernel-7.2/   one of trixie-backports; only where it is named (make check-all does)
#
# Each of them holds
#   vmlinuz    the kernel image
#   modules    its modules: lib/modules/RELEASE
#   headers    what `make -C …/headers M=DIR modules` needs
#   config     its configuration
#   release    a text file: what `uname -r` says in that kernel
#   versions   a text file: package and version of everything unpacked here; written last
#
# A kernel that is there is left alone (a few milliseconds). --update asks for newer ones.

set -euo pipefail
cd "$(dirname "$0")/.."
. deps/debian-mirror.sh

usage()
{
	cat <<-TEXT
	usage: deps/fetch-guest.sh [--update] [--force] [6.1] [6.12] [7.2]

	Fetches Debian's kernels and their headers for guests into build/deps/guest.
	With no kernel named, 6.1 and 6.12. What is built for 7.2 wants tools of
	Debian 13: guest/trixie/root makes a place that has them.

	  --update  look for newer packages, fetch them if there are any
	  --force   fetch again whatever is there
	TEXT
}

die()
{
	echo "fetch-guest: $*" >&2
	exit 1
}

# Tools write what they have to say into a log that is shown when they fail.
quietly()
{
	local log="$work/log"

	if ! "$@" >"$log" 2>&1; then
		cat "$log" >&2
		die "failed: $*"
	fi
}

# Sets apt_options for the kernel series $1: 6.1 comes from the sources this machine is set up
# with, the others from backports on the same mirror.
choose_source()
{
	local suite

	case $1 in
	6.1)
		apt_options=(-o APT::Sandbox::User=root -o Debug::NoLocking=1)
		return
		;;
	6.12) suite=bookworm-backports ;;
	*) suite=trixie-backports ;;
	esac
	echo "fetch-guest: reading the package list of $suite"
	quietly use_suite "$suite" "$output/apt-backports"
}

# Prints the first dependency of package $1 whose name matches the extended expression $2.
dependency()
{
	apt-cache "${apt_options[@]}" depends --important "$1" |
		sed -nE 's/^[ |]*Depends: ([^ <>]+)$/\1/p' | grep -E -m1 "$2" || true
}

candidate_version()
{
	apt-cache "${apt_options[@]}" policy "$1" | awk '$1 == "Candidate:" { print $2; exit }'
}

# Prints the newest package named $1-RELEASE of series $2: the one $1-amd64 points to, and where
# that has gone on to another series (backports do), the newest by name.
newest_of()
{
	local series_re=${2//./\\.} found

	found=$(dependency "$1-amd64" "^$1-${series_re}\.")
	[ -n "$found" ] || found=$(apt-cache "${apt_options[@]}" pkgnames "$1-$2." |
		grep -E "^$1-${series_re}\.[0-9]+\+deb[0-9]+-amd64\$" | sort -V | tail -n 1) || true
	echo "$found"
}

# Sets packages to "name version" lines of what kernel series $1 consists of, release to its name.
resolve()
{
	local series=$1 image headers common kbuild part package version names

	image=$(newest_of linux-image "$series")
	[ -n "$image" ] || die "no $series kernel in the package lists (run apt-get update?)"
	headers=$(newest_of linux-headers "$series")
	[ "${headers#linux-headers-}" = "${image#linux-image-}" ] ||
		die "the newest headers ($headers) are not those of the newest image ($image)"
	release=${image#linux-image-}
	common=$(dependency "$headers" '^linux-headers-.*-common$')
	kbuild=$(dependency "$headers" '^linux-kbuild-')
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		die "$headers names no common headers or no kbuild package"
	fi

	names=("$image" "$headers" "$common" "$kbuild")
	# Newer kernels are spread over more packages.
	for part in base binary modules; do
		package=$(dependency "$image" "^linux-$part-")
		[ -z "$package" ] || names+=("$package")
	done

	packages=""
	for package in "${names[@]}"; do
		version=$(candidate_version "$package")
		case $version in
		""|"(none)") die "no version of $package in the package lists" ;;
		esac
		packages+="$package $version"$'\n'
	done
}

fetch()
{
	local series=$1 home="$output/kernel-$1" tree name version headers

	if [ "$mode" = fetch ] && [ -e "$home/versions" ]; then
		return
	fi
	choose_source "$series"
	resolve "$series"
	if [ "$mode" = update ] && [ "$(cat "$home/versions" 2>/dev/null)" = "${packages%$'\n'}" ]; then
		echo "fetch-guest: $series: $release is the newest"
		return
	fi

	echo "fetch-guest: $series: fetching $release"
	rm -rf "${work:?}/debs" "${work:?}/home"
	mkdir -p "$work/debs" "$work/home/tree"
	tree="$work/home/tree"
	while read -r name version; do
		(cd "$work/debs" && quietly apt-get "${apt_options[@]}" -q download "$name=$version")
	done <<<"${packages%$'\n'}"
	for name in "$work/debs"/*.deb; do
		dpkg-deb -x "$name" "$tree"
	done

	# The headers name their common half, and newer ones themselves, by where it would be installed:
	# name it by where it is from here, so that the tree may stand, and be moved, anywhere.
	headers="usr/src/linux-headers-$release"
	grep -q '^include /usr/src/linux-headers-.*-common/Makefile$' "$tree/$headers/Makefile" ||
		die "unexpected content of the Makefile of linux-headers-$release"
	# shellcheck disable=SC2016 # the words in dollar signs are make's
	sed -i -E -e 's,^include /usr/src/,include $(dir $(abspath $(lastword $(MAKEFILE_LIST))))../,' \
		-e 's,^KBUILD_OUTPUT=/usr/src/.*,KBUILD_OUTPUT := $(dir $(abspath $(lastword $(MAKEFILE_LIST)))),' \
		"$tree/$headers/Makefile"
	# With a vmlinux there kbuild wants pahole, to give every module BTF that nothing here reads.
	rm -f "$tree/$headers/vmlinux"
	# Newer packages keep the image and its configuration among the modules, and these below /usr.
	if [ -d "$tree/usr/lib/modules/$release" ]; then
		mkdir -p "$tree/lib/modules"
		mv "$tree/usr/lib/modules/$release" "$tree/lib/modules/$release"
	fi
	rm -f "$tree/lib/modules/$release/build" "$tree/lib/modules/$release/source"
	ln -s "../../../$headers" "$tree/lib/modules/$release/build"
	rm -rf "${tree:?}/usr/share"

	for name in vmlinuz config; do
		if [ -e "$tree/boot/$name-$release" ]; then
			ln -s "tree/boot/$name-$release" "$work/home/$name"
		else
			ln -s "tree/lib/modules/$release/$name" "$work/home/$name"
		fi
	done
	ln -s "tree/lib/modules/$release" "$work/home/modules"
	ln -s "tree/$headers" "$work/home/headers"
	for name in vmlinuz config modules/kernel headers/Makefile headers/scripts/mod/modpost; do
		[ -e "$work/home/$name" ] || die "no $name in the packages of $release"
	done
	echo "$release" >"$work/home/release"
	echo "${packages%$'\n'}" >"$work/home/versions"

	rm -rf "$home"
	mv "$work/home" "$home"
	echo "fetch-guest: $series: $release is in build/deps/guest/kernel-$series"
}

mode=fetch
kernels=()
for argument in "$@"; do
	case $argument in
	--update) mode=update ;;
	--force) mode=force ;;
	--help|-h) usage; exit 0 ;;
	6.1|6.12|7.2) kernels+=("$argument") ;;
	*) usage >&2; die "what is '$argument'?" ;;
	esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
	die "guests are Debian 12 amd64 kernels; this needs Debian's apt on amd64"

output=$PWD/build/deps/guest
mkdir -p "$output"
exec 9>"$output/.lock"
flock 9
rm -rf "$output"/.fetch.*
work=$(mktemp -d "$output/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

for kernel in "${kernels[@]}"; do
	fetch "$kernel"
done
