package lead

import (
	"math"
	"math/cmplx"
	"sort"

	"mcd/core/fault"
)

// bloch solves the lead of a Cell for its Bloch waves ψ_{n+1} = λψ_n.
//
// With the hopping factored as v = wu† (singular values shared evenly, zeros dropped: rank r), a cell couples to its
// neighbours through r numbers on either side,
//
//	(E − h)ψ_n = w·a_{n−1} + u·b_{n+1},   a_n = u†ψ_n,   b_n = w†ψ_n.
//
// In the amplitudes p = a_{n−1} + ib_n and q = a_{n−1} − ib_n, which run right and left through the cut between the cells
// n−1 and n (their flux is (|p|² − |q|²)/2), a cell is a scatterer with the unitary matrix
//
//	[q; p′] = [[ρ, τ′], [τ, ρ′]] [p; q′],   K = E − h + i(ww† + uu†),
//	ρ = 1 − 2i·w†K⁻¹w,  τ′ = 2w†K⁻¹u,  τ = 2u†K⁻¹w,  ρ′ = 2i·u†K⁻¹u − 1,
//
// and K is singular only for states that couple to neither side and do no harm. So no step depends on an inverse of v or
// of E − h; p′ = λp, q′ = λq make the waves a linear eigenvalue problem of order 2r.
type bloch struct {
	stop *stop
	cell *Cell
	rank int
	// w, u (Orbitals × rank): u is zero beyond the interface.
	w, u []complex128
	// kw, ku are K⁻¹w and K⁻¹u (Orbitals × rank).
	kw, ku []complex128
	// rho, tau, rhoP, tauP are the blocks of the scattering matrix (rank × rank).
	rho, tau, rhoP, tauP []complex128
}

// wave is a pair (p, q) at the cut before cell 0, (2·rank).
type wave []complex128

// split sets a = a₋₁ and b = b₀.
func (w wave) split(a, b []complex128) {
	r := len(a)
	for i := range r {
		p, q := w[i], w[r+i]
		a[i], b[i] = (p+q)/2, (p-q)/2i
	}
}

// flux is the sesquilinear form (p†p′ − q†q′)/2 whose diagonal is the current of a wave.
func flux(x, y wave) complex128 {
	r := len(x) / 2
	sum := complex128(0)
	for i := range r {
		sum += cmplx.Conj(x[i])*y[i] - cmplx.Conj(x[r+i])*y[r+i]
	}
	return sum / 2
}

// openMode is an open mode of unit flux.
type openMode struct {
	wave
	lambda      complex128
	k, velocity float64
	psi         []complex128 // on the place of cell −1
}

func newBloch(stop *stop, cell *Cell) *bloch {
	b := &bloch{stop: stop, cell: cell}
	b.factorHopping()
	if b.rank > 0 {
		b.scatter()
	}
	return b
}

