package lead

import (
	"context"
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"mcd/core/fault"
	"mcd/tests/npz"
)

// checkCell solves a cell, and its reverse together with it, and tests every property that defines the results.
func checkCell(t *testing.T, name string, cell *Cell, tolerance float64) *Modes {
	s, err := SolveCell(cell)
	require.NoError(t, err, name)
	checkModes(t, name, cell, s, tolerance)
	if back := newReversed(cell); back != nil {
		both, err := SolveCells(context.Background(), []*Cell{cell, back.Cell}, 1)
		require.NoError(t, err, name)
		checkModes(t, name+", one of a pair", cell, both[0], tolerance)
		checkModes(t, name+", reversed", back.Cell, both[1], tolerance)
		assert.Equal(t, s.Open, both[1].Open, name)
	}
	return s
}

func checkModes(t *testing.T, name string, cell *Cell, s *Modes, tolerance float64) {
	c, m, n := cell.Orbitals, cell.Interface, s.Open
	small := func(z complex128, what string) { // and finite
		if !(cmplx.Abs(z) <= tolerance) {
			assert.LessOrEqual(t, cmplx.Abs(z), tolerance, "%s of %s", what, name)
		}
	}
	// Σ = v†(E − h − Σ)⁻¹v and Γ = QQ†.
	a := make([]complex128, c*c)
	for i := range c {
		for j := range c {
			a[i*c+j] = -cell.Hamiltonian[i*c+j]
			if i < m && j < m {
				a[i*c+j] -= s.SelfEnergy[i*m+j]
			}
		}
		a[i*c+i] += complex(cell.Energy, 0)
	}
	gv := append([]complex128(nil), cell.Hopping...)
	solveRegular(nil, a, gv, c, m, 1e-15) // a state without coupling may sit at the energy
	back := multiply(nil, adjoint(cell.Hopping, c, m), gv, m, c, m)
	amplified := complex(1+math.Pow(largest(gv), 2), 0) // what an error of Σ may become in v†(E − h − Σ)⁻¹v
	broadening := multiply(nil, s.Injection, adjoint(s.Injection, m, n), m, n, m)
	for i := range m {
		for j := range m {
			small((back[i*m+j]-s.SelfEnergy[i*m+j])/amplified, "fixed point")
			small(1i*(s.SelfEnergy[i*m+j]-cmplx.Conj(s.SelfEnergy[j*m+i]))-broadening[i*m+j], "broadening")
		}
	}
	// Vλ⁻¹ψ + (h − E)ψ + V†λψ = 0, flux 2 Im(λ⁻¹ψ†Vψ) = ∓1 with arriving modes first, dE/dk = flux/ψ†ψ.
	require.Len(t, s.Momenta, 2*n)
	psi := make([][]complex128, 2*n)
	for j := range 2 * n {
		psi[j] = make([]complex128, c)
		for i := range c {
			psi[j][i] = s.Waves[i*2*n+j]
		}
		lambda := cmplx.Exp(complex(0, s.Momenta[j]))
		forward := multiply(nil, cell.Hopping, psi[j][:m], c, m, 1)
		backward := multiply(nil, adjoint(cell.Hopping, c, m), psi[j], m, c, 1)
		own := multiply(nil, cell.Hamiltonian, psi[j], c, c, 1)
		for i := range c {
			r := forward[i]/lambda + own[i] - complex(cell.Energy, 0)*psi[j][i]
			if i < m {
				r += lambda * backward[i]
			}
			small(r/complex(math.Sqrt(norm2(psi[j])), 0), "wave")
		}
		unit := 1.0
		if j < n {
			unit = -1
		}
		current := 2 * imag(dot(psi[j], forward)/lambda)
		small(complex(current-unit, 0), "flux")
		small(complex(s.Velocities[j]*norm2(psi[j])-unit, 0), "velocity")
		if j > 0 && j != n && math.Abs(s.Momenta[j]-s.Momenta[j-1]) > 1e-8 {
			assert.Equal(t, j < n, s.Momenta[j] > s.Momenta[j-1], "order of %s", name)
		}
	}
	// Any device at the end of the lead reflects everything: S is unitary.
	random := rand.New(rand.NewPCG(5, 6))
	h := randomMatrix(random, m, m)
	hh := adjoint(h, m, m)
	for i := range h {
		h[i] = -(h[i]+hh[i])/2 - s.SelfEnergy[i]
	}
	for i := range m {
		h[i*m+i] += complex(cell.Energy, 0)
	}
	wave := append([]complex128(nil), s.Injection...)
	require.True(t, solveInPlace(nil, h, wave, m, n))
	reflection := multiply(nil, s.Extraction, wave, n, m, n)
	axpy(1, s.Direct, reflection)
	unit := multiply(nil, adjoint(reflection, n, n), reflection, n, n, n)
	for i := range n {
		unit[i*n+i]--
		for j := range n {
			small(unit[i*n+j], "unitarity")
		}
	}
}

