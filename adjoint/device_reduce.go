package adjoint

import (
	"context"

	"mcd/core/fault"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// entries are places (i, j) at which D is wanted, as elimination positions, with their index in the result.
type entries struct {
	rows, cols []int32
	entry      []int
	leads      []int // in a variation: the first entry of every lead
	stride     int   // in a variation: entries of the pattern
}

func (e *entries) add(row, col int32, entry int) {
	if row >= 0 && col >= 0 { // else no lead reaches it, and D is zero
		e.rows, e.cols, e.entry = append(e.rows, row), append(e.cols, col), append(e.entry, entry)
	}
}

// diagonal lists the orbitals in the order of their elimination.
func (d *Device) diagonal() *entries {
	e := &entries{}
	for p, orbital := range d.Plan.Order {
		e.add(int32(p), int32(p), int(orbital))
	}
	return e
}

// patternEntries lists the entries of the Hamiltonian.
func (d *Device) patternEntries() *entries {
	e := &entries{}
	for k, i := range d.Lattice.Rows {
		e.add(d.Plan.Position[i], d.Plan.Position[d.Lattice.Cols[k]], k)
	}
	return e
}

// hoppingEntries lists (i, j) and (j, i) one after the other for every hopping.
func (d *Device) hoppingEntries(hoppings [][2]int) (*entries, error) {
	e, n := &entries{}, d.Inputs()
	for k, h := range hoppings {
		i, j := h[0], h[1]
		if i < 0 || i >= n || j < 0 || j >= n || i == j {
			return nil, fault.Invalid("hoppings", "hopping %d joins orbitals %d and %d; give two different orbitals from 0 to %d", k, i, j, n-1)
		}
		e.add(d.Plan.Position[i], d.Plan.Position[j], k)
		e.add(d.Plan.Position[j], d.Plan.Position[i], k)
	}
	return e, nil
}

// each computes g and, for every group of points, D of the curves at the entries; curves of the same row are added up. emit
// gets one row at a time, D through at(entry, lane); it is called from several goroutines, never twice for the same points
// and row unless a group has to be repeated.
func (d *Device) each(ctx context.Context, onsite []float64, curves []curve, e *entries, g []float64, emit func(group *scatter.DeviceGroup, row int, at func(k, lane int) complex128)) error {
	if err := scatter.CheckLength("transmission", len(g), d.Outputs()); err != nil {
		return err
	}
	places, rows := d.NewPlaces(e.rows, e.cols), 0
	place := make([]int, len(places.Order)) // of entry k in sums
	for at, k := range places.Order {
		place[k] = at
	}
	for _, c := range curves {
		rows = max(rows, c.row+1)
	}
	return d.Run(ctx, onsite, nil, func(s *scatter.DeviceWorkspace, group *scatter.DeviceGroup) error {
		size := len(e.rows) * 2 * s.Lanes()
		buffer, err := memory.New((rows + 1) * size)
		if err != nil {
			return err
		}
		defer buffer.Free()
		clear(buffer.Data)
		sums := func(row int) []float64 { return buffer.Data[row*size:][:size] }
		transmissions := s.Transmissions
		if d.Hermitian() {
			transmissions = s.TransmissionsOnPaths
		}
		err = transmissions(g, func(b scatter.Batch, psi []float64) error {
			complete := !d.Hermitian()
			for i := range curves {
				c := &curves[i]
				if c.from != b.Lead {
					continue
				}
				if !complete {
					complete = true
					done, err := s.Pair(places, sums(c.row), sums(rows), costates(s, group, c, b, psi)...)
					if err != nil {
						return err
					}
					if done {
						continue
					}
				}
				if err := s.Reduce(b.Count, psi, places, sums(c.row), costates(s, group, c, b, psi)...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for row := range rows {
			emit(group, row, func(k, lane int) complex128 { return s.Element(sums(row), place[k], lane) })
		}
		return nil
	})
}

// costates returns the sources of Aᵀχ_n = 2 Σ_m w S*_mn Outᵀ_m for the columns of ψ, for all leads of a curve with weights w.
func costates(s *scatter.DeviceWorkspace, group *scatter.DeviceGroup, c *curve, b scatter.Batch, psi []float64) []scatter.Source {
	sources := s.Sources(b.Count, c.to)
	v := s.Lanes()
	for k, to := range c.to {
		a := s.Amplitudes(to, c.from, b.First, b.Count, psi)
		for l, p := range group.Points {
			w := 2 * c.weights[k](p)
			for at := l; at < len(a); at += 2 * v {
				a[at] *= w
				a[at+v] *= -w
			}
		}
		s.Project(to, b.Count, a, sources[k].Data)
	}
	return sources
}
