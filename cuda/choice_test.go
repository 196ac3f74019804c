package cuda

import (
	"context"
	"testing"

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
func (l *lost) Batch() int                                                             { return 8 }
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
			assert.Equal(t, 8, c.Batch())
			err := call(c)
			if !auto {
				assert.ErrorIs(t, err, gpu.err, name)
				assert.Equal(t, "lost", c.Name())
				continue
			}
			require.NoError(t, err, name)
			assert.Contains(t, gpu.closed, "engine", name)
			assert.Equal(t, w.Name()+" (the GPU was lost)", c.Name(), name)
			assert.Equal(t, 1, c.Batch())
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
