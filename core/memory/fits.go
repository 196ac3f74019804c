package memory

import (
	"math"

	"mcd/core/fault"
)

// Fits returns an error unless n values could be taken now: within the limit and within the machine's memory. It takes
// nothing; use it before work that takes memory from Go's own heap, which cannot fail.
func Fits(n int) error {
	if n < 0 || n > math.MaxInt/16 {
		return fault.New(fault.Memory, "%d values are needed at once: more than any machine holds; reduce the problem's size", n)
	}
	bytes := int64(n) * 8
	if l := limit.Load(); l > 0 && bytes > l-Live() {
		return fault.New(fault.Memory, "%d bytes are needed and %d are in use, the limit is %d: raise memory_limit or reduce the problem's size", bytes, Live(), l)
	}
	if m := machine(); m > 0 && bytes > m {
		return fault.New(fault.Memory, "%d bytes are needed, the machine has %d: reduce the problem's size", bytes, m)
	}
	return nil
}
