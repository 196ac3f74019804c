package lead

import (
	"math"
	"math/cmplx"

	gonumblas "gonum.org/v1/gonum/blas"
)

// contour computes F from the lead's Green's function in an infinite strip, G_x = (1/2πi)∮ z^{x−1} B(z)⁻¹ dz around the
// decaying and leaving waves: G_{x+1} = FG_x for x ≥ 0. B(z) = diag(e − zD − (zD)⁻¹), −1 beside the diagonal, is
// tridiagonal, so that a point of the contour costs W² operations where a Schur form takes 200·W³.
//
// In the mean over K points on |z| = ρ, z^K = ρ^K, a wave's residue has the weight 1/(1 − (λ/ρ)^K). F only asks that the
// waves wanted have some weight and the others none. Open modes are known: those that arrive are taken out, those that leave
// put in. A decaying wave is kept if |λ|^K ≪ ρ^K, and its growing partner 1/λ* has the weight (ρ|λ|)^K.
type contour struct {
	b     *bands
	right []mode
	count int // K, even
	rho   float64
	// cos and sin of arg z for the points in the upper half plane, 0 … K/2: those below mirror them, B(z*) = JB(z)*J.
	cos, sin []float64
}

const (
	// reach is −log ρ^K, and unresolved the sum of |λ/ρ|^K up to which decaying waves count as told from their partners: these
	// are left with less than exp(−2·reach)·unresolved, below rounding, and the contour stays clear of all of them.
	reach, unresolved = 16.0, 1e-3
	// tile is the number of rows over which the products below may grow unscaled.
	tile = 32
)

func newContour(b *bands, right []mode, count int) *contour {
	half := count/2 + 1
	c := &contour{b: b, right: right, count: count, rho: math.Exp(-reach / float64(count)), cos: make([]float64, half), sin: make([]float64, half)}
	for m := range half {
		c.sin[m], c.cos[m] = math.Sincos(2 * math.Pi * float64(m) / float64(count))
	}
	return c
}

// weight is that of a wave in the mean over the contour.
func (c *contour) weight(lambda complex128) complex128 {
	a := cmplx.Rect(math.Exp(reach+float64(c.count)*math.Log(cmplx.Abs(lambda))), float64(c.count)*cmplx.Phase(lambda))
	return 1 / (1 - a)
}

// share is the part of point m and its mirror image in the mean.
func (c *contour) share(m int) float64 {
	if m == 0 || m == c.count/2 {
		return 0.5 / float64(c.count)
	}
	return 1 / float64(c.count)
}

// resolves tells whether the contour separates the decaying waves: the mean of z·d(log det B)/dz is the sum of the weights of
// all waves less Width, so that the decaying ones are left with their number.
func (c *contour) resolves() bool {
	w, half := c.b.width, len(c.cos)
	plus, minus := c.rho+1/c.rho, c.rho-1/c.rho
	state := make([]complex128, 4*half) // u and z·du/dz at two sites
	u, before, du, duBefore := state[:half], state[half:2*half], state[2*half:3*half], state[3*half:]
	for m := range u {
		u[m] = 1
	}
	for y := range w {
		ct, st := c.b.cos[y], c.b.sin[y]
		for m, ck := range c.cos {
			cos, sin := ck*ct-c.sin[m]*st, c.sin[m]*ct+ck*st
			d, dd := complex(c.b.e-plus*cos, -minus*sin), complex(-minus*cos, -plus*sin)
			x := u[m]
			before[m], duBefore[m] = d*x-before[m], d*du[m]+dd*x-duBefore[m]
		}
		u, before, du, duBefore = before, u, duBefore, du
		if y%tile == tile-1 {
			for m, x := range u {
				f := complex(math.Ldexp(1, -exponentOf(x)), 0)
				u[m], before[m], du[m], duBefore[m] = x*f, before[m]*f, du[m]*f, duBefore[m]*f
			}
		}
	}
	sum := float64(w)
	for m, x := range u {
		sum += 2 * c.share(m) * real(du[m]/x)
	}
	for _, r := range c.right {
		sum -= 2 * real(c.weight(cmplx.Rect(1, r.k))) // and its mirror image at −k
	}
	return math.Abs(sum-float64(w-len(c.right))) < unresolved
}

