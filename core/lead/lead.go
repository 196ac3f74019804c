// Package lead computes the open modes, velocities and self-energies of periodic leads, and their derivatives: Solve for the
// leads of a uniform strip in a field, SolveCell for leads of any kind.
package lead

import (
	"context"
	"math"

	"mcd/core/fault"
)

// Params name one lead of a strip; two leads with equal Params are the same lead.
type Params struct {
	Width                          int
	Hopping, Onsite, Energy, Field float64
}

// Lead is the solution of a strip's lead at one energy and field.
//
// It is given in the gauge of the paper with y measured from the middle of the strip, ȳ = y − (Width−1)/2: the hopping from
// slice x+1 to slice x is τ = −t·diag(exp(2iφȳ)), inside a slice −t between neighbours. There the modes are real vectors and
// reflection in y takes right-movers into left-movers.
//
// A Lead is shared between those who ask for equal Params: treat it as read-only.
type Lead struct {
	Params
	// Modes is N, the number of open modes in either direction.
	Modes int
	// Wavenumber holds k of the right-going modes, λ = exp(ik), ascending in (−π, π], (Modes).
	Wavenumber []float64
	// Velocity holds v = −2 Im(λ u†τu) = dE/dk > 0 of the right-going modes, (Modes).
	Velocity []float64
	// Vectors holds the right-going modes u_n, real with u·u = 1, [mode][y]. The left-going mode n has λ = exp(−ik_n) and
	// the mirrored vector u_n(Width−1−y).
	Vectors []float64
	// F maps slice x to slice x+1 for solutions that decay or leave to the right, [row][column] (Width × Width):
	// Σ_R = τF. The map from slice x to x−1 for the left lead is F mirrored in both indices: Σ_L = τ†·JFJ.
	F []complex128
}

// MaxOrbitals bounds the sites across a strip and the orbitals of a cell: dense matrices of twice that order are needed.
const MaxOrbitals = 4096

// Validate returns an Argument error for the first value that makes no sense.
func (p Params) Validate() error {
	switch {
	case p.Width < 1:
		return fault.Invalid("width", "%d sites across the lead; give at least 1", p.Width)
	case p.Width > MaxOrbitals:
		return fault.Invalid("width", "%d sites across the lead; give at most %d", p.Width, MaxOrbitals)
	case !(p.Hopping > 0) || math.IsInf(p.Hopping, 0):
		return fault.Invalid("hopping", "%g; give a finite value above 0", p.Hopping)
	case !finite(p.Onsite):
		return fault.Invalid("lead_onsite", "%g; give a finite value", p.Onsite)
	case !finite(p.Energy):
		return fault.Invalid("energy", "%g; give a finite value", p.Energy)
	case !finite((p.Onsite - p.Energy) / p.Hopping):
		return fault.Invalid("hopping", "%g, too small beside an energy %g from the on-site energy; give both in similar units", p.Hopping, p.Energy-p.Onsite)
	case !finite(p.Field):
		return fault.Invalid("field", "%g; give a finite value", p.Field)
	}
	return nil
}

// Solve computes the lead named by p. On a band edge itself a mode has no velocity and the answer is not defined; next to
// one it is as ill-conditioned as the physics.
func Solve(p Params) (*Lead, error) { return solveUntil(context.Background(), p) }

// solveUntil is Solve until ctx ends.
func solveUntil(ctx context.Context, p Params) (lead *Lead, err error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	err = until(ctx, func(s *stop) (err error) {
		lead, err = solve(s, p.unsigned())
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.Field < 0 {
		return lead.reversed(), nil
	}
	return lead, nil
}

func solve(stop *stop, p Params) (*Lead, error) {
	b := newUniform(stop, p)
	if b.distant() {
		return &Lead{Params: p, F: b.distantMapping()}, nil
	}
	right := b.solve()
	lead := &Lead{Params: p, Modes: len(right)}
	for _, m := range right {
		lead.Wavenumber = append(lead.Wavenumber, m.k)
		lead.Velocity = append(lead.Velocity, m.velocity*p.Hopping)
		lead.Vectors = append(lead.Vectors, m.u...)
	}
	if p.Field == 0 {
		lead.F = b.separableMapping()
		return lead, nil
	}
	f, ok := contourMapping(b)
	if stop.now() {
		return nil, errStopped
	}
	if !ok {
		d, err := decay(b, right)
		if err != nil {
			return nil, err
		}
		if f, err = mapping(stop, d, right); err != nil {
			return nil, err
		}
	}
	lead.F = f
	return lead, nil
}

// reversed returns the lead at −Field: there τ is mirrored in both indices, and with it every solution.
func (l *Lead) reversed() *Lead {
	r := &Lead{Params: l.Params, Modes: l.Modes, Wavenumber: l.Wavenumber, Velocity: l.Velocity,
		Vectors: append([]float64(nil), l.Vectors...), F: append([]complex128(nil), l.F...)}
	r.Field = -l.Field
	for m := range l.Modes {
		mirror(r.Vectors[m*l.Width : (m+1)*l.Width])
	}
	mirror(r.F)
	return r
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
