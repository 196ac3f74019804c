//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"math"
	"math/bits"
	"slices"

	"mcd/capi/exchange"
	"mcd/core/fault"
)

// result is what a search found; it never changes.
type result struct {
	document *exchange.Document // with a Result of at least one outcome
	place    place              // its own
}

func (r *result) kind() uint64 { return kindResult }
func (r *result) release()     { r.place.release() }

// best returns the best outcome.
func (r *result) best() *exchange.Outcome { return &r.document.Result.Outcomes[0] }

// withResult looks a result up and runs body.
func withResult(h C.mcd_result, body func(r *result) error) C.mcd_status {
	return enter(func() error {
		r, err := lookup[*result](h)
		if err != nil {
			return err
		}
		return body(r)
	})
}

//export go_mcd_result_problem
func go_mcd_result_problem(h C.mcd_result, out *C.mcd_problem) C.mcd_status {
	return withResult(h, func(r *result) error {
		p, err := newProblem(r.document.Problem, r.place.duplicate())
		if err != nil {
			return err
		}
		return give(p, out)
	})
}

//export go_mcd_result_onsite
func go_mcd_result_onsite(h C.mcd_result, onsite *C.double, count C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return copyOut("onsite", r.best().Onsite, onsite, count) })
}

//export go_mcd_result_conductance
func go_mcd_result_conductance(h C.mcd_result, g *C.double, count C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return copyOut("g", r.best().Conductance, g, count) })
}

//export go_mcd_result_parameters
func go_mcd_result_parameters(h C.mcd_result, parameters *C.double, count C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return copyOut("parameters", r.best().Theta, parameters, count) })
}

//export go_mcd_result_entries
func go_mcd_result_entries(h C.mcd_result, entries *C.double, count C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return copyOut("entries", r.best().Parameters, entries, count) })
}

// errors returns the standard errors of the entries.
func (r *result) errors() []float64 {
	e := slices.Clone(orRepeated(r.best().Errors, math.NaN(), r.document.Problem.Entries()))
	for i, frozen := range r.document.Problem.Frozen {
		if frozen == 1 {
			e[i] = 0
		}
	}
	return e
}

//export go_mcd_result_errors
func go_mcd_result_errors(h C.mcd_result, errors *C.double, count C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return copyOut("errors", r.errors(), errors, count) })
}

// quantity picks one named quantity out of entries; what is no entry has the fixed values.
func (r *result) quantity(name string, entries []float64, fixed func(values []float64) []float64) ([]float64, error) {
	p := r.document.Problem
	switch {
	case p.Gates != nil:
		if name == "volts" {
			return entries, nil
		}
		return nil, fault.Invalid("name", "%q is not known; gates have \"volts\"", name)
	case p.Directions != nil:
		if name == "coefficients" {
			return entries, nil
		}
		return nil, fault.Invalid("name", "%q is not known; directions have \"coefficients\"", name)
	case p.Gaussians == nil:
		return nil, fault.Invalid("name", "%q is not known; a result by sites has its entries only", name)
	}
	g := p.Gaussians
	quantities := bits.OnesCount32(g.Free)
	at := 0 // of this quantity among the free ones
	for i, q := range []struct {
		name   string
		values []float64
	}{{"x", g.X}, {"y", g.Y}, {"amplitude", g.Amplitude}, {"radius", g.Radius}} {
		free := g.Free>>i&1 == 1
		if q.name == name {
			if !free {
				return fixed(q.values), nil
			}
			values := make([]float64, len(q.values))
			for d := range values { // entries are ordered Gaussian by Gaussian
				values[d] = entries[d*quantities+at]
			}
			return values, nil
		}
		if free {
			at++
		}
	}
	return nil, fault.Invalid("name", "%q is not known; Gaussians have \"x\", \"y\", \"amplitude\" and \"radius\"", name)
}

//export go_mcd_result_quantity
func go_mcd_result_quantity(h C.mcd_result, name *C.char, out *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error {
		s, err := text("name", name)
		if err != nil {
			return err
		}
		values, err := r.quantity(s, r.best().Parameters, func(v []float64) []float64 { return v })
		if err != nil {
			return err
		}
		return deliver(values, out, count, needed)
	})
}

//export go_mcd_result_quantity_error
func go_mcd_result_quantity_error(h C.mcd_result, name *C.char, out *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error {
		s, err := text("name", name)
		if err != nil {
			return err
		}
		values, err := r.quantity(s, r.errors(), func(v []float64) []float64 { return make([]float64, len(v)) })
		if err != nil {
			return err
		}
		return deliver(values, out, count, needed)
	})
}