// generators hold B⁻¹ at all points: (B⁻¹)_ij = u_i v_j for i ≤ j, where u obeys u_{i+1} = d_i u_i − u_{i−1} from the first
// site on and v likewise from the last. Rows of a tile are scaled by one power of two.
type generators struct {
	half int
	// left holds four rows of 2·half numbers for every site, (Re u, −Im u), (Im u, Re u) and the same of zu; right one row
	// (Re v, Im v) for every site, so that dot products of their rows are real and imaginary parts of B⁻¹ and zB⁻¹.
	left, right []float64
	// leftExponent and rightExponent are the scales of the tiles, [tile][point].
	leftExponent, rightExponent []int
}

// solution runs the recursion over all sites, from the first or from the last: x enters as the value at the first site
// visited and leaves as that beyond the last. Every site's values are handed to row.
func (c *contour) solution(backward bool, x []complex128, exponent []int, row func(y int, x []complex128)) []int {
	w, half := c.b.width, len(c.cos)
	plus, minus := c.rho+1/c.rho, c.rho-1/c.rho
	before := make([]complex128, half)
	tiles := (w + tile - 1) / tile
	exponents := make([]int, tiles*half)
	for n := range w {
		y := n
		if backward {
			y = w - 1 - n
		}
		if n > 0 && (y%tile == 0 && !backward || y%tile == tile-1 && backward) {
			for m, z := range x {
				shift := exponentOf(z)
				f := complex(math.Ldexp(1, -shift), 0)
				x[m], before[m] = z*f, before[m]*f
				exponent[m] += shift
			}
		}
		copy(exponents[y/tile*half:], exponent)
		row(y, x)
		ct, st := c.b.cos[y], c.b.sin[y]
		for m, ck := range c.cos {
			sk := c.sin[m]
			dr, di := c.b.e-plus*(ck*ct-sk*st), -minus*(sk*ct+ck*st)
			xr, xi := real(x[m]), imag(x[m])
			before[m] = complex(dr*xr-di*xi-real(before[m]), dr*xi+di*xr-imag(before[m]))
		}
		for m, z := range x {
			x[m], before[m] = before[m], z
		}
	}
	return exponents
}

// exponentOf returns s where 2^−s takes z near 1.
func exponentOf(z complex128) int {
	if z == 0 {
		return 0
	}
	return math.Ilogb(sum1(z))
}

func (c *contour) generators() *generators {
	w, half := c.b.width, len(c.cos)
	g := &generators{half: half, left: make([]float64, w*8*half), right: make([]float64, w*2*half)}
	x, exponent := make([]complex128, half), make([]int, half)
	for m := range x {
		x[m] = 1
	}
	g.leftExponent = c.solution(false, x, exponent, func(y int, u []complex128) {
		row := g.left[y*8*half : (y+1)*8*half]
		for m, z := range u {
			ur, ui := real(z), imag(z)
			zr, zi := c.rho*c.cos[m], c.rho*c.sin[m]
			zur, zui := zr*ur-zi*ui, zr*ui+zi*ur
			row[m], row[half+m], row[2*half+m], row[3*half+m] = ur, -ui, ui, ur
			row[4*half+m], row[5*half+m], row[6*half+m], row[7*half+m] = zur, -zui, zui, zur
		}
	})
	// u_W = det B is u_{i+1}v_i − u_i v_{i+1}, by which the products are divided.
	for m, det := range x {
		x[m] = complex(c.share(m), 0) / det
		exponent[m] = -exponent[m]
	}
	g.rightExponent = c.solution(true, x, exponent, func(y int, v []complex128) {
		row := g.right[y*2*half : (y+1)*2*half]
		for m, z := range v {
			row[m], row[half+m] = real(z), imag(z)
		}
	})
	return g
}

