package scatter

import (
	"context"

	"mcd/core/kernel"
)

// Small is the conductance below which results are to keep their relative accuracy.
const Small = 1e-3

// Value computes the conductance of every point in units of e²/h, g (points), for the on-site energies onsite
// (Length × Width, [x][y]; absolute, so that LeadOnsite is a clean site).
func (w *Wire) Value(ctx context.Context, onsite, g []float64) error {
	if err := CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	w.g = g
	return w.Run(ctx, onsite, w.valueTask)
}

// value computes the conductances of one group.
func (w *Wire) value(s *Workspace, _ *Group) error {
	if s.Closed(w.g) {
		return nil
	}
	if err := s.Factor(); err != nil {
		return err
	}
	accurate, smallest := s.Reflect(w.g, nil)
	if accurate && smallest >= Small {
		return nil
	}
	psi, err := s.Full(0, Direct)
	if err != nil {
		return err
	}
	if err := s.SolveAll(Request{Wave: psi, FromLeft: s.group.FromLeft, Strict: smallest < Small}); err != nil {
		return err
	}
	s.Conductance(psi, w.g)
	return nil
}

// Reflect carries the states ψ of the modes coming in from the left and the co-states χ of their reflection, both of which
// start at x = 0, to the right in one sweep, and writes the conductance G = N − R, R = Σ|r|², r = ia − 1 up to a unitary with
// a = q†A⁻¹q. The residual ρ of ψ, zero but at the nodes, corrects the amplitudes by χᵀρ, so that the error of G is of second
// order. visit is called for every slice, from the left lead on, with the amplitudes a (not yet corrected).
//
// Without visit there is no χ: a comes from the sweep to the left alone and is right to about 5e-13 as it is, the states are
// carried on so that their residual vouches for it.
//
// It reports whether the states are accurate and the smallest G of the open lanes; below Small, N − R has lost too many digits.
func (s *Workspace) Reflect(g []float64, visit func(a []float64, psi, chi *Wave, slice int)) (accurate bool, smallest float64) {
	psi, chi := s.Ring(0, Direct), s.Ring(1, Transposed)
	c, at, derive := s.columns(), s.length-1, visit != nil
	var first []float64
	for i := s.last; i >= 0; i-- {
		if i == s.last {
			if derive {
				s.Start(chi, s.group.FromLeftConj, nil)
			}
			s.Start(psi, s.group.FromLeft, nil)
			first = s.Amplitudes(s.group.FromLeft, psi.At(at))
			copy(s.amplitude, first)
		} else {
			if derive {
				s.Advance(chi, i+1, nil, nil)
			}
			s.Advance(psi, i+1, nil, nil)
		}
		if !derive {
			continue
		}
		// Start and Advance leave in scratch what the next slice should be: scratch − ψ is the residual.
		node := s.nodes[i]
		s.k.Gram(kernel.Add, false, s.width, c, c, chi.At(node), s.scratch, s.amplitude)
		s.k.Gram(kernel.Sub, false, s.width, c, c, chi.At(node), psi.At(node-1), s.amplitude)
		for ; at >= node; at-- {
			visit(first, psi, chi, at)
		}
	}
	return s.doubt(psi) <= acceptable && (!derive || s.doubt(chi) <= acceptable), s.reflection(g)
}

// reflection writes N − Σ|ia − 1|² for the group's points and returns the smallest among the open ones.
func (s *Workspace) reflection(g []float64) (smallest float64) {
	c, v := s.columns(), s.lanes
	smallest = float64(c)
	for l, p := range s.group.Points[:s.group.Unique] {
		n := s.group.open[l]
		reflected := 0.0
		for i := range n {
			for j := range n {
				at := (i*c+j)*2*v + l
				re, im := s.amplitude[at+v], s.amplitude[at]
				if i == j {
					re++
				}
				reflected += re*re + im*im
			}
		}
		g[p] = float64(n) - reflected
		if n > 0 {
			smallest = min(smallest, g[p])
		}
	}
	return smallest
}

// Closed tells whether no point of the group has an open mode, and then writes its conductance, zero.
func (s *Workspace) Closed(g []float64) bool {
	if s.group.Modes > 0 {
		return false
	}
	for _, p := range s.group.Points {
		g[p] = 0
	}
	return true
}

// Index returns the position of the group in Wire.Groups.
func (s *Workspace) Index() int { return s.index }

// ZeroRow returns Width zeros for every lane, overwritten by Reduce.
func (s *Workspace) ZeroRow() []float64 {
	clear(s.row)
	return s.row
}

// Reduce returns Re Σ_mn coef[m][n] χ_m ψ_n of one slice, [y][lane], overwritten by the next call.
func (s *Workspace) Reduce(coef []float64, chi, psi *Wave, slice int) []float64 {
	c := s.columns()
	s.k.Reduce(s.width, c, c, coef, chi.At(slice), psi.At(slice), s.row)
	return s.row
}

// Coefficients returns factor·(a* + shift·1) for amplitudes a[m][n], for Reduce; overwritten by the next call of Amplitudes.
func (s *Workspace) Coefficients(a []float64, factor float64, shift complex128) []float64 {
	c, v := s.columns(), s.lanes
	out := s.coef[:c*c*2*v]
	for i := range c * c {
		for l := i * 2 * v; l < i*2*v+v; l++ {
			re, im := a[l], -a[l+v]
			if i%(c+1) == 0 {
				re += real(shift)
				im += imag(shift)
			}
			out[l], out[l+v] = factor*re, factor*im
		}
	}
	return out
}

// Conductance writes T = Σ|t|² of the group's points, t = q_R†ψ on the last slice (equal to the amplitudes of the outgoing
// modes up to a unitary).
func (s *Workspace) Conductance(psi *Wave, g []float64) {
	t := s.Amplitudes(s.group.FromRight, psi.At(0))
	n, v := s.columns(), s.lanes
	for l := range s.group.Unique {
		sum := 0.0
		for i := range n * n {
			re, im := t[i*2*v+l], t[i*2*v+v+l]
			sum += re*re + im*im
		}
		g[s.group.Points[l]] = sum
	}
}

// Amplitudes returns q†ψ, [m][n] (Modes × Modes batch, overwritten by the next call), for one slice of a wave.
func (s *Workspace) Amplitudes(q, psi []float64) []float64 {
	c := s.columns()
	out := s.coef[:c*c*2*s.lanes]
	s.k.Gram(kernel.Set, true, s.width, c, c, q, psi, out)
	return out
}
