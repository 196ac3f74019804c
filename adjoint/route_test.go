package adjoint

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/core/scatter"
)

// TestWideStripsByFronts checks that a wide strip takes fronts, and that these give what its sweep gives, signs of the field and
// small conductances included.
func TestWideStripsByFronts(t *testing.T) {
	if testing.Short() {
		t.Skip("a wide strip takes a minute without compiled kernels")
	}
	s := sweep(16, 320, 0.9, -0.004, 0.009, 3)
	s.Hopping, s.LeadOnsite = 1.1, 4.4
	onsite := disordered(s, 0.8, 5)
	for i := range s.Width {
		onsite[9*s.Width+i] += 9 // a barrier
	}
	w := newWire(t, s, "")
	require.Contains(t, w.Name(), "fronts")
	sweeper, err := scatter.NewWire(s, Options{})
	require.NoError(t, err)
	strip := &Wire{Wire: sweeper}
	strip.task = strip.group
	defer strip.Close()
	require.Contains(t, strip.Name(), "strip")

	g, jac := jacobian(t, w, onsite)
	wantG, wantJac := jacobian(t, strip, onsite)
	assert.Equal(t, g, value(t, w, onsite))
	const both = 1.2e-11 // nearly all of it the sweep's: fronts of the wire turned round agree within 1.4e-12
	assert.InDeltaSlice(t, wantG, g, both)
	assert.InDeltaSlice(t, wantJac, jac, both)
	turn := func(sites []float64) []float64 {
		var turned []float64
		for x := s.Length - 1; x >= 0; x-- {
			turned = append(turned, sites[x*s.Width:(x+1)*s.Width]...)
		}
		return turned
	}
	back := s
	back.Fields = nil
	for _, field := range s.Fields {
		back.Fields = append(back.Fields, -field)
	}
	turnedG, turnedJac := jacobian(t, newWire(t, back, ""), turn(onsite))
	assert.InDeltaSlice(t, turnedG, g, 3e-12)
	for k := range s.Fields {
		assert.InDeltaSlice(t, turn(turnedJac[k*s.Sites():(k+1)*s.Sites()]), jac[k*s.Sites():(k+1)*s.Sites()], 3e-12)
	}
	assert.Equal(t, strip.Ceiling(), w.Ceiling())
	weights, grad, wantGrad := []float64{1, -2, 0.5}, make([]float64, w.Inputs()), make([]float64, w.Inputs())
	require.NoError(t, w.Gradient(ctx, onsite, weights, g, grad))
	require.NoError(t, strip.Gradient(ctx, onsite, weights, wantG, wantGrad))
	assert.InDeltaSlice(t, wantGrad, grad, 3.5*both) // the sum of the weights

	w.SetThreads(1)
	_, again := jacobian(t, w, onsite)
	assert.Equal(t, jac, again)

	for argument, err := range map[string]error{
		"conductance": w.Value(ctx, onsite, g[1:]), "onsite": w.Value(ctx, onsite[1:], g), "jacobian": w.Jacobian(ctx, onsite, g, jac[1:]),
		"gradient": w.Gradient(ctx, onsite, nil, g, grad[1:]), "weights": w.Gradient(ctx, onsite, weights[1:], g, grad),
	} {
		assert.Equal(t, fault.Argument, fault.KindOf(err), argument)
		assert.ErrorContains(t, err, argument)
	}

	// Nor does the sweep fit where fronts do not.
	_, err = NewWire(s, Options{MemoryLimit: w.fronts.WorkspaceBytes() / 8})
	assert.Equal(t, fault.Memory, fault.KindOf(err))
}

// TestNarrowStripsBySweep checks that the route is that of less work.
func TestNarrowStripsBySweep(t *testing.T) {
	for _, size := range [][2]int{{30, 30}, {1000, 8}, {6, 110}} {
		w := newWire(t, sweep(size[0], size[1], 1.2, 0, 0.001, 1), "")
		assert.True(t, strings.Contains(w.Name(), "strip"), "%v", size)
	}
}

// TestIdleWire checks that a wire without memory takes it when it is needed, and none after it has been closed.
func TestIdleWire(t *testing.T) {
	s := sweep(7, 5, 1.2, 0, 0.1, 9)
	idle, err := scatter.NewIdleWire(s, scatter.Options{})
	require.NoError(t, err)
	require.Zero(t, idle.Bytes())
	onsite, g := disordered(s, 0.5, 1), make([]float64, 9)
	require.NoError(t, idle.Value(ctx, onsite, g))
	assert.Equal(t, value(t, newWire(t, s, ""), onsite), g)
	idle.Close()
	require.Zero(t, idle.Bytes())
	require.ErrorContains(t, idle.Value(ctx, onsite, g), "closed")
}

// TestLongWires holds wires on which most fields need a correction against fronts, which share nothing with a sweep; where waves
// are localised, results of any size to the same relative accuracy.
func TestLongWires(t *testing.T) {
	for name, c := range map[string]struct {
		length, width, points int
		strength              float64
	}{"weak": {500, 10, 24, 0.2}, "rough": {500, 10, 24, 0.6}, "localised": {500, 10, 24, 2}, "residuals kept": {300, 30, 8, 0.5}} {
		s := sweep(c.length, c.width, 1.2, 0, 0.1, c.points)
		onsite := disordered(s, c.strength, 3)
		w := newWire(t, s, "")
		g, jac := jacobian(t, w, onsite)
		require.Equal(t, value(t, w, onsite), g, "values are the same bits alone and beside derivatives")
		l, terminals := w.Device()
		fronts, err := NewDevice(l, terminals, []scatter.Pair{{To: int(scatter.Right), From: int(scatter.Left)}}, Options{})
		require.NoError(t, err)
		t.Cleanup(fronts.Close)
		wantG, wantJac := make([]float64, len(g)), make([]float64, len(jac))
		require.NoError(t, fronts.Jacobian(ctx, onsite, wantG, wantJac))
		for p := range g {
			row, wantRow := jac[p*s.Sites():(p+1)*s.Sites()], wantJac[p*s.Sites():(p+1)*s.Sites()]
			steepest := max(slices.Max(wantRow), -slices.Min(wantRow))
			boundG, boundJ := 2e-11, 2e-11 // 1e-11 for either route
			if name == "localised" {       // and what roundings of on-site energies cause
				boundG, boundJ = 2e-11*wantG[p]+1e-14*steepest, 2e-11*steepest
			}
			require.InDelta(t, wantG[p], g[p], boundG, "%s, point %d", name, p)
			for i := range row {
				require.InDelta(t, wantRow[i], row[i], boundJ, "%s, point %d, site %d", name, p, i)
			}
		}
	}
}
