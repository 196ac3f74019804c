package plan

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newFronts(t testing.TB, n int, rows, cols []int, leads [][]int, positions []float64, dim int) *Fronts {
	f, err := NewFronts(n, rows, cols, leads, positions, dim)
	require.NoError(t, err)
	return f
}

func cached(t testing.TB, n int, rows, cols []int, leads [][]int, positions []float64, dim int) *Fronts {
	f, err := Cached(n, rows, cols, leads, positions, dim)
	require.NoError(t, err)
	return f
}

// grid returns the nearest-neighbour pattern of a length × width grid, leads at its two ends, and its coordinates.
func grid(length, width int) (n int, rows, cols []int, leads [][]int, positions []float64) {
	join := func(i, j int) { rows, cols = append(rows, i, j), append(cols, j, i) }
	leads = make([][]int, 2)
	for x := range length {
		for y := range width {
			i := x*width + y
			positions = append(positions, float64(x), float64(y))
			if x+1 < length {
				join(i, i+width)
			}
			if y+1 < width {
				join(i, i+1)
			}
		}
	}
	for y := range width {
		leads[0], leads[1] = append(leads[0], y), append(leads[1], (length-1)*width+y)
	}
	return length * width, rows, cols, leads, positions
}

// requireSound checks that the plan holds every entry of A and all fill, found by eliminating the pattern one by one.
func requireSound(t *testing.T, f *Fronts, rows, cols []int, leads [][]int) {
	t.Helper()
	n := len(f.Order)
	sorted := slices.Clone(f.Order)
	slices.Sort(sorted)
	require.Equal(t, len(slices.Compact(sorted)), n)
	fill := make([]map[int32]bool, n)
	for i := range fill {
		fill[i] = map[int32]bool{}
	}
	join := func(i, j int32) {
		if i >= 0 && j >= 0 && i != j {
			fill[min(i, j)][max(i, j)] = true
		}
	}
	for k := range rows {
		join(f.Position[rows[k]], f.Position[cols[k]])
	}
	for _, orbitals := range leads {
		for _, i := range orbitals {
			for _, j := range orbitals {
				join(f.Position[i], f.Position[j])
			}
		}
	}
	next := 0
	for i, front := range f.Fronts {
		require.Equal(t, next, front.First)
		next += front.Pivots
		require.True(t, slices.IsSorted(front.Boundary))
		for _, c := range front.Children {
			require.Less(t, int(c), i)
			require.Equal(t, i, f.Fronts[c].Parent)
		}
		holds := func(p int32) bool {
			return int(p) < front.First+front.Pivots || slices.Contains(front.Boundary, p)
		}
		for p := front.First; p < next; p++ {
			require.EqualValues(t, i, f.Owner[p])
			for q := range fill[p] {
				require.True(t, holds(q), "front %d lacks (%d, %d)", i, p, q)
				for r := range fill[p] {
					join(q, r)
				}
			}
		}
		if front.Parent < 0 {
			require.Empty(t, front.Boundary)
			continue
		}
		parent := f.Fronts[front.Parent]
		for k, q := range front.Boundary {
			at := int(front.Map[k])
			if at < parent.Pivots {
				require.EqualValues(t, q, parent.First+at)
			} else {
				require.Equal(t, q, parent.Boundary[at-parent.Pivots])
			}
		}
	}
	require.Equal(t, n, next)
}

func TestFrontsHoldAllFill(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 7}, {7, 1}, {9, 8}, {30, 12}, {25, 24}} {
		n, rows, cols, leads, positions := grid(size[0], size[1])
		for _, dim := range []int{0, 2} {
			f := newFronts(t, n, rows, cols, leads, positions[:n*dim], dim)
			assert.Len(t, f.Order, n)
			requireSound(t, f, rows, cols, leads)
			g := newGraph(n, rows, cols, leads)
			g.reach(leads)
			requireSound(t, analyse(g, minimumDegree(g, dissect(g, positions, dim)), ""), rows, cols, leads)
		}
	}
}

func TestFrontsOfRandomGraphs(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 0))
		n := 1 + r.IntN(400)
		var rows, cols []int
		for range r.IntN(3*n + 1) {
			rows, cols = append(rows, r.IntN(n)), append(cols, r.IntN(n))
		}
		leads := [][]int{r.Perm(n)[:1+r.IntN(min(n, 5))]}
		f := newFronts(t, n, rows, cols, leads, nil, 0)
		requireSound(t, f, rows, cols, leads)
		for v, p := range f.Position {
			if p >= 0 {
				require.EqualValues(t, v, f.Order[p])
			}
		}
	}
}

func TestFrontsLeaveOutIslands(t *testing.T) {
	f := newFronts(t, 5, []int{0, 1, 3, 4}, []int{1, 0, 4, 3}, [][]int{{1}}, nil, 0)
	assert.ElementsMatch(t, []int32{0, 1}, f.Order)
	assert.Equal(t, []int32{-1, -1, -1}, f.Position[2:])
}

// Nested dissection of a square grid needs about 31 n² log₂ n / 4 elements; a band order n³.
func TestFrontsAreSparse(t *testing.T) {
	n, rows, cols, leads, positions := grid(60, 60)
	for _, dim := range []int{0, 2} {
		f := newFronts(t, n, rows, cols, leads, positions[:n*dim], dim)
		assert.Less(t, f.Factors, 60*60*60, "%d", dim)
		assert.Less(t, f.Multiply, float64(60*60*60*60)/3, "%d", dim)
	}
}

// The stack is as long as the sweep over the fronts needs it.
func TestFrontsStack(t *testing.T) {
	n, rows, cols, leads, _ := grid(40, 11)
	f := newFronts(t, n, rows, cols, leads, nil, 0)
	waiting, peak := 0, 0
	for _, front := range f.Fronts {
		b := len(front.Boundary)
		peak = max(peak, waiting+b*b)
		for _, c := range front.Children {
			k := len(f.Fronts[c].Boundary)
			waiting -= k * k
		}
		waiting += b * b
	}
	assert.Equal(t, peak, f.Stack)
}

func BenchmarkFronts(b *testing.B) {
	for _, size := range []int{30, 100, 200} {
		n, rows, cols, leads, positions := grid(size, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				newFronts(b, n, rows, cols, leads, positions, 2)
			}
		})
	}
}

func TestCachedPlansOnce(t *testing.T) {
	n, rows, cols, leads, positions := grid(9, 9)
	first := cached(t, n, rows, cols, leads, positions, 2)
	assert.Same(t, first, cached(t, n, rows, cols, leads, positions, 2))
	assert.NotSame(t, first, cached(t, n, rows, cols, leads, nil, 0))
	assert.NotSame(t, first, cached(t, n, rows, cols, leads[:1], positions, 2))
	for k := range kept {
		cached(t, 2+k, []int{0, 1}, []int{1, 0}, [][]int{{0}}, nil, 0)
	}
	assert.NotSame(t, first, cached(t, n, rows, cols, leads, positions, 2))
}
