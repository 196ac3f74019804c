//go:build cgo

package emulation_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"mcd/core/inverse"
	"mcd/core/lattice"
	"mcd/core/optimize"
	"mcd/core/plan"
	"mcd/cuda/kernels"
	"mcd/cuda/kernels/emulation"

	"github.com/stretchr/testify/require"
)

func normal(seed uint64, n int, mean, std float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 11))
	v := make([]float64, n)
	for i := range v {
		v[i] = mean + std*r.NormFloat64()
	}
	return v
}

// sparse returns the compressed rows of a dense matrix.
func sparse(rows, columns int, entry func(i, j int) float64) (start, index []int32, value []float64) {
	start = append(start, 0)
	for i := range rows {
		for j := range columns {
			if v := entry(i, j); v != 0 {
				index, value = append(index, int32(j)), append(value, v)
			}
		}
		start = append(start, int32(len(index)))
	}
	return start, index, value
}

// parametrize puts q = base + Tθ on the device.
func parametrize(d device, kind, length, width int, base []float64, parameters int, t func(i, j int) float64, background []float64) uint64 {
	p := kernels.Parametrization{Kind: int32(kind), Parameters: int32(parameters), Quantities: int32(len(base)), Length: int32(length),
		Width: int32(width), Base: put(d, base...)}
	if background != nil {
		p.Background = put(d, background...)
	}
	if t != nil {
		start, index, value := sparse(len(base), parameters, t)
		p.Start, p.Index, p.Value = put(d, start...), put(d, index...), put(d, value...)
		start, index, value = sparse(parameters, len(base), func(i, j int) float64 { return t(j, i) })
		p.StartT, p.IndexT, p.ValueT = put(d, start...), put(d, index...), put(d, value...)
	}
	return put(d, p)
}

// run is a batch of first-order runs beside the CPU's.
type run struct {
	*problem
	objective kernels.ObjectiveArgs
	update    kernels.UpdateArgs
	theta     []float64
	history   []float64
	best      []float64
}

func newRun(p *problem, setup inverse.Setup, parametrization uint64, rule, moments, steps int, starts ...[]float64) *run {
	d, s := p.device, p.strip
	designs, points, sites, n := len(starts), s.Points(), s.Sites(), len(starts[0])
	r := &run{problem: p}
	o, u := &r.objective, &r.update
	o.Conductance, o.Jacobian, o.Target = p.sweep.Conductance, p.sweep.Jacobian, put(d, setup.Target...)
	if setup.Weights != nil {
		o.Weights = put(d, setup.Weights...)
	}
	o.Objective, _ = take[float64](d, 3*designs)
	o.Gradient, _ = take[float64](d, designs*sites)
	o.Onsite, _ = take[float64](d, designs*sites)
	o.Designs, o.Points, o.Length, o.Width = int32(designs), int32(points), int32(s.Length), int32(s.Width)
	switch setup.Loss.Name {
	case "log":
		o.Loss = kernels.Log
	case "huber":
		o.Loss = kernels.Huber
	}
	o.LossScale = setup.Loss.Scale
	for _, reg := range setup.Regularizers {
		o.Smoothness = reg.(inverse.Smoothness).Weight
	}
	u.Wire, u.Parametrization = p.wire, parametrization
	u.Theta, r.theta = take[float64](d, designs*n)
	for i, start := range starts {
		copy(r.theta[i*n:], start)
	}
	u.Moments = put(d, make([]float64, designs*moments*n)...)
	if lower, upper := setup.Parametrization.Bounds(); lower != nil {
		u.Lower, u.Upper = put(d, lower...), put(d, upper...)
	}
	u.Objective, u.Gradient, u.Conductance, u.Onsite = o.Objective, o.Gradient, o.Conductance, o.Onsite
	u.Potential, u.Nodes = p.sweep.Potential, p.sweep.Nodes
	u.Iteration = put(d, make([]int64, designs)...)
	running, infinite := make([]int32, designs), make([]float64, designs)
	for i := range designs {
		running[i], infinite[i] = kernels.Running, math.Inf(1)
	}
	u.Active, u.BestObjective = put(d, running...), put(d, infinite...)
	p.sweep.Active, o.Active = u.Active, u.Active
	u.BestTheta, r.best = take[float64](d, designs*n)
	u.BestConductance, _ = take[float64](d, designs*points)
	u.History, r.history = take[float64](d, designs*(steps+1))
	u.HistoryCapacity = int64(steps + 1)
	u.Norms, _ = take[float64](d, 2*designs)
	u.ScheduleSteps, u.ScheduleFactors, u.ScheduleEntries = put[int64](d, 3, 6), put(d, 0.5, 0.1), 2
	u.Scratch, _ = take[float64](d, designs*(n+12+sites))
	u.Rate, u.StopObjective, u.Budget = 1e-2, math.Inf(-1), plan.Budget(s.Length)
	u.Designs, u.Rule = int32(designs), int32(rule)
	return r
}

