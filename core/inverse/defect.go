package inverse

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/optimize"
	"mcd/core/parallel"
	"mcd/core/scatter"
)

// FindOptions govern Finder.Find.
type FindOptions struct {
	// Count is the number of defects, 1 or 2; 0 means 1.
	Count int
	// Sigma is the standard deviation of the target's noise, 0 if unknown: then it is estimated from the fit.
	Sigma float64
	// Seed of everything random.
	Seed uint64
	// Threads bounds the goroutines of what the finder computes itself, 0 for all processors; results do not depend on it.
	Threads int
	// MaxEvaluations bounds the evaluations after the table is there, 0 for the default of 1000 (5000 for two defects); MaxSeconds bounds
	// the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Observer, if not nil, sees every iteration.
	Observer func(*Progress) error
}

// Defects is what Find found: a Result whose parameters are x, y, amplitude, radius of every defect in turn (x is free only
// where there are two: shifting a single defect along the wire changes nothing).
type Defects struct {
	Result
	// X, Y, Amplitude, Radius of the defects, the one with the largest |amplitude|·radius first, and the standard errors of
	// these; NaN for what is not a parameter. The curve does not tell y from width−1−y (both defects mirrored), nor which of
	// two stands left, nor where along the wire they are unless its ends cut their tails: the answer lies near the middle of
	// the wire with the first defect in the lower half and to the left.
	X, Y, Amplitude, Radius                     []float64
	XError, YError, AmplitudeError, RadiusError []float64
	// Found tells whether the curve is explained: exactly, or to its noise. Message says so in words.
	Found bool
	// Setup is the problem that was solved; Theta belongs to its parametrization by Gaussians.
	Setup Setup
}

// Finder finds Gaussian defects in an otherwise clean wire. It keeps what depends on the wire alone, a table of curves, so
// that later searches start at once. Use it from one goroutine at a time.
type Finder struct {
	engine scatter.Engine
	strip  lattice.Strip
	coarse [2]*coarse // for one and two defects
}

// NewFinder returns a finder for the strip that engine solves; the engine's owner closes it, Close frees the rest. The clean
// wire has the lead's on-site energy everywhere.
func NewFinder(engine scatter.Engine, strip lattice.Strip) (*Finder, error) {
	if err := strip.Validate(); err != nil {
		return nil, err
	}
	if engine == nil || engine.Inputs() != strip.Sites() || engine.Outputs() != strip.Points() {
		return nil, fault.Invalid("wire", "the engine does not solve this strip of %d sites and %d points; give the engine of this strip", strip.Sites(), strip.Points())
	}
	return &Finder{engine: engine, strip: strip}, nil
}

// FindDefect is one Find of a new Finder.
func FindDefect(ctx context.Context, engine scatter.Engine, strip lattice.Strip, target []float64, o FindOptions) (*Defects, error) {
	f, err := NewFinder(engine, strip)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Find(ctx, target, o)
}

// Close frees the finder's own engine; it is idempotent.
func (f *Finder) Close() {
	for i, c := range f.coarse {
		if c != nil {
			c.engine.Close()
			f.coarse[i] = nil
		}
	}
}

// exact is the L at which a curve counts as explained to rounding: an error of 1e-8 e²/h over 101 points is L = −16.
const exact = -16

