package plan

import (
	"cmp"
	"math"
	"slices"
)

// partSize ends the dissection: smaller parts are left to minimum degree.
const partSize = 150

// dissect splits the vertices by nested dissection and returns the parts and separators in an order in which they may be
// eliminated one after the other: both halves before their separator.
func dissect(g *graph, positions []float64, dim int) [][]int32 {
	d := &dissection{g: g, positions: positions, dim: dim, inside: make([]int32, g.n), left: make([]bool, g.n),
		border: make([]bool, g.n), distance: make([]float64, g.n), key: make([]float64, g.n)}
	d.split(slices.Clone(g.vertices))
	return d.parts
}

type dissection struct {
	g         *graph
	positions []float64
	dim       int
	parts     [][]int32

	inside   []int32 // number of the part being split, for its vertices
	part     int32
	left     []bool // scratch of a sweep
	border   []bool
	distance []float64
	key      []float64
}

func (d *dissection) split(vertices []int32) {
	if len(vertices) <= partSize {
		if len(vertices) > 0 {
			d.parts = append(d.parts, vertices)
		}
		return
	}
	left, right, separator := d.bisect(vertices)
	if len(separator) == 0 && (len(left) == 0 || len(right) == 0) || len(separator) > len(vertices)/2 {
		d.parts = append(d.parts, vertices)
		return
	}
	d.split(left)
	d.split(right)
	if len(separator) > 0 {
		d.parts = append(d.parts, separator)
	}
}

// bisect sweeps the vertices along several directions and cuts along the one with the smallest separator.
func (d *dissection) bisect(vertices []int32) (left, right, separator []int32) {
	d.part++
	for _, v := range vertices {
		d.inside[v] = d.part
	}
	best, cut := math.Inf(1), 0
	var bestOrder []int32
	try := func(key []float64) {
		order := slices.Clone(vertices)
		slices.SortFunc(order, func(a, b int32) int {
			return cmp.Or(cmp.Compare(key[a], key[b]), cmp.Compare(a, b))
		})
		if score, k := d.sweep(order); score < best {
			best, cut, bestOrder = score, k, order
		}
	}
	d.directions(vertices, try)
	return d.cut(bestOrder, cut)
}

// directions offers sweep keys: coordinates and diagonals if there are positions, distances in the graph in any case.
func (d *dissection) directions(vertices []int32, try func(key []float64)) {
	for a := range d.dim {
		for _, v := range vertices {
			d.key[v] = d.positions[int(v)*d.dim+a]
		}
		try(d.key)
		for b := range a {
			for _, sign := range []float64{1, -1} {
				for _, v := range vertices {
					d.key[v] = d.positions[int(v)*d.dim+a] + sign*d.positions[int(v)*d.dim+b]
				}
				try(d.key)
			}
		}
	}
	far := d.distances(vertices[0], vertices)
	opposite := d.distances(far, vertices)
	try(d.distance)
	for _, v := range vertices {
		d.key[v] = d.distance[v]
	}
	d.distances(opposite, vertices)
	for _, v := range vertices {
		d.key[v] -= d.distance[v]
	}
	try(d.key)
	if d.dim > 0 {
		return
	}
	// Without positions, the vertices as far from both ends as possible span the second axis.
	apart, third := math.Inf(-1), far
	for _, v := range vertices {
		if x := d.distance[v] - math.Abs(d.key[v]); x > apart {
			apart, third = x, v
		}
	}
	fourth := d.distances(third, vertices)
	for _, v := range vertices {
		d.key[v] = d.distance[v]
	}
	d.distances(fourth, vertices)
	for _, v := range vertices {
		d.key[v] -= d.distance[v]
	}
	try(d.key)
}

// distances finds the distance of every vertex of the part from one of them (vertices not reached get a large one) and
// returns one that is farthest.
func (d *dissection) distances(from int32, vertices []int32) int32 {
	for _, v := range vertices {
		d.distance[v] = float64(2 * len(vertices))
	}
	d.distance[from] = 0
	queue := []int32{from}
	for k := 0; k < len(queue); k++ {
		v := queue[k]
		for _, w := range d.g.neighbours(v) {
			if d.inside[w] == d.part && d.distance[w] > d.distance[v]+1 {
				d.distance[w] = d.distance[v] + 1
				queue = append(queue, w)
			}
		}
	}
	return queue[len(queue)-1]
}

// sweep moves the vertices one by one to the left side and returns the best place to cut and its score. The separator of a
// cut is the part of the right side that touches the left.
func (d *dissection) sweep(order []int32) (score float64, cut int) {
	for _, v := range order {
		d.left[v], d.border[v] = false, false
	}
	score = math.Inf(1)
	n, size := len(order), 0
	for k, v := range order {
		d.left[v] = true
		if d.border[v] {
			size--
		}
		for _, w := range d.g.neighbours(v) {
			if d.inside[w] == d.part && !d.left[w] && !d.border[w] {
				d.border[w] = true
				size++
			}
		}
		a, b := k+1, n-k-1-size
		if 4*a < n || 4*b < n {
			continue
		}
		balance := float64(max(a, b)) / float64(n)
		if s := (float64(size) + 0.5) * (0.5 + balance); s < score {
			score, cut = s, k+1
		}
	}
	return score, cut
}

func (d *dissection) cut(order []int32, cut int) (left, right, separator []int32) {
	for k, v := range order {
		d.left[v] = k < cut
	}
	for k, v := range order {
		touches := slices.ContainsFunc(d.g.neighbours(v), func(w int32) bool { return d.inside[w] == d.part && d.left[w] })
		switch {
		case k < cut:
			left = append(left, v)
		case touches:
			separator = append(separator, v)
		default:
			right = append(right, v)
		}
	}
	return left, right, separator
}
