package lead

import (
	"math"
	"math/cmplx"
	"sort"
)

// chain is a cell whose orbitals, with those of its neighbours laid over them, form a chain: strips of any potential and
// hopping, zigzag ribbons. Its open modes come from bands, the decaying waves from a contour.
type chain struct {
	*bands
	cell  *Cell
	unit  float64 // of energies in bands
	order []int   // orbital at every site
	// Where bonds do not depend on k, site y of a wave is phase[y] times what bands know, and λ is turn times theirs.
	phase []complex128
	turn  complex128
}

// slowest is the least velocity, in units of the hopping, that is left to bands: k is known to rounding over the velocity, and
// the flux to that over the velocity again.
const slowest = 0.03

// newChain returns nil if the cell is none.
func newChain(stop *stop, c *Cell) *chain {
	order := c.path()
	if order == nil {
		return nil
	}
	n, m := c.Orbitals, c.Interface
	hopping := func(i, j int) complex128 { // v at two sites
		if i, j = order[i], order[j]; j < m {
			return c.Hopping[i*m+j]
		}
		return 0
	}
	rows, columns := 0.0, 0.0 // |v|² is at most the product of the largest sums
	for i := range n {
		row, column := 0.0, 0.0
		for j := range n {
			row, column = row+cmplx.Abs(hopping(i, j)), column+cmplx.Abs(hopping(j, i))
		}
		rows, columns = max(rows, row), max(columns, column)
	}
	ch := &chain{bands: newBands(stop, n), cell: c, unit: math.Sqrt(rows * columns), order: order, phase: make([]complex128, n), turn: 1}
	if ch.unit == 0 {
		return nil
	}
	ch.speed, ch.budget = 2, 4000
	unit := complex(ch.unit, 0)
	bonds, rigid := make([]bond, n-1), true
	for y := range n {
		ch.phase[y] = 1
		i := order[y]
		ch.level[y] = (real(c.Hamiltonian[i*n+i]) - c.Energy) / ch.unit
		ch.hop[y] = hopping(y, y) / unit
		if y+1 < n {
			bonds[y] = bond{c.Hamiltonian[i*n+order[y+1]] / unit, hopping(y, y+1) / unit, cmplx.Conj(hopping(y+1, y)) / unit}
			rigid = rigid && bonds[y].ahead == 0 && bonds[y].behind == 0
		}
	}
	if !rigid {
		ch.bond = bonds
		return ch
	}
	for y, o := range bonds {
		size := cmplx.Abs(o.here)
		ch.beside[y], ch.square[y] = size, size*size
		ch.phase[y+1] = ch.phase[y] * cmplx.Conj(o.here) / complex(size, 0)
	}
	ch.mirror()
	return ch
}

// mirror looks for a phase of λ that makes B(−k) the mirror image of B(k), as for a field in a symmetric strip, wherever its
// vector potential vanishes: then v_yy at mirrored sites are complex conjugate.
func (ch *chain) mirror() {
	const rounding = 16 * epsilon
	n := ch.width
	turn := cmplx.Sqrt(ch.hop[0] * ch.hop[n-1])
	if turn == 0 {
		return
	}
	turn /= complex(cmplx.Abs(turn), 0)
	turned := make([]complex128, n)
	for y := range n {
		z := n - 1 - y
		f, g := ch.hop[y]*cmplx.Conj(turn), cmplx.Conj(ch.hop[z])*turn
		if math.Abs(ch.level[y]-ch.level[z]) > rounding || sum1(f-g) > rounding || y < n-1 && math.Abs(ch.beside[y]-ch.beside[z-1]) > rounding {
			return
		}
		turned[y] = (f + g) / 2
	}
	ch.turn, ch.hop, ch.mirrored = turn, turned, true
}

// path returns the orbitals along the chain that they form, from the end with the lesser number, nil if they form none.
func (c *Cell) path() []int {
	n := c.Orbitals
	neighbours := make([][2]int, n)
	degree := make([]int, n)
	for i := range n {
		for j := range n {
			if i == j || !c.coupled(i, j) {
				continue
			}
			if degree[i] == 2 {
				return nil
			}
			neighbours[i][degree[i]] = j
			degree[i]++
		}
	}
	start := 0
	for start < n && degree[start] == 2 {
		start++
	}
	if start == n {
		return nil // a closed chain
	}
	order := []int{start}
	for last, at := -1, start; ; {
		next := -1
		for _, j := range neighbours[at][:degree[at]] {
			if j != last {
				next = j
			}
		}
		if next < 0 {
			break
		}
		last, at = at, next
		order = append(order, at)
	}
	if len(order) < n {
		return nil
	}
	return order
}

