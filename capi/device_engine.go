//go:build cgo

package main

import (
	"context"
	"slices"

	"mcd/adjoint"
	"mcd/capi/exchange"
	"mcd/core/inverse"
	"mcd/core/scatter"
)

// deviceEngine is the engine of a device, shared by the problems and jobs on it. It is made at its first use; users take
// turns; the last one to release it frees its memory.
type deviceEngine struct {
	sharing
	description *exchange.Device // never changed
	leads       []systemLead     // what follows belongs to whose turn it is
	limit       int64
	device      *adjoint.Device // nil until the first use

	search  chan struct{} // holds one token: the right to use locator
	locator *inverse.Locator
	curves  []int64 // those of locator
}

// newDeviceEngine returns an engine with one user; leads are those of the description, nil if they have not been opened.
func newDeviceEngine(d *exchange.Device, leads []systemLead, threads, limit int64) *deviceEngine {
	e := &deviceEngine{description: d, leads: leads, limit: limit, search: make(chan struct{}, 1)}
	e.begin(threads)
	e.search <- struct{}{}
	return e
}

// locate searches defects; one search at a time, since those of the same curves share the table that the first one makes.
func (e *deviceEngine) locate(ctx context.Context, spec *exchange.Problem, o inverse.LocateOptions) (*inverse.Defects, error) {
	release, err := take(ctx, e.search)
	if err != nil {
		return nil, err
	}
	defer release()
	if e.locator == nil || !slices.Equal(e.curves, spec.Curves) {
		at := e.solver(spec)
		if err := at.prepare(ctx); err != nil {
			return nil, err
		}
		plane, err := e.description.Plane()
		if err != nil {
			return nil, err
		}
		if e.locator, err = inverse.NewLocator(at, plane, e.description.Unit()); err != nil {
			return nil, err
		}
		e.curves = spec.Curves
	}
	return e.locator.Locate(ctx, spec.Target, o)
}

func (e *deviceEngine) duplicate() place {
	e.join()
	return e
}

func (e *deviceEngine) release() {
	if e.leave() && e.device != nil {
		e.device.Close()
	}
}

// solver returns the engine of a problem's curves and inputs.
func (e *deviceEngine) solver(spec *exchange.Problem) solver {
	return &posed{deviceEngine: e, spec: spec}
}

// use runs body in turn with the device, which it makes if need be; a Cancelled error once ctx ends before.
func (e *deviceEngine) use(ctx context.Context, body func(d *adjoint.Device) error) error {
	release, err := take(ctx, e.turn)
	if err != nil {
		return err
	}
	defer release()
	if err := panicInTask(ctx); err != nil {
		return err
	}
	if e.device == nil {
		if err := e.open(ctx); err != nil {
			return err
		}
	}
	return body(e.device)
}

func (e *deviceEngine) open(ctx context.Context) (err error) {
	if e.leads == nil {
		for _, le := range e.description.Leads {
			cells, terminals, err := le.Open(e.description.Lattice.Energies)
			if err != nil {
				return err
			}
			e.leads = append(e.leads, systemLead{le, cells, terminals})
		}
	}
	e.device, err = openDevice(ctx, e.description.Lattice, e.leads, e.workers(), e.limit)
	return err
}

// posed is a device's engine with the curves and inputs of one problem.
type posed struct {
	*deviceEngine
	spec     *exchange.Problem
	ceiling  []int
	name     string
	directed *adjoint.Directed // if the inputs are coefficients
}

var _ solver = (*posed)(nil)

// solve runs body in turn with the engine of the problem's inputs, set to its curves.
func (p *posed) solve(ctx context.Context, body func(e scatter.Engine) error) error {
	return p.use(ctx, func(d *adjoint.Device) error {
		if err := d.SetPairs(p.spec.Pairs()); err != nil {
			return err
		}
		if p.spec.Directions == nil {
			return body(d)
		}
		if p.directed == nil {
			p.directed = adjoint.NewDirected(d, p.spec.Directions.Directions)
		}
		return body(p.directed)
	})
}

func (p *posed) prepare(ctx context.Context) error {
	return p.solve(ctx, func(e scatter.Engine) error {
		p.ceiling, p.name = e.Ceiling(), e.Name()
		return nil
	})
}

func (p *posed) Inputs() int    { return p.spec.Inputs() }
func (p *posed) Outputs() int   { return p.spec.Outputs() }
func (p *posed) Ceiling() []int { return p.ceiling }
func (p *posed) Name() string   { return p.name }
func (p *posed) Close()         { p.release() }

func (p *posed) Value(ctx context.Context, inputs, g []float64) error {
	return p.solve(ctx, func(e scatter.Engine) error { return e.Value(ctx, inputs, g) })
}

func (p *posed) Gradient(ctx context.Context, inputs, weights, g, grad []float64) error {
	return p.solve(ctx, func(e scatter.Engine) error { return e.Gradient(ctx, inputs, weights, g, grad) })
}

func (p *posed) Jacobian(ctx context.Context, inputs, g, jac []float64) error {
	return p.solve(ctx, func(e scatter.Engine) error { return e.Jacobian(ctx, inputs, g, jac) })
}

// SetThreads takes its turn too: no call computes meanwhile.
func (p *posed) SetThreads(n int) {
	<-p.turn
	defer func() { p.turn <- struct{}{} }()
	p.threads.Store(int64(n))
	if p.device != nil {
		p.device.SetThreads(n)
	}
}
