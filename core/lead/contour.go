package lead

import (
	"math"
	"math/cmplx"
	"slices"
)

// contour computes the waves of a chain that decay or leave from its Green's function in the infinite lead,
// G_x = (1/2πi)∮ z^{x−1} B(z)⁻¹ dz around them. B(z) = h − E + v/z + v†z is tridiagonal, so that a point of the contour costs W²
// operations where a Schur form takes 200·W³.
//
// In the mean over K points on |z| = ρ, z^K = ρ^K, a wave's residue has the weight 1/(1 − (λ/ρ)^K). The wanted waves may have
// any weight, the others none. Open modes are known: those that arrive are taken out, those that leave put in. A decaying wave
// is kept if |λ|^K ≪ ρ^K, and its growing partner 1/λ* has the weight (ρ|λ|)^K.
type contour struct {
	b     *bands
	count int // K, even
	rho   float64
	// cos and sin of arg z, z and 1/z for all points, or for mirrored bands those in the upper half plane, 0 … K/2, as
	// B(z*) = JB(z)*J.
	cos, sin   []float64
	z, inverse []complex128
}

const (
	// reach is −log ρ^K, and unresolved the sum of |λ/ρ|^K up to which decaying waves count as told from their partners: these
	// are left with less than exp(−2·reach)·unresolved, below rounding, and the contour stays clear of all of them.
	reach, unresolved = 16.0, 1e-3
	// tile is the number of rows over which the products below may grow unscaled.
	tile = 32
)

// moments finds the means M₀ and M₁ of B⁻¹ and zB⁻¹, [row][column], with enough points that accept takes them, finished or
// reversed as it needs them. It gives up if that would take more points than a Schur form costs: a wave next to a band edge
// hardly decays, and next to a Landau level, flat in k, B⁻¹ is large all along the contour and the square of that is lost.
func (b *bands) moments(accept func(c *contour, m means) bool) {
	w := b.width
	left := max(112, w*w/3) // points
	most := 1 << 21 / w     // for their memory
	for count := 48; count <= min(left, most) && !b.stop.now(); count = count * 4 / 3 &^ 1 {
		c := newContour(b, count)
		if !c.resolves() {
			continue
		}
		if accept(c, c.means()) {
			return
		}
		left -= count
	}
}

func newContour(b *bands, count int) *contour {
	points := count
	if b.mirrored {
		points = count/2 + 1
	}
	c := &contour{b: b, count: count, rho: math.Exp(-reach / float64(count)), cos: make([]float64, points), sin: make([]float64, points),
		z: make([]complex128, points), inverse: make([]complex128, points)}
	for m := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(m) / float64(count))
		c.sin[m], c.cos[m] = sin, cos
		c.z[m], c.inverse[m] = complex(c.rho*cos, c.rho*sin), complex(cos/c.rho, -sin/c.rho)
	}
	return c
}

// weight is that of a wave in the mean over the contour.
func (c *contour) weight(lambda complex128) complex128 {
	a := cmplx.Rect(math.Exp(reach+float64(c.count)*math.Log(cmplx.Abs(lambda))), float64(c.count)*cmplx.Phase(lambda))
	return 1 / (1 - a)
}

// share is the part of point m in the mean, and of its mirror image if bands are mirrored.
func (c *contour) share(m int) float64 {
	if c.b.mirrored && (m == 0 || m == c.count/2) {
		return 0.5 / float64(c.count)
	}
	return 1 / float64(c.count)
}

// diagonals sets d to B_yy(z) and dd, unless nil, to z·dB_yy/dz at all points.
func (c *contour) diagonals(y int, d, dd []complex128) {
	plus, minus := c.rho+1/c.rho, 1/c.rho-c.rho
	e, fr, fi := c.b.level[y], real(c.b.hop[y]), imag(c.b.hop[y])
	for m, ck := range c.cos {
		re, im := fr*ck+fi*c.sin[m], fi*ck-fr*c.sin[m] // f·exp(−ik)
		d[m] = complex(e+plus*re, minus*im)
		if dd != nil {
			dd[m] = complex(-minus*re, -plus*im)
		}
	}
}

