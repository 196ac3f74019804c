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
	return []call{
		{"Gram", []int{m * n, m * m}, func(x [][]float64) { k.Gram(0, m, m, n, x[0], x[1]) }},
		{"Gemv", []int{m * n, n, m}, func(x [][]float64) { k.Gemv(0, m, n, 1, x[0], x[1], x[2]) }},
		{"GemvT", []int{m * n, m, n}, func(x [][]float64) { k.GemvT(0, n, m, n, 1, x[0], x[1], x[2]) }},
		{"Cholesky", []int{m * m}, func(x [][]float64) { k.Cholesky(m, x[0]) }},
	}
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

// normal returns n values.
func normal(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func clone(v []float64) []float64 { return append([]float64(nil), v...) }

// TestDenseGemv holds both products to sums one by one, and demands the same bits whoever computes which part.
func TestDenseGemv(t *testing.T) {
	const alpha = -0.7
	for _, k := range kernel.Denses() {
		for _, size := range [][2]int{{1, 1}, {3, 4}, {2, 9}, {7, 31}, {17, 3}, {12, 8}, {101, 123}} {
			m, n := size[0], size[1]
			rng := rand.New(rand.NewPCG(uint64(m), uint64(n)))
			a, x, xt, y, yt := normal(rng, m*n), normal(rng, n), normal(rng, m), normal(rng, m), normal(rng, n)
			gemv, gemvT := clone(y), clone(yt)
			k.Gemv(0, m, n, alpha, a, x, gemv)
			k.GemvT(0, n, m, n, alpha, a, xt, gemvT)
			near := func(start, got float64, terms int, term func(i int) float64) {
				sum, size := start, math.Abs(start)
				for i := range terms {
					sum += alpha * term(i)
					size += math.Abs(alpha * term(i))
				}
				// Two sums of as many roundings, and those of the products with α.
				require.InDelta(t, sum, got, 0x1p-52*float64(terms+3)*size, "%s, %d × %d", k.Name(), m, n)
			}
			for i := range m {
				near(y[i], gemv[i], n, func(l int) float64 { return a[i*n+l] * x[l] })
			}
			for l := range n {
				near(yt[l], gemvT[l], m, func(i int) float64 { return a[i*n+l] * xt[i] })
			}
			for _, step := range []int{1, 3, 8, 50} {
				parts, partsT := clone(y), clone(yt)
				for i := 0; i < m; i += step {
					k.Gemv(i, min(i+step, m), n, alpha, a, x, parts)
				}
				for l := 0; l < n; l += step {
					k.GemvT(l, min(l+step, n), m, n, alpha, a, xt, partsT)
				}
				require.Equal(t, gemv, parts, "%s, %d × %d, %d rows at a time", k.Name(), m, n, step)
				require.Equal(t, gemvT, partsT, "%s, %d × %d, %d columns at a time", k.Name(), m, n, step)
			}
		}
	}
}

// TestDenseCholesky demands UᵀU = A within the bound of Higham (2002), theorem 10.3: |A − UᵀU| ≤ (m + 1)·ε·|U|ᵀ|U|, with twice
// that for the product here.
func TestDenseCholesky(t *testing.T) {
	for _, k := range kernel.Denses() {
		for _, m := range []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 17, 33, 101} {
			rng := rand.New(rand.NewPCG(uint64(m), 5))
			a, u := normal(rng, m*(m+3)), make([]float64, m*m)
			kernel.PlainDense{}.Gram(0, m, m, m+3, a, u)
			gram := clone(u)
			require.True(t, k.Cholesky(m, u), "%s, %d", k.Name(), m)
			for i := range m {
				for j := i; j < m; j++ {
					sum, size := 0.0, 0.0
					for l := range i + 1 {
						sum += u[l*m+i] * u[l*m+j]
						size += math.Abs(u[l*m+i] * u[l*m+j])
					}
					require.InDelta(t, gram[i*m+j], sum, 0x1p-52*float64(m+1)*size, "%s, %d: (%d, %d)", k.Name(), m, i, j)
				}
			}
			for _, bad := range []float64{-1, math.NaN()} {
				gram[(m/2)*(m+1)] = bad
				assert.False(t, k.Cholesky(m, clone(gram)), "%s, %d, %g on the diagonal", k.Name(), m, bad)
			}
		}
	}
}

// BenchmarkDense is what a step of Levenberg–Marquardt does most on the paper's Jacobian, on one thread; Gram beside the
// multiply-add peak of one core.
func BenchmarkDense(b *testing.B) {
	const m, n = 101, 900
	a, out, x, y := make([]float64, m*n), make([]float64, m*m), make([]float64, n), make([]float64, n)
	for i := range a {
		a[i] = math.Sin(float64(i * i))
	}
	for i, k := range kernel.Denses() {
		b.Run(fmt.Sprint("Gram/", k.Name()), func(b *testing.B) {
			for b.Loop() {
				k.Gram(0, m, m, n, a, out)
			}
			b.ReportMetric(100*m*(m+1)*n*float64(b.N)/b.Elapsed().Seconds()/kernel.Peak(kernel.All()[i]), "%peak")
		})
		b.Run(fmt.Sprint("Gemv/", k.Name()), func(b *testing.B) {
			for b.Loop() {
				k.Gemv(0, m, n, 1, a, x, y)
			}
		})
		b.Run(fmt.Sprint("GemvT/", k.Name()), func(b *testing.B) {
			for b.Loop() {
				k.GemvT(0, n, m, n, 1, a, x, y)
			}
		})
		b.Run(fmt.Sprint("Cholesky/", k.Name()), func(b *testing.B) {
			k.Gram(0, m, m, n, a, out)
			u := make([]float64, m*m)
			for b.Loop() {
				copy(u, out)
				if !k.Cholesky(m, u) {
					b.Fatal("not positive definite")
				}
			}
		})
	}
}
