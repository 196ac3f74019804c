package cuda

import (
	"context"
	"math/rand/v2"
	"time"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/scatter"
)

// Choice is the engine that computes a wire: the CPU's, or one on a GPU.
//
// Where the choice is left to us ("auto"), small wires are the CPU's. The others begin there: opening a GPU takes longer than
// many a search. Once the CPU has computed for patience, or as steps or several starts begin, a GPU is looked for, and both are
// measured. Where the GPU fails later, the CPU takes over; Name says so.
type Choice struct {
	scatter.Engine
	wire  *adjoint.Wire
	auto  bool
	open  func() (scatter.Engine, error) // the GPU's engine, nil without an error where there is none; nil once it has been looked for
	spent time.Duration                  // by the CPU until then
	why   string                         // why the CPU took over
}

// Choose returns the engine of a wire, which must outlive it, for a backend: "cpu", "cuda", "cuda:1" … or "auto".
func Choose(w *adjoint.Wire, backend string, memoryLimit int64) (*Choice, error) {
	c := &Choice{Engine: w, wire: w, auto: backend == "auto"}
	switch {
	case backend == "cpu" || c.auto && operations(w) < small:
		return c, nil
	case c.auto:
		c.open = func() (scatter.Engine, error) {
			if Check("cuda") != nil {
				return nil, nil
			}
			return open(w, "cuda", memoryLimit)
		}
		return c, nil
	}
	e, err := open(w, backend, memoryLimit)
	if err != nil {
		return nil, err
	}
	c.Engine = e
	return c, nil
}

// A wire whose Jacobian takes less than small operations stays on the CPU; a GPU is looked for once the CPU has computed for
// patience, about what opening takes, and used if it is faster by gain.
const (
	small    = 1e8
	gain     = 1.5
	patience = time.Second
)

// decide looks for a GPU, if that has not been done, and takes it if it pays. The error is that of a call that was cancelled.
func (c *Choice) decide(ctx context.Context) error {
	if c.open == nil {
		return nil
	}
	e, err := c.open()
	if e == nil || err != nil {
		if c.open = nil; err != nil {
			c.why = err.Error()
		}
		return nil
	}
	onCPU, err := seconds(ctx, c.wire)
	onGPU := 0.0
	for range 3 { // the first calls find their pace
		if err == nil {
			onGPU, err = seconds(ctx, e)
		}
	}
	if fault.KindOf(err) == fault.Cancelled { // another call will decide
		e.Close()
		return err
	}
	if c.open = nil; err != nil || onGPU*gain > onCPU {
		e.Close()
		return nil
	}
	c.Engine = e
	return nil
}

// compute answers by the engine chosen, and by the CPU's where that fails and the choice is ours.
func (c *Choice) compute(ctx context.Context, call func(scatter.Engine) error) error {
	if c.spent > patience {
		if err := c.decide(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	err := call(c.Engine)
	if c.open != nil {
		c.spent += time.Since(began)
	}
	if c.fails(err) {
		c.leave(err)
		return call(c.wire)
	}
	return err
}

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
	return c.compute(ctx, func(e scatter.Engine) error { return e.Value(ctx, onsite, g) })
}

// Gradient computes g and grad, see scatter.Engine.
func (c *Choice) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	return c.compute(ctx, func(e scatter.Engine) error { return e.Gradient(ctx, onsite, weights, g, grad) })
}

// Jacobian computes g and jac, see scatter.Engine.
func (c *Choice) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	return c.compute(ctx, func(e scatter.Engine) error { return e.Jacobian(ctx, onsite, g, jac) })
}

// Batch is how many potentials are worth computing at once, see scatter.Batcher.
func (c *Choice) Batch(ctx context.Context) int {
	_ = c.decide(ctx) // a call that was cancelled will hear of it
	if b, can := c.Engine.(scatter.Batcher); can {
		return b.Batch(ctx)
	}
	return 1
}

// Jacobians computes g and jac of several potentials, see scatter.Batcher.
func (c *Choice) Jacobians(ctx context.Context, onsite, g, jac [][]float64) error {
	return c.compute(ctx, func(e scatter.Engine) error {
		if b, can := e.(scatter.Batcher); can {
			return b.Jacobians(ctx, onsite, g, jac)
		}
		for d := range onsite {
			if err := e.Jacobian(ctx, onsite[d], g[d], jac[d]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Descend lets the GPU take the steps of first-order methods, see scatter.Descender.
func (c *Choice) Descend(ctx context.Context, d *scatter.Descent) (scatter.Descending, error) {
	if err := c.decide(ctx); err != nil {
		return nil, err
	}
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
