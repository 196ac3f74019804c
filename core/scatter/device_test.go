package scatter_test

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/memory"
	"mcd/core/scatter"
	"mcd/tests/devices"
	"mcd/tests/npz"
)

func openDevice(t testing.TB, r *devices.Device, pairs []scatter.Pair, o scatter.Options) *scatter.Device {
	d, err := scatter.NewDevice(r.Lattice, r.Terminals, pairs, o)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func TestDeviceReferences(t *testing.T) {
	for _, r := range devices.References(t) {
		for _, k := range kernel.Fronts() {
			t.Run(r.Name+"/"+k.Name(), func(t *testing.T) {
				leads := len(r.Terminals)
				d := openDevice(t, r, devices.EveryPair(leads), scatter.Options{Kernel: k.Name()})
				g := make([]float64, d.Outputs())
				require.NoError(t, d.Value(context.Background(), nil, g))
				best, points := r.File.Float64s("transmission_best"), d.Points()
				for i, pair := range d.Pairs {
					for p := range points {
						assert.InDelta(t, best[(p*leads+pair.To)*leads+pair.From], g[i*points+p], 1e-12, "point %d, %v", p, pair)
					}
				}
				matrix := make([]float64, points*leads*leads)
				require.NoError(t, d.TransmissionMatrix(context.Background(), nil, matrix))
				for i, pair := range d.Pairs {
					for p := range points {
						assert.Equal(t, g[i*points+p], matrix[(p*leads+pair.To)*leads+pair.From])
					}
				}
				ldos := make([]float64, points*d.Inputs())
				require.NoError(t, d.LDOS(context.Background(), nil, nil, ldos))
				for i, want := range r.File.Float64s("ldos") {
					require.InDelta(t, want, ldos[i], 1e-12*max(1, want), "entry %d", i)
				}
			})
		}
	}
}

func TestDeviceRandomAgainstDense(t *testing.T) {
	for seed := range 1000 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		leads, points := 1+rng.IntN(5), 1+rng.IntN(6)
		r := devices.Random(rng, 1+rng.IntN(40), leads, points)
		pairs := devices.EveryPair(leads)
		onsite := make([]float64, r.Lattice.Orbitals)
		for i := range onsite {
			onsite[i] = rng.NormFloat64()
		}
		kernels := kernel.Fronts()
		d := openDevice(t, r, pairs, scatter.Options{Kernel: kernels[seed%len(kernels)].Name()})
		g := make([]float64, d.Outputs())
		require.NoError(t, d.Value(context.Background(), onsite, g))
		for p := range points {
			green := devices.Green(r, p, onsite)
			largest := 1.0
			for _, z := range green {
				largest = max(largest, cmplx.Abs(z))
			}
			for k, pair := range pairs {
				sum := 0.0
				for m := range r.Terminals[pair.To][p].Modes {
					for n := range r.Terminals[pair.From][p].Modes {
						a := devices.Amplitude(r, green, p, pair, m, n)
						sum += real(a)*real(a) + imag(a)*imag(a)
					}
				}
				require.InDelta(t, sum, g[k*points+p], 1e-12*largest*largest, "seed %d, point %d, %v", seed, p, pair)
			}
		}
		if seed%8 == 0 {
			assertBlocks(t, d, r, points-1, onsite)
		}
		d.Close()
	}
}

