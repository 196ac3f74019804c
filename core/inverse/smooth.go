package inverse

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/optimize"
	"mcd/core/parallel"
)

// SmoothOptions govern Smooth.
type SmoothOptions struct {
	// Length and Width of the wire.
	Length, Width int
	// Level is the agreement to keep: log ‖w(G − target)‖ ≤ Level.
	Level float64
	// MaxEvaluations bounds the evaluations, 0 for 300; the search plans with them, so that more give a smoother potential. One on a
	// part of the points counts as that part.
	// MaxSeconds bounds the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Threads of the linear algebra, 0 for all processors; results do not depend on it.
	Threads int
	// MemoryLimit of the wire at a part of the points, 0 for none; where it does not suffice, starts are not compared.
	MemoryLimit int64
	// Observer, if not nil, sees every iteration. An error of kind fault.Cancelled ends the run.
	Observer func(*SmoothProgress) error
}

// SmoothProgress is what an observer sees after an iteration.
type SmoothProgress struct {
	Iteration, Evaluations int
	// Objective is L and Roughness L_pot of the current point; BestRoughness the lowest L_pot at the level asked.
	Objective, Roughness, BestRoughness float64
	// Part tells that starts are compared: Objective is of a part of the points.
	Part    bool
	Onsite  []float64 // the current point; valid only during the call
	Seconds float64
}

// SmoothResult is the smoothest potential found.
type SmoothResult struct {
	Outcome
	// Roughness is L_pot of the result, StartRoughness of the first potential that kept the level.
	Roughness, StartRoughness float64
	// RoughnessHistory goes with the Outcome's History: L_pot of every potential tried, but for those on a part of the points.
	RoughnessHistory []float64
}

// The search moves within a tube of L, as wide as tube at first, where steps are long (with fewer than few evaluations it is
// narrower, since the way back is shorter), and narrowing to neck from this share of a round's evaluations on; there the
// tangents tell where the level asked can be restored.
const (
	tube      = 1.0
	few       = 120
	neck      = -1.0
	narrowing = 0.5
	// round is the evaluations of a round, after which the level is restored; restoring is the share of what is left that is
	// kept for that where it is little.
	round     = 70
	restoring = 0.3
)

// Smooth minimises L_pot (see Smoothness) subject to L ≤ Level, starting from the potential onsite (Sites), which need not
// keep the level. The problem's engine, target and weights count; every site is free, its parametrization, loss and
// regularizers play no part.
//
// Sequential quadratic programming. L_pot = hᵀKh with K the graph Laplacian of the rectangle, which the cosine transform
// makes diagonal, K = C diag(κ) Cᵀ. A step minimises ½(h+d)ᵀK(h+d) + ½λ dᵀ(K + κ̄)d for Jd = −r: with M = (1+λ)K + λκ̄
//
//	(JM⁻¹Jᵀ + μD)y = r − JM⁻¹Kh,   d = −M⁻¹(Kh + Jᵀy).
//
// A step is accepted while |r| ≤ max(e^tube, 0.9|r_old|); λ adapts so that |r| stays near the tube, which narrows
// towards the end of each round. Levenberg–Marquardt in the same metric brings the start to the level asked, and what each round
// found. The result is the smoothest of all potentials that kept the level.
//
// Since the paths of steps end in the nearest valley, several starts are compared first, see explore.
func Smooth(ctx context.Context, p *Problem, onsite []float64, o SmoothOptions) (res *SmoothResult, err error) {
	defer parallel.Recover(&err)
	switch {
	case o.Length < 1 || o.Width < 1 || o.Length*o.Width != p.sites:
		return nil, fault.Invalid("length", "%d × %d sites for a potential of %d; give the wire's length and width", o.Length, o.Width, p.sites)
	case len(onsite) != p.sites:
		return nil, fault.Invalid("onsite", "%d values for %d sites; give one for each", len(onsite), p.sites)
	case math.IsNaN(o.Level) || math.IsInf(o.Level, 1):
		return nil, fault.Invalid("level", "%g; give the largest L allowed, for example -3", o.Level)
	case o.Level < p.feasibility.LowerBound():
		return nil, fault.Invalid("level", "%g, but the target is infeasible by at least L = %.4g; give a higher level", o.Level, p.feasibility.LowerBound())
	case o.MaxEvaluations < 0:
		return nil, fault.Invalid("max_evaluations", "%d; give at least 1, 0 for the default", o.MaxEvaluations)
	case !(o.MaxSeconds >= 0) || math.IsInf(o.MaxSeconds, 0):
		return nil, fault.Invalid("time_limit", "%g; give a finite number of seconds, 0 for no limit", o.MaxSeconds)
	}
	if err := checkFinite("onsite", onsite); err != nil {
		return nil, err
	}
	if o.MaxEvaluations == 0 {
		o.MaxEvaluations = 300
	}
	s := newSmoother(p, o)
	err = within(ctx, o.MaxSeconds, &s.status, func(ctx context.Context) error { return s.run(ctx, onsite) },
		func() bool { return s.best != nil })
	if err != nil {
		return nil, err
	}
	if s.best == nil {
		return nil, fault.New(fault.Numerical, "no potential with L ≤ %g was found from this start within %d evaluations (best L = %.4g); start from a design that keeps the level", o.Level, s.evaluations, s.lowest)
	}
	return s.result(), nil
}

