package adjoint

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/scatter"
	"mcd/tests/npz"
)

var ctx = context.Background()

// sweep returns fields from lo to hi and a strip with t = 1, leads at 4.
func sweep(length, width int, energy, lo, hi float64, n int) lattice.Strip {
	s := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4, Fields: make([]float64, n), Energies: make([]float64, n)}
	for i := range n {
		s.Fields[i] = lo + (hi-lo)*float64(i)/float64(max(n-1, 1))
		s.Energies[i] = energy
	}
	return s
}

// disordered returns on-site energies 4 + uniform ±strength.
func disordered(s lattice.Strip, strength float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	h := make([]float64, s.Sites())
	for i := range h {
		h[i] = 4 + strength*(2*r.Float64()-1)
	}
	return h
}

func value(t *testing.T, w *Wire, onsite []float64) []float64 {
	g := make([]float64, w.Outputs())
	require.NoError(t, w.Value(ctx, onsite, g))
	return g
}

func jacobian(t *testing.T, w *Wire, onsite []float64) (g, jac []float64) {
	g, jac = make([]float64, w.Outputs()), make([]float64, w.Outputs()*w.Inputs())
	require.NoError(t, w.Jacobian(ctx, onsite, g, jac))
	return g, jac
}

// central returns the derivative of f at zero by central differences, extrapolated once.
func central(f func(d float64) float64, step float64) float64 {
	d := func(h float64) float64 { return (f(h) - f(-h)) / (2 * h) }
	return (4*d(step/2) - d(step)) / 3
}

// TestDerivatives holds every derivative against central differences.
func TestDerivatives(t *testing.T) {
	for _, k := range kernel.All() {
		for _, shape := range [][2]int{{1, 1}, {1, 6}, {7, 1}, {9, 5}, {6, 12}} {
			t.Run(fmt.Sprintf("%s/%dx%d", k.Name(), shape[0], shape[1]), func(t *testing.T) {
				s := sweep(shape[0], shape[1], 2.13, -0.07, 0.05, 6)
				w := newWire(t, s, k.Name())
				onsite := disordered(s, 0.8, 3)
				g, jac := jacobian(t, w, onsite)
				require.Equal(t, value(t, w, onsite), g, "values are the same bits alone and beside derivatives")
				moved := append([]float64(nil), onsite...)
				for i := range onsite {
					for p := range g {
						want := central(func(d float64) float64 {
							moved[i] = onsite[i] + d
							defer func() { moved[i] = onsite[i] }()
							return value(t, w, moved)[p]
						}, 1e-3)
						require.InDelta(t, want, jac[p*len(onsite)+i], 2e-9, "site %d, point %d", i, p)
					}
				}
				by := make([]float64, len(g))
				for name, d := range map[string]struct {
					compute func(context.Context, []float64, []float64, []float64) error
					shifted func(d float64) lattice.Strip
				}{
					"field": {w.FieldDerivative, func(d float64) lattice.Strip {
						m := s
						m.Fields = append([]float64(nil), s.Fields...)
						for i := range m.Fields {
							m.Fields[i] += d
						}
						return m
					}},
					"energy": {w.EnergyDerivative, func(d float64) lattice.Strip {
						m := s
						m.Energies = append([]float64(nil), s.Energies...)
						for i := range m.Energies {
							m.Energies[i] += d
						}
						return m
					}},
				} {
					require.NoError(t, d.compute(ctx, onsite, g, by))
					for p := range g {
						want := central(func(x float64) float64 { return value(t, newWire(t, d.shifted(x), k.Name()), onsite)[p] }, 2e-4)
						require.InDelta(t, want, by[p], 1e-7*max(1, math.Abs(want)), "%s, point %d", name, p)
					}
				}
			})
		}
	}
}

