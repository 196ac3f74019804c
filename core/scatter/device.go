package scatter

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/parallel"
	"mcd/core/plan"
)

// Pair selects the transmission from lead From to lead To; equal indices select the reflection of a lead.
type Pair struct{ To, From int }

// Device is the CPU engine of any device: a batch of sparse Hamiltonians with one pattern and any number of leads. It
// computes values; package adjoint adds derivatives. A = E − H − diag(onsite) − ΣΣ_i is factored front by front (package
// plan), one point of the batch in every SIMD lane.
//
// The on-site energies of Value and its companions are *added* to the diagonal of the Hamiltonian, one per orbital; nil adds
// none. Orbitals that are connected to no lead take no part: they are not solved, and their entries in results are zero.
type Device struct {
	Lattice   lattice.Device
	Terminals [][]lead.Terminal // [lead][point]
	Pairs     []Pair            // what Value computes, in this order
	Plan      *plan.Fronts
	Kernel    kernel.Front
	Groups    []*DeviceGroup

	leads   []deviceLead
	paths   []bool // fronts on the way from any lead to the root
	terms   terms
	scale   []float64 // of every point: the largest hopping
	start   []int     // element at which every front's panels start in the factors
	factors int       // elements of all panels
	columns int       // solved at a time
	threads int
	limit   int64
	closed  bool
	spaces  []*DeviceWorkspace
}

// deviceLead is what all points share of a lead.
type deviceLead struct {
	positions []int32 // of its interface orbitals
	modes     int     // the largest number of open modes
	path      []bool  // fronts from its interface to the root
}

// DeviceGroup is one lane group: the points that are solved together.
type DeviceGroup struct {
	Points []int // one per lane; the last one is repeated to fill the lanes
	Unique int   // lanes that are not repetitions
	Modes  []int // of every lead: the largest number of open modes of the group's points
}

// terms are the entries of A in the order in which fronts take them up: first the diagonal, then hoppings, then the leads.
type terms struct {
	rows, cols []int32 // positions
	target     []int32 // element in the panels of the front
	first      []int   // first term of every front (fronts + 1)
	place      []int32 // of term k before sorting: its index now
	entry      []int32 // entry of the pattern for hoppings (before sorting, after the diagonal)
	diagonal   []int32 // entry of the pattern at every position, −1 if there is none
}

// NewDevice plans the elimination. Terminals are given for every lead and point; they and the lattice's slices must stay as
// they are while the device is used. With no pairs, all transmissions between different leads are computed.
func NewDevice(l lattice.Device, terminals [][]lead.Terminal, pairs []Pair, o Options) (*Device, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if err := validateTerminals(&l, terminals); err != nil {
		return nil, err
	}
	if o.MemoryLimit < 0 {
		return nil, fault.Invalid("memory_limit", "%d bytes; give 0 for no limit", o.MemoryLimit)
	}
	d := &Device{Lattice: l, Terminals: terminals, limit: o.MemoryLimit}
	if err := d.SetPairs(pairs); err != nil {
		return nil, err
	}
	var err error
	if d.Plan, err = plan.Cached(l.Orbitals, l.Rows, l.Cols, l.Interfaces, l.Positions, l.Dimensions); err != nil {
		return nil, err
	}
	d.prepareLeads()
	d.prepareTerms()
	d.prepareScale()
	d.start = make([]int, len(d.Plan.Fronts))
	for i := range d.Plan.Fronts {
		f := &d.Plan.Fronts[i]
		d.start[i] = d.factors
		d.factors += f.Pivots * (f.Pivots + 2*len(f.Boundary))
	}
	d.columns = d.chooseColumns()
	if err := d.chooseFront(o.Kernel); err != nil {
		return nil, err
	}
	if need := d.WorkspaceBytes(); d.limit > 0 && need > d.limit {
		return nil, fault.New(fault.Memory, "memory_limit: %d bytes are needed to solve %d orbitals for %d points at a time, the limit is %d; raise it or reduce the device", need, l.Orbitals, d.Kernel.Lanes(), d.limit)
	}
	d.SetThreads(o.Threads)
	return d, nil
}