// smoother is one run of Smooth. Potentials are h = C·c with c their cosine coefficients.
type smoother struct {
	p             *Problem
	o             SmoothOptions
	began         time.Time
	points, sites int
	cosX, cosY    []float64 // orthonormal cosine matrices [mode][site]
	kappa         []float64 // eigenvalues of K, [mode x][mode y]
	mean          float64   // κ̄, their mean

	evaluations, iterations int
	status                  optimize.Status
	lowest                  float64 // lowest L seen
	best                    *point  // the smoothest that keeps the level, nil if there is none yet
	startRough              float64
	history, roughs         []float64
	counts                  []int64
}

func newSmoother(p *Problem, o SmoothOptions) *smoother {
	s := &smoother{p: p, o: o, began: time.Now(), points: len(p.g), sites: p.sites, lowest: posInf}
	s.cosX, s.cosY = cosines(o.Length), cosines(o.Width)
	s.kappa = make([]float64, s.sites)
	// A path of n sites has the eigenvalues 2 − 2cos(πm/n).
	for a := range o.Length {
		for b := range o.Width {
			s.kappa[a*o.Width+b] = 4 - 2*math.Cos(math.Pi*float64(a)/float64(o.Length)) - 2*math.Cos(math.Pi*float64(b)/float64(o.Width))
			s.mean += s.kappa[a*o.Width+b] / float64(s.sites)
		}
	}
	return s
}

// cosines returns the orthonormal eigenvectors of the path of n sites, [mode][site].
func cosines(n int) []float64 {
	c := make([]float64, n*n)
	for m := range n {
		scale := math.Sqrt(2 / float64(n))
		if m == 0 {
			scale = math.Sqrt(1 / float64(n))
		}
		for x := range n {
			c[m*n+x] = scale * math.Cos(math.Pi*float64(m)*(float64(x)+0.5)/float64(n))
		}
	}
	return c
}

// transform computes the cosine coefficients of rows potentials, or potentials of coefficients if back.
func (s *smoother) transform(rows int, in []float64, back bool) []float64 {
	l, w := s.o.Length, s.o.Width
	matrix := func(n int, d []float64) blas64.General { return blas64.General{Rows: n, Cols: n, Stride: n, Data: d} }
	left, right := blas.NoTrans, blas.Trans
	if back {
		left, right = blas.Trans, blas.NoTrans
	}
	half, out := make([]float64, rows*s.sites), make([]float64, rows*s.sites)
	s.each(rows, func(k int) {
		field := func(d []float64) blas64.General {
			return blas64.General{Rows: l, Cols: w, Stride: w, Data: d[k*s.sites : (k+1)*s.sites]}
		}
		blas64.Gemm(left, blas.NoTrans, 1, matrix(l, s.cosX), field(in), 0, field(half))
		blas64.Gemm(blas.NoTrans, right, 1, field(half), matrix(w, s.cosY), 0, field(out))
	})
	return out
}

