# Go is all that is needed; what a target installs beside it, it says.
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
BUILD    = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/poise ./cmd/poise

.PHONY: help build demo test check lint bench prove conformance clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/poise, one static binary
	$(BUILD)

demo: build ## see it work: workers, balancer, load, a tour of faults under four policies
	./bin/poise demo

test: ## everything that CI runs, each stage with its minutes
	@.ci/stages

check: ## vet and the unit tests, offline
	go vet ./...
	go test ./...

lint: ## golangci-lint, when it is installed
	@command -v golangci-lint >/dev/null || { echo "lint: NOT-RUN: golangci-lint is not installed; go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0"; exit 1; }
	golangci-lint run

bench: ## CPU per request beside nginx, HAProxy and net/http; installs nginx, haproxy and wrk with apt-get
	go run ./bench/prove 1

prove: ## measure what an issue must reach: make prove ISSUE=1
	go run ./bench/prove $(ISSUE)

conformance: ## RFC 9112 and 9110 over sockets, beside nginx, HAProxy and Caddy; installs them with apt-get
	go run ./test/conformance/run

clean: ## remove what was built
	rm -rf bin
