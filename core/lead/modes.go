package lead

import (
	"math"
	"math/cmplx"
	"sort"
)

// bands is the dispersion of a lead whose cells are chains, measured from the energy: μ_j(k) are the eigenvalues of the
// Hermitian tridiagonal matrix B(k) = h − E + v·exp(−ik) + v†·exp(ik), and open modes its zeros, μ_j(k) = 0. Phases beside the
// diagonal are left out, which takes B to a real symmetric matrix and a wave's site y to exp(iχ_y(k)) times that.
type bands struct {
	stop     *stop
	width    int
	mirrored bool         // B(−k) is B(k) mirrored
	level    []float64    // h_yy − E
	hop      []complex128 // v_yy
	bond     []bond       // between y and y+1, nil if they do not depend on k
	speed    float64      // bounds |dB/dk| and |d²B/dk²|
	budget   int          // intervals that the search may still look at

	k           float64   // last set
	diagonal    []float64 // of B at k
	slope       []float64 // ∂B/∂k there
	beside      []float64 // beside the diagonal
	square      []float64 // of that
	besideSlope []float64
	factor      tridiagonal
	vector      []float64
	// upper and lower are the inverse pivots of eliminations from the first and from the last site.
	upper, lower []float64
	right, left  []mode // left only where bands are not mirrored
}

// bond is B_{y,y+1}(z) = here + ahead/z + behind·z.
type bond struct{ here, ahead, behind complex128 }

func (b bond) at(z, inverse complex128) complex128 { return b.here + b.ahead*inverse + b.behind*z }

// conjugate is B_{y+1,y}(z).
func (b bond) conjugate() bond {
	return bond{cmplx.Conj(b.here), cmplx.Conj(b.behind), cmplx.Conj(b.ahead)}
}

// turned is z·d/dz of the bond.
func (b bond) turned() bond { return bond{0, -b.ahead, b.behind} }

// uniform is the dispersion of a uniform strip in units of the hopping, B(k) = diag(e − 2cos(k + θ_y)), −1 beside the diagonal,
// with e = (onsite − energy)/t and θ_y = 2φȳ. Since θ is odd in ȳ, B(−k) is B(k) mirrored in y, so k in [0, π] tells everything:
// a zero there with μ' < 0 is the mirror of a right-mover at −k.
type uniform struct {
	*bands
	e        float64
	cos, sin []float64 // of θ_y
}

// mode is an open mode: λ = exp(ik), velocity dμ/dk, u·u = 1.
type mode struct {
	k, velocity float64
	u           []float64
}

// resolution is the half width in k below which bands that nearly cross at zero are treated together.
const resolution = 1e-9

func newUniform(stop *stop, p Params) *uniform {
	w := p.Width
	b := &uniform{bands: newBands(stop, w), e: (p.Onsite - p.Energy) / p.Hopping, cos: make([]float64, w), sin: make([]float64, w)}
	b.mirrored, b.speed, b.budget = true, 2, math.MaxInt
	for y := range w {
		m := float64(2*y - (w - 1)) // 2ȳ, so that mirrored sites have opposite phases exactly
		theta := p.Field * m
		sin, cos := math.Sincos(theta)
		rest := math.FMA(p.Field, m, -theta) // rounding of the product, felt at large fields
		b.cos[y], b.sin[y] = cos-sin*rest, sin+cos*rest
		b.level[y], b.hop[y] = b.e, complex(-b.cos[y], b.sin[y])
	}
	for y := range b.beside {
		b.beside[y], b.square[y] = -1, 1
	}
	return b
}

// solve finds the right-movers, ordered by k.
func (b *uniform) solve() []mode {
	if math.Abs(b.e) > 4 {
		return nil // |2cos| + |2cos| ≤ 4 bounds the band
	}
	return b.bands.solve()
}

func newBands(stop *stop, w int) *bands {
	rows := make([]float64, 9*w)
	row := func() []float64 {
		r := rows[:w:w]
		rows = rows[w:]
		return r
	}
	return &bands{stop: stop, width: w, level: row(), hop: make([]complex128, w), diagonal: row(), slope: row(), beside: row()[:w-1],
		square: row()[:w-1], besideSlope: row()[:w-1], vector: row(), upper: row(), lower: row(), factor: newTridiagonal(w)}
}

