package kernel

// Front is one implementation of the operations of the device engine: elimination and solution with one dense front for a
// batch of matrices, one per lane (layout and contract as in the package's comment, every matrix without padding).
//
// A front has m pivots and b boundary rows. Its upper panel u (m × (m+b)) holds the pivot rows, its lower panel l (b × m) the
// boundary rows of the pivot columns, its update c (b × b) the rest. Eliminated, u holds the factors of P·A₁₁ = LU (L unit
// lower, the diagonal of U *inverted*) and U₁₂ = L⁻¹PA₁₂, l holds L₂₁ = A₂₁U⁻¹ and c the Schur complement.
type Front interface {
	// Name is "plain", "avx2" or "avx512", or "avx2-single" or "avx512-single" for one lane, vectorised within the point.
	Name() string
	// Lanes is V.
	Lanes() int

	// Eliminate factors a front in place. Rows are exchanged among the pivot rows only, the same in all lanes, by the rule of
	// Kernel.Factor; a pivot not larger than its lane's tiny (V) becomes i·tiny: H is Hermitian and −Im Σ ≥ 0, so that this
	// adds absorption. It returns the number of such replacements. Once another goroutine has set stop (atomically) it returns
	// within some 10 ms, and the front is of no use.
	Eliminate(m, b int, u, l, c []float64, pivots []int32, tiny []float64, stop *int32) int
	// Extend adds an n × n update into the front (m, b) whose rows and columns index lists: u and l where they are pivots,
	// c elsewhere.
	Extend(n int, index []int32, update []float64, m, b int, u, l, c []float64)
	// Collect adds element k of in to element target[k] of out.
	Collect(target []int32, in, out []float64)

	// Forward overwrites x (m × n) with L⁻¹Px and subtracts L₂₁x from border (b × n).
	Forward(m, b, n int, u, l []float64, pivots []int32, x, border []float64)
	// Backward overwrites x with U⁻¹(x − U₁₂·border).
	Backward(m, b, n int, u, x, border []float64)
	// ForwardT and BackwardT do the same with the transposed matrix: x ← U⁻ᵀx, border −= U₁₂ᵀx, and
	// x ← PᵀL⁻ᵀ(x − L₂₁ᵀ·border).
	ForwardT(m, b, n int, u, x, border []float64)
	BackwardT(m, b, n int, u, l []float64, pivots []int32, x, border []float64)
	// Scatter adds row i of in to row rows[i] of out, rows of n elements.
	Scatter(rows []int32, n int, in, out []float64)

	// Residual subtracts a[k]·x[cols[k]] from r[rows[k]] for every entry k of a sparse matrix, rows of n elements.
	Residual(rows, cols []int32, a []float64, n int, x, r []float64)
	// Dot adds Σ_c chi[rows[k]][c]·psi[cols[k]][c] to out[k], rows of n elements.
	Dot(rows, cols []int32, n int, chi, psi, out []float64)
	// DotC is Dot with the complex conjugate of chi.
	DotC(rows, cols []int32, n int, chi, psi, out []float64)
	// Largest sets out (n real values a lane) to the largest |re| or |im| in every column of x (r × n); a NaN
	// or an infinite value makes all of the lane NaN.
	Largest(r, n int, x, out []float64)
	// Combine sets row i of out (r × 1) to Σ_c w[c]·x[i][c], x r × n, w n real values a lane.
	Combine(r, n int, x, w, out []float64)
	// Product subtracts a·b from c: ni × nk, nk × nj, ni × nj.
	Product(ni, nj, nk int, a, b, c []float64)
}

// Fronts returns the implementations that run on this machine, the plain one first, the fastest last.
func Fronts() []Front { return append([]Front{PlainFront{}}, acceleratedFronts()...) }

// BestFronts returns the fastest implementations that run on this machine: for one point at a time, and with most lanes. In
// plain Go they are the same.
func BestFronts() (single, wide Front) {
	for _, k := range Fronts() {
		if k.Lanes() == 1 || single == nil {
			single = k
		}
		if k.Lanes() > 1 {
			wide = k
		}
	}
	return single, wide
}