// bonds sets o to B_{y,y+1}(z) and p to B_{y+1,y}(z) at all points.
func (c *contour) bonds(y int, o, p []complex128) {
	if y < 0 || y >= c.b.width-1 {
		for m := range o {
			o[m], p[m] = -1, -1
		}
		return
	}
	if c.b.bond == nil {
		for m := range o {
			o[m] = complex(c.b.beside[y], 0)
			p[m] = o[m]
		}
		return
	}
	right := c.b.bond[y]
	left := right.conjugate()
	for m := range o {
		o[m], p[m] = right.at(c.z[m], c.inverse[m]), left.at(c.z[m], c.inverse[m])
	}
}

// resolves tells whether the contour separates the decaying waves: the mean of z·d(log det B)/dz is the sum of the weights of
// all waves less the order of the pole of det B at 0. That is the number of decaying waves and of the modes that leave, by the
// symmetry of det B, so that minus the latter is left.
func (c *contour) resolves() bool {
	w, points := c.b.width, len(c.cos)
	buffer := make([]complex128, 10*points)
	row := func(i int) []complex128 { return buffer[i*points : (i+1)*points] }
	// The leading minors obey u_{y+1} = d_y u_y − q_{y−1} u_{y−1}, q the product of the two bonds.
	u, before, du, duBefore, d, dd, o, p, q, dq := row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7), row(8), row(9)
	for m := range u {
		u[m] = 1
	}
	for y := range w {
		c.diagonals(y, d, dd)
		for m, x := range u {
			before[m], duBefore[m] = d[m]*x-q[m]*before[m], d[m]*du[m]+dd[m]*x-q[m]*duBefore[m]-dq[m]*before[m]
		}
		u, before, du, duBefore = before, u, duBefore, du
		c.bonds(y, o, p)
		for m := range o {
			q[m] = o[m] * p[m]
		}
		if c.b.bond != nil && y < w-1 {
			right, left := c.b.bond[y].turned(), c.b.bond[y].conjugate().turned()
			for m := range o {
				dq[m] = right.at(c.z[m], c.inverse[m])*p[m] + o[m]*left.at(c.z[m], c.inverse[m])
			}
		}
		if y%tile == tile-1 {
			for m, x := range u {
				f := complex(math.Ldexp(1, -exponentOf(x)), 0)
				u[m], before[m], du[m], duBefore[m] = x*f, before[m]*f, du[m]*f, duBefore[m]*f
			}
		}
	}
	sum := 0.0
	for m, x := range u {
		sum += c.share(m) * real(du[m]/x)
	}
	for _, r := range c.b.right {
		sum -= real(c.weight(cmplx.Rect(1, r.k)))
	}
	leaving := float64(len(c.b.right))
	if c.b.mirrored {
		leaving /= 2 // each is the mirror image of one that arrives
	} else {
		for _, l := range c.b.left {
			sum -= real(c.weight(cmplx.Rect(1, l.k)))
		}
	}
	return math.Abs(sum+leaving) < unresolved
}

// inverse is 1/z for numbers of moderate size.
func inverse(z complex128) complex128 {
	f := 1 / (real(z)*real(z) + imag(z)*imag(z))
	return complex(real(z)*f, -imag(z)*f)
}

// exponentOf returns s where 2^−s takes z near 1.
func exponentOf(z complex128) int {
	if z == 0 {
		return 0
	}
	return math.Ilogb(sum1(z))
}

