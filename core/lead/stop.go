package lead

import (
	"context"
	"sync/atomic"

	"mcd/core/fault"
	"mcd/core/parallel"
)

// stop tells long loops, also those in C, that nobody waits for the lead any more. They leave off where they are and say nothing:
// until throws away whatever comes of it. Nil never stops.
type stop struct {
	set  atomic.Int32
	done <-chan struct{} // closed before it is set, nil if it never is
}

// errStopped is what until replaces.
var errStopped = fault.New(fault.Cancelled, "stopped")

func (s *stop) now() bool { return s != nil && s.set.Load() != 0 }

// until calls solve with a stop that is set once ctx has ended, and then returns Cancelled, whatever solve made of it.
func until(ctx context.Context, solve func(s *stop) error) error {
	s := new(stop)
	if ctx != nil {
		s.done = ctx.Done()
		defer context.AfterFunc(ctx, func() { s.set.Store(1) })()
	}
	err := recovered(func() error { return solve(s) })
	if cancelled := parallel.Cancelled(ctx); cancelled != nil {
		return cancelled
	}
	return err
}

// leave calls work, which knows of no stop, and lets it run on alone once nobody waits for it: work must own what it writes to.
func (s *stop) leave(work func() error) error {
	if s == nil || s.done == nil {
		return work()
	}
	finished := make(chan error, 1)
	go func() { finished <- recovered(work) }()
	select {
	case err := <-finished:
		return err
	case <-s.done:
		return errStopped
	}
}

func recovered(work func() error) (err error) {
	defer parallel.Recover(&err)
	return work()
}
