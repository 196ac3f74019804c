package kernel_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
	"mcd/core/memory"
)

// poison is a NaN that no arithmetic produces: it stands wherever an operation must neither read nor write, and in outputs,
// which must be written in full.
const poison = 0x7ff4_dead_beef_0001

const guard = 64 // poisoned values before and after each buffer

// buffer returns n poisoned values that begin on a multiple of memory.Align, shifted by a number of values, and a check that
// the guard zones on both sides are intact.
func buffer(t testing.TB, n, shift int) (values []float64, intact func()) {
	block := make([]float64, n+shift+2*guard+memory.Align/8)
	for i := range block {
		block[i] = math.Float64frombits(poison)
	}
	begin := guard
	for uintptr(unsafe.Pointer(&block[begin]))%memory.Align != 0 {
		begin++
	}
	begin += shift
	values = block[begin : begin+n : begin+n]
	return values, func() {
		t.Helper()
		for i, x := range block {
			if (i < begin || i >= begin+n) && math.Float64bits(x) != poison {
				require.Failf(t, "written outside", "value %d of a buffer of %d is now %g", i-begin, n, x)
			}
		}
	}
}

// batch is a complex batch between guard zones; columns from c to ld are poisoned.
type batch struct {
	t           testing.TB
	v, r, c, ld int
	data        []float64
	guards      func()
}

func newBatch(t testing.TB, k kernel.Kernel, r, c, ld int) *batch {
	v := k.Lanes()
	// A sub-block of a larger batch begins anywhere on an element.
	data, intact := buffer(t, kernel.Size(r, ld, v), 2*v*((r+c)%3))
	return &batch{t, v, r, c, ld, data, intact}
}

func randomBatch(t testing.TB, k kernel.Kernel, rng *rand.Rand, r, c, ld int) *batch {
	b := newBatch(t, k, r, c, ld)
	b.fill(func(int, int, int) complex128 { return complex(rng.NormFloat64(), rng.NormFloat64()) })
	return b
}

func (b *batch) fill(f func(i, j, lane int) complex128) *batch {
	for i := range b.r {
		for j := range b.c {
			for l := range b.v {
				b.set(i, j, l, f(i, j, l))
			}
		}
	}
	return b
}

func (b *batch) set(i, j, lane int, z complex128) {
	at := (i*b.ld+j)*2*b.v + lane
	b.data[at], b.data[at+b.v] = real(z), imag(z)
}

// lane returns one lane as a dense matrix.
func (b *batch) lane(l int) dense {
	m := make(dense, b.r)
	for i := range m {
		m[i] = make([]complex128, b.c)
		for j := range m[i] {
			at := (i*b.ld+j)*2*b.v + l
			m[i][j] = complex(b.data[at], b.data[at+b.v])
		}
	}
	return m
}

func (b *batch) lanes() []dense {
	all := make([]dense, b.v)
	for l := range all {
		all[l] = b.lane(l)
	}
	return all
}

// intact checks the guard zones and the padding columns.
func (b *batch) intact() {
	b.t.Helper()
	b.guards()
	for i := range b.r {
		for j := b.c * 2 * b.v; j < b.ld*2*b.v; j++ {
			require.Equalf(b.t, uint64(poison), math.Float64bits(b.data[i*b.ld*2*b.v+j]), "padding of row %d", i)
		}
	}
}

// dense is one lane, with the textbook operations in complex128: the oracle.
type dense [][]complex128

