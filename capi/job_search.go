//go:build cgo

package main

import (
	"context"
	"fmt"
	"time"

	"mcd/capi/exchange"
	"mcd/core/inverse"
	"mcd/core/parallel"
)

// search returns what the job finds. An error beside a result is told in the result's message.
func (j *job) search(ctx context.Context) (d *exchange.Document, err error) {
	defer func() {
		if err != nil {
			d = nil
		}
	}()
	defer parallel.Recover(&err)
	panicIfPlanned(&panicInJob)
	if err := j.problem.wire.engine.prepare(ctx); err != nil {
		return nil, err
	}
	keeper := &keeper{path: j.checkpoint, interval: j.interval}
	if j.defects > 0 {
		d, err = j.findDefects(ctx)
	} else {
		d, err = j.design(ctx, keeper)
	}
	if d == nil || err != nil {
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

func (j *job) design(ctx context.Context, keep *keeper) (*exchange.Document, error) {
	j.problem.mu.Lock()
	built, err := j.problem.build()
	j.problem.mu.Unlock()
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
	o.Threads = int(j.problem.wire.engine.threads.Load())
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

func (j *job) findDefects(ctx context.Context) (*exchange.Document, error) {
	spec := j.problem.spec
	o := inverse.FindOptions{Count: j.defects, Sigma: j.sigma, Seed: j.options.Seed, MaxSeconds: j.options.MaxSeconds,
		Threads:  int(j.problem.wire.engine.threads.Load()),
		Observer: func(p *inverse.Progress) error { j.record(p); return nil }}
	if _, set := j.set["max_evaluations"]; set {
		o.MaxEvaluations = j.options.MaxEvaluations
	}
	found, err := j.problem.wire.engine.find(ctx, spec.Target, o)
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
