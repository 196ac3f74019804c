package inverse

import (
	"fmt"
	"math"
	"slices"

	"mcd/core/fault"
)

// Gaussians is a sum of Gaussian defects on a background,
//
//	h(x, y) = background + Σ_d amplitude_d·exp(−((x−x_d)² + (y−y_d)²)/r_d²)
//
// with lengths in lattice constants. The parameters are the free quantities, Gaussian by Gaussian in the order x, y, amplitude,
// radius; the others keep their values.
type Gaussians struct {
	// Length and Width are those of the wire; or Positions holds x and y of every site of a device (sites × 2), and they are 0.
	Length, Width int
	Positions     []float64
	// X, Y, Amplitude, Radius have one entry per defect; radii are above 0.
	X, Y, Amplitude, Radius []float64
	// Free says which of x, y, amplitude, radius are parameters; at least one.
	Free Quantities
	// Lower and Upper bound each quantity: none, one value for all defects, or one each. A free radius is bounded below by
	// MinRadius where nothing is given.
	Lower, Upper GaussianBounds
	// Background holds the on-site energies without defects (Length × Width), or one value for all sites; 4 in the paper
	// (the lead's on-site energy).
	Background []float64
}

// Quantities selects quantities of Gaussian defects.
type Quantities struct{ X, Y, Amplitude, Radius bool }

// GaussianBounds are bounds of each quantity.
type GaussianBounds struct{ X, Y, Amplitude, Radius []float64 }

// MinRadius is the smallest radius a free Gaussian may shrink to unless bounds say otherwise: at 0.1 lattice constants a
// defect on a site is a single site and none off the site.
const MinRadius = 0.1

// gaussianNames are the quantities in the order of the parameters.
var gaussianNames = [4]string{"x", "y", "amplitude", "radius"}

// Build checks the description.
func (g Gaussians) Build() (Parametrization, error) {
	n, count := g.Length*g.Width, len(g.X)
	switch {
	case g.Positions == nil && (g.Length < 1 || g.Width < 1):
		return nil, fault.Invalid("length", "%d × %d sites; give at least 1 × 1", g.Length, g.Width)
	case g.Positions != nil && (n != 0 || len(g.Positions) == 0 || len(g.Positions)%2 != 0):
		return nil, fault.Invalid("positions", "%d values; give x and y of every site, and no length and width", len(g.Positions))
	case g.Positions != nil:
		n = len(g.Positions) / 2
	}
	if err := checkFinite("positions", g.Positions); err != nil {
		return nil, err
	}
	if count == 0 {
		return nil, fault.Invalid("x", "empty; give at least one Gaussian")
	}
	p := &gaussians{width: g.Width, positions: slices.Clone(g.Positions), free: [4]bool{g.Free.X, g.Free.Y, g.Free.Amplitude, g.Free.Radius}}
	if p.free == [4]bool{} {
		return nil, fault.Invalid("free", "nothing is free; name at least one of %q", gaussianNames)
	}
	values := [4][]float64{g.X, g.Y, g.Amplitude, g.Radius}
	lowers := [4][]float64{g.Lower.X, g.Lower.Y, g.Lower.Amplitude, g.Lower.Radius}
	uppers := [4][]float64{g.Upper.X, g.Upper.Y, g.Upper.Amplitude, g.Upper.Radius}
	if len(lowers[3]) == 0 {
		lowers[3] = []float64{MinRadius}
	}
	for q, v := range values {
		if len(v) != count {
			return nil, fault.Invalid(gaussianNames[q], "%d values for %d Gaussians; give one for each", len(v), count)
		}
		if err := checkFinite(gaussianNames[q], v); err != nil {
			return nil, err
		}
		p.value[q] = slices.Clone(v)
		var err error
		if lowers[q], uppers[q], err = bound(gaussianNames[q], lowers[q], uppers[q], count); err != nil {
			return nil, err
		}
		if lowers[q] == nil {
			lowers[q], uppers[q] = constant(count, negInf), constant(count, posInf)
		}
	}
	if slices.Min(lowers[3]) <= 0 {
		return nil, fault.Invalid("lower", "the radius may fall to %g; give a lower bound above 0", slices.Min(lowers[3]))
	}
	for d := range count {
		for q, free := range p.free {
			if free {
				p.lower, p.upper = append(p.lower, lowers[q][d]), append(p.upper, uppers[q][d])
			}
		}
	}
	for d, r := range g.Radius {
		if !(r > 0) {
			return nil, fault.Invalid("radius", "Gaussian %d has radius %g; give radii above 0", d, r)
		}
	}
	if len(g.Background) == 0 {
		return nil, fault.Invalid("background", "empty; give one on-site energy for all sites or one for each")
	}
	if err := checkFinite("background", g.Background); err != nil {
		return nil, err
	}
	var err error
	if p.background, err = spread("background", g.Background, n, 0); err != nil {
		return nil, err
	}
	return p, nil
}

