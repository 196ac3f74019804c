//go:build cuda && cgo

package cuda

// #include "kernels/abi.h"
import "C"

import (
	"context"
	"math"
	"slices"
	"time"
	"unsafe"

	"mcd/core/fault"
	"mcd/core/parallel"
	"mcd/core/scatter"
	"mcd/cuda/driver"
)

var _ scatter.Descender = (*Engine)(nil)

// descent is a set of first-order runs whose parameters, moments and records stay on the device. A step is one replay of a graph
// of four launches; what comes back after a stretch of steps is the records.
type descent struct {
	e       *Engine
	d       *scatter.Descent
	designs int
	moments int

	constants staged // what the host fills once
	states    staged // what comes back after a stretch
	scratch   driver.Memory

	update, objective                      *driver.Kernel
	step, begin, record, sweep, redo, cost int64 // arguments, offsets in constants
	theta, first, active, iteration        int64 // offsets in states
	best, bestTheta, history, norms, level int64

	graph      *driver.Graph
	generation int // of the engine's buffers that the graph was recorded with
	stretch    scatter.Stretch
	pace       int
	evaluated  bool
	before     []int64 // steps of every design when it was last read
}

// capacity is the number of steps that a stretch may have.
const capacity = 1024

// Descend prepares first-order runs on the device, see scatter.Descender.
func (e *Engine) Descend(ctx context.Context, d *scatter.Descent) (scatter.Descending, error) {
	designs := len(d.Iterations)
	r := &descent{e: e, d: d, designs: designs, moments: len(d.Moments) / max(len(d.Points), 1), pace: 1}
	if err := e.do(r.prepare); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *descent) prepare() (err error) {
	e, width := r.e, C.int32_t(r.e.wire.Strip.Width)
	if r.update, err = e.gpu.kernel("mcd_update", int(C.mcd_gpu_update_shared(width))); err != nil {
		return err
	}
	if r.objective, err = e.gpu.kernel("mcd_objective", int(C.mcd_gpu_objective_shared(C.int32_t(e.Outputs())))); err != nil {
		return err
	}
	if err := r.room(); err != nil {
		return err
	}
	var c, s, z layout
	n, sites, quantities := r.d.Map.Parameters, e.Inputs(), len(r.d.Map.Base)
	for _, at := range []*int64{&r.step, &r.begin, &r.record} {
		*at = c.take(1, C.sizeof_mcd_gpu_update_args)
	}
	r.sweep, r.redo = c.take(1, C.sizeof_mcd_gpu_sweep_args), c.take(1, C.sizeof_mcd_gpu_sweep_args)
	r.cost = c.take(1, C.sizeof_mcd_gpu_objective_args)
	fill := []func(){}
	constant := func(values []float64) func() C.mcd_gpu_address { return constantOf(r, &c, &fill, values) }
	integers := func(values []int32) func() C.mcd_gpu_address { return constantOf(r, &c, &fill, values) }
	m := &r.d.Map
	startT, indexT, valueT := transpose(m)
	base, background, value, valueTAt := constant(m.Base), constant(m.Background), constant(m.Value), constant(valueT)
	start, index, startTAt, indexTAt := integers(m.Start), integers(m.Index), integers(startT), integers(indexT)
	lower, upper, target, weights := constant(r.d.Lower), constant(r.d.Upper), constant(r.d.Target), constant(r.d.Weights)
	factors, steps := constant(r.d.ScheduleFactors), constantOf(r, &c, &fill, r.d.ScheduleSteps)
	order := integers(e.order)
	parametrization := c.take(1, C.sizeof_mcd_gpu_parametrization)

	r.theta, r.first = s.take(r.designs*n, 8), s.take(r.designs*r.moments*n, 8)
	r.iteration, r.active = s.take(r.designs, 8), s.take(r.designs, 4)
	r.best, r.bestTheta = s.take(r.designs, 8), s.take(r.designs*n, 8)
	r.history, r.norms, r.level = s.take(r.designs*(capacity+1), 8), s.take(2*r.designs, 8), s.take(3*r.designs, 8)
	onsite, gradient := z.take(r.designs*sites, 8), z.take(r.designs*sites, 8)
	space := z.take(r.designs*(quantities+n), 8)
	if r.constants, err = newStaged(c.bytes); err != nil {
		return err
	}
	if r.states, err = newStaged(s.bytes); err != nil {
		return err
	}
	if r.scratch, err = driver.Alloc(z.bytes); err != nil {
		return err
	}
	for _, f := range fill {
		f()
	}
	kind := C.int32_t(C.MCD_GPU_SITES)
	if m.Gaussians {
		kind = C.MCD_GPU_GAUSSIANS
	}
	put(&r.constants, parametrization, C.mcd_gpu_parametrization{kind: kind, parameters: C.int32_t(n), quantities: C.int32_t(quantities),
		length: C.int32_t(e.wire.Strip.Length), width: width, base: base(), background: background(), start: start(), index: index(),
		value: value(), start_t: startTAt(), index_t: indexTAt(), value_t: valueTAt()})
	state := func(offset int64) C.mcd_gpu_address { return C.mcd_gpu_address(r.states.at(offset)) }
	local := func(offset int64) C.mcd_gpu_address {
		return C.mcd_gpu_address(r.scratch.At) + C.mcd_gpu_address(offset)
	}
	designs := C.int32_t(r.designs)
	update := C.mcd_gpu_update_args{wire: e.resident.wire, parametrization: C.mcd_gpu_address(r.constants.at(parametrization)),
		theta: state(r.theta), moments: state(r.first), lower: lower(), upper: upper(), objective: state(r.level), gradient: local(gradient),
		onsite: local(onsite), iteration: state(r.iteration), active: state(r.active), best_objective: state(r.best),
		best_theta: state(r.bestTheta), history: state(r.history), norms: state(r.norms), schedule_steps: steps(),
		schedule_factors: factors(), scratch: local(space), history_capacity: capacity + 1, rate: C.double(r.d.Rate),
		stop_objective: C.double(r.d.StopObjective), budget: e.budget(), designs: designs,
		rule: rules[r.d.Rule], schedule_entries: C.int32_t(len(r.d.ScheduleSteps))}
	for at, actions := range map[int64]C.int32_t{r.begin: C.MCD_GPU_ONSITE, r.record: C.MCD_GPU_RECORD,
		r.step: C.MCD_GPU_RECORD | C.MCD_GPU_STEP | C.MCD_GPU_ONSITE} {
		update.actions = actions
		put(&r.constants, at, update)
	}
	put(&r.constants, r.sweep, C.mcd_gpu_sweep_args{wire: e.resident.wire, order: order(), active: state(r.active), designs: designs,
		count: C.int32_t(e.Outputs()), derive: 1, pivot_limit: C.MCD_GPU_PIVOT_LIMIT})
	put(&r.constants, r.cost, C.mcd_gpu_objective_args{onsite: local(onsite), target: target(), weights: weights(),
		active: state(r.active), objective: state(r.level), gradient: local(gradient), designs: designs, points: C.int32_t(e.Outputs()),
		length: C.int32_t(e.wire.Strip.Length), width: width, loss: losses[r.d.Loss], loss_scale: C.double(r.d.LossScale),
		smoothness: C.double(r.d.Smoothness)})

	r.stretch = scatter.Stretch{Steps: make([]int64, r.designs), Objectives: make([][]float64, r.designs), Stalled: make([]bool, r.designs),
		Objective: make([]float64, r.designs), StepNorm: make([]float64, r.designs), Peak: make([]float64, r.designs)}
	r.before = slices.Clone(r.d.Iterations)
	copy(hosted[float64](&r.states, r.theta, r.designs*n), r.d.Points)
	copy(hosted[float64](&r.states, r.first, len(r.d.Moments)), r.d.Moments)
	copy(hosted[int64](&r.states, r.iteration, r.designs), r.d.Iterations)
	for i := range r.designs {
		hosted[int32](&r.states, r.active, r.designs)[i] = C.MCD_GPU_RUNNING
		hosted[float64](&r.states, r.best, r.designs)[i] = math.Inf(1)
	}
	if err := r.states.upload(e.stream, r.history); err != nil {
		return err
	}
	return e.stream.Wait()
}

