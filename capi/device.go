//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"
	"errors"
	"slices"
	"sync"

	"mcd/adjoint"
	"mcd/capi/exchange"
	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/parallel"
	"mcd/core/scatter"
)

// system is any device: its Hamiltonians, its leads, and the engine that solves it. The engine is made at the first use after
// a change; leads are solved once.
type system struct {
	mu      sync.Mutex
	device  lattice.Device
	leads   []systemLead
	threads int64
	limit   int64
	engine  *adjoint.Device      // nil after a change
	strip   *adjoint.StripDevice // for transmissions, if the device is one; nil after a change
	asked   bool                 // whether it is one has been asked since

	ending sync.Mutex // of what follows, which cancel touches while mu is held
	ctx    context.Context
	end    context.CancelFunc
}

// systemLead is a lead with what it is at every point: cells, or waves (cells nil).
type systemLead struct {
	exchange.Lead
	cells     []*lead.Cell    // (points)
	terminals []lead.Terminal // (points), nil until the cells are solved
}

func (s *system) kind() uint64 { return kindSystem }

func (s *system) release() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.changed()
}

// cancel ends the calls that are computing.
func (s *system) cancel() {
	s.ending.Lock()
	defer s.ending.Unlock()
	if s.end != nil {
		s.end()
	}
	s.ctx, s.end = context.WithCancel(context.Background())
}

func (s *system) context() context.Context {
	s.ending.Lock()
	defer s.ending.Unlock()
	return s.ctx
}

// changed forgets the engine; s must be locked.
func (s *system) changed() {
	if s.engine != nil {
		s.engine.Close()
	}
	if s.strip != nil {
		s.strip.Close()
	}
	s.engine, s.strip, s.asked = nil, nil, false
}

// options are those of the engines.
func (s *system) options() scatter.Options {
	return scatter.Options{Threads: int(s.threads), MemoryLimit: s.limit}
}

// sweeper returns the engine for transmissions, the strip engine where it serves; s must be locked.
func (s *system) sweeper(ctx context.Context) (adjoint.Sweeper, error) {
	if !s.asked && s.device.Values != nil {
		cells := make([][]*lead.Cell, len(s.leads))
		for i := range s.leads {
			cells[i] = s.leads[i].cells
		}
		strip, err := adjoint.NewStripDevice(&s.device, cells, s.options())
		if err != nil {
			return nil, err
		}
		s.strip, s.asked = strip, true
	}
	if s.strip != nil {
		return s.strip, nil
	}
	return s.open(ctx)
}

// open makes the engine if need be; s must be locked.
func (s *system) open(ctx context.Context) (*adjoint.Device, error) {
	if s.engine != nil {
		return s.engine, nil
	}
	if s.device.Values == nil {
		return nil, stateError("values: not set; give the Hamiltonians by mcd_system_set_values first")
	}
	d, err := openDevice(ctx, s.device, s.leads, int(s.threads), s.limit)
	s.engine = d
	return d, err
}

// openDevice solves the leads that have not been solved and makes an engine.
func openDevice(ctx context.Context, l lattice.Device, leads []systemLead, threads int, limit int64) (*adjoint.Device, error) {
	if err := solveLeads(ctx, leads, threads); err != nil {
		return nil, err
	}
	terminals := make([][]lead.Terminal, len(leads))
	for i := range leads {
		terminals[i] = leads[i].terminals
	}
	return adjoint.NewDevice(l, terminals, nil, scatter.Options{Threads: threads, MemoryLimit: limit})
}

// solveLeads solves the leads that are given by cells and have not been solved, all of them at the same time, and a cell that
// does not change over the points once.
func solveLeads(ctx context.Context, leads []systemLead, threads int) error {
	var cells []*lead.Cell
	first := map[cellKey]int{}
	for i := range leads {
		if leads[i].terminals != nil {
			continue
		}
		for _, c := range leads[i].cells {
			if _, known := first[keyOf(c)]; !known {
				first[keyOf(c)] = len(cells)
				cells = append(cells, c)
			}
		}
	}
	modes, err := lead.SolveCells(ctx, cells, threads)
	var of *lead.CellError
	if errors.As(err, &of) {
		for i := range leads {
			for p, c := range leads[i].cells {
				if at, known := first[keyOf(c)]; known && at == of.Cell {
					return ofLead(of.Err, i, p)
				}
			}
		}
	}
	if err != nil {
		return err
	}
	for i := range leads {
		if leads[i].terminals != nil {
			continue
		}
		for _, c := range leads[i].cells {
			leads[i].terminals = append(leads[i].terminals, modes[first[keyOf(c)]].Terminal())
		}
	}
	return nil
}

