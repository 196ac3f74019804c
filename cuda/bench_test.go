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
	for _, c := range []struct{ size, points, designs int }{{30, 101, 1}, {30, 101, 8}, {30, 101, 32}, {64, 101, 1}, {128, 101, 1}} {
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
	for range 20 { // finds its pace
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
