package kernel

import "math"

// Plain is the portable implementation in plain Go with four lanes: the oracle of the others and the path on machines that
// have none of them. Its loops are the definition of each operation.
type Plain struct{}

const plainLanes = 4

var _ Kernel = Plain{}

func (Plain) Name() string { return "plain" }
func (Plain) Lanes() int   { return plainLanes }

// cvec is one complex element of a batch: a value per lane.
type cvec struct{ re, im [plainLanes]float64 }

func load(a []float64, at int) (v cvec) {
	s := a[at*2*plainLanes:][:2*plainLanes]
	copy(v.re[:], s)
	copy(v.im[:], s[plainLanes:])
	return v
}

func (v *cvec) store(a []float64, at int) {
	s := a[at*2*plainLanes:][:2*plainLanes]
	copy(s, v.re[:])
	copy(s[plainLanes:], v.im[:])
}

// addMul adds a·b.
func (v *cvec) addMul(a, b *cvec) {
	for l := range v.re {
		v.re[l] += a.re[l]*b.re[l] - a.im[l]*b.im[l]
		v.im[l] += a.re[l]*b.im[l] + a.im[l]*b.re[l]
	}
}

// subMul subtracts a·b.
func (v *cvec) subMul(a, b *cvec) {
	for l := range v.re {
		v.re[l] -= a.re[l]*b.re[l] - a.im[l]*b.im[l]
		v.im[l] -= a.re[l]*b.im[l] + a.im[l]*b.re[l]
	}
}

func (v *cvec) mul(b *cvec) {
	for l := range v.re {
		v.re[l], v.im[l] = v.re[l]*b.re[l]-v.im[l]*b.im[l], v.re[l]*b.im[l]+v.im[l]*b.re[l]
	}
}

func (v cvec) conjugate() cvec {
	for l := range v.im {
		v.im[l] = -v.im[l]
	}
	return v
}

// inverse returns 1/v by Smith's scaling, which neither overflows nor underflows where the quotient does not.
func (v *cvec) inverse() (r cvec) {
	for l := range v.re {
		z := 1 / complex(v.re[l], v.im[l])
		r.re[l], r.im[l] = real(z), imag(z)
	}
	return r
}

func (p Plain) Hop(w, ld, k int, h, e, cs, f, m, n []float64) {
	// a holds φ_{R−s}, b holds φ_{R−s+1} and takes φ_{R−s−1}, which is m in the end.
	a, b := m, n
	if k%2 == 0 {
		a, b = n, m
	}
	up := load(cs, 0)
	for y := range w {
		for j := range w {
			v := load(f, y*ld+j) // φ_{R−1} = −(D + f)
			for l := range v.re {
				switch j {
				case y:
					v.re[l] += e[l] - h[y]
				case y + 1:
					v.re[l] += up.re[l]
					v.im[l] += up.im[l]
				case y - 1:
					v.re[l] += up.re[l]
					v.im[l] -= up.im[l]
				}
				v.re[l], v.im[l] = -v.re[l], -v.im[l]
			}
			v.store(a, y*ld+j)
		}
	}
	if b != nil {
		p.identity(w, ld, b)
	}
	for s := 1; s < k; s++ {
		p.Recur(false, w, h[s*w:], e, cs[s*2*plainLanes:], w, ld, a, b, b)
		a, b = b, a
	}
}

func (Plain) identity(w, ld int, n []float64) {
	for i := range w {
		for j := range w {
			v := cvec{}
			if i == j {
				v.re = [plainLanes]float64{1, 1, 1, 1}
			}
			v.store(n, i*ld+j)
		}
	}
}

func (Plain) Recur(conj bool, w int, h, e, cs []float64, c, ldb int, b, prev, out []float64) {
	up := load(cs, 0)
	if conj {
		up = up.conjugate()
	}
	down := up.conjugate()
	for y := range w {
		for j := range c {
			sum, v := load(prev, y*ldb+j), load(b, y*ldb+j)
			for l := range sum.re {
				d := e[l] - h[y]
				sum.re[l] += d * v.re[l]
				sum.im[l] += d * v.im[l]
			}
			if y+1 < w {
				v = load(b, (y+1)*ldb+j)
				sum.addMul(&up, &v)
			}
			if y > 0 {
				v = load(b, (y-1)*ldb+j)
				sum.addMul(&down, &v)
			}
			for l := range sum.re {
				sum.re[l], sum.im[l] = -sum.re[l], -sum.im[l]
			}
			sum.store(out, y*ldb+j)
		}
	}
}