// Find searches the defects that explain target (points).
func (f *Finder) Find(ctx context.Context, target []float64, o FindOptions) (d *Defects, err error) {
	defer parallel.Recover(&err)
	if o.Count == 0 {
		o.Count = 1
	}
	switch {
	case o.Count < 1 || o.Count > 2:
		return nil, fault.Invalid("count", "%d; give 1 or 2 defects", o.Count)
	case !(o.Sigma >= 0) || math.IsInf(o.Sigma, 0):
		return nil, fault.Invalid("sigma", "%g; give the noise's standard deviation in e²/h, 0 if unknown", o.Sigma)
	case o.MaxEvaluations < 0:
		return nil, fault.Invalid("max_evaluations", "%d; give at least 1, 0 for the default", o.MaxEvaluations)
	case !(o.MaxSeconds >= 0) || math.IsInf(o.MaxSeconds, 0):
		return nil, fault.Invalid("time_limit", "%g; give a finite number of seconds, 0 for no limit", o.MaxSeconds)
	case len(target) != f.strip.Points():
		return nil, fault.Invalid("target", "%d values for %d points; give one for each", len(target), f.strip.Points())
	}
	if err := checkFinite("target", target); err != nil {
		return nil, err
	}
	if o.MaxEvaluations == 0 {
		o.MaxEvaluations = 1000
		if o.Count == 2 {
			o.MaxEvaluations = 5000
		}
	}
	s := &search{f: f, target: target, o: o, began: time.Now(), best: posInf, coarseL: posInf}
	if err := within(ctx, o.MaxSeconds, &s.status, s.candidates, func() bool { return s.theta != nil }); err != nil {
		return nil, err
	}
	return s.result(context.WithoutCancel(ctx))
}

// search is one Find.
type search struct {
	f      *Finder
	target []float64
	o      FindOptions
	began  time.Time

	evaluations int
	best        float64   // lowest L of the full wire
	theta       []float64 // where, in the coordinates of shapes
	coarseTheta []float64 // the best fit on the coarse wire, and its L
	coarseL     float64
	fitted      [][]float64 // coarse fits that were continued on the full wire
	minima      []minimum   // where those ended
	history     []float64
	counts      []int64
	status      optimize.Status
}

// minimum is where a fit on the full wire ended, in the coordinates of shapes.
type minimum struct {
	theta []float64
	l     float64
}

// goal is the L at which the search ends: the curve is explained to rounding, or to the noise (χ² at most two standard
// deviations above its mean).
func (s *search) goal() float64 {
	if s.o.Sigma == 0 {
		return exact
	}
	n := float64(len(s.target))
	return 0.5*math.Log(n+2*math.Sqrt(2*n)) + math.Log(s.o.Sigma)
}

// candidates fits one candidate after the other until one reaches the goal: the best of the table, then, since the basins of
// attractive defects are narrow, those of a finer table of them.
func (s *search) candidates(ctx context.Context) error {
	c, err := s.f.prepare(ctx, s.o.Count, s.o.Threads)
	if err != nil {
		return err
	}
	target := sample(s.target, c.points)
	if s.o.Count == 2 {
		return s.pairs(ctx, c, target)
	}
	list := c.ranked(c.single, target)
	if err := s.fit(ctx, list[0], 1, 0); err != nil { // so that there is a result whatever comes
		return err
	}
	first, second := min(4, len(list)), min(singleTries, len(list))
	if s.o.Sigma > 0 { // every minimum that explains the noisy curve counts, see widen
		first = second
	}
	for _, part := range [2][][]float64{list[:first], list[first:second]} {
		if done, err := s.try(ctx, c, target, part); done || err != nil {
			return err
		}
		if done, err := s.settle(ctx, s.promising(len(s.target))); done || err != nil {
			return err
		}
	}
	if s.spent() {
		s.status = optimize.Evaluations
		return nil
	}
	if c.wells == nil {
		if c.wells, err = c.tabulate(ctx, wellGrid(c.strip.Width)); err != nil {
			return err
		}
	}
	wells := c.ranked(c.wells, target)
	if done, err := s.try(ctx, c, target, wells[:min(40, len(wells))]); done || err != nil {
		return err
	}
	if done, err := s.settle(ctx, posInf); done || err != nil {
		return err
	}
	if s.status == optimize.Running {
		s.status = optimize.Stalled
	}
	return nil
}

