package scatter

import "slices"

// Constants is all that a sweep needs of one point beside the potential, in the units and gauge of Group: rows stand one after
// the other, without gaps.
type Constants struct {
	Energy              float64      // e = E/t
	Phases              []complex128 // exp(2iφs), s = 0 … Length−1
	Right, Left         []complex128 // F of the right lead, −Σ_L/t (Width × Width)
	FromLeft, FromRight []complex128 // injection columns q = Q/√t (Width × modes)
}

// Constants returns a copy of the constants of a point, for engines that solve elsewhere.
func (w *Wire) Constants(point int) (Constants, error) {
	if err := w.Prepare(); err != nil {
		return Constants{}, err
	}
	var g *Group
	lane := -1
	for _, g = range w.Groups {
		if lane = slices.Index(g.Points[:g.Unique], point); lane >= 0 {
			break
		}
	}
	v, width := w.Kernel.Lanes(), w.Strip.Width
	read := func(a []float64, rows, ld, columns int) []complex128 {
		out := make([]complex128, 0, rows*columns)
		for i := range rows {
			for j := range columns {
				at := (i*ld+j)*2*v + lane
				out = append(out, complex(a[at], a[at+v]))
			}
		}
		return out
	}
	n, ld := g.open[lane], len(g.right)/(2*v*width)
	return Constants{Energy: g.energy[lane], Phases: read(g.phases, w.Strip.Length, 1, 1), Right: read(g.right, width, ld, width),
		Left: read(g.left, width, ld, width), FromLeft: read(g.FromLeft, width, g.Modes, n), FromRight: read(g.FromRight, width, g.Modes, n)}, nil
}
