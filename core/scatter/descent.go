package scatter

import "context"

// Affine describes on-site energies of parameters θ by quantities q = base + Tθ: the energies are the quantities themselves, or a
// sum of Gaussians with quantities x, y, amplitude, radius of each, on a background.
type Affine struct {
	Gaussians        bool
	Parameters       int
	Base, Background []float64
	// T in compressed rows: row i has the entries Start[i] … Start[i+1]−1, Index their columns.
	Start, Index []int32
	Value        []float64
}

// Descent describes runs of a first-order method, one for each design: what package inverse states and package optimize does
// step by step, for an engine that takes the steps where the states are.
type Descent struct {
	Map             Affine
	Lower, Upper    []float64 // bounds of the parameters, nil for none
	Target, Weights []float64 // (Outputs); Weights nil for ones
	Loss            string    // "squares", "log", "huber"
	LossScale       float64
	Smoothness      float64 // weight of the sum of squared differences of neighbours
	Rule            string  // "rmsprop", "adabelief", "adam"
	Rate            float64
	ScheduleSteps   []int64
	ScheduleFactors []float64
	StopObjective   float64
	// Where the runs begin: (designs × parameters), (designs × moments × parameters), and the steps done before, (designs).
	Points, Moments []float64
	Iterations      []int64
}

// Descender is implemented by engines that take the steps of first-order methods themselves.
type Descender interface {
	// Descend prepares runs; an error if it cannot.
	Descend(ctx context.Context, d *Descent) (Descending, error)
}

// Descending is a set of runs under way.
type Descending interface {
	// Advance evaluates the points where the runs stand, if that has not been done, and takes at most n steps; fewer if a run's
	// objective reached its goal or is not a number, or if the time for cancelling is up. It returns the same Stretch every time.
	Advance(ctx context.Context, n int) (*Stretch, error)
	Close()
}

// Stretch is where runs stand, and how they came there since the last call; [design]… throughout.
type Stretch struct {
	Steps          []int64     // steps taken
	Objectives     [][]float64 // L after each of them
	Objective      []float64   // L of Points
	Points         []float64
	Moments        []float64
	Best           []float64 // objective of BestPoints, the best since the runs were prepared
	BestPoints     []float64
	StepNorm, Peak []float64 // length of the last step; largest entry of the projected gradient where it began
	Stalled        []bool    // the objective is not a number: no step can be taken
}

// Row appends a row of T.
func (a *Affine) Row(values []float64) {
	for j, v := range values {
		if v != 0 {
			a.Index, a.Value = append(a.Index, int32(j)), append(a.Value, v)
		}
	}
	a.Start = append(a.Start, int32(len(a.Index)))
}
