package lattice

import (
	"math/cmplx"
	"slices"

	"mcd/core/fault"
)

// Device is a batch of scattering regions that share a sparsity pattern: one Hamiltonian and one energy per point. The batch
// axis is whatever the caller sweeps: a field, the energy, a gate.
//
// Entry k of the pattern is H[Rows[k]][Cols[k]]; both triangles are listed, as is every diagonal entry that is not zero.
type Device struct {
	Orbitals     int
	Rows, Cols   []int        // (entries)
	Values       []complex128 // [point][entry], in the unit of the energies
	Energies     []float64    // (points)
	Interfaces   [][]int      // orbitals that each lead touches, in the order of the lead's self-energy
	Positions    []float64    // [orbital][dimension], or nil: helps to find a good elimination order
	Dimensions   int          // of Positions
	NonHermitian bool         // skip the check that every Hamiltonian is Hermitian
}

// MaxOrbitals bounds the orbitals of a device: positions are 32-bit numbers.
const MaxOrbitals = 1 << 24

// Points returns the number of scattering problems in the batch.
func (d *Device) Points() int { return len(d.Energies) }

// Entries returns the number of entries of the pattern.
func (d *Device) Entries() int { return len(d.Rows) }

// Entry returns H[Rows[k]][Cols[k]] at a point.
func (d *Device) Entry(point, k int) complex128 { return d.Values[point*len(d.Rows)+k] }

