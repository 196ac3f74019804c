package inverse

import (
	"bufio"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/lattice"
)

// wire returns the CPU engine of a strip at energy 1.2 with points fields from 0 to 0.12.
func wire(t testing.TB, length, width, points int) (*adjoint.Wire, lattice.Strip) {
	s := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4}
	for k := range points {
		s.Fields = append(s.Fields, 0.12*float64(k)/float64(points-1))
		s.Energies = append(s.Energies, 1.2)
	}
	w, err := adjoint.NewWire(s, adjoint.Options{})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w, s
}

// reference reads a target curve of the wire of the paper.
func reference(t testing.TB, name string) (target []float64) {
	f, err := os.Open(filepath.Join("..", "..", "tests", "reference", "targets", name+".csv"))
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if cells := strings.Split(lines.Text(), ","); len(cells) == 2 {
			if g, err := strconv.ParseFloat(cells[1], 64); err == nil {
				target = append(target, g)
			}
		}
	}
	require.Len(t, target, 101)
	return target
}

// rough returns 4 + strength·normal at n sites.
func rough(n int, strength float64, seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 0))
	h := make([]float64, n)
	for i := range h {
		h[i] = 4 + strength*random.NormFloat64()
	}
	return h
}

func build(t testing.TB, b Builder) Parametrization {
	p, err := b.Build()
	require.NoError(t, err)
	return p
}

// examples are parametrizations of 5 × 4 sites.
func examples(t testing.TB) map[string]Parametrization {
	start := rough(20, 0.3, 1)
	gaussians := Gaussians{Length: 5, Width: 4, X: []float64{1.2, 3}, Y: []float64{2, 0.7}, Amplitude: []float64{3, -1},
		Radius: []float64{1.5, 0.9}, Free: Quantities{Y: true, Amplitude: true, Radius: true}, Background: []float64{4}}
	all := gaussians
	all.Free.X = true
	basis := rough(60, 1, 2)
	gates := Gates{Sites: 20, Basis: basis, Volts: []float64{0.1, -0.2, 0.3}, Background: []float64{4}}
	mask := make([]bool, 20)
	for i := range mask {
		mask[i] = i%3 != 0
	}
	tied, err := Constrain(build(t, all), Constraints{Frozen: []bool{true, false, false, false, false, false, false, false},
		Ties: []int{-1, -1, 7, -1, -1, -1, 7, -1}})
	require.NoError(t, err)
	return map[string]Parametrization{
		"sites":        build(t, Sites{Length: 5, Width: 4, Start: start}),
		"filter":       build(t, Sites{Length: 5, Width: 4, Start: start, FilterRadius: 2}),
		"mirrored":     build(t, Sites{Length: 5, Width: 4, Start: start, Mirror: MirrorBoth}),
		"masked":       build(t, Sites{Length: 5, Width: 4, Start: start, Mask: mask, Mirror: MirrorPoint, FilterRadius: 1.8}),
		"gaussians":    build(t, gaussians),
		"all free":     build(t, all),
		"constrained":  tied,
		"gates":        build(t, gates),
		"gates on top": build(t, Sum{Parts: []Builder{Frozen{Onsite: start}, all, Gates{Sites: 20, Basis: basis, Volts: []float64{0, 1, 2}, Background: []float64{0}}}}),
		"shapes":       newShapes(lattice.Strip{Length: 5, Width: 4, Hopping: 1.3, LeadOnsite: 5}, 2),
	}
}

func TestPullIsTheDerivativeOfOnsite(t *testing.T) {
	for name, p := range examples(t) {
		t.Run(name, func(t *testing.T) {
			n, sites := p.Parameters(), p.Sites()
			theta := p.Start()
			for j := range theta {
				theta[j] += 0.01 * float64(j%7)
			}
			jac := rough(3*sites, 1, 4)
			out := make([]float64, 3*n)
			p.Pull(theta, jac, 3, out)
			high, low := make([]float64, sites), make([]float64, sites)
			for j := range theta {
				const step = 1e-5
				old := theta[j]
				theta[j] = old + step
				p.Onsite(theta, high)
				theta[j] = old - step
				p.Onsite(theta, low)
				theta[j] = old
				for k := range 3 {
					want := 0.0
					for i := range sites {
						want += jac[k*sites+i] * (high[i] - low[i]) / (2 * step)
					}
					assert.InDelta(t, want, out[k*n+j], 1e-7, "%s, row %d", p.Label(j), k)
				}
			}
		})
	}
}