func (Plain) Factor(w, ld int, m []float64, piv []int32) {
	for j := range w {
		p := pivot(w, ld, j, m)
		piv[j] = int32(p)
		if p != j {
			for c := range w {
				a, b := load(m, j*ld+c), load(m, p*ld+c)
				a.store(m, p*ld+c)
				b.store(m, j*ld+c)
			}
		}
		d := load(m, j*ld+j)
		for l := range d.re {
			if d.re[l] == 0 && d.im[l] == 0 {
				d.re[l] = Tiny
			}
		}
		inv := d.inverse()
		inv.store(m, j*ld+j)
		for i := j + 1; i < w; i++ {
			f := load(m, i*ld+j)
			f.mul(&inv)
			f.store(m, i*ld+j)
			for c := j + 1; c < w; c++ {
				v, u := load(m, i*ld+c), load(m, j*ld+c)
				v.subMul(&f, &u)
				v.store(m, i*ld+c)
			}
		}
	}
}

// pivot chooses the pivot row of column j, see Kernel.Factor.
func pivot(w, ld, j int, m []float64) int {
	square := func(v cvec, l int) float64 { return v.re[l]*v.re[l] + v.im[l]*v.im[l] }
	var largest [plainLanes]float64
	for i := j; i < w; i++ {
		v := load(m, i*ld+j)
		for l := range largest {
			largest[l] = max(largest[l], square(v, l))
		}
	}
	worst := func(i int) float64 {
		v, r := load(m, i*ld+j), 1.0
		for l := range largest {
			if largest[l] > 0 {
				r = min(r, square(v, l)/largest[l])
			}
		}
		return r
	}
	best, at := worst(j), j
	if best*16 >= 1 {
		return j
	}
	for i := j + 1; i < w; i++ {
		if r := worst(i); r > best {
			best, at = r, i
		}
	}
	return at
}

func (p Plain) Invert(w, ld int, m []float64, piv []int32, n []float64) {
	p.identity(w, ld, n)
	p.Divide(w, ld, m, piv, n)
}

func (p Plain) Divide(w, ld int, m []float64, piv []int32, n []float64) {
	p.Factor(w, ld, m, piv)
	for i := range w {
		// x·U = n, column by column.
		for j := range w {
			x := load(n, i*ld+j)
			for k := range j {
				a, u := load(n, i*ld+k), load(m, k*ld+j)
				x.subMul(&a, &u)
			}
			inv := load(m, j*ld+j)
			x.mul(&inv)
			x.store(n, i*ld+j)
		}
		// z·L = x, from the last column.
		for j := w - 1; j >= 0; j-- {
			x := load(n, i*ld+j)
			for k := j + 1; k < w; k++ {
				a, l := load(n, i*ld+k), load(m, k*ld+j)
				x.subMul(&a, &l)
			}
			x.store(n, i*ld+j)
		}
		// n·m⁻¹ = z·P: the row exchanges of m, undone on columns in reverse order.
		for j := w - 1; j >= 0; j-- {
			if p := int(piv[j]); p != j {
				a, b := load(n, i*ld+j), load(n, i*ld+p)
				a.store(n, i*ld+p)
				b.store(n, i*ld+j)
			}
		}
	}
}

func (Plain) SolveLeft(w, ld int, m []float64, piv []int32, c, ldb int, b []float64) {
	for j := range c {
		for i := range w {
			if p := int(piv[i]); p != i {
				x, y := load(b, i*ldb+j), load(b, p*ldb+j)
				x.store(b, p*ldb+j)
				y.store(b, i*ldb+j)
			}
		}
		for i := range w {
			x := load(b, i*ldb+j)
			for k := range i {
				l, v := load(m, i*ld+k), load(b, k*ldb+j)
				x.subMul(&l, &v)
			}
			x.store(b, i*ldb+j)
		}
		for i := w - 1; i >= 0; i-- {
			x := load(b, i*ldb+j)
			for k := i + 1; k < w; k++ {
				u, v := load(m, i*ld+k), load(b, k*ldb+j)
				x.subMul(&u, &v)
			}
			inv := load(m, i*ld+i)
			x.mul(&inv)
			x.store(b, i*ldb+j)
		}
	}
}

