package plan

import (
	"cmp"
	"context"
	"slices"

	"mcd/core/parallel"
)

// Front is one dense matrix of a multifrontal LU: the pivots it eliminates and the boundary they couple to. All indices are
// elimination positions.
type Front struct {
	First, Pivots int     // it eliminates the positions First … First+Pivots−1
	Boundary      []int32 // ascending; every one is a pivot of an ancestor
	Parent        int     // index of the parent front, −1 for a root
	Children      []int32 // indices of the fronts whose update this one takes
	Depth         int     // 0 for a root
	Map           []int32 // where Boundary lies in the parent: a pivot's index, or Pivots + index in its boundary
}

// Fronts is the symbolic factorization of a pattern: an elimination order and its tree of fronts.
type Fronts struct {
	Order     []int32 // orbital eliminated at every position; orbitals that no lead reaches are left out
	Position  []int32 // position of every orbital, −1 if left out
	Fronts    []Front // children before parents, pivots ascending
	Owner     []int32 // front that eliminates every position
	Method    string  // "minimum degree" or "dissection"
	Cost      float64 // of the numerical factorization by the time model, in multiply-adds
	Multiply  float64 // complex multiply-adds of the numerical factorization
	Factors   int     // complex elements of all factors
	Stack     int     // largest number of complex elements in waiting updates
	MaxPivots int     // of any front
	MaxBorder int     // longest boundary
}

// The time model of a front with m pivots and b boundary orbitals, in multiply-adds of one lane group: elimination, moving
// its elements (zeroing, assembling), and a constant for calls and short loops. Measured on AVX2 and AVX-512 cores.
const (
	moveCost  = 4
	frontCost = 1500
)

func multiply(m, b float64) float64 { return m*m*m/3 + m*m*b + m*b*b }

func frontTime(m, b int) float64 {
	s := float64(m + b)
	return multiply(float64(m), float64(b)) + moveCost*s*s + frontCost
}