func TestSymmetriesMasksAndFilters(t *testing.T) {
	p := examples(t)
	h := make([]float64, 20)
	require.Equal(t, 6, p["mirrored"].Parameters())
	p["mirrored"].Onsite(rough(6, 1, 3), h)
	for x := range 5 {
		for y := range 4 {
			assert.Equal(t, h[x*4+y], h[(4-x)*4+y])
			assert.Equal(t, h[x*4+y], h[x*4+3-y])
		}
	}
	start := rough(20, 0.3, 1)
	p["masked"].Onsite(rough(p["masked"].Parameters(), 1, 3), h)
	for i := 0; i < 20; i += 3 {
		assert.Equal(t, start[i], h[i], "masked site %d", i)
	}
	bounded := build(t, Sites{Length: 5, Width: 4, Start: start, Lower: []float64{3.9}, Upper: []float64{4.1}, FilterRadius: 3})
	bounded.Onsite(bounded.Start(), h)
	for _, v := range h {
		assert.True(t, v >= 3.9 && v <= 4.1)
	}
	assert.Equal(t, "amplitude[1]", p["all free"].Label(6))
	assert.Equal(t, "onsite[2,3]", p["sites"].Label(11))
}

func TestConstraints(t *testing.T) {
	base := build(t, Gates{Sites: 2, Basis: []float64{1, 0, 0, 1, 1, 1}, Volts: []float64{1, 2, 3}, Lower: []float64{0}, Upper: []float64{10}, Background: []float64{0}})
	p, err := Constrain(base, Constraints{Start: []float64{1, 5, 3}, Frozen: []bool{false, true, false}, Ties: []int{0, -1, 0}, Upper: []float64{4, 9, 8}})
	require.NoError(t, err)
	assert.Equal(t, []float64{2}, p.Start())
	lower, upper := p.Bounds()
	assert.Equal(t, []float64{0}, lower)
	assert.Equal(t, []float64{4}, upper)
	assert.Equal(t, []float64{2, 5, 2}, Expand(p, []float64{2}))
	for want, c := range map[string]Constraints{
		"every parameter is frozen": {Frozen: []bool{true, true, true}},
		"start: 2 values":           {Start: []float64{1, 2}},
		"contradict each other":     {Lower: []float64{5, 0, 0}, Upper: []float64{6, 9, 3}, Ties: []int{1, -1, 1}},
		"outside its bounds":        {Start: []float64{1, 20, 3}, Frozen: []bool{false, true, false}},
		"ties: 1 values":            {Ties: []int{1}},
		"start: entry 1 is NaN":     {Start: []float64{1, math.NaN(), 3}},
	} {
		_, err := Constrain(base, c)
		require.ErrorContains(t, err, want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
}

func TestBadParametrizations(t *testing.T) {
	start := rough(6, 1, 1)
	one := []float64{1}
	for want, b := range map[string]Builder{
		"start: 6 values for 3 × 3 sites":  Sites{Length: 3, Width: 3, Start: start},
		"start: entry 0 is NaN":            Sites{Length: 1, Width: 1, Start: []float64{math.NaN()}},
		"lower 5, upper 4":                 Sites{Length: 2, Width: 3, Start: start, Lower: []float64{5}, Upper: []float64{4}},
		"lower: 2 values for 6":            Sites{Length: 2, Width: 3, Start: start, Lower: []float64{5, 4}},
		"mask: no site may change":         Sites{Length: 2, Width: 3, Start: start, Mask: make([]bool, 6)},
		"filter_radius: -1":                Sites{Length: 2, Width: 3, Start: start, FilterRadius: -1},
		"y: 0 values for 1 Gaussians":      Gaussians{Length: 2, Width: 3, X: one, Amplitude: one, Radius: one, Free: Quantities{Y: true}, Background: one},
		"free: nothing is free":            Gaussians{Length: 2, Width: 3, X: one, Y: one, Amplitude: one, Radius: one, Background: one},
		"Gaussian 0 has radius 0":          Gaussians{Length: 2, Width: 3, X: one, Y: one, Amplitude: one, Radius: []float64{0}, Free: Quantities{Y: true}, Background: one},
		"the radius may fall to -1":        Gaussians{Length: 2, Width: 3, X: one, Y: one, Amplitude: one, Radius: one, Free: Quantities{Radius: true}, Background: one, Lower: GaussianBounds{Radius: []float64{-1}}},
		"background: 2 values for 6":       Gaussians{Length: 2, Width: 3, X: one, Y: one, Amplitude: one, Radius: one, Free: Quantities{Y: true}, Background: []float64{1, 2}},
		"basis: 6 values for 2 gates × 6":  Gates{Sites: 6, Basis: start, Volts: []float64{1, 2}, Background: one},
		"volts: empty":                     Gates{Sites: 6, Basis: start, Background: one},
		"parts: every part is frozen":      Sum{Parts: []Builder{Frozen{Onsite: start}}},
		"part 1 has 1 sites, part 0 has 6": Sum{Parts: []Builder{Frozen{Onsite: start}, Frozen{Onsite: one}}},
		"onsite: entry 0 is +Inf":          Frozen{Onsite: []float64{math.Inf(1)}},
	} {
		_, err := b.Build()
		require.ErrorContains(t, err, want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
}

func TestObjectiveAndItsDerivatives(t *testing.T) {
	w, strip := wire(t, 5, 4, 9)
	target := make([]float64, 9)
	require.NoError(t, w.Value(t.Context(), rough(20, 0.5, 9), target))
	weights := []float64{1, 2, 0, 1, 0.5, 1, 3, 1, 1}
	for name, p := range examples(t) {
		if name == "shapes" { // of a strip with other energies
			continue
		}
		for _, setup := range []Setup{{}, {Weights: weights}, {Loss: Loss{"log", 0.1}}, {Loss: Loss{"huber", 0.1}},
			{Weights: weights, Loss: Loss{"log", 0.3}, Regularizers: []Regularizer{Smoothness{5, 4, 0.01}}}} {
			setup.Engine, setup.Strip, setup.Target, setup.Parametrization = w, &strip, target, p
			q, err := NewProblem(setup)
			require.NoError(t, err)
			theta := p.Start()
			n := len(theta)
			grad, r, jac := make([]float64, n), make([]float64, 9), make([]float64, 9*n)
			l, err := q.Gradient(t.Context(), theta, grad)
			require.NoError(t, err)
			require.NoError(t, q.Jacobian(t.Context(), theta, r, jac))
			square := 0.0
			for _, v := range r {
				square += v * v
			}
			// The residuals' norm is the objective for every method.
			assert.InDelta(t, l, 0.5*math.Log(square), 1e-12, name)
			for j := range theta {
				byResiduals := 0.0
				for k, v := range r {
					byResiduals += v * jac[k*n+j] / square
				}
				assert.InDelta(t, grad[j], byResiduals, 1e-10*(1+math.Abs(grad[j])), "%s, %s", name, p.Label(j))
			}
			// One directional derivative against central differences.
			dir := rough(n, 1, 5)
			slope := 0.0
			for j := range dir {
				dir[j] -= 4
				slope += grad[j] * dir[j]
			}
			at := func(step float64) float64 {
				x := p.Start()
				for j := range x {
					x[j] += step * dir[j]
				}
				require.NoError(t, q.Residual(t.Context(), x, r))
				sum := 0.0
				for _, v := range r {
					sum += v * v
				}
				return 0.5 * math.Log(sum)
			}
			assert.InDelta(t, (at(1e-5)-at(-1e-5))/2e-5, slope, 1e-5*(1+math.Abs(slope)), name)
		}
	}
}

func TestObjectiveIsThePapers(t *testing.T) {
	w, strip := wire(t, 5, 4, 9)
	h := rough(20, 0.5, 9)
	g, target := make([]float64, 9), constant(9, 1)
	require.NoError(t, w.Value(t.Context(), h, g))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 5, Width: 4, Start: h}),
		Regularizers: []Regularizer{Smoothness{5, 4, 1e-2}}})
	require.NoError(t, err)
	l, err := p.Gradient(t.Context(), h, make([]float64, 20))
	require.NoError(t, err)
	pot := 0.0
	for x := range 5 {
		for y := range 4 {
			if x < 4 {
				pot += (h[x*4+y] - h[x*4+4+y]) * (h[x*4+y] - h[x*4+4+y])
			}
			if y < 3 {
				pot += (h[x*4+y] - h[x*4+y+1]) * (h[x*4+y] - h[x*4+y+1])
			}
		}
	}
	assert.InDelta(t, math.Log(math.Sqrt(sumSquares(g, target)))+1e-2*pot, l, 1e-13)
	assert.InDelta(t, pot, Roughness(5, 4, h), 1e-12)
}

