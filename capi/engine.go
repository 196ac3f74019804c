//go:build cgo

package main

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/parallel"
	"mcd/core/scatter"
	"mcd/cuda"
)

// solver is what problems compute with: the engine of a wire or of a device.
type solver interface {
	scatter.Engine
	// prepare makes the engine, so that Ceiling and Name can answer.
	prepare(ctx context.Context) error
	// context is what calls compute under that are not jobs.
	context() context.Context
	// workers is the number of threads, 0 for all processors.
	workers() int
}

// sharing is what engines have in common: their users take turns, calls can be ended, the last user closes.
type sharing struct {
	turn    chan struct{} // holds one token: the right to use the engine
	threads atomic.Int64

	mu    sync.Mutex
	users int
	ctx   context.Context // of the calls now computing; ended and renewed by cancel
	end   context.CancelFunc
}

// begin makes the first user.
func (s *sharing) begin(threads int64) {
	s.turn, s.users = make(chan struct{}, 1), 1
	s.turn <- struct{}{}
	s.threads.Store(threads)
	s.ctx, s.end = context.WithCancel(context.Background())
}

func (s *sharing) workers() int { return int(s.threads.Load()) }

// context is what calls compute under that are not jobs.
func (s *sharing) context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ctx
}

// cancel ends the calls that are computing under context.
func (s *sharing) cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.ctx, s.end = context.WithCancel(context.Background())
}

// join adds a user.
func (s *sharing) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

// leave takes a user away and tells whether it was the last, whose calls are ended.
func (s *sharing) leave() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if s.users > 0 {
		return false
	}
	s.end()
	return true
}

// engine is the engine of a strip, shared by the wires, problems and jobs that describe the same one. It is made at its
// first use; users take turns; the last one to close it frees its memory.
type engine struct {
	sharing
	strip   lattice.Strip // never changed
	backend string        // what was asked for; never changed
	limit   int64

	// These belong to whose turn it is.
	wire     *adjoint.Wire // nil until the first use
	computes *cuda.Choice  // what gives values and derivatives, chosen at the first use

	search chan struct{} // holds one token: the right to use finder
	finder *inverse.Finder
}

// newEngine returns an engine with one user.
func newEngine(strip lattice.Strip, backend string, threads, limit int64) *engine {
	e := &engine{strip: strip, backend: backend, limit: limit, search: make(chan struct{}, 1)}
	e.begin(threads)
	e.search <- struct{}{}
	return e
}

// share adds a user and returns the engine.
func (e *engine) share() *engine {
	e.join()
	return e
}

// Close takes a user away.
func (e *engine) Close() {
	if !e.leave() {
		return
	}
	if e.finder != nil {
		e.finder.Close()
	}
	if e.computes != nil {
		e.computes.Close()
	}
	if e.wire != nil {
		e.wire.Close()
	}
}

// find searches defects; one search at a time, since they share the table that the first one makes.
func (e *engine) find(ctx context.Context, target []float64, o inverse.FindOptions) (*inverse.Defects, error) {
	release, err := take(ctx, e.search)
	if err != nil {
		return nil, err
	}
	defer release()
	if e.finder == nil {
		f, err := inverse.NewFinder(e, e.strip)
		if err != nil {
			return nil, err
		}
		e.finder = f
	}
	return e.finder.Find(ctx, target, o)
}

