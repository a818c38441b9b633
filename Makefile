# vfs-run: make builds it, make run shows it, make test proves it.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift

# One static executable that seals itself before the C library starts. What a start executes is
# linked side by side (bench/run --order writes the list; names that are gone do no harm), which takes
# a section for each function. The metadata of generic types is made from its parts: by their mangled
# names, the default, the runtime would parse each name and look for the conformances that it tells of.
# Regular expressions, which every module imports by itself, are not used.
ORDER = scripts/link-order
LINK = --static-swift-stdlib -Xswiftc -static-executable \
	-Xlinker -e -Xlinker clinux_start -Xswiftc -use-ld=lld
FRONTEND = -disable-concrete-type-metadata-mangled-name-accessors -function-sections \
	-disable-implicit-string-processing-module-import
STATIC = -c release $(LINK) \
	$(foreach option,$(FRONTEND),-Xswiftc -Xfrontend -Xswiftc $(option)) \
	-Xlinker --symbol-ordering-file=$(CURDIR)/$(ORDER) -Xlinker --no-warn-symbol-ordering \
	-Xlinker -T -Xlinker $(CURDIR)/scripts/link-unnamed.ld
BINARY = build/vfs-run
SOURCES = $(shell find Sources config/seccomp.json -type f) Package.swift Makefile $(ORDER) \
	scripts/link-unnamed.ld

.PHONY: all build run test-dependencies test check test-faults test-vm test-clients docs lint fmt bench fuzz install clean dependencies

all: build

build: dependencies $(BINARY)

dependencies:
	@scripts/install-dependencies

test-dependencies:
	@scripts/install-dependencies test

$(BINARY): $(SOURCES)
	@# The package manager does not see that the order has changed: it is made to link anew.
	@rm -f "$$($(SWIFT) build $(STATIC) --show-bin-path)/vfs-run"
	$(SWIFT) build $(STATIC) --product vfs-run
	@mkdir -p build
	strip -o build/stripped "$$($(SWIFT) build $(STATIC) --show-bin-path)/vfs-run"
	@# Copied as an installation would be: how a file was written decides in how large pieces its
	@# pages are mapped, and so what it takes of memory (docs/benchmarks.md).
	@install -m 755 build/stripped $@
	@rm build/stripped

rootfs/base: rootfs/build
	rootfs/build rootfs/base

# A script that shows its isolation and does damage; a second run finds everything back.
run: build rootfs/base
	$(BINARY) config/script.json
	@echo
	@echo "The same again, in a fresh container:"
	$(BINARY) config/script.json

TEST = VFS_RUN_PROBE=$(CURDIR)/build/probe VFS_RUN_BASE=$(CURDIR)/rootfs/base $(SWIFT) test

test: test-dependencies build rootfs/base build/probe
	VFS_RUN=$(CURDIR)/$(BINARY) $(TEST)

# The same tests on a debug build, which is made anew in seconds: FILTER=NAME chooses some. The
# program is linked from the objects that the tests are linked from: nothing is compiled twice.
DEBUG = .build-debug/debug
check: test-dependencies rootfs/base build/probe
	$(SWIFT) build --build-tests
	@mkdir -p $(DEBUG)
	swiftc -static-executable -use-ld=lld -g -module-name vfs_run -o $(DEBUG)/vfs-run \
	    @.build/debug/vfs-run.product/Objects.LinkFileList \
	    $$(pkg-config --libs libseccomp libcap libarchive zlib libzstd) \
	    -Xlinker --defsym -Xlinker main=vfs_run_main -Xlinker -e -Xlinker clinux_start
	VFS_RUN=$(CURDIR)/$(DEBUG)/vfs-run $(TEST) --skip-build $(addprefix --filter ,$(FILTER))

build/probe: Tests/probe/probe.c
	@mkdir -p build
	$(CC) -O1 -Wall -Wextra -Werror -static -o $@ $<

build/inject: Tests/faults/inject.c
	@mkdir -p build
	$(CC) -O1 -Wall -Wextra -Werror -o $@ $< -lseccomp

# An error, or SIGKILL, at every system call of every kind of start: FAULTS_SECONDS=180 draws a part.
test-faults: build rootfs/base build/probe build/inject
	@scripts/install-dependencies faults
	Tests/faults/run

# The same program on the distribution's kernel and on the newest of its backports, in a virtual
# machine.
test-vm: build rootfs/base
	@scripts/install-dependencies vm
	Tests/vm/run

# podman, buildah, containerd and Docker, and a Swarm of one node, on top of it.
test-clients: build rootfs/base
	@scripts/install-dependencies clients
	Tests/clients/run

# docs/steps.md from the manuals of the steps.
docs: build
	$(BINARY) help --steps > docs/steps.md

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

# Everything that reads what others have written, or TARGET=NAME alone; FUZZ_SECONDS in all.
fuzz:
	fuzz/run $(TARGET)

install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/vfs-run
	install -d $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(BINARY) help --man > $(DESTDIR)$(PREFIX)/share/man/man8/vfs-run.8
	$(BINARY) help --completion bash \
	    > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vfs-run
	$(BINARY) help --completion zsh \
	    > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vfs-run
	$(BINARY) help --completion fish \
	    > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/vfs-run.fish

clean:
	rm -rf .build build
