package optimize

import (
	"context"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"mcd/core/kernel"
	"mcd/core/parallel"
)

// levenbergMarquardt takes damped Gauss–Newton steps. An iteration is one trial point and one evaluation: a Jacobian costs
// little more than a value, so it is computed at once.
//
// More parameters than residuals (dual form). With K = JJᵀ, D = diag max(1, K_kk/median K) and damping μ,
//
//	d = −Jᵀy,  (K + μD)y = r,
//
// which needs one m × m Cholesky factorisation for any number of parameters. The step is accepted if a level function
// m(v) = vᵀMv of the residual falls, M being frozen over the step:
//
//	M = D⁻¹ while L > 0.7 (its gradient −2JᵀD⁻¹r is the step of large μ),
//	M = (K + μD)⁻¹ below: Deuflhard's natural level function, which measures residuals by the steps they cause. The path
//	to r = 0 is narrow and bent in the metric of |r|² and nearly straight in this one.
//
// Otherwise (primal form) (JᵀJ + μS)d = −Jᵀr with S the squared inverse trust scales of a Scaler, else diag JᵀJ, and M = 1.
//
// The ratio ρ of the fall of m and the fall predicted by the linear model sets μ (Nielsen): times max(1/10, 1 − (2ρ − 1)³)
// after acceptance, or the share of m that is left where that is less (so that the end converges quadratically), times
// 2, 4, 8, … after successive rejections. The dual form also accepts steps with ρ down to −0.6: strictly monotone ones get
// caught in narrow bent valleys. With the curvature, a sixth fewer evaluations to L < −3 on colosseum and half as many on
// nirvana (medians of 16 starts).
//
// Curvature (dual form): see curvature.
//
// Bounds. Variables that stand at a bound and would leave through it are held, the step is computed without them, and what
// still leaves is projected; prediction and ratio are those of the projected step.
type levenbergMarquardt struct {
	threads int
	damping float64 // the first μ, 0 for one chosen
	dense   kernel.Dense
	pool    parallel.Pool
	e       *evaluator
	m, n    int
	l       float64
	r, jac  []float64
	scales  []float64 // of the Scaler, nil if none
	held    []bool
	anyHeld bool
	// provisional tells that a direction held more variables than the gradient did, for its own damping only.
	provisional bool

	// normal is K or JᵀJ of the free variables, factor the Cholesky factor of the damped one (upper triangles), metric the
	// diagonal of D or S; gradient is Jᵀr of all variables.
	normal, factor, metric, gradient []float64
	masked                           []float64 // jac with zero columns for held variables
	trialR, trialJac, trialGradient  []float64
	curvature                        curvature
}

const (
	// naturalBelow is the L below which the natural level function takes over.
	naturalBelow = 0.7
	// acceptRatio is the least ρ of a step that is taken in the primal form, acceptDual in the dual form.
	acceptRatio = 1e-4
	acceptDual  = -0.6
	// acceptFall is the fall of L from which on a step is taken whatever m says: where r is rounding, so is m.
	acceptFall = 5
)

func (s *levenbergMarquardt) dual() bool { return s.n > s.m }

func (s *levenbergMarquardt) begin(ctx context.Context, e *evaluator, st *State, fresh bool) (err error) {
	s.e, s.m, s.n = e, e.Residuals(), e.Parameters()
	s.r, s.jac, s.gradient = make([]float64, s.m), s.matrix(), make([]float64, s.n)
	s.trialR, s.trialJac, s.trialGradient = make([]float64, s.m), s.matrix(), make([]float64, s.n)
	size := min(s.m, s.n)
	s.normal, s.factor, s.metric = make([]float64, size*size), make([]float64, size*size), make([]float64, size)
	s.held = make([]bool, s.n)
	if scaler, ok := e.Problem.(Scaler); ok {
		s.scales = scaler.Scales()
	}
	if s.l, err = s.evaluate(ctx, st.Point, s.r, s.jac, s.gradient); err != nil {
		return err
	}
	if fresh {
		st.Scalars = []float64{s.firstDamping(), 2}
	}
	s.linearize(st.Point)
	return s.recall(ctx, st)
}

// jacobians are kept by runs that have ended for those to come: new memory costs as much as the products with it.
var jacobians sync.Pool // of *[]float64

