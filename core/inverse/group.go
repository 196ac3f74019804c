package inverse

import (
	"context"
	"iter"
	"slices"
	"time"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// group is a number of starts that are searched side by side, so that an engine that computes many potentials at once is asked
// for all of them in one call. They take turns: one runs until it needs the engine, then the next; when all wait, the engine is
// asked. Nothing runs at the same time, and a start finds what it would find alone.
//
// The evaluations that are left are dealt evenly: every start may go on up to the same number, and what those that end early
// leave over is dealt again.
type group struct {
	run     *run
	members []*member
	before  int     // evaluations of earlier starts
	best    float64 // and their lowest L
	steps   scatter.Descending
	n       int // parameters
}

// member is a start. It is the engine of its own problem: what it is asked for waits until the others have asked too.
type member struct {
	scatter.Engine
	start   int
	problem *Problem
	state   *optimize.State // where it stands, nil before its first iteration
	out     *optimize.Result
	err     error
	seconds float64 // its share of the time

	next  func() (struct{}, bool)
	yield func(struct{}) bool
	ask   ask
	row   int // among the runs of steps
}

// ask is what a member waits for: a Jacobian, the preparation of a run of steps, or n of them.
type ask struct {
	ctx            context.Context
	onsite, g, jac []float64
	descent        *scatter.Descent
	n              int
	stretch        *scatter.Stretch
	err            error
}

// newGroup prepares count starts after those that have finished, from where states tells that they stand.
func (r *run) newGroup(count int, states []*optimize.State) (*group, error) {
	g := &group{run: r, n: r.problem.n}
	g.before, _, g.best = r.spent()
	for i := range count {
		m := &member{Engine: r.problem.setup.Engine, start: len(r.finished) + i, problem: r.problem}
		if count > 1 {
			setup := r.problem.setup
			setup.Engine = m
			var err error
			if m.problem, err = NewProblem(setup); err != nil {
				return nil, err
			}
		}
		if i < len(states) {
			m.state = states[i]
			m.seconds = m.state.Seconds
		}
		g.members = append(g.members, m)
	}
	return g, nil
}

// search runs the starts to their ends, or to that of what o allows them together. An error about arguments leaves a member
// without result.
func (g *group) search(ctx context.Context, o optimize.Options) error {
	if len(g.members) == 1 {
		m := g.members[0]
		m.out, m.err = g.one(ctx, m, o)
		if m.out != nil {
			m.state, m.seconds = m.out.State, m.out.Seconds
		}
		return m.err
	}
	began := time.Now()
	for live, level := g.members, 0; ; {
		if most := o.MaxEvaluations; most > 0 {
			for _, m := range g.members {
				if !slices.Contains(live, m) {
					most -= m.out.Evaluations
				}
			}
			if most/len(live) <= level && level > 0 {
				return nil
			}
			level = max(1, most/len(live))
		}
		each := o
		each.MaxEvaluations = level
		if o.MaxSeconds > 0 {
			each.MaxSeconds = max(o.MaxSeconds-time.Since(began).Seconds(), 1e-9)
		}
		if err := g.sideBySide(ctx, live, each); err != nil {
			return err
		}
		live = nil
		for _, m := range g.members {
			switch m.out.Status {
			case optimize.Cancelled, optimize.Time:
				return nil
			case optimize.Evaluations:
				live = append(live, m)
			}
		}
		if len(live) == 0 {
			return nil
		}
	}
}

// sideBySide runs members by turns until all have ended. An error and a wish to stop end all of them.
func (g *group) sideBySide(ctx context.Context, members []*member, o optimize.Options) error {
	defer func() {
		if g.steps != nil {
			g.steps.Close()
			g.steps = nil
		}
	}()
	for _, m := range members {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			m.yield = yield
			if m.out, m.err = g.one(ctx, m, o); m.out != nil {
				m.state = m.out.State
			}
		})
		m.next = next
		defer stop() // also ends those that wait
	}
	for live := slices.Clone(members); len(live) > 0; {
		waiting := live[:0]
		for _, m := range live {
			began := time.Now()
			_, goesOn := m.next()
			m.seconds += time.Since(began).Seconds()
			if goesOn {
				waiting = append(waiting, m)
				continue
			}
			if m.err != nil || m.out.Status == optimize.Cancelled {
				return m.err
			}
		}
		if live = waiting; len(live) == 0 {
			break
		}
		began := time.Now()
		g.answer(live)
		for _, m := range live {
			m.seconds += time.Since(began).Seconds() / float64(len(live))
		}
	}
	return nil
}

// one runs or continues a start.
func (g *group) one(ctx context.Context, m *member, o optimize.Options) (*optimize.Result, error) {
	o.Observer = nil
	if g.run.o.Observer != nil {
		o.Observer = func(it *optimize.Iteration) error {
			if len(g.members) > 1 {
				m.state = it.State()
			}
			return g.run.o.Observer(g.progress(m, it))
		}
	}
	if m.state == nil {
		m.problem.bestL = posInf
		return optimize.Minimize(ctx, m.problem, g.run.start(m.start), o)
	}
	if err := m.recall(ctx); err != nil {
		return nil, err
	}
	return optimize.Resume(ctx, m.problem, m.state, o)
}

