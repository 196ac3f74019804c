package lead

import (
	"math"
	"math/cmplx"
)

// realForm looks for a basis where the transfer matrix of a cell is real but for a phase, which makes its Schur form several
// times cheaper.
//
// Time reversal, alone or with a reflection that exchanges the coupled orbitals j and r−1−j (a field in a symmetric wire),
// maps waves to waves of the same energy. It takes the numbers a = (p + q)/2 and b = (p − q)/2i of a cut to their conjugates,
// reflected as the case may be, up to a phase of b and of λ. So the search needs no knowledge of the lattice: go over to a
// and b, with the reflection to the pairs of pairedBasis, turn the phases, and see whether the imaginary part is rounding.
type realForm struct {
	r      int
	ab     []complex128 // the transfer matrix for (a, b)·√2
	mirror bool
	lambda complex128 // phase taken out of the matrix
	beside complex128 // phase taken out of b
	matrix []float64
}

// newRealForm prepares the search for the transfer matrix t (2r × 2r) of (p, q).
func newRealForm(t []complex128, r int) *realForm {
	n := 2 * r
	f := &realForm{r: r, ab: make([]complex128, n*n), matrix: make([]float64, n*n)}
	for i := range r {
		for j := range r {
			a, b, c, d := t[i*n+j], t[i*n+r+j], t[(r+i)*n+j], t[(r+i)*n+r+j]
			f.ab[i*n+j] = (a + b + c + d) / 2
			f.ab[i*n+r+j] = (a - b + c - d) * 0.5i
			f.ab[(r+i)*n+j] = (a + b - c - d) * -0.5i
			f.ab[(r+i)*n+r+j] = (a - b - c + d) / 2
		}
	}
	return f
}

// schur returns the Schur form of the transfer matrix of (p, q) by way of a real one, false if there is none.
func (f *realForm) schur() (*schur, bool) {
	if !f.real(false) && !f.real(true) {
		return nil, false
	}
	n, r := 2*f.r, f.r
	s, ok := newRealSchur(f.matrix, n)
	if !ok {
		return nil, false
	}
	c := &schur{n: n, t: make([]complex128, n*n), zt: make([]complex128, n*n)}
	for i := range n {
		for j := range n {
			c.t[i*n+j] = complex(s.t[i*n+j], 0) * f.lambda
			c.zt[j*n+i] = complex(s.z[i*n+j], 0)
		}
	}
	triangular(c.t, n, func(i int, p, q complex128) {
		x, y := c.zt[i*n:(i+1)*n], c.zt[(i+1)*n:(i+2)*n]
		for k, v := range x {
			x[k], y[k] = v*p+y[k]*q, y[k]*cmplx.Conj(p)-v*cmplx.Conj(q)
		}
	})
	for j := range n { // back to (p, q) = (a + ib, a − ib)/√2
		v := c.zt[j*n : (j+1)*n]
		if f.mirror {
			fromPairs(v[:r])
			fromPairs(v[r:])
		}
		for i := range r {
			a, b := v[i], v[r+i]*f.beside
			v[i], v[r+i] = (a+1i*b)/math.Sqrt2, (a-1i*b)/math.Sqrt2
		}
	}
	return c, true
}

// real fills matrix and the phases; it returns false if the matrix is not real. It must be asked without reflection first.
func (f *realForm) real(mirrored bool) bool {
	n, r := 2*f.r, f.r
	t := f.ab
	if f.mirror = mirrored; mirrored { // t ← Q†tQ, rows and columns by halves; the first try is over
		for i := range n {
			row := t[i*n : (i+1)*n]
			for _, half := range [][]complex128{row[:r], row[r:]} {
				for j, x := range half {
					half[j] = cmplx.Conj(x)
				}
				toPairs(half)
				for j, x := range half {
					half[j] = cmplx.Conj(x)
				}
			}
		}
		column := make([]complex128, r)
		for j := range n {
			for top := 0; top < n; top += r {
				for i := range r {
					column[i] = t[(top+i)*n+j]
				}
				toPairs(column)
				for i := range r {
					t[(top+i)*n+j] = column[i]
				}
			}
		}
	}
	var size float64
	if f.lambda, size = phaseOfLargest(t, n, 0, 0, r); size < 1e-3 {
		f.lambda, _ = phaseOfLargest(t, n, r, r, r)
	}
	between, _ := phaseOfLargest(t, n, 0, r, r)
	f.beside = cmplx.Conj(between) * f.lambda
	all := 0.0
	for _, x := range t {
		all = max(all, sum1(x))
	}
	for i := range n {
		for j := range n {
			x := t[i*n+j] * cmplx.Conj(f.lambda)
			if i < r && j >= r {
				x *= f.beside
			}
			if i >= r && j < r {
				x *= cmplx.Conj(f.beside)
			}
			if math.Abs(imag(x)) > 32*epsilon*all {
				return false
			}
			f.matrix[i*n+j] = real(x)
		}
	}
	return true
}

// phaseOfLargest returns phase and size of the largest entry of the r × r block at (row, column).
func phaseOfLargest(t []complex128, n, row, column, r int) (phase complex128, largest float64) {
	phase = 1
	for i := range r {
		for _, x := range t[(row+i)*n+column : (row+i)*n+column+r] {
			if size := cmplx.Abs(x); size > largest {
				largest, phase = size, x/complex(size, 0)
			}
		}
	}
	return phase, largest
}

// toPairs replaces x by its components along (e_p + e_q)/√2, at p, and i(e_p − e_q)/√2, at q, for every pair of mirrored
// places p < q.
func toPairs(x []complex128) {
	for p, q := 0, len(x)-1; p < q; p, q = p+1, q-1 {
		x[p], x[q] = (x[p]+x[q])/math.Sqrt2, (x[p]-x[q])/(1i*math.Sqrt2)
	}
}

// fromPairs is the inverse of toPairs.
func fromPairs(x []complex128) {
	for p, q := 0, len(x)-1; p < q; p, q = p+1, q-1 {
		x[p], x[q] = (x[p]+1i*x[q])/math.Sqrt2, (x[p]-1i*x[q])/math.Sqrt2
	}
}