func (a dense) times(b dense) dense {
	out := make(dense, len(a))
	for i := range a {
		out[i] = make([]complex128, len(b[0]))
		for j := range out[i] {
			for k := range b {
				out[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return out
}

func (a dense) transposed() dense {
	out := make(dense, len(a[0]))
	for i := range out {
		out[i] = make([]complex128, len(a))
		for j := range a {
			out[i][j] = a[j][i]
		}
	}
	return out
}

// adjoint returns a†.
func (a dense) adjoint() dense {
	out := a.transposed()
	for i := range out {
		for j := range out[i] {
			out[i][j] = cmplx.Conj(out[i][j])
		}
	}
	return out
}

// widest returns the largest |re| or |im|.
func (a dense) widest() (x float64) {
	for i := range a {
		for _, z := range a[i] {
			x = max(x, math.Abs(real(z)), math.Abs(imag(z)))
		}
	}
	return x
}

// plus returns a + s·b.
func (a dense) plus(s complex128, b dense) dense {
	out := make(dense, len(a))
	for i := range a {
		out[i] = make([]complex128, len(a[i]))
		for j := range out[i] {
			out[i][j] = a[i][j] + s*b[i][j]
		}
	}
	return out
}

func (a dense) largest() (x float64) {
	for i := range a {
		for _, z := range a[i] {
			if m := cmplx.Abs(z); m > x || math.IsNaN(m) {
				x = m
			}
		}
	}
	return x
}

func identity(w int) dense {
	out := make(dense, w)
	for i := range out {
		out[i] = make([]complex128, w)
		out[i][i] = 1
	}
	return out
}

func requireClose(t testing.TB, want, got dense, tolerance float64, what string, args ...any) {
	t.Helper()
	if scale := want.largest(); !(got.plus(-1, want).largest() <= tolerance*scale) {
		require.Failf(t, "differs", "%s: by %g of %g", fmt.Sprintf(what, args...), got.plus(-1, want).largest(), scale)
	}
}

// each runs a test on every implementation of this machine and several sizes.
func each(t *testing.T, sizes []int, test func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand)) {
	for _, k := range kernel.All() {
		t.Run(k.Name(), func(t *testing.T) {
			for _, w := range sizes {
				test(t, k, w, rand.New(rand.NewPCG(uint64(w), 1)))
			}
		})
	}
}

func upTo(n int, more ...int) (sizes []int) {
	for w := 1; w <= n; w++ {
		sizes = append(sizes, w)
	}
	return append(sizes, more...)
}

// squares has every remainder of tiles and column blocks, one panel and several.
var squares = upTo(17, 23, 30, 31, 32, 48, 49, 100)

func leading(w int) int { return kernel.LeadingDimension(w) + w%3 }

// factors runs Factor on m and returns P·m, L, U and the exchanges of one lane.
func factors(t testing.TB, k kernel.Kernel, m *batch) (piv []int32) {
	piv = make([]int32, m.r)
	k.Factor(m.r, m.ld, m.data, piv)
	m.intact()
	for j, p := range piv {
		require.GreaterOrEqual(t, int(p), j)
		require.Less(t, int(p), m.r)
	}
	return piv
}

// assertFactors checks P·m = L·U.
func assertFactors(t testing.TB, before []dense, after *batch, piv []int32, tolerance float64) {
	t.Helper()
	w := after.r
	for lane, m := range before {
		lu := after.lane(lane)
		l, u := identity(w), identity(w)
		for i := range w {
			for j := range w {
				switch {
				case i > j:
					l[i][j] = lu[i][j]
				case i == j:
					u[i][j] = 1 / lu[i][j]
				default:
					u[i][j] = lu[i][j]
				}
			}
		}
		for j, p := range piv {
			m[j], m[p] = m[p], m[j]
		}
		requireClose(t, m, l.times(u), tolerance, "w = %d, lane %d: L·U", w, lane)
	}
}

func TestFactorsReproduceTheMatrix(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		m := randomBatch(t, k, rng, w, w, leading(w))
		before := m.lanes()
		piv := factors(t, k, m)
		assertFactors(t, before, m, piv, 1e-11)
	})
}

// hard fills m with a matrix that needs exchanges: a zero pivot in all lanes, one that is tiny in a single lane, and rows in
// reverse order. All groups of four lanes are alike, so that every implementation must choose the same rows.
func hard(m *batch, rng *rand.Rand) *batch {
	w := m.r
	four := make([]dense, 4)
	for l := range four {
		four[l] = make(dense, w)
		for i := range w {
			four[l][i] = make([]complex128, w)
			for j := range w {
				four[l][i][j] = complex(0.1*rng.NormFloat64(), 0.1*rng.NormFloat64())
				if i+j == w-1 {
					four[l][i][j] += complex(3, float64(l))
				}
			}
		}
		four[l][0][0] = 0
		if w > 5 {
			four[l][4][4] *= 1e-9
		}
	}
	if w > 2 {
		four[2][1][1] = 1e-13
	}
	return m.fill(func(i, j, lane int) complex128 { return four[lane%4][i][j] })
}

func TestPivots(t *testing.T) {
	plain := kernel.All()[0]
	each(t, upTo(40), func(t *testing.T, k kernel.Kernel, w int, _ *rand.Rand) {
		want := hard(newBatch(t, plain, w, w, w), rand.New(rand.NewPCG(uint64(w), 2)))
		m := hard(newBatch(t, k, w, w, leading(w)), rand.New(rand.NewPCG(uint64(w), 2)))
		before := m.lanes()
		piv := factors(t, k, m)
		assert.Equal(t, factors(t, plain, want), piv, "w = %d", w)
		for lane := range k.Lanes() {
			requireClose(t, want.lane(lane%4), m.lane(lane), 1e-11, "w = %d, lane %d: factors", w, lane)
		}
		if w > 1 {
			assert.NotEqual(t, int32(0), piv[0])
			assertFactors(t, before, m, piv, 1e-12)
		}
	})
}

func TestRowsAreExchangedForFourTimes(t *testing.T) {
	for _, k := range kernel.All() {
		for ratio, want := range map[float64]int32{3.9: 0, 4.1: 1} {
			for lane := range k.Lanes() { // one lane decides for all
				m := newBatch(t, k, 2, 2, 2).fill(func(i, j, l int) complex128 {
					if i == 1 && j == 0 && l == lane {
						return complex(0, ratio)
					}
					return complex(1, float64(j))
				})
				assert.Equal(t, want, factors(t, k, m)[0], "%s, lane %d, ratio %g", k.Name(), lane, ratio)
			}
		}
	}
}

func TestAZeroPivotIsReplaced(t *testing.T) {
	each(t, []int{1, 2, 3, 7}, func(t *testing.T, k kernel.Kernel, w int, _ *rand.Rand) {
		m := newBatch(t, k, w, w, w).fill(func(i, j, _ int) complex128 { return complex(float64(min(i, j)), 0) })
		piv := factors(t, k, m)
		for lane := range k.Lanes() {
			found := 0
			for i := range w {
				if real(m.lane(lane)[i][i]) == 1/kernel.Tiny {
					found++
				}
			}
			assert.Equal(t, 1, found, "w = %d, lane %d: rank w − 1, pivots %v", w, lane, piv)
		}
	})
}

func TestExtremePivotsDoNotOverflow(t *testing.T) {
	for _, k := range kernel.All() {
		for _, scale := range []float64{1e-300, 1e-170, 1e170, 1e300} {
			m := newBatch(t, k, 1, 1, 1).fill(func(_, _, lane int) complex128 {
				if lane == 1 {
					return complex(3*scale, -4*scale)
				}
				return 2
			})
			factors(t, k, m)
			assert.InEpsilon(t, 0.12, real(m.lane(1)[0][0])*scale, 1e-14, k.Name())
			assert.InEpsilon(t, 0.16, imag(m.lane(1)[0][0])*scale, 1e-14, k.Name())
			assert.Equal(t, complex(0.5, 0), m.lane(0)[0][0]+0)
		}
	}
}

func TestQuotients(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		ld := leading(w)
		m, n := randomBatch(t, k, rng, w, w, ld), randomBatch(t, k, rng, w, w, ld)
		if w%2 == 0 {
			hard(m, rng)
		}
		wantM, wantN := m.lanes(), n.lanes()
		m2, n2 := newBatch(t, k, w, w, ld), newBatch(t, k, w, w, ld)
		m3, inverse := newBatch(t, k, w, w, ld), newBatch(t, k, w, w, ld)
		copy(m2.data, m.data)
		copy(m3.data, m.data)
		copy(n2.data, n.data)

		piv := factors(t, k, m)
		piv2 := make([]int32, w)
		k.Divide(w, ld, m2.data, piv2, n2.data)
		m2.intact()
		n2.intact()
		assert.Equal(t, piv, piv2)
		k.Invert(w, ld, m3.data, piv2, inverse.data)
		m3.intact()
		inverse.intact()
		assert.Equal(t, piv, piv2)
		for lane := range k.Lanes() {
			requireClose(t, wantN[lane], n2.lane(lane).times(wantM[lane]), 1e-9, "w = %d, lane %d: (n·m⁻¹)·m", w, lane)
			requireClose(t, m.lane(lane), m2.lane(lane), 1e-9, "w = %d, lane %d: factors of Divide", w, lane)
			requireClose(t, m.lane(lane), m3.lane(lane), 1e-9, "w = %d, lane %d: factors of Invert", w, lane)
			requireClose(t, identity(w), inverse.lane(lane).times(wantM[lane]), 1e-9, "w = %d, lane %d: m⁻¹·m", w, lane)
		}
	})
}

