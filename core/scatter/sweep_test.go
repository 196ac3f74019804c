package scatter

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"mcd/core/kernel"
	"mcd/core/lattice"
)

// TestVerdicts holds what Reflect and Corrected call right against refined solutions of the transmission, on potentials from
// smooth to rough: conductances to 1e-11, derivatives to 1e-11 and three times the bound that was estimated. On most of them
// something must be right, else the check would be empty.
func TestVerdicts(t *testing.T) {
	potentials := map[string]func(r *rand.Rand, i int) float64{
		"clean":    func(*rand.Rand, int) float64 { return 0 },
		"weak":     func(r *rand.Rand, _ int) float64 { return 0.3 * r.NormFloat64() },
		"strong":   func(r *rand.Rand, _ int) float64 { return r.NormFloat64() },
		"isolated": func(r *rand.Rand, i int) float64 { return 0.1*r.NormFloat64() + 1e6*float64(max(0, 1-i%97)) },
		"wells":    func(_ *rand.Rand, i int) float64 { return -5 * float64(max(0, 1-i%61)) },
	}
	for _, k := range kernel.All() {
		for _, shape := range [][2]int{{30, 30}, {150, 12}, {24, 56}} {
			for name, potential := range potentials {
				if k.Name() == "plain" && shape[1] > 30 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%dx%d/%s", k.Name(), shape[0], shape[1], name), func(t *testing.T) {
					checkVerdicts(t, k, shape[0], shape[1], potential, name != "strong")
				})
			}
		}
	}
}

func checkVerdicts(t *testing.T, k kernel.Kernel, length, width int, potential func(r *rand.Rand, i int) float64, some bool) {
	s := lattice.Strip{Length: length, Width: width, Hopping: 1, LeadOnsite: 4, Fields: make([]float64, 16), Energies: make([]float64, 16)}
	for i := range s.Fields {
		s.Fields[i], s.Energies[i] = 0.1*float64(i)/16*30/float64(width), 1.2
	}
	w, err := NewWire(s, Options{Threads: 1, Kernel: k.Name()})
	require.NoError(t, err)
	defer w.Close()
	r, h := rand.New(rand.NewPCG(3, 4)), make([]float64, s.Sites())
	for i := range h {
		h[i] = 4 + potential(r, i)
	}
	accurate, derivable, corrected := 0, 0, 0
	require.NoError(t, w.Run(context.Background(), h, func(ws *Workspace, g *Group) error {
		found, refined := make([]float64, s.Points()), make([]float64, s.Points())
		n := length * len(ws.ZeroRow())
		rows, again, exact := make([]float64, n), make([]float64, n), make([]float64, n)
		into := func(rows []float64) func(slice int, row []float64) {
			return func(slice int, row []float64) { copy(rows[slice*len(row):], row) }
		}
		require.NoError(t, ws.Factor())
		v, err := ws.Reflect(found, into(rows))
		require.NoError(t, err)
		estimate := ws.doubtOfDerivatives(&ws.waves[0], &ws.waves[1], &ws.waves[0], &ws.waves[1])
		other := make([]float64, s.Points())
		c, err := ws.Corrected(Verdict{}, other, into(again))
		require.NoError(t, err)
		estimateOfCorrected := ws.doubtOfDerivatives(&ws.waves[0], &ws.waves[1], &ws.waves[2], &ws.waves[3])
		small := Verdict{small: true}
		psi, err := ws.Transmit(small, refined)
		require.NoError(t, err)
		require.NoError(t, ws.Differentiate(small, psi, into(exact)))
		if v.Accurate {
			accurate++
			require.InDeltaSlice(t, refined, found, 1e-11)
		}
		worst := func(rows []float64) (worst float64) {
			for i := range exact {
				worst = math.Max(worst, math.Abs(rows[i]-exact[i]))
			}
			return worst
		}
		if v.Derivable {
			derivable++
			require.LessOrEqual(t, worst(rows), 1e-11+3*estimate)
		}
		if c.Accurate {
			require.InDeltaSlice(t, refined, other, 1e-11)
		}
		if c.Derivable {
			corrected++
			require.LessOrEqual(t, worst(again), 1e-11+3*estimateOfCorrected)
		}
		return nil
	}))
	if some {
		require.Positive(t, accurate)
		require.Positive(t, derivable)
		require.Positive(t, corrected)
	}
}

// TestConstantsOfIdleWire checks that a wire whose memory nobody has asked for yet serves whoever solves elsewhere.
func TestConstantsOfIdleWire(t *testing.T) {
	s := lattice.Strip{Length: 4, Width: 5, Hopping: 1, LeadOnsite: 4, Fields: []float64{0, 0.03}, Energies: []float64{1.2, 1.2}}
	idle, err := NewIdleWire(s, Options{})
	require.NoError(t, err)
	ready, err := NewWire(s, Options{})
	require.NoError(t, err)
	defer ready.Close()
	for k := range 2 {
		got, err := idle.Constants(k)
		require.NoError(t, err)
		want, err := ready.Constants(k)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	idle.Close()
	_, err = idle.Constants(0)
	require.ErrorContains(t, err, "closed")
}

// TestSettled checks that residuals of rounding end a correction, larger ones and what is not finite do not.
func TestSettled(t *testing.T) {
	s := Workspace{group: &Group{open: []int{2, 0}}}
	for _, c := range []struct {
		residual, largest float64
		want              bool
	}{{1e-16, 1, true}, {3e-13, 100, true}, {1e-13, 1, false}, {math.Inf(1), math.Inf(1), false}} {
		v := &Wave{}
		for i := range v.notes {
			v.notes[i] = note{[]float64{c.residual, 1}, []float64{c.largest, 1}} // the second lane is closed
		}
		require.Equal(t, c.want, s.settled(v, v), "%+v", c)
	}
}
