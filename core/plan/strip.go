// Package plan holds what is decided once per geometry or potential, before any arithmetic on the batch: the nodes of a
// strip's sweep, and the ordering and elimination tree of a general device.
package plan

import "math"

// Budget returns the growth allowed between two nodes of the sweep of a strip: the three-term recursion loses about
// log₁₀(Budget) digits, which the residual check sees and refinement restores, at several times the price of the sweep. 1e3
// gives hops of 4 slices on smooth potentials, 1e2 hops of 2. Errors of hops add up along the wire, and derivatives of a long
// rough wire are large, so that less is allowed beyond 100 slices. It is what a GPU works with; see CheapBudget.
func Budget(length int) float64 { return 1e3 * math.Min(1, 100/float64(length)) }

// CheapBudget is Budget where a correction of all waves costs no more than a sweep and restores what any hop has lost: 1e3 where
// many fields do without, whatever the length, and 1e4 on long rough wires, where hardly any does. What a wire scatters is
// judged by Σ(h_{x+1} − h_x)²/2W with addends of one at most, the length times the variance where sites are independent. h is
// as in Strip.Nodes.
func CheapBudget(h []float64, width int) float64 {
	sum := 0.0
	for i, e := range h[width:] {
		d := e - h[i]
		sum += math.Min(d*d/2, 1)
	}
	if sum > 30*float64(width) {
		return 1e4
	}
	return 1e3
}

// MaxHop is the longest hop whatever the bound says; it fixes the number of slices that a sweep keeps at a time.
const MaxHop = 8

// Strip chooses the nodes of a strip's sweep. It owns its scratch space; one goroutine at a time.
type Strip struct {
	length, width int
	nodes         []int
	v, w          []float64
}

// NewStrip returns a planner for strips of the given size.
func NewStrip(length, width int) *Strip {
	return &Strip{length, width, make([]int, 0, length), make([]float64, width), make([]float64, width)}
}

// Nodes returns the slices at which the sweep keeps the map F, counted from the right lead: 0 = n₀ < n₁ < … = length−1.
// Between nodes the sweep follows φ_{x−1} = −(D_x φ_x + φ_{x+1}), whose entries are bounded by
//
//	v_{x−1}(y) = |e − h(x, y)| v_x(y) + v_x(y−1) + v_x(y+1) + v_{x+1}(y),  v_R = v_{R+1} = 1;
//
// a hop ends before the bound passes budget, after one slice at the latest. So the choice depends on the potential alone.
// h holds the on-site energies from the right lead on ([slice][y]), lo and hi are the smallest and the largest energy of
// the sweep, all in units of the hopping. The result is overwritten by the next call.
func (p *Strip) Nodes(h []float64, lo, hi, budget float64) []int {
	p.nodes = append(p.nodes[:0], 0)
	for at := 0; at < p.length-1; {
		at += p.reach(h[at*p.width:], min(p.length-1-at, MaxHop), lo, hi, budget)
		p.nodes = append(p.nodes, at)
	}
	return p.nodes
}

// reach returns how many slices, 1 … most, one hop may cover from the first slice of h.
func (p *Strip) reach(h []float64, most int, lo, hi, budget float64) int {
	for y := range p.v {
		p.v[y], p.w[y] = 1, 1
	}
	for k := range most {
		grown, row := 0.0, h[k*p.width:][:p.width]
		left := 0.0
		for y, e := range row {
			here := p.v[y]
			next := math.Max(math.Abs(lo-e), math.Abs(hi-e))*here + left + p.w[y]
			if y+1 < p.width {
				next += p.v[y+1]
			}
			left = here
			p.w[y] = next
			grown = math.Max(grown, next)
		}
		p.v, p.w = p.w, p.v
		if grown > budget && k > 0 {
			return k
		}
	}
	return most
}

// StripWork counts the complex multiply-adds of one point with all derivatives by the sweep of a strip: at every node a division
// and F applied to ψ and χ, on every slice the recursion of φ, ψ and χ.
func StripWork(length, width, nodes int, columns float64) float64 {
	w := float64(width)
	return float64(nodes)*(4*w*w*w/3+2*columns*w*w) + float64(length)*(2.5*w*w+5*columns*w)
}

// NarrowStrip is the width below which fronts have more work than the sweep, from 2 to 1000 slices: none are planned there.
const NarrowStrip = 100

// Work counts the same by fronts, factorization by the time model: ψ and χ pass all factors twice, to be refined, which makes
// 4; 5.5 is fitted to processor times of strips from 30 × 30 to 200 × 200 and 30 × 400, since factors come from memory.
func (f *Fronts) Work(columns float64) float64 { return f.Cost + 5.5*columns*float64(f.Factors) }