func TestSolves(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		ld, c := leading(w), 1+w%13
		m := randomBatch(t, k, rng, w, w, ld)
		if w%2 == 0 {
			hard(m, rng)
		}
		b, bt := randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4)
		wantM, wantB, wantT := m.lanes(), b.lanes(), bt.lanes()
		piv := factors(t, k, m)
		k.SolveLeft(w, ld, m.data, piv, c, b.ld, b.data)
		b.intact()
		k.SolveLeftT(w, ld, m.data, piv, c, bt.ld, bt.data)
		bt.intact()
		m.intact()
		for lane := range k.Lanes() {
			requireClose(t, wantB[lane], wantM[lane].times(b.lane(lane)), 1e-9, "w = %d, lane %d: m·(m⁻¹·b)", w, lane)
			requireClose(t, wantT[lane], wantM[lane].transposed().times(bt.lane(lane)), 1e-9, "w = %d, lane %d: mᵀ·(m⁻ᵀ·b)", w, lane)
		}
	})
}

func TestProducts(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for _, mode := range []kernel.Mode{kernel.Set, kernel.Add, kernel.Sub} {
			for _, trans := range []bool{false, true} {
				c := 1 + (w+3*int(mode))%13
				a, b := randomBatch(t, k, rng, w, w, leading(w)), randomBatch(t, k, rng, w, c, c+w%4)
				out := newBatch(t, k, w, c, b.ld)
				if mode != kernel.Set {
					out = randomBatch(t, k, rng, w, c, b.ld)
				}
				before := out.lanes()
				k.Mul(mode, trans, w, a.ld, a.data, c, b.ld, b.data, out.data)
				out.intact()
				for lane := range k.Lanes() {
					m := a.lane(lane)
					if trans {
						m = m.transposed()
					}
					want := m.times(b.lane(lane))
					switch mode {
					case kernel.Add:
						want = before[lane].plus(1, want)
					case kernel.Sub:
						want = before[lane].plus(-1, want)
					}
					requireClose(t, want, out.lane(lane), 1e-13, "w = %d, c = %d, lane %d, mode %d, trans %t", w, c, lane, mode, trans)
				}
			}
		}
	})
}

