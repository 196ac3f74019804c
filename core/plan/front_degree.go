package plan

import (
	"cmp"
	"slices"
)

// quotient is the quotient graph of a partly eliminated graph: an eliminated vertex has become an element, the clique of its
// boundary; vertices that cannot be told apart have been joined.
type quotient struct {
	adjacent [][]int32 // of a live vertex: live neighbours not covered by an element
	elements [][]int32 // of a live vertex: elements that hold it
	members  [][]int32 // of a live element: its vertices
	weight   []int32   // vertices joined here, 0 once eliminated or joined elsewhere
	joined   [][]int32 // the vertices joined into this one
	degree   []int32   // upper bound of the degree (approximate minimum degree)
	outside  []int32   // of an element: weight of its members outside the newest element, while stamped
	stamp    []int32
	mark     []int32
	round    int32
	group    []int32 // only vertices of one group are joined
	alike    []candidate
}

// candidate is a vertex that may be joined with others of the same sum over its lists.
type candidate struct {
	sum   uint64
	place int32 // in the boundary
}

// minimumDegree orders the vertices of each group by approximate minimum degree (Amestoy, Davis and Duff 1996), all of a
// group before the next one.
func minimumDegree(g *graph, groups [][]int32) []int32 {
	q := newQuotient(g)
	for k, group := range groups {
		for _, v := range group {
			q.group[v] = int32(k)
		}
	}
	order := make([]int32, 0, len(g.vertices))
	buckets := make([][]int32, g.n+1)
	for _, group := range groups {
		lowest := g.n
		put := func(v int32) {
			d := int(q.degree[v])
			buckets[d] = append(buckets[d], v)
			lowest = min(lowest, d)
		}
		left := 0
		for _, v := range slices.Backward(group) {
			if q.weight[v] > 0 {
				left++
				put(v)
			}
		}
		for ; lowest <= g.n; lowest++ {
			for len(buckets[lowest]) > 0 {
				list := buckets[lowest]
				v := list[len(list)-1]
				buckets[lowest] = list[:len(list)-1]
				if q.weight[v] == 0 || int(q.degree[v]) != lowest { // eliminated, joined or moved since
					continue
				}
				order = append(order, v)
				order = append(order, q.joined[v]...)
				for _, w := range q.eliminate(v) {
					if q.group[w] == q.group[v] && q.weight[w] > 0 {
						put(w)
					}
				}
			}
		}
	}
	return order
}

func newQuotient(g *graph) *quotient {
	q := &quotient{adjacent: make([][]int32, g.n), elements: make([][]int32, g.n), members: make([][]int32, g.n),
		weight: make([]int32, g.n), joined: make([][]int32, g.n), degree: make([]int32, g.n), outside: make([]int32, g.n),
		stamp: make([]int32, g.n), mark: make([]int32, g.n), group: make([]int32, g.n)}
	for _, v := range g.vertices {
		q.adjacent[v] = slices.Clone(g.neighbours(v))
		q.weight[v], q.degree[v] = 1, int32(len(q.adjacent[v]))
	}
	return q
}

// eliminate turns v into an element and returns its vertices, with their degrees brought up to date.
func (q *quotient) eliminate(v int32) []int32 {
	q.round++
	q.mark[v] = q.round
	var boundary []int32
	take := func(list []int32) {
		for _, w := range list {
			if q.weight[w] > 0 && q.mark[w] != q.round {
				q.mark[w] = q.round
				boundary = append(boundary, w)
			}
		}
	}
	take(q.adjacent[v])
	for _, e := range q.elements[v] {
		take(q.members[e])
		q.members[e] = nil // absorbed by the new element
	}
	q.weight[v] = 0
	q.members[v], q.adjacent[v], q.elements[v] = boundary, nil, nil
	size := int32(0)
	for _, w := range boundary {
		size += q.weight[w]
		q.measure(w)
	}
	for _, w := range boundary {
		q.update(w, v, size)
	}
	q.join(boundary)
	return boundary
}

// measure takes w out of the outside weights of its elements.
func (q *quotient) measure(w int32) {
	for _, e := range q.elements[w] {
		if q.members[e] == nil {
			continue
		}
		if q.stamp[e] != q.round {
			q.stamp[e], q.outside[e] = q.round, 0
			for _, x := range q.members[e] {
				q.outside[e] += q.weight[x]
			}
		}
		q.outside[e] -= q.weight[w]
	}
}

// update rewrites the lists of w, which element v now holds, and bounds its degree.
func (q *quotient) update(w, v, size int32) {
	degree := size - q.weight[w]
	elements := q.elements[w][:0]
	for _, e := range q.elements[w] {
		if q.members[e] == nil {
			continue
		}
		if q.outside[e] == 0 { // all of it lies in the new element
			q.members[e] = nil
			continue
		}
		degree += q.outside[e]
		elements = append(elements, e)
	}
	q.elements[w] = append(elements, v)
	adjacent := q.adjacent[w][:0]
	for _, x := range q.adjacent[w] {
		if q.weight[x] > 0 && q.mark[x] != q.round {
			degree += q.weight[x]
			adjacent = append(adjacent, x)
		}
	}
	q.adjacent[w] = adjacent
	q.degree[w] = min(degree, q.degree[w]+size-q.weight[w])
}

// join merges the vertices of a new element that have the same neighbours and elements.
func (q *quotient) join(boundary []int32) {
	q.alike = q.alike[:0]
	for k, w := range boundary {
		slices.Sort(q.elements[w])
		slices.Sort(q.adjacent[w])
		sum := uint64(q.group[w])
		for _, e := range q.elements[w] {
			sum += uint64(e) * 0x9e3779b97f4a7c15
		}
		for _, x := range q.adjacent[w] {
			sum += uint64(x) * 0xc2b2ae3d27d4eb4f
		}
		q.alike = append(q.alike, candidate{sum, int32(k)})
	}
	slices.SortFunc(q.alike, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.place, b.place)) })
	for k, a := range q.alike {
		u := boundary[a.place]
		if q.weight[u] == 0 {
			continue
		}
		for _, b := range q.alike[k+1:] {
			if b.sum != a.sum {
				break
			}
			w := boundary[b.place]
			if q.weight[w] > 0 && q.group[u] == q.group[w] && slices.Equal(q.elements[u], q.elements[w]) && slices.Equal(q.adjacent[u], q.adjacent[w]) {
				q.merge(u, w)
			}
		}
	}
}

// merge joins w into u.
func (q *quotient) merge(u, w int32) {
	q.joined[u] = append(append(q.joined[u], w), q.joined[w]...)
	q.degree[u] -= q.weight[w]
	q.weight[u] += q.weight[w]
	q.weight[w] = 0
	q.adjacent[w], q.elements[w], q.joined[w] = nil, nil, nil
}