// ofLead names the lead and the point in an error of its waves.
func ofLead(err error, lead, point int) error {
	if fault.KindOf(err) != fault.Numerical {
		return err
	}
	return fault.New(fault.Numerical, "lead %d at point %d: %v", lead, point, err)
}

// cellKey names a cell: points that share their matrices share them in memory.
type cellKey struct {
	hamiltonian, hopping *complex128
	energy               float64
}

func keyOf(c *lead.Cell) cellKey { return cellKey{&c.Hamiltonian[0], &c.Hopping[0], c.Energy} }

// withSystem looks a system up and runs body with it locked.
func withSystem(h C.mcd_system, body func(s *system) error) C.mcd_status {
	return enter(func() error {
		s, err := lookup[*system](h)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return body(s)
	})
}

// solve looks a system up and runs body with its engine in turn, at the on-site energies that are given or none.
func solve(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, body func(ctx context.Context, s *system, d *adjoint.Device, onsite []float64) error) C.mcd_status {
	return withSystem(h, func(s *system) error {
		in, err := optional[float64]("onsite", onsite, onsiteCount, s.device.Orbitals)
		if err != nil {
			return err
		}
		ctx := s.context()
		d, err := s.open(ctx)
		if err != nil {
			return err
		}
		return body(ctx, s, d, in)
	})
}

// transmit is solve for what the engine of transmissions computes.
func transmit(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, body func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error) C.mcd_status {
	return withSystem(h, func(s *system) error {
		in, err := optional[float64]("onsite", onsite, onsiteCount, s.device.Orbitals)
		if err != nil {
			return err
		}
		ctx := s.context()
		d, err := s.sweeper(ctx)
		if err != nil {
			return err
		}
		return body(ctx, d, in)
	})
}

// complexes returns the caller's array of want complex numbers in place.
func complexes(name string, p *C.double, count C.size_t, want int) ([]complex128, error) {
	if uint64(count) != 2*uint64(want) {
		return nil, fault.Invalid(name, "%d elements where %d complex numbers, two elements each, are needed; give an array of that size", uint64(count), want)
	}
	return slice[complex128](name, p, count/2)
}

// matrices copies the caller's complex numbers; their count is checked by whoever knows it.
func matrices(name string, p *C.double, count C.size_t) ([]complex128, error) {
	if count%2 != 0 {
		return nil, fault.Invalid(name, "%d elements; complex numbers are two elements each", uint64(count))
	}
	all, err := slice[complex128](name, p, count/2)
	return slices.Clone(all), err
}

// indices copies an array of indices.
func indices(name string, p *C.int64_t, count C.size_t) ([]int, error) {
	given, err := slice[int64](name, p, count)
	if err != nil {
		return nil, err
	}
	list := make([]int, len(given))
	for i, v := range given {
		list[i] = int(v)
	}
	return list, nil
}

// couples reads an array of pairs of indices.
func couples(name string, p *C.int64_t, count C.size_t) ([][2]int, error) {
	flat, err := indices(name, p, count)
	if err != nil {
		return nil, err
	}
	if len(flat) == 0 || len(flat)%2 != 0 {
		return nil, fault.Invalid(name, "%d elements; give two for each pair, and at least one pair", len(flat))
	}
	list := make([][2]int, len(flat)/2)
	for i := range list {
		list[i] = [2]int{flat[2*i], flat[2*i+1]}
	}
	return list, nil
}

// choose sets the pairs (to, from) whose transmissions the engine computes.
func choose(d adjoint.Sweeper, p *C.int64_t, count C.size_t) error {
	list, err := couples("pairs", p, count)
	if err != nil {
		return err
	}
	pairs := make([]scatter.Pair, len(list))
	for i, c := range list {
		pairs[i] = scatter.Pair{To: c[0], From: c[1]}
	}
	return d.SetPairs(pairs)
}

