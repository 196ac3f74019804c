package optimize

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/kernel"
)

// problem is a least-squares problem given by its residual and Jacobian.
type problem struct {
	n, m         int
	f            func(x, r, jac []float64)
	lower, upper []float64
	calls        int
	fail         func(call int) error
}

func (p *problem) Parameters() int                  { return p.n }
func (p *problem) Residuals() int                   { return p.m }
func (p *problem) Bounds() (lower, upper []float64) { return p.lower, p.upper }

func (p *problem) Residual(ctx context.Context, x, r []float64) error {
	return p.Jacobian(ctx, x, r, make([]float64, p.m*p.n))
}

func (p *problem) Jacobian(_ context.Context, x, r, jac []float64) error {
	p.calls++
	if p.fail != nil {
		if err := p.fail(p.calls); err != nil {
			return err
		}
	}
	p.f(x, r, jac)
	return nil
}

func (p *problem) Gradient(ctx context.Context, x, g []float64) (float64, error) {
	r, jac := make([]float64, p.m), make([]float64, p.m*p.n)
	if err := p.Jacobian(ctx, x, r, jac); err != nil {
		return 0, err
	}
	for j := range g {
		g[j] = 0
		for k := range r {
			g[j] += r[k] * jac[k*p.n+j] / dot(r, r)
		}
	}
	return math.Log(norm(r)), nil
}

// rosenbrock has its only minimum, r = 0, at (1, 1).
func rosenbrock() *problem {
	return &problem{n: 2, m: 2, f: func(x, r, jac []float64) {
		r[0], r[1] = 10*(x[1]-x[0]*x[0]), 1-x[0]
		copy(jac, []float64{-20 * x[0], 10, -1, 0})
	}}
}

// network is r = Q·sin(Px) − b with random P (hidden × n), Q (m × hidden): smooth and bent, r = 0 reachable for n > m.
func network(n, m int) *problem {
	const hidden = 40
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(count int, scale float64) []float64 {
		v := make([]float64, count)
		for i := range v {
			v[i] = scale * random.NormFloat64()
		}
		return v
	}
	in, out, b := draw(hidden*n, 1/math.Sqrt(float64(n))), draw(m*hidden, 1/math.Sqrt(hidden)), draw(m, 0.3)
	return &problem{n: n, m: m, f: func(x, r, jac []float64) {
		clear(jac)
		for k := range r {
			r[k] = -b[k]
		}
		for h := range hidden {
			u := dot(in[h*n:(h+1)*n], x)
			for k := range r {
				r[k] += out[k*hidden+h] * math.Sin(u)
				for j := range n {
					jac[k*n+j] += out[k*hidden+h] * math.Cos(u) * in[h*n+j]
				}
			}
		}
	}}
}

func start(n int) []float64 {
	random := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, n)
	for i := range x {
		x[i] = 0.5 * random.NormFloat64()
	}
	return x
}

func TestLevenbergMarquardtReachesMachinePrecision(t *testing.T) {
	for name, p := range map[string]*problem{"primal": rosenbrock(), "dual": network(30, 8), "square": network(12, 12)} {
		t.Run(name, func(t *testing.T) {
			o := Defaults("lm")
			o.StopObjective = -30
			res, err := Minimize(t.Context(), p, start(p.n), o)
			require.NoError(t, err)
			assert.LessOrEqual(t, res.Objective, -30.0, res.Message)
			assert.Equal(t, Objective, res.Status)
			assert.Less(t, res.Evaluations, 60)
			assert.Equal(t, p.calls, res.Evaluations)
		})
	}
}

func TestEveryMethodDescends(t *testing.T) {
	for _, method := range Methods() {
		t.Run(method, func(t *testing.T) {
			p := network(30, 8)
			o := Defaults(method)
			o.MaxEvaluations = 400
			res, err := Minimize(t.Context(), p, start(p.n), o)
			require.NoError(t, err)
			assert.Less(t, res.Objective, res.History[0]-2)
			assert.LessOrEqual(t, res.Evaluations, 400)
			r := make([]float64, p.m)
			require.NoError(t, p.Residual(t.Context(), res.Point, r))
			assert.Equal(t, math.Log(norm(r)), res.Objective)
		})
	}
}

