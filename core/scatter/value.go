package scatter

import (
	"context"
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
	if !v.Accurate {
		var err error
		if v, err = s.Corrected(v, w.g, nil); err != nil {
			return err
		}
	}
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
	psi   *Wave // refined states on every slice, if Corrected has found them
}

// Reflect writes the conductance G = N − R, R = Σ|r|², r = ia − 1 up to a unitary with a = q†A⁻¹q, which needs ψ at x = 0
// alone and is right to about 5e-13, better than a transmission amplitude at the other end of the sweep. Then it carries states
// ψ of the modes coming in from the left to the right, so that their residual vouches for what was found: the probes, and with
// visit all of them.
//
// visit is called for every slice, from the left lead on, with the derivatives of G by its sites, row[y][lane]. With
// dG = −dR = −2 Re Σ i r* da and da_mn = χ_m dH ψ_n/t they are Re Σ_n χ'_n ψ_n, χ'_n = −(2/t) Σ_m i r*_mn χ_m. The co-states
// χ_m of the reflection start at x = 0 as well, so that one sweep carries ψ and χ' there and one sum remains.
func (s *Workspace) Reflect(g []float64, visit func(slice int, row []float64)) Verdict {
	psi, chi := s.Ring(0, Direct), s.Ring(1, Transposed)
	at, derive := s.length-1, visit != nil
	if !derive {
		psi.columns = min(probes, psi.columns)
	}
	clear(s.steepest)
	var v Verdict
	for i := s.last; i >= 0; i-- {
		if i == s.last {
			s.Start(psi, s.group.FromLeft, nil, nil)
			a := s.Amplitudes(s.group.FromLeft, psi.At(at))
			v.small = s.reflection(a, g) < tiny
			if derive {
				s.startReflected(chi, a)
			}
		} else {
			s.Advance(psi, i+1, nil, nil, nil)
			if derive {
				s.Advance(chi, i+1, nil, nil, nil)
			}
		}
		if derive && s.doubtOfStates(psi) > derivable { // it can only grow: all that is left to do is to judge G
			derive, psi.columns = false, min(probes, psi.columns)
		}
		for ; derive && at >= s.nodes[i]; at-- {
			visit(at, s.Density(chi, psi, at))
		}
	}
	v.Accurate = !v.small && s.doubtOfProbes(psi) <= reflected
	v.Derivable = v.Accurate && derive && s.doubtOfDerivatives(psi, chi) <= derivable
	return v
}

// startReflected starts the co-states of a reflection from its amplitudes a: i r* = a* − i.
func (s *Workspace) startReflected(chi *Wave, a []float64) {
	s.mix(s.group.FromLeftConj, s.coefficients(a, -2/s.wire.Strip.Hopping, -1i), s.source)
	s.Start(chi, s.source, nil, nil)
}

// Corrected is Reflect with corrected states, for what that did not find right, v. Of a hop's rounding errors the states get
// those that the next hop enlarges once more, the co-states do not: residuals of ψ are some twenty times larger than those of
// χ', and it alone needs correction as a rule. Results that were accurate stay as they are; so do those below tiny.
func (s *Workspace) Corrected(v Verdict, g []float64, visit func(slice int, row []float64)) (Verdict, error) {
	if v.small {
		return v, nil
	}
	psi, err := s.Full(0, Direct)
	if err != nil {
		return v, err
	}
	if err := s.solve(Request{Wave: psi, FromLeft: s.group.FromLeft}); err != nil {
		return v, err
	}
	if !(s.doubt(psi) <= refined) {
		return v, nil
	}
	v.psi = psi
	at := s.length - 1
	a := s.Amplitudes(s.group.FromLeft, psi.At(at))
	if !v.Accurate {
		v.small = s.reflection(a, g) < tiny
		v.Accurate = !v.small
	}
	if !v.Accurate || visit == nil {
		return v, nil
	}
	clear(s.steepest)
	chi := s.Ring(1, Transposed)
	for i := s.last; i >= 0; i-- {
		if i == s.last {
			s.startReflected(chi, a)
		} else {
			s.Advance(chi, i+1, nil, nil, nil)
		}
		for ; at >= s.nodes[i]; at-- {
			visit(at, s.Density(chi, psi, at))
		}
	}
	// What is left in doubt is χ' alone; measured, errors are up to four times the estimate.
	v.Derivable = s.doubtOfDerivatives(psi, chi) <= derivable/4
	return v, nil
}

// Weigh overwrites every slice of a full wave of co-states χ_m by their sums over m with the coefficients of dT = 2 Re Σ t* dt,
// so that dT/dh = Re Σ_n χ_n ψ_n, t the amplitudes of ψ.
func (s *Workspace) Weigh(chi, psi *Wave) {
	coef := s.coefficients(s.Amplitudes(s.group.FromRight, psi.At(0)), 2/s.wire.Strip.Hopping, 0)
	for slice := range s.length {
		s.mix(chi.At(slice), coef, s.scratch)
		copy(chi.At(slice), s.scratch)
	}
}

// mix writes Σ_m a_m coef_mn to one slice of a wave.
func (s *Workspace) mix(a, coef, out []float64) {
	c := s.columns()
	s.k.Mix(s.width, c, c, a, coef, out)
}

// Stored returns refined states ψ of the modes coming in from the left and co-states χ of their transmission, on every slice:
// what to use where Reflect was not good enough.
func (s *Workspace) Stored(v Verdict) (psi, chi *Wave, err error) {
	if chi, err = s.Full(1, Transposed); err != nil {
		return nil, nil, err
	}
	costates := Request{Wave: chi, FromRight: s.group.FromRightConj, Strict: v.small}
	if v.psi != nil && !v.small {
		return v.psi, chi, s.SolveAll(costates)
	}
	if psi, err = s.Full(0, Direct); err != nil {
		return nil, nil, err
	}
	return psi, chi, s.SolveAll(Request{Wave: psi, FromLeft: s.group.FromLeft, Strict: v.small}, costates)
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

// ZeroRow returns Width zeros for every lane, overwritten by Density.
func (s *Workspace) ZeroRow() []float64 {
	clear(s.row)
	return s.row
}

// Density returns Re Σ_n χ_n ψ_n of one slice, [y][lane], overwritten by the next call.
func (s *Workspace) Density(chi, psi *Wave, slice int) []float64 {
	c := s.columns()
	s.k.Density(s.width, c, c, chi.At(slice), psi.At(slice), s.row, s.steepest)
	return s.row
}

// coefficients returns factor·(a* + shift·1) for amplitudes a[m][n]; overwritten by the next call.
func (s *Workspace) coefficients(a []float64, factor float64, shift complex128) []float64 {
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
	s.k.Gram(s.width, c, c, q, psi, out)
	return out
}