// matrix returns memory for a Jacobian, with anything in it.
func (s *levenbergMarquardt) matrix() []float64 {
	if kept, ok := jacobians.Get().(*[]float64); ok && cap(*kept) >= s.m*s.n {
		return (*kept)[:s.m*s.n]
	}
	return make([]float64, s.m*s.n)
}

// end gives up what a run holds.
func (s *levenbergMarquardt) end() {
	s.pool.Close()
	all := [][]float64{s.jac, s.trialJac}
	for _, p := range s.curvature.past {
		all = append(all, p.jac)
	}
	for _, jac := range all {
		jacobians.Put(&jac)
	}
}

// evaluate computes r, jac and gradient = Jᵀr at x and returns L, +Inf where anything is not finite: the gradient is not where
// jac is not, since 0·x is NaN then.
func (s *levenbergMarquardt) evaluate(ctx context.Context, x, r, jac, gradient []float64) (float64, error) {
	if err := s.e.charge(); err != nil {
		return 0, err
	}
	if err := s.e.Problem.Jacobian(ctx, x, r, jac); err != nil {
		return s.e.outside(err)
	}
	clear(gradient)
	s.addTransposed(gradient, 1, jac, r)
	l := math.Log(norm(r))
	if math.IsNaN(l) || !allFinite(gradient) {
		l = math.Inf(1)
	}
	s.e.keep(x, l)
	return l, nil
}

func (s *levenbergMarquardt) firstDamping() float64 {
	switch {
	case s.damping > 0:
		return s.damping
	case s.dual():
		return 10
	case s.scales != nil:
		return 1
	}
	return 1e-3
}

// recall evaluates the points left that a resumed state remembers.
func (s *levenbergMarquardt) recall(ctx context.Context, st *State) error {
	if len(st.Scalars) != 2 { // an earlier release kept a step and the second derivatives along it
		st.Scalars, st.Vectors = st.Scalars[:2], nil
	}
	for at := 0; at < len(st.Vectors); at += s.n {
		p := visited{x: st.Vectors[at:][:s.n], r: make([]float64, s.m), jac: s.matrix()}
		switch l, err := s.evaluate(ctx, p.x, p.r, p.jac, s.trialGradient); {
		case err != nil:
			return err
		case math.IsInf(l, 1): // p.jac holds anything
			jacobians.Put(&p.jac)
			continue
		}
		s.curvature.past = append(s.curvature.past, p)
	}
	return nil
}

// linearize prepares the model at the current point.
func (s *levenbergMarquardt) linearize(x []float64) {
	if math.IsInf(s.l, 0) {
		return
	}
	clear(s.held)
	s.anyHeld, s.provisional = false, false
	for i := range s.e.lower {
		s.hold(i, s.gradient[i] > 0 && x[i] <= s.e.lower[i] || s.gradient[i] < 0 && x[i] >= s.e.upper[i])
	}
	s.form()
}

func (s *levenbergMarquardt) hold(i int, yes bool) {
	if yes {
		s.held[i], s.anyHeld = true, true
	}
}

// form computes normal and metric from the free columns of jac.
func (s *levenbergMarquardt) form() {
	size := len(s.metric)
	if s.dual() {
		s.gram(s.free())
	} else {
		blas64.Syrk(blas.Trans, 1, s.general(s.free()), 0, blas64.Symmetric{Uplo: blas.Upper, N: size, Stride: size, Data: s.normal})
	}
	for k := range s.metric {
		s.metric[k] = s.normal[k*size+k]
	}
	switch {
	case s.dual():
		sorted := slices.Sorted(slices.Values(s.metric))
		median := sorted[size/2]
		for k, v := range s.metric {
			s.metric[k] = 1
			if median > 0 {
				s.metric[k] = max(1, v/median)
			}
		}
	case s.scales != nil:
		for k, v := range s.scales {
			s.metric[k] = 1 / (v * v)
		}
	default:
		// A parameter without influence must not make the matrix singular.
		floor := slices.Max(s.metric) * 1e-12
		if floor == 0 {
			floor = 1
		}
		for k, v := range s.metric {
			s.metric[k] = max(v, floor)
		}
	}
}

// gram computes the upper triangle of K = JJᵀ on all threads.
func (s *levenbergMarquardt) gram(jac []float64) {
	const rows = kernel.GramRows
	s.each((s.m+rows-1)/rows, func(b int) { s.dense.Gram(b*rows, min((b+1)*rows, s.m), s.m, s.n, jac, s.normal) })
}