func cellsOf(f npz.File, lead int) []*Cell {
	h, v, e := f[fmt.Sprintf("lead%d_h", lead)], f[fmt.Sprintf("lead%d_v", lead)], f["energies"].Float
	c, m := v.Shape[1], v.Shape[2]
	cells := make([]*Cell, len(e))
	for k := range e {
		cells[k] = &Cell{c, m, h.Complex[k*c*c : (k+1)*c*c], v.Complex[k*c*m : (k+1)*c*m], e[k]}
	}
	return cells
}

func TestLeadsOfReferenceDevices(t *testing.T) {
	files, err := filepath.Glob("../../tests/reference/device_*.npz")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		f, err := npz.Open(file)
		require.NoError(t, err)
		leads := f["leads"].Int[0]
		for lead := range leads {
			for k, cell := range cellsOf(f, lead) {
				name := fmt.Sprintf("%s lead %d point %d", filepath.Base(file), lead, k)
				s := checkCell(t, name, cell, 5e-13)
				assert.Equal(t, f["open_modes"].Int[k*leads+lead], s.Open, name)
			}
		}
	}
}

// stripCell is the right lead of a strip as a cell.
func stripCell(l *Lead) *Cell {
	w := l.Width
	cell := &Cell{w, w, make([]complex128, w*w), make([]complex128, w*w), l.Energy}
	for y, tau := range hoppingMatrix(l) {
		cell.Hopping[y*w+y] = cmplx.Conj(tau)
		cell.Hamiltonian[y*w+y] = complex(l.Onsite, 0)
		if y > 0 {
			cell.Hamiltonian[y*w+y-1], cell.Hamiltonian[(y-1)*w+y] = complex(-l.Hopping, 0), complex(-l.Hopping, 0)
		}
	}
	return cell
}

func TestStripsBothWays(t *testing.T) {
	// The two solvers share nothing but the elimination: the strip's Σ = τF must come out of its cells too.
	for _, s := range references(t) {
		for i := range s.Fields {
			if i%10 != 0 && (s.Name != "edges" || i%5 != 0) {
				continue
			}
			l := solved(t, s.params(i))
			m := checkCell(t, s.Name, stripCell(l), 1e-12)
			require.Equal(t, l.Modes, m.Open, "%s, field %g", s.Name, s.Fields[i])
			for y, tau := range hoppingMatrix(l) {
				for x := range l.Width {
					assert.LessOrEqual(t, cmplx.Abs(m.SelfEnergy[y*l.Width+x]-tau*l.F[y*l.Width+x]), 2e-13*l.Hopping, "%s %g", s.Name, s.Fields[i])
				}
			}
		}
	}
}

// hermitian returns a random Hermitian matrix.
func hermitian(random *rand.Rand, n int) []complex128 {
	h := randomMatrix(random, n, n)
	ha := adjoint(h, n, n)
	for i := range h {
		h[i] = (h[i] + ha[i]) / 2
	}
	return h
}

// turned returns the cell in another basis of its orbitals, the interface apart.
func turned(random *rand.Rand, cell *Cell) *Cell {
	c, m := cell.Orbitals, cell.Interface
	u := make([]complex128, c*c)
	block := func(from, n int) {
		v := hermitianVectors(nil, hermitian(random, n), n)
		for i := range n {
			copy(u[(from+i)*c+from:], v[i*n:(i+1)*n])
		}
	}
	block(0, m)
	block(m, c-m)
	ua := adjoint(u, c, c)
	top := make([]complex128, m*m)
	for i := range m {
		copy(top[i*m:(i+1)*m], ua[i*c:])
	}
	h := multiply(nil, u, multiply(nil, cell.Hamiltonian, ua, c, c, c), c, c, c)
	return &Cell{c, m, h, multiply(nil, u, multiply(nil, cell.Hopping, top, c, m, m), c, c, m), cell.Energy}
}