// solution runs the recursion of a wave over all sites at all points, from the first site with the value x there, or from the
// last, with the column of B in place of its row: x leaves as the value beyond the end. Every site's values are handed to row.
// Tiles are scaled by powers of two, the exponents of which are returned, [tile][point].
func (c *contour) solution(backward bool, x []complex128, exponent []int, row func(y int, x []complex128)) []int {
	w, points := c.b.width, len(c.cos)
	buffer := make([]complex128, 6*points)
	slice := func(i int) []complex128 { return buffer[i*points : (i+1)*points] }
	before, d, next, nextToo, last, lastToo := slice(0), slice(1), slice(2), slice(3), slice(4), slice(5)
	exponents := make([]int, (w+tile-1)/tile*points)
	for n := range w {
		y, bond := n, n
		if backward {
			y = w - 1 - n
			bond = y - 1
		}
		if n > 0 && (y%tile == 0 && !backward || y%tile == tile-1 && backward) {
			for m, z := range x {
				shift := exponentOf(z)
				f := complex(math.Ldexp(1, -shift), 0)
				x[m], before[m] = z*f, before[m]*f
				exponent[m] += shift
			}
		}
		copy(exponents[y/tile*points:], exponent)
		row(y, x)
		c.diagonals(y, d, nil)
		c.bonds(bond, next, nextToo)
		// Row y of Bx: lastToo·x_{y−1} + d·x_y + next·x_{y+1} = 0, and likewise column y of xᵀB.
		if c.b.bond == nil && 0 <= bond && bond < w-1 {
			scale := complex(-1/c.b.beside[bond], 0)
			for m, v := range x {
				before[m] = (d[m]*v + lastToo[m]*before[m]) * scale
			}
		} else {
			for m, v := range x {
				before[m] = -(d[m]*v + lastToo[m]*before[m]) * inverse(next[m])
			}
		}
		x, before = before, x
		next, nextToo, last, lastToo = last, lastToo, next, nextToo
	}
	if w%2 == 1 {
		copy(before, x) // x is what the caller holds
	}
	return exponents
}

// generators hold B⁻¹ at all points, (B⁻¹)_ij = φ_i χ_j for i ≤ j and χ_i g_i φ_j/g_j for i > j, where φ obeys the rows of B from the
// first site on, χ its columns from the last, and g_j is the product of B_{y+1,y}/B_{y,y+1} over y < j.
type generators struct {
	points int
	// left holds four rows of 2·points numbers for every site, (Re φ, −Im φ), (Im φ, Re φ) and the same of zφ; right one row
	// (Re χ, Im χ) for every site, so that dot products of their rows are real and imaginary parts of B⁻¹ and zB⁻¹.
	left, right []float64
	// leftExponent and rightExponent are the scales of the tiles, [tile][point].
	leftExponent, rightExponent []int
}

func newGenerators(w, points int) *generators {
	return &generators{points: points, left: make([]float64, w*8*points), right: make([]float64, w*2*points)}
}

func (g *generators) setLeft(y int, z, x []complex128) {
	n := g.points
	row := g.left[y*8*n : (y+1)*8*n]
	for m, v := range x {
		zv := z[m] * v
		row[m], row[n+m], row[2*n+m], row[3*n+m] = real(v), -imag(v), imag(v), real(v)
		row[4*n+m], row[5*n+m], row[6*n+m], row[7*n+m] = real(zv), -imag(zv), imag(zv), real(zv)
	}
}

func (g *generators) setRight(y int, x []complex128) {
	row := g.right[y*2*g.points : (y+1)*2*g.points]
	for m, v := range x {
		row[m], row[g.points+m] = real(v), imag(v)
	}
}

