//go:build cgo

package emulation_test

import (
	"math"
	"testing"

	"mcd/cuda/kernels"
	"mcd/cuda/kernels/emulation"

	"github.com/stretchr/testify/require"
)

// The emulation catches what it is there to catch.
func TestFaultyKernels(t *testing.T) {
	d := device{t}
	address, out := take[float64](d, kernels.Threads)
	err := library.Launch("faulty_divergence", 1, 1, 0, address)
	require.ErrorContains(t, err, "barrier divergence in block (0, 0): thread 255 waits")

	require.ErrorContains(t, library.Launch("faulty_branches", 1, 1, 0, address), "thread 0 waits in line")
	require.ErrorContains(t, library.Launch("faulty_place", 1, 1, 8, address), "shared memory is taken for device memory")

	require.NoError(t, library.Launch("faulty_uninitialised", 1, 1, 8*kernels.Threads, address))
	require.True(t, math.IsNaN(out[0]) && math.IsNaN(out[255]))

	var results [][]float64
	for order := range 3 {
		library.SetOrder(emulation.Order(order), 1)
		require.NoError(t, library.Launch("faulty_race", 1, 1, 8*kernels.Threads, address))
		results = append(results, append([]float64(nil), out...))
	}
	library.SetOrder(emulation.Ascending, 0)
	require.NotEqual(t, results[0], results[1])
	require.NotEqual(t, results[0], results[2])

	require.ErrorContains(t, library.Launch("mcd_nothing", 1, 1, 0, address), "no kernel is called mcd_nothing")
	require.NoError(t, library.Launch("faulty_uninitialised", 2, 2, 8*kernels.Threads, address), "an error ends a launch, not the emulation")
}
