//go:build cuda && cgo

package driver

/*
#include <cuda.h>

static CUresult mcd_load(CUmodule *module, const char *ptx, char *log, size_t bytes) {
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)bytes};
    return cuModuleLoadDataEx(module, ptx, 2, options, values);
}
*/
import "C"

import (
	"strings"
	"unsafe"

	"gorgonia.org/cu"

	"mcd/core/fault"
)

// sharedWithoutOptIn is the dynamic shared memory that a kernel may have without asking for more.
const sharedWithoutOptIn = 48 << 10

// Module holds kernels.
type Module struct {
	handle cu.Module
	device Device
}

// Load compiles kernels for the device of the context.
func (c *Context) Load(ptx string) (*Module, error) {
	text := C.CString(ptx)
	defer C.free(unsafe.Pointer(text))
	const room = 4 << 10
	log := (*C.char)(C.calloc(1, room+1))
	defer C.free(unsafe.Pointer(log))
	var handle C.CUmodule
	what := "compiling the kernels"
	if code := C.mcd_load(&handle, text, log, room); code != C.CUDA_SUCCESS {
		if why := strings.TrimSpace(C.GoString(log)); why != "" {
			what += " (" + why + ")"
		}
		return nil, check(what, code)
	}
	return &Module{*(*cu.Module)(unsafe.Pointer(&handle)), c.Device}, nil // the only field
}

// Close unloads the kernels; it is idempotent.
func (m *Module) Close() {
	if m != nil && m.handle != (cu.Module{}) {
		_ = m.handle.Unload()
		m.handle = cu.Module{}
	}
}

// Kernel is an entry whose one parameter is the device address of its argument struct.
type Kernel struct {
	handle  cu.Function
	threads int
	shared  int
}

// Kernel finds an entry and prepares it for blocks of so many threads with so many bytes of dynamic shared memory.
func (m *Module) Kernel(name string, threads, shared int) (*Kernel, error) {
	if shared > max(m.device.SharedMemory, sharedWithoutOptIn) {
		return nil, fault.New(fault.Unsupported, "cuda: kernel %s needs %d bytes of shared memory, a block of %s has %d at most; reduce the wire's width or use backend \"cpu\"",
			name, shared, m.device.Name, m.device.SharedMemory)
	}
	f, err := m.handle.Function(name)
	if err != nil {
		return nil, failed("finding kernel "+name, err)
	}
	if shared > sharedWithoutOptIn {
		// A kernel has one limit for all who launch it: the highest, so that nobody lowers another's.
		function := *(*C.CUfunction)(unsafe.Pointer(&f)) // the only field
		if err := check("giving kernel "+name+" its shared memory",
			C.cuFuncSetAttribute(function, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(m.device.SharedMemory))); err != nil {
			return nil, err
		}
	}
	return &Kernel{f, threads, shared}, nil
}

// Launch queues x × y blocks of the kernel with the argument struct at args.
func (s Stream) Launch(k *Kernel, x, y int, args Pointer) error {
	return failed("launching a kernel", k.handle.Launch(x, y, 1, k.threads, 1, 1, k.shared, s.handle, []unsafe.Pointer{unsafe.Pointer(&args)}))
}

// Resident returns how many blocks of the kernel the whole device runs at the same time, at least 1 per multiprocessor.
func (k *Kernel) Resident(d *Device) (int, error) {
	blocks, err := k.handle.MaxActiveBlocksPerMultiProcessor(k.threads, int64(k.shared))
	return max(blocks, 1) * max(d.Multiprocessors, 1), failed("asking for a kernel's occupancy", err)
}