// slices is a stretch of a strip: k slices of w sites.
type slices struct{ h, e, cs []float64 }

func randomSlices(t testing.TB, k kernel.Kernel, rng *rand.Rand, w, n int) slices {
	v := k.Lanes()
	h, _ := buffer(t, n*w, 1)
	e, _ := buffer(t, v, 0)
	cs, _ := buffer(t, n*2*v, 0)
	for i := range h {
		h[i] = 4 + rng.NormFloat64()
	}
	for l := range e {
		e[l] = 1 + rng.Float64()
	}
	for s := range n {
		for l := range v {
			cs[s*2*v+v+l], cs[s*2*v+l] = math.Sincos(2 * math.Pi * rng.Float64())
		}
	}
	return slices{h, e, cs}
}

// matrix returns D of slice s.
func (x slices) matrix(w, s, lane int) dense {
	v := len(x.e)
	c := complex(x.cs[s*2*v+lane], x.cs[s*2*v+v+lane])
	d := make(dense, w)
	for y := range d {
		d[y] = make([]complex128, w)
		d[y][y] = complex(x.e[lane]-x.h[s*w+y], 0)
		if y > 0 {
			d[y][y-1] = cmplx.Conj(c)
			d[y-1][y] = c
		}
	}
	return d
}

func TestRecur(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for _, conj := range []bool{false, true} {
			for _, inPlace := range []bool{false, true} {
				c := 1 + w%13
				x := randomSlices(t, k, rng, w, 1)
				b, prev := randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4)
				before := prev.lanes()
				out := prev
				if !inPlace {
					out = newBatch(t, k, w, c, b.ld)
				}
				k.Recur(conj, w, x.h, x.e, x.cs, c, b.ld, b.data, prev.data, out.data)
				out.intact()
				for lane := range k.Lanes() {
					d := x.matrix(w, 0, lane)
					if conj {
						d = d.transposed()
					}
					want := d.times(b.lane(lane)).plus(1, before[lane])
					requireClose(t, want.plus(-2, want), out.lane(lane), 1e-14, "w = %d, lane %d, conj %t", w, lane, conj)
				}
			}
		}
	})
}

