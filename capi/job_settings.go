//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"math"
	"slices"

	"mcd/core/fault"
	"mcd/core/inverse"
	"mcd/core/optimize"
)

// setting runs body on a job whose setting of this name may be changed.
func setting(h C.mcd_job, name string, body func(j *job) error) C.mcd_status {
	return withJob(h, func(j *job) error {
		if j.state != C.MCD_JOB_NEW {
			return stateError("job: it has been started, %s cannot be changed any more; create a new job", name)
		}
		if t := &j.task; t.settings != nil && !slices.Contains(t.settings, name) {
			return fault.Invalid(name, "%s has no such setting; it has %q", t.name, t.settings)
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
		return setting(h, "learning_rate", func(*job) error {
			return fault.Invalid("learning_rate", "0; give a finite value above 0")
		})
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
		j.checkpoint, j.interval = name, optimize.Duration(float64(interval))
		return nil
	})
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
