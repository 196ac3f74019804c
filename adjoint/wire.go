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

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/plan"
	"mcd/core/scatter"
)

// Options of a wire.
type Options = scatter.Options

// Wire is the CPU engine of a uniform strip with derivatives. The embedded scatter.Wire computes values.
//
// Where fronts do it with fewer operations, as on wide strips, values and derivatives by on-site energies are those of fronts;
// everything else is computed by the strip, which takes its memory then.
type Wire struct {
	*scatter.Wire
	fronts *Device // nil where the sweep of the strip has less work

	// The evaluation in progress; kept here, with the function bound once, so that none allocates.
	g, jac, weights []float64
	partial         *memory.Buffer // Gradient: one array of sites for every group
	task            func(s *scatter.Workspace, group *scatter.Group) error
}

var _ scatter.Engine = (*Wire)(nil)

// NewWire prepares a batch of scattering problems on a strip, see scatter.NewWire.
func NewWire(strip lattice.Strip, o Options) (*Wire, error) {
	w, err := scatter.NewIdleWire(strip, o)
	if err != nil {
		return nil, err
	}
	wire := &Wire{Wire: w}
	wire.task = wire.group
	if strip.Width >= plan.NarrowStrip {
		err = wire.tryFronts(o)
	}
	if err == nil && wire.fronts == nil {
		err = w.Prepare()
	}
	if err != nil {
		wire.Close()
		return nil, err
	}
	return wire, nil
}

// tryFronts makes fronts if they have less work than the sweep and fit into the memory.
func (w *Wire) tryFronts(o Options) error {
	l, terminals := w.Device()
	fronts, err := plan.Cached(l.Orbitals, l.Rows, l.Cols, l.Interfaces, l.Positions, l.Dimensions)
	if err != nil || fronts.Work(w.MeanModes()) >= w.Work() {
		return err
	}
	d, err := NewDevice(l, terminals, []scatter.Pair{{To: int(scatter.Right), From: int(scatter.Left)}}, o)
	if err == nil {
		w.fronts = d
	} else if fault.KindOf(err) == fault.Memory {
		err = nil
	}
	return err
}

// Name tells the engine and its kernels.
func (w *Wire) Name() string {
	if w.fronts != nil {
		return w.fronts.Name()
	}
	return w.Wire.Name()
}

// SetThreads sets the number of goroutines, 0 for all processors; results do not depend on it.
func (w *Wire) SetThreads(n int) {
	w.Wire.SetThreads(n)
	if w.fronts != nil {
		w.fronts.SetThreads(n)
	}
}

// Bytes returns the memory that the wire holds.
func (w *Wire) Bytes() int64 {
	if w.fronts != nil {
		return w.Wire.Bytes() + w.fronts.Bytes()
	}
	return w.Wire.Bytes()
}

// Close frees the wire's memory.
func (w *Wire) Close() {
	if w.fronts != nil {
		w.fronts.Close()
	}
	w.Release(w.partial)
	w.partial = nil
	w.Wire.Close()
}

// Value computes the conductances g (points) in e²/h.
func (w *Wire) Value(ctx context.Context, onsite, g []float64) error {
	if w.fronts == nil {
		return w.Wire.Value(ctx, onsite, g)
	}
	if err := w.checkCurve(onsite, g); err != nil {
		return err
	}
	return w.fronts.Value(ctx, onsite, g)
}

// checkCurve checks the arguments of fronts, whose messages speak of devices.
func (w *Wire) checkCurve(onsite, g []float64) error {
	if err := scatter.CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	return w.Strip.ValidateOnsite(onsite)
}

// Jacobian computes the conductances g (points) in e²/h and jac[k][x][y] = ∂g[k]/∂onsite(x, y) (points × Length × Width).
func (w *Wire) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), w.Inputs()*w.Outputs()); err != nil {
		return err
	}
	if w.fronts == nil {
		return w.derivatives(ctx, onsite, g, jac, nil)
	}
	if err := w.checkCurve(onsite, g); err != nil {
		return err
	}
	return w.fronts.Jacobian(ctx, onsite, g, jac)
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
	if w.fronts != nil {
		if err := w.checkCurve(onsite, g); err != nil {
			return err
		}
		return w.fronts.Gradient(ctx, onsite, weights, g, grad)
	}
	if w.partial == nil {
		b, err := w.Take(sites * len(w.Groups))
		if err != nil {
			return err
		}
		w.partial = b
	}
	if err := w.derivatives(ctx, onsite, g, nil, weights); err != nil {
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

// derivatives writes the Jacobian to jac or, if that is nil, every group's share of the weighted sum to partial.
func (w *Wire) derivatives(ctx context.Context, onsite, g, jac, weights []float64) error {
	if err := scatter.CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	w.g, w.jac, w.weights = g, jac, weights
	defer func() { w.g, w.jac, w.weights = nil, nil, nil }()
	return w.Run(ctx, onsite, w.task)
}

// group differentiates the conductances of one group.
//
// The cheap way follows from G = N − R: both ψ and the co-states of the reflection amplitudes start at x = 0, so one sweep
// carries both to the right and rows are ready as it goes.
func (w *Wire) group(s *scatter.Workspace, group *scatter.Group) error {
	if s.Closed(w.g) {
		for slice := range w.Strip.Length {
			w.emit(s, group, slice, s.ZeroRow())
		}
		return nil
	}
	if err := s.Factor(); err != nil {
		return err
	}
	visit := func(slice int, row []float64) { w.emit(s, group, slice, row) }
	v, err := s.Reflect(w.g, visit)
	if err == nil && !v.Derivable {
		v, err = s.Corrected(v, w.g, visit)
	}
	if err != nil || v.Derivable {
		return err
	}
	// Differentiate T = Σ|t|² itself with refined solutions.
	psi, err := s.Transmit(v, w.g)
	if err != nil {
		return err
	}
	return s.Differentiate(v, psi, visit)
}

// emit takes the derivatives by the sites of one slice (counted from the right lead), row[y][lane]. A slice may come twice, the
// last time counts.
func (w *Wire) emit(s *scatter.Workspace, group *scatter.Group, slice int, row []float64) {
	v, width, sites := len(group.Points), w.Strip.Width, w.Inputs()
	at := (w.Strip.Length - 1 - slice) * width
	if w.jac != nil {
		for l, p := range group.Points[:group.Unique] {
			out := w.jac[p*sites+at:][:width]
			for y := range out {
				out[y] = row[y*v+l]
			}
		}
		return
	}
	out := w.partial.Data[s.Index()*sites+at:][:width]
	for y := range out {
		sum := 0.0
		for l, p := range group.Points[:group.Unique] {
			if w.weights == nil {
				sum += row[y*v+l]
			} else {
				sum += w.weights[p] * row[y*v+l]
			}
		}
		out[y] = sum
	}
}
