package inverse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/blas/blas64"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/parallel"
)

// QuantizeOptions govern Quantize.
type QuantizeOptions struct {
	// Step and Origin define the values that parameters may have, Origin + Step·ℤ.
	Step, Origin float64
	// MaxEvaluations bounds the evaluations, 0 for 300; MaxSeconds the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Threads of the linear algebra, 0 for all processors; results do not depend on it.
	Threads int
	// Observer, if not nil, sees every evaluation: how many there were, L and the parameters (valid only during the call), which
	// have allowed values if quantized. An error of kind fault.Cancelled ends the run.
	Observer func(evaluations int, objective float64, theta []float64, quantized bool) error
}

// Quantize moves the parameters of a problem from theta, which should show the target, to allowed values such that the curve
// suffers least: what a fabrication can set is discrete. The problem's bounds hold; L is that of the squared residuals.
//
// The parameters that matter most, by the norms of the Jacobian's columns, are rounded first, a sixth of the rest at a time;
// Levenberg–Marquardt repairs the curve with those still free, so that in the end rounding errors come only from the parameters
// that matter least. Then moves of one or two parameters by one step follow as long as they help, chosen by the Gram matrix JᵀJ
// and taken together as far as the linear model holds.
func Quantize(ctx context.Context, p *Problem, theta []float64, o QuantizeOptions) (out *Outcome, err error) {
	defer parallel.Recover(&err)
	switch {
	case len(theta) != p.n:
		return nil, fault.Invalid("parameters", "%d values for %d parameters; give one for each", len(theta), p.n)
	case !(o.Step > 0) || math.IsInf(o.Step, 0):
		return nil, fault.Invalid("step", "%g; give a finite distance above 0 between allowed values", o.Step)
	case !finite(o.Origin):
		return nil, fault.Invalid("origin", "%g; give one of the allowed values", o.Origin)
	case o.MaxEvaluations < 0:
		return nil, fault.Invalid("max_evaluations", "%d; give at least 1, 0 for the default", o.MaxEvaluations)
	case !(o.MaxSeconds >= 0) || math.IsInf(o.MaxSeconds, 0):
		return nil, fault.Invalid("time_limit", "%g; give a finite number of seconds, 0 for no limit", o.MaxSeconds)
	}
	if err := checkFinite("parameters", theta); err != nil {
		return nil, err
	}
	if o.MaxEvaluations == 0 {
		o.MaxEvaluations = 300
	}
	setup := p.setup
	setup.Loss, setup.Regularizers = Loss{}, nil
	if p, err = NewProblem(setup); err != nil {
		return nil, err
	}
	q := &quantizer{p: p, o: o, began: time.Now(), theta: slices.Clone(theta), bestL: posInf}
	for j := range q.theta {
		if math.IsNaN(q.rounded(j)) {
			return nil, fault.Invalid("step", "%g, but no allowed value of %s lies within its bounds; give a smaller step", o.Step, p.setup.Parametrization.Label(j))
		}
	}
	run := func(ctx context.Context) error {
		if err := q.round(ctx); err != nil {
			return err
		}
		return q.search(ctx)
	}
	if err := within(ctx, o.MaxSeconds, &q.status, run, func() bool { return q.best != nil }); err != nil {
		return nil, err
	}
	return q.outcome(), nil
}

// quantizer is one run of Quantize.
type quantizer struct {
	p      *Problem // without loss and regularizers
	o      QuantizeOptions
	began  time.Time
	theta  []float64
	status optimize.Status

	evaluations int
	best, bestG []float64 // quantized
	bestL       float64
	history     []float64
	counts      []int64
}

// rounded returns the allowed value nearest to parameter j within its bounds, NaN if there is none.
func (q *quantizer) rounded(j int) float64 {
	lowest, highest := negInf, posInf
	if q.p.lower != nil {
		lowest, highest = math.Ceil((q.p.lower[j]-q.o.Origin)/q.o.Step), math.Floor((q.p.upper[j]-q.o.Origin)/q.o.Step)
	}
	if lowest > highest {
		return math.NaN()
	}
	return q.o.Origin + q.o.Step*min(max(math.Round((q.theta[j]-q.o.Origin)/q.o.Step), lowest), highest)
}

