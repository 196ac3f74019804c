// Package exchange reads and writes what programs exchange: problems, settings, states of runs and results, as FlatBuffers
// (schema include/mcd.fbs) and as .mcd files. What is read is never trusted: the buffer is verified, then its meaning.
package exchange

import (
	"slices"

	"mcd/adjoint"
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
	Wire         lattice.Strip // unless Device is given
	Backend      string
	Device       *Device
	Curves       []int64   // of a device: leads (to, from) of every curve
	Target       []float64 // of a device [curve][point]
	Weights      []float64
	Loss         inverse.Loss
	Sites        *Sites // exactly one of Sites, Gaussians, Gates and Directions
	Gaussians    *Gaussians
	Gates        *Gates
	Directions   *Directions // of a device only
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

// Directions is the parametrization of a device by coefficients of directions.
type Directions struct {
	Directions []adjoint.Direction
	Start      []float64
	Names      []string // nil for none
}

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
	return p.Inputs()
}

// Inputs returns the number of the engine's inputs: sites of the wire, orbitals of the device, or coefficients of directions.
func (p *Problem) Inputs() int {
	switch {
	case p.Directions != nil:
		return len(p.Directions.Start)
	case p.Device != nil:
		return p.Device.Lattice.Orbitals
	}
	return p.Wire.Sites()
}

// Outputs returns the number of values of the target.
func (p *Problem) Outputs() int {
	if p.Device != nil {
		return len(p.Curves) / 2 * p.Device.Lattice.Points()
	}
	return p.Wire.Points()
}

// Pairs returns the transmissions that the curves of a device are.
func (p *Problem) Pairs() []scatter.Pair {
	pairs := make([]scatter.Pair, len(p.Curves)/2)
	for i := range pairs {
		pairs[i] = scatter.Pair{To: int(p.Curves[2*i]), From: int(p.Curves[2*i+1])}
	}
	return pairs
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
	switch g := p.Gaussians; {
	case g != nil:
		description := inverse.Gaussians{Length: p.Wire.Length, Width: p.Wire.Width, X: g.X, Y: g.Y, Amplitude: g.Amplitude, Radius: g.Radius,
			Free:       inverse.Quantities{X: g.Free&FreeX != 0, Y: g.Free&FreeY != 0, Amplitude: g.Free&FreeAmplitude != 0, Radius: g.Free&FreeRadius != 0},
			Background: p.background()}
		if p.Device != nil {
			var err error
			if description.Positions, err = p.Device.Plane(); err != nil {
				return nil, err
			}
		}
		base = description
	case p.Gates != nil:
		base = inverse.Gates{Sites: p.Inputs(), Basis: p.Gates.Basis, Volts: p.Gates.Volts, Background: p.background()}
	default:
		base = inverse.Coefficients{Start: p.Directions.Start, Names: p.Directions.Names}
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
	length, width := p.Wire.Length, p.Wire.Width
	if p.Device != nil {
		length, width = p.Inputs(), 1
	}
	s := inverse.Sites{Length: length, Width: width, Start: p.Sites.Start, Lower: p.Lower, Upper: p.Upper,
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
		return []float64{p.Clean()}
	}
	return p.Background
}

// Clean returns the on-site energy of sites where nothing is said: of a wire that of its leads, of a device 0, since on-site
// energies are added to its Hamiltonians.
func (p *Problem) Clean() float64 {
	if p.Device != nil {
		return 0
	}
	return p.Wire.LeadOnsite
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
	if err := memory.Fits(16 * p.Inputs()); err != nil { // a few bytes may ask for 2^28 sites
		return err
	}
	if err := p.checkDevice(); err != nil {
		return err
	}
	kinds := 0
	for _, is := range []bool{p.Sites != nil, p.Gaussians != nil, p.Gates != nil, p.Directions != nil} {
		if is {
			kinds++
		}
	}
	_, known := mirrors[p.Mirror]
	switch {
	case kinds != 1:
		return fault.Invalid("parametrization", "%d of sites, Gaussians, gates and directions are given; give one", kinds)
	case p.Gaussians != nil && p.Gaussians.Free > FreeX|FreeY|FreeAmplitude|FreeRadius:
		return fault.Invalid("free", "%#x has unknown bits; give a sum of MCD_FREE_*", p.Gaussians.Free)
	case !known:
		return fault.Invalid("mirror", "%q is not known; give one of \"none\", \"x\", \"y\", \"both\", \"point\"", p.Mirror)
	case p.Sites == nil && mirrors[p.Mirror] != inverse.MirrorNone:
		return fault.Invalid("mirror", "%q is for a potential by sites; tie entries instead", p.Mirror)
	case p.Sites == nil && p.Filter != 0:
		return fault.Invalid("filter", "%g is for a potential by sites; give 0", p.Filter)
	case p.Background != nil && p.Device != nil && len(p.Background) != p.Inputs():
		return fault.Invalid("background", "%d values for %d orbitals; give one for each", len(p.Background), p.Inputs())
	case p.Background != nil && p.Device == nil && len(p.Background) != p.Wire.Sites():
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

// checkDevice returns an Argument error where curves and settings do not fit a device, or a wire.
func (p *Problem) checkDevice() error {
	if p.Device == nil {
		switch {
		case p.Directions != nil:
			return fault.Invalid("directions", "they are for devices; vary a wire by sites, Gaussians or gates")
		case len(p.Curves) > 0:
			return fault.Invalid("curves", "they are for devices; a wire has one curve")
		}
		return nil
	}
	switch leads := int64(len(p.Device.Leads)); {
	case len(p.Curves) == 0 || len(p.Curves)%2 != 0:
		return fault.Invalid("curves", "%d elements; give two leads, to and from, for each curve, and at least one curve", len(p.Curves))
	case slices.Min(p.Curves) < 0 || slices.Max(p.Curves) >= leads:
		return fault.Invalid("curves", "from lead %d to lead %d; the device has leads 0 to %d", slices.Min(p.Curves), slices.Max(p.Curves), leads-1)
	case mirrors[p.Mirror] != inverse.MirrorNone:
		return fault.Invalid("mirror", "%q is for wires; tie the orbitals of a device", p.Mirror)
	case p.Filter != 0:
		return fault.Invalid("filter", "%g is for wires; give 0", p.Filter)
	case p.Smoothness != 0:
		return fault.Invalid("regularizers", "smoothness is for wires; give none")
	}
	return nil
}

// Build returns the inverse problem on an engine of its wire or device.
func (p *Problem) Build(e scatter.Engine) (*inverse.Problem, error) {
	parametrization, err := p.Parametrization()
	if err != nil {
		return nil, err
	}
	setup := inverse.Setup{Engine: e, Target: p.Target, Weights: p.Weights, Loss: p.Loss, Parametrization: parametrization}
	if p.Device != nil {
		return inverse.NewProblem(setup)
	}
	strip := p.Wire
	setup.Strip = &strip
	if p.Smoothness != 0 {
		setup.Regularizers = []inverse.Regularizer{inverse.Smoothness{Length: strip.Length, Width: strip.Width, Weight: p.Smoothness}}
	}
	return inverse.NewProblem(setup)
}

// Validate returns the parametrization of a problem that can be built, else an Argument error; it needs no engine. A device
// and its directions are taken as valid: see Device.Validate and adjoint.ValidateDirections.
func (p *Problem) Validate() (inverse.Parametrization, error) {
	if p.Device == nil {
		if err := p.Wire.Validate(); err != nil {
			return nil, err
		}
	}
	built, err := p.Build(sizes{inputs: p.Inputs(), outputs: p.Outputs()})
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