//export go_mcd_system_create
func go_mcd_system_create(orbitals C.int64_t, rows *C.int64_t, rowsCount C.size_t, cols *C.int64_t, colsCount C.size_t,
	energies *C.double, energiesCount C.size_t, out *C.mcd_system) C.mcd_status {
	return enter(func() error {
		if err := given("system", out); err != nil {
			return err
		}
		r, err := indices("rows", rows, rowsCount)
		if err != nil {
			return err
		}
		c, err := indices("cols", cols, colsCount)
		if err != nil {
			return err
		}
		e, err := slice[float64]("energies", energies, energiesCount)
		if err != nil {
			return err
		}
		l := lattice.Device{Orbitals: int(orbitals), Rows: r, Cols: c, Energies: slices.Clone(e)}
		if err := l.ValidatePattern(); err != nil {
			return err
		}
		s := &system{device: l, threads: defaultThreads.Load()}
		s.cancel()
		return give(s, out)
	})
}

//export go_mcd_system_set_values
func go_mcd_system_set_values(h C.mcd_system, values *C.double, count C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		v, err := complexes("values", values, count, s.device.Points()*s.device.Entries())
		if err != nil {
			return err
		}
		l := s.device
		l.Values = v
		if err := l.ValidateValues(); err != nil {
			return err
		}
		s.changed()
		s.device.Values = slices.Clone(v)
		return nil
	})
}

//export go_mcd_system_set_hermitian
func go_mcd_system_set_hermitian(h C.mcd_system, hermitian C.int32_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		l := s.device
		l.NonHermitian = hermitian == 0
		if l.Values != nil {
			if err := l.ValidateValues(); err != nil {
				return err
			}
		}
		s.changed()
		s.device.NonHermitian = l.NonHermitian
		return nil
	})
}

//export go_mcd_system_get_hermitian
func go_mcd_system_get_hermitian(h C.mcd_system, hermitian *C.int32_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		v := C.int32_t(1)
		if s.device.NonHermitian {
			v = 0
		}
		return store("hermitian", hermitian, v)
	})
}

//export go_mcd_system_set_positions
func go_mcd_system_set_positions(h C.mcd_system, positions *C.double, count C.size_t, dimensions C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		p, err := slice[float64]("positions", positions, count)
		if err != nil {
			return err
		}
		l := s.device
		l.Positions, l.Dimensions = slices.Clone(p), int(dimensions)
		if err := l.ValidatePositions(); err != nil {
			return err
		}
		s.changed()
		s.device = l
		return nil
	})
}

//export go_mcd_system_set_threads
func go_mcd_system_set_threads(h C.mcd_system, threads C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		if err := checkThreads(threads); err != nil {
			return err
		}
		s.threads = int64(threads)
		if s.engine != nil {
			s.engine.SetThreads(int(threads))
		}
		if s.strip != nil {
			s.strip.SetThreads(int(threads))
		}
		return nil
	})
}

//export go_mcd_system_get_threads
func go_mcd_system_get_threads(h C.mcd_system, threads *C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error { return store("threads", threads, C.int64_t(s.threads)) })
}

//export go_mcd_system_set_memory_limit
func go_mcd_system_set_memory_limit(h C.mcd_system, bytes C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		if err := checkLimit(bytes); err != nil {
			return err
		}
		s.changed()
		s.limit = int64(bytes)
		return nil
	})
}

//export go_mcd_system_get_memory_limit
func go_mcd_system_get_memory_limit(h C.mcd_system, bytes *C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error { return store("bytes", bytes, C.int64_t(s.limit)) })
}

// attach adds a lead if it is valid.
func (s *system) attach(le exchange.Lead) error {
	l := s.device
	orbitals := make([]int, len(le.Interface))
	for i, v := range le.Interface {
		orbitals[i] = int(v)
	}
	l.Interfaces = append(slices.Clone(l.Interfaces), orbitals)
	if err := l.ValidateInterfaces(); err != nil {
		return err
	}
	cells, terminals, err := le.Open(l.Energies)
	if err != nil {
		return fault.Invalid("lead", "number %d: %v", len(s.leads), err)
	}
	s.changed()
	s.device = l
	s.leads = append(slices.Clone(s.leads), systemLead{le, cells, terminals})
	return nil
}

//export go_mcd_system_add_lead
func go_mcd_system_add_lead(h C.mcd_system, touched *C.int64_t, touchedCount C.size_t, orbitals C.int64_t,
	cell *C.double, cellCount C.size_t, hopping *C.double, hoppingCount C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		if orbitals < 1 {
			return fault.Invalid("orbitals", "%d in a cell of a lead; give at least 1", int64(orbitals))
		}
		at, err := slice[int64]("interface", touched, touchedCount)
		if err != nil {
			return err
		}
		le := exchange.Lead{Interface: slices.Clone(at), Orbitals: int(orbitals)}
		if le.Cell, err = matrices("cell", cell, cellCount); err != nil {
			return err
		}
		if le.Hopping, err = matrices("hopping", hopping, hoppingCount); err != nil {
			return err
		}
		return s.attach(le)
	})
}