func TestResumedRunsAreBitIdentical(t *testing.T) {
	for _, method := range Methods() {
		for _, bounded := range []bool{false, true} {
			if bounded && method == "lbfgs" {
				continue
			}
			p := network(30, 8)
			if bounded {
				p.lower, p.upper = make([]float64, p.n), make([]float64, p.n)
				for i := range p.n {
					p.lower[i], p.upper[i] = -0.2, 0.25
				}
			}
			o := Defaults(method)
			o.StopObjective, o.StallIterations, o.MaxIterations = math.Inf(-1), 0, 40
			o.Schedule = Schedule{{5, 0.9}, {20, 0.5}}
			if method == "lm" {
				p.n, p.m = 30, 8
				o.MaxIterations = 14
			}
			whole, err := Minimize(t.Context(), p, start(p.n), o)
			require.NoError(t, err)
			var states []*State
			o.Observer = func(it *Iteration) error { states = append(states, it.State()); return nil }
			_, err = Minimize(t.Context(), p, start(p.n), o)
			require.NoError(t, err)
			o.Observer = nil
			require.NotEmpty(t, states)
			for at, s := range states {
				again, err := Resume(t.Context(), p, s, o)
				require.NoError(t, err)
				again.Seconds, again.State.Seconds = whole.Seconds, whole.State.Seconds
				require.Equal(t, whole, again, "%s, bounded %v, resumed after iteration %d", method, bounded, at+1)
			}
		}
	}
}

// An earlier release kept the last step and the second derivatives along it.
func TestStatesOfAnEarlierReleaseResume(t *testing.T) {
	p, o := network(30, 8), Defaults("lm")
	o.StopObjective, o.MaxIterations = math.Inf(-1), 3
	r, err := Minimize(t.Context(), p, start(p.n), o)
	require.NoError(t, err)
	old := r.State
	old.Scalars, old.Vectors = append(old.Scalars, make([]float64, p.m)...), make([]float64, p.n)
	o.StopObjective, o.MaxIterations = -20, 100
	again, err := Resume(t.Context(), p, old, o)
	require.NoError(t, err)
	assert.Less(t, again.Objective, -20.0)
	old.Vectors = make([]float64, 5*p.n)
	_, err = Resume(t.Context(), p, old, o)
	require.ErrorContains(t, err, "damaged")
}

// Where a remembered point has no values any more, or none that are finite, a resumed run forgets it: its Jacobian holds anything.
func TestRecallForgetsPointsWithoutValues(t *testing.T) {
	p, o := network(30, 8), Defaults("lm")
	o.StopObjective, o.MaxIterations = math.Inf(-1), 3
	r, err := Minimize(t.Context(), p, start(p.n), o)
	require.NoError(t, err)
	remembered := slices.Clone(r.State.Vectors)
	require.Greater(t, len(remembered), p.n)
	for name, fail := range map[string]func(call int) error{
		"unsolvable": func(call int) error {
			if call == 2 { // the first one evaluates the point itself
				return fault.New(fault.Numerical, "not solved")
			}
			return nil
		},
		"not finite": nil,
	} {
		q, calls := *p, 0
		q.calls, q.fail = 0, fail
		if fail == nil {
			q.f = func(x, residual, jac []float64) {
				p.f(x, residual, jac)
				if calls++; calls == 2 {
					jac[3] = math.NaN()
				}
			}
		}
		state := r.State.Clone()
		m := &levenbergMarquardt{dense: kernel.BestDense()}
		require.NoError(t, m.begin(t.Context(), newEvaluator(&q, state, 0), state, false), name)
		require.Len(t, m.curvature.past, len(remembered)/p.n-1, name)
		assert.Equal(t, remembered[p.n:2*p.n], m.curvature.past[0].x, name)
		m.end()
	}
}

