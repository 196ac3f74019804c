package inverse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"mcd/core/fault"
	"mcd/core/optimize"
	"mcd/core/parallel"
	"mcd/core/scatter"
)

// Locator finds Gaussian defects in a device, along the wire too where side leads break its symmetry. Its engine's inputs are
// energies added to the orbitals of the clean device. It keeps what depends on the device alone, a table of the curves of
// single defects, so that later searches start at once. Use it from one goroutine at a time.
type Locator struct {
	engine    scatter.Engine
	positions []float64 // [orbital](x, y)
	unit      float64   // of amplitudes
	lower     [2]float64
	upper     [2]float64 // corner of what the orbitals occupy

	table  [][]float64 // coordinates of spots
	curves [][]float64 // of each
}

// LocateOptions govern Locator.Locate.
type LocateOptions struct {
	// Count is the number of defects, at least 1; 0 means 1.
	Count int
	// Weights w ≥ 0 of the residuals, nil for ones (Outputs).
	Weights []float64
	// Sigma is the standard deviation of the noise of w·target, 0 if unknown.
	Sigma float64
	// Threads bounds the goroutines of what is computed here, 0 for all processors; results do not depend on it.
	Threads int
	// MaxEvaluations bounds the evaluations after the table is there, 0 for 5000, and 50000 more for every further defect; MaxSeconds bounds the time, 0 for no limit.
	MaxEvaluations int
	MaxSeconds     float64
	// Observer, if not nil, sees every iteration; its points are x, y, amplitude, radius of every defect.
	Observer func(*Progress) error
}

// NewLocator returns a locator for a device whose orbitals have positions (x, y), one pair each; amplitudes are searched in
// units of unit, which should be the hopping.
func NewLocator(engine scatter.Engine, positions []float64, unit float64) (*Locator, error) {
	switch {
	case engine == nil || 2*engine.Inputs() != len(positions):
		return nil, fault.Invalid("positions", "%d values; give x and y of every orbital", len(positions))
	case !(unit > 0) || math.IsInf(unit, 0):
		return nil, fault.Invalid("unit", "%g; give a finite energy above 0", unit)
	}
	l := &Locator{engine: engine, positions: slices.Clone(positions), unit: unit}
	for k := range 2 {
		l.lower[k], l.upper[k] = posInf, negInf
		for i := k; i < len(positions); i += 2 {
			l.lower[k], l.upper[k] = min(l.lower[k], positions[i]), max(l.upper[k], positions[i])
		}
	}
	return l, nil
}

// places is how many positions of a defect the table should have.
const places = 100

// grid lists the table's defects in the coordinates of spots: positions on a square grid wherever there are orbitals.
func (l *Locator) grid() [][]float64 {
	pitch := 1.0
	for {
		var grid [][]float64
		for x := l.lower[0]; x <= l.upper[0]; x += pitch {
			for y := l.lower[1]; y <= l.upper[1]; y += pitch {
				if !l.occupied(x, y, pitch) {
					continue
				}
				for _, amplitude := range []float64{0.5, 2, 5, 15, -0.5, -1, -2, -4} {
					for _, radius := range []float64{1, 2, 3} {
						grid = append(grid, []float64{x, y, math.Asinh(amplitude), math.Log(radius)})
					}
				}
			}
		}
		if len(grid) <= 24*places {
			return grid
		}
		pitch *= math.Sqrt(float64(len(grid)) / (24 * places))
		pitch += 1e-9 // else rounding may keep it
	}
}

// occupied tells whether an orbital lies within half a pitch of a place.
func (l *Locator) occupied(x, y, pitch float64) bool {
	for i := 0; i < len(l.positions); i += 2 {
		if math.Abs(l.positions[i]-x) <= pitch/2 && math.Abs(l.positions[i+1]-y) <= pitch/2 {
			return true
		}
	}
	return false
}

