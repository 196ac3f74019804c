package lead

import (
	"context"
	"math"
	"sync"

	"mcd/core/fault"
	"mcd/core/parallel"
)

// SolveAll returns the leads named by params, in order, computing those it does not remember on the given number of
// threads (see parallel.Threads). It solves each distinct |Field| once. The result equals that of Solve to the last bit.
//
// Leads are kept in one memory for the whole process of at most CacheLimit bytes, the oldest making way: leads depend on
// neither length nor potential of a wire, so every wire of a sweep shares them.
func SolveAll(ctx context.Context, params []Params, threads int) ([]*Lead, error) {
	leads := make([]*Lead, len(params))
	first := map[Params]int{} // unsigned params to their position in todo
	var todo []Params
	for i, p := range params {
		if err := p.Validate(); err != nil {
			return nil, fault.Invalid("leads", "entry %d: %v", i, err)
		}
		key := p.unsigned()
		if _, known := first[key]; known {
			continue
		}
		first[key] = len(todo)
		todo = append(todo, key)
	}
	solved := make([]*Lead, len(todo))
	err := parallel.For(ctx, len(todo), threads, func(_, i int) (err error) {
		if solved[i] = cache.get(todo[i]); solved[i] == nil {
			if solved[i], err = solveUntil(ctx, todo[i]); err == nil {
				cache.put(solved[i])
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, p := range params {
		if leads[i] = solved[first[p.unsigned()]]; p.Field < 0 {
			leads[i] = leads[i].reversed()
		}
	}
	return leads, nil
}

// unsigned is p at |Field|.
func (p Params) unsigned() Params {
	p.Field = math.Abs(p.Field)
	return p
}

// CacheLimit bounds the bytes of the leads that SolveAll remembers.
const CacheLimit = 64 << 20

var cache = memory{leads: map[Params]*Lead{}}

// memory holds solved leads at Field ≥ 0, the oldest first in order.
type memory struct {
	mu    sync.Mutex
	leads map[Params]*Lead
	order []*Lead
	bytes int
}

func (m *memory) get(p Params) *Lead {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leads[p]
}

func (m *memory) put(l *Lead) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leads[l.Params] != nil || l.bytes() > CacheLimit {
		return
	}
	m.leads[l.Params] = l
	m.order = append(m.order, l)
	for m.bytes += l.bytes(); m.bytes > CacheLimit; {
		oldest := m.order[0]
		m.order = m.order[1:]
		m.bytes -= oldest.bytes()
		delete(m.leads, oldest.Params)
	}
}

// bytes is the memory that l takes, nearly.
func (l *Lead) bytes() int { return 16*len(l.F) + 8*len(l.Vectors) + 16*l.Modes + 256 }
