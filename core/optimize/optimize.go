// Package optimize minimises sums of squares under bounds. It sees only residuals and Jacobians, or the objective and its
// gradient; what they mean is the caller's business.
//
// Every method minimises the same objective, L = log ‖r‖₂ (natural logarithm, −Inf at r = 0). A run is a loop, a step
// strategy and a set of named termination tests. Every iteration can be observed, every run cancelled through its context
// (the best point is kept) and resumed from its State: the continuation is bit-identical to the uninterrupted run as long
// as the problem's functions are deterministic.
//
// The unit of cost is the evaluation: one call of Jacobian or Gradient.
package optimize

import (
	"context"
	"math"
	"slices"

	"mcd/core/fault"
)

// Problem is a nonlinear least-squares problem, min L(x) = log ‖r(x)‖ with lower ≤ x ≤ upper.
//
// Slices passed in are the caller's, used only during the call. Functions must be deterministic. An error ends the run,
// which keeps its best point; one of kind fault.Cancelled after the end of ctx ends it with status Cancelled or Time.
type Problem interface {
	// Parameters is the length of x, Residuals that of r; both at least 1.
	Parameters() int
	Residuals() int
	// Bounds returns the lower and upper bounds of x, nil for none, ±Inf where there is none.
	Bounds() (lower, upper []float64)
	// Residual computes r(x) (Residuals). An error of kind fault.Numerical, of this or the following, means that there is no
	// value at x: after the first evaluation it rejects the step.
	Residual(ctx context.Context, x, r []float64) error
	// Jacobian computes r(x) and jac[k][j] = ∂r[k]/∂x[j], (Residuals × Parameters). It writes every entry: jac comes with anything
	// in it.
	Jacobian(ctx context.Context, x, r, jac []float64) error
	// Gradient returns L(x) and computes g[j] = ∂L/∂x[j] (Parameters).
	Gradient(ctx context.Context, x, g []float64) (objective float64, err error)
}

// Scaler is implemented by problems that know how far each parameter may move in one step: Levenberg–Marquardt in its
// primal form then measures steps in these scales instead of those of the Jacobian's columns.
type Scaler interface {
	// Scales returns positive trust scales (Parameters), nil for none.
	Scales() []float64
}

// Status is the termination test that ended a run.
type Status int

const (
	// Running is the status of a run that has not ended.
	Running Status = iota
	// Objective: the objective fell to StopObjective.
	Objective
	// Step: the last step was shorter than StepTolerance·(‖x‖ + StepTolerance).
	Step
	// Gradient: no entry of the projected gradient of L exceeds GradientTolerance.
	Gradient
	// Stalled: the best objective fell by less than StallTolerance over the last StallIterations iterations, or no step
	// along the search direction improves it.
	Stalled
	// Evaluations: MaxEvaluations are used up.
	Evaluations
	// Iterations: MaxIterations are used up.
	Iterations
	// Time: MaxSeconds are over.
	Time
	// Cancelled: the caller ended the context or the observer asked to stop.
	Cancelled
	// Failed: the problem returned an error; the best point before it is kept.
	Failed
)

var statusNames = [...]string{"running", "objective", "step", "gradient", "stalled", "evaluations", "iterations", "time",
	"cancelled", "failed"}

// String returns the test's name in lower case.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "unknown"
	}
	return statusNames[s]
}

// Options govern a run; start from Defaults.
type Options struct {
	// Method is one of Methods.
	Method string
	// StopObjective ends the run once L ≤ StopObjective; −Inf never does.
	StopObjective float64
	// MaxEvaluations and MaxIterations count from the start of the run, over all its resumptions; 0 is no limit.
	MaxEvaluations, MaxIterations int
	// MaxSeconds bounds this call alone; 0 is no limit.
	MaxSeconds float64
	// StepTolerance, GradientTolerance: see the statuses Step and Gradient; 0 switches the test off.
	StepTolerance, GradientTolerance float64
	// StallIterations and StallTolerance: see the status Stalled; StallIterations 0 switches the test off.
	StallIterations int
	StallTolerance  float64
	// LearningRate is η of the first-order methods, multiplied by the factors of Schedule.
	LearningRate float64
	Schedule     Schedule
	// Damping is the μ that Levenberg–Marquardt begins with, 0 for its own choice: little serves a start next to the minimum.
	Damping float64
	// Threads bounds the goroutines of the method's own linear algebra, 0 for all processors; results do not depend on it.
	Threads int
	// Observer, if not nil, sees every iteration. An error of kind fault.Cancelled ends the run with status Cancelled, any
	// other with Failed.
	Observer func(*Iteration) error
}