// settle fits the best of the coarse fits on the full wire, whatever it promised: noise of unknown strength may be all that
// is left. Where more is left but L is at most worth, it sharpens the fit.
func (s *search) settle(ctx context.Context, worth float64) (done bool, err error) {
	if s.o.Sigma > 0 || s.coarseTheta == nil {
		return false, nil
	}
	if !s.known(s.coarseTheta) {
		s.fitted = append(s.fitted, s.coarseTheta)
		if err := s.fit(ctx, s.coarseTheta, fitEvaluations, 0); err != nil {
			return false, err
		}
	}
	p, err := s.problem(Loss{})
	if err != nil {
		return false, err
	}
	r := make([]float64, len(s.target))
	if err := p.Residual(ctx, s.theta, r); err != nil {
		return false, err
	}
	s.evaluations++
	found, _ := s.verdict(s.best, p.g)
	if !found && s.best <= worth {
		if err := s.sharpen(ctx, p); err != nil {
			return false, err
		}
		found = s.best <= s.goal()
	}
	if found {
		s.status = optimize.Objective
	}
	return found, nil
}

// try fits candidates: first on the coarse wire, which is cheap, and those that fit there on the full one. Every candidate
// is tried by least squares and, where that fails, with a robust loss: a sampled field on a narrow resonance spoils least
// squares even from nearby. Without noise the first that reaches the goal is the answer; noise makes several minima pass, so
// that all candidates are tried and the lowest is taken.
func (s *search) try(ctx context.Context, c *coarse, target []float64, list [][]float64) (done bool, err error) {
	for _, start := range list {
		for _, robust := range []bool{false, true} {
			if s.spent() {
				s.status = optimize.Evaluations
				return false, nil
			}
			theta, l, err := c.fit(ctx, s, start, target, robust, 25)
			if err != nil {
				return false, err
			}
			if l < s.coarseL {
				s.coarseTheta, s.coarseL = theta, l
			}
			if l > s.promising(len(target)) {
				continue
			}
			if !s.known(theta) {
				s.fitted = append(s.fitted, theta)
				if err := s.fit(ctx, theta, fitEvaluations, 0); err != nil {
					return false, err
				}
			}
			if s.best <= s.goal() && s.o.Sigma == 0 {
				s.status = optimize.Objective
				return true, nil
			}
			break
		}
	}
	if s.best <= s.goal() {
		s.status = optimize.Objective
	}
	return s.status == optimize.Objective, nil
}

// singleTries is the number of candidates from the coarse table.
const singleTries = 12

// known tells whether a coarse fit ended where an earlier one did.
func (s *search) known(theta []float64) bool {
	return slices.ContainsFunc(s.fitted, func(old []float64) bool {
		for j, v := range old {
			if math.Abs(v-theta[j]) > 0.02 {
				return false
			}
		}
		return true
	})
}

// promising is the L on the coarse wire from which on the full wire is worth its price.
func (s *search) promising(points int) float64 {
	rms := 0.03
	if s.o.Sigma > 0 {
		rms = 1.5 * s.o.Sigma
	}
	return math.Log(rms * math.Sqrt(float64(points)))
}

// spent tells whether no more candidates can be afforded, with some evaluations kept for the full wire.
func (s *search) spent() bool {
	return s.evaluations >= s.o.MaxEvaluations-min(fitEvaluations, s.o.MaxEvaluations/3)
}

// fitEvaluations bounds one fit on the full wire. Where two defects stand along the wire is often weakly determined, which
// costs steps.
const fitEvaluations = 120

// fit runs Levenberg–Marquardt on the full wire from theta, with the first damping given (0 for that of far starts), and keeps
// the best point.
func (s *search) fit(ctx context.Context, theta []float64, evaluations int, damping float64) error {
	before := s.evaluations
	r, err := s.minimize(ctx, theta, Loss{}, evaluations, damping)
	if r == nil {
		return err
	}
	for i, l := range r.History {
		s.history = append(s.history, min(l, s.best))
		s.counts = append(s.counts, int64(before)+r.HistoryEvaluations[i])
	}
	s.minima = append(s.minima, minimum{r.Point, r.Objective})
	if r.Objective < s.best {
		s.best, s.theta = r.Objective, r.Point
	}
	return err
}

