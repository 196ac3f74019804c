// Command packages answers for the gallery what mcd's Go packages know and the Python binding has no name for: the smoothest
// potential at a given agreement, and the nearest feasible target. It reads one request as JSON and writes one answer.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/lattice"
)

// request describes a wire in units of its hopping, with leads at 4, and a target curve. With an on-site start, its
// potential is smoothed at L ≤ Level.
type request struct {
	Length, Width            int
	Fields, Energies, Target []float64
	Onsite                   []float64
	Level                    float64
	Evaluations              int
}

// answer holds the nearest feasible target and, if a potential was given, the smoothest one found.
type answer struct {
	Nearest                   []float64
	Onsite, Conductance       []float64
	Objective                 float64
	Roughness, StartRoughness float64
	Evaluations               int
	Seconds                   float64
	History                   []float64 // roughness
	HistoryEvaluations        []int64
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var q request
	if err := json.NewDecoder(os.Stdin).Decode(&q); err != nil {
		return err
	}
	strip := lattice.Strip{Length: q.Length, Width: q.Width, Hopping: 1, LeadOnsite: 4, Fields: q.Fields, Energies: q.Energies}
	wire, err := adjoint.NewWire(strip, adjoint.Options{})
	if err != nil {
		return err
	}
	defer wire.Close()
	a := answer{Nearest: inverse.NearestFeasible(wire.Ceiling(), q.Target, &strip)}
	if q.Onsite != nil {
		if err := a.smooth(&q, wire, &strip); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

func (a *answer) smooth(q *request, wire *adjoint.Wire, strip *lattice.Strip) error {
	sites, err := inverse.Sites{Length: q.Length, Width: q.Width, Start: q.Onsite}.Build()
	if err != nil {
		return err
	}
	problem, err := inverse.NewProblem(inverse.Setup{Engine: wire, Strip: strip, Target: q.Target, Parametrization: sites})
	if err != nil {
		return err
	}
	r, err := inverse.Smooth(context.Background(), problem, q.Onsite, inverse.SmoothOptions{
		Length: q.Length, Width: q.Width, Level: q.Level, MaxEvaluations: q.Evaluations})
	if err != nil {
		return err
	}
	a.Onsite, a.Conductance, a.Objective = r.Onsite, r.Conductance, r.Objective
	a.Roughness, a.StartRoughness = r.Roughness, r.StartRoughness
	a.Evaluations, a.Seconds = r.Evaluations, r.Seconds
	a.History, a.HistoryEvaluations = r.History, r.HistoryEvaluations
	return nil
}
