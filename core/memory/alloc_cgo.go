//go:build cgo

package memory

// #include <stdlib.h>
import "C"

import "unsafe"

func allocate(n int) ([]float64, func()) {
	var p unsafe.Pointer
	if C.posix_memalign(&p, Align, C.size_t(max(n, 1)*8)) != 0 {
		return nil, nil
	}
	return unsafe.Slice((*float64)(p), n), func() { C.free(p) }
}
