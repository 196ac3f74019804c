package scatter

import (
	"context"
	"math"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/memory"
	"mcd/core/parallel"
	"mcd/core/plan"
)

// Workspace solves one lane group at a time. With A = (E − H − Σ_L − Σ_R)/t it solves Aψ = b and Aᵀχ = b by one sweep from
// the right lead to the left and one back:
//
//	ψ_{x+1} = F_x ψ_x + p_x,   F_{x−1} = −(D_x + F_x)⁻¹,   p_{x−1} = F_{x−1}(p_x − b_x),
//
// ended at x = 0 by (D_0 + F_0 + B_L)ψ_0 = b_0 − p_0, where B_L = −Σ_L/t and F_{L−1} is the lead's. The transposed problem
// has the transposed maps. Only nodes keep their F (package plan); between nodes, solutions follow the three-term recursion
// of A itself, so that the residual of a sweep back is zero but at the nodes.
//
// Slices are counted from the right lead (s = L−1−x): node i is slice nodes[i], its map F leads to slice nodes[i]−1, and
// slice −1 is the right lead's first.
type Workspace struct {
	wire  *Wire
	group *Group
	index int // of the group
	ctx   context.Context
	k     kernel.Kernel

	width, ld, length, lanes int
	nodes                    []int // of the sweep in f
	last                     int   // index of the node at the left lead

	f               [][]float64 // F at every node, the first one the lead's
	cleared         int         // so many of f have been set to numbers once, padding included
	m, a            []float64   // denominator of a hop; factors of D_0 + F_0 + B_L
	pivots, pivotsA []int32
	scratch, source []float64 // waves of one slice
	amplitude, coef []float64 // Modes × Modes
	row             []float64 // Width real values
	weight          []float64 // largest coefficient of every lane, of Differentiate
	waves           [6]Wave   // four rings, two full ones
	noted           [6][2]note
	sources         [2]excitation

	small, maps, rings, full, extra *memory.Buffer
	cached                          int
	slices                          *plan.Strip // planner of the sweep slice by slice
	sliced                          bool        // it is in use
}

// The two kinds of problem: A, or its transpose (not conjugated).
const (
	Direct     = false
	Transposed = true
)

// Wave is a solution ψ (or χ of the transposed problem): Modes columns on every slice, or on the last few of them.
type Wave struct {
	Transposed bool
	data       []float64
	ring       int // slices kept
	stride     int // values of a slice
	columns    int // that are carried on from slice x = 0
	notes      [2]note
}

// note is what was seen of some columns of a wave at the nodes since it was started, per lane: the largest residual and the
// largest value. Notes are kept of the probes and of the other columns.
type note struct{ residual, largest []float64 }

// probes is the number of columns that stand for all of them where only the conductance is wanted: Group.FromLeft mixes the
// modes so that every column holds equal parts of all, with unlike phases.
const probes = 2

// At returns slice s, −1 … Length−1.
func (v *Wave) At(s int) []float64 { return v.data[(s+1)%v.ring*v.stride:][:v.stride] }

// mostColumns returns the number of columns of the widest wave of a wire.
func mostColumns(w *Wire) (columns int) {
	for _, g := range w.Groups {
		columns = max(columns, g.Modes)
	}
	return columns
}

// mostValues bounds the values that a workspace may come to hold: two matrices and a few waves, the maps of a sweep slice by
// slice, the rings, two full waves, and the sources of a refinement.
func mostValues(w *Wire) int {
	length, width, lanes := w.Strip.Length, w.Strip.Width, w.Kernel.Lanes()
	matrix, columns := kernel.Size(width, kernel.LeadingDimension(width), lanes), mostColumns(w)
	wave := kernel.Size(width, columns, lanes)
	small := 2*matrix + 2*wave + 2*kernel.Size(columns, columns, lanes) + (width+25)*lanes + 32*memory.Align/8
	return small + (length-1)*matrix + rings*ringSlices*wave + 2*(length+1)*wave + (4*length+2)*wave
}

