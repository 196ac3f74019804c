package lead

import (
	"context"
	"hash/maphash"
	"math"
	"math/cmplx"
	"slices"
	"sort"

	"mcd/core/parallel"
)

// reversed is the lead that grows the other way: its cell −1−n is cell n of a given lead. Its interface consists of the orbitals
// to which that lead's hopping leads, in their order, and its other orbitals follow in theirs.
type reversed struct {
	*Cell
	order []int // orbital of the given cell at every place
}

// newReversed returns nil if no orbital takes part in the hopping.
func newReversed(c *Cell) *reversed {
	n, m := c.Orbitals, c.Interface
	var order, others []int
	for i := range n {
		if slices.ContainsFunc(c.Hopping[i*m:(i+1)*m], func(z complex128) bool { return z != 0 }) {
			order = append(order, i)
		} else {
			others = append(others, i)
		}
	}
	size := len(order)
	if size == 0 {
		return nil
	}
	order = append(order, others...)
	r := &reversed{&Cell{Orbitals: n, Interface: size, Hamiltonian: make([]complex128, n*n), Hopping: make([]complex128, n*size),
		Energy: c.Energy}, order}
	for i, of := range order {
		for j, to := range order {
			r.Hamiltonian[i*n+j] = c.Hamiltonian[of*n+to]
			if j < size && of < m {
				r.Hopping[i*size+j] = cmplx.Conj(c.Hopping[to*m+of])
			}
		}
	}
	return r
}

// placesIn returns the place of every orbital in order.
func placesIn(order []int) []int {
	place := make([]int, len(order))
	for k, i := range order {
		place[i] = k
	}
	return place
}

var seed = maphash.MakeSeed()

// key tells apart cells that differ.
func (c *Cell) key() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	maphash.WriteComparable(&h, [2]int{c.Orbitals, c.Interface})
	maphash.WriteComparable(&h, c.Energy)
	for _, list := range [][]complex128{c.Hamiltonian, c.Hopping} {
		for _, z := range list {
			maphash.WriteComparable(&h, z)
		}
	}
	return h.Sum64()
}

func (c *Cell) equal(d *Cell) bool {
	return c.Orbitals == d.Orbitals && c.Interface == d.Interface && c.Energy == d.Energy &&
		slices.Equal(c.Hamiltonian, d.Hamiltonian) && slices.Equal(c.Hopping, d.Hopping)
}

// pairs finds cells that are each other's reverse: partner[i] is the place of one with a greater number, −1 for none, and taken
// tells that a cell is such a partner. It stops looking once ctx has ended.
func pairs(ctx context.Context, cells []*Cell) (partner []int, taken []bool) {
	partner, taken = make([]int, len(cells)), make([]bool, len(cells))
	places := map[uint64][]int{}
	fine := make([]bool, len(cells))
	for i, c := range cells {
		if partner[i] = -1; parallel.Cancelled(ctx) != nil {
			continue
		}
		if fine[i] = c.Validate() == nil; fine[i] {
			key := c.key()
			places[key] = append(places[key], i)
		}
	}
	for i, c := range cells {
		if taken[i] || !fine[i] || parallel.Cancelled(ctx) != nil {
			continue
		}
		r := newReversed(c)
		if r == nil {
			continue
		}
		for _, j := range places[r.key()] {
			if j > i && !taken[j] && r.equal(cells[j]) {
				partner[i], taken[j] = j, true
				break
			}
		}
	}
	return partner, taken
}

// bloch returns the factors of the hopping, v† = uw†.
func (r *reversed) bloch(b *bloch) *bloch {
	size := b.rank
	back := &bloch{stop: b.stop, cell: r.Cell, rank: size, w: make([]complex128, len(b.u)), u: make([]complex128, len(b.w))}
	for i, of := range r.order {
		if of < b.cell.Interface {
			copy(back.w[i*size:(i+1)*size], b.u[of*size:])
		}
		copy(back.u[i*size:(i+1)*size], b.w[of*size:])
	}
	return back
}

// wave returns a wave at the same cut: a and b change places.
func (w wave) reversed() wave {
	r := len(w) / 2
	back := make(wave, 2*r)
	for i := range r {
		back[i], back[r+i] = 1i*w[r+i], -1i*w[i]
	}
	return back
}

// modes returns the open modes as the lead has them.
func (r *reversed) modes(open []openMode) []openMode {
	back := make([]openMode, len(open))
	for k, o := range open {
		psi := make([]complex128, len(o.psi))
		for i, of := range r.order {
			psi[i] = o.lambda * o.psi[of]
		}
		lambda := cmplx.Conj(o.lambda)
		back[k] = openMode{wave: o.wave.reversed(), lambda: lambda, k: cmplx.Phase(lambda), velocity: -o.velocity, psi: psi}
		if o.k == math.Pi { // the same number
			back[k].k = o.k
		}
	}
	sort.SliceStable(back, func(i, j int) bool { return before(&back[i], &back[j]) })
	return back
}
