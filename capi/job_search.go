//go:build cgo

package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"mcd/capi/exchange"
	"mcd/core/inverse"
	"mcd/core/parallel"
)

// task is what a job does.
type task struct {
	name     string   // for messages
	settings []string // those that it has; nil for all
	run      func(ctx context.Context, j *job, keep *keeper) (*exchange.Document, error)
}

var designTask = task{name: "a design", run: func(ctx context.Context, j *job, keep *keeper) (*exchange.Document, error) {
	return j.design(ctx, keep)
}}

// defectTask searches for defects that explain the target of the job's problem.
func defectTask(count int, sigma float64) task {
	return task{"a search for defects", []string{"seed", "max_evaluations", "time_limit", "checkpoint"},
		func(ctx context.Context, j *job, _ *keeper) (*exchange.Document, error) {
			return j.findDefects(ctx, count, sigma)
		}}
}

// locateTask searches for defects in the device of the job's problem.
func locateTask(count int, sigma float64) task {
	return task{"a search for defects", []string{"seed", "max_evaluations", "time_limit", "checkpoint"},
		func(ctx context.Context, j *job, _ *keeper) (*exchange.Document, error) {
			return j.locateDefects(ctx, count, sigma)
		}}
}

func (j *job) locateDefects(ctx context.Context, count int, sigma float64) (*exchange.Document, error) {
	spec, e := j.problem.spec, j.problem.place.(*deviceEngine)
	found, err := e.locate(ctx, spec, inverse.LocateOptions{Count: count, Weights: spec.Weights, Sigma: sigma, Threads: e.workers(),
		MaxEvaluations: j.chosenEvaluations(), MaxSeconds: j.options.MaxSeconds,
		Observer: func(p *inverse.Progress) error { j.record(p); return nil }})
	if err != nil {
		return nil, err
	}
	solved := spec.Clone()
	solved.Gaussians = locatedGaussians(found.X, found.Y, found.Amplitude, found.Radius)
	var errors []float64
	for d := range found.X {
		errors = append(errors, found.XError[d], found.YError[d], found.AmplitudeError[d], found.RadiusError[d])
	}
	return &exchange.Document{Problem: solved, Result: &exchange.Result{Evaluations: found.TotalEvaluations,
		Seconds: found.TotalSeconds, Backend: found.Engine, Outcomes: []exchange.Outcome{{Outcome: found.Outcome, Errors: errors}}}}, nil
}

// smoothTask smooths the start of the job's problem at a level of L.
func smoothTask(level float64) task {
	return task{"smoothing", []string{"max_evaluations", "time_limit", "checkpoint"},
		func(ctx context.Context, j *job, _ *keeper) (*exchange.Document, error) { return j.smooth(ctx, level) }}
}

// quantizeTask moves the start of the job's problem to allowed values.
func quantizeTask(step, origin float64) task {
	return task{"quantization", []string{"max_evaluations", "time_limit", "checkpoint"},
		func(ctx context.Context, j *job, _ *keeper) (*exchange.Document, error) {
			return j.quantize(ctx, step, origin)
		}}
}

// search returns what the job finds. An error beside a result is told in the result's message.
func (j *job) search(ctx context.Context) (d *exchange.Document, err error) {
	defer func() {
		if err != nil {
			d = nil
		}
	}()
	defer parallel.Recover(&err)
	panicIfPlanned(&panicInJob)
	if err := j.problem.prepare(ctx); err != nil {
		return nil, err
	}
	keeper := &keeper{path: j.checkpoint, interval: j.interval}
	if d, err = j.task.run(ctx, j, keeper); d == nil || err != nil {
		return nil, err
	}
	if err := keeper.write(d); err != nil {
		d.Result.Outcomes[0].Message += fmt.Sprintf(" The checkpoint is not up to date: %v.", err)
	}
	return d, nil
}

// keeper writes checkpoints.
type keeper struct {
	path     string // "" for none
	interval time.Duration
	last     time.Time
	written  bool
}

// due tells whether a checkpoint should be written now.
func (k *keeper) due() bool { return k.path != "" && time.Since(k.last) >= k.interval }

func (k *keeper) write(d *exchange.Document) error {
	if k.path == "" {
		return nil
	}
	err := d.Save(k.path)
	k.last = time.Now()
	k.written = k.written || err == nil
	return err
}

// chosenEvaluations returns max_evaluations if it was set, else 0: the default of whatever is not a design.
func (j *job) chosenEvaluations() int {
	if _, set := j.set["max_evaluations"]; set {
		return j.options.MaxEvaluations
	}
	return 0
}

// inverse returns the job's problem on its engine.
func (j *job) inverse() (*inverse.Problem, error) {
	j.problem.mu.Lock()
	defer j.problem.mu.Unlock()
	return j.problem.build()
}