// assertBlocks compares S, G, ψ, the LDOS and currents of one point with the dense G.
func assertBlocks(t *testing.T, d *scatter.Device, r *devices.Device, point int, onsite []float64) {
	ctx, green := context.Background(), devices.Green(r, point, onsite)
	n, leads := d.Inputs(), len(r.Terminals)
	tolerance := 1e-12
	for _, z := range green {
		tolerance = max(tolerance, 1e-12*cmplx.Abs(z)*cmplx.Abs(z))
	}
	s, err := d.SMatrix(ctx, onsite, point)
	require.NoError(t, err)
	row, ldos := 0, make([]float64, n)
	total := 0
	for l := range leads {
		total += r.Terminals[l][point].Modes
	}
	require.Len(t, s, total*total)
	for to := range leads {
		column := 0
		for from := range leads {
			block, err := d.Block(ctx, onsite, point, to, from)
			require.NoError(t, err)
			pair, modes := scatter.Pair{To: to, From: from}, r.Terminals[from][point].Modes
			for m := range r.Terminals[to][point].Modes {
				for c := range modes {
					want := devices.Amplitude(r, green, point, pair, m, c)
					assert.InDelta(t, 0, cmplx.Abs(want-block[m*modes+c]), tolerance)
					assert.Equal(t, block[m*modes+c], s[(row+m)*total+column+c])
				}
			}
			column += modes
			g, err := d.Green(ctx, onsite, point, to, from)
			require.NoError(t, err)
			for x, i := range r.Lattice.Interfaces[to] {
				for y, j := range r.Lattice.Interfaces[from] {
					assert.InDelta(t, 0, cmplx.Abs(green[i*n+j]-g[x*len(r.Lattice.Interfaces[from])+y]), tolerance)
				}
			}
		}
		row += r.Terminals[to][point].Modes
		psi, err := d.WaveFunction(ctx, onsite, point, to)
		require.NoError(t, err)
		for k, z := range psi {
			ldos[k%n] += (real(z)*real(z) + imag(z)*imag(z)) / (2 * math.Pi)
		}
	}
	got := make([]float64, n)
	require.NoError(t, d.LDOS(ctx, onsite, []int{point}, got))
	for i := range n {
		assert.InDelta(t, ldos[i], got[i], 1e-13*max(1, ldos[i]))
		assert.InDelta(t, -imag(green[i*n+i])/math.Pi, got[i], tolerance)
	}
	for l := range leads { // what leaves an orbital that no lead touches has come in
		currents, err := d.Currents(ctx, onsite, point, l)
		require.NoError(t, err)
		balance := make([]float64, n)
		for k, i := range r.Lattice.Rows {
			balance[i] += currents[k]
		}
		for i := range n {
			if !slices.ContainsFunc(r.Lattice.Interfaces, func(o []int) bool { return slices.Contains(o, i) }) {
				assert.InDelta(t, 0, balance[i], tolerance)
			}
		}
	}
}

// Strips are devices, too: the two engines share nothing but the leads. Small G keep their relative accuracy.
func TestDeviceSolvesStrips(t *testing.T) {
	for _, path := range devices.Strips(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := npz.Load(t, path)
			fields := f.Float64s("fields")
			step := (len(fields) + 7) / 8
			var some []float64
			for k := 0; k < len(fields); k += step {
				some = append(some, fields[k])
			}
			d := openDevice(t, devices.Strip(t, f, some), []scatter.Pair{{To: 1, From: 0}}, scatter.Options{})
			g := make([]float64, d.Outputs())
			require.NoError(t, d.Value(context.Background(), nil, g))
			best, uncertainty := f.Float64s("conductance_best"), f.Float64s("uncertainty")
			for k := range g {
				want := best[k*step]
				assert.InDelta(t, want, g[k], uncertainty[k*step]+1e-11*min(1, 10*want), "field %g", some[k])
			}
		})
	}
}

// With the leads' own outgoing modes S is unitary, and its blocks have the transmissions of Fisher–Lee.
func TestDeviceSMatrixIsUnitary(t *testing.T) {
	for _, r := range devices.References(t) {
		d := openDevice(t, r, nil, scatter.Options{})
		point := d.Points() - 1
		s, err := d.SMatrix(context.Background(), nil, point)
		require.NoError(t, err)
		n := 0
		for i := range r.Terminals {
			n += r.Terminals[i][point].Modes
		}
		for i := range n {
			for j := range n {
				var sum complex128
				for k := range n {
					sum += cmplx.Conj(s[k*n+i]) * s[k*n+j]
				}
				if i == j {
					sum--
				}
				assert.InDelta(t, 0, cmplx.Abs(sum), 1e-11, r.Name)
			}
		}
	}
}

