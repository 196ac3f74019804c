package optimize_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"mcd/core/optimize"
)

// decay is the problem of fitting a·exp(−bt) to measured values: residuals, and their derivatives by a and b.
type decay struct{ t, y []float64 }

func (d decay) Parameters() int                  { return 2 }
func (d decay) Residuals() int                   { return len(d.t) }
func (d decay) Bounds() (lower, upper []float64) { return nil, nil }

func (d decay) Residual(ctx context.Context, x, r []float64) error {
	return d.Jacobian(ctx, x, r, make([]float64, 2*len(r)))
}

func (d decay) Jacobian(_ context.Context, x, r, jac []float64) error {
	for k, t := range d.t {
		e := math.Exp(-x[1] * t)
		r[k], jac[2*k], jac[2*k+1] = x[0]*e-d.y[k], e, -t*x[0]*e
	}
	return nil
}

// Gradient is what first-order methods ask for; Levenberg–Marquardt does without.
func (d decay) Gradient(context.Context, []float64, []float64) (float64, error) {
	return 0, fmt.Errorf("not used")
}

func ExampleMinimize() {
	p := decay{t: []float64{0, 1, 2, 3}, y: []float64{2, 1, 0.5, 0.25}}
	result, err := optimize.Minimize(context.Background(), p, []float64{1, 1}, optimize.Defaults("lm"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: a = %.6f, b = %.6f\n", result.Status, result.Point[0], result.Point[1])
	// Output:
	// objective: a = 2.000000, b = 0.693147
}
