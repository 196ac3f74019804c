package inverse

import (
	"fmt"
	"math"
	"slices"

	"mcd/core/fault"
)

// Mirror is a symmetry of the potential.
type Mirror int

const (
	// MirrorNone asks for no symmetry.
	MirrorNone Mirror = iota
	// MirrorX makes h(x, y) = h(length−1−x, y).
	MirrorX
	// MirrorY makes h(x, y) = h(x, width−1−y).
	MirrorY
	// MirrorBoth asks for both.
	MirrorBoth
	// MirrorPoint makes h(x, y) = h(length−1−x, width−1−y).
	MirrorPoint
)

// Sites makes every on-site energy a parameter: the first step of designing a device is to see what is possible at all.
type Sites struct {
	Length, Width int
	// Start holds the on-site energies to start from (Length × Width).
	Start []float64
	// Lower and Upper bound them: none, one value for all, or one for each site.
	Lower, Upper []float64
	// Mask, if not nil, marks the sites that may change; all others keep their start value (Length × Width).
	Mask []bool
	// Mirror ties sites that a symmetry maps onto each other.
	Mirror Mirror
	// Ties, if not nil, numbers groups of sites that share one value, −1 for sites that are tied to nobody (Length × Width).
	// Group numbers may be any non-negative numbers.
	Ties []int
	// FilterRadius is the smallest feature, in lattice constants: h is the parameters averaged with the cone
	// max(0, 1 − distance/FilterRadius) over the sites that may change. At most 1 switches it off. With the filter h starts
	// from the averaged Start; bounds hold for h as well, since an average never leaves them.
	FilterRadius float64
}

// Build checks the description.
func (s Sites) Build() (Parametrization, error) {
	n := s.Length * s.Width
	switch {
	case s.Length < 1 || s.Width < 1:
		return nil, fault.Invalid("start", "%d × %d sites; give at least 1 × 1", s.Length, s.Width)
	case len(s.Start) != n:
		return nil, fault.Invalid("start", "%d values for %d × %d sites; give one for each", len(s.Start), s.Length, s.Width)
	case s.Mask != nil && len(s.Mask) != n:
		return nil, fault.Invalid("mask", "%d values for %d × %d sites; give one for each", len(s.Mask), s.Length, s.Width)
	case s.Ties != nil && len(s.Ties) != n:
		return nil, fault.Invalid("ties", "%d values for %d × %d sites; give one for each", len(s.Ties), s.Length, s.Width)
	case s.Mirror < MirrorNone || s.Mirror > MirrorPoint:
		return nil, fault.Invalid("mirror", "%d is no symmetry; give none, x, y, both or point", s.Mirror)
	case !finite(s.FilterRadius) || s.FilterRadius < 0:
		return nil, fault.Invalid("filter_radius", "%g; give a finite radius in lattice constants, 0 for none", s.FilterRadius)
	}
	if err := checkFinite("start", s.Start); err != nil {
		return nil, err
	}
	lower, upper, err := bound("site", s.Lower, s.Upper, n)
	if err != nil {
		return nil, err
	}
	base := &sites{width: s.Width, start: slices.Clone(s.Start), lower: lower, upper: upper}
	for i, v := range base.start {
		if s.allowed(i) && lower != nil {
			base.start[i] = min(max(v, lower[i]), upper[i])
		}
	}
	if s.FilterRadius > 1 {
		base.filter = s.cone()
	}
	if s.Mask == nil && s.Mirror == MirrorNone && s.Ties == nil {
		return base, nil
	}
	group := s.groups()
	if slices.Max(group) < 0 {
		return nil, fault.Invalid("mask", "no site may change; mark at least one")
	}
	return reduce(base, group, base.Start(), lower, upper)
}

func (s Sites) allowed(i int) bool { return s.Mask == nil || s.Mask[i] }

