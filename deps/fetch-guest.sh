#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Fetches Debian's own kernels for the guests in which the drivers are tested, with the headers
# that modules are built against. Nothing is installed on this machine and nothing under /etc/apt
# is touched: packages are downloaded and unpacked under build/deps/guest.
#
#   build/deps/guest/kernel-6.1/   Debian 12's kernel (what linux-image-amd64 points to)
#   build/deps/guest/kernel-6.12/  the kernel of bookworm-backports
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

usage()
{
	cat <<-TEXT
	usage: deps/fetch-guest.sh [--update] [--force] [6.1] [6.12]

	Fetches Debian's kernels and their headers for guests into build/deps/guest.
	With no kernel named, both.

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
# with, 6.12 from bookworm-backports on the same mirror, through a sources entry of our own.
choose_source()
{
	local series=$1 mirror keyring option=""
	local private="$output/apt-backports"

	apt_options=(-o APT::Sandbox::User=root -o Debug::NoLocking=1)
	if [ "$series" = 6.1 ]; then
		return
	fi

	# shellcheck disable=SC2016 # the words in dollar signs are apt's
	mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' |
		awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
	[ -n "$mirror" ] || die "no Debian 12 (bookworm) main among this machine's package" \
		"sources, or they were never read: run apt-get update"

	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	if [ -r "$keyring" ]; then
		option="[signed-by=$keyring] "
	fi

	mkdir -p "$private/lists/partial" "$private/cache/archives/partial"
	echo "deb ${option}${mirror} bookworm-backports main" >"$private/sources.list"
	apt_options+=(
		-o "Dir::Etc::SourceList=$private/sources.list"
		-o "Dir::Etc::SourceParts=/dev/null"
		-o "Dir::State::Lists=$private/lists"
		-o "Dir::Cache=$private/cache"
		-o "APT::Get::List-Cleanup=0"
	)
	echo "fetch-guest: reading the package list of bookworm-backports at $mirror"
	quietly apt-get "${apt_options[@]}" update
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

# Sets packages to "name version" lines of what kernel series $1 consists of.
resolve()
{
	local series=$1 series_re=${1//./\\.}
	local image headers common kbuild package version

	image=$(dependency linux-image-amd64 "^linux-image-${series_re}\.")
	[ -n "$image" ] || die "linux-image-amd64 does not point to a $series kernel in the" \
		"package lists (run apt-get update?)"
	headers=$(dependency linux-headers-amd64 "^linux-headers-${series_re}\.")
	[ "${headers#linux-headers-}" = "${image#linux-image-}" ] ||
		die "the newest headers ($headers) are not those of the newest image ($image)"
	common=$(dependency "$headers" '^linux-headers-.*-common$')
	kbuild=$(dependency "$headers" '^linux-kbuild-')
	if [ -z "$common" ] || [ -z "$kbuild" ]; then
		die "$headers names no common headers or no kbuild package"
	fi

	packages=""
	for package in "$image" "$headers" "$common" "$kbuild"; do
		version=$(candidate_version "$package")
		case $version in
		""|"(none)") die "no version of $package in the package lists" ;;
		esac
		packages+="$package $version"$'\n'
	done
	release=${image#linux-image-}
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

	# The headers name their common half by where it would be installed: name it by where it is
	# from here, so that the tree may stand, and be moved, anywhere.
	headers="usr/src/linux-headers-$release"
	grep -q '^include /usr/src/linux-headers-.*-common/Makefile$' "$tree/$headers/Makefile" ||
		die "unexpected content of the Makefile of linux-headers-$release"
	# shellcheck disable=SC2016 # the words in dollar signs are make's
	sed -i -E 's,^include /usr/src/,include $(dir $(abspath $(lastword $(MAKEFILE_LIST))))../,' \
		"$tree/$headers/Makefile"
	# With a vmlinux there kbuild wants pahole, to give every module BTF that nothing here reads.
	rm -f "$tree/$headers/vmlinux"
	rm -f "$tree/lib/modules/$release/build" "$tree/lib/modules/$release/source"
	ln -s "../../../$headers" "$tree/lib/modules/$release/build"
	rm -rf "${tree:?}/usr/share"

	ln -s "tree/boot/vmlinuz-$release" "$work/home/vmlinuz"
	ln -s "tree/boot/config-$release" "$work/home/config"
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
	6.1|6.12) kernels+=("$argument") ;;
	*) usage >&2; die "what is '$argument'?" ;;
	esac
done
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)

[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] ||
	die "guests are Debian 12 amd64 kernels; this needs Debian's apt on amd64"

output="$(cd "$(dirname "$0")/.." && pwd)/build/deps/guest"
mkdir -p "$output"
exec 9>"$output/.lock"
flock 9
rm -rf "$output"/.fetch.*
work=$(mktemp -d "$output/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

for kernel in "${kernels[@]}"; do
	fetch "$kernel"
done
