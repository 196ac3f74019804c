//go:build cuda && cgo

package cuda_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/scatter"
	"mcd/cuda"
)

// The paper's wire and larger ones, for one and many designs; each beside the CPU's time for one design.
func Benchmark(b *testing.B) {
	cases := []struct{ size, points, designs int }{{30, 101, 1}, {30, 101, 8}, {30, 101, 32}, {64, 101, 1}, {128, 101, 1}}
	if !onGPU() {
		cases = cases[:0]
		cases = append(cases, struct{ size, points, designs int }{6, 4, 2})
	}
	for _, c := range cases {
		s := lattice.Strip{Length: c.size, Width: c.size, Hopping: 1, LeadOnsite: 4}
		for k := range c.points {
			s.Fields = append(s.Fields, 0.12*30/float64(c.size)*float64(k)/float64(c.points-1))
			s.Energies = append(s.Energies, 1.2)
		}
		w, err := adjoint.NewWire(s, adjoint.Options{})
		require.NoError(b, err)
		e, err := cuda.NewEngine(w, cuda.Options{})
		require.NoError(b, err)
		sites := w.Inputs()
		batch := cuda.Batch{Onsite: rows(rough(7, c.designs*sites), c.designs), Conductance: rows(nans(c.designs*c.points), c.designs)}
		run := func(what string) {
			b.Run(fmt.Sprintf("%dx%dx%d,%d designs,%s", c.size, c.size, c.points, c.designs, what), func(b *testing.B) {
				for range b.N {
					require.NoError(b, e.Compute(ctx, batch))
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*c.designs), "µs/design")
				b.ReportMetric(float64(e.Redone()), "redone")
			})
		}
		run("value")
		batch.Gradient = rows(nans(c.designs*sites), c.designs)
		run("gradient")
		batch.Gradient, batch.Jacobian = nil, rows(nans(c.designs*c.points*sites), c.designs)
		run("Jacobian")
		b.Run(fmt.Sprintf("%dx%dx%d,%d designs,AdaBelief step", c.size, c.size, c.points, c.designs), func(b *testing.B) { steps(b, e, c.designs) })
		e.Close()
		w.Close()
	}
}

// steps measures AdaBelief steps of free sites towards a skyline; 30,000 of them make the paper's longest run.
func steps(b *testing.B, e *cuda.Engine, designs int) {
	sites := e.Inputs()
	free, err := inverse.Sites{Length: sites, Width: 1, Start: rough(1, sites)}.Build()
	require.NoError(b, err)
	affine, _ := inverse.Affine(free)
	run, err := e.Descend(ctx, &scatter.Descent{Map: affine, Target: slices.Repeat([]float64{3}, e.Outputs()), Rule: "adabelief", Rate: 1e-2,
		StopObjective: math.Inf(-1), Points: rough(7, designs*sites), Moments: make([]float64, 2*designs*sites), Iterations: make([]int64, designs)})
	require.NoError(b, err)
	defer run.Close()
	paces := 20
	if !onGPU() {
		paces = 2
	}
	for range paces { // finds its pace
		_, err := run.Advance(ctx, 1000)
		require.NoError(b, err)
	}
	b.ResetTimer()
	for n := b.N; n > 0; {
		s, err := run.Advance(ctx, n)
		require.NoError(b, err)
		require.Positive(b, s.Steps[0])
		n -= int(s.Steps[0])
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*designs), "µs/design")
}

// BenchmarkSearch measures whole searches for the paper's wire: Levenberg–Marquardt from eight starts to a curve that can be
// reached, and AdaBelief for 30,000 steps towards a plateau.
func BenchmarkSearch(b *testing.B) {
	size, points, steps := 30, 101, 30000
	if !onGPU() {
		size, points, steps = 5, 4, 30
	}
	s := lattice.Strip{Length: size, Width: size, Hopping: 1, LeadOnsite: 4}
	for k := range points {
		s.Fields, s.Energies = append(s.Fields, 0.12*float64(k)/float64(points-1)), append(s.Energies, 1.2)
	}
	w, err := adjoint.NewWire(s, adjoint.Options{})
	require.NoError(b, err)
	defer w.Close()
	e, err := cuda.NewEngine(w, cuda.Options{})
	require.NoError(b, err)
	defer e.Close()
	sites, err := inverse.Sites{Length: size, Width: size, Start: rough(1, size*size)}.Build()
	require.NoError(b, err)
	reachable := make([]float64, points)
	require.NoError(b, w.Value(ctx, rough(2, size*size), reachable))
	for _, c := range []struct {
		name, method        string
		target              []float64
		starts, evaluations int
	}{{"8 starts", "lm", reachable, 8, 0}, {fmt.Sprint(steps, " steps"), "adabelief", slices.Repeat([]float64{2.5}, points), 1, steps + 1}} {
		b.Run(fmt.Sprintf("%dx%dx%d,%s,%s", size, size, points, c.method, c.name), func(b *testing.B) {
			evaluations, worst := 0, math.Inf(-1)
			for range b.N {
				p, err := inverse.NewProblem(inverse.Setup{Engine: e, Strip: &s, Target: c.target, Parametrization: sites})
				require.NoError(b, err)
				o := inverse.DefaultDesign(c.method)
				o.Starts, o.MaxEvaluations = c.starts, c.evaluations
				r, err := inverse.Design(ctx, p, o)
				require.NoError(b, err)
				evaluations = r.TotalEvaluations
				for _, out := range r.Outcomes {
					worst = max(worst, out.Objective)
				}
			}
			b.ReportMetric(float64(evaluations), "evaluations")
			b.ReportMetric(worst, "worst_L")
		})
	}
}
