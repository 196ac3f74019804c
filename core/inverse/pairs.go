package inverse

import (
	"cmp"
	"context"
	"math"
	"slices"

	"mcd/core/optimize"
)

// wave is the number of pairs of a round of successive halving, stages what each round does: the evaluations every
// candidate gets and the share of candidates that go on.
const wave = 64

var stages = [...]struct{ evaluations, keep int }{{10, 16}, {15, 5}, {30, 0}}

// candidatePair is a pair on its way through the stages.
type candidatePair struct {
	theta []float64
	l     float64
}

// pairs searches two defects: wave after wave of the table's most promising pairs goes through successive halving on the
// coarse wire; whatever fits there is tried on the full one.
func (s *search) pairs(ctx context.Context, c *coarse, target []float64) error {
	list := c.ranked(c.pairs, target)
	if err := s.fit(ctx, list[0], 1); err != nil { // so that there is a result whatever comes
		return err
	}
	for at := 0; at < len(list); at += wave {
		var field []candidatePair
		for _, theta := range list[at:min(at+wave, len(list))] {
			field = append(field, candidatePair{theta: theta})
		}
		for _, stage := range stages {
			for i := range field {
				if s.spent() {
					s.status = optimize.Evaluations
					return nil
				}
				if err := s.advance(ctx, c, target, &field[i], stage.evaluations); err != nil {
					return err
				}
				if s.best <= s.goal() {
					s.status = optimize.Objective
					return nil
				}
			}
			slices.SortStableFunc(field, func(a, b candidatePair) int { return cmp.Compare(a.l, b.l) })
			field = field[:min(stage.keep, len(field))]
		}
	}
	s.status = optimize.Stalled
	return nil
}

// advance continues a candidate on the coarse wire and, where it fits, on the full one.
func (s *search) advance(ctx context.Context, c *coarse, target []float64, p *candidatePair, evaluations int) (err error) {
	if p.theta, p.l, err = c.fit(ctx, s, p.theta, target, false, evaluations); err != nil {
		return err
	}
	if p.l > s.promising(len(target)) || s.known(p.theta) {
		return nil
	}
	s.fitted = append(s.fitted, p.theta)
	if err := s.fit(ctx, p.theta, fitEvaluations); err != nil || s.best <= s.goal() || s.best > nearlyExplained {
		return err
	}
	return s.slide(ctx)
}

// nearlyExplained is the L below which only the place of a pair along the wire can be wrong.
const nearlyExplained = -3

// slide moves the best pair along the wire. Where it stands shows only in the tails that the wire's ends cut, which fall off
// so fast that they do not lead a fit there from afar.
func (s *search) slide(ctx context.Context) error {
	from := slices.Clone(s.theta)
	reach := float64(s.f.strip.Length-1)/2 - math.Abs(from[6])/2
	for centre := -math.Floor(reach); centre <= reach; centre += slideStep {
		theta := slices.Clone(from)
		theta[7] = centre
		if err := s.fit(ctx, theta, slideEvaluations); err != nil {
			return err
		}
	}
	return s.fit(ctx, slices.Clone(s.theta), fitEvaluations)
}

// slideStep is the distance of the places tried along the wire, slideEvaluations what each is worth.
const (
	slideStep        = 1.5
	slideEvaluations = 10
)