//export go_mcd_result_objective
func go_mcd_result_objective(h C.mcd_result, objective *C.double) C.mcd_status {
	return withResult(h, func(r *result) error { return store("objective", objective, C.double(r.best().Objective)) })
}

//export go_mcd_result_evaluations
func go_mcd_result_evaluations(h C.mcd_result, evaluations *C.int64_t) C.mcd_status {
	return withResult(h, func(r *result) error {
		return store("evaluations", evaluations, C.int64_t(r.document.Result.Evaluations))
	})
}

//export go_mcd_result_seconds
func go_mcd_result_seconds(h C.mcd_result, seconds *C.double) C.mcd_status {
	return withResult(h, func(r *result) error { return store("seconds", seconds, C.double(r.document.Result.Seconds)) })
}

//export go_mcd_result_status
func go_mcd_result_status(h C.mcd_result, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return deliverText(r.best().Status.String(), out, count, needed) })
}

//export go_mcd_result_message
func go_mcd_result_message(h C.mcd_result, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return deliverText(r.best().Message, out, count, needed) })
}

//export go_mcd_result_backend
func go_mcd_result_backend(h C.mcd_result, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return deliverText(r.document.Result.Backend, out, count, needed) })
}

//export go_mcd_result_history
func go_mcd_result_history(h C.mcd_result, column *C.char, out *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error {
		name, err := text("column", column)
		if err != nil {
			return err
		}
		o := r.best()
		switch name {
		case "objective":
			return deliver(o.History, out, count, needed)
		case "roughness":
			return deliver(o.Roughness, out, count, needed)
		case "evaluations":
			dst, err := room[float64](out, count, needed, len(o.HistoryEvaluations))
			for i := range dst {
				dst[i] = float64(o.HistoryEvaluations[i])
			}
			return err
		}
		return fault.Invalid("column", "%q is not known; give \"objective\", \"evaluations\" or \"roughness\"", name)
	})
}

//export go_mcd_result_outcomes
func go_mcd_result_outcomes(h C.mcd_result, count *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return store("count", count, C.size_t(len(r.document.Result.Outcomes))) })
}

//export go_mcd_result_outcome
func go_mcd_result_outcome(h C.mcd_result, index C.size_t, out *C.mcd_result) C.mcd_status {
	return withResult(h, func(r *result) error {
		all := r.document.Result.Outcomes
		if index >= C.size_t(len(all)) {
			return fault.Invalid("index", "%d, but there are %d outcomes; count from 0", uint64(index), len(all))
		}
		o := all[index]
		d := &exchange.Document{Problem: r.document.Problem, Result: &exchange.Result{Outcomes: []exchange.Outcome{o},
			Evaluations: o.Evaluations, Seconds: o.Seconds, Backend: r.document.Result.Backend}}
		return give(&result{document: d, place: r.place.duplicate()}, out)
	})
}

//export go_mcd_result_encode
func go_mcd_result_encode(h C.mcd_result, out *C.uint8_t, count C.size_t, needed *C.size_t) C.mcd_status {
	return withResult(h, func(r *result) error { return deliver(r.document.Encode(), out, count, needed) })
}

// giveResult makes the result of a document.
func giveResult(d *exchange.Document, err error, out *C.mcd_result) error {
	if err != nil {
		return err
	}
	if d.Result == nil {
		return fault.New(fault.File, "there is a problem but no result in it; load it as a problem, or resume the run")
	}
	return give(&result{document: d, place: placeOf(d.Problem)}, out)
}

//export go_mcd_result_decode
func go_mcd_result_decode(bytes *C.uint8_t, count C.size_t, out *C.mcd_result) C.mcd_status {
	return enter(func() error {
		d, err := decode(bytes, count)
		return giveResult(d, err, out)
	})
}

//export go_mcd_result_save
func go_mcd_result_save(h C.mcd_result, path *C.char) C.mcd_status {
	return withResult(h, func(r *result) error {
		name, err := text("path", path)
		if err != nil {
			return err
		}
		return r.document.Save(name)
	})
}

//export go_mcd_result_load
func go_mcd_result_load(path *C.char, out *C.mcd_result) C.mcd_status {
	return enter(func() error {
		d, err := load(path)
		return giveResult(d, err, out)
	})
}
