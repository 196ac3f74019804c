// Package devices makes devices for tests: those of tests/reference with their answers, and random ones with a dense solution.
package devices

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/scatter"
	"mcd/tests/npz"
)

// Device is a scattering problem with its leads; File holds the answers of a reference device.
type Device struct {
	Name      string
	File      npz.File
	Lattice   lattice.Device
	Terminals [][]lead.Terminal // [lead][point]
}

// References loads every device of tests/reference.
func References(t testing.TB) []*Device {
	paths, err := filepath.Glob(filepath.Join(folder(), "device_*.npz"))
	require.NoError(t, err)
	require.Len(t, paths, 10)
	var list []*Device
	for _, path := range paths {
		list = append(list, Load(t, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "device_"), ".npz")))
	}
	return list
}

// folder is tests/reference, wherever the test runs.
func folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "reference")
}

// Load reads one device of tests/reference.
func Load(t testing.TB, name string) *Device {
	f := npz.Load(t, filepath.Join(folder(), "device_"+name+".npz"))
	r := &Device{Name: name, File: f}
	norbs := f.Ints("norbs")
	first := []int{0}
	for _, n := range norbs {
		first = append(first, first[len(first)-1]+n)
	}
	r.Lattice = lattice.Device{Orbitals: first[len(norbs)], Rows: f.Ints("rows"), Cols: f.Ints("cols"), Values: f.Complex128s("values"), Energies: f.Float64s("energies")}
	for i := range f.Int("leads") {
		var orbitals []int
		for _, site := range f.Ints(fmt.Sprintf("lead%d_interface", i)) {
			for o := first[site]; o < first[site+1]; o++ {
				orbitals = append(orbitals, o)
			}
		}
		r.Lattice.Interfaces = append(r.Lattice.Interfaces, orbitals)
		key := fmt.Sprintf("lead%d_", i)
		h, v, shape := f.Complex128s(key+"h"), f.Complex128s(key+"v"), f.Shape(key+"v")
		c, m := shape[1], shape[2]
		require.Len(t, orbitals, m)
		var points []lead.Terminal
		for p, e := range r.Lattice.Energies {
			modes, err := lead.SolveCell(&lead.Cell{Orbitals: c, Interface: m, Hamiltonian: h[p*c*c:][:c*c], Hopping: v[p*c*m:][:c*m], Energy: e})
			require.NoError(t, err)
			points = append(points, modes.Terminal())
		}
		r.Terminals = append(r.Terminals, points)
	}
	return r
}

// EveryPair lists all pairs of n leads, reflections too.
func EveryPair(n int) []scatter.Pair {
	var pairs []scatter.Pair
	for to := range n {
		for from := range n {
			pairs = append(pairs, scatter.Pair{To: to, From: from})
		}
	}
	return pairs
}

// Random makes a connected random device: a tree plus extra hoppings, leads of random width with random self-energies whose
// anti-Hermitian part is −QQ†/2.
func Random(r *rand.Rand, orbitals, leads, points int) *Device {
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
	out := &Device{Name: "random", Lattice: d}
	for range leads {
		m := 1 + r.IntN(min(4, orbitals))
		out.Lattice.Interfaces = append(out.Lattice.Interfaces, r.Perm(orbitals)[:m])
		var terminals []lead.Terminal
		for range points {
			terminals = append(terminals, randomTerminal(z, m, r.IntN(m+1)))
		}
		out.Terminals = append(out.Terminals, terminals)
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

// Green returns G of a device at one point by Gauss–Jordan elimination with partial pivoting.
func Green(r *Device, point int, onsite []float64) []complex128 {
	d := &r.Lattice
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
				a[i*n+j] -= r.Terminals[l][point].Sigma[x*len(orbitals)+y]
			}
		}
	}
	return invert(n, a)
}