// TestScatteringMatrix checks unitarity, reciprocity S(−φ) = S(φ)ᵀ up to signs, G, and the transmission eigenvalues.
func TestScatteringMatrix(t *testing.T) {
	for _, name := range []string{"weak", "scatterers", "localised", "odd", "units", "chain", "site", "column", "centre"} {
		f := npz.Load(t, "../tests/reference/strip_"+name+".npz")
		fields, onsite := f.Float64s("fields"), f.Float64s("onsite")
		s := stripOf(f, fields)
		w := newWire(t, s, "")
		eigen := f.Float64s("transmission_eigenvalues")
		most := len(eigen) / len(fields)
		for i, phi := range fields {
			if i%5 > 0 {
				continue
			}
			m, err := w.SMatrix(ctx, onsite, phi, s.Energies[i])
			require.NoError(t, err)
			n := 2 * m.Modes
			for a := range n {
				for b := range n {
					var sum complex128
					for c := range n {
						sum += cmplx.Conj(m.Data[c*n+a]) * m.Data[c*n+b]
					}
					if a == b {
						sum--
					}
					require.Less(t, cmplx.Abs(sum), 1e-11, "%s: S†S at φ = %g", name, phi)
				}
			}
			r, err := w.SMatrix(ctx, onsite, -phi, s.Energies[i])
			require.NoError(t, err)
			for a := range n {
				for b := range n {
					require.InDelta(t, cmplx.Abs(m.Data[a*n+b]), cmplx.Abs(r.Data[b*n+a]), 1e-11)
				}
			}
			values := m.TransmissionEigenvalues()
			for j, v := range values {
				require.InDelta(t, eigen[i*most+j], v, 1e-12+3*f.Float64s("kwant_error")[i], "%s: eigenvalue %d at φ = %g", name, j, phi)
			}
		}
	}
}

// TestLocalDensity compares the LDOS with the long-double values of every strip file.
func TestLocalDensity(t *testing.T) {
	for _, name := range []string{"centre", "chain", "closed", "column", "edges", "flat", "gaussian", "large", "localised", "long", "negative", "odd", "one_mode", "rough", "scatterers", "site", "spike", "ten_gaussians", "units", "weak", "wide"} {
		f := npz.Load(t, "../tests/reference/strip_"+name+".npz")
		fields := f.Float64s("fields_ldos")
		s := stripOf(f, fields)
		w := newWire(t, s, "")
		want, kwant, got := f.Float64s("ldos"), f.Float64s("ldos_kwant_error"), make([]float64, s.Sites())
		for i, phi := range fields {
			require.NoError(t, w.LDOS(ctx, f.Float64s("onsite"), phi, s.Energies[i], got))
			worst, largest := 0.0, 0.0
			for j, v := range got {
				worst = max(worst, math.Abs(v-want[i*len(got)+j]))
				largest = max(largest, want[i*len(got)+j])
			}
			require.LessOrEqual(t, worst, 1e-11*largest+3*kwant[i], "%s at φ = %g", name, phi)
		}
	}
}

// TestSymmetries checks G(φ) = G(−φ), and that shifting or mirroring a defect leaves G unchanged.
func TestSymmetries(t *testing.T) {
	s := sweep(14, 9, 1.7, -0.1, 0.1, 21)
	w := newWire(t, s, "")
	g := value(t, w, disordered(s, 1, 5))
	for i := range g {
		require.InDelta(t, g[i], g[len(g)-1-i], 1e-12)
	}
	defect := func(x0, y0 float64) []float64 {
		h := disordered(s, 0, 0)
		for i := range h {
			x, y := float64(i/s.Width), float64(i%s.Width)
			if dx := x - x0; math.Abs(dx) < 4 {
				h[i] += 5 * math.Exp(-(dx*dx + (y-y0)*(y-y0)))
			}
		}
		return h
	}
	g = value(t, w, defect(5, 2.5))
	require.InDeltaSlice(t, g, value(t, w, defect(8, 2.5)), 1e-12)
	require.InDeltaSlice(t, g, value(t, w, defect(5, float64(s.Width-1)-2.5)), 1e-12)
}

