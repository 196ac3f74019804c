package scatter

import (
	"math/cmplx"
	"slices"

	"mcd/core/lattice"
	"mcd/core/lead"
	"mcd/core/plan"
)

// MeanModes returns the mean number of open modes.
func (w *Wire) MeanModes() float64 {
	sum := 0
	for _, le := range w.leads {
		sum += le.Modes
	}
	return float64(sum) / float64(len(w.leads))
}

// Work counts the multiply-adds of a point with all derivatives (plan.StripWork), with the nodes of the clean wire.
func (w *Wire) Work() float64 {
	s := &w.Strip
	clean := slices.Repeat([]float64{s.LeadOnsite / s.Hopping}, s.Sites())
	nodes := len(plan.NewStrip(s.Length, s.Width).Nodes(clean, w.lo, w.hi, plan.CheapBudget(clean, s.Width)))
	return plan.StripWork(s.Length, s.Width, nodes, w.MeanModes())
}

// Device describes the wire as a device with the left lead 0 and the right lead 1, in the gauge of package lead. Its
// Hamiltonians have no diagonal: on-site energies are those of the wire.
func (w *Wire) Device() (lattice.Device, [][]lead.Terminal) {
	s := &w.Strip
	width, sites := s.Width, s.Sites()
	l := lattice.Device{Orbitals: sites, Energies: s.Energies, Interfaces: make([][]int, 2), Dimensions: 2}
	for y := range width {
		l.Interfaces[Left], l.Interfaces[Right] = append(l.Interfaces[Left], y), append(l.Interfaces[Right], sites-width+y)
	}
	for i := range sites {
		x, y := i/width, i%width
		l.Positions = append(l.Positions, float64(x), float64(y))
		if x+1 < s.Length {
			l.Rows, l.Cols = append(l.Rows, i, i+width), append(l.Cols, i+width, i)
		}
		if y+1 < width {
			l.Rows, l.Cols = append(l.Rows, i, i+1), append(l.Cols, i+1, i)
		}
	}
	terminals := [][]lead.Terminal{make([]lead.Terminal, s.Points()), make([]lead.Terminal, s.Points())}
	l.Values = make([]complex128, 0, s.Points()*len(l.Rows))
	for p, le := range w.leads {
		for k, i := range l.Rows {
			switch j := l.Cols[k]; j - i {
			case width:
				l.Values = append(l.Values, hop(le, i%width))
			case -width:
				l.Values = append(l.Values, cmplx.Conj(hop(le, j%width)))
			default:
				l.Values = append(l.Values, complex(-s.Hopping, 0))
			}
		}
		terminals[Left][p], terminals[Right][p] = terminalsOf(le)
	}
	return l, terminals
}

// terminalsOf returns what the lead is to a device on its right and on its left.
func terminalsOf(le *lead.Lead) (left, right lead.Terminal) {
	w, n := le.Width, le.Modes
	empty := func() lead.Terminal {
		return lead.Terminal{Modes: n, Sigma: make([]complex128, w*w), In: make([]complex128, w*n)}
	}
	left, right = empty(), empty()
	for i := range w {
		for j := range w {
			right.Sigma[i*w+j] = hop(le, i) * le.F[i*w+j]
			left.Sigma[i*w+j] = cmplx.Conj(hop(le, i)) * le.F[(w-1-i)*w+w-1-j]
		}
	}
	for m := range n {
		l, r := injection(le, m)
		for y := range w {
			left.In[y*n+m], right.In[y*n+m] = l[y], r[y]
		}
	}
	return left, right
}
