package lead

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/gonum"
)

var lapackGo gonum.Implementation

// realSchur is the real Schur form A = ZTZᵀ of an n × n matrix, T quasi-triangular, with the eigenvalues re + i·im.
type realSchur struct {
	n                  int
	t, z, re, im, work []float64
}

// newRealSchur factors t, which is overwritten.
func newRealSchur(t []float64, n int) (*realSchur, bool) {
	s := &realSchur{n: n, t: t, z: make([]float64, n*n), re: make([]float64, n), im: make([]float64, n)}
	tau := make([]float64, n-1)
	query := make([]float64, 1)
	lapackGo.Dgehrd(n, 0, n-1, t, n, tau, query, -1)
	size := max(int(query[0]), 3*n)
	lapackGo.Dhseqr(lapack.EigenvaluesAndSchur, lapack.SchurOrig, n, 0, n-1, t, n, s.re, s.im, s.z, n, query, -1)
	s.work = make([]float64, max(size, int(query[0])))

	lapackGo.Dgehrd(n, 0, n-1, t, n, tau, s.work, len(s.work))
	copy(s.z, t)
	// With the least workspace the reflectors are applied one by one: gonum's blocks of them (Dlarft) lose up to nine digits
	// of orthogonality where columns end in zeros or numbers next to zero, as at the middle of the band.
	lapackGo.Dorghr(n, 0, n-1, s.z, n, tau, s.work, n-1)
	for i := 2; i < n; i++ {
		clear(t[i*n : i*n+i-1])
	}
	left := lapackGo.Dhseqr(lapack.EigenvaluesAndSchur, lapack.SchurOrig, n, 0, n-1, t, n, s.re, s.im, s.z, n, s.work, len(s.work))
	return s, left == 0
}

// order moves the n/2 − len(right) eigenvalues of least modulus, those of open modes apart, to the front of the Schur form
// (t, z) of order n.
func (s *realSchur) order(right []mode) bool {
	n, t, z, re, im := s.n, s.t, s.z, s.re, s.im
	count := n/2 - len(right)
	modulus := make([]float64, n)
	index := make([]int, n)
	for i := range n {
		modulus[i], index[i] = math.Hypot(re[i], im[i]), i
	}
	for _, m := range right { // and their mirror images
		for _, k := range []float64{m.k, -m.k} {
			sin, cos := math.Sincos(k)
			nearest, at := math.Inf(1), 0
			for i := range n {
				if d := math.Hypot(re[i]-cos, im[i]-sin); d < nearest && !math.IsInf(modulus[i], 1) {
					nearest, at = d, i
				}
			}
			modulus[at] = math.Inf(1)
		}
	}
	sort.SliceStable(index, func(i, j int) bool { return modulus[index[i]] < modulus[index[j]] })
	wanted := make([]bool, n)
	for _, i := range index[:count] {
		wanted[i] = true
	}
	front := 0
	for i := 0; i < n; {
		size := 1
		if im[i] != 0 {
			size = 2
		}
		if size == 2 && wanted[i] != wanted[i+1] {
			// On a band edge at k = 0 or π a decaying and a growing solution meet, and rounding makes them a pair.
			splitPair(t, z, n, i)
			wanted[i], wanted[i+1] = true, false
			size = 1
			im[i+1] = 0
		}
		if wanted[i] {
			if front != i {
				if _, _, ok := lapackGo.Dtrexc(lapack.UpdateSchur, n, t, n, z, n, i, front, s.work); !ok {
					return false
				}
			}
			front += size
		}
		i += size
	}
	return front == count
}

// splitPair makes the conjugate pair at i two equal real eigenvalues, by dropping the lesser off-diagonal entry of its block
// [[a, b], [c, a]], which must come to stand below the diagonal.
func splitPair(t, z []float64, n, i int) {
	if math.Abs(t[i*n+i+1]) < math.Abs(t[(i+1)*n+i]) { // exchange the two basis vectors
		for r := range n {
			t[r*n+i], t[r*n+i+1] = t[r*n+i+1], t[r*n+i]
			z[r*n+i], z[r*n+i+1] = z[r*n+i+1], z[r*n+i]
		}
		for c := range n {
			t[i*n+c], t[(i+1)*n+c] = t[(i+1)*n+c], t[i*n+c]
		}
	}
	t[(i+1)*n+i] = 0
}