// each does task for 0 … n−1 on all threads; nothing in it can fail or be cancelled.
func (s *smoother) each(n int, task func(k int)) {
	_ = parallel.For(context.Background(), n, s.o.Threads, func(_, k int) error { task(k); return nil })
}

// point is a potential with its curve and derivatives.
type point struct {
	h, c  []float64 // potential and coefficients
	g, r  []float64
	jac   []float64 // ∂r/∂c, (points × sites)
	l     float64   // log |r|
	rough float64
}

func (s *smoother) evaluate(ctx context.Context, c []float64) (*point, error) {
	if err := parallel.Cancelled(ctx); err != nil {
		return nil, err
	}
	q := &point{c: c, h: s.transform(1, c, true)}
	if err := s.p.setup.Engine.Jacobian(ctx, q.h, s.p.g, s.p.matrix()); err != nil {
		return nil, err
	}
	s.evaluations++
	q.g, q.r = slices.Clone(s.p.g), make([]float64, s.points)
	sum := 0.0
	for k, g := range q.g {
		w := 1.0
		if s.p.setup.Weights != nil {
			w = s.p.setup.Weights[k]
		}
		q.r[k] = w * (g - s.p.setup.Target[k])
		sum += q.r[k] * q.r[k]
		for i := range s.sites {
			s.p.jac[k*s.sites+i] *= w
		}
	}
	q.jac = s.transform(s.points, s.p.jac, false)
	q.l = 0.5 * math.Log(sum)
	for i, v := range c {
		q.rough += s.kappa[i] * v * v
	}
	s.lowest = min(s.lowest, q.l)
	if q.l <= s.o.Level {
		if s.best == nil {
			s.startRough = q.rough
		}
		if s.best == nil || q.rough < s.best.rough {
			s.best = q
		}
	}
	return q, s.observe(q)
}

// bestRough is the lowest L_pot at the level, +Inf if there is none yet.
func (s *smoother) bestRough() float64 {
	if s.best == nil {
		return posInf
	}
	return s.best.rough
}

func (s *smoother) observe(q *point) error {
	s.iterations++
	s.history, s.roughs = append(s.history, q.l), append(s.roughs, q.rough)
	s.counts = append(s.counts, int64(s.evaluations))
	if s.o.Observer == nil {
		return nil
	}
	return s.o.Observer(&SmoothProgress{Iteration: s.iterations, Evaluations: s.evaluations, Objective: q.l, Roughness: q.rough,
		BestRoughness: s.bestRough(), Onsite: q.h, Seconds: time.Since(s.began).Seconds()})
}