// groups numbers the classes of sites that mirror and ties make one, −1 for masked sites.
func (s Sites) groups() []int {
	n := s.Length * s.Width
	parent := make([]int, n)
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			i = parent[i]
		}
		return i
	}
	// The smaller root wins, so that groups are numbered in the order of their first site.
	join := func(i, j int) {
		if s.allowed(i) && s.allowed(j) {
			i, j = root(i), root(j)
			parent[max(i, j)] = min(i, j)
		}
	}
	first := map[int]int{}
	for i := range n {
		x, y := i/s.Width, i%s.Width
		mx, my := s.Length-1-x, s.Width-1-y
		if s.Mirror == MirrorX || s.Mirror == MirrorBoth {
			join(i, mx*s.Width+y)
		}
		if s.Mirror == MirrorY || s.Mirror == MirrorBoth {
			join(i, x*s.Width+my)
		}
		if s.Mirror == MirrorPoint {
			join(i, mx*s.Width+my)
		}
		if s.Ties != nil && s.Ties[i] >= 0 && s.allowed(i) {
			if j, ok := first[s.Ties[i]]; ok {
				join(i, j)
			} else {
				first[s.Ties[i]] = i
			}
		}
	}
	group, number, next := make([]int, n), make([]int, n), 0
	for i := range n {
		group[i] = -1
		if !s.allowed(i) {
			continue
		}
		if r := root(i); r == i {
			number[i], group[i] = next, next
			next++
		} else {
			group[i] = number[r]
		}
	}
	return group
}

// cone returns the rows of the averaging filter.
func (s Sites) cone() [][]tap {
	rows := make([][]tap, s.Length*s.Width)
	reach := int(math.Ceil(s.FilterRadius))
	for i := range rows {
		if !s.allowed(i) {
			rows[i] = []tap{{i, 1}}
			continue
		}
		x, y, total := i/s.Width, i%s.Width, 0.0
		for u := max(0, x-reach); u <= min(s.Length-1, x+reach); u++ {
			for v := max(0, y-reach); v <= min(s.Width-1, y+reach); v++ {
				w := 1 - math.Hypot(float64(u-x), float64(v-y))/s.FilterRadius
				if j := u*s.Width + v; w > 0 && s.allowed(j) {
					rows[i] = append(rows[i], tap{j, w})
					total += w
				}
			}
		}
		for j := range rows[i] {
			rows[i][j].weight /= total
		}
	}
	return rows
}

// tap is one non-zero entry of a row of the filter.
type tap struct {
	site   int
	weight float64
}

// sites is h = θ, or h = filter·θ.
type sites struct {
	width        int
	start        []float64
	lower, upper []float64
	filter       [][]tap
}

func (s *sites) Sites() int                       { return len(s.start) }
func (s *sites) Parameters() int                  { return len(s.start) }
func (s *sites) Start() []float64                 { return slices.Clone(s.start) }
func (s *sites) Bounds() (lower, upper []float64) { return s.lower, s.upper }

func (s *sites) Label(j int) string {
	if s.width == 1 {
		return fmt.Sprintf("onsite[%d]", j)
	}
	return fmt.Sprintf("onsite[%d,%d]", j/s.width, j%s.width)
}

func (s *sites) Onsite(theta, h []float64) {
	if s.filter == nil {
		copy(h, theta)
		return
	}
	for i, row := range s.filter {
		h[i] = 0
		for _, t := range row {
			h[i] += t.weight * theta[t.site]
		}
	}
}

func (s *sites) Pull(_, jac []float64, rows int, out []float64) {
	if s.filter == nil {
		copy(out, jac[:rows*len(s.start)])
		return
	}
	n := len(s.start)
	clear(out)
	for k := range rows {
		in, to := jac[k*n:(k+1)*n], out[k*n:(k+1)*n]
		for i, row := range s.filter {
			for _, t := range row {
				to[t.site] += t.weight * in[i]
			}
		}
	}
}
