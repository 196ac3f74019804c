package cuda

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/scatter"
)

// lost is a GPU that does not answer.
type lost struct {
	*adjoint.Wire
	err    error
	closed []string
}

func (l *lost) Value(context.Context, []float64, []float64) error { return l.err }
func (l *lost) Gradient(context.Context, []float64, []float64, []float64, []float64) error {
	return l.err
}
func (l *lost) Jacobian(context.Context, []float64, []float64, []float64) error        { return l.err }
func (l *lost) Jacobians(context.Context, [][]float64, [][]float64, [][]float64) error { return l.err }
func (l *lost) Batch(context.Context) int                                              { return 8 }
func (l *lost) Name() string                                                           { return "lost" }
func (l *lost) Close()                                                                 { l.closed = append(l.closed, "engine") }
func (l *lost) Descend(context.Context, *scatter.Descent) (scatter.Descending, error) {
	return &lostRun{l}, nil
}

type lostRun struct{ l *lost }

func (r *lostRun) Advance(context.Context, int) (*scatter.Stretch, error) { return nil, r.l.err }
func (r *lostRun) Close()                                                 { r.l.closed = append(r.l.closed, "run") }

// Where the choice was ours, the CPU takes over and the name says why; else the error is the answer.
func TestTheCPUTakesOver(t *testing.T) {
	ctx := context.Background()
	w, err := adjoint.NewWire(lattice.Strip{Length: 3, Width: 2, Hopping: 1, LeadOnsite: 4, Fields: []float64{0}, Energies: []float64{1.2}}, adjoint.Options{})
	require.NoError(t, err)
	defer w.Close()
	h, weights, g, jac := []float64{4, 4.1, 4.2, 3.9, 4, 4}, []float64{1}, make([]float64, 1), make([]float64, 6)
	calls := map[string]func(c *Choice) error{
		"value":     func(c *Choice) error { return c.Value(ctx, h, g) },
		"gradient":  func(c *Choice) error { return c.Gradient(ctx, h, weights, g, jac) },
		"Jacobian":  func(c *Choice) error { return c.Jacobian(ctx, h, g, jac) },
		"Jacobians": func(c *Choice) error { return c.Jacobians(ctx, [][]float64{h}, [][]float64{g}, [][]float64{jac}) },
		"steps": func(c *Choice) error {
			run, err := c.Descend(ctx, nil)
			require.NoError(t, err)
			defer run.Close()
			if _, err = run.Advance(ctx, 1); !c.auto {
				return err
			}
			assert.Equal(t, fault.Unsupported, fault.KindOf(err))
			return c.Value(ctx, h, g) // as single steps do
		},
	}
	for name, call := range calls {
		for _, auto := range []bool{true, false} {
			gpu := &lost{Wire: w, err: fault.New(fault.Unsupported, "the GPU was lost")}
			c := &Choice{Engine: gpu, wire: w, auto: auto}
			assert.Equal(t, 8, c.Batch(ctx))
			err := call(c)
			if !auto {
				assert.ErrorIs(t, err, gpu.err, name)
				assert.Equal(t, "lost", c.Name())
				continue
			}
			require.NoError(t, err, name)
			assert.Contains(t, gpu.closed, "engine", name)
			assert.Equal(t, w.Name()+" (the GPU was lost)", c.Name(), name)
			assert.Equal(t, 1, c.Batch(ctx))
			if name == "steps" { // its memory goes before what it lies in
				assert.Equal(t, []string{"run", "engine", "run"}, gpu.closed)
			}
		}
	}
	gpu := &lost{Wire: w, err: fault.New(fault.Cancelled, "stop")}
	c := &Choice{Engine: gpu, wire: w, auto: true}
	assert.ErrorIs(t, c.Value(ctx, h, g), gpu.err)
	assert.Equal(t, "lost", c.Name())
}

// slow is an engine that takes longer, and one that computes as fast as it can if delay is 0.
type slow struct {
	*adjoint.Wire
	delay  time.Duration
	closed bool
}

func (s *slow) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	time.Sleep(s.delay)
	if s.delay == 0 { // the CPU's own time would be the same
		return nil
	}
	return s.Wire.Jacobian(ctx, onsite, g, jac)
}
func (s *slow) Name() string { return "other" }
func (s *slow) Close()       { s.closed = true }

// A GPU is looked for once the CPU has computed long enough, or as steps or several starts begin, and taken if it is faster.
func TestAutoDecides(t *testing.T) {
	ctx := context.Background()
	s := lattice.Strip{Length: 20, Width: 20, Hopping: 1, LeadOnsite: 4}
	for k := range 60 {
		s.Fields, s.Energies = append(s.Fields, 0.001*float64(k)), append(s.Energies, 1.2)
	}
	w, err := adjoint.NewWire(s, adjoint.Options{})
	require.NoError(t, err)
	defer w.Close()
	chosen, err := Choose(w, "auto", 0)
	require.NoError(t, err)
	require.NotNil(t, chosen.open, "this wire is not a small one")
	h, g := make([]float64, 400), make([]float64, 60)
	for name, ask := range map[string]func(c *Choice){
		"an evaluation": func(c *Choice) { require.NoError(t, c.Value(ctx, h, g)) },
		"several starts": func(c *Choice) {
			c.spent = 0
			assert.Equal(t, 1, c.Batch(ctx))
		},
		"steps": func(c *Choice) {
			c.spent = 0
			_, err := c.Descend(ctx, nil)
			assert.Error(t, err) // the engines here do not take any
		},
	} {
		for _, gpu := range []*slow{{Wire: w}, {Wire: w, delay: 200 * time.Millisecond}} {
			opened := 0
			c := &Choice{Engine: w, wire: w, auto: true, open: func() (scatter.Engine, error) { opened++; return gpu, nil }}
			require.NoError(t, c.Value(ctx, h, g))
			assert.Zero(t, opened, name)
			assert.Positive(t, c.spent)
			c.spent = 2 * patience
			ask(c)
			ask(c)
			assert.Equal(t, 1, opened, name)
			assert.Equal(t, gpu.delay > 0, gpu.closed, name)
			assert.Equal(t, gpu.delay == 0, c.Name() == "other", name)
		}
		ended, end := context.WithCancel(ctx)
		end()
		gpu := &slow{Wire: w}
		c := &Choice{Engine: w, wire: w, auto: true, spent: 2 * patience, open: func() (scatter.Engine, error) { return gpu, nil }}
		assert.Equal(t, fault.Cancelled, fault.KindOf(c.Value(ended, h, g)))
		assert.True(t, gpu.closed)
		ask(c) // decides
		assert.Nil(t, c.open)

		c = &Choice{Engine: w, wire: w, auto: true, spent: 2 * patience, open: func() (scatter.Engine, error) { return nil, nil }}
		ask(c)
		assert.Equal(t, w.Name(), c.Name(), "there is no GPU")
		c = &Choice{Engine: w, wire: w, auto: true, spent: 2 * patience, open: func() (scatter.Engine, error) { return nil, fault.New(fault.Unsupported, "too wide") }}
		ask(c)
		assert.Equal(t, w.Name()+" (too wide)", c.Name())
	}
}
