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

// TestKeptResiduals holds corrections from the residuals that Reflect kept, as on large wires, against refined solutions of the
// transmission: of ψ alone and of ψ and χ', each where it is due and where it is not. What Reflect finds is the same with and
// without residuals, and so it is where the memory does not suffice for them.
func TestKeptResiduals(t *testing.T) {
	for _, k := range kernel.All() {
		due, notDue := 0, 0 // groups with right derivatives where a correction of χ' is due, and where it is not
		for _, c := range []struct {
			length, width int
			disorder      float64
		}{{40, 12, 0.3}, {300, 6, 0.3}, {300, 6, 0.6}, {500, 10, 0.3}} {
			s := lattice.Strip{Length: c.length, Width: c.width, Hopping: 1, LeadOnsite: 4, Fields: make([]float64, 16), Energies: make([]float64, 16)}
			r, h := rand.New(rand.NewPCG(7, 8)), make([]float64, s.Sites())
			for i := range s.Fields {
				s.Fields[i], s.Energies[i] = 0.1*float64(i)/16, 1.2
			}
			for i := range h {
				h[i] = 4 + c.disorder*r.NormFloat64()
			}
			w, err := NewWire(s, Options{Threads: 1, Kernel: k.Name()})
			require.NoError(t, err)
			defer w.Close()
			require.NoError(t, w.Run(context.Background(), h, func(ws *Workspace, g *Group) error {
				n, name := c.length*len(ws.ZeroRow()), fmt.Sprintf("%s, %+v", k.Name(), c)
				g1, g2, refined := make([]float64, s.Points()), make([]float64, s.Points()), make([]float64, s.Points())
				single, rows, exact := make([]float64, n), make([]float64, n), make([]float64, n)
				into := func(rows []float64) func(slice int, row []float64) {
					return func(slice int, row []float64) { copy(rows[slice*len(row):], row) }
				}
				require.NoError(t, ws.Factor())
				small := Verdict{small: true}
				psi, err := ws.Transmit(small, refined)
				require.NoError(t, err)
				require.NoError(t, ws.Differentiate(small, psi, into(exact)))

				ws.begin(ws.ctx, ws.index) // the refined solution may have been found slice by slice
				ws.cached = math.MaxInt
				require.NoError(t, ws.Factor())
				want, err := ws.Reflect(g1, into(single))
				require.NoError(t, err)
				require.False(t, want.kept || want.both)
				if want.small {
					return nil
				}
				ws.cached = 0
				for _, both := range []bool{false, true} {
					v, err := ws.Reflect(g2, into(rows))
					require.NoError(t, err)
					require.Equal(t, g1, g2)
					require.Equal(t, Verdict{Accurate: want.Accurate, Derivable: want.Derivable, kept: true, both: v.both}, v)
					if v.Derivable {
						require.Equal(t, single, rows)
					}
					natural := v.both
					v.both = both
					v, err = ws.Corrected(v, g2, into(rows))
					require.NoError(t, err)
					require.True(t, v.Accurate, name)
					for _, p := range g.Points[:g.Unique] {
						require.InDelta(t, refined[p], g2[p], 1e-11, name)
					}
					if natural == both {
						require.True(t, v.Derivable, name)
					}
					if v.Derivable {
						require.InDeltaSlice(t, exact, rows, 1e-11, name)
					}
					switch {
					case natural && both:
						due++
					case !natural && !both:
						notDue++
					}
				}
				return nil
			}))
		}
		require.Positive(t, due)
		require.Positive(t, notDue)
	}
}

// TestWithoutMemoryForResiduals checks that Reflect does without them.
func TestWithoutMemoryForResiduals(t *testing.T) {
	s := lattice.Strip{Length: 60, Width: 8, Hopping: 1, LeadOnsite: 4, Fields: []float64{0, 0.03}, Energies: []float64{1.2, 1.2}}
	h := make([]float64, s.Sites())
	for i := range h {
		h[i] = 4 + 0.1*math.Sin(float64(i))
	}
	reflect := func(limit int64) (g []float64, bytes int64, v Verdict) {
		w, err := NewWire(s, Options{Threads: 1, MemoryLimit: limit})
		require.NoError(t, err)
		defer w.Close()
		g = make([]float64, 2)
		require.NoError(t, w.Run(context.Background(), h, func(ws *Workspace, _ *Group) error {
			ws.cached = 0
			require.NoError(t, ws.Factor())
			bytes = w.Bytes() // before Reflect
			v, err = ws.Reflect(g, func(int, []float64) {})
			return err
		}))
		return g, bytes, v
	}
	want, before, v := reflect(0)
	require.True(t, v.Derivable && v.kept)
	got, _, v := reflect(before)
	require.True(t, v.Derivable && !v.kept)
	require.Equal(t, want, got)
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