func TestHop(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for n := 1; n <= 6; n++ {
			if w > 40 && n > 3 {
				continue
			}
			x := randomSlices(t, k, rng, w, n)
			ld := leading(w)
			f, m, previous := randomBatch(t, k, rng, w, w, ld), newBatch(t, k, w, w, ld), newBatch(t, k, w, w, ld)
			k.Hop(w, ld, n, x.h, x.e, x.cs, f.data, m.data, previous.data)
			m.intact()
			previous.intact()
			for lane := range k.Lanes() {
				a, b := identity(w), f.lane(lane)
				for s := range n {
					next := x.matrix(w, s, lane).times(a).plus(1, b)
					a, b = next.plus(-2, next), a
				}
				requireClose(t, a, m.lane(lane), 1e-13, "w = %d, k = %d, lane %d: φ_{R−k}", w, n, lane)
				requireClose(t, b, previous.lane(lane), 1e-13, "w = %d, k = %d, lane %d: φ_{R−k+1}", w, n, lane)
			}
		}
	})
}

func TestHopOverOneSliceNeedsNoIdentity(t *testing.T) {
	each(t, []int{1, 9, 30}, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		x := randomSlices(t, k, rng, w, 1)
		f, m := randomBatch(t, k, rng, w, w, w), newBatch(t, k, w, w, w)
		k.Hop(w, w, 1, x.h, x.e, x.cs, f.data, m.data, nil)
		m.intact()
		for lane := range k.Lanes() {
			want := x.matrix(w, 0, lane).plus(1, f.lane(lane))
			requireClose(t, want.plus(-2, want), m.lane(lane), 1e-14, "w = %d, lane %d", w, lane)
		}
	})
}

var columnCounts = []int{0, 1, 2, 3, 4, 5, 7, 11}

func TestMixAndGram(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for _, c := range columnCounts {
			a, b, coef := randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, c, c, c)
			mixed, gram := newBatch(t, k, w, c, a.ld), newBatch(t, k, c, c, c)
			k.Mix(w, c, a.ld, a.data, coef.data, mixed.data)
			k.Gram(w, c, a.ld, a.data, b.data, gram.data)
			mixed.intact()
			gram.intact()
			for lane := 0; lane < k.Lanes() && c > 0; lane++ {
				x := a.lane(lane)
				requireClose(t, x.times(coef.lane(lane)), mixed.lane(lane), 1e-13, "w = %d, c = %d, lane %d: a·coef", w, c, lane)
				requireClose(t, x.adjoint().times(b.lane(lane)), gram.lane(lane), 1e-13, "w = %d, c = %d, lane %d: a†·b", w, c, lane)
			}
		}
	})
}

func TestDensity(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for _, c := range columnCounts {
			v := k.Lanes()
			chi, psi := randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4)
			out, intact := buffer(t, w*v, v*(w%2))
			k.Density(w, c, chi.ld, chi.data, psi.data, out)
			intact()
			for lane := range v {
				x, p := chi.lane(lane), psi.lane(lane)
				for y := range w {
					var want complex128
					for n := range c {
						want += x[y][n] * p[y][n]
					}
					require.InDelta(t, real(want), out[y*v+lane], 1e-13*float64(c), "w = %d, c = %d, lane %d", w, c, lane)
				}
			}
		}
	})
}

