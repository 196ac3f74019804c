package adjoint

import (
	"context"
	"math"
	"math/cmplx"

	"mcd/core/lead"
	"mcd/core/scatter"
)

// FieldDerivative computes the conductances g and dg[k] = dg[k]/dφ_k, each point by its own field (points). The leads' share is
// exact, too (lead.DerivativeF); on a band edge there is no derivative.
func (w *Wire) FieldDerivative(ctx context.Context, onsite, g, dg []float64) error {
	return w.parameter(ctx, onsite, g, dg, true)
}

// EnergyDerivative computes the conductances g and dg[k] = dg[k]/dE_k, each point by its own energy, potential fixed (points).
func (w *Wire) EnergyDerivative(ctx context.Context, onsite, g, dg []float64) error {
	return w.parameter(ctx, onsite, g, dg, false)
}

// parameter differentiates T = Tr(Γ_R A⁻¹ Γ_L A⁻†), Γ = i(Σ − Σ†) = QQ†, by a parameter of the whole wire. With s = Q_R†ψ:
//
//	dT = 2 Re Σ_mn s*_mn χ_mᵀ(dH + dΣ_L + dΣ_R − dE)ψ_n − 2 Im Σ_n ψ_n†dΣ_Rψ_n − 2 Im Σ_m χ_mᵀdΣ_Lχ_m*,
//
// the last two terms from dΓ_R and dΓ_L.
func (w *Wire) parameter(ctx context.Context, onsite, g, dg []float64, byField bool) error {
	if err := scatter.CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	if err := scatter.CheckLength("derivative", len(dg), w.Outputs()); err != nil {
		return err
	}
	return w.Run(ctx, onsite, func(s *scatter.Workspace, group *scatter.Group) error {
		if s.Closed(g) {
			s.Closed(dg)
			return nil
		}
		if err := s.Factor(); err != nil {
			return err
		}
		psi, err := s.Full(0, scatter.Direct)
		if err != nil {
			return err
		}
		chi, err := s.Full(1, scatter.Transposed)
		if err != nil {
			return err
		}
		err = s.SolveAll(scatter.Request{Wave: psi, FromLeft: group.FromLeft, Strict: true},
			scatter.Request{Wave: chi, FromRight: group.FromRightConj, Strict: true})
		if err != nil {
			return err
		}
		s.Conductance(psi, g)
		amplitudes := s.Amplitudes(group.FromRight, psi.At(0))
		for l, p := range group.Points[:group.Unique] {
			le := w.Lead(p)
			d, err := newVariation(ctx, le, byField)
			if err != nil {
				return err
			}
			sum := 0.0
			states := make([][]complex128, le.Modes)
			for n := range states {
				states[n] = s.Extract(psi, n, l)
				sum -= 2 * imag(d.between(conjugated(states[n]), states[n], false, true))
			}
			for m := range le.Modes {
				co := s.Extract(chi, m, l)
				sum -= 2 * imag(d.between(co, conjugated(co), true, false))
				for n := range states {
					at := (m*group.Modes+n)*2*len(group.Points) + l
					t := complex(amplitudes[at], -amplitudes[at+len(group.Points)])
					sum += 2 * real(t*(d.between(co, states[n], true, true)+d.inside(co, states[n])))
				}
			}
			dg[p] = sum
		}
		return nil
	})
}

// variation is the change of A's parts with one parameter, in the gauge of package lead.
type variation struct {
	width   int
	byField bool
	tau     []complex128 // dτ/dφ
	sigma   []complex128 // dΣ_R; dΣ_L is its mirror image
}

func newVariation(ctx context.Context, le *lead.Lead, byField bool) (*variation, error) {
	dE, dField, err := le.DerivativeF(ctx)
	if err != nil {
		return nil, err
	}
	w := le.Width
	d := &variation{width: w, byField: byField, tau: make([]complex128, w), sigma: make([]complex128, w*w)}
	df := dE
	if byField {
		df = dField
	}
	for y := range w {
		ybar := float64(y) - float64(w-1)/2
		sin, cos := math.Sincos(2 * le.Field * ybar)
		tau := complex(-le.Hopping*cos, -le.Hopping*sin)
		if byField {
			d.tau[y] = complex(0, 2*ybar) * tau
		}
		for j := range w { // Σ_R = τF
			d.sigma[y*w+j] = d.tau[y]*le.F[y*w+j] + tau*df[y*w+j]
		}
	}
	return d, nil
}

// between returns aᵀ dΣ b with the self-energy of the left lead, the right lead or both.
func (d *variation) between(a, b []complex128, left, right bool) (sum complex128) {
	w := d.width
	for i := range w {
		for j := range w {
			if left {
				sum += a[i] * d.sigma[(w-1-i)*w+w-1-j] * b[j]
			}
			if right {
				sum += a[len(a)-w+i] * d.sigma[i*w+j] * b[len(b)-w+j]
			}
		}
	}
	return sum
}

// inside returns aᵀ(dH − dE)b.
func (d *variation) inside(a, b []complex128) (sum complex128) {
	if !d.byField {
		for i := range a {
			sum -= a[i] * b[i]
		}
		return sum
	}
	for i := range len(a) - d.width {
		tau := d.tau[i%d.width]
		sum += a[i]*tau*b[i+d.width] + a[i+d.width]*cmplx.Conj(tau)*b[i]
	}
	return sum
}

func conjugated(a []complex128) []complex128 {
	c := make([]complex128, len(a))
	for i, z := range a {
		c[i] = cmplx.Conj(z)
	}
	return c
}
