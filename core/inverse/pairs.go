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
	if err := s.fit(ctx, list[0], 1, 0); err != nil { // so that there is a result whatever comes
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
	before := s.best
	if err := s.fit(ctx, p.theta, fitEvaluations, 0); err != nil || s.best == before {
		return err
	}
	return s.finish(ctx)
}

// finish makes what a candidate found exact.
func (s *search) finish(ctx context.Context) error {
	if s.best > nearlyExplained && s.best <= s.promising(len(s.target)) {
		full, err := s.problem(Loss{})
		if err != nil {
			return err
		}
		if err := s.sharpen(ctx, full); err != nil {
			return err
		}
	}
	if s.best > nearlyExplained {
		return nil
	}
	return s.slide(ctx)
}

// nearlyExplained is the L below which only the place of a pair along the wire can be wrong.
const nearlyExplained = -5

// settled is the L from which on a pair's place along the wire changes nothing that the curve could tell: rounding or noise.
func (s *search) settled() float64 {
	if s.o.Sigma == 0 {
		return -25
	}
	return s.goal()
}

// slide moves the best pair along the wire. Where it stands shows in two ways only: in where its centre lies between two sites,
// by exp(−(πr)²), which leaves a minimum or two to every site, and in the tails that the wire's ends cut, which fall off so fast
// that they do not lead a fit there from afar. So it is moved by parts of a site first, then by whole sites, and once more where
// that helped.
func (s *search) slide(ctx context.Context) error {
	for before := posInf; s.best < before-1 && s.best > s.settled(); {
		before = s.best
		for _, moves := range [2][]float64{{0.25, 0.5, 0.75}, wholeSites(s.f.strip.Length)} {
			from := slices.Clone(s.theta)
			reach := float64(s.f.strip.Length-1)/2 - math.Abs(from[6])/2
			for _, by := range moves {
				theta := slices.Clone(from)
				if theta[7] += by; math.Abs(theta[7]) > reach {
					continue
				}
				if err := s.fit(ctx, theta, slideEvaluations, slideDamping); err != nil || s.best <= s.settled() {
					return err
				}
			}
		}
		if err := s.fit(ctx, slices.Clone(s.theta), fitEvaluations, slideDamping); err != nil {
			return err
		}
	}
	return nil
}

// wholeSites lists 1, −1, 2, −2, … sites.
func wholeSites(length int) (moves []float64) {
	for n := 1; n < length; n++ {
		moves = append(moves, float64(n), -float64(n))
	}
	return moves
}

const (
	// slideEvaluations is what a place along the wire is worth.
	slideEvaluations = 20
	// slideDamping lets weak traces of the place count from the first step on.
	slideDamping = 1e-8
)
