package lead

import (
	"context"
	"math"
	"math/cmplx"

	"mcd/core/fault"
)

// Sensitivity gives the derivatives of a lead's self-energy along any change of its cell.
//
// Σ = v†gv with g = (E − h − PΣP†)⁻¹, P the embedding of the interface into the cell, so
//
//	dΣ − v†gP·dΣ·P†gv = dv†·gv + v†g·dv + v†g(dh − dE)gv,
//
// a Stein equation. Its two factors have the Bloch factors of the decaying and leaving waves for eigenvalues, so that it is
// regular away from band edges, and are made triangular once for all derivatives.
type Sensitivity struct {
	cell        *Cell
	gv, vg      []complex128 // gv (Orbitals × Interface), v†g (Interface × Orbitals)
	left, right *schur       // of v†gP and of P†gv
}

// NewSensitivity prepares the derivatives of the self-energy that SolveCell returned for the cell.
func NewSensitivity(ctx context.Context, cell *Cell, selfEnergy []complex128) (s *Sensitivity, err error) {
	err = until(ctx, func(stop *stop) (err error) {
		s, err = newSensitivity(stop, cell, selfEnergy)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newSensitivity(stop *stop, cell *Cell, selfEnergy []complex128) (*Sensitivity, error) {
	if err := cell.Validate(); err != nil {
		return nil, err
	}
	c, m := cell.Orbitals, cell.Interface
	if len(selfEnergy) != m*m {
		return nil, fault.Invalid("self_energy", "%d values for %d interface orbitals; give %d × %d", len(selfEnergy), m, m, m)
	}
	a := make([]complex128, c*c)
	for i := range c {
		for j := range c {
			a[i*c+j] = -cell.Hamiltonian[i*c+j]
			if i < m && j < m {
				a[i*c+j] -= selfEnergy[i*m+j]
			}
		}
		a[i*c+i] += complex(cell.Energy, 0)
	}
	g := make([]complex128, c*c)
	for i := range c {
		g[i*c+i] = 1
	}
	if !solveInPlace(stop, a, g, c, c) {
		return nil, fault.New(fault.Numerical, "the end of the lead has a state that is coupled to nothing at the energy %g: leave it out or change the energy", cell.Energy)
	}
	s := &Sensitivity{cell: cell, gv: multiply(stop, g, cell.Hopping, c, c, m), vg: multiply(stop, adjoint(cell.Hopping, c, m), g, m, c, c)}
	l := make([]complex128, m*m)
	for i := range m {
		copy(l[i*m:(i+1)*m], s.vg[i*c:])
	}
	var ok, okToo bool
	s.left, ok = newSchur(stop, l, m)
	s.right, okToo = newSchur(stop, append([]complex128(nil), s.gv[:m*m]...), m)
	if !ok || !okToo {
		return nil, fault.New(fault.Numerical, "the Bloch factors of a lead with %d orbitals did not converge", c)
	}
	return s, nil
}

// Along returns dΣ (Interface × Interface) for the changes dh (Orbitals × Orbitals, nil for none) of the cell, dv
// (Orbitals × Interface, nil for none) of the hopping and dE of the energy.
func (s *Sensitivity) Along(ctx context.Context, dh, dv []complex128, dE float64) (d []complex128, err error) {
	err = until(ctx, func(stop *stop) (err error) {
		d, err = s.along(stop, dh, dv, dE)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (s *Sensitivity) along(stop *stop, dh, dv []complex128, dE float64) ([]complex128, error) {
	c, m := s.cell.Orbitals, s.cell.Interface
	change := make([]complex128, c*m) // (dh − dE)gv + dv
	switch {
	case dh != nil && len(dh) != c*c:
		return nil, fault.Invalid("dh", "%d values for a cell of %d orbitals; give %d × %d", len(dh), c, c, c)
	case dv != nil && len(dv) != c*m:
		return nil, fault.Invalid("dv", "%d values; give %d × %d", len(dv), c, m)
	}
	if dh != nil {
		change = multiply(stop, dh, s.gv, c, c, m)
	}
	axpy(complex(-dE, 0), s.gv, change)
	if dv != nil {
		axpy(1, dv, change)
	}
	d := multiply(stop, s.vg, change, m, c, m)
	if dv != nil {
		axpy(1, multiply(stop, adjoint(dv, c, m), s.gv, m, c, m), d)
	}
	d, ok := solveStein(stop, s.left, s.right, d)
	if !ok || !(largestOf(d) < math.MaxFloat64) {
		return nil, notDifferentiable(s.cell.Energy)
	}
	return d, nil
}

// solveStein solves X − AXB = C for Schur forms A = USU†, B = VTV†: Y − SYT = U†CV for Y = U†XV.
func solveStein(stop *stop, a, b *schur, c []complex128) ([]complex128, bool) {
	n := a.n
	u, v := append([]complex128(nil), a.zt...), append([]complex128(nil), b.zt...)
	transpose(u, n)
	transpose(v, n)
	y := multiply(stop, adjoint(u, n, n), multiply(stop, c, v, n, n, n), n, n, n)
	ok := steinColumns(stop, a.t, b.t, y, n)
	return multiply(stop, u, multiply(stop, y, adjoint(v, n, n), n, n, n), n, n, n), ok
}

// adjoint returns a† (m × n) of a (n × m).
func adjoint(a []complex128, n, m int) []complex128 {
	t := make([]complex128, n*m)
	for i := range n {
		for j := range m {
			t[j*n+i] = cmplx.Conj(a[i*m+j])
		}
	}
	return t
}