// step returns the coefficients after a step from q.
func (s *smoother) step(q *point, lambda, mu float64) []float64 {
	inverse := make([]float64, s.sites) // diagonal of M⁻¹
	for i, k := range s.kappa {
		inverse[i] = 1 / ((1+lambda)*k + lambda*s.mean)
	}
	scaled := make([]float64, s.points*s.sites) // JM^(−½)
	for k := range s.points {
		for i, j := range q.jac[k*s.sites : (k+1)*s.sites] {
			scaled[k*s.sites+i] = j * math.Sqrt(inverse[i])
		}
	}
	n := s.points
	a := blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: n, Data: make([]float64, n*n)}
	dense := kernel.BestDense()
	s.each((n+kernel.GramRows-1)/kernel.GramRows, func(b int) {
		dense.Gram(b*kernel.GramRows, min((b+1)*kernel.GramRows, n), n, s.sites, scaled, a.Data)
	})
	diagonal := make([]float64, n)
	for k := range diagonal {
		diagonal[k] = a.Data[k*n+k]
	}
	median := slices.Sorted(slices.Values(diagonal))[n/2]
	y := slices.Clone(q.r)
	slope := make([]float64, s.sites) // Kh
	for i, c := range q.c {
		slope[i] = s.kappa[i] * c
	}
	for k := range y {
		for i, j := range q.jac[k*s.sites : (k+1)*s.sites] {
			y[k] -= j * inverse[i] * slope[i]
		}
	}
	plain := slices.Clone(a.Data)
	for {
		copy(a.Data, plain)
		for k, d := range diagonal {
			a.Data[k*n+k] += mu * max(1, d/max(median, 1e-300)) * max(median, 1e-300)
		}
		if dense.Cholesky(n, a.Data) || math.IsInf(mu, 0) {
			break
		}
		mu = max(10*mu, 1e-14)
	}
	upper := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: n, Stride: n, Data: a.Data}
	vector := blas64.Vector{N: n, Inc: 1, Data: y}
	blas64.Trsv(blas.Trans, upper, vector)
	blas64.Trsv(blas.NoTrans, upper, vector)
	blas64.Gemv(blas.Trans, 1, blas64.General{Rows: n, Cols: s.sites, Stride: s.sites, Data: q.jac}, vector, 1, blas64.Vector{N: s.sites, Inc: 1, Data: slope})
	next := slices.Clone(q.c)
	for i := range next {
		next[i] -= inverse[i] * slope[i]
	}
	return next
}

func (s *smoother) run(ctx context.Context, onsite []float64) error {
	own, err := s.evaluate(ctx, s.transform(1, onsite, false))
	if err != nil {
		return err
	}
	if s.mean == 0 { // one site
		s.status = optimize.Stalled
		return nil
	}
	best, err := s.explore(ctx, own)
	if err != nil {
		return err
	}
	q, err := s.settle(ctx, own, best)
	for err == nil && q.l <= s.o.Level && s.left() >= round {
		q, err = s.lower(ctx, q, s.limit(), s.o.MaxEvaluations)
	}
	if err != nil {
		return err
	}
	s.status = optimize.Evaluations
	if s.best == nil {
		return nil
	}
	if q.l > s.o.Level { // there was no way back
		q = s.best
	}
	w := newWalker(q)
	err = s.descend(ctx, w, s.o.Level, s.o.Level, s.o.MaxEvaluations)
	if w.stuck {
		s.status = optimize.Stalled
	}
	return err
}

// settle smooths from the best of the starts that were compared, nil if none were, and from own if the level is not reached there.
func (s *smoother) settle(ctx context.Context, own, best *point) (q *point, err error) {
	if best == nil {
		return s.attempt(ctx, own, s.o.Level, s.limit())
	}
	if q, err = s.evaluate(ctx, best.c); err == nil { // until now on a part of the points
		q, err = s.attempt(ctx, q, math.Max(loose, s.o.Level), s.limit())
	}
	if err != nil || q.l <= s.o.Level || s.left() < 2 {
		return q, err
	}
	return s.attempt(ctx, own, s.o.Level, s.limit()-2) // a curve from which the way back is long
}

// attempt brings q to L ≤ level and smooths it along a tube as wide as limit for a round. It leaves a quarter of the evaluations.
func (s *smoother) attempt(ctx context.Context, q *point, level, limit float64) (*point, error) {
	until := s.evaluations + s.left()*3/4
	q, err := s.restore(ctx, q, level, (s.evaluations+until)/2)
	if err != nil || q.l > math.Max(limit, level) {
		return q, err
	}
	return s.lower(ctx, q, limit, until)
}

// limit is the width of the tube.
func (s *smoother) limit() float64 {
	if s.o.MaxEvaluations < few {
		return tube - 1
	}
	return tube
}

