#!/usr/bin/env bash
# Installs what is missing: QEMU to run, and with "test" what the checks need
# too, which build kernels. With "slurm" a Slurm, whose daemons tests start.
set -euo pipefail
PATH=$PATH:/usr/sbin

need=(qemu-system-x86_64:qemu-system-x86 dpkg-deb:dpkg apt-get:apt xz:xz-utils gpgv:gpgv)
[ "${1:-}" = test ] && need+=(clang:clang llvm-strip:llvm git:git gcc:gcc make:make flex:flex bison:bison bc:bc perl:perl pahole:pahole ccache:ccache shellcheck:shellcheck)
[ "${1:-}" = slurm ] && need=(munged:munge slurmctld:slurmctld slurmd:slurmd sbatch:slurm-client)

missing=()
for pair in "${need[@]}"; do
	command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
if [ "${1:-}" = test ]; then
	for pair in bpf/bpf_helpers.h:libbpf-dev libelf.h:libelf-dev zlib.h:zlib1g-dev; do
		[ -e "/usr/include/${pair%%:*}" ] || missing+=("${pair#*:}")
	done
fi
[ ${#missing[@]} -eq 0 ] && exit 0

command -v apt-get >/dev/null || { echo "setup: no apt-get here; install by hand: ${missing[*]}" >&2; exit 1; }
sudo=(); [ "$(id -u)" = 0 ] || sudo=(sudo)
export DEBIAN_FRONTEND=noninteractive
echo "setup: installing ${missing[*]}"
policy=/usr/sbin/policy-rc.d
if [ "${1:-}" = slurm ] && [ ! -e $policy ]; then # the packages must not start theirs
	trap '"${sudo[@]}" rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" install -m 755 /dev/stdin $policy
fi
"${sudo[@]}" apt-get update -q >/dev/null || true # one source of many may fail: the packages will tell
"${sudo[@]}" apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
if [ "${1:-}" = slurm ] && command -v systemctl >/dev/null; then # nor at the next boot
	"${sudo[@]}" systemctl -q disable munge slurmctld slurmd
fi
