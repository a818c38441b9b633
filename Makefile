# make builds vfs-run, make run shows it, make test tests it. CONTRIBUTING.md lists all targets.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift

# One static executable, which seals itself before the C library starts. Functions that a start
# executes are linked side by side (bench/run --order writes the list; the linker ignores names that no
# longer exist). This requires a section for each function. Metadata of generic types is built from its
# parts: with mangled names, the default, the runtime would parse each name and search for conformances.
# Regular expressions, which every module imports by default, are not used. The compiler's own pass that
# unrolls loops orders the arguments of a block by addresses, so that two builds of one commit would
# differ; LLVM unrolls loops nevertheless.
ORDER = scripts/link-order
LINK = --static-swift-stdlib -Xswiftc -static-executable \
	-Xlinker -e -Xlinker clinux_start -Xswiftc -use-ld=lld
FRONTEND = -disable-concrete-type-metadata-mangled-name-accessors -function-sections \
	-disable-implicit-string-processing-module-import
STATIC = -c release $(LINK) \
	$(foreach option,$(FRONTEND),-Xswiftc -Xfrontend -Xswiftc $(option)) \
	-Xswiftc -Xllvm -Xswiftc -sil-disable-pass=loop-unroll \
	-Xlinker --symbol-ordering-file=$(CURDIR)/$(ORDER) -Xlinker --no-warn-symbol-ordering \
	-Xlinker -T -Xlinker $(CURDIR)/scripts/link-unnamed.ld $(BUILD_FLAGS)
# scripts/dist: names of the directory that are the same wherever it is built.
BUILD_FLAGS ?=
BINARY = build/vfs-run
SOURCES = $(shell find Sources config/seccomp.json config/seccomp-strict.json -type f) Package.swift Makefile $(ORDER) \
	scripts/link-unnamed.ld

.PHONY: all build run test-dependencies test check coverage sanitize test-faults test-apply test-limits test-programs test-vm test-clients test-python test-pages docs lint fmt bench fuzz install uninstall dist deb test-dist clean dependencies

all: build

build: dependencies $(BINARY)

dependencies:
	@scripts/install-dependencies

test-dependencies:
	@scripts/install-dependencies test

$(BINARY): $(SOURCES)
	@# swift build does not see a changed link order. Removing the binary makes it link again.
	@rm -f "$$($(SWIFT) build $(STATIC) --show-bin-path)/vfs-run"
	$(SWIFT) build $(STATIC) --product vfs-run
	@mkdir -p build
	strip -o build/stripped "$$($(SWIFT) build $(STATIC) --show-bin-path)/vfs-run"
	@# install writes the file as an installation does. The way a file was written decides the size of
	@# its pieces in the page cache, and so the memory of a start (docs/benchmarks.md).
	@install -m 755 build/stripped $@
	@rm build/stripped

rootfs/base: rootfs/build
	rootfs/build rootfs/base

# A script that shows its isolation and deletes the root. A second run finds all files again.
run: build rootfs/base
	$(BINARY) config/script.json
	@echo
	@echo "The same again, in a fresh container:"
	$(BINARY) config/script.json

TEST = VFS_RUN_PROBE=$(CURDIR)/build/probe VFS_RUN_INJECT=$(CURDIR)/build/inject \
	VFS_RUN_BASE=$(CURDIR)/rootfs/base scripts/tell-failures $(SWIFT) test

test: test-dependencies build rootfs/base build/probe build/inject
	VFS_RUN=$(CURDIR)/$(BINARY) $(TEST)

# The same tests on a debug build, built in seconds. FILTER=NAME chooses tests. The program is linked
# from the same objects as the tests, so nothing is compiled twice.
DEBUG = .build-debug/debug
check: test-dependencies rootfs/base build/probe build/inject
	$(SWIFT) build --build-tests
	@mkdir -p $(DEBUG)
	swiftc -static-executable -use-ld=lld -g -module-name vfs_run -o $(DEBUG)/vfs-run \
	    @.build/debug/vfs-run.product/Objects.LinkFileList \
	    $$(pkg-config --libs libseccomp libcap libarchive zlib libzstd) \
	    -Xlinker --defsym -Xlinker main=vfs_run_main -Xlinker -e -Xlinker clinux_start
	VFS_RUN=$(CURDIR)/$(DEBUG)/vfs-run $(TEST) --skip-build $(addprefix --filter ,$(FILTER))

# Which lines the tests execute, of the program and of the modules: build/coverage has the table and a
# page for each file. An init process becomes the container's program and leaves no counts.
COVERED = .build-coverage/debug
coverage: test-dependencies rootfs/base build/probe build/inject
	$(SWIFT) build --build-tests --enable-code-coverage --scratch-path .build-coverage
	@rm -rf build/coverage
	@mkdir -p build/coverage
	swiftc -static-executable -use-ld=lld -g -profile-generate -module-name vfs_run \
	    -o $(COVERED)/vfs-run @$(COVERED)/vfs-run.product/Objects.LinkFileList \
	    $$(pkg-config --libs libseccomp libcap libarchive zlib libzstd) \
	    -Xlinker --defsym -Xlinker main=vfs_run_main -Xlinker -e -Xlinker clinux_start
	LLVM_PROFILE_FILE=$(CURDIR)/build/coverage/%m.profraw VFS_RUN=$(CURDIR)/$(COVERED)/vfs-run \
	    $(TEST) --skip-build --scratch-path .build-coverage $(addprefix --filter ,$(FILTER))
	scripts/coverage $(COVERED)/vfs-run build/coverage

