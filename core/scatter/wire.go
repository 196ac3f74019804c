package scatter

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"slices"
	"sync/atomic"

	"mcd/core/fault"
	"mcd/core/kernel"
	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/memory"
	"mcd/core/parallel"
	"mcd/core/plan"
)

// Options of a wire; the zero value chooses well.
type Options struct {
	Threads     int    // goroutines, 0 for all processors of the process
	MemoryLimit int64  // bytes that the wire may take, 0 for no limit; fewer groups are then solved at the same time
	Kernel      string // "plain", "avx2", "avx512"; "" for the fastest that runs here
	// Context, if not nil, ends the preparation early, of which the leads take most.
	Context context.Context
}

// Wire is the CPU engine of a uniform strip: it computes values; package adjoint adds derivatives.
//
// The points of the sweep are dealt to lane groups, as many points as the kernel has lanes, points with the same number of
// open modes together. A group is the unit of work of a thread; its result does not depend on any other.
type Wire struct {
	Strip  lattice.Strip
	Kernel kernel.Kernel
	// Groups of points, fixed at construction.
	Groups []*Group

	leads     []*lead.Lead // of every point
	mixed     bool         // columns of the groups mix the modes
	threads   int
	bytes     atomic.Int64 // in buffers
	limit     int64
	lo, hi    float64 // smallest and largest energy in units of the hopping
	potential []float64
	planner   *plan.Strip
	nodes     []int
	constants *memory.Buffer
	spaces    []*Workspace
	results   *memory.Buffer
	closed    bool

	// The evaluation in progress; kept here, with the functions bound once, so that none allocates.
	pool      parallel.Pool
	ctx       context.Context
	task      func(s *Workspace, g *Group) error
	runGroup  func(worker, i int) error
	valueTask func(s *Workspace, g *Group) error
	g         []float64
}

// Group is one lane group: everything about its points that does not depend on the potential. Slices are counted from the
// right lead, s = Length−1−x, all quantities are in units of the hopping and in the gauge of package kernel.
type Group struct {
	Points []int // of the sweep, one per lane; the last one is repeated to fill the lanes
	Unique int   // lanes that are not repetitions
	Modes  int   // the largest number of open modes of its points
	open   []int // open modes of every lane

	energy []float64 // e (lanes)
	phases []float64 // exp(2iφs), s = 0 … Length−1
	right  []float64 // F of the right lead: ψ_L = F ψ_{L−1}
	left   []float64 // −Σ_L/t
	// Injection columns q = Q/√t of the left and right lead (W × Modes), Γ = QQ†, zero where a lane has fewer modes. On a wire
	// for sweeps, columns mix the N modes of a lane: column n is Σ_m exp(2πi mn/N) q_m/√N, which leaves QQ† as it is.
	FromLeft, FromRight []float64
	// Their complex conjugates: the sources of the adjoint problem.
	FromLeftConj, FromRightConj []float64
}

// NewWire prepares a batch of scattering problems: it computes the leads and takes the memory for every later evaluation.
func NewWire(strip lattice.Strip, o Options) (*Wire, error) { return newWire(strip, o, true) }

// NewIdleWire is NewWire without the memory, which the first evaluation takes.
func NewIdleWire(strip lattice.Strip, o Options) (*Wire, error) { return newIdleWire(strip, o, true) }

