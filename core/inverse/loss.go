package inverse

import (
	"math"

	"mcd/core/fault"
)

// Loss is what a residual costs. The zero value is least squares.
type Loss struct {
	// Name is one of LossNames; "" means squares.
	Name string
	// Scale is c, the size of a residual from which on a robust loss grows slower than its square; not used by squares.
	Scale float64
}

// LossNames lists the losses: ρ(r) = r² (squares), c²·log(1 + r²/c²) (log), Huber's r² up to c and 2c|r| − c² beyond.
func LossNames() []string { return []string{"squares", "log", "huber"} }

func (l Loss) validate() error {
	switch l.Name {
	case "", "squares":
		return nil
	case "log", "huber":
		if !(l.Scale > 0) || math.IsInf(l.Scale, 0) {
			return fault.Invalid("loss", "scale %g; give a finite scale above 0", l.Scale)
		}
		return nil
	}
	return fault.Invalid("loss", "%q is not known; give one of %q", l.Name, LossNames())
}

// root returns u = sign(r)·√ρ(r) and du/dr.
func (l Loss) root(r float64) (u, slope float64) {
	c, a := l.Scale, math.Abs(r)
	switch l.Name {
	case "log":
		if q := a / c; q > 1e-100 {
			s := math.Log1p(q * q)
			u = c * math.Sqrt(s)
			return math.Copysign(u, r), q / (1 + q*q) / math.Sqrt(s)
		}
		return r, 1
	case "huber":
		if a > c {
			u = math.Sqrt(2*c*a - c*c)
			return math.Copysign(u, r), c / u
		}
	}
	return r, 1
}
