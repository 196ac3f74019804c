// Package lead computes the open modes, velocities and self-energies of periodic leads.
package lead

// Params name one lead of a strip; two leads with equal Params are the same lead.
type Params struct {
	Width                          int
	Hopping, Onsite, Energy, Field float64
}

// Lead is the solution of a strip's lead at one energy and field.
//
// It is given in the gauge of the paper with y measured from the middle of the strip, ȳ = y − (Width−1)/2: the hopping from
// slice x+1 to slice x is τ = −t·diag(exp(2iφȳ)), inside a slice −t between neighbours. There the modes are real vectors and
// reflection in y takes right-movers into left-movers.
type Lead struct {
	Params
	// Modes is N, the number of open modes in either direction.
	Modes int
	// Wavenumber holds k of the right-going modes, λ = exp(ik), (Modes).
	Wavenumber []float64
	// Velocity holds v = −2 Im(λ u†τu) > 0 of the right-going modes, (Modes).
	Velocity []float64
	// Vectors holds the right-going modes u_n, real with u·u = 1, [mode][y]. The left-going mode n has λ = exp(−ik_n) and
	// the mirrored vector u_n(Width−1−y).
	Vectors []float64
	// F maps slice x to slice x+1 for solutions that decay or leave to the right, [row][column] (Width × Width):
	// Σ_R = τF. The map from slice x to x−1 for the left lead is F mirrored in both indices: Σ_L = τ†·JFJ.
	F []complex128
}