// factorHopping finds v = wu† by one-sided Jacobi rotations: columns of v are turned until they are orthogonal, and so
// v·J = (left vectors)·(singular values).
func (b *bloch) factorHopping() {
	c, m := b.cell.Orbitals, b.cell.Interface
	left, right := make([]complex128, m*c), make([]complex128, m*m) // columns in rows
	for j := range m {
		right[j*m+j] = 1
		for i := range c {
			left[j*c+i] = b.cell.Hopping[i*m+j]
		}
	}
	column := func(j int) []complex128 { return left[j*c : (j+1)*c] }
	start, end := make([]int, m), make([]int, m) // between which a column is not zero
	for j := range m {
		start[j], end[j] = support(column(j))
	}
	for range 40 {
		turned := false
		for i := 0; i < m && !b.stop.now(); i++ {
			for j := range i {
				if start[i] >= end[j] || start[j] >= end[i] {
					continue
				}
				x, y := column(j), column(i)
				xx, yy, xy := norm2(x), norm2(y), dot(x, y)
				size := cmplx.Abs(xy)
				if size <= 4*epsilon*math.Sqrt(xx*yy) || size == 0 {
					continue
				}
				turned = true
				zeta := (yy - xx) / (2 * size)
				t := math.Copysign(1, zeta) / (math.Abs(zeta) + math.Hypot(1, zeta))
				cos := 1 / math.Hypot(1, t)
				f := complex(-cos*t, 0) * cmplx.Conj(xy) / complex(size, 0)
				start[i], end[i] = min(start[i], start[j]), max(end[i], end[j])
				start[j], end[j] = start[i], end[i]
				rotate(x, y, cos, f)
				rotate(right[j*m:(j+1)*m], right[i*m:(i+1)*m], cos, f)
			}
		}
		if !turned {
			break
		}
	}
	singular := make([]float64, m)
	largest := 0.0
	for j := range m {
		singular[j] = math.Sqrt(norm2(column(j)))
		largest = max(largest, singular[j])
	}
	var kept []int
	for j, s := range singular {
		if s > float64(c)*epsilon*largest {
			kept = append(kept, j)
		}
	}
	b.rank = len(kept)
	b.w, b.u = make([]complex128, c*b.rank), make([]complex128, c*b.rank)
	for k, j := range kept {
		root := math.Sqrt(singular[j])
		for i, x := range column(j) {
			b.w[i*b.rank+k] = x / complex(root, 0)
		}
		for i := range m { // vJ = left, so v = left·J†
			b.u[i*b.rank+k] = right[j*m+i] * complex(root, 0)
		}
	}
}

// support returns between which places x is not zero.
func support(x []complex128) (start, end int) {
	for end = len(x); end > 0 && x[end-1] == 0; end-- {
	}
	for ; start < end && x[start] == 0; start++ {
	}
	return start, end
}

func norm2(x []complex128) float64 {
	sum := 0.0
	for _, v := range x {
		sum += real(v)*real(v) + imag(v)*imag(v)
	}
	return sum
}

// dot returns x†y.
func dot(x, y []complex128) complex128 {
	sum := complex128(0)
	for i, v := range x {
		sum += cmplx.Conj(v) * y[i]
	}
	return sum
}

// scatter computes the scattering matrix of a cell.
func (b *bloch) scatter() {
	c, r := b.cell.Orbitals, b.rank
	k, scale := multiply(b.stop, b.w, adjoint(b.w, c, r), c, r, c), 0.0
	axpy(1, multiply(b.stop, b.u, adjoint(b.u, c, r), c, r, c), k)
	for i := range c {
		for j := range c {
			v := 1i*k[i*c+j] - b.cell.Hamiltonian[i*c+j]
			if i == j {
				v += complex(b.cell.Energy, 0)
			}
			k[i*c+j] = v
			scale = max(scale, sum1(v))
		}
	}
	both := make([]complex128, c*2*r)
	for i := range c {
		copy(both[i*2*r:], b.w[i*r:(i+1)*r])
		copy(both[i*2*r+r:], b.u[i*r:(i+1)*r])
	}
	solveRegular(b.stop, k, both, c, 2*r, epsilon*scale)
	b.kw, b.ku = make([]complex128, c*r), make([]complex128, c*r)
	b.rho, b.tau = make([]complex128, r*r), make([]complex128, r*r)
	b.rhoP, b.tauP = make([]complex128, r*r), make([]complex128, r*r)
	for i := range c {
		copy(b.kw[i*r:(i+1)*r], both[i*2*r:])
		copy(b.ku[i*r:(i+1)*r], both[i*2*r+r:])
	}
	fromW, fromU := multiply(b.stop, adjoint(b.w, c, r), both, r, c, 2*r), multiply(b.stop, adjoint(b.u, c, r), both, r, c, 2*r)
	for l := range r {
		for j := range r {
			b.rho[l*r+j], b.tauP[l*r+j] = -2i*fromW[l*2*r+j], 2*fromW[l*2*r+r+j]
			b.tau[l*r+j], b.rhoP[l*r+j] = 2*fromU[l*2*r+j], 2i*fromU[l*2*r+r+j]
		}
	}
	for l := range r {
		b.rho[l*r+l]++
		b.rhoP[l*r+l]--
	}
}

