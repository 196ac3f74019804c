package lead

import (
	"context"
	"math"
	"math/cmplx"

	"mcd/core/fault"
	"mcd/core/parallel"
)

// Cell describes a periodic lead of any kind at one point of a sweep: cells n = 0, 1, … lead away from the device, the
// place of cell −1 is taken by orbitals of the device.
type Cell struct {
	// Orbitals is c, the number of orbitals of a cell, Interface is m ≤ c: the first m of a cell couple to the next.
	Orbitals, Interface int
	// Hamiltonian is that of one cell, Hermitian, [row][column] (c × c).
	Hamiltonian []complex128
	// Hopping is v = ⟨cell n+1|H|cell n⟩, [orbital of cell n+1][interface orbital of cell n] (c × m), of any rank.
	Hopping []complex128
	Energy  float64
}

// Modes is the solution of a Cell: its open modes, of unit flux, and what they mean for the device.
//
// Let ψ be the wave on the Interface orbitals of the device. With incoming amplitudes α the equation of the device is
// (E − H − Σ)ψ = Qα, and the outgoing amplitudes of this lead are Pψ + Dα. Every mode carries unit flux (ħ = 1), so the
// matrix of these amplitudes is the S-matrix, and Γ = i(Σ − Σ†) = QQ†.
type Modes struct {
	Orbitals, Interface int
	// Open is N, the number of modes that leave and of modes that arrive.
	Open int
	// Momenta (−π … π) and Velocities dE/dk, positive away from the device, of the arriving modes, then of the leaving
	// ones, (2·Open). Both halves are ordered as Kwant does: arriving by ascending, leaving by descending momentum.
	Momenta, Velocities []float64
	// Waves holds the modes on the place of cell −1 in their columns, [orbital][mode] (Orbitals × 2·Open); a cell further
	// they are exp(ik) times that. Modes of equal momentum have orthogonal flux. Phases are arbitrary.
	Waves []complex128
	// SelfEnergy is Σ, [row][column] (Interface × Interface).
	SelfEnergy []complex128
	// Injection is Q (Interface × Open), Extraction is P (Open × Interface), Direct is D (Open × Open).
	Injection, Extraction, Direct []complex128
}

// Validate returns an Argument error for the first thing that makes no sense.
func (c *Cell) Validate() error {
	n, m := c.Orbitals, c.Interface
	switch {
	case n < 1:
		return fault.Invalid("cell", "%d orbitals in a cell of the lead; give at least 1", n)
	case n > MaxOrbitals:
		return fault.Invalid("cell", "%d orbitals in a cell of the lead; give at most %d", n, MaxOrbitals)
	case m < 1 || m > n:
		return fault.Invalid("interface", "%d interface orbitals for a cell of %d; give 1 to %d", m, n, n)
	case len(c.Hamiltonian) != n*n:
		return fault.Invalid("cell", "%d values for a cell of %d orbitals; give %d × %d", len(c.Hamiltonian), n, n, n)
	case len(c.Hopping) != n*m:
		return fault.Invalid("hopping", "%d values for %d orbitals and %d interface orbitals; give %d × %d", len(c.Hopping), n, m, n, m)
	case !finite(c.Energy):
		return fault.Invalid("energy", "%g; give a finite value", c.Energy)
	}
	for i, z := range c.Hamiltonian {
		if cmplx.IsNaN(z) || cmplx.IsInf(z) {
			return fault.Invalid("cell", "entry (%d, %d) is %v; give finite values", i/n, i%n, z)
		}
	}
	scale := largestOf(c.Hamiltonian)
	for i, z := range c.Hopping {
		if cmplx.IsNaN(z) || cmplx.IsInf(z) {
			return fault.Invalid("hopping", "entry (%d, %d) is %v; give finite values", i/m, i%m, z)
		}
	}
	for i := range n {
		for j := range i + 1 {
			defect := c.Hamiltonian[i*n+j] - cmplx.Conj(c.Hamiltonian[j*n+i])
			if defect == 0 {
				continue
			}
			if d := cmplx.Abs(defect); d > 1e-12*scale {
				return fault.Invalid("cell", "entries (%d, %d) and (%d, %d) differ by %g from being conjugate; give a Hermitian matrix", i, j, j, i, d)
			}
		}
	}
	return nil
}

