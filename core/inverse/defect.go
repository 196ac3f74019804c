package inverse

import (
	"context"

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// FindOptions govern Finder.Find.
type FindOptions struct {
	// Count is the number of defects, 1 or 2.
	Count int
	// Sigma is the standard deviation of the target's noise, 0 if unknown: then it is estimated from the fit.
	Sigma float64
	// Seed of everything random.
	Seed uint64
	// MaxEvaluations bounds the evaluations after the table is there, 0 for the default of 400 per defect; MaxSeconds bounds
	// the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Observer, if not nil, sees every iteration.
	Observer func(*Progress) error
}

// Defects is what Find found: a Result whose parameters are x, y, amplitude, radius of every defect in turn (x is a parameter
// only where there are two: shifting a single defect along the wire changes nothing).
type Defects struct {
	Result
	// X, Y, Amplitude, Radius of the defects, the one with the largest |amplitude|·radius first, and the standard errors of
	// these; NaN for what the curve does not determine.
	X, Y, Amplitude, Radius                     []float64
	XError, YError, AmplitudeError, RadiusError []float64
	// Found tells whether the curve is explained: to the noise (Sigma), or exactly to rounding. Message says so in words.
	Found bool
	// Parametrization is the one that Theta belongs to.
	Parametrization Parametrization
}

// Finder finds Gaussian defects in an otherwise clean wire. It keeps what depends on the wire alone, a table of curves, so
// that later searches start at once. Use it from one goroutine at a time.
type Finder struct {
	engine scatter.Engine
	strip  lattice.Strip
	table  *table
}

// NewFinder returns a finder for the strip that engine solves. The clean wire has the lead's on-site energy everywhere.
func NewFinder(engine scatter.Engine, strip lattice.Strip) (*Finder, error) {
	if err := strip.Validate(); err != nil {
		return nil, err
	}
	if engine.Inputs() != strip.Sites() || engine.Outputs() != strip.Points() {
		return nil, fault.Invalid("wire", "the engine has %d sites and %d points, the strip %d and %d; give the engine of this strip", engine.Inputs(), engine.Outputs(), strip.Sites(), strip.Points())
	}
	return &Finder{engine: engine, strip: strip}, nil
}

// FindDefect is NewFinder(engine, strip) and one Find.
func FindDefect(ctx context.Context, engine scatter.Engine, strip lattice.Strip, target []float64, o FindOptions) (*Defects, error) {
	f, err := NewFinder(engine, strip)
	if err != nil {
		return nil, err
	}
	return f.Find(ctx, target, o)
}

type table struct{}

var _ = optimize.Running

// Find searches the defects that explain target (points).
func (f *Finder) Find(ctx context.Context, target []float64, o FindOptions) (*Defects, error) {
	return nil, fault.New(fault.Unsupported, "the search for defects is not built yet")
}
