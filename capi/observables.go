//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"
	"slices"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/scatter"
)

// sweepDerivative serves the derivatives by field and energy.
func sweepDerivative(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t, d *C.double,
	dCount C.size_t, by func(w *adjoint.Wire, ctx context.Context, onsite, g, d []float64) error) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		in, out := a.double("onsite", onsite, onsiteCount, e.Inputs()), a.double("g", g, gCount, e.Outputs())
		dg := a.double("derivative", d, dCount, e.Outputs())
		if a.err != nil {
			return a.err
		}
		return e.use(ctx, func(w *adjoint.Wire) error { return by(w, ctx, in, out, dg) })
	})
}

//export go_mcd_wire_field_derivative
func go_mcd_wire_field_derivative(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t,
	derivative *C.double, derivativeCount C.size_t) C.mcd_status {
	return sweepDerivative(h, onsite, onsiteCount, g, gCount, derivative, derivativeCount, (*adjoint.Wire).FieldDerivative)
}

//export go_mcd_wire_energy_derivative
func go_mcd_wire_energy_derivative(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, g *C.double, gCount C.size_t,
	derivative *C.double, derivativeCount C.size_t) C.mcd_status {
	return sweepDerivative(h, onsite, onsiteCount, g, gCount, derivative, derivativeCount, (*adjoint.Wire).EnergyDerivative)
}

//export go_mcd_wire_smatrix
func go_mcd_wire_smatrix(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, field, energy C.double, modes *C.int64_t,
	s *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return observe(h, onsite, onsiteCount, func(ctx context.Context, w *adjoint.Wire, onsite []float64) error {
		m, err := w.SMatrix(ctx, onsite, float64(field), float64(energy))
		if err != nil {
			return err
		}
		if err := store("modes", modes, C.int64_t(m.Modes)); err != nil {
			return err
		}
		return deliverComplex(m.Data, s, count, needed)
	})
}

// deliverComplex copies complex values to a getter's array of doubles.
func deliverComplex(values []complex128, out *C.double, count C.size_t, needed *C.size_t) error {
	dst, err := room[float64](out, count, needed, 2*len(values))
	if dst != nil {
		for i, z := range values {
			dst[2*i], dst[2*i+1] = real(z), imag(z)
		}
	}
	return err
}

// observe takes onsite and runs body with the engine in turn.
func observe(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t,
	body func(ctx context.Context, w *adjoint.Wire, onsite []float64) error) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		in, err := array[float64]("onsite", onsite, onsiteCount, e.Inputs())
		if err != nil {
			return err
		}
		return e.use(ctx, func(w *adjoint.Wire) error { return body(ctx, w, in) })
	})
}

//export go_mcd_wire_transmission_eigenvalues
func go_mcd_wire_transmission_eigenvalues(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, field, energy C.double,
	eigenvalues *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return observe(h, onsite, onsiteCount, func(ctx context.Context, w *adjoint.Wire, onsite []float64) error {
		m, err := w.SMatrix(ctx, onsite, float64(field), float64(energy))
		if err != nil {
			return err
		}
		return deliver(m.TransmissionEigenvalues(), eigenvalues, count, needed)
	})
}

//export go_mcd_wire_ldos
func go_mcd_wire_ldos(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, field, energy C.double, ldos *C.double,
	ldosCount C.size_t) C.mcd_status {
	return observe(h, onsite, onsiteCount, func(ctx context.Context, w *adjoint.Wire, onsite []float64) error {
		out, err := array[float64]("ldos", ldos, ldosCount, w.Inputs())
		if err != nil {
			return err
		}
		return w.LDOS(ctx, onsite, float64(field), float64(energy), out)
	})
}

//export go_mcd_wire_states
func go_mcd_wire_states(h C.mcd_wire, onsite *C.double, onsiteCount C.size_t, field, energy C.double, from C.int32_t,
	modes *C.int64_t, psi *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return observe(h, onsite, onsiteCount, func(ctx context.Context, w *adjoint.Wire, onsite []float64) error {
		states, err := w.States(ctx, onsite, float64(field), float64(energy), scatter.Side(from))
		if err != nil {
			return err
		}
		if err := store("modes", modes, C.int64_t(len(states))); err != nil {
			return err
		}
		return deliverComplex(slices.Concat(states...), psi, count, needed)
	})
}

//export go_mcd_wire_feasibility
func go_mcd_wire_feasibility(h C.mcd_wire, target *C.double, targetCount C.size_t, excess *C.double, excessCount C.size_t,
	narrow *C.uint8_t, narrowCount C.size_t, bound *C.double, report *C.char, reportCount C.size_t, needed *C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		curve := a.double("target", target, targetCount, e.Outputs())
		above := a.optional("excess", excess, excessCount, e.Outputs())
		sharp, err := optional[byte]("narrow", narrow, narrowCount, e.Outputs())
		if a.err != nil {
			return a.err
		}
		if err == nil {
			err = checkFinite("target", curve)
		}
		if err != nil {
			return err
		}
		if err := e.prepare(ctx); err != nil {
			return err
		}
		f := inverse.CheckTarget(e.Ceiling(), curve, nil, &e.strip)
		copy(above, f.Excess)
		if sharp != nil {
			for k, is := range f.Narrow {
				sharp[k] = byte(boolean(is))
			}
		}
		if err := store("bound", bound, C.double(f.Bound)); err != nil {
			return err
		}
		return deliverText(f.Text, report, reportCount, needed)
	})
}

//export go_mcd_wire_nearest_feasible
func go_mcd_wire_nearest_feasible(h C.mcd_wire, target *C.double, targetCount C.size_t, nearest *C.double, nearestCount C.size_t) C.mcd_status {
	return compute(h, func(ctx context.Context, e *engine) error {
		a := arrays{}
		curve, out := a.double("target", target, targetCount, e.Outputs()), a.double("nearest", nearest, nearestCount, e.Outputs())
		if a.err != nil {
			return a.err
		}
		if err := checkFinite("target", curve); err != nil {
			return err
		}
		if err := e.prepare(ctx); err != nil {
			return err
		}
		copy(out, inverse.NearestFeasible(e.Ceiling(), curve, &e.strip))
		return nil
	})
}
