// Package memory provides large float64 buffers from an allocator that can fail: exhausting Go's own heap would abort the
// host process, a failed C allocation is an error like any other.
package memory

import (
	"math"
	"sync/atomic"

	"mcd/core/fault"
)

// Align is the alignment of every buffer in bytes: one cache line, one AVX-512 vector.
const Align = 64

// limit bounds the bytes in all buffers together, 0 for none.
var limit atomic.Int64

var live atomic.Int64

// SetLimit bounds the bytes that all buffers together may take; 0 removes the bound.
func SetLimit(bytes int64) { limit.Store(max(bytes, 0)) }

// Live returns the bytes in buffers that have not been freed.
func Live() int64 { return live.Load() }

// FailAfter makes the nth allocation from now on fail (n = 1: the next one), and all later ones too if persistent;
// n = 0 switches it off. For tests of error paths.
func FailAfter(n int64, persistent bool) {
	failPersistent.Store(persistent)
	failAfter.Store(n)
}

var (
	failAfter      atomic.Int64
	failPersistent atomic.Bool
)

func planned() bool {
	if failAfter.Load() <= 0 {
		return false
	}
	if failAfter.Add(-1) > 0 {
		return false
	}
	if failPersistent.Load() {
		failAfter.Store(1)
	}
	return true
}

// Buffer is a block of float64 values; its contents are undefined until written.
type Buffer struct {
	Data []float64
	free func()
}

// New allocates n values aligned to Align. The error states the bytes needed.
func New(n int) (*Buffer, error) {
	if n < 0 || n > math.MaxInt/16 {
		return nil, fault.New(fault.Memory, "%d values are needed at once: more than any machine holds; reduce the problem's size", n)
	}
	bytes := int64(n) * 8
	total := live.Add(bytes)
	if l := limit.Load(); l > 0 && total > l {
		live.Add(-bytes)
		return nil, fault.New(fault.Memory, "%d bytes are needed and %d are in use, the limit is %d: raise memory_limit or reduce the problem's size", bytes, total-bytes, l)
	}
	if !planned() {
		if data, free := allocate(n); data != nil {
			b := &Buffer{Data: data, free: free}
			return b, nil
		}
	}
	live.Add(-bytes)
	return nil, fault.New(fault.Memory, "%d bytes could not be allocated: reduce the problem's size or free memory", bytes)
}

// Free returns the memory; a nil or already freed buffer is left alone. No slice of Data may be used afterwards.
func (b *Buffer) Free() {
	if b == nil || b.Data == nil {
		return
	}
	live.Add(-int64(len(b.Data)) * 8)
	b.Data = nil
	b.free()
}
