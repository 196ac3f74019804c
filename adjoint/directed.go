package adjoint

import (
	"context"
	"math"
	"math/cmplx"
	"slices"

	"mcd/core/fault"
	"mcd/core/lattice"
	"mcd/core/memory"
	"mcd/core/scatter"
)

// Direction is a change D of the Hamiltonians that one real coefficient multiplies. A hopping h = H_ij of any complex value
// takes two, D_ij = D_ji = 1 and D_ij = −D_ji = i; a factor on given bonds takes one, D_ij = H_ij and D_ji = H_ji.
type Direction struct {
	Entries []int        // of the pattern of H, none twice
	Values  []complex128 // of these entries, [point][entry], or one row for all points
}

// value returns entry k of the direction at a point.
func (r *Direction) value(point, k int) complex128 {
	if len(r.Values) == len(r.Entries) {
		return r.Values[k]
	}
	return r.Values[point*len(r.Entries)+k]
}

// Directed is a device whose inputs are the coefficients c of directions instead of on-site energies:
//
//	H(c) = H₀ + Σ_j c_j D_j,   ∂T/∂c_j = Re Σ_k D_k (D_j)_k.
//
// Leads stay as they are. The device may be used otherwise between two calls, not during one.
type Directed struct {
	*Device
	base       []complex128 // H₀
	values     []complex128 // H(c)
	directions []Direction
	touched    []int   // entries of the pattern that any direction changes, ascending
	places     [][]int // of every direction: the places of its entries in touched
}

var _ scatter.Engine = (*Directed)(nil)

// NewDirected returns the engine of directions that ValidateDirections accepts; d is still closed by its owner.
func NewDirected(d *Device, directions []Direction) *Directed {
	e := &Directed{Device: d, base: d.Lattice.Values, directions: slices.Clone(directions)}
	seen := make([]bool, d.Lattice.Entries())
	for j := range directions {
		for _, k := range directions[j].Entries {
			seen[k] = true
		}
	}
	place := make([]int, len(seen))
	for k, is := range seen {
		if is {
			place[k] = len(e.touched)
			e.touched = append(e.touched, k)
		}
	}
	for j := range directions {
		var at []int
		for _, k := range directions[j].Entries {
			at = append(at, place[k])
		}
		e.places = append(e.places, at)
	}
	return e
}

// ValidateDirections returns an Argument error for the first thing that makes no sense; directions have to be Hermitian where
// the Hamiltonians have to.
func ValidateDirections(l *lattice.Device, directions []Direction) error {
	if len(directions) == 0 {
		return fault.Invalid("directions", "none given; give at least one")
	}
	partner := partners(l)
	for j := range directions {
		if err := directions[j].validate(j, l, partner); err != nil {
			return err
		}
	}
	return nil
}

// partners returns for every entry (i, j) of the pattern the number of (j, i), −1 if there is none.
func partners(l *lattice.Device) []int {
	at := make(map[[2]int]int, l.Entries())
	for k, i := range l.Rows {
		at[[2]int{i, l.Cols[k]}] = k
	}
	partner := make([]int, l.Entries())
	for k, i := range l.Rows {
		var ok bool
		if partner[k], ok = at[[2]int{l.Cols[k], i}]; !ok {
			partner[k] = -1
		}
	}
	return partner
}

func (r *Direction) validate(j int, l *lattice.Device, partner []int) error {
	n := len(r.Entries)
	switch {
	case n == 0:
		return fault.Invalid("directions", "direction %d changes no entry; leave it out", j)
	case len(r.Values) != n && len(r.Values) != n*l.Points():
		return fault.Invalid("directions", "direction %d has %d values for %d entries and %d points; give one for each entry, or for each entry at every point", j, len(r.Values), n, l.Points())
	}
	at := make(map[int]int, n)
	for i, k := range r.Entries {
		if k < 0 || k >= l.Entries() {
			return fault.Invalid("directions", "direction %d changes entry %d; the pattern has entries 0 to %d", j, k, l.Entries()-1)
		}
		if _, twice := at[k]; twice {
			return fault.Invalid("directions", "direction %d lists entry %d twice; add them up", j, k)
		}
		at[k] = i
	}
	for i, v := range r.Values {
		if cmplx.IsNaN(v) || cmplx.IsInf(v) {
			return fault.Invalid("directions", "direction %d changes entry %d by %v at point %d; give finite values", j, r.Entries[i%n], v, i/n)
		}
	}
	if l.NonHermitian {
		return nil
	}
	for p := range len(r.Values) / n {
		largest := 0.0
		for i := range n {
			largest = max(largest, cmplx.Abs(r.value(p, i)))
		}
		for i, k := range r.Entries {
			var back complex128
			if other, ok := at[partner[k]]; ok {
				back = r.value(p, other)
			}
			if defect := cmplx.Abs(r.value(p, i) - cmplx.Conj(back)); defect > 1e-13*largest {
				return fault.Invalid("directions", "direction %d changes H[%d][%d] and H[%d][%d] at point %d by values that are not conjugate, off by %.3g; tie them", j, l.Rows[k], l.Cols[k], l.Cols[k], l.Rows[k], p, defect)
			}
		}
	}
	return nil
}

