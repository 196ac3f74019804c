package optimize

import (
	"slices"

	"gonum.org/v1/gonum/blas/blas64"
)

// curvature knows how residuals bend between the points visited last. With e_i = x_i − x the way back to point i and T the
// second derivative of the residuals at x,
//
//	T[e_i, v] ≈ (J_i − J)v,  T[e_i, e_i] ≈ 2(r_i − r − Je_i).
//
// A step d = Σα_i e_i + d′, with d′ orthogonal to every e_i, bends the residuals by ½T[d, d], of which all is known but
// ½T[d′, d′]:
//
//	c = Σ_i α_i²(r_i − r − Je_i) + Σ_i α_i(J_i − J)(d′ + ½Σ_{j≠i} α_j e_j).
//
// The step that makes up for it, −Jᵀ(K + μD)⁻¹c, is the known part of geodesic acceleration (Transtrum and Sethna 2012) by
// the secants of tensor methods (Schnabel and Frank 1984), at the price of a product with each J_i.
type curvature struct {
	past []visited // oldest first
}

// visited is a point with its residual and Jacobian.
type visited struct{ x, r, jac []float64 }

const (
	// pastPoints is how many points are remembered.
	pastPoints = 4
	// maxReach is the greatest |e_i| in units of |d|: T changes on the way.
	maxReach = 2
	// minAngle is the least part of e_i, relative to it, outside of the span of later points.
	minAngle = 0.2
	// maxBend is the greatest correction in units of |d|.
	maxBend = 0.5
)

// push remembers a point and returns the one forgotten for it, whose memory is the caller's.
func (c *curvature) push(p visited) (forgotten visited) {
	if len(c.past) == pastPoints {
		forgotten = c.past[0]
		c.past = slices.Delete(c.past, 0, 1)
	}
	c.past = append(c.past, p)
	return forgotten
}

// along returns c for the step d from x with residual r and Jacobian jac, nil if nothing is known along d; it is complete
// once the products are added.
func (c *curvature) along(x, d, r, jac []float64) (sum []float64, products []product) {
	used, ways, basis := c.near(x, norm(d))
	if len(used) == 0 {
		return nil, nil
	}
	alpha := split(d, ways, basis)
	rest := slices.Clone(d)
	for i, e := range ways {
		axpy(-alpha[i], e, rest)
	}
	sum = make([]float64, len(r))
	all := make([]float64, len(d)) // what J is applied to, negative
	for i, p := range used {
		v := slices.Clone(rest)
		for j, e := range ways {
			if j != i {
				axpy(alpha[j]/2, e, v)
			}
		}
		products = append(products, product{sum, alpha[i], p.jac, v})
		axpy(alpha[i], v, all)
		axpy(alpha[i]*alpha[i], ways[i], all)
		for k := range sum {
			sum[k] += alpha[i] * alpha[i] * (p.r[k] - r[k])
		}
	}
	return sum, append(products, product{sum, -1, jac, all})
}

// near returns the points within reach of a step of the given length from x, the latest first, the ways to them, and an
// orthonormal basis of these.
func (c *curvature) near(x []float64, length float64) (used []visited, ways, basis [][]float64) {
	for _, p := range slices.Backward(c.past) {
		e := slices.Clone(p.x)
		axpy(-1, x, e)
		u, whole := slices.Clone(e), norm(e)
		for _, q := range basis {
			axpy(-dot(u, q), q, u)
		}
		if left := norm(u); whole <= maxReach*length && left >= minAngle*whole && left > 0 {
			for j := range u {
				u[j] /= left
			}
			used, ways, basis = append(used, p), append(ways, e), append(basis, u)
		}
	}
	return used, ways, basis
}

// split returns the α of the part Σα_i e_i of d: e_i lies in the span of the first i vectors of the basis.
func split(d []float64, ways, basis [][]float64) []float64 {
	alpha := make([]float64, len(ways))
	for i := len(ways) - 1; i >= 0; i-- {
		alpha[i] = dot(basis[i], d)
		for j := i + 1; j < len(ways); j++ {
			alpha[i] -= dot(basis[i], ways[j]) * alpha[j]
		}
		alpha[i] /= dot(basis[i], ways[i])
	}
	return alpha
}

func axpy(a float64, x, y []float64) { blas64.Axpy(a, vector(x), vector(y)) }
