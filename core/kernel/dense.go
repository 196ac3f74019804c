package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Dense is one implementation of what optimizers do most with dense real matrices; rows lie one after the other.
type Dense interface {
	// Name is "plain", "avx2" or "avx512".
	Name() string
	// Gram computes the rows first ≤ i < last of the upper triangle of A·Aᵀ, k[i·m + j] = Σ_l a[i·n + l]·a[j·n + l] for
	// i ≤ j < m, of A (m × n), and leaves the rest of k (m × m) alone. The order of a sum depends on n alone: the bits are
	// the same however calls share the rows.
	Gram(first, last, m, n int, a, k []float64)
	// Gemv adds αAx to y of A (rows × n), y[i] += α·Σ_l a[i·n + l]·x[l] for first ≤ i < last.
	Gemv(first, last, n int, alpha float64, a, x, y []float64)
	// GemvT adds αAᵀx to y of A (m × n), y[l] += Σ_i α·x[i]·a[i·n + l] for first ≤ l < last. The bits of both are the same
	// however calls share y.
	GemvT(first, last, m, n int, alpha float64, a, x, y []float64)
	// Cholesky overwrites the upper triangle of a symmetric matrix (m × m) by that of U, A = UᵀU, and tells whether it is
	// positive definite; if not, and below the diagonal, what it leaves has no meaning.
	Cholesky(m int, a []float64) bool
}

// GramRows is a good number of rows for one call of Dense.Gram, a multiple of what all implementations take at a time.
const GramRows = 12

// Denses returns the implementations that run on this machine, the plain one first, the fastest last.
func Denses() []Dense { return append([]Dense{PlainDense{}}, acceleratedDenses()...) }

// BestDense returns the fastest implementation that runs on this machine.
func BestDense() Dense {
	all := Denses()
	return all[len(all)-1]
}

// PlainDense is the portable implementation of Dense: the oracle of the others.
type PlainDense struct{}

func (PlainDense) Name() string { return "plain" }

func (PlainDense) Gram(first, last, m, n int, a, k []float64) {
	row := func(i int) blas64.Vector { return vector(a[i*n : (i+1)*n]) }
	for i := first; i < last; i++ {
		for j := i; j < m; j++ {
			k[i*m+j] = blas64.Dot(row(i), row(j))
		}
	}
}

func (PlainDense) Gemv(first, last, n int, alpha float64, a, x, y []float64) {
	for i := first; i < last; i++ {
		y[i] += alpha * blas64.Dot(vector(a[i*n:(i+1)*n]), vector(x[:n]))
	}
}

func (PlainDense) GemvT(first, last, m, n int, alpha float64, a, x, y []float64) {
	for i, v := range x[:m] {
		v *= alpha
		for l, u := range a[i*n+first : i*n+last] {
			y[first+l] += v * u
		}
	}
}

func (PlainDense) Cholesky(m int, a []float64) bool {
	_, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Upper, N: m, Stride: m, Data: a})
	return ok
}

func vector(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