// recall computes the curve of the best point so far, unless it is known: a run that is cancelled has no time for it.
func (m *member) recall(ctx context.Context) error {
	p := m.problem
	if m.out != nil || len(m.state.Best) != p.n {
		return nil
	}
	p.setup.Parametrization.Onsite(m.state.Best, p.h)
	if err := m.Engine.Value(ctx, p.h, p.g); err != nil {
		return err
	}
	p.best, p.bestG, p.bestL = slices.Clone(m.state.Best), slices.Clone(p.g), m.state.BestObjective
	return nil
}

func (g *group) progress(m *member, it *optimize.Iteration) *Progress {
	p := &Progress{Iteration: it, Start: m.start, Starts: g.run.o.Starts, TotalEvaluations: g.before + it.Evaluations,
		BestOfAll: min(g.best, it.BestObjective), group: g, member: m}
	for _, other := range g.members {
		if other != m && other.state != nil {
			p.TotalEvaluations += int(other.state.Evaluations)
			p.BestOfAll = min(p.BestOfAll, other.state.BestObjective)
		}
	}
	return p
}

// states returns where the members stand; now, if not nil, is where m does.
func (g *group) states(m *member, now *optimize.State) (states []*optimize.State) {
	for _, other := range g.members {
		s := other.state
		if other == m {
			s = now
		}
		if s == nil || len(s.History) == 0 { // those after it have not begun either
			break
		}
		if len(g.members) > 1 {
			s = s.Clone()
			s.Seconds = other.seconds
		}
		states = append(states, s)
	}
	return states
}

func (m *member) wait(a ask) error {
	m.ask = a
	if !m.yield(struct{}{}) {
		return fault.New(fault.Cancelled, "another start of the run ended it")
	}
	return m.ask.err
}

// Jacobian computes g and jac, see scatter.Engine.
func (m *member) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	return m.wait(ask{ctx: ctx, onsite: onsite, g: g, jac: jac})
}

// Descend prepares a run of steps, see scatter.Descender.
func (m *member) Descend(ctx context.Context, d *scatter.Descent) (scatter.Descending, error) {
	if err := m.wait(ask{ctx: ctx, descent: d}); err != nil {
		return nil, err
	}
	return (*stepping)(m), nil
}

// stepping is a member's part of the steps of all.
type stepping member

// Advance takes at most n steps, see scatter.Descending.
func (s *stepping) Advance(ctx context.Context, n int) (*scatter.Stretch, error) {
	if err := (*member)(s).wait(ask{ctx: ctx, n: n}); err != nil {
		return nil, err
	}
	return s.ask.stretch, nil
}

// Close leaves the steps to the others.
func (s *stepping) Close() {}

// answer gives members what they wait for. All ask for the same, since all use one method on one engine.
func (g *group) answer(live []*member) {
	switch {
	case live[0].ask.jac != nil:
		g.jacobians(live)
	case live[0].ask.descent != nil:
		g.descend(live)
	default:
		g.advance(live)
	}
}

// last is the context that ends last: of those that a time limit ends, the others' have ended then too.
func last(live []*member) context.Context { return live[len(live)-1].ask.ctx }

func (g *group) jacobians(live []*member) {
	if b, can := g.run.problem.setup.Engine.(scatter.Batcher); can && len(live) > 1 {
		var onsite, curves, jac [][]float64
		for _, m := range live {
			onsite, curves, jac = append(onsite, m.ask.onsite), append(curves, m.ask.g), append(jac, m.ask.jac)
		}
		err := b.Jacobians(last(live), onsite, curves, jac)
		if fault.KindOf(err) != fault.Numerical {
			for _, m := range live {
				m.ask.err = err
			}
			return
		}
	}
	for _, m := range live { // one by one, to tell whose potential has no answer
		m.ask.err = m.Engine.Jacobian(m.ask.ctx, m.ask.onsite, m.ask.g, m.ask.jac)
	}
}

func (g *group) descend(live []*member) {
	d := *live[0].ask.descent
	d.Points, d.Moments, d.Iterations = nil, nil, nil
	for _, m := range live {
		own := m.ask.descent
		d.Points, d.Moments, d.Iterations = append(d.Points, own.Points...), append(d.Moments, own.Moments...), append(d.Iterations, own.Iterations...)
	}
	engine, can := g.run.problem.setup.Engine.(scatter.Descender)
	err := error(fault.New(fault.Unsupported, "the engine does not take steps itself"))
	if can {
		var steps scatter.Descending
		if steps, err = engine.Descend(last(live), &d); err == nil {
			g.steps = steps
		}
	}
	for i, m := range live {
		m.ask.err, m.row = err, i
	}
}

func (g *group) advance(live []*member) {
	n := live[0].ask.n
	for _, m := range live {
		n = min(n, m.ask.n)
	}
	s, err := g.steps.Advance(last(live), n)
	for _, m := range live {
		if m.ask.err = err; err == nil {
			m.ask.stretch = part(s, m.row, g.n)
		}
	}
}

// part is a stretch of one design of n parameters.
func part(s *scatter.Stretch, i, n int) *scatter.Stretch {
	moments := len(s.Moments) / len(s.Steps)
	return &scatter.Stretch{Steps: s.Steps[i:][:1], Objectives: s.Objectives[i:][:1], Objective: s.Objective[i:][:1],
		Points: s.Points[i*n:][:n], Moments: s.Moments[i*moments:][:moments], Best: s.Best[i:][:1], BestPoints: s.BestPoints[i*n:][:n],
		StepNorm: s.StepNorm[i:][:1], Peak: s.Peak[i:][:1], Stalled: s.Stalled[i:][:1]}
}