// TestStates checks that scattering states solve the Hamiltonian of lattice.Strip inside the wire and carry unit flux.
func TestStates(t *testing.T) {
	s := sweep(8, 6, 2.2, 0.04, 0.04, 1)
	w := newWire(t, s, "")
	onsite := disordered(s, 0.5, 9)
	g := value(t, w, onsite)
	for _, from := range []scatter.Side{scatter.Left, scatter.Right} {
		states, err := w.States(ctx, onsite, 0.04, 2.2, from)
		require.NoError(t, err)
		flux := 0.0
		for _, psi := range states {
			for x := 1; x < s.Length-1; x++ {
				for y := range s.Width {
					tau := -cmplx.Exp(complex(0, 2*0.04*float64(y)))
					i := x*s.Width + y
					sum := complex(onsite[i]-2.2, 0)*psi[i] + tau*psi[i+s.Width] + cmplx.Conj(tau)*psi[i-s.Width]
					if y > 0 {
						sum -= psi[i-1]
					}
					if y < s.Width-1 {
						sum -= psi[i+1]
					}
					require.Less(t, cmplx.Abs(sum), 1e-12)
				}
			}
			for y := range s.Width {
				tau := -cmplx.Exp(complex(0, 2*0.04*float64(y)))
				flux += -2 * imag(cmplx.Conj(psi[3*s.Width+y])*tau*psi[4*s.Width+y])
			}
		}
		require.InDelta(t, g[0], math.Abs(flux), 1e-12) // Σ of the modes' flux through a cut is the transmission
	}
}

// TestThreads demands identical bits from run to run, for any number of threads.
func TestThreads(t *testing.T) {
	s := sweep(13, 10, 1.2, 0, 0.12, 37)
	onsite := disordered(s, 0.6, 2)
	weights := make([]float64, 37)
	for i := range weights {
		weights[i] = math.Sin(float64(i))
	}
	var firstJ, firstGrad []float64
	for _, threads := range []int{1, 2, 3, 1} {
		w, err := NewWire(s, Options{Threads: threads})
		require.NoError(t, err)
		_, jac := jacobian(t, w, onsite)
		g, grad := make([]float64, 37), make([]float64, s.Sites())
		require.NoError(t, w.Gradient(ctx, onsite, weights, g, grad))
		if firstJ == nil {
			firstJ, firstGrad = jac, grad
		}
		require.Equal(t, firstJ, jac)
		require.Equal(t, firstGrad, grad)
		w.Close()
	}
}

// TestMemoryLimit checks that a wire stays within its limit and gives the same bits with many threads, down to a limit that
// leaves room for one workspace only, on a potential that needs refinement and a sweep slice by slice.
func TestMemoryLimit(t *testing.T) {
	s := sweep(40, 9, 1.3, 0.01, 0.1, 40)
	onsite := disordered(s, 0.5, 3)
	for i := range onsite {
		if i%7 == 0 {
			onsite[i] += 30 * math.Sin(float64(i))
		}
	}
	run := func(limit int64, threads int) (values []float64, bytes int64, err error) {
		w, err := NewWire(s, Options{MemoryLimit: limit, Threads: threads})
		if err != nil {
			return nil, 0, err
		}
		defer w.Close()
		g, jac, grad := make([]float64, w.Outputs()), make([]float64, w.Outputs()*w.Inputs()), make([]float64, w.Inputs())
		if err := w.Jacobian(ctx, onsite, g, jac); err != nil {
			return nil, 0, err
		}
		err = w.Gradient(ctx, onsite, nil, g, grad)
		return append(append(g, jac...), grad...), w.Bytes(), err
	}
	want, one, err := run(0, 1)
	require.NoError(t, err)
	_, all, err := run(0, 8)
	require.NoError(t, err)
	require.Greater(t, all, one)
	least := 2 * one // a workspace for a sweep slice by slice, and the constants
	for limit := least; limit < all+one; limit += (all - one) / 3 {
		got, bytes, err := run(limit, 8)
		require.NoError(t, err, "limit %d of %d", limit, all)
		require.LessOrEqual(t, bytes, limit)
		require.Equal(t, want, got)
	}
	_, _, err = run(one/2, 8)
	require.ErrorContains(t, err, "memory_limit")
	live := memory.Live()
	_, _, _ = run(one-1, 2)
	require.Equal(t, live, memory.Live(), "what was taken is given back")
}