func newWorkspace(w *Wire) (*Workspace, error) {
	s := &Workspace{wire: w, k: w.Kernel, width: w.Strip.Width, length: w.Strip.Length, lanes: w.Kernel.Lanes(), cached: cached,
		ld: kernel.LeadingDimension(w.Strip.Width), pivots: make([]int32, w.Strip.Width), pivotsA: make([]int32, w.Strip.Width)}
	columns := mostColumns(w)
	matrix, wave := kernel.Size(s.width, s.ld, s.lanes), kernel.Size(s.width, columns, s.lanes)
	parts := []part{{&s.m, matrix}, {&s.a, matrix}, {&s.scratch, wave}, {&s.source, wave},
		{&s.amplitude, kernel.Size(columns, columns, s.lanes)}, {&s.coef, kernel.Size(columns, columns, s.lanes)},
		{&s.row, s.width * s.lanes}, {&s.weight, s.lanes}}
	for i := range s.noted {
		for j := range s.noted[i] {
			parts = append(parts, part{&s.noted[i][j].residual, s.lanes}, part{&s.noted[i][j].largest, s.lanes})
		}
	}
	err := s.carve(&s.small, parts...)
	if err == nil {
		clear(s.small.Data)
		s.rings, err = s.wire.Take(rings * ringSlices * wave)
	}
	if err == nil {
		err = s.makeMaps(1)
	}
	if err != nil {
		s.free()
		return nil, err
	}
	return s, nil
}

// A ring holds the slices of one hop and one more on either side. There is one for ψ, for χ, and for what corrects each.
const (
	rings      = 4
	ringSlices = plan.MaxHop + 3
)

type part struct {
	slice *[]float64
	n     int
}

// carve takes one buffer and cuts it into aligned parts.
func (s *Workspace) carve(into **memory.Buffer, parts ...part) error {
	size := 0
	for _, p := range parts {
		size += pad(p.n)
	}
	b, err := s.wire.Take(size)
	if err != nil {
		return err
	}
	*into = b
	at := 0
	for _, p := range parts {
		*p.slice = b.Data[at : at+p.n : at+p.n]
		at += pad(p.n)
	}
	return nil
}

func (s *Workspace) free() {
	for _, b := range []*memory.Buffer{s.small, s.maps, s.rings, s.full, s.extra} {
		s.wire.Release(b)
	}
}

// makeMaps provides the matrices of n nodes.
func (s *Workspace) makeMaps(n int) error {
	if n <= len(s.f) {
		return nil
	}
	matrix := kernel.Size(s.width, s.ld, s.lanes)
	s.wire.Release(s.maps)
	s.maps, s.f = nil, nil
	b, err := s.wire.Take((n - 1) * matrix)
	if err != nil {
		return err
	}
	s.maps, s.f, s.cleared = b, make([][]float64, n), 1
	for i := 1; i < n; i++ {
		s.f[i] = b.Data[(i-1)*matrix : i*matrix : i*matrix]
	}
	return nil
}

func (s *Workspace) begin(ctx context.Context, index int) {
	s.ctx, s.group, s.index, s.nodes, s.sliced = ctx, s.wire.Groups[index], index, s.wire.nodes, false
}

// h and cs return the potential and the phases from slice i on.
func (s *Workspace) h(i int) []float64  { return s.wire.potential[i*s.width:] }
func (s *Workspace) cs(i int) []float64 { return s.group.phases[i*2*s.lanes:] }

// columns returns the number of columns of the group's waves.
func (s *Workspace) columns() int { return s.group.Modes }

// stride returns the number of values of one slice of a wave.
func (s *Workspace) stride() int { return kernel.Size(s.width, s.columns(), s.lanes) }

