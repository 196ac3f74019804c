//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"mcd/capi/exchange"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/memory"
	"mcd/cuda"
)

// place is where a problem is posed: a wire, or a device.
type place interface {
	// duplicate returns one of its own that shares the engine.
	duplicate() place
	// solver returns the engine as a problem's description wants it.
	solver(spec *exchange.Problem) solver
	release()
}

// problem is a description with its place.
type problem struct {
	mu              sync.Mutex
	spec            *exchange.Problem       // replaced, never changed in place
	parametrization inverse.Parametrization // of spec
	place           place                   // its own
	solver          solver                  // of place for spec, and
	built           *inverse.Problem        // the problem on it; nil until needed and after a change
}

// newProblem checks a description; the problem owns its place, which is released on an error.
func newProblem(spec *exchange.Problem, at place) (*problem, error) {
	p := &problem{spec: spec, place: at}
	var err error
	if p.parametrization, err = spec.Validate(); err != nil {
		at.release()
		return nil, err
	}
	return p, nil
}

func (p *problem) kind() uint64 { return kindProblem }

func (p *problem) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.place.release()
}

// placeOf returns a new wire or device as a description states it.
func placeOf(spec *exchange.Problem) place {
	threads := defaultThreads.Load()
	if spec.Device != nil {
		return newDeviceEngine(spec.Device, nil, threads, 0)
	}
	backend := spec.Backend
	if backend == "" {
		backend = "auto"
	}
	computes := backend
	if strings.HasPrefix(backend, "cuda") && cuda.Check(backend) != nil {
		computes = "cpu" // so that what a GPU computed can be read everywhere; the wire still says what it was made for
	}
	return newWire(backend, threads, newEngine(spec.Wire, computes, threads, 0))
}

// problemFrom returns the problem of a description that came from outside.
func problemFrom(spec *exchange.Problem) (*problem, error) { return newProblem(spec, placeOf(spec)) }

// copy returns the problem as it is now, sharing the engine.
func (p *problem) copy() *problem {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &problem{spec: p.spec, parametrization: p.parametrization, place: p.place.duplicate()}
}

// build returns the inverse problem on the engine; p must be locked.
func (p *problem) build() (*inverse.Problem, error) {
	if p.built == nil {
		e := p.place.solver(p.spec)
		if err := e.prepare(e.context()); err != nil {
			return nil, err
		}
		built, err := p.spec.Build(e)
		if err != nil {
			return nil, err
		}
		p.solver, p.built = e, built
	}
	return p.built, nil
}

// prepare makes the engine under a context of its own.
func (p *problem) prepare(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.place.solver(p.spec).prepare(ctx)
}

// withProblem looks a problem up and runs body with it locked.
func withProblem(h C.mcd_problem, body func(p *problem) error) C.mcd_status {
	return enter(func() error {
		p, err := lookup[*problem](h)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return body(p)
	})
}

// alter replaces the description by a changed copy if that makes sense.
func alter(h C.mcd_problem, change func(s *exchange.Problem) error) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		spec := p.spec.Clone()
		if err := change(spec); err != nil {
			return err
		}
		parametrization, err := spec.Validate()
		if err != nil {
			return err
		}
		p.spec, p.parametrization, p.built = spec, parametrization, nil
		return nil
	})
}

//export go_mcd_problem_create
func go_mcd_problem_create(h C.mcd_wire, target *C.double, targetCount C.size_t, out *C.mcd_problem) C.mcd_status {
	return enter(func() error {
		w, err := lookup[*wire](h)
		if err != nil {
			return err
		}
		curve, err := cloned("target", target, targetCount)
		if err != nil {
			return err
		}
		own := w.copy()
		if err := memory.Fits(16 * own.strip.Sites()); err != nil {
			own.release()
			return err
		}
		spec := &exchange.Problem{Wire: own.strip, Backend: own.backend, Target: curve,
			Sites: &exchange.Sites{Start: slices.Repeat([]float64{own.strip.LeadOnsite}, own.strip.Sites())}}
		p, err := newProblem(spec, own)
		if err != nil {
			return err
		}
		return give(p, out)
	})
}

// cloned returns a copy of the caller's array.
func cloned(name string, p *C.double, count C.size_t) ([]float64, error) {
	values, err := slice[float64](name, p, count)
	return slices.Clone(values), err
}

//export go_mcd_problem_wire
func go_mcd_problem_wire(h C.mcd_problem, out *C.mcd_wire) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		w, ok := p.place.(*wire)
		if !ok {
			return fault.Invalid("problem", "it is of a device; call mcd_problem_system")
		}
		return give(w.copy(), out)
	})
}

//export go_mcd_problem_set_target
func go_mcd_problem_set_target(h C.mcd_problem, target *C.double, count C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) (err error) {
		s.Target, err = cloned("target", target, count)
		return err
	})
}

