//go:build cgo

package memory

/*
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { HUGE_PAGE = 2 << 20 };

// take returns aligned memory. Matrices of a sweep are read with strides of several pages: where there are huge pages the
// addresses of a whole matrix stay in the processor's table of them.
static void *take(size_t alignment, size_t bytes)
{
	void *p;
	if (posix_memalign(&p, bytes < HUGE_PAGE ? alignment : HUGE_PAGE, bytes))
		return NULL;
#ifdef MADV_HUGEPAGE
	if (bytes >= HUGE_PAGE)
		madvise(p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); // a wish
#endif
	return p;
}
*/
import "C"

import "unsafe"

func allocate(n int) ([]float64, func()) {
	p := C.take(Align, C.size_t(max(n, 1)*8))
	if p == nil {
		return nil, nil
	}
	return unsafe.Slice((*float64)(p), n), func() { C.free(p) }
}