// minimize runs Levenberg–Marquardt on the full wire from theta; nil if no evaluation is left.
func (s *search) minimize(ctx context.Context, theta []float64, loss Loss, evaluations int, damping float64) (*optimize.Result, error) {
	o := optimize.Defaults("lm")
	o.Threads, o.Damping = s.o.Threads, damping
	o.MaxEvaluations = min(evaluations, s.o.MaxEvaluations-s.evaluations)
	if o.MaxEvaluations < 1 {
		return nil, nil
	}
	o.StopObjective, o.StepTolerance = -27, 1e-12
	o.StallIterations, o.StallTolerance = 15, 0.02
	p, err := s.problem(loss)
	if err != nil {
		return nil, err
	}
	before := s.evaluations
	o.Observer = func(it *optimize.Iteration) error { return s.observe(it, before, s.quantities(it.Point)) }
	r, err := optimize.Minimize(ctx, p, theta, o)
	if r != nil {
		s.evaluations += r.Evaluations
		if r.Status == optimize.Cancelled {
			err = parallel.Cancelled(ctx)
		}
	}
	return r, err
}

// sharpen fits the best point anew with a loss that gives outliers up, and from there by least squares: a sampled field on a
// narrow resonance holds least squares off the defect even from nearby.
func (s *search) sharpen(ctx context.Context, p *Problem) error {
	r := make([]float64, len(s.target))
	for range sharpenings {
		if err := p.Residual(ctx, s.theta, r); err != nil {
			return err
		}
		s.evaluations++
		for k, v := range r {
			r[k] = math.Abs(v)
		}
		slices.Sort(r)
		if s.best <= s.goal() || r[len(r)/2] == 0 {
			return nil
		}
		robust, err := s.minimize(ctx, s.theta, Loss{Name: "log", Scale: r[len(r)/2]}, fitEvaluations/2, 0)
		if robust == nil || err != nil {
			return err
		}
		if err := s.fit(ctx, robust.Point, fitEvaluations/2, 0); err != nil {
			return err
		}
	}
	return nil
}

// sharpenings is how often: where the first fit is closer, the outliers stand out more.
const sharpenings = 2

// quantities are the parameters of Defects at a point in the coordinates of shapes.
func (s *search) quantities(theta []float64) []float64 {
	all := flat(newShapes(s.f.strip, s.o.Count).values(theta))
	if s.o.Count == 1 {
		return all[1:]
	}
	return all
}

// observe reports an iteration; point is its place on the full wire, nil where only the coarse one was tried.
func (s *search) observe(it *optimize.Iteration, before int, point []float64) error {
	if s.o.Observer == nil {
		return nil
	}
	seconds := time.Since(s.began).Seconds()
	copied := *it
	copied.Seconds, copied.Point = seconds, point
	return s.o.Observer(&Progress{Iteration: &copied, Starts: 1, TotalEvaluations: before + it.Evaluations, BestOfAll: min(s.best, it.BestObjective)})
}

func (s *search) problem(loss Loss) (*Problem, error) {
	return NewProblem(Setup{Engine: s.f.engine, Strip: &s.f.strip, Target: s.target, Loss: loss,
		Parametrization: newShapes(s.f.strip, s.o.Count)})
}

