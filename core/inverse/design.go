package inverse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// DesignOptions govern Design; start from DefaultDesign.
type DesignOptions struct {
	// Options of every start; MaxEvaluations and MaxSeconds are shared by all starts together. Its Observer is not used.
	optimize.Options
	// Starts is the number of starts, at least 1: the first is the parametrization's own, the others random around it, the
	// standard deviation being Spread in the parameters' units. Bounds are kept by projection.
	Starts int
	Spread float64
	// Seed of everything random: the same seed gives the same bits.
	Seed uint64
	// Distinct is the root mean square difference of two potentials from which on they count as different outcomes.
	Distinct float64
	// Observer, if not nil, sees every iteration. An error of kind fault.Cancelled ends the run with status cancelled.
	Observer func(*Progress) error
}

// DefaultDesign returns the recommended options of a method.
func DefaultDesign(method string) DesignOptions {
	return DesignOptions{Options: optimize.Defaults(method), Starts: 1, Spread: 0.3, Distinct: 1e-3}
}

// Progress is what an observer sees after an iteration; valid only during the call.
type Progress struct {
	*optimize.Iteration
	// Start is the running number of the start, of Starts; TotalEvaluations counts all starts so far.
	Start, Starts    int
	TotalEvaluations int
	// BestOfAll is the lowest L of all starts so far.
	BestOfAll float64

	group  *group // nil for a search for defects
	member *member
}

// State returns a copy of the state of the whole run, from which ResumeDesign continues bit-identically; nil
// for a search for defects, which starts anew instead.
func (p *Progress) State() *RunState {
	if p.group == nil {
		return nil
	}
	return p.group.run.state(p.group.states(p.member, p.Iteration.State()))
}

// RunState is everything a run needs to continue: numbers and slices only.
type RunState struct {
	// Finished holds the outcomes of the starts before the current one, Current the state of the one that is running; nil
	// before its first evaluation. Beside are the states of those after it, of the ones that are searched side by side.
	Finished []FinishedStart
	Current  *optimize.State
	Beside   []*optimize.State
}

// FinishedStart is a start that has ended.
type FinishedStart struct {
	Parameters  []float64 // theta, see Result
	Objective   float64
	Status      optimize.Status
	Message     string
	Evaluations int64
	Seconds     float64
	Conductance []float64
	// History and HistoryEvaluations as in optimize.State.
	History            []float64
	HistoryEvaluations []int64
}

// Result is what a run found.
type Result struct {
	Outcome
	// Outcomes are the distinct outcomes of all starts, best first; Outcome is the first of them.
	Outcomes []Outcome
	// TotalEvaluations and TotalSeconds of all starts together.
	TotalEvaluations int
	TotalSeconds     float64
	// Feasibility is what was known about the target before the first step.
	Feasibility *Feasibility
	// State continues the run.
	State *RunState
	// Engine is the engine's name.
	Engine string
}

// Outcome is the result of one start.
type Outcome struct {
	Start   int
	Status  optimize.Status
	Message string // a sentence; says by how much an infeasible target is out of reach
	// Theta holds the parameters of the problem's parametrization; Parameters the same with frozen and tied ones written
	// out (see Expand).
	Theta, Parameters []float64
	Onsite            []float64 // h(θ)
	Conductance       []float64 // G, in e²/h
	Objective         float64   // L
	// History and HistoryEvaluations as in optimize.State.
	History            []float64
	HistoryEvaluations []int64
	Evaluations        int
	Seconds            float64
}

// Design searches the parameters that minimise L. Errors about arguments come with a nil Result, an error of the engine with
// what was found before it.
func Design(ctx context.Context, p *Problem, o DesignOptions) (*Result, error) {
	return ResumeDesign(ctx, p, &RunState{}, o)
}