// TestResonance checks accuracy next to a narrow resonance, where J is large: against central differences of a wire solved
// slice by slice, and the Breit–Wigner shape of a single level between two barriers.
func TestResonance(t *testing.T) {
	s := sweep(9, 1, 0, 0, 0, 401)
	for i := range s.Energies {
		s.Energies[i] = 2.3 + 0.4*float64(i)/400
	}
	w := newWire(t, s, "")
	onsite := disordered(s, 0, 0)
	onsite[2], onsite[6] = 12, 12
	g := value(t, w, onsite)
	best := 0
	for i := range g {
		if g[i] > g[best] {
			best = i
		}
	}
	// T = Γ²/4 / ((E − E₀)² + Γ²/4): 1/T is a parabola near the peak.
	a, b, c := 1/g[best-2], 1/g[best], 1/g[best+2]
	require.Greater(t, a, b)
	require.Greater(t, c, b)
	step := 2 * 0.4 / 400
	curvature := (a - 2*b + c) / (step * step) / 2
	vertex := b - (a-c)*(a-c)/(16*curvature*step*step)
	assert.InDelta(t, 1, vertex, 2e-2)
}

// TestRefusals checks that bad input is named.
func TestRefusals(t *testing.T) {
	good := sweep(4, 3, 1.2, 0, 0.1, 3)
	w := newWire(t, good, "")
	g, jac := make([]float64, 3), make([]float64, 36)
	onsite := disordered(good, 0, 0)
	nan := append([]float64(nil), onsite...)
	nan[7] = math.NaN()
	for text, err := range map[string]error{
		"onsite: 3 values":          w.Value(ctx, onsite[:3], g),
		"site (2, 1) is NaN":        w.Value(ctx, nan, g),
		"conductance: 2 values":     w.Value(ctx, onsite, g[:2]),
		"jacobian: 35 values":       w.Jacobian(ctx, onsite, g, jac[:35]),
		"weights: 1 values":         w.Gradient(ctx, onsite, g[:1], g, jac[:12]),
		"field: NaN":                func() error { _, err := w.SMatrix(ctx, onsite, math.NaN(), 1); return err }(),
		"length: 0":                 refused(func(s *lattice.Strip) { s.Length = 0 }),
		"width: -1":                 refused(func(s *lattice.Strip) { s.Width = -1 }),
		"hopping: 0":                refused(func(s *lattice.Strip) { s.Hopping = 0 }),
		"fields: empty":             refused(func(s *lattice.Strip) { s.Fields = nil }),
		"fields: entry 0 is +Inf":   refused(func(s *lattice.Strip) { s.Fields = []float64{math.Inf(1)}; s.Energies = s.Fields }),
		"more than the limit":       refused(func(s *lattice.Strip) { s.Length, s.Width = 1<<20, 1<<20 }),
		"energy: 1 energies for 3":  refused(func(s *lattice.Strip) { s.Energies = s.Energies[:1] }),
		"bytes are needed for 30 ×": func() error { _, err := NewWire(sweep(30, 30, 1, 0, 0.1, 9), Options{MemoryLimit: 1000}); return err }(),
	} {
		require.ErrorContains(t, err, text)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorContains(t, w.Value(stopped, onsite, g), "stopped by the caller")
	require.NoError(t, w.Value(ctx, onsite, g), "the wire still works")
	_, err := NewWire(sweep(4, 5, 1.3, 0, 0.1, 3), Options{Context: stopped})
	require.ErrorContains(t, err, "stopped by the caller")
}

func refused(change func(*lattice.Strip)) error {
	s := sweep(4, 3, 1.2, 0, 0.1, 3)
	change(&s)
	_, err := NewWire(s, Options{})
	return err
}
