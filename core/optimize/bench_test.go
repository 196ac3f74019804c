package optimize

import "testing"

// BenchmarkLevenbergMarquardt is one iteration on the size of the paper, 101 residuals and 900 parameters, without the
// problem's own functions: the optimizer's share of a step.
func BenchmarkLevenbergMarquardt(b *testing.B) {
	base := network(900, 101)
	r, jac := make([]float64, 101), make([]float64, 101*900)
	base.f(start(900), r, jac)
	frozen := &problem{n: 900, m: 101, f: func(_, to, toJac []float64) {
		for k := range r { // falls for ever, so that every step is accepted
			r[k] *= 0.999
		}
		copy(to, r)
		copy(toJac, jac)
	}}
	o := Defaults("lm")
	o.MaxEvaluations, o.MaxIterations, o.StopObjective, o.StepTolerance, o.StallIterations = 0, b.N, -1e9, 0, 0
	if _, err := Minimize(b.Context(), frozen, start(900), o); err != nil {
		b.Fatal(err)
	}
}
