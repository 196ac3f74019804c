package scatter

import (
	"context"
	"math"
	"math/big"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
	"mcd/core/lattice"
)

// dense is A of one lane as a dense matrix of sites counted from the right lead, its columns taken from the kernel's own
// residual, and its LU factors with partial pivoting.
type dense struct {
	n     int
	a, lu []complex128
	perm  []int
}

func newDense(s *Workspace, lane int, transposed bool) *dense {
	w, v, n := s.width, s.lanes, s.width*s.length
	d := &dense{n: n, a: make([]complex128, n*n)}
	at := func(a []float64, ld, i, j int) complex128 {
		k := (i*ld + j) * 2 * v
		return complex(a[k+lane], a[k+v+lane])
	}
	size := kernel.Size(w, w, v)
	unit, zero, out := make([]float64, size), make([]float64, size), make([]float64, size)
	for i := range w {
		for l := range v {
			unit[(i*w+i)*2*v+l] = 1
		}
	}
	var r, m = make([]float64, v), make([]float64, v)
	for x := range s.length {
		s.k.Check(transposed, w, s.h(x), s.group.energy, s.cs(x), w, w, unit, zero, zero, out, r, m)
		for i := range w {
			for j := range w {
				z := -at(out, w, i, j)
				if x == 0 {
					if transposed {
						z += at(s.group.right, s.ld, j, i)
					} else {
						z += at(s.group.right, s.ld, i, j)
					}
				}
				if x == s.length-1 {
					if transposed {
						z += at(s.group.left, s.ld, j, i)
					} else {
						z += at(s.group.left, s.ld, i, j)
					}
				}
				d.a[(x*w+i)*n+x*w+j] = z
			}
			if x > 0 {
				d.a[(x*w+i)*n+(x-1)*w+i] = 1
				d.a[((x-1)*w+i)*n+x*w+i] = 1
			}
		}
	}
	d.lu, d.perm = append([]complex128(nil), d.a...), make([]int, n)
	for k := range n {
		p := k
		for i := k; i < n; i++ {
			if cmplx.Abs(d.lu[i*n+k]) > cmplx.Abs(d.lu[p*n+k]) {
				p = i
			}
		}
		d.perm[k] = p
		if p != k {
			for j := range n {
				d.lu[k*n+j], d.lu[p*n+j] = d.lu[p*n+j], d.lu[k*n+j]
			}
		}
		for i := k + 1; i < n; i++ {
			if d.lu[i*n+k] == 0 {
				continue
			}
			f := d.lu[i*n+k] / d.lu[k*n+k]
			d.lu[i*n+k] = f
			row, pivot := d.lu[i*n+k+1:(i+1)*n], d.lu[k*n+k+1:(k+1)*n]
			for j, z := range pivot {
				row[j] -= f * z
			}
		}
	}
	return d
}

func (d *dense) solve(b []complex128) []complex128 {
	x := append([]complex128(nil), b...)
	n := d.n
	for k, p := range d.perm {
		x[k], x[p] = x[p], x[k]
	}
	for k := range n {
		for j := range k {
			x[k] -= d.lu[k*n+j] * x[j]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			x[k] -= d.lu[k*n+j] * x[j]
		}
		x[k] /= d.lu[k*n+k]
	}
	return x
}

// refined solves with residuals of 120 bits.
func (d *dense) refined(b []complex128) []complex128 {
	x := d.solve(b)
	big0 := func(f float64) *big.Float { return new(big.Float).SetPrec(120).SetFloat64(f) }
	for range 6 {
		r := make([]complex128, d.n)
		for i := range d.n {
			re, im := big0(real(b[i])), big0(imag(b[i]))
			t := new(big.Float).SetPrec(120)
			for j, z := range d.a[i*d.n : (i+1)*d.n] {
				if z == 0 {
					continue
				}
				zr, zi, xr, xi := big0(real(z)), big0(imag(z)), big0(real(x[j])), big0(imag(x[j]))
				re.Sub(re, t.Mul(zr, xr))
				re.Add(re, t.Mul(zi, xi))
				im.Sub(im, t.Mul(zr, xi))
				im.Sub(im, t.Mul(zi, xr))
			}
			a, _ := re.Float64()
			c, _ := im.Float64()
			r[i] = complex(a, c)
		}
		for i, z := range d.solve(r) {
			x[i] += z
		}
	}
	return x
}

