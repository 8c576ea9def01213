# Every target works on a fresh checkout. Needed: cargo, gcc with g++, Python 3 with pip (to fetch libtorch, once).
.PHONY: help setup moto base-encoder teacher-encoder model build demo test test-one check fmt clippy doc check-fuzz msrv dependencies \
	advisories bench fuzz test-scale packages test-packages release-check clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile

setup: ## fetch libtorch (150 MB), unless LIBTORCH or LIBTORCH_USE_PYTORCH names another copy
	@scripts/libtorch.sh

base-encoder: ## fetch the encoder that training starts from (84 MB)
	@scripts/base_encoder.sh all-minilm-l6-v2

teacher-encoder: ## fetch the larger encoder of the newsroom model's teacher (405 MB)
	@scripts/base_encoder.sh all-mpnet-base-v2

# The folders that the newsroom recipe starts from: each `base/NAME` outside comments.
RECIPE_BASES = $(shell grep -o '^[^#]*' models/newsroom/recipe.toml | grep -o 'base/[a-z0-9.-]*' | sort -u)

model: DATA ?= data
model: build ## train the newsroom model on labelled files (hours): make model DATA=folder (data)
	@test -d "$(DATA)" || { echo "usage: make model DATA=folder_of_labelled_files"; exit 2; }
	$(MAKE) $(RECIPE_BASES:=/config.json) DATA="$(DATA)"
	cargo run --release --locked --quiet -- train models/newsroom/recipe.toml --data "$(DATA)"

base/all-minilm-l6-v2/config.json:
	$(MAKE) base-encoder

base/all-mpnet-base-v2/config.json:
	$(MAKE) teacher-encoder

base/newsroom-teacher/config.json: base/all-mpnet-base-v2/config.json
	cargo run --release --locked --quiet -- train models/newsroom/teacher.toml --data "$(DATA)"

build: setup ## build in release mode
	cargo build --release --locked

demo: build ## run on examples/ and show the results
	cargo run --release --locked --quiet -- run examples
	cargo run --release --locked --quiet -- show output

moto: ## fetch moto, which acts as S3 for one of the tests (115 MB)
	@scripts/moto.sh

# The release profile with checks in our own crates: the heavy dependencies are compiled once for the demo and the tests.
CARGO_TEST = cargo test --release --locked --config .cargo/checked.toml

test: setup ## run all tests; PRESSRUN_REQUIRE=amx,avx512 makes tests fail that would be skipped
	$(CARGO_TEST)

test-one: setup ## run the tests whose name contains T: make test-one T=every_case
	@test -n "$(T)" || { echo "usage: make test-one T=part_of_a_test_name"; exit 2; }
	$(CARGO_TEST) -- $(T)

test-scale: $(if $(PRESSRUN),,build) ## run the recipes of examples/scale on real Slurm, Ray and Spark (a quarter of an hour): [ARTICLES=folder] [ONLY="ray slurm"]
	@tests/scale/setup.sh
	build/scale/python/bin/python tests/scale/engines.py --program "$(or $(PRESSRUN),target/release/pressrun)" $(ARTICLES) $(if $(ONLY),--only $(ONLY))

check: fmt clippy doc ## check format, lints and documentation

fmt: ## check the format (cargo fmt --all rewrites it)
	cargo fmt --all --check

clippy: setup ## run the lints, warnings denied
	cargo clippy --all-targets --release --locked -- -D warnings
	cargo clippy --release --locked --no-default-features -- -D warnings

doc: setup ## build the API documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --release --locked --document-private-items

check-fuzz: setup ## compile the fuzz targets, without running them
	cargo check --release --locked --manifest-path fuzz/Cargo.toml

msrv: setup ## check with the oldest supported Rust, which rustup must have installed
	cargo +$$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) check --release --locked

dependencies: ## check licences and sources of the crates (SECURITY.md)
	@scripts/dependencies.sh

advisories: ## check the crates for known vulnerabilities; needs GitHub (SECURITY.md)
	@scripts/dependencies.sh advisories

packages: ## build wheel, deb, rpm and container for Linux into build/packages (packaging/README.md); PRESSRUN=program packages that one
	@scripts/packages.sh

test-packages: ## install each package in an empty place and use it
	@tests/packages/run.sh

release-check: ## check what RELEASING.md asks before a tag: versions, clean tree, packages built and tested
	@scripts/release_check.sh

bench: setup ## run the benchmarks
	cargo bench --locked

fuzz: SECONDS ?= 60
fuzz: setup ## run every fuzz target for SECONDS (60) each; see fuzz/README.md
	scripts/fuzz.sh $(SECONDS)

clean: ## remove build output and the passage cache
	cargo clean
	rm -rf cache

distclean: clean ## also remove libtorch and the encoders
	rm -rf third_party base build
	if grep -qs '^# Written by scripts/libtorch.sh' .cargo/config.toml; then rm .cargo/config.toml; fi
