# The commands of this project. `make demo` and `make test` need nothing but a fresh Debian 12 and the right to install packages.
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell nproc)

.PHONY: help build demo check test bench hooks install clean
help:            ## this list
	@sed -n 's/^\([a-z]*:\).*##/\1/p' Makefile

build:           ## build/release/bin/dray, optimised and hardened
	@tools/setup build
	@cmake --preset release >/dev/null
	@cmake --build build/release --target dray

demo: build      ## re-lays a few thousand generated files out in a local directory: plan, apply, verify, undo
	@examples/demo build/release/bin/dray

check:           ## every day: dev build, unit tests, layers, format (about 5 minutes)
	@tools/setup test
	@tools/run_tests.py check

test:            ## everything, from clean: sanitizers, crash suite, clang-tidy, end to end on real servers (under 45 minutes on 2 cores)
	@tools/setup test
	@tools/run_tests.py all

bench: build     ## dray beside its peers on the same data: bench/README.md
	@tools/setup test
	@bench/relayout/run

hooks:           ## git formats and checks layers before each commit, by tools/hooks
	@git config core.hooksPath tools/hooks

install: build   ## into /usr/local (PREFIX=... for elsewhere)
	@cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

clean:           ## removes build/
	@rm -rf build
