package exchange

import (
	"slices"

	"mcd/adjoint"
	"mcd/core/fault"
)

// NewDirections makes directions of arrays: direction k has the elements first[k] … first[k+1]−1 of entries, whose values are
// given for all points of the device at once or for each.
func NewDirections(first, entries []int64, values []complex128, start []float64, names []string) (*Directions, error) {
	n := len(start)
	switch {
	case n == 0:
		return nil, fault.Invalid("directions", "none given; give at least one")
	case len(first) != n+1 || first[0] != 0 || !slices.IsSorted(first) || first[n] != int64(len(entries)):
		return nil, fault.Invalid("first", "%d elements for %d directions of %d entries together; give where each begins, ascending from 0, and the number of all entries", len(first), n, len(entries))
	case len(entries) == 0 || len(values)%len(entries) != 0:
		return nil, fault.Invalid("values", "%d values for %d entries; give one for each, or for each at every point", len(values), len(entries))
	}
	d := &Directions{Start: start, Names: names}
	for k := range n {
		from, to := int(first[k]), int(first[k+1])
		direction := adjoint.Direction{Entries: ints(entries[from:to])}
		for row := 0; row < len(values); row += len(entries) {
			direction.Values = append(direction.Values, values[row+from:row+to]...)
		}
		d.Directions = append(d.Directions, direction)
	}
	return d, nil
}

// joined returns the values of all directions, point by point where one of them changes over the points.
func joined(directions []adjoint.Direction) []complex128 {
	rows := 1
	for i := range directions {
		rows = max(rows, len(directions[i].Values)/max(len(directions[i].Entries), 1))
	}
	var all []complex128
	for row := range rows {
		for i := range directions {
			n := len(directions[i].Entries)
			all = append(all, directions[i].Values[min(row*n, len(directions[i].Values)-n):][:n]...)
		}
	}
	return all
}
