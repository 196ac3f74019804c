package adjoint

import (
	"context"

	"mcd/core/fault"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// Variation is the derivative of a device by one parameter p, which may differ from point to point: parts that do not depend
// on p are nil.
type Variation struct {
	Values []complex128     // dH/dp on the pattern of H, [point][entry]
	Energy []float64        // dE/dp of every point
	Sigma  [][][]complex128 // dΣ/dp of every lead and point (interface × interface)
}

func (d *Device) validateVariation(v *Variation) error {
	l := &d.Lattice
	if v.Values != nil && len(v.Values) != len(l.Values) {
		return fault.Invalid("values", "%d derivatives for %d points of %d entries; give dH/dp on the pattern of H", len(v.Values), l.Points(), l.Entries())
	}
	if v.Energy != nil && len(v.Energy) != l.Points() {
		return fault.Invalid("energy", "%d derivatives for %d points; give one for each", len(v.Energy), l.Points())
	}
	if v.Sigma == nil {
		return nil
	}
	if len(v.Sigma) != len(l.Interfaces) {
		return fault.Invalid("sigma", "derivatives of %d self-energies for %d leads; give one for each", len(v.Sigma), len(l.Interfaces))
	}
	for i, points := range v.Sigma {
		if len(points) != l.Points() {
			return fault.Invalid("sigma", "lead %d has %d derivatives for %d points; give one for each", i, len(points), l.Points())
		}
		for p, sigma := range points {
			if m := len(l.Interfaces[i]); len(sigma) != m*m {
				return fault.Invalid("sigma", "the derivative of lead %d at point %d has %d values; its %d interface orbitals need %d", i, p, len(sigma), m, m*m)
			}
		}
	}
	return nil
}

// Along computes g and dg[pair][point] = dg/dp along a variation, one direction for all: the derivative by a field, an energy or
// whatever moves H, E and the leads. Without Sigma the leads stay as they are.
//
// With Γ = i(Σ − Σ†) = QQ†, T_ij = Tr(Γ_i G Γ_j G†) for i ≠ j changes by
//
//	dT = Re Σ D(dH + ΣdΣ_l − dE) − 2 Im Σ_n ψ_n†dΣ_iψ_n − 2 Im Σ_m χ_m dΣ_j χ_m†,   χ_m = Out_m·G,
//
// and a reflection by −Σ_{i≠j} dT_ij: Σ_i T_ij is the number of modes, which does not change.
func (d *Device) Along(ctx context.Context, onsite []float64, v Variation, g, dg []float64) error {
	for _, r := range [][]float64{g, dg} {
		if err := scatter.CheckLength("transmission", len(r), d.Outputs()); err != nil {
			return err
		}
	}
	if err := d.validateVariation(&v); err != nil {
		return err
	}
	curves, e := d.curvesAlong(&v), d.everything(&v)
	places := d.NewPlaces(e.rows, e.cols)
	return d.Run(ctx, onsite, nil, func(s *scatter.DeviceWorkspace, group *scatter.DeviceGroup) error {
		for k := range d.Pairs {
			for _, p := range group.Points {
				dg[k*d.Points()+p] = 0
			}
		}
		size := len(e.rows) * 2 * s.Lanes()
		sums, err := memory.New(size)
		if err != nil {
			return err
		}
		defer sums.Free()
		err = s.Transmissions(g, func(b scatter.Batch, psi []float64) error {
			n := b.Count
			for i := range curves {
				c := &curves[i]
				if c.from != b.Lead {
					continue
				}
				clear(sums.Data)
				if err := s.Reduce(n, psi, places, sums.Data, costates(s, group, c, b, psi)...); err != nil {
					return err
				}
				for l, p := range group.Points[:group.Unique] {
					change := d.contract(s, e, places, sums.Data, &v, l, p)
					for k, to := range c.to {
						change += c.weights[k](p) * d.widths(s, &v, to, l, p, n, psi)
					}
					dg[c.row*d.Points()+p] += change
				}
			}
			return nil
		})
		if err != nil || v.Sigma == nil {
			return err
		}
		return d.sources(s, group, &v, curves, dg)
	})
}

// curvesAlong makes a curve of every pair; a reflection becomes minus all transmissions out of its lead if leads change.
func (d *Device) curvesAlong(v *Variation) []curve {
	curves := d.single()
	for i := range curves {
		c := &curves[i]
		if v.Sigma == nil || c.to[0] != c.from {
			continue
		}
		c.to, c.weights = nil, nil
		for to := range d.Terminals {
			if to != c.from {
				c.to = append(c.to, to)
				c.weights = append(c.weights, func(int) float64 { return -1 })
			}
		}
	}
	return curves
}

// Kinds of entries that a variation changes, beside those of the pattern (which have their number).
const (
	energyEntry = -1
	leadEntry   = -2 // less the number of the lead; they follow each other in the order of the self-energy
)

// everything lists where the variation may change A: the entries of H, then the diagonal, then the leads' interfaces.
func (d *Device) everything(v *Variation) *entries {
	e := &entries{}
	if v.Values != nil {
		e = d.patternEntries()
		e.stride = d.Lattice.Entries()
	}
	if v.Energy != nil {
		for p := range d.Plan.Order {
			e.add(int32(p), int32(p), energyEntry)
		}
	}
	if v.Sigma == nil {
		return e
	}
	for i := range d.Terminals {
		e.leads = append(e.leads, len(e.rows))
		for _, r := range d.Interface(i) {
			for _, c := range d.Interface(i) {
				e.add(r, c, leadEntry-i)
			}
		}
	}
	return e
}

// change returns how entry k of H + ΣΣ_l − E changes at a point.
func (e *entries) change(k, point int, v *Variation) complex128 {
	switch kind := e.entry[k]; {
	case kind >= 0:
		return v.Values[point*e.stride+kind]
	case kind == energyEntry:
		return complex(-v.Energy[point], 0)
	default:
		i := leadEntry - kind
		return v.Sigma[i][point][k-e.leads[i]]
	}
}

// contract returns Re Σ D(dH + ΣdΣ_l − dE) of one point.
func (d *Device) contract(s *scatter.DeviceWorkspace, e *entries, places *scatter.Places, sums []float64, v *Variation, lane, point int) float64 {
	total := 0.0
	for at, k := range places.Order {
		total += real(s.Element(sums, at, lane) * e.change(k, point, v))
	}
	return total
}

// widths returns −2 Im Σ_n ψ_n†dΣ_toψ_n, the share of dΓ of the lead that is reached.
func (d *Device) widths(s *scatter.DeviceWorkspace, v *Variation, to, lane, point, n int, psi []float64) float64 {
	if v.Sigma == nil {
		return 0
	}
	return -2 * imag(d.expectation(s, v.Sigma[to][point], to, lane, n, psi, false))
}

// expectation returns Σ_n x_n†·m·x_n on a lead's interface, or Σ_n x_nᵀ·m·x_n* for rows x.
func (d *Device) expectation(s *scatter.DeviceWorkspace, m []complex128, lead, lane, n int, x []float64, rows bool) complex128 {
	positions := d.Interface(lead)
	column := make([]complex128, len(positions))
	var total complex128
	for c := range n {
		for i, q := range positions {
			z := s.Element(x, int(q)*n+c, lane)
			if rows {
				z = complex(real(z), -imag(z))
			}
			column[i] = z
		}
		for i, a := range column {
			var sum complex128
			for j, b := range column {
				sum += m[i*len(column)+j] * b
			}
			total += complex(real(a), -imag(a)) * sum
		}
	}
	return total
}

// sources adds the share of dΓ of the leads that the waves come from.
func (d *Device) sources(s *scatter.DeviceWorkspace, group *scatter.DeviceGroup, v *Variation, curves []curve, dg []float64) error {
	for to := range d.Terminals {
		for first := 0; first < group.Modes[to]; first += s.Columns() {
			n := min(s.Columns(), group.Modes[to]-first)
			chi, err := s.Outgoing(to, first, n)
			if err != nil {
				return err
			}
			for i := range curves {
				c := &curves[i]
				for k, lead := range c.to {
					if lead != to {
						continue
					}
					for l, p := range group.Points[:group.Unique] {
						z := d.expectation(s, v.Sigma[c.from][p], c.from, l, n, chi, true)
						dg[c.row*d.Points()+p] -= 2 * c.weights[k](p) * imag(z)
					}
				}
			}
		}
	}
	return nil
}