//export go_mcd_problem_get_target
func go_mcd_problem_get_target(h C.mcd_problem, target *C.double, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error { return copyOut("target", p.spec.Target, target, count) })
}

//export go_mcd_problem_set_weights
func go_mcd_problem_set_weights(h C.mcd_problem, weights *C.double, count C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) (err error) {
		s.Weights, err = cloned("weights", weights, count)
		return err
	})
}

//export go_mcd_problem_get_weights
func go_mcd_problem_get_weights(h C.mcd_problem, weights *C.double, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return copyOut("weights", orRepeated(p.spec.Weights, 1, len(p.spec.Target)), weights, count)
	})
}

// orRepeated returns values, or n times the default if there are none.
func orRepeated[T any](values []T, standard T, n int) []T {
	if values != nil {
		return values
	}
	return slices.Repeat([]T{standard}, n)
}

//export go_mcd_problem_set_loss
func go_mcd_problem_set_loss(h C.mcd_problem, loss *C.char, scale C.double) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error {
		name, err := text("loss", loss)
		s.Loss = inverse.Loss{Name: name, Scale: float64(scale)}
		return err
	})
}

//export go_mcd_problem_get_loss
func go_mcd_problem_get_loss(h C.mcd_problem, out *C.char, count C.size_t, needed *C.size_t, scale *C.double) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if err := store("scale", scale, C.double(p.spec.Loss.Scale)); err != nil {
			return err
		}
		return deliverText(orText(p.spec.Loss.Name, "squares"), out, count, needed)
	})
}

func orText(s, standard string) string {
	if s == "" {
		return standard
	}
	return s
}

// parametrize changes the parametrization and drops what belonged to the old one.
func parametrize(h C.mcd_problem, change func(s *exchange.Problem) error) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error {
		s.Sites, s.Gaussians, s.Gates, s.Directions = nil, nil, nil, nil
		s.Lower, s.Upper, s.Frozen, s.Ties, s.Mirror, s.Filter = nil, nil, nil, nil, "", 0
		return change(s)
	})
}

//export go_mcd_problem_set_sites
func go_mcd_problem_set_sites(h C.mcd_problem, onsite *C.double, count C.size_t) C.mcd_status {
	return parametrize(h, func(s *exchange.Problem) error {
		start, err := cloned("onsite", onsite, count)
		s.Sites = &exchange.Sites{Start: start}
		return err
	})
}

//export go_mcd_problem_set_gaussians
func go_mcd_problem_set_gaussians(h C.mcd_problem, x, y, amplitude, radius *C.double, count C.size_t, free C.uint32_t) C.mcd_status {
	return parametrize(h, func(s *exchange.Problem) error {
		g := &exchange.Gaussians{Free: uint32(free)}
		for _, a := range []struct {
			name string
			from *C.double
			to   *[]float64
		}{{"x", x, &g.X}, {"y", y, &g.Y}, {"amplitude", amplitude, &g.Amplitude}, {"radius", radius, &g.Radius}} {
			values, err := cloned(a.name, a.from, count)
			if err != nil {
				return err
			}
			*a.to = values
		}
		s.Gaussians = g
		return nil
	})
}

//export go_mcd_problem_set_gates
func go_mcd_problem_set_gates(h C.mcd_problem, basis *C.double, basisCount C.size_t, volts *C.double, voltsCount C.size_t) C.mcd_status {
	return parametrize(h, func(s *exchange.Problem) error {
		b, err := cloned("basis", basis, basisCount)
		if err != nil {
			return err
		}
		v, err := cloned("volts", volts, voltsCount)
		s.Gates = &exchange.Gates{Basis: b, Volts: v}
		return err
	})
}

//export go_mcd_problem_set_background
func go_mcd_problem_set_background(h C.mcd_problem, onsite *C.double, count C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) (err error) {
		s.Background, err = cloned("background", onsite, count)
		return err
	})
}

//export go_mcd_problem_get_background
func go_mcd_problem_get_background(h C.mcd_problem, onsite *C.double, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		s := p.spec
		return copyOut("background", orRepeated(s.Background, s.Clean(), s.Inputs()), onsite, count)
	})
}

//export go_mcd_problem_set_bounds
func go_mcd_problem_set_bounds(h C.mcd_problem, lower *C.double, lowerCount C.size_t, upper *C.double, upperCount C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) (err error) {
		if s.Lower, err = cloned("lower", lower, lowerCount); err == nil {
			s.Upper, err = cloned("upper", upper, upperCount)
		}
		return err
	})
}

