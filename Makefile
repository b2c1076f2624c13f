# What can be done with a checkout of Parley: `make` lists it.
# PORT, AWS_PORT, ENGINE_PORT, VALKEY_PORT and DATA_DIR move `make run`.

RUN = .tools/bin/run

# SAM CLI, led to the embedded AWS of a running make run.
LOCAL_SAM = AWS_ENDPOINT_URL=http://127.0.0.1:$(or $(AWS_PORT),4566) AWS_REGION=us-east-1 \
	AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam

.PHONY: help setup run logs chat bill test test-sam chaos bench plan lint fmt clean FORCE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the tools that the rest needs into .tools/
	@scripts/setup

run: setup $(RUN) ## start Parley here and serve it at http://127.0.0.1:8080
	@exec $(RUN)

logs: ## follow what the functions of a running Parley log
	@$(LOCAL_SAM) logs --stack-name parley --tail

# MONTH=2026-10; `go run ./scripts/bill --help` has more.
bill: ## what a running Parley has cost this month, as page, CSV and JSON (docs/finance.md)
	@go run ./scripts/bill $(if $(MONTH),--month $(MONTH))

chat: ## talk to a running Parley in the terminal
	@go run ./scripts/chat

test: setup-check $(RUN) ## run every check and test there is
	@scripts/test

test-sam: setup ## call the functions by SAM CLI's own emulation (needs Docker)
	@scripts/test-sam

# PROMPTS, SEED (which replays a run) and ENGINE=real; `go run ./scripts/chaos -help` has more.
chaos: setup-check ## kill parts of a fleet under load; check that nothing was lost (docs/reliability.md)
	@go run ./scripts/chaos $(if $(PROMPTS),-prompts $(PROMPTS)) $(if $(SEED),-seed $(SEED)) $(if $(ENGINE),-engine $(ENGINE))

# ONLY=names measures these parts only, QUICK=1 sees whether they run, TRACE is the
# path of a trace for what replays one, PDFS a folder of PDFs for what reads them,
# COLLECTIONS one of test collections for what ranks them.
bench: setup-check $(RUN) ## measure functions and fleet beside their aims (docs/benchmarks.md)
	@$(RUN) -data .data/bench -free-ports -dynamodb -- go run ./scripts/bench $(if $(ONLY),-only $(ONLY)) $(if $(QUICK),-quick)

# LOAD is the path of a load of one's own, in the shape of scripts/plan/load.json.
plan: ## say what a load needs of AWS and GPUs, and costs (docs/capacity.md)
	@go run ./scripts/plan $(if $(LOAD),-load $(LOAD))

lint: setup-check ## format, vet, staticcheck, known vulnerabilities, templates
	@scripts/lint

fmt: ## format the Go code
	@gofmt -w $$(git ls-files -co --exclude-standard '*.go')

clean: ## remove build output and the data of make run (accounts, chats, files)
	@rm -rf .data .aws-sam $(RUN)

.PHONY: setup-check
setup-check:
	@scripts/setup check

# Go's own cache knows best whether anything has changed.
$(RUN): FORCE
	@go build -o $@ ./scripts/run
