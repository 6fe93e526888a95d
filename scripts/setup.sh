#!/usr/bin/env bash
# Installs what is missing: QEMU to run, and with "test" what the checks need
# too, which build kernels.
set -euo pipefail

need=(qemu-system-x86_64:qemu-system-x86 dpkg-deb:dpkg apt-get:apt xz:xz-utils gpgv:gpgv)
[ "${1:-}" = test ] && need+=(clang:clang llvm-strip:llvm git:git gcc:gcc make:make flex:flex bison:bison bc:bc perl:perl pahole:pahole ccache:ccache)

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
"${sudo[@]}" apt-get update -q >/dev/null
"${sudo[@]}" apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
