// Package exchange reads and writes what programs exchange: problems, settings, states of runs and results, as FlatBuffers
// (schema include/mcd.fbs) and as .mcd files. What is read is never trusted: the buffer is verified, then its meaning.
package exchange

import (
	"slices"

	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// Document is the content of a file or buffer; everything but Problem may be absent.
type Document struct {
	Problem *Problem
	Options *inverse.DesignOptions
	State   *inverse.RunState
	Result  *Result
}

// Problem describes an inverse problem by plain values; see mcd.fbs for the meaning of each.
type Problem struct {
	Wire         lattice.Strip
	Backend      string
	Target       []float64
	Weights      []float64
	Loss         inverse.Loss
	Sites        *Sites // exactly one of Sites, Gaussians and Gates
	Gaussians    *Gaussians
	Gates        *Gates
	Background   []float64
	Lower, Upper []float64
	Frozen       []byte
	Ties         []int64
	Mirror       string
	Filter       float64
	Smoothness   float64
}

// Sites is the parametrization by on-site energies.
type Sites struct{ Start []float64 }

// Gaussians is the parametrization by Gaussians; Free is a sum of the bits FreeX to FreeRadius.
type Gaussians struct {
	X, Y, Amplitude, Radius []float64
	Free                    uint32
}

// Gates is the parametrization by gates.
type Gates struct{ Basis, Volts []float64 }

// Bits of Gaussians.Free.
const (
	FreeX uint32 = 1 << iota
	FreeY
	FreeAmplitude
	FreeRadius
)

// Result is what a run found.
type Result struct {
	Outcomes    []Outcome // best first
	Evaluations int
	Seconds     float64
	Backend     string
}

// Outcome is what one start found; Errors are standard errors of the entries, nil if not known; Roughness is L_pot along the
// history, nil unless a potential was smoothed.
type Outcome struct {
	inverse.Outcome
	Errors    []float64
	Roughness []float64
}

// mirrors are the symmetries by name.
var mirrors = map[string]inverse.Mirror{"": inverse.MirrorNone, "none": inverse.MirrorNone, "x": inverse.MirrorX, "y": inverse.MirrorY,
	"both": inverse.MirrorBoth, "point": inverse.MirrorPoint}

// Entries returns the number of entries of the parametrization.
func (p *Problem) Entries() int {
	switch {
	case p.Gaussians != nil:
		quantities := 0
		for bit := FreeX; bit <= FreeRadius; bit <<= 1 {
			if p.Gaussians.Free&bit != 0 {
				quantities++
			}
		}
		return quantities * len(p.Gaussians.X)
	case p.Gates != nil:
		return len(p.Gates.Volts)
	}
	return p.Wire.Sites()
}

// Clone returns a copy whose parts may be replaced (not changed in place) without a trace in p.
func (p *Problem) Clone() *Problem {
	c := *p
	return &c
}

// Parametrization builds the parametrization.
func (p *Problem) Parametrization() (inverse.Parametrization, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.Sites != nil {
		return p.sites()
	}
	var base inverse.Builder
	if g := p.Gaussians; g != nil {
		base = inverse.Gaussians{Length: p.Wire.Length, Width: p.Wire.Width, X: g.X, Y: g.Y, Amplitude: g.Amplitude, Radius: g.Radius,
			Free:       inverse.Quantities{X: g.Free&FreeX != 0, Y: g.Free&FreeY != 0, Amplitude: g.Free&FreeAmplitude != 0, Radius: g.Free&FreeRadius != 0},
			Background: p.background()}
	} else {
		base = inverse.Gates{Sites: p.Wire.Sites(), Basis: p.Gates.Basis, Volts: p.Gates.Volts, Background: p.background()}
	}
	built, err := base.Build()
	if err != nil || p.Lower == nil && p.Upper == nil && p.Frozen == nil && p.Ties == nil {
		return built, err
	}
	c := inverse.Constraints{Lower: p.Lower, Upper: p.Upper, Ties: ints(p.Ties)}
	if p.Frozen != nil {
		c.Frozen = flags(p.Frozen, 1)
	}
	return inverse.Constrain(built, c)
}

func (p *Problem) sites() (inverse.Parametrization, error) {
	s := inverse.Sites{Length: p.Wire.Length, Width: p.Wire.Width, Start: p.Sites.Start, Lower: p.Lower, Upper: p.Upper,
		Mirror: mirrors[p.Mirror], Ties: ints(p.Ties), FilterRadius: p.Filter}
	if p.Frozen != nil {
		s.Mask = flags(p.Frozen, 0)
		if !slices.Contains(s.Mask, true) {
			return nil, fault.Invalid("frozen", "all %d sites; leave at least one free", len(s.Mask))
		}
	}
	return s.Build()
}

// background returns the fixed potential, one value if it is the same everywhere.
func (p *Problem) background() []float64 {
	if p.Background == nil {
		return []float64{p.Wire.LeadOnsite}
	}
	return p.Background
}

func ints(values []int64) []int {
	if values == nil {
		return nil
	}
	out := make([]int, len(values))
	for i, v := range values {
		out[i] = int(v)
	}
	return out
}

// flags tells for every byte whether it equals one.
func flags(values []byte, one byte) []bool {
	out := make([]bool, len(values))
	for i, v := range values {
		out[i] = v == one
	}
	return out
}

// check returns an Argument error for what the parametrizations of package inverse do not look at.
func (p *Problem) check() error {
	if err := memory.Fits(16 * p.Wire.Sites()); err != nil { // a few bytes may ask for 2^28 sites
		return err
	}
	kinds := 0
	for _, is := range []bool{p.Sites != nil, p.Gaussians != nil, p.Gates != nil} {
		if is {
			kinds++
		}
	}
	_, known := mirrors[p.Mirror]
	switch {
	case kinds != 1:
		return fault.Invalid("parametrization", "%d of sites, Gaussians and gates are given; give one", kinds)
	case p.Gaussians != nil && p.Gaussians.Free > FreeX|FreeY|FreeAmplitude|FreeRadius:
		return fault.Invalid("free", "%#x has unknown bits; give a sum of MCD_FREE_*", p.Gaussians.Free)
	case !known:
		return fault.Invalid("mirror", "%q is not known; give one of \"none\", \"x\", \"y\", \"both\", \"point\"", p.Mirror)
	case p.Sites == nil && mirrors[p.Mirror] != inverse.MirrorNone:
		return fault.Invalid("mirror", "%q is for a potential by sites; tie entries instead", p.Mirror)
	case p.Sites == nil && p.Filter != 0:
		return fault.Invalid("filter", "%g is for a potential by sites; give 0", p.Filter)
	case p.Background != nil && len(p.Background) != p.Wire.Sites():
		return fault.Invalid("background", "%d values for %d × %d sites; give one for each", len(p.Background), p.Wire.Length, p.Wire.Width)
	}
	entries := p.Entries()
	for _, c := range []struct {
		name string
		n    int
	}{{"lower", len(p.Lower)}, {"upper", len(p.Upper)}, {"frozen", len(p.Frozen)}, {"ties", len(p.Ties)}} {
		if c.n != 0 && c.n != entries {
			return fault.Invalid(c.name, "%d values for %d entries of the parametrization; give one for each", c.n, entries)
		}
	}
	for i, f := range p.Frozen {
		if f > 1 {
			return fault.Invalid("frozen", "entry %d is %d; give 1 for frozen, 0 for free", i, f)
		}
	}
	for i, t := range p.Ties {
		if t < -1 {
			return fault.Invalid("ties", "entry %d is %d; give a number from 0, or -1 for entries that stand alone", i, t)
		}
	}
	return nil
}

// Build returns the inverse problem on an engine of its wire.
func (p *Problem) Build(e scatter.Engine) (*inverse.Problem, error) {
	parametrization, err := p.Parametrization()
	if err != nil {
		return nil, err
	}
	strip := p.Wire
	setup := inverse.Setup{Engine: e, Strip: &strip, Target: p.Target, Weights: p.Weights, Loss: p.Loss, Parametrization: parametrization}
	if p.Smoothness != 0 {
		setup.Regularizers = []inverse.Regularizer{inverse.Smoothness{Length: strip.Length, Width: strip.Width, Weight: p.Smoothness}}
	}
	return inverse.NewProblem(setup)
}

// Validate returns the parametrization of a problem that can be built, else an Argument error; it needs no engine.
func (p *Problem) Validate() (inverse.Parametrization, error) {
	if err := p.Wire.Validate(); err != nil {
		return nil, err
	}
	built, err := p.Build(sizes{inputs: p.Wire.Sites(), outputs: p.Wire.Points()})
	if err != nil {
		return nil, err
	}
	return built.Setup().Parametrization, nil
}

// sizes stands for an engine where only sizes matter.
type sizes struct {
	scatter.Engine
	inputs, outputs int
}

func (s sizes) Inputs() int    { return s.inputs }
func (s sizes) Outputs() int   { return s.outputs }
func (s sizes) Ceiling() []int { return make([]int, s.outputs) }