// chooseFront sets the kernel: the one of that name, or the fastest for the number of points. One point at a time costs about
// twice as much a point as full lanes (up to as much on fronts of several hundred orbitals), but less than lanes that are
// mostly empty, and far less memory: it also serves where the lanes' workspace exceeds the limit.
func (d *Device) chooseFront(name string) error {
	single, wide := kernel.BestFronts()
	if name == "" {
		d.setKernel(wide)
		if 2*d.Points() < wide.Lanes() || d.limit > 0 && d.WorkspaceBytes() > d.limit {
			d.setKernel(single)
		}
		return nil
	}
	var names []string
	for _, k := range kernel.Fronts() {
		if k.Name() == name {
			d.setKernel(k)
			return nil
		}
		names = append(names, k.Name())
	}
	return fault.Invalid("kernel", "%q does not run on this machine; choose one of %q or leave it empty", name, names)
}

func (d *Device) setKernel(k kernel.Front) {
	d.Kernel, d.Groups = k, nil
	d.group()
}

func validateTerminals(l *lattice.Device, terminals [][]lead.Terminal) error {
	if len(terminals) != len(l.Interfaces) {
		return fault.Invalid("leads", "%d leads for %d interfaces; give one for each", len(terminals), len(l.Interfaces))
	}
	for i, points := range terminals {
		m := len(l.Interfaces[i])
		if len(points) != l.Points() {
			return fault.Invalid("leads", "lead %d has %d points, the device %d; give one for each", i, len(points), l.Points())
		}
		for p := range points {
			t := &points[p]
			n := t.Modes
			switch {
			case n < 0 || n > m:
				return fault.Invalid("leads", "lead %d has %d open modes at point %d on %d interface orbitals", i, n, p, m)
			case len(t.Sigma) != m*m:
				return fault.Invalid("leads", "the self-energy of lead %d at point %d has %d values; its %d interface orbitals need %d", i, p, len(t.Sigma), m, m*m)
			case len(t.In) != m*n:
				return fault.Invalid("leads", "the injection of lead %d at point %d has %d values; %d orbitals and %d modes need %d", i, p, len(t.In), m, n, m*n)
			case t.Out != nil && (len(t.Out) != n*m || len(t.Direct) != n*n):
				return fault.Invalid("leads", "the outgoing amplitudes of lead %d at point %d have %d and %d values; they need %d and %d", i, p, len(t.Out), len(t.Direct), n*m, n*n)
			}
			for _, list := range [][]complex128{t.Sigma, t.In, t.Out, t.Direct} {
				for _, z := range list {
					if x := real(z) - real(z) + imag(z) - imag(z); x != 0 {
						return fault.Invalid("leads", "lead %d has the value %v at point %d; give finite values", i, z, p)
					}
				}
			}
		}
	}
	return nil
}

// SetPairs changes which transmissions Value computes; nil selects all between different leads.
func (d *Device) SetPairs(pairs []Pair) error {
	n := len(d.Terminals)
	if pairs == nil {
		for to := range n {
			for from := range n {
				if to != from {
					pairs = append(pairs, Pair{to, from})
				}
			}
		}
	}
	if err := CheckPairs(pairs, n); err != nil {
		return err
	}
	d.Pairs = slices.Clone(pairs)
	return nil
}

// CheckPairs returns an Argument error unless all pairs are of leads that exist.
func CheckPairs(pairs []Pair, leads int) error {
	for _, p := range pairs {
		if p.To < 0 || p.To >= leads || p.From < 0 || p.From >= leads {
			return fault.Invalid("pairs", "transmission from lead %d to lead %d; the device has leads 0 to %d", p.From, p.To, leads-1)
		}
	}
	return nil
}

func (d *Device) prepareLeads() {
	d.leads, d.paths = make([]deviceLead, len(d.Terminals)), make([]bool, len(d.Plan.Fronts))
	for i := range d.leads {
		le := &d.leads[i]
		for _, v := range d.Lattice.Interfaces[i] {
			le.positions = append(le.positions, d.Plan.Position[v])
		}
		for p := range d.Terminals[i] {
			le.modes = max(le.modes, d.Terminals[i][p].Modes)
		}
		le.path = make([]bool, len(d.Plan.Fronts))
		d.Plan.Paths(le.positions, le.path)
		d.Plan.Paths(le.positions, d.paths)
	}
}