// generators returns those of the upper triangle and, where bonds depend on k, of the lower one: else B is symmetric.
func (c *contour) generators() (upper, lower *generators) {
	w, points := c.b.width, len(c.cos)
	upper = newGenerators(w, points)
	var g []complex128 // [site][point]
	if c.b.bond != nil {
		lower = newGenerators(w, points)
		g = c.gauge()
	}
	x, exponent, turned := make([]complex128, points), make([]int, points), make([]complex128, points)
	for m := range x {
		x[m] = 1
	}
	upper.leftExponent = c.solution(false, x, exponent, func(y int, v []complex128) {
		upper.setLeft(y, c.z, v)
		if lower != nil {
			for m, z := range v {
				turned[m] = z * inverse(g[y*points+m])
			}
			lower.setRight(y, turned)
		}
	})
	// With −1 for the bond beyond the last site, φ_W is the row left over: B^{-1}'s last column is φ/φ_W.
	for m, beyond := range x {
		x[m] = complex(c.share(m), 0) / beyond
		exponent[m] = -exponent[m]
	}
	upper.rightExponent = c.solution(true, x, exponent, func(y int, v []complex128) {
		upper.setRight(y, v)
		if lower != nil {
			for m, z := range v {
				turned[m] = z * g[y*points+m]
			}
			lower.setLeft(y, c.z, turned)
		}
	})
	if lower != nil {
		lower.leftExponent, lower.rightExponent = upper.rightExponent, upper.leftExponent
	}
	return upper, lower
}

// gauge returns g_j at all points, [site][point].
func (c *contour) gauge() []complex128 {
	w, points := c.b.width, len(c.cos)
	g := make([]complex128, w*points)
	o, p := make([]complex128, points), make([]complex128, points)
	for m := range points {
		g[m] = 1
	}
	for y := range w - 1 {
		c.bonds(y, o, p)
		for m := range points {
			g[(y+1)*points+m] = g[y*points+m] * p[m] * inverse(o[m])
		}
	}
	return g
}

// sums adds to first and second (Width × Width) the sums over the points of B⁻¹ and zB⁻¹ in the tile at (top, from).
func (g *generators) sums(w, top, from int, set func(i, j int, first, second complex128)) {
	n := g.points
	rows, columns := min(tile, w-top), min(tile, w-from)
	scaled := make([]float64, columns*2*n)
	for m := range n {
		f := math.Ldexp(1, g.leftExponent[top/tile*n+m]+g.rightExponent[from/tile*n+m])
		for j := range columns {
			at := (from+j)*2*n + m
			scaled[j*2*n+m], scaled[j*2*n+n+m] = f*g.right[at], f*g.right[at+n]
		}
	}
	sums := make([]float64, 4*rows*columns)
	products(g.left[top*8*n:], scaled, sums, 4*rows, columns, 2*n)
	for i := range rows {
		row := sums[4*i*columns : 4*(i+1)*columns]
		for j := range columns {
			set(top+i, from+j, complex(row[j], row[columns+j]), complex(row[2*columns+j], row[3*columns+j]))
		}
	}
}

// means are M₀ and M₁ (Width × Width).
type means struct{ first, second []complex128 }

// adjoint returns M† of both: for the lead that grows the other way B(z) is B(z̄)†, so that these are its means.
func (m means) adjoint(w int) means { return means{adjoint(m.first, w, w), adjoint(m.second, w, w)} }

// means returns those of B⁻¹ and zB⁻¹ over the contour.
func (c *contour) means() means {
	b, w := c.b, c.b.width
	upper, lower := c.generators()
	first, second := make([]complex128, w*w), make([]complex128, w*w)
	for from := 0; from < w; from += tile {
		for top := 0; top <= from && !b.stop.now(); top += tile {
			upper.sums(w, top, from, func(i, j int, x, y complex128) {
				if i <= j {
					first[i*w+j], second[i*w+j] = x, y
					if lower == nil {
						first[j*w+i], second[j*w+i] = x, y
					}
				}
			})
			if lower != nil {
				lower.sums(w, from, top, func(i, j int, x, y complex128) {
					if i > j {
						first[i*w+j], second[i*w+j] = x, y
					}
				})
			}
		}
	}
	if b.mirrored { // M = A + JĀJ
		for i := range (w*w + 1) / 2 {
			j := w*w - 1 - i
			first[i] += cmplx.Conj(first[j])
			second[i] += cmplx.Conj(second[j])
			first[j], second[j] = cmplx.Conj(first[i]), cmplx.Conj(second[i])
		}
	}
	return means{first, second}
}