func invert(n int, a []complex128) []complex128 {
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

// Amplitude returns S[m][n] = −δ + iQ†GQ of a pair from a dense G.
func Amplitude(r *Device, g []complex128, point int, pair scatter.Pair, m, n int) complex128 {
	var sum complex128
	if pair.To == pair.From && m == n {
		sum = -1
	}
	to, from := r.Lattice.Interfaces[pair.To], r.Lattice.Interfaces[pair.From]
	a, b := &r.Terminals[pair.To][point], &r.Terminals[pair.From][point]
	for x, i := range to {
		for y, j := range from {
			sum += 1i * cmplx.Conj(a.In[x*a.Modes+m]) * g[i*r.Lattice.Orbitals+j] * b.In[y*b.Modes+n]
		}
	}
	return sum
}

// Clone copies what a test may change.
func Clone(r *Device) *Device {
	c := *r
	c.Lattice.Values, c.Lattice.Energies = slices.Clone(r.Lattice.Values), slices.Clone(r.Lattice.Energies)
	c.Terminals = nil
	for _, terminals := range r.Terminals {
		terminals = slices.Clone(terminals)
		for i := range terminals {
			terminals[i].Sigma, terminals[i].In = slices.Clone(terminals[i].Sigma), slices.Clone(terminals[i].In)
		}
		c.Terminals = append(c.Terminals, terminals)
	}
	return &c
}

// Strip writes a strip of tests/reference as a general device at the given fields, in the gauge of package lead: τ = −t·diag(exp(2iφȳ)) from slice x+1 to x.
func Strip(t testing.TB, f npz.File, fields []float64) *Device {
	length, width := f.Int("length"), f.Int("width")
	hop, energy, onsite := f.Float64("hopping"), f.Float64("energy"), f.Float64s("onsite")
	d := lattice.Device{Orbitals: length * width, Dimensions: 2, Interfaces: make([][]int, 2)}
	terminals := make([][]lead.Terminal, 2)
	for point, phi := range fields {
		d.Energies = append(d.Energies, energy)
		entry := func(i, j int, z complex128) {
			if point == 0 {
				d.Rows, d.Cols = append(d.Rows, i), append(d.Cols, j)
			}
			d.Values = append(d.Values, z)
		}
		tau := func(y int) complex128 {
			sin, cos := math.Sincos(2 * phi * (float64(y) - float64(width-1)/2))
			return complex(-hop*cos, -hop*sin)
		}
		for x := range length {
			for y := range width {
				i := x*width + y
				entry(i, i, complex(onsite[i], 0))
				if y+1 < width {
					entry(i, i+1, complex(-hop, 0))
					entry(i+1, i, complex(-hop, 0))
				}
				if x+1 < length {
					z := tau(y)
					entry(i, i+width, z)
					entry(i+width, i, cmplx.Conj(z))
				}
				if point == 0 {
					d.Positions = append(d.Positions, float64(x), float64(y))
				}
			}
		}
		le, err := lead.Solve(lead.Params{Width: width, Hopping: hop, Onsite: f.Float64("lead_onsite"), Energy: energy, Field: phi})
		require.NoError(t, err)
		left, right := make([]complex128, width*width), make([]complex128, width*width)
		for i := range width {
			z := tau(i)
			for j := range width {
				right[i*width+j] = z * le.F[i*width+j]
				left[i*width+j] = cmplx.Conj(z) * le.F[(width-1-i)*width+width-1-j]
			}
		}
		terminals[0], terminals[1] = append(terminals[0], terminal(left, width, le.Modes)), append(terminals[1], terminal(right, width, le.Modes))
	}
	for y := range width {
		d.Interfaces[0], d.Interfaces[1] = append(d.Interfaces[0], y), append(d.Interfaces[1], (length-1)*width+y)
	}
	return &Device{Name: "strip", File: f, Lattice: d, Terminals: terminals}
}

// terminal factors Γ = i(Σ − Σ†) = QQ† of rank n by Cholesky's method, the largest diagonal first.
func terminal(sigma []complex128, m, n int) lead.Terminal {
	gamma, in := make([]complex128, m*m), make([]complex128, m*n)
	for i := range m {
		for j := range m {
			gamma[i*m+j] = 1i * (sigma[i*m+j] - cmplx.Conj(sigma[j*m+i]))
		}
	}
	for k := range n {
		p := 0
		for i := range m {
			if real(gamma[i*m+i]) > real(gamma[p*m+p]) {
				p = i
			}
		}
		scale := complex(1/math.Sqrt(real(gamma[p*m+p])), 0)
		for i := range m {
			in[i*n+k] = gamma[i*m+p] * scale
		}
		for i := range m {
			for j := range m {
				gamma[i*m+j] -= in[i*n+k] * cmplx.Conj(in[j*n+k])
			}
		}
	}
	return lead.Terminal{Modes: n, Sigma: sigma, In: in}
}

// Strips lists the strip files of tests/reference.
func Strips(t testing.TB) []string {
	paths, err := filepath.Glob(filepath.Join(folder(), "strip_*.npz"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}
