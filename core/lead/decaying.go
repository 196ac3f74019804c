package lead

import (
	"math"
	"math/cmplx"

	"mcd/core/fault"
)

// decaying holds an orthonormal basis of the solutions of the lead that decay to the right: u_{x+1} = next, u_x = here (Width ×
// count, columns).
type decaying struct {
	width, count int
	next, here   []complex128
}

// transfer is the transfer matrix [u_{x+1}; u_x] = T·[u_x; u_{x−1}] in a basis where it is real (2Width × 2Width).
//
// With energies in units of the hopping τ = −D, D = diag(e^{iθ}), H₀ − E = e + H₁, so T = [[D*(e + H₁), −D*²], [1, 0]].
// As θ is odd in ȳ, T commutes with mirror × conjugation and is real in the basis of their fixed vectors, made of pairs of
// mirrored sites p < q: s = (p + q)/√2, stored at p, and a = i(p − q)/√2, stored at q. There D turns (s, a) by θ_p, and H₁
// stays tridiagonal: −1 between neighbours, but −√2 and 0 from s and a to a middle site, and −1 and +1 on the diagonal at
// s and a of the innermost pair of an even width.
func transfer(b *uniform) []float64 {
	w := b.width
	n := 2 * w
	t := make([]float64, n*n)
	h := make([]float64, w) // one column of e + H₁
	for j := range w {
		clear(h)
		h[j] = b.e
		onsiteAndNeighbours(h, j, w)
		for p := 0; p <= (w-1)/2; p++ {
			q := w - 1 - p
			c, s := b.cos[p], b.sin[p]
			if p == q {
				t[p*n+j] = h[p]
				continue
			}
			// D* turns by −θ: components (x_s, x_a) become (c·x_s + s·x_a, c·x_a − s·x_s).
			t[p*n+j] = c*h[p] + s*h[q]
			t[q*n+j] = c*h[q] - s*h[p]
		}
	}
	for p := 0; p <= (w-1)/2; p++ {
		q := w - 1 - p
		if p == q {
			t[p*n+w+p] = -1
			continue
		}
		c2, s2 := b.cos[p]*b.cos[p]-b.sin[p]*b.sin[p], 2*b.cos[p]*b.sin[p]
		t[p*n+w+p], t[p*n+w+q] = -c2, -s2
		t[q*n+w+p], t[q*n+w+q] = s2, -c2
	}
	for j := range w {
		t[(w+j)*n+j] = 1
	}
	return t
}

// onsiteAndNeighbours adds column j of H₁ in the paired basis to h.
func onsiteAndNeighbours(h []float64, j, w int) {
	half := w / 2 // pairs p = 0 … half−1, mirrored q = w−1−p
	odd := w%2 == 1
	link := func(i, k int) float64 {
		if odd && (i == half || k == half) {
			if min(i, k) < half {
				return -math.Sqrt2
			}
			return 0
		}
		return -1
	}
	if j > 0 && !(w%2 == 0 && j == half) {
		h[j-1] += link(j, j-1)
	}
	if j+1 < w && !(w%2 == 0 && j == half-1) {
		h[j+1] += link(j, j+1)
	}
	if !odd && j == half-1 {
		h[j]--
	}
	if !odd && j == half {
		h[j]++
	}
}

