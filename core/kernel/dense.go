package kernel

import "gonum.org/v1/gonum/blas/blas64"

// Dense is one implementation of what optimizers do most with dense real matrices; rows lie one after the other.
type Dense interface {
	// Name is "plain", "avx2" or "avx512".
	Name() string
	// Gram computes the rows first ≤ i < last of the upper triangle of A·Aᵀ, k[i·m + j] = Σ_l a[i·n + l]·a[j·n + l] for
	// i ≤ j < m, of A (m × n), and leaves the rest of k (m × m) alone. The order of a sum depends on n alone: the bits are
	// the same however calls share the rows.
	Gram(first, last, m, n int, a, k []float64)
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
	row := func(i int) blas64.Vector { return blas64.Vector{N: n, Inc: 1, Data: a[i*n : (i+1)*n]} }
	for i := first; i < last; i++ {
		for j := i; j < m; j++ {
			k[i*m+j] = blas64.Dot(row(i), row(j))
		}
	}
}
