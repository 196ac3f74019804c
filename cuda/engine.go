//go:build cuda && cgo

package cuda

// #include "kernels/abi.h"
import "C"

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/parallel"
	"mcd/core/plan"
	"mcd/core/scatter"
	"mcd/cuda/driver"
)

// Options of an engine; the zero value chooses well.
type Options struct {
	Backend     string // name of the device, "" for "cuda"
	MemoryLimit int64  // bytes of GPU memory that a batch may take, 0 for what is free
}

// Engine computes the conductances of a strip and their derivatives on a GPU, for one or many potentials at a time.
//
// A batch is cut into shares that fit into the GPU's memory and that end soon enough for cancelling; results do not depend on
// the cut. Points whose elimination met a small pivot, or whose solution is not accurate enough, are solved again on the GPU with
// pivoting and refinement. Everything else that a wire can do, observables above all, is the CPU engine's.
type Engine struct {
	wire     *adjoint.Wire // the owner closes it
	gpu      *gpu
	stream   driver.Stream
	resident resident
	limit    int64
	closed   bool

	plan, sweep, redo, combine *driver.Kernel
	slots                      int // blocks of the sweep that the device runs at the same time

	batch buffers
	asked int // designs that batch was made for
	share int // items of one launch, see timed
	// generation counts the batches' buffers, so that who holds their addresses notices new ones.
	generation int
	order      []int32

	redone int64
}

var (
	_ scatter.Engine  = (*Engine)(nil)
	_ scatter.Batcher = (*Engine)(nil)
)

// NewEngine prepares a wire's sweeps on a GPU; the wire must outlive the engine and be used by nobody else at the same time.
func NewEngine(w *adjoint.Wire, o Options) (*Engine, error) {
	if o.Backend == "" {
		o.Backend = "cuda"
	}
	width := C.mcd_gpu_entry_width(C.int32_t(w.Strip.Width))
	if width == 0 {
		return nil, fault.New(fault.Unsupported, "cuda: the wire is %d sites wide, the kernels take %d; use backend \"cpu\"", w.Strip.Width, C.MCD_GPU_MAX_WIDTH)
	}
	g, err := openGPU(o.Backend)
	if err != nil {
		return nil, err
	}
	e := &Engine{wire: w, gpu: g, limit: o.MemoryLimit}
	if err := e.do(func() error { return e.prepare(int(width)) }); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func (e *Engine) prepare(width int) (err error) {
	if e.stream, err = driver.NewStream(); err != nil {
		return err
	}
	w := C.int32_t(e.wire.Strip.Width)
	for _, k := range []struct {
		into   **driver.Kernel
		name   string
		shared int
	}{{&e.plan, "mcd_plan", int(C.mcd_gpu_plan_shared(w))}, {&e.sweep, fmt.Sprintf("mcd_sweep_%d", width), int(C.mcd_gpu_sweep_shared(w))},
		{&e.redo, fmt.Sprintf("mcd_redo_%d", width), int(C.mcd_gpu_sweep_shared(w))}, {&e.combine, "mcd_combine", 0}} {
		if *k.into, err = e.gpu.kernel(k.name, k.shared); err != nil {
			return err
		}
	}
	if e.slots, err = e.sweep.Resident(&e.gpu.Device); err != nil {
		return err
	}
	if e.resident, err = upload(e.stream, e.wire); err != nil {
		return err
	}
	e.order = byModes(e.wire.Ceiling())
	e.share = max(1, int(firstShare/operations(e.wire)*float64(e.Outputs())))
	return e.reserve(1)
}

// budget is the growth allowed between two nodes of a sweep.
func (e *Engine) budget() C.double { return C.double(plan.Budget(e.wire.Strip.Length)) }

// do runs body in the device's context. After an error nothing is under way on the stream any more, so that memory can be freed
// and arguments overwritten.
func (e *Engine) do(body func() error) error {
	return e.gpu.Do(func() error {
		err := body()
		if err != nil && e.stream != (driver.Stream{}) {
			_ = e.stream.Wait() // has the same to say, if anything
		}
		return err
	})
}

// byModes lists the points, those with most open modes first, so that the longest work starts first.
func byModes(modes []int) []int32 {
	order := make([]int32, len(modes))
	for k := range order {
		order[k] = int32(k)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return modes[b] - modes[a] })
	return order
}

