package scatter

import (
	"context"
	"math"

	"mcd/core/fault"
	"mcd/core/parallel"
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
	v, err := s.Reflect(w.g, nil)
	if err == nil && !v.Accurate {
		v, err = s.Corrected(v, w.g, nil)
	}
	if err != nil || v.Accurate {
		return err
	}
	_, err = s.Transmit(v, w.g)
	return err
}

// Verdict says how far the states of Reflect can be trusted.
type Verdict struct {
	// Accurate: G is right; Derivable: so are derivatives from ψ and χ.
	Accurate, Derivable bool
	// small: a conductance lies below tiny, where N − R has lost too many digits.
	small bool
	// kept: Reflect has left the residuals of ψ and χ' in the workspace's sources; both: χ' needs correction as well.
	kept, both bool
}

// cached is the number of values that fit a second-level cache. Residuals are kept where the maps of the nodes do not; elsewhere
// they would take room from them, and few groups need them. Tests set Workspace.cached.
const cached = 1 << 18

// Reflect writes the conductance G = N − R, R = Σ|r|², r = ia − 1 up to a unitary with a = q†A⁻¹q, which needs ψ at x = 0
// alone and is right to about 5e-13, better than a transmission amplitude at the other end of the sweep. Then it carries states
// ψ of the modes coming in from the left to the right, so that their residual vouches for what was found: the probes, and with
// visit all of them.
//
// visit is called for every slice, from the left lead on, with the derivatives of G by its sites, row[y][lane]. With
// dG = −dR = −2 Re Σ i r* da and da_mn = χ_m dH ψ_n/t they are Re Σ_n χ'_n ψ_n, χ'_n = −(2/t) Σ_m i r*_mn χ_m. The co-states
// χ_m of the reflection start at x = 0 as well, so that one sweep carries ψ and χ' there and one sum remains.
func (s *Workspace) Reflect(g []float64, visit func(slice int, row []float64)) (Verdict, error) {
	psi, chi := s.Ring(0, Direct), s.Ring(1, Transposed)
	at, derive := s.length-1, visit != nil
	v := Verdict{kept: derive && len(s.nodes)*len(s.m) > s.cached}
	rest := func(int, int) []float64 { return nil }
	if v.kept {
		switch err := s.makeSources(); {
		case err == nil:
			rest = func(of, i int) []float64 { return s.sources[of].at(s.sources[of].b, i) }
		case fault.KindOf(err) == fault.Memory: // a correction needs them, a sweep that is right does not
			v.kept = false
		default:
			return v, err
		}
	}
	if !derive {
		psi.columns = min(probes, psi.columns)
	}
	for i := s.last; i >= 0; i-- {
		if i == s.last {
			s.Start(psi, s.group.FromLeft, nil, rest(0, i))
			a := s.Amplitudes(s.group.FromLeft, psi.At(at))
			if v.small = s.reflection(a, g) < tiny; v.small {
				return v, nil
			}
			if derive {
				s.startReflected(chi, a, rest(1, i))
			}
		} else {
			s.Advance(psi, i+1, nil, nil, rest(0, i))
			if derive {
				s.Advance(chi, i+1, nil, nil, rest(1, i))
			}
		}
		if derive && !v.kept && s.doubtOfStates(psi, psi) > derivable { // it can only grow: all that is left to do is to judge G
			derive, psi.columns = false, min(probes, psi.columns)
		}
		for ; derive && at >= s.nodes[i]; at-- {
			visit(at, s.Density(chi.At(at), psi.At(at)))
		}
	}
	v.Accurate = s.doubtOfProbes(psi) <= reflected
	v.both = v.kept && s.doubtOfCostates(psi, chi, chi) > derivable/5
	v.Derivable = v.Accurate && derive && s.doubtOfDerivatives(psi, chi, psi, chi) <= derivable
	return v, nil
}

// startReflected starts the co-states of a reflection from its amplitudes a: i r* = a* − i.
func (s *Workspace) startReflected(chi *Wave, a, rest []float64) {
	s.reflected(a, -1i)
	s.Start(chi, s.source, nil, rest)
}

// reflected writes the source of the co-states of a reflection, for the coefficients a* + shift.
func (s *Workspace) reflected(a []float64, shift complex128) {
	s.mix(s.group.FromLeftConj, s.coefficients(a, -2/s.wire.Strip.Hopping, shift), s.source)
}