// prepareTerms lists the entries of A and sorts them by the front that takes them up.
func (d *Device) prepareTerms() {
	t, p := &d.terms, d.Plan
	n := len(p.Order)
	t.diagonal = make([]int32, n)
	var rows, cols []int32
	for i := range n {
		t.diagonal[i] = -1
		rows, cols = append(rows, int32(i)), append(cols, int32(i))
	}
	for k, v := range d.Lattice.Rows {
		i, j := p.Position[v], p.Position[d.Lattice.Cols[k]]
		switch {
		case i < 0:
		case i == j:
			t.diagonal[i] = int32(k)
		default:
			t.entry = append(t.entry, int32(k))
			rows, cols = append(rows, i), append(cols, j)
		}
	}
	for i := range d.leads {
		for _, r := range d.leads[i].positions {
			for _, c := range d.leads[i].positions {
				rows, cols = append(rows, r), append(cols, c)
			}
		}
	}
	front, target := make([]int, len(rows)), make([]int32, len(rows))
	t.first = make([]int, len(p.Fronts)+1)
	for k := range rows {
		f, offset := p.Locate(rows[k], cols[k])
		front[k], target[k] = f, int32(offset)
		t.first[f+1]++
	}
	for f := range p.Fronts {
		t.first[f+1] += t.first[f]
	}
	next := slices.Clone(t.first)
	t.place = make([]int32, len(rows))
	t.rows, t.cols, t.target = make([]int32, len(rows)), make([]int32, len(rows)), make([]int32, len(rows))
	for k, f := range front {
		at := next[f]
		next[f]++
		t.place[k] = int32(at)
		t.rows[at], t.cols[at], t.target[at] = rows[k], cols[k], target[k]
	}
}

// prepareScale finds the unit in which pivots and residuals are judged: on-site energies may be anything, hoppings are what
// couples.
func (d *Device) prepareScale() {
	l := &d.Lattice
	for p := range l.Energies {
		most, values := 0.0, l.Values[p*len(l.Rows):][:len(l.Rows)]
		for k, z := range values {
			if l.Rows[k] != l.Cols[k] {
				most = max(most, math.Abs(real(z)), math.Abs(imag(z)))
			}
		}
		if most == 0 {
			most = 1
		}
		d.scale = append(d.scale, most)
	}
}

// group deals the points to lane groups, points with equal mode counts together.
func (d *Device) group() {
	order := make([]int, d.Lattice.Points())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		for _, points := range d.Terminals {
			if n := points[b].Modes - points[a].Modes; n != 0 {
				return n
			}
		}
		return 0
	})
	for v := d.Kernel.Lanes(); len(order) > 0; {
		n := min(v, len(order))
		g := &DeviceGroup{Points: make([]int, v), Unique: n, Modes: make([]int, len(d.leads))}
		for l := range v {
			g.Points[l] = order[min(l, n-1)]
			for i := range d.leads {
				g.Modes[i] = max(g.Modes[i], d.Terminals[i][g.Points[l]].Modes)
			}
		}
		d.Groups = append(d.Groups, g)
		order = order[n:]
	}
}

// maxColumns bounds the columns that are solved at a time: solutions take about as much memory as the factors.
const maxColumns = 32

// chooseColumns deals the columns of the lead with the most modes (or orbitals, if none is open) evenly.
func (d *Device) chooseColumns() int {
	most := 1
	for i := range d.leads {
		most = max(most, d.leads[i].modes)
	}
	batches := (most + maxColumns - 1) / maxColumns
	return (most + batches - 1) / batches
}

// Points returns the number of scattering problems in the batch.
func (d *Device) Points() int { return d.Lattice.Points() }

// Inputs returns the number of orbitals.
func (d *Device) Inputs() int { return d.Lattice.Orbitals }

// Outputs returns the number of pairs times that of points: results are [pair][point].
func (d *Device) Outputs() int { return len(d.Pairs) * d.Points() }

// Ceiling returns the smaller number of open modes of the two leads, [pair][point].
func (d *Device) Ceiling() []int {
	var n []int
	for _, pair := range d.Pairs {
		for p := range d.Points() {
			n = append(n, min(d.Terminals[pair.To][p].Modes, d.Terminals[pair.From][p].Modes))
		}
	}
	return n
}

// OpenModes returns the number of open modes, [point][lead].
func (d *Device) OpenModes() []int {
	var n []int
	for p := range d.Points() {
		for i := range d.leads {
			n = append(n, d.Terminals[i][p].Modes)
		}
	}
	return n
}

// Name tells the engine, its elimination order and its kernels.
func (d *Device) Name() string { return "cpu fronts by " + d.Plan.Method + ", " + d.Kernel.Name() }

// Threads returns the number of goroutines in use.
func (d *Device) Threads() int { return d.threads }