// left is the number of evaluations left.
func (s *smoother) left() int { return s.o.MaxEvaluations - s.evaluations }

// floor returns how far the floor of a uniform wire must be raised for it to conduct on average as the target does.
func (s *smoother) floor(ctx context.Context) (float64, error) {
	strip, target := s.p.setup.Strip, s.p.setup.Target
	low, high := 0.0, slices.Max(strip.Energies)-strip.LeadOnsite+4*math.Abs(strip.Hopping) // no mode is open there
	g := make([]float64, s.points)
	for range 6 {
		middle := (low + high) / 2
		if err := s.p.setup.Engine.Value(ctx, constant(s.sites, strip.LeadOnsite+middle), g); err != nil {
			return 0, err
		}
		s.evaluations++
		excess := 0.0
		for k, v := range g {
			if w := s.p.setup.Weights; w == nil || w[k] > 0 {
				excess += v - target[k]
			}
		}
		if excess > 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2, nil
}

// walker is a point on its way down with λ and μ of its next step.
type walker struct {
	*point
	lambda, mu float64
	stuck      bool
	path       []*point // stepped through, without their derivatives
}

// smallest is the least damping μ.
const smallest = 1e-2

func newWalker(q *point) *walker { return &walker{point: q, lambda: 1, mu: smallest} }

// lower smooths q along a tube as wide as limit for a round and restores the level, by the time that until evaluations are done in
// all; where that fails within a tube, a narrower one is tried.
func (s *smoother) lower(ctx context.Context, q *point, limit float64, until int) (*point, error) {
	budget := until - s.evaluations
	last := s.evaluations + min(round, budget-max(int(restoring*float64(budget)), min(35, budget/2)))
	for limit = math.Max(limit, s.o.Level); ; limit = math.Max(limit-1, s.o.Level) {
		w := newWalker(q)
		err := s.descend(ctx, w, limit, math.Max(math.Min(neck, limit), s.o.Level), last)
		if err != nil {
			return nil, err
		}
		if q, err = s.retreat(ctx, w, until); err != nil || !w.stuck || q.l > s.o.Level || limit == s.o.Level {
			return q, err
		}
	}
}

// retreat restores the level from w, or from where its path was rougher by a quarter, and so on.
func (s *smoother) retreat(ctx context.Context, w *walker, until int) (*point, error) {
	for q := w.point; ; {
		end, err := s.restore(ctx, q, s.o.Level, until)
		if err != nil || end.l <= s.o.Level {
			return end, err
		}
		back := slices.IndexFunc(w.path, func(earlier *point) bool { return earlier.rough < 1.25*q.rough })
		if back < 0 {
			back = len(w.path)
		}
		if back < 1 || until-s.evaluations < 2 {
			return end, nil
		}
		earlier := w.path[back-1]
		w.path = w.path[:back-1]
		if q, err = s.evaluate(ctx, earlier.c); err != nil {
			return end, err
		}
	}
}

// descend takes w along the tube, from limit down to bottom, until so many evaluations are done in all, or until it is stuck: no
// step keeps to the tube.
func (s *smoother) descend(ctx context.Context, w *walker, limit, bottom float64, until int) error {
	for first := s.evaluations; s.evaluations < until; {
		wall := limit
		if spent := float64(s.evaluations-first) / float64(until-first); spent > narrowing {
			wall += (bottom - limit) * (spent - narrowing) / (1 - narrowing)
		}
		next, err := s.evaluate(ctx, s.step(w.point, w.lambda, w.mu))
		if err != nil {
			return err
		}
		if math.IsNaN(next.l) || next.l > math.Max(wall, w.l+math.Log(0.9)) {
			if w.lambda, w.mu = 4*w.lambda, 4*w.mu; w.lambda > 1e6 {
				w.stuck = true
				return nil
			}
			continue
		}
		switch w.mu = math.Max(smallest, w.mu/8); {
		case next.l < wall-1:
			w.lambda /= 3
		case next.l < wall-0.3:
			w.lambda /= 1.5
		}
		w.point = next
		w.path = append(w.path, &point{c: next.c, rough: next.rough})
	}
	return nil
}

// metrics are λ of the metrics √M in which potentials are restored: the smoothest until it stalls, then one whose steps are rougher,
// but reach more.
var metrics = []float64{0.3, 300}

// restore brings q to a level by Levenberg–Marquardt in the coordinates √M·c, where the shortest step is the smoothest one,
// until so many evaluations are done in all, and returns where it ends.
func (s *smoother) restore(ctx context.Context, q *point, level float64, until int) (*point, error) {
	for i, lambda := range metrics {
		if q.l <= level || until-s.evaluations < 2 {
			break
		}
		m := &smoothMetric{s: s, scale: make([]float64, s.sites), first: q}
		start := make([]float64, s.sites)
		for i, k := range s.kappa {
			m.scale[i] = math.Sqrt(((1+lambda)*k + lambda*s.mean) / math.Max(1, lambda))
			start[i] = q.c[i] * m.scale[i]
		}
		o := optimize.Defaults("lm")
		o.StopObjective, o.MaxEvaluations = level, until-s.evaluations+1 // the first is q itself
		if i < len(metrics)-1 {
			o.StallIterations, o.StallTolerance = 8, 0.5
		}
		o.Threads = s.o.Threads
		r, err := optimize.Minimize(ctx, m, start, o)
		if err == nil && r.Status == optimize.Cancelled {
			if err = parallel.Cancelled(ctx); err == nil {
				err = fault.New(fault.Cancelled, "stopped by the caller")
			}
		}
		if err != nil {
			return q, err
		}
		q = m.best
	}
	return q, nil
}

// smoothMetric is the residual in the coordinates scale·c.
type smoothMetric struct {
	s     *smoother
	scale []float64
	first *point // known without an evaluation
	best  *point
}

func (m *smoothMetric) Parameters() int                  { return m.s.sites }
func (m *smoothMetric) Residuals() int                   { return m.s.points }
func (m *smoothMetric) Bounds() (lower, upper []float64) { return nil, nil }

func (m *smoothMetric) Residual(ctx context.Context, x, r []float64) error {
	return m.Jacobian(ctx, x, r, make([]float64, len(r)*len(x)))
}

func (m *smoothMetric) Jacobian(ctx context.Context, x, r, jac []float64) (err error) {
	q := m.first
	m.first = nil
	if q == nil {
		c := make([]float64, len(x))
		for i := range c {
			c[i] = x[i] / m.scale[i]
		}
		if q, err = m.s.evaluate(ctx, c); err != nil {
			return err
		}
	}
	if m.best == nil || q.l < m.best.l {
		m.best = q
	}
	copy(r, q.r)
	for k := range r {
		for i, scale := range m.scale {
			jac[k*len(x)+i] = q.jac[k*len(x)+i] / scale
		}
	}
	return nil
}

func (m *smoothMetric) Gradient(context.Context, []float64, []float64) (float64, error) {
	return 0, fault.New(fault.Unsupported, "restoring a potential needs the Jacobian; use Levenberg–Marquardt")
}

func (s *smoother) result() *SmoothResult {
	r := &SmoothResult{Roughness: s.best.rough, StartRoughness: s.startRough, RoughnessHistory: s.roughs}
	r.Outcome = Outcome{Status: s.status, Theta: s.best.h, Parameters: s.best.h, Onsite: s.best.h, Conductance: s.best.g, Objective: s.best.l,
		History: s.history, HistoryEvaluations: s.counts, Evaluations: s.evaluations, Seconds: time.Since(s.began).Seconds()}
	r.Message = fmt.Sprintf("Smoothed: L_pot %.4g at L = %.4g, from %.4g, in %d evaluations.", r.Roughness, r.Objective, r.StartRoughness, s.evaluations)
	return r
}
