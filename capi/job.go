//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"

	"fmt"
	"math"
	"slices"
	"sync"
	"time"
	"unsafe"

	"mcd/capi/exchange"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/optimize"
	"mcd/core/parallel"
)

// job is a search: a design, or a search for defects if defects > 0.
type job struct {
	problem *problem // its own; the target of a search for defects is that of the problem
	defects int
	sigma   float64

	mu         sync.Mutex
	state      C.mcd_job_state
	options    inverse.DesignOptions
	set        map[string]func(*inverse.DesignOptions) // settings that were made, by name
	resume     *inverse.RunState
	checkpoint string
	interval   time.Duration

	cancel  context.CancelFunc // from the start on
	began   time.Time
	ended   chan struct{} // closed at the end
	changed chan struct{} // closed and renewed after every iteration
	records []record
	best    []float64 // parameters of the best point so far
	bestL   float64
	result  *exchange.Document
	err     error
}

// record is what an iteration leaves in the history.
type record struct {
	start, starts, iteration, evaluations int
	objective, bestObjective              float64
	step, gradient, damping, seconds      float64
}

func newJob(p *problem, defects int, sigma float64) *job {
	return &job{problem: p, defects: defects, sigma: sigma, options: inverse.DefaultDesign("lm"), bestL: math.Inf(1),
		set: map[string]func(*inverse.DesignOptions){}, interval: 10 * time.Second, ended: make(chan struct{}), changed: make(chan struct{})}
}

func (j *job) kind() uint64 { return kindJob }

func (j *job) release() {
	j.mu.Lock()
	running := j.state == C.MCD_JOB_RUNNING
	cancel := j.cancel
	j.mu.Unlock()
	if running {
		cancel()
		<-j.ended
	}
	j.problem.release()
}

//export go_mcd_job_create_design
func go_mcd_job_create_design(h C.mcd_problem, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		p, err := lookup[*problem](h)
		if err != nil {
			return err
		}
		return give(newJob(p.copy(), 0, 0), out)
	})
}

//export go_mcd_job_create_defect
func go_mcd_job_create_defect(h C.mcd_wire, target *C.double, targetCount C.size_t, defects C.int64_t, sigma C.double, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		w, err := lookup[*wire](h)
		if err != nil {
			return err
		}
		curve, err := cloned("target", target, targetCount)
		if err != nil {
			return err
		}
		if defects < 1 || defects > maxDefects {
			return fault.Invalid("count", "%d defects; give 1 to %d", int64(defects), maxDefects)
		}
		if err := atLeastZero("sigma", float64(sigma)); err != nil {
			return err
		}
		own := w.copy()
		p, err := newProblem(&exchange.Problem{Wire: own.strip, Backend: own.backend, Target: curve,
			Gaussians: defectGaussians(make([]float64, defects), make([]float64, defects), make([]float64, defects),
				slices.Repeat([]float64{1}, int(defects)))}, own)
		if err != nil {
			return err
		}
		return give(newJob(p, int(defects), float64(sigma)), out)
	})
}

// maxDefects is the largest number that package inverse searches for.
const maxDefects = 2

// defectGaussians describes defects as package inverse searches them: a single one may stand anywhere along the wire.
func defectGaussians(x, y, amplitude, radius []float64) *exchange.Gaussians {
	free := exchange.FreeY | exchange.FreeAmplitude | exchange.FreeRadius
	if len(x) > 1 {
		free |= exchange.FreeX
	}
	return &exchange.Gaussians{X: x, Y: y, Amplitude: amplitude, Radius: radius, Free: free}
}

//export go_mcd_job_create_resume
func go_mcd_job_create_resume(path *C.char, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		if err := given("job", out); err != nil {
			return err
		}
		d, err := load(path)
		if err != nil {
			return err
		}
		if d.Options == nil || d.State == nil {
			return fault.Invalid("path", "the file holds no run that could go on; give a checkpoint, or the saved result of a design")
		}
		p, err := problemFrom(d.Problem)
		if err != nil {
			return err
		}
		j := newJob(p, 0, 0)
		j.options, j.resume, j.checkpoint = *d.Options, d.State, C.GoString(path)
		return give(j, out)
	})
}