// spectrum is a Schur form whose eigenvalues stand for Bloch factors.
type spectrum struct {
	*schur
	lambda []complex128 // may be infinite
}

// transferMatrix returns that of z = [p; q], z′ = λz, if τ′ allows one.
func (b *bloch) transferMatrix() ([]complex128, bool) {
	r := b.rank
	inverse := append([]complex128(nil), b.tauP...)
	lower := make([]complex128, r*2*r) // τ′⁻¹[−ρ, 1]
	for i := range r {
		for j := range r {
			lower[i*2*r+j] = -b.rho[i*r+j]
		}
		lower[i*2*r+r+i] = 1
	}
	if !solveInPlace(b.stop, inverse, lower, r, 2*r) {
		return nil, false
	}
	for _, z := range lower {
		if !(sum1(z) < 32) { // beyond that, rounding is felt
			return nil, false
		}
	}
	n := 2 * r
	t := make([]complex128, n*n)
	upper := multiply(b.stop, b.rhoP, lower, r, r, n) // p′ = τp + ρ′q′
	for i := range r {
		copy(t[i*n:(i+1)*n], upper[i*n:(i+1)*n])
		copy(t[(r+i)*n:(r+i+1)*n], lower[i*n:(i+1)*n])
		for j := range r {
			t[i*n+j] += b.tau[i*r+j]
		}
	}
	return t, true
}

// transfer takes the Schur form of the transfer matrix.
func (b *bloch) transfer() (*spectrum, bool) {
	n := 2 * b.rank
	t, ok := b.transferMatrix()
	if !ok {
		return nil, false
	}
	s, ok := newSchur(b.stop, t, n)
	if !ok {
		return nil, false
	}
	lambda := make([]complex128, n)
	for i := range n {
		lambda[i] = s.t[i*n+i]
	}
	return &spectrum{s, lambda}, true
}

// cayley takes the Schur form of (A − σB)⁻¹(A + σB) for Az = λBz, A = [[τ, 0], [ρ, −1]], B = [[1, −ρ′], [0, −τ′]]: it has
// the eigenvalues μ = (λ + σ)/(λ − σ), moderate for all λ from 0 to ∞ if σ, on the unit circle, is far from them.
func (b *bloch) cayley() (*spectrum, bool) {
	r := b.rank
	n := 2 * r
	var best []complex128
	var bestSigma complex128
	size := math.Inf(1)
	for try := 0; try < 8 && !b.stop.now(); try++ {
		sigma := cmplx.Exp(complex(0, 0.7+2.399963229728653*float64(try))) // turned by the golden angle
		left, right := make([]complex128, n*n), make([]complex128, n*n)
		for i := range r {
			for j := range r {
				one := complex128(0)
				if i == j {
					one = 1
				}
				set := func(row, column int, a, c complex128) {
					left[row*n+column], right[row*n+column] = a-sigma*c, a+sigma*c
				}
				set(i, j, b.tau[i*r+j], one)
				set(i, r+j, 0, -b.rhoP[i*r+j])
				set(r+i, j, b.rho[i*r+j], 0)
				set(r+i, r+j, -one, -b.tauP[i*r+j])
			}
		}
		if !solveInPlace(b.stop, left, right, n, n) {
			continue
		}
		norm := 0.0
		for _, z := range right {
			norm = max(norm, sum1(z))
		}
		if norm < size {
			size, best, bestSigma = norm, right, sigma
		}
		if norm < 16 {
			break
		}
	}
	if math.IsInf(size, 1) {
		return nil, false
	}
	s, ok := newSchur(b.stop, best, n)
	if !ok {
		return nil, false
	}
	lambda := make([]complex128, n)
	for i := range n {
		mu := s.t[i*n+i]
		if mu == 1 {
			lambda[i] = cmplx.Inf()
		} else {
			lambda[i] = bestSigma * (mu + 1) / (mu - 1)
		}
	}
	return &spectrum{s, lambda}, true
}