func TestBadProblems(t *testing.T) {
	w, strip := wire(t, 5, 4, 9)
	good := func() Setup {
		return Setup{Engine: w, Strip: &strip, Target: constant(9, 1), Parametrization: build(t, Sites{Length: 5, Width: 4, Start: rough(20, 1, 1)})}
	}
	for want, change := range map[string]func(*Setup){
		"wire: none given":              func(s *Setup) { s.Engine = nil },
		"parametrization: none given":   func(s *Setup) { s.Parametrization = nil },
		"target: 8 values for 9 points": func(s *Setup) { s.Target = constant(8, 1) },
		"target: entry 2 is NaN":        func(s *Setup) { s.Target[2] = math.NaN() },
		"weights: 1 values":             func(s *Setup) { s.Weights = constant(1, 1) },
		"weights: entry 0 is -1":        func(s *Setup) { s.Weights = constant(9, -1) },
		"weights: all are 0":            func(s *Setup) { s.Weights = constant(9, 0) },
		`loss: "cubes" is not known`:    func(s *Setup) { s.Loss.Name = "cubes" },
		"loss: scale 0":                 func(s *Setup) { s.Loss.Name = "log" },
		"smoothness of 4 × 4 sites":     func(s *Setup) { s.Regularizers = []Regularizer{Smoothness{4, 4, 1}} },
		"smoothness with weight -1":     func(s *Setup) { s.Regularizers = []Regularizer{Smoothness{5, 4, -1}} },
		"it describes 1 sites":          func(s *Setup) { s.Parametrization = build(t, Sites{Length: 1, Width: 1, Start: []float64{1}}) },
	} {
		s := good()
		change(&s)
		_, err := NewProblem(s)
		require.ErrorContains(t, err, want)
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
	p, err := NewProblem(good())
	require.NoError(t, err)
	_, err = p.Onsite([]float64{1})
	require.ErrorContains(t, err, "parameters: 1 values for 20")
	for want, change := range map[string]func(*DesignOptions){
		"starts: 0": func(o *DesignOptions) { o.Starts = 0 }, "spread: NaN": func(o *DesignOptions) { o.Spread = math.NaN() },
		"method": func(o *DesignOptions) { o.Method = "sgd" },
	} {
		o := DefaultDesign("lm")
		change(&o)
		_, err := Design(t.Context(), p, o)
		require.ErrorContains(t, err, want)
	}
}

func TestDesignReachesAReachableCurve(t *testing.T) {
	w, strip := wire(t, 8, 7, 12)
	target := make([]float64, 12)
	require.NoError(t, w.Value(t.Context(), rough(56, 0.6, 3), target))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 8, Width: 7, Start: constant(56, 4)})})
	require.NoError(t, err)
	o := DefaultDesign("lm")
	o.Starts, o.Seed = 3, 5
	res, err := Design(t.Context(), p, o)
	require.NoError(t, err)
	assert.LessOrEqual(t, res.Objective, -20.0, res.Message)
	require.Len(t, res.Outcomes, 3, "three starts lead to three potentials")
	for i, out := range res.Outcomes {
		g := make([]float64, 12)
		require.NoError(t, w.Value(t.Context(), out.Onsite, g))
		assert.InDeltaSlice(t, g, out.Conductance, 1e-12)
		assert.GreaterOrEqual(t, out.Objective, res.Objective)
		for _, other := range res.Outcomes[:i] {
			assert.Greater(t, rms(other.Onsite, out.Onsite), o.Distinct)
		}
	}
	again, err := Design(t.Context(), p, o)
	require.NoError(t, err)
	assert.Equal(t, res.Onsite, again.Onsite, "the same seed gives the same bits")
}

