package lead

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"mcd/core/fault"
	"mcd/tests/npz"
)

// strip is a sweep whose open modes are known from an independent computation in extended precision.
type strip struct {
	Name      string
	Fields    []float64
	OpenModes []int
	base      Params
}

func (s strip) params(i int) Params {
	p := s.base
	p.Field = s.Fields[i]
	return p
}

func references(t *testing.T) []strip {
	files, err := filepath.Glob("../../tests/reference/strip_*.npz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var strips []strip
	for _, file := range files {
		f, err := npz.Open(file)
		require.NoError(t, err)
		number := func(name string) float64 { return f[name].Float[0] }
		strips = append(strips, strip{strings.TrimSuffix(filepath.Base(file)[len("strip_"):], ".npz"), f["fields"].Float, f["open_modes"].Int,
			Params{f["width"].Int[0], number("hopping"), number("lead_onsite"), number("energy"), 0}})
	}
	return strips
}

// wire is the wire of the paper: 30 sites wide, energy 1.2.
func wire(field float64) Params { return Params{30, 1, 4, 1.2, field} }

func solved(t *testing.T, p Params) *Lead {
	l, err := Solve(p)
	require.NoError(t, err, "%+v", p)
	return l
}

func largest(z []complex128) float64 {
	worst := 0.0
	for _, v := range z {
		worst = max(worst, cmplx.Abs(v))
	}
	return worst
}

// hoppingMatrix returns the diagonal of τ.
func hoppingMatrix(l *Lead) []complex128 {
	tau := make([]complex128, l.Width)
	for y := range tau {
		tau[y] = complex(-l.Hopping, 0) * cmplx.Exp(complex(0, l.Field*float64(2*y-(l.Width-1))))
	}
	return tau
}

// applied returns (H₀ − E)u.
func applied(l *Lead, u []complex128) []complex128 {
	r := make([]complex128, len(u))
	for y := range u {
		r[y] = complex(l.Onsite-l.Energy, 0) * u[y]
		if y > 0 {
			r[y] -= complex(l.Hopping, 0) * u[y-1]
		}
		if y+1 < len(u) {
			r[y] -= complex(l.Hopping, 0) * u[y+1]
		}
	}
	return r
}

// check tests every property that defines a lead.
func check(t *testing.T, l *Lead, tolerance float64) {
	w, n := l.Width, l.Modes
	name := fmt.Sprintf("%+v", l.Params)
	scale := l.Hopping + math.Abs(l.Onsite-l.Energy)
	tau := hoppingMatrix(l)
	require.Len(t, l.Wavenumber, n)
	require.Len(t, l.Velocity, n)
	require.Len(t, l.Vectors, n*w)
	require.Len(t, l.F, w*w)

	// τF² + (H₀ − E)F + τ† = 0.
	f2 := multiply(nil, l.F, l.F, w, w, w)
	residual := 0.0
	column := make([]complex128, w)
	for j := range w {
		for y := range w {
			column[y] = l.F[y*w+j]
		}
		for y, r := range applied(l, column) {
			r += tau[y] * f2[y*w+j]
			if y == j {
				r += cmplx.Conj(tau[y])
			}
			residual = max(residual, cmplx.Abs(r))
		}
	}
	assert.LessOrEqual(t, residual, tolerance*scale, "equation of F at %s", name)

	// Modes solve the lead's equation, are unit vectors, F advances them by λ, and the flux form is diagonal:
	// −i(λ_n u_m†τu_n − λ_m* u_m†τ†u_n) = v_n δ_mn.
	u := make([][]complex128, n)
	lambda := make([]complex128, n)
	for m := range n {
		lambda[m] = cmplx.Exp(complex(0, l.Wavenumber[m]))
		u[m] = make([]complex128, w)
		norm := 0.0
		for y := range w {
			v := l.Vectors[m*w+y]
			u[m][y], norm = complex(v, 0), norm+v*v
		}
		assert.InDelta(t, 1, norm, 1e-14, "norm of mode %d at %s", m, name)
		assert.Positive(t, l.Velocity[m], "velocity of mode %d at %s", m, name)
		advanced := multiply(nil, l.F, u[m], w, w, 1)
		for y, r := range applied(l, u[m]) {
			r += (tau[y]*lambda[m] + cmplx.Conj(tau[y]*lambda[m])) * u[m][y]
			assert.LessOrEqual(t, cmplx.Abs(r), tolerance*scale, "mode %d at %s", m, name)
			assert.LessOrEqual(t, cmplx.Abs(advanced[y]-lambda[m]*u[m][y]), tolerance, "F on mode %d at %s", m, name)
		}
	}
	for m := range n {
		for k := range n {
			flux := complex128(0)
			for y := range w {
				overlap := u[m][y] * u[k][y]
				flux += complex(0, 1) * (lambda[k]*tau[y] - cmplx.Conj(lambda[m]*tau[y])) * overlap
			}
			want := 0.0
			if m == k {
				want = l.Velocity[m]
			}
			assert.LessOrEqual(t, cmplx.Abs(flux-complex(want, 0)), 4*tolerance*l.Hopping, "flux of modes %d, %d at %s", m, k, name)
		}
	}
}

func TestReferenceStrips(t *testing.T) {
	for _, s := range references(t) {
		for i := range s.Fields {
			l := solved(t, s.params(i))
			require.Equal(t, s.OpenModes[i], l.Modes, "%s, field %g", s.Name, s.Fields[i])
			if i%10 == 0 || s.Name == "edges" {
				check(t, l, 1e-12)
			}
		}
	}
}

func TestShapesAndEnergies(t *testing.T) {
	for _, p := range []Params{
		{1, 1, 4, 2.5, 0}, {1, 1, 4, 2.5, 0.3}, {1, 2, 0, 0, 0}, {1, 1, 4, 7, 0.1}, {1, 1, 4, 1e6, 0.1},
		{2, 1, 4, 4, 0.05}, {2, 1, 4, 1.5, -0.05}, {2, 0.3, 1, 1.2, 0.4}, {3, 1, 4, 0.1, 0.2},
		{8, 1, 4, 4.3, 3 * math.Pi}, {7, 1, 4, 3.1, math.Pi}, {8, 1, 4, 3.1, math.Pi / 2}, {7, 1, 4, 3.1, math.Pi / 2},
		{9, 1, 4, 1.7, 1e3 + 0.05}, {9, 1, 4, 1.7, -1e6},
		{30, 1, 4, -50, 0.05}, {30, 1, 4, 1e4, 0.05}, {30, 1, 4, -1e9, 0.05}, {30, 1, 4, 8.2, 0}, {30, 1, 4, -0.01, 0},
		{64, 1, 4, 0.3, 0.1}, {64, 1, 4, 3.9, 0.01}, {64, 1, 4, 1.2, 0},
	} {
		check(t, solved(t, p), 1e-12)
	}
}

func TestFarOutsideTheBand(t *testing.T) {
	// One site wide, F is the small root of F² − eF + 1 = 0: small numbers keep their relative accuracy.
	for _, e := range []float64{-99, 101, 1e4, -1e9, 1e150} {
		l := solved(t, Params{1, 1, e, 0, 0})
		want := 2 / (e + math.Copysign(math.Sqrt(e*e-4), e))
		assert.InEpsilon(t, want, real(l.F[0]), 1e-13)
		dE, _, err := l.DerivativeF(context.Background()) // dF/dE = −dF/de = F²/(1 − F²)
		require.NoError(t, err)
		assert.InEpsilon(t, want*want/(1-want*want), real(dE[0]), 1e-12)
	}
	for _, e := range []float64{99, 101} {
		check(t, solved(t, Params{7, 1, e, 0, 0.1}), 1e-14)
	}
	_, err := Solve(Params{3, 1e-308, 4, 1, 0})
	assert.Equal(t, fault.Argument, fault.KindOf(err))
}

func TestModesOfAStripWithoutField(t *testing.T) {
	// Without a field, cos k = (onsite − E)/2t − cos(πm/(W+1)).
	for _, w := range []int{1, 2, 5, 30, 64} {
		for _, energy := range []float64{0.05, 1.2, 2.9, 4.01, 6.3, 7.95} {
			var want []float64
			for m := 1; m <= w; m++ {
				if c := (4-energy)/2 - math.Cos(math.Pi*float64(m)/float64(w+1)); math.Abs(c) < 1 {
					want = append(want, math.Acos(c))
				}
			}
			l := solved(t, Params{w, 1, 4, energy, 0})
			require.Equal(t, len(want), l.Modes)
			for _, k := range want {
				nearest := math.Inf(1)
				for m := range l.Modes {
					nearest = min(nearest, math.Abs(l.Wavenumber[m]-k))
				}
				assert.LessOrEqual(t, nearest, 1e-13/math.Sin(k), "width %d, energy %g, k %g", w, energy, k)
			}
		}
	}
}

func TestSlowModesAreAccurate(t *testing.T) {
	// A distance d above the band bottom of a channel at φ = 0, 2sin(k/2) = √d. The energy is known to rounding, so k to that over k.
	const w = 38
	for m := 1; m <= w; m++ {
		bottom := 4 - 2 - 2*math.Cos(math.Pi*float64(m)/(w+1))
		for _, d := range []float64{1e-2, 1e-4, 1e-6, 1e-8, 3e-9, 1e-9} {
			k, nearest := 2*math.Asin(math.Sqrt(d)/2), math.Inf(1)
			for _, r := range newUniform(nil, Params{w, 1, 4, bottom + d, 0}).solve() {
				nearest = min(nearest, math.Abs(r.k-k))
			}
			assert.LessOrEqual(t, nearest, 1e-14/k, "channel %d, %g above its bottom", m, d)
		}
	}
}

func TestBandEdgesOfThePaper(t *testing.T) {
	// N(φ) falls from 11 to 3; the edges are located by bisection, and 1e-10 beside each the lead still holds together.
	edges := []float64{0.0160, 0.0286, 0.0366, 0.0432, 0.0502, 0.0593, 0.0725, 0.0933}
	for i, near := range edges {
		low, high := near-1.5e-3, near+1.5e-3
		require.Equal(t, 11-i, solved(t, wire(low)).Modes)
		require.Equal(t, 10-i, solved(t, wire(high)).Modes)
		for high-low > 1e-15 {
			middle := (low + high) / 2
			if middle == low || middle == high {
				break
			}
			if len(newUniform(nil, wire(middle)).solve()) == 11-i {
				low = middle
			} else {
				high = middle
			}
		}
		assert.InDelta(t, near, low, 1e-4)
		check(t, solved(t, wire(low-1e-10)), 1e-9)
		check(t, solved(t, wire(high+1e-10)), 1e-9)
	}
}

func TestSlowestModesNeedNoLuck(t *testing.T) {
	// Next to the band bottom of a channel at φ = 0 the pair of modes is found down to a distance of 1e-12.
	for _, m := range []int{1, 2, 7, 30} {
		bottom := 4 - 2 - 2*math.Cos(math.Pi*float64(m)/31)
		for _, distance := range []float64{1e-4, 1e-8, 1e-10, 1e-12} {
			assert.Len(t, newUniform(nil, Params{30, 1, 4, bottom + distance, 0}).solve(), m, "channel %d, %g above", m, distance)
			assert.Len(t, newUniform(nil, Params{30, 1, 4, bottom - distance, 0}).solve(), m-1, "channel %d, %g below", m, distance)
		}
	}
}

func TestBandsThatNearlyCross(t *testing.T) {
	// At k = π states at opposite edges of a wide strip cross but for a gap below rounding.
	b := newUniform(nil, Params{60, 1, 4, 4, 0.05})
	b.at(math.Pi)
	h := mat.NewSymDense(60, nil)
	for y, d := range b.diagonal {
		h.SetSym(y, y, d)
		if y > 0 {
			h.SetSym(y, y-1, -1)
		}
	}
	var eigen mat.EigenSym
	require.True(t, eigen.Factorize(h, false))
	levels := eigen.Values(nil)
	require.Less(t, levels[1]-levels[0], 1e-14)
	for _, off := range []float64{-1e-6, -1e-9, -1e-12, 0, 1e-12, 1e-9, 1e-6} {
		l := solved(t, Params{60, 1, 4, 4 + levels[0] + off, 0.05})
		check(t, l, 1e-12)
		if math.Abs(off) < 1e-9 { // what is left of the coupling may be felt beside the crossing
			dE, _, err := l.DerivativeF(context.Background())
			require.NoError(t, err)
			assert.Less(t, largest(dE), 100.0)
		}
	}
}

func TestOnABandEdge(t *testing.T) {
	// A mode without velocity is none; F is continuous there, but its slope is infinite: half the digits are left.
	for _, p := range []Params{{1, 1, 4, 2, 0}, {1, 1, 4, 6, 0}, {3, 1, 4, 2 - math.Sqrt2, 0}, {3, 1, 4, 4, 0}, {30, 1, 0, -2 - 2*math.Cos(math.Pi/31), 0}} {
		l, near := solved(t, p), p
		near.Energy -= 1e-13
		assert.Len(t, l.F, p.Width*p.Width)
		for i, f := range solved(t, near).F {
			assert.LessOrEqual(t, cmplx.Abs(f-l.F[i]), 1e-5)
		}
	}
}

func TestMiddleOfTheBandOfAWideStrip(t *testing.T) {
	check(t, solved(t, Params{100, 1, 4, 4, 0.05}), 1e-12)
}

func TestNegativeFieldMirrors(t *testing.T) {
	// Solve uses the symmetry; here the other sign is computed by itself.
	for _, field := range []float64{0.004, 0.05, 0.11} {
		direct, err := solve(nil, wire(-field))
		require.NoError(t, err)
		mirrored := solved(t, wire(-field))
		check(t, mirrored, 1e-12)
		require.Equal(t, direct.Modes, mirrored.Modes)
		for i := range direct.F {
			assert.LessOrEqual(t, cmplx.Abs(direct.F[i]-mirrored.F[i]), 1e-12)
		}
		assert.InDeltaSlice(t, direct.Wavenumber, mirrored.Wavenumber, 1e-13)
	}
}

func TestContourAgreesWithSchurForm(t *testing.T) {
	resolved := 0
	for _, w := range []int{1, 5, 32, 33, 65} {
		for _, e := range []float64{-60, 0.3, 1.2, 2.3, 4, 8.1} {
			for _, field := range []float64{0, 0.0113, 0.06, 0.31} {
				p := Params{w, 1, 4, e, field}
				b := newUniform(nil, p)
				right := b.solve()
				f, ok := contourMapping(b)
				if !ok {
					continue
				}
				resolved++
				d, err := decay(b, right)
				require.NoError(t, err)
				want, err := mapping(nil, d, right)
				require.NoError(t, err)
				for i := range f {
					require.LessOrEqual(t, cmplx.Abs(f[i]-want[i]), 2e-12, "%+v", p)
				}
			}
		}
	}
	assert.Greater(t, resolved, 80)
}

func TestSolveAllRepeatsSolve(t *testing.T) {
	var params []Params
	for i := range 12 {
		params = append(params, Params{12, 1, 4, 1.3, 0.01 * float64(i-6)})
	}
	params = append(params, params[3])
	for _, threads := range []int{1, 4} {
		leads, err := SolveAll(context.Background(), params, threads)
		require.NoError(t, err)
		for i, l := range leads {
			assert.Equal(t, solved(t, params[i]), l)
		}
		assert.Same(t, leads[10], func() *Lead { again, _ := SolveAll(nil, params[10:11], 1); return again[0] }())
	}
}

func TestSolveAllStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := SolveAll(ctx, []Params{{11, 1, 4, 1.31, 0.01}}, 1)
	assert.Equal(t, fault.Cancelled, fault.KindOf(err))
}