// Factor sweeps from the right lead to the left.
func (s *Workspace) Factor() error {
	if err := s.makeMaps(len(s.nodes)); err != nil {
		return err
	}
	g, k, w, ld := s.group, s.k, s.width, s.ld
	s.last = len(s.nodes) - 1
	s.f[0] = g.right
	for i := 1; i <= s.last; i++ {
		if err := parallel.Cancelled(s.ctx); err != nil {
			return err
		}
		if i == s.cleared { // here, not in makeMaps: gigabytes take seconds, in which nobody could cancel
			clear(s.f[i])
			s.cleared++
		}
		at := s.nodes[i-1]
		if slices := s.nodes[i] - at; slices == 1 {
			k.Hop(w, ld, 1, s.h(at), g.energy, s.cs(at), s.f[i-1], s.m, nil)
			k.Invert(w, ld, s.m, s.pivots, s.f[i])
		} else {
			k.Hop(w, ld, slices, s.h(at), g.energy, s.cs(at), s.f[i-1], s.m, s.f[i])
			k.Divide(w, ld, s.m, s.pivots, s.f[i])
		}
	}
	// A hop over the last slice gives −(D_0 + F_0).
	k.Hop(w, ld, 1, s.h(s.length-1), g.energy, s.cs(s.length-1), s.f[s.last], s.a, nil)
	k.Add(w*ld, -1, g.left, s.a, s.a)
	k.Factor(w, ld, s.a, s.pivotsA)
	return parallel.Cancelled(s.ctx)
}

// Ring returns a wave that keeps the slices of one hop; which is 0 … rings−1. It is valid until the next call with this number.
func (s *Workspace) Ring(which int, transposed bool) *Wave {
	part := len(s.rings.Data) / rings
	return s.wave(which, transposed, s.rings.Data[which*part:(which+1)*part], ringSlices)
}

// Full returns a wave that keeps every slice; which is 0 or 1. It is valid until the next call with this number.
func (s *Workspace) Full(which int, transposed bool) (*Wave, error) {
	n := (s.length + 1) * s.stride()
	if s.full == nil || len(s.full.Data) < 2*n {
		s.wire.Release(s.full)
		s.full = nil
		b, err := s.wire.Take(2 * n)
		if err != nil {
			return nil, err
		}
		s.full = b
	}
	return s.wave(rings+which, transposed, s.full.Data[which*n:(which+1)*n], s.length+1), nil
}

func (s *Workspace) wave(i int, transposed bool, data []float64, ring int) *Wave {
	s.waves[i] = Wave{transposed, data, ring, s.stride(), s.columns(), s.noted[i]}
	return &s.waves[i]
}

// Start solves slice x = 0 for the source b there and steps to the next slice; p is the node's particular solution or nil. The
// residual goes to rest, which may be b, unless that is nil.
func (s *Workspace) Start(v *Wave, b, p, rest []float64) {
	first, c := v.At(s.length-1), s.columns()
	copy(first, b)
	if p != nil {
		s.add(first, -1, p)
	}
	if v.Transposed {
		s.k.SolveLeftT(s.width, s.ld, s.a, s.pivotsA, c, c, first)
	} else {
		s.k.SolveLeft(s.width, s.ld, s.a, s.pivotsA, c, c, first)
	}
	s.forget(v)
	s.step(v, s.last, p)
	s.check(v, s.last, b, rest)
}

// forget clears what was noted of a wave.
func (s *Workspace) forget(v *Wave) {
	for _, n := range v.notes {
		clear(n.residual)
		clear(n.largest)
	}
}

// Advance continues a wave from node i to node i−1 and on to the slice after it; b and p belong to node i−1 (nil for zero), rest
// is as in Start.
func (s *Workspace) Advance(v *Wave, i int, b, p, rest []float64) {
	for x := s.nodes[i] - 1; x > s.nodes[i-1]; x-- {
		s.k.Recur(v.Transposed, s.width, s.h(x), s.group.energy, s.cs(x), v.columns, s.columns(), v.At(x), v.At(x+1), v.At(x-1))
	}
	s.step(v, i-1, p)
	s.check(v, i-1, b, rest)
}

// step writes the slice after node i: F ψ + p.
func (s *Workspace) step(v *Wave, i int, p []float64) {
	at, mode := s.nodes[i], kernel.Set
	out := v.At(at - 1)
	if p != nil {
		copy(out, p)
		mode = kernel.Add
	}
	s.k.Mul(mode, v.Transposed, s.width, s.ld, s.f[i], v.columns, s.columns(), v.At(at), out)
}

