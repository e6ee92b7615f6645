# Every command that people and CI use. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables
.DELETE_ON_ERROR:
.NOTPARALLEL:

TOOLS := .tools
# Nothing here may speak to an AWS account by accident, and nothing reports about its use.
export AWS_EC2_METADATA_DISABLED := true
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= eu-west-1
# The end-to-end tests start the packaged function under AWS' own emulator of the Lambda runtime.
export RIE := $(CURDIR)/$(TOOLS)/aws-lambda-rie

# Each is a package of its own, and a zip of its own.
FUNCTIONS := responder approver granter revoker

say = @printf '\n\033[1m== %s\033[0m\n' '$(1)'

# ---- for people -----------------------------------------------------------------------------------

.PHONY: help
help: ## list the targets
	@echo 'usage: make TARGET'; echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@tools/machine.sh || true

.PHONY: run
run: $(TOOLS)/run.done $(TOOLS)/slack.done demo-function ## show the main job for real, without an AWS account; ends by itself
	@$(TOOLS)/run/bin/python -B tests/local/demo.py

.PHONY: local
local: $(TOOLS)/run.done $(TOOLS)/slack.done demo-function ## the same stack, kept until Ctrl-C, to send lines and to approve
	@$(TOOLS)/run/bin/python -B tests/local/keep.py

.PHONY: build
build: machine ## the functions as they are deployed: target/lambda/*.zip
	$(call say,building the functions)
	cargo build --locked --release $(FUNCTIONS:%=--package %)
	@for function in $(FUNCTIONS); do tools/package.py target/release/$$function $$function; done

.PHONY: guardrails
guardrails: machine ## check infra/guardrails.toml, run its cases, write the IAM policies that follow from it
	cargo build --locked --package eks-access-cli
	target/debug/eks-access policy check infra/guardrails.toml
	target/debug/eks-access policy test infra/guardrails.toml
	target/debug/eks-access policy template infra/guardrails.toml --output infra/sam/guardrails.yaml

.PHONY: test
test: fmt-check lint deny build test-infra test-slack test-demo test-rust ## everything that CI checks
	@true

.PHONY: bench
bench: build ## measure what the design promises: time, memory, size
	cargo build --locked --release --package bench --bins --package eks-access-cli
	target/release/bench
	tests/bench/explain.py target/release/eks-access

.PHONY: docs
docs: machine ## write the generated pages, tables and schemas anew
	UPDATE_DOCS=1 cargo test --locked --package eks-access --test catalogue --package eks-access-aws --test docs

.PHONY: fmt
fmt: machine ## format the code
	cargo fmt --all

.PHONY: sam-validate
sam-validate: $(TOOLS)/check.done ## check the templates with AWS' own tools, offline
	$(call say,checking the templates)
	$(TOOLS)/check/bin/cfn-lint infra/sam/*.yaml
	@for template in infra/sam/*.yaml; do \
	   (set -x; $(TOOLS)/check/bin/sam validate --lint --language-extensions --template $$template); \
	 done

.PHONY: tools
tools: $(addprefix $(TOOLS)/,$(addsuffix .done,run check deploy slack slack-types slack-bolt iam-simulate)) ## install the pinned tools into .tools (run and test do this by themselves)

.PHONY: clean
clean: ## remove everything that was built or installed here
	rm -rf target $(TOOLS) infra/sam/.aws-sam tools/*/node_modules

# ---- the parts of `make test` ---------------------------------------------------------------------

.PHONY: fmt-check
fmt-check: machine
	$(call say,formatting)
	cargo fmt --all --check

.PHONY: lint
lint: machine
	$(call say,clippy)
	cargo clippy --locked --workspace --all-targets -- -D warnings

.PHONY: deny
deny: $(TOOLS)/check.done machine
	$(call say,licences$(comma) bans and sources of dependencies)
	cargo fetch --locked
	$(TOOLS)/check/bin/cargo-deny --offline --locked check --hide-inclusion-graph licenses bans sources
	@tools/advisories.sh $(TOOLS)/check/bin/cargo-deny