func (j *job) smooth(ctx context.Context, level float64) (*exchange.Document, error) {
	built, err := j.inverse()
	if err != nil {
		return nil, err
	}
	spec := j.problem.spec
	lowest := math.Inf(1)
	o := inverse.SmoothOptions{Length: spec.Wire.Length, Width: spec.Wire.Width, Level: level,
		MaxEvaluations: j.chosenEvaluations(), MaxSeconds: j.options.MaxSeconds, Threads: j.problem.solver.workers(),
		MemoryLimit: j.problem.solver.(*engine).limit, // creation has refused others than wires
		Observer: func(p *inverse.SmoothProgress) error {
			merit := math.Inf(1)
			if p.Objective <= level && !p.Part {
				merit = p.Roughness
			}
			if !p.Part {
				lowest = min(lowest, p.Objective)
			}
			j.note(record{iteration: p.Iteration, starts: 1, evaluations: p.Evaluations, objective: p.Objective, bestObjective: lowest,
				roughness: p.Roughness}, p.Onsite, merit)
			return nil
		}}
	r, err := inverse.Smooth(ctx, built, spec.Sites.Start, o)
	if err != nil {
		return nil, err
	}
	return &exchange.Document{Problem: spec, Result: &exchange.Result{Evaluations: r.Evaluations, Seconds: r.Seconds,
		Backend: built.Setup().Engine.Name(), Outcomes: []exchange.Outcome{{Outcome: r.Outcome, Roughness: r.RoughnessHistory}}}}, nil
}

func (j *job) quantize(ctx context.Context, step, origin float64) (*exchange.Document, error) {
	built, err := j.inverse()
	if err != nil {
		return nil, err
	}
	best, lowest := math.Inf(1), math.Inf(1)
	o := inverse.QuantizeOptions{Step: step, Origin: origin, MaxEvaluations: j.chosenEvaluations(), MaxSeconds: j.options.MaxSeconds,
		Threads: j.problem.solver.workers(),
		Observer: func(evaluations int, objective float64, theta []float64, quantized bool) error {
			merit := math.Inf(1)
			if quantized {
				merit = objective
			}
			best, lowest = min(best, merit), min(lowest, objective)
			shown := lowest
			if !math.IsInf(best, 1) {
				shown = best
			}
			j.note(record{iteration: evaluations, starts: 1, evaluations: evaluations, objective: objective, bestObjective: shown,
				roughness: math.NaN()}, theta, merit)
			return nil
		}}
	r, err := inverse.Quantize(ctx, built, j.problem.parametrization.Start(), o)
	if err != nil {
		return nil, err
	}
	return &exchange.Document{Problem: j.problem.spec, Result: &exchange.Result{Evaluations: r.Evaluations, Seconds: r.Seconds,
		Backend: built.Setup().Engine.Name(), Outcomes: []exchange.Outcome{{Outcome: *r}}}}, nil
}

func (j *job) design(ctx context.Context, keep *keeper) (*exchange.Document, error) {
	built, err := j.inverse()
	if err != nil {
		return nil, err
	}
	o := j.options
	o.Observer = func(p *inverse.Progress) error {
		j.record(p)
		if !keep.due() {
			return nil
		}
		err := keep.write(&exchange.Document{Problem: j.problem.spec, Options: &j.options, State: p.State()})
		if keep.written { // a later failure is told at the end, the run goes on
			return nil
		}
		return err
	}
	state := j.resume
	if state == nil {
		state = &inverse.RunState{}
	}
	o.Threads = j.problem.solver.workers()
	r, err := inverse.ResumeDesign(ctx, built, state, o)
	if err != nil {
		return nil, err
	}
	d := &exchange.Document{Problem: j.problem.spec, Options: &j.options, State: r.State, Result: &exchange.Result{
		Evaluations: r.TotalEvaluations, Seconds: r.TotalSeconds, Backend: r.Engine}}
	for _, o := range r.Outcomes {
		d.Result.Outcomes = append(d.Result.Outcomes, exchange.Outcome{Outcome: o})
	}
	return d, nil
}

func (j *job) findDefects(ctx context.Context, count int, sigma float64) (*exchange.Document, error) {
	spec, e := j.problem.spec, j.problem.place.(*wire).engine
	o := inverse.FindOptions{Count: count, Sigma: sigma, Seed: j.options.Seed, MaxSeconds: j.options.MaxSeconds,
		Threads:  e.workers(),
		Observer: func(p *inverse.Progress) error { j.record(p); return nil }}
	o.MaxEvaluations = j.chosenEvaluations()
	found, err := e.find(ctx, spec.Target, o)
	if err != nil {
		return nil, err
	}
	r := &exchange.Result{Evaluations: found.TotalEvaluations, Seconds: found.TotalSeconds, Backend: found.Engine}
	best := exchange.Outcome{Outcome: found.Outcome}
	best.Theta = defectEntries(found.X, found.Y, found.Amplitude, found.Radius)
	best.Parameters = best.Theta
	best.Errors = defectEntries(found.XError, found.YError, found.AmplitudeError, found.RadiusError)
	r.Outcomes = []exchange.Outcome{best}
	for _, o := range found.Outcomes[min(1, len(found.Outcomes)):] {
		if v, ok := inverse.GaussianQuantities(found.Setup.Parametrization, o.Theta); ok {
			o.Theta = defectEntries(v[0], v[1], v[2], v[3])
			o.Parameters = o.Theta
			r.Outcomes = append(r.Outcomes, exchange.Outcome{Outcome: o})
		}
	}
	solved := spec.Clone()
	solved.Gaussians = defectGaussians(found.X, found.Y, found.Amplitude, found.Radius)
	return &exchange.Document{Problem: solved, Result: r}, nil
}

// defectEntries orders quantities as the entries of defectGaussians.
func defectEntries(x, y, amplitude, radius []float64) []float64 {
	var entries []float64
	for d := range x {
		if len(x) > 1 {
			entries = append(entries, x[d])
		}
		entries = append(entries, y[d], amplitude[d], radius[d])
	}
	return entries
}