// product is y += αAx for m × n matrices A.
type product struct {
	y     []float64
	alpha float64
	a, x  []float64
}

// add computes products, y may be the same for several.
func (s *levenbergMarquardt) add(products ...product) {
	s.parts(s.m, len(products)*s.n, func(first, last int) {
		for _, p := range products {
			s.dense.Gemv(first, last, s.n, p.alpha, p.a, p.x, p.y)
		}
	})
}

// addTransposed computes y += αAᵀx.
func (s *levenbergMarquardt) addTransposed(y []float64, alpha float64, a, x []float64) {
	s.parts(s.n, s.m, func(first, last int) { s.dense.GemvT(first, last, s.m, s.n, alpha, a, x, y) })
}

// parts calls task for parts of n, each of which has cost multiply-adds, on all threads if there is enough for them.
func (s *levenbergMarquardt) parts(n, cost int, task func(first, last int)) {
	const grain = 1 << 16 // of one part, 10 µs
	count := max(1, min(n, n*cost/grain))
	s.each(count, func(i int) { task(i*n/count, (i+1)*n/count) })
}

// each calls task for all i < n on all threads; nothing in it can fail or be cancelled.
func (s *levenbergMarquardt) each(n int, task func(i int)) {
	_ = s.pool.For(context.Background(), n, s.threads, func(_, i int) error { task(i); return nil })
}

// free returns jac with the columns of held variables zeroed.
func (s *levenbergMarquardt) free() []float64 {
	if !s.anyHeld {
		return s.jac
	}
	s.masked = append(s.masked[:0], s.jac...)
	for j, held := range s.held {
		if held {
			for k := range s.m {
				s.masked[k*s.n+j] = 0
			}
		}
	}
	return s.masked
}

// damp factorises normal + μ·metric, raising μ until that succeeds, and returns μ.
func (s *levenbergMarquardt) damp(mu float64) float64 {
	size := len(s.metric)
	largest := 0.0
	for k := range size {
		largest = max(largest, s.normal[k*size+k]/s.metric[k])
	}
	for mu = max(mu, largest*1e-18, 1e-300); ; mu *= 10 {
		copy(s.factor, s.normal)
		for k, d := range s.metric {
			s.factor[k*size+k] += mu * d
		}
		if s.dense.Cholesky(size, s.factor) || math.IsInf(mu, 0) {
			return mu
		}
	}
}

// solve overwrites b with (normal + μ·metric)⁻¹b.
func (s *levenbergMarquardt) solve(b []float64) {
	size := len(s.metric)
	upper := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: size, Stride: size, Data: s.factor}
	blas64.Trsv(blas.Trans, upper, vector(b))
	blas64.Trsv(blas.NoTrans, upper, vector(b))
}

// level returns m(v).
func (s *levenbergMarquardt) level(v []float64) float64 {
	switch {
	case !s.dual():
		return dot(v, v)
	case s.l > naturalBelow:
		sum := 0.0
		for k, u := range v {
			sum += u * u / s.metric[k]
		}
		return sum
	}
	// vᵀ(UᵀU)⁻¹v = |U⁻ᵀv|².
	w := slices.Clone(v)
	size := len(w)
	blas64.Trsv(blas.Trans, blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: size, Stride: size, Data: s.factor}, vector(w))
	return dot(w, w)
}

// direction computes the damped step at x with damping mu, holding variables that would leave through their bound, and
// returns it and the damping used.
func (s *levenbergMarquardt) direction(x []float64, mu float64) (d []float64, used float64) {
	d = make([]float64, s.n)
	for {
		used = s.damp(mu)
		if s.dual() {
			y := slices.Clone(s.r)
			s.solve(y)
			clear(d)
			s.addTransposed(d, -1, s.free(), y)
		} else {
			for j, g := range s.gradient {
				d[j] = -g
				if s.held[j] {
					d[j] = 0
				}
			}
			s.solve(d)
		}
		if !s.holdLeaving(x, d) {
			return d, used
		}
		s.provisional = true
		s.form()
	}
}