//export go_mcd_problem_get_bounds
func go_mcd_problem_get_bounds(h C.mcd_problem, lower *C.double, lowerCount C.size_t, upper *C.double, upperCount C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		n := p.spec.Entries()
		if err := copyOut("lower", orRepeated(p.spec.Lower, math.Inf(-1), n), lower, lowerCount); err != nil {
			return err
		}
		return copyOut("upper", orRepeated(p.spec.Upper, math.Inf(1), n), upper, upperCount)
	})
}

//export go_mcd_problem_set_frozen
func go_mcd_problem_set_frozen(h C.mcd_problem, frozen *C.uint8_t, count C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error {
		values, err := slice[byte]("frozen", frozen, count)
		s.Frozen = slices.Clone(values)
		return err
	})
}

//export go_mcd_problem_get_frozen
func go_mcd_problem_get_frozen(h C.mcd_problem, frozen *C.uint8_t, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return copyOut("frozen", orRepeated(p.spec.Frozen, 0, p.spec.Entries()), frozen, count)
	})
}

//export go_mcd_problem_set_ties
func go_mcd_problem_set_ties(h C.mcd_problem, ties *C.int64_t, count C.size_t) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error {
		values, err := slice[int64]("ties", ties, count)
		s.Ties = slices.Clone(values)
		return err
	})
}

//export go_mcd_problem_get_ties
func go_mcd_problem_get_ties(h C.mcd_problem, ties *C.int64_t, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return copyOut("ties", orRepeated(p.spec.Ties, -1, p.spec.Entries()), ties, count)
	})
}

//export go_mcd_problem_set_mirror
func go_mcd_problem_set_mirror(h C.mcd_problem, mirror *C.char) C.mcd_status {
	return alter(h, func(s *exchange.Problem) (err error) {
		s.Mirror, err = text("mirror", mirror)
		return err
	})
}

//export go_mcd_problem_get_mirror
func go_mcd_problem_get_mirror(h C.mcd_problem, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return deliverText(orText(p.spec.Mirror, "none"), out, count, needed)
	})
}

//export go_mcd_problem_set_filter
func go_mcd_problem_set_filter(h C.mcd_problem, radius C.double) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error { s.Filter = float64(radius); return nil })
}

//export go_mcd_problem_get_filter
func go_mcd_problem_get_filter(h C.mcd_problem, radius *C.double) C.mcd_status {
	return withProblem(h, func(p *problem) error { return store("radius", radius, C.double(p.spec.Filter)) })
}

//export go_mcd_problem_get_parametrization
func go_mcd_problem_get_parametrization(h C.mcd_problem, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		name := "sites"
		switch {
		case p.spec.Gaussians != nil:
			name = "gaussians"
		case p.spec.Gates != nil:
			name = "gates"
		case p.spec.Directions != nil:
			name = "directions"
		}
		return deliverText(name, out, count, needed)
	})
}

//export go_mcd_problem_counts
func go_mcd_problem_counts(h C.mcd_problem, entries, parameters *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if err := store("entries", entries, C.size_t(p.spec.Entries())); err != nil {
			return err
		}
		return store("parameters", parameters, C.size_t(p.parametrization.Parameters()))
	})
}

//export go_mcd_problem_label
func go_mcd_problem_label(h C.mcd_problem, parameter C.size_t, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if n := p.parametrization.Parameters(); parameter >= C.size_t(n) {
			return fault.Invalid("parameter", "%d, but there are %d; count from 0", uint64(parameter), n)
		}
		return deliverText(p.parametrization.Label(int(parameter)), out, count, needed)
	})
}

//export go_mcd_problem_start
func go_mcd_problem_start(h C.mcd_problem, parameters *C.double, count C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return copyOut("parameters", p.parametrization.Start(), parameters, count)
	})
}

func checkRegularizer(name *C.char) error {
	s, err := text("regularizer", name)
	if err == nil && s != "smoothness" {
		return fault.Invalid("regularizer", "%q is not known; give \"smoothness\"", s)
	}
	return err
}

//export go_mcd_problem_set_regularizer
func go_mcd_problem_set_regularizer(h C.mcd_problem, regularizer *C.char, weight C.double) C.mcd_status {
	return alter(h, func(s *exchange.Problem) error {
		s.Smoothness = float64(weight)
		return checkRegularizer(regularizer)
	})
}

//export go_mcd_problem_get_regularizer
func go_mcd_problem_get_regularizer(h C.mcd_problem, regularizer *C.char, weight *C.double) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if err := checkRegularizer(regularizer); err != nil {
			return err
		}
		return store("weight", weight, C.double(p.spec.Smoothness))
	})
}

// parameters takes a vector of parameters.
func (p *problem) parameters(theta *C.double, count C.size_t) ([]float64, error) {
	values, err := array[float64]("parameters", theta, count, p.parametrization.Parameters())
	if err == nil {
		err = checkFinite("parameters", values)
	}
	return values, err
}