// seen notes an evaluation.
func (q *quantizer) seen(l float64, theta []float64, quantized bool) error {
	q.evaluations++
	q.history, q.counts = append(q.history, l), append(q.counts, int64(q.evaluations))
	if quantized && l < q.bestL {
		q.best, q.bestG, q.bestL = slices.Clone(theta), slices.Clone(q.p.g), l
	}
	if q.o.Observer == nil {
		return nil
	}
	return q.o.Observer(q.evaluations, l, theta, quantized)
}

// evaluate returns residual and Jacobian at theta.
func (q *quantizer) evaluate(ctx context.Context, theta []float64, quantized bool) (r, jac []float64, err error) {
	if err := parallel.Cancelled(ctx); err != nil {
		return nil, nil, err
	}
	r, jac = make([]float64, q.p.Residuals()), make([]float64, q.p.Residuals()*q.p.n)
	if err := q.p.Jacobian(ctx, theta, r, jac); err != nil {
		return nil, nil, err
	}
	return r, jac, q.seen(math.Log(norm(r)), theta, quantized)
}

func norm(v []float64) float64 { return blas64.Nrm2(blas64.Vector{N: len(v), Inc: 1, Data: v}) }

// round brings all parameters to allowed values, the most important first, and repairs the curve with the others.
func (q *quantizer) round(ctx context.Context) error {
	_, jac, err := q.evaluate(ctx, q.theta, false)
	if err != nil {
		return err
	}
	n := q.p.n
	weight, order, frozen := make([]float64, n), make([]int, n), make([]bool, n)
	for j := range n {
		order[j] = j
		weight[j] = blas64.Nrm2(blas64.Vector{N: q.p.Residuals(), Inc: n, Data: jac[j:]})
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weight[b], weight[a]) })
	for done := 0; done < n; {
		batch := max(1, (n-done)/6)
		for _, j := range order[done : done+batch] {
			q.theta[j], frozen[j] = q.rounded(j), true
		}
		if done += batch; done < n && q.evaluations < q.o.MaxEvaluations/2 {
			if err := q.repair(ctx, frozen, n-done); err != nil {
				return err
			}
		}
	}
	return nil
}

// repair fits the free parameters to the curve again.
func (q *quantizer) repair(ctx context.Context, frozen []bool, free int) error {
	constrained, err := Constrain(q.p.setup.Parametrization, Constraints{Start: q.theta, Frozen: frozen})
	if err != nil {
		return err
	}
	setup := q.p.setup
	setup.Parametrization = constrained
	sub, err := NewProblem(setup)
	if err != nil {
		return err
	}
	o := optimize.Defaults("lm")
	o.Threads, o.StopObjective, o.MaxEvaluations = q.o.Threads, -7, 12
	if free < q.p.Residuals() { // no exact repair any more
		o.MaxEvaluations = 5
	}
	o.Observer = func(it *optimize.Iteration) error { return q.seen(it.Objective, Expand(constrained, it.Point), false) }
	result, err := optimize.Minimize(ctx, sub, constrained.Start(), o)
	switch {
	case err != nil:
		return err
	case result.Status == optimize.Cancelled:
		if err := parallel.Cancelled(ctx); err != nil {
			return err
		}
		return fault.New(fault.Cancelled, "stopped by the caller")
	}
	q.theta = Expand(constrained, result.Point)
	return nil
}

// move changes one parameter, or two, by one step each.
type move struct {
	j, k int // k < 0: only one
	a, b float64
}

// search takes moves while they lower the residual.
func (q *quantizer) search(ctx context.Context) error {
	r, jac, err := q.evaluate(ctx, q.theta, true)
	if err != nil {
		return err
	}
	l, together := math.Log(norm(r)), 8
	banned := make([]bool, q.p.n)
	for q.status = optimize.Evaluations; q.evaluations < q.o.MaxEvaluations; {
		moves := q.moves(ctx, r, jac, banned, together)
		if len(moves) == 0 {
			q.status = optimize.Stalled
			return nil
		}
		next := slices.Clone(q.theta)
		for _, m := range moves {
			next[m.j] += m.a
			if m.k >= 0 {
				next[m.k] += m.b
			}
		}
		tried, by, err := q.evaluate(ctx, next, true)
		if err != nil {
			return err
		}
		switch reached := math.Log(norm(tried)); {
		case reached < l:
			l, r, jac, q.theta = reached, tried, by, next
			together = min(2*together, 64)
			clear(banned)
		case len(moves) > 1:
			together = len(moves) / 2
		default: // the linear model is wrong about it
			banned[moves[0].j] = true
			if moves[0].k >= 0 {
				banned[moves[0].k] = true
			}
		}
	}
	return nil
}

