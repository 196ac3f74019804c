//go:build cuda && cgo

package cuda_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/optimize"
	"mcd/core/scatter"
	"mcd/cuda"
)

// descend searches with a first-order method on the given engine.
func descend(t *testing.T, e scatter.Engine, w *adjoint.Wire, p inverse.Builder, method string, state *inverse.RunState, evaluations int) *inverse.Result {
	built, err := p.Build()
	require.NoError(t, err)
	target := make([]float64, w.Outputs())
	for k := range target {
		target[k] = 0.7 * float64(w.Ceiling()[k])
	}
	problem, err := inverse.NewProblem(inverse.Setup{Engine: e, Strip: &w.Strip, Target: target, Parametrization: built,
		Regularizers: []inverse.Regularizer{inverse.Smoothness{Length: w.Strip.Length, Width: w.Strip.Width, Weight: 1e-2}}})
	require.NoError(t, err)
	o := inverse.DefaultDesign(method)
	o.MaxEvaluations, o.Schedule = evaluations, optimize.Schedule{{Step: 4, Factor: 0.5}}
	if _, is := e.(*cuda.Engine); is { // the run below will not fall back to single steps
		run, err := problem.Descend(ctx, &o.Options, &optimize.State{Point: built.Start(), Vectors: make([]float64, 2*built.Parameters())})
		require.NoError(t, err)
		run.Close()
	}
	r, err := inverse.ResumeDesign(ctx, problem, state, o)
	require.NoError(t, err)
	return r
}

// Steps that never leave the device are those of package optimize, and go on from where they were stopped to the bit.
func TestSteps(t *testing.T) {
	w := sweep(t, 4, 5, 3)
	e := engine(t, w, cuda.Options{})
	basis := make([]float64, 2*20)
	for i := range 20 {
		basis[i], basis[20+i] = math.Sin(float64(i)), math.Cos(float64(3*i))
	}
	for name, p := range map[string]inverse.Builder{ // by turns with one of the methods
		"sites": inverse.Sites{Length: 4, Width: 5, Start: rough(2, 20)},
		"mirrored and filtered sites": inverse.Sites{Length: 4, Width: 5, Start: rough(2, 20), Mirror: inverse.MirrorY, FilterRadius: 1.5,
			Lower: []float64{3.5}, Upper: []float64{4.5}},
		"gates": inverse.Gates{Sites: 20, Basis: basis, Volts: []float64{0.3, -0.2}, Background: []float64{4}},
		"Gaussians": inverse.Gaussians{Length: 4, Width: 5, X: []float64{1.5}, Y: []float64{2.2}, Amplitude: []float64{1.4}, Radius: []float64{1.2},
			Free: inverse.Quantities{Y: true, Amplitude: true, Radius: true}, Background: []float64{4}},
	} {
		methods := []string{[]string{"rmsprop", "adabelief", "adam"}[len(name)%3]}
		if name == "sites" {
			methods = []string{"rmsprop", "adabelief", "adam"}
		}
		for _, method := range methods {
			t.Run(name+", "+method, func(t *testing.T) {
				onCPU, onGPU := descend(t, w, w, p, method, &inverse.RunState{}, 8), descend(t, e, w, p, method, &inverse.RunState{}, 8)
				assert.Equal(t, onCPU.HistoryEvaluations, onGPU.HistoryEvaluations)
				compare(t, onCPU.History, onGPU.History, 1e-9, "history")
				compare(t, onCPU.Theta, onGPU.Theta, 1e-9, "best point")
				compare(t, onCPU.State.Current.Vectors, onGPU.State.Current.Vectors, 1e-9, "moments")
				assert.Equal(t, onCPU.Status, onGPU.Status)

				part := descend(t, e, w, p, method, &inverse.RunState{}, 4)
				whole := descend(t, e, w, p, method, part.State, 8)
				assert.Equal(t, onGPU.History, whole.History)
				assert.Equal(t, onGPU.State.Current.Point, whole.State.Current.Point)
			})
		}
	}
}

