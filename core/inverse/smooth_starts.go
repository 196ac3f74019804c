package inverse

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"mcd/adjoint"
)

// Where a descent ends depends on the valley it starts in: L_pot of two of them differs by factors. So several starts are compared
// before one of them is smoothed to the end, in heats on a third of the points; after each heat the better half goes on. Starts are
// random long waves on a raised floor: a constant costs no roughness, and where fewer modes are open less of it is needed to conduct
// as little as the target does. L_pot of the paper's skylines ends 2.0 times (colosseum) and 1.2 times (nirvana) lower than from one
// such start.
const (
	// exploring is the share of the evaluations for heats, settling what is not for them at least. In each heat, heat steps are taken
	// from each start that is left; a start takes part in two heats at the mean.
	exploring = 0.55
	settling  = 130
	heat      = 30
	// heatWall is the L that heats keep to on their points, and loose the one from which all points are smoothed.
	heatWall = 0.4
	loose    = 0.0
	// longest is the number of modes along and across in the random waves, strength their root mean square in units of t.
	longest, strength = 3, 0.4
)

// shares are the heights of the floor that starts take in turn, in units of that on which the uniform wire conducts as much as the
// target: higher ones end smoother, but do not reach every curve.
var shares = []float64{0.6, 0.45, 0.5}

// explore returns where to start, the most promising first and own last.
func (s *smoother) explore(ctx context.Context, own *point) (starts []*point, err error) {
	count := (s.points/3 + 4) / 8 * 8 // full lanes of the kernels
	if count < 8 {
		count = s.points
	}
	budget := math.Min(exploring*float64(s.left()), float64(s.left()-settling))
	number := int(budget * float64(s.points) / float64(count) / (2 * heat))
	if s.p.setup.Strip == nil || number < 4 {
		return []*point{own}, nil
	}
	c, err := s.part(ctx, count)
	if err != nil {
		return nil, err
	}
	defer c.p.setup.Engine.(*adjoint.Wire).Close()
	field, err := c.starts(ctx, own, number)
	for err == nil && len(field) > 0 {
		last := len(field) <= 2
		for _, w := range field {
			if err = c.heat(ctx, w, last); err != nil {
				break
			}
		}
		slices.SortStableFunc(field, func(a, b *walker) int { return cmp.Compare(a.promise(), b.promise()) })
		if last {
			break
		}
		field = field[:(len(field)+1)/2]
	}
	s.evaluations, s.iterations = s.evaluations+share(c, s), s.iterations+c.iterations
	if err != nil {
		return nil, err
	}
	for _, w := range field {
		starts = append(starts, w.point)
	}
	return append(starts, own), nil
}

// part returns a smoother that knows count points of s alone, evenly spread.
func (s *smoother) part(ctx context.Context, count int) (*smoother, error) {
	strip, points := thinned(*s.p.setup.Strip, count)
	setup := Setup{Parametrization: s.p.setup.Parametrization, Strip: &strip, Target: sample(s.p.setup.Target, points)}
	if s.p.setup.Weights != nil {
		setup.Weights = sample(s.p.setup.Weights, points)
	}
	engine, err := adjoint.NewWire(strip, adjoint.Options{Threads: s.o.Threads, Context: ctx})
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
			it.Iteration += s.iterations
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

// starts returns own and number − 1 others; they are the same for every wire of these sites.
func (s *smoother) starts(ctx context.Context, own *point, number int) (field []*walker, err error) {
	floor, err := s.floor(ctx)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(s.sites), 0))
	for i := range number {
		c := own.c
		if i > 0 {
			c = s.waves(random)
			c[0] = (s.p.setup.Strip.LeadOnsite + shares[i%len(shares)]*floor) * math.Sqrt(float64(s.sites))
		}
		q, err := s.evaluate(ctx, c)
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
	wall, until := math.Max(heatWall, s.o.Level), s.evaluations+heat
	if w.l > wall {
		if w.point, err = s.restore(ctx, w.point, wall, heat); err != nil {
			return err
		}
	}
	if w.l > wall || w.stuck {
		return nil
	}
	bottom := wall
	if last {
		bottom = math.Max(neck, s.o.Level)
	}
	return s.descend(ctx, w, wall, bottom, until-s.evaluations)
}

// promise ranks starts, the best first: by L_pot, more if they are above the wall or stuck.
func (w *walker) promise() float64 {
	p := w.rough * math.Exp(2*math.Max(0, w.l-heatWall))
	if w.stuck {
		p *= 10
	}
	return p
}
