//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"slices"
	"strings"

	"mcd/adjoint"
	"mcd/capi/exchange"
	"mcd/core/fault"
)

// describe returns the system as plain values; s must be locked.
func (s *system) describe() (*exchange.Device, error) {
	if s.device.Values == nil {
		return nil, stateError("values: not set; give the Hamiltonians by mcd_system_set_values first")
	}
	if err := s.device.ValidateInterfaces(); err != nil {
		return nil, err
	}
	leads := make([]exchange.Lead, len(s.leads))
	for i := range leads {
		leads[i] = s.leads[i].Lead
	}
	return exchange.NewDevice(s.device, leads), nil
}

//export go_mcd_problem_create_device
func go_mcd_problem_create_device(h C.mcd_system, curves *C.int64_t, curvesCount C.size_t, target *C.double,
	targetCount C.size_t, out *C.mcd_problem) C.mcd_status {
	return withSystem(h, func(s *system) error {
		d, err := s.describe()
		if err != nil {
			return err
		}
		list, err := slice[int64]("curves", curves, curvesCount)
		if err != nil {
			return err
		}
		curve, err := cloned("target", target, targetCount)
		if err != nil {
			return err
		}
		spec := &exchange.Problem{Device: d, Curves: slices.Clone(list), Target: curve,
			Sites: &exchange.Sites{Start: make([]float64, d.Lattice.Orbitals)}}
		p, err := newProblem(spec, newDeviceEngine(d, slices.Clone(s.leads), s.threads, s.limit))
		if err != nil {
			return err
		}
		return give(p, out)
	})
}

//export go_mcd_problem_system
func go_mcd_problem_system(h C.mcd_problem, out *C.mcd_system) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		e, ok := p.place.(*deviceEngine)
		if !ok {
			return fault.Invalid("problem", "it is of a wire; call mcd_problem_wire")
		}
		s := &system{device: e.description.Lattice, threads: e.threads.Load(), limit: e.limit}
		for _, le := range e.description.Leads {
			cells, terminals, err := le.Open(s.device.Energies)
			if err != nil {
				return err
			}
			s.leads = append(s.leads, systemLead{le, cells, terminals})
		}
		s.cancel()
		return give(s, out)
	})
}

//export go_mcd_problem_get_curves
func go_mcd_problem_get_curves(h C.mcd_problem, curves *C.int64_t, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error { return deliver(p.spec.Curves, curves, count, needed) })
}

//export go_mcd_problem_shape
func go_mcd_problem_shape(h C.mcd_problem, inputs, outputs *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if err := store("inputs", inputs, C.size_t(p.spec.Inputs())); err != nil {
			return err
		}
		return store("outputs", outputs, C.size_t(p.spec.Outputs()))
	})
}

//export go_mcd_problem_set_directions
func go_mcd_problem_set_directions(h C.mcd_problem, first *C.int64_t, firstCount C.size_t, entries *C.int64_t,
	entriesCount C.size_t, values *C.double, valuesCount C.size_t, start *C.double, startCount C.size_t, names *C.char) C.mcd_status {
	return parametrize(h, func(s *exchange.Problem) error {
		if s.Device == nil {
			return fault.Invalid("problem", "it is of a wire; directions are for devices")
		}
		begins, err := slice[int64]("first", first, firstCount)
		if err != nil {
			return err
		}
		places, err := slice[int64]("entries", entries, entriesCount)
		if err != nil {
			return err
		}
		changes, err := matrices("values", values, valuesCount)
		if err != nil {
			return err
		}
		from, err := cloned("start", start, startCount)
		if err != nil {
			return err
		}
		var list []string
		if names != nil {
			all, err := text("names", names)
			if err != nil {
				return err
			}
			list = strings.Split(all, "\n")
		}
		if s.Directions, err = exchange.NewDirections(begins, places, changes, from, list); err != nil {
			return err
		}
		return adjoint.ValidateDirections(&s.Device.Lattice, s.Directions.Directions)
	})
}

//export go_mcd_problem_get_names
func go_mcd_problem_get_names(h C.mcd_problem, names *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		var list []string
		if p.spec.Directions != nil {
			list = p.spec.Directions.Names
		}
		return deliverText(strings.Join(list, "\n"), names, count, needed)
	})
}

//export go_mcd_problem_hamiltonian
func go_mcd_problem_hamiltonian(h C.mcd_problem, parameters *C.double, count C.size_t, values *C.double,
	valuesCount C.size_t) C.mcd_status {
	return withProblem(h, func(p *problem) error {
		if p.spec.Directions == nil {
			return fault.Invalid("problem", "its parameters are on-site energies, not directions; call mcd_problem_onsite")
		}
		theta, err := p.parameters(parameters, count)
		if err != nil {
			return err
		}
		l := &p.spec.Device.Lattice
		out, err := complexes("values", values, valuesCount, l.Points()*l.Entries())
		if err != nil {
			return err
		}
		coefficients := make([]float64, p.spec.Inputs())
		p.parametrization.Onsite(theta, coefficients)
		return adjoint.Hamiltonians(l, p.spec.Directions.Directions, coefficients, out)
	})
}

//export go_mcd_system_copy
func go_mcd_system_copy(h C.mcd_system, out *C.mcd_system) C.mcd_status {
	return withSystem(h, func(s *system) error {
		c := &system{device: s.device, leads: slices.Clone(s.leads), threads: s.threads, limit: s.limit}
		c.cancel()
		return give(c, out)
	})
}

//export go_mcd_system_pattern
func go_mcd_system_pattern(h C.mcd_system, rows *C.int64_t, rowsCount C.size_t, cols *C.int64_t, colsCount C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		r, err := array[int64]("rows", rows, rowsCount, s.device.Entries())
		if err != nil {
			return err
		}
		c, err := array[int64]("cols", cols, colsCount, s.device.Entries())
		if err != nil {
			return err
		}
		for k := range r {
			r[k], c[k] = int64(s.device.Rows[k]), int64(s.device.Cols[k])
		}
		return nil
	})
}

//export go_mcd_system_values
func go_mcd_system_values(h C.mcd_system, values *C.double, count C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		out, err := complexes("values", values, count, len(s.device.Values))
		copy(out, s.device.Values)
		return err
	})
}

//export go_mcd_system_energies
func go_mcd_system_energies(h C.mcd_system, energies *C.double, count C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error { return copyOut("energies", s.device.Energies, energies, count) })
}

//export go_mcd_system_positions
func go_mcd_system_positions(h C.mcd_system, positions *C.double, count C.size_t, needed *C.size_t, dimensions *C.int64_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		if err := store("dimensions", dimensions, C.int64_t(s.device.Dimensions)); err != nil {
			return err
		}
		return deliver(s.device.Positions, positions, count, needed)
	})
}

//export go_mcd_system_lead
func go_mcd_system_lead(h C.mcd_system, index C.int64_t, orbitals *C.int64_t, touched *C.int64_t, count C.size_t,
	needed *C.size_t) C.mcd_status {
	return withSystem(h, func(s *system) error {
		if index < 0 || index >= C.int64_t(len(s.leads)) {
			return fault.Invalid("lead", "%d; the device has leads 0 to %d", int64(index), len(s.leads)-1)
		}
		le := &s.leads[index]
		if err := store("orbitals", orbitals, C.int64_t(le.Orbitals)); err != nil {
			return err
		}
		return deliver(le.Interface, touched, count, needed)
	})
}
