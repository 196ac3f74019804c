package inverse

import (
	"fmt"
	"slices"

	"mcd/core/fault"
)

// Gates makes the voltages of gate electrodes the parameters, h_i = background_i + Σ_g volts_g·basis[g][i].
type Gates struct {
	// Sites is the number of on-site energies.
	Sites int
	// Basis holds the energy every gate adds to every site per volt (gates × Sites).
	Basis []float64
	// Volts are the voltages to start from, one per gate; at least one.
	Volts []float64
	// Lower and Upper limit the voltages: none, one value for all, or one for each gate.
	Lower, Upper []float64
	// Background holds the on-site energies at zero volts (Sites), or one value for all sites.
	Background []float64
}

// Build checks the description.
func (g Gates) Build() (Parametrization, error) {
	n := len(g.Volts)
	switch {
	case n == 0:
		return nil, fault.Invalid("volts", "empty; give one voltage for each gate")
	case g.Sites < 1:
		return nil, fault.Invalid("basis", "%d sites; give at least 1", g.Sites)
	case len(g.Basis) != n*g.Sites:
		return nil, fault.Invalid("basis", "%d values for %d gates × %d sites; give one for each", len(g.Basis), n, g.Sites)
	case len(g.Background) == 0:
		return nil, fault.Invalid("background", "empty; give one on-site energy for all sites or one for each")
	}
	for _, c := range []struct {
		name   string
		values []float64
	}{{"basis", g.Basis}, {"volts", g.Volts}, {"background", g.Background}} {
		if err := checkFinite(c.name, c.values); err != nil {
			return nil, err
		}
	}
	p := &gates{volts: slices.Clone(g.Volts)}
	var err error
	if p.background, err = spread("background", g.Background, g.Sites, 0); err != nil {
		return nil, err
	}
	if p.lower, p.upper, err = bound("gate", g.Lower, g.Upper, n); err != nil {
		return nil, err
	}
	for j, v := range p.volts {
		if p.lower != nil {
			p.volts[j] = min(max(v, p.lower[j]), p.upper[j])
		}
	}
	p.slope = make([]float64, g.Sites*n)
	for j := range n {
		for i := range g.Sites {
			p.slope[i*n+j] = g.Basis[j*g.Sites+i]
		}
	}
	return p, nil
}

type gates struct {
	background   []float64
	slope        []float64 // [site][gate]
	volts        []float64
	lower, upper []float64
}

func (g *gates) Sites() int                       { return len(g.background) }
func (g *gates) Parameters() int                  { return len(g.volts) }
func (g *gates) Start() []float64                 { return slices.Clone(g.volts) }
func (g *gates) Bounds() (lower, upper []float64) { return g.lower, g.upper }
func (g *gates) Label(j int) string               { return fmt.Sprintf("volts[%d]", j) }

func (g *gates) Onsite(theta, h []float64) {
	multiply(len(h), len(theta), 1, g.slope, theta, h)
	for i, b := range g.background {
		h[i] += b
	}
}

func (g *gates) Pull(_, jac []float64, rows int, out []float64) {
	multiply(rows, len(g.background), len(g.volts), jac, g.slope, out)
}