func TestRunsOfManyStartsResumeBitIdentically(t *testing.T) {
	w, strip := wire(t, 6, 5, 8)
	target := make([]float64, 8)
	require.NoError(t, w.Value(t.Context(), rough(30, 0.6, 3), target))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 6, Width: 5, Start: constant(30, 4)})})
	require.NoError(t, err)
	o := DefaultDesign("lm")
	o.Starts, o.MaxIterations = 3, 6
	comparable := func(r *Result) []Outcome {
		for i := range r.Outcomes {
			r.Outcomes[i].Seconds = 0
		}
		return r.Outcomes
	}
	whole, err := Design(t.Context(), p, o)
	require.NoError(t, err)
	var states []*RunState
	o.Observer = func(it *Progress) error { states = append(states, it.State()); return nil }
	_, err = Design(t.Context(), p, o)
	require.NoError(t, err)
	require.NotEmpty(t, states)
	o.Observer = nil
	for _, s := range states {
		again, err := ResumeDesign(t.Context(), p, s, o)
		require.NoError(t, err)
		require.Equal(t, comparable(whole), comparable(again))
	}
	finished, err := ResumeDesign(t.Context(), p, whole.State, o)
	require.NoError(t, err)
	require.Equal(t, comparable(whole), comparable(finished))
	// A run stopped by its budget goes on where it stood.
	o.MaxEvaluations = 9
	part, err := Design(t.Context(), p, o)
	require.NoError(t, err)
	assert.Equal(t, 9, part.TotalEvaluations)
	o.MaxEvaluations = 1000
	rest, err := ResumeDesign(t.Context(), p, part.State, o)
	require.NoError(t, err)
	require.Equal(t, comparable(whole), comparable(rest))
}