var rules = map[string]C.int32_t{"rmsprop": C.MCD_GPU_RMSPROP, "adabelief": C.MCD_GPU_ADABELIEF, "adam": C.MCD_GPU_ADAM}
var losses = map[string]C.int32_t{"": C.MCD_GPU_SQUARES, "squares": C.MCD_GPU_SQUARES, "log": C.MCD_GPU_LOG, "huber": C.MCD_GPU_HUBER}

// constantOf reserves room for values among the constants, to be filled once there is memory, and returns how to get their
// address then: 0 if there are none.
func constantOf[T any](r *descent, l *layout, fill *[]func(), values []T) func() C.mcd_gpu_address {
	if len(values) == 0 {
		return func() C.mcd_gpu_address { return 0 }
	}
	at := l.take(len(values), int(unsafe.Sizeof(values[0])))
	*fill = append(*fill, func() { copy(hosted[T](&r.constants, at, len(values)), values) })
	return func() C.mcd_gpu_address { return C.mcd_gpu_address(r.constants.at(at)) }
}

// transpose returns the compressed rows of Tᵀ.
func transpose(m *scatter.Affine) (start, index []int32, value []float64) {
	start = make([]int32, m.Parameters+1)
	for _, j := range m.Index {
		start[j+1]++
	}
	for j := range m.Parameters {
		start[j+1] += start[j]
	}
	index, value = make([]int32, len(m.Index)), make([]float64, len(m.Index))
	next := slices.Clone(start)
	for i := range m.Base {
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			at := next[m.Index[k]]
			next[m.Index[k]]++
			index[at], value[at] = int32(i), m.Value[k]
		}
	}
	return start, index, value
}