func TestCacheStaysBounded(t *testing.T) {
	m := memory{leads: map[Params]*Lead{}}
	for i := range 100 {
		m.put(&Lead{Params: Params{Width: 1 + i}, F: make([]complex128, 1<<17)})
	}
	assert.LessOrEqual(t, m.bytes, CacheLimit)
	assert.Len(t, m.leads, len(m.order))
	assert.Nil(t, m.get(Params{Width: 1}))
	assert.NotNil(t, m.get(Params{Width: 100}))
}

func TestWrongParamsAreNamed(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for want, p := range map[string]Params{
		"width": {0, 1, 4, 1, 0}, "hopping": {3, 0, 4, 1, 0}, "lead_onsite": {3, 1, nan, 1, 0}, "energy": {3, 1, 4, inf, 0}, "field": {3, 1, 4, 1, nan},
	} {
		_, err := Solve(p)
		var e *fault.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, fault.Argument, e.Kind)
		assert.Equal(t, want, e.Argument)
		_, err = SolveAll(context.Background(), []Params{wire(0), p}, 1)
		assert.ErrorContains(t, err, "entry 1")
	}
	_, err := Solve(Params{MaxOrbitals + 1, 1, 4, 1, 0})
	assert.Equal(t, fault.Argument, fault.KindOf(err))
}

func BenchmarkSolve(b *testing.B) {
	for i := range b.N {
		if _, err := Solve(wire(0.12 * float64(i%101) / 100)); err != nil {
			b.Fatal(err)
		}
	}
}
