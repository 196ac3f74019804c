package adjoint

import (
	"context"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/scatter"
)

// gauged makes a uniform strip with its orbitals in random order and in a random gauge at every point.
func gauged(rng *rand.Rand, length, width, points int) (*lattice.Device, [][]*lead.Cell) {
	n := length * width
	l := &lattice.Device{Orbitals: n}
	number := rng.Perm(n)
	onsite := make([]float64, n)
	for i := range onsite {
		onsite[i] = 4 + 0.4*rng.NormFloat64()
	}
	type bond struct{ a, b int } // sites x·w + y
	var bonds []bond
	for a := range n {
		l.Rows, l.Cols = append(l.Rows, number[a]), append(l.Cols, number[a])
		if a%width < width-1 {
			bonds = append(bonds, bond{a, a + 1})
		}
		if a < n-width {
			bonds = append(bonds, bond{a, a + width})
		}
	}
	for _, b := range bonds {
		l.Rows, l.Cols = append(l.Rows, number[b.a], number[b.b]), append(l.Cols, number[b.b], number[b.a])
	}
	const t = 0.7
	cells := make([][]*lead.Cell, 2)
	for p := range points {
		field := 0.2 * (float64(p)/float64(points) - 0.4)
		gauge := make([]complex128, n)
		for a := range gauge {
			gauge[a] = cmplx.Exp(complex(0, 9*rng.Float64()))
		}
		l.Energies = append(l.Energies, 1.1+0.01*float64(p))
		for a := range n {
			l.Values = append(l.Values, complex(onsite[a], 0))
		}
		tau := func(y int) complex128 { return -t * cmplx.Exp(complex(0, 2*field*float64(y))) } // from x+1 to x
		for _, b := range bonds {
			z := complex(-t, 0)
			if b.b == b.a+width {
				z = tau(b.a % width)
			}
			z *= gauge[b.a] * cmplx.Conj(gauge[b.b])
			l.Values = append(l.Values, z, cmplx.Conj(z))
		}
		for side, edge := range []int{0, n - width} {
			// cell after cell, the gauge of the device's edge turns on by the same phases
			c := &lead.Cell{Orbitals: width, Interface: width, Energy: l.Energies[p], Hamiltonian: make([]complex128, width*width),
				Hopping: make([]complex128, width*width)}
			turn := cmplx.Exp(complex(0, rng.Float64()))
			for y := range width {
				c.Hamiltonian[y*width+y] = 2.43
				v := tau(y)
				if side == 1 {
					v = cmplx.Conj(v)
				}
				c.Hopping[y*width+y] = v * turn
				if y < width-1 {
					z := -t * gauge[edge+y] * cmplx.Conj(gauge[edge+y+1])
					c.Hamiltonian[y*width+y+1], c.Hamiltonian[(y+1)*width+y] = z, cmplx.Conj(z)
				}
			}
			cells[side] = append(cells[side], c)
		}
	}
	for y := range width {
		if y == 0 {
			l.Interfaces = make([][]int, 2)
		}
		l.Interfaces[0] = append(l.Interfaces[0], number[y])
		l.Interfaces[1] = append(l.Interfaces[1], number[n-width+y])
	}
	return l, cells
}

