// Package parallel runs independent tasks on a fixed number of goroutines that never let a panic escape: in a library that
// lives in another program's process, a panic in a goroutine would end that program.
package parallel

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"

	"mcd/core/fault"
)

// Recover turns a panic into an Internal error stored in *err; use it as `defer parallel.Recover(&err)`.
func Recover(err *error) {
	if p := recover(); p != nil {
		*err = fault.New(fault.Internal, "internal error, please report it: %v\n%s", p, debug.Stack())
	}
}

// Threads returns the number of goroutines to use for a request: all processors available to the process for n <= 0.
func Threads(n int) int {
	if n <= 0 {
		return runtime.NumCPU()
	}
	return n
}

// For calls task(worker, i) once for every i in [0, n), spread over at most threads goroutines (see Threads); worker
// identifies the goroutine, 0 <= worker < threads, so that it may own a workspace. Tasks are handed out in order; the
// first error stops the hand-out and the error with the smallest i is returned, Cancelled when ctx ends first.
func For(ctx context.Context, n, threads int, task func(worker, i int) error) error {
	var p Pool
	defer p.Close()
	return p.For(ctx, n, threads, task)
}

func guarded(task func(worker, i int) error, worker, i int) (err error) {
	defer Recover(&err)
	return task(worker, i)
}

// Cancelled returns a Cancelled error once ctx has ended, nil before (and for a nil ctx).
func Cancelled(ctx context.Context) error {
	if ctx == nil || ctx.Err() == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.New(fault.Cancelled, "stopped: the time allowed is over")
	}
	return fault.New(fault.Cancelled, "stopped by the caller")
}
