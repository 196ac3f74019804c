//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"mcd/capi/exchange"
	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/cuda"
)

// wire is a strip with the settings of its engine.
type wire struct {
	mu      sync.Mutex
	strip   lattice.Strip // replaced, never changed in place
	backend string
	threads int64
	limit   int64
	engine  *engine // of this strip and limit
}

// newWire returns a wire that takes over one user's share of the engine.
func newWire(backend string, threads int64, e *engine) *wire {
	return &wire{strip: e.strip, backend: backend, threads: threads, limit: e.limit, engine: e}
}

func (w *wire) kind() uint64 { return kindWire }

func (w *wire) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.engine.Close()
}

// renew replaces the engine after a change; w must be locked.
func (w *wire) renew() {
	w.engine.Close()
	w.engine = newEngine(w.strip, w.backend, w.threads, w.limit)
}

// borrow returns the engine with the caller as one more user, who closes it.
func (w *wire) borrow() *engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.engine.share()
}

// copy returns a wire of its own that shares the engine.
func (w *wire) copy() *wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	return newWire(w.backend, w.threads, w.engine.share())
}

func (w *wire) duplicate() place { return w.copy() }

func (w *wire) solver(*exchange.Problem) solver { return w.engine }

// compute looks a wire up and runs body on its engine.
func compute(h C.mcd_wire, body func(ctx context.Context, e *engine) error) C.mcd_status {
	return enter(func() error {
		w, err := lookup[*wire](h)
		if err != nil {
			return err
		}
		e := w.borrow()
		defer e.Close()
		return body(e.context(), e)
	})
}

// withWire looks a wire up and runs body with it locked.
func withWire(h C.mcd_wire, body func(w *wire) error) C.mcd_status {
	return enter(func() error {
		w, err := lookup[*wire](h)
		if err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return body(w)
	})
}

// change replaces the strip by an altered copy if that is valid.
func (w *wire) change(alter func(s *lattice.Strip)) error {
	s := w.strip
	alter(&s)
	if err := s.Validate(); err != nil {
		return err
	}
	w.strip = s
	w.renew()
	return nil
}

//export go_mcd_wire_create
func go_mcd_wire_create(length, width C.int64_t, fields *C.double, fieldsCount C.size_t, energies *C.double,
	energiesCount C.size_t, out *C.mcd_wire) C.mcd_status {
	return enter(func() error {
		if err := given("wire", out); err != nil {
			return err
		}
		f, err := slice[float64]("fields", fields, fieldsCount)
		if err != nil {
			return err
		}
		e, err := slice[float64]("energy", energies, energiesCount)
		if err != nil {
			return err
		}
		if len(e) == 1 {
			e = slices.Repeat(e, max(len(f), 1))
		}
		strip := lattice.Strip{Length: int(length), Width: int(width), Hopping: 1, LeadOnsite: 4, Fields: f, Energies: e}
		if err := strip.Validate(); err != nil {
			return err
		}
		strip.Fields, strip.Energies = slices.Clone(f), slices.Clone(e)
		threads := defaultThreads.Load()
		return give(newWire("auto", threads, newEngine(strip, "auto", threads, 0)), out)
	})
}

// give registers a new object and stores its handle; on an error the object is released.
func give(o object, out *C.mcd_handle) error {
	err := given("handle", out)
	if err == nil {
		var h C.mcd_handle
		if h, err = register(o); err == nil {
			*out = h
		}
	}
	if err != nil {
		o.release()
	}
	return err
}

//export go_mcd_wire_set_hopping
func go_mcd_wire_set_hopping(h C.mcd_wire, hopping C.double) C.mcd_status {
	return withWire(h, func(w *wire) error {
		return w.change(func(s *lattice.Strip) { s.Hopping = float64(hopping) })
	})
}

//export go_mcd_wire_get_hopping
func go_mcd_wire_get_hopping(h C.mcd_wire, hopping *C.double) C.mcd_status {
	return withWire(h, func(w *wire) error { return store("hopping", hopping, C.double(w.strip.Hopping)) })
}

//export go_mcd_wire_set_lead_onsite
func go_mcd_wire_set_lead_onsite(h C.mcd_wire, leadOnsite C.double) C.mcd_status {
	return withWire(h, func(w *wire) error {
		return w.change(func(s *lattice.Strip) { s.LeadOnsite = float64(leadOnsite) })
	})
}

//export go_mcd_wire_get_lead_onsite
func go_mcd_wire_get_lead_onsite(h C.mcd_wire, leadOnsite *C.double) C.mcd_status {
	return withWire(h, func(w *wire) error { return store("lead_onsite", leadOnsite, C.double(w.strip.LeadOnsite)) })
}

// checkBackend reports a name that mcd_wire_set_backend does not take.
func checkBackend(name string) error {
	switch {
	case name == "auto" || name == "cpu":
		return nil
	case name == "cuda" || strings.HasPrefix(name, "cuda:"):
		return cuda.Check(name)
	}
	return fault.Invalid("backend", "%q is not known; give \"auto\", \"cpu\", \"cuda\" or, for the second GPU, \"cuda:1\"", name)
}

//export go_mcd_wire_set_backend
func go_mcd_wire_set_backend(h C.mcd_wire, backend *C.char) C.mcd_status {
	return withWire(h, func(w *wire) error {
		name, err := text("backend", backend)
		if err == nil {
			err = checkBackend(name)
		}
		if err == nil && name != w.backend {
			w.backend = name
			w.renew()
		}
		return err
	})
}

