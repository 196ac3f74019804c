package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"mcd/core/kernel"
)

// BenchmarkKernel measures every operation at the sizes of strips, beside the multiply-add peak of one core taken between the
// samples. %peak is the fraction of it for the fastest sample, counting the multiply-adds of the plain algorithm.
func BenchmarkKernel(b *testing.B) {
	for _, k := range kernel.All()[1:] {
		peak := kernel.Peak(k)
		for _, w := range []int{8, 16, 30, 32, 64, 100, 150} {
			for _, op := range operations(b, k, w) {
				b.Run(fmt.Sprintf("%s/%d/%s", k.Name(), w, op.name), func(b *testing.B) {
					b.ReportAllocs()
					best := time.Duration(1 << 62)
					n := 0
					for b.Loop() {
						if op.prepare != nil {
							b.StopTimer()
							op.prepare()
							b.StartTimer()
						}
						start := time.Now()
						op.run()
						best = min(best, time.Since(start))
						if n++; n%1000 == 1 {
							b.StopTimer()
							peak = max(peak, kernel.Peak(k))
							b.StartTimer()
						}
					}
					flops := 8 * float64(k.Lanes()) * op.multiplyAdds
					b.ReportMetric(100*flops/best.Seconds()/peak, "%peak")
					b.ReportMetric(float64(best.Nanoseconds()), "best-ns")
				})
			}
		}
	}
}

type operation struct {
	name         string
	multiplyAdds float64 // complex, one lane
	prepare, run func()
}

func operations(b *testing.B, k kernel.Kernel, w int) []operation {
	rng := rand.New(rand.NewPCG(uint64(w), 1))
	const slicesInHop = 4
	ld, w1 := kernel.LeadingDimension(w), float64(w)
	x := randomSlices(b, k, rng, w, slicesInHop)
	original := randomBatch(b, k, rng, w, w, ld).fill(func(i, j, _ int) complex128 {
		if i == j {
			return complex(float64(w), 0)
		}
		return complex(rng.Float64()-0.5, rng.Float64()-0.5)
	})
	m, n, f := randomBatch(b, k, rng, w, w, ld), randomBatch(b, k, rng, w, w, ld), randomBatch(b, k, rng, w, w, ld)
	piv := make([]int32, w)
	restore := func() { copy(m.data, original.data); copy(n.data, f.data) }
	factored := randomBatch(b, k, rng, w, w, ld)
	copy(factored.data, original.data)
	k.Factor(w, ld, factored.data, piv)

	all := []operation{
		{"Hop", (slicesInHop - 1) * 2.5 * w1 * w1, nil, func() { k.Hop(w, ld, slicesInHop, x.h, x.e, x.cs, f.data, m.data, n.data) }},
		{"Factor", w1 * w1 * w1 / 3, restore, func() { k.Factor(w, ld, m.data, piv) }},
		{"Divide", w1 * w1 * w1 * 4 / 3, restore, func() { k.Divide(w, ld, m.data, piv, n.data) }},
		{"Invert", w1 * w1 * w1, restore, func() { k.Invert(w, ld, m.data, piv, n.data) }},
	}
	for _, c := range []int{3, 7, 11} {
		c1 := float64(c)
		u, v := randomBatch(b, k, rng, w, c, c), randomBatch(b, k, rng, w, c, c)
		coef := randomBatch(b, k, rng, c, c, c)
		refill := func() { copy(v.data, u.data) }
		density, _ := buffer(b, w*k.Lanes(), 0)
		all = append(all,
			operation{fmt.Sprint("Mul-", c), w1 * w1 * c1, nil, func() { k.Mul(kernel.Set, false, w, ld, f.data, c, c, u.data, v.data) }},
			operation{fmt.Sprint("MulT-", c), w1 * w1 * c1, nil, func() { k.Mul(kernel.Set, true, w, ld, f.data, c, c, u.data, v.data) }},
			operation{fmt.Sprint("SolveLeft-", c), w1 * w1 * c1, refill, func() { k.SolveLeft(w, ld, factored.data, piv, c, c, v.data) }},
			operation{fmt.Sprint("SolveLeftT-", c), w1 * w1 * c1, refill, func() { k.SolveLeftT(w, ld, factored.data, piv, c, c, v.data) }},
			operation{fmt.Sprint("Recur-", c), 2.5 * w1 * c1, nil, func() { k.Recur(false, w, x.h, x.e, x.cs, c, c, u.data, v.data, v.data) }},
			operation{fmt.Sprint("Check-", c), 2.5 * w1 * c1, nil, func() {
				k.Check(false, w, x.h, x.e, x.cs, c, c, u.data, v.data, v.data, nil, density, density)
			}},
			operation{fmt.Sprint("Mix-", c), w1 * c1 * c1, nil, func() { k.Mix(w, c, c, u.data, coef.data, v.data) }},
			operation{fmt.Sprint("Gram-", c), w1 * c1 * c1, nil, func() { k.Gram(w, c, c, u.data, v.data, coef.data) }},
			operation{fmt.Sprint("Density-", c), w1 * c1 / 2, nil, func() { k.Density(w, c, c, u.data, v.data, density) }},
			operation{fmt.Sprint("Add-", c), w1 * c1 / 4, nil, func() { k.Add(w*c, 1, u.data, v.data, v.data) }},
		)
	}
	return all
}