// result turns the best point into Gaussians with error bars.
func (s *search) result(ctx context.Context) (*Defects, error) {
	strip := s.f.strip
	v := newShapes(strip, s.o.Count).values(s.theta)
	canonical(v, strip)
	spec := Gaussians{Length: strip.Length, Width: strip.Width, X: v[0], Y: v[1], Amplitude: v[2], Radius: v[3],
		Free: Quantities{X: s.o.Count > 1, Y: true, Amplitude: true, Radius: true}, Background: []float64{strip.LeadOnsite}}
	g, err := spec.Build()
	if err != nil {
		return nil, err
	}
	d := &Defects{Setup: Setup{Engine: s.f.engine, Strip: &s.f.strip, Target: slices.Clone(s.target), Parametrization: g},
		X: v[0], Y: v[1], Amplitude: v[2], Radius: v[3]}
	p, err := NewProblem(d.Setup)
	if err != nil {
		return nil, err
	}
	theta := g.Start()
	id, err := Identify(ctx, p, theta, s.o.Sigma)
	if err != nil {
		return nil, err
	}
	s.evaluations++
	if s.o.Count == 1 {
		if err := s.widen(ctx, p, theta, id.Errors); err != nil {
			return nil, err
		}
	}
	d.errors(id.Errors, spec.Free)
	onsite, err := p.Onsite(theta)
	if err != nil {
		return nil, err
	}
	l := 0.5 * math.Log(sumSquares(p.g, s.target))
	d.Outcome = Outcome{Status: s.status, Theta: theta, Parameters: theta, Onsite: onsite, Conductance: slices.Clone(p.g), Objective: l,
		History: s.history, HistoryEvaluations: s.counts, Evaluations: s.evaluations, Seconds: time.Since(s.began).Seconds()}
	d.Found, d.Message = s.verdict(l, p.g)
	d.Outcomes = []Outcome{d.Outcome}
	d.TotalEvaluations, d.TotalSeconds = d.Evaluations, d.Seconds
	d.Feasibility, d.Engine = p.feasibility, s.f.engine.Name()
	return d, nil
}

// likelihoodFloor is the likelihood, relative to the best minimum's, below which another minimum does not count.
const likelihoodFloor = 1e-3

// widen lets the errors of a single defect's parameters theta (y, amplitude, radius) cover the other minima that explain a
// noisy curve nearly as well: with likelihoods w_i = exp(−Δχ²/2), the mean square distance from theta is
// Σw_i(errors_i² + (θ_i − θ)²)/Σw_i.
func (s *search) widen(ctx context.Context, p *Problem, theta, errors []float64) error {
	n := float64(len(s.target))
	sigma := s.o.Sigma
	if sigma == 0 {
		sigma = math.Exp(s.best) / math.Sqrt(n-float64(len(theta)))
	}
	chi := func(l float64) float64 { return math.Exp(2*l) / (sigma * sigma) }
	weight, square := 1.0, make([]float64, len(theta))
	for j, e := range errors {
		square[j] = e * e
	}
	seen := [][]float64{theta}
	for _, m := range s.minima {
		w := math.Exp((chi(s.best) - chi(m.l)) / 2)
		other := s.mirrored(m.theta, theta)
		if w < likelihoodFloor || slices.ContainsFunc(seen, func(old []float64) bool { return sameFit(old, other) }) {
			continue
		}
		seen = append(seen, other)
		id, err := Identify(ctx, p, other, sigma)
		if err != nil {
			return err
		}
		s.evaluations++
		weight += w
		for j, e := range id.Errors {
			square[j] += w * (e*e + (other[j]-theta[j])*(other[j]-theta[j]))
		}
	}
	for j := range errors {
		errors[j] = math.Sqrt(square[j] / weight)
	}
	return p.evaluate(ctx, theta, p.matrix())
}

// mirrored returns y, amplitude, radius of the defect at the coordinates t, on the side of the wire that is nearer to theta's.
func (s *search) mirrored(t, theta []float64) []float64 {
	v := newShapes(s.f.strip, 1).values(t)
	y := v[1][0]
	if other := float64(s.f.strip.Width-1) - y; math.Abs(other-theta[0]) < math.Abs(y-theta[0]) {
		y = other
	}
	return []float64{y, v[2][0], v[3][0]}
}

// sameFit tells whether two fits ended at one point.
func sameFit(a, b []float64) bool {
	for j := range a {
		if math.Abs(a[j]-b[j]) > 1e-3*(1+math.Abs(b[j])) {
			return false
		}
	}
	return true
}

func sumSquares(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return sum
}