# The C of the program under the address and undefined-behaviour sanitizers, as the modules' own tests
# call it. The fuzzers run with both as well.
SANITIZED = LinuxSystemTests ArchivesTests LayersTests SeccompTests CgroupsTests OverlayTests
sanitize: test-dependencies
	VFS_RUN_SANITIZE=1 ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --sanitize=address \
	    --scratch-path .build-sanitize $(addprefix --filter ,$(SANITIZED))

build/probe: Tests/probe/probe.c
	@mkdir -p build
	$(CC) -O1 -Wall -Wextra -Werror -static -o $@ $<

build/inject: Tests/faults/inject.c
	@mkdir -p build
	$(CC) -O1 -Wall -Wextra -Werror -o $@ $< -lseccomp

# An error, or SIGKILL, at every system call of every kind of start. FAULTS_SECONDS=180 draws a part.
test-faults: build rootfs/base build/probe build/inject
	@scripts/install-dependencies faults
	Tests/faults/run

# The same binary on the distribution's kernel and on the newest kernel of its backports, in a virtual
# machine.
test-vm: build rootfs/base
	@scripts/install-dependencies vm
	Tests/vm/run

# Random changes applied to random trees, with SIGKILL at every system call, and a race with a process
# that exchanges directories and links.
test-apply: build build/inject
	Tests/apply/run --seeds 200
	Tests/apply/run --seeds 5 --kill
	Tests/apply/run --race 20

# Programs under limits, a hundred times each, as root and as an ordinary user, with and without control
# groups, alone and beside six busy loops. A batch under load, killed a hundred times.
test-limits: build build/probe rootfs/base
	Tests/limits/run -n 100
	Tests/limits/killed -n 100

# pip, git, make, apt-get and a tree of 20,000 files in sandboxes.
test-programs: build
	Tests/programs/run

# podman, buildah, containerd, Docker, a Swarm and a Slurm of one node with vfs-run as the runtime.
test-clients: build rootfs/base
	@scripts/install-dependencies clients
	Tests/clients/run

# The Python client of batch; with INSPECT=1 also the provider for inspect_ai, with packages from PyPI.
test-python: build
	contrib/python/tests/run $(BINARY)

# The page of --trace in a headless Chromium.
test-pages: build rootfs/base
	@scripts/install-dependencies pages
	Tests/pages/run $(BINARY) build/pages

# docs/steps.md from the manuals of the steps.
docs: build
	$(BINARY) help --steps > docs/steps.md
	$(BINARY) help --schema > docs/config.schema.json
	scripts/check-sandbox --write

lint: build rootfs/base
	@scripts/install-dependencies lint
	scripts/lint

fmt:
	swift-format format --in-place --recursive --parallel Package.swift Sources Tests fuzz/targets
	clang-format -i Sources/CLinux/*.c Sources/CLinux/include/*.h \
	    Sources/CArchiveSupport/*.c Sources/CArchiveSupport/include/*.h Sources/CSwiftParts/*.c \
	    fuzz/confinement/*.c fuzz/confinement/include/*.h

bench: build rootfs/base
	@scripts/install-dependencies bench vm
	bench/run
	bench/run --layers
	bench/run --groups

# Fuzzes all readers of foreign data, or TARGET=NAME alone, for FUZZ_SECONDS in all.
fuzz:
	fuzz/run $(TARGET)

# COMPLETIONS=debian puts the completions where Debian's packages have them.
SHARE = $(DESTDIR)$(PREFIX)/share
COMPLETIONS ?= local
ifeq ($(COMPLETIONS),debian)
ZSH = $(SHARE)/zsh/vendor-completions
else
ZSH = $(SHARE)/zsh/site-functions
endif
install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/vfs-run
	install -d $(SHARE)/man/man8 $(SHARE)/bash-completion/completions $(ZSH) \
	    $(SHARE)/fish/vendor_completions.d $(SHARE)/doc/vfs-run/docs \
	    $(SHARE)/vfs-run/examples/config $(SHARE)/vfs-run/examples/rootfs
	$(BINARY) help --man > $(SHARE)/man/man8/vfs-run.8
	$(BINARY) help --completion bash > $(SHARE)/bash-completion/completions/vfs-run
	$(BINARY) help --completion zsh > $(ZSH)/_vfs-run
	$(BINARY) help --completion fish > $(SHARE)/fish/vendor_completions.d/vfs-run.fish
	install -m 644 LICENSE NOTICE README.md CHANGELOG.md $(SHARE)/doc/vfs-run
	cp -R --no-preserve=mode,ownership docs/. $(SHARE)/doc/vfs-run/docs
	install -m 644 $(filter-out %.sh,$(wildcard config/*)) $(SHARE)/vfs-run/examples/config
	install -m 755 config/script.sh $(SHARE)/vfs-run/examples/config
	install -m 755 rootfs/build $(SHARE)/vfs-run/examples/rootfs

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/vfs-run $(SHARE)/man/man8/vfs-run.8 \
	    $(SHARE)/bash-completion/completions/vfs-run $(ZSH)/_vfs-run \
	    $(SHARE)/fish/vendor_completions.d/vfs-run.fish
	rm -rf $(SHARE)/doc/vfs-run $(SHARE)/vfs-run

# A release in build/dist: an archive, a Debian package, an SBOM and checksums. make test-dist builds
# it twice, compares the bytes, and installs and tries the package.
dist:
	@scripts/install-dependencies
	scripts/dist

deb:
	@scripts/install-dependencies
	scripts/dist --deb

test-dist:
	@scripts/install-dependencies dist
	Tests/dist/run

clean:
	rm -rf .build .build-debug .build-coverage .build-sanitize build
