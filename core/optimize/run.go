package optimize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/blas/blas64"

	"mcd/core/fault"
	"mcd/core/kernel"
)

// strategy is one method's way of stepping. The loop owns the state; strategies read and write it.
type strategy interface {
	// begin evaluates the state's point and, on a fresh run, sets up Scalars and Vectors.
	begin(ctx context.Context, e *evaluator, s *State, fresh bool) error
	// step performs one iteration: on success s.Point, Scalars and Vectors describe the new state, on an error the old one.
	step(ctx context.Context, e *evaluator, s *State) (stepInfo, error)
	// objective is L at s.Point, slope the largest entry of its projected gradient.
	objective() float64
	slope(s *State) float64
}

// stepInfo is what a step reports.
type stepInfo struct {
	accepted      bool
	norm, damping float64
}

var (
	// errStalled ends a run whose strategy finds no step that improves the objective.
	errStalled = errors.New("no step improves the objective")
	// errBudget ends an iteration that would need more evaluations than are left.
	errBudget = errors.New("evaluations are used up")
)

// newStrategy returns the strategy of a run and how to end it.
func newStrategy(ctx context.Context, p Problem, o *Options, s *State) (m strategy, done func()) {
	done = func() {}
	switch o.Method {
	case "lm":
		m := &levenbergMarquardt{threads: o.Threads, dense: kernel.BestDense(), damping: o.Damping}
		return m, m.end
	case "lbfgs":
		return &lbfgs{}, done
	}
	if r := descend(ctx, p, o, s); r != nil {
		return r, r.run.Close
	}
	return newFirstOrder(o), done
}

// check validates the arguments common to Minimize and Resume.
func check(p Problem, point []float64, name string, o *Options) error {
	if !slices.Contains(Methods(), o.Method) {
		return fault.Invalid("method", "%q is not known; give one of %q", o.Method, Methods())
	}
	n := p.Parameters()
	if n < 1 || p.Residuals() < 1 {
		return fault.Invalid("problem", "%d parameters and %d residuals; give at least one of each", n, p.Residuals())
	}
	if len(point) != n {
		return fault.Invalid(name, "%d values for %d parameters; give one for each", len(point), n)
	}
	for i, v := range point {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fault.Invalid(name, "entry %d is %g; give finite values", i, v)
		}
	}
	lower, upper := p.Bounds()
	for i := range lower {
		if !(lower[i] <= upper[i]) {
			return fault.Invalid("lower", "the bounds of parameter %d contradict each other: lower %g, upper %g; give lower ≤ upper", i, lower[i], upper[i])
		}
		if o.Method == "lbfgs" && !(math.IsInf(lower[i], -1) && math.IsInf(upper[i], 1)) {
			return fault.Invalid("method", "lbfgs does not support bounds; use one of %q", []string{"lm", "rmsprop", "adabelief", "adam"})
		}
	}
	return o.validate()
}

func (o *Options) validate() error {
	for _, c := range []struct {
		name  string
		value float64
	}{{"time_limit", o.MaxSeconds}, {"step_tolerance", o.StepTolerance}, {"gradient_tolerance", o.GradientTolerance},
		{"stall_tolerance", o.StallTolerance}, {"damping", o.Damping}, {"max_evaluations", float64(o.MaxEvaluations)},
		{"max_iterations", float64(o.MaxIterations)}, {"stall_iterations", float64(o.StallIterations)}} {
		if !(c.value >= 0) || math.IsInf(c.value, 0) {
			return fault.Invalid(c.name, "%g; give a finite value of at least 0 (0 switches it off)", c.value)
		}
	}
	if math.IsNaN(o.StopObjective) {
		return fault.Invalid("stop_objective", "NaN; give a number, or minus infinity to never stop by it")
	}
	if o.Method != "lm" && o.Method != "lbfgs" && (!(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0)) {
		return fault.Invalid("rate", "%g; give a finite learning rate above 0", o.LearningRate)
	}
	return o.Schedule.validate()
}

func (s *State) validate(n, m int) error {
	switch {
	case s.Iteration < 0 || s.Evaluations < 0 || int64(len(s.History)) != s.Iteration+1 || len(s.HistoryEvaluations) != len(s.History):
		return fault.Invalid("state", "%d history entries after %d iterations; the state is damaged", len(s.History), s.Iteration)
	case len(s.Best) != n:
		return fault.Invalid("state", "the best point has %d values for %d parameters; the state belongs to another problem", len(s.Best), n)
	}
	vectors, scalars := 0, 0
	switch s.Method {
	case "lm":
		if scalars = 2; n > m {
			vectors = min(len(s.Vectors)/n, pastPoints)
		}
		if len(s.Scalars) == 2+m && vectors == 1 { // written by an earlier release
			scalars = 2 + m
		}
	case "lbfgs":
		scalars = 1
		if len(s.Scalars) == 1 && s.Scalars[0] >= 1 && s.Scalars[0] <= store+1 {
			vectors = 2 * int(s.Scalars[0])
		}
	default:
		vectors = rules[s.Method].moments
	}
	if len(s.Scalars) != scalars || len(s.Vectors) != vectors*n {
		return fault.Invalid("state", "%d and %d numbers of %q; the state is damaged", len(s.Scalars), len(s.Vectors), s.Method)
	}
	return nil
}