// waves returns the decaying waves, an orthonormal basis of them, with the still ones, and the open modes that arrive and leave;
// with both, also the growing waves with the still ones, which decay for the reversed lead.
func (b *bloch) waves(both bool) (decaying, growing []wave, in, out []openMode, err error) {
	s, ok := b.transfer()
	if !ok {
		if s, ok = b.cayley(); !ok {
			return nil, nil, nil, nil, fault.New(fault.Numerical, "the modes of a lead with %d orbitals did not converge", b.cell.Orbitals)
		}
	}
	r := b.rank
	for tolerance := 1e-11; tolerance < 1e-4; tolerance *= 10 {
		var open []int
		inside, outside := make([]bool, 2*r), make([]bool, 2*r)
		count := 0
		for i, l := range s.lambda {
			switch size := cmplx.Abs(l); {
			case math.Abs(size-1) < tolerance:
				open = append(open, i)
			case size < 1:
				inside[i] = true
				count++
			default:
				outside[i] = true
			}
		}
		if 2*count+len(open) != 2*r {
			continue
		}
		var still []wave
		in, out, still = b.openModes(s, open)
		if len(in) != len(out) || count+len(out)+len(still) != r {
			continue
		}
		if both {
			growing = append(b.withoutFlux(s.copy().first(outside), in, out), still...)
		}
		return append(b.withoutFlux(s.first(inside), in, out), still...), growing, in, out, nil
	}
	return nil, nil, nil, nil, fault.New(fault.Numerical, "the open modes of a lead could not be told from the decaying ones: the energy %g is too close to a band edge", b.cell.Energy)
}

const (
	// together is the distance of Bloch factors up to which modes are taken as degenerate.
	together = 1e-9
	// equal is the relative difference up to which their velocities are taken as equal.
	equal = 1e-8
)

// openModes returns the modes of the eigenvalues listed, unit in flux and orthogonal in it. On a band edge two of them are
// one wave without flux: still, the limit of a decaying wave.
func (b *bloch) openModes(s *spectrum, open []int) (in, out []openMode, still []wave) {
	done := make([]bool, len(open))
	for i, first := range open {
		if done[i] {
			continue
		}
		if b.stop.now() {
			return nil, nil, nil
		}
		var group []wave
		for j := i; j < len(open); j++ {
			if !done[j] && cmplx.Abs(s.lambda[open[j]]-s.lambda[first]) < together {
				done[j] = true
				if v, ok := s.vector(open[j], together); ok {
					group = append(group, v)
				}
			}
		}
		lambda := s.lambda[first] / complex(cmplx.Abs(s.lambda[first]), 0)
		for _, w := range b.fluxOrthogonal(group, lambda) {
			f := real(flux(w, w))
			if math.Abs(f) <= together*norm2(w) {
				still = append(still, w)
				continue
			}
			scale(w, 1/math.Sqrt(math.Abs(f)))
			m := openMode{wave: w, lambda: lambda, k: cmplx.Phase(lambda)}
			if f < 0 {
				in = append(in, m)
			} else {
				out = append(out, m)
			}
		}
	}
	sides := [][]openMode{in, out}
	for _, side := range sides {
		b.finish(side)
	}
	for _, side := range sides {
		for i := range side {
			if math.Abs(side[i].velocity) < slowest*b.scale() && isolated(side[i].lambda, sides) {
				b.polish(&side[i])
			}
		}
		sort.SliceStable(side, func(i, j int) bool { return before(&side[i], &side[j]) })
	}
	b.repairFlux(sides...)
	return in, out, still
}

// withoutFlux takes out of other waves what rounding left of their flux with open modes.
func (b *bloch) withoutFlux(waves []wave, sides ...[]openMode) []wave {
	for _, w := range waves {
		if b.stop.now() {
			break
		}
		for _, side := range sides {
			for i := range side {
				o := side[i].wave
				axpy(-flux(o, w)/complex(real(flux(o, o)), 0), o, w)
			}
		}
	}
	return waves
}

// isolated tells whether λ is that of one mode and of no other one next to it.
func isolated(lambda complex128, sides [][]openMode) bool {
	near := 0
	for _, side := range sides {
		for i := range side {
			if cmplx.Abs(side[i].lambda-lambda) < 1e4*together {
				near++
			}
		}
	}
	return near == 1
}