// coupled tells whether orbitals i and j of the same or of neighbouring cells are coupled.
func (c *Cell) coupled(i, j int) bool {
	n, m := c.Orbitals, c.Interface
	return c.Hamiltonian[i*n+j] != 0 || c.Hamiltonian[j*n+i] != 0 || j < m && c.Hopping[i*m+j] != 0 || i < m && c.Hopping[j*m+i] != 0
}

// solve returns the modes and, unless it is nil, those of the reverse; nil if the contour or the search for open modes does not
// lead to them.
func (ch *chain) solve(back *reversed) (modes, backward *Modes) {
	ch.bands.solve()
	left := ch.leftModes()
	if ch.budget < 0 || len(ch.right) != len(left) {
		return nil, nil
	}
	b := &bloch{stop: ch.stop, cell: ch.cell}
	b.factorHopping()
	in, out := ch.openModes(b, left), ch.openModes(b, ch.right)
	if in == nil || out == nil {
		return nil, nil
	}
	ch.moments(func(c *contour, m means) bool {
		if back != nil { // first, since finish overwrites the means
			turned := ch.reversed(back)
			backward = turned.modes(back.bloch(b), newContour(turned.bands, c.count), m.adjoint(ch.width), back.modes(out), back.modes(in))
			if backward == nil {
				return false
			}
		}
		modes = ch.modes(b, c, m, in, out)
		return modes != nil
	})
	return modes, backward
}

// modes returns the result of a contour, nil if it is not accurate.
func (ch *chain) modes(b *bloch, c *contour, m means, in, out []openMode) *Modes {
	first, second := c.finish(m)
	at, bt := ch.leaving(b, first, second)
	modes, err := b.modes(at, bt, in, out)
	if err != nil || !ch.satisfied(b, first, second, modes) {
		return nil
	}
	return modes
}

// leftModes returns those that arrive.
func (b *bands) leftModes() []mode {
	if !b.mirrored {
		return b.left
	}
	var left []mode
	for _, r := range b.right {
		u := append([]float64(nil), r.u...)
		mirror(u)
		left = append(left, mode{k: -r.k, velocity: -r.velocity, u: u})
	}
	return left
}

// reversed returns the chain of the lead that grows the other way, with its open modes: B(k) of one is B(−k) of the other.
func (ch *chain) reversed(back *reversed) *chain {
	turned := func(modes []mode) []mode {
		var list []mode
		for _, m := range modes {
			list = append(list, mode{k: -m.k, velocity: -m.velocity, u: m.u})
		}
		return list
	}
	b := newBands(ch.stop, ch.width)
	b.mirrored, b.right = ch.mirrored, turned(ch.leftModes())
	if !b.mirrored {
		b.left = turned(ch.right)
	}
	copy(b.level, ch.level)
	copy(b.beside, ch.beside)
	for y, z := range ch.hop {
		b.hop[y] = cmplx.Conj(z)
	}
	for _, o := range ch.bond {
		b.bond = append(b.bond, bond{o.here, o.behind, o.ahead})
	}
	place := placesIn(back.order)
	r := &chain{bands: b, cell: back.Cell, unit: ch.unit, order: make([]int, ch.width), phase: ch.phase, turn: cmplx.Conj(ch.turn)}
	for y, i := range ch.order {
		r.order[y] = place[i]
	}
	return r
}

