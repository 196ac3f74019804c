package optimize

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// rule is the update of a first-order method: m holds its moments (moments × parameters), t counts from 1; it overwrites
// step with what is added to x.
type rule struct {
	moments int
	update  func(m, g, step []float64, rate float64, t int)
}

// rules are the updates as JAX and Optax define them, which the reference results were computed with.
var rules = map[string]rule{
	// v ← γv + (1−γ)g², x ← x − ηg/√(v + ε) with ε inside the root; γ = 0.9, ε = 1e-8.
	"rmsprop": {1, func(m, g, step []float64, rate float64, _ int) {
		for i, d := range g {
			m[i] = 0.9*m[i] + 0.1*d*d
			step[i] = -rate * d / math.Sqrt(m[i]+1e-8)
		}
	}},
	// Zhuang et al. (2020) in Optax's form: s ← β₂s + (1−β₂)(g−m)² with m before its own update, m ← β₁m + (1−β₁)g,
	// x ← x − ηm̂/(√(ŝ + ε) + ε) with bias-corrected m̂, ŝ; β = (0.9, 0.999), ε = 1e-16.
	"adabelief": {2, func(m, g, step []float64, rate float64, t int) {
		a, b := 1-math.Pow(0.9, float64(t)), 1-math.Pow(0.999, float64(t))
		s := m[len(g):]
		for i, d := range g {
			s[i] = 0.999*s[i] + 0.001*(d-m[i])*(d-m[i])
			m[i] = 0.9*m[i] + 0.1*d
			step[i] = -rate * (m[i] / a) / (math.Sqrt(s[i]/b+1e-16) + 1e-16)
		}
	}},
	// Kingma, Ba (2015): x ← x − ηm̂/(√v̂ + ε), ε = 1e-8.
	"adam": {2, func(m, g, step []float64, rate float64, t int) {
		a, b := 1-math.Pow(0.9, float64(t)), 1-math.Pow(0.999, float64(t))
		v := m[len(g):]
		for i, d := range g {
			m[i] = 0.9*m[i] + 0.1*d
			v[i] = 0.999*v[i] + 0.001*d*d
			step[i] = -rate * (m[i] / a) / (math.Sqrt(v[i]/b) + 1e-8)
		}
	}},
}

// firstOrder steps by a rule, one evaluation an iteration; bounds hold by projection. Steps are always taken, also uphill.
type firstOrder struct {
	rule     rule
	rate     float64
	schedule Schedule

	e       *evaluator
	l       float64
	g, move []float64
	moments []float64
}

func newFirstOrder(o *Options) *firstOrder {
	return &firstOrder{rule: rules[o.Method], rate: o.LearningRate, schedule: o.Schedule}
}

func (f *firstOrder) begin(ctx context.Context, e *evaluator, s *State, fresh bool) (err error) {
	f.e = e
	n := len(s.Point)
	f.g, f.move, f.moments = make([]float64, n), make([]float64, n), make([]float64, f.rule.moments*n)
	if fresh {
		s.Vectors = make([]float64, f.rule.moments*n)
	}
	f.l, err = e.gradient(ctx, s.Point, f.g)
	return err
}

func (f *firstOrder) step(ctx context.Context, e *evaluator, s *State) (stepInfo, error) {
	if math.IsInf(f.l, 1) {
		return stepInfo{}, errStalled
	}
	rate := f.rate * f.schedule.Factor(int(s.Iteration))
	copy(f.moments, s.Vectors)
	f.rule.update(f.moments, f.g, f.move, rate, int(s.Iteration)+1)
	x := slices.Clone(s.Point)
	floats.Add(x, f.move)
	project(x, e.lower, e.upper)
	g := make([]float64, len(x))
	l, err := e.gradient(ctx, x, g)
	if err != nil {
		return stepInfo{}, err
	}
	info := stepInfo{accepted: true, norm: floats.Distance(x, s.Point, 2), damping: rate}
	f.l, f.g = l, g
	copy(s.Point, x)
	copy(s.Vectors, f.moments)
	return info, nil
}

func (f *firstOrder) objective() float64 { return f.l }

func (f *firstOrder) slope(s *State) float64 { return projected(s.Point, f.g, f.e.lower, f.e.upper) }