func TestAdd(t *testing.T) {
	each(t, upTo(20), func(t *testing.T, k kernel.Kernel, n int, rng *rand.Rand) {
		for _, factor := range []float64{1, -1, 0.3} {
			a, b, out := randomBatch(t, k, rng, 1, n, n), randomBatch(t, k, rng, 1, n, n), newBatch(t, k, 1, n, n)
			k.Add(n, factor, a.data, b.data, out.data)
			out.intact()
			for lane := range k.Lanes() {
				requireClose(t, a.lane(lane).plus(complex(factor, 0), b.lane(lane)), out.lane(lane), 1e-15, "n = %d, lane %d", n, lane)
			}
			k.Add(n, factor, a.data, b.data, a.data)
			a.intact()
			require.Equal(t, out.data, a.data, "in place")
			k.Add(n, factor, b.data, b.data, b.data)
			b.intact()
		}
	})
}

func TestCheck(t *testing.T) {
	each(t, squares, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		for _, conj := range []bool{false, true} {
			v, c := k.Lanes(), 1+w%13
			x := randomSlices(t, k, rng, w, 1)
			b, before, after := randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4), randomBatch(t, k, rng, w, c, c+w%4)
			out := newBatch(t, k, w, c, b.ld)
			residual, intact := buffer(t, v, 0)
			largest, intactToo := buffer(t, v, v)
			reset := func(at float64) {
				for l := range v {
					residual[l], largest[l] = at, at
				}
			}
			check := func(into []float64) {
				k.Check(conj, w, x.h, x.e, x.cs, c, b.ld, b.data, before.data, after.data, into, residual, largest)
				intact()
				intactToo()
				out.intact()
			}
			reset(0)
			check(out.data)
			for lane := range v {
				d := x.matrix(w, 0, lane)
				if conj {
					d = d.transposed()
				}
				want := d.times(b.lane(lane)).plus(1, before.lane(lane)).plus(1, after.lane(lane))
				want = want.plus(-2, want)
				requireClose(t, want, out.lane(lane), 1e-14, "w = %d, lane %d, conj %t", w, lane, conj)
				require.Equal(t, out.lane(lane).widest(), residual[lane], "w = %d, lane %d: residual", w, lane)
				require.Equal(t, b.lane(lane).widest(), largest[lane], "w = %d, lane %d: largest", w, lane)
			}
			reset(1e3) // raised, never lowered
			check(nil)
			require.Equal(t, []float64{1e3, 1e3}, []float64{residual[0], largest[0]})

			b.set(w-1, c-1, v-1, complex(0, math.NaN()))
			reset(0)
			check(out.data)
			for lane := range v - 1 {
				require.Less(t, max(residual[lane], largest[lane]), 1e3)
			}
			require.Equal(t, []float64{math.Inf(1), math.Inf(1)}, []float64{residual[v-1], largest[v-1]})
		}
	})
}

func TestNoColumnsAndNoSlots(t *testing.T) {
	for _, k := range kernel.All() {
		m := randomBatch(t, k, rand.New(rand.NewPCG(1, 1)), 5, 5, 5)
		piv := factors(t, k, m)
		k.SolveLeft(5, 5, m.data, piv, 0, 0, nil)
		k.SolveLeftT(5, 5, m.data, piv, 0, 0, nil)
		k.Mul(kernel.Set, false, 5, 5, m.data, 0, 0, nil, nil)
		m.intact()
	}
}

func TestTheSameBitsEveryTime(t *testing.T) {
	each(t, []int{30}, func(t *testing.T, k kernel.Kernel, w int, rng *rand.Rand) {
		m, n := randomBatch(t, k, rng, w, w, w), randomBatch(t, k, rng, w, w, w)
		var first []float64
		for range 3 {
			a, b := append([]float64(nil), m.data...), append([]float64(nil), n.data...)
			k.Divide(w, w, a, make([]int32, w), b)
			if first == nil {
				first = b
			}
			require.Equal(t, first, b)
		}
	})
}