// take waits for a token and returns how to give it back, or a Cancelled error once ctx ends before.
func take(ctx context.Context, token chan struct{}) (release func(), err error) {
	select {
	case <-token:
		return func() { token <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, parallel.Cancelled(ctx)
	}
}

// use runs body in turn with the wire, which it makes if need be; a Cancelled error once ctx ends before.
func (e *engine) use(ctx context.Context, body func(w *adjoint.Wire) error) error {
	release, err := take(ctx, e.turn)
	if err != nil {
		return err
	}
	defer release()
	if err := panicInTask(ctx); err != nil {
		return err
	}
	if e.wire == nil {
		if err := e.affordable(); err != nil {
			return err
		}
		w, err := adjoint.NewWire(e.strip, adjoint.Options{Threads: e.workers(), MemoryLimit: e.limit, Context: ctx})
		if err != nil {
			return err
		}
		e.wire = w
	}
	if e.computes == nil {
		c, err := cuda.Choose(e.wire, e.backend, e.limit)
		if err != nil {
			return err
		}
		e.computes = c
	}
	return body(e.wire)
}

// compute runs body in turn with the engine that was chosen.
func (e *engine) compute(ctx context.Context, body func(chosen scatter.Engine) error) error {
	return e.use(ctx, func(*adjoint.Wire) error { return body(e.computes) })
}

// affordable refuses a wire that cannot fit before its leads are solved: their maps alone are two complex matrices of
// width × width for each point.
func (e *engine) affordable() error {
	n := 4 * float64(e.strip.Points()) * float64(e.strip.Width) * float64(e.strip.Width)
	if e.limit > 0 && 8*n > float64(e.limit) {
		return fault.New(fault.Memory, "memory_limit: at least %.0f bytes are needed for %d × %d sites and %d points, the limit is %d; raise it or reduce the size", 8*n, e.strip.Length, e.strip.Width, e.strip.Points(), e.limit)
	}
	return memory.Fits(int(min(n, math.MaxInt/32)))
}

// panicInTask is where tests plant a panic on a worker goroutine.
func panicInTask(ctx context.Context) error {
	if panicInWorker.Load() <= 0 {
		return nil
	}
	return parallel.For(ctx, 2, 2, func(_, _ int) error { panicIfPlanned(&panicInWorker); return nil })
}

// prepare makes the wire, so that Ceiling and Name can answer.
func (e *engine) prepare(ctx context.Context) error {
	return e.use(ctx, func(*adjoint.Wire) error { return nil })
}

func (e *engine) Inputs() int    { return e.strip.Sites() }
func (e *engine) Outputs() int   { return e.strip.Points() }
func (e *engine) Ceiling() []int { return e.wire.Ceiling() }
func (e *engine) Name() string   { return e.computes.Name() }

func (e *engine) Value(ctx context.Context, onsite, g []float64) error {
	return e.compute(ctx, func(c scatter.Engine) error { return c.Value(ctx, onsite, g) })
}

func (e *engine) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	return e.compute(ctx, func(c scatter.Engine) error { return c.Gradient(ctx, onsite, weights, g, grad) })
}

func (e *engine) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	return e.compute(ctx, func(c scatter.Engine) error { return c.Jacobian(ctx, onsite, g, jac) })
}

// Batch is how many potentials are worth computing at once, 1 for one who cannot take its turn.
func (e *engine) Batch(ctx context.Context) int {
	n := 1
	_ = e.use(ctx, func(*adjoint.Wire) error {
		n = e.computes.Batch(ctx)
		return nil
	})
	return n
}

func (e *engine) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	return e.use(ctx, func(*adjoint.Wire) error { return e.computes.Jacobians(ctx, onsite, g, jac) })
}

// Descend lets the engine take the steps of first-order methods, if it can; every stretch of steps is a turn.
func (e *engine) Descend(ctx context.Context, d *scatter.Descent) (run scatter.Descending, err error) {
	err = e.use(ctx, func(*adjoint.Wire) error {
		inner, err := e.computes.Descend(ctx, d)
		if err == nil {
			run = &descending{inner, e}
		}
		return err
	})
	return run, err
}

// descending takes its turn for every stretch.
type descending struct {
	scatter.Descending
	engine *engine
}

func (d *descending) Advance(ctx context.Context, n int) (s *scatter.Stretch, err error) {
	err = d.engine.use(ctx, func(*adjoint.Wire) error {
		s, err = d.Descending.Advance(ctx, n)
		return err
	})
	return s, err
}

func (d *descending) Close() {
	<-d.engine.turn
	defer func() { d.engine.turn <- struct{}{} }()
	d.Descending.Close()
}

// SetThreads takes its turn too: no call computes meanwhile.
func (e *engine) SetThreads(n int) {
	<-e.turn
	defer func() { e.turn <- struct{}{} }()
	e.threads.Store(int64(n))
	if e.wire != nil {
		e.wire.SetThreads(n)
	}
}

var _ solver = (*engine)(nil)
var _ scatter.Batcher = (*engine)(nil)
var _ scatter.Descender = (*engine)(nil)
