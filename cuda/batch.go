//go:build cuda && cgo

package cuda

// #include "kernels/abi.h"
import "C"

import (
	"mcd/core/fault"
	"mcd/cuda/driver"
)

// shape is a share of a batch that is solved with one launch: designs × points of the sweep, on so many slots.
type shape struct{ designs, points, slots int }

// buffers hold a batch of one shape.
//
// in is what goes up: the arguments of the four kernels, the order of the points, potentials and weights. out is what comes
// down: conductances, status, gradients, and the Jacobian last, so that a call without it copies less. scratch stays on the
// device.
type buffers struct {
	shape
	in, out staged
	scratch driver.Memory

	plan, sweep, redo, combine    int64 // offsets in in
	order, onsite, weights        int64
	inBytes                       int64
	g, status, gradient, jacobian int64 // offsets in out
	potential, nodes, residual    int64 // offsets in scratch
	workspace                     int64
	sweepStride, redoStride       int64
	redoSlots                     int
}

// sizes lays a shape out; total is the device memory that it takes.
func (e *Engine) sizes(s shape) (b buffers, in, out, scratch layout) {
	b.shape = s
	sites, points := e.wire.Inputs(), e.wire.Outputs()
	width, length, columns := C.int32_t(e.wire.Strip.Width), C.int32_t(e.wire.Strip.Length), C.int32_t(e.resident.columns)
	b.plan, b.sweep = in.take(1, C.sizeof_mcd_gpu_plan_args), in.take(1, C.sizeof_mcd_gpu_sweep_args)
	b.redo, b.combine = in.take(1, C.sizeof_mcd_gpu_sweep_args), in.take(1, C.sizeof_mcd_gpu_combine_args)
	b.order = in.take(s.points, 4)
	b.onsite = in.take(s.designs*sites, 8)
	b.weights = in.take(s.designs*points, 8)
	b.g, b.status = out.take(s.designs*points, 8), out.take(s.designs*points, 4)
	b.gradient = out.take(s.designs*sites, 8)
	b.jacobian = out.take(s.designs*s.points*sites, 8)
	b.potential, b.nodes = scratch.take(s.designs*sites, 8), scratch.take(s.designs*(int(length)+1), 4)
	b.residual = scratch.take(s.designs*points, 8)
	b.sweepStride = int64(C.mcd_gpu_sweep_workspace(width, length, columns))
	b.redoStride = int64(C.mcd_gpu_redo_workspace(width, length, columns))
	space := max(int64(s.slots)*b.sweepStride, b.redoStride)
	b.redoSlots = min(s.slots, int(space/b.redoStride))
	b.workspace = scratch.take(int(space), 1)
	return b, in, out, scratch
}

// bytes is the device memory that a shape takes.
func (e *Engine) bytes(s shape) int64 {
	_, in, out, scratch := e.sizes(s)
	return in.bytes + out.bytes + scratch.bytes
}

// fit returns the largest share of designs × points that takes at most so many bytes: designs are parted first, then points.
func (e *Engine) fit(designs int, budget int64) (shape, error) {
	s := shape{designs: designs, points: e.wire.Outputs()}
	for {
		s.slots = min(s.designs*s.points, e.slots)
		need := e.bytes(s)
		switch {
		case need <= budget:
			return s, nil
		case s.designs > 1:
			s.designs = (s.designs + 1) / 2
		case s.points > 1:
			s.points = (s.points + 1) / 2
		default:
			return s, fault.New(fault.Memory, "cuda: one field of %d × %d sites needs %d bytes of GPU memory, %d are free; reduce the size or use backend \"cpu\"",
				e.wire.Strip.Length, e.wire.Strip.Width, need, budget)
		}
	}
}

// reserve makes sure that there are buffers for a batch of designs, or for the largest share of it that fits. Where the driver
// refuses what it said was free, since other programs take memory too, the share is made smaller.
func (e *Engine) reserve(designs int) error {
	whole := e.batch.designs == e.asked && e.batch.points == e.wire.Outputs()
	if designs <= e.asked || e.asked > 0 && !whole {
		return nil
	}
	e.batch.free()
	e.asked = 0
	free, err := driver.Free()
	if err != nil {
		return err
	}
	budget := free - free/16 // the driver keeps some for itself
	if e.limit > 0 {
		budget = min(budget, e.limit)
	}
	for {
		s, err := e.fit(designs, budget)
		if err != nil {
			return err
		}
		if e.batch, err = e.allocate(s); fault.KindOf(err) != fault.Memory {
			e.asked = designs
			return err
		}
		budget = min(budget, e.bytes(s)) / 2
	}
}

func (e *Engine) allocate(s shape) (b buffers, err error) {
	b, in, out, scratch := e.sizes(s)
	b.inBytes = in.bytes
	e.generation++
	if b.in, err = newStaged(in.bytes); err == nil {
		if b.out, err = newStaged(out.bytes); err == nil {
			b.scratch, err = driver.Alloc(scratch.bytes)
		}
	}
	if err != nil {
		b.free()
	}
	return b, err
}

func (b *buffers) free() {
	b.in.free()
	b.out.free()
	b.scratch.Free()
	*b = buffers{}
}
