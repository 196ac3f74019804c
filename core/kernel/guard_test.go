package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
)

// A call is one operation with the buffers it uses: how many values each has, negative for one that is written in full and
// begins poisoned. run gets them in this order.
type call struct {
	name    string
	buffers []int
	run     func(x [][]float64)
}

// kernelCalls returns every operation of k for w sites and c columns.
func kernelCalls(k kernel.Kernel, w, c int) []call {
	const hops = 4
	v := k.Lanes()
	matrix, wave, square, row := kernel.Size(w, w, v), kernel.Size(w, c, v), kernel.Size(c, c, v), w*v
	piv := make([]int32, w)
	for i := range piv {
		piv[i] = int32(min(i+i%2, w-1))
	}
	found := make([]int32, w)
	calls := []call{
		{"Factor", []int{matrix}, func(x [][]float64) { k.Factor(w, w, x[0], found) }},
		{"Divide", []int{matrix, matrix}, func(x [][]float64) { k.Divide(w, w, x[0], found, x[1]) }},
		{"Invert", []int{matrix, -matrix}, func(x [][]float64) { k.Invert(w, w, x[0], found, x[1]) }},
		{"SolveLeft", []int{matrix, wave}, func(x [][]float64) { k.SolveLeft(w, w, x[0], piv, c, c, x[1]) }},
		{"SolveLeftT", []int{matrix, wave}, func(x [][]float64) { k.SolveLeftT(w, w, x[0], piv, c, c, x[1]) }},
		{"Mix", []int{wave, square, -wave}, func(x [][]float64) { k.Mix(w, c, c, x[0], x[1], x[2]) }},
		{"Gram", []int{wave, wave, -square}, func(x [][]float64) { k.Gram(w, c, c, x[0], x[1], x[2]) }},
		{"Density", []int{wave, wave, -row}, func(x [][]float64) { k.Density(w, c, c, x[0], x[1], x[2]) }},
		{"Add", []int{wave, wave, -wave}, func(x [][]float64) { k.Add(w*c, -1, x[0], x[1], x[2]) }},
	}
	for n := 1; n <= hops+2; n++ {
		calls = append(calls, call{fmt.Sprint("Hop-", n), []int{n * w, v, n * 2 * v, matrix, -matrix, -matrix},
			func(x [][]float64) { k.Hop(w, w, n, x[0], x[1], x[2], x[3], x[4], x[5]) }})
	}
	for _, flag := range []bool{false, true} {
		calls = append(calls,
			call{fmt.Sprint("Recur-", flag), []int{w, v, 2 * v, wave, wave, -wave}, func(x [][]float64) {
				k.Recur(flag, w, x[0], x[1], x[2], c, c, x[3], x[4], x[5])
			}},
			call{fmt.Sprint("Check-", flag), []int{w, v, 2 * v, wave, wave, wave, -wave, v, v}, func(x [][]float64) {
				k.Check(flag, w, x[0], x[1], x[2], c, c, x[3], x[4], x[5], x[6], x[7], x[8])
			}},
			call{fmt.Sprint("Mul-set-", flag), []int{matrix, wave, -wave}, func(x [][]float64) {
				k.Mul(kernel.Set, flag, w, w, x[0], c, c, x[1], x[2])
			}},
			call{fmt.Sprint("Mul-add-", flag), []int{matrix, wave, wave}, func(x [][]float64) {
				k.Mul(kernel.Add, flag, w, w, x[0], c, c, x[1], x[2])
			}},
			call{fmt.Sprint("Mul-sub-", flag), []int{matrix, wave, wave}, func(x [][]float64) {
				k.Mul(kernel.Sub, flag, w, w, x[0], c, c, x[1], x[2])
			}})
	}
	return calls
}

