package adjoint_test

import (
	"context"
	"fmt"
	"log"

	"mcd/adjoint"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/scatter"
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

// A ring of four orbitals between two chains, at two energies: transmission, and its derivatives by all on-site energies.
func ExampleDevice() {
	ring := lattice.Device{Orbitals: 4, Energies: []float64{0.3, 0.9}, Interfaces: [][]int{{0}, {2}}}
	for i := range 4 {
		j := (i + 1) % 4
		ring.Rows, ring.Cols = append(ring.Rows, i, j), append(ring.Cols, j, i)
	}
	terminals := make([][]lead.Terminal, 2) // [lead][point]
	for _, energy := range ring.Energies {
		ring.Values = append(ring.Values, -1, -1, -1, -1, -1, -1, -1, -1)
		chain := lead.Cell{Orbitals: 1, Interface: 1, Hamiltonian: []complex128{0}, Hopping: []complex128{-1}, Energy: energy}
		modes, err := lead.SolveCell(&chain)
		if err != nil {
			log.Fatal(err)
		}
		for i := range terminals {
			terminals[i] = append(terminals[i], modes.Terminal())
		}
	}
	device, err := adjoint.NewDevice(ring, terminals, []scatter.Pair{{To: 1, From: 0}}, adjoint.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()

	onsite := []float64{0, 0.5, 0, -0.2} // added to the diagonal
	g, jac := make([]float64, 2), make([]float64, 2*4)
	if err := device.Jacobian(context.Background(), onsite, g, jac); err != nil {
		log.Fatal(err)
	}
	for k, t := range g {
		fmt.Printf("E = %.1f: T = %.5f, dT/dh = %.4f\n", ring.Energies[k], t, jac[4*k:4*k+4])
	}
	// Output:
	// E = 0.3: T = 0.90696, dT/dh = [0.2798 -0.7402 0.2798 -0.1184]
	// E = 0.9: T = 0.89656, dT/dh = [0.2654 -0.1644 0.2654 -0.0217]
}