// The strip engine and the device engine agree on a strip in any gauge and order.
func TestStripDevice(t *testing.T) {
	ctx := context.Background()
	for _, size := range [][2]int{{1, 1}, {6, 1}, {1, 4}, {7, 5}} {
		rng := rand.New(rand.NewPCG(5, uint64(size[0])))
		l, cells := gauged(rng, size[0], size[1], 5)
		require.NoError(t, l.Validate())
		strip, err := NewStripDevice(l, cells, scatter.Options{})
		require.NoError(t, err)
		require.NotNil(t, strip, size)
		t.Cleanup(strip.Close)
		terminals := make([][]lead.Terminal, 2)
		for i := range cells {
			modes, err := lead.SolveCells(ctx, cells[i], 0)
			require.NoError(t, err)
			for _, m := range modes {
				terminals[i] = append(terminals[i], m.Terminal())
			}
		}
		device, err := NewDevice(*l, terminals, nil, scatter.Options{})
		require.NoError(t, err)
		t.Cleanup(device.Close)
		pairs := []scatter.Pair{{To: 1, From: 0}, {To: 0, From: 0}, {To: 0, From: 1}}
		require.Equal(t, device.OpenModes(), strip.OpenModes())
		added := make([]float64, l.Orbitals)
		for i := range added {
			added[i] = 0.3 * rng.NormFloat64()
		}
		weights := make([]float64, len(pairs)*l.Points())
		for i := range weights {
			weights[i] = rng.NormFloat64()
		}
		var results [2][]float64
		for k, e := range []Sweeper{device, strip} {
			require.NoError(t, e.SetPairs(pairs))
			n, outputs, points := e.Inputs(), e.Outputs(), e.Points()
			for _, onsite := range [][]float64{nil, added} {
				collect := func(err error, parts ...[]float64) {
					t.Helper()
					require.NoError(t, err)
					for _, part := range parts {
						results[k] = append(results[k], part...)
					}
				}
				g, jac, grad := make([]float64, outputs), make([]float64, outputs*n), make([]float64, n)
				collect(e.Value(ctx, onsite, g), g)
				collect(e.Jacobian(ctx, onsite, g, jac), g, jac)
				collect(e.Gradient(ctx, onsite, weights, g, grad), g, grad)
				collect(e.Gradient(ctx, onsite, nil, g, grad), grad)
				combined, matrix := make([]float64, points*n), make([]float64, 4*points)
				collect(e.CombinedJacobian(ctx, onsite, weights, g, combined), g, combined)
				collect(e.TransmissionMatrix(ctx, onsite, matrix), matrix)
			}
		}
		assert.InDeltaSlice(t, results[0], results[1], 1e-11, size)
		assert.Greater(t, largestOf(results[0]), 0.1)
		assert.Error(t, strip.SetPairs([]scatter.Pair{{To: 2, From: 0}}))
		assert.ErrorContains(t, strip.Value(ctx, make([]float64, 99), make([]float64, strip.Outputs())), "99 values")
		added[0] = math.NaN()
		assert.ErrorContains(t, strip.Value(ctx, added, make([]float64, strip.Outputs())), "orbital 0")
	}
}

func largestOf(list []float64) (most float64) {
	for _, x := range list {
		most = max(most, math.Abs(x))
	}
	return most
}

// Whatever is not uniform is left to the device engine.
func TestStripDeviceRefuses(t *testing.T) {
	for name, spoil := range map[string]func(l *lattice.Device, cells [][]*lead.Cell){
		"size of a hopping": func(l *lattice.Device, _ [][]*lead.Cell) {
			last := len(l.Values) - 1
			l.Values[last] *= 1.01
			l.Values[last-1] *= 1.01
		},
		"flux": func(l *lattice.Device, _ [][]*lead.Cell) {
			z := cmplx.Exp(0.01i)
			last := len(l.Values) - 1
			l.Values[last], l.Values[last-1] = l.Values[last]*z, l.Values[last-1]*cmplx.Conj(z)
		},
		"energy at one field": func(l *lattice.Device, _ [][]*lead.Cell) { l.Values[2*l.Entries()] += 0.1 },
		"lead":                func(_ *lattice.Device, cells [][]*lead.Cell) { cells[1][2].Hamiltonian[0] += 0.1 },
		"leads' flux":         func(_ *lattice.Device, cells [][]*lead.Cell) { cells[0][1].Hopping[0] *= cmplx.Exp(0.02i) },
		"long hopping in a lead": func(_ *lattice.Device, cells [][]*lead.Cell) {
			cells[0][0].Hopping[1] = 0.1
		},
		"interface":     func(l *lattice.Device, _ [][]*lead.Cell) { i := l.Interfaces[1]; i[0], i[1] = i[1], i[0] },
		"long hopping":  func(l *lattice.Device, _ [][]*lead.Cell) { l.Cols[len(l.Cols)-1] = l.Interfaces[0][0] },
		"non-Hermitian": func(l *lattice.Device, _ [][]*lead.Cell) { l.NonHermitian = true },
		"third lead":    func(l *lattice.Device, _ [][]*lead.Cell) { l.Interfaces = append(l.Interfaces, l.Interfaces[0]) },
	} {
		l, cells := gauged(rand.New(rand.NewPCG(1, 1)), 5, 4, 3)
		spoil(l, cells)
		strip, err := NewStripDevice(l, cells, scatter.Options{})
		require.NoError(t, err)
		assert.Nil(t, strip, name)
	}
}