// prepare computes the table; see is called after every row and may end it by an error.
func (l *Locator) prepare(ctx context.Context, see func(rows int) error) error {
	if l.curves != nil {
		return nil
	}
	h, n := make([]float64, l.engine.Inputs()), l.engine.Outputs()
	grid := l.grid()
	var curves [][]float64
	for row, theta := range grid {
		l.spots(1).Onsite(theta, h)
		g := make([]float64, n)
		if err := l.engine.Value(ctx, h, g); err != nil {
			return err
		}
		curves = append(curves, g)
		if err := see(row + 1); err != nil {
			return err
		}
	}
	l.table, l.curves = grid, curves
	return nil
}

// Locate searches the defects that explain target (Outputs).
func (l *Locator) Locate(ctx context.Context, target []float64, o LocateOptions) (d *Defects, err error) {
	defer parallel.Recover(&err)
	o.Count = max(o.Count, 1)
	if o.MaxEvaluations == 0 {
		o.MaxEvaluations = 5000 + 50000*(o.Count-1)
	}
	switch {
	case !(o.Sigma >= 0) || math.IsInf(o.Sigma, 0):
		return nil, fault.Invalid("sigma", "%g; give the noise's standard deviation in e²/h, 0 if unknown", o.Sigma)
	case o.MaxEvaluations < 0:
		return nil, fault.Invalid("max_evaluations", "%d; give at least 1, 0 for the default", o.MaxEvaluations)
	case !(o.MaxSeconds >= 0) || math.IsInf(o.MaxSeconds, 0):
		return nil, fault.Invalid("time_limit", "%g; give a finite number of seconds, 0 for no limit", o.MaxSeconds)
	}
	s := &location{l: l, target: slices.Clone(target), o: o, began: time.Now(), best: posInf}
	if _, err := s.problem(o.Count); err != nil {
		return nil, err
	}
	if err := within(ctx, o.MaxSeconds, &s.status, s.run, func() bool { return s.theta != nil }); err != nil {
		return nil, err
	}
	return s.result(context.WithoutCancel(ctx))
}

// location is one Locate.
type location struct {
	l      *Locator
	target []float64
	o      LocateOptions
	began  time.Time

	evaluations int
	best        float64
	theta       []float64
	history     []float64
	counts      []int64
	status      optimize.Status
}

// goal is the L at which the search ends, as for a Finder.
func (s *location) goal() float64 {
	if s.o.Sigma == 0 {
		return exact
	}
	n := float64(len(s.target))
	return 0.5*math.Log(n+2*math.Sqrt(2*n)) + math.Log(s.o.Sigma)
}

// A search adds one defect after the other: on top of each of the best fits so far stands every row of the table in turn, and
// the best of these starts are fitted, all defects together.
const (
	branches = 8  // fits that are continued by another defect
	tries    = 40 // starts of the first defect that are fitted
	retries  = 12 // starts of another defect on top of each fit
)

// fitted is a fit of some defects.
type fitted struct {
	theta     []float64
	objective float64
}

// run adds defects until there are as many as asked for, and ends once the goal is reached.
func (s *location) run(ctx context.Context) error {
	err := s.l.prepare(ctx, func(rows int) error {
		return s.see(&optimize.Iteration{Iteration: rows, Evaluations: rows, Objective: posInf, BestObjective: posInf}, 0)
	})
	if err != nil {
		return err
	}
	fits := []fitted{{}}
	for count := 1; count <= s.o.Count; count++ {
		p, err := s.problem(count)
		if err != nil {
			return err
		}
		var next []fitted
		for _, f := range fits {
			starts, err := s.starts(ctx, p, f.theta)
			if err != nil {
				return err
			}
			for _, theta := range starts {
				if s.evaluations >= s.o.MaxEvaluations && s.theta != nil {
					s.status = optimize.Evaluations
					return nil
				}
				got, err := s.fit(ctx, p, theta, count == s.o.Count)
				if err != nil {
					return err
				}
				if s.best <= s.goal() {
					s.status = optimize.Objective
					return nil
				}
				next = append(next, got)
			}
		}
		fits = best(next)
	}
	s.status = optimize.Stalled
	return nil
}

// best returns the best fits of different defects.
func best(fits []fitted) (kept []fitted) {
	slices.SortStableFunc(fits, func(a, b fitted) int { return cmp.Compare(a.objective, b.objective) })
	for _, f := range fits {
		known := slices.ContainsFunc(kept, func(k fitted) bool { return rms(k.theta, f.theta) < 0.05 })
		if !known && len(kept) < branches {
			kept = append(kept, f)
		}
	}
	return kept
}