func TestCancelledDesignKeepsItsBestPoint(t *testing.T) {
	w, strip := wire(t, 6, 5, 8)
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: constant(8, 0.7), Parametrization: build(t, Sites{Length: 6, Width: 5, Start: constant(30, 4)})})
	require.NoError(t, err)
	o := DefaultDesign("adabelief")
	ctx, cancel := context.WithCancel(t.Context())
	o.Observer = func(it *Progress) error {
		if it.TotalEvaluations == 5 {
			cancel()
		}
		return nil
	}
	res, err := Design(ctx, p, o)
	require.NoError(t, err)
	assert.Equal(t, "cancelled", res.Status.String())
	assert.Equal(t, 5, res.Evaluations)
	assert.Len(t, res.Conductance, 8)

	// A run that goes on and is cancelled at once still has it; one that is cancelled before its first evaluation has nothing.
	o.Observer = nil
	again, err := ResumeDesign(t.Context(), p, res.State, limited(o, 6))
	require.NoError(t, err)
	o.Observer = func(*Progress) error { return fault.New(fault.Cancelled, "enough") }
	stopped, err := ResumeDesign(t.Context(), p, again.State, o)
	require.NoError(t, err)
	curve := make([]float64, 8)
	require.NoError(t, w.Value(t.Context(), stopped.Onsite, curve))
	assert.Equal(t, curve, stopped.Conductance)
	for _, state := range []*RunState{{}, again.State} {
		res, err := ResumeDesign(ctx, p, state, o)
		assert.Nil(t, res)
		assert.Equal(t, fault.Cancelled, fault.KindOf(err))
	}
}

func limited(o DesignOptions, evaluations int) DesignOptions {
	o.MaxEvaluations = evaluations
	return o
}

