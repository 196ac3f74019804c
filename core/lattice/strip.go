// Package lattice describes what is solved: sites, hoppings and Peierls phases, as a uniform strip or as a sparse graph.
package lattice

import (
	"math"

	"mcd/core/fault"
)

// Strip is a batch of scattering problems on a uniform strip: one geometry, one point per entry of Fields.
//
// Sites are (x, y), x = 0 … Length−1 along transport (x slowest in every array), y = 0 … Width−1 across. With the field
// φ = πBa²/φ₀ the hopping from slice x+1 to slice x is −t·exp(2iφy) (Peierls phase), inside a slice −t. The leads continue
// the strip on both sides with the same hopping and field and the on-site energy LeadOnsite.
type Strip struct {
	Length, Width int
	Hopping       float64   // t > 0, unit of every energy below is the caller's
	LeadOnsite    float64   // 4t is the band centre convention of the paper
	Fields        []float64 // φ of every point, any sign
	Energies      []float64 // energy of every point: len(Fields) values
}

// Points returns the number of scattering problems in the batch.
func (s *Strip) Points() int { return len(s.Fields) }

// Sites returns Length·Width.
func (s *Strip) Sites() int { return s.Length * s.Width }

// MaxSites bounds Length·Width of a strip: index arithmetic stays exact and sizes can be stated before allocating.
const MaxSites = 1 << 28

// Validate returns an Argument error for the first value that makes no sense.
func (s *Strip) Validate() error {
	switch {
	case s.Length < 1:
		return fault.Invalid("length", "%d sites along the wire; give at least 1", s.Length)
	case s.Width < 1:
		return fault.Invalid("width", "%d sites across the wire; give at least 1", s.Width)
	case s.Length > MaxSites/s.Width:
		return fault.Invalid("length", "%d × %d sites are more than the limit of %d; reduce the size", s.Length, s.Width, MaxSites)
	case !(s.Hopping > 0) || math.IsInf(s.Hopping, 0):
		return fault.Invalid("hopping", "%g; give a finite value above 0", s.Hopping)
	case !finite(s.LeadOnsite):
		return fault.Invalid("lead_onsite", "%g; give a finite value (4 times the hopping for the usual wire)", s.LeadOnsite)
	case len(s.Fields) == 0:
		return fault.Invalid("fields", "empty; give at least one field")
	case len(s.Energies) != len(s.Fields):
		return fault.Invalid("energy", "%d energies for %d fields; give one for each", len(s.Energies), len(s.Fields))
	}
	for i := range s.Fields {
		if !finite(s.Fields[i]) {
			return fault.Invalid("fields", "entry %d is %g; give finite values", i, s.Fields[i])
		}
		if !finite(s.Energies[i]) {
			return fault.Invalid("energy", "entry %d is %g; give finite values", i, s.Energies[i])
		}
	}
	return nil
}

// ValidateOnsite returns an Argument error unless onsite holds Sites finite values.
func (s *Strip) ValidateOnsite(onsite []float64) error {
	if len(onsite) != s.Sites() {
		return fault.Invalid("onsite", "%d values for %d × %d sites; give one for each", len(onsite), s.Length, s.Width)
	}
	for i, h := range onsite {
		if !finite(h) {
			return fault.Invalid("onsite", "site (%d, %d) is %g; give finite values", i/s.Width, i%s.Width, h)
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
