package scatter

import "context"

// Small is the conductance below which results are to keep their relative accuracy.
const Small = 1e-3

// Value computes the conductance of every point in units of e²/h, g (points), for the on-site energies onsite
// (Length × Width, [x][y]; absolute, so that LeadOnsite is a clean site).
func (w *Wire) Value(ctx context.Context, onsite, g []float64) error {
	if err := CheckLength("conductance", len(g), w.Outputs()); err != nil {
		return err
	}
	return w.Run(ctx, onsite, func(s *Workspace, _ *Group) error {
		if s.Closed(g) {
			return nil
		}
		if err := s.Factor(); err != nil {
			return err
		}
		psi := s.Ring(0, Direct)
		s.Start(&psi, s.group.FromLeft, nil)
		for i := s.Last(); i > 0; i-- {
			s.Advance(&psi, i, nil, nil)
		}
		smallest := s.Conductance(&psi, g)
		if s.Accurate(&psi) && smallest >= Small {
			return nil
		}
		psi, err := s.Full(0, Direct)
		if err != nil {
			return err
		}
		if err := s.SolveAll(Request{Wave: &psi, FromLeft: s.group.FromLeft, Strict: smallest < Small}); err != nil {
			return err
		}
		s.Conductance(&psi, g)
		return nil
	})
}

// Closed tells whether no point of the group has an open mode, and then writes its conductance, zero.
func (s *Workspace) Closed(g []float64) bool {
	if s.group.Modes > 0 {
		return false
	}
	for _, p := range s.group.Points {
		g[p] = 0
	}
	return true
}

// Index returns the position of the group in Wire.Groups.
func (s *Workspace) Index() int { return s.index }

// ZeroRow returns Width zeros for every lane, overwritten by Reduce.
func (s *Workspace) ZeroRow() []float64 {
	clear(s.row)
	return s.row
}

// Reduce returns Re Σ_mn coef[m][n] χ_m ψ_n of one slice, [y][lane], overwritten by the next call.
func (s *Workspace) Reduce(coef []float64, chi, psi *Wave, slice int) []float64 {
	c := s.columns()
	s.k.Reduce(s.width, c, c, coef, chi.At(slice), psi.At(slice), s.row)
	return s.row
}

// Coefficients overwrites amplitudes a[m][n] with factor·f(a).
func (s *Workspace) Coefficients(a []float64, factor float64, f func(re, im float64, diagonal bool) (float64, float64)) []float64 {
	n, v := s.columns(), s.lanes
	for i := range n * n {
		for l := i * 2 * v; l < i*2*v+v; l++ {
			re, im := f(a[l], a[l+v], i%(n+1) == 0)
			a[l], a[l+v] = factor*re, factor*im
		}
	}
	return a
}

// Node returns the slice of a node, counted from the right lead.
func (s *Workspace) Node(i int) int { return s.nodes[i] }

// Last returns the index of the node at the left lead, where Start begins and from where Advance counts down.
func (s *Workspace) Last() int { return s.last }

// Conductance writes T = Σ|t|² of the group's points, t = q_R†ψ on the last slice (equal to the amplitudes of the outgoing
// modes up to a unitary), and returns the smallest among the open ones.
func (s *Workspace) Conductance(psi *Wave, g []float64) (smallest float64) {
	t := s.Amplitudes(s.group.FromRight, psi.At(0))
	n, v := s.columns(), s.lanes
	smallest = float64(n)
	for l := range s.group.Unique {
		sum := 0.0
		for i := range n * n {
			re, im := t[i*2*v+l], t[i*2*v+v+l]
			sum += re*re + im*im
		}
		g[s.group.Points[l]] = sum
		if s.group.open[l] > 0 {
			smallest = min(smallest, sum)
		}
	}
	return smallest
}

// Amplitudes returns q†ψ, [m][n] (Modes × Modes batch, overwritten by the next call), for one slice of a wave.
func (s *Workspace) Amplitudes(q, psi []float64) []float64 {
	n, v := s.columns(), s.lanes
	out := s.coef[:n*n*2*v]
	clear(out)
	for y := range s.width {
		for i := range n {
			a := q[(y*n+i)*2*v:][:2*v]
			for j := range n {
				b, o := psi[(y*n+j)*2*v:][:2*v], out[(i*n+j)*2*v:][:2*v]
				for l := range v {
					o[l] += a[l]*b[l] + a[v+l]*b[v+l]
					o[v+l] += a[l]*b[v+l] - a[v+l]*b[l]
				}
			}
		}
	}
	return out
}
