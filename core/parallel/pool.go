package parallel

import (
	"context"
	"sync"
	"sync/atomic"
)

// Pool is For with goroutines that stay: nothing is allocated per call. The zero value is ready; Close ends its goroutines.
// One call at a time.
type Pool struct {
	wake    chan bool // whether to work, see rouse
	started int
	done    sync.WaitGroup

	// The call in progress.
	ctx    context.Context
	n      int
	task   func(worker, i int) error
	next   atomic.Int64
	worker atomic.Int64
	failed atomic.Bool
	mu     sync.Mutex
	first  error
	at     int
}

// For calls task(worker, i) once for every i in [0, n) on at most threads goroutines, see the function For.
func (p *Pool) For(ctx context.Context, n, threads int, task func(worker, i int) error) error {
	threads = min(Threads(threads), n)
	p.ctx, p.n, p.task, p.first, p.at = ctx, n, task, nil, n
	p.next.Store(0)
	p.worker.Store(0)
	p.failed.Store(false)
	if threads > 1 {
		p.rouse(threads)
	}
	p.work()
	p.done.Wait()
	p.ctx, p.task = nil, nil
	return p.first
}

// rouse wakes threads − 1 goroutines that work, and one more that does not: the scheduler keeps what was made ready last for the
// processor that did it, as one that will soon be free, and another takes it only after a nap of some 60 µs.
func (p *Pool) rouse(threads int) {
	if p.wake == nil {
		p.wake = make(chan bool, threads)
	}
	for ; p.started < threads; p.started++ {
		go p.loop(p.wake)
	}
	p.done.Add(threads)
	for i := range threads {
		p.wake <- i < threads-1
	}
}

// Close ends the goroutines; the pool may be used again.
func (p *Pool) Close() {
	if p.wake != nil {
		close(p.wake)
		p.wake, p.started = nil, 0
	}
}

func (p *Pool) loop(wake chan bool) {
	for works := range wake {
		if works {
			p.work()
		}
		p.done.Done()
	}
}

func (p *Pool) work() {
	worker := int(p.worker.Add(1)) - 1
	for !p.failed.Load() {
		i := int(p.next.Add(1)) - 1
		if i >= p.n {
			return
		}
		err := Cancelled(p.ctx)
		if err == nil {
			err = guarded(p.task, worker, i)
		}
		if err != nil {
			p.report(i, err)
			return
		}
	}
}

func (p *Pool) report(i int, err error) {
	p.mu.Lock()
	if i < p.at {
		p.first, p.at = err, i
	}
	p.mu.Unlock()
	p.failed.Store(true)
}
