package lead_test

import (
	"fmt"
	"log"

	"mcd/core/lead"
)

// The open modes of a chain of pairs, and what a device feels of it.
func ExampleSolveCell() {
	ladder := lead.Cell{Orbitals: 2, Interface: 2, Hamiltonian: []complex128{0, -1, -1, 0}, Hopping: []complex128{-1, 0, 0, -1}, Energy: 0.5}
	modes, err := lead.SolveCell(&ladder)
	if err != nil {
		log.Fatal(err)
	}
	for j := range modes.Open { // those that leave come second
		j += modes.Open
		fmt.Printf("k = %+.4f, dE/dk = %.4f\n", modes.Momenta[j], modes.Velocities[j])
	}
	fmt.Printf("Σ[0][0] = %.4f\n", modes.SelfEnergy[0])
	// Output:
	// k = +2.4189, dE/dk = 1.3229
	// k = +1.3181, dE/dk = 1.9365
	// Σ[0][0] = (0.2500-0.8148i)
}
