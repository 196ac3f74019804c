package adjoint

import (
	"context"
	"math"
	"math/cmplx"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/scatter"
)

// Sweeper is what an engine of a device gives for a whole sweep: transmissions of pairs of leads and their derivatives by the
// on-site energies. Results are [pair][point].
type Sweeper interface {
	scatter.Engine
	SetPairs(pairs []scatter.Pair) error
	Points() int
	OpenModes() []int
	TransmissionMatrix(ctx context.Context, onsite, matrix []float64) error
	CombinedJacobian(ctx context.Context, onsite, weights, g, jac []float64) error
}

var (
	_ Sweeper = (*Device)(nil)
	_ Sweeper = (*StripDevice)(nil)
)

// StripDevice is the strip engine for a device that is a uniform strip between two leads that continue it, in whatever gauge:
// transmissions depend on the flux through the plaquettes alone. Lead 0 is on the left.
type StripDevice struct {
	*Wire
	device *lattice.Device
	site   []int     // orbital at [x][y]
	base   []float64 // its energy in the device's Hamiltonians
	pairs  []scatter.Pair
	energy []float64 // scratch: base + onsite
	row    []float64 // scratch: conductances
}

// StripLimit is the width up to which the strip engine is the cheaper one.
const StripLimit = 100

// NewStripDevice returns nil if the device with its leads by their cells, [lead][point], is no such strip.
func NewStripDevice(l *lattice.Device, cells [][]*lead.Cell, o Options) (*StripDevice, error) {
	d := &StripDevice{device: l}
	strip, ok := d.recognise(cells)
	if !ok {
		return nil, nil
	}
	var err error
	if d.Wire, err = NewWire(strip, o); err != nil {
		return nil, err
	}
	d.energy, d.row = make([]float64, len(d.site)), make([]float64, d.Points())
	return d, d.SetPairs(nil)
}

// recognise finds the strip's sites, fields and energies.
func (d *StripDevice) recognise(cells [][]*lead.Cell) (lattice.Strip, bool) {
	l := d.device
	if l.NonHermitian || len(l.Interfaces) != 2 || len(cells) != 2 || cells[0] == nil || cells[1] == nil {
		return lattice.Strip{}, false
	}
	w := len(l.Interfaces[0])
	if w > StripLimit || len(l.Interfaces[1]) != w || l.Orbitals%w != 0 {
		return lattice.Strip{}, false
	}
	bonds, ok := d.order(w)
	if !ok {
		return lattice.Strip{}, false
	}
	strip := lattice.Strip{Length: l.Orbitals / w, Width: w, Energies: l.Energies}
	for p := range l.Points() {
		field, t, onsite, ok := d.uniform(bonds, w, p, cells[0][p], cells[1][p])
		if !ok || p > 0 && (math.Abs(t-strip.Hopping) > sameness*t || math.Abs(onsite-strip.LeadOnsite) > sameness*t) {
			return lattice.Strip{}, false
		}
		if p == 0 {
			strip.Hopping, strip.LeadOnsite = t, onsite
		}
		strip.Fields = append(strip.Fields, field)
	}
	return strip, true
}

// sameness is how far, relative to the hopping, numbers of a uniform strip may differ: phases are rounded.
const sameness = 1e-13

// stripBonds holds the entries of the pattern: across[x][y] from (x, y+1) to (x, y), along[x][y] from (x+1, y) to (x, y).
type stripBonds struct{ across, along, diagonal []int }