// at sets k.
func (b *bands) at(k float64) {
	b.k = k
	sin, cos := math.Sincos(k)
	for y, f := range b.hop {
		b.diagonal[y] = b.level[y] + 2*(cos*real(f)+sin*imag(f))
		b.slope[y] = 2 * (cos*imag(f) - sin*real(f))
	}
	z := complex(cos, sin)
	for y, o := range b.bond {
		v := o.at(z, cmplx.Conj(z))
		d := 1i * o.turned().at(z, cmplx.Conj(z)) // d/dk = iz·d/dz
		square := max(real(v)*real(v)+imag(v)*imag(v), 1e-300)
		size := math.Sqrt(square)
		b.beside[y], b.square[y], b.besideSlope[y] = size, square, 0
		if size > 0 {
			b.besideSlope[y] = (real(v)*real(d) + imag(v)*imag(d)) / size
		}
	}
}

// below counts the eigenvalues of B under s: the negative terms of Sturm's sequence. A term that is zero counts as positive
// and makes the next one −∞, as it should.
func (b *bands) below(s float64) int {
	count, last := 0, 0.0 // what elimination of the site before subtracts
	for y, d := range b.diagonal {
		q := d - s - last
		count += int(math.Float64bits(q) >> 63)
		if y < len(b.square) {
			last = b.square[y] / q
		}
	}
	return count
}

// between counts the eigenvalues under low and under high, in one pass as the divisions of one sequence leave time for another.
func (b *bands) between(low, high float64) (below, under int) {
	lastLow, lastHigh := 0.0, 0.0
	for y, d := range b.diagonal {
		p, q := d-low-lastLow, d-high-lastHigh
		below += int(math.Float64bits(p) >> 63)
		under += int(math.Float64bits(q) >> 63)
		if y < len(b.square) {
			square := b.square[y]
			lastLow, lastHigh = square/p, square/q
		}
	}
	return below, under
}

// eigenpair returns an eigenvalue of B near shift to second order in their distance, its derivative by k to first order, the
// number of eigenvalues below shift, and leaves the unit vector in b.vector.
//
// With the pivots p of elimination from the first site and q of that from the last, u solves all rows of B − shift but row r,
// whose residual is γ_r = p_r + q_r − (d_r − shift) for u_r = 1: the least one tells where u is large, and shift + γ/u·u is
// its Rayleigh quotient (Dhillon's twisted factorization).
func (b *bands) eigenpair(shift float64) (value, slope float64, below int) {
	const tiny = 1e-60 // in place of pivots that vanish: cancels in what follows
	w := b.width
	inverseP, inverseQ := b.upper, b.lower
	p, q := 0.0, 0.0
	for y := range w {
		x := w - 1 - y
		p, q = b.diagonal[y]-shift-p, b.diagonal[x]-shift-q
		if p == 0 {
			p = tiny
		}
		if q == 0 {
			q = tiny
		}
		below += int(math.Float64bits(p) >> 63)
		inverseP[y], inverseQ[x] = 1/p, 1/q
		if y < w-1 {
			p, q = b.square[y]*inverseP[y], b.square[x-1]*inverseQ[x]
		}
	}
	r, least := 0, math.Inf(1)
	for y, d := range b.diagonal {
		gamma := d - shift
		if y > 0 {
			gamma -= b.square[y-1] * inverseP[y-1]
		}
		if y+1 < w {
			gamma -= b.square[y] * inverseQ[y+1]
		}
		if math.Abs(gamma) < math.Abs(least) {
			r, least = y, gamma
		}
	}
	u := b.vector
	u[r] = 1
	norm, tilt := 1.0, b.slope[r]
	for y := r - 1; y >= 0; y-- {
		u[y] = -b.beside[y] * u[y+1] * inverseP[y]
		norm, tilt = norm+u[y]*u[y], tilt+(b.slope[y]*u[y]+2*b.besideSlope[y]*u[y+1])*u[y]
	}
	for y := r + 1; y < w; y++ {
		u[y] = -b.beside[y-1] * u[y-1] * inverseQ[y]
		norm, tilt = norm+u[y]*u[y], tilt+(b.slope[y]*u[y]+2*b.besideSlope[y-1]*u[y-1])*u[y]
	}
	scale := 1 / math.Sqrt(norm)
	for y := range u {
		u[y] *= scale
	}
	return shift + least/norm, tilt / norm, below
}

// isolated returns the eigenvalue j and its derivative, where it alone lies in (low, high), away from the others.
func (b *bands) isolated(low, high float64, j int) (value, slope float64) {
	value = b.bisect(low, high, j)
	for range 3 {
		value, slope, _ = b.eigenpair(value)
	}
	return value, slope
}