func newWire(strip lattice.Strip, o Options, mixed bool) (*Wire, error) {
	w, err := newIdleWire(strip, o, mixed)
	if err != nil {
		return nil, err
	}
	if err := w.Prepare(); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// Prepare takes the memory for evaluations, if that has not been done.
func (w *Wire) Prepare() error {
	switch {
	case w.closed:
		return fault.New(fault.Internal, "the wire has been closed")
	case w.results != nil:
		return nil
	}
	if err := w.allocate(); err != nil {
		w.Release(w.constants)
		return err
	}
	return w.ensureSpaces(1)
}

func newIdleWire(strip lattice.Strip, o Options, mixed bool) (*Wire, error) {
	if err := strip.Validate(); err != nil {
		return nil, err
	}
	k, err := chooseKernel(o.Kernel)
	if err != nil {
		return nil, err
	}
	if o.MemoryLimit < 0 {
		return nil, fault.Invalid("memory_limit", "%d bytes; give 0 for no limit", o.MemoryLimit)
	}
	strip.Fields, strip.Energies = slices.Clone(strip.Fields), slices.Clone(strip.Energies)
	w := &Wire{Strip: strip, Kernel: k, mixed: mixed, limit: o.MemoryLimit, planner: plan.NewStrip(strip.Length, strip.Width)}
	w.runGroup = func(worker, i int) error {
		s := w.spaces[worker]
		s.begin(w.ctx, i)
		return w.task(s, w.Groups[i])
	}
	w.valueTask = w.value
	t := strip.Hopping
	w.lo, w.hi = slices.Min(strip.Energies)/t, slices.Max(strip.Energies)/t
	if err := w.solveLeads(o.Context, o.Threads); err != nil {
		return nil, err
	}
	w.group()
	w.SetThreads(o.Threads)
	return w, nil
}

func chooseKernel(name string) (kernel.Kernel, error) {
	if name == "" {
		return kernel.Best(), nil
	}
	var names []string
	for _, k := range kernel.All() {
		if k.Name() == name {
			return k, nil
		}
		names = append(names, k.Name())
	}
	return nil, fault.Invalid("kernel", "%q does not run on this machine; choose one of %q or leave it empty", name, names)
}

func (w *Wire) solveLeads(ctx context.Context, threads int) (err error) {
	params := make([]lead.Params, w.Strip.Points())
	for i := range params {
		params[i] = w.params(w.Strip.Fields[i], w.Strip.Energies[i])
	}
	w.leads, err = lead.SolveAll(ctx, params, threads)
	return err
}

func (w *Wire) params(field, energy float64) lead.Params {
	return lead.Params{Width: w.Strip.Width, Hopping: w.Strip.Hopping, Onsite: w.Strip.LeadOnsite, Energy: energy, Field: field}
}

// group deals the points to lane groups, those with equal mode counts together, in the order of their fields.
func (w *Wire) group() {
	order := make([]int, w.Strip.Points())
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return w.leads[b].Modes - w.leads[a].Modes })
	v := w.Kernel.Lanes()
	for len(order) > 0 {
		n := min(v, len(order))
		g := &Group{Points: make([]int, v), Unique: n, open: make([]int, v)}
		for l := range v {
			g.Points[l] = order[min(l, n-1)]
			g.open[l] = w.leads[g.Points[l]].Modes
			g.Modes = max(g.Modes, g.open[l])
		}
		w.Groups = append(w.Groups, g)
		order = order[n:]
	}
}

// allocate takes the groups' constants in one block and fills them.
func (w *Wire) allocate() error {
	width, v := w.Strip.Width, w.Kernel.Lanes()
	ld := kernel.LeadingDimension(width)
	size := 0
	take := func(n int) int { at := size; size += pad(n); return at }
	type offsets struct{ energy, phases, right, left, columns int }
	at := make([]offsets, len(w.Groups))
	for i, g := range w.Groups {
		at[i] = offsets{take(v), take(w.Strip.Length * 2 * v), take(kernel.Size(width, ld, v)), take(kernel.Size(width, ld, v)),
			take(4 * pad(kernel.Size(width, g.Modes, v)))}
	}
	block, err := w.Take(size)
	if err != nil {
		return err
	}
	w.constants = block
	clear(block.Data)
	for i, g := range w.Groups {
		o := at[i]
		columns := kernel.Size(width, g.Modes, v)
		g.energy = block.Data[o.energy:][:v]
		g.phases = block.Data[o.phases:][:w.Strip.Length*2*v]
		g.right = block.Data[o.right:][:kernel.Size(width, ld, v)]
		g.left = block.Data[o.left:][:kernel.Size(width, ld, v)]
		for c, into := range []*[]float64{&g.FromLeft, &g.FromRight, &g.FromLeftConj, &g.FromRightConj} {
			*into = block.Data[o.columns+c*pad(columns):][:columns]
		}
		for l, p := range g.Points {
			w.fillLane(g, l, p, ld)
		}
	}
	w.results, err = w.Take(w.Strip.Sites())
	if err == nil {
		w.potential = w.results.Data
	}
	return err
}

// pad rounds a length up so that what follows is aligned.
func pad(n int) int { const unit = memory.Align / 8; return (n + unit - 1) / unit * unit }

// withinLimit checks n more values against the memory limit.
func (w *Wire) withinLimit(n int) error {
	if need := w.Bytes() + 8*int64(n); w.limit > 0 && need > w.limit {
		return fault.New(fault.Memory, "memory_limit: %d bytes are needed for %d × %d sites and %d points, the limit is %d; raise it or reduce the size", need, w.Strip.Length, w.Strip.Width, w.Strip.Points(), w.limit)
	}
	return nil
}

