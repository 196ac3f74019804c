package cuda

import (
	"context"
	"math/rand/v2"
	"time"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/scatter"
)

// Choice is the engine that computes a wire: the CPU's, or one on a GPU. Where the choice was left to us ("auto") and the GPU
// fails later, the CPU takes over; Name says so.
type Choice struct {
	scatter.Engine
	wire *adjoint.Wire
	auto bool
	why  string // why the CPU took over
}

// Choose returns the engine of a wire, which must outlive it, for a backend: "cpu", "cuda", "cuda:1" … or "auto". With "auto" it
// is the GPU's if there is one that pays: a small wire stays on the CPU without a look at the driver; for others both are
// measured, the GPU only if the CPU's Jacobian takes longer than brief.
func Choose(ctx context.Context, w *adjoint.Wire, backend string, memoryLimit int64) (*Choice, error) {
	c := &Choice{Engine: w, wire: w, auto: backend == "auto"}
	if backend == "cpu" || c.auto && (operations(w) < small || Check("cuda") != nil) {
		return c, nil
	}
	if !c.auto {
		e, err := open(w, backend, memoryLimit)
		if err != nil {
			return nil, err
		}
		c.Engine = e
		return c, nil
	}
	onCPU, err := seconds(ctx, w)
	if err != nil || onCPU < brief {
		return c, err
	}
	e, err := open(w, "cuda", memoryLimit)
	if err != nil {
		c.why = err.Error()
		return c, nil
	}
	for range 2 { // the first calls find their pace
		if _, err = seconds(ctx, e); err != nil {
			break
		}
	}
	onGPU, err := seconds(ctx, e)
	if err != nil || onGPU*gain > onCPU {
		e.Close()
		if fault.KindOf(err) == fault.Cancelled {
			return nil, err
		}
		return c, nil
	}
	c.Engine = e
	return c, nil
}

// A wire whose Jacobian takes less than small operations, or less than brief seconds on the CPU, stays there; a GPU is used if it
// is faster by gain.
const small, brief, gain = 1e8, 2e-3, 1.5

// operations estimates those of one Jacobian: the elimination of every slice at every point and its share of products.
func operations(w *adjoint.Wire) float64 {
	width := float64(w.Strip.Width)
	return 16 * width * width * width * float64(w.Strip.Length) * float64(w.Outputs())
}

// seconds measures one Jacobian of a rough wire.
func seconds(ctx context.Context, e scatter.Engine) (float64, error) {
	random := rand.New(rand.NewPCG(1, 2))
	onsite := make([]float64, e.Inputs())
	for i := range onsite {
		onsite[i] = 4 + 0.3*random.NormFloat64()
	}
	g, jac := make([]float64, e.Outputs()), make([]float64, e.Inputs()*e.Outputs())
	began := time.Now()
	err := e.Jacobian(ctx, onsite, g, jac)
	return time.Since(began).Seconds(), err
}

// Name tells what computes, and why it is the CPU where it was to be a GPU.
func (c *Choice) Name() string {
	if c.why == "" {
		return c.Engine.Name()
	}
	return c.Engine.Name() + " (" + c.why + ")"
}

// Close frees what the GPU holds; the wire is left to its owner.
func (c *Choice) Close() {
	if c.Engine != scatter.Engine(c.wire) {
		c.Engine.Close()
	}
}

// Value computes g, see scatter.Engine.
func (c *Choice) Value(ctx context.Context, onsite, g []float64) error {
	return c.or(c.Engine.Value(ctx, onsite, g), func() error { return c.wire.Value(ctx, onsite, g) })
}

// Gradient computes g and grad, see scatter.Engine.
func (c *Choice) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	return c.or(c.Engine.Gradient(ctx, onsite, weights, g, grad), func() error { return c.wire.Gradient(ctx, onsite, weights, g, grad) })
}

// Jacobian computes g and jac, see scatter.Engine.
func (c *Choice) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	return c.or(c.Engine.Jacobian(ctx, onsite, g, jac), func() error { return c.wire.Jacobian(ctx, onsite, g, jac) })
}

// Batch is how many potentials are worth computing at once, see scatter.Batcher.
func (c *Choice) Batch() int {
	if b, can := c.Engine.(scatter.Batcher); can {
		return b.Batch()
	}
	return 1
}

// Jacobians computes g and jac of several potentials, see scatter.Batcher.
func (c *Choice) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	oneByOne := func() error {
		for d := range onsite {
			if err := c.wire.Jacobian(ctx, onsite[d], g[d], jac[d]); err != nil {
				return err
			}
		}
		return nil
	}
	if b, can := c.Engine.(scatter.Batcher); can {
		return c.or(b.Jacobians(ctx, onsite, g, jac), oneByOne)
	}
	return oneByOne()
}

// Descend lets the GPU take the steps of first-order methods, see scatter.Descender.
func (c *Choice) Descend(ctx context.Context, d *scatter.Descent) (scatter.Descending, error) {
	e, can := c.Engine.(scatter.Descender)
	if !can {
		return nil, fault.New(fault.Unsupported, "%s does not take steps itself", c.Name())
	}
	run, err := e.Descend(ctx, d)
	if err != nil {
		return nil, err
	}
	return &descending{run, c}, nil
}

// descending is a run of steps; where it fails, the wire is the CPU's from then on if the choice was ours.
type descending struct {
	scatter.Descending
	choice *Choice
}

// Advance takes at most n steps, see scatter.Descending.
func (d *descending) Advance(ctx context.Context, n int) (*scatter.Stretch, error) {
	s, err := d.Descending.Advance(ctx, n)
	if d.choice.fails(err) {
		d.Close()
		d.choice.leave(err)
	}
	return s, err
}

// or lets the CPU answer what the GPU could not, from now on, if the choice was ours.
func (c *Choice) or(err error, onCPU func() error) error {
	if !c.fails(err) {
		return err
	}
	c.leave(err)
	return onCPU()
}

// fails tells whether an error means that the CPU has to take over.
func (c *Choice) fails(err error) bool {
	kind := fault.KindOf(err)
	return err != nil && c.auto && c.Engine != scatter.Engine(c.wire) && (kind == fault.Unsupported || kind == fault.Memory)
}

// leave gives the wire to the CPU.
func (c *Choice) leave(err error) {
	c.Engine.Close()
	c.Engine, c.why = c.wire, err.Error()
}

var (
	_ scatter.Engine  = (*Choice)(nil)
	_ scatter.Batcher = (*Choice)(nil)
)
