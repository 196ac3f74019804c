package inverse

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"mcd/core/lattice"
)

// Feasibility is what can be said about a target before the first step. None of it stops a run.
type Feasibility struct {
	// Ceiling is N, the largest possible G at every point (points).
	Ceiling []int
	// Excess is how far the target lies outside 0 ≤ G ≤ N, in e²/h: positive above N, negative below 0 (points).
	Excess []float64
	// Bound is the smallest possible √Σ(w·(G − target))² that excess and conflicts alone allow.
	Bound float64
	// Narrow marks points inside features sharper than one flux quantum (points); FluxQuantum is Δφ = π/(length·width), 0
	// if the geometry is not known.
	Narrow      []bool
	FluxQuantum float64
	// Conflict is target(φ) − target(−φ) where both fields are sampled at the same energy, else 0 (points): two-terminal
	// conductance is even in the field.
	Conflict []float64
	// Cusp is the slope of the target between φ = 0 and the next field, in e²/h per unit of φ, where that slope does not
	// die out towards 0 as it does for an even curve; else 0.
	Cusp float64
	// Text says all this for people, one line per finding; "" if there is none.
	Text string
}

// Feasible tells whether nothing excludes the target.
func (f *Feasibility) Feasible() bool { return f.Bound == 0 }

// LowerBound returns log Bound, the lowest L possible: −Inf if nothing excludes the target.
func (f *Feasibility) LowerBound() float64 { return math.Log(f.Bound) }

// sharp is the departure from the smoothed target, in e²/h, that counts as a feature: a tenth of a conductance quantum.
const sharp = 0.1

// rounding is the excess that does not count, in e²/h: computed curves of open wires are N to rounding.
const rounding = 1e-9

// CheckTarget compares a target with the ceiling and, where the strip is given, with flux quantum and symmetry.
func CheckTarget(ceiling []int, target, weights []float64, strip *lattice.Strip) *Feasibility {
	n := len(target)
	f := &Feasibility{Ceiling: slices.Clone(ceiling), Excess: make([]float64, n), Narrow: make([]bool, n), Conflict: make([]float64, n)}
	for k, t := range target {
		if e := max(t-float64(ceiling[k]), 0) + min(t, 0); math.Abs(e) > rounding {
			f.Excess[k] = e
		}
	}
	if strip != nil {
		f.FluxQuantum = math.Pi / float64(strip.Sites())
		f.symmetry(target, strip)
		f.narrow(target, strip)
	}
	f.bound(target, weights, strip)
	f.describe(strip)
	return f
}

// mirrored returns the point at the opposite field and the same energy, −1 if there is none.
func mirrored(strip *lattice.Strip, k int) int {
	for j, field := range strip.Fields {
		if j != k && field == -strip.Fields[k] && strip.Energies[j] == strip.Energies[k] {
			return j
		}
	}
	return -1
}

func (f *Feasibility) symmetry(target []float64, strip *lattice.Strip) {
	for k := range target {
		if j := mirrored(strip, k); j >= 0 {
			f.Conflict[k] = target[k] - target[j]
		}
	}
	order := sweep(strip)
	if len(order) < 3 || strip.Fields[order[0]] != 0 {
		return
	}
	// A smooth even curve starts like G(0) + bφ²: the slope over the first interval is a third of that over the second if
	// they are equally long. A cusp starts with its full slope.
	first, second := strip.Fields[order[1]], strip.Fields[order[2]]-strip.Fields[order[1]]
	change, next := target[order[1]]-target[order[0]], target[order[2]]-target[order[1]]
	if math.Abs(change) > sharp && math.Abs(change/first) > 0.75*math.Abs(next/second) {
		f.Cusp = change / first
	}
}