// Bytes returns the memory that the wire holds.
func (w *Wire) Bytes() int64 { return w.bytes.Load() }

// Take allocates n values within the memory limit, to be given back to Release. Workspaces call it from their own goroutines.
func (w *Wire) Take(n int) (*memory.Buffer, error) {
	if err := w.withinLimit(n); err != nil {
		return nil, err
	}
	b, err := memory.New(n)
	if err == nil {
		w.bytes.Add(8 * int64(n))
	}
	return b, err
}

// Release frees a buffer from Take; nil is left alone.
func (w *Wire) Release(b *memory.Buffer) {
	if b != nil {
		w.bytes.Add(-8 * int64(len(b.Data)))
		b.Free()
	}
}

// fillLane writes the constants of one point into a lane.
//
// package lead works in the gauge of the paper with ȳ = y − (W−1)/2; the gauge of package kernel has
// ψ'(x, y) = exp(iχ)ψ, χ = −2φȳ(L−1−x), so that right-lead quantities at x = L−1 stay as they are, the map to the slice
// beyond gains exp(2iφȳ), and left-lead quantities at x = 0 are turned by χ(0, y).
func (w *Wire) fillLane(g *Group, lane, point, ld int) {
	le := w.leads[point]
	s, v, t, phi := &w.Strip, w.Kernel.Lanes(), w.Strip.Hopping, w.Strip.Fields[point]
	width := s.Width
	g.energy[lane] = s.Energies[point] / t
	for i := range s.Length {
		sin, cos := math.Sincos(2 * phi * float64(i))
		g.phases[i*2*v+lane], g.phases[i*2*v+v+lane] = cos, sin
	}
	phase := func(angle float64) complex128 { sin, cos := math.Sincos(angle); return complex(cos, sin) }
	yc := func(y int) float64 { return float64(y) - float64(width-1)/2 }
	chi := func(y int) float64 { return -2 * phi * yc(y) * float64(s.Length-1) }
	put := func(a []float64, i, ld, j int, z complex128) {
		at := (i*ld + j) * 2 * v
		a[at+lane], a[at+v+lane] = real(z), imag(z)
	}
	for i := range width {
		for j := range width {
			f, mirrored := le.F[i*width+j], le.F[(width-1-i)*width+width-1-j]
			put(g.right, i, ld, j, phase(2*phi*yc(i))*f)
			put(g.left, i, ld, j, phase(-2*phi*yc(i)+chi(i)-chi(j))*mirrored)
		}
	}
	left, right := injections(le, w.mixed)
	for n := range le.Modes {
		for y := range width {
			l, r := phase(chi(y))*left[n][y]*complex(1/math.Sqrt(t), 0), right[n][y]*complex(1/math.Sqrt(t), 0)
			put(g.FromLeft, y, g.Modes, n, l)
			put(g.FromRight, y, g.Modes, n, r)
			put(g.FromLeftConj, y, g.Modes, n, cmplx.Conj(l))
			put(g.FromRightConj, y, g.Modes, n, cmplx.Conj(r))
		}
	}
}

// injections returns the source columns of all modes, see injection and Group.FromLeft.
func injections(le *lead.Lead, mixed bool) (left, right [][]complex128) {
	left, right = make([][]complex128, le.Modes), make([][]complex128, le.Modes)
	for n := range le.Modes {
		left[n], right[n] = injection(le, n)
	}
	if mixed {
		left, right = fourier(left), fourier(right)
	}
	return left, right
}

// fourier returns the discrete Fourier transform of N vectors, Σ_m exp(2πi mn/N) a_m/√N: every one holds equal parts of all.
func fourier(a [][]complex128) [][]complex128 {
	out := make([][]complex128, len(a))
	for n := range out {
		out[n] = make([]complex128, len(a[0]))
		for m, v := range a {
			sin, cos := math.Sincos(2 * math.Pi * float64(m*n%len(a)) / float64(len(a)))
			for y, z := range v {
				out[n][y] += complex(cos, sin) * z / complex(math.Sqrt(float64(len(a))), 0)
			}
		}
	}
	return out
}

