package scatter

import (
	"context"

	"mcd/core/kernel"
)

// tiny is the conductance below which results are to keep their relative accuracy.
const tiny = 1e-3

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
	v := s.Reflect(w.g, nil)
	if v.Accurate {
		return nil
	}
	psi, _, err := s.Stored(v)
	if err != nil {
		return err
	}
	s.Conductance(psi, w.g)
	return nil
}

// Verdict says how far the states of Reflect can be trusted.
type Verdict struct {
	// Accurate: G is right; Derivable: so are derivatives from ψ and χ.
	Accurate, Derivable bool
	// small: a conductance lies below tiny, where N − R has lost too many digits.
	small bool
}

// Reflect writes the conductance G = N − R, R = Σ|r|², r = ia − 1 up to a unitary with a = q†A⁻¹q, which needs ψ at x = 0
// alone and is right to about 5e-13, better than a transmission amplitude at the other end of the sweep. Then it carries the
// states ψ of the modes coming in from the left to the right, so that their residual vouches for what was found.
//
// With visit, the co-states χ of the reflection, which start at x = 0 as well, go along, and visit is called for every slice,
// from the left lead on, with the amplitudes a.
func (s *Workspace) Reflect(g []float64, visit func(a []float64, psi, chi *Wave, slice int)) Verdict {
	psi, chi := s.Ring(0, Direct), s.Ring(1, Transposed)
	at, derive := s.length-1, visit != nil
	var a []float64
	var v Verdict
	for i := s.last; i >= 0; i-- {
		if i == s.last {
			s.Start(psi, s.group.FromLeft, nil)
			if derive {
				s.Start(chi, s.group.FromLeftConj, nil)
			}
			a = s.Amplitudes(s.group.FromLeft, psi.At(at))
			v.small = s.reflection(a, g) < tiny
		} else {
			s.Advance(psi, i+1, nil, nil)
			if derive {
				s.Advance(chi, i+1, nil, nil)
			}
		}
		for ; derive && at >= s.nodes[i]; at-- {
			visit(a, psi, chi, at)
		}
	}
	v.Accurate = !v.small && s.doubt(psi) <= acceptable
	v.Derivable = v.Accurate && derive && s.doubt(chi) <= acceptable
	return v
}

// Stored returns refined states ψ of the modes coming in from the left and co-states χ of their transmission, on every slice:
// what to use where Reflect was not good enough.
func (s *Workspace) Stored(v Verdict) (psi, chi *Wave, err error) {
	if psi, err = s.Full(0, Direct); err != nil {
		return nil, nil, err
	}
	if chi, err = s.Full(1, Transposed); err != nil {
		return nil, nil, err
	}
	return psi, chi, s.SolveAll(Request{Wave: psi, FromLeft: s.group.FromLeft, Strict: v.small},
		Request{Wave: chi, FromRight: s.group.FromRightConj, Strict: v.small})
}

// reflection writes N − Σ|ia − 1|² for the group's points and returns the smallest among the open ones.
func (s *Workspace) reflection(a, g []float64) (smallest float64) {
	c, v := s.columns(), s.lanes
	smallest = float64(c)
	for l, p := range s.group.Points[:s.group.Unique] {
		n := s.group.open[l]
		reflected := 0.0
		for i := range n {
			for j := range n {
				at := (i*c+j)*2*v + l
				re, im := a[at+v], a[at]
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

// Coefficients returns factor·(a* + shift·1) for amplitudes a[m][n], for Reduce; overwritten by the next call.
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
	out := s.amplitude[:c*c*2*s.lanes]
	s.k.Gram(kernel.Set, true, s.width, c, c, q, psi, out)
	return out
}