// sweep returns the points with φ ≥ 0 in the order of φ, nil unless all points have one energy.
func sweep(strip *lattice.Strip) []int {
	var order []int
	for k, field := range strip.Fields {
		if strip.Energies[k] != strip.Energies[0] {
			return nil
		}
		if field >= 0 {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch d := strip.Fields[a] - strip.Fields[b]; {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return a - b
	})
	return order
}

// narrow marks extrema that follow each other within half a flux quantum, the half-period of the fastest oscillation the
// wire's area allows, and differ by more than sharp.
func (f *Feasibility) narrow(target []float64, strip *lattice.Strip) {
	order := sweep(strip)
	var extrema []int // positions in order
	for i := 1; i+1 < len(order); i++ {
		a, b, c := target[order[i-1]], target[order[i]], target[order[i+1]]
		if (b-a)*(c-b) < 0 {
			extrema = append(extrema, i)
		}
	}
	for e := 1; e < len(extrema); e++ {
		i, j := extrema[e-1], extrema[e]
		apart := strip.Fields[order[j]] - strip.Fields[order[i]]
		if apart < f.FluxQuantum/2 && math.Abs(target[order[j]]-target[order[i]]) > sharp {
			for k := i; k <= j; k++ {
				f.Narrow[order[k]] = true
			}
		}
	}
}

// bound computes the distance to the nearest curve with 0 ≤ G ≤ N and G(φ) = G(−φ).
func (f *Feasibility) bound(target, weights []float64, strip *lattice.Strip) {
	square := 0.0
	for k, t := range target {
		w := 1.0
		if weights != nil {
			w = weights[k]
		}
		best := math.Min(math.Max(t, 0), float64(f.Ceiling[k]))
		if strip != nil && f.Conflict[k] != 0 {
			j := mirrored(strip, k)
			v := 1.0
			if weights != nil {
				v = weights[j]
			}
			if w*w+v*v > 0 {
				best = (w*w*t + v*v*target[j]) / (w*w + v*v)
			}
			best = math.Min(math.Max(best, 0), float64(min(f.Ceiling[k], f.Ceiling[j])))
		}
		if math.Abs(t-best) > rounding {
			square += w * w * (t - best) * (t - best)
		}
	}
	f.Bound = math.Sqrt(square)
}

func (f *Feasibility) describe(strip *lattice.Strip) {
	where := func(k int) string {
		if strip == nil {
			return fmt.Sprintf("point %d", k)
		}
		return fmt.Sprintf("field %.6g", strip.Fields[k])
	}
	var lines []string
	list := func(what string, in func(k int) bool) {
		if r := ranges(len(f.Excess), in, where); r != "" {
			lines = append(lines, fmt.Sprintf(what, r))
		}
	}
	above, below := max(0, slices.Max(f.Excess)), max(0, -slices.Min(f.Excess))
	list(fmt.Sprintf("The target exceeds the number of open modes N by up to %.4g e²/h at %%s: no potential reaches it there.", above),
		func(k int) bool { return f.Excess[k] > 0 })
	list(fmt.Sprintf("The target falls below 0 by up to %.4g e²/h at %%s.", below), func(k int) bool { return f.Excess[k] < 0 })
	list("The target differs at opposite fields at %s, but a two-terminal conductance is even in the field.",
		func(k int) bool { return f.Conflict[k] != 0 })
	if !f.Feasible() {
		lines = append(lines, fmt.Sprintf("Infeasible by at least |G − target| = %.4g, L = %.4g.", f.Bound, f.LowerBound()))
	}
	list(fmt.Sprintf("Features sharper than one flux quantum, Δφ = π/(length·width) = %.4g, at %%s: expect to miss them.", f.FluxQuantum),
		func(k int) bool { return f.Narrow[k] })
	if f.Cusp != 0 {
		lines = append(lines, fmt.Sprintf("The target has slope %.4g at field 0, but G is even there: it can be met at the samples at most, between them the curve bends.", f.Cusp))
	}
	f.Text = strings.Join(lines, "\n")
}

// ranges lists the points where in holds, runs of neighbours joined, at most 8 of them.
func ranges(n int, in func(int) bool, where func(int) string) string {
	var parts []string
	for k := 0; k < n; k++ {
		if !in(k) {
			continue
		}
		last := k
		for last+1 < n && in(last+1) {
			last++
		}
		if last == k {
			parts = append(parts, where(k))
		} else {
			parts = append(parts, where(k)+" to "+where(last))
		}
		k = last
	}
	if len(parts) > 8 {
		parts = append(parts[:8], fmt.Sprintf("%d more places", len(parts)-8))
	}
	return strings.Join(parts, ", ")
}

// NearestFeasible returns the target made even in the field where opposite fields are sampled, without features below half
// a flux quantum where it has some (a normalised Gaussian of that width over the swept field, mirrored at φ = 0), and cut to
// 0 ≤ G ≤ N.
func NearestFeasible(ceiling []int, target []float64, strip *lattice.Strip) []float64 {
	out := slices.Clone(target)
	f := CheckTarget(ceiling, target, nil, strip)
	for k, c := range f.Conflict {
		out[k] -= c / 2
	}
	if slices.Contains(f.Narrow, true) {
		smooth(out, f.FluxQuantum/2, strip)
	}
	for k := range out {
		top := f.Ceiling[k]
		if strip != nil {
			if j := mirrored(strip, k); j >= 0 {
				top = min(top, f.Ceiling[j])
			}
		}
		out[k] = math.Min(math.Max(out[k], 0), float64(top))
	}
	return out
}

// smooth averages curve over |φ| with a Gaussian of standard deviation width; samples count by the field they stand for.
func smooth(curve []float64, width float64, strip *lattice.Strip) {
	order := sweep(strip)
	old := slices.Clone(curve)
	at := func(i int) float64 { return strip.Fields[order[i]] }
	for k := range curve {
		field := math.Abs(strip.Fields[k])
		sum, total := 0.0, 0.0
		for i := range order {
			share := at(min(i+1, len(order)-1)) - at(max(i-1, 0))
			for _, d := range [2]float64{field - at(i), field + at(i)} {
				if at(i) == 0 {
					d, share = field, share/2
				}
				w := share * math.Exp(-d*d/(2*width*width))
				sum, total = sum+w*old[order[i]], total+w
			}
		}
		if total > 0 {
			curve[k] = sum / total
		}
	}
}