// order walks from the left interface to the right one and finds the site of every orbital. It fails unless the pattern is that of a strip.
func (d *StripDevice) order(w int) (*stripBonds, bool) {
	l := d.device
	length := l.Orbitals / w
	first, entries := make([]int, l.Orbitals+1), make([]int, len(l.Rows))
	for _, i := range l.Rows {
		first[i+1]++
	}
	for i := range l.Orbitals {
		first[i+1] += first[i]
	}
	next := append([]int(nil), first...)
	for k, i := range l.Rows {
		entries[next[i]] = k
		next[i]++
	}
	place := make([]int, l.Orbitals) // x·w + y of an orbital, −1 if not known
	for i := range place {
		place[i] = -1
	}
	d.site = append(d.site[:0], l.Interfaces[0]...)
	for at, i := range d.site {
		place[i] = at
	}
	for at := 0; at < len(d.site); at++ { // the neighbour of (x, y) that has no place yet is (x+1, y)
		for _, k := range entries[first[d.site[at]]:first[d.site[at]+1]] {
			if j := l.Cols[k]; place[j] < 0 {
				if len(d.site) != at+w {
					return nil, false
				}
				place[j] = at + w
				d.site = append(d.site, j)
			}
		}
	}
	if len(d.site) != l.Orbitals {
		return nil, false
	}
	for y, i := range l.Interfaces[1] {
		if place[i] != (length-1)*w+y {
			return nil, false
		}
	}
	b := &stripBonds{make([]int, l.Orbitals), make([]int, l.Orbitals), make([]int, l.Orbitals)}
	for i := range l.Orbitals {
		b.across[i], b.along[i], b.diagonal[i] = -1, -1, -1
	}
	for k, i := range l.Rows {
		a, c := place[i], place[l.Cols[k]]
		switch {
		case c == a:
			b.diagonal[a] = k
		case c == a+1 && a/w == c/w:
			b.across[a] = k
		case c == a+w:
			b.along[a] = k
		case a == c+w || a == c+1 && a/w == c/w: // the other triangle
		default:
			return nil, false
		}
	}
	for a := range l.Orbitals {
		if b.across[a] < 0 && a%w < w-1 || b.along[a] < 0 && a < l.Orbitals-w {
			return nil, false
		}
	}
	return b, true
}

// uniform returns the field, the hopping and the leads' on-site energy of one point, if hoppings have one size and plaquettes
// one flux, those of the leads too. The phases around a plaquette add up to −2φ.
func (d *StripDevice) uniform(b *stripBonds, w, point int, left, right *lead.Cell) (field, t, onsite float64, ok bool) {
	l := d.device
	length := l.Orbitals / w
	value := func(k int) complex128 { return l.Entry(point, k) }
	across := func(x, y int) complex128 { return value(b.across[x*w+y]) }
	for _, c := range []*lead.Cell{left, right} {
		if c.Orbitals != w || c.Interface != w {
			return 0, 0, 0, false
		}
	}
	t, onsite = cmplx.Abs(left.Hopping[0]), real(left.Hamiltonian[0])
	if !(t > 0) {
		return 0, 0, 0, false
	}
	var flux complex128
	known := false
	same := func(down, along, up, back complex128) bool { // around a plaquette
		p := along * up * back * down / complex(t*t*t*t, 0)
		if !known {
			flux, known = p, true
		}
		return cmplx.Abs(p-flux) <= 4*sameness
	}
	sized := func(z complex128) bool { return math.Abs(cmplx.Abs(z)-t) <= sameness*t }
	cellAcross := func(c *lead.Cell, y int) complex128 { return c.Hamiltonian[y*w+y+1] }
	for x := range length {
		for y := range w {
			at := x*w + y
			energy := 0.0
			if k := b.diagonal[at]; k >= 0 {
				if energy = real(value(k)); imag(value(k)) != 0 {
					return 0, 0, 0, false
				}
			}
			if point == 0 {
				d.base = append(d.base, energy)
			} else if math.Abs(energy-d.base[at]) > sameness*t {
				return 0, 0, 0, false
			}
			if y < w-1 && !sized(across(x, y)) || x < length-1 && !sized(value(b.along[at])) {
				return 0, 0, 0, false
			}
			if y < w-1 && x < length-1 && !same(cmplx.Conj(across(x, y)), value(b.along[at]), across(x+1, y), cmplx.Conj(value(b.along[at+1]))) {
				return 0, 0, 0, false
			}
		}
	}
	for side, c := range []*lead.Cell{left, right} {
		for i := range w {
			for j := range w {
				h, v := c.Hamiltonian[i*w+j], c.Hopping[i*w+j]
				switch {
				case i == j && (math.Abs(real(h)-onsite) > sameness*t || imag(h) != 0 || !sized(v)):
					return 0, 0, 0, false
				case i != j && v != 0, i-j == 1 && !sized(h) || j-i == 1 && !sized(h), (i-j)*(i-j) > 1 && h != 0:
					return 0, 0, 0, false
				}
			}
		}
		for y := range w - 1 {
			here, cell := across(side*(length-1), y), cellAcross(c, y)
			v, above := c.Hopping[y*w+y], c.Hopping[(y+1)*w+y+1]
			if side == 0 { // from x to x−1 goes v: the cell on the left, the hopping to the left
				if !same(cmplx.Conj(cell), v, here, cmplx.Conj(above)) || !same(cmplx.Conj(cell), v, cell, cmplx.Conj(above)) {
					return 0, 0, 0, false
				}
			} else if !same(cmplx.Conj(here), cmplx.Conj(v), cell, above) || !same(cmplx.Conj(cell), cmplx.Conj(v), cell, above) {
				return 0, 0, 0, false
			}
		}
	}
	if known {
		field = -cmplx.Phase(flux) / 2
	}
	return field, t, onsite, true
}