// errors distributes the standard errors of the parameters.
func (d *Defects) errors(e []float64, free Quantities) {
	for range d.X {
		x := math.NaN()
		if free.X {
			x, e = e[0], e[1:]
		}
		d.XError, d.YError = append(d.XError, x), append(d.YError, e[0])
		d.AmplitudeError, d.RadiusError = append(d.AmplitudeError, e[1]), append(d.RadiusError, e[2])
		e = e[3:]
	}
}

// verdict tells whether the curve is explained. Without a known noise a fit counts if its residual is small against the
// structure it explains and looks like noise: white, no more than the target's own roughness can hold, and with no point that
// stands out as a missed resonance does.
func (s *search) verdict(l float64, g []float64) (bool, string) {
	n := float64(len(g))
	rms := math.Exp(l) / math.Sqrt(n)
	switch {
	case l <= exact:
		return true, fmt.Sprintf("Found: the curve is explained exactly, to %.2g e²/h.", rms)
	case s.o.Sigma > 0 && l <= s.goal():
		return true, fmt.Sprintf("Found: the curve is explained to its noise; residual %.3g e²/h for sigma = %.3g.", rms, s.o.Sigma)
	case s.o.Sigma > 0:
		return false, fmt.Sprintf("Not found: the best fit leaves %.3g e²/h for sigma = %.3g (L = %.4g). More defects, or another shape?", rms, s.o.Sigma, l)
	}
	structure, total, largest := 0.0, 0.0, 0.0
	r := make([]float64, len(g))
	for k := range g {
		c := float64(s.f.engine.Ceiling()[k]) - s.target[k]
		structure += c * c
		r[k] = g[k] - s.target[k]
		total += r[k] * r[k]
		largest = max(largest, math.Abs(r[k]))
	}
	if total < 0.02*structure && largest < 3.7*rms && white(r, total) && rms < 1.5*roughness(s.target) {
		return true, fmt.Sprintf("Found: what is left, %.3g e²/h, looks like noise; give sigma if it is known.", rms)
	}
	return false, fmt.Sprintf("Not found: the best fit leaves %.3g e²/h (L = %.4g). Noise (give sigma), more defects, or another shape?", rms, l)
}

// white tells whether residuals r with the sum of squares total are free of correlation, by the test of Box and Pierce over
// five lags at 99 %: a misfit varies smoothly along the sweep, noise does not.
func white(r []float64, total float64) bool {
	const lags, critical = 5, 15.09 // χ² of five degrees of freedom
	q := 0.0
	for lag := 1; lag <= min(lags, len(r)-1); lag++ {
		c := 0.0
		for k := lag; k < len(r); k++ {
			c += r[k] * r[k-lag]
		}
		q += c * c / (total * total)
	}
	return q*float64(len(r)) < critical
}

// roughness is the noise that curve could hold at most: the scaled median of its fourth differences, in which what varies
// over many points cancels.
func roughness(curve []float64) float64 {
	var d []float64
	for k := 2; k+2 < len(curve); k++ {
		d = append(d, math.Abs(curve[k-2]-4*curve[k-1]+6*curve[k]-4*curve[k+1]+curve[k+2]))
	}
	if len(d) == 0 {
		return posInf
	}
	slices.Sort(d)
	return d[len(d)/2] / (0.6745 * math.Sqrt(70)) // median of |normal|; 1 + 16 + 36 + 16 + 1
}

// canonical chooses one of the equivalent answers, see Defects.
func canonical(v [4][]float64, strip lattice.Strip) {
	x, y, a, r := v[0], v[1], v[2], v[3]
	if len(x) == 2 && math.Abs(a[1])*r[1] > math.Abs(a[0])*r[0] {
		for _, q := range v {
			q[0], q[1] = q[1], q[0]
		}
	}
	if last := float64(strip.Width - 1); y[0] > last/2 {
		for i := range y {
			y[i] = last - y[i]
		}
	}
	if len(x) == 2 && x[0] > x[1] { // G(φ) = G(−φ): the wire may be turned round
		for i := range x {
			x[i] = float64(strip.Length-1) - x[i]
		}
	}
}