func (r *run) act(actions int) {
	r.update.Actions = int32(actions)
	launch(r.device, "mcd_update", int(r.update.Designs), 1, emulation.UpdateShared(r.strip.Width), r.update)
}

func (r *run) evaluate() {
	r.solve()
	blocks := (r.strip.Sites() + kernels.ObjectiveSites - 1) / kernels.ObjectiveSites
	launch(r.device, "mcd_objective", blocks, int(r.update.Designs), emulation.ObjectiveShared(r.strip.Points()), r.objective)
}

// whole runs all steps.
func (r *run) whole(steps int) {
	r.act(kernels.Onsite)
	r.evaluate()
	for range steps {
		r.act(kernels.Record | kernels.Step | kernels.Onsite)
		r.evaluate()
	}
	r.act(kernels.Record)
}

func setupFor(t *testing.T, s lattice.Strip, p *problem) inverse.Setup {
	target := normal(3, s.Points(), 2, 0.5)
	start := rough(s, 1, 0.3)
	free, err := inverse.Sites{Length: s.Length, Width: s.Width, Start: start}.Build()
	require.NoError(t, err)
	return inverse.Setup{Engine: p.cpu, Strip: &s, Target: target, Parametrization: free}
}

// Whole runs against those of package optimize: every rule, loss and kind of parametrization.
func TestFirstOrder(t *testing.T) {
	const steps = 8
	s := strip(9, 7, 5)
	rules := []struct {
		name    string
		moments int
	}{{"rmsprop", 1}, {"adabelief", 2}, {"adam", 2}}
	cases := map[string]func(t *testing.T, setup *inverse.Setup, d device) (parametrization uint64){
		"sites": func(t *testing.T, setup *inverse.Setup, d device) uint64 {
			return put(d, kernels.Parametrization{Kind: kernels.Sites, Parameters: 63, Quantities: 63, Length: 9, Width: 7})
		},
		"bounded, smooth, weighted, log": func(t *testing.T, setup *inverse.Setup, d device) uint64 {
			var err error
			setup.Parametrization, err = inverse.Sites{Length: 9, Width: 7, Start: rough(s, 1, 0.3), Lower: []float64{5}, Upper: []float64{5.4}}.Build()
			require.NoError(t, err)
			setup.Regularizers = []inverse.Regularizer{inverse.Smoothness{Length: 9, Width: 7, Weight: 0.01}}
			setup.Loss = inverse.Loss{Name: "log", Scale: 0.7}
			setup.Weights = []float64{1, 2, 0, 0.5, 3}
			return put(d, kernels.Parametrization{Kind: kernels.Sites, Parameters: 63, Quantities: 63, Length: 9, Width: 7})
		},
		"mirrored, huber": func(t *testing.T, setup *inverse.Setup, d device) uint64 {
			var err error
			start := rough(s, 1, 0.3)
			setup.Parametrization, err = inverse.Sites{Length: 9, Width: 7, Start: start, Mirror: inverse.MirrorX}.Build()
			require.NoError(t, err)
			setup.Loss = inverse.Loss{Name: "huber", Scale: 0.4}
			n := setup.Parametrization.Parameters()
			// Which site follows which parameter is read off the CPU's own map.
			theta := make([]float64, n)
			base, with := make([]float64, 63), make([][]float64, n)
			setup.Parametrization.Onsite(theta, base)
			for j := range theta {
				theta[j], with[j] = 1, make([]float64, 63)
				setup.Parametrization.Onsite(theta, with[j])
				theta[j] = 0
			}
			return parametrize(d, kernels.Sites, 9, 7, base, n, func(i, j int) float64 { return with[j][i] - base[i] }, nil)
		},
		"gaussians": func(t *testing.T, setup *inverse.Setup, d device) uint64 {
			g := inverse.Gaussians{Length: 9, Width: 7, X: []float64{3, 6.2}, Y: []float64{2, 4.4}, Amplitude: []float64{2, -1.5},
				Radius: []float64{1.5, 2.5}, Free: inverse.Quantities{Y: true, Amplitude: true, Radius: true}, Background: []float64{5.2}}
			var err error
			setup.Parametrization, err = g.Build()
			require.NoError(t, err)
			base := []float64{3, 0, 0, 0, 6.2, 0, 0, 0}
			background := make([]float64, 63)
			for i := range background {
				background[i] = 5.2
			}
			free := map[[2]int]bool{{1, 0}: true, {2, 1}: true, {3, 2}: true, {5, 3}: true, {6, 4}: true, {7, 5}: true}
			return parametrize(d, kernels.Gaussians, 9, 7, base, 6, func(i, j int) float64 {
				if free[[2]int{i, j}] {
					return 1
				}
				return 0
			}, background)
		},
	}
	for name, prepare := range cases {
		for rule, method := range rules {
			t.Run(name+"/"+method.name, func(t *testing.T) {
				h := rough(s, 1, 0.3)
				p := newProblem(t, s, h, h)
				setup := setupFor(t, s, p)
				parametrization := prepare(t, &setup, p.device)
				problem, err := inverse.NewProblem(setup)
				require.NoError(t, err)
				first := setup.Parametrization.Start()
				second := append([]float64(nil), first...)
				lower, upper := setup.Parametrization.Bounds()
				for i := range second {
					second[i] *= 1 + 0.01*float64(i%3)
					if lower != nil {
						second[i] = min(max(second[i], lower[i]), upper[i])
					}
				}
				r := newRun(p, setup, parametrization, rule, method.moments, steps, first, second)
				r.whole(steps)
				for design, start := range [][]float64{first, second} {
					o := optimize.Defaults(method.name)
					o.MaxIterations, o.MaxEvaluations = steps, 0
					o.Schedule = optimize.Schedule{{Step: 3, Factor: 0.5}, {Step: 6, Factor: 0.1}}
					want, err := optimize.Minimize(context.Background(), problem, start, o)
					require.NoError(t, err)
					require.InDeltaSlice(t, want.History, r.history[design*(steps+1):][:steps+1], 1e-9)
					n := len(start)
					require.InDeltaSlice(t, want.State.Point, r.theta[design*n:][:n], 1e-8)
					require.InDeltaSlice(t, want.Point, r.best[design*n:][:n], 1e-8)
					require.InDelta(t, want.Objective, values[float64](r.update.BestObjective, 2)[design], 1e-9)
				}
				require.Equal(t, []int64{steps, steps}, values[int64](r.update.Iteration, 2))
			})
		}
	}
}

