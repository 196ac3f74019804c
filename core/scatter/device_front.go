package scatter

import (
	"context"
	"math"
	"slices"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/memory"
	"mcd/core/parallel"
	"mcd/core/plan"
)

// DeviceWorkspace holds the factors and solutions of one lane group. All matrices have one point in every lane (package
// kernel); solutions have one row per elimination position.
type DeviceWorkspace struct {
	device *Device
	group  *DeviceGroup
	ctx    context.Context
	k      kernel.Front
	lanes  int
	buffer *memory.Buffer

	a       []float64 // terms of A, sorted as device.terms
	scale   []float64 // lanes: largest entry of A
	tiny    []float64 // lanes: limit of pivots
	factors []float64
	stack   []float64 // updates that wait for their parent
	pivots  []int32   // of every position
	border  []float64 // boundary rows of a front
	waves   [2][]float64
	rest    []float64 // residual
	peaks   [3][]float64
	leads   []laneLead

	rows       []float64 // scratch: an interface's rows (interface × columns)
	amplitudes []float64 // (modes × columns)
	sources    []float64 // of χ, on all interfaces
}

// laneLead is a lead in lanes: matrices with as many columns as the group has modes.
type laneLead struct {
	in     []float64 // Q (m × N)
	out    []float64 // −Out (N × m)
	outT   []float64 // −Outᵀ (m × N)
	direct []float64 // Direct (N × N)
}

// Source is a right-hand side on the interface of a lead: a lane matrix (interface × columns).
type Source struct {
	Lead int
	Data []float64
}

// workspaceValues is the number of float64 values a workspace takes.
func (d *Device) workspaceValues() int {
	v := d.Kernel.Lanes()
	e := 2 * v
	n, c := len(d.Plan.Order), d.columns
	total := e*(len(d.terms.rows)+d.factors+d.Plan.Stack+d.Plan.MaxBorder*c+3*n*c) + 2*v + 3*c*v
	most, wide, all := d.interfaces()
	for i := range d.leads {
		m, modes := len(d.leads[i].positions), d.leads[i].modes
		total += e * (3*m*modes + modes*modes)
	}
	return total + e*c*(most+wide+all) + 8*(16+4*len(d.leads)) // every part starts on a cache line
}

// interfaces returns the largest interface, the largest number of open modes, and all interface orbitals together.
func (d *Device) interfaces() (most, wide, all int) {
	for i := range d.leads {
		m := len(d.leads[i].positions)
		most, wide, all = max(most, m), max(wide, d.leads[i].modes), all+m
	}
	return most, wide, all
}

func newDeviceWorkspace(d *Device) (*DeviceWorkspace, error) {
	if d.factors > math.MaxInt32/2 {
		return nil, fault.New(fault.Memory, "the factors of %d orbitals have %d elements, more than 32-bit positions address: reduce the device", d.Lattice.Orbitals, d.factors)
	}
	buffer, err := memory.New(d.workspaceValues())
	if err != nil {
		return nil, err
	}
	s := &DeviceWorkspace{device: d, k: d.Kernel, lanes: d.Kernel.Lanes(), buffer: buffer}
	left := buffer.Data
	take := func(n int) []float64 {
		part := left[:n:n]
		left = left[min((n+7)&^7, len(left)):]
		return part
	}
	v, e := s.lanes, 2*s.lanes
	n, c := len(d.Plan.Order), d.columns
	s.a, s.scale, s.tiny = take(e*len(d.terms.rows)), take(v), take(v)
	s.factors, s.stack = take(e*d.factors), take(e*d.Plan.Stack)
	s.border = take(e * d.Plan.MaxBorder * c)
	s.waves[0], s.waves[1], s.rest = take(e*n*c), take(e*n*c), take(e*n*c)
	for i := range s.peaks {
		s.peaks[i] = take(c * v)
	}
	s.pivots = make([]int32, n)
	for i := range d.leads {
		m, modes := len(d.leads[i].positions), d.leads[i].modes
		s.leads = append(s.leads, laneLead{take(e * m * modes), take(e * m * modes), take(e * m * modes), take(e * modes * modes)})
	}
	most, wide, all := d.interfaces()
	s.rows, s.amplitudes, s.sources = take(e*most*c), take(e*wide*c), take(e*all*c)
	return s, nil
}

func (s *DeviceWorkspace) put(a []float64, at, lane int, z complex128) {
	at = at*2*s.lanes + lane
	a[at], a[at+s.lanes] = real(z), imag(z)
}

