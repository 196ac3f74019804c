// Command engine times the engine itself, called from Go; the programs around it time the same calls from other languages.
// All print nanoseconds, least of several rounds: a getter (0 here), value and Jacobian of 1 × 1 × 1, of 30 × 30 × 101.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"mcd/adjoint"
	"mcd/core/lattice"
)

// least is the time of one call in nanoseconds: the least of 20 rounds.
func least(calls int, call func() error) float64 {
	best := 1e18
	for range 20 {
		begin := time.Now()
		for range calls {
			if err := call(); err != nil {
				log.Fatal(err)
			}
		}
		best = min(best, float64(time.Since(begin).Nanoseconds())/float64(calls))
	}
	return best
}

func measure(size, points, calls int) {
	strip := lattice.Strip{Length: size, Width: size, Hopping: 1, LeadOnsite: 4}
	for k := range points {
		strip.Fields = append(strip.Fields, 0.12*float64(k)/100)
		strip.Energies = append(strip.Energies, 2.5)
	}
	wire, err := adjoint.NewWire(strip, adjoint.Options{Threads: 1})
	if err != nil {
		log.Fatal(err)
	}
	defer wire.Close()
	onsite := make([]float64, size*size)
	for i := range onsite {
		onsite[i] = 4 + 0.1*float64(i%7)
	}
	ctx := context.Background()
	g, jac := make([]float64, points), make([]float64, points*size*size)
	fmt.Printf(" %.0f", least(calls, func() error { return wire.Value(ctx, onsite, g) }))
	fmt.Printf(" %.0f", least(calls, func() error { return wire.Jacobian(ctx, onsite, g, jac) }))
}

func main() {
	fmt.Print("0")
	measure(1, 1, 2000)
	measure(30, 101, 1)
	fmt.Println()
}
