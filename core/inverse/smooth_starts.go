package inverse

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/optimize"
)

// Where a descent ends depends on the valley it starts in: L_pot of two of them differs by factors. So several starts are compared
// before one of them is smoothed to the end, in heats on a third of the points; after each heat the better half goes on. Starts are
// random long waves on a raised floor: a constant costs no roughness, and where fewer modes are open less of it is needed to conduct
// as little as the target does. L_pot of the paper's skylines ends two to three times (colosseum) and 1.4 times (nirvana) lower than
// from one such start. The numbers below were chosen on these and eight other curves.
const (
	// exploring is the share of the evaluations, and of the seconds, for heats; settling is what is not for them at least. In each
	// heat, heatSteps are taken from each start that is left; a start takes part in two heats at the mean. There are fewStarts to
	// manyStarts.
	exploring             = 0.38
	settling              = 130
	heatSteps             = 30
	fewStarts, manyStarts = 4, 16
	// heatWall is the L that heats keep to on their points, and loose the one from which all points are smoothed.
	heatWall = 0.4
	loose    = 0.0
	// longest is the number of modes along and across in the random waves, strength their root mean square in units of t.
	longest, strength = 3, 0.4
)

// heights of the floor are taken by the starts in turn, in units of that on which the uniform wire conducts as much as the target:
// higher ones end smoother, but do not reach every curve.
var heights = []float64{0.6, 0.45, 0.5}

// explore compares own with other starts and returns what has become of the best, on a part of the points; nil if there is too
// little to compare with.
func (s *smoother) explore(ctx context.Context, own *point) (*point, error) {
	count := (s.points/3 + 4) / 8 * 8 // full lanes of the kernels
	if count < 8 {
		count = s.points
	}
	budget := math.Min(exploring*float64(s.left()), float64(s.left()-settling))
	number := min(int(budget*float64(s.points)/float64(count)/(2*heatSteps)), manyStarts)
	if s.p.setup.Strip == nil || number < fewStarts {
		return nil, nil
	}
	limited, cancel := optimize.Limited(ctx, exploring*s.o.MaxSeconds)
	defer cancel()
	c, err := s.part(limited, count)
	var field []*walker
	if err == nil && c != nil {
		field, err = c.compare(limited, own, number)
		c.p.setup.Engine.(*adjoint.Wire).Close()
		s.evaluations, s.iterations = s.evaluations+share(c, s), s.iterations+c.iterations
	}
	if kind := fault.KindOf(err); kind == fault.Memory || kind == fault.Cancelled && ctx.Err() == nil && limited.Err() != nil {
		err = nil // there is no room or time for more
	}
	if err != nil || len(field) == 0 {
		return nil, err
	}
	return field[0].point, nil
}

// compare runs the heats and returns the starts left, the best first.
func (s *smoother) compare(ctx context.Context, own *point, number int) (field []*walker, err error) {
	if field, err = s.starts(ctx, own, number); err != nil {
		return nil, err
	}
	for last := false; !last; {
		last = len(field) <= 2
		for i, w := range field {
			if err := s.heat(ctx, w, last); err != nil {
				return field[:i], err
			}
		}
		slices.SortStableFunc(field, func(a, b *walker) int { return cmp.Compare(s.promise(a), s.promise(b)) })
		field = field[:(len(field)+1)/2]
	}
	return field, nil
}

// part returns a smoother that knows count points of s alone, evenly spread; nil if they have no weight.
func (s *smoother) part(ctx context.Context, count int) (*smoother, error) {
	strip, points := thinned(*s.p.setup.Strip, count)
	setup := Setup{Parametrization: s.p.setup.Parametrization, Strip: &strip, Target: sample(s.p.setup.Target, points)}
	if s.p.setup.Weights != nil {
		setup.Weights = sample(s.p.setup.Weights, points)
		if slices.Max(setup.Weights) == 0 {
			return nil, nil
		}
	}
	engine, err := adjoint.NewWire(strip, adjoint.Options{Threads: s.o.Threads, MemoryLimit: s.o.MemoryLimit, Context: ctx})
	if err != nil {
		return nil, err
	}
	setup.Engine = engine
	p, err := NewProblem(setup)
	if err != nil {
		engine.Close()
		return nil, err
	}
	o := s.o
	o.Level += 0.5 * math.Log(float64(count)/float64(s.points))
	c := newSmoother(p, o)
	if s.o.Observer != nil {
		c.o.Observer = func(it *SmoothProgress) error {
			it.Iteration, it.Part = it.Iteration+s.iterations, true
			it.Evaluations = s.evaluations + share(c, s)
			it.BestRoughness, it.Seconds = s.bestRough(), time.Since(s.began).Seconds()
			return s.o.Observer(it)
		}
	}
	return c, nil
}

// share is the evaluations of a part in units of those of the whole.
func share(part, whole *smoother) int {
	return (part.evaluations*part.points + whole.points - 1) / whole.points
}

// starts returns own and number − 1 others, from the same random numbers for all wires of as many sites.
func (s *smoother) starts(ctx context.Context, own *point, number int) (field []*walker, err error) {
	floor, err := s.floor(ctx)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(s.sites), 1))
	for i := range number {
		c := own.c
		if i > 0 {
			c = s.waves(random)
			c[0] = (s.p.setup.Strip.LeadOnsite + heights[i%len(heights)]*floor) * math.Sqrt(float64(s.sites))
		}
		q, err := s.evaluate(ctx, c)
		if fault.KindOf(err) == fault.Numerical {
			continue
		}
		if err != nil {
			return nil, err
		}
		field = append(field, newWalker(q))
	}
	return field, nil
}

// waves returns random long waves, in proportion to what they cost.
func (s *smoother) waves(random *rand.Rand) []float64 {
	c, sum := make([]float64, s.sites), 0.0
	for a := range min(longest, s.o.Length) {
		for b := range min(longest, s.o.Width) {
			if i := a*s.o.Width + b; i > 0 {
				c[i] = random.NormFloat64() / math.Sqrt(s.kappa[i])
				sum += c[i] * c[i]
			}
		}
	}
	scale := strength * math.Abs(s.p.setup.Strip.Hopping) * math.Sqrt(float64(s.sites)/max(sum, 1e-300))
	for i := range c {
		c[i] *= scale
	}
	return c
}

// heat takes w to the wall and smooths it along it; the last one narrows to the neck.
func (s *smoother) heat(ctx context.Context, w *walker, last bool) (err error) {
	wall, until := s.heatWall(), s.evaluations+heatSteps
	if w.l > wall {
		w.point, err = s.restore(ctx, w.point, wall, until)
	}
	if err == nil && w.l <= wall && !w.stuck {
		bottom := wall
		if last {
			bottom = math.Max(neck, s.o.Level)
		}
		err = s.descend(ctx, w, wall, bottom, until)
	}
	if fault.KindOf(err) == fault.Numerical { // a level exactly at the energy of a point
		w.stuck, err = true, nil
	}
	return err
}

func (s *smoother) heatWall() float64 { return math.Max(heatWall, s.o.Level) }

// promise ranks starts, the least first: by L_pot, more if they are above the wall or stuck.
func (s *smoother) promise(w *walker) float64 {
	p := w.rough * math.Exp(2*math.Max(0, w.l-s.heatWall()))
	if w.stuck {
		p *= 10
	}
	return p
}