// before is Kwant's order: arriving modes by ascending, leaving ones by descending momentum, equals by velocity, then
// by the number of the orbital.
func before(x, y *openMode) bool {
	if math.Abs(x.k-y.k) > together {
		return (x.k < y.k) == (x.velocity < 0)
	}
	return y.velocity-x.velocity > equal*math.Abs(x.velocity)
}

func scale(w []complex128, f float64) {
	for i := range w {
		w[i] *= complex(f, 0)
	}
}

// fluxOrthogonal returns the combinations of the waves of one momentum that diagonalize the velocity: waves that are
// orthonormal in the cell are turned until they are orthogonal in the flux. Where velocities are equal too, the number of the
// orbital is diagonalized, which makes the choice the same for a lead and its reverse and keeps uncoupled chains apart.
func (b *bloch) fluxOrthogonal(group []wave, lambda complex128) []wave {
	if len(group) == 1 {
		return group
	}
	cells := make([][]complex128, len(group))
	for i, w := range group {
		cells[i] = b.inCell(w, lambda)
		for range 2 {
			for j, x := range cells[:i] {
				f := -dot(x, cells[i])
				axpy(f, x, cells[i])
				axpy(f, group[j], w)
			}
		}
		f := 1 / math.Sqrt(norm2(cells[i]))
		scale(cells[i], f)
		scale(w, f)
	}
	velocities := b.diagonalize(group, cells, func(i, j int) complex128 { return flux(group[i], group[j]) })
	for from := 0; from < len(group); {
		to := from + 1
		for to < len(group) && velocities[to]-velocities[from] <= equal*math.Abs(velocities[from]) {
			to++
		}
		same := cells[from:to]
		b.diagonalize(group[from:to], same, func(i, j int) complex128 {
			sum := complex128(0)
			for n, x := range same[i] {
				sum += complex(float64(n), 0) * cmplx.Conj(x) * same[j][n]
			}
			return sum
		})
		from = to
	}
	return group
}

// diagonalize turns the waves, and their values in a cell with them, into eigenvectors of the Hermitian form and returns its
// eigenvalues in ascending order.
func (b *bloch) diagonalize(group []wave, cells [][]complex128, form func(i, j int) complex128) []float64 {
	n := len(group)
	a := make([]complex128, n*n)
	for i := range n {
		for j := range n {
			a[i*n+j] = form(i, j)
		}
	}
	vectors := hermitianVectors(b.stop, a, n) // leaves a diagonal
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return real(a[order[i]*n+order[i]]) < real(a[order[j]*n+order[j]]) })
	values := make([]float64, n)
	turnedWaves, turnedCells := make([]wave, n), make([][]complex128, n)
	for k, j := range order {
		values[k] = real(a[j*n+j])
		turnedWaves[k], turnedCells[k] = make(wave, len(group[0])), make([]complex128, len(cells[0]))
		for i := range n {
			axpy(vectors[i*n+j], group[i], turnedWaves[k])
			axpy(vectors[i*n+j], cells[i], turnedCells[k])
		}
	}
	copy(group, turnedWaves)
	copy(cells, turnedCells)
	return values
}

// repairFlux removes what rounding left of the flux between modes of nearly equal momenta: with the matrix G ≈ S of the fluxes,
// S = diag(±1), X·(3 − SG)/2 has them to second order.
func (b *bloch) repairFlux(sides ...[]openMode) {
	n := 0
	for _, side := range sides {
		n += len(side)
	}
	if n == 0 {
		return
	}
	var x []complex128 // the modes in rows
	for _, side := range sides {
		for i := range side {
			x = append(x, side[i].wave...)
		}
	}
	size := len(x) / n
	form := adjoint(x, n, size)
	scale(form, 0.5)
	scale(form[size/2*n:], -1)
	g := multiply(b.stop, x, form, n, size, n) // Gᵀ
	for i := range n {
		f := complex(math.Copysign(0.5, -real(g[i*n+i])), 0)
		for j := range n {
			if j != i {
				g[j*n+i] *= f
			}
		}
	}
	for i := range n {
		g[i*n+i] = complex(1.5-math.Abs(real(g[i*n+i]))/2, 0)
	}
	fixed := multiply(b.stop, g, x, n, n, size)
	for _, side := range sides {
		for i := range side {
			side[i].wave, fixed = fixed[:size:size], fixed[size:]
		}
	}
}

