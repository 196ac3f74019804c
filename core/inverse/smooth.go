package inverse

import (
	"context"

	"mcd/core/fault"
)

// SmoothOptions govern Smooth; the problem's parametrization must be Sites without filter, ties or mask.
type SmoothOptions struct {
	// Length and Width of the wire.
	Length, Width int
	// Level is the agreement to keep: L without regularizers ≤ Level.
	Level float64
	// MaxEvaluations bounds the evaluations, 0 for 150.
	MaxEvaluations int
	MaxSeconds     float64
	Observer       func(*SmoothProgress) error
}

// SmoothProgress is what an observer sees after an iteration.
type SmoothProgress struct {
	Iteration, Evaluations int
	// Objective is L, Roughness L_pot of the current point; BestRoughness the lowest at the level asked.
	Objective, Roughness, BestRoughness float64
	Seconds                             float64
}

// SmoothResult is the smoothest potential found.
type SmoothResult struct {
	Outcome
	// Roughness is L_pot of the result, StartRoughness of the start.
	Roughness, StartRoughness float64
}

// Smooth minimises L_pot (see Smoothness) subject to L ≤ Level, starting from theta.
func Smooth(ctx context.Context, p *Problem, theta []float64, o SmoothOptions) (*SmoothResult, error) {
	return nil, fault.New(fault.Unsupported, "smoothing at constant conductance is not built yet")
}