func TestBoundsHoldAndTheConstrainedMinimumIsFound(t *testing.T) {
	// r = (x₀ − 3, x₁ + 1, x₂) in the box [0, 2]³: the minimum is (2, 0, 0).
	p := &problem{n: 3, m: 3, lower: []float64{0, 0, 0}, upper: []float64{2, 2, 2}, f: func(x, r, jac []float64) {
		r[0], r[1], r[2] = x[0]-3, x[1]+1, x[2]
		copy(jac, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
	}}
	for _, method := range []string{"lm", "rmsprop", "adabelief", "adam"} {
		o := Defaults(method)
		o.Observer = func(it *Iteration) error {
			for i, v := range it.Point {
				assert.True(t, v >= p.lower[i] && v <= p.upper[i])
			}
			return nil
		}
		res, err := Minimize(t.Context(), p, []float64{1, 1, 1}, o)
		require.NoError(t, err)
		assert.InDeltaSlice(t, []float64{2, 0, 0}, res.Point, 0.02, method)
		if method == "lm" {
			assert.InDeltaSlice(t, []float64{2, 0, 0}, res.Point, 1e-12)
		}
	}
	_, err := Minimize(t.Context(), p, []float64{1, 1, 1}, Defaults("lbfgs"))
	require.ErrorContains(t, err, "lbfgs does not support bounds")
}

func TestBoundsInTheDualForm(t *testing.T) {
	p := network(30, 8)
	p.lower, p.upper = make([]float64, p.n), make([]float64, p.n)
	for i := range p.n {
		p.lower[i], p.upper[i] = -0.5, 0.5
	}
	res, err := Minimize(t.Context(), p, start(p.n), Defaults("lm"))
	require.NoError(t, err)
	assert.LessOrEqual(t, res.Objective, -20.0, res.Message)
	atBound := 0
	for i, v := range res.Point {
		assert.True(t, v >= p.lower[i] && v <= p.upper[i])
		if v == p.lower[i] || v == p.upper[i] {
			atBound++
		}
	}
	assert.Positive(t, atBound, "the test wants active bounds")
}

func TestTerminationTests(t *testing.T) {
	run := func(change func(*Options)) *Result {
		o := Defaults("lm")
		o.StopObjective = math.Inf(-1)
		change(&o)
		res, err := Minimize(t.Context(), rosenbrock(), []float64{-1.2, 1}, o)
		require.NoError(t, err)
		require.NotEmpty(t, res.Message)
		return res
	}
	assert.Equal(t, Objective, run(func(o *Options) { o.StopObjective = -5 }).Status)
	res := run(func(o *Options) { o.MaxEvaluations = 5 })
	assert.Equal(t, Evaluations, res.Status)
	assert.Equal(t, 5, res.Evaluations)
	res = run(func(o *Options) { o.MaxIterations = 3 })
	assert.Equal(t, Iterations, res.Status)
	assert.Equal(t, 3, res.Iterations)
	assert.Len(t, res.History, 4)
	assert.Equal(t, Step, run(func(o *Options) { o.StepTolerance = 1e-3 }).Status)
	assert.Equal(t, Gradient, run(func(o *Options) { o.GradientTolerance = 1e6; o.StepTolerance = 0 }).Status)
	assert.Equal(t, Stalled, run(func(o *Options) { o.StallIterations, o.StallTolerance = 2, 1e9 }).Status)
	res = run(func(o *Options) {
		o.MaxSeconds = 1e-9
	})
	assert.Equal(t, Time, res.Status)
	res = run(func(o *Options) {
		o.Observer = func(it *Iteration) error {
			if it.Iteration == 2 {
				return fault.New(fault.Cancelled, "enough")
			}
			return nil
		}
	})
	assert.Equal(t, Cancelled, res.Status)
	assert.Equal(t, 2, res.Iterations)
}

func TestHugeTimeLimitsDoNotEndARun(t *testing.T) {
	for _, seconds := range []float64{1e9, 1e10, 1e300, math.MaxFloat64} {
		ctx, cancel := Limited(t.Context(), seconds)
		assert.NoError(t, ctx.Err(), "%g", seconds)
		deadline, _ := ctx.Deadline()
		assert.Greater(t, time.Until(deadline), time.Duration(9e17), "%g", seconds)
		cancel()
	}
}

func TestCancellationKeepsTheBestPoint(t *testing.T) {
	for _, method := range Methods() {
		p := network(30, 8)
		ctx, cancel := context.WithCancel(t.Context())
		p.fail = func(call int) error {
			if call == 12 {
				cancel()
				return fault.New(fault.Cancelled, "stopped by the caller")
			}
			return nil
		}
		o := Defaults(method)
		o.StopObjective, o.StepTolerance = math.Inf(-1), 0
		res, err := Minimize(ctx, p, start(p.n), o)
		require.NoError(t, err)
		assert.Equal(t, Cancelled, res.Status, method)
		assert.Less(t, res.Objective, res.History[0])
	}
}

func TestErrorsOfTheProblemAreReturnedWithTheBestPoint(t *testing.T) {
	p := network(30, 8)
	broken := errors.New("the engine broke")
	p.fail = func(call int) error {
		if call > 4 {
			return broken
		}
		return nil
	}
	res, err := Minimize(t.Context(), p, start(p.n), Defaults("lm"))
	require.ErrorIs(t, err, broken)
	require.NotNil(t, res)
	assert.Equal(t, Failed, res.Status)
	assert.Less(t, res.Objective, res.History[0])
}

func TestTrialPointsOutsideTheDomainAreRejected(t *testing.T) {
	// r = log x − 1 from x = 20: the Gauss–Newton step leads to x < 0.
	for _, method := range []string{"lm", "lbfgs"} {
		p := &problem{n: 1, m: 1, f: func(x, r, jac []float64) { r[0], jac[0] = math.Log(x[0])-1, 1/x[0] }}
		o := Defaults(method)
		o.StopObjective = -10
		res, err := Minimize(t.Context(), p, []float64{20}, o)
		require.NoError(t, err)
		assert.InDelta(t, math.E, res.Point[0], 1e-3, "%s: %s", method, res.Message)

		// So are those where equations cannot be solved; at the start that is an error.
		rejected := 0
		solved := &unsolvable{p, func(x float64) bool { return x > 0 }, &rejected}
		res, err = Minimize(t.Context(), solved, []float64{20}, o)
		require.NoError(t, err)
		assert.InDelta(t, math.E, res.Point[0], 1e-3, "%s: %s", method, res.Message)
		assert.Positive(t, rejected)
		_, err = Minimize(t.Context(), solved, []float64{-1}, o)
		assert.Equal(t, fault.Numerical, fault.KindOf(err))
	}
}

// unsolvable is a problem of one parameter that has values where solvable says so.
type unsolvable struct {
	*problem
	solvable func(x float64) bool
	rejected *int
}

func (u *unsolvable) check(x []float64) error {
	if u.solvable(x[0]) {
		return nil
	}
	*u.rejected++
	return fault.New(fault.Numerical, "not solved at %g", x[0])
}

func (u *unsolvable) Jacobian(ctx context.Context, x, r, jac []float64) error {
	if err := u.check(x); err != nil {
		return err
	}
	return u.problem.Jacobian(ctx, x, r, jac)
}

func (u *unsolvable) Gradient(ctx context.Context, x, g []float64) (float64, error) {
	if err := u.check(x); err != nil {
		return 0, err
	}
	return u.problem.Gradient(ctx, x, g)
}

func TestBadOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		`method: "newton" is not known; give one of ["lm" "lbfgs" "rmsprop" "adabelief" "adam"]`: func(o *Options) { o.Method = "newton" },
		"step_tolerance: NaN": func(o *Options) { o.StepTolerance = math.NaN() },
		"time_limit: -1":      func(o *Options) { o.MaxSeconds = -1 },
		"max_evaluations: -3": func(o *Options) { o.MaxEvaluations = -3 },
		"stop_objective: NaN": func(o *Options) { o.StopObjective = math.NaN() },
		"schedule: entry 0":   func(o *Options) { o.Schedule = Schedule{{-1, 1}} },
		"rate: 0":             func(o *Options) { o.Method, o.LearningRate = "adam", 0 },
	} {
		o := Defaults("lm")
		change(&o)
		res, err := Minimize(t.Context(), rosenbrock(), []float64{0, 0}, o)
		require.ErrorContains(t, err, want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
		assert.Nil(t, res)
	}
	_, err := Minimize(t.Context(), rosenbrock(), []float64{0, math.NaN()}, Defaults("lm"))
	require.ErrorContains(t, err, "start: entry 1 is NaN")
	_, err = Minimize(t.Context(), rosenbrock(), []float64{0}, Defaults("lm"))
	require.ErrorContains(t, err, "start: 1 values for 2 parameters")
	_, err = NamedSchedule("paper")
	require.ErrorContains(t, err, "paper-defect")
}