func (Plain) SolveLeftT(w, ld int, m []float64, piv []int32, c, ldb int, b []float64) {
	for j := range c {
		for i := range w { // Uᵀ·x = b
			x := load(b, i*ldb+j)
			for k := range i {
				u, v := load(m, k*ld+i), load(b, k*ldb+j)
				x.subMul(&u, &v)
			}
			inv := load(m, i*ld+i)
			x.mul(&inv)
			x.store(b, i*ldb+j)
		}
		for i := w - 1; i >= 0; i-- { // Lᵀ·z = x
			x := load(b, i*ldb+j)
			for k := i + 1; k < w; k++ {
				l, v := load(m, k*ld+i), load(b, k*ldb+j)
				x.subMul(&l, &v)
			}
			x.store(b, i*ldb+j)
		}
		for i := w - 1; i >= 0; i-- { // Pᵀ·z
			if p := int(piv[i]); p != i {
				x, y := load(b, i*ldb+j), load(b, p*ldb+j)
				x.store(b, p*ldb+j)
				y.store(b, i*ldb+j)
			}
		}
	}
}

func (Plain) Mul(mode Mode, trans bool, w, ld int, a []float64, c, ldb int, b, out []float64) {
	for i := range w {
		for j := range c {
			var sum cvec
			for k := range w {
				at := i*ld + k
				if trans {
					at = k*ld + i
				}
				x, y := load(a, at), load(b, k*ldb+j)
				sum.addMul(&x, &y)
			}
			if mode != Set {
				old := load(out, i*ldb+j)
				for l := range sum.re {
					if mode == Sub {
						sum.re[l], sum.im[l] = -sum.re[l], -sum.im[l]
					}
					sum.re[l] += old.re[l]
					sum.im[l] += old.im[l]
				}
			}
			sum.store(out, i*ldb+j)
		}
	}
}

func (Plain) Check(conj bool, w int, h, e, cs []float64, c, ldb int, b, before, after, out, residual, largest []float64) {
	for y := range w {
		for j := range c {
			// One element of Recur, from its row and the rows beside it.
			at := y*ldb + j
			v := load(b, at)
			r := load(before, at)
			behind := load(after, at)
			up := load(cs, 0)
			for l := range r.re {
				d := e[l] - h[y]
				r.re[l] += d * v.re[l]
				r.im[l] += d * v.im[l]
			}
			if conj {
				up = up.conjugate()
			}
			if y+1 < w {
				x := load(b, at+ldb)
				r.addMul(&up, &x)
			}
			if y > 0 {
				x, down := load(b, at-ldb), up.conjugate()
				r.addMul(&down, &x)
			}
			for l := range r.re {
				r.re[l], r.im[l] = -r.re[l]-behind.re[l], -r.im[l]-behind.im[l]
			}
			if out != nil {
				r.store(out, at)
			}
			raise(residual, &r, &r)
			raise(largest, &v, &r)
		}
	}
}

// raise raises every lane of most to the size of v, and to +Inf where trap is not finite.
func raise(most []float64, v, trap *cvec) {
	for l := range v.re {
		x := math.Max(math.Abs(v.re[l]), math.Abs(v.im[l]))
		if sum := math.Abs(trap.re[l]) + math.Abs(trap.im[l]); !(sum <= math.MaxFloat64) {
			x = math.Inf(1)
		}
		most[l] = math.Max(most[l], x)
	}
}

func (Plain) Mix(w, c, ldb int, a, coef, out []float64) {
	for y := range w {
		for n := range c {
			var sum cvec
			for m := range c {
				p, q := load(a, y*ldb+m), load(coef, m*c+n)
				sum.addMul(&p, &q)
			}
			sum.store(out, y*ldb+n)
		}
	}
}

func (Plain) Gram(w, c, ldb int, a, b, out []float64) {
	for i := range c {
		for j := range c {
			var sum cvec
			for y := range w {
				p, q := load(a, y*ldb+i), load(b, y*ldb+j)
				p = p.conjugate()
				sum.addMul(&p, &q)
			}
			sum.store(out, i*c+j)
		}
	}
}

func (Plain) Density(w, c, ldb int, chi, psi, out []float64) {
	for y := range w {
		var sum cvec
		for n := range c {
			x, p := load(chi, y*ldb+n), load(psi, y*ldb+n)
			sum.addMul(&x, &p)
		}
		copy(out[y*plainLanes:], sum.re[:])
	}
}

func (Plain) Add(n int, factor float64, a, b, out []float64) {
	for i := range n * 2 * plainLanes {
		out[i] = a[i] + factor*b[i]
	}
}
