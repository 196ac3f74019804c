package scatter

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

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
	stop   *int32 // 1 once ctx has ended
	k      kernel.Front
	lanes  int
	buffer *memory.Buffer

	a        []float64 // terms of A, sorted as device.terms
	scale    []float64 // lanes: Device.scale
	tiny     []float64 // lanes: limit of pivots
	factors  []float64
	stack    []float64         // updates that wait for their parent
	pivots   []int32           // of every position
	identity []int32           // all positions
	border   []float64         // scratch: boundary rows of a front, or one column on an interface
	waves    [3]*memory.Buffer // ψ, χ, and the residuals that are to be refined: taken when first needed
	weights  [2][]float64      // of ψ and χ, of columns and lanes, real: 1/|source| with signs
	checked  [2][]float64      // Σ_c weights·x_c of ψ and χ (positions × 1)
	added    []float64         // the same of a refinement
	rest     []float64         // residual of checked
	peak     []float64         // scratch: columns × lanes, real
	small    []float64         // scratch: lanes, real
	allowed  []float64         // lanes: residual that is accepted
	leads    []laneLead

	batch      Batch     // the columns of ψ that were solved last
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

// waveValues is the number of float64 values a wave takes; a workspace has up to three.
func (d *Device) waveValues() int { return 2 * d.Kernel.Lanes() * len(d.Plan.Order) * d.columns }

// workspaceValues is the number of float64 values a workspace takes without its waves.
func (d *Device) workspaceValues() int {
	v := d.Kernel.Lanes()
	e := 2 * v
	n, c := len(d.Plan.Order), d.columns
	total := e*(len(d.terms.rows)+d.factors+d.Plan.Stack+d.borderElements()+4*n) + 4*v + 3*c*v
	most, wide, all := d.interfaces()
	for i := range d.leads {
		m, modes := len(d.leads[i].positions), d.leads[i].modes
		total += e * (3*m*modes + modes*modes)
	}
	return total + e*c*(most+wide+all) + 8*(20+4*len(d.leads)) // every part starts on a cache line
}

