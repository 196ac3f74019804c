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
	d := &dissection{g: g, inside: make([]int32, g.n), side: make([]side, g.n), border: make([]bool, g.n),
		distance: make([]int32, g.n), key: make([]int32, g.n)}
	d.split(append([][]int32{g.vertices}, alongCoordinates(g, positions, dim)...))
	return d.parts
}

// alongCoordinates sorts the vertices by every coordinate and along the diagonals between two of them.
func alongCoordinates(g *graph, positions []float64, dim int) [][]int32 {
	var lists [][]int32
	sorted := func(key func(at []float64) float64) {
		type place struct {
			key float64
			v   int32
		}
		places := make([]place, len(g.vertices))
		for k, v := range g.vertices {
			places[k] = place{key(positions[int(v)*dim:][:dim]), v}
		}
		slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.v, b.v)) })
		list := make([]int32, len(places))
		for k, p := range places {
			list[k] = p.v
		}
		lists = append(lists, list)
	}
	for a := range dim {
		sorted(func(at []float64) float64 { return at[a] })
		for b := range a {
			sorted(func(at []float64) float64 { return at[a] + at[b] })
			sorted(func(at []float64) float64 { return at[a] - at[b] })
		}
	}
	return lists
}

// side is where a vertex of a part comes to lie.
type side uint8

const (
	left side = iota
	right
	separator
	sides
)

// dissection splits parts. A part is a list of lists of its vertices: by number first, then along every coordinate and
// diagonal; halves inherit the orders of their whole.
type dissection struct {
	g     *graph
	parts [][]int32

	inside   []int32 // number of the part being split, for its vertices
	part     int32
	side     []side // scratch: of the vertices of that part
	border   []bool
	distance []int32
	key      []int32
}

func (d *dissection) split(lists [][]int32) {
	vertices := lists[0]
	if len(vertices) <= partSize {
		if len(vertices) > 0 {
			d.parts = append(d.parts, vertices)
		}
		return
	}
	d.bisect(lists)
	var halves [sides][][]int32
	for _, list := range lists {
		var count [sides]int
		for _, v := range list {
			count[d.side[v]]++
		}
		var pieces [sides][]int32
		for k := range pieces {
			pieces[k] = make([]int32, 0, count[k])
		}
		for _, v := range list {
			pieces[d.side[v]] = append(pieces[d.side[v]], v)
		}
		for k := range halves {
			halves[k] = append(halves[k], pieces[k])
		}
	}
	middle := halves[separator][0]
	if len(middle) == 0 && (len(halves[left][0]) == 0 || len(halves[right][0]) == 0) || len(middle) > len(vertices)/2 {
		d.parts = append(d.parts, vertices)
		return
	}
	d.split(halves[left])
	d.split(halves[right])
	if len(middle) > 0 {
		d.parts = append(d.parts, middle)
	}
}

// bisect sweeps the vertices along several directions and cuts along the one with the smallest separator.
func (d *dissection) bisect(lists [][]int32) {
	d.part++
	for _, v := range lists[0] {
		d.inside[v] = d.part
	}
	best, cut := math.Inf(1), 0
	var bestOrder []int32
	try := func(order []int32) {
		if score, k := d.sweep(order); score < best {
			best, cut, bestOrder = score, k, order
		}
	}
	for _, list := range lists[1:] {
		try(list)
	}
	d.alongGraph(lists[0], len(lists) > 1, try)
	d.cut(bestOrder, cut)
}

// alongGraph tries orders by distances in the graph.
func (d *dissection) alongGraph(vertices []int32, placed bool, try func(order []int32)) {
	far := d.distances(vertices[0], vertices)
	opposite := d.distances(far, vertices)
	try(d.sorted(vertices, d.distance))
	d.difference(opposite, vertices)
	try(d.sorted(vertices, d.key))
	if placed {
		return
	}
	// Without positions, the vertices as far from both ends as possible span the second axis.
	apart, third := int32(math.MinInt32), far
	for _, v := range vertices {
		if x := d.distance[v] - max(d.key[v], -d.key[v]); x > apart {
			apart, third = x, v
		}
	}
	fourth := d.distances(third, vertices)
	d.difference(fourth, vertices)
	try(d.sorted(vertices, d.key))
}

// difference sets key to the distances found last, less those from another vertex.
func (d *dissection) difference(other int32, vertices []int32) {
	for _, v := range vertices {
		d.key[v] = d.distance[v]
	}
	d.distances(other, vertices)
	for _, v := range vertices {
		d.key[v] -= d.distance[v]
	}
}

// sorted returns the vertices by key, those of equal key in their order, by counting.
func (d *dissection) sorted(vertices, key []int32) []int32 {
	low, high := key[vertices[0]], key[vertices[0]]
	for _, v := range vertices {
		low, high = min(low, key[v]), max(high, key[v])
	}
	next := make([]int32, high-low+2)
	for _, v := range vertices {
		next[key[v]-low+1]++
	}
	for k := range next[1:] {
		next[k+1] += next[k]
	}
	order := make([]int32, len(vertices))
	for _, v := range vertices {
		at := &next[key[v]-low]
		order[*at] = v
		*at++
	}
	return order
}

// distances finds the distance of every vertex of the part from one of them (vertices not reached get a large one) and
// returns one that is farthest.
func (d *dissection) distances(from int32, vertices []int32) int32 {
	for _, v := range vertices {
		d.distance[v] = int32(2 * len(vertices))
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
		d.side[v], d.border[v] = right, false
	}
	score = math.Inf(1)
	n, size := len(order), 0
	for k, v := range order {
		d.side[v] = left
		if d.border[v] {
			size--
		}
		for _, w := range d.g.neighbours(v) {
			if d.inside[w] == d.part && d.side[w] == right && !d.border[w] {
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

// cut puts the first vertices of the order to the left, those of the others that touch them into the separator.
func (d *dissection) cut(order []int32, cut int) {
	for k, v := range order {
		d.side[v] = right
		if k < cut {
			d.side[v] = left
		}
	}
	for _, v := range order[cut:] {
		if slices.ContainsFunc(d.g.neighbours(v), func(w int32) bool { return d.inside[w] == d.part && d.side[w] == left }) {
			d.side[v] = separator
		}
	}
}
