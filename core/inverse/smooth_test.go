package inverse

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/optimize"
)

// smoothing is a problem of 10 × 8 sites and 24 points with a potential that shows its curve.
func smoothing(t *testing.T, weights []float64) (*Problem, []float64, SmoothOptions) {
	w, strip := wire(t, 10, 8, 24)
	start, target := rough(80, 0.5, 3), make([]float64, 24)
	require.NoError(t, w.Value(t.Context(), start, target))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Weights: weights, Parametrization: build(t, Sites{Length: 10, Width: 8, Start: start})})
	require.NoError(t, err)
	return p, start, SmoothOptions{Length: 10, Width: 8, Level: -3}
}

func TestSmoothComparesStarts(t *testing.T) {
	p, start, o := smoothing(t, nil)
	parts, whole := 0, 0
	o.Observer = func(it *SmoothProgress) error {
		assert.GreaterOrEqual(t, it.Evaluations, whole, "evaluations count up")
		whole = it.Evaluations
		if it.Part {
			parts++
		}
		return nil
	}
	r, err := Smooth(t.Context(), p, start, o)
	require.NoError(t, err)
	assert.Greater(t, parts, 100, "several starts are compared")
	assert.LessOrEqual(t, r.Objective, -3.0)
	assert.Less(t, r.Roughness, Roughness(10, 8, start)/5, r.Message)
	g := make([]float64, 24)
	require.NoError(t, p.setup.Engine.Value(t.Context(), r.Onsite, g))
	assert.LessOrEqual(t, sumSquares(g, p.setup.Target), 0.00248, "L ≤ −3 at all points")
	for _, threads := range []int{1, 3} {
		o.Threads, o.Observer = threads, nil
		again, err := Smooth(t.Context(), p, start, o)
		require.NoError(t, err)
		assert.Equal(t, r.Onsite, again.Onsite, "%d threads", threads)
	}
}

func TestSmoothKeepsToItsEvaluations(t *testing.T) {
	p, start, o := smoothing(t, nil)
	far := slices.Clone(start)
	for i := range far {
		far[i] += 0.2 * float64(i%5)
	}
	for _, evaluations := range []int{1, 2, 20, 100, 210, 300} {
		for _, from := range [][]float64{start, far} {
			o.MaxEvaluations = evaluations
			count := 0
			o.Observer = func(it *SmoothProgress) error { count = it.Evaluations; return nil }
			r, err := Smooth(t.Context(), p, from, o)
			assert.LessOrEqual(t, count, evaluations)
			if err == nil {
				assert.LessOrEqual(t, r.Evaluations, evaluations)
			} else {
				assert.Equal(t, fault.Numerical, fault.KindOf(err), "%v", err)
			}
		}
	}
}

func TestSmoothEndsWhileStartsAreCompared(t *testing.T) {
	p, start, o := smoothing(t, nil)
	o.Observer = func(it *SmoothProgress) error {
		if it.Part {
			return fault.New(fault.Cancelled, "enough")
		}
		return nil
	}
	r, err := Smooth(t.Context(), p, start, o)
	require.NoError(t, err)
	assert.Equal(t, optimize.Cancelled, r.Status)
	assert.InDeltaSlice(t, start, r.Onsite, 1e-12, "the start is the best there is")

	planted := errors.New("planted")
	o.Observer = func(it *SmoothProgress) error {
		if it.Part {
			return planted
		}
		return nil
	}
	_, err = Smooth(t.Context(), p, start, o)
	assert.ErrorIs(t, err, planted)

	o.Observer, o.MemoryLimit = nil, 1000
	r, err = Smooth(t.Context(), p, start, o)
	require.NoError(t, err, "own alone where there is no memory for others")
	assert.Less(t, r.Roughness, Roughness(10, 8, start))
}

func TestSmoothWhereAPartHasNoWeight(t *testing.T) {
	weights := make([]float64, 24)
	weights[1], weights[2] = 1, 1
	p, start, o := smoothing(t, weights)
	r, err := Smooth(t.Context(), p, start, o)
	require.NoError(t, err)
	assert.LessOrEqual(t, r.Objective, -3.0)
	assert.Less(t, r.Roughness, Roughness(10, 8, start)/5, r.Message)
}

func TestSmoothOneSite(t *testing.T) {
	w, strip := wire(t, 1, 1, 3)
	target := make([]float64, 3)
	require.NoError(t, w.Value(t.Context(), []float64{4.2}, target))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 1, Width: 1, Start: []float64{4.2}})})
	require.NoError(t, err)
	r, err := Smooth(t.Context(), p, []float64{4.2}, SmoothOptions{Length: 1, Width: 1, Level: -3})
	require.NoError(t, err)
	assert.Equal(t, []float64{4.2}, r.Onsite)
}