// lane reads the values of one lane of a workspace.
type lane struct {
	s *Workspace
	l int
}

// slice returns column n of one slice of a wave, full that of a wave.
func (l lane) slice(a []float64, rows, cols, n int) []complex128 {
	out := make([]complex128, rows)
	v := l.s.lanes
	for i := range rows {
		k := (i*cols + n) * 2 * v
		out[i] = complex(a[k+l.l], a[k+v+l.l])
	}
	return out
}

func (l lane) full(w *Wave, n int) []complex128 {
	var out []complex128
	for x := range l.s.length {
		out = append(out, l.slice(w.At(x), l.s.width, l.s.columns(), n)...)
	}
	return out
}

// answers returns the conductance, its derivatives and Σ|ψ|² on every site, for solutions of Aψ = b and Aᵀχ = b.
func answers(s *Workspace, l lane, direct, transposed func(b []complex128) []complex128) (out [3][]float64, size float64) {
	n, w, sites := s.columns(), s.width, s.width*s.length
	out = [3][]float64{make([]float64, 1), make([]float64, sites), make([]float64, sites)}
	for k := range n {
		b := make([]complex128, sites)
		copy(b[(s.length-1)*w:], l.slice(s.group.FromLeft, w, n, k))
		psi := direct(b)
		clear(b)
		for m := range n {
			q, t := l.slice(s.group.FromRight, w, n, m), 0i
			for y := range w {
				t += cmplx.Conj(q[y]) * psi[y]
			}
			out[0][0] += real(t)*real(t) + imag(t)*imag(t)
			for y := range w {
				b[y] += 2 * cmplx.Conj(t*q[y])
			}
		}
		for i, z := range transposed(b) {
			out[1][i] += real(z * psi[i])
			out[2][i] += real(psi[i])*real(psi[i]) + imag(psi[i])*imag(psi[i])
			size = math.Max(size, cmplx.Abs(psi[i]))
		}
	}
	return out, size
}

func farthest(a, b []float64) (worst float64) {
	for i := range a {
		worst = math.Max(worst, math.Abs(a[i]-b[i]))
	}
	return worst
}

