package lead

import (
	"math"
	"math/cmplx"
)

// Dense complex matrices are stored by rows.

func transpose(a []complex128, n int) {
	for i := range n {
		for j := range i {
			a[i*n+j], a[j*n+i] = a[j*n+i], a[i*n+j]
		}
	}
}

// solveInPlace replaces b (n × m) by a⁻¹b by Gaussian elimination with row pivoting; a (n × n) is overwritten by its
// factors. It returns false if a is singular.
func solveInPlace(a, b []complex128, n, m int) bool {
	for k := range n {
		pivot, largest := k, 0.0
		for i := k; i < n; i++ {
			if s := sum1(a[i*n+k]); s > largest {
				pivot, largest = i, s
			}
		}
		if largest == 0 {
			return false
		}
		if pivot != k {
			swap(a[k*n:(k+1)*n], a[pivot*n:(pivot+1)*n])
			swap(b[k*m:(k+1)*m], b[pivot*m:(pivot+1)*m])
		}
		inverse := 1 / a[k*n+k]
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] * inverse
			a[i*n+k] = f
			axpy(-f, a[k*n+k+1:(k+1)*n], a[i*n+k+1:(i+1)*n])
			axpy(-f, b[k*m:(k+1)*m], b[i*m:(i+1)*m])
		}
	}
	for k := n - 1; k >= 0; k-- {
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

// multiply returns a·b for a (n × l), b (l × m).
func multiply(a, b []complex128, n, l, m int) []complex128 {
	c := make([]complex128, n*m)
	for i := range n {
		for k := range l {
			axpy(a[i*l+k], b[k*m:(k+1)*m], c[i*m:(i+1)*m])
		}
	}
	return c
}

// axpy adds f·x to y.
func axpy(f complex128, x, y []complex128) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += f * v
	}
}

func swap(a, b []complex128) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// hypot is the length of the vector (p, q).
func hypot(p, q complex128) float64 { return math.Hypot(cmplx.Abs(p), cmplx.Abs(q)) }

// sum1 is |Re z| + |Im z|.
func sum1(z complex128) float64 { return math.Abs(real(z)) + math.Abs(imag(z)) }
