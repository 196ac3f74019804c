package adjoint

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

	"mcd/core/scatter"
	"mcd/tests/devices"
	"mcd/tests/npz"
)

func openDevice(t testing.TB, r *devices.Device, pairs []scatter.Pair, o scatter.Options) *Device {
	d, err := NewDevice(r.Lattice, r.Terminals, pairs, o)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func TestDeviceJacobianReferences(t *testing.T) {
	for _, r := range devices.References(t) {
		t.Run(r.Name, func(t *testing.T) {
			var pairs []scatter.Pair
			list := r.File.Ints("pairs")
			for k := 0; k < len(list); k += 2 {
				pairs = append(pairs, scatter.Pair{To: list[k], From: list[k+1]})
			}
			d := openDevice(t, r, pairs, scatter.Options{})
			n, points, leads := d.Inputs(), d.Points(), len(r.Terminals)
			g, jac := make([]float64, d.Outputs()), make([]float64, d.Outputs()*n)
			require.NoError(t, d.Jacobian(context.Background(), nil, g, jac))
			best, grad := r.File.Float64s("transmission_best"), r.File.Float64s("grad")
			for k, pair := range pairs {
				for p := range points {
					assert.InDelta(t, best[(p*leads+pair.To)*leads+pair.From], g[k*points+p], 1e-12)
					for i := range n {
						want := grad[(p*len(pairs)+k)*n+i]
						require.InDelta(t, want, jac[(k*points+p)*n+i], 1e-11*max(1, want), "point %d, %v, orbital %d", p, pair, i)
					}
				}
			}
		})
	}
}

func TestDeviceJacobianOfStrips(t *testing.T) {
	for _, path := range devices.Strips(t) {
		f := npz.Load(t, path)
		if !f.Has("fields_grad") || f.Array("grad").Len() == 0 {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			fields, grad := f.Float64s("fields_grad"), f.Float64s("grad")
			d := openDevice(t, devices.Strip(t, f, fields), []scatter.Pair{{To: 1, From: 0}}, scatter.Options{})
			n := d.Inputs()
			g, jac := make([]float64, d.Outputs()), make([]float64, d.Outputs()*n)
			require.NoError(t, d.Jacobian(context.Background(), nil, g, jac))
			for k := range fields {
				largest := g[k] // where G is tiny, so are its derivatives
				for i := range n {
					largest = max(largest, math.Abs(grad[k*n+i]))
				}
				for i := range n {
					require.InDelta(t, grad[k*n+i], jac[k*n+i], f.Float64s("grad_uncertainty")[k]+1e-11*min(1, 10*largest), "field %g, site %d", fields[k], i)
				}
			}
		})
	}
}

// transmissions returns T of all pairs from a dense solution after a change of the device, [pair][point].
func transmissions(r *devices.Device, pairs []scatter.Pair) []float64 {
	points := r.Lattice.Points()
	g := make([]float64, len(pairs)*points)
	for p := range points {
		green := devices.Green(r, p, nil)
		for k, pair := range pairs {
			for m := range r.Terminals[pair.To][p].Modes {
				for n := range r.Terminals[pair.From][p].Modes {
					a := devices.Amplitude(r, green, p, pair, m, n)
					g[k*points+p] += real(a)*real(a) + imag(a)*imag(a)
				}
			}
		}
	}
	return g
}

// difference differentiates by central differences, extrapolated once; change moves the device by a step and back.
func difference(r *devices.Device, pairs []scatter.Pair, change func(step float64)) []float64 {
	slope := func(h float64) []float64 {
		change(h)
		up := transmissions(r, pairs)
		change(-2 * h)
		down := transmissions(r, pairs)
		change(h)
		for i := range up {
			up[i] = (up[i] - down[i]) / (2 * h)
		}
		return up
	}
	coarse, fine := slope(2e-4), slope(1e-4)
	for i := range fine {
		fine[i] += (fine[i] - coarse[i]) / 3
	}
	return fine
}

// mild makes a random device without sharp resonances, whose differences can be trusted.
func mild(seed uint64, orbitals, leads, points int) *devices.Device {
	for {
		r := devices.Random(rand.New(rand.NewPCG(seed, 2)), orbitals, leads, points)
		worst := 0.0
		for p := range points {
			for _, z := range devices.Green(r, p, nil) {
				worst = max(worst, cmplx.Abs(z))
			}
		}
		if worst < 4 {
			return r
		}
		seed += 1000
	}
}

const differenceError = 1e-8

