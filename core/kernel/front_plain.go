package kernel

import "sync/atomic"

// PlainFront is the portable implementation of Front in plain Go with four lanes: the oracle of the others. Its loops are
// the definition of each operation.
type PlainFront struct{}

var _ Front = PlainFront{}

func (PlainFront) Name() string { return "plain" }
func (PlainFront) Lanes() int   { return plainLanes }

func (PlainFront) Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int {
	s, replaced := m+b, 0
	for k := range m {
		if atomic.LoadInt32(stop) != 0 {
			return replaced
		}
		p := pivotAmong(m, s, k, u)
		pivots[k] = int32(p)
		if p != k {
			swapRows(s, u[k*s*2*plainLanes:], u[p*s*2*plainLanes:])
		}
		d := load(u, k*s+k)
		for v := range plainLanes {
			if size := d.re[v]*d.re[v] + d.im[v]*d.im[v]; !(size > tiny[v]*tiny[v]) {
				d.re[v], d.im[v] = 0, tiny[v]
				replaced++
			}
		}
		d = d.inverse()
		d.store(u, k*s+k)
		for i := k + 1; i < m; i++ {
			eliminateRow(k, s, s-k-1, &d, u, k, u, i*s+k, u, i*s+k+1)
		}
		for i := range b { // columns k+1 … m−1 lie in l, the others in c
			if atomic.LoadInt32(stop) != 0 {
				return replaced
			}
			eliminateRow(k, s, m-k-1, &d, u, k, l, i*m+k, l, i*m+k+1)
			f := load(l, i*m+k)
			subtractRow(b, &f, u, k*s+m, c, i*b)
		}
	}
	return replaced
}

// eliminateRow turns element at of row into the factor of pivot row k and subtracts n elements after the pivot.
func eliminateRow(k, s, n int, inverse *cvec, u []float64, column int, row []float64, at int, rest []float64, from int) {
	f := load(row, at)
	f.mul(inverse)
	f.store(row, at)
	subtractRow(n, &f, u, k*s+column+1, rest, from)
}

// subtractRow subtracts f times n elements of a from those of x.
func subtractRow(n int, f *cvec, a []float64, at int, x []float64, from int) {
	for j := range n {
		v, w := load(x, from+j), load(a, at+j)
		v.subMul(f, &w)
		v.store(x, from+j)
	}
}

func swapRows(n int, a, b []float64) {
	for j := range n {
		x, y := load(a, j), load(b, j)
		x.store(b, j)
		y.store(a, j)
	}
}

// pivotAmong returns the row of column k to take as pivot, by the rule of Kernel.Factor.
func pivotAmong(m, ld, k int, u []float64) int {
	var most [plainLanes]float64
	size := func(i, v int) float64 {
		x := load(u, i*ld+k)
		return x.re[v]*x.re[v] + x.im[v]*x.im[v]
	}
	fine := true
	for v := range plainLanes {
		for i := k; i < m; i++ {
			most[v] = max(most[v], size(i, v))
		}
		fine = fine && most[v] <= 16*size(k, v)
	}
	if fine {
		return k
	}
	best, value := k, -1.0
	for i := k; i < m; i++ {
		worst := 2.0
		for v := range plainLanes {
			ratio := 1.0
			if most[v] > 0 {
				ratio = size(i, v) / most[v]
			}
			worst = min(worst, ratio)
		}
		if worst > value {
			best, value = i, worst
		}
	}
	return best
}

func (PlainFront) Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64) {
	for i := range n {
		for j := range n {
			r, s := int(index[i]), int(index[j])
			switch {
			case r < m:
				addElement(u, r*(m+b)+s, update, i*n+j)
			case s < m:
				addElement(l, (r-m)*m+s, update, i*n+j)
			default:
				addElement(c, (r-m)*b+s-m, update, i*n+j)
			}
		}
	}
}

func addElement(out []float64, to int, in []float64, from int) {
	x, y := load(out, to), load(in, from)
	for v := range plainLanes {
		x.re[v] += y.re[v]
		x.im[v] += y.im[v]
	}
	x.store(out, to)
}

func (PlainFront) Collect(target []int32, in, out []float64) {
	for k, t := range target {
		addElement(out, int(t), in, k)
	}
}

func (PlainFront) Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	for k, p := range pivots[:m] {
		if int(p) != k {
			swapRows(n, x[k*n*2*plainLanes:], x[int(p)*n*2*plainLanes:])
		}
	}
	for i := range m {
		for k := range i {
			f := load(u, i*(m+b)+k)
			subtractRow(n, &f, x, k*n, x, i*n)
		}
	}
	for i := range b {
		for k := range m {
			f := load(l, i*m+k)
			subtractRow(n, &f, x, k*n, border, i*n)
		}
	}
}

