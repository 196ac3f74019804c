package inverse

import (
	"fmt"
	"slices"

	"mcd/core/fault"
)

// Coefficients makes every input of the engine a parameter, such as the coefficients of directions in which a device's
// Hamiltonian changes (adjoint.Directed).
type Coefficients struct {
	// Start holds the values to start from; at least one.
	Start []float64
	// Names of the coefficients, nil for "coefficient[0]" and so on.
	Names []string
}

// Build checks the description.
func (c Coefficients) Build() (Parametrization, error) {
	switch {
	case len(c.Start) == 0:
		return nil, fault.Invalid("start", "empty; give one value for each coefficient")
	case c.Names != nil && len(c.Names) != len(c.Start):
		return nil, fault.Invalid("names", "%d names for %d coefficients; give one for each", len(c.Names), len(c.Start))
	}
	if err := checkFinite("start", c.Start); err != nil {
		return nil, err
	}
	return &coefficients{sites{width: 1, start: slices.Clone(c.Start)}, slices.Clone(c.Names)}, nil
}

type coefficients struct {
	sites
	names []string
}

func (c *coefficients) Label(j int) string {
	if c.names != nil {
		return c.names[j]
	}
	return fmt.Sprintf("coefficient[%d]", j)
}