// Runs that share a batch do not notice each other.
func TestManyRunsAtOnce(t *testing.T) {
	w := sweep(t, 3, 4, 3)
	e := engine(t, w, cuda.Options{})
	free, err := inverse.Sites{Length: 3, Width: 4, Start: rough(4, 12)}.Build()
	require.NoError(t, err)
	affine, ok := inverse.Affine(free)
	require.True(t, ok)
	points := rough(5, 3*12)
	run := func(points []float64, stretches ...int) *scatter.Stretch {
		d, err := e.Descend(ctx, &scatter.Descent{Map: affine, Target: []float64{1, 1, 1}, Rule: "adam", Rate: 0.01, StopObjective: math.Inf(-1),
			Points: points, Moments: make([]float64, 2*len(points)), Iterations: make([]int64, len(points)/12)})
		require.NoError(t, err)
		defer d.Close()
		var s *scatter.Stretch
		for _, n := range stretches {
			for n > 0 {
				s, err = d.Advance(ctx, n)
				require.NoError(t, err)
				n -= int(s.Steps[0])
			}
			require.NoError(t, e.Value(ctx, points[:12], nans(3))) // others use the engine in between
		}
		s.Points, s.Objective = slices.Clone(s.Points), slices.Clone(s.Objective)
		return s
	}
	together := run(points, 7)
	for i := range 3 {
		alone := run(points[i*12:][:12], 3, 4)
		assert.Equal(t, alone.Points, together.Points[i*12:][:12])
		assert.Equal(t, alone.Objective[0], together.Objective[i])
	}
}

// counting tells how an engine is asked.
type counting struct {
	*cuda.Engine
	single, together, descents int
}

func (c *counting) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	c.single++
	return c.Engine.Jacobian(ctx, onsite, g, jac)
}

func (c *counting) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	c.together++
	return c.Engine.Jacobians(ctx, onsite, g, jac)
}

func (c *counting) Descend(ctx context.Context, d *scatter.Descent) (scatter.Descending, error) {
	c.descents++
	return c.Engine.Descend(ctx, d)
}

// Several starts are one batch on the device, and find what they find on the CPU one after the other.
func TestManyStarts(t *testing.T) {
	w := sweep(t, 4, 5, 3)
	e := &counting{Engine: engine(t, w, cuda.Options{})}
	free, err := inverse.Sites{Length: 4, Width: 5, Start: rough(2, 20)}.Build()
	require.NoError(t, err)
	target := make([]float64, 3)
	require.NoError(t, w.Value(ctx, rough(3, 20), target))
	for _, method := range []string{"lm", "adabelief"} {
		o := inverse.DefaultDesign(method)
		o.Starts, o.MaxIterations = 4, 6
		var found [2]*inverse.Result
		for i, engine := range []scatter.Engine{w, e} {
			p, err := inverse.NewProblem(inverse.Setup{Engine: engine, Strip: &w.Strip, Target: target, Parametrization: free})
			require.NoError(t, err)
			found[i], err = inverse.Design(ctx, p, o)
			require.NoError(t, err)
		}
		require.Len(t, found[1].Outcomes, 4)
		for i, want := range found[0].Outcomes {
			compare(t, want.Theta, found[1].Outcomes[i].Theta, 1e-7, method)
			assert.Equal(t, want.Start, found[1].Outcomes[i].Start)
			assert.Equal(t, want.HistoryEvaluations, found[1].Outcomes[i].HistoryEvaluations)
		}
	}
	assert.LessOrEqual(t, e.together, 7, "evaluations of all starts of lm")
	assert.Zero(t, e.single)
	assert.Equal(t, 1, e.descents)
}

// Runs of steps tell how far they are all the time, and end soon after they are asked to.
func TestStepsReportAndStop(t *testing.T) {
	w := sweep(t, 4, 5, 3)
	e := engine(t, w, cuda.Options{})
	free, err := inverse.Sites{Length: 4, Width: 5, Start: rough(2, 20)}.Build()
	require.NoError(t, err)
	p, err := inverse.NewProblem(inverse.Setup{Engine: e, Strip: &w.Strip, Target: []float64{2, 2, 2}, Parametrization: free})
	require.NoError(t, err)
	o := inverse.DefaultDesign("adabelief")
	o.MaxEvaluations, o.Starts = 0, 2
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	reports, last, longest := 0, time.Now(), time.Duration(0)
	o.Observer = func(*inverse.Progress) error {
		now := time.Now()
		longest, last = max(longest, now.Sub(last)), now
		if reports++; reports == 30 {
			cancel()
		}
		return nil
	}
	r, err := inverse.Design(stop, p, o)
	took := time.Since(last)
	require.NoError(t, err)
	assert.Equal(t, optimize.Cancelled, r.Status)
	assert.Equal(t, 30, reports)
	assert.Greater(t, r.Evaluations, 15)
	if onGPU() {
		assert.Less(t, max(took, longest), 100*time.Millisecond)
	} else { // a stretch may be under way, as slow as the emulation is on a busy machine
		assert.Less(t, took, 3*longest)
	}
}