func (PlainFront) Backward(m, b, n int, u, x, border []float64) {
	for i := m - 1; i >= 0; i-- {
		for k := i + 1; k < m+b; k++ {
			f := load(u, i*(m+b)+k)
			if k < m {
				subtractRow(n, &f, x, k*n, x, i*n)
			} else {
				subtractRow(n, &f, border, (k-m)*n, x, i*n)
			}
		}
		scaleRow(n, u, i*(m+b)+i, x, i*n)
	}
}

func scaleRow(n int, u []float64, at int, x []float64, from int) {
	d := load(u, at)
	for j := range n {
		v := load(x, from+j)
		v.mul(&d)
		v.store(x, from+j)
	}
}

func (PlainFront) ForwardT(m, b, n int, u, x, border []float64) {
	for i := range m + b {
		for k := range min(i, m) {
			f := load(u, k*(m+b)+i)
			if i < m {
				subtractRow(n, &f, x, k*n, x, i*n)
			} else {
				subtractRow(n, &f, x, k*n, border, (i-m)*n)
			}
		}
		if i < m {
			scaleRow(n, u, i*(m+b)+i, x, i*n)
		}
	}
}

func (PlainFront) BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64) {
	for i := m - 1; i >= 0; i-- {
		for k := range b {
			f := load(l, k*m+i)
			subtractRow(n, &f, border, k*n, x, i*n)
		}
		for k := i + 1; k < m; k++ {
			f := load(u, k*(m+b)+i)
			subtractRow(n, &f, x, k*n, x, i*n)
		}
	}
	for k := m - 1; k >= 0; k-- {
		if p := int(pivots[k]); p != k {
			swapRows(n, x[k*n*2*plainLanes:], x[p*n*2*plainLanes:])
		}
	}
}

func (PlainFront) Scatter(rows []int32, n int, in, out []float64) {
	for i, r := range rows {
		for j := range n {
			addElement(out, int(r)*n+j, in, i*n+j)
		}
	}
}

func (PlainFront) Residual(rows, cols []int32, a []float64, n int, x, r []float64) {
	for k := range rows {
		f := load(a, k)
		subtractRow(n, &f, x, int(cols[k])*n, r, int(rows[k])*n)
	}
}

func (PlainFront) Dot(rows, cols []int32, n int, chi, psi, out []float64) {
	sumProducts(1, rows, cols, n, chi, psi, out)
}

func (PlainFront) DotC(rows, cols []int32, n int, chi, psi, out []float64) {
	sumProducts(-1, rows, cols, n, chi, psi, out)
}

// sumProducts is Dot with the imaginary part of chi times sign.
func sumProducts(sign float64, rows, cols []int32, n int, chi, psi, out []float64) {
	for k := range rows {
		sum := load(out, k)
		for j := range n {
			a, b := load(chi, int(rows[k])*n+j), load(psi, int(cols[k])*n+j)
			for v := range plainLanes {
				a.im[v] *= sign
			}
			sum.addMul(&a, &b)
		}
		sum.store(out, k)
	}
}

func (PlainFront) Largest(r, n int, x, out []float64) {
	clear(out[:n*plainLanes])
	var poison [plainLanes]float64 // 0·v is NaN where v is no finite number
	for i := range r * n {
		v := load(x, i)
		for l := range plainLanes {
			poison[l] += 0*v.re[l] + 0*v.im[l]
			most := &out[i%n*plainLanes+l]
			*most = max(*most, v.re[l], -v.re[l], v.im[l], -v.im[l])
		}
	}
	for i := range out[:n*plainLanes] {
		out[i] += poison[i%plainLanes]
	}
}

func (PlainFront) Combine(r, n int, x, w, out []float64) {
	for i := range r {
		var sum cvec
		for j := range n {
			v := load(x, i*n+j)
			for l := range plainLanes {
				sum.re[l] += v.re[l] * w[j*plainLanes+l]
				sum.im[l] += v.im[l] * w[j*plainLanes+l]
			}
		}
		sum.store(out, i)
	}
}

func (PlainFront) Product(ni, nj, nk int, a, b, c []float64) {
	for i := range ni {
		for k := range nk {
			f := load(a, i*nk+k)
			subtractRow(nj, &f, b, k*nj, c, i*nj)
		}
	}
}
