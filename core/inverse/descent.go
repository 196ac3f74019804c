package inverse

import (
	"context"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// Affine describes a parametrization as quantities base + Tθ (see scatter.Affine), false for one that is not made of sites, gates
// or Gaussians.
func Affine(p Parametrization) (a scatter.Affine, ok bool) {
	if g, is := unconstrained(p).(*gaussians); is {
		return g.affine(p), true
	}
	if !linear(p) {
		return a, false
	}
	n, sites := p.Parameters(), p.Sites()
	a.Parameters, a.Base, a.Start = n, make([]float64, sites), []int32{0}
	p.Onsite(make([]float64, n), a.Base)
	// T is what Pull makes of the unit matrix, some rows at a time.
	const rows = 32
	unit, slopes := make([]float64, rows*sites), make([]float64, rows*n)
	for first := 0; first < sites; first += rows {
		count := min(rows, sites-first)
		clear(unit)
		for i := range count {
			unit[i*sites+first+i] = 1
		}
		p.Pull(make([]float64, n), unit[:count*sites], count, slopes[:count*n])
		for i := range count {
			a.Row(slopes[i*n : (i+1)*n])
		}
	}
	return a, true
}

func unconstrained(p Parametrization) Parametrization {
	if t, is := p.(*tied); is {
		return unconstrained(t.base)
	}
	return p
}

// linear tells whether on-site energies are base + Tθ.
func linear(p Parametrization) bool {
	switch q := unconstrained(p).(type) {
	case *sites, *gates, frozen:
		return true
	case *sum:
		for _, part := range q.parts {
			if !linear(part) {
				return false
			}
		}
		return true
	}
	return false
}

// affine describes Gaussians, p being g itself or g under constraints.
func (g *gaussians) affine(p Parametrization) (a scatter.Affine) {
	a.Gaussians, a.Parameters, a.Background, a.Start = true, p.Parameters(), g.background, []int32{0}
	theta, slopes := make([]float64, a.Parameters), make([]float64, a.Parameters)
	quantity := func(theta []float64, q, d int) float64 {
		v, _ := GaussianQuantities(p, theta)
		return v[q][d]
	}
	for d := range g.value[0] {
		for q := range gaussianNames {
			a.Base = append(a.Base, quantity(theta, q, d))
			for j := range slopes { // 0 or 1: a quantity is fixed or one of the parameters
				theta[j] = 1
				slopes[j] = 0
				if moved := quantity(theta, q, d); moved != a.Base[len(a.Base)-1] {
					slopes[j] = moved
				}
				theta[j] = 0
			}
			a.Row(slopes)
		}
	}
	return a
}

var _ optimize.Descender = (*Problem)(nil)

// Descend lets the engine take the steps of a first-order method, if it can: see optimize.Descender.
func (p *Problem) Descend(ctx context.Context, o *optimize.Options, s *optimize.State) (optimize.Descent, error) {
	engine, can := p.setup.Engine.(scatter.Descender)
	if !can {
		return nil, fault.New(fault.Unsupported, "the engine does not take steps itself")
	}
	d := &scatter.Descent{Lower: p.lower, Upper: p.upper, Target: p.setup.Target, Weights: p.setup.Weights, Loss: p.setup.Loss.Name,
		LossScale: p.setup.Loss.Scale, Rule: o.Method, Rate: o.LearningRate, StopObjective: o.StopObjective, Points: s.Point,
		Moments: s.Vectors, Iterations: []int64{s.Iteration}}
	var known bool
	if d.Map, known = Affine(p.setup.Parametrization); !known || len(p.setup.Regularizers) > 1 {
		return nil, fault.New(fault.Unsupported, "the engine does not know the parametrization")
	}
	for _, r := range p.setup.Regularizers {
		smooth, is := r.(Smoothness)
		if !is || p.setup.Strip == nil || smooth.Width != p.setup.Strip.Width {
			return nil, fault.New(fault.Unsupported, "the engine does not know the regularizer")
		}
		d.Smoothness = smooth.Weight
	}
	for _, entry := range o.Schedule {
		d.ScheduleSteps, d.ScheduleFactors = append(d.ScheduleSteps, int64(entry.Step)), append(d.ScheduleFactors, entry.Factor)
	}
	run, err := engine.Descend(ctx, d)
	if err != nil {
		return nil, err
	}
	return &descent{run}, nil
}

// descent is the one run of an engine's.
type descent struct{ scatter.Descending }

func (d *descent) Advance(ctx context.Context, n int) (*optimize.Stretch, error) {
	s, err := d.Descending.Advance(ctx, n)
	if err != nil {
		return nil, err
	}
	return &optimize.Stretch{Objectives: s.Objectives[0], Objective: s.Objective[0], Point: s.Points, Vectors: s.Moments, Best: s.BestPoints,
		BestObjective: s.Best[0], StepNorm: s.StepNorm[0], Slope: s.Peak[0], Stalled: s.Stalled[0]}, nil
}