func (d *Device) borderElements() int {
	most, _, _ := d.interfaces()
	return max(d.Plan.MaxBorder*d.columns, most)
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
	s.border = take(e * d.borderElements())
	s.added, s.rest = take(e*n), take(e*n)
	for wave := range s.checked {
		s.checked[wave], s.weights[wave] = take(e*n), take(c*v)
	}
	s.peak, s.small, s.allowed = take(c*v), take(v), take(v)
	s.pivots, s.identity = make([]int32, n), make([]int32, n)
	for i := range s.identity {
		s.identity[i] = int32(i)
	}
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
	t, l, v := &d.terms, &d.Lattice, s.lanes
	term := func(k int) []float64 { return s.a[int(t.place[k])*2*v:][:2*v] }
	values := make([][]complex128, v)
	for lane, p := range g.Points {
		values[lane] = l.Values[p*len(l.Rows):][:len(l.Rows)]
	}
	for q, orbital := range d.Plan.Order {
		out, shift, k := term(q), 0.0, t.diagonal[q]
		if onsite != nil {
			shift = onsite[orbital]
		}
		for lane, p := range g.Points {
			out[lane], out[v+lane] = l.Energies[p]-shift, 0
			if k >= 0 {
				out[lane] -= real(values[lane][k])
				out[v+lane] = -imag(values[lane][k])
			}
		}
	}
	n := len(d.Plan.Order)
	for k, entry := range t.entry {
		out := term(n + k)
		for lane, of := range values {
			z := of[entry]
			out[lane], out[v+lane] = -real(z), -imag(z)
		}
	}
	n += len(t.entry)
	for i := range d.leads {
		for lane, p := range g.Points {
			for k, z := range d.Terminals[i][p].Sigma {
				s.put(s.a, int(t.place[n+k]), lane, -z)
			}
			s.loadLead(i, lane, p)
		}
		n += len(d.leads[i].positions) * len(d.leads[i].positions)
	}
	for lane, p := range g.Points {
		s.scale[lane] = d.scale[p]
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

// factor eliminates the fronts from the leaves to the root; limit is the smallest pivot relative to the hoppings. Updates wait on two
// stacks at the ends of one buffer, those of even depth and those of odd depth: a front finds its children's on top of the
// other one and may put its own down before they are gone.
func (s *DeviceWorkspace) factor(limit float64) error {
	for l := range s.tiny {
		s.tiny[l] = limit * s.scale[l]
	}
	e, size := 2*s.lanes, s.device.Plan.Stack
	var top [2]int // elements on each stack
	place := func(depth, at, n int) []float64 {
		if depth%2 == 1 {
			at = size - at - n
		}
		return s.stack[at*e:][:n*e]
	}
	fronts := s.device.Plan.Fronts
	for i := range fronts {
		if atomic.LoadInt32(s.stop) != 0 {
			break
		}
		f := &fronts[i]
		m, b := f.Pivots, len(f.Boundary)
		u, l := s.panels(i)
		own, other := &top[f.Depth%2], &top[(f.Depth+1)%2]
		c := place(f.Depth, *own, b*b)
		*own += b * b
		s.assemble(i, u, l, c)
		for _, k := range slices.Backward(f.Children) {
			child := &fronts[k]
			n := len(child.Boundary)
			*other -= n * n
			s.k.Extend(n, child.Map, place(child.Depth, *other, n*n), m, b, u, l, c)
		}
		s.k.Eliminate(m, b, u, l, c, s.pivots[f.First:][:m], s.tiny, s.stop)
	}
	return parallel.Cancelled(s.ctx)
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

// pass is what a sweep does beside solving.
type pass struct {
	up      []bool    // fronts with a right-hand side below or in them; the rows of all others need not be cleared. Nil: all
	weights []float64 // of the columns in their sum
	sum     []float64 // takes that sum, or is nil
	to      []float64 // the wave that the solution is added to
	reduce  *Places
	partner []float64 // the wave that is multiplied with this one (reduce)
	sums    []float64
}

// cancelEvery is how many fronts pass between two looks at the context.
const cancelEvery = 16

// sweep solves A·x = x (or Aᵀ) for n columns in place, forward from the leaves to the root and back.
func (s *DeviceWorkspace) sweep(transposed bool, n int, x []float64, p pass) error {
	count := len(s.device.Plan.Fronts)
	for i := range count {
		if p.up != nil && !p.up[i] {
			continue
		}
		if i%cancelEvery == 0 {
			if err := parallel.Cancelled(s.ctx); err != nil {
				return err
			}
		}
		s.forward(transposed, i, n, x)
	}
	for i := count - 1; i >= 0; i-- {
		if i%cancelEvery == 0 {
			if err := parallel.Cancelled(s.ctx); err != nil {
				return err
			}
		}
		s.backward(transposed, i, n, x, &p)
	}
	return nil
}

// front returns the front with its panels, and its rows of x and of the scratch for its boundary.
func (s *DeviceWorkspace) front(i, n int, x []float64) (f *plan.Front, u, l, top, border []float64, pivots []int32) {
	f = &s.device.Plan.Fronts[i]
	u, l = s.panels(i)
	row := n * 2 * s.lanes
	return f, u, l, x[f.First*row:][:f.Pivots*row], s.border[:len(f.Boundary)*row], s.pivots[f.First:][:f.Pivots]
}

func (s *DeviceWorkspace) forward(transposed bool, i, n int, x []float64) {
	f, u, l, top, border, pivots := s.front(i, n, x)
	clear(border)
	if transposed {
		s.k.ForwardT(f.Pivots, len(f.Boundary), n, u, top, border)
	} else {
		s.k.Forward(f.Pivots, len(f.Boundary), n, u, l, pivots, top, border)
	}
	s.k.Scatter(f.Boundary, n, border, x)
}

func (s *DeviceWorkspace) backward(transposed bool, i, n int, x []float64, p *pass) {
	f, u, l, top, border, pivots := s.front(i, n, x)
	if p.up != nil && !p.up[i] {
		clear(top)
	}
	row := n * 2 * s.lanes
	for k, q := range f.Boundary {
		copy(border[k*row:][:row], x[int(q)*row:])
	}
	if transposed {
		s.k.BackwardT(f.Pivots, len(f.Boundary), n, u, l, pivots, top, border)
	} else {
		s.k.Backward(f.Pivots, len(f.Boundary), n, u, top, border)
	}
	if p.sum != nil {
		s.k.Combine(f.Pivots, n, top, p.weights, p.sum[f.First*2*s.lanes:])
	}
	if p.to != nil {
		s.k.Scatter(s.identity[f.First:][:f.Pivots], n, top, p.to)
	}
	if p.reduce != nil {
		p.reduce.front(s.k, i, n, x, p.partner, p.sums)
	}
}

// Places lists entries (row, column), as positions, of Σ_c χ_c(row)·ψ_c(column), sorted so that a sweep can sum each as soon
// as both waves are known there.
type Places struct {
	rows, cols []int32
	first      []int // of every front that eliminates the earlier of row and column
	Order      []int // Order[k] is the index, in the lists given to NewPlaces, of the entry that is now number k
}

// NewPlaces sorts entries; entries of the same front keep their order.
func (d *Device) NewPlaces(rows, cols []int32) *Places {
	p := &Places{first: make([]int, len(d.Plan.Fronts)+1)}
	owner := func(k int) int { return int(d.Plan.Owner[min(rows[k], cols[k])]) }
	for k := range rows {
		p.first[owner(k)+1]++
	}
	for i := range d.Plan.Fronts {
		p.first[i+1] += p.first[i]
	}
	p.rows, p.cols, p.Order = make([]int32, len(rows)), make([]int32, len(rows)), make([]int, len(rows))
	next := slices.Clone(p.first)
	for k := range rows {
		at := &next[owner(k)]
		p.rows[*at], p.cols[*at], p.Order[*at] = rows[k], cols[k], k
		*at++
	}
	return p
}

// front adds the entries of one front to sums.
func (p *Places) front(k kernel.Front, i, n int, chi, psi, sums []float64) {
	first, last := p.first[i], p.first[i+1]
	if first < last {
		k.Dot(p.rows[first:last], p.cols[first:last], n, chi, psi, sums[first*2*k.Lanes():])
	}
}

// Wave numbers of Solve: ψ and χ have a buffer each.
const (
	Psi = iota
	Chi
	residuals
)

// wave returns the first n columns of a wave's buffer.
func (s *DeviceWorkspace) wave(i, n int) ([]float64, error) {
	if s.waves[i] == nil {
		buffer, err := memory.New(s.device.waveValues())
		if err != nil {
			return nil, err
		}
		s.waves[i] = buffer
	}
	return s.waves[i].Data[:len(s.device.Plan.Order)*n*2*s.lanes], nil
}

// Solve computes n columns of ψ = A⁻¹·sources (wave Psi) or χ = A⁻ᵀ·sources (wave Chi) at every position and returns them
// (positions × n), overwritten by the next call for the same wave. Columns are refined until the residual is small enough; an
// error of kind Numerical says that this failed with these factors.
func (s *DeviceWorkspace) Solve(wave, n int, sources ...Source) ([]float64, error) {
	return s.solve(wave, n, pass{}, sources)
}

// Reduce solves for χ and adds Σ_c χ_c(row)·ψ_c(column) at every place to sums.
func (s *DeviceWorkspace) Reduce(n int, psi []float64, places *Places, sums []float64, sources ...Source) error {
	_, err := s.solve(Chi, n, pass{reduce: places, partner: psi, sums: sums}, sources)
	return err
}

func (s *DeviceWorkspace) solve(wave, n int, p pass, sources []Source) ([]float64, error) {
	if err := parallel.Cancelled(s.ctx); err != nil {
		return nil, err
	}
	x, err := s.wave(wave, n)
	if err != nil {
		return nil, err
	}
	fronts, row := s.device.Plan.Fronts, n*2*s.lanes
	up := make([]bool, len(fronts))
	for _, source := range sources {
		s.device.Plan.Paths(s.device.leads[source.Lead].positions, up)
	}
	for i := range fronts {
		if f := &fronts[i]; up[i] {
			clear(x[f.First*row:][:f.Pivots*row])
		}
	}
	for _, source := range sources {
		s.k.Scatter(s.device.leads[source.Lead].positions, n, source.Data, x)
	}
	s.weigh(wave, n, sources)
	first := p
	first.up, first.weights, first.sum = up, s.weights[wave], s.checked[wave]
	if err := s.sweep(wave == Chi, n, x, first); err != nil {
		return nil, err
	}
	if excess := s.excess(wave, n, sources); excess > 1 {
		return x, s.refine(wave, n, x, p, sources, excess)
	}
	return x, nil
}

// weigh sets the weights of the columns in the sum that is checked: signs against cancellation, the inverse of the source
// against small columns going unnoticed.
func (s *DeviceWorkspace) weigh(wave, n int, sources []Source) {
	v, weights := s.lanes, s.weights[wave]
	largest := weights[:n*v]
	clear(largest)
	for _, source := range sources {
		s.k.Largest(len(s.device.leads[source.Lead].positions), n, source.Data, s.peak)
		for i := range largest {
			largest[i] = max(largest[i], s.peak[i])
		}
	}
	for i, source := range largest {
		_, fraction := math.Modf(float64(i/v) * math.Phi)
		if source > 0 {
			weights[i] = (fraction + 0.5) * float64(1-2*(i/v%2)) / source
		}
	}
}

// A solution is accepted when its residual is below accepted·|source|, less where the solution is larger than the source (its
// error is the residual times |A⁻¹|), or below what rounding leaves of its terms; after the refinements refused times as
// much passes. Measured errors of transmissions and derivatives are up to a tenth of the residual.
const (
	accepted    = 3e-11
	rounding    = 1e-15
	refinements = 4
	refused     = 100
)

// excess checks all columns at once: it returns the largest ratio over the lanes of the residual of their weighted sum to
// what is accepted.
func (s *DeviceWorkspace) excess(wave, n int, sources []Source) float64 {
	t, row, rows := &s.device.terms, 2*s.lanes, len(s.device.Plan.Order)
	checked := s.checked[wave]
	clear(s.rest)
	for _, source := range sources {
		lead := s.device.leads[source.Lead].positions
		sum := s.border[:len(lead)*row]
		s.k.Combine(len(lead), n, source.Data, s.weights[wave], sum)
		s.k.Scatter(lead, 1, sum, s.rest)
	}
	s.k.Largest(rows, 1, s.rest, s.allowed)
	s.k.Largest(rows, 1, checked, s.small)
	for l, solution := range s.small {
		source := s.allowed[l]
		s.allowed[l] = accepted*source*min(1, source/solution) + rounding*s.scale[l]*solution
	}
	if wave == Chi {
		s.k.Residual(t.cols, t.rows, s.a, 1, checked, s.rest)
	} else {
		s.k.Residual(t.rows, t.cols, s.a, 1, checked, s.rest)
	}
	s.k.Largest(rows, 1, s.rest, s.small)
	worst := 0.0
	for l, left := range s.small {
		switch {
		case left == 0: // no open mode in this lane
		case !(left <= math.MaxFloat64) || !(s.allowed[l] > 0):
			return math.Inf(1)
		default:
			worst = max(worst, left/s.allowed[l])
		}
	}
	return worst
}

// negligible is the part of the accepted residual that is not worth a way to the root.
const negligible = 0.01

// inaccurate marks the fronts with a residual that is not negligible, and those on their ways to the root: large residuals stem
// from few fronts, whose own pivots are almost singular.
func (s *DeviceWorkspace) inaccurate() []bool {
	fronts, row := s.device.Plan.Fronts, 2*s.lanes
	up := make([]bool, len(fronts))
	for i := range fronts {
		f := &fronts[i]
		s.k.Largest(f.Pivots, 1, s.rest[f.First*row:][:f.Pivots*row], s.small)
		for l, left := range s.small {
			if !(left <= negligible*s.allowed[l]) {
				for k := i; k >= 0 && !up[k]; k = fronts[k].Parent {
					up[k] = true
				}
			}
		}
	}
	return up
}

// refine repeats x += A⁻¹(sources − A·x) until x is accepted.
func (s *DeviceWorkspace) refine(wave, n int, x []float64, p pass, sources []Source, excess float64) error {
	rest, err := s.wave(residuals, n)
	if err != nil {
		return err
	}
	t, transposed := &s.device.terms, wave == Chi
	p.weights, p.sum, p.to = s.weights[wave], s.added, x
	for range refinements {
		clear(rest)
		for _, source := range sources {
			s.k.Scatter(s.device.leads[source.Lead].positions, n, source.Data, rest)
		}
		if transposed {
			s.k.Residual(t.cols, t.rows, s.a, n, x, rest)
		} else {
			s.k.Residual(t.rows, t.cols, s.a, n, x, rest)
		}
		p.up = s.inaccurate()
		if err := s.sweep(transposed, n, rest, p); err != nil {
			return err
		}
		s.k.Scatter(s.identity, 1, s.added, s.checked[wave])
		last := excess
		if excess = s.excess(wave, n, sources); excess <= 1 {
			return nil
		}
		if !(excess < last/2) {
			break
		}
	}
	if excess <= refused {
		return nil
	}
	return s.unsolved()
}

// unsolved is the error that names the point and the orbital with the largest residual.
func (s *DeviceWorkspace) unsolved() error {
	d, v := s.device, s.lanes
	most, point, orbital := -1.0, 0, 0
	for q, of := range d.Plan.Order {
		for l := range s.group.Unique {
			size := math.Hypot(s.rest[2*q*v+l], s.rest[2*q*v+v+l]) / s.allowed[l]
			if math.IsNaN(size) {
				size = math.Inf(1)
			}
			if size > most {
				most, point, orbital = size, s.group.Points[l], int(of)
			}
		}
	}
	at := ""
	if n := d.Lattice.Dimensions; d.Lattice.Positions != nil {
		at = fmt.Sprintf(" at %v", d.Lattice.Positions[orbital*n:][:n])
	}
	return fault.New(fault.Numerical, "the equations of the device could not be solved at point %d: the residual at orbital %d%s is %.1e of the source; a bound state at the energy %g, or an orbital coupled to nothing, makes them singular: change the energy a little", point, orbital, at, most*accepted, d.Lattice.Energies[point])
}