// twice is two uncoupled copies of a cell, as spin makes them.
func twice(cell *Cell) *Cell {
	c, m := cell.Orbitals, cell.Interface
	d := &Cell{2 * c, 2 * m, make([]complex128, 4*c*c), make([]complex128, 4*c*m), cell.Energy}
	place := func(i, s int) int { // both interfaces first
		if i < m {
			return s*m + i
		}
		return 2*m + s*(c-m) + i - m
	}
	for s := range 2 {
		for i := range c {
			for j := range c {
				d.Hamiltonian[place(i, s)*2*c+place(j, s)] = cell.Hamiltonian[i*c+j]
			}
			for j := range m {
				d.Hopping[place(i, s)*2*m+s*m+j] = cell.Hopping[i*m+j]
			}
		}
	}
	return d
}

func TestCellsOfEveryKind(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for trial := range 20 {
		for _, shape := range [][3]int{{1, 1, 1}, {4, 4, 4}, {6, 3, 3}, {6, 6, 2}, {5, 3, 1}, {9, 4, 3}} {
			c, m, rank := shape[0], shape[1], shape[2]
			cell := &Cell{c, m, hermitian(random, c), multiply(nil, randomMatrix(random, c, rank), randomMatrix(random, rank, m), c, rank, m), random.NormFloat64()}
			checkCell(t, fmt.Sprint("random ", shape, trial), cell, 1e-10)
		}
	}
	cases := map[string]struct {
		cell *Cell
		open int
	}{
		"no hopping":          {&Cell{3, 2, hermitian(random, 3), make([]complex128, 6), 0.3}, 0},
		"nilpotent hopping":   {&Cell{2, 2, []complex128{0, 0, 0, 1}, []complex128{0, 1, 0, 0}, 0.3}, 0},
		"degenerate":          {turned(random, twice(stripCell(solved(t, Params{5, 1, 4, 2.2, 0.06})))), 6},
		"opposite velocities": {turned(random, &Cell{2, 2, make([]complex128, 4), []complex128{1, 0, 0, -1}, 0}), 2},
		"both":                {turned(random, twice(&Cell{2, 2, make([]complex128, 4), []complex128{1, 0, 0, -1}, 0})), 4},
		"weak channel":        {turned(random, &Cell{2, 2, []complex128{0.5, 0, 0, 0.4}, []complex128{1, 0, 0, 1e-9}, 0.3}), 1},
		"uncoupled orbital":   {&Cell{2, 1, []complex128{0, 0, 0, 0.3}, []complex128{1, 0}, 0.3}, 1},
		"chain of four":       {&Cell{4, 1, []complex128{0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0}, []complex128{0, 0, 0, 1}, 0.3}, 1},
		"long barrier":        {&Cell{3, 1, []complex128{0, 1, 0, 1, 1e8, 1, 0, 1, 0}, []complex128{0, 0, 1}, 0.3}, 0},
		"far outside":         {&Cell{1, 1, []complex128{0}, []complex128{1}, 1e7}, 0},
		"slow":                {&Cell{1, 1, []complex128{0}, []complex128{1}, 2 - 1e-9}, 1},
		"slow, twice":         {turned(random, twice(&Cell{1, 1, []complex128{0}, []complex128{1}, 2 - 1e-6})), 2},
		"slow, closed":        {&Cell{1, 1, []complex128{0}, []complex128{1}, 2 + 1e-9}, 0},
	}
	for name, c := range cases {
		tolerance := 1e-12
		if strings.HasPrefix(name, "slow") {
			tolerance = 1e-10
		}
		assert.Equal(t, c.open, checkCell(t, name, c.cell, tolerance).Open, name)
	}
}

func TestSparseCells(t *testing.T) {
	// Small graphs with equal hoppings are full of degeneracies, uncoupled states and singular hoppings.
	random := rand.New(rand.NewPCG(13, 14))
	for trial := range 300 {
		c := 1 + random.IntN(8)
		m := 1 + random.IntN(c)
		cell := &Cell{c, m, make([]complex128, c*c), make([]complex128, c*m), []float64{0.3, 0.731, -1.1}[random.IntN(3)]}
		for i := range c {
			for j := range i {
				if random.Float64() < 0.4 {
					cell.Hamiltonian[i*c+j], cell.Hamiltonian[j*c+i] = 1, 1
				}
			}
		}
		for i := range cell.Hopping {
			if random.Float64() < 0.3 {
				cell.Hopping[i] = 1
			}
		}
		checkCell(t, fmt.Sprint("sparse ", trial), cell, 1e-9)
	}
}