// solve finds all open modes, ordered by k, and returns the right-movers.
func (b *bands) solve() []mode {
	parts, from, end := 16, 0.0, math.Pi
	if !b.mirrored {
		parts, end = 32, 2*math.Pi
		from = end * (0.6180339887 - 1) / float64(parts)
	}
	for i := range parts { // odd places: zeros at simple fractions of π never fall on the end of an interval
		to := end * (float64(i) + 0.6180339887) / float64(parts)
		b.search(from, to)
		from = to
	}
	if b.mirrored {
		b.search(from, end)
	}
	for _, side := range [][]mode{b.right, b.left} {
		sort.Slice(side, func(i, j int) bool { return side[i].k < side[j].k })
	}
	return b.right
}

// search adds the zeros in [from, to]. As |μ'| ≤ s, the speed, only bands within sh of zero at the middle can have one (h is
// half the width). A band at least g away from all others over the whole interval has |μ”| ≤ c = s + 2s²/g by perturbation
// theory, so it has no zero if |μ| > (|μ'| + ch)h at the middle and is monotonic if |μ'| > ch. It is analytic in a disc of
// radius log(1 + g/2s) around k, as μ moves by less than g/2 there: over a small part of that its slope is resolved by
// samples. Else the interval is halved.
func (b *bands) search(from, to float64) {
	if b.budget--; b.budget < 0 || b.stop.now() {
		return
	}
	k, h := (from+to)/2, (to-from)/2
	reach := b.speed * h
	b.at(k)
	low, high := b.between(-reach, reach)
	if low == high {
		return
	}
	if h < resolution {
		b.close(h)
		return
	}
	if high == low+1 {
		if gap := b.isolation(reach, low); gap > 0 {
			value, slope := b.isolated(-reach, reach, low)
			c := b.speed + 2*b.speed*b.speed/gap
			if math.Abs(value) > (math.Abs(slope)+c*h)*h {
				return
			}
			if math.Abs(slope) > c*h {
				b.crossing(from, to, low)
				return
			}
			if h < math.Log1p(gap/(2*b.speed))/8 {
				b.sampled(from, to, low)
				return
			}
		}
	}
	b.search(from, k)
	b.search(k, to)
}

// close adds the zeros within h of the k last set, where several bands come near zero together: states at opposite edges
// of a wide strip, whose bands cross but for a gap too small to see. At k = 0 and k = π such a pair is its own mirror, so
// that the whole pair lies at one end and its right-mover alone tells everything.
func (b *bands) close(h float64) {
	k, reach := b.k, 8*b.speed*h
	for _, end := range []float64{0, math.Pi} {
		if b.mirrored && math.Abs(k-end) <= 1.5*h {
			b.at(end)
			if below, under := b.between(-reach, reach); under-below == 2 {
				if d, slope, u, ok := b.nearest(true); ok && math.Abs(d) <= 2*h {
					b.add(end+d, slope, u)
				}
				return
			}
			b.at(k)
		}
	}
	low, high := b.between(-reach, reach)
	if high-low != 2 {
		for j := low; j < high; j++ {
			b.crossing(k-h, k+h, j)
		}
		return
	}
	for _, rising := range []bool{false, true} {
		b.at(k)
		if d, slope, u, ok := b.nearest(rising); ok && -h <= d && d < h {
			b.add(k+d, slope, u)
		}
	}
}

// nearest returns the zero of the rising or falling one of the two bands next to zero: its distance d from the k last set,
// the slope and the vector there; ok is false if the bands do not cross.
func (b *bands) nearest(rising bool) (d, slope float64, u []float64, ok bool) {
	start := b.k
	for range 3 { // the model is exact but for terms of second order in its step
		var step float64
		step, slope, u, ok = b.twoBands(rising)
		if !ok {
			return 0, 0, nil, false
		}
		d += step
		b.at(start + d)
	}
	return d, slope, u, true
}

