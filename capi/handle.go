//go:build cgo

package main

// #include "guard.h"
import "C"

import (
	"fmt"
	"math/rand/v2"
	"sync"
)

// A handle is generation (32 bits) | kind (4) | slot (28). A slot's generation changes when it is freed, so that old
// handles are told from new ones; the first is random, so that a handle from another process or a made-up number is not
// taken for a live one.
const (
	kindShift       = 28
	generationShift = 32
	slotMask        = 1<<kindShift - 1
)

// object is what a handle names.
type object interface {
	kind() uint64
	// release gives back what the object holds; it is called once, when its handle is freed.
	release()
}

const (
	kindWire uint64 = iota + 1
	kindProblem
	kindJob
	kindResult
	kindSystem
)

var kindNames = map[uint64]string{kindWire: "wire", kindProblem: "problem", kindJob: "job", kindResult: "result", kindSystem: "system"}

type slot struct {
	generation uint32
	object     object // nil if the slot is free
}

// registry holds all live objects of the process.
var registry struct {
	sync.RWMutex
	slots []slot
	free  []uint32
}

// register gives an object its handle.
func register(o object) (C.mcd_handle, error) {
	registry.Lock()
	defer registry.Unlock()
	var i uint32
	if n := len(registry.free); n > 0 {
		i = registry.free[n-1]
		registry.free = registry.free[:n-1]
	} else {
		if len(registry.slots) > slotMask {
			return 0, &boundaryError{C.MCD_ERR_NOMEM, "more than 2^28 handles are alive; free some"}
		}
		i = uint32(len(registry.slots))
		registry.slots = append(registry.slots, slot{generation: rand.Uint32() | 1})
	}
	s := &registry.slots[i]
	s.object = o
	return C.mcd_handle(uint64(s.generation)<<generationShift | o.kind()<<kindShift | uint64(i)), nil
}

// find returns the slot of a live handle; the registry must be locked.
func find(h uint64) *slot {
	i := h & slotMask
	if i >= uint64(len(registry.slots)) {
		return nil
	}
	s := &registry.slots[i]
	if s.object == nil || uint64(s.generation) != h>>generationShift || s.object.kind() != h>>kindShift&15 {
		return nil
	}
	return s
}

// lookup returns the object of a handle, which must be of type T.
func lookup[T object](h C.mcd_handle) (T, error) {
	registry.RLock()
	defer registry.RUnlock()
	s := find(uint64(h))
	if s == nil {
		var none T
		return none, handleError(h, "names no live object: it was freed, or never given out")
	}
	o, ok := s.object.(T)
	if !ok {
		return o, handleError(h, fmt.Sprintf("names a %s; give one of a %s", kindNames[s.object.kind()], kindNames[o.kind()]))
	}
	return o, nil
}

func handleError(h C.mcd_handle, text string) error {
	return &boundaryError{C.MCD_ERR_HANDLE, fmt.Sprintf("handle: %#016x %s", uint64(h), text)}
}

//export go_mcd_free
func go_mcd_free(h C.mcd_handle) C.mcd_status {
	return enter(func() error {
		if h == 0 {
			return nil
		}
		o, err := withdraw(h)
		if err == nil {
			o.release()
		}
		return err
	})
}

// withdraw makes a handle invalid and returns its object.
func withdraw(h C.mcd_handle) (object, error) {
	registry.Lock()
	defer registry.Unlock()
	s := find(uint64(h))
	if s == nil {
		return nil, handleError(h, "names no live object: it was freed, or never given out")
	}
	o := s.object
	s.object = nil
	if s.generation += 2; s.generation != 1 { // odd for ever; a slot that has used all of them retires
		registry.free = append(registry.free, uint32(uint64(h)&slotMask))
	}
	return o, nil
}

//export go_mcd_live_handles
func go_mcd_live_handles(handles *C.int64_t) C.mcd_status {
	return enter(func() error {
		registry.RLock()
		defer registry.RUnlock()
		live := 0
		for i := range registry.slots {
			if registry.slots[i].object != nil {
				live++
			}
		}
		return store("handles", handles, C.int64_t(live))
	})
}