// inCell returns the wave in cell 0, ψ₀ = K⁻¹(wp + iλuq).
func (b *bloch) inCell(w wave, lambda complex128) []complex128 {
	r := b.rank
	psi := apply(b.kw, w[:r], b.cell.Orbitals, r)
	axpy(1i*lambda, apply(b.ku, w[r:], b.cell.Orbitals, r), psi)
	return psi
}

// finish computes the modes' waves on the place of cell −1 and dE/dk = flux/ψ†ψ.
func (b *bloch) finish(modes []openMode) {
	c, r, n := b.cell.Orbitals, b.rank, len(modes)
	p, q := make([]complex128, r*n), make([]complex128, r*n)
	for j := range modes {
		for i := range r {
			p[i*n+j], q[i*n+j] = modes[j].wave[i], 1i*modes[j].lambda*modes[j].wave[r+i]
		}
	}
	psi := multiply(b.stop, b.kw, p, c, r, n) // in cell 0, K⁻¹(wp + iλuq)
	axpy(1, multiply(b.stop, b.ku, q, c, r, n), psi)
	for j := range modes {
		m := &modes[j]
		m.psi = make([]complex128, c)
		for i := range c {
			m.psi[i] = psi[i*n+j] / m.lambda
		}
		m.velocity = real(flux(m.wave, m.wave)) / norm2(m.psi)
	}
}

// polish improves a slow mode, whose rounding grows as the inverse of its velocity and of that again: ψ by inverse iteration with
// E − H(k), and k by Newton's method for the Rayleigh quotient. It leaves the mode alone where that leads elsewhere.
func (b *bloch) polish(o *openMode) {
	c, m, r := b.cell.Orbitals, b.cell.Interface, b.rank
	x, k := append([]complex128(nil), o.psi...), o.k
	slope := func() float64 { // dE/dk
		return 2 * imag(dot(x, apply(b.cell.Hopping, x[:m], c, m))/cmplx.Rect(1, k))
	}
	for range 2 {
		lambda := cmplx.Rect(1, k)
		matrix := make([]complex128, c*c) // E − H(k)
		for i, z := range b.cell.Hamiltonian {
			matrix[i] = -z
		}
		for i := range c {
			matrix[i*c+i] += complex(b.cell.Energy, 0)
			for j := range m {
				v := b.cell.Hopping[i*m+j] / lambda
				matrix[i*c+j] -= v
				matrix[j*c+i] -= cmplx.Conj(v)
			}
		}
		factors, y := append([]complex128(nil), matrix...), append([]complex128(nil), x...)
		solveRegular(b.stop, factors, y, c, 1, epsilon*b.scale())
		scale(y, 1/math.Sqrt(norm2(y)))
		x = y
		k += real(dot(x, apply(matrix, x, c, c))) / slope()
	}
	velocity := slope()
	if !(math.Abs(k-o.k) < together) || velocity*o.velocity <= 0 {
		return
	}
	scale(x, 1/math.Sqrt(math.Abs(velocity)))
	phase := dot(x, o.psi)
	for i := range x {
		x[i] *= phase / complex(cmplx.Abs(phase), 0)
	}
	o.psi, o.k, o.velocity, o.lambda = x, k, velocity, cmplx.Rect(1, k)
	a, bs := multiply(b.stop, adjoint(b.u[:m*r], m, r), x[:m], r, m, 1), multiply(b.stop, adjoint(b.w, c, r), x, r, c, 1)
	for i := range r {
		o.wave[i], o.wave[r+i] = a[i]+1i*o.lambda*bs[i], a[i]-1i*o.lambda*bs[i]
	}
}
