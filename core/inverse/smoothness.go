package inverse

import (
	"math"

	"mcd/core/fault"
)

// Regularizer is a penalty R(h) of the potential, added to L.
type Regularizer interface {
	// Validate returns an Argument error unless the penalty makes sense for this many sites.
	Validate(sites int) error
	// Add returns R(h) and adds ∂R/∂h to grad.
	Add(h, grad []float64) float64
}

// Smoothness is Weight·L_pot with L_pot = Σ (h_i − h_j)² over all pairs of nearest neighbours: eqs. (6) and (7) of Hirasaki,
// Inui, Saitoh (2024), where Weight is 0.01. L_pot is in units of the hopping squared where h is in units of the hopping.
type Smoothness struct {
	Length, Width int
	Weight        float64
}

// Validate checks size and weight.
func (s Smoothness) Validate(sites int) error {
	if s.Length*s.Width != sites {
		return fault.Invalid("regularizers", "smoothness of %d × %d sites for a potential of %d; give the wire's length and width", s.Length, s.Width, sites)
	}
	if !(s.Weight >= 0) || math.IsInf(s.Weight, 0) {
		return fault.Invalid("regularizers", "smoothness with weight %g; give a finite weight of at least 0", s.Weight)
	}
	return nil
}

// Add returns Weight·L_pot(h).
func (s Smoothness) Add(h, grad []float64) float64 {
	sum := 0.0
	pair := func(i, j int) {
		d := h[i] - h[j]
		sum += d * d
		grad[i] += 2 * s.Weight * d
		grad[j] -= 2 * s.Weight * d
	}
	for x := range s.Length {
		for y := range s.Width {
			i := x*s.Width + y
			if x+1 < s.Length {
				pair(i, i+s.Width)
			}
			if y+1 < s.Width {
				pair(i, i+1)
			}
		}
	}
	return s.Weight * sum
}

// Roughness returns L_pot of a potential (length × width), see Smoothness.
func Roughness(length, width int, h []float64) float64 {
	return Smoothness{Length: length, Width: width, Weight: 1}.Add(h, make([]float64, len(h)))
}
