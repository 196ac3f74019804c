package kernel_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
)

// laneMatrix is a dense matrix for every lane, with element access.
type laneMatrix struct {
	rows, cols, lanes int
	data              []float64
}

func newLanes(rows, cols, lanes int) *laneMatrix {
	return &laneMatrix{rows, cols, lanes, make([]float64, rows*cols*2*lanes)}
}

func randomLanes(r *rand.Rand, rows, cols, lanes int) *laneMatrix {
	b := newLanes(rows, cols, lanes)
	for i := range b.data {
		b.data[i] = r.NormFloat64()
	}
	return b
}

func (b *laneMatrix) at(i, j, lane int) complex128 {
	k := (i*b.cols+j)*2*b.lanes + lane
	return complex(b.data[k], b.data[k+b.lanes])
}

func (b *laneMatrix) set(i, j, lane int, z complex128) {
	k := (i*b.cols+j)*2*b.lanes + lane
	b.data[k], b.data[k+b.lanes] = real(z), imag(z)
}

func (b *laneMatrix) block(i, j, rows, cols int) *laneMatrix {
	c := newLanes(rows, cols, b.lanes)
	for r := range rows {
		copy(c.data[r*cols*2*b.lanes:][:cols*2*b.lanes], b.data[((i+r)*b.cols+j)*2*b.lanes:])
	}
	return c
}

// times returns b·x, or bᵀ·x.
func (b *laneMatrix) times(x *laneMatrix, transposed bool) *laneMatrix {
	n, k := b.rows, b.cols
	if transposed {
		n, k = k, n
	}
	out := newLanes(n, x.cols, b.lanes)
	for v := range b.lanes {
		for i := range n {
			for j := range x.cols {
				var sum complex128
				for p := range k {
					a := b.at(min(i, b.rows-1), min(p, b.cols-1), v)
					if transposed {
						a = b.at(p, i, v)
					}
					sum += a * x.at(p, j, v)
				}
				out.set(i, j, v, sum)
			}
		}
	}
	return out
}

func sameValues(t *testing.T, tolerance float64, want, got []float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if !(math.Abs(want[i]-got[i]) <= tolerance) {
			require.Failf(t, "differs", "value %d: want %g, got %g", i, want[i], got[i])
		}
	}
}

func eachFront(t *testing.T, test func(t *testing.T, k kernel.Front)) {
	for _, k := range kernel.Fronts() {
		t.Run(k.Name(), func(t *testing.T) { test(t, k) })
	}
}

// A partial elimination followed by the solution of the rest is a solution of the whole, for A and for Aᵀ.
func TestFrontSolves(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		for _, size := range [][3]int{{1, 0, 1}, {3, 0, 2}, {1, 4, 1}, {7, 5, 3}, {8, 8, 4}, {9, 2, 5}, {24, 17, 6}, {61, 13, 7}, {70, 60, 9}} {
			m, b, n := size[0], size[1], size[2]
			r := rand.New(rand.NewPCG(uint64(m), uint64(b)))
			v := k.Lanes()
			a := randomLanes(r, m+b, m+b, v)
			u, l, c := a.block(0, 0, m, m+b), a.block(m, 0, b, m), a.block(m, m, b, b)
			pivots, tiny := make([]int32, m), make([]float64, v)
			require.Zero(t, k.Eliminate(m, b, u.data, l.data, c.data, pivots, tiny, new(int32)))
			for _, transposed := range []bool{false, true} {
				x := randomLanes(r, m+b, n, v)
				rhs := a.times(x, transposed)
				top, border := rhs.block(0, 0, m, n), rhs.block(m, 0, b, n)
				rest := x.block(m, 0, b, n)
				if transposed {
					k.ForwardT(m, b, n, u.data, top.data, border.data)
				} else {
					k.Forward(m, b, n, u.data, l.data, pivots, top.data, border.data)
				}
				if b > 0 {
					sameValues(t, 1e-9, c.times(rest, transposed).data, border.data)
				}
				if transposed {
					k.BackwardT(m, b, n, u.data, l.data, pivots, top.data, rest.data)
				} else {
					k.Backward(m, b, n, u.data, top.data, rest.data)
				}
				sameValues(t, 1e-9, x.block(0, 0, m, n).data, top.data)
			}
		}
	})
}

