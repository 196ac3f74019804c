package lead

import (
	"fmt"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// randomChain is a chain of n orbitals in a random order: with hopping between cells from every orbital to itself, as in a
// strip, or as in a zigzag ribbon from every second one to the one before.
func randomChain(random *rand.Rand, n int, zigzag bool) *Cell {
	number := func() complex128 { return complex(random.NormFloat64(), random.NormFloat64()) }
	order := random.Perm(n)
	m := n
	if zigzag { // interface orbitals first
		m = (n + 1) / 2
		for y := range n {
			order[y] = y / 2
			if y%2 == 1 {
				order[y] += m
			}
		}
	}
	c := &Cell{n, m, make([]complex128, n*n), make([]complex128, n*m), 0.5 * random.NormFloat64()}
	for y, i := range order {
		c.Hamiltonian[i*n+i] = complex(random.NormFloat64(), 0)
		if y+1 < n {
			j := order[y+1]
			c.Hamiltonian[i*n+j] = number()
			c.Hamiltonian[j*n+i] = cmplx.Conj(c.Hamiltonian[i*n+j])
			if zigzag && y%2 == 0 {
				c.Hopping[j*m+i] = number()
			}
		}
		if !zigzag {
			c.Hopping[i*m+i] = number()
		}
	}
	return c
}

func TestChainsBothWays(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	solved := 0
	for trial := range 60 {
		cell := randomChain(random, 2+random.IntN(40), trial%3 == 0)
		ch := newChain(nil, cell)
		require.NotNil(t, ch)
		modes, _ := ch.solve(nil)
		if modes == nil {
			continue
		}
		solved++
		want, _, err := solveWaves(nil, cell, nil)
		require.NoError(t, err)
		require.Equal(t, want.Open, modes.Open)
		assert.InDeltaSlice(t, want.Momenta, modes.Momenta, 1e-11)
		for i, z := range want.SelfEnergy {
			assert.LessOrEqual(t, cmplx.Abs(z-modes.SelfEnergy[i]), 1e-11*(1+largest(want.SelfEnergy)))
		}
		checkCell(t, fmt.Sprint("chain ", trial), cell, 1e-10)
	}
	assert.Greater(t, solved, 25)
}

func TestWhatIsAChain(t *testing.T) {
	ring := &Cell{3, 3, []complex128{0, 1, 1, 1, 0, 1, 1, 1, 0}, []complex128{1, 0, 0, 0, 1, 0, 0, 0, 1}, 0}
	assert.Nil(t, newChain(nil, ring))
	apart := &Cell{2, 2, make([]complex128, 4), []complex128{1, 0, 0, 1}, 0}
	assert.Nil(t, newChain(nil, apart))
	uncoupled := &Cell{2, 2, []complex128{0, 1, 1, 0}, make([]complex128, 4), 0}
	assert.Nil(t, newChain(nil, uncoupled))
}