func TestEndStateAtTheEnergy(t *testing.T) {
	// A chain of weak and strong bonds that ends in a weak one keeps a state at its end in the middle of the gap.
	cell := &Cell{2, 1, []complex128{0, 0.5, 0.5, 0}, []complex128{0, 1}, 0}
	cell.Hopping[1] = 1
	_, err := SolveCell(cell)
	assert.Equal(t, fault.Numerical, fault.KindOf(err))
	assert.ErrorContains(t, err, "pole")
	cell.Energy = 1e-3
	checkCell(t, "beside the end state", cell, 1e-9)
}

func TestCellOnABandEdge(t *testing.T) {
	// Σ is continuous where a mode stops, and the mode without velocity is none.
	cell := &Cell{1, 1, []complex128{0}, []complex128{1}, 2}
	s, err := SolveCell(cell)
	require.NoError(t, err)
	assert.Zero(t, s.Open)
	assert.InDelta(t, 0, cmplx.Abs(s.SelfEnergy[0]-1), 1e-7)
}

func TestPerfectWire(t *testing.T) {
	// One cell between its two leads passes every mode without reflection.
	plain, magnetic := stripCell(solved(t, Params{9, 1, 4, 2.5, 0})), stripCell(solved(t, Params{9, 1, 4, 2.5, 0.07}))
	for _, right := range []*Cell{plain, magnetic, twice(magnetic)} {
		n := right.Orbitals
		left := &Cell{n, n, right.Hamiltonian, adjoint(right.Hopping, n, n), right.Energy}
		l, r := checkCell(t, "left", left, 1e-12), checkCell(t, "right", right, 1e-12)
		a := make([]complex128, n*n)
		for i := range a {
			a[i] = -right.Hamiltonian[i] - l.SelfEnergy[i] - r.SelfEnergy[i]
		}
		for i := range n {
			a[i*n+i] += complex(right.Energy, 0)
		}
		psi := append([]complex128(nil), l.Injection...)
		require.True(t, solveInPlace(nil, a, psi, n, l.Open))
		reflected := multiply(nil, l.Extraction, psi, l.Open, n, l.Open)
		axpy(1, l.Direct, reflected)
		assert.LessOrEqual(t, largest(reflected), 1e-12)
		passed := multiply(nil, r.Extraction, psi, r.Open, n, l.Open)
		for i, amplitude := range passed { // mode j arrives with momentum −k and leaves with k: the orders agree
			want := 0.0
			if i/l.Open == i%l.Open {
				want = 1
			}
			assert.InDelta(t, want, cmplx.Abs(amplitude), 1e-12)
		}
	}
}

func TestSensitivityIsTheDerivative(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 13))
	for _, shape := range [][3]int{{1, 1, 1}, {4, 4, 4}, {6, 3, 3}, {6, 6, 2}} {
		c, m, rank := shape[0], shape[1], shape[2]
		cell := &Cell{c, m, hermitian(random, c), multiply(nil, randomMatrix(random, c, rank), randomMatrix(random, rank, m), c, rank, m), 0.2}
		dh, dv, dE := hermitian(random, c), randomMatrix(random, c, m), 0.7
		s := checkCell(t, fmt.Sprint(shape), cell, 1e-11)
		sensitivity, err := NewSensitivity(context.Background(), cell, s.SelfEnergy)
		require.NoError(t, err)
		exact, err := sensitivity.Along(context.Background(), dh, dv, dE)
		require.NoError(t, err)
		at := func(x float64) []complex128 {
			moved := &Cell{c, m, append([]complex128(nil), cell.Hamiltonian...), append([]complex128(nil), cell.Hopping...), cell.Energy + x*dE}
			axpy(complex(x, 0), dh, moved.Hamiltonian)
			axpy(complex(x, 0), dv, moved.Hopping)
			s, err := SolveCell(moved)
			require.NoError(t, err)
			return s.SelfEnergy
		}
		const x = 1e-4
		p, q, pp, qq := at(x), at(-x), at(2*x), at(-2*x)
		for i := range exact { // the error is O(x⁴)
			d := (8*(p[i]-q[i]) - (pp[i] - qq[i])) / (12 * x)
			assert.LessOrEqual(t, cmplx.Abs(d-exact[i]), 1e-8*(1+largest(exact)), "%v", shape)
		}
		for _, part := range []struct {
			dh, dv []complex128
			dE     float64
		}{{dh, nil, 0}, {nil, dv, 0}, {nil, nil, dE}} {
			d, err := sensitivity.Along(context.Background(), part.dh, part.dv, part.dE)
			require.NoError(t, err)
			axpy(-1, d, exact)
		}
		assert.LessOrEqual(t, largest(exact), 1e-10, "the parts add up")
	}
}

