# Each target works on a fresh checkout. Needed: cargo, gcc with g++, Python 3 with pip (to fetch libtorch, once).
.PHONY: help setup base-encoder teacher-encoder previous-model build demo test check fmt clippy doc dependencies advisories bench fuzz clean distclean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## fetch libtorch (150 MB), unless LIBTORCH or LIBTORCH_USE_PYTORCH says to use another
	@scripts/libtorch.sh

base-encoder: ## fetch the encoder that training begins from (84 MB)
	@scripts/base_encoder.sh all-minilm-l6-v2

teacher-encoder: ## fetch the larger encoder of the newsroom model's teacher (405 MB)
	@scripts/base_encoder.sh all-mpnet-base-v2

previous-model: ## take the newsroom model that recipe.toml goes on from out of the history
	@mkdir -p base/newsroom-2026.11.4
	git archive d0d54b9:models/newsroom | tar -x -C base/newsroom-2026.11.4

build: setup ## release build
	cargo build --release --locked

demo: build ## run on examples/ and show the results
	cargo run --release --locked --quiet -- run examples
	cargo run --release --locked --quiet -- show output

# In the release profile, so that the heavy dependencies are compiled once for the demo and the tests.
test: setup ## all tests
	cargo test --release --locked

check: fmt clippy doc ## format, lints and documentation

fmt:
	cargo fmt --check

clippy: setup
	cargo clippy --all-targets --release --locked -- -D warnings

doc: setup
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --release --locked --document-private-items

dependencies: ## licences and sources of the crates that we build from; SECURITY.md
	@scripts/dependencies.sh

advisories: ## known holes in them, by a database on GitHub
	@scripts/dependencies.sh advisories

bench: setup ## benchmarks
	cargo bench --locked

fuzz: SECONDS ?= 60
fuzz: setup ## every fuzz target for SECONDS (60) each; fuzz/README.md
	scripts/fuzz.sh $(SECONDS)

clean: ## remove what cargo built and what models have read
	cargo clean
	rm -rf cache

distclean: clean ## remove libtorch and the base encoder as well
	rm -rf third_party base
	if grep -qs '^# Written by scripts/libtorch.sh' .cargo/config.toml; then rm .cargo/config.toml; fi