// check notes the largest value of a wave at node i, and the largest residual b − Dψ − ψ_{x−1} − ψ_{x+1} there, with B_Lψ in
// the place of ψ_{x−1} at the left end; the residual goes to out unless that is nil.
func (s *Workspace) check(v *Wave, i int, b, out []float64) {
	at, c := s.nodes[i], s.columns()
	var before []float64
	switch {
	case at == s.length-1:
		before = s.scratch
		s.k.Mul(kernel.Set, v.Transposed, s.width, s.ld, s.group.left, v.columns, c, v.At(at), before)
	default:
		before = v.At(at + 1)
	}
	if b != nil {
		s.k.Add(s.width*c, -1, before, b, s.scratch)
		before = s.scratch
	}
	from := 0
	for part, to := range [2]int{min(probes, v.columns), v.columns} {
		skip := kernel.Size(1, from, s.lanes)
		var into []float64
		if out != nil {
			into = out[skip:]
		}
		s.k.Check(v.Transposed, s.width, s.h(at), s.group.energy, s.cs(at), to-from, c, v.At(at)[skip:], before[skip:],
			v.At(at - 1)[skip:], into, v.notes[part].residual, v.notes[part].largest)
		from = to
	}
}

// Bounds on the error of an amplitude that a residual may cause, |χ|·|residual|: solve refines beyond refined; a conductance is
// used up to reflected, since the reflection it comes from is right to a twentieth of the bound. Derivatives of a single sweep
// are used up to an error of derivable. A residual of converged times the largest value is rounding, whatever it causes; one of
// about ulp times it is left in any case, between nodes too, where it is not seen.
const (
	refined   = 2e-13
	reflected = 5e-11
	derivable = 1e-11
	converged = 4e-15
	ulp       = 1e-15
)

// doubt bounds |χ|·|residual| for a wave. The other factor is not known when the first wave is judged; a resonance that makes
// one large makes the other large, so the wave stands for its adjoint.
func (s *Workspace) doubt(v *Wave) float64 {
	worst := 0.0
	for l, n := range s.group.open {
		if n > 0 {
			residual, largest := v.noted(l)
			worst = math.Max(worst, residual*largest)
		}
	}
	return worst
}

// noted returns the largest residual and the largest value of one lane.
func (v *Wave) noted(lane int) (residual, largest float64) {
	return math.Max(v.notes[0].residual[lane], v.notes[1].residual[lane]), math.Max(v.notes[0].largest[lane], v.notes[1].largest[lane])
}

// doubtOfDerivatives estimates the error of derivatives r*χψ from the residuals that are left of ψ and χ. An error δψ = A⁻¹·residual
// is spread by states of the size of ψ: |δψ| ≈ |ψ|²·|residual|, and likewise for χ, which may be small where they are large; that of
// r is the doubt of ψ. Beyond 100 sites errors add up like the steps of a random walk.
func (s *Workspace) doubtOfDerivatives(psi, chi, leftOfPsi, leftOfChi *Wave) float64 {
	return math.Max(s.doubtOfCostates(psi, chi, leftOfChi), s.doubtOfStates(psi, leftOfPsi))
}

// doubtOfStates is the part of doubtOfDerivatives that is known before the co-states are.
func (s *Workspace) doubtOfStates(psi, left *Wave) float64 {
	worst := 0.0
	for l, n := range s.group.open {
		if n > 0 {
			residual, _ := left.noted(l)
			_, size := psi.noted(l)
			worst = math.Max(worst, size*size*size*math.Max(residual, ulp*size)*s.walk())
		}
	}
	return worst
}

