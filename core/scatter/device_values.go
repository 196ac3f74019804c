package scatter

import "mcd/core/fault"

// SetValues changes the Hamiltonians, [point][entry] on the same pattern. The slice must stay as it is while the device is
// used. That values are finite and Hermitian is the caller's care.
func (d *Device) SetValues(values []complex128) error {
	if len(values) != len(d.Lattice.Values) {
		return fault.Invalid("values", "%d values for %d points of %d entries; give the pattern's entries at every point", len(values), d.Points(), d.Lattice.Entries())
	}
	d.Lattice.Values, d.scale = values, nil
	d.prepareScale()
	return nil
}