//export go_mcd_problem_onsite
func go_mcd_problem_onsite(h C.mcd_problem, parameters *C.double, count C.size_t, onsite *C.double, onsiteCount C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		theta, err := p.parameters(parameters, count)
		if err != nil {
			return err
		}
		out, err := array[float64]("onsite", onsite, onsiteCount, p.parametrization.Sites())
		if err != nil {
			return err
		}
		p.parametrization.Onsite(theta, out)
		return nil
	})
}

//export go_mcd_problem_objective
func go_mcd_problem_objective(h C.mcd_problem, parameters *C.double, count C.size_t, objective, gradient *C.double, gradientCount C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		theta, err := p.parameters(parameters, count)
		if err != nil {
			return err
		}
		grad, err := optional[float64]("gradient", gradient, gradientCount, len(theta))
		if err != nil {
			return err
		}
		if err := given("objective", objective); err != nil {
			return err
		}
		built, err := p.build()
		if err != nil {
			return err
		}
		ctx := p.solver.context()
		var l float64
		if grad != nil {
			l, err = built.Gradient(ctx, theta, grad)
		} else {
			r := make([]float64, built.Residuals())
			err = built.Residual(ctx, theta, r)
			l = logNorm(r)
		}
		if err != nil {
			return err
		}
		*objective = C.double(l)
		return nil
	})
}

//export go_mcd_problem_identify
func go_mcd_problem_identify(h C.mcd_problem, parameters *C.double, count C.size_t, sigma C.double, rank *C.int64_t,
	singular *C.double, singularCount C.size_t, combinations *C.double, combinationsCount C.size_t,
	errors *C.double, errorsCount C.size_t, sensitivity *C.double, sensitivityCount C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		theta, err := p.parameters(parameters, count)
		if err != nil {
			return err
		}
		n := len(theta)
		values := min(n, p.spec.Outputs())
		a := arrays{}
		singularOut := a.optional("singular_values", singular, singularCount, values)
		combinationsOut := a.optional("combinations", combinations, combinationsCount, values*n)
		errorsOut := a.optional("errors", errors, errorsCount, n)
		sensitivityOut := a.optional("sensitivity", sensitivity, sensitivityCount, p.spec.Inputs())
		if a.err != nil {
			return a.err
		}
		if err := given("rank", rank); err != nil {
			return err
		}
		built, err := p.build()
		if err != nil {
			return err
		}
		id, err := inverse.Identify(p.solver.context(), built, theta, float64(sigma))
		if err != nil {
			return err
		}
		copy(singularOut, id.Singular)
		copy(combinationsOut, id.Combinations)
		copy(errorsOut, id.Errors)
		copy(sensitivityOut, id.Sensitivity)
		*rank = C.int64_t(id.Rank)
		return nil
	})
}

// logNorm returns log ‖r‖.
func logNorm(r []float64) float64 {
	square := 0.0
	for _, v := range r {
		square += v * v
	}
	return 0.5 * math.Log(square)
}

//export go_mcd_problem_encode
func go_mcd_problem_encode(h C.mcd_problem, out *C.uint8_t, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		return deliver((&exchange.Document{Problem: p.spec}).Encode(), out, count, needed)
	})
}

// decode reads a caller's bytes.
func decode(bytes *C.uint8_t, count C.size_t) (*exchange.Document, error) {
	b, err := slice[byte]("bytes", bytes, count)
	if err != nil {
		return nil, err
	}
	return exchange.Decode(b)
}

// giveProblem makes the problem of a document.
func giveProblem(d *exchange.Document, err error, out *C.mcd_problem) error {
	if err != nil {
		return err
	}
	p, err := problemFrom(d.Problem)
	if err != nil {
		return err
	}
	return give(p, out)
}

//export go_mcd_problem_decode
func go_mcd_problem_decode(bytes *C.uint8_t, count C.size_t, out *C.mcd_problem) C.mcd_status {
	return enter(func() error {
		d, err := decode(bytes, count)
		return giveProblem(d, err, out)
	})
}

//export go_mcd_problem_save
func go_mcd_problem_save(h C.mcd_problem, path *C.char) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		name, err := text("path", path)
		if err != nil {
			return err
		}
		return (&exchange.Document{Problem: p.spec}).Save(name)
	})
}

// load reads a file.
func load(path *C.char) (*exchange.Document, error) {
	name, err := text("path", path)
	if err != nil {
		return nil, err
	}
	return exchange.Load(name)
}

//export go_mcd_problem_load
func go_mcd_problem_load(path *C.char, out *C.mcd_problem) C.mcd_status {
	return enter(func() error {
		d, err := load(path)
		return giveProblem(d, err, out)
	})
}