// run is the loop: test, step, record, observe.
func run(ctx context.Context, p Problem, s *State, o Options) (*Result, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	began, before := time.Now(), s.Seconds
	clock := func() float64 { return before + time.Since(began).Seconds() }
	timed, cancel := Limited(ctx, o.MaxSeconds)
	defer cancel()
	e := newEvaluator(p, s, o.MaxEvaluations)
	m, done := newStrategy(timed, p, &o, s)
	defer done()
	fresh := len(s.History) == 0
	e.free = !fresh // what a resumed run evaluates again was counted before
	err := m.begin(timed, e, s, fresh)
	e.free = false
	if fresh && err == nil {
		s.record(m.objective(), e)
	}
	var info stepInfo
	status, message := Running, ""
	for err == nil {
		s.Seconds = clock()
		if status, message = terminated(s, m, &o); status != Running {
			break
		}
		if status, message = interrupted(ctx, timed, &o); status != Running {
			break
		}
		if info, err = m.step(timed, e, s); err != nil {
			break
		}
		s.Iteration++
		s.StepNorm = info.norm
		s.record(m.objective(), e)
		s.Seconds = clock()
		if o.Observer != nil {
			err = o.Observer(&Iteration{Iteration: int(s.Iteration), Evaluations: int(s.Evaluations), Objective: m.objective(),
				Point: s.Point, Accepted: info.accepted, BestObjective: s.BestObjective, StepNorm: info.norm,
				GradientNorm: m.slope(s), Damping: info.damping, Seconds: s.Seconds, state: s})
		}
	}
	if err != nil {
		if status, message = interrupted(ctx, timed, &o); status == Running {
			status, message, err = failure(err, &o)
		} else {
			err = nil
		}
	}
	s.Seconds = clock()
	return e.result(status, message, s), err
}

// failure turns an error into the status it stands for, and returns it unless it is an ordinary end.
func failure(err error, o *Options) (Status, string, error) {
	switch {
	case errors.Is(err, errStalled):
		return Stalled, "Stalled: " + errStalled.Error() + ".", nil
	case errors.Is(err, errBudget):
		return Evaluations, fmt.Sprintf("Stopped after %d evaluations, the limit.", o.MaxEvaluations), nil
	case fault.KindOf(err) == fault.Cancelled:
		return Cancelled, "Cancelled by the caller; the best point so far is kept.", nil
	}
	return Failed, "Failed: " + err.Error(), err
}

// Limited returns a context that ends with ctx, and after a number of seconds if that is above 0.
func Limited(ctx context.Context, seconds float64) (context.Context, context.CancelFunc) {
	if seconds > 0 {
		return context.WithTimeout(ctx, Duration(seconds))
	}
	return ctx, func() {}
}

// Duration converts seconds, cut to what a duration can hold.
func Duration(seconds float64) time.Duration {
	return time.Duration(min(seconds, math.MaxInt64/2e9) * 1e9)
}

// interrupted tells whether the caller or the clock ended the run.
func interrupted(ctx, timed context.Context, o *Options) (Status, string) {
	switch {
	case ctx.Err() != nil:
		return Cancelled, "Cancelled by the caller; the best point so far is kept."
	case timed.Err() != nil:
		return Time, fmt.Sprintf("Stopped after %g seconds, the limit.", o.MaxSeconds)
	}
	return Running, ""
}

// terminated applies the termination tests.
func terminated(s *State, m strategy, o *Options) (Status, string) {
	l, n := s.BestObjective, len(s.History)
	switch {
	case l <= o.StopObjective || math.IsInf(l, -1):
		return Objective, fmt.Sprintf("Converged: the objective %.4g is at or below %.4g.", l, o.StopObjective)
	case o.StepTolerance > 0 && s.StepNorm <= o.StepTolerance*(norm(s.Point)+o.StepTolerance):
		return Step, fmt.Sprintf("Converged: the last step, %.3g long, is within the tolerance; objective %.4g.", s.StepNorm, l)
	case o.GradientTolerance > 0 && m.slope(s) <= o.GradientTolerance:
		return Gradient, fmt.Sprintf("Converged: the gradient's largest entry %.3g is within the tolerance; objective %.4g.", m.slope(s), l)
	case o.StallIterations > 0 && n > o.StallIterations && stalled(s.History, o):
		return Stalled, fmt.Sprintf("Stalled: the objective fell by less than %g over %d iterations, to %.4g.", o.StallTolerance, o.StallIterations, l)
	case o.MaxEvaluations > 0 && s.Evaluations >= int64(o.MaxEvaluations):
		return Evaluations, fmt.Sprintf("Stopped after %d evaluations, the limit; objective %.4g.", s.Evaluations, l)
	case o.MaxIterations > 0 && s.Iteration >= int64(o.MaxIterations):
		return Iterations, fmt.Sprintf("Stopped after %d iterations, the limit; objective %.4g.", s.Iteration, l)
	}
	return Running, ""
}

