package plan

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWork checks that hops have less work on square strips of moderate width, and fronts on wide ones.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		length, width int
		columns       float64
		fronts        bool
	}{{30, 30, 6, false}, {100, 100, 21, false}, {6, NarrowStrip, 30, false}, {30, 400, 86, true}} {
		n, rows, cols, leads, positions := grid(c.length, c.width)
		fronts := newFronts(t, n, rows, cols, leads, positions, 2).Work(c.columns)
		nodes := NewStrip(c.length, c.width).Nodes(slices.Repeat([]float64{4}, n), 1.2, 1.2, Budget(c.length))
		sweep := StripWork(c.length, c.width, len(nodes), c.columns)
		assert.Equal(t, c.fronts, fronts < sweep, "%d × %d: %g and %g", c.length, c.width, fronts, sweep)
	}
}

// TestNodes checks that hops are as long as growth allows: four slices of a clean wire, one where a site stands out.
func TestNodes(t *testing.T) {
	h := slices.Repeat([]float64{4}, 5*20)
	p := NewStrip(20, 5)
	assert.Equal(t, []int{0, 4, 8, 12, 16, 19}, p.Nodes(h, 1.2, 1.2, Budget(20)))
	h[7*5+2] = 1e6
	nodes := p.Nodes(h, 1.2, 1.2, Budget(20))
	at := slices.Index(nodes, 7)
	if assert.GreaterOrEqual(t, at, 0, "%v", nodes) {
		assert.Equal(t, 8, nodes[at+1])
	}
	assert.Len(t, p.Nodes(h, 1.2, 1.2, 0), 20)
}