// injection returns the source columns of mode n coming in from the left, Q = τ†(λ⁻¹ − F_L)u/√v, and from the right,
// Q = τ(λ⁻¹ − F)ũ/√v with the mirrored ũ (λ = exp(ik) of the right-mover; the left-mover has 1/λ), in the gauge of package
// lead. They follow from writing ψ = incoming + outgoing in the equation of the interface slice.
func injection(le *lead.Lead, n int) (left, right []complex128) {
	w := le.Width
	u := le.Vectors[n*w:][:w]
	sin, cos := math.Sincos(-le.Wavenumber[n])
	back := complex(cos, sin) // 1/λ
	norm := 1 / math.Sqrt(le.Velocity[n])
	left, right = make([]complex128, w), make([]complex128, w)
	for y := range w {
		// With F_L = JFJ, (F_L u)(y) = (F ũ)(W−1−y): one product serves both.
		var fu complex128
		for j := range w {
			fu += le.F[y*w+j] * complex(u[w-1-j], 0)
		}
		d := back*complex(u[w-1-y], 0) - fu // ((1/λ − F)ũ)(y), which is ((1/λ − F_L)u)(W−1−y)
		ybar := float64(y) - float64(w-1)/2
		sin, cos := math.Sincos(2 * le.Field * ybar)
		// τ(y) = −t·exp(2iφȳ); τ†(W−1−y) = −t·exp(−2iφ·(−ȳ)) is the same number.
		q := complex(-le.Hopping*norm, 0) * complex(cos, sin) * d
		right[y] = q
		left[w-1-y] = q
	}
	return left, right
}

// CheckLength returns an Argument error unless an array has the length asked for.
func CheckLength(argument string, got, want int) error {
	if got != want {
		return fault.Invalid(argument, "%d values; give %d", got, want)
	}
	return nil
}

// Inputs returns the number of sites.
func (w *Wire) Inputs() int { return w.Strip.Sites() }

// Outputs returns the number of points.
func (w *Wire) Outputs() int { return w.Strip.Points() }

// Ceiling returns the number of open modes of every point.
func (w *Wire) Ceiling() []int {
	n := make([]int, len(w.leads))
	for i, l := range w.leads {
		n[i] = l.Modes
	}
	return n
}

// Lead returns the lead of a point of the sweep, to be read only.
func (w *Wire) Lead(point int) *lead.Lead { return w.leads[point] }

// Name tells the engine and its kernels.
func (w *Wire) Name() string { return "cpu strip, " + w.Kernel.Name() }

// Threads returns the number of goroutines in use.
func (w *Wire) Threads() int { return w.threads }

// SetThreads sets the number of goroutines, 0 for all processors; results do not depend on it.
func (w *Wire) SetThreads(n int) { w.threads = min(parallel.Threads(n), len(w.Groups)) }

// Close frees the wire's memory; it cannot be used afterwards.
func (w *Wire) Close() {
	w.pool.Close()
	for _, s := range w.spaces {
		s.free()
	}
	w.spaces, w.closed = nil, true
	w.Release(w.constants)
	w.Release(w.results)
}

// ensureSpaces makes up to n workspaces, and at least one: as many as can hold all that refinement may ask for within the
// memory limit, beside a gradient of every group.
func (w *Wire) ensureSpaces(n int) error {
	if w.limit > 0 {
		fixed := len(w.constants.Data) + len(w.results.Data) + w.Strip.Sites()*len(w.Groups)
		n = min(n, max(1, (int(w.limit/8)-fixed)/mostValues(w)))
	}
	for len(w.spaces) < n {
		s, err := newWorkspace(w)
		if err != nil {
			return err
		}
		w.spaces = append(w.spaces, s)
	}
	return nil
}

// Run plans the sweep for a potential and calls task once for every group, each time with a workspace that no other
// goroutine uses; task may keep nothing of it.
func (w *Wire) Run(ctx context.Context, onsite []float64, task func(s *Workspace, g *Group) error) error {
	if err := w.Strip.ValidateOnsite(onsite); err != nil {
		return err
	}
	if err := w.Prepare(); err != nil {
		return err
	}
	width, length, t := w.Strip.Width, w.Strip.Length, w.Strip.Hopping
	for s := range length {
		for y, h := range onsite[(length-1-s)*width:][:width] {
			w.potential[s*width+y] = h / t
		}
	}
	w.nodes = w.planner.Nodes(w.potential, w.lo, w.hi, plan.CheapBudget(w.potential, width))
	if err := w.ensureSpaces(w.threads); err != nil {
		return err
	}
	w.ctx, w.task = ctx, task
	return w.pool.For(ctx, len(w.Groups), min(w.threads, len(w.spaces)), w.runGroup)
}

// String describes the wire in one line.
func (w *Wire) String() string {
	return fmt.Sprintf("%d × %d sites, %d points, %s, %d threads", w.Strip.Length, w.Strip.Width, w.Strip.Points(), w.Name(), w.threads)
}