func TestDeviceThreadsDoNotMatter(t *testing.T) {
	r := devices.Load(t, "double_barrier")
	var first []float64
	for _, threads := range []int{1, 2, 3} {
		d := openDevice(t, r, nil, scatter.Options{Threads: threads})
		g := make([]float64, d.Outputs())
		for range 2 {
			require.NoError(t, d.Value(context.Background(), nil, g))
			if first == nil {
				first = slices.Clone(g)
			}
			assert.Equal(t, first, g)
		}
	}
}

// An isolated level exactly at the energy is no obstacle: no lead reaches it.
func TestDeviceLeavesOutWhatNoLeadReaches(t *testing.T) {
	r := devices.Load(t, "double_barrier")
	want := make([]float64, len(r.Lattice.Energies)*2)
	require.NoError(t, openDevice(t, r, nil, scatter.Options{}).Value(context.Background(), nil, want))
	r.Lattice.Orbitals++
	got := make([]float64, len(want))
	d := openDevice(t, r, nil, scatter.Options{})
	require.NoError(t, d.Value(context.Background(), nil, got))
	assert.Equal(t, want, got)
	assert.EqualValues(t, -1, d.Plan.Position[r.Lattice.Orbitals-1])
}

// comb is a chain of five orbitals at energy 0 with a dangling one at the middle: levels exactly at the energy.
func comb(level float64) *devices.Device {
	d := lattice.Device{Orbitals: 6, Energies: []float64{0}, Interfaces: [][]int{{0}, {4}}}
	join := func(i, j int) {
		d.Rows, d.Cols, d.Values = append(d.Rows, i, j), append(d.Cols, j, i), append(d.Values, -1, -1)
	}
	for i := range 4 {
		join(i, i+1)
	}
	join(2, 5)
	d.Rows, d.Cols, d.Values = append(d.Rows, 5), append(d.Cols, 5), append(d.Values, complex(level, 0))
	terminal := []lead.Terminal{{Modes: 1, Sigma: []complex128{-1i}, In: []complex128{complex(math.Sqrt2, 0)}}}
	return &devices.Device{Lattice: d, Terminals: [][]lead.Terminal{terminal, terminal}}
}

// Pivots that vanish are replaced and refined away: a dangling level at the energy reflects everything.
func TestDeviceWithVanishingPivots(t *testing.T) {
	for _, k := range kernel.Fronts() {
		for level, want := range map[float64]float64{0: 0, 1: 0.8} { // T = 1/(1 + 1/4ε²)
			d := openDevice(t, comb(level), nil, scatter.Options{Kernel: k.Name()})
			g := make([]float64, 2)
			require.NoError(t, d.Value(context.Background(), nil, g))
			assert.InDelta(t, want, g[0], 1e-13)
			assert.InDelta(t, want, g[1], 1e-13)
		}
	}
}

// A level at the energy that only a lead without modes touches has no Green function.
func TestDeviceAtABoundState(t *testing.T) {
	r := &devices.Device{Lattice: lattice.Device{Orbitals: 1, Energies: []float64{0}, Interfaces: [][]int{{0}}},
		Terminals: [][]lead.Terminal{{{Sigma: []complex128{0}}}}}
	d := openDevice(t, r, devices.EveryPair(1), scatter.Options{})
	_, err := d.Green(context.Background(), nil, 0, 0, 0)
	assert.Equal(t, fault.Numerical, fault.KindOf(err))
	assert.ErrorContains(t, err, "point 0: the residual at orbital 0 is")
	assert.ErrorContains(t, err, "bound state at the energy 0")
	g := []float64{1}
	require.NoError(t, d.Value(context.Background(), nil, g))
	assert.Zero(t, g[0])
}

