package inverse

import (
	"context"

	"mcd/core/fault"
)

// Identifiability tells what a curve determines at one point.
type Identifiability struct {
	// Singular holds the singular values of the Jacobian ∂(w·G)/∂θ, descending (min(points, parameters)); Rank counts those
	// above 1e-10 of the largest: the combinations of parameters that the curve determines to first order.
	Singular []float64
	Rank     int
	// Errors are the standard errors of the parameters for noise of standard deviation sigma, from sigma²(JᵀJ)⁻¹; +Inf for
	// parameters that the curve does not determine (Parameters).
	Errors []float64
	// Sensitivity is √Σ_k (∂G_k/∂h_i)² of every site: which sites matter (Sites).
	Sensitivity []float64
}

// Identify analyses the problem at theta. sigma is the standard deviation of the data's noise, 0 to estimate it from the
// misfit there.
func Identify(ctx context.Context, p *Problem, theta []float64, sigma float64) (*Identifiability, error) {
	return nil, fault.New(fault.Unsupported, "identifiability is not built yet")
}
