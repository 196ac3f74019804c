//go:build cgo

package emulation_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"mcd/core/lattice"
	"mcd/core/plan"
	"mcd/cuda/kernels"
	"mcd/cuda/kernels/emulation"

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
					p.run(plan.Budget(s.Length))
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

// compare checks a design against the CPU and returns the largest relative errors of G and J.
func (p *problem) compare(design int, h []float64, tolerance float64) {
	p.t.Helper()
	points, sites := p.strip.Points(), p.strip.Sites()
	g, jac := make([]float64, points), make([]float64, points*sites)
	require.NoError(p.t, p.cpu.Jacobian(context.Background(), h, g, jac))
	require.LessOrEqual(p.t, difference(p.g[design*points:][:points], g), tolerance, "G")
	require.LessOrEqual(p.t, difference(p.jac[design*len(jac):][:len(jac)], jac), tolerance, "J")
}

// bits returns everything that a sweep writes.
func (p *problem) bits() []uint64 {
	var all []uint64
	for _, values := range [][]float64{p.g, p.jac, p.doubt} {
		for _, v := range values {
			all = append(all, math.Float64bits(v))
		}
	}
	for _, s := range p.status {
		all = append(all, uint64(s))
	}
	return all
}

// Results do not depend on the order of threads, nor on the number of slots.
func TestBitIdentical(t *testing.T) {
	for _, size := range [][2]int{{4, 30}, {5, 4}, {8, 2}, {16, 4}, {30, 1}, {30, 4}, {32, 2}, {33, 2}, {40, 4}, {64, 2}, {70, 4}} {
		width, length := size[0], size[1]
		for _, limit := range []float64{kernels.PivotLimit, math.MaxFloat64} { // the second asks for the redo of everything
			t.Run(fmt.Sprintf("%dx%d/%g", length, width, limit), func(t *testing.T) {
				s := strip(length, width, 2)
				h := [][]float64{rough(s, 1, 0.3), rough(s, 2, 0.3), rough(s, 3, 0.3)}
				if width > 33 {
					h = h[:1]
				}
				var first []uint64
				for order := range 3 {
					library.SetOrder(emulation.Order(order), 5)
					p := newProblem(t, s, h...)
					p.sweep.PivotLimit, p.slots = limit, 1+order%2
					p.run(plan.Budget(s.Length))
					if first == nil {
						first = p.bits()
					}
					require.Equal(t, first, p.bits(), "order %d", order)
				}
				library.SetOrder(emulation.Ascending, 0)
			})
		}
	}
}

func TestRedo(t *testing.T) {
	for _, width := range []int{1, 7, 30, 48, 64, 65} {
		for _, length := range []int{1, 2, 9} {
			s := strip(length, width, 3)
			h := rough(s, 3, 0.5)
			p := newProblem(t, s, h)
			p.sweep.PivotLimit = math.MaxFloat64
			p.run(plan.Budget(s.Length))
			for k, n := range p.cpu.Ceiling() {
				require.Equal(t, n > 0, p.status[k]&kernels.Redone != 0)
			}
			p.compare(0, h, 1e-11)
		}
	}
}

// A pivot that is small by construction: slice 0 is a wall, so F there is next to nothing, and the first site of the next slice
// lies at the energy, so that the diagonal of D + F vanishes in its first entry.
func TestPlantedPivot(t *testing.T) {
	for _, width := range []int{2, 30, 33} {
		s := strip(6, width, 3)
		h := rough(s, 4, 0.3)
		for y := range width {
			h[5*width+y] = 300 + float64(y)
		}
		h[4*width] = s.Energies[0]
		p := newProblem(t, s, h)
		p.sweep.PivotLimit = 1e-2
		p.run(0)
		for _, status := range p.status {
			require.NotZero(t, status&kernels.SmallPivot)
			require.NotZero(t, status&kernels.Redone)
		}
		p.compare(0, h, 1e-10)
	}
}

// Behind a barrier conductances of 1e-12 and their derivatives keep their relative accuracy.
func TestSmallConductance(t *testing.T) {
	s := strip(12, 20, 3)
	h := rough(s, 5, 0.1)
	for x := 3; x < 9; x++ {
		for y := range s.Width {
			h[x*s.Width+y] += 12
		}
	}
	p := newProblem(t, s, h)
	p.run(plan.Budget(s.Length))
	for k := range s.Points() {
		require.NotZero(t, p.status[k]&kernels.Small)
		require.Less(t, p.g[k], 1e-6)
	}
	p.compare(0, h, 1e-10)
	// Every point by itself, and every site beside the largest of its slice.
	g, jac := make([]float64, s.Points()), make([]float64, s.Points()*s.Sites())
	require.NoError(t, p.cpu.Jacobian(context.Background(), h, g, jac))
	for k := range g {
		require.InEpsilon(t, g[k], p.g[k], 1e-10)
		require.LessOrEqual(t, difference(p.jac[k*s.Sites():][:s.Sites()], jac[k*s.Sites():][:s.Sites()]), 1e-10)
	}
}