// A row is exchanged only if some lane has an entry more than four times larger below it.
func TestFrontPivoting(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		v := k.Lanes()
		for _, c := range []struct {
			below float64
			want  int32
		}{{3.9, 0}, {4.1, 1}} {
			u := newLanes(2, 2, v)
			for lane := range v {
				u.set(0, 0, lane, 1)
				u.set(1, 0, lane, 1)
				u.set(0, 1, lane, 1)
			}
			u.set(1, 0, v-1, complex(0, c.below))
			pivots := make([]int32, 2)
			k.Eliminate(2, 0, u.data, nil, nil, pivots, make([]float64, v), new(int32))
			assert.Equal(t, []int32{c.want, 1}, pivots)
		}
	})
}

func TestFrontReplacesTinyPivots(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		v := k.Lanes()
		u, tiny := newLanes(1, 1, v), make([]float64, v)
		for lane := range v {
			tiny[lane] = 1e-7
			u.set(0, 0, lane, 2i)
		}
		u.set(0, 0, v-1, 1e-9)
		assert.Equal(t, 1, k.Eliminate(1, 0, u.data, nil, nil, make([]int32, 1), tiny, new(int32)))
		assert.InDelta(t, 0, cmplx.Abs(u.at(0, 0, v-1)+1e7i), 1)
		if v > 1 {
			assert.Equal(t, -0.5i, u.at(0, 0, 0))
		}
	})
}

// A front that is told to stop is left as it is.
func TestFrontStops(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		const m, b = 40, 50
		r, v := rand.New(rand.NewPCG(9, 10)), k.Lanes()
		u, l, c := randomLanes(r, m, m+b, v), randomLanes(r, b, m, v), newLanes(b, b, v)
		before := append([]float64(nil), u.data...)
		stop := int32(1)
		k.Eliminate(m, b, u.data, l.data, c.data, make([]int32, m), make([]float64, v), &stop)
		assert.Equal(t, before, u.data)
		for _, x := range c.data {
			require.Zero(t, x)
		}
	})
}

func TestFrontMoves(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		v, r := k.Lanes(), rand.New(rand.NewPCG(5, 6))
		m, b := 3, 4
		index := []int32{0, 2, 3, 6}
		update, whole := randomLanes(r, 4, 4, v), newLanes(m+b, m+b, v)
		u, l, c := newLanes(m, m+b, v), newLanes(b, m, v), newLanes(b, b, v)
		for range 2 {
			k.Extend(4, index, update.data, m, b, u.data, l.data, c.data)
		}
		for lane := range v {
			for i, p := range index {
				for j, q := range index {
					whole.set(int(p), int(q), lane, 2*update.at(i, j, lane))
				}
			}
		}
		assert.Equal(t, whole.block(0, 0, m, m+b).data, u.data)
		assert.Equal(t, whole.block(m, 0, b, m).data, l.data)
		assert.Equal(t, whole.block(m, m, b, b).data, c.data)

		out := newLanes(1, 3, v)
		k.Collect([]int32{2, 2}, update.data, out.data)
		scattered := newLanes(5, 2, v)
		k.Scatter([]int32{4, 1}, 2, update.data[:4*2*v], scattered.data)
		for lane := range v {
			assert.Equal(t, update.at(0, 0, lane)+update.at(0, 1, lane), out.at(0, 2, lane))
			assert.Equal(t, update.at(0, 1, lane), scattered.at(4, 1, lane))
			assert.Equal(t, update.at(0, 2, lane), scattered.at(1, 0, lane))
			assert.Zero(t, scattered.at(0, 0, lane))
		}
	})
}