// twoBands solves B ≈ M + δk·V in the space of the two bands next to zero, with V = diag(v₁, v₂), v₁ > 0 > v₂, and
// M = [[m₁, g], [g, m₂]]: zeros at δk = −(m₁/v₁ + m₂/v₂)/2 ± √((m₁/v₁ − m₂/v₂)²/4 + g²/(v₁v₂)), and −m₁/v₁ and −m₂/v₂
// where g is no more than rounding.
func (b *bands) twoBands(rising bool) (d, slope float64, u []float64, ok bool) {
	u, w := b.pair()
	v11, v12, v22 := b.form(b.slope, b.besideSlope, u, u), b.form(b.slope, b.besideSlope, u, w), b.form(b.slope, b.besideSlope, w, w)
	sin, cos := math.Sincos(math.Atan2(2*v12, v11-v22) / 2)
	turn(u, w, cos, sin) // V is diagonal, v₁ ≥ v₂
	if !rising {
		u, w = w, u
	}
	v1, v2 := b.form(b.slope, b.besideSlope, u, u), b.form(b.slope, b.besideSlope, w, w)
	if v1*v2 >= 0 {
		return 0, 0, nil, false
	}
	m1, m2, g := b.form(b.diagonal, b.beside, u, u), b.form(b.diagonal, b.beside, w, w), b.form(b.diagonal, b.beside, u, w)
	d1, d2 := -m1/v1, -m2/v2
	d = d1
	if math.Abs(g) > 1e-14 {
		square := (d1-d2)*(d1-d2)/4 + g*g/(v1*v2)
		if square < 0 {
			return 0, 0, nil, false // in the gap
		}
		d = (d1+d2)/2 + math.Copysign(math.Sqrt(square), d1-d2)
		sin, cos = math.Sincos(math.Atan2(-g, m2+d*v2)) // the null vector of M + δk·V is (m₂ + δk·v₂, −g)
		turn(u, w, cos, sin)
	}
	return d, b.form(b.slope, b.besideSlope, u, u), u, true
}

// pair returns orthonormal vectors of the two eigenvalues of B next to zero, by inverse iteration.
func (b *bands) pair() (u, w []float64) {
	b.factor.set(b.diagonal, b.beside)
	u, w = make([]float64, b.width), make([]float64, b.width)
	for y := range u {
		u[y], w[y] = probe(y), math.Cos(float64(3*y*y))
	}
	for range 6 {
		b.factor.solve(u)
		normalize(u)
		b.factor.solve(w)
		normalize(w)
		for range 2 {
			overlap := 0.0
			for y := range u {
				overlap += u[y] * w[y]
			}
			for y := range u {
				w[y] -= overlap * u[y]
			}
			normalize(w)
		}
	}
	return u, w
}

// probe is a vector that overlaps with every mode, whatever its symmetry.
func probe(y int) float64 { return 1 + 0.5*math.Sin(float64(y*y+1)) }

// turn replaces (u, w) by (cos·u + sin·w, cos·w − sin·u).
func turn(u, w []float64, cos, sin float64) {
	for i, x := range u {
		u[i], w[i] = cos*x+sin*w[i], cos*w[i]-sin*x
	}
}

// form returns u†Aw for the symmetric tridiagonal matrix A with the given diagonal and the numbers beside it.
func (b *bands) form(diagonal, beside, u, w []float64) float64 {
	sum := 0.0
	for y, d := range diagonal {
		sum += d * u[y] * w[y]
		if y > 0 {
			sum += beside[y-1] * (u[y]*w[y-1] + u[y-1]*w[y])
		}
	}
	return sum
}

// sampled adds the zeros of the isolated band j in [from, to], cut at its extrema into monotonic pieces: the sign of the
// slope is sampled, its changes bisected.
func (b *bands) sampled(from, to float64, j int) {
	const parts = 4
	reach := b.speed / 2 * (to - from)
	rising := func(k float64) bool {
		b.at(k)
		_, slope := b.isolated(-2*reach, 2*reach, j)
		return slope > 0
	}
	start, left := from, rising(from)
	for i := range parts {
		low, high := from+(to-from)*float64(i)/parts, from+(to-from)*float64(i+1)/parts
		right := rising(high)
		if left != right {
			for high-low > 1e-10 {
				if middle := (low + high) / 2; rising(middle) == left {
					low = middle
				} else {
					high = middle
				}
			}
			extremum := (low + high) / 2 // within 1e-10, where μ is extremal to its rounding
			b.crossing(start, extremum, j)
			start = extremum
		}
		left = right
	}
	b.crossing(start, to, j)
}

// isolation returns a lower bound of the distance of band j, within reach of zero, from the other bands over the whole
// interval (every band moves by at most reach), 0 if there is none worth having.
func (b *bands) isolation(reach float64, j int) float64 {
	gap := 0.0
	for g := 4 * reach; g < 4*b.speed; g *= 4 {
		if below, under := b.between(-g, g); below != j || under != j+1 {
			break
		}
		gap = g - 3*reach
	}
	return gap
}

// bisect narrows eigenvalue j, known to lie in (low, high), to 1/81 of it.
func (b *bands) bisect(low, high float64, j int) float64 {
	for range 4 {
		third := (high - low) / 3
		below, under := b.between(low+third, high-third)
		switch {
		case below > j:
			high = low + third
		case under <= j:
			low = high - third
		default:
			low, high = low+third, high-third
		}
	}
	return (low + high) / 2
}