//export go_mcd_system_add_self_energy
func go_mcd_system_add_self_energy(h C.mcd_system, touched *C.int64_t, touchedCount C.size_t, sigma *C.double,
	sigmaCount C.size_t, modes *C.int64_t, modesCount C.size_t, in *C.double, inCount C.size_t, out *C.double,
	outCount C.size_t, direct *C.double, directCount C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		at, err := slice[int64]("interface", touched, touchedCount)
		if err != nil {
			return err
		}
		open, err := slice[int64]("modes", modes, modesCount)
		if err != nil {
			return err
		}
		le := exchange.Lead{Interface: slices.Clone(at), Modes: slices.Clone(open)}
		if le.Sigma, err = matrices("sigma", sigma, sigmaCount); err != nil {
			return err
		}
		if le.Injection, err = matrices("in", in, inCount); err != nil {
			return err
		}
		if out == nil && outCount == 0 {
			return s.attach(le)
		}
		if le.Extraction, err = matrices("out", out, outCount); err != nil {
			return err
		}
		if le.Direct, err = matrices("direct", direct, directCount); err != nil {
			return err
		}
		return s.attach(le)
	})
}

//export go_mcd_system_shape
func go_mcd_system_shape(h C.mcd_system, orbitals, entries, points, leads *C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		for _, o := range []struct {
			name  string
			place *C.int64_t
			value int
		}{{"orbitals", orbitals, s.device.Orbitals}, {"entries", entries, s.device.Entries()}, {"points", points, s.device.Points()}, {"leads", leads, len(s.leads)}} {
			if err := store(o.name, o.place, C.int64_t(o.value)); err != nil {
				return err
			}
		}
		return nil
	})
}

//export go_mcd_system_backend
func go_mcd_system_backend(h C.mcd_system, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return transmit(h, nil, 0, func(_ context.Context, d adjoint.Sweeper, _ []float64) error {
		return deliverText(d.Name(), out, count, needed)
	})
}

//export go_mcd_system_open_modes
func go_mcd_system_open_modes(h C.mcd_system, modes *C.int64_t, count C.size_t) C.mcd_status {
	return transmit(h, nil, 0, func(_ context.Context, d adjoint.Sweeper, _ []float64) error {
		return copyOut("modes", d.OpenModes(), modes, count)
	})
}

//export go_mcd_system_transmission_matrix
func go_mcd_system_transmission_matrix(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, matrix *C.double, matrixCount C.size_t) C.mcd_status {
	return transmit(h, onsite, onsiteCount, func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error {
		out, err := array[float64]("matrix", matrix, matrixCount, len(d.OpenModes())*len(d.OpenModes())/d.Points())
		if err != nil {
			return err
		}
		return d.TransmissionMatrix(ctx, onsite, out)
	})
}

//export go_mcd_system_transmission
func go_mcd_system_transmission(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	g *C.double, gCount C.size_t) C.mcd_status {
	return transmit(h, onsite, onsiteCount, func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		out, err := array[float64]("g", g, gCount, d.Outputs())
		if err != nil {
			return err
		}
		return d.Value(ctx, onsite, out)
	})
}

//export go_mcd_system_jacobian
func go_mcd_system_jacobian(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	g *C.double, gCount C.size_t, jacobian *C.double, jacobianCount C.size_t) C.mcd_status {
	return transmit(h, onsite, onsiteCount, func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		a := arrays{}
		out := a.double("g", g, gCount, d.Outputs())
		jac := a.double("jacobian", jacobian, jacobianCount, d.Outputs()*d.Inputs())
		if a.err != nil {
			return a.err
		}
		return d.Jacobian(ctx, onsite, out, jac)
	})
}

//export go_mcd_system_vjp
func go_mcd_system_vjp(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	weights *C.double, weightsCount C.size_t, g *C.double, gCount C.size_t, gradient *C.double, gradientCount C.size_t) C.mcd_status {
	return transmit(h, onsite, onsiteCount, func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		a := arrays{}
		w := a.optional("weights", weights, weightsCount, d.Outputs())
		out := a.double("g", g, gCount, d.Outputs())
		grad := a.double("gradient", gradient, gradientCount, d.Inputs())
		if a.err != nil {
			return a.err
		}
		if err := checkFinite("weights", w); err != nil {
			return err
		}
		return d.Gradient(ctx, onsite, w, out, grad)
	})
}