// Points returns the number of points of the sweep.
func (d *StripDevice) Points() int { return d.device.Points() }

// Inputs returns the number of orbitals.
func (d *StripDevice) Inputs() int { return d.device.Orbitals }

// Outputs returns the number of pairs times that of points.
func (d *StripDevice) Outputs() int { return len(d.pairs) * d.Points() }

// Ceiling returns the number of open modes, [pair][point].
func (d *StripDevice) Ceiling() []int {
	var n []int
	for range d.pairs {
		n = append(n, d.Wire.Ceiling()...)
	}
	return n
}

// OpenModes returns the number of open modes, [point][lead].
func (d *StripDevice) OpenModes() []int {
	var n []int
	for _, modes := range d.Wire.Ceiling() {
		n = append(n, modes, modes)
	}
	return n
}

// SetPairs changes the pairs; nil selects both transmissions.
func (d *StripDevice) SetPairs(pairs []scatter.Pair) error {
	if pairs == nil {
		pairs = []scatter.Pair{{To: 0, From: 1}, {To: 1, From: 0}}
	}
	if err := scatter.CheckPairs(pairs, 2); err != nil {
		return err
	}
	d.pairs = append(d.pairs[:0], pairs...)
	return nil
}

// onsite returns the energies of the strip's sites.
func (d *StripDevice) onsite(added []float64) ([]float64, error) {
	if added == nil {
		return d.base, nil
	}
	if err := d.device.ValidateOnsite(added); err != nil {
		return nil, err
	}
	for at, orbital := range d.site {
		d.energy[at] = d.base[at] + added[orbital]
	}
	return d.energy, nil
}

// spread writes the transmissions of all pairs; a reflection is what is not transmitted.
func (d *StripDevice) spread(g []float64) {
	modes := d.Wire.Ceiling()
	for k, pair := range d.pairs {
		for p, t := range d.row {
			if pair.To == pair.From {
				t = float64(modes[p]) - t
			}
			g[k*len(d.row)+p] = t
		}
	}
}

// sign is that of a pair's derivative relative to the transmission's.
func sign(pair scatter.Pair) float64 {
	if pair.To == pair.From {
		return -1
	}
	return 1
}

// Value computes the transmissions g [pair][point].
func (d *StripDevice) Value(ctx context.Context, onsite, g []float64) error {
	if err := scatter.CheckLength("transmission", len(g), d.Outputs()); err != nil {
		return err
	}
	if err := d.value(ctx, onsite); err != nil {
		return err
	}
	d.spread(g)
	return nil
}

