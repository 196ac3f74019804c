//go:build cuda && cgo

package driver

// #include <cuda.h>
// #include "load.h"
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"gorgonia.org/cu"

	"mcd/core/fault"
)

// code returns the driver's number behind an error of gorgonia.org/cu, whose type is not exported; 0 for nil.
func code(err error) int {
	if err == nil {
		return 0
	}
	if v := reflect.ValueOf(err); v.CanInt() {
		return int(v.Int())
	}
	return C.CUDA_ERROR_UNKNOWN
}

// failed turns an error of gorgonia.org/cu into one of mcd: what was asked for, the cause and the remedy.
func failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return failure(what, code(err))
}

// check is failed for the calls of our own.
func check(what string, result C.CUresult) error {
	if result == C.CUDA_SUCCESS {
		return nil
	}
	return failure(what, int(result))
}

// Lost reports whether err says that the device does not answer any more; nothing of its context can be used again.
func Lost(err error) bool {
	var l *lost
	return errors.As(err, &l)
}

// lost is a fault that no later call on the same device recovers from.
type lost struct{ error }

func (l *lost) Unwrap() error { return l.error }

func failure(what string, code int) error {
	name := cuName(code)
	switch code {
	case C.CUDA_ERROR_NO_DEVICE:
		return fault.New(fault.Unsupported, "cuda: the driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES, or use backend \"cpu\"")
	case C.CUDA_ERROR_OUT_OF_MEMORY:
		return fault.New(fault.Memory, "cuda: %s: the GPU's memory is used up; reduce the problem's size, close other programs on the GPU, or use backend \"cpu\"", what)
	case C.CUDA_ERROR_INVALID_PTX, C.CUDA_ERROR_NO_BINARY_FOR_GPU, C.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
		C.CUDA_ERROR_JIT_COMPILER_NOT_FOUND, C.CUDA_ERROR_JIT_COMPILATION_DISABLED:
		return fault.New(fault.Unsupported, "cuda: %s: the driver cannot compile the kernels for this GPU (%s, code %d); update the driver or use backend \"cpu\"", what, name, code)
	case C.CUDA_ERROR_NOT_FOUND:
		return fault.New(fault.Unsupported, "cuda: %s: the driver lacks it (%s, code %d); update the driver to CUDA 11.4 or later, or use backend \"cpu\"", what, name, code)
	case C.CUDA_ERROR_DEVICE_UNAVAILABLE:
		return fault.New(fault.Unsupported, "cuda: %s: another process has the GPU for itself; wait for it or use backend \"cpu\"", what)
	case C.CUDA_ERROR_ILLEGAL_ADDRESS, C.CUDA_ERROR_LAUNCH_FAILED, C.CUDA_ERROR_LAUNCH_TIMEOUT, C.CUDA_ERROR_ECC_UNCORRECTABLE,
		C.CUDA_ERROR_NVLINK_UNCORRECTABLE, C.CUDA_ERROR_ASSERT, C.CUDA_ERROR_HARDWARE_STACK_ERROR, C.CUDA_ERROR_ILLEGAL_INSTRUCTION,
		C.CUDA_ERROR_MISALIGNED_ADDRESS, C.CUDA_ERROR_INVALID_ADDRESS_SPACE, C.CUDA_ERROR_INVALID_PC, C.CUDA_ERROR_CONTEXT_IS_DESTROYED,
		C.CUDA_ERROR_DEINITIALIZED, C.CUDA_ERROR_UNKNOWN:
		return &lost{fault.New(fault.Unsupported, "cuda: %s: the GPU was lost (%s, code %d); restart the program, or use backend \"cpu\"", what, name, code)}
	}
	return fault.New(fault.Unsupported, "cuda: %s: %s, code %d; update the driver or use backend \"cpu\"", what, name, code)
}

// names of the codes that gorgonia.org/cu does not know.
var names = map[int]string{C.CUDA_ERROR_STUB_LIBRARY: "StubLibrary", C.CUDA_ERROR_DEVICE_UNAVAILABLE: "DeviceUnavailable",
	C.CUDA_ERROR_UNSUPPORTED_PTX_VERSION: "UnsupportedPtxVersion", C.CUDA_ERROR_JIT_COMPILATION_DISABLED: "JitCompilationDisabled"}

func cuName(code int) string {
	if name, ok := names[code]; ok {
		return name
	}
	v := reflect.New(reflect.TypeOf(cu.Success)).Elem()
	v.SetInt(int64(code))
	return fmt.Sprint(v.Interface())
}

// oldest is the first driver whose entries suffice: that of CUDA 11.4.
const oldest = 11040

// start loads the driver if that has not been done and says why it cannot be used.
func start() error {
	var text *C.char
	code := int(C.mcd_cuda_load(&text))
	detail := C.GoString(text)
	switch {
	case code == C.CUDA_ERROR_SHARED_OBJECT_INIT_FAILED && strings.Contains(detail, "libcuda.so.1: cannot open shared object file"):
		return fault.New(fault.Unsupported, "cuda: no NVIDIA driver is installed (%s); install one, or use backend \"cpu\"", detail)
	case code == C.CUDA_ERROR_SHARED_OBJECT_INIT_FAILED && detail != "":
		return fault.New(fault.Unsupported, "cuda: the NVIDIA driver is broken (%s); reinstall it, or use backend \"cpu\"", detail)
	case code == C.CUDA_ERROR_NO_DEVICE:
		return failure("", code)
	case code != C.CUDA_SUCCESS:
		return fault.New(fault.Unsupported, "cuda: the NVIDIA driver does not start (%s, code %d); reinstall it or restart the machine, or use backend \"cpu\"", cuName(code), code)
	}
	if v := cu.Version(); v < oldest {
		return fault.New(fault.Unsupported, "cuda: the NVIDIA driver is too old: it serves CUDA %d.%d, at least 11.4 is needed; update it, or use backend \"cpu\"", max(v, 0)/1000, max(v, 0)%1000/10)
	}
	return nil
}