// stalled tells whether the best objective fell by less than the tolerance over the last StallIterations iterations.
func stalled(history []float64, o *Options) bool {
	cut := len(history) - o.StallIterations
	return slices.Min(history[:cut])-slices.Min(history[cut:]) < o.StallTolerance
}

// record appends to the history; s.Evaluations is the number of evaluations up to this iteration.
func (s *State) record(objective float64, e *evaluator) {
	s.Evaluations = e.count
	s.History = append(s.History, objective)
	s.HistoryEvaluations = append(s.HistoryEvaluations, s.Evaluations)
	s.Best, s.BestObjective = append(s.Best[:0], e.best...), e.bestObjective
}

// evaluator calls the problem, counts, and keeps the best point.
type evaluator struct {
	Problem
	lower, upper  []float64
	count, limit  int64
	free          bool // do not count
	best          []float64
	bestObjective float64
}

func newEvaluator(p Problem, s *State, limit int) *evaluator {
	e := &evaluator{Problem: p, count: s.Evaluations, limit: int64(limit), best: slices.Clone(s.Best), bestObjective: s.BestObjective}
	e.lower, e.upper = p.Bounds()
	if e.best == nil {
		e.best, e.bestObjective = slices.Clone(s.Point), math.Inf(1)
	}
	return e
}

// gradient evaluates L and its gradient at x, L = +Inf where anything is not finite.
func (e *evaluator) gradient(ctx context.Context, x, g []float64) (float64, error) {
	if err := e.charge(); err != nil {
		return 0, err
	}
	l, err := e.Problem.Gradient(ctx, x, g)
	if err != nil {
		return e.outside(err)
	}
	if math.IsNaN(l) || !math.IsInf(l, -1) && !allFinite(g) {
		l = math.Inf(1)
	}
	e.keep(x, l)
	return l, nil
}

// outside judges an error at a trial point: equations that cannot be solved there, as far away, count like a value that is not
// finite, L = +Inf. Other errors, and any at the start, end the run.
func (e *evaluator) outside(err error) (float64, error) {
	if fault.KindOf(err) == fault.Numerical && !math.IsInf(e.bestObjective, 1) {
		return math.Inf(1), nil
	}
	return 0, err
}

func (e *evaluator) charge() error {
	if e.free {
		return nil
	}
	if e.limit > 0 && e.count >= e.limit {
		return errBudget
	}
	e.count++
	return nil
}

func (e *evaluator) keep(x []float64, l float64) {
	if l < e.bestObjective {
		e.bestObjective = l
		copy(e.best, x)
	}
}

func (e *evaluator) result(status Status, message string, s *State) *Result {
	return &Result{Status: status, Message: message, Point: e.best, Objective: e.bestObjective, History: slices.Clone(s.History),
		HistoryEvaluations: slices.Clone(s.HistoryEvaluations), Iterations: int(s.Iteration), Evaluations: int(e.count),
		Seconds: s.Seconds, State: s}
}

// project moves x to the nearest point within the bounds.
func project(x, lower, upper []float64) {
	for i := range lower {
		x[i] = min(max(x[i], lower[i]), upper[i])
	}
}

// projected returns the largest |entry| of the gradient g at x, leaving out entries whose descent leads out of the bounds.
func projected(x, g, lower, upper []float64) float64 {
	largest := 0.0
	for i, v := range g {
		if lower != nil && (v > 0 && x[i] <= lower[i] || v < 0 && x[i] >= upper[i]) {
			continue
		}
		largest = max(largest, math.Abs(v))
	}
	return largest
}

func dot(a, b []float64) float64 { return blas64.Implementation().Ddot(len(a), a, 1, b, 1) }

func norm(v []float64) float64 { return math.Sqrt(dot(v, v)) }

// allFinite tells whether all of v are finite: 0·x is NaN for all others. Four sums do not wait for each other.
func allFinite(v []float64) bool {
	var sum [4]float64
	for ; len(v) >= 4; v = v[4:] {
		sum[0] += 0 * v[0]
		sum[1] += 0 * v[1]
		sum[2] += 0 * v[2]
		sum[3] += 0 * v[3]
	}
	for _, x := range v {
		sum[0] += 0 * x
	}
	return sum[0]+sum[1]+sum[2]+sum[3] == 0
}