// ResumeDesign continues a run from its state, which is left unchanged. Limits may differ from those of the first part;
// everything else must be the same for the continuation to be the same run.
func ResumeDesign(ctx context.Context, p *Problem, s *RunState, o DesignOptions) (*Result, error) {
	switch {
	case o.Starts < 1:
		return nil, fault.Invalid("starts", "%d; give at least 1", o.Starts)
	case !(o.Spread >= 0) || math.IsInf(o.Spread, 0):
		return nil, fault.Invalid("spread", "%g; give a finite standard deviation of at least 0", o.Spread)
	case !(o.Distinct >= 0) || math.IsInf(o.Distinct, 0):
		return nil, fault.Invalid("distinct", "%g; give a finite difference of at least 0", o.Distinct)
	case len(s.Finished)+len(s.running()) > o.Starts:
		return nil, fault.Invalid("state", "%d starts have begun, but the run has %d; resume it with its own settings", len(s.Finished)+len(s.running()), o.Starts)
	}
	for i, f := range s.Finished {
		if len(f.Parameters) != p.n || len(f.Conductance) != p.Residuals() {
			return nil, fault.Invalid("state", "start %d has %d parameters and %d points, the problem %d and %d; resume with the problem of the run", i, len(f.Parameters), len(f.Conductance), p.n, p.Residuals())
		}
	}
	r := &run{problem: p, o: o, finished: slices.Clone(s.Finished)}
	return r.loop(ctx, s.running())
}

// running returns the states of the starts that have not ended.
func (s *RunState) running() []*optimize.State {
	if s.Current == nil {
		return nil
	}
	return append([]*optimize.State{s.Current}, s.Beside...)
}

// run is a sequence of starts.
type run struct {
	problem  *Problem
	o        DesignOptions
	finished []FinishedStart
}

func (r *run) state(running []*optimize.State) *RunState {
	s := &RunState{Finished: slices.Clone(r.finished)}
	if len(running) > 0 {
		s.Current, s.Beside = running[0], running[1:]
	}
	return s
}

// spent returns evaluations and seconds of the finished starts, and their lowest L.
func (r *run) spent() (evaluations int, seconds, best float64) {
	best = posInf
	for _, f := range r.finished {
		evaluations, seconds, best = evaluations+int(f.Evaluations), seconds+f.Seconds, min(best, f.Objective)
	}
	return evaluations, seconds, best
}

func (r *run) loop(ctx context.Context, running []*optimize.State) (*Result, error) {
	began := time.Now()
	for {
		evaluations, _, _ := r.spent()
		o := r.o.Options
		if r.o.MaxEvaluations > 0 {
			o.MaxEvaluations -= evaluations
		}
		if r.o.MaxSeconds > 0 && len(r.finished) > 0 {
			o.MaxSeconds -= time.Since(began).Seconds()
		}
		left := r.o.Starts - len(r.finished)
		if len(r.finished) > 0 && (left == 0 || r.o.MaxEvaluations > 0 && o.MaxEvaluations <= 0 || r.o.MaxSeconds > 0 && o.MaxSeconds <= 0) {
			return r.result(r.finished, nil), nil
		}
		count := min(left, max(r.atOnce(ctx), len(running)))
		if o.MaxEvaluations > 0 {
			count = min(count, max(o.MaxEvaluations, len(running)))
		}
		g, err := r.newGroup(count, running)
		if err != nil {
			return nil, err
		}
		err = g.search(ctx, o)
		all, ended := slices.Clone(r.finished), err != nil
		for _, m := range g.members {
			if m.out == nil {
				return nil, err
			}
			f, curveErr := m.finish(ctx)
			if fault.KindOf(curveErr) == fault.Cancelled { // before the first evaluation of this start
				if ended = true; len(all) == 0 {
					return nil, curveErr
				}
				continue
			}
			if err == nil {
				err = curveErr
			}
			all = append(all, f)
			ended = ended || err != nil || m.out.Status == optimize.Cancelled || m.out.Status == optimize.Time || m.out.Status == optimize.Evaluations
		}
		if ended || len(all) == r.o.Starts {
			return r.result(all, g.states(nil, nil)), err
		}
		r.finished, running = all, nil
	}
}

