# What you can do here: make help
SHELL := /bin/bash
export CGO_ENABLED := 0
SUITES := $(notdir $(wildcard suites/*))
GOBUILD := go build -buildvcs=auto -trimpath -ldflags "-s -w"

.PHONY: help build generate check unit test test-bisect repro clean $(SUITES)

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 21

repro: build ## install what is missing, run the smoke and sockmap suites on four Debian kernels, print the verdicts
	scripts/setup.sh
	build/krepro run --suite smoke --suite sockmap --kernel debian:5.10.218-1 --kernel debian:5.10.223-1 --kernel debian:6.1 --kernel debian:6.12

build: $(SUITES) ## krepro, its guest and the suites, in build/
	$(GOBUILD) -o build/krepro ./cmd/krepro
	$(GOBUILD) -o build/guest ./vmtest/guest

$(SUITES):
	go test -c -trimpath -ldflags "-s -w" -o build/suites/$@.test ./suites/$@
	cp suites/$@/suite.yaml build/suites/$@.yaml
	cp docs/suites/$@.md build/suites/$@.md

generate: ## the BPF objects and their Go, from bpf/*.c (needs clang 14)
	go generate ./bpf

check: ## gofmt, go vet, staticcheck, generated code
	scripts/check.sh

unit: ## tests that need no VM and no network
	scripts/gotest.sh

test: build ## everything: check, unit tests, the suites in VMs on several kernels
	scripts/setup.sh test
	scripts/setup.sh slurm
	scripts/virtme-ng.sh
	scripts/check.sh
	KREPRO_VM_TESTS=1 KREPRO_NET_TESTS=1 scripts/gotest.sh

test-bisect: build ## bisections and backports over kernels built from source
	scripts/setup.sh test
	scripts/test-bisect.sh

clean: ## remove build/ (the kernel cache stays: krepro kernels prune)
	rm -rf build
