package inverse_test

import (
	"context"
	"fmt"
	"log"
	"math"

	"mcd/adjoint"
	"mcd/core/inverse"
	"mcd/core/lattice"
)

const length, width, points = 12, 9, 16

// exampleWire is a clean wire of 12 × 9 sites with 16 fields, and a potential of lead on-site energies to add to.
func exampleWire() (*adjoint.Wire, lattice.Strip, []float64) {
	strip := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4}
	for k := range points {
		strip.Fields = append(strip.Fields, 0.01*float64(k))
		strip.Energies = append(strip.Energies, 1.2)
	}
	wire, err := adjoint.NewWire(strip, adjoint.Options{})
	if err != nil {
		log.Fatal(err)
	}
	onsite := make([]float64, length*width)
	for i := range onsite {
		onsite[i] = strip.LeadOnsite
	}
	return wire, strip, onsite
}

// A Gaussian defect is found from the curve that it leaves.
func ExampleFindDefect() {
	ctx := context.Background()
	wire, strip, onsite := exampleWire()
	defer wire.Close()
	for i := range onsite {
		dx, dy := float64(i/width)-5.5, float64(i%width)-3
		onsite[i] += 2 * math.Exp(-(dx*dx+dy*dy)/(1.5*1.5))
	}
	curve := make([]float64, points)
	if err := wire.Value(ctx, onsite, curve); err != nil {
		log.Fatal(err)
	}
	found, err := inverse.FindDefect(ctx, wire, strip, curve, inverse.FindOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("y = %.2f, amplitude = %.2f, radius = %.2f\n", found.Y[0], found.Amplitude[0], found.Radius[0])
	// Output:
	// y = 3.00, amplitude = 2.00, radius = 1.50
}

// Two gates cross a wire; the voltages are found, between -1 and 1, that show a given curve.
func ExampleDesign() {
	ctx := context.Background()
	wire, strip, onsite := exampleWire()
	defer wire.Close()
	basis := make([]float64, 2*length*width) // [gate][x][y]: one across all of the wire at x = 3, one over half of it at x = 8
	for y := range width {
		basis[3*width+y] = 1
	}
	for y := range width/2 + 1 {
		basis[(length+8)*width+y] = 1
	}
	for i := range onsite {
		onsite[i] += 0.5*basis[i] - 0.25*basis[length*width+i]
	}
	target := make([]float64, points)
	if err := wire.Value(ctx, onsite, target); err != nil {
		log.Fatal(err)
	}

	gates, err := inverse.Gates{Sites: length * width, Basis: basis, Volts: []float64{0.4, 0.1}, Lower: []float64{-1},
		Upper: []float64{1}, Background: []float64{strip.LeadOnsite}}.Build()
	if err != nil {
		log.Fatal(err)
	}
	problem, err := inverse.NewProblem(inverse.Setup{Engine: wire, Strip: &strip, Target: target, Parametrization: gates})
	if err != nil {
		log.Fatal(err)
	}
	result, err := inverse.Design(ctx, problem, inverse.DefaultDesign("lm"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("volts = %.4f\n", result.Parameters)
	// Output:
	// volts = [0.5000 -0.2500]
}

// What can be said about a curve before any search: no potential conducts better than the open modes allow.
func ExampleCheckTarget() {
	wire, strip, _ := exampleWire()
	defer wire.Close()
	target := make([]float64, points)
	target[7] = 5
	f := inverse.CheckTarget(wire.Ceiling(), target, nil, &strip)
	fmt.Printf("%t: at field %.2f by %.0f e²/h\n", f.Feasible(), strip.Fields[7], f.Excess[7])
	// Output:
	// false: at field 0.07 by 2 e²/h
}