func TestDamagedStatesAreRefused(t *testing.T) {
	p := network(30, 8)
	for _, method := range Methods() {
		o := Defaults(method)
		o.MaxIterations = 3
		res, err := Minimize(t.Context(), p, start(p.n), o)
		require.NoError(t, err)
		for name, damage := range map[string]func(*State){
			"point": func(s *State) { s.Point = s.Point[1:] }, "best": func(s *State) { s.Best = nil },
			"vectors": func(s *State) { s.Vectors = append(s.Vectors, 1) }, "scalars": func(s *State) { s.Scalars = append(s.Scalars, 1) },
			"history": func(s *State) { s.History = s.History[1:] }, "method": func(s *State) { s.Method = "other" },
		} {
			s := res.State.Clone()
			damage(s)
			_, err := Resume(t.Context(), p, s, o)
			assert.Error(t, err, "%s, %s", method, name)
		}
	}
}

func TestSchedulesMultiply(t *testing.T) {
	s, err := NamedSchedule("paper-sites")
	require.NoError(t, err)
	assert.Equal(t, 1.0, s.Factor(1999))
	assert.Equal(t, 0.9, s.Factor(2000))
	assert.InDelta(t, 0.9*0.5*0.1*0.1*0.1, s.Factor(30000), 1e-18)
}