type gaussians struct {
	width        int       // of a wire
	positions    []float64 // of a device
	background   []float64
	value        [4][]float64 // x, y, amplitude, radius
	free         [4]bool
	lower, upper []float64
}

func (g *gaussians) Sites() int                       { return len(g.background) }
func (g *gaussians) Parameters() int                  { return len(g.lower) }
func (g *gaussians) Bounds() (lower, upper []float64) { return g.lower, g.upper }

func (g *gaussians) Start() []float64 {
	var theta []float64
	for d := range g.value[0] {
		for q, free := range g.free {
			if free {
				j := len(theta)
				theta = append(theta, min(max(g.value[q][d], g.lower[j]), g.upper[j]))
			}
		}
	}
	return theta
}

// perDefect returns the quantities that are free, in the order of the parameters.
func (g *gaussians) perDefect() []int {
	var q []int
	for i, free := range g.free {
		if free {
			q = append(q, i)
		}
	}
	return q
}

func (g *gaussians) Label(j int) string {
	free := g.perDefect()
	return fmt.Sprintf("%s[%d]", gaussianNames[free[j%len(free)]], j/len(free))
}

// quantities returns x, y, amplitude, radius of every defect.
func (g *gaussians) quantities(theta []float64) [4][]float64 {
	value, free := g.value, g.perDefect()
	for i, q := range free {
		value[q] = make([]float64, len(g.value[q]))
		for d := range value[q] {
			value[q][d] = theta[d*len(free)+i]
		}
	}
	return value
}

// position returns where site i is.
func (g *gaussians) position(i int) (x, y float64) {
	if g.positions != nil {
		return g.positions[2*i], g.positions[2*i+1]
	}
	return float64(i / g.width), float64(i % g.width)
}

func (g *gaussians) Onsite(theta, h []float64) {
	v := g.quantities(theta)
	copy(h, g.background)
	for d := range v[0] {
		for i := range h {
			x, y := g.position(i)
			dx, dy := x-v[0][d], y-v[1][d]
			h[i] += v[2][d] * math.Exp(-(dx*dx+dy*dy)/(v[3][d]*v[3][d]))
		}
	}
}

func (g *gaussians) Pull(theta, jac []float64, rows int, out []float64) {
	v, free, n := g.quantities(theta), g.perDefect(), g.Parameters()
	slope := make([]float64, len(g.background)*n) // dh_i/dθ_j
	for i := range g.background {
		row := slope[i*n : (i+1)*n]
		x, y := g.position(i)
		for d := range v[0] {
			dx, dy, r := x-v[0][d], y-v[1][d], v[3][d]
			s := (dx*dx + dy*dy) / (r * r)
			e := math.Exp(-s)
			a := v[2][d] * e
			by := [4]float64{2 * a * dx / (r * r), 2 * a * dy / (r * r), e, 2 * a * s / r}
			for k, q := range free {
				row[d*len(free)+k] = by[q]
			}
		}
	}
	multiply(rows, len(g.background), n, jac, slope, out)
}

// GaussianQuantities returns x, y, amplitude, radius of every defect for parameters theta of a parametrization built by
// Gaussians (constrained or not), false for any other.
func GaussianQuantities(p Parametrization, theta []float64) (values [4][]float64, ok bool) {
	if t, is := p.(*tied); is {
		return GaussianQuantities(t.base, t.expand(theta))
	}
	g, ok := p.(*gaussians)
	if !ok {
		return values, false
	}
	values = g.quantities(theta)
	for q := range values {
		values[q] = slices.Clone(values[q])
	}
	return values, true
}
