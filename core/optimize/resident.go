package optimize

import (
	"context"
	"math"

	"mcd/core/fault"
)

// Descender is implemented by problems that can take the steps of first-order methods where their engine keeps its state, many
// at a time.
type Descender interface {
	// Descend prepares a run from s by o's method, rate and schedule; an error if it cannot.
	Descend(ctx context.Context, o *Options, s *State) (Descent, error)
}

// Descent is such a run.
type Descent interface {
	// Advance evaluates the point where the run stands, if that has not been done, and takes at most n steps. The slices belong
	// to the descent and are valid until the next call.
	Advance(ctx context.Context, n int) (*Stretch, error)
	Close()
}

// Stretch is what a descent did since it was last asked.
type Stretch struct {
	Objectives     []float64 // L after every step taken
	Objective      float64   // L at Point
	Point, Vectors []float64
	Best           []float64 // the best point of the descent, and L there
	BestObjective  float64
	// StepNorm is the length of the last step, Slope the largest entry of the projected gradient where it began.
	StepNorm, Slope float64
	Stalled         bool // L is not a number: no step can be taken
}

// descend returns the strategy that takes steps by the problem itself, nil if the problem cannot or a test has to look at every
// single step. What keeps the problem from it shows again, if it matters, at the first evaluation.
func descend(ctx context.Context, p Problem, o *Options, s *State) *resident {
	d, ok := p.(Descender)
	if !ok || o.StepTolerance > 0 || o.GradientTolerance > 0 || o.StallIterations > 0 {
		return nil
	}
	if len(s.Vectors) == 0 {
		s.Vectors = make([]float64, rules[o.Method].moments*len(s.Point))
	}
	run, err := d.Descend(ctx, o, s)
	if err != nil {
		return nil
	}
	return &resident{run: run, o: o}
}

// resident is a first-order method whose steps the problem takes. One step of the loop is a stretch of them: the observer sees
// the last of each stretch. Where the problem cannot go on, a GPU that was lost for one, single steps do if its evaluations still
// work.
type resident struct {
	run     Descent
	o       *Options
	l, peak float64
	stalled bool
	single  *firstOrder // nil until then
}

func (r *resident) begin(ctx context.Context, e *evaluator, s *State, _ bool) error {
	if err := e.charge(); err != nil {
		return err
	}
	out, err := r.run.Advance(ctx, 0)
	if err != nil {
		return r.singly(ctx, e, s, err)
	}
	r.take(e, s, out)
	return nil
}

// singly goes over to single steps from s after an error of the problem's own steps, unless it is one of another kind.
func (r *resident) singly(ctx context.Context, e *evaluator, s *State, err error) error {
	if kind := fault.KindOf(err); kind != fault.Unsupported && kind != fault.Memory {
		return err
	}
	f, free := newFirstOrder(r.o), e.free
	e.free = true // the point has been counted
	err = f.begin(ctx, e, s, false)
	if e.free = free; err == nil {
		r.single = f
	}
	return err
}

// take copies where the run stands.
func (r *resident) take(e *evaluator, s *State, out *Stretch) {
	copy(s.Point, out.Point)
	copy(s.Vectors, out.Vectors)
	if out.BestObjective < e.bestObjective {
		e.best, e.bestObjective = append(e.best[:0], out.Best...), out.BestObjective
	}
	r.l, r.peak, r.stalled = finiteOrInf(out.Objective), out.Slope, out.Stalled
}

func finiteOrInf(l float64) float64 {
	if math.IsNaN(l) {
		return math.Inf(1)
	}
	return l
}

func (r *resident) step(ctx context.Context, e *evaluator, s *State) (stepInfo, error) {
	if r.single != nil {
		return r.single.step(ctx, e, s)
	}
	if r.stalled {
		return stepInfo{}, errStalled
	}
	n := math.MaxInt
	if e.limit > 0 {
		n = int(e.limit - e.count)
	}
	if r.o.MaxIterations > 0 {
		n = min(n, r.o.MaxIterations-int(s.Iteration))
	}
	if n <= 0 {
		return stepInfo{}, errBudget
	}
	out, err := r.run.Advance(ctx, n)
	if err != nil {
		if err = r.singly(ctx, e, s, err); err != nil {
			return stepInfo{}, err
		}
		return r.single.step(ctx, e, s)
	}
	r.take(e, s, out)
	steps := len(out.Objectives)
	if steps == 0 {
		return stepInfo{}, errStalled
	}
	for _, l := range out.Objectives[:steps-1] { // the loop notes the last one
		e.count++
		s.Iteration++
		s.record(finiteOrInf(l), e)
	}
	e.count++
	rate := r.o.LearningRate * r.o.Schedule.Factor(int(s.Iteration))
	return stepInfo{accepted: true, norm: out.StepNorm, damping: rate}, nil
}

func (r *resident) objective() float64 {
	if r.single != nil {
		return r.single.objective()
	}
	return r.l
}

func (r *resident) slope(s *State) float64 {
	if r.single != nil {
		return r.single.slope(s)
	}
	return r.peak
}
