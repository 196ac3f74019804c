package scatter_test

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/memory"
	"mcd/core/scatter"
	"mcd/tests/npz"
)

// reference is a device of tests/reference with its answers.
type reference struct {
	name      string
	file      npz.File
	device    lattice.Device
	terminals [][]lead.Terminal
}

func references(t testing.TB) []reference {
	paths, err := filepath.Glob("../../tests/reference/device_*.npz")
	require.NoError(t, err)
	require.Len(t, paths, 10)
	var list []reference
	for _, path := range paths {
		list = append(list, loadDevice(t, path))
	}
	return list
}

func loadDevice(t testing.TB, path string) reference {
	f := npz.Load(t, path)
	name, _ := strings.CutPrefix(strings.TrimSuffix(filepath.Base(path), ".npz"), "device_")
	r := reference{name: name, file: f}
	norbs := f.Ints("norbs")
	first := []int{0}
	for _, n := range norbs {
		first = append(first, first[len(first)-1]+n)
	}
	r.device = lattice.Device{Orbitals: first[len(norbs)], Rows: f.Ints("rows"), Cols: f.Ints("cols"), Values: f.Complex128s("values"), Energies: f.Float64s("energies")}
	leads := npz.Load(t, "testdata/leads.npz")
	for i := range f.Int("leads") {
		var orbitals []int
		for _, site := range f.Ints(fmt.Sprintf("lead%d_interface", i)) {
			for o := first[site]; o < first[site+1]; o++ {
				orbitals = append(orbitals, o)
			}
		}
		r.device.Interfaces = append(r.device.Interfaces, orbitals)
		m, key := len(orbitals), fmt.Sprintf("%s_lead%d_", name, i)
		sigma, in := leads.Complex128s(key+"sigma"), leads.Complex128s(key+"in")
		width := leads.Shape(key + "in")[2]
		var points []lead.Terminal
		for p := range r.device.Energies {
			n := f.Ints("open_modes")[p*f.Int("leads")+i]
			terminal := lead.Terminal{Modes: n, Sigma: sigma[p*m*m:][:m*m]}
			for row := range m {
				terminal.In = append(terminal.In, in[(p*m+row)*width:][:n]...)
			}
			points = append(points, terminal)
		}
		r.terminals = append(r.terminals, points)
	}
	return r
}

// everyPair lists all pairs of n leads, reflections too.
func everyPair(n int) []scatter.Pair {
	var pairs []scatter.Pair
	for to := range n {
		for from := range n {
			pairs = append(pairs, scatter.Pair{To: to, From: from})
		}
	}
	return pairs
}

