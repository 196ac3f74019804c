package lead

import (
	"math"
	"math/cmplx"

	gonumblas "gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Dense complex matrices are stored by rows. What a stop ends is left unfinished.

func transpose(a []complex128, n int) {
	for i := range n {
		for j := range i {
			a[i*n+j], a[j*n+i] = a[j*n+i], a[i*n+j]
		}
	}
}

// solveInPlace replaces b (n × m) by a⁻¹b by Gaussian elimination with row pivoting; a (n × n) is overwritten by its
// factors. It returns false if a is singular.
func solveInPlace(s *stop, a, b []complex128, n, m int) bool { return eliminate(s, a, b, n, m, 0) }

func eliminate(s *stop, a, b []complex128, n, m int, least float64) bool {
	if native() {
		return nativeEliminate(s, a, b, n, m, least)
	}
	for k := range n {
		if s.now() {
			return false
		}
		pivot, largest := k, 0.0
		for i := k; i < n; i++ {
			if s := sum1(a[i*n+k]); s > largest {
				pivot, largest = i, s
			}
		}
		if largest <= least {
			if least == 0 {
				return false
			}
			a[pivot*n+k] = complex(least, 0)
		}
		if pivot != k {
			swap(a[k*n:(k+1)*n], a[pivot*n:(pivot+1)*n])
			swap(b[k*m:(k+1)*m], b[pivot*m:(pivot+1)*m])
		}
		inverse := 1 / a[k*n+k]
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] * inverse
			a[i*n+k] = f
			if f == 0 {
				continue
			}
			axpy(-f, a[k*n+k+1:(k+1)*n], a[i*n+k+1:(i+1)*n])
			axpy(-f, b[k*m:(k+1)*m], b[i*m:(i+1)*m])
		}
	}
	for k := n - 1; k >= 0 && !s.now(); k-- {
		row := b[k*m : (k+1)*m]
		for j := k + 1; j < n; j++ {
			axpy(-a[k*n+j], b[j*m:(j+1)*m], row)
		}
		inverse := 1 / a[k*n+k]
		for j := range row {
			row[j] *= inverse
		}
	}
	return true
}

// solveRegular is solveInPlace with pivots below least made as large as that: for singular systems whose right-hand sides
// are in the range of the matrix.
func solveRegular(s *stop, a, b []complex128, n, m int, least float64) {
	eliminate(s, a, b, n, m, least)
}

// multiply returns a·b for a (n × l), b (l × m).
func multiply(s *stop, a, b []complex128, n, l, m int) []complex128 {
	c := make([]complex128, n*m)
	if native() {
		nativeMultiply(s, a, b, c, n, l, m)
		return c
	}
	for i := 0; i < n && !s.now(); i++ {
		for k := range l {
			if f := a[i*l+k]; f != 0 {
				axpy(f, b[k*m:(k+1)*m], c[i*m:(i+1)*m])
			}
		}
	}
	return c
}

// products sets c (rows × columns) to a·bᵀ for real a (rows × n, rows a multiple of 4) and b (columns × n).
func products(a, b, c []float64, rows, columns, n int) {
	if native() {
		nativeProducts(a, b, c, rows, columns, n)
		return
	}
	blas.Dgemm(gonumblas.NoTrans, gonumblas.Trans, rows, columns, n, 1, a, n, b, n, 0, c, columns)
}

// apply returns a·x for a (n × l).
func apply(a, x []complex128, n, l int) []complex128 {
	y := make([]complex128, n)
	for i := range n {
		row := a[i*l : (i+1)*l]
		re, im := 0.0, 0.0
		for j, v := range x[:l] {
			f := row[j]
			re += real(f)*real(v) - imag(f)*imag(v)
			im += real(f)*imag(v) + imag(f)*real(v)
		}
		y[i] = complex(re, im)
	}
	return y
}

// axpy adds f·x to y.
func axpy(f complex128, x, y []complex128) {
	blas.Zaxpy(len(x), f, x, 1, y, 1)
}

var blas gonum.Implementation

func swap(a, b []complex128) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// sum1 is |Re z| + |Im z|.
func sum1(z complex128) float64 { return math.Abs(real(z)) + math.Abs(imag(z)) }

// hermitianVectors returns the eigenvectors of the Hermitian matrix a (n × n, overwritten) in columns, by Jacobi's rotations.
func hermitianVectors(s *stop, a []complex128, n int) []complex128 {
	vt := make([]complex128, n*n) // vectors in rows
	for i := range n {
		vt[i*n+i] = 1
	}
	for range 40 {
		off, all := 0.0, 0.0
		for i := range n {
			for j := range n {
				s := sum1(a[i*n+j])
				all += s
				if i != j {
					off += s
				}
			}
		}
		if off <= 1e-17*all {
			break
		}
		for i := 0; i < n && !s.now(); i++ {
			for j := range i {
				g := a[j*n+i]
				size := cmplx.Abs(g)
				if size == 0 {
					continue
				}
				zeta := (real(a[i*n+i]) - real(a[j*n+j])) / (2 * size)
				t := math.Copysign(1, zeta) / (math.Abs(zeta) + math.Hypot(1, zeta))
				c := 1 / math.Hypot(1, t)
				f := complex(-c*t, 0) * g / complex(size, 0)
				rotate(a[j*n:(j+1)*n], a[i*n:(i+1)*n], c, f)
				for r := range n {
					x, y := a[r*n+j], a[r*n+i]
					a[r*n+j], a[r*n+i] = complex(c, 0)*x+cmplx.Conj(f)*y, complex(c, 0)*y-f*x
				}
				rotate(vt[j*n:(j+1)*n], vt[i*n:(i+1)*n], c, cmplx.Conj(f))
			}
		}
	}
	transpose(vt, n)
	return vt
}
