package scatter

import "mcd/core/parallel"

// Batch is a range of the incoming modes of a lead.
type Batch struct{ Lead, First, Count int }

// Hermitian tells whether Pair may be used: away from the leads A† = A.
func (d *Device) Hermitian() bool { return !d.Lattice.NonHermitian }

// Begin solves for ψ of a batch on the fronts on the ways from the leads to the root alone, which is enough for Amplitudes, and
// returns it (positions × n). Pair completes it.
func (s *DeviceWorkspace) Begin(b Batch) ([]float64, error) {
	x, err := s.wave(Psi, b.Count)
	if err != nil {
		return nil, err
	}
	s.batch = b
	return x, s.onPaths(Psi, b.Count, x, pass{}, []Source{s.source(b)})
}

// Pair completes ψ of the batch that Begin began, solves for χ, and adds Σ_c χ_c(row)·ψ_c(column) at every place to sums; trial
// is scratch of the same size. The answer is false if ψ had to be refined: it is complete, but sources that depend on it do not
// belong to it any more, sums are as they were, and Reduce has to follow.
//
// On a front away from the leads the equations are A₁₁ψ₁ = −A₁₂ψ₂ and A₁₁ᵀχ₁ = −A₂₁ᵀχ₂ with a Hermitian A, so that χ* obeys
// those of ψ: both go down through the same panel while it is in the cache, and the lower panels are not read.
func (s *DeviceWorkspace) Pair(places *Places, sums, trial []float64, sources ...Source) (bool, error) {
	n, fronts := s.batch.Count, s.device.Plan.Fronts
	x := s.waves[Psi].Data[:len(s.device.Plan.Order)*n*2*s.lanes]
	y, err := s.wave(Chi, n)
	if err != nil {
		return false, err
	}
	clear(trial)
	reduce := pass{reduce: places, partner: x, sums: trial}
	if err := s.onPaths(Chi, n, y, reduce, sources); err != nil {
		return false, err
	}
	s.conjugate(n, y, true)
	none := make([]bool, len(fronts)) // right-hand sides
	down := pass{up: none, weights: s.weights[Psi], sum: s.checked[Psi]}
	coDown := pass{up: none, weights: s.weights[Chi], sum: s.checked[Chi]}
	for i := len(fronts) - 1; i >= 0; i-- {
		if i%cancelEvery == 0 {
			if err := parallel.Cancelled(s.ctx); err != nil {
				return false, err
			}
		}
		if s.device.paths[i] {
			continue
		}
		s.backward(false, i, n, x, &down)
		s.backward(false, i, n, y, &coDown)
		if first, last := places.first[i], places.first[i+1]; first < last {
			s.k.DotC(places.rows[first:last], places.cols[first:last], n, y, x, trial[first*2*s.lanes:])
		}
	}
	s.conjugate(1, s.checked[Chi], false)
	injection := s.source(s.batch)
	if excess := s.excess(Psi, n, []Source{injection}); excess > 1 {
		return false, s.refine(Psi, n, x, pass{}, []Source{injection}, excess)
	}
	if excess := s.excess(Chi, n, sources); excess > 1 {
		s.conjugate(n, y, true)
		s.conjugate(n, y, false)
		if err := s.refine(Chi, n, y, reduce, sources, excess); err != nil {
			return false, err
		}
	}
	for i, x := range trial {
		sums[i] += x
	}
	return true, nil
}

// source returns the injection of a batch; it lies in scratch that Amplitudes uses too.
func (s *DeviceWorkspace) source(b Batch) Source {
	le := &s.device.leads[b.Lead]
	return Source{b.Lead, s.columnsOf(s.leads[b.Lead].in, len(le.positions), s.group.Modes[b.Lead], b.First, b.Count, s.rows)}
}

// onPaths solves for a wave on the fronts on the ways from the leads to the root.
func (s *DeviceWorkspace) onPaths(wave, n int, x []float64, p pass, sources []Source) error {
	fronts, row := s.device.Plan.Fronts, n*2*s.lanes
	up := make([]bool, len(fronts))
	for _, source := range sources {
		s.device.Plan.Paths(s.device.leads[source.Lead].positions, up)
	}
	for i, on := range s.device.paths {
		if f := &fronts[i]; on {
			clear(x[f.First*row:][:f.Pivots*row])
		}
	}
	for _, source := range sources {
		s.k.Scatter(s.device.leads[source.Lead].positions, n, source.Data, x)
	}
	s.weigh(wave, n, sources)
	p.weights, p.sum = s.weights[wave], s.checked[wave]
	for i := range fronts {
		if up[i] {
			s.forward(wave == Chi, i, n, x)
		}
	}
	for i := len(fronts) - 1; i >= 0; i-- {
		if s.device.paths[i] {
			s.backward(wave == Chi, i, n, x, &p)
		}
	}
	return parallel.Cancelled(s.ctx)
}

// conjugate replaces the rows of x (positions × n) that lie on the paths of leads, or all others, by their complex conjugates.
func (s *DeviceWorkspace) conjugate(n int, x []float64, onPaths bool) {
	v, row := s.lanes, n*2*s.lanes
	for i, on := range s.device.paths {
		if on != onPaths {
			continue
		}
		f := &s.device.Plan.Fronts[i]
		rows := x[f.First*row:][:f.Pivots*row]
		for k := v; k < len(rows); k += 2 * v {
			for l, value := range rows[k : k+v] {
				rows[k+l] = -value
			}
		}
	}
}
