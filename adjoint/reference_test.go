package adjoint

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/tests/npz"
)

// stripOf returns the batch of a reference file at the given fields.
func stripOf(f npz.File, fields []float64) lattice.Strip {
	s := lattice.Strip{Length: f.Int("length"), Width: f.Int("width"), Hopping: f.Float64("hopping"), LeadOnsite: f.Float64("lead_onsite"), Fields: fields}
	s.Energies = make([]float64, len(fields))
	for i := range fields {
		s.Energies[i] = f.Float64("energy")
	}
	return s
}

func newWire(t *testing.T, s lattice.Strip, k string) *Wire {
	t.Helper()
	w, err := NewWire(s, Options{Kernel: k})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

// TestReference compares G and ∂G/∂h with the long-double values of every strip file, on every kernel.
func TestReference(t *testing.T) {
	files, err := filepath.Glob("../tests/reference/strip_*.npz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".npz")
		f := npz.Load(t, path)
		for _, k := range kernel.All() {
			t.Run(fmt.Sprintf("%s/%s", name, k.Name()), func(t *testing.T) {
				onsite := f.Float64s("onsite")
				w := newWire(t, stripOf(f, f.Float64s("fields")), k.Name())
				require.Equal(t, f.Ints("open_modes"), w.Ceiling())
				g := make([]float64, w.Outputs())
				require.NoError(t, w.Value(context.Background(), onsite, g))
				best, kwant, smooth := f.Float64s("conductance_best"), f.Float64s("kwant_error"), smoothCase(name)
				absolute, ratio := 0.0, 0.0
				for i := range g {
					e := math.Abs(g[i] - best[i])
					absolute = max(absolute, e)
					if best[i] != 0 {
						ratio = max(ratio, e/best[i])
					}
					bound := 1e-11*best[i] + 3*kwant[i]
					if smooth {
						bound = 1e-12 * max(1, best[i])
					}
					if !(e <= bound) {
						t.Errorf("point %d, φ = %g: G = %.17g, best %.17g, error %.2g > %.2g", i, w.Strip.Fields[i], g[i], best[i], e, bound)
					}
				}
				t.Logf("largest error of G %.2g, relative %.2g", absolute, ratio)

				fields := f.Float64s("fields_grad")
				if len(fields) == 0 {
					return
				}
				w = newWire(t, stripOf(f, fields), k.Name())
				sites, grad := w.Inputs(), f.Float64s("grad")
				g, jac, sum := make([]float64, len(fields)), make([]float64, len(grad)), make([]float64, sites)
				require.NoError(t, w.Jacobian(context.Background(), onsite, g, jac))
				alone := make([]float64, len(g))
				require.NoError(t, w.Value(context.Background(), onsite, alone))
				require.Equal(t, alone, g, "values are the same bits alone and beside derivatives")
				largest, worst := 0.0, 0.0
				for i := range grad {
					largest = max(largest, math.Abs(grad[i]))
					worst = max(worst, math.Abs(jac[i]-grad[i]))
				}
				t.Logf("largest error of dG/dh %.2g, largest entry %.2g", worst, largest)
				if name == "strip_flat" { // no entry: G = N to first order, what is stored are roundings
					require.Less(t, largest, 1e-15)
					largest = 1
				}
				require.LessOrEqual(t, worst, 1e-10*largest)
				require.NoError(t, w.Gradient(context.Background(), onsite, nil, g, sum))
				for i := range sum {
					want := 0.0
					for p := range fields {
						want += jac[p*sites+i]
					}
					require.InDelta(t, want, sum[i], 1e-12*(1+math.Abs(want)))
				}
			})
		}
	}
}

// smoothCase tells the files whose potentials are smooth: they are held to 1e-12.
func smoothCase(name string) bool {
	switch name {
	case "strip_flat", "strip_gaussian", "strip_ten_gaussians", "strip_weak":
		return true
	}
	return false
}
