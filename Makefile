# Go is all that is needed; what a target installs beside it, it says.
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo dev)
LINT     = go tool -modfile=tools/go.mod golangci-lint
BUILD    = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/poise ./cmd/poise

.PHONY: help evaluation build demo picture test faults soak conformance fuzz check lint fmt bench bench-peers prove clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/poise, one static binary
	$(BUILD)

demo: build ## see it work: workers, balancer, load, a tour of faults under four policies and the engine
	./bin/poise demo

# What the picture shows is this very run; script(1) is the terminal.
DEMO = poise demo --policies round-robin,least-request,hot-cold --for 36s

picture: build ## make docs/demo.svg of a run of the demo, and docs/top.svg of poise top in tmux; three minutes
	PATH="$$PWD/bin:$$PATH" script -qefc "$(DEMO)" bin/demo.typescript
	go run ./docs/picture $(DEMO) < bin/demo.typescript > docs/demo.svg
	docs/picture/top > bin/top.capture
	go run ./docs/picture poise top < bin/top.capture > docs/top.svg

test: ## everything that CI runs, each stage with its minutes
	@.ci/stages

faults: ## slow, vanishing and resetting peers, full disks, no descriptors: nothing leaks, hangs or grows; some minutes
	cd test/faults && go test -count=1 -tags faults

FOR ?= 5m
soak: ## mixed traffic with random faults for FOR=5m ends with what it began with; writes docs/evidence/soak.md
	go run ./test/soak -for $(FOR)

check: ## the same stages without the network; what then cannot run is named at the end
	@GOPROXY=off .ci/stages

lint: ## golangci-lint as tools/go.mod pins it; the first time builds it, a minute or two
	$(LINT) config verify
	$(LINT) run

fmt: ## format as lint wants it
	$(LINT) fmt

bench: ## CPU per request beside nginx, HAProxy and net/http; installs nginx, haproxy and wrk with apt-get
	go run ./bench/prove 1

conformance: ## RFC 9112 and 9110 over sockets, beside nginx, HAProxy and Caddy; installs them with apt-get
	go run ./test/conformance/run

SIZE ?= full
FIGURE ?=
POLICY ?=
ARM ?=
SEEDS ?= 3
LANES ?=
prove: ## measure what an issue must reach: make prove ISSUE=1; of 3 to 5 also SIZE=quick, of 2 FIGURE=F1,F9, of 3 FIGURE=G1 POLICY=p2c ARM=guard,control SEEDS=1 LANES=3, of 4 FIGURE=E5,E7 LANES=3, of 5 FIGURE=B4
	go run ./bench/prove -size "$(SIZE)" -figure "$(FIGURE)" -policy "$(POLICY)" -arm "$(ARM)" -seeds $(SEEDS) -lanes $(or $(LANES),1) $(ISSUE)

CASE ?=
bench-peers: ## beside nginx, HAProxy, Caddy and net/http: SIZE=quick takes 3 minutes, CASE=small-get one case; docs/guide/benchmarks.md
	go run ./bench/peers -size $(SIZE) -case "$(CASE)"

SCENARIOS  ?=
POLICIES   ?= all
PEERS      ?= --through haproxy/leastconn --through 'haproxy/random(2)' --through nginx/least_conn \
	--through 'nginx/random two least_conn' --through caddy/least_conn --through 'caddy/random_choose 2'
EVALUATION ?= --size hour --seconds 25 --title "What wins when"
# Built as bench/prove builds it, so that runs which make prove ISSUE=4 or 5 has made are not made again, nor after a commit.
evaluation: ## every policy, the engine, rules and the peers under the conditions that can be brought about over sockets, an hour; needs nginx, haproxy and caddy; goes on where it was; SCENARIOS= POLICIES= PEERS= LANES=
	@mkdir -p .cache docs/evidence
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o .cache/poise ./cmd/poise
	.cache/poise bench $(EVALUATION) --lanes $(or $(LANES),3) --cells .cache/arena --out docs/evidence/evaluation.html --plots \
		--note "Built from $(VERSION); make evaluation makes it again." $(if $(SCENARIOS),--scenario "$(SCENARIOS)") --policies $(POLICIES) $(PEERS)

FUZZTIME ?= 1m
fuzz: ## every fuzz target for FUZZTIME=1m, one after another; a find is written below testdata/fuzz
	@for p in ./internal/http1 ./test/fuzz; do \
		for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x -parallel 1 $$p || exit 1; \
		done; \
	done

clean: ## remove what was built
	rm -rf bin