// Inputs is the number of coefficients.
func (e *Directed) Inputs() int { return len(e.directions) }

// Hamiltonians computes H(c) of a device, [point][entry].
func Hamiltonians(l *lattice.Device, directions []Direction, coefficients []float64, values []complex128) error {
	if err := scatter.CheckLength("coefficients", len(coefficients), len(directions)); err != nil {
		return err
	}
	if err := scatter.CheckLength("values", len(values), len(l.Values)); err != nil {
		return err
	}
	copy(values, l.Values)
	for j := range directions {
		r, c := &directions[j], coefficients[j]
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return fault.Invalid("coefficients", "entry %d is %g; give finite values", j, c)
		}
		for p := range l.Points() {
			row := values[p*l.Entries():]
			for i, k := range r.Entries {
				row[k] += complex(c, 0) * r.value(p, i)
			}
		}
	}
	return nil
}

// at runs body with the device's Hamiltonians at the coefficients.
func (e *Directed) at(coefficients []float64, body func() error) error {
	if e.values == nil {
		e.values = make([]complex128, len(e.base))
	}
	if err := Hamiltonians(&e.Lattice, e.directions, coefficients, e.values); err != nil {
		return err
	}
	if err := e.SetValues(e.values); err != nil {
		return err
	}
	err := body()
	if restored := e.SetValues(e.base); err == nil {
		err = restored
	}
	return err
}

// Value computes the transmissions g [pair][point].
func (e *Directed) Value(ctx context.Context, coefficients, g []float64) error {
	return e.at(coefficients, func() error { return e.Device.Value(ctx, nil, g) })
}

// Jacobian computes g and jac[pair][point][j] = ∂g[pair][point]/∂c_j.
func (e *Directed) Jacobian(ctx context.Context, coefficients, g, jac []float64) error {
	if err := scatter.CheckLength("jacobian", len(jac), e.Outputs()*e.Inputs()); err != nil {
		return err
	}
	clear(jac)
	return e.at(coefficients, func() error {
		return e.along(ctx, e.single(), g, func(pair, point, j int, slope float64) {
			jac[(pair*e.Points()+point)*e.Inputs()+j] = slope
		})
	})
}

// Gradient computes g and grad[j] = Σ_k weights[k]·∂g[k]/∂c_j; weights nil means all ones.
func (e *Directed) Gradient(ctx context.Context, coefficients, weights, g, grad []float64) error {
	if err := scatter.CheckLength("gradient", len(grad), e.Inputs()); err != nil {
		return err
	}
	if err := e.checkWeights(weights); err != nil {
		return err
	}
	slopes, err := memory.New(e.Points() * e.Inputs()) // summed in a fixed order below
	if err != nil {
		return err
	}
	defer slopes.Free()
	clear(slopes.Data)
	err = e.at(coefficients, func() error {
		return e.along(ctx, e.weighted(weights), g, func(_, point, j int, slope float64) {
			slopes.Data[point*e.Inputs()+j] = slope
		})
	})
	if err != nil {
		return err
	}
	clear(grad)
	for i, slope := range slopes.Data {
		grad[i%e.Inputs()] += slope
	}
	return nil
}

// along computes g and hands every row's derivative by every coefficient at every point to emit.
func (e *Directed) along(ctx context.Context, curves []curve, g []float64, emit func(row, point, j int, slope float64)) error {
	list := &entries{}
	where := make([]int, len(e.touched)) // in list, −1 where no lead reaches
	for u, k := range e.touched {
		where[u] = -1
		before := len(list.rows)
		if list.add(e.Plan.Position[e.Lattice.Rows[k]], e.Plan.Position[e.Lattice.Cols[k]], u); len(list.rows) > before {
			where[u] = before
		}
	}
	return e.each(ctx, nil, curves, list, g, func(group *scatter.DeviceGroup, row int, at func(k, lane int) complex128) {
		for lane, point := range group.Points[:group.Unique] {
			for j := range e.directions {
				slope := 0.0
				for i, u := range e.places[j] {
					if k := where[u]; k >= 0 {
						slope += real(at(k, lane) * e.directions[j].value(point, i))
					}
				}
				emit(row, point, j, slope)
			}
		}
	})
}
