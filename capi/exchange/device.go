package exchange

import (
	"math/cmplx"

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/memory"
)

// Device describes any device by plain values; Lattice.Interfaces are those of the leads.
type Device struct {
	Lattice lattice.Device
	Leads   []Lead
}

// Lead describes a periodic lead by its cell (Orbitals > 0), or a lead by its self-energies and waves. Matrices are given once
// for all points or once for each.
type Lead struct {
	Interface []int64
	// Orbitals of a cell, its Hamiltonian (orbitals × orbitals) and its hopping to the next (orbitals × interface).
	Orbitals      int
	Cell, Hopping []complex128
	// Sigma (interface × interface), Modes (points), and as in lead.Terminal, point by point, Injection (interface × modes),
	// Extraction (modes × interface) and Direct (modes × modes), the last two nil for Fisher–Lee.
	Sigma                         []complex128
	Modes                         []int64
	Injection, Extraction, Direct []complex128
}

// NewDevice joins a lattice with its leads; l.Interfaces are replaced.
func NewDevice(l lattice.Device, leads []Lead) *Device {
	l.Interfaces = nil
	for i := range leads {
		l.Interfaces = append(l.Interfaces, ints(leads[i].Interface))
	}
	return &Device{l, leads}
}

// Validate returns an Argument error for the first thing that makes no sense.
func (d *Device) Validate() error {
	if err := memory.Fits(16 * max(d.Lattice.Orbitals, 0)); err != nil { // a few bytes may ask for 2^24 orbitals
		return err
	}
	if err := d.Lattice.Validate(); err != nil {
		return err
	}
	for i := range d.Leads {
		if _, _, err := d.Leads[i].Open(d.Lattice.Energies); err != nil {
			return fault.Invalid("lead", "number %d: %v", i, err)
		}
	}
	return nil
}

// Unit returns the largest hopping, 1 if there is none: the unit of energies.
func (d *Device) Unit() float64 {
	l, most := &d.Lattice, 0.0
	for p := range l.Points() {
		for k, i := range l.Rows {
			if i != l.Cols[k] {
				most = max(most, cmplx.Abs(l.Entry(p, k)))
			}
		}
	}
	if most == 0 {
		return 1
	}
	return most
}

// Plane returns x and y of every orbital.
func (d *Device) Plane() ([]float64, error) {
	l := &d.Lattice
	switch {
	case l.Positions == nil:
		return nil, fault.Invalid("positions", "the device has none; give its orbitals positions to place Gaussians")
	case l.Dimensions > 2:
		return nil, fault.Invalid("positions", "the device has %d dimensions; Gaussians are for one or two, give basis functions instead", l.Dimensions)
	}
	plane := make([]float64, 2*l.Orbitals)
	for i := range l.Orbitals {
		copy(plane[2*i:2*i+2], l.Positions[i*l.Dimensions:][:l.Dimensions])
	}
	return plane, nil
}

// sweep cuts a copy of what is given into one matrix of the given size for every point: one for all, or one for each. Matrices
// that points share are shared in memory.
func sweep(name string, all []complex128, size, points int) ([][]complex128, error) {
	given := points
	if len(all) == size {
		given = 1
	}
	if len(all) != given*size {
		return nil, fault.Invalid(name, "%d elements where %d complex numbers, two elements each, are needed; give one matrix for all points or one for each", 2*len(all), points*size)
	}
	list := make([][]complex128, points)
	for i := range list {
		list[i] = all[min(i, given-1)*size:][:size:size]
	}
	return list, nil
}

// Open returns the lead at every point: cells, which have to be solved, or what waves do.
func (l *Lead) Open(energies []float64) (cells []*lead.Cell, terminals []lead.Terminal, err error) {
	if l.Orbitals == 0 {
		terminals, err = l.terminals(len(energies))
		return nil, terminals, err
	}
	c, m := l.Orbitals, len(l.Interface)
	if c < 1 || c > lead.MaxOrbitals || m > c {
		return nil, nil, fault.Invalid("orbitals", "%d in a cell of a lead with %d interface orbitals; give from %d to %d", c, m, max(m, 1), lead.MaxOrbitals)
	}
	hs, err := sweep("cell", l.Cell, c*c, len(energies))
	if err != nil {
		return nil, nil, err
	}
	vs, err := sweep("hopping", l.Hopping, c*m, len(energies))
	if err != nil {
		return nil, nil, err
	}
	for p, e := range energies {
		cell := &lead.Cell{Orbitals: c, Interface: m, Hamiltonian: hs[p], Hopping: vs[p], Energy: e}
		if err := cell.Validate(); err != nil {
			return nil, nil, fault.Invalid("point", "%d: %v", p, err)
		}
		cells = append(cells, cell)
	}
	return cells, nil, nil
}

func (l *Lead) terminals(points int) ([]lead.Terminal, error) {
	m := len(l.Interface)
	sigmas, err := sweep("sigma", l.Sigma, m*m, points)
	if err != nil {
		return nil, err
	}
	if len(l.Modes) != points {
		return nil, fault.Invalid("modes", "%d elements where %d are needed; give an array of that size", len(l.Modes), points)
	}
	total, square := 0, 0
	for p, n := range l.Modes {
		if n < 0 || n > int64(m) {
			return nil, fault.Invalid("modes", "%d at point %d; a lead with %d interface orbitals has 0 to %d", n, p, m, m)
		}
		total, square = total+int(n), square+int(n*n)
	}
	fisherLee := l.Extraction == nil && l.Direct == nil
	for _, part := range []struct {
		name       string
		have, need int
		absent     bool
	}{{"in", len(l.Injection), m * total, false}, {"out", len(l.Extraction), m * total, fisherLee}, {"direct", len(l.Direct), square, fisherLee}} {
		if !part.absent && part.have != part.need {
			return nil, fault.Invalid(part.name, "%d elements where %d complex numbers, two elements each, are needed; give an array of that size", 2*part.have, part.need)
		}
	}
	in, out, direct := l.Injection, l.Extraction, l.Direct
	terminals := make([]lead.Terminal, points)
	for p := range terminals {
		n := int(l.Modes[p])
		t := &terminals[p]
		*t = lead.Terminal{Modes: n, Sigma: sigmas[p], In: in[: m*n : m*n]}
		in = in[m*n:]
		if !fisherLee {
			t.Out, t.Direct = out[:m*n:m*n], direct[:n*n:n*n]
			out, direct = out[m*n:], direct[n*n:]
		}
	}
	return terminals, nil
}