// moments returns the upper triangles of the means of B⁻¹ and zB⁻¹ over the points in the upper half plane (Width × Width).
func (c *contour) moments() (first, second []complex128) {
	w := c.b.width
	g := c.generators()
	half := g.half
	first, second = make([]complex128, w*w), make([]complex128, w*w)
	scaled := make([]float64, tile*2*half)
	sums := make([]float64, 4*tile*tile)
	for from := 0; from < w; from += tile {
		columns := min(tile, w-from)
		for top := 0; top <= from; top += tile {
			rows := min(tile, w-top)
			for m := range half {
				f := math.Ldexp(1, g.leftExponent[top/tile*half+m]+g.rightExponent[from/tile*half+m])
				for j := range columns {
					at := (from+j)*2*half + m
					scaled[j*2*half+m], scaled[j*2*half+half+m] = f*g.right[at], f*g.right[at+half]
				}
			}
			blas.Dgemm(gonumblas.NoTrans, gonumblas.Trans, 4*rows, columns, 2*half, 1, g.left[top*8*half:], 2*half, scaled, 2*half, 0, sums, tile)
			for i := range rows {
				for j := range columns {
					at := (top+i)*w + from + j
					first[at] = complex(sums[4*i*tile+j], sums[(4*i+1)*tile+j])
					second[at] = complex(sums[(4*i+2)*tile+j], sums[(4*i+3)*tile+j])
				}
			}
		}
	}
	return first, second
}

// contourMapping returns F from the least contour that resolves the waves. It returns false if that would take more points
// than a Schur form costs, as a wave next to a band edge hardly decays, or if F does not solve its equation: next to a Landau
// level, flat in k, B⁻¹ is large all along the contour and the square of that is lost.
func contourMapping(b *bands, right []mode) ([]complex128, bool) {
	w := b.width
	most := min(max(96, w*w/3), 1<<21/w) // the second bounds the memory
	tries := 2
	for count := 48; count <= most && tries > 0; count = count * 4 / 3 &^ 1 {
		c := newContour(b, right, count)
		if !c.resolves() {
			continue
		}
		if f, ok := c.mapping(); ok && b.solves(f) {
			return f, true
		}
		tries--
	}
	return nil, false
}

// mapping returns F, false if the leaving and decaying waves found are linearly dependent.
func (c *contour) mapping() ([]complex128, bool) {
	w := c.b.width
	first, second := c.moments()
	one, two := make([]complex128, w*w), make([]complex128, w*w)
	for i := range w { // M = A + JĀJ
		for j := range w {
			x, y := min(i, j), max(i, j)
			p, q := w-1-y, w-1-x
			one[i*w+j] = first[x*w+y] + cmplx.Conj(first[p*w+q])
			two[i*w+j] = second[x*w+y] + cmplx.Conj(second[p*w+q])
		}
	}
	for _, r := range c.right {
		lambda := cmplx.Rect(1, r.k)
		// Residues of the arriving mode, B⁻¹ ≈ uuᵀλ/(z − λ)·i/v with v = dμ/dk < 1e-3
		arriving := 1i / complex(r.velocity, 0) * c.weight(cmplx.Conj(lambda))
		for i := range w {
			f, g := arriving*complex(r.u[w-1-i], 0), 1i*complex(r.u[i], 0)
			for j := range w {
				x, y := f*complex(r.u[w-1-j], 0), g*complex(r.u[j], 0)
				one[i*w+j] += x + y
				two[i*w+j] += x*cmplx.Conj(lambda) + y*lambda
			}
		}
	}
	// F·M₀ = M₁ with symmetric M: M₀Fᵀ = M₁.
	if !solveInPlace(one, two, w, w) {
		return nil, false
	}
	transpose(two, w)
	return two, true
}

// solves tells whether −DF² + (e + H₁)F − D* vanishes, up to rounding, on a vector that has a part of every wave.
func (b *bands) solves(f []complex128) bool {
	w := b.width
	x := make([]complex128, w)
	for y := range x {
		x[y] = complex(probe(y), 0)
	}
	once := apply(f, x, w, w)
	twice := apply(f, once, w, w)
	size, defect := 0.0, 0.0
	for y, z := range once {
		r := complex(b.e, 0)*z - complex(b.cos[y], b.sin[y])*twice[y] - complex(b.cos[y], -b.sin[y])*x[y]
		if y > 0 {
			r -= once[y-1]
		}
		if y+1 < w {
			r -= once[y+1]
		}
		size, defect = max(size, sum1(z)), max(defect, sum1(r))
	}
	return defect <= 1e-15*float64(w)*(4+math.Abs(b.e))*max(size, 1)
}