// holdLeaving holds the free variables that stand at a bound and that d would take through it; it tells whether there were
// any.
func (s *levenbergMarquardt) holdLeaving(x, d []float64) (any bool) {
	for i := range s.e.lower {
		if !s.held[i] && (d[i] < 0 && x[i] <= s.e.lower[i] || d[i] > 0 && x[i] >= s.e.upper[i]) {
			s.hold(i, true)
			any = true
		}
	}
	return any
}

func (s *levenbergMarquardt) step(ctx context.Context, e *evaluator, st *State) (stepInfo, error) {
	if math.IsInf(s.l, 0) {
		return stepInfo{}, errStalled
	}
	if s.provisional {
		s.linearize(st.Point)
	}
	d, mu := s.direction(st.Point, st.Scalars[0])
	x := s.move(st.Point, d)
	model := slices.Clone(s.r) // r + Jd
	bent, products := s.curvature.along(st.Point, d, s.r, s.jac)
	s.add(append(products, product{model, 1, s.jac, d})...)
	if bent != nil {
		s.bend(d, bent)
		x = s.move(st.Point, d)
	}
	before := s.level(s.r)
	predicted := before - s.level(model)
	l, err := s.evaluate(ctx, x, s.trialR, s.trialJac, s.trialGradient)
	if err != nil {
		return stepInfo{}, err
	}
	ratio, after := math.Inf(-1), s.level(s.trialR)
	if !math.IsInf(l, 1) && predicted > 0 {
		ratio = (before - after) / predicted
	}
	least := acceptRatio
	if s.dual() {
		least = acceptDual
	}
	info := stepInfo{accepted: ratio > least || l < s.l-acceptFall, norm: norm(d), damping: mu}
	if !info.accepted {
		st.Scalars[0], st.Scalars[1] = mu*st.Scalars[1], 2*st.Scalars[1]
		return info, nil
	}
	st.Scalars[0], st.Scalars[1] = mu*min(max(0.1, 1-math.Pow(2*ratio-1, 3)), after/before), 2
	s.advance(st)
	s.l = l
	copy(st.Point, x)
	s.linearize(st.Point)
	return info, nil
}

// move returns x + d within the bounds and makes d the difference.
func (s *levenbergMarquardt) move(x, d []float64) []float64 {
	next := slices.Clone(x)
	for i := range next {
		next[i] += d[i]
	}
	project(next, s.e.lower, s.e.upper)
	for i := range next {
		d[i] = next[i] - x[i]
	}
	return next
}

// bend adds the correction for curvature c to d.
func (s *levenbergMarquardt) bend(d, c []float64) {
	s.solve(c)
	a := make([]float64, s.n)
	s.addTransposed(a, -1, s.free(), c)
	axpy(min(1, maxBend*norm(d)/max(norm(a), math.SmallestNonzeroFloat64)), a, d)
}

// advance makes the trial point's residual and derivatives the current ones; the dual form remembers those it leaves.
func (s *levenbergMarquardt) advance(st *State) {
	s.gradient, s.trialGradient = s.trialGradient, s.gradient
	if !s.dual() {
		s.r, s.trialR = s.trialR, s.r
		s.jac, s.trialJac = s.trialJac, s.jac
		return
	}
	free := s.curvature.push(visited{x: slices.Clone(st.Point), r: s.r, jac: s.jac})
	s.r, s.jac = s.trialR, s.trialJac
	if s.trialR, s.trialJac = free.r, free.jac; s.trialR == nil {
		s.trialR, s.trialJac = make([]float64, s.m), s.matrix()
	}
	st.Vectors = make([]float64, 0, pastPoints*s.n) // anew: copies of the state may share the old one
	for _, p := range s.curvature.past {
		st.Vectors = append(st.Vectors, p.x...)
	}
}

func (s *levenbergMarquardt) objective() float64 { return s.l }

// slope: ∂L = Jᵀr/|r|².
func (s *levenbergMarquardt) slope(st *State) float64 {
	if math.IsInf(s.l, 0) {
		return 0
	}
	return projected(st.Point, s.gradient, s.e.lower, s.e.upper) / dot(s.r, s.r)
}

func (s *levenbergMarquardt) general(jac []float64) blas64.General {
	return blas64.General{Rows: s.m, Cols: s.n, Stride: s.n, Data: jac}
}

func vector(v []float64) blas64.Vector { return blas64.Vector{N: len(v), Inc: 1, Data: v} }
