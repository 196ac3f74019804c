//go:build cuda && cgo

package cuda_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/adjoint"
	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/cuda"
	"mcd/cuda/driver"
)

var ctx = context.Background()

// onGPU tells that the tests are to run on the machine's own GPU, with more work than an emulated one can do.
func onGPU() bool { return os.Getenv("MCD_GPU") != "" && !testing.Short() }

// TestMain runs the tests again in a process that finds the stand-in for the driver, unless MCD_GPU asks for the machine's own.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("MCD_GPU") != "" {
		os.Exit(withGPU(m.Run))
	}
	if os.Getenv("MCD_STANDIN") != "" {
		os.Exit(m.Run())
	}
	folder, err := filepath.Abs("../build/standin")
	if err == nil {
		build := exec.Command("../tests/cuda/standin/build.sh", folder)
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no stand-in for the driver:", err)
		os.Exit(1)
	}
	again := exec.Command(os.Args[0], os.Args[1:]...)
	again.Env = append(os.Environ(), "MCD_STANDIN="+folder, "LD_LIBRARY_PATH="+folder)
	again.Stdout, again.Stderr = os.Stdout, os.Stderr
	if again.Run() != nil {
		os.Exit(1)
	}
}

// withGPU runs body with the GPU open all the time: opening it and compiling the kernels takes longer than most tests. After it
// nothing is left, and the GPU can be opened again.
func withGPU(body func() int) int {
	w, err := adjoint.NewWire(lattice.Strip{Length: 1, Width: 1, Hopping: 1, LeadOnsite: 4, Fields: []float64{0}, Energies: []float64{1.2}}, adjoint.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer w.Close()
	code := 0
	for _, run := range []func() int{body, func() int { return 0 }} {
		e, err := cuda.NewEngine(w, cuda.Options{})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code = max(code, run())
		e.Close()
		if driver.Live() != 0 {
			fmt.Fprintln(os.Stderr, driver.Live(), "bytes of GPU and pinned memory are left")
			return 1
		}
	}
	return code
}

// The devices are those that there are; with a GPU the log names it.
func TestDevices(t *testing.T) {
	for _, d := range cuda.Devices() {
		t.Logf("devices: %s: %s", d.Name, d.Text)
		assert.True(t, d.Available)
	}
	assert.NoError(t, cuda.Check("cuda"))
}

// sweep returns a wire whose points have different numbers of open modes where there is room for that.
func sweep(t *testing.T, length, width, points int) *adjoint.Wire {
	s := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4}
	for k := range points {
		s.Fields = append(s.Fields, 0.12*float64(k)/float64(points))
		s.Energies = append(s.Energies, 1.2)
	}
	w, err := adjoint.NewWire(s, adjoint.Options{})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

func engine(t *testing.T, w *adjoint.Wire, o cuda.Options) *cuda.Engine {
	before := driver.Live()
	e, err := cuda.NewEngine(w, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		e.Close()
		e.Close() // idempotent
		assert.Equal(t, before, driver.Live(), "bytes of GPU and pinned memory after closing")
	})
	return e
}

func rough(seed uint64, n int) []float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	h := make([]float64, n)
	for i := range h {
		h[i] = 4 + 0.4*random.NormFloat64()
	}
	return h
}

func nans(n int) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = math.NaN()
	}
	return a
}

// rows cuts values into as many rows.
func rows(values []float64, count int) [][]float64 {
	n := len(values) / count
	out := make([][]float64, count)
	for i := range out {
		out[i] = values[i*n:][:n:n]
	}
	return out
}

// compare demands agreement to tolerance times the largest value of want, at least 1.
func compare(t *testing.T, want, got []float64, tolerance float64, what string) {
	t.Helper()
	largest, worst := 1.0, 0.0
	for i := range want {
		largest = max(largest, math.Abs(want[i]))
		if d := math.Abs(want[i] - got[i]); !(d <= worst) {
			worst = d
		}
	}
	assert.LessOrEqual(t, worst, tolerance*largest, what)
}

func TestAgreesWithCPU(t *testing.T) {
	type size struct{ length, width, points, designs int }
	sizes := []size{
		{1, 4, 3, 1}, {2, 4, 3, 3}, {30, 4, 3, 1}, {1, 8, 3, 3}, {2, 8, 3, 1}, {30, 8, 2, 1}, {1, 16, 3, 1}, {2, 16, 2, 1}, {30, 16, 3, 3},
		{1, 30, 2, 1}, {2, 30, 2, 3}, {30, 30, 3, 1}, {2, 32, 2, 1}, {30, 32, 1, 1}, {1, 33, 2, 1}, {2, 33, 2, 1}, {30, 33, 1, 1},
		{1, 64, 2, 1}, {2, 64, 1, 3}, {3, 64, 1, 1},
	}
	if onGPU() {
		sizes = append(sizes, size{30, 30, 101, 8}, size{200, 20, 5, 2}, size{128, 128, 7, 1})
		for _, width := range []int{4, 8, 16, 30, 32, 33, 64, 100, 150} {
			for _, length := range []int{1, 2, 30} {
				sizes = append(sizes, size{length, width, 5, 1}, size{length, width, 5, 3})
			}
		}
	}
	for _, c := range sizes {
		t.Run(fmt.Sprintf("%dx%d,%d points,%d designs", c.length, c.width, c.points, c.designs), func(t *testing.T) {
			w := sweep(t, c.length, c.width, c.points)
			e := engine(t, w, cuda.Options{})
			sites := w.Inputs()
			b := cuda.Batch{Onsite: rows(rough(7, c.designs*sites), c.designs), Weights: rows(rough(8, c.designs*c.points), c.designs),
				Conductance: rows(nans(c.designs*c.points), c.designs), Gradient: rows(nans(c.designs*sites), c.designs),
				Jacobian: rows(nans(c.designs*c.points*sites), c.designs)}
			require.NoError(t, e.Compute(ctx, b))
			for d := range c.designs {
				g, jac, grad := make([]float64, c.points), make([]float64, c.points*sites), make([]float64, sites)
				require.NoError(t, w.Jacobian(ctx, b.Onsite[d], g, jac))
				require.NoError(t, w.Gradient(ctx, b.Onsite[d], b.Weights[d], g, grad))
				compare(t, g, b.Conductance[d], 1e-10, "G")
				compare(t, jac, b.Jacobian[d], 1e-10, "J")
				compare(t, grad, b.Gradient[d], 1e-10, "gradient")
			}
		})
	}
}