// doubtOfCostates is the part of doubtOfDerivatives that residuals of χ make.
func (s *Workspace) doubtOfCostates(psi, chi, left *Wave) float64 {
	worst := 0.0
	for l, n := range s.group.open {
		if n > 0 {
			residual, _ := left.noted(l)
			_, its := chi.noted(l)
			_, size := psi.noted(l)
			worst = math.Max(worst, size*size*size*math.Max(residual, ulp*its)*s.walk())
		}
	}
	return worst
}

// walk is what errors have grown beyond those of 100 slices.
func (s *Workspace) walk() float64 { return math.Sqrt(math.Max(1, float64(s.length)/100)) }

// settled tells whether what is left of a wave's residual is but rounding, as a direct solver would leave it.
func (s *Workspace) settled(v, left *Wave) bool {
	for l, n := range s.group.open {
		if n > 0 {
			residual, _ := left.noted(l)
			if _, size := v.noted(l); !(residual <= converged*size && size <= math.MaxFloat64) {
				return false
			}
		}
	}
	return true
}

// doubtOfProbes is doubt from the probes alone, each of which has the mean square of the modes' residuals: √n times a probe's
// is what they have together.
func (s *Workspace) doubtOfProbes(v *Wave) float64 {
	worst := 0.0
	for l, n := range s.group.open {
		worst = math.Max(worst, math.Sqrt(float64(n))*v.notes[0].residual[l]*v.notes[0].largest[l])
	}
	return worst
}

// solve solves Aψ = b (or Aᵀχ = b) keeping every slice, and refines the solution.
func (s *Workspace) solve(r Request) error {
	v, fromLeft, fromRight := r.Wave, r.FromLeft, r.FromRight
	if err := s.makeSources(); err != nil {
		return err
	}
	e := &s.sources[0]
	clear(e.b)
	if fromLeft != nil {
		copy(e.at(e.b, s.last), fromLeft)
	}
	if fromRight != nil {
		s.add(e.at(e.b, 0), 1, fromRight)
	}
	e.fromLeft = fromRight == nil
	if err := s.sweep(v, e, nil); err != nil {
		return err
	}
	e.fromLeft = false
	before := math.Inf(1)
	for try := range 3 {
		now := s.doubt(v)
		if (now <= refined || now > before/2 || s.settled(v, v)) && !(r.Strict && try == 0) {
			break
		}
		before = now
		correction := s.Ring(0, v.Transposed)
		if err := s.sweep(correction, e, v); err != nil {
			return err
		}
		s.residuals(v, e, fromLeft, fromRight)
	}
	return nil
}

// Request asks for one wave; either source may be nil. Strict asks for one refinement in any case: where amplitudes decay over
// many orders of magnitude, the largest residual says nothing about the small ones.
type Request struct {
	Wave                *Wave
	FromLeft, FromRight []float64
	Strict              bool
}

// SolveAll solves the requests, and all of them once more with a sweep slice by slice if one was not accurate enough.
// Factor must have been called; the waves must not be rings.
func (s *Workspace) SolveAll(requests ...Request) error {
	for {
		worst, settled := 0.0, true
		for _, r := range requests {
			if err := s.solve(r); err != nil {
				return err
			}
			worst = math.Max(worst, s.doubt(r.Wave))
			settled = settled && s.settled(r.Wave, r.Wave)
		}
		switch {
		case worst <= refined || settled || s.sliced && worst < math.Inf(1):
			return nil
		case s.sliced: // infinite, or not a number
			return fault.New(fault.Numerical, "the wire has a level exactly at the energy of one of the points: change energy, fields or onsite in the last digits")
		}
		if s.slices == nil {
			s.slices = plan.NewStrip(s.length, s.width)
		}
		s.nodes, s.sliced = s.slices.Nodes(s.wire.potential, s.wire.lo, s.wire.hi, 0), true
		if err := s.Factor(); err != nil {
			return err
		}
	}
}

