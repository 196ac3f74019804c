package scatter_test

import (
	"context"
	"fmt"
	"log"

	"mcd/core/lattice"
	"mcd/core/scatter"
)

// The S-matrix and the local density of states of a wire with a step, at a field that its sweep need not have.
func ExampleWire() {
	strip := lattice.Strip{Length: 6, Width: 5, Hopping: 1, LeadOnsite: 4, Fields: []float64{0}, Energies: []float64{1.2}}
	wire, err := scatter.NewWire(strip, scatter.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer wire.Close()
	onsite := make([]float64, 6*5)
	for i := range onsite {
		onsite[i] = 4
		if i >= 3*5 {
			onsite[i] += 0.3
		}
	}
	ctx := context.Background()
	s, err := wire.SMatrix(ctx, onsite, 0.05, 1.2)
	if err != nil {
		log.Fatal(err)
	}
	density := make([]float64, 6*5)
	if err := wire.LDOS(ctx, onsite, 0.05, 1.2, density); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d modes, T = %.5f; density at (4, 2) %.5f\n", s.Modes, s.TransmissionEigenvalues(), density[4*5+2])
	// Output:
	// 2 modes, T = [0.97729 0.37158]; density at (4, 2) 0.08614
}