func TestOneCallForAllDesignsGivesTheSameBits(t *testing.T) {
	w := sweep(t, 6, 8, 4)
	e := engine(t, w, cuda.Options{})
	sites, points, designs := w.Inputs(), w.Outputs(), 3
	b := cuda.Batch{Onsite: rows(rough(3, designs*sites), designs), Conductance: rows(nans(designs*points), designs),
		Gradient: rows(nans(designs*sites), designs)}
	require.NoError(t, e.Compute(ctx, b))
	for d := range designs {
		g, grad := nans(points), nans(sites)
		require.NoError(t, e.Gradient(ctx, b.Onsite[d], nil, g, grad))
		assert.Equal(t, b.Conductance[d], g)
		assert.Equal(t, b.Gradient[d], grad)
		require.NoError(t, e.Value(ctx, b.Onsite[d], g))
		assert.Equal(t, b.Conductance[d], g, "with and without derivatives")
	}
}

// Engines of different widths launch the same kernel with different shared memory, by turns.
func TestWidthsThatShareAKernel(t *testing.T) {
	for _, widths := range [][2]int{{64, 49}, {49, 64}} {
		var engines [2]*cuda.Engine
		for i, width := range widths {
			engines[i] = engine(t, sweep(t, 1, width, 1), cuda.Options{})
		}
		for i, e := range engines {
			assert.NoError(t, e.Value(ctx, rough(1, widths[i]), nans(1)), "width %d of %v", widths[i], widths)
		}
	}
}

// A barrier on one site makes F there 1e-6, and the site before it has its level at the energy: the first pivot of D + F is
// tiny, and the points are solved again with pivoting.
func TestTinyPivot(t *testing.T) {
	w := sweep(t, 4, 6, 3)
	e := engine(t, w, cuda.Options{})
	h := rough(5, w.Inputs())
	h[2*6], h[3*6] = 1.2, 1e6
	g, jac, want, wantJac := nans(3), nans(3*24), nans(3), nans(3*24)
	require.NoError(t, e.Jacobian(ctx, h, g, jac))
	require.NoError(t, w.Jacobian(ctx, h, want, wantJac))
	assert.Positive(t, e.Redone())
	compare(t, want, g, 1e-10, "G")
	compare(t, wantJac, jac, 1e-10, "J")
}

func TestSplitsWhatDoesNotFit(t *testing.T) {
	w := sweep(t, 5, 8, 6)
	h, weights := rough(9, w.Inputs()), rough(10, 6)
	run := func(limit int64) (g, grad, jac []float64) {
		e := engine(t, w, cuda.Options{MemoryLimit: limit})
		g, grad, jac = nans(6), nans(40), nans(240)
		require.NoError(t, e.Gradient(ctx, h, weights, g, grad))
		require.NoError(t, e.Jacobian(ctx, h, nans(6), jac))
		return g, grad, jac
	}
	g, grad, jac := run(0)
	splitG, splitGrad, splitJac := run(300_000)
	assert.Equal(t, g, splitG)
	assert.Equal(t, jac, splitJac)
	assert.Equal(t, grad, splitGrad)
	_, err := cuda.NewEngine(w, cuda.Options{MemoryLimit: 10_000})
	require.Equal(t, fault.Memory, fault.KindOf(err))
	assert.Regexp(t, `one field of 5 × 8 sites needs \d{5,} bytes of GPU memory, 10000 are free`, err.Error())
}

func TestCancelled(t *testing.T) {
	w := sweep(t, 5, 5, 3)
	e := engine(t, w, cuda.Options{})
	ended, end := context.WithCancel(ctx)
	end()
	assert.Equal(t, fault.Cancelled, fault.KindOf(e.Value(ended, rough(1, 25), nans(3))))
	assert.NoError(t, e.Value(ctx, rough(1, 25), nans(3)))
}

func TestBadArguments(t *testing.T) {
	w := sweep(t, 5, 5, 3)
	e := engine(t, w, cuda.Options{})
	h := rough(1, 25)
	for _, err := range []error{e.Value(ctx, h[:24], nans(3)), e.Value(ctx, h, nans(2)), e.Jacobian(ctx, h, nans(3), nans(3)),
		e.Gradient(ctx, h, nans(2), nans(3), nans(25)), e.Gradient(ctx, h, nil, nans(3), nil), e.Value(ctx, nans(25), nans(3))} {
		assert.Equal(t, fault.Argument, fault.KindOf(err))
	}
	_, err := cuda.NewEngine(w, cuda.Options{Backend: "cuda:7"})
	assert.Equal(t, fault.Argument, fault.KindOf(err))
	wide := sweep(t, 1, 151, 1)
	_, err = cuda.NewEngine(wide, cuda.Options{})
	assert.Equal(t, fault.Unsupported, fault.KindOf(err))
	assert.Contains(t, err.Error(), "151 sites wide, the kernels take 150")
}