// room makes sure that the engine's buffers hold all designs at once.
func (r *descent) room() error {
	if err := r.e.reserve(r.designs); err != nil {
		return err
	}
	if b := &r.e.batch; b.designs < r.designs || b.points < r.e.Outputs() {
		return fault.New(fault.Memory, "cuda: %d designs of %d × %d sites and %d points do not fit into the GPU's memory at once; take fewer designs or use backend \"cpu\"",
			r.designs, r.e.wire.Strip.Length, r.e.wire.Strip.Width, r.e.Outputs())
	}
	return nil
}

// bind points the arguments at the engine's buffers, which may have moved, and records the graph of a step anew if so.
func (r *descent) bind() error {
	e := r.e
	if err := r.room(); err != nil {
		return err
	}
	if r.graph != nil && r.generation == e.generation {
		return nil
	}
	r.graph.Close()
	r.graph, r.generation = nil, e.generation
	b := &e.batch
	out := func(offset int64) C.mcd_gpu_address { return C.mcd_gpu_address(b.out.at(offset)) }
	scratch := func(offset int64) C.mcd_gpu_address {
		return C.mcd_gpu_address(b.scratch.At) + C.mcd_gpu_address(offset)
	}
	for _, at := range []int64{r.begin, r.step, r.record} {
		u := &hosted[C.mcd_gpu_update_args](&r.constants, at, 1)[0]
		u.conductance, u.potential, u.nodes = out(b.g), scratch(b.potential), scratch(b.nodes)
	}
	s := hosted[C.mcd_gpu_sweep_args](&r.constants, r.sweep, 1)[0]
	s.potential, s.nodes, s.conductance, s.jacobian, s.status = scratch(b.potential), scratch(b.nodes), out(b.g), out(b.jacobian), out(b.status)
	s.residual, s.workspace, s.workspace_stride = scratch(b.residual), scratch(b.workspace), C.uint64_t(b.sweepStride)
	put(&r.constants, r.sweep, s)
	s.workspace_stride = C.uint64_t(b.redoStride)
	put(&r.constants, r.redo, s)
	o := &hosted[C.mcd_gpu_objective_args](&r.constants, r.cost, 1)[0]
	o.conductance, o.jacobian = out(b.g), out(b.jacobian)
	if err := r.constants.upload(e.stream, r.constants.device.Bytes); err != nil {
		return err
	}
	if err := e.stream.Wait(); err != nil {
		return err
	}
	graph, err := e.stream.Record(func() error {
		if err := e.stream.Launch(r.update, r.designs, 1, r.constants.at(r.step)); err != nil {
			return err
		}
		return r.evaluate()
	})
	r.graph = graph
	return err
}

