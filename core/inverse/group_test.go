package inverse

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/scatter"
)

// batcher is an engine that is worth asking for three potentials at once.
type batcher struct {
	scatter.Engine
	sizes []int // of the calls
	// spoiled is an on-site energy that has no answer.
	spoiled float64
	delay   time.Duration // of every call
}

func (b *batcher) Batch(context.Context) int { return 3 }

func (b *batcher) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	return b.Jacobians(ctx, [][]float64{onsite}, [][]float64{g}, [][]float64{jac})
}

func (b *batcher) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	b.sizes = append(b.sizes, len(onsite))
	time.Sleep(b.delay)
	for d := range onsite {
		if b.spoiled != 0 && onsite[d][0] == b.spoiled {
			return fault.New(fault.Numerical, "a level lies at the energy")
		}
		if err := b.Engine.Jacobian(ctx, onsite[d], g[d], jac[d]); err != nil {
			return err
		}
	}
	return nil
}

// startsProblem returns a problem with a target that can be reached, on the CPU and on an engine that takes three potentials.
func startsProblem(t *testing.T) (alone, together *Problem, b *batcher) {
	w, strip := wire(t, 6, 5, 8)
	target := make([]float64, 8)
	require.NoError(t, w.Value(t.Context(), rough(30, 0.6, 3), target))
	setup := Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 6, Width: 5, Start: constant(30, 4)})}
	alone, err := NewProblem(setup)
	require.NoError(t, err)
	b = &batcher{Engine: w}
	setup.Engine = b
	together, err = NewProblem(setup)
	require.NoError(t, err)
	return alone, together, b
}

// timeless returns outcomes without what differs from run to run.
func timeless(r *Result) []Outcome {
	for i := range r.Outcomes {
		r.Outcomes[i].Seconds = 0
	}
	return r.Outcomes
}

func TestStartsSideBySide(t *testing.T) {
	alone, together, b := startsProblem(t)
	for _, method := range optimize.Methods() {
		t.Run(method, func(t *testing.T) {
			o := DefaultDesign(method)
			o.Starts, o.MaxIterations = 5, 6
			want, err := Design(t.Context(), alone, o)
			require.NoError(t, err)
			b.sizes = nil
			evaluations, last := 0, 0
			o.Observer = func(p *Progress) error {
				assert.GreaterOrEqual(t, p.TotalEvaluations, evaluations)
				evaluations, last = p.TotalEvaluations, max(last, p.Start)
				return nil
			}
			got, err := Design(t.Context(), together, o)
			require.NoError(t, err)
			require.Equal(t, timeless(want), timeless(got))
			assert.Equal(t, want.TotalEvaluations, got.TotalEvaluations)
			assert.Equal(t, 4, last)
			calls := map[int]int{}
			for _, n := range b.sizes {
				calls[n]++
			}
			assert.Positive(t, calls[3])
			assert.Positive(t, calls[2])
			assert.Less(t, len(b.sizes), want.TotalEvaluations*2/3)
		})
	}
}

func TestStartsSideBySideResume(t *testing.T) {
	alone, together, _ := startsProblem(t)
	for _, method := range []string{"lm", "adam"} {
		t.Run(method, func(t *testing.T) {
			o := DefaultDesign(method)
			o.Starts, o.MaxIterations = 5, 6
			whole, err := Design(t.Context(), together, o)
			require.NoError(t, err)
			timeless(whole)
			var states []*RunState
			o.Observer = func(it *Progress) error { states = append(states, it.State()); return nil }
			_, err = Design(t.Context(), together, o)
			require.NoError(t, err)
			o.Observer = nil
			for _, s := range states {
				for _, p := range []*Problem{together, alone} { // elsewhere too
					again, err := ResumeDesign(t.Context(), p, s, o)
					require.NoError(t, err)
					require.Equal(t, whole.Outcomes, timeless(again))
				}
			}
			// Evaluations are dealt evenly, and a run that has used them up goes on where it stood.
			for _, limit := range []int{2, 9, 17} {
				o.MaxEvaluations = limit
				part, err := Design(t.Context(), together, o)
				require.NoError(t, err)
				assert.LessOrEqual(t, part.TotalEvaluations, limit)
				assert.Greater(t, part.TotalEvaluations, limit-3)
				for _, a := range part.Outcomes {
					for _, b := range part.Outcomes {
						if a.Status == optimize.Evaluations && b.Status == optimize.Evaluations {
							assert.Equal(t, a.Evaluations, b.Evaluations)
						}
					}
				}
				o.MaxEvaluations = 1000
				rest, err := ResumeDesign(t.Context(), together, part.State, o)
				require.NoError(t, err)
				require.Equal(t, whole.Outcomes, timeless(rest))
			}
		})
	}
}

// What a start that ends early leaves of the evaluations goes to the others.
func TestLeftOverEvaluationsAreDealtAgain(t *testing.T) {
	_, together, _ := startsProblem(t)
	o := DefaultDesign("lm")
	o.Starts, o.StopObjective, o.MaxEvaluations = 3, -6, 0
	whole, err := Design(t.Context(), together, o)
	require.NoError(t, err)
	most, least := 0, math.MaxInt
	for _, f := range whole.Outcomes {
		most, least = max(most, f.Evaluations), min(least, f.Evaluations)
	}
	require.Greater(t, most, least)
	o.MaxEvaluations = whole.TotalEvaluations
	require.Greater(t, most, o.MaxEvaluations/3)
	limited, err := Design(t.Context(), together, o)
	require.NoError(t, err)
	require.Equal(t, timeless(whole), timeless(limited))
}

func TestStartsSideBySideEndTogether(t *testing.T) {
	_, together, b := startsProblem(t)
	o := DefaultDesign("lm")
	o.Starts = 3
	for name, end := range map[string]func(*Progress) error{
		"stopped": func(p *Progress) error {
			if p.Start == 1 {
				return fault.New(fault.Cancelled, "enough")
			}
			return nil
		},
		"failed": func(p *Progress) error {
			if p.Start == 1 {
				return fault.New(fault.Internal, "no")
			}
			return nil
		},
	} {
		o.Observer = end
		r, err := Design(t.Context(), together, o)
		require.NotNil(t, r, name)
		assert.Equal(t, name == "failed", err != nil, name)
		ended := map[optimize.Status]int{}
		for _, out := range r.Outcomes {
			assert.LessOrEqual(t, out.Evaluations, 3, name)
			ended[out.Status]++
		}
		assert.GreaterOrEqual(t, ended[optimize.Cancelled], 2, name)
	}
	o.Observer = nil
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Design(ctx, together, o)
	assert.Equal(t, fault.Cancelled, fault.KindOf(err), "there is nothing to keep")
	o.MaxSeconds, b.delay = 0.01, 30*time.Millisecond
	r, err := Design(t.Context(), together, o)
	require.NoError(t, err)
	assert.Equal(t, optimize.Time, r.Status)
	for _, out := range r.Outcomes {
		assert.Equal(t, optimize.Time, out.Status)
	}
	// One potential without an answer ends the run, as it does for starts one after the other.
	o.MaxSeconds, b.delay = 0, 0
	b.spoiled = (&run{problem: together, o: o}).start(1)[0]
	r, err = Design(t.Context(), together, o)
	assert.Equal(t, fault.Numerical, fault.KindOf(err))
	require.NotNil(t, r)
}