// value sets row to the transmissions between the leads.
func (d *StripDevice) value(ctx context.Context, onsite []float64) error {
	h, err := d.onsite(onsite)
	if err != nil {
		return err
	}
	return d.Wire.Value(ctx, h, d.row)
}

// TransmissionMatrix computes the transmissions between both leads, matrix [point][to][from].
func (d *StripDevice) TransmissionMatrix(ctx context.Context, onsite, matrix []float64) error {
	if err := scatter.CheckLength("transmission", len(matrix), 4*d.Points()); err != nil {
		return err
	}
	if err := d.value(ctx, onsite); err != nil {
		return err
	}
	for p, n := range d.Wire.Ceiling() {
		t := d.row[p]
		copy(matrix[4*p:], []float64{float64(n) - t, t, t, float64(n) - t})
	}
	return nil
}

// Gradient computes g and grad[i] = Σ_k weights[k]·∂g[k]/∂onsite[i]; weights nil means all ones.
func (d *StripDevice) Gradient(ctx context.Context, onsite, weights, g, grad []float64) error {
	for _, c := range []struct {
		name      string
		got, want int
	}{{"transmission", len(g), d.Outputs()}, {"gradient", len(grad), d.Inputs()}} {
		if err := scatter.CheckLength(c.name, c.got, c.want); err != nil {
			return err
		}
	}
	combined, err := d.combine(weights)
	if err != nil {
		return err
	}
	h, err := d.onsite(onsite)
	if err != nil {
		return err
	}
	sites := make([]float64, len(d.site))
	if err := d.Wire.Gradient(ctx, h, combined, d.row, sites); err != nil {
		return err
	}
	d.spread(g)
	for at, orbital := range d.site {
		grad[orbital] = sites[at]
	}
	return nil
}

// combine returns the weight of every point's transmission.
func (d *StripDevice) combine(weights []float64) ([]float64, error) {
	if weights != nil {
		if err := scatter.CheckLength("weights", len(weights), d.Outputs()); err != nil {
			return nil, err
		}
	}
	combined := make([]float64, d.Points())
	for k, pair := range d.pairs {
		for p := range combined {
			w := 1.0
			if weights != nil {
				w = weights[k*len(combined)+p]
			}
			combined[p] += w * sign(pair)
		}
	}
	return combined, nil
}

// Jacobian computes g and jac[pair][point][orbital] = ∂g[pair][point]/∂onsite[orbital].
func (d *StripDevice) Jacobian(ctx context.Context, onsite, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Outputs()*d.Inputs()); err != nil {
		return err
	}
	return d.jacobian(ctx, onsite, g, func(p, orbital int, derivative float64) {
		for k, pair := range d.pairs {
			jac[(k*d.Points()+p)*d.Inputs()+orbital] = sign(pair) * derivative
		}
	})
}

// CombinedJacobian computes g and jac[point][orbital] = Σ_pairs weights[pair][point]·∂g[pair][point]/∂onsite[orbital]; nil means
// all ones.
func (d *StripDevice) CombinedJacobian(ctx context.Context, onsite, weights, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), d.Points()*d.Inputs()); err != nil {
		return err
	}
	combined, err := d.combine(weights)
	if err != nil {
		return err
	}
	return d.jacobian(ctx, onsite, g, func(p, orbital int, derivative float64) {
		jac[p*d.Inputs()+orbital] = combined[p] * derivative
	})
}

func (d *StripDevice) jacobian(ctx context.Context, onsite, g []float64, emit func(point, orbital int, derivative float64)) error {
	if err := scatter.CheckLength("transmission", len(g), d.Outputs()); err != nil {
		return err
	}
	h, err := d.onsite(onsite)
	if err != nil {
		return err
	}
	sites := make([]float64, d.Points()*len(d.site))
	if err := d.Wire.Jacobian(ctx, h, d.row, sites); err != nil {
		return err
	}
	d.spread(g)
	for p := range d.row {
		for at, orbital := range d.site {
			emit(p, orbital, sites[p*len(d.site)+at])
		}
	}
	return nil
}