// makeSources provides the two excitations of the nodes in use.
func (s *Workspace) makeSources() error {
	n, stride := len(s.nodes), s.stride()
	if need := (4*n + 2) * stride; s.extra == nil || len(s.extra.Data) < need {
		s.wire.Release(s.extra)
		s.extra = nil
		b, err := s.wire.Take(need)
		if err != nil {
			return err
		}
		s.extra = b
	}
	scratch, rest := s.extra.Data[:2*stride], s.extra.Data[2*stride:]
	for i := range s.sources {
		own := rest[2*i*n*stride:][:2*n*stride]
		s.sources[i] = excitation{b: own[:n*stride], p: own[n*stride:], stride: stride, scratch: scratch}
	}
	return nil
}

// excitation holds sources b and particular solutions p at every node.
type excitation struct {
	b, p     []float64
	stride   int
	scratch  []float64 // two slices
	fromLeft bool      // there is no source but at x = 0, and so no particular solution
}

func (e *excitation) at(a []float64, i int) []float64 { return a[i*e.stride:][:e.stride] }

// sweep solves for the sources of e: the particular solutions from right to left, then the wave from left to right. The residual
// takes the place of the sources. If sum is not nil, every slice of the wave is added to it.
func (s *Workspace) sweep(v *Wave, e *excitation, sum *Wave) error {
	p := func(int) []float64 { return nil }
	if !e.fromLeft {
		p = func(i int) []float64 { return e.at(e.p, i) }
		if err := s.particular(v.Transposed, e); err != nil {
			return err
		}
	}
	b := e.at(e.b, s.last)
	s.Start(v, b, p(s.last), b)
	s.addTo(sum, v, s.length-1, s.nodes[s.last]-1)
	for i := s.last; i > 0; i-- {
		if err := parallel.Cancelled(s.ctx); err != nil {
			return err
		}
		b := e.at(e.b, i-1)
		s.Advance(v, i, b, p(i-1), b)
		s.addTo(sum, v, s.nodes[i]-2, s.nodes[i-1]-1)
	}
	return nil
}

// particular computes the particular solutions of e.
func (s *Workspace) particular(transposed bool, e *excitation) error {
	clear(e.at(e.p, 0))
	for i := 1; i <= s.last; i++ {
		if err := parallel.Cancelled(s.ctx); err != nil {
			return err
		}
		s.carry(transposed, e, i)
	}
	return nil
}

// carry continues the particular solution of e from node i−1 to node i.
func (s *Workspace) carry(transposed bool, e *excitation, i int) {
	c := s.columns()
	// From ψ_R = 0, ψ_{R+1} = p: the solution that the sources alone make, z.
	now, before := e.scratch[:e.stride], e.scratch[e.stride:][:e.stride]
	copy(now, e.at(e.b, i-1))
	s.add(now, -1, e.at(e.p, i-1))
	clear(before)
	for x := s.nodes[i-1] + 1; x < s.nodes[i]; x++ {
		s.k.Recur(transposed, s.width, s.h(x), s.group.energy, s.cs(x), c, c, now, before, before)
		now, before = before, now
	}
	p := e.at(e.p, i)
	copy(p, before)
	s.k.Mul(kernel.Sub, transposed, s.width, s.ld, s.f[i], c, c, now, p)
}

// addTo adds the slices from … to of v to sum.
func (s *Workspace) addTo(sum, v *Wave, from, to int) {
	if sum == nil {
		return
	}
	for x := from; x >= to; x-- {
		s.add(sum.At(x), 1, v.At(x))
	}
}

// residuals writes b − Aψ to the nodes of e.b and notes its size. Between nodes it is zero up to rounding.
func (s *Workspace) residuals(v *Wave, e *excitation, fromLeft, fromRight []float64) {
	s.forget(v)
	s.step(v, 0, nil)
	for i := s.last; i >= 0; i-- {
		r := e.at(e.b, i)
		clear(r)
		if i == s.last && fromLeft != nil {
			s.add(r, 1, fromLeft)
		}
		if i == 0 && fromRight != nil {
			s.add(r, 1, fromRight)
		}
		s.check(v, i, r, r)
	}
}

// add adds factor·b to one slice a of a wave.
func (s *Workspace) add(a []float64, factor float64, b []float64) {
	s.k.Add(s.width*s.columns(), factor, a, b, a)
}
