//go:build cuda && cgo

package cuda

import (
	"unsafe"

	"mcd/cuda/driver"
)

// align is the alignment of every array in a block.
const align = 256

// layout deals out places in a block of memory before it is taken.
type layout struct{ bytes int64 }

// take reserves n values of size bytes and returns their offset.
func (l *layout) take(n, size int) int64 {
	at := l.bytes
	l.bytes += (int64(n)*int64(size) + align - 1) / align * align
	return at
}

// staged is device memory with a twin in pinned memory: what goes up and down in one copy.
type staged struct {
	device driver.Memory
	host   driver.Pinned
}

func newStaged(bytes int64) (s staged, err error) {
	if s.device, err = driver.Alloc(bytes); err != nil {
		return s, err
	}
	if s.host, err = driver.AllocPinned(int(bytes)); err != nil {
		s.device.Free()
	}
	return s, err
}

func (s *staged) free() {
	s.device.Free()
	s.host.Free()
}

// at returns the device's address of an offset.
func (s *staged) at(offset int64) driver.Pointer { return s.device.At + driver.Pointer(offset) }

// upload queues the copy of the first bytes to the device.
func (s *staged) upload(stream driver.Stream, bytes int64) error {
	return stream.Upload(s.device.At, s.host.Pointer(), bytes)
}

// download queues the copy of bytes from an offset on to the host.
func (s *staged) download(stream driver.Stream, offset, bytes int64) error {
	return stream.Download(unsafe.Add(s.host.Pointer(), offset), s.at(offset), bytes)
}

// hosted returns n values of the host's twin from an offset on.
func hosted[T any](s *staged, offset int64, n int) []T {
	return unsafe.Slice((*T)(unsafe.Add(s.host.Pointer(), offset)), n)
}

// put writes one value to the host's twin.
func put[T any](s *staged, offset int64, value T) { hosted[T](s, offset, 1)[0] = value }
