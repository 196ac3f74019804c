package inverse

import (
	"fmt"
	"math"
	"slices"

	"mcd/core/lattice"
)

// shapes are one or two Gaussian defects in the coordinates in which Levenberg–Marquardt finds them: y, asinh(amplitude),
// log(radius) of every defect, then the distance of two along the wire and how far their centre lies from the middle site,
// which counts only where the wire's ends cut their tails. Amplitudes are in units of the hopping. A single defect stands on
// the middle site.
type shapes struct {
	strip lattice.Strip
	count int
}

var _ Parametrization = (*shapes)(nil)

func newShapes(strip lattice.Strip, count int) *shapes { return &shapes{strip, count} }

func (s *shapes) Sites() int { return s.strip.Sites() }

func (s *shapes) Parameters() int {
	if s.count == 1 {
		return 3
	}
	return 8
}

func (s *shapes) Start() []float64 { return make([]float64, s.Parameters()) }

// Bounds keep defects on the wire, amplitudes within ±1000 and radii between half a lattice constant and the width.
func (s *shapes) Bounds() (lower, upper []float64) {
	for range s.count {
		lower = append(lower, -2, -math.Asinh(1000), math.Log(0.5))
		upper = append(upper, float64(s.strip.Width)+1, math.Asinh(1000), math.Log(float64(s.strip.Width)+1))
	}
	if s.count == 2 {
		length := float64(s.strip.Length)
		lower, upper = append(lower, -length, -length/2), append(upper, length, length/2)
	}
	return lower, upper
}

// Scales are how far one step may go: a site, 30 % of the amplitude, 20 % of the radius, a site along the wire
func (s *shapes) Scales() []float64 {
	return []float64{1, 0.3, 0.2, 1, 0.3, 0.2, 1, 1}[:s.Parameters()]
}

func (s *shapes) Label(j int) string {
	if j >= 6 {
		return [2]string{"distance", "centre"}[j-6]
	}
	return fmt.Sprintf("%s[%d]", [3]string{"y", "asinh(amplitude)", "log(radius)"}[j%3], j/3)
}

// values returns x, y, amplitude, radius of every defect.
func (s *shapes) values(theta []float64) (v [4][]float64) {
	apart, centre := 0.0, float64(s.strip.Length/2)
	if s.count == 2 {
		apart, centre = theta[6], centre+theta[7]
	}
	for d := range s.count {
		t := theta[3*d:]
		v[0] = append(v[0], centre+(float64(d)-0.5*float64(s.count-1))*apart)
		v[1] = append(v[1], t[0])
		v[2] = append(v[2], s.strip.Hopping*math.Sinh(t[1]))
		v[3] = append(v[3], math.Exp(t[2]))
	}
	return v
}

func (s *shapes) gaussians(theta []float64) *gaussians {
	n := s.strip.Sites()
	return &gaussians{width: s.strip.Width, background: constant(n, s.strip.LeadOnsite), value: s.values(theta),
		free: [4]bool{true, true, true, true}, lower: make([]float64, 4*s.count)}
}

func (s *shapes) Onsite(theta, h []float64) {
	g := s.gaussians(theta)
	g.Onsite(flat(g.value), h)
}

// flat returns x, y, amplitude, radius of every Gaussian in turn.
func flat(v [4][]float64) (theta []float64) {
	for d := range v[0] {
		theta = append(theta, v[0][d], v[1][d], v[2][d], v[3][d])
	}
	return theta
}

// Pull: dA = t·cosh(asinh A)·dθ, dr = r·dθ, dx = ±½ dθ by the distance and dθ by the
// centre.
func (s *shapes) Pull(theta, jac []float64, rows int, out []float64) {
	g := s.gaussians(theta)
	wide := make([]float64, rows*4*s.count)
	g.Pull(flat(g.value), jac, rows, wide)
	n := s.Parameters()
	for k := range rows {
		from, to := wide[k*4*s.count:(k+1)*4*s.count], out[k*n:(k+1)*n]
		for d := range s.count {
			to[3*d] = from[4*d+1]
			to[3*d+1] = from[4*d+2] * s.strip.Hopping * math.Cosh(theta[3*d+1])
			to[3*d+2] = from[4*d+3] * g.value[3][d]
		}
		if s.count == 2 {
			to[6] = (from[4] - from[0]) / 2
			to[7] = from[4] + from[0]
		}
	}
}

// coordinates is the inverse of values for one defect.
func coordinates(y, amplitude, radius float64) []float64 {
	return []float64{y, math.Asinh(amplitude), math.Log(radius)}
}

func pair(a, b []float64, apart float64) []float64 { return append(slices.Concat(a, b), apart, 0) }