// crossing adds the zero of band j in [from, to] if its signs at the ends differ.
func (b *bands) crossing(from, to float64, j int) {
	negative := func(k float64) bool { b.at(k); return b.below(0) > j }
	rising := negative(from)
	if rising == negative(to) {
		return
	}
	low, high := from, to
	k, last := (low+high)/2, math.Inf(1)
	for step := range 60 {
		// Newton with μ' = u†B'u by Hellmann and Feynman; at a zero, no shift is needed.
		b.at(k)
		value, slope, below := b.eigenpair(0)
		if below > j == rising {
			low = k
		} else {
			high = k
		}
		next := k - value/slope
		if !(next >= low && next <= high) || step%8 == 7 { // now and then in case another band was followed
			k, last = (low+high)/2, math.Inf(1)
			continue
		}
		change := math.Abs(next - k)
		k = next
		if change <= 4e-16 || change < 1e-6 && change >= last {
			break
		}
		last = change
	}
	b.at(k)
	_, slope, _ := b.eigenpair(0)
	b.add(k, slope, append([]float64(nil), b.vector...))
}

// add adds the mode at k, of mirrored bands its mirror image if that moves right.
func (b *bands) add(k, slope float64, u []float64) {
	switch {
	case slope >= 0:
		b.right = append(b.right, mode{k: k, velocity: slope, u: u})
	case b.mirrored:
		mirror(u)
		b.right = append(b.right, mode{k: -k, velocity: -slope, u: u})
	default:
		b.left = append(b.left, mode{k: k, velocity: slope, u: u})
	}
}

// mirror reverses the order of v.
func mirror[T any](v []T) {
	for i, j := 0, len(v)-1; i < j; i, j = i+1, j-1 {
		v[i], v[j] = v[j], v[i]
	}
}

func normalize(v []float64) {
	largest := 0.0
	for _, x := range v {
		largest = max(largest, math.Abs(x))
	}
	sum := 0.0
	for i := range v {
		v[i] /= largest
		sum += v[i] * v[i]
	}
	scale := 1 / math.Sqrt(sum)
	for i := range v {
		v[i] *= scale
	}
}

// tridiagonal is the LU factorization with partial pivoting of a symmetric tridiagonal matrix: upper rows (p, q, r),
// multiplier m, and whether the row was swapped with the next.
type tridiagonal struct {
	p, q, r, m []float64
	swapped    []bool
}

func newTridiagonal(n int) tridiagonal {
	return tridiagonal{p: make([]float64, n), q: make([]float64, n), r: make([]float64, n), m: make([]float64, n), swapped: make([]bool, n)}
}

// set factors the matrix with the diagonal d and the numbers o beside it; a pivot of zero becomes as small as inverse iteration
// likes it.
func (f *tridiagonal) set(d, o []float64) {
	const tiny = 1e-60 // may be divided by several times
	n := len(d)
	right := func(i int) float64 { // beside row i
		if i < n-1 {
			return o[i]
		}
		return 0
	}
	a, b := d[0], right(0) // the current row: diagonal and right neighbour
	for i := range n - 1 {
		if f.swapped[i] = math.Abs(a) < math.Abs(o[i]); f.swapped[i] {
			f.p[i], f.q[i], f.r[i] = o[i], d[i+1], right(i+1)
			f.m[i] = a / o[i]
			a, b = b-f.m[i]*d[i+1], -f.m[i]*right(i+1)
			continue
		}
		if a == 0 {
			a = tiny
		}
		f.p[i], f.q[i], f.r[i] = a, b, 0
		f.m[i] = o[i] / a
		a, b = d[i+1]-f.m[i]*b, right(i+1)
	}
	if a == 0 {
		a = tiny
	}
	f.p[n-1] = a
}

// solve replaces v by the solution.
func (f *tridiagonal) solve(v []float64) {
	n := len(v)
	for i := range n - 1 {
		if f.swapped[i] {
			v[i], v[i+1] = v[i+1], v[i]
		}
		v[i+1] -= f.m[i] * v[i]
	}
	v[n-1] /= f.p[n-1]
	if n > 1 {
		v[n-2] = (v[n-2] - f.q[n-2]*v[n-1]) / f.p[n-2]
	}
	for i := n - 3; i >= 0; i-- {
		v[i] = (v[i] - f.q[i]*v[i+1] - f.r[i]*v[i+2]) / f.p[i]
	}
}
