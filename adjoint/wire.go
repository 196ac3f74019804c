// Package adjoint turns scattering states ψ and co-states χ into exact derivatives.
//
// With A = E − H − Σ_L − Σ_R, Aψ_n = Q_n and Aᵀχ_m = P_mᵀ, an amplitude t_mn = P_m A⁻¹ Q_n changes by
//
//	dt_mn = χ_mᵀ dH ψ_n,   so   dG/dh_i = 2 Re Σ_mn t*_mn χ_m(i) ψ_n(i)
//
// for G = Σ|t|²: all derivatives of all points of a sweep cost one more solve, no tape and no traced solver.
package adjoint

import (
	"context"

	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// Options of a wire.
type Options = scatter.Options

// Wire is the CPU engine of a uniform strip with derivatives. The embedded scatter.Wire computes values.
type Wire struct {
	*scatter.Wire
	partial *memory.Buffer // Gradient: one array of sites for every group
}

var _ scatter.Engine = (*Wire)(nil)

// NewWire prepares a batch of scattering problems on a strip, see scatter.NewWire.
func NewWire(strip lattice.Strip, o Options) (*Wire, error) {
	w, err := scatter.NewWire(strip, o)
	if err != nil {
		return nil, err
	}
	return &Wire{Wire: w}, nil
}

// Close frees the wire's memory.
func (w *Wire) Close() {
	w.partial.Free()
	w.Wire.Close()
}

// Jacobian computes the conductances g (points) in e²/h and jac[k][x][y] = ∂g[k]/∂onsite(x, y) (points × Length × Width).
func (w *Wire) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	sites := w.Inputs()
	if err := scatter.CheckLength("jacobian", len(jac), sites*w.Outputs()); err != nil {
		return err
	}
	return w.derivatives(ctx, onsite, g, func(group *scatter.Group, _ int, x int, row []float64) {
		v, width := len(group.Points), w.Strip.Width
		for l := range group.Unique {
			out := jac[group.Points[l]*sites+x*width:][:width]
			for y := range out {
				out[y] = row[y*v+l]
			}
		}
	})
}

// Gradient computes the conductances g (points) and grad[x][y] = Σ_k weights[k]·∂g[k]/∂onsite(x, y) (Length × Width);
// weights nil means all ones.
func (w *Wire) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	sites := w.Inputs()
	if err := scatter.CheckLength("gradient", len(grad), sites); err != nil {
		return err
	}
	if weights != nil {
		if err := scatter.CheckLength("weights", len(weights), w.Outputs()); err != nil {
			return err
		}
	}
	if w.partial == nil {
		b, err := memory.New(sites * len(w.Groups))
		if err != nil {
			return err
		}
		w.partial = b
	}
	err := w.derivatives(ctx, onsite, g, func(group *scatter.Group, index, x int, row []float64) {
		v, width := len(group.Points), w.Strip.Width
		out := w.partial.Data[index*sites+x*width:][:width]
		for y := range out {
			sum := 0.0
			for l, p := range group.Points[:group.Unique] {
				if weights == nil {
					sum += row[y*v+l]
				} else {
					sum += weights[p] * row[y*v+l]
				}
			}
			out[y] = sum
		}
	})
	if err != nil {
		return err
	}
	clear(grad)
	for i := range w.Groups { // in this order whatever the number of threads
		for j, d := range w.partial.Data[i*sites:][:sites] {
			grad[j] += d
		}
	}
	return nil
}

// derivatives computes g and calls emit with ∂g/∂onsite of slice x for every group (index), row[y][lane]. emit may be called
// again for the same slice, the last call counts.
//
// The cheap way follows from G = N − R: both ψ and the co-states of the reflection amplitudes start at x = 0, so one sweep
// carries both to the right and rows are ready as it goes.
func (w *Wire) derivatives(ctx context.Context, onsite, g []float64, emit func(group *scatter.Group, index, x int, row []float64)) error {
	if err := scatter.CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	return w.Run(ctx, onsite, func(s *scatter.Workspace, group *scatter.Group) error {
		send := func(slice int, row []float64) { emit(group, s.Index(), w.Strip.Length-1-slice, row) }
		if s.Closed(g) {
			row := s.ZeroRow()
			for x := range w.Strip.Length {
				send(x, row)
			}
			return nil
		}
		if err := s.Factor(); err != nil {
			return err
		}
		// dG = −dR = −2 Re Σ i r* da with r = ia − 1, and i r* = a* − i (the last on the diagonal).
		var coef []float64
		accurate, smallest := s.Reflect(g, func(a []float64, psi, chi *scatter.Wave, slice int) {
			if slice == w.Strip.Length-1 {
				coef = s.Coefficients(a, -2/w.Strip.Hopping, -1i)
			}
			send(slice, s.Reduce(coef, chi, psi, slice))
		})
		if accurate && smallest >= scatter.Small {
			return nil
		}
		return w.stored(s, group, g, smallest < scatter.Small, send)
	})
}

// stored differentiates T = Σ|t|² itself with refined solutions.
func (w *Wire) stored(s *scatter.Workspace, group *scatter.Group, g []float64, strict bool, send func(int, []float64)) error {
	psi, err := s.Full(0, scatter.Direct)
	if err != nil {
		return err
	}
	chi, err := s.Full(1, scatter.Transposed)
	if err != nil {
		return err
	}
	err = s.SolveAll(scatter.Request{Wave: &psi, FromLeft: group.FromLeft, Strict: strict},
		scatter.Request{Wave: &chi, FromRight: group.FromRightConj, Strict: strict})
	if err != nil {
		return err
	}
	s.Conductance(&psi, g)
	coef := s.Coefficients(s.Amplitudes(group.FromRight, psi.At(0)), 2/w.Strip.Hopping, 0)
	for slice := range w.Strip.Length {
		send(slice, s.Reduce(coef, &chi, &psi, slice))
	}
	return nil
}