//export go_mcd_system_combined_jacobian
func go_mcd_system_combined_jacobian(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double,
	onsiteCount C.size_t, weights *C.double, weightsCount C.size_t, g *C.double, gCount C.size_t, jacobian *C.double,
	jacobianCount C.size_t) C.mcd_status {
	return transmit(h, onsite, onsiteCount, func(ctx context.Context, d adjoint.Sweeper, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		a := arrays{}
		w := a.optional("weights", weights, weightsCount, d.Outputs())
		out := a.double("g", g, gCount, d.Outputs())
		jac := a.double("jacobian", jacobian, jacobianCount, d.Points()*d.Inputs())
		if a.err != nil {
			return a.err
		}
		if err := checkFinite("weights", w); err != nil {
			return err
		}
		return d.CombinedJacobian(ctx, onsite, w, out, jac)
	})
}

//export go_mcd_system_noise
func go_mcd_system_noise(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	g *C.double, gCount C.size_t, noise *C.double, noiseCount C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, s *system, d *adjoint.Device, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		a := arrays{}
		out := a.double("g", g, gCount, d.Outputs())
		power := a.double("noise", noise, noiseCount, d.Outputs())
		if a.err != nil {
			return a.err
		}
		return d.Noise(ctx, onsite, out, power)
	})
}

//export go_mcd_system_hamiltonian_vjp
func go_mcd_system_hamiltonian_vjp(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	weights *C.double, weightsCount C.size_t, g *C.double, gCount C.size_t, gradient *C.double, gradientCount C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, s *system, d *adjoint.Device, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		a := arrays{}
		w := a.optional("weights", weights, weightsCount, d.Outputs())
		out := a.double("g", g, gCount, d.Outputs())
		if a.err != nil {
			return a.err
		}
		grad, err := complexes("gradient", gradient, gradientCount, d.Points()*s.device.Entries())
		if err != nil {
			return err
		}
		if err := checkFinite("weights", w); err != nil {
			return err
		}
		return d.PatternGradient(ctx, onsite, w, out, grad)
	})
}

//export go_mcd_system_hopping_jacobian
func go_mcd_system_hopping_jacobian(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, hoppings *C.int64_t,
	hoppingsCount C.size_t, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t, jacobian *C.double,
	jacobianCount C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, s *system, d *adjoint.Device, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		bonds, err := couples("hoppings", hoppings, hoppingsCount)
		if err != nil {
			return err
		}
		out, err := array[float64]("g", g, gCount, d.Outputs())
		if err != nil {
			return err
		}
		jac, err := complexes("jacobian", jacobian, jacobianCount, d.Outputs()*len(bonds))
		if err != nil {
			return err
		}
		return d.HoppingJacobian(ctx, onsite, bonds, out, jac)
	})
}

//export go_mcd_system_derivative
func go_mcd_system_derivative(h C.mcd_system, pairs *C.int64_t, pairsCount C.size_t, onsite *C.double, onsiteCount C.size_t,
	values *C.double, valuesCount C.size_t, energies *C.double, energiesCount C.size_t, leads *C.double, leadsCount C.size_t,
	g *C.double, gCount C.size_t, derivative *C.double, derivativeCount C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, s *system, d *adjoint.Device, onsite []float64) error {
		if err := choose(d, pairs, pairsCount); err != nil {
			return err
		}
		v := adjoint.Variation{}
		var err error
		if values != nil || valuesCount > 0 {
			if v.Values, err = complexes("values", values, valuesCount, d.Points()*s.device.Entries()); err != nil {
				return err
			}
		}
		if v.Energy, err = optional[float64]("energies", energies, energiesCount, d.Points()); err != nil {
			return err
		}
		if err := checkFinite("energies", v.Energy); err != nil {
			return err
		}
		var cells []complex128
		if leads != nil || leadsCount > 0 {
			if cells, err = complexes("leads", leads, leadsCount, s.leadElements()); err != nil {
				return err
			}
		}
		if v.Energy != nil || cells != nil {
			if v.Sigma, err = s.varyLeads(ctx, v.Energy, cells); err != nil {
				return err
			}
		}
		a := arrays{}
		out := a.double("g", g, gCount, d.Outputs())
		dg := a.double("derivative", derivative, derivativeCount, d.Outputs())
		if a.err != nil {
			return a.err
		}
		return d.Along(ctx, onsite, v, out, dg)
	})
}