// finish takes the modes that arrive out of the means and puts those in that leave, which makes them G₀ and G₁ but for the
// weights of the waves.
func (c *contour) finish(m means) (first, second []complex128) {
	b, w := c.b, c.b.width
	first, second = m.first, m.second
	// Residues are B⁻¹ ≈ (i/v)·ψψ†λ/(z − λ), v = dμ/dk; a wave that leaves may have any weight.
	var open openWaves
	for _, r := range b.right {
		u := b.wave(r)
		open.add(r, u, 1i)
		if b.mirrored {
			l := mode{k: -r.k, velocity: -r.velocity}
			v := slices.Clone(u)
			mirror(v)
			open.add(l, v, c.takenOut(l))
		}
	}
	for _, l := range b.left {
		open.add(l, b.wave(l), c.takenOut(l))
	}
	if len(open.lambda) == 0 {
		return first, second
	}
	g := open.generators(w)
	for from := 0; from < w; from += tile {
		for top := 0; top < w && !b.stop.now(); top += tile {
			g.sums(w, top, from, func(i, j int, x, y complex128) {
				first[i*w+j] += x
				second[i*w+j] += y
			})
		}
	}
	return first, second
}

// openWaves are the open modes u with the factors with which uu† enters M₀.
type openWaves struct{ lambda, weight, u []complex128 } // [wave], u [wave][site]

func (o *openWaves) add(m mode, u []complex128, weight complex128) {
	o.lambda, o.weight, o.u = append(o.lambda, cmplx.Rect(1, m.k)), append(o.weight, weight), append(o.u, u...)
}

// generators returns those of Σ weight·uu†, λ in the place of z.
func (o *openWaves) generators(w int) *generators {
	n := len(o.lambda)
	g := newGenerators(w, n)
	g.leftExponent = make([]int, (w+tile-1)/tile*n)
	g.rightExponent = g.leftExponent
	x, y := make([]complex128, n), make([]complex128, n)
	for i := range w {
		for m := range x {
			u := o.u[m*w+i]
			x[m], y[m] = o.weight[m]*u, cmplx.Conj(u)
		}
		g.setLeft(i, o.lambda, x)
		g.setRight(i, y)
	}
	return g
}

// takenOut is minus the factor with which ψψ† of an arriving mode enters M₀.
func (c *contour) takenOut(m mode) complex128 {
	return -1i / complex(m.velocity, 0) * c.weight(cmplx.Rect(1, m.k))
}

// wave returns the mode with the phases that bands leave out.
func (b *bands) wave(m mode) []complex128 {
	u := make([]complex128, b.width)
	phase, z := complex128(1), cmplx.Rect(1, m.k)
	for y, x := range m.u {
		u[y] = phase * complex(x, 0)
		if y < len(b.bond) {
			if o := b.bond[y].at(z, cmplx.Conj(z)); o != 0 {
				phase *= cmplx.Conj(o) / complex(cmplx.Abs(o), 0)
			}
		}
	}
	return u
}

// contourMapping returns F, false if a contour does not give it.
func contourMapping(b *uniform) (f []complex128, ok bool) {
	w := b.width
	b.moments(func(c *contour, m means) bool {
		first, second := c.finish(m)
		// F·M₀ = M₁ with symmetric M: M₀Fᵀ = M₁.
		if !solveInPlace(b.stop, first, second, w, w) {
			return false
		}
		transpose(second, w)
		f = second
		ok = b.solves(f)
		return ok
	})
	return f, ok
}

// solves tells whether −DF² + (e + H₁)F − D* vanishes, up to rounding, on a vector that has a part of every wave.
func (b *uniform) solves(f []complex128) bool {
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