// Isolated sites of enormous energy, which the sweep must not hop over.
func TestWildPotential(t *testing.T) {
	s := strip(20, 30, 2)
	h := rough(s, 6, 0.3)
	for _, i := range []int{65, 66, 200, 411, 599} {
		h[i] = 1e6
	}
	p := newProblem(t, s, h)
	p.run(plan.Budget(s.Length))
	p.compare(0, h, 1e-10)
}

// Without derivatives G has the same bits; closed points have neither.
func TestValue(t *testing.T) {
	s := strip(7, 12, 4)
	s.Energies[1] = -3 // below the band
	h := rough(s, 7, 0.3)
	p, q := newProblem(t, s, h), newProblem(t, s, h)
	p.run(plan.Budget(s.Length))
	q.sweep.Derive, q.sweep.Jacobian = 0, 0
	q.run(plan.Budget(s.Length))
	require.Equal(t, p.g, q.g)
	p.compare(0, h, 1e-10)
	require.Zero(t, p.cpu.Ceiling()[1])
	require.Zero(t, p.g[1])
	require.Equal(t, make([]float64, s.Sites()), p.jac[s.Sites():][:s.Sites()])
}

// Ranges of points give what the whole gives; designs that are not active keep what they had.
func TestRanges(t *testing.T) {
	s := strip(7, 12, 5)
	h := [][]float64{rough(s, 8, 0.3), rough(s, 9, 0.3)}
	whole, parts := newProblem(t, s, h...), newProblem(t, s, h...)
	whole.run(plan.Budget(s.Length))
	sites := s.Sites()
	for _, r := range [][]int32{{0, 1}, {2, 3, 4}} {
		parts.sweep.Order, parts.sweep.First, parts.sweep.Count = put(parts.device, r...), r[0], int32(len(r))
		parts.run(plan.Budget(s.Length))
		for d := range h {
			for i, k := range r {
				require.Equal(t, whole.jac[(d*5+int(k))*sites:][:sites], parts.jac[(d*len(r)+i)*sites:][:sites])
			}
		}
	}
	require.Equal(t, whole.g, parts.g)

	clear(whole.g)
	whole.sweep.Active = put[int32](whole.device, 0, 1)
	whole.run(plan.Budget(s.Length))
	require.Equal(t, make([]float64, 5), whole.g[:5])
	require.Equal(t, parts.g[5:], whole.g[5:])
}

// The nodes are those of the CPU's planner.
func TestNodes(t *testing.T) {
	for _, std := range []float64{0, 0.3, 2, 30} {
		for _, length := range []int{1, 2, 31} {
			s := strip(length, 13, 2)
			s.Energies[1] = 2
			h := rough(s, 10, std)
			p := newProblem(t, s, h)
			p.run(plan.Budget(s.Length))
			potential, nodes := values[float64](p.sweep.Potential, s.Sites()), values[int32](p.sweep.Nodes, length+1)
			for x := range length {
				for y := range s.Width {
					require.InDelta(t, h[x*s.Width+y]/s.Hopping, potential[(length-1-x)*s.Width+y], 1e-15*max(1, std))
				}
			}
			want := plan.NewStrip(length, s.Width).Nodes(potential, s.Energies[0]/s.Hopping, s.Energies[1]/s.Hopping, plan.Budget(s.Length))
			require.EqualValues(t, len(want), nodes[0])
			for i, n := range want {
				require.EqualValues(t, n, nodes[1+i])
			}
		}
	}
}

// Widths beyond the registers.
func TestWide(t *testing.T) {
	widths, lengths := []int{65, 80}, []int{1, 2, 10}
	if testing.Short() {
		widths, lengths = widths[:1], lengths[1:2]
	}
	if os.Getenv("MCD_LARGE") != "" {
		widths = append(widths, 96, 128, 149, 150)
	}
	for _, width := range widths {
		for _, length := range lengths {
			s := strip(length, width, 2)
			h := rough(s, 11, 0.3)
			p := newProblem(t, s, h)
			p.run(plan.Budget(s.Length))
			p.compare(0, h, 1e-10)
		}
	}
}

// A sweep of the size of the paper's.
func TestWholeSweep(t *testing.T) {
	s := strip(30, 30, 101)
	h := rough(s, 12, 0.3)
	p := newProblem(t, s, h)
	begin := time.Now()
	p.run(plan.Budget(s.Length))
	t.Logf("%.2f s", time.Since(begin).Seconds())
	redone := 0
	for _, status := range p.status {
		redone += int(status&kernels.Redone) / kernels.Redone
	}
	require.Less(t, redone, 5)
	p.compare(0, h, 1e-10)
}