// SolveCell computes the modes of a lead. On a band edge the answer is not defined, next to one it is as ill-conditioned
// as the physics. A bound state of the lead's end at the very energy, where Σ has a pole, is an error of kind Numerical;
// close to one Σ is large and its rounding with it.
func SolveCell(c *Cell) (*Modes, error) {
	modes, _, err := solvePair(context.Background(), c, nil)
	return modes, err
}

// solvePair solves a cell and, unless it is nil, its reverse.
func solvePair(ctx context.Context, c *Cell, back *reversed) (modes, backward *Modes, err error) {
	err = until(ctx, func(s *stop) (err error) {
		if err := c.Validate(); err != nil {
			return err
		}
		modes, backward, err = solveEither(s, c, back)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return modes, backward, nil
}

// solveEither solves by a contour what is a chain, the rest by a Schur form.
func solveEither(stop *stop, c *Cell, back *reversed) (modes, backward *Modes, err error) {
	if ch := newChain(stop, c); ch != nil && 3*c.Interface > 2*c.Orbitals { // a Schur form is the cheaper, the lower the rank
		if modes, backward := ch.solve(back); modes != nil {
			return modes, backward, nil
		}
	}
	if stop.now() {
		return nil, nil, errStopped
	}
	return solveWaves(stop, c, back)
}

// solveWaves solves any cell, and its reverse, by a Schur form of its waves.
func solveWaves(stop *stop, c *Cell, back *reversed) (modes, backward *Modes, err error) {
	b := newBloch(stop, c)
	if b.rank == 0 {
		modes, err = b.modes(nil, nil, nil, nil)
		return modes, nil, err
	}
	decaying, growing, in, out, err := b.waves(back != nil)
	if err != nil {
		return nil, nil, err
	}
	if back != nil {
		for i, w := range growing {
			growing[i] = w.reversed()
		}
		from, to := back.modes(out), back.modes(in)
		at, bt := b.leaving(growing, to)
		if backward, err = back.bloch(b).modes(at, bt, from, to); err != nil {
			return nil, nil, err
		}
	}
	at, bt := b.leaving(decaying, out)
	modes, err = b.modes(at, bt, in, out)
	return modes, backward, err
}

// CellError is the error of one of several cells.
type CellError struct {
	Cell int // its number
	Err  error
}

func (e *CellError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the number.
func (e *CellError) Unwrap() error { return e.Err }

func solveOf(ctx context.Context, cells []*Cell, i int) (*Modes, error) {
	modes, _, err := solvePair(ctx, cells[i], nil)
	if err != nil {
		return nil, &CellError{i, err}
	}
	return modes, nil
}

// SolveCells solves every cell on the given number of threads (see parallel.Threads); errors are of type CellError. Of two leads
// that are each other's reverse, as at the ends of a wire, the waves are computed once.
func SolveCells(ctx context.Context, cells []*Cell, threads int) ([]*Modes, error) {
	all := make([]*Modes, len(cells))
	partner, taken := pairs(ctx, cells)
	err := parallel.For(ctx, len(cells), threads, func(_, i int) (err error) {
		if taken[i] {
			return nil
		}
		if j := partner[i]; j >= 0 {
			if all[i], all[j], err = solvePair(ctx, cells[i], newReversed(cells[i])); err == nil {
				return nil
			}
		}
		all[i], err = solveOf(ctx, cells, i)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, j := range partner {
		if j >= 0 && all[j] == nil {
			if all[j], err = solveOf(ctx, cells, j); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// leaving returns a₋₁ and b₀ of the waves that decay or leave (rank × rank), a wave in a row.
func (b *bloch) leaving(decaying []wave, out []openMode) (at, bt []complex128) {
	r := b.rank
	at, bt = make([]complex128, r*r), make([]complex128, r*r)
	waves := append([]wave(nil), decaying...)
	for _, o := range out {
		waves = append(waves, o.wave)
	}
	for i, w := range waves {
		w.split(at[i*r:(i+1)*r], bt[i*r:(i+1)*r])
	}
	return at, bt
}

// modes assembles the result from the open waves and as many independent solutions that decay or leave as the rank, with a₋₁
// and b₀ in the rows of at and bt, which are overwritten.
func (b *bloch) modes(at, bt []complex128, in, out []openMode) (*Modes, error) {
	c, m, r, n := b.cell.Orbitals, b.cell.Interface, b.rank, len(out)
	res := &Modes{Orbitals: c, Interface: m, Open: n, Waves: make([]complex128, c*2*n), SelfEnergy: make([]complex128, m*m)}
	// b₀ = Ba₋₁ for every solution that decays or leaves, so that Σ = uBu†.
	if !solveInPlace(b.stop, at, bt, r, r) {
		return nil, fault.New(fault.Numerical, "the self-energy of a lead has a pole at the energy %g: change the energy a little", b.cell.Energy)
	}
	transpose(bt, r)
	bond := bt // B
	u := b.u[:m*r]
	// As (u(uB)†)†, since u has many zeros.
	res.SelfEnergy = adjoint(multiply(b.stop, u, adjoint(multiply(b.stop, u, bond, m, r, r), m, r), m, r, m), m, m)
	// Q: (E − H)ψ = u·b₀ with b₀ = B(u†ψ − a) + b for an arriving wave (a, b).
	arriving, rest := cut(in, r)
	axpy(-1, multiply(b.stop, bond, arriving, r, r, n), rest)
	res.Injection = multiply(b.stop, u, rest, m, r, n)
	// The amplitude of a leaving wave (a, b) in a solution that leaves, (α, Bα), is its flux with it, −i(b† − a†B)α, as that
	// with all other leaving and decaying waves is zero; α = u†ψ − a of what arrives.
	a, bs := cut(out, r)
	amplitudes := multiply(b.stop, adjoint(a, r, n), bond, n, r, r)
	axpy(-1, adjoint(bs, r, n), amplitudes)
	for i := range amplitudes {
		amplitudes[i] *= 1i
	}
	res.Extraction = multiply(b.stop, amplitudes, adjoint(u, m, r), n, r, m)
	res.Direct = multiply(b.stop, amplitudes, arriving, n, r, n)
	scale(res.Direct, -1)
	for j, w := range append(append([]openMode(nil), in...), out...) {
		res.Momenta = append(res.Momenta, w.k)
		res.Velocities = append(res.Velocities, w.velocity)
		for i, p := range w.psi {
			res.Waves[i*2*n+j] = p
		}
	}
	if !(largestOf(res.SelfEnergy) <= 1e8*b.scale()) {
		return nil, fault.New(fault.Numerical, "the self-energy of a lead has a pole at the energy %g: change the energy a little", b.cell.Energy)
	}
	return res, nil
}

// cut returns the numbers a₋₁ and b₀ of modes in columns (r × modes).
func cut(modes []openMode, r int) (a, b []complex128) {
	n := len(modes)
	a, b = make([]complex128, r*n), make([]complex128, r*n)
	x, y := make([]complex128, r), make([]complex128, r)
	for k := range modes {
		modes[k].split(x, y)
		for l := range r {
			a[l*n+k], b[l*n+k] = x[l], y[l]
		}
	}
	return a, b
}

// scale is the size of the numbers that describe the cell.
func (b *bloch) scale() float64 {
	return max(largestOf(b.cell.Hamiltonian), largestOf(b.cell.Hopping), math.Abs(b.cell.Energy))
}

// largestOf returns the largest modulus, NaN if there is one.
func largestOf(z []complex128) float64 {
	size := 0.0
	for _, v := range z {
		if !(sum1(v) <= size) { // the modulus is at most that
			size = max(size, cmplx.Abs(v))
		}
	}
	return size
}