func TestDeviceMemory(t *testing.T) {
	r := devices.Load(t, "hall_bar")
	d := openDevice(t, r, nil, scatter.Options{Threads: 1})
	need := d.WorkspaceBytes()
	small, err := scatter.NewDevice(r.Lattice, r.Terminals, nil, scatter.Options{MemoryLimit: need - 1, Threads: 1})
	if len(kernel.Fronts()) > 1 { // one point at a time takes less
		require.NoError(t, err)
		defer small.Close()
		need = small.WorkspaceBytes()
	}
	_, err = scatter.NewDevice(r.Lattice, r.Terminals, nil, scatter.Options{MemoryLimit: need - 1})
	require.ErrorContains(t, err, fmt.Sprint(need))
	g := make([]float64, d.Outputs())
	before := memory.Live()
	for n := int64(1); ; n++ {
		memory.FailAfter(n, true)
		err = d.Value(context.Background(), nil, g)
		memory.FailAfter(0, false)
		if err == nil {
			assert.Greater(t, n, int64(1))
			break
		}
		require.Equal(t, fault.Memory, fault.KindOf(err))
	}
	assert.LessOrEqual(t, memory.Live()-before, d.WorkspaceBytes())
	d.Close()
	d.Close()
	assert.Equal(t, before, memory.Live())
	assert.Error(t, d.Value(context.Background(), nil, g))
}

func TestDeviceRefusesNonsense(t *testing.T) {
	good := func() *devices.Device { return devices.Random(rand.New(rand.NewPCG(3, 3)), 12, 2, 3) }
	for _, c := range []struct {
		spoil func(r *devices.Device)
		want  string
	}{
		{func(r *devices.Device) { r.Lattice.Values[0] = 1 + 1i; r.Lattice.Values[1] = 1 + 1i }, "conjugate"},
		{func(r *devices.Device) { r.Lattice.Values[1] = cmplx.NaN() }, "finite"},
		{func(r *devices.Device) { r.Lattice.Energies[1] = math.NaN() }, "energy: point 1"},
		{func(r *devices.Device) { r.Lattice.Values = r.Lattice.Values[1:] }, "pattern"},
		{func(r *devices.Device) { r.Lattice.Rows[3] = 99 }, "orbitals 0 to 11"},
		{func(r *devices.Device) { r.Lattice.Rows[2], r.Lattice.Cols[2] = r.Lattice.Rows[0], r.Lattice.Cols[0] }, "entries 0 and 2"},
		{func(r *devices.Device) { r.Lattice.Interfaces[1] = nil }, "lead 1"},
		{func(r *devices.Device) { r.Lattice.Interfaces[1][0] = 12 }, "lead 1 touches orbital 12"},
		{func(r *devices.Device) { r.Terminals = r.Terminals[:1] }, "1 leads for 2 interfaces"},
		{func(r *devices.Device) { r.Terminals[1][2].Sigma = nil }, "self-energy of lead 1 at point 2"},
		{func(r *devices.Device) { r.Terminals[0][1].Sigma[0] = cmplx.Inf() }, "lead 0"},
		{func(r *devices.Device) { r.Terminals[0] = r.Terminals[0][1:] }, "lead 0 has 2 points"},
	} {
		r := good()
		c.spoil(r)
		_, err := scatter.NewDevice(r.Lattice, r.Terminals, nil, scatter.Options{})
		require.ErrorContains(t, err, c.want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
	r := good()
	_, err := scatter.NewDevice(r.Lattice, r.Terminals, []scatter.Pair{{To: 2, From: 0}}, scatter.Options{})
	assert.ErrorContains(t, err, "lead 2")
	d := openDevice(t, r, nil, scatter.Options{})
	_, err = d.SMatrix(context.Background(), nil, 3)
	assert.ErrorContains(t, err, "points 0 to 2")
	assert.ErrorContains(t, d.Value(context.Background(), make([]float64, 3), make([]float64, d.Outputs())), "12 orbitals")
	stopped, stop := context.WithCancel(context.Background())
	stop()
	assert.Equal(t, fault.Cancelled, fault.KindOf(d.Value(stopped, nil, make([]float64, d.Outputs()))))
}