func TestFeasibilityOfTheReferenceTargets(t *testing.T) {
	w, strip := wire(t, 30, 30, 101)
	check := func(name string) *Feasibility { return CheckTarget(w.Ceiling(), reference(t, name), nil, &strip) }
	for _, name := range []string{"colosseum", "nirvana"} {
		assert.Empty(t, check(name).Text, name)
	}
	assert.True(t, check("defect").Feasible())

	f := check("infeasible_modes")
	assert.InDelta(t, 3.45, f.LowerBound(), 0.01)
	assert.Contains(t, f.Text, "Infeasible by at least")
	assert.Contains(t, f.Text, "field 0.0432 to field 0.12")

	f = check("infeasible_touch")
	assert.InDelta(t, 0.35, f.LowerBound(), 0.01)
	for k, e := range f.Excess {
		inside := strip.Fields[k] > 0.05 && strip.Fields[k] < 0.059
		assert.Equal(t, inside, e > 0, "field %g", strip.Fields[k])
	}

	f = check("infeasible_fast")
	assert.True(t, f.Feasible())
	assert.Contains(t, f.Text, "sharper than one flux quantum")

	f = check("cusp")
	assert.True(t, f.Feasible())
	assert.Greater(t, math.Abs(f.Cusp), 100.0)
	assert.Contains(t, f.Text, "G is even")

	for _, name := range []string{"infeasible_modes", "infeasible_touch", "infeasible_fast"} {
		near := NearestFeasible(w.Ceiling(), reference(t, name), &strip)
		after := CheckTarget(w.Ceiling(), near, nil, &strip)
		assert.True(t, after.Feasible(), name)
		assert.NotContains(t, after.Text, "sharper", name)
	}
}

func TestTargetsThatAreNotEvenInTheField(t *testing.T) {
	strip := lattice.Strip{Length: 5, Width: 4, Hopping: 1, LeadOnsite: 4, Fields: []float64{-0.1, 0, 0.1}, Energies: constant(3, 1.2)}
	f := CheckTarget([]int{2, 2, 2}, []float64{1, 1, 1.5}, nil, &strip)
	assert.InDelta(t, 0.25*math.Sqrt2, f.Bound, 1e-15)
	assert.Equal(t, []float64{-0.5, 0, 0.5}, f.Conflict)
	assert.Equal(t, []float64{1.25, 1, 1.25}, NearestFeasible([]int{2, 2, 2}, []float64{1, 1, 1.5}, &strip))
	assert.Contains(t, f.Text, "even in the field")
}

func TestSkylines(t *testing.T) {
	if testing.Short() {
		t.Skip("a few seconds: the paper's wire")
	}
	w, strip := wire(t, 30, 30, 101)
	for _, name := range []string{"colosseum", "nirvana"} {
		p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: reference(t, name), Parametrization: build(t, Sites{Length: 30, Width: 30, Start: constant(900, 4)})})
		require.NoError(t, err)
		o := DefaultDesign("lm")
		o.Seed = 1
		res, err := Design(t.Context(), p, o)
		require.NoError(t, err)
		assert.LessOrEqual(t, res.Objective, -20.0, "%s: %s", name, res.Message)
		assert.LessOrEqual(t, res.Evaluations, 90, name)
		for evaluations, fall := range map[int]float64{60: 4, 0: 14} {
			smooth, err := Smooth(t.Context(), p, res.Onsite, SmoothOptions{Length: 30, Width: 30, Level: -3, MaxEvaluations: evaluations})
			require.NoError(t, err)
			assert.LessOrEqual(t, smooth.Objective, -3.0)
			assert.InDelta(t, Roughness(30, 30, smooth.Onsite), smooth.Roughness, 1e-6)
			assert.Less(t, smooth.Roughness, smooth.StartRoughness/fall, "%s: %s", name, smooth.Message)
			g := make([]float64, 101)
			require.NoError(t, w.Value(t.Context(), smooth.Onsite, g))
			assert.LessOrEqual(t, 0.5*math.Log(sumSquares(g, reference(t, name))), -3.0)
		}
	}
}