func TestDeviceDerivatives(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(6) {
		r := mild(seed, 14, 3, 5)
		l := &r.Lattice
		pairs := devices.EveryPair(3)
		d := openDevice(t, r, pairs, scatter.Options{})
		points, n := l.Points(), l.Orbitals
		g, jac := make([]float64, d.Outputs()), make([]float64, d.Outputs()*n)
		require.NoError(t, d.Jacobian(ctx, nil, g, jac))
		pattern := make([]complex128, d.Outputs()*l.Entries())
		require.NoError(t, d.PatternJacobian(ctx, nil, g, pattern))
		hoppings := [][2]int{{l.Rows[0], l.Cols[0]}, {l.Rows[5], l.Cols[5]}}
		hop := make([]complex128, d.Outputs()*len(hoppings))
		require.NoError(t, d.HoppingJacobian(ctx, nil, hoppings, g, hop))
		check := func(want []float64, got func(output int) float64, what string) {
			t.Helper()
			for k := range want {
				require.InDelta(t, want[k], got(k), differenceError, "%s, output %d, seed %d", what, k, seed)
			}
		}
		for _, i := range []int{0, 7, n - 1} {
			k := l.Entries() - n + i // the diagonal comes last
			want := difference(r, pairs, func(step float64) {
				for p := range points {
					l.Values[p*l.Entries()+k] += complex(step, 0)
				}
			})
			check(want, func(o int) float64 { return jac[o*n+i] }, "onsite")
			check(want, func(o int) float64 { return real(pattern[o*l.Entries()+k]) }, "pattern")
		}
		for h, k := range []int{0, 5} { // a hopping and its partner are neighbours in a random device
			for _, unit := range []complex128{1, 1i} {
				want := difference(r, pairs, func(step float64) {
					for p := range points {
						z := unit * complex(step, 0)
						l.Values[p*l.Entries()+k] += z
						l.Values[p*l.Entries()+k^1] += cmplx.Conj(z)
					}
				})
				check(want, func(o int) float64 { return real(cmplx.Conj(hop[o*2+h]) * unit) }, "hopping")
			}
		}
		testAlong(t, d, r, check)
		d.Close()
	}
}

// testAlong moves H, E and the leads together. The injection follows Γ: here the lead keeps its number of modes because dΣ has
// the anti-Hermitian part of d(QQ†).
func testAlong(t *testing.T, d *Device, r *devices.Device, check func(want []float64, got func(int) float64, what string)) {
	rng := rand.New(rand.NewPCG(11, 12))
	l := &r.Lattice
	points := l.Points()
	v := Variation{Values: make([]complex128, len(l.Values)), Energy: make([]float64, points)}
	for i := range v.Energy {
		v.Energy[i] = rng.NormFloat64()
	}
	for i := range v.Values { // Hermitian: hoppings in pairs, then the diagonal
		k := i % l.Entries()
		switch {
		case l.Rows[k] == l.Cols[k]:
			v.Values[i] = complex(rng.NormFloat64(), 0)
		case k%2 == 0:
			v.Values[i] = complex(rng.NormFloat64(), rng.NormFloat64())
		default:
			v.Values[i] = cmplx.Conj(v.Values[i-1])
		}
	}
	moved := make([][][]complex128, len(r.Terminals)) // dQ
	for i, terminals := range r.Terminals {
		m := len(l.Interfaces[i])
		var slopes [][]complex128
		for p := range terminals {
			q := terminals[p].In
			dq := make([]complex128, len(q))
			for k := range dq {
				dq[k] = complex(rng.NormFloat64(), rng.NormFloat64())
			}
			moved[i] = append(moved[i], dq)
			slope := make([]complex128, m*m)
			for a := range m {
				slope[a*m+a] = complex(rng.NormFloat64(), 0)
				for b := range m {
					for c := range terminals[p].Modes {
						n := terminals[p].Modes
						slope[a*m+b] -= 0.5i * (dq[a*n+c]*cmplx.Conj(q[b*n+c]) + q[a*n+c]*cmplx.Conj(dq[b*n+c]))
					}
				}
			}
			slopes = append(slopes, slope)
		}
		v.Sigma = append(v.Sigma, slopes)
	}
	original := devices.Clone(r)
	at := 0.0
	change := func(step float64) {
		at += step
		x := complex(at, 0)
		for p := range points {
			l.Energies[p] = original.Lattice.Energies[p] + at*v.Energy[p]
		}
		for i := range l.Values {
			l.Values[i] = original.Lattice.Values[i] + x*v.Values[i]
		}
		for i, terminals := range r.Terminals {
			m := len(l.Interfaces[i])
			for p := range terminals {
				t, before, n := &terminals[p], &original.Terminals[i][p], terminals[p].Modes
				for k := range t.In {
					t.In[k] = before.In[k] + x*moved[i][p][k]
				}
				for a := range m {
					for b := range m {
						s := before.Sigma[a*m+b] + x*v.Sigma[i][p][a*m+b]
						for c := range n { // second order of QQ†
							s -= 0.5i * x * x * moved[i][p][a*n+c] * cmplx.Conj(moved[i][p][b*n+c])
						}
						t.Sigma[a*m+b] = s
					}
				}
			}
		}
	}
	want := difference(r, d.Pairs, change)
	g, dg := make([]float64, d.Outputs()), make([]float64, d.Outputs())
	require.NoError(t, d.Along(context.Background(), nil, v, g, dg))
	check(want, func(o int) float64 { return dg[o] }, "along")

	v.Sigma = nil
	change = func(step float64) {
		for p := range points {
			l.Energies[p] += step * v.Energy[p]
		}
		for i := range l.Values {
			l.Values[i] += complex(step, 0) * v.Values[i]
		}
	}
	want = difference(r, d.Pairs, change)
	require.NoError(t, d.Along(context.Background(), nil, v, g, dg))
	check(want, func(o int) float64 { return dg[o] }, "along, leads fixed")
}