func (s *location) problem(count int) (*Problem, error) {
	return NewProblem(Setup{Engine: s.l.engine, Target: s.target, Weights: s.o.Weights, Parametrization: s.l.spots(count)})
}

// starts returns the defects of theta with one more of the table, the most promising first.
func (s *location) starts(ctx context.Context, p *Problem, theta []float64) ([][]float64, error) {
	square, order, n := make([]float64, len(s.l.table)), make([]int, len(s.l.table)), len(s.target)
	r := make([]float64, n)
	for i, row := range s.l.table {
		order[i] = i
		if len(theta) > 0 {
			if err := p.Residual(ctx, slices.Concat(theta, row), r); err != nil {
				return nil, err
			}
			s.evaluations++
		} else {
			copy(p.g, s.l.curves[i])
			p.residual(row, r, nil)
		}
		square[i] = sumSquares(r, make([]float64, n))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(square[a], square[b]) })
	most := tries
	if len(theta) > 0 {
		most = retries
	}
	var list [][]float64
	for _, i := range order[:min(most, len(order))] {
		list = append(list, slices.Concat(theta, s.l.table[i]))
	}
	return list, nil
}

// fit runs Levenberg–Marquardt from theta; the best point of all defects is kept.
func (s *location) fit(ctx context.Context, p *Problem, theta []float64, all bool) (fitted, error) {
	o := optimize.Defaults("lm")
	o.Threads = s.o.Threads
	o.MaxEvaluations = 25
	if all {
		o.MaxEvaluations = 40*s.o.Count + 20
	}
	o.StopObjective, o.StepTolerance = -27, 1e-12
	o.StallIterations, o.StallTolerance = 15, 0.02
	before := s.evaluations
	o.Observer = func(it *optimize.Iteration) error { return s.see(it, before) }
	r, err := optimize.Minimize(ctx, p, theta, o)
	if r == nil {
		return fitted{}, err
	}
	s.evaluations += r.Evaluations
	if all {
		for i, objective := range r.History {
			s.history = append(s.history, min(objective, s.best))
			s.counts = append(s.counts, int64(before)+r.HistoryEvaluations[i])
		}
		if r.Objective < s.best {
			s.best, s.theta = r.Objective, r.Point
		}
	}
	if r.Status == optimize.Cancelled {
		return fitted{}, parallel.Cancelled(ctx)
	}
	return fitted{r.Point, r.Objective}, err
}

// see shows an iteration to the observer.
func (s *location) see(it *optimize.Iteration, before int) error {
	if s.o.Observer == nil {
		return nil
	}
	shown := *it
	shown.Seconds = time.Since(s.began).Seconds()
	if it.Point != nil {
		shown.Point = flat(s.l.spots(len(it.Point) / 4).values(it.Point))
	}
	return s.o.Observer(&Progress{Iteration: &shown, Starts: 1, TotalEvaluations: before + it.Evaluations, BestOfAll: min(s.best, it.BestObjective)})
}

