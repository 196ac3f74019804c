package lead

import (
	"context"
	"math"
	"math/cmplx"

	"mcd/core/fault"
)

// DerivativeF returns ∂F/∂Energy and ∂F/∂Field (Width × Width, [row][column]). They grow without bound towards a band
// edge and do not exist on it.
//
// F solves τF² + (H₀ − E)F + τ† = 0. With g = (E − H₀ − τF)⁻¹, so that F = gτ†, its differential is the Stein equation
//
//	dF − gτ·dF·F = g(dτF² + (dH₀ − dE)F + dτ†),
//
// where gτ has the eigenvalues of F: it is singular only where the product of two of them is 1, on a band edge.
func (l *Lead) DerivativeF(ctx context.Context) (dE, dField []complex128, err error) {
	err = until(ctx, func(s *stop) (err error) {
		dE, dField, err = l.derivativeF(s)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return dE, dField, nil
}

func (l *Lead) derivativeF(stop *stop) (dE, dField []complex128, err error) {
	e, err := newStein(stop, l)
	if err != nil {
		return nil, nil, err
	}
	w := l.Width
	// dτ = 2iȳτ dφ, and F = gτ† with diagonal τ gives g = Fτ†⁻¹.
	f2 := multiply(stop, l.F, l.F, w, w, w)
	dE, dField = make([]complex128, w*w), make([]complex128, w*w)
	for y := range w {
		m := complex(0, float64(2*y-(w-1))) // 2iȳ
		for j := range w {
			dE[y*w+j] = -l.F[y*w+j]
			dField[y*w+j] = m * e.tau[y] * f2[y*w+j]
		}
		dField[y*w+y] -= m * cmplx.Conj(e.tau[y])
	}
	if dE, err = e.solve(dE); err != nil {
		return nil, nil, err
	}
	if dField, err = e.solve(dField); err != nil {
		return nil, nil, err
	}
	return dE, dField, nil
}

// stein solves X − gτ·X·F = gC for one lead. With FZ = ZS, S upper triangular, and the mirrored left-going solutions
// F_L = JFJ = (JZ)S(JZ)⁻¹, the columns of V = JZ − F·JZ·S obey gτV = VS: of a left-going solution u, the differences
// w_x = u_x − Fu_{x−1} obey gτw₁ = w₀. So X = VYZ† with Y − SYS = V⁻¹gCZ for unitary Z, solved column by column.
type stein struct {
	stop    *stop
	lead    *Lead
	tau     []complex128 // diagonal of τ
	distant bool         // far outside the band, where X = gC + gτXF is iterated instead
	z, v, s []complex128
}

func newStein(stop *stop, l *Lead) (*stein, error) {
	w := l.Width
	b := newUniform(stop, l.Params)
	e := &stein{stop: stop, lead: l, tau: make([]complex128, w), distant: b.distant()}
	for y := range w {
		e.tau[y] = complex(-l.Hopping*b.cos[y], -l.Hopping*b.sin[y])
	}
	if e.distant {
		return e, nil
	}
	schur, ok := newSchur(stop, append([]complex128(nil), l.F...), w)
	if !ok {
		return nil, fault.New(fault.Numerical, "the modes of a lead of width %d did not converge", w)
	}
	e.s, e.z = schur.t, schur.zt
	transpose(e.z, w)
	left := make([]complex128, w*w)
	for y := range w {
		copy(left[y*w:(y+1)*w], e.z[(w-1-y)*w:(w-y)*w])
	}
	e.v = left
	back := multiply(stop, l.F, multiply(stop, left, e.s, w, w, w), w, w, w)
	for i := range back {
		e.v[i] -= back[i]
	}
	return e, nil
}

// solve returns X for the right-hand side C.
func (e *stein) solve(c []complex128) ([]complex128, error) {
	w := e.lead.Width
	g := func(c []complex128) []complex128 { // gC = Fτ†⁻¹C
		scaled := make([]complex128, w*w)
		for y := range w {
			axpy(1/cmplx.Conj(e.tau[y]), c[y*w:(y+1)*w], scaled[y*w:(y+1)*w])
		}
		return multiply(e.stop, e.lead.F, scaled, w, w, w)
	}
	if e.distant {
		x := g(c)
		for range 6 {
			next := multiply(e.stop, x, e.lead.F, w, w, w)
			for y := range w {
				for j := range w {
					next[y*w+j] = e.tau[y]*next[y*w+j] + c[y*w+j]
				}
			}
			x = g(next)
		}
		return x, nil
	}
	y := multiply(e.stop, g(c), e.z, w, w, w)
	v := append([]complex128(nil), e.v...)
	if !solveInPlace(e.stop, v, y, w, w) || !steinColumns(e.stop, e.s, e.s, y, w) {
		return nil, notDifferentiable(e.lead.Energy)
	}
	x := multiply(e.stop, e.v, multiply(e.stop, y, adjoint(e.z, w, w), w, w, w), w, w, w)
	if !(largestOf(x) < math.MaxFloat64) {
		return nil, notDifferentiable(e.lead.Energy)
	}
	return x, nil
}

func notDifferentiable(energy float64) error {
	return fault.New(fault.Numerical, "a lead has no derivative at the energy %g, which lies on a band edge: change energy or field a little", energy)
}

// steinColumns solves Y − SYT = C in place for upper triangular S and T, column by column:
// (1 − t_jj S)y_j = c_j + S Σ_{l<j} y_l t_lj.
//
// Where s_ii·t_jj = 1 an arriving and a leaving wave have the same momentum. States at opposite edges may, and are not
// coupled by C; then neither are they by Y. Otherwise there is no solution, and the answer is false.
func steinColumns(stop *stop, s, t, y []complex128, n int) bool {
	size := largestOf(y)
	sum := make([]complex128, n)
	for j := 0; j < n && !stop.now(); j++ {
		for i := range n {
			sum[i] = 0
			for l := range j {
				sum[i] += y[i*n+l] * t[l*n+j]
			}
		}
		last := t[j*n+j]
		for i := n - 1; i >= 0; i-- {
			// Row i of S(Σ + t_jj y_j): what is right of the diagonal is solved already.
			r := y[i*n+j] + s[i*n+i]*sum[i]
			for l := i + 1; l < n; l++ {
				r += s[i*n+l] * (sum[l] + last*y[l*n+j])
			}
			y[i*n+j] = 0
			if d := 1 - last*s[i*n+i]; cmplx.Abs(d) > 1e-12 {
				y[i*n+j] = r / d
			} else if cmplx.Abs(r) > 1e-9*size {
				return false
			}
		}
	}
	return true
}
