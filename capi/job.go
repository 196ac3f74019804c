//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"
	"unsafe"

	"mcd/capi/exchange"
	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/optimize"
)

// job is a search on its problem.
type job struct {
	problem *problem // its own
	task    task

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
	roughness                             float64 // NaN unless a potential is being smoothed
}

func newJob(p *problem, t task) *job {
	return &job{problem: p, task: t, options: inverse.DefaultDesign("lm"), bestL: math.Inf(1),
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
		return give(newJob(p.copy(), designTask), out)
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
		return give(newJob(p, defectTask(int(defects), float64(sigma))), out)
	})
}

//export go_mcd_job_create_locate
func go_mcd_job_create_locate(h C.mcd_problem, defects C.int64_t, sigma C.double, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		p, err := lookup[*problem](h)
		if err != nil {
			return err
		}
		if defects < 1 || defects > maxLocated {
			return fault.Invalid("count", "%d defects; give 1 to %d", int64(defects), maxLocated)
		}
		if err := atLeastZero("sigma", float64(sigma)); err != nil {
			return err
		}
		own := p.copy()
		spec := own.spec.Clone()
		if spec.Device == nil {
			own.release()
			return fault.Invalid("problem", "it is of a wire; call mcd_job_create_defect")
		}
		none := make([]float64, defects)
		spec.Sites, spec.Gates, spec.Directions, spec.Background = nil, nil, nil, nil
		spec.Lower, spec.Upper, spec.Frozen, spec.Ties = nil, nil, nil, nil
		spec.Loss = inverse.Loss{}
		spec.Gaussians = locatedGaussians(none, none, none, slices.Repeat([]float64{1}, int(defects)))
		located, err := newProblem(spec, own.place)
		if err != nil {
			return err
		}
		return give(newJob(located, locateTask(int(defects), float64(sigma))), out)
	})
}

// maxLocated bounds the defects that are searched in a device.
const maxLocated = 8

// locatedGaussians describes defects in a device, which may stand anywhere.
func locatedGaussians(x, y, amplitude, radius []float64) *exchange.Gaussians {
	return &exchange.Gaussians{X: x, Y: y, Amplitude: amplitude, Radius: radius,
		Free: exchange.FreeX | exchange.FreeY | exchange.FreeAmplitude | exchange.FreeRadius}
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

//export go_mcd_job_create_smooth
func go_mcd_job_create_smooth(h C.mcd_problem, level C.double, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		p, err := lookup[*problem](h)
		if err != nil {
			return err
		}
		if math.IsNaN(float64(level)) || math.IsInf(float64(level), 1) {
			return fault.Invalid("level", "%g; give the largest L allowed, for example -3", float64(level))
		}
		own := p.copy()
		if s := own.spec; s.Device != nil || s.Sites == nil || s.Lower != nil || s.Upper != nil || s.Frozen != nil || s.Ties != nil || s.Filter > 1 ||
			s.Mirror != "" && s.Mirror != "none" {
			own.release()
			return fault.Invalid("problem", "smoothing changes every site of a wire freely; give a wire's problem by sites without bounds, frozen sites, ties, mirror or filter")
		}
		return give(newJob(own, smoothTask(float64(level))), out)
	})
}

//export go_mcd_job_create_quantize
func go_mcd_job_create_quantize(h C.mcd_problem, step, origin C.double, out *C.mcd_job) C.mcd_status {
	return enter(func() error {
		p, err := lookup[*problem](h)
		if err != nil {
			return err
		}
		if !(step > 0) || math.IsInf(float64(step), 0) {
			return fault.Invalid("step", "%g; give a finite distance above 0 between allowed values", float64(step))
		}
		if err := checkFinite("origin", []float64{float64(origin)}); err != nil {
			return err
		}
		own := p.copy()
		if s := own.spec; s.Sites == nil && s.Gates == nil || s.Filter > 1 {
			own.release()
			return fault.Invalid("problem", "values of sites and gates can be quantized; give a problem by sites without filter, or by gates")
		}
		return give(newJob(own, quantizeTask(float64(step), float64(origin))), out)
	})
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
		j := newJob(p, designTask)
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

// record notes an iteration.
func (j *job) record(p *inverse.Progress) {
	j.note(record{start: p.Start, starts: p.Starts, iteration: p.Iteration.Iteration, evaluations: p.TotalEvaluations,
		objective: p.Objective, bestObjective: p.BestOfAll, step: p.StepNorm, gradient: p.GradientNorm, damping: p.Damping,
		roughness: math.NaN()}, p.Point, p.Objective)
}

// note adds a record to the history, keeps the point if its merit is the lowest so far, and wakes those who wait.
func (j *job) note(r record, point []float64, merit float64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.seconds = time.Since(j.began).Seconds()
	j.records = append(j.records, r)
	if merit < j.bestL && len(point) == j.problem.parametrization.Parameters() {
		j.bestL = merit
		j.best = append(j.best[:0], point...)
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// snapshot fills a progress; j must be locked.
func (j *job) snapshot() C.mcd_progress {
	p := C.mcd_progress{state: C.int32_t(j.state), objective: C.double(math.NaN()), best_objective: C.double(math.NaN()),
		roughness: C.double(math.NaN())}
	p.struct_size = C.sizeof_mcd_progress
	p.starts = C.int32_t(max(j.options.Starts, 1))
	if n := len(j.records); n > 0 {
		r := &j.records[n-1]
		p.start, p.starts, p.iteration, p.evaluations = C.int32_t(r.start), C.int32_t(r.starts), C.int64_t(r.iteration), C.int64_t(r.evaluations)
		p.objective, p.best_objective = C.double(r.objective), C.double(r.bestObjective)
		p.step, p.gradient, p.damping, p.seconds = C.double(r.step), C.double(r.gradient), C.double(r.damping), C.double(r.seconds)
		p.roughness = C.double(r.roughness)
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
		var see func(p *C.mcd_progress) bool
		if callback != nil {
			see = func(p *C.mcd_progress) bool { return C.mcd_call(callback, p, user) == 0 }
		}
		timedOut, err = j.wait(float64(timeout), see)
		return err
	})
	if timedOut {
		return C.MCD_TIMEOUT
	}
	return status
}

// wait returns once the job has ended, with its error, or the time is over. It shows every new iteration (the latest if
// several happened meanwhile) to see, on the calling goroutine, and cancels when see returns false. Without see it sleeps
// through iterations: to wake up takes a processor from the engine.
func (j *job) wait(seconds float64, see func(p *C.mcd_progress) bool) (timedOut bool, err error) {
	var over <-chan time.Time
	if seconds >= 0 {
		timer := time.NewTimer(optimize.Duration(seconds))
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
		if see != nil && news && !see(&progress) {
			cancel()
			see = nil
		}
		if see == nil {
			changed = nil
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
	"roughness":      func(r *record) float64 { return r.roughness },
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
		if needed != nil { // the history grows between two calls: what there is room for is written
			*needed = C.size_t(len(j.records))
		}
		dst, err := slice[float64]("out", out, min(count, C.size_t(len(j.records))))
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
		return give(&result{document: j.result, place: j.problem.place.duplicate()}, out)
	})
}