// decay computes the decaying solutions: the Width − Modes eigenvalues of T of least modulus, moved to the front of its
// real Schur form T = ZSZᵀ; then with X = [X₁; X₂] the first columns of Z, TX = XS and so X₁ = X₂S.
func decay(b *uniform, right []mode) (*decaying, error) {
	w, count := b.width, b.width-len(right)
	n := 2 * w
	t := transfer(b)
	var s *realSchur
	err := b.stop.leave(func() error {
		var ok bool
		if s, ok = newRealSchur(t, n); !ok {
			return fault.New(fault.Numerical, "the modes of a lead of width %d did not converge", w)
		}
		if !s.order(right) {
			return fault.New(fault.Numerical, "the modes of a lead of width %d could not be ordered: the energy is too close to a band edge", w)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &decaying{width: w, count: count, next: unpair(s.z, w, count), here: unpair(s.z[w*n:], w, count)}, nil
}

// unpair returns the first count columns of w rows of z, taken from the paired basis to the sites.
func unpair(z []float64, w, count int) []complex128 {
	n := 2 * w
	x := make([]complex128, w*count)
	for p := 0; p <= (w-1)/2; p++ {
		q := w - 1 - p
		for j := range count {
			s, a := z[p*n+j], z[q*n+j]
			if p == q {
				x[p*count+j] = complex(s, 0)
				continue
			}
			x[p*count+j] = complex(s/math.Sqrt2, a/math.Sqrt2)
			x[q*count+j] = complex(s/math.Sqrt2, -a/math.Sqrt2)
		}
	}
	return x
}

// mapping returns F = X₁X₂⁻¹ (Width × Width) from the decaying solutions and the right-movers.
func mapping(stop *stop, d *decaying, right []mode) ([]complex128, error) {
	w := d.width
	here, next := make([]complex128, w*w), make([]complex128, w*w)
	for y := range w {
		copy(here[y*w:], d.here[y*d.count:(y+1)*d.count])
		copy(next[y*w:], d.next[y*d.count:(y+1)*d.count])
	}
	for m, r := range right {
		lambda := cmplx.Exp(complex(0, r.k))
		for y, u := range r.u {
			here[y*w+d.count+m] = complex(u, 0)
			next[y*w+d.count+m] = lambda * complex(u, 0)
		}
	}
	// F·here = next is hereᵀ·Fᵀ = nextᵀ.
	transpose(here, w)
	transpose(next, w)
	if !solveInPlace(stop, here, next, w, w) {
		return nil, fault.New(fault.Numerical, "the modes of a lead of width %d are linearly dependent: the energy lies on a band edge", w)
	}
	transpose(next, w)
	return next, nil
}

// distant tells whether the energy is so far outside the band that waves decay by more than 97 times a slice. The Schur form
// loses the relative accuracy of F there, a fixed-point iteration has it within a few steps.
func (b *uniform) distant() bool { return math.Abs(b.e) > 100 }

// distantMapping returns F by F ← gτ†, g = (E − H₀ − τF)⁻¹, which gains four digits a step.
func (b *uniform) distantMapping() []complex128 {
	w := b.width
	f := make([]complex128, w*w)
	for range 6 {
		a := make([]complex128, w*w) // in units of the hopping, −e − H₁ + DF
		for y := range w {
			axpy(complex(b.cos[y], b.sin[y]), f[y*w:(y+1)*w], a[y*w:(y+1)*w])
			a[y*w+y] -= complex(b.e, 0)
			if y > 0 {
				a[y*w+y-1]++
				a[(y-1)*w+y]++
			}
		}
		clear(f)
		for y := range w {
			f[y*w+y] = -complex(b.cos[y], -b.sin[y])
		}
		solveInPlace(b.stop, a, f, w, w)
	}
	return f
}

// separableMapping returns F without a field: across, waves are sin(qy), q = πn/(Width + 1), and λ + 1/λ = e − 2cos(q).
func (b *uniform) separableMapping() []complex128 {
	w := b.width
	waves, scaled := make([]complex128, w*w), make([]complex128, w*w) // [n][y], [y][n]
	for n := range w {
		c := b.e/2 - math.Cos(math.Pi*float64(n+1)/float64(w+1))
		lambda := complex(c, math.Sqrt(max(0, (1-c)*(1+c)))) // exp(ik) with 0 < k < π, if the mode is open
		if math.Abs(c) > 1 {
			lambda = complex(1/(c+math.Copysign(math.Sqrt((c-1)*(c+1)), c)), 0)
		}
		for y := range w {
			turns := (n + 1) * (y + 1) % (2 * (w + 1)) // exactly
			u := complex(math.Sqrt(2/float64(w+1))*math.Sin(math.Pi*float64(turns)/float64(w+1)), 0)
			waves[n*w+y], scaled[y*w+n] = u, lambda*u
		}
	}
	return multiply(b.stop, scaled, waves, w, w, w)
}