func openDevice(t testing.TB, r *reference, pairs []scatter.Pair, o scatter.Options) *scatter.Device {
	d, err := scatter.NewDevice(r.device, r.terminals, pairs, o)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// leadError is what the self-energies in testdata, Kwant's in double precision, contribute.
const leadError = 1e-11

func TestDeviceReferences(t *testing.T) {
	for _, r := range references(t) {
		for _, k := range kernel.Fronts() {
			t.Run(r.name+"/"+k.Name(), func(t *testing.T) {
				leads := len(r.terminals)
				d := openDevice(t, &r, everyPair(leads), scatter.Options{Kernel: k.Name()})
				g := make([]float64, d.Outputs())
				require.NoError(t, d.Value(context.Background(), nil, g))
				best, points := r.file.Float64s("transmission_best"), d.Points()
				for i, pair := range d.Pairs {
					for p := range points {
						assert.InDelta(t, best[(p*leads+pair.To)*leads+pair.From], g[i*points+p], leadError, "point %d, %v", p, pair)
					}
				}
				ldos := make([]float64, points*d.Inputs())
				require.NoError(t, d.LDOS(context.Background(), nil, nil, ldos))
				for i, want := range r.file.Float64s("ldos") {
					require.InDelta(t, want, ldos[i], leadError*max(1, want), "entry %d", i)
				}
			})
		}
	}
}

// randomDevice makes a connected random device: a tree plus extra hoppings, leads of random width with random self-energies whose
// anti-Hermitian part is −QQ†/2.
func randomDevice(r *rand.Rand, orbitals, leads, points int) reference {
	z := func() complex128 { return complex(r.NormFloat64(), r.NormFloat64()) }
	d := lattice.Device{Orbitals: orbitals}
	type edge struct{ i, j int }
	seen := map[edge]bool{}
	join := func(i, j int) {
		if i != j && !seen[edge{i, j}] {
			seen[edge{i, j}], seen[edge{j, i}] = true, true
			d.Rows, d.Cols = append(d.Rows, i, j), append(d.Cols, j, i)
		}
	}
	for i := 1; i < orbitals; i++ {
		join(i, r.IntN(i))
	}
	for range orbitals {
		join(r.IntN(orbitals), r.IntN(orbitals))
	}
	off := len(d.Rows)
	for i := range orbitals {
		d.Rows, d.Cols = append(d.Rows, i), append(d.Cols, i)
	}
	for range points {
		d.Energies = append(d.Energies, r.NormFloat64())
		for range off / 2 {
			h := z()
			d.Values = append(d.Values, h, cmplx.Conj(h))
		}
		for range orbitals {
			d.Values = append(d.Values, complex(r.NormFloat64(), 0))
		}
	}
	out := reference{name: "random", device: d}
	for range leads {
		m := 1 + r.IntN(min(4, orbitals))
		out.device.Interfaces = append(out.device.Interfaces, r.Perm(orbitals)[:m])
		var terminals []lead.Terminal
		for range points {
			terminals = append(terminals, randomTerminal(z, m, r.IntN(m+1)))
		}
		out.terminals = append(out.terminals, terminals)
	}
	return out
}

func randomTerminal(z func() complex128, m, n int) lead.Terminal {
	t := lead.Terminal{Modes: n, Sigma: make([]complex128, m*m), In: make([]complex128, m*n)}
	for i := range t.In {
		t.In[i] = z()
	}
	for i := range m {
		for j := range m {
			if h := z(); i < j {
				t.Sigma[i*m+j], t.Sigma[j*m+i] = h, cmplx.Conj(h)
			}
			if i == j {
				t.Sigma[i*m+i] = complex(real(z()), 0)
			}
		}
	}
	for i := range m {
		for j := range m {
			for c := range n {
				t.Sigma[i*m+j] -= 0.5i * t.In[i*n+c] * cmplx.Conj(t.In[j*n+c])
			}
		}
	}
	return t
}

// denseGreen returns G of a device at one point by Gauss–Jordan elimination with partial pivoting.
func denseGreen(r *reference, point int, onsite []float64) []complex128 {
	d := &r.device
	n := d.Orbitals
	a := make([]complex128, n*n)
	for i := range n {
		a[i*n+i] = complex(d.Energies[point], 0)
		if onsite != nil {
			a[i*n+i] -= complex(onsite[i], 0)
		}
	}
	for k, i := range d.Rows {
		a[i*n+d.Cols[k]] -= d.Entry(point, k)
	}
	for l, orbitals := range d.Interfaces {
		for x, i := range orbitals {
			for y, j := range orbitals {
				a[i*n+j] -= r.terminals[l][point].Sigma[x*len(orbitals)+y]
			}
		}
	}
	return invertDense(n, a)
}

func invertDense(n int, a []complex128) []complex128 {
	b := make([]complex128, n*n)
	for i := range n {
		b[i*n+i] = 1
	}
	for k := range n {
		p := k
		for i := k; i < n; i++ {
			if cmplx.Abs(a[i*n+k]) > cmplx.Abs(a[p*n+k]) {
				p = i
			}
		}
		for j := range n {
			a[k*n+j], a[p*n+j] = a[p*n+j], a[k*n+j]
			b[k*n+j], b[p*n+j] = b[p*n+j], b[k*n+j]
		}
		f := 1 / a[k*n+k]
		for j := range n {
			a[k*n+j] *= f
			b[k*n+j] *= f
		}
		for i := range n {
			if g := a[i*n+k]; i != k {
				for j := range n {
					a[i*n+j] -= g * a[k*n+j]
					b[i*n+j] -= g * b[k*n+j]
				}
			}
		}
	}
	return b
}

// amplitude returns S[m][n] = −δ + iQ†GQ of a pair from a dense G.
func amplitude(r *reference, g []complex128, point int, pair scatter.Pair, m, n int) complex128 {
	var sum complex128
	if pair.To == pair.From && m == n {
		sum = -1
	}
	to, from := r.device.Interfaces[pair.To], r.device.Interfaces[pair.From]
	a, b := &r.terminals[pair.To][point], &r.terminals[pair.From][point]
	for x, i := range to {
		for y, j := range from {
			sum += 1i * cmplx.Conj(a.In[x*a.Modes+m]) * g[i*r.device.Orbitals+j] * b.In[y*b.Modes+n]
		}
	}
	return sum
}

func TestDeviceRandomAgainstDense(t *testing.T) {
	for seed := range 250 {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		leads, points := 1+rng.IntN(5), 1+rng.IntN(10)
		r := randomDevice(rng, 1+rng.IntN(60), leads, points)
		pairs := everyPair(leads)
		onsite := make([]float64, r.device.Orbitals)
		for i := range onsite {
			onsite[i] = rng.NormFloat64()
		}
		kernels := kernel.Fronts()
		d := openDevice(t, &r, pairs, scatter.Options{Kernel: kernels[seed%len(kernels)].Name()})
		g := make([]float64, d.Outputs())
		require.NoError(t, d.Value(context.Background(), onsite, g))
		for p := range points {
			green := denseGreen(&r, p, onsite)
			largest := 1.0
			for _, z := range green {
				largest = max(largest, cmplx.Abs(z))
			}
			for k, pair := range pairs {
				sum := 0.0
				for m := range r.terminals[pair.To][p].Modes {
					for n := range r.terminals[pair.From][p].Modes {
						a := amplitude(&r, green, p, pair, m, n)
						sum += real(a)*real(a) + imag(a)*imag(a)
					}
				}
				require.InDelta(t, sum, g[k*points+p], 1e-12*largest*largest, "seed %d, point %d, %v", seed, p, pair)
			}
		}
		assertBlocks(t, d, &r, points-1, onsite)
		d.Close()
	}
}

// assertBlocks compares S, G, ψ, the LDOS and currents of one point with the dense G.
func assertBlocks(t *testing.T, d *scatter.Device, r *reference, point int, onsite []float64) {
	ctx, green := context.Background(), denseGreen(r, point, onsite)
	n, leads := d.Inputs(), len(r.terminals)
	tolerance := 1e-12
	for _, z := range green {
		tolerance = max(tolerance, 1e-12*cmplx.Abs(z)*cmplx.Abs(z))
	}
	s, err := d.SMatrix(ctx, onsite, point)
	require.NoError(t, err)
	row, ldos := 0, make([]float64, n)
	total := 0
	for l := range leads {
		total += r.terminals[l][point].Modes
	}
	require.Len(t, s, total*total)
	for to := range leads {
		column := 0
		for from := range leads {
			block, err := d.Block(ctx, onsite, point, to, from)
			require.NoError(t, err)
			pair, modes := scatter.Pair{To: to, From: from}, r.terminals[from][point].Modes
			for m := range r.terminals[to][point].Modes {
				for c := range modes {
					want := amplitude(r, green, point, pair, m, c)
					assert.InDelta(t, 0, cmplx.Abs(want-block[m*modes+c]), tolerance)
					assert.Equal(t, block[m*modes+c], s[(row+m)*total+column+c])
				}
			}
			column += modes
			g, err := d.Green(ctx, onsite, point, to, from)
			require.NoError(t, err)
			for x, i := range r.device.Interfaces[to] {
				for y, j := range r.device.Interfaces[from] {
					assert.InDelta(t, 0, cmplx.Abs(green[i*n+j]-g[x*len(r.device.Interfaces[from])+y]), tolerance)
				}
			}
		}
		row += r.terminals[to][point].Modes
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
		for k, i := range r.device.Rows {
			balance[i] += currents[k]
		}
		for i := range n {
			if !slices.ContainsFunc(r.device.Interfaces, func(o []int) bool { return slices.Contains(o, i) }) {
				assert.InDelta(t, 0, balance[i], tolerance)
			}
		}
	}
}

func TestDeviceThreadsDoNotMatter(t *testing.T) {
	r := loadDevice(t, "../../tests/reference/device_double_barrier.npz")
	var first []float64
	for _, threads := range []int{1, 2, 3} {
		d := openDevice(t, &r, nil, scatter.Options{Threads: threads})
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
	r := loadDevice(t, "../../tests/reference/device_double_barrier.npz")
	want := make([]float64, len(r.device.Energies)*2)
	require.NoError(t, openDevice(t, &r, nil, scatter.Options{}).Value(context.Background(), nil, want))
	r.device.Orbitals++
	got := make([]float64, len(want))
	d := openDevice(t, &r, nil, scatter.Options{})
	require.NoError(t, d.Value(context.Background(), nil, got))
	assert.Equal(t, want, got)
	assert.EqualValues(t, -1, d.Plan.Position[r.device.Orbitals-1])
}

func TestDeviceMemory(t *testing.T) {
	r := loadDevice(t, "../../tests/reference/device_hall_bar.npz")
	d := openDevice(t, &r, nil, scatter.Options{})
	need := d.WorkspaceBytes()
	_, err := scatter.NewDevice(r.device, r.terminals, nil, scatter.Options{MemoryLimit: need - 1})
	require.ErrorContains(t, err, fmt.Sprint(need))
	g := make([]float64, d.Outputs())
	before := memory.Live()
	memory.FailAfter(1, true)
	err = d.Value(context.Background(), nil, g)
	memory.FailAfter(0, false)
	assert.Equal(t, fault.Memory, fault.KindOf(err))
	require.NoError(t, d.Value(context.Background(), nil, g))
	assert.Equal(t, need, memory.Live()-before)
	d.Close()
	d.Close()
	assert.Equal(t, before, memory.Live())
	assert.Error(t, d.Value(context.Background(), nil, g))
}

func TestDeviceRefusesNonsense(t *testing.T) {
	good := func() reference { return randomDevice(rand.New(rand.NewPCG(3, 3)), 12, 2, 3) }
	for _, c := range []struct {
		spoil func(r *reference)
		want  string
	}{
		{func(r *reference) { r.device.Values[0] = 1 + 1i; r.device.Values[1] = 1 + 1i }, "conjugate"},
		{func(r *reference) { r.device.Values[1] = cmplx.NaN() }, "finite"},
		{func(r *reference) { r.device.Energies[1] = math.NaN() }, "energy: point 1"},
		{func(r *reference) { r.device.Values = r.device.Values[1:] }, "pattern"},
		{func(r *reference) { r.device.Rows[3] = 99 }, "orbitals 0 to 11"},
		{func(r *reference) { r.device.Rows[2], r.device.Cols[2] = r.device.Rows[0], r.device.Cols[0] }, "entries 0 and 2"},
		{func(r *reference) { r.device.Interfaces[1] = nil }, "lead 1"},
		{func(r *reference) { r.device.Interfaces[1][0] = 12 }, "lead 1 touches orbital 12"},
		{func(r *reference) { r.terminals = r.terminals[:1] }, "1 leads for 2 interfaces"},
		{func(r *reference) { r.terminals[1][2].Sigma = nil }, "self-energy of lead 1 at point 2"},
		{func(r *reference) { r.terminals[0][1].Sigma[0] = cmplx.Inf() }, "lead 0"},
		{func(r *reference) { r.terminals[0] = r.terminals[0][1:] }, "lead 0 has 2 points"},
	} {
		r := good()
		c.spoil(&r)
		_, err := scatter.NewDevice(r.device, r.terminals, nil, scatter.Options{})
		require.ErrorContains(t, err, c.want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
	r := good()
	_, err := scatter.NewDevice(r.device, r.terminals, []scatter.Pair{{To: 2, From: 0}}, scatter.Options{})
	assert.ErrorContains(t, err, "lead 2")
	d := openDevice(t, &r, nil, scatter.Options{})
	_, err = d.SMatrix(context.Background(), nil, 3)
	assert.ErrorContains(t, err, "points 0 to 2")
	assert.ErrorContains(t, d.Value(context.Background(), make([]float64, 3), make([]float64, d.Outputs())), "12 orbitals")
	stopped, stop := context.WithCancel(context.Background())
	stop()
	assert.Equal(t, fault.Cancelled, fault.KindOf(d.Value(stopped, nil, make([]float64, d.Outputs()))))
}
