package parallel_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/parallel"
)

// TestPool demands every task once, on workers of distinct numbers, from a pool that serves calls of any size.
func TestPool(t *testing.T) {
	var p parallel.Pool
	defer p.Close()
	for _, threads := range []int{1, 3, 2, 7, 1, 4} {
		for _, n := range []int{0, 1, 2, 5, 100} {
			done, busy := make([]atomic.Int64, n), make([]atomic.Bool, threads)
			err := p.For(t.Context(), n, threads, func(worker, i int) error {
				if !busy[worker].CompareAndSwap(false, true) {
					return fmt.Errorf("two tasks at a time on worker %d", worker)
				}
				defer busy[worker].Store(false)
				done[i].Add(1)
				return nil
			})
			require.NoError(t, err)
			for i := range done {
				assert.EqualValues(t, 1, done[i].Load(), "task %d of %d on %d threads", i, n, threads)
			}
		}
	}
}

func TestPoolErrors(t *testing.T) {
	var p parallel.Pool
	defer p.Close()
	first := errors.New("first")
	err := p.For(t.Context(), 8, 2, func(_, i int) error {
		switch i {
		case 0:
			time.Sleep(5 * time.Millisecond) // the other thread fails meanwhile
			return first
		case 1:
			return errors.New("second")
		}
		return nil
	})
	assert.Equal(t, first, err, "the error of the first task counts")
	err = p.For(t.Context(), 4, 2, func(_, i int) error { panic("planted") })
	assert.ErrorContains(t, err, "planted")
	assert.NoError(t, p.For(t.Context(), 4, 2, func(_, _ int) error { return nil }), "the pool goes on")
}

// BenchmarkPool is two tasks of 100 µs after a pause, on two threads: without waiting for each other, 100 µs.
func BenchmarkPool(b *testing.B) {
	spin := func(d time.Duration) {
		for began := time.Now(); time.Since(began) < d; {
		}
	}
	var p parallel.Pool
	defer p.Close()
	total := time.Duration(0)
	for b.Loop() {
		spin(200 * time.Microsecond)
		began := time.Now()
		if err := p.For(b.Context(), 2, 2, func(_, _ int) error { spin(100 * time.Microsecond); return nil }); err != nil {
			b.Fatal(err)
		}
		total += time.Since(began)
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(b.N)/1e3, "µs/call")
}