// Inputs returns the number of sites, Outputs the number of points, Ceiling their open modes.
func (e *Engine) Inputs() int    { return e.wire.Inputs() }
func (e *Engine) Outputs() int   { return e.wire.Outputs() }
func (e *Engine) Ceiling() []int { return e.wire.Ceiling() }

// Redone counts the points that were solved again with pivoting and refinement since the engine was made.
func (e *Engine) Redone() int64 { return e.redone }

// SetThreads sets the threads of the CPU engine, which answers what the GPU does not.
func (e *Engine) SetThreads(n int) { e.wire.SetThreads(n) }

// Name tells the device.
func (e *Engine) Name() string { return "cuda strip, " + e.gpu.Device.Name }

// Close frees the GPU's memory.
func (e *Engine) Close() {
	if e.closed {
		return
	}
	e.closed = true
	e.gpu.Discard(func() {
		e.batch.free()
		e.resident.memory.Free()
		e.stream.Close()
	})
	e.gpu.close()
}

// Value computes g (Outputs).
func (e *Engine) Value(ctx context.Context, onsite, g []float64) error {
	return e.Compute(ctx, Batch{Onsite: one(onsite), Conductance: one(g)})
}

// Gradient computes g and grad[i] = Σ_k weights[k]·∂g[k]/∂onsite[i]; weights nil means all ones.
func (e *Engine) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	if err := scatter.CheckLength("gradient", len(grad), e.Inputs()); err != nil {
		return err
	}
	return e.Compute(ctx, Batch{Onsite: one(onsite), Weights: one(weights), Conductance: one(g), Gradient: one(grad)})
}

// Jacobian computes g and jac[k][i] = ∂g[k]/∂onsite[i].
func (e *Engine) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), e.Inputs()*e.Outputs()); err != nil {
		return err
	}
	return e.Jacobians(ctx, one(onsite), one(g), one(jac))
}

// one is a batch's array of one design, nil for nil.
func one(a []float64) [][]float64 {
	if a == nil {
		return nil
	}
	return [][]float64{a}
}

// Batch is how many potentials are worth computing at once: enough to occupy the device some rounds.
func (e *Engine) Batch(context.Context) int {
	return min(max(1, rounds*e.slots/e.Outputs()), mostDesigns)
}

const rounds, mostDesigns = 4, 64

// Jacobians is Jacobian of several potentials, see scatter.Batcher.
func (e *Engine) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	return e.Compute(ctx, Batch{Onsite: onsite, Conductance: g, Jacobian: jac})
}

// Batch is many potentials at once, each with arrays of its own. Gradient and Jacobian are nil if not wanted.
type Batch struct {
	Onsite      [][]float64 // [design], (Inputs)
	Weights     [][]float64 // of Gradient, (Outputs); nil for ones
	Conductance [][]float64 // (Outputs); written
	Gradient    [][]float64 // (Inputs); written
	Jacobian    [][]float64 // (Outputs × Inputs); written
}

func (e *Engine) check(b *Batch) error {
	sites, points := e.Inputs(), e.Outputs()
	if e.closed {
		return fault.New(fault.Internal, "the engine has been closed")
	}
	if len(b.Onsite) == 0 {
		return fault.Invalid("onsite", "no designs; give at least one")
	}
	for _, a := range []struct {
		name   string
		values [][]float64
		want   int
		needed bool
	}{{"onsite", b.Onsite, sites, true}, {"conductance", b.Conductance, points, true}, {"weights", b.Weights, points, false},
		{"gradient", b.Gradient, sites, false}, {"jacobian", b.Jacobian, points * sites, false}} {
		if a.values == nil && !a.needed {
			continue
		}
		if len(a.values) != len(b.Onsite) {
			return fault.Invalid(a.name, "given for %d designs of %d; give one for each", len(a.values), len(b.Onsite))
		}
		for _, values := range a.values {
			if err := scatter.CheckLength(a.name, len(values), a.want); err != nil {
				return err
			}
		}
	}
	for _, h := range b.Onsite {
		if err := e.wire.Strip.ValidateOnsite(h); err != nil {
			return err
		}
	}
	return nil
}

