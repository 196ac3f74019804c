package inverse

import (
	"context"

	"mcd/core/fault"
	"mcd/core/optimize"
)

// within runs a search under ctx and a limit of seconds, 0 for none. If one of them ends it and it has found something by then,
// that is its result, and status tells which.
func within(ctx context.Context, seconds float64, status *optimize.Status, search func(ctx context.Context) error, found func() bool) error {
	limited, cancel := optimize.Limited(ctx, seconds)
	defer cancel()
	err := search(limited)
	if fault.KindOf(err) != fault.Cancelled || !found() {
		return err
	}
	*status = optimize.Cancelled
	if ctx.Err() == nil && limited.Err() != nil {
		*status = optimize.Time
	}
	return nil
}