func TestHiddenDefect(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of evaluations: minutes without the accelerated kernels")
	}
	w, strip := wire(t, 30, 30, 101)
	finder, err := NewFinder(w, strip)
	require.NoError(t, err)
	defer finder.Close()
	var seen []float64 // the lowest point that the observer saw: y, amplitude, radius
	lowest := math.Inf(1)
	d, err := finder.Find(t.Context(), reference(t, "defect"), FindOptions{Observer: func(p *Progress) error {
		if len(p.Point) > 0 && p.Objective < lowest {
			seen, lowest = slices.Clone(p.Point), p.Objective
		}
		return nil
	}})
	require.NoError(t, err)
	require.Len(t, seen, 3)
	assert.InDelta(t, 10, min(seen[0], 29-seen[0]), 1e-6)
	assert.InDeltaSlice(t, []float64{10, 2}, seen[1:], 1e-6)
	require.True(t, d.Found, d.Message)
	assert.InDelta(t, 10, d.Y[0], 1e-8)
	assert.InDelta(t, 10, d.Amplitude[0], 1e-8)
	assert.InDelta(t, 2, d.Radius[0], 1e-8)
	assert.Equal(t, 15.0, d.X[0])
	assert.True(t, math.IsNaN(d.XError[0]))

	// A sampled field on a narrow resonance holds least squares 0.6 off this defect's amplitude, at L = -1.7.
	g := make([]float64, 101)
	shape := build(t, Gaussians{Length: 30, Width: 30, X: []float64{15}, Y: []float64{14.1765}, Amplitude: []float64{16.5465},
		Radius: []float64{3.2774}, Free: Quantities{Y: true}, Background: []float64{4}})
	h := make([]float64, 900)
	shape.Onsite(shape.Start(), h)
	require.NoError(t, w.Value(t.Context(), h, g))
	d, err = finder.Find(t.Context(), g, FindOptions{MaxEvaluations: 400})
	require.NoError(t, err)
	require.True(t, d.Found, d.Message)
	assert.InDelta(t, 16.5465, d.Amplitude[0], 1e-6)

	// Noise: the truth within four standard errors.
	noisy, random := reference(t, "defect"), rand.New(rand.NewPCG(1, 1))
	for k := range noisy {
		noisy[k] += 0.05 * random.NormFloat64()
	}
	for _, sigma := range []float64{0.05, 0} {
		d, err = finder.Find(t.Context(), noisy, FindOptions{Sigma: sigma, MaxEvaluations: 300})
		require.NoError(t, err)
		require.True(t, d.Found, d.Message)
		assert.InDelta(t, 10, d.Y[0], 4*d.YError[0])
		assert.InDelta(t, 10, d.Amplitude[0], 4*d.AmplitudeError[0])
		assert.InDelta(t, 2, d.Radius[0], 4*d.RadiusError[0])
	}

	// A skyline is no defect, and the result says so.
	d, err = finder.Find(t.Context(), reference(t, "colosseum"), FindOptions{MaxEvaluations: 30})
	require.NoError(t, err)
	assert.False(t, d.Found)
	assert.Contains(t, d.Message, "Not found")

	for want, o := range map[string]FindOptions{"count: 3": {Count: 3}, "sigma: -1": {Sigma: -1}} {
		_, err = finder.Find(t.Context(), noisy, o)
		require.ErrorContains(t, err, want)
	}
	_, err = finder.Find(t.Context(), noisy[1:], FindOptions{})
	require.ErrorContains(t, err, "target: 100 values for 101 points")
}

func TestIdentify(t *testing.T) {
	w, strip := wire(t, 6, 5, 8)
	h := rough(30, 0.5, 2)
	target := make([]float64, 8)
	require.NoError(t, w.Value(t.Context(), h, target))
	p, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Sites{Length: 6, Width: 5, Start: h})})
	require.NoError(t, err)
	id, err := Identify(t.Context(), p, h, 0.1)
	require.NoError(t, err)
	assert.Equal(t, 8, id.Rank)
	assert.Len(t, id.Singular, 8)
	for _, e := range id.Errors {
		assert.True(t, math.IsInf(e, 1), "eight points do not determine thirty sites")
	}
	// Two gates: errors against σ²(JᵀJ)⁻¹ by hand.
	basis := make([]float64, 60)
	for i := range 30 {
		basis[i], basis[30+i] = 1, float64(i%5)
	}
	gates, err := NewProblem(Setup{Engine: w, Strip: &strip, Target: target, Parametrization: build(t, Gates{Sites: 30, Basis: basis, Volts: []float64{0, 0}, Background: h})})
	require.NoError(t, err)
	id, err = Identify(t.Context(), gates, []float64{0, 0}, 0.1)
	require.NoError(t, err)
	r, jac := make([]float64, 8), make([]float64, 16)
	require.NoError(t, gates.Jacobian(t.Context(), []float64{0, 0}, r, jac))
	var a, b, c float64
	for k := range 8 {
		a, b, c = a+jac[2*k]*jac[2*k], b+jac[2*k]*jac[2*k+1], c+jac[2*k+1]*jac[2*k+1]
	}
	det := a*c - b*b
	assert.InDelta(t, 0.1*math.Sqrt(c/det), id.Errors[0], 1e-9*id.Errors[0])
	assert.InDelta(t, 0.1*math.Sqrt(a/det), id.Errors[1], 1e-9*id.Errors[1])
}

