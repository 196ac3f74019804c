package scatter

import (
	"context"
	"math"

	"mcd/core/fault"
)

// Columns returns how many columns Solve may compute at a time.
func (s *DeviceWorkspace) Columns() int { return s.device.columns }

// Lanes returns the number of lanes of every matrix.
func (s *DeviceWorkspace) Lanes() int { return s.lanes }

// Incoming solves for the states that modes first … first+n−1 of a lead send into the device and returns them
// (positions × n).
func (s *DeviceWorkspace) Incoming(lead, first, n int) ([]float64, error) {
	return s.Solve(Psi, n, s.source(Batch{lead, first, n}))
}

// columnsOf copies columns first … first+n−1 of a lane matrix (rows × columns) into out.
func (s *DeviceWorkspace) columnsOf(a []float64, rows, columns, first, n int, out []float64) []float64 {
	e := 2 * s.lanes
	out = out[:rows*n*e]
	for r := range rows {
		copy(out[r*n*e:][:n*e], a[(r*columns+first)*e:])
	}
	return out
}

// Amplitudes returns the amplitudes that ψ, columns first … first+n−1 of lead from, has in the outgoing modes of lead to:
// S (modes × n), overwritten by the next call.
func (s *DeviceWorkspace) Amplitudes(to, from, first, n int, psi []float64) []float64 {
	le, e := &s.leads[to], 2*s.lanes
	m, modes := len(s.device.leads[to].positions), s.group.Modes[to]
	rows, out := s.rows[:m*n*e], s.amplitudes[:modes*n*e]
	for r, q := range s.device.leads[to].positions {
		copy(rows[r*n*e:][:n*e], psi[int(q)*n*e:])
	}
	clear(out)
	if to == from {
		s.columnsOf(le.direct, modes, modes, first, n, out)
	}
	s.k.Product(modes, n, m, le.out, rows, out)
	return out
}

// Project adds to the sources of χ, at out (interface × n), what weights w (modes × n) on the outgoing amplitudes of a lead
// ask for: Σ_m Out[m]·w[m][c], because dS = Out·G·dH·ψ.
func (s *DeviceWorkspace) Project(lead, n int, w, out []float64) {
	s.k.Product(len(s.device.leads[lead].positions), n, s.group.Modes[lead], s.leads[lead].outT, w, out)
}

// Sources returns cleared sources for n columns on the interfaces of the given leads, overwritten by the next call.
func (s *DeviceWorkspace) Sources(n int, leads []int) []Source {
	left, e := s.sources, 2*s.lanes
	var sources []Source
	for _, i := range leads {
		size := len(s.device.leads[i].positions) * n * e
		clear(left[:size])
		sources = append(sources, Source{i, left[:size]})
		left = left[size:]
	}
	return sources
}

// EachIncoming solves for all modes of a lead, as many at a time as fit, and calls use for each batch of columns.
func (s *DeviceWorkspace) EachIncoming(lead int, use func(first, n int, psi []float64) error) error {
	return s.eachBatch(lead, func(b Batch) error {
		psi, err := s.Incoming(lead, b.First, b.Count)
		if err != nil {
			return err
		}
		return use(b.First, b.Count, psi)
	})
}

func (s *DeviceWorkspace) eachBatch(lead int, use func(b Batch) error) error {
	for first := 0; first < s.group.Modes[lead]; first += s.device.columns {
		if err := use(Batch{lead, first, min(s.device.columns, s.group.Modes[lead]-first)}); err != nil {
			return err
		}
	}
	return nil
}

// Outgoing solves for the co-states χ_m = Out[m]·G of the outgoing modes first … first+n−1 of a lead (positions × n).
func (s *DeviceWorkspace) Outgoing(lead, first, n int) ([]float64, error) {
	source := s.Sources(n, []int{lead})
	out := source[0].Data
	s.columnsOf(s.leads[lead].outT, len(s.device.leads[lead].positions), s.group.Modes[lead], first, n, out)
	for i, x := range out {
		out[i] = -x
	}
	return s.Solve(Chi, n, source...)
}

// Interface returns the positions of a lead's interface orbitals.
func (d *Device) Interface(lead int) []int32 { return d.leads[lead].positions }

// SumSquares adds Σ|a|² of every lane to total (lanes).
func (s *DeviceWorkspace) SumSquares(a, total []float64) {
	v := s.lanes
	for i := 0; i < len(a); i += 2 * v {
		for l := range v {
			total[l] += a[i+l]*a[i+l] + a[i+v+l]*a[i+v+l]
		}
	}
}