// Validate returns an Argument error for the first value that makes no sense.
func (d *Device) Validate() error {
	for _, check := range []func() error{d.validateSizes, d.ValidatePositions, d.ValidatePattern, d.ValidateInterfaces, d.ValidateValues} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// ValidatePattern checks the sizes, the energies, the indices of the entries, and that none is repeated.
func (d *Device) ValidatePattern() error {
	if err := d.validateSizes(); err != nil {
		return err
	}
	_, err := d.index()
	return err
}

// validateSizes checks what can be checked without taking memory for every orbital: a damaged file may name millions.
func (d *Device) validateSizes() error {
	switch {
	case d.Orbitals < 1 || d.Orbitals > MaxOrbitals:
		return fault.Invalid("orbitals", "%d; give 1 to %d", d.Orbitals, MaxOrbitals)
	case len(d.Rows) != len(d.Cols):
		return fault.Invalid("cols", "%d column indices for %d row indices; give one for each", len(d.Cols), len(d.Rows))
	case len(d.Energies) == 0:
		return fault.Invalid("energy", "empty; give at least one point")
	}
	for p, e := range d.Energies {
		if !finite(e) {
			return fault.Invalid("energy", "point %d is %g; give finite values", p, e)
		}
	}
	return nil
}

// ValidatePositions checks that every orbital has a position, if there are any.
func (d *Device) ValidatePositions() error {
	if d.Positions == nil {
		return nil
	}
	if d.Dimensions < 1 || d.Dimensions > len(d.Positions) || len(d.Positions) != d.Orbitals*d.Dimensions {
		return fault.Invalid("positions", "%d values for %d orbitals in %d dimensions; give one position for each orbital", len(d.Positions), d.Orbitals, d.Dimensions)
	}
	for k, x := range d.Positions {
		if !finite(x) {
			return fault.Invalid("positions", "orbital %d is at %g; give finite values", k/d.Dimensions, x)
		}
	}
	return nil
}

// ValidateInterfaces checks the orbitals that leads touch; there must be a lead.
func (d *Device) ValidateInterfaces() error {
	if len(d.Interfaces) == 0 {
		return fault.Invalid("leads", "the device has no leads; attach at least one")
	}
	seen := make([]int, d.Orbitals)
	for i, orbitals := range d.Interfaces {
		if len(orbitals) == 0 {
			return fault.Invalid("leads", "lead %d has no interface orbitals; give at least one", i)
		}
		for _, v := range orbitals {
			if v < 0 || v >= d.Orbitals {
				return fault.Invalid("leads", "lead %d touches orbital %d; the device has orbitals 0 to %d", i, v, d.Orbitals-1)
			}
			if seen[v] == i+1 {
				return fault.Invalid("leads", "lead %d lists orbital %d twice; give every interface orbital once", i, v)
			}
			seen[v] = i + 1
		}
	}
	return nil
}

// index is the pattern's entries by row, ascending by column in each.
type index struct {
	first   []int // of every row: its first place in entries
	entries []int
}

// index checks the indices of the entries, and that none is repeated.
func (d *Device) index() (*index, error) {
	x := &index{first: make([]int, d.Orbitals+1), entries: make([]int, len(d.Rows))}
	for k, i := range d.Rows {
		j := d.Cols[k]
		if i < 0 || i >= d.Orbitals || j < 0 || j >= d.Orbitals {
			return nil, fault.Invalid("rows", "entry %d is (%d, %d); the device has orbitals 0 to %d", k, i, j, d.Orbitals-1)
		}
		x.first[i+1]++
	}
	for i := range d.Orbitals {
		x.first[i+1] += x.first[i]
	}
	next := slices.Clone(x.first)
	for k, i := range d.Rows {
		x.entries[next[i]] = k
		next[i]++
	}
	for i := range d.Orbitals {
		row := x.entries[x.first[i]:x.first[i+1]]
		slices.SortStableFunc(row, func(k, l int) int { return d.Cols[k] - d.Cols[l] })
		for n := range row[min(1, len(row)):] {
			if j := d.Cols[row[n]]; j == d.Cols[row[n+1]] {
				return nil, fault.Invalid("rows", "entries %d and %d are both (%d, %d); add them up and give one", row[n], row[n+1], i, j)
			}
		}
	}
	return x, nil
}

// partner returns the number of the entry (Cols[k], Rows[k]), false if there is none.
func (d *Device) partner(x *index, k int) (int, bool) {
	row := x.entries[x.first[d.Cols[k]]:x.first[d.Cols[k]+1]]
	at, found := slices.BinarySearchFunc(row, d.Rows[k], func(l, j int) int { return d.Cols[l] - j })
	if !found {
		return 0, false
	}
	return row[at], true
}

// ValidateValues checks that values are finite and that every H is Hermitian to 1e-13 of its largest entry (Kwant's
// tolerance).
func (d *Device) ValidateValues() error {
	if len(d.Values) != len(d.Energies)*len(d.Rows) {
		return fault.Invalid("values", "%d values for %d points of %d entries; the pattern must be the same at every point", len(d.Values), len(d.Energies), len(d.Rows))
	}
	sum := 0.0 // NaN if a value is not finite
	for _, v := range d.Values {
		sum += 0*real(v) + 0*imag(v)
	}
	for n, v := range d.Values {
		if sum == 0 {
			break
		}
		if !finite(real(v)) || !finite(imag(v)) {
			k := n % len(d.Rows)
			return fault.Invalid("values", "H[%d][%d] at point %d is %v; give finite values", d.Rows[k], d.Cols[k], n/len(d.Rows), v)
		}
	}
	if d.NonHermitian {
		return nil
	}
	x, err := d.index()
	if err != nil {
		return err
	}
	partner := make([]int, len(d.Rows))
	for k, i := range d.Rows {
		var ok bool
		if partner[k], ok = d.partner(x, k); !ok {
			return fault.Invalid("rows", "entry (%d, %d) has no partner (%d, %d); list both triangles (zeros where needed)", i, d.Cols[k], d.Cols[k], i)
		}
	}
	for p := range d.Energies {
		if err := d.validateHermitian(p, partner); err != nil {
			return err
		}
	}
	return nil
}

func (d *Device) validateHermitian(point int, partner []int) error {
	values := d.Values[point*len(d.Rows):][:len(d.Rows)]
	largest := -1.0 // found when it is needed: most matrices are Hermitian to the last bit
	for k, v := range values {
		if partner[k] < k || v == cmplx.Conj(values[partner[k]]) {
			continue
		}
		if largest < 0 {
			for _, v := range values {
				largest = max(largest, cmplx.Abs(v))
			}
		}
		if defect := cmplx.Abs(v - cmplx.Conj(values[partner[k]])); defect > 1e-13*largest {
			return fault.Invalid("values", "H[%d][%d] at point %d differs from the conjugate of H[%d][%d] by %.3g; give a Hermitian matrix, or allow others explicitly", d.Rows[k], d.Cols[k], point, d.Cols[k], d.Rows[k], defect)
		}
	}
	return nil
}

// ValidateOnsite returns an Argument error unless onsite holds Orbitals finite values.
func (d *Device) ValidateOnsite(onsite []float64) error {
	if len(onsite) != d.Orbitals {
		return fault.Invalid("onsite", "%d values for %d orbitals; give one for each", len(onsite), d.Orbitals)
	}
	for i, v := range onsite {
		if !finite(v) {
			return fault.Invalid("onsite", "the value of orbital %d is %g; give finite values", i, v)
		}
	}
	return nil
}