// moves lists at most most moves, each the one that lowers |r + JΔ|² best after those before it, from the Gram matrix JᵀJ.
func (q *quantizer) moves(ctx context.Context, r, jac []float64, banned []bool, most int) (list []move) {
	n, m := q.p.n, len(r)
	columns := make([]float64, n*m) // Jᵀ
	for k := range m {
		for j := range n {
			columns[j*m+k] = jac[k*n+j]
		}
	}
	column := func(j int) blas64.Vector { return blas64.Vector{N: m, Inc: 1, Data: columns[j*m : (j+1)*m]} }
	gram, slope := make([]float64, n*n), make([]float64, n)
	_ = parallel.For(context.Background(), n, q.o.Threads, func(_, j int) error { // nothing in it can fail
		slope[j] = blas64.Dot(column(j), blas64.Vector{N: m, Inc: 1, Data: r})
		for i := range n {
			gram[j*n+i] = blas64.Dot(column(j), column(i))
		}
		return nil
	})
	theta, s := slices.Clone(q.theta), q.o.Step
	square := blas64.Dot(blas64.Vector{N: m, Inc: 1, Data: r}, blas64.Vector{N: m, Inc: 1, Data: r})
	gain, sign := make([]float64, n), make([]float64, n)
	for len(list) < most && ctx.Err() == nil {
		for j := range n { // the better direction of every parameter, and the change of |r|² by it
			sign[j] = -math.Copysign(s, slope[j])
			gain[j] = 2*sign[j]*slope[j] + s*s*gram[j*n+j]
			if banned[j] || q.p.lower != nil && (theta[j]+sign[j] < q.p.lower[j] || theta[j]+sign[j] > q.p.upper[j]) {
				gain[j] = posInf
			}
		}
		best, by := move{k: -1}, -1e-9*square
		rows := make([]move, n)
		lows := make([]float64, n)
		_ = parallel.For(context.Background(), n, q.o.Threads, func(_, j int) error {
			rows[j], lows[j] = move{j: j, k: -1, a: sign[j]}, gain[j]
			if math.IsInf(gain[j], 1) {
				return nil
			}
			for k := range j {
				if g := gain[j] + gain[k] + 2*sign[j]*sign[k]*gram[j*n+k]; g < lows[j] {
					lows[j], rows[j] = g, move{j, k, sign[j], sign[k]}
				}
			}
			return nil
		})
		found := false
		for j, g := range lows {
			if g < by {
				best, by, found = rows[j], g, true
			}
		}
		if !found {
			break
		}
		list = append(list, best)
		square += by
		for i := range slope {
			slope[i] += best.a * gram[best.j*n+i]
			if best.k >= 0 {
				slope[i] += best.b * gram[best.k*n+i]
			}
		}
		theta[best.j] += best.a
		if best.k >= 0 {
			theta[best.k] += best.b
		}
	}
	return list
}

func (q *quantizer) outcome() *Outcome {
	onsite := make([]float64, q.p.sites)
	q.p.setup.Parametrization.Onsite(q.best, onsite)
	return &Outcome{Status: q.status, Theta: q.best, Parameters: Expand(q.p.setup.Parametrization, q.best), Onsite: onsite,
		Conductance: q.bestG, Objective: q.bestL, History: q.history, HistoryEvaluations: q.counts, Evaluations: q.evaluations,
		Seconds: time.Since(q.began).Seconds(),
		Message: fmt.Sprintf("Quantized to steps of %g: L = %.4g in %d evaluations.", q.o.Step, q.bestL, q.evaluations)}
}
