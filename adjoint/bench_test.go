package adjoint

import (
	"fmt"
	"math"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
)

// BenchmarkWire times the entries of the engine on the paper's wire with a rough start potential: 30 × 30 sites, 101 fields.
func BenchmarkWire(b *testing.B) {
	s := sweep(30, 30, 1.2, 0, 0.12, 101)
	onsite := disordered(s, 0.5, 1)
	g, jac, grad := make([]float64, 101), make([]float64, 101*900), make([]float64, 900)
	for _, k := range kernel.All() {
		for _, threads := range []int{1, 2} {
			w, err := NewWire(s, Options{Kernel: k.Name(), Threads: threads})
			require.NoError(b, err)
			run := func(name string, f func() error) {
				b.Run(fmt.Sprintf("%s/%s/%d", name, k.Name(), threads), func(b *testing.B) { repeat(b, f) })
			}
			run("value", func() error { return w.Value(ctx, onsite, g) })
			run("gradient", func() error { return w.Gradient(ctx, onsite, nil, g, grad) })
			run("jacobian", func() error { return w.Jacobian(ctx, onsite, g, jac) })
			w.Close()
		}
	}
}

// repeat times f and reports the least processor time of a call beside the mean wall time, for a busy machine.
func repeat(b *testing.B, f func() error) {
	b.ReportAllocs()
	best := math.Inf(1)
	for b.Loop() {
		before := processorTime()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		best = min(best, processorTime()-before)
	}
	b.ReportMetric(best*1e3, "best-cpu-ms")
}

// processorTime returns the seconds that the process has run.
func processorTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkSize times one Jacobian of 101 fields for square wires, from the potential that a design starts with.
func BenchmarkSize(b *testing.B) {
	for _, n := range []int{16, 30, 48, 64, 100, 150} {
		s := sweep(n, n, 1.2, 0, 0.12*30/float64(n), 101)
		onsite, r := make([]float64, n*n), rand.New(rand.NewPCG(1, 1))
		for i := range onsite {
			onsite[i] = 4 + 0.3*r.NormFloat64()
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w, err := NewWire(s, Options{})
			require.NoError(b, err)
			defer w.Close()
			g, jac := make([]float64, 101), make([]float64, 101*n*n)
			repeat(b, func() error { return w.Jacobian(ctx, onsite, g, jac) })
			b.ReportMetric(float64(w.Bytes())/(1<<20), "MiB")
		})
	}
}
