// Package kernel holds the innermost operations of the strip engine, on batches of small complex matrices.
//
// # Layout
//
// A batch is one matrix per lane, all of the same shape. Element (i, j) of an r × c batch with leading dimension ld ≥ c is a
// block of 2·V values at (i·ld + j)·2V: the V real parts, one per lane, then the V imaginary parts. So every scalar operation
// of an algorithm becomes one vector operation, with no shuffles. Real batches have V values an element. V is Lanes().
//
// # Slices
//
// A slice of the strip, in units of the hopping and in the gauge whose hoppings along x are −1, is the tridiagonal matrix
//
//	D = (E − H_x)/t:   D[y][y] = e − h[y],   D[y][y+1] = c,   D[y+1][y] = conj(c),
//
// with h real and shared by the lanes, e real (one per lane) and c complex of modulus one (one per lane; cs holds V cosines,
// then V sines). Scattering states obey D_x ψ_x + ψ_{x+1} + ψ_{x−1} = b_x.
//
// # Contract
//
// Every implementation gives the same result up to rounding, reads and writes nothing outside the stated elements (padding
// columns between c and ld included) and has no state: calls on different buffers may run at the same time. Buffers may begin
// anywhere, with the same bits as result, though memory.Align is fastest; they do not overlap unless stated. Lengths are the
// caller's responsibility.
package kernel

// Kernel is one implementation of the operations.
type Kernel interface {
	// Name is "plain", "avx2" or "avx512".
	Name() string
	// Lanes is V.
	Lanes() int

	// Hop continues the solutions with φ_R = 1, φ_{R+1} = f from slice R over k ≥ 1 slices to the left by
	// φ_{x−1} = −(D_x φ_x + φ_{x+1}): m = φ_{R−k}, n = φ_{R−k+1}. All matrices are w × w with leading dimension ld.
	// h and cs hold k slices, R first: h[s·w + y], cs[s·2V …]. If k is 1, n is the identity and may be nil.
	Hop(w, ld, k int, h, e, cs, f, m, n []float64)

	// Factor overwrites m (w × w) with its factors, P·m = L·U, L unit lower, rows exchanged as in LAPACK (piv[j] ≥ j is the
	// row exchanged with row j, the same in all lanes). Row j is kept as pivot unless some lane has an entry more than four
	// times larger below it; then the row whose worst lane is best relative to the column's largest entry is taken. A pivot
	// that is exactly zero is replaced by Tiny. In the place of U's diagonal stand the inverses of its entries.
	Factor(w, ld int, m []float64, piv []int32)
	// Divide overwrites n (w × w) with n·m⁻¹ and m with its factors, as Factor does.
	Divide(w, ld int, m []float64, piv []int32, n []float64)
	// Invert sets n (w × w) to m⁻¹ and overwrites m with its factors: Divide for n = 1, with a quarter less work.
	Invert(w, ld int, m []float64, piv []int32, n []float64)
	// SolveLeft overwrites b (w × c, leading dimension ldb) with m⁻¹·b, m and piv from Factor (leading dimension ld).
	SolveLeft(w, ld int, m []float64, piv []int32, c, ldb int, b []float64)
	// SolveLeftT overwrites b with m⁻ᵀ·b (transposed, not conjugated).
	SolveLeftT(w, ld int, m []float64, piv []int32, c, ldb int, b []float64)

	// Mul computes out = a·b, out + a·b or out − a·b, where a is w × w (leading dimension ld), used transposed (not
	// conjugated) if trans, and b and out are w × c with leading dimension ldb.
	Mul(mode Mode, trans bool, w, ld int, a []float64, c, ldb int, b, out []float64)

	// Recur computes out = −(D·b + prev) for w × c batches with leading dimension ldb; with conj, D is transposed (c → conj c).
	// out may be the same slice as prev. h has w values, cs one slice.
	Recur(conj bool, w int, h, e, cs []float64, c, ldb int, b, prev, out []float64)

	// Check computes the residual r = −(D·b + before) − after of a slice b between its neighbours, w × c batches with leading
	// dimension ldb; with conj, D is transposed. r goes to out unless that is nil. Each lane of residual (V values) is raised to
	// the lane's largest |re| or |im| in r, and of largest to that in b; a NaN or an infinity in r gives +Inf for both.
	Check(conj bool, w int, h, e, cs []float64, c, ldb int, b, before, after, out, residual, largest []float64)

	// Mix computes out = a·coef; a and out are w × c with leading dimension ldb, coef is c × c with leading dimension c.
	Mix(w, c, ldb int, a, coef, out []float64)

	// Gram computes out = a†·b (c × c, leading dimension c) of two w × c batches with leading dimension ldb.
	Gram(w, c, ldb int, a, b, out []float64)

	// Density computes the real batch out[y] = Re Σ_n chi[y][n]·psi[y][n], y < w, of two w × c batches with leading
	// dimension ldb.
	Density(w, c, ldb int, chi, psi, out []float64)

	// Add computes out = a + factor·b for n consecutive elements; out may be the same slice as a or b.
	Add(n int, factor float64, a, b, out []float64)
}

// Mode says what Mul does with what is already in its output.
type Mode int

const (
	Set Mode = iota
	Add
	Sub
)

// Tiny replaces a pivot that is exactly zero: large enough that its inverse is finite, small enough that the solution's
// residual shows it.
const Tiny = 1e-150

// Size returns the number of float64 values of a complex r × ld batch with v lanes.
func Size(r, ld, v int) int { return r * ld * 2 * v }

// LeadingDimension returns the leading dimension to use for w columns: w or w + 1. Rows that lie a multiple of 1 KiB apart (8
// elements of 8 lanes) crowd into few sets of the first-level cache, which costs up to a sixth of the speed from w = 40 on.
func LeadingDimension(w int) int {
	if w%8 == 0 {
		return w + 1
	}
	return w
}

// All returns the implementations that run on this machine, the plain one first, the fastest last.
func All() []Kernel { return append([]Kernel{Plain{}}, accelerated()...) }

// Best returns the fastest implementation that runs on this machine.
func Best() Kernel {
	all := All()
	return all[len(all)-1]
}