// A design that reaches its target value stops and stays; one without a finite L stalls.
func TestRunEnds(t *testing.T) {
	s := strip(5, 5, 3)
	h := rough(s, 1, 0.3)
	p := newProblem(t, s, h, h)
	setup := setupFor(t, s, p)
	sites := put(p.device, kernels.Parametrization{Kind: kernels.Sites, Parameters: 25, Quantities: 25, Length: 5, Width: 5})
	broken := append([]float64(nil), h...)
	broken[7] = math.NaN()
	r := newRun(p, setup, sites, kernels.Adam, 2, 4, h, broken)
	r.update.StopObjective = 100
	r.whole(4)
	require.Equal(t, []int32{kernels.Reached, kernels.Stalled}, values[int32](r.update.Active, 2))
	require.Equal(t, []int64{0, 0}, values[int64](r.update.Iteration, 2))
	require.Equal(t, h, r.theta[:25])
}

// Weighted sums of rows do not depend on how the points are split.
func TestCombine(t *testing.T) {
	const points, sites = 11, 300
	d := device{t}
	jac, weights := normal(1, 2*points*sites, 0, 1), normal(2, points, 0, 1)
	gradient := func(first, count int, add int32, into uint64) {
		var part []float64
		for design := range 2 {
			part = append(part, jac[(design*points+first)*sites:][:count*sites]...)
		}
		launch(d, "mcd_combine", (sites+kernels.Threads-1)/kernels.Threads, 2, 0, kernels.CombineArgs{Jacobian: put(d, part...),
			Weights: put(d, weights...), Gradient: into, Designs: 2, Sites: sites, First: int32(first), Count: int32(count), Add: add})
	}
	whole, one := take[float64](d, 2*sites)
	split, two := take[float64](d, 2*sites)
	gradient(0, points, 0, whole)
	gradient(0, 4, 0, split)
	gradient(4, 7, 1, split)
	require.Equal(t, one, two)
	for i := range sites {
		sum := 0.0
		for k := range points {
			sum += weights[k] * jac[(points+k)*sites+i]
		}
		require.InDelta(t, sum, one[sites+i], 1e-13)
	}
}

// The structs of abi.h have the same layout in C and in Go, and every entry takes one that exists.
func TestLayout(t *testing.T) {
	ours := layouts()
	for name, c := range emulation.Structs() {
		require.Contains(t, ours, name)
		g := ours[name]
		require.Equal(t, c.Size(), g.Size(), name)
		require.Equal(t, c.NumField(), g.NumField(), name)
		for i := range c.NumField() {
			require.Equal(t, c.Field(i).Offset, g.Field(i).Offset, "%s.%s", name, g.Field(i).Name)
			require.Equal(t, c.Field(i).Type.Size(), g.Field(i).Type.Size(), "%s.%s", name, g.Field(i).Name)
		}
	}
	for entry, args := range kernels.Entries {
		require.Contains(t, ours, args, entry)
	}
	require.Len(t, ours, len(emulation.Structs()))
}