// Value computes the transmissions of all pairs, T = Σ|S|², g [pair][point].
func (d *Device) Value(ctx context.Context, onsite, g []float64) error {
	if err := CheckLength("transmission", len(g), d.Outputs()); err != nil {
		return err
	}
	return d.Run(ctx, onsite, nil, func(s *DeviceWorkspace, group *DeviceGroup) error {
		return s.Transmissions(g, nil)
	})
}

// Transmissions writes the transmissions of the group's points into g [pair][point]; visit, if given, sees every batch of
// columns: ψ and, through Amplitudes, what follows from it.
func (s *DeviceWorkspace) Transmissions(g []float64, visit func(b Batch, psi []float64) error) error {
	return s.transmissions(g, visit, func(b Batch) ([]float64, error) { return s.Incoming(b.Lead, b.First, b.Count) })
}

// TransmissionsOnPaths is Transmissions with ψ as Begin leaves it: visit has to complete it by Pair.
func (s *DeviceWorkspace) TransmissionsOnPaths(g []float64, visit func(b Batch, psi []float64) error) error {
	return s.transmissions(g, visit, s.Begin)
}

func (s *DeviceWorkspace) transmissions(g []float64, visit func(b Batch, psi []float64) error, solve func(b Batch) ([]float64, error)) error {
	d := s.device
	totals := make([]float64, len(d.Pairs)*s.lanes)
	for from := range d.leads {
		if !d.enters(from) {
			continue
		}
		err := s.eachBatch(from, func(b Batch) error {
			psi, err := solve(b)
			if err != nil {
				return err
			}
			if visit != nil {
				if err := visit(b, psi); err != nil {
					return err
				}
			}
			for k, pair := range d.Pairs {
				if pair.From == from {
					s.SumSquares(s.Amplitudes(pair.To, from, b.First, b.Count, psi), totals[k*s.lanes:][:s.lanes])
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for k := range d.Pairs {
		for l, p := range s.group.Points[:s.group.Unique] {
			g[k*d.Points()+p] = totals[k*s.lanes+l]
		}
	}
	return nil
}

// Noise computes the transmissions g and Σ_n T_n(1 − T_n) over the eigenvalues T_n of t†t, noise [pair][point]: the power of shot
// noise in units of 2e|V|·e²/h, and divided by g the Fano factor. A reflection has that of its lead's r†r.
func (d *Device) Noise(ctx context.Context, onsite, g, noise []float64) error {
	for _, r := range [][]float64{g, noise} {
		if err := CheckLength("noise", len(r), d.Outputs()); err != nil {
			return err
		}
	}
	return d.Run(ctx, onsite, nil, func(s *DeviceWorkspace, group *DeviceGroup) error {
		blocks := make([][]complex128, len(d.Pairs)*s.lanes) // t (modes × modes) of every pair and lane
		for k, pair := range d.Pairs {
			for l := range group.Unique {
				blocks[k*s.lanes+l] = make([]complex128, group.Modes[pair.To]*group.Modes[pair.From])
			}
		}
		err := s.Transmissions(g, func(b Batch, psi []float64) error {
			for k, pair := range d.Pairs {
				if pair.From != b.Lead {
					continue
				}
				a := s.Amplitudes(pair.To, pair.From, b.First, b.Count, psi)
				for l := range group.Unique {
					for m := range group.Modes[pair.To] {
						for c := range b.Count {
							blocks[k*s.lanes+l][m*group.Modes[pair.From]+b.First+c] = s.Element(a, m*b.Count+c, l)
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for k, pair := range d.Pairs {
			for l, p := range group.Points[:group.Unique] {
				at := k*d.Points() + p
				noise[at] = g[at] - squared(blocks[k*s.lanes+l], group.Modes[pair.To], group.Modes[pair.From])
			}
		}
		return nil
	})
}

// squared returns Tr (t†t)² = Σ|tt†|² of t (rows × columns).
func squared(t []complex128, rows, columns int) float64 {
	total := 0.0
	for i := range rows {
		for j := range rows {
			var sum complex128
			for c := range columns {
				z := t[j*columns+c]
				sum += t[i*columns+c] * complex(real(z), -imag(z))
			}
			total += real(sum)*real(sum) + imag(sum)*imag(sum)
		}
	}
	return total
}

// TransmissionMatrix computes the transmissions between all leads, reflections on the diagonal, matrix [point][to][from],
// whatever the pairs. The current that flows into the device from lead i is (e²/h)(N_i V_i − Σ_j T_ij V_j).
func (d *Device) TransmissionMatrix(ctx context.Context, onsite, matrix []float64) error {
	leads := len(d.leads)
	if err := CheckLength("transmission", len(matrix), d.Points()*leads*leads); err != nil {
		return err
	}
	return d.Run(ctx, onsite, nil, func(s *DeviceWorkspace, group *DeviceGroup) error {
		totals := make([]float64, leads*leads*s.lanes)
		for from := range leads {
			err := s.EachIncoming(from, func(first, n int, psi []float64) error {
				for to := range leads {
					s.SumSquares(s.Amplitudes(to, from, first, n, psi), totals[(to*leads+from)*s.lanes:][:s.lanes])
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		for l, p := range group.Points[:group.Unique] {
			for k := range leads * leads {
				matrix[p*leads*leads+k] = totals[k*s.lanes+l]
			}
		}
		return nil
	})
}

// enters tells whether a lead is the origin of some pair.
func (d *Device) enters(lead int) bool {
	for _, pair := range d.Pairs {
		if pair.From == lead {
			return true
		}
	}
	return false
}

// Block returns the part of the scattering matrix of one point from lead `from` to lead `to`, [outgoing][incoming].
func (d *Device) Block(ctx context.Context, onsite []float64, point, to, from int) ([]complex128, error) {
	if err := d.check(point, to, from); err != nil {
		return nil, err
	}
	rows, columns := d.Terminals[to][point].Modes, d.Terminals[from][point].Modes
	block := make([]complex128, rows*columns)
	err := d.Run(ctx, onsite, []int{point}, func(s *DeviceWorkspace, g *DeviceGroup) error {
		lane := g.Lane(point)
		return s.EachIncoming(from, func(first, n int, psi []float64) error {
			a := s.Amplitudes(to, from, first, n, psi)
			for i := range rows {
				for c := range min(n, columns-first) {
					block[i*columns+first+c] = s.Element(a, i*n+c, lane)
				}
			}
			return nil
		})
	})
	return block, err
}

func (d *Device) check(point int, leads ...int) error {
	if err := d.CheckPoint(point); err != nil {
		return err
	}
	for _, i := range leads {
		if err := d.CheckLead(i); err != nil {
			return err
		}
	}
	return nil
}

// SMatrix is the whole scattering matrix of one point, [outgoing][incoming], the modes of lead 0 first.
func (d *Device) SMatrix(ctx context.Context, onsite []float64, point int) ([]complex128, error) {
	if err := d.check(point); err != nil {
		return nil, err
	}
	offset := make([]int, len(d.leads)+1)
	for i := range d.leads {
		offset[i+1] = offset[i] + d.Terminals[i][point].Modes
	}
	total := offset[len(d.leads)]
	matrix := make([]complex128, total*total)
	err := d.Run(ctx, onsite, []int{point}, func(s *DeviceWorkspace, g *DeviceGroup) error {
		lane := g.Lane(point)
		for from := range d.leads {
			err := s.EachIncoming(from, func(first, n int, psi []float64) error {
				for to := range d.leads {
					a := s.Amplitudes(to, from, first, n, psi)
					for i := range offset[to+1] - offset[to] {
						for c := range min(n, offset[from+1]-offset[from]-first) {
							matrix[(offset[to]+i)*total+offset[from]+first+c] = s.Element(a, i*n+c, lane)
						}
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return matrix, err
}

// Element returns element k of a lane matrix in one lane.
func (s *DeviceWorkspace) Element(a []float64, k, lane int) complex128 {
	at := k*2*s.lanes + lane
	return complex(a[at], a[at+s.lanes])
}

// LDOS computes the local density of states of every orbital, Σ|ψ|²/2π over the incoming modes of all leads (= −Im G_ii/π),
// ldos [point][orbital]; points nil computes all, else only theirs, [index in points][orbital].
func (d *Device) LDOS(ctx context.Context, onsite []float64, points []int, ldos []float64) error {
	index, err := d.index(points)
	if err != nil {
		return err
	}
	orbitals := d.Lattice.Orbitals
	if err := CheckLength("ldos", len(ldos), len(index)*orbitals); err != nil {
		return err
	}
	clear(ldos)
	return d.Run(ctx, onsite, points, func(s *DeviceWorkspace, g *DeviceGroup) error {
		v := s.lanes
		sums := make([]float64, len(d.Plan.Order)*v)
		for from := range d.leads {
			err := s.EachIncoming(from, func(_, n int, psi []float64) error {
				for q := range d.Plan.Order {
					s.SumSquares(psi[q*n*2*v:][:n*2*v], sums[q*v:][:v])
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		for l, p := range g.Points[:g.Unique] {
			if k, ok := index[p]; ok {
				for q, orbital := range d.Plan.Order {
					ldos[k*orbitals+int(orbital)] = sums[q*v+l] / (2 * math.Pi)
				}
			}
		}
		return nil
	})
}

// index maps points to their place in a result.
func (d *Device) index(points []int) (map[int]int, error) {
	index := map[int]int{}
	if points == nil {
		for p := range d.Points() {
			index[p] = p
		}
	}
	for k, p := range points {
		if err := d.CheckPoint(p); err != nil {
			return nil, err
		}
		if _, twice := index[p]; twice {
			return nil, fault.Invalid("points", "point %d is listed twice; list every point once", p)
		}
		index[p] = k
	}
	return index, nil
}

// WaveFunction returns the states that the open modes of a lead send into the device at one point, normalised to unit flux,
// [mode][orbital].
func (d *Device) WaveFunction(ctx context.Context, onsite []float64, point, lead int) ([]complex128, error) {
	if err := d.check(point, lead); err != nil {
		return nil, err
	}
	modes, orbitals := d.Terminals[lead][point].Modes, d.Lattice.Orbitals
	waves := make([]complex128, modes*orbitals)
	err := d.Run(ctx, onsite, []int{point}, func(s *DeviceWorkspace, g *DeviceGroup) error {
		lane := g.Lane(point)
		return s.EachIncoming(lead, func(first, n int, psi []float64) error {
			for q, orbital := range d.Plan.Order {
				for c := range min(n, modes-first) {
					waves[(first+c)*orbitals+int(orbital)] = s.Element(psi, q*n+c, lane)
				}
			}
			return nil
		})
	})
	return waves, err
}

// Currents computes the current through every entry of the pattern at one point, summed over the open modes of a lead: from
// orbital Cols[k] to Rows[k] flows 2 Im ψ*_row H ψ_col, which summed over a cut is the transmission through it, (entries).
func (d *Device) Currents(ctx context.Context, onsite []float64, point, lead int) ([]float64, error) {
	waves, err := d.WaveFunction(ctx, onsite, point, lead)
	if err != nil {
		return nil, err
	}
	l := &d.Lattice
	currents := make([]float64, l.Entries())
	for n := range d.Terminals[lead][point].Modes {
		psi := waves[n*l.Orbitals:][:l.Orbitals]
		for k, i := range l.Rows {
			if j := l.Cols[k]; i != j {
				flow := complex(real(psi[i]), -imag(psi[i])) * l.Entry(point, k) * psi[j]
				currents[k] += 2 * imag(flow)
			}
		}
	}
	return currents, nil
}

// Green returns the block of G = A⁻¹ of one point between the interfaces of two leads, [orbital of to][orbital of from], in
// the order of the interfaces.
func (d *Device) Green(ctx context.Context, onsite []float64, point, to, from int) ([]complex128, error) {
	if err := d.check(point, to, from); err != nil {
		return nil, err
	}
	rows, columns := d.leads[to].positions, len(d.leads[from].positions)
	green := make([]complex128, len(rows)*columns)
	err := d.Run(ctx, onsite, []int{point}, func(s *DeviceWorkspace, g *DeviceGroup) error {
		lane := g.Lane(point)
		for first := 0; first < columns; first += d.columns {
			n := min(d.columns, columns-first)
			unit := s.rows[:columns*n*2*s.lanes]
			clear(unit)
			for c := range n {
				for l := range s.lanes {
					s.put(unit, (first+c)*n+c, l, 1)
				}
			}
			psi, err := s.Solve(Psi, n, Source{from, unit})
			if err != nil {
				return err
			}
			for i, q := range rows {
				for c := range n {
					green[i*columns+first+c] = s.Element(psi, int(q)*n+c, lane)
				}
			}
		}
		return nil
	})
	return green, err
}