//export go_mcd_wire_get_backend
func go_mcd_wire_get_backend(h C.mcd_wire, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		if err := e.prepare(ctx); err != nil {
			return err
		}
		return deliverText(e.Name(), out, count, needed)
	})
}

//export go_mcd_wire_set_threads
func go_mcd_wire_set_threads(h C.mcd_wire, threads C.int64_t) C.mcd_status {
	return withWire(h, func(w *wire) error {
		if err := checkThreads(threads); err != nil {
			return err
		}
		w.threads = int64(threads)
		w.engine.SetThreads(int(threads))
		return nil
	})
}

//export go_mcd_wire_get_threads
func go_mcd_wire_get_threads(h C.mcd_wire, threads *C.int64_t) C.mcd_status {
	return withWire(h, func(w *wire) error { return store("threads", threads, C.int64_t(w.threads)) })
}

//export go_mcd_wire_set_memory_limit
func go_mcd_wire_set_memory_limit(h C.mcd_wire, bytes C.int64_t) C.mcd_status {
	return withWire(h, func(w *wire) error {
		if err := checkLimit(bytes); err != nil {
			return err
		}
		w.limit = int64(bytes)
		w.renew()
		return nil
	})
}

//export go_mcd_wire_get_memory_limit
func go_mcd_wire_get_memory_limit(h C.mcd_wire, bytes *C.int64_t) C.mcd_status {
	return withWire(h, func(w *wire) error { return store("bytes", bytes, C.int64_t(w.limit)) })
}

//export go_mcd_wire_shape
func go_mcd_wire_shape(h C.mcd_wire, length, width, points *C.int64_t) C.mcd_status {
	return withWire(h, func(w *wire) error {
		if err := store("length", length, C.int64_t(w.strip.Length)); err != nil {
			return err
		}
		if err := store("width", width, C.int64_t(w.strip.Width)); err != nil {
			return err
		}
		return store("points", points, C.int64_t(w.strip.Points()))
	})
}

//export go_mcd_wire_fields
func go_mcd_wire_fields(h C.mcd_wire, fields *C.double, count C.size_t) C.mcd_status {
	return withWire(h, func(w *wire) error { return copyOut("fields", w.strip.Fields, fields, count) })
}

//export go_mcd_wire_energies
func go_mcd_wire_energies(h C.mcd_wire, energies *C.double, count C.size_t) C.mcd_status {
	return withWire(h, func(w *wire) error { return copyOut("energies", w.strip.Energies, energies, count) })
}

// copyOut copies values to an array of exactly their number.
func copyOut[G any, T number](name string, values []G, out *T, count C.size_t) error {
	dst, err := array[G](name, out, count, len(values))
	copy(dst, values)
	return err
}

//export go_mcd_wire_open_modes
func go_mcd_wire_open_modes(h C.mcd_wire, modes *C.int64_t, count C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		if err := e.prepare(ctx); err != nil {
			return err
		}
		return copyOut("modes", e.Ceiling(), modes, count)
	})
}

//export go_mcd_wire_conductance
func go_mcd_wire_conductance(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		in, out := a.double("onsite", onsite, onsiteCount, e.Inputs()), a.double("g", g, gCount, e.Outputs())
		if a.err != nil {
			return a.err
		}
		return e.Value(ctx, in, out)
	})
}

// arrays takes several arrays of doubles and keeps the first error.
type arrays struct{ err error }

func (a *arrays) double(name string, p *C.double, count C.size_t, want int) []float64 {
	s, err := array[float64](name, p, count, want)
	if a.err == nil {
		a.err = err
	}
	return s
}

func (a *arrays) optional(name string, p *C.double, count C.size_t, want int) []float64 {
	if p == nil && count == 0 {
		return nil
	}
	return a.double(name, p, count, want)
}

//export go_mcd_wire_vjp
func go_mcd_wire_vjp(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, weights *C.double, weightsCount C.size_t,
	g *C.double, gCount C.size_t, gradient *C.double, gradientCount C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		in := a.double("onsite", onsite, onsiteCount, e.Inputs())
		v := a.optional("weights", weights, weightsCount, e.Outputs())
		out := a.double("g", g, gCount, e.Outputs())
		grad := a.double("gradient", gradient, gradientCount, e.Inputs())
		if a.err != nil {
			return a.err
		}
		if err := checkFinite("weights", v); err != nil {
			return err
		}
		return e.Gradient(ctx, in, v, out, grad)
	})
}

func checkFinite(name string, values []float64) error {
	for i, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fault.Invalid(name, "entry %d is %g; give finite values", i, v)
		}
	}
	return nil
}

//export go_mcd_wire_jacobian
func go_mcd_wire_jacobian(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t,
	jacobian *C.double, jacobianCount C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		in, out := a.double("onsite", onsite, onsiteCount, e.Inputs()), a.double("g", g, gCount, e.Outputs())
		jac := a.double("jacobian", jacobian, jacobianCount, e.Inputs()*e.Outputs())
		if a.err != nil {
			return a.err
		}
		return e.Jacobian(ctx, in, out, jac)
	})
}

//export go_mcd_wire_cancel
func go_mcd_wire_cancel(h C.mcd_wire) C.mcd_status {
	return compute(h, func(_ context.Context, e *engine) error {
		e.cancel()
		return nil
	})
}

func cpuDescription() string {
	var names []string
	for _, k := range kernel.All() {
		names = append(names, k.Name())
	}
	return fmt.Sprintf("%d processors, kernels %s (fastest: %s), %d bytes in use", runtime.NumCPU(),
		strings.Join(names, ", "), kernel.Best().Name(), memory.Live())
}
