//go:build cuda && cgo

package driver

// link/libcuda.a is an archive with nothing in it: it satisfies the -lcuda of gorgonia.org/cu, whose symbols entry.S defines.

// #cgo LDFLAGS: -L${SRCDIR}/link -ldl -lpthread
import "C"