// result turns the best point into Gaussians with error bars.
func (s *location) result(ctx context.Context) (*Defects, error) {
	v := s.l.spots(s.o.Count).values(s.theta)
	order := make([]int, s.o.Count)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(math.Abs(v[2][b])*v[3][b], math.Abs(v[2][a])*v[3][a])
	})
	var q [4][]float64
	for i := range q {
		for _, d := range order {
			q[i] = append(q[i], v[i][d])
		}
	}
	spec := Gaussians{Positions: s.l.positions, X: q[0], Y: q[1], Amplitude: q[2], Radius: q[3],
		Free: Quantities{X: true, Y: true, Amplitude: true, Radius: true}, Background: []float64{0}}
	g, err := spec.Build()
	if err != nil {
		return nil, err
	}
	d := &Defects{Setup: Setup{Engine: s.l.engine, Target: s.target, Weights: s.o.Weights, Parametrization: g},
		X: q[0], Y: q[1], Amplitude: q[2], Radius: q[3]}
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
	d.errors(id.Errors, spec.Free)
	onsite, err := p.Onsite(theta)
	if err != nil {
		return nil, err
	}
	r := make([]float64, p.Residuals())
	p.residual(theta, r, nil)
	objective := 0.5 * math.Log(sumSquares(r, make([]float64, len(r))))
	d.Outcome = Outcome{Status: s.status, Theta: theta, Parameters: theta, Onsite: onsite, Conductance: slices.Clone(p.g),
		Objective: objective, History: s.history, HistoryEvaluations: s.counts, Evaluations: s.evaluations,
		Seconds: time.Since(s.began).Seconds()}
	rms := math.Exp(objective) / math.Sqrt(float64(len(r)))
	d.Found = objective <= s.goal()
	d.Message = fmt.Sprintf("Found: the curves are explained, to %.2g e²/h.", rms)
	if !d.Found {
		d.Message = fmt.Sprintf("Not found: the best fit leaves %.3g e²/h (L = %.4g). Noise (give sigma), more defects, or another shape?", rms, objective)
	}
	d.Outcomes = []Outcome{d.Outcome}
	d.TotalEvaluations, d.TotalSeconds = d.Evaluations, d.Seconds
	d.Feasibility, d.Engine = p.feasibility, s.l.engine.Name()
	return d, nil
}

// spots are Gaussian defects in a device in the coordinates in which they are searched: x, y, asinh(amplitude/unit),
// log(radius) of each.
type spots struct {
	l     *Locator
	count int
}

var _ Parametrization = (*spots)(nil)

func (l *Locator) spots(count int) *spots { return &spots{l, count} }

func (s *spots) Sites() int       { return len(s.l.positions) / 2 }
func (s *spots) Parameters() int  { return 4 * s.count }
func (s *spots) Start() []float64 { return make([]float64, s.Parameters()) }

// Bounds keep defects on the device, amplitudes within ±1000 and radii between half a lattice constant and the device's size.
func (s *spots) Bounds() (lower, upper []float64) {
	size := max(s.l.upper[0]-s.l.lower[0], s.l.upper[1]-s.l.lower[1])
	for range s.count {
		lower = append(lower, s.l.lower[0]-2, s.l.lower[1]-2, -math.Asinh(1000), math.Log(0.5))
		upper = append(upper, s.l.upper[0]+2, s.l.upper[1]+2, math.Asinh(1000), math.Log(size+1))
	}
	return lower, upper
}

// Scales are how far one step may go: a site, 30 % of the amplitude, 20 % of the radius.
func (s *spots) Scales() (scales []float64) {
	for range s.count {
		scales = append(scales, 1, 1, 0.3, 0.2)
	}
	return scales
}

func (s *spots) Label(j int) string {
	return fmt.Sprintf("%s[%d]", [4]string{"x", "y", "asinh(amplitude)", "log(radius)"}[j%4], j/4)
}

// values returns x, y, amplitude, radius of every defect.
func (s *spots) values(theta []float64) (v [4][]float64) {
	for d := range s.count {
		t := theta[4*d:]
		for q, value := range [4]float64{t[0], t[1], s.l.unit * math.Sinh(t[2]), math.Exp(t[3])} {
			v[q] = append(v[q], value)
		}
	}
	return v
}

func (s *spots) gaussians(theta []float64) *gaussians {
	return &gaussians{positions: s.l.positions, background: make([]float64, s.Sites()), value: s.values(theta),
		free: [4]bool{true, true, true, true}, lower: make([]float64, 4*s.count)}
}

func (s *spots) Onsite(theta, h []float64) {
	g := s.gaussians(theta)
	g.Onsite(flat(g.value), h)
}

// Pull: dA = unit·cosh(asinh(A/unit))·dθ, dr = r·dθ.
func (s *spots) Pull(theta, jac []float64, rows int, out []float64) {
	g := s.gaussians(theta)
	g.Pull(flat(g.value), jac, rows, out)
	for i := range rows * s.count {
		d := i % s.count
		out[4*i+2] *= s.l.unit * math.Cosh(theta[4*d+2])
		out[4*i+3] *= g.value[3][d]
	}
}