// openModes returns the modes of one direction with unit flux, nil if one is too slow.
func (ch *chain) openModes(b *bloch, modes []mode) []openMode {
	n, r := b.cell.Orbitals, b.rank
	coupled := make([][]int, n) // numbers at the cut to which an orbital contributes
	for i := range n {
		for l := range r {
			if b.u[i*r+l] != 0 || b.w[i*r+l] != 0 {
				coupled[i] = append(coupled[i], l)
			}
		}
	}
	open := make([]openMode, len(modes))
	for i, m := range modes {
		if math.Abs(m.velocity) < slowest {
			return nil
		}
		lambda := ch.turn * cmplx.Rect(1, m.k)
		o := openMode{lambda: lambda, k: cmplx.Phase(lambda), velocity: m.velocity * ch.unit, wave: make(wave, 2*r), psi: make([]complex128, n)}
		norm := complex(1/math.Sqrt(math.Abs(o.velocity)), 0)
		for y, x := range ch.wave(m) {
			o.psi[ch.order[y]] = norm * ch.phase[y] * x
		}
		for i, x := range o.psi {
			for _, l := range coupled[i] {
				u, w := b.u[i*r+l], b.w[i*r+l]
				a, b := cmplx.Conj(u)*x, cmplx.Conj(w)*x*lambda
				o.wave[l] += a + 1i*b
				o.wave[r+l] += a - 1i*b
			}
		}
		open[i] = o
	}
	b.repairFlux(open)
	sort.SliceStable(open, func(i, j int) bool { return before(&open[i], &open[j]) })
	return open
}

// leaving returns a₋₁ and b₀ (rank × rank, a wave in a row) of independent solutions that decay or leave: G₀ and G₁ from a
// source in some orbital.
func (ch *chain) leaving(b *bloch, first, second []complex128) (at, bt []complex128) {
	n, r := ch.width, b.rank
	a, bs := ch.amplitudes(b.u, r, first), ch.amplitudes(b.w, r, second)
	for i := range bs {
		bs[i] *= ch.turn
	}
	transposed := make([]complex128, n*r)
	for j := range n {
		for l := range r {
			transposed[j*r+l] = a[l*n+j]
		}
	}
	for _, j := range independentRows(ch.stop, transposed, n, r) {
		for l := range r {
			at, bt = append(at, a[l*n+j]), append(bt, bs[l*n+j])
		}
	}
	return at, bt
}

// amplitudes returns u†ψ for the columns ψ of m, given by sites.
func (ch *chain) amplitudes(u []complex128, r int, m []complex128) []complex128 {
	n := ch.width
	a := make([]complex128, r*n)
	for y, i := range ch.order {
		for l := range r {
			if f := cmplx.Conj(u[i*r+l]) * ch.phase[y]; f != 0 {
				axpy(f, m[y*n:(y+1)*n], a[l*n:(l+1)*n])
			}
		}
	}
	return a
}

// independentRows returns the places of r rows of a (n × r) that span the others well, by elimination with row pivoting.
func independentRows(s *stop, a []complex128, n, r int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	if n > r {
		a = append([]complex128(nil), a...)
		for k := 0; k < r && !s.now(); k++ {
			pivot := k
			for i := k; i < n; i++ {
				if sum1(a[i*r+k]) > sum1(a[pivot*r+k]) {
					pivot = i
				}
			}
			rows[k], rows[pivot] = rows[pivot], rows[k]
			swap(a[k*r:(k+1)*r], a[pivot*r:(pivot+1)*r])
			inverse := 1 / a[k*r+k]
			for i := k + 1; i < n; i++ {
				axpy(-a[i*r+k]*inverse, a[k*r+k:(k+1)*r], a[i*r+k:(i+1)*r])
			}
		}
	}
	return rows[:r]
}

// satisfied tells whether (E − h)ψ₀ = v·ψ₋₁ + Σ·ψ₀ up to rounding for a solution that has a part of every wave that decays or
// leaves, with the Σ found.
func (ch *chain) satisfied(b *bloch, first, second []complex128, modes *Modes) bool {
	n, m := ch.width, ch.cell.Interface
	x := make([]complex128, n)
	for y := range x {
		x[y] = complex(probe(y), 0)
	}
	before, here := make([]complex128, n), make([]complex128, n)
	for y, i := range ch.order {
		before[i] = ch.phase[y] * apply(first[y*n:(y+1)*n], x, 1, n)[0]
		here[i] = ch.turn * ch.phase[y] * apply(second[y*n:(y+1)*n], x, 1, n)[0]
	}
	left := apply(ch.cell.Hamiltonian, here, n, n)
	source := apply(ch.cell.Hopping, before, n, m)
	sigma := apply(modes.SelfEnergy, here, m, m)
	size, defect := 0.0, 0.0
	for i, z := range here {
		r := complex(ch.cell.Energy, 0)*z - left[i] - source[i]
		if i < m {
			r -= sigma[i]
		}
		size, defect = max(size, sum1(z), sum1(before[i])), max(defect, sum1(r))
	}
	return defect <= 1e-15*float64(n)*b.scale()*max(size, 1)
}