// evaluate queues G, J and the objective of all designs.
func (r *descent) evaluate() error {
	e, items := r.e, r.designs*r.e.Outputs()
	if err := e.stream.Launch(e.sweep, min(items, e.batch.slots), 1, r.constants.at(r.sweep)); err != nil {
		return err
	}
	if err := e.stream.Launch(e.redo, min(items, e.batch.redoSlots), 1, r.constants.at(r.redo)); err != nil {
		return err
	}
	return e.stream.Launch(r.objective, int(C.mcd_gpu_objective_blocks(C.int32_t(e.Inputs()))), r.designs, r.constants.at(r.cost))
}

// Advance takes at most n steps, fewer if they would last too long for cancelling, see scatter.Descending.
func (r *descent) Advance(ctx context.Context, n int) (*scatter.Stretch, error) {
	if err := parallel.Cancelled(ctx); err != nil {
		return nil, err
	}
	err := r.e.do(func() error {
		if err := r.bind(); err != nil {
			return err
		}
		n = min(n, r.pace, capacity)
		began := time.Now()
		if err := r.queue(n); err != nil {
			return err
		}
		if err := r.e.stream.Wait(); err != nil {
			return err
		}
		switch took := time.Since(began); {
		case took > longest:
			r.pace = max(1, n/2)
		case took < shortest && n == r.pace:
			r.pace = min(capacity, 2*n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.read(), nil
}

// queue puts n steps, the record of where they end and the copy of the states on the stream.
func (r *descent) queue(n int) error {
	s := r.e.stream
	if !r.evaluated {
		if err := s.Launch(r.update, r.designs, 1, r.constants.at(r.begin)); err != nil {
			return err
		}
		if err := r.evaluate(); err != nil {
			return err
		}
		r.evaluated = true
	}
	for range n {
		if err := s.Replay(r.graph); err != nil {
			return err
		}
	}
	if err := s.Launch(r.update, r.designs, 1, r.constants.at(r.record)); err != nil {
		return err
	}
	return r.states.download(s, 0, r.states.device.Bytes)
}

// read turns the states that came down into a stretch.
func (r *descent) read() *scatter.Stretch {
	n, s, designs := r.d.Map.Parameters, &r.stretch, r.designs
	s.Points = hosted[float64](&r.states, r.theta, designs*n)
	s.Moments = hosted[float64](&r.states, r.first, designs*r.moments*n)
	s.Best, s.BestPoints = hosted[float64](&r.states, r.best, designs), hosted[float64](&r.states, r.bestTheta, designs*n)
	for i := range designs {
		now := hosted[int64](&r.states, r.iteration, designs)[i]
		s.Steps[i], s.Objectives[i] = now-r.before[i], s.Objectives[i][:0]
		for k := r.before[i] + 1; k <= now; k++ {
			s.Objectives[i] = append(s.Objectives[i], hosted[float64](&r.states, r.history, designs*(capacity+1))[i*(capacity+1)+int(k%(capacity+1))])
		}
		r.before[i] = now
		s.Objective[i] = hosted[float64](&r.states, r.level, 3*designs)[3*i]
		norms := hosted[float64](&r.states, r.norms, 2*designs)[2*i:]
		s.StepNorm[i], s.Peak[i] = norms[0], norms[1]
		s.Stalled[i] = hosted[int32](&r.states, r.active, designs)[i] == C.MCD_GPU_STALLED
	}
	return s
}

// Close frees the runs' memory.
func (r *descent) Close() {
	r.e.gpu.Discard(func() {
		r.graph.Close()
		r.constants.free()
		r.states.free()
		r.scratch.Free()
	})
}