// atOnce is how many starts are searched side by side: as many as the engine likes, within roomTogether bytes of Jacobians, of
// which Levenberg–Marquardt keeps up to jacobiansKept a start.
func (r *run) atOnce(ctx context.Context) int {
	b, can := r.problem.setup.Engine.(scatter.Batcher)
	if !can || r.o.Starts == 1 {
		return 1
	}
	return min(b.Batch(ctx), max(1, roomTogether/(jacobiansKept*8*r.problem.Residuals()*r.problem.n)))
}

const roomTogether, jacobiansKept = 1 << 30, 7

// start returns the parameters of start i. The uniform wire reflects nothing and every derivative vanishes there, so a wire's
// uniform first start is moved like the others.
func (r *run) start(i int) []float64 {
	theta := r.problem.setup.Parametrization.Start()
	r.problem.setup.Parametrization.Onsite(theta, r.problem.h)
	if i == 0 && (r.problem.setup.Strip == nil || slices.Min(r.problem.h) != slices.Max(r.problem.h)) {
		return theta
	}
	random := rand.New(rand.NewPCG(r.o.Seed, uint64(i)))
	for j := range theta {
		theta[j] += r.o.Spread * random.NormFloat64()
	}
	return theta
}

// finish completes what a start found by its curve: that of the best evaluation, or, where none has ended yet, one more.
func (m *member) finish(ctx context.Context) (FinishedStart, error) {
	p, out := m.problem, m.out
	f := FinishedStart{Parameters: out.Point, Objective: out.Objective, Status: out.Status, Message: out.Message,
		Evaluations: int64(out.Evaluations), Seconds: m.seconds, History: out.History, HistoryEvaluations: out.HistoryEvaluations}
	if bound := p.feasibility.LowerBound(); bound > negInf {
		f.Message += fmt.Sprintf(" The target is infeasible by at least L = %.4g.", bound)
	}
	if slices.Equal(p.best, out.Point) {
		f.Conductance = slices.Clone(p.bestG)
		return f, nil
	}
	if len(out.History) > 0 { // an engine that takes steps itself keeps their curves to itself
		ctx = context.WithoutCancel(ctx)
	}
	p.setup.Parametrization.Onsite(out.Point, p.h)
	f.Conductance = make([]float64, len(p.g))
	err := m.Engine.Value(ctx, p.h, f.Conductance)
	return f, err
}

// result ranks the outcomes of all starts and drops those that repeat a better one.
func (r *run) result(all []FinishedStart, running []*optimize.State) *Result {
	res := &Result{Feasibility: r.problem.feasibility, State: r.state(running), Engine: r.problem.setup.Engine.Name()}
	var outcomes []Outcome
	for i, f := range all {
		o := Outcome{Start: i, Status: f.Status, Message: f.Message, Theta: f.Parameters, Conductance: f.Conductance,
			Parameters: Expand(r.problem.setup.Parametrization, f.Parameters), Objective: f.Objective, History: f.History,
			HistoryEvaluations: f.HistoryEvaluations, Evaluations: int(f.Evaluations), Seconds: f.Seconds}
		o.Onsite = make([]float64, r.problem.sites)
		r.problem.setup.Parametrization.Onsite(f.Parameters, o.Onsite)
		outcomes = append(outcomes, o)
		res.TotalEvaluations += o.Evaluations
		res.TotalSeconds += o.Seconds
	}
	slices.SortStableFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Objective, b.Objective) })
	for _, o := range outcomes {
		repeats := slices.ContainsFunc(res.Outcomes, func(better Outcome) bool { return rms(better.Onsite, o.Onsite) < r.o.Distinct })
		if !repeats {
			res.Outcomes = append(res.Outcomes, o)
		}
	}
	res.Outcome = res.Outcomes[0]
	return res
}

// rms returns the root mean square difference of two potentials.
func rms(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum / float64(len(a)))
}