// First steps by hand, g = 2 at x = 1 of L = log x² (rate 0.1).
func TestFirstStepsOfTheRules(t *testing.T) {
	for method, want := range map[string]float64{
		"rmsprop":   1 - 0.1*2/math.Sqrt(0.1*4+1e-8),
		"adam":      1 - 0.1*2/(2+1e-8),
		"adabelief": 1 - 0.1*2/2,
	} {
		p := &problem{n: 1, m: 1, f: func(x, r, jac []float64) { r[0], jac[0] = x[0]*x[0], 2*x[0] }}
		o := Defaults(method)
		o.LearningRate, o.MaxIterations = 0.1, 1
		res, err := Minimize(t.Context(), p, []float64{1}, o)
		require.NoError(t, err)
		assert.InDelta(t, want, res.State.Point[0], 1e-12, method)
	}
}

// stepper is a problem that takes the steps of first-order methods itself, so many times.
type stepper struct {
	*problem
	left int
	err  error
}

func (p *stepper) Descend(_ context.Context, o *Options, s *State) (Descent, error) {
	return &steps{p, newFirstOrder(o), newEvaluator(p.problem, s, 0), s.Clone()}, nil
}

type steps struct {
	p *stepper
	f *firstOrder
	e *evaluator
	s *State
}

func (d *steps) Advance(ctx context.Context, n int) (*Stretch, error) {
	if d.p.left--; d.p.left < 0 {
		return nil, d.p.err
	}
	out := &Stretch{}
	if n == 0 {
		if err := d.f.begin(ctx, d.e, d.s, false); err != nil {
			return nil, err
		}
	} else {
		info, err := d.f.step(ctx, d.e, d.s)
		if err != nil {
			return nil, err
		}
		d.s.Iteration++
		out.Objectives, out.StepNorm = []float64{d.f.l}, info.norm
	}
	out.Objective, out.Point, out.Vectors, out.Best, out.BestObjective = d.f.l, d.s.Point, d.s.Vectors, d.e.best, d.e.bestObjective
	return out, nil
}

func (d *steps) Close() {}

// Where a problem takes the steps itself and cannot go on, single steps do, and the run is the same.
func TestStepsGoOnSingly(t *testing.T) {
	for _, method := range []string{"rmsprop", "adabelief", "adam"} {
		o := Defaults(method)
		o.MaxEvaluations, o.Schedule = 12, Schedule{{Step: 3, Factor: 0.5}}
		want, err := Minimize(t.Context(), network(10, 4), start(10), o)
		require.NoError(t, err)
		for left := range 14 {
			p := &stepper{network(10, 4), left, fault.New(fault.Unsupported, "lost")}
			got, err := Minimize(t.Context(), p, start(10), o)
			require.NoError(t, err)
			want.Seconds, got.Seconds, want.State.Seconds, got.State.Seconds = 0, 0, 0, 0
			require.Equal(t, want, got, "%s after %d stretches", method, left)
		}
		p := &stepper{network(10, 4), 5, fault.New(fault.Unsupported, "lost")}
		p.fail = func(call int) error {
			if call > 5 { // evaluations are lost with the steps
				return p.err
			}
			return nil
		}
		got, err := Minimize(t.Context(), p, start(10), o)
		require.ErrorIs(t, err, p.err)
		assert.Equal(t, Failed, got.Status)
		assert.Equal(t, 4, got.Iterations)
		p = &stepper{network(10, 4), 3, fault.New(fault.Cancelled, "stop")}
		got, err = Minimize(t.Context(), p, start(10), o)
		require.NoError(t, err)
		assert.Equal(t, Cancelled, got.Status)
	}
}