// SetThreads sets the number of goroutines, 0 for all processors; results do not depend on it.
func (d *Device) SetThreads(n int) { d.threads = min(parallel.Threads(n), len(d.Groups)) }

// Close frees the memory; the device cannot be used afterwards.
func (d *Device) Close() {
	for _, s := range d.spaces {
		s.buffer.Free()
		for _, wave := range s.waves {
			wave.Free()
		}
	}
	d.spaces, d.closed = nil, true
}

// Bytes returns the memory that the device may come to hold for solving with its present threads.
func (d *Device) Bytes() int64 { return int64(len(d.spaces)) * d.WorkspaceBytes() }

// WorkspaceBytes returns the most memory that one thread takes to solve lane groups.
func (d *Device) WorkspaceBytes() int64 {
	return 8 * (int64(d.workspaceValues()) + 3*int64(d.waveValues()))
}

// String describes the device in one line.
func (d *Device) String() string {
	return fmt.Sprintf("%d orbitals, %d leads, %d points, %s, %d threads, %.1f MB each", d.Lattice.Orbitals, len(d.leads), d.Points(), d.Name(), d.threads, float64(d.WorkspaceBytes())/1e6)
}

// ensureSpaces makes up to n workspaces, fewer if memory or its limit asks for it, and at least one.
func (d *Device) ensureSpaces(n int) error {
	for len(d.spaces) < n {
		if d.limit > 0 && d.Bytes()+d.WorkspaceBytes() > d.limit && len(d.spaces) > 0 {
			return nil
		}
		s, err := newDeviceWorkspace(d)
		if err != nil {
			if len(d.spaces) > 0 {
				return nil
			}
			return err
		}
		d.spaces = append(d.spaces, s)
	}
	return nil
}

// Run factors every group that holds one of the points (nil for all) and calls task for it, each time with a workspace that
// no other goroutine uses; task may keep nothing of it. It may call task again for a group whose task failed for want of
// accuracy, so results have to be assigned, not added up.
func (d *Device) Run(ctx context.Context, onsite []float64, points []int, task func(s *DeviceWorkspace, g *DeviceGroup) error) error {
	if d.closed {
		return fault.New(fault.Internal, "the device has been closed")
	}
	if onsite != nil {
		if err := d.Lattice.ValidateOnsite(onsite); err != nil {
			return err
		}
	}
	groups := d.Groups
	if points != nil {
		groups = nil
		for _, g := range d.Groups {
			if slices.ContainsFunc(g.Points, func(p int) bool { return slices.Contains(points, p) }) {
				groups = append(groups, g)
			}
		}
	}
	if err := d.ensureSpaces(min(d.threads, len(groups))); err != nil {
		return err
	}
	return parallel.For(ctx, len(groups), min(d.threads, len(d.spaces)), func(worker, i int) error {
		return d.spaces[worker].run(ctx, groups[i], onsite, task)
	})
}

// pivotLimit is the size, relative to the largest hopping, below which a pivot is replaced; it grows tenfold with each
// of the attempts.
const (
	pivotLimit = 1e-7
	attempts   = 3
)

func (s *DeviceWorkspace) run(ctx context.Context, g *DeviceGroup, onsite []float64, task func(s *DeviceWorkspace, g *DeviceGroup) error) (err error) {
	stop := new(int32)
	if s.stop = stop; ctx != nil {
		defer context.AfterFunc(ctx, func() { atomic.StoreInt32(stop, 1) })()
	}
	s.load(ctx, g, onsite)
	limit := pivotLimit
	for range attempts {
		if err = s.factor(limit); err != nil {
			return err
		}
		if err = task(s, g); err == nil || fault.KindOf(err) != fault.Numerical {
			return err
		}
		limit *= 10
	}
	return err
}

// CheckPoint returns an Argument error unless the point exists.
func (d *Device) CheckPoint(point int) error {
	if point < 0 || point >= d.Points() {
		return fault.Invalid("point", "%d; the device has points 0 to %d", point, d.Points()-1)
	}
	return nil
}

// CheckLead returns an Argument error unless the lead exists.
func (d *Device) CheckLead(i int) error {
	if i < 0 || i >= len(d.leads) {
		return fault.Invalid("lead", "%d; the device has leads 0 to %d", i, len(d.leads)-1)
	}
	return nil
}

// Lane returns the lane of a point, −1 if the group does not hold it.
func (g *DeviceGroup) Lane(point int) int { return slices.Index(g.Points[:g.Unique], point) }