func TestTwoHiddenDefects(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of evaluations: minutes without the accelerated kernels")
	}
	w, strip := wire(t, 24, 12, 61)
	hidden := build(t, Gaussians{Length: 24, Width: 12, X: []float64{7, 16}, Y: []float64{3.3, 8.1}, Amplitude: []float64{6, 3}, Radius: []float64{1.5, 1.8},
		Free: Quantities{X: true}, Background: []float64{4}})
	h, target := make([]float64, 24*12), make([]float64, 61)
	hidden.Onsite(hidden.Start(), h)
	require.NoError(t, w.Value(t.Context(), h, target))
	d, err := FindDefect(t.Context(), w, strip, target, FindOptions{Count: 2})
	require.NoError(t, err)
	require.True(t, d.Found, d.Message)
	assert.InDelta(t, 9, d.X[1]-d.X[0], 1e-5)
	assert.InDeltaSlice(t, []float64{6, 3}, d.Amplitude, 1e-5)
	assert.InDeltaSlice(t, []float64{1.5, 1.8}, d.Radius, 1e-5)
	assert.InDeltaSlice(t, []float64{3.3, 8.1}, d.Y, 1e-5)
	assert.Len(t, d.Theta, 8)
}

// A pair at a wrong place along the wire explains its curve up to the tails that the ends cut and to where between two sites it
// stands; from there every parameter is found.
func TestPairsSlideAlongTheWire(t *testing.T) {
	w, strip := wire(t, 22, 10, 33)
	for name, truth := range map[string][]float64{
		"narrow": {2.7, math.Asinh(4), math.Log(1.1), 6.2, math.Asinh(9), math.Log(1.3), 3.3, 2.6},
		"wide":   {5.1, math.Asinh(7), math.Log(2.6), 2.4, math.Asinh(5), math.Log(1.9), -1.4, -3.8},
	} {
		t.Run(name, func(t *testing.T) {
			h, target := make([]float64, strip.Sites()), make([]float64, 33)
			newShapes(strip, 2).Onsite(truth, h)
			require.NoError(t, w.Value(t.Context(), h, target))
			f, err := NewFinder(w, strip)
			require.NoError(t, err)
			defer f.Close()
			s := &search{f: f, target: target, o: FindOptions{Count: 2, MaxEvaluations: 2000}, best: posInf}
			start := slices.Clone(truth)
			start[7] = 0
			require.NoError(t, s.fit(t.Context(), start, fitEvaluations, 0))
			require.Greater(t, s.best, s.settled(), "the place is not found without sliding")
			require.Less(t, s.best, float64(nearlyExplained))
			require.NoError(t, s.slide(t.Context()))
			assert.Less(t, s.best, s.settled())
			assert.InDeltaSlice(t, truth[:7], s.theta[:7], 1e-7)
		})
	}
}

func TestNoiseIsToldFromMisfit(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	noise, misfit, curve := make([]float64, 101), make([]float64, 101), make([]float64, 101)
	for k := range noise {
		noise[k] = 0.05 * random.NormFloat64()
		misfit[k] = 0.05 * math.Sin(0.3*float64(k))
		curve[k] = 5 + 3*math.Cos(0.1*float64(k))
	}
	assert.True(t, white(noise, sumSquares(noise, make([]float64, 101))))
	assert.False(t, white(misfit, sumSquares(misfit, make([]float64, 101))))
	assert.Less(t, roughness(curve), 1e-3, "a smooth curve holds no noise")
	for k := range curve {
		curve[k] += noise[k]
	}
	assert.InEpsilon(t, 0.05, roughness(curve), 0.3, "noise is what the curve is rough by")
}
