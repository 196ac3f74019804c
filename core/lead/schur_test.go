package lead

import (
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func randomMatrix(random *rand.Rand, n, m int) []complex128 {
	a := make([]complex128, n*m)
	for i := range a {
		a[i] = complex(random.NormFloat64(), random.NormFloat64())
	}
	return a
}

// defect is max|A − ZTZ†|, ZZ† = 1 and the part of T below its diagonal.
func defect(a []complex128, s *schur) float64 {
	n := s.n
	z := append([]complex128(nil), s.zt...)
	transpose(z, n)
	zh := append([]complex128(nil), s.zt...)
	for i, v := range zh {
		zh[i] = cmplx.Conj(v)
	}
	back := multiply(nil, multiply(nil, z, s.t, n, n, n), zh, n, n, n)
	unit := multiply(nil, z, zh, n, n, n)
	worst := 0.0
	for i := range n {
		unit[i*n+i]--
		for j := range n {
			worst = max(worst, cmplx.Abs(back[i*n+j]-a[i*n+j]), cmplx.Abs(unit[i*n+j]))
			if j < i {
				worst = max(worst, cmplx.Abs(s.t[i*n+j]))
			}
		}
	}
	return worst
}

func TestSchurForm(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 10, 40} {
		for trial := range 4 {
			a := randomMatrix(random, n, n)
			switch trial {
			case 1: // many zeros
				for i := range a {
					if random.Float64() < 0.7 {
						a[i] = 0
					}
				}
			case 2: // a permutation: eigenvalues on the unit circle, shifts that fail at first
				clear(a)
				for i := range n {
					a[i*n+(i+1)%n] = 1
				}
			case 3: // defective
				clear(a)
				for i := range n - 1 {
					a[i*n+i+1] = 1
				}
			}
			s, ok := newSchur(nil, append([]complex128(nil), a...), n)
			require.True(t, ok)
			assert.LessOrEqual(t, defect(a, s), 1e-13*float64(n), "order %d, trial %d", n, trial)
			wanted := make([]bool, n)
			var want []complex128
			for i := range n {
				if wanted[i] = random.IntN(2) == 0; wanted[i] {
					want = append(want, s.t[i*n+i])
				}
			}
			if trial == 3 {
				continue // equal eigenvalues: nothing to move
			}
			s.move(wanted)
			assert.LessOrEqual(t, defect(a, s), 1e-13*float64(n), "moved, order %d, trial %d", n, trial)
			for i, v := range want {
				assert.LessOrEqual(t, cmplx.Abs(s.t[i*n+i]-v), 1e-10)
			}
		}
	}
}

func TestSchurVectors(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const n = 12
	a := randomMatrix(random, n, n)
	s, ok := newSchur(nil, append([]complex128(nil), a...), n)
	require.True(t, ok)
	for j := range n {
		v, ok := s.vector(j, 0)
		require.True(t, ok)
		for i, x := range multiply(nil, a, v, n, n, 1) {
			assert.LessOrEqual(t, cmplx.Abs(x-s.t[j*n+j]*v[i]), 1e-11)
		}
	}
}

func TestDefectiveMatrixHasOneVector(t *testing.T) {
	s, ok := newSchur(nil, []complex128{1, 1, 0, 1}, 2)
	require.True(t, ok)
	_, first := s.vector(0, 1e-9)
	_, second := s.vector(1, 1e-9)
	assert.True(t, first)
	assert.False(t, second)
}