// Compute computes the conductances of many potentials and their derivatives. Results are those of one call for each, to the bit.
func (e *Engine) Compute(ctx context.Context, b Batch) error {
	if err := e.check(&b); err != nil {
		return err
	}
	failed := false
	err := e.do(func() error {
		designs := len(b.Onsite)
		if err := e.reserve(designs); err != nil {
			return err
		}
		s := e.batch.shape
		for design := 0; design < designs; design += s.designs {
			s.designs = min(e.batch.designs, max(1, e.share/e.Outputs()), designs-design)
			for first := 0; first < e.Outputs(); first += s.points {
				if err := parallel.Cancelled(ctx); err != nil {
					return err
				}
				s.points = min(e.batch.points, e.Outputs()-first)
				if s.designs == 1 {
					s.points = min(s.points, e.share)
				}
				bad, err := e.timed(&b, s, design, first)
				if err != nil {
					return err
				}
				failed = failed || bad
			}
		}
		return nil
	})
	if err != nil || !failed {
		return err
	}
	return fault.New(fault.Numerical, "the wire has a level exactly at the energy of one of the points: change energy, fields or onsite in the last digits")
}

// firstShare is what the first launch may cost at most, in floating-point operations: a few milliseconds on a slow GPU.
const firstShare = 1e9

// Launches are to end within longest, so that a cancelled call returns in time, and not to be cut up below shortest.
const longest, shortest = 40 * time.Millisecond, 10 * time.Millisecond

// timed runs a share and sets the pace of the next.
func (e *Engine) timed(b *Batch, s shape, design, first int) (failed bool, err error) {
	began := time.Now()
	failed, err = e.run(b, s, design, first)
	switch took, items := time.Since(began), s.designs*s.points; {
	case took > longest:
		e.share = max(1, int(float64(items)*float64(longest)/2/float64(took)))
	case took < shortest && items >= e.share:
		e.share = 8 * items
	}
	return failed, err
}

// run solves the points first … first + s.points − 1 of s.designs designs and reports whether one of them has no answer.
func (e *Engine) run(b *Batch, s shape, design, first int) (failed bool, err error) {
	sites, points := e.Inputs(), e.Outputs()
	buf := &e.batch
	e.arguments(b, s, first)
	onsite, weights := hosted[float64](&buf.in, buf.onsite, s.designs*sites), hosted[float64](&buf.in, buf.weights, s.designs*points)
	for d := range s.designs {
		copy(onsite[d*sites:], b.Onsite[design+d])
		if b.Weights != nil {
			copy(weights[d*points:], b.Weights[design+d])
		}
	}
	order := hosted[int32](&buf.in, buf.order, s.points)[:0]
	for _, k := range e.order {
		if int(k) >= first && int(k) < first+s.points {
			order = append(order, k)
		}
	}
	if err := buf.in.upload(e.stream, buf.inBytes); err != nil {
		return false, err
	}
	if err := e.launch(b, s); err != nil {
		return false, err
	}
	bytes := buf.gradient // conductances and status
	if b.Gradient != nil {
		bytes = buf.jacobian
	}
	if b.Jacobian != nil {
		bytes = buf.jacobian + 8*int64(s.designs*s.points*sites)
	}
	if err := buf.out.download(e.stream, 0, bytes); err != nil {
		return false, err
	}
	if err := e.stream.Wait(); err != nil {
		return false, err
	}
	return e.deliver(b, s, design, first), nil
}

