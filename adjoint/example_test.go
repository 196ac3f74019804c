package adjoint_test

import (
	"context"
	"fmt"
	"log"

	"mcd/adjoint"
	"mcd/core/lattice"
)

// The conductance of a wire with one raised site, and its derivative by that site's energy, at four fields.
func Example() {
	const length, width = 12, 9
	strip := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4,
		Fields: []float64{0, 0.05, 0.1, 0.15}, Energies: []float64{1.2, 1.2, 1.2, 1.2}}
	wire, err := adjoint.NewWire(strip, adjoint.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer wire.Close()

	onsite := make([]float64, length*width) // (x, y) stands at x*width + y
	for i := range onsite {
		onsite[i] = strip.LeadOnsite
	}
	onsite[4*width+3] += 1.5
	g, jac := make([]float64, 4), make([]float64, 4*length*width)
	if err := wire.Jacobian(context.Background(), onsite, g, jac); err != nil {
		log.Fatal(err)
	}
	for k, modes := range wire.Ceiling() {
		fmt.Printf("field %.2f: %d modes, G = %.5f, dG/dh = %.5f\n", strip.Fields[k], modes, g[k], jac[(k*length+4)*width+3])
	}
	// Output:
	// field 0.00: 3 modes, G = 2.96176, dG/dh = -0.03207
	// field 0.05: 3 modes, G = 2.94904, dG/dh = -0.04341
	// field 0.10: 3 modes, G = 2.92964, dG/dh = -0.05584
	// field 0.15: 2 modes, G = 1.96408, dG/dh = -0.03208
}

// A wish for the curve, g = Σ w·G, needs a gradient only, not a whole Jacobian.
func ExampleWire_Gradient() {
	strip := lattice.Strip{Length: 6, Width: 5, Hopping: 1, LeadOnsite: 4, Fields: []float64{0, 0.1}, Energies: []float64{1.2, 1.2}}
	wire, err := adjoint.NewWire(strip, adjoint.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer wire.Close()
	onsite := make([]float64, 6*5)
	for i := range onsite {
		onsite[i] = 4 + 0.1*float64(i%7)
	}
	g, grad := make([]float64, 2), make([]float64, 6*5)
	if err := wire.Gradient(context.Background(), onsite, []float64{1, -1}, g, grad); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("difference %.5f, its derivative by site (2, 1) %.5f\n", g[0]-g[1], grad[2*5+1])
	// Output:
	// difference 0.07486, its derivative by site (2, 1) -0.03706
}