// load writes the matrices of a group into the lanes.
func (s *DeviceWorkspace) load(ctx context.Context, g *DeviceGroup, onsite []float64) {
	s.ctx, s.group = ctx, g
	d := s.device
	t, l := &d.terms, &d.Lattice
	n := len(d.Plan.Order)
	for lane, p := range g.Points {
		values := l.Values[p*len(l.Rows):][:len(l.Rows)]
		most := 0.0
		set := func(k int, z complex128) {
			most = max(most, largestPart(z))
			s.put(s.a, int(t.place[k]), lane, z)
		}
		for q, v := range d.Plan.Order {
			z := complex(l.Energies[p], 0)
			if k := t.diagonal[q]; k >= 0 {
				z -= values[k]
			}
			if onsite != nil {
				z -= complex(onsite[v], 0)
			}
			set(q, z)
		}
		for k, entry := range t.entry {
			set(n+k, -values[entry])
		}
		at := n + len(t.entry)
		for i := range d.leads {
			for _, z := range d.Terminals[i][p].Sigma {
				set(at, -z)
				at++
			}
			s.loadLead(i, lane, p)
		}
		s.scale[lane] = most
	}
}

// loadLead writes the injection and the outgoing amplitudes of a lead; modes that a lane lacks are zero.
func (s *DeviceWorkspace) loadLead(i, lane, point int) {
	t, le := &s.device.Terminals[i][point], &s.leads[i]
	m, n := len(s.device.leads[i].positions), s.group.Modes[i]
	for c := range n {
		open := c < t.Modes
		for r := range m {
			var in, out complex128
			if open {
				in = t.In[r*t.Modes+c]
				if out = complex(imag(in), real(in)); t.Out != nil { // i·conj(Q)
					out = t.Out[c*m+r]
				}
			}
			s.put(le.in, r*n+c, lane, in)
			s.put(le.out, c*m+r, lane, -out)
			s.put(le.outT, r*n+c, lane, -out)
		}
		for r := range n {
			var direct complex128
			switch {
			case t.Out != nil && open && r < t.Modes:
				direct = t.Direct[r*t.Modes+c]
			case t.Out == nil && open && r == c:
				direct = -1
			}
			s.put(le.direct, r*n+c, lane, direct)
		}
	}
}

// panels returns the upper and lower panel of a front.
func (s *DeviceWorkspace) panels(i int) (u, l []float64) {
	f, e := &s.device.Plan.Fronts[i], 2*s.lanes
	m, b := f.Pivots, len(f.Boundary)
	at := s.device.start[i]
	return s.factors[at*e:][:m*(m+b)*e], s.factors[(at+m*(m+b))*e:][:b*m*e]
}

// factor eliminates the fronts from the leaves to the root; limit is the smallest pivot relative to |A|.
func (s *DeviceWorkspace) factor(limit float64) error {
	for l := range s.tiny {
		s.tiny[l] = limit * s.scale[l]
	}
	e, top := 2*s.lanes, 0
	fronts := s.device.Plan.Fronts
	for i := range fronts {
		if i%16 == 0 {
			if err := parallel.Cancelled(s.ctx); err != nil {
				return err
			}
		}
		f := &fronts[i]
		m, b := f.Pivots, len(f.Boundary)
		u, l := s.panels(i)
		c := s.stack[top*e:][:b*b*e]
		s.assemble(i, u, l, c)
		base := top
		for _, k := range slices.Backward(f.Children) {
			child := &fronts[k]
			n := len(child.Boundary)
			base -= n * n
			s.k.Extend(n, child.Map, s.stack[base*e:][:n*n*e], m, b, u, l, c)
		}
		s.k.Eliminate(m, b, u, l, c, s.pivots[f.First:][:m], s.tiny)
		if base != top {
			copy(s.stack[base*e:], c)
		}
		top = base + b*b
	}
	return nil
}

// assemble clears a front and adds the entries of A.
func (s *DeviceWorkspace) assemble(i int, u, l, c []float64) {
	t, e := &s.device.terms, 2*s.lanes
	clear(u)
	clear(l)
	clear(c)
	first, last := t.first[i], t.first[i+1]
	at := s.device.start[i] * e
	s.k.Collect(t.target[first:last], s.a[first*e:last*e], s.factors[at:at+len(u)+len(l)])
}