// Corrected is Reflect with corrected states, and co-states where they need it, for what that did not find right, v. From the
// residuals at the nodes, the sources of δψ and δχ, particular solutions are carried to the left; then ψ + δψ and χ + δχ go to the
// right, ψ and χ with the same bits as before, so that no wave is stored. What one correction leaves is rounding, since it is as
// accurate, relative to itself, as a sweep. Of a hop's rounding errors the states get those that the next hop enlarges once more,
// the co-states do not: residuals of ψ are some twenty times larger than those of χ', and on short wires it alone is corrected.
// Results that were accurate stay as they are; so do those below tiny.
func (s *Workspace) Corrected(v Verdict, g []float64, visit func(slice int, row []float64)) (Verdict, error) {
	if v.small {
		return v, nil
	}
	derive, both := visit != nil, v.both
	psi, chi, dpsi, dchi := s.Ring(0, Direct), s.Ring(1, Transposed), s.Ring(2, Direct), s.Ring(3, Transposed)
	ofPsi, ofChi := &s.sources[0], &s.sources[1]
	if !v.kept {
		if err := s.makeSources(); err != nil {
			return v, err
		}
		clear(ofPsi.b)
		copy(ofPsi.at(ofPsi.b, s.last), s.group.FromLeft)
		ofPsi.fromLeft = true
		if err := s.sweep(psi, ofPsi, nil); err != nil {
			return v, err
		}
	}
	clear(ofPsi.at(ofPsi.p, 0))
	clear(ofChi.at(ofChi.p, 0))
	for i := 1; i <= s.last; i++ {
		if err := parallel.Cancelled(s.ctx); err != nil {
			return v, err
		}
		s.carry(Direct, ofPsi, i)
		if both {
			s.carry(Transposed, ofChi, i)
		}
	}
	at := s.length - 1
	for i := s.last; i >= 0; i-- {
		if err := parallel.Cancelled(s.ctx); err != nil {
			return v, err
		}
		b, p := ofPsi.at(ofPsi.b, i), ofPsi.at(ofPsi.p, i)
		source, particular := ofChi.at(ofChi.b, i), ofChi.at(ofChi.p, i)
		if i == s.last {
			s.Start(dpsi, b, p, b)
			if derive {
				s.Start(psi, s.group.FromLeft, nil, nil)
			}
			if both { // χ as before; its source changes with the amplitudes
				s.startReflected(chi, s.Amplitudes(s.group.FromLeft, psi.At(at)), nil)
				s.reflected(s.Amplitudes(s.group.FromLeft, dpsi.At(at)), 0)
				s.add(source, 1, s.source)
				s.Start(dchi, source, particular, source)
			}
			first := s.source
			copy(first, s.group.FromLeft)
			s.k.SolveLeft(s.width, s.ld, s.a, s.pivotsA, s.columns(), s.columns(), first)
			s.add(first, 1, dpsi.At(at))
			a := s.Amplitudes(s.group.FromLeft, first)
			if !v.Accurate {
				if v.small = s.reflection(a, g) < tiny; v.small {
					return v, nil
				}
			}
			if derive && !both {
				s.startReflected(chi, a, nil)
			}
		} else {
			s.Advance(dpsi, i+1, b, p, b)
			if derive {
				s.Advance(psi, i+1, nil, nil, nil)
				s.Advance(chi, i+1, nil, nil, nil)
			}
			if both {
				s.Advance(dchi, i+1, source, particular, source)
			}
		}
		for ; derive && at >= s.nodes[i]; at-- {
			s.k.Add(s.width*s.columns(), 1, psi.At(at), dpsi.At(at), s.scratch)
			co := chi.At(at)
			if both {
				s.k.Add(s.width*s.columns(), 1, co, dchi.At(at), s.source)
				co = s.source
			}
			visit(at, s.Density(co, s.scratch))
		}
	}
	v.Accurate = v.Accurate || s.settled(psi, dpsi)
	switch {
	case both:
		v.Derivable = v.Accurate && s.doubtOfDerivatives(psi, chi, dpsi, dchi) <= derivable
	case derive: // what is left in doubt is χ' alone; measured, errors are up to four times the estimate
		v.Derivable = v.Accurate && s.doubtOfDerivatives(psi, chi, dpsi, chi) <= derivable/4
	}
	return v, nil
}

// mix writes Σ_m a_m coef_mn to one slice of a wave.
func (s *Workspace) mix(a, coef, out []float64) {
	c := s.columns()
	s.k.Mix(s.width, c, c, a, coef, out)
}

// Transmit solves for what Corrected did not find right: it returns refined states ψ of the modes coming in from the left, on every
// slice, and writes their conductance T = Σ|t|² unless g was accurate.
func (s *Workspace) Transmit(v Verdict, g []float64) (psi *Wave, err error) {
	if psi, err = s.Full(0, Direct); err != nil {
		return nil, err
	}
	if err = s.SolveAll(Request{Wave: psi, FromLeft: s.group.FromLeft, Strict: v.small}); err != nil {
		return nil, err
	}
	if !v.Accurate { // else g stays what Value computes, bit for bit
		s.Conductance(psi, g)
	}
	return psi, nil
}

// Differentiate visits every slice with the derivatives of T = Σ|t|² from the states of Transmit. With dt_mn = χ_m dH ψ_n/t they
// are Re Σ_n χ'_n ψ_n, χ'_n = (2/t) Σ_m t*_mn χ_m, one solve for the source of χ'. For that, the largest coefficient of a lane
// is made one: the bounds on errors are for waves of that size.
func (s *Workspace) Differentiate(v Verdict, psi *Wave, visit func(slice int, row []float64)) error {
	chi, err := s.Full(1, Transposed)
	if err != nil {
		return err
	}
	coef := s.coefficients(s.Amplitudes(s.group.FromRight, psi.At(0)), 2/s.wire.Strip.Hopping, 0)
	clear(s.weight)
	for i, x := range coef {
		s.weight[i%s.lanes] = math.Max(s.weight[i%s.lanes], math.Abs(x))
	}
	for i := range coef {
		if w := s.weight[i%s.lanes]; w > 0 {
			coef[i] /= w
		}
	}
	s.mix(s.group.FromRightConj, coef, s.source)
	if err := s.SolveAll(Request{Wave: chi, FromRight: s.source, Strict: v.small}); err != nil {
		return err
	}
	for slice := range s.length {
		row := s.Density(chi.At(slice), psi.At(slice))
		for i := range row {
			row[i] *= s.weight[i%s.lanes]
		}
		visit(slice, row)
	}
	return nil
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

// Density returns Re Σ_n χ_n ψ_n of one slice of two waves, [y][lane], overwritten by the next call.
func (s *Workspace) Density(chi, psi []float64) []float64 {
	c := s.columns()
	s.k.Density(s.width, c, c, chi, psi, s.row)
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