.PHONY: test-infra
test-infra: $(TOOLS)/check.done $(TOOLS)/run.done $(TOOLS)/deploy.done $(TOOLS)/iam-simulate.done sam-validate build build-tests
	$(call say,tests of the templates$(comma) of the policies and of the packages)
	$(TOOLS)/check/bin/python -m pytest -q -p no:cacheprovider -p no:logging tests/infra

.PHONY: test-slack
test-slack: $(TOOLS)/slack.done $(TOOLS)/slack-types.done $(TOOLS)/slack-bolt.done
	$(call say,tests of the Slack that the other tests speak to)
	$(TOOLS)/slack/bin/python -m pytest -q -p no:cacheprovider tests/slack

.PHONY: test-demo
test-demo: $(TOOLS)/run.done $(TOOLS)/slack.done build
	$(call say,the demo$(comma) with the functions as they are deployed)
	cargo build --locked --package fakes --bin local_eks
	$(TOOLS)/run/bin/python -B tests/local/demo.py --function target/lambda/responder.zip

# Everything that `test-rust` runs, the command among it, which the tests of the template run as well.
.PHONY: build-tests
build-tests: machine
	$(call say,building the command and the tests)
	cargo test --locked --workspace --lib --bins --tests --no-run --quiet

# Last, so that its closing line is the last word.
.PHONY: test-rust
test-rust: $(TOOLS)/check.done $(TOOLS)/run.done $(TOOLS)/slack.done $(TOOLS)/slack-types.done build build-tests
	$(call say,tests)
	cargo test --locked --workspace --doc --quiet
	@if cargo nextest --version >/dev/null 2>&1; then \
	   echo 'cargo nextest run --locked --workspace'; cargo nextest run --locked --workspace; \
	 else \
	   echo 'cargo test --locked --workspace --lib --bins --tests'; cargo test --locked --workspace --lib --bins --tests; \
	 fi

# ---- the plumbing ---------------------------------------------------------------------------------

comma := ,

.PHONY: machine
machine:
	@tools/machine.sh fmt clippy

# Environments of their own: what `make run` needs is small and quick to install, the checks need much more.
$(TOOLS)/deploy.done: tools/requirements/run.txt
$(TOOLS)/%.done: tools/requirements/%.txt
	@tools/machine.sh
	$(call say,installing tools/requirements/$*.txt into $(TOOLS)/$*)
	rm -rf $(TOOLS)/$* && mkdir -p $(TOOLS)
	python3 -m venv $(TOOLS)/$*
	$(TOOLS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@[ $* != check ] || install -m 0755 $(TOOLS)/check/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-$$(uname -m | sed 's/aarch64/arm64/') $(RIE)
	@touch $@

# What npm has: Slack's own types with the compiler that reads them, Slack's own framework, and IAM's rules.
$(addprefix $(TOOLS)/,slack-types.done slack-bolt.done iam-simulate.done): $(TOOLS)/%.done: tools/%/package-lock.json
	$(call say,installing tools/$*)
	@command -v npm >/dev/null || { echo 'This machine lacks Node.js 20 or later with npm, which tests of Slack messages and IAM policies need:'; \
	   echo '  Debian, Ubuntu: apt-get install nodejs npm (or from https://nodejs.org)'; exit 1; } >&2
	npm ci --silent --prefix tools/$*
	@mkdir -p $(TOOLS) && touch $@

# For the demo the debug build does: the same code, and a fraction of the wait before the first answer. What debuggers read
# is left out, or the packages are three times as big.
.PHONY: demo-function
demo-function: machine
	$(call say,building the functions (debug build: quicker to build$(comma) same code))
	cargo build --locked $(FUNCTIONS:%=--package %) --package fakes
	@mkdir -p target/local
	@for function in $(FUNCTIONS); do \
	   strip -S -o target/local/$$function target/debug/$$function; \
	   tools/package.py --demo target/local/$$function $$function-demo; \
	 done