// sweep solves A·x = x (or Aᵀ) for n columns in place: forward through the fronts marked in up, back through those in down;
// nil marks all.
func (s *DeviceWorkspace) sweep(transposed bool, n int, x []float64, up, down []bool) {
	fronts := s.device.Plan.Fronts
	e := 2 * s.lanes
	for i := range fronts {
		if up != nil && !up[i] {
			continue
		}
		f := &fronts[i]
		m, b := f.Pivots, len(f.Boundary)
		u, l := s.panels(i)
		top, border := x[f.First*n*e:][:m*n*e], s.border[:b*n*e]
		clear(border)
		if transposed {
			s.k.ForwardT(m, b, n, u, top, border)
		} else {
			s.k.Forward(m, b, n, u, l, s.pivots[f.First:][:m], top, border)
		}
		s.k.Scatter(f.Boundary, n, border, x)
	}
	for i := len(fronts) - 1; i >= 0; i-- {
		if down != nil && !down[i] {
			continue
		}
		f := &fronts[i]
		m, b := f.Pivots, len(f.Boundary)
		u, l := s.panels(i)
		top, border := x[f.First*n*e:][:m*n*e], s.border[:b*n*e]
		s.gather(f, n, x, border)
		if transposed {
			s.k.BackwardT(m, b, n, u, l, s.pivots[f.First:][:m], top, border)
		} else {
			s.k.Backward(m, b, n, u, top, border)
		}
	}
}

func (s *DeviceWorkspace) gather(f *plan.Front, n int, x, border []float64) {
	row := n * 2 * s.lanes
	for k, q := range f.Boundary {
		copy(border[k*row:][:row], x[int(q)*row:])
	}
}

// Wave numbers of Solve: ψ and χ have a buffer each.
const (
	Psi = 0
	Chi = 1
)

// Solve computes n columns of ψ = A⁻¹·sources (wave Psi) or χ = A⁻ᵀ·sources (wave Chi) at every position and returns them
// (positions × n), overwritten by the next call for the same wave. Columns are refined until the residual is a rounding; an
// error of kind Numerical says that this failed with these factors.
func (s *DeviceWorkspace) Solve(wave, n int, sources ...Source) ([]float64, error) {
	if err := parallel.Cancelled(s.ctx); err != nil {
		return nil, err
	}
	d := s.device
	size := len(d.Plan.Order) * n * 2 * s.lanes
	x, rest := s.waves[wave][:size], s.rest[:size]
	transposed := wave == Chi
	clear(x)
	up := make([]bool, len(d.Plan.Fronts))
	for _, source := range sources {
		s.k.Scatter(d.leads[source.Lead].positions, n, source.Data, x)
		d.Plan.Paths(d.leads[source.Lead].positions, up)
	}
	s.k.Largest(len(d.Plan.Order), n, x, s.peaks[0][:n*s.lanes])
	s.sweep(transposed, n, x, up, nil)
	last := math.Inf(1)
	for range refinements {
		excess := s.residual(transposed, n, x, rest, sources)
		if excess <= 1 {
			return x, nil
		}
		if !(excess < last/2) {
			last = excess
			break
		}
		last = excess
		s.sweep(transposed, n, rest, nil, nil)
		for i, v := range rest {
			x[i] += v
		}
	}
	if last = s.residual(transposed, n, x, rest, sources); last <= refused {
		return x, nil
	}
	return nil, fault.New(fault.Numerical, "the equations of the device could not be solved: the residual is %.1e of the source (largest allowed %.1e); a bound state at the energy, or an orbital coupled to nothing, makes them singular: change the energy a little", last*accepted, refused*accepted)
}

// A column is accepted when its residual is below accepted·|source|, or below what rounding leaves of its terms; after the
// refinements up to refused times as much passes.
const (
	accepted    = 1e-13
	rounding    = 1e-15
	refinements = 4
	refused     = 1e3
)

// residual writes sources − A·x into rest and returns the largest ratio to what is accepted, over columns and lanes.
func (s *DeviceWorkspace) residual(transposed bool, n int, x, rest []float64, sources []Source) float64 {
	t, v := &s.device.terms, s.lanes
	rows := len(s.device.Plan.Order)
	clear(rest)
	for _, source := range sources {
		s.k.Scatter(s.device.leads[source.Lead].positions, n, source.Data, rest)
	}
	if transposed {
		s.k.Residual(t.cols, t.rows, s.a, n, x, rest)
	} else {
		s.k.Residual(t.rows, t.cols, s.a, n, x, rest)
	}
	s.k.Largest(rows, n, x, s.peaks[1][:n*v])
	s.k.Largest(rows, n, rest, s.peaks[2][:n*v])
	worst := 0.0
	for i := range n * v {
		allowed := accepted*s.peaks[0][i] + rounding*s.scale[i%v]*s.peaks[1][i]
		if r := s.peaks[2][i]; !(r <= worst*allowed) {
			if worst = r / allowed; math.IsNaN(worst) || allowed == 0 {
				return math.Inf(1)
			}
		}
	}
	return worst
}
