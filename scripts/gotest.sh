#!/usr/bin/env bash
# Runs the Go tests, the suites aside (they run in VMs), and closes on a count.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
mkdir -p build

if [ -n "${KREPRO_VM_TESTS:-}" ]; then # the VM runner's own tests boot this one
	paths=$(build/krepro kernels show --json debian:5.10.223-1) || exit
	KREPRO_TEST_KERNEL=$(sed -nE 's/^\t"(vmlinuz|vmlinux|modules)": "(.*)",$/\2/p' <<<"$paths" | paste -sd:)
	export KREPRO_TEST_KERNEL
	KREPRO_CUT_VMLINUX=$(cut -d: -f2 <<<"$KREPRO_TEST_KERNEL") # and BTF is cut out of it
	export KREPRO_CUT_VMLINUX
fi

go list ./... | grep -v '/suites/' | xargs go test -count=1 -timeout 50m -v 2>&1 | tee build/test.log |
	grep -vE '^(=== |\s*--- (PASS|SKIP)|PASS$|\?)'
status=${PIPESTATUS[0]}
count() { grep -cE "^ *--- $1:" build/test.log; }
failed=$(count FAIL)
# A package that does not build or dies has no FAIL line of its own.
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$(count PASS) passed, $failed failed, $(count SKIP) skipped"
[ "$failed" -eq 0 ]
