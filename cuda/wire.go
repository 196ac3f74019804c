//go:build cuda && cgo

package cuda

// #include "kernels/abi.h"
import "C"

import (
	"slices"
	"unsafe"

	"mcd/adjoint"
	"mcd/cuda/driver"
)

// threads of every block.
const threads = C.MCD_GPU_THREADS

// resident is a wire on the device: what does not depend on the potential, uploaded once.
type resident struct {
	memory driver.Memory
	wire   C.mcd_gpu_address // mcd_gpu_wire, at the start of memory
	// columns is the largest number of open modes, at least 1.
	columns int
}

// upload copies the leads, phases and sources of every point, point by point, through one pinned buffer.
func upload(stream driver.Stream, w *adjoint.Wire) (r resident, err error) {
	width, length, points := w.Strip.Width, w.Strip.Length, w.Strip.Points()
	modes := w.Ceiling()
	r.columns = max(slices.Max(modes), 1)
	var l layout
	head := l.take(1, C.sizeof_mcd_gpu_wire)
	energy, counts := l.take(points, 8), l.take(points, 4)
	phases := l.take(points*length, 16)
	right, left := l.take(points*width*width, 16), l.take(points*width*width, 16)
	fromLeft, fromRight := l.take(points*width*r.columns, 16), l.take(points*width*r.columns, 16)
	if r.memory, err = driver.Alloc(l.bytes); err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			r.memory.Free()
		}
	}()
	at := func(offset int64) C.mcd_gpu_address {
		return C.mcd_gpu_address(r.memory.At) + C.mcd_gpu_address(offset)
	}
	r.wire = at(head)
	stage, err := driver.AllocPinned(max(C.sizeof_mcd_gpu_wire, points*8, 16*max(length, width*width, width*r.columns)))
	if err != nil {
		return r, err
	}
	defer stage.Free()
	send := func(offset int64, bytes int) error {
		if err := stream.Upload(driver.Pointer(at(offset)), stage.Pointer(), int64(bytes)); err != nil {
			return err
		}
		return stream.Wait()
	}
	t, energies := w.Strip.Hopping, w.Strip.Energies
	*(*C.mcd_gpu_wire)(stage.Pointer()) = C.mcd_gpu_wire{width: C.int32_t(width), length: C.int32_t(length), points: C.int32_t(points),
		columns: C.int32_t(r.columns), hopping: C.double(t), energy_low: C.double(slices.Min(energies) / t),
		energy_high: C.double(slices.Max(energies) / t), energy: at(energy), phases: at(phases), right: at(right), left: at(left),
		from_left: at(fromLeft), from_right: at(fromRight), modes: at(counts)}
	if err := send(head, C.sizeof_mcd_gpu_wire); err != nil {
		return r, err
	}
	for k, n := range modes {
		unsafe.Slice((*int32)(stage.Pointer()), points)[k] = int32(n)
	}
	if err := send(counts, 4*points); err != nil {
		return r, err
	}
	for k, e := range energies {
		stage.Doubles()[k] = e / t
	}
	if err := send(energy, 8*points); err != nil {
		return r, err
	}
	for k := range points {
		c, err := w.Constants(k)
		if err != nil {
			return r, err
		}
		for _, part := range []struct {
			offset int64
			values []complex128
		}{{phases, c.Phases}, {right, c.Right}, {left, c.Left}, {fromLeft, pad(c.FromLeft, width, modes[k], r.columns)},
			{fromRight, pad(c.FromRight, width, modes[k], r.columns)}} {
			n := len(part.values)
			copy(unsafe.Slice((*complex128)(stage.Pointer()), n), part.values)
			if err := send(part.offset+int64(k)*int64(n)*16, 16*n); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// pad returns rows of modes values with zeros up to columns.
func pad(a []complex128, rows, modes, columns int) []complex128 {
	out := make([]complex128, rows*columns)
	for i := range rows {
		copy(out[i*columns:], a[i*modes:][:modes])
	}
	return out
}
