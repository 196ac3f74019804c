package inverse

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/parallel"
)

// SmoothOptions govern Smooth.
type SmoothOptions struct {
	// Length and Width of the wire.
	Length, Width int
	// Level is the agreement to keep: log ‖w(G − target)‖ ≤ Level.
	Level float64
	// MaxEvaluations bounds the evaluations, 0 for 200; the search plans with them, so that more give a smoother potential.
	// MaxSeconds bounds the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Threads of the linear algebra, 0 for all processors; results do not depend on it.
	Threads int
	// Observer, if not nil, sees every iteration. An error of kind fault.Cancelled ends the run.
	Observer func(*SmoothProgress) error
}

// SmoothProgress is what an observer sees after an iteration.
type SmoothProgress struct {
	Iteration, Evaluations int
	// Objective is L and Roughness L_pot of the current point; BestRoughness the lowest L_pot at the level asked.
	Objective, Roughness, BestRoughness float64
	Onsite                              []float64 // the current point; valid only during the call
	Seconds                             float64
}

// SmoothResult is the smoothest potential found.
type SmoothResult struct {
	Outcome
	// Roughness is L_pot of the result, StartRoughness of the first potential that kept the level.
	Roughness, StartRoughness float64
	// RoughnessHistory goes with the Outcome's History: L_pot of every potential tried.
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
// Since the paths of steps end in the nearest valley, and a constant costs no roughness, the search begins on a raised floor (see
// raise): L_pot ends 2.8 times lower on colosseum and 1.6 times on nirvana (medians over random starts).
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
		o.MaxEvaluations = 200
	}
	s := newSmoother(p, o)
	err = within(ctx, o.MaxSeconds, &s.status, func(ctx context.Context) error { return s.run(ctx, onsite) },
		func() bool { return s.bestH != nil })
	if err != nil {
		return nil, err
	}
	if s.bestH == nil {
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
	bestH, bestG            []float64
	bestL, bestRough        float64
	startRough              float64
	path                    []*point // potentials stepped through, without their derivatives
	history, roughs         []float64
	counts                  []int64
}

func newSmoother(p *Problem, o SmoothOptions) *smoother {
	s := &smoother{p: p, o: o, began: time.Now(), points: len(p.g), sites: p.sites, lowest: posInf, bestRough: posInf}
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
		if s.bestH == nil {
			s.startRough = q.rough
		}
		if q.rough < s.bestRough {
			s.bestH, s.bestG, s.bestL, s.bestRough = q.h, q.g, q.l, q.rough
		}
	}
	return q, s.observe(q)
}

