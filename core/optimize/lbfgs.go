package optimize

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	gonum "gonum.org/v1/gonum/optimize"
)

// store is the number of pairs of steps and gradient differences that L-BFGS keeps.
const store = 15

// lbfgs joins gonum's L-BFGS directions with gonum's Moré–Thuente line search; one iteration is one line search. gonum keeps
// its memory to itself, but it is a function of the last store+1 iterates alone: these are the state, and a resumed run
// feeds them to a new instance.
type lbfgs struct {
	e         *evaluator
	direction gonum.LBFGS
	l         float64
	g         []float64
}

func (b *lbfgs) begin(ctx context.Context, e *evaluator, s *State, fresh bool) (err error) {
	b.e = e
	b.g = make([]float64, len(s.Point))
	if b.l, err = e.gradient(ctx, s.Point, b.g); err != nil {
		return err
	}
	if fresh {
		s.Scalars, s.Vectors = []float64{1}, append(slices.Clone(s.Point), b.g...)
	}
	return nil
}

// next feeds the stored iterates to gonum and returns the direction at the last and the first step length to try. Replaying
// costs a few vector operations an iteration and leaves one code path for fresh and resumed runs.
func (b *lbfgs) next(s *State) (dir []float64, length float64) {
	b.direction = gonum.LBFGS{Store: store}
	n, pairs := len(s.Point), int(s.Scalars[0])
	dir = make([]float64, n)
	for i := range pairs {
		at := &gonum.Location{X: s.Vectors[i*n : (i+1)*n], Gradient: s.Vectors[(pairs+i)*n : (pairs+i+1)*n]}
		if i == 0 {
			length = b.direction.InitDirection(at, dir)
		} else {
			length = b.direction.NextDirection(at, dir)
		}
	}
	return dir, length
}

func (b *lbfgs) step(ctx context.Context, e *evaluator, s *State) (stepInfo, error) {
	dir, length := b.next(s)
	slope := dot(b.g, dir)
	if math.IsNaN(slope) || slope >= 0 || math.IsInf(b.l, 1) {
		return stepInfo{}, errStalled
	}
	search := gonum.MoreThuente{DecreaseFactor: 1e-4}
	search.Init(b.l, slope, length)
	x, g := make([]float64, len(s.Point)), make([]float64, len(s.Point))
	for {
		floats.AddScaledTo(x, s.Point, length, dir)
		if floats.Equal(x, s.Point) {
			return stepInfo{}, errStalled
		}
		l, err := e.gradient(ctx, x, g)
		if err != nil {
			return stepInfo{}, err
		}
		if math.IsInf(l, 1) { // outside the domain: halve the step, as if never tried
			length /= 2
			search.Init(b.l, slope, length)
			continue
		}
		op, next, err := search.Iterate(l, dot(g, dir))
		if err != nil {
			return stepInfo{}, errStalled
		}
		if op == gonum.MajorIteration || math.IsInf(l, -1) {
			info := stepInfo{accepted: true, norm: floats.Distance(x, s.Point, 2), damping: length}
			b.l, b.g = l, g
			b.remember(s, x, g)
			copy(s.Point, x)
			return info, nil
		}
		length = next
	}
}

// remember appends an iterate and drops the oldest beyond store+1.
func (b *lbfgs) remember(s *State, x, g []float64) {
	n, pairs := len(x), int(s.Scalars[0])
	points, gradients := s.Vectors[:pairs*n], s.Vectors[pairs*n:]
	if pairs == store+1 {
		points, gradients = points[n:], gradients[n:]
	}
	s.Vectors = slices.Concat(points, x, gradients, g)
	s.Scalars[0] = float64(min(pairs+1, store+1))
}

func (b *lbfgs) objective() float64     { return b.l }
func (b *lbfgs) slope(s *State) float64 { return projected(s.Point, b.g, nil, nil) }