func TestDeviceGradientIsWeightedJacobian(t *testing.T) {
	ctx := context.Background()
	r := devices.Load(t, "hall_bar")
	d := openDevice(t, r, nil, scatter.Options{})
	n, outputs := d.Inputs(), d.Outputs()
	rng := rand.New(rand.NewPCG(1, 1))
	weights, onsite := make([]float64, outputs), make([]float64, n)
	for i := range weights {
		weights[i] = rng.NormFloat64()
	}
	for i := range onsite {
		onsite[i] = rng.NormFloat64()
	}
	g, jac, grad := make([]float64, outputs), make([]float64, outputs*n), make([]float64, n)
	require.NoError(t, d.Jacobian(ctx, onsite, g, jac))
	again := make([]float64, outputs)
	require.NoError(t, d.Value(ctx, onsite, again))
	assert.Equal(t, g, again)
	for _, w := range [][]float64{weights, nil} {
		require.NoError(t, d.Gradient(ctx, onsite, w, again, grad))
		assert.Equal(t, g, again)
		for i := range n {
			want := 0.0
			for k := range outputs {
				if w == nil {
					want += jac[k*n+i]
				} else {
					want += w[k] * jac[k*n+i]
				}
			}
			require.InDelta(t, want, grad[i], 1e-11)
		}
	}
	pattern, all := make([]complex128, outputs*d.Lattice.Entries()), make([]complex128, d.Points()*d.Lattice.Entries())
	require.NoError(t, d.PatternJacobian(ctx, onsite, g, pattern))
	require.NoError(t, d.PatternGradient(ctx, onsite, weights, g, all))
	for i, got := range all {
		p, k := i/d.Lattice.Entries(), i%d.Lattice.Entries()
		var want complex128
		for pair := range d.Pairs {
			want += complex(weights[pair*d.Points()+p], 0) * pattern[(pair*d.Points()+p)*d.Lattice.Entries()+k]
		}
		require.InDelta(t, 0, cmplx.Abs(want-got), 1e-11)
	}
}

// ψ and χ* go down together where H is Hermitian, one after the other where it need not be.
func TestDeviceJacobianByBothWays(t *testing.T) {
	r := devices.Load(t, "quantum_dot")
	var rows [2][]float64
	for k, other := range []bool{false, true} {
		r.Lattice.NonHermitian = other
		d := openDevice(t, r, devices.EveryPair(2), scatter.Options{})
		g, jac := make([]float64, d.Outputs()), make([]float64, d.Outputs()*d.Inputs())
		require.NoError(t, d.Jacobian(context.Background(), nil, g, jac))
		rows[k] = slices.Concat(g, jac)
	}
	assert.InDeltaSlice(t, rows[0], rows[1], 1e-11)
	assert.NotEqual(t, rows[0], rows[1])
}

// Σ_i ∂T_ij = 0: the number of modes does not change.
func TestDeviceJacobianConservesCurrent(t *testing.T) {
	r := devices.Load(t, "cross")
	leads := len(r.Terminals)
	d := openDevice(t, r, devices.EveryPair(leads), scatter.Options{})
	n, points := d.Inputs(), d.Points()
	g, jac := make([]float64, d.Outputs()), make([]float64, d.Outputs()*n)
	require.NoError(t, d.Jacobian(context.Background(), nil, g, jac))
	for from := range leads {
		for i := range points * n {
			sum := 0.0
			for to := range leads {
				sum += jac[(to*leads+from)*points*n+i]
			}
			require.InDelta(t, 0, sum, 1e-11)
		}
	}
}

func TestDeviceDerivativesDoNotDependOnThreads(t *testing.T) {
	r := devices.Load(t, "double_barrier")
	var first []float64
	for _, threads := range []int{1, 2, 3} {
		d := openDevice(t, r, nil, scatter.Options{Threads: threads})
		n := d.Inputs()
		g, jac, grad := make([]float64, d.Outputs()), make([]float64, d.Outputs()*n), make([]float64, n)
		require.NoError(t, d.Jacobian(context.Background(), nil, g, jac))
		require.NoError(t, d.Gradient(context.Background(), nil, nil, g, grad))
		all := slices.Concat(g, jac, grad)
		if first == nil {
			first = all
		}
		assert.Equal(t, first, all, fmt.Sprint(threads))
	}
}