func TestSensitivityWhereBandsCross(t *testing.T) {
	// Two chains whose modes run against each other at the same momentum: uncoupled, each has dΣ/dE = 1/2 at its middle;
	// a coupling opens a gap and has no derivative.
	cell := &Cell{2, 2, make([]complex128, 4), []complex128{1, 0, 0, -1}, 0}
	s := checkCell(t, "crossing", cell, 1e-13)
	sensitivity, err := NewSensitivity(context.Background(), cell, s.SelfEnergy)
	require.NoError(t, err)
	d, err := sensitivity.Along(context.Background(), nil, nil, 1)
	require.NoError(t, err)
	for i, want := range []complex128{0.5, 0, 0, 0.5} {
		assert.InDelta(t, 0, cmplx.Abs(d[i]-want), 1e-13)
	}
	_, err = sensitivity.Along(context.Background(), []complex128{0, 1, 1, 0}, nil, 0)
	assert.Equal(t, fault.Numerical, fault.KindOf(err))
}

func TestWrongCellsAreNamed(t *testing.T) {
	nan := cmplx.NaN()
	for want, cell := range map[string]*Cell{
		"cell":      {2, 1, []complex128{0, 1, 2, 0}, []complex128{1, 0}, 0},
		"interface": {2, 3, make([]complex128, 4), make([]complex128, 6), 0},
		"hopping":   {1, 1, []complex128{0}, []complex128{nan}, 0},
		"energy":    {1, 1, []complex128{0}, []complex128{1}, math.Inf(1)},
	} {
		_, err := SolveCell(cell)
		var e *fault.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want, e.Argument)
	}
	_, err := SolveCell(&Cell{0, 0, nil, nil, 0})
	assert.Equal(t, fault.Argument, fault.KindOf(err))
}

func TestSolveCellsRepeatsSolveCell(t *testing.T) {
	var cells []*Cell
	for i := range 6 {
		cells = append(cells, stripCell(solved(t, Params{6, 1, 4, 1.9, 0.01 * float64(i)})))
	}
	for _, threads := range []int{1, 3} {
		all, err := SolveCells(context.Background(), cells, threads)
		require.NoError(t, err)
		for i, cell := range cells {
			alone, err := SolveCell(cell)
			require.NoError(t, err)
			assert.Equal(t, alone, all[i])
		}
	}
}

func TestReversedLeads(t *testing.T) {
	// The cells at both ends of a wire are found to be each other's reverse, and their modes those that each has alone.
	random := rand.New(rand.NewPCG(31, 32))
	for trial := range 40 {
		cell := randomChain(random, 2+random.IntN(30), trial%2 == 0)
		if trial%4 > 1 {
			cell = turned(random, cell)
		}
		back := newReversed(cell)
		again := newReversed(back.Cell)
		assert.True(t, newReversed(again.Cell).equal(back.Cell))
		partner, taken := pairs(context.Background(), []*Cell{back.Cell, {}, again.Cell, back.Cell})
		assert.Equal(t, []int{2, -1, -1, -1}, partner)
		assert.Equal(t, []bool{false, false, true, false}, taken)
		both, err := SolveCells(context.Background(), []*Cell{back.Cell, again.Cell}, 0)
		require.NoError(t, err)
		for i, c := range []*Cell{back.Cell, again.Cell} {
			alone, err := SolveCell(c)
			require.NoError(t, err)
			assert.InDeltaSlice(t, alone.Momenta, both[i].Momenta, 1e-10)
			assert.InDeltaSlice(t, alone.Velocities, both[i].Velocities, 1e-9)
			for k, z := range alone.SelfEnergy {
				assert.LessOrEqual(t, cmplx.Abs(z-both[i].SelfEnergy[k]), 1e-10*(1+largest(alone.SelfEnergy)))
			}
		}
	}
}

func BenchmarkSolveCell(b *testing.B) {
	var cells []*Cell
	for i := range 20 {
		l, err := Solve(wire(0.12 * float64(i) / 20))
		if err != nil {
			b.Fatal(err)
		}
		cells = append(cells, stripCell(l))
	}
	for i := 0; b.Loop(); i++ {
		if _, err := SolveCell(cells[i%len(cells)]); err != nil {
			b.Fatal(err)
		}
	}
}
