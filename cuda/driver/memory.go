//go:build cuda && cgo

package driver

// #include <cuda.h>
import "C"

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"gorgonia.org/cu"
)

// Pointer is an address in the device's memory, 0 for none.
type Pointer = cu.DevicePtr

// live counts the bytes of device memory and of pinned memory that are allocated.
var live atomic.Int64

// Live returns the bytes of device memory and of pinned memory that have not been freed.
func Live() int64 { return live.Load() }

// Free returns the bytes of device memory that can be allocated now.
func Free() (int64, error) {
	free, _, err := cu.MemInfo()
	return free, failed("asking for free memory", err)
}

// Memory is a block in the device's memory, aligned to 256 bytes; its contents are undefined until written.
type Memory struct {
	At    Pointer
	Bytes int64
}

// Alloc allocates device memory.
func Alloc(bytes int64) (Memory, error) {
	bytes = max(bytes, 1)
	at, err := cu.MemAlloc(bytes)
	if err != nil {
		return Memory{}, failed(fmt.Sprintf("allocating %d bytes", bytes), err)
	}
	live.Add(bytes)
	return Memory{at, bytes}, nil
}

// Free gives the memory back; it is idempotent.
func (m *Memory) Free() {
	if m.At != 0 {
		_ = cu.MemFree(m.At) // fails only with a lost device, whose memory is gone
		live.Add(-m.Bytes)
		*m = Memory{}
	}
}

// Pinned is host memory that copies to and from the device without a detour.
type Pinned struct {
	at    unsafe.Pointer
	bytes int
}

// AllocPinned allocates pinned memory.
func AllocPinned(bytes int) (Pinned, error) {
	bytes = max(bytes, 1)
	var at unsafe.Pointer
	if err := check(fmt.Sprintf("pinning %d bytes", bytes), C.cuMemHostAlloc(&at, C.size_t(bytes), 0)); err != nil {
		return Pinned{}, err
	}
	live.Add(int64(bytes))
	return Pinned{at, bytes}, nil
}

// Free gives the memory back; it is idempotent.
func (p *Pinned) Free() {
	if p.at != nil {
		_ = cu.MemFreeHost(p.at)
		live.Add(-int64(p.bytes))
		*p = Pinned{}
	}
}

// Pointer returns its address.
func (p *Pinned) Pointer() unsafe.Pointer { return p.at }

// Doubles returns the memory as values, as many as it holds.
func (p *Pinned) Doubles() []float64 { return unsafe.Slice((*float64)(p.at), p.bytes/8) }
