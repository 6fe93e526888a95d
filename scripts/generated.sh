#!/usr/bin/env bash
# Generates the BPF objects anew, elsewhere, and compares with what is committed.
# Another major version of clang gives other code: only the one below compares.
set -euo pipefail
cd "$(dirname "$0")/.."

want=14 # Debian 12's
have=$(clang --version 2>/dev/null | sed -nE 's/.*clang version ([0-9]+).*/\1/p') || true
if [ "$have" != "$want" ]; then
	echo "generated code: not compared, needs clang $want, here is: ${have:-none}"
	[ -z "${CI:-}" ] # in CI it must be compared
	exit
fi
again=build/generated
rm -rf "$again" && mkdir -p "$again"
trap 'rm -rf "$again"' EXIT
cp bpf/*.[ch] bpf/generate.go "$again"
(cd "$again" && go generate .)
for f in bpf/*_bpfel.go bpf/*_bpfel.o; do
	cmp "$f" "$again/$(basename "$f")" || { echo "generated code: $f is not what its source gives; run make generate" >&2; exit 1; }
done
echo "generated code: as committed"
