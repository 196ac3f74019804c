package plan

import "slices"

// graph is an undirected graph in compressed rows, without loops and repetitions.
type graph struct {
	n        int
	start    []int
	adjacent []int32
	vertices []int32 // those that a lead reaches, ascending
}

func (g *graph) neighbours(v int32) []int32 { return g.adjacent[g.start[v]:g.start[v+1]] }

// newGraph symmetrises a pattern and adds a clique for every lead.
func newGraph(n int, rows, cols []int, leads [][]int) *graph {
	lists := make([][]int32, n)
	join := func(i, j int) {
		if i != j {
			lists[i], lists[j] = append(lists[i], int32(j)), append(lists[j], int32(i))
		}
	}
	for k := range rows {
		join(rows[k], cols[k])
	}
	for _, orbitals := range leads {
		for a, i := range orbitals {
			for _, j := range orbitals[:a] {
				join(i, j)
			}
		}
	}
	g := &graph{n: n, start: make([]int, n+1)}
	for v, list := range lists {
		slices.Sort(list)
		g.adjacent = append(g.adjacent, slices.Compact(list)...)
		g.start[v+1] = len(g.adjacent)
	}
	return g
}

// reach lists the vertices connected to a lead.
func (g *graph) reach(leads [][]int) {
	seen := make([]bool, g.n)
	var queue []int32
	for _, orbitals := range leads {
		for _, v := range orbitals {
			if !seen[v] {
				seen[v] = true
				queue = append(queue, int32(v))
			}
		}
	}
	for len(queue) > 0 {
		v := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		g.vertices = append(g.vertices, v)
		for _, w := range g.neighbours(v) {
			if !seen[w] {
				seen[w] = true
				queue = append(queue, w)
			}
		}
	}
	slices.Sort(g.vertices)
}