// Defaults returns the recommended options of a method (an unknown name is reported by Minimize).
func Defaults(method string) Options {
	o := Options{Method: method, StopObjective: math.Inf(-1), MaxEvaluations: 1000, LearningRate: 1e-2}
	switch method {
	case "lm":
		o.StopObjective, o.StepTolerance = -20, 1e-15
		o.StallIterations, o.StallTolerance = 100, 1e-2
	case "lbfgs":
		o.StallIterations, o.StallTolerance = 100, 1e-6
	}
	return o
}

// Iteration is what an observer sees after an iteration. It is valid only during the call.
type Iteration struct {
	Iteration, Evaluations int
	// Objective is L at Point, which is the state's own memory: read only. Accepted tells whether the step was taken (Point
	// and Objective stay where they were otherwise).
	Objective float64
	Point     []float64
	Accepted  bool
	// BestObjective is the lowest L of the run.
	BestObjective float64
	// StepNorm is the Euclidean norm of the step tried, GradientNorm the largest entry of the projected gradient of L.
	StepNorm, GradientNorm float64
	// Damping is μ of Levenberg–Marquardt, the learning rate of first-order methods, the step length of L-BFGS.
	Damping float64
	// Seconds since the start of the run, over all its resumptions.
	Seconds float64

	state *State
}

// State returns a deep copy of the run's state, from which Resume continues bit-identically.
func (it *Iteration) State() *State { return it.state.Clone() }

// State is everything a run needs to continue: numbers and slices only.
type State struct {
	// Method is the method's name; Scalars and Vectors are its own (Vectors a whole multiple of len(Point)):
	//   lm         Scalars μ, ν; with more parameters than residuals, Vectors: up to four points left last, oldest first
	//   lbfgs      Scalars: number of stored pairs p; Vectors: p points, then their p gradients, oldest first
	//   rmsprop    Vectors: second moment
	//   adabelief  Vectors: first moment, second moment of its deviation
	//   adam       Vectors: first moment, second moment
	Method  string
	Scalars []float64
	Vectors []float64
	// Iteration and Evaluations done, Seconds spent.
	Iteration, Evaluations int64
	Seconds                float64
	// Point is where the run stands, Best the best point seen.
	Point, Best   []float64
	BestObjective float64
	// StepNorm is the length of the last step, +Inf before the first.
	StepNorm float64
	// History holds L at Point before the first and after every iteration (Iteration + 1), HistoryEvaluations the
	// evaluations done by then.
	History            []float64
	HistoryEvaluations []int64
}

// Clone returns a deep copy.
func (s *State) Clone() *State {
	c := *s
	c.Scalars, c.Vectors = slices.Clone(s.Scalars), slices.Clone(s.Vectors)
	c.Point, c.Best = slices.Clone(s.Point), slices.Clone(s.Best)
	c.History, c.HistoryEvaluations = slices.Clone(s.History), slices.Clone(s.HistoryEvaluations)
	return &c
}

// Result is the outcome of a run.
type Result struct {
	Status  Status
	Message string // a sentence with the numbers behind Status
	// Point is the best point found, Objective L there.
	Point     []float64
	Objective float64
	// History and HistoryEvaluations as in State.
	History                 []float64
	HistoryEvaluations      []int64
	Iterations, Evaluations int
	Seconds                 float64
	// State is the state after the last complete iteration, for Resume.
	State *State
}

// Methods lists the names Options.Method accepts.
func Methods() []string { return []string{"lm", "lbfgs", "rmsprop", "adabelief", "adam"} }

// Minimize runs from start, which is projected onto the bounds first. An error about the arguments comes with a nil Result; an
// error of the problem comes with the best point before it.
func Minimize(ctx context.Context, p Problem, start []float64, o Options) (*Result, error) {
	if err := check(p, start, "start", &o); err != nil {
		return nil, err
	}
	s := &State{Method: o.Method, Point: slices.Clone(start), BestObjective: math.Inf(1), StepNorm: math.Inf(1)}
	lower, upper := p.Bounds()
	project(s.Point, lower, upper)
	return run(ctx, p, s, o)
}

// Resume continues the run that state belongs to; state itself is left unchanged. The limits of o may differ from those of
// the first part; method, learning rate and schedule must be the same for the continuation to be the same run.
func Resume(ctx context.Context, p Problem, state *State, o Options) (*Result, error) {
	if o.Method != state.Method {
		return nil, fault.Invalid("method", "%q, but the saved run used %q; resume it with that method", o.Method, state.Method)
	}
	if err := check(p, state.Point, "state", &o); err != nil {
		return nil, err
	}
	if err := state.validate(p.Parameters(), p.Residuals()); err != nil {
		return nil, err
	}
	return run(ctx, p, state.Clone(), o)
}
