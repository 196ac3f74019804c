//go:build cgo

// Package emulation runs the GPU kernels on the CPU: it builds them with the system's C++ compiler and loads what comes out. It
// serves tests; nothing of it is part of the library.
package emulation

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include "emulate.h"
#include "../abi.h"

typedef int launch_function(const char *, unsigned, unsigned, unsigned, unsigned, uint64_t);
typedef void order_function(int, uint64_t);
typedef const char *error_function(void);

static int launch(void *f, const char *entry, unsigned x, unsigned y, unsigned shared, uint64_t args) {
    return ((launch_function *)f)(entry, x, y, MCD_GPU_THREADS, shared, args);
}
static void order(void *f, int order, uint64_t seed) { ((order_function *)f)(order, seed); }
static const char *error(void *f) { return ((error_function *)f)(); }
*/
import "C"

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"unsafe"
)

// Order in which the threads of a block run between barriers.
type Order int

const (
	Ascending  = Order(C.MCD_EMULATE_ASCENDING)
	Descending = Order(C.MCD_EMULATE_DESCENDING)
	Random     = Order(C.MCD_EMULATE_RANDOM)
)

// Library is a loaded emulation.
type Library struct {
	launch, order, error unsafe.Pointer
}

// Source returns the directory of the emulation's source.
func Source() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// Build compiles the emulation to a shared library, unless it is there and newer than its source.
func Build(output string, flags ...string) error {
	out, err := exec.Command(filepath.Join(Source(), "build.sh"), append([]string{output}, flags...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("building the emulation: %w\n%s", err, out)
	}
	return nil
}

// Load loads what Build made.
func Load(path string) (*Library, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	handle := C.dlopen(name, C.RTLD_NOW|C.RTLD_LOCAL)
	if handle == nil {
		return nil, errors.New(C.GoString(C.dlerror()))
	}
	find := func(symbol string) unsafe.Pointer {
		s := C.CString(symbol)
		defer C.free(unsafe.Pointer(s))
		return C.dlsym(handle, s)
	}
	return &Library{find("mcd_emulate_launch"), find("mcd_emulate_order"), find("mcd_emulate_error")}, nil
}

// SetOrder sets the order of later launches; seed is for Random.
func (l *Library) SetOrder(o Order, seed uint64) { C.order(l.order, C.int(o), C.uint64_t(seed)) }

// Launch runs a kernel; args is the address of its argument struct.
func (l *Library) Launch(entry string, x, y int, shared uint32, args uint64) error {
	runtime.LockOSThread() // the error is the thread's
	defer runtime.UnlockOSThread()
	name := C.CString(entry)
	defer C.free(unsafe.Pointer(name))
	if C.launch(l.launch, name, C.uint(x), C.uint(y), C.uint(shared), C.uint64_t(args)) != 0 {
		return errors.New(C.GoString(C.error(l.error)))
	}
	return nil
}

// Allocate returns device memory: bytes that only Free releases, all NaN.
func Allocate(bytes int) unsafe.Pointer {
	p := C.aligned_alloc(16, C.size_t((bytes+16)/16*16))
	words := unsafe.Slice((*uint64)(p), bytes/8)
	for i := range words {
		words[i] = 0x7ff8dead7ff8dead
	}
	return p
}

// Free releases what Allocate returned.
func Free(p unsafe.Pointer) { C.free(p) }

// Structs returns the structs of abi.h as cgo sees them, by their C names.
func Structs() map[string]reflect.Type {
	return map[string]reflect.Type{
		"mcd_gpu_wire":            reflect.TypeFor[C.mcd_gpu_wire](),
		"mcd_gpu_plan_args":       reflect.TypeFor[C.mcd_gpu_plan_args](),
		"mcd_gpu_sweep_args":      reflect.TypeFor[C.mcd_gpu_sweep_args](),
		"mcd_gpu_combine_args":    reflect.TypeFor[C.mcd_gpu_combine_args](),
		"mcd_gpu_objective_args":  reflect.TypeFor[C.mcd_gpu_objective_args](),
		"mcd_gpu_parametrization": reflect.TypeFor[C.mcd_gpu_parametrization](),
		"mcd_gpu_update_args":     reflect.TypeFor[C.mcd_gpu_update_args](),
	}
}

// Sizes that abi.h computes, in bytes unless it says otherwise.
func EntryWidth(width int) int { return int(C.mcd_gpu_entry_width(C.int32_t(width))) }

func PlanShared(width int) uint32       { return uint32(C.mcd_gpu_plan_shared(C.int32_t(width))) }
func SweepShared(width int) uint32      { return uint32(C.mcd_gpu_sweep_shared(C.int32_t(width))) }
func UpdateShared(width int) uint32     { return uint32(C.mcd_gpu_update_shared(C.int32_t(width))) }
func ObjectiveShared(points int) uint32 { return uint32(C.mcd_gpu_objective_shared(C.int32_t(points))) }
func RedoWorkspace(width, length, columns int) int {
	return int(C.mcd_gpu_redo_workspace(C.int32_t(width), C.int32_t(length), C.int32_t(columns)))
}