// TestResonances holds what sweeps call right at sharp resonances, with states far larger than the incoming ones, against
// solutions refined with residuals of 120 bits: to 1e-11 and three times the errors of dense LU.
func TestResonances(t *testing.T) {
	const points = 8
	var random *rand.Rand
	for _, c := range []struct {
		name          string
		length, width int
		seed          uint64
		atLeast       float64 // of |ψ|
		h             func(x, y int) float64
	}{
		{"barriers", 40, 7, 0, 50, func(x, y int) float64 {
			if x >= 4 && x < 8 || x >= 32 && x < 36 {
				return 3 + 0.1*random.NormFloat64()
			}
			return 0.3 * random.NormFloat64()
		}},
		{"nearly bound", 40, 7, 0, 5, func(x, y int) float64 {
			return -float64(x/15%2) + 1e-3*random.NormFloat64()
		}},
		{"isolated sites", 40, 8, 0, 5, func(x, y int) float64 {
			return 0.1*random.NormFloat64() + 1e6*math.Floor(random.Float64()+0.12)
		}},
		{"rough", 110, 5, 0, 20, func(int, int) float64 { return 0.7 * random.NormFloat64() }},
		{"rough where χ' is small", 110, 5, 3, 5, func(int, int) float64 { return 0.7 * random.NormFloat64() }},
	} {
		random = rand.New(rand.NewPCG(c.seed, 3))
		h := make([]float64, c.length*c.width)
		for i := range h {
			h[i] = 4 + c.h(i/c.width, i%c.width)
		}
		at := func(lo, hi float64, n int, task func(s *Workspace, g *Group, energies []float64) error) {
			s := lattice.Strip{Length: c.length, Width: c.width, Hopping: 1, LeadOnsite: 4, Fields: make([]float64, n), Energies: make([]float64, n)}
			for i := range n {
				s.Fields[i], s.Energies[i] = 0.02, lo+(hi-lo)*float64(i)/float64(n-1)
			}
			w, err := NewWire(s, Options{Threads: 1})
			require.NoError(t, err)
			defer w.Close()
			require.NoError(t, w.Run(context.Background(), h, func(ws *Workspace, g *Group) error {
				require.NoError(t, ws.Factor())
				return task(ws, g, s.Energies)
			}))
		}
		lo, hi := 0.9, 1.4
		for range 6 { // look for the largest state
			top, where := 0.0, 0.0
			at(lo, hi, 64, func(s *Workspace, g *Group, energies []float64) error {
				psi, err := s.Transmit(Verdict{}, make([]float64, 64))
				require.NoError(t, err)
				for l, p := range g.Points[:g.Unique] {
					if _, size := psi.noted(l); size > top {
						top, where = size, energies[p]
					}
				}
				return nil
			})
			step := (hi - lo) / 63
			lo, hi = where-1.5*step, where+1.5*step
		}
		at(lo, lo*(1+2e-8), points, func(s *Workspace, g *Group, _ []float64) error {
			n := c.length * len(s.ZeroRow())
			rows := [3][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
			found := [3][]float64{make([]float64, points), make([]float64, points), make([]float64, points)}
			into := func(i int) func(slice int, row []float64) {
				return func(slice int, row []float64) { copy(rows[i][slice*len(row):], row) }
			}
			s.cached = 0
			single, err := s.Reflect(found[0], into(0))
			require.NoError(t, err)
			copy(found[1], found[0])
			corrected, err := s.Corrected(single, found[1], into(1))
			require.NoError(t, err)
			psi, err := s.Transmit(Verdict{}, found[2])
			require.NoError(t, err)
			require.NoError(t, s.Differentiate(Verdict{}, psi, into(2)))
			verdicts := [3]Verdict{single, corrected, {Accurate: true, Derivable: true}}
			var errors [3][3]float64 // of each way, conductance, derivatives and |ψ|²
			var direct [3]float64    // of dense LU, the largest of all points: one may be lucky
			for l := 0; l < g.Unique; l += 3 {
				a, b, in, k := newDense(s, l, Direct), newDense(s, l, Transposed), lane{s, l}, -1
				want, size := answers(s, in, a.refined, b.refined)
				require.Greater(t, size, c.atLeast, c.name)
				lu, _ := answers(s, in, a.solve, b.solve)
				ours, _ := answers(s, in, func([]complex128) []complex128 { k++; return in.full(psi, k) }, b.solve)
				for q := range direct {
					direct[q] = math.Max(direct[q], farthest(lu[q], want[q]))
				}
				for i := range verdicts {
					row := make([]float64, len(want[1]))
					for j := range row {
						row[j] = rows[i][j*s.lanes+l]
					}
					errors[i][0] = math.Max(errors[i][0], math.Abs(found[i][g.Points[l]]-want[0][0]))
					errors[i][1] = math.Max(errors[i][1], farthest(row, want[1]))
				}
				errors[2][2] = math.Max(errors[2][2], farthest(ours[2], want[2]))
			}
			for i, v := range verdicts {
				for q, right := range []bool{v.Accurate, v.Derivable, true} {
					if right {
						require.LessOrEqual(t, errors[i][q], 1e-11+3*direct[q], "%s, way %d, quantity %d", c.name, i, q)
					}
				}
			}
			return nil
		})
	}
}