// arguments fills the kernels' argument structs on the host.
func (e *Engine) arguments(b *Batch, s shape, first int) {
	buf := &e.batch
	in := func(offset int64) C.mcd_gpu_address { return C.mcd_gpu_address(buf.in.at(offset)) }
	out := func(offset int64) C.mcd_gpu_address { return C.mcd_gpu_address(buf.out.at(offset)) }
	scratch := func(offset int64) C.mcd_gpu_address {
		return C.mcd_gpu_address(buf.scratch.At) + C.mcd_gpu_address(offset)
	}
	designs, sites, points := C.int32_t(s.designs), C.int32_t(e.Inputs()), C.int64_t(e.Outputs())
	put(&buf.in, buf.plan, C.mcd_gpu_plan_args{wire: e.resident.wire, onsite: in(buf.onsite), potential: scratch(buf.potential),
		nodes: scratch(buf.nodes), budget: e.budget(), designs: designs})
	sweep := C.mcd_gpu_sweep_args{wire: e.resident.wire, potential: scratch(buf.potential), nodes: scratch(buf.nodes),
		order: in(buf.order), conductance: out(buf.g), jacobian: out(buf.jacobian), status: out(buf.status),
		residual: scratch(buf.residual), workspace: scratch(buf.workspace), workspace_stride: C.uint64_t(buf.sweepStride), designs: designs,
		first: C.int32_t(first), count: C.int32_t(s.points), pivot_limit: C.MCD_GPU_PIVOT_LIMIT}
	if b.Gradient != nil || b.Jacobian != nil {
		sweep.derive = 1
	}
	put(&buf.in, buf.sweep, sweep)
	sweep.workspace_stride = C.uint64_t(buf.redoStride)
	put(&buf.in, buf.redo, sweep)
	combine := C.mcd_gpu_combine_args{jacobian: out(buf.jacobian), gradient: out(buf.gradient), weights_stride: points, designs: designs,
		sites: sites, first: C.int32_t(first), count: C.int32_t(s.points)}
	if b.Weights != nil {
		combine.weights = in(buf.weights)
	}
	if first > 0 {
		combine.add = 1
	}
	put(&buf.in, buf.combine, combine)
}

// launch queues the kernels of a share.
func (e *Engine) launch(b *Batch, s shape) error {
	buf := &e.batch
	items := s.designs * s.points
	if err := e.stream.Launch(e.plan, s.designs, 1, buf.in.at(buf.plan)); err != nil {
		return err
	}
	if err := e.stream.Launch(e.sweep, min(items, buf.slots), 1, buf.in.at(buf.sweep)); err != nil {
		return err
	}
	if err := e.stream.Launch(e.redo, min(items, buf.redoSlots), 1, buf.in.at(buf.redo)); err != nil {
		return err
	}
	if b.Gradient == nil {
		return nil
	}
	return e.stream.Launch(e.combine, (e.Inputs()+threads-1)/threads, s.designs, buf.in.at(buf.combine))
}

// deliver copies a share's results to the caller's arrays.
func (e *Engine) deliver(b *Batch, s shape, design, first int) (failed bool) {
	sites, points := e.Inputs(), e.Outputs()
	buf := &e.batch
	g := hosted[float64](&buf.out, buf.g, s.designs*points)
	status := hosted[uint32](&buf.out, buf.status, s.designs*points)
	gradient, rows := hosted[float64](&buf.out, buf.gradient, s.designs*sites), hosted[float64](&buf.out, buf.jacobian, s.designs*s.points*sites)
	for d := range s.designs {
		copy(b.Conductance[design+d][first:][:s.points], g[d*points+first:])
		for _, bits := range status[d*points+first:][:s.points] {
			failed = failed || bits&C.MCD_GPU_FAILED != 0
			if bits&C.MCD_GPU_REDONE != 0 {
				e.redone++
			}
		}
		if b.Gradient != nil { // of the points up to these; complete with the last ones
			copy(b.Gradient[design+d], gradient[d*sites:])
		}
		if b.Jacobian != nil {
			copy(b.Jacobian[design+d][first*sites:], rows[d*s.points*sites:][:s.points*sites])
		}
	}
	return failed
}
