//go:build cuda && cgo

package cuda_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/lattice"
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
		batch := cuda.Batch{Designs: c.designs, Onsite: rough(7, c.designs*sites), Conductance: nans(c.designs * c.points)}
		run := func(what string) {
			b.Run(fmt.Sprintf("%dx%dx%d,%d designs,%s", c.size, c.size, c.points, c.designs, what), func(b *testing.B) {
				for range b.N {
					require.NoError(b, e.Batch(ctx, batch))
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*c.designs), "µs/design")
				b.ReportMetric(float64(e.Redone()), "redone")
			})
		}
		run("value")
		batch.Gradient = nans(c.designs * sites)
		run("gradient")
		batch.Gradient, batch.Jacobian = nil, nans(c.designs*c.points*sites)
		run("Jacobian")
		e.Close()
		w.Close()
	}
}