// NewFronts plans the elimination of the pattern (rows, cols), symmetrised, on n orbitals, with every lead's interface as a
// clique: a self-energy couples all of it. Of minimum degree and nested dissection it keeps the cheaper by the time model.
// Positions (n × dim, or nil) help the dissection. Orbitals that are not connected to any lead are left out: they
// do not take part in scattering. Indices are the caller's responsibility.
func NewFronts(n int, rows, cols []int, leads [][]int, positions []float64, dim int) (*Fronts, error) {
	g := newGraph(n, rows, cols, leads)
	g.reach(leads)
	ways := []func() *Fronts{
		func() *Fronts { return analyse(g, minimumDegree(g, [][]int32{g.vertices}), "minimum degree") },
		func() *Fronts { return analyse(g, minimumDegree(g, dissect(g, positions, dim)), "dissection") },
	}
	if len(g.vertices) <= partSize {
		ways = ways[:1]
	}
	plans := make([]*Fronts, len(ways))
	err := parallel.For(context.Background(), len(ways), 0, func(_, i int) error {
		plans[i] = ways[i]()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.MinFunc(plans, func(a, b *Fronts) int { return cmp.Compare(a.Cost, b.Cost) }), nil
}

// supernode is a front in the making.
type supernode struct {
	pivots   []int32 // vertices
	boundary []int32 // vertices
	children []int32
	peak     int // largest stack while its subtree is factorized
	dead     bool
}

// analyse builds the fronts of an elimination order.
func analyse(g *graph, order []int32, method string) *Fronts {
	order, parent := postordered(g, order)
	nodes := supernodes(g, order, parent)
	amalgamate(nodes)
	return number(g, nodes, method)
}

// eliminationTree returns parent positions by Liu's algorithm with path compression, −1 for roots.
func eliminationTree(g *graph, order, position []int32) []int32 {
	parent, ancestor := make([]int32, len(order)), make([]int32, len(order))
	for p, v := range order {
		parent[p], ancestor[p] = -1, -1
		for _, w := range g.neighbours(v) {
			for q := position[w]; q >= 0 && q < int32(p); {
				next := ancestor[q]
				ancestor[q] = int32(p)
				if next < 0 {
					parent[q] = int32(p)
				}
				q = next
				if q == int32(p) {
					break
				}
			}
		}
	}
	return parent
}

func inverse(n int, order []int32) []int32 {
	position := make([]int32, n)
	for i := range position {
		position[i] = -1
	}
	for p, v := range order {
		position[v] = int32(p)
	}
	return position
}

// postordered renumbers an order so that every subtree of its elimination tree is contiguous; fill does not change.
func postordered(g *graph, order []int32) (post, parent []int32) {
	tree := eliminationTree(g, order, inverse(g.n, order))
	n := len(order)
	head, next := make([]int32, n+1), make([]int32, n) // children lists, the roots under n
	for i := range head {
		head[i] = -1
	}
	for p := n - 1; p >= 0; p-- {
		q := tree[p]
		if q < 0 {
			q = int32(n)
		}
		next[p], head[q] = head[q], int32(p)
	}
	post = make([]int32, 0, n)
	renumbered := make([]int32, n)
	var stack []int32
	for r := head[n]; r >= 0; r = next[r] {
		stack = append(stack, r)
		for len(stack) > 0 {
			p := stack[len(stack)-1]
			if c := head[p]; c >= 0 {
				head[p] = next[c]
				stack = append(stack, c)
				continue
			}
			stack = stack[:len(stack)-1]
			renumbered[p] = int32(len(post))
			post = append(post, order[p])
		}
	}
	parent = make([]int32, n)
	for p, q := range tree {
		if q >= 0 {
			q = renumbered[q]
		}
		parent[renumbered[p]] = q
	}
	return post, parent
}

// columnCounts returns the entries below the diagonal in every column of L: column q has one in row p if q lies on the
// path from a neighbour of p up to p.
func columnCounts(g *graph, order, position, parent []int32) []int32 {
	count, mark := make([]int32, len(order)), make([]int32, len(order))
	for p, v := range order {
		mark[p] = int32(p)
		for _, w := range g.neighbours(v) {
			q := position[w]
			if q < 0 || q > int32(p) {
				continue
			}
			for ; mark[q] != int32(p); q = parent[q] {
				mark[q] = int32(p)
				count[q]++
			}
		}
	}
	return count
}

// supernodes joins columns of equal structure and finds the boundary of each join.
func supernodes(g *graph, order, parent []int32) []supernode {
	position := inverse(g.n, order)
	count := columnCounts(g, order, position, parent)
	var nodes []supernode
	owner := make([]int32, len(order))
	for p, v := range order {
		if p > 0 && parent[p-1] == int32(p) && count[p-1] == count[p]+1 {
			last := &nodes[len(nodes)-1]
			last.pivots = append(last.pivots, v)
		} else {
			nodes = append(nodes, supernode{pivots: []int32{v}})
		}
		owner[p] = int32(len(nodes) - 1)
	}
	mark := make([]int32, g.n)
	for i := range nodes {
		s := &nodes[i]
		last := position[s.pivots[len(s.pivots)-1]]
		add := func(v int32) {
			if q := position[v]; q > last && mark[v] != int32(i+1) {
				mark[v] = int32(i + 1)
				s.boundary = append(s.boundary, v)
			}
		}
		for _, v := range s.pivots {
			for _, w := range g.neighbours(v) {
				add(w)
			}
		}
		for _, c := range s.children {
			for _, v := range nodes[c].boundary {
				add(v)
			}
		}
		if p := parent[last]; p >= 0 {
			nodes[owner[p]].children = append(nodes[owner[p]].children, int32(i))
		}
	}
	return nodes
}

// amalgamate merges children into parents while the time model gains.
func amalgamate(nodes []supernode) {
	for i := range nodes {
		p := &nodes[i]
		queue := p.children
		p.children = nil
		for len(queue) > 0 {
			k := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			c := &nodes[k]
			m, b := len(p.pivots), len(p.boundary)
			mc, bc := len(c.pivots), len(c.boundary)
			if frontTime(m+mc, b) < frontTime(m, b)+frontTime(mc, bc) {
				p.pivots = append(slices.Clip(c.pivots), p.pivots...)
				queue = append(queue, c.children...)
				*c = supernode{dead: true}
			} else {
				p.children = append(p.children, k)
			}
		}
	}
}

// number orders children so that the stack of waiting updates stays smallest (Liu), and assigns the final positions.
func number(g *graph, nodes []supernode, method string) *Fronts {
	update := func(k int32) int { b := len(nodes[k].boundary); return b * b }
	isChild := make([]bool, len(nodes))
	for i := range nodes { // children come before parents
		s := &nodes[i]
		slices.SortStableFunc(s.children, func(a, b int32) int {
			return cmp.Compare(nodes[b].peak-update(b), nodes[a].peak-update(a))
		})
		waiting := 0
		for _, c := range s.children {
			isChild[c] = true
			s.peak = max(s.peak, waiting+nodes[c].peak)
			waiting += update(c)
		}
		s.peak = max(s.peak, waiting+update(int32(i)))
	}
	f := &Fronts{Method: method}
	var visit func(k int32) int
	visit = func(k int32) int {
		s := &nodes[k]
		var front Front
		for _, c := range s.children {
			front.Children = append(front.Children, int32(visit(c)))
		}
		front.First, front.Pivots, front.Parent = len(f.Order), len(s.pivots), -1
		f.Order = append(f.Order, s.pivots...)
		front.Boundary = s.boundary
		index := len(f.Fronts)
		for _, c := range front.Children {
			f.Fronts[c].Parent = index
		}
		f.Fronts = append(f.Fronts, front)
		return index
	}
	for i := range nodes {
		if !nodes[i].dead && !isChild[i] {
			f.Stack = max(f.Stack, nodes[i].peak)
			visit(int32(i))
		}
	}
	f.Position = inverse(g.n, f.Order)
	f.Owner = make([]int32, len(f.Order))
	for i := range f.Fronts {
		f.finish(i)
	}
	for i := len(f.Fronts) - 1; i >= 0; i-- { // parents before children
		f.mapToParent(&f.Fronts[i])
	}
	return f
}

// finish turns a front's boundary from vertices into positions and adds the front to the totals.
func (f *Fronts) finish(i int) {
	front := &f.Fronts[i]
	for k, v := range front.Boundary {
		front.Boundary[k] = f.Position[v]
	}
	slices.Sort(front.Boundary)
	for p := range front.Pivots {
		f.Owner[front.First+p] = int32(i)
	}
	m, b := front.Pivots, len(front.Boundary)
	f.Cost += frontTime(m, b)
	f.Multiply += multiply(float64(m), float64(b))
	f.Factors += m * (m + 2*b)
	f.MaxPivots, f.MaxBorder = max(f.MaxPivots, m), max(f.MaxBorder, b)
}

func (f *Fronts) mapToParent(front *Front) {
	if front.Parent < 0 {
		return
	}
	p := &f.Fronts[front.Parent]
	front.Depth = p.Depth + 1
	front.Map = make([]int32, len(front.Boundary))
	k := 0
	for i, q := range front.Boundary {
		if int(q) < p.First+p.Pivots {
			front.Map[i] = q - int32(p.First)
			continue
		}
		for p.Boundary[k] != q {
			k++
		}
		front.Map[i] = int32(p.Pivots + k)
	}
}

// Locate returns the front that holds the entry (i, j) of the matrix, given as positions, and its place there: an offset in
// the front's upper panel (pivots × (pivots + boundary)), or, after all of that, in its lower panel (boundary × pivots).
func (f *Fronts) Locate(i, j int32) (front, offset int) {
	front = int(f.Owner[min(i, j)])
	t := &f.Fronts[front]
	m, b, end := t.Pivots, len(t.Boundary), int32(t.First+t.Pivots)
	place := func(p int32) int {
		if p < end {
			return int(p) - t.First
		}
		k, _ := slices.BinarySearch(t.Boundary, p)
		return m + k
	}
	r, c := place(i), place(j)
	if r < m {
		return front, r*(m+b) + c
	}
	return front, m*(m+b) + (r-m)*m + c
}

// Paths marks the fronts on the ways from the given positions to the root.
func (f *Fronts) Paths(positions []int32, marked []bool) {
	for _, p := range positions {
		for k := int(f.Owner[p]); k >= 0 && !marked[k]; k = f.Fronts[k].Parent {
			marked[k] = true
		}
	}
}