// leadElements counts the elements of all cells and hoppings at all points.
func (s *system) leadElements() int {
	n := 0
	for i := range s.leads {
		for _, c := range s.leads[i].cells {
			n += c.Orbitals * (c.Orbitals + c.Interface)
		}
	}
	return n
}

// varyLeads returns dΣ of every lead and point, computed at the same time; leads given by self-energies stay as they are.
func (s *system) varyLeads(ctx context.Context, energies []float64, changes []complex128) ([][][]complex128, error) {
	points := len(s.device.Energies)
	all := make([][][]complex128, len(s.leads))
	cells := make([][]complex128, len(s.leads)*points) // changes of each cell
	for i := range s.leads {
		all[i] = make([][]complex128, points)
		for p, c := range s.leads[i].cells {
			if size := c.Orbitals * (c.Orbitals + c.Interface); changes != nil {
				cells[i*points+p], changes = changes[:size], changes[size:]
			}
		}
	}
	err := parallel.For(ctx, len(cells), int(s.threads), func(_, at int) error {
		i, p := at/points, at%points
		le, m := &s.leads[i], len(s.device.Interfaces[i])
		if le.cells == nil {
			all[i][p] = make([]complex128, m*m)
			return nil
		}
		c := le.cells[p]
		var dh, dv []complex128
		if change := cells[at]; change != nil {
			dh, dv = change[:c.Orbitals*c.Orbitals], change[c.Orbitals*c.Orbitals:]
		}
		dE := 0.0
		if energies != nil {
			dE = energies[p]
		}
		sensitivity, err := lead.NewSensitivity(ctx, c, le.terminals[p].Sigma)
		if err == nil {
			all[i][p], err = sensitivity.Along(ctx, dh, dv, dE)
		}
		if err != nil {
			return ofLead(err, i, p)
		}
		return nil
	})
	return all, err
}

//export go_mcd_system_smatrix
func go_mcd_system_smatrix(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, point C.int64_t, s *C.double, count C.size_t,
	needed *C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, _ *system, d *adjoint.Device, onsite []float64) error {
		m, err := d.SMatrix(ctx, onsite, int(point))
		if err != nil {
			return err
		}
		return deliverComplex(m, s, count, needed)
	})
}

//export go_mcd_system_green
func go_mcd_system_green(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, point, to, from C.int64_t, green *C.double,
	count C.size_t, needed *C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, _ *system, d *adjoint.Device, onsite []float64) error {
		g, err := d.Green(ctx, onsite, int(point), int(to), int(from))
		if err != nil {
			return err
		}
		return deliverComplex(g, green, count, needed)
	})
}

//export go_mcd_system_wave_function
func go_mcd_system_wave_function(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, point, from C.int64_t, psi *C.double,
	count C.size_t, needed *C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, _ *system, d *adjoint.Device, onsite []float64) error {
		w, err := d.WaveFunction(ctx, onsite, int(point), int(from))
		if err != nil {
			return err
		}
		return deliverComplex(w, psi, count, needed)
	})
}

//export go_mcd_system_currents
func go_mcd_system_currents(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, point, from C.int64_t, currents *C.double,
	count C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, _ *system, d *adjoint.Device, onsite []float64) error {
		c, err := d.Currents(ctx, onsite, int(point), int(from))
		if err != nil {
			return err
		}
		return copyOut("currents", c, currents, count)
	})
}

//export go_mcd_system_ldos
func go_mcd_system_ldos(h C.mcd_system, onsite *C.double, onsiteCount C.size_t, points *C.int64_t, pointsCount C.size_t,
	ldos *C.double, ldosCount C.size_t) C.mcd_status {
	return solve(h, onsite, onsiteCount, func(ctx context.Context, _ *system, d *adjoint.Device, onsite []float64) error {
		var chosen []int
		rows := d.Points()
		if points != nil || pointsCount > 0 {
			var err error
			if chosen, err = indices("points", points, pointsCount); err != nil {
				return err
			}
			rows = len(chosen)
		}
		out, err := array[float64]("ldos", ldos, ldosCount, rows*d.Inputs())
		if err != nil {
			return err
		}
		return d.LDOS(ctx, onsite, chosen, out)
	})
}

//export go_mcd_system_cancel
func go_mcd_system_cancel(h C.mcd_system) C.mcd_status {
	return enter(func() error {
		s, err := lookup[*system](h)
		if err == nil {
			s.cancel()
		}
		return err
	})
}