// withJob looks a job up and runs body with it locked.
func withJob(h C.mcd_job, body func(j *job) error) C.mcd_status {
	return enter(func() error {
		j, err := lookup[*job](h)
		if err != nil {
			return err
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		return body(j)
	})
}

// settings of a search for defects; a design has all.
var defectSettings = []string{"seed", "max_evaluations", "time_limit", "checkpoint"}

// setting runs body on a job whose setting of this name may be changed.
func setting(h C.mcd_job, name string, body func(j *job) error) C.mcd_status {
	return withJob(h, func(j *job) error {
		if j.state != C.MCD_JOB_NEW {
			return stateError("job: it has been started, %s cannot be changed any more; create a new job", name)
		}
		if j.defects > 0 && !slices.Contains(defectSettings, name) {
			return fault.Invalid(name, "a search for defects has no such setting; it has %q", defectSettings)
		}
		return body(j)
	})
}

// choose makes a setting, which outlasts a change of the method.
func (j *job) choose(name string, apply func(o *inverse.DesignOptions)) {
	j.set[name] = apply
	apply(&j.options)
}

func atLeastZero(name string, v float64) error {
	if !(v >= 0) || math.IsInf(v, 0) {
		return fault.Invalid(name, "%g; give a finite value of at least 0", v)
	}
	return nil
}

// setReal serves the setters of one number that must be finite and at least 0.
func setReal(h C.mcd_job, name string, v C.double, apply func(o *inverse.DesignOptions, v float64)) C.mcd_status {
	return setting(h, name, func(j *job) error {
		if err := atLeastZero(name, float64(v)); err != nil {
			return err
		}
		j.choose(name, func(o *inverse.DesignOptions) { apply(o, float64(v)) })
		return nil
	})
}

// setCount serves the setters of one whole number of at least 0.
func setCount(h C.mcd_job, name string, v C.int64_t, apply func(o *inverse.DesignOptions, v int)) C.mcd_status {
	return setting(h, name, func(j *job) error {
		if v < 0 {
			return fault.Invalid(name, "%d; give 0 for no limit", int64(v))
		}
		j.choose(name, func(o *inverse.DesignOptions) { apply(o, int(v)) })
		return nil
	})
}

// get serves the getters of one value.
func get[T any](h C.mcd_job, name string, out *T, read func(o *inverse.DesignOptions) T) C.mcd_status {
	return withJob(h, func(j *job) error { return store(name, out, read(&j.options)) })
}

//export go_mcd_job_set_method
func go_mcd_job_set_method(h C.mcd_job, method *C.char) C.mcd_status {
	return setting(h, "method", func(j *job) error {
		name, err := text("method", method)
		if err != nil {
			return err
		}
		if !slices.Contains(optimize.Methods(), name) {
			return fault.Invalid("method", "%q is not known; give one of %q", name, optimize.Methods())
		}
		j.options = inverse.DefaultDesign(name)
		for _, apply := range j.set {
			apply(&j.options)
		}
		return nil
	})
}

//export go_mcd_job_get_method
func go_mcd_job_get_method(h C.mcd_job, out *C.char, count C.size_t, needed *C.size_t) C.mcd_status {
	return withJob(h, func(j *job) error { return deliverText(j.options.Method, out, count, needed) })
}

//export go_mcd_job_set_learning_rate
func go_mcd_job_set_learning_rate(h C.mcd_job, rate C.double) C.mcd_status {
	if rate == 0 {
		rate = C.double(math.NaN()) // refused like other values that are not above 0
	}
	return setReal(h, "learning_rate", rate, func(o *inverse.DesignOptions, v float64) { o.LearningRate = v })
}

//export go_mcd_job_get_learning_rate
func go_mcd_job_get_learning_rate(h C.mcd_job, rate *C.double) C.mcd_status {
	return get(h, "rate", rate, func(o *inverse.DesignOptions) C.double { return C.double(o.LearningRate) })
}

//export go_mcd_job_set_schedule
func go_mcd_job_set_schedule(h C.mcd_job, steps *C.int64_t, stepsCount C.size_t, factors *C.double, factorsCount C.size_t) C.mcd_status {
	return setting(h, "schedule", func(j *job) error {
		at, err := slice[int64]("steps", steps, stepsCount)
		if err != nil {
			return err
		}
		by, err := array[float64]("factors", factors, factorsCount, len(at))
		if err != nil {
			return err
		}
		var s optimize.Schedule
		for i := range at {
			if at[i] < 0 || !(by[i] > 0) || math.IsInf(by[i], 0) {
				return fault.Invalid("schedule", "entry %d is (%d, %g); give steps of at least 0 and finite factors above 0", i, at[i], by[i])
			}
			s = append(s, optimize.ScheduleStep{Step: int(at[i]), Factor: by[i]})
		}
		j.choose("schedule", func(o *inverse.DesignOptions) { o.Schedule = s })
		return nil
	})
}

//export go_mcd_job_set_named_schedule
func go_mcd_job_set_named_schedule(h C.mcd_job, schedule *C.char) C.mcd_status {
	return setting(h, "schedule", func(j *job) error {
		name, err := text("schedule", schedule)
		if err != nil {
			return err
		}
		var s optimize.Schedule
		if name != "constant" {
			if s, err = optimize.NamedSchedule(name); err != nil {
				return err
			}
		}
		j.choose("schedule", func(o *inverse.DesignOptions) { o.Schedule = s })
		return nil
	})
}

//export go_mcd_job_get_schedule
func go_mcd_job_get_schedule(h C.mcd_job, steps *C.int64_t, factors *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return withJob(h, func(j *job) error {
		var at []int64
		var by []float64
		for _, s := range j.options.Schedule {
			at, by = append(at, int64(s.Step)), append(by, s.Factor)
		}
		if err := deliver(at, steps, count, needed); err != nil {
			return err
		}
		return deliver(by, factors, count, needed)
	})
}

//export go_mcd_job_set_max_evaluations
func go_mcd_job_set_max_evaluations(h C.mcd_job, evaluations C.int64_t) C.mcd_status {
	return setCount(h, "max_evaluations", evaluations, func(o *inverse.DesignOptions, v int) { o.MaxEvaluations = v })
}

//export go_mcd_job_get_max_evaluations
func go_mcd_job_get_max_evaluations(h C.mcd_job, evaluations *C.int64_t) C.mcd_status {
	return get(h, "evaluations", evaluations, func(o *inverse.DesignOptions) C.int64_t { return C.int64_t(o.MaxEvaluations) })
}

//export go_mcd_job_set_max_iterations
func go_mcd_job_set_max_iterations(h C.mcd_job, iterations C.int64_t) C.mcd_status {
	return setCount(h, "max_iterations", iterations, func(o *inverse.DesignOptions, v int) { o.MaxIterations = v })
}

//export go_mcd_job_get_max_iterations
func go_mcd_job_get_max_iterations(h C.mcd_job, iterations *C.int64_t) C.mcd_status {
	return get(h, "iterations", iterations, func(o *inverse.DesignOptions) C.int64_t { return C.int64_t(o.MaxIterations) })
}

//export go_mcd_job_set_time_limit
func go_mcd_job_set_time_limit(h C.mcd_job, seconds C.double) C.mcd_status {
	return setReal(h, "time_limit", seconds, func(o *inverse.DesignOptions, v float64) { o.MaxSeconds = v })
}

//export go_mcd_job_get_time_limit
func go_mcd_job_get_time_limit(h C.mcd_job, seconds *C.double) C.mcd_status {
	return get(h, "seconds", seconds, func(o *inverse.DesignOptions) C.double { return C.double(o.MaxSeconds) })
}

//export go_mcd_job_set_stop_objective
func go_mcd_job_set_stop_objective(h C.mcd_job, objective C.double) C.mcd_status {
	return setting(h, "stop_objective", func(j *job) error {
		if math.IsNaN(float64(objective)) {
			return fault.Invalid("stop_objective", "%g; give a number, -infinity for never", float64(objective))
		}
		j.choose("stop_objective", func(o *inverse.DesignOptions) { o.StopObjective = float64(objective) })
		return nil
	})
}

//export go_mcd_job_get_stop_objective
func go_mcd_job_get_stop_objective(h C.mcd_job, objective *C.double) C.mcd_status {
	return get(h, "objective", objective, func(o *inverse.DesignOptions) C.double { return C.double(o.StopObjective) })
}

//export go_mcd_job_set_step_tolerance
func go_mcd_job_set_step_tolerance(h C.mcd_job, tolerance C.double) C.mcd_status {
	return setReal(h, "step_tolerance", tolerance, func(o *inverse.DesignOptions, v float64) { o.StepTolerance = v })
}

//export go_mcd_job_get_step_tolerance
func go_mcd_job_get_step_tolerance(h C.mcd_job, tolerance *C.double) C.mcd_status {
	return get(h, "tolerance", tolerance, func(o *inverse.DesignOptions) C.double { return C.double(o.StepTolerance) })
}

//export go_mcd_job_set_gradient_tolerance
func go_mcd_job_set_gradient_tolerance(h C.mcd_job, tolerance C.double) C.mcd_status {
	return setReal(h, "gradient_tolerance", tolerance, func(o *inverse.DesignOptions, v float64) { o.GradientTolerance = v })
}

//export go_mcd_job_get_gradient_tolerance
func go_mcd_job_get_gradient_tolerance(h C.mcd_job, tolerance *C.double) C.mcd_status {
	return get(h, "tolerance", tolerance, func(o *inverse.DesignOptions) C.double { return C.double(o.GradientTolerance) })
}

//export go_mcd_job_set_stall
func go_mcd_job_set_stall(h C.mcd_job, iterations C.int64_t, tolerance C.double) C.mcd_status {
	return setting(h, "stall", func(j *job) error {
		if iterations < 0 {
			return fault.Invalid("stall", "%d iterations; give 0 to switch the test off", int64(iterations))
		}
		if err := atLeastZero("stall", float64(tolerance)); err != nil {
			return err
		}
		j.choose("stall", func(o *inverse.DesignOptions) {
			o.StallIterations, o.StallTolerance = int(iterations), float64(tolerance)
		})
		return nil
	})
}

//export go_mcd_job_get_stall
func go_mcd_job_get_stall(h C.mcd_job, iterations *C.int64_t, tolerance *C.double) C.mcd_status {
	return withJob(h, func(j *job) error {
		if err := store("iterations", iterations, C.int64_t(j.options.StallIterations)); err != nil {
			return err
		}
		return store("tolerance", tolerance, C.double(j.options.StallTolerance))
	})
}

//export go_mcd_job_set_starts
func go_mcd_job_set_starts(h C.mcd_job, starts C.int64_t, spread C.double) C.mcd_status {
	return setting(h, "starts", func(j *job) error {
		if starts < 1 || starts > math.MaxInt32 {
			return fault.Invalid("starts", "%d; give at least 1", int64(starts))
		}
		if err := atLeastZero("spread", float64(spread)); err != nil {
			return err
		}
		j.choose("starts", func(o *inverse.DesignOptions) { o.Starts, o.Spread = int(starts), float64(spread) })
		return nil
	})
}

//export go_mcd_job_get_starts
func go_mcd_job_get_starts(h C.mcd_job, starts *C.int64_t, spread *C.double) C.mcd_status {
	return withJob(h, func(j *job) error {
		if err := store("starts", starts, C.int64_t(j.options.Starts)); err != nil {
			return err
		}
		return store("spread", spread, C.double(j.options.Spread))
	})
}

//export go_mcd_job_set_distinct
func go_mcd_job_set_distinct(h C.mcd_job, distinct C.double) C.mcd_status {
	return setReal(h, "distinct", distinct, func(o *inverse.DesignOptions, v float64) { o.Distinct = v })
}

//export go_mcd_job_get_distinct
func go_mcd_job_get_distinct(h C.mcd_job, distinct *C.double) C.mcd_status {
	return get(h, "distinct", distinct, func(o *inverse.DesignOptions) C.double { return C.double(o.Distinct) })
}

//export go_mcd_job_set_seed
func go_mcd_job_set_seed(h C.mcd_job, seed C.uint64_t) C.mcd_status {
	return setting(h, "seed", func(j *job) error {
		j.choose("seed", func(o *inverse.DesignOptions) { o.Seed = uint64(seed) })
		return nil
	})
}

//export go_mcd_job_get_seed
func go_mcd_job_get_seed(h C.mcd_job, seed *C.uint64_t) C.mcd_status {
	return get(h, "seed", seed, func(o *inverse.DesignOptions) C.uint64_t { return C.uint64_t(o.Seed) })
}

//export go_mcd_job_set_checkpoint
func go_mcd_job_set_checkpoint(h C.mcd_job, path *C.char, interval C.double) C.mcd_status {
	return setting(h, "checkpoint", func(j *job) error {
		if err := atLeastZero("interval", float64(interval)); err != nil {
			return err
		}
		name := ""
		if path != nil {
			var err error
			if name, err = text("path", path); err != nil {
				return err
			}
		}
		j.checkpoint, j.interval = name, duration(float64(interval))
		return nil
	})
}

// duration converts seconds, cut to what a duration can hold.
func duration(seconds float64) time.Duration {
	return time.Duration(min(seconds, math.MaxInt64/2e9) * 1e9)
}

//export go_mcd_job_get_checkpoint
func go_mcd_job_get_checkpoint(h C.mcd_job, out *C.char, count C.size_t, needed *C.size_t, interval *C.double) C.mcd_status {
	return withJob(h, func(j *job) error {
		if err := store("interval", interval, C.double(j.interval.Seconds())); err != nil {
			return err
		}
		return deliverText(j.checkpoint, out, count, needed)
	})
}

//export go_mcd_job_start
func go_mcd_job_start(h C.mcd_job) C.mcd_status {
	return withJob(h, func(j *job) error {
		if j.state != C.MCD_JOB_NEW {
			return stateError("job: it has been started already; create a new job")
		}
		ctx, cancel := context.WithCancel(context.Background())
		j.state, j.cancel, j.began = C.MCD_JOB_RUNNING, cancel, time.Now()
		go j.run(ctx)
		return nil
	})
}

// run is the job's goroutine.
func (j *job) run(ctx context.Context) {
	d, err := j.search(ctx)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state, j.result, j.err = C.MCD_JOB_DONE, d, nil
	if d == nil {
		j.state, j.err = C.MCD_JOB_FAILED, err
	}
	j.cancel()
	close(j.ended)
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
	if len(x) > 1 {
		return slices.Concat(x, y, amplitude, radius)
	}
	return slices.Concat(y, amplitude, radius)
}

// record notes an iteration and wakes those who wait for one.
func (j *job) record(p *inverse.Progress) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records = append(j.records, record{start: p.Start, starts: p.Starts, iteration: p.Iteration.Iteration, evaluations: p.TotalEvaluations,
		objective: p.Objective, bestObjective: p.BestOfAll, step: p.StepNorm, gradient: p.GradientNorm, damping: p.Damping,
		seconds: time.Since(j.began).Seconds()})
	if p.Objective < j.bestL && len(p.Point) == j.problem.parametrization.Parameters() {
		j.bestL = p.Objective
		j.best = append(j.best[:0], p.Point...)
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// snapshot fills a progress; j must be locked.
func (j *job) snapshot() C.mcd_progress {
	p := C.mcd_progress{state: C.int32_t(j.state), objective: C.double(math.NaN()), best_objective: C.double(math.NaN())}
	p.struct_size = C.sizeof_mcd_progress
	p.starts = C.int32_t(max(j.options.Starts, 1))
	if n := len(j.records); n > 0 {
		r := &j.records[n-1]
		p.start, p.starts, p.iteration, p.evaluations = C.int32_t(r.start), C.int32_t(r.starts), C.int64_t(r.iteration), C.int64_t(r.evaluations)
		p.objective, p.best_objective = C.double(r.objective), C.double(r.bestObjective)
		p.step, p.gradient, p.damping, p.seconds = C.double(r.step), C.double(r.gradient), C.double(r.damping), C.double(r.seconds)
	}
	if j.state == C.MCD_JOB_RUNNING {
		p.seconds = C.double(time.Since(j.began).Seconds())
	}
	return p
}

//export go_mcd_job_wait
func go_mcd_job_wait(h C.mcd_job, timeout C.double, callback C.mcd_callback, user unsafe.Pointer) C.mcd_status {
	timedOut := false
	status := enter(func() error {
		j, err := lookup[*job](h)
		if err != nil {
			return err
		}
		if math.IsNaN(float64(timeout)) {
			return fault.Invalid("timeout", "NaN; give seconds, a negative number to wait for ever")
		}
		timedOut, err = j.wait(float64(timeout), func(p *C.mcd_progress) bool {
			return callback == nil || C.mcd_call(callback, p, user) == 0
		})
		return err
	})
	if timedOut {
		return C.MCD_TIMEOUT
	}
	return status
}

// wait returns once the job has ended, with its error, or the time is over. It shows every new iteration (the latest if
// several happened meanwhile) to see, on the calling goroutine, and cancels when see returns false.
func (j *job) wait(seconds float64, see func(p *C.mcd_progress) bool) (timedOut bool, err error) {
	var over <-chan time.Time
	if seconds >= 0 {
		timer := time.NewTimer(duration(seconds))
		defer timer.Stop()
		over = timer.C
	}
	j.mu.Lock()
	seen := len(j.records)
	if seen > 0 {
		seen-- // the latest is news to this call
	}
	j.mu.Unlock()
	for {
		j.mu.Lock()
		state, changed, cancel, news := j.state, j.changed, j.cancel, len(j.records) > seen
		seen = len(j.records)
		progress := j.snapshot()
		j.mu.Unlock()
		if state == C.MCD_JOB_NEW {
			return false, stateError("job: it has not been started; call mcd_job_start first")
		}
		if news && !see(&progress) {
			cancel()
			see = func(*C.mcd_progress) bool { return true }
		}
		select {
		case <-j.ended:
			return false, j.failure()
		default:
		}
		select {
		case <-changed:
		case <-j.ended:
		case <-over:
			return true, nil
		}
	}
}

// failure returns the error of a job that has ended.
func (j *job) failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

//export go_mcd_job_progress
func go_mcd_job_progress(h C.mcd_job, progress *C.mcd_progress) C.mcd_status {
	return withJob(h, func(j *job) error {
		if err := given("progress", progress); err != nil {
			return err
		}
		p := j.snapshot()
		return fill(unsafe.Pointer(progress), unsafe.Pointer(&p), C.sizeof_mcd_progress)
	})
}

// minStruct is the smallest struct of the first release; nothing shorter was ever valid.
const minStruct = 16

// fill copies a struct of known bytes to the caller's, which begins with its size: what the caller does not know is left
// out, what the library does not know must be 0.
func fill(to, from unsafe.Pointer, known uintptr) error {
	size := uintptr(*(*C.size_t)(to))
	if size < minStruct || size > 1<<16 {
		return fault.Invalid("struct_size", "%d; set it to the sizeof of the struct", uint64(size))
	}
	dst := unsafe.Slice((*byte)(to), size)
	for _, b := range dst[min(known, size):] {
		if b != 0 {
			return fault.Invalid("struct_size", "%d bytes, of which this library knows %d, and the rest is not 0; set the struct to 0, or use a newer library", uint64(size), uint64(known))
		}
	}
	head := unsafe.Sizeof(C.size_t(0))
	copy(dst[head:], unsafe.Slice((*byte)(from), known)[head:])
	return nil
}

//export go_mcd_job_cancel
func go_mcd_job_cancel(h C.mcd_job) C.mcd_status {
	return withJob(h, func(j *job) error {
		if j.cancel != nil {
			j.cancel()
		}
		return nil
	})
}

// columns of the history of a job.
var columns = map[string]func(r *record) float64{
	"start":          func(r *record) float64 { return float64(r.start) },
	"iteration":      func(r *record) float64 { return float64(r.iteration) },
	"evaluations":    func(r *record) float64 { return float64(r.evaluations) },
	"objective":      func(r *record) float64 { return r.objective },
	"best_objective": func(r *record) float64 { return r.bestObjective },
	"step":           func(r *record) float64 { return r.step },
	"gradient":       func(r *record) float64 { return r.gradient },
	"damping":        func(r *record) float64 { return r.damping },
	"seconds":        func(r *record) float64 { return r.seconds },
}

//export go_mcd_job_history
func go_mcd_job_history(h C.mcd_job, column *C.char, out *C.double, count C.size_t, needed *C.size_t) C.mcd_status {
	return withJob(h, func(j *job) error {
		name, err := text("column", column)
		if err != nil {
			return err
		}
		read, ok := columns[name]
		if !ok {
			return fault.Invalid("column", "%q is not known; see mcd_job_history for the columns", name)
		}
		dst, err := room[float64](out, count, needed, len(j.records))
		for i := range dst {
			dst[i] = read(&j.records[i])
		}
		return err
	})
}

//export go_mcd_job_best
func go_mcd_job_best(h C.mcd_job, onsite *C.double, count C.size_t) C.mcd_status {
	return withJob(h, func(j *job) error {
		out, err := array[float64]("onsite", onsite, count, j.problem.parametrization.Sites())
		switch {
		case err != nil:
			return err
		case j.result != nil:
			copy(out, j.result.Result.Outcomes[0].Onsite)
		case j.best != nil:
			j.problem.parametrization.Onsite(j.best, out)
		default:
			return stateError("job: there is no point yet; wait for the first iteration")
		}
		return nil
	})
}

//export go_mcd_job_result
func go_mcd_job_result(h C.mcd_job, out *C.mcd_result) C.mcd_status {
	return withJob(h, func(j *job) error {
		switch {
		case j.state == C.MCD_JOB_FAILED:
			return j.err
		case j.state != C.MCD_JOB_DONE:
			return stateError("job: it has not ended; call mcd_job_wait first")
		}
		return give(&result{document: j.result, wire: j.problem.wire.copy()}, out)
	})
}