func TestFrontSums(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		v, r := k.Lanes(), rand.New(rand.NewPCG(7, 8))
		x, y, a := randomLanes(r, 6, 3, v), randomLanes(r, 6, 3, v), randomLanes(r, 1, 2, v)
		residual, dot, largest := newLanes(6, 3, v), newLanes(1, 2, v), make([]float64, 3*v)
		rows, cols := []int32{5, 0}, []int32{1, 2}
		k.Residual(rows, cols, a.data, 3, x.data, residual.data)
		k.Dot(rows, cols, 3, x.data, y.data, dot.data)
		conjugated := newLanes(1, 2, v)
		k.DotC(rows, cols, 3, x.data, y.data, conjugated.data)
		k.Largest(6, 3, x.data, largest)
		weights, combined := make([]float64, 3*v), newLanes(6, 1, v)
		for i := range weights {
			weights[i] = r.NormFloat64()
		}
		k.Combine(6, 3, x.data, weights, combined.data)
		product, left, right := newLanes(2, 5, v), randomLanes(r, 2, 3, v), randomLanes(r, 3, 5, v)
		k.Product(2, 5, 3, left.data, right.data, product.data)
		want := left.times(right, false)
		for i := range want.data {
			assert.InDelta(t, -want.data[i], product.data[i], 1e-14)
		}
		for lane := range v {
			for e := range rows {
				var sum, withConjugate complex128
				for c := range 3 {
					sum += x.at(int(rows[e]), c, lane) * y.at(int(cols[e]), c, lane)
					withConjugate += cmplx.Conj(x.at(int(rows[e]), c, lane)) * y.at(int(cols[e]), c, lane)
					z := residual.at(int(rows[e]), c, lane) + a.at(0, e, lane)*x.at(int(cols[e]), c, lane)
					assert.InDelta(t, 0, cmplx.Abs(z), 1e-14)
				}
				assert.InDelta(t, 0, cmplx.Abs(sum-dot.at(0, e, lane)), 1e-14)
				assert.InDelta(t, 0, cmplx.Abs(withConjugate-conjugated.at(0, e, lane)), 1e-14)
			}
			for i := range 6 {
				z := combined.at(i, 0, lane)
				for c := range 3 {
					z -= complex(weights[c*v+lane], 0) * x.at(i, c, lane)
				}
				assert.InDelta(t, 0, cmplx.Abs(z), 1e-14)
			}
			for c := range 3 {
				most := 0.0
				for i := range 6 {
					z := x.at(i, c, lane)
					most = max(most, math.Abs(real(z)), math.Abs(imag(z)))
				}
				assert.Equal(t, most, largest[c*v+lane], fmt.Sprint(c, lane))
			}
		}
	})
}

func BenchmarkFront(b *testing.B) {
	for _, k := range kernel.Fronts() {
		for _, size := range [][2]int{{8, 24}, {30, 60}, {100, 150}, {200, 200}} {
			b.Run(fmt.Sprintf("%s/%dx%d", k.Name(), size[0], size[1]), func(b *testing.B) {
				m, n := size[0], size[1]
				r := rand.New(rand.NewPCG(1, 2))
				a := randomLanes(r, m+n, m+n, k.Lanes())
				upper, lower := a.block(0, 0, m, m+n), a.block(m, 0, n, m)
				u, l, c := a.block(0, 0, m, m+n), a.block(m, 0, n, m), a.block(m, m, n, n)
				pivots, tiny := make([]int32, m), make([]float64, k.Lanes())
				for b.Loop() {
					copy(u.data, upper.data)
					copy(l.data, lower.data)
					k.Eliminate(m, n, u.data, l.data, c.data, pivots, tiny, new(int32))
				}
				x, y := float64(m), float64(n)
				work := 8 * (x*x*x/3 + x*x*y + x*y*y) * float64(k.Lanes())
				b.ReportMetric(work*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// What is not finite does not pass as small.
func TestFrontLargestShowsNaN(t *testing.T) {
	eachFront(t, func(t *testing.T, k kernel.Front) {
		v := k.Lanes()
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			x, out := newLanes(3, 1, v), make([]float64, v)
			x.set(1, 0, v-1, complex(0, bad))
			k.Largest(3, 1, x.data, out)
			assert.False(t, out[v-1] <= math.MaxFloat64)
			if v > 1 {
				assert.Zero(t, out[0])
			}
		}
	})
}
