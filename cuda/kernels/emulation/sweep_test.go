//go:build cgo

package emulation_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"mcd/core/lattice"
	"mcd/cuda/kernels"

	"github.com/stretchr/testify/require"
)

func strip(length, width, points int) lattice.Strip {
	s := lattice.Strip{Length: length, Width: width, Hopping: 1.3, LeadOnsite: 5.2}
	for k := range points {
		s.Fields = append(s.Fields, 0.12*float64(k)/float64(max(points-1, 1)))
		s.Energies = append(s.Energies, 1.2*1.3)
	}
	return s
}

func rough(s lattice.Strip, seed uint64, std float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 7))
	h := make([]float64, s.Sites())
	for i := range h {
		h[i] = s.LeadOnsite + std*r.NormFloat64()
	}
	return h
}

// difference returns the largest |a − b| relative to the largest |b|.
func difference(a, b []float64) float64 {
	worst, size := 0.0, 0.0
	for i := range b {
		d := math.Abs(a[i] - b[i])
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		worst, size = max(worst, d), max(size, math.Abs(b[i]))
	}
	if worst == 0 {
		return 0
	}
	return worst / size
}

func TestAgainstCPU(t *testing.T) {
	for _, width := range []int{4, 8, 16, 30, 32, 33, 64} {
		for _, length := range []int{1, 2, 30} {
			for _, designs := range []int{1, 3} {
				t.Run(fmt.Sprintf("%dx%dx%d", length, width, designs), func(t *testing.T) {
					s := strip(length, width, 3)
					var h [][]float64
					for d := range designs {
						h = append(h, rough(s, uint64(d), 0.3))
					}
					p := newProblem(t, s, h...)
					p.run(kernels.Budget)
					g, jac := make([]float64, 3), make([]float64, 3*s.Sites())
					for d := range designs {
						require.NoError(t, p.cpu.Jacobian(context.Background(), h[d], g, jac))
						dg, dj := difference(p.g[d*3:][:3], g), difference(p.jac[d*len(jac):][:len(jac)], jac)
						t.Log(p.cpu.Ceiling(), p.status[d*3:][:3], dg, dj, p.doubt[d*3:][:3])
						require.Less(t, dg, 1e-10)
						require.Less(t, dj, 1e-10)
					}
				})
			}
		}
	}
}
