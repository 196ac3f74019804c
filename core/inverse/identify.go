package inverse

import (
	"context"
	"math"

	"gonum.org/v1/gonum/mat"

	"mcd/core/fault"
	"mcd/core/parallel"
)

// Identifiability tells what a curve determines at one point, to first order.
type Identifiability struct {
	// Singular holds the singular values of J = ∂(w·G)/∂θ, descending (min(points, parameters)); Rank counts those above
	// 1e-10 of the largest: the number of combinations of parameters that the curve determines. Combinations are these, one
	// row for every singular value, orthonormal (singular values × parameters).
	Singular     []float64
	Rank         int
	Combinations []float64
	// Errors are the standard errors of the parameters, √diag(s²(JᵀJ)⁻¹); +Inf for parameters of which the curve leaves a
	// part undetermined (Parameters).
	Errors []float64
	// Sensitivity is √Σ_k (∂(w_k·G_k)/∂h_i)² of every site: which sites matter (Sites).
	Sensitivity []float64
}

// rankTolerance separates singular values from rounding.
const rankTolerance = 1e-10

// Identify analyses a problem at theta, for the squared residuals alone (neither loss nor regularizers). sigma is the
// standard deviation s of the data w·G, 0 to estimate it from the misfit at theta, s² = Σr²/(points − Rank).
func Identify(ctx context.Context, p *Problem, theta []float64, sigma float64) (id *Identifiability, err error) {
	defer parallel.Recover(&err)
	if len(theta) != p.n {
		return nil, fault.Invalid("parameters", "%d values for %d parameters; give one for each", len(theta), p.n)
	}
	if err := checkFinite("parameters", theta); err != nil {
		return nil, err
	}
	if !(sigma >= 0) || math.IsInf(sigma, 0) {
		return nil, fault.Invalid("sigma", "%g; give a finite standard deviation, 0 to estimate it", sigma)
	}
	if err := p.evaluate(ctx, theta, p.matrix()); err != nil {
		return nil, err
	}
	points := len(p.g)
	id = &Identifiability{Sensitivity: make([]float64, p.sites), Errors: make([]float64, p.n)}
	square := 0.0
	for k, g := range p.g {
		w := 1.0
		if p.setup.Weights != nil {
			w = p.setup.Weights[k]
		}
		square += w * w * (g - p.setup.Target[k]) * (g - p.setup.Target[k])
		row := p.jac[k*p.sites : (k+1)*p.sites]
		for i := range row {
			row[i] *= w
			id.Sensitivity[i] += row[i] * row[i]
		}
	}
	for i, v := range id.Sensitivity {
		id.Sensitivity[i] = math.Sqrt(v)
	}
	pulled := make([]float64, points*p.n)
	p.setup.Parametrization.Pull(theta, p.jac, points, pulled)
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(points, p.n, pulled), mat.SVDThin) {
		return nil, fault.New(fault.Numerical, "the singular values of the Jacobian did not converge; move the parameters a little")
	}
	id.Singular = svd.Values(nil)
	for _, v := range id.Singular {
		if v > rankTolerance*id.Singular[0] {
			id.Rank++
		}
	}
	if sigma == 0 {
		sigma = math.Sqrt(square / float64(max(1, points-id.Rank)))
	}
	var v mat.Dense
	svd.VTo(&v)
	id.Combinations = make([]float64, 0, len(id.Singular)*p.n)
	for c := range id.Singular {
		id.Combinations = append(id.Combinations, mat.Col(nil, c, &v)...)
	}
	for j := range id.Errors {
		inside, variance := 0.0, 0.0 // of unit vector j: its part in the row space of J, and eᵀ(JᵀJ)⁺e
		for c := range id.Rank {
			e := v.At(j, c)
			inside += e * e
			variance += e * e / (id.Singular[c] * id.Singular[c])
		}
		id.Errors[j] = sigma * math.Sqrt(variance)
		if inside < 1-1e-9 {
			id.Errors[j] = posInf
		}
	}
	return id, nil
}
