package lead

import (
	"context"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onEveryTable runs test with each compiled twin and then with the plain code.
func onEveryTable(test func()) {
	all := tables
	defer func() { tables = all }()
	for len(tables) > 0 {
		test()
		tables = tables[1:]
	}
	test()
}

func TestCompiledTwins(t *testing.T) {
	// Whatever the tails, beside a border that must stay as it is.
	onEveryTable(func() {
		random := rand.New(rand.NewPCG(3, 4))
		for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 31, 32, 33, 71} { // compiled, 32 columns are eliminated at a time
			for _, m := range []int{1, 3, 8, 13} {
				a, b := randomMatrix(random, n, n), randomMatrix(random, n, m+1)
				x := append([]complex128(nil), b[:n*m+1]...)[:n*m]
				b = b[:n*m]
				require.True(t, solveInPlace(nil, append([]complex128(nil), a...), x, n, m))
				require.Equal(t, b[:n*m+1][n*m], x[:n*m+1][n*m])
				for i, v := range multiply(nil, a, x, n, n, m) {
					require.LessOrEqual(t, cmplx.Abs(v-b[i]), 1e-11*(1+largest(x)))
				}
				require.False(t, solveInPlace(nil, make([]complex128, n*n), x, n, m))
				rows, columns := make([]float64, 4*n), make([]float64, m*n)
				for i := range rows {
					rows[i] = random.NormFloat64()
				}
				for i := range columns {
					columns[i] = random.NormFloat64()
				}
				c := make([]float64, 4*m+1)
				c[4*m] = 7
				products(rows, columns, c, 4, m, n)
				for i := range 4 {
					for j := range m {
						sum := 0.0
						for k := range n {
							sum += rows[i*n+k] * columns[j*n+k]
						}
						require.InDelta(t, sum, c[i*m+j], 1e-13)
					}
				}
				require.Equal(t, 7.0, c[4*m])
			}
			a := randomMatrix(random, n, n)
			s, ok := newSchur(nil, append([]complex128(nil), a...), n)
			require.True(t, ok)
			require.LessOrEqual(t, defect(a, s), 1e-13)
			wanted := make([]bool, n)
			for i := range wanted {
				wanted[i] = i%2 == 1
			}
			s.move(wanted)
			require.LessOrEqual(t, defect(a, s), 1e-13)
		}
	})
}

func TestLeadsByEveryTable(t *testing.T) {
	var want []*Modes
	onEveryTable(func() {
		var cells []*Cell
		for _, field := range []float64{0, 0.04} {
			cells = append(cells, stripCell(solved(t, Params{9, 1, 4, 1.9, field})), turned(rand.New(rand.NewPCG(1, 2)), stripCell(solved(t, Params{9, 1, 4, 1.9, field}))))
		}
		modes, err := SolveCells(context.Background(), cells, 2)
		require.NoError(t, err)
		if want == nil {
			want = modes
		}
		for i, m := range modes {
			for j, z := range m.SelfEnergy {
				assert.LessOrEqual(t, cmplx.Abs(z-want[i].SelfEnergy[j]), 1e-12)
			}
		}
	})
}
