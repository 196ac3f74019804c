package optimize

import (
	"math"
	"slices"

	"mcd/core/fault"
)

// Schedule multiplies the learning rate by Factor from iteration Step on; factors of later entries multiply as well.
type Schedule []ScheduleStep

// ScheduleStep is one entry of a Schedule.
type ScheduleStep struct {
	Step   int
	Factor float64
}

// schedules of Hirasaki, Inui, Saitoh (2024): Sec. III A (the hidden defect) and Sec. III B (free sites).
var schedules = map[string]Schedule{
	"paper-defect": {{2000, 0.9}, {5000, 0.5}, {10000, 0.1}, {15000, 0.1}, {30000, 0.1}},
	"paper-sites":  {{2000, 0.9}, {5000, 0.5}, {10000, 0.1}, {15000, 0.1}, {30000, 0.1}},
}

// ScheduleNames lists the presets.
func ScheduleNames() []string { return []string{"paper-defect", "paper-sites"} }

// NamedSchedule returns a copy of a preset.
func NamedSchedule(name string) (Schedule, error) {
	s, ok := schedules[name]
	if !ok {
		return nil, fault.Invalid("schedule", "%q is not known; give one of %q or (step, factor) pairs", name, ScheduleNames())
	}
	return slices.Clone(s), nil
}

// Factor returns the product of all factors whose step is at most iteration (counted from 0).
func (s Schedule) Factor(iteration int) float64 {
	f := 1.0
	for _, e := range s {
		if iteration >= e.Step {
			f *= e.Factor
		}
	}
	return f
}

func (s Schedule) validate() error {
	for i, e := range s {
		if e.Step < 0 || !(e.Factor > 0) || math.IsInf(e.Factor, 0) {
			return fault.Invalid("schedule", "entry %d is (%d, %g); give steps of at least 0 and finite factors above 0", i, e.Step, e.Factor)
		}
	}
	return nil
}
