package lead

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
)

// stopped calls work, which takes the time whole if nobody stops it, with a context that ends after a while. It tells whether that
// came before the end of work, which must then come soon: at least once in five times, as processors may be busy with other things.
func stopped(t *testing.T, after, whole time.Duration, work func(ctx context.Context) error) (any bool) {
	t.Helper()
	soon, least := min(200*time.Millisecond, max(100*time.Millisecond, whole/3)), time.Duration(math.MaxInt64)
	for range 5 {
		took, early := latency(t, after, work)
		if !early {
			return any
		}
		any = true
		if least = min(least, took); least < soon {
			return true
		}
	}
	assert.Less(t, least, soon, "stopped after %v", after)
	return true
}

// latency returns how long work goes on when its context ends after a while, if it has not ended before. What it leaves running has
// ended as well when latency returns, so that it disturbs nothing that is timed later.
func latency(t *testing.T, after time.Duration, work func(ctx context.Context) error) (took time.Duration, early bool) {
	t.Helper()
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ended time.Time
	timer := time.AfterFunc(after, func() {
		ended = time.Now()
		cancel()
	})
	err := work(ctx)
	if timer.Stop() {
		require.NoError(t, err)
		return 0, false
	}
	<-ctx.Done()
	took = time.Since(ended)
	require.Equal(t, fault.Cancelled, fault.KindOf(err), "after %v: %v", after, err)
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(end), "something runs on")
	}
	return took, true
}

// wideStrip takes seconds: many slow modes at its edges, so that several contours are tried.
func wideStrip() Params {
	if testing.Short() {
		return Params{500, 1, 4, 1.2, 0.00202}
	}
	return Params{1000, 1, 4, 1.2, 0.00101}
}

func fullCell(n int) *Cell {
	random := rand.New(rand.NewPCG(31, 32))
	return &Cell{n, n, hermitian(random, n), randomMatrix(random, n, n), 0.3}
}

func TestStoppedWithinOneLead(t *testing.T) {
	strip := wideStrip()
	narrow := strip
	narrow.Width /= 2
	ofStrip := solved(t, narrow)
	cell, wide, end := fullCell(strip.Width*3/10), fullCell(strip.Width*3/5), stripCell(&Lead{Params: Params{strip.Width, 1, 4, 1.2, 0.05}})
	back := newReversed(end).Cell
	for _, c := range []struct {
		name string
		work func(ctx context.Context) (any, error)
	}{
		{"strip", func(ctx context.Context) (any, error) { return solveUntil(ctx, strip) }},
		{"Schur form of a strip", func(ctx context.Context) (d any, err error) {
			err = until(ctx, func(s *stop) (err error) {
				b := newUniform(s, Params{250, 1, 4, 1.2, 0.05})
				d, err = decay(b, b.solve())
				return err
			})
			return d, err
		}},
		{"chains", func(ctx context.Context) (any, error) { return SolveCells(ctx, []*Cell{end, back}, 1) }},
		{"Schur form", func(ctx context.Context) (any, error) { return SolveCells(ctx, []*Cell{cell}, 1) }},
		{"derivatives of a strip", func(ctx context.Context) (any, error) {
			dE, dField, err := ofStrip.DerivativeF(ctx)
			return [][]complex128{dE, dField}, err
		}},
		{"derivatives", func(ctx context.Context) (any, error) {
			s, err := NewSensitivity(ctx, wide, wide.Hamiltonian)
			if err != nil {
				return nil, err
			}
			return s.Along(ctx, wide.Hamiltonian, wide.Hopping, 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			begin := time.Now()
			want, err := c.work(context.Background())
			took := time.Since(begin)
			require.NoError(t, err)
			work := func(ctx context.Context) error {
				_, err := c.work(ctx)
				return err
			}
			require.True(t, stopped(t, min(50*time.Millisecond, took/10), took, work))
			for part := 1; part < 4; part++ { // a later one may come too late
				stopped(t, took*time.Duration(part)/4, took, work)
			}
			got, err := c.work(context.Background())
			require.NoError(t, err)
			assert.True(t, assert.ObjectsAreEqual(want, got), "not the same bits")
		})
	}
}

func TestStoppedSearchForOpenModes(t *testing.T) {
	// Next to a Landau level, flat in k, the search for modes alone takes minutes.
	p := Params{1000, 1, 4, 1.2, 0.0724945}
	require.True(t, stopped(t, 50*time.Millisecond, time.Minute, func(ctx context.Context) error {
		_, err := SolveAll(ctx, []Params{p}, 1)
		return err
	}))
	assert.Nil(t, cache.get(p))
}

func TestStoppedBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l := solved(t, wire(0.05))
	_, _, err := l.DerivativeF(ctx)
	assert.Equal(t, fault.Cancelled, fault.KindOf(err))
	_, err = SolveCells(ctx, []*Cell{stripCell(l)}, 1)
	assert.Equal(t, fault.Cancelled, fault.KindOf(err))
	_, err = NewSensitivity(ctx, stripCell(l), l.F)
	assert.Equal(t, fault.Cancelled, fault.KindOf(err))
}
