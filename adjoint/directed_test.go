package adjoint

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/lattice"
	"mcd/core/scatter"
	"mcd/tests/devices"
)

// someDirections makes a hopping's two directions, an on-site energy and a factor on random bonds of a device.
func someDirections(l *lattice.Device, random *rand.Rand) []Direction {
	at := map[[2]int]int{}
	for k, i := range l.Rows {
		at[[2]int{i, l.Cols[k]}] = k
	}
	forth := 0
	for l.Rows[forth] == l.Cols[forth] {
		forth++
	}
	back := at[[2]int{l.Cols[forth], l.Rows[forth]}]
	var some []int
	for k, i := range l.Rows {
		if j := l.Cols[k]; i < j && random.Float64() < 0.3 {
			some = append(some, k, at[[2]int{j, i}])
		}
	}
	factor := Direction{Entries: some}
	for p := range l.Points() {
		for _, k := range some {
			factor.Values = append(factor.Values, l.Entry(p, k))
		}
	}
	return []Direction{
		{Entries: []int{forth, back}, Values: []complex128{1, 1}},
		{Entries: []int{forth, back}, Values: []complex128{1i, -1i}},
		{Entries: []int{at[[2]int{2, 2}]}, Values: []complex128{1}},
		factor,
	}
}

// TestDirected compares values with those of a device made anew, derivatives with central differences, and gradients with
// the Jacobian.
func TestDirected(t *testing.T) {
	ctx, random := context.Background(), rand.New(rand.NewPCG(1, 2))
	for range 5 {
		r := devices.Random(random, 12, 3, 3)
		pairs := []scatter.Pair{{To: 1, From: 0}, {To: 2, From: 0}, {To: 0, From: 2}}
		d := openDevice(t, r, pairs, scatter.Options{})
		directions := someDirections(&r.Lattice, random)
		require.NoError(t, ValidateDirections(&r.Lattice, directions))
		e := NewDirected(d, directions)
		n, outputs := e.Inputs(), e.Outputs()
		c := make([]float64, n)
		for j := range c {
			c[j] = 0.3 * random.NormFloat64()
		}
		value := func(c []float64) []float64 {
			changed := *r
			changed.Lattice.Values = make([]complex128, len(r.Lattice.Values))
			require.NoError(t, Hamiltonians(&r.Lattice, directions, c, changed.Lattice.Values))
			return transmissions(&changed, pairs)
		}
		g, again, jac := make([]float64, outputs), make([]float64, outputs), make([]float64, outputs*n)
		require.NoError(t, e.Jacobian(ctx, c, g, jac))
		require.NoError(t, e.Value(ctx, c, again))
		assert.Equal(t, g, again)
		assert.InDeltaSlice(t, value(c), g, 1e-10)
		for j := range n {
			const step = 1e-5
			c[j] += step
			up := value(c)
			c[j] -= 2 * step
			down := value(c)
			c[j] += step
			for k := range outputs {
				assert.InDelta(t, (up[k]-down[k])/(2*step), jac[k*n+j], 1e-6, "output %d by coefficient %d", k, j)
			}
		}
		weights, grad := make([]float64, outputs), make([]float64, n)
		for k := range weights {
			weights[k] = random.NormFloat64()
		}
		require.NoError(t, e.Gradient(ctx, c, weights, g, grad))
		for j := range n {
			want := 0.0
			for k, w := range weights {
				want += w * jac[k*n+j]
			}
			assert.InDelta(t, want, grad[j], 1e-11)
		}
		require.NoError(t, d.Value(ctx, nil, g), "the device is itself again")
		assert.InDeltaSlice(t, transmissions(r, pairs), g, 1e-10)
	}
}

func TestValidateDirections(t *testing.T) {
	r := devices.Random(rand.New(rand.NewPCG(3, 4)), 8, 2, 2)
	for text, direction := range map[string]Direction{
		"changes no entry": {},
		"has 3 values":     {Entries: []int{0, 1}, Values: make([]complex128, 3)},
		"changes entry 99": {Entries: []int{99}, Values: []complex128{1}},
		"twice":            {Entries: []int{0, 0}, Values: []complex128{1, 1}},
		"not conjugate":    {Entries: []int{0, 1}, Values: []complex128{1i, 1i}},
	} {
		assert.ErrorContains(t, ValidateDirections(&r.Lattice, []Direction{direction}), text)
	}
	assert.ErrorContains(t, ValidateDirections(&r.Lattice, nil), "at least one")
}
