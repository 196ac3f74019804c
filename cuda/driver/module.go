//go:build cuda && cgo

package driver

// #include <cuda.h>
import "C"

import (
	"unsafe"

	"gorgonia.org/cu"
)

// sharedWithoutOptIn is the dynamic shared memory that a kernel may have without asking for more.
const sharedWithoutOptIn = 48 << 10

// Module holds kernels.
type Module struct{ handle cu.Module }

// Load compiles kernels for the device of the context.
func Load(ptx string) (*Module, error) {
	m, err := cu.LoadData(ptx)
	if err != nil {
		return nil, failed("compiling the kernels", err)
	}
	return &Module{m}, nil
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
	f, err := m.handle.Function(name)
	if err != nil {
		return nil, failed("finding kernel "+name, err)
	}
	if shared > sharedWithoutOptIn {
		function := *(*C.CUfunction)(unsafe.Pointer(&f)) // the only field
		if err := check("giving kernel "+name+" its shared memory",
			C.cuFuncSetAttribute(function, C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(shared))); err != nil {
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
