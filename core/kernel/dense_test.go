package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
)

// denseCalls returns every operation of k for an m × n matrix.
func denseCalls(k kernel.Dense, m, n int) []call {
	return []call{{"Gram", []int{m * n, m * m}, func(x [][]float64) { k.Gram(0, m, m, n, x[0], x[1]) }}}
}

func TestDenseGram(t *testing.T) {
	for _, k := range kernel.Denses() {
		for m := 1; m <= 17; m++ {
			for _, n := range []int{0, 1, 3, 4, 7, 8, 9, 16, 61, 900} {
				rng := rand.New(rand.NewPCG(uint64(m), uint64(n)))
				a := make([]float64, m*n)
				for i := range a {
					a[i] = rng.NormFloat64()
				}
				gram, intact := buffer(t, m*m, 1)
				k.Gram(0, m, m, n, a, gram)
				intact()
				for i := range m {
					for j := range m {
						if j < i {
							require.Equal(t, uint64(poison), math.Float64bits(gram[i*m+j]), "below the diagonal")
							continue
						}
						sum, size := 0.0, 0.0
						for l := range n {
							product := a[i*n+l] * a[j*n+l]
							sum += product
							size += math.Abs(product)
						}
						// Two sums of n roundings each.
						require.InDelta(t, sum, gram[i*m+j], 0x1p-52*float64(n)*size, "%s, %d × %d: (%d, %d)", k.Name(), m, n, i, j)
					}
				}
			}
		}
	}
}

// TestDenseGramInParts demands the same bits whoever computes which rows.
func TestDenseGramInParts(t *testing.T) {
	const m, n = 101, 123
	rng := rand.New(rand.NewPCG(3, 3))
	a := make([]float64, m*n)
	for i := range a {
		a[i] = rng.NormFloat64()
	}
	for _, k := range kernel.Denses() {
		whole := make([]float64, m*m)
		k.Gram(0, m, m, n, a, whole)
		for _, rows := range []int{1, 2, 3, 5, kernel.GramRows, 100} {
			parts := make([]float64, m*m)
			for i := 0; i < m; i += rows {
				k.Gram(i, min(i+rows, m), m, n, a, parts)
			}
			assert.Equalf(t, whole, parts, "%s, %d rows at a time", k.Name(), rows)
		}
	}
}

// BenchmarkDense is the Gram matrix of the paper's Jacobian on one thread, beside the multiply-add peak of one core.
func BenchmarkDense(b *testing.B) {
	const m, n = 101, 900
	a, out := make([]float64, m*n), make([]float64, m*m)
	for i := range a {
		a[i] = float64(i%7) - 3
	}
	for i, k := range kernel.Denses() {
		b.Run(fmt.Sprint("Gram/", k.Name()), func(b *testing.B) {
			for b.Loop() {
				k.Gram(0, m, m, n, a, out)
			}
			b.ReportMetric(100*m*(m+1)*n*float64(b.N)/b.Elapsed().Seconds()/kernel.Peak(kernel.All()[i]), "%peak")
		})
	}
}
