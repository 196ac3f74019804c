package kernel

import "time"

// spinner is a Kernel that can show what the machine is capable of: spin does about n rounds of independent multiply-adds on
// registers alone and returns their number of floating-point operations.
type spinner interface{ spin(n int) float64 }

// Peak measures the rate of multiply-adds of one core with the instructions of k, in flop/s (two for each multiply-add): the
// yardstick of benchmarks. It takes a few milliseconds and reports the best of its rounds, for a busy machine can only slow
// it down. The result is 0 for a kernel from elsewhere.
func Peak(k Kernel) float64 {
	s, ok := k.(spinner)
	if !ok {
		return 0
	}
	best := 0.0
	for range 20 {
		start := time.Now()
		best = max(best, s.spin(20_000)/time.Since(start).Seconds())
	}
	return best
}

func (Plain) spin(n int) float64 {
	var x [8]float64
	a, b := 0.999, 0.001
	for range n {
		for i := range x {
			x[i] = x[i]*a + b
		}
	}
	if x[0] < 0 { // never: keeps the loop
		return 0
	}
	return float64(n * len(x) * 2)
}