// frontCalls returns every operation of k for a front of m pivots and b boundary rows, and n columns.
func frontCalls(k kernel.Front, m, b, n int) []call {
	v := k.Lanes()
	size := func(r, c int) int { return r * c * 2 * v }
	u, l, c, x, border := size(m, m+b), size(b, m), size(b, b), size(m, n), size(b, n)
	piv, found := make([]int32, m), make([]int32, m)
	for i := range piv {
		piv[i] = int32(min(i+i%2, m-1))
	}
	index, rows, cols := make([]int32, 0, m+b), make([]int32, m), make([]int32, m)
	for i := 0; i < m+b; i += 2 {
		index = append(index, int32(i))
	}
	for i := range rows {
		rows[i], cols[i] = int32(i), int32(m-1-i)
	}
	half := len(index)
	return []call{
		{"Eliminate", []int{u, l, c, v}, func(x [][]float64) { k.Eliminate(m, b, x[0], x[1], x[2], found, x[3], new(int32)) }},
		{"Extend", []int{size(half, half), u, l, c}, func(x [][]float64) { k.Extend(half, index, x[0], m, b, x[1], x[2], x[3]) }},
		{"Collect", []int{size(m, 1), size(m, 1)}, func(x [][]float64) { k.Collect(rows, x[0], x[1]) }},
		{"Forward", []int{u, l, x, border}, func(x [][]float64) { k.Forward(m, b, n, x[0], x[1], piv, x[2], x[3]) }},
		{"Backward", []int{u, x, border}, func(x [][]float64) { k.Backward(m, b, n, x[0], x[1], x[2]) }},
		{"ForwardT", []int{u, x, border}, func(x [][]float64) { k.ForwardT(m, b, n, x[0], x[1], x[2]) }},
		{"BackwardT", []int{u, l, x, border}, func(x [][]float64) { k.BackwardT(m, b, n, x[0], x[1], piv, x[2], x[3]) }},
		{"Scatter", []int{x, x}, func(x [][]float64) { k.Scatter(cols, n, x[0], x[1]) }},
		{"Residual", []int{size(m, 1), x, x}, func(x [][]float64) { k.Residual(rows, cols, x[0], n, x[1], x[2]) }},
		{"Dot", []int{x, x, size(m, 1)}, func(x [][]float64) { k.Dot(rows, cols, n, x[0], x[1], x[2]) }},
		{"DotC", []int{x, x, size(m, 1)}, func(x [][]float64) { k.DotC(rows, cols, n, x[0], x[1], x[2]) }},
		{"Largest", []int{x, -n * v}, func(x [][]float64) { k.Largest(m, n, x[0], x[1]) }},
		{"Combine", []int{x, n * v, -size(m, 1)}, func(x [][]float64) { k.Combine(m, n, x[0], x[1], x[2]) }},
		{"Product", []int{size(m, b), size(b, n), x}, func(x [][]float64) { k.Product(m, n, b, x[0], x[1], x[2]) }},
	}
}

// values runs a call with every buffer at a shift of its own from memory.Align, between guard zones, and returns all buffers.
// Nothing may be written outside them, and no poison may be read.
func (c call) values(t *testing.T, shift int) (all []uint64) {
	rng := rand.New(rand.NewPCG(1, 2))
	var x [][]float64
	var guards []func()
	for i, n := range c.buffers {
		data, intact := buffer(t, max(n, -n), (shift*(i+1))%16)
		for j := range n { // none if negative
			data[j] = rng.NormFloat64()
		}
		x, guards = append(x, data), append(guards, intact)
	}
	c.run(x)
	for i := range x {
		guards[i]()
		for j, y := range x[i] {
			if math.IsNaN(y) {
				require.Failf(t, "poison was read, or an output not written", "%s: value %d of buffer %d", c.name, j, i)
			}
			all = append(all, math.Float64bits(y))
		}
	}
	return all
}

// TestAlignments demands the same bits wherever the buffers begin, and that nothing outside them is touched.
func TestAlignments(t *testing.T) {
	check := func(t *testing.T, calls []call) {
		for _, c := range calls {
			want := c.values(t, 0)
			for _, shift := range []int{1, 2, 4, 7, 8, 15} {
				require.Equalf(t, want, c.values(t, shift), "%s, shift %d", c.name, shift)
			}
		}
	}
	for _, k := range kernel.All() {
		for _, size := range [][2]int{{1, 1}, {2, 5}, {7, 2}, {13, 4}, {30, 7}} {
			t.Run(fmt.Sprintf("%s/%dx%d", k.Name(), size[0], size[1]), func(t *testing.T) { check(t, kernelCalls(k, size[0], size[1])) })
		}
	}
	for _, k := range kernel.Fronts() {
		for _, size := range [][3]int{{1, 1, 1}, {3, 2, 5}, {9, 14, 2}, {26, 7, 3}, {20, 45, 9}} {
			t.Run(fmt.Sprintf("front %s/%dx%d", k.Name(), size[0], size[1]), func(t *testing.T) {
				check(t, frontCalls(k, size[0], size[1], size[2]))
			})
		}
	}
	for _, k := range kernel.Denses() {
		for _, size := range [][2]int{{1, 1}, {2, 5}, {3, 8}, {9, 13}, {14, 900}} {
			t.Run(fmt.Sprintf("dense %s/%dx%d", k.Name(), size[0], size[1]), func(t *testing.T) { check(t, denseCalls(k, size[0], size[1])) })
		}
	}
}
