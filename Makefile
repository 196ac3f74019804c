# make            build/libmcd.so.1 and its header's neighbours
# make venv       .venv with the Python binding and what its tests need
# make demo       find a hidden defect from its curve: prints it, and draws build/demo/defect.png
# make figures    the gallery: docs/figures/*.png (GALLERY=--quick for seconds, GALLERY="fig4 --steps 12000" for one of them)
# make test       every test
# make gpu        tests and timings on this machine's GPU: writes docs/gpu/report.md (without Go: what make gpu-tests built)
# make bench      benchmarks beside other software: build/bench, and docs/bench once all is measured
# make peers      installs that other software: Kwant, JAX, Julia, which some tests use too
# make wheel      build/wheel/*.whl
# make dist       build/dist/mcd-VERSION.tar.gz: the source, which builds without a network
# make julia      build/julia: the package MCD, and the library as its artifact (URL=where the artifact will be found)
# make install    library, headers, pkg-config and CMake files into PREFIX (DESTDIR is honoured)
# make clean      removes what was built; make distclean the downloaded tools too
#
# A machine that lacks Go, a C compiler or Python gets them first: scripts/bootstrap.sh.

PREFIX ?= /usr/local
PYTHON ?= python3
LIBDIR = $(DESTDIR)$(PREFIX)/lib

export PATH := $(CURDIR)/build/toolchain/bin:$(PATH)
export GOTOOLCHAIN := local
export PYTHON

SOURCES := $(shell find go.mod adjoint capi core cuda include -type f ! -name '*_test.go' ! -name '*.md' 2>/dev/null)
VERSION = $(shell sed -n 's/^.define MCD_VERSION "\(.*\)"/\1/p' include/mcd.h)
TOOLCHAIN = build/toolchain/ready
LIBRARY = build/libmcd.so.1
VENV = .venv/ready

.PHONY: all venv demo figures test gpu gpu-tests bench peers wheel dist julia install clean distclean
.DELETE_ON_ERROR:

all: $(LIBRARY)

$(TOOLCHAIN): scripts/bootstrap.sh go.mod
	@scripts/bootstrap.sh build/toolchain
	@touch $@

$(LIBRARY): $(SOURCES) | $(TOOLCHAIN)
	capi/build.sh build

venv: $(LIBRARY) $(VENV)

$(VENV): bindings/python/pyproject.toml | $(TOOLCHAIN)
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --disable-pip-version-check -q -e 'bindings/python[plot,test]'
	@touch $@

demo: venv
	@.venv/bin/python bindings/python/examples/defect.py build/demo/defect.png

figures: venv
	@.venv/bin/python -m gallery $(GALLERY)

test: venv
	@scripts/test.sh

gpu:
	@scripts/gpu.sh

gpu-tests: | $(TOOLCHAIN)
	@scripts/gpu.sh --build

bench: venv
	.venv/bin/python tests/bench/run.py --publish docs/bench
	.venv/bin/python tests/bench/overhead/overhead.py include build .peers/julia/bin/julia

peers:
	scripts/install-kwant.sh .peers/kwant
	scripts/install-jax.sh .peers/jax
	scripts/install-julia.sh .peers/julia

wheel: venv
	.venv/bin/python -m pip wheel --disable-pip-version-check -q --no-deps --no-build-isolation -w build/wheel bindings/python
	@ls build/wheel/*.whl

dist: $(TOOLCHAIN)
	scripts/dist.sh $(VERSION) build/dist
	@ls build/dist/*.tar.gz

julia:
	@$(MAKE) -s install PREFIX='$(CURDIR)/build/julia/prefix' DESTDIR=
	scripts/julia-artifact.sh build/julia/prefix build/julia $(URL)

install: $(LIBRARY)
	install -d '$(LIBDIR)/pkgconfig' '$(LIBDIR)/cmake/mcd' '$(DESTDIR)$(PREFIX)/include'
	install -m 755 $(LIBRARY) '$(LIBDIR)/'
	ln -sf libmcd.so.1 '$(LIBDIR)/libmcd.so'
	install -m 644 $(wildcard include/mcd.h include/mcd.hpp include/mcd.fbs) '$(DESTDIR)$(PREFIX)/include/'
	sed 's/@VERSION@/$(VERSION)/' scripts/package/mcd.pc >'$(LIBDIR)/pkgconfig/mcd.pc'
	sed 's/@VERSION@/$(VERSION)/' scripts/package/mcd-config-version.cmake >'$(LIBDIR)/cmake/mcd/mcd-config-version.cmake'
	install -m 644 scripts/package/mcd-config.cmake '$(LIBDIR)/cmake/mcd/'

clean:
	find build -mindepth 1 -maxdepth 1 ! -name toolchain -exec rm -rf {} + 2>/dev/null || true
	rm -rf .venv

distclean: clean
	rm -rf build .peers
