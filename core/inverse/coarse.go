package inverse

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"mcd/adjoint"
	"mcd/core/lattice"
	"mcd/core/optimize"
	"mcd/core/parallel"
)

// coarse is a short piece of the wire at some of its points, on which candidates are cheap: clean slices reflect nothing, so
// a defect has the same curve in a wire that is just long enough to hold it.
type coarse struct {
	engine *adjoint.Wire
	strip  lattice.Strip
	points []int // of the full wire

	single *table
	wells  *table // finer, for attractive defects; nil until needed
	pairs  *table // random pairs
}

// table holds curves of single defects (entries × points of the coarse wire).
type table struct {
	theta  [][]float64
	curves []float64
}

const (
	// coarsePoints is the greatest number of points of the coarse wire (a multiple of the kernels' lanes), coarseLength its
	// greatest length.
	coarsePoints = 32
	coarseLength = 21
)

// prepare builds the coarse wire for count defects and its first table unless they are there. Pairs need the whole length.
func (f *Finder) prepare(ctx context.Context, count, threads int) (c *coarse, err error) {
	if c = f.coarse[count-1]; c == nil {
		length := f.strip.Length
		if count == 1 {
			length = min(length, coarseLength)
		}
		if c, err = newCoarse(ctx, f.strip, length, threads); err != nil {
			return nil, err
		}
		f.coarse[count-1] = c
	}
	c.engine.SetThreads(threads)
	switch {
	case count == 1 && c.single == nil:
		c.single, err = c.tabulate(ctx, grid(f.strip.Width))
	case count == 2 && c.pairs == nil:
		c.pairs, err = c.tabulate(ctx, randomPairs(f.strip))
	}
	return c, err
}

func newCoarse(ctx context.Context, strip lattice.Strip, length, threads int) (*coarse, error) {
	c := new(coarse)
	c.strip, c.points = thinned(strip, min(coarsePoints, strip.Points()))
	c.strip.Length = length
	var err error
	c.engine, err = adjoint.NewWire(c.strip, adjoint.Options{Threads: threads, Context: ctx})
	return c, err
}

// thinned returns the strip at count of its points, evenly spread, and which ones these are.
func thinned(strip lattice.Strip, count int) (thin lattice.Strip, points []int) {
	thin = strip
	thin.Fields, thin.Energies = nil, nil
	for i := range count {
		k := i * (strip.Points() - 1) / max(1, count-1)
		points = append(points, k)
		thin.Fields = append(thin.Fields, strip.Fields[k])
		thin.Energies = append(thin.Energies, strip.Energies[k])
	}
	return thin, points
}

// sample returns the given points of a curve.
func sample(curve []float64, points []int) []float64 {
	out := make([]float64, len(points))
	for i, k := range points {
		out[i] = curve[k]
	}
	return out
}

// pairEntries is the number of random pairs in the table: a basin of attraction holds a few of them.
const pairEntries = 3000

// randomPairs lists pairs of defects all over the wire, three of four defects repulsive; the list is always the same.
func randomPairs(strip lattice.Strip) (list [][]float64) {
	random := rand.New(rand.NewPCG(0, uint64(strip.Sites())))
	uniform := func(a, b float64) float64 { return a + (b-a)*random.Float64() }
	single := func() []float64 {
		amplitude := math.Exp(uniform(math.Log(2), math.Log(20)))
		if random.IntN(4) == 0 {
			amplitude = -uniform(1, 5)
		}
		return coordinates(uniform(0, float64(strip.Width-1)), amplitude, uniform(1.3, 3.3))
	}
	for range pairEntries {
		list = append(list, pair(single(), single(), uniform(0, 0.85*float64(strip.Length-1))))
	}
	return list
}

// grid lists single defects over half the wire; the other half is its mirror image.
func grid(width int) (list [][]float64) {
	half := float64(width-1) / 2
	steps := max(1, min(int(half), 20))
	for i := range steps + 1 {
		for _, amplitude := range []float64{2, 5, 10, 20, -1, -2, -3, -4, -5} {
			for _, radius := range []float64{1.3, 2, 3} {
				list = append(list, coordinates(half*float64(i)/float64(steps), amplitude, radius))
			}
		}
	}
	return list
}

// wellGrid lists attractive defects on a grid so fine that one of them lies within the narrow basins of their resonances.
func wellGrid(width int) (list [][]float64) {
	half := float64(width-1) / 2
	steps := max(1, min(2*int(half), 30))
	for i := range steps + 1 {
		for amplitude := -0.8; amplitude > -5.5; amplitude *= 1.1 {
			for radius := 1.2; radius < 3.5; radius *= 1.15 {
				list = append(list, coordinates(half*float64(i)/float64(steps), amplitude, radius))
			}
		}
	}
	return list
}

// tabulate computes the curves of a list of single defects.
func (c *coarse) tabulate(ctx context.Context, list [][]float64) (*table, error) {
	n := len(c.points)
	t := &table{theta: list, curves: make([]float64, len(list)*n)}
	h, shape := make([]float64, c.strip.Sites()), newShapes(c.strip, len(list[0])/3) // 3 or 8 coordinates
	for i, theta := range list {
		shape.Onsite(theta, h)
		if err := c.engine.Value(ctx, h, t.curves[i*n:(i+1)*n]); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// ranked lists the entries of a table, the most promising first: ranks by squares and by a robust measure in turn.
func (c *coarse) ranked(t *table, target []float64) [][]float64 {
	n := len(target)
	rank := func(cost func(r float64) float64) []int {
		costs, order := make([]float64, len(t.theta)), make([]int, len(t.theta))
		for i := range order {
			order[i] = i
			for k, g := range t.curves[i*n : (i+1)*n] {
				costs[i] += cost(g - target[k])
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(costs[a], costs[b]) })
		return order
	}
	squares := rank(func(r float64) float64 { return r * r })
	robust := rank(func(r float64) float64 { return math.Log1p(r * r / 0.01) })
	var list [][]float64
	seen := map[int]bool{}
	for i := range squares {
		for _, j := range [2]int{squares[i], robust[i]} {
			if !seen[j] {
				seen[j] = true
				list = append(list, t.theta[j])
			}
		}
	}
	return list
}

// fit runs Levenberg–Marquardt on the coarse wire and returns where it ends and L there (least squares).
func (c *coarse) fit(ctx context.Context, s *search, start, target []float64, robust bool, evaluations int) (theta []float64, l float64, err error) {
	setup := Setup{Engine: c.engine, Strip: &c.strip, Target: target, Parametrization: newShapes(c.strip, s.o.Count)}
	if robust {
		setup.Loss = Loss{Name: "log", Scale: 0.1}
	}
	p, err := NewProblem(setup)
	if err != nil {
		return nil, 0, err
	}
	o := optimize.Defaults("lm")
	o.Threads = s.o.Threads
	o.MaxEvaluations = min(evaluations, s.o.MaxEvaluations-s.evaluations)
	o.StopObjective, o.StepTolerance = -7, 1e-6
	o.StallIterations, o.StallTolerance = 8, 0.05
	before := s.evaluations
	o.Observer = func(it *optimize.Iteration) error { return s.observe(it, before, nil) }
	r, err := optimize.Minimize(ctx, p, start, o)
	if err != nil {
		return nil, 0, err
	}
	s.evaluations += r.Evaluations
	if r.Status == optimize.Cancelled {
		return nil, 0, parallel.Cancelled(ctx)
	}
	l = r.Objective
	if robust && slices.Equal(p.best, r.Point) {
		l = 0.5 * math.Log(sumSquares(p.bestG, target))
	}
	return r.Point, l, nil
}