func (s *smoother) observe(q *point) error {
	s.iterations++
	s.history, s.roughs = append(s.history, q.l), append(s.roughs, q.rough)
	s.counts = append(s.counts, int64(s.evaluations))
	if s.o.Observer == nil {
		return nil
	}
	return s.o.Observer(&SmoothProgress{Iteration: s.iterations, Evaluations: s.evaluations, Objective: q.l, Roughness: q.rough,
		BestRoughness: s.bestRough, Onsite: q.h, Seconds: time.Since(s.began).Seconds()})
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
	row := func(k int) blas64.Vector {
		return blas64.Vector{N: s.sites, Inc: 1, Data: scaled[k*s.sites : (k+1)*s.sites]}
	}
	s.each(n, func(k int) {
		for j := k; j < n; j++ {
			a.Data[k*n+j] = blas64.Dot(row(k), row(j))
		}
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
		if _, ok := lapack64.Potrf(a); ok || math.IsInf(mu, 0) {
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
	q, err := s.evaluate(ctx, s.transform(1, onsite, false))
	if err != nil {
		return err
	}
	if q, err = s.restore(ctx, q, s.o.MaxEvaluations/2); err != nil {
		return err
	}
	if s.o.MaxEvaluations >= few {
		if q, err = s.raise(ctx, q); err != nil {
			return err
		}
	}
	for first := true; first || q.l <= s.o.Level && s.left() >= round; first = false {
		if q, err = s.lower(ctx, q); err != nil {
			return err
		}
	}
	s.status = optimize.Evaluations
	if q.l > s.o.Level { // there is no way back: the best so far is the answer
		return nil
	}
	_, stuck, err := s.descend(ctx, q, s.o.Level, s.left())
	if stuck {
		s.status = optimize.Stalled
	}
	return err
}

// left is the number of evaluations left.
func (s *smoother) left() int { return s.o.MaxEvaluations - s.evaluations }

// shares are the heights tried, in units of the floor on which the uniform wire conducts as much as the target: higher ones
// end smoother, but do not reach every curve.
var shares = []float64{0.45, 0.3}

// raise starts anew on a raised floor: a constant costs no roughness, and where fewer modes are open less of it is needed to
// conduct as little as the target does. The longest waves of own stand on the floor, so that nothing is symmetric. It returns a
// potential at the level, own if none is found.
func (s *smoother) raise(ctx context.Context, own *point) (*point, error) {
	if s.p.setup.Strip == nil {
		return own, nil
	}
	floor, err := s.floor(ctx)
	if err != nil {
		return nil, err
	}
	for _, share := range shares {
		c := s.waves(own.c)
		if c == nil || s.left() < 2*round {
			break
		}
		c[0] = (s.p.setup.Strip.LeadOnsite + share*floor) * math.Sqrt(float64(s.sites))
		q, err := s.evaluate(ctx, c)
		if err != nil {
			return nil, err
		}
		if q, err = s.restore(ctx, q, round/2); err != nil {
			return nil, err
		}
		if q.l <= tube {
			if q, err = s.lower(ctx, q); err != nil {
				return nil, err
			}
		}
		if q.l <= s.o.Level {
			return q, nil
		}
	}
	return own, nil
}

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
			excess += v - target[k]
		}
		if excess > 0 {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2, nil
}

// waves returns the longest waves of a potential, up to four nodes along and across, without its mean and brought to a root mean
// square of strength·t; nil if there are none.
func (s *smoother) waves(c []float64) []float64 {
	const modes, strength = 5, 0.1
	long, sum := make([]float64, s.sites), 0.0
	for a := range min(modes, s.o.Length) {
		for b := range min(modes, s.o.Width) {
			if i := a*s.o.Width + b; i > 0 {
				long[i] = c[i]
				sum += c[i] * c[i]
			}
		}
	}
	if sum == 0 {
		return nil
	}
	scale := strength * math.Abs(s.p.setup.Strip.Hopping) * math.Sqrt(float64(s.sites)/sum)
	for i := range long {
		long[i] *= scale
	}
	return long
}

// lower smooths q along the tube for a round and restores the level; where that fails within a tube, a narrower one is tried.
func (s *smoother) lower(ctx context.Context, q *point) (*point, error) {
	limit := tube
	if s.o.MaxEvaluations < few {
		limit = tube - 1
	}
	last := s.evaluations + min(round, s.left()-max(int(restoring*float64(s.left())), min(35, s.left()/2)))
	s.path = nil
	for limit = math.Max(limit, s.o.Level); ; limit = math.Max(limit-1, s.o.Level) {
		end, stuck, err := s.descend(ctx, q, limit, last-s.evaluations)
		if err != nil {
			return nil, err
		}
		if q, err = s.retreat(ctx, end); err != nil || !stuck || q.l > s.o.Level || limit == s.o.Level {
			return q, err
		}
	}
}

// retreat restores the level from q, or from where the path was rougher by a quarter, and so on.
func (s *smoother) retreat(ctx context.Context, q *point) (*point, error) {
	for {
		end, err := s.restore(ctx, q, s.left())
		if err != nil || end.l <= s.o.Level {
			return end, err
		}
		back := slices.IndexFunc(s.path, func(earlier *point) bool { return earlier.rough < 1.25*q.rough })
		if back < 1 || s.left() < 2 {
			return end, nil
		}
		earlier := s.path[back-1]
		s.path = s.path[:back-1]
		if q, err = s.evaluate(ctx, earlier.c); err != nil {
			return end, err
		}
	}
}

// descend steps from q along the tube for so many evaluations, from limit down to its neck, or until it is stuck: no step keeps
// to the tube.
func (s *smoother) descend(ctx context.Context, q *point, limit float64, evaluations int) (end *point, stuck bool, err error) {
	const smallest = 1e-2
	lambda, mu, bottom := 1.0, smallest, math.Max(math.Min(neck, limit), s.o.Level)
	first, last := s.evaluations, s.evaluations+evaluations
	for s.evaluations < last {
		wall := limit
		if spent := float64(s.evaluations-first) / float64(evaluations); spent > narrowing {
			wall += (bottom - limit) * (spent - narrowing) / (1 - narrowing)
		}
		next, err := s.evaluate(ctx, s.step(q, lambda, mu))
		if err != nil {
			return q, false, err
		}
		if math.IsNaN(next.l) || next.l > math.Max(wall, q.l+math.Log(0.9)) {
			if lambda, mu = 4*lambda, 4*mu; lambda > 1e6 {
				return q, true, nil
			}
			continue
		}
		switch mu = math.Max(smallest, mu/8); {
		case next.l < wall-1:
			lambda /= 3
		case next.l < wall-0.3:
			lambda /= 1.5
		}
		q = next
		s.path = append(s.path, &point{c: q.c, rough: q.rough})
	}
	return q, false, nil
}

// metrics are λ of the metrics √M in which potentials are restored, the smoothest first; the next one where it stalls: its steps
// are rougher, but reach more.
var metrics = []float64{0.3, 3, 30}

// restore brings q to the level by Levenberg–Marquardt in the coordinates √M·c, where the shortest step is the smoothest one,
// until so many evaluations are spent, and returns where it ends.
func (s *smoother) restore(ctx context.Context, q *point, evaluations int) (*point, error) {
	for _, lambda := range metrics {
		before := s.evaluations
		if q.l <= s.o.Level || evaluations < 2 {
			break
		}
		m := &smoothMetric{s: s, scale: make([]float64, s.sites), first: q}
		start := make([]float64, s.sites)
		for i, k := range s.kappa {
			m.scale[i] = math.Sqrt((1+lambda)*k + lambda*s.mean)
			start[i] = q.c[i] * m.scale[i]
		}
		o := optimize.Defaults("lm")
		o.StopObjective, o.MaxEvaluations = s.o.Level, evaluations+1 // the first is q itself
		o.StallIterations, o.StallTolerance = 8, 0.5
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
		q, evaluations = m.best, evaluations-(s.evaluations-before)
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
	r := &SmoothResult{Roughness: s.bestRough, StartRoughness: s.startRough, RoughnessHistory: s.roughs}
	r.Outcome = Outcome{Status: s.status, Theta: s.bestH, Parameters: s.bestH, Onsite: s.bestH, Conductance: s.bestG, Objective: s.bestL,
		History: s.history, HistoryEvaluations: s.counts, Evaluations: s.evaluations, Seconds: time.Since(s.began).Seconds()}
	r.Message = fmt.Sprintf("Smoothed: L_pot %.4g at L = %.4g, from %.4g, in %d evaluations.", r.Roughness, r.Objective, r.StartRoughness, s.evaluations)
	return r
}
